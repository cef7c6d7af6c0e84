"""The performance of all networks in one table, with the means and curves of Figures 4 and 12."""

import pandas as pd

from relatives import jobs, storage, tables
from relatives.files import replacing


def main(job):
    """Gather the tables of the networks."""
    observations = pd.concat([pd.read_parquet(path) for path in job.input.performance], ignore_index=True)
    settings = job.params.bootstrap
    storage.write_tables(
        tables.performance(observations, settings["draws"], job.params.seed, settings["level"]), job.output
    )
    scores = pd.concat([pd.read_csv(path) for path in job.input.scores], ignore_index=True)
    # How long each network was trained: until the last row of its history
    steps = [pd.read_csv(path)["step"].iloc[-1] for path in job.input.history]
    trained = pd.DataFrame(job.params.trained, columns=["task", "encoder", "trial"]).assign(steps=steps)
    most = [job.params.most[task][encoder] for task, encoder, _ in job.params.trained]
    trained["cut_off"] = trained["steps"] >= most
    scores = scores.merge(trained, how="left")
    with replacing(job.output.scores) as path:
        scores.to_csv(path, index=False)


jobs.run(main)
