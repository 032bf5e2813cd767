"""Salesforce's twin: a company as Fivetran, Airbyte or dlt would leave it from Salesforce.

Ids are Salesforce's (18 characters, the first three name the object). `fit` says in Salesforce's terms what happened:
one global list of stages, a probability and a forecast category on every deal, and a log whose change_id is the id of
the OpportunityHistory row (008) or the OpportunityFieldHistory row (017) that shows the change. `raw_tables` writes the
log as those two objects, each row of the first being the whole deal as it was then.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from graphlib import TopologicalSorter

from twins.company import Company, RawTable

LOADERS = ("fivetran", "fivetran_original_case", "airbyte", "dlt")

LOST = [
    "when a deal was deleted or brought back: a deal is deleted or not",
    "deals merged into others",
    "stages of one name that mean different things in two pipelines, and their own probabilities and order",
    "deals without a probability, a forecast category, a currency or a close date",
    "a stage outside all pipelines, apart from the others: every stage is in every record type",
    "kinds of activities other than calls, mails, meetings and tasks",
    "that an activity after a conversion was the lead's: it is the contact's",
    "the time of day of what is still to do",
    "exchange rates beyond six decimals of the inverse",
    "what was spent on sales and marketing",
    "without Fivetran's history mode: the team that a rep was in before",
    "from dlt's verified source: the log, the names of pipelines, quotas and exchange rates",
]

SHARED_TABLES = dict.fromkeys(LOADERS, ("sales_spend",)) | {"dlt": ("quotas", "sales_spend", "fx_rates")}

REPORTING_CURRENCY = "USD"
DAYS_TO_CLOSE = 90  # what an admin's default would put into an empty close date

KEY_PREFIXES = {
    "accounts": "001", "contacts": "003", "sales_reps": "005", "deals": "006", "deal_snapshots": "008",
    "pipelines": "012", "field_changes": "017", "leads": "00Q", "tasks": "00T", "events": "00U", "roles": "00E",
    "quotas": "0J9", "forecasting_types": "0Db", "rates": "04w", "currencies": "01L", "stages": "01J",
}  # fmt: skip
QUEUE_ID = "00GA0000000000001"  # owns the leads that nobody owns

CATEGORIES = {
    "pipeline": ("Pipeline", "Pipeline"),
    "best_case": ("BestCase", "Best Case"),
    "most_likely": ("MostLikely", "Most Likely"),
    "commit": ("Forecast", "Commit"),
    "closed": ("Closed", "Closed"),
    "omitted": ("Omitted", "Omitted"),
}
CATEGORY_OF_OUTCOME = {"open": "pipeline", "won": "closed", "lost": "omitted"}
SNAPSHOT_FIELDS = ("stage_id", "amount", "probability", "close_date", "currency")
LOGGED_FIELDS = (*SNAPSHOT_FIELDS, "forecast_category", "owner_id", "pipeline_id")


def salesforce_id(kind: str, number: int) -> str:
    """The 18-character id of a record, with the checksum of its capitals; ids of one kind sort by number."""
    short = f"{KEY_PREFIXES[kind]}A0{number:010d}"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    blocks = [short[start : start + 5] for start in (0, 5, 10)]
    return short + "".join(letters[sum(one.isupper() << at for at, one in enumerate(block))] for block in blocks)


def instant(text: str) -> str:
    """An instant as `2024-03-05T14:22:10Z`, from the spellings of the contract; a bare date is its midnight."""
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    value = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def truth(text: str | None, empty: str) -> str:
    """`true` or `false`; `empty` where the text is None."""
    return ("true" if text.lower() in ("true", "t", "yes", "1") else "false") if text else empty


# ---------------------------------------------------------------------------------------------------------
# The company without what Salesforce cannot hold
# ---------------------------------------------------------------------------------------------------------


class Stages:
    """One global list of stages for all pipelines: labels in an order that agrees with every pipeline's own.

    Raises graphlib.CycleError where no such order exists.
    """

    def __init__(self, rows: list[dict]) -> None:
        self.labels: dict[tuple[str | None, str], str] = {}
        self.facts: dict[str, dict] = {}
        chains: dict[str | None, list[tuple[int, str]]] = {}
        for row in rows:
            label = row["stage_name"]
            outcome = row["outcome"].lower()
            if label in self.facts and self.facts[label]["outcome"] != outcome:
                label = f"{label} ({row['pipeline_name']})"
            share = Decimal(row["probability"] or {"won": "1"}.get(outcome, "0"))
            self.facts.setdefault(label, {"outcome": outcome, "probability": f"{share * 100:.0f}"})
            self.labels[row["pipeline_id"], row["stage_id"]] = label
            chains.setdefault(row["pipeline_id"], []).append((int(row["stage_order"]), label))
        order = TopologicalSorter()
        for chain in chains.values():
            names = [label for _, label in sorted(chain)]
            for label in names[:1]:
                order.add(label)
            for before, after in zip(names, names[1:], strict=False):
                order.add(after, before)
        for number, label in enumerate(order.static_order(), start=1):
            self.facts[label]["order"] = str(number)

    def label(self, pipeline_id: str | None, stage_id: str) -> str:
        """The label of a stage, by the contract's rule; a stage that exists nowhere keeps its id."""
        for key in ((pipeline_id, stage_id), (None, stage_id)):
            if key in self.labels:
                return self.labels[key]
        elsewhere = [label for (_, stage), label in self.labels.items() if stage == stage_id]
        return elsewhere[0] if len(elsewhere) == 1 and not pipeline_id else stage_id


