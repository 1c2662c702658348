.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do $$p -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

help: ## list what you can do
	@grep -E '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: $(INSTALLED) ## start everything on http://127.0.0.1:8000
	@exec $(BIN)/python main.py serve

test: $(DEVELOPMENT) ## run every test
	@exec $(BIN)/python -m pytest

test-fast: $(DEVELOPMENT) ## run the tests that need no server
	@exec $(BIN)/python -m pytest tests/domain tests/architecture -q

check: $(DEVELOPMENT) ## lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(INSTALLED) ## write schema/schema.graphql
	$(BIN)/python main.py schema > schema/schema.graphql

bench: $(DEVELOPMENT) ## measure the engine and the consume mutation against their baselines
	$(BIN)/python -m bench.engine
	$(BIN)/python -m bench.mutation

reconcile: $(INSTALLED) ## check every invariant of every wallet
	@$(BIN)/python main.py reconcile

install: $(INSTALLED) ## install what `make run` needs
install-dev: $(DEVELOPMENT) ## install what `make test` and `make check` need

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || (echo "Coffer needs Python 3.11 or newer: install it, or set PYTHON=/path/to/python3" && exit 1)
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements.lock | $(VENV)/bin/python
	@echo "Installing (about half a minute, once) ..."
	@$(PIP) -r requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(INSTALLED)
	@echo "Installing the development tools ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header -q -c requirements.lock -o requirements-dev.lock

clean: ## remove the virtual environment and caches; your data in .coffer stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help run test test-fast check format schema bench reconcile install install-dev lock clean
