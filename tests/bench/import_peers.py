"""Other programs take in the list that `cargo xtask bench import` has just imported, with the same outcome.

    python3 import_peers.py CSV KEPT WORKSPACE FOLDER

CSV is the list, KEPT the people who must be there afterwards (both of make_people.py), WORKSPACE the file Carillon made,
which is looked at first. Each peer prints a line of JSON: `of`, `peer`, rows a second, and whether what it left is right:
the same addresses, as many consents, and one row that says which contacts the import made. Ends with 1 when one is not.

What all have to do: refuse rows of a wrong width and addresses that are none, keep each address once (case and blanks
aside), keep values with their types, a row of consent for each contact, and something by which the import can be taken
back; and at the end all of it is on the disk. The servers run and have their tables before the clock starts.

- "one by one": what a mailing-list program does that checks rows itself and sends one statement a row, with a commit each
  10,000: contact, membership and consent in one statement, prepared, and sent in a pipeline, so that nobody waits for
  answers. The statement is our own, of that shape.
- "COPY": the fast way. Rows go into a table without rules; SQL checks them and puts them into the same tables.
- DuckDB: the same in its SQL, with its own reader of CSV, into a file of its own.
- `sqlite3 .import` only reads the list into a table of texts: no check, no uniqueness, no consent. It does less.
"""

import csv
import datetime
import io
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import time

import duckdb
import psycopg

from servers import Postgres

COLUMNS = [
    "email", "first_name", "last_name", "city", "country", "language", "time_zone", "birthday", "favourite", "orders",
    "spent", "member", "notes",
]
COMMIT_EACH = 10_000
# RFC 5322's dot-atom before the @, a host name with a dot behind it; RFC 5321's lengths. Without a bound on the length of
# a label, which makes PostgreSQL's expressions ten times slower and which this list does not break.
ADDRESS = (
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?"
)
ADDRESS_RE = re.compile(ADDRESS)

TABLES = """
CREATE TABLE contacts(
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  attribs jsonb NOT NULL,
  status text NOT NULL DEFAULT 'enabled',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE lists(id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO lists VALUES (1, 'Everybody');
CREATE TABLE memberships(
  contact integer NOT NULL REFERENCES contacts(id) ON DELETE CASCADE,
  list integer NOT NULL REFERENCES lists(id),
  status text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY(contact, list)
);
CREATE TABLE consents(
  contact integer NOT NULL,
  channel smallint NOT NULL,
  purpose smallint NOT NULL,
  basis smallint NOT NULL,
  source text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY(contact, channel, purpose)
);
CREATE TABLE imports(id integer PRIMARY KEY, first_contact integer, last_contact integer, at timestamptz DEFAULT now());
"""

ONE_ROW = """
WITH who AS (
  INSERT INTO contacts(email, name, attribs) VALUES (%s, %s, %s::jsonb)
  ON CONFLICT (email) DO UPDATE SET name = excluded.name, attribs = excluded.attribs, updated_at = now()
  RETURNING id
), listed AS (
  INSERT INTO memberships(contact, list, status) SELECT id, 1, 'confirmed' FROM who
  ON CONFLICT (contact, list) DO UPDATE SET status = excluded.status
)
INSERT INTO consents(contact, channel, purpose, basis, source) SELECT id, 0, 0, 0, 'import 1' FROM who
ON CONFLICT DO NOTHING
"""

TOKEN = "INSERT INTO imports(id, first_contact, last_contact) SELECT 1, min(id), max(id) FROM contacts"


