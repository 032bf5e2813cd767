"""What a change of the input must, and must not, do to the marts: on the demo company and on packs of random worlds.

All kpi_* marts and the scorecard are compared, on the compiled models; only the rebuild goes through dbt.
"""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zlib import crc32
from zoneinfo import ZoneInfo

import duckdb
import pytest
from builds import CompiledModels
from checker import Checker
from company import Company, read_company
from cut_company import cut_company
from packs import pack_of_seed
from records import READERS, TABLES, Unreadable, clean, read_instant, read_money, read_number

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
COMPANIES = ("demo", 500, 503, 505)
CALM_SEEDS = (600, 601, 602)
KEY = ("kpi_name", "period_grain", "period_start_date", "dimension", "member_id")
MONEY_COLUMNS = (("deals", "amount"), ("quotas", "amount"), ("sales_spend", "amount"))


@pytest.fixture(params=COMPANIES)
def company(request):
    """The demo company, then packs of random worlds."""
    return company_of(request.param)


def company_of(name):
    """The demo company, or the pack of a seed."""
    return read_company(SEEDS, "demo_") if name == "demo" else pack_of_seed(name).company


@pytest.fixture
def marts_of(checker):
    """marts_of(Company, or {source: Company}) = {mart: {key: row}} of every kpi_* mart."""
    return marts_by(checker)


def marts_by(checker):
    """The function of the fixture marts_of."""

    def build(companies):
        sources = companies if isinstance(companies, dict) else {"crm_export": companies}
        (variables,) = {json.dumps(part.variables) for part in sources.values()}
        with checker.models(json.loads(variables)).build(sources) as connection:
            return read_marts(connection)

    return build


def read_marts(connection):
    """{mart: {key: row as a dict}} of every kpi_* mart."""
    names = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'marts' and starts_with(table_name, 'kpi_')"
    ).fetchall()
    marts = {}
    for (name,) in names:
        result = connection.execute(f"select * from marts.{name}")
        columns = [column[0] for column in result.description]
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        marts[name] = {tuple(row[column] for column in KEY if column in row): row for row in rows}
        assert len(marts[name]) == len(rows)
    assert len(marts) == 13 and marts["kpi_scorecard"]
    return marts


def assert_same(before, after, names=None, ignored=(), dimensions=None):
    """Fail with the first differences between {mart: {key: row}}; names: the marts to compare (all)."""
    found = []
    for name in names or before:
        keys = [key for key in {**before[name], **after[name]} if not dimensions or key[-2] in dimensions]
        for key in keys:
            old, new = before[name].get(key, {}), after[name].get(key, {})
            found += [
                f"{name} {column} {' '.join(map(str, key))}: {old.get(column, 'no row')!r} became {new.get(column, 'no row')!r}"
                for column in {**old, **new}
                if column not in ignored and old.get(column, "no row") != new.get(column, "no row")
            ]
    assert not found, "\n".join([f"{len(found)} differences", *found[:10]])


def with_rows(company, change):
    """The company with change(table, rows) as the rows of each of its tables."""
    tables = {table: None if rows is None else change(table, rows) for table, rows in company.tables.items()}
    return replace(company, tables=tables)


def with_cells(company, change):
    """The company with change(table, column, row) as the text of each cell."""
    return with_rows(
        company, lambda table, rows: [{column: change(table, column, row) for column in row} for row in rows]
    )


# ------------------------------------------------------------ how the input is delivered


def test_the_order_of_the_rows_does_not_matter(marts_of, company):
    def shuffled(table, rows):
        return random.Random(table).sample(rows, len(rows))

    assert_same(marts_of(company), marts_of(with_rows(company, shuffled)))


def test_loading_every_file_twice_changes_no_mart(marts_of, company):
    assert_same(marts_of(company), marts_of(with_rows(company, lambda table, rows: rows + rows)))


