"""The sales leader's report in a real browser: opened from the file system, with the network cut off.

Needs a Chromium (Debian's package `chromium`, or Google Chrome); skipped where none is installed.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("axe_playwright_python", reason="needs a browser's driver and axe: requirements-dev.txt")
pytest.importorskip("altair", reason="needs what draws the report: requirements-report.txt")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DESKTOP, PHONE = (1440, 900), (390, 844)
# What a person may check: numbers as the marts have them, in the attribute of the text that shows them
SHOWN = "cells => cells.map(cell => cell.querySelector('data')?.value ?? null)"


@pytest.fixture
def open_page(chromium, report: Path) -> Iterator[Callable[..., Page]]:
    """Open a page of the report and wait until its charts are drawn. Any console message, error or request beyond
    the file system fails the test."""
    complaints, contexts = [], []

    def open_it(
        name: str, folder: Path = report, scheme: str = "light", size: tuple[int, int] = DESKTOP
    ) -> Page:
        context = chromium.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{name}: {message.type} {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{name}: {error}"))
        page.on(
            "request",
            lambda request: None
            if re.match(r"(file|data|blob):", request.url)
            else complaints.append(f"{name}: asked for {request.url}"),
        )
        file, _, filters = name.partition("#")
        page.goto((folder / f"{file}.html").as_uri() + (f"#{filters}" if filters else ""))
        ready(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def ready(page: Page) -> None:
    """Wait until everything is drawn."""
    page.wait_for_selector("body[data-ready=yes]", timeout=60_000)


def choose(page: Page, field: str, value: str) -> None:
    """Choose a filter's value and wait for what follows."""
    page.locator(f"#{field}").select_option(value)
    ready(page)


def table_of(page: Page, table: str) -> dict[str, list[str | None]]:
    """{row's first heading, without marks: exact values} of a table of figures."""
    rows = page.locator(f"#{table} tbody tr, #{table} tfoot tr")
    found = {}
    for row in rows.all():
        heading = row.locator("th").evaluate("cell => cell.firstChild.textContent")
        values = row.locator("td").evaluate_all(SHOWN)
        found[heading] = [None if value is None else float(value) for value in values if value not in ("true", "false")]
    return found


# --- Every page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_offline_fits_and_is_accessible(open_page, report: Path, scheme: str, size) -> None:
    """axe finds no violation with all tables open, nothing scrolls sideways, every chart is drawn and described.

    Every page in two of the four combinations, one page of each kind in the others.
    """
    problems = []
    is_full = (scheme, size) in (("light", DESKTOP), ("dark", PHONE))
    for path in sorted(report.glob("*.html")):
        if not is_full and path.stem not in ("index", "pipeline", "funnel", "people", "data", "win_rate"):
            continue
        page = open_page(path.stem, scheme=scheme, size=size)
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > size[0]:
            problems.append(f"{path.stem} is {width} pixels wide")
        for chart in page.locator(".chart").all():
            if not chart.get_attribute("aria-label") or not chart.locator("svg path").count():
                problems.append(f"{path.stem}: chart {chart.get_attribute('id')} is empty or has no name")
        # preload would fetch the style sheet, which a browser does not allow between files
        results = Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
        problems += [
            f"{path.stem}: {violation['id']} at {[node['target'] for node in violation['nodes']][:3]}"
            for violation in results.response["violations"]
        ]
        page.context.close()
    assert problems == []


def test_a_screen_reader_finds_headings_charts_in_words_and_tables(open_page) -> None:
    page = open_page("win_rate")
    page.locator("summary").first.press("Enter")
    tree = page.locator("body").aria_snapshot()
    for name in (
        'link "Skip to the figures"',
        'navigation "Pages"',
        'heading "Win rate" [level=1]',
        'heading "Over time" [level=2]',
        'heading "Definition" [level=2]',
        'combobox "Periods"',
        'combobox "Broken down by"',
        'table "Win rate of the whole company by quarter, the newest first"',
        'columnheader "Win rate, %"',
        "status:",
    ):
        assert name in tree, name
    assert re.search(r'img "Win rate of the whole company, by quarter\..*From \d', tree)


