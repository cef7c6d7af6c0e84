"""Jackknife confidence intervals: with each sampled unit left out once (Efron and Stein, 1981).

For what a bootstrap biases: a unit that is drawn twice is its own neighbour or its own agreement, and a rare
unit is missing in a third of the draws.
"""

import numpy as np
from scipy import stats


def interval(
    value: float, without: np.ndarray, level: float = 0.95, reach: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """Confidence interval of a statistic, by Student's t with one degree of freedom less than units.

    Parameters
    ----------
    value : float
        Of all units.
    without : (units,)
        The statistic without each of the units.
    level : float
        Between 0 and 1.
    reach : (float, float)
        The least and the greatest that the statistic can be.

    Returns
    -------
    lower, upper : float
        NaN where there are fewer than three units. `value` is in the middle, unless `reach` cuts an end off.
    """
    units = len(without)
    if units < 3:
        return np.nan, np.nan
    error = np.sqrt((units - 1) * np.mean((without - without.mean()) ** 2))
    half = stats.t.ppf((1 + level) / 2, units - 1) * error
    lower, upper = np.clip([value - half, value + half], *reach)
    return float(lower), float(upper)
