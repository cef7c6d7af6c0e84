"""What an encoder gives, as points: every check of it stands here, once.

Whoever takes points from an encoder comes through `of` and `float32`: the pipeline, ``relatives
test-encoder``, `repeatability`, and `manifest` for arrays that were computed elsewhere. An encoder may give
what it likes, as long as it says one vector of real numbers for each excerpt: an array of numpy, a list of
numbers, a tensor of torch on any device and with its gradient, an array of JAX, TensorFlow or CuPy. All else
is refused in one sentence that begins with ``what``: the words for what is checked.

Points are kept as float32. Whoever measures distances does so in float64, where no square of a float32
overflows.
"""

from collections.abc import Mapping

import numpy as np

from relatives.errors import InputError

RETURNED = "what it returns"
"""What is checked, in the words of a message, unless the caller says it otherwise."""

NUMBERS = "biuf"
"""The kinds of numpy's types that points may have: bool, integers, floats."""

KEYS = 8
"""Of a dictionary, named in a message."""


def array(returned: object, what: str = RETURNED) -> np.ndarray:
    """An array of real numbers out of whatever holds them.

    Parameters
    ----------
    returned : object
        An array, a tensor, or a list or tuple of numbers or of such.
    what : str
        What it is, as the message begins.

    Returns
    -------
    ndarray
        Of bool, integers or floats, of any shape; in its own precision, but bfloat16 and the like as float32.
        It may share its memory with `returned`.

    Raises
    ------
    InputError
        It holds no real numbers, or they are not in rows of one length.

    Examples
    --------
    >>> array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if returned is None:
        raise InputError(f"{what} is None; does the function lack its return?")
    if isinstance(returned, Mapping):
        keys = ", ".join(map(repr, list(returned)[:KEYS])) + (", …" if len(returned) > KEYS else "")
        raise InputError(
            f"{what} is a dictionary with the keys {keys or '(none)'}; give the array of one of them alone"
        )
    found = _stacked(returned, what) if isinstance(returned, list | tuple) else _converted(returned, what)
    if found.dtype.kind == "V" and found.dtype.names is None:
        # bfloat16 and float8 of the package ml_dtypes, which JAX and TensorFlow use, are of no usual kind
        try:
            found = found.astype(np.float32)
        except (TypeError, ValueError):
            raise InputError(f"{what} holds {found.dtype}; points are real numbers (float32)") from None
    if found.dtype.kind == "c":
        raise InputError(
            f"{what} is complex ({found.dtype}); points are real numbers (float32): give the magnitude, or"
            " the real and the imaginary part side by side"
        )
    if found.dtype.kind == "O":
        inside = f"of type {type(returned).__name__}" if not found.ndim else "an array of objects"
        raise InputError(f"{what} is {inside}; points are an array of real numbers (float32)")
    if found.dtype.kind not in NUMBERS:
        raise InputError(f"{what} holds {found.dtype}; points are real numbers (float32)")
    return found


def of(returned: object, excerpts: int, what: str = RETURNED) -> np.ndarray:
    """The points of a batch of excerpts, in the precision in which they were given.

    Parameters
    ----------
    returned : object
        As `array` takes it. A single excerpt's vector may come without its axis of the batch.
    excerpts : int
        How many there are in the batch.
    what : str
        As of `array`.

    Returns
    -------
    (excerpts, dimensions) ndarray
        A copy: what the encoder does to its own array later changes no point.

    Raises
    ------
    InputError
        As of `array`, or the shape is not one vector an excerpt.
    """
    found = np.array(array(returned, what))
    if excerpts == 1 and found.ndim == 1:
        found = found[None]  # (dimensions,) -> (1, dimensions)
    if found.ndim != 2 or len(found) != excerpts or not found.shape[1]:
        many = "" if excerpts == 1 else "s"
        raise InputError(
            f"{what} has the shape {found.shape} for {excerpts} excerpt{many}; it must be ({excerpts},"
            f" dimensions), one vector an excerpt{_hint(found.shape, excerpts)}"
        )
    return found


def float32(points: np.ndarray, what: str = RETURNED) -> np.ndarray:
    """Points as float32, once all of them are finite.

    Parameters
    ----------
    points : (…, dimensions) real
    what : str
        As of `array`.

    Returns
    -------
    (…, dimensions) float32

    Raises
    ------
    InputError
        A value is NaN or infinite, or beyond what float32 can hold: above 3.4e38, or so small in every
        dimension of every point that float32 makes 0 of them.
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = points.astype(np.float32, copy=False)
    bad = ~np.isfinite(rounded).all(axis=-1)
    if bad.any():
        where = f"{np.count_nonzero(bad)} of {bad.size} point{'' if bad.size == 1 else 's'}"
        if np.isfinite(points).all():
            raise InputError(
                f"{what} has numbers beyond the range of float32 (up to {np.abs(points).max():.3g}) in"
                f" {where}; scale it down"
            )
        raise InputError(
            f"{what} holds NaN or infinity in {where}; look for a division or a logarithm without a floor"
        )
    if rounded.size and not rounded.any() and points.any():
        raise InputError(
            f"{what} has numbers too small for float32 (at most {np.abs(points).max():.3g}), which would all"
            " be 0; scale it up"
        )
    return rounded


