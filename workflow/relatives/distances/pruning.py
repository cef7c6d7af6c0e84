"""Which queries have another reference at most as near as their own, without most of the distances.

That is all that within-space consistency asks, and it rarely needs a whole distance: one reference as near as
the own answers for a query, and one that is farther need not be measured to the end. References are tried in
the order of the distances of their means, as the near ones are likely to stand in front. Each passes a lower
bound before it is computed, and its computation ends when it can no longer be as near.

DTW. Each frame of either sequence is on the path, so its distance to the bounding box of the other sequence
counts at least once: the sums are lower bounds (Keogh's, with a window as long as the sequence). The matrix
of costs is filled by antidiagonals. A cell from which the end cannot be reached within the limit, by its cost
and the bounds of the frames still to come, is dead; what lies outside the cells alive is not computed, and
when none is left, the pair is farther (as in EAPrunedDTW, Herrmann & Webb 2021).

SiMPle. The distance of two windows of w frames is at least w times the squared distance of their means, and
so bounded below by that of the query's mean to the bounding box of all of the reference's. The median is
above a limit as soon as more than half of the windows are, and at most at it as soon as more than half are
not. Diagonals on which no two means are near enough are left out.

Pairs are computed here in float32, but in another order of sums than by `dtw` and `simple`. Where that may
matter, near a tie, they are asked: the answer is always that of their matrix.
"""

import numpy as np
from numba import njit, prange

from relatives.distances import sequences
from relatives.distances.matrix_profile import simple
from relatives.distances.vectors import euclidean
from relatives.distances.warping import dtw

GROUP = 8
"""Coefficients summed at once, a known number that the compiler unrolls."""

RELATIVE, ABSOLUTE = 3e-4, 1e-6
"""How near to a tie two distances are left to `dtw` and `simple`: as a share of the own distance, and of the
length of the longest frame for each frame that is summed. More than rounding can make of both, were either
off by 1e-4, which no way of computing them is."""

PAIRS = 1 << 22
"""In a block of queries: 17 bytes of memory each."""

# In the vector loops all indices are unsigned. A signed one may count from the end, and where numba cannot
# see that it does not, a loop takes up to five times as long.

# Products may be fused with sums, and nothing is NaN, as the input is checked; but sums keep their order.
_FLOATS = {"error_model": "numpy", "fastmath": {"contract", "nnan", "nsz"}, "cache": True}
_INFINITY = np.float32(np.inf)
_ZERO = np.float32(0)
_NEARER, _UNDECIDED = 1, 2  # verdicts; 0 is farther, or not looked at


