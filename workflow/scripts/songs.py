"""The test songs of separation in the space of their network, laid out in the plane: Figure 14."""

from pathlib import Path

import numpy as np

from relatives import audio, embedding, jobs, projection, storage
from relatives.corpora.store import Corpus


def main(job):
    """Cut the songs into excerpts end to end, embed them, and measure their vocals."""
    rate = job.params.sample_rate
    samples = round(job.params.seconds * rate)
    corpus = Corpus(Path(job.input.audio).parent)
    encoder = embedding.encoder(job.input.checkpoint, rate, job.params.device, job.threads)
    tracks = corpus.tracks
    places = [
        (row, first)
        for row in corpus.rows("test")
        for first in range(0, tracks["samples"].iloc[row] - samples + 1, samples)
    ]
    mixtures = np.stack([corpus.audio(row, first, samples) for row, first in places])
    vocals = [corpus.stems(row, first, samples)[:, 0] for row, first in places]
    table = projection.songs(
        embedding.embed(encoder, mixtures),
        [f"{tracks['track_id'].iloc[row]}:{first}" for row, first in places],
        [tracks["song"].iloc[row] for row, _ in places],
        [audio.loudness(signal, rate) for signal in vocals],
        job.params.seed,
    )
    storage.write_tables({"songs": table}, job.output)


jobs.run(main)
