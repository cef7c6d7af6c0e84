"""A corpus of seconds, a network of hundreds of weights: what tests of models, tasks and training share."""

import numpy as np

from relatives.corpora import store
from relatives.corpora.store import Corpus, Track
from relatives.features import cache
from relatives.features.cache import Cache
from relatives.models import networks

SAMPLE_RATE = 22050
SAMPLES = 5120  # of an excerpt: 21 frames of the STFT, 11 of the mel spectrogram
LABELS = {"AT": ["low", "high", "loud"], "IR": ["low", "high"], "AE": [], "VS": []}


def make(directory, task="VS", tracks=8, samples=9000):
    """A corpus of sines that has what the task needs, and its cache.

    Every other track is low and the others are high; the two loudest of four are loud. In the stems, the
    vocals are the sine and the accompaniment is noise.
    """
    rng = np.random.default_rng(1)
    time = np.arange(samples) / SAMPLE_RATE

    def track(number):
        high, loud = number % 2, number // 2 % 2
        sine = (0.1 + 0.3 * loud) * np.sin(2 * np.pi * (3000 if high else 300) * time * (1 + 0.01 * number))
        noise = 0.05 * rng.standard_normal(samples)
        truth = {"low": 1 - high, "high": high, "loud": loud}
        split = "train" if number < tracks - 4 else "valid" if number < tracks - 2 else "test"
        return Track(
            track_id=f"t{number}",
            audio=None if task == "VS" else (sine + noise).astype(np.float32),
            split=split,
            song=f"s{number}",
            labels={name: truth[name] for name in LABELS[task]} or None,
            stems=np.stack([sine, noise], axis=1).astype(np.float32) if task == "VS" else None,
        )

    store.write(directory, (track(number) for number in range(tracks)))
    corpus = Corpus(directory)
    cache.write(corpus, directory, SAMPLE_RATE, SAMPLES, top_db=80)
    return corpus, Cache(directory)


def settings(task="AE", encoder="VGG", **changes):
    """Of a tiny network."""
    return {
        "task": task,
        "encoder": encoder,
        "width": 1,
        "frames": 16,
        "fully_connected": False,
        "channels": None,
        "top_db": 80,
        "samples": SAMPLES,
        "sample_rate": SAMPLE_RATE,
        "labels": LABELS.get(task, []),
        **changes,
    }


def network(task="AE", encoder="VGG", seed=0, trial=0, **changes):
    """A tiny network with the scaler of white noise, in training mode."""
    mean, deviation = np.full(513, -5, np.float32), np.full(513, 8, np.float32)
    return networks.build(settings(task, encoder, **changes), mean, deviation, seed, trial)


def excerpts(count, seed=0):
    """(count, SAMPLES) of noise at different levels."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, SAMPLES)) * rng.uniform(0.01, 0.3, (count, 1))
    return noise.astype(np.float32)
