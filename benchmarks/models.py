"""Seconds of the study's statistics at full size on one core, beside what R and statsmodels take for them.

Run as ``python benchmarks/models.py``. The tables are drawn at random in the study's shape: 94 magnitudes,
1,000 excerpts, five trials of four networks and one of MFCC. R's mgcv and lme4 take part where Rscript finds
them.
"""

import shutil
import subprocess
import tempfile
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.gam.api import GLMGam
from statsmodels.gam.smooth_basis import AdditiveGamSmoother, BSplines
from statsmodels.regression.mixed_linear_model import MixedLM
from threadpoolctl import threadpool_limits

from relatives import analyses, claims, tables, transforms
from relatives.statistics import additive, bootstrap

EXCERPTS = 1000
SPACES = {"mfcc": 1, "AE": 5, "AT": 5, "IR": 5, "VS": 5}
MGCV = """
suppressMessages(library(mgcv)); d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
d$x <- ave(d$magnitude, d$transformation, FUN = function(v) (v - min(v)) / (max(v) - min(v)))
d$cell <- interaction(d$transformation, d$space)
model <- consistency ~ space * transformation + s(x, by = cell, k = 8)
cat(system.time(gam(model, data = d, method = "REML"))["elapsed"])
"""
LME4 = """
suppressMessages(library(lme4)); d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
cat(system.time(lmer(consistency ~ 0 + space + (1 | excerpt_id) + (1 | network), data = d))["elapsed"])
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


def seconds(compute):
    """How long it takes, and what comes of it."""
    start = time.perf_counter()
    result = compute()
    return time.perf_counter() - start, result


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


def r_seconds(script, table):
    """Seconds that R reports, or None without R or the package."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "table.csv"
        table.to_csv(data, index=False)
        done = subprocess.run(["Rscript", "-e", script, data], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def main():
    rng = np.random.default_rng(0)
    places, errors, correlations, draws, performance = study(rng)
    excerpts = np.arange(EXCERPTS)
    rows = []

    def report(what, taken):
        rows.append((what, taken))
        print(f"{what:<66} {'not here' if taken is None else f'{taken:>8.2f} s'}", flush=True)

    weights = bootstrap.weights(EXCERPTS)
    within_seconds, found = seconds(lambda: tables.within(places, excerpts, errors, weights, 0.95))
    between_seconds, more = seconds(
        lambda: tables.between(places, errors, correlations, draws, weights, 0.95)
    )
    found |= more
    performance_seconds, more = seconds(lambda: tables.performance(performance, 1000, 0, 0.95))
    found |= more
    total = within_seconds + between_seconds + performance_seconds
    report("bootstrap of all curves, with their tables", total)

    models = analyses.models(found)
    for name, model in models.items():
        taken, _ = seconds(lambda model=model: additive_model(model))
        report(f"additive model of {name}, {len(model.table)} rows, tests and means", taken)
    taken, _ = seconds(lambda: analyses.mixed_models(found["within"]))
    total += taken
    report(f"two mixed models, {len(errors) // 2 - 1} networks x {EXCERPTS} excerpts, intervals", taken)
    taken, more = seconds(lambda: analyses.additive_models(found, 8, 1000, 0))
    total += taken
    found |= more
    report("all additive models, with the F in 1,000 bootstrap samples", taken)
    taken, _ = seconds(lambda: claims.evaluate(found, 1000, 0.95, 0))
    total += taken
    report("verdicts on the findings", taken)
    report("all of it", total)

    print()
    model = models["within_euclidean"]
    fitting, _ = seconds(
        lambda: additive.gam(model.table, model.response, model.factors, "magnitude", model.factors)
    )
    report("within_euclidean, the fit alone: relatives, REML of 25 smooths", fitting)
    report(
        "within_euclidean, the fit alone: GLMGam, smoothing given", seconds(lambda: statsmodels_gam(model))[0]
    )
    report("within_euclidean, the fit alone: mgcv, REML", r_seconds(MGCV, model.table))
    table = analyses.by_excerpt(found["within"].query("distance == 'euclidean'"))
    report("mixed model, full size: lme4", r_seconds(LME4, table))
    few = table[table["excerpt_id"] < 100].reset_index(drop=True).assign(all="all")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        components = {"excerpt": "0 + C(excerpt_id)", "trial": "0 + C(network)"}
        mixed_lm = MixedLM.from_formula(
            "consistency ~ 0 + space", groups="all", vc_formula=components, re_formula="0", data=few
        )
        report("mixed model, a tenth of the excerpts: MixedLM", seconds(mixed_lm.fit)[0])


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
