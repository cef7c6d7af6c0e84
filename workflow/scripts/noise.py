"""The recording that EN cuts its noise from: the configured one, or a bar made here."""

import numpy as np

from relatives import jobs, seeds
from relatives.corpora.synthetic import ambience
from relatives.files import replacing
from relatives.transforms import noise


def main(job):
    """Load or make the noise, mono, at the configured rate."""
    rate = job.params.sample_rate
    if job.input.recording:
        recording = noise.load(job.input.recording, rate, job.params.mix, print)
    else:
        recording = ambience.bar(job.params.seconds, rate, seeds.generator(job.params.seed, "noise"))
    with replacing(job.output[0]) as path:
        np.save(path, recording.astype(np.float32))


jobs.run(main)
