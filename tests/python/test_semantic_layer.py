"""What MetricFlow answers equals the marts, cell by cell, and plain SQL over the facts where no mart answers."""

import argparse
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

# A mart's grain: how `mf query` groups by it, and how the names of metrics begin that exist for one grain only
GRAINS = {
    "month": ("metric_time__month", "monthly"),
    "quarter": ("metric_time__fiscal_quarter", "quarterly"),
    "year": ("metric_time__fiscal_year", "yearly"),
}

KPIS = [
    "average_deal_size",
    "customer_acquisition_cost",
    "forecast_accuracy",
    "lead_conversion_rate",
    "lead_generation",
    "lead_response_time",
    "pipeline_coverage",
    "pipeline_velocity",
    "quota_attainment",
    "sales_cycle_length",
    "stage_conversion",
    "win_rate",
]

# Columns of marts that are no metric; docs/semantic_layer.md has the same list
NOT_EXPRESSED = {
    ("kpi_customer_acquisition_cost", "marketing_spend_amount"): (
        "The name belongs to the spend of lead generation, which no lag moves. What the cost counts is "
        "`acquisition_spend_amount` less `sales_spend_amount`."
    ),
    ("kpi_lead_conversion_rate", "is_mature"): "True or false for a period; a metric is a number.",
    ("kpi_pipeline_coverage", "is_attained"): "True or false for a period; a metric is a number.",
    ("kpi_pipeline_coverage", "won_amount_to_date"): (
        "MetricFlow does not know which period is running. `won_amount` of that period is the same."
    ),
    ("kpi_quota_attainment", "reps_at_quota"): (
        "Counts reps by their sums within each period; MetricFlow compares sums over all time only."
    ),
    ("kpi_quota_attainment", "reps_with_quota"): (
        "Counts reps by their sums within each period; MetricFlow compares sums over all time only."
    ),
}

# Further keys of the mart of stage conversion
KEYS = {"pipeline_name", "stage_name", "stage_order"}

# The mart shows them while a period runs; the metrics tell them of other periods, too
RUNNING_ONLY = {"current_pipeline_amount", "remaining_quota_amount", "coverage_to_go"}

# The mart of lead generation shows them overall and by lead source only
SPEND_OF_LEADS = {"marketing_spend_amount", "cost_per_lead"}


class SqlOfDuckDb:
    """The part of MetricFlow's client that says how SQL is written."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


class MetricFlow:
    """MetricFlow in this process, which only writes the SQL of a query; it takes longer than to run it.

    `target` is the folder with the manifests that dbt wrote.
    """

    def __init__(self, target: Path) -> None:
        manifest = parse_manifest_from_dbt_generated_manifest((target / "semantic_manifest.json").read_text())
        self.metrics = {metric.name: metric for metric in manifest.metrics}
        self._databases = {model.node_relation.database for model in manifest.semantic_models}
        self._engine = MetricFlowEngine(SemanticManifestLookup(manifest), sql_client=SqlOfDuckDb())
        self._written = {}

    def sql(self, metrics: tuple[str, ...], group_by: tuple[str, ...], where: str | None) -> str:
        """The SQL of `mf query` with these arguments, fit for any warehouse: without the name of the database."""
        query = (metrics, group_by, where)
        if query not in self._written:
            request = MetricFlowQueryRequest.create(
                metric_names=metrics, group_by_names=group_by, where_constraints=[where] if where else None
            )
            sql = self._engine.explain(request).sql_statement.sql
            for database in self._databases:
                sql = sql.replace(f'"{database}".', "")
            self._written[query] = sql
        return self._written[query]


class Company:
    """A built warehouse, asked in SQL or for metrics."""

    def __init__(self, database: Path, metricflow: MetricFlow) -> None:
        self._metricflow = metricflow
        self._connection = duckdb.connect(str(database), read_only=True)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def sql(self, query: str) -> list[tuple]:
        """The rows of a query."""
        return self._connection.execute(query).fetchall()

    def ask(self, metrics: list[str], group_by: list[str], where: str | None = None) -> list[tuple]:
        """The rows of `mf query` with these arguments; columns in the order group_by, metrics; dates are dates."""
        result = self._connection.execute(self._metricflow.sql(tuple(metrics), tuple(group_by), where))
        place = {column: index for index, (column, *_) in enumerate(result.description)}
        rows = [[row[place[name]] for name in [*group_by, *metrics]] for row in result.fetchall()]
        return [tuple(value.date() if isinstance(value, datetime) else value for value in row) for row in rows]


@pytest.fixture(scope="module")
def build(run_dbt, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build seeds and models, all or a selection, with the given vars; gives the DuckDB file."""

    def build(name: str, *selection: str, **settings) -> Path:
        work = tmp_path_factory.mktemp(name)
        what = ["--resource-type", "seed", "--resource-type", "model", *selection]
        run_dbt("build", "--quiet", *what, work=work, vars=settings)
        return work / "warehouse.duckdb"

    return build


