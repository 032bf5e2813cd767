"""The sales leader's report: its figures are those of the marts, and its pages hold together.

The pages are read as a browser would: the figures from the JSON in them, everything else from their HTML. What needs
a browser is in test_report_browser.py.
"""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml

pytest.importorskip("altair", reason="needs what draws the report: requirements-report.txt")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from leader_report import definitions, figures
from report import write_report

KPIS = sorted(
    path.stem.removeprefix("kpi_")
    for path in (Path(__file__).resolve().parents[2] / "models/marts/kpis").glob("kpi_*.yml")
    if not path.stem.endswith("_unit_tests")
)
PAGES = ["index", "pipeline", "funnel", "people", "data", "definitions", *KPIS]
VOID = {"meta", "link", "br", "hr", "input", "img"}


class Page(HTMLParser):
    """A page as lists: `elements` (tag, attributes), `ids`, `links`, `tables` (rows of cell texts), `text`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.tables, self.text, self.open = [], [], "", []
        self.feed(html)
        self.ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        self.links = [attributes["href"] for tag, attributes in self.elements if tag == "a"]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data
            if "table" in self.open and {"td", "th"} & set(self.open):
                self.tables[-1][-1][-1] += data


def data_of(folder: Path, page: str) -> dict:
    """The figures in a page."""
    html = (folder / f"{page}.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="page-data">(.*?)</script>', html, re.DOTALL)[1])


def unfold(explorer: dict) -> dict[tuple, list]:
    """{(grain, start, dimension, member id): values} of the rows in a page; a row that comes twice fails."""
    found = {}
    for grain, dimensions in explorer["rows"].items():
        for dimension, rows in dimensions.items():
            for period, member, *values in rows:
                key = (
                    grain,
                    explorer["periods"][grain][period]["start"],
                    dimension,
                    explorer["members"][dimension][member]["id"],
                )
                assert key not in found
                found[key] = values
    return found


def as_numbers(row: tuple) -> list:
    """A mart's values as JSON has them: decimals and counts as the numbers that they are."""
    return [float(value) if value is not None and not isinstance(value, bool | int | str) else value for value in row]


@pytest.fixture(scope="module")
def kpis(connection: duckdb.DuckDBPyConnection) -> dict[str, dict]:
    """{name: KPI} as the report reads them."""
    return {kpi["name"]: kpi for kpi in figures.kpis(connection)}


# --- Figures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KPIS)
def test_a_kpis_page_has_every_figure_of_its_mart(report: Path, connection, name: str) -> None:
    data = data_of(report, name)["explorer"]
    columns = ", ".join(column["name"] for column in data["columns"])
    rows = connection.execute(
        f"select period_grain, cast(period_start_date as varchar), dimension, member_id, {columns} from marts.kpi_{name}"
    ).fetchall()
    assert unfold(data) == {row[:4]: as_numbers(row[4:]) for row in rows}
    assert rows
    shown = {column["name"] for column in data["columns"]}
    all_columns = {row[0] for row in connection.execute(f"describe marts.kpi_{name}").fetchall()}
    assert all_columns - shown == set(figures.KEYS) | ({*figures.STAGE_KEYS} if name == "stage_conversion" else set())


@pytest.mark.parametrize("name", KPIS)
def test_periods_are_the_marts_and_running_ones_are_marked(report: Path, connection, name: str) -> None:
    rows = connection.execute(
        f"""
        select distinct period_grain, cast(period_start_date as varchar), cast(period_end_date as varchar),
            period_label, is_complete
        from marts.kpi_{name} where dimension = 'overall'
        """
    ).fetchall()
    shown = [
        (grain, period["start"], period["end"], period["label"], period["is_complete"])
        for grain, periods in data_of(report, name)["explorer"]["periods"].items()
        for period in periods
    ]
    assert sorted(shown) == sorted(rows)
    assert shown == sorted(shown, key=lambda row: (figures.GRAINS.index(row[0]), row[1]))


