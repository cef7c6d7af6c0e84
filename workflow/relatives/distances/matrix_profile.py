"""SiMPle, the similarity matrix profile: does every passage of the query recur somewhere in the reference?

For each subsequence of the query the profile holds the least distance to any subsequence of the reference,
wherever it stands: the sum of squared differences over all frames of the subsequence and all coefficients
together. The order of the passages is thus free, but not the tempo inside one. The median of the profile is
the distance of the two sequences. It is not symmetric: the query is annotated by the reference.

Source: Silva, Yeh, Batista & Keogh, "SiMPle: Assessing Music Similarity Using Subsequences Joins", ISMIR
2016; the median is the consistency study's (section 3.2).
"""

import numpy as np

from relatives.distances import sequences
from relatives.distances.kernels import profile_medians
from relatives.errors import InputError


def simple(queries, references, subsequence=50, out=None, device="auto"):
    """Median of the similarity matrix profile of all queries with all references.

    Parameters
    ----------
    queries : (q, n, d)
        Sequences of n frames of d coefficients.
    references : (r, m, d)
    subsequence : int
        Frames of a subsequence, from 1 to the length of the shorter side; 50 in the study.
    out : (q, r) float32, optional
        To be filled and returned: a memory map of ``numpy.lib.format.open_memmap``, say, for a result larger
        than the memory.
    device : {"auto", "cpu", "cuda"}
        "auto" is CUDA where there is one, else the CPU. They agree but for rounding.

    Returns
    -------
    (q, r) float32
        Median over the query's subsequences of the least squared distance to one of the reference, 0 or more;
        exactly 0 for identical sequences. Within 1e-5 of its value in float64. Computed by a GPU or by as
        many threads as numba is set to.

    Raises
    ------
    ValueError
        The shapes do not fit, `out`'s included; a set is empty, or the device is unknown.
    InputError
        A sequence holds NaN or infinity, or is shorter than the subsequence; or CUDA is asked for and there
        is none.

    Examples
    --------
    >>> import numpy as np
    >>> song = np.array([[[0.0], [1.0], [5.0], [6.0]]])
    >>> swapped = np.array([[[5.0], [6.0], [0.0], [1.0]]])
    >>> simple(song[:, :2], swapped, subsequence=2)
    array([[0.]], dtype=float32)
    """
    queries, references = np.asanyarray(queries), np.asanyarray(references)
    sequences.validate(queries, references)
    shorter = min(queries.shape[1], references.shape[1])
    if not 1 <= subsequence <= shorter:
        raise InputError(
            f"subsequence: {subsequence} frames do not fit sequences of {queries.shape[1]} (queries) and "
            f"{references.shape[1]} (references) frames; choose 1 to {shorter}, or take longer excerpts"
        )
    if sequences.on_cuda(device):
        from relatives.distances.cuda import Joining

        return sequences.all_pairs(Joining(subsequence), queries, references, out)

    def kernel(query_block, packed, medians):
        profile_medians(query_block, packed, subsequence, medians)

    return sequences.all_pairs(sequences.OnCPU(kernel), queries, references, out)
