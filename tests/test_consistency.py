from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import cohen_kappa_score
from threadpoolctl import threadpool_limits

from relatives import consistency, distances
from relatives.statistics import bootstrap, jackknife

# --- within-space errors


def naive_error(row, own):
    return 0 if all(row[own] < distance for column, distance in enumerate(row) if column != own) else 1


def test_errors_are_the_naive_ones():
    rng = np.random.default_rng(0)
    for levels in (3, 10, 1000):  # few levels: many ties
        matrix = rng.integers(levels, size=(200, 6)).astype(np.float32)
        own = rng.integers(6, size=200)
        expected = [naive_error(row, column) for row, column in zip(matrix, own, strict=True)]
        np.testing.assert_array_equal(consistency.within_space_errors(matrix, own), expected)


def test_a_tie_is_an_error():
    assert consistency.within_space_errors([[1.0, 1.0, 2.0]], [0]) == 1
    assert consistency.within_space_errors([[0.0, 0.0]], [1]) == 1


def test_a_nan_is_an_error():
    nan = np.nan
    matrix = [[nan, 1.0, 2.0], [1.0, nan, 2.0], [1.0, 2.0, nan], [1.0, 2.0, 3.0]]
    np.testing.assert_array_equal(consistency.within_space_errors(matrix, [0, 0, 0, 0]), [1, 1, 1, 0])
    assert consistency.within_space_errors([[nan]], [0]) == 1


def test_wrong_matrices():
    with pytest.raises(ValueError, match="must be a matrix"):
        consistency.within_space_errors([1.0, 2.0], [0])
    with pytest.raises(ValueError, match="a column for each of 2 queries"):
        consistency.within_space_errors(np.zeros((2, 3)), [0])
    with pytest.raises(ValueError, match="names column 3, but the columns are 0 to 2"):
        consistency.within_space_errors(np.zeros((2, 3)), [0, 3])
    with pytest.raises(ValueError, match="names column -1"):
        consistency.within_space_errors(np.zeros((2, 3)), [0, -1])
    with pytest.raises(ValueError, match="column numbers, not float64"):
        consistency.within_space_errors(np.zeros((2, 3)), [0.0, 1.0])


# --- agreement


def test_agreement():
    assert consistency.between_space_agreement([0, 1, 1, 0], [0, 1, 0, 0]) == 0.75
    assert consistency.between_space_agreement(np.ones(3, np.int8), np.ones(3)) == 1
    with pytest.raises(ValueError, match="two lists of one length"):
        consistency.between_space_agreement([0, 1], [0])
    with pytest.raises(ValueError, match="empty"):
        consistency.between_space_agreement([], [])
    with pytest.raises(ValueError, match=r"0 or 1, not 0\.5"):
        consistency.between_space_agreement([0, 1], [0, 0.5])


# --- correlation


@pytest.mark.parametrize("levels", [4, 50, 10**6])
def test_correlation_is_scipys(levels):
    rng = np.random.default_rng(levels)
    audio = rng.integers(levels, size=(20, 30)).astype(np.float32)
    latent = audio + rng.integers(levels, size=audio.shape)
    expected = spearmanr(audio.ravel(), latent.ravel()).statistic
    assert consistency.between_space_correlation(audio, latent) == pytest.approx(expected, abs=1e-12)
    assert consistency.between_space_correlation(audio, -latent) == pytest.approx(-expected, abs=1e-12)


def test_correlation_is_of_order_only():
    audio = np.random.default_rng(0).random((5, 6))
    assert consistency.between_space_correlation(audio, np.exp(9 * audio)) == pytest.approx(1, abs=1e-12)


