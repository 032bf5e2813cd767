"""Write the sales leader's report: a folder of linked pages that open by a double click, without server or network.

    python scripts/report.py [--db path to the DuckDB file] [--out report]

The file is the one named, else the one that is published of SALES_KPIS_DB (warehouse/sales_kpis.duckdb). The same file
gives the same pages, byte for byte. docs/report.md says what each page shows.
"""

import argparse
import json
import sys
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from leader_report import charts, definitions, figures
from markupsafe import Markup
from publish import published_file, working_file

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).with_name("leader_report")

# (file, title, template) of the pages that are not one KPI's; they come first in the menu
PAGES = (
    ("index.html", "Scorecard", "index.html.j2"),
    ("pipeline.html", "Pipeline over time", "pipeline.html.j2"),
    ("funnel.html", "Funnel and time in stage", "funnel.html.j2"),
    ("people.html", "Reps and teams", "people.html.j2"),
    ("data.html", "Data completeness", "data.html.j2"),
    ("definitions.html", "General definitions", "definitions.html.j2"),
)


def as_json(value: object) -> Markup:
    """JSON that can stand in a script element: no name in the data can end it. Raises ValueError for NaN."""
    text = json.dumps(value, default=float, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def kpi_in_short(kpi: dict) -> dict:
    """A KPI as pages about several need it: its headline and the columns that this one is computed from."""
    columns = {column["name"]: column for column in kpi["columns"]}
    headline = columns[kpi["headline"]]
    names = ("name", "label", "unit", "higher_is_better", "definition_version", "is_ratio", "meaning")
    return {
        **{name: kpi[name] for name in names},
        "headline": headline,
        "parts": [columns[part] for part in headline["parts"]],
    }


def data_rows(audit: dict, kpis: list[dict]) -> dict[str, list[tuple]]:
    """The tables of the data page, as rows of cells in the order of their headings."""
    labels = {kpi["name"]: kpi["label"] for kpi in kpis}
    yes_no = {True: "yes", False: "no"}
    return {
        "trust_rows": [
            (labels[row["kpi_name"]], row["source_system"], row["trust"], row["reasons"])
            for kpi in kpis
            for row in audit["trust"]
            if row["kpi_name"] == kpi["name"]
        ],
        "completeness_rows": [
            (
                ".".join(filter(None, (row["table_name"], row["column_name"]))),
                row["source_system"],
                yes_no[row["is_present"]],
                row["records"],
                row["empty_records"],
                row["empty_share"],
                row["oldest_event_at"] and str(row["oldest_event_at"].date()),
                row["newest_event_at"] and str(row["newest_event_at"].date()),
            )
            for row in audit["completeness"]
        ],
        "reconciliation_rows": [
            (
                row["table_name"],
                row["source_system"],
                row["raw_records"],
                row["used_records"],
                row["excluded_records"],
                row["warnings"],
                yes_no[row["is_reconciled"]],
            )
            for row in audit["reconciliation"]
        ],
        "excluded_rows": by_reason(audit["excluded"]),
        "warning_rows": by_reason(audit["warnings"]),
    }


def by_reason(counts: list[dict]) -> list[tuple]:
    """Counts by reason, source and table as rows of (reason in words, source, all records, the tables with theirs), the
    most frequent first."""
    found = {}
    for count in sorted(counts, key=lambda count: (-count["records"], count["table_name"])):
        tables = found.setdefault((count["reason"].replace("_", " "), count["source_system"]), {})
        tables[count["table_name"]] = count["records"]
    rows = [
        (*key, sum(tables.values()), ", ".join(f"{table} {records:,}" for table, records in tables.items()))
        for key, tables in found.items()
    ]
    return sorted(rows, key=lambda row: (-row[2], row[:2]))


def pages(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """{file: HTML} of the whole report."""
    kpis = figures.kpis(connection)
    by_name = {kpi["name"]: kpi for kpi in kpis}
    short = [kpi_in_short(kpi) for kpi in kpis]
    audit = figures.data_page(connection)
    texts = definitions.sections(ROOT / "docs" / "kpis.md")
    currency = figures.currency(connection)
    doubts = sorted({row["kpi_name"] for row in audit["trust"] if row["trust"] != "trusted"})

    environment = Environment(
        loader=FileSystemLoader(SOURCE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    menu = [{"file": file, "title": title, "kpi": None} for file, title, _ in PAGES]
    menu += [{"file": f"{kpi['name']}.html", "title": kpi["label"], "kpi": kpi["name"]} for kpi in kpis]
    build = figures.build_info(connection)
    common = {
        "pages": menu,
        "currency": currency,
        "as_of": build["as_of_date"] if build else figures.as_of_date(connection),
        "build": build,
    }

    # What each page shows beside what all have
    data = {
        "index.html": {"scorecard": figures.scorecard_page(connection, kpis), "kpis": short, "doubts": doubts},
        "pipeline.html": {
            "explorer": figures.pipeline_page(connection),
            "coverage": figures.pair_page(
                connection, by_name["pipeline_coverage"], ("opening_pipeline_amount", "quota_amount")
            ),
            "forecast": figures.pair_page(
                connection, by_name["forecast_accuracy"], ("forecast_amount", "actual_amount", "forecast_bias")
            ),
        },
        "funnel.html": {"funnel": figures.funnel_page(connection, by_name["stage_conversion"])},
        "people.html": {"people": figures.people_page(connection, kpis), "kpis": short},
    }
    context = {
        "data.html": {"reconciliation": audit["reconciliation"], **data_rows(audit, kpis)},
        "definitions.html": {"sections": texts},
    }

    written = {}
    for file, title, template in PAGES:
        figures_of_page = {"title": title, "currency": currency, **data[file]} if file in data else None
        written[file] = environment.get_template(template).render(
            common,
            file=file,
            title=title,
            kind={"index.html": "scorecard"}.get(file, file.removesuffix(".html")),
            data=None if figures_of_page is None else as_json(figures_of_page),
            **context.get(file, {}),
        )
    for kpi in kpis:
        explorer = figures.kpi_page(connection, kpi)
        written[f"{kpi['name']}.html"] = environment.get_template("kpi.html.j2").render(
            common,
            file=f"{kpi['name']}.html",
            title=kpi["label"],
            kind="kpi",
            kpi=kpi,
            trust=audit["trust"],
            section=next((section for section in texts if section.kpi == kpi["name"]), None),
            version_of_text=definitions.version(ROOT / "models" / "marts" / "kpis" / f"kpi_{kpi['name']}.yml"),
            data=as_json({"title": kpi["label"], "currency": currency, "explorer": explorer}),
        )
    return written


def write_report(database: Path, folder: Path) -> list[Path]:
    """Write the report of a built warehouse into a folder and return its files.

    Raises duckdb.Error where the file is no complete warehouse, OSError where the folder cannot be written.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        files = pages(connection)
    files |= {f"assets/{path.name}": path.read_text(encoding="utf-8") for path in (SOURCE / "assets").iterdir()}
    files["assets/charts.js"] = f"window.chartSpecifications = {json.dumps(charts.specifications())};\n"
    files["assets/vega.js"] = charts.library()
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in files]


def main() -> int:
    """Write the report; 1 where there is no warehouse to read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", default=published_file(working_file()), help="DuckDB file to read (the published one)")
    parser.add_argument("--out", default="report", type=Path, help="folder to write (report)")
    arguments = parser.parse_args()
    if not Path(arguments.db).is_file():
        print(f"There is no warehouse at {arguments.db}: run `make build` first.", file=sys.stderr)
        return 1
    try:
        files = write_report(Path(arguments.db), arguments.out)
    except duckdb.Error as problem:
        print(f"{arguments.db} is not a complete warehouse, run `make build`: {problem}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"The report is in {arguments.out / 'index.html'}: {len(files)} files, {size:.1f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
