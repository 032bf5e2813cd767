"""Publish tables of a built warehouse: a read-only DuckDB file and Parquet files, which readers get whole.

    <name>.duckdb -> <name>/<build id>/<name>.duckdb       a link: what readers open
    <name>/<build id>/<name>.duckdb                        a version
    <name>/<build id>/parquet/<schema>/<table>.parquet     the same, for what reads Parquet

A version is written under a hidden name, gets its own name when it is complete, and is never changed again. Renaming a
new link over the old one is the publication: a reader meets the version before it or the new one. So no reader waits
for a writer or is in its way, and a process that is killed at any moment leaves readers what they had.

There is no link to the Parquet files: a query opens them one after the other, and meanwhile the link could change.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

DEFAULT_WORKING_FILE = "warehouse/sales_kpis.duckdb"

# A version can be read this long after another took its place, by whoever had looked up the folder before
KEEP_SECONDS = 3600

# A file in the folder of a version that was current: why it no longer is, and by its time since when
REPLACED, TAKEN_BACK = ".replaced", ".taken_back"

# The columns of marts.build_info: type and description
BUILD_INFO = {
    "build_id": ("varchar", "Names the build and the folder of its version: the moment it was begun, in UTC."),
    "published_at": ("timestamp", "When the build was published, in UTC."),
    "as_of_date": ("date", "The last day of which the figures know anything."),
    "reporting_currency": ("varchar", "The currency of all amounts."),
    "tests_passed": ("bigint", "How many tests passed. A build with a failed test is not published."),
    "tests_warned": ("bigint", "How many tests of the input warned; audit_warnings and the like say why."),
    "git_commit": ("varchar", "The project's commit when the build was begun; NULL outside git."),
    "is_git_dirty": ("boolean", "Whether files differed from that commit; NULL outside git."),
    "project_version": ("varchar", "The version in dbt_project.yml."),
    "dbt_version": ("varchar", "The version of dbt-core."),
    "duckdb_version": ("varchar", "The version of DuckDB."),
    "vars": ("varchar", "JSON: the project's vars, as this build had them."),
    "definition_versions": ("varchar", "JSON: the definition version of each KPI; figures of two do not compare."),
    "inputs": (
        "varchar",
        "JSON: source_system, table_name, location, records and fingerprint of each input table. The same records give "
        "the same fingerprint, in whatever order; it compares between builds with the same duckdb_version.",
    ),
}


class PublishError(Exception):
    """Why nothing was published, in one line for the person who asked for it."""


def working_file() -> Path:
    """The DuckDB file in which dbt builds."""
    return Path(os.environ.get("SALES_KPIS_DB") or DEFAULT_WORKING_FILE)


def published_file(working: Path) -> Path:
    """Where what is built in a working file is published: two working files never replace each other's marts."""
    return working.parent / "published" / f"{working.stem}.duckdb"


def versions_folder(published: Path) -> Path:
    """The folder of all versions, beside the link to one of them."""
    return published.with_suffix("")


def current_version(published: Path) -> Path | None:
    """The folder of the version that readers get now; None before the first."""
    if not (os.path.islink(published) and os.path.exists(published)):
        return None
    return versions_folder(published) / Path(os.path.realpath(published)).parent.name


@contextlib.contextmanager
def exclusive(published: Path, is_waiting: bool = False) -> Iterator[None]:
    """Let one process at a time build and publish a file, and clean up before and after it.

    The system drops the lock when its process ends, in whatever way. Raises PublishError where another process has it,
    unless is_waiting; OSError where the folder cannot be written to.
    """
    versions = versions_folder(published)
    versions.mkdir(parents=True, exist_ok=True)
    with (versions / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = f"another build of {published} is running ({lock.read() or 'just begun'})"
            if not is_waiting:
                raise PublishError(f"{holder}; --wait waits for its end") from None
            print(f"Waiting: {holder}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers(published)
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        try:
            yield
        finally:
            remove_leftovers(published)


def publish(
    connection: duckdb.DuckDBPyConnection,
    published: Path,
    tables: list[tuple[str, str]],
    info: dict[str, Any],
) -> Path:
    """Make tables (schema, name) of the connection's database the current version; returns the version's folder.

    info: the values of marts.build_info by column, published_at excepted; those left out are NULL. The caller holds
    `exclusive`. Raises PublishError, OSError or duckdb.Error where the version cannot be written: the one before stays.
    """
    if published.stem in {"marts", *(schema for schema, _ in tables)}:
        raise PublishError(f"a query cannot tell the file {published.name} from the schema {published.stem}; rename it")
    version = versions_folder(published) / info["build_id"]
    unfinished = version.with_name("." + version.name)
    unfinished.mkdir()
    write_version(connection, unfinished / published.name, tables, info)
    protect_and_sync(unfinished)
    unfinished.rename(version)
    sync(version.parent)
    switch_to(published, version)
    return version


def roll_back(published: Path) -> Path:
    """Make the version before the current one current again; returns its folder. The caller holds `exclusive`.

    Raises PublishError where there is none.
    """
    current = current_version(published)
    version = current and version_before(current)
    if not version:
        raise PublishError(f"there is no earlier version of {published}")
    switch_to(published, version, TAKEN_BACK)
    return version


def write_version(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    tables: list[tuple[str, str]],
    info: dict[str, Any],
) -> None:
    """Write a DuckDB file, and a Parquet file for each of its tables beside it."""
    source = connection.execute("select current_database()").fetchone()[0]
    connection.execute(f"attach {literal(str(target))} as new_version")
    try:
        connection.begin()  # hundreds of comments, each with a commit of its own, would take seconds
        for schema, table in tables:
            copy_table(connection, source, schema, table)
        write_build_info(connection, info)
        connection.commit()
        written = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() where database_name = 'new_version'"
        ).fetchall()
        for schema, table, comment in written:
            file = target.parent / "parquet" / schema / f"{table}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy new_version.{quoted(schema)}.{quoted(table)} to {literal(str(file))} (format parquet, "
                f"compression zstd, kv_metadata {{build_id: {literal(info['build_id'])}, "
                f"description: {literal(comment or '')}}})"
            )
        connection.execute("checkpoint new_version")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.rollback()
        raise
    finally:
        # On a full disk this fails too, and the first failure is the one to tell
        with contextlib.suppress(duckdb.Error):
            connection.execute("detach new_version")
    if target.with_name(target.name + ".wal").exists():
        raise PublishError(f"DuckDB has not finished {target}")


