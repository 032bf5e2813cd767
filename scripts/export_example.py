"""Write the canonical CSVs of an example from its raw files.

    python scripts/export_example.py maven_crm --raw path/to/raw/files --out warehouse/maven_crm

Runs examples/<example>/*.sql in the order of their names, in DuckDB without a file. The queries find the two
folders as getvariable('raw_folder') and getvariable('out_folder'); each writes one table of the input contract.
"""

import argparse
import sys
from pathlib import Path

import duckdb

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def export_example(example: str, raw_folder: Path, out_folder: Path) -> list[Path]:
    """The files written, one per query."""
    out_folder.mkdir(parents=True, exist_ok=True)
    written = []
    with duckdb.connect() as connection:
        connection.execute("set variable raw_folder = ?", [str(raw_folder)])
        connection.execute("set variable out_folder = ?", [str(out_folder)])
        for query in sorted((EXAMPLES / example).glob("*.sql")):
            connection.execute(query.read_text(encoding="utf-8"))
            written.append(out_folder / f"{query.stem}.csv")
    return written


def main() -> int:
    """Export one example; 1, with one line that says why, where a raw file is missing or not as expected."""
    examples = sorted({query.parent.name for query in EXAMPLES.glob("*/*.sql")})
    parser = argparse.ArgumentParser(description="Write the canonical CSVs of an example from its raw files.")
    parser.add_argument("example", choices=examples)
    parser.add_argument("--raw", type=Path, required=True, help="the folder of the raw CSV files")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to; made if it is not there")
    given = parser.parse_args()
    if not given.raw.is_dir():
        parser.error(f"--raw: there is no folder {given.raw}")
    try:
        written = export_example(given.example, given.raw, given.out)
    except duckdb.Error as error:
        print(f"{given.example}: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