def _stacked(rows: list | tuple, what: str) -> np.ndarray:
    """The array of a list: of numbers, of lists of them, or of arrays and tensors."""
    plain = (bool, int, float, complex, np.generic, str, bytes)
    if not rows or all(isinstance(row, plain) for row in rows):
        return np.asarray(rows)
    parts = [row if isinstance(row, plain) else array(row, f"an element of {what}") for row in rows]
    shapes = list(dict.fromkeys(np.shape(part) for part in parts))
    if len(shapes) > 1:
        words = " and ".join(map(str, shapes[:3]))
        raise InputError(
            f"{what} is a {type(rows).__name__} of {len(rows)} arrays of the shapes {words}; give the points"
            " alone, as one array (excerpts, dimensions)"
        )
    return np.stack([np.asarray(part) for part in parts])


def _of_torch(tensor) -> np.ndarray:
    """The array of a tensor of torch, wherever it lies, without its gradient."""
    tensor = tensor.detach()
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    if getattr(tensor, "is_sparse", False):
        tensor = tensor.to_dense()
    tensor = tensor.cpu()
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.float()  # numpy has no bfloat16
    return tensor.resolve_conj().resolve_neg().numpy()


def _converted(returned: object, what: str) -> np.ndarray:
    """The array of an object that holds one."""
    try:
        if hasattr(returned, "detach"):
            return _of_torch(returned)
        if isinstance(returned, np.ma.MaskedArray) and returned.dtype.kind in NUMBERS:
            # What lies under a mask is no value: as an array it would count as one
            return returned.astype(np.float64).filled(np.nan) if np.ma.is_masked(returned) else returned.data
        if hasattr(returned, "__cuda_array_interface__") and hasattr(returned, "get"):
            return returned.get()  # CuPy copies to the CPU only when it is told
        return np.asarray(returned)
    except Exception as error:  # an object of the user's may raise anything
        raise InputError(
            f"{what} is of type {type(returned).__name__} and becomes no array"
            f" ({type(error).__name__}: {' '.join(str(error).split())})"
        ) from error


def _hint(shape: tuple[int, ...], excerpts: int) -> str:
    """What to do about points of the wrong shape."""
    if len(shape) > 2 and shape[0] == excerpts:
        if np.prod(shape[1:]) == max(shape[1:]):
            return "; leave out the axes of length 1"
        return "; take the mean over the frames, for example"
    if len(shape) == 2 and shape[1] == excerpts and shape[0] != excerpts:
        return "; is it transposed?"
    if shape == (excerpts,):
        return "; a single number an excerpt is (excerpts, 1)"
    return ""
