"""Consistency of the distances within a space and between two spaces.

A transformed excerpt is a query, the originals are the references; one of them is the query's own original.
All functions take matrices of distances (queries, originals) or what was made of them, one (transformation,
magnitude) at a time.

Within-space (section 3.1.1 of the consistency study)
    `within_space_errors`: is the own original the nearest of all? Consistency is 1 - mean error (eq. 9, 10).
    `within_space_errors_pruned`: the same of sequences in the audio space, without most of the matrix.
Between-space (section 3.1.2), the audio space and a latent space
    `between_space_correlation`: are far pairs far in both spaces? Spearman's rank correlation of all pairs
    together, as the study's code computes it.
    `correlation_by_row`: the same for each transformed excerpt alone, as eq. 11 is written.
    `between_space_agreement`: do both spaces err on the same excerpts (eq. 12)?

Intervals of the correlations
    Every excerpt is a row and a column of the matrix, so its n² pairs are not n² independent observations.
    A bootstrap of the rows alone gives intervals that are about half as wide as they should be. Here a draw
    takes excerpts, each with its row and its column: the pair (i, j) counts w_i w_j times. `compare` and
    `compare_rows` say how much each excerpt moves a correlation (the delta method), `bootstrap_correlation`
    makes draws of that, with one matrix product for all pairs of spaces.

Ranking a matrix costs more than all that follows, and one audio space meets many latent spaces: `prepare`
once a matrix, then `compare` and `compare_rows` once a pair of matrices. These run on one thread and let
others run beside them.

`compare_spaces` is the whole test of all spaces at one place, `over_places` joins what it found.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from numba import njit

from relatives.distances.vectors import cosine, euclidean
from relatives.statistics import bootstrap

AUDIO = ("dtw", "simple")
LATENT = {"euclidean": euclidean, "cosine": cosine}
"""The distances of the audio space, and of latent spaces with their functions."""

BINS = 256
"""Classes of ranks in `prepare`, each with as many distances as another: they fit into a byte."""

CERTAIN = 1e-6
"""A correlation that is this near to 1 or -1 has draws equal to itself: see `bootstrap_correlation`."""


class Prepared(NamedTuple):
    """A matrix of distances of n excerpts to their n originals, ranked: from `prepare`.

    Ranks are centred and of unit norm, so that a correlation is a sum of products. Pairs that are left out
    have the rank 0, which adds nothing to any sum.

    Attributes
    ----------
    ranks : (n, n) float64
        Of all pairs together. All NaN if the distances are constant or hold a NaN.
    bins : (n, n) uint8
        The class of each rank, 0 to `BINS` - 1.
    counts : (n, BINS) float64
        How many pairs of each excerpt, in its row and its column, lie in each class.
    scale : float
        What one more pair adds to the ranks of all pairs above it.
    own : (n,) float64
        The influence of each excerpt on the sum of squares of the ranks.
    row_ranks : (n, n) unsigned integers
        Twice the ranks of each row alone, 2 to 2 n, ties at their average. 0 for pairs that are left out, and
        in a row that holds a NaN.
    own_pairs : bool
        Whether the diagonal counts.
    """

    ranks: np.ndarray
    bins: np.ndarray
    counts: np.ndarray
    scale: float
    own: np.ndarray
    row_ranks: np.ndarray
    own_pairs: bool


class Compared(NamedTuple):
    """What `compare_spaces` finds at one place, and `over_places` at all, with one more axis in front.

    Attributes
    ----------
    errors : dict of (space, trial, distance) to (n,)
        The audio's under the space ``audio``, trial 0.
    correlations : dict of (space, trial, audio distance, latent distance) to float
    draws : dict of the same to (draws,) float32
        The correlations in bootstrap samples of the excerpts.
    by_row : dict of the same to (n,) float32
        The correlation of each transformed excerpt.
    by_row_draws : dict of the same to (draws,) float32
        The mean of `by_row` in bootstrap samples of the excerpts.
    """

    errors: dict
    correlations: dict
    draws: dict
    by_row: dict
    by_row_draws: dict


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
    """Spearman's rank correlation of the distances in two spaces, all pairs together.

    The study's released code computes eq. 11 so; `correlation_by_row` reads it excerpt by excerpt.

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
    audio, latent = _pair(audio, latent, exclude_own)
    return _total(np.einsum("qr,qr->q", _unit(ranks(audio)), _unit(ranks(latent))))


