"""AE: reconstruct the input from z (section 2.1.1).

The loss is the squared error of the standardised dB spectrogram (eq. 2), averaged over its values instead of
summed over a clip; the performance is the same of each excerpt. The target is what the VGG encoder sees,
under either encoder: the middle frames of the excerpt, 512 bins. A transformed excerpt is held against
itself, not against its original.
"""

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.features.cache import Cache
from relatives.models.networks import Network
from relatives.tasks.batches import predict


def check(corpus: Corpus) -> None:
    """Any corpus will do."""


def read(
    network: Network, corpus: Corpus, cache: Cache, rows: np.ndarray, firsts: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the encoder sees of the crops, and their dB spectrograms (batch, frames, 513)."""
    return network.cached_inputs(cache, rows, firsts), network.cached_spectra(cache, rows, firsts)


def loss(network: Network, inputs: torch.Tensor, spectra: torch.Tensor) -> torch.Tensor:
    """The mean squared error of a batch (eq. 2)."""
    return torch.nn.functional.mse_loss(network(inputs), network.standardise(spectra))


def performance(
    network: Network, excerpts: np.ndarray, targets: None = None, statistics: np.ndarray | None = None
) -> np.ndarray:
    """The mean squared error of each excerpt's reconstruction.

    Parameters
    ----------
    network : Network
        In evaluation mode, as `networks.load` gives it.
    excerpts : (n, samples) float32
    targets : None
        The excerpts themselves.
    statistics : (n, 144) float32, optional
        The excerpts' MFCC statistics, if they are there already.

    Returns
    -------
    (n,) float32
        In squared deviations of the training set: 0 or more, lower is better.
    """

    def error(audio: np.ndarray, statistics: np.ndarray | None) -> torch.Tensor:
        inputs = network.inputs(audio, statistics)
        spectra = inputs if network.settings["encoder"] == "VGG" else network.spectra(audio)
        return (network(inputs) - network.standardise(spectra)).square().mean(dim=(1, 2))

    return predict(error, excerpts, statistics)


def trivial(
    network: Network, corpus: Corpus, excerpts: np.ndarray, targets: None = None
) -> dict[str, np.ndarray]:
    """The mean squared error of each excerpt if the training set's mean spectrum is always given.

    Parameters
    ----------
    network : Network
        Any, for its scaler.
    corpus : Corpus
    excerpts : (n, samples) float32
    targets : None

    Returns
    -------
    dict
        "mean": (n,) float32.
    """

    def error(audio: np.ndarray) -> torch.Tensor:
        return network.standardise(network.spectra(audio)).square().mean(dim=(1, 2))

    return {"mean": predict(error, excerpts)}
