"""HubSpot's raw tables are found in each loader's spelling; what is missing is empty, or stops the build in one line."""

import importlib
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from generate_twin import clean_demo_company
from twins.company import fit_company, write_raw_tables

TWIN = importlib.import_module("twins.hubspot")

# Base models of which a loader has no table
ABSENT = {
    "fivetran": {"deal_archived", "owner_archived", "contact_archived", "engagement_communication"},
    "airbyte": {
        "deal_company", "deal_contact", "merged_deal", "deal_pipeline_stage", "deal_stage", "owner_team", "team",
        "contact_archived", "engagement", "engagement_deal", "engagement_contact", "engagement_communication",
    },
    "dlt": {
        "deal_archived", "merged_deal", "deal_stage", "owner_archived", "team", "contact_archived", "engagement",
        "engagement_deal", "engagement_contact", "engagement_call", "engagement_email", "engagement_meeting",
        "engagement_task", "engagement_note", "engagement_communication",
    },
}  # fmt: skip

# Columns that stay empty, by loader and base model: it does not have them, or no company of this kind fills them
FROM_PROPERTIES = {"first_deal_created_at", "is_removed", "archived_at", "merged_contact_ids"}
EMPTY = {
    "fivetran": {
        "deal": {"account_id", "is_removed", "archived_at", "merged_deal_ids", "company_ids", "contact_ids"},
        "deal_pipeline": {"stages", "row_id"},
        "deal_pipeline_stage": {"pipeline_row_id"},
        "owner": {"team", "teams", "is_deleted", "row_id"},
        "owner_team": {"owner_row_id", "team_name"},
        "contact": {"first_deal_created_at", "is_deleted", "archived_at", "merged_contact_ids"},
        "engagement": {"occurred_at", "owner_id", "is_deleted"},
    },
    "airbyte": {
        "deal": {"is_removed", "archived_at"},
        "deal_archived": {"is_removed", "merged_deal_ids"},
        "deal_pipeline": {"row_id"},
        "owner": {"team", "is_active", "row_id"},
        "owner_archived": {"team", "is_active", "row_id"},
        "contact": FROM_PROPERTIES,
    },
    "dlt": {
        "deal": {"is_removed", "archived_at", "company_ids", "contact_ids"},
        "deal_company": {"type_id", "category", "loaded_at"},
        "deal_contact": {"loaded_at"},
        "deal_pipeline": {"stages"},
        "deal_pipeline_stage": {"pipeline_id", "is_closed_won", "loaded_at"},
        "owner": {"team", "teams", "is_active"},
        "owner_team": {"owner_id", "loaded_at"},
        "contact": FROM_PROPERTIES,
    },
}
# Each type of activity has only some of the columns that all types share
TYPED = {
    "call": {"started_at", "completed_at"},
    "email": {"started_at", "completed_at"},
    "meeting": {"completed_at"},
    "task": {"started_at", "direction"},
    "note": {"started_at", "completed_at", "direction", "status"},
}
LISTS = {"deal_ids", "contact_ids"}

MINIMAL = """
    create schema raw_crm;
    create table raw_crm.DEAL (
        Deal_Id bigint, deal_pipeline_stage_id varchar, PROPERTY_AMOUNT double, property_createdate timestamp,
        property_closedate timestamp, property_pet_name varchar
    );
    insert into raw_crm.DEAL values (1, 'won', 12.5, '2026-01-01', '2026-02-01', 'Rex');
    create table raw_crm.deal_pipeline (pipeline_id varchar);
    create table raw_crm.deal_pipeline_stage (
        stage_id varchar, pipeline_id varchar, label varchar, display_order int, probability double, is_closed boolean
    );
"""
VARIABLES = {
    "crm_sources": ["hubspot"], "hubspot_schema": "raw_crm", "hubspot_columns": {"deal.name": "property_pet_name"}
}  # fmt: skip


@pytest.fixture(scope="module")
def demo():
    """The demo company without dirt."""
    return clean_demo_company()


def base_models(connection) -> dict[str, dict[str, int]]:
    """{entity: {column: how many of its values are filled}} of HubSpot's base models."""
    found = {}
    for name, column in connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'staging' "
        "and table_name like 'base!_hubspot!_!_%' escape '!' and table_name <> 'base_hubspot__tables'"
    ).fetchall():
        filled = connection.execute(f"select count({column}) from staging.{name}").fetchone()[0]
        found.setdefault(name.removeprefix("base_hubspot__"), {})[column] = filled
    return found


