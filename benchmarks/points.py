"""From excerpts to points of the latent spaces: what embedding an excerpt costs, and how fast it could be.

Run as ``python benchmarks/points.py``. Excerpts are noise, 2 s at 22,050 Hz, of which the networks see 128
frames; they have the study's width, 16 to 256 channels, and weights that were not trained. The floor is the
same network on inputs that are made already, in batches of 16, the size that `embedding.embed` takes.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from harness import CORES, Contender, Race, main

from relatives import embedding
from relatives.models import networks

SAMPLE_RATE, SAMPLES, EXCERPTS = 22050, 44100, 32
ARCHITECTURE = {
    "task": "AE",
    "encoder": "VGG",
    "width": 16,
    "frames": 128,
    "fully_connected": False,
    "channels": None,
    "top_db": 80,
    "samples": SAMPLES,
    "sample_rate": SAMPLE_RATE,
    "labels": [],
}


def network(folder):
    """A network of the study's size, in a checkpoint."""
    built = networks.build(ARCHITECTURE, np.zeros(513, np.float32), np.ones(513, np.float32), 0, 0)
    torch.save({"network": built.settings, "weights": built.state_dict()}, folder / "checkpoint.pt")
    return folder / "checkpoint.pt"


def bare(network, inputs):
    """The network alone."""
    with torch.inference_mode():
        for batch in inputs.split(embedding.BATCH):
            network.encode(batch)


def races():
    excerpts = np.random.default_rng(0).normal(0, 0.1, (EXCERPTS, SAMPLES)).astype(np.float32)
    mfcc = embedding.encoder("mfcc", SAMPLE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = network(Path(folder))
        trained = networks.load(path, "auto")
        for threads in sorted({1, CORES}):
            encoder = embedding.encoder(path, SAMPLE_RATE, threads=threads)
            inputs = trained.inputs(excerpts)

            contenders = [
                Contender(
                    "VGG, 16 channels",
                    lambda encoder=encoder: embedding.embed(encoder, excerpts),
                    EXCERPTS,
                    threads,
                ),
                Contender("its layers alone", lambda inputs=inputs: bare(trained, inputs), EXCERPTS, threads),
            ]
            if threads == 1:
                contenders.append(Contender("MFCC", lambda: embedding.embed(mfcc, excerpts), EXCERPTS))
            yield Race(f"Points of excerpts, threads: {threads}", "excerpt", contenders)


if __name__ == "__main__":
    main(races)
