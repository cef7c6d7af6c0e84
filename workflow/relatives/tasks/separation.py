"""VS: take the vocals out of the mixture (section 2.1.4).

The network gives a mask between 0 and 1 that multiplies the mixture's magnitude (eq. 7); the loss is the mean
absolute error to the vocals' magnitude (eq. 8), linear, not in dB. The waveform is made with the mixture's
phase. The encoder's input is the mixture's standardised dB spectrogram, as in the other tasks.

The networks see 512 of the 513 bins: the highest bin takes the mask of the one below it.

The performance is the signal-to-distortion ratio (SDR) of BSS Eval v4 on the vocals, see `sdr`. It is
measured over the whole excerpt, which is longer than the network's frames: overlapping segments cover it, and
where they overlap their masks are averaged.
"""

import math

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features import spectrogram
from relatives.features.cache import Cache
from relatives.models.encoders import BINS
from relatives.models.networks import Network
from relatives.tasks.batches import predict


def check(corpus: Corpus) -> None:
    """Raise an InputError unless the corpus has stems."""
    if not corpus.has_stems:
        raise InputError(
            "Voice separation (VS) needs the vocals and the accompaniment of each track (stems), and the "
            f"corpus {corpus.directory.name} has none. "
            "Give it a corpus with stems, or take VS out of the tasks."
        )


def read(
    network: Network, corpus: Corpus, cache: Cache, rows: np.ndarray, firsts: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the encoder sees of the crops, and their vocals and accompaniment (batch, samples, 2) float32."""
    samples = network.settings["samples"]
    stems = [corpus.stems(row, first, samples) for row, first in zip(rows, firsts, strict=True)]
    return network.cached_inputs(cache, rows, firsts), torch.from_numpy(np.stack(stems))


def loss(network: Network, inputs: torch.Tensor, stems: torch.Tensor) -> torch.Tensor:
    """The mean absolute error of a batch (eq. 8)."""
    mixture = network.middle(spectrogram.stft(stems.sum(dim=2)))[..., :BINS].abs()
    vocals = network.middle(spectrogram.stft(stems[..., 0]))[..., :BINS].abs()
    return torch.nn.functional.l1_loss(network(inputs) * mixture, vocals)


def performance(
    network: Network, excerpts: np.ndarray, targets: np.ndarray, statistics: np.ndarray | None = None
) -> np.ndarray:
    """The SDR of the vocals that the network takes out of each excerpt.

    Parameters
    ----------
    network : Network
        In evaluation mode, as `networks.load` gives it.
    excerpts : (n, samples) float32
    targets : (n, samples) float32
        The vocals that are in them.
    statistics : (n, 144) float32, optional
        The excerpts' MFCC statistics, if they are there already.

    Returns
    -------
    (n,) float64
        In dB, higher is better; see `sdr`.
    """

    def estimate(mixture: np.ndarray, statistics: np.ndarray | None) -> torch.Tensor:
        return separate(network, mixture, statistics)

    return sdr(targets, predict(estimate, excerpts, statistics), network.settings["sample_rate"])


def trivial(
    network: Network, corpus: Corpus, excerpts: np.ndarray, targets: np.ndarray
) -> dict[str, np.ndarray]:
    """The SDR of taking the mixture as it is for the vocals.

    Parameters
    ----------
    network : Network
        Any, for the sampling rate.
    corpus : Corpus
    excerpts, targets : (n, samples) float32

    Returns
    -------
    dict
        "mixture": (n,) float64.
    """
    return {"mixture": sdr(targets, excerpts, network.settings["sample_rate"])}


def separate(network: Network, mixture: np.ndarray, statistics: np.ndarray | None = None) -> torch.Tensor:
    """The vocals of a batch of mixtures.

    Parameters
    ----------
    network : Network
    mixture : (batch, samples) float32
    statistics : (batch, 144) float32, optional
        As for `performance`. The MFCC encoder describes the excerpt as a whole, so all segments get one mask.

    Returns
    -------
    (batch, samples) float32
    """
    spectrum = spectrogram.stft(torch.from_numpy(mixture).to(network.device))
    levels = spectrogram.clip(spectrogram.decibel(spectrum.abs()), network.top_db)
    batch, frames = spectrum.shape[:2]
    length = network.settings["frames"]
    firsts = np.linspace(0, frames - length, math.ceil(frames / length)).round().astype(int)
    whole = network(network.inputs(mixture, statistics)) if network.settings["encoder"] == "MFCC" else None

    total = torch.zeros(batch, frames, BINS, device=network.device)
    count = torch.zeros(frames, 1, device=network.device)
    for first in firsts:
        segment = slice(first, first + length)
        total[:, segment] += network(levels[:, segment]) if whole is None else whole
        count[segment] += 1
    mask = total / count
    mask = torch.cat([mask, mask[..., -1:]], dim=2)
    return spectrogram.istft(mask * spectrum, mixture.shape[1])


def sdr(references: np.ndarray, estimates: np.ndarray, window: int) -> np.ndarray:
    """The signal-to-distortion ratio of BSS Eval v4.

    Its images version, which museval uses, projects the estimate on the reference only to tell the kinds of
    error apart. All of them together are the plain difference, so the SDR is the energy ratio of reference
    and difference: of each window, side by side, then the median over the windows.

    Parameters
    ----------
    references, estimates : (n, samples) float32
    window : int
        In samples; 1 s in BSS Eval v4. A signal that is not longer is one window; a rest at the end is left
        out.

    Returns
    -------
    (n,) float64
        In dB. Windows in which either signal is silent do not count; NaN if none is left. Infinite where
        nothing differs.
    """
    window = min(window, references.shape[1])
    windows = references.shape[1] // window
    # (n, samples) -> (n, windows, window)
    shape = (len(references), windows, window)
    reference = references[:, : windows * window].astype(np.float64).reshape(shape)
    estimate = estimates[:, : windows * window].astype(np.float64).reshape(shape)
    silent = ~reference.any(axis=2) | ~estimate.any(axis=2)
    energy = np.square(reference).sum(axis=2)
    error = np.square(reference - estimate).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.ma.array(10 * np.log10(energy / error), mask=silent)
    return np.ma.median(ratio, axis=1).filled(np.nan)
