"""Generate the demo company: an invented B2B software vendor in the canonical `crm_export` tables.

    python scripts/generate_company.py --seeds seeds
        writes the committed demo company (600 deals) as seeds/demo_<table>.csv

    python scripts/generate_company.py --deals 1000000 --out big --format parquet
        writes the same kind of company at any size as big/<table>.parquet (or .csv)

The company: history from 2023-01-01 to 2025-12-19 (the newest event), so 2025 Q3 is the last complete
quarter. Three pipelines, whose stage ids are partly their own and partly shared (`proposal` exists three
times; `signed` is won in one pipeline and open in another), one stage without a pipeline (`on_hold`), four
teams reorganised on 2024-07-01, four currencies. Probabilities are 0..1 on stages and 0..100 on deals and in
the log. Timestamps are UTC: with a Z on deals and in the log, without a zone on leads, with a blank instead
of the T on activities. `loaded_at` is 03:00 on the morning after a record last changed.

Everything is drawn from `--seed`; there is no clock, no hash order and no function of the C maths library
(only + - * / and comparisons on floats), so the same seed gives the same rows on every machine. Deals are
made in chunks of CHUNK_DEALS, each with its own accounts, leads, log, activities, dirt and random
stream; chunks are independent, so any number of worker processes writes the same company.

Ordinary, but worth knowing: stages skipped, gone back to and re-entered; won deals reopened and lost, lost
ones reopened and won; pipeline changes with a stage change at the same instant (or with the same stage id
in both); owner changes before, at and after the close; deals deleted and restored; deals without a pipeline
(their stage id exists in one pipeline only); log rows that set the value at creation; two leads on one deal;
leads converted without a deal; leads that name a deal without a conversion date; planned activities after
the newest event; a rep who left, one without a quota, one without a team, a team change in mid-quarter.

Deliberate dirt, as many per chunk (and so in the demo) as DIRT says:

    deals        exact duplicates; an older version of the same id (updated_at; equal updated_at and other
                 loaded_at; equal both); deleted without a log row; merged; no amount; an amount, a creation,
                 a close date or a boolean that cannot be read; no id, no creation, no stage; a stage that
                 does not exist; an ambiguous stage without a pipeline; a currency without any rate; closed
                 before created; closed after the newest event; a creation before 2000; a creation in 2999;
                 an owner or account that does not exist; probabilities outside 0..100; a negative
                 amount; close dates that carry a time; creations with an offset; names with commas, quotes,
                 a line break; blank text; mixed-case forecast categories
    deal_changes exact duplicates; deals whose closing is missing (the stage row alone; all rows of that
                 instant; every stage row); deals whose row disagrees; rows about another field; rows of a
                 deal that does not exist; several changes of one field at one instant with change_id (one
                 pair numbered 9 and 10), without (a chain), and without a chain; a visit to a stage that was
                 removed; an unreadable time and an unreadable amount; mixed-case fields; a row in 2999
    leads        exact duplicates; older versions; deleted; merged; no creation; a creation before 2000 and
                 one in 2999; an unreadable qualification; a deal that does not exist; offsets; blank text
    activities   exact duplicates; no instant; an unreadable boolean; before 2000; in 2999 and completed; a
                 lead or a deal that does not exist; mixed case; offsets; types outside the contract
    accounts     exact duplicate; older version; unicode, commas, quotes and a line break in names; blank text
    the rest     exact duplicates and a contradicting rate and quota; a rate into another currency; an
                 unreadable rate and quota; a rate and a spend line in the future; quotas and a team history
                 of a rep who does not exist; an older version of a rep; mixed-case outcomes and categories
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import shutil
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

COLUMNS: dict[str, list[str]] = {
    "deals": [
        "deal_id", "name", "account_id", "owner_id", "pipeline_id", "stage_id", "amount", "currency",
        "probability", "deal_type", "lead_source", "forecast_category", "created_at", "close_date",
        "is_deleted", "merged_into_deal_id", "updated_at",
    ],
    "stages": [
        "pipeline_id", "pipeline_name", "stage_id", "stage_name", "stage_order", "probability", "outcome",
    ],
    "deal_changes": ["change_id", "deal_id", "field", "old_value", "new_value", "changed_at"],
    "accounts": ["account_id", "name", "segment", "industry", "region", "created_at", "updated_at"],
    "sales_reps": [
        "rep_id", "name", "email", "team", "manager_id", "hired_date", "is_active", "updated_at",
    ],
    "rep_teams": ["rep_id", "team", "valid_from"],
    "leads": [
        "lead_id", "created_at", "owner_id", "source", "segment", "region", "status", "qualified_at",
        "converted_at", "converted_deal_id", "converted_account_id", "is_deleted", "merged_into_lead_id",
        "updated_at",
    ],
    "activities": [
        "activity_id", "type", "direction", "occurred_at", "is_completed", "is_automated", "owner_id",
        "lead_id", "deal_id",
    ],
    "quotas": ["rep_id", "quota_month", "amount", "currency", "source_system"],
    "sales_spend": [
        "spend_month", "category", "lead_source", "amount", "currency", "spend_id", "source_system",
    ],
    "fx_rates": ["currency", "rate_date", "rate", "to_currency"],
}  # fmt: skip
for _columns in COLUMNS.values():
    _columns.append("loaded_at")

DEMO_DEALS = 600
MINIMUM_DEALS = 600
CHUNK_DEALS = 10_000
LEADS_PER_DEAL = 3.35
DEFAULT_SEED = 20230101

# How many records of each kind of dirt a chunk gets. The kinds of the small tables are planted once.
DIRT: dict[str, int] = {
    "deal_exact_duplicate": 3,
    "deal_older_version": 4,
    "deal_same_updated_at": 1,
    "deal_same_updated_and_loaded_at": 1,
    "deal_deleted_without_log": 4,
    "deal_merged": 3,
    "deal_without_amount": 5,
    "deal_unreadable_amount": 3,
    "deal_unreadable_created_at": 1,
    "deal_unreadable_close_date": 2,
    "deal_unreadable_boolean": 1,
    "deal_without_id": 1,
    "deal_without_created_at": 1,
    "deal_without_stage": 1,
    "deal_unknown_stage": 3,
    "deal_ambiguous_stage": 1,
    "deal_currency_without_rate": 3,
    "deal_closed_before_created": 3,
    "deal_closed_in_future": 3,
    "deal_before_2000": 1,
    "deal_in_2999": 1,
    "deal_unknown_owner": 3,
    "deal_unknown_account": 2,
    "deal_probability_out_of_range": 2,
    "deal_negative_amount": 1,
    "deal_close_date_with_time": 5,
    "deal_created_with_offset": 4,
    "deal_awkward_name": 4,
    "deal_blank_text": 3,
    "deal_mixed_case": 4,
    "log_exact_duplicate": 4,
    "log_without_closing_stage": 3,
    "log_without_closing_instant": 2,
    "log_without_any_stage": 3,
    "log_row_disagrees": 4,
    "log_other_field": 8,
    "log_orphan": 2,
    "log_same_instant_numbered": 1,
    "log_same_instant_chain": 3,
    "log_same_instant_no_chain": 1,
    "log_removed_stage": 3,
    "log_unreadable_time": 1,
    "log_unreadable_amount": 1,
    "log_mixed_case": 3,
    "log_in_2999": 1,
    "lead_exact_duplicate": 2,
    "lead_older_version": 3,
    "lead_deleted": 6,
    "lead_merged": 4,
    "lead_without_created_at": 1,
    "lead_before_2000": 1,
    "lead_in_2999": 1,
    "lead_unreadable_qualified_at": 1,
    "lead_unknown_deal": 1,
    "lead_deal_without_conversion": 6,
    "lead_created_with_offset": 3,
    "lead_blank_text": 4,
    "activity_exact_duplicate": 3,
    "activity_without_instant": 1,
    "activity_unreadable_boolean": 1,
    "activity_before_2000": 1,
    "activity_in_2999": 1,
    "activity_unknown_lead": 2,
    "activity_unknown_deal": 2,
    "activity_mixed_case": 9,
    "activity_with_offset": 4,
    "activity_unknown_type": 3,
    "account_exact_duplicate": 1,
    "account_older_version": 2,
    "account_awkward_name": 4,
    "account_blank_text": 4,
}

# ---------------------------------------------------------------------------------------------------------
# Time: seconds (t) and days (d) since 2023-01-01T00:00:00Z
# ---------------------------------------------------------------------------------------------------------

FIRST_DATE = date(2023, 1, 1)
LAST_DATE = date(2025, 12, 19)
LAST_DAY = (LAST_DATE - FIRST_DATE).days
DAY = 86_400
END = LAST_DAY * DAY + 17 * 3600 + 1800  # no event after 17:30 UTC of the last day
DATES = [(FIRST_DATE + timedelta(days=d)).isoformat() for d in range(LAST_DAY + 1200)]
CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY)]
LOADED = [f"{text}T03:00:00Z" for text in DATES]
MONTHS = [date(2023 + m // 12, m % 12 + 1, 1) for m in range(36)]
SEASON = [0.85, 0.95, 1.15, 0.9, 1.0, 1.15, 0.8, 0.75, 1.1, 1.05, 1.15, 0.85]
OPENING_HOUR = {"North America": 14, "EMEA": 7, "APAC": 0, "LATAM": 13, "": 9}  # in UTC
REORGANISATION = "2024-07-01"


def utc(t: int) -> str:
    """`2024-03-05T14:22:10Z` for t seconds after the first instant (0 <= t)."""
    return f"{DATES[t // DAY]}T{CLOCK[t % DAY]}Z"


def utc_without_zone(t: int) -> str:
    """`2024-03-05T14:22:10`."""
    return f"{DATES[t // DAY]}T{CLOCK[t % DAY]}"


def utc_with_blank(t: int) -> str:
    """`2024-03-05 14:22:10`."""
    return f"{DATES[t // DAY]} {CLOCK[t % DAY]}"


def loaded_after(t: int) -> str:
    """03:00 UTC of the morning after t."""
    return LOADED[t // DAY + 1]


def with_offset(text: str, hours: int) -> str:
    """The instant of a UTC text such as `2024-03-05T14:22:10Z`, written with an offset of whole hours."""
    local = datetime.fromisoformat(text[:19]) + timedelta(hours=hours)
    return f"{local.isoformat()}{'+' if hours >= 0 else '-'}{abs(hours):02d}:00"


def running_sum(weights: list[float]) -> list[float]:
    """Cumulative weights, as `random.choices` takes them; same length as the input."""
    total, sums = 0.0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return sums


def day_weights() -> list[float]:
    """Cumulative chance of each day from the first to the last: growth, season, few weekends."""
    weights = []
    for d in range(LAST_DAY + 1):
        day = FIRST_DATE + timedelta(days=d)
        growth = 1.0 + 1.6 * d / LAST_DAY
        weights.append(growth * SEASON[day.month - 1] * (0.1 if day.weekday() >= 5 else 1.0))
    return running_sum(weights)


DAY_WEIGHTS = day_weights()


def working_instant(rnd: Callable[[], float], day: int, region: str) -> int:
    """An instant in the working hours of a region, on that day or, at a weekend, on the Monday after."""
    weekday = (day + 6) % 7  # 2023-01-01 was a Sunday
    if weekday >= 5 and rnd() < 0.92:
        day += 7 - weekday
    return day * DAY + OPENING_HOUR[region] * 3600 + int(rnd() * 35_400)


# ---------------------------------------------------------------------------------------------------------
# The company's fixed facts
# ---------------------------------------------------------------------------------------------------------

# pipeline_id: (name, open stages in order with probability, won stage, lost stages); (id, name, probability)
PIPELINES = {
    "new_business": (
        "New Business",
        [
            ("qualification", "Qualification", "0.05"),
            ("discovery", "Discovery", "0.15"),
            ("solution_fit", "Solution fit", "0.3"),
            ("proposal", "Proposal", "0.5"),
            ("negotiation", "Negotiation", "0.75"),
        ],
        ("closed_won", "Closed won"),
        [("closed_lost", "Closed lost"), ("disqualified", "Disqualified")],
    ),
    "renewal": (
        "Renewal & Expansion",
        [
            ("review", "Account review", "0.3"),
            ("proposal", "Proposal", "0.55"),
            ("negotiation", "Negotiation", "0.75"),
            ("paperwork", "Paperwork", "0.9"),
        ],
        ("signed", "Signed"),
        [("closed_lost", "Churned")],
    ),
    "partner": (
        "Partner",
        [
            ("registered", "Deal registered", "0.1"),
            ("joint_scoping", "Joint scoping", "0.2"),
            ("proposal", "Partner proposal", "0.4"),
            ("end_customer_approval", "End-customer approval", "0.6"),
            ("signed", "Signed by partner", "0.85"),
        ],
        ("partner_won", "Live"),
        [("closed_lost", "Closed lost")],
    ),
}
OPEN_STAGES = {pipeline: [stage[0] for stage in value[1]] for pipeline, value in PIPELINES.items()}
WON_STAGE = {pipeline: value[2][0] for pipeline, value in PIPELINES.items()}
CLOSED_STAGES = {
    (pipeline, stage): outcome
    for pipeline, value in PIPELINES.items()
    for stage, outcome in [(value[2][0], "won")] + [(lost[0], "lost") for lost in value[3]]
}
UNIQUE_OPEN_STAGES = {"qualification", "discovery", "solution_fit", "registered", "joint_scoping"}
REMOVED_STAGE = "legacy_poc"

INDUSTRIES = [
    "Manufacturing", "Logistics", "Financial services", "Retail", "Healthcare", "Energy", "Education",
    "Software",
]  # fmt: skip
LEAD_SOURCES = [
    "Website", "Paid search", "Events", "Referral", "Outbound", "Content", "Webinar", "Partner",
]  # fmt: skip
LEAD_SOURCE_WEIGHTS = running_sum([24, 18, 12, 8, 16, 10, 8, 4])
WIN_FACTOR = {"Referral": 1.45, "Partner": 1.15, "Events": 1.1, "Website": 1.0, "Outbound": 0.8}
PRODUCTS = [
    "Planning suite", "Route optimiser", "Forecast module", "Data hub", "Field app", "Premium support",
    "Integration pack", "Workforce planner",
]  # fmt: skip

# focus: which deals a rep gets. (name, team until the reorganisation, team now, focus, currency, skill,
# hired, left)
HEAD, LEAVER, NEWCOMER = "R01", "R10", "R16"
REPS = [
    ("Marguerite Oyelaran", "", "", "", "USD", 1.0, "2018-04-02", ""),
    ("Tobias Lindqvist-Farrow", "Enterprise", "Enterprise", "Enterprise", "USD", 1.05, "2018-09-03", ""),
    ("Renée Abascal", "Mid-Market", "Mid-Market", "Mid-Market", "USD", 1.0, "2019-02-11", ""),
    ("Dermot Achterberg", "Small Business", "Small Business", "SMB", "GBP", 1.0, "2019-06-17", ""),
    ("Ilse Rautavaara", "Partners", "Partners", "Partner", "EUR", 1.0, "2020-01-13", ""),
    ("Caspian Odumegwu", "Enterprise", "Mid-Market", "Mid-Market", "USD", 1.2, "2020-03-02", ""),
    ("Priyanka Solberg", "Enterprise", "Enterprise", "Enterprise", "EUR", 1.35, "2020-08-24", ""),
    ("Joaquín Threlfall", "Mid-Market", "Enterprise", "Enterprise", "USD", 0.9, "2021-01-18", ""),
    ("Nadège Whitcombe", "Mid-Market", "Mid-Market", "Mid-Market", "GBP", 0.75, "2021-05-10", ""),
    ("Barnaby Szczęsny", "Mid-Market", "Mid-Market", "Mid-Market", "EUR", 0.7, "2021-09-06", "2024-10-31"),
    ("Aoife Castellanos", "Small Business", "Mid-Market", "Mid-Market", "USD", 1.15, "2022-02-14", ""),
    ("Emeka Vandersloot", "Small Business", "Small Business", "SMB", "EUR", 0.95, "2022-04-04", ""),
    ("Lucinda Marchetti-Rowe", "Partners", "Small Business", "SMB", "CAD", 1.25, "2022-07-25", ""),
    ("Kenji O'Brannigan", "Partners", "Partners", "Partner", "USD", 1.1, "2022-11-14", ""),
    ("Solveig Nakamura", "Small Business", "Small Business", "SMB", "USD", 0.85, "2024-02-19", ""),
    ("Hamish Delacroix", "", "Partners", "Partner", "GBP", 0.9, "2025-03-10", ""),
]  # fmt: skip
MANAGERS = {"Enterprise": "R02", "Mid-Market": "R03", "Small Business": "R04", "Partners": "R05"}
TEAM_FOCUS = {
    "Enterprise": "Enterprise", "Mid-Market": "Mid-Market", "Small Business": "SMB", "Partners": "Partner",
}  # fmt: skip
FIRST_NAMES = [
    "Anneliese", "Babak", "Chidera", "Dorota", "Elowen", "Farrukh", "Gwendal", "Hester", "Iñigo",
    "Jolanta", "Kwabena", "Leocadia", "Mirko", "Nolwenn", "Osric", "Petronella", "Quillon", "Rosalba",
    "Sixten", "Tamsin",
]  # fmt: skip
LAST_NAMES = [
    "Adeyinka", "Brockhurst", "Cavendale", "Drăgulescu", "Eastmoor", "Fitzwarren", "Grønvold",
    "Harrowgate", "Ibarrondo", "Jankauskas", "Kettlewell", "Lamoureux", "Mbeki-Stroud", "Nørregaard",
    "Ottoline", "Pemberwick", "Quintreau", "Rasmundsen", "Sørbye", "Tregarthen",
]  # fmt: skip
ACCOUNT_FIRST = [
    "Alderbrook", "Bramblegate", "Cinderford", "Dovetail", "Eastwick", "Fjordlys", "Gullhaven",
    "Hollowmere", "Ironbark", "Juniper Vale", "Kestrel Point", "Larkfield", "Møllebæk", "Northmoor",
    "Oakhurst", "Peregrine", "Quarrystone", "Rookwood", "Silverbirch", "Thornbury", "Umberline",
    "Verdance", "Wexcombe", "Yarrowdale", "Zephyrine", "Ashgrove", "Bluepoint", "Coppermill",
    "Drumlanrig", "Étoile du Nord", "Foxglove", "Granità", "Heliotrope", "Inverbrae", "Jasperline",
    "Königsforst", "Lindenau", "Marrowfield", "Nettlecombe", "Ørnefjell",
]  # fmt: skip
ACCOUNT_LAST = [
    "Logistics", "Foods", "Optics", "Textiles", "Instruments", "Freight", "Health", "Energy", "Mutual",
    "Schools Trust", "Retail Group", "Components", "Marine", "Analytics", "Paper", "Tooling",
    "Insurance", "Dairies", "Robotics", "Pharma",
]  # fmt: skip
AWKWARD_NAMES = [
    "Pembury, Holt & Sons",
    'The "Blue Door" Bakery',
    "Łódź Zakłady 東京 Büro",
    "Harcastle Holdings\nNorthern Division",
]


class Rep:
    """A sales rep as the generator needs it: id, focus, currency, skill, first and last day of service."""

    def __init__(self, number: int, facts: tuple) -> None:
        self.rep_id = f"R{number:02d}"
        (
            self.name,
            self.old_team,
            self.team,
            self.focus,
            self.currency,
            self.skill,
            self.hired,
            self.left,
        ) = facts
        self.start = (date.fromisoformat(self.hired) - FIRST_DATE).days
        self.end = (date.fromisoformat(self.left) - FIRST_DATE).days if self.left else 1_000_000


class Staff:
    """All reps of a company of a given size, and who takes which deal.

    The sixteen of REPS, then one more for every 500 deals beyond the demo, in teams of twelve.
    """

    def __init__(self, deals: int, seed: int) -> None:
        rng = random.Random(f"{seed}:staff")
        self.reps = [Rep(number, facts) for number, facts in enumerate(REPS, start=1)]
        bases = list(MANAGERS)
        for number in range(len(REPS) + 1, len(REPS) + 1 + max(0, deals - DEMO_DEALS) // 500):
            base = bases[number % 4]
            group = f"{base} {number // 48 + 2}"
            old_group = f"{bases[(number + 1) % 4]} {number // 48 + 2}" if rng.random() < 0.25 else group
            name = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
            hired = (date(2018, 1, 1) + timedelta(days=int(rng.random() * 2600))).isoformat()
            currency = rng.choice(["USD", "USD", "USD", "EUR", "EUR", "GBP", "CAD"])
            skill = 0.6 + 0.8 * rng.random()
            focus = TEAM_FOCUS[base]
            self.reps.append(Rep(number, (name, old_group, group, focus, currency, skill, hired, "")))
        self.by_id = {rep.rep_id: rep for rep in self.reps}
        self.by_focus = {
            focus: [rep for rep in self.reps if rep.focus == focus] for focus in TEAM_FOCUS.values()
        }
        self.sellers = [rep for rep in self.reps if rep.focus]

    def pick(self, rnd: Callable[[], float], focus: str, day: int) -> Rep:
        """A rep of that focus (any, if blank) who is in service on that day."""
        pool = self.by_focus.get(focus) or self.sellers
        while True:
            rep = pool[int(rnd() * len(pool))]
            if rep.start <= day < rep.end:
                return rep


# ---------------------------------------------------------------------------------------------------------
# One deal
# ---------------------------------------------------------------------------------------------------------

CYCLE_DAYS = {"SMB": (24, 75), "Mid-Market": (45, 130), "Enterprise": (75, 210)}
BASE_AMOUNT = {"SMB": 4_000, "Mid-Market": 16_000, "Enterprise": 60_000}
WIN_RATE = {"new_business": 0.235, "renewal": 0.47, "partner": 0.27}


def money(value: float) -> str:
    """An amount as text: whole tens, and a few with cents (where the tens end in 7)."""
    tens = int(value / 10 + 0.5)
    return f"{tens}5.50" if tens % 29 == 7 else f"{tens}0"


def plan_path(rnd: Callable[[], float], pipeline: str, won: bool, created_day: int) -> list[tuple[str, str]]:
    """The (pipeline_id, stage_id) pairs a deal passes, from its first stage to its closed one.

    Stages may be skipped, gone back to and re-entered; a few deals change pipeline on the way, rest in the
    stage without a pipeline, or pass one that was removed later. Shape: at least two pairs.
    """
    stages = OPEN_STAGES[pipeline]
    last = len(stages) - 1
    position = 1 if rnd() < 0.13 else 0
    depth = last if won else min(last, int(rnd() * (last + 1.6)))
    path = [(pipeline, stages[position])]
    switch = pipeline == "new_business" and rnd() < 0.03
    while position < depth:
        position += 1
        chance = rnd()
        if chance < 0.12 and position < depth:
            continue
        if switch and position >= 2:
            switch, pipeline = False, "partner"
            stages = OPEN_STAGES[pipeline]
            if chance > 0.6:
                position = 2  # `proposal` exists in both: sometimes only the pipeline changes
                if path[-1][1] != "proposal":
                    path.append(("new_business", "proposal"))
        path.append((pipeline, stages[position]))
        if chance > 0.94:
            path += [(pipeline, stages[position - 1]), (pipeline, stages[position])]
        elif chance > 0.93:
            path += [(pipeline, "on_hold"), (pipeline, stages[position])]
        elif chance > 0.922 and created_day < 500:
            path.insert(-1, (pipeline, REMOVED_STAGE))
    if won:
        path.append((pipeline, WON_STAGE[pipeline]))
    elif pipeline == "new_business" and depth <= 1 and rnd() < 0.6:
        path.append((pipeline, "disqualified"))
    else:
        path.append((pipeline, "closed_lost"))
    return path


def forecast_category(rnd: Callable[[], float], pair: tuple[str, str], won: bool) -> str:
    """The category a rep gives an open deal on entering a stage; renewals are not categorised."""
    pipeline, stage = pair
    if stage not in OPEN_STAGES[pipeline]:
        return "pipeline"
    position = OPEN_STAGES[pipeline].index(stage)
    if position <= 1:
        return "pipeline"
    if position <= 2:
        return "best_case" if rnd() < 0.6 else "pipeline"
    return "commit" if rnd() < (0.75 if won else 0.35) else "best_case"


class Deal:
    """The life of one deal: its current state and its log.

    state: the nine logged fields as text. log: (t, deal_id, field, old, new) in the order of happening.
    A change after END is not made.
    """

    __slots__ = ("closed_at", "created", "deal_id", "log", "state")

    def __init__(self, deal_id: str, created: int, state: dict[str, str]) -> None:
        self.deal_id, self.created, self.state = deal_id, created, state
        self.log: list[tuple[int, str, str, str, str]] = []
        self.closed_at = 0

    def change(self, t: int, field: str, new: str) -> None:
        """Set a field at t, and log it unless it is already so."""
        old = self.state[field]
        if old != new and t <= END:
            self.log.append((t, self.deal_id, field, old, new))
            self.state[field] = new

    def enter(self, t: int, pair: tuple[str, str]) -> None:
        """Move to a (pipeline_id, stage_id) at t."""
        if self.state["pipeline_id"]:
            self.change(t, "pipeline_id", pair[0])
        self.change(t, "stage_id", pair[1])

    def close(self, t: int, pair: tuple[str, str]) -> None:
        """Enter a closed stage at t: the close date becomes that day, the forecast category follows."""
        self.enter(t, pair)
        self.change(t, "close_date", DATES[t // DAY])
        if self.state["forecast_category"]:
            self.change(t, "forecast_category", "closed" if CLOSED_STAGES[pair] == "won" else "omitted")
        if t <= END:
            self.closed_at = t


def live(
    rnd: Callable[[], float], deal: Deal, path: list[tuple[str, str]], days: float, region: str,
    rep: Rep, staff: Staff,
) -> None:  # fmt: skip
    """Let a deal pass its path in about `days` days, with everything that happens on the way; ends at END."""
    change, state = deal.change, deal.state
    won = CLOSED_STAGES[path[-1]] == "won"
    steps = len(path) - 1
    weights = [0.3 + rnd() for _ in range(steps)]
    total = 0.0
    for weight in weights:
        total += weight
    created = now = deal.created
    created_day = created // DAY
    elapsed = 0.0
    deletion = rnd()
    delete_at = int(rnd() * steps) if deletion < 0.022 else -1
    categorised = state["forecast_category"] != ""
    if rnd() < 0.3:  # some loaders log the value at creation, or a second before it
        deal.log.append(
            (max(0, created - (1 if rnd() < 0.1 else 0)), deal.deal_id, "stage_id", "", path[0][1])
        )
    for step in range(1, steps + 1):
        elapsed += weights[step - 1]
        then = working_instant(rnd, created_day + int(days * elapsed / total + 0.5), region)
        if then <= now:
            then = now + 1800 + int(rnd() * 9000)
        span = then - now
        middle = now + span // 3
        leaves = now < rep.end * DAY < then and state["owner_id"] == rep.rep_id
        if leaves:
            change(rep.end * DAY, "owner_id", staff.pick(rnd, rep.focus, rep.end).rep_id)
        if step - 1 == delete_at:
            change(middle, "is_deleted", "true")
            if deletion < 0.013:
                return
            change(middle + span // 9 + 1, "is_deleted", "false")
        later = now + span // 2
        chance = rnd()
        if chance < 0.25:
            new = money(float(state["amount"] or 9000) * (0.78 + 0.6 * rnd()))
            if chance < 0.012 and state["amount"]:  # an automation writes list price, then net
                change(later, "amount", money(float(new) * 1.1))
            change(later, "amount", new)
        elif chance < 0.29 and not leaves:
            change(later, "owner_id", staff.pick(rnd, rep.focus, later // DAY).rep_id)
        elif chance < 0.30 and state["currency"] == "EUR":
            change(later, "currency", "USD")
            change(later, "amount", money(float(state["amount"] or 9000) * 1.08))
        elif chance < 0.37:
            change(later, "probability", str(5 * (2 + int(rnd() * 17))))
        due = state["close_date"]
        late = now + span * 2 // 3
        today = DATES[min(late, END) // DAY]
        if due and (rnd() < 0.22 or (due < today and rnd() < 0.75)):
            base = max(late // DAY, (date.fromisoformat(due) - FIRST_DATE).days)
            change(late, "close_date", DATES[base + 7 + int(rnd() * 40)])
        elif not due and rnd() < 0.5:
            change(late, "close_date", DATES[late // DAY + 15 + int(rnd() * 40)])
        now = then
        if now > END:
            return
        pair = path[step]
        if step == steps:
            if rnd() < 0.02:
                change(now, "owner_id", staff.pick(rnd, rep.focus, now // DAY).rep_id)
            deal.close(now, pair)
            if state["probability"] and rnd() < 0.7:
                change(now, "probability", "")
        else:
            if rnd() < 0.015 and pair[1] in OPEN_STAGES[pair[0]]:  # two stages passed at one instant
                deal.enter(now, (pair[0], OPEN_STAGES[pair[0]][1]))
            deal.enter(now, pair)
            if categorised:
                change(now, "forecast_category", forecast_category(rnd, pair, won))
            if state["probability"] and rnd() < 0.5:
                change(now, "probability", "")
    afterwards = rnd()
    if afterwards < 0.045:  # reopened, and closed again
        pipeline = path[-1][0]
        again = working_instant(rnd, now // DAY + 4 + int(rnd() * 40), region)
        deal.enter(again, (pipeline, OPEN_STAGES[pipeline][-1 - int(rnd() * 2)]))
        change(again, "close_date", DATES[again // DAY + 20])
        if categorised:
            change(again, "forecast_category", "best_case")
        finally_at = working_instant(rnd, again // DAY + 8 + int(rnd() * 35), region)
        if again <= END:
            deal.closed_at = 0
        if finally_at <= END:
            deal.close(finally_at, (pipeline, "closed_lost" if won or rnd() < 0.4 else WON_STAGE[pipeline]))
    elif afterwards < 0.10:  # handed over after the close: the credit stays where it was
        change(
            now + 20 * DAY + int(rnd() * 120) * DAY, "owner_id", staff.pick(rnd, rep.focus, LAST_DAY).rep_id
        )
    elif afterwards < 0.115:
        change(now + 2 * DAY + int(rnd() * 9000), "amount", money(float(state["amount"] or 9000) * 0.95))


# ---------------------------------------------------------------------------------------------------------
# One chunk of the company
# ---------------------------------------------------------------------------------------------------------

ACTIVITY_TYPES = ["call", "email", "meeting", "task", "note"]
ACTIVITY_WEIGHTS = running_sum([28, 38, 17, 9, 8])


def pick_segment(rnd: Callable[[], float]) -> str:
    """A segment: half of the market is small."""
    chance = rnd()
    return "SMB" if chance < 0.5 else "Mid-Market" if chance < 0.83 else "Enterprise"


def pick_region(rnd: Callable[[], float]) -> str:
    """A region."""
    chance = rnd()
    return (
        "North America"
        if chance < 0.46
        else "EMEA"
        if chance < 0.84
        else "APAC"
        if chance < 0.93
        else "LATAM"
    )


class Account:
    """An account: its true segment and region, and the day of its first deal (None: no deal yet)."""

    __slots__ = ("account_id", "first_day", "name", "region", "segment")

    def __init__(self, account_id: str, rnd: Callable[[], float]) -> None:
        self.account_id, self.first_day = account_id, None
        self.segment, self.region = pick_segment(rnd), pick_region(rnd)
        first, last = int(rnd() * len(ACCOUNT_FIRST)), int(rnd() * len(ACCOUNT_LAST))
        self.name = f"{ACCOUNT_FIRST[first]} {ACCOUNT_LAST[last]}"

    def row(self, rnd: Callable[[], float]) -> list[str]:
        """The row in `accounts`; segment, region and industry are sometimes missing."""
        day = int(rnd() * LAST_DAY) if self.first_day is None else self.first_day - int(rnd() * 40)
        created = min(working_instant(rnd, max(0, day - 3), self.region), END)
        segment = "" if rnd() < 0.05 else self.segment
        region = "" if rnd() < 0.04 else self.region
        industry = "" if rnd() < 0.08 else INDUSTRIES[int(rnd() * len(INDUSTRIES))]
        text = utc(created)
        return [self.account_id, self.name, segment, industry, region, text, text, loaded_after(created)]


class Lead:
    """A lead; instants in seconds, 0 if it never happened. What a form left out is blank."""

    __slots__ = (
        "account_id", "converted", "created", "deal_id", "owner_id", "qualified", "region", "segment",
        "source", "status",
    )  # fmt: skip

    def __init__(
        self, rnd: Callable[[], float], created: int, region: str, segment: str, source: str, owner_id: str
    ) -> None:
        self.created, self.qualified, self.converted = max(0, created), 0, 0
        self.owner_id = owner_id if rnd() < 0.95 else ""
        self.source = source if rnd() < 0.96 else ""
        self.segment = segment if rnd() < 0.93 else ""
        self.region = region if rnd() < 0.95 else ""
        self.status, self.deal_id, self.account_id = "new", "", ""


class Chunk:
    """Up to CHUNK_DEALS deals with their accounts, leads, log and activities, dirt included unless is_clean.

    tables: table name to a list of rows, each a list of texts in contract order; blank text is NULL. The
    same number, count, seed and staff make the same chunk. Raises ValueError if it is too small for its dirt.
    """

    def __init__(self, number: int, count: int, seed: int, staff: Staff, is_clean: bool = False) -> None:
        self.number, self.count, self.staff = number, count, staff
        self.rng = random.Random(f"{seed}:chunk:{number}")
        self.rnd = self.rng.random
        self.account_first = self.deal_first = number * CHUNK_DEALS + 1
        self.lead_first = number * CHUNK_DEALS * 4 + 1
        self.activity_first = number * CHUNK_DEALS * 20 + 1
        self.change_first = number * CHUNK_DEALS * 30 + 101  # the hundred before are for numbers by hand
        self.accounts = [
            Account(f"{self.account_first + index:06d}", self.rnd) for index in range(int(count * 0.62))
        ]
        self.new_account = 0
        self.customers: list[tuple[int, Account]] = []  # instant of a win, and whose
        self.leads: list[Lead] = []
        self.log: list[tuple] = []  # (t, deal_id, field, old, new)
        self.actions: list[tuple] = []  # (t, type, direction, completed, automated, owner, lead, deal)
        self.tables: dict[str, list[list[str]]] = {}
        self._make_deals()
        self._make_other_leads()
        self._finish()
        if not is_clean:
            add_dirt(self)

    def _make_deals(self) -> None:
        days = self.rng.choices(range(LAST_DAY + 1), cum_weights=DAY_WEIGHTS, k=self.count)
        days.sort()
        self.tables["deals"] = [
            self._make_deal(f"D-{self.deal_first + index:06d}", day) for index, day in enumerate(days)
        ]

    def _pick_account(self, pipeline: str, day: int) -> Account | None:
        """A customer of at least a month for a renewal (None: not found), else mostly a new account."""
        rnd = self.rnd
        if pipeline == "renewal":
            if not self.customers:
                return None
            won_at, account = self.customers[int(rnd() * len(self.customers))]
            return account if won_at // DAY + 30 <= day else None
        if self.new_account < len(self.accounts) and rnd() < 0.85:
            account = self.accounts[self.new_account]
            account.first_day = day
            self.new_account += 1
            return account
        return self.accounts[int(rnd() * max(1, self.new_account))]

    def _make_deal(self, deal_id: str, day: int) -> list[str]:
        """One deal with its log, lead and activities; returns its row."""
        rnd, staff = self.rnd, self.staff
        chance = rnd()
        pipeline = "new_business" if chance < 0.6 else "renewal" if chance < 0.82 else "partner"
        account = self._pick_account(pipeline, day)
        if account is None:
            pipeline = "new_business"
            account = self._pick_account(pipeline, day)
        segment, region = account.segment, account.region
        rep = staff.pick(rnd, "Partner" if pipeline == "partner" else segment if rnd() < 0.97 else "", day)
        created = min(working_instant(rnd, day, region), END - 3600 - int(rnd() * 20_000))
        source = self.rng.choices(LEAD_SOURCES, cum_weights=LEAD_SOURCE_WEIGHTS)[0]
        if pipeline == "partner" and rnd() < 0.6:
            source = "Partner"

        win_rate = WIN_RATE[pipeline] * rep.skill
        if pipeline != "renewal":
            win_rate *= WIN_FACTOR.get(source, 0.95)
        won = rnd() < win_rate
        shortest, longest = CYCLE_DAYS[segment]
        cycle = shortest + (longest - shortest) * (rnd() + rnd() * rnd()) * 0.6
        if pipeline == "renewal":
            cycle *= 0.7
        if not won:
            cycle *= 0.6 + 0.6 * rnd()
        expected = DATES[created // DAY + int(cycle * (0.6 + 0.5 * rnd())) + 5]
        if rnd() < 0.09:  # gone quiet
            cycle *= 3.5
        spread = rnd()
        amount = BASE_AMOUNT[segment] * (0.45 + 0.9 * rnd() + 2.2 * spread * spread * spread)
        currency = "USD"
        if region == "EMEA":
            currency = "EUR" if rnd() < 0.6 else "GBP"
        elif region == "North America" and rnd() < 0.16:
            currency = "CAD"

        path = plan_path(rnd, pipeline, won, day)
        state = {
            "stage_id": path[0][1],
            "amount": "" if rnd() < 0.05 else "0" if rnd() < 0.006 else money(amount),
            "close_date": "" if rnd() < 0.03 else expected,
            "owner_id": rep.rep_id,
            "currency": "" if currency == "USD" and rnd() < 0.2 else currency,
            "probability": "",
            "forecast_category": "" if pipeline == "renewal" else "pipeline",
            "pipeline_id": pipeline,
            "is_deleted": "false",
        }
        deal = Deal(deal_id, created, state)
        live(rnd, deal, path, cycle, region, rep, staff)
        self.log += deal.log
        if CLOSED_STAGES.get((state["pipeline_id"], state["stage_id"])) == "won":
            self.customers.append((deal.closed_at, account))
        has_lead = self._make_lead(deal, pipeline, account, source, rep.rep_id)
        self._make_deal_actions(deal, region)

        deal_type = "New" if pipeline != "renewal" else "Renewal" if rnd() < 0.6 else "Expansion"
        shown_pipeline = state["pipeline_id"]
        if state["stage_id"] in UNIQUE_OPEN_STAGES and rnd() < 0.12:
            shown_pipeline = "" if all(row[2] != "pipeline_id" for row in deal.log) else shown_pipeline
        shown_deleted = "" if state["is_deleted"] == "false" and rnd() < 0.2 else state["is_deleted"]
        updated = max(created + 60, max((row[0] for row in deal.log), default=0))
        updated = min(updated + int(rnd() * 1800), END)
        return [
            deal_id, f"{account.name} - {PRODUCTS[int(rnd() * len(PRODUCTS))]}",
            "" if rnd() < 0.02 else account.account_id, state["owner_id"], shown_pipeline, state["stage_id"],
            state["amount"], state["currency"], state["probability"], "" if rnd() < 0.03 else deal_type,
            source if rnd() < (0.45 if has_lead else 0.85) else "", state["forecast_category"], utc(created),
            state["close_date"], shown_deleted, "", utc(updated), loaded_after(updated),
        ]  # fmt: skip

    def _make_lead(self, deal: Deal, pipeline: str, account: Account, source: str, owner_id: str) -> bool:
        """The lead behind a deal, now and then two; returns whether there is one."""
        rnd, created = self.rnd, deal.created
        if rnd() >= (0.86 if pipeline == "new_business" else 0.45 if pipeline == "partner" else 0):
            return False
        chance = rnd()
        longest = 20 if chance < 0.6 else 60 if chance < 0.86 else 90 if chance < 0.96 else 150
        before = created - (1 + int(rnd() * longest)) * DAY + int(rnd() * 20_000)
        if before < 0:
            return False
        lead = Lead(rnd, before, account.region, account.segment, source, owner_id)
        lead.qualified = before + (created - before) * (2 + int(rnd() * 7)) // 10
        lead.converted = created if rnd() < 0.8 else created + int(rnd() * 400)
        lead.deal_id, lead.account_id, lead.status = deal.deal_id, account.account_id, "converted"
        self.leads.append(lead)
        if rnd() < 0.02:
            twin = Lead(rnd, before + 5 * 3600, account.region, account.segment, "Webinar", owner_id)
            twin.converted, twin.deal_id, twin.status = lead.converted, deal.deal_id, "converted"
            self.leads.append(twin)
        return True

    def _make_other_leads(self) -> None:
        """Leads that became no deal: some qualified, a few converted without one."""
        rnd, rng = self.rnd, self.rng
        count = int(self.count * LEADS_PER_DEAL) - len(self.leads)
        sources = rng.choices(LEAD_SOURCES, cum_weights=LEAD_SOURCE_WEIGHTS, k=count)
        days = rng.choices(range(LAST_DAY + 1), cum_weights=DAY_WEIGHTS, k=count)
        for day, source in zip(days, sources, strict=True):
            segment, region = pick_segment(rnd), pick_region(rnd)
            t = day * DAY + int(rnd() * DAY) if rnd() < 0.3 else working_instant(rnd, day, region)
            if t > END:
                t = END - int(rnd() * 40_000)
            lead = Lead(rnd, t, region, segment, source, self.staff.pick(rnd, "", t // DAY).rep_id)
            chance = rnd()
            if chance < 0.16:
                qualified = t + int((0.1 + rnd() * 14) * DAY)
                if qualified <= END:
                    lead.qualified, lead.status = qualified, "qualified"
                    if chance < 0.008:  # converted into a contact, without an opportunity
                        lead.converted = min(qualified + int(rnd() * 5 * DAY), END)
                        lead.status = "converted"
            elif chance < 0.5:
                lead.status = "unqualified"
            elif chance < 0.8:
                lead.status = "working"
            self.leads.append(lead)

    def _make_lead_actions(self, lead_id: str, lead: Lead) -> int:
        """Activities on a lead: an automatic e-mail, a response, follow-ups; returns the last instant."""
        rnd, actions = self.rnd, self.actions
        created, owner, until = lead.created, lead.owner_id, lead.converted or END
        if rnd() < 0.33:
            actions.append((min(created + 45, END), "email", "outbound", "true", "true", owner, lead_id, ""))
        last = created
        chance = rnd()
        if chance < 0.82 or lead.qualified:
            if chance < 0.3:
                wait = 120 + int(rnd() * 3400)
            elif chance < 0.31:
                wait = 3600 if rnd() < 0.6 else 3601  # on the edge of a one-hour target
            elif chance < 0.6:
                wait = 3600 + int(rnd() * 9 * 3600)
            else:
                wait = 8 * 3600 + int(rnd() * rnd() * 9 * DAY)
            if created + wait <= until:
                last = created + wait
                kind = "call" if rnd() < 0.45 else "email"
                completed = "true" if rnd() < 0.85 else ""
                automated = "false" if rnd() < 0.5 else ""
                actions.append((last, kind, "outbound", completed, automated, owner, lead_id, ""))
        elif chance < 0.86 and created + 900 <= END:  # they wrote again, nobody answered
            actions.append((created + 900, "email", "inbound", "true", "", owner, lead_id, ""))
        for _ in range(int(rnd() * (3.2 if lead.qualified else 1.9))):
            t = working_instant(rnd, last // DAY + 1 + int(rnd() * 8), lead.region)
            if t > until:
                break
            last = t
            actions.append(self._make_action(t, owner, lead_id, ""))
        return last

    def _make_deal_actions(self, deal: Deal, region: str) -> None:
        """Activities on a deal until it closes, sometimes one before it was entered, and planned ones."""
        rnd = self.rnd
        until = min(deal.closed_at or END, deal.created + 160 * DAY)
        first, length = deal.created // DAY, max(1, (until - deal.created) // DAY)
        owner = deal.state["owner_id"]
        if rnd() < 0.07 and first > 25:
            t = working_instant(rnd, first - 2 - int(rnd() * 18), region)
            self.actions.append((t, "meeting", "outbound", "true", "", owner, "", deal.deal_id))
        for _ in range(2 + int(rnd() * 6.2)):
            t = working_instant(rnd, first + int(rnd() * length), region)
            if t <= END:
                self.actions.append(self._make_action(t, owner, "", deal.deal_id))
        if until == END and rnd() < 0.3:
            t = working_instant(rnd, LAST_DAY + 1 + int(rnd() * 25), region)
            kind = "meeting" if rnd() < 0.6 else "task"
            self.actions.append((t, kind, "outbound", "false", "false", owner, "", deal.deal_id))

    def _make_action(self, t: int, owner: str, lead_id: str, deal_id: str) -> tuple:
        """An ordinary activity at t on a lead or a deal."""
        rnd = self.rnd
        kind = self.rng.choices(ACTIVITY_TYPES, cum_weights=ACTIVITY_WEIGHTS)[0]
        direction = ""
        if kind in ("call", "email"):
            direction = "outbound" if rnd() < 0.64 else "inbound"
        elif kind == "meeting" and rnd() < 0.5:
            direction = "outbound"
        chance = rnd()
        completed = "true" if chance < 0.84 else "false" if chance < 0.91 else ""
        automated = "true" if kind == "email" and rnd() < 0.12 else "false" if rnd() < 0.5 else ""
        return (t, kind, direction, completed, automated, owner, lead_id, deal_id)

    def _finish(self) -> None:
        """Number leads, log rows and activities in the order of happening, and turn all into rows of text."""
        rnd = self.rnd
        self.tables["accounts"] = [account.row(rnd) for account in self.accounts]
        self.leads.sort(key=lambda lead: lead.created)
        rows = self.tables["leads"] = []
        for number, lead in enumerate(self.leads, start=self.lead_first):
            lead_id = f"L-{number:06d}"
            updated = max(lead.qualified, lead.converted, self._make_lead_actions(lead_id, lead))
            rows.append([
                lead_id, utc_without_zone(lead.created), lead.owner_id, lead.source, lead.segment,
                lead.region, lead.status, utc_without_zone(lead.qualified) if lead.qualified else "",
                utc_without_zone(lead.converted) if lead.converted else "", lead.deal_id, lead.account_id,
                "false" if rnd() < 0.85 else "", "", utc_without_zone(updated), loaded_after(updated),
            ])  # fmt: skip
        self.log.sort(key=lambda change: change[0])  # stable: one deal's changes at one instant stay in order
        self.tables["deal_changes"] = [
            [str(number), deal_id, field, old, new, utc(t), loaded_after(t)]
            for number, (t, deal_id, field, old, new) in enumerate(self.log, start=self.change_first)
        ]
        self.actions.sort()
        self.tables["activities"] = [
            [f"A-{number:07d}", kind, direction, utc_with_blank(t), completed, automated, owner, lead_id,
             deal_id, LOADED[min(t // DAY, LAST_DAY) + 1]]
            for number, (t, kind, direction, completed, automated, owner, lead_id, deal_id)
            in enumerate(self.actions, start=self.activity_first)
        ]  # fmt: skip
        self.leads, self.log, self.actions, self.customers, self.accounts = [], [], [], [], []


# ---------------------------------------------------------------------------------------------------------
# Dirt
# ---------------------------------------------------------------------------------------------------------


class Victims:
    """Hands out rows of one table in random order, none twice."""

    def __init__(self, rng: random.Random, rows: list[list[str]]) -> None:
        self.rows = rng.sample(rows, len(rows))
        self.taken = [False] * len(rows)

    def take(self, count: int, fits: Callable[[list[str]], bool] = lambda row: True) -> list[list[str]]:
        """The next `count` free rows that fit. Raises ValueError if there are too few."""
        found = []
        for index, row in enumerate(self.rows):
            if len(found) == count:
                break
            if not self.taken[index] and fits(row):
                self.taken[index] = True
                found.append(row)
        if len(found) < count:
            raise ValueError(f"the company is too small to be dirtied: {len(found)} of {count} records found")
        return found


def add_dirt(chunk: Chunk) -> None:
    """Plant the kinds of DIRT that belong to deals, log, leads, activities and accounts, in place."""
    add_deal_dirt(chunk)
    add_lead_dirt(chunk)
    add_activity_dirt(chunk)
    add_account_dirt(chunk)


def older(row: list[str], updated: int, loaded: int, **values: str) -> list[str]:
    """A copy of a row as it was three days before: other values at given positions (p<position>=...)."""
    copy = row[:]
    for key, value in values.items():
        copy[int(key[1:])] = value
    before = datetime.fromisoformat(row[updated][:19]) - timedelta(days=3)
    copy[updated] = before.isoformat() + row[updated][19:]
    copy[loaded] = f"{(before + timedelta(days=1)).date()}T03:00:00Z"
    return copy


def add_deal_dirt(chunk: Chunk) -> None:
    """Dirt in deals and their log; row and log stay in agreement unless the kind is about that."""
    rng, deals = chunk.rng, chunk.tables["deals"]
    at = {name: index for index, name in enumerate(COLUMNS["deals"])}
    log_at = {name: index for index, name in enumerate(COLUMNS["deal_changes"])}
    field, new_value, changed_at = log_at["field"], log_at["new_value"], log_at["changed_at"]
    stage, pipeline, amount, close_date = at["stage_id"], at["pipeline_id"], at["amount"], at["close_date"]
    log: dict[str, list[list[str]]] = {row[0]: [] for row in deals}
    for change in chunk.tables["deal_changes"]:
        log[change[1]].append(change)
    removed: set[int] = set()
    extra_deals: list[list[str]] = []
    extra_changes: list[list[str]] = []

    def fields_of(row: list[str]) -> set[str]:
        return {change[field] for change in log[row[0]]}

    def is_alive(row: list[str]) -> bool:
        return row[at["is_deleted"]] != "true" and row[pipeline] != ""

    def was_never_deleted(row: list[str]) -> bool:
        return is_alive(row) and "is_deleted" not in fields_of(row)

    def is_open(row: list[str]) -> bool:
        return is_alive(row) and (row[pipeline], row[stage]) not in CLOSED_STAGES and row[stage] != "on_hold"

    def is_closed(row: list[str]) -> bool:
        return is_alive(row) and (row[pipeline], row[stage]) in CLOSED_STAGES

    def is_won(row: list[str]) -> bool:
        return CLOSED_STAGES.get((row[pipeline], row[stage])) == "won" and is_alive(row)

    def simple_close(row: list[str]) -> bool:
        stages = [change[new_value] for change in log[row[0]] if change[field] == "stage_id"]
        closed = sum((row[pipeline], one) in CLOSED_STAGES for one in stages)
        return (
            is_closed(row)
            and closed == 1
            and stages[-1] == row[stage]
            and "pipeline_id" not in fields_of(row)
        )

    def moved_and_closed(row: list[str]) -> bool:
        """Whether the log knows an expected close date that is not the actual one."""
        dates = [change[new_value] for change in log[row[0]] if change[field] == "close_date"]
        return simple_close(row) and len(dates) > 1 and dates[-2] != dates[-1] == row[close_date]

    def put(row: list[str], name: str, value: str) -> None:
        """Set a field in the row and, if it was ever logged, in its last log row."""
        row[at[name]] = value
        for change in reversed(log[row[0]]):
            if change[field] == name:
                change[new_value] = value
                break

    def changed(row: list[str], number: int, name: str, old: str, new: str, when: str) -> list[str]:
        """A further log row of a deal, numbered by hand (0: no change_id)."""
        change_id = str(chunk.change_first - 101 + number) if number else ""
        return [change_id, row[0], name, old, new, when, LOADED[DATES.index(when[:10]) + 1]]

    victims = Victims(rng, deals)
    take = victims.take

    # the log
    for row in take(DIRT["log_without_closing_stage"], simple_close):
        closing = [change for change in log[row[0]] if change[field] == "stage_id"][-1]
        removed.add(id(closing))
    for row in take(DIRT["log_without_closing_instant"], moved_and_closed):
        closing = [change for change in log[row[0]] if change[field] == "stage_id"][-1]
        removed |= {id(change) for change in log[row[0]] if change[changed_at] == closing[changed_at]}
    for row in take(DIRT["log_without_any_stage"], lambda row: simple_close(row) and len(log[row[0]]) > 3):
        removed |= {id(change) for change in log[row[0]] if change[field] == "stage_id"}
    for number, row in enumerate(take(DIRT["log_other_field"], is_alive)):
        when = row[at["created_at"]]
        value = "next_step" if number % 3 else "description"
        extra_changes.append(changed(row, 31 + number, value, "", "Send the security questionnaire", when))
    for number in range(DIRT["log_orphan"]):
        ghost = [f"D-X{chunk.number:04d}{number}"]
        extra_changes.append(
            changed(ghost, 41 + number, "stage_id", "discovery", "proposal", "2024-09-12T10:15:00Z")
        )

    quiet = "2025-12-16T09:00:00Z"  # after everything else that happened to the deals chosen for it

    def is_quiet(row: list[str]) -> bool:
        if not is_open(row) or row[amount] == "" or row[at["updated_at"]] >= quiet:
            return False
        return bool(log[row[0]]) and log[row[0]][-1][changed_at] < quiet

    def take_quiet(count: int) -> list[list[str]]:
        rows = take(count, is_quiet)
        for row in rows:
            row[at["updated_at"]], row[at["loaded_at"]] = "2025-12-18T10:05:00Z", LOADED[LAST_DAY]
        return rows

    disagreeing = ["amount", "stage_id", "owner_id", "close_date"]
    for name in disagreeing[: DIRT["log_row_disagrees"]]:
        new_row = name in ("owner_id", "close_date")  # for those two the log gets one more change
        row = take(
            1, lambda row, name=name, any_row=new_row: is_quiet(row) and (any_row or name in fields_of(row))
        )[0]
        if name == "amount":
            row[amount] = money(float(row[amount]) * 1.5)
        elif name == "stage_id":
            stages = OPEN_STAGES[row[pipeline]]
            row[stage] = stages[0] if row[stage] != stages[0] else stages[1]
        elif name == "owner_id":
            other = "R07" if row[at["owner_id"]] != "R07" else "R06"
            extra_changes.append(changed(row, 21, "owner_id", row[at["owner_id"]], other, quiet))
        else:
            extra_changes.append(changed(row, 22, "close_date", row[close_date], "2026-02-10", quiet))
            row[close_date] = "2026-01-20"
    for row in take_quiet(DIRT["log_same_instant_numbered"]):
        before, now = row[amount], money(float(row[amount]) + 700)
        extra_changes.append(changed(row, 9, "amount", before, money(float(before) * 3), quiet))
        extra_changes.append(changed(row, 10, "amount", money(float(before) * 3), now, quiet))
        row[amount] = now
    for row in take_quiet(DIRT["log_same_instant_chain"]):
        chain = [row[amount], money(float(row[amount]) + 900), money(float(row[amount]) + 500)]
        for old, new in [(chain[1], chain[2]), (chain[0], chain[1])]:  # not in their order
            extra_changes.append(changed(row, 0, "amount", old, new, quiet))
        row[amount] = chain[2]
        for change in log[row[0]]:
            change[0] = ""
    for row in take_quiet(DIRT["log_same_instant_no_chain"]):
        for change in log[row[0]]:
            change[0] = ""
        old = row[at["owner_id"]]
        new = ["R06", "R07"] if old not in ("R06", "R07") else ["R08", "R09"]
        extra_changes += [changed(row, 0, "owner_id", old, one, quiet) for one in new]
        row[at["owner_id"]] = new[1]
    for number, row in enumerate(take_quiet(DIRT["log_removed_stage"])):
        for step, (old, new, when) in enumerate(
            [(row[stage], REMOVED_STAGE, quiet), (REMOVED_STAGE, row[stage], quiet[:8] + "17T15:30:00Z")]
        ):
            extra_changes.append(changed(row, 51 + 2 * number + step, "stage_id", old, new, when))
    for row in take(DIRT["log_unreadable_time"], is_alive):
        extra_changes.append(
            [str(chunk.change_first - 40), row[0], "amount", "", "5000", "yesterday", LOADED[400]]
        )
    for row in take_quiet(DIRT["log_unreadable_amount"]):
        extra_changes.append(changed(row, 62, "amount", row[amount], "call me", "2025-12-18T10:00:00Z"))
    for row, name in zip(
        take(DIRT["log_mixed_case"], lambda row: "stage_id" in fields_of(row)),
        ["Stage_Id", "STAGE_ID", "Stage_ID"], strict=True,
    ):  # fmt: skip
        next(change for change in log[row[0]] if change[field] == "stage_id")[field] = name
    for row in take(DIRT["log_in_2999"], is_open):
        change_id = str(chunk.change_first - 38)
        extra_changes.append(
            [
                change_id,
                row[0],
                "stage_id",
                row[stage],
                "closed_lost",
                "2999-01-01T00:00:00Z",
                LOADED[LAST_DAY],
            ]
        )

    # deals
    for row in take(DIRT["deal_exact_duplicate"], is_alive):
        extra_deals.append(row[:])
    for row in take(DIRT["deal_older_version"], is_alive):
        extra_deals.append(older(row, at["updated_at"], at["loaded_at"], **{f"p{amount}": "100"}))
    for row in take(DIRT["deal_same_updated_at"], is_alive):
        copy = row[:]
        copy[at["name"]] += " (before)"
        copy[at["loaded_at"]] = "2023-01-02T03:00:00Z"
        extra_deals.append(copy)
    for row in take(DIRT["deal_same_updated_and_loaded_at"], is_alive):
        copy = row[:]
        copy[at["name"]] += " (copy)"
        extra_deals.append(copy)
    for row, value in zip(
        take(DIRT["deal_deleted_without_log"], was_never_deleted),
        ["true", "1", "Yes", "t"], strict=True,
    ):  # fmt: skip
        row[at["is_deleted"]] = value
    survivors = take(DIRT["deal_merged"], is_alive)
    for row, survivor in zip(take(DIRT["deal_merged"], is_alive), survivors, strict=True):
        row[at["merged_into_deal_id"]] = survivor[0]
    for row in take(
        DIRT["deal_without_amount"], lambda row: is_closed(row) and "amount" not in fields_of(row)
    ):
        row[amount] = ""
    for row, value in zip(
        take(DIRT["deal_unreadable_amount"], is_closed), ["TBD", "approx. 40k", "12.5.0"], strict=True
    ):
        put(row, "amount", value)
    for row in take(DIRT["deal_unreadable_created_at"], is_alive):
        row[at["created_at"]] = "last spring"
    for row, fits in [(take(1, one)[0], one) for one in (is_open, is_closed)][
        : DIRT["deal_unreadable_close_date"]
    ]:
        put(row, "close_date", "31/02/2025" if fits is is_open else "not yet known")
    for row in take(DIRT["deal_unreadable_boolean"], was_never_deleted):
        row[at["is_deleted"]] = "maybe"
    for row in take(DIRT["deal_without_id"], is_open):
        extra_deals.append(["", *row[1:]])  # one more record, so that nothing else points nowhere
    for row in take(DIRT["deal_without_created_at"], is_open):
        row[at["created_at"]] = ""
    for row in take(DIRT["deal_without_stage"], is_open):
        put(row, "stage_id", "")
    for row in take(DIRT["deal_unknown_stage"], is_open):
        put(row, "stage_id", REMOVED_STAGE)
    for row in take(
        DIRT["deal_ambiguous_stage"],
        lambda row: (
            is_open(row) and row[stage] in ("proposal", "negotiation") and "pipeline_id" not in fields_of(row)
        ),
    ):
        row[pipeline] = ""
    for row in take(1, lambda row: is_won(row) and "currency" not in fields_of(row)) + take(
        DIRT["deal_currency_without_rate"] - 1, lambda row: is_open(row) and "currency" not in fields_of(row)
    ):
        row[at["currency"]] = "CHF"
    for row in take(DIRT["deal_closed_before_created"], is_closed):
        created = date.fromisoformat(row[at["created_at"]][:10])
        put(row, "close_date", (created - timedelta(days=6)).isoformat())
    for row, value in zip(
        take(DIRT["deal_closed_in_future"], lambda row: is_closed(row) and row[close_date] > "2025-06"),
        ["2026-01-31", "2026-03-31", "2026-11-14"], strict=True,
    ):  # fmt: skip
        put(row, "close_date", value)
    for row in take(DIRT["deal_before_2000"], is_open):
        row[at["created_at"]] = "1970-01-01T00:00:00Z"
    for row in take(DIRT["deal_in_2999"], lambda row: is_open(row) and len(log[row[0]]) < 4):
        removed |= {id(change) for change in log[row[0]]}
        row[at["created_at"]] = "2999-12-31T00:00:00Z"
    for row in take(
        DIRT["deal_unknown_owner"], lambda row: is_closed(row) and "owner_id" not in fields_of(row)
    ):
        row[at["owner_id"]] = "R00"
    for row in take(DIRT["deal_unknown_account"], is_closed):
        row[at["account_id"]] = "000000"
    for row, value in zip(take(DIRT["deal_probability_out_of_range"], is_open), ["-10", "150"], strict=True):
        put(row, "probability", value)
    for row in take(DIRT["deal_negative_amount"], is_open):
        put(row, "amount", "-1200")
    for row, clock in zip(
        take(DIRT["deal_close_date_with_time"], is_closed),
        ["T09:15:00Z", "T23:45:00Z", "T00:20:00Z", " 16:40:10", "T21:30:00-02:00"], strict=True,
    ):  # fmt: skip
        put(row, "close_date", row[close_date] + clock)
    for row, hours in zip(take(DIRT["deal_created_with_offset"], is_alive), [2, -5, 9, 1], strict=True):
        row[at["created_at"]] = with_offset(row[at["created_at"]], hours)
    for row, name in zip(take(DIRT["deal_awkward_name"], is_alive), AWKWARD_NAMES, strict=True):
        row[at["name"]] = f"{name} - Data hub"
    for row, (name, value) in zip(
        take(DIRT["deal_blank_text"], is_alive),
        [("lead_source", "   "), ("deal_type", " New "), ("lead_source", " Website ")], strict=True,
    ):  # fmt: skip
        row[at[name]] = value
    for row, value in zip(
        take(DIRT["deal_mixed_case"], lambda row: is_open(row) and row[at["forecast_category"]] != ""),
        ["Commit", "COMMIT", "Best_Case", "Pipeline"], strict=True,
    ):  # fmt: skip
        put(row, "forecast_category", value)

    changes = [change for change in chunk.tables["deal_changes"] if id(change) not in removed]
    extra_changes += [change[:] for change in rng.sample(changes, DIRT["log_exact_duplicate"])]
    chunk.tables["deal_changes"] = changes + extra_changes
    deals += extra_deals


def add_lead_dirt(chunk: Chunk) -> None:
    """Dirt in leads."""
    rng, leads = chunk.rng, chunk.tables["leads"]
    at = {name: index for index, name in enumerate(COLUMNS["leads"])}
    created, deal, converted = at["created_at"], at["converted_deal_id"], at["converted_at"]
    take = Victims(rng, leads).take

    def is_plain(row: list[str]) -> bool:
        return row[deal] == "" and row[converted] == ""

    extra = [row[:] for row in take(DIRT["lead_exact_duplicate"])]
    for row in take(DIRT["lead_older_version"]):
        extra.append(older(row, at["updated_at"], at["loaded_at"], **{f"p{at['status']}": "new"}))
    for row, value in zip(
        take(DIRT["lead_deleted"], is_plain), ["true", "TRUE", "1", "yes", "t", "true"], strict=True
    ):
        row[at["is_deleted"]] = value
    survivors = take(DIRT["lead_merged"])
    for row, survivor in zip(take(DIRT["lead_merged"], is_plain), survivors, strict=True):
        row[at["merged_into_lead_id"]] = survivor[0]
    for row in take(DIRT["lead_without_created_at"], is_plain):
        row[created] = ""
    for row in take(DIRT["lead_before_2000"], is_plain):
        row[created] = "1999-12-31T23:00:00"
    for row in take(DIRT["lead_in_2999"], is_plain):
        row[created] = "2999-06-01T00:00:00"
        row[at["qualified_at"]] = ""
    for row in take(
        DIRT["lead_unreadable_qualified_at"], lambda row: is_plain(row) and row[at["qualified_at"]] != ""
    ):
        row[at["qualified_at"]] = "soon"
    for row in take(DIRT["lead_unknown_deal"], lambda row: row[deal] != ""):
        row[deal] = f"D-X{chunk.number:04d}9"
    for row in take(
        DIRT["lead_deal_without_conversion"], lambda row: row[deal] != "" and row[converted] != ""
    ):
        row[converted] = ""
    for row, hours in zip(take(DIRT["lead_created_with_offset"]), [1, -8, 3], strict=True):
        row[created] = with_offset(row[created], hours)
    for row, (name, value) in zip(
        take(DIRT["lead_blank_text"], is_plain),
        [("region", "  "), ("segment", " SMB"), ("source", "Events "), ("source", " ")], strict=True,
    ):  # fmt: skip
        row[at[name]] = value
    leads += extra


def add_activity_dirt(chunk: Chunk) -> None:
    """Dirt in activities."""
    rng, activities = chunk.rng, chunk.tables["activities"]
    at = {name: index for index, name in enumerate(COLUMNS["activities"])}
    occurred = at["occurred_at"]
    # A few thousand are enough to choose from
    take = Victims(rng, rng.sample(activities, min(len(activities), 2000))).take

    def is_past(row: list[str]) -> bool:
        return row[occurred] < "2025-12"

    extra = [row[:] for row in take(DIRT["activity_exact_duplicate"], is_past)]
    for row in take(DIRT["activity_without_instant"], is_past):
        row[occurred] = ""
    for row in take(DIRT["activity_unreadable_boolean"], is_past):
        row[at["is_completed"]] = "done?"
    for row in take(DIRT["activity_before_2000"], is_past):
        row[occurred] = "1999-12-31 18:00:00"
    for row in take(DIRT["activity_in_2999"], is_past):
        row[occurred], row[at["is_completed"]] = "2999-01-01 00:00:00", "true"
    for number, row in enumerate(take(DIRT["activity_unknown_lead"], lambda row: row[at["lead_id"]] != "")):
        row[at["lead_id"]] = f"L-X{chunk.number:04d}{number}"
    for number, row in enumerate(take(DIRT["activity_unknown_deal"], lambda row: row[at["deal_id"]] != "")):
        row[at["deal_id"]] = f"D-X{chunk.number:04d}{number + 5}"
    for name, value in [
        ("direction", "OUTBOUND"), ("direction", "Inbound"), ("direction", "Outbound"), ("type", "Email"),
        ("type", "CALL"), ("is_completed", "YES"), ("is_completed", "T"), ("is_completed", "True"),
        ("is_automated", "No"),
    ]:  # fmt: skip
        same = {"YES": "true", "T": "true", "No": "false"}.get(value, value.lower())
        take(1, lambda row, name=name, same=same: is_past(row) and row[at[name]] == same)[0][at[name]] = value
    for row, hours in zip(take(DIRT["activity_with_offset"], is_past), [2, -5, 9, 1], strict=True):
        row[occurred] = with_offset(row[occurred], hours)
    for row, value in zip(
        take(DIRT["activity_unknown_type"], is_past), ["sms", "linkedin_message", "sms"], strict=True
    ):
        row[at["type"]] = value
    activities += extra


def add_account_dirt(chunk: Chunk) -> None:
    """Dirt in accounts."""
    accounts = chunk.tables["accounts"]
    at = {name: index for index, name in enumerate(COLUMNS["accounts"])}
    take = Victims(chunk.rng, accounts).take
    extra = [row[:] for row in take(DIRT["account_exact_duplicate"])]
    for row in take(DIRT["account_older_version"]):
        extra.append(older(row, at["updated_at"], at["loaded_at"], **{f"p{at['segment']}": "SMB"}))
    for row, name in zip(take(DIRT["account_awkward_name"]), AWKWARD_NAMES, strict=True):
        row[at["name"]] = name
    for row, (name, value) in zip(
        take(DIRT["account_blank_text"]),
        [("region", "   "), ("region", " EMEA "), ("segment", "SMB "), ("industry", " ")], strict=True,
    ):  # fmt: skip
        row[at[name]] = value
    accounts += extra


# ---------------------------------------------------------------------------------------------------------
# The small tables
# ---------------------------------------------------------------------------------------------------------

LAST_LOAD = LOADED[LAST_DAY + 1]
TYPICAL_RATE = {"EUR": 1.085, "GBP": 1.262, "CAD": 0.732}
# Expected won amount in the reporting currency per deal created, at skill 1: what quotas are set from
WON_PER_DEAL = {"Enterprise": 22_000.0, "Mid-Market": 6_500.0, "SMB": 1_700.0, "Partner": 6_500.0}


def stage_rows() -> list[list[str]]:
    """`stages`: one row per pipeline and stage; one stage has no pipeline; two outcomes in mixed case."""
    rows = []
    for pipeline, (name, stages, won, lost) in PIPELINES.items():
        found = [(stage, label, probability, "open") for stage, label, probability in stages]
        found.append((*won, "1", "Won" if pipeline == "renewal" else "won"))
        found += [(*one, "0", "LOST" if pipeline == "partner" else "lost") for one in lost]
        rows += [
            [pipeline, name, stage, label, str(order), probability, outcome, LOADED[0]]
            for order, (stage, label, probability, outcome) in enumerate(found, start=1)
        ]
    rows.append(["", "", "on_hold", "On hold", "0", "0.1", "open", LOADED[0]])
    return rows


def rep_rows(staff: Staff, is_clean: bool = False) -> list[list[str]]:
    """`sales_reps`, with an older version of one rep."""
    rows = []
    for rep in staff.reps:
        plain = unicodedata.normalize("NFKD", rep.name.lower().replace(" ", "."))
        mail = "".join(c for c in plain if c.isascii() and (c.isalpha() or c == "."))
        base = next((team for team in MANAGERS if rep.team.startswith(team)), "")
        manager = "" if rep.rep_id == HEAD else HEAD if rep.rep_id in MANAGERS.values() else MANAGERS[base]
        updated = f"{rep.left or '2025-03-10'}T08:00:00Z"
        active = "no" if rep.left else "1" if rep.rep_id == HEAD else "true"
        rows.append(
            [rep.rep_id, rep.name, f"{mail}.{rep.rep_id.lower()}@tessellate.example", rep.team, manager,
             rep.hired, active, updated, LAST_LOAD]
        )  # fmt: skip
    if not is_clean:
        rows.append(older(rows[8], 7, 8, p3="Small Business"))
    return rows


def team_rows(staff: Staff, is_clean: bool = False) -> list[list[str]]:
    """`rep_teams`: who was in which team since when; the head and the newcomer have no history."""
    rows = []
    for rep in staff.reps:
        if rep.rep_id in (HEAD, NEWCOMER):
            continue
        rows.append([rep.rep_id, rep.old_team, rep.hired, LOADED[0]])
        if rep.team != rep.old_team:
            rows.append([rep.rep_id, rep.team, max(REORGANISATION, rep.hired), LOADED[547]])
        if rep.rep_id == "R12":  # away for half a year, in mid-quarter and back
            rows.append(["R12", "Partners", "2025-02-15", LOADED[776]])
            rows.append(["R12", "Small Business", "2025-08-15", LOADED[957]])
    if not is_clean:
        rows.append(["R00", "Enterprise", "2023-01-01", LOADED[0]])
        rows.append(rows[0][:])
    return rows


def quota_rows(staff: Staff, deals: int, seed: int, is_clean: bool = False) -> list[list[str]]:
    """`quotas` of 2024 and 2025 by rep and month, in the rep's currency; newcomer and head have none."""
    rng = random.Random(f"{seed}:quotas")
    rows = []
    for rep in staff.sellers:
        if rep.rep_id == NEWCOMER:
            continue
        share = {"Enterprise": 0.17, "Mid-Market": 0.28, "SMB": 0.36, "Partner": 0.19}[rep.focus]
        monthly = WON_PER_DEAL[rep.focus] * deals * share / len(staff.by_focus[rep.focus]) / 36
        monthly *= (0.6 + 0.4 * rep.skill) * (0.95 + 0.2 * rng.random()) / TYPICAL_RATE.get(rep.currency, 1.0)
        for index, month in enumerate(MONTHS):
            if (
                month.year == 2023
                or month.isoformat() < rep.hired
                or (rep.left and month.isoformat() > rep.left)
            ):
                continue
            value = monthly * (0.8 + 0.8 * index / 36) * SEASON[month.month - 1]
            rows.append(
                [rep.rep_id, month.isoformat(), str(max(1, int(value / 100 + 0.5)) * 100), rep.currency,
                 "crm_export" if rep.rep_id == "R02" else "", LOADED[364 if month.year == 2024 else 730]]
            )  # fmt: skip
    if not is_clean:
        rows += [["R00", f"2025-{m:02d}-01", "12000", "USD", "", LOADED[730]] for m in range(1, 13)]
        rows.append(rows[5][:])
        rows.append([*rows[7][:2], "100", *rows[7][3:5], LOADED[200]])
        rows.append(["R02", "2023-12-01", "to be agreed", "USD", "", LOADED[364]])
    return rows


