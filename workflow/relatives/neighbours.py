"""What orders a space of separation's songs: who is near to whom in it, of the same song and as loudly sung.

The study lays the excerpts of Figure 14 out in the plane and looks at it (its section 6.2: "input clips with
similar degrees of vocalness should fall close together"). These are numbers for what it looks at, measured in
the space itself and not in the plane. They are ours; the study has none.

`nearest`, `of_other_songs`
    Who is near to whom, by the Euclidean distance.
`loudness_of_neighbours`
    Is an excerpt as loudly sung as its neighbours? They are taken from other songs, as two excerpts of one
    song have a similar loudness whatever orders the space.
`scores`
    This, and how often the nearest excerpt is of the same song, with intervals over songs and with what
    chance gives.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from relatives import seeds
from relatives.statistics import bootstrap

NEIGHBOURS = 10
"""How many neighbours the loudness of an excerpt's vocals is compared to; fewer where there are fewer."""

LOUDNESS, SAME_SONG = "loudness of neighbours", "same song"
"""The measures of the table `scores`."""

CHANCE_DRAWS = 200
COLUMNS = ["measure", "neighbours", "value", "lower", "upper", "chance"]


def nearest(points: np.ndarray) -> np.ndarray:
    """The nearest other point of each: (n,) integers.

    Parameters
    ----------
    points : (n, d) array
        Two or more. Of equally near ones the first counts.
    """
    found = []
    for rows, distances in _distances(points):
        distances[np.arange(len(rows)), rows] = np.inf  # itself
        found.append(distances.argmin(axis=1))
    return np.concatenate(found)


def of_other_songs(points: np.ndarray, song: Sequence, count: int = NEIGHBOURS) -> np.ndarray:
    """The nearest points of other songs, the nearest first.

    Parameters
    ----------
    points : (n, d) array
    song : sequence of n
        The song that each point is from.
    count : int
        Neighbours of a point; as many as there are for all points, where other songs have fewer.

    Returns
    -------
    (n, count) integers
        Of equally near ones the first counts. (n, 0) where there is one song alone.
    """
    _, codes, sizes = np.unique(np.asarray(song), return_inverse=True, return_counts=True)
    count = min(count, len(codes) - sizes.max())
    found = []
    for rows, distances in _distances(points):
        distances[codes[rows][:, None] == codes] = np.inf
        found.append(np.argsort(distances, axis=1, kind="stable")[:, :count])
    return np.concatenate(found)


