import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import cuda
from scipy.spatial.distance import cdist

from relatives import distances
from relatives.distances import sequences
from relatives.errors import InputError


def naive_dtw(query, reference):
    local = cdist(query, reference)
    n, m = local.shape
    cost = np.full((n + 1, m + 1), np.inf)
    cost[0, 0] = 0
    for i in range(n):
        for j in range(m):
            cost[i + 1, j + 1] = local[i, j] + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    return cost[n, m]


def naive_profile(query, reference, window):
    return [
        min(
            np.sum((query[i : i + window] - reference[j : j + window]) ** 2)
            for j in windows(reference, window)
        )
        for i in windows(query, window)
    ]


def naive_simple(query, reference, window):
    return np.median(naive_profile(query, reference, window))


def windows(sequence, window):
    return range(len(sequence) - window + 1)


def all_pairs(naive, queries, references, *arguments):
    queries, references = queries.astype(np.float64), references.astype(np.float64)
    return np.array([[naive(query, reference, *arguments) for reference in references] for query in queries])


def draw(*shape, seed=0, scale=1.0):
    return np.random.default_rng([seed, *shape]).normal(scale=scale, size=shape).astype(np.float32)


def mfcc_like(count, frames, seed=0):
    """Sequences with the magnitudes of MFCC: a large common mean, slow movement, small detail."""
    rng = np.random.default_rng(seed)
    scales = 100 / np.arange(1, 25)
    walk = np.cumsum(rng.normal(scale=0.1, size=(count, frames, 24)), axis=1)
    return ((3 + rng.normal(size=(count, 1, 24)) + walk) * scales).astype(np.float32)


