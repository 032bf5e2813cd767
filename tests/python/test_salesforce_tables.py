"""Salesforce's raw tables as the loaders spell them: each table and column is found, what may be missing is empty, what
must be there is asked for in one line."""

import json
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from generate_twin import clean_demo_company
from twins import salesforce
from twins.company import write_raw_tables

OPPORTUNITY = {
    "id": "006000000000001AAA", "stage_name": "New", "amount": "100", "created_date": "2026-01-05 09:00:00",
    "close_date": "2026-03-31",
}  # fmt: skip

# Fields that are read under another name
RENAMED = {"BillingCountry": "region", "Country": "region", "LastModifiedDate": None}


@pytest.fixture(scope="module")
def demo():
    """The demo company without dirt."""
    return clean_demo_company()


def run_staging(run_dbt, work, command="run", select="path:models/staging/salesforce", check=True, **variables):
    """Run dbt on the Salesforce models alone; returns the finished process."""
    variables = {"crm_sources": ["salesforce"], "salesforce_schema": "raw_crm"} | variables
    return run_dbt(command, "--select", select, work=work, vars=variables, check=check)


def write_opportunities(work, columns):
    """A schema that holds a table `opportunity` with one record, its columns as given, and nothing else."""
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw_crm")
        named = ", ".join(f"'{value}' as {name}" for name, value in columns.items())
        connection.execute(f"create table raw_crm.opportunity as select {named}")


def filled_columns(connection, relation):
    """{column: number of records in which it is not empty}, of a table or view."""
    columns = [row[0] for row in connection.execute(f"describe {relation}").fetchall()]
    counts = connection.execute(
        "select " + ", ".join(f'count("{column}")' for column in columns) + f" from {relation}"
    ).fetchone()
    return dict(zip(columns, counts, strict=True))


@pytest.mark.parametrize("loader", salesforce.LOADERS)
def test_every_table_and_column_is_found_as_the_loader_spells_it(loader, demo, run_dbt, tmp_path):
    tables = salesforce.raw_tables(salesforce.fit(demo, loader), loader)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        write_raw_tables(connection, "raw_crm", tables)
    # Once with the unit tests, which no other build of the checks runs
    command = "build" if loader == salesforce.LOADERS[0] else "run"
    run_staging(run_dbt, tmp_path, command, **salesforce.dbt_vars(loader))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        for name, fields in salesforce.OBJECTS.items():
            table = salesforce.table_name(name, loader)
            if table not in tables:
                continue
            raw = filled_columns(connection, f'raw_crm."{table}"')
            base_name = salesforce.snake_case(name)
            read = filled_columns(connection, f"staging.base_salesforce__{base_name}")
            for field in fields:
                column = RENAMED.get(field, salesforce.snake_case(field))
                is_mapped = f"{base_name}.{column}" in salesforce.CUSTOM_FIELDS
                if column in read and not is_mapped:
                    assert read[column] == raw.get(salesforce.column_name(field, loader), 0), (table, field)
            for key, field in salesforce.CUSTOM_FIELDS.items():
                if key.startswith(f"{base_name}."):
                    assert read[key.split(".")[1]] == raw[salesforce.column_name(field, loader)], (table, field)
            if "loaded_at" in read:
                assert read["loaded_at"] == len(tables[table].rows), table


def test_what_may_be_missing_is_empty(run_dbt, tmp_path):
    write_opportunities(tmp_path, OPPORTUNITY)
    said = run_staging(run_dbt, tmp_path).stdout
    assert "has no tables for deal_changes, accounts, sales_reps" in said
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        read = filled_columns(connection, "staging.base_salesforce__opportunity")
        assert {column for column, count in read.items() if count} == set(OPPORTUNITY)
        models = connection.execute(
            "select table_name from information_schema.tables where starts_with(table_name, 'stg_salesforce__')"
        ).fetchall()
        counts = {name: connection.execute(f"select count(*) from staging.{name}").fetchone()[0] for (name,) in models}
        assert len(counts) == 10
        assert {name for name, count in counts.items() if count} == {"stg_salesforce__deals", "stg_salesforce__stages"}


def test_the_load_ids_of_dlt_tell_how_fresh_a_table_is(run_dbt, tmp_path):
    write_opportunities(tmp_path, OPPORTUNITY | {"_dlt_load_id": "1772722800.25"})
    run_dbt(
        "source", "freshness", "--select", "source:salesforce.opportunity",
        work=tmp_path, vars={"crm_sources": ["salesforce"], "salesforce_schema": "raw_crm"}, check=False,
    )  # fmt: skip
    (result,) = json.loads((tmp_path / "target" / "sources.json").read_text())["results"]
    assert result["max_loaded_at"].startswith("2026-03-05T15:00:00")


@pytest.mark.parametrize(
    ("columns", "variables", "message"),
    [
        (
            None,
            {},
            "salesforce: the required table 'opportunity' is missing: the schema 'raw_crm' has no table named "
            "opportunity; load it, or name the right schema in the var salesforce_schema.",
        ),
        (
            [name for name in OPPORTUNITY if name != "stage_name"],
            {},
            "salesforce: the table raw_crm.opportunity lacks the required column 'stage_name': there is none named "
            "stage_name; load it, or name the one that holds it in the var salesforce_columns: "
            "{'opportunity.stage_name': 'its_name'}.",
        ),
        (
            list(OPPORTUNITY),
            {"salesforce_columns": {"opportunity.lead_source": "Origin__c"}},
            "salesforce: the table raw_crm.opportunity has no column 'Origin__c', which the var salesforce_columns "
            "names for 'opportunity.lead_source'; correct the var.",
        ),
    ],
    ids=["table", "column", "mapped column"],
)
def test_what_must_be_there_is_asked_for_in_one_line(columns, variables, message, run_dbt, tmp_path):
    if columns:
        write_opportunities(tmp_path, {name: OPPORTUNITY[name] for name in columns})
    run = run_staging(
        run_dbt, tmp_path, select="base_salesforce__opportunity", check=False, **variables
    )
    assert run.returncode == 1
    assert message in [line.strip() for line in run.stdout.splitlines()]
