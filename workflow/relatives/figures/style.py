"""The one style of all figures: sizes, fonts, colours, axes of magnitude, and how a figure becomes files.

Conventions
-----------
* Sizes are those of a journal page: 85 mm a column, 180 mm the full width, letters of 6 to 8 points in print.
* A space, an encoder, a distance and a transformation each have one look everywhere: a colour, a line and a
  marker. Within such a set the colours differ in lightness, so they are told apart in grey and by the
  colour-blind; the lines and markers say it again.
* An axis of magnitude covers the transformation's whole grid, whatever part of it a run made.

Nothing here uses pyplot or its global state: a figure is a plain `matplotlib.figure.Figure`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from relatives import transforms
from relatives.errors import InputError
from relatives.files import replacing

COLUMN_MM, FULL_MM = 85, 180

DEFAULTS = {"width_mm": FULL_MM, "font_size": 7, "dpi": 300}
"""The settings of every figure: width in mm, size of the letters in points, dots an inch of the PNG.

What more a figure can be set to stands in its module, under the same name.
"""

INK, FAINT, RED = "#1a1a1a", "#8c8c8c", "#c8202f"

RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#4d4d4d",
    "xtick.color": "#4d4d4d",
    "ytick.color": "#4d4d4d",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.4,
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.labelpad": 2,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "pdf.fonttype": 42,  # letters stay letters in the PDF
}


@dataclass(frozen=True)
class Look:
    """How a space, an encoder, a distance or a transformation is drawn and called."""

    label: str
    colour: str
    line: str | tuple = "-"
    marker: str = "o"


# The study's five, from dark to light, then the network that was never trained. In grey these are six steps.
SPACES = {
    "mfcc": Look("MFCC", "#231a5e", "-", "o"),
    "AT": Look("AT", "#e2711d", (0, (5, 1.2)), "s"),
    "IR": Look("IR", "#157f6b", (0, (3, 1, 1, 1)), "^"),
    "VS": Look("VS", "#87154b", (0, (2, 1)), "D"),
    "AE": Look("AE", "#d9b72e", (0, (1, 0.8)), "v"),
    "untrained": Look("untrained", "#5c5c5c", (0, (9, 2.5)), "X"),  # without a colour: nothing was learned
}
GREY = "#9a9a9a"
# The audio space behind the latent spaces, by its distance
AUDIO = {
    "dtw": Look("audio space, DTW", GREY, "-", ""),
    "simple": Look("audio space, SiMPle", GREY, (0, (3, 1.5)), ""),
}
# The spaces of encoders of the user's own, under their own names, in alphabetical order
OWN = (
    Look("", "#5aa9d6", (0, (6, 1, 1, 1, 1, 1)), "P"),
    Look("", "#7a4a21", (0, (4, 1)), "<"),
    Look("", "#93c13c", (0, (2, 0.7)), "*"),
    Look("", "#e0526b", (0, (1, 0.5, 3, 0.5)), "p"),
    Look("", "#5d6a85", (0, (7, 1.5)), "h"),
)
ENCODERS = {
    "MFCC": Look("MFCC encoder", "#231a5e", "-", "o"),
    "VGG": Look("VGG encoder", "#cf9a12", (0, (5, 1.2)), "s"),
}
DISTANCES = {
    "dtw": Look("DTW", "#3d3d3d", "-", "o"),
    "simple": Look("SiMPle", GREY, (0, (4, 1.2)), "s"),
    "euclidean": Look("Euclidean", INK),
    "cosine": Look("cosine", INK),
}
TRANSFORMATIONS = {
    "PS": Look("PS", "#2f70cf", marker="^"),
    "TS": Look("TS", "#f0b323", marker=">"),
    "PN": Look("PN", "#d68fc8", marker="s"),
    "EN": Look("EN", "#209d7e", marker="D"),
    "MP": Look("MP", "#a8281a", marker="o"),
}
ORIGINAL = Look("originals (OG); coloured: transformed", "#000000", marker="o")

# The magnitude that leaves the original as it is. The other transformations come closest at their grid's end.
UNCHANGED = {"PS": 0.0, "TS": 1.0}
TICKS = {
    "PS": (-12, -6, 0, 6, 12),
    "TS": (0.4, 0.7, 1.0, 1.3),
    "PN": (-15, 0, 15, 30),
    "EN": (-15, 0, 15, 30),
    "MP": (8, 32, 128, 320),
}
LOGARITHMIC = {"MP"}  # bit rates are spaced by ratio


def sizes(font_size: float) -> dict:
    """The sizes of all letters, in points, from that of the text."""
    label, tick = round(0.93 * font_size, 2), round(0.86 * font_size, 2)
    return {
        "font.size": font_size,
        "legend.fontsize": font_size,
        "axes.titlesize": label,
        "axes.labelsize": label,
        "xtick.labelsize": tick,
        "ytick.labelsize": tick,
    }


def styled(defaults: dict):
    """Decorate ``draw(<tables>, settings)``: settings are laid over `defaults`, the figure has this style."""

    def decorate(draw):
        @functools.wraps(draw)
        def drawn(*tables, settings: dict | None = None, **named) -> Figure:
            settings = settle(defaults, settings)
            with matplotlib.rc_context(RC | sizes(settings["font_size"])):
                drawing = draw(*tables, **named, settings=settings)
                # Ticks come into being, and panes find their places, only now. Once is enough for both files.
                drawing.draw_without_rendering()
                drawing.set_layout_engine("none")
            return drawing

        return drawn

    return decorate


def settle(defaults: dict, settings: dict | None) -> dict:
    """A figure's `defaults` with the given `settings` laid over them.

    Raises
    ------
    InputError
        If a setting is none of the figure's.
    """
    settings = settings or {}
    unknown = sorted(set(settings) - set(defaults))
    if unknown:
        raise InputError(
            f"figure setting {unknown[0]!r} is unknown; this figure has {', '.join(sorted(defaults))}"
        )
    return {**defaults, **settings}


def figure(settings: dict, height_mm: float) -> Figure:
    """An empty figure of the width that the settings name, laid out so that nothing overlaps."""
    size = (settings["width_mm"] / 25.4, height_mm / 25.4)
    return Figure(figsize=size, dpi=settings["dpi"], layout="constrained")


def save(drawing: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write a figure to its two files, without date or program, so that the same figure gives equal bytes."""
    with matplotlib.rc_context(RC), replacing(pdf) as vectors, replacing(png) as pixels:
        drawing.savefig(
            vectors, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None}
        )
        drawing.savefig(pixels, format="png", metadata={"Software": None})


