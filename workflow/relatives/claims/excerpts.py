"""The quantities of a run that are means over excerpts, with intervals over the excerpts."""

import numpy as np
import pandas as pd
from scipy import stats

from relatives import words
from relatives.claims.judging import Estimate, Missing, measured
from relatives.claims.places import fall_of, mean_over, smallest, ways
from relatives.claims.reading import Tables, require
from relatives.consistency import pooled_kappa
from relatives.neighbours import LOUDNESS
from relatives.statistics import bootstrap, jackknife
from relatives.tables import PLACE
from relatives.transforms import ORIGINAL, SMALLEST

FAILED = 0.25  # "substantially low": three points of four have lost their original (section 5.3.1)
GROUPS = 500
"""Of a jackknife, at most: where there are more excerpts, neighbouring ones are left out together."""


class OfExcerpts(Tables):
    """What a run says over its excerpts, the networks of the run taken as given."""

    @measured
    def consistency_at_smallest(self, space, distance, transformation) -> Estimate:
        """Within-space consistency, mean over the smallest magnitudes of a transformation."""
        return self._mean(mean_over(self._consistency(space, distance), [transformation], smallest))

    @measured
    def median_at_smallest(self, space, distance) -> Estimate:
        """Median consistency within a space over trials and smallest magnitudes, as in Figure 12."""
        rows = self._of_space(space, distance)
        kept = [place for name in SMALLEST for place in smallest(rows.columns, name)]
        # (trials, excerpts x places) -> (excerpts, trials x places): an observation is a trial at a place
        observations = 1 - rows[kept].unstack("trial")
        drawn = bootstrap.means(
            observations.to_numpy().T, bootstrap.weights(len(observations), self.draws, self.seed)
        )
        return self._of_draws(observations.mean().median(), np.median(drawn, axis=0), over="excerpts")

    @measured
    def fall(self, space, distance, transformation, less=None) -> Estimate:
        """Consistency at the smallest minus at the gravest magnitudes, `less` another transformation's."""
        consistency = self._consistency(space, distance)
        fall = fall_of(consistency, transformation)
        return self._mean(fall if less is None else fall - fall_of(consistency, less))

    @measured
    def fall_over_transformations(self, space, distance) -> Estimate:
        """Consistency at the smallest minus at the gravest magnitudes, mean over the transformations."""
        consistency = self._consistency(space, distance)
        return self._mean(pd.concat([fall_of(consistency, name) for name in SMALLEST], axis=1).mean(axis=1))

    @measured
    def rise_of_agreement(self, space, audio_distance, latent_distance) -> Estimate:
        """Agreement at the gravest magnitudes where both spaces fail, minus the lowest on the way there.

        The lowest of many is low by chance too. So where it is lowest is looked up in one half of the
        excerpts and measured in the other, and the other way round: if agreement does not rise, the mean
        is not above 0.
        """
        agreement, places = self._where_both_fail(space, audio_distance, latent_distance)
        rises = [agreement[gravest] - _picked(agreement, lowest) for gravest, lowest in places]
        return self._mean(pd.concat(rises, axis=1).mean(axis=1))

    @measured
    def rise_beyond_chance(self, space, audio_distance, latent_distance) -> Estimate:
        """The same of agreement beyond chance: Cohen's kappa at the same places.

        There is one kappa at the gravest places together and one at the lowest, over transformations, halves
        of the excerpts and trials (`consistency.pooled_kappa`): where nearly all excerpts are lost, that of
        one network under one transformation is all noise. Its interval is a jackknife over excerpts. The few
        excerpts that are kept there are missing in a third of the draws of a bootstrap, whose interval lies
        to one side of the estimate.
        """
        _, places = self._where_both_fail(space, audio_distance, latent_distance)
        audio = 1 - self._consistency("audio", audio_distance)
        trials = [
            errors.droplevel("trial").reindex(audio.index)
            for _, errors in self._of_space(space, latent_distance).groupby(level="trial")
        ]
        # All excerpts alike, then all but one group, which is one excerpt where they are few.
        # (1 + groups, excerpts)
        groups = np.arange(len(audio)) * min(len(audio), GROUPS) // len(audio)
        weights = np.vstack([np.ones(len(audio)), groups != np.unique(groups)[:, None]])
        weights /= weights.sum(axis=1, keepdims=True)
        # Of each place, half and trial the errors of both spaces, and which excerpts are of this half
        at_gravest, at_lowest = [], []
        for gravest, lowest in places:
            for place in lowest.unique():
                half = (lowest == place).to_numpy()
                for errors in trials:
                    at_gravest.append((audio[gravest], errors[gravest], half))
                    at_lowest.append((audio[place], errors[place], half))
        # Where both spaces always err there is nothing to agree on beyond chance, and the kappa is taken as 0
        last, least = (np.nan_to_num(pooled_kappa(strata, weights)) for strata in (at_gravest, at_lowest))
        value, *without = last - least
        lower, upper = jackknife.interval(value, np.array(without), self.level)
        return Estimate(
            float(value),
            lower,
            upper,
            f"{100 * self.level:g} % interval (jackknife over excerpts, rather too narrow)",
        )

    def _where_both_fail(self, space, audio_distance, latent_distance):
        """The agreement, excerpts x places; and where both spaces fail, and it is lowest on the way there.

        Returns
        -------
        DataFrame
        list of (place, Series)
            The gravest place of a way, and the lowest for each excerpt, as the other half of the excerpts
            has it.
        """
        audio = self._consistency("audio", audio_distance)
        latent = self._consistency(space, latent_distance)
        # The audio space has one trial, so its consistency of an excerpt is 0 or 1, and 1 minus the distance
        # to the mean over the trials of the latent space is the mean over these trials of being equal
        agreement = 1 - (latent - audio).abs()
        places = [
            (way[-1], _lowest_in_other_half(agreement[way]))
            for transformation in SMALLEST
            for way in ways(agreement.columns, transformation)
            if len(way) > 1 and audio[way[-1]].mean() < FAILED and latent[way[-1]].mean() < FAILED
        ]
        if not places:
            raise Missing(
                f"needs a transformation under which both the audio space and {words.space(space)} fail "
                f"(consistency below {FAILED:g})"
            )
        return agreement, places

    @measured
    def fall_of_performance(self, task, encoder, transformation) -> Estimate:
        """Performance, in its unit, at the smallest minus at the gravest magnitudes."""
        return self._mean(fall_of(self._by_excerpt_of_task(task, encoder), transformation))

    @measured
    def change_of_performance(self, tasks, encoder, transformations, less=None) -> Estimate:
        """Standardised performance at the smallest `transformations` minus on originals, mean over tasks.

        `less` that under another transformation.
        """
        changes = []
        for task in tasks:
            performance = self._by_excerpt_of_task(task, encoder) / self._standard_unit(task)
            against = performance[[(ORIGINAL, 0.0)] if less is None else smallest(performance.columns, less)]
            changes.append(mean_over(performance, transformations, smallest) - against.mean(axis=1))
        return self._mean(*changes)

    @measured
    def change_of_correlation(self, audio_distance, latent_distance, space) -> Estimate:
        """Change of a space's correlation between the smallest and the gravest, as a share of its mean.

        The change of a transformation has no sign, so that one that rises does not hide one that falls; it is
        the mean over the transformations. The mean of the correlation is over the magnitudes, then over the
        transformations. In the draws each change keeps the sign of the estimate: without signs there too, a
        change of nothing but chance would have an interval above 0.
        """
        observed, drawn = self._correlations(audio_distance, latent_distance)
        require("space", (space,), observed.index)
        # Places x (the estimate, draws)
        rows = pd.concat([observed.loc[[space]].T, drawn.loc[space].rename(columns=str)], axis=1).T
        means = pd.concat(
            [rows.xs(name, axis=1, level=PLACE[0]).mean(axis=1) for name in SMALLEST if name in rows], axis=1
        ).mean(axis=1)
        falls = pd.concat([fall_of(rows, name) for name in SMALLEST], axis=1)
        changes = (falls * np.sign(falls.iloc[0])).mean(axis=1)
        lower, _ = bootstrap.limits(means.to_numpy()[1:], self.level)
        if not lower > 0:
            raise Missing(
                f"needs a correlation of {words.space(space)} that is above 0: its change is a share of it"
            )
        shares = (changes / means).to_numpy()
        return self._of_draws(shares[0], shares[1:], over="excerpts, both sides of the distances")

    @measured
    def lead_in_loudness(self, first, second) -> Estimate:
        """Mean over the trials of the correlation of loudness, of one space minus that of another.

        The interval is Welch's (1947) over the networks of both, the songs of the run taken as given: both
        spaces have the same.
        """
        samples = [self._loudness(space)["value"].to_numpy(float) for space in (first, second)]
        for space, values in zip((first, second), samples, strict=True):
            if len(values) < 2:
                raise Missing(f"needs more than one trial of the space {words.space(space)}")
        value = samples[0].mean() - samples[1].mean()
        # The squared standard errors of both means
        squares = np.array([values.var(ddof=1) / len(values) for values in samples])
        if not squares.sum() > 1e-20:  # the networks are alike but for rounding; or NaN
            raise Missing("is not defined in this run")
        df = squares.sum() ** 2 / sum(
            square**2 / (len(values) - 1) for square, values in zip(squares, samples, strict=True)
        )
        reach = stats.t.ppf((1 + self.level) / 2, df) * np.sqrt(squares.sum())
        interval = f"{100 * self.level:g} % interval (over networks; the songs of the run are taken as given)"
        return Estimate(float(value), float(value - reach), float(value + reach), interval)

    def loudness_of_neighbours(self, space) -> list[tuple[str, Estimate, float]]:
        """For each trial: what it is called (" 0"), the correlation of loudness, and what chance gives."""
        try:
            rows = self._loudness(space)
        except Missing as missing:
            return [("", Estimate(reason=str(missing)), np.nan)]
        found = []
        for row in rows.to_dict("records"):
            value, lower, upper = (row[name] for name in ("value", "lower", "upper"))
            interval = f"{100 * self.level:g} % interval (jackknife over songs)"
            missing = np.isnan([value, lower, upper, row["chance"]]).any()
            reason = "is not defined in this run" if missing else ""
            found.append((f" {row['trial']}", Estimate(value, lower, upper, interval, reason), row["chance"]))
        return found

    def _loudness(self, space):
        """The correlations of loudness in a space, a row a trial."""
        scores = self.tables.get("songs_scores", pd.DataFrame(columns=["space", "measure"]))
        rows = scores[(scores["measure"] == LOUDNESS) & (scores["space"] == space)]
        if rows.empty:
            raise Missing(
                f"needs the loudness of the vocals in the space {words.space(space)}, table songs_scores"
            )
        return rows


def _lowest_in_other_half(agreement):
    """For each excerpt the place where the agreement of the other half of the excerpts is lowest."""
    even = np.arange(len(agreement)) % 2 == 0
    places = pd.Series(index=agreement.index, dtype=object)
    for half in (even, ~even):
        lowest = agreement[~half].mean().idxmin()
        places[half] = [lowest] * int(half.sum())
    return places


def _picked(table, places):
    """The value of each row of a table at its own place."""
    columns = table.columns.get_indexer(pd.MultiIndex.from_tuples(places))
    return pd.Series(table.to_numpy()[np.arange(len(table)), columns], index=table.index)
