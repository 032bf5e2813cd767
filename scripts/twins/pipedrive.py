"""A company as Pipedrive's tables: see company.py for what a twin is.

The four shapes: Fivetran (API v2, the log as versions of the deal), Airbyte from 3.0 (API v2, custom fields as JSON,
options of custom fields by id), Airbyte before (API v1: zone-less texts, user_id, `deleted`), dlt (deals, stages and
organizations of API v2, the rest of v1 with custom fields under their names).
"""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from twins.company import Company, RawTable

LOADERS = ("fivetran", "airbyte", "airbyte_v1", "dlt")
SHARED_TABLES = dict.fromkeys(LOADERS, ("quotas", "sales_spend", "fx_rates"))
LOST = [
    "Several lost stages of a pipeline: lost is one status.",
    "A stage that belongs to no pipeline, or to several: each pipeline gets one of its own.",
    "Deals without a pipeline: a stage names its pipeline.",
    "Amounts and currencies that are empty: Pipedrive writes 0 and the company's currency.",
    "A date of closing that is not the moment of closing, and changes of it while the deal is closed.",
    "Merged deals and leads: they are deleted, and nothing names the survivor.",
    "The history of teams, hiring dates, and managers other than the team's; under Fivetran and dlt, teams at all.",
    "A lead's deal and dates of qualification and conversion, unless custom fields hold them.",
    "Activities that had a deal before it was created: they are its lead's, if it has one.",
    "Quotas, spend and rates.",
]

COMPANY_CURRENCY = "USD"
PIPELINES = {"new_business": "1", "renewal": "2", "partner": "3"}
CLOSED = ("won", "lost")
CUSTOM_FIELDS = {
    "deals": ["deal_type", "lead_source", "forecast_category"],
    "organizations": ["segment", "industry", "region"],
    "leads": ["source", "segment", "region", "status", "qualified_at", "converted_at", "converted_deal_id"],
    "activities": ["direction", "is_automated"],
}
# What Airbyte's API v2 gives as the id of an option; the labels are in the tables of fields
OPTION_FIELDS = {("deals", "forecast_category"), ("deals", "deal_type"), ("organizations", "segment")}


def hashed(table: str, column: str) -> str:
    """The 40 digits by which Pipedrive names a custom field. Leads have the custom fields of deals."""
    return hashlib.sha1(f"{'deals' if table == 'leads' else table}.{column}".encode()).hexdigest()


def instant(text: str) -> str:
    """Any of the export's spellings of a UTC instant as `YYYY-MM-DD HH:MM:SS`."""
    return text[:19].replace("T", " ")


def fit(company: Company, loader: str) -> Company:
    """The company without what Pipedrive, or the loader, cannot hold; ids are numbers, those of leads UUIDs."""
    maps = id_maps(company)
    lead_deals = {}
    for lead in company["leads"]:
        if lead["converted_deal_id"]:
            lead_deals.setdefault(lead["converted_deal_id"], []).append(lead["lead_id"])
    changes_of = {}
    for row in company["deal_changes"]:
        changes_of.setdefault(row["deal_id"], []).append(row)
    places = stage_places(company)
    deals, deal_changes, persons = [], [], []
    for number, row in enumerate(company["deals"]):
        deal, changes = fit_deal(row, changes_of.get(row["deal_id"], []), places, maps)
        if deal["account_id"] is None and number % 3:
            deal["account_id"] = f"person-{len(persons) + 1}"
            persons.append(person_account(deal))
        deals.append(deal)
        deal_changes += changes
    created = {row["deal_id"]: instant(row["created_at"]) for row in company["deals"]}
    return company | {
        "deals": deals,
        "deal_changes": deal_changes,
        "stages": fit_stages(company, places),
        "accounts": [row | {"account_id": maps["accounts"][row["account_id"]]} for row in company["accounts"]]
        + persons,
        "sales_reps": fit_sales_reps(company, loader, maps),
        "rep_teams": [],
        "leads": [
            row
            | {
                "lead_id": maps["leads"][row["lead_id"]],
                "owner_id": maps["reps"].get(row["owner_id"]),
                "converted_deal_id": maps["deals"].get(row["converted_deal_id"]),
                "converted_account_id": maps["accounts"].get(row["converted_account_id"]),
                "is_deleted": row["is_deleted"] or "false",
                "merged_into_lead_id": None,
            }
            for row in company["leads"]
        ],
        "activities": fit_activities(company, maps, lead_deals, created),
        "quotas": [row | {"rep_id": maps["reps"][row["rep_id"]]} for row in company["quotas"]],
    }


