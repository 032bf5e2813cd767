"""All twelve KPI marts and the scorecard, recomputed from raw canonical records in plain Python.

An oracle to check the SQL against: it shares no code with the models and uses only the standard library. It
is slow on purpose and meant to be read: one function per KPI, each with its definition above it. The
definitions are those of `docs/kpis.md`, the input that of `docs/inputs.md`.

    marts, audit = compute({"crm_export": {"deals": [...], "stages": [...], "leads": None}}, Config())

AMBIGUITIES - where the specification leaves room, and what is chosen here:

Clock and cut
 1. Default clock: besides the listed events, the closed date of a deal counts where its source has no log
    (nothing else dates that change); account creations count too. Only records that are not yet excluded by then tell
    the time: deleted and merged ones do, duplicates and log rows of other fields do not. No event at all: the date of
    the run.
 2. `closed_in_future` also applies to a deal whose row alone knows the closing (no log, or the log lacks it):
    it is not turned back into an open deal.
 3. Whether a log "names" a field, or "holds no stage change", is judged on log rows up to the as-of date.
 4. Log rows after the as-of date are excluded (`created_in_future`) and still used to roll the row back.
 5. A row rolled back to the as-of date holds, field by field, the old value of the first later change, even where
    that contradicts the last earlier one. A missing `stage_id` is judged on that row, and so are all reasons that need
    a deal's history: only for deals created by the as-of date.
 6. An account created after the as-of date is gone; its date is optional, so neither NULL nor an early one
    excludes.
 7. A conversion after the as-of date also unlinks lead and deal (lead source, first contact). One without a
    date links at all times.

Reading
 8. Blank required values other than those the contract lets be NULL are `missing_value`, also when they are
    no key (stage_name, rate, quota amount); unreadable ones are `invalid_value`, for a record without them cannot be
    used (outcome, stage_order, rate, spend category). An unreadable quota or spend amount is NULL, with a warning.
 9. `earliest_date` is held against the placing date, and against the qualification of a lead, which it blanks with
    the warning unreadable_value (a date such as 0001-01-01 stands for none); not against close or conversion dates.
10. Rows that are missing or invalid take no part in the choice among duplicates. A deal without a stage or a closed
    one without a date does (it is excluded afterwards); one with a stage comes before one without.
11. "Greatest row as text": the trimmed texts, column by column in the contract's order, blank lowest. Without
    `updated_at` comes last, then without `loaded_at`.
12. `rep_teams` rows of one rep and one date are duplicates; stages are keyed by (pipeline_id, stage_id).
13. A quota or spend date that is not the first of its month stands for its month.
14. Currency codes, source_system, field, type, direction, forecast_category: letter case is ignored.
15. A rate of 0 or less, or of 100 million or more, is invalid; rates have twelve decimals. A stage order must be
    whole. A source_system that is not switched on still has its quotas and spend, and is no source without a log.
16. Rates are shared by all sources: duplicates are sought across them.
17. 0-100 or 0-1 is decided per source and table over all its raw rows; for the log over old and new values. Numbers
    of a million million or more are no probabilities and decide nothing.
18. y/n, thousands separators and 1.5 % are unreadable; an amount with more than two decimals is rounded to
    cents. An unreadable `loaded_at` is listed like any other optional value.

Log
19. change_id decides among changes of one instant when every one of them has one and the greatest is unique;
    they compare as numbers when all of that instant are digits. Else the chain's end counts if there is one only
    (revisits are allowed), else the greatest new_value as text. "Before" is the chain's start if there is one only,
    whatever decided; else the old value of the first by change_id, or without a decision by it that of the last.
    Values are brought to one spelling first (100 is 100.00); unreadable ones are empty.
20. Empty in the past of a closed deal, when the log names the field for no deal: amount, close_date, owner_id,
    forecast_category, pipeline_id (and probability: the stage's, for all deals). Not currency: an empty one would be
    read as the reporting currency. Without its pipeline a past stage is the one without a pipeline or the only one of
    that id, else unknown. "Past" is any moment at which the deal was open; at its close the current owner counts.
21. A closing that only the row knows happens at the start of its closed date in the reporting time zone, but
    not before the creation or the last logged stage change of that day (a last stay that so loses all length
    is no visit); later stage changes are dropped. Its date is the row's close date, else the log's.
22. A closing the log knows: the close date is the log's last one, even where the row disagrees (the general
    rule).
23. `unknown_stage` goes by the stage the log ends in, even where the row names a stage that exists.
24. "(last) entered the closed stage": the start of the last visit, so won to lost counts from the lost.
25. A deal in stage `unknown` and without a pipeline of its own then: the pipeline of its current stage.
26. A deal without a pipeline, whose stage id stands both without a pipeline and in one: the one without.

Attributes
27. Lead source: the deal's own, else that of the one lead chosen (earliest, lowest id as text), even if it
    has none.
28. Team: rep_teams, else sales_reps.team, else `unknown`; an open deal's is that of the period's end (or the
    as-of date), a current pipeline's that of the as-of date, a quota's that of the first of its month.
29. Account ids need not exist in `accounts` to make a customer.
30. member_name: a rep's name, a pipeline's name (of its first stage by order), the value itself; None where
    the specification names nothing (overall, source_system, stage, `unknown`), which compare.py leaves out.
31. A stage without a pipeline is the member `<source>|unknown|<stage_id>`, its pipeline the member `unknown`.

Marts
32. An absent table makes a component NULL when no source has it (leads, quotas, sales_spend); activities, as
    the opening columns without a log: for every member that includes leads of a source without activities.
33. "Includes a source without a log": overall and that source always; else the members that its deals have at
    their close (closed) or now (open), or had while open at an opening or a period's end, and those of its quotas;
    judged over all time, not by period.
34. KPI 5: the time limit is held against the response cut to whole seconds.
35. KPI 6: its components are closed_deals and open_deals; the rest are companions.
36. KPI 7: remaining_quota_amount = quota - won also for a member without quota (so that members add up);
    is_attained is NULL unless the quota is above 0. In a period that is complete all five running columns are NULL.
37. KPI 8: "in that pipeline" goes by the pipeline of the stage entered (`unknown` for one without); a won
    stage of any pipeline is an advance. undecided = not advanced and open now, wherever.
38. KPI 9: for a team, a rep counts with the quota and the won amount credited to the rep in that team. A
    rep with quota makes a row exist, too (the quotas of several reps may cancel out).
39. KPI 11: "creation" and "id" are the instant and the text. KPI 12: its marketing spend is not lag-shifted
    and is NULL for source_system; previous_qualified_leads adds over members, so it can make a row exist, and
    is 0 in the first period; the growth of a running period is shown.
40. Scorecard: pipeline_velocity and forecast_accuracy are composites, lead_generation is a count. The
    numerator of lead_response_time is total_response_seconds. An earlier row that does not exist is a missing
    value, also for the count. A year back = twelve months. Previous values are shown while the period runs,
    changes are not. kpi_label, unit and definition_version are free text: not produced.

Smaller ones
41. A move to another pipeline ends the visit, even into a stage of the same id there (a stage is the pair).
42. Openings and open_deals ignore a deletion that was undone later.
43. A deal with neither a probability of its own nor one of its stage adds 0 to the forecast.
44. Amount, currency, pipeline and (at the closing's instant) owner of a closing that only the row knows
    follow the log as always; only its stage id and close date are the row's. A stage id that the log's pipeline does
    not have is no closing.
45. Trimming removes every kind of white space; instants must be in extended ISO form (`2026-03-01T10:00`,
    a blank for the T is fine); column names are matched in lower case as the contract writes them.
46. Warnings: a record is an orphan when what it points to is in no raw row. Rates are missed on the days that are
    pictured (pipeline_snapshot_grain), whatever the marts use of them. log_disagrees compares typed values, where the
    log names the field for that deal by then: an empty is_deleted is false, an empty currency the reporting one, a
    probability that the log leaves empty is the stage's, and a row without one says nothing.
47. The overall rows start, per grain, with the first period of that grain that has a non-zero component; a
    mart without any has no rows at all.
"""

