"""The performance of a task's networks with one encoder, for every test excerpt under every magnitude."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from relatives import jobs, storage
from relatives.corpora.store import Corpus
from relatives.features import mfcc
from relatives.files import replacing
from relatives.models import networks
from relatives.tasks import TASKS


def main(job):
    """Measure all trials on the same audio, and on the originals the trivial predictors beside them."""
    torch.set_num_threads(job.threads)
    torch.set_flush_denormal(True)
    task, encoder = TASKS[job.wildcards.task], job.wildcards.encoder
    corpus = Corpus(Path(job.input.audio).parent)
    excerpts = pd.read_parquet(job.input.excerpts)
    trained = [networks.load(path, job.params.device) for path in job.input.checkpoints]
    labels = corpus.labels.set_axis(corpus.tracks["track_id"]).loc[excerpts["track_id"]].to_numpy()

    rows, scores = [], []
    for transformation, magnitudes in job.params.magnitudes.items():
        audio = storage.Blocks(job.input[transformation])
        vocals = storage.Blocks(job.input[f"{transformation}_vocals"]) if "stems" in task.needs else None
        for m, magnitude in enumerate(jobs.progress(magnitudes, f"magnitudes of {transformation}")):
            mixtures = audio[m]
            targets = labels if vocals is None else vocals[m]
            statistics = None
            if encoder == "MFCC":
                statistics = mfcc.statistics(mfcc.sequences(mixtures, trained[0].settings["sample_rate"]))
            for trial, network in enumerate(trained):
                performance = task.module.performance(network, mixtures, targets, statistics)
                rows.append(
                    pd.DataFrame(
                        {
                            "task": task.name,
                            "encoder": encoder,
                            "trial": trial,
                            "transformation": transformation,
                            "magnitude": magnitude,
                            "excerpt_id": excerpts["excerpt_id"],
                            "performance": performance,
                        }
                    )
                )
                if transformation == "OG":
                    trivial = task.module.trivial(network, corpus, mixtures, targets)
                    for name, values in {"": performance, **trivial}.items():
                        scores.append((task.name, encoder, trial, task.measure, name, np.nanmean(values)))

    with replacing(job.output.performance) as path:
        pd.concat(rows, ignore_index=True).to_parquet(path, index=False)
    with replacing(job.output.scores) as path:
        columns = ["task", "encoder", "trial", "measure", "trivial", "performance"]
        pd.DataFrame(scores, columns=columns).to_csv(path, index=False)


jobs.run(main)
