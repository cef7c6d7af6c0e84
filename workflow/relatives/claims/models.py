"""The quantities of a run that its additive and mixed models tell."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import stats

from relatives import study, words
from relatives.claims.judging import Estimate, Missing, measured
from relatives.claims.reading import Tables, require
from relatives.statistics import bootstrap
from relatives.transforms import ORIGINAL, SMALLEST

LEVELS = study.LEVELS | {"transformation": tuple(SMALLEST)}
"""The study's levels of each factor of its additive models."""

TUKEY = "simultaneous 95 % interval (additive model, Tukey)"
OVER_NETWORKS = (
    "simultaneous 95 % interval over networks and excerpts (mixed model; all pairs of the study's spaces)"
)


class OfModels(Tables):
    """What the models of a run say: the additive ones of its networks, the mixed ones of others too."""

    @measured
    def difference(self, model, term, first, second) -> Estimate:
        """Difference of marginal means of an additive model, `first` minus `second` level of a term.

        The model is that of the study's levels alone, where the run has more. The difference of the encoders
        is one of means over the tasks: it needs all of the study's.
        """
        model = self._of_study(model)
        rows = self._of_model("differences", model)
        if term == "encoder":
            self._require_levels(model, ["task"])
        rows = rows[rows["term"] == term]
        factor = "task" if term == study.LEAD else term
        require(factor, (first, second), {*rows["first"], *rows["second"]})
        for sign, pair in ((1, (first, second)), (-1, (second, first))):
            row = rows[(rows["first"] == pair[0]) & (rows["second"] == pair[1])]
            if len(row):
                value, *limits = sign * row[["difference", "lower", "upper"]].to_numpy(float)[0]
                return Estimate(value, min(limits), max(limits), TUKEY)
        raise Missing(f"needs the difference of {first} and {second} in {_additive(model)}")

    def over_networks(self, model, first, second) -> Estimate:
        """Difference of the means of two spaces, networks and excerpts being random; the additive one beside.

        The interval is simultaneous for all pairs of the study's spaces that the model has, in the manner of
        Tukey (1949) and Kramer (1956): the quantile of the studentised range over the square root of two, on
        the Satterthwaite degrees of freedom of the difference, takes the place of Student's t. Where no mixed
        model says anything of other networks, the value is that of the additive model, and decides nothing.
        """
        beside = self.difference(model, "space", first, second)
        additive = (beside.value, beside.lower, beside.upper)
        try:
            value, reach = self._mixed_difference(model, first, second)
        except Missing as missing:
            return Estimate(beside.value, reason=str(missing), additive=additive)
        return Estimate(value, value - reach, value + reach, OVER_NETWORKS, additive=additive)

    def _mixed_difference(self, model, first, second):
        """The difference of two spaces in a mixed model, and how far its simultaneous interval reaches."""
        rows = self._of_mixed("mixed_differences", model)
        spaces = {*rows["first"], *rows["second"]}
        require("space", (first, second), spaces)
        family = len(spaces & set(study.SPACES))
        for sign, pair in ((1, (first, second)), (-1, (second, first))):
            row = rows[(rows["first"] == pair[0]) & (rows["second"] == pair[1])]
            if len(row):
                value, se, df = row[["difference", "se", "df"]].to_numpy(float)[0]
                return sign * value, _tukey(family, df) * se
        raise Missing(f"needs the difference of {first} and {second} in {_mixed(model)}")

    def order_on_originals(self, audio_distance, latent_distance, spaces) -> list[str]:
        """The spaces from the highest correlation on originals to the lowest, then those without one."""
        try:
            values = self._correlations(audio_distance, latent_distance)[0][ORIGINAL].iloc[:, 0]
        except (Missing, KeyError):
            return list(spaces)
        return list(values.reindex(list(spaces)).sort_values(ascending=False, kind="stable").index)

    @measured
    def difference_ordered_on_originals(self, audio_distance, latent_distance, first, second) -> Estimate:
        """Difference of correlation on transformed audio, unless the originals put the two in no order.

        They have no order where the interval of their difference on originals contains 0: over excerpts, that
        are drawn on both sides of the distances and are the same for both spaces.
        """
        difference = self.over_networks(f"correlation_{audio_distance}_{latent_distance}", first, second)
        observed, drawn = self._correlations(audio_distance, latent_distance)
        require("space", (first, second), observed.index)
        at = (ORIGINAL, 0.0)
        if at not in observed:
            raise Missing("needs the correlation on originals")
        values = observed.loc[first, at], observed.loc[second, at]
        draws = drawn.loc[(first, *at)].to_numpy() - drawn.loc[(second, *at)].to_numpy()
        lower, upper = bootstrap.limits(draws, self.level)
        if difference.reason or not lower <= 0 <= upper:
            return difference
        return replace(
            difference,
            reason=f"on originals {words.space(first)} and {words.space(second)} have no order "
            f"({values[0]:.3f} and {values[1]:.3f}): the interval of the difference, over excerpts, "
            "contains 0",
        )

    @measured
    def dominance(self, model, term, beside=()) -> Estimate:
        """F of a term over the largest F of the model's other terms, but for those in `beside`."""
        f, draws = self._f(model, term)
        others = [name for name in f.index if name not in (_term(term), *beside)]
        if not others:
            raise Missing(f"needs another effect beside {words.effect(term)} in {_additive(model)}")
        f_term, draws_of_term = f[_term(term)], draws[_term(term)]
        return self._of_draws(
            f_term / f[others].max(), draws_of_term / draws[others].max(axis=1), over="excerpts"
        )

    @measured
    def ratio_of_f(self, model, first, second) -> Estimate:
        """F of one term over that of another, in one model."""
        return self._of_draws(*self._ratio(model, first, second), over="excerpts")

    @measured
    def ratio_of_ratios(self, model, other, first, second) -> Estimate:
        """F of one term over that of another, in one model over the same in another model."""
        (value, draws), (other_value, other_draws) = (
            self._ratio(name, first, second) for name in (model, other)
        )
        return self._of_draws(value / other_value, draws / other_draws, over="excerpts")

    def _ratio(self, model, first, second):
        """F of a term over that of another: its value, and its draws."""
        f, draws = self._f(model, first)
        if _term(second) not in f:
            raise Missing(f"needs the effect of {words.effect(second)} in {_additive(model)}")
        first, second = _term(first), _term(second)
        return f[first] / f[second], draws[first] / draws[second]

    def _f(self, model, term):
        """The F of a model's terms, and their draws: draws x terms. One of the terms is needed.

        An F depends on which levels there are, of this factor and of the others: all of the study's are
        needed.
        """
        model = self._of_study(model)
        rows = self._of_model("anova", model)
        of_performance = model.removeprefix(study.PREFIX) == "performance"
        self._require_levels(
            model, ["transformation", *(["task", "encoder"] if of_performance else ["space"])]
        )
        f = rows.set_index(rows["term"].map(_term))["F"]
        if _term(term) not in f:
            raise Missing(f"needs the effect of {words.effect(term)} in {_additive(model)}")
        draws = self._of_model("resampled_f", model)
        return f, draws.assign(term=draws["term"].map(_term)).pivot(index="draw", columns="term", values="F")

    def _require_levels(self, model, factors):
        """Refuse to go on unless an additive model has all of the study's levels of some factors."""
        means = self._of_model("means", model)
        for factor in factors:
            present = means.loc[means["term"] == factor, factor]
            if present.empty:
                raise Missing(f"needs more than one {factor} in {_additive(model)}")
            require(factor, LEVELS[factor], set(present))

    def _of_study(self, model):
        """The name of the additive model of the study's levels alone, where the run has more."""
        return study.model(model, set(self.tables.get("fit", pd.DataFrame({"model": []}))["model"]))

    def _of_mixed(self, table, model):
        """The rows of a mixed model in a table, if it says anything of other networks."""
        fit = self.tables.get("mixed_fit", pd.DataFrame(columns=["model", "note", "converged"]))
        fit = fit[fit["model"] == model]
        if fit.empty:
            raise Missing(f"needs {_mixed(model)}")
        note = "; ".join(fit["note"].dropna())
        if not fit["converged"].all():
            raise Missing(f"needs {_mixed(model)}, not fitted: {note}")
        variances = self._table("mixed_variances")
        if "trial" not in set(variances.loc[variances["model"] == model, "component"]):
            raise Missing("needs more than one trial of a network: one says nothing of other trainings")
        rows = self._table(table)
        return rows[rows["model"] == model]

    def _of_model(self, table, model):
        """The rows of an additive model in a table."""
        rows = self.tables.get(table, pd.DataFrame(columns=["model"]))
        rows = rows[rows["model"] == model]
        if rows.empty:
            fit = self.tables.get("fit", pd.DataFrame(columns=["model", "problem"]))
            problems = fit.loc[fit["model"] == model, "problem"].dropna()
            raise Missing(f"needs {_additive(model)}" + "".join(f", not fitted: {text}" for text in problems))
        return rows


def _additive(model):
    """An additive model in a reason."""
    return f"the additive model of {words.model(model)}"


def _mixed(model):
    """A mixed model in a reason."""
    return f"the mixed model of {words.model(model)}"


def _term(name):
    """The name of an effect, its factors in alphabetical order."""
    return ":".join(sorted(name.split(":")))


@lru_cache
def _tukey(levels, df):
    """How many standard errors a simultaneous 95 % interval reaches, for all pairs of some levels."""
    return float(stats.studentized_range.ppf(0.95, levels, df)) / np.sqrt(2)
