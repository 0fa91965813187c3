# The everyday commands. `make` alone lists them; each one makes the environment first where that is still to do.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
JOBS ?= logical
OUT ?= out/demo

.DEFAULT_GOAL := help
.PHONY: help demo run test test-all lint types bench docs gpu clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Segment the bundled clip by sentence, write out/demo/, print the score (no display needed)
	$(BIN)/rvos demo -o $(OUT)

run: $(READY) ## Open the studio on the demo clip
	$(BIN)/python -m rvos_app "$$($(BIN)/python -c 'from rvos_resources import paths; print(paths.demo_dir() / "street.mp4")')"

test: $(READY) ## Run the tests, except the slow ones and those for a GPU
	@sh packaging/qt-libraries $(BIN)/python
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow and not gpu"

test-all: $(READY) ## Run every test this machine can run
	@sh packaging/qt-libraries $(BIN)/python
	$(BIN)/python -m pytest -q -n $(JOBS)

lint: $(READY) ## Check style, formatting and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## Check types
	$(BIN)/mypy

bench: $(READY) ## Measure our parts side by side with their references
	$(BIN)/rvos bench all

docs: $(READY) ## Take the screenshots in docs/images and draw the figures in docs/models again
	@sh packaging/qt-libraries $(BIN)/python
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m rvos_app.screenshots docs/images
	$(BIN)/python -m rvos_core.models.figures docs/models

gpu: $(READY) ## Run the tests that need a CUDA device
	$(BIN)/python -m pytest -q -m gpu

clean: ## Remove everything that was made, the environment included
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml packaging/constraints.txt packaging/find-python
	@set -e; \
	test -x $(BIN)/python || "$$(sh packaging/find-python)" -m venv $(VENV); \
	echo "Installing RVOS Studio into $(VENV) (about 3 GB, some minutes the first time)"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt -e '.[dev]'; \
	touch $@
