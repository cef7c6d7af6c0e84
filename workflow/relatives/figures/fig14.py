"""Figure 14: what the space of a network trained to separate the singing voice is sorted by.

A row a space, that of the trained network and that of an untrained one. The same excerpts of mixtures twice,
as t-SNE lays out their embeddings: (a) coloured by the loudness of the isolated vocals, red louder and blue
softer; (b) by the song that an excerpt is from, each joined to the middle of its song. (c) and (d) say the
same in numbers, measured in the space itself, a row a trial. Inputs: ``songs`` and ``songs_scores``.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relatives.figures import style

# Blue to red, and from dark to light all the way, so that louder is lighter in grey.
LOUDNESS = LinearSegmentedColormap.from_list(
    "loudness", ["#14256b", "#5b3fa0", "#c3355f", "#f0503c", "#ffa07a"]
)
HUES = ("#1d4f9c", "#f0b323", "#c77fb8", "#1e9678", "#a8281e", "#6f6f6f", "#59b4e4", "#7a4b1f")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Of the panes of numbers, by the measure
TITLES = {
    "loudness of neighbours": "(c) loudness of the vocals:\ncorrelation with the {} nearest\nof other songs",
    "same song": "(d) share whose nearest\nis of the same song",
}


@style.styled(style.DEFAULTS)
def draw(songs: pd.DataFrame, songs_scores: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw each space's plane of the excerpts twice, and its numbers beside it.

    Parameters
    ----------
    songs : DataFrame
        space, excerpt_id, song, vocal_loudness (LUFS, -inf without vocals), x, y; see
        `relatives.projection.songs`.
    songs_scores : DataFrame
        space, trial, measure, neighbours, value, lower, upper, chance; see `relatives.neighbours.scores`.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    spaces = style.spaces(songs["space"])
    if not spaces:
        figure = style.figure(settings, 30)
        style.quiet(figure.subplots(), "no space of separation's songs in this run")
        return figure
    networks = len(songs_scores[["space", "trial"]].drop_duplicates())
    planes, numbers = 0.3 * settings["width_mm"] * len(spaces), 2 * (14 + 4 * networks)  # mm
    figure = style.figure(settings, 13 + max(planes, numbers))
    grid = figure.add_gridspec(len(spaces), 3, width_ratios=(1, 1, 1.1))
    rows = range(len(spaces))
    panes = np.array([[figure.add_subplot(grid[row, column]) for column in (0, 1)] for row in rows])

    loudness = songs["vocal_loudness"].to_numpy(float)
    audible = loudness[np.isfinite(loudness)]
    softest, loudest = (np.percentile(audible, [5, 100])) if len(audible) else (-70.0, 0.0)
    colours = ScalarMappable(Normalize(softest, loudest), LOUDNESS)
    for (left, right), (space, look) in zip(panes, spaces.items(), strict=True):
        excerpts = songs[songs["space"] == space]
        draw_loudness(left, excerpts, colours)
        draw_songs(right, excerpts)
        left.set_ylabel(look.label)
        for axes in (left, right):
            axes.set_box_aspect(1)
            style.no_axes(axes, box=True)
    panes[0, 0].set_title("(a) by vocal loudness")
    panes[0, 1].set_title(f"(b) by song ({songs['song'].nunique()} songs)")
    bar = figure.colorbar(
        colours, ax=panes[:, 0], location="bottom", extend="min", shrink=0.9, aspect=40, pad=0.02
    )
    bar.set_label("loudness of the isolated vocals (LUFS)")
    bar.outline.set_visible(False)

    numbers = grid[:, 2].subgridspec(2, 1)
    for place, (measure, title) in enumerate(TITLES.items()):
        axes = figure.add_subplot(numbers[place])
        table = songs_scores[songs_scores["measure"] == measure]
        draw_scores(axes, table)
        axes.set_title(title.format(table["neighbours"].max() if len(table) else 0))
    figure.legend(
        handles=[Line2D([], [], color=style.INK, linestyle="", marker="|", markersize=5, label="by chance")],
        loc="outside lower right",
        fontsize="small",
        borderpad=0,
    )
    return figure


def draw_loudness(axes: Axes, excerpts: pd.DataFrame, colours: ScalarMappable) -> None:
    """Draw a space's `excerpts`, each in the colour of its vocals' loudness."""
    low, high = colours.norm.vmin, colours.norm.vmax
    axes.scatter(
        excerpts["x"],
        excerpts["y"],
        c=np.clip(excerpts["vocal_loudness"].to_numpy(float), low, high),
        cmap=colours.cmap,
        vmin=low,
        vmax=high,
        s=11,
        linewidth=0.3,
        edgecolor="white",
    )


def draw_songs(axes: Axes, excerpts: pd.DataFrame) -> None:
    """Draw a space's `excerpts`, each in the colour of its song and joined to the song's middle."""
    for number, (_, song) in enumerate(excerpts.groupby("song", observed=True)):
        # Hue and marker run through different counts: 56 songs before a look repeats.
        colour, marker = HUES[number % len(HUES)], MARKERS[number % len(MARKERS)]
        middle_x, middle_y = song["x"].median(), song["y"].median()
        spokes = np.full((3 * len(song), 2), np.nan)  # excerpt, middle, gap; and again
        spokes[0::3, 0], spokes[0::3, 1] = song["x"], song["y"]
        spokes[1::3] = middle_x, middle_y
        axes.plot(spokes[:, 0], spokes[:, 1], color=colour, linewidth=0.5, alpha=0.5, zorder=1)
        axes.scatter(
            song["x"], song["y"], s=10, color=colour, marker=marker, linewidth=0.3, edgecolor="white"
        )


def draw_scores(axes: Axes, scores: pd.DataFrame) -> None:
    """Draw a measure's value for each space and trial, with its interval and what chance gives."""
    looks = style.spaces(scores["space"])
    rows = {
        (space, trial): f"{look.label}, trial {trial}"
        for space, look in looks.items()
        for trial in sorted(scores.loc[scores["space"] == space, "trial"])
    }
    names = [rows[key] for key in zip(scores["space"], scores["trial"], strict=True)]
    table = scores.assign(row=names, mean=scores["value"])
    style.estimates(axes, table, "row", {name: looks[space] for (space, _), name in rows.items()})
    style.estimates_axes(axes, list(rows.values()), table, (0, 1, *scores["chance"]))
    chance = table.set_index("row")["chance"]
    for place, name in enumerate(rows.values()):
        axes.plot(chance[name], place + 0.12, "|", color=style.INK, markersize=5)
