"""The mixed models of the consistency within the latent spaces, by excerpt."""

from relatives import analyses, jobs, storage


def main(job):
    """Fit one a distance."""
    storage.write_tables(analyses.mixed_models(storage.read_tables(job.input)["within"]), job.output)


jobs.run(main)
