"""Snapshots make the log of a source that keeps none: three days of a company, photographed, against its real log.

The photographed company is an export without deal_changes; the other one has them. Both must tell the same of everything
since the first snapshot, and the photographed one must not pretend to know what was before.
"""

import csv
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

FIRST_LOOK = "2026-02-28 03:00:00"
LOOKS = [FIRST_LOOK, "2026-03-10 03:00:00", "2026-04-05 03:00:00"]
AS_OF = {"as_of_date": "2026-04-04"}
SNAPSHOTS = {"snapshot_deals": ["crm_export"]}

STAGES = [
    {"pipeline_id": "sales", "stage_id": "new", "stage_name": "New", "stage_order": "1", "probability": "0.2", "outcome": "open"},
    {"pipeline_id": "sales", "stage_id": "offer", "stage_name": "Offer", "stage_order": "2", "probability": "0.6", "outcome": "open"},
    {"pipeline_id": "sales", "stage_id": "won", "stage_name": "Won", "stage_order": "3", "probability": "1", "outcome": "won"},
    {"pipeline_id": "sales", "stage_id": "lost", "stage_name": "Lost", "stage_order": "4", "probability": "0", "outcome": "lost"},
]
QUOTAS = [{"rep_id": rep, "quota_month": f"2026-0{month}-01", "amount": "500"} for rep in ("R1", "R2") for month in (1, 2, 3, 4)]
# deal: what it was when it was created
CREATED = {
    "won_under_watch": {"created_at": "2026-01-10 09:00:00", "stage_id": "new", "amount": "100", "close_date": "2026-03-31"},
    "won_before": {"created_at": "2026-01-15 09:00:00", "stage_id": "new", "amount": "300", "close_date": "2026-02-28"},
    "created_and_lost": {"created_at": "2026-03-02 09:00:00", "stage_id": "new", "amount": "50", "close_date": "2026-04-30"},
    "put_off": {"created_at": "2026-03-05 09:00:00", "stage_id": "new", "amount": "70", "close_date": "2026-04-15"},
    "handed_over": {"created_at": "2026-02-01 09:00:00", "stage_id": "offer", "amount": "900", "close_date": "2026-03-31"},
    "unchanged": {"created_at": "2026-03-20 09:00:00", "stage_id": "new", "amount": "20", "close_date": "2026-04-20"},
    "deleted_and_restored": {"created_at": "2026-02-05 09:00:00", "stage_id": "offer", "amount": "40", "close_date": "2026-04-20"},
}
CHANGES = [
    ("won_before", "2026-02-10 09:00:00", {"stage_id": "won", "close_date": "2026-02-10"}),
    ("won_under_watch", "2026-03-03 10:00:00", {"stage_id": "offer", "amount": "120"}),
    ("deleted_and_restored", "2026-03-06 10:00:00", {"is_deleted": "true"}),
    ("handed_over", "2026-03-07 10:00:00", {"owner_id": "R2"}),
    ("won_under_watch", "2026-03-20 15:00:00", {"stage_id": "won", "close_date": "2026-03-20"}),
    ("created_and_lost", "2026-03-25 12:00:00", {"stage_id": "lost", "close_date": "2026-03-25"}),
    ("deleted_and_restored", "2026-03-28 10:00:00", {"is_deleted": "false"}),
    ("put_off", "2026-03-30 10:00:00", {"close_date": "2026-05-15"}),
]


def company_at(moment: str) -> tuple[list[dict], list[dict]]:
    """The deals and the log as they are at a moment."""
    deals = {
        deal_id: {"deal_id": deal_id, "owner_id": "R1", "pipeline_id": "sales", "is_deleted": "false"}
        | values
        | {"updated_at": values["created_at"]}
        for deal_id, values in CREATED.items()
        if values["created_at"] <= moment
    }
    log = []
    for deal_id, changed_at, values in CHANGES:
        if changed_at > moment:
            continue
        for field, value in values.items():
            log.append(
                {
                    "deal_id": deal_id,
                    "field": field,
                    "old_value": deals[deal_id][field],
                    "new_value": value,
                    "changed_at": changed_at,
                }
            )
            deals[deal_id][field] = value
        deals[deal_id]["updated_at"] = changed_at
    return list(deals.values()), log


