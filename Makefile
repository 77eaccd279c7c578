# Each verb prepares what it needs. PYTHON names the interpreter that makes .venv (3.11 or newer).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip -qq --disable-pip-version-check # errors only
TESTS  ?= tests
RUNTIME := $(VENV)/.runtime-is-ready
DEV     := $(VENV)/.dev-is-ready

# What the result of the tests depends on; and the mark of the last whole run that passed: how many of it were slow.
INPUTS := wabotick_async tests examples benchmarks docs README.md CHANGELOG.md pyproject.toml Makefile .ci $(DEV)
PASSED := $(VENV)/.all-tests-passed
BEGAN  := $(VENV)/.tests-began
COUNT  := $(VENV)/.slow-tests
PYTEST  = $(BIN)/python -m pytest -n auto --dist loadgroup
# Prints something where an input is newer than $(1), or gone. A folder tells of what was deleted from it.
CHANGED = find $(INPUTS) -newer $(1) -not -name __pycache__ -not -name '*.pyc' $(2) -print -quit || echo gone

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench bench-memory soak clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 21

demo: $(RUNTIME) ## send a campaign to the embedded sandbox, with faults, and check the report
	@$(BIN)/wabotick demo

test: $(DEV) ## run all tests with coverage; where nothing changed since they passed, the quick ones (ALL=1, TESTS=path)
ifneq ($(TESTS),tests)
	@$(PYTEST) $(TESTS) || { rm -f $(PASSED); exit 1; }
else
	@if [ -z "$(ALL)$(CI)" ] && [ -e $(PASSED) ] && [ -z "$$($(call CHANGED,$(PASSED)))" ]; then \
		echo "$$(cat $(PASSED)) slow tests passed on this very code already; now the others (make test ALL=1 for all)"; \
		$(PYTEST) -m "not slow" tests || { rm -f $(PASSED); exit 1; }; \
	else \
		rm -f $(PASSED); touch $(BEGAN); \
		SLOW_COUNT=$(COUNT) $(PYTEST) --cov --cov-report=term tests || exit 1; \
		[ -n "$$($(call CHANGED,$(BEGAN),-type f))" ] || cp $(COUNT) $(PASSED); \
	fi
endif

lint: $(DEV) ## check style, format and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet || { echo "run 'make format'" >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/pyright

format: $(DEV) ## put the code in its standard form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(DEV) ## measure against a naive aiohttp loop and against other clients, in about ten minutes
	@$(PIP) install --group bench || echo "the other clients cannot be installed, so they are left out" >&2
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.pace

bench-memory: $(DEV) ## measure memory and loop lag up to 1,000,000 recipients, in up to an hour
	@$(BIN)/python -m benchmarks --only G --json build/memory.json

soak: $(DEV) ## kill a campaign 200 times, and compare its journal with the ledger of the server
	@$(BIN)/python -m benchmarks.soak

clean: ## remove everything that make and the tools have made
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's python3 lacks ensurepip unless python3-venv is there; then the pip that is present fills the environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x")'
	@echo "preparing $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { $(PYTHON) -m venv --clear --without-pip $(VENV) \
		&& $(PYTHON) -m pip --quiet --python $(BIN)/python install pip; }

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "installing wabotick-async"
	@$(PIP) install --editable '.[cli,speed]'
	@touch $@

# pip knows dependency groups since 25.1.
$(DEV): $(RUNTIME)
	@echo "installing the tools"
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --group dev
	@touch $@
