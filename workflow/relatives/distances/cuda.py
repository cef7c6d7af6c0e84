"""DTW and SiMPle of all pairs on a CUDA GPU.

DTW. A thread has a pair, a block of threads one query and THREADS references. It goes through the matrix of
frame distances in strips of ROWS query frames, whose costs it keeps in registers while the reference's frames
pass by; only the last row of a strip is written, for the next. So memory is touched once in ROWS cells, and
sequences of any length fit.

SiMPle. A block of threads has a pair: its threads fill the matrix of squared frame distances, then each
follows diagonals, then each looks for the nearest of a window. The matrix stays on the chip if it fits there,
and goes to the memory of the GPU if not.

Both compare a coefficient of a reference with ROWS query frames at a time, by the sum of squared differences
itself, as `relatives.distances.kernels` does and for its reason. Windows are summed without subtraction, in
the same way, too. Results differ from the CPU's by rounding only; they are the same for any size of the grid.

numba compiles for the GPU that it finds. Without one, NUMBA_ENABLE_CUDASIM=1 runs the kernels in Python.
"""

import math
from functools import cache

import numpy as np
from numba import cuda, float32, uint64

THREADS = 128
"""Of a block; also references of a block of DTW."""

ROWS = 8
"""Query frames compared at once: eight sums in registers hide the latency of each."""

BLOCKS = 1024
"""Blocks of threads at most, eight for each multiprocessor of an H100. They share out the pairs: what memory
a block needs for itself does not grow with their number, and stays in the cache at the study's size."""

SCRATCH = 1 << 30
"""Bytes that all blocks may need for themselves. Fewer run where it would be more, but one does."""

ON_CHIP = 48 << 10
"""Bytes of shared memory that every GPU grants a block: the matrix of two sequences of 108 frames fits."""

BLOCK = 4096
"""Queries, and references, on the GPU at a time."""

FLOAT = 4
"""Bytes of a float32."""

ALIGNMENT = 16
"""Bytes of the shared memory, so that four floats are loaded at once. The simulator knows only None."""

_FAR = float32(np.inf)
_ZERO = float32(0)


