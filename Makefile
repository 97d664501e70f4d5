# The commands of this project. `make` lists them; knobs are variables, as in `make load ROUNDS=12 SINK=copy`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup load sweep ui agent servers test-file examples doctor prove crosscheck report open runs compare gate export reproduce bench scale screenshots soak fuzz test test-compose lint lock assets clean

# The newest Python from 3.11 on that really starts and can make a virtual environment.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV := .venv
RUN_PYTHON := $(VENV)/bin/python

# At a pace, a hundred downloads and more are to start in every window.
SIZE ?= $(if $(filter-out saturated,$(PACE)),1MiB,256MiB)
# A knob that is set becomes an option of the same name.
option = $(if $($(1)),--$(2) $($(1)))
quoted = $(if $($(1)),'--$(2)=$($(1))')
WORKER_KNOBS = $(call quoted,WORKERS,workers) $(call quoted,MASTER,master)
AGENT_KNOBS = $(call quoted,AGENT,agent) $(call quoted,AGENT_TOKEN_FILE,agent-token-file) $(call quoted,AGENT_CA,agent-ca)
KNOBS = $(call option,MODES,modes) $(call quoted,BASELINE,baseline) $(call quoted,ROUNDS,rounds) \
	$(call quoted,WINDOW,window) $(call quoted,WARM_UP,warm-up) $(call quoted,PROFILE,profile) $(call quoted,USERS,users) \
	$(call quoted,GIB_PER_DAY,gib-per-day) $(call quoted,SINK,sink) $(call quoted,PIN,pin) \
	$(call quoted,PRECISION,precision) $(call quoted,RETRIES,retries) $(call quoted,CALIBRATE,calibrate) \
	$(call quoted,PACE,pace) $(call quoted,CACHE,cache) \
	$(call quoted,SEED,seed) $(call quoted,RUN,run) $(foreach o,$(OPTIONS),--option '$(o)') $(AGENT_KNOBS) $(WORKER_KNOBS)
# SIZE is only passed on where it was given: a sweep that is gone on with knows its own.
SWEEP_KNOBS = $(call quoted,AXIS,axis) $(call option,POINTS,points) $(call option,MODES,modes) \
	$(call quoted,MINUTES,minutes) $(call quoted,ROUNDS,rounds) $(call quoted,WINDOW,window) \
	$(call quoted,WARM_UP,warm-up) $(call quoted,USERS,users) $(if $(filter-out file,$(origin SIZE)),'--size=$(SIZE)') \
	$(call quoted,SINK,sink) $(call quoted,PIN,pin) $(call quoted,SEED,seed) $(call quoted,RUN,run) \
	$(foreach o,$(OPTIONS),--option '$(o)')
# Knobs of a campaign that a sweep has no use for, where they were given.
UNSWEPT = $(strip $(foreach k,AGENT MASTER WORKERS NETNS PACE CACHE BASELINE PRECISION RETRIES CALIBRATE PROFILE GIB_PER_DAY,$(if $(filter-out 0 saturated warm,$($(k))),$(k))))

help: ## list these targets
	@echo "The bench for zero-copy: which data path should a file server use, what does it cost, and why?"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "%-19s %s\n", $$1, $$2 }'
	@echo "Knobs of load: MODES=\"read-send sendfile\" ROUNDS=12 WINDOW=2 USERS=4 SIZE=256MiB SINK=discard|copy RUN=name"
	@echo "               PRECISION=0.05 RETRIES=2 CALIBRATE=1 (measures this machine's A/A floor)"
	@echo "               PACE=saturated|auto|200MiB/s|both (the same rate for every mode; SIZE is 1MiB then) CACHE=warm|cold"
	@echo "               BASELINE=mode WARM_UP=0.5 PROFILE=3 SEED=n PIN=0 OPTIONS=\"read-send.chunk=64KiB\" PYTHON=interpreter"
	@echo "               (WINDOW=0.3 and WARM_UP=0.25 are the defaults from 5 modes on)"
	@echo "               WORKERS=n, processes that share the users (MASTER=host:port waits for workers from other hosts)"
	@echo "               NETNS=1, servers and load in network namespaces of their own, as root (RATE=1gbit MTU=1500)"
	@echo "               AGENT=host:port AGENT_TOKEN_FILE=file AGENT_CA=file, for servers on another host (make agent)"
	@echo "               TARGETS=file, servers of your own to measure beside ours (docs/targets.md)"
	@echo "               GIB_PER_DAY=n, the traffic to count the cores saved for"

