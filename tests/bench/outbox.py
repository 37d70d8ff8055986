"""Reads the outbox of a copied workspace file, apart from Carillon's own code.

    python3 outbox.py COPY [--rows]

COPY is a copy of the file with its `-wal` beside it. Prints one JSON object: `integrity` (what SQLite's own check says),
`states` (rows by state number) and, with --rows, `rows` (address and state number of each row).
Python 3.11, standard library only.
"""

import json
import sqlite3
import sys


def main() -> None:
    path = sys.argv[1]
    database = sqlite3.connect(path)
    answer = {
        "integrity": database.execute("PRAGMA integrity_check").fetchone()[0],
        "states": {
            str(state): count
            for state, count in database.execute("SELECT state, count(*) FROM outbox GROUP BY state")
        },
    }
    if "--rows" in sys.argv[2:]:
        answer["rows"] = database.execute(
            "SELECT lower(contacts.email), outbox.state FROM outbox JOIN contacts ON contacts.id = outbox.contact"
        ).fetchall()
    json.dump(answer, sys.stdout)


main()
