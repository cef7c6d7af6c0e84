"""The study's analyses: the models of its results, and what they say, as tidy tables.

Eleven additive models (study, section 5), named by what is modelled and under which distances:

``performance``
    task performance, standardised within its task; factors task, encoder, transformation
``within_{latent}``
    consistency within the latent spaces; factors space, transformation
``agreement_{audio}_{latent}``, ``correlation_{audio}_{latent}``
    the two measures between the audio space and the latent spaces; the same factors

Each has the factors' interactions of two, and a smooth of the magnitude for every cell of all factors. What
is observed is a trial's mean over the excerpts at one magnitude; the originals are not in the models. Where a
run has more than the study compared (`relatives.study`), such as an untrained network, a model is fitted a
second time to the study's levels alone, under the name ``study_{model}``: an added space changes the F and
the n, so the study's numbers are held against that one.

Mixed models stand beside them (`mixed_models`). The additive models take the networks of this run as given:
94 magnitudes of one network count as 94 independent observations. The mixed models take the trained networks
and the excerpts for the random draws that they are, so their intervals say what other trainings and other
excerpts would give. The findings about differences between spaces are judged by them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from relatives import study
from relatives.errors import InputError
from relatives.models import UNTRAINED
from relatives.performance import in_standard_units, standardised
from relatives.statistics import additive, backends, bootstrap, hierarchical
from relatives.statistics.splines import LINEAR
from relatives.study import AUDIO, LATENT
from relatives.tables import PAIR, PLACE, tidy
from relatives.transforms import ORIGINAL

FACTORS = ("task", "encoder", "transformation", "space")
MOST = 100
"""Excerpts in a mixed model, at most: where there are more, means of neighbouring ones take their place."""

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
        By name; a model of more than the study's levels is followed by the one of these alone.
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
    models = {}
    for name, model in found.items():
        models[name] = model
        alone = _of_study(model)
        if len(alone.table) < len(model.table):
            models[f"{study.PREFIX}{name}"] = alone
    return {name: model for name, model in models.items() if len(model.table)}


def _of_study(model):
    """A model of the study's levels alone."""
    table = model.table
    for factor, levels in study.LEVELS.items():
        if factor in model.factors:
            table = table[table[factor].isin(levels)]
    return Model(table, model.response, model.factors)


def additive_models(tables, basis, draws, seed, backend="reml"):
    """Fit the study's additive models, and put what they say into tables.

    A factor that has one level in this run is left out; a smooth gets no more functions than there are
    magnitudes. A model that cannot be fitted even so is a row of ``fit`` with the reason.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As for `models`; and ``within``, ``performance`` and ``between_draws``, for the bootstrap.
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
        lower, upper, Tukey's; the term `study.LEAD` is how much farther VGG is ahead of MFCC in one task than
        in another. ``smooths``: model, cell, edf, basis, k_index, p, warning. ``residuals``: model, fitted,
        residual. ``resampled_f``: model, draw, term, F in a bootstrap sample of the excerpts, of the models
        that the study's numbers are held against; a draw takes the same excerpts in all models of spaces.
        ``backends``: model, and how far the two backends are apart on it, as
        `relatives.statistics.backends.compare` says; of the models of the study's levels alone, where the
        run has these.
    """
    fits, rows = {}, []
    found = models(tables)
    for name, model in found.items():
        factors = [factor for factor in model.factors if model.table[factor].nunique() > 1]
        row = {
            "model": name,
            "response": model.response,
            "factors": ", ".join(factors),
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
        "differences": tidy(
            [_differences(name, fit).assign(model=name) for name, fit in fits.items()],
            ["model", "term", "first", "second", "difference", "se", "t", "p", "lower", "upper"],
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
                for name, responses in resampled(
                    {name: found[name] for name in fits if study.model(name, fits) == name},
                    tables,
                    draws,
                    seed,
                )
            ],
            ["model", "draw", "term", "F"],
        ),
        "backends": _gathered(
            {name: fits[study.model(name, fits)] for name in fits if not name.startswith(study.PREFIX)},
            backends.compare,
            backends.COMPARED,
        ),
    }


