"""What orders a space of separation's songs: who is near to whom in it, of the same song and as loudly sung.

The study lays the excerpts of Figure 14 out in the plane and looks at it (its section 6.2: "input clips with
similar degrees of vocalness should fall close together"). These are numbers for what it looks at, measured in
the space itself and not in the plane. They are ours; the study has none.

`nearest`
    Who is near to whom, by the Euclidean distance.
`loudness_of_neighbours`
    Is an excerpt as loudly sung as its neighbours? They are taken from other songs, as two excerpts of one
    song have a similar loudness whatever orders the space.
`scores`
    This, and how often the nearest excerpt is of the same song, with intervals over songs and with what
    chance gives.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import cdist

from relatives import seeds
from relatives.statistics import jackknife

NEIGHBOURS = 10
"""How many neighbours the loudness of an excerpt's vocals is compared to, but at most a third of the excerpts
of other songs: with all of them every space would give the same number.
"""

LOUDNESS, SAME_SONG = "loudness of neighbours", "same song"
"""The measures of the table `scores`."""

CHANCE_DRAWS = 200
BLOCK = 512  # excerpts whose distances to all others are in memory together
COLUMNS = ["measure", "neighbours", "value", "lower", "upper", "chance"]


def nearest(points: np.ndarray, song: Sequence, count: int, other_songs: bool) -> np.ndarray:
    """The nearest other excerpts of each, the nearest first.

    Parameters
    ----------
    points : (n, d) array
        The excerpts in a space.
    song : sequence of n
        The song that each is from.
    count : int
        How many; as many as there are for every excerpt, where there are fewer.
    other_songs : bool
        Whether only excerpts of other songs count. Else the excerpt itself is left out, and no other.

    Returns
    -------
    (n, count) integers
        Rows of `points`. Of equally near ones the first comes first.
    """
    _, codes = np.unique(np.asarray(song), return_inverse=True)
    return _first(_ranked(points, codes, count, other_songs), np.ones(len(codes), bool), count)


def loudness_of_neighbours(loudness: Sequence[float], neighbours: np.ndarray) -> float:
    """Correlation of each excerpt's loudness with the mean loudness of its neighbours.

    The loudness is ranked first: an excerpt without vocals, at -inf, is then the softest, however soft.

    Parameters
    ----------
    loudness : (n,) float
        LUFS, -inf without vocals.
    neighbours : (n, k) integers
        The rows of each excerpt's neighbours.

    Returns
    -------
    float
        -1 to 1. NaN where nothing varies or there are no neighbours.

    Examples
    --------
    >>> loudness_of_neighbours([-30, -20, -10, -5], np.array([[1], [0], [3], [2]]))
    0.6
    """
    ranks = stats.rankdata(loudness)
    if not neighbours.size:
        return np.nan
    own, others = ranks - ranks.mean(), ranks[neighbours].mean(axis=1)
    others = others - others.mean()
    scale = np.sqrt((own**2).sum() * (others**2).sum())
    return float((own * others).sum() / scale) if scale > 1e-9 else np.nan


def scores(
    points: np.ndarray, song: Sequence, loudness: Sequence[float], *, level: float, seed: int
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
    level : float
        Of the intervals.
    seed : int
        The configured seed.

    Returns
    -------
    DataFrame
        measure, neighbours, value, lower, upper, chance; two rows:

        ``loudness of neighbours``
            `loudness_of_neighbours`, with so many `neighbours` out of other songs. Chance is its mean over
            random neighbours out of other songs. It lies below 0: around a loud song the others are softer.
        ``same song``
            The share of excerpts whose nearest other is of the same song. Chance is a random other.

        NaN where there is one song alone or all points lie in one place; limits are NaN below three songs.

    Notes
    -----
    An interval is a jackknife over songs (Efron and Stein, 1981): with each song left out once, as itself and
    as a neighbour of others, and Student's t with one degree of freedom less than there are songs. A song is
    both, so a bootstrap of the excerpts that have neighbours alone is too narrow, and one that draws songs on
    both sides leaves a third of the songs out and shifts both measures.
    """
    points, loudness = np.asarray(points), np.asarray(loudness, dtype=float)
    _, codes = np.unique(np.asarray(song), return_inverse=True)
    sizes = np.bincount(codes)
    if len(sizes) < 2 or not np.ptp(points, axis=0).any():
        nothing = dict.fromkeys(COLUMNS[2:], np.nan)
        return pd.DataFrame([{"measure": name, "neighbours": 0, **nothing} for name in (LOUDNESS, SAME_SONG)])
    count = min(NEIGHBOURS, max(1, (len(codes) - sizes.max()) // 3))
    # Deep enough that without any one song there are as many as are wanted
    others = _ranked(points, codes, count + sizes.max(), other_songs=True)
    everyone = _ranked(points, codes, 1 + sizes.max(), other_songs=False)

    def measure(kept: np.ndarray) -> tuple[float, float]:
        numbers = np.cumsum(kept) - 1  # of the rows that are kept, among themselves
        near, closest = _first(others, kept, count), _first(everyone, kept, 1)
        same = codes[closest] == codes[kept][:, None]
        return loudness_of_neighbours(loudness[kept], numbers[near]), same.mean() if same.size else np.nan

    everything = np.ones(len(codes), bool)
    without = np.array([measure(codes != left_out) for left_out in range(len(sizes))])  # (songs, 2)
    correlation, share = measure(everything)
    by_chance = (sizes[codes] - 1).mean() / (len(codes) - 1)
    return pd.DataFrame(
        [
            (
                LOUDNESS,
                count,
                correlation,
                *jackknife.interval(correlation, without[:, 0], level, (-1, 1)),
                _chance(loudness, codes, count, seed),
            ),
            (SAME_SONG, 1, share, *jackknife.interval(share, without[:, 1], level, (0, 1)), by_chance),
        ],
        columns=COLUMNS,
    )


def _ranked(points: np.ndarray, codes: np.ndarray, depth: int, other_songs: bool) -> np.ndarray:
    """The `depth` nearest excerpts of each, the nearest first, -1 where there are no more: (n, depth).

    Itself is not among them nor, if `other_songs`, any excerpt of its song, which `codes` numbers.
    """
    points = np.asarray(points, dtype=np.float64)
    found = []
    for first in range(0, len(points), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(points)))
        distances = cdist(points[rows], points)  # (rows, n)
        left_out = codes[rows][:, None] == codes if other_songs else rows[:, None] == np.arange(len(points))
        distances[left_out] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")[:, :depth]
        found.append(np.where(np.isinf(np.take_along_axis(distances, order, axis=1)), -1, order))
    return np.concatenate(found)


def _first(ranked: np.ndarray, kept: np.ndarray, count: int) -> np.ndarray:
    """The first `count` of each row of `ranked` that are `kept`, for the rows that are: (kept, count).

    Fewer where a row has fewer.
    """
    ranked = ranked[kept]
    usable = (ranked >= 0) & kept[ranked]
    count = min(count, int(usable.sum(axis=1).min(initial=count)))
    chosen = usable & (np.cumsum(usable, axis=1) <= count)
    # as many in every row: (kept * count,) -> (kept, count)
    return ranked[chosen].reshape(len(ranked), count)


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
