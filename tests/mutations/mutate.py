"""Breaks one rule of the warehouse at a time and reports which checks notice.

    python tests/mutations/mutate.py [--only ID ...] [--layer unit|data|oracle ...] [--processes 2]

mutations.csv lists the rules: the file that holds one, the text to replace (it occurs there exactly once, whatever its
white space), its replacement, and the rule in words. Each is applied alone, to a copy of the project. What depends on
the changed file is run again on a copy of the demo warehouse, then asked

    unit    the dbt unit tests of the changed models,
    data    the dbt data tests of all that depends on them,
    oracle  the recomputation in plain Python: on the demo company, and on random worlds where nothing else notices.

Exit code 0 when every mutation is noticed, 1 when one survives, 2 when the list or the project is at fault. A run of all
layers renews the lines of docs/testing.md about the mutations that it tried.
"""

import argparse
import csv
import json
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import duckdb

REPO = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.csv")
DOCUMENT = REPO / "docs" / "testing.md"
TABLE_START, TABLE_END = "<!-- mutations: start -->", "<!-- mutations: end -->"
LAYERS = ("unit", "data", "oracle")
PACKS = (0, 1, 2, 4)  # seeds of packs of random worlds; the last has no log
MODELS_AT_ONCE = 6  # whose unit tests run in one dbt command
SHOWN = 2  # tests named in a cell of the table

sys.path[:0] = [str(REPO / "tests" / "oracle"), str(REPO / "tests" / "worlds")]

from compare import audit_differences, config_of, differences, table_rows  # noqa: E402
from oracle import compute  # noqa: E402
from packs import pack_of_seed  # noqa: E402
from read_csv import read_folder  # noqa: E402


class Fault(Exception):
    """The list or the project is at fault: no result would mean anything."""


@dataclass(frozen=True)
class Mutation:
    """A line of mutations.csv."""

    id: str
    file: str
    old: str
    new: str
    rule: str

    def places(self, text):
        """The matches of the old text, white space aside."""
        pattern = r"\s+".join(re.escape(word) for word in self.old.split())
        return list(re.finditer(pattern, text))

    def apply(self, text):
        """The text of the file with the rule broken; raises Fault where the old text is not there exactly once."""
        places = self.places(text)
        if len(places) != 1:
            raise Fault(f"{self.id}: expected once in {self.file}, found {len(places)} times: {self.old}")
        return text[: places[0].start()] + self.new + text[places[0].end() :]


