"""The test songs of separation in the space of their network and of one never trained: Figure 14."""

from pathlib import Path

import numpy as np
import pandas as pd

from relatives import audio, embedding, jobs, neighbours, projection, storage
from relatives.corpora.store import Corpus


def main(job):
    """Cut the songs into excerpts end to end, measure their vocals, embed them with every network."""
    rate = job.params.sample_rate
    samples = round(job.params.seconds * rate)
    corpus = Corpus(Path(job.input.audio).parent)
    tracks = corpus.tracks
    places = [
        (row, first)
        for row in corpus.rows("test")
        for first in range(0, tracks["samples"].iloc[row] - samples + 1, samples)
    ]
    mixtures = np.stack([corpus.audio(row, first, samples) for row, first in places])
    excerpt_ids = [f"{tracks['track_id'].iloc[row]}:{first}" for row, first in places]
    song = [tracks["song"].iloc[row] for row, _ in places]
    loudness = [audio.loudness(corpus.stems(row, first, samples)[:, 0], rate) for row, first in places]
    planes, scores = [], []
    for space, trials in job.params.spaces.items():
        for trial in range(trials):
            checkpoint = f"{job.params.folder}/models/{space}/VGG/trial{trial}/checkpoint.pt"
            encoder = embedding.encoder(checkpoint, rate, job.params.device, job.threads)
            points = embedding.embed(encoder, mixtures)
            table = neighbours.scores(points, song, loudness, level=job.params.level, seed=job.params.seed)
            scores.append(pd.concat({(space, trial): table}, names=["space", "trial"]).reset_index([0, 1]))
            if trial == 0:
                planes.append(projection.songs(space, points, excerpt_ids, song, loudness, job.params.seed))
    tables = {"songs": planes, "songs_scores": scores}
    storage.write_tables(
        {name: pd.concat(rows, ignore_index=True) for name, rows in tables.items()}, job.output
    )


jobs.run(main)
