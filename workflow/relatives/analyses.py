"""The study's analyses: the models of its results, and what they say, as tidy tables.

Eleven additive models (study, section 5), named by what is modelled and under which distances:

``performance``
    task performance, standardised within its task; factors task, encoder, transformation
``within_{latent}``
    consistency within the latent spaces; factors space, transformation
``agreement_{audio}_{latent}``, ``correlation_{audio}_{latent}``
    the two measures between the audio space and the latent spaces; the same factors

Each has the factors' interactions of two, and a smooth of the magnitude for every cell of all factors. What
is observed is a trial's mean over the excerpts at one magnitude; the originals are not in the models.

A mixed model of the consistency by excerpt stands beside those of the consistency within the latent spaces:
it asks whether the spaces still differ when the excerpts and the trained networks are taken for the random
draws that they are.
"""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd

from relatives.errors import InputError
from relatives.statistics import additive, backends, bootstrap, hierarchical
from relatives.statistics.splines import LINEAR
from relatives.tables import PAIR, tidy
from relatives.tasks import TASKS

LATENT = ("euclidean", "cosine")
AUDIO = ("dtw", "simple")
FACTORS = ("task", "encoder", "transformation", "space")

MIXED_COLUMNS = {
    "mixed_means": ["space", "mean", "se", "df", "lower", "upper"],
    "mixed_differences": ["first", "second", "difference", "se", "df", "t", "p", "lower", "upper"],
    "mixed_variances": ["component", "variance", "lower", "upper"],
    "mixed_fit": ["n", "excerpts", "networks", "converged", "note"],
}


@dataclass(frozen=True)
class Model:
    """One additive model: its observations, the column that is modelled, its factors."""

    table: pd.DataFrame
    response: str
    factors: tuple[str, ...]


def models(tables):
    """The study's models, as far as a run has the tables for them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Of ``performance_trials``, ``within_trials`` and ``between`` (see `relatives.tables`) those that
        exist.

    Returns
    -------
    dict of str to Model
    """
    found = {}
    if "performance_trials" in tables:
        table = standardised(tables["performance_trials"])
        found["performance"] = Model(table, "performance", ("task", "encoder", "transformation"))
    factors = ("space", "transformation")
    if "within_trials" in tables:
        latent = _transformed(tables["within_trials"]).query("space != 'audio'")
        for distance in LATENT:
            table = latent[latent["distance"] == distance]
            found[f"within_{distance}"] = Model(table, "consistency", factors)
    if "between" in tables:
        pairs = dict(list(_transformed(tables["between"]).groupby(PAIR)))
        for measure in ("agreement", "correlation"):
            for audio, latent in product(AUDIO, LATENT):
                found[f"{measure}_{audio}_{latent}"] = Model(pairs[audio, latent], measure, factors)
    return {name: model for name, model in found.items() if len(model.table)}


def standardised(performance_trials):
    """Performance on transformed audio by trial, in deviations from its task's mean; higher is better.

    The mean and the deviation are those of all trials, encoders and magnitudes of the task; AE's mean squared
    error changes its sign (study, section 5.1).

    Parameters
    ----------
    performance_trials : DataFrame
        task, encoder, transformation, magnitude, trial, performance.

    Returns
    -------
    DataFrame
        The same columns, without the originals.
    """
    table = _transformed(performance_trials).copy()
    for task, rows in table.groupby("task"):
        table.loc[rows.index, "performance"] = _standard(rows["performance"].to_numpy(), task)
    return table


