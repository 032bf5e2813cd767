"""Records turned into what the KPIs count: deals with their history, leads, members, rates, the clock.

Source of the rules: "Time", "Money", "Population" and "Deal" in `docs/kpis.md`.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from history import (
    EMPTY_WHEN_NEVER_LOGGED,
    ONE_DAY,
    FieldHistory,
    Stage,
    StageBook,
    logged_visits,
    visit_before,
)
from records import (
    FIELD_TYPES,
    LOGGED_FIELDS,
    ONE_SECOND,
    READERS,
    TABLES,
    Audit,
    Record,
    Unreadable,
    exclude,
    exclude_duplicates,
    local_date,
    midnight,
    placing_date,
    read_table,
    round_to_cents,
)
from rollup import periods_until

UNKNOWN = "unknown"


@dataclass
class Deal:
    """A deal as of the as-of date.

    fields: {logged field: FieldHistory}. visits: list of Visit. stage: its current Stage. closed_at: the
    instant it last entered its closed stage. amount: in the reporting currency, at the rate of the closed
    date (closed deals). members: {dimension: member id} at the close. lead: the Record of the lead converted
    to it.
    """

    record: Record
    fields: dict
    has_log: bool
    visits: list = field(default_factory=list)
    stage: Stage | None = None
    closed_date: date | None = None
    closed_at: datetime | None = None
    amount: Decimal | None = None
    lead: Record | None = None
    is_closing_added: bool = False
    first_contact_at: datetime | None = None
    created_date: date | None = None
    members: dict = field(default_factory=dict)

    @property
    def source(self):
        """The source system."""
        return self.record.source

    @property
    def deal_id(self):
        """The id in the source system."""
        return self.record["deal_id"]

    @property
    def outcome(self):
        """`open`, `won` or `lost`: the outcome of the current stage."""
        return self.stage.outcome if self.stage else "open"


@dataclass(frozen=True)
class Snapshot:
    """An open deal just before an instant.

    day: the date whose rate and team count. stage: None in stage `unknown`. amount: in the reporting
    currency.
    """

    deal: Deal
    day: date
    stage: Stage | None
    amount: Decimal | None
    probability: Decimal | None
    expected_close_date: date | None
    forecast_category: str | None
    members: dict


class Facts:
    """Everything the KPI functions read.

    inputs: {source: {table: list of {column: text} or None}}; config: Config. Attributes: deals,
    closed_deals, leads, quotas and sales_spend (lists of used things), as_of, audit, sources.
    """

    def __init__(self, inputs, config):
        self.config = config
        self.zone = config.timezone
        self.audit = Audit()
        self.sources = sorted(inputs)
        self.present = {(s, t) for s in inputs for t, rows in inputs[s].items() if rows is not None}
        for source in self.sources:
            for table in ("deals", "stages"):
                if (source, table) not in self.present:
                    raise ValueError(
                        f"{table}: the table is missing in source {source}; it may not be left out"
                    )
        self.raw = {
            table: [
                record
                for source in self.sources
                for record in read_table(source, table, inputs[source].get(table) or [], config)
            ]
            for table in TABLES
        }
        self._exclude_before_clock()
        self.as_of = config.as_of_date or self._default_as_of_date()
        self.audit.as_of = self.as_of
        self.cutoff = midnight(self.as_of + ONE_DAY, self.zone)
        self._index_log()
        self._exclude_by_clock()
        self._read_people_and_accounts()
        self._read_rates()
        self._read_leads_and_activities()
        self._read_deals()
        self.quotas = self.used("quotas")
        self.sales_spend = self.used("sales_spend")
        self._warn()
        self.audit.close([record for records in self.raw.values() for record in records])

    # ---- records

    def used(self, table):
        """List of the used Records of a table."""
        return [record for record in self.raw[table] if record.reason is None]

    def has_table(self, table):
        """Whether any source has the table."""
        return any((source, table) in self.present for source in self.sources)

    def has_log(self, source):
        """Whether the source has a change log (an empty one is one)."""
        return (source, "deal_changes") in self.present

    def date_of(self, moment):
        """The date of an instant in the reporting time zone (None for None)."""
        return local_date(moment, self.zone) if moment else None

    def _exclude_before_clock(self):
        for records in self.raw.values():
            exclude_duplicates(records)
        exclude(self.raw["deal_changes"], "other_field", lambda change: change["field"] not in LOGGED_FIELDS)
        exclude(
            self.raw["fx_rates"],
            "other_currency",
            lambda rate: rate["to_currency"] != self.config.reporting_currency.upper(),
        )
        self.stages = StageBook(
            [
                Stage(
                    stage.source,
                    stage["pipeline_id"],
                    stage["stage_id"],
                    stage["pipeline_name"],
                    stage["stage_name"],
                    stage["stage_order"],
                    self._share(stage["probability"], stage.source, "stages"),
                    stage["outcome"],
                )
                for stage in self.used("stages")
            ]
        )

    def _default_as_of_date(self):
        """Date of the newest event up to the start of the run; the only place that knows the wall clock."""
        start = self.config.run_started_at or datetime.now(UTC)
        events = [r["created_at"] for t in ("deals", "leads", "accounts") for r in self.used(t)]
        events += [r["changed_at"] for r in self.used("deal_changes")]
        events += [r["occurred_at"] for r in self.used("activities") if r["is_completed"] is not False]
        events += [r[column] for r in self.used("leads") for column in ("qualified_at", "converted_at")]
        events += [
            midnight(r["close_date"], self.zone)
            for r in self.used("deals")
            if r["close_date"] and not self.has_log(r.source) and self._row_is_closed(r)
        ]
        past = [event for event in events if event and event <= start]
        return self.date_of(max(past, default=start))

    def _row_is_closed(self, record):
        stage = self.stages.find(record.source, record["pipeline_id"], record["stage_id"])
        return stage is not None and stage.is_closed

    def _index_log(self):
        """Log rows by deal and field; those after the as-of date stay in, to roll the row back."""
        self.log = {}
        self.logged_fields = set()
        for change in self.used("deal_changes"):
            key = (change.source, change["deal_id"])
            self.log.setdefault(key, {}).setdefault(change["field"], []).append(
                (
                    change["changed_at"],
                    change["change_id"],
                    *(self._in_one_spelling(change, column) for column in ("old_value", "new_value")),
                )
            )
            if change["changed_at"] < self.cutoff:
                self.logged_fields.add((change.source, change["field"]))

    def _exclude_by_clock(self):
        for table, records in self.raw.items():
            if table != "quotas":
                exclude(
                    records,
                    "created_in_future",
                    lambda record: (placing_date(record, self.config) or date.min) > self.as_of,
                )

    def _row_stage_id(self, record):
        return self._history(record, "stage_id").row_at(self.cutoff)[0]

    def _history(self, record, name):
        rows = self.log.get((record.source, record["deal_id"]), {}).get(name, [])
        return FieldHistory(rows, record.text[name])

    # ---- people, accounts, members

    def _read_people_and_accounts(self):
        self.reps = {(rep.source, rep["rep_id"]): rep for rep in self.used("sales_reps")}
        self.accounts = {
            (account.source, account["account_id"]): account for account in self.used("accounts")
        }
        self.team_history = {}
        for row in sorted(self.used("rep_teams"), key=lambda record: record["valid_from"]):
            self.team_history.setdefault((row.source, row["rep_id"]), []).append(
                (row["valid_from"], row["team"])
            )

    def team(self, source, rep_id, day):
        """The rep's team on `day`; before the first known team that one; without a history the current one.

        `unknown` where nothing is known.
        """
        known = self.team_history.get((source, rep_id))
        if known:
            valid = [team for valid_from, team in known if valid_from <= day]
            return valid[-1] if valid else known[0][1]
        rep = self.reps.get((source, rep_id))
        return (rep["team"] if rep else None) or UNKNOWN

    def rep_members(self, source, rep_id, day):
        """{dimension: member id} for overall, source_system, sales_rep and sales_team."""
        return {
            "overall": "all",
            "source_system": source,
            "sales_rep": f"{source}|{rep_id}" if rep_id else UNKNOWN,
            "sales_team": self.team(source, rep_id, day),
        }

    def deal_members(self, deal, owner_id, pipeline_id, day):
        """{dimension: member id} of a deal with that owner and pipeline on that day."""
        account = self.accounts.get((deal.source, deal.record["account_id"]))
        lead_source = deal.record["lead_source"] or (deal.lead["source"] if deal.lead else None)
        return self.rep_members(deal.source, owner_id, day) | {
            "pipeline": f"{deal.source}|{pipeline_id}" if pipeline_id else UNKNOWN,
            "segment": (account["segment"] if account else None) or UNKNOWN,
            "region": (account["region"] if account else None) or UNKNOWN,
            "lead_source": lead_source or UNKNOWN,
            "deal_type": deal.record["deal_type"] or UNKNOWN,
        }

    def lead_members(self, lead, day):
        """{dimension: member id} of a lead; its owner's team is that of `day`."""
        return self.rep_members(lead.source, lead["owner_id"], day) | {
            "segment": lead["segment"] or UNKNOWN,
            "region": lead["region"] or UNKNOWN,
            "lead_source": lead["source"] or UNKNOWN,
        }

    def member_name(self, dimension, member_id):
        """A rep's name (else its id), a pipeline's, or the value itself; None where undefined."""
        if member_id == UNKNOWN or dimension in ("overall", "source_system", "stage"):
            return None
        if dimension == "sales_rep":
            source, rep_id = member_id.split("|", 1)
            rep = self.reps.get((source, rep_id))
            return (rep["name"] if rep else None) or rep_id
        if dimension == "pipeline":
            return self.pipeline_name(*member_id.split("|", 1))
        return member_id

    def pipeline_name(self, source, pipeline_id):
        """The name on the pipeline's first stage that has one, else its id; a stage's missing pipeline is unknown."""
        if pipeline_id is None:
            return UNKNOWN
        stages = [
            s for s in self.stages.by_key.values() if (s.source, s.pipeline_id) == (source, pipeline_id)
        ]
        named = sorted((s.stage_order, s.stage_id, s.pipeline_name) for s in stages if s.pipeline_name)
        return named[0][2] if named else pipeline_id

    # ---- money and probability

    def _read_rates(self):
        self.rates = {}
        for rate in sorted(self.used("fx_rates"), key=lambda record: record["rate_date"]):
            self.rates.setdefault(rate["currency"], []).append((rate["rate_date"], rate["rate"]))

    def convert(self, amount, currency, day):
        """Decimal in the reporting currency, in cents, at the latest rate up to `day`; None without either."""
        if amount is None or currency is None or currency == self.config.reporting_currency.upper():
            return amount
        rates = self.rates.get(currency, [])
        position = bisect_right([rate_date for rate_date, _ in rates], day)
        if not position:
            return None
        return round_to_cents(amount * rates[position - 1][1])

    def _is_percent(self, source, table):
        """Whether the table of that source holds probabilities of 0 to 100: any value above 1 says so."""
        if not hasattr(self, "_percent"):
            self._percent = {}
            for name in ("stages", "deals"):
                for record in self.raw[name]:
                    if record["probability"] is not None and record["probability"] > 1:
                        self._percent[record.source, name] = True
            for change in self.raw["deal_changes"]:
                if change["field"] == "probability":
                    for column in ("old_value", "new_value"):
                        number = _number_or_none(change[column])
                        if number is not None and number > 1:
                            self._percent[change.source, "deal_changes"] = True
        return self._percent.get((source, table), False)

    def _share(self, number, source, table):
        """Decimal 0..1 of a probability as it stands in a table; None when outside."""
        if number is None:
            return None
        share = number / 100 if self._is_percent(source, table) else number
        return share if 0 <= share <= 1 else None

    def typed(self, deal, name, found):
        """Typed value of (text, origin) of a logged field of a deal; None when it cannot be read."""
        text, origin = found
        if name == "probability" and origin == "deal_changes":
            return None if text is None else Decimal(text)  # the log's were brought to 0..1 when they were read
        return self._read_logged(deal.source, name, text, origin)

    def _read_logged(self, source, name, text, origin):
        try:
            value = None if text is None else READERS[FIELD_TYPES[name]](text, self.zone)
        except Unreadable:
            return None
        return self._share(value, source, origin) if name == "probability" else value

    def _in_one_spelling(self, change, column):
        """Text of a logged value, the same for 100 and 100.00; None when it cannot be read."""
        value = self._read_logged(change.source, change["field"], change[column], "deal_changes")
        if isinstance(value, Decimal):
            return f"{value:.2f}" if change["field"] == "amount" else f"{value:.10f}"
        return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    # ---- leads, activities

    def _read_leads_and_activities(self):
        leads = self.raw["leads"]
        exclude(leads, "deleted", lambda lead: lead["is_deleted"])
        exclude(leads, "merged", lambda lead: lead["merged_into_lead_id"])
        self.leads = self.used("leads")
        for lead in self.leads:  # what happened after the as-of date is not known yet
            if lead["converted_at"] and lead["converted_at"] >= self.cutoff:
                lead.value |= {"converted_at": None, "converted_deal_id": None, "converted_account_id": None}
            qualified_date = self.date_of(lead["qualified_at"])
            if qualified_date and qualified_date < self.config.earliest_date:
                self.audit.warn(lead, "unreadable_value", "qualified_at")
            if qualified_date and not self.config.earliest_date <= qualified_date <= self.as_of:
                lead.value["qualified_at"] = None
        self.lead_of_deal = {}
        for lead in sorted(self.leads, key=lambda lead: (lead["created_at"], lead["lead_id"]), reverse=True):
            self.lead_of_deal[lead.source, lead["converted_deal_id"]] = lead
        self.touches_of_lead, self.touches_of_deal = {}, {}
        for activity in self.used("activities"):
            if activity["is_completed"] is not False and not activity["is_automated"]:
                if activity["lead_id"]:
                    self.touches_of_lead.setdefault((activity.source, activity["lead_id"]), []).append(
                        activity
                    )
                if activity["deal_id"]:
                    self.touches_of_deal.setdefault((activity.source, activity["deal_id"]), []).append(
                        activity
                    )

    def response_seconds(self, lead):
        """Whole seconds from a lead's creation to the first outbound touch on it; None while unanswered."""
        touches = self.touches_of_lead.get((lead.source, lead["lead_id"]), [])
        answers = [
            touch["occurred_at"]
            for touch in touches
            if touch["direction"] == "outbound" and touch["occurred_at"] >= lead["created_at"]
        ]
        return (min(answers) - lead["created_at"]) // ONE_SECOND if answers else None

    def days_to_convert(self, lead):
        """Whole days from a lead's creation to its conversion; None without date or deal, or if reversed."""
        if not lead["converted_at"] or not lead["converted_deal_id"]:
            return None
        days = (self.date_of(lead["converted_at"]) - self.date_of(lead["created_at"])).days
        return days if days >= 0 else None

    # ---- deals

    def _read_deals(self):
        self.deals = []
        kept = []
        for record in self.used("deals"):
            deal = Deal(
                record,
                {name: self._history(record, name) for name in LOGGED_FIELDS},
                self.has_log(record.source),
            )
            deal.created_date = self.date_of(record["created_at"])
            self._follow_stages(deal)
            kept.append(deal)
        self._exclude_deals({id(deal.record): deal for deal in kept})
        for deal in kept:
            if deal.record.reason is None:
                self._complete(deal)
                self.deals.append(deal)
        self.closed_deals = [deal for deal in self.deals if deal.stage.is_closed]
        self.won_deals = [deal for deal in self.closed_deals if deal.outcome == "won"]

    def _exclude_deals(self, deals):
        """The reasons that need a deal's history, in the specification's order."""
        records = [deal.record for deal in deals.values()]

        def reason(name, applies):
            exclude(records, name, lambda record: applies(deals[id(record)]))

        reason("missing_value", lambda deal: self._row_stage_id(deal.record) is None)
        reason("missing_value", lambda deal: deal.stage and deal.stage.is_closed and deal.closed_date is None)
        reason("deleted", lambda deal: self._now(deal, "is_deleted"))
        reason("merged", lambda deal: deal.record["merged_into_deal_id"])
        reason("unknown_stage", lambda deal: deal.stage is None)
        reason("closed_in_future", lambda deal: deal.closed_date and deal.closed_date > self.as_of)
        reason(
            "closed_before_created", lambda deal: deal.closed_date and deal.closed_date < deal.created_date
        )

    def _now(self, deal, name):
        """Typed value of a field at the end of the as-of date."""
        return self.typed(deal, name, deal.fields[name].before(self.cutoff))

    def _follow_stages(self, deal):
        """Set visits, stage, closed_at and closed_date of a deal."""
        created_at = deal.record["created_at"]
        stage_log, pipeline_log = deal.fields["stage_id"], deal.fields["pipeline_id"]

        def find(pipeline_id, stage_id):
            return self.stages.find(deal.source, pipeline_id, stage_id)

        def find_in_the_past(pipeline_id, stage_id):
            if is_pipeline_lost and deal.outcome != "open":  # nobody knows in which pipeline the deal was
                stage = find(pipeline_id, stage_id)
                return stage if stage and stage.is_closed else find(None, stage_id)
            return find(pipeline_id, stage_id)

        is_pipeline_lost = deal.has_log and (deal.source, "pipeline_id") not in self.logged_fields
        pipeline_id, row_stage_id = pipeline_log.before(self.cutoff)[0], stage_log.row_at(self.cutoff)[0]
        row_stage = find(pipeline_id, row_stage_id)
        deal.stage = row_stage
        if stage_log.changed_before(self.cutoff):
            deal.stage = find(pipeline_id, stage_log.before(self.cutoff)[0])
        close_date = self._now(deal, "close_date")
        is_logged = stage_log.changed_before(self.cutoff)
        if row_stage and row_stage.is_closed and (not is_logged or deal.outcome == "open"):
            deal.is_closing_added = True
            deal.stage = row_stage
            row_close_date = self.typed(deal, "close_date", deal.fields["close_date"].row_at(self.cutoff))
            close_date = row_close_date or close_date
            if close_date is None or not deal.created_date <= close_date <= self.as_of:
                deal.closed_date = close_date  # excluded: closed never, before it was created, or in the future
                return
            stage_log = stage_log.with_closing(row_stage_id, created_at, close_date, self.zone, self.cutoff)
        deal.visits = logged_visits(created_at, stage_log, pipeline_log, find_in_the_past, self.cutoff)
        if deal.outcome != "open":
            deal.closed_at = deal.visits[-1].started_at
            deal.closed_date = close_date or self.date_of(deal.closed_at)

    def _complete(self, deal):
        """Set lead, first contact, and for a closed deal its amount and its members."""
        deal.lead = self.lead_of_deal.get((deal.source, deal.deal_id))
        touches = list(self.touches_of_deal.get((deal.source, deal.deal_id), []))
        contacts = [deal.record["created_at"]]
        if deal.lead:
            contacts.append(deal.lead["created_at"])
            touches += self.touches_of_lead.get((deal.source, deal.lead["lead_id"]), [])
        deal.first_contact_at = min(contacts + [touch["occurred_at"] for touch in touches])
        if deal.stage.is_closed:
            amount, currency = self._now(deal, "amount"), self._now(deal, "currency")
            deal.amount = self.convert(amount, currency, deal.closed_date)
            owner_id = (
                deal.fields["owner_id"].at(deal.closed_at)[0] if deal.has_log else deal.record["owner_id"]
            )
            deal.members = self.deal_members(deal, owner_id, self.current_pipeline(deal), deal.closed_date)

    def current_pipeline(self, deal):
        """The deal's own pipeline as of the as-of date, else its stage's; None when neither is known."""
        return self._now(deal, "pipeline_id") or (deal.stage.pipeline_id if deal.stage else None)

    def cycle_days(self, deal):
        """Whole days from the first contact to the closed date of a closed deal."""
        return (deal.closed_date - self.date_of(deal.first_contact_at)).days

    # ---- open deals at an instant

    def open_before(self, moment, day):
        """List of Snapshot of the deals open just before `moment`; rates and teams are those of `day`."""
        return [self._snapshot(deal, visit, moment, day) for deal, visit in self._open_visits(moment)]

    def _open_visits(self, moment):
        for deal in self.deals:
            visit = visit_before(deal.visits, moment)
            if visit and visit.is_open:
                yield deal, visit

    def _state_before(self, deal, visit, moment):
        """(the stage, a function that returns a field's typed value) of an open deal just before `moment`."""

        def state(name):
            never_logged = deal.has_log and (deal.source, name) not in self.logged_fields
            if never_logged and deal.stage.is_closed and name in EMPTY_WHEN_NEVER_LOGGED:
                return None
            if never_logged and name == "probability" and moment < self.cutoff:
                return None
            return self.typed(deal, name, deal.fields[name].before(moment))

        return visit.stage, state

    def _snapshot(self, deal, visit, moment, day):
        stage, state = self._state_before(deal, visit, moment)
        known_stage = stage or deal.stage
        pipeline_id = state("pipeline_id") or (known_stage.pipeline_id if known_stage else None)
        probability = state("probability")
        if probability is None and stage:
            probability = stage.probability
        return Snapshot(
            deal,
            day,
            stage,
            self.convert(state("amount"), state("currency"), day),
            probability,
            state("close_date"),
            state("forecast_category"),
            self.deal_members(deal, state("owner_id"), pipeline_id, day),
        )

    def opening(self, start):
        """Snapshots just before the first instant of `start`: sources with a log, known stages."""
        if not hasattr(self, "_openings"):
            self._openings = {}
        if start not in self._openings:
            self._openings[start] = [
                snapshot
                for snapshot in self.open_before(midnight(start, self.zone), start)
                if snapshot.stage and snapshot.deal.has_log
            ]
        return self._openings[start]

    def members_without_log(self):
        """Set of (dimension, member id) that include a source without a log."""
        found = set()
        for source in self.sources:
            if not self.has_log(source):
                found |= {("overall", "all"), ("source_system", source)}
        for deal in self.closed_deals:
            if not deal.has_log:
                found |= set(deal.members.items())
        for snapshot in self._all_snapshots():
            if not snapshot.deal.has_log:
                found |= set(snapshot.members.items())
        for quota in self.quotas:
            if quota.source in self.sources and not self.has_log(quota.source):
                found |= set(self.rep_members(quota.source, quota["rep_id"], quota["quota_month"]).items())
        return found

    def _all_snapshots(self):
        """Snapshots of all openings, all period ends and the as-of date, of all sources and stages."""
        first_day = min((deal.created_date for deal in self.deals), default=self.as_of)
        for period in periods_until(first_day, self.as_of, self.config.fiscal_year_start_month):
            start = midnight(period.start, self.zone)
            yield from self.open_before(start, period.start)
            yield from self.open_before(start, period.start - ONE_DAY)
        yield from self.open_before(self.cutoff, self.as_of)

    # ---- warnings

    def _warn(self):
        """List what is odd about used records; what cannot be read in a plain column, the audit lists itself."""
        self._warn_of_values()
        self._warn_of_orphans()
        self._warn_of_rates()
        for deal in self.deals:
            if deal.has_log and deal.is_closing_added:
                self.audit.warn(deal.record, "log_incomplete", "stage_id")
            for name, history in deal.fields.items():
                is_believed = name == "stage_id" and deal.is_closing_added
                if history.changed_before(self.cutoff) and not is_believed:
                    self._warn_of_disagreement(deal, name, history)

    def _warn_of_values(self):
        for table in ("stages", "deals"):
            for record in self.used(table):
                number = record["probability"]
                if number is not None and self._share(number, record.source, table) is None:
                    self.audit.warn(record, "unreadable_value", "probability")
        for change in self.used("deal_changes"):
            for column in ("old_value", "new_value"):
                found = change[column], "deal_changes"
                is_read = self._read_logged(change.source, change["field"], *found) is not None
                if change[column] is not None and not is_read:
                    self.audit.warn(change, "unreadable_value", column)

    def _warn_of_orphans(self):
        for table, column, referred, key in (
            ("deal_changes", "deal_id", "deals", "deal_id"),
            ("activities", "deal_id", "deals", "deal_id"),
            ("activities", "lead_id", "leads", "lead_id"),
            ("leads", "converted_deal_id", "deals", "deal_id"),
            ("deals", "account_id", "accounts", "account_id"),
            ("deals", "owner_id", "sales_reps", "rep_id"),
            ("leads", "owner_id", "sales_reps", "rep_id"),
            ("quotas", "rep_id", "sales_reps", "rep_id"),
            ("rep_teams", "rep_id", "sales_reps", "rep_id"),
        ):
            known = {(record.source, record[key]) for record in self.raw[referred]}
            for record in self.used(table) if self.has_table(referred) else ():
                if record.text[column] and (record.source, record.text[column]) not in known:
                    self.audit.warn(record, "orphan", column)

    def _warn_of_rates(self):
        """Records with an amount, but no rate on a date on which it counts."""

        def check(record, amount, currency, day):
            if amount is not None and self.convert(amount, currency, day) is None:
                self.audit.warn(record, "missing_fx_rate", "currency")

        for deal in self.deals:
            day = deal.closed_date if deal.stage.is_closed else self.as_of
            check(deal.record, self._now(deal, "amount"), self._now(deal, "currency"), day)
        first_day = min((deal.created_date for deal in self.deals), default=self.as_of)
        for day in snapshot_days(self.config.pipeline_snapshot_grain, first_day, self.as_of):
            for deal, visit in self._open_visits(midnight(day, self.zone)):
                _, state = self._state_before(deal, visit, midnight(day, self.zone))
                check(deal.record, state("amount"), state("currency"), day)
        for quota in self.quotas:
            check(quota, quota["amount"], quota["currency"], min(quota["quota_month"], self.as_of))
        for spend in self.sales_spend:
            check(spend, spend["amount"], spend["currency"], spend["spend_month"])

    def _warn_of_disagreement(self, deal, name, history):
        empty = {"is_deleted": False, "currency": self.config.reporting_currency.upper()}.get(name)
        logged, row = (
            self.typed(deal, name, found)
            for found in (history.before(self.cutoff), history.row_at(self.cutoff))
        )
        is_told = name != "probability" or row is not None  # a deal without one has its stage's
        if name == "probability" and logged is None and deal.stage:
            logged = deal.stage.probability
        if is_told and (empty if logged is None else logged) != (empty if row is None else row):
            self.audit.warn(deal.record, "log_disagrees", name)


def snapshot_days(grain, first_day, last_day):
    """Every day on which the pipeline is pictured: starts of months and of `grain` (month, week or day)."""
    day = first_day
    while day <= last_day:
        if day.day == 1 or grain == "day" or (grain == "week" and day.weekday() == 0):
            yield day
        day += ONE_DAY


def _number_or_none(text):
    try:
        return None if text is None else READERS["probability"](text, None)
    except Unreadable:
        return None