from datetime import timedelta
from typing import NamedTuple

from facts import UNKNOWN, Facts
from records import Audit, Config, midnight
from rollup import Tally, add_months, median, percentile, periods_until, ratio

D = ("sales_rep", "sales_team", "pipeline", "segment", "region", "lead_source", "deal_type")
L = ("sales_rep", "sales_team", "segment", "region", "lead_source")
SALES = ("sales_rep", "sales_team")

__all__ = ["Config", "Result", "compute"]


class Result(NamedTuple):
    """marts: {mart name: list of row dicts}; audit: Audit of excluded records, warnings and counts."""

    marts: dict
    audit: Audit


def compute(inputs, config=None):
    """Result of all twelve marts, `kpi_scorecard` and the audit.

    inputs: {source: {table: list of {column: raw text or None}, or None for an absent table}}. Rows are keyed
    and typed as in the specification: counts int, money Decimal in the reporting currency, quotients float.
    Raises ValueError when `deals`, `stages` or a required column is missing.
    """
    facts = Facts(inputs, config or Config())
    marts = {name: kpi(facts) for name, kpi in KPIS.items()}
    return Result(marts | {"kpi_scorecard": kpi_scorecard(marts)}, facts.audit)


def kpi_sales_cycle_length(facts):
    """KPI 1: days from the first contact to the close, added up over the deals won, per deal won."""
    tally = Tally(facts, D, ("won_deals", "total_cycle_days", "closed_deals", "total_closed_cycle_days"))
    for deal in facts.closed_deals:
        days = facts.cycle_days(deal)
        tally.add(deal.closed_date, deal.members, closed_deals=1, total_closed_cycle_days=days)
        if deal.outcome == "won":
            tally.add(deal.closed_date, deal.members, won_deals=1, total_cycle_days=days)
            tally.sample(deal.closed_date, deal.members, "cycle_days", days)
    return tally.rows(
        lambda row, samples: {
            "median_cycle_days": median(samples["cycle_days"]),
            "p90_cycle_days": percentile(samples["cycle_days"], 0.9),
            "average_closed_cycle_days": ratio(row["total_closed_cycle_days"], row["closed_deals"]),
            "average_sales_cycle_days": ratio(row["total_cycle_days"], row["won_deals"]),
        }
    )


