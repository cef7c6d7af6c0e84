"""The study's statistics at full size on one core, beside R and statsmodels.

The tables are drawn at random in the study's shape: 94 magnitudes, 1,000 excerpts, five trials of four
networks and one of MFCC. R's mgcv and lme4 take part where Rscript finds them; their time has R's start
and the reading of the table in it.
"""

import shutil
import subprocess
import tempfile
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from harness import Contender, Race, main
from statsmodels.gam.api import GLMGam
from statsmodels.gam.smooth_basis import AdditiveGamSmoother, BSplines
from statsmodels.regression.mixed_linear_model import MixedLM
from threadpoolctl import threadpool_limits

from relatives import analyses, claims, tables, transforms
from relatives.statistics import additive, bootstrap, hierarchical

EXCERPTS = 1000
SPACES = {"mfcc": 1, "AE": 5, "AT": 5, "IR": 5, "VS": 5}
MGCV = """
suppressMessages(library(mgcv)); d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
d$x <- ave(d$magnitude, d$transformation, FUN = function(v) (v - min(v)) / (max(v) - min(v)))
d$cell <- interaction(d$transformation, d$space)
model <- consistency ~ space * transformation + s(x, by = cell, k = 8)
invisible(gam(model, data = d, method = "REML"))
"""
LME4 = """
suppressMessages(library(lme4)); d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
invisible(lmer(consistency ~ 0 + space + (1 | excerpt_id) + (1 | network), data = d))
"""


def study(rng):
    """The tables of a full-sized run, with effects of space, trial, excerpt and magnitude."""
    places = tables.places({"OG": [0.0]} | {name: list(values) for name, values in transforms.GRID.items()})
    ease = rng.normal(0, 0.15, EXCERPTS)
    gravity = places.groupby("transformation")["magnitude"].rank(pct=True).to_numpy()
    errors = {}
    for level, (space, trials) in enumerate(({"audio": 1} | SPACES).items()):
        for trial, distance in product(
            range(trials), ("dtw", "simple") if space == "audio" else analyses.LATENT
        ):
            chance = 0.95 - 0.1 * level - 0.5 * gravity[:, None] + ease + rng.normal(0, 0.02)
            errors[space, trial, distance] = (rng.random((len(places), EXCERPTS)) > chance).astype(np.int8)
    pairs = [
        (space, trial, audio, latent)
        for (space, trials), audio, latent in product(SPACES.items(), analyses.AUDIO, analyses.LATENT)
        for trial in range(trials)
    ]
    correlations = {pair: 0.5 + 0.1 * gravity + rng.normal(0, 0.05, len(places)) for pair in pairs}
    draws = {
        pair: values[:, None] + rng.normal(0, 0.01, (len(places), 1000))
        for pair, values in correlations.items()
    }
    networks = pd.DataFrame(
        list(product(("AE", "AT", "IR", "VS"), ("VGG", "MFCC"), range(5))),
        columns=["task", "encoder", "trial"],
    )
    performance = networks.merge(places, how="cross").merge(
        pd.DataFrame({"excerpt_id": np.arange(EXCERPTS)}), how="cross"
    )
    performance["performance"] = rng.normal(performance["encoder"] == "VGG", 1)
    return places, errors, correlations, draws, performance


def additive_model(model):
    """A model of the study, with its tests, means, differences and checks."""
    fit = additive.gam(model.table, model.response, model.factors, "magnitude", model.factors)
    fit.anova()
    for term in fit.terms:
        fit.marginal_means(list(term))
    for factor in fit.factors:
        fit.differences([factor])
    return fit.smooths


def statsmodels_gam(model):
    """One fit of GLMGam with a given smoothing parameter: choosing 25 takes it a fit for every try."""
    table = model.table
    cells = table.groupby(list(model.factors)).ngroup().to_numpy()
    magnitude = table.groupby("transformation")["magnitude"].rank(pct=True).to_numpy()
    basis = BSplines(magnitude[:, None], df=[8], degree=[3]).smoothers[0]

    class Cells(AdditiveGamSmoother):
        def _make_smoothers_list(self):
            return [_Cell(basis, cells == cell) for cell in range(cells.max() + 1)]

    class _Cell:
        def __init__(self, basis, own):
            self.basis, self.cov_der2 = basis.basis * own[:, None], basis.cov_der2
            self.dim_basis, self.nobs = basis.dim_basis, len(own)
            self.constraints, self.variable_name, self.col_names = None, "x", basis.col_names

    smoother = Cells(np.zeros((len(cells), cells.max() + 1)))
    exog = pd.get_dummies(table[list(model.factors)].agg(":".join, axis=1)).to_numpy(float)
    return GLMGam(table[model.response].to_numpy(), exog=exog, smoother=smoother, alpha=1.0).fit()


