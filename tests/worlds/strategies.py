"""Hypothesis strategies for small companies that love edge cases.

A *temper* is what a whole build shares: vars, tables and columns that are absent, fields that the log never names, scales,
the span of days. A *world* is a company of a temper. Each deal with its log, each lead with its activities, each mishap
is one element of a list, so that Hypothesis can delete it, and the first of several choices is the dull one, towards
which it shrinks.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from company import Company
from hypothesis import strategies as st
from records import LOGGED_FIELDS, TABLES, midnight

ONE_DAY = timedelta(days=1)
# Half hours, midnights that a clock change skips or repeats, both hemispheres, a zone a day ahead
TIMEZONES = (
    *("UTC", "UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu"),
    *("Africa/Cairo", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Auckland", "America/Nuuk", "Atlantic/Azores"),
)
CLOCK_CHANGES = (date(2024, 3, 31), date(2024, 11, 3), date(2025, 3, 9), date(2025, 10, 26))
FAR_FUTURE = datetime(2093, 5, 1, 12, tzinfo=UTC)
LEAD_SOURCES = ("Web", "web", "Event", "Partner", "unknown", "")
NOTHING_WRONG = {
    "text": ("", "   "),
    "number": ("", "abc", "1,000.00", "12 %", "1e30", "NaN"),
    "date": ("", "soon", "2025-02-30", "31.12.2024", "1999-12-31", "0001-01-01", "9999-12-31"),
    "instant": ("", "soon", "2025-02-30T10:00:00Z", "2024-13-01", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
    "boolean": ("", "maybe", "2"),
    "word": ("", "other", "?"),
}
KINDS = {
    **dict.fromkeys(("money", "rate", "whole", "probability"), "number"),
    **dict.fromkeys(("outcome", "category", "direction", "word"), "word"),
    **{"month": "date", "date": "date", "instant": "instant", "boolean": "boolean"},
}


@cache
def one_of(*values):
    """Strategy of one of the values, the first being the dull one."""
    return st.sampled_from(values)


PERCENT = st.integers(0, 99)
SECOND_OF_DAY = st.one_of(one_of(43200, 0, 0, -1, 1, 3600, -3600), st.integers(0, 86399))
FRACTION = one_of(*(0,) * 20, 250_000, 1, 999_999)


class Dice:
    """What is drawn again and again."""

    def __init__(self, draw):
        self.draw = draw

    def pick(self, *values):
        """One of the values."""
        return self.draw(one_of(*values))

    def chance(self, percent):
        """True with about that chance."""
        return percent > 0 and self.draw(PERCENT) >= 100 - percent

    def number(self, least, most):
        """A whole number."""
        return self.draw(st.integers(least, most))


# ------------------------------------------------------------ tempers


@dataclass(frozen=True)
class Temper:
    """crowd: how many deals and leads, 1 to 3. mishaps and repeats (of rows): most of
    them in a world. logged_fields: those that the log may name. lost_changes: percent of changes that
    the log lacks. *_scale: 1 or 100, None for no probabilities. favourite_days: those that many things share. absent and
    empty: names of tables. columns and variables as in Company."""

    crowd: int
    mishaps: int
    repeats: int
    first_day: date
    last_day: date
    favourite_days: tuple
    logged_fields: tuple
    lost_changes: int
    stage_scale: int | None
    deal_scale: int | None
    log_scale: int
    change_ids: str
    absent: tuple
    empty: tuple
    columns: dict
    variables: dict

    @property
    def zone(self):
        """The reporting time zone."""
        return ZoneInfo(self.variables["reporting_timezone"])

    @property
    def currency(self):
        """The reporting currency."""
        return self.variables["reporting_currency"]


@st.composite
def tempers(draw):
    """Strategy of Temper."""
    dice = Dice(draw)
    first_day = date(2023, 9, 1) + ONE_DAY * dice.number(0, 700)
    last_day = first_day + ONE_DAY * dice.pick(120, 45, 250, 400)

    def some_day():
        return first_day + ONE_DAY * dice.number(0, (last_day - first_day).days)

    logged_fields = tuple(name for name in LOGGED_FIELDS if name == "stage_id" or not dice.chance(30))
    if dice.chance(8):
        logged_fields = tuple(name for name in logged_fields if name != "stage_id")
    absent = tuple(table for table in TABLES if table not in ("deals", "stages") and dice.chance(10))
    return Temper(
        crowd=dice.pick(1, 2, 3),
        mishaps=dice.pick(2, 0, 6, 12),
        repeats=dice.pick(5, 0, 2),
        first_day=first_day,
        last_day=last_day,
        favourite_days=_favourite_days(dice, some_day),
        logged_fields=logged_fields,
        lost_changes=dice.pick(0, 5, 25),
        stage_scale=dice.pick(1, 1, None, 100),
        deal_scale=dice.pick(1, 1, None, 100),
        log_scale=dice.pick(1, 1, 100),
        change_ids=dice.pick("none", "numbers", "texts", "mixed", "some", "few"),
        absent=absent,
        empty=tuple(table for table in TABLES if table not in ("deals", "stages") and dice.chance(3)),
        columns={table: _columns(dice, table) for table in TABLES if table not in absent},
        variables=_variables(dice, first_day, last_day, some_day),
    )


def _favourite_days(dice, some_day):
    """A few days that many things share: mostly the first and last of months, leap days, clock changes."""
    days = []
    for _ in range(7):
        day = some_day()
        days.append(dice.pick(day, day.replace(day=1), day.replace(day=1) - ONE_DAY))
    return (*days, date(2024, 2, 29), *CLOCK_CHANGES)


def _columns(dice, table):
    """The columns of a table's file: all the required ones, most of the optional, in any order."""
    spec = TABLES[table]
    lost = 0 if table == "stages" and not dice.chance(30) else 3
    kept = [name for name in (*spec.columns, "loaded_at") if name in spec.required or not dice.chance(lost)]
    if dice.chance(30):
        kept = dice.draw(st.permutations(kept))
    return (*kept, "remark") if dice.chance(10) else tuple(kept)


