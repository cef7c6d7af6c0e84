"""DTW and SiMPle from every excerpt under one transformation to every original."""

import numba
import numpy as np

from relatives import jobs
from relatives.distances.matrix_profile import simple
from relatives.distances.warping import dtw
from relatives.features import mfcc
from relatives.files import replacing


def main(job):
    """Compute both distances of each magnitude from the MFCC sequences."""
    numba.set_num_threads(job.threads)
    rate = job.params.sample_rate
    originals = mfcc.sequences(jobs.blocks(job.input.originals)[0], rate)
    transformed = jobs.blocks(job.input.transformed)
    # (magnitudes, transformed, originals)
    warped = np.empty((len(transformed), transformed.shape[1], len(originals)), dtype=np.float32)
    profiles = np.empty_like(warped)
    for m in jobs.progress(range(len(transformed)), "magnitudes"):
        sequences = mfcc.sequences(transformed[m], rate)
        warped[m] = dtw(sequences, originals, backend=job.params.dtw)
        profiles[m] = simple(sequences, originals, subsequence=job.params.subsequence)

    for matrices, output in ((warped, job.output.dtw), (profiles, job.output.simple)):
        with replacing(output) as path:
            np.save(path, matrices)


jobs.run(main)