def kpi_win_rate(facts):
    """KPI 2: of the deals that closed, the share that was won; a deal still open is in neither number."""
    tally = Tally(facts, D, ("won_deals", "closed_deals", "won_amount", "closed_amount"))
    for deal in facts.closed_deals:
        tally.add(deal.closed_date, deal.members, closed_deals=1, closed_amount=deal.amount)
        if deal.outcome == "won":
            tally.add(deal.closed_date, deal.members, won_deals=1, won_amount=deal.amount)
    return tally.rows(
        lambda row, samples: {
            "value_win_rate": ratio(row["won_amount"], row["closed_amount"]),
            "win_rate": ratio(row["won_deals"], row["closed_deals"]),
        }
    )


def kpi_average_deal_size(facts):
    """KPI 3: the amount won per deal won, over the won deals that have an amount (0 is one)."""
    tally = Tally(facts, D, ("won_amount", "won_deals_with_amount", "won_deals_without_amount"))
    for deal in facts.won_deals:
        if deal.amount is None:
            tally.add(deal.closed_date, deal.members, won_deals_without_amount=1)
        else:
            tally.add(deal.closed_date, deal.members, won_deals_with_amount=1, won_amount=deal.amount)
            tally.sample(deal.closed_date, deal.members, "amount", deal.amount)
    return tally.rows(
        lambda row, samples: {
            "median_deal_size": median(samples["amount"]),
            "average_deal_size": ratio(row["won_amount"], row["won_deals_with_amount"]),
        }
    )


def kpi_lead_conversion_rate(facts):
    """KPI 4: of the leads created in the period, the share that became a deal within the window of days.

    Both the date and the deal's id must be known; what became of the deal does not matter.
    """
    window = facts.config.lead_conversion_window_days
    tally = Tally(facts, L, ("converted_leads", "new_leads", "total_days_to_convert"))
    for lead in facts.leads:
        created_date = facts.date_of(lead["created_at"])
        members, days = facts.lead_members(lead, created_date), facts.days_to_convert(lead)
        tally.add(created_date, members, new_leads=1)
        if days is not None and days <= window:
            tally.add(created_date, members, converted_leads=1, total_days_to_convert=days)
    return tally.rows(
        lambda row, samples: {
            "is_mature": row["period_end_date"] + timedelta(days=window) <= facts.as_of,
            "average_days_to_convert": ratio(row["total_days_to_convert"], row["converted_leads"]),
            "lead_conversion_rate": ratio(row["converted_leads"], row["new_leads"]),
        }
    )


