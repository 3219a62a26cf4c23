# Two commands set the project up from a fresh clone: `make demo` and `make test`.
# Everything is installed into .venv by the project's own files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RELEASE ?= 2.6.3
SECONDS ?= 600
KILLS ?= 1000
SEQUENCES ?= 20
OFFICIAL := 2.3.12 2.4.2 2.5.2 2.6.3 2.7.3 2.8.3 2.9.0

.PHONY: help demo test check format peers interop programs official machines typescript lab fidelity bench soak crashes fuzz seeds beside browser contracts session pedantic schema picture mutants matrix pythons clean

help: ## List the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(BIN)/.installed: pyproject.toml
	@if [ ! -x $(BIN)/python ]; then $(PYTHON) -m venv $(VENV); fi
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(BIN)/.installed ## The main path: server, kits, client, jobs, the download limit, first verdicts.
	$(BIN)/python -m conformance.demo

test: $(BIN)/.installed ## The test suite; FLARE_WHOLE=1: the whole catalogue on every release, not on the ends of each dialect alone.
	$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not interop and not browser and not typescript' tests

check: $(BIN)/.installed ## Format, lint, types, import rules.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.installed ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

peers: $(BIN)/.installed ## Install the official clients, each into an environment of its own.
	$(BIN)/python -m conformance.peers install $(OFFICIAL)

interop: peers ## The official clients of each release on MockServer, and the contracts through them.
	$(BIN)/python -m pytest -n 5 --dist worksteal -m 'interop and not servers and not programs' --durations=15 tests/interop

programs: peers ## The official programs of every release (console, nvflare, preflight, ...) on MockServer and on official servers.
	$(BIN)/python -m pytest -n 2 -m interop tests/interop/programs

official: peers ## All contracts, broken kits and variations with the official client of every release (an hour).
	FLARE_WHOLE=1 $(BIN)/python -m pytest -n0 -m interop $(addprefix tests/interop/test_,contracts.py broken_kits.py pedantic.py)

machines: $(BIN)/.installed ## The model of the state machines against official servers of 2.6.3 and 2.9.0 (a quarter of an hour).
	$(BIN)/python -m conformance.peers install 2.6.3 2.9.0
	$(BIN)/python -m pytest -n0 -m servers tests/interop/test_machines.py

typescript: $(BIN)/.installed ## The TypeScript client of docs/examples: its build, its tests, every contract (needs Node 20 and npm).
	$(BIN)/python -m pytest -n 3 -m typescript tests/typescript

lab: $(BIN)/.installed ## flare_client and the contracts on the official server of RELEASE (as RELEASE=2.6.3), then fidelity.
	$(BIN)/python -m conformance.lab --release $(RELEASE)
	$(BIN)/python -m conformance.lab.fidelity --release $(RELEASE) --sequences $(SEQUENCES)

fidelity: $(BIN)/.installed ## How like the official server of RELEASE the mock is: docs/fidelity.md (ten minutes a release).
	$(BIN)/python -m conformance.lab.fidelity --release $(RELEASE) --sequences $(SEQUENCES) $(RECORDED)

bench: $(BIN)/.installed ## The figures of docs/performance.md, measured on this machine.
	$(BIN)/python -m tests.benchmarks.run

soak: $(BIN)/.installed ## A day of a busy server in ten minutes: its memory stays flat (writes docs/soak.md).
	$(BIN)/python -m tests.benchmarks.soak --seconds $(SECONDS)

crashes: $(BIN)/.installed ## KILLS kills of a server with a state, and whether anything is lost (as KILLS=1000).
	$(BIN)/python -m tests.mock_server.state.crashes.run --kills $(KILLS)

fuzz: $(BIN)/.installed ## The fuzzers, each for SECONDS or one of them (as TARGET=fobs SECONDS=60).
	$(BIN)/python -m pip install --quiet --editable '.[dev,fuzz]'
	$(BIN)/python -m tests.fuzz.run --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET))

seeds: $(BIN)/.installed ## Ten runs of the contracts with one seed: the same verdicts, the same scripts.
	$(BIN)/python -m tests.conformance.running.repetitions

beside: $(BIN)/.installed ## Prove that the packages install beside nvflare 2.3.12 and beside 2.9.0.
	$(BIN)/python -m conformance.beside 2.3.12 2.9.0

pythons: ## The packages' tests on the oldest and the newest Python that are present, shared out; FLARE_WHOLE=1: all on both.
	$(PYTHON) -m conformance.pythons

browser: $(BIN)/.installed ## The HTML report and the page of a running server in Chromium, where there is one.
	$(BIN)/python -m pytest -n0 -m browser tests/browser

contracts: $(BIN)/.installed ## Write docs/contracts.md from the catalogue.
	$(BIN)/flare-conformance contracts --markdown > docs/contracts.md

session: $(BIN)/.installed ## Write docs/session.md from the methods of flare_client.Session.
	$(BIN)/python -m conformance.session_table > docs/session.md

pedantic: $(BIN)/.installed ## Write docs/pedantic.md from the variations of pedantic mode.
	$(BIN)/python -m mock_server.variation.page > docs/pedantic.md

schema: $(BIN)/.installed ## Write the published schemas of reports and scenarios from their models.
	$(BIN)/flare-conformance schema report > conformance/reports/report.schema.json
	$(BIN)/flare-mock scenario schema > mock_server/scenarios/scenario.schema.json

picture: $(BIN)/.installed ## Take docs/flare-monitor.svg: a job that `flare jobs monitor` watches on MockServer.
	$(BIN)/python -m tests.flare_client.cli.picture

mutants: $(BIN)/.installed ## Write docs/mutants.md: every wrong client against its own contracts (minutes).
	$(BIN)/flare-conformance self-test --markdown docs/mutants.md

matrix: $(BIN)/.installed ## The same of every wrong client against every contract (an hour and more); RECORD=FILE goes on from there.
	$(BIN)/flare-conformance self-test --matrix $(if $(RECORD),--record $(RECORD)) --markdown docs/mutants.md

clean: ## Remove what the targets made.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
