# Runs from this folder; everything is installed in .venv. `make` alone lists the targets.
#
#   SALES_KPIS_DB   the DuckDB file to build in (warehouse/sales_kpis.duckdb), of which the marts are published
#   VARS            dbt vars, for example: make build VARS='{"reporting_currency": "EUR"}'
#   ARGS            what make query asks, for example: make query ARGS="--metrics win_rate --group-by sales_team"
#   LOCK_FLAGS      for make lock: --upgrade takes the newest release of every dependency
#   BASE, REPORT    for make diff: the revision to compare with (origin/main), a file for its report
#   PYTHON          the Python to make .venv with (the first of python3.11, 3.12, 3.13, python3 that fits)

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help build query report superset superset-test test test-deep diff lint structure mutations lock soak bench clean

SALES_KPIS_DB ?= warehouse/sales_kpis.duckdb
DBT_PROFILES_DIR := .
DBT_TARGET_PATH ?= target
export SALES_KPIS_DB DBT_PROFILES_DIR DBT_TARGET_PATH VARS

BIN := .venv/bin
DBT := $(BIN)/dbt
PIP_FLAGS := -qq --no-input --disable-pip-version-check --require-hashes
PIP_INSTALL := $(BIN)/python -m pip install $(PIP_FLAGS)
TEST_DB := warehouse/test.duckdb
BASE ?= origin/main

# Public hashes only, whatever pip is told on this machine; a lock names no address
PIP_COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= $(BIN)/python -m piptools compile \
	--quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links $(LOCK_FLAGS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

build: .venv/.runtime ## Build, test and publish the marts (VARS='{...}' for your own data) and show the scorecard
	@$(BIN)/python scripts/build.py $${VARS:+--vars "$$VARS"}
	@$(BIN)/python scripts/show_scorecard.py

# MetricFlow looks in target, and for the database that the manifest there names
query: .venv/.dev ## Ask a built warehouse for metrics (ARGS="--metrics win_rate --group-by sales_team")
	@DBT_TARGET_PATH=target $(DBT) parse --quiet --project-dir . $${VARS:+--vars "$$VARS"}
	@$(BIN)/mf query $(ARGS)

report: .venv/.report ## Write the sales leader's report from the built warehouse: report/index.html
	@$(BIN)/python scripts/report.py

superset: .venv/.runtime ## Pack the Superset dashboard, with the address of the published file, for import: superset_dashboard.zip
	@$(BIN)/python scripts/superset_dashboard.py

superset-test: .venv/.dev .venv-superset/.made ## Show the dashboard in a real Superset (0.9 GB) and compare its figures with the marts
	@SUPERSET_BIN=.venv-superset/bin $(BIN)/python -m pytest tests/python/test_superset.py

test: .venv/.dev ## Run every check: Python style, full build with all tests, docs, structure, SQL style, the oracle, Python tests
	@$(BIN)/ruff check .
	@rm -rf $(TEST_DB) $(TEST_DB).wal warehouse/published/test
	@SALES_KPIS_DB=$(TEST_DB) $(BIN)/python scripts/build.py
	@SALES_KPIS_DB=$(TEST_DB) $(MAKE) structure
	@SALES_KPIS_DB=$(TEST_DB) $(BIN)/sqlfluff lint models
	@$(BIN)/python tests/oracle/compare.py --db $(TEST_DB) --inputs seeds --prefix demo_
	@SALES_KPIS_DB=$(TEST_DB) $(BIN)/python -m pytest tests -n auto --dist loadfile --no-loadscope-reorder

test-deep: .venv/.dev ## Compare WORLDS (10000) random companies with the oracle, on two cores
	@$(BIN)/python tests/worlds/search.py

diff: .venv/.runtime ## Compare the marts with those of another revision: make diff BASE=origin/main [REPORT=report.md]
	@$(BIN)/python scripts/diff_marts.py --against $(BASE) $${REPORT:+--report "$$REPORT"}

lint: .venv/.dev ## Check the style of the SQL (sqlfluff) and of the Python (ruff)
	@$(BIN)/ruff check .
	@mkdir -p "$$(dirname "$$SALES_KPIS_DB")"
	@$(BIN)/sqlfluff lint models

structure: .venv/.dev ## Check names, descriptions, contracts and tests of the models in a built warehouse (dbt-bouncer)
	@$(DBT) --warn-error-options '{"error": "all"}' docs generate --project-dir .
	@$(BIN)/dbt-bouncer run

mutations: .venv/.dev ## Break one rule at a time and see which checks notice (slow; renews the table in docs/testing.md)
	@$(BIN)/python tests/mutations/mutate.py

lock: .venv/.dev ## Renew the requirements*.txt from the .in files
	@$(PIP_COMPILE) --output-file requirements-dev.txt requirements-dev.in
	@$(PIP_COMPILE) --constraint requirements-dev.txt --output-file requirements.txt requirements.in
	@$(PIP_COMPILE) --constraint requirements-dev.txt --output-file requirements-report.txt requirements-report.in
	@$(PIP_COMPILE) --output-file requirements-superset.txt requirements-superset.in

soak: .venv/.dev ## Query the published marts without pause while builds are published, fail and are killed (about 40 minutes)
	@$(BIN)/python tests/publishing/soak.py

bench: .venv/.runtime ## Measure the build on a large generated company
	@$(BIN)/python scripts/bench.py

clean: ## Remove what make has made: .venv, .venv-superset, target, logs, report, the DuckDB files in warehouse, published ones too
	rm -rf .venv .venv-superset target logs report dbt_packages .pytest_cache .ruff_cache
	rm -rf warehouse/published
	rm -f warehouse/*.duckdb warehouse/*.duckdb.wal

# Installed again only when the lock has changed

.venv/.made:
	@python=; for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
		if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11, 3.12 or 3.13 is needed and was not found; install one, or name it: make build PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$python"; \
	"$$python" -m venv --clear .venv
	@touch $@

.venv/.runtime: requirements.txt .venv/.made
	@echo "Installing dbt and DuckDB"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/.report: requirements-report.txt .venv/.runtime
	@echo "Installing what draws the report"
	@$(PIP_INSTALL) -r requirements-report.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "Installing the tools for the checks"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

# Superset pins an SQLAlchemy and more that dbt does not share
.venv-superset/.made: requirements-superset.txt .venv/.made
	@echo "Installing Superset"
	@$(BIN)/python -m venv --clear .venv-superset
	@.venv-superset/bin/python -m pip install $(PIP_FLAGS) -r requirements-superset.txt
	@touch $@