def spend_rows(deals: int, seed: int, is_clean: bool = False) -> list[list[str]]:
    """`sales_spend`: monthly, some without a lead source or a spend_id, one planned for 2026-01."""
    rng = random.Random(f"{seed}:spend")
    size = deals / DEMO_DEALS
    lines = [
        ("sales", "", 21_000, "USD"), ("sales", "Outbound", 4_200, "USD"), ("marketing", "", 3_800, "USD"),
        ("marketing", "Website", 2_100, "USD"), ("marketing", "Paid search", 5_200, "USD"),
        ("marketing", "Events", 3_900, "EUR"), ("marketing", "Content", 1_700, "USD"),
        ("marketing", "Webinar", 1_100, "GBP"), ("sales", "Partner", 1_500, "CAD"),
        ("marketing", "Sponsorship", 600, "USD"),
    ]  # fmt: skip
    rows = []
    for index, month in enumerate([*MONTHS, date(2026, 1, 1)]):
        loaded = LOADED[min((month - FIRST_DATE).days + 32, LAST_DAY + 1)]
        for number, (category, source, base, currency) in enumerate(lines):
            if index == 36 and number:
                continue
            amount = (
                base * size * (0.75 + 0.7 * index / 36) * SEASON[month.month - 1] * (0.9 + 0.2 * rng.random())
            )
            cents = int(amount * 100 + 0.5)
            spend_id = "" if number == 2 else f"S-{index * len(lines) + number + 1:04d}"
            if number == 4 and index % 12 == 5:
                category = "Marketing"
            rows.append(
                [month.isoformat(), category, source, f"{cents // 100}.{cents % 100:02d}", currency, spend_id,
                 "crm_export" if number == 0 else "", loaded]
            )  # fmt: skip
    if not is_clean:
        rows.append(rows[102][:])  # without an id: a duplicate
        rows.append([*rows[104][:5], "S-9001", *rows[104][6:]])  # equal, but another id: a second invoice
    return rows


