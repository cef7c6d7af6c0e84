"""Pitch shift and tempo shift by Rubber Band, set as its command line's defaults.

The study shifted with the `rubberband` program. Pedalboard holds the same library in process; set as below
it returns, but for rounding, what ``rubberband -p`` and ``rubberband -T`` write of 4 s of music: the faster
engine (R2), formants not preserved, and the options of crispness 5 (crisp transients, found by the compound
detector; phases kept in line; the window's length left to the engine; no smoothing in time). The program
may differ at the very end of a signal that stops at full level, and it lowers the level of an output that
would clip.

Rubber Band shifts the pitch by stretching the signal, which keeps the pitch, and resampling what comes out.
It would design its resampler anew for every signal, which takes longer than the rest. So the stretching is
its own here, and the resampling is done beside it (`resampling`), with the same filter at the same places.
Only some dozens of samples at either end differ, where the filter reaches beyond what it is given.

Rubber Band does not stretch evenly: it keeps attacks as they are and makes up for it in between, along a
time map. And what it makes of a mixture is not the sum of what it makes of the parts, as each part's phases
go their own way. `together` lets the parts of a mixture move along the one time map of the mixture.

Sources
-------
Rubber Band Library, https://breakfastquay.com/rubberband/ (version 3); the options are those that
``rubberband --full-help`` gives for its default crispness.
"""

import numpy as np

COMMAND_LINE_DEFAULTS = {
    "high_quality": False,  # the R2 engine
    "transient_mode": "crisp",
    "transient_detector": "compound",
    "retain_phase_continuity": True,
    "use_long_fft_window": None,
    "use_time_domain_smoothing": False,
    "preserve_formants": False,
}


def together(part, rest):
    """Two parts of a mixture as the channels of one signal, for `pitch_shift` and `tempo_shift`.

    Rubber Band takes the time map from the sum of all channels, which here is the mixture. It works on the
    first two channels as their mean and their difference, which here are half the rest and nothing, and on
    a third as it is. So the parts are shifted each for itself and in step with the other.

    Parameters
    ----------
    part, rest : (samples,) float32

    Returns
    -------
    (samples, 3) float32
        The last channel is the part; the sum of all channels is the mixture, before and after a shift.
    """
    return np.stack([rest / 2, rest / 2, part], axis=1)


def pitch_shift(signal, sample_rate, semitones):
    """Change the pitch and keep the tempo.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float32
    sample_rate : int
        In Hz.
    semitones : float
        Upwards where positive.

    Returns
    -------
    float32
        Of the signal's shape.
    """
    pitch = 2.0 ** (semitones / 12)
    stretched = tempo_shift(signal, sample_rate, 1 / pitch)
    if pitch == 1:
        return stretched
    # compiled, which only a pitch shift is to wait for
    from relatives.transforms.resampling import resample

    # Rubber Band resamples from half a window before the signal, and drops as many samples as that half comes
    # to, rounded: the result is off by part of a sample
    before = _window(sample_rate) // 2
    first = round(before / pitch) * pitch - before
    # (samples', ) or (samples', channels) -> a row a channel, resampled, -> (samples,) or (samples, channels)
    channels = np.atleast_2d(stretched.T)
    shifted = np.stack([resample(channel, pitch, first, len(signal)) for channel in channels], axis=-1)
    return shifted[:, 0] if signal.ndim == 1 else shifted


def tempo_shift(signal, sample_rate, ratio):
    """Change the tempo and keep the pitch.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float32
    sample_rate : int
        In Hz.
    ratio : float
        New tempo over original tempo: above 1 the signal gets faster and shorter.

    Returns
    -------
    (samples / ratio,) or (samples / ratio, channels) float32
        The length is rounded, and at least one sample.
    """
    import pedalboard

    samples = max(1, round(len(signal) / ratio))
    # (samples,) or (samples, channels) -> (channels, samples), and back
    channels = np.ascontiguousarray(np.atleast_2d(signal.T), dtype=np.float32)
    shifted = pedalboard.time_stretch(
        channels, sample_rate, stretch_factor=float(ratio), **COMMAND_LINE_DEFAULTS
    )
    # it is as long as it should be, but for an input of up to three samples, of which too much is made
    shifted = shifted[:, :samples].T
    return shifted[:, 0] if signal.ndim == 1 else shifted


def _window(sample_rate):
    """Samples of Rubber Band's window: 2,048 for 48 kHz, in proportion, up to the next power of two."""
    return 1 << (2048 * sample_rate // 48000 - 1).bit_length()
