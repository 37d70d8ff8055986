"""Workflows of five steps by DBOS on PostgreSQL, as `cargo xtask bench kernel` has Carillon do them.

    python3 kernel_dbos.py FOLDER CONTACTS

Each contact goes through the steps of the bench's journey: decide, wait (a millisecond: nothing is kept of no time at all),
change the score, add the tag, and a last one that does nothing. DBOS keeps each step's outcome in the database before the next
one begins; so one step is one durable write. Workflows are called directly, without a queue in between, which would write
more, by a process a core (Python works on one) with sixteen threads each: more made it slower. Prints a line of JSON: durable
steps a second from the first workflow to the end of the last, and whether the tables then say that each contact went through
all of them once."""

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
        with SetWorkflowID(f"contact-{who}"):
            journey(who)

    DBOS.launch()
    pool.open(wait=True)
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


def main(folder, contacts):
    from importlib.metadata import version

    workers = os.cpu_count()
    with Postgres(folder / "postgres-dbos") as server:
        with server.connect() as base:
            base.execute("CREATE TABLE contacts(id integer PRIMARY KEY, points integer NOT NULL DEFAULT 0, tagged boolean)")
            base.execute("INSERT INTO contacts(id) SELECT generate_series(1, %s)", [contacts])
        # One after another: the first makes the tables.
        all_workers = [start(server.url(), share, workers, contacts) for share in range(workers)]
        begun = time.perf_counter()
        for worker in all_workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in all_workers:
            hear(worker, "done")
        seconds = time.perf_counter() - begun
        for worker in all_workers:
            worker.wait()
        with server.connect() as base:
            ((right,),) = base.execute("SELECT count(*) FROM contacts WHERE points = 5 AND tagged").fetchall()
            ((steps,),) = base.execute("SELECT count(*) FROM dbos.operation_outputs").fetchall()
            ((done,),) = base.execute("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'").fetchall()
        same = right == done == contacts and steps == contacts * STEPS
        line = {
            "of": "kernel.journey", "peer": f"DBOS {version('dbos')} on {server.name()}",
            "number": round(contacts * STEPS / seconds, 1), "same": same,
        }
        print(json.dumps(line))
        return 0 if same else 1


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
