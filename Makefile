# Every target documents itself; `make` alone prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory

PYTHON ?= python3
IMAGES ?= images
OUT ?= results/try
EYES ?=
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PYTHONPATH := $(CURDIR):$(CURDIR)/common:$(CURDIR)/worker_a:$(CURDIR)/worker_b

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up: one virtual environment, two layers -----------------------------
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "carscribe needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Install one and say 'make PYTHON=/path/to/python3.11 ...'." >&2; exit 78; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make a virtual environment: install the package python3-venv and try again." >&2; exit 78; }

$(VENV)/.try: requirements/try.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what 'make try' needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.try
	@echo "Installing the tools of this project into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

# What recognizes pictures without an account, and fetches its model now: a first
# start of the stand-in would wait for it. The npm client is needed for that alone.
# Where it cannot be fetched the stand-in says so when it is asked for its eyes.
$(VENV)/.eyes: requirements/eyes.txt requirements/npm.txt | $(VENV)/.try
	@echo "Installing the stand-in's eyes into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/eyes.txt
	@command -v npm > /dev/null || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/npm.txt
	@$(BIN)/python -m emulator.eyes 2> /dev/null || true
	@touch $@

# With EYES=1 the stand-in opens them, or says in a sentence why it cannot.
export CARSCRIBE_EYES := $(if $(EYES),1)
EYES_LAYER := $(if $(EYES),eyes-if-possible)
# Without them recorded answers alone are used, so what fails here stops nothing.
.PHONY: eyes-if-possible
eyes-if-possible: | $(VENV)/.try
	@$(MAKE) --no-print-directory $(VENV)/.eyes || true

.PHONY: try
try: $(VENV)/.try $(EYES_LAYER) ## run the pipeline on this machine with Python alone (IMAGES=DIR OUT=DIR EYES=1)
	@$(BIN)/python -m carscribe try --images "$(IMAGES)" --out "$(OUT)"

include deploy.mk

# --- checks and tests ---------------------------------------------------------
# Checkov pins old versions of boto3 and packaging: an environment of its own.
$(VENV)-checkov/.done: requirements/checkov.txt | $(VENV)/pyvenv.cfg
	@echo "Installing Checkov into $(VENV)-checkov ..."
	@$(PYTHON) -m venv $(VENV)-checkov
	@$(VENV)-checkov/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

PYTEST := $(BIN)/python -m pytest -q

.PHONY: lint
lint: $(VENV)/.dev $(VENV)/.eyes ## ruff, mypy, ansible-lint, yamllint, terraform fmt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/yamllint --strict ansible .github
	cd ansible && PATH="$(BIN):$$PATH" $(BIN)/ansible-lint --offline -q
	TF_CLI_CONFIG_FILE=/dev/null terraform fmt -check -recursive terraform

.PHONY: check
check: prerequisites-test lint ## the fast part of the tests: no root, no hosts
	$(PYTEST) tests/unit tests/integration

.PHONY: audit
audit: $(VENV)/.dev ## known vulnerabilities in what is installed on the hosts
	@$(BIN)/python -m carscribe.audit

.PHONY: checkov
checkov: $(VENV)-checkov/.done ## policies of the Terraform configuration
	$(VENV)-checkov/bin/checkov --directory terraform --framework terraform --compact --quiet --skip-download

# Each of these mostly waits (for Terraform's provider, for hosts that boot), so two run at once:
# the longest beside all others.
PARTS := test-deployment test-faults test-hosts test-terraform test-browser
.PHONY: $(PARTS)
$(filter-out test-faults,$(PARTS)): test-%:
	$(PYTEST) tests/$*
test-faults:
	$(PYTEST) --numprocesses 2 tests/faults

.PHONY: test
test: prerequisites-test check audit checkov ## every check and test that CI runs
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(PARTS)

.PHONY: test-eyes
test-eyes: $(VENV)/.dev $(VENV)/.eyes ## the eyes with their real models
	$(PYTEST) tests/eyes

.PHONY: faults
faults: prerequisites-test $(VENV)/.dev ## the whole matrix of faults, as a table (a quarter of an hour)
	@$(BIN)/python -m tests.faults.matrix

.PHONY: bench
bench: $(VENV)/.dev ## how fast it is, against references measured in the same run
	@$(BIN)/python -m benchmarks.run

.PHONY: screenshots
screenshots: prerequisites-test $(VENV)/.dev ## take the pictures of the results page for docs/
	@$(BIN)/python -m tests.browser.screenshots docs/images

.PHONY: recording
recording: prerequisites-demo $(VENV)/.dev ## record the terminal session of make demo for docs/
	@$(BIN)/python -m tests.recording docs/demo.svg make demo

# --- for the project's own developers ----------------------------------------
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: lock
lock: $(VENV)/pyvenv.cfg ## make requirements/*.txt from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/lock.txt
	$(LOCK) $(UPGRADE) pyproject.toml --group dev -o requirements/dev.txt
	for group in hosts installer try lock eyes npm ansible-2.16; do \
	  $(LOCK) $(UPGRADE) pyproject.toml --group $$group -c requirements/dev.txt -o requirements/$$group.txt; done
	$(LOCK) $(UPGRADE) pyproject.toml --group checkov -o requirements/checkov.txt
UPGRADE ?=