load: $(VENV)/.ready ## measure data paths in rounds (the course's three; MODES=all), profile them, and write the report
	@test -n '$(filter-out 0,$(NETNS))' -o -z '$(RATE)$(MTU)' || { echo "error: RATE and MTU are of the link that NETNS=1 makes: give NETNS=1 too, or leave them out" >&2; exit 2; }
	$(if $(AGENT),,@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)')
	@$(RUN_PYTHON) -m $(if $(filter-out 0,$(NETNS)),scripts.netns $(call quoted,RATE,rate) $(call quoted,MTU,mtu),scripts.load) $(KNOBS)

sweep: $(VENV)/.ready ## curves over AXIS=size|chunk|connections|buffer-offset, and where they cross (MINUTES=10 POINTS=…; RUN=name goes on)
	@test -z '$(UNSWEPT)' || { echo "error: a sweep is of this machine, saturated, from the page cache: leave out $(UNSWEPT)" >&2; exit 2; }
	@$(RUN_PYTHON) -m scripts.sweep $(SWEEP_KNOBS)

ui: $(VENV)/.ready ## start the servers and Locust's web UI on 127.0.0.1:8089, with the live page at /bench/
	$(if $(AGENT),,@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)')
	@$(VENV)/bin/locust -f locustfile.py $(AGENT_KNOBS)

agent: $(VENV)/.ready ## run servers here for a load on another host (LISTEN=address:port TOKEN_FILE=file TLS_CERT=file TLS_KEY=file)
	@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)'
	@$(RUN_PYTHON) -m profiles.agent $(call quoted,LISTEN,listen) $(call quoted,TOKEN_FILE,token-file) \
	$(call quoted,TLS_CERT,tls-cert) $(call quoted,TLS_KEY,tls-key)

servers: $(VENV)/.ready ## only start the servers: read-send on 8081, sendfile on 8082, …
	@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)'
	@$(RUN_PYTHON) -m servers $(MODES)

test-file: $(VENV)/.ready ## make data/test-file.bin, reproducible bytes (SIZE=256MiB)
	@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)'

examples: examples/.venv/.ready ## what the Python servers of examples/targets.toml need, into examples/.venv
	@echo "ready: make load TARGETS=examples/targets.toml MODES=\"nginx-sendfile nginx-read sendfile\""

doctor: $(VENV)/.ready ## which data paths and features this machine has, and what to do about the others
	@$(RUN_PYTHON) -m scripts.doctor

prove: $(VENV)/.ready ## what each data path really does here: copies, system calls, completions
	@$(RUN_PYTHON) -m scripts.prove $(call option,MODES,modes)

crosscheck: $(VENV)/.ready ## the score's CPU time, held against perf, control groups, getrusage and ticks
	@$(RUN_PYTHON) -m scripts.test_file --size '$(SIZE)'
	@$(RUN_PYTHON) -m scripts.crosscheck $(call option,MODES,modes)

open: $(VENV)/.ready ## open the latest report in the browser (RUN=name)
	@$(RUN_PYTHON) -m scripts.open $(if $(RUN),'$(RUN)')

runs: $(VENV)/.ready ## list all runs with their verdicts, and draw each mode's cost from run to run
	@$(RUN_PYTHON) -m scripts.runs

compare: $(VENV)/.ready ## two runs side by side (A=name B=name, default of B: the latest)
	@$(RUN_PYTHON) -m scripts.compare $(if $(A),'$(A)') $(if $(B),'$(B)')