def deal_states(deal: dict, changes: list[dict], stages: Stages, pipeline_of_stage: dict[str, str]) -> list[tuple]:
    """The deal's states as Salesforce would have held them: [(instant, {field: value})], the first at its creation.

    Changes of different fields at one instant are one save; a field that changes twice there makes two.
    """
    created = instant(deal["created_at"])
    # A pipeline that the row hides can be told from the stage
    hidden = pipeline_of_stage.get(deal["stage_id"]) if not deal["pipeline_id"] else None
    own = {field: deal[field] for field in LOGGED_FIELDS}
    later = []
    for change in reversed(changes):
        own[change["field"]] = change["old_value"]
    for change in changes:
        if instant(change["changed_at"]) <= created:
            own[change["field"]] = change["new_value"]
        else:
            later.append((instant(change["changed_at"]), change["field"], change["new_value"]))

    def as_saved() -> dict:
        label = stages.label(own["pipeline_id"] or hidden, own["stage_id"])
        facts = stages.facts.get(label, {"outcome": "open", "probability": "50"})
        expected = date.fromisoformat(created[:10]) + timedelta(days=DAYS_TO_CLOSE)
        return {
            "stage_id": label,
            "amount": own["amount"],
            "probability": own["probability"] or facts["probability"],
            "close_date": (own["close_date"] or expected.isoformat())[:10],
            "currency": own["currency"] or REPORTING_CURRENCY,
            "forecast_category": own["forecast_category"] or CATEGORY_OF_OUTCOME[facts["outcome"]],
            "owner_id": own["owner_id"],
            "pipeline_id": own["pipeline_id"],
        }

    states = [(created, as_saved())]
    saved: set[str] = set()
    for position, (at, field, value) in enumerate(later):
        own[field] = value
        saved.add(field)
        following = later[position + 1] if position + 1 < len(later) else None
        if following is None or following[0] != at or following[1] in saved:
            states.append((at, as_saved()))
            saved = set()
    return states


def fit_deals(company: Company, ids: dict[str, dict[str, str]], stages: Stages) -> tuple[list[dict], list[dict]]:
    """Deals and their log as Salesforce has them; the log's ids are those of its history rows."""
    changes_of: dict[str, list[dict]] = {}
    for change in sorted(company["deal_changes"], key=lambda row: (instant(row["changed_at"]), int(row["change_id"]))):
        if change["field"] in LOGGED_FIELDS:
            changes_of.setdefault(change["deal_id"], []).append(change)
    pipelines_of_stage: dict[str, set] = {}
    for row in company["stages"]:
        pipelines_of_stage.setdefault(row["stage_id"], set()).add(row["pipeline_id"])
    pipeline_of_stage = {stage: next(iter(found)) for stage, found in pipelines_of_stage.items() if len(found) == 1}

    deals, log = [], []
    snapshots = field_changes = 0
    for deal in company["deals"]:
        states = deal_states(deal, changes_of.get(deal["deal_id"], []), stages, pipeline_of_stage)
        for (_, before), (at, after) in zip(states, states[1:], strict=False):
            changed = [field for field in LOGGED_FIELDS if before[field] != after[field]]
            snapshots += 1
            snapshot_id = salesforce_id("deal_snapshots", snapshots)
            is_snapshot = any(field in SNAPSHOT_FIELDS for field in changed)
            for field in changed:
                in_snapshot = field in SNAPSHOT_FIELDS or (field == "forecast_category" and is_snapshot)
                field_changes += 1
                log.append({
                    "change_id": snapshot_id if in_snapshot else salesforce_id("field_changes", field_changes),
                    "deal_id": ids["deals"][deal["deal_id"]],
                    "field": field,
                    "old_value": with_ids(field, before[field], ids),
                    "new_value": with_ids(field, after[field], ids),
                    "changed_at": at,
                })  # fmt: skip
        last = states[-1][1]
        deals.append(
            deal
            | {field: with_ids(field, last[field], ids) for field in LOGGED_FIELDS}
            | {
                "deal_id": ids["deals"][deal["deal_id"]],
                "account_id": ids["accounts"].get(deal["account_id"]),
                "created_at": states[0][0],
                "updated_at": instant(deal["updated_at"]),
                "is_deleted": truth(deal["is_deleted"], "false"),
                "merged_into_deal_id": None,
            }
        )
    return deals, log


def with_ids(field: str, value: str | None, ids: dict[str, dict[str, str]]) -> str | None:
    """The value of a logged field with Salesforce's id in place of the company's."""
    kind = {"owner_id": "sales_reps", "pipeline_id": "pipelines"}.get(field)
    return ids[kind].get(value) if kind else value


def fit_activities(company: Company, ids: dict[str, dict[str, str]], leads: dict[str, dict]) -> list[dict]:
    """Activities as Salesforce has them: a conversion moved the lead's to its contact and its new deal."""
    fitted = []
    for row in company["activities"]:
        kind = row["type"].lower() if row["type"].lower() in ("call", "email", "meeting") else "task"
        is_completed = truth(row["is_completed"], "true")
        occurred_at = instant(row["occurred_at"])
        lead_id, deal_id = ids["leads"].get(row["lead_id"]), ids["deals"].get(row["deal_id"])
        lead = leads.get(lead_id, {})
        if lead.get("converted_at"):
            if not lead["created_at"] <= occurred_at or occurred_at[:10] > lead["converted_at"][:10]:
                lead_id = None
            deal_id = deal_id or lead["converted_deal_id"]
        fitted.append(
            row
            | {
                "activity_id": ids["activities"][row["activity_id"]],
                "type": kind,
                "direction": row["direction"] and row["direction"].lower(),
                "occurred_at": occurred_at if is_completed == "true" or kind == "meeting" else occurred_at[:10],
                "is_completed": is_completed,
                "is_automated": truth(row["is_automated"], "false"),
                "owner_id": ids["sales_reps"].get(row["owner_id"]),
                "lead_id": lead_id,
                "deal_id": deal_id,
            }
        )
    return fitted


