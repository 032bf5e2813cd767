"""Compares companies with the oracle, and makes a company that differs as small as it can be.

    python tests/worlds/checker.py FOLDER

builds the company in FOLDER (`<table>.csv`, vars.json) with dbt and prints where the warehouse and the oracle differ.
"""

import json
import sys
import tempfile
from dataclasses import replace
from functools import lru_cache

import duckdb
from builds import BuildFailed, Project, differences_from_oracle
from company import read_company
from packs import together
from records import TABLES

SHOWN = 12


class Checker:
    """Builds companies from compiled models, and compares them with the oracle.

    project: Project. patch: a function that changes CompiledModels, for tests of the checker itself.
    """

    def __init__(self, project, patch=lambda models: models):
        self._compiled = lru_cache(maxsize=16)(lambda settings: patch(project.compile(json.loads(settings))))

    def models(self, variables):
        """CompiledModels for these vars."""
        return self._compiled(json.dumps(variables, sort_keys=True))

    def differences(self, company):
        """List of texts, one per difference; SQL that fails is one."""
        try:
            with self.models(company.variables).build_company(company) as connection:
                return differences_from_oracle(company, connection)
        except duckdb.Error as error:
            return [f"the SQL fails: {error}"]

    def explain(self, pack, folder):
        """Text about a pack that differs: a company as small as possible that differs, too, written to `folder`."""
        company = smallest(pack.worlds, self.differences)
        company.write(folder)
        return "\n".join(
            [
                f"the pack of seed {pack.seed} differs, and so does {folder}:",
                f"vars {json.dumps(company.variables)}",
                *(f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in sorted(folder.glob("*.csv"))),
                *self.differences(company)[:SHOWN],
                f"again: python tests/worlds/checker.py {folder}",
            ]
        )


def smallest(worlds, differences):
    """The Company left of some worlds when all is removed without which they still differ.

    differences(company): what differs, empty if nothing does. Whole worlds are removed first, then rows, settings,
    values, tables and columns.
    """
    company = together(least(worlds, lambda kept: kept and differences(together(kept))))
    for parts, reduced in (
        (_rows, _with_rows),
        (_settings, _with_settings),
        (_values, _with_values),
        (_columns, _with_columns),
    ):
        kept = least(parts(company), lambda kept, whole=company, reduced=reduced: differences(reduced(whole, kept)))
        company = reduced(company, kept)
    return company


def least(items, is_enough):
    """The items without those that is_enough(list of items) does not miss: large parts are left out first, single items
    last."""
    kept, size = list(items), len(items)
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if is_enough(fewer):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept


def _rows(company):
    return [(table, number) for table, rows in company.tables.items() for number in range(len(rows or ()))]


def _with_rows(company, kept):
    wanted = set(kept)
    tables = {
        table: None if rows is None else [row for number, row in enumerate(rows) if (table, number) in wanted]
        for table, rows in company.tables.items()
    }
    return replace(company, tables=tables)


def _settings(company):
    return [name for name, value in company.variables.items() if value != ""]


def _with_settings(company, kept):
    return replace(company, variables={name: company.variables[name] for name in kept})


def _values(company):
    inputs = company.inputs()
    return [
        (table, number, column) for table, number in _rows(company) for column, text in inputs[table][number].items() if text
    ]


def _with_values(company, kept):
    tables = {table: None if rows is None else [{} for _ in rows] for table, rows in company.tables.items()}
    for table, number, column in kept:
        tables[table][number][column] = company.tables[table][number][column]
    return replace(company, tables=tables)


def _columns(company):
    """(table, column) of all that may be left out; (table, None) stands for the table."""
    return [
        (table, column)
        for table, columns in company.columns.items()
        for column in ([None] if table not in ("deals", "stages") else []) + list(columns)
        if column not in TABLES[table].required and company.tables[table] is not None
    ]


def _with_columns(company, kept):
    wanted = set(kept)
    tables = {
        table: rows if table in ("deals", "stages") or (table, None) in wanted else None
        for table, rows in company.tables.items()
    }
    columns = {
        table: tuple(name for name in names if name in TABLES[table].required or (table, name) in wanted)
        for table, names in company.columns.items()
    }
    return replace(company, tables=tables, columns=columns)


def main(folder):
    """Build the company in a folder with dbt and print its differences; returns the exit code."""
    company = read_company(folder)
    with tempfile.TemporaryDirectory() as work, Project(work) as project:
        try:
            database = project.run(folder, company.variables)
        except BuildFailed as failure:
            print(failure)
            return 2
        with duckdb.connect(str(database), read_only=True) as connection:
            found = differences_from_oracle(company, connection)
    print("\n".join(found) or "no differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
