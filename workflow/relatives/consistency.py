"""Consistency of the distances within a space and between two spaces.

A transformed excerpt is a query, the originals are the references; one of them is the query's own original.
All functions take matrices of distances (queries, originals) or what was made of them, one (transformation,
magnitude) at a time.

Within-space (section 3.1.1 of the consistency study)
    `within_space_errors`: is the own original the nearest of all? Consistency is 1 - mean error (eq. 9, 10).
    `within_space_errors_pruned`: the same of sequences in the audio space, without most of the matrix.
Between-space (section 3.1.2), the audio space and a latent space
    `between_space_correlation`: are far pairs far in both spaces? Spearman's rank correlation (eq. 11).
    `between_space_agreement`: do both spaces err on the same excerpts (eq. 12)?

Ranking a matrix costs more than all that follows, and one audio space meets many latent spaces: `ranks` once
a matrix, `row_means` once a pair of matrices, then `rank_correlation` and, for any number of pairs at once,
`bootstrap_correlation`. Both `ranks` and `row_means` run on one thread and let others run beside them.

`compare_spaces` is the whole test of all spaces at one place, `over_places` joins what it found.
"""

from itertools import product

import numpy as np
from numba import njit

from relatives.distances.vectors import cosine, euclidean

AUDIO = ("dtw", "simple")
LATENT = {"euclidean": euclidean, "cosine": cosine}
"""The distances of the audio space, and of latent spaces with their functions."""


def within_space_errors(matrix, own):
    """Error of each query: 0 only if its own original is strictly nearer than every other (eq. 9).

    Parameters
    ----------
    matrix : (q, r)
        Distances of the queries to the originals.
    own : (q,) integers
        Column of each query's own original.

    Returns
    -------
    (q,) int8
        0 or 1. A tie is an error. So is a NaN anywhere in the row: nothing shows the own original to be
        nearest.

    Raises
    ------
    ValueError
        The shapes do not fit, or a column is out of range.

    Examples
    --------
    >>> within_space_errors([[0.1, 0.7], [0.4, 0.4]], own=[0, 1])
    array([0, 1], dtype=int8)
    """
    matrix = _matrix(matrix)
    own = _own(matrix.shape, own)
    own_distances = np.take_along_axis(matrix, own[:, np.newaxis], axis=1)
    # The own original is not farther than itself. One more that is not, or cannot be compared, is an error.
    not_farther = np.count_nonzero(~(matrix > own_distances), axis=1)
    return ((not_farther != 1) | np.isnan(own_distances[:, 0])).astype(np.int8)


def within_space_errors_pruned(queries, references, own, distance="dtw", subsequence=50):
    """The errors of `within_space_errors` from sequences, of which few distances are computed to the end.

    For when no correlation is asked for, as that needs all distances.

    Parameters
    ----------
    queries : (q, n, d)
        Sequences of n frames of d coefficients.
    references : (r, m, d)
        The originals.
    own : (q,) integers
        Index of each query's own original.
    distance : {"dtw", "simple"}
    subsequence : int
        Frames of a subsequence of SiMPle.

    Returns
    -------
    errors : (q,) int8
        Exactly those of the matrix of `distances.dtw` or `distances.simple`.
    computed : float
        Share of the cells of the matrix' pairs that were computed: see `distances.pruning`.

    Raises
    ------
    ValueError
        The shapes do not fit, a set is empty, an index is out of range, or the distance is unknown.
    InputError
        A sequence holds NaN or infinity, or is shorter than the subsequence.

    Examples
    --------
    >>> songs = np.array([[[0.0], [1.0]], [[5.0], [6.0]], [[0.0], [1.0]]])
    >>> within_space_errors_pruned(songs, songs, own=[0, 1, 2])[0]
    array([1, 0, 1], dtype=int8)
    """
    from relatives.distances.pruning import others_as_near

    own = _own((len(queries), len(references)), own)
    as_near, computed = others_as_near(queries, references, own, distance, subsequence)
    return as_near.astype(np.int8), computed


