# Everything starts here. Whichever target is called first installs what it needs; what can be
# fetched or built again is kept in ~/.cache/bob, outside of this folder.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

BIN := .venv/bin
APT_RUN := ca-certificates curl gcc libc6-dev util-linux
APT_TEST := chromium chromium-driver haproxy keepalived
# A dozen services that start at once would take the processor from the tests beside them.
CLOUD := tests/lab/test_cloud.py

.PHONY: help demo test check unit bench clean apt apt-test setup

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: setup ## Build a three-host cluster in the sandbox, up to a token of Keystone
	@scripts/demo.sh

test: check apt-test ## All tests: check, contract, sim and lab rings (root, about three quarters of an hour warm)
	@$(BIN)/bob toolchain ensure
	@$(BIN)/python -m pytest --durations=15 --numprocesses=2 --dist=loadfile \
	  tests/contract tests/sim
	@$(BIN)/python -m pytest --durations=25 --numprocesses=2 tests/lab --ignore=$(CLOUD)
	@$(BIN)/python -m pytest --durations=5 $(CLOUD)

check: $(BIN)/.ready ## The fast part: lint, types, import floors, unit tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest tests/unit

bench: setup ## Measure: init and demo against their floors, healing, services, cost of operations
	@$(BIN)/python tests/bench/init.py
	@$(BIN)/python tests/bench/healing.py
	@$(BIN)/python tests/bench/operations.py
	@$(BIN)/python tests/bench/entry.py
	@$(BIN)/python tests/bench/services.py

setup: apt
	@$(BIN)/bob toolchain ensure

apt: $(BIN)/.ready
	@scripts/apt-install.sh $(APT_RUN) \
	  $$($(BIN)/python -c 'from bob.sandbox.requirements import PACKAGES; print(*PACKAGES)')

apt-test: apt
	@scripts/apt-install.sh $(APT_TEST)

# The lock file holds every package with its hashes; the project itself is installed without
# dependencies, so nothing outside of the lock gets in.
$(BIN)/.ready: requirements.lock pyproject.toml
	@python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null \
	  || scripts/apt-install.sh python3-venv
	@python3 -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## Stop every sandbox and remove what was built in this folder
	@[ ! -x $(BIN)/bob ] || $(BIN)/bob sandbox down --all
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