def test_a_rebuild_gives_the_same_bytes(project, tmp_path):
    """Two builds with two threads, every mart written in the order of its keys."""
    exports = []
    for _ in range(2):
        database = project.run(read_company(SEEDS, "demo_").write(tmp_path / "demo"), {}, threads=2)
        with duckdb.connect(str(database), read_only=True) as connection:
            files = {}
            for name in sorted(read_marts(connection)):
                columns = [column for (column, *_) in connection.execute(f"describe marts.{name}").fetchall()]
                order = ", ".join(column for column in KEY if column in columns)
                path = tmp_path / "mart.csv"
                connection.execute(f"copy (select * from marts.{name} order by {order}) to '{path}'")
                files[name] = path.read_bytes()
        exports.append(files)
    assert exports[0] == exports[1]


# ------------------------------------------------------------ money


def test_doubled_amounts_double_money_and_nothing_else(project, marts_of, company):
    """Exact only where no cent is rounded: the amounts are in cents here, and every valid rate is a whole number."""

    def evened(table, column, row):
        text = row[column]
        try:
            if is_amount(table, column, row):
                return f"{read_money(text.strip()):f}"
            if (table, column) == ("fx_rates", "rate") and Decimal(0) < read_number(text.strip()):
                return "3"
        except Unreadable:
            pass
        return text

    def doubled(table, column, row):
        try:
            return f"{2 * read_money(row[column].strip()):f}" if is_amount(table, column, row) else row[column]
        except Unreadable:
            return row[column]

    company = with_cells(company, evened)
    before, after = marts_of(company), marts_of(with_cells(company, doubled))
    money = {name: project_money_columns(project, name) for name in before if name != "kpi_scorecard"}
    assert sum(len(columns) for columns in money.values()) > 15
    headlines = {name.removeprefix("kpi_"): project.model(name).config.meta for name in money}

    def is_money(name, column, row):
        if name != "kpi_scorecard":
            return column in money[name]
        meta = headlines[row["kpi_name"]]
        if column in ("numerator", "denominator"):
            return meta.get(column) in money[f"kpi_{row['kpi_name']}"]
        return meta["headline"] in money[f"kpi_{row['kpi_name']}"] and (column == "value" or "_value" in column or "change_" in column)

    def expected(name, row):
        return {
            column: 2 * value if value is not None and is_money(name, column, row) else value
            for column, value in row.items()
        }

    assert_same({name: {key: expected(name, row) for key, row in rows.items()} for name, rows in before.items()}, after)


def is_amount(table, column, row):
    """Whether a cell holds an amount of money."""
    logged = table == "deal_changes" and column in ("old_value", "new_value") and row["field"].strip().lower() == "amount"
    return logged or (table, column) in MONEY_COLUMNS


def project_money_columns(project, mart):
    """The columns of a mart in money: decimals are, and of the quotients the headline in currency and what it is made of."""
    model = project.model(mart)
    decimals = {name for name, column in model.columns.items() if column.data_type.startswith("decimal")}
    quotients = {
        name
        for name, column in model.columns.items()
        if column.data_type == "double" and "reporting currency" in column.description
    }
    if model.config.meta["unit"].startswith("currency"):
        quotients.add(model.config.meta["headline"])
    return decimals | quotients


# ------------------------------------------------------------ open deals


def test_an_open_deal_changes_nothing_that_looks_at_closed_deals(marts_of, company):
    closed_only = [
        *("kpi_win_rate", "kpi_average_deal_size", "kpi_sales_cycle_length", "kpi_quota_attainment"),
        *("kpi_customer_acquisition_cost", "kpi_lead_conversion_rate", "kpi_lead_response_time", "kpi_lead_generation"),
    ]
    before = marts_of(company)
    after = marts_of(with_open_deal(company))
    sorts = ("member_sort",)  # a new member moves the others
    assert_same(before, after, closed_only, sorts)

    def part(marts, name, columns):
        return {name: {key: {c: row[c] for c in columns} for key, row in marts[name].items() if any(row[c] for c in columns)}}

    parts = {
        "kpi_pipeline_velocity": ("closed_deals", "win_rate", "average_deal_size", "average_sales_cycle_days", "pipeline_velocity_per_day"),
        "kpi_pipeline_coverage": ("quota_amount", "won_amount_to_date", "remaining_quota_amount"),
        "kpi_forecast_accuracy": ("actual_amount",),
    }
    for name, columns in parts.items():
        assert_same(part(before, name, columns), part(after, name, columns), [name])
    with pytest.raises(AssertionError):  # the deal has arrived, though
        assert_same(before, after, ["kpi_pipeline_velocity"], sorts)


