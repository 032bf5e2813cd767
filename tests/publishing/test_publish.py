"""What readers get when publishing goes well, fails, is killed, or meets others: the old version or the new one, whole."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import build
import duckdb
import publish
import pytest
from soak import CHECKS, publish_small

DEALS = 500
# Children that have imported everything and opened nothing, so that they start in no time
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["publish", "soak"])


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A file as which variant 1 is published."""
    publish_variant(tmp_path / "sales.duckdb", 1)
    return tmp_path / "sales.duckdb"


def publish_variant(published: Path, variant: int, is_failing: bool = False) -> str:
    """Publish marts that are recognised by their sums."""
    return publish_small(published, variant, is_failing, DEALS)


def variant_read(folder: Path) -> int:
    """The variant in a version's folder, the same in all DuckDB tables and all Parquet files, and nothing else there."""
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["parquet", "sales.duckdb"]
    readings = []
    with duckdb.connect(str(folder / "sales.duckdb"), read_only=True) as connection:
        readings += [connection.execute(sql.format(marts="marts.")).fetchone() for sql in CHECKS]
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for file in (folder / "parquet" / "marts").iterdir():
            connection.execute(f"create view marts.{file.stem} as from read_parquet('{file}')")
        readings += [connection.execute(sql.format(marts="marts.")).fetchone() for sql in CHECKS]
    assert {reading for reading in readings if not reading[1]} == {(folder.name, 0)}
    ((won, _),) = {reading for reading in readings if reading[1]}
    return won - DEALS // 2


def roll_back(published: Path) -> None:
    """Take the current version back, in a process's turn of its own."""
    with publish.exclusive(published):
        publish.roll_back(published)


def current_variant(published: Path) -> int:
    """What readers get now."""
    return variant_read(published.resolve().parent)


def leftovers(published: Path) -> list[str]:
    """What only a process that is still writing may have there."""
    names = [path.name for path in [*published.parent.iterdir(), *publish.versions_folder(published).iterdir()]]
    return [name for name in names if name.startswith(".") and name != ".lock"]


def in_child(target: Callable, *arguments: object) -> int:
    """Run a function in a process of its own; the exit code, negative for the signal that killed it."""
    child = CHILDREN.Process(target=target, args=arguments)
    child.start()
    child.join(120)
    return child.exitcode


# What is published


def test_tables_keep_types_comments_and_constraints_and_views_become_tables(tmp_path: Path) -> None:
    """BI tools show the descriptions; nothing depends on the name or the place of the file that dbt wrote."""
    with duckdb.connect(str(tmp_path / "working.duckdb")) as connection:
        connection.execute("create schema marts; create schema core; create schema staging")
        connection.execute("create table marts.fct (amount decimal(38, 2) not null, day date)")
        connection.execute("insert into marts.fct values (1.25, '2025-01-01')")
        connection.execute("comment on table marts.fct is 'it''s a fact'; comment on column marts.fct.day is 'a \"day\"'")
        connection.execute("create view core.dim_days as select day from marts.fct")
        connection.execute("comment on view core.dim_days is 'days'; create table staging.raw as select 1 as secret")
        tables = [("marts", "fct"), ("core", "dim_days")]
        published = tmp_path / "sales.duckdb"
        with pytest.raises(duckdb.Error), publish.exclusive(published):
            publish.publish(connection, published, [*tables, ("core", "no_such")], {"build_id": "a"})
        with publish.exclusive(published):
            version = publish.publish(connection, published, tables, {"build_id": "b", "is_git_dirty": None})
    (tmp_path / "working.duckdb").unlink()
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() where table_name <> 'build_info' order by all"
        ).fetchall() == [("core", "dim_days", "days"), ("marts", "fct", "it's a fact")]
        assert connection.execute(
            "select column_name, data_type, is_nullable, comment from duckdb_columns() where table_name = 'fct'"
        ).fetchall() == [("amount", "DECIMAL(38,2)", False, None), ("day", "DATE", True, 'a "day"')]
        assert connection.execute("select * from core.dim_days").fetchone()[0].isoformat() == "2025-01-01"
        described = "select count(*) = count(comment) from duckdb_columns() where table_name = 'build_info'"
        assert connection.execute(described).fetchone() == (True,)
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)
    with duckdb.connect() as connection:
        file = version / "parquet" / "marts" / "fct.parquet"
        found = connection.execute(f"select decode(value) from parquet_kv_metadata('{file}') order by all").fetchall()
    assert found == [("b",), ("it's a fact",)]


