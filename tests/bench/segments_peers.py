"""The four queries of `cargo xtask bench segments` in other programs, on the rows that bench left behind.

    python3 segments_peers.py FOLDER load|count PEER

FOLDER holds contacts.csv, events.csv and counts.json. PEER is duckdb, sqlite, postgres, mariadb or chdb; each has a process
of its own, so that its memory is its own. `load` puts the rows into a database in FOLDER, with an index for each of the
questions, sorted where the program has no indexes, and with its statistics made. `count` opens it again and prints a line of JSON for each
query with the median of seven counts in milliseconds (after one that does not count, so that every page is in memory) and
whether the answer is ours, and one with the memory it then stands in: of a server, all its processes, shared pages once.
Ends with 1 when an answer is not ours."""

import contextlib
import csv
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
    "S2": """SELECT count(*) FROM contacts c JOIN (SELECT contact FROM events WHERE type = 3 AND happened > {month_ago}
             GROUP BY contact HAVING count(*) >= 2) e ON e.contact = c.contact WHERE c.country = 'DE'""",
    "S3": """SELECT count(*) FROM contacts c WHERE c.agreed = 1 AND NOT EXISTS (SELECT 1 FROM events e
             WHERE e.contact = c.contact AND e.type = 5 AND e.happened > {quarter_ago})""",
    "S4": """SELECT count(*) FROM (SELECT contact FROM events WHERE type = 7 AND campaign = 17
             EXCEPT SELECT contact FROM events WHERE type = 7 AND campaign = 18) who""",
}
# What a list of this size would have: an index that answers each of the questions alone.
INDEXES = [
    "CREATE INDEX by_country ON contacts(country, plan, points)",
    "CREATE INDEX by_agreed ON contacts(agreed, contact)",
    "CREATE INDEX by_type ON events(type, happened, contact)",
    "CREATE INDEX by_contact ON events(contact, type, happened)",
    "CREATE INDEX by_campaign ON events(type, campaign, contact)",
]
TABLES = [
    "CREATE TABLE contacts(contact INTEGER PRIMARY KEY, email VARCHAR(100) NOT NULL UNIQUE, country VARCHAR(2), "
    "points INTEGER, plan VARCHAR(10), agreed SMALLINT)",
    "CREATE TABLE events(contact INTEGER NOT NULL, type SMALLINT NOT NULL, happened BIGINT NOT NULL, campaign SMALLINT)",
]
FILES = {"contacts": 6, "events": 4}


def own_mb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1e3


class Duckdb:
    """Rows sorted by type and moment: it has no index it would use here, but skips blocks by their least and most."""

    @contextlib.contextmanager
    def opened(self, folder):
        import duckdb

        self.name = f"DuckDB {duckdb.__version__}"
        self.base = duckdb.connect(str(folder / "peer.duckdb"))
        yield self
        self.base.close()

    def load(self, folder):
        self.base.execute(f"CREATE TABLE contacts AS SELECT * FROM read_csv('{folder / 'contacts.csv'}')")
        self.base.execute(
            'CREATE TABLE events AS SELECT contact, type, "at" AS happened, campaign '
            f"FROM read_csv('{folder / 'events.csv'}') ORDER BY type, happened"
        )
        self.base.execute("CHECKPOINT")

    def count(self, query, sql):
        return self.base.execute(sql).fetchone()[0]

    def memory_mb(self):
        return own_mb()


class Sqlite:
    @contextlib.contextmanager
    def opened(self, folder):
        self.name = f"SQLite {sqlite3.sqlite_version}"
        self.base = sqlite3.connect(folder / "peer.sqlite")
        self.base.execute("PRAGMA cache_size = -800000")
        yield self
        self.base.close()

    def load(self, folder):
        self.base.execute("PRAGMA journal_mode = OFF")
        self.base.execute("PRAGMA synchronous = OFF")
        for table in TABLES:
            self.base.execute(table)
        for table, columns in FILES.items():
            with open(folder / f"{table}.csv", newline="", encoding="ascii") as file:
                rows = csv.reader(file)
                next(rows)
                self.base.executemany(f"INSERT INTO {table} VALUES({', '.join('?' * columns)})", rows)
        for index in INDEXES:
            self.base.execute(index)
        self.base.execute("ANALYZE")
        self.base.commit()

    def count(self, query, sql):
        return self.base.execute(sql).fetchone()[0]

    memory_mb = Duckdb.memory_mb