def _standard(performance, task):
    """Performance (n, …) of one task in deviations from its mean over the rows; higher is better."""
    sign = 1 if TASKS[task].higher_is_better else -1
    deviation = performance.std(axis=0, ddof=1)
    return sign * (performance - performance.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def additive_models(tables, basis, draws, seed, backend="reml"):
    """Fit the study's additive models, and put what they say into tables.

    A factor that has one level in this run is left out; a smooth gets no more functions than there are
    magnitudes. A model that cannot be fitted even so is a row of ``fit`` with the reason.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As for `models`; and ``within`` and ``performance``, from whose excerpts is resampled.
    basis : int
        Functions of a smooth, as in `relatives.statistics.gam`.
    draws, seed : int
        Of the bootstrap.
    backend : {"reml", "pygam"}
        What fits the models, as in `relatives.statistics.gam`.

    Returns
    -------
    dict of str to DataFrame
        ``fit``: model, response, factors, n, r_squared, edf, residual_df, sigma, problem. ``anova``: model,
        term, df1, df2, F, p. ``means``: model, term, a column a factor (empty where the term does not have
        it), mean, se, lower, upper. ``differences``: model, term, first, second, difference, se, t, p,
        lower, upper, Tukey's; the term ``gap`` is how much farther VGG is above MFCC in one task than in
        another. ``smooths``: model, cell, edf, basis, k_index, p, warning. ``residuals``: model, fitted,
        residual. ``resampled_f``: model, draw, term, F in a bootstrap sample of the excerpts, for the models
        of means over excerpts; a draw takes the same excerpts in all models of the same excerpts.
        ``backends``: model, and how far the two backends are apart on it, as
        `relatives.statistics.backends.compare` says.
    """
    fits, rows = {}, []
    found = models(tables)
    for name, model in found.items():
        factors = [factor for factor in model.factors if model.table[factor].nunique() > 1]
        row = {
            "model": name,
            "response": model.response,
            "factors": " + ".join(factors),
            "n": len(model.table),
        }
        try:
            fits[name] = fit = _fit(model, factors, basis, backend)
        except InputError as error:
            rows.append(row | {"problem": str(error)})
            continue
        rows.append(
            row
            | {
                "r_squared": fit.r_squared,
                "edf": fit.edf.sum(),
                "residual_df": fit.residual_df,
                "sigma": np.sqrt(fit.variance),
                "problem": "",
            }
        )
    columns = ["model", "response", "factors", "n", "r_squared", "edf", "residual_df", "sigma", "problem"]
    return {
        "fit": pd.DataFrame(rows, columns=columns),
        "anova": _gathered(fits, lambda fit: fit.anova(), ["term", "df1", "df2", "F", "p"]),
        "means": _gathered(fits, _means, ["term", *FACTORS, "mean", "se", "lower", "upper"]),
        "differences": _gathered(
            fits, _differences, ["term", "first", "second", "difference", "se", "t", "p", "lower", "upper"]
        ),
        "smooths": _gathered(fits, _smooths, ["cell", "edf", "basis", "k_index", "p", "warning"]),
        "residuals": _gathered(
            fits,
            lambda fit: pd.DataFrame({"fitted": fit.fitted, "residual": fit.residuals}),
            ["fitted", "residual"],
        ),
        "resampled_f": tidy(
            [
                fits[name]
                .resampled_f(responses)
                .rename_axis("draw")
                .reset_index()
                .melt("draw", var_name="term", value_name="F")
                .assign(model=name)
                for name, responses in resampled(found, tables, draws, seed).items()
                if name in fits
            ],
            ["model", "draw", "term", "F"],
        ),
        "backends": _gathered(fits, backends.compare, backends.COMPARED),
    }


def resampled(models, tables, draws, seed):
    """The responses of the models of means over excerpts, in bootstrap samples of the excerpts.

    Parameters
    ----------
    models : dict of str to Model
    tables : dict of str to DataFrame
        ``within`` and ``performance``, as far as they exist.
    draws, seed : int

    Returns
    -------
    dict of str to (n, draws)
        By model, in the order of its rows.
    """
    found = {}
    if "within" in tables:
        for distance in LATENT:
            name = f"within_{distance}"
            if name in models:
                rows = tables["within"][tables["within"]["distance"] == distance]
                found[name] = 1 - _means_in_draws(models[name], rows, "error", draws, seed)
    if "performance" in tables and "performance" in models:
        model = models["performance"]
        values = np.empty((len(model.table), draws))
        # The tasks have excerpts of their own
        for task, part in model.table.groupby("task"):
            own = (model.table["task"] == task).to_numpy()
            rows = tables["performance"][tables["performance"]["task"] == task]
            part = Model(part, model.response, model.factors)
            values[own] = _standard(_means_in_draws(part, rows, "performance", draws, seed), task)
        found["performance"] = values
    return found


def _means_in_draws(model, rows, value, draws, seed):
    """The mean over excerpts of a column of `rows`, in each draw, for each row of the model: (n, draws)."""
    cell = [*model.factors, "trial", "magnitude"]
    by_excerpt = rows.set_index([*cell, "excerpt_id"])[value].unstack("excerpt_id")
    by_excerpt = by_excerpt.reindex(pd.MultiIndex.from_frame(model.table[cell])).to_numpy(np.float64)
    return bootstrap.means(by_excerpt, bootstrap.weights(by_excerpt.shape[1], draws, seed))


def _fit(model, factors, basis, backend):
    """The additive model of what varies in this run."""
    magnitudes = int(model.table.groupby(list(model.factors), observed=True)["magnitude"].nunique().min())
    if magnitudes <= LINEAR:
        raise InputError(
            f"a transformation has {magnitudes} magnitudes in this run, a smooth needs {LINEAR + 1}: "
            "add magnitudes under `transformations`"
        )
    return additive.gam(
        model.table,
        model.response,
        factors,
        smooth="magnitude",
        # The transformation first: a smooth is called "PS:AE:VGG"
        by=sorted(factors, key=lambda factor: factor != "transformation"),
        interactions=2,
        basis=min(basis, magnitudes),
        backend=backend,
    )


def _gathered(fits, table, columns):
    """A table of every fit, one after the other, under its model's name."""
    return tidy([table(fit).assign(model=name) for name, fit in fits.items()], ["model", *columns])


def _means(fit):
    """The marginal means of all terms."""
    return pd.concat(
        [fit.marginal_means(list(term)).assign(term=":".join(term)) for term in fit.terms], ignore_index=True
    )


def _differences(fit):
    """All pairs of every main effect; for performance also the gaps between the encoders."""
    parts = [fit.differences([factor]).assign(term=factor) for factor in fit.factors]
    if {"task", "encoder"} <= set(fit.factors) and {"VGG", "MFCC"} <= set(fit.marginals.levels["encoder"]):
        weights, crossing = (
            fit.marginals.averages(["task", "encoder"]),
            fit.marginals.crossing(["task", "encoder"]),
        )
        of = {encoder: weights[crossing["encoder"] == encoder] for encoder in ("VGG", "MFCC")}
        gaps = fit.marginals.pairwise(of["VGG"] - of["MFCC"], fit.marginals.levels["task"])
        parts.append(gaps.assign(term="gap"))
    return pd.concat(parts, ignore_index=True)


def _smooths(fit):
    """Every smooth, called by its cell."""
    return fit.smooths.assign(cell=fit.smooths[fit.by].astype(str).agg(":".join, axis=1))


def mixed_models(within):
    """Do the spaces differ in consistency when excerpts and networks are random? A mixed model a distance.

    The consistency of an excerpt in a space's trial is its mean over the magnitudes of a transformation, then
    over the transformations, as the additive model weights them. The spaces are fixed; random are the
    excerpt, and the network (the trial within its space). MFCC is no trained network, but has its one row
    in the latter as the others have: its interval is the wider for it. Where no space has more than one
    trial, a network cannot be told from its space, and the excerpt alone is random.

    Parameters
    ----------
    within : DataFrame
        As in `relatives.tables.within`.

    Returns
    -------
    dict of str to DataFrame
        ``mixed_means``: distance, space, mean, se, df, lower, upper. ``mixed_differences``: distance, first,
        second, difference, se, df, t, p (Holm's), lower, upper. ``mixed_variances``: distance, component
        (excerpt, trial, residual), variance, lower, upper. ``mixed_fit``: distance, n, excerpts, networks,
        converged, note.
    """
    parts = {name: [] for name in MIXED_COLUMNS}
    for distance in LATENT:
        table = by_excerpt(within[within["distance"] == distance])
        for name, rows in _mixed(table).items():
            parts[name].append(rows.assign(distance=distance))
    return {name: tidy(parts[name], ["distance", *columns]) for name, columns in MIXED_COLUMNS.items()}


def by_excerpt(within):
    """The consistency of every excerpt in every trial of the latent spaces: the table of the mixed model.

    Returns
    -------
    DataFrame
        space, trial, excerpt_id, consistency (its mean over the magnitudes of a transformation, then over the
        transformations), network (space and trial).
    """
    latent = _transformed(within)
    latent = latent[latent["space"] != "audio"]
    place = ["space", "trial", "excerpt_id"]
    by_transformation = latent.groupby([*place, "transformation"], observed=True)["error"].mean()
    table = (1 - by_transformation.groupby(place).mean()).rename("consistency").reset_index()
    return table.assign(network=table["space"] + " " + table["trial"].astype(str))


def _mixed(table):
    """The tables of one mixed model."""
    groups, notes = {"excerpt": "excerpt_id", "trial": "network"}, []
    if table["network"].nunique() == table["space"].nunique():
        del groups["trial"]
        notes.append("no space has more than one trial: the trial is not in the model")
    counts = {
        "n": len(table),
        "excerpts": table["excerpt_id"].nunique(),
        "networks": table["network"].nunique(),
    }
    try:
        fit = hierarchical.mixed(
            table, "consistency", "0 + space", groups=groups, components=dict.fromkeys(groups, "1")
        )
    except InputError as error:
        notes.append(str(error))
        return {"mixed_fit": pd.DataFrame([counts | {"converged": False, "note": "; ".join(notes)}])}
    spaces = sorted(table["space"].unique())
    first, second = np.array(list(combinations(range(len(spaces)), 2))).T
    levels = np.eye(len(spaces))
    notes += fit.notes
    return {
        "mixed_means": fit.contrasts(levels).rename(columns={"estimate": "mean"}).assign(space=spaces),
        "mixed_differences": fit.contrasts(levels[first] - levels[second], correction="holm")
        .rename(columns={"estimate": "difference"})
        .assign(first=[spaces[i] for i in first], second=[spaces[i] for i in second]),
        "mixed_variances": fit.variances.replace({"component": {"Residual": "residual"}}),
        "mixed_fit": pd.DataFrame([counts | {"converged": fit.converged, "note": "; ".join(notes)}]),
    }


def _transformed(table):
    """The rows that are not of the originals."""
    return table[table["transformation"] != "OG"]