@pytest.mark.parametrize("loader", TWIN.LOADERS)
def test_each_spelling_is_found(loader, demo, run_dbt, tmp_path):
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        write_raw_tables(connection, "raw_crm", TWIN.raw_tables(fit_company(TWIN, demo, loader), loader))
    variables = {"crm_sources": ["hubspot"], "hubspot_schema": "raw_crm"} | TWIN.dbt_vars(loader)
    run_dbt("run", "--quiet", "--select", "base_hubspot__*", work=tmp_path, vars=variables)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        found = base_models(connection)
        tables = dict(connection.execute("select table_name, is_present from staging.base_hubspot__tables").fetchall())
    assert {entity for entity, columns in found.items() if not any(columns.values())} == ABSENT[loader]
    expected = {}
    for entity in set(found) - ABSENT[loader]:
        expected[entity] = set(EMPTY[loader].get(entity, ()))
        kind = entity.removeprefix("engagement_")
        if kind in TYPED:
            expected[entity] |= TYPED[kind] | {"is_automated"} | (LISTS if loader == "fivetran" else set())
    actual = {
        entity: {column for column, filled in columns.items() if not filled}
        for entity, columns in found.items()
        if entity in expected
    }
    assert actual == expected
    assert {table for table, is_present in tables.items() if is_present} == {
        "deals", "stages", "deal_changes", "accounts", "sales_reps", "leads"
    } | (set() if loader == "dlt" else {"activities"})  # fmt: skip


@pytest.fixture
def minimal(tmp_path):
    """change(sql) -> None: a database with only what a build needs; later statements change it."""

    def change(sql):
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
            connection.execute(sql)

    change(MINIMAL)
    return change


def test_what_is_missing_is_empty_and_what_is_required_stops_in_one_line(minimal, run_dbt, tmp_path):
    run_dbt("run", "--quiet", "--select", "stg_hubspot__*", "base_hubspot__*", work=tmp_path, vars=VARIABLES)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        found = base_models(connection)
        assert {entity for entity, columns in found.items() if any(columns.values())} == {"deal"}
        assert {column for column, filled in found["deal"].items() if filled} == {
            "deal_id", "stage_id", "amount", "created_at", "close_date", "name"
        }  # fmt: skip
        deal = connection.execute("select deal_id, name, amount, account_id from staging.stg_hubspot__deals").fetchall()
        assert deal == [("1", "Rex", "12.5", None)]
        missing = connection.execute("select table_name from staging.base_hubspot__tables where not is_present").fetchall()
        assert {name for (name,) in missing} >= {"deal_changes", "accounts", "sales_reps", "leads", "activities"}

    def message_of(select):
        run = run_dbt("run", "--select", select, work=tmp_path, vars=VARIABLES, check=False)
        assert run.returncode
        lines = {line.strip() for line in run.stdout.splitlines() if line.strip().startswith("hubspot: ")}
        assert len(lines) == 1, run.stdout
        return lines.pop()

    # Of two places in which stages may be, one has to be there
    minimal("drop table raw_crm.deal_pipeline_stage cascade")
    message = message_of("base_hubspot__deal_pipeline_stage")
    assert message == (
        "hubspot: the required table 'deal_pipeline_stage' is missing: the schema 'raw_crm' has no table named "
        "deal_pipeline_stage or pipelines_deals__stages; load it, or name the right schema in the var hubspot_schema."
    )
    minimal("alter table raw_crm.deal_pipeline add column stages json")
    run_dbt("run", "--quiet", "--select", "base_hubspot__deal_pipeline_stage", work=tmp_path, vars=VARIABLES)

    minimal("alter table raw_crm.DEAL rename column property_pet_name to property_nickname")
    message = message_of("base_hubspot__deal")
    assert "has no column 'property_pet_name', which the var hubspot_columns names for 'deal.name'" in message

    minimal(
        "alter table raw_crm.DEAL rename column property_nickname to property_pet_name;"
        "alter table raw_crm.DEAL drop column PROPERTY_AMOUNT"
    )
    message = message_of("base_hubspot__deal")
    assert "lacks the required column 'amount': there is none named property_amount or properties_amount or amount" in message
    assert "hubspot_columns: {'deal.amount': 'its_name'}" in message

    minimal("drop table raw_crm.DEAL")
    message = message_of("base_hubspot__deal")
    assert message == (
        "hubspot: the required table 'deal' is missing: the schema 'raw_crm' has no table named deal or deals; load it, "
        "or name the right schema in the var hubspot_schema."
    )
