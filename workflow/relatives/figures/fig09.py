"""Figure 9: the originals and their smallest transformations in the plane.

A pane a space and a transformation: black the originals, coloured on top the transformed excerpts, as t-SNE
lays them out. The closer the colours repeat the black pattern, the less the space heeds the transformation.
Input: ``neighbourhoods``.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style


@style.styled(style.DEFAULTS)
def draw(neighbourhoods: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw each space's plane once a transformation.

    Parameters
    ----------
    neighbourhoods : DataFrame
        space, transformation, magnitude, excerpt_id, x, y; see `relatives.projection.neighbourhoods`.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    spaces = style.present(style.SPACES, neighbourhoods["space"])
    names = style.transformations(neighbourhoods["transformation"])
    figure = style.figure(settings, 8 + 33 * len(spaces))
    panes = figure.subplots(len(spaces), len(names), sharex="row", sharey="row", squeeze=False)
    cells = dict(list(neighbourhoods.groupby(["space", "transformation"], observed=True)))
    # A point's area shrinks with their number, so that a full corpus and a small one fill a pane alike.
    excerpts = neighbourhoods["excerpt_id"].nunique()
    area = float(np.clip(700 / max(excerpts, 1), 0.6, 6))
    for row, space in zip(panes, spaces, strict=True):
        for axes, name in zip(row, names, strict=True):
            for transformation, look, size, edge in (
                ("OG", style.ORIGINAL, 1.6 * area, 0),
                (name, style.TRANSFORMATIONS[name], 1.2 * area, 0.15 * area**0.5),
            ):
                if (space, transformation) in cells:
                    points = cells[space, transformation]
                    axes.scatter(
                        points["x"],
                        points["y"],
                        s=size,
                        color=look.colour,
                        edgecolor="white",  # between a colour and the black below, for grey
                        linewidth=edge,
                        rasterized=True,  # pixels in the PDF too: there may be a hundred thousand points
                    )
            style.no_axes(axes, box=True)
        row[0].set_ylabel(style.space(space).label, rotation=0, ha="right", va="center", labelpad=6)
    style.column_titles(panes, names)
    style.legend(figure, [style.handle(style.ORIGINAL, line=False)])
    return figure