def test_the_keyboard_reaches_and_works_everything(open_page) -> None:
    page = open_page("win_rate")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    # Once through the page: everything that can be used is reached, in view and with a visible focus
    page.reload()
    ready(page)
    wanted = page.evaluate("document.querySelectorAll('a, button, select, input, summary').length")
    reached = []
    for _ in range(wanted + 30):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
                const element = document.activeElement;
                if (element === document.body) return null;
                const style = getComputedStyle(element);
                const box = element.getBoundingClientRect();
                return [element.id || element.textContent.trim().slice(0, 30),
                    style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                    box.bottom > 0 && box.top < innerHeight];
            }"""
        )
        if focus is None:
            break
        reached.append(focus)
    else:
        pytest.fail("the focus does not leave the page")
    assert all(is_outlined and is_in_view for _, is_outlined, is_in_view in reached), reached
    names = [name for name, *_ in reached]
    assert {"theme", "grain", "dimension", "member", "period", "measure"} <= set(names)
    assert sum(name.startswith("The numbers") for name in names) == 2

    # A filter, a table, and its order, by keys alone
    page.locator("#grain").focus()
    page.keyboard.press("ArrowUp")
    ready(page)
    assert "by month" in page.locator("#status").inner_text()
    summary = page.locator("summary").nth(1)
    summary.focus()
    page.keyboard.press("Enter")
    button = page.locator("#members-table th button").nth(2)
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("#members-table th[aria-sort]").get_attribute("aria-sort") == "descending"
    column = page.locator("#members-table tbody td:nth-child(4)").evaluate_all(SHOWN)
    assert column == sorted(column, key=float, reverse=True)


# --- Figures as shown ----------------------------------------------------------------------------------------------


def test_the_cards_show_the_last_whole_quarter(open_page, connection) -> None:
    page = open_page("index")
    label, start = connection.execute(
        """
        select period_label, period_start_date from marts.kpi_scorecard
        where period_grain = 'quarter' and is_complete and dimension = 'overall' order by 2 desc limit 1
        """
    ).fetchone()
    assert page.locator("#status").inner_text() == f"{label}, the whole company"
    rows = connection.execute(
        """
        select kpi_name, value, unit, reporting_currency, previous_period_value, change_from_previous_period,
            higher_is_better
        from marts.kpi_scorecard
        where period_grain = 'quarter' and period_start_date = ? and dimension = 'overall'
        """,
        [start],
    ).fetchall()
    assert len(rows) == page.locator(".card").count() == 12
    for name, value, unit, currency, previous, change, higher_is_better in rows:
        card = page.locator(f".card[data-kpi={name}]")
        shown = card.locator(".value data")
        assert float(shown.get_attribute("value")) == value
        text = shown.inner_text()
        number = float(text.split(" ")[0].replace(",", ""))
        if unit == "share":
            assert text.endswith(" %") and number == pytest.approx(value * 100, abs=0.0501)
        elif unit.startswith("currency"):
            assert text.endswith(unit.replace("currency", currency)) and number == pytest.approx(value, abs=0.501)
        else:
            assert number == pytest.approx(value, abs=0.0501)
        if name != "lead_conversion_rate" and previous is not None:
            verdict = card.locator(".change strong").first.inner_text()
            assert verdict == ("better" if (change > 0) == higher_is_better else "worse")


def test_the_tables_show_the_marts_whatever_is_chosen(open_page, connection) -> None:
    for name, grain, dimension in (
        ("win_rate", "month", "sales_rep"),
        ("stage_conversion", "quarter", "stage"),
        ("forecast_accuracy", "year", "segment"),
        ("customer_acquisition_cost", "quarter", "lead_source"),
    ):
        member, label, start = connection.execute(
            f"""
            select member_id, any_value(period_label order by period_start_date desc),
                max(period_start_date)
            from marts.kpi_{name} where period_grain = ? and dimension = ? and is_complete
            group by member_id order by count(*) desc, member_id limit 1
            """,
            [grain, dimension],
        ).fetchone()
        page = open_page(f"{name}#grain={grain}&dimension={dimension}&period={start}")
        choose(page, "member", member)
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        columns = [row[0] for row in connection.execute(f"describe marts.kpi_{name}").fetchall()]
        measures = [column for column in columns[9:] if column not in ("pipeline_name", "stage_name", "stage_order")]
        measures = ", ".join([measures[-1], *measures[:-1]])

        trend = {text: values for text, values in table_of(page, "trend-table").items() if any(v is not None for v in values)}
        rows = connection.execute(
            f"select period_label, {measures} from marts.kpi_{name} where period_grain = ? and member_id = ? and dimension = ?",
            [grain, member, dimension],
        ).fetchall()
        assert trend == {row[0]: [None if v is None else float(v) for v in row[1:]] for row in rows}

        rows = connection.execute(
            f"select {measures} from marts.kpi_{name} where period_grain = ? and dimension = ? and period_start_date = ?",
            [grain, dimension, start],
        ).fetchall()
        shown = table_of(page, "members-table")
        shown.pop("the whole company")
        order = [[-1.0 if v is None else v for v in values] for values in shown.values()]
        assert sorted(order) == sorted([[-1.0 if v is None else float(v) for v in row] for row in rows])
        assert label in page.locator("#members-note").inner_text()


def test_a_running_period_is_marked_and_not_compared(open_page, connection) -> None:
    running = connection.execute(
        "select cast(max(period_start_date) as varchar), any_value(period_label order by period_start_date desc) "
        "from marts.kpi_scorecard where period_grain = 'quarter' and not is_complete"
    ).fetchone()
    page = open_page("index")
    choose(page, "period", running[0])
    assert "not compared with whole periods" in page.locator("#status").inner_text()
    assert page.locator(".card .badge", has_text="running until").count() == 12
    assert page.locator(".better, .worse").count() == 0

    page = open_page("win_rate")
    assert page.locator("#trend svg text", has_text="running").count() == 1
    assert f"Hollow: {running[1]} running" in page.locator("#trend-note").inner_text()
    page.locator("summary").first.click()
    assert page.locator("#trend-table tbody tr").first.locator(".badge").inner_text() == "running"


def test_an_immature_rate_is_compared_neither_on_its_card_nor_in_the_table(open_page, altered) -> None:
    folder = altered("update marts.kpi_lead_conversion_rate set is_mature = false")
    page = open_page("index", folder=folder)
    page.locator("summary").click()
    cells = page.locator("#all-table tr[data-kpi=lead_conversion_rate] td")
    assert cells.evaluate_all(SHOWN)[3:] == [None, None]
    assert cells.last.locator(".visually-hidden").text_content() == "not mature, not compared"
    assert page.locator(".card[data-kpi=lead_conversion_rate] .change strong").count() == 0


def test_points_beyond_the_axis_are_triangles_with_names(open_page, altered) -> None:
    """One month so far out that it would press the others into a line; the table still has its figure."""
    where = "dimension = 'overall' and period_grain = 'month' and period_label = '2024-05'"
    folder = altered(
        f"update marts.kpi_forecast_accuracy set forecast_accuracy = -500 where {where}",
        f"update marts.kpi_scorecard set value = -500 where kpi_name = 'forecast_accuracy' and {where}",
    )
    page = open_page("forecast_accuracy#grain=month", folder=folder)
    beyond = re.search(r"Triangles, beyond the axis: (.*)\.$", page.locator("#trend-note").inner_text())[1]
    assert "2024-05 -50,000.0 %" in beyond
    assert page.locator("#trend svg path[fill='var(--chart-other)']").count() == beyond.count(" %")
    assert beyond in page.locator("#trend").get_attribute("aria-label")
    lowest = page.locator("#trend svg .role-axis-label text").evaluate_all("texts => texts.map(text => text.textContent)")
    assert not any(text.startswith("-50,000") for text in lowest)
    assert -500 in [values[0] for values in table_of(page, "trend-table").values()]

    page = open_page("index#grain=month&period=2024-06-01", folder=folder)
    assert "2024-05 -50,000.0 %" in page.locator(".card[data-kpi=forecast_accuracy]").inner_text()


def test_a_quota_that_nobody_has_set_is_no_point_at_0(open_page, altered) -> None:
    folder = altered(
        "update marts.kpi_pipeline_coverage set quota_amount = 0, pipeline_coverage = null "
        "where dimension = 'overall' and period_label = '2025 Q1'"
    )
    page = open_page("pipeline", folder=folder)
    assert re.search(r"No quota amount: .*2025 Q1", page.locator("#coverage-note").inner_text())
    assert page.locator("#coverage svg text", has_text="running").count() == 1


def test_what_has_no_value_says_why(open_page) -> None:
    """A rep without a quota: a dash, with its reason for eyes and for ears."""
    page = open_page("people#kpi=quota_attainment&dimension=sales_rep")
    assert "(no quota amount)" in page.locator("#members-note").inner_text()
    page.locator("summary").first.click()
    cell = page.locator("#members-table tbody td.none").first
    assert cell.inner_text().startswith("–")
    assert cell.locator(".visually-hidden").text_content() == "no quota amount"
    assert "Quota attainment: no quota amount" in page.locator("#members-table .note").inner_text()


def test_a_definition_is_one_click_from_the_scorecard(open_page) -> None:
    page = open_page("index")
    page.get_by_role("link", name="Definition of Win rate").click()
    ready(page)
    assert page.url.endswith("win_rate.html#definition")
    section = page.locator("#definition")
    assert section.evaluate("section => section.getBoundingClientRect().top < innerHeight / 2")
    assert "Do open deals count as not won?" in section.inner_text()


# --- Behaviour -----------------------------------------------------------------------------------------------------


def test_choices_stand_in_the_address_and_come_back(open_page) -> None:
    page = open_page("index")
    choose(page, "grain", "month")
    team = page.locator("#member option").nth(1).get_attribute("value")
    choose(page, "member", team)
    page.get_by_role("link", name="Win rate", exact=True).last.click()
    ready(page)
    assert page.locator("#grain").input_value() == "month"
    assert page.locator("#member").input_value() == team
    choose(page, "measure", "value_win_rate")
    page.reload()
    ready(page)
    assert page.locator("#measure").input_value() == "value_win_rate"


def test_colours_follow_the_system_or_the_choice(open_page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page("index", scheme=scheme).evaluate(paper) for scheme in ("light", "dark"))
    assert light != dark
    page = open_page("index", scheme="light")
    page.locator("#theme").select_option("dark")
    assert page.evaluate(paper) == dark
    page.goto(page.url.replace("index", "win_rate"))
    ready(page)
    assert page.evaluate(paper) == dark
    page.locator("#theme").select_option("light")
    assert page.evaluate(paper) == light


def test_on_a_phone_the_pages_are_behind_a_button(open_page) -> None:
    page = open_page("index", size=PHONE)
    button = page.get_by_role("button", name="Pages")
    assert not page.locator("nav").is_visible() and button.get_attribute("aria-expanded") == "false"
    button.press("Enter")
    assert page.locator("nav").is_visible() and button.get_attribute("aria-expanded") == "true"


def test_paper_shows_the_tables_and_no_controls(open_page) -> None:
    page = open_page("win_rate", scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#trend-table table").is_visible()
    assert not page.locator("nav").is_visible() and not page.locator("form").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator("#trend-table table").is_visible()


def test_reps_are_found_by_name(open_page) -> None:
    page = open_page("people")
    everyone = page.locator("#matrix-table tbody tr").count()
    name = page.locator("#matrix-table tbody th").first.inner_text()
    page.locator("#find").fill(name.upper())
    ready(page)
    assert 1 <= page.locator("#matrix-table tbody tr").count() < everyone
    assert page.locator("#matrix-table tbody th").first.inner_text() == name


def test_names_are_text_and_many_members_are_cut_to_the_longest(open_page, altered) -> None:
    folder = altered(
        "insert into marts.kpi_win_rate select kpi_win_rate.* replace ('crm_export|X' || copies.copy as member_id, "
        "'<b>Rep</b> </script>' || copies.copy as member_name) from marts.kpi_win_rate, range(60) as copies(copy) "
        "where dimension = 'sales_rep' and member_id = (select min(member_id) from marts.kpi_win_rate "
        "where dimension = 'sales_rep' and win_rate > 0)"
    )
    page = open_page("win_rate#grain=year&dimension=sales_rep", folder=folder)
    assert "The first 25 of" in page.locator("#members-note").inner_text()
    page.locator("summary").nth(1).click()
    assert "<b>Rep</b> </script>0" in page.locator("#members-table tbody").inner_text()
    assert page.locator("#members-table tbody tr").count() > 60
    assert page.locator("main b").count() == 0


def test_without_data_a_page_says_so(open_page, altered) -> None:
    folder = altered(
        "delete from marts.kpi_stage_conversion",
        "delete from marts.kpi_scorecard where kpi_name = 'stage_conversion'",
        "delete from marts.fct_pipeline_snapshots",
    )
    for name in ("stage_conversion", "funnel", "pipeline"):
        page = open_page(name, folder=folder)
        assert page.locator("#status").inner_text() == "There are no figures: the data lacks what this needs."
        assert page.locator(".chart:visible").count() == 0
    page = open_page("index", folder=folder)
    assert "nothing to measure" in page.locator(".card[data-kpi=stage_conversion]").inner_text()
