# Two commands matter: `make figures` and `make test`. Both build what they need first. `make` alone explains the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PROFILE ?= $(or $(MMLIB_PROFILE),quick)
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
RESULTS ?= $(or $(MMLIB_RESULTS),results)
GPUS ?= $(shell nvidia-smi -L 2>/dev/null | grep -c '^GPU ' || true)
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.mmlib-installed
STARTED := $(VENV)/.mmlib-installing
GPU_PYTHON ?= $(if $(wildcard $(PY)),$(PY),python3)

# Wrong options end here, in words: what is not looked at would hang, or be taken apart by the shell.
one_number = $(and $(filter 1,$(words $(1))),$(if $(call not_digits,$(1)),,1))
not_digits = $(subst 0,,$(subst 1,,$(subst 2,,$(subst 3,,$(subst 4,,$(call no_high_digits,$(1)))))))
no_high_digits = $(subst 5,,$(subst 6,,$(subst 7,,$(subst 8,,$(subst 9,,$(1))))))
IN_NO_PATH := " ' ` { } [ ] ( ) < > * ? ; & | \ \#
ifeq ($(and $(filter 1,$(words $(PROFILE))),$(filter smoke quick full,$(PROFILE))),)
$(error PROFILE is '$(PROFILE)': expected smoke, quick or full)
endif
ifeq ($(and $(call one_number,$(JOBS)),$(filter-out 0 00 000,$(JOBS))),)
$(error JOBS is '$(JOBS)': expected how many processes may work at once, a whole number from 1 on)
endif
ifeq ($(call one_number,$(GPUS)),)
$(error GPUS is '$(GPUS)': expected how many GPUs to use, a whole number, 0 for none)
endif
ifneq ($(and $(filter command environment,$(firstword $(origin RESULTS))),$(findstring $$,$(value RESULTS))),)
$(error make cannot work with a $$ in a path: RESULTS is '$(value RESULTS)'. Name another folder)
endif
ifneq ($(words $(RESULTS) $(CURDIR)),2)
$(error make cannot work with a blank in a path: RESULTS is '$(RESULTS)', this folder is '$(CURDIR)'. Name others)
endif
ifneq ($(strip $(foreach sign,$(IN_NO_PATH),$(findstring $(sign),$(RESULTS)$(CURDIR)))),)
$(error make cannot work with quotes, braces and the like in a path: RESULTS is '$(RESULTS)', this folder is '$(CURDIR)')
endif
# What a results folder holds; `make clean` removes these and nothing else.
MADE := batches engine engine.lock engine.txt figures notebooks runs site .site.* sources variants complete.json \
  plan.json
export MMLIB_PROFILE := $(PROFILE)
export MMLIB_RESULTS := $(abspath $(RESULTS))
# Sums in several threads have other last digits, so every number of the suite is computed in one.
export OMP_NUM_THREADS := 1

.PHONY: help env data figures test lab notebooks gpu-check lock clean FORCE

help:
	@echo 'make figures    run every notebook; leaves results/figures, results/notebooks and results/site'
	@echo 'make test       run every test: unit, golden numbers, notebooks'
	@echo 'make lab        open the notebooks in JupyterLab'
	@echo 'make env        only create or update the environment in $(VENV)'
	@echo 'make data       only fetch and convert the data sets'
	@echo 'make notebooks  run the notebooks (quick profile) and put the outputs into notebooks/, to be committed'
	@echo 'make gpu-check  compare CPU and GPU; needs only PyTorch, NumPy and pytest in GPU_PYTHON ($(GPU_PYTHON))'
	@echo 'make lock       write constraints.txt from what is installed in $(VENV)'
	@echo 'make clean      remove what was made in the results folder, and nothing else'
	@echo
	@echo 'Options: PROFILE=smoke|quick|full ($(PROFILE)), JOBS=processes at once ($(JOBS)), RESULTS=folder ($(RESULTS)),'
	@echo 'GPUS=how many to use, one per job ($(GPUS)), PYTHON=interpreter ($(PYTHON)),'
	@echo 'ENV=here to use the active environment (conda, say) and no $(VENV)'

