"""A company's export: raw tables, and the vars of its build. On disk it is a folder of `<table>.csv` and vars.json."""

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

from records import TABLES, clean


@dataclass(frozen=True)
class Company:
    """tables: {table: list of {column: raw text}, or None where the export lacks the table}; columns: {table: names in
    the file's order}; variables: {dbt var: value}, an empty one being the project's default."""

    tables: dict
    columns: dict
    variables: dict

    def inputs(self):
        """The tables as the oracle takes them and a CSV file would give them: without columns that the export lacks."""
        return {
            table: None
            if rows is None
            else [{column: row.get(column, "") for column in self.columns[table]} for row in rows]
            for table, rows in self.tables.items()
        }

    def dbt_vars(self, folder):
        """{dbt var: value} for a build of the folder."""
        return self.variables | {"crm_export_path": str(folder)}

    def write(self, folder):
        """Write `<table>.csv` of every table that is there, and vars.json; returns the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.inputs().items():
            if rows is not None:
                with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, self.columns[table], lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
        (folder / "vars.json").write_text(json.dumps(self.variables, indent=2) + "\n", encoding="utf-8")
        return folder

    def base_rows(self, table):
        """What the warehouse's reading layer makes of a table: trimmed text in the contract's columns, None for blank."""
        columns = (*TABLES[table].columns, "loaded_at")
        return [{column: clean(row.get(column)) for column in columns} for row in self.inputs()[table] or ()]


def read_company(folder, prefix=""):
    """The Company in a folder of `<prefix><table>.csv`; vars.json may be missing. Raises FileNotFoundError without any
    table."""
    folder = Path(folder)
    tables, columns = {}, {}
    for table in TABLES:
        path = folder / f"{prefix}{table}.csv"
        tables[table] = None
        if path.exists():
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                tables[table], columns[table] = list(reader), tuple(reader.fieldnames or ())
    if not columns:
        raise FileNotFoundError(f"no {prefix}<table>.csv in {folder}")
    settings = folder / "vars.json"
    return Company(tables, columns, json.loads(settings.read_text(encoding="utf-8")) if settings.exists() else {})
