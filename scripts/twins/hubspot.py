"""A company as HubSpot's raw tables: see company.py for what a twin is.

HubSpot keeps for each object (deal, contact, company, engagement) its properties and its links to other objects, and
for each property of a deal all versions it had. `objects_of` builds these once; each loader has a function that writes
them as its tables.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from twins.company import Company, RawTable

LOADERS = ("fivetran", "airbyte", "dlt")

SHARED_TABLES = dict.fromkeys(LOADERS, ("quotas", "sales_spend", "fx_rates"))

LOST = [
    "Team history: HubSpot knows the present team of an owner, which then holds for all time.",
    "Manager and first day of a rep.",
    "When a deal was deleted or restored: only whether it is deleted now.",
    "A stage or a deal without a pipeline: each pipeline gets a stage of its own, each deal a pipeline. Stage ids are "
    "unique among all pipelines, so that a change of pipeline always changes the stage.",
    "Two values of one property at the very same instant: they are a millisecond apart. Changes have no ids.",
    "When a lead was converted, apart from the creation of its deal: the two are the same.",
    "Directions of tasks and notes, and notes that are not completed.",
    "dlt loads no activities.",
]

# Properties of the company's own, beside HubSpot's, by the column of the base model that reads them
CUSTOM_PROPERTIES = {
    "deal.lead_source": "lead_source",
    "company.region": "sales_region",
    "contact.lead_source": "lead_source",
    "contact.region": "sales_region",
}
CUSTOM_ENGAGEMENT_PROPERTIES = {"engagement_meeting.direction": "meeting_direction"}

PREFIXES = {"fivetran": "property_", "airbyte": "properties_", "dlt": ""}
LOADED_AT = "2025-12-20T03:00:00Z"
PORTAL = "4727653"
LOGGED_PROPERTIES = {
    "stage_id": "dealstage",
    "pipeline_id": "pipeline",
    "owner_id": "hubspot_owner_id",
    "currency": "deal_currency_code",
    "forecast_category": "hs_manual_forecast_category",
    "amount": "amount",
    "probability": "hs_deal_stage_probability",
    "close_date": "closedate",
}
STATUSES = {
    "call": ("hs_call_status", "COMPLETED", "NO_ANSWER"),
    "email": ("hs_email_status", "SENT", "FAILED"),
    "meeting": ("hs_meeting_outcome", "COMPLETED", "SCHEDULED"),
    "task": ("hs_task_status", "COMPLETED", "NOT_STARTED"),
}


# ---------------------------------------------------------------------------------------------------------
# Fitting: what HubSpot can hold, with ids as it would give them
# ---------------------------------------------------------------------------------------------------------


def number_of(text: str | None, first: int) -> str | None:
    """The id that stands for `D-000017`: 17 above `first`; None for None."""
    return None if text is None else str(first + int("".join(letter for letter in text if letter.isdigit())))


def deal_number(deal_id):
    return number_of(deal_id, 9_000_000_000)


def company_number(account_id):
    return number_of(account_id, 8_000_000_000)


def contact_number(lead_id):
    return number_of(lead_id, 50_100_000_000)


def owner_number(rep_id):
    return number_of(rep_id, 44_000_000)


def engagement_number(activity_id):
    return number_of(activity_id, 31_000_000_000)


def as_instant(text: str, milliseconds: int = 0) -> str:
    """Any spelling of an instant, UTC unless it says otherwise, as `2024-03-05T14:22:10.000Z`, moved on by some ms."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.tzinfo:
        instant = (instant - instant.utcoffset()).replace(tzinfo=None)
    return (instant + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"


def is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "t", "yes", "1")


def as_share(probability: str | None) -> str | None:
    """A probability of 0 to 100 as one of 0 to 1."""
    return None if probability is None else f"{float(probability) / 100:.4g}"


class Stages:
    """Stage ids that are unique among pipelines, for (pipeline, stage id) of a company."""

    def __init__(self, company: Company) -> None:
        rows = company["stages"]
        self.pipelines = {row["pipeline_id"]: row["pipeline_name"] for row in rows if row["pipeline_id"]}
        self.ids: dict[tuple[str, str], str] = {}
        self.home = {}
        for row in rows:
            if row["pipeline_id"]:
                self.home.setdefault(row["stage_id"], row["pipeline_id"])

    def pipeline_id(self, pipeline: str) -> str:
        """HubSpot calls the first pipeline `default` and numbers the others."""
        place = list(self.pipelines).index(pipeline)
        return "default" if place == 0 else str(3_000_000 + place)

    def stage_id(self, pipeline: str, stage: str) -> str:
        """The one id of a stage of a pipeline, also of one that no longer exists."""
        if (pipeline, stage) not in self.ids:
            self.ids[(pipeline, stage)] = str(70_000_000 + len(self.ids))
        return self.ids[(pipeline, stage)]

    def rows(self, company: Company) -> list[dict]:
        """`stages` of the fitted company: a stage without a pipeline becomes one in each."""
        found = []
        for row in company["stages"]:
            for pipeline in [row["pipeline_id"]] if row["pipeline_id"] else self.pipelines:
                found.append(
                    row
                    | {
                        "pipeline_id": self.pipeline_id(pipeline),
                        "pipeline_name": self.pipelines[pipeline],
                        "stage_id": self.stage_id(pipeline, row["stage_id"]),
                        "outcome": row["outcome"].lower(),
                    }
                )
        return found


