"""A network that is not trained: the twin of the trained ones, as a space of its own."""

from pathlib import Path

import torch

from relatives import jobs
from relatives.corpora.store import Corpus
from relatives.features.cache import Cache
from relatives.models import UNTRAINED, networks, untrained


def main(job):
    """Draw the weights and collect what batch normalisation needs."""
    torch.set_num_threads(job.threads)
    directory = Path(job.input.audio).parent
    corpus, cache = Corpus(directory), Cache(directory)
    seed, trial = job.params.seed, int(job.wildcards.trial)
    settings = job.params.architecture | {"task": UNTRAINED, "encoder": "VGG", "labels": []}
    network = networks.build(settings, cache.mean, cache.deviation, seed, trial)
    untrained.write(network, corpus, cache, job.params.batch, job.output.checkpoint, seed, trial)


jobs.run(main)
