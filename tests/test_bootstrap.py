import numpy as np
import pytest
import scipy.stats
from threadpoolctl import threadpool_limits

from relatives.statistics import bootstrap


def test_weights_are_shares_of_a_resample():
    weights = bootstrap.weights(30, draws=200, seed=1)
    assert weights.shape == (200, 30)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    counts = weights * 30
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-12)
    # Counts of a resample are multinomial: mean 1, variance 1 - 1/n.
    assert counts.mean() == pytest.approx(1)
    assert counts.var() == pytest.approx(1 - 1 / 30, rel=0.1)


def test_weights_belong_to_their_seed():
    np.testing.assert_array_equal(bootstrap.weights(9, 5, seed=1), bootstrap.weights(9, 5, seed=1))
    assert (bootstrap.weights(9, 5, seed=1) != bootstrap.weights(9, 5, seed=2)).any()
    assert bootstrap.weights(9).shape == (1000, 9)


def test_means_are_those_of_the_resamples():
    values = np.random.default_rng(0).normal(size=(3, 2, 12))
    weights = bootstrap.weights(12, draws=7)
    means = bootstrap.means(values, weights)
    assert means.shape == (3, 2, 7)
    for draw, row in enumerate(weights):
        rows = np.repeat(np.arange(12), np.rint(row * 12).astype(int))
        np.testing.assert_allclose(means[..., draw], values[..., rows].mean(axis=-1), rtol=1e-12)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_is_scipys_percentile_interval(level):
    values = np.random.default_rng(0).normal(3, 2, size=80)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20000, method="percentile", confidence_level=level, rng=1
    ).confidence_interval
    interval = bootstrap.interval(values, bootstrap.weights(80, 20000, seed=1), level)
    np.testing.assert_allclose(interval, expected, atol=0.02 * (expected.high - expected.low))


def test_interval_covers_the_mean_as_often_as_it_says():
    """2,000 experiments of 40 normal values: a percentile interval covers a little less than its level."""
    values = np.random.default_rng(0).normal(5, 1, size=(2000, 40))
    lower, upper = bootstrap.interval(values, bootstrap.weights(40))
    coverage = np.mean((lower <= 5) & (upper >= 5))
    assert 0.91 < coverage < 0.96


def test_threads_do_not_show():
    values = np.random.default_rng(0).random((94, 100))
    weights = bootstrap.weights(100)
    with threadpool_limits(1):
        alone = bootstrap.interval(values, weights)
    with threadpool_limits(2):
        together = bootstrap.interval(values, weights)
    np.testing.assert_array_equal(alone, together)


def test_mean_leaves_out_what_is_missing():
    values = [[1.0, np.nan, 4.0], [np.nan] * 3, [1, 2, 3]]
    np.testing.assert_array_equal(bootstrap.mean(values), [2.5, np.nan, 2.0])


def test_excerpts_without_a_value_leave_the_mean():
    rng = np.random.default_rng(0)
    values = rng.normal(size=50)
    values[::5] = np.nan
    weights = bootstrap.weights(50, 400)
    counts = np.rint(weights * 50).astype(int)
    expected = [np.nanmean(np.repeat(values, row)) for row in counts]
    np.testing.assert_allclose(bootstrap.means(values, weights), expected, rtol=1e-12)
    np.testing.assert_allclose(bootstrap.interval(values, weights), np.quantile(expected, [0.025, 0.975]))


def test_a_curve_without_any_value_has_no_interval():
    values = np.stack([np.arange(4.0), np.full(4, np.nan), [1, np.nan, np.nan, np.nan]])
    lower, upper = bootstrap.interval(values, bootstrap.weights(4))
    np.testing.assert_array_equal(np.isnan(lower), [False, True, False])
    assert lower[2] == upper[2] == 1  # draws without the one value have no mean and do not count
    assert lower[0] < 1.5 < upper[0]
    assert np.isnan(bootstrap.interval(np.full(4, np.nan), bootstrap.weights(4))).all()


def test_constant_values_have_an_interval_of_no_width():
    np.testing.assert_allclose(bootstrap.interval(np.full(10, 0.7), bootstrap.weights(10)), 0.7, rtol=1e-12)


def test_wrong_input():
    with pytest.raises(ValueError, match="at least one excerpt and one draw, not 0 and 1000"):
        bootstrap.weights(0)
    with pytest.raises(ValueError, match="must share n"):
        bootstrap.interval(np.ones((2, 5)), bootstrap.weights(4))
    with pytest.raises(ValueError, match="between 0 and 1, not at 95"):
        bootstrap.interval(np.ones(4), bootstrap.weights(4), level=95)


def test_a_curve_averages_trials_before_excerpts_are_drawn():
    values = np.random.default_rng(4).random((3, 2, 30))
    drawn = bootstrap.weights(30, 500)
    value, lower, upper = bootstrap.curve(values, drawn)
    np.testing.assert_allclose(value, values.mean(axis=(0, 2)))
    np.testing.assert_allclose((lower, upper), bootstrap.interval(values.mean(axis=0), drawn))


def test_a_curve_leaves_out_what_no_trial_has():
    values = np.array([[[1.0, np.nan, np.nan]], [[3.0, np.nan, 4.0]]])
    value, lower, upper = bootstrap.curve(values, bootstrap.weights(3, 500))
    assert value[0] == 3.0  # the mean of 2 and 4
    assert 2.0 <= lower[0] <= upper[0] <= 4.0


def test_a_curve_of_ones_is_one_and_of_nothing_is_nothing():
    values = np.stack([np.ones(100), np.full(100, np.nan)])[None]
    value, lower, upper = bootstrap.curve(values, bootstrap.weights(100, 50))
    assert value[0] == 1
    assert np.isnan([value[1], lower[1], upper[1]]).all()
