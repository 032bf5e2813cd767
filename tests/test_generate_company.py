"""The demo company: the committed seeds are what the generator writes, and every kind of dirt is in them."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[1]


def load_generator() -> ModuleType:
    """Return scripts/generate_company.py as a module. Raises FileNotFoundError if it is not there."""
    spec = importlib.util.spec_from_file_location(
        "generate_company", PROJECT / "scripts" / "generate_company.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_company"] = module
    spec.loader.exec_module(module)
    return module


company = load_generator()


@pytest.fixture(scope="module")
def demo() -> duckdb.DuckDBPyConnection:
    """Return a connection with the committed seeds as text tables; blank text is NULL, spaces are kept."""
    connection = duckdb.connect()
    for table, columns in company.COLUMNS.items():
        path = PROJECT / "seeds" / f"demo_{table}.csv"
        names = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
        connection.execute(
            f"create table {table} as select * from read_csv('{path.as_posix()}', header = true, "
            f"auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{names}}})"
        )
    return connection


def test_committed_seeds_are_what_the_generator_writes(tmp_path: Path) -> None:
    written = company.write_company(tmp_path, prefix="demo_")
    assert {path.name for path in written} == {f"demo_{table}.csv" for table in company.COLUMNS}
    for path in written:
        content = path.read_bytes()
        assert content == (PROJECT / "seeds" / path.name).read_bytes(), path.name
        assert b"\r" not in content
        assert len(content) < 1_200_000


def test_another_seed_makes_another_company(tmp_path: Path) -> None:
    company.write_company(tmp_path, seed=1, prefix="demo_")
    assert (tmp_path / "demo_deals.csv").read_bytes() != (PROJECT / "seeds" / "demo_deals.csv").read_bytes()


def test_seeds_have_the_columns_of_the_contract_in_every_row() -> None:
    for table, columns in company.COLUMNS.items():
        with (PROJECT / "seeds" / f"demo_{table}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == columns
        assert {len(row) for row in rows} == {len(columns)}


def test_parquet_company_has_all_tables_as_text(tmp_path: Path) -> None:
    company.write_company(tmp_path, deals=2000, file_format="parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{t}.parquet" for t in company.COLUMNS)
    for table, columns in company.COLUMNS.items():
        described = duckdb.sql(f"describe select * from '{(tmp_path / table).as_posix()}.parquet'").fetchall()
        assert [(row[0], row[1]) for row in described] == [(name, "VARCHAR") for name in columns]
    deals = duckdb.sql(f"select count(distinct deal_id) from '{tmp_path.as_posix()}/deals.parquet'")
    assert deals.fetchone() == (2000,)


def test_parquet_and_csv_of_several_chunks_hold_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "CHUNK_DEALS", 700)
    company.write_company(tmp_path / "one", deals=1400, file_format="csv", workers=1)
    company.write_company(tmp_path / "two", deals=1400, file_format="parquet", workers=1)
    for table in company.COLUMNS:
        csv_rows = f"read_csv('{tmp_path.as_posix()}/one/{table}.csv', all_varchar = true)"
        parquet_rows = f"'{tmp_path.as_posix()}/two/{table}.parquet'"
        difference = duckdb.sql(f"select count(*) from (from {csv_rows} except all from {parquet_rows})")
        assert difference.fetchone() == (0,), table


def test_a_company_too_small_for_its_dirt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        company.write_company(tmp_path, deals=company.MINIMUM_DEALS - 1)


def test_newest_event_is_on_the_last_day(demo: duckdb.DuckDBPyConnection) -> None:
    newest = demo.sql("""
        with events as (
            select created_at as event_at from deals
            union all select changed_at from deal_changes
            union all select occurred_at from activities
                where lower(coalesce(is_completed, 'true')) in ('true', 't', 'yes', '1')
            union all select unnest([created_at, qualified_at, converted_at]) from leads
        )
        select max(try_cast(event_at as timestamptz) at time zone 'UTC')::date from events
        where event_at < '2900'
    """)
    assert newest.fetchone() == (company.LAST_DATE,)


def test_log_ends_in_the_current_row_but_for_the_deliberate_deals() -> None:
    """Each chunk before its dirt: every chain of old and new values is unbroken and ends in the row."""
    staff = company.Staff(company.DEMO_DEALS, company.DEFAULT_SEED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "add_dirt", lambda chunk: None)
        chunk = company.Chunk(0, company.DEMO_DEALS, company.DEFAULT_SEED, staff)
    deals = {row[0]: dict(zip(company.COLUMNS["deals"], row, strict=True)) for row in chunk.tables["deals"]}
    value: dict[tuple[str, str], str] = {}
    for _, deal_id, field, old, new, *_ in chunk.tables["deal_changes"]:
        assert value.get((deal_id, field), old) == old
        value[deal_id, field] = new
    for (deal_id, field), last in value.items():
        current = deals[deal_id][field]
        assert (current or "false" if field == "is_deleted" else current) == last


# One query per kind: how many records of it the seeds hold. A kind may also occur by itself.
CLOSED = "(select * from deals join stages using (pipeline_id, stage_id) where lower(outcome) <> 'open')"
READABLE = "try_cast({} as timestamptz) is null and {} is not null"
DIRT_FOUND = {
    "deal_exact_duplicate": "from (select * from deals group by all having count(*) > 1)",
    "deal_older_version": "from deals d join deals e using (deal_id) where d.updated_at < e.updated_at",
    "deal_same_updated_at": """from deals d join deals e using (deal_id, updated_at)
        where d.loaded_at < e.loaded_at""",
    "deal_same_updated_and_loaded_at": """from deals d join deals e using (deal_id, updated_at, loaded_at)
        where d.name < e.name""",
    "deal_deleted_without_log": """from deals where lower(is_deleted) in ('true', 't', 'yes', '1')
        and deal_id not in (select deal_id from deal_changes where field = 'is_deleted')""",
    "deal_merged": "from deals where merged_into_deal_id in (select deal_id from deals)",
    "deal_without_amount": f"from {CLOSED} where amount is null",
    "deal_unreadable_amount": "from deals where amount is not null and try_cast(amount as double) is null",
    "deal_unreadable_created_at": f"from deals where {READABLE.format('created_at', 'created_at')}",
    "deal_unreadable_close_date": f"from deals where {READABLE.format('close_date', 'close_date')}",
    "deal_unreadable_boolean": "from deals where is_deleted = 'maybe'",
    "deal_without_id": "from deals where deal_id is null",
    "deal_without_created_at": "from deals where created_at is null",
    "deal_without_stage": "from deals where stage_id is null",
    "deal_unknown_stage": "from deals where stage_id not in (select stage_id from stages)",
    "deal_ambiguous_stage": """from deals where pipeline_id is null and
        (select count(*) from stages where stages.stage_id = deals.stage_id) > 1""",
    "deal_currency_without_rate": """from deals where currency <> 'USD'
        and currency not in (select currency from fx_rates)""",
    "deal_closed_before_created": f"from {CLOSED} where close_date < created_at[:10] and created_at < '2900'",
    "deal_closed_in_future": f"from {CLOSED} where close_date > '2025-12-19' and close_date < '2900'",
    "deal_before_2000": "from deals where created_at < '2000'",
    "deal_in_2999": "from deals where created_at[:4] = '2999'",
    "deal_unknown_owner": "from deals where owner_id not in (select rep_id from sales_reps)",
    "deal_unknown_account": "from deals where account_id not in (select account_id from accounts)",
    "deal_probability_out_of_range": "from deals where probability::double not between 0 and 100",
    "deal_negative_amount": "from deals where try_cast(amount as double) < 0",
    "deal_close_date_with_time": "from deals where regexp_matches(close_date, '[0-9]:[0-9]')",
    "deal_created_with_offset": "from deals where regexp_matches(created_at, '[+-][0-9]{2}:00$')",
    "deal_awkward_name": "from deals where regexp_matches(name, '[,\"\n]|[^\\x00-\\x{24F}]')",
    "deal_blank_text": "from deals where lead_source <> trim(lead_source) or deal_type <> trim(deal_type)",
    "deal_mixed_case": "from deals where forecast_category <> lower(forecast_category)",
    "log_exact_duplicate": "from (select * from deal_changes group by all having count(*) > 1)",
    # its closing is missing, and so is its last stage
    "log_without_closing_stage": f"""from {CLOSED} closed where deal_id in (select deal_id from deal_changes
        where lower(field) = 'stage_id') and stage_id not in (select new_value from deal_changes
        where lower(field) = 'stage_id' and deal_id = closed.deal_id)""",
    "log_without_closing_instant": f"""from {CLOSED} closed where close_date <> (select arg_max(new_value,
        changed_at) from deal_changes where field = 'close_date' and deal_id = closed.deal_id)""",
    "log_without_any_stage": f"""from {CLOSED} where deal_id in (select deal_id from deal_changes)
        and deal_id not in (select deal_id from deal_changes where lower(field) = 'stage_id')""",
    "log_row_disagrees": """from (select deal_id, field, arg_max(new_value, changed_at) as new_value
        from deal_changes where changed_at < '2900' group by all) as log join (unpivot (select deal_id,
        owner_id, amount, stage_id, close_date from deals where deal_id not in (select deal_id from deals
        group by 1 having count(*) > 1)) on columns(* exclude deal_id) into name field value current) as now
        using (deal_id, field) where now.current <> log.new_value""",
    "log_other_field": "from deal_changes where field in ('next_step', 'description')",
    "log_orphan": """from deal_changes
        where deal_id not in (select deal_id from deals where deal_id is not null)""",
    "log_same_instant_numbered": """from deal_changes a join deal_changes b using (deal_id, field, changed_at)
        where a.change_id::bigint < b.change_id::bigint and a.change_id > b.change_id""",
    "log_same_instant_chain": """from deal_changes a join deal_changes b using (deal_id, field, changed_at)
        where a.change_id is null and b.change_id is null and a.new_value = b.old_value""",
    "log_same_instant_no_chain": """from deal_changes a join deal_changes b using (deal_id, field, changed_at)
        where a.change_id is null and b.change_id is null and a.old_value = b.old_value
        and a.new_value < b.new_value""",
    "log_removed_stage": f"from deal_changes where new_value = '{company.REMOVED_STAGE}'",
    "log_unreadable_time": f"from deal_changes where {READABLE.format('changed_at', 'changed_at')}",
    "log_unreadable_amount": """from deal_changes where field = 'amount' and deal_id not in
        (select deal_id from deals where try_cast(amount as double) is null)
        and try_cast(new_value as double) is null""",
    "log_mixed_case": "from deal_changes where field <> lower(field)",
    "log_in_2999": "from deal_changes where changed_at[:4] = '2999'",
    "lead_exact_duplicate": "from (select * from leads group by all having count(*) > 1)",
    "lead_older_version": "from leads a join leads b using (lead_id) where a.updated_at < b.updated_at",
    "lead_deleted": "from leads where lower(is_deleted) in ('true', 't', 'yes', '1')",
    "lead_merged": "from leads where merged_into_lead_id in (select lead_id from leads)",
    "lead_without_created_at": "from leads where created_at is null",
    "lead_before_2000": "from leads where created_at < '2000'",
    "lead_in_2999": "from leads where created_at[:4] = '2999'",
    "lead_unreadable_qualified_at": f"from leads where {READABLE.format('qualified_at', 'qualified_at')}",
    "lead_unknown_deal": """from leads
        where converted_deal_id not in (select deal_id from deals where deal_id is not null)""",
    "lead_deal_without_conversion": "from leads where converted_deal_id is not null and converted_at is null",
    "lead_created_with_offset": "from leads where regexp_matches(created_at, '[+-][0-9]{2}:00$')",
    "lead_blank_text": """from leads
        where region <> trim(region) or segment <> trim(segment) or source <> trim(source)""",
    "activity_exact_duplicate": "from (select * from activities group by all having count(*) > 1)",
    "activity_without_instant": "from activities where occurred_at is null",
    "activity_unreadable_boolean": "from activities where is_completed = 'done?'",
    "activity_before_2000": "from activities where occurred_at < '2000'",
    "activity_in_2999": "from activities where occurred_at[:4] = '2999' and is_completed = 'true'",
    "activity_unknown_lead": "from activities where lead_id not in (select lead_id from leads)",
    "activity_unknown_deal": """from activities
        where deal_id not in (select deal_id from deals where deal_id is not null)""",
    "activity_mixed_case": """from activities where type <> lower(type) or direction <> lower(direction)
        or is_completed <> lower(is_completed) or is_automated <> lower(is_automated)""",
    "activity_with_offset": "from activities where regexp_matches(occurred_at, '[+-][0-9]{2}:00$')",
    "activity_unknown_type": """from activities
        where lower(type) not in ('call', 'email', 'meeting', 'task', 'note')""",
    "account_exact_duplicate": "from (select * from accounts group by all having count(*) > 1)",
    "account_older_version": """from accounts a join accounts b using (account_id)
        where a.updated_at < b.updated_at""",
    "account_awkward_name": "from accounts where regexp_matches(name, '[,\"\n]|[^\\x00-\\x{24F}]')",
    "account_blank_text": """from accounts
        where region <> trim(region) or segment <> trim(segment) or industry <> trim(industry)""",
}
SMALL_TABLE_DIRT = {
    "rate into another currency": "from fx_rates where coalesce(to_currency, 'USD') <> 'USD'",
    "rate without target": "from fx_rates where to_currency is null",
    "unreadable rate": "from fx_rates where try_cast(rate as double) is null",
    "rate in the future": "from fx_rates where rate_date > '2025-12-19'",
    "rate twice": "from (select * from fx_rates group by all having count(*) > 1)",
    "contradicting rate": """from fx_rates a join fx_rates b using (currency, rate_date, to_currency)
        where a.rate < b.rate""",
    "quota twice": "from (select * from quotas group by all having count(*) > 1)",
    "contradicting quota": """from quotas a join quotas b using (rep_id, quota_month)
        where a.amount < b.amount""",
    "unreadable quota": "from quotas where try_cast(amount as double) is null",
    "quota of nobody": "from quotas where rep_id not in (select rep_id from sales_reps)",
    "team of nobody": "from rep_teams where rep_id not in (select rep_id from sales_reps)",
    "team row twice": "from (select * from rep_teams group by all having count(*) > 1)",
    "rep without a quota": "from sales_reps where rep_id not in (select rep_id from quotas)",
    "spend twice": "from (select * from sales_spend group by all having count(*) > 1)",
    "equal spend with another id": """from sales_spend a join sales_spend b
        using (spend_month, category, lead_source, amount, currency) where a.spend_id < b.spend_id""",
    "spend without source": "from sales_spend where lead_source is null",
    "spend in the future": "from sales_spend where spend_month > '2025-12-19'",
    "spend in mixed case": "from sales_spend where category <> lower(category)",
    "older version of a rep": """from sales_reps a join sales_reps b using (rep_id)
        where a.updated_at < b.updated_at""",
    "outcome in mixed case": "from stages where outcome <> lower(outcome)",
    "stage without a pipeline": "from stages where pipeline_id is null",
    "deal without a pipeline": "from deals where pipeline_id is null",
    "two leads on one deal": """from (select 1 from leads where converted_deal_id is not null
        group by converted_deal_id having count(distinct lead_id) > 1)""",
    "converted without a deal": "from leads where converted_at is not null and converted_deal_id is null",
    "planned activity": "from activities where occurred_at > '2025-12-20' and is_completed = 'false'",
    "restored deal": "from deal_changes where field = 'is_deleted' and new_value = 'false'",
    "pipeline change with a stage change": """from deal_changes a join deal_changes b
        using (deal_id, changed_at) where a.field = 'pipeline_id' and b.field = 'stage_id'""",
}


def test_every_kind_of_dirt_has_a_query() -> None:
    assert DIRT_FOUND.keys() == company.DIRT.keys()


@pytest.mark.parametrize("kind", DIRT_FOUND)
def test_dirt_is_present(demo: duckdb.DuckDBPyConnection, kind: str) -> None:
    found = demo.sql(f"select count(*) {DIRT_FOUND[kind]}").fetchone()[0]
    assert found >= company.DIRT[kind]


@pytest.mark.parametrize("kind", SMALL_TABLE_DIRT)
def test_peculiarity_of_the_small_tables_is_present(demo: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert demo.sql(f"select count(*) {SMALL_TABLE_DIRT[kind]}").fetchone()[0] >= 1


def test_company_is_believable(demo: duckdb.DuckDBPyConnection) -> None:
    outcomes = Counter(row[0] for row in demo.sql(f"select lower(outcome) from {CLOSED}").fetchall())
    assert 0.25 <= outcomes["won"] / outcomes.total() <= 0.35
