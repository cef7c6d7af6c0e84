"""The magnitudes of this run as a table, for Figure 3."""

from relatives import jobs, storage, tables


def main(job):
    """A row a magnitude."""
    storage.write_tables({"grid": tables.places(job.params.magnitudes)}, job.output)


jobs.run(main)