def read_mutations(path=LIST):
    """The mutations in the order of the list."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Mutation(**row) for row in csv.DictReader(file)]


@dataclass(frozen=True)
class Company:
    """Data that the warehouse is built from: name, folder of a built warehouse, dbt vars, and the oracle's
    (marts, audit)."""

    name: str
    warehouse: Path
    variables: dict
    expected: tuple


class Project:
    """A copy of the dbt project that may be broken, run in this process."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.root = self.folder / "project"
        for part in ("models", "macros", "seeds", "tests/generic", "tests/fixtures"):
            shutil.copytree(REPO / part, self.root / part)
        for part in ("dbt_project.yml", "profiles.yml"):
            shutil.copyfile(REPO / part, self.root / part)

    def dbt(self, command, *arguments, manifest=None, warehouse=None, variables=None):
        """The result of a dbt command on the warehouse of a folder; raises Fault where dbt itself fails."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        # One file name for all: views carry the name of their database
        os.environ |= {
            "SALES_KPIS_DB": str((warehouse or self.folder) / "warehouse.duckdb"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        fixed = ["--log-level", "none", "--log-level-file", "none", "--no-write-json", "--project-dir", str(self.root), "--profiles-dir", str(self.root)]
        if variables:
            fixed += ["--vars", json.dumps(variables)]
        try:
            run = dbtRunner(manifest=manifest).invoke([command, *arguments, *fixed])
        finally:
            DuckDBConnectionManager.close_all_connections()
        results = getattr(run.result, "results", [])
        faults = [f"{item.node.name}: {item.message}" for item in results if command != "test" and item.status == "error"]
        if run.exception or faults:
            raise Fault(f"dbt {command}: {run.exception or faults[0]}")
        return run.result


def changed_models(manifest, file):
    """Names of the models that a file says something about: its own, or those that use its macros."""
    if file.startswith("models/"):
        return {Path(file).stem}
    macros = {name for name, macro in manifest.macros.items() if macro.original_file_path == file}
    while True:
        using = {name for name, macro in manifest.macros.items() if macros & set(macro.depends_on.macros)}
        if using <= macros:
            break
        macros |= using
    # The reading layer is built before anything is broken
    return {
        node.name
        for node in manifest.nodes.values()
        if node.resource_type == "model" and macros & set(node.depends_on.macros) and not node.name.startswith("base_")
    }


def label_of(node):
    """A test's name as people read it: a unit test's sentence behind its model, a data test and what it is on."""
    if node.resource_type == "unit_test":
        # dbt reports one that fails as a node of its own, one that breaks as its definition
        model = getattr(node, "model", None) or node.tested_node_unique_id.rpartition(".")[2]
        return f"{model}: {node.name.removeprefix(f'{model}__').replace('_', ' ')}"
    if node.test_metadata is None:
        return node.name
    column = f".{node.column_name}" if node.column_name else ""
    model = (node.attached_node or "").rpartition(".")[2]
    return f"{node.test_metadata.name} of {model}{column}"


def oracle_differences(company, folder, marts):
    """What differs from the oracle: the company with each such mart of those asked for, and with its audit."""
    expected_marts, expected_audit = company.expected
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        found = [
            mart
            for mart, rows in expected_marts.items()
            if mart in marts and differences(mart, rows, table_rows(connection, "marts", mart))
        ]
        if audit_differences(expected_audit, connection):
            found.append("audit")
    return [f"{company.name}: {name}" for name in found]


class Checker:
    """Breaks a project and asks the checks, one mutation after the other."""

    def __init__(self, companies, layers):
        self.companies, self.layers = companies, layers
        self.temporary = tempfile.TemporaryDirectory(prefix="mutations_")
        self.project = Project(self.temporary.name)
        self.project.dbt("parse")

    def check(self, mutation):
        """{layer: names of the tests, or of company and mart, that notice}."""
        path = self.project.root / mutation.file
        text = path.read_text(encoding="utf-8")
        path.write_text(mutation.apply(text), encoding="utf-8")
        try:
            manifest = self.project.dbt("parse")
            return self.ask(changed_models(manifest, mutation.file), manifest)
        except Fault as fault:
            raise Fault(f"{mutation.id}: {fault}") from None
        finally:
            path.write_text(text, encoding="utf-8")

    def ask(self, models, manifest):
        """What the checks say about the project when these models may differ from those of the built warehouses."""
        demo, *worlds = self.companies
        noticed = {layer: [] for layer in self.layers}
        built = self.run_again(models, manifest, demo)
        # A macro has many unit tests: the first few models with a failing one will do
        unit, data = (
            [f"{model}{reach},test_type:{kind}" for model in sorted(models)] if kind in self.layers else []
            for kind, reach in (("unit", ""), ("data", "+"))
        )
        while data or (unit and not noticed["unit"]):
            for node in self.failing_tests(manifest, data + unit[:MODELS_AT_ONCE]):
                noticed["unit" if node.resource_type == "unit_test" else "data"].append(label_of(node))
            data, unit = [], unit[MODELS_AT_ONCE:]
        if "oracle" in self.layers:
            noticed["oracle"] = oracle_differences(demo, self.project.folder, built)
            while worlds and not any(noticed.values()):
                world = worlds.pop(0)
                # Parsed anew: a manifest keeps what was compiled with the vars of another company
                self.run_again(models, self.project.dbt("parse"), world)
                noticed["oracle"] = oracle_differences(world, self.project.folder, built)
        return {layer: sorted(set(names)) for layer, names in noticed.items()}

    def run_again(self, models, manifest, company):
        """Build models and all that depends on them into a copy of a company's warehouse; returns their names."""
        shutil.copyfile(company.warehouse / "warehouse.duckdb", self.project.folder / "warehouse.duckdb")
        if self.layers == ("unit",):  # unit tests bring their own rows
            return set()
        select = [f"{model}+" for model in sorted(models)]
        result = self.project.dbt("run", "--select", *select, manifest=manifest, variables=company.variables)
        return {item.node.name for item in result.results}

    def failing_tests(self, manifest, select):
        """The tests that fail among those selected; warnings about users' data are none."""
        result = self.project.dbt("test", "--select", *select, "--exclude", "config.severity:warn", manifest=manifest)
        return [item.node for item in result.results if item.status in ("fail", "error")]


def build_companies(folder, layers):
    """The demo company and, for the oracle, random worlds, each with its warehouse built from the unbroken project.

    The worlds are the only thing here that knows how random data comes about.
    """
    project = Project(folder / "unbroken")

    def company(name, inputs, prefix, variables):
        warehouse = folder / name.replace(" ", "_")
        warehouse.mkdir()
        if not variables:
            project.dbt("seed", warehouse=warehouse)
        # Parsed with the demo's vars: what models say follows the vars of the run
        project.dbt("run", manifest=project.dbt("parse"), warehouse=warehouse, variables=variables)
        config = config_of(f"{key}={value}" for key, value in variables.items() if value != "" and key != "crm_export_path")
        built = Company(name, warehouse, variables, compute({"crm_export": read_folder(inputs, prefix)}, config))
        differing = oracle_differences(built, warehouse, built.expected[0])
        if differing:
            raise Fault(f"the project fails before anything is broken: {', '.join(differing)}")
        return built

    companies = [company("demo", REPO / "seeds", "demo_", {})]
    if "oracle" in layers:
        for seed in PACKS:
            pack = pack_of_seed(seed).company
            inputs = pack.write(folder / "inputs" / str(seed))
            companies.append(company(f"pack {seed}", inputs, "", pack.dbt_vars(inputs)))
    return companies


