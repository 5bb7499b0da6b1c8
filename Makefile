# Everything a fresh machine needs is Python ≥ 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo

# Tests start hundreds of processes, which would compile the same files again and again without this.
test test-slow: export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-slow lint types clean

## the whole chain on an embedded mini web, offline once installed
demo: $(VENV)/.runs
	$(BIN)/webtext demo --out $(OUT)

## lint, types, and the default tests
test: lint types
	$(BIN)/pytest -n 3 --dist loadfile

## the tests that take minutes
test-slow: $(VENV)/.develops
	$(BIN)/pytest -n 2 --dist loadfile -m slow

lint: $(VENV)/.develops
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.develops
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info

# requirements.lock pins every version; torch first, so that nothing pulls another build of it.
$(VENV)/.runs: pyproject.toml requirements.lock $(wildcard webtext/*/_*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[train]'
	touch $@

$(VENV)/.develops: $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[train,eval,dev]'
	touch $@
