"""What test_cuda.py runs where numba has a CUDA, which may be its simulator: the kernels beside the CPU's.

The simulator has a Python thread for every thread of a block, so the blocks are small there and the sequences
short. Shapes are chosen around the strips of ROWS frames and the blocks of THREADS references.
"""

import numpy as np
import pytest
from numba import cuda as numba_cuda

from relatives import distances
from relatives.distances import cuda
from relatives.errors import InputError

SIMULATED = numba_cuda.gpus[0].__class__.__module__.startswith("numba.cuda.simulator")
SHAPES = [  # q, r, n, m, d, window
    (1, 1, 1, 1, 1, 1),
    (2, 3, 5, 4, 3, 2),
    (3, 9, 8, 6, 2, 3),
    (2, 4, 9, 12, 5, 4),
    (2, 8, 17, 9, 4, 9),
    (1, 5, 16, 20, 24, 5),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    if SIMULATED:
        monkeypatch.setattr(cuda, "THREADS", 4)
        monkeypatch.setattr(cuda, "BLOCKS", 3)
        monkeypatch.setattr(cuda, "ALIGNMENT", None)


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def pair(q, r, n, m, d):
    return draw(q, n, d), draw(r, m, d)


@pytest.mark.parametrize("shape", SHAPES)
def test_dtw(shape):
    sides = pair(*shape[:5])
    found = distances.dtw(*sides, device="cuda")
    np.testing.assert_allclose(found, distances.dtw(*sides, device="cpu"), rtol=1e-5)


@pytest.mark.parametrize("on_chip", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_simple(shape, on_chip, monkeypatch):
    if not on_chip:
        monkeypatch.setattr(cuda, "ON_CHIP", 0)
    sides, window = pair(*shape[:5]), shape[5]
    found = distances.simple(*sides, subsequence=window, device="cuda")
    np.testing.assert_allclose(found, distances.simple(*sides, subsequence=window, device="cpu"), rtol=1e-5)


def test_the_grid_does_not_show(monkeypatch):
    sides = pair(3, 6, 9, 7, 3)
    expected = distances.dtw(*sides, device="cuda"), distances.simple(*sides, subsequence=3, device="cuda")
    monkeypatch.setattr(cuda, "SCRATCH", 0)  # so that one block does it all
    for kind in (cuda.Warping, cuda.Joining):
        monkeypatch.setattr(kind, "query_block", 2)
        monkeypatch.setattr(kind, "reference_block", 5)
    monkeypatch.setattr(cuda, "ON_CHIP", 0)
    found = distances.dtw(*sides, device="cuda"), distances.simple(*sides, subsequence=3, device="cuda")
    np.testing.assert_array_equal(found, expected)


def test_identical_sequences_are_at_zero():
    sequences, _ = pair(3, 1, 10, 1, 4)
    assert (np.diag(distances.dtw(sequences, sequences, device="cuda")) == 0).all()
    assert (np.diag(distances.simple(sequences, sequences, subsequence=4, device="cuda")) == 0).all()


def test_auto_takes_it(monkeypatch):
    called = []
    monkeypatch.setattr(
        cuda.Warping, "compare", lambda self, queries, prepared: called.append(1) or np.zeros((2, 3))
    )
    distances.dtw(*pair(2, 3, 5, 4, 3))
    assert called


def test_nan_is_refused():
    sides = pair(2, 3, 5, 4, 3)
    sides[1][1, 0, 0] = np.nan
    with pytest.raises(InputError, match=r"references\[1\]"):
        distances.dtw(*sides, device="cuda")
