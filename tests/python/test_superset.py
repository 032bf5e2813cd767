"""The Superset dashboard of bi/superset: that its YAML fits the marts, and, on demand, a real Superset that shows it.

`make superset-test` installs Superset and names its folder of commands in SUPERSET_BIN; without it, only the YAML is
checked.
"""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import yaml
from publish import exclusive, publish
from superset_dashboard import fill_in, pack, read_assets

REPO = Path(__file__).resolve().parents[2]
PHOTOGRAPH = REPO / "target" / "superset_dashboard.png"

# What each chart must show under the filters as they stand at first, from the marts, under the names in its answer
TREND = """
    select period_label, {columns} from marts.{mart}
    where period_grain = 'quarter' and dimension = 'overall' and {complete}
"""
OF_PERIOD = "period_grain = 'quarter' and period_label = $period"
EXPECTED = {
    "Win rate": TREND.format(
        columns="""win_rate as "Win rate", value_win_rate as "Win rate by amount" """,
        mart="kpi_win_rate",
        complete="is_complete",
    ),
    "Won amount and quota": TREND.format(
        columns="""won_amount as "Won amount", quota_amount as "Quota", quota_attainment as "Quota attainment" """,
        mart="kpi_quota_attainment",
        complete="is_complete",
    ),
    "Pipeline coverage as the period opened": TREND.format(
        columns="""pipeline_coverage as "Pipeline coverage" """, mart="kpi_pipeline_coverage", complete="true"
    ),
    "Forecast and what was won": TREND.format(
        columns="""forecast_amount as "Forecast as the period opened", actual_amount as "Won",
            forecast_accuracy as "Forecast accuracy" """,
        mart="kpi_forecast_accuracy",
        complete="is_complete",
    ),
    "Lead response": TREND.format(
        columns="""average_lead_response_hours as "Average response hours",
            median_lead_response_hours as "Median response hours" """,
        mart="kpi_lead_response_time",
        complete="is_complete",
    ),
    "Open pipeline at month starts, by team": """
        pivot (
            select epoch_ms(snapshot_date) as snapshot_date, sales_team, opening_pipeline_amount from marts.fct_pipeline_snapshots
            where snapshot_type = 'opening' and day(snapshot_date) = 1
        ) on sales_team using sum(opening_pipeline_amount)
    """,
    "Quota attainment by team": f"""
        select member_name, won_amount / nullif(quota_amount, 0) as "Quota attainment" from marts.kpi_quota_attainment
        where dimension = 'sales_team' and {OF_PERIOD}
    """,
    "Stage conversion": f"""
        select pipeline_name || stage_name as stage, entered_deals, advanced_deals, undecided_deals,
            advanced_deals / nullif(entered_deals, 0) as stage_conversion_rate, median_days_in_stage
        from marts.kpi_stage_conversion where dimension = 'stage' and {OF_PERIOD}
    """,
    "Scorecard": f"""
        select kpi_label, value * if(unit = 'share', 100, 1) as shown_value,
            previous_period_value * if(unit = 'share', 100, 1) as shown_previous_period,
            previous_year_value * if(unit = 'share', 100, 1) as shown_previous_year
        from marts.kpi_scorecard where dimension = 'overall' and {OF_PERIOD}
    """,
}
# The columns of an answer that tell its points apart, where it is not the period
KEYS = {
    "Open pipeline at month starts, by team": ("snapshot_date",),
    "Quota attainment by team": ("member_name",),
    "Stage conversion": ("pipeline_name", "stage_name"),
    "Scorecard": ("kpi_label",),
}


@pytest.fixture
def assets() -> dict[str, dict]:
    """The YAML by file."""
    return read_assets()


def of_kind(assets: dict[str, dict], kind: str) -> dict[str, dict]:
    """The assets of a kind (charts, datasets …) by uuid."""
    return {asset["uuid"]: asset for name, asset in assets.items() if name.startswith(f"{kind}/")}


def test_charts_ask_for_what_their_dataset_has(assets, warehouse):
    fill_in(assets, warehouse)
    datasets = of_kind(assets, "datasets")
    for chart in of_kind(assets, "charts").values():
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        assert {*params.get("metrics", []), *params.get("metrics_b", [])} <= metrics, chart["slice_name"]
        asked = [*params.get("groupby", []), *params.get("all_columns", []), *filter(None, [params.get("x_axis")])]
        assert set(asked) <= columns, chart["slice_name"]
        assert params["viz_type"] == chart["viz_type"]