SHAPES = [  # q, r, n, m, d: single frames, single coefficients, around a group of 8 and a block of 64 lanes
    (1, 1, 1, 1, 1),
    (2, 3, 1, 5, 1),
    (2, 3, 5, 1, 2),
    (3, 2, 6, 9, 7),
    (2, 63, 7, 4, 8),
    (2, 64, 4, 7, 9),
    (2, 65, 5, 5, 24),
    (5, 3, 30, 41, 17),
    (2, 2, 87, 87, 24),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_dtw_is_the_naive_one(shape):
    q, r, n, m, d = shape
    queries, references = draw(q, n, d, seed=1), draw(r, m, d, seed=2)
    result = distances.dtw(queries, references)
    assert result.shape == (q, r)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, all_pairs(naive_dtw, queries, references), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_simple_is_the_naive_one(shape):
    q, r, n, m, d = shape
    queries, references = draw(q, n, d, seed=1), draw(r, m, d, seed=2)
    for window in {1, (min(n, m) + 1) // 2, min(n, m)}:
        result = distances.simple(queries, references, subsequence=window)
        assert result.shape == (q, r)
        assert result.dtype == np.float32
        expected = all_pairs(naive_simple, queries, references, window)
        np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_simple_over_many_stretches():
    """Diagonals many windows long: the sums are put together from several stretches."""
    queries, references = draw(2, 40, 3, seed=1), draw(2, 33, 3, seed=2)
    for window in (2, 3, 7):
        expected = all_pairs(naive_simple, queries, references, window)
        np.testing.assert_allclose(distances.simple(queries, references, window), expected, rtol=1e-5)


frame_values = st.floats(-1e3, 1e3, width=32)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_values(data):
    n, m, d = (data.draw(st.integers(1, 6)) for _ in range(3))
    query, reference = (
        np.array(data.draw(st.lists(frame_values, min_size=k * d, max_size=k * d)), np.float32).reshape(
            1, k, d
        )
        for k in (n, m)
    )
    expected = all_pairs(naive_dtw, query, reference)
    np.testing.assert_allclose(distances.dtw(query, reference), expected, rtol=1e-5, atol=1e-15)
    window = min(n, m)
    expected = all_pairs(naive_simple, query, reference, window)
    np.testing.assert_allclose(distances.simple(query, reference, window), expected, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("n", range(1, 13))
def test_lengths_around_the_rows_at_once(n):
    """Query frames are compared four at once, from wherever a path or a window begins."""
    references = draw(2, 9, 3, seed=2)
    queries = draw(2, n, 3, seed=1)
    expected = all_pairs(naive_dtw, queries, references)
    np.testing.assert_allclose(distances.dtw(queries, references), expected, rtol=1e-5)
    for window in range(1, min(n, 9) + 1):
        expected = all_pairs(naive_simple, queries, references, window)
        np.testing.assert_allclose(distances.simple(queries, references, window), expected, rtol=1e-5)


def test_blocks_do_not_show(monkeypatch):
    queries, references = draw(7, 12, 4, seed=1), draw(150, 10, 4, seed=2)
    whole = distances.dtw(queries, references), distances.simple(queries, references, 5)
    monkeypatch.setattr(sequences.OnCPU, "query_block", 3)
    monkeypatch.setattr(sequences.OnCPU, "reference_block", 64)
    blocks = distances.dtw(queries, references), distances.simple(queries, references, 5)
    np.testing.assert_array_equal(whole, blocks)


def test_threads_do_not_show():
    import numba

    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba has one thread here: nothing to compare")
    queries, references = mfcc_like(5, 60, seed=1), mfcc_like(130, 55, seed=2)
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append((distances.dtw(queries, references), distances.simple(queries, references, 20)))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_input_of_any_kind(tmp_path):
    """Lists, float64, strided views and read-only memory maps are the same sequences."""
    queries, references = draw(3, 8, 5, seed=1), draw(4, 9, 5, seed=2)
    expected = distances.dtw(queries, references)
    np.save(tmp_path / "references.npy", references)
    on_disk = np.load(tmp_path / "references.npy", mmap_mode="r")
    np.testing.assert_array_equal(distances.dtw(queries.tolist(), on_disk), expected)
    strided = np.repeat(queries.astype(np.float64), 2, axis=2)[:, :, ::2]
    np.testing.assert_array_equal(distances.dtw(strided, references), expected)


def test_results_stream_to_a_memory_map(tmp_path):
    """Memory does not grow with the number of pairs, whose results are 36 MB here."""
    queries, references = draw(3000, 1, 1, seed=1), draw(3000, 1, 1, seed=2)
    for distance, window in ((distances.dtw, {}), (distances.simple, {"subsequence": 1})):
        options = window | {"device": "cpu"}
        path = tmp_path / f"{distance.__name__}.npy"
        on_disk = np.lib.format.open_memmap(path, "w+", np.float32, (3000, 3000))
        distance(queries[:1], references[:1], **options)  # compiled before it is measured
        tracemalloc.start()
        result = distance(queries, references, **options, out=on_disk)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 6e6
        assert result is on_disk
        on_disk.flush()
        np.testing.assert_array_equal(np.load(path), distance(queries, references, **options))


def test_wrong_output():
    queries, references = draw(2, 5, 3, seed=1), draw(4, 5, 3, seed=2)
    wrong = r"out must be \(2, 4\) float32 .*, not "
    with pytest.raises(ValueError, match=wrong + r"\(4, 2\) float32"):
        distances.dtw(queries, references, out=np.empty((4, 2), np.float32))
    with pytest.raises(ValueError, match=wrong + r"\(2, 4\) float64"):
        distances.simple(queries, references, 2, out=np.empty((2, 4)))
    with pytest.raises(ValueError, match=wrong):
        distances.dtw(queries, references, backend="fastdtw", out=np.empty((2, 3), np.float32))


def test_identical_sequences_are_at_zero():
    originals = mfcc_like(70, 87)
    for distance in (distances.dtw, distances.simple):
        matrix = distance(originals[:20], originals)
        assert (np.diagonal(matrix) == 0).all()
        others = matrix[~np.eye(20, 70, dtype=bool)]
        assert others.min() > 0


@pytest.mark.parametrize("difference", [1.0, 1e-2, 1e-3])
def test_near_sequences_keep_their_precision(difference):
    """Close to each other and far from the origin, where |a|² + |b|² - 2ab would leave rounding noise."""
    references = mfcc_like(3, 87) + np.float32(200)
    queries = references + draw(3, 87, 24, scale=difference)
    np.testing.assert_allclose(
        distances.dtw(queries, references), all_pairs(naive_dtw, queries, references), rtol=1e-4
    )
    np.testing.assert_allclose(
        distances.simple(queries, references), all_pairs(naive_simple, queries, references, 50), rtol=1e-4
    )


def test_simple_keeps_small_distances_after_large_ones():
    """A running sum over the diagonal would carry the rounding of the loud half into the quiet one."""
    reference = draw(1, 100, 24, scale=1000.0)
    query = reference + draw(1, 100, 24, seed=1, scale=1e-3)
    query[:, :40] = draw(1, 40, 24, seed=2, scale=1e4)
    profile = naive_profile(query[0].astype(np.float64), reference[0].astype(np.float64), 10)
    assert np.median(profile) < 1e-2 < 1e6 < max(profile)
    np.testing.assert_allclose(distances.simple(query, reference, 10), np.median(profile), rtol=1e-4)


def test_simple_is_annotated_by_the_reference():
    song, part = draw(1, 30, 4), draw(1, 30, 4)[:, 10:20]
    assert distances.simple(part, song, 5) == 0
    assert distances.simple(song, part, 5) > 0


def test_fastdtw_with_a_large_radius_is_exact():
    queries, references = draw(3, 20, 6, seed=1), draw(3, 25, 6, seed=2)
    exact = distances.dtw(queries, references)
    wide = np.empty((3, 3), np.float32)
    distances.dtw(queries, references, backend="fastdtw", radius=25, out=wide)
    np.testing.assert_allclose(exact, wide, rtol=1e-5)


def test_fastdtw_of_the_study_overestimates():
    queries, references = draw(3, 60, 3, seed=1), draw(3, 60, 3, seed=2)
    exact = distances.dtw(queries, references)
    study = distances.dtw(queries, references, backend="fastdtw")
    assert study.dtype == np.float32
    assert (study >= exact * (1 - 1e-6)).all()
    assert (study > exact * 1.001).any()


def test_simple_is_stumpys_join(tmp_path):
    """One coefficient: stumpy's non-normalised AB-join. It runs uncompiled, as compiling it takes a while."""
    query, reference = draw(1, 50, 1, seed=1), draw(1, 40, 1, seed=2)
    np.savez(tmp_path / "pair.npz", query=query[0, :, 0], reference=reference[0, :, 0])
    program = """
import sys, numpy as np, stumpy
pair = {name: values.astype(np.float64) for name, values in np.load(sys.argv[1]).items()}
join = stumpy.aamp(pair["query"], 12, pair["reference"], ignore_trivial=False)
print(np.median(join[:, 0].astype(np.float64) ** 2))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "pair.npz")]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result = distances.simple(query, reference, 12)
    np.testing.assert_allclose(result[0, 0], float(answer.stdout), rtol=1e-5)


def test_simple_is_the_sum_of_stumpys_distance_profiles():
    """Several coefficients: stumpy's distance profile of each, squared and summed."""
    import stumpy

    query, reference = draw(1, 50, 3, seed=1).astype(float), draw(1, 40, 3, seed=2).astype(float)
    window = 12
    profile = []
    for i in windows(query[0], window):
        subsequence = query[0, i : i + window]
        by_coefficient = [
            stumpy.core.mass_absolute(subsequence[:, k].copy(), reference[0, :, k].copy()) for k in range(3)
        ]
        profile.append(np.min(np.sum(np.square(by_coefficient), axis=0)))
    np.testing.assert_allclose(distances.simple(query, reference, window), np.median(profile), rtol=1e-5)


@pytest.mark.parametrize("distance", [distances.dtw, distances.simple])
def test_wrong_sequences(distance):
    good = draw(2, 60, 3)
    with pytest.raises(ValueError, match="references must have the shape"):
        distance(good, good[0])
    with pytest.raises(ValueError, match="queries are empty"):
        distance(good[:0], good)
    with pytest.raises(ValueError, match="3 coefficients a frame and references 2"):
        distance(good, good[:, :, :2])
    for value in (np.nan, np.inf):
        bad = good.copy()
        bad[1, 5, 2] = value
        with pytest.raises(InputError, match=r"queries\[1\] holds NaN or infinity"):
            distance(bad, good)
        with pytest.raises(InputError, match=r"references\[1\] holds NaN or infinity"):
            distance(good, bad)


def test_wrong_settings():
    good = draw(2, 30, 3)
    with pytest.raises(InputError, match="subsequence: 50 frames do not fit"):
        distances.simple(good, good)
    with pytest.raises(InputError, match="subsequence: 0 frames"):
        distances.simple(good, good, subsequence=0)
    with pytest.raises(ValueError, match="unknown backend 'slow'"):
        distances.dtw(good, good, backend="slow")
    for distance in (distances.dtw, distances.simple):
        with pytest.raises(ValueError, match="unknown device 'gpu'"):
            distance(good.repeat(2, axis=1), good.repeat(2, axis=1), device="gpu")
    with pytest.raises(InputError, match=r"queries\[0\] holds NaN"):
        distances.dtw(good * np.nan, good, backend="fastdtw")
    with pytest.raises(AttributeError, match="manhattan"):
        _ = distances.manhattan


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there():
    with pytest.raises(InputError, match="finds no CUDA here; set it to auto or cpu"):
        distances.dtw(draw(2, 5, 3), draw(2, 5, 3), device="cuda")


def test_vector_distances_are_the_naive_ones():
    a, b = draw(5, 7, seed=1), draw(6, 7, seed=2)
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    euclidean = [[np.sqrt(np.sum((x - y) ** 2)) for y in b64] for x in a64]
    cosine = [[1 - x @ y / np.sqrt((x @ x) * (y @ y)) for y in b64] for x in a64]
    np.testing.assert_allclose(distances.euclidean(a, b), euclidean, rtol=1e-12)
    np.testing.assert_allclose(distances.cosine(a, b), cosine, rtol=1e-12)


@pytest.mark.parametrize("distance", [distances.euclidean, distances.cosine])
def test_identical_points_are_nearest(distance):
    """Even beside points that differ in the last bit of float32 only."""
    points = draw(50, 256) + np.float32(10)
    near = np.nextafter(points, np.float32(20))
    matrix = distance(points, np.concatenate([points, near]))
    own = np.diagonal(matrix)
    assert (own == 0).all()
    assert (matrix[np.arange(50), 50 + np.arange(50)] > 0).all()


def test_cosine_of_directions():
    right = np.array([[1.0, 0.0]])
    around = np.array([[5.0, 0.0], [1.0, 1.0], [0.0, 2.0], [-3.0, 0.0]])
    np.testing.assert_allclose(distances.cosine(right, around), [[0, 1 - np.sqrt(0.5), 1, 2]], atol=1e-15)


def test_cosine_of_zero_vectors():
    points = np.array([[0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_array_equal(distances.cosine(points, points), [[1, 1], [1, 0]])


@pytest.mark.parametrize("distance", [distances.euclidean, distances.cosine])
def test_wrong_points(distance):
    good = draw(3, 4)
    with pytest.raises(ValueError, match="queries must have the shape"):
        distance(good[0], good)
    with pytest.raises(ValueError, match="references are empty"):
        distance(good, good[:0])
    with pytest.raises(ValueError, match="4 dimensions and references 3"):
        distance(good, good[:, :3])
    bad = good.copy()
    bad[2, 0] = np.nan
    with pytest.raises(InputError, match=r"queries\[2\] holds NaN or infinity"):
        distance(bad, good)