def in_r(script, package, name, table, folder):
    """R's answer to a script about a table, as a contender."""
    installed = (
        shutil.which("Rscript") is not None
        and not subprocess.run(
            ["Rscript", "-e", f"library({package})"], capture_output=True, check=False
        ).returncode
    )
    data = Path(folder) / f"{package}.csv"
    table.to_csv(data, index=False)

    def run():
        subprocess.run(["Rscript", "-e", script, data], capture_output=True, check=True)

    return Contender(
        name, run if installed else None, 1, note="" if installed else f"R has no {package} here"
    )


def races():
    """One model of each kind beside its peers, then all of it."""
    rng = np.random.default_rng(0)
    places, errors, correlations, draws, performance = study(rng)
    weights = bootstrap.weights(EXCERPTS)

    def curves():
        return (
            tables.within(places, np.arange(EXCERPTS), errors, weights, 0.95)
            | tables.between(places, errors, correlations, draws, weights, 0.95)
            | tables.performance(performance, 1000, 0, 0.95)
        )

    found = curves()
    models = analyses.models(found)
    model = models["within_euclidean"]
    rows = (
        found["within"].query("distance == 'euclidean' and transformation != 'OG'").drop(columns="distance")
    )
    values = 1 - analyses.by_excerpt(analyses.side_by_side(rows, "error"))
    by_excerpt = values.stack().rename("consistency").reset_index()
    by_excerpt["network"] = by_excerpt["space"] + " " + by_excerpt["trial"].astype(str)
    few = by_excerpt[by_excerpt["excerpt_id"] < EXCERPTS // 10].reset_index(drop=True).assign(all="all")

    def mixed(table):
        groups = {"excerpt": "excerpt_id", "trial": "network"}
        return hierarchical.mixed(table, "consistency", "0 + space", groups, dict.fromkeys(groups, "1"))

    def mixed_lm():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            components = {"excerpt": "0 + C(excerpt_id)", "trial": "0 + C(network)"}
            MixedLM.from_formula(
                "consistency ~ 0 + space", groups="all", vc_formula=components, re_formula="0", data=few
            ).fit()

    def everything():
        results = curves()
        results |= analyses.additive_models(results, 8, 1000, 0)
        results |= analyses.mixed_models(results)
        claims.evaluate(results, 1000, 0.95, 0)

    with tempfile.TemporaryDirectory() as folder:
        yield Race(
            "An additive model: 1,974 rows, 25 smooths",
            "model",
            [
                Contender(
                    "relatives, the fit",
                    lambda: additive.gam(
                        model.table, model.response, model.factors, "magnitude", model.factors
                    ),
                    1,
                ),
                Contender(
                    "relatives, with tests, means, differences, checks", lambda: additive_model(model), 1
                ),
                Contender(
                    "pygam on the same columns, its grid search",
                    lambda: additive.gam(
                        model.table,
                        model.response,
                        model.factors,
                        "magnitude",
                        model.factors,
                        backend="pygam",
                    ),
                    1,
                    note="one smoothing parameter for all",
                ),
                Contender("statsmodels' GLMGam", lambda: statsmodels_gam(model), 1, note="smoothing given"),
                in_r(MGCV, "mgcv", "R's mgcv, the fit", model.table, folder),
            ],
            rounds=3,
            goal="5 s a model on one core; mgcv about 25 s",
        )
        yield Race(
            "The additive model of performance: 3,760 rows, 40 smooths",
            "model",
            [
                Contender(
                    "relatives, with tests, means, differences, checks",
                    lambda: additive_model(models["performance"]),
                    1,
                )
            ],
            goal="5 s on one core",
        )
        yield Race(
            "A mixed model: 21 networks x 1,000 excerpts, both random",
            "model",
            [
                Contender("relatives, the fit", lambda: mixed(by_excerpt), 1),
                Contender(
                    "relatives, with profile intervals",
                    lambda: (lambda fit: (fit.fixed, fit.variances))(mixed(by_excerpt)),
                    1,
                ),
                in_r(LME4, "lme4", "R's lme4, the fit", by_excerpt, folder),
            ],
            rounds=3,
        )
        yield Race(
            "The same with a tenth of the excerpts",
            "model",
            [
                Contender("relatives, the fit", lambda: mixed(few), 1),
                Contender("statsmodels' MixedLM", mixed_lm, 1),
            ],
            rounds=3,
        )
    yield Race(
        "All statistics: curves with 1,000 draws, 11 additive and 12 mixed models, 17 findings",
        "study",
        [Contender("relatives", everything, 1)],
        rounds=3,
        goal="under 2 minutes",
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        main(races)
