# Needs Python 3.11 or newer and make. Everything else comes from uv.lock into .venv.
# `make help` lists the targets.

PYTHON ?= python3
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.SUFFIXES:

export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON := .venv/bin/python
export UV_PYTHON_DOWNLOADS := never
# Bytecode halves the start of each process of the stack; a run of the tests starts hundreds of them.
export UV_COMPILE_BYTECODE := 1
unexport VIRTUAL_ENV PYTHONHOME PYTHONDONTWRITEBYTECODE

python := .venv/bin/python
sync := .venv/bin/uv sync --frozen --inexact

.PHONY: help
help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

.PHONY: demo
demo: .venv/.run  ## order one report (ARGS=call: one call) through the HTTP API of a fresh stack, verify it, stop
	@exec $(python) -m config.stack.demo --follow-parent $(ARGS)

.PHONY: up
up: .venv/.run  ## run everything until Ctrl-C (PORT, LONGHAUL_DATA, DATABASE_URL, REDIS_URL, …)
	@exec $(python) -m config.stack.launcher --follow-parent

.PHONY: test
test: .venv/.dev chromium firefox libreoffice .venv/bin/promtool .venv/tus/bundle.js  ## run all tests (ARGS="…" goes to pytest)
	@exec $(python) -m pytest -n 4 --dist loadfile $(ARGS)

.PHONY: test-fast
test-fast: .venv/.dev  ## run the tests that need no browser, workers or much time: about a minute
	@exec $(python) -m pytest -n logical --maxprocesses 4 --dist loadfile -m 'not slow' --durations 5 --durations-min 2 $(ARGS)

.PHONY: chaos
chaos: .venv/.dev  ## kill and restart everything at random under JOBS=300 jobs (SEED=… repeats a run)
	@exec env SEED=$(SEED) JOBS=$(JOBS) $(python) -m pytest -m chaos --timeout 0 -q -s tests/faults/test_chaos.py $(ARGS)

.PHONY: big-upload
big-upload: .venv/.dev chromium  ## send MB=1000 by the page over a network that fails, and print what it took
	@exec env MB=$(MB) $(python) -m pytest -m big_upload --timeout 0 -q -s tests/scenarios/test_big_upload.py $(ARGS)

.PHONY: fuzz
fuzz: .venv/.dev  ## send requests generated from the OpenAPI schema for SECONDS=600
	@exec env FUZZ_EXAMPLES=1000 FUZZ_SECONDS=$(SECONDS) $(python) -m pytest -m fuzz --hypothesis-profile explore --timeout 0 -q -s tests/fuzz/test_schemathesis.py $(ARGS)

.PHONY: axe
axe: .venv/.dev chromium  ## check all pages for accessibility problems, at two widths, light and dark
	@exec $(python) -m pytest -m axe --timeout 900 -q tests/scenarios/test_accessibility.py $(ARGS)

.PHONY: screenshots
screenshots: .venv/.dev chromium  ## take the pictures of README.md
	@exec $(python) -m pytest -m screenshots -q tests/scenarios/test_screenshots.py $(ARGS)

.PHONY: gallery
gallery: .venv/.dev chromium  ## take pictures of every page, two widths, light and dark, in two languages, into gallery/
	@exec $(python) -m pytest -m screenshots -q tests/scenarios/test_gallery.py $(ARGS)

.PHONY: bench
bench: .venv/.dev  ## print the benchmark table, in at most 20 minutes (ARGS=--record keeps it in bench/results/)
	@exec $(python) -m bench $(ARGS)

.PHONY: bench-quick
bench-quick: .venv/.dev  ## the same with smaller sizes and fewer runs, in at most 5 minutes
	@exec $(python) -m bench --quick $(ARGS)

.PHONY: bench-page
bench-page: .venv/.dev  ## write bench/results/index.html: a chart of each row over the recorded commits
	@exec $(python) -m bench.page

.PHONY: bench-compare
bench-compare: .venv/.dev  ## measure the commit BASE and this tree in turns (ARGS="throughput api --repeat 5")
	@exec $(python) -m bench.in_turns "$(or $(BASE),$(error name the commit to compare with: make bench-compare BASE=…))" $(ARGS)