def rows_of(path):
    """Rows of the right width. A text of PostgreSQL cannot hold NUL; it becomes a blank, as in Carillon."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(line.replace("\0", " ") for line in file)
        next(rows)
        yield from (row for row in rows if len(row) == len(COLUMNS))


def typed(row):
    """A row as the values it means, or None where its address is none."""
    email = row[0].strip().lower()
    if len(email) > 254 or email.find("@") > 64 or not ADDRESS_RE.fullmatch(email):
        return None
    values = dict(zip(COLUMNS[3:12], row[3:12]))
    values["birthday"] = datetime.date.fromisoformat(values["birthday"]).isoformat()
    values["orders"] = int(values["orders"])
    amount, currency = values.pop("spent").split(" ")
    values["spent_minor"], values["currency"] = round(float(amount) * 100), currency
    values["member"] = values["member"] == "yes"
    return email, f"{row[1]} {row[2]}".strip(), json.dumps(values, ensure_ascii=False)


def one_by_one(path, base):
    batch = []
    with base.cursor() as ask:

        def flush():
            # psycopg sends these in a pipeline of one prepared statement.
            ask.executemany(ONE_ROW, batch)
            base.commit()
            batch.clear()

        for row in rows_of(path):
            who = typed(row)
            if who:
                batch.append(who)
            if len(batch) == COMMIT_EACH:
                flush()
        flush()
        ask.execute(TOKEN)
    base.commit()


CHECKED = f"""
SELECT DISTINCT ON (address) address, btrim(first_name || ' ' || last_name),
  jsonb_build_object('city', city, 'country', country, 'language', language, 'time_zone', time_zone,
    'birthday', birthday::date, 'favourite', favourite, 'orders', orders::integer,
    'spent_minor', (split_part(spent, ' ', 1)::numeric * 100)::bigint, 'currency', split_part(spent, ' ', 2),
    'member', member = 'yes')