class Postgres:
    @contextlib.contextmanager
    def opened(self, folder):
        import servers

        with servers.Postgres(folder / "postgres") as self.server, self.server.connect() as self.base:
            self.base.autocommit = True
            self.name = self.server.name()
            yield self

    def load(self, folder):
        for table in TABLES:
            self.base.execute(table)
        with self.base.cursor() as ask:
            for table in FILES:
                with open(folder / f"{table}.csv", "rb") as file, ask.copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
                    while block := file.read(1 << 20):
                        copy.write(block)
        for index in INDEXES:
            self.base.execute(index)
        self.base.execute("VACUUM (FREEZE, ANALYZE)")
        self.base.execute("CHECKPOINT")

    def count(self, query, sql):
        return self.base.execute(sql).fetchone()[0]

    def memory_mb(self):
        return self.server.memory_mb()


class Mariadb:
    @contextlib.contextmanager
    def opened(self, folder):
        import servers

        with servers.MariaDb(folder / "mariadb") as self.server, self.server.connect() as base:
            with base.cursor() as self.ask:
                self.ask.execute("CREATE DATABASE IF NOT EXISTS bench")
                self.ask.execute("USE bench")
                self.name = self.server.name()
                yield self

    def load(self, folder):
        for table in TABLES:
            self.ask.execute(table)
        for table in FILES:
            self.ask.execute(
                f"LOAD DATA LOCAL INFILE '{folder / table}.csv' INTO TABLE {table} FIELDS TERMINATED BY ',' IGNORE 1 LINES"
            )
        for index in INDEXES:
            self.ask.execute(index)
        self.ask.execute("ANALYZE TABLE contacts, events")

    def count(self, query, sql):
        self.ask.execute(sql)
        return self.ask.fetchone()[0]

    memory_mb = Postgres.memory_mb


class Chdb:
    """ClickHouse in this process. Its tables are sorted by what the questions ask for."""

    @contextlib.contextmanager
    def opened(self, folder):
        from importlib.metadata import version

        from chdb.session import Session

        self.name = f"chDB {version('chdb')}"
        self.session = Session(str(folder / "chdb"))
        yield self
        self.session.close()

    def load(self, folder):
        ask = self.session.query
        ask("CREATE DATABASE bench")
        ask(
            "CREATE TABLE bench.contacts(contact UInt32, email String, country LowCardinality(String), points Int32, "
            "plan LowCardinality(String), agreed UInt8) ENGINE = MergeTree ORDER BY (country, plan, contact)"
        )
        ask(
            "CREATE TABLE bench.events(contact UInt32, type UInt8, happened Int64, campaign UInt8) "
            "ENGINE = MergeTree ORDER BY (type, happened)"
        )
        for table, columns in (("contacts", "*"), ("events", "contact, type, at, campaign")):
            ask(f"INSERT INTO bench.{table} SELECT {columns} FROM file('{folder / table}.csv', 'CSVWithNames')")
            ask(f"OPTIMIZE TABLE bench.{table} FINAL")

    def count(self, query, sql):
        # Its EXCEPT keeps doubles where it is not told, and NOT IN is its quicker NOT EXISTS.
        if query == "S3":
            sql = """SELECT count(*) FROM contacts WHERE agreed = 1 AND contact NOT IN
                     (SELECT contact FROM events WHERE type = 5 AND happened > {quarter_ago})""".format(**self.times)
        sql = sql.replace("EXCEPT", "EXCEPT DISTINCT")
        for table in FILES:
            sql = sql.replace(f"FROM {table}", f"FROM bench.{table}")
        return int(str(self.session.query(sql, "CSV")).strip())

    memory_mb = Duckdb.memory_mb


PEERS = {"duckdb": Duckdb, "sqlite": Sqlite, "postgres": Postgres, "mariadb": Mariadb, "chdb": Chdb}


def count(peer, folder):
    told = json.loads((folder / "counts.json").read_text("utf-8"))
    peer.times = {"month_ago": told["now"] - 30 * DAY, "quarter_ago": told["now"] - 90 * DAY}
    wrong = False

    def line(of, number, same):
        print(json.dumps({"of": of, "peer": peer.name, "number": round(number, 3), "same": same}), flush=True)

    for query in told["queries"]:
        sql = SQL[query["query"]].format(**peer.times)
        times = []
        for _ in range(1 + ROUNDS):
            begun = time.perf_counter()
            answer = peer.count(query["query"], sql)
            times.append((time.perf_counter() - begun) * 1e3)
        same = answer == query["count"]
        wrong |= not same
        line(f"segments.{query['query']}", statistics.median(times[1:]), same)
    line("segments.memory", peer.memory_mb(), True)
    return 1 if wrong else 0


def main(folder, order, name):
    with PEERS[name]().opened(folder) as peer:
        if order == "load":
            peer.load(folder)
            return 0
        return count(peer, folder)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