def test_correlation_without_the_own_original():
    rng = np.random.default_rng(0)
    audio, latent = rng.random((6, 4)), rng.random((6, 4))
    own = np.array([0, 1, 2, 3, 0, 2])
    audio[np.arange(6), own] = latent[np.arange(6), own] = -1  # pulls the correlation up, if it counts
    others = [(row, column) for row in range(6) for column in range(4) if column != own[row]]
    expected = spearmanr([audio[pair] for pair in others], [latent[pair] for pair in others]).statistic
    without = consistency.between_space_correlation(audio, latent, exclude_own=own)
    assert without == pytest.approx(expected, abs=1e-12)
    assert consistency.between_space_correlation(audio, latent) > without + 0.1
    with pytest.raises(ValueError, match="no distances to rank"):
        consistency.between_space_correlation(np.ones((3, 1)), np.ones((3, 1)), exclude_own=[0, 0, 0])


def test_correlation_of_a_constant_or_of_nan_is_nan():
    varied = np.arange(12.0).reshape(3, 4)
    assert np.isnan(consistency.between_space_correlation(varied, np.full((3, 4), 0.1)))
    assert np.isnan(consistency.between_space_correlation(np.full((3, 4), 7), varied))
    with_nan = varied.copy()
    with_nan[1, 1] = np.nan
    assert np.isnan(consistency.between_space_correlation(varied, with_nan))


def test_correlation_of_different_shapes():
    with pytest.raises(ValueError, match="must have one shape"):
        consistency.between_space_correlation(np.ones((3, 4)), np.ones((4, 3)))


@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_correlation_by_row_is_scipys(levels):
    rng = np.random.default_rng(levels)
    audio = rng.integers(levels, size=(9, 40)).astype(np.float32)
    latent = audio + rng.integers(levels, size=audio.shape)
    expected = [spearmanr(*rows).statistic for rows in zip(audio, latent, strict=True)]
    np.testing.assert_allclose(consistency.correlation_by_row(audio, latent), expected, atol=1e-12)
    own = rng.integers(40, size=9)
    pairs = [(np.delete(a, k), np.delete(b, k)) for a, b, k in zip(audio, latent, own, strict=True)]
    expected = [spearmanr(*rows).statistic for rows in pairs]
    found = consistency.correlation_by_row(audio, latent, exclude_own=own)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_row_alone_may_have_no_correlation():
    audio, latent = related_matrices(5, 0.5, seed=0)
    expected = consistency.correlation_by_row(audio, latent)
    audio[1], latent[3, 2] = 7.0, np.nan
    found = consistency.correlation_by_row(audio, latent)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False, True, False])
    np.testing.assert_array_equal(found[[0, 2, 4]], expected[[0, 2, 4]])


def test_the_correlation_of_rows_is_another_than_that_of_all_pairs():
    """The row of small distances has the large ones in the other space; each row has one order in both."""
    near = np.arange(1.0, 5.0)
    audio, latent = np.stack([near, 10 + near]), np.stack([10 + near, near])
    np.testing.assert_allclose(consistency.correlation_by_row(audio, latent), 1)
    assert consistency.between_space_correlation(audio, latent) < 0


# --- bootstrap of the correlation


