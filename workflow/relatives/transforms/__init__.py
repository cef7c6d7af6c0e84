"""The five transformations of the audio, their grid of magnitudes, and the excerpts that the tests use.

PS (pitch shift) and TS (tempo shift) are Rubber Band's, PN (pink noise) and EN (environmental noise) are
added at a signal-to-noise ratio, MP is MP3 compression. OG is the original: a transformation that changes
nothing. Each is a function of the signal, the magnitude and, for the noises, of a seed.

After every transformation the loudness is set back to that of the input, lest a distance measure a mere
change of level. What has no block above the gate of EBU R 128, -70 LUFS, has no loudness: such a signal is
set back to its RMS level instead. (The excerpts of the tests are drawn where there is a loudness.) Where next
to nothing is left of a signal, as of a tone of 9.5 kHz under MP3 at 8 kb/s, the result is zeros: set back to
the level of the original, the rounding of the codec would be loud noise, 105 dB louder than it is.
Nothing is clipped or normalised, so a signal may exceed full scale afterwards.

The excerpts of the tests, original and transformed, have one quantisation, that of int16 (`excerpt`). A
corpus is stored as int16. The noise of its rounding, -101 dB of full scale, is alone at the top of the band
of dull music, where a pitch shift or a codec takes it away. Without a second rounding, a network could tell
by that noise alone what has been transformed. The study's released code quantises more coarsely: audio for
training and the points, original and transformed, are 8-bit mu-law there (the test excerpts of VS are not).

Over what the levels are measured: the signal-to-noise ratio and the loudness are those of the excerpt of 2 s,
as in the study's text; its released code takes both over the whole window of 4 s.

Sources
-------
"Are Nearby Neighbors Relatives? Testing Deep Music Embeddings" (2019), the section on the transformations,
and the code that its authors released.
"""

import numpy as np

from relatives import seeds
from relatives.audio import centre, level, loudness, loudness_gain, quantise
from relatives.errors import InputError
from relatives.transforms import mp3, rubberband
from relatives.transforms.grid import GRID, ORIGINAL, RANGES, SMALLEST, UNITS, check
from relatives.transforms.noise import add, cut, pink

LOST = 0.1
"""Nothing is left of a signal that a transformation makes so many times as strong, 20 dB below, and that has
no loudness any more."""

LOUDEST = 1e3
"""How far a sample may exceed full scale, 60 dB: what is louder was never scaled, and ends the codec."""

__all__ = ["GRID", "ORIGINAL", "RANGES", "SMALLEST", "UNITS", "apply", "check", "excerpt"]


def apply(name, magnitude, audio, sample_rate, seed=0, noise=None):
    """Transform a signal and set its loudness back to what it was.

    The result is not rounded to int16, as `excerpt` does it. It may be a step of a longer calculation, in
    which every rounding would add its noise, and the signal need not come from a file of int16.

    Parameters
    ----------
    name : str
        One of `UNITS`.
    magnitude : float
        In the unit that `UNITS` gives, within the range that `check` allows.
    audio : (samples,) float32
        Finite, full scale at ±1, none beyond ±`LOUDEST`.
    sample_rate : int
        In Hz.
    seed : int
        For PN and EN. It belongs to the signal: signals of the same seed are given the same noise.
    noise : (n,) or (n, channels) float array, optional
        For EN: the recording of the noise, at the same sampling rate.

    Returns
    -------
    (samples',) float32
        As long as the input; after TS ``samples / magnitude``, rounded. OG is the input itself.

    Raises
    ------
    InputError
        The transformation or its magnitude is not to be had (`check`); the audio is not one channel, is
        empty, not finite or beyond all scales; the recording for EN is missing or silent.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> len(apply("TS", 1.25, tone, 22050))
    17640
    """
    check(name, magnitude)
    signal = _usable(audio)
    if name == ORIGINAL:
        return signal
    transformed = _transform(name, magnitude, signal, sample_rate, seed, noise)
    gain = _matching_gain(transformed, signal, sample_rate)
    return (gain * transformed).astype(np.float32)


