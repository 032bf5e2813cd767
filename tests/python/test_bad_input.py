"""What becomes of bad values: a build on them ends green, and the audit lists each with its reason."""


import duckdb
import pytest

STAGES = [
    {"pipeline_id": "new", "stage_id": "open", "stage_name": "Open", "stage_order": "1", "outcome": "open"},
    {"pipeline_id": "new", "stage_id": "won", "stage_name": "Won", "stage_order": "2", "outcome": "Won"},
]

GOOD = {"stage_id": "open", "pipeline_id": "new", "amount": "100", "created_at": "2024-01-05", "close_date": "2024-03-01"}

# What is wrong with a deal, by its id: the values at fault
BAD_DEALS = {
    "wrong type": {"amount": "a lot", "close_date": "soon", "is_deleted": "perhaps"},
    "too large": {"amount": "1e18"},
    "negative": {"amount": "-50.255"},
    "year 1900": {"created_at": "1900-01-01"},
    "year 2999": {"created_at": "2999-01-01"},
    "never created": {"created_at": ""},
    "no such day": {"created_at": "2024-02-30"},
    "date and more": {"created_at": "2024-01-05 or so"},
    "endless": {"created_at": "infinity"},
    "no stage": {"stage_id": " "},
    "other stage": {"stage_id": "gone"},
    "closes in 2999": {"stage_id": "won", "close_date": "2999-01-01"},
    "closed early": {"stage_id": "won", "close_date": "2024-01-04"},
    "closed undated": {"stage_id": "won", "close_date": ""},
    "expected in 1900": {"close_date": "1900-01-01"},
    "no rate": {"stage_id": "won", "currency": "XAU"},
    "id with spaces": {},
    "Größe-ø-商談": {},
    "long note": {"name": "x" * 1_000_000},
    "gone": {"is_deleted": "YES"},
    "merged away": {"merged_into_deal_id": "negative"},
}

EXCLUDED = {
    "year 1900": "invalid_value",
    "year 2999": "created_in_future",
    "never created": "missing_value",
    "no such day": "invalid_value",
    "date and more": "invalid_value",
    "endless": "invalid_value",
    "no stage": "missing_value",
    "other stage": "unknown_stage",
    "closes in 2999": "closed_in_future",
    "closed early": "closed_before_created",
    "closed undated": "missing_value",
    "gone": "deleted",
    "merged away": "merged",
}

WARNED = {
    ("wrong type", "amount"): "unreadable_value",
    ("wrong type", "close_date"): "unreadable_value",
    ("wrong type", "is_deleted"): "unreadable_value",
    ("too large", "amount"): "unreadable_value",
    ("no rate", "currency"): "missing_fx_rate",
}


@pytest.fixture(scope="module")
def warehouse(run_dbt, write_csv, tmp_path_factory):
    """A warehouse built from nothing but bad values and a few good ones, read only."""
    work = tmp_path_factory.mktemp("bad_values")
    folder = work / "export"
    folder.mkdir()
    columns = ["deal_id", *GOOD, "name", "currency", "is_deleted", "merged_into_deal_id", "updated_at"]
    deals = [{"deal_id": deal_id, **GOOD, **wrong} for deal_id, wrong in BAD_DEALS.items()]
    deals += [{"deal_id": "twice", **GOOD}] * 2
    deals += [{"deal_id": "versions", **GOOD, "amount": amount, "updated_at": at} for amount, at in [
        ("1", "2024-02-01"), ("3", "2024-02-03"), ("2", "2024-02-02")
    ]]
    write_csv(folder / "deals.csv", columns, deals)
    write_csv(folder / "stages.csv", list(STAGES[0]), STAGES)
    write_csv(
        folder / "quotas.csv",
        ["rep_id", "quota_month", "amount"],
        [
            {"rep_id": "r", "quota_month": "2024-01-01", "amount": "much"},
            {"rep_id": "r", "quota_month": "January", "amount": "1"},
            {"rep_id": "", "quota_month": "2024-01-01", "amount": "1"},
        ],
    )
    write_csv(folder / "leads.csv", ["lead_id", "created_at"], [])
    run = run_dbt(
        "build", "--exclude", "resource_type:unit_test", work=work,
        vars={"crm_export_path": str(folder), "as_of_date": "2024-06-30"},
    )
    assert "WARN" in run.stdout and "ERROR=0" in run.stdout
    with duckdb.connect(str(work / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def test_each_bad_deal_is_excluded_for_its_reason_or_used(warehouse):
    listed = warehouse.execute(
        "select record_id, exclusion_reason from audit.audit_excluded_records where table_name = 'deals'"
    ).fetchall()
    assert sorted(listed) == sorted([*EXCLUDED.items(), ("twice", "duplicate"), *[("versions", "duplicate")] * 2])
    used = {row[0] for row in warehouse.execute(
        "select deal_id from marts.fct_deals where exclusion_reason is null"
    ).fetchall()}
    assert used == (BAD_DEALS.keys() | {"twice", "versions"}) - EXCLUDED.keys()


def test_each_value_that_cannot_be_read_is_warned_of_and_empty(warehouse):
    listed = warehouse.execute(
        "select record_id, column_name, warning from audit.audit_warnings where table_name = 'deals'"
    ).fetchall()
    assert {(record_id, column): warning for record_id, column, warning in listed} == WARNED
    assert warehouse.execute(
        "select deal_id from marts.fct_deals where exclusion_reason is null and amount is null order by 1"
    ).fetchall() == [("no rate",), ("too large",), ("wrong type",)]


def test_a_negative_amount_counts_in_cents_and_raises_a_warning(warehouse):
    assert str(warehouse.execute("select amount from marts.fct_deals where deal_id = 'negative'").fetchone()[0]) == "-50.26"
    assert warehouse.execute("select deal_id from audit.data_deals_have_a_negative_amount").fetchall() == [("negative",)]


def test_the_newest_version_of_a_record_counts(warehouse):
    assert warehouse.execute("select amount from marts.fct_deals where deal_id = 'versions'").fetchone()[0] == 3


def test_every_message_names_table_record_and_what_to_do(warehouse):
    messages = warehouse.execute("select message from audit.audit_excluded_records").fetchall()
    assert ("deals.stage_id of record other stage: its stage is not in stages; add the stage with its outcome",) in messages
    assert all(message and "\n" not in message for (message,) in messages)


def test_raw_is_used_plus_excluded(warehouse):
    rows = {
        table: counts
        for table, *counts in warehouse.execute(
            "select table_name, raw_records, used_records, excluded_records from audit.audit_reconciliation"
        ).fetchall()
    }
    assert rows["deals"] == [len(BAD_DEALS) + 5, 10, len(EXCLUDED) + 3]
    assert rows["quotas"] == [3, 1, 2]


def test_marts_of_kpis_without_input_are_empty_not_zero(warehouse):
    assert warehouse.execute("select count(*) from marts.kpi_lead_conversion_rate").fetchone() == (0,)
    assert warehouse.execute("select count(*) from marts.kpi_stage_conversion").fetchone() == (0,)
    assert warehouse.execute("select count(opening_pipeline_amount) from marts.kpi_pipeline_coverage").fetchone() == (0,)