def write_export(folder: Path, moment: str, with_log: bool) -> Path:
    """The company's export at a moment."""
    folder.mkdir(exist_ok=True)
    deals, log = company_at(moment)
    tables = {"deals": deals, "stages": STAGES, "quotas": QUOTAS} | ({"deal_changes": log} if with_log else {})
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def read(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def photographed(run_dbt, tmp_path_factory):
    """The warehouse of the export without a log, photographed at each look, and what was there before the first."""
    work = tmp_path_factory.mktemp("photographed")
    folder = write_export(work / "export", FIRST_LOOK, with_log=False)
    variables = {"crm_export_path": str(folder)} | SNAPSHOTS | AS_OF
    no_tests = ("--quiet", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    database = work / "warehouse.duckdb"
    run_dbt("run", "--quiet", "--select", "+base_crm__tables", work=work, vars=variables)
    before = read(database, "select is_present from staging.base_crm__tables where table_name = 'deal_changes'")
    for look in LOOKS:
        write_export(folder, look, with_log=False)
        select = "+path:models/marts" if look == LOOKS[-1] else "+snap_crm__deals"
        run_dbt("build", *no_tests, "--select", select, work=work, vars=variables)
        # The runs are all of today: turn their clock back to the day that they stand for
        with duckdb.connect(str(database)) as connection:
            earlier = ", ".join(f"'{earlier}'" for earlier in LOOKS)
            connection.execute(
                f"update snapshots.snap_crm__deals set seen_at = '{look}' where cast(seen_at as varchar) not in ({earlier})"
            )
    run_dbt("run", "--quiet", "--select", "+path:models/marts", work=work, vars=variables)
    return database, before


@pytest.fixture(scope="module")
def logged(run_dbt, tmp_path_factory):
    """The warehouse of the export with its log."""
    work = tmp_path_factory.mktemp("logged")
    folder = write_export(work / "export", LOOKS[-1], with_log=True)
    run_dbt("run", "--quiet", "--select", "+path:models/marts", work=work, vars={"crm_export_path": str(folder)} | AS_OF)
    return work / "warehouse.duckdb"


def test_nothing_fails_before_the_first_snapshot(photographed):
    _, before = photographed
    assert before == [(False,)]


def test_the_checks_of_what_only_snapshots_switch_on_pass(photographed, run_dbt):
    """A failing one would keep every build of such a user from being published."""
    work = photographed[0].parent
    variables = {"crm_export_path": str(work / "export")} | SNAPSHOTS | AS_OF
    run_dbt("test", "--quiet", "--select", "base_crm__deal_versions", "stg_crm__deal_version_changes", work=work, vars=variables)


def test_it_says_since_when_history_is_known(photographed):
    database, _ = photographed
    assert read(
        database,
        "select is_present, location, history_began_at from staging.base_crm__tables where table_name = 'deal_changes'",
    ) == [(True, "snap_crm__deals", datetime.fromisoformat(FIRST_LOOK))]


def test_the_changes_are_those_of_the_real_log(photographed, logged):
    sql = (
        "select deal_id, field, old_value, new_value, changed_at from intermediate.int_deal_changes "
        f"where changed_at > '{FIRST_LOOK}' order by all"
    )
    changes = read(logged, sql)
    assert len(changes) == 10
    assert read(photographed[0], sql) == changes


def test_marts_since_the_first_snapshot_are_those_of_the_real_log(photographed, logged):
    names = [
        name
        for (name,) in read(
            logged,
            "select table_name from information_schema.tables where table_schema = 'marts' "
            "and table_name like 'kpi!_%' escape '!' and table_name <> 'kpi_scorecard' order by 1",
        )
    ]
    assert len(names) == 12
    for name in names:
        # How long a deal had been in its stage at the first snapshot nobody knows
        columns = "* exclude (completed_visits, total_seconds_in_stage, average_days_in_stage, median_days_in_stage)"
        rows = (
            f"select {columns if name == 'kpi_stage_conversion' else '*'} from marts.{name} "
            "where period_grain = 'month' and period_start_date >= '2026-03-01' order by all"
        )
        if name == "kpi_stage_conversion":
            rows = rows.replace(" order", " and entered_deals > 0 order")
        assert read(photographed[0], rows) == read(logged, rows), name


def test_openings_and_stages_before_the_first_snapshot_are_not_known(photographed, logged):
    opening = (
        "select period_label, opening_pipeline_amount from marts.kpi_pipeline_coverage where dimension = 'overall' "
        "and period_label in ('2026-02', '2026-03', '2026 Q1') order by 1"
    )
    assert dict(read(photographed[0], opening)) == {"2026 Q1": None, "2026-02": None, "2026-03": 1000}
    assert dict(read(logged, opening))["2026-02"] == 300
    entered = "select sum(entered_deals) from marts.kpi_stage_conversion where dimension = 'overall' and period_label = '2026-02'"
    assert read(photographed[0], entered) == [(None,)]
    assert read(logged, entered) == [(2,)]


def test_a_rebuild_gives_the_same(photographed, run_dbt):
    database, _ = photographed
    work = database.parent
    sql = "select * from intermediate.int_deal_changes order by all"
    changes = read(database, sql)
    variables = {"crm_export_path": str(work / "export")} | SNAPSHOTS | AS_OF
    run_dbt("run", "--quiet", "--select", "+int_deal_changes", work=work, vars=variables)
    assert read(database, sql) == changes
