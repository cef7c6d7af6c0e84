"""The mixed models of the consistency within the latent spaces, and between them and the audio space."""

from relatives import analyses, jobs


def main(job):
    """Fit all models of this run."""
    jobs.write_tables(analyses.mixed_models(jobs.read_tables(job.input)), job.output)


jobs.run(main)