def _variables(dice, first_day, last_day, some_day):
    variables = {
        "reporting_currency": dice.pick("USD", "USD", "EUR"),
        "reporting_timezone": dice.pick(*TIMEZONES),
        "fiscal_year_start_month": dice.pick(1, 1, 2, 3, 4, 7, 10, 11, 12),
        "lead_conversion_window_days": dice.pick(90, 30, 0),
        "lead_response_sla_hours": dice.pick(1, 0.5, 24),
        "cac_lag_months": dice.pick(0, 1, 3),
        "pipeline_snapshot_grain": dice.pick("month", "week", "day"),
        "as_of_date": "",
    }
    if not dice.chance(35):
        late = last_day + ONE_DAY * dice.pick(0, 1, 20, 100)
        variables["as_of_date"] = (some_day() if dice.chance(33) else late).isoformat()
    if dice.chance(15):
        variables["earliest_date"] = (first_day + ONE_DAY * 20).isoformat()
    return variables


# ------------------------------------------------------------ worlds


@st.composite
def worlds(draw, temper):
    """Strategy of Company: a world of a temper."""
    scene = Scene(draw, temper)
    tables = {
        "stages": scene.stage_rows(),
        "accounts": scene.some(_accounts, 6),
        "sales_reps": scene.some(_sales_reps, 4),
        "rep_teams": scene.some(_rep_teams, 8),
        "quotas": scene.some(_quotas, 24),
        "sales_spend": scene.some(_sales_spend, 20),
        "fx_rates": scene.some(_fx_rates, 12),
        "activities": [],
    }
    numbered = [(f"d{number}", deal) for number, deal in enumerate(scene.crowd(_deals(temper, scene.stages)), 1)]
    tables["deals"] = [{"deal_id": deal_id} | row for deal_id, (row, _) in numbered]
    tables["deal_changes"] = [{"deal_id": deal_id} | change for deal_id, (_, log) in numbered for change in log]
    tables["deal_changes"] += scene.some(_loose_changes, 2)
    leads = list(enumerate(scene.crowd(_leads(temper)), 1))
    tables["leads"] = [row | {"lead_id": f"{row['lead_id']}{number}"} for number, (row, _) in leads]
    for number, (row, activities) in leads:
        tables["activities"] += [{"lead_id": f"{row['lead_id']}{number}"} | activity for activity in activities]
    tables["activities"] += scene.some(_activities, 8)
    for table in ("accounts", "sales_reps", "activities"):
        key = TABLES[table].key[0]
        for number, row in enumerate(tables[table], 1):
            row[key] = {"accounts": "a", "sales_reps": "r", "activities": ""}[table] + str(number)
    for table in temper.empty:
        tables[table] = []
    for repeat in draw(st.lists(_repeats(temper), max_size=temper.repeats)) if temper.repeats else ():
        _repeat(tables, *repeat)
    for mishap in draw(st.lists(MISHAPS, max_size=temper.mishaps)) if temper.mishaps else ():
        _spoil(tables, *mishap)
    for table in temper.absent:
        tables[table] = None
    return Company(tables, temper.columns, temper.variables)


