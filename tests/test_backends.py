"""The additive models with pygam: against our own fit, against dense algebra, and against mgcv's facts.

The bounds of the differences with pygam's own grid search are measured, and stated in the test.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from oracle_tables import oracle_table
from relatives import analyses, statistics
from relatives.errors import InputError
from relatives.statistics import backends
from test_additive import GOOD, MODELS, composed, fit_small, small

FACTS = pd.read_csv(Path(__file__).parent / "facts" / "mgcv_oracle.csv", keep_default_na=False)
LINES = [np.inf, 1.0, np.inf, 1.0]


def fit_composed(**changes):
    factors, by = ["space", "transformation"], ["transformation", "space"]
    return statistics.gam(composed(), "y", factors, "magnitude", by, basis=6, **changes)


@pytest.fixture(scope="module")
def fits():
    """Of an unbalanced table: by REML, by pygam with the same smoothing, by pygam's grid search."""
    reml = fit_composed()
    return reml, fit_composed(backend="pygam", smoothing=reml.smoothing), fit_composed(backend="pygam")


@pytest.fixture(scope="module", params=list(MODELS))
def oracle(request):
    """The name of one of the simulated tables, our model of it, and the two of pygam."""
    factors, by = MODELS[request.param]
    reml = statistics.gam(oracle_table(f"sim7_{request.param}"), "y", factors, "magnitude", by)
    return request.param, reml, reml.refit("pygam", reml.smoothing), reml.refit("pygam")


def assert_same(pygam, reml):
    """All that two fits say. The surface to nine digits: with the smoothing given it has a closed form."""
    size = np.abs(reml.fitted).max()
    np.testing.assert_allclose(pygam.fitted, reml.fitted, atol=1e-9 * size, rtol=0)
    assert pygam.residual_df == pytest.approx(reml.residual_df, rel=1e-9)
    # At its optimum REML's variance is the residuals' over their degrees of freedom, which is pygam's
    assert pygam.variance == pytest.approx(reml.variance, rel=1e-4)
    np.testing.assert_allclose(pygam.edf, reml.edf, atol=1e-9)
    pd.testing.assert_frame_equal(pygam.anova(), reml.anova(), rtol=1e-4)
    for factor in reml.factors:
        means = pygam.marginal_means([factor]), reml.marginal_means([factor])
        pd.testing.assert_frame_equal(*means, rtol=1e-4, atol=1e-7)
    pd.testing.assert_frame_equal(pygam.smooths, reml.smooths, rtol=1e-4)


# --- with the same smoothing parameters


def test_with_our_smoothing_the_fit_is_ours(fits):
    reml, given, _ = fits
    assert_same(given, reml)
    assert (given.backend, given.criterion) == ("pygam", "given")


def test_with_our_smoothing_the_fit_is_ours_on_the_simulated_tables(oracle):
    """One of them has smooths that REML makes straight lines, of an infinite smoothing parameter."""
    name, reml, given, _ = oracle
    assert np.isinf(reml.smoothing).any()
    assert_same(given, reml)
    facts = FACTS[(FACTS["table"] == name) & (FACTS["criterion"] == "REML")].set_index("quantity")
    assert given.r_squared == pytest.approx(facts.loc["r_squared", "value"], abs=1e-4)
    np.testing.assert_allclose(given.anova()["F"], facts.loc["F", "value"], rtol=1e-4)


def test_reml_can_choose_for_pygam(fits):
    reml, given, _ = fits
    chosen = fit_composed(backend="pygam", smoothing="reml")
    assert chosen.criterion == "reml"
    np.testing.assert_array_equal(chosen.smoothing, reml.smoothing)
    np.testing.assert_array_equal(chosen.fitted, given.fitted)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("smoothing", [[1e-4, 1e-3, 1e-2, 0.1], [0.1] * 4, LINES], ids=str)
