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
TOOLS := .venv-tools
# The build of PyTorch in a new environment: cpu, or cuda for NVIDIA GPUs.
TORCH ?= cpu
$(if $(filter cpu cuda,$(TORCH)),,$(error TORCH=$(TORCH) is neither cpu nor cuda))
LOCKS := $(if $(filter cuda,$(TORCH)),envs/cuda.txt,envs/torch.txt envs/cpu.txt)
VLLM_LOCKS := $(if $(filter cuda,$(TORCH)),envs/vllm-cuda.txt,envs/torch.txt envs/vllm.txt)
# The locks are complete, so nothing is resolved; no file goes in without its hash; modules are compiled when first imported.
INSTALL := -m pip install --disable-pip-version-check --no-deps --require-hashes --no-compile --progress-bar off
WHEELS := $(INSTALL) --only-binary :all:
NEWS := { grep -vE '^(Requirement|Looking|  Downloading)' || true; }
NO_TORCH := If torch is what pip did not find: name PyTorch's index of CPU builds in PIP_EXTRA_INDEX_URL, or take TORCH=cuda (notebooks/howto/install.md)
# Processes that tests run in, of one thread each.
WORKERS ?= 2
# With REPOSITORIES="<dir or URL> ..." the study of real clones is run, else the laptop's demo.
REPOSITORIES ?=
PROFILE ?= $(if $(strip $(REPOSITORIES)),profiles/clones,profiles/local)
comma := ,
empty :=
space := $(empty) $(empty)
CONFIG := $(if $(strip $(REPOSITORIES)),--config 'repositories=[$(subst $(space),$(comma),$(strip $(REPOSITORIES)))]',)

.PHONY: help setup vllm crb test check bench lab profiles defaults lock audit clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

setup: $(READY) ## .venv with everything locked in envs/; TORCH=cuda for NVIDIA GPUs

$(READY): $(LOCKS) envs/source.txt pyproject.toml
	@$(PYTHON) -c 'import platform, sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13) and platform.system() == "Linux" and platform.machine() == "x86_64"))' || { echo "themis needs Python 3.11 to 3.13 on Linux for x86-64; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python $(WHEELS) $(addprefix -r ,$(LOCKS)) | $(NEWS) || { echo "$(NO_TORCH)" >&2; exit 1; }
	# A build of its own environment would fetch setuptools unchecked.
	$(BIN)/python $(INSTALL) --quiet --no-build-isolation -r envs/source.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/themis --help > /dev/null
	touch $@

vllm: $(VLLM)/.ready ## .venv-vllm with vLLM, locked likewise, for models of the back end vllm

$(VLLM)/.ready: $(VLLM_LOCKS) pyproject.toml
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2> /dev/null || { echo "vLLM needs libnuma; on Debian: apt-get install libnuma1" >&2; exit 1; }
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python $(WHEELS) $(addprefix -r ,$(VLLM_LOCKS)) | $(NEWS) || { echo "$(NO_TORCH)" >&2; exit 1; }
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

test: $(READY) check ## form, lint and every test, the whole chain on a small corpus included, in WORKERS processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --durations 15

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
	for profile in local clones published paper slurm; do ln -sfn "$(CURDIR)/profiles/$$profile" "$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake/$$profile"; done

defaults: $(READY) ## what is generated from the code: default settings, JSON schema, notebooks/reference
	$(BIN)/themis study-defaults profiles/defaults.yaml profiles/study.schema.json
	$(BIN)/themis reference notebooks/reference
	$(BIN)/snakemake --profile profiles/local --rulegraph dot -- results/crb.parquet results/report.html | $(BIN)/themis rule-graph - notebooks/reference/rules.svg

$(TOOLS)/.ready: envs/tools.txt
	@$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python $(WHEELS) --quiet -r envs/tools.txt
	touch $@

# That a lock holds on all machines of pyproject.toml need not stand at each line of it.
lock: $(TOOLS)/.ready ## renew the locks of envs/ from its *.in; releases stay where they can, UPGRADE=1 takes the newest
	@lock() { $(TOOLS)/bin/uv pip compile --quiet $(if $(UPGRADE),--upgrade) --custom-compile-command 'make lock' --output-file "$$@"; }
	cpu="--excludes envs/cpu-excludes.txt --overrides envs/cpu-overrides.txt --no-emit-package torch"
	lock envs/cpu.txt envs/cpu.in $$cpu --no-emit-package connection-pool
	lock envs/vllm.txt envs/vllm.in $$cpu
	lock envs/source.txt envs/source.in --no-deps
	lock envs/tools.txt envs/tools.in
	# With CUDA the same releases, but where they exclude each other.
	cp envs/cpu.txt envs/cuda.new.txt
	lock envs/cuda.new.txt envs/cpu.in --no-emit-package connection-pool
	mv envs/cuda.new.txt envs/cuda.txt
	cp envs/vllm.txt envs/vllm-cuda.new.txt
	lock envs/vllm-cuda.new.txt envs/vllm-cuda.in
	mv envs/vllm-cuda.new.txt envs/vllm-cuda.txt
	sed -i "s/ ; python_full_version < '3.14' and platform_machine == 'x86_64' and sys_platform == 'linux' / /" envs/{cpu,cuda,vllm,vllm-cuda,source,tools}.txt

audit: $(READY) $(VLLM)/.ready $(TOOLS)/.ready ## licences of all that is locked, to notebooks/reference; known vulnerabilities
	$(TOOLS)/bin/python envs/audit.py licences notebooks/reference/licences.md $(BIN)/python $(VLLM)/bin/python
	$(TOOLS)/bin/python envs/audit.py vulnerabilities

clean: ## remove results (asks nothing of .venv)
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
