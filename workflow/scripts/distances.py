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
    shape = len(transformed), transformed.shape[1], len(originals)
    with replacing(job.output.dtw) as dtw_path, replacing(job.output.simple) as simple_path:
        # (magnitudes, transformed, originals), on disk: at 10,000 originals they are larger than the memory
        warped = np.lib.format.open_memmap(dtw_path, "w+", np.float32, shape)
        profiles = np.lib.format.open_memmap(simple_path, "w+", np.float32, shape)
        for m in jobs.progress(range(len(transformed)), "magnitudes"):
            sequences = mfcc.sequences(transformed[m], rate)
            dtw(sequences, originals, backend=job.params.dtw, out=warped[m], device=job.params.device)
            simple(sequences, originals, job.params.subsequence, out=profiles[m], device=job.params.device)
        warped.flush()
        profiles.flush()


jobs.run(main)