def fit_deal(deal: dict, log: list[dict], stages: Stages) -> tuple[dict, list[dict]]:
    """A deal and its log, in the order of happening, as HubSpot would hold them."""
    first = {}
    for change in log:
        first.setdefault(change["field"], change["old_value"] or change["new_value"])
    stage = first.get("stage_id", deal["stage_id"])
    pipeline = first.get("pipeline_id", deal["pipeline_id"]) or stages.home[stage]
    pair = stages.pipeline_id(pipeline), stages.stage_id(pipeline, stage)
    fitted, seen, moved_alone = [], {}, False

    def put(field, old, new, changed_at):
        """Add a change; a second one of the field at that instant comes a millisecond later."""
        again = seen[(field, changed_at)] = seen.get((field, changed_at), -1) + 1
        fitted.append(
            {"change_id": None, "deal_id": deal_number(deal["deal_id"]), "field": field, "old_value": old,
             "new_value": new, "changed_at": as_instant(changed_at, again), "loaded_at": LOADED_AT}
        )  # fmt: skip

    def enter(changed_at):
        nonlocal pair, moved_alone
        new = stages.pipeline_id(pipeline), stages.stage_id(pipeline, stage)
        if new[0] != pair[0]:
            put("pipeline_id", pair[0], new[0], changed_at)
        if new != pair:
            put("stage_id", pair[1], new[1], changed_at)
        pair, moved_alone = new, False

    for place, change in enumerate(log):
        field, old, new, at = (change[name] for name in ("field", "old_value", "new_value", "changed_at"))
        if field == "is_deleted":
            continue
        if as_instant(at) <= as_instant(deal["created_at"]):
            # HubSpot logs each value at creation anyway
            continue
        if field == "pipeline_id":
            pipeline, moved_alone = new, True
        elif field == "stage_id":
            stage = new
            enter(at)
        else:
            fit_value = {"owner_id": owner_number, "probability": as_share}.get(field, lambda text: text)
            if field == "forecast_category":
                old, new = (None if text is None else text.replace("omitted", "omit") for text in (old, new))
            put(field, fit_value(old), fit_value(new), at)
        if moved_alone and (place + 1 == len(log) or log[place + 1]["changed_at"] != at):
            enter(at)
    pipeline = deal["pipeline_id"] or stages.home.get(deal["stage_id"]) or pipeline
    return deal | {
        "deal_id": deal_number(deal["deal_id"]),
        "account_id": company_number(deal["account_id"]),
        "owner_id": owner_number(deal["owner_id"]),
        "pipeline_id": stages.pipeline_id(pipeline),
        "stage_id": stages.stage_id(pipeline, deal["stage_id"]),
        "probability": as_share(deal["probability"]),
        "forecast_category": deal["forecast_category"] and deal["forecast_category"].replace("omitted", "omit"),
        "created_at": as_instant(deal["created_at"]),
        "is_deleted": "true" if is_true(deal["is_deleted"]) else "false",
    }, fitted


def fit_lead(lead: dict, created_of_deal: dict[str, str]) -> dict:
    converted_at = created_of_deal.get(lead["converted_deal_id"], lead["converted_at"])
    return lead | {
        "lead_id": contact_number(lead["lead_id"]),
        "owner_id": owner_number(lead["owner_id"]),
        "created_at": as_instant(lead["created_at"]),
        "qualified_at": lead["qualified_at"] and as_instant(lead["qualified_at"]),
        "converted_at": converted_at and as_instant(converted_at),
        "converted_deal_id": deal_number(lead["converted_deal_id"]),
        "converted_account_id": company_number(lead["converted_account_id"]),
        "merged_into_lead_id": contact_number(lead["merged_into_lead_id"]),
    }


def fit_activity(activity: dict) -> dict:
    kind = activity["type"]
    return activity | {
        "activity_id": engagement_number(activity["activity_id"]),
        "direction": activity["direction"] if kind in ("call", "email", "meeting") else None,
        "is_completed": None if kind == "note" else activity["is_completed"],
        "occurred_at": as_instant(activity["occurred_at"]),
        "owner_id": owner_number(activity["owner_id"]),
        "lead_id": contact_number(activity["lead_id"]),
        "deal_id": deal_number(activity["deal_id"]),
    }


