# Runs from this folder; everything is installed in .venv. `make` alone lists the targets.
#
#   SALES_KPIS_DB   the DuckDB file to build (warehouse/sales_kpis.duckdb)
#   VARS            dbt vars, for example: make build VARS='{"reporting_currency": "EUR"}'
#   LOCK_FLAGS      for make lock: --upgrade takes the newest release of every dependency
#   PYTHON          the Python to make .venv with (the first of python3.11, 3.12, 3.13, python3 that fits)

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help build report test lint structure lock bench clean

SALES_KPIS_DB ?= warehouse/sales_kpis.duckdb
DBT_PROFILES_DIR := .
DBT_TARGET_PATH ?= target
export SALES_KPIS_DB DBT_PROFILES_DIR DBT_TARGET_PATH VARS

BIN := .venv/bin
DBT := $(BIN)/dbt
PIP_INSTALL := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check --require-hashes
TEST_DB := warehouse/test.duckdb

# Public hashes only, whatever pip is told on this machine; a lock names no address
PIP_COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= $(BIN)/python -m piptools compile \
	--quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links $(LOCK_FLAGS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

build: .venv/.runtime ## Build and test the warehouse (VARS='{...}' for your own data) and show the scorecard
	@mkdir -p "$$(dirname "$$SALES_KPIS_DB")"
	@$(DBT) build --project-dir . $${VARS:+--vars "$$VARS"}
	@$(BIN)/python scripts/show_scorecard.py

report: .venv/.report ## Write the sales leader's report from the built warehouse: report/index.html
	@$(BIN)/python scripts/report.py

test: .venv/.dev ## Run every check: Python style, full build with all tests, docs, structure, SQL style, the oracle, Python tests
	@$(BIN)/ruff check .
	@rm -f $(TEST_DB) $(TEST_DB).wal
	@SALES_KPIS_DB=$(TEST_DB) $(DBT) build --project-dir .
	@SALES_KPIS_DB=$(TEST_DB) $(MAKE) structure
	@SALES_KPIS_DB=$(TEST_DB) $(BIN)/sqlfluff lint models
	@$(BIN)/python tests/oracle/compare.py --db $(TEST_DB) --inputs seeds --prefix demo_
	@SALES_KPIS_DB=$(TEST_DB) $(BIN)/python -m pytest tests

lint: .venv/.dev ## Check the style of the SQL (sqlfluff) and of the Python (ruff)
	@$(BIN)/ruff check .
	@mkdir -p "$$(dirname "$$SALES_KPIS_DB")"
	@$(BIN)/sqlfluff lint models

structure: .venv/.dev ## Check names, descriptions, contracts and tests of the models in a built warehouse (dbt-bouncer)
	@$(DBT) --warn-error-options '{"error": "all"}' docs generate --project-dir .
	@$(BIN)/dbt-bouncer run

lock: .venv/.dev ## Renew the requirements*.txt from the .in files
	@$(PIP_COMPILE) --output-file requirements-dev.txt requirements-dev.in
	@$(PIP_COMPILE) --constraint requirements-dev.txt --output-file requirements.txt requirements.in
	@$(PIP_COMPILE) --constraint requirements-dev.txt --output-file requirements-report.txt requirements-report.in

bench: .venv/.runtime ## Measure the build on a large generated company
	@$(BIN)/python scripts/bench.py

clean: ## Remove what make has made: .venv, target, logs, report, the DuckDB files in warehouse
	rm -rf .venv target logs report dbt_packages .pytest_cache .ruff_cache
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