def with_open_deal(company):
    """The company with one more deal, created with the first one, in an open stage, with amount and expected close."""
    stage = next(
        row
        for row in company.tables["stages"]
        if clean(row["outcome"]) and clean(row["outcome"]).lower() == "open" and clean(row["stage_id"]) and clean(row["stage_name"])
    )
    zone = ZoneInfo(company.variables.get("reporting_timezone", "UTC"))
    earliest = datetime.fromisoformat(f"{company.variables.get('earliest_date', '2000-01-01')}T00:00:00Z") + timedelta(days=2)
    created = sorted(
        (moment, row["created_at"])
        for row in company.tables["deals"]
        if (moment := instant_of(row["created_at"], zone)) and moment > earliest
    )
    deal = {
        "deal_id": "one more",
        "stage_id": stage["stage_id"],
        "pipeline_id": stage.get("pipeline_id", ""),
        "amount": "1000000",
        "created_at": created[0][1],
        "close_date": (created[0][0] + timedelta(days=40)).date().isoformat(),
    }
    return with_rows(company, lambda table, rows: [*rows, deal] if table == "deals" else rows)


def instant_of(text, zone):
    """The instant of a text, None where there is none."""
    try:
        return read_instant(clean(text), zone) if clean(text) else None
    except Unreadable:
        return None


# ------------------------------------------------------------ sources


def test_a_company_in_two_sources_has_the_numbers_of_one(marts_of, company):
    """Every row goes to one of two sources, with all that hangs on it; then no number over both changes.

    Deals go with their account, log, leads and activities. Reps and their teams are in both sources, and a rep's quotas
    in one, so that the rep is two reps: members named after their source are not compared (reps, pipelines, stages), nor
    is reps_at_quota, since nobody holds one rep's quota against the deals of two. Some things are decided per source:
    whether probabilities are percents, and which fields the log names. Each source therefore also holds the other's deals
    without their id, and the other's log under a deal that does not exist.
    """
    company = with_cells(company, lambda table, column, row: "" if column == "source_system" else row[column])
    side = sides(company)

    def part(number):
        def rows_of(table, rows):
            own = [row for row in rows if table in SHARED_TABLES or side(table, row) == number]
            others = [row for row in rows if table not in SHARED_TABLES and side(table, row) != number]
            if table == "deals":
                return own + [row | {"deal_id": ""} for row in others]
            if table == "deal_changes":
                return own + [row | {"deal_id": "elsewhere"} if clean(row["deal_id"]) else row for row in others]
            return own if number == 0 or table != "fx_rates" else []

        return with_rows(company, rows_of)

    two = {"crm_export": part(0), "other_crm": part(1)}
    assert all(len(half.tables["deals"]) and any(row["deal_id"] for row in half.tables["deals"]) for half in two.values())
    assert_same(
        marts_of(company),
        marts_of(two),
        ignored=("member_sort", "reps_at_quota"),
        dimensions=("overall", "sales_team", "segment", "region", "lead_source", "deal_type"),
    )


SHARED_TABLES = ("stages", "sales_reps", "rep_teams", "fx_rates")