def kpi_lead_response_time(facts):
    """KPI 5: hours from a lead's creation to the first outbound human touch, averaged over answered leads.

    The share within the time limit is over all new leads: silence is not within it.
    """
    limit = facts.config.lead_response_sla_hours * 3600
    created = [(lead, facts.date_of(lead["created_at"])) for lead in facts.leads]
    unanswerable = set()
    for lead, day in created:
        if (lead.source, "activities") not in facts.present:
            unanswerable |= set(facts.lead_members(lead, day).items())
    tally = Tally(
        facts,
        L,
        ("total_response_seconds", "responded_leads", "new_leads", "leads_within_sla"),
        lambda name, dimension, member: name != "new_leads" and (dimension, member) in unanswerable,
    )
    for lead, day in created:
        members, seconds = facts.lead_members(lead, day), facts.response_seconds(lead)
        tally.add(day, members, new_leads=1)
        if seconds is not None:
            tally.add(
                day,
                members,
                responded_leads=1,
                total_response_seconds=seconds,
                leads_within_sla=int(seconds <= limit),
            )
            tally.sample(day, members, "hours", seconds / 3600)

    def finish(row, samples):
        hours = ratio(row["total_response_seconds"], row["responded_leads"])
        is_known = row["responded_leads"] is not None
        return {
            "median_lead_response_hours": median(samples["hours"]) if is_known else None,
            "responded_share": ratio(row["responded_leads"], row["new_leads"]),
            "within_sla_share": ratio(row["leads_within_sla"], row["new_leads"]),
            "average_lead_response_hours": None if hours is None else hours / 3600,
        }

    return tally.rows(finish)


def kpi_pipeline_velocity(facts):
    """KPI 6: money won per day = closed deals x win rate x average deal size / average sales cycle.

    All four come from the deals closed in the period; the companion puts the deals open at its end in their
    place.
    """
    tally = Tally(facts, D, ("closed_deals", "open_deals"))
    inner = Tally(facts, D, ("won_deals", "won_deals_with_amount", "won_amount", "total_cycle_days"))
    for deal in facts.closed_deals:
        tally.add(deal.closed_date, deal.members, closed_deals=1)
        if deal.outcome == "won":
            inner.add(
                deal.closed_date,
                deal.members,
                won_deals=1,
                total_cycle_days=facts.cycle_days(deal),
                won_deals_with_amount=int(deal.amount is not None),
                won_amount=deal.amount,
            )
    open_at_end = {}
    for period in all_periods(facts):
        last_day = min(period.end, facts.as_of)
        if last_day not in open_at_end:
            next_day = midnight(last_day + timedelta(days=1), facts.zone)
            open_at_end[last_day] = facts.open_before(next_day, last_day)
        for snapshot in open_at_end[last_day]:
            tally.add_to(period, snapshot.members, open_deals=1)
    won = {(cell[0].grain, cell[0].start, *cell[1:]): sums for cell, sums in inner.sums.items()}

    def finish(row, samples):
        sums = won.get(
            (row["period_grain"], row["period_start_date"], row["dimension"], row["member_id"]),
            dict.fromkeys(inner.components, 0),
        )
        win_rate = ratio(sums["won_deals"], row["closed_deals"])
        deal_size = ratio(sums["won_amount"], sums["won_deals_with_amount"])
        cycle = ratio(sums["total_cycle_days"], sums["won_deals"])

        def velocity(deals):
            return (
                None if None in (win_rate, deal_size) or not cycle else deals * win_rate * deal_size / cycle
            )

        return {
            "win_rate": win_rate,
            "average_deal_size": deal_size,
            "average_sales_cycle_days": cycle,
            "open_pipeline_velocity_per_day": velocity(row["open_deals"]),
            "pipeline_velocity_per_day": velocity(row["closed_deals"]),
        }

    return tally.rows(finish)


