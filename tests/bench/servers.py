"""Database servers for the time of one measurement: on loopback, on a free port, with a data folder of their own, started
as an ordinary user and ended by their process id. Nothing of the machine's own servers is used or touched.

A server is told what somebody with this machine would tell it (a quarter of the memory, bulk work in few checkpoints) and
keeps its promise to the disk: a commit it answers is on it. Python 3.11, standard library only.
"""

import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 120
PR_SET_PDEATHSIG = 1


def memory() -> int:
    """Bytes of memory the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def buffers_mb() -> int:
    """A quarter of the memory, at most 4 GB: what both servers' manuals advise."""
    return min(memory() // 4, 4 << 30) >> 20


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def nobody() -> dict:
    """The servers refuse to be root; then they are nobody."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def home(folder: pathlib.Path) -> pathlib.Path:
    """`folder`, made and given to the server's user; or one elsewhere, where its user cannot reach the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    who = nobody()
    if who:
        closed = [parent for parent in folder.absolute().parents if not parent.stat().st_mode & 0o001]
        if closed:
            note = folder.with_suffix(".elsewhere")
            if not note.exists():
                note.write_text(tempfile.mkdtemp(prefix="carillon-bench-", dir="/var/tmp"))
            folder = pathlib.Path(note.read_text())
    folder.mkdir(exist_ok=True)
    if who:
        os.chown(folder, who["user"], who["group"])
    folder.chmod(0o700)
    return folder


def find(program: str) -> str:
    """The program, also where Debian keeps a server's own."""
    places = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=path)
    if not found:
        raise SystemExit(f"{program} is not installed.")
    return found


def dies_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def group_mb(pid: int) -> float:
    """Memory of a process and its children in MB; a page they share counts once."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    kilobytes, look = 0, [pid]
    while look:
        one = look.pop()
        look += children.get(one, [])
        try:
            text = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kilobytes / 1e3


class Server:
    """A running server; `with` ends it. Subclasses say how its folder is made and how it is started."""

    stop_signal = signal.SIGTERM

    def __init__(self, folder: pathlib.Path):
        self.folder = home(folder)
        self.port = free_port()
        self.log = open(folder.with_suffix(".log"), "ab")
        self.running = None

    def say(self, command: list) -> None:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd="/", **nobody())
        if done.returncode:
            raise SystemExit(f"{command[0]} failed; see {self.log.name}")

    def __enter__(self):
        if not (self.folder / "made").exists():
            self.make()
            (self.folder / "made").touch()
        self.running = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd="/",
            preexec_fn=dies_with_us, **nobody(),
        )
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
                return self
            except Exception as problem:  # Each driver has an error of its own for a server that is not there yet.
                if time.monotonic() > until or self.running.poll() is not None:
                    self.__exit__()
                    raise SystemExit(f"{self.command()[0]} does not answer ({problem}); see {self.log.name}") from problem
            time.sleep(0.1)

    def __exit__(self, *_):
        if self.running.poll() is None:
            self.running.send_signal(self.stop_signal)
            try:
                self.running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()
        self.log.close()

    def memory_mb(self) -> float:
        return group_mb(self.running.pid)


class Postgres(Server):
    # A fast shutdown: it does not wait for clients, and leaves nothing to recover.
    stop_signal = signal.SIGINT

    def make(self) -> None:
        self.say([
            find("initdb"), "--pgdata", str(self.folder / "data"), "--username", "bench", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C", "--no-instructions",
        ])

    def command(self) -> list:
        told = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
            "shared_buffers": f"{buffers_mb()}MB", "effective_cache_size": f"{(memory() >> 21)}MB",
            "work_mem": "256MB", "maintenance_work_mem": "1GB", "wal_buffers": "64MB", "max_wal_size": "16GB",
            "checkpoint_timeout": "30min", "random_page_cost": "1.1", "effective_io_concurrency": "200",
            "fsync": "on", "synchronous_commit": "on",
        }
        words = [word for name, value in told.items() for word in ("-c", f"{name}={value}")]
        return [find("postgres"), "-D", str(self.folder / "data"), *words]

    def connect(self):
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="bench", dbname="postgres", connect_timeout=5)

    def url(self) -> str:
        return f"postgresql://bench@127.0.0.1:{self.port}/postgres"

    def name(self) -> str:
        with self.connect() as base:
            return "PostgreSQL " + base.execute("SHOW server_version").fetchone()[0].split()[0]


class MariaDb(Server):
    def options(self) -> list:
        return [
            "--no-defaults", f"--datadir={self.folder / 'data'}", f"--innodb-buffer-pool-size={buffers_mb()}M",
            "--innodb-log-file-size=2G",
        ]

    def make(self) -> None:
        who = ["--user=nobody"] if nobody() else []
        self.say([
            find("mariadb-install-db"), *self.options(), *who, "--auth-root-authentication-method=normal", "--skip-test-db",
            "--skip-name-resolve",
        ])

    def command(self) -> list:
        return [
            find("mariadbd"), *self.options(), "--bind-address=127.0.0.1", f"--port={self.port}",
            "--socket=socket", f"--pid-file={self.folder / 'pid'}", "--skip-name-resolve", "--local-infile=1",
            "--sort-buffer-size=64M", "--join-buffer-size=64M", "--tmp-table-size=1G", "--max-heap-table-size=1G",
            "--innodb-flush-log-at-trx-commit=1", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
        ]

    def connect(self):
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", local_infile=True, autocommit=True, connect_timeout=5,
        )

    def name(self) -> str:
        with self.connect() as base, base.cursor() as ask:
            ask.execute("SELECT version()")
            return "MariaDB " + ask.fetchone()[0].split("-")[0]