def fit(company: Company, loader: str) -> Company:
    """The company as HubSpot and one of the loaders can hold it.

    company: tables without dirt, as `read_company` gives them. Raises KeyError where a deal without a pipeline is in a
    stage that no pipeline has.
    """
    stages = Stages(company)
    fitted = {"stages": stages.rows(company)}
    logs: dict[str, list[dict]] = {deal["deal_id"]: [] for deal in company["deals"]}
    in_order = sorted(company["deal_changes"], key=lambda row: (as_instant(row["changed_at"]), int(row["change_id"])))
    for change in in_order:
        logs[change["deal_id"]].append(change)
    pairs = [fit_deal(deal, logs[deal["deal_id"]], stages) for deal in company["deals"]]
    fitted["deals"] = [deal for deal, _ in pairs]
    fitted["deal_changes"] = [change for _, log in pairs for change in log]
    created_of_deal = {deal["deal_id"]: deal["created_at"] for deal in company["deals"]}
    fitted["leads"] = [fit_lead(lead, created_of_deal) for lead in company["leads"]]
    fitted["accounts"] = [row | {"account_id": company_number(row["account_id"])} for row in company["accounts"]]
    fitted["sales_reps"] = [
        row
        | {
            "rep_id": owner_number(row["rep_id"]),
            "manager_id": None,
            "hired_date": None,
            "is_active": "true" if is_true(row["is_active"]) else "false",
        }
        for row in company["sales_reps"]
    ]
    if loader != "dlt":
        fitted["activities"] = [fit_activity(row) for row in company["activities"]]
    fitted["quotas"] = [row | {"rep_id": owner_number(row["rep_id"])} for row in company["quotas"]]
    fitted["sales_spend"] = company["sales_spend"]
    fitted["fx_rates"] = company["fx_rates"]
    return fitted


# ---------------------------------------------------------------------------------------------------------
# The company as objects
# ---------------------------------------------------------------------------------------------------------


class Record(NamedTuple):
    """An object of HubSpot: id, whether it is archived, properties as text, and the ids that it is linked to.

    companies: the primary one first.
    """

    id: str
    properties: dict[str, str | None]
    is_archived: bool = False
    companies: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    deals: tuple[str, ...] = ()


class Objects(NamedTuple):
    """history: (deal id, property, value, instant), newest first, as the API lists versions.
    engagements: type -> records."""

    deals: list[Record]
    history: list[tuple[str, str, str | None, str]]
    companies: list[Record]
    contacts: list[Record]
    engagements: dict[str, list[Record]]
    teams: dict[str, str]


def raw_value(field: str, value: str | None, place: int) -> str | None:
    """A value of a deal's field as HubSpot holds it: dates are instants, categories are in capitals."""
    if value and field == "close_date":
        return f"{value}T{('09:15:00', '16:40:12', '23:59:59')[place % 3]}.000Z"
    return value.upper() if value and field == "forecast_category" else value


def versions_of(deal: dict, log: list[dict], probabilities: dict[str, str]) -> list[tuple]:
    """All versions of a deal's properties: each value at creation, each change, and what HubSpot sets by itself."""
    place = int(deal["deal_id"])
    created = deal["created_at"]
    state = {field: deal[field] for field in LOGGED_PROPERTIES}
    for change in reversed(log):
        state[change["field"]] = change["old_value"]
    own = state["probability"]

    def shown_probability():
        return own if own is not None else probabilities.get(state["stage_id"], shown)

    shown = None
    shown = shown_probability()
    found = [
        (field, raw_value(field, value, place), created)
        for field, value in (state | {"probability": shown}).items()
        if value is not None
    ]
    for index, change in enumerate(log):
        at = change["changed_at"]
        if change["field"] == "probability":
            own = change["new_value"]
        else:
            state[change["field"]] = change["new_value"]
            found.append((change["field"], raw_value(change["field"], change["new_value"], place), at))
        if (index + 1 == len(log) or log[index + 1]["changed_at"] != at) and shown_probability() != shown:
            shown = shown_probability()
            found.append(("probability", shown, at))
    versions = [(deal["deal_id"], LOGGED_PROPERTIES[field], value, at) for field, value, at in found]
    if place % 5 == 0:  # a workflow that sets what is already so
        last = max(version[3] for version in versions)
        versions.append((deal["deal_id"], "dealstage", deal["stage_id"], as_instant(last, 1)))
    versions += [
        (deal["deal_id"], "dealname", deal["name"], created),
        (deal["deal_id"], "hs_is_closed", "false", created),
        (deal["deal_id"], "num_notes", "1", as_instant(created, 90_000)),
    ]
    return sorted(versions, key=lambda version: version[3], reverse=True)


