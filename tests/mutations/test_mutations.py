"""The list of mutations is sound, and docs/testing.md shows it. Whether the checks notice them: `make mutations`."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from mutate import DOCUMENT, REPO, TABLE_END, TABLE_START, read_mutations

MUTATIONS = read_mutations()
COVERED = ("models/marts", "models/core", "models/intermediate", "models/staging/crm", "models/audit")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.id)
def test_the_text_to_replace_is_there_exactly_once(mutation):
    text = (REPO / mutation.file).read_text(encoding="utf-8")
    assert mutation.apply(text) != text


def test_every_mutation_has_an_id_and_a_rule_of_its_own():
    assert len(MUTATIONS) >= 60
    for name in ("id", "rule"):
        values = [getattr(mutation, name) for mutation in MUTATIONS]
        assert all(values) and sorted(values) == sorted(set(values))


@pytest.mark.parametrize("folder", COVERED)
def test_every_model_has_a_mutation(folder):
    # What unites the sources, and the log that snapshots make, have tests of their own: the demo has one source, and a log
    models = {
        path.relative_to(REPO).as_posix()
        for path in (REPO / folder).rglob("*.sql")
        if not path.name.startswith(("base_crm__", "stg_crm__deal_version"))
    }
    assert models and models <= {mutation.file for mutation in MUTATIONS}


@pytest.mark.parametrize("folder", ["macros/kpis", "macros/engine", "macros/parsing", "macros/audit"])
def test_every_folder_of_macros_has_mutations(folder):
    assert any(mutation.file.startswith(f"{folder}/") for mutation in MUTATIONS)


def test_the_documented_table_is_of_this_list():
    shown = DOCUMENT.read_text(encoding="utf-8").partition(TABLE_START)[2].partition(TABLE_END)[0]
    rows = re.findall(r"^\| `(\w+)` (.+?) \|", shown, re.MULTILINE)
    assert rows == [(mutation.id, mutation.rule) for mutation in MUTATIONS], "make mutations renews the table"