def test_the_scorecard_has_the_scorecards_figures_and_each_marts_parts(report: Path, connection, kpis) -> None:
    page = data_of(report, "index")
    shown = {}
    for grain, dimensions in page["scorecard"]["rows"].items():
        for dimension, rows in dimensions.items():
            for period, member, kpi, *values in rows:
                start = page["scorecard"]["periods"][grain][period]["start"]
                member_id = page["scorecard"]["members"][dimension][member]["id"]
                shown[page["kpis"][kpi]["name"], grain, start, dimension, member_id] = values
    rows = connection.execute(
        """
        select kpi_name, period_grain, cast(period_start_date as varchar), dimension, member_id,
            value, previous_period_value, previous_year_value, change_from_previous_period, change_from_previous_year
        from marts.kpi_scorecard where dimension in ('overall', 'sales_team')
        """
    ).fetchall()
    assert {key: values[:5] for key, values in shown.items()} == {row[:5]: list(row[5:]) for row in rows}

    for name, kpi in kpis.items():
        parts = kpi["columns"][-1]["parts"]
        keys = "'" + name + "', period_grain, cast(period_start_date as varchar), dimension, member_id"
        for row in connection.execute(
            f"select {', '.join([keys, *parts])} from marts.kpi_{name} where dimension in ('overall', 'sales_team')"
        ).fetchall():
            assert shown[row[:5]][6:] == as_numbers(row[5:])


def test_a_running_period_has_no_change_and_an_immature_rate_is_marked(report: Path, connection) -> None:
    page = data_of(report, "index")
    conversion = [kpi["name"] for kpi in page["kpis"]].index("lead_conversion_rate")
    running = 0
    for grain, dimensions in page["scorecard"]["rows"].items():
        for period, _, kpi, _, _, _, *changes, is_mature in [
            row[:9] for rows in dimensions.values() for row in rows
        ]:
            is_complete = page["scorecard"]["periods"][grain][period]["is_complete"]
            if not is_complete:
                running += 1
                assert changes == [None, None]
            if kpi == conversion and not is_complete:
                assert is_mature is False
    assert running > 0


def test_reps_and_teams_have_the_scorecards_figures(report: Path, connection) -> None:
    people = data_of(report, "people")["people"]
    shown = {
        (name, *key): value
        for key, values in unfold(people).items()
        for name, value in zip(people["shown"], values, strict=True)
        if value is not None
    }
    rows = connection.execute(
        """
        select kpi_name, period_grain, cast(period_start_date as varchar), dimension, member_id,
            value, numerator, denominator
        from marts.kpi_scorecard where dimension in ('overall', 'sales_rep', 'sales_team')
        """
    ).fetchall()
    starts = {(grain, period["start"]) for grain, some in people["periods"].items() for period in some}
    expected = {row[:5]: as_numbers(row[5:]) for row in rows if row[1:3] in starts and row[0] in people["shown"]}
    assert shown == expected
    assert {grain: len(some) for grain, some in people["periods"].items()} == figures.PEOPLE_PERIODS


def test_the_funnel_has_the_stages_of_the_stage_conversion(report: Path, connection) -> None:
    funnel = data_of(report, "funnel")["funnel"]
    columns = ", ".join(column["name"] for column in funnel["columns"])
    rows = connection.execute(
        f"""
        select period_grain, cast(period_start_date as varchar), dimension, member_id, {columns}
        from marts.kpi_stage_conversion where dimension = 'stage'
        """
    ).fetchall()
    assert unfold(funnel) == {row[:4]: as_numbers(row[4:]) for row in rows}
    names = dict(
        connection.execute(
            "select distinct member_id, pipeline_name from marts.kpi_stage_conversion where dimension = 'stage'"
        ).fetchall()
    )
    assert {
        stage["id"]: funnel["members"]["pipeline"][stage["pipeline"]]["label"] for stage in funnel["members"]["stage"]
    } == names


