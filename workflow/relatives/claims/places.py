"""The places of a run, each a (transformation, magnitude): the smallest, the gravest, the ways there."""

import numpy as np
import pandas as pd

from relatives.claims.judging import Missing
from relatives.transforms import SMALLEST


def ways(places, transformation) -> list[list[tuple[str, float]]]:
    """The ways from the mildest to the gravest place of a transformation: one a direction.

    Parameters
    ----------
    places : iterable of (transformation, magnitude)
        Of the run.
    transformation : str

    Examples
    --------
    >>> ways([("PS", -12.0), ("PS", -0.25), ("PS", 0.25), ("PN", 30.0)], "PS")
    [[('PS', -0.25), ('PS', -12.0)], [('PS', 0.25)]]
    """
    mildest = SMALLEST[transformation]
    # PS and TS are mild in the middle of their magnitudes, the others at the upper end
    unchanged = np.mean(mildest) if len(mildest) > 1 else np.inf
    magnitudes = sorted(magnitude for name, magnitude in places if name == transformation)
    down = [magnitude for magnitude in reversed(magnitudes) if magnitude < unchanged]
    up = [magnitude for magnitude in magnitudes if magnitude > unchanged]
    return [[(transformation, magnitude) for magnitude in way] for way in (down, up) if way]


def smallest(places, transformation) -> list[tuple[str, float]]:
    """The places of the study's smallest magnitudes of a transformation, of those that the run has."""
    found = [place for place in places if place[0] == transformation and place[1] in SMALLEST[transformation]]
    if not found:
        magnitudes = " or ".join(f"{magnitude:g}" for magnitude in SMALLEST[transformation])
        raise Missing(f"needs {transformation} at {magnitudes}")
    return found


def gravest(places, transformation) -> list[tuple[str, float]]:
    """The last place of each of a transformation's ways, unless it is one of the smallest itself."""
    ends = [way[-1] for way in ways(places, transformation)]
    found = [place for place in ends if place[1] not in SMALLEST[transformation]]
    if not found:
        raise Missing(f"needs a graver {transformation} than the smallest")
    return found


def mean_over(table, transformations, where):
    """Mean of a table's rows over transformations, each over its places `where` (`smallest`, `gravest`)."""
    means = [table[where(table.columns, name)].mean(axis=1) for name in transformations]
    return pd.concat(means, axis=1).mean(axis=1)


def fall_of(table, transformation):
    """At the smallest minus at the gravest places of a transformation, for each row of a table."""
    return mean_over(table, [transformation], smallest) - mean_over(table, [transformation], gravest)
