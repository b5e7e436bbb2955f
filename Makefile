# What people call. Each target sets up what it needs in .venv, .cache and the cache folder of the
# bench. Nothing is installed into the system but python3-venv and, for tests, Chromium with a font,
# and these only by root. A target whose set-up is in place starts at once.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
PORTS := rp2 esp32
ARGS :=

# A .venv that was made in another folder or by a Python that is gone is made anew.
ifneq ($(shell scripts/venv --fits && echo fits),fits)
.PHONY: .venv/bin/activate
endif

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/.run ## A locomotive's nodes, gateway and crew page on this machine; ARGS="--duration 30"
	@.venv/bin/axlebox demo $(ARGS)

.PHONY: test
test: setup ## All tests, side by side; ARGS="tests/wire -k cobs" for some
	@mkdir -p build
	@$(PYTHON) -m pytest -n auto --maxprocesses 4 --dist loadfile \
	  --junitxml=build/test.xml $(ARGS)

.PHONY: check
check: lint $(PORTS:%=firmware-types-%) ## Lint, formats, types, import contracts, firmware types

.PHONY: lint
lint: .venv/.develop
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@echo "mypy, host"
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo

# A file that only one port can run ends in _rp2.py or _esp32.py; the other port's run leaves it out.
# The stimulus unit is a Pico.
LEFT_OUT_esp32 := |^firmware/stimulus/

.PHONY: $(PORTS:%=firmware-types-%)
$(PORTS:%=firmware-types-%): firmware-types-%: .venv/.develop .cache/stubs/%/.stamp
	@echo "mypy, firmware on $*"
	@MYPYPATH=.cache/stubs/$* $(PYTHON) -m mypy --config-file firmware/mypy.ini --platform $* \
	  --custom-typeshed-dir .cache/stubs/$* --cache-dir .mypy_cache/$* \
	  --exclude '_$(filter-out $*,$(PORTS))\.py$$$(LEFT_OUT_$*)' firmware

.PHONY: bench
bench: setup ## Measure the figures of the design; writes build/bench.json
	@mkdir -p build
	@PYTHONPATH=tests $(PYTHON) -m benchmarks $(ARGS)

.PHONY: alarm-delays
alarm-delays: setup ## From a fault to its alarm painted, rule by rule, in real time; ARGS=--short
	@PYTHONPATH=tests $(PYTHON) -m benchmarks.alarm_delays $(ARGS)

.PHONY: screenshots
screenshots: setup ## Pictures of the crew page and the depot's line, into build/screenshots
	@PYTHONPATH=tests $(PYTHON) -m screenshots $(ARGS)

.PHONY: chaos
chaos: setup ## Kill, freeze, fill and cut for 10 minutes, and count; ARGS="--seconds 60 --seed 7"
	@mkdir -p build
	@PYTHONPATH=tests $(PYTHON) -m chaos $(ARGS)

.PHONY: fuzz
fuzz: .venv/.fuzz ## Ten million changed frames and payloads through ingest; ARGS="--frames 100000"
	@PYTHONPATH=tests $(PYTHON) -m fuzzing $(ARGS)

.PHONY: crash
crash: setup ## Cut the power at every operation of a gateway's run; ARGS="--runs 3 --chances 10"
	@mkdir -p build
	@PYTHONPATH=tests $(PYTHON) -m power_cuts $(ARGS)

.PHONY: depot
depot: setup ## Fifty boards at the depot station and its line, and a cut at each step; ARGS="--boards 5 --cuts 9"
	@PYTHONPATH=tests $(PYTHON) -m depot $(ARGS)

.PHONY: hil
hil: setup ## The bench: all scenarios in simulated time; writes build/hil/report.html, .json
	@mkdir -p build/hil
	@$(PYTHON) -m pytest -p hil.bench.plugin hil/scenarios --bench-report build/hil \
	  --junitxml=build/hil/junit.xml $(ARGS)

.PHONY: setup
setup: .venv/.develop ## Install all that the tests need, and nothing else
	@scripts/browser

.PHONY: lock
lock: ## Resolve the dependencies anew into the lock files; ARGS=--upgrade for newer versions
	@scripts/lock $(ARGS)

.PHONY: clean
clean: ## Remove what was built and set up here
	rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/activate:
	@scripts/venv

.venv/.run: .venv/bin/activate requirements.lock pyproject.toml
	@echo "installing what axlebox needs to run"
	@scripts/install requirements.lock
	@touch $@

.venv/.develop: .venv/.run requirements-dev.lock
	@echo "installing what the checks and tests need"
	@scripts/install requirements-dev.lock
	@touch $@

.venv/.fuzz: .venv/.develop requirements-fuzz.lock
	@echo "installing the fuzzer"
	@scripts/install requirements-fuzz.lock
	@touch $@

.cache/stubs/%/.stamp: requirements-stubs-%.lock scripts/stubs .venv/bin/activate
	@echo "installing MicroPython's types for $*"
	@scripts/stubs $*