def id_maps(company: Company) -> dict[str, dict[str, str]]:
    """{table: {id in the export: id in Pipedrive}}; a reference to nothing leads to a number that nothing has."""
    leads = {
        row["lead_id"]: f"{number:08x}-0e10-11eb-879b-05d71fb426ec"
        for number, row in enumerate(company["leads"], start=1)
    }
    return {
        "reps": {row["rep_id"]: str(11_880_000 + number) for number, row in enumerate(company["sales_reps"])},
        "accounts": {row["account_id"]: str(number) for number, row in enumerate(company["accounts"], start=1)},
        "deals": {row["deal_id"]: str(number) for number, row in enumerate(company["deals"], start=1)},
        "leads": leads,
    }


def stage_places(company: Company) -> dict[tuple[str, str], str]:
    """{(pipeline, stage) of the export: Pipedrive's stage}: an open stage has a number of its own in each pipeline."""
    places = {}
    for row in company["stages"]:
        outcome = row["outcome"].lower()
        for pipeline in [row["pipeline_id"]] if row["pipeline_id"] else PIPELINES:
            places[pipeline, row["stage_id"]] = outcome if outcome in CLOSED else str(len(places) + 1)
    return places


def fit_stages(company: Company, places: dict) -> list[dict]:
    """The open stages of each pipeline, and one won and one lost stage behind them."""
    stages = []
    for pipeline, number in PIPELINES.items():
        own = [row for row in company["stages"] if row["pipeline_id"] in (pipeline, None)]
        name = next(row["pipeline_name"] for row in own if row["pipeline_name"])
        place = {"pipeline_id": number, "pipeline_name": name}
        opened = [row for row in own if row["outcome"].lower() == "open"]
        stages += [row | place | {"stage_id": places[pipeline, row["stage_id"]]} for row in opened]
        last = max(int(row["stage_order"]) for row in opened)
        for order, (outcome, probability) in enumerate({"won": "1", "lost": "0"}.items(), start=last + 1):
            closing = {"stage_id": outcome, "stage_name": outcome.title(), "stage_order": str(order)}
            stages.append(opened[0] | place | closing | {"outcome": outcome, "probability": probability})
    return stages


def fit_deal(deal: dict, changes: list[dict], places: dict, maps: dict) -> tuple[dict, list[dict]]:
    """A deal and its log in Pipedrive's terms."""
    pipeline = deal["pipeline_id"] or next(place for place in places if place[1] == deal["stage_id"])[0]
    rows = sorted(changes, key=lambda row: (instant(row["changed_at"]), int(row["change_id"])))
    log = place_stages(rows, deal, pipeline, places)
    fitted = deal | {
        "deal_id": maps["deals"][deal["deal_id"]],
        "account_id": maps["accounts"].get(deal["account_id"]),
        "owner_id": maps["reps"].get(deal["owner_id"]),
        "pipeline_id": PIPELINES[pipeline],
        "stage_id": places.get((pipeline, deal["stage_id"]), "99"),
        "amount": deal["amount"] or "0",
        "currency": deal["currency"] or COMPANY_CURRENCY,
        "is_deleted": "true" if deal["is_deleted"] == "true" else "false",
        "merged_into_deal_id": None,
    }
    values = {
        "owner_id": maps["reps"].get,
        "pipeline_id": PIPELINES.get,
        "amount": lambda text: text or "0",
        "currency": lambda text: text or COMPANY_CURRENCY,
    }
    converted = []
    for row in log:
        convert = values.get(row["field"], lambda text: text)
        new = row | {"deal_id": fitted["deal_id"]}
        new |= {"old_value": convert(row["old_value"]), "new_value": convert(row["new_value"])}
        if new["old_value"] != new["new_value"]:
            converted.append(new)
    replayed = Replay(fitted, converted)
    return fitted | {"close_date": replayed.close_date}, replayed.canonical


