"""Reads what an import left in a copied workspace file, apart from Carillon's own code.

    python3 people.py COPY

COPY is a copy of the file with its `-wal` beside it. Prints one JSON object: `integrity` (what SQLite's own check says),
`imports` ([id, state] of each, in order), `people` (how many contacts) and `digest`, a SHA-256 over everything the
import wrote that does not depend on when: addresses, names, custom values, tags, the consent ledger, and the counts it
kept. Contacts are told by their address, because their numbers may differ.
Python 3.11, standard library only.
"""

import hashlib
import json
import sqlite3
import sys


def main() -> None:
    database = sqlite3.connect(sys.argv[1])
    ask = database.execute
    custom = [row[1] for row in ask("PRAGMA table_info(contact_fields)") if row[1] != "contact"]
    labels = {f"f{ident}": key for ident, key in ask("SELECT id, key FROM fields")}
    columns = ["email", "first_name", "last_name", "phone", "country", "city", "language", "time_zone", "suppressed"]
    chosen = [f"contacts.{c}" for c in columns] + [f"contact_fields.{c}" for c in custom]
    people = ask(
        f"SELECT {', '.join(chosen)} FROM contacts"
        " LEFT JOIN contact_fields ON contact_fields.contact = contacts.id ORDER BY contacts.email"
    ).fetchall()
    names = columns + [labels.get(c, c) for c in custom]
    tags = ask(
        "SELECT contacts.email, tags.name FROM contact_tags JOIN tags ON tags.id = contact_tags.tag"
        " JOIN contacts ON contacts.id = contact_tags.contact ORDER BY 1, 2"
    ).fetchall()
    ledger = ask(
        "SELECT contacts.email, channel, purpose, action, basis FROM consents"
        " JOIN contacts ON contacts.id = consents.contact ORDER BY 1, 2, 3, 4, 5"
    ).fetchall()
    counts = ask(
        "SELECT sum(added), sum(changed), sum(unchanged), sum(duplicate), sum(invalid), sum(suppressed) FROM imports"
    ).fetchone()
    whole = json.dumps([names, people, tags, ledger, counts], ensure_ascii=False)
    json.dump(
        {
            "integrity": ask("PRAGMA integrity_check").fetchone()[0],
            "imports": ask("SELECT id, state FROM imports ORDER BY id").fetchall(),
            "people": len(people),
            "digest": hashlib.sha256(whole.encode()).hexdigest(),
        },
        sys.stdout,
    )


main()
