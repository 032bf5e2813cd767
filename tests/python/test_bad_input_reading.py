"""Reads faulty and unusual input through the base models of crm_export.

Every dbt run takes seconds and reads eleven tables, so each run carries as many cases as it can: one file, one case.
"""

import csv
import io
import re
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).resolve().parents[2]

MINIMAL_FILES = {
    "deals": "deal_id,stage_id,amount,created_at,close_date\nD1,S1,10,2024-01-01,2024-02-01\n",
    "stages": "stage_id,stage_name,stage_order,outcome\nS1,First,1,open\n",
}


class Run:
    """What one dbt run of the base models left behind."""

    def __init__(self, folder, variables, setup_sql=(), command=("run",)):
        self.database = folder / "warehouse.duckdb"
        if setup_sql:
            with duckdb.connect(str(self.database)) as connection:
                for statement in setup_sql:
                    connection.execute(statement)
        self.log = []
        selection = [] if "freshness" in command else ["--select", "path:models/staging/crm_export"]
        runner = dbtRunner(callbacks=[lambda event: self.log.append((event.info.level, event.info.msg))])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SALES_KPIS_DB", str(self.database))
            outcome = runner.invoke([
                *command, *selection, "--vars", str(variables), "--project-dir", str(PROJECT),
                "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
                "--log-level", "none", "--no-use-colors",
            ])
        # dbt keeps the database open in this process.
        DuckDBConnectionManager.close_all_connections()
        self.exception = outcome.exception
        results = getattr(outcome.result, "results", [])
        self.failures = {r.node.name.split("__")[-1]: r.message for r in results if r.status == "error"}

    def query(self, sql):
        with duckdb.connect(str(self.database), read_only=True) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables where table_name like 'base_crm_export_%'"
            ).fetchall()
            for schema, name in tables:
                sql = re.sub(rf"\b{name.removeprefix('base_crm_export__')}_base\b", f'"{schema}"."{name}"', sql)
            return connection.execute(sql).fetchall()

    def rejected(self, table):
        return self.query(
            f"select line_number, line_text, problem from rejected_lines_base where table_name = '{table}' order by 1"
        )

    def said(self, text):
        return [message for _, message in self.log if text in message]