def place_stages(rows: list[dict], deal: dict, pipeline: str, places: dict) -> list[dict]:
    """The log with Pipedrive's stages: which one a stage is depends on the pipeline at the end of the instant.

    A deal that changes only its pipeline changes its stage too.
    """
    moves = [row for row in rows if row["field"] == "pipeline_id"]
    before = moves[0]["old_value"] if moves else pipeline
    entries = [row for row in rows if row["field"] == "stage_id"]
    stage = entries[0]["old_value"] if entries else deal["stage_id"]
    placed = []
    for _, group in groupby(rows, key=lambda row: instant(row["changed_at"])):
        group = list(group)
        after = next((row["new_value"] for row in reversed(group) if row["field"] == "pipeline_id"), before)
        at = places.get((before, stage), "99") if stage else None
        entered = [row for row in group if row["field"] == "stage_id"]
        for row in group:
            if row["field"] == "stage_id":
                stage = row["new_value"]
                to = places.get((after, stage), "99")
                row = row | {"old_value": at if row["old_value"] else None, "new_value": to}
                at = to
            placed.append(row)
        if after != before and not entered:
            move = {"field": "stage_id", "old_value": at, "new_value": places.get((after, stage), "99")}
            placed.append(group[0] | move | {"change_id": str(1_000_000 + int(group[0]["change_id"]))})
        before = after
    return placed


class Replay:
    """A deal's life in Pipedrive, from a fitted deal and its log.

    canonical    the log as the contract has it: a closing enters the won or lost stage and sets the close date
    raw          the log as Pipedrive has it: a closing changes the status; stage and expected date go their own way
    stage, status, expected_date, closed_at, close_date   where the deal stands at its end
    first_stage, first_status, first_expected_date        where it stood at its beginning
    """

    def __init__(self, deal: dict, rows: list[dict]) -> None:
        entries = [row for row in rows if row["field"] == "stage_id"]
        dates = [row for row in rows if row["field"] == "close_date"]
        first = entries[0]["old_value"] or entries[0]["new_value"] if entries else deal["stage_id"]
        self.status = first if first in CLOSED else "open"
        self.stage = first if first not in CLOSED else "1"
        self.expected_date = dates[0]["old_value"] if dates else deal["close_date"]
        self.first_status, self.first_stage, self.first_expected_date = self.status, self.stage, self.expected_date
        self.closed_at = None
        self.canonical, self.raw = [], []
        for at, group in groupby(rows, key=lambda row: instant(row["changed_at"])):
            self.pass_instant(at, list(group))
        if self.status in CLOSED and self.closed_at is None:
            self.closed_at = f"{deal['close_date']} 12:00:00"
        self.close_date = self.closed_at[:10] if self.status in CLOSED else self.expected_date

    def pass_instant(self, at: str, group: list[dict]) -> None:
        """Follow all changes of one instant, given in their order."""
        status_before, closed_before = self.status, self.closed_at
        for row in group:
            if row["field"] == "stage_id":
                self.enter(at, row)
            elif row["field"] != "close_date":
                self.canonical.append(row)
                self.raw.append(row)
        dates = [row for row in group if row["field"] == "close_date"]
        was_closed, is_closed = status_before in CLOSED, self.status in CLOSED
        if not was_closed and not is_closed:
            self.canonical += dates
            self.raw += [row | {"field": "expected_close_date"} for row in dates]
            self.expected_date = dates[-1]["new_value"] if dates else self.expected_date
            return
        if was_closed and is_closed and status_before == self.status:
            return
        template = next(row for row in group if row["field"] == "stage_id")
        if not is_closed and dates and dates[-1]["new_value"] != self.expected_date:
            new = {"field": "expected_close_date", "old_value": self.expected_date, "new_value": dates[-1]["new_value"]}
            self.raw.append(dates[-1] | new)
            self.expected_date = dates[-1]["new_value"]
        old = closed_before[:10] if was_closed and closed_before else self.expected_date
        new = at[:10] if is_closed else self.expected_date
        change_id = dates[0]["change_id"] if dates else str(2_000_000 + int(template["change_id"]))
        change = {"field": "close_date", "old_value": old, "new_value": new, "change_id": change_id}
        self.canonical.append(template | change)

    def enter(self, at: str, row: dict) -> None:
        """Follow one change of the canonical stage."""
        old, new = row["old_value"], row["new_value"]
        if old == new:
            return
        self.canonical.append(row)
        if new not in CLOSED and new != self.stage or old is None:
            self.raw.append(row | {"old_value": None if old is None else self.stage})
        if new not in CLOSED:
            self.stage = new
        status = new if new in CLOSED else "open"
        if status != self.status:
            self.raw.append(row | {"field": "status", "old_value": self.status, "new_value": status})
            self.closed_at = at if status in CLOSED else None
        self.status = status


