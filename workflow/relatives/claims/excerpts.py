"""The quantities of a run that are means over excerpts, with intervals over the excerpts."""

import numpy as np
import pandas as pd

from relatives import words
from relatives.claims.judging import Estimate, Missing, measured
from relatives.claims.places import fall_of, mean_over, smallest, ways
from relatives.claims.reading import Tables, require
from relatives.consistency import between_space_kappa
from relatives.statistics import bootstrap
from relatives.tables import PLACE
from relatives.transforms import ORIGINAL, SMALLEST

FAILED = 0.25  # "substantially low": three points of four have lost their original (section 5.3.1)

LOUDNESS = "loudness of neighbours"
"""The measure of the table songs_scores that finding 17 is about."""


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
    def rise_of_agreement(self, space, audio_distance, latent_distance, beyond_chance=False) -> Estimate:
        """Agreement at the gravest magnitudes where both spaces fail, minus the lowest on the way there.

        The lowest of many is low by chance too. So where it is lowest is looked up in one half of the
        excerpts and measured in the other, and the other way round: if agreement does not rise, the mean
        is not above 0.

        Parameters
        ----------
        space, audio_distance, latent_distance : str
        beyond_chance : bool
            Whether to measure Cohen's kappa at these places instead of the agreement.
        """
        audio = self._consistency("audio", audio_distance)
        latent = self._consistency(space, latent_distance)
        # The audio space has one trial, so its consistency of an excerpt is 0 or 1, and 1 minus the distance
        # to the mean over the trials of the latent space is the mean over these trials of being equal
        agreement = 1 - (latent - audio).abs()
        rises = []
        for transformation in SMALLEST:
            for way in ways(agreement.columns, transformation):
                gravest = way[-1]
                if len(way) > 1 and audio[gravest].mean() < FAILED and latent[gravest].mean() < FAILED:
                    lowest = _lowest_in_other_half(agreement[way])
                    if beyond_chance:
                        trials = self._of_space(space, latent_distance)
                        rises.append(self._rise_of_kappa(1 - audio, trials, gravest, lowest))
                    else:
                        rises.append(agreement[gravest] - _picked(agreement, lowest))
        if not rises:
            raise Missing(
                f"needs a transformation under which both the audio space and {words.space(space)} fail "
                f"(consistency below {FAILED:g})"
            )
        if beyond_chance:
            values = np.mean(rises, axis=0)
            return self._of_draws(values[0], values[1:], over="excerpts")
        return self._mean(pd.concat(rises, axis=1).mean(axis=1))

    def _rise_of_kappa(self, audio, trials, gravest, lowest):
        """Kappa at the gravest place minus at the lowest one of each half, mean over halves and trials.

        Parameters
        ----------
        audio : DataFrame
            Errors: excerpts x places.
        trials : DataFrame
            Errors of the latent space: (trials, excerpts) x places.
        gravest : place
        lowest : Series
            The place of each excerpt's half.

        Returns
        -------
        (1 + draws,)
            That of all excerpts, then of each draw. Where kappa is not defined, as both spaces always err, it
            is 0: nothing is beyond chance.
        """
        weights = bootstrap.weights(len(audio), self.draws, self.seed)
        weights = np.concatenate([np.full((1, len(audio)), 1 / len(audio)), weights])
        rises = []
        for place in lowest.unique():
            half = (lowest == place).to_numpy()
            share = weights * half
            with np.errstate(invalid="ignore"):
                share = share / share.sum(axis=1, keepdims=True)
            for _, errors in trials.groupby(level="trial"):
                errors = errors.droplevel("trial").reindex(audio.index)
                last, least = (
                    between_space_kappa(audio[at].to_numpy(), errors[at].to_numpy(), share)
                    for at in (gravest, place)
                )
                rises.append(np.nan_to_num(last) - np.nan_to_num(least))
        return np.mean(rises, axis=0)

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

    def loudness_of_neighbours(self, space) -> list[tuple[str, Estimate, float]]:
        """For each trial: what it is called (" 0"), the correlation of loudness, and what chance gives."""
        scores = self.tables.get("songs_scores", pd.DataFrame(columns=["space", "measure"]))
        rows = scores[(scores["measure"] == LOUDNESS) & (scores["space"] == space)]
        if rows.empty:
            reason = f"needs the loudness of the vocals in the space {words.space(space)} (table songs_scores)"
            return [("", Estimate(reason=reason), np.nan)]
        found = []
        for row in rows.to_dict("records"):
            value, lower, upper = (row[name] for name in ("value", "lower", "upper"))
            interval = f"{100 * self.level:g} % interval (jackknife over songs)"
            missing = np.isnan([value, lower, upper, row["chance"]]).any()
            reason = "is not defined in this run" if missing else ""
            found.append((f" {row['trial']}", Estimate(value, lower, upper, interval, reason), row["chance"]))
        return found


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