def sides(company):
    """side(table, row) = 0 or 1, the same for rows that hang together."""
    parents = {}

    def root(node):
        while parents.setdefault(node, node) != node:
            node = parents[node]
        return node

    def nodes(table, row):
        links = {
            "accounts": (("account", "account_id"),),
            "deals": (("deal", "deal_id"), ("account", "account_id")),
            "deal_changes": (("deal", "deal_id"),),
            "leads": (("lead", "lead_id"), ("deal", "converted_deal_id")),
            "activities": (("activity", "activity_id"), ("lead", "lead_id"), ("deal", "deal_id")),
            "quotas": (("rep", "rep_id"),),
        }
        found = [(kind, clean(row.get(column))) for kind, column in links.get(table, ()) if clean(row.get(column))]
        texts = [clean(row.get(column)) or "" for column in TABLES[table].columns]
        return found or [("row", table, *texts)]

    for table, rows in company.tables.items():
        for row in rows or ():
            first, *others = nodes(table, row)
            for other in others:
                parents[root(other)] = root(first)
    return lambda table, row: crc32(repr(root(nodes(table, row)[0])).encode()) % 2


# ------------------------------------------------------------ time


def test_noon_is_the_same_day_in_every_time_zone(marts_of, company):
    """With all instants near noon UTC, a zone within ten hours of it changes no mart.

    The time spent in a stage may change: a closing that only the row knows happens at midnight in that zone.
    """
    start = replace(company, variables=company.variables | {"reporting_timezone": "UTC"})
    at_noon = with_cells(start, lambda table, column, row: noon(table, column, row[column], row))
    ignored = ("total_seconds_in_stage", "average_days_in_stage", "median_days_in_stage")
    in_utc = marts_of(at_noon)
    for zone in ("Etc/GMT-10", "America/Anchorage"):
        assert_same(in_utc, marts_of(replace(at_noon, variables=at_noon.variables | {"reporting_timezone": zone})), ignored=ignored)


def noon(table, column, text, row):
    """A cell whose instant, if it is one, lies within half an hour of noon of its day in UTC; a date stands alone."""
    kind = "instant" if column == "loaded_at" else TABLES[table].types.get(column)
    if table == "deal_changes" and column in ("old_value", "new_value") and row["field"].strip().lower() == "close_date":
        kind = "date"
    moment = instant_of(text, UTC) if kind in ("instant", "date", "month") else None
    if moment is None:
        return text
    if kind != "instant":
        return READERS["date"](text.strip(), UTC).isoformat()
    return f"{moment:%Y-%m-%d}T12:{moment.minute:02d}:{moment.second:02d}Z"


@pytest.mark.parametrize("zone", ["America/St_Johns", "Pacific/Auckland"])
def test_a_date_differs_from_utc_only_near_midnight(checker, company, zone):
    """A record's date is another one than in UTC just where its instant lies within the zone's offset of a midnight."""
    company = replace(company, variables=company.variables | {"reporting_timezone": zone})
    dated = (
        *(("fct_deals", "created_at", "created_date"), ("fct_deals", "first_contact_at", "first_contact_date")),
        *(("fct_leads", "created_at", "created_date"), ("fct_leads", "qualified_at", "qualified_date")),
        *(("fct_leads", "converted_at", "converted_date"), ("fct_stage_visits", "entered_at", "entered_date")),
        ("fct_stage_visits", "exited_at", "exited_date"),
    )
    moved = 0
    with checker.models(company.variables).build_company(company) as connection:
        for fact, at, on in dated:
            for moment, day in connection.execute(f"select {at}, {on} from marts.{fact} where {at} is not null").fetchall():
                moment = moment.replace(tzinfo=UTC)
                offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
                time_of_day = moment - datetime.combine(moment.date(), datetime.min.time(), UTC)
                days_moved = 1 if time_of_day + offset >= timedelta(days=1) else -1 if time_of_day + offset < timedelta(0) else 0
                assert day - moment.date() == timedelta(days=days_moved), (fact, at, moment, day)
                moved += bool(days_moved)
    assert moved


