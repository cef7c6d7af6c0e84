"""The compiled kernels of DTW and SiMPle.

One query is compared with LANES references at once: the references of a block are interleaved, so that the
innermost loop runs over the lanes, each lane a pair of its own, and the compiler turns it into vector
instructions. Frames are compared by the sum of squared differences itself, not by |a|² + |b|² - 2ab: on
current processors the subtraction is nearly free beside the multiplication, and float32 then keeps its
relative precision however close two frames are. Identical sequences are at distance 0 exactly.

The coefficients of a frame come in groups of GROUP, the last filled up with zeros, which change no distance.
A group is a sum of known length, which the compiler unrolls; without that it finds no vectors.

Every pair is computed by one thread in a fixed order: the number of threads does not change a bit of the
result. The kernels are compiled on first use and kept on disk. They share this file because that cache
notices a change only in the file in which a kernel stands.
"""

import numpy as np
from numba import njit, prange

LANES = 64
"""References compared at once: 64 float32 are four of the widest vectors, enough to hide latencies."""

GROUP = 8
"""Coefficients summed at once."""

# Products may be fused with sums, and nothing is NaN, as the input is checked; but sums keep their order.
_FLOATS = {"error_model": "numpy", "fastmath": {"contract", "nnan", "nsz"}, "cache": True}
_INFINITY = np.float32(np.inf)
_ZERO = np.float32(0)


def group(sequences):
    """Group the coefficients of sequences (count, frames, d): (count, frames, groups, GROUP) float32."""
    count, frames, coefficients = sequences.shape
    groups = -(-coefficients // GROUP)
    padded = np.zeros((count, frames, groups * GROUP), np.float32)
    padded[:, :, :coefficients] = sequences
    # (count, frames, groups * coefficients of a group) -> (count, frames, groups, coefficients of a group)
    return padded.reshape(count, frames, groups, GROUP)


def pack(references):
    """Group the coefficients of references (r, m, d) and interleave LANES references each.

    Returns
    -------
    (ceil(r / LANES), m, groups, GROUP * LANES) float32
        Reference ``block * LANES + lane`` has coefficient k of a group at ``k * LANES + lane``. Lanes beyond
        the last reference hold zeros.
    """
    grouped = group(references)
    count, frames, groups, _ = grouped.shape
    blocks = -(-count // LANES)
    padded = np.zeros((blocks * LANES, frames, groups, GROUP), np.float32)
    padded[:count] = grouped
    # (blocks * lanes, frames, groups, GROUP) -> (blocks, frames, groups, GROUP, lanes)
    lanes_last = padded.reshape(blocks, LANES, frames, groups, GROUP).transpose(0, 2, 3, 4, 1)
    # (blocks, frames, groups, GROUP, lanes) -> (blocks, frames, groups, GROUP * lanes)
    return np.ascontiguousarray(lanes_last).reshape(blocks, frames, groups, GROUP * LANES)


@njit(inline="always")
def _squared_distances(query, i, frame, squares):
    """Squared distances of the query's frame i to a frame of packed references: fills squares (LANES,)."""
    for lane in range(LANES):
        squares[lane] = _ZERO
    for g in range(query.shape[1]):
        for lane in range(LANES):
            total = squares[lane]
            for k in range(GROUP):
                difference = query[i, g, k] - frame[g, k * LANES + lane]
                total += difference * difference
            squares[lane] = total


@njit(**_FLOATS)
def _warp(query, block, costs):
    """DTW of one query (n, …) with a block of references (m, …): fills costs (LANES,)."""
    column = np.full((len(query), LANES), _INFINITY)  # [i]: best path to query frame i, reference frame j
    below = np.empty(LANES, np.float32)  # best path to i - 1, j
    corner = np.zeros(LANES, np.float32)  # best path to i - 1, j - 1; before both sequences it costs nothing
    squares = np.empty(LANES, np.float32)
    for j in range(len(block)):
        frame = block[j]
        below[:] = _INFINITY
        for i in range(len(query)):
            _squared_distances(query, i, frame, squares)
            for lane in range(LANES):
                left = column[i, lane]  # still that of j - 1
                cost = min(min(corner[lane], left), below[lane]) + np.sqrt(squares[lane])
                corner[lane] = left
                below[lane] = cost
                column[i, lane] = cost
        corner[:] = _INFINITY
    costs[:] = below


@njit(parallel=True, cache=True)
def warping_costs(queries, packed, costs):
    """DTW of all pairs.

    Parameters
    ----------
    queries : (q, n, groups, GROUP) float32
        From `group`.
    packed : (blocks, m, groups, GROUP * LANES) float32
        From `pack`.
    costs : (q, blocks * LANES) float32
        Filled.
    """
    blocks = len(packed)
    for task in prange(len(queries) * blocks):
        query, block = task // blocks, task % blocks
        _warp(queries[query], packed[block], costs[query, block * LANES : (block + 1) * LANES])


@njit(**_FLOATS)
def _join(query, block, window, medians):
    """SiMPle of one query (n, …) with a block of references (m, …): fills medians (LANES,).

    Two windows to be compared lie on a diagonal of the matrix of squared frame distances, and their distance
    is the sum of `window` neighbours there. Each diagonal is cut into stretches of `window` frames. A window
    that does not fill a stretch begins in one and ends in the next: its sum is that to the end of the one
    plus that from the start of the other. So every sum takes two additions and, unlike a running sum, no
    subtraction, which would lose small distances after large ones.
    """
    n, m = len(query), len(block)
    nearest = np.full((n - window + 1, LANES), _INFINITY)
    along = np.empty((n, LANES), np.float32)  # squares of a diagonal; in finished stretches sums to the end
    from_start = np.empty(LANES, np.float32)  # sum from the start of the present stretch
    squares = np.empty(LANES, np.float32)
    for offset in range(window - n, m - window + 1):
        first = max(-offset, 0)  # the query frame where the diagonal enters the matrix
        for t in range(min(n, m - offset) - first):
            if t % window == 0:
                for s in range(t - 2, max(t - window, 0) - 1, -1):
                    for lane in range(LANES):
                        along[s, lane] += along[s + 1, lane]
                from_start[:] = _ZERO
            _squared_distances(query, first + t, block[first + t + offset], squares)
            for lane in range(LANES):
                along[t, lane] = squares[lane]
                from_start[lane] += squares[lane]
            start = t - window + 1  # of the window that ends here
            if start >= 0 and start % window == 0:
                for lane in range(LANES):
                    nearest[first + start, lane] = min(nearest[first + start, lane], from_start[lane])
            elif start >= 0:
                for lane in range(LANES):
                    distance = along[start, lane] + from_start[lane]
                    nearest[first + start, lane] = min(nearest[first + start, lane], distance)
    for lane in range(LANES):
        medians[lane] = np.median(nearest[:, lane])


@njit(parallel=True, cache=True)
def profile_medians(queries, packed, window, medians):
    """SiMPle of all pairs, windows of `window` frames; the other parameters are those of `warping_costs`."""
    blocks = len(packed)
    for task in prange(len(queries) * blocks):
        query, block = task // blocks, task % blocks
        _join(queries[query], packed[block], window, medians[query, block * LANES : (block + 1) * LANES])
