# Checkov pins old versions of what the project uses: an environment of its own.
CHECKOV_VENV := .venv-checkov

$(CHECKOV_VENV)/.installed: requirements/checkov.txt | $(VENV)/pyvenv.cfg
	@echo "Installing Checkov into $(CHECKOV_VENV) ..."
	@$(BIN)/python -m venv $(CHECKOV_VENV)
	@$(CHECKOV_VENV)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

.PHONY: checkov
checkov: $(CHECKOV_VENV)/.installed ## Checkov over the Terraform
	@$(CHECKOV_VENV)/bin/checkov --directory terraform --framework terraform --compact --quiet --skip-download
