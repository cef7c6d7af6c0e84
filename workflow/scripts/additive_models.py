"""The additive models of the study and what they say: tests, marginal means, differences, checks."""

from relatives import analyses, jobs, storage


def main(job):
    """Fit all models of this run."""
    tables = analyses.additive_models(
        storage.read_tables(job.input),
        job.params.basis,
        job.params.draws,
        job.params.seed,
        job.params.backend,
    )
    storage.write_tables(tables, job.output)


jobs.run(main)