def correlation_by_row(audio, latent, exclude_own=None):
    """Spearman's rank correlation of each query's distances in two spaces (eq. 11).

    Eq. 11 compares, for one transformed excerpt, its distances to the originals in the audio space with those
    in the latent space. Its mean over excerpts is not `between_space_correlation`: that one also asks whether
    an excerpt which is far from all others in one space is so in the other.

    Parameters
    ----------
    audio, latent, exclude_own
        As for `between_space_correlation`.

    Returns
    -------
    (q,) float64
        -1 to 1, with average ranks for ties. NaN for a row that is constant in one of the matrices or holds a
        NaN.

    Raises
    ------
    ValueError
        The shapes differ or a matrix is empty.

    Examples
    --------
    >>> correlation_by_row([[0.1, 0.9], [0.5, 0.2]], [[1, 81], [4, 25]])
    array([ 1., -1.])
    """
    audio, latent = _pair(audio, latent, exclude_own)
    one, other = (_row_unit(_ranked(matrix)[1]) for matrix in (audio, latent))
    return _bounded(np.einsum("qr,qr->q", one, other))


def _pair(audio, latent, exclude_own):
    """Two matrices (q, r) or, without own originals, (q, r - 1)."""
    audio, latent = _matrix(audio), _matrix(latent)
    if audio.shape != latent.shape:
        raise ValueError(
            f"the matrices of two spaces must have one shape (q, r), not {audio.shape} and {latent.shape}"
        )
    if exclude_own is None:
        return audio, latent
    return without_own(audio, exclude_own), without_own(latent, exclude_own)


def without_own(matrix, own):
    """The matrix (q, r - 1) without each query's own original, whose columns (q,) are in `own`."""
    matrix = _matrix(matrix)
    own = _own(matrix.shape, own)
    others = np.arange(matrix.shape[1]) != own[:, np.newaxis]
    # (q * (r - 1),) -> (q, r - 1): every row has lost one
    return matrix[others].reshape(len(matrix), -1)


def _with_own(matrix):
    """The matrix (n, n) with a diagonal of zeros, from one without a diagonal, (n, n - 1)."""
    n = len(matrix)
    full = np.zeros((n, n), matrix.dtype)
    # (n, n - 1) -> (n * (n - 1),), in the order of the mask
    full[~np.eye(n, dtype=bool)] = matrix.reshape(-1)
    return full


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
    return _ranked(matrix)[0]


def _ranked(matrix):
    """Ranks of all distances of a matrix as in `ranks`, (q, r) float64, and twice the ranks of each row
    alone, (q, r) unsigned integers: 0 in rows that hold a NaN.
    """
    if matrix.size == 0:
        raise ValueError(f"there are no distances to rank: the matrix is {matrix.shape}")
    # 0 is added as it makes 0 of -0
    values = matrix.astype(np.float64, order="C") + 0.0
    strange = np.isnan(values).any(axis=1)
    values[strange] = 0.0
    number = np.uint32 if values.size < 1 << 32 else np.int64
    # (q, r) -> (N,) and back
    together, order, keys = _average_ranks(
        values.reshape(-1).view(np.uint64), np.arange(values.size, dtype=number)
    )
    in_rows = np.empty(matrix.shape, np.uint16 if matrix.shape[1] < 1 << 15 else np.uint32)
    _row_ranks(order, keys, in_rows.reshape(-1), number(matrix.shape[1]))
    in_rows[strange] = 0
    if strange.any():
        together[:] = np.nan
    return together.reshape(matrix.shape), in_rows


