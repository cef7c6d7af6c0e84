"""Figure 6: the consistency within the audio space.

A pane a transformation, a curve an audio distance: the share of excerpts that lie, transformed, nearest to
their own original, with its interval. Input: ``within_curves``, its rows of space audio.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style


@style.styled(style.DEFAULTS)
def draw(within_curves: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the consistency of the audio space over the magnitude.

    Parameters
    ----------
    within_curves : DataFrame
        space, distance, transformation, magnitude, consistency, lower, upper; the rows of space audio are
        drawn.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    audio = within_curves[within_curves["space"] == "audio"]
    names = style.transformations(audio["transformation"])
    distances = style.present(style.DISTANCES, audio["distance"])
    figure = style.figure(settings, 50)
    panes = figure.subplots(1, len(names), sharey="row", squeeze=False)
    for axes, name in zip(panes[0], names, strict=True):
        style.magnitude_axis(axes, name)
        for distance in distances:
            cell = audio[(audio["transformation"] == name) & (audio["distance"] == distance)]
            look = style.DISTANCES[distance]
            style.curve(axes, cell, look, "consistency", marker=look.marker, markersize=2, markeredgewidth=0)
    style.unit_interval(panes[0, 0])
    panes[0, 0].set_ylabel("within-space consistency")
    style.column_titles(panes, names)
    style.legend(figure, [style.handle(style.DISTANCES[distance]) for distance in distances])
    return figure