def excerpt(name, magnitude, window, samples, sample_rate, seed=0, noise=None, companion=None):
    """The transformed excerpt from the middle of a window, for the tests.

    The window is longer than the excerpt, so that a gain in tempo still fills the excerpt. PS, TS and MP
    act on the whole window, whose middle is kept afterwards; PN and EN act on the middle itself, so that
    their signal-to-noise ratio is that of the excerpt. Then the excerpt is set to the loudness of the
    original excerpt.

    A companion is a part of the window, such as its vocals, that has to remain what is really inside the
    transformed excerpt, to be the reference of a separation. Hence it is scaled by the same gain. The
    noises and the codec touch the window alone. PS and TS move the companion and the rest of the window,
    in step (`rubberband.together`), and the excerpt is the sum of the two. Were the window and the companion
    shifted each by itself, the phases of the companion would be others than those in the mixture, and even
    a perfect separation would be measured as a bad one. The study's released code does both otherwise: it
    shifts every stem by itself, each with its own loudness, and under PN, EN and MP it leaves the reference
    at its level while the mixture is turned down.

    At the end the excerpt and the companion are rounded to the steps of int16, in which the originals are
    stored, without clipping (`relatives.audio.quantise`). An original that was read from a corpus of one
    channel does not change by it; of a stereo track, the mean of the two channels is rounded as well.

    Parameters
    ----------
    name, magnitude, sample_rate, seed, noise
        As for `apply`; the seed belongs to the excerpt.
    window : (n,) float32
        Centred on the excerpt.
    samples : int
        Length of the excerpt. Where the transformed window is shorter, it is zero-padded.
    companion : (n,) float32, optional

    Returns
    -------
    (samples,) float32
        The excerpt; all values are multiples of 1 / 32768.
    (samples,) float32 or None
        The companion in the excerpt, likewise.

    Raises
    ------
    InputError
        As `apply`.
    """
    check(name, magnitude)
    window = _usable(window)
    original = centre(window, samples)
    part = None if companion is None else centre(_usable(companion), samples)
    if name == ORIGINAL:
        return quantise(original), None if part is None else quantise(part)

    if name in ("PN", "EN"):
        transformed = _transform(name, magnitude, original, sample_rate, seed, noise)
    elif name in ("PS", "TS") and companion is not None:
        parts = rubberband.together(companion, window - companion)
        parts = centre(_transform(name, magnitude, parts, sample_rate, seed, noise), samples)
        transformed, part = parts.sum(axis=1), parts[:, -1]
    else:
        transformed = centre(_transform(name, magnitude, window, sample_rate, seed, noise), samples)

    gain = _matching_gain(transformed, original, sample_rate)
    return quantise(gain * transformed), None if part is None else quantise(gain * part)


def _transform(name, magnitude, signal, sample_rate, seed, noise):
    """The transformation alone, at whatever loudness it leaves."""
    if name == "PS":
        return rubberband.pitch_shift(signal, sample_rate, magnitude)
    if name == "TS":
        return rubberband.tempo_shift(signal, sample_rate, magnitude)
    if name == "MP":
        return mp3.compress(signal, sample_rate, magnitude)
    generator = seeds.generator(seed, "transforms", name, float(magnitude))
    added = pink(len(signal), generator) if name == "PN" else cut(noise, len(signal), generator, sample_rate)
    return add(signal, added, magnitude)


def _matching_gain(transformed, original, sample_rate):
    """The factor that sets a signal back to the level of the original; 0 where nothing is left of it."""
    found, wanted = level(transformed), level(original)
    if found <= LOST * wanted and not np.isfinite(loudness(transformed, sample_rate)):
        return 0.0
    target = loudness(original, sample_rate)
    if np.isfinite(target):
        return loudness_gain(transformed, target, sample_rate)
    # too quiet for EBU R 128
    return wanted / found if wanted else 1.0


def _usable(audio):
    """The audio as float32, if it can be transformed."""
    signal = np.asarray(audio, dtype=np.float32)
    if signal.ndim != 1 or len(signal) == 0:
        raise InputError(f"Audio of shape {signal.shape}: give one channel, (samples,), that is not empty.")
    bad = np.count_nonzero(~np.isfinite(signal))
    if bad:
        raise InputError(f"Audio: {bad} of {len(signal)} samples are not finite (NaN or Inf). Leave it out.")
    if max(signal.max(), -signal.min()) > LOUDEST:
        raise InputError(
            f"Audio: samples of up to {np.abs(signal).max():.3g}, where full scale is 1. Scale it."
        )
    return signal
