"""Consistency of the distances within a space and between two spaces.

A transformed excerpt is a query, the originals are the references; one of them is the query's own original.
All functions take matrices of distances (queries, originals) or what was made of them, one (transformation,
magnitude) at a time.

Within-space (section 3.1.1 of the consistency study)
    `within_space_errors`: is the own original the nearest of all? Consistency is 1 - mean error (eq. 9, 10).
Between-space (section 3.1.2), the audio space and a latent space
    `between_space_correlation`: are far pairs far in both spaces? Spearman's rank correlation (eq. 11).
    `between_space_agreement`: do both spaces err on the same excerpts (eq. 12)?

Ranking a matrix costs far more than all that follows, and one audio space meets many latent spaces: `ranks`
once a matrix, then `rank_correlation` and `bootstrap_correlation` for each pair of matrices.
"""

import numpy as np


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
    own = _own(matrix, own)
    own_distances = np.take_along_axis(matrix, own[:, np.newaxis], axis=1)
    # The own original is not farther than itself. One more that is not, or cannot be compared, is an error.
    not_farther = np.count_nonzero(~(matrix > own_distances), axis=1)
    return ((not_farther != 1) | np.isnan(own_distances[:, 0])).astype(np.int8)


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
    return rank_correlation(ranks(audio), ranks(latent))


def without_own(matrix, own):
    """The matrix (q, r - 1) without each query's own original, whose columns (q,) are in `own`."""
    matrix = _matrix(matrix)
    own = _own(matrix, own)
    others = np.arange(matrix.shape[1]) != own[:, np.newaxis]
    # (q * (r - 1),) -> (q, r - 1): every row has lost one
    return matrix[others].reshape(len(matrix), -1)


def ranks(matrix):
    """Ranks of all distances of a matrix together, ties at their average, centred and scaled.

    Parameters
    ----------
    matrix : (q, r)

    Returns
    -------
    (q, r) float64
        Between -0.5 and 0.5, with mean 0: ranks 1 … N as (rank - (N + 1) / 2) / N, which changes no
        correlation and keeps its sums small. All NaN if the matrix holds a NaN.
    """
    from scipy.stats import rankdata

    matrix = _matrix(matrix)
    if matrix.size == 0:
        raise ValueError(f"there are no distances to rank: the matrix is {matrix.shape}")
    # (N,) -> (q, r)
    return ((rankdata(matrix) - (matrix.size + 1) / 2) / matrix.size).reshape(matrix.shape)


def rank_correlation(ranks_a, ranks_b):
    """Spearman's correlation from two matrices of `ranks`; what `between_space_correlation` returns."""
    return float(_correlation(_row_means(ranks_a, ranks_b).mean(axis=1)))


def bootstrap_correlation(ranks_a, ranks_b, weights):
    """Spearman's correlation in bootstrap samples of the queries.

    A draw takes rows of both matrices, with repetition. The ranks are held fixed at those of all rows: a draw
    is then the correlation of weighted ranks, and five means of each row are all it takes, so that all draws
    are one matrix product. Ranking each draw anew changes an interval little, as the ranks of a sample are
    nearly proportional to those of the whole.

    Parameters
    ----------
    ranks_a, ranks_b : (q, r)
        From `ranks`.
    weights : (draws, q)
        Share of each query in each draw, from `statistics.bootstrap.weights`.

    Returns
    -------
    (draws,) float64
        Correlations; NaN where a draw is constant. `statistics.bootstrap.limits` makes an interval of them.
    """
    means = _row_means(ranks_a, ranks_b)
    weights = np.asarray(weights)
    if weights.ndim != 2 or weights.shape[1] != means.shape[1]:
        raise ValueError(f"weights must have the shape (draws, {means.shape[1]}), not {weights.shape}")
    # Not by BLAS, whose sums depend in their last digit on the number of cores.
    return _correlation(np.einsum("mq,dq->md", means, weights))


def _row_means(a, b):
    """Means over each row of a, b, a², b² and ab: (5, q)."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            f"the matrices of two spaces must have one shape (q, r), not {a.shape} and {b.shape}"
        )
    products = [np.einsum("qr,qr->q", x, y) for x, y in ((a, a), (b, b), (a, b))]
    return np.stack([a.mean(axis=1), b.mean(axis=1), *(total / a.shape[1] for total in products)])


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


def _own(matrix, own):
    own = np.asarray(own)
    if own.shape != matrix.shape[:1]:
        raise ValueError(
            f"own must name a column for each of {len(matrix)} queries, its shape is {own.shape}"
        )
    if not np.issubdtype(own.dtype, np.integer):
        raise ValueError(f"own must hold column numbers, not {own.dtype}")
    outside = (own < 0) | (own >= matrix.shape[1])
    if outside.any():
        raise ValueError(
            f"own names column {own[outside][0]}, but the columns are 0 to {matrix.shape[1] - 1}"
        )
    return own
