"""The warehouse against the oracle on random worlds: every cell of every mart, and the whole audit.

RANDOM_WORLDS (12) says how many, RANDOM_WORLDS_SEED (0) which one comes first. A world that differs is kept, and the test
prints its folder and its vars.
"""

import copy
import json
import os
from pathlib import Path

import duckdb
import pytest
from compare import audit_differences, config_of, differences, table_rows
from oracle import compute
from random_worlds import random_world
from read_csv import read_folder

REPO = Path(__file__).resolve().parents[2]
SHOWN = 20


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """build(world folder, dbt vars) runs the project on it, in this process; returns the DuckDB file.

    The project is parsed once: the vars change what models say, not which ones there are.
    """
    runner = pytest.importorskip("dbt.cli.main").dbtRunner
    adapter = pytest.importorskip("dbt.adapters.duckdb.connections")
    work = tmp_path_factory.mktemp("random_worlds_build")
    database = work / "warehouse.duckdb"
    arguments = ["--quiet", "--no-write-json", "--project-dir", str(REPO), "--profiles-dir", str(REPO)]
    manifests = []
    settings = pytest.MonkeyPatch()
    settings.setenv("SALES_KPIS_DB", str(database))
    settings.setenv("DBT_TARGET_PATH", str(work / "target"))
    settings.setenv("DBT_LOG_PATH", str(work / "logs"))
    settings.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")

    def invoke(command, variables, manifest=None):
        run = runner(manifest=manifest).invoke([command, *arguments, "--vars", json.dumps(variables)])
        if not run.success:
            items = getattr(run.result, "results", ())
            faults = [f"{item.node.name}: {item.message}" for item in items if item.status == "error"]
            pytest.fail(f"dbt {command} of {variables['crm_export_path']} failed: {run.exception or faults}")
        return run.result

    def build_world(folder, variables):
        variables = variables | {"crm_export_path": str(folder)}
        if not manifests:
            manifests.append(invoke("parse", variables))
        database.unlink(missing_ok=True)
        try:
            invoke("run", variables, copy.deepcopy(manifests[0]))
        finally:
            adapter.DuckDBConnectionManager.close_all_connections()
        return database

    yield build_world
    settings.undo()


def differences_of(world, folder, database):
    """List of texts, one per cell, row or audit entry on which the warehouse and the oracle differ."""
    config = config_of(f"{name}={value}" for name, value in world.variables.items() if value != "")
    marts, audit = compute({"crm_export": read_folder(folder)}, config)
    with duckdb.connect(str(database), read_only=True) as connection:
        found = [("audit", *item) for item in audit_differences(audit, connection)]
        for mart, expected_rows in marts.items():
            actual = table_rows(connection, "marts", mart)
            assert actual is not None, f"no table {mart}"
            found += [(mart, *item) for item in differences(mart, expected_rows, actual)]
    return [
        f"{place} {column} {' '.join(key)}: expected {expected!r}, found {actual!r}"
        for place, column, key, expected, actual in found
    ]


def test_random_worlds_agree_with_the_oracle(build, tmp_path_factory):
    first, number = int(os.environ.get("RANDOM_WORLDS_SEED", "0")), int(os.environ.get("RANDOM_WORLDS", "12"))
    print(f"worlds of the seeds {first} to {first + number - 1}")
    folder = tmp_path_factory.mktemp("random_worlds")
    failed = []
    for seed in range(first, first + number):
        world = random_world(seed)
        world_folder = world.write(folder / str(seed))
        found = differences_of(world, world_folder, build(world_folder, world.variables))
        if found:
            failed.append(seed)
            variables = world.variables | {"crm_export_path": str(world_folder)}
            print(f"world {seed}: {len(found)} differences; dbt run --vars '{json.dumps(variables)}'")
            print("\n".join(f"  {line}" for line in found[:SHOWN]))
    assert not failed, f"the worlds of the seeds {failed} differ; see above"


def test_a_seed_always_gives_the_same_world():
    assert random_world(7) == random_world(7)
    assert random_world(7).tables != random_world(8).tables
