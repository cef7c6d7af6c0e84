"""What the distances between sequences share: checked input, and all pairs in blocks of bounded memory."""

import numpy as np

from relatives.distances.kernels import LANES, group, pack
from relatives.errors import InputError

QUERY_BLOCK = 256
REFERENCE_BLOCK = 16 * LANES


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


def all_pairs(kernel, queries, references, out=None):
    """Run a kernel over all pairs, block by block.

    Parameters
    ----------
    kernel : callable (queries, packed, distances)
        Fills distances (queries, blocks * LANES), as `kernels.warping_costs` does.
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
    for r in range(0, len(references), REFERENCE_BLOCK):
        reference_block = finite("references", references, r, REFERENCE_BLOCK)
        packed = pack(reference_block)
        for q in range(0, len(queries), QUERY_BLOCK):
            query_block = finite("queries", queries, q, QUERY_BLOCK)
            lanes = np.empty((len(query_block), len(packed) * LANES), np.float32)
            kernel(group(query_block), packed, lanes)
            distances[q : q + QUERY_BLOCK, r : r + REFERENCE_BLOCK] = lanes[:, : len(reference_block)]
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
