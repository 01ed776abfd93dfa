# Everything a developer does. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
BENCH ?= run --set-up
WORKERS ?= 4
ADVISORIES ?= var/advisories
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
IDE := ascms/server/static/ide
IDE_SOURCES := $(shell find ide -type f -not -path '*/node_modules/*' 2>/dev/null)

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 …` chooses another.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)) python3)

.PHONY: help
help: ## List what can be done (this)
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "ascms needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." \
			"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu, install the package python3-venv." >&2; exit 1; }

# Stamps: a set-up reruns only when what it is made from changes.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.development: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) for development …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

.PHONY: setup
setup: $(VENV)/.development ide clients ## Set up .venv with all that development needs

.PHONY: ide
ide: $(VENV)/.ide ## Build the GraphQL IDE that /graphql serves (needs Node; without it a plain page serves)

$(VENV)/.ide: $(IDE_SOURCES) | $(BIN)/python
	@if [ ! -f ide/package.json ]; then echo "There is no ide/ here: /graphql serves its plain page."; \
	elif ! command -v npm >/dev/null; then echo "There is no npm here: /graphql serves its plain page."; \
	elif echo "Building the IDE …" && cd ide && npm ci --no-audit --no-fund --loglevel=error \
		&& npm run --silent build; then touch ../$@; \
	else echo "The IDE could not be built (see above): /graphql serves its plain page." >&2; fi

.PHONY: clients
clients: $(VENV)/.clients $(VENV)/.python-client ## Install other people's clients and suites for the tests (Node's are skipped without it)

# An OpenID provider too, for the tests of signing in.
CLIENTS := tests/clients tests/identity/provider

$(VENV)/.clients: $(CLIENTS:=/package.json) $(CLIENTS:=/package-lock.json) | $(BIN)/python
	@if ! command -v npm >/dev/null; then echo "There is no npm here: tests with other people's clients are skipped."; \
	elif (for one in $(CLIENTS); do npm ci --prefix $$one --no-audit --no-fund --loglevel=error || exit 1; done); \
		then touch $@; \
	else echo "The clients could not be installed (see above): tests with them are skipped." >&2; fi

# In an environment of its own: it needs another graphql-core than ascms.
PYTHON_CLIENT := $(VENV)/tools/python-client
$(VENV)/.python-client: tests/clients/python/requirements.lock | $(BIN)/python
	@if $(BIN)/python -m venv --clear $(PYTHON_CLIENT) && $(PYTHON_CLIENT)/bin/python -m pip --disable-pip-version-check \
		--quiet install --require-hashes -r $<; then touch $@; \
	else echo "The Python client could not be installed (see above): tests with it are skipped." >&2; fi

.PHONY: run
run: $(VENV)/.runtime ide ## Set up, and serve the demo at http://127.0.0.1:8000 (PORT=N for another)
	$(BIN)/ascms demo --port $(PORT)

.PHONY: test
test: setup ## Set up, and run every test, on SQLite and PostgreSQL (WORKERS=N at a time)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: check
check: $(VENV)/.development ## Format, lint, types, import rules, the published contract, pins and licences, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ascms schema check
	$(BIN)/python -m supply_chain --no-bandit --advisories $(ADVISORIES)
	$(BIN)/pytest -q tests/models/test_migrations.py -k matches_the_models

.PHONY: audit
audit: $(VENV)/.development ## Hashes, licences, known vulnerabilities, bandit (ADVISORIES=folder; docs/supply-chain.md)
	$(BIN)/python -m supply_chain --advisories $(ADVISORIES)

.PHONY: sbom
sbom: $(VENV)/.development ## Write what ascms is made of to build/sbom, as CycloneDX
	@mkdir -p build/sbom
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
		-o build/sbom/python.cdx.json
	@if command -v npm >/dev/null; then \
		(cd ide && npm sbom --sbom-format cyclonedx --package-lock-only) > build/sbom/npm-ide.cdx.json; \
	else echo "There is no npm here: the IDE's part is MISSING." >&2; fi

.PHONY: nightly
nightly: setup ## The tests, with the long ones and many more random examples
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "nightly or not nightly" --hypothesis-profile=nightly

.PHONY: bench
bench: setup ## Measure ascms beside its peers (BENCH="run --help" says what else; needs wrk, PostgreSQL, Node)
	$(BIN)/python -m benchmarks $(BENCH)

.PHONY: format
format: $(VENV)/.development ## Put the code into its standard form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: settings
settings: $(VENV)/.development ## Rewrite docs/settings.md from the settings
	$(BIN)/ascms settings --format md > docs/settings.md

.PHONY: migration
migration: $(VENV)/.development ## Rewrite the one initial migration from the models (until 0.1.0 is released)
	$(BIN)/python migrations/rewrite_initial.py

LOCK := $(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

.PHONY: lock
lock: $(VENV)/.development ## Lock the newest dependencies that pyproject.toml allows, with hashes, without addresses
	$(LOCK) --extra build pyproject.toml -o requirements.lock
	$(LOCK) --extra build --extra dev pyproject.toml -o requirements-dev.lock
	$(LOCK) --python-version 3.11 tests/clients/python/requirements.in -o tests/clients/python/requirements.lock
	@! grep -nE '://|^--' requirements.lock requirements-dev.lock tests/clients/python/requirements.lock || { echo "A lock file names an address." >&2; exit 1; }

.PHONY: clean
clean: ## Remove what was built, and the demo's data
	rm -rf $(VENV) var build dist $(IDE) ide/node_modules $(CLIENTS:=/node_modules) .pytest_cache .mypy_cache .ruff_cache .hypothesis
