"""Figure 13: the correlation of the audio space with each latent space, on the originals alone.

A pane a pair of distances, audio and latent. Equation 11 can be read in two ways, which order the networks
differently, so both are drawn. Pooled, one correlation over all pairs of excerpts: a bar a space's mean over
its trials, with its interval over excerpts, and left of it a filled point a trial. By excerpt, the mean of
one correlation an excerpt: right of the bar its interval, and on it an open point a trial. Inputs:
``between_curves`` and ``between``, their rows of transformation OG.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from relatives.figures import style

# Where the points of a space are, in columns right of its middle: left and right of the bar
POOLED, BY_EXCERPT = -0.36, 0.36
BAR = {"width": 0.46, "alpha": 0.3}


@style.styled(style.DEFAULTS)
def draw(between_curves: pd.DataFrame, between: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the correlation on the originals by space.

    Parameters
    ----------
    between_curves : DataFrame
        space, audio_distance, latent_distance, transformation, magnitude, measure, value, lower, upper; the
        measures correlation and correlation_by_excerpt are drawn.
    between : DataFrame
        space, trial, audio_distance, latent_distance, transformation, magnitude, agreement, correlation,
        correlation_by_excerpt.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    originals = between[between["transformation"] == "OG"]
    means = between_curves[between_curves["transformation"] == "OG"]
    spaces = style.spaces(originals["space"])
    pairs = style.pairs(originals)
    figure = style.figure(settings, 60)
    panes = figure.subplots(1, len(pairs), sharey=True, squeeze=False)[0]
    for axes, pair in zip(panes, pairs, strict=True):
        trials = dict(list(style.of_pair(originals, pair).groupby("space", observed=True)))
        intervals = style.of_pair(means, pair).set_index(["measure", "space"])
        for place, (space, look) in enumerate(spaces.items()):
            if ("correlation", space) in intervals.index:
                draw_bar(axes, place, intervals.loc["correlation", space], look)
            if ("correlation_by_excerpt", space) in intervals.index:
                row = intervals.loc["correlation_by_excerpt", space]
                axes.vlines(place + BY_EXCERPT, row["lower"], row["upper"], color=look.colour, linewidth=0.6)
            if space in trials:
                draw_trials(axes, place, trials[space], look)
        axes.axhline(0, color=style.INK, linewidth=0.5)
        style.name_columns(axes, [look.label for look in spaces.values()])
        axes.set_xlim(-0.6, len(spaces) - 0.4)
        axes.set_title(style.pair_label(pair))
    panes[0].set_ylabel("correlation\non the originals")
    filled = style.handle(style.Look("pooled, a trial", style.INK), line=False)
    hollow = style.handle(style.Look("by excerpt, a trial and interval", style.INK), line=False)
    hollow.set(markerfacecolor="white", markeredgewidth=0.7, markersize=3.6)
    bar = Patch(color=style.INK, alpha=BAR["alpha"], linewidth=0, label="pooled, mean and interval")
    style.legend(figure, [bar, filled, hollow])
    return figure


def draw_bar(axes: Axes, place: float, row: pd.Series, look: style.Look) -> None:
    """Draw a space's pooled correlation (value), with its interval (lower, upper) through the middle."""
    axes.bar(place, row["value"], color=look.colour, linewidth=0, **BAR)
    half = BAR["width"] / 2
    axes.hlines(row["value"], place - half, place + half, color=look.colour, linewidth=1.4)
    axes.vlines(place, row["lower"], row["upper"], color=look.colour, linewidth=1)


def draw_trials(axes: Axes, place: float, trials: pd.DataFrame, look: style.Look) -> None:
    """Draw a space's trials: filled the pooled correlation, open the mean of one an excerpt."""
    point = {"linestyle": "", "marker": look.marker, "color": look.colour}
    at = np.full(len(trials), place)
    axes.plot(at + POOLED, trials["correlation"], markersize=2.6, markeredgewidth=0, **point)
    axes.plot(
        at + BY_EXCERPT,
        trials["correlation_by_excerpt"],
        markersize=3,
        markeredgewidth=0.6,
        markerfacecolor="white",
        **point,
    )
