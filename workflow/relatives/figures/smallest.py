"""The errors of one encoder's space under the smallest transformations, beside MFCC and the two audio spaces.

A pane a latent distance, a row a transformation, a point a space with its interval over excerpts. Made by
``relatives test-encoder``. Input: ``within_curves``.
"""

from dataclasses import replace

import pandas as pd
from matplotlib.figure import Figure

from relatives import transforms
from relatives.figures import style

AUDIO = {
    audio: replace(look, marker=marker)
    for (audio, look), marker in zip(style.AUDIO.items(), "s^", strict=True)
}


@style.styled(style.DEFAULTS)
def draw(within_curves: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the share of excerpts with another original as near as the own.

    Parameters
    ----------
    within_curves : DataFrame
        space, distance, transformation, magnitude, consistency, lower, upper.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    latent = within_curves[within_curves["space"] != "audio"]
    looks = {space: style.space(space) for space in style.present(("mfcc",), latent["space"])[::-1]}
    rows = style.present(("euclidean", "cosine"), latent["distance"])
    places = [(name, magnitude) for name, values in transforms.SMALLEST.items() for magnitude in values]
    labels = [f"{name} {magnitude:g} {style.unit_of(name)}" for name, magnitude in places]
    labels = [label.removesuffix(" ratio of the original tempo").replace("-", "−") for label in labels]
    cells = within_curves.set_index(["space", "distance", "transformation", "magnitude"])

    drawn = cells[[cell[2:] in places for cell in cells.index]]
    widest = max(0.1, 1 - drawn["lower"].min())  # also of errors that are rare
    figure = style.figure(settings, 16 + 9.5 * len(places))
    panes = figure.subplots(1, len(rows), sharey=True, squeeze=False)[0]
    for axes, distance in zip(panes, rows, strict=True):
        points = [(space, distance, look) for space, look in looks.items()]
        points += [("audio", audio, look) for audio, look in AUDIO.items()]
        for number, (space, of, look) in enumerate(points):
            shift = 0.2 * (number - (len(points) - 1) / 2)
            for row, place in enumerate(places):
                cell = cells.loc[(space, of, *place)]
                axes.hlines(
                    row + shift, 1 - cell["upper"], 1 - cell["lower"], color=look.colour, linewidth=0.9
                )
                axes.plot(
                    1 - cell["consistency"],
                    row + shift,
                    look.marker,
                    color=look.colour,
                    markersize=4.6 if number == 0 else 3.2,  # the encoder's stands out
                    markeredgewidth=0,
                )
        style.name_rows(axes, labels)
        axes.set_title(style.DISTANCES[distance].label)
        axes.set_xlim(-0.025 * widest, 1.025 * widest)
        axes.set_xlabel("share of excerpts with another original as near as their own")
    style.legend(figure, [style.handle(look, line=False) for look in (*looks.values(), *AUDIO.values())])
    return figure
