"""AE: reconstruct the input from z (section 2.1.1).

The loss is the squared error of the standardised dB spectrogram (eq. 2), averaged over its values instead of
summed over a clip; the performance is the same of each excerpt. The target is what the VGG encoder sees,
under either encoder: the middle frames of the excerpt, 512 bins. A transformed excerpt is held against
itself, not against its original.
"""

from collections.abc import Sequence

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.features.cache import Cache
from relatives.models.networks import Network
from relatives.tasks.batches import outputs, predict


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
    networks: Sequence[Network],
    excerpts: np.ndarray,
    targets: None = None,
    points: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """The mean squared error of each excerpt's reconstruction.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one encoder, in evaluation mode, as `networks.load` gives them.
    excerpts : (n, samples) float32
    targets : None
        The excerpts themselves.
    points : sequence of (n, dimensions) float32, optional
        The excerpts in the space of each network, if they are there already.

    Returns
    -------
    (trials, n) float32
        In squared deviations of the training set: 0 or more, lower is better.
    """

    def errors(audio: np.ndarray, *points: np.ndarray) -> torch.Tensor:
        spectra = networks[0].spectra(audio)
        if points:
            found = outputs(networks, None, points)
        elif networks[0].settings["encoder"] == "VGG":
            found = [network(spectra) for network in networks]
        else:
            found = outputs(networks, audio)
        return torch.stack(
            [
                (output - network.standardise(spectra)).square().mean(dim=(1, 2))
                for network, output in zip(networks, found, strict=True)
            ],
            dim=1,
        )

    return predict(errors, excerpts, *(points or ())).T


def baselines(
    network: Network,
    corpus: Corpus,
    excerpts: np.ndarray,
    targets: None = None,
    points: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The mean squared error of each excerpt for predictors that have learned nothing.

    Parameters
    ----------
    network : Network
        Any, for its scaler.
    corpus : Corpus
    excerpts : (n, samples) float32
    targets, points : None
        Not used.

    Returns
    -------
    dict
        "mean spectrum", the training set's, whatever the excerpt: the excerpt's mean square after
        standardising. "own mean spectrum", the excerpt's own average over its frames, repeated over time: its
        variance over time, averaged over the bins; 0 for an excerpt that does not change, such as silence.
        (n,) float32 each.
    """

    def errors(audio: np.ndarray) -> torch.Tensor:
        # (batch, frames, bins)
        spectra = network.standardise(network.spectra(audio))
        moving = spectra - spectra.mean(dim=1, keepdim=True)
        return torch.stack([part.square().mean(dim=(1, 2)) for part in (spectra, moving)], dim=1)

    found = predict(errors, excerpts)
    return {"mean spectrum": found[:, 0], "own mean spectrum": found[:, 1]}