def resampled(models, tables, draws, seed) -> Iterator[tuple[str, np.ndarray]]:
    """The responses of models in bootstrap samples of the excerpts, one model after the other.

    A mean over excerpts is taken anew over the excerpts of a draw. The correlation is no such mean: its draws
    are those of the table ``between_draws``, which are means over the trials. So every trial of a space moves
    by as much as the mean of all does.

    Parameters
    ----------
    models : dict of str to Model
        By the names that `models` gives.
    tables : dict of str to DataFrame
        ``within``, ``performance`` and ``between_draws``, as far as they exist.
    draws, seed : int
        Of the means; how many draws the correlation has is for its table to say.

    Yields
    ------
    str, (n, draws)
        The name of a model, and its response in each draw, in the order of its rows.
    """
    # (space, trial, distance, place) x excerpts
    errors = side_by_side(tables["within"], "error") if "within" in tables else None
    known = set() if errors is None else set(errors.index.get_level_values("distance"))
    for name, model in models.items():
        measure, *distances = name.removeprefix(study.PREFIX).split("_")
        if measure == "performance" and "performance" in tables:
            values = np.empty((len(model.table), draws))
            # The tasks have excerpts of their own
            for task, part in model.table.groupby("task", observed=True):
                own = (model.table["task"] == task).to_numpy()
                rows = side_by_side(tables["performance"].query("task == @task"), "performance")
                means = _means_in_draws(Model(part, model.response, model.factors), rows, draws, seed)
                values[own] = in_standard_units(means, task)
            yield name, values
        elif measure == "within" and known.issuperset(distances):
            yield name, 1 - _means_in_draws(model, errors.xs(*distances, level="distance"), draws, seed)
        elif measure == "agreement" and known.issuperset(distances):
            yield name, _means_in_draws(model, agreements(errors, *distances), draws, seed)
        elif measure == "correlation" and "between_draws" in tables:
            cell = ["space", *PLACE]
            drawn = correlation_draws(tables["between_draws"], *distances)
            mean = model.table.groupby(cell, observed=True)["correlation"].transform("mean")
            rows = drawn.reindex(pd.MultiIndex.from_frame(model.table[cell])).to_numpy()
            yield name, (model.table["correlation"] - mean).to_numpy()[:, None] + rows


def side_by_side(rows, value):
    """A column of a table of observations, with the excerpts side by side.

    Parameters
    ----------
    rows : DataFrame
        A row an observation of one excerpt: excerpt_id, the value, and what tells the observations apart.
    value : str
        The column.

    Returns
    -------
    DataFrame
        A column an excerpt, in the order of their names; all other columns are levels of the index. NaN where
        an excerpt has no value.
    """
    return rows.set_index([name for name in rows.columns if name != value])[value].unstack("excerpt_id")


def agreements(errors, audio, latent):
    """Where the audio space and a latent space err alike (eq. 12), for every excerpt.

    Parameters
    ----------
    errors : DataFrame
        0 or 1, as `side_by_side` lays them out: those of the space ``audio`` and of the latent spaces.
    audio, latent : str
        The distances.

    Returns
    -------
    DataFrame
        0 or 1: space, trial, transformation, magnitude in the index, a column an excerpt.
    """
    spaces = errors.xs(latent, level="distance")
    # The audio space has one trial
    known = errors.xs(audio, level="distance").xs("audio", level="space").droplevel("trial")
    spaces = spaces[spaces.index.get_level_values("space") != "audio"]
    beside = known.reindex(pd.MultiIndex.from_frame(spaces.index.to_frame(index=False)[PLACE]))
    return (spaces == beside.to_numpy()).astype(np.int8)


def correlation_draws(between_draws, audio, latent):
    """The draws of the correlation under a pair of distances: a row a space and place, a column a draw."""
    rows = between_draws[
        (between_draws["audio_distance"] == audio) & (between_draws["latent_distance"] == latent)
    ]
    index = pd.MultiIndex.from_frame(rows[["space", *PLACE]])
    return pd.DataFrame(np.array([*map(np.asarray, rows["draws"])], dtype=np.float64), index=index)


def _means_in_draws(model, values, draws, seed):
    """The mean over excerpts, in each draw, for each row of the model: (n, draws).

    `values` has the excerpts `side_by_side`.
    """
    rows = values.reindex(pd.MultiIndex.from_frame(model.table[values.index.names])).to_numpy(np.float64)
    return bootstrap.means(rows, bootstrap.weights(rows.shape[1], draws, seed))


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