def related_matrices(n, noise, seed, levels=None):
    """Distances of n points in two spaces, the second a blurred copy of the first; whole ones have ties."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 5))
    blurred = points + noise * rng.normal(size=points.shape)
    audio, latent = cdist(points + 0.3 * rng.normal(size=points.shape), points), cdist(blurred, blurred)
    return (audio, latent) if levels is None else (np.floor(levels * audio), np.floor(levels * latent))


def repeated(matrix, counts, own_counts):
    """The distances of all pairs (i, j), each as often as excerpt i times as often as excerpt j was taken."""
    times = np.outer(counts, counts)
    np.fill_diagonal(times, own_counts)
    return np.repeat(matrix.reshape(-1), times.reshape(-1))


def naive_pooled(audio, latent, counts, own_counts):
    pairs = (repeated(matrix, counts, own_counts) for matrix in (audio, latent))
    return spearmanr(*pairs).statistic


def naive_by_row(audio, latent, counts, own_counts):
    """The mean of the rows' correlations, each row taken as often as its excerpt."""
    rows = []
    for i, (a, b) in enumerate(zip(audio, latent, strict=True)):
        times = np.where(np.arange(len(counts)) == i, counts * (own_counts > 0), counts)
        rows.append(spearmanr(np.repeat(a, times), np.repeat(b, times)).statistic)
    return np.average(rows, weights=counts)


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize("own_pairs", [True, False])
def test_an_influence_is_what_one_more_of_an_excerpt_does(own_pairs, levels):
    """Every excerpt is there 30 times; how do both correlations change with 31 or 29 of one?"""
    n, times = 10, 30
    audio, latent = related_matrices(n, 0.8, seed=1, levels=levels)
    pair = [consistency.prepare(matrix, own_pairs) for matrix in (audio, latent)]
    rho, influences = consistency.compare(*pair)
    rows, row_influences = consistency.compare_rows(*pair)
    own = None if own_pairs else np.arange(n)
    assert rho == pytest.approx(consistency.between_space_correlation(audio, latent, own), abs=1e-12)
    by_row = consistency.correlation_by_row(audio, latent, own)
    np.testing.assert_allclose(rows, by_row, atol=1e-12)
    for naive, found in ((naive_pooled, influences), (naive_by_row, row_influences)):
        slopes = []
        for i in range(n):
            values = []
            for change in (1, -1):
                counts = np.full(n, times) + change * (np.arange(n) == i)
                values.append(naive(audio, latent, counts, times * counts * own_pairs))
            slopes.append((values[0] - values[1]) / 2 * times)
        slopes = np.array(slopes) - np.mean(slopes)
        np.testing.assert_allclose(found, slopes, atol=1e-3 * np.abs(slopes).max())


def test_classes_of_ranks_are_fine_enough():
    """1,600 pairs in 256 classes, against the influence function with every rank by itself."""
    audio, _ = related_matrices(40, 0.8, seed=2)
    latent = audio + np.random.default_rng(0).normal(size=audio.shape)
    _, found = consistency.compare(consistency.prepare(audio), consistency.prepare(latent))
    a, b = (rankdata(matrix).reshape(40, 40) / 1600 - 0.5 for matrix in (audio, latent))
    above_a, above_b = (
        np.array([np.sum(v[u > u0]) + np.sum(v[u == u0]) / 2 for u0 in u.reshape(-1)]).reshape(40, 40) / 1600
        for u, v in ((a, b), (b, a))
    )
    pairs = 12 * (a * b + above_a + above_b) / 1600
    expected = pairs.sum(axis=0) + pairs.sum(axis=1) - np.diag(pairs)
    # 12 / N² is 1 over the variance of ranks but for 1 / N²
    np.testing.assert_allclose(found, expected - expected.mean(), atol=2e-3 * np.abs(found).max())


@pytest.mark.parametrize("noise", [0.3, 1.0, 5.0])
def test_draws_are_those_of_excerpts_taken_on_both_sides(noise):
    """Held against rows and columns repeated and ranked anew, with the same draws.

    The draws follow one another up to terms of second order, so that the intervals are as wide.
    """
    n, draws = 60, 200
    audio, latent = related_matrices(n, noise, seed=0)
    weights = bootstrap.weights(n, draws, seed=1)
    counts = np.rint(weights * n).astype(int)
    pair = [consistency.prepare(matrix, own_pairs=False) for matrix in (audio, latent)]
    rho, influences = consistency.compare(*pair)
    found = consistency.bootstrap_correlation(rho, influences, weights)
    # A copy of an excerpt is no other excerpt: the pairs of one with itself are left out
    anew = np.array([naive_pooled(audio, latent, row, 0) for row in counts])
    assert np.corrcoef(found, anew)[0, 1] > 0.9
    width, naive_width = (np.diff(bootstrap.limits(values))[0] for values in (found, anew))
    assert width == pytest.approx(naive_width, rel=0.15)
    rows = [np.repeat(np.arange(n), row) for row in counts]
    of_rows = [consistency.between_space_correlation(audio[row], latent[row]) for row in rows]
    assert np.diff(bootstrap.limits(np.array(of_rows)))[0] < 0.75 * width


