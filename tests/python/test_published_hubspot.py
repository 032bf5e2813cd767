"""Somebody else's raw tables, published for tests of another package, build without failure and without invention.

Their values are hashed and the flags of their stages scrambled, so no figure of theirs means anything: what counts is
that each record is used, or listed with a reason.
"""

import csv

import duckdb
import pytest


@pytest.fixture(scope="module")
def warehouse(shared_data, run_dbt, tmp_path_factory):
    """A read-only connection to the build, and {table: its records} of the raw tables."""
    folder = shared_data / "fivetran_hubspot"
    work = tmp_path_factory.mktemp("published_hubspot")
    rows = {}
    with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw_crm")
        for path in sorted(folder.glob("*_data.csv")):
            name = path.stem.removesuffix("_data")
            connection.execute(f"create table raw_crm.{name} as select * from read_csv('{path}', header = true)")
            with path.open(newline="", encoding="utf-8") as file:
                rows[name] = list(csv.DictReader(file))
    run_dbt(
        "build", "--quiet", "--select", "+path:models/audit", "+path:models/marts", "--exclude", "test_type:unit",
        work=work, vars={"crm_sources": ["hubspot"], "hubspot_schema": "raw_crm"},
    )  # fmt: skip
    connection = duckdb.connect(str(work / "warehouse.duckdb"), read_only=True)
    yield connection, rows
    connection.close()


def test_every_record_is_used_or_excluded_with_a_reason(warehouse):
    connection, rows = warehouse
    counted = {
        table: counts
        for table, *counts in connection.execute(
            "select table_name, raw_records, used_records, excluded_records from audit.audit_reconciliation "
            "where source_system = 'hubspot'"
        ).fetchall()
    }
    for raw, used, excluded in counted.values():
        assert raw == used + excluded
    engagements = {row["id"] for row in rows["engagement"]}
    for kind in ("call", "communication", "email", "meeting", "note", "task"):
        engagements |= {row["engagement_id"] for row in rows[f"engagement_{kind}"]}
    assert {table: raw for table, (raw, _, _) in counted.items()} == {
        "deals": len(rows["deal"]),
        "stages": len(rows["deal_pipeline_stage"]),
        # The names of all properties are hashed: only the list of stage entries says what it is about
        "deal_changes": len(rows["deal_stage"]),
        "accounts": len(rows["company"]),
        "sales_reps": len(rows["owner"]),
        "leads": len(rows["contact"]),
        "activities": len(engagements),
    }
    reasons = connection.execute(
        "select count(*) from audit.audit_excluded_records where exclusion_reason is null"
    ).fetchone()
    assert reasons == (0,)


def test_nothing_is_invented(warehouse):
    connection, rows = warehouse
    ids = {
        "deals": ("deal_id", {row["deal_id"] for row in rows["deal"]}),
        "stages": ("stage_id", {row["stage_id"] for row in rows["deal_pipeline_stage"]}),
        "accounts": ("account_id", {row["id"] for row in rows["company"]}),
        "sales_reps": ("rep_id", {row["owner_id"] for row in rows["owner"]}),
        "leads": ("lead_id", {row["id"] for row in rows["contact"]}),
    }
    for table, (column, expected) in ids.items():
        found = connection.execute(f"select distinct {column} from staging.stg_crm__{table}").fetchall()
        assert {name for (name,) in found} == expected, table
    outcomes = dict(
        connection.execute("select stage_id, outcome from staging.stg_crm__stages where pipeline_id is not null").fetchall()
    )
    for row in rows["deal_pipeline_stage"]:
        if row["is_closed"] == "FALSE":
            assert outcomes[row["stage_id"]] == "open", row
    # Contacts that were merged into another one are the only ones that the list on the survivor names
    merged = connection.execute(
        "select lead_id, merged_into_lead_id from staging.stg_crm__leads where merged_into_lead_id is not null"
    ).fetchall()
    listed = {
        (loser, row["id"])
        for row in rows["contact"]
        for loser in row["property_hs_merged_object_ids"].split(";")
        if loser
    }
    assert set(merged) <= listed
    # No deal of these tables is in a stage of theirs, so that no deal counts
    assert connection.execute("select count(*) from marts.fct_deals where exclusion_reason is null").fetchone() == (0,)