def test_file_must_not_be_named_like_a_schema_in_it(tmp_path: Path) -> None:
    """DuckDB would not know which of the two a query of marts.kpi_win_rate means."""
    with duckdb.connect() as connection, pytest.raises(publish.PublishError, match="core.duckdb from the schema core"):
        publish.publish(connection, tmp_path / "core.duckdb", [("core", "dim_periods")], {"build_id": "b"})


def test_published_files_are_write_protected(published: Path) -> None:
    """A tool that forgets to open the file read-only gets an error, rather than a lock that shuts all others out."""
    files = [path for path in published.resolve().parent.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}


# Readers


def test_open_reader_keeps_its_version_and_the_next_gets_the_new_one(published: Path) -> None:
    """Also in one process, where DuckDB gives a second connection to a path the data of the first."""
    database = str(published)
    count = "select count(*) from marts.fct_deals"
    with duckdb.connect(database, read_only=True) as before:
        assert before.execute(count).fetchone() == (DEALS + 2,)
        publish_variant(published, 2)
        assert before.execute(count).fetchone() == (DEALS + 2,)
        with duckdb.connect(database, read_only=True) as after:
            assert after.execute(count).fetchone() == (DEALS + 4,)


def test_folder_that_was_looked_up_can_be_read_until_its_time_is_over(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of Parquet that looked up the folder reads one version, however many follow; the last two stay."""
    folder = published.resolve().parent
    for variant in (2, 3, 4):
        publish_variant(published, variant)
    assert variant_read(folder) == 1
    monkeypatch.setattr(publish, "KEEP_SECONDS", 0)
    publish_variant(published, 5)
    versions = publish.versions_folder(published).glob("[!.]*")
    assert sorted(variant_read(version) for version in versions) == [4, 5]


def test_wal_beside_the_published_file_is_not_replayed_onto_the_next(published: Path) -> None:
    """DuckDB reads it as changes of the file beside it; whoever opens the file to write may leave one."""
    wal = unfinished_wal(published.parent)
    for beside in (published, published.resolve()):
        shutil.copyfile(wal, f"{beside}.wal")
    publish_variant(published, 2)
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute("select count(*) from duckdb_tables() where table_name = 'stray'").fetchone() == (0,)
    assert current_variant(published) == 2


def unfinished_wal(folder: Path) -> Path:
    """The .wal file that a killed process leaves, which makes a table."""
    file = folder / "killed.duckdb"
    script = f"import duckdb, os; c = duckdb.connect('{file}'); c.execute('create table stray (i int)'); os._exit(0)"
    subprocess.run([sys.executable, "-c", script], check=True)
    return file.with_name("killed.duckdb.wal")


def test_plain_file_or_dead_link_in_the_place_of_the_link_is_replaced(published: Path) -> None:
    """Somebody has copied a file there, or removed the folder of the versions."""
    published.unlink()
    published.write_bytes(b"a copy")
    publish_variant(published, 2)
    assert current_variant(published) == 2
    shutil.rmtree(publish.versions_folder(published))
    publish_variant(published, 3)
    assert current_variant(published) == 3


# Failures


def test_failed_publication_leaves_the_old_version_and_no_trace(published: Path) -> None:
    """Here a table that is missing, half-way through."""
    with pytest.raises(duckdb.CatalogException):
        publish_variant(published, 2, is_failing=True)
    assert current_variant(published) == 1
    assert leftovers(published) == []
    publish_variant(published, 3)
    assert current_variant(published) == 3


# What happens to the unfinished folder before it is complete makes no difference
COPYING = {"write_version", "copy_table", "write_build_info", "quoted", "literal"}


def publish_traced(published: Path, variant: int, fatal_line: list | None = None, lines: Path | None = None) -> None:
    """Publish, and be killed on coming to a line (file, number); or write down the lines that are passed.

    Lines of publish.py, without the copying, and of shutil, which removes folders.
    """
    publish.KEEP_SECONDS = 0
    passed = {}

    def trace(frame, event, _):
        code = frame.f_code
        if code.co_filename not in (publish.__file__, shutil.__file__) or code.co_name in COPYING:
            return None
        if event == "line":
            line = (code.co_filename, frame.f_lineno)
            passed[line] = True
            if fatal_line and line == tuple(fatal_line):
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    publish_variant(published, variant)
    sys.settrace(None)
    if lines:
        lines.write_text(json.dumps(list(passed)))


def test_process_killed_at_any_line_leaves_a_whole_version_and_the_next_works(
    published: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGKILL at each line in turn, thus between any two steps: the old version or the new one is there."""
    publish_variant(published, 2)
    lines = tmp_path_factory.mktemp("lines") / "passed.json"
    assert in_child(publish_traced, published, 3, None, lines) == 0
    now, outcomes = 3, set()
    steps = [line for line in json.loads(lines.read_text()) if line[0] == publish.__file__ or line[1] % 4 == 0]
    for variant, line in enumerate(steps, start=4):
        assert in_child(publish_traced, published, variant, line) == -signal.SIGKILL, line
        read = current_variant(published)
        assert read in (now, variant), line
        versions = publish.versions_folder(published).glob("[!.]*")
        assert {len(list(version.rglob("*.parquet"))) for version in versions} == {4}, line
        outcomes.add(read == now)
        now = read
    assert outcomes == {True, False} and variant > 40
    publish_variant(published, 1)
    assert current_variant(published) == 1
    assert leftovers(published) == []


def publish_with_small_files(published: Path) -> None:
    """Publish where no file may have more than 100 kB: the system refuses to write on, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    expect_one_line(published)


def expect_one_line(published: Path) -> None:
    """Exit with 7 where publishing fails with an error that is shown in one line."""
    try:
        publish_variant(published, 2)
    except (OSError, duckdb.Error):
        os._exit(7)


def test_file_that_cannot_be_written_on_leaves_the_old_version(published: Path) -> None:
    """The limit is met while DuckDB writes."""
    assert in_child(publish_with_small_files, published) == 7
    assert current_variant(published) == 1
    assert leftovers(published) == []


def test_full_disk_leaves_the_old_version(tmp_path: Path) -> None:
    """A real one, and another file system than that of the working file."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    published = disk / "sales.duckdb"
    try:
        publish_variant(published, 1)
        subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'filler'}", "bs=4k"], capture_output=True, check=False)
        assert shutil.disk_usage(disk).free == 0
        with pytest.raises((OSError, duckdb.Error)):
            publish_variant(published, 2)
        assert current_variant(published) == 1
        assert leftovers(published) == []
        (disk / "filler").unlink()
        publish_variant(published, 3)
        assert current_variant(published) == 3
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_roll_back_gives_readers_the_version_before(published: Path) -> None:
    """And the next publication goes on from there; before the first version there is none."""
    publish_variant(published, 2)
    with publish.exclusive(published):
        publish.roll_back(published)
        assert current_variant(published) == 1
        with pytest.raises(publish.PublishError, match="no earlier version"):
            publish.roll_back(published)
    publish_variant(published, 3)
    assert current_variant(published) == 3


