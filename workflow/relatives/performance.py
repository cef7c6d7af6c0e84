"""Performance in standard units, which make the tasks comparable; and beside what has learned nothing.

The study standardises within the task and reverses the sign of AE's mean squared error (its section 5.1). The
unit is the standard deviation of all that was observed of the task under a transformation: every trial of
every encoder at every magnitude, without the originals, with the divisor n - 1.
"""

import numpy as np
import pandas as pd

from relatives.statistics import bootstrap
from relatives.tasks import TASKS
from relatives.transforms import ORIGINAL

SCORES = ["task", "encoder", "trial", "measure", "predictor", "performance", "lead", "lower", "upper"]
"""The columns of a network's scores on the originals, beside what it is compared with: a row a predictor."""


def unit(performance: np.ndarray, task: str) -> np.ndarray:
    """The standard unit of a task, in the unit of its measure.

    Parameters
    ----------
    performance : (n, …)
        Of every trial, encoder and magnitude under a transformation.
    task : str

    Returns
    -------
    (…) float64
        The standard deviation over the rows (divisor n - 1), negative where a lower performance is better. 0
        where nothing varies, and for a single row.
    """
    performance = np.asarray(performance, dtype=np.float64)
    sign = 1.0 if TASKS[task].higher_is_better else -1.0
    return sign * performance.std(axis=0, ddof=1) if len(performance) > 1 else np.zeros(performance.shape[1:])


def in_standard_units(performance: np.ndarray, task: str) -> np.ndarray:
    """Performance (n, …) of one task in units from its mean over the rows; 0 where nothing varies."""
    performance = np.asarray(performance, dtype=np.float64)
    size = unit(performance, task)
    return (performance - performance.mean(axis=0)) / np.where(size != 0, size, 1.0)


def standardised(performance_trials: pd.DataFrame) -> pd.DataFrame:
    """Performance on transformed audio by trial, in standard units from its task's mean; more is better.

    Parameters
    ----------
    performance_trials : DataFrame
        task, encoder, transformation, magnitude, trial, performance.

    Returns
    -------
    DataFrame
        The same columns, without the originals. Every task has mean 0 and deviation 1; one whose performance
        does not vary is 0.
    """
    table = performance_trials[performance_trials["transformation"] != ORIGINAL].copy()
    for task, rows in table.groupby("task", observed=True):
        table.loc[rows.index, "performance"] = in_standard_units(rows["performance"].to_numpy(), task)
    return table


def lead(
    own: np.ndarray, other: np.ndarray, task: str, weights: np.ndarray, level: float
) -> tuple[float, float, float]:
    """How much better a network is than something else on the same excerpts.

    Parameters
    ----------
    own, other : (n,)
        The performance of the network and of the other on each excerpt; NaN where it is not defined.
    task : str
    weights : (draws, n)
        From `statistics.bootstrap.weights`.
    level : float
        Of the interval.

    Returns
    -------
    mean, lower, upper : float
        The mean difference in the unit of the task's measure, above 0 where the network is better, with its
        bootstrap interval over excerpts, both taken together. NaN where no excerpt has both.
    """
    sign = 1.0 if TASKS[task].higher_is_better else -1.0
    difference = sign * (np.asarray(own, dtype=np.float64) - np.asarray(other, dtype=np.float64))
    lower, upper = bootstrap.interval(difference, weights, level)
    return bootstrap.mean(difference), float(lower), float(upper)
