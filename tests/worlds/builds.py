"""Two ways to a company's warehouse: dbt itself, and the models' compiled SQL on tables in memory.

dbt reads files and writes a file, and takes ten seconds. The compiled SQL is the same SQL without the reading layer:
a compilation serves all companies of the same vars, and a small one is built in under a second.
"""

import copy
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))

from compare import audit_differences, config_of, differences, table_rows
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from oracle import compute
from records import TABLES

REPO = Path(__file__).resolve().parents[2]
CATALOG = "warehouse"
READING_LAYER = "base_crm_export__*"


class BuildFailed(Exception):
    """dbt ended with an error; its text says which models failed, and how."""


def copy_of(manifest):
    """A copy of dbt's manifest, or None of None.

    dbt 1.11 copies fixtures and lookups by position and one place off: they are left out, and made anew when asked for.
    """
    if manifest is None:
        return None
    fixtures, manifest.fixtures = manifest.fixtures, {}
    for name in [name for name in vars(manifest) if name.endswith("_lookup")]:
        setattr(manifest, name, None)
    copied = copy.deepcopy(manifest)
    manifest.fixtures = fixtures
    copied.fixtures = dict(fixtures)
    return copied


class Project:
    """This dbt project, parsed once: vars change what models say, not which ones there are.

    work: a folder for dbt's files and the DuckDB file. dbt keeps settings in environment variables: use the project as
    a context manager, so that they are put back.
    """

    def __init__(self, work):
        self.work = Path(work)
        self.database = self.work / f"{CATALOG}.duckdb"
        self._manifest = None
        self._environment = None

    def __enter__(self):
        self._environment = dict(os.environ)
        os.environ |= {
            "SALES_KPIS_DB": str(self.database),
            "DBT_TARGET_PATH": str(self.work / "target"),
            "DBT_LOG_PATH": str(self.work / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        return self

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self._environment)

    def compile(self, variables):
        """CompiledModels for a company of these vars."""
        results = self._invoke(
            *("compile", "--threads", "1", "--no-introspect", "--no-populate-cache"),
            *("--select", "resource_type:model", "--exclude", READING_LAYER, "resource_type:test", "resource_type:unit_test"),
            variables=variables | {"crm_export_path": "compiled"},
        )
        nodes = [result.node for result in results.results]
        return CompiledModels(
            tuple((node.schema, node.name, node.config.materialized, node.compiled_code) for node in nodes)
        )

    def model(self, name):
        """The manifest's node of a model: its columns and its meta."""
        if self._manifest is None:
            self._manifest = self._invoke("parse", variables={})
        return next(node for node in self._manifest.nodes.values() if node.resource_type == "model" and node.name == name)

    def run(self, folder, variables, threads=2):
        """Path of the DuckDB file that `dbt run` makes of a folder of CSV files, in place of the one before."""
        self.database.unlink(missing_ok=True)
        self._invoke("run", "--threads", str(threads), variables=variables | {"crm_export_path": str(folder)})
        return self.database

    def _invoke(self, command, *options, variables):
        if self._manifest is None and command != "parse":
            self._manifest = self._invoke("parse", variables=variables)
        arguments = [command, "--quiet", "--no-write-json", "--project-dir", str(REPO), "--profiles-dir", str(REPO)]
        arguments += [*options, "--vars", json.dumps(variables)]
        try:
            run = dbtRunner(manifest=copy_of(self._manifest)).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
        if not run.success:
            items = getattr(run.result, "results", ())
            faults = [f"{item.node.name}: {item.message}" for item in items if item.status == "error"]
            raise BuildFailed(f"dbt {command} with {json.dumps(variables)} failed: {run.exception or faults}")
        return run.result


@dataclass(frozen=True)
class CompiledModels:
    """models: (schema, name, materialization, SQL) of every model above the reading layer, in the order to build."""

    models: tuple

    def build(self, sources):
        """An open connection to a warehouse in memory. sources: {source_system: Company}; the caller closes it.

        A row with a source_system of its own (quotas, spend) belongs to that one.
        """
        connection = duckdb.connect()
        connection.execute("set threads = 1")
        connection.execute(f"attach ':memory:' as {CATALOG}; use {CATALOG}")
        for schema in {"staging", *(model[0] for model in self.models)}:
            connection.execute(f'create schema if not exists "{schema}"')
        _make_reading_layer(connection, sources)
        for schema, name, materialization, sql in self.models:
            kind = "view" if materialization == "view" else "table"
            connection.execute(f'create {kind} "{schema}"."{name}" as ({sql}\n)')
        return connection

    def build_company(self, company):
        """`build` of one company as crm_export."""
        return self.build({"crm_export": company})


def _make_reading_layer(connection, sources):
    for table, spec in TABLES.items():
        columns = ("source_system", *(column for column in spec.columns if column != "source_system"), "loaded_at")
        rows = []
        for source, company in sources.items():
            for row in company.base_rows(table):
                own_source = row.get("source_system")
                rows.append(row | {"source_system": own_source.lower() if own_source else source})
        _make_table(connection, f"base_crm_export__{table}", columns, rows)
    found = [
        {
            "source_system": source,
            "table_name": table,
            "is_required": table in ("deals", "stages"),
            "is_present": company.tables.get(table) is not None,
            "location": table if company.tables.get(table) is not None else None,
        }
        for source, company in sources.items()
        for table in TABLES
    ]
    _make_table(connection, "base_crm_export__tables", found[0], found, is_required="boolean", is_present="boolean")
    rejected = ("source_system", "table_name", "line_number", "line_text", "problem")
    _make_table(connection, "base_crm_export__rejected_lines", rejected, [], line_number="bigint")


def _make_table(connection, name, columns, rows, **types):
    shape = json.dumps([{column: types.get(column, "varchar") for column in columns}])
    cells = json.dumps([{column: row[column] for column in columns} for row in rows])
    connection.execute(
        f"create table staging.{name} as select unnest(from_json(?, '{shape}'), recursive := true)", [cells]
    )


def differences_from_oracle(company, connection):
    """List of texts, one per cell, row or audit entry on which a company's warehouse and the oracle differ.

    connection: an open one to a warehouse that was built from the company, with its vars.
    """
    config = config_of(f"{name}={value}" for name, value in company.variables.items() if value != "")
    marts, audit = compute({"crm_export": company.inputs()}, config)
    found = [("audit", *item) for item in audit_differences(audit, connection)]
    for mart, expected_rows in marts.items():
        actual = table_rows(connection, "marts", mart)
        if actual is None:
            found.append((mart, "(table)", ("-",), "the table", None))
            continue
        found += [(mart, *item) for item in differences(mart, expected_rows, actual)]
    return [
        f"{place} {column} {' '.join(key)}: expected {expected!r}, found {actual!r}"
        for place, column, key, expected, actual in found
    ]