@pytest.mark.parametrize("taken_back", [1, 2])
def test_roll_back_never_gives_a_version_that_was_taken_back(published: Path, taken_back: int) -> None:
    """Of two, the first had been replaced by the second before it was itself taken back."""
    for variant in range(2, 2 + taken_back):
        publish_variant(published, variant)
    for _ in range(taken_back):
        roll_back(published)
    publish_variant(published, 4)
    roll_back(published)
    assert current_variant(published) == 1


def test_roll_back_never_gives_a_version_that_no_reader_has_seen(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is complete when its process is killed, but not yet current, is removed by the next."""
    with monkeypatch.context() as patch:
        patch.setattr(publish, "switch_to", lambda published, version: None)
        publish_variant(published, 2)
    publish_variant(published, 3)
    roll_back(published)
    assert current_variant(published) == 1


# The command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
    """command(*arguments, dbt=...) runs scripts/build.py with a stand-in for dbt; exit code and what it said last.

    The stand-in is called in the place of run_dbt, or builds one mart that has a passed, a warned and a unit test.
    """
    monkeypatch.setenv("SALES_KPIS_DB", str(tmp_path / "sales.duckdb"))
    monkeypatch.setenv("DBT_PROFILES_DIR", "")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, dbt: Callable = build_one_mart) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["build.py", *arguments])
        monkeypatch.setattr(build, "run_dbt", dbt)
        code = build.main()
        out, err = capsys.readouterr()
        assert err.count("\n") == code, err
        return code, (err or out).strip().splitlines()[-1]

    return run


def node(name: str, schema: str, resource_type: str = "model", layer: str = "marts") -> SimpleNamespace:
    """A node as dbt's results have it."""
    return SimpleNamespace(
        name=name, alias=name, schema=schema, relation_name=f'"sales"."{schema}"."{name}"', fqn=["sales_kpis", layer, name],
        resource_type=resource_type, config=SimpleNamespace(meta={"definition_version": 1} if "kpi_" in name else {}),
    )  # fmt: skip


def build_one_mart(arguments: list[str]) -> list[SimpleNamespace]:
    """What dbt would have built from a deal, with its results."""
    models = {
        ("marts", "kpi_win_rate"): "select 1 as won_deals",
        ("core", "dim_periods"): "select 'a period' as period_label",
        ("core", "fct_activities"): "select 'not published' as text",
        ("audit", "audit_warnings"): "select 1 as record_id",
        ("intermediate", "int_as_of"): "select date '2025-09-30' as as_of_date",
        ("staging", "base_crm__tables"): "select 'crm' as source_system, 'deals' as table_name, true as is_present, "
        "'deals.csv' as location",
        ("staging", "base_crm__deals"): "select 'crm' as source_system, 'D1' as deal_id",
    }
    with duckdb.connect(os.environ["SALES_KPIS_DB"]) as connection:
        for (schema, name), sql in models.items():
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create or replace table {schema}.{name} as {sql}")
    results = [SimpleNamespace(node=node(name, schema, layer=schema), status="success") for schema, name in models]
    for status, resource_type in [("pass", "test"), ("pass", "unit_test"), ("warn", "test")]:
        results.append(SimpleNamespace(node=node("a_test", "audit", resource_type), status=status))
    return results


def test_command_publishes_what_readers_need_and_says_what_it_is(command: Callable, tmp_path: Path) -> None:
    """Marts, dimensions and audit; not staging, nor millions of activities."""
    code, said = command("--vars", "{reporting_currency: eur, password: secret}")
    assert code == 0
    assert said.startswith(f"Published as {tmp_path}/published/sales.duckdb: build ")
    assert said.endswith(", as of 2025-09-30, 2 tests passed and 1 warned.")
    with duckdb.connect(str(tmp_path / "published/sales.duckdb"), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() order by all").fetchall()
        assert [name for (name,) in tables] == ["audit_warnings", "build_info", "dim_periods", "kpi_win_rate"]
        row = connection.execute("from marts.build_info").fetchone()
        info = dict(zip(publish.BUILD_INFO, row, strict=True))
    assert info["reporting_currency"] == "EUR" and "secret" not in info["vars"]
    assert (info["tests_passed"], info["tests_warned"]) == (2, 1)
    assert json.loads(info["definition_versions"]) == {"win_rate": 1}
    (deals,) = json.loads(info["inputs"])
    assert deals["location"] == "deals.csv" and deals["records"] == 1 and int(deals["fingerprint"]) > 0
    assert [column for column, value in info.items() if value is None and "git" not in column] == []


def test_build_that_fails_is_not_published_and_says_what_failed(command: Callable) -> None:
    """One line, exit code 1, and the old marts stand."""

    def failing(arguments: list[str]) -> list:
        raise publish.PublishError("test overall_is_gapless_kpi_win_rate: Got 3 results")

    assert command(dbt=failing) == (
        1, "Not published, nothing has been published yet: test overall_is_gapless_kpi_win_rate: Got 3 results",
    )  # fmt: skip
    command()
    code, said = command(dbt=failing)
    assert code == 1 and said.startswith("Not published, readers still get build 2")


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        (["success", "error", "fail"], "model second: Compilation Error no such column, and 1 more"),
        (["success", "fail"], "model second: Compilation Error no such column"),
        (["success", "skipped"], "dbt did not finish"),
    ],
)
def test_any_failure_in_dbt_counts(monkeypatch: pytest.MonkeyPatch, statuses: list[str], reason: str) -> None:
    """An error in a model, a failed test, or a run that is not a success although nothing says why."""
    runner = pytest.importorskip("dbt.cli.main")
    results = [
        SimpleNamespace(node=node(name, "marts"), status=status, message="Compilation Error\n  no such column\n  \n  > in macro a")
        for name, status in zip(["first", "second", "third"], statuses, strict=False)
    ]
    outcome = SimpleNamespace(success=False, exception=None, result=SimpleNamespace(results=results))
    monkeypatch.setattr(runner, "dbtRunner", lambda: SimpleNamespace(invoke=lambda _: outcome))
    with pytest.raises(publish.PublishError) as failure:
        build.run_dbt(["build"])
    assert str(failure.value) == reason


