"""The study's models on small tables of its shape."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from relatives import analyses, performance, study
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
    within, trials, between, performances = [], [], [], []
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
                    performances.append((task, encoder, name, magnitude, trial, value))
    place = ["transformation", "magnitude"]
    trials_of_performance = pd.DataFrame(
        performances, columns=["task", "encoder", *place, "trial", "performance"]
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
    table = performance.standardised(tables["performance_trials"])
    by_task = table.groupby("task")["performance"]
    np.testing.assert_allclose(by_task.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(by_task.std(), 1)
    # The error of AE has changed its sign: VGG, whose error is lower, is the better one in both tasks
    means = table.groupby(["task", "encoder"])["performance"].mean()
    assert means["AE", "VGG"] > means["AE", "MFCC"]
    assert means["AT", "VGG"] > means["AT", "MFCC"]
    assert "OG" not in set(table["transformation"])
    same = performance.standardised(tables["performance_trials"].assign(performance=1.0))
    assert (same["performance"] == 0).all()


def test_what_the_models_say_is_in_the_tables(found):
    fit = found["fit"].set_index("model")
    assert (fit["problem"] == "").all()
    assert fit.loc["performance", "factors"] == "task, encoder, transformation"
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


def test_the_lead_of_vgg_is_a_difference_of_differences(found):
    means = found["means"].query("model == 'performance' and term == 'task:encoder'")
    means = means.set_index(["task", "encoder"])["mean"]
    lead = found["differences"].set_index("term").loc[[study.LEAD]].iloc[0]
    assert (lead["first"], lead["second"]) == ("AE", "AT")
    expected = (means["AE", "VGG"] - means["AE", "MFCC"]) - (means["AT", "VGG"] - means["AT", "MFCC"])
    assert lead["difference"] == pytest.approx(expected)
    assert lead["lower"] < lead["difference"] < lead["upper"]


def test_resampled_responses_are_means_over_the_excerpts_of_a_draw(tables):
    models = analyses.models(tables)
    responses = dict(analyses.resampled(models, tables, draws=5, seed=3))
    assert list(responses) == ["performance", "within_euclidean", "within_cosine"]
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


def with_audio(tables):
    """The tables with the errors of the audio space, and draws of the correlation."""
    audio = tables["within"].query("space == 'AT' and trial == 0")
    audio = audio.assign(
        space="audio", distance=audio["distance"].map({"euclidean": "dtw", "cosine": "simple"})
    )
    rng = np.random.default_rng(5)
    drawn = tables["between"].query("trial == 0").drop(columns=["trial", "agreement", "correlation"])
    drawn = drawn.assign(draws=[rng.normal(0.5, 0.02, 6).astype(np.float32) for _ in range(len(drawn))])
    return tables | {
        "within": pd.concat([tables["within"], audio], ignore_index=True),
        "between_draws": drawn,
    }


def test_agreement_and_correlation_are_resampled(tables):
    run = with_audio(tables)
    models = analyses.models(run)
    responses = dict(analyses.resampled(models, run, draws=4, seed=3))
    assert set(responses) == set(models)
    cell = "trial == {} and space == 'AE' and transformation == 'PN' and magnitude == 9 and "
    within = run["within"]
    theirs = (
        within.query(cell.format(1) + "distance == 'cosine'").sort_values("excerpt_id")["error"].to_numpy()
    )
    audio = within.query("space == 'audio' and distance == 'dtw' and magnitude == 9").sort_values(
        "excerpt_id"
    )
    table = models["agreement_dtw_cosine"].table.reset_index(drop=True)
    row = table.query("trial == 1 and space == 'AE' and magnitude == 9").index[0]
    wanted = bootstrap.weights(40, 4, 3) @ (theirs == audio["error"].to_numpy())
    np.testing.assert_allclose(responses["agreement_dtw_cosine"][row], wanted)
    # The trials of a space keep their distances to each other: their mean is the draw
    model = models["correlation_simple_euclidean"].table.reset_index(drop=True)
    rows = model.query("space == 'AE' and magnitude == 9").index
    pair = (
        "audio_distance == 'simple' and latent_distance == 'euclidean' and space == 'AE' and magnitude == 9"
    )
    found = responses["correlation_simple_euclidean"][rows]
    assert found.shape == (3, 6)
    np.testing.assert_allclose(found.mean(axis=0), run["between_draws"].query(pair)["draws"].iloc[0])
    np.testing.assert_allclose(found[0] - found[1], np.diff(model.loc[rows[:2], "correlation"])[0] * -1)


def test_a_space_that_the_study_has_not_is_fitted_apart(tables):
    """The study's F and n are held against a model of its own spaces."""
    trials = tables["within_trials"]
    extra = trials.query("space == 'AE'").assign(
        space="untrained", consistency=lambda t: t["consistency"] * 0.7
    )
    found = analyses.additive_models(
        {"within_trials": pd.concat([trials, extra], ignore_index=True)}, 8, 10, 0
    )
    alone = analyses.additive_models({"within_trials": trials}, 8, 10, 0)
    fit = found["fit"].set_index("model")
    assert (fit.loc["within_cosine", "n"], fit.loc["study_within_cosine", "n"]) == (10 * 11, 7 * 11)
    key = ["model", "term", "F"]
    own = found["anova"][found["anova"]["model"].str.startswith("study_")][key]
    pd.testing.assert_frame_equal(
        own.assign(model=own["model"].str.removeprefix("study_")).reset_index(drop=True), alone["anova"][key]
    )
    assert "untrained" in set(found["means"].query("model == 'within_cosine'")["space"])
    pairs = found["differences"].query("model == 'study_within_cosine'")
    assert set(pairs["term"]) == {"space"} and "untrained" not in {*pairs["first"], *pairs["second"]}


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


