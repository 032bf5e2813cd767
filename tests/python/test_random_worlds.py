"""Small random companies, built by dbt and recomputed by the oracle: every mart cell and the audit agree.

RANDOM_WORLDS says how many (6), RANDOM_WORLDS_SEED the first seed (0). A world that differs can be replayed:
python tests/oracle/random_worlds.py SEED FOLDER writes its files and prints its vars.
"""

import os

import duckdb
import pytest
from compare import audit_differences, config_of, differences, table_rows
from oracle import compute
from random_worlds import random_world
from read_csv import read_folder

FIRST_SEED = int(os.environ.get("RANDOM_WORLDS_SEED", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("RANDOM_WORLDS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_warehouse_agrees_with_the_oracle(seed, run_dbt, tmp_path):
    world = random_world(seed)
    folder = world.write(tmp_path / "export")
    run_dbt("run", "--quiet", work=tmp_path, vars={"crm_export_path": str(folder), **world.variables})

    settings = [f"{name}={value}" for name, value in world.variables.items() if value != ""]
    marts, audit = compute({"crm_export": read_folder(folder)}, config_of(settings))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        found = {mart: differences(mart, rows, table_rows(connection, "marts", mart)) for mart, rows in marts.items()}
        found["audit"] = audit_differences(audit, connection)
    found = {name: listed[:5] for name, listed in found.items() if listed}
    assert not found, f"world {seed} with {world.variables}"