def is_event(activity: dict, newest_load: str) -> bool:
    """Whether Salesforce keeps an activity in the calendar; a meeting of the past that did not happen stays a task."""
    is_future = activity["occurred_at"] > newest_load
    return activity["type"] == "meeting" and (activity["is_completed"] == "true") != is_future


def newest_load(company: Company) -> str:
    """When the loader ran last."""
    return max(instant(row["loaded_at"]) for table in ("deals", "activities") for row in company[table])


def fit_rate(row: dict) -> dict:
    """A rate as it comes back from Salesforce, which keeps its inverse with six decimals."""
    kept = (1 / Decimal(row["rate"])).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return row | {"rate": repr(1.0 / float(kept)), "to_currency": None}


def fit(company: Company, loader: str) -> Company:
    """The company without what Salesforce, or this loader, cannot hold (LOST), with its ids."""
    pipelines = {row["pipeline_id"]: row["pipeline_name"] for row in company["stages"] if row["pipeline_id"]}
    keys = {
        "deals": [row["deal_id"] for row in company["deals"]],
        "accounts": [row["account_id"] for row in company["accounts"]],
        "sales_reps": [row["rep_id"] for row in company["sales_reps"]],
        "leads": [row["lead_id"] for row in company["leads"]],
        "pipelines": list(pipelines),
    }
    ids = {kind: {key: salesforce_id(kind, at) for at, key in enumerate(found, 1)} for kind, found in keys.items()}
    last = newest_load(company)
    ids["activities"] = {
        row["activity_id"]: salesforce_id("events" if row["type"].lower() == "meeting" else "tasks", number)
        for number, row in enumerate(company["activities"], 1)
    }
    stages = Stages(company["stages"])
    deals, log = fit_deals(company, ids, stages)
    leads = [
        row
        | {
            "lead_id": ids["leads"][row["lead_id"]],
            "created_at": instant(row["created_at"]),
            "owner_id": ids["sales_reps"].get(row["owner_id"]),
            "qualified_at": row["qualified_at"] and instant(row["qualified_at"]),
            "converted_at": row["converted_at"] and instant(row["converted_at"]),
            "converted_deal_id": ids["deals"].get(row["converted_deal_id"]),
            "converted_account_id": ids["accounts"].get(row["converted_account_id"]),
            "is_deleted": truth(row["is_deleted"], "false"),
            "merged_into_lead_id": ids["leads"].get(row["merged_into_lead_id"]),
            "updated_at": instant(row["updated_at"]),
        }
        for row in company["leads"]
    ]
    activities = fit_activities(company, ids, {row["lead_id"]: row for row in leads})
    for row in activities:
        if row["type"] == "meeting" and not is_event(row, last):
            row["occurred_at"] = row["occurred_at"][:10]
    fitted = {
        "deals": deals,
        "stages": [
            {
                "pipeline_id": pipeline and ids["pipelines"][pipeline],
                "pipeline_name": pipeline and pipelines[pipeline],
                "stage_id": label,
                "stage_name": label,
                "stage_order": facts["order"],
                "probability": facts["probability"],
                "outcome": facts["outcome"],
            }
            for pipeline in (None, *pipelines)
            for label, facts in stages.facts.items()
        ],
        "deal_changes": log,
        "accounts": [
            row
            | {
                "account_id": ids["accounts"][row["account_id"]],
                "created_at": instant(row["created_at"]),
                "updated_at": instant(row["updated_at"]),
            }
            for row in company["accounts"]
        ],
        "sales_reps": [
            row
            | {
                "rep_id": ids["sales_reps"][row["rep_id"]],
                "manager_id": ids["sales_reps"].get(row["manager_id"]),
                "is_active": truth(row["is_active"], "true"),
                "updated_at": instant(row["updated_at"]),
            }
            for row in company["sales_reps"]
        ],
        "rep_teams": [row | {"rep_id": ids["sales_reps"][row["rep_id"]]} for row in company["rep_teams"]],
        "leads": leads,
        "activities": activities,
        "quotas": [
            row
            | {
                "rep_id": ids["sales_reps"][row["rep_id"]],
                "currency": row["currency"] or REPORTING_CURRENCY,
                "source_system": "crm_export",
            }
            for row in company["quotas"]
        ],
        "sales_spend": company["sales_spend"],
        "fx_rates": [
            fit_rate(row) for row in company["fx_rates"] if row["to_currency"] in (None, REPORTING_CURRENCY)
        ],
    }
    if loader != "fivetran":
        fitted["rep_teams"] = []
    if loader == "dlt":
        fitted["deal_changes"] = []
        fitted["stages"] = [row | {"pipeline_name": None} for row in fitted["stages"]]
    return fitted


# ---------------------------------------------------------------------------------------------------------
# Raw tables
# ---------------------------------------------------------------------------------------------------------

