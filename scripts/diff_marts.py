"""Compare the marts of two builds and write what changed as Markdown.

    python scripts/diff_marts.py base.duckdb head.duckdb [--report report.md]
    python scripts/diff_marts.py --against origin/main [--report report.md]

The second form builds both sides first: the other revision and the files of this folder, each with its own models, on
the same data (the demo company of the other revision), so that only the models can make a difference.

Exit code 0: nothing changed, or every KPI whose numbers changed has a new definition_version. 1: numbers changed under
an old version. 2: a build could not be made or read. A KPI whose mart is gone is named first; that is no fault.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
KEYS = ("kpi_name", "period_grain", "period_start_date", "dimension", "member_id")
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN")
SHOWN = 12


@dataclass
class Difference:
    """What differs between two builds of one table. columns_*: names; changed: {column: number of cells}; texts are
    columns that hold no numbers."""

    table: str
    columns_added: list = field(default_factory=list)
    columns_gone: list = field(default_factory=list)
    types_changed: list = field(default_factory=list)
    rows_added: int = 0
    rows_gone: int = 0
    changed: dict = field(default_factory=dict)
    changed_texts: dict = field(default_factory=dict)

    @property
    def has_other_numbers(self):
        """Whether a figure is another one, or there for other periods or members than before."""
        return bool(self.rows_added or self.rows_gone or self.changed)

    @property
    def is_empty(self):
        return not (
            self.has_other_numbers
            or self.columns_added or self.columns_gone or self.types_changed or self.changed_texts
        )  # fmt: skip


def open_builds(base, head):
    """A DuckDB connection with both files attached read-only, as `base` and `head`. Raises ValueError for a file that
    cannot be read or holds no marts."""
    connection = duckdb.connect()
    for name, path in (("base", base), ("head", head)):
        if not Path(path).is_file():
            raise ValueError(f"{path}: there is no such file")
        try:
            connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
        except duckdb.Error as error:
            raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error
        if "kpi_scorecard" not in tables_of(connection, name):
            raise ValueError(f"{path}: has no marts.kpi_scorecard; build it first")
    return connection


def tables_of(connection, build):
    """{table: {column: type}} of the schema marts of a build."""
    tables = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [build],
    ).fetchall():
        tables.setdefault(table, {})[column] = data_type
    return tables


def is_number(data_type):
    return data_type.startswith(NUMBERS)


def same(column, data_type):
    """SQL: whether a cell is the same; quotients may differ in their last binary digits."""
    plain = f'base_row."{column}" is not distinct from head_row."{column}"'
    if data_type != "DOUBLE":
        return f"({plain})"
    return (
        f'({plain} or coalesce(abs(base_row."{column}" - head_row."{column}") '
        f'<= 1e-12 * greatest(abs(base_row."{column}"), abs(head_row."{column}")), false))'
    )


def compare_table(connection, table, base_columns, head_columns, where="true"):
    """Difference of a mart, row by row on its keys; of a fact, which has none of them, as whole rows."""
    difference = Difference(
        table,
        [column for column in head_columns if column not in base_columns],
        [column for column in base_columns if column not in head_columns],
        [c for c in base_columns if c in head_columns and base_columns[c] != head_columns[c]],
    )
    keys = [key for key in KEYS if key in base_columns and key in head_columns]
    common = [column for column in base_columns if column in head_columns]
    if "member_id" not in keys:
        columns = ", ".join(f'"{column}"' for column in common)
        for name, one, other in (("rows_added", "head", "base"), ("rows_gone", "base", "head")):
            setattr(difference, name, connection.execute(
                f'select count(*) from (select {columns} from {one}.marts."{table}" '
                f'except all select {columns} from {other}.marts."{table}")'
            ).fetchone()[0])  # fmt: skip
        return difference
    joined = (
        f'from (select * from base.marts."{table}" where {where}) as base_row '
        f'full join (select * from head.marts."{table}" where {where}) as head_row on '
        + " and ".join(f"base_row.{key} = head_row.{key}" for key in keys)
    )
    both = "base_row.member_id is not null and head_row.member_id is not null"
    values = [column for column in common if column not in keys]
    counted = connection.execute(
        "select count(*) filter (where base_row.member_id is null), "
        "count(*) filter (where head_row.member_id is null)"
        + "".join(f", count(*) filter (where {both} and not {same(c, head_columns[c])})" for c in values)
        + f" {joined}"
    ).fetchone()
    difference.rows_added, difference.rows_gone = counted[:2]
    for column, cells in zip(values, counted[2:], strict=True):
        if cells:
            kind = difference.changed if is_number(head_columns[column]) else difference.changed_texts
            kind[column] = cells
    return difference


def versions_of(connection, build):
    """{KPI: definition_version} of a build; a KPI without any row is not in it."""
    return dict(
        connection.execute(
            f"select kpi_name, max(definition_version) from {build}.marts.kpi_scorecard group by kpi_name"
        ).fetchall()
    )


def headline_changes(connection, kpi):
    """Rows (grain, period, dimension, member, unit with its currency, base value, head value) of a KPI whose headline
    changed or that only one build has: overall and latest first, then the largest changes."""
    return connection.execute(
        """
        with paired as (
            select
                coalesce(head_row.period_grain, base_row.period_grain) as period_grain,
                coalesce(head_row.period_label, base_row.period_label) as period_label,
                coalesce(head_row.period_start_date, base_row.period_start_date) as period_start_date,
                coalesce(head_row.dimension, base_row.dimension) as dimension,
                coalesce(head_row.member_name, base_row.member_name) as member_name,
                coalesce(replace(head_row.unit, 'currency', head_row.reporting_currency), base_row.unit) as unit,
                base_row.value as base_value,
                head_row.value as head_value
            from (select * from base.marts.kpi_scorecard where kpi_name = $kpi) as base_row
            full join (select * from head.marts.kpi_scorecard where kpi_name = $kpi) as head_row
                on base_row.period_grain = head_row.period_grain
                and base_row.period_start_date = head_row.period_start_date
                and base_row.dimension = head_row.dimension
                and base_row.member_id = head_row.member_id
        )
        select period_grain, period_label, dimension, member_name, unit, base_value, head_value
        from paired
        where
            base_value is distinct from head_value
            and coalesce(
                abs(base_value - head_value) > 1e-12 * greatest(abs(base_value), abs(head_value)), true
            )
        order by
            dimension = 'overall' desc, period_grain = 'quarter' desc, period_grain = 'year' desc,
            case when dimension = 'overall' then period_start_date end desc,
            abs(coalesce(head_value, 0) - coalesce(base_value, 0)) desc, period_label, member_name
        """,
        {"kpi": kpi},
    ).fetchall()


def show(value, unit=""):
    """A figure with a sensible number of digits; a share in percent."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:,.4g} %"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.6g}"


