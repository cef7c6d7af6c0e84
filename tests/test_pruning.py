"""Pruned within-space errors are those of the full matrix, whatever the sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatives import consistency, distances
from relatives.distances import pruning
from relatives.errors import InputError


def full(queries, references, own, distance, subsequence):
    matrix = (
        distances.dtw(queries, references)
        if distance == "dtw"
        else distances.simple(queries, references, subsequence)
    )
    return consistency.within_space_errors(matrix, own)


def assert_as_full(queries, references, own, subsequence):
    """The errors are the matrix'; returns them, with the share of cells, by distance."""
    found = {}
    for distance in ("dtw", "simple"):
        errors, computed = consistency.within_space_errors_pruned(
            queries, references, own, distance, subsequence
        )
        assert errors.dtype == np.int8
        np.testing.assert_array_equal(errors, full(queries, references, own, distance, subsequence))
        assert computed > 0
        found[distance] = errors, computed
    return found


def walks(count, frames, seed=0, coefficients=24):
    """Sequences like those of MFCC: a large common mean, slow movement, small detail."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(scale=0.1, size=(count, frames, coefficients)), axis=1)
    means = 3 + rng.normal(size=(count, 1, coefficients))
    return ((means + walk) * 100 / np.arange(1, coefficients + 1)).astype(np.float32)


@pytest.mark.parametrize("noise", [0, 0.1, 1, 3, 10, 30, 100, 300])
def test_walks(noise):
    """From hardly changed to drowned: all share of errors."""
    originals = walks(60, 87)
    queries = originals[:25] + np.float32(noise) * walks(25, 87, seed=1)[::-1]
    found = assert_as_full(queries, originals, np.arange(25), 50)
    for errors, computed in found.values():
        if noise <= 0.1:
            assert errors.sum() == 0
            assert computed < 0.05
        if noise == 300:
            assert errors.mean() > 0.9
            assert computed < 0.3


SHAPES = [  # q, r, n, m, d, window: single frames, coefficients and references, sides of any length
    (3, 1, 5, 6, 2, 3),
    (4, 5, 1, 1, 1, 1),
    (4, 5, 1, 7, 3, 1),
    (4, 5, 7, 1, 3, 1),
    (6, 9, 12, 30, 8, 12),
    (6, 9, 30, 12, 9, 7),
    (20, 30, 20, 20, 4, 5),
    (20, 30, 33, 32, 24, 1),
    (20, 30, 33, 32, 25, 16),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [2, 5, None])
def test_shapes_and_ties(shape, levels):
    """Sequences of few levels tie often."""
    q, r, n, m, d, window = shape
    rng = np.random.default_rng([*shape, levels or 0])
    for _ in range(5):
        if levels is None:
            queries, references = rng.normal(size=(q, n, d)), rng.normal(size=(r, m, d))
        else:
            queries, references = rng.integers(levels, size=(q, n, d)), rng.integers(levels, size=(r, m, d))
        assert_as_full(queries, references, rng.integers(r, size=q), window)


values = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, 100.0, 1e-20, 1e-3, 1e19, -3e38])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_values(data):
    n, m, d = (data.draw(st.integers(1, 5)) for _ in range(3))
    q, r = (data.draw(st.integers(1, 4)) for _ in range(2))

    def draw(count, frames):
        size = count * frames * d
        drawn = data.draw(st.lists(values, min_size=size, max_size=size))
        return np.array(drawn, np.float32).reshape(count, frames, d)

    own = np.array(data.draw(st.lists(st.integers(0, r - 1), min_size=q, max_size=q)))
    assert_as_full(draw(q, n), draw(r, m), own, data.draw(st.integers(1, min(n, m))))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_any_walks(seed):
    """Noise of any size, tempo of any kind, copies and near copies among the references."""
    rng = np.random.default_rng(seed)
    n, m, window = rng.integers(10, 40), rng.integers(10, 40), rng.integers(1, 10)
    references = walks(20, m, seed)
    references[5:10] = references[:5]
    references[10:15] = np.nextafter(references[:5], np.float32(9))
    references[15:] = references[:5] + rng.normal(scale=10 ** rng.uniform(-5, 2), size=references[15:].shape)
    own = rng.integers(20, size=12)
    frames = np.sort(rng.integers(m, size=(12, n)), axis=1)
    queries = np.take_along_axis(references[own], frames[..., np.newaxis], axis=1)
    queries = queries + rng.normal(scale=10 ** rng.uniform(-5, 3, size=(12, 1, 1)), size=queries.shape)
    assert_as_full(queries, references, own, window)


def test_the_originals_themselves():
    """At distance 0, and only once, until one of them is there twice."""
    originals = walks(30, 60)
    own = np.arange(30)
    for errors, computed in assert_as_full(originals, originals, own, 20).values():
        assert errors.sum() == 0
        assert computed < 0.1
    originals[7] = originals[20]
    for errors, _ in assert_as_full(originals, originals, own, 20).values():
        assert np.flatnonzero(errors).tolist() == [7, 20]


def test_one_reference_is_nearest_and_computed_in_full():
    for errors, computed in assert_as_full(walks(4, 30), walks(1, 25, seed=1), np.zeros(4, int), 8).values():
        assert errors.sum() == 0
        assert computed == 1


def test_the_last_bits_decide_as_in_the_matrix():
    """Two references whose distances differ by rounding alone: the same in another order of coefficients."""
    rng = np.random.default_rng(0)
    found = {"dtw": [], "simple": []}
    for _ in range(30):
        query, difference = rng.normal(size=(2, 1, 40, 24)).astype(np.float32)
        references = np.concatenate([query + difference[..., rng.permutation(24)] for _ in range(2)])
        for distance, (errors, _) in assert_as_full(query, references, np.zeros(1, int), 40).items():
            found[distance].append(errors[0])
    assert 0 < np.mean(found["simple"]) < 1


def test_what_is_too_large_for_float32():
    sequences = np.array([[[3e38], [0.0]], [[-3e38], [0.0]], [[1.0], [0.0]]], np.float32)
    for errors, _ in assert_as_full(sequences, sequences[[1, 0, 2]], np.arange(3), 1).values():
        assert errors.sum() > 0


def test_a_pair_is_the_same_among_any_others():
    """What is left undecided is measured alone, and must be what it is in the matrix."""
    queries, references = walks(3, 50, seed=1), walks(150, 45, seed=2)
    some = np.array([140, 3, 77])
    for distance in (distances.dtw, lambda a, b: distances.simple(a, b, 20)):
        matrix = distance(queries, references)
        np.testing.assert_array_equal(distance(queries[1:2], references[some]), matrix[1:2, some])


def test_blocks_do_not_show(monkeypatch):
    originals = walks(40, 50)
    queries = originals[:20] + 20 * walks(20, 50, seed=1)
    own = np.arange(20)
    whole = [
        consistency.within_space_errors_pruned(queries, originals, own, d, 20) for d in ("dtw", "simple")
    ]
    monkeypatch.setattr(pruning, "PAIRS", 120)
    blocks = [
        consistency.within_space_errors_pruned(queries, originals, own, d, 20) for d in ("dtw", "simple")
    ]
    for (errors, computed), (block_errors, block_computed) in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(errors, block_errors)
        assert computed == block_computed


def test_threads_do_not_show():
    import numba

    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba has one thread here: nothing to compare")
    originals = walks(40, 50)
    queries = originals[:20] + 20 * walks(20, 50, seed=1)
    before = numba.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            found.append(
                [pruning.others_as_near(queries, originals, range(20), d, 20) for d in ("dtw", "simple")]
            )
    finally:
        numba.set_num_threads(before)
    for (one, one_computed), (two, two_computed) in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one_computed == two_computed


def test_wrong_input():
    good = walks(3, 20)
    own = np.arange(3)

    def errors(queries=good, references=good, own=own, **settings):
        return consistency.within_space_errors_pruned(queries, references, own, **settings)

    with pytest.raises(ValueError, match="names column 3, but the columns are 0 to 2"):
        errors(own=[0, 1, 3])
    with pytest.raises(ValueError, match="a column for each of 3 queries"):
        errors(own=[0])
    with pytest.raises(ValueError, match="no pruning is known of the distance 'euclidean'"):
        errors(distance="euclidean")
    with pytest.raises(InputError, match="subsequence: 50 frames do not fit"):
        errors(distance="simple")
    for settings_ in ({}, {"distance": "simple", "subsequence": 5}):
        with pytest.raises(ValueError, match="24 coefficients a frame and references 23"):
            errors(references=good[..., :23], **settings_)
        with pytest.raises(InputError, match=r"references\[2\] holds NaN"):
            errors(references=np.concatenate([good[:2], good[2:] * np.nan]), **settings_)
