"""AT: which of the tags a track has (section 2.1.2).

The head is one linear layer with a sigmoid a tag; the loss is the binary cross-entropy (eq. 4), averaged over
tags and clips. The performance is the study's AUC over the tags of a clip: the probability that a tag which
the clip has is ranked above one which it has not.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import rankdata

from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features.cache import Cache
from relatives.models.networks import Network
from relatives.tasks.batches import scores


def check(corpus: Corpus) -> None:
    """Raise an InputError unless the tracks of the corpus have tags."""
    if corpus.labels.shape[1] < 2:
        raise InputError(
            f"Auto-tagging (AT) needs the tags of each track, and the corpus {corpus.directory.name} has "
            "none. Give it a corpus with tags, or take AT out of the tasks."
        )


def read(
    network: Network, corpus: Corpus, cache: Cache, rows: np.ndarray, firsts: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the encoder sees of the crops, and their tags (batch, tags) uint8."""
    tags = torch.from_numpy(corpus.labels.iloc[rows].to_numpy(dtype=np.uint8, copy=True))
    return network.cached_inputs(cache, rows, firsts), tags


def loss(network: Network, inputs: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """The mean binary cross-entropy of a batch (eq. 4)."""
    return torch.nn.functional.binary_cross_entropy_with_logits(network(inputs), tags.float())


def performance(
    networks: Sequence[Network],
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """The AUC over the tags of each excerpt.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one encoder, in evaluation mode, as `networks.load` gives them.
    excerpts : (n, samples) float32
    targets : (n, tags) uint8
    points : sequence of (n, dimensions) float32, optional
        The excerpts in the space of each network, if they are there already; then they are not heard again.

    Returns
    -------
    (trials, n) float64
        0 to 1, higher is better; see `auc`.
    """
    return np.stack([auc(of_trial, targets) for of_trial in scores(networks, excerpts, points)])


def baselines(
    network: Network,
    corpus: Corpus,
    excerpts: np.ndarray,
    targets: np.ndarray,
    points: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The AUC of each excerpt for predictors that do not listen.

    Parameters
    ----------
    network : Network
        Not used.
    corpus : Corpus
    excerpts, points
        Not used.
    targets : (n, tags) uint8

    Returns
    -------
    dict
        "frequency", the tags ranked by how frequent they are in training; "chance", 1/2: (n,) float64.
    """
    frequency = corpus.labels.iloc[corpus.rows("train")].to_numpy().mean(axis=0)
    ranked = np.tile(frequency, (len(targets), 1))
    return {"frequency": auc(ranked, targets), "chance": auc(np.zeros_like(ranked), targets)}


def auc(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The area under the ROC curve of each row.

    By the Mann-Whitney statistic: rank the scores from the least, ties sharing their ranks; sum the ranks of
    the positives, take off the least that this can be, and divide by the number of pairs of a positive and a
    negative.

    Parameters
    ----------
    scores, labels : (n, k) float, (n, k) 0/1

    Returns
    -------
    (n,) float64
        NaN where all labels are 0 or all are 1.

    Examples
    --------
    >>> auc(np.array([[0.9, 0.5, 0.1]]), np.array([[1, 0, 1]])).item()
    0.5
    """
    labels = np.asarray(labels, dtype=bool)
    positives = labels.sum(axis=1)
    pairs = positives * (~labels).sum(axis=1)
    above = (rankdata(scores, axis=1) * labels).sum(axis=1) - positives * (positives + 1) / 2
    return np.divide(above, pairs, out=np.full(len(labels), np.nan), where=pairs > 0)
