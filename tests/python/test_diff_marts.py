"""The metric diff: what changed between two builds, and whether a definition_version says so."""

import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from diff_marts import compare_builds, main


@pytest.fixture
def build(tmp_path):
    """build(name, *statements): a file with the marts of a company that won 3 of its 4 deals, changed by SQL."""

    def make(name, *statements):
        path = tmp_path / f"{name}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                """
                create schema marts;
                create table marts.kpi_win_rate as
                select
                    'quarter' as period_grain, date '2025-07-01' as period_start_date, '2025 Q3' as period_label,
                    dimension, member_id, won_deals, closed_deals, won_deals / closed_deals as win_rate
                from (
                    values ('overall', 'all', 3::bigint, 4::bigint), ('segment', 'SMB', 1, 2), ('segment', 'Large', 2, 2)
                ) as member (dimension, member_id, won_deals, closed_deals);
                create table marts.kpi_scorecard as
                select
                    'win_rate' as kpi_name, period_grain, period_start_date, period_label, dimension, member_id,
                    member_id as member_name, win_rate as value, 'share' as unit, 'USD' as reporting_currency,
                    1 as definition_version
                from marts.kpi_win_rate;
                create table marts.fct_deals as select 'D1' as deal_id, 1 as won_deals;
                """
            )
            for statement in statements:
                connection.execute(statement)
        return path

    return make


def raise_rate(version):
    """Statements of a build whose overall win rate is another one."""
    return (
        "update marts.kpi_win_rate set won_deals = 2, win_rate = 0.5 where member_id = 'all'",
        "update marts.kpi_scorecard set value = 0.5 where member_id = 'all'",
        f"update marts.kpi_scorecard set definition_version = {version}",
    )


def test_equal_builds_have_no_difference(build):
    report, unexplained = compare_builds(build("base"), build("head"))
    assert unexplained == []
    assert "No figure of any KPI changed." in report and "|" not in report


def test_a_number_that_changed_under_an_old_version_fails_and_is_shown(build, tmp_path):
    base, head = build("base"), build("head", *raise_rate(version=1))
    assert main([str(base), str(head), "--report", str(tmp_path / "report.md")]) == 1
    report = (tmp_path / "report.md").read_text()
    assert "the definition version did not: `win_rate`" in report
    assert "`won_deals` differs in 1 row; `win_rate` differs in 1 row" in report
    assert "| 2025 Q3 | overall | all | 75 % | 50 % | −25 points |" in report


def test_builds_of_one_file_name_are_told_apart(build, tmp_path, capsys):
    (tmp_path / "copy").mkdir()
    head = build("base").rename(tmp_path / "copy" / "base.duckdb")
    assert main([str(build("base")), str(head)]) == 0
    assert "base → head" in capsys.readouterr().out


def test_a_new_definition_version_explains_a_new_number(build):
    report, unexplained = compare_builds(build("base"), build("head", *raise_rate(version=2)))
    assert unexplained == []
    assert "| `win_rate` | 1 → **2** |" in report and "| 75 % | 50 % |" in report


def test_rows_that_came_or_went_are_numbers_that_changed(build):
    head = build(
        "head",
        "update marts.kpi_win_rate set member_id = 'Enterprise' where member_id = 'Large'",
        "update marts.kpi_scorecard set member_id = 'Enterprise', member_name = 'Enterprise' where member_id = 'Large'",
    )
    report, unexplained = compare_builds(build("base"), head)
    assert unexplained == ["win_rate"]
    assert "1 row added; 1 row gone" in report
    assert "| segment | Enterprise | – | 100 % | new |" in report and "| segment | Large | 100 % | – | gone |" in report


def test_a_number_that_became_empty_has_changed(build):
    head = build("head", "update marts.kpi_win_rate set win_rate = null where member_id = 'SMB'")
    assert compare_builds(build("base"), head)[1] == ["win_rate"]


def test_a_figure_of_the_scorecard_alone_needs_a_version_too(build):
    head = build("head", "update marts.kpi_scorecard set value = 0.5 where member_id = 'all'")
    report, unexplained = compare_builds(build("base"), head)
    assert unexplained == ["win_rate"] and "in the scorecard: `value` differs in 1 row" in report


def test_a_mart_without_rows_has_lost_its_numbers(build):
    head = build("head", "delete from marts.kpi_win_rate", "delete from marts.kpi_scorecard")
    report, unexplained = compare_builds(build("base"), head)
    assert unexplained == ["win_rate"] and "| `win_rate` | 1 | 3 rows gone |" in report


def test_a_kpi_that_is_gone_is_in_the_verdict(build):
    head = build("head", "drop table marts.kpi_win_rate", "delete from marts.kpi_scorecard")
    report, unexplained = compare_builds(build("base"), head)
    assert unexplained == [] and "**No longer there: `win_rate`.**" in report.splitlines()[2]


def test_a_kpi_without_a_mart_may_not_stay_in_the_scorecard(build):
    head = build("head", "drop table marts.kpi_win_rate")
    assert compare_builds(build("base"), head)[1] == ["win_rate"]


def test_columns_names_and_facts_are_listed_but_need_no_version(build):
    head = build(
        "head",
        "alter table marts.kpi_win_rate add column lost_deals bigint",
        "alter table marts.kpi_win_rate alter closed_deals type integer",
        "update marts.kpi_win_rate set period_label = 'Q3 2025'",
        "alter table marts.fct_deals drop won_deals",
        "insert into marts.fct_deals values ('D2')",
        "create table marts.fct_orders as select 1 as order_id",
    )
    report, unexplained = compare_builds(build("base"), head)
    assert unexplained == []
    assert "No figure of any KPI changed." in report
    assert "text of `period_label` differs in 3 rows; column `lost_deals` added; type of `closed_deals` changed" in report
    assert "| `fct_deals` | 1 row added; column `won_deals` gone |" in report and "| `fct_orders` | new |" in report


def test_the_last_digit_of_a_quotient_is_no_change(build):
    head = build("head", "update marts.kpi_win_rate set win_rate = win_rate * (1 + 2e-16)")
    assert compare_builds(build("base"), head)[1] == []


@pytest.mark.parametrize("content", [None, b"no database"])
def test_a_file_that_cannot_be_read_is_one_line(build, tmp_path, capsys, content):
    path = tmp_path / "other.duckdb"
    if content:
        path.write_bytes(content)
    assert main([str(build("base")), str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("cannot compare: ") and "other.duckdb" in error and error.count("\n") == 1


def test_an_unknown_revision_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["--against", "no-such-revision"]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not list(tmp_path.iterdir())
