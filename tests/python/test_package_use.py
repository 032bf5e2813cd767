"""A company's own dbt project uses this repository as a package, with its own profile, names and data."""

import json
import shutil
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


def test_metrics_of_the_package_are_the_hosts_too(host: Path) -> None:
    """They read the package's facts where the host has them, and follow the host's calendar."""
    manifest = json.loads((host / "target" / "semantic_manifest.json").read_text())
    assert {"win_rate", "quota_attainment"} <= {metric["name"] for metric in manifest["metrics"]}
    relations = {model["name"]: model["node_relation"]["relation_name"] for model in manifest["semantic_models"]}
    spines = manifest["project_configuration"]["time_spines"]
    [spine] = [spine["node_relation"]["relation_name"] for spine in spines]
    with duckdb.connect(str(host / "warehouse.duckdb"), read_only=True) as connection:
        for relation in (relations["fct_deals"], spine):
            assert connection.execute(f"select count(*) > 0 from {relation}").fetchone() == (True,)


def test_host_can_switch_the_metrics_off(host: Path, run_dbt, tmp_path: Path) -> None:
    """For a host with metrics of the same names."""
    settings = json.loads((host / "dbt_project.yml").read_text())
    switch = {"sales_kpis": {"+enabled": False}}
    other_host = tmp_path / "host"
    shutil.copytree(host, other_host, symlinks=True, ignore=shutil.ignore_patterns("target", "*.duckdb"))
    (other_host / "dbt_project.yml").write_text(json.dumps(settings | {"semantic-models": switch, "metrics": switch}))
    run_dbt("parse", work=other_host, project=other_host)
    manifest = json.loads((other_host / "target" / "semantic_manifest.json").read_text())
    assert manifest["metrics"] == manifest["semantic_models"] == []
