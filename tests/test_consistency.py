import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import cohen_kappa_score

from relatives import consistency, distances
from relatives.statistics import bootstrap

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


# --- bootstrap of the correlation


def related_matrices(n, noise, seed):
    """Distances of n points in two spaces, the second a blurred copy of the first."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 5))
    blurred = points + noise * rng.normal(size=points.shape)
    return cdist(points + 0.3 * rng.normal(size=points.shape), points), cdist(blurred, blurred)


def test_one_draw_of_all_is_the_correlation():
    audio, latent = related_matrices(15, 0.5, seed=0)
    means = consistency.row_means(consistency.ranks(audio), consistency.ranks(latent))
    everything = np.full((1, 15), 1 / 15)
    expected = consistency.between_space_correlation(audio, latent)
    np.testing.assert_allclose(consistency.bootstrap_correlation(means, everything), expected, rtol=1e-12)


def test_a_draw_is_the_correlation_of_its_ranks():
    audio, latent = related_matrices(12, 0.5, seed=0)
    ranks = consistency.ranks(audio), consistency.ranks(latent)
    weights = bootstrap.weights(12, draws=5, seed=3)
    draws = consistency.bootstrap_correlation(consistency.row_means(*ranks), weights)
    for draw, row in zip(draws, weights, strict=True):
        rows = np.repeat(np.arange(12), np.rint(row * 12).astype(int))
        expected = np.corrcoef(ranks[0][rows].ravel(), ranks[1][rows].ravel())[0, 1]
        assert draw == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("noise", [0.3, 1.0, 5.0])
def test_fixed_ranks_give_the_interval_of_new_ranks(noise):
    """Held against the bootstrap that ranks each draw anew, with the same draws."""
    n, draws = 60, 300
    audio, latent = related_matrices(n, noise, seed=0)
    weights = bootstrap.weights(n, draws, seed=1)
    means = consistency.row_means(consistency.ranks(audio), consistency.ranks(latent))
    fixed = consistency.bootstrap_correlation(means, weights)
    anew = []
    for row in weights:
        rows = np.repeat(np.arange(n), np.rint(row * n).astype(int))
        anew.append(consistency.between_space_correlation(audio[rows], latent[rows]))
    lower, upper = bootstrap.limits(np.array(anew))
    np.testing.assert_allclose(bootstrap.limits(fixed), (lower, upper), atol=0.1 * (upper - lower))
    np.testing.assert_allclose(fixed, anew, atol=0.25 * (upper - lower))


def test_wrong_weights():
    ranks = consistency.ranks(np.arange(12.0).reshape(3, 4))
    means = consistency.row_means(ranks, ranks)
    with pytest.raises(ValueError, match=r"weights must have the shape \(draws, 3\)"):
        consistency.bootstrap_correlation(means, bootstrap.weights(4))


def test_draws_of_many_pairs_are_those_of_each():
    audio, latent = related_matrices(12, 0.5, seed=0)
    ranks = consistency.ranks(audio), consistency.ranks(latent)
    pairs = np.stack([consistency.row_means(ranks[a], ranks[b]) for a, b in ((0, 0), (0, 1), (1, 0))])
    weights = bootstrap.weights(12, draws=7)
    draws = consistency.bootstrap_correlation(pairs, weights)
    assert draws.shape == (3, 7)
    for means, expected in zip(pairs, draws, strict=True):
        np.testing.assert_array_equal(consistency.bootstrap_correlation(means, weights), expected)


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


def test_kappa_is_cohen_s():
    rng = np.random.default_rng(8)
    for share in (0.1, 0.5, 0.95):
        a = (rng.random(200) < share).astype(int)
        b = np.where(rng.random(200) < 0.3, 1 - a, a)
        assert consistency.between_space_kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))
        drawn = rng.integers(0, 200, 200)
        weights = np.bincount(drawn, minlength=200)[None] / 200
        wanted = cohen_kappa_score(a[drawn], b[drawn])
        assert consistency.between_space_kappa(a, b, weights) == pytest.approx([wanted])


def test_kappa_of_spaces_that_always_err_is_not_defined():
    assert np.isnan(consistency.between_space_kappa([1, 1], [1, 1]))
    assert consistency.between_space_kappa([1, 1], [0, 1]) == 0
    with pytest.raises(ValueError, match="0 or 1"):
        consistency.between_space_kappa([0, 2], [0, 1])
    with pytest.raises(ValueError, match="weights must have the shape"):
        consistency.between_space_kappa([0, 1], [0, 1], np.ones((3, 5)))
