"""The same company in two forms gives the same marts: as an export, and as the raw tables of a CRM.

A twin is first fitted to what the CRM can hold (scripts/twins); both forms are built from the fitted company. All marts
must be equal cell by cell, but for the name of the source.
"""

import importlib
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from generate_twin import CRMS, clean_demo_company
from twins.company import fit_company, fits_loaders, shared_tables, write_company, write_raw_tables

TWINS = [(crm, loader) for crm in CRMS for loader in importlib.import_module(f"twins.{crm}").LOADERS]


def marts_of(database: Path, source: str) -> dict[str, list[tuple]]:
    """{mart: (columns, rows)} of all KPI marts and the scorecard, in the order of their keys, without the dimension
    source_system and what depends on the source's name: ids say `crm_export` in its place."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'marts' and table_name like 'kpi!_%' escape '!' order by table_name"
        ).fetchall()
        marts = {}
        for (name,) in names:
            result = connection.execute(
                f"select * replace (replace(member_id, '{source}|', 'crm_export|') as member_id) "
                f"from marts.{name} where dimension <> 'source_system' order by all"
            )
            marts[name] = [column[0] for column in result.description], result.fetchall()
        return marts


def differing_cells(expected, actual):
    """Up to 12 texts, one per row that only one side has or that differs, with the mart's name."""
    found = []
    for mart, (columns, rows) in expected.items():
        other_columns, other_rows = actual[mart]
        assert columns == other_columns, mart
        for row in sorted(set(rows) ^ set(other_rows), key=str)[:12]:
            side = "export" if row in set(rows) else "raw tables"
            found.append(f"{mart} {side}: {dict(zip(columns, row, strict=True))}")
    return found[:12]


@pytest.fixture(scope="module")
def demo():
    """The demo company without dirt."""
    return clean_demo_company()


@pytest.fixture(scope="module")
def marts_of_export(demo, run_dbt, tmp_path_factory):
    """marts_of_export(crm, loader): the marts of the company fitted to a CRM and built as an export, built once for each
    form that it has."""
    built = {}

    def build(crm, loader):
        twin = importlib.import_module(f"twins.{crm}")
        form = (crm, loader) if fits_loaders(twin) else (crm,)
        if form not in built:
            work = tmp_path_factory.mktemp("_".join(("export", *form)))
            folder = write_company(fit_company(twin, demo, loader), work / "export")
            run_dbt("run", "--quiet", "--select", "+path:models/marts", work=work, vars={"crm_export_path": str(folder)})
            built[form] = marts_of(work / "warehouse.duckdb", "crm_export")
        return built[form]

    return build


@pytest.mark.parametrize(("crm", "loader"), TWINS)
def test_raw_tables_give_the_marts_of_the_export(crm, loader, demo, marts_of_export, run_dbt, tmp_path):
    twin = importlib.import_module(f"twins.{crm}")
    company = fit_company(twin, demo, loader)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        write_raw_tables(connection, "raw_crm", twin.raw_tables(company, loader))
    shared = write_company(shared_tables(company, twin.SHARED_TABLES, crm), tmp_path / "shared")
    variables = {"crm_sources": [crm], f"{crm}_schema": "raw_crm", "crm_export_path": str(shared)} | twin.dbt_vars(loader)
    run_dbt("run", "--quiet", "--select", "+path:models/marts", work=tmp_path, vars=variables)
    found = differing_cells(marts_of_export(crm, loader), marts_of(tmp_path / "warehouse.duckdb", crm))
    assert not found, "\n".join(found)