# object: its fields, as name and type
OBJECTS = {
    "Opportunity": {
        "Id": "text", "IsDeleted": "boolean", "AccountId": "text", "RecordTypeId": "text", "Name": "text",
        "Description": "text", "StageName": "text", "Amount": "number", "Probability": "number",
        "CloseDate": "date", "Type": "text", "LeadSource": "text", "IsClosed": "boolean", "IsWon": "boolean",
        "ForecastCategory": "text", "ForecastCategoryName": "text", "CurrencyIsoCode": "text", "OwnerId": "text",
        "CreatedDate": "instant", "LastModifiedDate": "instant", "SystemModstamp": "instant",
    },
    "OpportunityStage": {
        "Id": "text", "MasterLabel": "text", "ApiName": "text", "IsActive": "boolean", "SortOrder": "whole",
        "IsClosed": "boolean", "IsWon": "boolean", "ForecastCategory": "text", "ForecastCategoryName": "text",
        "DefaultProbability": "number",
    },
    "RecordType": {"Id": "text", "Name": "text", "SobjectType": "text", "IsActive": "boolean"},
    "OpportunityHistory": {
        "Id": "text", "OpportunityId": "text", "CreatedDate": "instant", "StageName": "text", "Amount": "number",
        "CloseDate": "date", "Probability": "number", "ForecastCategory": "text", "CurrencyIsoCode": "text",
        "PrevAmount": "number", "PrevCloseDate": "date", "IsDeleted": "boolean",
    },
    "OpportunityFieldHistory": {
        "Id": "text", "OpportunityId": "text", "CreatedDate": "instant", "Field": "text", "DataType": "text",
        "OldValue": "text", "NewValue": "text", "IsDeleted": "boolean",
    },
    "Account": {
        "Id": "text", "IsDeleted": "boolean", "Name": "text", "Industry": "text", "BillingCountry": "text",
        "Segment__c": "text", "Sales_Region__c": "text", "CreatedDate": "instant", "SystemModstamp": "instant",
    },
    "User": {
        "Id": "text", "FirstName": "text", "LastName": "text", "Name": "text", "Email": "text", "IsActive": "boolean",
        "UserRoleId": "text", "ManagerId": "text", "Hired_On__c": "date", "SystemModstamp": "instant",
    },
    "UserRole": {"Id": "text", "Name": "text", "ParentRoleId": "text"},
    "Lead": {
        "Id": "text", "IsDeleted": "boolean", "MasterRecordId": "text", "LeadSource": "text", "Status": "text",
        "Country": "text", "OwnerId": "text", "IsConverted": "boolean", "ConvertedDate": "date",
        "ConvertedAccountId": "text", "ConvertedContactId": "text", "ConvertedOpportunityId": "text",
        "Segment__c": "text", "Sales_Region__c": "text", "Qualified_At__c": "instant", "Converted_At__c": "instant",
        "CreatedDate": "instant", "SystemModstamp": "instant",
    },
    "Task": {
        "Id": "text", "WhoId": "text", "WhatId": "text", "Subject": "text", "ActivityDate": "date", "Status": "text",
        "OwnerId": "text", "Type": "text", "IsDeleted": "boolean", "IsClosed": "boolean", "CallType": "text",
        "TaskSubtype": "text", "CompletedDateTime": "instant", "IsRecurrence": "boolean", "Direction__c": "text",
        "Is_Automated__c": "boolean", "CreatedDate": "instant", "SystemModstamp": "instant",
    },
    "Event": {
        "Id": "text", "WhoId": "text", "WhatId": "text", "Subject": "text", "ActivityDate": "date",
        "ActivityDateTime": "instant", "StartDateTime": "instant", "EndDateTime": "instant",
        "IsAllDayEvent": "boolean", "OwnerId": "text", "IsDeleted": "boolean", "IsRecurrence": "boolean",
        "Direction__c": "text", "Is_Automated__c": "boolean", "CreatedDate": "instant", "SystemModstamp": "instant",
    },
    "ForecastingType": {"Id": "text", "DeveloperName": "text", "MasterLabel": "text", "IsActive": "boolean"},
    "ForecastingQuota": {
        "Id": "text", "QuotaOwnerId": "text", "StartDate": "date", "QuotaAmount": "number", "QuotaQuantity": "number",
        "IsAmount": "boolean", "IsQuantity": "boolean", "CurrencyIsoCode": "text", "ForecastingTypeId": "text",
        "ProductFamily": "text", "SystemModstamp": "instant",
    },
    "DatedConversionRate": {
        "Id": "text", "IsoCode": "text", "ConversionRate": "number", "StartDate": "date", "NextStartDate": "date",
    },
    "CurrencyType": {
        "Id": "text", "IsoCode": "text", "ConversionRate": "number", "DecimalPlaces": "whole", "IsCorporate": "boolean",
        "IsActive": "boolean",
    },
}  # fmt: skip

CUSTOM_FIELDS = {
    "account.segment": "Segment__c",
    "account.region": "Sales_Region__c",
    "user.hired_date": "Hired_On__c",
    "lead.segment": "Segment__c",
    "lead.region": "Sales_Region__c",
    "lead.qualified_date": "Qualified_At__c",
    "lead.converted_date": "Converted_At__c",
    "task.direction": "Direction__c",
    "task.is_automated": "Is_Automated__c",
    "event.direction": "Direction__c",
    "event.is_automated": "Is_Automated__c",
}

DLT_OBJECTS = ("Opportunity", "Account", "User", "UserRole", "Lead", "Task", "Event")
HISTORY_MODE_OBJECTS = ("Opportunity", "User")  # in the Fivetran twin

