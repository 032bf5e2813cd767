"""Raw text in, typed records out: reading, deduplicating and excluding, one reason per excluded record.

Source of the rules: `docs/inputs.md` (tables, columns, types, duplicates) and the "Population"
paragraph of `docs/kpis.md`. Nothing here knows a KPI.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, getcontext
from zoneinfo import ZoneInfo

getcontext().prec = 60  # an amount times a rate keeps all its digits
CENT = Decimal("0.01")
RATE_STEP = Decimal("1e-12")
ONE_SECOND = timedelta(seconds=1)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
LOGGED_FIELDS = (
    "stage_id",
    "amount",
    "close_date",
    "owner_id",
    "currency",
    "probability",
    "forecast_category",
    "pipeline_id",
    "is_deleted",
)
BOOLEANS = {
    "true": True,
    "t": True,
    "yes": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "0": False,
}
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?)?"
)


class Unreadable(ValueError):
    """A text that cannot be read as the type its column has."""


@dataclass(frozen=True)
class Config:
    """The project's vars.

    as_of_date: the last known day (None: the default clock). lead_response_sla_hours: hours, may be a
    fraction. earliest_date: a record placed before it is invalid. run_started_at: an aware datetime that caps
    the default clock (None: the moment of the call, the only use of the wall clock). pipeline_snapshot_grain:
    only decides which missing rates are noticed.
    """

    as_of_date: date | None = None
    reporting_currency: str = "USD"
    reporting_timezone: str = "UTC"
    fiscal_year_start_month: int = 1
    lead_conversion_window_days: int = 90
    lead_response_sla_hours: Decimal = Decimal(1)
    cac_lag_months: int = 0
    earliest_date: date = date(2000, 1, 1)
    pipeline_snapshot_grain: str = "month"
    run_started_at: datetime | None = None

    @property
    def timezone(self):
        """The reporting time zone as a ZoneInfo; an unknown name raises ZoneInfoNotFoundError."""
        return ZoneInfo(self.reporting_timezone)


@dataclass
class Record:
    """One raw row: trimmed text and typed value per column; reason: why excluded (None: it is used)."""

    source: str
    table: str
    record_id: str
    text: dict
    value: dict
    unreadable: list
    reason: str | None = None

    def __getitem__(self, column):
        return self.value[column]


@dataclass
class Audit:
    """What became of every raw record.

    as_of: the date everything is computed for. excluded: dicts of source_system, table, record_id, reason.
    warnings: dicts of source_system, table, record_id, warning, column. counts: {(source_system, table):
    {"raw", "used", "excluded"}}.
    """

    as_of: date | None = None
    excluded: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    _seen: set = field(default_factory=set)

    def warn(self, record, warning, column):
        """List a warning once per record, kind and column."""
        mark = (record.source, record.table, record.record_id, warning, column)
        if mark not in self._seen:
            self._seen.add(mark)
            self.warnings.append(
                dict(zip(("source_system", "table", "record_id", "warning", "column"), mark, strict=True))
            )

    def close(self, records):
        """Fill `excluded` and `counts` from all raw records (each with its final reason)."""
        for record in records:
            count = self.counts.setdefault(
                (record.source, record.table), {"raw": 0, "used": 0, "excluded": 0}
            )
            count["raw"] += 1
            count["excluded" if record.reason else "used"] += 1
            if record.reason:
                self.excluded.append(
                    {
                        "source_system": record.source,
                        "table": record.table,
                        "record_id": record.record_id,
                        "reason": record.reason,
                    }
                )
            else:
                for column in record.unreadable:
                    self.warn(record, "unreadable_value", column)


# ------------------------------------------------------------ typing


def clean(text):
    """Trimmed text; None for a blank."""
    text = None if text is None else str(text).strip()
    return text or None


def read_number(text):
    """Decimal of a plain or exponent number; Unreadable otherwise (thousands separators, %, NaN)."""
    if not NUMBER.fullmatch(text):
        raise Unreadable(text)
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(text) from error


def round_to_cents(amount):
    """Decimal with two places, half a cent away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def read_money(text):
    """Decimal(18, 2) of a number text, rounded to cents; Unreadable when it does not fit."""
    number = read_number(text)
    if abs(number) >= Decimal(10) ** 16:
        raise Unreadable(text)
    return round_to_cents(number)