def loudness_of_neighbours(
    loudness: Sequence[float], neighbours: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Correlation of each excerpt's loudness with the mean loudness of its neighbours.

    Both are of ranks: an excerpt without vocals, at -inf, is then the softest, however soft.

    Parameters
    ----------
    loudness : (n,) float
        LUFS, -inf without vocals.
    neighbours : (n, k) integers
        The rows of each excerpt's neighbours.
    weights : (n,) float, optional
        How often each excerpt was drawn in a bootstrap sample. An excerpt counts so often, both as itself and
        as a neighbour of others; one without a neighbour in the sample does not count.

    Returns
    -------
    float
        -1 to 1. NaN where nothing varies or there are no neighbours.

    Examples
    --------
    >>> loudness_of_neighbours([-30, -20, -10], np.array([[1], [2], [1]]))
    0.0
    """
    ranks = rankdata(loudness)
    weights = np.ones(len(ranks)) if weights is None else np.asarray(weights, dtype=float)
    of_neighbours = weights[neighbours]  # (n, k)
    total = of_neighbours.sum(axis=1)
    means = (of_neighbours * ranks[neighbours]).sum(axis=1) / np.where(total > 0, total, 1)
    return _correlation(ranks, means, np.where(total > 0, weights, 0))


def scores(
    points: np.ndarray,
    song: Sequence,
    loudness: Sequence[float],
    *,
    draws: int,
    level: float,
    seed: int,
) -> pd.DataFrame:
    """What orders a space, as numbers.

    Parameters
    ----------
    points : (n, d) array
        The excerpts in the space.
    song : sequence of n
        The song that each is from.
    loudness : sequence of n
        Of its isolated vocals, LUFS, -inf without vocals.
    draws : int
        Of the bootstrap, which draws songs with all their excerpts.
    level : float
        Of the intervals.
    seed : int
        The configured seed.

    Returns
    -------
    DataFrame
        measure, neighbours, value, lower, upper, chance; two rows:

        ``loudness of neighbours``
            `loudness_of_neighbours` with that many `neighbours`, `of_other_songs`. Chance is the mean over
            random neighbours out of other songs: a little below 0, as a loud song's are softer.
        ``same song``
            The share of excerpts whose `nearest` other is of the same song. Chance is a random other one.

        NaN where there is one song alone, or all points lie in one place.

    Notes
    -----
    A sample of the bootstrap weights songs, and leaves the neighbours as they are among all songs: were they
    sought anew among the songs of the sample, which are two thirds of all, each song would have fewer rivals
    and the share of the same song would always be greater.
    """
    points, loudness = np.asarray(points), np.asarray(loudness, dtype=float)
    _, codes = np.unique(np.asarray(song), return_inverse=True)
    songs = codes.max() + 1
    if songs < 2 or not np.ptp(points, axis=0).any():
        return pd.DataFrame(
            [(measure, 0, np.nan, np.nan, np.nan, np.nan) for measure in (LOUDNESS, SAME_SONG)],
            columns=COLUMNS,
        )
    weights = bootstrap.weights(songs, draws, seed)[:, codes]  # (draws, songs) -> (draws, n)
    neighbours = of_other_songs(points, codes)
    sampled = np.array([loudness_of_neighbours(loudness, neighbours, sample) for sample in weights])
    rows = [
        (
            LOUDNESS,
            neighbours.shape[1],
            loudness_of_neighbours(loudness, neighbours),
            *bootstrap.limits(sampled, level),
            _chance(loudness, codes, neighbours.shape[1], seed),
        )
    ]
    same = (codes[nearest(points)] == codes).astype(float)
    sampled = (weights * same).sum(axis=1) / weights.sum(axis=1)
    others = np.bincount(codes)[codes] - 1  # of its song, of each excerpt
    rows.append(
        (SAME_SONG, 1, same.mean(), *bootstrap.limits(sampled, level), (others / (len(codes) - 1)).mean())
    )
    return pd.DataFrame(rows, columns=COLUMNS)


def _chance(loudness: np.ndarray, codes: np.ndarray, count: int, seed: int) -> float:
    """Mean of `loudness_of_neighbours` over `count` random neighbours out of other songs."""
    rng = seeds.generator(seed, "songs", "chance")
    order = np.argsort(codes, kind="stable")  # songs end to end
    sizes = np.bincount(codes)
    first, size = (np.cumsum(sizes) - sizes)[codes], sizes[codes]  # of each excerpt's song
    found = []
    for _ in range(CHANCE_DRAWS):
        place = rng.integers(0, (len(codes) - size)[:, None], size=(len(codes), count))
        place += np.where(place >= first[:, None], size[:, None], 0)  # past the excerpt's own song
        found.append(loudness_of_neighbours(loudness, order[place]))
    return float(np.mean(found))


def _distances(points: np.ndarray, rows: int = 512) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Euclidean distances to all points (some, n), some rows (some,) at a time: thousands have no room."""
    points = np.asarray(points, dtype=np.float64)
    for first in range(0, len(points), rows):
        some = np.arange(first, min(first + rows, len(points)))
        yield some, cdist(points[some], points)


def _correlation(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> float:
    """Pearson's correlation of a and b (n,) with weights (n,); NaN where one does not vary."""
    total = weights.sum()
    if not total > 0:
        return np.nan
    a, b = a - (weights * a).sum() / total, b - (weights * b).sum() / total
    scale = (weights * a**2).sum() * (weights * b**2).sum()
    return float((weights * a * b).sum() / np.sqrt(scale)) if scale > 1e-9 else np.nan
