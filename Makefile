# Every target makes the environment first if it is missing. `make` alone lists the targets.
PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
else
BIN    := $(VENV)/bin
endif
# JupyterLab asks at its first start whether it may fetch news; the course works without network.
QUIET  := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
FIRST  := $(firstword $(sort $(wildcard notebooks/*.ipynb)))

.PHONY: help lab test lessons train slides clean
.DEFAULT_GOAL := help

help:            ## list the targets
	@awk -F ':.*## *' '/^[a-z]+:.*##/ {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(READY)    ## open JupyterLab at the first lesson   (ARGS="--no-browser" and the like)
	$(BIN)/jupyter lab $(ARGS) $(FIRST)

test: $(READY)   ## run all tests, pytest --nbval notebooks solutions among them
	$(BIN)/python -m pytest --nbval tests notebooks solutions $(ARGS)

lessons: $(READY) ## rebuild the notebooks whose source changed
	$(BIN)/python -m tools.lessons

train: $(READY)  ## train a lesson's models and rerun its experiments (LESSON=02; hours; resumes)
	$(BIN)/python -m tools.train $(LESSON)

slides: $(READY) ## render the slide decks into build/slides (needs npm)
	$(BIN)/python -m tools.slides

clean:           ## remove the environment and everything that was built
	rm -rf $(VENV) build

# The stamp is written last: without it the next call starts from nothing, so an installation
# that failed or was killed leaves nothing half-made.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python cannot make environments; on Debian: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing the course into $(VENV) (once; a few minutes, about 8 GB)"
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	   $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[test]'; } || \
	  { rm -rf $(VENV); echo "The installation failed; nothing was kept. Try again: make lab"; exit 1; }
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '$(QUIET)' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@