TYPES = {
    "fivetran": {"number": "double", "whole": "bigint", "boolean": "boolean", "date": "date", "instant": "timestamptz"},
    # Fivetran writes dates as midnights where the destination once had them so
    "fivetran_original_case": {
        "number": "double", "whole": "bigint", "boolean": "boolean", "date": "timestamp", "instant": "timestamptz",
    },
    "airbyte": {
        "number": "decimal(38, 9)", "whole": "decimal(38, 9)", "boolean": "boolean", "date": "date",
        "instant": "timestamptz",
    },
    # The bulk API gives dates as milliseconds, which dlt keeps; instants it converts
    "dlt": {"number": "double", "whole": "bigint", "boolean": "boolean", "date": "varchar", "instant": "timestamptz"},
}  # fmt: skip


def snake_case(name: str) -> str:
    """StageName as stage_name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def table_name(name: str, loader: str) -> str:
    """What a loader calls an object's table."""
    if loader == "airbyte":
        return name
    return "sf_user" if (loader, name) == ("dlt", "User") else snake_case(name)


def column_name(name: str, loader: str) -> str:
    """What a loader calls a field's column."""
    if loader in ("airbyte", "fivetran_original_case"):
        return name
    return snake_case(name).replace("__c", "_c") if loader == "fivetran" else snake_case(name)


def epoch_milliseconds(day: str | None) -> str | None:
    """A date as dlt leaves it."""
    return day and str(int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1000)


def opportunity_rows(company: Company) -> list[dict]:
    """The deals as they are now, with what Salesforce works out for itself."""
    outcomes = {row["stage_id"]: row["outcome"] for row in company["stages"]}
    rows = []
    for deal in company["deals"]:
        outcome = outcomes.get(deal["stage_id"], "open")
        category, category_name = CATEGORIES[deal["forecast_category"]]
        rows.append({
            "Id": deal["deal_id"], "IsDeleted": deal["is_deleted"], "AccountId": deal["account_id"],
            "RecordTypeId": deal["pipeline_id"], "Name": deal["name"], "StageName": deal["stage_id"],
            "Amount": deal["amount"], "Probability": deal["probability"], "CloseDate": deal["close_date"],
            "Type": deal["deal_type"], "LeadSource": deal["lead_source"],
            "IsClosed": "false" if outcome == "open" else "true", "IsWon": "true" if outcome == "won" else "false",
            "ForecastCategory": category, "ForecastCategoryName": category_name, "CurrencyIsoCode": deal["currency"],
            "OwnerId": deal["owner_id"], "CreatedDate": deal["created_at"], "LastModifiedDate": deal["updated_at"],
            "SystemModstamp": deal["updated_at"], "loaded": deal["loaded_at"],
        })  # fmt: skip
    return rows


def history_rows(company: Company) -> tuple[list[dict], list[dict]]:
    """OpportunityHistory and OpportunityFieldHistory of a fitted log, the second telling part of the first again."""
    names = {row["rep_id"]: row["name"] for row in company["sales_reps"]}
    names |= {row["pipeline_id"]: row["pipeline_name"] for row in company["stages"]}
    changes_of: dict[str, list[dict]] = {}
    for change in company["deal_changes"]:
        changes_of.setdefault(change["deal_id"], []).append(change)
    snapshots: list[dict] = []
    field_changes: list[dict] = []
    extra = 5_000_000  # numbers of field history rows that the fitted log does not name

    def add_snapshot(deal: dict, state: dict, at: str, row_id: str, before: dict | None) -> None:
        snapshots.append({
            "Id": row_id, "OpportunityId": deal["deal_id"], "CreatedDate": at, "StageName": state["stage_id"],
            "Amount": state["amount"], "CloseDate": state["close_date"], "Probability": state["probability"],
            "ForecastCategory": CATEGORIES[state["forecast_category"]][0], "CurrencyIsoCode": state["currency"],
            "PrevAmount": before and before["amount"], "PrevCloseDate": before and before["close_date"],
            "IsDeleted": deal["is_deleted"], "loaded": deal["loaded_at"],
        })  # fmt: skip

    def add_field_change(deal: dict, change: dict, field: str, row_id: str, values: list, data_type: str) -> None:
        field_changes.append({
            "Id": row_id, "OpportunityId": deal["deal_id"], "CreatedDate": change["changed_at"], "Field": field,
            "DataType": data_type, "OldValue": values[0], "NewValue": values[1], "IsDeleted": deal["is_deleted"],
            "loaded": deal["loaded_at"],
        })  # fmt: skip

    first = 5_000_000
    for deal in company["deals"]:
        changes = changes_of.get(deal["deal_id"], [])
        state = {field: deal[field] for field in LOGGED_FIELDS}
        for change in reversed(changes):
            state[change["field"]] = change["old_value"]
        first += 1
        add_snapshot(deal, state, deal["created_at"], salesforce_id("deal_snapshots", first), None)
        add_field_change(
            deal, {"changed_at": deal["created_at"]}, "created", salesforce_id("field_changes", extra := extra + 1),
            [None, None], "Text",
        )  # fmt: skip
        for position, change in enumerate(changes):
            before = dict(state)
            state[change["field"]] = change["new_value"]
            values = [change["old_value"], change["new_value"]]
            field = {
                "stage_id": "StageName", "amount": "Amount", "close_date": "CloseDate", "owner_id": "Owner",
                "pipeline_id": "RecordType", "forecast_category": "ForecastCategoryName",
            }.get(change["field"])  # fmt: skip
            is_told_twice = change["change_id"].startswith(KEY_PREFIXES["deal_snapshots"])
            row_id = salesforce_id("field_changes", extra := extra + 1) if is_told_twice else change["change_id"]
            if change["field"] in ("owner_id", "pipeline_id"):
                by_name = [value and names.get(value) for value in values]
                add_field_change(
                    deal, change, field, salesforce_id("field_changes", extra := extra + 1), by_name, "Text"
                )
                add_field_change(deal, change, field, row_id, values, "EntityId")
            elif change["field"] == "forecast_category":
                add_field_change(deal, change, field, row_id, [CATEGORIES[one][1] for one in values], "DynamicEnum")
            elif field:
                add_field_change(deal, change, field, row_id, values, "Text")
            following = changes[position + 1]["change_id"] if position + 1 < len(changes) else None
            if is_told_twice and following != change["change_id"]:
                add_snapshot(deal, state, change["changed_at"], change["change_id"], before)
    return snapshots, field_changes


