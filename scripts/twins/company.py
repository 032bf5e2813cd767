"""What the twins share: a company in the contract's shape, and raw tables as a loader would leave them.

A twin is the same company in another form. Each CRM has a module beside this one with

    LOADERS                       the loaders whose shapes it writes
    LOST                          list of texts: what of a company the CRM cannot hold
    fit(company, loader)          the company without what the CRM, or this loader, cannot hold, ids as the CRM would
                                  write them
    SHARED_TABLES                 {loader: the contract's tables of quotas, spend and rates that it does not bring}:
                                  they are read from an export beside it
    raw_tables(company, loader)   {name: RawTable} of a fitted company
    dbt_vars(loader)              the vars that a build of these tables needs beside crm_sources and the schema

so that a build of the raw tables gives the marts of a build of the fitted company.
"""

import csv
import json
from pathlib import Path
from typing import NamedTuple

Company = dict[str, list[dict[str, str | None]]]


class RawTable(NamedTuple):
    """columns: {name as the loader writes it: DuckDB type}; rows: tuples in their order, values as text, None where
    empty. Text is cast to the type when the table is written."""

    columns: dict[str, str]
    rows: list[tuple]


def read_company(folder: Path) -> Company:
    """The records of each <table>.csv of a folder, as dicts of text; blank is None."""
    company = {}
    for path in sorted(Path(folder).glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            company[path.stem] = [{name: text or None for name, text in row.items()} for row in csv.DictReader(file)]
    return company


def write_company(company: Company, folder: Path) -> Path:
    """Write each table as <table>.csv, its columns in the order in which its records name them; returns the folder.

    A table without records cannot say its columns and is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in company.items():
        if not rows:
            continue
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            columns = dict.fromkeys(column for row in rows for column in row)
            writer = csv.DictWriter(file, list(columns), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def write_raw_tables(connection, schema: str, tables: dict[str, RawTable]) -> None:
    """Create the tables in a schema of an open DuckDB connection; those of the same name are replaced.

    Raises duckdb.Error where a text cannot be cast to its column's type.
    """
    connection.execute(f'create schema if not exists "{schema}"')
    for table_name, table in tables.items():
        columns = ", ".join(f'"{column}" {data_type}' for column, data_type in table.columns.items())
        connection.execute(f'create or replace table "{schema}"."{table_name}" ({columns})')
        # As one text: a list of Python values for each column takes minutes
        if table.rows:
            names = [f"c{number}" for number in range(len(table.columns))]
            shape = json.dumps([dict.fromkeys(names, "VARCHAR")])
            cells = json.dumps([dict(zip(names, row, strict=True)) for row in table.rows])
            casts = ", ".join(f"cast({name} as {data_type})" for name, data_type in zip(names, table.columns.values(), strict=True))
            connection.execute(
                f'insert into "{schema}"."{table_name}" select {casts} '
                f"from (select unnest(from_json(?, '{shape}'), recursive := true))",
                [cells],
            )


def shared_tables(company: Company, names: tuple[str, ...], source: str) -> Company:
    """The tables that a source reads from an export beside it; what names no source belongs to this one."""
    found = {}
    for name in names:
        found[name] = [row | ({} if name == "fx_rates" else {"source_system": source}) for row in company[name]]
    return found
