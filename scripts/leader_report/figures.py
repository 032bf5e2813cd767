"""Read the figures of every page of the report from the published marts.

Everything comes from the DuckDB file alone: the figures, and with them labels, units, direction, definition version
and currency from `marts.kpi_scorecard`, and what a column means from its comment. Rows are lists (period, member,
values ...) whose first two cells are positions in the lists of periods and members, so that a company with hundreds
of reps still fits into a page. Numbers are those of the marts; NULL is null.
"""

import re
from collections import Counter, defaultdict

import duckdb
from show_scorecard import READING_ORDER

GRAINS = ("month", "quarter", "year")
# The reps' page holds ten KPIs of every rep: the latest periods only; older ones are on the KPIs' own pages
PEOPLE_PERIODS = {"month": 13, "quarter": 9, "year": 3}
PEOPLE_DIMENSIONS = ("sales_rep", "sales_team")
SCORECARD_DIMENSIONS = ("overall", "sales_team")
PIPELINE_DIMENSIONS = {
    "pipeline": "pipeline_name",
    "stage": "stage_name || ' (' || pipeline_name || ')'",
    "sales_team": None,
    "sales_rep": "sales_rep_name",
    "segment": None,
    "region": None,
    "lead_source": None,
    "deal_type": None,
    "forecast_category": None,
    "source_system": None,
}

KEYS = (
    "period_grain",
    "period_start_date",
    "period_end_date",
    "period_label",
    "is_complete",
    "dimension",
    "member_id",
    "member_name",
    "member_sort",
)
STAGE_KEYS = ("pipeline_name", "stage_name", "stage_order")

# The marts' names say what a column is measured in (CONTRIBUTING.md); the first that fits counts
UNITS = (
    (r"_per_day$", "currency a day"),
    (r"_days(_|$)", "days"),
    (r"_hours$", "hours"),
    (r"_seconds(_|$)", "seconds"),
    (r"_(rate|share|accuracy|bias|attainment)$", "share"),
    (r"_coverage(_|$)", "multiple"),
    (r"(^|_)(amount|cost|size)(_|$)", "currency"),
)


def label_of(name: str) -> str:
    """A column or dimension in words: won_deals becomes Won deals."""
    words = name.replace("_", " ").replace("seconds", "time").replace("sla", "promised time")
    return words[:1].upper() + words[1:]


def unit_of(name: str, data_type: str) -> str:
    """What a column of a mart is measured in: a unit of the scorecard, `whole days`, `seconds`, or `flag`.

    Raises ValueError for a column whose name and type tell nothing.
    """
    if data_type == "BOOLEAN":
        return "flag"
    whole_number = data_type in ("BIGINT", "INTEGER")
    for pattern, unit in UNITS:
        if re.search(pattern, f"_{name}") and (not whole_number or unit in ("days", "seconds")):
            return "whole days" if unit == "days" and whole_number else unit
    if whole_number:
        return "count"
    raise ValueError(f"what {name} ({data_type}) is measured in cannot be told from its name")


def columns_of(connection: duckdb.DuckDBPyConnection, mart: str) -> list[dict]:
    """The measures of a mart in their order, the headline last: name, label, unit, description, parts, is_quotient,
    is_average, no_value.

    `parts` are the columns that its description computes it from ("won_deals / closed_deals; NULL when ..."), and
    `no_value` is the description's own clause about NULL.
    """
    columns = connection.execute(
        """
        select column_name, data_type, coalesce(comment, '')
        from duckdb_columns()
        where database_name = current_database() and schema_name = 'marts' and table_name = ?
        order by column_index
        """,
        [mart],
    ).fetchall()
    measures = [column for column in columns if column[0] not in KEYS + STAGE_KEYS]
    names = {name for name, _, _ in measures}
    described = []
    for name, data_type, comment in measures:
        formula, _, no_value = comment.partition("NULL")
        is_formula = re.search(r" [/x-] ", formula)
        parts = [word for word in re.findall(r"\w+", formula) if is_formula and word in names and word != name]
        described.append(
            {
                "name": name,
                "label": label_of(name),
                "unit": unit_of(name, data_type),
                "description": " ".join(comment.split()),
                "parts": list(dict.fromkeys(parts)) if len(parts) > 1 else [],
                "is_quotient": bool(re.match(r"\w+ / \w+", formula)),
                # What adds up has whole numbers or decimals; of the doubles only a velocity grows with the company
                "is_average": data_type == "DOUBLE" and not name.endswith("_per_day"),
                "no_value": no_value.strip(" .:;\n").split(". ")[0],
            }
        )
    return described


