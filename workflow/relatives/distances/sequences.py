"""What the distances between sequences share: checked input, and all pairs in blocks of bounded memory."""

import numpy as np

from relatives.distances.kernels import LANES, group, pack
from relatives.errors import InputError


class OnCPU:
    """All pairs by a compiled kernel, in blocks that stay in the cache: for `all_pairs`.

    Parameters
    ----------
    kernel : callable (queries, packed, distances)
        Fills distances (queries, blocks * LANES), as `kernels.warping_costs` does.
    """

    query_block, reference_block = 256, 16 * LANES

    def __init__(self, kernel):
        self.kernel = kernel

    def prepare(self, references):
        """References as `compare` takes them."""
        return pack(references)

    def compare(self, queries, packed):
        """Distances of queries (q, n, d) to prepared references, and to what filled these up."""
        lanes = np.empty((len(queries), len(packed) * LANES), np.float32)
        self.kernel(group(queries), packed, lanes)
        return lanes


def on_cuda(device):
    """Whether a setting of the device means a GPU: "auto" does where there is one.

    Raises
    ------
    ValueError
        The device is none of "auto", "cpu" and "cuda".
    InputError
        CUDA is asked for and there is none.
    """
    if device not in {"auto", "cpu", "cuda"}:
        raise ValueError(f"unknown device {device!r}: choose 'auto', 'cpu' or 'cuda'")
    if device == "cpu":
        return False
    from numba import cuda

    found = cuda.is_available()
    if device == "cuda" and not found:
        raise InputError("device is 'cuda', but numba finds no CUDA here; set it to auto or cpu")
    return found


def validate(queries, references):
    """Raise a ValueError unless both are (sequences, frames, coefficients), not empty, of like frames."""
    for name, sequences in (("queries", queries), ("references", references)):
        if sequences.ndim != 3:
            raise ValueError(
                f"{name} must have the shape (sequences, frames, coefficients), not {sequences.shape}; "
                "a single sequence is sequence[np.newaxis]"
            )
        if 0 in sequences.shape:
            raise ValueError(f"{name} are empty: their shape is {sequences.shape}")
    if queries.shape[2] != references.shape[2]:
        raise ValueError(
            f"queries have {queries.shape[2]} coefficients a frame and references {references.shape[2]}: "
            "distances need the same features on both sides"
        )


def result(queries, references, out=None):
    """Return the array that all distances go to: (q, r) float32, a new one or `out`, if that is one."""
    shape = len(queries), len(references)
    if out is None:
        return np.empty(shape, np.float32)
    if out.shape != shape or out.dtype != np.float32:
        raise ValueError(f"out must be {shape} float32 for these sequences, not {out.shape} {out.dtype}")
    return out


def all_pairs(method, queries, references, out=None):
    """Compare all queries with all references, block by block.

    Parameters
    ----------
    method : OnCPU or one of `relatives.distances.cuda`
        How the pairs of a block are compared.
    queries : (q, n, d)
    references : (r, m, d)
        Arrays or memory maps of real numbers, compared as float32. Beside the result, only a block of each is
        in memory at a time.
    out : (q, r) float32, optional
        To be filled and returned; of any kind, so that the result may be a memory map too.

    Returns
    -------
    (q, r) float32

    Raises
    ------
    ValueError
        `out` does not fit.
    InputError
        A sequence holds NaN or infinity.
    """
    distances = result(queries, references, out)
    for r in range(0, len(references), method.reference_block):
        reference_block = finite("references", references, r, method.reference_block)
        prepared = method.prepare(reference_block)
        for q in range(0, len(queries), method.query_block):
            query_block = finite("queries", queries, q, method.query_block)
            found = method.compare(query_block, prepared)[:, : len(reference_block)]
            distances[q : q + len(query_block), r : r + len(reference_block)] = found
    return distances


def finite(name, sequences, start=0, count=None):
    """Copy `count` sequences from `start` on (all of them, by default) to a float32 array of their own.

    Raises
    ------
    InputError
        One of them holds NaN or infinity; the message calls the set by `name`.
    """
    stop = len(sequences) if count is None else start + count
    block = np.array(sequences[start:stop], dtype=np.float32, order="C")
    bad = ~np.isfinite(block).all(axis=(1, 2))
    if bad.any():
        raise InputError(
            f"{name}[{start + int(bad.argmax())}] holds NaN or infinity: no distance can be measured to it; "
            "look at the audio or the features it was made from"
        )
    return block
