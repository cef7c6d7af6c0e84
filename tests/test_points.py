"""What an encoder gives: what becomes points, with which numbers, and what is refused in which words."""

from collections import OrderedDict

import numpy as np
import pytest
import torch

from relatives import points
from relatives.errors import InputError

WANTED = np.array([[1.0, -2.0, 0.5], [4.0, 8.0, 0.0]])


class Elsewhere:
    """An array that numpy asks for itself, as those of JAX and TensorFlow."""

    shape = WANTED.shape

    def __array__(self, dtype=None, copy=None):
        return WANTED.astype(dtype or np.float32)


class OnAGraphicsCard:
    """An array of CuPy: it refuses to be one of numpy unless it is asked in its own words."""

    __cuda_array_interface__ = {}  # noqa: RUF012

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def get(self):
        return WANTED


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("out of\nluck")


def with_gradient():
    return torch.tensor(WANTED, requires_grad=True) * 1


@pytest.mark.parametrize(
    "returned",
    [
        WANTED,
        WANTED.astype(np.float16),
        WANTED.astype(">f4"),
        WANTED.astype(np.longdouble),
        np.asfortranarray(WANTED)[::-1][::-1],
        WANTED.tolist(),
        tuple(WANTED),
        [torch.tensor(row, requires_grad=True) for row in WANTED],
        with_gradient(),
        with_gradient().to(torch.bfloat16),
        torch.tensor(WANTED, dtype=torch.float16),
        torch.tensor(WANTED).to_sparse(),
        torch.quantize_per_tensor(torch.tensor(WANTED).float(), 0.5, 10, torch.qint8),
        torch.nn.Parameter(torch.tensor(WANTED)),
        torch.tensor(WANTED).T.contiguous().T,
        Elsewhere(),
        OnAGraphicsCard(),
        np.ma.masked_array(WANTED),
    ],
)
def test_all_of_these_are_the_same_points(returned):
    found = points.float32(points.of(returned, 2))
    assert found.dtype == np.float32 and type(found) is np.ndarray
    np.testing.assert_array_equal(found, WANTED)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, "torch"])
def test_whole_numbers_are_numbers(dtype):
    given = torch.tensor([[1, 0]]) if dtype == "torch" else np.array([[1, 0]], dtype)
    assert points.float32(points.of(given, 1)).tolist() == [[1.0, 0.0]]


def test_bfloat16_of_jax_is_a_number():
    kinds = pytest.importorskip("ml_dtypes", reason="ml_dtypes comes with JAX and TensorFlow")
    assert points.float32(points.of(WANTED.astype(kinds.bfloat16), 2)).tolist() == WANTED.tolist()


def test_the_axis_of_the_batch_may_lack_for_one_excerpt():
    np.testing.assert_array_equal(points.of(WANTED[0], 1), WANTED[:1])
    with pytest.raises(InputError, match=r"has the shape \(3,\) for 2 excerpts"):
        points.of(WANTED[0], 2)


def test_points_are_a_copy():
    buffer = np.array(WANTED, dtype=np.float32)
    found = points.float32(points.of(buffer, 2))
    buffer[:] = 0
    np.testing.assert_array_equal(found, WANTED)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "what it returns is None; does the function lack its return?"),
        (
            {"embedding": 1, "logits": 2},
            "with the keys 'embedding', 'logits'; give the array of one",
        ),
        (OrderedDict(last_hidden_state=WANTED), "a dictionary with the keys 'last_hidden_state'"),
        ({number: 0 for number in range(9)}, "the keys 0, 1, 2, 3, 4, 5, 6, 7, …"),
        ([{"a": 1}, {"a": 2}], "an element of what it returns is a dictionary with the keys 'a'"),
        (
            (WANTED, np.zeros((2, 4, 3))),
            r"a tuple of 2 arrays of the shapes \(2, 3\) and \(2, 4, 3\)",
        ),
        ([[1.0, 2.0], [3.0]], r"a list of 2 arrays of the shapes \(2,\) and \(1,\)"),
        (WANTED * 1j, r"is complex \(complex128\); points are real numbers"),
        (torch.tensor(WANTED) * 1j, r"is complex \(complex128\)"),
        ([[1j, 2]] * 2, "is complex"),
        (np.array([[None, 1]] * 2), "is an array of objects"),
        (Broken, "is of type type"),
        (Broken(), r"is of type Broken and becomes no array \(RuntimeError: out of luck\)"),
        ((row for row in WANTED), "is of type generator"),
        ("points", "holds <U6"),
        (np.array([["2026-01-01"]] * 2, "datetime64[D]"), "holds datetime64"),
        (np.zeros(2, [("x", "f4")]), r"holds \[\('x'"),
        (torch.zeros(2, 3, device="meta"), "is of type Tensor and becomes no array"),
        (WANTED[None], r"has the shape \(1, 2, 3\) for 2 excerpts; it must be \(2, dimensions\)"),
        (np.zeros((2, 7, 3)), r"shape \(2, 7, 3\) .*; take the mean over the frames"),
        (np.zeros((2, 7, 1)), r"shape \(2, 7, 1\) .*; leave out the axes of length 1"),
        (np.zeros((3, 2)), r"shape \(3, 2\) .*; is it transposed\?"),
        (np.zeros(2), r"shape \(2,\) .*; a single number an excerpt is \(excerpts, 1\)"),
        (np.zeros((2, 0)), r"shape \(2, 0\)"),
        ([], r"shape \(0,\)"),
        (1.5, r"shape \(\)"),
    ],
)
def test_what_are_no_points_is_told(returned, words):
    with pytest.raises(InputError, match=words) as error:
        points.of(returned, 2)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (WANTED * [1, np.nan, 1], "this holds NaN or infinity in 2 of 2 points; look for a division"),
        (np.where(WANTED == 8, np.inf, WANTED), "this holds NaN or infinity in 1 of 2 points"),
        (np.ma.masked_array(WANTED, WANTED == 8), "NaN or infinity in 1 of 2 points"),
        (
            WANTED * 1e300,
            r"this has numbers beyond the range of float32 \(up to 8e\+300\) in 2 of 2",
        ),
        (WANTED * 1e-60, r"this has numbers too small for float32 \(at most 8e-60\).*; scale it up"),
    ],
)
def test_what_float32_cannot_hold_is_told(given, words):
    with np.errstate(all="ignore"), pytest.raises(InputError, match=words):
        points.float32(points.of(given, 2), "this")


def test_zeros_are_points():
    assert not points.float32(np.zeros((2, 3))).any()
