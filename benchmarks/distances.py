"""DTW and SiMPle of all pairs, beside the study's way, other packages and the floor that arithmetic sets.

Sequences as in the study: 87 frames of 24 MFCC, float32. A comparison of two sequences needs the inner
products of all their frames, one matrix product; the floor is that product alone, by NumPy's BLAS, a query
with a few references at a time, so that all stays in the cache. Every contender's distances are checked
before the race.

The peers are those of envs/benchmarks.txt; one that is not installed stays out of the race and says so.
"""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
from harness import CORES, Contender, Race, main
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from relatives import distances

FRAMES, COEFFICIENTS, SUBSEQUENCE = 87, 24, 50
QUERIES, REFERENCES = 64, 512
CHECKED = slice(3)  # of the queries and of the references: their pairs are compared with the plain versions

_generator = np.random.default_rng(0)
Q, R = (
    _generator.normal(size=(count, FRAMES, COEFFICIENTS)).astype(np.float32)
    for count in (QUERIES, REFERENCES)
)


def plain_dtw(query, reference, metric):
    """The recurrence as one writes it down, in float64."""
    local = cdist(query, reference, metric)
    cost = np.full(np.add(local.shape, 1), np.inf)
    cost[0, 0] = 0
    for i, j in np.ndindex(local.shape):
        cost[i + 1, j + 1] = local[i, j] + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    return cost[-1, -1]


def plain_simple(query, reference):
    """SiMPle by its definition: every window of the query against every window of the reference."""
    windows = [
        np.lib.stride_tricks.sliding_window_view(sequence.astype(float), SUBSEQUENCE, axis=0).reshape(
            FRAMES - SUBSEQUENCE + 1, -1
        )
        for sequence in (query, reference)
    ]
    return np.median(cdist(*windows, "sqeuclidean").min(axis=1))


def published_simple(query, reference):
    """SiMPle in plain NumPy: dot products by update from one query window to the next, as published."""
    windows = len(query) - SUBSEQUENCE + 1, len(reference) - SUBSEQUENCE + 1
    dots = query @ reference.T
    # Products of windows: those of the first query window, and those of the first reference window, in full.
    first_row = [np.trace(dots[:SUBSEQUENCE, j : j + SUBSEQUENCE]) for j in range(windows[1])]
    first_column = [np.trace(dots[i : i + SUBSEQUENCE, :SUBSEQUENCE]) for i in range(windows[0])]
    query_energy, reference_energy = (
        np.convolve(np.sum(sequence**2, axis=1), np.ones(SUBSEQUENCE), "valid")
        for sequence in (query, reference)
    )
    product = np.array(first_row)
    profile = np.empty(windows[0])
    for i in range(windows[0]):
        if i:
            gone = dots[i - 1, : windows[1] - 1]
            come = dots[i + SUBSEQUENCE - 1, SUBSEQUENCE:]
            product[1:] = product[:-1] - gone + come
            product[0] = first_column[i]
        profile[i] = np.min(query_energy[i] + reference_energy - 2 * product)
    return np.median(profile)


def stumpy_simple(query, reference):
    """SiMPle by stumpy: the distance profile of each coefficient, squared and summed."""
    from stumpy.core import mass_absolute

    profile = np.empty(len(query) - SUBSEQUENCE + 1)
    for i in range(len(profile)):
        by_coefficient = [
            mass_absolute(np.ascontiguousarray(query[i : i + SUBSEQUENCE, k]), reference[:, k].copy())
            for k in range(query.shape[1])
        ]
        profile[i] = np.min(np.sum(np.square(by_coefficient), axis=0))
    return np.median(profile)


def librosa_dtw(query, reference):
    """The cost of librosa's path."""
    from librosa.sequence import dtw

    return dtw(query.T, reference.T, metric="euclidean", backtrack=False)[-1, -1]


def aeon_dtw(queries, references):
    """All pairs; aeon takes coefficients before frames."""
    from aeon.distances import dtw_pairwise_distance

    return dtw_pairwise_distance(
        np.ascontiguousarray(queries.transpose(0, 2, 1)),
        np.ascontiguousarray(references.transpose(0, 2, 1)),
        n_jobs=CORES,
    )


def dtaidistance_dtw(queries, references):
    """All pairs in C, in float64, which is all that it takes."""
    from dtaidistance.dtw_ndim import distance_matrix_fast

    q, both = len(queries), np.concatenate([queries, references]).astype(np.float64)
    matrix = distance_matrix_fast(both, block=((0, q), (q, len(both))), inner_dist="euclidean", parallel=True)
    return matrix[:q, q:]


