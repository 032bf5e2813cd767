"""What the Python checks share: the repository, the demo company as files, and a way to run dbt."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

REPO = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public example data beside the repository; not everybody has it."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the public example data in ../shared/data, which is not there")
    return folder


@pytest.fixture(scope="session")
def demo_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo company as somebody's own export: a folder of <table>.csv."""
    folder = tmp_path_factory.mktemp("demo_export")
    for seed in sorted((REPO / "seeds").glob("demo_*.csv")):
        shutil.copyfile(seed, folder / seed.name.removeprefix("demo_"))
    return folder


@pytest.fixture(scope="session")
def write_csv() -> Callable[[Path, list[str], list[dict]], Path]:
    """Write rows to a CSV file with the given columns; a column that a row lacks, and None, become an empty field."""

    def write(path: Path, columns: list[str], rows: list[dict]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=columns)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture(scope="session")
def run_dbt() -> Callable[..., subprocess.CompletedProcess]:
    """Run the dbt that is installed beside this Python, away from the caller's settings, files and database.

    run_dbt("build", "--select", "...", work=tmp_path, vars={...}) writes <work>/warehouse.duckdb, <work>/target and
    <work>/logs. `project` is the dbt project (this one unless given). A failing run fails the test, unless check=False.
    """
    dbt = Path(sys.executable).with_name("dbt")

    def run(
        *arguments: str,
        work: Path,
        vars: dict | None = None,
        project: Path = REPO,
        database: Path | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        environment |= {
            "DBT_PROFILES_DIR": str(project),
            "DBT_TARGET_PATH": str(work / "target"),
            "DBT_LOG_PATH": str(work / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "SALES_KPIS_DB": str(database or work / "warehouse.duckdb"),
        }
        command = [str(dbt), *arguments, "--project-dir", str(project)]
        if vars:
            command += ["--vars", json.dumps(vars)]
        run = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=False)
        if check and run.returncode:
            pytest.fail(f"dbt {' '.join(arguments)} failed:\n{run.stdout[-6000:]}{run.stderr[-2000:]}")
        return run

    return run


@pytest.fixture(scope="session")
def built_demo() -> Path | None:
    """The warehouse that SALES_KPIS_DB names, as `make test` has built it from the demo company; None: there is none."""
    database = REPO / os.environ.get("SALES_KPIS_DB", "")
    return database if database.is_file() else None


@pytest.fixture(scope="session")
def warehouse(run_dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built warehouse to read: the one that SALES_KPIS_DB names where it is there, else the demo company's."""
    given = os.environ.get("SALES_KPIS_DB")
    if given and Path(given).is_file():
        return Path(given).resolve()
    work = tmp_path_factory.mktemp("warehouse")
    run_dbt("seed", work=work)
    run_dbt("run", work=work)
    return work / "warehouse.duckdb"


@pytest.fixture(scope="session")
def report(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sales leader's report, written from that warehouse."""
    pytest.importorskip("altair", reason="needs what draws the report: requirements-report.txt")
    sys.path.insert(0, str(REPO / "scripts"))
    from report import write_report

    folder = tmp_path_factory.mktemp("report")
    write_report(warehouse, folder)
    return folder


@pytest.fixture(scope="module")
def chromium():
    """The system's browser, a playwright Browser, started once; its profile is a temporary one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs a browser's driver: requirements-dev.txt")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("needs a Chromium, and none of these is installed: " + ", ".join(BROWSERS))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse that the report was written from."""
    with duckdb.connect(str(warehouse), read_only=True) as open_connection:
        yield open_connection


@pytest.fixture
def altered(warehouse: Path, report: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write the report of a copy of the warehouse on which some statements were run."""
    from report import write_report

    def write(*statements: str) -> Path:
        copy = tmp_path / "altered.duckdb"
        copy.unlink(missing_ok=True)
        shutil.copyfile(warehouse, copy)
        with duckdb.connect(str(copy)) as connection:
            for statement in statements:
                connection.execute(statement)
        write_report(copy, tmp_path / "report")
        return tmp_path / "report"

    return write
