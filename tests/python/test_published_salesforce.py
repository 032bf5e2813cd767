"""Somebody else's raw tables: what Fivetran left of a Salesforce, its values hashed, as published with a dbt package.

The stages are hashes, there is no list of them, and all deals are deleted. Nothing may be made up of that, and nothing
may get lost.
"""

import csv

import duckdb
import pytest

TABLES = ("account", "event", "lead", "opportunity", "task", "user", "user_role")


def load(database, folder):
    """Write each file as the table `salesforce.<name>`, all text, and return {table: number of records}."""
    counts = {}
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema salesforce")
        for table in TABLES:
            connection.execute(
                f"create table salesforce.{table} as select * from read_csv(?, all_varchar = true, header = true)",
                [str(folder / f"sf_{table}_data.csv")],
            )
            counts[table] = connection.execute(f"select count(*) from salesforce.{table}").fetchone()[0]
    return counts


@pytest.fixture(scope="module")
def published(shared_data, run_dbt, tmp_path_factory):
    """A connection to the warehouse built of the published tables, and the number of records of each."""
    work = tmp_path_factory.mktemp("published")
    counts = load(work / "warehouse.duckdb", shared_data / "fivetran_salesforce")
    run_dbt(
        "build", "--quiet", "--exclude-resource-type", "unit_test",
        work=work, vars={"crm_sources": ["salesforce"]},
    )  # fmt: skip
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as connection:
        yield connection, counts


def test_every_record_is_used_or_excluded_for_a_reason(published):
    connection, counts = published
    rows = connection.execute(
        "select table_name, raw_records, used_records, excluded_records from audit.audit_reconciliation "
        "where source_system = 'salesforce'"
    ).fetchall()
    assert all(raw == used + excluded for _, raw, used, excluded in rows)
    raw = {table: number for table, number, _, _ in rows}
    assert raw["deals"] == counts["opportunity"]
    assert raw["accounts"] == counts["account"]
    assert raw["leads"] == counts["lead"]
    assert raw["activities"] == counts["task"] + counts["event"]
    assert raw["sales_reps"] == counts["user"]


def test_deleted_deals_make_no_figures(published):
    connection, counts = published
    reasons = connection.execute(
        "select exclusion_reason, count(*) from audit.audit_excluded_records where table_name = 'deals' group by 1"
    ).fetchall()
    assert dict(reasons) == {"deleted": counts["opportunity"]}
    assert connection.execute("select count(*) from marts.kpi_win_rate").fetchone() == (0,)


def test_stages_mean_what_the_deals_say(published, shared_data):
    connection, _ = published
    with (shared_data / "fivetran_salesforce" / "sf_opportunity_data.csv").open(newline="", encoding="utf-8") as file:
        deals = list(csv.DictReader(file))
    expected = {
        (row["stage_name"], "won" if row["is_won"] == "true" else "lost" if row["is_closed"] == "true" else "open")
        for row in deals
    }
    found = connection.execute(
        "select stage_id, outcome from staging.stg_crm__stages where pipeline_id is null"
    ).fetchall()
    assert expected >= set(found) and found
