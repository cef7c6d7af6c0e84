"""Figure 5: the marginal means of the performance, by task and encoder.

A row a task, a point an encoder with its interval, in standard deviations of the task. Input: ``means``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style
from relatives.tasks import TASKS


@style.styled(style.DEFAULTS)
def draw(means: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the marginal mean of the performance by task and encoder.

    Parameters
    ----------
    means : DataFrame
        model, term, task, encoder, mean, lower, upper; drawn are the rows of model performance and term
        task:encoder.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    table = style.of_model(means, "performance", "task:encoder")
    tasks = style.present(TASKS, table["task"])
    encoders = style.present(style.ENCODERS, table["encoder"])
    figure = style.figure(settings, 16 + 10 * max(len(tasks), 1))
    axes = figure.subplots()
    if table.empty:
        style.quiet(axes, "no marginal means by task and encoder in this run")
        return figure
    axes.axvline(0, color=style.INK, linewidth=0.5)
    for place, encoder in enumerate(encoders):
        looks = dict.fromkeys(tasks, style.ENCODERS[encoder])
        shift = 0.12 + 0.44 * (place - (len(encoders) - 1) / 2)
        cells = table[table["encoder"] == encoder]
        style.estimates(axes, cells, "task", looks, shift)
    style.estimates_axes(axes, tasks, table, (0,))
    axes.set_xlabel("marginal mean of the performance (standard deviations within the task; more is better)")
    style.legend(figure, [style.handle(style.ENCODERS[encoder], line=False) for encoder in encoders])
    return figure
