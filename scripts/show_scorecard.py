"""Print the published scorecard of the last complete quarter, what was left out, and how to query the marts.

    python scripts/show_scorecard.py [path to a published DuckDB file]

Unless it is named, it is what was published from SALES_KPIS_DB, else from warehouse/sales_kpis.duckdb.
"""

import os
import sys
from pathlib import Path

import duckdb
from publish import published_file, working_file

# From the first lead to the customer; a KPI that is not named here comes last
READING_ORDER = [
    "lead_generation",
    "lead_response_time",
    "lead_conversion_rate",
    "pipeline_coverage",
    "stage_conversion",
    "win_rate",
    "average_deal_size",
    "sales_cycle_length",
    "pipeline_velocity",
    "quota_attainment",
    "forecast_accuracy",
    "customer_acquisition_cost",
]

LAST_COMPLETE_PERIOD = """
    select period_grain, period_label, period_start_date, period_end_date, reporting_currency
    from marts.kpi_scorecard
    where dimension = 'overall' and is_complete and period_grain in ('quarter', 'month')
    order by period_grain = 'quarter' desc, period_start_date desc
    limit 1
"""

HEADLINES = """
    select
        kpi_name, kpi_label, unit, higher_is_better,
        value, previous_period_value, change_from_previous_period, previous_year_value
    from marts.kpi_scorecard
    where dimension = 'overall' and period_grain = ? and period_start_date = ?
    order by kpi_label
"""

RECORDS = """
    select sum(raw_records), sum(used_records), sum(excluded_records), sum(warnings)
    from audit.audit_reconciliation
"""


def as_text(value: float | None, unit: str, currency: str, is_change: bool = False) -> str:
    """A value in its unit, as a person would write it."""
    if value is None:
        return "-"
    sign = "+" if is_change else ""
    if unit == "share":
        return f"{value * 100:{sign}.1f} {'points' if is_change else '%'}"
    if unit == "count":
        return f"{value:{sign},.0f}"
    if unit == "multiple":
        return f"{value:{sign}.2f} x"
    if unit.startswith("currency"):
        digits = 0 if abs(value) >= 1000 else 2
        return f"{value:{sign},.{digits}f} {unit.replace('currency', currency)}"
    return f"{value:{sign},.1f} {unit}"


def verdict(change: float | None, higher_is_better: bool | None) -> str:
    """Whether a change is good news, where the KPI says which direction is good."""
    if not change or higher_is_better is None:
        return ""
    return " better" if (change > 0) == higher_is_better else " worse"


def aligned(rows: list[tuple[str, ...]]) -> str:
    """Rows as columns: the first to the left, the numbers to the right, the last one (a word) to the left."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("   ".join(cells).rstrip())
    lines.insert(1, "   ".join("-" * width for width in widths))
    return "\n".join(lines)


def scorecard(connection: duckdb.DuckDBPyConnection) -> str:
    """The headlines of the last complete quarter (a month where no quarter is complete yet)."""
    period = connection.execute(LAST_COMPLETE_PERIOD).fetchone()
    if period is None:
        return "No period is complete yet; marts.kpi_scorecard holds the running ones."
    grain, label, start_date, end_date, currency = period

    headlines = connection.execute(HEADLINES, [grain, start_date]).fetchall()
    headlines.sort(key=lambda row: READING_ORDER.index(row[0]) if row[0] in READING_ORDER else len(READING_ORDER))
    rows = [("KPI", label, f"{grain} before", "change", "year earlier")]
    for _, kpi_label, unit, higher_is_better, value, previous, change, year_earlier in headlines:
        rows.append(
            (
                kpi_label,
                as_text(value, unit, currency),
                as_text(previous, unit, currency),
                as_text(change, unit, currency, is_change=True) + verdict(change, higher_is_better),
                as_text(year_earlier, unit, currency),
            )
        )
    return f"Sales KPIs, {label} ({start_date} to {end_date}), the whole company\n\n{aligned(rows)}"


def records(connection: duckdb.DuckDBPyConnection) -> str:
    """How many raw records are in the figures, and where the others are listed."""
    raw, used, excluded, warnings = (count or 0 for count in connection.execute(RECORDS).fetchone())
    return (
        f"Of {raw:,} records {used:,} are used and {excluded:,} excluded, each with its reason in "
        f"audit.audit_excluded_records;\n{warnings:,} warnings on used records are in audit.audit_warnings."
    )


def how_to_query(database: Path) -> str:
    """Where the marts are, and two ways to ask them something."""
    python = f"import duckdb; duckdb.connect('{database}', read_only=True).sql('from marts.kpi_win_rate').show()"
    version = os.path.relpath(database.resolve().parent)
    return f"""The marts are published as {database}
and as Parquet in {version}/parquet. Ask them, for example:

  .venv/bin/python -c "{python}"
  duckdb -readonly '{database}' 'from marts.kpi_win_rate'    (where the DuckDB command line is installed)"""


def main() -> int:
    """Print everything; 1 where there is no scorecard to print."""
    database = Path(sys.argv[1]) if len(sys.argv) > 1 else published_file(working_file())
    if not database.is_file():
        print(f"Nothing is published as {database}: run `make build` first.", file=sys.stderr)
        return 1

    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            text = [scorecard(connection), records(connection), how_to_query(database)]
        except duckdb.CatalogException as missing:
            print(f"{database} is not what `make build` publishes: {missing}", file=sys.stderr)
            return 1
    print("\n" + "\n\n".join(text) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
