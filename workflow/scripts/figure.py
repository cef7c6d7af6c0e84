"""One figure, drawn by the module of its name from the tables that are its input."""

import importlib

from relatives import jobs, storage
from relatives.figures import style


def main(job):
    """Draw and save as PDF and PNG."""
    figure = importlib.import_module(f"relatives.figures.{job.rule}").draw(
        **storage.read_tables(job.input), settings=job.params.settings
    )
    style.save(figure, job.output.pdf, job.output.png)


jobs.run(main)
