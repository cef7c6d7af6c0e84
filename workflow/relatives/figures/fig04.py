"""Figure 4: how well the tasks are done on transformed audio.

Rows are tasks, each on its own measure, columns transformations; a curve an encoder, the mean over trials and
excerpts with its interval. The dotted line in an encoder's colour is its performance on the originals, the
thin grey one that of the best predictor without learning. Input: ``performance_curves``, whose rows of
transformation OG are the originals, and ``scores``.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style
from relatives.tasks import TASKS

TRIVIAL = style.Look("trivial predictor, on the originals", style.FAINT, "-", "")


def trivial(scores: pd.DataFrame, task: str) -> float:
    """The performance of a task's best predictor that has learned nothing; NaN where there is none.

    Parameters
    ----------
    scores : DataFrame
        As for `draw`.
    task : str
    """
    rows = scores[(scores["task"] == task) & scores["predictor"].isin(TASKS[task].trivial)]
    means = rows.groupby("predictor")["performance"].mean()
    return means.max() if TASKS[task].higher_is_better else means.min()


@style.styled(style.DEFAULTS)
def draw(performance_curves: pd.DataFrame, scores: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the performance of each encoder over the magnitude.

    Parameters
    ----------
    performance_curves : DataFrame
        task, encoder, transformation, magnitude, performance, lower, upper.
    scores : DataFrame
        task, predictor, performance: those of `Task.trivial` are used.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    tasks = style.present(TASKS, performance_curves["task"])
    names = style.transformations(performance_curves["transformation"])
    encoders = style.present(style.ENCODERS, performance_curves["encoder"])
    figure = style.figure(settings, 14 + 33 * len(tasks))
    panes = figure.subplots(len(tasks), len(names), sharey="row", squeeze=False)
    cells = dict(list(performance_curves.groupby(["task", "transformation", "encoder"], observed=True)))
    for row, task in zip(panes, tasks, strict=True):
        unlearned = trivial(scores, task)
        for axes, name in zip(row, names, strict=True):
            style.magnitude_axis(axes, name, label=task == tasks[-1])
            axes.tick_params(labelbottom=task == tasks[-1])
            if np.isfinite(unlearned):
                axes.axhline(unlearned, color=TRIVIAL.colour, linestyle=TRIVIAL.line, linewidth=0.6, zorder=1)
            for encoder in encoders:
                look = style.ENCODERS[encoder]
                if (task, "OG", encoder) in cells:
                    original = cells[task, "OG", encoder]["performance"].iloc[0]
                    axes.axhline(original, color=look.colour, linestyle=(0, (1, 1.6)), linewidth=1)
                if (task, name, encoder) in cells:
                    style.curve(axes, cells[task, name, encoder], look, "performance")
        direction = "" if TASKS[task].higher_is_better else "\n(lower is better)"
        row[0].set_ylabel(f"{task}: {TASKS[task].measure}{direction}")
    style.column_titles(panes, names)
    figure.align_ylabels(panes[:, 0])
    original = style.Look("on the originals", style.FAINT, (0, (1, 1.6)), "")
    looks = [style.Look(look.label, look.colour, look.line, "") for look in map(style.ENCODERS.get, encoders)]
    style.legend(figure, [style.handle(look) for look in [*looks, original, TRIVIAL]])
    return figure
