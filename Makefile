# Every target documents itself; `make` alone prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory

# Python's and Terraform's lists of paths are split at colons.
ifneq ($(findstring :,$(CURDIR)),)
$(error The checkout lies in "$(CURDIR)", and a path with a colon cannot be used: move it)
endif

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR):$(CURDIR)/common:$(CURDIR)/worker_a:$(CURDIR)/worker_b
# The project's own environment, whatever Python and pip are told of other ones.
unexport PIP_CONSTRAINT PIP_DRY_RUN PIP_PREFIX PIP_PYTHON PIP_REQUIRE_VIRTUALENV PIP_ROOT PIP_TARGET VIRTUAL_ENV
unexport $(filter-out PYTHON PYTHONPATH PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX,$(filter PYTHON%,$(.VARIABLES)))
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# --- what the caller names -----------------------------------------------------
# It travels as data: make would expand it, and a shell would run what is in it.
# The program reads CARSCRIBE_..., and says which of the user's environment it does not use.
NAMES := BUCKET CMD EYES HOST HOSTS IMAGES LAB LINES OUT QUEUE RUN_ID TARGET TERRAFORM_ARGUMENTS THUMBNAILS VERBOSE YES
define as_data
unexport $(1) CARSCRIBE_$(1) CARSCRIBE_AMBIENT_$(1)
ifeq ($(origin $(1)),command line)
export CARSCRIBE_$(1) := $$(value $(1))
endif
ifneq ($(filter environment,$(origin $(1))),)
export CARSCRIBE_AMBIENT_$(1) := $$(value $(1))
endif
endef
$(foreach name,$(NAMES),$(eval $(call as_data,$(name))))

CARSCRIBE := @$(BIN)/python -m carscribe

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up: one virtual environment, three layers ----------------------------
# One that was moved, or whose Python is another by now, is made anew.
WORKS = $(BIN)/python -IS -c 'import os, sys; v = sys.version_info; \
  sys.exit(v < (3, 11) or not os.path.isdir("$(VENV)/lib/python%d.%d" % v[:2]))' 2> /dev/null && echo yes
ifneq ($(wildcard $(VENV)/pyvenv.cfg),)
ifneq ($(shell $(WORKS)),yes)
$(info The environment in $(VENV) does not work, for its Python is another or gone: it is made anew.)
$(shell rm -rf $(VENV))
endif
endif

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "carscribe needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Install one and say 'make PYTHON=/path/to/python3.11 ...'." >&2; exit 78; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make a virtual environment: install the package python3-venv and try again." >&2; exit 78; }

# An environment is ready when what was installed can be imported from it.
LAYERS := $(VENV)/.try $(VENV)/.deploy $(VENV)/.dev
$(VENV)/.try: IMPORTED := boto3, moto, PIL, rich
$(VENV)/.deploy: IMPORTED := ansible, boto3, flit_core, yaml
$(VENV)/.dev: IMPORTED := mypy, pytest, selenium
$(LAYERS): $(VENV)/.%: requirements/%.txt carscribe/launcher.sh | $(VENV)/pyvenv.cfg
	@echo "Installing what is needed ($*) into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@$(BIN)/python -c 'import $(IMPORTED)' || \
	  { echo "pip has put the packages elsewhere than into $(VENV): look for 'target', 'prefix' or 'root' in 'pip config list'." >&2; exit 78; }
	@install -m 755 carscribe/launcher.sh $(BIN)/carscribe
	@touch $@
$(VENV)/.deploy $(VENV)/.dev: | $(VENV)/.try

# What recognizes pictures without an account, and fetches its model now: a first
# start of the emulator would wait for it. The npm client is needed for that alone.
# Where it cannot be fetched (`|| true`) the emulator says so when it is to recognize.
$(VENV)/.recognizer: requirements/recognizer.txt requirements/npm.txt | $(VENV)/.try
	@echo "Installing the recognizer into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/recognizer.txt
	@command -v npm > /dev/null || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/npm.txt
	@$(BIN)/python -m emulator.recognizer 2> /dev/null || true
	@touch $@

# With EYES=1 the emulator has a recognizer, or says in a sentence why not.
RECOGNIZER_LAYER := $(if $(filter command,$(origin EYES)),$(if $(filter 1 true True TRUE yes Yes YES,$(value EYES)),recognizer-if-possible))
# Without it recorded answers alone are used, so what fails here (`|| true`) stops nothing.
.PHONY: recognizer-if-possible
recognizer-if-possible: | $(VENV)/.try
	@$(MAKE) --no-print-directory $(VENV)/.recognizer || true

.PHONY: try
try: $(VENV)/.try $(RECOGNIZER_LAYER) ## run the pipeline on this machine with Python alone (IMAGES=DIR OUT=DIR EYES=1)
	$(CARSCRIBE) try

# For anybody's program: as AWS on this machine, until Ctrl-C.
.PHONY: emulator
emulator: $(VENV)/.try $(RECOGNIZER_LAYER) ## AWS on this machine for a program of your own, until Ctrl-C (IMAGES=DIR QUEUE=NAME[.fifo] EYES=1)
	@$(BIN)/python -m emulator open

include deploy.mk

# --- checks and tests ---------------------------------------------------------
# Each needs versions of its own: Checkov, the AWS CLI, and the oldest and
# the newest boto3 that the emulator is tested with.
OWN_ENVIRONMENTS := awscli checkov new-boto3 old-boto3 recording
$(OWN_ENVIRONMENTS:%=$(VENV)-%/.done): $(VENV)-%/.done: requirements/%.txt | $(VENV)/pyvenv.cfg
	@echo "Installing $* into $(VENV)-$* ..."
	@$(PYTHON) -m venv $(VENV)-$*
	@$(VENV)-$*/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