def deal_records(company: Company) -> tuple[list[Record], list[tuple]]:
    """Deals with their links and their history, and a few that were merged into another."""
    logs: dict[str, list[dict]] = {deal["deal_id"]: [] for deal in company["deals"]}
    for change in company["deal_changes"]:
        logs[change["deal_id"]].append(change)
    for log in logs.values():
        log.sort(key=lambda change: change["changed_at"])
    contacts: dict[str, list[str]] = {}
    for lead in company["leads"]:
        if lead["converted_deal_id"]:
            contacts.setdefault(lead["converted_deal_id"], []).append(lead["lead_id"])
    lowest_company = min(row["account_id"] for row in company["accounts"])
    probabilities = {row["stage_id"]: row["probability"] for row in company["stages"]}
    records, history = [], []
    for deal in company["deals"]:
        place = int(deal["deal_id"])
        versions = versions_of(deal, logs[deal["deal_id"]], probabilities)
        history += versions
        probability = next((value for _, name, value, _ in versions if name == "hs_deal_stage_probability"), None)
        properties = {
            "dealname": deal["name"],
            "dealstage": deal["stage_id"],
            "pipeline": deal["pipeline_id"],
            "amount": deal["amount"],
            "deal_currency_code": deal["currency"],
            "createdate": deal["created_at"],
            "closedate": raw_value("close_date", deal["close_date"], place),
            "hubspot_owner_id": deal["owner_id"],
            "dealtype": deal["deal_type"],
            "hs_analytics_source": "OFFLINE",
            "lead_source": deal["lead_source"],
            "hs_manual_forecast_category": raw_value("forecast_category", deal["forecast_category"], place),
            "hs_deal_stage_probability": probability,
            "hs_primary_associated_company": deal["account_id"],
            "hs_merged_object_ids": None,
            "hs_lastmodifieddate": as_instant(deal["updated_at"]),
        }
        companies = (deal["account_id"],) if deal["account_id"] else ()
        if companies and place % 4 == 0 and lowest_company not in companies:
            companies += (lowest_company,)  # a partner in the deal, with the lower id
        records.append(
            Record(
                deal["deal_id"], properties, is_true(deal["is_deleted"]), companies,
                tuple(contacts.get(deal["deal_id"], ())),
            )
        )  # fmt: skip
    for survivor in [record for record in records if not record.is_archived][:3]:
        loser = str(int(survivor.id) + 500_000_000)
        survivor.properties["hs_merged_object_ids"] = f"{loser};{int(loser) + 1_000_000}"
        records.append(survivor._replace(id=loser, properties=survivor.properties | {"hs_merged_object_ids": None}))
    return records, history


def contact_records(company: Company) -> list[Record]:
    """Contacts that are the leads, a few that were merged into them, and imported customers who were never leads."""
    records = []
    for lead in company["leads"]:
        place = int(lead["lead_id"])
        qualified_by = "sales" if place % 3 == 0 else "marketing"
        properties = {
            "createdate": lead["created_at"],
            "hubspot_owner_id": lead["owner_id"],
            "associatedcompanyid": lead["converted_account_id"],
            "hs_analytics_source": "OFFLINE",
            "lead_source": lead["source"],
            "segment": lead["segment"],
            "sales_region": lead["region"],
            "hs_lead_status": lead["status"],
            "lifecyclestage": "lead",
            "hs_lifecyclestage_lead_date": lead["created_at"],
            f"hs_lifecyclestage_{qualified_by}qualifiedlead_date": lead["qualified_at"],
            "hs_lifecyclestage_opportunity_date": lead["converted_at"],
            "hs_lifecyclestage_customer_date": None,
            "hs_calculated_merged_vids": None,
            "lastmodifieddate": as_instant(lead["updated_at"]),
        }
        records.append(Record(lead["lead_id"], properties, is_true(lead["is_deleted"])))
    for survivor in records[:3]:
        loser = str(int(survivor.id) + 500_000_000)
        survivor.properties["hs_calculated_merged_vids"] = f"{survivor.id}:1700000000000;{loser}:1700000000000"
        properties = survivor.properties | {"hs_calculated_merged_vids": None}
        records.append(survivor._replace(id=loser, properties=properties))
    for number in range(4):
        created = records[number].properties["createdate"]
        properties = {
            "createdate": created,
            "lifecyclestage": "customer",
            "hs_lifecyclestage_customer_date": created,
            "lastmodifieddate": created,
        }
        records.append(Record(str(60_000_000_000 + number), properties))
    return records


def engagement_records(company: Company, customers: list[str]) -> dict[str, list[Record]]:
    """Activities by type; some are about a customer, too, who was never a lead."""
    found: dict[str, list[Record]] = {kind: [] for kind in ("call", "email", "meeting", "task", "note")}
    for activity in company.get("activities", []):
        kind, occurred = activity["type"], activity["occurred_at"]
        properties = {
            "hs_timestamp": occurred,
            "hubspot_owner_id": activity["owner_id"],
            "hs_engagement_source": "WORKFLOWS" if is_true(activity["is_automated"]) else "CRM_UI",
        }
        if kind in STATUSES:
            name, completed, not_completed = STATUSES[kind]
            state = activity["is_completed"]
            properties[name] = None if state is None else completed if is_true(state) else not_completed
        if kind == "email":
            directions = {"outbound": "EMAIL", "inbound": "INCOMING_EMAIL"}
            properties["hs_email_direction"] = directions.get(activity["direction"])
        if kind == "call":
            properties["hs_call_direction"] = activity["direction"] and activity["direction"].upper()
        if kind == "meeting":
            properties["meeting_direction"] = activity["direction"]
            properties["hs_meeting_start_time"] = occurred
            properties["hs_timestamp"] = as_instant(occurred, 3_600_000)
        if kind == "task":  # the time of a task is when it is due
            properties["hs_task_completion_date"] = occurred if properties["hs_task_status"] != "NOT_STARTED" else None
            if properties["hs_task_completion_date"]:
                properties["hs_timestamp"] = as_instant(occurred, -86_400_000)
        contacts = (activity["lead_id"],) if activity["lead_id"] else ()
        if int(activity["activity_id"]) % 50 == 0:
            contacts += (customers[0],)
        found[kind].append(
            Record(
                activity["activity_id"], properties, False, (), contacts,
                (activity["deal_id"],) if activity["deal_id"] else (),
            )
        )  # fmt: skip
    return found


