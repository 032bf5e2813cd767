"""Which doubts about used records the audit lists, on companies written by hand; the oracle agrees with each."""

import pytest
from builds import differences_from_oracle
from company import Company
from records import TABLES

STAGES = [
    {"stage_id": "new", "stage_name": "New", "stage_order": "1", "outcome": "open"},
    {"stage_id": "won", "stage_name": "Won", "stage_order": "2", "outcome": "won"},
]
DEAL = {"deal_id": "D1", "stage_id": "new", "amount": "10", "created_at": "2025-03-01", "close_date": "2025-05-01"}


@pytest.fixture
def warnings_of(checker):
    """warnings_of(table=rows, ...) = sorted (table, record, column, value) of the unreadable values of a company."""

    def build(**tables):
        tables = dict.fromkeys(TABLES) | {"stages": STAGES, "deals": [DEAL]} | tables
        columns = {table: (*TABLES[table].columns, "loaded_at") for table in TABLES}
        company = Company(tables, columns, {"as_of_date": "2025-06-30", "earliest_date": "2024-01-01"})
        with checker.models(company.variables).build_company(company) as connection:
            assert differences_from_oracle(company, connection) == []
            return connection.execute(
                "select table_name, record_id, column_name, column_value from audit.audit_warnings"
                " where warning = 'unreadable_value' order by all"
            ).fetchall()

    return build


def test_an_unreadable_arrival_is_listed_in_every_table(warnings_of):
    rep_team = {"rep_id": "R1", "team": "East", "valid_from": "2025-01-01", "loaded_at": "soon"}
    rate = {"currency": "eur", "rate_date": "2025-01-01", "rate": "1.1", "loaded_at": "later"}
    future = {"rate_date": "2025-07-01", "valid_from": "2025-07-01"}
    found = warnings_of(rep_teams=[rep_team, rep_team | future], fx_rates=[rate, rate | future])
    assert found == [("fx_rates", "EUR|2025-01-01", "loaded_at", "later"), ("rep_teams", "R1", "loaded_at", "soon")]


def test_a_qualification_before_the_earliest_date_is_listed(warnings_of):
    lead = {"lead_id": "L1", "created_at": "2025-03-01", "qualified_at": "0001-01-01"}
    found = warnings_of(leads=[lead, lead | {"lead_id": "L2", "is_deleted": "true"}, lead | {"lead_id": "L3", "qualified_at": ""}])
    assert found == [("leads", "L1", "qualified_at", "0001-01-01")]


def test_a_doubt_that_records_of_one_id_share_is_listed_once(warnings_of):
    change = {"deal_id": "D1", "field": "amount", "old_value": "10", "new_value": "lots"}
    log = [change | {"changed_at": f"2025-04-0{day}"} for day in (1, 2)] + [change | {"changed_at": "2025-04-03", "new_value": "more"}]
    spend = {"spend_month": "2025-04-01", "category": "sales", "amount": "lots"}
    found = warnings_of(deal_changes=log, sales_spend=[spend, spend | {"lead_source": "Web"}])
    assert found == [
        ("deal_changes", "D1", "new_value", "lots"),
        ("deal_changes", "D1", "new_value", "more"),
        ("sales_spend", "2025-04-01|sales", "amount", "lots"),
    ]
