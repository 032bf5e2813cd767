"""Write a company as the raw tables of a CRM, in the shape in which a loader would leave them.

    python scripts/generate_twin.py salesforce fivetran --company folder_of_csvs --db warehouse/twin.duckdb

writes the tables into the schema `salesforce` of that DuckDB file, what Salesforce does not hold as <table>.csv into
a folder beside it, and prints the vars of a build that reads both. The company is a folder of the contract's
<table>.csv; without --company it is the demo company without its deliberate dirt.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))

from generate_company import write_company
from twins.company import fit_company, read_company, shared_tables, write_raw_tables
from twins.company import write_company as write_csvs

CRMS = tuple(
    sorted(path.stem for path in (Path(__file__).parent / "twins").glob("*.py") if path.stem != "company")
)


def clean_demo_company():
    """The demo company without dirt, as `read_company` gives it."""
    with tempfile.TemporaryDirectory() as folder:
        write_company(Path(folder), workers=1, is_clean=True)
        return read_company(Path(folder))


def main() -> int:
    """Read the command line and write a twin."""
    parser = argparse.ArgumentParser(description="Write a company as the raw tables of a CRM.")
    parser.add_argument("crm", choices=CRMS)
    parser.add_argument("loader", help="whose spelling of tables and columns")
    parser.add_argument("--company", type=Path, help="folder of <table>.csv (default: the demo company, without dirt)")
    parser.add_argument("--db", type=Path, required=True, help="the DuckDB file to write to")
    parser.add_argument("--schema", help="the schema to write to (default: the CRM's name)")
    given = parser.parse_args()
    twin = importlib.import_module(f"twins.{given.crm}")
    if given.loader not in twin.LOADERS:
        parser.error(f"{given.crm} has the loaders {', '.join(twin.LOADERS)}")
    company = fit_company(twin, read_company(given.company) if given.company else clean_demo_company(), given.loader)
    schema = given.schema or given.crm
    with duckdb.connect(str(given.db)) as connection:
        write_raw_tables(connection, schema, twin.raw_tables(company, given.loader))
    shared = given.db.with_suffix(".shared")
    write_csvs(shared_tables(company, twin.SHARED_TABLES, given.crm), shared)
    variables = {"crm_sources": [given.crm], f"{given.crm}_schema": schema, "crm_export_path": str(shared)}
    variables |= twin.dbt_vars(given.loader)
    print(json.dumps(variables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
