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


def between(places, excerpt_ids, compared, weights, level):
    """The tables of between-space consistency.

    Parameters
    ----------
    places, excerpt_ids, weights, level
        As for `within`.
    compared : consistency.Compared
        From `consistency.over_places`. The errors of the audio space are those of the space ``audio``, trial
        0.

    Returns
    -------
    dict
        ``between``: space, trial, audio_distance, latent_distance, place, agreement, correlation (of all
        pairs together), correlation_by_excerpt (the mean of the correlations of each transformed excerpt).
        ``between_curves``: space, audio_distance, latent_distance, place, measure (agreement, correlation or
        correlation_by_excerpt), value, lower, upper. The intervals are over excerpts; those of the
        correlations take an excerpt as a row and as a column of the matrix of distances.
        ``between_draws``: space, audio_distance, latent_distance, place, draws: a list of float32, the mean
        over trials of the correlation in each bootstrap sample. The samples are those of `weights`, the same
        in every row: the draws of a difference are the differences of draws.
        ``correlation_rows``: space, trial, audio_distance, latent_distance, place, excerpt_id, correlation
        (float32): that of one transformed excerpt. Words are categories, as there are many rows.
    """
    agreements = {
        (space, trial, audio, latent): compared.errors[space, trial, latent]
        == compared.errors["audio", 0, audio]
        for space, trial, audio, latent in compared.correlations
    }
    means = {key: bootstrap.mean(rows) for key, rows in compared.by_row.items()}
    trials = [
        places.assign(
            **dict(zip(["space", "trial", *PAIR], key, strict=True)),
            agreement=agreements[key].mean(axis=1),
            correlation=correlation,
            correlation_by_excerpt=means[key],
        )
        for key, correlation in compared.correlations.items()
    ]
    sampled = {
        "correlation": (_over_trials(compared.correlations), _over_trials(compared.draws)),
        "correlation_by_excerpt": (_over_trials(means), _over_trials(compared.by_row_draws)),
    }
    curves, draws = [], []
    for pair, agreed in _over_trials(agreements).items():
        key = dict(zip(["space", *PAIR], pair, strict=True))
        value, lower, upper = bootstrap.curve(agreed, weights, level)
        curves.append(places.assign(**key, measure="agreement", value=value, lower=lower, upper=upper))
        for measure, (values, drawn) in sampled.items():
            value, of_all_trials = values[pair].mean(axis=0), drawn[pair].mean(axis=0)
            lower, upper = bootstrap.limits(of_all_trials, level)
            curves.append(places.assign(**key, measure=measure, value=value, lower=lower, upper=upper))
            if measure == "correlation":
                draws.append(places.assign(**key, draws=list(of_all_trials)))
    return {
        "between": tidy(
            trials, ["space", "trial", *PAIR, *PLACE, "agreement", "correlation", "correlation_by_excerpt"]
        ),
        "between_curves": tidy(curves, ["space", *PAIR, *PLACE, "measure", "value", "lower", "upper"]),
        "between_draws": tidy(draws, ["space", *PAIR, *PLACE, "draws"]),
        "correlation_rows": _correlation_rows(places, excerpt_ids, compared.by_row),
    }


def _correlation_rows(places, excerpt_ids, by_row):
    """The table ``correlation_rows`` of `between`, made at once: rows are the keys, places and excerpts."""
    columns = ["space", "trial", *PAIR]
    shape = (len(by_row), len(places), len(excerpt_ids))
    key, place, excerpt = (axis.reshape(-1) for axis in np.indices(shape, dtype=np.int32))
    keys = pd.DataFrame(list(by_row), columns=columns)

    def repeated(values, index):
        categories = pd.Categorical(values, categories=pd.unique(np.asarray(values)))
        return categories.take(index)

    table = {name: repeated(keys[name], key) for name in ("space", *PAIR)}
    table["trial"] = keys["trial"].to_numpy(np.int8)[key]
    table["transformation"] = repeated(places["transformation"], place)
    table["magnitude"] = places["magnitude"].to_numpy()[place]
    table["excerpt_id"] = repeated(excerpt_ids, excerpt)
    # (keys, places, n) -> (keys * places * n,)
    values = np.stack(list(by_row.values())) if by_row else np.empty(0, np.float32)
    table["correlation"] = values.reshape(-1)
    names = [*columns, *PLACE, "excerpt_id", "correlation"]
    # Not copied together into blocks, which would take twice the memory
    return pd.DataFrame({name: table[name] for name in names}, copy=False)


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
