# The commands of this project. `make` lists them and their knobs, which are variables: `make load ROUNDS=12 SINK=copy`.
# What a command does with its knobs stands in scripts/make.py and knobs.py.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The newest Python from 3.11 on that really starts and can make a virtual environment.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$p" -I -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV := .venv
# Without the PYTHON… variables of whoever runs it (interpreter.py), and never a program of $(VENV)/bin: each names the
# folder that the environment was made in, which may have been moved since.
RUN_PYTHON := "$(VENV)/bin/python" -E
# $(call own_python,FOLDER): an environment's own Python is p, and another one where it does not start.
own_python = p="$(1)/bin/python"; "$$p" -I -c "" 2>/dev/null || p=$$($(MAKE) -s --no-print-directory base-python) || exit 2
# $(call set_up,FOLDER,REQUIREMENTS): its own Python looks after an environment.
set_up = @$(call own_python,$(1)); "$$p" -E -B -m scripts.set_up "$(1)" $(2)
# $(call check,GOALS): refuse a variable on make's command line that is no knob of these.
check = $(call own_python,$(VENV)); "$$p" -E -B -m scripts.make check $(1)
# After what root may have run in a user's checkout (scripts/ownership.py).
GIVE := code=$$?; $(RUN_PYTHON) -B -m scripts.ownership; exit $$code
# Two processes; one of them runs all of a file, so that what its tests share is made once.
PYTEST := $(RUN_PYTHON) -m pytest -q -n 2 --dist loadscope

COMMANDS := load course sweep ui agent servers test-file doctor prove lab lab-check target crosscheck report open runs compare class gate export reproduce
CHECKS := bench soak screenshots servers-table
.PHONY: help setup base-python known-variables ready test-ready fuzz-ready examples fuzz test test-all lint lock assets clean $(COMMANDS) $(CHECKS)

## load: measure data paths in rounds (the course's three; MODES=all), profile them, write the report
## course: the chapter's own comparison: the whole file read and then sent, against sendfile
## sweep: curves over AXIS=size|chunk|connections|buffer-offset, and where they cross; RUN=name continues one
## ui: start the servers and Locust's web UI on 127.0.0.1:8089, with the live page at /bench/
## agent: run servers here for a load on another host
## servers: only start the servers: read-send on 8081, sendfile on 8082, …
## test-file: make data/SIZE/test-file.bin, reproducible bytes
## doctor: which data paths and features this machine has, and what to do about the others
## prove: what each data path really does here: copies, system calls, completions
## lab: write a data path to fill in, lab/NAME.py
## lab-check: try it as the tests try ours, prove what it does, and race it against sendfile
## target: write a server of your own into targets.toml, by its COMMAND
## crosscheck: compare the score's CPU time with perf, control groups, getrusage and ticks
## report: rebuild a report from its records alone
## open: open the latest report in the browser
## runs: list all runs with their verdicts, and draw each mode's cost from run to run
## compare: two runs side by side
## class: one page of REPORTS from many machines: what they show together, and how far they differ
## gate: is a run worse than another, or a mode than another of its run?
## export: a run as CSV, Parquet, JSON and Markdown
## reproduce: run again what a report came from
$(COMMANDS): ready
	@exec $(RUN_PYTHON) -m scripts.make $@

## bench: our own cost against a C floor and nginx, in campaigns; coverage of intervals; how long commands take
## soak: every data path against a random, seeded mixture of good and hostile peers
## screenshots: the README's pictures, of the report of a run and of the live page
## servers-table: the table of docs/servers.md, of a run that measured those servers
$(CHECKS): test-ready
	@exec $(RUN_PYTHON) -m scripts.make $@

## fuzz: a coverage-guided fuzzer over the head parser, the agent and the live page
fuzz: fuzz-ready
	@exec $(RUN_PYTHON) -m scripts.make $@

## examples: install what the Python and Node servers of examples/targets.toml need, into examples/
examples: ready
	$(call set_up,examples/.venv,examples/requirements.txt)
	@cd examples && npm ci --silent --no-audit --no-fund 2>/dev/null || echo "node-send is missing: npm, or the package send, cannot be had"
	@echo "ready: make load TARGETS=examples/targets.toml MODES=\"nginx-sendfile nginx-read sendfile\""