def rate_rows(seed: int, is_clean: bool = False) -> list[list[str]]:
    """`fx_rates`: one a week (Mondays) and currency, into USD (some leave that out), and dirty ones."""
    rng = random.Random(f"{seed}:rates")
    rows = []
    monday = date(2022, 12, 26)
    rates = dict(TYPICAL_RATE)
    while monday <= LAST_DATE:
        loaded = LOADED[max(0, (monday - FIRST_DATE).days + 1)]
        for currency, typical in TYPICAL_RATE.items():
            rates[currency] *= 1 + (rng.random() - 0.5) * 0.014 + (typical / rates[currency] - 1) * 0.05
            millionths = int(rates[currency] * 1_000_000 + 0.5)
            target = "" if currency == "CAD" and monday.month == 1 else "USD"
            rate = f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"
            rows.append([currency, monday.isoformat(), rate, target, loaded])
        monday += timedelta(days=7)
    if is_clean:
        return rows
    rows.append(["EUR", "2024-01-01", "0.867", "GBP", LOADED[366]])
    rows.append(["USD", "2025-01-06", "0.963", "EUR", LOADED[737]])
    rows.append(["GBP", "2025-03-05", "n/a", "USD", LOADED[795]])
    rows.append(["EUR", "2026-01-05", "1.11", "USD", LAST_LOAD])
    rows.append(rows[20][:])
    rows.append([*rows[33][:2], "9.99", rows[33][3], "2023-01-02T03:00:00Z"])
    return rows


