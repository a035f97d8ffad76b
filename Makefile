# The two commands that matter: `make run` tries gearhorn out, `make test` does all set-up and runs every test.
#
#   PYTHON=...  the Python to use, 3.11 or newer (default: the first that fits)
#   TESTS=...   which tests: unit, functional (default: unit,functional)
#   ARGS=...    options for `gearhorn standalone` (make run) or for pytest (make test), which replace the usual ones:
#               make test TESTS=functional ARGS='tests/functional/test_units.py -x'
#   BENCH=...   options for benchmarks/run.py (make bench, make bench-quick): make bench BENCH='--only start --merge'
#   SEEDS=... FIRST=...  how many histories `make simulate` tries, and from which on (the tests have those below 5000)

PYTHON ?=
TESTS ?= unit,functional
ARGS ?=
BENCH ?=
SEEDS ?= 100000
FIRST ?= 5000
export PYTHON

RUN_ENV := .venv
BENCH_ENV := .bench
TOX_ENV := .tox/.bootstrap
TOX := $(TOX_ENV)/bin/tox

SAMPLE := etc/gearhorn/gearhorn.conf.sample

.PHONY: help run test bench bench-quick simulate sample generated dist deb lint types docs format check clean

help:
	@echo 'make run     creates .venv, installs gearhorn there and starts it with a Gearman server and a store'
	@echo 'make test    installs what the tests need and runs them: unit and functional'
	@echo 'make bench   measures it beside others, for half an hour or more, and writes doc/benchmarks.md'
	@echo 'make bench-quick tries in a few minutes whether make bench would work'
	@echo 'make simulate tries many more histories of matchmaking than the tests do'
	@echo 'make sample  writes the sample of the configuration anew, from the options'
	@echo 'make generated writes anew what is made from the program: share/, doc/pictures/, the sample'
	@echo 'make dist    makes the source package and the wheel, in dist/'
	@echo 'make deb     makes the Debian package as well'
	@echo 'make lint    ruff: rules and format'
	@echo 'make types   mypy, strict'
	@echo 'make docs    builds the documentation: build/docs/index.html'
	@echo 'make format  lets ruff mend what it can'
	@echo 'make check   lint, types, docs and test'
	@echo 'make clean   removes what the others made'

run: $(RUN_ENV)/installed
	@$(RUN_ENV)/bin/gearhorn standalone $(ARGS)

# Debian's packages first: whoever may not install them gets one command for all that is missing.
test:
	tools/install-debian-packages
	@$(MAKE) --no-print-directory $(TOX)
	$(TOX) run -e $(TESTS) $(if $(ARGS),-- $(ARGS))

bench: bench-set-up
	$(BENCH_ENV)/bin/python benchmarks/run.py $(BENCH)

bench-quick: bench-set-up
	$(BENCH_ENV)/bin/python benchmarks/run.py --quick $(BENCH)

.PHONY: bench-set-up
bench-set-up:
	tools/install-debian-packages --profile bench
	@$(MAKE) --no-print-directory $(BENCH_ENV)/installed

simulate: $(RUN_ENV)/installed
	@$(RUN_ENV)/bin/python -m tests.unit.simulation --seeds $(SEEDS) --first $(FIRST)

# A test asks for the same: see tests/unit/test_config.py.
sample: $(RUN_ENV)/installed
	$(RUN_ENV)/bin/oslo-config-generator --namespace gearhorn --wrap-width 100 --output-file $(SAMPLE)

# Tests ask for the same: see tests/unit/reference.
generated: $(TOX)
	$(TOX) run -e $@

# The Debian package is built from the source package, as it would be anywhere else.
dist: $(TOX)
	rm -rf dist
	$(TOX) run -e dist

deb: dist
	tools/install-debian-packages --profile deb
	tools/build-deb dist/gearhorn-*.tar.gz dist

lint types docs format: $(TOX)
	$(TOX) run -e $@

check: lint types docs test

clean:
	rm -rf $(RUN_ENV) $(BENCH_ENV) .tox build dist benchmarks/build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Editable, so that a change of the sources needs no new install; a change of what to install does.
$(RUN_ENV)/installed: setup.cfg pyproject.toml tools/make-venv
	tools/make-venv $(RUN_ENV)
	$(RUN_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[speed]'
	@touch $@

# The pip that Debian 12 brings along knows no dependency groups.
$(BENCH_ENV)/installed: setup.cfg pyproject.toml tools/make-venv
	tools/make-venv $(BENCH_ENV)
	$(BENCH_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BENCH_ENV)/bin/python -m pip install --quiet --editable '.[speed]' --group bench
	@touch $@

$(TOX): tox.ini tools/make-venv
	tools/make-venv $(TOX_ENV)
	$(TOX_ENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.22'
	@touch $@
