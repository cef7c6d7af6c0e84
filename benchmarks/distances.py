"""Pairs per second of DTW and SiMPle, beside what the study's way of computing them reaches.

Run as ``python benchmarks/distances.py``. Sequences as in the study: 87 frames of 24 MFCC; all cores for
`relatives`, one process for the peers.
"""

import time

import numpy as np

from relatives import distances

FRAMES, COEFFICIENTS, SUBSEQUENCE = 87, 24, 50


def numpy_simple(query, reference):
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


def pairs_per_second(compute, pairs, repeats=5):
    """Of the fastest of some runs, after one that compiles."""
    compute()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        compute()
        seconds.append(time.perf_counter() - start)
    return pairs / min(seconds)


def main():
    rng = np.random.default_rng(0)
    queries, references = (rng.normal(size=(n, FRAMES, COEFFICIENTS)).astype(np.float32) for n in (100, 256))
    pair = queries[0].astype(np.float64), references[0].astype(np.float64)
    assert np.isclose(numpy_simple(*pair), distances.simple(queries[:1], references[:1])[0, 0], rtol=1e-5)

    rates = {
        "dtw": pairs_per_second(lambda: distances.dtw(queries, references), 25600),
        "dtw, fastdtw": pairs_per_second(
            lambda: distances.dtw(queries[:2], references[:5], "fastdtw"), 10, 2
        ),
        "simple": pairs_per_second(lambda: distances.simple(queries, references), 25600),
        "simple, plain NumPy": pairs_per_second(lambda: [numpy_simple(*pair) for _ in range(50)], 50),
    }
    for name, rate in rates.items():
        print(f"{name:<20} {rate:>10,.0f} pairs/s  {1e6 / rate:>10,.2f} us a pair")


if __name__ == "__main__":
    main()
