"""Pink and environmental noise, mixed in at a signal-to-noise ratio.

The signal-to-noise ratio is the ratio of the RMS levels of the signal and of the noise that is added to it,
in dB, both over the whole length of the signal.
"""

import numpy as np

from relatives import audio
from relatives.errors import InputError

ATTEMPTS = 100
"""How many cuts of a recording to try for one that is not silent."""


def pink(samples, generator):
    """Gaussian noise whose power is inversely proportional to frequency: -3 dB an octave.

    White noise is shaped in the frequency domain: every bin is divided by the square root of its frequency.
    The constant part, where that has no value, is left out.

    Parameters
    ----------
    samples : int
    generator : numpy.random.Generator

    Returns
    -------
    (samples,) float64
    """
    # a single sample would be all constant part
    length = max(2, samples)
    spectrum = np.fft.rfft(generator.standard_normal(length))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum, length)[:samples]


def cut(recording, samples, generator):
    """A piece of a recording, from a random place.

    Parameters
    ----------
    recording : (n,) or (n, channels) array, or None
        Where it is shorter than `samples` it is looped, from a random start.
    samples : int
    generator : numpy.random.Generator

    Returns
    -------
    (samples,) array
        Not silent: silent pieces are drawn again.

    Raises
    ------
    InputError
        There is no recording, or it is empty, silent or not finite.
    """
    if recording is None or len(recording) == 0:
        raise InputError("EN, environmental noise: there is no recording of the noise. Give one.")
    recording = audio.mono(np.asarray(recording))
    starts = len(recording) - samples + 1 if len(recording) >= samples else len(recording)
    for _ in range(ATTEMPTS):
        start = generator.integers(starts)
        piece = np.take(recording, np.arange(start, start + samples), mode="wrap")
        if not np.all(np.isfinite(piece)):
            raise InputError("EN, environmental noise: the recording is not finite (NaN or Inf). Replace it.")
        if np.any(piece):
            return piece
    raise InputError("EN, environmental noise: the recording is silent. Choose another one.")


def add(signal, noise, ratio):
    """Add noise to a signal at a signal-to-noise ratio.

    Parameters
    ----------
    signal, noise : (samples,) float array
        The noise is not silent.
    ratio : float
        In dB.

    Returns
    -------
    (samples,) float64
        A silent signal is left silent: no level of noise has a ratio to it.
    """
    level = audio.rms(signal) / audio.rms(noise) * 10 ** (-ratio / 20)
    return signal + level * np.asarray(noise, dtype=np.float64)
