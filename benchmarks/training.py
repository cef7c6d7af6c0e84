"""Training at the study's network size: the whole loop beside its bare arithmetic, and beside a plain loop.

The batches are of the study: 24 crops of 128 frames, encoders of 16 to 256 channels. The corpora are noise,
which trains as fast as music. The plain loop is what one writes first: a DataLoader that reads the same crops
one by one and puts them together, and a network in torch's default memory layout.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from harness import CORES, Contender, Race, main
from torch.utils.data import DataLoader, Dataset

from relatives import training
from relatives.corpora import store
from relatives.corpora.store import Corpus, Track
from relatives.features import cache
from relatives.features.cache import Cache
from relatives.models import networks
from relatives.tasks import TASKS

SAMPLE_RATE, SAMPLES, FRAMES, WIDTH, BATCH = 22050, 44100, 128, 16, 24
TOP_DB = 80
TRACKS, STEPS = 48, 2
LABELS = {"AT": 50, "IR": 11}
SETTINGS = {
    "steps": STEPS,
    "batch": BATCH,
    "rate": 0.001,
    "amsgrad": False,
    "weight_decay": 0.0,
    "validate_every": 10**9,
    "validation_crops": BATCH,
    "patience": None,
    "explosion": None,
    "checkpoint_every": 10**9,
    "threads": CORES,
    "device": "auto",
    "precision": "auto",
}


def noise(directory, task):
    """A corpus of 4 s of noise a track, with what the task needs, and its cache."""
    rng = np.random.default_rng(0)

    def track(number):
        audio = rng.normal(0, 0.1, (2 * SAMPLES, 2)).astype(np.float32)
        labels = {
            f"label {label}": int(label == number % LABELS[task]) for label in range(LABELS.get(task, 0))
        }
        return Track(
            track_id=str(number),
            audio=None if task == "VS" else audio[:, 0],
            split="train",
            song=str(number),
            labels=labels or None,
            stems=audio if task == "VS" else None,
        )

    store.write(directory, map(track, range(TRACKS)))
    cache.write(Corpus(directory), directory, SAMPLE_RATE, SAMPLES, TOP_DB)
    return Corpus(directory), Cache(directory)


class Crops(Dataset):
    """The crops of a corpus one by one, as a plain loop reads them."""

    def __init__(self, network, corpus, spectrograms):
        self.network, self.corpus, self.cache = network, corpus, spectrograms
        self.read = TASKS[network.settings["task"]].module.read

    def __len__(self):
        return STEPS * BATCH

    def __getitem__(self, item):
        row, first = np.array([item % TRACKS]), np.array([0])
        return tuple(tensor[0] for tensor in self.read(self.network, self.corpus, self.cache, row, first))


def steps(network, batches, layout):
    """Train on some batches: forward, backward, Adam."""
    loss = TASKS[network.settings["task"]].module.loss
    network = network.to(memory_format=layout).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
    for batch in batches:
        optimiser.zero_grad()
        value = loss(network, *(tensor.to(network.device) for tensor in batch))
        value.backward()
        optimiser.step()
    return value.item()


def races():
    """A race a task."""
    torch.set_num_threads(CORES)
    torch.set_flush_denormal(True)
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            corpus, spectrograms = noise(Path(folder) / "corpus", task)
            architecture = {
                "task": task,
                "encoder": "VGG",
                "width": WIDTH,
                "frames": FRAMES,
                "fully_connected": False,
                "channels": None,
                "top_db": TOP_DB,
                "samples": SAMPLES,
                "sample_rate": SAMPLE_RATE,
                "labels": list(corpus.labels.columns) if task in LABELS else [],
            }

            def network(architecture=architecture, spectrograms=spectrograms):
                built = networks.build(architecture, spectrograms.mean, spectrograms.deviation, 0, 0)
                return built.to(networks.resolve("auto"))

            crops = np.arange(BATCH), np.zeros(BATCH, int)
            batch = TASKS[task].module.read(network(), corpus, spectrograms, *crops)
            plain = DataLoader(Crops(network(), corpus, spectrograms), batch_size=BATCH)

            def train(network=network, corpus=corpus, spectrograms=spectrograms, folder=folder):
                with open(os.devnull, "w") as silence:
                    training.train(
                        network(), corpus, spectrograms, SETTINGS, Path(folder) / "model", 0, 0, silence
                    )

            yield Race(
                f"Training {task}",
                "example",
                [
                    Contender("relatives, the whole loop", train, STEPS * BATCH, CORES),
                    Contender(
                        "bare forward, backward and Adam on one batch in memory",
                        lambda network=network, batch=batch: steps(
                            network(), [batch] * STEPS, torch.channels_last
                        ),
                        STEPS * BATCH,
                        CORES,
                    ),
                    Contender(
                        "plain loop over a DataLoader, default layout",
                        lambda network=network, plain=plain: steps(network(), plain, torch.contiguous_format),
                        STEPS * BATCH,
                        CORES,
                    ),
                ],
                rounds=5,
                goal="within 1.5 times the bare arithmetic",
            )


if __name__ == "__main__":
    main(races)