def stage_rows(company: Company) -> list[dict]:
    """OpportunityStage: each label once; stages that no deal is in now are not active any more."""
    used = {deal["stage_id"] for deal in company["deals"]}
    rows = []
    for number, stage in enumerate((row for row in company["stages"] if not row["pipeline_id"]), start=1):
        category = CATEGORY_OF_OUTCOME[stage["outcome"]]
        rows.append({
            "Id": salesforce_id("stages", number), "MasterLabel": stage["stage_name"], "ApiName": stage["stage_id"],
            "IsActive": "true" if stage["stage_id"] in used else "false", "SortOrder": stage["stage_order"],
            "IsClosed": "false" if stage["outcome"] == "open" else "true",
            "IsWon": "true" if stage["outcome"] == "won" else "false", "ForecastCategory": CATEGORIES[category][0],
            "ForecastCategoryName": CATEGORIES[category][1], "DefaultProbability": stage["probability"],
        })  # fmt: skip
    return rows


def user_rows(company: Company) -> tuple[list[dict], list[dict], list[dict]]:
    """User as it is now, UserRole (a role per team), and the former versions of users."""
    teams = sorted({row["team"] for table in ("sales_reps", "rep_teams") for row in company[table] if row["team"]})
    role_ids = {team: salesforce_id("roles", number) for number, team in enumerate(teams, start=1)}
    former: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(company["rep_teams"], key=lambda row: row["valid_from"]):
        former.setdefault(row["rep_id"], []).append((instant(row["valid_from"]), row["team"]))
    users, versions = [], []
    for rep in company["sales_reps"]:
        first_name, _, last_name = rep["name"].partition(" ")
        user = {
            "Id": rep["rep_id"], "FirstName": first_name, "LastName": last_name, "Name": rep["name"],
            "Email": rep["email"], "IsActive": rep["is_active"], "UserRoleId": role_ids.get(rep["team"]),
            "ManagerId": rep["manager_id"], "Hired_On__c": rep["hired_date"], "SystemModstamp": rep["updated_at"],
            "loaded": rep["loaded_at"],
        }  # fmt: skip
        users.append(user)
        starts = former.get(rep["rep_id"], [])
        for position, (start, team) in enumerate(starts):
            end = starts[position + 1][0] if position + 1 < len(starts) else rep["updated_at"]
            versions.append(user | {"UserRoleId": role_ids[team], "start": start, "end": end})
    roles = [{"Id": role_id, "Name": team} for team, role_id in role_ids.items()]
    return users, roles, versions


def lead_rows(company: Company) -> tuple[list[dict], dict[str, dict]]:
    """Lead, and {lead: its row}. A converted lead has a contact of its own."""
    rows = {}
    for number, lead in enumerate(company["leads"], start=1):
        converted_at = lead["converted_at"]
        rows[lead["lead_id"]] = {
            "Id": lead["lead_id"], "IsDeleted": lead["is_deleted"], "MasterRecordId": lead["merged_into_lead_id"],
            "LeadSource": lead["source"], "Status": lead["status"], "OwnerId": lead["owner_id"] or QUEUE_ID,
            "IsConverted": "true" if converted_at else "false", "ConvertedDate": converted_at and converted_at[:10],
            "ConvertedAccountId": lead["converted_account_id"],
            "ConvertedContactId": salesforce_id("contacts", number) if converted_at else None,
            "ConvertedOpportunityId": lead["converted_deal_id"], "Segment__c": lead["segment"],
            "Sales_Region__c": lead["region"], "Qualified_At__c": lead["qualified_at"],
            "Converted_At__c": converted_at, "CreatedDate": lead["created_at"], "SystemModstamp": lead["updated_at"],
            "loaded": lead["loaded_at"],
        }  # fmt: skip
    return list(rows.values()), rows


