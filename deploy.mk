# --- a deployment: hosts, bucket and queue, on AWS or on this machine -----------
# All of it is `carscribe COMMAND`, which says what each takes.
.PHONY: prerequisites-venv prerequisites-up prerequisites-demo prerequisites-test
prerequisites-venv prerequisites-up prerequisites-demo prerequisites-test: prerequisites-%:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3,))' 2> /dev/null || \
	  { echo "PYTHON is $(PYTHON), and that is no Python 3 here: say 'make PYTHON=/path/to/python3.11 ...'." >&2; exit 78; }
	@$(PYTHON) carscribe/prerequisites.py $*

$(VENV)/pyvenv.cfg: | prerequisites-venv

.PHONY: doctor
doctor: $(VENV)/.deploy ## what is missing, and what it will cost; makes nothing (TARGET=aws|local LAB=1 IMAGES=DIR)
	$(CARSCRIBE) doctor

.PHONY: plan
plan: $(VENV)/.deploy ## what up would change, and the cost (as up)
	$(CARSCRIBE) plan

.PHONY: up
up: prerequisites-up $(VENV)/.deploy $(RECOGNIZER_LAYER) ## make the hosts, bucket and queue, or mend them (TARGET=aws|local LAB=1 IMAGES=DIR EYES=1 VERBOSE=1)
	$(CARSCRIBE) up

.PHONY: backend
backend: $(VENV)/.deploy ## keep Terraform's state in S3, for a team (BUCKET=...)
	$(CARSCRIBE) backend

.PHONY: record
record: $(VENV)/.try ## keep the real Rekognition's answers beside your images (IMAGES=DIR YES=1)
	$(CARSCRIBE) record

.PHONY: run
run: $(VENV)/.deploy ## make a run and follow it to its end (RUN_ID=... goes on with one, YES=1 leaves one that has not ended)
	$(CARSCRIBE) run

.PHONY: results
results: $(VENV)/.deploy ## fetch the latest run, or RUN_ID=..., into results/ (THUMBNAILS=all)
	$(CARSCRIBE) results

.PHONY: status
status: $(VENV)/.deploy ## what is up, what runs, the queue, the last run, the cost
	$(CARSCRIBE) status

.PHONY: logs
logs: $(VENV)/.deploy ## the workers' journals (HOST=a|b LINES=50)
	$(CARSCRIBE) logs

.PHONY: ssh
ssh: $(VENV)/.deploy ## a shell on a host, or a command there (HOST=a|b CMD='...')
	$(CARSCRIBE) ssh

.PHONY: verify
verify: $(VENV)/.dev ## test the hosts that are up
	$(CARSCRIBE) verify

.PHONY: down
down: $(VENV)/.deploy ## remove everything, and say what is verified to be gone (YES=1)
	$(CARSCRIBE) down

.PHONY: demo
demo: prerequisites-demo $(VENV)/.deploy $(RECOGNIZER_LAYER) ## all of it on this machine: up, a run, its results, down
	$(CARSCRIBE) demo