def test_any_given_smoothing_is_that_of_dense_algebra(smoothing):
    """Ridge regression by least squares, an infinite parameter by leaving the columns out.

    So exactly that pygam's own small penalty on all columns must not show.
    """
    table = small(np.random.default_rng(1), (2, 2))
    fit = fit_small(table, backend="pygam", smoothing=smoothing)
    penalties = np.append(np.repeat(smoothing, 4), np.zeros(8))
    kept = np.isfinite(penalties)
    W = fit.columns.toarray()[:, kept]
    y = table["y"].to_numpy()
    roots = np.diag(np.sqrt(penalties[kept]))
    to_coefficients = np.linalg.pinv(np.vstack([W, roots]))
    coefficients, inverse = to_coefficients[:, : len(y)] @ y, to_coefficients @ to_coefficients.T
    edf = np.trace(W @ inverse @ W.T)
    variance = np.sum((y - W @ coefficients) ** 2) / (len(y) - edf)
    np.testing.assert_allclose(fit.coefficients[kept], coefficients, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fit.coefficients[~kept], 0, atol=1e-9)
    np.testing.assert_allclose(fit.fitted, W @ coefficients, atol=1e-10)
    assert fit.residual_df == pytest.approx(len(y) - edf, rel=1e-9)
    assert fit.variance == pytest.approx(variance, rel=1e-9)
    np.testing.assert_allclose(fit.covariance[np.ix_(kept, kept)], variance * inverse, rtol=1e-6, atol=1e-12)
    assert fit.edf.sum() == pytest.approx(edf, rel=1e-9)


# --- with pygam's grid search


def test_the_grid_search_finds_the_least_cross_validation(fits):
    """One parameter of the grid for all smooths; each degree of freedom counts 1.4 times."""
    _, _, grid = fits
    W, y = grid.columns.toarray(), grid.y
    penalised = len(grid.penalised)
    unit = np.mean(W[:, :penalised] ** 2)
    scores = []
    for parameter in backends.GRID * unit:
        penalty = np.diag(np.append(np.full(penalised, parameter), np.zeros(W.shape[1] - penalised)))
        hat = W @ np.linalg.solve(W.T @ W + penalty, W.T)
        scores.append(len(y) * np.sum((y - hat @ y) ** 2) / (len(y) - 1.4 * np.trace(hat)) ** 2)
    best = int(np.argmin(scores))
    assert 0 < best < len(scores) - 1
    np.testing.assert_allclose(grid.smoothing, backends.GRID[best] * unit)
    assert grid.criterion == "grid"


def test_the_grid_search_is_near_to_reml_on_the_simulated_tables(oracle):
    """Measured: R2 within 0.0003, residual df within 37, F within 2 %, means within 0.0002."""
    _, reml, _, grid = oracle
    assert grid.r_squared == pytest.approx(reml.r_squared, abs=5e-4)
    assert grid.residual_df == pytest.approx(reml.residual_df, abs=45)
    np.testing.assert_allclose(grid.anova()["F"], reml.anova()["F"], rtol=0.025)
    for term in reml.terms:
        ours, theirs = (fit.marginal_means(list(term))["mean"] for fit in (reml, grid))
        np.testing.assert_allclose(theirs, ours, atol=5e-4)


def test_the_unit_of_the_response_changes_no_choice(fits):
    _, _, grid = fits
    table = composed().assign(y=lambda rows: 1e3 * rows["y"] - 50)
    factors = ["space", "transformation"]
    other = statistics.gam(table, "y", factors, "magnitude", factors[::-1], basis=6, backend="pygam")
    np.testing.assert_allclose(other.smoothing, grid.smoothing)
    np.testing.assert_allclose(other.fitted, 1e3 * grid.fitted - 50, rtol=1e-7)


def test_threads_do_not_show():
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(fit_small(small(np.random.default_rng(2), (2, 3)), backend="pygam"))
    np.testing.assert_array_equal(found[0].coefficients, found[1].coefficients)
    np.testing.assert_array_equal(found[0].covariance, found[1].covariance)


@pytest.mark.filterwarnings("error")
def test_an_exact_fit():
    """The factors explain all: nothing is left for the smooths and for the residual."""
    fit = fit_small(GOOD.assign(y=GOOD["space"].eq("s1") * 2.0), backend="pygam")
    assert fit.r_squared == pytest.approx(1, abs=1e-12)
    assert list(fit.marginal_means(["space"])["mean"]) == pytest.approx([0, 2], abs=1e-7)


def test_resampled_f_of_the_same_response_is_its_f(fits):
    _, _, grid = fits
    np.testing.assert_allclose(grid.resampled_f(grid.y[:, None]).iloc[0], grid.anova()["F"], rtol=1e-5)


# --- what cannot be done


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "mgcv"}, "the backend is one of reml, pygam, not 'mgcv'"),
        ({"smoothing": "grid"}, "'reml' chooses its smoothing by reml, not 'grid'"),
        ({"smoothing": [1.0] * 4}, 'give them to "pygam"'),
        ({"backend": "pygam", "smoothing": "gcv"}, "by grid or reml, not 'gcv'"),
        ({"backend": "pygam", "smoothing": [1.0] * 3}, "a positive number for each of the 4 smooths"),
        ({"backend": "pygam", "smoothing": [1.0, 1.0, 0.0, 1.0]}, "a positive number for each"),
        ({"backend": "pygam", "smoothing": [1.0, 1.0, np.nan, 1.0]}, "a positive number for each"),
    ],
)
def test_what_a_backend_cannot_do_is_said(changes, message):
    with pytest.raises(InputError, match=message):
        fit_small(GOOD, **changes)