def _differences(name, fit):
    """All pairs of every main effect; for performance also the leads of VGG over MFCC.

    Of a model of the study's levels alone the pairs of spaces are all that a finding needs, and each effect
    takes half a second.
    """
    alone = name.startswith(study.PREFIX) and "space" in fit.factors
    parts = [
        fit.differences([factor]).assign(term=factor) for factor in (["space"] if alone else fit.factors)
    ]
    if {"task", "encoder"} <= set(fit.factors) and {"VGG", "MFCC"} <= set(fit.marginals.levels["encoder"]):
        weights, crossing = (
            fit.marginals.averages(["task", "encoder"]),
            fit.marginals.crossing(["task", "encoder"]),
        )
        of = {encoder: weights[crossing["encoder"] == encoder] for encoder in ("VGG", "MFCC")}
        leads = fit.marginals.pairwise(of["VGG"] - of["MFCC"], fit.marginals.levels["task"])
        parts.append(leads.assign(term=study.LEAD))
    return pd.concat(parts, ignore_index=True)


def _smooths(fit):
    """Every smooth, called by its cell."""
    return fit.smooths.assign(cell=fit.smooths[fit.by].astype(str).agg(":".join, axis=1))


def mixed_models(tables):
    """Do the spaces differ when networks and excerpts are random? A mixed model for each measure.

    ``within_{latent}``, ``agreement_{audio}_{latent}``, ``correlation_by_excerpt_{audio}_{latent}``
        Observed is every excerpt in every network: its mean over the magnitudes of a transformation, then
        over the transformations, as the additive model weights them. The spaces are fixed. Random are the
        excerpt, the excerpt in a space (what is hard for one space is not hard for all: without it the
        trials of a space would count as independent excerpts), and the network, which is a trial of a space.
        Untrained networks have a variance of their own: they differ much more than trained ones. The last
        measure is eq. 11 read literally, one correlation an excerpt.
    ``correlation_{audio}_{latent}``
        The correlation over all pairs of excerpts has no value by excerpt. Observed is every network under
        every transformation, the mean over its magnitudes. Fixed are the spaces under each transformation:
        the five transformations are the study's and no sample of others, and how a space bears one of them
        is nothing random. Random is the network, as above. The excerpts come in by the bootstrap: to the
        variance of a mean or a difference that the networks give, that of its draws over excerpts is added.
    ``correlation_{audio}_euclidean_less_cosine``
        The same of how much greater the correlation is under the Euclidean distance.

    MFCC and an encoder of the user's own are no samples of trained networks: a space of one trial has no
    random network, and its interval is over excerpts alone. All trained spaces share one variance of
    networks, as three trials tell too little of each: where the spaces differ in it, an interval between two
    that vary more than the others is too narrow, and one between two that vary less is too wide.

    Where no space has more than one trial, a network cannot be told from its space. The first kind is then
    fitted with the excerpt alone random, and the other is not fitted: nothing is known of other networks.

    Where there are more than `MOST` excerpts, as many means of neighbouring excerpts (which may come from one
    song) take their place. They have the same mean, and nearly the same standard errors, in less time.

    Parameters
    ----------
    tables : dict of str to DataFrame
        ``within``; ``between`` and ``between_draws``; ``correlation_rows``: as far as they exist.

    Returns
    -------
    dict of str to DataFrame
        ``mixed_means``: model, space, mean, se, df, lower, upper. ``mixed_differences``: model, first,
        second, difference, se, df, t, p (Holm's, for all pairs of the model), lower, upper (of each
        difference by itself, 95 %). ``mixed_variances``: model, component (excerpt, excerpt in space, trial,
        untrained trial, residual), variance, lower, upper (no interval where the correlation is by excerpt).
        ``mixed_fit``: model, n, excerpts, networks, converged, note.
    """
    parts = {name: [] for name in MIXED_COLUMNS}

    def keep(model, found):
        for name, rows in found.items():
            parts[name].append(rows.assign(model=model))

    if "within" in tables:
        errors = side_by_side(_transformed(tables["within"]), "error")
        for latent in LATENT:
            spaces = errors.xs(latent, level="distance")
            spaces = spaces[spaces.index.get_level_values("space") != "audio"]
            keep(f"within_{latent}", _by_excerpt_mixed(1 - by_excerpt(spaces)))
        for audio, latent in product(AUDIO, LATENT):
            if audio in errors.index.get_level_values("distance"):
                alike = agreements(errors, audio, latent)
                keep(f"agreement_{audio}_{latent}", _by_excerpt_mixed(by_excerpt(alike)))
    if "between" in tables:
        draws = tables.get("between_draws")
        for audio, latent in product(AUDIO, (*LATENT, study.DIFFERENCE)):
            observed, drawn = _correlations(tables["between"], draws, audio, latent)
            if len(observed):
                keep(f"correlation_{audio}_{latent}", _pooled_mixed(observed, drawn))
    if "correlation_rows" in tables:
        for (audio, latent), rows in _transformed(tables["correlation_rows"]).groupby(PAIR, observed=True):
            values = side_by_side(rows.drop(columns=PAIR), "correlation")
            keep(
                f"correlation_by_excerpt_{audio}_{latent}",
                _by_excerpt_mixed(by_excerpt(values), limits=False),
            )
    return {name: tidy(parts[name], ["model", *columns]) for name, columns in MIXED_COLUMNS.items()}