def test_draws_of_rows_are_those_of_excerpts_taken_on_both_sides():
    n = 40
    audio, latent = related_matrices(n, 1.0, seed=0)
    weights = bootstrap.weights(n, 150, seed=1)
    counts = np.rint(weights * n).astype(int)
    pair = [consistency.prepare(matrix, own_pairs=False) for matrix in (audio, latent)]
    rows, influences = consistency.compare_rows(*pair)
    found = consistency.bootstrap_correlation(rows.mean(), influences, weights)
    anew = np.array([naive_by_row(audio, latent, row, 0 * row) for row in counts])
    assert np.corrcoef(found, anew)[0, 1] > 0.9
    width, naive_width = (np.diff(bootstrap.limits(values))[0] for values in (found, anew))
    assert width == pytest.approx(naive_width, rel=0.15)


def test_intervals_contain_the_correlation_of_a_population():
    """400 samples of 40 points from two spaces with a common part. Intervals of rows alone are too narrow."""

    def sample(n, rng):
        common = rng.normal(size=(n, 5))
        places = [0.8 * common + 0.6 * rng.normal(size=(n, 5)) for _ in range(2)]
        pair = [consistency.prepare(cdist(at, at), own_pairs=False) for at in places]
        return pair, *consistency.compare(*pair)

    population = np.mean([sample(600, np.random.default_rng(seed))[1] for seed in range(12)])
    rng = np.random.default_rng(100)
    weights = bootstrap.weights(40, 500)
    contained = []
    for _ in range(400):
        (a, b), rho, influences = sample(40, rng)
        draws = consistency.bootstrap_correlation(rho, influences, weights)
        by_row = (a.ranks * b.ranks - rho / 2 * (a.ranks**2 + b.ranks**2)).sum(axis=1)
        limits = bootstrap.limits(draws), bootstrap.limits(rho + 40 * bootstrap.means(by_row, weights))
        contained.append([lower <= population <= upper for lower, upper in limits])
    both_sides, rows_alone = np.mean(contained, axis=0)
    assert 0.92 <= both_sides <= 0.98
    assert rows_alone < 0.85


def test_one_draw_of_all_is_the_correlation():
    audio, latent = related_matrices(15, 0.5, seed=0)
    found = consistency.compare(consistency.prepare(audio), consistency.prepare(latent))
    everything = np.full((1, 15), 1 / 15)
    expected = consistency.between_space_correlation(audio, latent)
    np.testing.assert_allclose(consistency.bootstrap_correlation(*found, everything), expected, rtol=1e-12)


def test_draws_stay_between_minus_one_and_one():
    rho, influences = np.array([0.97, -0.97, 0.2]), np.tile([0.02, -0.02, 0.01, -0.01], (3, 1))
    draws = consistency.bootstrap_correlation(rho, influences, bootstrap.weights(4, 300))
    assert (np.abs(draws) <= 1).all()
    assert (draws.std(axis=1) > 0.01).all()
    # Near 1 a draw has more room below than above
    assert draws[0].max() - 0.97 < 0.97 - draws[0].min()


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize("own_pairs", [True, False])
def test_the_same_order_has_no_interval(own_pairs, levels):
    audio, _ = related_matrices(30, 0.5, seed=0, levels=levels)
    weights = bootstrap.weights(30, 50)
    for sign in (1, -1):
        pair = [consistency.prepare(matrix, own_pairs) for matrix in (audio, sign * np.exp(audio))]
        rho, influences = consistency.compare(*pair)
        np.testing.assert_allclose(influences, 0, atol=1e-12)
        draws = consistency.bootstrap_correlation(rho, influences, weights)
        np.testing.assert_allclose(draws, sign, rtol=1e-12)
        rows, influences = consistency.compare_rows(*pair)
        np.testing.assert_allclose(influences, 0, atol=1e-12)
        draws = consistency.bootstrap_correlation(rows.mean(), influences, weights)
        np.testing.assert_allclose(draws, sign, rtol=1e-12)


