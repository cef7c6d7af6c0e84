"""VS: take the vocals out of the mixture (section 2.1.4).

The network gives a mask between 0 and 1 that multiplies the mixture's magnitude (eq. 7); the loss is the mean
absolute error to the vocals' magnitude (eq. 8), linear, not in dB. The waveform is made with the mixture's
phase. The encoder's input is the mixture's standardised dB spectrogram, as in the other tasks.

The networks see 512 of the 513 bins: the highest bin takes the mask of the one below it.

The performance is the signal-to-distortion ratio (SDR) of BSS Eval v4 on the vocals, see `sdr`. It is
measured over the whole excerpt, which is longer than the network's frames: overlapping segments cover it, and
where they overlap their masks are averaged. Which windows of an excerpt count is fixed by the original, see
`counted`, so that the same windows are measured at every magnitude.

Where this and the study's released code differ:

* The loss of the code has a second term, the error of the accompaniment under one minus the mask; eq. 8 has
  the vocals alone, as here.
* The skip connections of the code add pooled maps; here unpooled maps are concatenated, see `decoders`.
* Under PN, EN and MP the code leaves the vocals at their level while the mixture is brought back to its
  loudness; here the vocals get the mixture's gain (`transforms.excerpt`), so that they stay what is in it.
* Under PS and TS the code moves mixture and stems by themselves, each back to its own loudness; here they are
  moved together, with one gain.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features import spectrogram
from relatives.features.cache import Cache
from relatives.models.encoders import BINS
from relatives.models.networks import Network
from relatives.tasks.batches import predict

RANGE = 40.0
"""dB. A window counts if its vocals are at most so far below the mixture, and its SDR is at most so far
from 0: what lies farther below the rest can hardly be heard beside it."""


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
    """The mean absolute error of a batch, of the vocals alone (eq. 8)."""
    mixture = network.middle(spectrogram.stft(stems.sum(dim=2)))[..., :BINS].abs()
    vocals = network.middle(spectrogram.stft(stems[..., 0]))[..., :BINS].abs()
    return torch.nn.functional.l1_loss(network(inputs) * mixture, vocals)


def performance(
    networks: Sequence[Network],
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: Sequence[np.ndarray] | None = None,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """The SDR of the vocals that networks take out of each excerpt.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one encoder, in evaluation mode, as `networks.load` gives them.
    excerpts : (n, samples) float32
    targets : (n, samples) float32
        The vocals that are in them.
    points : sequence, optional
        Of each network, what to decode in place of the excerpts' own z, as for `separate`.
    counts : (n, windows) bool, optional
        The windows of 1 s that count, as from `counted`; all, if left out.

    Returns
    -------
    (trials, n) float64
        In dB, higher is better; see `sdr`.
    """
    window = networks[0].settings["sample_rate"]

    def measured(mixture, vocals, counts, *points) -> torch.Tensor:
        estimates = separate(networks, mixture, points or None).cpu().numpy()
        return torch.from_numpy(
            np.stack([sdr(vocals, estimate, window, counts) for estimate in estimates], axis=1)
        )

    return predict(measured, excerpts, targets, counts, *(points or ())).T


def baselines(
    network: Network,
    corpus: Corpus,
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: np.ndarray | None = None,
    counts: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The SDR of a predictor that has learned nothing, and of the network with another z in place of its own.

    The mask of a network with skip connections may come through these alone. If it is as good with another
    z, the space carries nothing that the separation uses.

    Parameters
    ----------
    network : Network
    corpus : Corpus
        Not used.
    excerpts, targets : (n, samples) float32
        At least two, or "another excerpt" is the same.
    points : (n, 144) float32, optional
        Of the MFCC encoder, if they are there already.
    counts
        As for `performance`.

    Returns
    -------
    dict
        "mixture", taken as it is for the vocals. "another excerpt's z", of the excerpt half the table on,
        which is of another song. With the VGG encoder "z = 0"; with the MFCC encoder, whose statistics are
        nowhere near 0, "mean z", the mean of the training set, which its head takes to 0. (n,) float64 each.
    """
    z = encode(network, excerpts) if points is None else points
    if network.settings["encoder"] == "VGG":
        name, constant = "z = 0", np.zeros_like(z)
    else:
        mean = network.head[0].running_mean.cpu().numpy()
        name, constant = "mean z", np.broadcast_to(mean, z.shape)
    others = {name: constant, "another excerpt's z": np.roll(z, len(z) // 2, axis=0)}
    return {
        "mixture": sdr(targets, excerpts, network.settings["sample_rate"], counts),
        **{
            name: performance([network], excerpts, targets, [other], counts)[0]
            for name, other in others.items()
        },
    }


def separate(
    networks: Sequence[Network], mixture: np.ndarray, points: Sequence[np.ndarray] | None = None
) -> torch.Tensor:
    """The vocals of a batch of mixtures, by each of several networks.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one encoder: the spectrogram is computed once.
    mixture : (batch, samples) float32
    points : sequence, optional
        Of each network, what is decoded in place of the mixtures' own z. (batch, 144) float32 of the MFCC
        encoder: it describes the excerpt as a whole, so all segments get one mask. (batch, segments,
        dimensions) of the VGG encoder, as from `encode`.

    Returns
    -------
    (trials, batch, samples) float32
    """
    spectrum = spectrogram.stft(torch.from_numpy(mixture).to(networks[0].device))
    levels = _levels(networks[0], spectrum)
    if networks[0].settings["encoder"] == "MFCC" and points is None:
        points = [networks[0].inputs(mixture).cpu().numpy()] * len(networks)
    estimates = []
    for network, z in zip(networks, points or [None] * len(networks), strict=True):
        mask = _mask(network, levels, None if z is None else torch.from_numpy(z).to(network.device))
        estimates.append(spectrogram.istft(mask * spectrum, mixture.shape[1]))
    return torch.stack(estimates)


def encode(network: Network, excerpts: np.ndarray) -> np.ndarray:
    """The points that `separate` decodes of each excerpt.

    Parameters
    ----------
    network : Network
    excerpts : (n, samples) float32

    Returns
    -------
    (n, segments, dimensions) float32 of the VGG encoder, (n, 144) of the MFCC encoder
    """

    def encoded(mixture: np.ndarray) -> torch.Tensor:
        if network.settings["encoder"] == "MFCC":
            return network.inputs(mixture)
        levels = _levels(network, spectrogram.stft(torch.from_numpy(mixture).to(network.device)))
        return torch.stack(
            [network.encode(levels[:, segment]) for segment in _segments(network, levels)], dim=1
        )

    return predict(encoded, excerpts)


def _levels(network: Network, spectrum: torch.Tensor) -> torch.Tensor:
    """What a network sees of whole excerpts: (batch, frames, 513) complex -> dB, clipped."""
    return spectrogram.clip(spectrogram.decibel(spectrum), network.top_db)


def _segments(network: Network, levels: torch.Tensor) -> list[slice]:
    """The frames of each segment, as long as the network takes; together they cover all frames evenly."""
    frames, length = levels.shape[1], network.settings["frames"]
    firsts = np.linspace(0, frames - length, math.ceil(frames / length)).round().astype(int)
    return [slice(first, first + length) for first in firsts]


def _mask(network: Network, levels: torch.Tensor, points: torch.Tensor | None) -> torch.Tensor:
    """The mask of the vocals over all frames: (batch, frames, 513) dB -> (batch, frames, 513), 0 to 1."""
    batch, frames = levels.shape[:2]
    whole = network.decode(points) if network.settings["encoder"] == "MFCC" else None
    total = torch.zeros(batch, frames, BINS, device=network.device)
    count = torch.zeros(frames, 1, device=network.device)
    for number, segment in enumerate(_segments(network, levels)):
        if whole is not None:
            total[:, segment] += whole
        elif points is None:
            total[:, segment] += network(levels[:, segment])
        else:
            total[:, segment] += network.decode(points[:, number], levels[:, segment])
        count[segment] += 1
    mask = total / count
    return torch.cat([mask, mask[..., -1:]], dim=2)


def counted(references: np.ndarray, mixtures: np.ndarray, window: int) -> np.ndarray:
    """Which windows of each excerpt count, by the original.

    A window counts if the vocals are at most `RANGE` dB below the mixture in it. Where nobody sings, a
    transformation leaves residues of -90 dB, and an SDR of these would say nothing of the separation. If none
    counts, the window with the loudest vocals does, so that every excerpt has a measure.

    Parameters
    ----------
    references, mixtures : (n, samples) float32
        The original vocals and the original mixtures.
    window : int
        In samples, as for `sdr`.

    Returns
    -------
    (n, windows) bool
        At least one in every row.
    """
    reference, mixture = (
        np.square(_windows(signal, window)).sum(axis=2) for signal in (references, mixtures)
    )
    counts = (reference > 0) & (reference >= mixture * 10 ** (-RANGE / 10))
    none = ~counts.any(axis=1)
    counts[none, reference[none].argmax(axis=1)] = True
    return counts


def sdr(
    references: np.ndarray, estimates: np.ndarray, window: int, counts: np.ndarray | None = None
) -> np.ndarray:
    """The signal-to-distortion ratio of BSS Eval v4.

    Its images version, which museval uses, projects the estimate on the reference only to tell the kinds of
    error apart. All of them together are the plain difference, so the SDR is the energy ratio of reference
    and difference: of each window, side by side, then the median over the windows that count.

    BSS Eval leaves out a window in which the reference or the estimate is silent, to the last sample. Here a
    window that counts is measured whatever is in it, and limited to ± `RANGE` dB: -`RANGE` where the
    reference has moved away, as under a strong tempo shift; `RANGE` where nothing differs, silence from
    silence included; 0 where the estimate alone is silent.

    Parameters
    ----------
    references, estimates : (n, samples) float32
    window : int
        In samples; 1 s in BSS Eval v4. A signal that is not longer is one window; a rest at the end is left
        out.
    counts : (n, windows) bool, optional
        The windows that count, at least one in every row, as from `counted`; all, if left out.

    Returns
    -------
    (n,) float64
        In dB, from -`RANGE` to `RANGE`. NaN only where a window that counts holds a NaN.
    """
    reference, estimate = _windows(references, window), _windows(estimates, window)
    energy = np.square(reference).sum(axis=2)
    error = np.square(reference - estimate).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, RANGE, 10 * np.log10(energy / error))
    left_out = np.zeros(ratio.shape, dtype=bool) if counts is None else ~np.asarray(counts, dtype=bool)
    return np.ma.median(np.ma.array(ratio.clip(-RANGE, RANGE), mask=left_out), axis=1).filled(np.nan)


def _windows(signals: np.ndarray, window: int) -> np.ndarray:
    """Signals cut into windows, side by side: (n, samples) -> (n, windows, window) float64."""
    window = min(window, signals.shape[1])
    windows = signals.shape[1] // window
    return signals[:, : windows * window].astype(np.float64).reshape(len(signals), windows, window)
