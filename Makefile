# make results   the study on the embedded corpus        make test    the checks
# make lint      style of the code                       make bench   speed beside the peers
# make paper     dry run of the study at full scale      make lock    resolve envs/requirements.in anew
# make faults    kill and break it again and again, for hours: renews tests/faults/results
# `make results CORES=8 OPTIONS="--configfile mine.yaml"` passes more to Snakemake.

PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
OPTIONS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
BENCHMARKS := $(filter-out harness,$(basename $(notdir $(wildcard benchmarks/*.py))))

FAULTS := $(filter-out kills judging moment broken tables fuzz,$(basename $(notdir $(wildcard tests/faults/*.py))))

.PHONY: results test lint bench faults paper lock clean

results: $(READY)
	$(BIN)/snakemake --cores $(CORES) $(OPTIONS)

test: $(READY)
	$(BIN)/pytest --numprocesses 2 --no-loadscope-reorder $(OPTIONS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps -r envs/benchmarks.txt
	for benchmark in $(BENCHMARKS); do $(BIN)/python benchmarks/$$benchmark.py --write || exit 1; done

faults: $(READY)
	for program in kills $(FAULTS); do $(BIN)/python tests/faults/$$program.py --write || exit 1; done

paper: $(READY)
	$(BIN)/snakemake --dry-run --quiet rules --configfile workflow/presets/paper.yaml $(OPTIONS)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		envs/requirements.in --output-file envs/requirements.txt
	$(PYTHON) envs/export.py > envs/environment.yaml

clean:
	rm -rf data results .snakemake

$(READY): envs/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "relatives needs Python 3.11 or later: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@
