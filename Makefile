PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test test-fast fuzz check docs clean

demo: $(VENV)/core  ## Expand the embedded sample and show what happened to its labels.
	$(BIN)/audiolabels expand --scheme pe-cml --sample -o demo.parquet
	$(BIN)/python examples/what_happened.py

test: $(VENV)/dev  ## Run all tests.
	$(BIN)/pytest

test-fast: $(VENV)/dev  ## Run the tests that take under a minute in all.
	$(BIN)/pytest -m "not slow"

fuzz: $(VENV)/dev  ## Read 10,000 damaged files with each reader, and print a table of counts.
	$(BIN)/python tests/fuzz/run.py --cases 10000

check: $(VENV)/dev  ## Lint, spelling, types, layers, dependencies.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell --dictionary=- --dictionary=scripts/british.txt
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

docs: $(VENV)/dev  ## Build the documentation; any warning is an error.
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs docs/_build/html

clean:
	rm -rf $(VENV) docs/_build docs/notebooks demo.parquet

$(VENV)/core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it with: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/dev: $(VENV)/core
	$(PIP) --editable '.[dev,docs,fetch,hdf5,psds,train]'
	touch $@
