import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatives import tables
from relatives.consistency import Compared
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


@pytest.fixture
def compared(errors):
    """Correlations of the two trials, made up so that each number says where it comes from."""
    keys = [("AE", trial, "dtw", "cosine") for trial in (0, 1)]
    correlations = {key: np.array([0.1, 0.2, 0.3]) + key[1] for key in keys}
    spread = np.linspace(-0.1, 0.1, 201)
    draws = {key: np.float32(values[:, None] + spread) for key, values in correlations.items()}
    by_row = {key: np.arange(12, dtype=np.float32).reshape(3, 4) / 100 + key[1] for key in keys}
    by_row["AE", 1, "dtw", "cosine"][2, 0] = np.nan
    row_draws = {key: np.float32(rows[:, 1:2] + spread / 2) for key, rows in by_row.items()}
    return Compared(errors, correlations, draws, by_row, row_draws)


def between(compared):
    return tables.between(tables.places(MAGNITUDES), IDS, compared, bootstrap.weights(4, 201), 0.9)


def test_between_compares_with_the_audio_space(errors, compared):
    result = between(compared)
    trials = result["between"].set_index(["space", "trial", "transformation", "magnitude"])
    agreement = np.mean(errors["AE", 1, "cosine"][2] == errors["audio", 0, "dtw"][2])
    assert trials["agreement"]["AE", 1, "PS", 1.0] == agreement
    assert trials["correlation"]["AE", 1, "PS", 1.0] == pytest.approx(1.3)
    assert trials["correlation_by_excerpt"]["AE", 0, "PS", 1.0] == pytest.approx((8 + 9 + 10 + 11) / 400)
    # an excerpt without a correlation is left out
    assert trials["correlation_by_excerpt"]["AE", 1, "PS", 1.0] == pytest.approx(1 + (9 + 10 + 11) / 300)
    curves = result["between_curves"].set_index(["measure", "transformation", "magnitude"])
    assert curves.loc[("correlation", "PS", 1.0), ["value", "lower", "upper"]].tolist() == pytest.approx(
        [0.8, 0.71, 0.89]
    )
    both = [np.mean(errors["AE", trial, "cosine"][2] == errors["audio", 0, "dtw"][2]) for trial in (0, 1)]
    assert curves["value"]["agreement", "PS", 1.0] == pytest.approx(np.mean(both))
    of_rows = curves.loc[("correlation_by_excerpt", "PS", -1.0)]
    assert of_rows["value"] == pytest.approx(0.5 + (4 + 5 + 6 + 7) / 400)
    assert [of_rows["lower"], of_rows["upper"]] == pytest.approx([0.55 - 0.045, 0.55 + 0.045])
    assert len(curves) == 3 * 3


def test_between_keeps_the_draws_over_trials(compared, tmp_path):
    table = between(compared)["between_draws"]
    assert table.columns.tolist() == [
        "space", "audio_distance", "latent_distance", "transformation", "magnitude", "draws",
    ]  # fmt: skip
    assert len(table) == 3
    table.to_parquet(tmp_path / "draws.parquet", index=False)
    assert pq.read_schema(tmp_path / "draws.parquet").field("draws").type == pa.list_(pa.float32())
    draws = np.stack(pd.read_parquet(tmp_path / "draws.parquet")["draws"])
    assert draws.shape == (3, 201)
    np.testing.assert_allclose(draws[2], 0.8 + np.linspace(-0.1, 0.1, 201), atol=1e-6)


def test_between_keeps_the_correlation_of_each_excerpt(compared, tmp_path):
    made = between(compared)["correlation_rows"]
    made.to_parquet(tmp_path / "rows.parquet", index=False)
    for table in (made, pd.read_parquet(tmp_path / "rows.parquet")):
        assert table["correlation"].dtype == np.float32
        assert isinstance(table["space"].dtype, pd.CategoricalDtype)
        keys = [
            "space",
            "trial",
            "audio_distance",
            "latent_distance",
            "transformation",
            "magnitude",
            "excerpt_id",
        ]
        assert table.columns.tolist() == [*keys, "correlation"]
        assert len(table) == 2 * 3 * 4
        rows = table.set_index(keys)["correlation"]
        assert rows.index.is_unique
        assert rows["AE", 1, "dtw", "cosine", "PS", -1.0, "c"] == np.float32(1.06)
        assert np.isnan(rows["AE", 1, "dtw", "cosine", "PS", 1.0, "a"])


def test_a_run_without_latent_spaces_has_empty_tables(errors):
    audio = {key: rows for key, rows in errors.items() if key[0] == "audio"}
    result = between(Compared(audio, {}, {}, {}, {}))
    assert [len(table) for table in result.values()] == [0] * 4
    assert "correlation" in result["between"]
    assert "correlation" in result["correlation_rows"]


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
