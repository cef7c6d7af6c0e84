"""Pink and environmental noise, mixed in at a signal-to-noise ratio.

The signal-to-noise ratio is the ratio of the RMS levels of the signal and of the noise that is added to it,
in dB, both over the whole length of the signal and about their means: a constant offset (DC) is no sound.
"""

import numpy as np

from relatives import audio
from relatives.errors import InputError, shown

ATTEMPTS = 100
"""How many cuts of a recording to try for one that sounds."""

SOUNDING = 0.5
"""The share of a recording that must be above the gate of EBU R 128."""

CANCELLING = 0.1
"""The share of a recording in which its channels may cancel each other."""


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


def load(path, sample_rate, how="mean", note=None):
    """Read the recording of the environment, as one channel.

    Its pieces are brought to the level that a signal-to-noise ratio asks for. A piece that is silent but for
    its rounding would become white noise, and of channels that cancel each other the rounding of a codec
    would remain. So a recording must sound.

    Parameters
    ----------
    path : str or Path
    sample_rate : int
        In Hz.
    how : {"mean", "left", "louder"}
        What is used of several channels: see `relatives.audio.mix`.
    note : callable, optional
        As in `relatives.audio.load`.

    Returns
    -------
    (samples,) float32

    Raises
    ------
    InputError
        It cannot be read or is not finite; its channels cancel each other in `CANCELLING` of its length or
        more, where their mean is used; or less than `SOUNDING` of it is above -70 LUFS, the gate of R 128.
    """
    recording = audio.load(path, sample_rate, note=note)
    one = _usable(audio.mix(recording, sample_rate, how) if how == "left" else recording, shown(path))
    compared = audio.compare_channels(one, sample_rate)
    if how == "mean" and (compared.share >= CANCELLING or compared.cancellation > audio.CANCELLED):
        raise InputError(
            f"{shown(path)}: the channels of the recording cancel each other in {compared.share:.0%} of its"
            f" length: their mean, which EN would use, is {audio.in_words(compared.below)} below the louder"
            " one. Set noise.mix to left or louder, or choose another recording."
        )
    one = audio.mix(one, sample_rate, how)
    # a constant offset is no sound, and would count in its level
    one = one - one.mean(dtype=np.float64).astype(np.float32)
    share = audio.sounding_share(one, sample_rate)
    if share < SOUNDING:
        raise InputError(
            f"{shown(path)}: only {share:.0%} of the recording is above {audio.GATE:g} LUFS (its loudness is"
            f" {audio.loudness(one, sample_rate):.1f} LUFS, its peak {audio.decibels(audio.peak(one)):.1f} dB"
            " of full scale); EN would turn up the hiss of the rest. Turn the recording up, or cut out what"
            " sounds, or choose another one."
        )
    return one


def cut(recording, samples, generator, sample_rate):
    """A piece of a recording, from a random place.

    Parameters
    ----------
    recording : (n,) or (n, channels) array, or None
        Where it is shorter than `samples` it is looped, from a random start.
    samples : int
    generator : numpy.random.Generator
    sample_rate : int
        In Hz.

    Returns
    -------
    (samples,) array
        A piece that sounds: pieces below the gate of EBU R 128 are drawn again. Of a piece shorter than a
        block of 400 ms, the block that begins with it has to sound.

    Raises
    ------
    InputError
        There is no recording, or it is empty, silent or not finite, or its channels cancel each other.
    """
    if recording is None or len(recording) == 0:
        raise InputError("EN, environmental noise: there is no recording of the noise. Give one.")
    recording = np.asarray(recording)
    if recording.ndim == 2 and recording.shape[1] > 1:
        below = audio.compare_channels(_usable(recording, "EN, environmental noise"), sample_rate)
        if below.cancellation > audio.CANCELLED:
            raise InputError(
                "EN, environmental noise: the channels of the recording cancel each other: their mean is"
                f" {audio.in_words(below.below)} below the louder one. Give one of the channels."
            )
    recording = audio.mono(recording)
    starts = len(recording) - samples + 1 if len(recording) >= samples else len(recording)
    heard = max(samples, round(audio.BLOCK * sample_rate))
    for _ in range(ATTEMPTS):
        start = generator.integers(starts)
        stretch = np.take(recording, np.arange(start, start + heard), mode="wrap")
        piece = _usable(stretch, "EN, environmental noise")[:samples]
        if np.any(piece) and audio.sounds(stretch, sample_rate):
            return piece
    raise InputError(
        "EN, environmental noise: the recording is silent, or nearly so: its peak is"
        f" {audio.decibels(audio.peak(recording)):.1f} dB of full scale, and of {ATTEMPTS} pieces none has a"
        f" loudness above {audio.GATE:g} LUFS. Turn it up, or choose another one."
    )


def _usable(recording, where):
    """The recording, if it is finite."""
    if not np.isfinite(audio.peak(recording)):
        raise InputError(f"{where}: the recording is not finite (NaN or Inf). Replace it.")
    return recording


def add(signal, noise, ratio):
    """Add noise to a signal at a signal-to-noise ratio.

    Parameters
    ----------
    signal, noise : (samples,) float array
        A noise that is constant, as every noise of one sample is, is no sound and is not added.
    ratio : float
        In dB, of the levels about the mean (`relatives.audio.level`).

    Returns
    -------
    (samples,) float64
        A silent or constant signal is left as it is: no level of noise has a ratio to it.
    """
    added = audio.level(noise)
    gain = audio.level(signal) / added * 10 ** (-ratio / 20) if added else 0.0
    return signal + gain * np.asarray(noise, dtype=np.float64)
