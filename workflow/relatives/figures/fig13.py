"""Figure 13: the correlation of the audio space with each latent space, on the originals alone.

A pane a pair of distances, audio and latent; a bar a space's mean over its trials, a point a trial. Input:
``between``, its rows of transformation OG.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style


@style.styled(style.DEFAULTS)
def draw(between: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the correlation on the originals by space.

    Parameters
    ----------
    between : DataFrame
        space, trial, audio_distance, latent_distance, transformation, magnitude, agreement, correlation.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    originals = between[between["transformation"] == "OG"]
    spaces = style.spaces(originals["space"])
    pairs = style.pairs(originals)
    figure = style.figure(settings, 52)
    panes = figure.subplots(1, len(pairs), sharey=True, squeeze=False)[0]
    for axes, pair in zip(panes, pairs, strict=True):
        cells = dict(list(style.of_pair(originals, pair).groupby("space", observed=True)))
        for place, (space, look) in enumerate(spaces.items()):
            if space not in cells:
                continue
            values = cells[space]["correlation"]
            axes.bar(place, values.mean(), width=0.62, color=look.colour, alpha=0.3)
            axes.hlines(values.mean(), place - 0.31, place + 0.31, color=look.colour, linewidth=1.4)
            axes.plot(
                [place] * len(values), values, look.marker, color=look.colour, markersize=3, markeredgewidth=0
            )
        axes.axhline(0, color=style.INK, linewidth=0.5)
        style.name_columns(axes, [look.label for look in spaces.values()])
        axes.set_title(style.pair_label(pair))
    panes[0].set_ylabel("correlation on the originals")
    return figure