def test_what_has_no_correlation_has_no_draws():
    audio, latent = related_matrices(6, 0.5, seed=0)
    with_nan, with_constant_row = latent.copy(), latent.copy()
    with_nan[2, 3] = np.nan
    with_constant_row[4] = 1.0
    weights = bootstrap.weights(6, 20)
    prepared = consistency.prepare(audio)
    others = [np.ones((6, 6)), with_nan, with_constant_row]
    constant, strange, one_row = (consistency.prepare(matrix) for matrix in others)
    for other in (constant, strange):
        assert np.isnan(
            consistency.bootstrap_correlation(*consistency.compare(prepared, other), weights)
        ).all()
        assert np.isnan(consistency.bootstrap_correlation(*consistency.compare(other, other), weights)).all()
    rows, influences = consistency.compare_rows(prepared, constant)
    assert np.isnan(rows).all()
    assert np.isnan(influences).all()
    for other, missing in ((strange, 2), (one_row, 4)):
        rows, influences = consistency.compare_rows(prepared, other)
        np.testing.assert_array_equal(np.isnan(rows), np.arange(6) == missing)
        assert np.isfinite(influences).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_excerpts(n):
    audio, latent = related_matrices(n, 0.5, seed=0)
    pair = [consistency.prepare(matrix) for matrix in (audio, latent)]
    for value, influences in (consistency.compare(*pair), consistency.compare_rows(*pair)):
        draws = consistency.bootstrap_correlation(np.mean(value), influences, bootstrap.weights(n, 20))
        assert np.isnan(draws).all() if n == 1 else (np.abs(draws) <= 1).all()
    with pytest.raises(ValueError, match="no distances to rank"):
        consistency.prepare(np.ones((1, 1)), own_pairs=False)


def test_wrong_matrices_for_the_bootstrap():
    with pytest.raises(ValueError, match=r"a row and a column: the matrix is \(3, 4\)"):
        consistency.prepare(np.ones((3, 4)))
    three, four = (consistency.prepare(np.arange(n * n).reshape(n, n)) for n in (3, 4))
    for compare in (consistency.compare, consistency.compare_rows):
        with pytest.raises(ValueError, match=r"one shape \(n, n\), not \(3, 3\) and \(4, 4\)"):
            compare(three, four)
        with pytest.raises(ValueError, match="must count in both spaces or in none"):
            compare(three, consistency.prepare(np.arange(9).reshape(3, 3), own_pairs=False))
    with pytest.raises(ValueError, match="must share n"):
        consistency.bootstrap_correlation(*consistency.compare(three, three), bootstrap.weights(4))
    with pytest.raises(ValueError, match="each correlation needs its influences"):
        consistency.bootstrap_correlation([0.1, 0.2], np.zeros((3, 4)), bootstrap.weights(4))


def test_draws_of_many_pairs_are_those_of_each():
    prepared = [consistency.prepare(matrix) for matrix in related_matrices(12, 0.5, seed=0)]
    pairs = [consistency.compare(prepared[a], prepared[b]) for a, b in ((0, 1), (1, 0), (0, 0))]
    rho, influences = (np.array(values) for values in zip(*pairs, strict=True))
    weights = bootstrap.weights(12, draws=7)
    draws = consistency.bootstrap_correlation(rho, influences, weights)
    assert draws.shape == (3, 7)
    for pair, expected in zip(pairs, draws, strict=True):
        np.testing.assert_allclose(consistency.bootstrap_correlation(*pair, weights), expected, rtol=1e-13)


# --- all spaces at one place


def spaces_at_a_place(n):
    rng = np.random.default_rng(0)
    audio = {name: rng.random((n, n)).astype(np.float32) for name in consistency.AUDIO}
    latent = {
        (space, trial): (rng.normal(size=(n, 3)), rng.normal(size=(n, 3)))
        for space, trial in (("AE", 0), ("AE", 1), ("mfcc", 0))
    }
    return audio, latent


