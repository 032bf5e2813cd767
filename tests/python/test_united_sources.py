"""Parts of one company in several CRMs, united, are the company.

The demo company is split by account. Each part is fitted to a CRM (scripts/twins) and written as that CRM's raw tables; a
build reads them all. Its marts must equal those of one export that holds all parts, and, source by source, the oracle's.
"""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from compare import Config, compute, differences, table_rows
from generate_twin import clean_demo_company
from twins.company import shared_tables, write_company, write_raw_tables

LOADER = "fivetran"
SHARED = ("quotas", "sales_spend", "fx_rates")
EVERY_SOURCE = ("crm_export", "salesforce", "hubspot", "pipedrive")
# What `make lint` passes over
SWITCHED_OFF = (
    *(f"models/staging/{source}" for source in EVERY_SOURCE if source != "crm_export"),
    "models/staging/crm/base_crm__deal_versions.sql",
    "models/staging/crm/stg_crm__deal_version_changes.sql",
    "snapshots",
)


def split_company(company, parts):
    """List of companies: an account and all that hangs on it (deals, their log and leads, activities) are in one of them,
    other leads are dealt out; stages and reps are in each, quotas and spend dealt out, rates in the first."""
    number = {row["account_id"]: index % parts for index, row in enumerate(company["accounts"])}
    of_deal = {row["deal_id"]: number.get(row["account_id"], 0) for row in company["deals"]}
    of_lead = {
        row["lead_id"]: of_deal.get(row["converted_deal_id"], number.get(row["converted_account_id"], index % parts))
        for index, row in enumerate(company["leads"])
    }

    def place(table, index, row):
        if table == "accounts":
            return number[row["account_id"]]
        if table in ("deals", "deal_changes"):
            return of_deal[row["deal_id"]]
        if table == "leads":
            return of_lead[row["lead_id"]]
        if table == "activities":
            return of_deal.get(row["deal_id"], of_lead.get(row["lead_id"], 0))
        return 0 if table == "fx_rates" else index % parts

    return [
        {
            table: rows
            if table in ("stages", "sales_reps", "rep_teams")
            else [row for index, row in enumerate(rows) if place(table, index, row) == part]
            for table, rows in company.items()
        }
        for part in range(parts)
    ]


def of_source(part, source):
    """A part whose quotas and spend name their source."""
    return part | {table: [row | {"source_system": source} for row in part[table]] for table in ("quotas", "sales_spend")}


def as_shares(part):
    """A part whose probabilities are 0-1 in every table: one CRM's export may have them as 0-100."""

    def is_logged(row):
        return row.get("field", "probability") == "probability"

    part = dict(part)
    for table, columns in (("deals", ["probability"]), ("stages", ["probability"]), ("deal_changes", ["old_value", "new_value"])):
        found = [row[column] for row in part[table] if is_logged(row) for column in columns if row[column]]
        if any(float(text) > 1 for text in found):
            part[table] = [
                row | {column: f"{float(row[column]) / 100:.10g}" for column in columns if row[column] and is_logged(row)}
                for row in part[table]
            ]
    return part


@pytest.fixture(scope="module")
def united(run_dbt, tmp_path_factory):
    """united(*sources): (parts, fitted, by source; the DuckDB file of a build that reads them all; its vars), built once."""
    built = {}

    def build(*sources):
        if sources in built:
            return built[sources]
        work = tmp_path_factory.mktemp("_".join(sources))
        parts = dict(zip(sources, split_company(clean_demo_company(), len(sources)), strict=True))
        variables = {"crm_sources": list(sources), "crm_export_path": str(work / "export")}
        export = {table: [] for table in SHARED}
        with duckdb.connect(str(work / "warehouse.duckdb")) as connection:
            for source in sources:
                if source != "crm_export":
                    twin = importlib.import_module(f"twins.{source}")
                    parts[source] = twin.fit(parts[source], LOADER)
                    write_raw_tables(connection, f"raw_{source}", twin.raw_tables(parts[source], LOADER))
                    variables |= {f"{source}_schema": f"raw_{source}"} | twin.dbt_vars(LOADER)
                    for table, rows in shared_tables(parts[source], twin.SHARED_TABLES[LOADER], source).items():
                        export[table] += rows
                parts[source] = of_source(parts[source], source)
        if "crm_export" in sources:
            export = parts["crm_export"] | {table: parts["crm_export"][table] + export[table] for table in SHARED}
        write_company(export, work / "export")
        run_dbt("build", "--quiet", work=work, vars=variables)
        built[sources] = parts, work / "warehouse.duckdb", variables
        return built[sources]

    return build