FROM (SELECT lower(btrim(email, E' \\t\\r\\n')) AS address, * FROM stage) s
WHERE length(address) <= 254 AND strpos(address, '@') <= 65 AND address ~ '^({ADDRESS.replace("'", "''")})$'
ORDER BY address, line
"""


def copied(path, base):
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with base.cursor() as ask:
        ask.execute(f"CREATE TEMP TABLE stage(line integer GENERATED ALWAYS AS IDENTITY, {columns}) ON COMMIT DROP")
        with ask.copy(f"COPY stage({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv, NULL '\\N')") as copy:
            block = io.StringIO()
            write = csv.writer(block, lineterminator="\n").writerow
            for n, row in enumerate(rows_of(path)):
                write(row)
                if n % 5_000 == 4_999:
                    copy.write(block.getvalue())
                    block.seek(0)
                    block.truncate()
            copy.write(block.getvalue())
        ask.execute(f"INSERT INTO contacts(email, name, attribs) {CHECKED} ON CONFLICT DO NOTHING")
        ask.execute("INSERT INTO memberships(contact, list, status) SELECT id, 1, 'confirmed' FROM contacts")
        ask.execute(
            "INSERT INTO consents(contact, channel, purpose, basis, source) SELECT id, 0, 0, 0, 'import 1' FROM contacts"
        )
        ask.execute(TOKEN)
    base.commit()


def in_duckdb(path, base):
    base.execute("BEGIN")
    base.execute(
        f"""
        INSERT INTO contacts BY NAME
        SELECT row_number() OVER () AS id, * FROM (
          SELECT address AS email, first_name, last_name, city, country, language, time_zone, birthday::DATE AS birthday,
            favourite, orders::INTEGER AS orders, round(split_part(spent, ' ', 1)::DOUBLE * 100)::BIGINT AS spent_minor,
            split_part(spent, ' ', 2) AS currency, member = 'yes' AS member
          FROM (
            SELECT lower(trim(email, E' \\t\\r\\n')) AS address, * FROM read_csv('{path}', header = true, all_varchar = true,
              delim = ',', quote = '"', escape = '"', ignore_errors = true, null_padding = false, strict_mode = true)
          )
          WHERE length(address) <= 254 AND strpos(address, '@') <= 65 AND regexp_full_match(address, ?)
          QUALIFY row_number() OVER (PARTITION BY address) = 1
        )
        """,
        [ADDRESS],
    )
    base.execute("INSERT INTO consents SELECT id, 0, 0, 0, 'import 1', now() FROM contacts")
    base.execute("INSERT INTO imports SELECT 1, min(id), max(id), now() FROM contacts")
    base.execute("COMMIT")
    base.execute("CHECKPOINT")


DUCK_TABLES = """
CREATE TABLE contacts(
  id INTEGER PRIMARY KEY, email VARCHAR NOT NULL UNIQUE, first_name VARCHAR, last_name VARCHAR, city VARCHAR,
  country VARCHAR, language VARCHAR, time_zone VARCHAR, birthday DATE, favourite VARCHAR, orders INTEGER,
  spent_minor BIGINT, currency VARCHAR, member BOOLEAN
);
CREATE TABLE consents(
  contact INTEGER, channel TINYINT, purpose TINYINT, basis TINYINT, source VARCHAR, "at" TIMESTAMPTZ
);
CREATE TABLE imports(id INTEGER PRIMARY KEY, first_contact INTEGER, last_contact INTEGER, "at" TIMESTAMPTZ);
"""


def left(base, kept):
    """Whether exactly the people to be kept are there, with a consent each, and the import knows whom it made."""
    ask = lambda query: base.execute(query).fetchall()
    there = [email for (email,) in ask("SELECT email FROM contacts")]
    ((consents,),) = ask("SELECT count(*) FROM consents")
    ((first, last),) = ask("SELECT first_contact, last_contact FROM imports")
    ((low, high),) = ask("SELECT min(id), max(id) FROM contacts")
    return len(there) == len(kept) and set(there) == kept and consents == len(kept) and (first, last) == (low, high)


def of_carillon(workspace, kept):
    """The same of what Carillon left, read without its code."""
    base = sqlite3.connect(f"file:{workspace}?mode=ro", uri=True)
    ask = lambda query: base.execute(query).fetchall()
    there = [email for (email,) in ask("SELECT email FROM contacts")]
    ((consents,),) = ask("SELECT count(*) FROM consents WHERE action = 1")
    ((first, last),) = ask("SELECT first_row, last_row FROM imports")
    ((low, high),) = ask("SELECT min(id), max(id) FROM contacts")
    base.close()
    return len(there) == len(kept) and set(there) == kept and consents == len(kept) and (first, last) == (low, high)


def main(path, kept_path, workspace, folder):
    with open(kept_path, encoding="utf-8") as file:
        kept = {json.loads(line)["email"] for line in file}
    rows = count_rows(path)
    wrong = False

    def told(peer, seconds, right):
        nonlocal wrong
        wrong |= not right
        line = {"of": "import", "peer": peer, "number": round(rows / seconds, 1), "same": right}
        print(json.dumps(line), flush=True)

    if not of_carillon(workspace, kept):
        print(json.dumps({"of": "import", "peer": "Carillon's own file", "number": 0, "same": False}), flush=True)
        return 1
    for name, way in (("one by one", one_by_one), ("COPY", copied)):
        with Postgres(folder / f"postgres-{way.__name__}") as server:
            with server.connect() as base:
                base.execute(TABLES)
                base.commit()
                begun = time.perf_counter()
                way(path, base)
                seconds = time.perf_counter() - begun
                told(f"{server.name()} {name}", seconds, left(base, kept))
    base = duckdb.connect(str(folder / "peer.duckdb"))
    base.execute(DUCK_TABLES)
    begun = time.perf_counter()
    in_duckdb(path, base)
    seconds = time.perf_counter() - begun
    told(f"DuckDB {duckdb.__version__}", seconds, left(base, kept))
    base.close()
    file = folder / "peer.sqlite"
    begun = time.perf_counter()
    subprocess.run(
        ["sqlite3", str(file)], check=True, stderr=subprocess.DEVNULL, text=True,
        input=f'PRAGMA journal_mode = WAL;\nPRAGMA synchronous = FULL;\n.import --csv "{path}" contacts\n',
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - begun
    base = sqlite3.connect(file)
    ((there,),) = base.execute("SELECT count(*) FROM contacts").fetchall()
    told(f"sqlite3 .import {sqlite3.sqlite_version} (does less)", seconds, there >= rows)
    return 1 if wrong else 0


def count_rows(path):
    """Rows of the list, good and bad; blank lines are none."""
    with open(path, newline="", encoding="utf-8") as file:
        return sum(1 for row in csv.reader(file) if row) - 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])))
