# --- a deployment: hosts, bucket and queue, on AWS or on this machine -----------
# Everything after this is `python -m carscribe...`, which says what it runs.
TARGET ?=
HOST ?=
LAB ?=
LINES ?= 50
RUN_ID ?=
YES ?=
TERRAFORM_ARGUMENTS ?=
DEPLOY := $(BIN)/python -m carscribe.deploy

.PHONY: prerequisites-venv prerequisites-up prerequisites-demo prerequisites-test
prerequisites-venv prerequisites-up prerequisites-demo prerequisites-test: prerequisites-%:
	@$(PYTHON) carscribe/prerequisites.py $*

$(VENV)/pyvenv.cfg: | prerequisites-venv

# What the caller named; a default folder of images needs no word.
NAMED_IMAGES = $(if $(filter file,$(origin IMAGES)),,--images "$(IMAGES)")

.PHONY: doctor
doctor: $(VENV)/.dev ## what is missing, and what it will cost; makes nothing (TARGET=aws|local LAB=1)
	@$(BIN)/python -m carscribe.before --target "$(TARGET)" $(if $(LAB),--lab) $(NAMED_IMAGES) -- $(TERRAFORM_ARGUMENTS)

.PHONY: up
up: prerequisites-up $(VENV)/.dev $(EYES_LAYER) ## make the hosts, bucket and queue, or mend them (TARGET=aws|local LAB=1 IMAGES=DIR EYES=1)
	@$(DEPLOY) up --target "$(TARGET)" $(if $(LAB),--lab) \
	  $(NAMED_IMAGES) -- $(TERRAFORM_ARGUMENTS)

.PHONY: record
record: $(VENV)/.dev ## keep the real Rekognition's answers beside your images (IMAGES=DIR YES=1)
	@$(BIN)/python -m carscribe.record "$(IMAGES)" $(if $(YES),--yes)

.PHONY: run
run: $(VENV)/.dev ## make a run and follow it to its end (RUN_ID=... goes on with one, YES=1 asks nothing)
	@$(DEPLOY) run --run-id "$(RUN_ID)" $(if $(YES),--yes)

.PHONY: results
results: $(VENV)/.dev ## fetch the latest run, or RUN_ID=..., into results/
	@$(DEPLOY) results --run-id "$(RUN_ID)"

.PHONY: status
status: $(VENV)/.dev ## what is up, what runs, the queue, the last run
	@$(BIN)/python -m carscribe.look status

.PHONY: logs
logs: $(VENV)/.dev ## the workers' journals (HOST=a|b LINES=50)
	@$(BIN)/python -m carscribe.look logs --host "$(HOST)" --lines "$(LINES)"

.PHONY: ssh
ssh: $(VENV)/.dev ## a shell on a host (HOST=a|b)
	@$(BIN)/python -m carscribe.look ssh --host "$(HOST)"

.PHONY: verify
verify: $(VENV)/.dev ## test the hosts that are up
	@$(DEPLOY) verify

.PHONY: down
down: $(VENV)/.dev ## remove everything, and say what is verified to be gone
	@$(DEPLOY) down

.PHONY: demo
demo: prerequisites-demo $(VENV)/.dev $(EYES_LAYER) ## all of it on this machine: up, a run, its results, down
	@$(DEPLOY) demo
