"""From notes to sound: players, their balance, an album's production, the master.

What is here, in the order of use: `play` and `render` turn parts into dry sound with the General MIDI bank
that pretty_midi brings; `produce` puts an album's sound on it; `carrier` makes the hiss and crackle of old
media; `master` finds the gain that brings a mixture to its loudness without going over full scale.

Conventions: mono, float32, (samples,), full scale 1.0. `produce` is linear and `master` is a gain over time,
so stems may be made one by one: produce each, add them up, find the gain of the sum, multiply each by it.
"""

import functools
import math
from collections.abc import Iterable

import numpy as np
from scipy import ndimage, signal

from relatives import audio, seeds
from relatives.corpora.synthetic.composition import Part, Sound
from relatives.corpora.synthetic.genres import INSTRUMENTS
from relatives.corpora.synthetic.soundfont import Bank, Sampler, general_midi

REFERENCE = -24.0  # dB RMS of a part of level 0 while it sounds
PEAK = 0.95  # highest sample of a master
FRAME = 0.05  # seconds over which a level is measured
SOUNDING = 20.0  # a frame sounds if it is less than so many dB below the loudest
LOOK_AHEAD = 0.012  # seconds in which the limiter turns down
SHELF = 3000.0  # Hz above which a sound's tilt acts
HIGHEST = 0.49  # cut-off frequencies are at most this share of the sampling rate


@functools.cache
def sampler(sample_rate: int) -> Sampler:
    """The process's sampler for a sampling rate."""
    return Sampler(Bank(general_midi()), sample_rate)


def sounding_level(sound: np.ndarray, sample_rate: int) -> float:
    """Level in dB (RMS) of a sound while it sounds, pauses left out; -inf for silence."""
    frame = round(FRAME * sample_rate)
    whole = len(sound) // frame * frame
    # (samples,) -> (frames, samples a frame)
    power = np.mean(sound[:whole].reshape(-1, frame) ** 2, axis=1) if whole else np.zeros(1)
    if not power.any():
        return -math.inf
    return 10 * math.log10(power[power > power.max() * 10 ** (-SOUNDING / 10)].mean())


def play(part: Part, seconds: float, sample_rate: int) -> np.ndarray:
    """One part alone, dry, at its level: (samples,) float32 with samples = round(seconds * sample_rate)."""
    instrument = INSTRUMENTS[part.instrument]
    samples = round(seconds * sample_rate)
    sound = sampler(sample_rate).play(instrument.program, part.notes, samples, instrument.drums)
    return level(sound, part.level, sample_rate)


def level(sound: np.ndarray, decibel: float, sample_rate: int) -> np.ndarray:
    """A sound brought to a part's level: `decibel` above `REFERENCE` while it sounds."""
    measured = sounding_level(sound, sample_rate)
    return (
        sound * np.float32(10 ** ((REFERENCE + decibel - measured) / 20))
        if math.isfinite(measured)
        else sound
    )


def render(parts: Iterable[Part], seconds: float, sample_rate: int) -> np.ndarray:
    """Parts together, dry: the sum of what `play` makes of each.

    Examples
    --------
    >>> from relatives.corpora.synthetic import composition
    >>> rng = seeds.generator(0, "example")
    >>> song = composition.compose(rng, composition.compose_artist(rng, "Trio", "jazz"), 4.0)
    >>> render(song.parts.values(), song.seconds, 22050).shape
    (88200,)
    """
    mix = np.zeros(round(seconds * sample_rate), np.float32)
    for part in parts:
        mix += play(part, seconds, sample_rate)
    return mix


def produce(sound: np.ndarray, production: Sound, sample_rate: int) -> np.ndarray:
    """Put an album's production on a sound: reverberation, brightness, band.

    Parameters
    ----------
    sound : (samples,) float32
    production : Sound
    sample_rate : int

    Returns
    -------
    (samples,) float32
        What rings on beyond the end is cut.
    """
    room = _room(round(production.decay * sample_rate), sample_rate)
    wet = signal.oaconvolve(sound, room)[: len(sound)]
    produced = sound + np.float32(production.reverb) * wet
    b, a = _shelf(production.tilt, sample_rate)
    produced = signal.lfilter(b, a, produced)
    return _band(produced, production, sample_rate).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _room(samples: int, sample_rate: int) -> np.ndarray:
    """An impulse response: noise that falls by 60 dB, duller than the sound, 12 ms behind it, of energy 1."""
    noise = seeds.generator(0, "corpus", "room").standard_normal(samples)
    tail = noise * 10 ** (-3 * np.arange(samples) / samples)
    b, a = signal.butter(1, min(4000.0, HIGHEST * sample_rate), fs=sample_rate)
    tail = signal.lfilter(b, a, tail)
    tail = np.concatenate([np.zeros(round(0.012 * sample_rate)), tail])
    return (tail / np.linalg.norm(tail)).astype(np.float32)


def _shelf(decibel: float, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """First-order high shelf: gain 1 at 0 Hz, `decibel` at the top."""
    gain = 10 ** (decibel / 20)
    edge = 2 * math.pi * min(SHELF, HIGHEST * sample_rate)
    # The corner lies at the geometric middle of pole and zero.
    return signal.bilinear([math.sqrt(gain), edge], [1 / math.sqrt(gain), edge], fs=sample_rate)


def _band(sound: np.ndarray, production: Sound, sample_rate: int) -> np.ndarray:
    """A sound between a production's lowest and highest frequency."""
    top = HIGHEST * sample_rate
    low = signal.butter(2, min(production.low, top), "highpass", fs=sample_rate, output="sos")
    high = signal.butter(4, min(production.high, top), fs=sample_rate, output="sos")
    return signal.sosfilt(np.concatenate([low, high]), sound)


def carrier(rng: np.random.Generator, music: np.ndarray, production: Sound, sample_rate: int) -> np.ndarray:
    """The noise of the medium, to be added to produced music: hiss, and crackle on what is as narrow as
    shellac.

    Returns
    -------
    (samples,) float32
        At `production.noise` dB relative to the music's RMS; zeros where that is -inf.
    """
    samples = len(music)
    if not math.isfinite(production.noise):
        return np.zeros(samples, np.float32)
    noise = rng.standard_normal(samples)
    clicks = rng.poisson(samples / sample_rate * (12 if production.low > 140 else 1))
    noise[rng.integers(samples, size=clicks)] += rng.normal(0, 40, size=clicks)
    noise = _band(noise, production, sample_rate)
    gain = audio.rms(music) * 10 ** (production.noise / 20) / audio.rms(noise)
    return (noise * gain).astype(np.float32)


def master(mix: np.ndarray, production: Sound, sample_rate: int) -> np.ndarray:
    """Gain over time that brings a mixture to the album's loudness and holds its peaks at `PEAK`.

    Returns
    -------
    (samples,) float32
        Multiply the mixture, or each of its stems, by it. 1 for silence.
    """
    loudness = audio.loudness(mix, sample_rate)
    if not math.isfinite(loudness):
        return np.ones(len(mix), np.float32)
    gain = 10 ** ((production.loudness - loudness) / 20)
    # The least gain that any sample near by needs, then its mean over as long: never above what a sample
    # needs.
    need = np.minimum(1.0, PEAK / np.maximum(np.abs(mix) * gain, 1e-9))
    window = 2 * round(LOOK_AHEAD * sample_rate / 2) + 1
    smooth = ndimage.uniform_filter1d(ndimage.minimum_filter1d(need, window), window)
    return (gain * np.minimum(smooth, need)).astype(np.float32)
