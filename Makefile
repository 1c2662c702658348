.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do $$p -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
BENCHMARKS := $(VENV)/.installed-bench
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
RESOLVE := $(BIN)/python -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header

# exec: the program takes the place of the recipe's shell, so that Ctrl-C and SIGTERM reach it and make waits for it.

help: ## list what you can do
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

run: $(INSTALLED) ## start everything on http://127.0.0.1:8000
	@exec $(BIN)/python main.py serve

test: $(DEVELOPMENT) ## run every test; ARGS="-k story" picks some
	@exec $(BIN)/python -m pytest $(ARGS)

test-long: $(DEVELOPMENT) ## run every test, and search far for what the simulation and the model may miss
	@COFFER_TEST_LONG=1 exec $(BIN)/python -m pytest $(ARGS)

test-fast: $(DEVELOPMENT) ## run the tests of the rules and of the code's shape
	@exec $(BIN)/python -m pytest tests/domain tests/architecture -q $(ARGS)

check: lint types imports ## everything that reads the code without running it

lint: $(DEVELOPMENT) ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT) ## strict types
	$(BIN)/mypy

imports: $(DEVELOPMENT) ## one-way imports
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(INSTALLED) ## write schema/schema.graphql
	$(BIN)/python main.py schema > $(VENV)/schema.graphql
	mv $(VENV)/schema.graphql schema/schema.graphql

bench: bench-engine bench-mutation bench-forecast ## every benchmark

bench-engine: $(DEVELOPMENT) ## the ledger engine beside a textbook transaction and bare inserts
	@$(BIN)/python -m bench.engine

bench-mutation: $(DEVELOPMENT) ## the consume mutation beside one that returns a constant
	@$(BIN)/python -m bench.mutation

bench-forecast: $(BENCHMARKS) ## the forecast over made and real series; ARGS=--rivals adds libraries
	@$(BIN)/python -m bench.forecast $(ARGS)

reconcile: $(INSTALLED) ## check every invariant of every wallet
	@$(BIN)/python main.py reconcile

install: $(INSTALLED) ## install what `make run` needs
install-dev: $(DEVELOPMENT) ## install what `make test` and `make check` need

# pip is the last thing that venv writes: an interrupted one is made anew.
$(BIN)/pip:
	@test -n "$(PYTHON)" || (echo "Coffer needs Python 3.11 or newer: install it, or set PYTHON=/path/to/python3" && exit 1)
	@echo "Making a virtual environment in $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv --clear $(VENV)

$(INSTALLED): requirements.lock | $(BIN)/pip
	@echo "Installing (about half a minute, once) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(INSTALLED)
	@echo "Installing the development tools ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(BENCHMARKS): requirements-bench.lock $(DEVELOPMENT)
	@echo "Installing data and libraries that the forecast is compared with (about 800 MB) ..."
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

lock: $(DEVELOPMENT) ## resolve the dependencies anew
	@$(PIP) uv
	$(RESOLVE) --upgrade -o requirements.lock
	$(RESOLVE) --upgrade --extra dev -c requirements.lock -o requirements-dev.lock
	$(RESOLVE) --upgrade --extra bench -c requirements-dev.lock -o requirements-bench.lock

graphiql: ## make the vendored GraphiQL anew (needs Node 20)
	cd deploy/graphiql && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

clean: ## remove the virtual environment and caches; your data in .coffer stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache deploy/graphiql/node_modules

.PHONY: help run test test-long test-fast check lint types imports format schema bench bench-engine bench-mutation \
	bench-forecast reconcile install install-dev lock graphiql clean
