# The front doors: `make up` shows a cluster network at work, `make test` proves the project.

VENV ?= $(CURDIR)/.venv
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
# Tests leave orphans behind and wait until they are reaped; some machines' process 1 takes a second for that.
PYTEST := $(ROOT) catatonit -- $(VENV)/bin/python -m pytest
WORKERS ?= 2  # tests wait about as much as they work; a third one pays on a machine that is quiet

.PHONY: up down test test-fast lint format setup bench bench-quick soak chaos schema

up: setup  ## a lab of three nodes, a Deployment on it, and its network proved
	$(ROOT) $(VENV)/bin/labctl up
	$(ROOT) $(VENV)/bin/labctl apply -f examples/web.yaml
	$(ROOT) $(VENV)/bin/labctl wait --for=condition=Available deployment/web --timeout=60s
	$(ROOT) $(VENV)/bin/labctl get pods -o wide
	$(ROOT) $(VENV)/bin/labctl verify
	@cat examples/next.txt

down:  ## takes the lab away
	$(ROOT) $(VENV)/bin/labctl down

test: setup  ## every test, against the real kernel
	$(PYTEST)

test-fast: setup  ## the same on several workers, and then, alone, those that measure time
	$(PYTEST) -m "not alone" -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	$(PYTEST) -m alone

lint: setup  ## style, types and layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: setup
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: setup  ## measures what a lab costs on this machine, and writes docs/benchmarks.*
	$(ROOT) $(VENV)/bin/python -m benchmarks --write

bench-quick: setup  ## the same in little; fails when a ratio is far off its budget
	$(ROOT) $(VENV)/bin/python -m benchmarks --quick

soak: setup  ## makes and deletes 10,000 pods in a lab of ten nodes, and looks for what stays
	$(ROOT) $(VENV)/bin/python -m benchmarks.soak

chaos: setup  ## walks of faults and changes, SEEDS of them (20), until one fails; that one is named
	for seed in $$(seq $${FIRST:-1} $$(($${FIRST:-1} + $${SEEDS:-20} - 1))); do \
	    $(ROOT) env CHAOS_SEED=$$seed CHAOS_ROUNDS=$${ROUNDS:-40} \
	        $(VENV)/bin/python -m pytest tests/chaos -k test_walk || exit; \
	done

schema: setup  ## Kubernetes' definitions: trimmed for validation, whole for OpenAPI
	$(VENV)/bin/pip install --quiet kubernetes-validate
	$(VENV)/bin/python -m tools.trim_schemas
	$(VENV)/bin/python -m tools.publish_schemas

setup:
	@tools/setup.sh $(VENV)
