# The words that people, agents and CI use. `make` alone lists them.

PYTHON ?= python3
WORKERS ?= 2
GFR_SOAK_SECONDS ?= 3600

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Tests of one server stay together, so that it is started once.
IN_PARALLEL := -n $(WORKERS) --dist loadgroup
READY := .venv/made-from-pyproject

# What a kind is, tests/README.md says. A folder without a test file yet is left out.
with_tests = $(strip $(foreach kind,$(1),$(if $(wildcard tests/$(kind)/test_*.py),tests/$(kind))))
FAST := $(call with_tests,architecture unit contract property golden)
RESEEDED := $(call with_tests,unit contract property golden)
REAL := $(call with_tests,integration security chaos)

# Our own environment decides what is imported, not the caller's.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix bench soak docs packages fast real short-soak

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv, so that .venv/bin/gfr works

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(READY) ## a first run and its approval; then two people, an agent and a server
	$(BIN)/python demo/release_notes.py
	$(BIN)/python demo/two_people_and_an_agent.py

test: $(READY) packages ## everything that has to hold: check, then all kinds of tests
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fast
	@$(MAKE) --no-print-directory real
	@$(MAKE) --no-print-directory short-soak

check: $(READY) ## lint, format, types, layers; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports

fix: $(READY) ## repair what lint and format can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The order of sets and of dicts keyed by hash must decide nothing: the same tests under two seeds.
fast: $(READY)
	PYTHONHASHSEED=0 $(PYTEST) $(IN_PARALLEL) -m 'not soak' $(FAST)
	PYTHONHASHSEED=4242 $(PYTEST) $(IN_PARALLEL) -m 'not soak and not seedless' $(RESEEDED)

real: $(READY)
	$(if $(REAL),$(PYTEST) $(IN_PARALLEL) -m 'not soak' $(REAL))

short-soak: $(READY)
	GFR_SOAK_SECONDS=30 $(PYTEST) -m soak tests

soak: $(READY) packages ## the long checks, GFR_SOAK_SECONDS each; figures go to docs/soak.md
	GFR_SOAK_SECONDS=$(GFR_SOAK_SECONDS) GFR_SOAK_REPORT=docs/soak.md \
	  $(PYTEST) -m soak -o faulthandler_timeout=0 tests

bench: $(READY) ## ratios against what is measured beside us, and our times beside those wanted
	$(BIN)/python -m pip install --quiet --group bench
	$(PYTEST) -o python_files='bench_*.py' -o python_functions='bench_*' tests/benchmarks

docs: $(READY) ## make the pages of the steps, then check all pages: links, commands, decision numbers
	$(BIN)/python -c 'from pathlib import Path; from gitflow_runner.runner.step_pages import write_pages; \
	  write_pages(Path("docs/reference/steps"))'
	$(PYTEST) tests/architecture/test_pages.py

packages:
	$(if $(filter true,$(CI)),.ci/packages)