def read_probability(text):
    """Decimal of a number that could be one; Unreadable otherwise: such a one does not make a table one of percents."""
    number = read_number(text)
    if abs(number) >= Decimal(10) ** 12:
        raise Unreadable(text)
    return number


def read_rate(text):
    """Decimal(20, 12) above 0 of a number text; Unreadable otherwise: such a rate would turn money into nothing."""
    rate = read_number(text)
    if rate >= Decimal(10) ** 8 or rate.quantize(RATE_STEP, rounding=ROUND_HALF_UP) <= 0:
        raise Unreadable(text)
    return rate.quantize(RATE_STEP, rounding=ROUND_HALF_UP)


def read_whole_number(text):
    """Decimal of a whole number (`10` or `10.0`); Unreadable otherwise."""
    number = read_number(text)
    if abs(number) >= Decimal(10) ** 12 or number != number.to_integral_value():
        raise Unreadable(text)
    return number


def read_boolean(text):
    """True or False of true/false, t/f, yes/no, 1/0 in any case; Unreadable otherwise."""
    if text.lower() not in BOOLEANS:
        raise Unreadable(text)
    return BOOLEANS[text.lower()]


def midnight(day, zone):
    """First instant (aware UTC datetime) of `day` in the time zone `zone`."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:  # the first or the last day that Python knows
        return datetime(day.year, day.month, day.day, tzinfo=UTC)


def local_date(moment, zone):
    """The date of an aware datetime in the time zone `zone`."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:  # the first or the last day that Python knows
        return moment.date()


def read_instant(text, zone):
    """Aware UTC datetime of ISO 8601: UTC unless it has an offset; a bare date is midnight in `zone`."""
    match = INSTANT.fullmatch(text)
    if not match:
        raise Unreadable(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        if hour is None:
            return midnight(date(int(year), int(month), int(day)), zone)
        micros = int((fraction or "0")[:6].ljust(6, "0"))
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micros, UTC
        )
        return moment - read_offset(offset)
    except (ValueError, OverflowError) as error:
        raise Unreadable(text) from error


def read_offset(text):
    """timedelta of `Z`, `+02`, `+0230`, `-02:30` or None."""
    if text is None or text in "Zz":
        return timedelta(0)
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if text[0] == "-" else size


def read_date(text, zone):
    """date of an ISO text; a text that carries a time is that instant's date in `zone`."""
    if len(text) == len("2026-03-31"):  # no instant: its midnight may lie before the first year
        read_instant(text, UTC)
        return date.fromisoformat(text)
    return local_date(read_instant(text, zone), zone)


def one_of(*allowed):
    """Reader of an enumeration, in any letter case; Unreadable for any other word."""

    def read(text, _zone):
        if text.lower() not in allowed:
            raise Unreadable(text)
        return text.lower()

    return read


def month_of(text, zone):
    """First day of the month of a date text."""
    return read_date(text, zone).replace(day=1)


READERS = {
    "text": lambda text, zone: text,
    "word": lambda text, zone: text.lower(),
    "currency": lambda text, zone: text.upper(),
    "probability": lambda text, zone: read_probability(text),
    "money": lambda text, zone: read_money(text),
    "rate": lambda text, zone: read_rate(text),
    "whole": lambda text, zone: read_whole_number(text),
    "boolean": lambda text, zone: read_boolean(text),
    "instant": read_instant,
    "date": read_date,
    "month": month_of,
    "outcome": one_of("open", "won", "lost"),
    "category": one_of("sales", "marketing"),
    "direction": one_of("outbound", "inbound"),
}
FIELD_TYPES = {
    "stage_id": "text",
    "amount": "money",
    "close_date": "date",
    "owner_id": "text",
    "currency": "currency",
    "probability": "probability",
    "forecast_category": "word",
    "pipeline_id": "text",
    "is_deleted": "boolean",
}


