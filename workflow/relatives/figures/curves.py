"""The consistency of one encoder's space beside MFCC and the two audio spaces.

Rows are the latent distances, columns the transformations; a curve a space, with its interval over excerpts,
and a point a magnitude that was measured. Made by ``relatives test-encoder``. Input: ``within_curves``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style


@style.styled(style.DEFAULTS)
def draw(within_curves: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the consistency of each space over the magnitude.

    Parameters
    ----------
    within_curves : DataFrame
        space, distance, transformation, magnitude, consistency, lower, upper.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    latent = within_curves[within_curves["space"] != "audio"]
    spaces = style.present(("mfcc",), latent["space"])  # the encoder last, on top
    looks = {space: style.space(space) for space in spaces}
    names = style.transformations(latent["transformation"])
    rows = style.present(("euclidean", "cosine"), latent["distance"])
    curves = dict(list(within_curves.groupby(["space", "distance", "transformation"], observed=True)))

    figure = style.figure(settings, 14 + 42 * len(rows))
    panes = figure.subplots(len(rows), len(names), sharey="row", squeeze=False)
    for row, distance in zip(panes, rows, strict=True):
        lines = [("audio", audio, look) for audio, look in style.AUDIO.items()]
        lines += [(space, distance, look) for space, look in looks.items()]
        for axes, name in zip(row, names, strict=True):
            style.magnitude_axis(axes, name, label=distance == rows[-1])
            axes.tick_params(labelbottom=distance == rows[-1])
            for space, of, look in lines:
                width = 1.5 if space == spaces[-1] else 1.1
                style.curve(axes, curves[space, of, name], look, "consistency", linewidth=width)
                style.observations(axes, curves[space, of, name], look, "consistency")
        style.unit_interval(row[0])
        row[0].set_ylabel(f"within-space consistency\n({style.DISTANCES[distance].label})")
    style.column_titles(panes, names)
    style.legend(figure, [style.handle(look) for look in (*reversed(looks.values()), *style.AUDIO.values())])
    return figure