def between_space_agreement(errors_a, errors_b):
    """Share of the queries on which two spaces err alike (eq. 12).

    Parameters
    ----------
    errors_a, errors_b : (q,)
        Errors 0 or 1 of the same queries, from `within_space_errors`.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        The lengths differ, there are no queries, or a value is neither 0 nor 1.

    Examples
    --------
    >>> between_space_agreement([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    errors_a, errors_b = np.asarray(errors_a), np.asarray(errors_b)
    if errors_a.ndim != 1 or errors_a.shape != errors_b.shape:
        raise ValueError(f"errors must be two lists of one length, not {errors_a.shape} and {errors_b.shape}")
    if errors_a.size == 0:
        raise ValueError("errors are empty: there is nothing to agree on")
    for errors in (errors_a, errors_b):
        strange = ~np.isin(errors, (0, 1))
        if strange.any():
            raise ValueError(f"errors must be 0 or 1, not {errors[strange][0]}")
    return float(np.mean(errors_a == errors_b))


def between_space_correlation(audio, latent, exclude_own=None):
    """Spearman's rank correlation of the distances in two spaces (eq. 11).

    Parameters
    ----------
    audio, latent : (q, r)
        Distances of the same queries to the same originals in either space.
    exclude_own : (q,) integers, optional
        Column of each query's own original. Without it all pairs count; with it the pairs of an excerpt and
        its own original are left out, as eq. 11 is written.

    Returns
    -------
    float
        -1 to 1, with average ranks for ties. NaN if one of the matrices is constant (no order, no
        correlation) or holds a NaN.

    Raises
    ------
    ValueError
        The shapes differ or a matrix is empty.

    Examples
    --------
    >>> between_space_correlation([[0.1, 0.9], [0.5, 0.2]], [[1, 81], [25, 4]])
    1.0
    """
    audio, latent = _matrix(audio), _matrix(latent)
    if exclude_own is not None:
        audio, latent = without_own(audio, exclude_own), without_own(latent, exclude_own)
    return rank_correlation(row_means(ranks(audio), ranks(latent)))


def without_own(matrix, own):
    """The matrix (q, r - 1) without each query's own original, whose columns (q,) are in `own`."""
    matrix = _matrix(matrix)
    own = _own(matrix.shape, own)
    others = np.arange(matrix.shape[1]) != own[:, np.newaxis]
    # (q * (r - 1),) -> (q, r - 1): every row has lost one
    return matrix[others].reshape(len(matrix), -1)


def ranks(matrix):
    """Ranks of all distances of a matrix together, ties at their average, centred and scaled.

    Parameters
    ----------
    matrix : (q, r)
        Compared as float64.

    Returns
    -------
    (q, r) float64
        Between -0.5 and 0.5, with mean 0: ranks 1 … N as (rank - (N + 1) / 2) / N, which changes no
        correlation and keeps its sums small. All NaN if the matrix holds a NaN.

    Raises
    ------
    ValueError
        There are no distances.
    """
    matrix = _matrix(matrix)
    if matrix.size == 0:
        raise ValueError(f"there are no distances to rank: the matrix is {matrix.shape}")
    # 0 is added as it makes 0 of -0
    values = matrix.astype(np.float64, order="C") + 0.0
    if np.isnan(values).any():
        return np.full(matrix.shape, np.nan)
    # (q, r) -> (N,) and back
    indices = np.arange(values.size, dtype=np.uint32 if values.size < 1 << 32 else np.int64)
    return _average_ranks(values.reshape(-1).view(np.uint64), indices).reshape(matrix.shape)


def row_means(ranks_a, ranks_b):
    """All that correlations need to know of two matrices of `ranks`, (q, r): means over each row.

    Returns
    -------
    (5, q) float64
        The means of a, b, a², b² and ab.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    a, b = np.asarray(ranks_a), np.asarray(ranks_b)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            f"the matrices of two spaces must have one shape (q, r), not {a.shape} and {b.shape}"
        )
    products = [np.einsum("qr,qr->q", x, y) for x, y in ((a, a), (b, b), (a, b))]
    return np.stack([a.mean(axis=1), b.mean(axis=1), *(total / a.shape[1] for total in products)])


def rank_correlation(means):
    """Spearman's correlation from the `row_means` of a pair of matrices: `between_space_correlation`."""
    return float(_correlation(means.mean(axis=1)))