# ------------------------------------------------------------ tables


@dataclass(frozen=True)
class TableSpec:
    """One canonical table.

    columns: in the contract's order. required: columns that must exist. filled: those of them that may not be
    blank. readable: those of them that must be readable, too. placing: the column that puts a record in time. key: what makes two rows the same record (() =
    all). types: reader per column that is not plain text.
    """

    columns: tuple
    required: tuple
    filled: tuple
    readable: tuple
    key: tuple
    placing: str | None = None
    types: dict = field(default_factory=dict)


def _spec(columns, required, key, placing=None, may_be_null=(), may_be_unreadable=(), **types):
    required = tuple(required.split())
    filled = tuple(name for name in required if name not in may_be_null)
    return TableSpec(
        tuple(columns.split()),
        required,
        filled,
        tuple(name for name in filled if name not in may_be_unreadable),
        tuple(key.split()),
        placing,
        types,
    )


TABLES = {
    "stages": _spec(
        "pipeline_id pipeline_name stage_id stage_name stage_order probability outcome",
        "stage_id stage_name stage_order outcome",
        "pipeline_id stage_id",
        stage_order="whole",
        probability="probability",
        outcome="outcome",
    ),
    "deals": _spec(
        "deal_id name account_id owner_id pipeline_id stage_id amount currency probability deal_type"
        " lead_source forecast_category created_at close_date is_deleted merged_into_deal_id updated_at",
        "deal_id stage_id amount created_at close_date",
        "deal_id",
        "created_at",
        may_be_null=(
            "amount",
            "close_date",
            "stage_id",
        ),  # stage_id: judged as of the as-of date, in facts.py
        amount="money",
        currency="currency",
        probability="probability",
        forecast_category="word",
        created_at="instant",
        close_date="date",
        is_deleted="boolean",
        updated_at="instant",
    ),
    "deal_changes": _spec(
        "change_id deal_id field old_value new_value changed_at",
        "deal_id field new_value changed_at",
        "",
        "changed_at",
        may_be_null=("new_value",),
        field="word",
        changed_at="instant",
    ),
    "accounts": _spec(
        "account_id name segment industry region created_at updated_at",
        "account_id",
        "account_id",
        "created_at",
        created_at="instant",
        updated_at="instant",
    ),
    "sales_reps": _spec(
        "rep_id name email team manager_id hired_date is_active updated_at",
        "rep_id",
        "rep_id",
        hired_date="date",
        is_active="boolean",
        updated_at="instant",
    ),
    "rep_teams": _spec(
        "rep_id team valid_from",
        "rep_id team valid_from",
        "rep_id valid_from",
        "valid_from",
        valid_from="date",
    ),
    "leads": _spec(
        "lead_id created_at owner_id source segment region status qualified_at converted_at converted_deal_id"
        " converted_account_id is_deleted merged_into_lead_id updated_at",
        "lead_id created_at",
        "lead_id",
        "created_at",
        created_at="instant",
        qualified_at="instant",
        converted_at="instant",
        is_deleted="boolean",
        updated_at="instant",
    ),
    "activities": _spec(
        "activity_id type direction occurred_at is_completed is_automated owner_id lead_id deal_id",
        "activity_id type occurred_at",
        "activity_id",
        "occurred_at",
        type="word",
        direction="direction",
        occurred_at="instant",
        is_completed="boolean",
        is_automated="boolean",
    ),
    "quotas": _spec(
        "rep_id quota_month amount currency source_system",
        "rep_id quota_month amount",
        "rep_id quota_month",
        "quota_month",
        may_be_unreadable=("amount",),
        quota_month="month",
        amount="money",
        currency="currency",
        source_system="word",
    ),
    "sales_spend": _spec(
        "spend_month category lead_source amount currency spend_id source_system",
        "spend_month category amount",
        "",
        "spend_month",
        may_be_unreadable=("amount",),
        spend_month="month",
        category="category",
        amount="money",
        currency="currency",
        source_system="word",
    ),
    "fx_rates": _spec(
        "currency rate_date rate to_currency",
        "currency rate_date rate",
        "currency to_currency rate_date",
        "rate_date",
        currency="currency",
        rate_date="date",
        rate="rate",
        to_currency="currency",
    ),
}


