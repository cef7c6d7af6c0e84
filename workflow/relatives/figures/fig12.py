"""Figure 12: what the smallest transformations, hardly heard, do to performance and consistency.

Four rows: the performance by task, standardised within the task with AE's sign reversed; the consistency
within each latent space by latent distance; the agreement and the correlation of the audio space with each
latent space by pair of distances. A point is one observation, the mean over the excerpts of one trial at one
magnitude, marked by its transformation and direction; a box behind them spans the quartiles around the
median. Inputs: ``performance_trials``, ``within_trials``, ``between``.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relatives import transforms
from relatives.figures import style
from relatives.performance import standardised
from relatives.tasks import TASKS

UP, DOWN = "+", "−"
# Every kind of point: transformation, direction, marker
KINDS = (
    ("PS", DOWN, "v"),
    ("PS", UP, "^"),
    ("TS", DOWN, "<"),
    ("TS", UP, ">"),
    ("PN", "", "s"),
    ("EN", "", "D"),
    ("MP", "", "o"),
)


@style.styled(style.DEFAULTS)
def draw(
    performance_trials: pd.DataFrame,
    within_trials: pd.DataFrame,
    between: pd.DataFrame,
    *,
    settings: dict,
) -> Figure:
    """Draw the distribution of every measure at the smallest transformations.

    Parameters
    ----------
    performance_trials : DataFrame
        task, encoder, trial, transformation, magnitude, performance: at all magnitudes, which the
        standardisation needs.
    within_trials : DataFrame
        space, trial, distance, transformation, magnitude, consistency.
    between : DataFrame
        space, trial, audio_distance, latent_distance, transformation, magnitude, agreement, correlation.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    performance = smallest(standardised(performance_trials))
    within = smallest(within_trials[within_trials["space"] != "audio"])
    between = smallest(between)

    by_encoder = {
        style.ENCODERS[name].label: performance[performance["encoder"] == name]
        for name in style.present(style.ENCODERS, performance["encoder"])
    }
    by_distance = {
        style.DISTANCES[name].label: within[within["distance"] == name]
        for name in style.present(("euclidean", "cosine"), within["distance"])
    }
    by_pair = {style.pair_label(pair): style.of_pair(between, pair) for pair in style.pairs(between)}
    # Label, column of the observations, column along the x axis and its known names, panes by title
    rows = [
        ("performance\n(standardised)", "performance", "task", TASKS, by_encoder),
        ("within-space\nconsistency", "consistency", "space", style.SPACES, by_distance),
        ("agreement", "agreement", "space", style.SPACES, by_pair),
        ("correlation", "correlation", "space", style.SPACES, by_pair),
    ]
    rows = [row for row in rows if row[-1]]

    figure = style.figure(settings, 10 + 40 * len(rows))
    grid = figure.add_gridspec(max(len(rows), 1), 12)  # twelfths: one to four panes a row
    shown = set()
    for number, (label, value, along, known, panes) in enumerate(rows):
        first, span = None, 12 // len(panes)
        columns = style.present(known, pd.concat(panes.values())[along])
        for place, (title, table) in enumerate(panes.items()):
            axes = figure.add_subplot(grid[number, place * span : (place + 1) * span], sharey=first)
            draw_pane(axes, table, value, along, columns)
            axes.set_title(title)
            axes.tick_params(labelleft=first is None)
            first = first or axes
            shown.update(table["transformation"])
        first.set_ylabel(label)
        if value in ("consistency", "agreement"):
            style.unit_interval(first)
    style.legend(
        figure,
        [
            style.handle(
                style.Look(name + direction, style.TRANSFORMATIONS[name].colour, "", marker), line=False
            )
            for name, direction, marker in KINDS
            if name in shown
        ],
    )
    return figure


def draw_pane(axes: Axes, table: pd.DataFrame, value: str, along: str, columns: list[str]) -> None:
    """Draw the observations of ``table[value]`` above the `columns`, which are values of ``table[along]``."""
    cells = dict(list(table.groupby(along, observed=True)))
    for place, column in enumerate(columns):
        if column not in cells:
            continue
        observations = cells[column]
        lower, median, upper = np.nanpercentile(observations[value].to_numpy(float), [25, 50, 75])
        axes.bar(place, upper - lower, bottom=lower, width=0.86, color="#ececec", zorder=1)
        axes.hlines(median, place - 0.43, place + 0.43, color="#6e6e6e", linewidth=1, zorder=2)
        for offset, (name, direction, marker) in zip(
            np.linspace(-0.34, 0.34, len(KINDS)), KINDS, strict=True
        ):
            kind = observations[
                (observations["transformation"] == name) & (observations["direction"] == direction)
            ]
            axes.plot(
                [place + offset] * len(kind),
                kind[value],
                marker,
                color=style.TRANSFORMATIONS[name].colour,
                markersize=3,
                markeredgecolor="white",
                markeredgewidth=0.25,
                zorder=3,
            )
    labels = columns if along == "task" else [style.space(column).label for column in columns]
    style.name_columns(axes, labels)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.tick_params(axis="x", length=0)


def smallest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows at the smallest transformations, with their ``direction``: + up, − down, else empty."""
    pairs = pd.DataFrame(
        [(name, magnitude) for name, magnitudes in transforms.SMALLEST.items() for magnitude in magnitudes],
        columns=["transformation", "magnitude"],
    )
    table = table.astype({"transformation": object}).merge(pairs, on=["transformation", "magnitude"])
    unchanged = table["transformation"].map(style.UNCHANGED).to_numpy(float)  # NaN: no direction
    magnitude = table["magnitude"].to_numpy(float)
    return table.assign(direction=np.select([magnitude > unchanged, magnitude < unchanged], [UP, DOWN], ""))
