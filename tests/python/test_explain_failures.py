"""A failing check says what it means in words that an analyst understands."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from explain_failures import MEANINGS, explain, main

REPO = Path(__file__).resolve().parents[2]

def node(name, test=None, **more):
    """A test node of a manifest, as far as it is read."""
    metadata = {"name": test, "kwargs": more.pop("kwargs", {})}
    return {
        "name": name,
        "resource_type": "test",
        "attached_node": "model.sales_kpis.kpi_win_rate",
        "test_metadata": metadata,
        "original_file_path": "models/marts/kpis/kpi_win_rate.yml",
    } | more


def explained(node_id, node, status="fail", failures=3, message=""):
    manifest = {"nodes": {node_id: node}} if not node_id.startswith("unit_test") else {"nodes": {}, "unit_tests": {node_id: node}}
    results = {"results": [{"unique_id": node_id, "status": status, "failures": failures, "message": message}]}
    return explain(manifest, results)


def test_a_generic_test_says_what_its_rows_mean():
    test = node("unique_x", "unique_combination", kwargs={"columns": ["dimension", "member_id"]})
    (text,) = explained("test.x", test)
    assert text.startswith("kpi_win_rate has 3 combination(s) of dimension, member_id in more than one row")
    assert "file models/marts/kpis/kpi_win_rate.yml" in text


def test_a_unit_test_states_its_rule():
    test = {
        "name": "stg_crm__deals__identical_rows_are_one",
        "model": "stg_crm__deals",
        "resource_type": "unit_test",
        "original_file_path": "models/staging/crm/stg_crm__deals_unit_tests.yml",
    }
    (text,) = explained("unit_test.x", test)
    assert text.startswith('stg_crm__deals no longer keeps the rule "identical rows are one".')


def test_a_tests_own_description_comes_first():
    (text,) = explained("test.x", node("x", "not_null", description="Every deal has an owner."))
    assert text.startswith("Every deal has an owner.")


def test_a_model_that_fails_gives_its_message_in_one_line():
    model = {"name": "fct_deals", "resource_type": "model", "original_file_path": "models/marts/facts/fct_deals.sql"}
    (text,) = explained("model.x", model, status="error", message="Binder Error:\n  no such column")
    assert text.startswith("fct_deals could not be built: Binder Error: no such column\n")


@pytest.mark.parametrize("status", ["pass", "warn", "skipped"])
def test_what_did_not_fail_is_not_explained(status):
    assert explained("test.x", node("x", "not_null"), status=status) == []


def test_every_own_generic_test_has_a_meaning():
    own = {
        name
        for path in (REPO / "tests" / "generic").glob("*.sql")
        for name in re.findall(r"{%-?\s*test\s+(\w+)", path.read_text(encoding="utf-8"))
    }
    assert own and own <= set(MEANINGS)


def test_a_folder_without_a_run_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
