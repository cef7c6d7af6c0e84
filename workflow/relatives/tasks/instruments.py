"""IR: which instrument is predominant (section 2.1.3).

The head is one linear layer with a softmax over the classes; the loss is the categorical cross-entropy
(eq. 6), averaged over clips. The performance is 1 where the likeliest class is the right one, else 0, so its
mean is the accuracy.
"""

from collections.abc import Sequence

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features.cache import Cache
from relatives.models.networks import Network
from relatives.tasks.batches import scores


def check(corpus: Corpus) -> None:
    """Raise an InputError unless every track of the corpus has exactly one label."""
    counts = corpus.labels.to_numpy().sum(axis=1)
    if corpus.labels.shape[1] < 2 or (counts != 1).any():
        raise InputError(
            "Instrument recognition (IR) needs one predominant instrument for each track, and in the corpus "
            f"{corpus.directory.name} {(counts != 1).sum()} of {len(counts)} tracks have none or several. "
            "Give it a corpus with instruments, or take IR out of the tasks."
        )


def read(
    network: Network, corpus: Corpus, cache: Cache, rows: np.ndarray, firsts: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the encoder sees of the crops, and the number of their class (batch,) int64."""
    classes = torch.from_numpy(corpus.labels.iloc[rows].to_numpy().argmax(axis=1))
    return network.cached_inputs(cache, rows, firsts), classes


def loss(network: Network, inputs: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy of a batch (eq. 6)."""
    return torch.nn.functional.cross_entropy(network(inputs), classes)


def performance(
    networks: Sequence[Network],
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Whether the class of each excerpt is found.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one encoder, in evaluation mode, as `networks.load` gives them.
    excerpts : (n, samples) float32
    targets : (n, classes) uint8
        A single 1 in each row.
    points : sequence of (n, dimensions) float32, optional
        The excerpts in the space of each network, if they are there already; then they are not heard again.

    Returns
    -------
    (trials, n) float64
        1 or 0.
    """
    found = scores(networks, excerpts, points).argmax(axis=2)
    return (found == targets.argmax(axis=1)).astype(float)


def baselines(
    network: Network,
    corpus: Corpus,
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Whether the class of each excerpt is found by predictors that do not listen.

    Parameters
    ----------
    network : Network
        Not used.
    corpus : Corpus
    excerpts, points
        Not used.
    targets : (n, classes) uint8

    Returns
    -------
    dict
        "frequency", always the class most frequent in training; "chance", each as likely: (n,) float64.
    """
    frequency = corpus.labels.iloc[corpus.rows("train")].to_numpy().mean(axis=0)
    found = (targets.argmax(axis=1) == frequency.argmax()).astype(float)
    return {"frequency": found, "chance": np.full(len(targets), 1 / targets.shape[1])}