gate: $(VENV)/.ready ## is a run worse than another? (BASELINE=run MAX=1.05 RUN=name JUDGE=relative|direct JUNIT=path)
	@$(RUN_PYTHON) -m scripts.gate $(call quoted,BASELINE,baseline) $(call quoted,RUN,run) $(call quoted,MAX,max) \
	$(call quoted,JUDGE,judge) $(call option,MODES,modes) $(call quoted,JUNIT,junit) $(call quoted,FORMAT,format)

export: $(VENV)/.ready ## the rounds of a run as CSV and Parquet (RUN=name, default: the latest; FORMAT=csv|parquet)
	@$(RUN_PYTHON) -m scripts.export $(if $(RUN),'$(RUN)') $(call quoted,FORMAT,format)

reproduce: $(VENV)/.ready ## run again what a report came from (REPORT=path/index.html, RUN=name; SHOW=1 only shows it)
	@$(RUN_PYTHON) -m scripts.reproduce $(if $(REPORT),'$(REPORT)') $(call quoted,RUN,run) $(if $(SHOW),--show)

report: $(VENV)/.ready ## rebuild a report from its records alone (RUN=name, default: the latest; GIB_PER_DAY=n)
	@$(RUN_PYTHON) -m scripts.report $(if $(RUN),'$(RUN)') $(call quoted,GIB_PER_DAY,gib-per-day)

bench: $(VENV)/.test-ready ## our own cost against a C floor and nginx, in one interleaved run (ONLY=floor|nginx|small-files|known-effects|live|precision|report|sampler|targets|memory|profiling|workers)
	@$(RUN_PYTHON) -m tests.bench $(call quoted,ONLY,only)

soak: $(VENV)/.test-ready ## every data path against a random, seeded mixture of good and hostile peers (MINUTES=2 SEED=n MODES=…)
	@$(RUN_PYTHON) -m tests.soak $(call quoted,MINUTES,minutes) $(call quoted,SEED,seed) $(call option,MODES,modes)

fuzz: $(VENV)/.fuzz-ready ## a coverage-guided fuzzer over the head parser (MINUTES=1; INPUT=path asks about one input)
	@$(RUN_PYTHON) -m tests.fuzz $(call quoted,MINUTES,minutes) $(call quoted,INPUT,input)

screenshots: $(VENV)/.test-ready ## the README's pictures, of the report of a run (RUN=name, default: the latest) and of the live page
	@$(RUN_PYTHON) -m tests.screenshots $(if $(RUN),'$(RUN)')

scale: $(VENV)/.test-ready ## what master, agents, workers and records cost: measured small, predicted for 100 hosts, simulated with 200
	@$(RUN_PYTHON) -m tests.scale

test: $(VENV)/.test-ready ## run the tests
	@$(MAKE) -s examples >/dev/null || echo "the Python servers of examples/ are not tested: their packages cannot be had"
	@$(RUN_PYTHON) -m pytest -q

test-compose: $(VENV)/.test-ready ## run docker-compose.yml on a Docker engine of its own (root, a few minutes)
	@$(RUN_PYTHON) -m pytest -q -m engine tests/compose

lint: $(VENV)/.test-ready ## ruff and mypy --strict
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

lock: $(VENV)/.ready ## pin what requirements*.in name, with hashes
	@$(RUN_PYTHON) -m pip install --quiet uv==0.13.9
	@for f in requirements requirements-test requirements-fuzz examples/requirements; do \
		$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header $$f.in -o $$f.txt || exit; done

assets: ## bundle what pages draw with, from npm's pinned packages (after a change of an assets/build/ folder)
	@command -v npm >/dev/null || { echo "error: npm is not installed (Debian: npm)" >&2; exit 2; }
	@cd reports/assets/build && npm ci --silent && npm run build --silent
	@cd load/web/assets/build && npm ci --silent && npm run build --silent

clean: ## remove what can be made again; runs and reports stay
	@rm -rf $(VENV) examples/.venv data build .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "kept: profiles/out and reports/out; remove them by hand if you want them gone"

setup: $(VENV)/.ready ## make .venv with what is pinned in requirements.txt

$(VENV)/.ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer that can make a virtual environment: install python3 and python3-venv, or give PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: $(PYTHON) is no Python 3.11 or newer: give another with PYTHON=" >&2; exit 2; }
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