@pytest.mark.parametrize("own_pairs", [True, False])
def test_all_spaces_are_compared_as_each(own_pairs):
    n = 14
    audio, latent = spaces_at_a_place(n)
    weights = bootstrap.weights(n, 50)
    with ThreadPoolExecutor(2) as threads:
        found = consistency.compare_spaces(audio, latent, weights, threads, own_pairs)
    assert len(found.errors) == 2 + 3 * 2
    assert len(found.correlations) == len(found.by_row) == len(found.draws) == len(found.by_row_draws) == 12
    own = None if own_pairs else np.arange(n)
    for (space, trial, at, distance), rho in found.correlations.items():
        matrix = consistency.LATENT[distance](*latent[space, trial])
        assert rho == pytest.approx(consistency.between_space_correlation(audio[at], matrix, own), abs=1e-12)
        rows = consistency.correlation_by_row(audio[at], matrix, own)
        np.testing.assert_allclose(found.by_row[space, trial, at, distance], rows, atol=1e-6)
        pair = [consistency.prepare(each, own_pairs) for each in (audio[at], matrix)]
        draws = consistency.bootstrap_correlation(*consistency.compare(*pair), weights)
        np.testing.assert_allclose(found.draws[space, trial, at, distance], draws, atol=1e-6)
        row_draws = consistency.bootstrap_correlation(
            rows.mean(), consistency.compare_rows(*pair)[1], weights
        )
        np.testing.assert_allclose(found.by_row_draws[space, trial, at, distance], row_draws, atol=1e-6)
    stacked = consistency.over_places([found, found])
    assert (
        stacked.errors["mfcc", 0, "cosine"].shape == stacked.by_row["AE", 1, "dtw", "cosine"].shape == (2, n)
    )
    assert stacked.draws["AE", 1, "dtw", "cosine"].shape == (2, 50)


def test_threads_change_no_bit():
    audio, latent = spaces_at_a_place(70)
    weights = bootstrap.weights(70, 200)
    found = []
    for count in (1, 3):
        with ThreadPoolExecutor(count) as threads, threadpool_limits(count):
            found.append(consistency.compare_spaces(audio, latent, weights, threads))
    for one, other in zip(*found, strict=True):
        for key, values in one.items():
            np.testing.assert_array_equal(values, other[key])


# --- ranks


def matrices():
    """Distances whose bits lie in many ways: few levels and many, all sizes, both signs, clusters."""
    rng = np.random.default_rng(0)
    shape = (50, 60)
    normal = rng.normal(size=shape)
    yield "ties", rng.integers(7, size=shape) / 7
    yield "float32", rng.random(shape).astype(np.float32)
    yield "integers", rng.integers(-1000, 1000, size=shape)
    yield "signs", normal
    yield "sizes", np.exp(50 * normal)
    yield "least sizes", 5e-324 * rng.integers(4, size=shape)
    yield "zeros of both signs", np.where(rng.random(shape) < 0.5, -0.0, 0.0)
    yield "last bits", 1 + rng.integers(300, size=shape) * 2.0**-52
    yield "infinity", np.where(rng.random(shape) < 0.1, np.inf, normal)
    yield "far from all others", np.where(np.arange(3000).reshape(shape) == 1234, 1e300, 1 + 1e-9 * normal)
    yield "constant", np.full(shape, 0.1)
    yield "ordered", np.arange(3000.0).reshape(shape)
    yield "turned over", -np.arange(3000.0).reshape(shape)
    yield "one", np.array([[2.0]])
    yield "columns first", np.asfortranarray(normal)


