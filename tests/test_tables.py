import numpy as np
import pandas as pd
import pytest

from relatives import tables
from relatives.statistics import bootstrap

MAGNITUDES = {"OG": [0.0], "PS": [-1.0, 1.0]}
IDS = np.array(["a", "b", "c", "d"])


@pytest.fixture
def errors():
    """Two trials of one latent space and the audio space, at three places."""
    rng = np.random.default_rng(1)
    keys = [("audio", 0, "dtw"), ("AE", 0, "cosine"), ("AE", 1, "cosine")]
    return {key: rng.integers(2, size=(3, 4)).astype(np.int8) for key in keys}


def test_places_follow_the_grid():
    places = tables.places(MAGNITUDES)
    assert places.to_numpy().tolist() == [["OG", 0.0], ["PS", -1.0], ["PS", 1.0]]


def test_within_says_of_each_excerpt_what_its_error_is(errors):
    weights = bootstrap.weights(4, 200)
    result = tables.within(tables.places(MAGNITUDES), IDS, errors, weights, 0.95)
    table = result["within"].set_index(
        ["space", "trial", "distance", "transformation", "magnitude", "excerpt_id"]
    )
    assert table.index.is_unique
    assert len(table) == 3 * 3 * 4
    assert table["error"]["AE", 1, "cosine", "PS", 1.0, "c"] == errors["AE", 1, "cosine"][2, 2]
    assert table["error"]["audio", 0, "dtw", "PS", -1.0, "d"] == errors["audio", 0, "dtw"][1, 3]


def test_within_averages_over_excerpts_and_then_over_trials(errors):
    weights = bootstrap.weights(4, 200)
    result = tables.within(tables.places(MAGNITUDES), IDS, errors, weights, 0.95)
    trials = result["within_trials"].set_index(["space", "trial", "transformation", "magnitude"])[
        "consistency"
    ]
    curve = result["within_curves"].set_index(["space", "transformation", "magnitude"])
    first, second = (1 - errors["AE", trial, "cosine"][1].mean() for trial in (0, 1))
    assert trials["AE", 0, "PS", -1.0] == first
    assert curve["consistency"]["AE", "PS", -1.0] == pytest.approx((first + second) / 2)
    assert (curve["lower"] <= curve["consistency"]).all()
    assert (curve["consistency"] <= curve["upper"]).all()


def test_between_compares_with_the_audio_space(errors):
    weights = bootstrap.weights(4, 200)
    correlations = {("AE", trial, "dtw", "cosine"): np.array([0.1, 0.2, 0.3]) + trial for trial in (0, 1)}
    draws = {key: np.repeat(values[:, None], 200, axis=1) for key, values in correlations.items()}
    result = tables.between(tables.places(MAGNITUDES), errors, correlations, draws, weights, 0.95)
    trials = result["between"].set_index(["space", "trial", "transformation", "magnitude"])
    agreement = np.mean(errors["AE", 1, "cosine"][2] == errors["audio", 0, "dtw"][2])
    assert trials["agreement"]["AE", 1, "PS", 1.0] == agreement
    assert trials["correlation"]["AE", 1, "PS", 1.0] == pytest.approx(1.3)
    curves = result["between_curves"].set_index(["measure", "transformation", "magnitude"])
    assert curves["value"]["correlation", "PS", 1.0] == pytest.approx(0.8)
    assert curves["lower"]["correlation", "PS", 1.0] == pytest.approx(0.8)
    both = [np.mean(errors["AE", trial, "cosine"][2] == errors["audio", 0, "dtw"][2]) for trial in (0, 1)]
    assert curves["value"]["agreement", "PS", 1.0] == pytest.approx(np.mean(both))


def test_a_run_without_latent_spaces_has_empty_tables(errors):
    audio = {key: rows for key, rows in errors.items() if key[0] == "audio"}
    result = tables.between(tables.places(MAGNITUDES), audio, {}, {}, bootstrap.weights(4, 200), 0.95)
    assert len(result["between"]) == len(result["between_curves"]) == 0
    assert "correlation" in result["between"]


def test_performance_leaves_out_what_is_not_defined():
    rows = [
        ("VS", "VGG", trial, "OG", 0.0, excerpt, value)
        for trial, values in enumerate([[1.0, np.nan, 3.0], [3.0, np.nan, 5.0]])
        for excerpt, value in zip("abc", values, strict=True)
    ]
    columns = ["task", "encoder", "trial", "transformation", "magnitude", "excerpt_id", "performance"]
    result = tables.performance(pd.DataFrame(rows, columns=columns), 100, 0, 0.95)
    assert result["performance_trials"]["performance"].tolist() == [2.0, 4.0]
    curve = result["performance_curves"].iloc[0]
    assert curve["performance"] == 3.0
    assert 2.0 <= curve["lower"] <= 3.0 <= curve["upper"] <= 4.0