def kpi_pipeline_coverage(facts):
    """KPI 7: open pipeline at the opening that is expected to close in the period, per unit of its quota.

    While the period runs: what is open now and expected in it, over the quota that remains.
    """
    unlogged = facts.members_without_log()

    def is_null(name, dimension, member):
        if name == "quota_amount":
            return not facts.has_table("quotas")
        return name.startswith("opening") and (dimension, member) in unlogged

    names = (
        "opening_pipeline_amount",
        "opening_overdue_amount",
        "quota_amount",
        "current_pipeline_amount",
        "won_amount_to_date",
    )
    tally = Tally(facts, SALES, names, is_null)
    now = [snapshot for snapshot in facts.open_before(facts.cutoff, facts.as_of) if snapshot.stage]
    for period in all_periods(facts):
        for snapshot in facts.opening(period.start):
            if is_expected_in(snapshot, period):
                tally.add_to(period, snapshot.members, opening_pipeline_amount=snapshot.amount)
            elif snapshot.expected_close_date and snapshot.expected_close_date < period.start:
                tally.add_to(period, snapshot.members, opening_overdue_amount=snapshot.amount)
        for snapshot in now if period.end > facts.as_of else ():
            if is_expected_in(snapshot, period):
                tally.add_to(period, snapshot.members, current_pipeline_amount=snapshot.amount)
    for deal in facts.won_deals:
        for period in tally.periods_of(deal.closed_date):
            if period.end > facts.as_of:
                tally.add_to(period, deal.members, won_amount_to_date=deal.amount)
    for quota, members, amount in quotas(facts):
        tally.add(quota["quota_month"], members, quota_amount=amount)

    def finish(row, samples):
        quota, won, current = row["quota_amount"], row["won_amount_to_date"], row["current_pipeline_amount"]
        remaining = None if quota is None else quota - won
        running = {
            "current_pipeline_amount": current,
            "won_amount_to_date": won,
            "remaining_quota_amount": remaining,
            "coverage_to_go": ratio(current, remaining) if remaining and remaining > 0 else None,
            "is_attained": won >= quota if quota and quota > 0 else None,
        }
        if row["is_complete"]:
            running = dict.fromkeys(running)
        return running | {"pipeline_coverage": ratio(row["opening_pipeline_amount"], quota)}

    return tally.rows(finish)


def kpi_stage_conversion(facts):
    """KPI 8: of the deals that first entered an open stage in the period, the share that moved on.

    Moving on is a later entry into a higher open stage of the pipeline or into a won stage, whatever
    followed. Time in the stage is counted where a visit ended.
    """
    stages = {stage_member(stage): stage for stage in facts.stages.by_key.values()}
    tally = Tally(
        facts,
        ("stage", "pipeline"),
        (
            "advanced_deals",
            "entered_deals",
            "undecided_deals",
            "completed_visits",
            "total_seconds_in_stage",
        ),
    )
    for deal in facts.deals:
        entered = set()
        for position, visit in enumerate(deal.visits):
            stage = visit.stage
            if not deal.has_log or stage is None or stage.is_closed:
                continue
            members = {
                "overall": "all",
                "source_system": deal.source,
                "stage": stage_member(stage),
                "pipeline": f"{deal.source}|{stage.pipeline_id}" if stage.pipeline_id else UNKNOWN,
            }
            if stage not in entered:
                entered.add(stage)
                advanced = any(is_advance(stage, later.stage) for later in deal.visits[position + 1 :])
                tally.add(
                    facts.date_of(visit.started_at),
                    members,
                    entered_deals=1,
                    advanced_deals=int(advanced),
                    undecided_deals=int(not advanced and deal.outcome == "open"),
                )
            if visit.ended_at:
                ended_date = facts.date_of(visit.ended_at)
                tally.add(ended_date, members, completed_visits=1, total_seconds_in_stage=visit.seconds)
                tally.sample(ended_date, members, "days", visit.seconds / 86400)

    def extra_keys(dimension, member):
        stage = stages[member] if dimension == "stage" else None
        keys = {"pipeline_name": None, "stage_name": None, "stage_order": None}
        if stage:
            order = stage.stage_order
            keys = {
                "pipeline_name": facts.pipeline_name(stage.source, stage.pipeline_id),
                "stage_name": stage.stage_name,
                "stage_order": int(order) if order == int(order) else order,
            }
        elif dimension == "pipeline":
            keys["pipeline_name"] = facts.member_name(dimension, member)
        return keys

    def finish(row, samples):
        days = ratio(row["total_seconds_in_stage"], row["completed_visits"])
        return {
            "average_days_in_stage": None if days is None else days / 86400,
            "median_days_in_stage": median(samples["days"]),
            "stage_conversion_rate": ratio(row["advanced_deals"], row["entered_deals"]),
        }

    return tally.rows(finish, extra_keys)


