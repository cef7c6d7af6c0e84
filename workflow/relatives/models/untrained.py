"""Untrained networks: what an encoder's shape alone makes of the audio, before any learning.

A trained network is to be held against its untrained twin: the same layers with their initial weights. Batch
normalisation needs the statistics of its inputs, which training would collect; an untrained network collects
them in one pass over the training split, a crop a track.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import update_bn

from relatives import seeds
from relatives.corpora.store import Corpus
from relatives.features.cache import Cache
from relatives.models.networks import Network
from relatives.training import draw, save_checkpoint


def calibrate(network: Network, corpus: Corpus, cache: Cache, batch: int, seed: int, trial: int) -> None:
    """Give the batch normalisation of an untrained network the statistics of the training split.

    Parameters
    ----------
    network : Network
        As `networks.build` draws it. Its weights stay; its running means and variances become the mean of
        those of all batches.
    corpus : Corpus
    cache : Cache
        The spectrograms of the corpus.
    batch : int
        Crops at a time, as many as in training.
    seed, trial : int
        The configured seed, and which of the trials this is; with them the crops are drawn.
    """
    rows = corpus.rows("train")
    # As many crops as there are tracks: one of each
    rows, firsts = draw(seeds.generator(seed, "untrained", trial), corpus, rows, len(rows), network)

    def crops() -> Iterator[torch.Tensor]:
        for part in np.array_split(np.arange(len(rows)), -(-len(rows) // batch)):
            yield network.cached_inputs(cache, rows[part], firsts[part])

    update_bn(crops(), network, device=network.device)


def write(
    network: Network,
    corpus: Corpus,
    cache: Cache,
    batch: int,
    path: str | os.PathLike,
    seed: int,
    trial: int,
) -> None:
    """`calibrate` a network and write its checkpoint, of the form that `training.train` writes."""
    calibrate(network, corpus, cache, batch, seed, trial)
    save_checkpoint(network, Path(path), {"batch": batch}, seed, trial, step=0)
