"""Compares the marts of a DuckDB file with the oracle, cell by cell.

    python tests/oracle/compare.py --db warehouse.duckdb --inputs folder_of_csvs [--prefix demo_]
        [--var as_of_date=2026-03-31 ...] [--schema marts] [--limit 10] [--ignore member_name]

Integers, money, booleans, dates and text must be equal, quotients within 1e-9 of each other (relatively).
Rows that only one side has are differences; so are columns that the mart lacks. Columns that only the mart
has are named, but are none. Exit code 0 without differences, 1 with, 2 when something cannot be read.
"""

import argparse
import math
import sys
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal

import duckdb
from oracle import Config, compute
from read_csv import read_folder

KEY = ("kpi_name", "period_grain", "period_start_date", "dimension", "member_id")
TOLERANCE = 1e-9


def config_of(variables):
    """Config of ["name=value", ...]; an unknown name or an unreadable value raises ValueError."""
    readers = {
        "as_of_date": date.fromisoformat,
        "earliest_date": date.fromisoformat,
        "reporting_currency": str,
        "reporting_timezone": str,
        "fiscal_year_start_month": int,
        "lead_conversion_window_days": int,
        "lead_response_sla_hours": Decimal,
        "cac_lag_months": int,
        "pipeline_snapshot_grain": str,
        "run_started_at": datetime.fromisoformat,
    }
    values = {}
    for variable in variables:
        name, separator, text = variable.partition("=")
        if not separator or name not in readers:
            raise ValueError(f"--var {variable}: expected one of {', '.join(readers)}, as name=value")
        values[name] = readers[name](text)
    return Config(**values)


def table_rows(connection, schema, table):
    """(column names, list of row dicts) of a table; None when it does not exist."""
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()[0]
    if not found:
        return None
    result = connection.execute(f'select * from "{schema}"."{table}"')
    names = [column[0] for column in result.description]
    return names, [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def is_same(expected, actual, is_loose=False):
    """Whether two cells agree; is_loose: compare numbers of any type within the tolerance (the scorecard)."""
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, float) or (is_loose and isinstance(expected, (int, Decimal))):
        return isinstance(actual, (int, float, Decimal)) and math.isclose(
            float(expected), float(actual), rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3
        )
    if isinstance(expected, (int, Decimal)):
        return isinstance(actual, (int, Decimal)) and expected == actual
    return type(expected) is type(actual) and expected == actual


def key_of(row):
    """What identifies a mart's row, as a tuple of texts."""
    return tuple(str(row[name]) for name in KEY if name in row)


def differences(mart, expected_rows, actual, ignored=()):
    """List of (column, key, expected, actual); a whole row counts as column "(row missing)", "(row extra)" or
    "(row twice)".

    actual: (column names, rows) as of `table_rows`.
    """
    names, actual_rows = actual
    columns = [name for name in expected_rows[0] if name not in ignored] if expected_rows else []
    found = [(column, ("-",), "the column", "no such column") for column in columns if column not in names]
    columns = [column for column in columns if column in names]
    expected = {key_of(row): row for row in expected_rows}
    rows = {}
    for row in actual_rows:
        if key_of(row) in rows:
            found.append(("(row twice)", key_of(row), "once", "twice"))
        rows[key_of(row)] = row
    found += [("(row missing)", key, brief(expected[key]), None) for key in expected if key not in rows]
    found += [("(row extra)", key, None, brief(rows[key])) for key in rows if key not in expected]
    is_loose = mart == "kpi_scorecard"
    for key in expected.keys() & rows.keys():
        for column in columns:
            undefined = column == "member_name" and expected[key][column] is None
            if not undefined and not is_same(expected[key][column], rows[key][column], is_loose):
                found.append((column, key, expected[key][column], rows[key][column]))
    return found


