"""Workflows of five steps by DBOS on PostgreSQL, as `cargo xtask bench kernel` has Carillon do them.

    python3 kernel_dbos.py FOLDER CONTACTS KILLS

Each contact goes through the steps of the bench's journey: decide, wait (a millisecond: nothing is kept of no time at all),
change the score, add the tag, and a last one that does nothing. DBOS keeps each step's outcome in the database before the next
one begins; so one step is one durable write. Workflows are called directly, without a queue in between, which would write
more, by a process a core (Python works on one) with sixteen threads each: more made it slower. Then the same on an empty database
with all processes of DBOS killed so many times on the way, each time after an equal part of the steps, and started again; the
database is not killed. Prints lines of JSON: durable steps a second from the first workflow to the end of the last, and whether the
tables then say that each contact went through all of them; and how many got their points twice, a kill: a step that a kill
cut off before its outcome was written is done again."""

import json
import os
import pathlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from servers import Postgres

THREADS = 16
STEPS = 5


def work(url, share, workers, contacts):
    """One process: says that it is ready, waits for its order, and says when it is done."""
    from dbos import DBOS, SetWorkflowID
    from psycopg_pool import ConnectionPool

    # Each has a name of its own, or one would take over what another is at.
    DBOS(config={
        "name": "bench", "executor_id": f"worker-{share}", "application_version": "1", "system_database_url": url,
        "log_level": "ERROR", "run_admin_server": False, "sys_db_pool_size": THREADS * 2,
    })
    pool = ConnectionPool(url, min_size=THREADS, max_size=THREADS, kwargs={"autocommit": True}, open=False)

    @DBOS.step()
    def decide(who):
        return "yes" if who % 2 else "no"

    @DBOS.step()
    def score(who):
        with pool.connection() as base:
            base.execute("UPDATE contacts SET points = points + 5 WHERE id = %s", [who])

    @DBOS.step()
    def tag(who):
        with pool.connection() as base:
            base.execute("UPDATE contacts SET tagged = true WHERE id = %s", [who])

    @DBOS.step()
    def nothing(who):
        return None

    @DBOS.workflow()
    def journey(who):
        decide(who)
        DBOS.sleep(0.001)
        score(who)
        tag(who)
        nothing(who)

    def go(who):
        name = f"contact-{who}"
        if name not in known:
            with SetWorkflowID(name):
                journey(who)
        elif known[name] != "SUCCESS":
            DBOS.retrieve_workflow(name).get_result()

    # What a process before this one was at goes on by itself from here.
    DBOS.launch()
    pool.open(wait=True)
    with pool.connection() as base:
        known = dict(base.execute("SELECT workflow_uuid, status FROM dbos.workflow_status").fetchall())
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(go, range(1 + share, contacts + 1, workers)):
            pass
    print("done", flush=True)
    pool.close()
    DBOS.destroy()


def start(url, share, workers, contacts):
    words = [sys.executable, "-B", __file__, "work", url, share, workers, contacts]
    worker = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    hear(worker, "ready")
    return worker


def hear(worker, word):
    for line in worker.stdout:
        if line.strip() == word:
            return
    raise SystemExit(f"A worker ended with {worker.wait()}.")


def measure(folder, contacts, kills):
    """Seconds, whether all was done, how many got their points twice, and the server's name."""
    workers = os.cpu_count()
    with Postgres(folder) as server:
        with server.connect() as base:
            base.execute("CREATE TABLE contacts(id integer PRIMARY KEY, points integer NOT NULL DEFAULT 0, tagged boolean)")
            base.execute("INSERT INTO contacts(id) SELECT generate_series(1, %s)", [contacts])
        # One after another: the first makes the tables.
        all_workers = [start(server.url(), share, workers, contacts) for share in range(workers)]
        begun = time.perf_counter()
        for kill in range(1, kills + 1):
            tell(all_workers)
            wait_for(server, contacts * STEPS * kill // (kills + 1))
            # One may have done its share.
            if all(worker.poll() is not None for worker in all_workers):
                raise SystemExit("What was to be killed ended by itself.")
            for worker in all_workers:
                worker.kill()
                worker.wait()
            all_workers = [start(server.url(), share, workers, contacts) for share in range(workers)]
        tell(all_workers)
        for worker in all_workers:
            hear(worker, "done")
        seconds = time.perf_counter() - begun
        for worker in all_workers:
            worker.wait()
        with server.connect() as base:
            ((right, points),) = base.execute(
                "SELECT count(*) FILTER (WHERE points >= 5 AND tagged), sum(points) FROM contacts").fetchall()
            ((steps,),) = base.execute("SELECT count(*) FROM dbos.operation_outputs").fetchall()
            ((done,),) = base.execute("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'").fetchall()
        same = right == done == contacts and steps == contacts * STEPS
        return seconds, same, points // 5 - contacts, server.name()


def tell(workers):
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()


def wait_for(server, steps):
    with server.connect() as base:
        while base.execute("SELECT count(*) FROM dbos.operation_outputs").fetchone()[0] < steps:
            time.sleep(0.05)


def main(folder, contacts, kills):
    from importlib.metadata import version

    lines = []
    for of, name, killed in [("kernel.journey", "postgres-dbos", 0), ("kernel.killed", "postgres-dbos-killed", kills)]:
        seconds, same, twice, server = measure(folder / name, contacts, killed)
        peer = f"DBOS {version('dbos')} on {server}"
        number = round(contacts * STEPS / seconds, 1)
        lines.append({"of": of, "peer": peer, "number": number, "same": same and (killed > 0 or twice == 0)})
        if killed:
            lines.append({"of": f"{of}.twice", "peer": peer, "number": twice / killed, "same": same})
    for line in lines:
        print(json.dumps(line))
    return 0 if all(line["same"] for line in lines) else 1


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        sys.exit(main(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])))