def hold_lock(published: Path, is_held) -> None:
    """Hold the lock until killed."""
    with publish.exclusive(published):
        is_held.set()
        time.sleep(600)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator:
    """A process that is building what the command is to build."""
    is_held = CHILDREN.Event()
    child = CHILDREN.Process(target=hold_lock, args=(tmp_path / "published" / "sales.duckdb", is_held))
    child.start()
    assert is_held.wait(60)
    yield child
    child.kill()
    child.join()


def test_second_build_says_that_one_is_running(command: Callable, holder) -> None:
    """With its process, and nothing is built meanwhile."""
    code, said = command(dbt=lambda _: pytest.fail("built in spite of the lock"))
    assert code == 1
    assert f"is running (process {holder.pid} since " in said and said.endswith("; --wait waits for its end")


def test_second_build_waits_and_goes_on_when_the_first_is_killed(command: Callable, holder) -> None:
    """The lock dies with its process."""
    process = CHILDREN.Process(target=kill_soon, args=(holder.pid,))
    process.start()
    code, said = command("--wait")
    process.join()
    assert code == 0 and said.startswith("Published as ")


def kill_soon(pid: int) -> None:
    """Kill a process in a moment."""
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)


def test_folder_that_cannot_be_made_is_told_in_one_line(command: Callable, tmp_path: Path) -> None:
    """Here a file is in its place."""
    (tmp_path / "published").write_text("a file")
    code, said = command()
    assert code == 1 and said.startswith("Not published, nothing has been published yet: [Errno 20] Not a directory")


