"""Readers of several kinds query published marts without pause, while versions are published, fail and are killed.

    python tests/publishing/soak.py [--seconds 300] [--builds 1] [--folder warehouse/soak]

For so many seconds small marts are published through scripts/publish.py, one after the other; then so many real builds
with scripts/build.py follow, each with another as-of date, two that are killed, and one on what these left. No query may
fail, and none may see tables of two versions, or a version that was not published. Prints what was done, and ends with 1
where anything is wrong.

Kinds of readers: the duckdb module, with a connection per query, with one that stays open, with threads, and on the
Parquet files; SQLAlchemy where duckdb_engine is installed; Node where `node` finds @duckdb/node-api (NODE_PATH).
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "scripts"))

import publish  # noqa: E402

PUBLISHED = "published/sales_kpis.duckdb"
DEALS = 20_000

# Each has its own number in a version; together they show whether tables of two versions met
CHECKS = [
    "select build_id, 0 from {marts}build_info",
    "select cast(sum(won_deals) as bigint), cast(sum(closed_deals) as bigint) from {marts}fct_deals",
    "select cast(sum(won_deals) as bigint), cast(sum(closed_deals) as bigint) from {marts}kpi_win_rate "
    "where period_grain = 'month' and dimension = 'overall'",
    "select cast(sum(numerator) as bigint), cast(sum(denominator) as bigint) from {marts}kpi_scorecard "
    "where kpi_name = 'win_rate' and period_grain = 'month' and dimension = 'overall'",
]
TABLES = [("marts", "fct_deals"), ("marts", "kpi_win_rate"), ("marts", "kpi_scorecard")]


def small_marts(connection: duckdb.DuckDBPyConnection, variant: int, deals: int = DEALS) -> None:
    """Make three marts that look like the real ones; in no two variants are their sums the same."""
    connection.execute("create schema if not exists marts")
    connection.execute(f"""
        create or replace table marts.fct_deals as
        select cast(i as varchar) as deal_id, date '2025-01-01' + cast(i % 360 as integer) as closed_date,
            cast(i <= {deals} // 2 + {variant} as bigint) as won_deals, 1 as closed_deals
        from range(1, {deals + 2 * variant} + 1) as deals (i)
    """)
    connection.execute("""
        create or replace table marts.kpi_win_rate as
        select 'month' as period_grain, date_trunc('month', closed_date) as period_start_date, 'overall' as dimension,
            sum(won_deals) as won_deals, sum(closed_deals) as closed_deals
        from marts.fct_deals group by all
    """)
    connection.execute("""
        create or replace table marts.kpi_scorecard as
        select 'win_rate' as kpi_name, period_grain, dimension, won_deals as numerator, closed_deals as denominator
        from marts.kpi_win_rate
    """)
    connection.execute("comment on table marts.kpi_win_rate is 'Won deals / closed deals, ''as we count them'''")
    connection.execute("comment on column marts.kpi_win_rate.won_deals is 'Deals won'")


def publish_small(published: Path, variant: int, is_failing: bool = False, deals: int = DEALS) -> str:
    """Publish a variant, or fail half-way through it; returns the build id."""
    build_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    tables = [*TABLES, ("marts", "is_not_there")] if is_failing else TABLES
    with duckdb.connect() as connection:
        small_marts(connection, variant, deals)
        with publish.exclusive(published, is_waiting=True):
            say(begun=build_id, variant=variant)
            publish.publish(connection, published, tables, {"build_id": build_id, "tests_passed": variant})
    return build_id


def publish_on_and_on(published: Path, first_variant: int) -> None:
    """Publish variants until killed; every seventh fails. Versions are removed under the eyes of readers, too."""
    publish.KEEP_SECONDS = 20
    variant = first_variant
    while True:
        variant += 1
        try:
            say(published=publish_small(published, variant, is_failing=variant % 7 == 0))
        except duckdb.Error:
            say(failed=True)


def say(**words: Any) -> None:
    """Tell the parent process something."""
    print(json.dumps(words), flush=True)


class Reader:
    """Reads until told to stop, and counts. seen: (build id, won deals, closed deals) and how often."""

    def __init__(self, published: Path) -> None:
        self.database = published
        self.queries = 0
        self.seen: Counter = Counter()
        self.faults: list[str] = []
        self.newest = ""
        self.lock = threading.Lock()

    def check(self, run, marts: str = "marts.") -> None:
        """Ask all tables through run(sql) -> the first row; note it where they are not of one version."""
        answers = [tuple(run(sql.format(marts=marts))) for sql in CHECKS]
        build_id, sums = answers[0][0], {tuple(map(int, answer)) for answer in answers[1:]}
        with self.lock:
            self.queries += len(answers)
            if len(sums) != 1:
                self.faults.append(f"tables of two versions: {answers}")
            self.seen[(build_id, *sums.pop())] += 1

    def per_query(self) -> None:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            self.check(lambda sql: connection.execute(sql).fetchone())
        self.must_not_go_back()

    def must_not_go_back(self) -> None:
        """A new connection never gets an older version than the one before it."""
        newest = max(build_id for build_id, _, _ in self.seen)
        if max(self.newest, newest) != newest:
            self.faults.append(f"went back from {self.newest} to {newest}")
        self.newest = newest

    def stays_open(self) -> None:
        before = set(self.seen)
        with duckdb.connect(str(self.database), read_only=True) as connection:
            until = time.monotonic() + random.uniform(0.2, 3)
            (build_id,) = connection.execute("select build_id from marts.build_info").fetchone()
            while time.monotonic() < until:
                self.check(lambda sql: connection.execute(sql).fetchone())
        if {new[0] for new in set(self.seen) - before} - {build_id}:
            self.faults.append("the version changed under an open connection")

    def threads(self) -> None:
        """Connections of one process that overlap, as in a server's pool."""
        failures: list[BaseException] = []

        def read() -> None:
            try:
                for _ in range(5):
                    with duckdb.connect(str(self.database), read_only=True) as connection:
                        self.check(lambda sql, connection=connection: connection.execute(sql).fetchone())
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def parquet(self) -> None:
        """The folder is looked up once, then all its files are read."""
        folder = self.database.resolve().parent / "parquet"
        with duckdb.connect() as connection:
            connection.execute("create schema marts")
            for file in folder.glob("marts/*.parquet"):
                connection.execute(f"create view marts.{file.stem} as from read_parquet('{file}')")
            self.check(lambda sql: connection.execute(sql).fetchone())
            build_ids = connection.execute(
                f"select distinct value from parquet_kv_metadata('{folder}/*/*.parquet') where key = 'build_id'"
            ).fetchall()
        if len(build_ids) != 1:
            self.faults.append(f"Parquet files of two versions: {build_ids}")

    def sqlalchemy(self) -> None:
        import sqlalchemy

        if not hasattr(self, "engine"):
            self.engine = sqlalchemy.create_engine(
                f"duckdb:///{self.database}", connect_args={"read_only": True}, poolclass=sqlalchemy.pool.NullPool
            )
        with self.engine.connect() as connection:
            self.check(lambda sql: connection.execute(sqlalchemy.text(sql)).fetchone())

    def run(self, kind: str, stop: Path) -> None:
        """Read until the file `stop` is there, and say what was seen."""
        while not stop.exists():
            try:
                getattr(self, kind)()
            except Exception as failure:  # noqa: BLE001 - whatever it is, it must not happen
                self.faults.append(" ".join(f"{type(failure).__name__}: {failure}".split()))
                time.sleep(0.1)
        say(queries=self.queries, faults=self.faults, seen=[[*version, times] for version, times in self.seen.items()])


KINDS = ["per_query", "stays_open", "threads", "parquet", "sqlalchemy", "node"]


def available_kinds() -> list[str]:
    """The kinds of readers for which everything is installed."""
    kinds = KINDS[:4]
    if importlib.util.find_spec("duckdb_engine"):
        kinds.append("sqlalchemy")
    with contextlib.suppress(OSError):
        if subprocess.run(["node", "-e", "require('@duckdb/node-api')"], capture_output=True).returncode == 0:
            kinds.append("node")
    return kinds


class Soak:
    """One soak: its folder, its readers, and a ledger of what was begun, published and failed."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.published, self.stop = folder, folder / PUBLISHED, folder / "stop"
        self.begun: dict[str, int | None] = {}
        self.counts = Counter()
        self.failed: set[str] = set()
        self.readers: dict[str, subprocess.Popen] = {}
        self.variant = 0

    def child(self, *words: object) -> subprocess.Popen:
        command = [sys.executable, __file__, *map(str, words)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def start_readers(self, kinds: list[str]) -> None:
        for kind in kinds:
            if kind == "node":
                script = Path(__file__).with_name("reader.cjs")
                command = ["node", str(script), str(self.published), str(self.stop), json.dumps(CHECKS)]
                self.readers[kind] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            else:
                self.readers[kind] = self.child("--read", kind, "--folder", self.folder)

    def publish_small_ones(self, seconds: float) -> None:
        """Publishers, each killed at a random moment; the next goes on in what it left."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            publisher = self.child("--publish-after", self.variant, "--folder", self.folder)
            left = random.randint(1, 6)
            begun_at = took = 0.0
            running = killing = None
            for line in publisher.stdout:
                words = json.loads(line)
                if "begun" in words:
                    begun_at, left = time.monotonic(), left - 1
                    running, self.variant = words["begun"], words["variant"]
                    self.begun[running] = self.variant
                    if left == 0:
                        killing = threading.Timer(random.uniform(0, 1.1 * took or 0.5), publisher.kill)
                        killing.start()
                else:
                    took = time.monotonic() - begun_at
                    self.counts["failed" if "failed" in words else "published"] += 1
                    if "failed" in words:
                        self.failed.add(running)
                    running = None
            if killing is None or publisher.wait() != -signal.SIGKILL:
                raise RuntimeError("a publisher ended by itself; what it said is above")
            self.counts["killed while publishing" if running else "killed after publishing"] += 1

    def build(self, as_of_date: str, killed_when=None) -> None:
        """A real build; `killed_when()` says whether the moment has come to kill it."""
        environment = os.environ | {
            "SALES_KPIS_DB": str(self.folder / "sales_kpis.duckdb"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        command = [sys.executable, str(REPO / "scripts" / "build.py"), "--to", str(self.published), "--wait"]
        command += ["--vars", json.dumps({"as_of_date": as_of_date})]
        with (self.folder / "build.log").open("a") as log:
            builder = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            while builder.poll() is None:
                if killed_when and killed_when():
                    builder.kill()
                time.sleep(0.002)
        if killed_when:
            assert builder.returncode == -signal.SIGKILL, "the build was over before it could be killed"
            self.counts["real builds killed"] += 1
        else:
            assert builder.returncode == 0, f"see {self.folder / 'build.log'}"
            self.counts["real builds"] += 1

    def is_writing(self) -> bool:
        """Whether a version is being written just now."""
        return any(path.name.startswith(".2") for path in publish.versions_folder(self.published).iterdir())

    def report(self) -> list[str]:
        """Stop the readers, print the figures and what was wrong, also of a soak that broke off; return the latter."""
        self.stop.touch()
        faults = []
        sums: dict[str, tuple[int, int]] = {}
        for kind, reader in self.readers.items():
            output, _ = reader.communicate(timeout=60)
            if reader.returncode:
                faults.append(f"{kind}: the reader ended with {reader.returncode}")
                continue
            said = json.loads(output.splitlines()[-1])
            faults += [f"{kind}: {fault}" for fault in said["faults"]]
            print(f"reader {kind}: {said['queries']:,} queries, {len(said['seen'])} versions seen, {len(said['faults'])} faults")
            self.counts["queries"] += said["queries"]
            for build_id, won, closed, _ in said["seen"]:
                if sums.setdefault(build_id, (won, closed)) != (won, closed):
                    faults.append(f"{kind}: {build_id} gave {(won, closed)} and {sums[build_id]}")
        for build_id, found in sums.items():
            variant = self.begun.get(build_id)
            if build_id in self.failed:
                faults.append(f"{build_id} had failed and was seen")
            if variant is not None and found != (DEALS // 2 + variant, DEALS + 2 * variant):
                faults.append(f"{build_id} is variant {variant} and gave {found}")
        print(", ".join(f"{number:,} {what}" for what, number in sorted(self.counts.items())))
        print(f"{len(sums)} versions seen")
        for fault in faults[:50]:
            print(f"WRONG: {fault}")
        print(f"{len(faults)} faults")
        return faults


def soak(folder: Path, seconds: float, builds: int, kinds: list[str]) -> tuple[Counter, list[str]]:
    """Run a soak; counts of what was done, and what was wrong."""
    run = Soak(folder)
    run.begun[publish_small(run.published, 0)] = 0
    run.start_readers(kinds)
    try:
        run.publish_small_ones(seconds)
        for number in range(builds):
            run.build(f"2025-0{number + 1}-28")
        if builds:
            moment = time.monotonic() + random.uniform(10, 60)
            run.build("2025-09-30", killed_when=lambda: time.monotonic() > moment)
            run.build("2025-09-30", killed_when=run.is_writing)
            run.build("2025-10-31")
    finally:
        faults = run.report()
    return run.counts, faults


def main() -> int:
    """The command line, for people and for the processes that a soak starts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="how long small marts are published")
    parser.add_argument("--builds", type=int, default=1, help="how many real builds follow")
    parser.add_argument("--folder", type=Path, default=REPO / "warehouse" / "soak")
    parser.add_argument("--read", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--publish-after", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.read:
        Reader(folder / PUBLISHED).run(arguments.read, folder / "stop")
        return 0
    if arguments.publish_after is not None:
        publish_on_and_on(folder / PUBLISHED, arguments.publish_after)
    _, faults = soak(folder, arguments.seconds, arguments.builds, available_kinds())
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
