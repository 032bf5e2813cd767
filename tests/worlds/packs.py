"""Worlds in packs: several companies of one temper travel through one build, kept apart by a prefix of their ids.

    python tests/worlds/packs.py SEED FOLDER

writes the pack of a seed into FOLDER as `<table>.csv` and vars.json. A seed always gives the same pack.
"""

import sys
from dataclasses import dataclass, replace

from company import Company
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.internal.conjecture import providers
from records import TABLES
from strategies import tempers, worlds

WORLDS_IN_A_PACK = 15
ID_COLUMNS = {
    "deals": ("deal_id", "account_id", "owner_id", "pipeline_id", "stage_id", "merged_into_deal_id"),
    "stages": ("pipeline_id", "stage_id"),
    "deal_changes": ("deal_id",),
    "accounts": ("account_id",),
    "sales_reps": ("rep_id", "manager_id"),
    "rep_teams": ("rep_id",),
    "leads": ("lead_id", "owner_id", "converted_deal_id", "converted_account_id", "merged_into_lead_id"),
    "activities": ("activity_id", "owner_id", "lead_id", "deal_id"),
    "quotas": ("rep_id",),
    "sales_spend": (),
    "fx_rates": (),
}
LOGGED_IDS = ("stage_id", "owner_id", "pipeline_id")

# Hypothesis also draws the literals of whichever modules are loaded: a seed would depend on the tests that ran before
providers._get_local_constants = providers.Constants


@dataclass(frozen=True)
class Pack:
    """worlds: Companies of one temper."""

    seed: int
    worlds: tuple

    @property
    def company(self):
        """The Company that all worlds make together."""
        return together(self.worlds)


def together(worlds):
    """The Company that holds all of the worlds, which share their vars and columns; a single one keeps its ids."""
    if len(worlds) == 1:
        return worlds[0]
    parts = [prefixed(world, f"w{number}.") for number, world in enumerate(worlds)]
    tables = {
        table: None if parts[0].tables[table] is None else [row for part in parts for row in part.tables[table]]
        for table in TABLES
    }
    return Company(tables, parts[0].columns, parts[0].variables)


def drawn(strategy, seed):
    """List of values of a strategy, always the same ones for a seed."""
    values = []

    @seeded(seed)
    @settings(
        max_examples=2 * WORLDS_IN_A_PACK,  # Hypothesis repeats itself now and then
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value):
        values.append(value)

    collect()
    return values


def pack_of_seed(seed, number=WORLDS_IN_A_PACK, **changes):
    """The Pack of a seed: up to `number` worlds of a temper; where the seed ends in 9 a single one, under its own ids.

    changes: fields of the temper that are to be others than those drawn.
    """
    temper = replace(drawn(tempers(), seed)[-1], **changes)  # the first ones are dull
    found = []
    for world in drawn(worlds(temper), seed):
        if world.tables["deals"] and world not in found:
            found.append(world)
    return Pack(seed, tuple(found[-1:] if seed % 10 == 9 else found[:number]))


def prefixed(company, prefix):
    """The company with a prefix before each id and each foreign currency: one world's rates fill no other's gaps.

    Blank stays blank, and leading white space stays outside. Reporting currency and other words are left alone.
    """
    home = company.variables["reporting_currency"]

    def marked(text):
        bare = text.lstrip()
        return text[: len(text) - len(bare)] + prefix + bare if bare else text

    def marked_currency(text):
        return text if text.strip().upper() == home else marked(text)

    def marked_row(table, row):
        changed = {column: marked(row[column]) for column in ID_COLUMNS[table] if column in row}
        if "currency" in row:
            changed["currency"] = marked_currency(row["currency"])
        if table == "deal_changes":
            mark = {"currency": marked_currency, **dict.fromkeys(LOGGED_IDS, marked)}.get(row["field"].strip().lower())
            changed |= {column: mark(row[column]) for column in ("old_value", "new_value") if mark}
        return row | changed

    tables = {
        table: None if rows is None else [marked_row(table, row) for row in rows]
        for table, rows in company.tables.items()
    }
    return Company(tables, company.columns, company.variables)


if __name__ == "__main__":
    chosen = pack_of_seed(int(sys.argv[1]))
    print(f"{len(chosen.worlds)} worlds in {chosen.company.write(sys.argv[2])}; vars: {chosen.company.variables}")