def kpi_quota_attainment(facts):
    """KPI 9: the amount won, credited to the owner at the close, per unit of quota."""

    def is_null(name, dimension, member):
        return name == "quota_amount" and not facts.has_table("quotas")

    def reps_with_quota(samples):
        quota = total_by_key(samples.get("quota", ()))
        return [rep for rep in quota if quota[rep] > 0]

    tally = Tally(facts, SALES, ("won_amount", "quota_amount"), is_null, reps_with_quota)
    for deal in facts.won_deals:
        tally.add(deal.closed_date, deal.members, won_amount=deal.amount)
        tally.sample(deal.closed_date, deal.members, "won", (deal.members["sales_rep"], deal.amount or 0))
    for quota, members, amount in quotas(facts):
        tally.add(quota["quota_month"], members, quota_amount=amount)
        tally.sample(quota["quota_month"], members, "quota", (members["sales_rep"], amount or 0))

    def finish(row, samples):
        quota, won = total_by_key(samples["quota"]), total_by_key(samples["won"])
        reps = reps_with_quota(samples)
        is_known = row["quota_amount"] is not None
        return {
            "reps_with_quota": len(reps) if is_known else None,
            "reps_at_quota": sum(won.get(rep, 0) >= quota[rep] for rep in reps) if is_known else None,
            "quota_attainment": ratio(row["won_amount"], row["quota_amount"]),
        }

    return tally.rows(finish)


def kpi_forecast_accuracy(facts):
    """KPI 10: 1 - the distance of the opening's weighted forecast from the amount won, over the latter.

    The forecast weighs the deals open at the opening and expected to close in the period with the probability
    that was known then; the commit forecast takes the full amounts of those in category commit.
    """
    unlogged = facts.members_without_log()
    tally = Tally(
        facts,
        D,
        ("forecast_amount", "actual_amount", "commit_forecast_amount"),
        lambda name, *member: name != "actual_amount" and member in unlogged,
    )
    for deal in facts.won_deals:
        tally.add(deal.closed_date, deal.members, actual_amount=deal.amount)
    for period in all_periods(facts):
        for snapshot in facts.opening(period.start):
            if is_expected_in(snapshot, period) and snapshot.amount is not None:
                tally.add_to(
                    period,
                    snapshot.members,
                    forecast_amount=snapshot.amount * (snapshot.probability or 0),
                    commit_forecast_amount=snapshot.amount
                    if snapshot.forecast_category == "commit"
                    else None,
                )

    def bias(row, name):
        forecast, actual = row[name], row["actual_amount"]
        return None if forecast is None else ratio(forecast - actual, actual)

    def accuracy(row, name):
        forecast, actual = row[name], row["actual_amount"]
        error = None if forecast is None else ratio(abs(forecast - actual), actual)
        return None if error is None else 1 - error

    return tally.rows(
        lambda row, samples: {
            "forecast_bias": bias(row, "forecast_amount"),
            "commit_forecast_accuracy": accuracy(row, "commit_forecast_amount"),
            "commit_forecast_bias": bias(row, "commit_forecast_amount"),
            "forecast_accuracy": accuracy(row, "forecast_amount"),
        }
    )