def activity_rows(company: Company, leads: dict[str, dict]) -> tuple[list[dict], list[dict]]:
    """Task and Event. The activities of a converted lead are its contact's."""
    last = newest_load(company)
    tasks, events = [], []
    for row in company["activities"]:
        lead = leads.get(row["lead_id"], {})
        is_completed = row["is_completed"] == "true"
        common = {
            "Id": row["activity_id"], "WhoId": lead.get("ConvertedContactId") or row["lead_id"],
            "WhatId": row["deal_id"] or lead.get("ConvertedAccountId"), "OwnerId": row["owner_id"],
            "IsDeleted": "false", "IsRecurrence": "false", "Direction__c": row["direction"],
            "Is_Automated__c": row["is_automated"], "CreatedDate": min(instant(row["occurred_at"]), last),
            "SystemModstamp": instant(row["loaded_at"]), "loaded": row["loaded_at"],
            "ActivityDate": row["occurred_at"][:10],
        }  # fmt: skip
        if is_event(row, last):
            end = datetime.fromisoformat(row["occurred_at"].replace("Z", "+00:00")) + timedelta(minutes=45)
            events.append(common | {
                "Subject": "Meeting", "ActivityDateTime": row["occurred_at"], "StartDateTime": row["occurred_at"],
                "EndDateTime": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "IsAllDayEvent": "false",
            })  # fmt: skip
        else:
            # What Salesforce's own fields say needs no custom field
            standard = {"call": (row["direction"] or "internal").title()}.get(row["type"])
            is_plain = standard or (row["type"] == "email" and row["direction"] == "outbound")
            tasks.append(common | {
                "Subject": row["type"].title(), "Status": "Completed" if is_completed else "Not Started",
                "IsClosed": row["is_completed"], "CallType": standard,
                "Direction__c": None if is_plain else row["direction"],
                "TaskSubtype": row["type"].title() if row["type"] in ("call", "email") else "Task",
                "Type": row["type"].title() if row["type"] == "meeting" else None,
                "CompletedDateTime": row["occurred_at"] if is_completed else None,
            })  # fmt: skip
    return tasks, events


def quota_rows(company: Company) -> tuple[list[dict], list[dict]]:
    """ForecastingQuota and ForecastingType: beside the revenue a type with quantities, and one that few use."""
    revenue, quantity, products = (salesforce_id("forecasting_types", number) for number in (1, 2, 3))
    types = [
        {"Id": type_id, "DeveloperName": name, "MasterLabel": name, "IsActive": "true"}
        for type_id, name in (
            (revenue, "OpportunityRevenue"), (quantity, "OpportunityQuantity"), (products, "ProductFamilyRevenue"),
        )
    ]  # fmt: skip
    rows = []

    def add(quota: dict, type_id: str, **values: str | None) -> None:
        rows.append({
            "Id": salesforce_id("quotas", len(rows) + 1), "QuotaOwnerId": quota["rep_id"],
            "StartDate": quota["quota_month"][:10], "IsAmount": "true", "IsQuantity": "false",
            "CurrencyIsoCode": quota["currency"], "ForecastingTypeId": type_id,
            "SystemModstamp": instant(quota["loaded_at"]), "loaded": quota["loaded_at"],
        } | values)  # fmt: skip

    for number, quota in enumerate(company["quotas"]):
        if number % 10 == 0:  # a quota that is split
            part = str(round(float(quota["amount"]) / 4, 2))
            rest = str(Decimal(quota["amount"]) - Decimal(part))
            add(quota, revenue, QuotaAmount=part, ProductFamily="Services")
            add(quota, revenue, QuotaAmount=rest, ProductFamily="Software")
        else:
            add(quota, revenue, QuotaAmount=quota["amount"])
        add(quota, quantity, QuotaQuantity="12", IsAmount="false", IsQuantity="true")
        if number % 3 == 0:
            add(quota, products, QuotaAmount=quota["amount"])
    return rows, types


def rate_rows(company: Company) -> tuple[list[dict], list[dict]]:
    """DatedConversionRate and CurrencyType."""
    rates: dict[str, list[dict]] = {}
    for row in sorted(company["fx_rates"], key=lambda row: row["rate_date"]):
        rates.setdefault(row["currency"], []).append(row)
    dated, currencies = [], []
    for number, (currency, found) in enumerate(rates.items(), start=2):
        for row, following in zip(found, [*found[1:], None], strict=True):
            dated.append({
                "Id": salesforce_id("rates", len(dated) + 1), "IsoCode": currency,
                "ConversionRate": f"{1 / Decimal(row['rate']):.6f}", "StartDate": row["rate_date"][:10],
                "NextStartDate": following["rate_date"][:10] if following else "9999-12-31",
                "loaded": row["loaded_at"],
            })  # fmt: skip
        currencies.append({
            "Id": salesforce_id("currencies", number), "IsoCode": currency,
            "ConversionRate": dated[-1]["ConversionRate"], "IsCorporate": "false",
        })  # fmt: skip
    corporate = {
        "Id": salesforce_id("currencies", 1), "IsoCode": REPORTING_CURRENCY, "ConversionRate": "1",
        "IsCorporate": "true",
    }  # fmt: skip
    return dated, [corporate | {"DecimalPlaces": "2", "IsActive": "true"}, *currencies]


def former_opportunities(rows: list[dict]) -> list[dict]:
    """A version of each deal as it was before its last change, that would multiply every figure if it counted."""
    return [
        row
        | {
            "Amount": "987654", "IsDeleted": "false", "SystemModstamp": row["CreatedDate"],
            "LastModifiedDate": row["CreatedDate"], "start": row["CreatedDate"], "end": row["SystemModstamp"],
        }
        for row in rows
    ]  # fmt: skip