class Scene(Dice):
    """A temper, and the stages of the world that is being drawn."""

    def __init__(self, draw, temper, stages=()):
        super().__init__(draw)
        self.temper = temper
        self.stages = stages

    def some(self, rows, most):
        """A list of rows drawn by a strategy of the temper."""
        return self.draw(st.lists(rows(self.temper), max_size=most))

    def crowd(self, elements):
        """A list of elements; one of Hypothesis' lists has five of them on average, too few for a busy company."""
        return [element for _ in range(self.temper.crowd) for element in self.draw(st.lists(elements, max_size=12))]

    def day(self):
        """A day of the temper's span, often a favourite one."""
        if self.chance(50):
            return self.pick(*self.temper.favourite_days)
        return self.temper.first_day + ONE_DAY * self.number(0, (self.temper.last_day - self.temper.first_day).days)

    def moment(self, after=None):
        """An instant; after: the earliest one, mostly."""
        start = midnight(self.day(), self.temper.zone)
        moment = start + timedelta(seconds=self.draw(SECOND_OF_DAY), microseconds=self.draw(FRACTION))
        if after and moment < after and not self.chance(5):
            moment = after + timedelta(seconds=self.pick(86400, 0, 1, 3600, 86400 * 30))
        return moment

    def as_instant(self, moment):
        """Text of an instant, in one of the spellings that the contract allows."""
        zone = self.temper.zone
        spelling = self.pick("Z", "Z", "Z", "Z", "Z", "date", "date", "blank", 330, -210, 60, -300)
        if spelling == "date":
            day = moment.astimezone(zone).date()
            if moment == midnight(day, zone):
                return day.isoformat()
        fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
        if spelling == "blank":
            return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}"
        if spelling in ("Z", "date"):
            return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
        local = moment + timedelta(minutes=spelling)
        sign = "-" if spelling < 0 else "+"
        return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{abs(spelling) // 60:02d}:{abs(spelling) % 60:02d}"

    def as_date(self, day):
        """Text of a date, sometimes as an instant of that day in the reporting time zone."""
        if self.chance(6):
            return self.as_instant(midnight(day, self.temper.zone) + timedelta(seconds=self.pick(0, 1, 80000)))
        return day.isoformat()

    def boolean(self, value):
        """Text of a boolean or None."""
        if value is None:
            return ""
        return self.pick("true", "TRUE", "1", "yes", "t") if value else self.pick("false", "False", "0", "no", "f")

    def amount(self):
        """Text of an amount: round ones that collide, zero, none, odd spellings."""
        return self.pick(
            *("100", "100.00", "250", "1000", "1000.00", "333.33", "12345.67") * 3,
            *("", "", "", "0", "0.00", "-50", ".5", "5.", "+7", "100.005", "1e3", "0.005"),
        )

    def currency(self):
        """Text of a currency: mostly none or the reporting one, others with and without rates."""
        return self.pick("", "", self.temper.currency, self.temper.currency.lower(), "GBP", "GBP", "JPY", "CHF")

    def probability(self, scale):
        """Text of a probability on a scale of 1 or 100 (None: none), sometimes none or outside."""
        if scale is None:
            return ""
        odd = ("101", "-1", "150") if scale == 100 else ("-0.1", "1", "0")
        share = self.pick(*(0.5, 0, 0.1, 0.25, 0.333, 0.9, 1) * 3, None, None, None, None, *odd)
        return "" if share is None else share if isinstance(share, str) else f"{share * scale:.10g}"

    def rep(self):
        """Id of a rep who is, mostly, in sales_reps."""
        return self.pick("r1", "r2", "r1", "r2", "r1", "ghost")

    def source_system(self):
        """Text of a source_system, mostly none."""
        return self.pick("", "crm_export", "CRM_Export", "hubspot") if self.chance(10) else ""

    def month(self):
        """Text of a month: its first day, or another day of it."""
        day = self.temper.first_day + ONE_DAY * 15 * self.number(0, (self.temper.last_day - self.temper.first_day).days // 15 + 6)
        return self.as_date(day.replace(day=17) if self.chance(5) else day.replace(day=1))

    # ---- stages

    def stage_rows(self):
        """Rows of the stages, which are chosen on the way, as (pipeline, stage, order, outcome)."""
        self.stages, rows = [], []
        is_shared = not self.chance(40)
        pipelines = self.pick(("p1",), ("p1", "p2"), ("p1", "p2"), ("p1", "p2", "p3"), ("",))
        for pipeline in pipelines:
            prefix = "" if is_shared else pipeline
            open_stages = ("s1", "s2", "s3", "s4")[: self.pick(2, 3, 4)]
            closed_stages = self.pick(("won", "lost"), ("won",), ("won", "won2", "lost"), ("won", "won2"))
            orders = list(range(1, len(open_stages) + len(closed_stages) + 1))
            if self.chance(20):
                orders = self.draw(st.permutations(orders))
            if self.chance(15):
                orders[1] = orders[0]
            for order, name in zip(orders, (*open_stages, *closed_stages), strict=True):
                outcome = "open" if name[0] == "s" else name.rstrip("2")
                self.stages.append((pipeline, f"{prefix}{name}", order, outcome))
        if self.chance(35):
            self.stages.append(("", self.pick("s1", "s2", "free", "won"), self.pick(1, 2, 9), self.pick("open", "won")))
        for pipeline, stage, order, outcome in self.stages:
            if self.chance(2):
                continue  # hard-deleted
            rows.append(
                {
                    "pipeline_id": pipeline,
                    "pipeline_name": self.pick(f"Pipeline {pipeline}", f"Pipeline {pipeline}", "Sales", ""),
                    "stage_id": stage,
                    "stage_name": stage.title(),
                    "stage_order": self.pick(str(order), str(order), f"{order}.0"),
                    "probability": self.probability(self.temper.stage_scale),
                    "outcome": self.pick(outcome, outcome, outcome.upper()),
                }
            )
        return rows

    def stages_near(self, pipeline):
        """The stages that a deal of the pipeline can be in."""
        return [stage for stage in self.stages if stage[0] in (pipeline, "")]

    @property
    def pipelines(self):
        """The pipelines of the stages."""
        return sorted({stage[0] for stage in self.stages} - {""}) or [""]

    def is_closed(self, stage_id):
        """Whether a stage of that id is won or lost."""
        return any(stage[1] == stage_id and stage[3] != "open" for stage in self.stages)

    # ---- deals and their log

    def value(self, field, pipeline, moment):
        """A new value of a logged field, as text; pipeline: the one whose stages are near at hand."""
        match field:
            case "stage_id":
                stages = self.stages_near(pipeline)
                if not stages or self.chance(4):
                    return self.pick("gone", "s1", "")
                return self.pick(*(stage[1] for stage in stages))
            case "pipeline_id":
                return self.pick(*self.pipelines, *self.pipelines, *self.pipelines, "", "p9")
            case "owner_id":
                return self.pick("r1", "r2", "r1", "r2", "r3", "ghost", "")
            case "close_date":
                return self.close_date(moment) if not self.chance(25) else ""
            case "amount":
                return self.amount()
            case "currency":
                return self.currency()
            case "probability":
                return self.probability(self.temper.log_scale)
            case "forecast_category":
                return self.pick("commit", "Commit", "pipeline", "best_case", "")
            case "is_deleted":
                return self.boolean(self.pick(False, False, True))
            case _:
                return self.pick("call", "")

    def close_date(self, moment):
        """Text of a close date: that of the moment, one soon after it, or any."""
        day = moment.astimezone(self.temper.zone).date()
        return self.as_date(day + ONE_DAY * self.pick(0, 0, 1, 10, 40) if not self.chance(25) else self.day())

    def change(self, field, old_value, new_value, moment):
        """A log row without its deal."""
        number = self.number(1, 200) if self.temper.change_ids != "none" else 0
        change_id = {
            "none": "",
            "numbers": str(number),
            "texts": f"c{number}",
            "mixed": str(number) if number % 2 else f"c{number}",
            "some": str(number) if number % 2 else "",
            "few": str(number % 4),
        }[self.temper.change_ids]
        return {
            "change_id": change_id,
            "field": field.upper() if self.chance(10) else field,
            "old_value": old_value,
            "new_value": new_value,
            "changed_at": self.as_instant(moment),
        }


FIELDS = one_of(*("stage_id",) * 12, *LOGGED_FIELDS, *(name for name in LOGGED_FIELDS if name != "is_deleted"), "next_step")


@st.composite
def _deals(draw, temper, stages):
    """(row without its id, log rows): a life of changes, told by a log that forgets some of them and a row that may
    disagree."""
    scene = Scene(draw, temper, stages)
    created_at = min(scene.moment(), scene.moment())
    state = {field: scene.value(field, "p1", created_at) for field in LOGGED_FIELDS}
    state["pipeline_id"] = scene.pick(*scene.pipelines, *scene.pipelines, *scene.pipelines, "")
    near = scene.stages_near(state["pipeline_id"])
    state["stage_id"] = near[0][1] if near else "s1"
    state["is_deleted"] = scene.pick("", "", "false", "0")
    changes, moment = [], created_at

    def change(field, new_value):
        old_value = state.get(field, "")
        if scene.chance(6):
            old_value = scene.pick("", scene.value(field, state["pipeline_id"], moment))
        changes.append((field, old_value, new_value, moment))
        state[field] = new_value

    for steps in draw(st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=8)):  # several at one instant
        moment, before = scene.moment(after=moment), dict(state)
        for field in steps:
            new_value = scene.value(field, state["pipeline_id"], moment)
            if scene.chance(10):  # back to where the instant began, or nothing new
                new_value = scene.pick(before.get(field, ""), state.get(field, ""))
            change(field, new_value)
    if scene.chance(50):
        moment = scene.moment(after=moment)
        change("stage_id", scene.pick(*(stage[1] for stage in scene.stages_near(state["pipeline_id"]) if stage[3] != "open"), "won"))
        change("close_date", scene.close_date(moment))
    forgets_all_stages, forgets_closing = scene.chance(10), scene.chance(8)
    log = [
        scene.change(field, old_value, new_value, changed_at)
        for field, old_value, new_value, changed_at in changes
        if (field in temper.logged_fields or field == "next_step")
        and not scene.chance(temper.lost_changes)
        and not (field == "stage_id" and (forgets_all_stages or (forgets_closing and scene.is_closed(new_value))))
    ]
    row = state | {
        "name": "Deal",
        "account_id": scene.pick("a1", "a2", "a3", "a4", "nowhere", ""),
        "deal_type": scene.pick("New", "Renewal", "new", ""),
        "lead_source": scene.pick("", *LEAD_SOURCES),
        "created_at": scene.as_instant(FAR_FUTURE if scene.chance(1) else created_at),
        "merged_into_deal_id": scene.pick("", "d1") if scene.chance(6) else "",
        "updated_at": scene.as_instant(scene.moment()) if scene.chance(30) else "",
        "probability": scene.probability(temper.deal_scale),
    }
    if scene.is_closed(row["stage_id"]) and not row["close_date"] and not scene.chance(30):
        row["close_date"] = scene.close_date(moment)
    if scene.chance(12):
        field = scene.pick(*LOGGED_FIELDS)
        row[field] = scene.value(field, row["pipeline_id"], moment)
    return row, log


@st.composite
def _loose_changes(draw, temper):
    scene = Scene(draw, temper)
    return {"deal_id": scene.pick("nobody", "d1")} | scene.change("stage_id", "s1", "won", scene.moment())


# ------------------------------------------------------------ leads and activities


@st.composite
def _leads(draw, temper):
    """(row with a start of its id, activities without the lead's id)."""
    scene = Scene(draw, temper)
    created_at = scene.moment()
    is_converted = scene.chance(50)

    def maybe_later(percent):
        if not scene.chance(percent):
            return ""
        if scene.chance(10):
            return scene.as_instant(scene.pick(created_at - ONE_DAY, FAR_FUTURE))
        return scene.as_instant(scene.moment(after=created_at))

    row = {
        "lead_id": scene.pick("l", ""),
        "created_at": scene.as_instant(created_at),
        "owner_id": scene.pick("r1", "r2", "ghost", "", ""),
        "source": scene.pick(*LEAD_SOURCES),
        "segment": scene.pick("SMB", "Enterprise", ""),
        "region": scene.pick("EMEA", ""),
        "status": "new",
        "qualified_at": maybe_later(50),
        "converted_at": maybe_later(90 if is_converted else 5),
        "converted_deal_id": f"d{scene.pick(1, 2, 3, 4, 6, 9)}" if is_converted else "",
        "is_deleted": scene.boolean(scene.pick(None, None, False, None, True)),
        "merged_into_lead_id": "l1" if scene.chance(4) else "",
        "updated_at": scene.as_instant(scene.moment()) if scene.chance(30) else "",
    }
    return row, [
        activity | ({"occurred_at": scene.as_instant(created_at + timedelta(seconds=seconds))} if seconds is not None else {})
        for activity, seconds in draw(st.lists(st.tuples(_activities(temper), SECONDS_TO_AN_ANSWER), max_size=4))
    ]


SECONDS_TO_AN_ANSWER = one_of(1800, 0, -1, 0.25, 3600, 3601, 86400, -86400, None, None)


@st.composite
def _activities(draw, temper):
    scene = Scene(draw, temper)
    return {
        "type": scene.pick("call", "Email", "meeting", "task", "note", "fax"),
        "direction": scene.pick("outbound", "Outbound", "inbound", ""),
        "occurred_at": scene.as_instant(scene.moment()),
        "is_completed": scene.boolean(scene.pick(None, True, True, False)),
        "is_automated": scene.boolean(scene.pick(None, False, False, True)),
        "owner_id": scene.rep(),
        "deal_id": scene.pick("", "", "d1", "d2", "d3", "d5", "nothing"),
    } | ({"lead_id": scene.pick("l1", "l2", "3", "nobody")} if scene.chance(10) else {})


# ------------------------------------------------------------ the other tables


@st.composite
def _accounts(draw, temper):
    scene = Scene(draw, temper)
    return {
        "name": "Account",
        "segment": scene.pick("SMB", "smb", "Enterprise", "", "unknown"),
        "industry": scene.pick("Steel", ""),
        "region": scene.pick("EMEA", "APAC", "", " EMEA "),
        "created_at": scene.as_instant(scene.moment()) if scene.chance(50) else "",
        "updated_at": scene.as_instant(scene.moment()) if scene.chance(30) else "",
    }


@st.composite
def _sales_reps(draw, temper):
    scene = Scene(draw, temper)
    return {
        "name": scene.pick("Rep", "Rep", "Other Rep", ""),
        "email": "rep@example.com",
        "team": scene.pick("East", "West", "", "east"),
        "hired_date": scene.as_date(scene.day()) if scene.chance(30) else "",
        "is_active": scene.boolean(scene.pick(True, False)),
        "updated_at": scene.as_instant(scene.moment()) if scene.chance(30) else "",
    }


@st.composite
def _rep_teams(draw, temper):
    scene = Scene(draw, temper)
    return {
        "rep_id": scene.pick("r1", "r1", "r2", "r2", "r3", "ghost", "stranger"),
        "team": scene.pick("East", "West", "North", "South"),
        "valid_from": scene.as_date(scene.day()),
    }


@st.composite
def _quotas(draw, temper):
    scene = Scene(draw, temper)
    return {
        "rep_id": scene.pick("r1", "r1", "r2", "r2", "r3", "ghost", "stranger"),
        "quota_month": scene.month(),
        "amount": scene.amount(),
        "currency": scene.currency(),
        "source_system": scene.source_system(),
    }


@st.composite
def _sales_spend(draw, temper):
    scene = Scene(draw, temper)
    return {
        "spend_month": scene.month(),
        "category": scene.pick("sales", "Marketing", "marketing"),
        "lead_source": scene.pick(*LEAD_SOURCES),
        "amount": scene.amount(),
        "currency": scene.currency(),
        "spend_id": scene.pick("", "", "1", "2", "3"),
        "source_system": scene.source_system(),
    }


@st.composite
def _fx_rates(draw, temper):
    scene = Scene(draw, temper)
    return {
        "currency": scene.pick("GBP", "JPY", "gbp", temper.currency),
        "rate_date": scene.as_date(scene.day()),
        "rate": scene.pick("2", "1.27", "0.0067", "1", "1.123456789012") if not scene.chance(4) else scene.pick("0", "-1"),
        "to_currency": scene.pick("", "", temper.currency, "EUR", "usd"),
    }


# ------------------------------------------------------------ what goes wrong on the way

ANY_ROW = st.tuples(one_of(*TABLES, "deals", "deal_changes", "leads", "quotas"), st.integers(0, 99))
MISHAPS = st.tuples(ANY_ROW, st.integers(0, 17), st.integers(0, 6))


def _spoil(tables, place, column_number, wrong_number):
    """Put something that should not be there into a cell of a row, if the table has any."""
    table, number = place
    if tables[table]:
        row = tables[table][number % len(tables[table])]
        columns = (*TABLES[table].columns, "loaded_at")
        column = columns[column_number % len(columns)]
        kind = "instant" if column == "loaded_at" else KINDS.get(TABLES[table].types.get(column), "text")
        if column in ("old_value", "new_value"):
            kind = {"amount": "number", "probability": "number", "close_date": "date", "is_deleted": "boolean"}.get(
                row["field"].lower(), "text"
            )
        row[column] = NOTHING_WRONG[kind][wrong_number % len(NOTHING_WRONG[kind])]


@st.composite
def _repeats(draw, temper):
    """(place of a row, place in it and number of the row whose value it gets, instants of two loads and updates, blanks)."""
    scene = Scene(draw, temper)

    def maybe():
        return scene.as_instant(scene.moment()) if scene.chance(40) else ""

    other = (scene.number(0, 17), scene.number(0, 99)) if scene.chance(60) else None
    return draw(ANY_ROW), other, (maybe(), maybe(), maybe(), maybe()), scene.chance(10)


def _repeat(tables, place, other, instants, has_blanks):
    """Repeat a row: the same, with another content, with ties of updated_at, with blanks around its values."""
    table, number = place
    rows = tables[table]
    if not rows:
        return
    row = rows[number % len(rows)]
    copy = dict(row)
    if other:
        column = TABLES[table].columns[other[0] % len(TABLES[table].columns)]
        copy[column] = rows[other[1] % len(rows)].get(column, "")
    row["loaded_at"], copy["loaded_at"] = instants[:2]
    if "updated_at" in TABLES[table].columns:
        row["updated_at"], copy["updated_at"] = instants[2] or row.get("updated_at", ""), instants[3]
    if has_blanks:
        copy = {name: f" {text} " for name, text in copy.items()}
    rows.insert(number % len(rows), copy)