## test: what a contributor needs: pure parts, real servers on real sockets, one tiny campaign, the import rules
test: test-ready
	@$(PYTEST) -m "not slow and not browser and not engine"; $(GIVE)

## test-all: all other tests: browsers, external servers, 10,000 connections, workers, docker-compose.yml
test-all: test-ready
	@$(MAKE) -s otava-ready >/dev/null 2>&1 || echo "no reader of Apache Otava's checks what is exported: apache-otava cannot be had"
	@$(MAKE) -s examples >/dev/null || echo "the Python servers of examples/ are not tested: their packages cannot be had"
	@cd tests/axe && npm ci --silent --no-audit --no-fund 2>/dev/null || echo "pages are not checked with axe: npm, or axe-core, cannot be had"
	@cd tests/readers && npm ci --silent --no-audit --no-fund 2>/dev/null || echo "profiles are not opened with their readers: npm, or the readers, cannot be had"
	@$(PYTEST) -m "slow or browser or engine"; $(GIVE)

## lint: ruff and mypy --strict
lint: test-ready
	@{ $(RUN_PYTHON) -m ruff check . && $(RUN_PYTHON) -m ruff format --check . && $(RUN_PYTHON) -m mypy; }; $(GIVE)

## lock: pin what requirements*.in name, with hashes
lock: ready
	@$(RUN_PYTHON) -c 'from pathlib import Path; from scripts import set_up; set_up.pip(Path("$(VENV)"), "install", "--quiet", "uv==0.13.9")'
	@for f in requirements requirements-test requirements-fuzz requirements-otava examples/requirements; do \
		$(RUN_PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $$f.in -o $$f.txt || exit; done

## assets: bundle what pages draw with, from npm's pinned packages (after a change of an assets/build/ folder)
assets:
	@command -v npm >/dev/null || { echo "error: npm is not installed (Debian: npm)" >&2; exit 2; }
	@cd reports/assets/build && npm ci --silent && npm run build --silent
	@cd load/web/assets/build && npm ci --silent && npm run build --silent

## clean: remove what can be made again; runs and reports stay
clean:
	@test ! -x "$(VENV)/bin/python" || $(RUN_PYTHON) -m machine_lock
	@for made in "$(VENV)" examples/.venv; do test ! -e "$$made/.ready" || rm -rf "$$made"; done
	@rm -rf data build .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: profiles/out, reports/out, and any environment of your own; remove them by hand if you want them gone"

## setup: make .venv with what is pinned in requirements.txt, or look whether VENV=folder has it
setup: ready

# Before anything is set up: a variable on make's command line that is no knob of what is asked for is refused.
help assets clean ready test-ready fuzz-ready: known-variables
known-variables:
	@$(if $(MAKEOVERRIDES),$(call check,$(or $(MAKECMDGOALS),help)))

ready:
	$(call set_up,$(VENV),requirements.txt)

test-ready:
	$(call set_up,$(VENV),requirements.txt requirements-test.txt)

# Where there is no fuzzer for this Python, `make fuzz` says so and does nothing.
fuzz-ready:
	$(call set_up,$(VENV),requirements.txt requirements-test.txt requirements-fuzz.txt --optional)

otava-ready: ready
	$(call set_up,build/otava,requirements-otava.txt)

base-python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer that can make a virtual environment: install python3 and python3-venv, or give PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: $(PYTHON) is no Python 3.11 or newer: give another with PYTHON=" >&2; exit 2; }
	@echo "$(PYTHON)"

# A command that does not exist is an error, with a suggestion.
.DEFAULT:
	@"$(PYTHON)" -E -m scripts.make $@

## help: list these targets and their knobs
help:
	@echo "The bench for zero-copy: which data path should a file server use, what does it cost, and why?"
	@sed -n 's/^## \([a-z-]*\): \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'
	@p="$(PYTHON)"; test -z "$$p" || "$$p" -E -B -m scripts.make help