@pytest.fixture(scope="module")
def export_without(demo_export, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The folder of an export of the demo company that lacks the given tables."""

    def export(*missing: str) -> str:
        folder = tmp_path_factory.mktemp("export")
        for path in demo_export.glob("*.csv"):
            if path.stem not in missing:
                shutil.copyfile(path, folder / path.name)
        return str(folder)

    return export


@pytest.fixture(scope="module")
def demo_database(built_demo, build) -> Path:
    """The demo company with the default settings."""
    return built_demo or build("demo")


@pytest.fixture(scope="module")
def target(demo_database, run_dbt, tmp_path_factory) -> Path:
    """What dbt knows about the project when it uses the demo company's file."""
    work = tmp_path_factory.mktemp("parsed")
    run_dbt("parse", "--quiet", work=work, database=demo_database)
    return work / "target"


@pytest.fixture(scope="module")
def manifest(target) -> dict:
    """The manifest of the project."""
    return json.loads((target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def metricflow(target) -> MetricFlow:
    """One for all companies: what the project says about metrics depends on no setting."""
    return MetricFlow(target)


@pytest.fixture(scope="module")
def demo(demo_database, metricflow) -> Iterator[Company]:
    """The demo company with the default settings."""
    company = Company(demo_database, metricflow)
    yield company
    company.close()


@pytest.fixture(scope="module")
def fiscal(build, metricflow) -> Iterator[Company]:
    """The demo company with fiscal years from February, as of the end of a quarter, and spend that works later."""
    database = build(
        "fiscal",
        fiscal_year_start_month=2,
        reporting_timezone="Asia/Kolkata",
        as_of_date="2025-07-31",
        cac_lag_months=1,
        pipeline_snapshot_grain="week",
    )
    company = Company(database, metricflow)
    yield company
    company.close()


@pytest.fixture(scope="module")
def bare(export_without, build, metricflow) -> Iterator[Company]:
    """The demo company without a change log, activities and spend: what nobody knows must not become 0."""
    export = export_without("deal_changes", "activities", "sales_spend")
    company = Company(build("bare", crm_export_path=export), metricflow)
    yield company
    company.close()


@pytest.fixture(scope="module")
def unplanned(export_without, build, metricflow) -> Iterator[Company]:
    """The demo company without quotas, as far as quotas matter."""
    selection = ["--select", "+kpi_pipeline_coverage", "+kpi_quota_attainment"]
    company = Company(build("unplanned", *selection, crm_export_path=export_without("quotas")), metricflow)
    yield company
    company.close()


def mart_of(manifest: dict, kpi: str) -> dict:
    """What dbt knows about a KPI's mart."""
    return manifest["nodes"][f"model.sales_kpis.kpi_{kpi}"]


def adding_columns(manifest: dict, kpi: str) -> dict[str, bool]:
    """What a mart says beside its keys; whether a column adds up over members, which makes it a component."""
    columns = mart_of(manifest, kpi)["columns"].values()
    return {
        column["name"]: bool(column["config"]["meta"]["adds_over_members"])
        for column in columns
        if column["config"]["meta"] and column["name"] not in KEYS
    }


def metric_of(column: str, grain: str, metricflow: MetricFlow) -> str:
    """The metric of a mart's column: it has the column's name, or that name after its grain."""
    return column if column in metricflow.metrics else f"{GRAINS[grain][1]}_{column}"


def is_same(in_mart, from_metric, is_component: bool) -> bool:
    """Counts and amounts exactly, quotients within 1e-9. A sum of no record is NULL in MetricFlow, 0 in a mart."""
    if from_metric is None:
        return in_mart is None or (is_component and in_mart == 0)
    if isinstance(in_mart, float):
        return isinstance(from_metric, float) and math.isclose(in_mart, from_metric, rel_tol=1e-9, abs_tol=1e-9)
    return isinstance(from_metric, int | Decimal) and in_mart == from_metric


def differences(
    company: Company, kpi: str, grain: str, dimension: str, metrics: dict[str, str], components: set[str]
) -> list[str]:
    """The cells of a mart, in one grain and dimension, that MetricFlow answers otherwise.

    `metrics` are the metrics by the mart's columns; of the columns, `components` are what adds up over members.
    """
    columns = list(metrics)
    nothing = [0 if column in components else None for column in columns]
    [(as_of_date,)] = company.sql("select as_of_date from intermediate.int_as_of")
    running = {
        start
        for (start,) in company.sql(
            f"select period_start_date from core.dim_periods where period_grain = '{grain}' and not is_complete"
        )
    }
    in_mart = {
        (start, member): values
        for start, member, *values in company.sql(
            f"select period_start_date, member_id, {', '.join(columns)} from marts.kpi_{kpi}"
            f" where period_grain = '{grain}' and dimension = '{dimension}'"
        )
    }
    group_by = [GRAINS[grain][0]] + ([dimension] if dimension != "overall" else [])
    answers, found = {}, []
    for row in company.ask(list(metrics.values()), group_by):
        start, member, values = row[0], (row[1] if len(group_by) == 2 else "all"), row[len(group_by) :]
        if start is None:
            # Open deals of which nobody says when they close
            told = {column for column, value in zip(columns, values, strict=True) if value is not None}
            undated = {"current_pipeline_amount", "remaining_quota_amount"}
            found += [f"{told} without a date"] if "current_pipeline_amount" not in told or told - undated else []
        elif start <= as_of_date:
            found += [f"{start} {member} twice"] if (start, member) in answers else []
            answers[start, member] = values

    # Where one side has no row, the other must say nothing: the mart leaves out such members, but no period of overall
    for key in in_mart.keys() | answers.keys():
        cells = zip(columns, in_mart.get(key, nothing), answers.get(key, [None] * len(columns)), strict=True)
        for column, expected, answer in cells:
            if column in RUNNING_ONLY and key[0] not in running:
                found += [f"{key} {column} is {expected} in a complete period"] if expected else []
            elif not is_same(expected, answer, column in components):
                found.append(f"{key} {column}: {expected} in the mart, {answer} from MetricFlow")
    return sorted(found)


@pytest.mark.parametrize(
    ("company_name", "kpi"),
    [(company_name, kpi) for company_name in ("demo", "fiscal", "bare") for kpi in KPIS]
    + [("unplanned", "pipeline_coverage"), ("unplanned", "quota_attainment")],
)
def test_metrics_equal_the_mart(company_name, kpi, manifest, metricflow, request) -> None:
    """By month, fiscal quarter and fiscal year, overall and by each dimension, all columns at once; the headline alone."""
    company = request.getfixturevalue(company_name)
    columns = {c: adds for c, adds in adding_columns(manifest, kpi).items() if (f"kpi_{kpi}", c) not in NOT_EXPRESSED}
    components = {column for column, adds in columns.items() if adds}
    headline = mart_of(manifest, kpi)["config"]["meta"]["headline"]
    dimensions = [dimension for (dimension,) in company.sql(f"select distinct dimension from marts.kpi_{kpi}")]
    assert "overall" in dimensions or company_name == "bare"

    found = []
    for grain in GRAINS:
        metrics = {column: metric_of(column, grain, metricflow) for column in columns}
        found += differences(company, kpi, grain, "overall", {headline: metrics[headline]}, components)
        for dimension in dimensions:
            asked = dict(metrics)
            if kpi == "lead_generation" and dimension not in ("overall", "lead_source"):
                known = [f"count({column})" for column in SPEND_OF_LEADS if asked.pop(column)]
                query = f"select {', '.join(known)} from marts.kpi_{kpi} where dimension = '{dimension}'"
                assert company.sql(query) == [(0, 0)]
            found += differences(company, kpi, grain, dimension, asked, components)
    assert found == [], f"{len(found)} cells, such as\n" + "\n".join(found[:10])


def test_every_column_of_the_marts_is_a_metric_or_listed_with_the_reason(manifest, metricflow) -> None:
    """Every mart of a KPI is compared, its headline too, and the list of what is not has no more than it needs."""
    marts = [node for node in manifest["nodes"].values() if node["path"].startswith("marts/kpis/")]
    assert sorted(node["name"] for node in marts if node["resource_type"] == "model") == [f"kpi_{kpi}" for kpi in KPIS]
    missing = {
        (f"kpi_{kpi}", column)
        for kpi in KPIS
        for column in adding_columns(manifest, kpi)
        if not all(metric_of(column, grain, metricflow) in metricflow.metrics for grain in GRAINS)
    }
    same_name = {("kpi_customer_acquisition_cost", "marketing_spend_amount")}
    assert missing | same_name == NOT_EXPRESSED.keys()
    headlines = {(f"kpi_{kpi}", mart_of(manifest, kpi)["config"]["meta"]["headline"]) for kpi in KPIS}
    assert not headlines & NOT_EXPRESSED.keys()


def test_documentation_lists_what_is_not_expressed(repo: Path) -> None:
    """In docs/semantic_layer.md, with the same reasons."""
    rows = re.findall(r"^\| `(kpi_\w+)` \| `(\w+)` \| (.+) \|$", (repo / "docs/semantic_layer.md").read_text(), re.M)
    assert {(mart, column): reason for mart, column, reason in rows} == NOT_EXPRESSED


def test_labels_and_descriptions_are_there(manifest, metricflow) -> None:
    """A headline has the label of its mart; everything that can be asked for is described, with no doc() left in it."""
    for kpi in KPIS:
        meta = mart_of(manifest, kpi)["config"]["meta"]
        for grain in GRAINS:
            metric = metricflow.metrics[metric_of(meta["headline"], grain, metricflow)]
            assert metric.label in (meta["label"], f"{meta['label']} ({grain})")
    described = list(manifest["metrics"].values())
    for model in manifest["semantic_models"].values():
        described += [model, *model["entities"], *model["dimensions"], *model["measures"]]
    bad = [thing["name"] for thing in described if not thing["description"] or "{" in thing["description"]]
    assert len(described) > 200 and bad == []


PLAIN_SQL = [
    (
        "win_rate",
        ["metric_time__fiscal_quarter", "segment", "sales_team"],
        None,
        """
        select dates.quarter_start_date, segment, sales_team, sum(won_deals) / sum(closed_deals)
        from marts.fct_deals inner join core.dim_dates as dates on closed_date = date_day
        where closed_deals = 1
        group by 1, 2, 3
        """,
    ),
    (
        "average_deal_size",
        ["lead_source", "account__industry"],
        "{{ Entity('region') }} <> 'unknown' and {{ TimeDimension('metric_time', 'day') }} >= '2025-01-01'",
        """
        select lead_source, industry, cast(sum(won_amount) as double) / nullif(sum(won_deals_with_amount), 0)
        from marts.fct_deals as deals left join core.dim_accounts as accounts using (source_system, account_id)
        where closed_deals = 1 and closed_date >= '2025-01-01' and deals.region <> 'unknown'
        group by 1, 2
        """,
    ),
    (
        "quota_attainment",
        ["metric_time__fiscal_year", "sales_rep_name", "sales_team"],
        "{{ Entity('sales_team') }} <> 'Enterprise'",
        """
        select period_start_date, sales_rep_name, sales_team, cast(sum(won_amount) as double) / nullif(sum(quota_amount), 0)
        from (
            select closed_date as placed_date, sales_rep_name, sales_team, won_amount, null as quota_amount
            from marts.fct_deals where closed_deals = 1
            union all
            select quota_month, sales_rep_name, sales_team, 0, quota_amount from marts.fct_quotas
        ) inner join core.dim_period_days on placed_date = date_day and period_grain = 'year'
        where sales_team <> 'Enterprise'
        group by 1, 2, 3
        """,
    ),
    (
        "quarterly_forecast_accuracy",
        ["metric_time__fiscal_quarter", "sales_team", "segment"],
        None,
        """
        select quarter_start_date, sales_team, segment,
            cast(1 - abs(sum(forecast) - sum(actual)) / nullif(sum(actual), 0) as double)
        from (
            select snapshot_date as placed_date, sales_team, segment, forecast_amount as forecast, 0 as actual
            from marts.fct_pipeline_snapshots
            inner join core.dim_dates as opened on snapshot_date = opened.date_day
            inner join core.dim_dates as expected on expected_close_date = expected.date_day
            where snapshot_type = 'opening' and snapshot_date = opened.quarter_start_date
                and expected.quarter_start_date = opened.quarter_start_date
            union all
            select closed_date, sales_team, segment, 0, won_amount from marts.fct_deals where closed_deals = 1
        ) inner join core.dim_dates on placed_date = date_day
        group by 1, 2, 3
        """,
    ),
    (
        "stage_conversion_rate",
        ["stage_name", "segment", "deal__outcome"],
        "{{ TimeDimension('metric_time', 'day') }} < '2025-07-01'",
        """
        select stage_name, segment, deals.outcome, sum(advanced_deals) / sum(entered_deals)
        from marts.fct_stage_visits as visits
        inner join (select source_system, deal_id, outcome from marts.fct_deals) as deals using (source_system, deal_id)
        where entered_deals = 1 and entered_date < '2025-07-01'
        group by 1, 2, 3
        """,
    ),
]


@pytest.mark.parametrize(("metric", "group_by", "where", "query"), PLAIN_SQL, ids=[metric for metric, *_ in PLAIN_SQL])
@pytest.mark.parametrize("company_name", ["demo", "fiscal"])
def test_combinations_that_no_mart_has_equal_plain_sql(company_name, metric, group_by, where, query, request) -> None:
    """Several dimensions at once, attributes of what is joined, and filters."""
    company = request.getfixturevalue(company_name)
    expected = {row[:-1]: row[-1] for row in company.sql(query)}
    answers = {row[:-1]: row[-1] for row in company.ask([metric], group_by, where)}
    # Quotas of months to come have rows of their own
    if metric == "quota_attainment":
        last = max(row[0] for row in expected)
        answers = {key: value for key, value in answers.items() if key[0] <= last}
    assert len(expected) > 10 and answers.keys() == expected.keys()
    assert [key for key in expected if not is_same(expected[key], answers[key], False)] == []


@pytest.fixture(scope="module")
def mf(repo, demo_database, target, tmp_path_factory) -> Callable[..., subprocess.CompletedProcess]:
    """Run `mf` in a copy of the project: it looks for the manifest in the project's own target folder, and opens
    the file to write, which these tests read meanwhile."""
    project = tmp_path_factory.mktemp("mf") / "project"
    made = shutil.ignore_patterns(".git", ".venv*", "target", "logs", "warehouse", "dbt_packages", ".*_cache")
    shutil.copytree(repo, project, ignore=made)
    shutil.copytree(target, project / "target")
    shutil.copyfile(demo_database, project / demo_database.name)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    environment |= {"SALES_KPIS_DB": str(project / demo_database.name), "DBT_PROFILES_DIR": str(project)}

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [str(Path(sys.executable).with_name("mf")), *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    return run


def test_configuration_is_valid(mf) -> None:
    """Every model, entity, dimension, measure and metric also runs on the warehouse; warnings count."""
    run = mf("validate-configs", "--show-all")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    counts = re.findall(r"ERRORS: (\d+), FUTURE_ERRORS: (\d+), WARNINGS: (\d+)", run.stdout)
    assert len(counts) == 6 and set(counts) == {("0", "0", "0")}, run.stdout[-2000:]


def test_queries_of_the_readme_run_as_written(mf, repo) -> None:
    """`make query` passes its ARGS to `mf query`; they give rows."""
    asked = re.findall(r"^make query ARGS=.+$", (repo / "README.md").read_text(), re.M)
    assert len(asked) == 2
    for line in asked:
        arguments = shlex.split(shlex.split(line)[2].removeprefix("ARGS="))
        run = mf("query", *arguments)
        assert run.returncode == 0 and len(run.stdout.strip().splitlines()) > 3, (line, run.stdout, run.stderr)


def test_queries_of_the_documentation_give_rows(demo, repo) -> None:
    """Metrics, group-bys and filters of docs/semantic_layer.md; what else is there only cuts or sorts."""
    options = argparse.ArgumentParser()
    options.add_argument("--metrics", type=lambda text: text.split(","))
    options.add_argument("--group-by", type=lambda text: text.split(","))
    options.add_argument("--where")
    asked = re.findall(r"^mf query (.+)$", (repo / "docs/semantic_layer.md").read_text(), re.M)
    assert len(asked) >= 3
    for line in asked:
        query, _ = options.parse_known_args(shlex.split(line))
        assert demo.ask(query.metrics, query.group_by, query.where), line