def consistency(tables, distance):
    """Of every excerpt in every network, over the magnitudes of the transformations."""
    rows = tables["within"].query("distance == @distance and transformation != 'OG'").drop(columns="distance")
    return 1 - analyses.by_excerpt(analyses.side_by_side(rows, "error"))


def test_consistency_by_excerpt_weights_transformations_alike(tables):
    table = consistency(tables, "cosine")
    assert table.shape == (7, 40)
    one = (
        tables["within"]
        .query("distance == 'cosine' and space == 'AT' and trial == 1 and excerpt_id == 'excerpt 3'")
        .query("transformation != 'OG'")
    )
    expected = 1 - one.groupby("transformation")["error"].mean().mean()
    assert table.loc[("AT", 1), "excerpt 3"] == pytest.approx(expected)


@pytest.fixture(scope="module")
def mixed(tables):
    return analyses.mixed_models({"within": tables["within"]})


def test_mixed_models(tables, mixed):
    for table in mixed.values():
        assert set(table["model"]) == {"within_euclidean", "within_cosine"}
    assert mixed["mixed_fit"]["converged"].all()
    assert (mixed["mixed_fit"][["n", "excerpts", "networks"]] == [280, 40, 7]).all(axis=None)
    means = mixed["mixed_means"].query("model == 'within_cosine'").set_index("space")
    raw = consistency(tables, "cosine").mean(axis=1).groupby("space").mean()
    np.testing.assert_allclose(means.loc[raw.index, "mean"], raw, atol=1e-3)
    assert means.loc["mfcc", "se"] > means.loc["AT", "se"]
    components = {"excerpt", "excerpt in space", "trial", "residual"}
    assert set(mixed["mixed_variances"]["component"]) == components
    differences = mixed["mixed_differences"].query("model == 'within_euclidean'")
    assert list(differences["first"] + differences["second"]) == ["AEAT", "AEmfcc", "ATmfcc"]
    assert (differences["difference"] < 0).all()
    alone = 2 * scipy.stats.t.sf(differences["t"].abs(), differences["df"])
    np.testing.assert_allclose(np.sort(differences["p"])[0], 3 * alone.min())  # Holm's, of three pairs


def test_what_is_hard_in_one_space_alone_widens_the_interval():
    """The trials of a space share its hard excerpts: they are no independent samples of these."""
    rng = np.random.default_rng(2)
    networks = pd.MultiIndex.from_product([["AE", "AT"], range(5)], names=["space", "trial"])
    hard = {space: rng.normal(0, 0.2, 60) for space in ("AE", "AT")}
    values = [hard[space] + rng.normal(0, 0.01) + rng.normal(0, 0.05, 60) for space, _ in networks]
    found = analyses._by_excerpt_mixed(pd.DataFrame(values, networks))["mixed_differences"].iloc[0]
    # The error of a difference of two means over 60 excerpts, whatever the number of trials
    assert found["se"] == pytest.approx(0.2 * np.sqrt(2 / 60), rel=0.25)


