"""Running networks over many excerpts."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from relatives.models.networks import Network

BATCH = 8
"""Excerpts at a time: on a CPU, where few stay in its cache, more only take longer."""


def predict(
    function: Callable[..., torch.Tensor], *arrays: np.ndarray | None, batch: int = BATCH
) -> np.ndarray:
    """Call a function of excerpts batch by batch, without gradients.

    Parameters
    ----------
    function
        Of one float32 array for each of `arrays`, each (up to batch, …), or None for None; gives a tensor of
        as many rows.
    *arrays : (n, …) or None
        Memory maps too: only slices are read. One of them at least is not None.
    batch : int
        Excerpts at a time.

    Returns
    -------
    (n, …)
        What the function gives, end to end.
    """
    count = len(next(array for array in arrays if array is not None))
    results = []
    with torch.inference_mode():
        for first in range(0, count, batch):
            slices = [
                None if array is None else np.array(array[first : first + batch], dtype=np.float32)
                for array in arrays
            ]
            results.append(function(*slices).cpu().numpy())
    return np.concatenate(results)


def outputs(
    networks: Sequence[Network], audio: np.ndarray | None, points: Sequence[np.ndarray] | None = None
) -> list[torch.Tensor]:
    """What each of several networks gives for a batch of excerpts.

    Parameters
    ----------
    networks : sequence of Network
        The trials of one task and one encoder: what they see of the audio is computed once.
    audio : (batch, samples) float32, or None if `points` are given
    points : sequence of (batch, dimensions) float32, optional
        The excerpts in the space of each network, if they are there already. Of networks without skip
        connections alone.

    Returns
    -------
    list of tensor
        As `Network.forward`, one a network.
    """
    if points is None:
        inputs = networks[0].inputs(audio)
        return [network(inputs) for network in networks]
    return [
        network.decode(torch.from_numpy(z).to(network.device))
        for network, z in zip(networks, points, strict=True)
    ]


def scores(
    networks: Sequence[Network], excerpts: np.ndarray, points: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """The scores that networks with labels give to each of them.

    Parameters
    ----------
    networks, points
        As for `outputs`, the points of all excerpts.
    excerpts : (n, samples) float32

    Returns
    -------
    (trials, n, labels) float32
    """
    if points is not None:
        found = predict(lambda *points: torch.stack(outputs(networks, None, points), dim=1), *points)
    else:
        found = predict(lambda audio: torch.stack(outputs(networks, audio), dim=1), excerpts)
    # (n, trials, labels) -> (trials, n, labels)
    return found.swapaxes(0, 1)
