"""Say in plain words which checks of the last dbt run failed, and what that means.

    python scripts/explain_failures.py [target folder]

Reads manifest.json and run_results.json of the folder (DBT_TARGET_PATH, else target). Prints nothing and exits with 0
where nothing failed, else with 1. Warnings about a user's data are not failures.
"""

import json
import os
import sys
from pathlib import Path

# What a failing generic test means; {model}, {column}, {rows} and the test's own arguments can be named
MEANINGS = {
    "accepted_values": "{model}.{column} has {rows} value(s) other than {values}, which nothing downstream knows.",
    "components_equal_fact": "{model} does not equal the plain sums over {fact}: one of the two is wrong.",
    "headline_is_ratio": "{model}: in {rows} row(s) the headline is not its numerator divided by its denominator.",
    "intervals_are_contiguous": "{model}: {rows} interval(s) leave a gap, overlap the next or do not end.",
    "members_add_up": "{model}: in {rows} case(s) the members of a dimension do not add up to the overall figure.",
    "no_records": "{model}: {rows} row(s) for which `{condition}` holds, which must never be.",
    "not_null": "{model}.{column} is empty in {rows} row(s), but must always have a value.",
    "overall_is_gapless": "{model}: {rows} period(s) are missing or stand twice among the overall rows.",
    "periods_add_up": "{model}: in {rows} case(s) the months do not add up to their quarter or year.",
    "relationships": "{model}.{column} names {rows} record(s) that {to} does not have.",
    "unique": "{model}.{column} has {rows} value(s) that stand in more than one row: records are counted twice.",
    "unique_combination": "{model} has {rows} combination(s) of {columns} in more than one row: they count twice.",
}
FAILED = ("fail", "error", "runtime error")


class Arguments(dict):
    """Names that a meaning uses but a test does not have stay visible."""

    def __missing__(self, name):
        return f"({name})"


def as_text(value):
    """A test's argument in words: a list with commas, a ref without its braces."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).replace("{{", "").replace("}}", "").replace("ref('sales_kpis', ", "").strip(" ()'")


def meaning_of_unit_test(test):
    """The rule that a unit test's name states, as a sentence."""
    model, _, rule = test["name"].partition("__")
    if model != test["model"]:  # staging names have two underscores of their own
        rule = test["name"].removeprefix(f"{test['model']}__")
    sentence = rule.replace("_", " ")
    return f'{test["model"]} no longer keeps the rule "{sentence}".'


def meaning_of_data_test(test, rows):
    """What it means that a data test found rows; its own description where it has one."""
    if test.get("description"):
        return test["description"]
    metadata = test.get("test_metadata") or {"name": "", "kwargs": {}}
    model = (test.get("attached_node") or "").rpartition(".")[2] or test["name"]
    arguments = Arguments({name: as_text(value) for name, value in metadata["kwargs"].items()})
    arguments.update(model=model, rows=rows, column=test.get("column_name") or "")
    meaning = MEANINGS.get(metadata["name"], "{model}: the check found {rows} row(s) that must not be.")
    return meaning.format_map(arguments)


def explain(manifest, results):
    """List of texts, one per node that failed, tests and models alike.

    manifest, results: the contents of dbt's manifest.json and run_results.json.
    """
    nodes = manifest["nodes"] | manifest.get("unit_tests", {})
    explained = []
    for result in results["results"]:
        if result["status"] not in FAILED or result["unique_id"] not in nodes:
            continue
        node = nodes[result["unique_id"]]
        first_line = " ".join((result.get("message") or "").split())[:300]
        if result["unique_id"].startswith("unit_test."):
            text = meaning_of_unit_test(node)
        elif node["resource_type"] == "test" and result["status"] == "fail":
            text = meaning_of_data_test(node, result.get("failures"))
        else:
            text = f"{node['name']} could not be built: {first_line}"
        explained.append(f"{text}\n    check {node['name']}, file {node['original_file_path']}")
    return explained


def main(arguments):
    """Explain the last run of a target folder; returns the exit code."""
    folder = Path(arguments[0] if arguments else os.environ.get("DBT_TARGET_PATH", "target"))
    try:
        manifest, results = (
            json.loads((folder / name).read_text(encoding="utf-8")) for name in ("manifest.json", "run_results.json")
        )
    except (OSError, ValueError) as error:
        print(f"{folder}: no dbt run to explain ({error})", file=sys.stderr)
        return 2
    explained = explain(manifest, results)
    for text in explained:
        print(f"- {text}")
    return 1 if explained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