checker = None


def start_process(companies, layers):
    """Give a process of the pool its own project."""
    global checker
    checker = Checker(companies, layers)


def check_in_process(mutation):
    """Checker.check in a process of the pool; a Fault is returned as its text."""
    try:
        return checker.check(mutation)
    except Fault as fault:
        return str(fault)


def check_all(mutations, layers, processes):
    """Yield each mutation with what notices it, {layer: names}, or its Fault as text, as they come."""
    with tempfile.TemporaryDirectory(prefix="mutations_") as folder:
        companies = build_companies(Path(folder), layers)
        unbroken = Checker(companies, tuple(layer for layer in layers if layer != "oracle"))
        manifest = unbroken.project.dbt("parse")
        models = set().union(*(changed_models(manifest, mutation.file) for mutation in mutations))
        red = [name for names in unbroken.ask(models, manifest).values() for name in names]
        if red:
            raise Fault(f"the project fails before anything is broken: {', '.join(red)}")
        with ProcessPoolExecutor(processes, get_context("spawn"), start_process, (companies, layers)) as pool:
            running = {pool.submit(check_in_process, mutation): mutation for mutation in mutations}
            for done in as_completed(running):
                yield running[done], done.result()


def report(mutation, result):
    """Print what notices a mutation."""
    if isinstance(result, str):
        print(f"FAULT    {result}", flush=True)
        return
    print(f"{'noticed ' if any(result.values()) else 'SURVIVES'} {mutation.id}: {mutation.rule}")
    for layer, names in result.items():
        print(f"           {layer:6} {'; '.join(names[:5]) or '-'}{more(names, 5)}", flush=True)


def more(names, shown):
    """How many names are not shown."""
    return f" and {len(names) - shown} more" if len(names) > shown else ""


def row(mutation, noticed):
    """A mutation's line of the Markdown table; a test of the changed model goes without the model's name."""
    own = f"{Path(mutation.file).stem}: "
    cells = [
        "; ".join(name.removeprefix(own) for name in names[:SHOWN]) + more(names, SHOWN) or "–"
        for names in (noticed[layer] for layer in LAYERS)
    ]
    return f"| {heading(mutation)} | {' | '.join(cells)} |"


def heading(mutation):
    """The first cell of a mutation's line."""
    return f"`{mutation.id}` {mutation.rule}"


def document(mutations, noticed):
    """Renew docs/testing.md: the lines of the mutations that were tried, and which mutations there are."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(TABLE_START)
    shown, _, after = rest.partition(TABLE_END)
    lines, folder = [], None
    for mutation in mutations:
        earlier = [line for line in shown.splitlines() if line.startswith(f"| {heading(mutation)} |")]
        if mutation.id not in noticed and not earlier:
            continue
        if str(Path(mutation.file).parent) != folder:
            folder = str(Path(mutation.file).parent)
            lines += ["", f"### `{folder}`", "", "| rule | unit tests | data tests | oracle |", "|---|---|---|---|"]
        lines.append(row(mutation, noticed[mutation.id]) if mutation.id in noticed else earlier[0])
    table = "\n".join(lines)
    DOCUMENT.write_text(f"{before}{TABLE_START}\n{table}\n\n{TABLE_END}{after}", encoding="utf-8")


def main(arguments=None):
    """Run the check; returns the exit code."""
    parser = argparse.ArgumentParser(description="Break one rule at a time and see which checks notice.")
    parser.add_argument("--only", nargs="+", metavar="ID", help="mutations to try; all unless given")
    parser.add_argument("--layer", nargs="+", choices=LAYERS, default=LAYERS, help="checks to ask; all unless given")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    try:
        mutations = read_mutations()
        for mutation in mutations:
            mutation.apply((REPO / mutation.file).read_text(encoding="utf-8"))
        chosen = [mutation for mutation in mutations if not options.only or mutation.id in options.only]
        unknown = set(options.only or ()) - {mutation.id for mutation in chosen}
        if unknown:
            raise Fault(f"no such mutation: {', '.join(sorted(unknown))}")
        results = {}
        for mutation, result in check_all(chosen, tuple(options.layer), options.processes):
            report(mutation, result)
            results[mutation.id] = result
            if not isinstance(result, str) and any(result.values()) and set(options.layer) == set(LAYERS):
                # At once: a run that is stopped has not been in vain
                document(mutations, {mutation.id: result})
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 2
    faults = [name for name, result in results.items() if isinstance(result, str)]
    noticed = {name: result for name, result in results.items() if name not in faults}
    survivors = [name for name, result in noticed.items() if not any(result.values())]
    for layer in options.layer:
        print(f"{layer}: notices {sum(bool(result[layer]) for result in noticed.values())} of {len(noticed)}")
    if survivors:
        print(f"{len(survivors)} survive: {', '.join(survivors)}")
    if faults:
        print(f"{len(faults)} cannot be tried: {', '.join(faults)}")
        return 2
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
