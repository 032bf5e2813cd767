"""A company's own dbt project uses this repository as a package, with its own profile, names and data."""

import json
from pathlib import Path

import duckdb
import pytest

HOST_PROFILE = """\
host:
  target: local
  outputs:
    local:
      type: duckdb
      path: "{{ env_var('SALES_KPIS_DB') }}"
      threads: 2
"""

HOST_MODEL = """\
select
    period_label,
    won_deals,
    closed_deals,
    win_rate
from {{ ref('sales_kpis', 'kpi_win_rate') }}
where period_grain = 'quarter' and dimension = 'overall'
"""


@pytest.fixture(scope="module")
def host(repo: Path, demo_export: Path, run_dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host project that has built the win rate and a model of its own on top of it."""
    project = tmp_path_factory.mktemp("host")
    (project / "models").mkdir()
    (project / "models" / "board_win_rate.sql").write_text(HOST_MODEL)
    (project / "profiles.yml").write_text(HOST_PROFILE)
    # JSON is YAML
    (project / "packages.yml").write_text(json.dumps({"packages": [{"local": str(repo)}]}))
    (project / "dbt_project.yml").write_text(
        json.dumps(
            {
                "name": "host",
                "version": "1.0.0",
                "config-version": 2,
                "profile": "host",
                "vars": {"sales_kpis": {"crm_export_path": str(demo_export), "as_of_date": "2025-09-30"}},
            }
        )
    )
    run_dbt("deps", work=project, project=project)
    # A test that also reads a mart outside the selection waits for that mart
    select = ["--select", "+kpi_win_rate", "board_win_rate", "--indirect-selection", "buildable"]
    run_dbt("build", *select, work=project, project=project)
    return project


@pytest.fixture(scope="module")
def host_manifest(host: Path) -> dict:
    """What dbt knows about the host project and the package in it."""
    return json.loads((host / "target" / "manifest.json").read_text())


def test_host_model_reads_a_mart_of_the_package(host: Path, host_manifest: dict) -> None:
    """The host's rows are there, and each rate is its own components' quotient."""
    relation = host_manifest["nodes"]["model.host.board_win_rate"]["relation_name"]
    with duckdb.connect(str(host / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(f"select won_deals, closed_deals, win_rate from {relation}").fetchall()
    assert len(rows) >= 8
    assert sum(won for won, _, _ in rows) > 0
    for won, closed, rate in rows:
        assert rate == (won / closed if closed else None)


def test_vars_under_the_package_name_reach_the_package(host: Path, host_manifest: dict) -> None:
    """as_of_date in the host's dbt_project.yml is the as-of date of the build."""
    relation = host_manifest["nodes"]["model.sales_kpis.int_as_of"]["relation_name"]
    with duckdb.connect(str(host / "warehouse.duckdb"), read_only=True) as connection:
        assert str(connection.execute(f"select as_of_date from {relation}").fetchone()[0]) == "2025-09-30"


def test_own_data_switches_the_demo_company_off(host_manifest: dict) -> None:
    """No demo seed is enabled, so none can reach the host's warehouse."""
    enabled = [node for node in host_manifest["nodes"].values() if node["resource_type"] == "seed"]
    assert enabled == []
    assert any(node_id.startswith("seed.sales_kpis.demo_") for node_id in host_manifest["disabled"])


def test_package_stays_out_of_the_hosts_own_schemas(host_manifest: dict) -> None:
    """The host's models keep dbt's default schema name; the package's are where its documentation says."""
    schemas = {node_id: node["schema"] for node_id, node in host_manifest["nodes"].items()}
    assert schemas["model.host.board_win_rate"] == "main"
    assert schemas["model.sales_kpis.kpi_win_rate"].endswith("marts")