def person_account(deal: dict) -> dict:
    """The account that a person makes who buys without an organization."""
    return {
        "account_id": deal["account_id"],
        "name": f"Contact of {deal['name']}",
        "segment": None,
        "industry": None,
        "region": None,
        "created_at": deal["created_at"],
        "updated_at": deal["created_at"],
        "loaded_at": deal["loaded_at"],
    }


def fit_sales_reps(company: Company, loader: str, maps: dict) -> list[dict]:
    """Users with their present team, where the loader has teams, and the team's manager."""
    managers = {}
    for row in company["sales_reps"]:
        managers.setdefault(row["team"], maps["reps"].get(row["manager_id"]))
    has_teams = loader.startswith("airbyte")
    return [
        row
        | {
            "rep_id": maps["reps"][row["rep_id"]],
            "team": row["team"] if has_teams else None,
            "manager_id": managers[row["team"]] if has_teams and row["team"] else None,
            "hired_date": None,
        }
        for row in company["sales_reps"]
    ]


def fit_activities(company: Company, maps: dict, lead_deals: dict, created: dict) -> list[dict]:
    """Activities, and done notes as notes; what a converted lead's deal had before its creation is the lead's."""
    activities = []
    for number, row in enumerate(company["activities"], start=1):
        is_done = row["is_completed"] != "false"
        is_note = row["type"] == "note" and is_done and not row["direction"] and row["is_automated"] != "true"
        lead = row["lead_id"]
        leads = lead_deals.get(row["deal_id"], [])
        if lead is None and len(leads) == 1 and instant(row["occurred_at"]) < created[row["deal_id"]]:
            lead = leads[0]
        activities.append(
            row
            | {
                "activity_id": f"note-{number}" if is_note else str(number),
                "is_completed": "true" if is_done else "false",
                "owner_id": maps["reps"].get(row["owner_id"]),
                "lead_id": maps["leads"].get(lead),
                "deal_id": maps["deals"].get(row["deal_id"]),
            }
        )
    return activities


def raw_tables(company: Company, loader: str) -> dict[str, RawTable]:
    """{name of the table as the loader writes it: its columns and rows} of a fitted company."""
    return Writer(company, loader).tables()