@pytest.mark.parametrize(
    "name, matrix", list(matrices()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_ranks_are_scipys(name, matrix):
    expected = (rankdata(matrix).reshape(matrix.shape) - (matrix.size + 1) / 2) / matrix.size
    before = matrix.copy()
    np.testing.assert_array_equal(consistency.ranks(matrix), expected)
    np.testing.assert_array_equal(matrix, before)


# --- controls: what the measures must say where the answer is known

VECTOR_DISTANCES = [distances.euclidean, distances.cosine]
SEQUENCE_DISTANCES = [distances.dtw, distances.simple]


def within_binomial_error(share, chance, n):
    return abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / n)


@pytest.mark.parametrize("distance", [*VECTOR_DISTANCES, *SEQUENCE_DISTANCES])
def test_identity_is_consistent(distance):
    """The untransformed excerpts, each its own original, and each beside a nearly identical neighbour."""
    rng = np.random.default_rng(0)
    shape = (40, 256) if distance in VECTOR_DISTANCES else (40, 87, 24)
    points = rng.normal(size=shape).astype(np.float32) + np.float32(5)
    points[1::2] = np.nextafter(points[::2], np.float32(9))
    errors = consistency.within_space_errors(distance(points, points), np.arange(40))
    assert errors.sum() == 0


@pytest.mark.parametrize("distance", [*VECTOR_DISTANCES, *SEQUENCE_DISTANCES])
def test_unrelated_points_fall_to_chance(distance):
    rng = np.random.default_rng(0)
    queries, originals = 1500, 10
    shape = (16,) if distance in VECTOR_DISTANCES else (52, 3)
    matrix = distance(rng.normal(size=(queries, *shape)), rng.normal(size=(originals, *shape)))
    own = rng.integers(originals, size=queries)
    consistent = 1 - consistency.within_space_errors(matrix, own).mean()
    assert within_binomial_error(consistent, 1 / originals, queries)


def test_independent_errors_agree_by_chance():
    rng = np.random.default_rng(0)
    errors_a, errors_b = rng.random(4000) < 0.9, rng.random(4000) < 0.3
    chance = 0.9 * 0.3 + 0.1 * 0.7
    assert within_binomial_error(consistency.between_space_agreement(errors_a, errors_b), chance, 4000)


@pytest.fixture(scope="module")
def random_projection():
    """An encoder that knows nothing: a random projection of the samples, (n, 2000) -> (n, 64)."""
    matrix = np.random.default_rng(1).normal(size=(2000, 64)) / 8
    return lambda audio: audio @ matrix


@pytest.mark.parametrize("distance", VECTOR_DISTANCES)
def test_random_projection_endures_noise_but_no_delay(random_projection, distance):
    """It keeps the geometry of samples: added noise moves a point by its power alone, but a delay, which
    nobody hears, turns hiss into samples as unrelated as those of another excerpt."""
    rng = np.random.default_rng(0)
    n = 400
    long = rng.normal(size=(n, 2500))
    originals = long[:, :2000]
    own = np.arange(n)

    def consistent(transformed):
        matrix = distance(random_projection(transformed), random_projection(originals))
        return 1 - consistency.within_space_errors(matrix, own).mean()

    assert consistent(originals) == 1
    little_noise = originals + 0.1 * rng.normal(size=originals.shape)
    assert consistent(little_noise) == 1
    drowned = originals + 1000 * rng.normal(size=originals.shape)
    assert within_binomial_error(consistent(drowned), 1 / n, n)
    assert within_binomial_error(consistent(long[:, 500:]), 1 / n, n)


def test_random_projection_does_not_correlate_with_unrelated_distances(random_projection):
    """Distances of 60 + 60 points share rows and columns: a margin by points, not by pairs."""
    rng = np.random.default_rng(0)
    latent = distances.euclidean(*(random_projection(rng.normal(size=(60, 2000))) for _ in range(2)))
    unrelated = distances.euclidean(rng.normal(size=(60, 8)), rng.normal(size=(60, 8)))
    assert abs(consistency.between_space_correlation(unrelated, latent)) < 4 / np.sqrt(60)


def kappa(a, b, weights=None):
    """Of all queries in one place, all alike if no weights are given."""
    weights = np.full(len(a), 1 / len(a)) if weights is None else weights
    return consistency.pooled_kappa([(a, b, np.ones(len(a), bool))], weights)


def test_kappa_is_cohen_s():
    rng = np.random.default_rng(8)
    for share in (0.1, 0.5, 0.95):
        a = (rng.random(200) < share).astype(int)
        b = np.where(rng.random(200) < 0.3, 1 - a, a)
        assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))
        drawn = rng.integers(0, 200, 200)
        weights = np.bincount(drawn, minlength=200)[None] / 200
        wanted = cohen_kappa_score(a[drawn], b[drawn])
        assert kappa(a, b, weights) == pytest.approx([wanted])