def test_a_failure_of_pygam_is_said(monkeypatch):
    monkeypatch.setattr(backends.LinearGAM, "gridsearch", lambda *_, **__: None)
    with pytest.raises(InputError, match="could not fit 64 rows and 24 columns"):
        fit_small(GOOD, backend="pygam")


# --- the comparison


def test_the_comparison_says_how_far_they_are_apart(fits):
    reml, given, grid = fits
    table = backends.compare(reml).set_index(["smoothing", "quantity"])
    assert list(table.columns) == ["at", "reml", "pygam", "difference"]
    for criterion, other in {"reml": given, "grid": grid}.items():
        rows = table.loc[criterion]
        assert list(rows.index) == ["r_squared", "residual_df", "F", "mean"]
        for name in ("r_squared", "residual_df"):
            assert rows.loc[name, "reml"] == getattr(reml, name)
            assert rows.loc[name, "pygam"] == getattr(other, name)
            assert rows.loc[name, "difference"] == getattr(other, name) - getattr(reml, name)
        ours, theirs = (fit.anova().set_index("term")["F"] for fit in (reml, other))
        relative = theirs / ours - 1
        assert rows.loc["F", "at"] == relative.abs().idxmax()
        assert rows.loc["F", "difference"] == relative[relative.abs().idxmax()]
        assert rows.loc["F", ["reml", "pygam"]].tolist() == [
            fit[rows.loc["F", "at"]] for fit in (ours, theirs)
        ]
    largest = table.loc[("grid", "mean")]
    by_hand = [
        (abs(b - a), ":".join(row))
        for term in reml.terms
        for row, a, b in zip(
            reml.marginal_means(list(term))[list(term)].to_numpy(),
            reml.marginal_means(list(term))["mean"],
            grid.marginal_means(list(term))["mean"],
            strict=True,
        )
    ]
    assert (abs(largest["difference"]), largest["at"]) == max(by_hand)
    assert table.loc["reml", "difference"].abs().max() < 1e-4 < table.loc["grid", "difference"].abs().max()


def test_the_comparison_is_the_same_from_either_side(fits):
    reml, given, grid = fits
    pd.testing.assert_frame_equal(backends.compare(reml), backends.compare(grid), check_exact=True)
    # One that was given other parameters is neither of the two: both are fitted
    pd.testing.assert_frame_equal(backends.compare(reml), backends.compare(given), check_exact=True)


@pytest.fixture(scope="module")
def within():
    """Trials of two spaces, as the pipeline has them, on two transformations."""
    table = small(np.random.default_rng(3), (2, 2)).rename(columns={"y": "consistency"})
    return {"within_trials": table.assign(distance="cosine")}


def test_the_study_is_fitted_by_the_backend_that_is_asked_for(within):
    found = {name: analyses.additive_models(within, 6, 5, 0, name) for name in ("reml", "pygam")}
    pd.testing.assert_frame_equal(found["reml"]["backends"], found["pygam"]["backends"], check_exact=True)
    rows = found["reml"]["backends"].set_index(["smoothing", "quantity"])
    assert list(found["reml"]["backends"].columns) == ["model", *backends.COMPARED]
    largest = rows.loc[("grid", "F"), "at"]
    for name, tables in found.items():
        assert tables["fit"]["r_squared"].item() == rows.loc[("grid", "r_squared"), name]
        f = tables["anova"].set_index("term")["F"]
        assert f[largest] == rows.loc[("grid", "F"), name]
    assert rows.loc[("grid", "r_squared"), "difference"] != 0


def test_without_a_model_the_comparison_is_empty_and_has_its_columns(within):
    flat = {"within_trials": within["within_trials"].assign(consistency=1.0)}
    table = analyses.additive_models(flat, 6, 5, 0)["backends"]
    assert table.empty and list(table.columns) == ["model", *backends.COMPARED]


def test_a_refit_of_changed_rows_is_that_of_the_changed_table():
    table = small(np.random.default_rng(4), (2, 2))
    changed = table.assign(y=table["y"] ** 2)
    again = replace(fit_small(table), y=changed["y"].to_numpy()).refit("pygam")
    np.testing.assert_array_equal(again.fitted, fit_small(changed, backend="pygam").fitted)
