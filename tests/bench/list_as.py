"""Writes the people of a CSV file as a file of another kind, told by its ending.

    python3 list_as.py people.csv people.xlsx

Endings: `lines` (a JSON object a line), `sqlite` (a table), `xlsx` (a workbook; needs openpyxl) and `parquet` (several
row groups of typed columns; needs pyarrow). Python 3.11, otherwise the standard library only.
"""

import csv
import json
import pathlib
import sqlite3
import sys


def lines(names: list[str], rows: list[list[str]], to: pathlib.Path) -> None:
    to.write_text("".join(json.dumps(dict(zip(names, row))) + "\n" for row in rows))


def sqlite(names: list[str], rows: list[list[str]], to: pathlib.Path) -> None:
    to.unlink(missing_ok=True)
    database = sqlite3.connect(to)
    database.execute(f"CREATE TABLE people ({', '.join(names)})")
    database.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(names))})", rows)
    database.commit()
    database.close()


def xlsx(names: list[str], rows: list[list[str]], to: pathlib.Path) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("people")
    sheet.append(names)
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else cell for cell in row])
    book.save(to)


def parquet(names: list[str], rows: list[list[str]], to: pathlib.Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    pyarrow.parquet.write_table(table, to, row_group_size=max(1, len(rows) // 7), compression="zstd")


def main() -> None:
    source, to = map(pathlib.Path, sys.argv[1:])
    with source.open(newline="") as file:
        names, *rows = csv.reader(file)
    {"lines": lines, "sqlite": sqlite, "xlsx": xlsx, "parquet": parquet}[to.suffix[1:]](names, rows, to)


main()