def write_files(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        name = name if "." in name else f"{name}.csv"
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def run_files(folder, files):
    return Run(folder, {"crm_export_path": str(write_files(folder / "input", files))})


@pytest.fixture(scope="module")
def dialects(tmp_path_factory):
    return run_files(tmp_path_factory.mktemp("dialects"), {
        # semicolons and decimal commas, Windows line ends
        "deals": (
            "deal_id;name;stage_id;amount;probability;created_at;close_date\r\n"
            "D1;Caf\u00e9 \u2013 1,5 l;S1;1.234,56;0.5;2024-01-01;2024-02-01\r\n"
            "D2;\"a;b\";S1;-1234,5;50;2024-01-01;\r\n"
            "D3;;S1;12.345;;2024-01-01;\r\n"
            "D4;;S1;about 5,0;;2024-01-01;\r\n"
            "D5;;S1;1.234.567,8;;2024-01-01;"
        ),
        # byte-order mark, header in other letter case with blanks, columns in another order, one that is not known
        "stages": "\ufeffOutcome , STAGE_ID,Comment,stage_name,Stage_Order\nopen,S1,x,\tFirst\u00a0,1\nwon,S2,, ,2\n",
        # UTF-16 with tabs, as a spreadsheet's "Unicode text"; Emoji lie outside the basic plane
        "accounts": b"\xff\xfe" + (
            "account_id\tname\tsegment\r\nA1\tB\u00fccher \U0001f4da \u010a\t\"x\ty\"\r\nA2\t\u4e2d\u6587\t\r\n"
        ).encode("utf-16-le"),
        # the same, high byte first
        "quotas": b"\xfe\xff" + "rep_id,quota_month,amount\nR1,2024-01-01,5\n".encode("utf-16-be"),
        # Latin-1 and its Windows form, with one line that is UTF-8
        "sales_reps": b"rep_id,name,team\nR1,J\xfcrgen,\x80uro\nR2," + "Zo\u00eb".encode() + b",x\n",
        # quotes: line breaks, delimiters and quotes inside; spaces around; a quote that is an ordinary character
        "leads": (
            'lead_id,created_at,source,status\n'
            'L1,2024-01-01,"two\nlines, and ""quotes""","x"\n'
            '"L 2",2024-01-01, "a, b" ,6" pipe\n'
            'L3,2024-01-01,"\n\n",""\n'
            '"Ł/3 ✓",2024-01-01,"say ""yes""",z\n'
        ),
        # ragged lines and broken quotes between good lines
        "activities": (
            "activity_id,type,occurred_at\n"
            "1,call,2024-01-01\n"
            "2,call\n"
            "3,call,2024-01-01,more\n"
            "\n"
            '4,"call,2024-01-01\n'
            "5,call,2024-01-01\n"
            '6,"no"te,2024-01-01\n'
            '7,"ca\nll",2024-01-01\n'
            '8,"two\nlines"\n'
            "9,call,2024-01-01,\n"
            ",,\n"
            '10,"call,2024-01-01\n'
            "11,call,2024-01-01\n"
        ),
        # values of the wrong type stay as they are; old Mac line ends
        "fx_rates": "currency,rate_date,rate,to_currency\rEUR,yesterday,1,2e3x,4\rGBP,2024-13-45,abc,\r",
        # a cell of a million characters, and mixed line ends
        "sales_spend": (
            "spend_month,category,amount,note\r\n2024-01-01,sales,1," + "x" * 1_000_000 + "\n2024-01-02,sales,2,\"a\nb\"\r\n\r\n"
        ),
        # logged amounts with decimal commas; stages may be called 1,5 too
        "deal_changes": (
            "sep=;\ndeal_id;field;old_value;new_value;changed_at\n"
            "D1;amount;;1.000,00;2024-01-01\nD1;stage_id;1,5;2,5;2024-01-01\nD1; Amount;2;n/a;2024-01-01\n"
            "D1;probability;0.5;0.6;2024-01-01\n"
        ),
        # blank lines, tabs for delimiters only because the header says so, a pipe inside
        "rep_teams": "\n\nrep_id|team|valid_from\n   \nR1|a,b;c|2024-01-01\n\nR1|a,b;c|2024-01-01\n",
    })


def test_dialects__run_without_failures(dialects):
    assert (dialects.exception, dialects.failures) == (None, {})


def test_semicolons__decimal_commas_become_points_and_other_text_stays(dialects):
    assert dialects.query("select deal_id, name, amount, probability, close_date from deals_base order by 1") == [
        ("D1", "Caf\u00e9 \u2013 1,5 l", "1234.56", "0.5", "2024-02-01"),
        ("D2", "a;b", "-1234.5", "50", None),
        ("D3", None, "12345", None, None),
        ("D4", None, "about 5,0", None, None),
        ("D5", None, "1234567.8", None, None),
    ]


def test_semicolons__logged_amounts_are_converted_and_logged_stages_are_not(dialects):
    assert dialects.query("select field, old_value, new_value from deal_changes_base order by 1, 2") == [
        ("Amount", "2", "n/a"), ("amount", None, "1000.00"), ("probability", "0.5", "0.6"), ("stage_id", "1,5", "2,5"),
    ]


def test_header__letter_case_blanks_and_byte_order_mark_do_not_matter(dialects):
    assert dialects.query("select * from stages_base order by stage_id") == [
        ("crm_export", None, None, "S1", "First", "1", None, "open", None),
        ("crm_export", None, None, "S2", None, "2", None, "won", None),
    ]


def test_utf_16__both_byte_orders(dialects):
    assert dialects.query("select account_id, name, segment from accounts_base order by 1") == [
        ("A1", "B\u00fccher \U0001f4da \u010a", "x\ty"), ("A2", "\u4e2d\u6587", None),
    ]
    assert dialects.query("select rep_id, amount, source_system from quotas_base") == [("R1", "5", "crm_export")]


def test_latin_1__including_a_line_of_utf_8(dialects):
    assert dialects.query("select name, team from sales_reps_base order by rep_id") == [
        ("J\u00fcrgen", "\u20acuro"), ("Zo\u00eb", "x"),
    ]


def test_quotes__line_breaks_delimiters_and_quotes_inside(dialects):
    assert dialects.query("select lead_id, source, status from leads_base order by lead_id") == [
        ("L 2", "a, b", '6" pipe'),
        ("L1", 'two\nlines, and "quotes"', "x"),
        ("L3", None, None),
        ("Ł/3 ✓", 'say "yes"', "z"),
    ]
    assert dialects.rejected("leads") == []


def test_ragged_lines__are_listed_and_spoil_no_other_record(dialects):
    assert dialects.query("select activity_id, type from activities_base order by try_cast(activity_id as int)") == [
        ("1", "call"), ("5", "call"), ("7", "ca\nll"), ("9", "call"), ("11", "call"), (None, None),
    ]
    assert dialects.rejected("activities") == [
        (3, "2,call", "too few fields: 2 of 3"),
        (4, "3,call,2024-01-01,more", "too many fields: 4 of 3"),
        (6, '4,"call,2024-01-01', "broken quotes"),
        (8, '6,"no"te,2024-01-01', "broken quotes"),
        (11, '8,"two\nlines"', "too few fields: 2 of 3"),
        (15, '10,"call,2024-01-01', "broken quotes"),
    ]
    assert dialects.said("6 records of ")


def test_wrong_types__pass_through_as_text(dialects):
    assert dialects.query("select * from fx_rates_base order by currency") == [
        ("crm_export", "GBP", "2024-13-45", "abc", None, None),
    ]
    assert [problem for _, _, problem in dialects.rejected("fx_rates")] == ["too many fields: 5 of 4"]


def test_long_cell_and_mixed_line_ends(dialects):
    assert dialects.query("select spend_month, amount from sales_spend_base order by 1") == [
        ("2024-01-01", "1"), ("2024-01-02", "2"),
    ]


def test_same_record_twice__stays_twice(dialects):
    assert dialects.query("select rep_id, team from rep_teams_base") == [("R1", "a,b;c")] * 2


def test_read_and_rejected__are_all_records(dialects):
    for table, records in {"deals": 5, "stages": 2, "leads": 4, "activities": 12, "fx_rates": 2, "rep_teams": 2}.items():
        read = dialects.query(f"select count(*) from {table}_base")[0][0]
        assert read + len(dialects.rejected(table)) == records, table


@pytest.fixture(scope="module")
def minimal(tmp_path_factory):
    return run_files(tmp_path_factory.mktemp("minimal"), {
        "deals": MINIMAL_FILES["deals"].splitlines()[0], "stages": MINIMAL_FILES["stages"], "readme.txt": "no input",
        "accounts": "name,account_id,name_2,name_2\nx,A1,,\n",
    })


def test_header_only__is_a_table_without_records(minimal):
    assert (minimal.exception, minimal.failures) == (None, {})
    assert minimal.query("select count(*) from deals_base") == [(0,)]


def test_missing_tables__are_empty_named_in_the_log_and_not_present(minimal):
    assert minimal.query("select count(*) from leads_base") == [(0,)]
    assert minimal.query("select table_name from tables_base where is_present order by 1") == [
        ("accounts",), ("deals",), ("stages",),
    ]
    assert len(minimal.said("crm_export: the input has no deal_changes, sales_reps,")) == 1


def test_missing_optional_columns__are_null(minimal):
    assert minimal.query("select account_id, name, region, loaded_at from accounts_base") == [("A1", "x", None, None)]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    return run_files(tmp_path_factory.mktemp("faults"), {
        "deals": MINIMAL_FILES["deals"].replace("amount", "value"),
        "accounts": "",
        "leads": "\n \n",
        "quotas": "rep_id,Amount,quota_month,amount \nR1,1,2024-01-01,2\n",
        "fx_rates": "currency,rate_date,rate\n",
        "fx_rates.parquet": "",
        "sales_reps.parquet": "",
    })


@pytest.mark.parametrize(("table", "line"), [
    ("deals", "deals.csv lacks the required column amount; found: deal_id, stage_id, value, created_at, close_date. Add"),
    ("stages", "the required table 'stages' is missing: there is no stages.csv or stages.parquet in the folder '"),
    ("accounts", "accounts.csv is empty: it lacks the required columns account_id. Write"),
    ("leads", "leads.csv is empty: it lacks"),
    ("quotas", "quotas.csv has more than one column 'amount'; rename or remove"),
    ("fx_rates", "more than one file for the table 'fx_rates': fx_rates.csv, fx_rates.parquet; keep one."),
    ("sales_reps", "sales_reps.parquet is empty: it lacks"),
])
def test_fault__stops_its_table_with_one_clear_line(faults, table, line):
    message = faults.failures[table]
    about = [part for part in message.splitlines() if "crm_export: " in part]
    assert len(about) == 1 and line in about[0], message
    assert "Traceback" not in message


def test_faults__stop_nothing_else(faults):
    assert set(faults.failures) == {"deals", "stages", "accounts", "leads", "quotas", "fx_rates", "sales_reps"}


def test_path_and_schema_together__one_clear_line(tmp_path):
    run = Run(tmp_path, {"crm_export_path": str(tmp_path), "crm_export_schema": "raw"})
    assert "set one and leave the other empty" in str(run.exception)


def test_source_off__everything_is_empty_but_what_serves_all_sources(tmp_path):
    folder = write_files(tmp_path / "input", {**MINIMAL_FILES, "quotas": "rep_id,quota_month,amount,source_system\nR,2024-01-01,1,hubspot\n"})
    run = Run(tmp_path, {"crm_export_path": str(folder), "crm_sources": ["hubspot"]})
    assert (run.exception, run.failures) == (None, {})
    assert run.query("select count(*) from deals_base") == [(0,)]
    assert run.query("select source_system, rep_id from quotas_base") == [("hubspot", "R")]


TYPED_DEALS = """
    select
        7.0::double as deal_id, 'S1' as stage_id, 1e18::double as amount, true as is_deleted, 0.25::decimal(5, 2) as probability,
        timestamptz '2024-01-01 23:30:00.5+02' as created_at, date '2024-02-01' as close_date,
        timestamp '2024-03-01 10:00:00' as updated_at, encode('bytes') as name, 12.5::float as currency
"""
TYPED_DEALS_AS_TEXT = (
    "7", "S1", "1000000000000000000", "true", "0.25", "2024-01-01 21:30:00.5+00", "2024-02-01", "2024-03-01 10:00:00", "bytes", "12.5",
)
TYPED_COLUMNS = "deal_id, stage_id, amount, is_deleted, probability, created_at, close_date, updated_at, name, currency"


def test_parquet__typed_columns_become_text_that_parses(tmp_path):
    folder = write_files(tmp_path / "input [2024] it's", {"Stages.CSV": MINIMAL_FILES["stages"]})
    with duckdb.connect() as connection:
        path = str(folder / "deals.parquet").replace("'", "''")
        connection.execute(f"copy ({TYPED_DEALS}) to '{path}' (format parquet)")
    run = Run(tmp_path, {"crm_export_path": str(folder) + "/"})
    assert (run.exception, run.failures) == (None, {})
    assert run.query(f"select {TYPED_COLUMNS} from deals_base") == [TYPED_DEALS_AS_TEXT]
    assert run.query("select stage_name from stages_base") == [("First",)]
    assert run.rejected("deals") == []


def test_schema__tables_are_read_and_missing_ones_are_absent(tmp_path):
    setup = [
        "create schema raw_crm",
        f"create table raw_crm.Deals as {TYPED_DEALS}",
        "create view raw_crm.stages as select 'S1' as \" Stage_ID\", 'x' as stage_name, 1 as stage_order, 'won' as outcome, "
        "current_timestamp as loaded_at, 1 as \"odd \"\" name\"",
    ]
    run = Run(tmp_path, {"crm_export_schema": "raw_crm"}, setup)
    assert (run.exception, run.failures) == (None, {})
    assert run.query(f"select {TYPED_COLUMNS} from deals_base") == [TYPED_DEALS_AS_TEXT]
    assert run.query("select stage_id, stage_order, outcome from stages_base") == [("S1", "1", "won")]
    assert run.query("select table_name, lower(location) from tables_base where is_present order by 1") == [
        ("deals", "raw_crm.deals"), ("stages", "raw_crm.stages"),
    ]
    freshness = Run(tmp_path, {"crm_export_schema": "raw_crm"}, command=("source", "freshness"))
    assert (freshness.exception, freshness.failures) == (None, {})


def test_schema__missing_required_table_stops_with_one_line(tmp_path):
    run = Run(tmp_path, {"crm_export_schema": "raw_crm"})
    assert "the required table 'deals' is missing: there is no table deals in the schema 'raw_crm'" in run.failures["deals"]


def test_large_files__are_read_line_by_line_with_the_same_result(tmp_path):
    """More than 16 MB, where files go through the parallel reader, or are Latin-1."""
    note = "n" * 1500
    leads = ["lead_id,created_at,source,note"]
    leads += [
        f'L{number},2024-01-01,"two\nlines ""{number}""",{note}' if number % 3 else f"L{number},2024-01-01,web,{note}"
        for number in range(12_000)
    ]
    leads[5_000] = 'BROKEN,"2024-01-01,web'
    leads[6_000] = "SHORT,2024-01-01"
    accounts = ["account_id,name,note"] + [f"A{number},M\u00fcller \u20ac,{note}" for number in range(12_000)]
    run = run_files(tmp_path, {
        **MINIMAL_FILES,
        "leads": "\r\n".join(leads),
        "accounts": "\n".join(accounts).encode("windows-1252"),
    })
    assert (run.exception, run.failures) == (None, {})
    assert run.query("select count(*), count(distinct name), min(name) from accounts_base") == [
        (12_000, 1, "M\u00fcller \u20ac"),
    ]
    assert run.query(
        "select count(*), count(distinct lead_id), count(*) filter (where source = 'two' || chr(10) || 'lines \"' "
        "|| substr(lead_id, 2) || '\"') from leads_base"
    ) == [(11_998, 11_998, sum(1 for line in leads if '"two' in line))]
    breaks = [sum(1 for line in leads[:index] if '"two' in line) for index in (5_000, 6_000)]
    assert run.rejected("leads") == [
        (5_001 + breaks[0], leads[5_000], "broken quotes"),
        (6_001 + breaks[1], leads[6_000], "too few fields: 2 of 4"),
    ]


def test_generated_records__come_back_as_written(tmp_path):
    """The reader against Python's, on values made of what is hard to read."""
    pieces = ["", '"', ",", ";", "\n", "\t", "a", '""', ",\n", '",', "é", "x y", '"\n"', "\\", "'"]
    values = [first + middle + last for first in pieces for middle in pieces for last in pieces]
    rows = [[str(number), "[" + value + "]", "[" + values[-1 - number] + "]"] for number, value in enumerate(values)]
    files = dict(MINIMAL_FILES)
    for table, columns, delimiter, quoting in [
        ("accounts", ["account_id", "name", "segment"], ",", csv.QUOTE_MINIMAL),
        ("sales_reps", ["rep_id", "name", "team"], ";", csv.QUOTE_ALL),
        ("rep_teams", ["rep_id", "team", "valid_from"], "\t", csv.QUOTE_MINIMAL),
        ("leads", ["lead_id", "source", "created_at"], "|", csv.QUOTE_NONNUMERIC),
    ]:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows([columns, *rows])
        files[table] = text.getvalue()
    run = run_files(tmp_path, files)
    assert (run.exception, run.failures) == (None, {})
    for table, columns in {
        "accounts": "account_id, name, segment", "sales_reps": "rep_id, name, team",
        "rep_teams": "rep_id, team, valid_from", "leads": "lead_id, source, created_at",
    }.items():
        assert run.rejected(table) == [], table
        records = run.query(f"select {columns} from {table}_base order by cast({columns.split(',')[0]} as int)")
        assert records == [tuple(row) for row in rows], table
