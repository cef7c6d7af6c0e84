"""The tidy tables that figures and analyses read: a row an observation, columns in the vocabulary of the
study.

Three kinds of table come of each measure: the observations; their means by trial; and the curves, which are
means over trials and excerpts with bootstrap intervals over the excerpts. A place is a (transformation,
magnitude); the places of a run are a DataFrame of these two columns.
"""

from collections import defaultdict

import numpy as np
import pandas as pd

from relatives.statistics import bootstrap

PLACE = ["transformation", "magnitude"]
PAIR = ["audio_distance", "latent_distance"]


def places(magnitudes: dict[str, list[float]]) -> pd.DataFrame:
    """The places of a run, from the magnitudes of each transformation."""
    rows = [(name, magnitude) for name, values in magnitudes.items() for magnitude in values]
    return pd.DataFrame(rows, columns=PLACE)


def within(places, excerpt_ids, errors, weights, level):
    """The tables of within-space consistency.

    Parameters
    ----------
    places : DataFrame
    excerpt_ids : (n,)
    errors : dict of (space, trial, distance) to (places, n)
        0 or 1.
    weights : (draws, n)
        From `statistics.bootstrap.weights`.
    level : float
        Of the intervals.

    Returns
    -------
    dict
        ``within``: space, trial, distance, place, excerpt_id, error. ``within_trials``: the same with
        the consistency of each trial instead. ``within_curves``: space, distance, place, consistency,
        lower, upper.
    """
    repeated = places.loc[places.index.repeat(len(excerpt_ids))].reset_index(drop=True)
    repeated["excerpt_id"] = np.tile(excerpt_ids, len(places))
    observations, trials, curves = [], [], []
    for (space, trial, distance), rows in errors.items():
        key = {"space": space, "trial": trial, "distance": distance}
        # (places, n) -> (places * n,)
        observations.append(repeated.assign(**key, error=rows.reshape(-1)))
        trials.append(places.assign(**key, consistency=1 - rows.mean(axis=1)))
    for (space, distance), values in _over_trials(errors).items():
        value, lower, upper = bootstrap.curve(1 - values, weights, level)
        key = {"space": space, "distance": distance}
        curves.append(places.assign(**key, consistency=value, lower=lower, upper=upper))
    return {
        "within": tidy(observations, ["space", "trial", "distance", *PLACE, "excerpt_id", "error"]),
        "within_trials": tidy(trials, ["space", "trial", "distance", *PLACE, "consistency"]),
        "within_curves": tidy(curves, ["space", "distance", *PLACE, "consistency", "lower", "upper"]),
    }


def between(places, errors, correlations, draws, weights, level):
    """The tables of between-space consistency.

    Parameters
    ----------
    places, errors, weights, level
        As for `within`; the errors of the audio space are those of the space ``audio``, trial 0.
    correlations : dict of (space, trial, audio distance, latent distance) to (places,)
    draws : dict of the same to (places, draws)
        The correlations in bootstrap samples.

    Returns
    -------
    dict
        ``between``: space, trial, audio_distance, latent_distance, place, agreement, correlation.
        ``between_curves``: space, audio_distance, latent_distance, place, measure (agreement or
        correlation), value, lower, upper.
    """
    agreements = {
        (space, trial, audio, latent): errors[space, trial, latent] == errors["audio", 0, audio]
        for space, trial, audio, latent in correlations
    }
    trials, curves = [], []
    for (space, trial, audio, latent), correlation in correlations.items():
        key = {"space": space, "trial": trial, "audio_distance": audio, "latent_distance": latent}
        agreement = agreements[space, trial, audio, latent].mean(axis=1)
        trials.append(places.assign(**key, agreement=agreement, correlation=correlation))
    correlations, draws = _over_trials(correlations), _over_trials(draws)
    for (space, audio, latent), values in _over_trials(agreements).items():
        key = {"space": space, "audio_distance": audio, "latent_distance": latent}
        value, lower, upper = bootstrap.curve(values, weights, level)
        curves.append(places.assign(**key, measure="agreement", value=value, lower=lower, upper=upper))
        value = correlations[space, audio, latent].mean(axis=0)
        lower, upper = bootstrap.limits(draws[space, audio, latent].mean(axis=0), level)
        curves.append(places.assign(**key, measure="correlation", value=value, lower=lower, upper=upper))
    return {
        "between": tidy(trials, ["space", "trial", *PAIR, *PLACE, "agreement", "correlation"]),
        "between_curves": tidy(curves, ["space", *PAIR, *PLACE, "measure", "value", "lower", "upper"]),
    }


def performance(observations, draws, seed, level):
    """The tables of task performance.

    Parameters
    ----------
    observations : DataFrame
        task, encoder, trial, place, excerpt_id, performance; a performance that is not defined is NaN.
    draws, seed : int
        Of the bootstrap.
    level : float

    Returns
    -------
    dict
        ``performance``: the observations. ``performance_trials``: the mean of each trial.
        ``performance_curves``: task, encoder, place, performance, lower, upper.
    """
    cell = ["task", "encoder", *PLACE]
    trials = observations.groupby([*cell, "trial"], sort=False)["performance"].mean().reset_index()
    curves = []
    # The tasks have test excerpts of their own, more or fewer
    for _, rows in observations.groupby("task", sort=False):
        by_excerpt = rows.groupby([*cell, "excerpt_id"], sort=False)["performance"].mean().unstack(sort=False)
        weights = bootstrap.weights(by_excerpt.shape[1], draws, seed)
        # (cells, n) -> (1, cells, n): the trials are averaged already
        value, lower, upper = bootstrap.curve(by_excerpt.to_numpy()[None], weights, level)
        curves.append(
            by_excerpt.index.to_frame(index=False).assign(performance=value, lower=lower, upper=upper)
        )
    return {
        "performance": observations,
        "performance_trials": trials,
        "performance_curves": pd.concat(curves, ignore_index=True),
    }


def _over_trials(arrays):
    """The arrays of keys (space, trial, …) stacked by space, …: (trials, …) each."""
    stacked = defaultdict(list)
    for (space, _, *rest), array in arrays.items():
        stacked[space, *rest].append(array)
    return {key: np.stack(rows) for key, rows in stacked.items()}


def tidy(tables, columns):
    """Tables end to end, with these columns: empty where a table lacks one, without a row if there is no
    table.
    """
    return (
        pd.concat(tables, ignore_index=True).reindex(columns=columns)
        if tables
        else pd.DataFrame(columns=columns)
    )
