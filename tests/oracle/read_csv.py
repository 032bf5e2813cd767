"""Reads a folder of canonical CSV files into the oracle's input."""

import csv
from pathlib import Path

from records import TABLES


def read_folder(folder, prefix=""):
    """{table: list of {column: text}, or None when the file is absent} of `<folder>/<prefix><table>.csv`.

    UTF-8 (a byte-order mark is skipped), comma-separated, first line the column names. A folder without any
    such file raises FileNotFoundError.
    """
    folder = Path(folder)
    paths = {table: folder / f"{prefix}{table}.csv" for table in TABLES}
    if not any(path.exists() for path in paths.values()):
        raise FileNotFoundError(f"no {prefix}<table>.csv in {folder}")
    return {table: _read_file(path) if path.exists() else None for table, path in paths.items()}


def _read_file(path):
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))
