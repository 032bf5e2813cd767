"""Small random companies that love edge cases, to compare the warehouse with the oracle on.

    python tests/oracle/random_worlds.py SEED [FOLDER]

writes the world of that seed into FOLDER as `<table>.csv` and prints its vars. A seed always gives the same world.
Every world has a temper of its own: how careless its log is, which tables and columns its export lacks, which fields it
never logs, where its clock stands.
"""

import csv
import json
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from records import LOGGED_FIELDS, TABLES, midnight

ONE_DAY = timedelta(days=1)
# Half hours, midnights that a clock change skips or repeats, both hemispheres, a zone a day ahead
TIMEZONES = (
    *("UTC", "UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu"),
    *("Africa/Cairo", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Auckland", "America/Nuuk", "Atlantic/Azores"),
)
FAR_FUTURE = datetime(2093, 5, 1, 12, tzinfo=UTC)
OPTIONAL_TABLES = tuple(name for name in TABLES if name not in ("deals", "stages"))


@dataclass(frozen=True)
class World:
    """A company: tables {name: list of {column: text}, or None where the export lacks it}, columns {table: names},
    variables {dbt var: value}."""

    seed: int
    tables: dict
    columns: dict
    variables: dict

    def write(self, folder):
        """Write `<table>.csv` of every table that is there; returns the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.tables.items():
            if rows is None:
                continue
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.columns[table], extrasaction="ignore", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        return folder


def random_world(seed):
    """The World of a seed."""
    return _Builder(seed).build()


class _Builder:
    def __init__(self, seed):
        self.seed = seed
        self.random = Random(f"world {seed}")
        self.carelessness = self.random.choice((0, 0.01, 0.03, 0.08))
        self.timezone = self.random.choice(TIMEZONES)
        self.zone = ZoneInfo(self.timezone)
        self.first_day = date(2023, 9, 1) + ONE_DAY * self.random.randrange(700)
        self.last_day = self.first_day + ONE_DAY * self.random.choice((45, 120, 250, 400))
        self.reporting_currency = self.random.choice(("USD", "USD", "EUR"))
        self.moments = self._favourite_moments()

    # ---- dice

    def chance(self, share):
        return self.random.random() < share

    def pick(self, *values):
        return self.random.choice(values)

    def day(self):
        """A day of the world, often one on which a period starts or ends."""
        day = self.first_day + ONE_DAY * self.random.randrange((self.last_day - self.first_day).days + 1)
        roll = self.random.random()
        if roll < 0.2:
            return day.replace(day=1)
        if roll < 0.35:
            return day.replace(day=1) - ONE_DAY
        if roll < 0.37:
            return date(2024, 2, 29)
        return day

    def _favourite_moments(self):
        """A few instants that many things share: midnights, a second beside them, clock changes."""
        moments = []
        for _ in range(6):
            start = midnight(self.day(), self.zone)
            moments += [start, start + self.pick(-1, 1, -3600, 3600) * timedelta(seconds=1)]
        for day in ((2024, 3, 31), (2024, 11, 3), (2025, 3, 9), (2025, 10, 26)):
            moments.append(datetime(*day, self.pick(0, 1), 30, tzinfo=UTC))
        return moments

    def moment(self, after=None):
        """An instant of the world; after: the earliest one, mostly."""
        if self.chance(0.4):
            moment = self.random.choice(self.moments)
        else:
            moment = midnight(self.day(), self.zone) + timedelta(seconds=self.random.randrange(86400))
            if self.chance(0.1):
                moment += timedelta(microseconds=self.random.randrange(1_000_000))
        if after and moment < after and not self.chance(0.05):
            moment = after + timedelta(seconds=self.pick(0, 1, 3600, 86400, self.random.randrange(90 * 86400)))
        return moment

    def careless(self, text, kind="text"):
        """The text, or now and then something that should not be there."""
        if not self.chance(self.carelessness):
            return text
        wrong = {
            "text": ("", "", "   "),
            "number": ("", "abc", "1,000.00", "12 %", "1e30", "NaN"),
            "date": ("", "soon", "2025-02-30", "31.12.2024", "1999-12-31", "0001-01-01", "9999-12-31"),
            "instant": ("", "soon", "2025-02-30T10:00:00Z", "2024-13-01", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
            "boolean": ("", "maybe", "2"),
            "word": ("", "other", "?"),
        }
        return self.random.choice(wrong[kind])

    # ---- spellings

    def as_instant(self, moment):
        """Text of an instant, in one of the spellings that the contract allows."""
        if moment is None:
            return ""
        roll = self.random.random()
        start = midnight(moment.astimezone(self.zone).date(), self.zone)
        if moment == start and roll < 0.3:
            return moment.astimezone(self.zone).date().isoformat()
        fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
        if roll < 0.8:
            return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
        if roll < 0.9:
            return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}"
        offset = self.pick(330, -210, 60, -300)
        local = moment + timedelta(minutes=offset)
        sign = "-" if offset < 0 else "+"
        return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"

    def as_date(self, day):
        """Text of a date, sometimes as an instant of that day in the reporting time zone."""
        if day is None:
            return ""
        if self.chance(0.06):
            return self.as_instant(midnight(day, self.zone) + timedelta(seconds=self.pick(0, 1, 80000)))
        return day.isoformat()

    def boolean(self, value):
        """Text of a boolean or None."""
        if value is None:
            return ""
        return self.pick("true", "TRUE", "1", "yes", "t") if value else self.pick("false", "False", "0", "no", "f")

    def amount(self):
        """Text of an amount: round ones that collide, zero, none, odd spellings."""
        roll = self.random.random()
        if roll < 0.12:
            return ""
        if roll < 0.2:
            return self.pick("0", "0.00", "-50", ".5", "5.", "+7", "100.005", "1e3", "0.005")
        return self.pick("100", "100.00", "250", "1000", "1000.00", "333.33", "12345.67")

    def currency(self):
        """Text of a currency: mostly none or the reporting one, others with and without rates."""
        return self.pick("", "", self.reporting_currency, self.reporting_currency.lower(), "GBP", "GBP", "JPY", "CHF")

    def probability(self, scale):
        """Text of a probability on a scale of 1 or 100, sometimes none or outside."""
        if scale is None:
            return ""
        roll = self.random.random()
        if roll < 0.15:
            return ""
        if roll < 0.2 and scale == 100:
            return self.pick("101", "-1", "150")
        if roll < 0.2:
            return self.pick("-0.1", "1", "0")
        share = self.pick(0, 0.1, 0.25, 0.333, 0.5, 0.9, 1)
        return f"{share * scale:.10g}"

    # ---- the world

    def build(self):
        """The World."""
        self.reps = [f"r{number}" for number in range(1, self.pick(3, 5))] + self.pick([], ["ghost"])
        self.lead_sources = ("Web", "web", "Event", "Partner", "unknown", "")
        self._choose_stages()
        tables = {
            "stages": self._stages(),
            "accounts": self._accounts(),
            "sales_reps": self._sales_reps(),
            "rep_teams": self._rep_teams(),
        }
        tables["deals"], tables["deal_changes"] = self._deals_and_log()
        tables |= {
            "leads": self._leads(),
            "quotas": self._quotas(),
            "sales_spend": self._sales_spend(),
            "fx_rates": self._fx_rates(),
        }
        tables["activities"] = self._activities()
        for table, rows in tables.items():
            tables[table] = self._with_repeats(table, rows)
        self._leave_out(tables)
        columns = {table: self._columns(table) for table in tables}
        return World(self.seed, tables, columns, self._variables())

    def _variables(self):
        variables = {
            "reporting_currency": self.reporting_currency,
            "reporting_timezone": self.timezone,
            "fiscal_year_start_month": self.pick(1, 1, self.random.randrange(1, 13)),
            "lead_conversion_window_days": self.pick(90, 30, 0),
            "lead_response_sla_hours": self.pick(1, 0.5, 24),
            "cac_lag_months": self.pick(0, 1, 3),
            "pipeline_snapshot_grain": self.pick("month", "week", "day"),
            "as_of_date": "",
        }
        if self.chance(0.65):
            late = self.last_day + ONE_DAY * self.pick(0, 1, 20, 100)
            variables["as_of_date"] = self.pick(late, late, self.day()).isoformat()
        if self.chance(0.15):
            variables["earliest_date"] = (self.first_day + ONE_DAY * 20).isoformat()
        return variables

    def _columns(self, table):
        """The columns of a table's file: all the required ones, most of the optional, in any order."""
        spec = TABLES[table]
        lost = 0.04 if table != "stages" or self.chance(0.3) else 0
        kept = [name for name in (*spec.columns, "loaded_at") if name in spec.required or not self.chance(lost)]
        if self.chance(0.3):
            self.random.shuffle(kept)
        return kept + (["remark"] if self.chance(0.1) else [])

    def _leave_out(self, tables):
        for table in OPTIONAL_TABLES:
            if self.chance(0.12):
                tables[table] = None
            elif self.chance(0.04):
                tables[table] = []

    def _with_repeats(self, table, rows):
        """The rows, some of them twice: the same, with another content, with ties of updated_at."""
        repeated = []
        for row in rows:
            loaded_at = self.pick("", "", self.as_instant(self.moment()))
            row.setdefault("loaded_at", self.careless(loaded_at, "instant"))
            repeated.append(row)
            if not self.chance(0.05):
                continue
            copy = dict(row)
            if self.chance(0.6):
                column = self.random.choice([name for name in TABLES[table].columns if name in row])
                copy[column] = self.random.choice(rows).get(column, "")
            if self.chance(0.4):
                copy["updated_at"] = self.as_instant(self.moment())
            if self.chance(0.4):
                copy["loaded_at"] = self.as_instant(self.moment())
            if self.chance(0.1):
                copy = {name: f" {text} " for name, text in copy.items()}
            repeated.append(copy)
        if self.chance(0.5):
            self.random.shuffle(repeated)
        return repeated

    # ---- stages

    def _choose_stages(self):
        self.pipelines = self.pick(["p1"], ["p1", "p2"], ["p1", "p2"], ["p1", "p2", "p3"], [""])
        self.stage_scale = self.pick(None, 1, 1, 100)
        is_shared = self.chance(0.6)
        self.stages = []
        for pipeline in self.pipelines:
            prefix = "" if is_shared else pipeline
            outcomes = ["open"] * self.pick(2, 3, 4) + self.pick(["won"], ["won", "won"]) + self.pick(["lost"], [])
            orders = list(range(1, len(outcomes) + 1))
            if self.chance(0.2):
                self.random.shuffle(orders)
            if self.chance(0.15):
                orders[1] = orders[0]
            for number, (outcome, order) in enumerate(zip(outcomes, orders, strict=True), 1):
                name = outcome if outcome != "open" else f"s{number}"
                name += "2" if (pipeline, f"{prefix}{name}") in {stage[:2] for stage in self.stages} else ""
                self.stages.append((pipeline, f"{prefix}{name}", order, outcome))
        if self.chance(0.35):
            self.stages.append(("", self.pick("s1", "s2", "free", "won"), self.pick(1, 2, 9), self.pick("open", "won")))

    def _stages(self):
        rows = []
        for pipeline, stage, order, outcome in self.stages:
            if self.chance(0.02):
                continue  # hard-deleted
            rows.append(
                {
                    "pipeline_id": pipeline,
                    "pipeline_name": self.pick(f"Pipeline {pipeline}", f"Pipeline {pipeline}", "Sales", ""),
                    "stage_id": stage,
                    "stage_name": self.careless(stage.title()),
                    "stage_order": self.careless(self.pick(str(order), str(order), f"{order}.0"), "number"),
                    "probability": self.probability(self.stage_scale),
                    "outcome": self.careless(self.pick(outcome, outcome, outcome.upper()), "word"),
                }
            )
        return rows

    # ---- people and accounts

    def _accounts(self):
        return [
            {
                "account_id": self.careless(f"a{number}"),
                "name": f"Account {number}",
                "segment": self.pick("SMB", "smb", "Enterprise", "", "unknown"),
                "industry": self.pick("Steel", ""),
                "region": self.pick("EMEA", "APAC", "", " EMEA "),
                "created_at": self.careless(self.pick("", self.as_instant(self.moment())), "instant"),
                "updated_at": self.pick("", self.as_instant(self.moment())),
            }
            for number in range(1, 7)
        ]

    def _sales_reps(self):
        return [
            {
                "rep_id": self.careless(rep),
                "name": self.careless(self.pick(f"Rep {rep}", "Same Name")),
                "email": f"{rep}@example.com",
                "team": self.pick("East", "West", "", "east"),
                "hired_date": self.careless(self.as_date(self.day()), "date"),
                "is_active": self.careless(self.boolean(self.chance(0.8)), "boolean"),
                "updated_at": self.pick("", self.as_instant(self.moment())),
            }
            for rep in self.reps
            if rep != "ghost"
        ]

    def _rep_teams(self):
        return [
            {
                "rep_id": self.careless(self.random.choice([*self.reps, "stranger"])),
                "team": self.careless(self.pick("East", "West", "North", "South")),
                "valid_from": self.careless(self.as_date(self.day()), "date"),
            }
            for _ in range(self.pick(0, 4, 8))
        ]

    # ---- deals and their log

    def _deals_and_log(self):
        self.logged_fields = [name for name in LOGGED_FIELDS if name == "stage_id" or self.chance(0.7)]
        if self.chance(0.06):
            self.logged_fields.remove("stage_id")
        self.deal_scale = self.pick(None, 1, 1, 100)
        self.log_scale = self.pick(1, 1, 100)
        self.change_ids = self.pick("none", "numbers", "texts", "mixed", "some", "few")
        self.lost_changes = self.pick(0, 0.05, 0.25)
        deals, log = [], []
        for number in range(1, self.random.randrange(6, 26)):
            row, changes = self._deal(f"d{number}")
            deals.append(row)
            log += changes
        if self.chance(0.5):
            log.append(self._change("nobody", "stage_id", "s1", "won", self.moment()))
            log.append(self._change(deals[0]["deal_id"], "next_step", "", "call", self.moment()))
        return deals, log

    def _change(self, deal_id, field, old_value, new_value, moment):
        number = self.random.randrange(1, 200)
        change_id = {
            "none": "",
            "numbers": str(number),
            "texts": f"c{number}",
            "mixed": self.pick(str(number), f"c{number}"),
            "some": self.pick("", str(number)),
            "few": str(number % 4),
        }[self.change_ids]
        return {
            "change_id": change_id,
            "deal_id": self.careless(deal_id),
            "field": self.careless(self.pick(field, field, field, field.upper()), "word"),
            "old_value": old_value,
            "new_value": new_value,
            "changed_at": self.careless(self.as_instant(moment), "instant"),
        }

    def _value(self, field, pipeline, moment):
        """A new value of a field of a deal, as text; pipeline: the one whose stages are near at hand."""
        if field == "stage_id":
            stages = [stage for stage in self.stages if stage[0] in (pipeline, "")]
            if self.chance(0.04) or not stages:
                return self.pick("gone", "s1", "")
            return self.random.choice(stages)[1]
        if field == "pipeline_id":
            return self.random.choice([*self.pipelines, *self.pipelines, "", "p9"])
        if field == "owner_id":
            return self.random.choice([*self.reps, *self.reps, ""])
        if field == "close_date":
            return self.careless(self.pick(self._close_date(moment), self._close_date(moment), ""), "date")
        return {
            "amount": lambda: self.careless(self.amount(), "number"),
            "currency": self.currency,
            "probability": lambda: self.careless(self.probability(self.log_scale), "number"),
            "forecast_category": lambda: self.pick("commit", "Commit", "pipeline", "best_case", ""),
            "is_deleted": lambda: self.careless(self.boolean(self.chance(0.5)), "boolean"),
        }[field]()

    def _close_date(self, moment):
        """Text of a close date: that of the moment, one soon after it, or any."""
        day = moment.astimezone(self.zone).date()
        near = self.pick(day, day, day + ONE_DAY * self.random.randrange(60), self.day())
        return self.as_date(near)

    def _deal(self, deal_id):
        """(row, log rows): a life of changes, told by a log that forgets some of them and a row that may disagree."""
        created_at = min(self.moment(), self.moment())
        pipeline = self.random.choice([*self.pipelines, *self.pipelines, *self.pipelines, ""])
        state = {field: self._value(field, pipeline, created_at) for field in LOGGED_FIELDS} | {
            "pipeline_id": pipeline,
            "is_deleted": self.pick("", "", "false", "0"),
            "probability": self.probability(self.log_scale),
        }
        changes, moment = [], created_at
        for _ in range(self.pick(0, 1, 2, 3, 5, 7)):
            moment = self.moment(after=moment)
            for _ in range(self.pick(1, 1, 1, 2, 3)):  # several at one instant
                field = self.pick("stage_id", "stage_id", "stage_id", *LOGGED_FIELDS)
                if field == "is_deleted" and self.chance(0.6):
                    continue
                for _ in range(self.pick(1, 1, 1, 1, 2, 3)):  # of one field
                    old_value = state[field]
                    if self.chance(0.06):
                        old_value = self.pick("", self._value(field, pipeline, moment))
                    new_value = self._value(field, state["pipeline_id"], moment)
                    if field == "stage_id" and self.chance(0.1):
                        new_value = state[field]
                    state[field] = new_value
                    changes.append((field, old_value, new_value, moment))
        if self.chance(0.1) and changes:  # back to where the last instant began
            last = changes[-1][3]
            group = [change for change in changes if change[3] == last and change[0] == changes[-1][0]]
            changes.append((group[0][0], state[group[0][0]], group[0][1], last))
            state[group[0][0]] = group[0][1]
        if self.chance(0.5):
            moment = self.moment(after=moment)
            closing = [stage[1] for stage in self.stages if stage[3] != "open" and stage[0] in (state["pipeline_id"], "")]
            closings = {"stage_id": self.random.choice(closing or ["won"]), "close_date": self._close_date(moment)}
            for field, new_value in closings.items():
                changes.append((field, state[field], new_value, moment))
                state[field] = new_value
        forgets_all_stages = self.chance(0.12)
        forgets_closing = self.chance(0.08)
        log = []
        for field, old_value, new_value, changed_at in changes:
            if field not in self.logged_fields or self.chance(self.lost_changes):
                continue
            if field == "stage_id" and (forgets_all_stages or (forgets_closing and self._is_closed(new_value))):
                continue
            log.append(self._change(deal_id, field, old_value, new_value, changed_at))
        return self._deal_row(deal_id, created_at, moment, state), log

    def _is_closed(self, stage_id):
        return any(stage[1] == stage_id and stage[3] != "open" for stage in self.stages)

    def _deal_row(self, deal_id, created_at, last_moment, state):
        row = {
            "deal_id": self.careless(deal_id),
            "name": f"Deal {deal_id}",
            "account_id": self.pick("a1", "a2", "a3", "a4", "nowhere", ""),
            "deal_type": self.pick("New", "Renewal", "new", ""),
            "lead_source": self.pick(*self.lead_sources, ""),
            "created_at": self.careless(self.as_instant(created_at), "instant"),
            "merged_into_deal_id": "d1" if self.chance(0.03) else "",
            "updated_at": self.careless(self.pick("", self.as_instant(self.moment())), "instant"),
        } | state
        row["probability"] = self.probability(self.deal_scale)
        if self._is_closed(row["stage_id"]) and not row["close_date"] and self.chance(0.7):
            row["close_date"] = self._close_date(last_moment)
        for field in LOGGED_FIELDS:
            if self.chance(0.02):
                row[field] = self._value(field, row["pipeline_id"], last_moment)
        if self.chance(0.01):
            row["created_at"] = self.as_instant(FAR_FUTURE)
        return row

    # ---- leads and activities

    def _leads(self):
        self.lead_rows = []
        for number in range(1, self.random.randrange(4, 18)):
            created_at = self.moment()
            is_converted = self.chance(0.5)
            self.lead_rows.append(
                {
                    "lead_id": self.careless(self.pick(f"l{number}", str(number))),
                    "created_at": self.careless(self.as_instant(created_at), "instant"),
                    "owner_id": self.random.choice([*self.reps, "", ""]),
                    "source": self.random.choice(self.lead_sources),
                    "segment": self.pick("SMB", "Enterprise", ""),
                    "region": self.pick("EMEA", ""),
                    "status": "new",
                    "qualified_at": self._maybe_later(created_at, 0.5),
                    "converted_at": self._maybe_later(created_at, 0.9 if is_converted else 0.05),
                    "converted_deal_id": f"d{self.random.randrange(1, 12)}" if is_converted else "",
                    "is_deleted": self.careless(self.boolean(self.pick(None, None, False, self.chance(0.2))), "boolean"),
                    "merged_into_lead_id": "l1" if self.chance(0.04) else "",
                    "updated_at": self.pick("", self.as_instant(self.moment())),
                }
            )
        return self.lead_rows

    def _maybe_later(self, created_at, share):
        if not self.chance(share):
            return self.careless("", "instant")
        if self.chance(0.1):
            return self.as_instant(self.pick(created_at - ONE_DAY, FAR_FUTURE))
        return self.careless(self.as_instant(self.moment(after=created_at)), "instant")

    def _activities(self):
        lead_ids = [row["lead_id"] for row in self.lead_rows]
        rows = []
        for number in range(1, self.random.randrange(5, 40)):
            lead = self.random.choice(self.lead_rows)
            near = self.moments[0]
            try:
                near = datetime.fromisoformat(lead["created_at"].replace("Z", "+00:00"))
                near = near if near.tzinfo else near.replace(tzinfo=UTC)
            except ValueError:
                pass
            near = near if near.year > 1 else self.moments[0]
            moment = near + timedelta(seconds=self.pick(0, -1, 0.25, 1800, 3600, 3601, 86400, -86400))
            rows.append(
                {
                    "activity_id": self.careless(str(number)),
                    "type": self.careless(self.pick("call", "Email", "meeting", "task", "note", "fax")),
                    "direction": self.careless(self.pick("outbound", "Outbound", "inbound", ""), "word"),
                    "occurred_at": self.careless(self.as_instant(self.pick(moment, moment, self.moment())), "instant"),
                    "is_completed": self.careless(self.boolean(self.pick(None, True, True, False)), "boolean"),
                    "is_automated": self.careless(self.boolean(self.pick(None, False, False, True)), "boolean"),
                    "owner_id": self.random.choice(self.reps),
                    "lead_id": self.pick(lead["lead_id"], lead["lead_id"], "", self.random.choice(lead_ids), "nobody"),
                    "deal_id": self.pick("", "", f"d{self.random.randrange(1, 12)}", "nothing"),
                }
            )
        return rows

    # ---- quotas, spend, rates

    def _month(self):
        months = [self.first_day + ONE_DAY * days for days in range(0, (self.last_day - self.first_day).days + 90, 15)]
        month = self.random.choice(months).replace(day=1)
        return self.careless(self.as_date(month if self.chance(0.95) else month.replace(day=17)), "date")

    def _source_system(self):
        return self.pick("", "", "crm_export", "CRM_Export", "hubspot") if self.chance(0.15) else ""

    def _quotas(self):
        return [
            {
                "rep_id": self.careless(self.random.choice([*self.reps, "stranger"])),
                "quota_month": self._month(),
                "amount": self.careless(self.amount(), "number"),
                "currency": self.currency(),
                "source_system": self._source_system(),
            }
            for _ in range(self.random.randrange(3, 25))
        ]

    def _sales_spend(self):
        return [
            {
                "spend_month": self._month(),
                "category": self.careless(self.pick("sales", "Marketing", "marketing"), "word"),
                "lead_source": self.random.choice(self.lead_sources),
                "amount": self.careless(self.amount(), "number"),
                "currency": self.currency(),
                "spend_id": self.pick("", "", str(self.random.randrange(5))),
                "source_system": self._source_system(),
            }
            for _ in range(self.random.randrange(3, 20))
        ]

    def _fx_rates(self):
        rows = []
        for currency in ("GBP", "gbp", "JPY", self.reporting_currency):
            for _ in range(self.pick(0, 1, 3, 5)):
                rows.append(
                    {
                        "currency": self.careless(currency),
                        "rate_date": self.careless(self.as_date(self.day()), "date"),
                        "rate": self.careless(self.pick("1.27", "0.0067", "1", "1.123456789012", "2"), "number"),
                        "to_currency": self.pick("", "", self.reporting_currency, "EUR", "usd"),
                    }
                )
        if self.chance(0.2):
            rows.append({"currency": "JPY", "rate_date": self.day().isoformat(), "rate": self.pick("0", "-1"), "to_currency": ""})
        return rows


if __name__ == "__main__":
    chosen = random_world(int(sys.argv[1]))
    if len(sys.argv) > 2:
        chosen.write(sys.argv[2])
    print(json.dumps(chosen.variables))