def test_the_open_pipeline_is_the_sum_of_the_snapshots(report: Path, connection) -> None:
    pipeline = data_of(report, "pipeline")["explorer"]
    shown = unfold(pipeline)
    rows = connection.execute(
        """
        select cast(snapshot_date as varchar), coalesce(sales_team, 'unknown'), sum(open_deals),
            sum(opening_pipeline_amount)
        from marts.fct_pipeline_snapshots
        where snapshot_type = 'opening' and snapshot_date = date_trunc('quarter', snapshot_date)
        group by 1, 2
        """
    ).fetchall()
    expected = {("quarter", row[0], "sales_team", row[1]): as_numbers(row[2:]) for row in rows}
    now = connection.execute(
        """
        select coalesce(sales_team, 'unknown'), sum(open_deals), sum(current_pipeline_amount)
        from marts.fct_pipeline_snapshots where snapshot_type = 'current' group by 1
        """
    ).fetchall()
    expected |= {("quarter", "now", "sales_team", row[0]): as_numbers(row[1:]) for row in now}
    assert {key: values for key, values in shown.items() if key[0::2] == ("quarter", "sales_team")} == expected
    for (grain, start, dimension, _), values in shown.items():
        if dimension == "overall":
            for other in pipeline["members"]:
                parts = [v for k, v in shown.items() if k[:3] == (grain, start, other)]
                assert sum(part[0] for part in parts) == values[0]
                assert sum(part[1] for part in parts) == pytest.approx(values[1], abs=0.005)


def test_without_a_change_log_there_is_no_past_pipeline_but_the_present_one(altered) -> None:
    report = altered(
        "update marts.fct_deals set has_deal_log = false", "update marts.fct_pipeline_snapshots set has_deal_log = false"
    )
    for (_, start, *_), values in unfold(data_of(report, "pipeline")["explorer"]).items():
        assert (values == [None, None]) == (start != "now")


def test_coverage_and_forecast_are_those_of_their_marts(report: Path, connection) -> None:
    page = data_of(report, "pipeline")
    for part, mart in (("coverage", "pipeline_coverage"), ("forecast", "forecast_accuracy")):
        columns = ", ".join(column["name"] for column in page[part]["columns"])
        rows = connection.execute(
            f"""
            select period_grain, cast(period_start_date as varchar), dimension, member_id, {columns}
            from marts.kpi_{mart} where dimension in ('overall', 'sales_team')
            """
        ).fetchall()
        assert unfold(page[part]) == {row[:4]: as_numbers(row[4:]) for row in rows}


def test_the_data_page_counts_what_the_audit_lists(report: Path, connection) -> None:
    page = Page((report / "data.html").read_text(encoding="utf-8"))
    trust, completeness, reconciliation, excluded, warnings = (table[1:] for table in page.tables)
    assert len(trust) == connection.execute("select count(*) from audit.audit_kpi_trust").fetchone()[0]
    assert len(completeness) == connection.execute("select count(*) from audit.audit_completeness").fetchone()[0]
    rows = connection.execute(
        """
        select table_name, source_system, raw_records, used_records, excluded_records, warnings
        from audit.audit_reconciliation
        """
    ).fetchall()
    shown = {tuple(row[:2]): [int(cell.replace(",", "")) for cell in row[2:6]] for row in reconciliation}
    assert shown == {row[:2]: list(row[2:]) for row in rows}
    for shown_rows, model, reason in (
        (excluded, "audit_excluded_records", "exclusion_reason"),
        (warnings, "audit_warnings", "warning"),
    ):
        rows = connection.execute(
            f"select replace({reason}, '_', ' '), source_system, table_name, count(*) from audit.{model} group by all"
        ).fetchall()
        listed = {
            (row[0], row[1], table): int(records.replace(",", ""))
            for row in shown_rows
            for table, records in re.findall(r"(\w+) ([\d,]*\d)", row[3])
        }
        assert listed == {row[:3]: row[3] for row in rows}
        for row in shown_rows:
            assert int(row[2].replace(",", "")) == sum(listed[key] for key in listed if key[:2] == (row[0], row[1]))


# --- Labels, units, definitions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KPIS)
def test_what_the_file_says_about_a_kpi_is_what_its_yaml_says(repo: Path, kpis, name: str) -> None:
    """The report reads labels from the scorecard and a headline's parts from its description."""
    model = yaml.safe_load((repo / f"models/marts/kpis/kpi_{name}.yml").read_text())["models"][0]
    meta = model["config"]["meta"]
    kpi = kpis[name]
    for key in ("label", "unit", "higher_is_better", "definition_version", "headline"):
        assert kpi[key] == meta[key]
    assert kpi["is_ratio"] == (meta["formula"] == "ratio")
    if kpi["is_ratio"]:
        assert kpi["columns"][-1]["parts"] == [meta["numerator"], meta["denominator"]]
        assert kpi["columns"][-1]["is_quotient"]


