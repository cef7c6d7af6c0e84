"""Latent spaces in the plane, by t-SNE (van der Maaten and Hinton, 2008), for Figures 1, 9 and 14.

The originals and their smallest transformations are laid out together, so that places in the plane compare.
The plane keeps who is near to whom; its axes, its scale and its large distances mean nothing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from relatives import seeds

PERPLEXITY = 30.0

SAFE = 1e12
"""Coordinates up to it and down to its inverse have squares within the range of float32, also summed."""


def plane(points: np.ndarray, seed: int, *names: object) -> np.ndarray:
    """Lay points out in the plane with t-SNE.

    Parameters
    ----------
    points : (n, d) array
        At least two points of at least two dimensions.
    seed : int
        The configured seed.
    *names
        What the plane is of; with the seed they give the random state (see `relatives.seeds`).

    Returns
    -------
    (n, 2) float32 array

    Notes
    -----
    The perplexity, the number of neighbours that a point heeds, is 30, and a third of the others where there
    are fewer than 91 points. The layout starts from the first two principal components. It runs on one
    thread: with more, sums are added in another order and the same seed would give another plane.
    """
    points = np.asarray(points, dtype=np.float32)
    largest = float(np.abs(points).max())
    if largest and not 1 / SAFE < largest < SAFE:
        # t-SNE and its first components square in float32, where this would overflow or vanish
        points = (points.astype(np.float64) / largest).astype(np.float32)
    # A collapsed space, all points alike, has no components to start from.
    start = "pca" if np.ptp(points, axis=0).any() else "random"
    layout = TSNE(
        perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
        init=start,
        random_state=int(seeds.generator(seed, "projection", *names).integers(2**32)),
    )
    with threadpool_limits(1):
        return layout.fit_transform(points)


def neighbourhoods(
    space: str,
    embeddings: Sequence[tuple[str, float, np.ndarray]],
    excerpt_ids: Sequence,
    seed: int,
) -> pd.DataFrame:
    """Lay the originals and their smallest transformations out in one plane.

    Parameters
    ----------
    space : str
        The space's name.
    embeddings : sequence of (transformation, magnitude, (n, d) array)
        The embeddings of the same n excerpts: the originals, ("OG", 0.0, …), and each smallest
        transformation.
    excerpt_ids : sequence of n
        The excerpts in the order of the rows.
    seed : int
        The configured seed.

    Returns
    -------
    DataFrame
        space, transformation, magnitude, excerpt_id, x, y.
    """
    placed = plane(np.concatenate([points for _, _, points in embeddings]), seed, "neighbourhoods", space)
    # (sets x excerpts, 2) -> one table a set of n excerpts, end to end
    tables = [
        pd.DataFrame(
            {
                "space": space,
                "transformation": transformation,
                "magnitude": float(magnitude),
                "excerpt_id": excerpt_ids,
                "x": xy[:, 0],
                "y": xy[:, 1],
            }
        )
        for (transformation, magnitude, _), xy in zip(
            embeddings, np.split(placed, len(embeddings)), strict=True
        )
    ]
    return pd.concat(tables, ignore_index=True)


def songs(
    space: str,
    embeddings: np.ndarray,
    excerpt_ids: Sequence,
    song: Sequence,
    vocal_loudness: Sequence[float],
    seed: int,
) -> pd.DataFrame:
    """Lay excerpts of separation's mixtures out in the plane, beside what may sort them.

    Parameters
    ----------
    space : str
        The space's name.
    embeddings : (n, d) array
        Of the mixtures, in this space.
    excerpt_ids, song : sequences of n
        Each excerpt and the song it is from.
    vocal_loudness : sequence of n
        The loudness of its isolated vocals in LUFS, -inf without vocals.
    seed : int
        The configured seed.

    Returns
    -------
    DataFrame
        space, excerpt_id, song, vocal_loudness, x, y.
    """
    placed = plane(embeddings, seed, "songs", space)
    return pd.DataFrame(
        {
            "space": space,
            "excerpt_id": excerpt_ids,
            "song": song,
            "vocal_loudness": np.asarray(vocal_loudness, dtype=float),
            "x": placed[:, 0],
            "y": placed[:, 1],
        }
    )
