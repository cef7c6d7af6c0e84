"""The mixed models of the consistency within the latent spaces, and between them and the audio space."""

from relatives import analyses, jobs, storage


def main(job):
    """Fit all models of this run."""
    storage.write_tables(analyses.mixed_models(storage.read_tables(job.input)), job.output)


jobs.run(main)
