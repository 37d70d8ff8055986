"""Workflows of five steps by DBOS on PostgreSQL, as `cargo xtask bench kernel` has Carillon do them.

    python3 kernel_dbos.py FOLDER CONTACTS

Each contact goes through the steps of the bench's journey: decide, wait (a millisecond: nothing is kept of no time at all), change the score, add the tag, and
a last one that does nothing. DBOS keeps each step's outcome in the database before the next one begins; so one step is one
durable write, in as many workflows at a time as there are threads, called directly, without a queue in between, which
would write more. Prints a line of JSON: durable steps a second from the first workflow to the end of the last, and whether the
tables then say that each contact went through all of them once."""

import json
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from servers import Postgres

AT_ONCE = 32
STEPS = 5


def main(folder, contacts):
    from dbos import DBOS, SetWorkflowID
    from importlib.metadata import version

    with Postgres(folder / "postgres-dbos") as server:
        with server.connect() as base:
            base.autocommit = True
            base.execute("CREATE TABLE contacts(id integer PRIMARY KEY, points integer NOT NULL DEFAULT 0, tagged boolean)")
            base.execute("INSERT INTO contacts(id) SELECT generate_series(1, %s)", [contacts])
        url = server.url()
        DBOS(config={
            "name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False,
            "sys_db_pool_size": AT_ONCE * 2,
        })
        from psycopg_pool import ConnectionPool

        pool = ConnectionPool(url, min_size=AT_ONCE, max_size=AT_ONCE, kwargs={"autocommit": True}, open=False)

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
        begun = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for _ in threads.map(go, range(1, contacts + 1)):
                pass
        seconds = time.perf_counter() - begun
        pool.close()
        DBOS.destroy()
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
    sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
