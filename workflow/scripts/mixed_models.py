"""The mixed models of the consistency within the latent spaces, by excerpt."""

from relatives import analyses, jobs


def main(job):
    """Fit one a distance."""
    jobs.write_tables(analyses.mixed_models(jobs.read_tables(job.input)["within"]), job.output)


jobs.run(main)
