"""Pipedrive's raw tables are found by each loader's spelling; what is missing is NULL, or stops with one line."""

import importlib
import re
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from generate_twin import clean_demo_company
from twins.company import write_raw_tables

TWIN = importlib.import_module("twins.pipedrive")
ADAPTER = "path:models/staging/pipedrive"

# Columns of base models that a loader's tables lack; all others hold values. Tables that it lacks are empty.
LACKING = {
    "fivetran": {
        "deals": "lead_id is_current_version version_from",
        "stages": "pipeline_name",
        "users": "team manager_id hired_date",
        "organizations": "",
        "persons": "segment region",
        "leads": "person_id is_deleted is_current_version version_from",
        "activities": "is_active",
        "notes": "",
    },
    "airbyte": {
        "deals": "is_removed lead_id is_current_version version_from",
        "stages": "pipeline_name",
        "users": "team manager_id hired_date",
        "organizations": "",
        "persons": "segment region",
        "leads": "person_id is_deleted is_removed is_current_version version_from",
        "activities": "is_active is_removed",
        "notes": "is_removed",
    },
    "airbyte_v1": {
        "deals": "is_removed lead_id is_current_version version_from",
        "stages": "pipeline_name",
        "users": "team manager_id hired_date",
        "organizations": "",
        "persons": "segment region",
        "leads": "person_id is_deleted is_removed is_current_version version_from",
        "activities": "is_deleted is_removed",
        "notes": "is_removed",
    },
    "dlt": {
        "deals": "is_removed lead_id is_current_version version_from",
        "stages": "pipeline_name",
        "users": "team manager_id hired_date",
        "organizations": "",
        "persons": "segment region",
        "leads": "person_id is_deleted is_removed is_current_version version_from",
        "activities": "is_active is_removed",
        "notes": "is_removed",
    },
}
ABSENT = {
    "fivetran": "deals_archived deal_flow teams deal_fields organization_fields",
    "airbyte": "deal_history",
    "airbyte_v1": "deals_archived deal_history deal_fields organization_fields",
    "dlt": "deals_archived deal_history teams deal_fields organization_fields",
}


