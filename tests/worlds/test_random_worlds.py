"""The warehouse against the oracle on random worlds: every cell of every mart, and the whole audit.

WORLDS (300) says how many worlds, WORLDS_SEED (0) which pack comes first; `make test-deep` looks at many more. A pack that
differs is made small, printed, and kept.
"""

import os
import subprocess
import sys

import duckdb
import pytest
from builds import CompiledModels, differences_from_oracle
from checker import Checker, smallest
from company import read_company
from packs import WORLDS_IN_A_PACK, pack_of_seed

FIRST = int(os.environ.get("WORLDS_SEED", "0"))
PACKS = -(-int(os.environ.get("WORLDS", "300")) // (WORLDS_IN_A_PACK - 2))  # some packs hold fewer worlds
BUILT_BY_DBT = (FIRST + 1, FIRST + 9, FIRST + 14)


def cells(connection):
    """{table: (column names, sorted rows)} of the schemas marts and audit."""
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_schema in ('marts', 'audit')"
    ).fetchall()
    found = {}
    for schema, table in tables:
        result = connection.execute(f'select * from "{schema}"."{table}" order by all')
        found[table] = [column[0] for column in result.description], result.fetchall()
    return found


@pytest.mark.parametrize("seed", range(FIRST, FIRST + PACKS))
def test_random_worlds_agree_with_the_oracle(checker, tmp_path, seed):
    pack = pack_of_seed(seed)
    if checker.differences(pack.company):
        pytest.fail(checker.explain(pack, tmp_path), pytrace=False)


@pytest.mark.parametrize("seed", BUILT_BY_DBT)
def test_dbt_on_files_agrees_with_the_oracle_and_with_the_compiled_models(project, checker, tmp_path, seed):
    company = pack_of_seed(seed).company
    database = project.run(company.write(tmp_path), company.variables)
    with duckdb.connect(str(database), read_only=True) as built:
        assert differences_from_oracle(company, built) == []
        with checker.models(company.variables).build_company(company) as compiled:
            assert cells(built) == cells(compiled)


def test_a_seed_always_gives_the_same_pack():
    assert pack_of_seed(7) == pack_of_seed(7)
    assert pack_of_seed(7).company.tables != pack_of_seed(8).company.tables


def test_a_seed_gives_the_same_pack_whatever_else_is_loaded(tmp_path):
    """Hypothesis takes the literals of loaded modules for interesting values, unless told not to."""
    (tmp_path / "loaded.py").write_text(f"NUMBERS = {list(range(101, 999))}")
    program = "import loaded, packs; packs.pack_of_seed(500).company.write('pack')"
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": paths}, cwd=tmp_path, check=True)
    assert read_company(tmp_path / "pack").inputs() == pack_of_seed(500).company.inputs()


def test_a_company_survives_the_way_through_files(tmp_path):
    company = pack_of_seed(9).company
    assert read_company(company.write(tmp_path)).inputs() == company.inputs()
    assert read_company(tmp_path).variables == company.variables


def test_worlds_of_a_pack_are_kept_apart():
    pack = pack_of_seed(3)
    ids = [row["deal_id"].strip() for row in pack.company.tables["deals"]]
    assert {deal_id.split(".")[0] for deal_id in ids if deal_id} == {f"w{number}" for number in range(len(pack.worlds))}


@pytest.mark.skipif(not os.environ.get("WORLDS_SHRINK"), reason="takes many builds: set WORLDS_SHRINK=1")
def test_a_broken_rule_is_found_and_shown_on_a_tiny_company(project, tmp_path):
    """The rule that is broken here: the first contact may be the lead's creation."""
    rule = "coalesce(converted_leads.created_at, deals.created_at),"

    def broken(models):
        assert any(name == "fct_deals" and rule in sql for _, name, _, sql in models.models)
        return CompiledModels(tuple((*model[:3], model[3].replace(rule, "")) for model in models.models))

    seed = 2
    checker = Checker(project, broken)
    worlds = pack_of_seed(seed).worlds
    company = smallest(worlds, checker.differences)
    counts = {table: len(rows) for table, rows in company.tables.items() if rows}
    assert counts["deals"] == counts["leads"] == 1 and sum(counts.values()) <= 5, counts
    company = read_company(company.write(tmp_path))
    assert any("total_cycle_days" in difference for difference in checker.differences(company))
    assert Checker(project).differences(company) == []