def audit_differences(audit, connection, schema="audit"):
    """List of (what, key, expected, actual) between the oracle's audit and the audit models: the counts of each
    table, each excluded record with its reason, and which record has which warning on which column."""

    def fetch(columns, model):
        return connection.execute(f'select {columns} from "{schema}".{model}').fetchall()

    counts = {
        key: (count["raw"], count["used"], count["excluded"]) for key, count in audit.counts.items()
    }
    reconciled = fetch(
        "source_system, table_name, raw_records, used_records, excluded_records", "audit_reconciliation"
    )
    excluded = Counter(
        (item["source_system"], item["table"], item["record_id"], item["reason"]) for item in audit.excluded
    )
    listed = Counter(fetch("source_system, table_name, record_id, exclusion_reason", "audit_excluded_records"))
    names = ("source_system", "table", "record_id", "warning", "column")
    warnings = {tuple(item[name] for name in names) for item in audit.warnings}
    warned = set(fetch("source_system, table_name, record_id, warning, column_name", "audit_warnings"))
    pairs = (
        ("counts", counts, {row[:2]: row[2:] for row in reconciled}),
        ("excluded", excluded, listed),
        ("warning", dict.fromkeys(warnings, True), dict.fromkeys(warned, True)),
    )
    return [
        (what, tuple(str(part) for part in key), expected.get(key), actual.get(key))
        for what, expected, actual in pairs
        for key in sorted({*expected, *actual}, key=str)
        if expected.get(key) != actual.get(key)
    ]


def brief(row):
    """The numbers of a row that are not zero, as one text."""
    numbers = {
        name: value
        for name, value in row.items()
        if isinstance(value, (int, float, Decimal))
        and value
        and name not in ("is_complete", "higher_is_better", "member_sort")
    }
    return ", ".join(f"{name}={value}" for name, value in numbers.items())


def report(mart, found, expected_rows, actual, limit):
    """Print a mart's first differences, by column, and its summary line."""
    columns = Counter(column for column, *_ in found)
    unasked = [name for name in actual[0] if expected_rows and name not in expected_rows[0]]
    print(
        f"{'DIFF' if found else 'ok  '} {mart}: {len(expected_rows)} rows expected, {len(actual[1])} found, "
        f"{len(found)} differences {dict(columns) or ''}" + (f"; not compared: {unasked}" if unasked else "")
    )
    by_column = defaultdict(list)
    for column, key, expected, value in sorted(found, key=lambda item: (item[0], item[1])):
        by_column[column].append(f"{' '.join(key)}: expected {expected!r}, found {value!r}")
    for column, lines in by_column.items():
        print(f"  {column}")
        for line in lines[:limit]:
            print(f"    {line}")
        if len(lines) > limit:
            print(f"    ... and {len(lines) - limit} more")


def print_audit(audit):
    """Print how many raw records of each table are used, and why the others are not."""
    reasons = Counter((item["source_system"], item["table"], item["reason"]) for item in audit.excluded)
    for (source, table), count in sorted(audit.counts.items()):
        why = {name: number for (s, t, name), number in sorted(reasons.items()) if (s, t) == (source, table)}
        used = f"{count['raw']} raw, {count['used']} used, {count['excluded']} excluded"
        print(f"  {source} {table}: {used} {why or ''}")
    warnings = Counter((item["table"], item["warning"]) for item in audit.warnings)
    print(
        "  warnings:",
        ", ".join(f"{table} {name} {number}" for (table, name), number in sorted(warnings.items())) or "none",
    )


def main(arguments=None):
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the marts of a DuckDB file with the oracle.")
    parser.add_argument("--db", required=True, help="the DuckDB file")
    parser.add_argument("--inputs", required=True, help="folder of <prefix><table>.csv")
    parser.add_argument("--prefix", default="", help="what the CSV names start with, e.g. demo_")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a var of the build")
    parser.add_argument("--schema", default="marts")
    parser.add_argument("--limit", type=int, default=10, help="differences to print per column")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COLUMN", help="a column to leave out"
    )
    options = parser.parse_args(arguments)
    try:
        inputs = {"crm_export": read_folder(options.inputs, options.prefix)}
        marts, audit = compute(inputs, config_of(options.var))
        connection = duckdb.connect(options.db, read_only=True)
    except (ValueError, OSError, duckdb.Error) as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 2
    total = 0
    with connection:
        for mart, expected_rows in marts.items():
            actual = table_rows(connection, options.schema, mart)
            if actual is None:
                print(f"DIFF {mart}: no such table in schema {options.schema}")
                total += 1
                continue
            found = differences(mart, expected_rows, actual, options.ignore)
            report(mart, found, expected_rows, actual, options.limit)
            total += len(found)
    print(f"as of {audit.as_of}; records as the oracle sees them:")
    print_audit(audit)
    print(f"{'DIFFERENT' if total else 'SAME'}: {total} differences in {len(marts)} marts")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