def copy_table(connection: duckdb.DuckDBPyConnection, source: str, schema: str, table: str) -> None:
    """Copy a table with its types, constraints and comments; a view becomes a table."""
    here, there = (f"{quoted(database)}.{quoted(schema)}.{quoted(table)}" for database in (source, "new_version"))
    connection.execute(f"create schema if not exists new_version.{quoted(schema)}")
    found = "from duckdb_{}() where database_name = ? and schema_name = ? and {}_name = ?"
    place = [source, schema, table]
    definition = connection.execute(f"select sql {found.format('tables', 'table')}", place).fetchone()
    if definition:
        columns = definition[0].split("(", 1)[1]
        connection.execute(f"create table {there} ({columns}")
        connection.execute(f"insert into {there} from {here}")
    else:  # a view would name the database that it is in
        connection.execute(f"create table {there} as from {here}")
    for kind in ("tables", "views"):
        for (comment,) in connection.execute(f"select comment {found.format(kind, kind[:-1])}", place).fetchall():
            connection.execute(f"comment on table {there} is {literal(comment)}")
    columns = connection.execute(f"select column_name, comment {found.format('columns', 'table')}", place).fetchall()
    for column, comment in columns:
        connection.execute(f"comment on column {there}.{quoted(column)} is {literal(comment)}")


def write_build_info(connection: duckdb.DuckDBPyConnection, info: dict[str, Any]) -> None:
    """Write marts.build_info: one row that says what this version is."""
    table = "new_version.marts.build_info"
    columns = ", ".join(f"{column} {kind}" for column, (kind, _) in BUILD_INFO.items())
    row = {"published_at": datetime.now(UTC).replace(tzinfo=None)} | info
    connection.execute("create schema if not exists new_version.marts")
    connection.execute(f"create table {table} ({columns})")
    connection.execute(
        f"insert into {table} values ({', '.join('?' * len(BUILD_INFO))})", [row.get(column) for column in BUILD_INFO]
    )
    connection.execute(f"comment on table {table} is 'What this version of the marts was built from. One row.'")
    for column, (_, description) in BUILD_INFO.items():
        connection.execute(f"comment on column {table}.{column} is {literal(description)}")


def protect_and_sync(folder: Path) -> None:
    """Write-protect the files below a folder, and have the system bring everything to the disk itself."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Return when a file, or the list of names in a folder, is on the disk: a power cut then leaves it whole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def switch_to(published: Path, version: Path, mark: str = REPLACED) -> None:
    """Make a complete version the current one, in one step; the one before it gets the mark."""
    current = current_version(published)
    if current:
        for other in (REPLACED, TAKEN_BACK):
            (current / other).unlink(missing_ok=True)
        (current / mark).touch()
    link = new_link(published)
    link.symlink_to(Path(version.parent.name, version.name, published.name))
    link.replace(published)
    sync(published.parent)


def new_link(published: Path) -> Path:
    """The link before it is renamed to the published one."""
    return published.with_name(f".{published.name}")


def version_before(version: Path) -> Path | None:
    """The version that was begun before the given one and was current, if it is there and was not taken back."""
    replaced = [path.parent for path in version.parent.glob(f"[!.]*/{REPLACED}")]
    return max((path for path in replaced if path < version), default=None)


def remove_leftovers(published: Path) -> None:
    """Remove what a killed process left, and the versions whose time is over.

    The current version and the one before it stay; a version that was never current does not. What cannot be removed
    now is removed next time.
    """
    new_link(published).unlink(missing_ok=True)
    current = current_version(published)
    kept = {current, current and version_before(current)}
    for path in [path for path in versions_folder(published).iterdir() if path.name != ".lock"]:
        with contextlib.suppress(OSError):
            is_finished = not path.name.startswith(".")
            marks = [path / mark for mark in (REPLACED, TAKEN_BACK)]
            given_way = max((mark.stat().st_mtime for mark in marks if mark.exists()), default=0)
            if is_finished and (path in kept or time.time() - given_way < KEEP_SECONDS):
                continue
            # Half removed, it must not be taken for a version
            hidden = path.rename(path.with_name("." + path.name)) if is_finished else path
            shutil.rmtree(hidden)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A text as an SQL literal."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"