def others_as_near(queries, references, own, distance="dtw", subsequence=50):
    """Whether another reference is at most as near to a query as its own.

    Parameters
    ----------
    queries : (q, n, d)
        Sequences of n frames of d coefficients.
    references : (r, m, d)
        Held in memory twice, as float32.
    own : (q,) integers
        Index of each query's own reference.
    distance : {"dtw", "simple"}
    subsequence : int
        Frames of a subsequence of SiMPle.

    Returns
    -------
    as_near : (q,) bool
        What the matrix of `dtw` or `simple` says.
    computed : float
        Share of the cells of the matrices of frame distances of all pairs that were computed; of SiMPle, of
        the cells on diagonals long enough for a window. The bounds are not counted.

    Raises
    ------
    ValueError
        The shapes do not fit, a set is empty, or the distance is unknown.
    InputError
        A sequence holds NaN or infinity, or is shorter than the subsequence.

    Examples
    --------
    >>> import numpy as np
    >>> songs = np.array([[[0.0], [1.0]], [[5.0], [6.0]], [[0.0], [1.0]]])
    >>> as_near, computed = others_as_near(songs, songs, own=[0, 1, 2])
    >>> as_near
    array([ True, False,  True])
    """
    queries, references, own = np.asanyarray(queries), np.asanyarray(references), np.asarray(own)
    if distance == "dtw":
        measure = dtw
        sequences.validate(queries, references)
    elif distance == "simple":

        def measure(queries, references):
            return simple(queries, references, subsequence)

        measure(queries[:1], references[:1])  # which looks at what it is given
    else:
        raise ValueError(f"no pruning is known of the distance {distance!r}: choose 'dtw' or 'simple'")
    queries, references = sequences.finite("queries", queries), sequences.finite("references", references)

    # Of all frames, from above; not so small that squares lose their digits below float32's normal range
    largest = max(float(np.abs(side).max()) for side in (queries, references))
    longest = max(largest * np.sqrt(queries.shape[2]), 1e-15)
    n, m = queries.shape[1], references.shape[1]
    if distance == "dtw":
        slack = ABSOLUTE * longest * (n + m)
        cells = n * m
        reference_frames = _frames_last(references[:, ::-1])  # antidiagonals run backwards through one side
        boxes = _boxes(reference_frames)
    else:
        slack = ABSOLUTE * longest**2 * subsequence
        # Of the diagonals that have a window: all cells but two triangles
        cells = n * m - subsequence * (subsequence - 1)
        reference_frames = _frames_last(references)
        means = _window_means(reference_frames, subsequence)
        boxes = _boxes(means)
    centres = references.mean(axis=1, dtype=np.float64)
    as_near = np.zeros(len(queries), bool)
    computed = 0
    block = max(1, PAIRS // len(references))
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        order = np.argsort(euclidean(queries[part].mean(axis=1, dtype=np.float64), centres), axis=1)
        frames = _frames_last(queries[part])
        verdicts = np.zeros(order.shape, np.uint8)
        counts = np.zeros(len(order), np.int64)
        shared = (own[part], order, slack, verdicts, counts)
        if distance == "dtw":
            _search_warps(frames, reference_frames, _boxes(frames), boxes, *shared)
        else:
            query_means = _window_means(frames, subsequence)
            _search_joins(frames, reference_frames, query_means, means, boxes, subsequence, *shared)
        as_near[part] = (verdicts == _NEARER).any(axis=1)
        computed += int(counts.sum())
        for q in np.flatnonzero(~as_near[part] & (verdicts == _UNDECIDED).any(axis=1)):
            undecided = np.flatnonzero(verdicts[q] == _UNDECIDED)
            row = measure(queries[start + q : start + q + 1], references[[own[start + q], *undecided]])[0]
            as_near[start + q] = bool((row[1:] <= row[0]).any())
            computed += cells * len(row)
    return as_near, computed / (cells * len(queries) * len(references))


def _frames_last(sequences):
    """Sequences (count, frames, d) with coefficients in groups: (count, groups, GROUP, frames) float32."""
    count, frames, coefficients = sequences.shape
    groups = -(-coefficients // GROUP)
    padded = np.zeros((count, groups * GROUP, frames), np.float32)
    padded[:, :coefficients] = sequences.transpose(0, 2, 1)
    # (count, groups * coefficients of a group, frames) -> (count, groups, coefficients of a group, frames)
    return padded.reshape(count, groups, GROUP, frames)


def _boxes(frames):
    """Least and largest value of each coefficient over the frames: (count, 2, groups, GROUP)."""
    return np.stack([frames.min(axis=-1), frames.max(axis=-1)], axis=1)


def _window_means(frames, window):
    """Means over all windows (count, groups, GROUP, frames - window + 1)."""
    sums = np.cumsum(frames, axis=-1, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)
    return ((sums[..., window:] - sums[..., :-window]) / window).astype(np.float32)


@njit(inline="always")
def _compare(a, i, b, j, count, squares):
    """Squared distances of frames i, i + 1, … of a to j, j + 1, … of b (groups, GROUP, frames): `count`."""
    a_first, b_first = np.uint64(i), np.uint64(j)
    for t in range(np.uint64(count)):
        squares[t] = _ZERO
    for g in range(a.shape[0]):
        for t in range(np.uint64(count)):
            total = squares[t]
            for k in range(GROUP):
                difference = a[g, k, a_first + t] - b[g, k, b_first + t]
                total += difference * difference
            squares[t] = total


@njit(**_FLOATS)
def _outside(frames, box, squares):
    """Squared distances of frames (groups, GROUP, frames) to a box (2, groups, GROUP): all of them."""
    count = frames.shape[2]
    for t in range(count):
        squares[t] = _ZERO
    for g in range(frames.shape[0]):
        for t in range(count):
            total = squares[t]
            for k in range(GROUP):
                value = frames[g, k, t]
                beyond = max(max(box[0, g, k] - value, value - box[1, g, k]), _ZERO)
                total += beyond * beyond
            squares[t] = total


@njit(**_FLOATS)
def _to_come(frames, box, backwards, limit, rest):
    """Sums of the distances to a box of all frames after each: fills rest; returns that of all frames.

    If the frames are backwards, those after a frame stand before it. Above the limit it stops.
    """
    _outside(frames, box, rest)
    for t in range(len(rest)):
        rest[t] = np.sqrt(rest[t])
    total = _ZERO
    for step in range(len(rest)):
        t = step if backwards else len(rest) - 1 - step
        distance = rest[t]
        rest[t] = total
        total += distance
        if total > limit:
            break
    return total


@njit(**_FLOATS)
def _warp(query, backwards, query_rest, reference_rest, limit, costs, squares):
    """DTW of a query and a reference (groups, GROUP, frames), the latter backwards, as far as the limit.

    Parameters
    ----------
    query_rest : (n,)
        Lower bound of what is to be paid after each frame of the query.
    reference_rest : (m,)
        The same of the reference, backwards too.
    limit : float32
    costs : (3, n + 2)
        Memory for three antidiagonals: [i + 1] is that of query frame i.
    squares : (n,)

    Returns
    -------
    cost : float32
        Infinite if it is above the limit.
    cells : int
        That were computed.
    """
    n, m = query.shape[2], backwards.shape[2]
    costs[:] = _INFINITY
    costs[1, 0] = _ZERO  # before both sequences: the corner of the first cell
    cells = 0
    # The part alive, first to last, of the last antidiagonal but one and of the last
    before_first, before_last = n, -1
    first, last = 0, -1
    for t in range(n + m - 1):
        low = max(min(first, before_first + 1), t - m + 1, 0)
        high = min(max(last, before_last) + 1, n - 1, t)
        before_first, before_last = first, last
        first, last = n, -1
        now, left, corner = t % 3, (t + 2) % 3, (t + 1) % 3  # the antidiagonals of t, t - 1, t - 2
        if low <= high:
            count = high - low + 1
            shift = m - 1 - t  # query frame i meets reference frame t - i, backwards i + shift
            _compare(query, low, backwards, low + shift, count, squares)
            start, one = np.uint64(low), np.uint64(1)
            for c in range(np.uint64(count)):
                i = start + c
                nearest = min(min(costs[left, i + one], costs[left, i]), costs[corner, i])
                costs[now, i + one] = nearest + np.sqrt(squares[c])
            cells += count
            while low <= high:
                if costs[now, low + 1] + max(query_rest[low], reference_rest[low + shift]) <= limit:
                    break
                costs[now, low + 1] = _INFINITY
                low += 1
            while low <= high:
                if costs[now, high + 1] + max(query_rest[high], reference_rest[high + shift]) <= limit:
                    break
                costs[now, high + 1] = _INFINITY
                high -= 1
            if low <= high:
                first, last = low, high
                costs[now, low] = costs[now, high + 2] = _INFINITY  # left from three antidiagonals before
        if last < 0 and before_last < 0:
            return _INFINITY, cells
    return costs[(n + m - 2) % 3, n], cells


@njit(**_FLOATS)
def _search_warp(query, references, box, boxes, own, order, slack, verdicts):
    """DTW: compare a query (groups, GROUP, n) with the references in `order` until one is surely nearer.

    References are backwards; `box` and `boxes` are those of the query and of all references. Fills verdicts
    (r,); returns the cells that were computed.
    """
    n, m = query.shape[2], references.shape[3]
    query_rest, reference_rest = np.zeros(n, np.float32), np.zeros(m, np.float32)
    costs, squares = np.empty((3, n + 2), np.float32), np.empty(n, np.float32)
    cost, computed = _warp(query, references[own], query_rest, reference_rest, _INFINITY, costs, squares)
    lower, limit = np.float32(cost * (1 - RELATIVE) - slack), np.float32(cost * (1 + RELATIVE) + slack)
    for candidate in order:
        if candidate == own:
            continue
        if _to_come(query, boxes[candidate], False, limit, query_rest) > limit:
            continue
        reference = references[candidate]
        if _to_come(reference, box, True, limit, reference_rest) > limit:
            continue
        cost, cells = _warp(query, reference, query_rest, reference_rest, limit, costs, squares)
        computed += cells
        if cost < lower:
            verdicts[candidate] = _NEARER
            break
        if cost <= limit:
            verdicts[candidate] = _UNDECIDED
    return computed


@njit(parallel=True, cache=True)
def _search_warps(queries, references, query_boxes, boxes, own, order, slack, verdicts, computed):
    """`_search_warp` of all queries: fills verdicts (q, r) and computed (q,)."""
    for q in prange(len(queries)):
        computed[q] = _search_warp(
            queries[q], references, query_boxes[q], boxes, own[q], order[q], slack, verdicts[q]
        )


@njit(**_FLOATS)
def _windows_beyond(means, box, window, limit, squares):
    """Of the windows' means (groups, GROUP, windows), how many are farther than the limit from a box."""
    _outside(means, box, squares)
    beyond = 0
    for t in range(means.shape[2]):
        beyond += squares[t] * window > limit
    return beyond


@njit(**_FLOATS)
def _sums(values, count, window, sums, spare):
    """Sums of `window` neighbours among the first `count` values: sums (count - window + 1), values lost.

    The sums of 1, 2, 4, … neighbours, each of two of the former, and of those that the window is made of.
    """
    starts = np.uint64(count - window + 1)
    for t in range(starts):
        sums[t] = _ZERO
    done, size = np.uint64(0), np.uint64(1)
    while True:
        if np.uint64(window) & size:
            for t in range(starts):
                sums[t] += values[t + done]
            done += size
        if done == np.uint64(window):
            return
        for t in range(np.uint64(count) - size - size + np.uint64(1)):
            spare[t] = values[t] + values[t + size]
        size += size
        values, spare = spare, values


@njit(**_FLOATS)
def _join(query, reference, query_means, means, window, lower, limit, nearest, memory):
    """The profile of a query by a reference (groups, GROUP, frames), as far as it matters for the limit.

    Parameters
    ----------
    query_means, means : (groups, GROUP, windows)
    window : int
    lower, limit : float32
        Stops when the median is surely below `lower`; leaves out diagonals that are surely above `limit`.
    nearest : (windows of the query,)
        Filled: the profile, or anything above the limit, where it is above that.
    memory : (3, n)

    Returns
    -------
    cells : int
        That were computed.
    """
    n, m = query.shape[2], reference.shape[2]
    squares, sums, spare = memory[0], memory[1], memory[2]
    nearest[:] = _INFINITY
    cells = 0
    # The main diagonal first: 0, 1, -1, 2, -2, …
    for turn in range(2 * max(n, m)):
        offset = (turn + 1) // 2 if turn % 2 else -(turn // 2)
        if not window - n <= offset <= m - window:
            continue
        i, j = max(-offset, 0), max(offset, 0)
        count = min(n - i, m - j)
        starts = count - window + 1
        _compare(query_means, i, means, j, starts, squares)
        least = _INFINITY
        for t in range(starts):
            least = min(least, squares[t])
        if least * window > limit:
            continue
        _compare(query, i, reference, j, count, squares)
        cells += count
        _sums(squares, count, window, sums, spare)
        nearer = 0
        first = np.uint64(i)
        for t in range(np.uint64(starts)):
            nearest[first + t] = min(nearest[first + t], sums[t])
        for t in range(len(nearest)):
            nearer += nearest[t] < lower
        if 2 * nearer > len(nearest):
            break
    return cells


@njit(**_FLOATS)
def _search_join(query, references, query_means, means, boxes, window, own, order, slack, verdicts):
    """SiMPle: as `_search_warp`; `means` and `boxes` are those of all windows."""
    windows = query_means.shape[2]
    nearest, memory = np.empty(windows, np.float32), np.empty((3, query.shape[2]), np.float32)
    everything = -_INFINITY, _INFINITY
    computed = _join(query, references[own], query_means, means[own], window, *everything, nearest, memory)
    median = np.median(nearest)
    lower, limit = np.float32(median * (1 - RELATIVE) - slack), np.float32(median * (1 + RELATIVE) + slack)
    for candidate in order:
        if candidate == own:
            continue
        if 2 * _windows_beyond(query_means, boxes[candidate], window, limit, memory[0]) > windows:
            continue
        reference = references[candidate]
        computed += _join(
            query, reference, query_means, means[candidate], window, lower, limit, nearest, memory
        )
        nearer, farther = 0, 0
        for t in range(windows):
            nearer += nearest[t] < lower
            farther += nearest[t] > limit
        if 2 * farther > windows:
            continue
        if 2 * nearer <= windows:
            # The median of an even number lies between two windows: it takes both, however far
            computed += _join(
                query, reference, query_means, means[candidate], window, *everything, nearest, memory
            )
            median = np.median(nearest)
            if median > limit:
                continue
            if median >= lower:
                verdicts[candidate] = _UNDECIDED
                continue
        verdicts[candidate] = _NEARER
        break
    return computed


@njit(parallel=True, cache=True)
def _search_joins(
    queries, references, query_means, means, boxes, window, own, order, slack, verdicts, computed
):
    """`_search_join` of all queries: fills verdicts (q, r) and computed (q,)."""
    for q in prange(len(queries)):
        computed[q] = _search_join(
            queries[q], references, query_means[q], means, boxes, window, own[q], order[q], slack, verdicts[q]
        )
