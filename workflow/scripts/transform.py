"""A block of the test excerpts under every magnitude of one transformation."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

from relatives import jobs, seeds, storage, transforms
from relatives.corpora import excerpts
from relatives.corpora.store import Corpus


def main(job):
    """Transform the windows around the excerpts and keep their middles."""
    rate, settings, name = job.params.sample_rate, job.params.excerpts, job.wildcards.transformation
    samples, window = round(settings["seconds"] * rate), round(settings["window"] * rate)
    first = int(job.wildcards.block) * settings["block"]
    block = pd.read_parquet(job.input.excerpts).iloc[first : first + settings["block"]]

    corpus = Corpus(Path(job.input.audio).parent)
    noise = np.load(job.input.noise) if job.input.noise else None
    mixtures = excerpts.windows(corpus, block, samples, window)
    vocals = (
        excerpts.vocal_windows(corpus, block, samples, window) if corpus.has_stems else [None] * len(block)
    )
    numbers = [seeds.number(job.params.seed, "transforms", excerpt_id) for excerpt_id in block["excerpt_id"]]

    # On disk, as a block of the study's size is a gigabyte
    shape = len(job.params.magnitudes), len(block), samples
    with (
        storage.replacing_array(job.output.audio, shape) as transformed,
        storage.replacing_array(job.output.vocals, shape)
        if corpus.has_stems
        else nullcontext() as references,
    ):
        for m, magnitude in enumerate(jobs.progress(job.params.magnitudes, "magnitudes")):
            for e, (mixture, companion, seed) in enumerate(zip(mixtures, vocals, numbers, strict=True)):
                transformed[m, e], reference = transforms.excerpt(
                    name, magnitude, mixture, samples, rate, seed, noise, companion
                )
                if references is not None:
                    references[m, e] = reference
            if number := sum(not transformed[m, e].any() for e in range(len(block))):
                print(
                    f"{name} {magnitude:g}: nothing is left of {number} of {len(block)} excerpts but zeros."
                )


jobs.run(main)
