"""Figure 14: what the space of a network trained to separate the singing voice is sorted by.

The same excerpts of mixtures twice, as t-SNE lays out their embeddings: (a) coloured by the loudness of the
isolated vocals, red louder and blue softer; (b) by the song that an excerpt is from, each joined to the
middle of its song. Input: ``songs``.
"""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from relatives.figures import style

# Blue to red, and from dark to light all the way, so that louder is lighter in grey.
LOUDNESS = LinearSegmentedColormap.from_list(
    "loudness", ["#14256b", "#5b3fa0", "#c3355f", "#f0503c", "#ffa07a"]
)
HUES = ("#1d4f9c", "#f0b323", "#c77fb8", "#1e9678", "#a8281e", "#6f6f6f", "#59b4e4", "#7a4b1f")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@style.styled(style.DEFAULTS)
def draw(songs: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the plane of the excerpts twice.

    Parameters
    ----------
    songs : DataFrame
        excerpt_id, song, vocal_loudness (LUFS, -inf without vocals), x, y; see `relatives.projection.songs`.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    figure = style.figure(settings, 0.58 * settings["width_mm"])
    left, right = figure.subplots(1, 2)

    loudness = songs["vocal_loudness"].to_numpy(float)
    audible = loudness[np.isfinite(loudness)]
    softest, loudest = (np.percentile(audible, [5, 100])) if len(audible) else (-70.0, 0.0)
    points = left.scatter(
        songs["x"],
        songs["y"],
        c=np.clip(loudness, softest, loudest),
        cmap=LOUDNESS,
        vmin=softest,
        vmax=loudest,
        s=14,
        linewidth=0.3,
        edgecolor="white",
    )
    bar = figure.colorbar(points, ax=left, location="bottom", extend="min", shrink=0.7, aspect=40, pad=0.02)
    bar.set_label("loudness of the isolated vocals (LUFS)")
    bar.outline.set_visible(False)

    for number, (_, song) in enumerate(songs.groupby("song", observed=True)):
        # Hue and marker run through different counts: 56 songs before a look repeats.
        colour, marker = HUES[number % len(HUES)], MARKERS[number % len(MARKERS)]
        middle_x, middle_y = song["x"].median(), song["y"].median()
        spokes = np.full((3 * len(song), 2), np.nan)  # excerpt, middle, gap; and again
        spokes[0::3, 0], spokes[0::3, 1] = song["x"], song["y"]
        spokes[1::3] = middle_x, middle_y
        right.plot(spokes[:, 0], spokes[:, 1], color=colour, linewidth=0.5, alpha=0.5, zorder=1)
        right.scatter(
            song["x"], song["y"], s=12, color=colour, marker=marker, linewidth=0.3, edgecolor="white"
        )

    for axes, title in (
        (left, "(a) by vocal loudness"),
        (right, f"(b) by song ({songs['song'].nunique()} songs)"),
    ):
        axes.set_title(title)
        axes.set_box_aspect(1)
        axes.set_anchor("N")
        style.no_axes(axes, box=True)
    return figure
