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
# An uploaded photograph is one message, and Jupyter drops those above 10 MB without a word. Jupyter
# refuses to start for root (containers, many servers) unless told that root is meant.
LAB    := --ServerApp.tornado_settings="{'websocket_max_message_size': 209715200}" \
          $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)
# Two processes share the test files. A file stays in one of them; what takes long does not.
PYTEST := $(BIN)/python -m pytest -n 2

.PHONY: help lab studio browser serverless quantize test stress lint lessons new experiment stale site kit wheelhouse slides clean
.DEFAULT_GOAL := help

help:            ## list the targets
	@awk -F ':.*## *' '/^[a-z]+:.*##/ {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(READY)    ## open JupyterLab at the first lesson   (ARGS="--no-browser" and the like)
	$(BIN)/jupyter lab $(LAB) $(ARGS) $(FIRST)

studio: $(READY) ## open the studio: accounts, uploads, history, on this machine   (ARGS="--port 8001")
	$(BIN)/python -m deploy.studio serve $(ARGS)

browser: $(READY) ## build the page that colorizes in a visitor's browser, into build/browser   (needs npm once)
	$(BIN)/python -m deploy.browser $(ARGS)

serverless: $(READY) ## build a function's package with one model, into build/serverless   (MODEL=04_pretrained_fusion)
	$(BIN)/python -m deploy.serverless $(or $(MODEL),04_pretrained_fusion) $(ARGS)

quantize: $(READY) ## write the colorizers that pass the gate as int8, into build/int8
	$(BIN)/python -m deploy.int8 $(ARGS)

test: $(READY)   ## run the tests, pytest --nbval notebooks solutions among them   (15 minutes)
	$(PYTEST) --dist loadfile --nbval tests notebooks solutions $(ARGS)

stress: $(READY) ## run the tests that take long: kills, load, grading of every lesson   (30 minutes)
	$(PYTEST) --dist worksteal -m stress tests $(ARGS)

lint: $(READY)   ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

lessons: $(READY) ## rebuild the notebooks whose source changed
	$(BIN)/python -m tools.lessons

new: $(READY)    ## begin a lesson: its source, checks, cases and line in the README   (LESSON=12_name)
	@$(if $(LESSON),,echo "Name the lesson: make new LESSON=12_name"; exit 1)
	$(BIN)/python -m tools.new_lesson $(LESSON)

experiment: $(READY) ## list the experiments, or run one   (NAME=06/paintbox; FRESH=1 forgets its state)
	$(BIN)/python -m experiments $(NAME) $(if $(FRESH),--fresh)

stale: $(READY)  ## name what was measured on something that is no longer there
	$(BIN)/python -m experiments.stale

site: $(READY)   ## build the course's web site into build/site   (needs npm once)
	$(BIN)/python -m tools.website $(ARGS)

kit: $(READY)    ## make the instructor's kit in build/kit   (ARGS="--students 30 --seed 1 --lessons 01 02")
	$(BIN)/python -m tools.kit $(ARGS)

wheelhouse: $(READY) ## fetch every package for a room without network, into build/wheelhouse
	$(BIN)/python -m pip wheel --quiet --wheel-dir build/wheelhouse -c constraints.txt '.[keras,torch,fastai,onnx,scores,lab,heif,video,studio]'

slides: $(READY) ## render the slide decks into build/slides   (needs npm once)
	$(BIN)/python -m tools.slides

clean:           ## remove the environment and everything that was built
	rm -rf $(VENV) build

# The stamp is written last: without it the next call starts from nothing, so an installation
# that failed or was killed leaves nothing half-made. Bytecode is compiled here, once: where Python
# is told to write none, every process would compile all that it imports again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed (TensorFlow is not published for newer ones);" \
	    "name one: make PYTHON=python3.12"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python cannot make environments; on Debian: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing the course into $(VENV) (once; a few minutes, about 8 GB)"
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	   $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[test]'; } || \
	  { rm -rf $(VENV); echo "The installation failed; nothing was kept. Try again: make lab"; exit 1; }
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '$(QUIET)' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@
