# Everything a newcomer needs: `make demo`, `make test`. Python 3.11 or later with pip is all there has to be.

PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SIDE_BY_SIDE := -n 3 --dist worksteal
LANE := tests/adapters tests/engine/test_engine_http.py tests/engine/test_engine_collect.py
GARBLED := 60
JS := tests/conformance/js
EPISODE := docs/examples/rain/episode.toml

# The tests start many programs: where a shell forbids to keep bytecode, each would compile all of the library again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-all conformance check lint types checks lane postgres docs bench format clean distclean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: $(VENV)/installed-all  ## film the example episode: no key, no money; then what it would cost on each route
	DRAMAGEN_HOME="$(CURDIR)/out/home" $(BIN)/dramagen film $(EPISODE) --pin previz --yes --out out/rain
	@echo "The episode is out/rain/episode.mp4, the contact sheet out/rain/contact-sheet.png."

test: lint types postgres  ## style, types, every test, and what touches HTTP again on httpx2
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE)
	$(MAKE) lane

test-all: lint types postgres  ## the same, with the long matrices complete and every official client
	DRAMAGEN_MATRIX=all $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) --ignore tests/conformance
	$(MAKE) conformance
	$(MAKE) lane LANE='tests/adapters tests/engine' GARBLED=300

conformance: $(VENV)/installed-conformance $(VENV)/installed-node  ## the official clients, unmodified, against the emulator
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) tests/conformance

check: lint types checks  ## style, types, import arrows, the public names, the commands in the documents

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

checks: $(VENV)/installed-dev
	DRAMAGEN_MATRIX=all $(BIN)/python -m pytest tests/checks

lane: $(VENV)/installed-dev  ## the adapters and the engine's HTTP again, on httpx2 in the place of httpx
	PYTHONPATH=tests/lanes DRAMAGEN_FUZZ=$(GARBLED) $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -p lane_httpx2 $(LANE) \
		-m 'not matrix or matrix(of="anyio_backend")'

docs: $(VENV)/installed-dev  ## write docs/models.md from the cards
	DRAMAGEN_PROVIDERS= $(BIN)/dramagen models --markdown > docs/models.md.new
	mv docs/models.md.new docs/models.md

bench: $(VENV)/installed-dev  ## every benchmark, ours and other libraries; writes the tables of docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

# A server for the tests of the shared journal; they start and end it themselves. Debian's package is unpacked beside
# the libraries, which takes seconds and touches nothing else; installed only where it does not run like that. Nothing is
# asked of a person: where neither can be done those tests are skipped, and say so.
postgres: $(VENV)/bin/python
	@ls /usr/lib/postgresql/*/bin/initdb $(VENV)/postgres/usr/lib/postgresql/*/bin/initdb 2>/dev/null | grep -q . \
		|| command -v initdb >/dev/null || test -n "$$DRAMAGEN_TEST_DATABASE" \
		|| sh tests/unpack-postgres $(VENV)/postgres \
		|| echo "no Postgres server, so its tests are skipped: apt-get install postgresql-15, or set DRAMAGEN_TEST_DATABASE"

format: $(VENV)/installed-dev  ## write the code the way lint wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what was made, but not the virtual environment
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## remove the virtual environment too
	rm -rf $(VENV)

# The stamps: nothing is installed again before pyproject.toml changes. Everything in `all` is in `dev` too.
$(VENV)/bin/python:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "dramagen needs Python 3.11 or later: make PY=/path/to/python3.11 ..."; exit 2; }
	$(PY) -m venv $(VENV)

$(VENV)/installed-all: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[all]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[dev,lane-httpx2,conformance]'
	@touch $@ $(VENV)/installed-all

$(VENV)/installed-conformance: pyproject.toml $(VENV)/installed-dev
	$(PIP) install --editable '.[conformance-slow]'
	@touch $@

$(VENV)/installed-node: $(JS)/package-lock.json | $(VENV)/bin/python
	@if command -v npm > /dev/null; then cd $(JS) && npm ci --silent; \
		else echo "There is no npm here: the tests of the JavaScript clients will be skipped."; fi
	@touch $@