def read_table(source, table, rows, config):
    """List of Record, those with a missing or unreadable needed value already excluded.

    rows: list of {column: text or None}. A row without a required column raises ValueError. Optional values
    that cannot be read become None and are listed in Record.unreadable.
    """
    spec = TABLES[table]
    for column in spec.required:
        if rows and column not in rows[0]:
            raise ValueError(
                f"{table}: column {column} is missing; add it to the export (it may not be left out)"
            )
    return [_read_record(source, table, spec, row, config) for row in rows]


def _read_record(source, table, spec, row, config):
    text = {column: clean(row.get(column)) for column in (*spec.columns, "loaded_at")}
    value, unreadable, invalid = {}, [], False
    for column, raw in text.items():
        reader = READERS[spec.types.get(column, "instant" if column == "loaded_at" else "text")]
        try:
            value[column] = None if raw is None else reader(raw, config.timezone)
        except Unreadable:
            value[column] = None
            if column in spec.readable:
                invalid = True
            else:
                unreadable.append(column)
    if "source_system" in spec.columns:
        source = value["source_system"] or source
    if table == "fx_rates":
        value["to_currency"] = value["to_currency"] or config.reporting_currency.upper()
    record = Record(source, table, _name_of(table, text, value), text, value, unreadable)
    if any(text[column] is None for column in spec.filled):
        record.reason = "missing_value"
    elif invalid or (spec.placing in spec.filled and placing_date(record, config) < config.earliest_date):
        record.reason = "invalid_value"
    return record


def _name_of(table, text, value):
    """What the audit calls a record; None where a part of the name is missing."""
    if table == "stages":
        return f"{value['pipeline_id'] or ''}|{value['stage_id'] or ''}"
    if table == "deal_changes":
        return value["change_id"] or value["deal_id"]
    if table == "sales_spend" and value["spend_id"]:
        return value["spend_id"]
    columns = {
        "quotas": ("rep_id", "quota_month"),
        "sales_spend": ("spend_month", "category"),
        "fx_rates": ("currency", "rate_date"),
    }.get(table, TABLES[table].columns[:1])
    parts = [text["category"].lower() if c == "category" and text[c] else value[c] for c in columns]
    return None if None in parts else "|".join(str(part) for part in parts)


def placing_date(record, config):
    """The date, in the reporting time zone, that puts the record in time (None for an undated record)."""
    column = TABLES[record.table].placing
    moment = record.value.get(column) if column else None
    return local_date(moment, config.timezone) if isinstance(moment, datetime) else moment


def exclude_duplicates(records):
    """Mark all but one row of each record as `duplicate`: kept are latest updated_at, loaded_at, text, readable loaded_at.

    Rows that are already excluded take no part.
    """
    same = {}
    for record in records:
        if record.reason is None:
            same.setdefault(_duplicate_key(record), []).append(record)
    for rows in same.values():
        for loser in sorted(rows, key=_preference)[:-1]:
            loser.reason = "duplicate"


def _duplicate_key(record):
    spec = TABLES[record.table]
    if record.table == "fx_rates":
        return tuple(record.value[column] for column in spec.key)
    if spec.key:
        return (record.source, *(record.value[column] for column in spec.key))
    return (record.source, *(record.text[column] for column in spec.columns if column != "source_system"))


def _preference(record):
    return (
        record.table == "deals" and record.text["stage_id"] is not None,
        *(
            (record.value.get(column) is not None, record.value.get(column) or LONG_AGO)
            for column in ("updated_at", "loaded_at")
        ),
        "\x1f".join(
            [record.source]
            + [record.text[name] or "" for name in TABLES[record.table].columns if name != "source_system"]
        ),
        "loaded_at" not in record.unreadable,
        record.text["loaded_at"] or "",
    )


def exclude(records, reason, applies):
    """Give `reason` to every record that has none yet and for which `applies(record)` is true."""
    for record in records:
        if record.reason is None and applies(record):
            record.reason = reason