def with_untrained(tables, spread):
    """The tables with three untrained networks, whose errors and correlations are `spread` apart."""
    rows = {}
    for name in ("within", "between"):
        table = tables[name]
        copies = []
        for trial, shift in enumerate((-spread, 0, spread)):
            copy = table[(table["space"] == "AE") & (table["trial"] == 0)].assign(
                space="untrained", trial=trial
            )
            if name == "between":
                copy["correlation"] += shift
            else:
                chance = np.random.default_rng(trial).random(len(copy))
                copy["error"] = (chance < 0.5 + shift).astype(int)
            copies.append(copy)
        rows[name] = pd.concat([table, *copies], ignore_index=True)
    return rows


@pytest.mark.parametrize("model", ["within_euclidean", "correlation_dtw_cosine"])
def test_untrained_networks_have_a_variance_of_their_own(tables, model):
    def of_model(table):
        return table[table["model"] == model]

    def widths(found):
        rows = of_model(found["mixed_differences"]).set_index(["first", "second"])
        return rows["upper"] - rows["lower"]

    near, far = (analyses.mixed_models(with_untrained(tables, spread)) for spread in (0.01, 0.3))
    pair = ("AE", "AT")
    # How far apart untrained networks are says nothing of trained ones
    assert widths(far)[pair] == pytest.approx(widths(near)[pair], rel=0.05)
    assert widths(far)["AE", "untrained"] > 2 * widths(near)["AE", "untrained"]
    variances = of_model(far["mixed_variances"]).set_index("component")["variance"]
    assert variances["untrained trial"] == pytest.approx(0.3**2, rel=0.3)
    assert variances["trial"] < 0.01
    # With one of them only, nothing is known of others: all networks share one variance
    rows = {
        name: table.query("space != 'untrained' or trial == 0")
        for name, table in with_untrained(tables, 0.3).items()
    }
    components = of_model(analyses.mixed_models(rows)["mixed_variances"])["component"]
    assert "untrained trial" not in set(components)


def test_many_excerpts_are_averaged_to_a_hundred():
    rng = np.random.default_rng(3)
    networks = pd.MultiIndex.from_product([["AE", "AT"], range(3)], names=["space", "trial"])
    ease = rng.normal(0, 0.2, 300)
    values = pd.DataFrame(ease + rng.normal(0, 0.1, (6, 300)) + rng.normal(0, 0.05, (6, 1)), networks)
    found = analyses._by_excerpt_mixed(values)
    assert (found["mixed_fit"][["n", "excerpts", "networks"]] == [600, 300, 6]).all(axis=None)
    assert "mean of 3 neighbouring ones" in found["mixed_fit"]["note"].iloc[0]
    means = found["mixed_means"].set_index("space")["mean"]
    np.testing.assert_allclose(means, values.mean(axis=1).groupby("space").mean())


def test_agreement_is_by_excerpt_of_both_spaces(tables):
    run = with_audio(tables)
    found = analyses.mixed_models({"within": run["within"]})
    assert "agreement_simple_cosine" in set(found["mixed_fit"]["model"])
    within = run["within"].query("transformation != 'OG'")
    place = ["transformation", "magnitude", "excerpt_id"]
    audio = within.query("space == 'audio' and distance == 'simple'").set_index(place)["error"]
    for space, rows in within.query("space != 'audio' and distance == 'cosine'").groupby("space"):
        own = rows.set_index([*place, "trial"])["error"].unstack("trial")
        alike = own.eq(audio.loc[own.index], axis=0).mean(axis=1)
        wanted = alike.groupby("transformation").mean().mean()
        means = found["mixed_means"].query("model == 'agreement_simple_cosine'").set_index("space")["mean"]
        assert means[space] == pytest.approx(wanted, abs=1e-6)