@pytest.mark.parametrize("seed", CALM_SEEDS)
def test_as_of_a_date_is_the_company_cut_on_that_date(marts_of, seed):
    """Without repeated and spoilt rows: which version of a record counts may change where the latest is cut off."""
    company = pack_of_seed(seed, mishaps=0, repeats=0, deal_scale=1, log_scale=1).company
    zone = company.variables["reporting_timezone"]
    created = sorted(filter(None, (instant_of(row["created_at"], ZoneInfo(zone)) for row in company.tables["deals"])))
    deals_cut = 0
    for share in (0.3, 0.6, 0.9):
        as_of_date = created[int(share * (len(created) - 1))].date()
        variables = company.variables | {"as_of_date": as_of_date.isoformat()}
        full = replace(company, variables=variables)
        present = {table: rows for table, rows in company.tables.items() if rows is not None}
        cut = cut_company(present, as_of_date, zone)
        cut = {table: [{c: t or "" for c, t in row.items()} for row in rows] for table, rows in cut.items()}
        tables = dict.fromkeys(company.tables) | cut
        deals_cut += len(full.tables["deals"]) - len(tables["deals"])
        assert_same(marts_of(full), marts_of(Company(tables, company.columns, variables)))
    assert deals_cut


# ------------------------------------------------------------ the relations themselves

# A rule of the models, how it is broken, and the relation that notices
BROKEN_RULES = {
    "ties_of_versions_are_broken_by_their_text": (
        {"loaded_at desc nulls last, record_text desc": "loaded_at desc nulls last"},
        lambda checker, project, _: test_the_order_of_the_rows_does_not_matter(marts_by(checker), company_of(500)),
    ),
    "a_record_counts_once": (
        {"when version_rank > 1 then 'duplicate'": "when false then 'duplicate'"},
        lambda checker, project, company: test_loading_every_file_twice_changes_no_mart(marts_by(checker), company),
    ),
    "money_is_the_sum_of_amounts": (
        {"case when is_won then coalesce(amount, 0)": "case when is_won then coalesce(amount, 0) + 1"},
        lambda checker, project, company: test_doubled_amounts_double_money_and_nothing_else(project, marts_by(checker), company),
    ),
    "open_deals_are_not_closed": (
        {
            "when coalesce(deals.current_outcome, 'open') = 'open' then null": "when false then null",
            "contacted.outcome in ('won', 'lost') as is_closed": "contacted.outcome in ('open', 'won', 'lost') as is_closed",
        },
        lambda checker, project, company: test_an_open_deal_changes_nothing_that_looks_at_closed_deals(marts_by(checker), company),
    ),
    "accounts_are_those_of_the_source": (
        {"contacted.source_system = accounts.source_system": "'crm_export' = accounts.source_system"},
        lambda checker, project, company: test_a_company_in_two_sources_has_the_numbers_of_one(marts_by(checker), company),
    ),
    "local_dates_come_from_the_time_zone": (
        {"timezone('UTC', contacted.first_contact_at)": "timezone('UTC', contacted.first_contact_at) + interval 13 hour"},
        lambda checker, project, company: test_noon_is_the_same_day_in_every_time_zone(marts_by(checker), company),
    ),
    "local_dates_move_by_the_offset": (
        {"timezone('UTC', contacted.first_contact_at)": "timezone('UTC', contacted.first_contact_at) + interval 13 hour"},
        lambda checker, project, company: test_a_date_differs_from_utc_only_near_midnight(checker, company, "Pacific/Auckland"),
    ),
    "later_qualifications_are_not_known": (
        {"case when leads.qualified_at < as_of.as_of_end_at then leads.qualified_at end": "leads.qualified_at"},
        lambda checker, project, company: test_as_of_a_date_is_the_company_cut_on_that_date(marts_by(checker), CALM_SEEDS[0]),
    ),
}


@pytest.mark.parametrize("rule", BROKEN_RULES)
def test_a_relation_notices_a_broken_rule(project, rule):
    replacements, relation = BROKEN_RULES[rule]
    missing = set(replacements)

    def broken(models):
        changed = []
        for *place, sql in models.models:
            for right, wrong in replacements.items():
                if right in sql:
                    missing.discard(right)
                    sql = sql.replace(right, wrong)
            changed.append((*place, sql))
        return CompiledModels(tuple(changed))

    with pytest.raises(AssertionError):
        relation(Checker(project, broken), project, company_of(503))
    assert not missing, f"not in any model: {missing}"
