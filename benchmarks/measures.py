"""Spearman's rho between the spaces at full size, beside scipy's.

Run as ``python benchmarks/measures.py``. A place of the study is a magnitude of a transformation: there, 21
latent spaces with two distances meet two audio distances, in matrices of 1,000 x 1,000. There are 95 places.
The points are drawn at random, the latent ones in 256 dimensions. That all ways give the same numbers is
checked before the races.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from harness import CORES, Contender, Race, main
from scipy.stats import rankdata, spearmanr

from relatives import consistency
from relatives.distances.vectors import cosine, euclidean
from relatives.statistics import bootstrap

EXCERPTS, DIMENSIONS, SPACES = 1000, 256, 21
PAIRS = 2 * 2 * SPACES
OWN = np.arange(EXCERPTS)


def rank_and_correlate(matrix, audio, weights=None):
    """A latent matrix with each of the audio ranks: the correlations, and the draws if there are weights."""
    ranked = consistency.ranks(matrix)
    means = [consistency.row_means(ranks, ranked) for ranks in audio]
    draws = None if weights is None else consistency.bootstrap_correlation(np.stack(means), weights)
    return [consistency.rank_correlation(pair) for pair in means], draws


def measure(measure_distance, originals, transformed, audio, weights):
    """All that the pipeline does with one latent distance of one space at one place."""
    matrix = measure_distance(transformed, originals)
    return consistency.within_space_errors(matrix, OWN), rank_and_correlate(matrix, audio, weights)


def place(threads, audio, latent, weights=None):
    """Rho of all pairs of a place."""
    with ThreadPoolExecutor(threads) as pool:
        audio = [consistency.ranks(matrix) for matrix in audio]
        return list(pool.map(lambda matrix: rank_and_correlate(matrix, audio, weights), latent))


def whole_place(threads, audio, points, weights):
    """A place from the points on."""
    with ThreadPoolExecutor(threads) as pool:
        audio = [consistency.ranks(matrix) for matrix in audio]
        tasks = [(distance, *pair) for pair in points for distance in (euclidean, cosine)]
        return list(pool.map(lambda task: measure(*task, audio, weights), tasks))


def centred(ranks):
    """Ranks as `consistency.ranks` has them."""
    return (ranks - (ranks.size + 1) / 2) / ranks.size


def argsort_ranks(values):
    """Average ranks by NumPy's argsort."""
    order = np.argsort(values)
    ordered = values[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    end = np.append(first[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((first + 1 + end) / 2, end - first)
    return ranks


def races():
    rng = np.random.default_rng(0)
    points = []
    for _ in range(SPACES):
        originals = rng.normal(size=(EXCERPTS, DIMENSIONS)).astype(np.float32)
        points.append((originals, originals + rng.normal(size=originals.shape).astype(np.float32)))
    # The audio distances come as float32
    audio = [euclidean(*points[space]).astype(np.float32) for space in (0, 1)]
    latent = [distance(*pair) for pair in points for distance in (euclidean, cosine)]
    weights = bootstrap.weights(EXCERPTS)

    for name, matrix in (("float64", latent[0]), ("float32", audio[0])):
        flat = matrix.reshape(-1)
        for ranks in (rankdata(flat), argsort_ranks(flat)):
            assert (consistency.ranks(matrix).reshape(-1) == centred(ranks)).all()
        yield Race(
            f"Ranks of a million distances, {name}",
            "matrix",
            [
                Contender("relatives", lambda matrix=matrix: consistency.ranks(matrix), 1),
                Contender("scipy.stats.rankdata", lambda flat=flat: rankdata(flat), 1),
                Contender("numpy.argsort and averages", lambda flat=flat: argsort_ranks(flat), 1),
            ],
        )

    pair = audio[0].reshape(-1), latent[3].reshape(-1)
    rho = consistency.between_space_correlation(audio[0], latent[3])
    assert abs(spearmanr(*pair).statistic - rho) < 1e-12
    yield Race(
        "Rho of the 84 pairs of a place; the study has 95",
        "place",
        [
            Contender("relatives", lambda: place(CORES, audio, latent), 1, CORES),
            Contender("relatives, one thread", lambda: place(1, audio, latent), 1),
            Contender(
                "relatives, with 1,000 draws of each", lambda: place(CORES, audio, latent, weights), 1, CORES
            ),
            Contender(
                "relatives, with distances, errors and draws",
                lambda: whole_place(CORES, audio, points, weights),
                1,
                CORES,
                "as workflow/scripts/consistency.py does it",
            ),
            Contender("scipy.stats.spearmanr of each pair", lambda: spearmanr(*pair), 1 / PAIRS),
        ],
        goal=f"{300 / 95:.2f} s on 2 cores without the draws, so 5 minutes for the study",
    )

    means = np.stack([consistency.row_means(*(consistency.ranks(each) for each in pairs))
                      for pairs in zip(latent[:2], latent[2:4], strict=True)])  # fmt: skip
    means = np.tile(means, (PAIRS // 2, 1, 1))
    # (pairs, 5, q) -> (pairs * 5, q)
    rows = means.reshape(-1, EXCERPTS)
    assert np.allclose(rows @ weights.T, np.einsum("mq,dq->md", rows, weights), rtol=0, atol=1e-15)
    yield Race(
        "1,000 bootstrap draws of the 84 pairs of a place, one thread",
        "place",
        [
            Contender("relatives", lambda: consistency.bootstrap_correlation(means, weights), 1, 1, "einsum"),
            Contender(
                "relatives, pair by pair",
                lambda: [consistency.bootstrap_correlation(pair, weights) for pair in means],
                1,
            ),
            Contender(
                "the product alone, by BLAS", lambda: bootstrap.means(rows, weights), 1, 1, "other last bits"
            ),
        ],
    )


if __name__ == "__main__":
    main(races)
