# SPDX-License-Identifier: GPL-2.0-or-later
VENV ?= .venv
BIN = $(VENV)/bin
PYTEST_FLAGS ?= -n 3 --dist worksteal
FUZZ_FLAGS ?= all --seconds 60

.PHONY: help setup demo test lint unit slow fuzz bench score quality picture lock wheel clean

help:
	@echo "make demo     set up and check an example series"
	@echo "make test     everything CI runs: lint, types, import contracts, tests"
	@echo "make lint     only ruff, mypy and the import contracts"
	@echo "make unit     only the tests (PYTEST_FLAGS='-k name')"
	@echo "make slow     the tests that take longer: a month of mail, a whole archive killed, everything measured again"
	@echo "make fuzz     the fuzzers for a minute each (FUZZ_FLAGS='mail --runs 100000')"
	@echo "make bench    CPU time and peak memory of the main jobs, and of an archive and its double"
	@echo "make score    score the rules on the labelled corpus (SCORE_FLAGS='--tree DIR')"
	@echo "make quality  measure every rule, write docs/quality.md and rules/measured/corpus.json"
	@echo "make picture  draw docs/img/ anew from the real output"
	@echo "make manual   write docs/commands/ and the man page anew from the command line's help"
	@echo "make wheel    build the wheel into dist/"
	@echo "make lock     renew requirements.lock from pyproject.toml"
	@echo "make clean    remove what was built (not the cache)"

setup:
	@.ci/setup $(VENV)
	@# as pip does with what it installs: a start should not compile
	@$(BIN)/python -m compileall -q abireview

demo: setup
	@examples/demo $(BIN)

test: setup
	@.ci/packages
	@$(MAKE) --no-print-directory lint unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest $(PYTEST_FLAGS)

slow: setup
	$(BIN)/pytest $(PYTEST_FLAGS) -m slow

fuzz: setup
	$(BIN)/python fuzz/run.py $(FUZZ_FLAGS)

bench: setup
	@$(BIN)/python bench/bench.py
	@$(BIN)/python bench/scan.py
	@echo "beside b4 and checkpatch.pl: $(BIN)/python bench/compare.py --checkpatch LINUX/scripts/checkpatch.pl"

score: setup
	@$(BIN)/python bench/score.py $(SCORE_FLAGS)

quality: setup
	@cd bench && ../$(BIN)/python quality.py

picture: setup
	@$(BIN)/python docs/img/draw.py

manual: setup
	$(BIN)/python -m abireview.cli.manual docs
	$(BIN)/python docs/limits.py

wheel: setup
	$(BIN)/python -m hatchling build -t wheel

lock: setup
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet pip-tools
	$(VENV)/lock/bin/pip-compile --quiet --allow-unsafe --strip-extras --extra=cluster --extra=dev --generate-hashes \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	    --output-file=requirements.lock pyproject.toml
	@# pip-compile drops the marker of an extra's requirement: there are no other wheels
	sed -i 's/^\(atheris==[^ ;]*\) /\1 ; python_version < "3.14" and platform_machine == "x86_64" and sys_platform == "linux" /' requirements.lock

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