# ---------------------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------------------

CHUNKED = ["deals", "deal_changes", "accounts", "leads", "activities"]


def write_part(number: int, deals: int, seed: int, folder: Path, is_clean: bool = False) -> int:
    """Write one chunk as <folder>/<table>.<number>.csv without headers; returns the number."""
    count = min(CHUNK_DEALS, deals - number * CHUNK_DEALS)
    chunk = Chunk(number, count, seed, Staff(deals, seed), is_clean)
    for table in CHUNKED:
        write_rows(folder / f"{table}.{number:05d}.csv", chunk.tables[table])
    return number


def write_rows(path: Path, rows: list[list[str]], header: list[str] | None = None) -> None:
    """Write rows as CSV: UTF-8, LF, quotes only where needed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if header:
            writer.writerow(header)
        writer.writerows(rows)


def to_parquet(parts: list[Path], columns: list[str], target: Path) -> None:
    """Turn CSV parts without headers into one Parquet file of text columns, in their order."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '1GB'; set threads = 2; set preserve_insertion_order = true")
        connection.execute(f"set temp_directory = '{target.parent.as_posix()}/.spill'")
        names = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
        files = ", ".join(f"'{part.as_posix()}'" for part in parts)
        connection.execute(
            f"copy (select * from read_csv([{files}], header = false, auto_detect = false, delim = ',', "
            f"quote = '\"', escape = '\"', new_line = '\\n', nullstr = '', columns = {{{names}}})) "
            f"to '{target.as_posix()}' (format parquet, compression zstd, row_group_size 122880)"
        )