# The AWS SDK for JavaScript, with the machine's Node.js or, where that is none or
# older than the SDK takes, with the one of the Python package.
JAVASCRIPT := tests/clients/javascript
HAS_NODE := node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2> /dev/null && npm --version > /dev/null 2>&1
$(JAVASCRIPT)/node_modules/.package-lock.json: $(JAVASCRIPT)/package-lock.json requirements/npm.txt | $(VENV)/.try
	@echo "Installing the AWS SDK for JavaScript into $(JAVASCRIPT)/node_modules ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH"; { $(HAS_NODE); } || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/npm.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH"; { $(HAS_NODE); } || { echo "There is no Node.js 20 or later with npm: install it and try again." >&2; exit 78; }
	@PATH="$(CURDIR)/$(BIN):$$PATH"; cd $(JAVASCRIPT) && npm ci --silent --ignore-scripts || \
	  { echo "npm cannot install the AWS SDK for JavaScript: 'cd $(JAVASCRIPT) && npm ci' shows why." >&2; exit 69; }
	@touch $@

# The tests call make themselves, and are no part of the jobs of this one.
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/python -m pytest -q

.PHONY: lint
lint: $(VENV)/.dev $(VENV)/.recognizer ## ruff, mypy, ansible-lint, yamllint, pymarkdown, terraform fmt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/yamllint --strict ansible .github
	$(BIN)/pymarkdown scan $$(git ls-files '*.md')
	cd ansible && PATH="$(CURDIR)/$(BIN):$$PATH" ../$(BIN)/ansible-lint --offline -q
	TF_CLI_CONFIG_FILE=/dev/null terraform fmt -check -recursive terraform

.PHONY: check-tests
check-tests: $(VENV)/.dev $(VENV)/.recognizer
	$(PYTEST) --numprocesses 3 --dist loadscope --no-loadscope-reorder tests/integration tests/conformance tests/unit

.PHONY: check
check: prerequisites-test ## the fast part of the tests: no root, no hosts
	@$(MAKE) --no-print-directory --jobs 2 check-tests lint

.PHONY: audit
audit: $(VENV)/.dev ## known vulnerabilities in what is installed on the hosts
	@$(BIN)/python -m carscribe.audit

.PHONY: checkov
checkov: $(VENV)-checkov/.done ## policies of the Terraform configuration
	$(VENV)-checkov/bin/checkov --directory terraform --framework terraform --compact --quiet --skip-download

# Each of these waits for much of its time (for calls, for hosts that boot), so two run at once:
# the longest beside all others.
PARTS := test-deployment test-faults test-terraform test-hosts test-benchmark test-browser test-ansible test-exercise test-assignment test-clients
.PHONY: $(PARTS)
$(filter-out test-deployment test-faults,$(PARTS)): test-%:
	$(PYTEST) tests/$*
test-clients: $(VENV)-awscli/.done $(VENV)-new-boto3/.done $(VENV)-old-boto3/.done $(JAVASCRIPT)/node_modules/.package-lock.json
test-deployment test-faults: test-%:
	$(PYTEST) --numprocesses 2 --dist loadscope tests/$*

.PHONY: test
test: prerequisites-test check ## every check and test that CI runs
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(PARTS) checkov audit

.PHONY: conform
conform: prerequisites-up $(VENV)/.dev ## ask your AWS account what the emulator's tests ask, and say where it differs (10 cents at most; HOSTS=1 30 more; YES=1)
	@$(BIN)/python -m tests.conformance.conform

.PHONY: test-eyes
test-eyes: $(VENV)/.dev $(VENV)/.recognizer ## the recognizer with its real models
	$(PYTEST) tests/recognizer

.PHONY: exercise
exercise: $(VENV)/.dev ## what a worker B of your own lacks, on the emulator (CMD="python3 $PWD/my_worker_b.py")
	@$(PYTEST) tests/exercise/test_worker_b.py

.PHONY: faults
faults: prerequisites-test $(VENV)/.dev ## the whole matrix of faults, as a table, and of killed commands (an hour)
	@$(BIN)/python -m tests.faults.matrix
	FAULTS=full $(PYTEST) -s tests/deployment/test_kills.py

.PHONY: bench
bench: $(VENV)/.dev ## how fast it is, against references measured in the same run
	@$(BIN)/python -m benchmarks.run

.PHONY: screenshots
screenshots: prerequisites-test $(VENV)/.dev ## take the pictures of the results page for docs/
	@$(BIN)/python -m tests.browser.screenshots docs/images

.PHONY: recording
recording: prerequisites-demo $(VENV)/.dev $(VENV)-recording/.done ## record the terminal session of make demo for docs/
	@$(BIN)/python -m tests.recording docs/demo.svg docs/images/page-light.webp make demo

# --- for the project's own developers ----------------------------------------
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: lock
lock: $(VENV)/pyvenv.cfg ## make requirements/*.txt from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/lock.txt
	$(LOCK) $(UPGRADE) pyproject.toml --group dev -o requirements/dev.txt
	for group in hosts installer try deploy lock recognizer npm ansible-2.16; do \
	  $(LOCK) $(UPGRADE) pyproject.toml --group $$group -c requirements/dev.txt -o requirements/$$group.txt || exit; done
	for group in $(OWN_ENVIRONMENTS); do \
	  $(LOCK) $(UPGRADE) pyproject.toml --group $$group -o requirements/$$group.txt || exit; done
	cd $(JAVASCRIPT) && npm $(if $(UPGRADE),update,install) --package-lock-only --ignore-scripts
UPGRADE ?=