def kpi_customer_acquisition_cost(facts):
    """KPI 11: sales and marketing spend per new customer.

    A customer is new when the first deal that its account ever won closes; spend counts some months later
    (the lag).
    """
    spends = ("sales_spend_amount", "marketing_spend_amount", "acquisition_spend_amount")
    tally = Tally(
        facts,
        ("lead_source",),
        (*spends, "new_customers", "won_deals_without_account"),
        lambda name, *member: name in spends and not facts.has_table("sales_spend"),
    )
    for spend, members, amount in spending(facts):
        month = add_months(spend["spend_month"], facts.config.cac_lag_months)
        if month <= facts.as_of:
            tally.add(
                month,
                members,
                acquisition_spend_amount=amount,
                **{f"{spend['category']}_spend_amount": amount},
            )
    customers = set()
    for deal in sorted(
        facts.won_deals, key=lambda deal: (deal.closed_date, deal.record["created_at"], deal.deal_id)
    ):
        account = (deal.source, deal.record["account_id"])
        if account[1] is None:
            tally.add(deal.closed_date, deal.members, won_deals_without_account=1)
        elif account not in customers:
            customers.add(account)
            tally.add(deal.closed_date, deal.members, new_customers=1)
    return tally.rows(
        lambda row, samples: {
            "customer_acquisition_cost": ratio(row["acquisition_spend_amount"], row["new_customers"]),
        }
    )


def kpi_lead_generation(facts):
    """KPI 12: the leads created in the period; beside them, how the number of leads qualified grew."""

    def is_null(name, dimension, member):
        if name == "marketing_spend_amount":
            return dimension not in ("overall", "lead_source") or not facts.has_table("sales_spend")
        return not facts.has_table("leads")

    tally = Tally(
        facts,
        L,
        ("new_leads", "qualified_leads", "previous_qualified_leads", "marketing_spend_amount"),
        is_null,
    )
    for lead in facts.leads:
        created_date, qualified_date = facts.date_of(lead["created_at"]), facts.date_of(lead["qualified_at"])
        tally.add(created_date, facts.lead_members(lead, created_date), new_leads=1)
        if qualified_date:
            members = facts.lead_members(lead, qualified_date)
            tally.add(qualified_date, members, qualified_leads=1)
            for period in tally.periods_of(qualified_date):
                next_day = period.end + timedelta(days=1)
                for later in tally.periods_of(next_day):
                    if later.grain == period.grain:
                        tally.add_to(later, members, previous_qualified_leads=1)
    for spend, members, amount in spending(facts):
        if spend["category"] == "marketing":
            tally.add(spend["spend_month"], members, marketing_spend_amount=amount)

    def finish(row, samples):
        before, now = row["previous_qualified_leads"], row["qualified_leads"]
        return {
            "lead_velocity_rate": ratio(now - before, before) if before else None,
            "cost_per_lead": ratio(row["marketing_spend_amount"], row["new_leads"]),
        }

    return tally.rows(finish)


# ------------------------------------------------------------ shared by the KPIs


def all_periods(facts):
    """Every Period from the first deal's creation to the as-of date."""
    if not facts.deals:
        return []
    first = min(deal.created_date for deal in facts.deals)
    return periods_until(first, facts.as_of, facts.config.fiscal_year_start_month)


def is_expected_in(snapshot, period):
    """Whether the deal was then expected to close in the period."""
    return (
        snapshot.expected_close_date is not None
        and period.start <= snapshot.expected_close_date <= period.end
    )


def quotas(facts):
    """List of (Record, members, converted Decimal or None) of the used quotas; the rate is its month's."""
    return [
        (
            quota,
            facts.rep_members(quota.source, quota["rep_id"], quota["quota_month"]),
            facts.convert(quota["amount"], quota["currency"], quota["quota_month"]),
        )
        for quota in facts.quotas
    ]


def spending(facts):
    """List of (Record, members, converted Decimal or None) of the used spend; the rate is its month's."""
    return [
        (
            spend,
            {"overall": "all", "source_system": spend.source, "lead_source": spend["lead_source"] or UNKNOWN},
            facts.convert(spend["amount"], spend["currency"], spend["spend_month"]),
        )
        for spend in facts.sales_spend
    ]


def stage_member(stage):
    """Member id of a stage."""
    return f"{stage.source}|{stage.pipeline_id or UNKNOWN}|{stage.stage_id}"