def prepare(matrix, own_pairs=True):
    """Rank a square matrix, for `compare` and `compare_rows` with any number of others.

    Parameters
    ----------
    matrix : (n, n)
        Distances of n queries, row i made of original i, to the n originals.
    own_pairs : bool
        Whether the distances of the queries to their own originals, the diagonal, count.

    Returns
    -------
    Prepared

    Raises
    ------
    ValueError
        The matrix is not square, or no pairs are left.
    """
    matrix = _matrix(matrix)
    n = len(matrix)
    if matrix.shape != (n, n):
        raise ValueError(f"every excerpt must be a row and a column: the matrix is {matrix.shape}")
    counted = matrix if own_pairs else without_own(matrix, np.arange(n))
    whole = np.asarray if own_pairs else _with_own
    found, row_ranks = _ranked(counted)
    norm = _norm(found.reshape(1, -1))[0]
    ranks, bins, counts, squares, table = _profile(whole(found), norm, BINS, own_pairs)
    # One pair more moves up the ranks of all pairs above it by one
    scale = 1 / (found.size * norm)
    own = squares + 2 * scale * _weighted(counts, _above(table))
    return Prepared(ranks, bins, counts, scale, own, whole(row_ranks), own_pairs)


def compare(a, b):
    """Correlation of two matrices, all pairs together, and how much each excerpt moves it.

    Every excerpt is a row and a column of the matrices. If a sample takes excerpt i m_i times instead of
    once, its pair with excerpt j counts m_i m_j times. To first order in m - 1 the correlation then changes
    by the sum of (m_i - 1) L_i, where L_i, the influence of excerpt i, adds up what each pair in its row and
    its column does. For one pair this is the influence function of Spearman's correlation (Croux and Dehon
    2010, Stat. Methods Appl. 19, there without ties). With ranks u and v, centred and of unit norm, it is

        u v + s (sum of v over the pairs with a larger u + sum of u over the pairs with a larger v) - constant

    The sums are there because one pair more moves up the ranks of all pairs above it, each by s. Without
    them, as if the ranks were fixed, intervals of strong correlations are too narrow (by 9 % at rho .79 and
    100 excerpts). Of pairs that are tied, half count as larger; and as tied ranks have a variance that
    changes, too, half of the influences on both sums of squares, times rho, is taken off.

    Two details. The own pair of an excerpt counts m_i times and not m_i²: an excerpt that is taken twice is
    two excerpts, with an own pair each. And the sums over larger ranks are those over larger classes of
    ranks, of which there are `BINS`; this moves no influence by more than a thousandth of the largest.

    Parameters
    ----------
    a, b : Prepared
        Of the same excerpts, both with own pairs or both without.

    Returns
    -------
    correlation : float
        `between_space_correlation`.
    influences : (n,) float64
        L, with mean 0. For `bootstrap_correlation`.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _same_excerpts(a, b)
    correlation, products, above_a, above_b = _products(a.ranks, b.ranks, a.bins, b.bins, BINS)
    correlation = float(_bounded(correlation))
    found = products - correlation / 2 * (a.own + b.own)
    found += a.scale * _weighted(a.counts, _above(above_a)) + b.scale * _weighted(b.counts, _above(above_b))
    return correlation, found - found.mean()


def compare_rows(a, b):
    """Correlation of each row of two matrices, and how much each excerpt moves their mean.

    An excerpt moves the mean in two ways: its own row's correlation is one of those averaged, and it is a
    column, one of the originals, in the correlations of all rows. The influence on a row's correlation is
    that of `compare`, with every rank by itself instead of classes.

    Parameters
    ----------
    a, b : Prepared
        As for `compare`.

    Returns
    -------
    correlations : (n,) float64
        `correlation_by_row`.
    influences : (n,) float64
        On the mean of the correlations that are not NaN, with mean 0.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _same_excerpts(a, b)
    correlations, by_column = _row_products(a.row_ranks, b.row_ranks, a.own_pairs)
    defined = ~np.isnan(correlations)
    if not defined.any():
        return correlations, np.full(len(correlations), np.nan)
    found = by_column + np.where(defined, correlations - correlations[defined].mean(), 0)
    return _bounded(correlations), (found - found.mean()) / np.count_nonzero(defined)


