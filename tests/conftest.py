"""What several files of tests share."""

import pytest

from smoke import Run


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Run the tests of the pipeline one after the other and first; those of another file together.

    Of the two processes of `make test` one has the pipeline then, and the other fills the gaps.
    """
    for item in items:
        if "run" in item.fixturenames:
            item.add_marker(pytest.mark.pipeline)
        group = "pipeline" if item.get_closest_marker("pipeline") else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished run of the smoke preset on two cores; who changes a file of it puts it back."""
    run = Run(tmp_path_factory.mktemp("two cores"))
    run.output = run.snakemake()
    return run