def objects_of(company: Company) -> Objects:
    """A fitted company as HubSpot's objects."""
    deals, history = deal_records(company)
    contacts = contact_records(company)
    customers = [record.id for record in contacts if record.properties["lifecyclestage"] == "customer"]
    companies = [
        Record(
            row["account_id"],
            {
                "name": row["name"],
                "segment": row["segment"],
                "industry": row["industry"],
                "country": None,
                "sales_region": row["region"],
                "createdate": as_instant(row["created_at"]),
                "hs_lastmodifieddate": as_instant(row["updated_at"]),
            },
        )
        for row in company["accounts"]
    ]
    names = sorted({row["team"] for row in company["sales_reps"] if row["team"]})
    teams = {name: str(9_700_000 + number) for number, name in enumerate(names)}
    return Objects(deals, history, companies, contacts, engagement_records(company, customers), teams)


# ---------------------------------------------------------------------------------------------------------
# The loaders' tables
# ---------------------------------------------------------------------------------------------------------

DATES = ("createdate", "closedate", "hs_lastmodifieddate", "lastmodifieddate", "hs_timestamp", "hs_meeting_start_time",
         "hs_task_completion_date")  # fmt: skip


def type_of(name: str, datetime_type: str, number_type: str) -> str:
    """The column type of a property."""
    if name in DATES or (name.startswith("hs_lifecyclestage_") and name.endswith("_date")):
        return datetime_type
    return number_type if name in ("amount", "hs_deal_stage_probability") else "VARCHAR"


def property_names(records: list[Record]) -> list[str]:
    """The properties of any of the records, in the order in which they first occur."""
    return list(dict.fromkeys(name for record in records for name in record.properties))


def table(columns: dict[str, str], rows) -> RawTable:
    """columns: name -> type; rows: dicts, in which a column that is missing is empty."""
    return RawTable(columns, [tuple(row.get(name) for name in columns) for row in rows])


def split_name(name: str) -> dict[str, str]:
    """First and last name of a rep."""
    first, _, last = name.partition(" ")
    return {"first_name": first, "last_name": last}


def pipelines_of(company: Company) -> dict[str, str]:
    """Pipeline id -> name."""
    return {row["pipeline_id"]: row["pipeline_name"] for row in company["stages"]}


def memberships(rep: dict, teams: dict[str, str]) -> list[tuple[str, str, bool]]:
    """(name, id, is it the primary one) of a rep's teams: the own one, and for some a second one with a lower id."""
    if not rep["team"]:
        return []
    found = [(rep["team"], teams[rep["team"]], True)]
    lowest = min(teams, key=teams.get)
    if int(rep["rep_id"]) % 3 == 0 and lowest != rep["team"]:
        found.append((lowest, teams[lowest], False))
    return found


def flag(value: bool) -> str:
    """A boolean as text."""
    return "true" if value else "false"


