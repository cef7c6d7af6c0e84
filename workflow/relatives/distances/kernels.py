"""The compiled kernels of DTW and SiMPle.

One query is compared with LANES references at once: the references of a block are interleaved, so that the
innermost loop runs over the lanes, each lane a pair of its own, and the compiler turns it into vector
instructions. ROWS frames of the query are compared with a frame of the references at once: each coefficient
of the references is loaded once for all of them, and their sums hide each other's latency. That halves the
time of a pair.

Whether two arrays overlap is checked at run time, and where that takes more than eight checks the compiler
leaves a loop without vectors, at six times the time. So the loops over lanes touch few arrays, each by one
slice and by offsets known when they are compiled.

Frames are compared by the sum of squared differences itself, not by |a|² + |b|² - 2ab: on current processors
the subtraction is nearly free beside the multiplication, and float32 then keeps its relative precision
however close two frames are. Identical sequences are at distance 0 exactly.

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

ROWS = 4
"""Query frames compared at once; `_compare` and `_warp` write them out."""

GROUP = 8
"""Coefficients summed at once."""

LINE = 64
"""Bytes of a line of the cache, on most processors."""

DIAGONALS = 8
"""Diagonals that SiMPle follows at once: what it remembers of them stays in the cache at any length."""

# Products may be fused with sums, and nothing is NaN, as the input is checked; but sums keep their order.
_FLOATS = {"error_model": "numpy", "fastmath": {"contract", "nnan", "nsz"}, "cache": True}
_INFINITY = np.float32(np.inf)
_ZERO = np.float32(0)


def group(sequences):
    """Group the coefficients of sequences (count, frames, d).

    Returns
    -------
    (count, groups, (frames + ROWS - 1) * GROUP) float32
        Frame i has coefficient k of a group at ``i * GROUP + k``. The frames beyond the last hold zeros, so
        that ROWS frames at once may begin at any frame.
    """
    count, frames, coefficients = sequences.shape
    groups = -(-coefficients // GROUP)
    padded = np.zeros((count, frames + ROWS - 1, groups * GROUP), np.float32)
    padded[:, :frames, :coefficients] = sequences
    # (count, frames, groups * coefficients of a group) -> (count, groups, frames, coefficients of a group)
    groups_first = padded.reshape(count, -1, groups, GROUP).transpose(0, 2, 1, 3)
    # (count, groups, frames, coefficients of a group) -> (count, groups, frames * coefficients of a group)
    return np.ascontiguousarray(groups_first).reshape(count, groups, -1)


def pack(references):
    """Group the coefficients of references (r, m, d) and interleave LANES references each.

    Returns
    -------
    (ceil(r / LANES), m, groups, GROUP * LANES) float32
        Reference ``block * LANES + lane`` has coefficient k of a group at ``k * LANES + lane``. Lanes beyond
        the last reference hold zeros.
    """
    count, frames, coefficients = references.shape
    blocks, groups = -(-count // LANES), -(-coefficients // GROUP)
    padded = np.zeros((blocks * LANES, frames, groups * GROUP), np.float32)
    padded[:count, :, :coefficients] = references
    # (blocks * lanes, frames, groups * GROUP) -> (blocks, frames, groups * GROUP, lanes)
    lanes_last = padded.reshape(blocks, LANES, frames, groups * GROUP).transpose(0, 2, 3, 1)
    # Vectors that lie across two lines of the cache are loaded in two: a pair takes up to a third longer.
    room = np.empty(lanes_last.nbytes + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    packed = room[start : start + lanes_last.nbytes].view(np.float32).reshape(lanes_last.shape)
    packed[:] = lanes_last
    # (blocks, frames, groups * GROUP, lanes) -> (blocks, frames, groups, GROUP * lanes)
    return packed.reshape(blocks, frames, groups, GROUP * LANES)


@njit(inline="always")
def _compare(frames, frame, lane, squares):
    """Add the squared differences of a group of coefficients, in one lane, to squares (ROWS, LANES).

    frames (ROWS * GROUP,) are of the query, frame (GROUP * LANES,) is of the references. The sums are
    returned, not written: the caller may have more to do with them while they are in registers.
    """
    square0, square1 = squares[0, lane], squares[1, lane]
    square2, square3 = squares[2, lane], squares[3, lane]
    for k in range(GROUP):
        coefficient = frame[k * LANES + lane]
        difference0 = frames[k] - coefficient
        difference1 = frames[GROUP + k] - coefficient
        difference2 = frames[2 * GROUP + k] - coefficient
        difference3 = frames[3 * GROUP + k] - coefficient
        square0 += difference0 * difference0
        square1 += difference1 * difference1
        square2 += difference2 * difference2
        square3 += difference3 * difference3
    return square0, square1, square2, square3


@njit(inline="always")
def _squares(query, i, frame, groups, squares):
    """Squared distances over the first groups, of ROWS query frames from i on to a frame: fills squares."""
    for row in range(ROWS):  # an assignment to the slice is not compiled to vectors
        for lane in range(LANES):
            squares[row, lane] = _ZERO
    for g in range(groups):
        frames, coefficients = query[g, i * GROUP : (i + ROWS) * GROUP], frame[g]
        for lane in range(LANES):
            squares[0, lane], squares[1, lane], squares[2, lane], squares[3, lane] = _compare(
                frames, coefficients, lane, squares
            )


@njit(**_FLOATS)
def _warp(query, block, costs):
    """DTW of one query (groups, …) with a block of references (m, …): fills costs (LANES,)."""
    n = query.shape[1] // GROUP - ROWS + 1
    column = np.full((1 + n + ROWS - 1, LANES), _INFINITY)  # [1 + i]: best path to query frame i, frame j
    squares = np.empty((ROWS + 1, LANES), np.float32)  # and, in the row below them,
    corner = ROWS  # the best path to i - 1, j - 1
    squares[corner] = _ZERO  # before both sequences it costs nothing
    last = len(query) - 1
    for j in range(len(block)):
        for i in range(0, n, ROWS):
            _squares(query, i, block[j], last, squares)
            # The last group and the path in one loop: the square roots, slow but on a unit of their own, are
            # drawn while the next lanes are compared. In two loops a pair takes a third longer.
            frames, coefficients = query[last, i * GROUP : (i + ROWS) * GROUP], block[j, last]
            path = column[i : i + ROWS + 1]
            for lane in range(LANES):
                square0, square1, square2, square3 = _compare(frames, coefficients, lane, squares)
                left0, left1 = path[1, lane], path[2, lane]  # still those of j - 1
                left2, left3 = path[3, lane], path[4, lane]
                cost0 = min(min(squares[corner, lane], left0), path[0, lane]) + np.sqrt(square0)
                cost1 = min(min(left0, left1), cost0) + np.sqrt(square1)
                cost2 = min(min(left1, left2), cost1) + np.sqrt(square2)
                cost3 = min(min(left2, left3), cost2) + np.sqrt(square3)
                path[1, lane], path[2, lane], path[3, lane], path[4, lane] = cost0, cost1, cost2, cost3
                squares[corner, lane] = left3
        squares[corner] = _INFINITY
    costs[:] = column[n]


@njit(parallel=True, cache=True)
def warping_costs(queries, packed, costs):
    """DTW of all pairs.

    Parameters
    ----------
    queries : (q, groups, (n + ROWS - 1) * GROUP) float32
        From `group`.
    packed : (blocks, m, groups, GROUP * LANES) float32
        From `pack`.
    costs : (q, blocks * LANES) float32
        Filled.
    """
    # A block of references stays in the cache while the queries pass by.
    for task in prange(len(packed) * len(queries)):
        block, query = task // len(queries), task % len(queries)
        _warp(queries[query], packed[block], costs[query, block * LANES : (block + 1) * LANES])


@njit(inline="always")
def _medians(values, medians):
    """Median of each lane of values (count, LANES), which are sorted: fills medians (LANES,).

    By exchange of neighbours, in as many rounds as there are values: all lanes take the same steps.
    """
    count = len(values)
    for turn in range(count):
        for place in range(turn % 2, count - 1, 2):
            for lane in range(LANES):
                low, high = values[place, lane], values[place + 1, lane]
                values[place, lane], values[place + 1, lane] = min(low, high), max(low, high)
    for lane in range(LANES):
        medians[lane] = (values[(count - 1) // 2, lane] + values[count // 2, lane]) / np.float32(2)


@njit(**_FLOATS)
def _join(query, block, window, medians):
    """SiMPle of one query (groups, …) with a block of references (m, …): fills medians (LANES,).

    Two windows to be compared lie on a diagonal of the matrix of squared frame distances, and their distance
    is the sum of `window` neighbours there. The rows of the matrix are cut every `window` rows, and every
    window ends at a cut or has one inside: its sum is that from its start to the cut plus that from the cut
    to its end. The former are gathered from the cut upwards, the latter downwards: every sum takes two
    additions and, unlike a running sum, no subtraction, which would lose small distances after large ones.
    Rows between two cuts, in sequences longer than two windows, are compared for each: to keep their squares
    instead, in the second-level cache, takes as long.

    DIAGONALS neighbouring diagonals are followed at once, from one frame of the references to the next.
    """
    n, m = query.shape[1] // GROUP - ROWS + 1, len(block)
    groups = len(query)
    nearest = np.full((n - window + 1) * LANES, _INFINITY)
    # [column, diagonal * LANES + lane], diagonals from the upper right to the lower left: the rows compared
    # at once are neighbours, and one loop over them and their lanes does it. Below the cut it stays 0.
    to_cut = np.zeros((window + DIAGONALS, DIAGONALS * LANES), np.float32)
    from_cut = np.empty(DIAGONALS * LANES, np.float32)
    squares = np.empty((ROWS, LANES), np.float32)
    square = squares.reshape(-1)
    for low in range(window - n, m - window + 1, DIAGONALS):
        high = min(low + DIAGONALS, m - window + 1)
        for cut in range(window, n + 1, window):
            first, end = cut - window, min(cut + window - 1, n)
            left = first + low  # the first column of to_cut
            for j in range(min(cut - 1 + high, m) - 1, max(left, 0) - 1, -1):
                stop = min(cut, j - low + 1)
                for i in range(max(first, j - high + 1), stop, ROWS):
                    _squares(query, i, block[j], groups, squares)
                    place = (i - j + low + DIAGONALS - 1) * LANES
                    here, after = to_cut[j - left, place:], to_cut[j - left + 1, place:]
                    for lane in range(min(ROWS, stop - i) * LANES):
                        here[lane] = after[lane] + square[lane]
            for offset in range(max(low, -first), min(high, m - cut + 1)):
                best = nearest[first * LANES :]
                whole = to_cut[offset - low, (low + DIAGONALS - 1 - offset) * LANES :]
                for lane in range(LANES):
                    best[lane] = min(best[lane], whole[lane])
            from_cut[:] = _ZERO
            for j in range(max(cut + low, 0), min(end - 1 + high, m)):
                stop = min(end, j - low + 1)
                for i in range(max(cut, j - high + 1), stop, ROWS):
                    _squares(query, i, block[j], groups, squares)
                    place = (i - j + low + DIAGONALS - 1) * LANES
                    lanes = min(ROWS, stop - i) * LANES
                    here = from_cut[place:]
                    for lane in range(lanes):
                        here[lane] += square[lane]
                    if j >= window - 1:
                        best = nearest[(i - window + 1) * LANES :]
                        before = to_cut[j - window + 1 - left, place:]
                        for lane in range(lanes):
                            best[lane] = min(best[lane], before[lane] + here[lane])
    _medians(nearest.reshape(n - window + 1, LANES), medians)


@njit(parallel=True, cache=True)
def profile_medians(queries, packed, window, medians):
    """SiMPle of all pairs, windows of `window` frames; the other parameters are those of `warping_costs`."""
    for task in prange(len(packed) * len(queries)):
        block, query = task // len(queries), task % len(queries)
        _join(queries[query], packed[block], window, medians[query, block * LANES : (block + 1) * LANES])
