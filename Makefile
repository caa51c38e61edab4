# Two commands, `make run` and `make test`, and the smaller ones behind them.

PORT ?= 8080
UPSTREAM ?=
MIN_SCALE ?= 0
ARGS ?=
BENCH ?= $(patsubst benchmarks/%.py,%,$(shell grep -l __main__ benchmarks/*.py))

UV := uv==0.13.9
# The machine's own list of certificates, where there is one, knows a company's proxy too.
CERTIFICATES := $(firstword $(SSL_CERT_FILE) $(wildcard /etc/ssl/certs/ca-certificates.crt))
TRUST := $(if $(CERTIFICATES),SSL_CERT_FILE=$(CERTIFICATES) PIP_CERT=$(CERTIFICATES))
INSTALL := $(TRUST) .venv/bin/uv pip install --quiet --python .venv --compile-bytecode --constraint requirements.lock
RUN_GROUPS := api ingest store migrate local
NEEDED := pyproject.toml requirements.lock

# Without a home to write to, the package cache goes into the checkout.
ifneq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.local/home
endif

.PHONY: help run test lint types lock bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' Makefile

run: .venv/run.stamp ## run it all: PORT=8080, UPSTREAM=fake (made-up providers), MIN_SCALE=1 (keep functions warm), ARGS=
	@.venv/bin/python -m knative.local up --port $(PORT) --min-scale $(MIN_SCALE) $(if $(UPSTREAM),--upstream $(UPSTREAM)) $(ARGS)

test: .venv/dev.stamp ## run every test, against real servers: ARGS="-k name"
	@.venv/bin/python -m pytest $(ARGS)

lint: .venv/dev.stamp ## check style and layout
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

types: .venv/dev.stamp ## check types
	@.venv/bin/basedpyright

bench: .venv/dev.stamp ## measure: BENCH=cold_start (default: all, one after the other), ARGS=
	@set -e; for name in $(BENCH); do .venv/bin/python -m benchmarks.$$name $(ARGS); done

lock: .venv/bin/uv ## pin the dependencies anew: ARGS=--upgrade for the newest
	@$(TRUST) .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group dev pyproject.toml --output-file requirements.lock $(ARGS)

clean: ## remove what was set up; the data in .local/ stays
	rm -rf .venv .local/packages .local/home .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: .venv/bin/uv $(NEEDED)
	@echo "Installing what a run needs into .venv ..."
	@$(INSTALL) $(addprefix --group ,$(RUN_GROUPS))
	@touch $@

.venv/dev.stamp: .venv/bin/uv $(NEEDED)
	@echo "Installing what the tests need into .venv ..."
	@$(INSTALL) --group dev
	@touch $@

.venv/bin/uv:
	@set -e; for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed. Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip' 2>/dev/null; then \
		version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "$$found has no venv module. Debian, Ubuntu: apt-get install python$$version-venv" >&2; exit 1; \
	fi; \
	$$found -m venv .venv; \
	$(TRUST) .venv/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
