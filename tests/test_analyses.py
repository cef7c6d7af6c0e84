"""The study's models on small tables of its shape."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from relatives import analyses
from relatives.statistics import bootstrap

GRID = {
    "OG": [0.0],
    "PS": [-12.0, -6.0, -1.0, 1.0, 6.0, 12.0],
    "PN": [-15.0, 0.0, 9.0, 18.0, 30.0],
}
SPACES = {"mfcc": 1, "AT": 3, "AE": 3}
LEVELS = {"mfcc": 0.8, "AT": 0.6, "AE": 0.2}
PLACES = [(name, magnitude) for name, values in GRID.items() for magnitude in values]


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    within, trials, between, performance = [], [], [], []
    for space, count in SPACES.items():
        for trial in range(count):
            network = rng.normal(0, 0.02)
            ease = np.random.default_rng(1).normal(0, 0.1, 40)  # of the excerpts, the same in every space
            for name, magnitude in PLACES:
                fall = 0.1 * abs(magnitude) / 30
                for distance in ("euclidean", "cosine"):
                    chance = np.clip(LEVELS[space] + network + ease - fall, 0, 1)
                    errors = (rng.random(40) > chance).astype(int)
                    key = (space, trial, distance, name, magnitude)
                    within += [(*key, f"excerpt {i}", error) for i, error in enumerate(errors)]
                    trials.append((*key, 1 - errors.mean()))
                    for audio in ("dtw", "simple"):
                        pair = (space, trial, audio, distance, name, magnitude)
                        between.append((*pair, *np.clip(LEVELS[space] + rng.normal(0, 0.05, 2), 0, 1)))
    for task, scale in {"AE": -2.0, "AT": 0.1}.items():
        for encoder, skill in {"VGG": 1.0, "MFCC": -1.0}.items():
            for trial in range(2):
                for name, magnitude in PLACES:
                    value = 5 + scale * (skill - abs(magnitude) / 15 + rng.normal(0, 0.1))
                    performance.append((task, encoder, name, magnitude, trial, value))
    place = ["transformation", "magnitude"]
    trials_of_performance = pd.DataFrame(
        performance, columns=["task", "encoder", *place, "trial", "performance"]
    )
    return {
        "within": pd.DataFrame(within, columns=["space", "trial", "distance", *place, "excerpt_id", "error"]),
        "within_trials": pd.DataFrame(trials, columns=["space", "trial", "distance", *place, "consistency"]),
        "between": pd.DataFrame(
            between,
            columns=[
                "space",
                "trial",
                "audio_distance",
                "latent_distance",
                *place,
                "agreement",
                "correlation",
            ],
        ),
        "performance_trials": trials_of_performance,
        "performance": trials_of_performance.assign(excerpt_id="one"),
    }


@pytest.fixture(scope="module")
def found(tables):
    return analyses.additive_models(tables, basis=8, draws=40, seed=0)


def test_the_models_of_the_study(tables):
    models = analyses.models(tables)
    assert len(models) == 11
    assert list(models)[:3] == ["performance", "within_euclidean", "within_cosine"]
    assert models["correlation_simple_cosine"].table["audio_distance"].unique() == ["simple"]
    assert models["within_cosine"].table["distance"].unique() == ["cosine"]
    for model in models.values():
        assert "OG" not in set(model.table["transformation"])
    audio = tables["within_trials"].assign(space="audio")
    with_audio = analyses.models({"within_trials": pd.concat([tables["within_trials"], audio])})
    assert set(with_audio) == {"within_euclidean", "within_cosine"}
    assert "audio" not in set(with_audio["within_cosine"].table["space"])


def test_a_run_has_the_models_of_its_tables(tables):
    assert analyses.models({}) == {}
    assert list(analyses.models({"performance_trials": tables["performance_trials"]})) == ["performance"]


def test_performance_is_standardised_within_its_task(tables):
    table = analyses.standardised(tables["performance_trials"])
    by_task = table.groupby("task")["performance"]
    np.testing.assert_allclose(by_task.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(by_task.std(), 1)
    # The error of AE has changed its sign: VGG, whose error is lower, is the better one in both tasks
    means = table.groupby(["task", "encoder"])["performance"].mean()
    assert means["AE", "VGG"] > means["AE", "MFCC"]
    assert means["AT", "VGG"] > means["AT", "MFCC"]
    assert "OG" not in set(table["transformation"])
    same = analyses.standardised(tables["performance_trials"].assign(performance=1.0))
    assert (same["performance"] == 0).all()


def test_what_the_models_say_is_in_the_tables(found):
    fit = found["fit"].set_index("model")
    assert (fit["problem"] == "").all()
    assert fit.loc["performance", "factors"] == "task + encoder + transformation"
    assert fit.loc["within_cosine", "n"] == 7 * 11
    assert fit["r_squared"].between(0, 1).all()
    np.testing.assert_allclose(fit["edf"] + fit["residual_df"], fit["n"])
    means = found["means"].query("model == 'within_euclidean' and term == 'space'").set_index("space")["mean"]
    assert means["mfcc"] > means["AT"] > means["AE"]
    assert means["mfcc"] == pytest.approx(0.8 - 0.04, abs=0.06)
    differences = found["differences"].query("model == 'within_euclidean' and term == 'space'")
    assert set(zip(differences["first"], differences["second"], strict=True)) == {
        ("AE", "AT"),
        ("AE", "mfcc"),
        ("AT", "mfcc"),
    }
    assert set(found["means"].query("model == 'performance'")["term"]) == {
        "task", "encoder", "transformation", "task:encoder", "task:transformation", "encoder:transformation"
    }  # fmt: skip
    smooths = found["smooths"].query("model == 'performance'")
    assert "PS:AE:VGG" in set(smooths["cell"]) and len(smooths) == 8
    # As many functions as the transformation with the fewest magnitudes has of these, one of them the level
    assert (smooths["basis"] == 4).all()
    assert len(found["residuals"]) == fit["n"].sum()


def test_the_gap_is_a_difference_of_differences(found):
    means = found["means"].query("model == 'performance' and term == 'task:encoder'")
    means = means.set_index(["task", "encoder"])["mean"]
    gap = found["differences"].query("term == 'gap'").iloc[0]
    assert (gap["first"], gap["second"]) == ("AE", "AT")
    expected = (means["AE", "VGG"] - means["AE", "MFCC"]) - (means["AT", "VGG"] - means["AT", "MFCC"])
    assert gap["difference"] == pytest.approx(expected)
    assert gap["lower"] < gap["difference"] < gap["upper"]


def test_resampled_responses_are_means_over_the_excerpts_of_a_draw(tables):
    models = analyses.models(tables)
    responses = analyses.resampled(models, tables, draws=5, seed=3)
    assert list(responses) == ["within_euclidean", "within_cosine", "performance"]
    weights = bootstrap.weights(40, 5, 3)
    table = models["within_cosine"].table.reset_index(drop=True)
    row = table[(table["space"] == "AT") & (table["trial"] == 2) & (table["magnitude"] == -6)].index[0]
    own = tables["within"].query("distance == 'cosine' and space == 'AT' and trial == 2 and magnitude == -6")
    by_excerpt = own.sort_values("excerpt_id")["error"].to_numpy()
    np.testing.assert_allclose(responses["within_cosine"][row], 1 - weights @ by_excerpt)
    # One excerpt alone is drawn again and again: the model's own response
    np.testing.assert_allclose(
        responses["performance"], np.repeat(models["performance"].table[["performance"]], 5, axis=1)
    )


def test_resampled_f_is_there_for_models_of_means_over_excerpts(found):
    table = found["resampled_f"]
    assert set(table["model"]) == {"performance", "within_euclidean", "within_cosine"}
    assert table.groupby(["model", "term"]).size().eq(40).all()
    assert list(table.columns) == ["model", "draw", "term", "F"]
    of_space = table.query("model == 'within_cosine' and term == 'space'")["F"]
    estimate = found["anova"].query("model == 'within_cosine' and term == 'space'")["F"].iloc[0]
    assert of_space.nunique() == 40
    assert estimate / 4 < of_space.median() < estimate * 4


def test_a_model_that_cannot_be_fitted_is_named_and_the_others_stand(tables):
    constant = tables["within_trials"].assign(
        consistency=tables["within_trials"]["consistency"].where(
            tables["within_trials"]["distance"] == "cosine", 1.0
        )
    )
    found = analyses.additive_models({"within_trials": constant}, 8, 10, 0)
    fit = found["fit"].set_index("model")
    assert "in every row" in fit.loc["within_euclidean", "problem"]
    assert fit.loc["within_cosine", "problem"] == ""
    assert set(found["anova"]["model"]) == {"within_cosine"}


def test_a_factor_of_one_level_is_left_out(tables):
    one = tables["within_trials"].query("transformation == 'PS'")
    found = analyses.additive_models({"within_trials": one}, 8, 10, 0)
    assert set(found["fit"]["factors"]) == {"space"}
    assert set(found["anova"]["term"]) == {"space"}
    assert found["smooths"]["cell"].iloc[0] in SPACES


def test_two_magnitudes_are_too_few(tables):
    few = tables["within_trials"].query("magnitude in (-12, 12, -15, 30)")
    found = analyses.additive_models({"within_trials": few}, 8, 10, 0)
    assert found["fit"]["problem"].str.contains("has 2 magnitudes .* needs 3").all()
    assert all(table.empty for name, table in found.items() if name != "fit")
    assert list(found["anova"].columns) == ["model", "term", "df1", "df2", "F", "p"]


def test_consistency_by_excerpt_weights_transformations_alike(tables):
    table = analyses.by_excerpt(tables["within"].query("distance == 'cosine'"))
    assert len(table) == 7 * 40
    one = (
        tables["within"]
        .query("distance == 'cosine' and space == 'AT' and trial == 1 and excerpt_id == 'excerpt 3'")
        .query("transformation != 'OG'")
    )
    expected = 1 - one.groupby("transformation")["error"].mean().mean()
    row = table.query("space == 'AT' and trial == 1 and excerpt_id == 'excerpt 3'").iloc[0]
    assert row["consistency"] == pytest.approx(expected)
    assert row["network"] == "AT 1"


def test_mixed_models(tables):
    found = analyses.mixed_models(tables["within"])
    for table in found.values():
        assert set(table["distance"]) == {"euclidean", "cosine"}
    assert found["mixed_fit"]["converged"].all()
    assert (found["mixed_fit"][["n", "excerpts", "networks"]] == [280, 40, 7]).all(axis=None)
    means = found["mixed_means"].query("distance == 'cosine'").set_index("space")
    raw = (
        analyses.by_excerpt(tables["within"].query("distance == 'cosine'"))
        .groupby("space")["consistency"]
        .mean()
    )
    np.testing.assert_allclose(means.loc[raw.index, "mean"], raw, atol=1e-3)
    assert means.loc["mfcc", "se"] > means.loc["AT", "se"]
    assert set(found["mixed_variances"]["component"]) == {"excerpt", "trial", "residual"}
    differences = found["mixed_differences"].query("distance == 'euclidean'")
    assert list(differences["first"] + differences["second"]) == ["AEAT", "AEmfcc", "ATmfcc"]
    assert (differences["difference"] < 0).all()
    alone = 2 * scipy.stats.t.sf(differences["t"].abs(), differences["df"])
    np.testing.assert_allclose(np.sort(differences["p"])[0], 3 * alone.min())  # Holm's, of three pairs


def test_one_trial_each_leaves_the_excerpt_random(tables):
    found = analyses.mixed_models(tables["within"].query("trial == 0"))
    assert found["mixed_fit"]["note"].str.contains("no space has more than one trial").all()
    assert set(found["mixed_variances"]["component"]) == {"excerpt", "residual"}


def test_one_space_alone_has_nothing_to_compare(tables):
    found = analyses.mixed_models(tables["within"].query("space == 'mfcc'"))
    assert found["mixed_means"].empty
    assert list(found["mixed_differences"].columns)[:3] == ["distance", "first", "second"]
    assert not found["mixed_fit"]["converged"].any()