def test_metrics_and_filters_are_sql_that_the_marts_answer(assets, warehouse):
    datasets = of_kind(assets, "datasets")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for dataset in datasets.values():
            expressions = [metric["expression"] for metric in dataset["metrics"]]
            for expression in expressions or ["count(*)"]:
                connection.execute(f"select {expression} from marts.{dataset['table_name']}")
            for column in dataset.get("columns", []):
                expression = column.get("expression", column["column_name"])
                connection.execute(f"select {expression} from marts.{dataset['table_name']}")
        for chart in of_kind(assets, "charts").values():
            table = datasets[chart["dataset_uuid"]]["table_name"]
            for condition in chart["params"]["adhoc_filters"]:
                connection.execute(f"from marts.{table} where {condition['sqlExpression']}")


def test_no_metric_adds_up_or_averages_rows_of_a_kpi(assets):
    for dataset in of_kind(assets, "datasets").values():
        if dataset["table_name"].startswith("kpi_"):
            for metric in dataset["metrics"]:
                assert re.fullmatch(r"case when count\(\*\) = 1 then max\(\w+\) end", metric["expression"]), metric


def test_every_chart_is_on_the_dashboard_and_every_dataset_in_a_chart(assets):
    (dashboard,) = of_kind(assets, "dashboards").values()
    parts = [part for name, part in dashboard["position"].items() if name.startswith("CHART-")]
    placed = {part["meta"]["uuid"] for part in parts}
    charts = of_kind(assets, "charts")
    assert placed == set(charts)
    assert {chart["dataset_uuid"] for chart in charts.values()} == set(of_kind(assets, "datasets"))


