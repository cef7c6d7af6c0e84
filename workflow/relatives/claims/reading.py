"""The tables of a run, read for the findings."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from relatives import words
from relatives.claims.judging import Estimate, Missing
from relatives.figures import style
from relatives.performance import unit
from relatives.statistics import bootstrap
from relatives.tables import PLACE
from relatives.transforms import ORIGINAL


class Tables:
    """The tables of a run, and estimates by the bootstrap over excerpts."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], draws: int, level: float, seed: int):
        self.tables = {name: table for name, table in tables.items() if not table.empty}
        self.draws, self.level, self.seed = draws, level, seed
        self._within = self._split("within", ["space", "distance"])
        self._performance = self._split("performance", ["task", "encoder"])
        # Several findings ask for the same; as a cache of the method it would outlive the run
        self._consistency, self._correlations, self._of_space = map(
            cache, (self._consistency, self._correlations, self._of_space)
        )

    def _correlations(self, audio_distance, latent_distance):
        """The correlation, mean over the trials: spaces x places; and its draws, (space, place) x draws."""
        tables = [self._table(name) for name in ("between", "between_draws")]
        between, draws = (style.of_pair(table, (audio_distance, latent_distance)) for table in tables)
        observed = between.groupby(["space", *PLACE], observed=True)["correlation"].mean().unstack(PLACE)
        index = pd.MultiIndex.from_frame(draws[["space", *PLACE]])
        return observed, pd.DataFrame(np.array([*map(np.asarray, draws["draws"])], dtype=float), index=index)

    def _of_space(self, space, distance):
        """The errors within a space: (excerpts, trials) x places."""
        self._table("within")
        if (space, distance) not in self._within:
            raise Missing(f"needs the space {words.space(space)}")
        rows = self._within[space, distance]
        return rows.set_index(["excerpt_id", "trial", *PLACE])["error"].unstack(PLACE)

    def _consistency(self, space, distance):
        """Within-space consistency: excerpts x places."""
        self._table("within")
        if (space, distance) not in self._within:
            raise Missing(f"needs the space {words.space(space)}")
        return 1 - _by_excerpt(self._within[space, distance], "error")

    def _by_excerpt_of_task(self, task, encoder):
        """Performance: excerpts x places."""
        self._table("performance")
        require("task", (task,), {task for task, _ in self._performance})
        require("encoder", (encoder,), {encoder for known, encoder in self._performance if known == task})
        return _by_excerpt(self._performance[task, encoder], "performance")

    def _standard_unit(self, task):
        """The standard unit of a task; negative if lower is better."""
        trials = self._table("performance_trials")
        trials = trials[(trials["task"] == task) & (trials["transformation"] != ORIGINAL)]
        size = unit(trials["performance"].to_numpy(), task)
        if not abs(size) > 0:
            raise Missing(f"needs a performance of {task} that varies")
        return size

    def _mean(self, *samples, over="excerpts"):
        """The mean of the samples' means, with its bootstrap interval.

        Parameters
        ----------
        *samples : Series
            One value an excerpt, NaN where it has none. Those as long as each other are drawn together.
        over : str
            What the values are of, in words.
        """
        draws = [
            bootstrap.means(sample.to_numpy(), bootstrap.weights(len(sample), self.draws, self.seed))
            for sample in samples
        ]
        value = float(np.mean([sample.mean() for sample in samples]))
        if np.isnan(value):
            raise Missing("is not defined in this run")
        # (samples, draws) -> (draws,)
        return self._of_draws(value, np.mean(draws, axis=0), over)

    def _of_draws(self, value, draws, over):
        """An estimate with the percentile interval of its draws (draws,)."""
        lower, upper = bootstrap.limits(draws, self.level)
        interval = f"{100 * self.level:g} % interval (bootstrap over {over})"
        return Estimate(float(value), float(lower), float(upper), interval)

    def _table(self, name):
        """A table of the run."""
        if name not in self.tables:
            raise Missing(f"needs the table {name}, which this run has not")
        return self.tables[name]

    def _split(self, name, by):
        """A table by the values of some columns: {} where the run has not got it."""
        return dict(list(self.tables[name].groupby(by))) if name in self.tables else {}


def require(factor, levels, present):
    """Refuse to go on unless these levels of a factor are among those present."""
    absent = [words.space(level) if factor == "space" else level for level in levels if level not in present]
    if absent:
        raise Missing(f"needs the {factor}{'s' * (len(absent) > 1)} {', '.join(absent)}")


def _by_excerpt(rows, value):
    """Mean over the trials: excerpts x places."""
    return rows.groupby(["excerpt_id", *PLACE])[value].mean().unstack(PLACE)