def test_units_follow_the_names() -> None:
    for name, data_type, unit in (
        ("won_deals_with_amount", "BIGINT", "count"),
        ("won_amount", "DECIMAL(38,2)", "currency"),
        ("won_amount_to_date", "DECIMAL(38,2)", "currency"),
        ("median_deal_size", "DOUBLE", "currency"),
        ("cost_per_lead", "DOUBLE", "currency"),
        ("pipeline_velocity_per_day", "DOUBLE", "currency a day"),
        ("total_days_to_convert", "BIGINT", "whole days"),
        ("average_days_in_stage", "DOUBLE", "days"),
        ("total_seconds_in_stage", "BIGINT", "seconds"),
        ("coverage_to_go", "DOUBLE", "multiple"),
        ("forecast_bias", "DOUBLE", "share"),
        ("is_attained", "BOOLEAN", "flag"),
    ):
        assert figures.unit_of(name, data_type) == unit
    with pytest.raises(ValueError, match="happiness"):
        figures.unit_of("happiness", "DOUBLE")


@pytest.mark.parametrize("name", KPIS)
def test_a_kpis_definition_is_on_its_page_and_one_click_from_the_scorecard(repo: Path, report: Path, kpis, name) -> None:
    section = next(s for s in definitions.sections(repo / "docs/kpis.md") if s.kpi == name)
    html = (report / f"{name}.html").read_text(encoding="utf-8")
    assert str(section.html) in html
    assert "It misleads" in " ".join(section.html.split()) and "disputed" in section.html
    page = Page(html)
    assert "definition" in page.ids and "#definition" in page.links
    for column in kpis[name]["columns"]:
        assert column["description"] in " ".join(page.text.split())
    assert "NULL" not in kpis[name]["meaning"] and kpis[name]["meaning"]


def test_the_text_of_another_version_is_left_out_and_the_page_says_so(repo: Path, altered) -> None:
    folder = altered("update marts.kpi_scorecard set definition_version = 99 where kpi_name = 'win_rate'")
    html = (folder / "win_rate.html").read_text(encoding="utf-8")
    assert "The figures follow version 99" in Page(html).text
    section = next(s for s in definitions.sections(repo / "docs/kpis.md") if s.kpi == "win_rate")
    assert str(section.html) not in html
    assert "won_deals / closed_deals" in html
    assert "The figures follow version" not in Page((folder / "quota_attainment.html").read_text(encoding="utf-8")).text


def test_a_published_file_says_on_every_page_what_built_it(altered) -> None:
    folder = altered(
        "create or replace table marts.build_info as select '20260102-1' as build_id, timestamp '2026-01-02 03:04' as "
        "published_at, date '2025-12-31' as as_of_date, '0123456789abcdef' as git_commit, true as is_git_dirty, "
        "700 as tests_passed, 13 as tests_warned"
    )
    for name in PAGES:
        text = " ".join(Page((folder / f"{name}.html").read_text(encoding="utf-8")).text.split())
        assert "Everything as known on 2025-12-31" in text
        assert (
            "Build 20260102-1, published 2026-01-02 03:04 UTC from commit 0123456789 and changed files; "
            "700 tests passed, 13 warned about the data."
        ) in text

    folder = altered("drop table if exists marts.build_info")
    assert "From a file that was not published" in (folder / "funnel.html").read_text(encoding="utf-8")


def test_the_exposures_name_what_the_report_reads(repo: Path) -> None:
    exposures = yaml.safe_load((repo / "models/marts/exposures.yml").read_text())["exposures"]
    exposures = [exposure for exposure in exposures if exposure["name"].startswith("report_")]
    named = {ref for exposure in exposures for ref in re.findall(r"'(\w+)'\)", " ".join(exposure["depends_on"]))}
    source = (repo / "scripts/leader_report/figures.py").read_text()
    read = set(re.findall(r"\b(?:marts|audit)\.((?:kpi|fct|audit)_\w+)", source)) - {"kpi_"}
    assert named == read | {f"kpi_{name}" for name in KPIS}
    for exposure in exposures:
        assert exposure["url"].removeprefix("report/").removesuffix(".html") in PAGES