def bootstrap_correlation(means, weights):
    """Spearman's correlation in bootstrap samples of the queries, of one pair of matrices or many.

    A draw takes rows of both matrices, with repetition. The ranks are held fixed at those of all rows: a draw
    is then the correlation of weighted ranks, and five means of each row are all it takes, so that all draws
    of all pairs are one matrix product. Ranking each draw anew changes an interval little, as the ranks of a
    sample are nearly proportional to those of the whole.

    Parameters
    ----------
    means : (…, 5, q)
        From `row_means`.
    weights : (draws, q)
        Share of each query in each draw, from `statistics.bootstrap.weights`.

    Returns
    -------
    (…, draws) float64
        Correlations; NaN where a draw is constant. `statistics.bootstrap.limits` makes an interval of them.

    Raises
    ------
    ValueError
        The weights are not of as many queries.
    """
    means, weights = np.asarray(means), np.asarray(weights)
    if weights.ndim != 2 or weights.shape[1] != means.shape[-1]:
        raise ValueError(f"weights must have the shape (draws, {means.shape[-1]}), not {weights.shape}")
    # Not by BLAS, whose sums depend in their last digit on the number of cores.
    # (…, 5, q) -> (5, …, draws)
    return _correlation(np.moveaxis(np.einsum("...q,dq->...d", means, weights), -2, 0))


def compare_spaces(audio, latent, weights, threads, own_pairs=True):
    """The test of all spaces at one (transformation, magnitude), query i being made of original i.

    Parameters
    ----------
    audio : dict of str to (n, n)
        The matrix of each distance of the audio space.
    latent : dict of (space, trial) to a pair of (n, dimensions)
        The points of the transformed excerpts and of the originals.
    weights : (draws, n)
        From `statistics.bootstrap.weights`.
    threads : Executor
        Compares the latent spaces beside one another.
    own_pairs : bool
        Whether the distances of the queries to their own originals count in the correlations.

    Returns
    -------
    errors : dict of (space, trial, distance) to (n,)
        The audio's under the space ``audio``, trial 0.
    correlations : dict of (space, trial, audio distance, latent distance) to float
    draws : dict of the same to (draws,)
        The correlations in bootstrap samples.
    """
    own = np.arange(weights.shape[1])

    def ranked(matrix):
        return ranks(matrix if own_pairs else without_own(matrix, own))

    def compare(key):
        transformed, originals = latent[key[:2]]
        matrix = LATENT[key[2]](transformed, originals)
        latent_ranks = ranked(matrix)
        means = {distance: row_means(others, latent_ranks) for distance, others in audio_ranks.items()}
        return within_space_errors(matrix, own), {
            distance: (rank_correlation(pair), bootstrap_correlation(pair, weights))
            for distance, pair in means.items()
        }

    errors = {("audio", 0, distance): within_space_errors(matrix, own) for distance, matrix in audio.items()}
    audio_ranks = {distance: ranked(matrix) for distance, matrix in audio.items()}
    keys = [(*key, distance) for key, distance in product(latent, LATENT)]
    correlations, draws = {}, {}
    for (space, trial, distance), (errs, pairs) in zip(keys, threads.map(compare, keys), strict=True):
        errors[space, trial, distance] = errs
        for other, (correlation, sampled) in pairs.items():
            correlations[space, trial, other, distance] = correlation
            draws[space, trial, other, distance] = sampled
    return errors, correlations, draws


def over_places(compared):
    """The errors (places, n), correlations (places,) and draws (places, draws) by the keys of
    `compare_spaces`, from what it gave at every place.
    """
    return tuple(
        {key: np.stack([place[key] for place in found]) for key in found[0]}
        for found in zip(*compared, strict=True)
    )


def _correlation(means):
    """Pearson's correlation from the means (5, …) of a, b, a², b² and ab; NaN where one does not vary."""
    a, b, aa, bb, ab = means
    variance_a, variance_b = aa - a**2, bb - b**2
    # What rounding leaves of the variance of a constant is no variance.
    varies = (variance_a > 1e-15) & (variance_b > 1e-15)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(varies, np.clip((ab - a * b) / np.sqrt(variance_a * variance_b), -1, 1), np.nan)


def _matrix(matrix):
    matrix = np.asarray(matrix)
    if matrix.ndim != 2:
        raise ValueError(f"distances must be a matrix (queries, originals), not of shape {matrix.shape}")
    return matrix