def is_advance(stage, later):
    """Whether entering `later` after `stage` is an advance: won, or open and higher in its pipeline."""
    if later is None or later.outcome == "lost":
        return False
    return later.outcome == "won" or (
        later.pipeline_id == stage.pipeline_id and later.stage_order > stage.stage_order
    )


def total_by_key(pairs):
    """{key: sum} of (key, amount) pairs."""
    totals = {}
    for key, amount in pairs:
        totals[key] = totals.get(key, 0) + amount
    return totals


KPIS = {
    kpi.__name__: kpi
    for kpi in (
        kpi_sales_cycle_length,
        kpi_win_rate,
        kpi_average_deal_size,
        kpi_lead_conversion_rate,
        kpi_lead_response_time,
        kpi_pipeline_velocity,
        kpi_pipeline_coverage,
        kpi_stage_conversion,
        kpi_quota_attainment,
        kpi_forecast_accuracy,
        kpi_customer_acquisition_cost,
        kpi_lead_generation,
    )
}
# mart: (headline, numerator, denominator, whether more of it is better)
HEADLINES = {
    "kpi_sales_cycle_length": ("average_sales_cycle_days", "total_cycle_days", "won_deals", False),
    "kpi_win_rate": ("win_rate", "won_deals", "closed_deals", True),
    "kpi_average_deal_size": ("average_deal_size", "won_amount", "won_deals_with_amount", True),
    "kpi_lead_conversion_rate": ("lead_conversion_rate", "converted_leads", "new_leads", True),
    "kpi_lead_response_time": (
        "average_lead_response_hours",
        "total_response_seconds",
        "responded_leads",
        False,
    ),
    "kpi_pipeline_velocity": ("pipeline_velocity_per_day", None, None, True),
    "kpi_pipeline_coverage": ("pipeline_coverage", "opening_pipeline_amount", "quota_amount", True),
    "kpi_stage_conversion": ("stage_conversion_rate", "advanced_deals", "entered_deals", True),
    "kpi_quota_attainment": ("quota_attainment", "won_amount", "quota_amount", True),
    "kpi_forecast_accuracy": ("forecast_accuracy", None, None, True),
    "kpi_customer_acquisition_cost": (
        "customer_acquisition_cost",
        "acquisition_spend_amount",
        "new_customers",
        False,
    ),
    "kpi_lead_generation": ("new_leads", None, None, True),
}
KEYS = (
    "period_grain",
    "period_start_date",
    "period_end_date",
    "period_label",
    "is_complete",
    "dimension",
    "member_id",
    "member_name",
)


def kpi_scorecard(marts):
    """All headlines in one list, each beside its values one period and one year earlier."""
    rows = []
    for mart, (headline, numerator, denominator, higher_is_better) in HEADLINES.items():
        values = {scorecard_key(row, row["period_start_date"]): row[headline] for row in marts[mart]}
        for row in marts[mart]:
            start, months = (
                row["period_start_date"],
                {"month": 1, "quarter": 3, "year": 12}[row["period_grain"]],
            )
            value = None if row[headline] is None else float(row[headline])
            earlier = [values.get(scorecard_key(row, add_months(start, -back))) for back in (months, 12)]
            previous, year_before = (None if found is None else float(found) for found in earlier)
            rows.append(
                {"kpi_name": mart.removeprefix("kpi_")}
                | {key: row[key] for key in KEYS}
                | {
                    "numerator": row[numerator] if numerator else None,
                    "denominator": row[denominator] if denominator else None,
                    "value": value,
                    "higher_is_better": higher_is_better,
                    "previous_period_value": previous,
                    "previous_year_value": year_before,
                    "change_from_previous_period": difference(value, previous, row["is_complete"]),
                    "change_from_previous_year": difference(value, year_before, row["is_complete"]),
                }
            )
    return rows


def scorecard_key(row, start):
    """What identifies a mart's row at a period start."""
    return row["period_grain"], start, row["dimension"], row["member_id"]


def difference(value, earlier, is_complete):
    """value - earlier; None while the period runs or where either is missing."""
    return None if not is_complete or value is None or earlier is None else value - earlier
