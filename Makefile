# The commands of this project. `make` lists them and their knobs, which are variables: `make load ROUNDS=12 SINK=copy`.
# What a command does with its knobs stands in scripts/make.py and knobs.py.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The newest Python from 3.11 on that really starts and can make a virtual environment.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV := .venv
RUN_PYTHON := $(VENV)/bin/python
# Two processes; one of them runs all of a file, so that what its tests share is made once.
PYTEST := $(RUN_PYTHON) -m pytest -q -n 2 --dist loadscope

COMMANDS := load sweep ui agent servers test-file doctor prove crosscheck report open runs compare gate export reproduce
CHECKS := bench soak screenshots
.PHONY: help setup examples fuzz test test-all lint lock assets clean $(COMMANDS) $(CHECKS)

## load: measure data paths in rounds (the course's three; MODES=all), profile them, write the report
## sweep: curves over AXIS=size|chunk|connections|buffer-offset, and where they cross; RUN=name continues one
## ui: start the servers and Locust's web UI on 127.0.0.1:8089, with the live page at /bench/
## agent: run servers here for a load on another host
## servers: only start the servers: read-send on 8081, sendfile on 8082, …
## test-file: make data/test-file.bin, reproducible bytes
## doctor: which data paths and features this machine has, and what to do about the others
## prove: what each data path really does here: copies, system calls, completions
## crosscheck: compare the score's CPU time with perf, control groups, getrusage and ticks
## report: rebuild a report from its records alone
## open: open the latest report in the browser
## runs: list all runs with their verdicts, and draw each mode's cost from run to run
## compare: two runs side by side
## gate: is a run worse than another, or a mode than another of its run?
## export: a run as CSV, Parquet, JSON and Markdown
## reproduce: run again what a report came from
$(COMMANDS): $(VENV)/.ready
	@$(RUN_PYTHON) -m scripts.make $@

## bench: our own cost against a C floor and nginx, in campaigns; coverage of intervals; how long commands take
## soak: every data path against a random, seeded mixture of good and hostile peers
## screenshots: the README's pictures, of the report of a run and of the live page
$(CHECKS): $(VENV)/.test-ready
	@$(RUN_PYTHON) -m scripts.make $@

## fuzz: a coverage-guided fuzzer over the head parser
fuzz: $(VENV)/.fuzz-ready
	@$(RUN_PYTHON) -m scripts.make $@

## examples: install what the Python servers of examples/targets.toml need, into examples/.venv
examples: examples/.venv/.ready
	@echo "ready: make load TARGETS=examples/targets.toml MODES=\"nginx-sendfile nginx-read sendfile\""

## test: what a contributor needs: pure parts, real servers on real sockets, one tiny campaign, the import rules
test: $(VENV)/.test-ready
	@$(PYTEST) -m "not slow and not browser and not engine"

## test-all: all other tests: browsers, external servers, 10,000 connections, workers, docker-compose.yml
test-all: $(VENV)/.test-ready
	@$(MAKE) -s examples >/dev/null || echo "the Python servers of examples/ are not tested: their packages cannot be had"
	@$(PYTEST) -m "slow or browser or engine"

## lint: ruff and mypy --strict
lint: $(VENV)/.test-ready
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

## lock: pin what requirements*.in name, with hashes
lock: $(VENV)/.ready
	@$(RUN_PYTHON) -m pip install --quiet uv==0.13.9
	@for f in requirements requirements-test requirements-fuzz examples/requirements; do \
		$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $$f.in -o $$f.txt || exit; done

## assets: bundle what pages draw with, from npm's pinned packages (after a change of an assets/build/ folder)
assets:
	@command -v npm >/dev/null || { echo "error: npm is not installed (Debian: npm)" >&2; exit 2; }
	@cd reports/assets/build && npm ci --silent && npm run build --silent
	@cd load/web/assets/build && npm ci --silent && npm run build --silent

## clean: remove what can be made again; runs and reports stay
clean:
	@rm -rf $(VENV) examples/.venv data build .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: profiles/out and reports/out; remove them by hand if you want them gone"

## setup: make .venv with what is pinned in requirements.txt
setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer that can make a virtual environment: install python3 and python3-venv, or give PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: $(PYTHON) is no Python 3.11 or newer: give another with PYTHON=" >&2; exit 2; }
	@$(if $(MAKEOVERRIDES),"$(PYTHON)" -m scripts.make check $(MAKECMDGOALS))
	@echo "setting up $(VENV) with $$("$(PYTHON)" --version) (once)"
	@test -x $(RUN_PYTHON) && test "$$($(RUN_PYTHON) -c 'import sys; print(sys.version)' 2>/dev/null)" = "$$("$(PYTHON)" -c 'import sys; print(sys.version)')" \
		&& $(RUN_PYTHON) -m pip --version >/dev/null 2>&1 \
		|| { rm -rf $(VENV) && "$(PYTHON)" -m venv $(VENV); }
	@$(RUN_PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.test-ready: requirements-test.txt $(VENV)/.ready
	@$(RUN_PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-test.txt
	@touch $@

# Where there is no fuzzer for this Python, `make fuzz` says so and does nothing.
$(VENV)/.fuzz-ready: requirements-fuzz.txt $(VENV)/.test-ready
	@$(RUN_PYTHON) -m pip install -qq --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-fuzz.txt || true
	@touch $@

examples/.venv/.ready: examples/requirements.txt $(VENV)/.ready
	@test -x examples/.venv/bin/pip || $(RUN_PYTHON) -m venv examples/.venv
	@examples/.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r examples/requirements.txt
	@touch $@

# A command that does not exist is an error, with a suggestion.
.DEFAULT:
	@"$(PYTHON)" -m scripts.make $@

## help: list these targets and their knobs
help:
	@echo "The bench for zero-copy: which data path should a file server use, what does it cost, and why?"
	@sed -n 's/^## \([a-z-]*\): \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'
	@test -z "$(PYTHON)" || "$(PYTHON)" -m scripts.make help