def test_the_exposure_names_the_models_of_the_datasets(assets):
    exposures = yaml.safe_load((REPO / "models" / "marts" / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    (exposure,) = [exposure for exposure in exposures if exposure["name"] == "superset_sales_kpis"]
    models = {re.fullmatch(r"ref\('sales_kpis', '(\w+)'\)", model)[1] for model in exposure["depends_on"]}
    assert models == {dataset["table_name"] for dataset in of_kind(assets, "datasets").values()}


@pytest.fixture(scope="module")
def publish_marts(warehouse, tmp_path_factory) -> Callable[..., Path]:
    """Publish the warehouse's marts after some statements, each time as the next version of one file."""
    folder = tmp_path_factory.mktemp("published")
    working, published = folder / "working.duckdb", folder / "sales_kpis.duckdb"
    shutil.copyfile(warehouse, working)

    def publish_them(*statements: str) -> Path:
        with duckdb.connect(str(working)) as connection, exclusive(published):
            for statement in statements:
                connection.execute(statement)
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where schema_name = 'marts'"
            )
            publish(connection, published, tables.fetchall(), {"build_id": time.strftime("%Y%m%d-%H%M%S")})
        return published

    return publish_them


@pytest.fixture(scope="module")
def superset(publish_marts, tmp_path_factory) -> Iterator[str]:
    """The address of a real Superset into which the dashboard was imported, with an administrator admin / admin."""
    if not os.environ.get("SUPERSET_BIN"):
        pytest.skip("needs a Superset: make superset-test")
    commands, home = REPO / os.environ["SUPERSET_BIN"], tmp_path_factory.mktemp("superset")
    (home / "superset_config.py").write_text(
        f"SECRET_KEY = '{os.urandom(32).hex()}'\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{home}/superset.db'\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {
        "SUPERSET_CONFIG_PATH": str(home / "superset_config.py"),
        "SUPERSET_HOME": str(home),
        "FLASK_APP": "superset.app",
        "SCARF_ANALYTICS": "false",
    }

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [commands / "superset", *arguments], env=environment, cwd=home, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]

    pack(publish_marts(), home / "dashboard.zip")
    run("db", "upgrade")
    admin = {
        "username": "admin",
        "password": "admin",
        "firstname": "Sales",
        "lastname": "Admin",
        "email": "admin@example.com",
    }
    run("fab", "create-admin", *(word for name, value in admin.items() for word in (f"--{name}", value)))
    run("init")
    run("import-dashboards", "-p", "dashboard.zip", "-u", "admin")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    serve = [commands / "gunicorn", "-b", address, "-k", "gthread", "--threads", "8", "-t", "120"]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*serve, "superset.app:create_app()"], env=environment, cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(120):
                assert server.poll() is None, (home / "server.log").read_text()[-4000:]
                with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                    urllib.request.urlopen(f"http://{address}/health", timeout=5)
                    break
                time.sleep(1)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def dashboard(superset, chromium) -> Iterator:
    """A function that opens the dashboard in a Chromium which reaches nothing but Superset: its page, and the answers
    that its charts got, {chart: [(columns, rows) of each query]}. It fails on any error in a chart."""
    context = chromium.new_context(viewport={"width": 1500, "height": 2620})
    context.route(lambda url: not url.startswith(superset), lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{superset}/login/")
    page.fill("input#username", "admin")
    page.fill("input#password", "admin")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    titles = {
        chart["id"]: chart["slice_name"]
        for chart in page.request.get(f"{superset}/api/v1/dashboard/sales_kpis/charts").json()["result"]
    }

    def open_it() -> tuple:
        answers, failures = {}, []

        def remember(response) -> None:
            if "/api/v1/chart/data" in response.url and response.request.method == "POST":
                form = response.request.post_data_json["form_data"]
                title = titles.get(form.get("slice_id"))
                if not response.ok:
                    failures.append((title, response.text()))
                elif title:
                    queries = response.json()["result"]
                    answers[title] = [row for query in queries for row in query["data"]]

        page.on("response", remember)
        page.goto(f"{superset}/superset/dashboard/sales_kpis/")
        page.wait_for_selector("[data-test='slice-header']")
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and (
            set(answers) != set(titles.values()) or page.locator("[data-test='loading-indicator']:visible").count()
        ):
            page.wait_for_timeout(500)
        page.wait_for_timeout(5000)  # charts are drawn with an animation, and again once the period is chosen
        page.remove_listener("response", remember)
        assert failures == []
        assert page.locator("[role='alert']:visible").all_inner_texts() == []
        assert set(answers) == set(titles.values())
        return page, answers

    yield open_it
    context.close()


def points(title: str, rows: list[dict]) -> dict[str, dict]:
    """A chart's answer by point; a chart of two queries has two rows for one."""
    found: dict[str, dict] = {}
    for row in rows:
        names = [row[key] for key in KEYS.get(title, ("period_label",))]
        point = "".join(f"{name:.0f}" if isinstance(name, float) else str(name) for name in names)
        found.setdefault(point, {}).update(row)
    return found


def is_shown(figure: float | str | None, expected: float | None) -> bool:
    """Whether a chart has a figure of the marts: exactly, or in a text as it is rounded there."""
    if figure is None or expected is None:
        return figure is expected
    if isinstance(figure, str):
        return float(figure.replace(",", "").removesuffix(" %")) == pytest.approx(
            float(expected), rel=0.0005, abs=0.051
        )
    return figure == pytest.approx(float(expected), rel=1e-9)


def test_the_dashboard_shows_the_figures_of_the_marts(dashboard, warehouse):
    page, answers = dashboard()
    PHOTOGRAPH.parent.mkdir(exist_ok=True)
    page.screenshot(path=PHOTOGRAPH)
    assert set(answers) == set(EXPECTED)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        (period,) = connection.execute(
            "select max(period_label) from marts.kpi_scorecard where period_grain = 'quarter' and is_complete"
        ).fetchone()
        for title, query in EXPECTED.items():
            relation = connection.execute(query, {"period": period} if "$period" in query else {})
            _, *names = [column[0] for column in relation.description]
            expected = {str(point): dict(zip(names, figures, strict=True)) for point, *figures in relation.fetchall()}
            shown = points(title, answers[title])
            # A point that has no figure may be left out
            assert set(shown) <= set(expected) and shown, title
            for point, figures in expected.items():
                for name, figure in figures.items():
                    assert is_shown(shown.get(point, {}).get(name), figure), (title, point, name)


def test_a_new_version_shows_at_once(dashboard, publish_marts):
    publish_marts("update marts.kpi_win_rate set win_rate = 0.987654321")
    _, answers = dashboard()
    assert {row["Win rate"] for row in answers["Win rate"]} == {0.987654321}