def write_company(
    folder: Path, deals: int = DEMO_DEALS, seed: int = DEFAULT_SEED, file_format: str = "csv",
    prefix: str = "", workers: int = 2, is_clean: bool = False,
) -> list[Path]:  # fmt: skip
    """Write all eleven tables as <folder>/<prefix><table>.<file_format> and return their paths.

    Rows: `deals` deals plus a few dirty ones, about 3.35 leads, 8 log rows and 11 activities for each. Memory
    is bounded by `workers` chunks, whatever the size. is_clean leaves the deliberate dirt out. Raises
    ValueError for a company too small to be dirtied or an unknown format.
    """
    last = deals % CHUNK_DEALS
    if deals < MINIMUM_DEALS or 0 < last < MINIMUM_DEALS:
        raise ValueError(
            f"choose a number of deals of which at least {MINIMUM_DEALS} are in the last {CHUNK_DEALS}"
        )
    if file_format not in ("csv", "parquet"):
        raise ValueError(f"unknown format {file_format}: csv or parquet")
    folder.mkdir(parents=True, exist_ok=True)
    parts_folder = folder / ".parts"
    shutil.rmtree(parts_folder, ignore_errors=True)
    parts_folder.mkdir()
    staff = Staff(deals, seed)
    small = {
        "stages": stage_rows(),
        "sales_reps": rep_rows(staff, is_clean),
        "rep_teams": team_rows(staff, is_clean),
        "quotas": quota_rows(staff, deals, seed, is_clean),
        "sales_spend": spend_rows(deals, seed, is_clean),
        "fx_rates": rate_rows(seed, is_clean),
    }
    for table, rows in small.items():
        write_rows(parts_folder / f"{table}.00000.csv", rows)
    chunks = range(-(-deals // CHUNK_DEALS))
    work = partial(write_part, deals=deals, seed=seed, folder=parts_folder, is_clean=is_clean)
    if len(chunks) == 1 or workers == 1:
        for number in chunks:
            work(number)
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for _ in pool.imap_unordered(work, chunks):
                pass
    written = []
    for table, columns in COLUMNS.items():
        parts = sorted(parts_folder.glob(f"{table}.*.csv"))
        target = folder / f"{prefix}{table}.{file_format}"
        if file_format == "parquet":
            to_parquet(parts, columns, target)
        else:
            with target.open("wb") as file:
                file.write((",".join(columns) + "\n").encode())
                for part in parts:
                    with part.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
        for part in parts:
            part.unlink()
        written.append(target)
    shutil.rmtree(parts_folder)
    shutil.rmtree(folder / ".spill", ignore_errors=True)
    return written


def main() -> None:
    """Read the command line and write a company."""
    parser = argparse.ArgumentParser(description="Generate the demo company, at any size.")
    parser.add_argument(
        "--seeds", type=Path, help="write the demo company as demo_<table>.csv into this folder"
    )
    parser.add_argument("--out", type=Path, help="write <table>.<format> into this folder")
    parser.add_argument(
        "--deals", type=int, default=DEMO_DEALS, help="size with --out (default: %(default)s)"
    )
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet", help="format with --out")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of the random numbers")
    parser.add_argument("--clean", action="store_true", help="with --out: without the deliberate dirt")
    parser.add_argument("--workers", type=int, default=2, help="processes (the result does not depend on it)")
    arguments = parser.parse_args()
    if not arguments.seeds and not arguments.out:
        parser.error("choose --seeds <folder> or --out <folder>")
    try:
        if arguments.seeds:
            write_company(arguments.seeds, seed=arguments.seed, prefix="demo_")
        if arguments.out:
            write_company(
                arguments.out, arguments.deals, arguments.seed, arguments.format, workers=arguments.workers,
                is_clean=arguments.clean,
            )  # fmt: skip
    except ValueError as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    main()