def space(name: str) -> Look:
    """The look of a space alone."""
    return Look("audio space", GREY, "-", "") if name == "audio" else spaces([name])[name]


def spaces(values) -> dict[str, Look]:
    """The looks of the latent spaces that occur in `values`, in the order in which they are drawn: the
    study's, the untrained network, then the user's own.

    One of the user's own is drawn under its name. Figures of one run have the same spaces, so it
    looks alike in all; where there are more than there are looks, these come again.
    """
    looks = {name: SPACES.get(name) for name in present(SPACES, values)}
    own = [name for name, look in looks.items() if look is None]
    return looks | {name: replace(OWN[i % len(OWN)], label=name) for i, name in enumerate(own)}


def present(known, values) -> list[str]:
    """Those of `known` that occur in `values`, in the order of `known`; then the others, by name."""
    found = {str(value) for value in values}
    first = [name for name in known if name in found]
    return first + sorted(found - set(first))


def transformations(values) -> list[str]:
    """The transformations that occur in `values`, in the grid's order, without the original."""
    return [name for name in present(TRANSFORMATIONS, values) if name != "OG"]


def name_of(transformation: str) -> str:
    """The transformation in words after its letters in bold: ``"PS pitch shift"``."""
    return rf"$\bf{{{transformation}}}$ {transforms.UNITS[transformation].partition(' (')[0]}"