def query(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def demo():
    """The demo company without dirt."""
    return clean_demo_company()


@pytest.mark.parametrize("loader", TWIN.LOADERS)
def test_every_table_and_column_of_a_loader_is_found(loader, demo, run_dbt, tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        write_raw_tables(connection, "raw_crm", TWIN.raw_tables(TWIN.fit(demo, loader), loader))
    variables = {"crm_sources": ["pipedrive"], "pipedrive_schema": "raw_crm"} | TWIN.dbt_vars(loader)
    # With one loader, the folder's own tests run too
    command = "build" if loader == "airbyte" else "run"
    run_dbt(command, "--quiet", "--select", ADAPTER, work=tmp_path, vars=variables)
    database = tmp_path / "warehouse.duckdb"
    columns = query(
        database,
        "select table_name, column_name from information_schema.columns "
        "where table_name like 'base!_pipedrive!_!_%' escape '!' and table_name <> 'base_pipedrive__tables'",
    )
    filled, tables = set(), set()
    for model, column in columns:
        table = model.removeprefix("base_pipedrive__")
        if query(database, f"select count({column}) from staging.{model}")[0][0]:
            filled.add((table, column))
            tables.add(table)
    absent = set(ABSENT[loader].split())
    assert {model.removeprefix("base_pipedrive__") for model, _ in columns} - tables == absent
    lacking = {(table, column) for table, names in LACKING[loader].items() for column in names.split()}
    lacking |= {("deals_archived", column) for table, column in lacking if table == "deals"}
    # The company's archived deals are closed, and none of them is a person's
    lacking |= {("deals_archived", "person_id"), ("deals_archived", "probability")}
    expected = {
        (model.removeprefix("base_pipedrive__"), column)
        for model, column in columns
        if model.removeprefix("base_pipedrive__") not in absent
    } - lacking
    assert filled == expected
    # When it was loaded is an instant, however the loader writes it
    assert query(database, "select count(*) from staging.base_pipedrive__deals where loaded_at not like '20__-__-__ %'") == [(0,)]


MINIMAL = """
    create schema raw_crm;
    create table raw_crm."Deals" ("ID" bigint, "Status" varchar, stage_id bigint, value double, add_time timestamp);
    insert into raw_crm."Deals" values (1, 'won', 3, 10, '2026-01-01');
    create table raw_crm.stages (id bigint, name varchar, order_nr bigint, pipeline_id bigint);
    insert into raw_crm.stages values (3, 'Talk', 1, 1);
"""


def test_a_table_or_column_that_is_missing_and_not_required_is_empty(run_dbt, tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(MINIMAL)
    variables = {"crm_sources": ["pipedrive"], "pipedrive_schema": "raw_crm"}
    run = run_dbt("run", "--select", ADAPTER, work=tmp_path, vars=variables)
    database = tmp_path / "warehouse.duckdb"
    assert query(
        database, "select deal_id, pipeline_id, stage_id, amount, owner_id, close_date from staging.stg_pipedrive__deals"
    ) == [("1", "1", "won", "10", None, None)]
    stages = "select stage_id, stage_order, outcome, pipeline_name, probability from staging.stg_pipedrive__stages order by 2"
    assert query(database, stages) == [
        ("3", "1", "open", None, None), ("won", "2", "won", None, "1"), ("lost", "3", "lost", None, "0"),
    ]  # fmt: skip
    for table in ("deal_changes", "accounts", "sales_reps", "leads", "activities"):
        assert query(database, f"select count(*) from staging.stg_pipedrive__{table}") == [(0,)], table
    assert query(
        database, "select table_name, location from staging.base_pipedrive__tables where is_present order by 1"
    ) == [("deals", "raw_crm.Deals"), ("stages", "raw_crm.stages")]
    assert "has no tables for deal_changes, accounts, sales_reps, leads, activities" in run.stdout


def test_what_is_required_and_missing_stops_with_one_line(run_dbt, tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(
            MINIMAL + """
            drop table raw_crm.stages;
            alter table raw_crm."Deals" rename column value to amount;
            create table raw_crm.organization (id bigint, name varchar);
            """
        )
    variables = {
        "crm_sources": ["pipedrive"],
        "pipedrive_schema": "raw_crm",
        "pipedrive_columns": {"organizations.segment": "a1b2", "organizations.size": "c3d4"},
    }
    run = run_dbt("run", "--select", ADAPTER, work=tmp_path, vars=variables, check=False)
    assert run.returncode == 1
    said = {line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", run.stdout).splitlines()}
    expected = {
        "pipedrive: the required table 'stages' is missing: the schema 'raw_crm' has no table named v2_stages or stages "
        "or stage; load it, or name the right schema in the var pipedrive_schema.",
        "pipedrive: the table raw_crm.Deals lacks the required column 'value': there is none named value; load it, or name "
        "the one that holds it in the var pipedrive_columns: {'deals.value': 'its_name'}.",
        "pipedrive: the table raw_crm.organization has no column 'a1b2', which the var pipedrive_columns names for "
        "'organizations.segment'; correct the var.",
        "pipedrive: the var pipedrive_columns names 'organizations.size', which is no column that is read here; there are "
        "organizations.id, organizations.name, organizations.segment, organizations.industry, organizations.region, "
        "organizations.add_time, organizations.update_time, organizations.loaded_at.",
    }
    assert expected <= said, "\n".join(sorted(said))


def test_freshness_is_that_of_the_loader(run_dbt, tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(
            MINIMAL + """
            alter table raw_crm."Deals" add column _dlt_load_id varchar;
            update raw_crm."Deals" set _dlt_load_id = '1767225600.5123';
            """
        )
    variables = {"crm_sources": ["pipedrive"], "pipedrive_schema": "raw_crm"}
    run_dbt("source", "freshness", "--select", "source:pipedrive.deals", work=tmp_path, vars=variables, check=False)
    assert '"max_loaded_at": "2026-01-01T00:00:00' in (tmp_path / "target" / "sources.json").read_text()
