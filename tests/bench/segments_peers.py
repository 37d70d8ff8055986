"""The four queries of `cargo xtask bench segments` in DuckDB and SQLite, on the rows that bench left behind.

    python3 segments_peers.py FOLDER

FOLDER holds contacts.csv, events.csv and counts.json. Prints a line of JSON for each peer and query with the median of
seven runs in milliseconds, loading aside, and whether the count is the same as ours. Ends with 1 when one is not."""

import json
import pathlib
import sqlite3
import statistics
import sys
import time

ROUNDS = 7
DAY = 86_400_000

SQL = {
    "S1": "SELECT count(*) FROM contacts WHERE country = 'DE' AND points >= 500 AND plan IN ('team', 'pro')",
    "S2": """SELECT count(*) FROM contacts c JOIN (SELECT contact FROM events WHERE type = 3 AND "at" > {month_ago}
             GROUP BY contact HAVING count(*) >= 2) e ON e.contact = c.contact WHERE c.country = 'DE'""",
    "S3": """SELECT count(*) FROM contacts c WHERE c.agreed = 1 AND NOT EXISTS (SELECT 1 FROM events e
             WHERE e.contact = c.contact AND e.type = 5 AND e."at" > {quarter_ago})""",
    "S4": """SELECT count(*) FROM (SELECT contact FROM events WHERE type = 7 AND campaign = 17
             EXCEPT SELECT contact FROM events WHERE type = 7 AND campaign = 18)""",
}


def duck(folder):
    import duckdb

    base = duckdb.connect()
    for table in ("contacts", "events"):
        base.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder / table}.csv')")
    return base, f"DuckDB {duckdb.__version__}"


def sqlite(folder):
    import csv

    base = sqlite3.connect(folder / "peer.sqlite")
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    base.execute("PRAGMA cache_size = -800000")
    base.execute("CREATE TABLE contacts(contact INTEGER PRIMARY KEY, email, country, points INTEGER, plan, agreed INTEGER)")
    base.execute("CREATE TABLE events(contact INTEGER, type INTEGER, at INTEGER, campaign INTEGER)")
    for table, columns in (("contacts", 6), ("events", 4)):
        with open(folder / f"{table}.csv", newline="", encoding="ascii") as file:
            rows = csv.reader(file)
            next(rows)
            base.executemany(f"INSERT INTO {table} VALUES({', '.join('?' * columns)})", rows)
    # What a list of this size would have: an index that answers each of the questions alone.
    base.execute("CREATE INDEX by_type ON events(type, at, contact)")
    base.execute("CREATE INDEX by_contact ON events(contact, type, at)")
    base.execute("CREATE INDEX by_campaign ON events(type, campaign, contact)")
    base.execute("ANALYZE")
    return base, f"SQLite {sqlite3.sqlite_version}"


def main(folder):
    told = json.loads((folder / "counts.json").read_text("utf-8"))
    wrong = False
    for open_peer in (duck, sqlite):
        base, name = open_peer(folder)
        for query in told["queries"]:
            sql = SQL[query["query"]].format(month_ago=told["now"] - 30 * DAY, quarter_ago=told["now"] - 90 * DAY)
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                (count,) = base.execute(sql).fetchone()
                times.append((time.perf_counter() - begun) * 1e3)
            same = count == query["count"]
            wrong |= not same
            told_of = {"query": query["query"], "peer": name, "ms": round(statistics.median(times), 3), "same": same}
            print(json.dumps(told_of), flush=True)
        base.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
