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


def correlate(matrix, audio, compare):
    """A latent matrix with each of the prepared audio matrices: correlations and influences."""
    prepared = consistency.prepare(matrix)
    return [compare(other, prepared) for other in audio]


def place(threads, audio, latent, compare=consistency.compare, weights=None):
    """Rho of all pairs of a place, with draws if there are weights."""
    with ThreadPoolExecutor(threads) as pool:
        audio = [consistency.prepare(matrix) for matrix in audio]
        found = list(pool.map(lambda matrix: correlate(matrix, audio, compare), latent))
    if weights is not None:
        values, influences = zip(*(pair for pairs in found for pair in pairs), strict=True)
        consistency.bootstrap_correlation(np.array(values), np.array(influences), weights)
    return found


def whole_place(threads, audio, points, weights):
    """A place from the points on."""
    with ThreadPoolExecutor(threads) as pool:
        audio = dict(zip(consistency.AUDIO, audio, strict=True))
        latent = {("space", trial): pair[::-1] for trial, pair in enumerate(points)}
        return consistency.compare_spaces(audio, latent, weights, pool)


def all_pairs_of_excerpts(a, b, weights):
    """The draws of one pair of matrices, every pair of excerpts (i, j) weighted by w_i w_j, ranks fixed.

    Five products of (draws, n) and (n, n).
    """
    a, b, aa, bb, ab = (
        np.einsum("dj,dj->d", weights @ each, weights) for each in (a, b, a * a, b * b, a * b)
    )
    return (ab - a * b) / np.sqrt((aa - a * a) * (bb - b * b))


def rows_by_scipy(audio, latent):
    """The correlation of each row."""
    return [spearmanr(*rows).statistic for rows in zip(audio, latent, strict=True)]


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
                "relatives, with 1,000 draws of each",
                lambda: place(CORES, audio, latent, weights=weights),
                1,
                CORES,
            ),
            Contender(
                "relatives, with distances, errors, rows and draws",
                lambda: whole_place(CORES, audio, points, weights),
                1,
                CORES,
                "as workflow/scripts/consistency.py does it",
            ),
            Contender("scipy.stats.spearmanr of each pair", lambda: spearmanr(*pair), 1 / PAIRS),
        ],
        goal=f"{300 / 95:.2f} s on 2 cores without the draws, so 5 minutes for the study",
    )

    rows = consistency.correlation_by_row(audio[0], latent[3])
    assert np.allclose(rows_by_scipy(audio[0], latent[3]), rows, rtol=0, atol=1e-12)
    prepared = [consistency.prepare(matrix) for matrix in (audio[0], latent[3])]
    yield Race(
        "Rho of each excerpt (eq. 11) of the 84 pairs of a place, one thread",
        "place",
        [
            Contender(
                "relatives, of ranked matrices",
                lambda: consistency.compare_rows(*prepared),
                1 / PAIRS,
                1,
                "with influences; ranks of rows come with those of all pairs",
            ),
            Contender(
                "scipy.stats.spearmanr of each row", lambda: rows_by_scipy(audio[0], latent[3]), 1 / PAIRS
            ),
        ],
    )

    prepared = [consistency.prepare(matrix) for matrix in (audio[0], latent[1])]
    rho, influences = consistency.compare(*prepared)
    many = np.full(PAIRS, rho), np.tile(influences, (PAIRS, 1))

    def influences_and_draws():
        for _ in range(PAIRS):
            consistency.compare(*prepared)
        return consistency.bootstrap_correlation(*many, weights)

    draws = all_pairs_of_excerpts(*(each.ranks for each in prepared), weights)
    assert np.corrcoef(draws, consistency.bootstrap_correlation(rho, influences, weights))[0, 1] > 0.9
    yield Race(
        "1,000 bootstrap draws of the 84 pairs of a place, excerpts taken on both sides, one thread",
        "place",
        [
            Contender("relatives: influences, and one product", influences_and_draws, 1),
            Contender(
                "the product alone",
                lambda: consistency.bootstrap_correlation(*many, weights),
                1,
            ),
            Contender(
                "every pair weighted by w_i w_j, by BLAS",
                lambda: all_pairs_of_excerpts(*(each.ranks for each in prepared), weights),
                1 / PAIRS,
                CORES,
                "ranks fixed",
            ),
        ],
        goal="under 1 s on one core",
    )


if __name__ == "__main__":
    main(races)
