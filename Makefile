# Two commands for a user, `make demo` and `make test`; the first call of either installs into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.10 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_OUTPUT ?= demo-output
# Holoscan's worker threads want a larger stack than most systems give; a low hard limit is no reason to stop.
STACK := ulimit -s 32768 2>/dev/null || true;

# Where the environment forbids it, each of the many processes that a node and the tests start would compile its
# libraries anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test test-fuzz test-reliability test-viewers viewer lint clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.10, 3.11 or 3.12 is needed and was not found" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e ".[phantoms,test]"
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/gantry demo --output $(DEMO_OUTPUT)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Many tests wait for processes and networks: two of them at once keep two cores busy. The tests of a file stay together,
# as they share what is slow to start.
test: lint
	@$(STACK) $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "not viewers"

# The long form of tests/fuzz: minutes instead of seconds.
test-fuzz: $(INSTALLED)
	@$(STACK) $(BIN)/python -m tests.fuzz --count 100000

# The long forms of tests/reliability: about two hours, results as in docs/reliability.md. The load needs two cores for itself,
# the full disk needs root.
RELIABILITY := kills states destinations disk_full fuzz_network load
test-reliability: $(INSTALLED)
	@$(STACK) status=0; STATE_MACHINE_EXAMPLES=300 $(BIN)/pytest --timeout 3600 tests/deploy/node/test_state_machine.py || status=1; \
	for each in $(RELIABILITY); do $(BIN)/python -m tests.reliability.$$each || status=1; done; exit $$status

# OHIF from its npm package, into .viewers: without it `make test` skips the one test that needs it.
viewer: $(INSTALLED)
	@$(BIN)/python -m tests.viewers.ohif

# Every case in a real viewer: docs/viewers.md.
test-viewers: viewer
	@$(STACK) $(BIN)/pytest tests/viewers

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT) .viewers build dist gantry_pacs.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