def kpis(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """The KPIs in reading order, each with its mart's columns: name, label, unit, headline, ...

    A mart without rows has none in the scorecard either: its KPI then has the label and unit that its name says, and
    no version.
    """
    rows = connection.execute(
        """
        select
            substr(marts.table_name, 5) as kpi_name,
            any_value(marts.comment),
            any_value(kpi_label),
            any_value(unit),
            any_value(higher_is_better),
            max(definition_version),
            count(numerator) > 0
        from duckdb_tables() as marts
        left join marts.kpi_scorecard as scorecard on marts.table_name = 'kpi_' || scorecard.kpi_name
        where
            marts.database_name = current_database() and marts.schema_name = 'marts'
            and starts_with(marts.table_name, 'kpi_') and marts.table_name <> 'kpi_scorecard'
        group by marts.table_name
        order by marts.table_name
        """
    ).fetchall()
    rows.sort(key=lambda row: READING_ORDER.index(row[0]) if row[0] in READING_ORDER else len(READING_ORDER))
    found = []
    for name, meaning, label, unit, higher_is_better, version, is_ratio in rows:
        columns = columns_of(connection, f"kpi_{name}")
        headline = columns[-1]
        headline |= {"label": label or label_of(name), "unit": unit or headline["unit"]}
        found.append(
            {
                "name": name,
                "label": headline["label"],
                "unit": headline["unit"],
                "higher_is_better": higher_is_better,
                "definition_version": version,
                "is_ratio": is_ratio,
                "meaning": re.sub(r" One row per .*", "", " ".join((meaning or "").split())),
                "headline": headline["name"],
                "columns": columns,
            }
        )
    return found


def currency(connection: duckdb.DuckDBPyConnection) -> str:
    """The currency of all amounts; empty where the scorecard is."""
    return connection.execute("select any_value(reporting_currency) from marts.kpi_scorecard").fetchone()[0] or ""


def as_of_date(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The day as of whose end everything is known, as YYYY-MM-DD; None where no deal is open on it."""
    return connection.execute(
        "select cast(max(snapshot_date) as varchar) from marts.fct_pipeline_snapshots where snapshot_type = 'current'"
    ).fetchone()[0]


def build_info(connection: duckdb.DuckDBPyConnection) -> dict | None:
    """What a published file says of its build, as texts and counts; None for a working file, which says nothing."""
    if not connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() and table_name = 'build_info'"
    ).fetchone()[0]:
        return None
    row = connection.execute(
        """
        select
            build_id,
            strftime(published_at, '%Y-%m-%d %H:%M') as published_at,
            cast(as_of_date as varchar) as as_of_date,
            left(git_commit, 10) as git_commit,
            is_git_dirty,
            tests_passed,
            tests_warned
        from marts.build_info
        """
    )
    return dict(zip([column[0] for column in row.description], row.fetchone(), strict=True))


def periods_of(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, list[dict]]:
    """{grain: periods of a mart's overall rows, the oldest first}, each with start, end, label and is_complete."""
    rows = connection.execute(
        f"""
        select distinct period_grain, period_start_date, period_end_date, period_label, is_complete
        from marts.{mart}
        where dimension = 'overall'
        order by period_start_date
        """
    ).fetchall()
    periods = {grain: [] for grain in GRAINS}
    for grain, start, end, label, is_complete in rows:
        periods[grain].append({"start": str(start), "end": str(end), "label": label, "is_complete": is_complete})
    return periods


def members_by_dimension(rows: list[tuple[str, str, str]]) -> dict[str, list[dict]]:
    """{dimension: members with id and label} of (dimension, id, name), in their order; a name that two members
    share is followed by the id."""
    names = Counter((dimension, name) for dimension, _, name in rows)
    members = defaultdict(list)
    for dimension, member_id, name in rows:
        label = name if names[dimension, name] == 1 else f"{name} ({member_id})"
        members[dimension].append({"id": member_id, "label": label})
    return dict(members)


def members_of(connection: duckdb.DuckDBPyConnection, mart: str) -> dict[str, list[dict]]:
    """{dimension: members of a mart in their order}; a stage is named with its pipeline."""
    name = "member_name"
    if mart == "kpi_stage_conversion":
        name = "case when dimension = 'stage' then stage_name || ' (' || pipeline_name || ')' else member_name end"
    return members_by_dimension(
        connection.execute(
            f"""
            select dimension, member_id, any_value({name})
            from marts.{mart}
            group by dimension, member_id
            order by dimension, min(member_sort), member_id
            """
        ).fetchall()
    )


def indexed(rows: list[tuple], periods: dict[str, list[dict]], members: dict[str, list[dict]]) -> dict:
    """{grain: {dimension: [[period, member, *values]]}} of rows (grain, start, dimension, member id, *values);
    rows of periods or members that are not in the lists are left out."""
    period_at = {
        (grain, period["start"]): place for grain, some in periods.items() for place, period in enumerate(some)
    }
    member_at = {
        (dimension, member["id"]): place for dimension, some in members.items() for place, member in enumerate(some)
    }
    found = {grain: {dimension: [] for dimension in members} for grain in periods}
    for grain, start, dimension, member_id, *values in rows:
        period, member = period_at.get((grain, str(start))), member_at.get((dimension, member_id))
        if period is not None and member is not None:
            found[grain][dimension].append([period, member, *values])
    return found


def kpi_page(connection: duckdb.DuckDBPyConnection, kpi: dict) -> dict:
    """All rows and measures of one KPI's mart, the headline last."""
    mart = f"kpi_{kpi['name']}"
    periods, members = periods_of(connection, mart), members_of(connection, mart)
    measures = ", ".join(column["name"] for column in kpi["columns"])
    rows = connection.execute(
        f"select period_grain, period_start_date, dimension, member_id, {measures} from marts.{mart} "
        "order by period_start_date, member_sort, member_id"
    ).fetchall()
    return {
        "columns": kpi["columns"],
        "measure": kpi["headline"],
        "periods": periods,
        "members": members,
        "rows": indexed(rows, periods, members),
    }


def scorecard_page(connection: duckdb.DuckDBPyConnection, all_kpis: list[dict]) -> dict:
    """The headlines with their comparisons and parts, of the company and of its teams.

    A row is period, member, position of the KPI, value, the value a period and a year before, the two changes,
    whether the value is final as far as time goes (is_mature), then the headline's parts.
    """
    periods = periods_of(connection, "kpi_scorecard")
    members = members_of(connection, "kpi_scorecard")
    members = {dimension: members[dimension] for dimension in SCORECARD_DIMENSIONS if dimension in members}
    rows = []
    for place, kpi in enumerate(all_kpis):
        parts = "".join(f", mart.{part}" for part in kpi["columns"][-1]["parts"])
        is_mature = "mart.is_mature" if any(c["name"] == "is_mature" for c in kpi["columns"]) else "true"
        rows += connection.execute(
            f"""
            select
                period_grain, period_start_date, dimension, member_id, {place},
                scorecard.value, scorecard.previous_period_value, scorecard.previous_year_value,
                scorecard.change_from_previous_period, scorecard.change_from_previous_year, {is_mature}{parts}
            from marts.kpi_scorecard as scorecard
            inner join marts.kpi_{kpi["name"]} as mart
                using (period_grain, period_start_date, dimension, member_id)
            where scorecard.kpi_name = ? and list_contains(?, dimension)
            order by period_start_date, scorecard.member_sort, member_id
            """,
            [kpi["name"], list(SCORECARD_DIMENSIONS)],
        ).fetchall()
    return {"periods": periods, "members": members, "rows": indexed(rows, periods, members)}


def people_page(connection: duckdb.DuckDBPyConnection, all_kpis: list[dict]) -> dict:
    """Reps and teams by KPI in the latest periods, and the whole company to hold them against.

    A row is period, member, then for each KPI of `shown` its [value, numerator, denominator], or None where its mart
    has no row.
    """
    names = [
        name
        for (name,) in connection.execute(
            "select distinct kpi_name from marts.kpi_scorecard where list_contains(?, dimension)",
            [list(PEOPLE_DIMENSIONS)],
        ).fetchall()
    ]
    shown = [kpi["name"] for kpi in all_kpis if kpi["name"] in names]
    periods = {grain: some[-PEOPLE_PERIODS[grain] :] for grain, some in periods_of(connection, "kpi_scorecard").items()}
    members = members_of(connection, "kpi_scorecard")
    members = {dimension: members[dimension] for dimension in ("overall", *PEOPLE_DIMENSIONS) if dimension in members}
    measures = ", ".join(
        f"{measure} filter (where kpi_name = '{name}')"
        for name in shown
        for measure in ("count(*)", "max(value)", "max(numerator)", "max(denominator)")
    )
    rows = []
    if shown:
        rows = connection.execute(
            f"""
            select period_grain, period_start_date, dimension, member_id, {measures}
            from marts.kpi_scorecard
            where list_contains(?, dimension)
            group by period_grain, period_start_date, dimension, member_id
            order by period_start_date, min(member_sort), member_id
            """,
            [["overall", *PEOPLE_DIMENSIONS]],
        ).fetchall()
    rows = [
        (*row[:4], *(list(row[at + 1 : at + 4]) if row[at] else None for at in range(4, len(row), 4))) for row in rows
    ]
    return {"shown": shown, "periods": periods, "members": members, "rows": indexed(rows, periods, members)}


def funnel_page(connection: duckdb.DuckDBPyConnection, stage_conversion: dict) -> dict:
    """The stages of each pipeline: the rows of the stage conversion by stage, and which pipeline a stage is in."""
    page = kpi_page(connection, stage_conversion)
    pipelines = page["members"].get("pipeline", [])
    stages = page["members"].get("stage", [])
    names = dict(
        connection.execute(
            "select distinct member_id, stage_name from marts.kpi_stage_conversion where dimension = 'stage'"
        ).fetchall()
    )
    for stage in stages:
        # A stage's id begins with its pipeline's; one without a pipeline belongs to the member unknown
        owners = [place for place, pipeline in enumerate(pipelines) if stage["id"].startswith(f"{pipeline['id']}|")]
        unknown = [place for place, pipeline in enumerate(pipelines) if pipeline["id"] == "unknown"]
        stage["pipeline"] = max(owners, key=lambda place: len(pipelines[place]["id"]), default=(unknown or [None])[0])
        stage["label"] = names[stage["id"]]
    page["members"] = {"pipeline": pipelines, "stage": stages}
    page["rows"] = {grain: {"stage": some["stage"]} for grain, some in page["rows"].items() if "stage" in some}
    return page


def pipeline_page(connection: duckdb.DuckDBPyConnection) -> dict:
    """What was open as each period began, and now: deals and their amount, by dimension.

    The last period of each grain is the as-of date itself. A member that includes a source without a change log has
    no openings: its past is not known.
    """
    rows = []
    names = []
    for dimension, name_column in ({"overall": None} | PIPELINE_DIMENSIONS).items():
        has_id = name_column is not None
        member_id = {"overall": "'all'"}.get(dimension, f"coalesce({dimension}{'_id' * has_id}, 'unknown')")
        member_name = name_column or member_id
        rows += connection.execute(
            f"""
            with

            periods as (
                select distinct period_grain, period_start_date from marts.kpi_scorecard
            ),

            unlogged as (
                select distinct {member_id} as member_id
                from {"marts.fct_pipeline_snapshots" if dimension == "forecast_category" else "marts.fct_deals"}
                where not has_deal_log
            ),

            openings as (
                select
                    periods.period_grain,
                    cast(snapshots.snapshot_date as varchar) as snapshot_date,
                    {member_id} as member_id,
                    sum(snapshots.open_deals) as open_deals,
                    sum(snapshots.opening_pipeline_amount) as open_amount
                from marts.fct_pipeline_snapshots as snapshots
                inner join periods on snapshots.snapshot_date = periods.period_start_date
                where snapshots.snapshot_type = 'opening'
                group by 1, 2, 3
            ),

            now_open as (
                select
                    unnest(['month', 'quarter', 'year']) as period_grain,
                    'now' as snapshot_date,
                    {member_id} as member_id,
                    sum(open_deals) as open_deals,
                    sum(current_pipeline_amount) as open_amount
                from marts.fct_pipeline_snapshots
                where snapshot_type = 'current'
                group by 3
            )

            select
                period_grain, snapshot_date, '{dimension}', member_id,
                case when member_id not in (from unlogged) then open_deals end,
                case when member_id not in (from unlogged) then open_amount end
            from openings
            union all
            select period_grain, snapshot_date, '{dimension}', member_id, open_deals, open_amount from now_open
            order by 2, 4
            """
        ).fetchall()
        names += connection.execute(
            f"""
            select '{dimension}', {member_id} as member_id, any_value({member_name}) as member_name
            from marts.fct_pipeline_snapshots
            group by 2
            order by member_id = 'unknown', member_name, member_id
            """
        ).fetchall()

    members = members_by_dimension(names)
    first = min((row[1] for row in rows if row[1] != "now"), default="9999-12-31")
    periods = {grain: [] for grain in GRAINS}
    if rows:
        for grain, some in periods_of(connection, "kpi_scorecard").items():
            periods[grain] = [period for period in some if period["start"] >= first]
            periods[grain].append({"start": "now", "is_now": True})
    for some in periods.values():
        for period in some:
            # What was open at an instant is whole, however long the period has yet to run
            period["is_complete"] = True
            period["label"] = "now" if period.get("is_now") else period["start"]
    columns = [
        {"name": "open_deals", "label": "Open deals", "unit": "count", "parts": []},
        {"name": "open_pipeline_amount", "label": "Open pipeline amount", "unit": "currency", "parts": ["open_deals"]},
    ]
    for column in columns:
        column["description"] = (
            "Of the deals open just before the period began, rebuilt from the change log; the amount leaves out deals "
            "in a stage that is not known. The last figure is of the as-of date."
        )
        column["no_value"] = "where a source without a change log is part of it, or nothing was open"
    return {
        "columns": columns,
        "measure": "open_pipeline_amount",
        "periods": periods,
        "members": members,
        "rows": indexed(rows, periods, members),
    }


def pair_page(connection: duckdb.DuckDBPyConnection, kpi: dict, names: tuple[str, ...]) -> dict:
    """Some columns of a KPI's mart, and its headline, of the company and of its teams."""
    page = kpi_page(connection, kpi)
    keep = [place for place, column in enumerate(page["columns"]) if column["name"] in (*names, kpi["headline"])]
    members = {name: page["members"][name] for name in SCORECARD_DIMENSIONS if name in page["members"]}
    return {
        "columns": [page["columns"][place] for place in keep],
        "measure": kpi["headline"],
        "periods": page["periods"],
        "members": members,
        "rows": {
            grain: {
                dimension: [[*row[:2], *(row[2 + place] for place in keep)] for row in some[dimension]]
                for dimension in members
            }
            for grain, some in page["rows"].items()
        },
    }


def data_page(connection: duckdb.DuckDBPyConnection) -> dict:
    """What the audit models say about the data, as lists of dicts: counts only, no record."""

    def records(query: str) -> list[dict]:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    return {
        "reconciliation": records("from audit.audit_reconciliation order by source_system, table_name"),
        "completeness": records(
            "from audit.audit_completeness order by source_system, table_name, column_name nulls first"
        ),
        "trust": records("from audit.audit_kpi_trust order by source_system, kpi_name"),
        "excluded": records(
            """
            select exclusion_reason as reason, source_system, table_name, count(*) as records
            from audit.audit_excluded_records
            group by exclusion_reason, source_system, table_name
            """
        ),
        "warnings": records(
            """
            select warning as reason, source_system, table_name, count(*) as records
            from audit.audit_warnings
            group by warning, source_system, table_name
            """
        ),
    }