def _same_excerpts(a, b):
    if a.ranks.shape != b.ranks.shape:
        raise ValueError(
            f"the matrices of two spaces must have one shape (n, n), not {a.ranks.shape} and {b.ranks.shape}"
        )
    if a.own_pairs != b.own_pairs:
        raise ValueError(
            "the pairs of the excerpts with their own originals must count in both spaces or in none"
        )


def bootstrap_correlation(correlations, influences, weights):
    """A correlation, or a mean of correlations, in bootstrap samples of the excerpts: of one pair or many.

    A draw is the correlation plus the weighted sum of the excerpts' influences. They are added on the scale
    of Fisher's z (atanh), and the draw is taken back from there, so that it lies between -1 and 1 and is less
    free on the side where there is less room. Where the correlation is nearer to 1 or -1 than `CERTAIN`, that
    scale has no end, and all draws are the correlation.

    Simulated with 50, 100 and 300 excerpts, and correlations from .01 to .97, 95 % intervals of these draws
    contain the correlation of a huge population in 93 to 96 % of the cases, those of rows alone in 63 to
    82 %. Of the mean of rows, they contain in 93 to 96 % the mean that is expected of as many excerpts. That
    is not the mean of a huge population: Spearman's correlation of few distances is too small (at .97 by .007
    with 50 originals, by .001 with 300).

    Parameters
    ----------
    correlations : (…)
    influences : (…, n)
        Of each excerpt: both from `compare`, or the mean of the first and the second of `compare_rows`.
    weights : (draws, n)
        Share of each excerpt in each draw, from `statistics.bootstrap.weights`.

    Returns
    -------
    (…, draws) float64
        Between -1 and 1; NaN where the correlation is NaN. `statistics.bootstrap.limits` makes an interval of
        them.

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
    correlations = np.asarray(correlations, dtype=np.float64)[..., np.newaxis]
    influences = np.asarray(influences, dtype=np.float64)
    if correlations.shape[:-1] != influences.shape[:-1]:
        raise ValueError(
            f"each correlation needs its influences: shapes {correlations.shape[:-1]} and {influences.shape}"
        )
    n = influences.shape[-1]
    # The shares times n are how often each excerpt was taken. The variance of their sums is (n - 1) / n of
    # what it should be.
    moves = n * np.sqrt(n / max(n - 1, 1)) * bootstrap.means(influences, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = np.tanh(np.arctanh(correlations) + moves / (1 - correlations**2))
    return np.where(1 - np.abs(correlations) < CERTAIN, correlations, draws)


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
    Compared
    """
    own = np.arange(weights.shape[1])

    def measure(key):
        transformed, originals = latent[key[:2]]
        matrix = LATENT[key[2]](transformed, originals)
        prepared = prepare(matrix, own_pairs)
        return within_space_errors(matrix, own), [
            (compare(other, prepared), compare_rows(other, prepared)) for other in audio_prepared.values()
        ]

    errors = {("audio", 0, distance): within_space_errors(matrix, own) for distance, matrix in audio.items()}
    audio_prepared = {distance: prepare(matrix, own_pairs) for distance, matrix in audio.items()}
    keys = [(*key, distance) for key, distance in product(latent, LATENT)]
    together, by_row = {}, {}
    for (space, trial, distance), (errs, pairs) in zip(keys, threads.map(measure, keys), strict=True):
        errors[space, trial, distance] = errs
        for other, found in zip(audio_prepared, pairs, strict=True):
            together[space, trial, other, distance], by_row[space, trial, other, distance] = found
    correlations = {key: value for key, (value, _) in together.items()}
    rows = {key: values for key, (values, _) in by_row.items()}
    return Compared(
        errors,
        correlations,
        _draws(correlations, together, weights),
        {key: values.astype(np.float32) for key, values in rows.items()},
        _draws({key: bootstrap.mean(values) for key, values in rows.items()}, by_row, weights),
    )


