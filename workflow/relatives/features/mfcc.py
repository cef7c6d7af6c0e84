"""Mel frequency cepstral coefficients (MFCC): the audio space, and an encoder without training.

The study (section 3.2) describes audio by 25 coefficients without the first, which is the level. All settings
are librosa's defaults: Hann windows of 2,048 samples every 512, centred, the signal continued by zeros; a
Slaney mel filter bank of 128 bands on the power spectrum; dB, clipped 80 dB below the loudest band of the
excerpt; an orthonormal DCT-II. So `sequences` gives what ``librosa.feature.mfcc(y=excerpt, sr=sample_rate,
n_mfcc=25)[1:].T`` gives for each excerpt, in a third of the time.

As a point in space, MFCC is the mean and the deviation over time of the coefficients and of their first and
second differences (`statistics`).
"""

import functools

import numpy as np
import scipy.fft

N_FFT = 2048
HOP = 512
BANDS = 128
COEFFICIENTS = 24  # the second to the 25th
FLOOR = -100.0  # dB
RANGE = 80.0  # dB below the loudest band of the excerpt


def mel_db(audio: np.ndarray, sample_rate: int, hop: int = HOP) -> np.ndarray:
    """Mel spectrograms in dB of power, not clipped but at `FLOOR`.

    Parameters
    ----------
    audio : (batch, samples) float32
    sample_rate
        In Hz.
    hop
        Step of the window in samples; frame k is centred on sample ``k * hop``.

    Returns
    -------
    (batch, 1 + samples // hop, 128) float32
    """
    padded = np.pad(np.asarray(audio, dtype=np.float32), [(0, 0), (N_FFT // 2, N_FFT // 2)])
    return np.stack([mel_db_frames(signal, sample_rate, hop) for signal in padded])


def mel_db_frames(signal: np.ndarray, sample_rate: int, hop: int = HOP) -> np.ndarray:
    """The mel spectrogram of one signal without padding: the first frame begins with the first sample.

    Parameters
    ----------
    signal : (samples,) float32, at least a window of 2,048 samples

    Returns
    -------
    (1 + (samples - 2048) // hop, 128) float32
    """
    frames = np.lib.stride_tricks.sliding_window_view(signal, N_FFT)[::hop] * _window()
    spectrum = scipy.fft.rfft(frames)
    mel = (spectrum.real**2 + spectrum.imag**2) @ _filters(sample_rate)
    return 10 * np.log10(np.maximum(mel, np.float32(10 ** (FLOOR / 10))))


@functools.cache
def _window() -> np.ndarray:
    """The periodic Hann window, (2048,) float32."""
    return np.hanning(N_FFT + 1)[:-1].astype(np.float32)


@functools.cache
def _filters(sample_rate: int) -> np.ndarray:
    """The mel filter bank, (1025, 128) float32."""
    import librosa.filters

    return np.ascontiguousarray(librosa.filters.mel(sr=sample_rate, n_fft=N_FFT, n_mels=BANDS).T)


def from_mel_db(mel: np.ndarray) -> np.ndarray:
    """MFCC sequences of mel spectrograms.

    Parameters
    ----------
    mel : (batch, frames, 128) float
        As from `mel_db`. Each is clipped 80 dB below its own loudest band.

    Returns
    -------
    (batch, frames, 24) float32
    """
    mel = np.asarray(mel, dtype=np.float32)
    clipped = np.maximum(mel, mel.max(axis=(1, 2), keepdims=True) - np.float32(RANGE))
    return scipy.fft.dct(clipped, norm="ortho")[..., 1 : 1 + COEFFICIENTS]


def sequences(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """MFCC sequences of a batch of excerpts.

    Parameters
    ----------
    audio : (batch, samples) float32
    sample_rate
        In Hz.

    Returns
    -------
    (batch, 1 + samples // 512, 24) float32
        87 frames for 2 s at 22,050 Hz. All zero for silence.

    Examples
    --------
    >>> sequences(np.zeros((1, 44100), dtype=np.float32), 22050).shape
    (1, 87, 24)
    """
    return from_mel_db(mel_db(audio, sample_rate))


def statistics(sequences: np.ndarray) -> np.ndarray:
    """MFCC as a point: what the sequences are on average, how they move, and how much they vary.

    Parameters
    ----------
    sequences : (batch, frames, 24) float32

    Returns
    -------
    (batch, 144) float32
        The mean over time of the coefficients, of their first and of their second differences, then the
        standard deviation of each. A difference that needs more frames than there are counts as zero.
    """
    curves = [np.diff(sequences, n=order, axis=1) for order in range(3)]
    curves = [curve if curve.shape[1] else np.zeros_like(sequences[:, :1]) for curve in curves]
    means = [curve.mean(axis=1) for curve in curves]
    deviations = [curve.std(axis=1) for curve in curves]
    return np.concatenate(means + deviations, axis=1)