def test_kappa_of_spaces_that_always_err_is_not_defined():
    assert np.isnan(kappa([1, 1], [1, 1]))
    assert kappa([1, 1], [0, 1]) == 0
    with pytest.raises(ValueError, match="0 or 1"):
        kappa([0, 2], [0, 1])
    with pytest.raises(ValueError, match="weights must have the shape"):
        kappa([0, 1], [0, 1], np.ones((3, 5)))


def test_a_kappa_of_several_places_is_one_of_sums():
    rng = np.random.default_rng(9)
    a, b = (rng.random((2, 3, 60)) < 0.4).astype(int)
    b = np.where(rng.random((3, 60)) < 0.5, a, b)
    weights, every = rng.multinomial(60, np.full(60, 1 / 60), size=5) / 60, np.ones(60, bool)
    half = np.arange(60) < 30
    alone = consistency.pooled_kappa([(a[0], b[0], half)], np.full((1, 60), 1 / 60))
    assert alone == pytest.approx([cohen_kappa_score(a[0][half], b[0][half])])
    # Of alike sizes it is the mean of the kappas, each weighted by what is not chance
    each = [kappa(*rows, weights) for rows in zip(a, b, strict=True)]
    shares = [np.einsum("dq,pq->pd", weights, errors) for errors in (a, b)]
    room = 1 - shares[0] * shares[1] - (1 - shares[0]) * (1 - shares[1])
    together = consistency.pooled_kappa([(*rows, every) for rows in zip(a, b, strict=True)], weights)
    np.testing.assert_allclose(together, (each * room).sum(axis=0) / room.sum(axis=0))
    # Where all is lost nothing is to agree on: it counts for nothing, and alone it has no kappa
    lost = np.ones(60, int)
    more = [(*rows, every) for rows in zip(a, b, strict=True)] + [(lost, lost, every)]
    np.testing.assert_allclose(consistency.pooled_kappa(more, weights), together)
    assert np.isnan(consistency.pooled_kappa(more[-1:], weights)).all()


def test_the_interval_of_a_pooled_kappa_covers_it():
    """Of 21 networks and places where 5 of 100 queries are kept, and alike; by leaving each query out once.

    The bootstrap of the mean of their kappas, the earlier way, covered in 70 of 100 data sets.
    """
    rng = np.random.default_rng(0)
    every = np.ones(100, bool)
    weights = np.vstack([np.ones(100), 1 - np.eye(100)])
    weights /= weights.sum(axis=1, keepdims=True)

    def errors(n):
        fates = rng.standard_normal(n)
        spaces = np.sqrt(0.6) * fates + np.sqrt(0.4) * rng.standard_normal((2, 21, n))
        return (spaces < 1.65).astype(int)

    truth = kappa(*errors(40_000).reshape(2, -1))
    found = []
    for _ in range(100):
        strata = [(a, b, every) for a, b in zip(*errors(100), strict=True)]
        value, *without = consistency.pooled_kappa(strata, weights)
        found.append((value, *jackknife.interval(value, np.array(without))))
    values, lower, upper = np.transpose(found)
    assert abs(values.mean() - truth) < 3 * values.std() / 10
    assert 0.87 <= ((lower <= truth) & (truth <= upper)).mean() < 1
