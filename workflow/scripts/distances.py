"""DTW and SiMPle from every excerpt under one transformation to every original."""

import numba

from relatives import jobs, storage
from relatives.distances.matrix_profile import simple
from relatives.distances.warping import dtw
from relatives.features import mfcc


def main(job):
    """Compute both distances of each magnitude from the MFCC sequences."""
    numba.set_num_threads(job.threads)
    rate = job.params.sample_rate
    originals = mfcc.sequences(storage.Blocks(job.input.originals)[0], rate)
    transformed = storage.Blocks(job.input.transformed)
    shape = (*transformed.shape[:2], len(originals))
    # On disk: at 10,000 originals they are larger than the memory
    with (
        storage.replacing_array(job.output.dtw, shape) as warped,
        storage.replacing_array(job.output.simple, shape) as profiles,
    ):
        for m, audio in enumerate(jobs.progress(transformed, "magnitudes")):
            sequences = mfcc.sequences(audio, rate)
            dtw(sequences, originals, backend=job.params.dtw, out=warped[m], device=job.params.device)
            simple(sequences, originals, job.params.subsequence, out=profiles[m], device=job.params.device)


jobs.run(main)
