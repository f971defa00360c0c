# Piste: everything that a checkout needs, by name. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# Test processes at a time; 0 runs the tests in one process.
JOBS ?= 2
# More arguments for pytest, for example: make test ARGS="tests/ledger -k relay"
ARGS ?=

BIN := .venv/bin
DONE := .venv/.done
RUN_PACKAGES := fonts-noto-cjk libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0
TEST_PACKAGES := chromium poppler-utils postgresql
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help setup setup-run demo stop test soak check contracts contracts-check docs format lock migration clean

help:  ## List these commands
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## ?/\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: setup-run $(DONE)/dev-packages $(DONE)/debian-test  ## Prepare the checkout for running, testing and changing Piste

setup-run: $(DONE)/debian-run $(DONE)/piste node_modules/.package-lock.json

demo: setup-run  ## Start Piste in the background and carry three dossiers through
	@$(BIN)/piste demo

stop:  ## End the background processes
	@if [ -x $(BIN)/piste ]; then $(BIN)/piste stop; else echo "Nothing was running."; fi

test: setup  ## Run the tests on both databases, with coverage
	@$(BIN)/python -m pytest --cov --cov-report=term -n $(JOBS) --dist loadfile $(ARGS)

# How many random reorganisations the soak goes through.
SOAK ?= 10000

soak: setup  ## Reorganise the chain at random for an hour, and kill what runs
	@PISTE_TEST_REORGANISATIONS=$(SOAK) $(BIN)/python -m pytest tests/fault $(ARGS)

check: setup  ## Run the linters, the type checker and the comparisons of generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/migration.py --check
	$(BIN)/python tools/diagrams.py --check
	@$(MAKE) contracts-check

contracts: setup-run  ## Compile the contracts into ledger/contracts/artifacts.json
	@$(WITH_NODE) node contracts/tools/artifacts.js ledger/contracts/artifacts.json

contracts-check: setup-run
	@echo "Compiling the contracts, warnings being errors"
	@fresh=$$(mktemp) && trap 'rm -f "$$fresh"' EXIT && \
	  $(WITH_NODE) node contracts/tools/artifacts.js "$$fresh" && \
	  cmp -s "$$fresh" ledger/contracts/artifacts.json || \
	  { echo "ledger/contracts/artifacts.json is not what the contracts compile to: run \`make contracts\`"; exit 1; }

docs: setup  ## Write the generated pages of docs/
	@$(BIN)/python tools/diagrams.py

format: setup  ## Lay out the Python code and sort the imports
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

migration: setup  ## Write the next database revision: make migration m="what changes"
	@$(BIN)/python tools/migration.py "$(m)"

lock: $(DONE)/dev-packages  ## Resolve the Python packages anew (make lock upgrade=1 takes newer ones)
	$(BIN)/python tools/lock.py $(if $(upgrade),--upgrade)

clean: stop  ## End everything and remove what was made here, the data folder `var` excepted
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov
	rm -f .coverage .coverage.*

# ------------------------------------------------------------------------------------ steps of the set-up, done once

$(DONE)/debian-run: | $(DONE)
	@tools/debian-packages $(RUN_PACKAGES)
	@touch $@

$(DONE)/debian-test: | $(DONE)
	@tools/debian-packages $(TEST_PACKAGES)
	@touch $@

$(DONE): | .venv/bin/python
	@mkdir -p $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Piste needs Python 3.11; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/debian-packages python3-venv
	@echo "Making the Python environment .venv"
	@$(PYTHON) -m venv .venv

$(DONE)/run-packages: requirements.lock | $(DONE)
	@echo "Installing the Python packages (requirements.lock)"
	@$(PIP) install -qq --require-hashes --only-binary :all: --no-deps -r $<
	@touch $@

$(DONE)/dev-packages: requirements-dev.lock $(DONE)/run-packages
	@echo "Installing the Python packages for tests and checks (requirements-dev.lock)"
	@$(PIP) install -qq --require-hashes --only-binary :all: --no-deps -r $<
	@touch $@

$(DONE)/piste: pyproject.toml $(DONE)/run-packages
	@$(PIP) install -qq --no-deps --no-build-isolation --no-index --editable .
	@touch $@

node_modules/.package-lock.json: package-lock.json package.json $(DONE)/run-packages
	@echo "Installing the npm packages (package-lock.json)"
	@$(WITH_NODE) npm ci --silent
	@touch $@
