# `make crb` and `make test` are all a fresh machine needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VLLM := .venv-vllm
# With REPOSITORIES="<dir or URL> ..." the study of real clones is run, else the laptop's demo.
REPOSITORIES ?=
PROFILE ?= $(if $(strip $(REPOSITORIES)),profiles/clones,profiles/local)
comma := ,
empty :=
space := $(empty) $(empty)
CONFIG := $(if $(strip $(REPOSITORIES)),--config 'repositories=[$(subst $(space),$(comma),$(strip $(REPOSITORIES)))]',)

.PHONY: help setup vllm crb test check bench lab profiles defaults lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(READY) ## .venv with everything pinned in envs/cpu.txt

$(READY): envs/cpu.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "themis needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	# The list is complete, so nothing is resolved; modules are compiled when first imported.
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-compile --progress-bar off -r envs/cpu.txt | grep -vE '^(Requirement|Looking|  Downloading)' || true
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/themis --help > /dev/null
	touch $@

vllm: $(VLLM)/.ready ## .venv-vllm with vLLM, pinned in envs/vllm.txt, for models of the back end vllm

$(VLLM)/.ready: envs/vllm.txt pyproject.toml
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2> /dev/null || { echo "vLLM needs libnuma; on Debian: apt-get install libnuma1" >&2; exit 1; }
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --disable-pip-version-check --no-deps --no-compile --progress-bar off -r envs/vllm.txt | grep -vE '^(Requirement|Looking|  Downloading)' || true
	$(VLLM)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	$(VLLM)/bin/python -c 'from vllm import LLMEngine'
	$(VLLM)/bin/themis --help > /dev/null
	touch $@

crb: $(READY) ## the whole chain to results/crb.parquet and results/report.html
	@mkdir -p results
	export PATH="$(CURDIR)/$(BIN):$$PATH"
	flock --nonblock --conflict-exit-code 75 results/.lock snakemake results/crb.parquet results/report.html --profile $(PROFILE) $(CONFIG) \
	  || { code=$$?; [ $$code -ne 75 ] || echo "make: another run is going on in this folder" >&2; exit $$code; }
	themis summary results/crb.parquet --report results/report.html

test: $(READY) check ## form, lint and every test, the whole chain on a small corpus included
	$(BIN)/python -m pytest

check: $(READY) ## ruff, snakefmt and Snakemake's lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --profile profiles/local --lint

bench: $(READY) ## measure beside a peer: all benchmarks, or ONLY=name
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r envs/bench.txt
	$(BIN)/python -m tests.benchmarks $(ONLY)

lab: $(READY) ## JupyterLab on the notebooks
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r envs/lab.txt
	$(BIN)/jupyter lab --ip 127.0.0.1 notebooks

profiles: ## link the profiles where `snakemake --profile NAME` looks for them
	mkdir -p "$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake"
	for profile in local clones published; do ln -sfn "$(CURDIR)/profiles/$$profile" "$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake/$$profile"; done

defaults: $(READY) ## what is generated from the code: default settings, JSON schema, notebooks/reference
	$(BIN)/themis study-defaults profiles/defaults.yaml profiles/study.schema.json
	$(BIN)/themis reference notebooks/reference
	$(BIN)/snakemake --profile profiles/local --rulegraph dot -- results/crb.parquet results/report.html | $(BIN)/themis rule-graph - notebooks/reference/rules.svg

lock: $(READY) ## pin what is installed now
	{ head -n 1 envs/cpu.txt; $(BIN)/python -m pip freeze --exclude-editable --all --exclude pip | sed 's/+cpu$$//'; } > envs/cpu.txt.new
	mv envs/cpu.txt.new envs/cpu.txt

clean: ## remove results (asks nothing of .venv)
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
