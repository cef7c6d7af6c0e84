"""The short-time Fourier transform (STFT) that the networks see, on any torch device.

Conventions: frames come before bins, so a spectrogram is (batch, frames, n_fft // 2 + 1). Frame k is centred
on sample ``k * hop``, the signal being continued by zeros (the study's released code: by its reflection), so
a signal of n samples has ``1 + n // hop`` frames. The window is a periodic Hann window (released code: a
symmetric one), unscaled: values are those of `librosa.stft` with its defaults.

Level is in dB of magnitude, where 0 dB is a magnitude of 1, and never below `FLOOR`. What is standardised
(the input of a network, its scaler, the target of a decoder) is first clipped a number of dB below the
loudest cell of the excerpt (`clip`): without that, standardising each bin turns differences far below what
can be heard into large ones. The study's text names no floor; its released code clips at 80 dB, as librosa's
``top_db`` does.
"""

import torch

N_FFT = 1024
HOP = 256
BINS = N_FFT // 2 + 1
FLOOR = -100.0  # dB


def stft(audio: torch.Tensor, n_fft: int = N_FFT, hop: int = HOP, centred: bool = True) -> torch.Tensor:
    """The STFT of a batch of signals.

    Parameters
    ----------
    audio : (batch, samples) float32
    n_fft, hop
        Length of the window and its step, in samples.
    centred
        Continue the signals by ``n_fft // 2`` zeros on both sides. If not, the first frame begins with the
        first sample and the last one ends within the signal.

    Returns
    -------
    (batch, frames, n_fft // 2 + 1) complex64
    """
    window = torch.hann_window(n_fft, device=audio.device)
    spectrum = torch.stft(
        audio, n_fft, hop, window=window, center=centred, pad_mode="constant", return_complex=True
    )
    # (batch, bins, frames) -> (batch, frames, bins)
    return spectrum.transpose(1, 2)


def istft(spectrum: torch.Tensor, samples: int, hop: int = HOP) -> torch.Tensor:
    """The signals of centred STFTs, by overlap and add: the inverse of `stft`.

    Parameters
    ----------
    spectrum : (batch, frames, bins) complex64
    samples
        Length of the signals; no frame's centre may lie more than a hop before their end.
    hop
        As given to `stft`.

    Returns
    -------
    (batch, samples) float32
    """
    n_fft = 2 * (spectrum.shape[2] - 1)
    window = torch.hann_window(n_fft, device=spectrum.device)
    # (batch, frames, bins) -> (batch, bins, frames)
    return torch.istft(spectrum.transpose(1, 2), n_fft, hop, window=window, length=samples)


def clip(levels: torch.Tensor, top_db: float | None) -> torch.Tensor:
    """Raise every level that is too far below the loudest cell of its excerpt.

    Parameters
    ----------
    levels : (batch, frames, bins)
        In dB, of any floating type: whole excerpts, as their loudest cell counts.
    top_db : float or None
        How far below that cell the lowest level lies afterwards, in dB; None changes nothing.

    Returns
    -------
    (batch, frames, bins)

    Examples
    --------
    >>> clip(torch.tensor([[[-10.0, -95.0]], [[-50.0, -95.0]]]), 80)
    tensor([[[-10., -90.]],
    <BLANKLINE>
            [[-50., -95.]]])
    """
    if top_db is None:
        return levels
    # (batch, 1, 1) -> (batch, frames, bins), in full: torch 2.11 takes 20 times as long to broadcast float16
    floor = (levels.amax(dim=(1, 2), keepdim=True) - top_db).expand_as(levels).contiguous()
    return torch.maximum(levels, floor)


def decibel(spectrum: torch.Tensor) -> torch.Tensor:
    """The level of a spectrum in dB, ``20 log10 |X|``, not below `FLOOR`.

    It is taken from the power, ``10 log10 |X|²``: the magnitude of complex numbers takes torch twice as long.

    Parameters
    ----------
    spectrum : (…) complex64

    Returns
    -------
    (…) float32
    """
    real, imaginary = torch.view_as_real(spectrum).unbind(-1)
    power = torch.addcmul(real.square(), imaginary, imaginary)
    return power.clamp_(min=10 ** (FLOOR / 10)).log10_().mul_(10)
