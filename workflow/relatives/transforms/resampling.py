"""The resampler that Rubber Band ends a pitch shift with, made once for a ratio instead of once for a signal.

It is a windowed sinc: it passes what is below 0.975 of the lower of the two Nyquist frequencies, and reaches
over 31 zero crossings to either side, under a Kaiser window for 90 dB. Rubber Band lays it out anew for every
signal, for a fraction with up to six digits above and below the line: on average two thirds of the time of a
pitch shift of 4 s. Here the sinc is kept at `PHASES` places between two samples, with straight lines between
them: what that adds is 100 dB below the signal.

Sources
-------
Rubber Band Library, https://breakfastquay.com/rubberband/ (version 3): its resampler, in the quality of R2.
"""

import functools

import numpy as np
from numba import njit

CUT = 0.975
"""The end of the pass band, as a share of the lower Nyquist frequency."""

CROSSINGS = 31
"""Zero crossings of the sinc on either side."""

BETA = 0.1102 * (90 - 8.7)
"""Of the Kaiser window, by Kaiser's formula for an attenuation of 90 dB."""

PHASES = 512


def resample(signal, step, first, samples):
    """The signal between its samples, which is zero outside.

    Parameters
    ----------
    signal : (n,) float32
    step : float
        From one sample of the result to the next, in samples of the signal; above 1 the rate falls.
    first : float
        Where the result begins, in samples of the signal.
    samples : int
        Length of the result.

    Returns
    -------
    (samples,) float32
    """
    sinc = _sinc(step)
    reach = sinc.shape[1] // 2
    # zeros on either side, for every sample of the result to find its neighbours
    before = reach + max(0, int(np.ceil(-first)))
    after = reach + max(0, int(np.ceil(first + samples * step)) - len(signal))
    result = np.empty(samples, dtype=np.float32)
    _interpolate(np.pad(signal, (before, after)), sinc, before + first, step, result)
    return result


@functools.lru_cache(maxsize=4)
def _sinc(step):
    """The filter for a step, (PHASES + 1, 2 * reach) float32: a row is a place between two samples."""
    width = max(1.0, step) / CUT
    half = CROSSINGS * width
    reach = int(np.ceil(half))
    # (PHASES + 1, 2 * reach): how far each neighbour is from each place
    away = np.arange(1 - reach, reach + 1) - np.arange(PHASES + 1)[:, None] / PHASES
    window = np.i0(BETA * np.sqrt(np.maximum(0, 1 - (away / half) ** 2))) / np.i0(BETA)
    return np.where(np.abs(away) <= half, window * np.sinc(away / width) / width, 0).astype(np.float32)


# "reassoc" lets the sums be taken in the lanes of a vector
@njit(fastmath={"reassoc", "contract"}, cache=True)
def _interpolate(signal, sinc, first, step, result):
    phases, taps = sinc.shape[0] - 1, sinc.shape[1]
    for n in range(len(result)):
        place = first + n * step
        sample = int(np.floor(place))
        phase = int((place - sample) * phases)
        rest = np.float32((place - sample) * phases - phase)
        neighbours = signal[sample + 1 - taps // 2 : sample + 1 + taps // 2]
        here, there = sinc[phase], sinc[phase + 1]
        low, high = np.float32(0), np.float32(0)
        for k in range(taps):
            low += neighbours[k] * here[k]
            high += neighbours[k] * there[k]
        result[n] = low + rest * (high - low)
