"""One figure, drawn by the module of its name from the tables that are its input."""

import importlib

import pandas as pd

from relatives import jobs
from relatives.figures import style


def main(job):
    """Draw and save as PDF and PNG."""
    tables = {name: pd.read_parquet(path) for name, path in job.input.items()}
    figure = importlib.import_module(f"relatives.figures.{job.rule}").draw(
        **tables, settings=job.params.settings
    )
    style.save(figure, job.output.pdf, job.output.png)


jobs.run(main)
