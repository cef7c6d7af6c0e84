"""How far a network is ahead of what it is compared with, against the bootstrap written out."""

import numpy as np
import pytest

from relatives.performance import lead
from relatives.statistics import bootstrap


@pytest.mark.parametrize(("task", "sign"), [("AT", 1), ("AE", -1)])
def test_the_lead_is_the_paired_difference_with_its_interval(task, sign):
    rng = np.random.default_rng(0)
    ease = rng.normal(0, 5, 40)  # shared by both: a difference of means alone would be lost in it
    own, other = ease + rng.normal(0.3, 0.2, 40), ease + rng.normal(0, 0.2, 40)
    weights = bootstrap.weights(40, 500, seed=1)
    mean, lower, upper = lead(own, other, task, weights, 0.9)
    draws = [sign * np.sum(row * (own - other)) for row in weights]
    assert mean == pytest.approx(sign * np.mean(own - other))
    assert (lower, upper) == pytest.approx(tuple(np.quantile(draws, [0.05, 0.95])))
    assert (lower > 0) if sign > 0 else (upper < 0)


def test_excerpts_without_a_performance_are_left_out():
    weights = bootstrap.weights(4, 50, seed=0)
    assert lead(np.array([1.0, np.nan, 3.0, 2.0]), np.zeros(4), "AT", weights, 0.95)[0] == pytest.approx(2)
    nothing = lead(np.full(4, np.nan), np.zeros(4), "AT", weights, 0.95)
    assert np.isnan(nothing).all()
