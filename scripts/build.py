"""Build the warehouse, run all its tests, and publish the marts if none failed.

    python scripts/build.py [--vars '{"as_of_date": "2025-09-30"}'] [--wait]
    python scripts/build.py --roll-back

The environment variable SALES_KPIS_DB names the working file (warehouse/sales_kpis.duckdb). What is built in
<folder>/<name>.duckdb is published as <folder>/published/<name>.duckdb, unless --to names another file. Exit code 0:
published; 1: not, and the last line says why; 2: the command line is wrong. Paths are relative to the project.
"""

import argparse
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import yaml
from publish import (
    PublishError,
    current_version,
    exclusive,
    literal,
    publish,
    published_file,
    roll_back,
    working_file,
)

ROOT = Path(__file__).resolve().parents[1]


def project_at(folder: Path) -> dict:
    """Version, commit and state of the project's files; nothing of git where the folder is not a repository's root."""

    def git(*arguments: str) -> str:
        run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    info = {"project_version": yaml.safe_load((folder / "dbt_project.yml").read_text())["version"]}
    try:
        if Path(git("rev-parse", "--show-toplevel")) == folder:
            info |= {"git_commit": git("rev-parse", "HEAD"), "is_git_dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        pass
    return info


def in_one_line(problem: object) -> str:
    """What went wrong, without dbt's list of the macros that led there."""
    lines = (line.strip() for line in str(problem).splitlines())
    return " ".join(line for line in lines if line and not line.startswith(">"))


def run_dbt(arguments: list[str]) -> list:
    """Run dbt in this process and return its results, one per node.

    Raises PublishError where anything failed. dbt keeps the working file open and thereby locked, so that nobody can
    change it between the tests and the publication.
    """
    from dbt.cli.main import dbtRunner  # takes seconds to import

    run = dbtRunner().invoke(arguments)
    results = list(getattr(run.result, "results", None) or [])
    failed = [result for result in results if result.status in ("error", "fail", "runtime error")]
    if failed:
        first = failed[0]
        others = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        reason = in_one_line(first.message or first.status)
        raise PublishError(f"{first.node.resource_type} {first.node.name}: {reason}{others}")
    if not run.success:
        raise PublishError(run.exception or "dbt did not finish")
    return results


def is_published(node) -> bool:
    """Whether readers get a model: what they query, what it joins to, and what tells how far to trust it."""
    if node.resource_type != "model":
        return False
    layer = node.fqn[1]
    return layer in ("marts", "audit") or (layer == "core" and node.name.startswith("dim_"))


def inputs(connection: duckdb.DuckDBPyConnection, relations: dict[str, str]) -> list[dict]:
    """What was read: source_system, table_name, location, records and fingerprint of each input table."""
    found = connection.execute(f"""
        select source_system, table_name, location
        from {relations["base_crm__tables"]}
        where is_present
        order by source_system, table_name
    """).fetchall()
    read = []
    for source_system, table_name, location in found:
        records, fingerprint = connection.execute(f"""
            select count(*), cast(coalesce(sum(hash(records)), 0) as varchar)
            from {relations[f"base_crm__{table_name}"]} as records
            where source_system = {literal(source_system)}
        """).fetchone()
        read.append(
            {
                "source_system": source_system,
                "table_name": table_name,
                "location": location,
                "records": records,
                "fingerprint": fingerprint,
            }
        )
    return read


def build_info(connection: duckdb.DuckDBPyConnection, results: list, given_vars: dict) -> dict:
    """What marts.build_info says of a finished build."""
    models = {result.node.name: result.node for result in results if result.node.resource_type == "model"}
    relations = {name: model.relation_name for name, model in models.items()}
    statuses = [result.status for result in results if result.node.resource_type in ("test", "unit_test")]
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["sales_kpis"]
    # Others that are given may be secrets
    variables |= {name: value for name, value in given_vars.items() if name in variables}
    definitions = {name: model.config.meta.get("definition_version") for name, model in models.items()}
    return {
        "as_of_date": connection.execute(f"select as_of_date from {relations['int_as_of']}").fetchone()[0],
        "reporting_currency": str(variables["reporting_currency"]).upper(),
        "tests_passed": statuses.count("pass"),
        "tests_warned": statuses.count("warn"),
        "dbt_version": importlib.metadata.version("dbt-core"),
        "duckdb_version": duckdb.__version__,
        "vars": json.dumps(variables, default=str),
        "definition_versions": json.dumps(
            {name.removeprefix("kpi_"): version for name, version in sorted(definitions.items()) if version}
        ),
        "inputs": json.dumps(inputs(connection, relations)),
    }


def build_and_publish(working: Path, published: Path, given_vars: dict) -> None:
    """Build everything in the working file and publish it. The caller holds the lock.

    Raises PublishError, OSError or duckdb.Error where the build or the publication fails.
    """
    info = {"build_id": f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"} | project_at(ROOT)
    working.parent.mkdir(parents=True, exist_ok=True)
    results = run_dbt(["build", "--project-dir", str(ROOT), "--vars", json.dumps(given_vars, default=str)])
    with duckdb.connect(str(working)) as connection:
        info |= build_info(connection, results, given_vars)
        tables = [(result.node.schema, result.node.alias) for result in results if is_published(result.node)]
        publish(connection, published, sorted(tables), info)


def in_words(published: Path) -> str:
    """Which build is published."""
    with duckdb.connect(str(published), read_only=True) as connection:
        build_id, as_of_date, passed, warned = connection.execute(
            "select build_id, as_of_date, tests_passed, tests_warned from marts.build_info"
        ).fetchone()
    return f"build {build_id}, as of {as_of_date}, {passed} tests passed and {warned} warned"


def read_vars(text: str) -> dict:
    """The vars of the command line, as dbt reads them: YAML or JSON. Raises argparse's error where they are neither."""
    try:
        given = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        given = None
    if not isinstance(given, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a mapping such as '{{\"as_of_date\": \"2025-09-30\"}}'")
    return given


def main() -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vars", type=read_vars, default={}, help="dbt vars, as YAML or JSON")
    parser.add_argument("--to", type=Path, help="the DuckDB file to publish as")
    parser.add_argument("--wait", action="store_true", help="wait for a build that is running, rather than give up")
    parser.add_argument("--roll-back", action="store_true", help="only publish the version before again")
    arguments = parser.parse_args()
    if arguments.to and arguments.to.suffix != ".duckdb":
        parser.error("argument --to: the name of a DuckDB file ends with .duckdb")

    os.chdir(ROOT)
    working = working_file()
    os.environ["SALES_KPIS_DB"] = str(working)
    os.environ.setdefault("DBT_PROFILES_DIR", str(ROOT))
    published = arguments.to or published_file(working)
    try:
        with exclusive(published, arguments.wait):
            if arguments.roll_back:
                roll_back(published)
            else:
                build_and_publish(working, published, arguments.vars)
            print(f"Published as {published}: {in_words(published)}.")
            return 0
    except (PublishError, OSError, duckdb.Error) as problem:
        current = current_version(published)
        standing = f"readers still get build {current.name}" if current else "nothing has been published yet"
        print(f"Not published, {standing}: {in_one_line(problem)}", file=sys.stderr)
        return 1


def stop(number: int, _) -> None:
    """End at once when told to, by a signal: dbt would print where it was, and nothing has to be put in order."""
    sys.stderr.write(f"Not published, what was published stands: stopped by {signal.Signals(number).name}\n")
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main())
