"""Marginal means of a fitted model, their differences, and joint tests of them.

A model gives, for every cell of the crossing of its factors, an estimate: its surface averaged over the
observations in the cell. A marginal mean averages these over the cells of the other factors with equal
weights, whether balanced or not (Searle, Speed & Milliken 1980, The American Statistician 34). All that
follows is linear in the cells' estimates, so it needs nothing of the model but them, their covariance and the
residual degrees of freedom.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from relatives.errors import InputError

LEVEL = 0.95
"""Of all intervals."""

CORRECTIONS = ("tukey", "holm")


@dataclass(frozen=True)
class Marginals:
    """The cells' estimates and all that is made of them.

    Attributes
    ----------
    levels : dict of str to list
        The levels of each factor; the cells are their full crossing, the last factor's levels
        changing fastest.
    estimates : (cells,)
    covariance : (cells, cells)
    residual_df : float
    """

    levels: dict[str, list]
    estimates: np.ndarray
    covariance: np.ndarray
    residual_df: float

    def anova(self, terms):
        """Joint Wald F tests that all contrasts of a term are zero.

        The contrasts of a term take each level of its factors against their first, and average over the other
        factors with equal weights.

        Parameters
        ----------
        terms : sequence of sequences of str
            The factors of each term.

        Returns
        -------
        DataFrame
            term ("task:encoder"), df1, df2, F, p.
        """
        rows = []
        for term in terms:
            f, df1 = self.f(term, self.estimates)
            p = stats.f.sf(f, df1, self.residual_df)
            rows.append((":".join(term), df1, self.residual_df, f, p))
        return pd.DataFrame(rows, columns=["term", "df1", "df2", "F", "p"])

    def f(self, term, estimates):
        """F of a term for cells' estimates (cells, …) that have this covariance: (…), and its first df."""
        contrasts = self._over_cells(term, lambda n: np.eye(n)[1:] - np.eye(n)[0])
        effects = contrasts @ estimates
        covariance = contrasts @ self.covariance @ contrasts.T
        return np.sum(effects * np.linalg.solve(covariance, effects), axis=0) / len(effects), len(effects)

    def means(self, factors):
        """Marginal means of the crossing of some factors.

        Returns
        -------
        DataFrame
            A column a factor with its levels; mean, se, lower, upper.
        """
        rows = self.averages(factors)
        mean, se = rows @ self.estimates, self.errors(rows)
        margin = stats.t.ppf((1 + LEVEL) / 2, self.residual_df) * se
        return self.crossing(factors).assign(mean=mean, se=se, lower=mean - margin, upper=mean + margin)

    def differences(self, factors, correction="tukey"):
        """Differences of all pairs of marginal means, as `pairwise` gives them."""
        labels = [":".join(map(str, row)) for row in self.crossing(factors).itertuples(index=False)]
        return self.pairwise(self.averages(factors), labels, correction)

    def pairwise(self, rows, labels, correction="tukey"):
        """Differences of all pairs of some weighted sums of the cells.

        Parameters
        ----------
        rows : (k, cells)
        labels : sequence of str, k
        correction : {"tukey", "holm"}
            Of the p values for the number of pairs: the studentised range (Tukey 1949, Kramer 1956), whose
            intervals hold together; or Holm's (1979), whose tests have no simple intervals: those
            of Bonferroni stand beside them.

        Returns
        -------
        DataFrame
            first, second, difference (first - second), se, t, p, lower, upper.
        """
        if correction not in CORRECTIONS:
            raise InputError(f"the correction is one of {', '.join(CORRECTIONS)}, not {correction!r}")
        first, second = np.array(list(combinations(range(len(labels)), 2))).T
        contrasts = rows[first] - rows[second]
        difference, se = contrasts @ self.estimates, self.errors(contrasts)
        t = difference / se
        if correction == "tukey":
            family = (len(labels), self.residual_df)
            p = stats.studentized_range.sf(np.sqrt(2) * np.abs(t), *family)
            critical = stats.studentized_range.ppf(LEVEL, *family) / np.sqrt(2)
        else:
            p = multipletests(2 * stats.t.sf(np.abs(t), self.residual_df), method="holm")[1]
            critical = stats.t.ppf(1 - (1 - LEVEL) / 2 / len(t), self.residual_df)
        return pd.DataFrame(
            {
                "first": [labels[i] for i in first],
                "second": [labels[i] for i in second],
                "difference": difference,
                "se": se,
                "t": t,
                "p": p,
                "lower": difference - critical * se,
                "upper": difference + critical * se,
            }
        )

    def averages(self, factors):
        """Weights (crossing of `factors`, cells) of the marginal means."""
        return self._over_cells(factors, np.eye)

    def crossing(self, factors):
        """The levels of some factors fully crossed, a row a combination, in the order of `averages`.

        Raises
        ------
        InputError
            If one of them is no factor of the model.
        """
        unknown = [factor for factor in factors if factor not in self.levels]
        if unknown:
            raise InputError(f"{unknown[0]!r} is no factor of this model, which has {', '.join(self.levels)}")
        ordered = [factor for factor in self.levels if factor in factors]
        index = pd.MultiIndex.from_product([self.levels[factor] for factor in ordered], names=ordered)
        return index.to_frame(index=False)[list(factors)]

    def errors(self, rows):
        """Standard errors (k,) of weighted sums (k, cells) of the cells."""
        return np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows, optimize=True))

    def _over_cells(self, term, weights):
        """Weights over the cells: for a term's factors what ``weights(levels)`` gives, else equal ones."""
        parts = [
            weights(len(levels)) if factor in term else np.full((1, len(levels)), 1 / len(levels))
            for factor, levels in self.levels.items()
        ]
        return reduce(np.kron, parts)
