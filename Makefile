# Two commands, `make run` and `make test`, and the smaller ones behind them.

PORT ?= 8080
UPSTREAM ?=
MIN_SCALE ?= 0
URL ?= http://localhost:$(PORT)
ARGS ?=
# Tests wait more than they work. On given servers one after the other: whole systems there share their queues.
JOBS ?= $(if $(AMQP_URL),1,4)
BENCH ?= $(patsubst benchmarks/%.py,%,$(shell grep -l __main__ benchmarks/*.py))

UV := uv==0.13.9
# The machine's own list of certificates, where there is one, knows a company's proxy too.
CERTIFICATES := $(firstword $(SSL_CERT_FILE) $(wildcard /etc/ssl/certs/ca-certificates.crt))
TRUST := $(if $(CERTIFICATES),SSL_CERT_FILE=$(CERTIFICATES) PIP_CERT=$(CERTIFICATES) NODE_EXTRA_CA_CERTS=$(CERTIFICATES))
INSTALL := $(TRUST) .venv/bin/uv pip install --quiet --python .venv --compile-bytecode --constraint requirements.lock
RUN_GROUPS := alerts api apprise arrow files ingest insights mcp store token local
NEEDED := pyproject.toml requirements.lock
NPM := $(TRUST) frontend/scripts/npm
PAGE := frontend/build/index.html
PAGE_SOURCES := $(shell find frontend/src frontend/static -type f) $(wildcard frontend/*.ts frontend/*.js*)

# Without a home to write to, the package cache goes into the checkout.
ifneq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.local/home
endif

IMAGES := alerts api files ingest insights mcp migration page store token
DOCKER ?= docker
REGISTRY ?= dev.local/stocksalot
TAG ?= local
PUSH ?=
PLATFORMS ?= linux/amd64,linux/arm64
ATTESTATIONS ?= --sbom=true --provenance=true
# What was pushed, by digest: `make deploy` reads it.
DIGESTS := .local/images/$(TAG)
COMMITTED := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
REVISION := $(shell git rev-parse HEAD 2>/dev/null)
SOURCE ?= $(shell git remote get-url origin 2>/dev/null | sed -n "s,^https://\([^@/]*@\)\?,https://,p")
DOMAIN ?=
OVERLAY ?= local
SCRIPTS := .ci/run frontend/scripts/npm knative/install/cluster

.PHONY: help run page shapes contract clients schema sessions pictures lighthouse test lint types lock outdated bench images runner cluster deploy clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

run: .venv/run.stamp $(PAGE) ## run it all: PORT=8080, UPSTREAM=fake (made-up providers), MIN_SCALE=1 (keep functions warm), ARGS=
	@.venv/bin/python -m knative.local up --port $(PORT) --min-scale $(MIN_SCALE) $(if $(UPSTREAM),--upstream $(UPSTREAM)) $(ARGS)

page: $(PAGE) ## build the page into frontend/build

test: .venv/dev.stamp $(PAGE) ## run every test, against real servers and in a real browser: ARGS="-k name" JOBS=4
	@$(NPM) run --silent test
	@.venv/bin/python -m pytest -n $(JOBS) $(ARGS)

shapes: .venv/dev.stamp $(PAGE) ## write down anew which answers the page relies on, after a change that is meant
	@RENEW_SHAPES=1 .venv/bin/python -m pytest tests/page/test_shapes.py tests/alerts/test_sentences.py $(ARGS)

clients: .venv/dev.stamp ## build the wheel of the Python client into clients/python/dist
	@cd clients/python && $(CURDIR)/.venv/bin/python -m hatchling build -t wheel

schema: .venv/dev.stamp ## write functions/store/schema.sql anew, after a new migration
	@RENEW_SCHEMA=1 .venv/bin/python -m pytest -q tests/store/test_schema.py $(ARGS)

sessions: .venv/dev.stamp ## write functions/store/special_days.csv anew, after a new version of exchange-calendars
	@RENEW_SESSIONS=1 .venv/bin/python -m pytest -q tests/store/test_sessions.py $(ARGS)

contract: .venv/dev.stamp frontend/node_modules/.stamp ## write the generated files after a change of a model or an endpoint
	@.venv/bin/python -m functions.contract && .venv/bin/python -m knative.stocksalot && $(NPM) run --silent api-types

pictures: .venv/dev.stamp ## take pictures of the page of a running system: URL=http://localhost:8080
	@.venv/bin/python -m tests.pictures $(URL) $(ARGS)

lighthouse: frontend/node_modules/.stamp ## measure the page of a running system as lighthouse's phone does, and the first price on a slow network: URL=
	@$(NPM) run --silent lighthouse -- $(URL)

lint: .venv/dev.stamp frontend/node_modules/.stamp ## check style and layout
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/shellcheck --external-sources --source-path SCRIPTDIR $(SCRIPTS)
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*)
	@$(NPM) run --silent lint

types: .venv/dev.stamp frontend/node_modules/.stamp ## check types
	@.venv/bin/basedpyright && $(NPM) run --silent check

bench: .venv/dev.stamp ## measure: BENCH=cold_start (default: all, one after the other), ARGS=
	@set -e; for name in $(BENCH); do .venv/bin/python -m benchmarks.$$name $(ARGS); done

lock: .venv/bin/uv ## pin the dependencies anew: ARGS=--upgrade for the newest
	@$(TRUST) .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 --group dev --group node pyproject.toml --output-file requirements.lock $(ARGS)

outdated: .venv/dev.stamp ## list what is outdated, and which requirement blocks an upgrade
	@$(TRUST) .venv/bin/python -m maintenance.outdated

images: ## build the container images: REGISTRY=ghcr.io/you/stocksalot TAG=v1 PUSH=1 PLATFORMS=linux/amd64,linux/arm64
	@set -e; export SOURCE_DATE_EPOCH=$(COMMITTED); bases=; \
	$(if $(PUSH),mkdir -p $(DIGESTS); for base in PYTHON NODE; do \
		name=$$(sed -n "s/^ARG $$base=//p" Dockerfile); \
		digest=$$($(DOCKER) buildx imagetools inspect $$name --format '{{json .Manifest.Digest}}' | tr -d '"'); \
		bases="$$bases --build-arg $$base=$$name@$${digest:?of $$name is unknown}"; \
	done;) \
	for image in $(IMAGES); do \
		function=$$image basis=stateful target=function; $(if $(PUSH),rm -f $(DIGESTS)/$$image.json;) \
		case $$image in \
			migration) function=store target=migration ;; \
			page) basis=server target=page ;; \
			mcp) basis=server ;; \
		esac; \
		$(DOCKER) buildx build --target $$target --build-arg FUNCTION=$$function --build-arg BASIS=$$basis \
			$$bases --build-arg REVISION=$(REVISION) --build-arg VERSION=$(TAG) --build-arg SOURCE=$(SOURCE) \
			--tag $(REGISTRY)/$$image:$(TAG) \
			$(if $(PUSH),--push --platform $(PLATFORMS) $(ATTESTATIONS) --metadata-file $(DIGESTS)/$$image.json,--load) .; \
	done

runner: ## build the image of compose.yaml, everything in one: REGISTRY= TAG= PUSH=1 PLATFORMS=
	@mkdir -p .local; SOURCE_DATE_EPOCH=$(COMMITTED) $(DOCKER) buildx build --target runner \
		--build-arg RUN_GROUPS="$(RUN_GROUPS)" --build-arg REVISION=$(REVISION) --build-arg VERSION=$(TAG) \
		--build-arg SOURCE=$(SOURCE) --tag $(REGISTRY)/runner:$(TAG) \
		$(if $(PUSH),--push --platform $(PLATFORMS) $(ATTESTATIONS) --metadata-file .local/runner.json,--load) .

cluster: ## install what StocksALot runs on into the cluster that kubectl points to, at pinned versions
	@knative/install/cluster

deploy: ## deploy to the cluster that kubectl points to: OVERLAY=local|cloud REGISTRY= TAG= DOMAIN= ARGS=--dry-run
	@python3 -m knative.install deploy $(OVERLAY) --registry $(REGISTRY) --tag $(TAG) $(if $(DOMAIN),--domain $(DOMAIN)) $(ARGS)

clean: ## remove what was set up; the data in .local/ stays
	rm -rf .venv .local/packages .local/home .pytest_cache .ruff_cache frontend/node_modules frontend/build frontend/.svelte-kit
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: .venv/bin/uv $(NEEDED)
	@echo "Installing what a run needs into .venv (minutes at the first time) ..."
	@$(INSTALL) $(addprefix --group ,$(RUN_GROUPS))
	@touch $@

.venv/dev.stamp: .venv/bin/uv $(NEEDED)
	@echo "Installing what the tests need into .venv ..."
	@$(INSTALL) --group dev
	@touch $@

$(PAGE): frontend/node_modules/.stamp $(PAGE_SOURCES)
	@echo "Building the page ..."
	@$(NPM) run --silent build >.venv/build.log 2>&1 || { cat .venv/build.log >&2; exit 1; }

frontend/node_modules/.stamp: .venv/node.stamp frontend/package.json frontend/package-lock.json
	@echo "Installing what the page is built with ..."
	@$(NPM) ci --ignore-scripts --prefer-offline --loglevel=error >/dev/null
	@touch $@

# Node comes as a Python package where the machine has none that is new enough.
.venv/node.stamp: .venv/bin/uv $(NEEDED)
	@frontend/scripts/npm --version >/dev/null 2>&1 || { echo "Installing Node.js into .venv ..."; $(INSTALL) --group node; }
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
	echo "Setting up .venv ..."; \
	$$found -m venv .venv; \
	$(TRUST) .venv/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
