# make annotate IMAGE=photo.jpg    everything else: make help
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
OUT ?= out
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
# The first interpreter that runs and is new enough: a pyenv shim on the path may do neither.
PYTHON ?= $(shell for p in python3 python python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)

.PHONY: help annotate demo test check bench pictures curves dist clean

help: ## List the targets
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/; s/^train-%/train-CONFIG/' | expand -t 18

annotate: $(VENV)/.base ## IMAGE=photo.jpg [OUT=folder]: write the pose map (PNG) and its keypoints (JSON)
	@test -n "$(IMAGE)" || { echo 'usage: make annotate IMAGE=photo.jpg [OUT=folder]' >&2; exit 2; }
	$(BIN)/dwpose annotate "$(IMAGE)" -o "$(OUT)/" --json

demo: $(VENV)/.demo ## ARGS="--port 7860 ...": the demo in a browser
	$(BIN)/python examples/gradio_app.py $(ARGS)

test: $(VENV)/.test ## Run every test, in an environment of its own with pinned versions
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.dev ## Lint, format check and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test ## Time each stage, for the bundled and for the large models
	$(BIN)/dwpose bench

train-%: $(VENV)/.train ## ARGS="--out runs/x ...": python -m train CONFIG (make train-configs lists them)
	$(BIN)/python -m train $* $(ARGS)

pictures: $(VENV)/.base ## Draw the pictures of README again, after a change of weights or drawing
	$(BIN)/python docs/make_pictures.py

curves: $(VENV)/.train ## Draw body AP against crops again, after a change of docs/training/ap.json
	$(BIN)/python docs/make_curves.py

dist: $(VENV)/.dev ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build --outdir dist .

clean: ## Remove what these targets made, the environment included
	rm -rf $(VENV) dist build out .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Stamp files: one install per change of pyproject.toml or constraints.txt, none otherwise.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'no python3 >= 3.10 found; name one with PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.train: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[train]'
	@touch $@ $(VENV)/.base

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[demo]'
	@touch $@ $(VENV)/.base

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[test]'
	$(PIP) --no-deps controlnet_aux==0.0.10
	@touch $@ $(VENV)/.base

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.base