def tslearn_dtw(queries, references):
    """All pairs, squared back: tslearn returns the root of the summed squares."""
    from tslearn.metrics import cdist_dtw

    return np.square(cdist_dtw(queries, references, n_jobs=CORES))


def one_by_one(pair):
    """The function of all pairs that calls `pair` for each."""
    return lambda queries, references: np.array([[pair(a, b) for b in references] for a in queries])


def floor(pool, queries, references, together=16):
    """The cross products of all pairs, a query with `together` references at a time, on all cores."""
    width = together * FRAMES
    # (references, frames, coefficients) -> (references * frames, coefficients)
    stacked = references.reshape(-1, COEFFICIENTS)

    def multiply(share):
        products = np.empty((FRAMES, width), np.float32)
        for start in range(0, len(stacked), width):
            for query in share:
                np.dot(query, stacked[start : start + width].T, out=products)

    with threadpool_limits(1):
        list(pool.map(multiply, np.array_split(queries, CORES)))


def contender(name, module, compute, expected, size, cores=1, note="", tolerance=1e-4):
    """A way to compute all pairs, checked; `size` is how many queries and references it is given.

    `expected` are the distances of the CHECKED pairs. With a tolerance of None they are only approached from
    above, and the note says how nearly.
    """
    if find_spec(module) is None:
        return Contender(name, None, 1, cores, f"{module} is not installed: see envs/benchmarks.txt")
    found = compute(Q[CHECKED], R[CHECKED])
    if tolerance is None:
        assert (found >= expected * (1 - 1e-4)).all(), name
        note = f"{note}; {100 * np.mean(found / expected - 1):.2g} % above the exact cost"
    else:
        np.testing.assert_allclose(found, expected, rtol=tolerance, err_msg=name)
    queries, references = Q[: size[0]], R[: size[1]]
    return Contender(name, lambda: compute(queries, references), len(queries) * len(references), cores, note)


def races():
    """DTW and SiMPle, each with its peers and the floor."""
    checked = [(a, b) for a in Q[CHECKED] for b in R[CHECKED]]
    pool = ThreadPoolExecutor(CORES)

    def expect(plain, *arguments):
        return np.reshape([plain(a, b, *arguments) for a, b in checked], (len(Q[CHECKED]), -1))

    bottom = Contender(
        "the floor: cross products by BLAS", lambda: floor(pool, Q, R), QUERIES * REFERENCES, CORES
    )
    euclidean, squared = expect(plain_dtw, "euclidean"), expect(plain_dtw, "sqeuclidean")
    everything, many, some, few = (QUERIES, REFERENCES), (16, 256), (4, 32), (3, 3)
    yield Race(
        f"Dynamic time warping of {FRAMES} x {COEFFICIENTS}, all pairs",
        "pair",
        [
            contender("relatives", "relatives", distances.dtw, euclidean, everything, CORES),
            bottom,
            contender(
                "aeon",
                "aeon",
                aeon_dtw,
                squared,
                many,
                CORES,
                "sums squared costs: held against a plain version that does",
            ),
            contender("dtaidistance", "dtaidistance", dtaidistance_dtw, euclidean, many, CORES, "C, float64"),
            contender(
                "tslearn",
                "tslearn",
                tslearn_dtw,
                squared,
                many,
                CORES,
                "sums squared costs: held against a plain version that does",
            ),
            contender("librosa", "librosa", one_by_one(librosa_dtw), euclidean, some, note="a pair a call"),
            contender(
                "fastdtw",
                "fastdtw",
                lambda queries, references: distances.dtw(queries, references, "fastdtw"),
                euclidean,
                few,
                note="as the study: radius 1",
                tolerance=None,
            ),
        ],
        goal="5 times the best exact peer, 800 times fastdtw, within 1.8 times the floor",
    )
    profiles = expect(plain_simple)
    yield Race(
        f"SiMPle of {FRAMES} x {COEFFICIENTS}, windows of {SUBSEQUENCE}, all pairs",
        "pair",
        [
            contender("relatives", "relatives", distances.simple, profiles, everything, CORES),
            bottom,
            contender(
                "the published algorithm in NumPy",
                "numpy",
                one_by_one(
                    lambda query, reference: published_simple(query.astype(float), reference.astype(float))
                ),
                profiles,
                some,
            ),
            contender(
                "by stumpy's distance profiles",
                "stumpy",
                one_by_one(
                    lambda query, reference: stumpy_simple(query.astype(float), reference.astype(float))
                ),
                profiles,
                few,
                note="one a coefficient and window",
            ),
        ],
        goal="150 times the published algorithm, within 1.8 times the floor",
    )


if __name__ == "__main__":
    main(races)