def test_folder_without_write_permission_is_told_in_one_line(command: Callable) -> None:
    """Before anything is built; the superuser, who may write everywhere, becomes another user for a moment."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        code, said = command("--to", str(folder / "sales.duckdb"), dbt=lambda _: pytest.fail("built for nothing"))
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)
    assert code == 1 and "Permission denied" in said


def test_working_file_that_another_process_writes_to_is_told_in_one_line(command: Callable, tmp_path: Path) -> None:
    """DuckDB lets one process in."""
    working = str(tmp_path / "sales.duckdb")
    script = f"import duckdb, time; c = duckdb.connect('{working}'); print('open', flush=True); time.sleep(600)"
    writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout.readline() == "open\n"
        code, said = command()
    finally:
        writer.kill()
        writer.wait()
    assert code == 1 and "Could not set lock on file" in said


def test_outside_git_no_commit_is_claimed(tmp_path: Path) -> None:
    """Nor that of a repository around the project's folder."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("version: 1.2.3")
    assert build.project_at(project) == {"project_version": "1.2.3"}
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C"]
    subprocess.run([*git, tmp_path, "init", "-q"], check=True)
    subprocess.run([*git, tmp_path, "commit", "-q", "--allow-empty", "-m", "m"], check=True)
    assert build.project_at(project) == {"project_version": "1.2.3"}
    (tmp_path / "dbt_project.yml").write_text("version: 1.2.3")
    info = build.project_at(tmp_path)
    assert len(info["git_commit"]) == 40 and info["is_git_dirty"] is True
