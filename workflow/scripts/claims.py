"""A verdict on each finding of the study, from the tables of this run."""

from relatives import claims, jobs, storage


def main(job):
    """Weigh the evidence."""
    settings = job.params.bootstrap
    findings, evidence = claims.evaluate(
        storage.read_tables(job.input), settings["draws"], settings["level"], job.params.seed
    )
    storage.write_tables({"claims": findings, "evidence": evidence}, job.output)


jobs.run(main)
