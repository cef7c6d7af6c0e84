"""The recording that EN cuts its noise from: the configured one, or a bar made here."""

import numpy as np

from relatives import audio, jobs, seeds
from relatives.corpora.synthetic import ambience
from relatives.files import replacing


def main(job):
    """Load or make the noise, mono, at the configured rate."""
    rate = job.params.sample_rate
    if job.input.recording:
        noise = audio.mono(audio.load(job.input.recording, rate, note=print))
    else:
        noise = ambience.bar(job.params.seconds, rate, seeds.generator(job.params.seed, "noise"))
    with replacing(job.output[0]) as path:
        np.save(path, noise.astype(np.float32))


jobs.run(main)
