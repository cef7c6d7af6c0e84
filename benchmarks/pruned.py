"""Within-space errors by pruning, beside those of all distances.

Run as ``python benchmarks/pruned.py``. Excerpts of 2 s of music that the pipeline composes, as MFCC sequences
(87 x 24): 1,000 originals, four of every song, and 64 of them under each transformation, hardly changed, in
between, and beyond recognition; then, in between, a quarter as many originals and four times as many. The
errors of both ways are checked to be the same before the race; the share of cells that pruning computed is in
its note. All cores for both.
"""

import itertools

import numpy as np
from harness import CORES, Contender, Race, main

from relatives import audio, consistency, corpora, distances, seeds, transforms
from relatives.corpora.synthetic import ambience
from relatives.features import mfcc

RATE = 22050
SAMPLES, WINDOW = 2 * RATE, 4 * RATE
SONGS, EACH, QUERIES = 1000, 4, 64
ORIGINALS, OTHERS = 1000, (250, 4000)
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


def race(group, name, queries, own, references):
    """A race of both ways for one distance, whose errors are held to be the same."""

    def pruned():
        return consistency.within_space_errors_pruned(queries, references, own, name)

    def full():
        return consistency.within_space_errors(DISTANCES[name](queries, references), own)

    (errors, computed), expected = pruned(), full()
    assert (errors == expected).all(), name
    note = f"{computed:.2%} of the cells; {1 - errors.mean():.2f} are consistent"
    pairs = len(queries) * len(references)
    return Race(
        f"Within-space errors by {name}, {group} magnitudes, {len(references)} originals",
        "pair",
        [Contender("all distances", full, pairs, CORES), Contender("pruned", pruned, pairs, CORES, note)],
    )


def races():
    music, bar = windows()
    references = mfcc.sequences(np.stack([audio.centre(window, SAMPLES) for window in music]), RATE)
    queries = {
        group: np.concatenate(
            [transformed(name, magnitude, music[:QUERIES], bar) for name, magnitude in magnitudes.items()]
        )
        for group, magnitudes in GROUPS.items()
    }
    own = np.tile(np.arange(QUERIES), len(GROUPS["middle"]))
    for group, originals in [
        *((group, ORIGINALS) for group in GROUPS),
        *(("middle", other) for other in OTHERS),
    ]:
        for name in DISTANCES:
            yield race(group, name, queries[group], own, references[:originals])


if __name__ == "__main__":
    main(races)