class Writer:
    """Writes the tables of one loader.

    Records are first made as dicts in the words of API v2 (instants as `YYYY-MM-DD HH:MM:SS`, booleans as `true`), then
    spelled as the loader spells them.
    """

    def __init__(self, company: Company, loader: str) -> None:
        self.company, self.loader = company, loader
        self.is_v1 = loader == "airbyte_v1"
        self.options = {}
        for table, column in sorted(OPTION_FIELDS):
            values = sorted(
                {row[column] for row in company[{"organizations": "accounts"}.get(table, table)] if row[column]}
            )
            if column == "forecast_category":
                values = sorted({"best_case", "closed", "commit", "omitted", "pipeline", *values})
            self.options[table, column] = {
                value: str(500 + 20 * len(self.options) + n) for n, value in enumerate(values)
            }
        self.changes_of = {}
        for row in company["deal_changes"]:
            self.changes_of.setdefault(row["deal_id"], []).append(row)
        self.replays = {
            deal["deal_id"]: Replay(deal, self.changes_of.get(deal["deal_id"], [])) for deal in company["deals"]
        }

    # -- spelling ------------------------------------------------------------------------------------------------

    def technical(self, row: dict) -> dict[str, tuple[str, str | None]]:
        """The loader's own columns of a record: {name: (type, value)}."""
        loaded_at = row["loaded_at"]
        if self.loader == "fivetran":
            return {"_fivetran_deleted": ("BOOLEAN", "false"), "_fivetran_synced": ("TIMESTAMPTZ", loaded_at)}
        if self.loader == "dlt":
            seconds = int(datetime.fromisoformat(loaded_at).timestamp())
            return {"_dlt_load_id": ("VARCHAR", f"{seconds}.5123"), "_dlt_id": ("VARCHAR", "x")}
        return {
            "_airbyte_raw_id": ("VARCHAR", "x"),
            "_airbyte_extracted_at": ("TIMESTAMPTZ", loaded_at),
            "_airbyte_meta": ("JSON", '{"changes":[],"sync_id":7}'),
        }

    def custom(self, table: str, row: dict) -> dict[str, tuple[str, str | None]]:
        """The custom fields of a record."""
        values = {}
        for column in CUSTOM_FIELDS.get(table, []):
            value = row[column]
            if self.has_option_ids(table) and (table, column) in self.options and value:
                value = self.options[table, column][value]
            values[column] = value
        if self.loader == "airbyte" and table != "leads":
            return {
                "custom_fields": (
                    "JSON",
                    json.dumps({hashed(table, column): value for column, value in values.items()}),
                )
            }
        return {self.custom_name(table, column): ("VARCHAR", value) for column, value in values.items()}

    def has_option_ids(self, table: str) -> bool:
        """Whether options of custom fields are written as their ids."""
        return self.loader == "airbyte" and table != "leads"

    def custom_name(self, table: str, column: str) -> str:
        """The column that holds a custom field."""
        if self.loader == "fivetran":
            return f"custom_{hashed(table, column)}"
        if self.loader == "dlt":
            return f"custom_fields__{hashed(table, column)}" if table in ("deals", "organizations") else column
        return hashed(table, column)

    def time(self, text: str | None) -> tuple[str, str | None]:
        """An instant as the loader types it."""
        if self.is_v1:
            return "VARCHAR", instant(text) if text else None
        return "TIMESTAMPTZ", f"{instant(text)}+00" if text else None

    def table(self, records: list[dict]) -> RawTable:
        """A table of records {name: (type, value)}, which all have the same columns."""
        columns = {name: data_type for name, (data_type, _) in records[0].items()} if records else {}
        return RawTable(columns, [tuple(value for _, value in record.values()) for record in records])

    def table_name(self, name: str) -> str:
        """What the loader calls a table of the API."""
        if self.loader == "fivetran":
            return "activity" if name == "activities" else name.removesuffix("s")
        is_v2 = self.loader == "dlt" and name in ("deals", "stages", "pipelines", "organizations", "persons")
        return f"v2_{name}" if is_v2 else name

    # -- tables --------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, RawTable]:
        """All tables of the loader."""
        makers = {
            "deals": self.deals,
            "stages": self.stages,
            "pipelines": self.pipelines,
            "organizations": self.organizations,
            "persons": self.persons,
            "users": self.users,
            "leads": self.leads,
            "activities": self.activities,
            "notes": self.notes,
        }
        tables = {self.table_name(name): self.table(make()) for name, make in makers.items()}
        if self.loader == "fivetran":
            return tables | {"deal_history": self.table(self.deal_history())}
        flow = "deals_flow_deal_change" if self.loader == "dlt" else "deal_flow"
        tables[flow] = self.table(self.deal_flow())
        if self.loader.startswith("airbyte"):
            tables["legacy_teams"] = self.table(self.teams())
        if self.loader == "airbyte":
            tables["deal_fields"] = self.table(self.fields("deals"))
            tables["organization_fields"] = self.table(self.fields("organizations"))
            # Archived deals are in a table of their own
            rows, closed_at = tables["deals"].rows, list(tables["deals"].columns).index("close_time")
            archived = [row[0].endswith("7") and row[closed_at] is not None for row in rows]
            for name, is_here in (("deals", False), ("deals_archived", True)):
                kept = [row for row, is_archived in zip(rows, archived, strict=True) if is_archived == is_here]
                tables[name] = RawTable(tables["deals"].columns, kept)
        return tables

    def deal_record(self, deal: dict, state: dict, closed_at: str | None, technical: dict) -> dict:
        """A deal in a state of its logged fields, which are in the raw words."""
        status, is_deleted = state["status"], state["is_deleted"] == "true"
        account = deal["account_id"] or ""
        person = account.removeprefix("person-") if account.startswith("person-") else None
        record = {
            "id": ("BIGINT", deal["deal_id"]),
            "title": ("VARCHAR", deal["name"]),
            ("user_id" if self.is_v1 else "owner_id"): ("BIGINT", state["owner_id"]),
            "person_id": ("BIGINT", person),
            "org_id": ("BIGINT", account if account and not person else None),
            "pipeline_id": ("BIGINT", state["pipeline_id"]),
            "stage_id": ("DOUBLE" if self.loader == "dlt" else "BIGINT", state["stage_id"]),
            "value": ("DOUBLE", state["amount"]),
            "currency": ("VARCHAR", state["currency"]),
            "add_time": self.time(deal["created_at"]),
            "update_time": self.time(deal["updated_at"]),
            "status": ("VARCHAR", "deleted" if self.is_v1 and is_deleted else status),
            "close_time": self.time(closed_at if status in CLOSED else None),
            "won_time": self.time(closed_at if status == "won" else None),
            "lost_time": self.time(closed_at if status == "lost" else None),
            "probability": ("DOUBLE", state["probability"]),
            "expected_close_date": ("VARCHAR" if self.is_v1 else "DATE", state["expected_close_date"]),
        }
        if self.is_v1:
            record |= {"deleted": ("BOOLEAN", str(is_deleted)), "active": ("BOOLEAN", str(status == "open"))}
        else:
            record |= {"is_deleted": ("BOOLEAN", str(is_deleted)), "is_archived": ("BOOLEAN", "false")}
        custom = deal | {"forecast_category": state["forecast_category"]}
        return record | self.custom("deals", custom) | technical

    def present_state(self, deal: dict) -> dict:
        """A deal's logged fields as they are now, in the raw words."""
        replay = self.replays[deal["deal_id"]]
        same = ("owner_id", "pipeline_id", "amount", "currency", "probability", "forecast_category", "is_deleted")
        return {field: deal[field] for field in same} | {
            "status": replay.status,
            "stage_id": replay.stage,
            "expected_close_date": replay.expected_date,
        }

    def deals(self) -> list[dict]:
        """Deals as they are now."""
        return [
            self.deal_record(
                deal, self.present_state(deal), self.replays[deal["deal_id"]].closed_at, self.technical(deal)
            )
            for deal in self.company["deals"]
        ]

    def deal_history(self) -> list[dict]:
        """Fivetran's versions: one for each instant at which a deal changed."""
        records = []
        for deal in self.company["deals"]:
            state = self.present_state(deal)
            rows = self.replays[deal["deal_id"]].raw
            for row in reversed(rows):
                # Only the row that logs the first stage has nothing before it
                state[row["field"]] = (
                    row["old_value"] if row["field"] != "stage_id" else row["old_value"] or row["new_value"]
                )
            created = instant(deal["created_at"])
            starts, states = [created], [state]
            for row in rows:
                at = max(instant(row["changed_at"]), created)
                if at > starts[-1]:
                    starts.append(at)
                    states.append(dict(states[-1]))
                states[-1][row["field"]] = row["new_value"]
            for start, end, state in zip(starts, [*starts[1:], None], states, strict=True):
                versions = {
                    "_fivetran_start": self.time(start),
                    "_fivetran_end": self.time(end or "9999-12-31 23:59:59"),
                    "_fivetran_active": ("BOOLEAN", str(end is None)),
                    "_fivetran_synced": ("TIMESTAMPTZ", deal["loaded_at"]),
                }
                records.append(self.deal_record(deal, state, None, versions))
        return records

    def deal_flow(self) -> list[dict]:
        """The log, each deal's beginning with its creation."""
        keys = {
            "amount": "value",
            "owner_id": "user_id" if self.is_v1 else "owner_id",
            "forecast_category": hashed("deals", "forecast_category"),
        }
        records = []
        for deal in self.company["deals"]:
            created = {"field": "add_time", "old_value": None, "new_value": instant(deal["created_at"])}
            rows = [deal | created | {"changed_at": deal["created_at"], "change_id": "0"}]
            rows += self.replays[deal["deal_id"]].raw
            for number, row in enumerate(rows):
                field, old, new = row["field"], row["old_value"], row["new_value"]
                if field == "forecast_category" and self.loader == "airbyte":
                    old, new = (self.options["deals", field].get(value) for value in (old, new))
                if field == "is_deleted" and self.loader != "airbyte":
                    field = "status"
                    old, new = ("deleted" if value == "true" else "open" for value in (old, new))
                # Ids grow with time, over all deals of one instant too
                record_id = str(int(deal["deal_id"]) * 1000 + number)
                record = {
                    "id": ("BIGINT", record_id),
                    "item_id": ("BIGINT", deal["deal_id"]),
                    "field_key": ("VARCHAR", keys.get(field, field)),
                    "old_value": ("JSON" if self.loader == "airbyte" else "VARCHAR", old),
                    "new_value": ("JSON" if self.loader == "airbyte" else "VARCHAR", new),
                    "log_time": ("VARCHAR", instant(row["changed_at"])),
                    "change_source": ("VARCHAR", "app"),
                }
                if self.loader == "airbyte":
                    for name in ("old_value", "new_value"):
                        value = record[name][1]
                        record[name] = ("JSON", None if value is None else json.dumps(value))
                records.append(record | self.technical(row))
        # A log that is loaded again and again repeats rows
        return records + records[::50]

    def stages(self) -> list[dict]:
        """Open stages."""
        return [
            {
                "id": ("BIGINT", row["stage_id"]),
                "name": ("VARCHAR", row["stage_name"]),
                "order_nr": ("BIGINT", row["stage_order"]),
                "pipeline_id": ("BIGINT", row["pipeline_id"]),
                "deal_probability": ("DOUBLE", str(Decimal(row["probability"]) * 100)),
                ("active_flag" if self.is_v1 else "is_deleted"): ("BOOLEAN", str(self.is_v1)),
            }
            | self.technical(row)
            for row in self.company["stages"]
            if row["stage_id"] not in CLOSED
        ]

    def pipelines(self) -> list[dict]:
        """Pipelines."""
        rows = {row["pipeline_id"]: row for row in self.company["stages"]}
        return [
            {"id": ("BIGINT", number), "name": ("VARCHAR", row["pipeline_name"])} | self.technical(row)
            for number, row in rows.items()
        ]

    def users(self) -> list[dict]:
        """Users."""
        return [
            {
                "id": ("BIGINT", row["rep_id"]),
                "name": ("VARCHAR", row["name"]),
                "email": ("VARCHAR", row["email"]),
                "active_flag": ("BOOLEAN", "false" if row["is_active"] in ("0", "false") else "true"),
                "modified": ("VARCHAR", instant(row["updated_at"])),
            }
            | self.technical(row)
            for row in self.company["sales_reps"]
        ]

    def teams(self) -> list[dict]:
        """Teams with the list of their users, one of them given up."""
        members = {}
        for row in self.company["sales_reps"]:
            if row["team"]:
                members.setdefault(row["team"], []).append(row)
        records = [
            {
                "id": ("BIGINT", str(number)),
                "name": ("VARCHAR", name),
                "manager_id": ("BIGINT", rows[0]["manager_id"]),
                "users": ("JSON", json.dumps([int(row["rep_id"]) for row in rows])),
                "active_flag": ("BIGINT", "1"),
                "deleted_flag": ("BIGINT", "0"),
            }
            | self.technical(rows[0])
            for number, (name, rows) in enumerate(members.items(), start=1)
        ]
        users = json.dumps([int(row["rep_id"]) for row in self.company["sales_reps"]])
        return [
            *records,
            records[0] | {"name": ("VARCHAR", "A"), "users": ("JSON", users), "deleted_flag": ("BIGINT", "1")},
        ]

    def organizations(self) -> list[dict]:
        """Organizations."""
        return [
            {
                "id": ("BIGINT", row["account_id"]),
                "name": ("VARCHAR", row["name"]),
                "add_time": self.time(row["created_at"]),
                "update_time": self.time(row["updated_at"]),
            }
            | self.custom("organizations", row)
            | self.technical(row)
            for row in self.company["accounts"]
            if not row["account_id"].startswith("person-")
        ]

    def persons(self) -> list[dict]:
        """Contacts: those who buy themselves, and one who does not."""
        rows = [row for row in self.company["accounts"] if row["account_id"].startswith("person-")]
        return [
            {
                "id": ("BIGINT", row["account_id"].removeprefix("person-")),
                "name": ("VARCHAR", row["name"]),
                "org_id": ("BIGINT", None),
                "add_time": self.time(row["created_at"]),
                "update_time": self.time(row["updated_at"]),
            }
            | self.technical(row)
            for row in [*rows, self.company["accounts"][0] | {"account_id": "person-9999"}]
        ]

    def leads(self) -> list[dict]:
        """Leads, which API v2 does not have: custom fields are columns with every loader."""
        return [
            {
                "id": ("VARCHAR", row["lead_id"]),
                "title": ("VARCHAR", "lead"),
                "owner_id": ("BIGINT", row["owner_id"]),
                "source_name": ("VARCHAR", "API"),
                "organization_id": ("BIGINT", row["converted_account_id"]),
                "is_archived": ("BOOLEAN", str(row["status"] == "unqualified")),
                "add_time": ("VARCHAR", f"{row['created_at'][:10]}T{row['created_at'][11:19]}.000Z"),
                "update_time": ("VARCHAR", f"{row['updated_at'][:10]}T{row['updated_at'][11:19]}.000Z"),
            }
            | self.custom("leads", row)
            | self.technical(row)
            # Converting marks a lead as deleted
            | (
                {"_fivetran_deleted": ("BOOLEAN", str(bool(row["converted_deal_id"])))}
                if self.loader == "fivetran"
                else {}
            )
            for row in self.company["leads"]
        ]

    def activities(self) -> list[dict]:
        """Activities that are no notes; what is not done has only its plan."""
        records = []
        for row in self.company["activities"]:
            if row["activity_id"].startswith("note-"):
                continue
            at, is_done = instant(row["occurred_at"]), row["is_completed"] == "true"
            kind = {"task": "deadline", "meeting": "lunch"}.get(row["type"], row["type"])
            record = {
                "id": ("BIGINT", row["activity_id"]),
                ("user_id" if self.loader in ("airbyte_v1", "dlt") else "owner_id"): ("BIGINT", row["owner_id"]),
                "type": ("VARCHAR", kind if int(row["activity_id"]) % 7 == 0 else row["type"]),
                "done": ("BOOLEAN", str(is_done)),
                "due_date": ("VARCHAR" if self.is_v1 else "DATE", at[:10]),
                "due_time": ("VARCHAR", "00:01" if is_done else at[11:]),
                "marked_as_done_time": ("VARCHAR", at if is_done else "")
                if self.is_v1
                else self.time(at if is_done else None),
                "add_time": self.time(at),
                "deal_id": ("BIGINT", row["deal_id"]),
                # Converting a lead moves its activities to the deal
                "lead_id": ("VARCHAR", None if row["deal_id"] else row["lead_id"]),
            }
            record |= {"active_flag": ("BOOLEAN", "true")} if self.is_v1 else {"is_deleted": ("BOOLEAN", "false")}
            records.append(record | self.custom("activities", row) | self.technical(row))
        return records

    def notes(self) -> list[dict]:
        """Notes."""
        return [
            {
                "id": ("BIGINT", row["activity_id"].removeprefix("note-")),
                "user_id": ("BIGINT", row["owner_id"]),
                "content": ("VARCHAR", "<br>"),
                "deal_id": ("BIGINT", row["deal_id"]),
                "lead_id": ("VARCHAR", None if row["deal_id"] else row["lead_id"]),
                "add_time": ("VARCHAR", instant(row["occurred_at"])),
                "active_flag": ("BOOLEAN", "true"),
            }
            | self.technical(row)
            for row in self.company["activities"]
            if row["activity_id"].startswith("note-")
        ]

    def fields(self, table: str) -> list[dict]:
        """The custom fields with their options, and a field that has none."""
        records = [
            {
                "key": ("VARCHAR", hashed(table, column)),
                "name": ("VARCHAR", column),
                "options": (
                    "JSON",
                    json.dumps([{"id": int(number), "label": label} for label, number in options.items()]),
                ),
            }
            | self.technical(self.company["deals"][0])
            for (of, column), options in self.options.items()
            if of == table
        ]
        return [*records, records[0] | {"key": ("VARCHAR", "title"), "options": ("JSON", None)}]


def dbt_vars(loader: str) -> dict:
    """Where the custom fields are. dlt names those of API v1 by their labels, so that they need no mapping."""
    columns = {}
    for table, names in CUSTOM_FIELDS.items():
        for column in names:
            key = hashed(table, column)
            if loader == "fivetran":
                columns[f"{table}.{column}"] = f"custom_{key}"
            elif loader == "airbyte_v1" or (loader == "airbyte" and table == "leads"):
                columns[f"{table}.{column}"] = key
            elif loader == "airbyte" or table in ("deals", "organizations"):
                columns[f"{table}.{column}"] = f"custom_fields.{key}"
    return {"pipedrive_columns": columns}