def epoch_text(name: str, value: str | None) -> str | None:
    """Instants inside the change log as milliseconds since 1970, as the first version of the API wrote them."""
    if value is None or name != "closedate":
        return value
    since = datetime.fromisoformat(value.replace("Z", "")) - datetime(1970, 1, 1)
    return str(since // timedelta(milliseconds=1))


def fivetran_tables(company: Company, objects: Objects) -> dict[str, RawTable]:
    """A table per object and per kind of link; numbers and instants are typed, what is deleted stays."""

    def synced(columns, rows):
        columns = columns | {"_fivetran_synced": "TIMESTAMP"}
        return table(columns, (row | {"_fivetran_synced": LOADED_AT} for row in rows))

    def object_table(records, own_columns, own, hidden=()):
        names = [name for name in property_names(records) if name not in hidden]
        columns = own_columns | {f"property_{name}": type_of(name, "TIMESTAMP", "DOUBLE") for name in names}
        return synced(
            columns,
            (own(record) | {f"property_{name}": record.properties.get(name) for name in names} for record in records),
        )

    def links(one, other, pairs):
        return synced({one: "BIGINT", other: "BIGINT"}, ({one: first, other: second} for first, second in pairs))

    engagements = [(kind, record) for kind, records in objects.engagements.items() for record in records]
    tables = {
        "deal": object_table(
            objects.deals,
            {"deal_id": "BIGINT", "portal_id": "BIGINT", "is_deleted": "BOOLEAN", "deal_pipeline_id": "VARCHAR",
             "deal_pipeline_stage_id": "VARCHAR", "owner_id": "BIGINT"},
            lambda deal: {
                "deal_id": deal.id, "portal_id": PORTAL, "is_deleted": flag(deal.is_archived),
                "deal_pipeline_id": deal.properties["pipeline"], "owner_id": deal.properties["hubspot_owner_id"],
                "deal_pipeline_stage_id": deal.properties["dealstage"],
            },
            # Merges have a table of their own; the primary company is marked on the link
            ("pipeline", "dealstage", "hubspot_owner_id", "hs_merged_object_ids", "hs_primary_associated_company"),
        ),
        "contact": object_table(
            objects.contacts, {"id": "BIGINT", "_fivetran_deleted": "BOOLEAN"},
            lambda contact: {"id": contact.id, "_fivetran_deleted": flag(contact.is_archived)},
        ),
        "company": object_table(
            objects.companies, {"id": "BIGINT", "is_deleted": "BOOLEAN"},
            lambda one: {"id": one.id, "is_deleted": "false"},
        ),
        # Each link to a company is there without a label, and the primary one once more with its own
        "deal_company": synced(
            {"deal_id": "BIGINT", "company_id": "BIGINT", "type_id": "BIGINT", "category": "VARCHAR"},
            (
                {"deal_id": deal.id, "company_id": other, "type_id": type_id, "category": "HUBSPOT_DEFINED"}
                for deal in objects.deals
                for place, other in enumerate(deal.companies)
                for type_id in (("341", "5") if place == 0 else ("341",))
            ),
        ),
        "deal_contact": links(
            "deal_id", "contact_id", [(deal.id, contact) for deal in objects.deals for contact in deal.contacts]
        ),
        "merged_deal": links(
            "deal_id", "merged_deal_id",
            [
                (deal.id, merged)
                for deal in objects.deals
                for merged in (deal.properties["hs_merged_object_ids"] or "").split(";")
                if merged
            ],
        ),
        "deal_pipeline": synced(
            {"pipeline_id": "VARCHAR", "_fivetran_deleted": "BOOLEAN", "active": "BOOLEAN", "display_order": "INTEGER",
             "label": "VARCHAR"},
            (
                {"pipeline_id": key, "_fivetran_deleted": "false", "active": "true", "display_order": str(place),
                 "label": name}
                for place, (key, name) in enumerate(pipelines_of(company).items())
            ),
        ),
        "deal_pipeline_stage": synced(
            {"stage_id": "VARCHAR", "_fivetran_deleted": "BOOLEAN", "active": "BOOLEAN", "closed_won": "BOOLEAN",
             "is_closed": "BOOLEAN", "display_order": "INTEGER", "probability": "DOUBLE", "label": "VARCHAR",
             "pipeline_id": "VARCHAR"},
            (
                {"stage_id": row["stage_id"], "_fivetran_deleted": "false", "active": "true",
                 "closed_won": flag(row["outcome"] == "won"), "is_closed": flag(row["outcome"] != "open"),
                 "display_order": row["stage_order"], "probability": row["probability"], "label": row["stage_name"],
                 "pipeline_id": row["pipeline_id"]}
                for row in company["stages"]
            ),
        ),
        "deal_property_history": synced(
            {"deal_id": "BIGINT", "name": "VARCHAR", "timestamp": "TIMESTAMP", "source": "VARCHAR", "value": "VARCHAR"},
            (
                {"deal_id": deal, "name": name, "timestamp": at, "source": "CRM_UI", "value": epoch_text(name, value)}
                for deal, name, value, at in objects.history
            ),
        ),
        "deal_stage": synced(
            {"_fivetran_start": "TIMESTAMP", "deal_id": "BIGINT", "date_entered": "TIMESTAMP", "value": "VARCHAR"},
            (
                {"_fivetran_start": at, "deal_id": deal, "date_entered": at, "value": value}
                for deal, name, value, at in objects.history
                if name == "dealstage"
            ),
        ),
        "owner": synced(
            {"owner_id": "BIGINT", "portal_id": "BIGINT", "type": "VARCHAR", "email": "VARCHAR",
             "first_name": "VARCHAR", "last_name": "VARCHAR", "is_active": "BOOLEAN", "updated_at": "TIMESTAMP"},
            (
                {"owner_id": row["rep_id"], "portal_id": PORTAL, "type": "PERSON", "email": row["email"],
                 "is_active": row["is_active"], "updated_at": as_instant(row["updated_at"])}
                | split_name(row["name"])
                for row in company["sales_reps"]
            ),
        ),
        "owner_team": synced(
            {"owner_id": "BIGINT", "team_id": "BIGINT", "is_team_primary": "BOOLEAN"},
            (
                {"owner_id": row["rep_id"], "team_id": team, "is_team_primary": flag(is_primary)}
                for row in company["sales_reps"]
                for _, team, is_primary in memberships(row, objects.teams)
            ),
        ),
        "team": synced(
            {"id": "BIGINT", "name": "VARCHAR"}, ({"id": key, "name": name} for name, key in objects.teams.items())
        ),
        "engagement": synced(
            {"id": "BIGINT", "type": "VARCHAR", "portal_id": "BIGINT"},
            ({"id": record.id, "type": kind.upper(), "portal_id": PORTAL} for kind, record in engagements),
        ),
        "engagement_deal": links(
            "engagement_id", "deal_id", [(record.id, deal) for _, record in engagements for deal in record.deals]
        ),
        "engagement_contact": links(
            "engagement_id", "contact_id",
            [(record.id, contact) for _, record in engagements for contact in record.contacts],
        ),
    }  # fmt: skip
    for kind, records in objects.engagements.items():
        tables[f"engagement_{kind}"] = object_table(
            records,
            {"engagement_id": "BIGINT", "type": "VARCHAR", "_fivetran_deleted": "BOOLEAN"},
            lambda record, kind=kind: {"engagement_id": record.id, "type": kind.upper(), "_fivetran_deleted": "false"},
        )
    return tables


def airbyte_tables(company: Company, objects: Objects) -> dict[str, RawTable]:
    """A table per stream of the API: properties side by side, links and stages as JSON, what is archived apart."""

    def extracted(columns, rows):
        technical = {"_airbyte_raw_id": "VARCHAR", "_airbyte_extracted_at": "TIMESTAMPTZ", "_airbyte_meta": "JSON"}
        return table(
            columns | technical,
            (
                row | {"_airbyte_raw_id": f"raw-{place}", "_airbyte_extracted_at": LOADED_AT, "_airbyte_meta": "{}"}
                for place, row in enumerate(rows)
            ),
        )

    def object_table(records, changed="hs_lastmodifieddate", links=(), is_archived=False):
        names = property_names(records)
        columns = (
            {"id": "VARCHAR"}
            | {f"properties_{name}": type_of(name, "TIMESTAMPTZ", "VARCHAR") for name in names}
            | {"createdAt": "TIMESTAMPTZ", "updatedAt": "TIMESTAMPTZ", "archived": "BOOLEAN"}
            | ({"archivedAt": "TIMESTAMPTZ"} if is_archived else {})
            | dict.fromkeys(links, "JSON")
        )
        rows = []
        for record in records:
            changed_at = record.properties.get(changed)
            row = {"id": record.id, "archived": flag(is_archived), "updatedAt": changed_at,
                   "createdAt": record.properties.get("createdate")}  # fmt: skip
            row |= {f"properties_{name}": value for name, value in record.properties.items()}
            if is_archived:
                row["archivedAt"] = as_instant(changed_at, 60_000)
            # A link with a label is listed twice
            row |= {name: json.dumps([key for key in getattr(record, name) for _ in range(2)]) for name in links}
            rows.append(row)
        return extracted(columns, rows)

    def stages_of(pipeline):
        return json.dumps(
            [
                {"stageId": row["stage_id"], "label": row["stage_name"], "displayOrder": int(row["stage_order"]),
                 "metadata": {"isClosed": flag(row["outcome"] != "open"), "probability": row["probability"]}}
                for row in company["stages"]
                if row["pipeline_id"] == pipeline
            ]
        )  # fmt: skip

    def owner_table(is_archived):
        return extracted(
            {"id": "VARCHAR", "email": "VARCHAR", "firstName": "VARCHAR", "lastName": "VARCHAR", "userId": "BIGINT",
             "updatedAt": "TIMESTAMPTZ", "archived": "BOOLEAN", "teams": "JSON"},
            (
                {"id": row["rep_id"], "email": row["email"], "firstName": split_name(row["name"])["first_name"],
                 "lastName": split_name(row["name"])["last_name"], "updatedAt": as_instant(row["updated_at"]),
                 "archived": flag(is_archived),
                 "teams": json.dumps(
                     [
                         {"id": key, "name": name, "primary": is_primary}
                         for name, key, is_primary in memberships(row, objects.teams)
                     ]
                 )}
                for row in company["sales_reps"]
                if is_true(row["is_active"]) is not is_archived
            ),
        )  # fmt: skip

    archived = [deal for deal in objects.deals if deal.is_archived]
    # A deal that was archived after it was loaded stays in `deals` as it was
    live = [deal for deal in objects.deals if not deal.is_archived or int(deal.id) % 2]
    tables = {
        "deals": object_table(live, links=("companies", "contacts")),
        "deals_archived": object_table(archived, links=("companies", "contacts"), is_archived=True),
        "deal_pipelines": extracted(
            {"pipelineId": "VARCHAR", "label": "VARCHAR", "displayOrder": "BIGINT", "active": "BOOLEAN",
             "stages": "JSON"},
            (
                {"pipelineId": key, "label": name, "displayOrder": str(place), "active": "true",
                 "stages": stages_of(key)}
                for place, (key, name) in enumerate(pipelines_of(company).items())
            ),
        ),
        "deals_property_history": extracted(
            {"dealId": "VARCHAR", "property": "VARCHAR", "value": "VARCHAR", "timestamp": "TIMESTAMPTZ",
             "sourceType": "VARCHAR"},
            (
                {"dealId": deal, "property": name, "value": value, "timestamp": at, "sourceType": "CRM_UI"}
                for deal, name, value, at in objects.history
            ),
        ),
        "owners": owner_table(is_archived=False),
        "owners_archived": owner_table(is_archived=True),
        "companies": object_table(objects.companies, links=("contacts",)),
        "contacts": object_table(objects.contacts, "lastmodifieddate", links=("companies",)),
    }  # fmt: skip
    for kind, records in objects.engagements.items():
        tables[f"engagements_{kind}s"] = object_table(records, links=("deals", "contacts"))
    return tables


def dlt_tables(company: Company, objects: Objects) -> dict[str, RawTable]:
    """A table per resource and a child table per list; the child names its parent by _dlt_parent_id."""

    def loaded(columns, rows):
        return table(
            columns | {"_dlt_load_id": "VARCHAR", "_dlt_id": "VARCHAR"},
            (
                {"_dlt_id": f"row-{row.get('id', place)}", "_dlt_load_id": "1766199600.123456"} | row
                for place, row in enumerate(rows)
            ),
        )

    def child(columns, rows):
        return table(
            columns | {"_dlt_parent_id": "VARCHAR", "_dlt_list_idx": "BIGINT", "_dlt_id": "VARCHAR"},
            (
                {"_dlt_parent_id": f"row-{parent}", "_dlt_list_idx": "0", "_dlt_id": f"child-{place}"} | row
                for place, (parent, row) in enumerate(rows)
            ),
        )

    def object_table(records):
        names = property_names(records)
        columns = {name: type_of(name, "TIMESTAMPTZ", "VARCHAR") for name in names}
        return loaded(
            columns | {"id": "VARCHAR", "hs_object_id": "VARCHAR", "is_deleted": "BOOLEAN"},
            (
                record.properties | {"id": record.id, "hs_object_id": record.id, "is_deleted": flag(record.is_archived)}
                for record in records
            ),
        )

    def link_table(name, links):
        return child(
            {"value": "VARCHAR", name: "VARCHAR"}, ((deal, {"value": deal, name: other}) for deal, other in links)
        )

    # Each load appends all versions again
    versions = [version for version in objects.history for _ in range(2 if int(version[0]) % 7 == 0 else 1)]
    return {
        "deals": object_table(objects.deals),
        "deals__companies": link_table(
            "companies_id", ((deal.id, other) for deal in objects.deals for other in deal.companies)
        ),
        "deals__contacts": link_table(
            "contacts_id", ((deal.id, other) for deal in objects.deals for other in deal.contacts)
        ),
        "deals_property_history": loaded(
            {"object_id": "VARCHAR", "property_name": "VARCHAR", "value": "VARCHAR", "timestamp": "TIMESTAMPTZ",
             "source_type": "VARCHAR"},
            (
                {"object_id": deal, "property_name": name, "value": value, "timestamp": at, "source_type": "CRM_UI"}
                for deal, name, value, at in versions
            ),
        ),
        "pipelines_deals": loaded(
            {"id": "VARCHAR", "label": "VARCHAR", "display_order": "BIGINT", "archived": "BOOLEAN"},
            (
                {"id": key, "label": name, "display_order": str(place), "archived": "false"}
                for place, (key, name) in enumerate(pipelines_of(company).items())
            ),
        ),
        "pipelines_deals__stages": child(
            {"id": "VARCHAR", "label": "VARCHAR", "display_order": "BIGINT", "metadata__is_closed": "VARCHAR",
             "metadata__probability": "VARCHAR"},
            (
                (row["pipeline_id"],
                 {"id": row["stage_id"], "label": row["stage_name"], "display_order": row["stage_order"],
                  "metadata__is_closed": flag(row["outcome"] != "open"), "metadata__probability": row["probability"]})
                for row in company["stages"]
            ),
        ),
        "owners": loaded(
            {"id": "VARCHAR", "email": "VARCHAR", "first_name": "VARCHAR", "last_name": "VARCHAR",
             "updated_at": "TIMESTAMPTZ", "archived": "BOOLEAN"},
            (
                {"id": row["rep_id"], "email": row["email"], "updated_at": as_instant(row["updated_at"]),
                 "archived": flag(not is_true(row["is_active"]))}
                | split_name(row["name"])
                for row in company["sales_reps"]
            ),
        ),
        "owners__teams": child(
            {"id": "VARCHAR", "name": "VARCHAR", "primary": "BOOLEAN"},
            (
                (row["rep_id"], {"id": key, "name": name, "primary": flag(is_primary)})
                for row in company["sales_reps"]
                for name, key, is_primary in memberships(row, objects.teams)
            ),
        ),
        "companies": object_table(objects.companies),
        "contacts": object_table(objects.contacts),
    }  # fmt: skip


def raw_tables(company: Company, loader: str) -> dict[str, RawTable]:
    """The tables in which a loader leaves a fitted company. Raises KeyError for an unknown loader."""
    write = {"fivetran": fivetran_tables, "airbyte": airbyte_tables, "dlt": dlt_tables}[loader]
    return write(company, objects_of(company))


def dbt_vars(loader: str) -> dict:
    """Where the company keeps what HubSpot has no property for. Raises KeyError for an unknown loader."""
    custom = CUSTOM_PROPERTIES | ({} if loader == "dlt" else CUSTOM_ENGAGEMENT_PROPERTIES)
    return {"hubspot_columns": {column: PREFIXES[loader] + name for column, name in custom.items()}}
