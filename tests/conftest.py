"""What several files of tests share."""

import pytest

from smoke import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished run of the smoke preset on two cores; who changes a file of it puts it back."""
    run = Run(tmp_path_factory.mktemp("two cores"))
    run.output = run.snakemake()
    return run
