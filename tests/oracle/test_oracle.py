"""The oracle against cases small enough to compute by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from compare import differences, is_same
from history import collapse_instant
from oracle import Config, compute
from read_csv import read_folder
from rollup import period_of

MARCH = date(2026, 3, 1)
END_OF_MARCH = Config(as_of_date=date(2026, 3, 31))
STAGES = [
    {"pipeline_id": "p", "pipeline_name": "New", "stage_id": stage_id, "stage_name": stage_id.title(),
     "stage_order": order, "probability": probability, "outcome": outcome}
    for stage_id, order, probability, outcome in [
        ("prospect", "1", "0.1", "open"), ("qualify", "2", "0.25", "open"), ("propose", "3", "0.5", "open"),
        ("won", "4", "1", "won"), ("lost", "5", "0", "lost"),
    ]
]  # fmt: skip


def deal(deal_id, stage_id, created_at="2026-01-10", close_date=None, amount="100", **columns):
    """One raw deal in pipeline p, owned by rep r1."""
    return {
        "deal_id": deal_id, "stage_id": stage_id, "created_at": created_at, "close_date": close_date,
        "amount": amount, "pipeline_id": "p", "owner_id": "r1",
    } | columns  # fmt: skip


def change(deal_id, field, old_value, new_value, changed_at, change_id=None):
    """One raw log row."""
    return {
        "deal_id": deal_id, "field": field, "old_value": old_value, "new_value": new_value,
        "changed_at": changed_at, "change_id": change_id,
    }  # fmt: skip


def moved(deal_id, *steps):
    """Log rows of a deal that goes through (stage, instant) steps, the first being its initial stage."""
    pairs = zip(steps, steps[1:], strict=False)
    return [change(deal_id, "stage_id", old[0], new[0], new[1]) for old, new in pairs]


def run(config=END_OF_MARCH, **tables):
    """(marts, audit) of one source; stages unless given."""
    return compute({"crm_export": {"stages": STAGES, "deals": []} | tables}, config)


def cell(marts, mart, dimension="overall", member="all", grain="month", start=MARCH):
    """The one row of a mart with those keys, or None."""
    wanted = (grain, start, dimension, member)
    found = [
        row
        for row in marts[f"kpi_{mart}"]
        if (row["period_grain"], row["period_start_date"], row["dimension"], row["member_id"]) == wanted
    ]
    assert len(found) < 2
    return found[0] if found else None


def reasons(audit):
    """{record id: reason} of the excluded records."""
    return {item["record_id"]: item["reason"] for item in audit.excluded}


def warnings(audit):
    """Set of (record id, warning)."""
    return {(item["record_id"], item["warning"]) for item in audit.warnings}


# ------------------------------------------------------------ closed deals


def test_open_deals_are_in_neither_part_of_the_win_rate():
    deals = [
        deal("1", "won", close_date="2026-03-02"),
        deal("2", "lost", close_date="2026-03-03"),
        deal("3", "propose", close_date="2026-03-20"),
    ]
    row = cell(run(deals=deals).marts, "win_rate")
    assert (row["won_deals"], row["closed_deals"], row["win_rate"]) == (1, 2, 0.5)


def test_rep_with_nothing_closed_has_no_win_rate_row_and_null_velocity():
    deals = [deal("1", "won", close_date="2026-03-02"), deal("2", "propose", owner_id="r2")]
    marts = run(deals=deals).marts
    assert cell(marts, "win_rate", "sales_rep", "crm_export|r2") is None
    row = cell(marts, "pipeline_velocity", "sales_rep", "crm_export|r2")
    assert (row["closed_deals"], row["open_deals"], row["win_rate"]) == (0, 1, None)
    assert row["pipeline_velocity_per_day"] is None and row["member_name"] == "r2"


def test_velocity_is_the_product_of_its_parts():
    deals = [
        deal("1", "won", "2026-02-20", "2026-03-02", "300"),  # 10 days
        deal("2", "won", "2026-02-20", "2026-03-12", "100"),  # 20 days
        deal("3", "lost", "2026-02-20", "2026-03-12", "100"),
        deal("4", "propose"),
    ]
    row = cell(run(deals=deals).marts, "pipeline_velocity")
    assert row["pipeline_velocity_per_day"] == pytest.approx(3 * (2 / 3) * 200 / 15)
    assert row["open_pipeline_velocity_per_day"] == pytest.approx(1 * (2 / 3) * 200 / 15)


def test_cycle_runs_from_the_first_human_touch_before_the_deal_existed():
    lead = {"lead_id": "l", "created_at": "2026-01-05", "converted_deal_id": "1", "source": "Web"}
    touch = {"type": "call", "lead_id": "l", "deal_id": None, "direction": None}
    activities = [
        touch | {"activity_id": "a", "occurred_at": "2026-01-01", "is_automated": "yes"},
        touch | {"activity_id": "b", "occurred_at": "2026-01-02", "is_completed": "0"},
        touch | {"activity_id": "c", "occurred_at": "2026-01-03"},
    ]
    marts = run(deals=[deal("1", "won", close_date="2026-03-04")], leads=[lead], activities=activities).marts
    row = cell(marts, "sales_cycle_length", "lead_source", "Web")
    assert row["average_sales_cycle_days"] == 60.0  # 3 January to 4 March


def test_percentiles_interpolate():
    deals = [deal(str(n), "won", "2026-03-01", f"2026-03-{1 + n:02}") for n in (1, 2, 3, 4)]
    row = cell(run(deals=deals).marts, "sales_cycle_length")
    assert (row["median_cycle_days"], row["p90_cycle_days"]) == (2.5, pytest.approx(3.7))


def test_amount_of_zero_is_an_amount():
    deals = [
        deal(str(n), "won", close_date="2026-03-02", amount=amount) for n, amount in enumerate(["0", "", "9"])
    ]
    row = cell(run(deals=deals).marts, "average_deal_size")
    assert (row["won_deals_with_amount"], row["won_deals_without_amount"]) == (2, 1)
    assert (row["won_amount"], row["average_deal_size"]) == (Decimal("9.00"), 4.5)


def test_late_close_belongs_to_the_day_of_the_reporting_time_zone():
    deals = [deal("1", "won", close_date="2026-04-01T05:30:00Z")]  # 22:30 on 31 March in Phoenix
    config = Config(as_of_date=date(2026, 4, 30), reporting_timezone="America/Phoenix")
    marts = run(config, deals=deals).marts
    assert cell(marts, "win_rate")["won_deals"] == 1
    assert cell(marts, "win_rate", start=date(2026, 4, 1))["win_rate"] is None


def test_missing_rate_makes_a_deal_without_amount_and_rounding_is_away_from_zero():
    deals = [
        deal("1", "won", close_date="2026-03-02", currency="EUR", amount="0.05"),
        deal("2", "won", close_date="2026-03-02", currency="GBP"),
        deal("3", "won", close_date="2026-03-02", currency="eur", amount="-0.05"),
    ]
    rates = [
        {"currency": "EUR", "rate_date": "2026-02-01", "rate": "1.1"},
        {"currency": "EUR", "rate_date": "2026-03-03", "rate": "9"},
        {"currency": "EUR", "rate_date": "2026-02-15", "rate": "9", "to_currency": "CHF"},
    ]
    marts, audit = run(deals=deals[:2], fx_rates=rates)
    row = cell(marts, "average_deal_size")
    assert (row["won_amount"], row["won_deals_without_amount"]) == (Decimal("0.06"), 1)
    assert ("2", "missing_fx_rate") in warnings(audit)
    assert "other_currency" in reasons(audit).values()
    assert cell(run(deals=deals[2:], fx_rates=rates).marts, "average_deal_size")["won_amount"] == Decimal(
        "-0.06"
    )


def test_two_won_deals_of_one_account_make_one_customer():
    deals = [
        deal("1", "won", close_date="2026-03-02", account_id="a", lead_source="Web"),
        deal("2", "won", close_date="2026-03-01", account_id="a", lead_source="Fair"),
        deal("3", "won", close_date="2026-03-02"),
    ]
    spend = [{"spend_month": "2026-02-01", "category": "Sales", "amount": "50"}]
    config = Config(as_of_date=date(2026, 3, 31), cac_lag_months=1)
    marts = run(config, deals=deals, sales_spend=spend).marts
    row = cell(marts, "customer_acquisition_cost")
    assert (row["new_customers"], row["won_deals_without_account"], row["customer_acquisition_cost"]) == (
        1,
        1,
        50,
    )
    assert cell(marts, "customer_acquisition_cost", "lead_source", "Fair")["new_customers"] == 1
    assert cell(marts, "customer_acquisition_cost", start=date(2026, 2, 1)) is None


def test_quota_counts_for_the_owner_at_the_close_and_the_team_of_that_day():
    deals = [deal("1", "won", close_date="2026-03-20", owner_id="r2", amount="80")]
    log = moved("1", ("prospect", ""), ("won", "2026-03-20T10:00:00Z"))
    log += [change("1", "owner_id", "r1", "r2", "2026-03-25")]
    teams = [
        {"rep_id": "r1", "team": "East", "valid_from": "2026-01-01"},
        {"rep_id": "r1", "team": "West", "valid_from": "2026-03-15"},
    ]
    quotas = [{"rep_id": "r1", "quota_month": "2026-03-01", "amount": "80"}]
    marts = run(deals=deals, deal_changes=log, rep_teams=teams, quotas=quotas).marts
    rep = cell(marts, "quota_attainment", "sales_rep", "crm_export|r1")
    assert (rep["quota_attainment"], rep["reps_with_quota"], rep["reps_at_quota"]) == (1.0, 1, 1)
    east, west = (cell(marts, "quota_attainment", "sales_team", team) for team in ("East", "West"))
    assert (east["quota_amount"], east["won_amount"], east["reps_at_quota"]) == (80, 0, 0)
    assert (west["quota_amount"], west["won_amount"], west["quota_attainment"]) == (0, 80, None)


# ------------------------------------------------------------ history


def test_reopened_and_lost_is_lost_and_was_open_in_between():
    log = moved(
        "1", ("propose", ""), ("won", "2026-01-20"), ("propose", "2026-02-10"), ("lost", "2026-03-05")
    )
    marts = run(deals=[deal("1", "lost")], deal_changes=log).marts
    row = cell(marts, "win_rate")
    assert (row["won_deals"], row["closed_deals"], row["win_rate"]) == (0, 1, 0.0)
    assert cell(marts, "win_rate", start=date(2026, 1, 1)) is None
    open_deals = [cell(marts, "pipeline_velocity", start=date(2026, month, 1)) for month in (1, 2, 3)]
    assert open_deals[0] is None  # nothing is open at the end of January, and no row comes before the first
    assert (open_deals[1]["open_deals"], open_deals[2]["open_deals"]) == (1, 0)


def test_skipped_stage_is_not_entered_and_going_back_undoes_nothing():
    log = moved(
        "1", ("prospect", ""), ("propose", "2026-03-02"), ("prospect", "2026-03-04"), ("lost", "2026-03-09")
    )
    marts = run(deals=[deal("1", "lost", "2026-03-01")], deal_changes=log).marts
    prospect = cell(marts, "stage_conversion", "stage", "crm_export|p|prospect")
    assert (prospect["entered_deals"], prospect["advanced_deals"], prospect["completed_visits"]) == (1, 1, 2)
    assert prospect["average_days_in_stage"] == 3.0  # a day, then five
    assert (prospect["stage_name"], prospect["stage_order"]) == ("Prospect", 1)
    propose = cell(marts, "stage_conversion", "stage", "crm_export|p|propose")
    assert (propose["entered_deals"], propose["advanced_deals"], propose["undecided_deals"]) == (1, 0, 0)
    assert cell(marts, "stage_conversion", "stage", "crm_export|p|qualify") is None
    assert cell(marts, "stage_conversion")["entered_deals"] == 2


def test_closing_that_only_the_row_knows_is_added_to_the_log():
    deals = [deal("1", "won", close_date="2026-03-10"), deal("2", "won", close_date="2026-03-10")]
    marts, audit = run(deals=deals, deal_changes=moved("1", ("prospect", ""), ("propose", "2026-02-01")))
    assert cell(marts, "win_rate")["won_deals"] == 2
    propose = cell(marts, "stage_conversion", "stage", "crm_export|p|propose")
    assert (propose["completed_visits"], propose["average_days_in_stage"]) == (1, 37.0)
    assert (
        cell(marts, "stage_conversion", start=date(2026, 1, 1))["entered_deals"] == 1
    )  # deal 2 was in no known one
    assert {("1", "log_incomplete"), ("2", "log_incomplete")} <= warnings(audit)
    assert cell(marts, "pipeline_velocity", start=date(2026, 2, 1))["open_deals"] == 2


def test_earlier_as_of_date_rolls_the_row_back():
    deals = [deal("1", "won", close_date="2026-03-20", amount="500")]
    log = moved("1", ("propose", ""), ("won", "2026-03-20"))
    log += [
        change("1", "amount", "100", "500", "2026-03-15"),
        change("1", "close_date", "2026-03-31", "2026-03-20", "2026-03-20"),
    ]
    marts, audit = run(Config(as_of_date=date(2026, 3, 10)), deals=deals, deal_changes=log)
    row = cell(marts, "pipeline_coverage")
    assert (row["current_pipeline_amount"], row["won_amount_to_date"]) == (Decimal("100.00"), 0)
    assert marts["kpi_win_rate"] == []
    assert [item["reason"] for item in audit.excluded] == ["created_in_future"] * 3


def test_as_of_date_equals_data_cut_on_that_day():
    log = moved("1", ("propose", ""), ("won", "2026-03-20")) + moved(
        "2", ("prospect", ""), ("propose", "2026-02-03")
    )
    log += [
        change("1", "amount", "100", "500", "2026-03-15"),
        change("2", "owner_id", "r2", "r1", "2026-03-11"),
    ]
    lead = {"lead_id": "l", "created_at": "2026-01-02", "source": "Web"}
    converted = lead | {"converted_at": "2026-03-12", "converted_deal_id": "1", "qualified_at": "2026-03-11"}
    known_later = {
        "deals": [deal("1", "won", amount="500"), deal("2", "propose"), deal("3", "propose", "2026-03-12")],
        "deal_changes": log,
        "leads": [converted],
    }
    known_then = {
        "deals": [deal("1", "propose"), deal("2", "propose", owner_id="r2")],
        "deal_changes": [row for row in log if row["changed_at"] <= "2026-03-10"],
        "leads": [lead],
    }
    config = Config(as_of_date=date(2026, 3, 10))
    assert run(config, **known_later).marts == run(config, **known_then).marts


def test_source_without_a_log_has_no_opening_and_no_stage_rows():
    deals = [deal("1", "won", close_date="2026-03-10"), deal("2", "won", "2026-01-10", "2026-04-02")]
    marts, audit = run(deals=deals)
    row = cell(marts, "forecast_accuracy")
    assert (row["actual_amount"], row["forecast_amount"], row["forecast_accuracy"]) == (100, None, None)
    assert marts["kpi_stage_conversion"] == []
    assert reasons(audit) == {"2": "closed_in_future"}


def test_forecast_uses_only_what_was_known_at_the_opening():
    deals = [deal("1", "won", close_date="2026-03-20", amount="400", forecast_category="Closed")]
    log = moved("1", ("propose", ""), ("won", "2026-03-20"))
    log += [
        change("1", "amount", "200", "400", "2026-03-01T00:00:00Z"),  # at the first instant: not before it
        change("1", "close_date", "2026-03-31", "2026-03-20", "2026-03-20"),
        change("1", "forecast_category", "Commit", "Closed", "2026-03-20"),
    ]
    row = cell(run(deals=deals, deal_changes=log).marts, "forecast_accuracy")
    assert (row["forecast_amount"], row["commit_forecast_amount"], row["actual_amount"]) == (100, 200, 400)
    assert (row["forecast_accuracy"], row["forecast_bias"]) == (0.25, -0.75)


def test_field_that_the_log_never_names_is_empty_in_the_past_of_a_closed_deal():
    deals = [
        deal("1", "won", close_date="2026-03-20"),
        deal("2", "propose", close_date="2026-03-20", probability="90"),
    ]
    log = moved("1", ("propose", ""), ("won", "2026-03-20"))
    row = cell(run(deals=deals, deal_changes=log).marts, "forecast_accuracy")
    assert (
        row["forecast_amount"] == 50
    )  # deal 2 at its stage's probability; deal 1's close date was never logged


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("9", "a", "b"), ("10", "b", "a")], ("a", "a")),  # ids compare as numbers
        ([("x9", "a", "b"), ("x10", "b", "c")], ("a", "b")),  # as text x10 comes before x9, but a begins the chain
        ([("2", "a", "b"), ("1", "b", "a")], ("b", "b")),  # a circle: no start, no end
        ([(None, "b", "c"), (None, "a", "b")], ("a", "c")),  # end of the chain
        ([(None, "a", "b"), (None, "c", "d")], ("c", "d")),  # no chain: the greatest
    ],
)
def test_changes_of_one_instant(rows, expected):
    assert collapse_instant(rows) == expected


def test_stage_that_no_longer_exists_is_open_but_in_no_pipeline():
    log = moved("1", ("prospect", ""), ("gone", "2026-02-10"), ("propose", "2026-03-10"))
    log += [change("1", "close_date", None, "2026-03-30", "2026-01-10")]
    marts, audit = run(deals=[deal("1", "propose"), deal("2", "gone")], deal_changes=log)
    assert cell(marts, "pipeline_velocity", start=date(2026, 2, 1))["open_deals"] == 1
    assert cell(marts, "forecast_accuracy") is None
    assert reasons(audit) == {"2": "unknown_stage"}


# ------------------------------------------------------------ leads


def test_lead_never_answered_is_not_within_the_limit():
    leads = [{"lead_id": n, "created_at": "2026-03-02T08:00:00Z"} for n in ("1", "2", "3")]
    touch = {"type": "email", "direction": "Outbound"}
    activities = [
        touch | {"activity_id": "a", "lead_id": "1", "occurred_at": "2026-03-02T09:00:00.9Z"},
        touch
        | {"activity_id": "b", "lead_id": "2", "occurred_at": "2026-03-02T11:00:00+01:00", "direction": ""},
        touch | {"activity_id": "c", "lead_id": "2", "occurred_at": "2026-03-02T12:00:00+01:00"},
        touch | {"activity_id": "d", "lead_id": "3", "occurred_at": "2026-03-02T07:59:59Z"},
    ]
    row = cell(run(leads=leads, activities=activities).marts, "lead_response_time")
    assert (row["responded_leads"], row["new_leads"], row["leads_within_sla"]) == (2, 3, 1)
    assert (row["average_lead_response_hours"], row["median_lead_response_hours"]) == (2.0, 2.0)
    assert row["within_sla_share"] == pytest.approx(1 / 3)
    assert cell(run(leads=leads).marts, "lead_response_time")["responded_leads"] is None


def test_conversion_counts_within_the_window_and_growth_needs_a_period_before():
    leads = [
        {"lead_id": "1", "created_at": "2026-02-01", "converted_at": "2026-03-03", "converted_deal_id": "x"},
        {"lead_id": "2", "created_at": "2026-02-01", "converted_at": "2026-03-04", "converted_deal_id": "y"},
        {
            "lead_id": "3",
            "created_at": "2026-02-01",
            "converted_at": "2026-02-02",
            "qualified_at": "2026-02-02",
        },
        {"lead_id": "4", "created_at": "2026-02-01", "qualified_at": "2026-04-02"},
    ]
    config = Config(as_of_date=date(2026, 3, 31), lead_conversion_window_days=30)
    marts = run(config, leads=leads).marts
    february = cell(marts, "lead_conversion_rate", start=date(2026, 2, 1))
    assert (february["converted_leads"], february["new_leads"], february["is_mature"]) == (1, 4, True)
    assert cell(marts, "lead_conversion_rate")["is_mature"] is False
    march = cell(marts, "lead_generation")
    assert (march["previous_qualified_leads"], march["qualified_leads"], march["lead_velocity_rate"]) == (
        1,
        0,
        -1.0,
    )
    assert cell(marts, "lead_generation", start=date(2026, 2, 1))["lead_velocity_rate"] is None


# ------------------------------------------------------------ periods, records, the scorecard


def test_fiscal_year_from_february():
    assert period_of(date(2026, 1, 31), "year", 2).label == "FY2026"
    assert period_of(date(2026, 2, 1), "quarter", 2).label == "FY2027 Q1"
    assert period_of(date(2027, 1, 31), "quarter", 2).start == date(2026, 11, 1)
    assert period_of(date(2026, 3, 5), "month", 2).label == "2026-03"
    assert period_of(date(2026, 3, 5), "quarter", 1).label == "2026 Q1"
    config = Config(as_of_date=date(2026, 3, 31), fiscal_year_start_month=2)
    marts = run(config, deals=[deal("1", "won", close_date="2026-01-31")]).marts
    assert cell(marts, "win_rate", grain="year", start=date(2025, 2, 1))["is_complete"] is True
    assert cell(marts, "win_rate", grain="year", start=date(2026, 2, 1))["closed_deals"] == 0


def test_every_record_is_used_or_has_its_first_reason():
    deals = [
        deal("1", "won", close_date="2026-03-02", updated_at="2026-03-02"),
        deal("1", "propose", updated_at="2026-03-01"),
        deal("2", "won"),  # no log and no close date
        deal("3", "propose", "yesterday"),
        deal("4", "propose", "1999-12-31"),
        deal("5", "gone", is_deleted="T"),
        deal("6", "gone", merged_into_deal_id="1"),
        deal("7", "won", close_date="2026-01-09"),
        deal("8", "propose", "2026-04-01"),
        deal("9", "", is_deleted="true"),
    ]
    marts, audit = run(deals=deals)
    assert reasons(audit) == {
        "1": "duplicate", "2": "missing_value", "3": "invalid_value", "4": "invalid_value", "5": "deleted",
        "6": "merged", "7": "closed_before_created", "8": "created_in_future", "9": "missing_value",
    }  # fmt: skip
    assert audit.counts["crm_export", "deals"] == {"raw": 10, "used": 1, "excluded": 9}
    assert cell(marts, "win_rate")["won_deals"] == 1


def test_probabilities_up_to_100_are_divided():
    deals = [
        deal("1", "propose", close_date="2026-03-20", probability="80"),
        deal("2", "prospect", probability="1"),
    ]
    log = [change("2", "probability", "0.5", "0.9", "2026-01-20")]
    row = cell(run(deals=deals, deal_changes=log).marts, "forecast_accuracy")
    assert row["forecast_amount"] == 80


def test_default_clock_is_the_newest_event_before_the_run():
    config = Config(run_started_at=datetime(2026, 3, 20, 12, tzinfo=UTC))
    activities = [
        {"activity_id": "a", "type": "call", "occurred_at": "2026-03-14", "is_completed": "no"},
        {"activity_id": "b", "type": "call", "occurred_at": "2026-03-12"},
        {"activity_id": "c", "type": "call", "occurred_at": "2026-03-21"},
    ]
    audit = run(config, deals=[deal("1", "propose", close_date="2026-03-18")], activities=activities).audit
    assert audit.as_of == date(2026, 3, 12)


def test_scorecard_compares_only_complete_periods():
    deals = [deal("1", "won", close_date="2026-02-10"), deal("2", "lost", close_date="2026-03-10")]
    for as_of, change_expected in ((date(2026, 3, 31), -1.0), (date(2026, 3, 30), None)):
        rows = run(Config(as_of_date=as_of), deals=deals).marts["kpi_scorecard"]
        row = next(
            row
            for row in rows
            if (row["kpi_name"], row["dimension"], row["period_start_date"], row["period_grain"])
            == ("win_rate", "overall", MARCH, "month")
        )
        assert (row["numerator"], row["denominator"], row["value"]) == (0, 1, 0.0)
        assert (row["previous_period_value"], row["change_from_previous_period"]) == (1.0, change_expected)


def test_two_sources_share_teams_but_not_reps():
    tables = {"stages": STAGES, "sales_reps": [{"rep_id": "r1", "name": "Ann", "team": "East"}]}
    inputs = {
        source: tables | {"deals": [deal("1", "won", close_date="2026-03-02")]}
        for source in ("crm_export", "hubspot")
    }
    marts = compute(inputs, END_OF_MARCH).marts
    assert cell(marts, "win_rate", "sales_team", "East")["won_deals"] == 2
    assert cell(marts, "win_rate", "sales_rep", "hubspot|r1")["won_deals"] == 1
    assert cell(marts, "win_rate")["won_deals"] == 2


def test_counts_are_int_money_is_decimal_and_quotients_are_float():
    deals = [deal("1", "won", close_date="2026-03-02"), deal("2", "won", close_date="2026-03-02", amount="")]
    row = cell(run(deals=deals).marts, "average_deal_size")
    types = {name: type(row[name]) for name in list(row)[-5:]}
    assert types == {
        "won_amount": Decimal,
        "won_deals_with_amount": int,
        "won_deals_without_amount": int,
        "median_deal_size": float,
        "average_deal_size": float,
    }


def test_members_add_up_to_overall():
    deals = [
        deal(str(n), stage, close_date=f"2026-0{month}-15", owner_id=owner)
        for n, (stage, month, owner) in enumerate(
            [("won", 2, "r1"), ("lost", 3, ""), ("won", 3, "r2"), ("propose", 3, None), ("prospect", 3, "r1")]
        )
    ]
    log = moved("1", ("prospect", ""), ("propose", "2026-02-01"), ("lost", "2026-03-15"))
    marts = run(deals=deals, deal_changes=log).marts
    for mart, column in (("win_rate", "closed_deals"), ("pipeline_velocity", "open_deals")):
        for dimension in ("sales_rep", "sales_team", "pipeline", "segment", "source_system"):
            rows = marts[f"kpi_{mart}"]
            for start in (date(2026, 2, 1), MARCH):
                month = [r for r in rows if r["period_grain"] == "month" and r["period_start_date"] == start]
                parts = sum(row[column] for row in month if row["dimension"] == dimension)
                assert parts == cell(marts, mart, start=start)[column]


def test_files_are_read_as_text_and_compared_cell_by_cell(tmp_path):
    (tmp_path / "demo_deals.csv").write_text("deal_id,amount\n007,\n", encoding="utf-8")
    inputs = read_folder(tmp_path, "demo_")
    assert inputs["deals"] == [{"deal_id": "007", "amount": ""}] and inputs["stages"] is None
    row = {
        "period_grain": "month",
        "period_start_date": MARCH,
        "dimension": "overall",
        "member_id": "all",
        "rate": 0.5,
    }
    near, far = (list(row), [row | {"rate": 0.5 + 1e-12}]), (list(row), [row | {"rate": 0.5001}])
    assert differences("kpi_x", [row], near) == []
    assert [item[0] for item in differences("kpi_x", [row], far)] == ["rate"]
    assert [item[0] for item in differences("kpi_x", [row], (list(row), []))] == ["(row missing)"]
    assert is_same(1, 1) and not is_same(1, 1.0) and not is_same(Decimal("1.00"), 1.0)


def test_missing_required_column_stops_with_its_name():
    with pytest.raises(ValueError, match="deals: column stage_id is missing"):
        run(deals=[{"deal_id": "1", "amount": "", "created_at": "", "close_date": ""}])