def marts_of(database, sources):
    """{mart: (columns, rows)} of the KPI marts without the dimension source_system; ids name no source."""
    without_source = "member_id"
    for source in sources:
        without_source = f"replace({without_source}, '{source}|', '')"
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'marts' and table_name like 'kpi!_%' escape '!' order by table_name"
        ).fetchall()
        marts = {}
        for (name,) in names:
            result = connection.execute(
                f"select * exclude (member_sort) replace ({without_source} as member_id) "
                f"from marts.{name} where dimension <> 'source_system' order by all"
            )
            marts[name] = [column[0] for column in result.description], result.fetchall()
        return marts


@pytest.mark.parametrize("sources", [("salesforce", "hubspot"), EVERY_SOURCE])
def test_united_sources_agree_with_the_oracle(united, sources):
    parts, database, _ = united(*sources)
    marts, audit = compute({source: {table: rows or None for table, rows in part.items()} for source, part in parts.items()}, Config())
    found = []
    with duckdb.connect(str(database), read_only=True) as connection:
        for mart, rows in marts.items():
            found += [(mart, *item) for item in differences(mart, rows, table_rows(connection, "marts", mart))]
    assert not found, f"{len(found)} cells differ:\n" + "\n".join(map(str, found[:20]))


def test_two_halves_in_two_crms_equal_the_whole(united, run_dbt, tmp_path):
    sources = ("salesforce", "hubspot")
    parts, database, _ = united(*sources)
    whole = {}
    for part in map(as_shares, parts.values()):
        for table, rows in part.items():
            whole.setdefault(table, []).extend({name: text for name, text in row.items() if name != "source_system"} for row in rows)
    folder = write_company(whole, tmp_path / "whole")
    run_dbt("run", "--quiet", "--select", "+path:models/marts", work=tmp_path, vars={"crm_export_path": str(folder)})
    expected, actual = marts_of(tmp_path / "warehouse.duckdb", ["crm_export"]), marts_of(database, sources)
    for mart, (columns, rows) in expected.items():
        assert columns == actual[mart][0], mart
        differing = sorted(set(rows) ^ set(actual[mart][1]), key=str)
        assert not differing, f"{mart}: {len(differing)} rows differ\n" + "\n".join(
            str(dict(zip(columns, row, strict=True)) | {"whole": row in set(rows)}) for row in differing[:8]
        )


def test_the_models_of_every_crm_keep_to_the_style_and_structure(united, repo, run_dbt, tmp_path):
    """`make lint` and `make structure` see only what is switched on: here every source and the snapshots are."""
    _, built, variables = united(*EVERY_SOURCE)
    database = shutil.copyfile(built, tmp_path / built.name)
    variables = variables | {"snapshot_deals": ["crm_export"]}
    added = ("snap_crm__deals", "base_crm__deal_versions", "stg_crm__deal_version_changes")
    run_dbt("build", "--quiet", "--select", *added, work=tmp_path, database=database, vars=variables)
    for folder in ("models", "macros", "seeds", "snapshots", "tests/generic", "tests/fixtures"):
        shutil.copytree(repo / folder, tmp_path / folder)
    for file in ("profiles.yml", ".sqlfluff", "dbt-bouncer.yml"):
        shutil.copyfile(repo / file, tmp_path / file)
    settings = yaml.safe_load((repo / "dbt_project.yml").read_text())
    settings["vars"]["sales_kpis"] |= variables
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    run_dbt("docs", "generate", "--warn-error-options", '{"error": "all"}', work=tmp_path, project=tmp_path, database=database)
    environment = os.environ | {
        "SALES_KPIS_DB": str(database),
        "DBT_PROFILES_DIR": str(tmp_path),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }
    for tool, *arguments in (
        ("dbt-bouncer", "run"),
        ("sqlfluff", "lint", *SWITCHED_OFF),
    ):
        command = [Path(sys.executable).with_name(tool), *arguments]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{tool}:\n{run.stdout[-6000:]}{run.stderr[-3000:]}"
