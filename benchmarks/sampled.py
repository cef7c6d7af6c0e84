"""What a sample of the originals costs, and the error that it adds.

Run as ``python benchmarks/sampled.py``. 4,000 excerpts of composed music are compared with themselves under a
middling change of pitch, by DTW and by the Euclidean distance of the MFCC statistics: the share of errors of
DTW, and the rank correlation of the two. Then only some of the excerpts are. A sample of queries against all
originals measures the same as all queries do; one of queries and originals measures the correlation of fewer
points, and an easier search. The notes give the root mean square of how far DRAWS samples are from the whole.
"""

import numpy as np
from harness import CORES, Contender, Race, main
from pruned import RATE, SAMPLES, transformed, windows

from relatives import audio, consistency, distances
from relatives.features import mfcc

TRANSFORMATION, MAGNITUDE, DRAWS = "PS", 2.0, 100
SAMPLED = (1000, 250)  # excerpts


def measures(warped, euclidean, own):
    """The share of errors, and rho, of matrices (q, r)."""
    errors = consistency.within_space_errors(warped, own)
    return np.array([errors.mean(), consistency.between_space_correlation(warped, euclidean)])


def races():
    music, bar = windows()
    originals = mfcc.sequences(np.stack([audio.centre(window, SAMPLES) for window in music]), RATE)
    changed = transformed(TRANSFORMATION, MAGNITUDE, music, bar)
    points, changed_points = mfcc.statistics(originals), mfcc.statistics(changed)
    everything = np.arange(len(music))

    def measure(queries, references):
        own = np.searchsorted(references, queries)
        warped = distances.dtw(changed[queries], originals[references])
        return measures(warped, distances.euclidean(changed_points[queries], points[references]), own)

    warped = distances.dtw(changed, originals)
    euclidean = distances.euclidean(changed_points, points)
    whole = measures(warped, euclidean, everything)

    def contender(size, whom):
        """A sample of queries, among all originals or among themselves, and how far its measures are off."""
        rng = np.random.default_rng(0)
        misses = []
        for _ in range(DRAWS):
            queries = np.sort(rng.choice(everything, size, replace=False))
            columns = everything if whom == "all" else queries
            own = np.searchsorted(columns, queries)
            found = measures(warped[np.ix_(queries, columns)], euclidean[np.ix_(queries, columns)], own)
            misses.append(found - whole)
        error, rho = np.sqrt(np.mean(np.square(misses), axis=0))
        chosen = np.sort(rng.choice(everything, size, replace=False))
        return Contender(
            f"{size} queries, {whom} originals",
            lambda: measure(chosen, everything if whom == "all" else chosen),
            1,
            CORES,
            f"off by {error:.4f} in the share of errors and {rho:.4f} in rho",
        )

    yield Race(
        f"A magnitude of {len(music)} excerpts: DTW, errors and rho",
        "magnitude",
        [
            Contender(
                f"all {len(music)}",
                lambda: measure(everything, everything),
                1,
                CORES,
                f"share of errors {whole[0]:.4f}, rho {whole[1]:.4f}",
            ),
            *(contender(size, whom) for size in SAMPLED for whom in ("all", "their")),
        ],
        rounds=3,
    )


if __name__ == "__main__":
    main(races)
