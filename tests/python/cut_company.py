"""Cuts a company's export at a date: what its files would have held had they been written at the end of that day."""

import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

from history import collapse_instant
from records import LOGGED_FIELDS, Config, Unreadable, clean, midnight, read_date, read_instant

PLACED_BY = {
    "deals": "created_at",
    "deal_changes": "changed_at",
    "leads": "created_at",
    "activities": "occurred_at",
    "accounts": "created_at",
    "rep_teams": "valid_from",
    "fx_rates": "rate_date",
}


def cut_company(tables: dict[str, list[dict]], as_of_date: date, timezone: str = "UTC") -> dict[str, list[dict]]:
    """The raw records of each table as of the end of a day in a time zone.

    tables maps a table's name to its records, each a dict of raw text (None or blank: empty). Records dated later are
    gone; a deal's logged fields are undone to what they were before their first later change; later qualifications
    and conversions of leads are emptied. What has no date and no log keeps its latest value. Records whose date
    cannot be read stay, for the warehouse to list them.
    """
    zone = Config(as_of_date=as_of_date, reporting_timezone=timezone).timezone
    end = midnight(as_of_date + timedelta(days=1), zone)

    def instant(text):
        try:
            return read_instant(clean(text), zone) if clean(text) else None
        except Unreadable:
            return None

    def is_later(text):
        moment = instant(text)
        return moment is not None and moment >= end

    def is_kept(table, row):
        if table == "sales_spend" and instant(row["spend_month"]):  # any of its days stands for a month
            return read_date(clean(row["spend_month"]), zone).replace(day=1) <= as_of_date
        return not is_later(row.get(PLACED_BY.get(table, "")))

    cut = {table: [dict(row) for row in rows if is_kept(table, row)] for table, rows in tables.items()}

    later_changes = {}
    for row in tables.get("deal_changes") or []:
        if is_later(row["changed_at"]):
            key = clean(row["deal_id"]), (clean(row["field"]) or "").lower()
            moment = later_changes.setdefault(key, {}).setdefault(instant(row["changed_at"]), set())
            moment.add((clean(row.get("change_id")), clean(row.get("old_value")), clean(row["new_value"])))
    for row in cut["deals"]:
        for field in LOGGED_FIELDS:
            moments = later_changes.get((clean(row["deal_id"]), field))
            if moments:
                row[field] = collapse_instant(sorted(moments[min(moments)], key=str))[0]

    for row in cut.get("leads") or []:
        if is_later(row.get("qualified_at")):
            row["qualified_at"] = None
        if is_later(row.get("converted_at")):
            row["converted_at"] = row["converted_deal_id"] = row["converted_account_id"] = None
    return cut
