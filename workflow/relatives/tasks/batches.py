"""Running a network over many excerpts."""

from collections.abc import Callable

import numpy as np
import torch

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
        Memory maps too: only slices are read.
    batch : int
        Excerpts at a time.

    Returns
    -------
    (n, …)
        What the function gives, end to end.
    """
    results = []
    with torch.inference_mode():
        for first in range(0, len(arrays[0]), batch):
            slices = [
                None if array is None else np.array(array[first : first + batch], dtype=np.float32)
                for array in arrays
            ]
            results.append(function(*slices).cpu().numpy())
    return np.concatenate(results)