def _draws(correlations, compared, weights):
    """The draws of all keys, by one product outside the threads: it sets the number of BLAS's threads for all
    of them.
    """
    if not correlations:
        return {}
    influences = np.stack([influences for _, influences in compared.values()])
    draws = bootstrap_correlation(list(correlations.values()), influences, weights).astype(np.float32)
    return dict(zip(correlations, draws, strict=True))


def over_places(compared):
    """What `compare_spaces` gave at every place, stacked: arrays with the places as their first axis."""
    return Compared(
        *(
            {key: np.stack([place[key] for place in found]) for key in found[0]}
            for found in zip(*compared, strict=True)
        )
    )


def _unit(ranks):
    """Centred ranks with a sum of squares of 1; NaN if they do not vary."""
    return ranks / _norm(ranks.reshape(1, -1))


def _row_unit(twice):
    """The same of each row alone, from twice its ranks; NaN in a row without ranks."""
    centred = np.where(twice > 0, twice - (twice.shape[1] + 1.0), 0)
    return centred / _norm(centred)[:, np.newaxis]


def _norm(ranks):
    """The root of each row's sum of squares, NaN instead of 0."""
    norms = np.sqrt(np.einsum("qr,qr->q", ranks, ranks))
    return np.where(norms > 0, norms, np.nan)


def _total(sums):
    return float(_bounded(sums.sum()))


def _bounded(correlations):
    """Without what rounding adds beyond 1 or -1."""
    return np.clip(correlations, -1, 1)


def _above(table):
    """Of each class, the sum over the classes above it and half of its own."""
    return np.cumsum(table[::-1])[::-1] - table / 2


def _weighted(counts, values):
    """The sum over the pairs of each excerpt. Not by BLAS: the last digit of its sums depends on the number
    of cores.
    """
    return np.einsum("nk,k->n", counts, values)


def _matrix(matrix):
    matrix = np.asarray(matrix)
    if matrix.ndim != 2:
        raise ValueError(f"distances must be a matrix (queries, originals), not of shape {matrix.shape}")
    return matrix


