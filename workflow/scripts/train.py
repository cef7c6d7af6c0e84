"""One network: a task, an encoder, a trial."""

import sys
from pathlib import Path

from relatives import jobs, training
from relatives.corpora.store import Corpus
from relatives.features.cache import Cache
from relatives.models import networks


def main(job):
    """Build the network and train it."""
    directory = Path(job.input.audio).parent
    corpus, cache = Corpus(directory), Cache(directory)
    trial = int(job.wildcards.trial)
    architecture = job.params.architecture | {
        "task": job.wildcards.task,
        "encoder": job.wildcards.encoder,
        "labels": list(corpus.labels.columns) if job.wildcards.task in ("AT", "IR") else [],
    }
    network = networks.build(architecture, cache.mean, cache.deviation, job.params.seed, trial)
    apart = {name: job.config["training"][name] for name in sorted(training.WITHOUT_EFFECT)}
    settings = job.params.settings | apart
    folder = Path(job.output.checkpoint).parent
    training.train(network, corpus, cache, settings, folder, job.params.seed, trial, log=sys.stderr)


jobs.run(main)
