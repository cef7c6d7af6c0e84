"""Controls: what the measures must say of music whose relations are known, in the audio space and in MFCC."""

import functools

import numpy as np
import pytest
from scipy.stats import binom

from relatives import consistency, distances, embedding, transforms
from relatives.corpora import synthetic
from relatives.features import mfcc

RATE = 22050
SAMPLES = 2 * RATE


@pytest.fixture(scope="module")
def windows():
    """Windows of 4 s, each of another composed song: (songs, samples)."""
    settings = {"kind": "tagging", "songs": 40, "seconds": 6.0, "split": [0.6, 0.2, 0.2]}
    tracks = synthetic.tracks(settings, RATE, seed=3, workers=1)
    return np.stack([track.audio[RATE : RATE + 2 * SAMPLES] for track in tracks])


@pytest.fixture(scope="module")
def transformed(windows):
    """The excerpts (songs, samples) under a transformation."""

    @functools.cache
    def transform(name, magnitude):
        excerpts = [
            transforms.excerpt(name, magnitude, window, SAMPLES, RATE, seed=number)[0]
            for number, window in enumerate(windows)
        ]
        return np.stack(excerpts)

    return transform


def random_projection(audio):
    """A space that knows nothing of music: 16 random directions among the samples."""
    return audio @ np.random.default_rng(0).standard_normal((SAMPLES, 16)).astype(np.float32)


SPACES = {
    "dtw": lambda a, b: distances.dtw(mfcc.sequences(a, RATE), mfcc.sequences(b, RATE)),
    "simple": lambda a, b: distances.simple(mfcc.sequences(a, RATE), mfcc.sequences(b, RATE)),
    "mfcc": lambda a, b: distances.euclidean(*(embedding.encoder("mfcc", RATE)(x) for x in (a, b))),
    "mfcc, cosine": lambda a, b: distances.cosine(*(embedding.encoder("mfcc", RATE)(x) for x in (a, b))),
    "random projection": lambda a, b: distances.euclidean(random_projection(a), random_projection(b)),
}


def consistent(space, excerpts, originals):
    """How many excerpts have their own original as the nearest."""
    errors = consistency.within_space_errors(SPACES[space](excerpts, originals), np.arange(len(originals)))
    return int(np.sum(errors == 0))


@pytest.mark.parametrize("space", SPACES)
def test_the_identity_is_consistent_in_every_space(space, transformed):
    originals = transformed("OG", 0)
    assert consistent(space, transformed("OG", 0), originals) == len(originals)


@pytest.mark.parametrize("space", SPACES)
def test_unrelated_audio_is_at_chance(space, transformed):
    originals = transformed("OG", 0)
    n = len(originals)
    # Excerpts under another's name: chance alone says whether the nearest original bears it
    strangers = np.random.default_rng(1).permutation(transformed("PS", 12.0))
    assert consistent(space, strangers, originals) <= binom.ppf(0.9999, n, 1 / n)


def test_a_random_projection_is_at_chance_once_the_samples_move(transformed):
    originals = transformed("OG", 0)
    n = len(originals)
    assert consistent("random projection", transformed("PS", 4.0), originals) <= binom.ppf(0.9999, n, 1 / n)


@pytest.mark.parametrize("space", ["mfcc", "mfcc, cosine", "dtw", "simple"])
def test_an_octave_is_worse_than_a_quarter_tone(space, transformed):
    originals = transformed("OG", 0)
    small = sum(consistent(space, transformed("PS", magnitude), originals) for magnitude in (-0.25, 0.25))
    large = sum(consistent(space, transformed("PS", magnitude), originals) for magnitude in (-12.0, 12.0))
    assert small >= 0.95 * 2 * len(originals)
    assert large < small