@njit(cache=True, nogil=True)
def _average_ranks(keys, indices):
    """Centred and scaled ranks, ties at their average, of float64 without NaN and -0. Also the indices in
    order, and the keys in order.

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
    return ranks, indices, keys


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


@njit(cache=True, nogil=True)
def _row_ranks(order, keys, twice, columns):
    """Ranks of each row alone, from the order of all: every row takes its next rank when one of its distances
    comes up.

    Parameters
    ----------
    order : (q * r,) of integers
        Cells from the least to the greatest.
    keys : (q * r,)
        In this order: equal where distances are.
    twice : (q * r,) of unsigned integers
        Is filled with twice the ranks 1 … r, ties at their average.
    columns : unsigned integer
        r, of the type of `order`.
    """
    taken = np.zeros(len(order) // columns, np.int64)
    tied = np.zeros(len(taken), np.int64)
    first = 0
    while first < len(order):
        end = first + 1
        while end < len(order) and keys[end] == keys[first]:
            end += 1
        if end == first + 1:
            row = order[first] // columns
            taken[row] += 1
            twice[order[first]] = 2 * taken[row]
        else:
            for k in range(first, end):
                tied[order[k] // columns] += 1
            for k in range(first, end):
                row = order[k] // columns
                # The ranks taken + 1 … taken + tied, at their average
                twice[order[k]] = 2 * taken[row] + tied[row] + 1
            for k in range(first, end):
                row = order[k] // columns
                taken[row] += tied[row]
                tied[row] = 0
        first = end


@njit(cache=True, nogil=True)
def _profile(ranks, norm, size, own_pairs):
    """Of one matrix (n, n) of centred ranks: these with the norm 1; their classes (n, n); the pairs of each
    excerpt by class (n, size); its sum of squares (n,); and the sum of ranks by class (size,).
    """
    n = len(ranks)
    unit, bins = np.empty((n, n)), np.empty((n, n), np.uint8)
    counts, squares, table = np.zeros((n, size)), np.zeros(n), np.zeros(size)
    for i in range(n):
        for j in range(n):
            rank = ranks[i, j] / norm
            unit[i, j] = rank
            # Centred ranks lie between -0.5 and 0.5, both excluded
            k = np.uint8((ranks[i, j] + 0.5) * size) if norm > 0 else np.uint8(0)
            bins[i, j] = k
            if own_pairs or i != j:
                counts[i, k] += 1
                squares[i] += rank * rank
                table[k] += rank
                if i != j:
                    counts[j, k] += 1
                    squares[j] += rank * rank
    return unit, bins, counts, squares, table


@njit(cache=True, nogil=True)
def _products(a, b, bins_a, bins_b, size):
    """Of two matrices: the sum of all products; that of each excerpt's row and column (n,); the sums of b by
    class of a, and of a by class of b.
    """
    n = len(a)
    by_row, by_column = np.zeros(n), np.zeros(n)
    # Two tables take turns, as a sum must be written before it is read again
    of_b, of_a = np.zeros((2, size)), np.zeros((2, size))
    for i in range(n):
        total = 0.0
        for j in range(n):
            turn = j & 1
            of_b[turn, bins_a[i, j]] += b[i, j]
            of_a[turn, bins_b[i, j]] += a[i, j]
            total += a[i, j] * b[i, j]
        by_row[i] = total
        for j in range(n):
            by_column[j] += a[i, j] * b[i, j]
        by_column[i] -= a[i, i] * b[i, i]  # one pair, not two
    return by_row.sum(), by_row + by_column, of_b[0] + of_b[1], of_a[0] + of_a[1]


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _row_products(twice_a, twice_b, own_pairs):
    """Of the `row_ranks` of two matrices: the correlation of each row (n,), and the influence of each column
    on the sum of the correlations (n,).
    """
    n = len(twice_a)
    columns = n if own_pairs else n - 1
    untied = columns * (columns + 1.0) * (columns - 1.0) / 3  # the sum of squares of ranks without ties
    correlations, by_column = np.empty(n), np.zeros(n)
    a, b, influence, table = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        squares_a = _centred(twice_a[i], columns, a)
        squares_b = _centred(twice_b[i], columns, b)
        if not own_pairs:
            squares_a -= a[i] ** 2
            squares_b -= b[i] ** 2
            a[i] = b[i] = 0.0
        other = (i + 1) % n  # that is not left out
        defined = squares_a > 0 and squares_b > 0 and twice_a[i, other] > 0 and twice_b[i, other] > 0
        if not defined:
            correlations[i] = np.nan
            continue
        products = 0.0
        for j in range(n):
            products += a[j] * b[j]
        norm = np.sqrt(squares_a * squares_b)
        correlation = products / norm
        correlations[i] = correlation
        for j in range(n):
            influence[j] = a[j] * b[j] / norm
        # One distance more moves those above it up by one rank: by 2, as a and b are twice the ranks
        _add_above(b, twice_a[i], 2 / norm, influence, table)
        _add_above(a, twice_b[i], 2 / norm, influence, table)
        # So it moves the sum of squares, which without ties is the same wherever it lies
        if squares_a != untied:
            for j in range(n):
                influence[j] -= correlation / 2 * a[j] * a[j] / squares_a
            _add_above(a, twice_a[i], -2 * correlation / squares_a, influence, table)
        if squares_b != untied:
            for j in range(n):
                influence[j] -= correlation / 2 * b[j] * b[j] / squares_b
            _add_above(b, twice_b[i], -2 * correlation / squares_b, influence, table)
        if not own_pairs:
            influence[i] = 0.0
        mean = influence.sum() / columns
        for j in range(n):
            by_column[j] += influence[j] - mean
        if not own_pairs:
            by_column[i] += mean
    return correlations, by_column


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _centred(twice, columns, found):
    """Fill `found` with twice the ranks of a row less their mean, and return the sum of their squares."""
    squares = 0.0
    for j in range(len(twice)):
        rank = np.float64(twice[j]) - (columns + 1)
        found[j] = rank
        squares += rank * rank
    return squares


@njit(cache=True, nogil=True)
def _add_above(values, twice, factor, found, table):
    """Add to every place of a row the sum of the values at places of larger rank, and half of its own rank's,
    times a factor.

    Tied or not, places of different ranks differ in the whole part of their ranks, which is a place in the
    table (n,).
    """
    table[:] = 0.0
    for j in range(len(values)):
        table[max(twice[j] // 2, 1) - 1] += values[j]
    above = 0.0
    for k in range(len(table) - 1, -1, -1):
        own = table[k]
        table[k] = factor * (above + own / 2)
        above += own
    for j in range(len(values)):
        found[j] += table[max(twice[j] // 2, 1) - 1]


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


def _beyond_chance(errors_a, errors_b, weights):
    """What two spaces agree on beyond chance, and what they could (…): the two parts of kappa."""
    between_space_agreement(errors_a, errors_b)  # refuses what cannot be compared
    a, b = np.asarray(errors_a, dtype=np.float64), np.asarray(errors_b, dtype=np.float64)
    # Not by BLAS, whose sums depend in their last digit on the number of cores
    share_a, share_b, alike = (np.einsum("...q,q->...", weights, x) for x in (a, b, a == b))
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    return alike - chance, 1 - chance


def pooled_kappa(strata, weights):
    """Agreement of two spaces beyond chance: one kappa of several places, networks or halves of the queries.

    Two spaces that both fail on nearly all excerpts agree on nearly all, whichever excerpts they are. Cohen's
    kappa (Educational and Psychological Measurement 20(1), 1960) is what `between_space_agreement` is above
    the agreement p of independent errors that are as frequent, as a share of 1 - p. The study does not have
    it. Of several strata both parts of this ratio are summed first.

    Where the errors of a stratum are nearly all alike there is little to agree on beyond chance, and a kappa
    of it is all noise: with one query that both spaces keep it is 1, in draws that lack this query it is not
    defined. In a mean of kappas each such stratum would count as much as any other, and its draws would lie
    to one side of it. In a ratio of sums a stratum counts by what there was to agree on.

    Parameters
    ----------
    strata : iterable of (errors_a, errors_b, rows), each (q,)
        The errors 0 or 1 of both spaces, from `within_space_errors`; and which queries the stratum has, bool.
    weights : (…, q)
        Share of each query, such as in the draws of `statistics.bootstrap.weights`.

    Returns
    -------
    (…) float64
        1 is full agreement, 0 that of chance. NaN where in each stratum both spaces always err, or never:
        there is nothing to agree on beyond chance.

    Raises
    ------
    ValueError
        As `between_space_agreement`; or the weights are not of as many queries.

    Examples
    --------
    >>> errors_a, errors_b = np.array([[0, 1, 1, 0], [0, 1, 0, 0]])
    >>> float(pooled_kappa([(errors_a, errors_b, np.ones(4, bool))], np.full(4, 1 / 4)))
    0.5
    """
    weights = np.asarray(weights, dtype=np.float64)
    agreed, possible = np.zeros((2, *weights.shape[:-1]))
    for errors_a, errors_b, rows in strata:
        if weights.shape[-1:] != np.shape(rows):
            raise ValueError(f"weights must have the shape (…, {len(rows)}), not {weights.shape}")
        share = weights * np.asarray(rows)
        size = share.sum(axis=-1)
        # A draw may have none of the stratum's queries
        share = np.divide(share, size[..., None], out=np.zeros_like(share), where=size[..., None] > 0)
        found, room = _beyond_chance(errors_a, errors_b, share)
        agreed, possible = agreed + size * found, possible + size * room
    return np.divide(agreed, possible, out=np.full_like(agreed, np.nan), where=possible > 1e-12)
