"""Distances of all queries to all references, in the audio space and in the latent spaces.

Queries are the transformed excerpts, references the originals; every function returns a (queries, references)
matrix.

`dtw`
    audio space: dynamic time warping of MFCC sequences, exact where the study approximates
`simple`
    audio space: similarity matrix profile of MFCC sequences (Silva, Yeh, Batista & Keogh, ISMIR 2016)
`euclidean`, `cosine`
    latent spaces: distances of vectors

Section 3.2 of the consistency study. A function is imported when it is first asked for: a job over latent
spaces does not pay for the compiler, one over the audio space not for scipy.
"""

from importlib import import_module

_MODULES = {"dtw": "warping", "simple": "matrix_profile", "euclidean": "vectors", "cosine": "vectors"}

__all__ = ["cosine", "dtw", "euclidean", "simple"]


def __getattr__(name):
    """Import a distance on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
