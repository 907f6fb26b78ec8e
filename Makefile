.DEFAULT_GOAL := help
SHELL := /bin/bash

# Which environment of infra/environments.py the targets for AWS act on.
ENV ?= dev
PYTHON ?= python3

PY := .venv/bin/python
READY := .venv/ready
PAGE := service/web/dist/index.html
PAGE_SOURCES := $(wildcard service/web/*.json service/web/*.ts service/web/*.html service/web/.npmrc) $(shell find service/web/src -type f)
# jsii would greet each run with a banner about the version of node.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
CDK := node_modules/.bin/cdk
# What every span, segment, log line and error item will say of the deployed code.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
CONTEXT := -c environment=$(ENV) -c version=$(VERSION) $(CDK_CONTEXT)

.PHONY: ask bench bench-parts bench-synth drill help honeycomb setup up down status logs test lint format synth deploy diff destroy secrets lock clean

help: ## List every target with a sentence
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  ENV=dev|prod chooses the environment of synth, deploy, diff, destroy, secrets and honeycomb (now: $(ENV))."
	@echo "  VERSION=… names the version to deploy (now: $(VERSION))."
	@echo "  LOCAL_IMAGE=skip keeps make up from building the image where there is a Docker engine."

$(READY): requirements/dev.txt requirements/uv.txt package-lock.json scripts/setup
	@PYTHON=$(PYTHON) scripts/setup

$(PAGE): $(READY) $(PAGE_SOURCES) scripts/page
	@scripts/page

setup: $(READY) $(PAGE) ## Install what the project needs and build the page (other targets do it by themselves)

up: $(READY) $(PAGE) ## Deploy into an embedded AWS on this machine, send one request, and show where it is seen; needs no account
	@$(PY) -m local up

down: $(READY) ## Stop everything that `make up` started
	@$(PY) -m local down

status: $(READY) ## Show what `make up` has running
	@$(PY) -m local status

logs: $(READY) ## Follow the local deployment's log lines, until Ctrl-C
	@$(PY) -m local logs

ask: $(READY) ## Ask the local deployment every saved question, and print the answers
	@$(PY) -m local ask

test: $(READY) $(PAGE) ## Run every test, the page's too; TESTS=tests/unit for example runs those alone
	@scripts/browser
	@$(PY) -m pytest $(TESTS)
	@$(if $(TESTS),,cd service/web && npm test --silent)

bench: $(READY) ## Measure what telemetry costs a request, as ratios to the bare app
	@$(PY) -m bench.overhead $(BENCH)

bench-parts: $(READY) ## Measure each part of the telemetry beside the stock one that it replaces (docs/architecture.md)
	@$(PY) -m bench.parts $(BENCH)

bench-synth: $(READY) ## Measure `cdk synth`, cold and warm
	@$(PY) -m bench.synth

drill: $(READY) ## Make each sink fail in each way under load, and show what callers notice (25 minutes; DRILL=--help)
	@$(PY) -m bench.outages $(DRILL)

lint: $(READY) $(PAGE) ## Check style, types, shell scripts and the Dockerfile
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo --no-cache
	@.venv/bin/shellcheck scripts/setup scripts/page scripts/browser .ci/run
	@.venv/bin/hadolint service/Dockerfile

format: $(READY) ## Format the code
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

synth: $(READY) ## Synthesize the templates of ENV; VALIDATE=1 runs the CDK's template validator too, as CI does
	@CDK_VALIDATION=$(if $(VALIDATE),true,false) $(CDK) synth --quiet $(CONTEXT)
	@echo "cdk.out holds the templates of $(ENV)"

deploy: $(READY) ## Deploy ENV to the AWS account of your credentials, and tell Honeycomb and Rollbar
	@$(CDK) deploy --all $(CONTEXT)
	-@$(PY) -m operations.deploy_marker --environment $(ENV)

diff: $(READY) ## Show what a deploy of ENV would change
	@$(CDK) diff $(CONTEXT)

destroy: $(READY) ## Delete ENV's stacks from the AWS account of your credentials
	@$(CDK) destroy --all $(CONTEXT)

secrets: $(READY) ## Fill in ENV's Honeycomb and Rollbar keys, from the environment or standard input
	@$(PY) -m operations.secrets --environment $(ENV)

honeycomb: $(READY) ## Make Honeycomb's queries, board and triggers what honeycomb/ declares; PLAN=1 only shows what would be done
	@$(PY) -m operations.honeycomb --environment $(ENV) $(if $(PLAN),--plan)

lock: $(READY) ## Compile the hashed lock files anew
	@for each in service/requirements requirements/dev requirements/uv; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $$each.in -o $$each.txt || exit 1; \
	done
	@for each in . service/web; do npm --prefix $$each install --package-lock-only --silent --no-audit --no-fund || exit 1; done

clean: ## Stop the local deployment and delete everything that is not the source
	@if [ -x $(PY) ]; then $(PY) -m local down; fi
	@rm -rf service/web/node_modules service/web/dist
	@rm -rf .venv node_modules cdk.out .local .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
