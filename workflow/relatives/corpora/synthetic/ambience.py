"""The ambience of a bar: people talking all at once, glasses, a room and its hum.

The recording that the study adds as environmental noise cannot be shipped, so `bar` makes one like it. It is
babble in the sense of the speech sciences: so many voices that none is understood, with the rhythm, the pitch
and the spectrum of speech.

* Its talkers (`speech`) are none of the singers of the corpora. They say about four syllables a second, in
  phrases of one to four seconds that fall in pitch, with pauses between.
* A glass that is struck rings in modes whose frequencies grow about as the square of the mode's number:
  French (1983), "In Vino Veritas: A study of wineglass acoustics".
* The room is noise that decays exponentially, in a statistical model of reverberation (Polack 1988): 60 dB in
  0.8 s, faster at high frequencies.
"""

import numpy as np
from scipy import signal

from relatives import audio
from relatives.corpora.synthetic import speech

LEVEL = 0.1
"""Root mean square of the ambience, -20 dB of full scale."""

TALKERS = 16
"""Half of them men, half of them women."""

DECAY = 0.8
"""Seconds in which the room's reverberation falls by 60 dB."""

CLINKS = 0.7
"""Glasses struck a second."""


def bar(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The ambience of a bar.

    Parameters
    ----------
    seconds
        Length.
    sample_rate
        Hz.
    rng
        Generator of all that happens there. The pipeline draws it under the name ``noise``, which nothing
        else has.

    Returns
    -------
    (samples,) float32
        Root mean square of `LEVEL`, steady over seconds, no sample beyond 0.95.

    Examples
    --------
    >>> bar(2.0, 22050, np.random.default_rng(0)).shape
    (44100,)
    """
    samples = round(seconds * sample_rate)
    direct = np.zeros(samples)
    everywhere = np.zeros(samples)
    for talker in range(TALKERS):
        sound = speech.talk(("male", "female")[talker % 2], seconds, sample_rate, rng)
        # Nobody is nearer than 1.5 m; what reaches the listener by the walls does not depend on the distance.
        direct += sound / rng.uniform(1.5, 6.0)
        everywhere += sound
    babble = audio.rms(direct)

    for first in rng.uniform(0, seconds, rng.poisson(CLINKS * seconds)):
        # A toast is several glasses, one shortly after the other.
        for delay in np.cumsum(rng.uniform(0.03, 0.15, rng.integers(1, 4))):
            at = round((first + delay) * sample_rate)
            sound = clink(sample_rate, rng)[: max(samples - at, 0)] * babble * rng.uniform(0.5, 2.0)
            direct[at : at + len(sound)] += sound
            everywhere[at : at + len(sound)] += sound

    sound = direct + 0.3 * signal.oaconvolve(everywhere, room(DECAY, sample_rate, rng))[:samples]
    sound += 0.06 * babble * (_hum(samples, sample_rate, rng) + _air(samples, sample_rate, rng))
    sound *= LEVEL / audio.rms(sound)
    return (sound * min(1.0, 0.95 / np.abs(sound).max())).astype(np.float32)


def clink(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A glass that is struck.

    Parameters
    ----------
    sample_rate
        Hz; modes beyond 0.45 of it are left out.
    rng
        Generator of the glass.

    Returns
    -------
    (samples,) float64
        One second, its largest sample 1.
    """
    time = np.arange(sample_rate) / sample_rate
    lowest = rng.uniform(1200, 3000)
    sound = np.zeros(sample_rate)
    for mode in range(2, 6):
        frequency = lowest * (mode / 2) ** 2 * rng.uniform(0.94, 1.06)
        if frequency > 0.45 * sample_rate:
            break
        decay = rng.uniform(0.3, 0.8) * 2 / mode
        # A real glass is not quite round: each mode is a pair that beats slowly.
        for split in (-1, 1):
            tone = np.sin(2 * np.pi * (frequency + split * rng.uniform(1, 6)) * time)
            sound += rng.uniform(0.3, 1.0) * tone * 10 ** (-3 * time / decay)
    return sound / np.abs(sound).max()


def room(decay: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The reverberation of a room, without the direct sound.

    Parameters
    ----------
    decay
        Seconds in which it falls by 60 dB, below 2 kHz; 0.6 of that above.
    sample_rate, rng
        As in `bar`.

    Returns
    -------
    (samples,) float64
        Impulse response of `decay` seconds, of energy 1.
    """
    time = np.arange(round(decay * sample_rate)) / sample_rate
    noise = rng.standard_normal(len(time))
    low = signal.sosfilt(signal.butter(1, 2000, fs=sample_rate, output="sos"), noise)
    response = low * 10 ** (-3 * time / decay) + (noise - low) * 10 ** (-3 * time / (0.6 * decay))
    # The first wall is a few metres away.
    response[: round(0.012 * sample_rate)] = 0
    return response / np.sqrt(np.sum(response**2))


def _hum(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Harmonics of the mains, from a refrigerator: (samples,) of root mean square 1."""
    time = np.arange(samples) / sample_rate
    harmonics = np.arange(1, 7)
    phases = rng.uniform(0, 2 * np.pi, len(harmonics))
    tones = np.sin(2 * np.pi * 50 * harmonics[:, None] * time + phases[:, None]) / harmonics[:, None]
    sound = tones.sum(axis=0)
    return sound / audio.rms(sound)


def _air(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Ventilation: noise (samples,) of root mean square 1 that falls above 300 Hz."""
    band = signal.butter(1, (40, 300), "bandpass", fs=sample_rate, output="sos")
    sound = signal.sosfilt(band, rng.standard_normal(samples))
    return sound / audio.rms(sound)
