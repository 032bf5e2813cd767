"""What a real build has published. `make test` builds the demo company first and names the file in SALES_KPIS_DB."""

import json
import os
from collections.abc import Iterator

import duckdb
import pytest
from publish import published_file, working_file
from soak import CHECKS


@pytest.fixture(scope="module")
def published() -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file as the database `published`, the working file beside it, and the Parquet files' folder."""
    database = published_file(working_file())
    if not os.environ.get("SALES_KPIS_DB") or not database.exists():
        pytest.skip("needs a published build: SALES_KPIS_DB=warehouse/test.duckdb python scripts/build.py")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as published (read_only)")
        connection.execute(f"attach '{working_file()}' as working (read_only)")
        connection.execute(f"set variable parquet = '{database.resolve().parent / 'parquet'}'")
        connection.execute("use published")
        yield connection


def test_every_table_is_what_was_tested_in_both_forms(published: duckdb.DuckDBPyConnection) -> None:
    """The same rows in the working file, the published file and the Parquet file."""
    tables = published.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'published' order by all"
    ).fetchall()
    names = {name for _, name in tables}
    assert {"kpi_scorecard", "fct_deals", "dim_period_days", "audit_kpi_trust", "audit_reconciliation"} <= names
    assert {schema for schema, _ in tables} == {"marts", "core", "audit"}
    (parquet,) = published.execute("select getvariable('parquet')").fetchone()
    for schema, name in tables:
        forms = [f"published.{schema}.{name}", f"'{parquet}/{schema}/{name}.parquet'"]
        if name != "build_info":
            forms.append(f"working.{schema}.{name}")
        for one, other in [(forms[0], form) for form in forms[1:]]:
            for difference in (f"from {one} except all from {other}", f"from {other} except all from {one}"):
                assert published.execute(difference).fetchall() == [], difference


def test_every_table_and_column_is_described(published: duckdb.DuckDBPyConnection) -> None:
    """BI tools show the comments."""
    for kind in ("tables", "columns"):
        undescribed = published.execute(
            f"select * from duckdb_{kind}() where database_name = 'published' and coalesce(comment, '') = ''"
        ).fetchall()
        assert undescribed == []


def test_build_info_says_what_was_built_from_what(published: duckdb.DuckDBPyConnection) -> None:
    """One row; its inputs have as many records as the audit has counted."""
    columns = [name for name, *_ in published.execute("describe marts.build_info").fetchall()]
    (row,) = published.execute("from marts.build_info").fetchall()
    info = dict(zip(columns, row, strict=True))
    as_of_date, raw_records = published.execute("""
        select (select as_of_date from working.intermediate.int_as_of), sum(raw_records) from audit.audit_reconciliation
    """).fetchone()
    assert info["as_of_date"] == as_of_date
    assert info["tests_passed"] > 500
    inputs = json.loads(info["inputs"])
    assert sum(table["records"] for table in inputs) == raw_records
    assert len({table["fingerprint"] for table in inputs}) == len(inputs) == 11
    assert len(json.loads(info["definition_versions"])) == 12


def test_figures_tie_out_across_tables(published: duckdb.DuckDBPyConnection) -> None:
    """The sums that the soak reads are the same in facts, mart and scorecard of the real marts, too."""
    sums = {published.execute(sql.format(marts="marts.")).fetchone() for sql in CHECKS[1:]}
    assert len(sums) == 1
