"""Within-space errors by pruning, beside those of all distances.

Run as ``python benchmarks/pruned.py``. Excerpts of 2 s of music that the pipeline composes, as MFCC sequences
(87 x 24): 1,000 originals, four of every song, and 64 of them under each transformation, hardly changed, in
between, and beyond recognition. The errors of both ways are checked to be the same before the race; the share
of cells that pruning computed is in its note. All cores for both.
"""

import itertools

import numpy as np
from harness import Contender, Race, main

from relatives import audio, consistency, corpora, distances, seeds, transforms
from relatives.corpora.synthetic import ambience
from relatives.features import mfcc

RATE = 22050
SAMPLES, WINDOW = 2 * RATE, 4 * RATE
SONGS, EACH, QUERIES = 250, 4, 64
GROUPS = {
    "small": {"PS": 0.25, "TS": 1.02, "PN": 30.0, "EN": 30.0, "MP": 192.0},
    "middle": {"PS": 4.0, "TS": 0.7, "PN": 12.0, "EN": 6.0, "MP": 24.0},
    "grave": {"PS": 12.0, "TS": 0.3, "PN": -15.0, "EN": -15.0, "MP": 8.0},
}
DISTANCES = {"dtw": distances.dtw, "simple": distances.simple}


def windows():
    """Windows around the excerpts (SONGS * EACH, WINDOW), and a bar."""
    settings = {
        "kind": "tagging",
        "songs": SONGS,
        "seconds": EACH * WINDOW / RATE,
        "split": [0.6, 0.1, 0.3],
    }
    songs = itertools.islice(corpora.source("synthetic").tracks(settings, RATE, 0, workers=1), SONGS)
    # (samples of a song,) -> (EACH, WINDOW)
    cut = [audio.centre(audio.mono(song.audio), EACH * WINDOW).reshape(EACH, WINDOW) for song in songs]
    return np.concatenate(cut).astype(np.float32), ambience.bar(20.0, RATE, seeds.generator(0, "noise"))


def transformed(name, magnitude, originals, bar):
    """MFCC sequences of the windows under a transformation."""
    excerpts = [
        transforms.excerpt(name, magnitude, window, SAMPLES, RATE, seed, bar)[0]
        for seed, window in enumerate(originals)
    ]
    return mfcc.sequences(np.stack(excerpts), RATE)


def races():
    music, bar = windows()
    references = mfcc.sequences(np.stack([audio.centre(window, SAMPLES) for window in music]), RATE)
    chosen = np.arange(QUERIES)
    for group, magnitudes in GROUPS.items():
        queries = np.concatenate(
            [transformed(name, magnitude, music[chosen], bar) for name, magnitude in magnitudes.items()]
        )
        own = np.tile(chosen, len(magnitudes))
        pairs = len(queries) * len(references)
        for name, distance in DISTANCES.items():

            def pruned(name=name, queries=queries, own=own):
                return consistency.within_space_errors_pruned(queries, references, own, name)

            def full(distance=distance, queries=queries, own=own):
                return consistency.within_space_errors(distance(queries, references), own)

            (errors, computed), expected = pruned(), full()
            assert (errors == expected).all(), name
            note = f"{computed:.2%} of the cells; {1 - errors.mean():.2f} are consistent"
            yield Race(
                f"Within-space errors by {name}, {group} magnitudes",
                "pair",
                [Contender("all distances", full, pairs, 2), Contender("pruned", pruned, pairs, 2, note)],
            )


if __name__ == "__main__":
    main(races)