def unit_of(transformation: str) -> str:
    """The unit of a magnitude: ``"semitones"``."""
    return transforms.UNITS[transformation].partition(" (")[2].rstrip(")")


def pairs(between) -> list[tuple[str, str]]:
    """The pairs of audio and latent distance that occur in a `between` table."""
    audio = present(("dtw", "simple"), between["audio_distance"])
    latent = present(("euclidean", "cosine"), between["latent_distance"])
    return [(one, other) for one in audio for other in latent]


def of_pair(between, pair: Sequence[str]):
    """The rows of a `between` table that were measured with this `pair` of audio and latent distance."""
    audio_distance, latent_distance = pair
    return between[
        (between["audio_distance"] == audio_distance) & (between["latent_distance"] == latent_distance)
    ]


def pair_label(pair: Sequence[str]) -> str:
    """A pair of distances in words: ``"DTW, Euclidean"``."""
    return ", ".join(DISTANCES[distance].label for distance in pair)


def closest_to_original(transformation: str, magnitudes) -> float:
    """The magnitude at which a transformation leaves the original as it is, or comes closest to it."""
    return UNCHANGED.get(transformation, max(magnitudes))


def of_model(table, model: str, term: str):
    """The rows of a table of the additive models that belong to a `term` of a `model`."""
    return table[(table["model"] == model) & (table["term"] == term)]


def magnitude_axis(axes: Axes, transformation: str, magnitudes=(), label: bool = True) -> None:
    """Make the x axis one of magnitude: over the grid and any further `magnitudes`, with ticks and unit."""
    reach = np.concatenate(
        [np.asarray(transforms.GRID[transformation], float), np.asarray(magnitudes, float)]
    )
    low, high = np.nanmin(reach), np.nanmax(reach)
    if transformation in LOGARITHMIC:
        axes.set_xscale("log", base=2)
        margin = (high / low) ** 0.04
        axes.set_xlim(low / margin, high * margin)
    else:
        margin = 0.04 * (high - low)
        axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_locator(FixedLocator(TICKS[transformation]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    if label:
        axes.set_xlabel(unit_of(transformation))


def curve(axes: Axes, table, look: Look, value: str, **line) -> None:
    """Draw ``table[value]`` over the magnitude, with its interval (columns lower and upper) as a band.

    One magnitude alone has no band and no line: it becomes a point with its interval as a bar.
    """
    table = table.sort_values("magnitude")
    x, y = table["magnitude"].to_numpy(float), table[value].to_numpy(float)
    lower, upper = table["lower"].to_numpy(float), table["upper"].to_numpy(float)
    if len(table) == 1:
        axes.vlines(x, lower, upper, color=look.colour, linewidth=0.8)
        axes.plot(x, y, look.marker or "o", color=look.colour, markersize=3, markeredgewidth=0)
        return
    axes.fill_between(x, lower, upper, color=look.colour, alpha=0.18, linewidth=0)
    axes.plot(x, y, color=look.colour, linestyle=look.line, **line)


def observations(axes: Axes, table, look: Look, value: str) -> None:
    """Draw a point a row, over the magnitude: the trials that a curve is the mean of."""
    axes.plot(
        table["magnitude"],
        table[value],
        linestyle="",
        marker=look.marker,
        color=look.colour,
        markersize=1.9,
        markeredgewidth=0,
        alpha=0.6,
    )


def estimates(axes: Axes, table, along: str, looks: dict[str, Look], shift: float = 0.12) -> None:
    """Draw a point a row of `table`, its mean in letters above, with its interval as a bar.

    Parameters
    ----------
    axes : Axes
    table : DataFrame
        `along`, mean, lower, upper. A row without a mean is left out.
    along : str
        The column whose levels are the rows of the pane.
    looks : dict of str to Look
        How a level is drawn, from the top row down.
    shift : float
        How far below its row's middle a point lies, in rows; a little leaves room for the letters.
    """
    places = {level: place + shift for place, level in enumerate(looks)}
    for row in table[table["mean"].notna()].to_dict("records"):
        place, look = places[row[along]], looks[row[along]]
        axes.hlines(place, row["lower"], row["upper"], color=look.colour, linewidth=1)
        axes.plot(row["mean"], place, look.marker, color=look.colour, markersize=3.2, markeredgewidth=0)
        axes.annotate(
            f"{row['mean']:z.2f}".replace("-", "−"),
            (row["mean"], place),
            xytext=(0, 2.6),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=matplotlib.rcParams["xtick.labelsize"],
        )


def estimates_axes(axes: Axes, labels: Sequence[str], table, reach: Sequence[float]) -> None:
    """Make the y axis one of names, the first on top, and the x axis one that covers `reach` and `table`.

    Of `table` that is every interval and mean, so that panes given the same one can be compared.
    """
    name_rows(axes, labels)
    values = table[["mean", "lower", "upper"]].to_numpy(float)
    covered = np.append(values, reach)
    low, high = np.nanmin(covered), np.nanmax(covered)
    margin = 0.04 * (high - low or 1)
    axes.set_xlim(low - margin, high + margin)


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Make the y axis one of names, the first on top, with a fine line between one row and the next."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="y", which="minor")
    axes.tick_params(axis="y", which="both", length=0)


def name_columns(axes: Axes, labels: Sequence[str]) -> None:
    """Make the x axis one of names. Names longer than the study's lean, so that none covers the next."""
    lean = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(labels)), labels, **(lean if max(map(len, labels), default=0) > 4 else {}))
    axes.grid(visible=False, axis="x")