def change(base_value, head_value, unit=""):
    """By how much a figure changed: a share in percentage points, all else absolutely and in percent."""
    if base_value is None or head_value is None:
        return "new" if base_value is None else "gone"
    difference = head_value - base_value
    sign = "+" if difference > 0 else "−"
    if unit == "share":
        return f"{sign}{show(abs(100 * difference))} points"
    share = f" ({sign}{abs(difference / base_value):.2%})" if base_value else ""
    return f"{sign}{show(abs(difference))}{share}"


def plural(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe(difference):
    """A Difference in words, without its headline."""
    parts = []
    if difference.rows_added:
        parts.append(f"{plural(difference.rows_added, 'row')} added")
    if difference.rows_gone:
        parts.append(f"{plural(difference.rows_gone, 'row')} gone")
    parts += [f"`{column}` differs in {plural(cells, 'row')}" for column, cells in difference.changed.items()]
    parts += [
        f"text of `{column}` differs in {plural(cells, 'row')}" for column, cells in difference.changed_texts.items()
    ]
    parts += [f"column `{column}` added" for column in difference.columns_added]
    parts += [f"column `{column}` gone" for column in difference.columns_gone]
    parts += [f"type of `{column}` changed" for column in difference.types_changed]
    return "; ".join(parts)


def compare_builds(base, head, base_name="base", head_name="head"):
    """(Markdown report, list of the KPIs whose numbers changed under an old definition_version)."""
    with open_builds(base, head) as connection:
        base_tables, head_tables = tables_of(connection, "base"), tables_of(connection, "head")
        versions = versions_of(connection, "base"), versions_of(connection, "head")
        differences = {
            table: compare_table(connection, table, base_tables[table], head_tables[table])
            for table in head_tables
            if table in base_tables and table != "kpi_scorecard"
        }
        kpis = sorted(
            {table.removeprefix("kpi_") for table in (*base_tables, *head_tables) if table.startswith("kpi_")}
            - {"scorecard"}
        )
        in_scorecard = {
            kpi: compare_table(
                connection, "kpi_scorecard", base_tables["kpi_scorecard"], head_tables["kpi_scorecard"],
                f"kpi_name = '{kpi}'",
            )
            for kpi in kpis
        }  # fmt: skip
        headlines = {kpi: headline_changes(connection, kpi) for kpi in kpis}

    changed, gone, unexplained, rows, details = [], [], [], [], []
    for kpi in kpis:
        mart, card = differences.get(f"kpi_{kpi}"), in_scorecard[kpi]
        old, new = versions[0].get(kpi), versions[1].get(kpi)
        # The version itself is a number, but no figure
        card.changed.pop("definition_version", None)
        if mart is None:
            is_gone = f"kpi_{kpi}" in base_tables
            (gone if is_gone else changed).append(kpi)
            # Without its mart nothing backs a figure of the scorecard
            if is_gone and new is not None:
                unexplained.append(kpi)
            rows.append(f"| `{kpi}` | {old or '–'} → {new or '–'} | the mart is {'gone' if is_gone else 'new'} |")
            continue
        # A mart that lost all its rows shows no version: that is no new one
        new = new or old
        has_other_numbers = mart.has_other_numbers or card.has_other_numbers
        if mart.is_empty and card.is_empty and old == new:
            continue
        if has_other_numbers:
            changed.append(kpi)
            if old is not None and old == new:
                unexplained.append(kpi)
        only_card = describe(card) if mart.is_empty and not card.is_empty else ""
        what = describe(mart) or (f"in the scorecard: {only_card}" if only_card else "no figure changed")
        rows.append(f"| `{kpi}` | {old}{'' if old == new else f' → **{new}**'} | {what} |")
        if headlines[kpi]:
            details += headline_table(kpi, headlines[kpi], base_name, head_name)
    facts = [
        f"| `{table}` | {describe(difference)} |"
        for table, difference in differences.items()
        if not table.startswith("kpi_") and not difference.is_empty
    ]
    facts += [f"| `{table}` | new |" for table in head_tables if table not in base_tables and table[:4] != "kpi_"]
    facts += [f"| `{table}` | gone |" for table in base_tables if table not in head_tables and table[:4] != "kpi_"]
    lines = report_lines(rows, facts, details, changed, gone, unexplained, base_name, head_name)
    return "\n".join(lines) + "\n", unexplained


def headline_table(kpi, changes, base_name, head_name):
    """Markdown lines: the headline's changes of one KPI."""
    lines = [
        "", f"### {kpi}", "",
        f"The headline changed in {plural(len(changes), 'row')}"
        + (f"; the first {SHOWN}:" if len(changes) > SHOWN else ":"), "",
        f"| period | dimension | member | {base_name} | {head_name} | change |",
        "|---|---|---|--:|--:|--:|",
    ]  # fmt: skip
    for _, label, dimension, member, unit, old, new in changes[:SHOWN]:
        suffix = "" if unit == "share" else f" {unit}"
        lines.append(
            f"| {label} | {dimension} | {str(member).replace('|', chr(92) + '|')} "
            f"| {show(old, unit)} | {show(new, unit)}{suffix} | {change(old, new, unit)} |"
        )
    return lines


def report_lines(rows, facts, details, changed, gone, unexplained, base_name, head_name):
    """The report as Markdown lines; the verdict comes first."""
    lines = [f"## Metric diff: {base_name} → {head_name}", ""]
    if unexplained:
        names = ", ".join(f"`{kpi}`" for kpi in unexplained)
        lines += [
            f"**Numbers changed, but the definition version did not: {names}.** If the new figures are right, raise "
            "`definition_version` in the mart's YAML and say in `docs/decisions.md` what changed and why. If nothing "
            "should have changed, this is a bug.", "",
        ]  # fmt: skip
    elif changed:
        lines += ["Every KPI whose numbers changed has a new definition version.", ""]
    elif not gone:
        lines += ["No figure of any KPI changed.", ""]
    if gone:
        lines += [f"**No longer there: {', '.join(f'`{kpi}`' for kpi in gone)}.** Who reads it?", ""]
    if rows:
        lines += ["| KPI | definition | what changed |", "|---|---|---|", *rows]
    if facts:
        lines += ["", "| fact | what changed |", "|---|---|", *facts]
    return lines + details


def build(project, database, data, log):
    """Build the models of a project folder on a folder of <table>.csv. Raises ValueError where dbt fails."""
    dbt = shutil.which("dbt", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    variables = json.dumps({"crm_export_path": str(data)})
    run = subprocess.run(
        [dbt, "--no-use-colors", "run", "--project-dir", str(project), "--vars", variables],
        cwd=project,
        env=os.environ
        | {
            "SALES_KPIS_DB": str(database),
            "DBT_PROFILES_DIR": str(project),
            "DBT_TARGET_PATH": str(database.with_suffix(".target")),
            "DBT_LOG_PATH": str(database.with_suffix(".logs")),
        },
        stdout=log,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if run.returncode:
        raise ValueError(f"dbt run of {project} failed; see {log.name}")


def build_both(revision, work):
    """(base file, head file): the revision and this folder, built on the revision's demo company."""
    base_project, data = work / "base_project", work / "data"
    added = subprocess.run(
        ["git", "-C", str(ROOT), "worktree", "add", "--detach", "--quiet", str(base_project), revision],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if added.returncode:
        work.rmdir()
        raise ValueError(f"--against {revision}: {added.stderr.strip().splitlines()[-1]}")
    try:
        data.mkdir()
        for seed in (base_project / "seeds").glob("demo_*.csv"):
            shutil.copyfile(seed, data / seed.name.removeprefix("demo_"))
        for project, name in ((base_project, "base"), (ROOT, "head")):
            with (work / f"{name}.log").open("w", encoding="utf-8") as log:
                build(project, work / f"{name}.duckdb", data, log)
    finally:
        subprocess.run(
            ["git", "-C", str(ROOT), "worktree", "remove", "--force", str(base_project)],
            capture_output=True, check=False,
        )  # fmt: skip
    return work / "base.duckdb", work / "head.duckdb"


def main(arguments=None):
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the marts of two builds.")
    parser.add_argument("builds", nargs="*", metavar="FILE", help="two DuckDB files: before and after")
    parser.add_argument("--against", metavar="REVISION", help="build this revision and this folder, and compare them")
    parser.add_argument("--report", type=Path, help="write the Markdown here too")
    given = parser.parse_args(arguments)
    if bool(given.against) == bool(given.builds) or len(given.builds) not in (0, 2):
        parser.error("give two DuckDB files, or --against REVISION")
    work = Path(tempfile.mkdtemp(prefix="metric_diff_")) if given.against else None
    try:
        if work:
            base, head = build_both(given.against, work)
            names = (given.against, "this change")
        else:
            base, head = map(Path, given.builds)
            # A copy must keep its name
            names = (base.stem, head.stem) if base.stem != head.stem else ("base", "head")
        report, unexplained = compare_builds(base, head, *names)
    except ValueError as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 2
    if work:
        shutil.rmtree(work, ignore_errors=True)
    print(report, end="")
    if given.report:
        given.report.write_text(report, encoding="utf-8")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
