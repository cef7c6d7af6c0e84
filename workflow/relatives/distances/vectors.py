"""Distances between points of a latent space.

Both are computed in float64 from differences, not from products: identical points are at distance 0 exactly,
and the comparison "strictly nearer" that consistency rests on is not decided by rounding.
"""

import numpy as np
from scipy.spatial.distance import cdist

from relatives.errors import InputError


def euclidean(queries, references):
    """Euclidean distance of all queries to all references.

    Parameters
    ----------
    queries : (q, k)
    references : (r, k)

    Returns
    -------
    (q, r) float64
        0 or more; exactly 0 for identical points, and only for them.

    Raises
    ------
    ValueError
        The shapes do not fit, or a set is empty.
    InputError
        A point holds NaN or infinity.

    Examples
    --------
    >>> euclidean([[0.0, 0.0]], [[3.0, 4.0], [0.0, 0.0]])
    array([[5., 0.]])
    """
    return cdist(*_points(queries, references), "euclidean")


def cosine(queries, references):
    """Cosine distance, 1 - cos of the angle at the origin, of all queries to all references.

    For unit vectors u and v it is |u - v|² / 2, which keeps the small angles that 1 - u·v rounds away.

    Parameters
    ----------
    queries : (q, k)
    references : (r, k)

    Returns
    -------
    (q, r) float64
        0 (same direction) to 2 (opposite). A zero vector has no direction: its distance to every point is 1,
        also to another zero vector, and never NaN.

    Raises
    ------
    ValueError
        The shapes do not fit, or a set is empty.
    InputError
        A point holds NaN or infinity.

    Examples
    --------
    >>> cosine([[2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    array([[0., 1., 2., 1.]])
    """
    queries, references = _points(queries, references)
    query_lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    reference_lengths = np.linalg.norm(references, axis=1, keepdims=True)
    # A zero vector is divided by 1 here; its distances are set below.
    query_directions = queries / np.where(query_lengths > 0, query_lengths, 1)
    reference_directions = references / np.where(reference_lengths > 0, reference_lengths, 1)
    distances = cdist(query_directions, reference_directions, "sqeuclidean") / 2
    distances[query_lengths[:, 0] == 0, :] = 1
    distances[:, reference_lengths[:, 0] == 0] = 1
    return distances


def _points(queries, references):
    """Both sets as float64, once their shapes fit and all values are finite."""
    sets = []
    for name, points in (("queries", queries), ("references", references)):
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2:
            raise ValueError(f"{name} must have the shape (points, dimensions), not {points.shape}")
        if 0 in points.shape:
            raise ValueError(f"{name} are empty: their shape is {points.shape}")
        bad = ~np.isfinite(points).all(axis=1)
        if bad.any():
            raise InputError(
                f"{name}[{int(bad.argmax())}] holds NaN or infinity: no distance can be measured to it; "
                "look at the encoder and the audio it was given"
            )
        sets.append(points)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(
            f"queries have {sets[0].shape[1]} dimensions and references {sets[1].shape[1]}: "
            "distances need points of the same space"
        )
    return sets