def by_excerpt(values):
    """The mean over magnitudes, then over transformations, of every excerpt in every network.

    Parameters
    ----------
    values : DataFrame
        With the excerpts `side_by_side`; space, trial, transformation and magnitude in the index.

    Returns
    -------
    DataFrame
        space, trial in the index, a column an excerpt.
    """
    network = ["space", "trial"]
    by_transformation = values.groupby(level=[*network, "transformation"], observed=True).mean()
    return by_transformation.groupby(level=network, observed=True).mean()


def _by_excerpt_mixed(values, limits=True):
    """The mixed model of values by network and excerpt, as `by_excerpt` gives them."""
    excerpts = values.shape[1]
    size = -(-excerpts // MOST)
    notes = []
    if size > 1:
        values = values.T.groupby(np.arange(excerpts) // size).mean().T
        notes.append(f"an excerpt stands for the mean of {size} neighbouring ones")
    table = values.rename_axis(columns="excerpt").stack().rename("value").reset_index()
    table["space"] = table["space"].astype(str)
    table["network"] = table["space"] + " " + table["trial"].astype(str)
    table["excerpt in space"] = table["space"] + " " + table["excerpt"].astype(str)
    groups = {"excerpt": "excerpt", "excerpt in space": "excerpt in space"}
    networks = True
    if table["network"].nunique() == table["space"].nunique():
        groups, networks = {"excerpt": "excerpt"}, False
        notes.append("no space has more than one trial: the trial is not in the model")
    counts = {"n": len(table), "excerpts": excerpts, "networks": table["network"].nunique()}
    spaces = sorted(table["space"].unique())
    return _mixed(
        table, "0 + space", groups, networks, spaces, np.eye(len(spaces)), counts, notes, limits=limits
    )


def _correlations(between, between_draws, audio, latent):
    """The correlation under a pair of distances by network and transformation, and the draws of each space.

    Parameters
    ----------
    between, between_draws : DataFrame
        The latter may be None.
    audio : str
    latent : str
        A distance; or two with ``_less_`` between, for the difference.

    Returns
    -------
    DataFrame
        space, trial, transformation, value, network: the mean over the magnitudes, as far as it is defined.
    DataFrame or None
        A row a space, a column a draw: means over the magnitudes, then over the transformations.
    """
    level = ["space", "transformation"]
    observed, drawn = 0.0, 0.0
    for sign, distance in zip((1, -1), latent.split("_less_"), strict=False):
        rows = _transformed(between)
        rows = rows[(rows["audio_distance"] == audio) & (rows["latent_distance"] == distance)]
        observed += (
            sign * rows.groupby(["space", "trial", "transformation"], observed=True)["correlation"].mean()
        )
        if between_draws is not None:
            rows = correlation_draws(_transformed(between_draws), audio, distance)
            drawn += sign * rows.groupby(level=level).mean().groupby(level="space").mean()
    table = observed.dropna().rename("value").reset_index().astype({"space": str, "transformation": str})
    table["network"] = table["space"] + " " + table["trial"].astype(str)
    return table, None if between_draws is None else drawn


def _pooled_mixed(table, drawn):
    """The mixed model of the correlation over all pairs, from what `_correlations` gives."""
    counts = {"n": len(table), "networks": table["network"].nunique()}
    if counts["networks"] == table["space"].nunique():
        note = "no space has more than one trial: nothing is known of other networks"
        return {"mixed_fit": pd.DataFrame([counts | {"converged": False, "note": note}])}
    table = table.assign(cell=table["space"] + " " + table["transformation"])
    cells = sorted(table["cell"].unique())
    of_cell = table.drop_duplicates("cell").set_index("cell")["space"].loc[cells].to_numpy()
    spaces = sorted(set(of_cell))
    # A space is the mean over its transformations: (spaces, cells), rows sum to 1
    levels = (of_cell == np.array(spaces)[:, None]).astype(float)
    levels /= levels.sum(axis=1, keepdims=True)
    if drawn is None:
        covariance, notes = None, ["without draws over the excerpts: the networks alone are random"]
    else:
        covariance = np.cov(drawn.reindex(spaces).to_numpy()).reshape(len(spaces), len(spaces))
        notes = ["the variance over excerpts is that of the bootstrap"]
    return _mixed(table, "0 + cell", {}, True, spaces, levels, counts, notes, covariance)


def _of_networks(table):
    """The random components of the networks, each the part of a network's intercept that it is for.

    A space of one trial, MFCC or an encoder of the user's own, has none: it is this one encoder, and nothing
    of it is random. Untrained networks differ from one another much more than trained ones: with one variance
    for both, they would blur the differences between the trained spaces.

    Parameters
    ----------
    table : DataFrame
        space, network.

    Returns
    -------
    dict of str to (n,) float
        By component: 1 in the rows that it is for, else 0.
    """
    repeated = table.groupby("space")["network"].transform("nunique") > 1
    untrained = table["space"] == UNTRAINED
    found = {"trial": repeated & ~untrained, "untrained trial": repeated & untrained}
    return {name: rows.to_numpy(float) for name, rows in found.items() if rows.any()}


def _mixed(table, fixed, groups, networks, spaces, levels, counts, notes, covariance=None, limits=True):
    """The tables of one mixed model of the column ``value``.

    Parameters
    ----------
    table : DataFrame
    fixed : str
        As `statistics.mixed` takes it.
    groups : dict of str to str
        The column of each random component, an intercept.
    networks : bool
        Whether the networks are random, too.
    spaces : list of str
    levels : (spaces, fixed effects)
        The weights of each space's mean.
    counts : dict
        Of the rows of ``mixed_fit``.
    notes : list of str
    covariance : (spaces, spaces), optional
        Of the spaces' means, from what is random beside the components.
    limits : bool
        Whether the variances get intervals, which take most of the time.
    """
    components = dict.fromkeys(groups, "1")
    if networks:
        for number, (name, rows) in enumerate(_of_networks(table).items()):
            table = table.assign(**{f"of_{number}": rows})
            groups, components = groups | {name: "network"}, components | {name: f"0 + of_{number}"}
    try:
        fit = hierarchical.mixed(table, "value", fixed, groups=groups, components=components)
    except InputError as error:
        note = "; ".join([*notes, str(error)])
        return {"mixed_fit": pd.DataFrame([counts | {"converged": False, "note": note}])}

    def tests(contrasts, correction=None):
        found = fit.contrasts(contrasts @ levels)
        if covariance is not None:
            found = _widened(found, np.einsum("ri,ij,rj->r", contrasts, covariance, contrasts), fit.level)
        if correction is not None and len(found):
            found["p"] = multipletests(found["p"], method=correction)[1]
        return found

    first, second = np.array([*combinations(range(len(spaces)), 2)]).reshape(-1, 2).T
    each = np.eye(len(spaces))
    found = {
        "mixed_means": tests(each).rename(columns={"estimate": "mean"}).assign(space=spaces),
        "mixed_variances": (fit.variances if limits else fit.components).replace(
            {"component": {"Residual": "residual"}}
        ),
        "mixed_fit": pd.DataFrame(
            [counts | {"converged": fit.converged, "note": "; ".join([*notes, *fit.notes])}]
        ),
    }
    if len(first):
        found["mixed_differences"] = (
            tests(each[first] - each[second], "holm")
            .rename(columns={"estimate": "difference"})
            .assign(first=[spaces[i] for i in first], second=[spaces[i] for i in second])
        )
    return found


def _widened(tests, variance, level):
    """Tests of contrasts whose variance is greater by `variance` (r,), which is known from many excerpts.

    The degrees of freedom are Satterthwaite's of the sum; the second part is taken as known without error.
    """
    known = tests["se"] ** 2
    se = np.sqrt(known + variance)
    df = (known + variance) ** 2 / (known**2 / tests["df"])
    t = tests["estimate"] / se
    reach = stats.t.ppf((1 + level) / 2, df) * se
    return tests.assign(
        se=se,
        df=df,
        t=t,
        p=2 * stats.t.sf(np.abs(t), df),
        lower=tests["estimate"] - reach,
        upper=tests["estimate"] + reach,
    )


def _transformed(table):
    """The rows that are not of the originals."""
    return table[table["transformation"] != ORIGINAL]
