"""Makes the Parquet files of this folder with the writers people use, and what they hold as text: `odd.txt` is what
`odd.parquet` holds, `people.txt` what each of the others does.

Needs pyarrow, polars and duckdb: python3 make.py
"""

import datetime as dt
import decimal
import pathlib
import uuid

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
UTC = dt.timezone.utc
ROWS = 250
BORN = dt.date(1990, 1, 1)
SEEN = dt.datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def row(n):
    """A person, as Python values."""
    none = n % 7 == 3
    return {
        "email": f"p{n}@example.com",
        "points": None if none else n * 0.1,
        "visits": n - 100,
        "vip": None if none else n % 2 == 0,
        "born": None if none else BORN + dt.timedelta(days=n),
        "seen": SEEN + dt.timedelta(seconds=n),
        "rent": None if none else decimal.Decimal(n * 12345 - 1000000) / 100,
        "likes": None if none else [f"like {i}" for i in range(n % 4)],
        "home": {"city": "Köln" if n % 2 else "Berlin", "zip": None if none else n},
        "orders": [{"id": n, "sum": 0.5}, {"id": n + 1, "sum": 1.5}][: n % 3],
    }


def moment(at):
    """A moment as we write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def real(n):
    """A number without an exponent, and without a point where it is whole."""
    text = repr(n)
    return text[:-2] if text.endswith(".0") else text


def cells(r):
    """The cells of a person."""
    money = "" if r["rent"] is None else f"{r['rent']:.2f}"
    return [
        r["email"],
        "" if r["points"] is None else real(r["points"]),
        str(r["visits"]),
        "" if r["vip"] is None else str(r["vip"]).lower(),
        "" if r["born"] is None else str(r["born"]),
        moment(r["seen"]),
        money,
        "|".join(r["likes"] or []),
        r["home"]["city"],
        "" if r["home"]["zip"] is None else str(r["home"]["zip"]),
        "|".join(str(o["id"]) for o in r["orders"]),
        "|".join(real(o["sum"]) for o in r["orders"]),
    ]


NAMES = "email points visits vip born seen rent likes home.city home.zip orders.id orders.sum".split()
PEOPLE = [row(n) for n in range(ROWS)]
SCHEMA = pa.schema([
    ("email", pa.string()), ("points", pa.float64()), ("visits", pa.int32()), ("vip", pa.bool_()),
    ("born", pa.date32()), ("seen", pa.timestamp("us", tz="UTC")), ("rent", pa.decimal128(20, 2)),
    ("likes", pa.list_(pa.string())),
    ("home", pa.struct([("city", pa.dictionary(pa.int8(), pa.string())), ("zip", pa.uint16())])),
    ("orders", pa.list_(pa.struct([("id", pa.int64()), ("sum", pa.float32())]))),
])


def main():
    plain = pa.schema([f if f.name != "home" else pa.field("home", pa.struct([("city", pa.string()), ("zip", pa.uint16())])) for f in SCHEMA])
    table = pa.Table.from_pylist(PEOPLE, schema=plain)
    pq.write_table(table, HERE / "pyarrow-zstd.parquet", compression="zstd", data_page_version="2.0",
                   row_group_size=100, data_page_size=2000, use_dictionary=["email", "likes.list.element"],
                   column_encoding={"visits": "DELTA_BINARY_PACKED", "points": "BYTE_STREAM_SPLIT"})
    codings = {"email": "DELTA_BYTE_ARRAY", "home.city": "DELTA_LENGTH_BYTE_ARRAY"}
    codecs = {"email": "gzip", "points": "brotli", "visits": "lz4", "vip": "snappy", "born": "none"}
    for name in table.column_names:
        codecs.setdefault(name, "gzip")
    pq.write_table(table, HERE / "pyarrow-mixed.parquet", compression=codecs, use_dictionary=False,
                   column_encoding=codings, row_group_size=200)
    polars.from_arrow(table).write_parquet(HERE / "polars.parquet", compression="lz4")
    db = duckdb.connect()
    db.register("people", table)
    db.execute(f"COPY (SELECT * FROM people) TO '{HERE / 'duckdb.parquet'}' (FORMAT parquet, CODEC brotli)")
    lines = [" ; ".join(NAMES)] + [" ; ".join(cells(r)) for r in PEOPLE]
    (HERE / "people.txt").write_text("\n".join(lines) + "\n")
    odd = pa.table({
        "old": pa.array([SEEN, None], pa.timestamp("ns", tz="UTC")),
        "id": pa.array([uuid.UUID(int=7).bytes, uuid.UUID(int=8).bytes], pa.uuid() if hasattr(pa, "uuid") else pa.binary(16)),
        "tags": pa.array([[("a", 1), ("b", 2)], []], pa.map_(pa.string(), pa.int32())),
        "clock": pa.array([dt.time(8, 30), None], pa.time64("us")),
        "none": pa.array([None, None], pa.null()),
        "local": pa.array([dt.datetime(2026, 1, 1), None], pa.timestamp("s")),
    })
    pq.write_table(odd, HERE / "odd.parquet", use_deprecated_int96_timestamps=True)
    lines = ["old ; id ; tags.key ; tags.value ; clock ; none ; local",
             f"2026-01-01T12:00:00.123456Z ; {uuid.UUID(int=7)} ; a|b ; 1|2 ; 08:30:00 ;  ; 2026-01-01T00:00:00Z",
             f" ; {uuid.UUID(int=8)} ;  ;  ;  ;  ; "]
    (HERE / "odd.txt").write_text("\n".join(lines) + "\n")


main()