ifeq ($(ENV),here)
PY := python
env:
	@$(PY) -c 'import mmlib' || { echo 'ENV=here needs an active environment with mmlib in it: see README.md' >&2; exit 1; }
else
env: $(STAMP)
endif

# The stamp holds the folder: an environment that was moved or lost its Python is installed again.
ifneq ($(shell cat $(STAMP) 2>/dev/null && $(PY) -c '' 2>&1),$(CURDIR))
$(STAMP): FORCE
endif

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'mmlib needs Python >= 3.11, but $(PYTHON) is' "$$($(PYTHON) --version 2>&1 || true)": \
	    'name a newer one, as in  make PYTHON=python3.12 $(or $(MAKECMDGOALS),env)' >&2; exit 1; }
	@if [ -e $(STARTED) ] || ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  echo 'Creating the environment in $(VENV)'; $(PYTHON) -m venv --clear $(VENV); fi
	@rm -f $(STAMP); touch $(STARTED)
	@echo 'Installing mmlib and what it needs into $(VENV) (minutes the first time)'
	@$(PY) -m pip install --disable-pip-version-check --quiet --progress-bar off -c constraints.txt -e '.[test]'
	@echo '$(CURDIR)' > $(STAMP); rm -f $(STARTED)

data: env
	@$(PY) -m data_prep all

figures: env
	@mkdir -p '$(MMLIB_RESULTS)/engine' 2>/dev/null && test -w '$(MMLIB_RESULTS)/engine' || { \
	  echo '$(MMLIB_RESULTS) cannot be written: name another folder, as in  make figures RESULTS=/data/mmlib' >&2; exit 1; }
	@$(PY) -m snakemake --profile profiles/local --directory $(MMLIB_RESULTS)/engine --cores $(JOBS) \
	  $(if $(filter-out 0,$(GPUS)),--resources gpu=$(GPUS) --config gpu=1)

test: env data
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	MMLIB_PROFILE=smoke MMLIB_RESULTS="$$folder" $(PY) -m pytest -n $(JOBS) --dist loadfile \
	  --nbval-lax --nbval-current-env tests notebooks

lab: env data
	@$(PY) -m mmlib.notebooks.lab_copies  # into the results folder, so that the checkout stays as it is
	@$(PY) -m jupyterlab --notebook-dir='$(MMLIB_RESULTS)/lab'

notebooks: export MMLIB_PROFILE := quick
notebooks: figures
	@printf '%s\n' notebooks/*.ipynb | xargs -n 1 $(PY) -m mmlib refresh
	@cp $(MMLIB_RESULTS)/figures/start_left_behind.png notebooks/  # the picture in README.md

gpu-check:
	@$(GPU_PYTHON) tests/benchmarks/gpu_check.py

lock: env
	@$(PY) .ci/lock.py > constraints.txt.new
	@mv constraints.txt.new constraints.txt

# Only what this project makes, and only in a folder in which it was made.
clean:
	@if [ ! -e '$(MMLIB_RESULTS)' ]; then echo '$(MMLIB_RESULTS) is not there: nothing to remove'; \
	elif [ ! -e '$(MMLIB_RESULTS)/engine.lock' ] && ! ls '$(MMLIB_RESULTS)'/runs/*/spec.json >/dev/null 2>&1; then \
	  echo '$(MMLIB_RESULTS) is not a results folder (no engine.lock and no runs/*/spec.json in it): nothing was removed' >&2; \
	  exit 1; \
	else cd '$(MMLIB_RESULTS)' && rm -rf $(MADE) && cd / && { rmdir '$(MMLIB_RESULTS)' 2>/dev/null || \
	  echo '$(MMLIB_RESULTS) is kept, as it holds other files'; }; fi
