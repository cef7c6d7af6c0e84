"""The spectrogram cache of a corpus."""

from pathlib import Path

import torch

from relatives import jobs
from relatives.corpora.store import Corpus
from relatives.features import cache


def main(job):
    """Compute STFT and mel once, track by track."""
    torch.set_num_threads(job.threads)
    directory = Path(job.input.audio).parent
    samples = round(job.params.seconds * job.params.sample_rate)
    cache.write(Corpus(directory), directory, job.params.sample_rate, samples, job.params.top_db)


jobs.run(main)