class Warping:
    """DTW: for `relatives.distances.sequences.all_pairs`."""

    query_block = reference_block = BLOCK

    def prepare(self, references):
        """References (r, m, d) on the GPU, flat, with their number and length."""
        return cuda.to_device(interleave(references).reshape(-1)), references.shape[:2]

    def compare(self, queries, prepared):
        """Distances of queries (q, n, d) to prepared references, and to what filled these up."""
        packed, (count, m) = prepared
        blocks = -(-count // THREADS)
        costs = cuda.device_array((len(queries), blocks * THREADS), np.float32)
        grid = _grid(len(queries) * blocks, m * THREADS)
        boundary = cuda.device_array((grid, m, THREADS), np.float32)
        cut, n = cuda.to_device(strips(queries)), queries.shape[1]
        _warp[grid, THREADS, 0, FLOAT * cut.shape[2]](cut, n, packed, m, boundary, costs)
        return costs.copy_to_host()


class Joining:
    """SiMPle with windows of `window` frames: for `relatives.distances.sequences.all_pairs`."""

    query_block = reference_block = BLOCK

    def __init__(self, window):
        self.window = window

    def prepare(self, references):
        """References (r, m, d) on the GPU, flat, with their number and length."""
        # (r, m, d) -> (r, d, m) -> (r * d * m,)
        frames_last = np.ascontiguousarray(references.transpose(0, 2, 1)).reshape(-1)
        return cuda.to_device(frames_last), references.shape[:2]

    def compare(self, queries, prepared):
        """Distances of queries (q, n, d) to prepared references: (q, r)."""
        frames_last, (count, m) = prepared
        medians = cuda.device_array((len(queries), count), np.float32)
        cut, n = cuda.to_device(strips(queries)), queries.shape[1]
        shared, matrix = cut.shape[2], n * (m | 1)
        on_chip = FLOAT * (shared + matrix + ROWS) <= ON_CHIP  # ROWS: the kernel keeps a little more there
        if on_chip:
            shared, matrix = shared + matrix, 0
        grid = _grid(len(queries) * count, matrix)
        scratch = cuda.device_array((grid, max(matrix, 1)), np.float32)
        _joins(on_chip)[grid, THREADS, 0, FLOAT * shared](
            cut, n, frames_last, m, self.window, scratch, medians
        )
        return medians.copy_to_host()


def _grid(tasks, values):
    """Blocks of threads for so many tasks, of which each at a time needs so many float32 for itself."""
    return max(1, min(tasks, BLOCKS, SCRATCH // (FLOAT * max(values, 1))))


def strips(sequences):
    """Cut sequences (count, n, d) into strips of ROWS frames.

    Returns
    -------
    (count, ceil(n / ROWS), d * ROWS) float32
        Frame ``strip * ROWS + row`` has coefficient k at ``k * ROWS + row``. Frames beyond the last hold
        zeros.
    """
    count, frames, coefficients = sequences.shape
    number = -(-frames // ROWS)
    padded = np.zeros((count, number * ROWS, coefficients), np.float32)
    padded[:, :frames] = sequences
    # (count, strips * rows, d) -> (count, strips, d, rows)
    rows_last = padded.reshape(count, number, ROWS, coefficients).transpose(0, 1, 3, 2)
    # (count, strips, d, rows) -> (count, strips, d * rows)
    return np.ascontiguousarray(rows_last).reshape(count, number, -1)


def interleave(references):
    """Interleave THREADS references (r, m, d) each, so that neighbouring threads read neighbouring numbers.

    Returns
    -------
    (ceil(r / THREADS), m, d, THREADS) float32
        Places beyond the last reference hold zeros.
    """
    count, frames, coefficients = references.shape
    blocks = -(-count // THREADS)
    padded = np.zeros((blocks * THREADS, frames, coefficients), np.float32)
    padded[:count] = references
    # (blocks * threads, m, d) -> (blocks, m, d, threads)
    threads_last = padded.reshape(blocks, THREADS, frames, coefficients).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(threads_last)


@cuda.jit(device=True)
def _sum_windows(matrix, stride, offset, first, end, window):
    """Sum the windows of the diagonal j = i + offset, which has the rows from first to end - 1.

    The rows are cut every `window` rows, and every window starts at or before the end of a piece and ends
    in the next: its sum is that from its start to the cut plus that from the cut to its end. The former
    replaces the square at its start, and the latter is added to it.
    """
    step = stride + 1
    for cut in range(window, end + 1, window):
        total = _ZERO
        for i in range(cut - 1, max(cut - window, first) - 1, -1):
            total += matrix[i * step + offset]
            matrix[i * step + offset] = total
        total = _ZERO
        for i in range(cut, min(cut + window - 1, end)):
            total += matrix[i * step + offset]
            if i - window + 1 >= first:
                matrix[(i - window + 1) * step + offset] += total


@cuda.jit(device=True, inline=True)
def _square(strip, coefficients, references, place, step, squares):
    """Squared distances of a strip to a frame of a reference: fills squares (ROWS,).

    Coefficient k of the frame is references[place + k * step], of a flat array. The counters are unsigned and
    only grow: numba takes signed ones for indices from the end, and computes each in ten instructions.
    """
    for row in range(ROWS):
        squares[row] = _ZERO
    place, start = uint64(place), uint64(0)
    for _ in range(coefficients):
        coefficient = references[place]
        for row in range(ROWS):
            difference = strip[start + uint64(row)] - coefficient
            squares[row] += difference * difference
        place += uint64(step)
        start += uint64(ROWS)


@cuda.jit(device=True, inline=True)
def _load(strip, values):
    """Copy a strip of a query to the shared memory of the block, when no thread needs the one before."""
    cuda.syncthreads()
    for place in range(cuda.threadIdx.x, len(values), THREADS):
        strip[place] = values[place]
    cuda.syncthreads()


@cuda.jit
def _warp(queries, frames, packed, m, boundary, costs):
    """DTW of queries (q, strips, d * ROWS) of `frames` frames with references of m frames.

    packed is (blocks, m, d, THREADS), flat; boundary (grid, m, THREADS) is memory for the last row of a
    strip. Fills costs (q, blocks * THREADS).
    """
    strip = cuda.shared.array(0, float32, alignment=ALIGNMENT)  # d * ROWS
    squares, path = cuda.local.array(ROWS, float32), cuda.local.array(ROWS, float32)
    thread, memory = cuda.threadIdx.x, boundary[cuda.blockIdx.x]
    coefficients, count = queries.shape[2] // ROWS, len(queries)
    for task in range(cuda.blockIdx.x, count * (costs.shape[1] // THREADS), cuda.gridDim.x):
        block, query = task // count, task % count
        for number in range(queries.shape[1]):
            _load(strip, queries[query, number])
            for row in range(ROWS):
                path[row] = _FAR
            corner = _FAR if number else _ZERO  # before both sequences it costs nothing
            for j in range(m):
                start = (block * m + j) * coefficients * THREADS + thread
                _square(strip, coefficients, packed, start, THREADS, squares)
                above = memory[j, thread] if number else _FAR
                below = above
                for row in range(ROWS):
                    left = path[row]
                    below = min(min(corner, left), below) + math.sqrt(squares[row])
                    corner, path[row] = left, below
                memory[j, thread] = below
                corner = above
        for row in range(ROWS):
            # Not path[(frames - 1) % ROWS]: what is indexed by a variable cannot be kept in registers
            if row == (frames - 1) % ROWS:
                costs[query, block * THREADS + thread] = path[row]


@cache
def _joins(on_chip):
    """The kernel of SiMPle, with its matrices on the chip or not."""

    @cuda.jit
    def join(queries, n, references, m, window, scratch, medians):
        """SiMPle of queries (q, strips, d * ROWS) of n frames with references (r, d, m), flat.

        scratch (grid, n * (m | 1)) is memory for the matrices, unless they are on the chip. Fills medians
        (q, r).
        """
        shared = cuda.shared.array(0, float32, alignment=ALIGNMENT)
        middle = cuda.shared.array(2, float32)
        squares = cuda.local.array(ROWS, float32)
        coefficients, count = queries.shape[2] // ROWS, medians.shape[1]
        # [i * stride + j] is of frame i of the query and j of the reference. With an odd stride the threads
        # that walk down the rows side by side use banks of their own.
        matrix, stride = shared[queries.shape[2] :] if on_chip else scratch[cuda.blockIdx.x], m | 1
        thread = cuda.threadIdx.x
        for task in range(cuda.blockIdx.x, len(queries) * count, cuda.gridDim.x):
            query, reference = task // count, task % count
            for number in range(queries.shape[1]):
                _load(shared, queries[query, number])
                for j in range(thread, m, THREADS):
                    _square(shared, coefficients, references, reference * coefficients * m + j, m, squares)
                    for row in range(ROWS):
                        if number * ROWS + row < n:
                            matrix[(number * ROWS + row) * stride + j] = squares[row]
            cuda.syncthreads()
            for offset in range(window - n + thread, m - window + 1, THREADS):
                _sum_windows(matrix, stride, offset, max(0, -offset), min(n, m - offset), window)
            cuda.syncthreads()
            windows = n - window + 1
            for i in range(thread, windows, THREADS):
                nearest = matrix[i * stride]
                for j in range(1, m - window + 1):
                    nearest = min(nearest, matrix[i * stride + j])
                matrix[i * stride] = nearest
            cuda.syncthreads()
            # The median: each counts how many of the others stand before it
            for i in range(thread, windows, THREADS):
                nearest, before = matrix[i * stride], 0
                for other in range(windows):
                    value = matrix[other * stride]
                    before += value < nearest or (value == nearest and other < i)
                if before == (windows - 1) // 2:
                    middle[0] = nearest
                if before == windows // 2:
                    middle[1] = nearest
            cuda.syncthreads()
            if thread == 0:
                medians[query, reference] = (middle[0] + middle[1]) / float32(2)

    return join