.PHONY: check
check: .venv/.dev gettext  ## lint, types, import rules, migrations, OpenAPI drift, error codes, translations, deployment checks
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	@echo mypy && $(offline) EXTRA_APPS=tests.support.apps.chores,tests.support.apps.warehouse $(python) -m mypy
	.venv/bin/lint-imports
	@echo manage.py makemigrations --check && $(offline) $(python) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo manage.py spectacular && $(offline) $(python) manage.py spectacular --file .venv/openapi.yaml --validate --fail-on-warn
	@diff -u docs/openapi.yaml .venv/openapi.yaml || { echo 'docs/openapi.yaml is out of date: run `make openapi`' >&2; exit 1; }
	@$(offline) $(python) manage.py error_codes --check docs/api.md
	@$(offline) $(python) -m tests.support.emitted_codes
	@echo makemessages && $(offline) $(python) -m tests.support.translations
	@echo manage.py check --deploy && $(offline) $(python) manage.py check --deploy --fail-level WARNING

.PHONY: openapi
openapi: .venv/.dev  ## write docs/openapi.yaml and the error codes in docs/api.md
	@$(offline) $(python) manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn
	@$(offline) $(python) manage.py error_codes --write docs/api.md

.PHONY: messages
messages: .venv/.dev gettext  ## bring the catalogs of translations in locale/ up to date
	@$(offline) $(python) -m tests.support.translations --write

.PHONY: spectral
spectral: .venv/spectral/node_modules  ## lint docs/openapi.yaml with Spectral and the OWASP rules (needs Node.js with npm)
	.venv/spectral/node_modules/.bin/spectral lint docs/openapi.yaml --ruleset docs/.spectral.yaml --fail-severity warn

.PHONY: fmt
fmt: .venv/.dev  ## format, and fix what ruff can fix
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: clean
clean:  ## remove .venv and caches, but keep .data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results gallery

# For commands that need no servers: production-like settings, with addresses where nothing listens.
offline = env -u DEBUG -u HTTPS LONGHAUL_DATA=.venv/offline SECRET_KEY=$$($(python) -c 'import secrets; print(secrets.token_urlsafe(50))') \
	DATABASE_URL=postgresql://nobody@127.0.0.1:1/nothing REDIS_URL=redis://127.0.0.1:1/0

# Installation. --inexact lets `make up` after `make test` keep the test tools (and uv itself).

define uv_sync
@$(sync) $(1) || { echo 'longhaul: the packages of uv.lock could not be installed; the lines above say why (try again after `make clean`)' >&2; exit 1; }
endef

.venv/.run: .venv/bin/uv uv.lock pyproject.toml
	$(call uv_sync,--no-dev --group embedded)
	@touch $@

.venv/.dev: .venv/bin/uv uv.lock pyproject.toml
	$(call uv_sync,--all-groups)
	@touch .venv/.run $@

fail = { echo "longhaul: $(1)" >&2; exit 1; }
version_test := import sys; sys.exit(sys.version_info < (3, 11))

