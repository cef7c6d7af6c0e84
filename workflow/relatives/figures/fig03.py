"""Figure 3: the grid of magnitudes.

A row a transformation, a dot a magnitude; the red line stands where the original is, or, for a transformation
that never leaves it as it is, at the magnitude closest to it. Input: ``grid``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style


@style.styled(style.DEFAULTS)
def draw(grid: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the grid, each transformation on its own axis.

    Parameters
    ----------
    grid : DataFrame
        transformation, magnitude: a row for each magnitude of this run.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    names = style.transformations(grid["transformation"])
    figure = style.figure(settings, 11 * len(names))
    rows = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    for axes, name in zip(rows, names, strict=True):
        magnitudes = grid.loc[grid["transformation"] == name, "magnitude"]
        axes.axvline(style.closest_to_original(name, magnitudes), color=style.RED, linewidth=1.2, ymax=0.9)
        axes.plot(
            magnitudes,
            [0] * len(magnitudes),
            "o",
            color=style.INK,
            markersize=3,
            markeredgewidth=0,
            alpha=0.75,
        )
        style.magnitude_axis(axes, name, magnitudes, label=False)
        axes.grid(False)
        axes.set_ylim(-1, 1)
        axes.yaxis.set_ticks([])
        axes.spines["left"].set_visible(False)
        label = f"{style.name_of(name)}\n({style.unit_of(name)})"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", labelpad=8)
    return figure
