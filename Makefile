.DEFAULT_GOAL := help
SHELL := /bin/bash

# People's text, from the command line or the environment: make would expand each `$`, and the shell reads it by the environment.
TEXT := APP CMD FLASK_APP VERSION TO REPOSITORY CDK_CONTEXT URL FILTER TRACE ID FILE EXPORT LIMIT BASE REQUESTS SAMPLING LINE_BYTES HOURS REGION PRICES ASSEMBLY SHAPE PEAK REQUESTS_PER_VCPU FAILED LATENCY LIMITS SPANS RESPONSE_BYTES
$(foreach each,$(TEXT),$(if $(filter-out undefined,$(origin $(each))),$(eval override $(each) := $$(value $(each)))))

# The environment, of infra/environments.py, that the targets for AWS act on.
ENV ?= dev
# Set where ENV was given: what reads telemetry acts on the local deployment otherwise.
GIVEN_ENV = $(filter-out file,$(origin ENV))
# Its choices, without the one of `make up`.
ENVIRONMENTS = $(shell $(PYTHON) -c 'from infra.environment_names import ALL, LOCAL; print(*(each for each in ALL if each != LOCAL), sep="|")')
# The folder of the application that the stacks deploy, with its onetrace.toml; the sample application's without one.
APP ?=
PYTHON ?= python3

