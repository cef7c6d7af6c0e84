"""The performance of a task's networks with one encoder, for every test excerpt under every magnitude."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from relatives import jobs, storage
from relatives.corpora.store import Corpus
from relatives.files import replacing
from relatives.models import networks
from relatives.performance import SCORES, lead
from relatives.statistics import bootstrap
from relatives.tasks import TASKS


def main(job):
    """Measure all trials on the same audio, and on the originals what they are compared with."""
    torch.set_num_threads(job.threads)
    torch.set_flush_denormal(True)
    task, encoder, settings = TASKS[job.wildcards.task], job.wildcards.encoder, job.params.bootstrap
    corpus = Corpus(Path(job.input.audio).parent)
    excerpts = pd.read_parquet(job.input.excerpts)
    trained = [networks.load(path, job.params.device) for path in job.input.checkpoints]
    labels = corpus.labels.set_axis(corpus.tracks["track_id"]).loc[excerpts["track_id"]].to_numpy()
    windows = {}
    if "stems" in task.needs:
        original, vocals = storage.Blocks(job.input.OG)[0], storage.Blocks(job.input.OG_vocals)[0]
        windows["counts"] = task.module.counted(vocals, original, trained[0].settings["sample_rate"])

    rows, scores = [], []
    for transformation, magnitudes in job.params.magnitudes.items():
        audio = storage.Blocks(job.input[transformation])
        vocals = storage.Blocks(job.input[f"{transformation}_vocals"]) if "stems" in task.needs else None
        embedded = [np.load(path, mmap_mode="r") for path in job.input.get(f"{transformation}_points", [])]
        for m, magnitude in enumerate(jobs.progress(magnitudes, f"magnitudes of {transformation}")):
            mixtures = audio[m]
            targets = labels if vocals is None else vocals[m]
            points = [array[m] for array in embedded]
            if not points and encoder == "MFCC":
                points = [trained[0].inputs(mixtures).cpu().numpy()]
            # MFCC is one space, whatever the trial
            points = points * len(trained) if len(points) == 1 else points or None
            found = task.module.performance(trained, mixtures, targets, points, **windows)
            for trial, (network, performance) in enumerate(zip(trained, found, strict=True)):
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
                    z = points[trial] if points else None
                    others = task.module.baselines(network, corpus, mixtures, targets, z, **windows)
                    draws = bootstrap.weights(len(performance), settings["draws"], job.params.seed)
                    for name, values in {"network": performance, **others}.items():
                        ahead = lead(performance, values, task.name, draws, settings["level"])
                        scores.append(
                            (task.name, encoder, trial, task.measure, name, np.nanmean(values), *ahead)
                        )

    with replacing(job.output.performance) as path:
        pd.concat(rows, ignore_index=True).to_parquet(path, index=False)
    with replacing(job.output.scores) as path:
        pd.DataFrame(scores, columns=SCORES).to_csv(path, index=False)


jobs.run(main)