def test_the_correlation_of_all_pairs_is_over_networks_and_draws(tables):
    run = with_audio(tables)
    # The networks of a space differ, or their variance is at its boundary
    run["between"] = run["between"].assign(
        correlation=run["between"]["correlation"] + 0.06 * (run["between"]["trial"] - 1)
    )
    name = "correlation_dtw_cosine"
    found = analyses.mixed_models({"between": run["between"], "between_draws": run["between_draws"]})
    alone = analyses.mixed_models({"between": run["between"]})
    rows = run["between"].query("audio_distance == 'dtw' and latent_distance == 'cosine'")
    rows = rows.query("transformation != 'OG'")
    network = rows.groupby(["space", "trial", "transformation"])["correlation"].mean()
    network = network.groupby(["space", "trial"]).mean()
    differences = {}
    for key, result in (("both", found), ("networks", alone)):
        of_model = result["mixed_differences"]
        of_model = of_model[of_model["model"] == name].set_index(["first", "second"])
        differences[key] = of_model.loc[("AE", "AT")]
    wanted = network["AE"].mean() - network["AT"].mean()
    assert differences["both"]["difference"] == pytest.approx(wanted)
    # Of networks: the variance between the trials of a space, pooled; MFCC has one and tells nothing of it
    pooled = np.mean([network[space].var(ddof=1) for space in ("AE", "AT")])
    variances = alone["mixed_variances"].query("model == @name").set_index("component")["variance"]
    assert variances["trial"] > 0
    assert differences["networks"]["se"] == pytest.approx(np.sqrt(pooled * 2 / 3), rel=1e-3)
    assert differences["networks"]["df"] == pytest.approx(4, rel=0.05)
    draws = analyses.correlation_draws(run["between_draws"].query("transformation != 'OG'"), "dtw", "cosine")
    draws = draws.groupby(level=["space", "transformation"]).mean().groupby(level="space").mean()
    extra = (draws.loc["AE"] - draws.loc["AT"]).var(ddof=1)
    both = differences["both"]["se"] ** 2 - differences["networks"]["se"] ** 2
    assert both == pytest.approx(extra) and extra > 0
    assert differences["both"]["df"] > differences["networks"]["df"]
    lead = found["mixed_means"].set_index(["model", "space"])["mean"]["correlation_dtw_euclidean_less_cosine"]
    means = found["mixed_means"].set_index(["model", "space"])["mean"]
    for space in SPACES:
        wanted = means["correlation_dtw_euclidean", space] - means[name, space]
        assert lead[space] == pytest.approx(wanted)


def test_eq_11_read_per_excerpt_is_modelled_by_excerpt(tables):
    rows = tables["within"].query("distance == 'cosine'").drop(columns="distance")
    rows = rows.assign(audio_distance="dtw", latent_distance="cosine", correlation=1.0 - rows["error"])
    words = ["space", "audio_distance", "latent_distance", "transformation", "excerpt_id"]
    rows = rows.drop(columns="error").astype(dict.fromkeys(words, "category"))  # as the table has them
    found = analyses.mixed_models({"correlation_rows": rows})
    assert set(found["mixed_fit"]["model"]) == {"correlation_by_excerpt_dtw_cosine"}
    wanted = consistency(tables, "cosine").mean(axis=1).groupby("space").mean()
    means = found["mixed_means"].set_index("space")["mean"]
    np.testing.assert_allclose(means.loc[wanted.index], wanted, atol=1e-6)
    assert found["mixed_variances"]["lower"].isna().all()


def test_one_trial_each_leaves_the_excerpt_random(tables):
    one = {name: tables[name].query("trial == 0") for name in ("within", "between")}
    found = analyses.mixed_models(one)
    assert found["mixed_fit"]["note"].str.contains("no space has more than one trial").all()
    assert set(found["mixed_variances"]["component"]) == {"excerpt", "residual"}
    pooled = found["mixed_fit"][found["mixed_fit"]["model"].str.startswith("correlation")]
    assert len(pooled) == 6 and not pooled["converged"].any()


def test_one_space_alone_has_nothing_to_compare(tables):
    found = analyses.mixed_models({"within": tables["within"].query("space == 'mfcc'")})
    assert found["mixed_means"].empty
    assert list(found["mixed_differences"].columns)[:3] == ["model", "first", "second"]
    assert not found["mixed_fit"]["converged"].any()
