# Trạm Văn Bản. `make help` lists the targets; each does its own set-up (provisioning/setup.sh).
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV ?= .venv
PY := $(VENV)/bin/python
TRAM := $(VENV)/bin/tram
PORT ?= 8443
DATA ?= demo-data
# Same behaviour on every machine: UTF-8 also where no locale is installed.
export LC_ALL := C.UTF-8
export PYTHONUTF8 := 1

.PHONY: help demo day test quick lint format campaign fuzz bench bench-exchange screenshot bare lock setup-demo setup-dev setup-bench

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo "Options: PORT=8443 DATA=demo-data (demo, day), ARGS='…' for the program or pytest, VENV=folder, PYTHON=interpreter"

demo: setup-demo ## a whole office with its bus: plays a short real day, then stays up until Ctrl-C
	$(TRAM) demo --port $(PORT) --data $(DATA) $(ARGS)

day: setup-demo ## the demo's whole day, then stop; fails unless every step held
	$(TRAM) day --port $(PORT) --data $(DATA) $(ARGS)

test: setup-dev ## every test
	$(PY) -m pytest $(ARGS)

quick: setup-dev ## tests without browser, faults and slow ones
	$(PY) -m pytest -m 'not slow and not browser and not fault' $(ARGS)

lint: setup-dev ## style, types, layers, and no text that only holds on one machine
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) .ci/check_files.py

format: setup-dev ## let ruff mend style and order of imports
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

campaign: setup-dev ## the long fault campaigns; figures go to docs/campaign.md
	$(PY) -m tests.campaign $(ARGS)

fuzz: setup-dev ## ten minutes of strange packages; ARGS='--minutes 1 --markdown docs/fuzz.md'
	$(PY) -m tests.fuzz $(ARGS)

bench: setup-bench ## our signing beside bare pyHanko and endesive: time and memory; ARGS='--markdown docs/bench.md'
	$(PY) -m tests.bench signing $(ARGS)

bench-exchange: setup-dev ## the link beside curl over bad lines, long queues, many offices; half an hour, needs root
	$(PY) -m tests.bench exchange $(ARGS)

screenshot: setup-dev ## docs/screenshot.png anew; ARGS=FOLDER for pictures of every page
	$(PY) -m tests.screenshots $(ARGS)

bare: ## run TARGET (default: .ci/run) in a fresh Debian root; needs root and mmdebstrap
	provisioning/bare.sh $(TARGET)

lock: setup-dev ## compile requirements/*.txt anew from pyproject.toml
	VENV=$(VENV) provisioning/lock.sh $(ARGS)

setup-demo:
	@provisioning/setup.sh demo

setup-dev:
	@provisioning/setup.sh dev

setup-bench:
	@provisioning/setup.sh bench