PY := .venv/bin/python
READY := .venv/ready
CHECKOV := .venv-checkov
SBOM := .venv-sbom
PAGE := service/web/dist/index.html
# One process of pytest for each processor, four at most; tests/distribution.py says which tests share one.
IN_PARALLEL := --numprocesses logical --maxprocesses 4
PAGE_SOURCES := $(wildcard service/web/*.json service/web/*.ts service/web/*.html service/web/.npmrc) $(shell find service/web/src -type f)
# jsii prints a warning about node 20 at each run otherwise; scripts/setup says it once.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
CDK := node_modules/.bin/cdk
# The version of the deployed code, which is that of the application's own repository, on every span, segment, log line and error item.
# Outside of a repository it is a hash of the folder's files, so that make verify tells one deploy from another.
ifeq ($(origin VERSION),undefined)
APP_QUOTED = '$(subst ','\'',$(or $(APP),service))'
# zsh leaves the ~ of APP=~/shop as it is, and git does not expand it.
APP_VERSION = $(or $(shell folder=$(APP_QUOTED); if [[ $$folder/ == '~/'* ]]; then folder=$$HOME/$${folder:2}; fi; git -C "$$folder" describe --tags --always --dirty 2>/dev/null),$(shell $(PYTHON) -m infra.fingerprint $(APP_QUOTED) 2>/dev/null),unversioned)
# Computed at most once, where a recipe runs.
VERSION = $(eval VERSION := $$(APP_VERSION))$(VERSION)
endif
export $(foreach each,$(TEXT),$(if $(filter-out undefined,$(origin $(each))),$(each)))
CONTEXT := -c environment=$(ENV) -c app="$$APP"$(if $(APP),$(if $(FLASK_APP), -c flask_app="$$FLASK_APP")) -c version="$$VERSION" $(CDK_CONTEXT)

.PHONY: ask attack bootstrap bench bench-bytes bench-libraries bench-parts bench-synth cost cost-comment cost-docs deploy-roles deployed-version diff-comment drill fuzz help honeycomb setup up down run status logs mcp test test-containers test-peers test-image-python lint lint-infra picture format synth deploy diff destroy forget pr-comment roll-back sbom scale scale-docs secrets lock pins prices trace traces verify clean

help: ## List the targets and variables
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  ENV=$(ENVIRONMENTS) is the environment of synth, deploy, verify, roll-back, diff, destroy, forget, secrets and honeycomb (now: $(ENV))."
	@echo "  APP=folder is the application of all of these, described by its onetrace.toml (now: $${APP:-service})."
	@echo "  VERSION=… labels what this checkout deploys (now: $$VERSION); make roll-back deploys an older one."
	@echo "  LOCAL_MODE=containers|process is what make up runs: the deployed containers, or a process (now: containers where a Docker engine can run them)."

$(READY): requirements/dev.txt requirements/uv.txt package-lock.json scripts/setup
	@PYTHON=$(PYTHON) scripts/setup

$(PAGE): $(READY) $(PAGE_SOURCES) scripts/page
	@scripts/page

setup: $(READY) $(PAGE) ## Install the dependencies and build the page (the other targets do so when needed)

up: $(READY) $(if $(APP),,$(PAGE)) ## Deploy APP=folder (now: the sample app) into an AWS emulator on this machine, send two requests and show where they arrived; needs no account
	@$(PY) -m local up

down: $(READY) ## Stop everything that make up started
	@$(PY) -m local down

status: $(READY) ## Show what make up has running
	@$(PY) -m local status

# Make itself exits with 2 where the command fails.
run: $(READY) ## Run CMD="flask db upgrade" with the environment of the local deployment's task, secrets included
	@$(PY) -m local run "$$CMD"

logs: $(READY) ## Follow the local deployment's log lines, until Ctrl-C (FILTER='status:5xx route:/api/*', docs/traces.md; JSON=1 prints them as they are)
	@$(PY) -m local logs $(if $(JSON),--json) $(if $(FILTER),--filter="$$FILTER")

traces: $(READY) ## List the newest requests of the local deployment, or of ENV=dev (FILTER='status:5xx route:/api/*', LIMIT=, JSON=1; docs/traces.md)
	@$(PY) -m $(if $(GIVEN_ENV),operations.traces list --environment $(ENV),local traces) $(if $(JSON),--json) \
		$(if $(FILTER),--filter="$$FILTER") $(if $(LIMIT),--limit="$$LIMIT")

trace: $(READY) ## Show the trace ID of the local deployment, or of ENV=dev, in all four places (JSON=1, EXPORT=otlp|xray), or those in FILE=trace.json
	@$(PY) -m $(if $(GIVEN_ENV),operations.traces show --environment $(ENV),local trace) $(if $(JSON),--json) \
		$(if $(EXPORT),--export="$$EXPORT") $(if $(FILE),--file="$$FILE") -- $(if $(ID),"$$ID")

mcp: $(READY) ## Print how a coding agent starts the MCP server of the local deployment's traces, or of ENV's (docs/mcp.md)
	@$(PY) -m $(if $(GIVEN_ENV),operations.mcp --environment $(ENV),local mcp)

ask: $(READY) ## Run every saved query on the local deployment's telemetry and print the results; TRACE=<trace id> runs those about one trace
	@$(PY) -m local ask $(if $(TRACE),--trace="$$TRACE")

test: $(READY) $(PAGE) ## Run every test, the page's too; TESTS=tests/unit runs only those
	@scripts/browser
	@scripts/databases
	@$(PY) -m pytest $(if $(TESTS),,$(IN_PARALLEL)) $(TESTS)
	@$(if $(TESTS),,cd service/web && npm test --silent)

test-peers: $(READY) ## Run the test suites of Flask, five neighbours and httpbin with telemetry in every app (PEERS=flask runs only that one)
	@$(PY) -m tests.peers $(PEERS)

test-image-python: $(READY) $(PAGE) ## Run the service's tests on the version of Python that the image has, if this machine has it
	@scripts/databases
	@TESTS="$(TESTS)" scripts/test-image-python $(if $(TESTS),,$(IN_PARALLEL))

test-containers: $(READY) $(SBOM)/ready ## Build the images with a Docker engine and test their containers, on an engine of its own where none responds (root on Debian; 20 minutes)
	@scripts/engine $(PY) -m pytest $(or $(TESTS),tests/containers)

bench: $(READY) ## Measure the overhead of telemetry per request, as ratios to the bare app (BENCH=--help)
	@$(PY) -m bench.overhead $(BENCH)

bench-parts: $(READY) ## Measure each part of the telemetry beside the stock one that it replaces (docs/architecture.md)
	@$(PY) -m bench.parts $(BENCH)

bench-bytes: $(READY) ## Measure the bytes of a request at each sink, for make cost (a minute; BENCH=--publish)
	@$(PY) -m bench.request_bytes $(BENCH)

bench-libraries: $(READY) ## Measure what calls of SQLAlchemy, redis and boto3 cost a request, by who traces them (docs/telemetry.md)
	@scripts/databases
	@$(PY) -m bench.libraries $(BENCH)

bench-synth: $(READY) ## Measure the time of cdk synth, cold and warm
	@$(PY) -m bench.synth

drill: $(READY) ## Make each sink fail in each way under load, and print what requests notice (25 minutes; DRILL=--help)
	@$(PY) -m bench.outages $(DRILL)

attack: $(READY) $(PAGE) ## Attack the service and the emulator, and check the promises of docs/security.md (8 minutes; ATTACK=--help)
	@$(PY) -m bench.attacks $(ATTACK)

fuzz: $(READY) ## Give telemetry values of every kind in every place; no other request may lose anything (10 minutes; FUZZ_SEED=, FUZZ_SECONDS=)
	@export FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM} FUZZ_SECONDS=$${FUZZ_SECONDS:-10} FUZZ_ROUNDS=1000; \
		echo "FUZZ_SEED=$$FUZZ_SEED"; $(PY) -m pytest tests/telemetry/fuzz

lint: $(READY) $(PAGE) ## Check style, types (the console's page too), import layers, shell scripts, the Dockerfile, the workflows and Dependabot's configuration
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo --no-cache
	@node_modules/.bin/tsc -p local/console/web
	@.venv/bin/shellcheck scripts/setup scripts/page scripts/browser scripts/databases scripts/engine scripts/foreground.sh scripts/test-image-python .ci/run
	@.venv/bin/hadolint service/Dockerfile infra/application_image/Dockerfile local/containers/images/Dockerfile
	@.venv/bin/jactionlint --shellcheck=.venv/bin/shellcheck --pyflakes= --strict-exit
	@.venv/bin/zizmor --offline --no-progress --quiet --persona pedantic --strict-collection .github

$(CHECKOV)/ready: requirements/checkov.txt $(READY)
	@echo "lint-infra: installing checkov into $(CHECKOV)"
	@$(PY) -m venv --clear $(CHECKOV)
	@.venv/bin/uv pip install --quiet --require-hashes --python $(CHECKOV)/bin/python -r requirements/checkov.txt
	@touch $@

lint-infra: $(CHECKOV)/ready ## Check the stacks of dev and prod with cdk-nag, cfn-guard, cfn-lint and checkov
	@$(PY) -m operations.lint_infra --checkov $(CHECKOV)/bin/checkov

$(SBOM)/ready: requirements/sbom.txt $(READY)
	@echo "sbom: installing cyclonedx-bom into $(SBOM)"
	@$(PY) -m venv --clear $(SBOM)
	@.venv/bin/uv pip install --quiet --require-hashes --python $(SBOM)/bin/python -r requirements/sbom.txt
	@touch $@

sbom: $(SBOM)/ready ## Write the bill of materials of the image's packages to cdk.out/sbom.json (CycloneDX)
	@mkdir -p cdk.out
	@$(SBOM)/bin/cyclonedx-py requirements --output-reproducible --output-file cdk.out/sbom.json service/requirements.txt
	@echo "cdk.out/sbom.json lists the packages of service/requirements.txt"

picture: $(READY) ## Draw docs/deploy.svg from the synthesized stacks of prod
	@$(PY) -m operations.picture

format: $(READY) ## Format the code
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

synth: $(READY) ## Synthesize the templates of ENV; VALIDATE=1 also runs the CDK's template validator, COST=1 checks the cost limit, as CI does
	@CDK_VALIDATION=$(if $(VALIDATE),true,false) $(CDK) synth --quiet $(CONTEXT)
	@echo "cdk.out holds the templates of $(ENV)"
	@$(if $(COST),$(PY) -m operations.cost --environment $(ENV) --assembly cdk.out --limit $(PRICED_BY) $(MEASURED))

# Whose prices a cost is estimated by.
PRICED_BY = $(if $(REGION),--region="$$REGION") $(if $(PRICES),--prices="$$PRICES")
# What is known of the application's own requests.
MEASURED = $(if $(LINE_BYTES),--line-bytes="$$LINE_BYTES") $(if $(SPANS),--spans="$$SPANS") \
	$(if $(RESPONSE_BYTES),--response-bytes="$$RESPONSE_BYTES") \
	$(if $(REQUESTS_PER_VCPU),--requests-per-vcpu="$$REQUESTS_PER_VCPU")

cost: $(READY) ## Estimate what ENV costs a month, offline, at REQUESTS=50 a second (SAMPLING=0.1, FAILED=, SPANS=, LINE_BYTES=, RESPONSE_BYTES=, REQUESTS_PER_VCPU=, HOURS=, REGION=, PRICES=file, FREE_TIER=1, FREE=1, JSON=1; docs/cost.md)
	@$(PY) -m operations.cost --environment $(ENV) $(if $(REQUESTS),--requests="$$REQUESTS") $(if $(SAMPLING),--sampling="$$SAMPLING") \
		$(if $(FAILED),--failed="$$FAILED") $(if $(HOURS),--hours="$$HOURS") $(PRICED_BY) $(MEASURED) \
		$(if $(ASSEMBLY),--assembly="$$ASSEMBLY") $(if $(FREE_TIER),--free-tier) $(if $(FREE),--free) $(if $(JSON),--json)

scale: $(READY) ## Show which limits ENV reaches first from 1 to 100,000 requests a second and how it scales with a load, offline (REQUESTS=, SHAPE=file.csv, PEAK=, REQUESTS_PER_VCPU=, FAILED=, LATENCY=, LIMITS=own.toml, DETAILS=1; docs/scale.md)
	@$(PY) -m operations.scale --environment $(ENV) $(if $(REQUESTS),--requests="$$REQUESTS") $(if $(SHAPE),--shape="$$SHAPE") \
		$(if $(PEAK),--peak="$$PEAK") $(if $(REQUESTS_PER_VCPU),--requests-per-vcpu="$$REQUESTS_PER_VCPU") \
		$(if $(FAILED),--failed="$$FAILED") $(if $(LATENCY),--latency="$$LATENCY") $(if $(LIMITS),--limits="$$LIMITS") $(if $(DETAILS),--details)

scale-docs: $(READY) ## Write docs/scale.md's figures and plots from the stacks of prod
	@$(PY) -m operations.scale.documentation

cost-docs: $(READY) ## Write docs/cost.md, its pictures and the README's table from the stacks of dev and prod
	@$(PY) -m operations.cost.documentation.pages

prices: $(READY) ## Show how old the price files are (REGION=, ALL=1: each price); RENEW=1 REGION= reads AWS's price list
	@$(PY) -m operations.cost.prices.report $(if $(REGION),--region="$$REGION") $(if $(ALL),--all) $(if $(RENEW),--renew)

bootstrap: $(READY) ## Prepare the account and region of your credentials for the CDK, once (QUALIFIER= of bootstrap_qualifier)
	@$(CDK) bootstrap $(if $(QUALIFIER),--qualifier $(QUALIFIER) --toolkit-stack-name CDKToolkit-$(QUALIFIER)) $(CONTEXT)

deploy: $(READY) ## Deploy ENV to the AWS account of your credentials (APPROVAL=never asks nothing), say why if it fails, and record it at Honeycomb and Rollbar
	@if [ -z "$(APPROVAL)" ] && ! [ -t 0 ]; then \
		echo "error: make deploy asks before it widens permissions, and there is no terminal to ask at: pass APPROVAL=never" >&2; exit 1; \
	fi
	@case "$$VERSION" in unversioned*) \
		echo "note: the application is in no git repository with a commit: its version is '$$VERSION'; VERSION= names another" >&2;; \
	esac
	@$(PY) -m operations.deploy --environment $(ENV) -- \
		$(CDK) deploy --all $(if $(APPROVAL),--require-approval $(APPROVAL)) $(CONTEXT) --progress events
	-@$(PY) -m operations.deploy_marker --environment $(ENV)

diff: $(READY) ## Show the changes that a deploy of ENV would make
	@$(CDK) diff $(CONTEXT)

diff-comment: $(READY) ## Write that as Markdown to cdk.out/comment, read with the CDK's lookup role
	@$(PY) -m operations.diff_comment --environment $(ENV) -- $(CDK) diff --method template --no-color $(CONTEXT)

cost-comment: $(READY) ## Compare the cost of ENV with that at BASE=main (now: HEAD^1), as Markdown in cdk.out/comment; needs no account
	@$(PY) -m operations.cost.pull_request.comparison --environment $(ENV) $(if $(BASE),--base="$$BASE") $(if $(REQUESTS),--requests="$$REQUESTS") \
		$(PRICED_BY) -- $(CONTEXT)

pr-comment: $(READY) ## Post cdk.out/comment on the pull request or update it there (in GitHub Actions)
	@$(PY) -m operations.pull_request_comment

# Without ENV= or URL= it is the local deployment. SERVING=1 looks for no telemetry.
verify: $(READY) ## Send a request of each kind to the local deployment, ENV=… or URL=…, find it in every place, and say why one is missing (VERIFY=--help)
	@$(if $(URL),$(PY) -m operations.verify --url "$$URL" $(if $(filter override,$(origin VERSION)),--version "$$VERSION"),$(if $(filter file,$(origin ENV)),$(PY) -m local verify,$(PY) -m operations.verify --environment $(ENV) --version "$$VERSION" $(if $(SERVING),--serving))) $(VERIFY)

deployed-version: $(READY) ## Print the version that ENV runs; DOWNGRADE=no fails where it is newer than the checkout
	@$(PY) -m operations.deployed_version --environment $(ENV) $(if $(filter no,$(DOWNGRADE)),--no-downgrade)

roll-back: $(READY) ## Deploy the earlier version TO of ENV, from its own commit
	@$(PY) -m operations.roll_back --environment $(ENV) --to "$$TO"

deploy-roles: $(READY) ## Deploy the roles that GitHub Actions deploys with, for REPOSITORY=owner/name (docs/ci.md)
	@$(CDK) deploy --app "$(PY) deploy_roles.py" --output cdk.out/deploy-roles $(if $(APPROVAL),--require-approval $(APPROVAL)) \
		-c repository="$$REPOSITORY" -c app="$$APP" $(CDK_CONTEXT)

destroy: $(READY) ## Delete ENV's stacks from the AWS account of your credentials
	@$(CDK) destroy --all $(CONTEXT)

forget: $(READY) ## Delete what make destroy leaves of ENV, its secrets, log groups and access logs, after asking for its name
	@$(PY) -m operations.forget --environment $(ENV)

secrets: $(READY) ## Store ENV's Honeycomb and Rollbar keys and the application's own secrets, read from the environment (APPROVAL=never asks nothing), the terminal or standard input
	@$(PY) -m operations.secrets --environment $(ENV) $(if $(APPROVAL),--approval $(APPROVAL))

honeycomb: $(READY) ## Apply the queries, board and triggers of honeycomb/ to Honeycomb; PLAN=1 is a dry run
	@$(PY) -m operations.honeycomb --environment $(ENV) $(if $(PLAN),--plan)

lock: $(READY) ## Recompile the hashed lock files
	@for each in service/requirements requirements/dev requirements/peers requirements/checkov requirements/sbom requirements/uv; do \
		.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $$each.in -o $$each.txt || exit 1; \
	done
	@for each in . service/web; do npm --prefix $$each install --package-lock-only --silent --no-audit --no-fund || exit 1; done

pins: $(READY) ## Renew the pinned actions and images, from GitHub and the registries; PINS=--check only compares
	@$(PY) -m operations.pins $(PINS)

clean: ## Stop the local deployment and delete everything installed, built or cached
	@if [ -x $(PY) ]; then APP= $(PY) -m local down; fi
	@rm -rf service/web/node_modules service/web/dist local/console/web/dist
	@rm -rf .venv .venv-image .venv-checkov .venv-sbom .peers node_modules cdk.out .local .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
