"""What several files of tests share."""

import sys

import pytest
from xdist.scheduler import LoadScopeScheduling

from smoke import Run

PIPELINE = ("test_pipeline.py", "test_cluster.py", "test_faults.py", "test_machine_faults.py")
"""The files that run the pipeline, or break it: in one process, as they share `run` and take both cores."""


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.path.name not in PIPELINE)


def pytest_xdist_make_scheduler(config, log):
    """Of the processes of `make test` one has the pipeline; the others fill the gaps, a file at a time."""

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "pipeline" if file.endswith(PIPELINE) else file

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def subnormal_numbers():
    """Count subnormal numbers, which hypothesis draws: training and embedding make them 0 for a process."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished run of the smoke preset on two cores; who changes a file of it puts it back."""
    run = Run(tmp_path_factory.mktemp("two cores"))
    run.output = run.snakemake()
    return run