# --- Pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_html_with_headings_landmarks_and_labels(report: Path, name: str) -> None:
    page = Page((report / f"{name}.html").read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.elements]
    assert page.open == []
    assert ("html", {"lang": "en"}) in page.elements
    assert tags.count("h1") == tags.count("main") == tags.count("nav") == tags.count("header") == 1
    assert len(page.ids) == len(set(page.ids))
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    main = headings[headings.index(1) :]
    assert all(below <= above + 1 for above, below in zip(main, main[1:], strict=False))
    labelled = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    fields = {attributes["id"] for tag, attributes in page.elements if tag in ("select", "input")}
    assert fields and fields <= labelled
    links = [attributes for tag, attributes in page.elements if tag == "a"]
    assert links[0] == {"class": "skip", "href": "#main"}
    for _, attributes in page.elements:
        for points_to in (attributes.get("aria-labelledby"), attributes.get("aria-controls")):
            assert points_to is None or points_to in page.ids
    charts = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "chart"]
    assert all(f"{chart}-table" in page.ids for chart in charts)
    assert [a["href"] for _, a in page.elements if a.get("aria-current") == "page"] == [f"{name}.html"]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere_and_nothing_comes_from_the_network(report: Path, name: str) -> None:
    page = Page((report / f"{name}.html").read_text(encoding="utf-8"))
    for link in page.links:
        file, _, anchor = link.partition("#")
        target = report / (file or f"{name}.html")
        assert target.is_file(), link
        assert not anchor or anchor in Page(target.read_text(encoding="utf-8")).ids, link
    for _, attributes in page.elements:
        for source in (attributes.get("src"), attributes.get("href")):
            assert source is None or not re.match(r"(https?:)?//", source)
    for tag, attributes in page.elements:
        if tag in ("script", "link") and (source := attributes.get("src") or attributes.get("href")) != "data:,":
            assert source is None or (report / source).is_file()


def test_names_in_the_data_cannot_become_html(altered) -> None:
    name = "</script><script>document.title='broken'</script><b>&amp;"
    report = altered(
        f"update marts.kpi_win_rate set member_name = '{name.replace(chr(39), chr(39) * 2)}' "
        "where dimension = 'sales_rep' and member_id = (select min(member_id) from marts.kpi_win_rate where dimension = 'sales_rep')"
    )
    data = data_of(report, "win_rate")
    assert name in [member["label"] for member in data["explorer"]["members"]["sales_rep"]]
    assert "<script>document" not in (report / "win_rate.html").read_text(encoding="utf-8")


def test_members_of_one_name_are_told_apart(altered) -> None:
    report = altered("update marts.kpi_win_rate set member_name = 'Kim' where dimension = 'sales_rep'")
    labels = [member["label"] for member in data_of(report, "win_rate")["explorer"]["members"]["sales_rep"]]
    assert len(labels) == len(set(labels)) > 1
    assert all(re.fullmatch(r"Kim \(.+\)", label) for label in labels)


def test_a_kpi_without_data_keeps_its_page(altered) -> None:
    report = altered(
        "delete from marts.kpi_stage_conversion",
        "delete from marts.kpi_scorecard where kpi_name = 'stage_conversion'",
        "update audit.audit_kpi_trust set trust = 'impossible', reasons = 'no table deal_changes' "
        "where kpi_name = 'stage_conversion'",
    )
    page = Page((report / "stage_conversion.html").read_text(encoding="utf-8"))
    assert "Impossible for crm_export: no table deal_changes" in " ".join(page.text.split())
    assert "stage_conversion" in [kpi["name"] for kpi in data_of(report, "index")["kpis"]]
    assert data_of(report, "funnel")["funnel"]["periods"] == {"month": [], "quarter": [], "year": []}


def test_the_same_warehouse_gives_the_same_files(warehouse: Path, report: Path, tmp_path: Path) -> None:
    for path in write_report(warehouse, tmp_path):
        assert path.read_bytes() == (report / path.relative_to(tmp_path)).read_bytes()


def test_without_a_warehouse_it_says_what_to_do(repo: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    for database in (tmp_path / "nothing.duckdb", empty):
        command = [sys.executable, str(repo / "scripts/report.py"), "--db", str(database), "--out", str(tmp_path / "out")]
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert run.returncode == 1
        assert "make build" in run.stderr and "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()