# Debian's python3 may lack ensurepip (package python3-venv), but its pip can install into a bare environment.
.venv/bin/uv:
	@command -v $(PYTHON) >/dev/null || $(call fail,$(PYTHON) was not found: install Python 3.11 or newer)
	@$(PYTHON) -c '$(version_test)' || $(call fail,Python 3.11 or newer is required and $(PYTHON) is older: run make PYTHON=/path/to/newer)
	@$(PYTHON) -c 'import venv' 2>/dev/null || $(call fail,$(PYTHON) has no venv module: on Debian and Ubuntu install python3-venv)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(PYTHON) -m pip --version >/dev/null 2>&1 \
		|| $(call fail,$(PYTHON) has neither ensurepip nor pip: on Debian and Ubuntu install python3-venv)
	@echo 'Creating .venv and installing uv'
	@rm -rf .venv
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv .venv && $(python) -m pip install --quiet uv; \
	else \
		$(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python $(python) install --quiet uv; \
	fi || $(call fail,uv could not be installed into .venv; the lines above say why)

.PHONY: chromium
chromium:
	@if command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing Chromium for the browser tests'; \
		apt-get update -q && export DEBIAN_FRONTEND=noninteractive \
			&& { apt-get install -y -q --no-install-recommends chromium-headless-shell \
				|| apt-get install -y -q --no-install-recommends chromium; } \
			|| $(call fail,apt-get could not install chromium; the lines above say why); \
	else \
		$(call fail,the browser tests need Chromium as "chromium" on PATH: on Debian run: apt-get install chromium); \
	fi

.PHONY: firefox
firefox:
	@if command -v firefox-esr >/dev/null || command -v firefox >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing Firefox for the browser tests'; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends firefox-esr \
			|| $(call fail,apt-get could not install firefox-esr; the lines above say why); \
	else \
		$(call fail,the browser tests need Firefox as "firefox-esr" or "firefox" on PATH: on Debian run: apt-get install firefox-esr); \
	fi

# Not part of `make check`, which needs only Python, make and GNU gettext.
.venv/spectral/node_modules:
	@command -v npm >/dev/null || $(call fail,make spectral needs npm: install Node.js 20 or newer (on Debian: apt-get install npm))
	@npm install --silent --no-audit --no-fund --ignore-scripts --prefix .venv/spectral \
		@stoplight/spectral-cli@6.16.3 @stoplight/spectral-owasp-ruleset@2.0.1

.PHONY: gettext
gettext:
	@if command -v msgmerge >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing GNU gettext for the catalogs of translations'; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends gettext \
			|| $(call fail,apt-get could not install gettext; the lines above say why); \
	else \
		$(call fail,the catalogs of translations need GNU gettext as "msgmerge" on PATH: on Debian run: apt-get install gettext); \
	fi

# Stock clients of tus for tests/clients/test_tus.py: for Node.js, and bundled for a browser.
.venv/tus/bundle.js: $(wildcard tests/clients/tus/*) | .venv/.dev nodejs
	@mkdir -p .venv/tus && cp tests/clients/tus/*.json tests/clients/tus/bundle.mjs .venv/tus/
	@npm ci --silent --no-audit --no-fund --ignore-scripts --prefix .venv/tus \
		&& .venv/tus/node_modules/.bin/esbuild .venv/tus/bundle.mjs --bundle --format=iife --log-level=error --outfile=$@ \
		|| $(call fail,the clients of tus could not be installed; the lines above say why)

.PHONY: nodejs
nodejs:
	@if command -v npm >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing Node.js for the tests with clients of tus'; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nodejs npm \
			|| $(call fail,apt-get could not install npm; the lines above say why); \
	else \
		$(call fail,the tests with clients of tus need Node.js 20 or newer with npm: on Debian run: apt-get install npm); \
	fi

.PHONY: libreoffice
libreoffice:
	@if command -v soffice >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing LibreOffice for the tests of spreadsheet safety'; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends libreoffice-calc-nogui \
			|| $(call fail,apt-get could not install libreoffice-calc-nogui; the lines above say why); \
	else \
		$(call fail,the tests of spreadsheet safety need LibreOffice as "soffice" on PATH: on Debian run: apt-get install libreoffice-calc-nogui); \
	fi

# Prometheus' rule checker, extracted from Debian's package. The package is not installed, because it would start a server.
.venv/bin/promtool: | .venv/.dev
	@if command -v promtool >/dev/null; then \
		ln -sf "$$(command -v promtool)" $@; \
	elif command -v apt-get >/dev/null; then \
		echo 'Fetching promtool for the tests of the alerts'; \
		rm -rf .venv/prometheus && mkdir .venv/prometheus && cd .venv/prometheus \
			&& { apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }; } \
			&& dpkg-deb -x prometheus_*.deb . && mv usr/bin/promtool ../bin/ && cd ../.. && rm -rf .venv/prometheus \
			|| $(call fail,promtool could not be fetched; the lines above say why); \
	else \
		$(call fail,the tests of the alerts need promtool on PATH: it comes with Prometheus); \
	fi
