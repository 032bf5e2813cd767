"""Measure the build on a large generated company: time, peak memory, slowest models, and the same SQL without dbt.

    python scripts/bench.py [--deals 1000000] [--folder warehouse/bench] [--memory 6GB]

Generates the company once (<folder>/company as Parquet), builds every model with dbt, then runs the compiled SQL of
the same models in the same order in a process of its own, so that the two times compare in one run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
SLOWEST = 10


def run_measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command to its end; seconds it took, and the peak memory of its process in GB.

    Raises SystemExit with its output where it fails.
    """
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{output[-4000:]}")
    return time.monotonic() - started, usage.ru_maxrss / 1024**2


def generate(deals: int, company: Path) -> None:
    """Write the company as Parquet, unless a finished one of that size is there."""
    marker = company / f"{deals}.deals"
    if marker.exists():
        return
    shutil.rmtree(company, ignore_errors=True)
    company.mkdir(parents=True)
    script = str(ROOT / "scripts" / "generate_company.py")
    seconds, memory = run_measured(
        [sys.executable, script, "--deals", str(deals), "--out", str(company), "--format", "parquet"], dict(os.environ)
    )
    marker.touch()
    print(f"generated {deals:,} deals in {seconds:.0f} s, peak {memory:.1f} GB")


def run_compiled(target: Path, database: Path, memory: str) -> None:
    """Run the compiled SQL of the last dbt run, in its order, against a new DuckDB file of the same name."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    done = [result["unique_id"] for result in json.loads((target / "run_results.json").read_text())["results"]]
    settings = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": "false"}
    with duckdb.connect(str(database), config=settings) as connection:
        for node in (nodes[unique_id] for unique_id in done):
            sql = (target / "compiled" / node["package_name"] / node["original_file_path"]).read_text()
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create schema if not exists {node['schema']}")
            connection.execute(f"create or replace {kind} {node['schema']}.{node['name']} as {sql}")


def main() -> None:
    """Generate, build, repeat without dbt, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=1_000_000, help="how many deals the company has")
    parser.add_argument("--folder", type=Path, default=ROOT / "warehouse" / "bench", help="where everything is written")
    parser.add_argument("--memory", default="6GB", help="DuckDB's memory limit; beyond it, it spills to disk")
    parser.add_argument("--compiled", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    target, database = folder / "target", folder / "dbt" / "bench.duckdb"
    if arguments.compiled:
        run_compiled(target, arguments.compiled, arguments.memory)
        return

    generate(arguments.deals, folder / "company")
    for place in (database, folder / "plain" / "bench.duckdb"):
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir(parents=True)
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(folder / "logs"),
        "SALES_KPIS_DB": str(database),
        "SALES_KPIS_MEMORY": arguments.memory,
    }
    dbt = str(Path(sys.executable).with_name("dbt"))
    variables = json.dumps({"crm_export_path": str(folder / "company")})
    seconds, memory = run_measured(
        [dbt, "run", "--project-dir", str(ROOT), "--threads", "1", "--vars", variables], environment
    )
    results = json.loads((target / "run_results.json").read_text())["results"]
    print(f"dbt run of {len(results)} models on {arguments.deals:,} deals: {seconds:.0f} s, peak {memory:.1f} GB")
    for result in sorted(results, key=lambda result: -result["execution_time"])[:SLOWEST]:
        print(f"  {result['execution_time']:6.1f} s  {result['unique_id'].split('.')[-1]}")

    plain_seconds, plain_memory = run_measured(
        [sys.executable, __file__, "--folder", str(folder), "--memory", arguments.memory,
         "--compiled", str(folder / "plain" / "bench.duckdb")],
        dict(os.environ),
    )
    print(f"the same SQL without dbt: {plain_seconds:.0f} s, peak {plain_memory:.1f} GB", end="")
    print(f" (dbt takes {seconds / plain_seconds:.2f} times as long)")
    print(f"DuckDB file: {database.stat().st_size / 1024**3:.1f} GB; cores: {os.cpu_count()}")


if __name__ == "__main__":
    main()