def quiet(axes: Axes, text: str) -> None:
    """Say in a pane why nothing is drawn in it."""
    no_axes(axes)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def handle(look: Look, line: bool = True, **kind) -> Line2D:
    """A line and marker for the legend."""
    return Line2D(
        [],
        [],
        color=look.colour,
        linestyle=look.line if line else "",
        marker=look.marker,
        markersize=3.2 if line else 4,
        markeredgewidth=0,
        label=look.label,
        **kind,
    )


def legend(drawing: Figure, handles: list) -> None:
    """The figure's one legend, above its panes: in a row, or in more where a row has no room for all."""
    em = matplotlib.rcParams["legend.fontsize"] / 72  # inches; a letter has 0.6, line and gap that of seven
    wanted = sum(0.6 * em * (len(handle.get_label()) + 7) for handle in handles)
    rows = math.ceil(wanted / drawing.get_figwidth())
    columns = math.ceil(len(handles) / max(rows, 1))
    drawing.legend(handles=handles, loc="outside upper center", ncols=max(columns, 1), columnspacing=1.8)


def column_titles(panes: np.ndarray, names: list[str]) -> None:
    """Name the transformation above each column of `panes` (rows, columns)."""
    for axes, name in zip(panes[0], names, strict=True):
        axes.set_title(name_of(name))


def unit_interval(axes: Axes) -> None:
    """A y axis for a share: 0 to 1."""
    axes.set_ylim(-0.04, 1.04)
    axes.yaxis.set_major_locator(FixedLocator((0, 0.25, 0.5, 0.75, 1)))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:g}")


def no_axes(axes: Axes, box: bool = False) -> None:
    """Take ticks and grid off a plane whose coordinates mean nothing, as those of t-SNE; `box` frames it."""
    axes.grid(False)
    axes.xaxis.set_major_locator(NullLocator())
    axes.yaxis.set_major_locator(NullLocator())
    for spine in axes.spines.values():
        spine.set_visible(box)
        spine.set_color("#c4c4c4")