@njit(cache=True, nogil=True)
def _average_ranks(keys, indices):
    """Centred and scaled ranks, ties at their average, of float64 without NaN and -0.

    Sorted byte by byte from the last to the first that differs (a radix sort). The first four bytes leave
    little out of order, which is put right by moving each number down to its place. Where that takes long,
    for instance where one number is far from all others, the other bytes are sorted by too.

    Parameters
    ----------
    keys : (N,) uint64
        The bits of the numbers. Lost.
    indices : (N,) of integers
        0, 1, 2, … Lost.
    """
    n = len(keys)
    sign = np.uint64(1 << 63)
    for i in range(n):
        # As integers in the order of the numbers: negative ones, whose bits grow with their size, turned over
        keys[i] = ~keys[i] if keys[i] & sign else keys[i] | sign
    least, span = keys.min(), keys.max() - keys.min()
    for i in range(n):
        keys[i] -= least
    size = 0  # in bytes
    while size < 8 and span >> np.uint64(8 * size):
        size += 1
    spare_keys, spare_indices = np.empty_like(keys), np.empty_like(indices)
    for first in (max(size - 4, 0), 0):
        places = np.zeros((size, 256), np.int64)  # of the next key with this byte
        for i in range(n):
            for byte in range(first, size):
                places[byte, (keys[i] >> np.uint64(8 * byte)) & np.uint64(255)] += 1
        for byte in range(first, size):
            start = 0
            for value in range(256):
                places[byte, value], start = start, start + places[byte, value]
            for i in range(n):
                key = keys[i]
                value = (key >> np.uint64(8 * byte)) & np.uint64(255)
                place = places[byte, value]
                places[byte, value] = place + 1
                spare_keys[place] = key
                spare_indices[place] = indices[i]
            keys, spare_keys = spare_keys, keys
            indices, spare_indices = spare_indices, indices
        if _insert(keys, indices):
            break
    ranks = np.empty(n)
    first = 0
    while first < n:
        end = first + 1
        while end < n and keys[end] == keys[first]:
            end += 1
        # The ranks first + 1 … end, at their average
        rank = ((first + 1 + end) / 2 - (n + 1) / 2) / n
        for i in range(first, end):
            ranks[indices[i]] = rank
        first = end
    return ranks


@njit(cache=True, nogil=True)
def _insert(keys, indices):
    """Sort by moving each key down to its place; False, with some left to sort, after four moves a key."""
    moves = 4 * len(keys)
    for i in range(1, len(keys)):
        key, index, place = keys[i], indices[i], i
        while place and keys[place - 1] > key:
            keys[place], indices[place] = keys[place - 1], indices[place - 1]
            place -= 1
        keys[place], indices[place] = key, index
        moves -= i - place
        if moves < 0:
            return False
    return True


def _own(shape, own):
    own = np.asarray(own)
    if own.shape != shape[:1]:
        raise ValueError(f"own must name a column for each of {shape[0]} queries, its shape is {own.shape}")
    if not np.issubdtype(own.dtype, np.integer):
        raise ValueError(f"own must hold column numbers, not {own.dtype}")
    outside = (own < 0) | (own >= shape[1])
    if outside.any():
        raise ValueError(f"own names column {own[outside][0]}, but the columns are 0 to {shape[1] - 1}")
    return own


def between_space_kappa(errors_a, errors_b, weights=None):
    """Agreement of the errors of two spaces beyond chance: Cohen's kappa (1960).

    Two spaces that both fail on nearly all excerpts agree on nearly all, whichever excerpts they are. Kappa
    is what `between_space_agreement` is above the agreement p of independent errors that are as frequent, as
    a share of 1 - p (Cohen, Educational and Psychological Measurement 20(1)). The study does not have it.

    Parameters
    ----------
    errors_a, errors_b : (q,)
        Errors 0 or 1 of the same queries, from `within_space_errors`.
    weights : (…, q), optional
        Share of each query, such as in the draws of `statistics.bootstrap.weights`; all alike if not given.

    Returns
    -------
    (…) float64
        1 is full agreement, 0 that of chance. NaN where both spaces always err, or never: there is nothing
        to agree on beyond chance.

    Raises
    ------
    ValueError
        As `between_space_agreement`; or the weights are not of as many queries.

    Examples
    --------
    >>> float(between_space_kappa([0, 1, 1, 0], [0, 1, 0, 0]))
    0.5
    """
    between_space_agreement(errors_a, errors_b)  # refuses what cannot be compared
    a, b = np.asarray(errors_a, dtype=np.float64), np.asarray(errors_b, dtype=np.float64)
    weights = np.full(len(a), 1 / len(a)) if weights is None else np.asarray(weights)
    if weights.shape[-1] != len(a):
        raise ValueError(f"weights must have the shape (…, {len(a)}), not {weights.shape}")
    # Not by BLAS, whose sums depend in their last digit on the number of cores
    share_a, share_b, alike = (np.einsum("...q,q->...", weights, x) for x in (a, b, a == b))
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1 - 1e-12, (alike - chance) / (1 - chance), np.nan)
