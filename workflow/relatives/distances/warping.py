"""Dynamic time warping: the distance of two sequences when either may wait for the other.

A path leads through the matrix of frame distances from the first frames of both sequences to the last frames
of both, by steps of one frame in either sequence or in both. Its cost is the sum of the Euclidean distances
it passes, each with weight 1, and DTW is the cost of the cheapest path (Sakoe & Chiba 1978). It is symmetric
and grows with the length of the sequences.

The study used FastDTW, which looks for the path only near that of a coarser resolution and so overestimates.
The exact cost is hundreds of times faster here; ``backend="fastdtw"`` is there to see what the difference
makes.
"""

import numpy as np

from relatives.distances import sequences
from relatives.distances.kernels import warping_costs


def dtw(queries, references, backend="exact", radius=1, out=None, device="auto"):
    """Dynamic time warping of all queries with all references.

    Parameters
    ----------
    queries : (q, n, d)
        Sequences of n frames of d coefficients.
    references : (r, m, d)
    backend : {"exact", "fastdtw"}
        The exact cost, computed in float32 by a GPU or by as many threads as numba is set to; or the
        approximation of the Python package `fastdtw`, as in the study, one pair after the other.
    radius : int
        Of fastdtw: the frames around the coarser path that are searched; 1 in the study. With the length of
        the longer sequence it is exact.
    out : (q, r) float32, optional
        To be filled and returned: a memory map of ``numpy.lib.format.open_memmap``, say, for a result larger
        than the memory.
    device : {"auto", "cpu", "cuda"}
        Of the exact cost: "auto" is CUDA where there is one, else the CPU. They agree but for rounding.

    Returns
    -------
    (q, r) float32
        Summed Euclidean distance along the best path, 0 or more; exactly 0 for identical sequences. The exact
        cost is within 1e-5 of its value in float64.

    Raises
    ------
    ValueError
        The shapes do not fit, `out`'s included; a set is empty, or the backend or the device is unknown.
    InputError
        A sequence holds NaN or infinity, or CUDA is asked for and there is none.

    Examples
    --------
    >>> import numpy as np
    >>> glide = np.array([[[0.0], [1.0], [2.0]]])
    >>> waiting = np.array([[[0.0], [1.0], [1.0], [2.0]]])
    >>> dtw(glide, waiting)
    array([[0.]], dtype=float32)
    """
    queries, references = np.asanyarray(queries), np.asanyarray(references)
    sequences.validate(queries, references)
    if backend == "exact":
        if sequences.on_cuda(device):
            from relatives.distances.cuda import Warping

            return sequences.all_pairs(Warping(), queries, references, out)
        return sequences.all_pairs(sequences.OnCPU(warping_costs), queries, references, out)
    if backend == "fastdtw":
        return _fastdtw(queries, references, radius, out)
    raise ValueError(f"unknown backend {backend!r} of dtw: choose 'exact' or 'fastdtw'")


def _fastdtw(queries, references, radius, out):
    from fastdtw import fastdtw
    from scipy.spatial.distance import euclidean

    queries = sequences.finite("queries", queries)
    references = sequences.finite("references", references)
    costs = sequences.result(queries, references, out)
    for row, query in enumerate(queries):
        for column, reference in enumerate(references):
            costs[row, column], _ = fastdtw(query, reference, radius=radius, dist=euclidean)
    return costs