def raw_tables(company: Company, loader: str) -> dict[str, RawTable]:
    """{name: RawTable} of a company that was fitted to Salesforce and to this loader."""
    opportunities = opportunity_rows(company)
    snapshots, field_changes = history_rows(company)
    users, roles, former_users = user_rows(company)
    leads, leads_by_id = lead_rows(company)
    tasks, events = activity_rows(company, leads_by_id)
    quotas, quota_types = quota_rows(company)
    rates, currencies = rate_rows(company)
    pipelines = {row["pipeline_id"]: row["pipeline_name"] for row in company["stages"] if row["pipeline_id"]}
    accounts = [
        {
            "Id": row["account_id"], "IsDeleted": "false", "Name": row["name"], "Industry": row["industry"],
            "BillingCountry": "Elsewhere", "Segment__c": row["segment"], "Sales_Region__c": row["region"],
            "CreatedDate": row["created_at"], "SystemModstamp": row["updated_at"], "loaded": row["loaded_at"],
        }
        for row in company["accounts"]
    ]  # fmt: skip
    other_record_type = {"Id": salesforce_id("pipelines", 99), "Name": "Business account", "SobjectType": "Account"}
    records = {
        "Opportunity": opportunities,
        "OpportunityStage": stage_rows(company),
        "RecordType": [
            {"Id": pipeline, "Name": name, "SobjectType": "Opportunity", "IsActive": "true"}
            for pipeline, name in pipelines.items()
        ] + [other_record_type],
        "OpportunityHistory": snapshots,
        "OpportunityFieldHistory": field_changes,
        "Account": accounts,
        "User": users,
        "UserRole": roles,
        "Lead": leads,
        "Task": tasks,
        "Event": events,
        "ForecastingQuota": quotas,
        "ForecastingType": quota_types,
        "DatedConversionRate": rates,
        "CurrencyType": currencies,
    }  # fmt: skip
    if loader == "dlt":
        records = {name: rows for name, rows in records.items() if name in DLT_OBJECTS}
    if loader == "airbyte":  # appended, not replaced
        records["Opportunity"] = former_opportunities(opportunities[:50]) + opportunities
    if loader == "fivetran":
        records["Opportunity"] = in_history_mode(opportunities, former_opportunities(opportunities))
        records["User"] = in_history_mode(users, former_users)
    tables = {
        table_name(name, loader): raw_table(name, rows, loader, instant(newest_load(company)))
        for name, rows in records.items()
    }
    if loader == "dlt":
        tables["_dlt_loads"] = RawTable(
            {"load_id": "varchar", "schema_name": "varchar", "status": "bigint", "inserted_at": "timestamptz"},
            [("1766199600.123456", "salesforce", "0", "2025-12-20T03:00:00Z")],
        )
    return tables


def in_history_mode(rows: list[dict], former: list[dict]) -> list[dict]:
    """Former and present versions in one table. Of a deleted record none is active, though its last one was good."""
    versions = [row | {"active": "false"} for row in former]
    starts = {row["Id"]: row["start"] for row in sorted(former, key=lambda row: row["start"])}
    for row in rows:
        is_gone = row.get("IsDeleted") == "true"
        start = max(row["SystemModstamp"], starts.get(row["Id"], ""))
        versions.append(
            row
            | {
                "active": "false" if is_gone else "true",
                "start": start,
                "end": "2025-12-19T23:00:00Z" if is_gone else "9999-12-31T23:59:59Z",
            }
            | ({"IsDeleted": "false"} if is_gone else {})
        )
    return versions


def raw_table(name: str, rows: list[dict], loader: str, newest: str) -> RawTable:
    """The rows of an object as a loader's table, with the loader's own columns."""
    fields = OBJECTS[name]
    types = TYPES[loader] | {"text": "varchar"}
    if loader == "dlt":  # what was always empty has no column
        fields = {field: kind for field, kind in fields.items() if any(row.get(field) is not None for row in rows)}
    columns = {column_name(field, loader): types[kind] for field, kind in fields.items()}
    if loader.startswith("fivetran"):
        columns["_fivetran_synced"] = "timestamptz"
        if name in ("User", "UserRole"):
            columns["_fivetran_deleted"] = "boolean"
        if loader == "fivetran" and name in HISTORY_MODE_OBJECTS:
            columns |= {"_fivetran_active": "boolean", "_fivetran_start": "timestamptz", "_fivetran_end": "timestamptz"}
    elif loader == "airbyte":
        columns |= {
            "_airbyte_raw_id": "varchar", "_airbyte_extracted_at": "timestamptz", "_airbyte_meta": "json",
            "_airbyte_generation_id": "bigint",
        }  # fmt: skip
    else:
        columns |= {"_dlt_load_id": "varchar", "_dlt_id": "varchar"}

    def values(number: int, row: dict) -> tuple:
        loaded = instant(row.get("loaded") or newest)
        own = [row.get(field) for field in fields]
        if loader == "dlt":
            own = [
                epoch_milliseconds(value) if kind == "date" else value
                for value, kind in zip(own, fields.values(), strict=True)
            ]
            return (*own, str(datetime.fromisoformat(loaded.replace("Z", "+00:00")).timestamp()), f"{name}{number}")
        if loader == "airbyte":
            return (*own, f"{name}-{number}", loaded, '{"changes": [], "sync_id": 1}', "1")
        own.append(loaded)
        if "_fivetran_deleted" in columns:
            own.append("false")
        if "_fivetran_active" in columns:
            own += [row["active"], row["start"], row["end"]]
        return tuple(own)

    return RawTable(columns, [values(number, row) for number, row in enumerate(rows)])


def dbt_vars(loader: str) -> dict:
    """The vars that a build needs beside crm_sources and the schema: where the custom fields are."""
    return {"salesforce_columns": dict(CUSTOM_FIELDS)}
