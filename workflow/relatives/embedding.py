"""Encoders in use: from excerpts to points of the latent space.

An encoder, whatever its origin, is a function of (batch, samples) float32 at a sampling rate that gives
(batch, dimensions) float32. `encoder` makes one of a name, `embed` applies it to a table of excerpts. Nothing
here imports torch before a trained network is asked for.
"""

import os
from collections.abc import Callable

import numpy as np

from relatives import own_encoders
from relatives.errors import InputError

Encoder = Callable[[np.ndarray], np.ndarray]

BATCH = 16
"""Excerpts at a time: on a CPU, where few stay in its cache, more only take longer."""


def encoder(source: str | os.PathLike, sample_rate: int, device: str = "auto", threads: int = 1) -> Encoder:
    """The encoder of a name.

    Parameters
    ----------
    source
        ``"mfcc"``: the statistics of the MFCC, 144 dimensions. A path that ends in ``.pt``: the encoder of a
        checkpoint, which sees the middle frames of an excerpt. ``"module:function"``: a function of one's
        own, from a module in the working directory or installed.
    sample_rate : int
        Of the excerpts, in Hz.
    device : {"auto", "cpu", "cuda"}
        For a checkpoint. "auto" takes CUDA where there is one.
    threads : int
        For a checkpoint on a CPU. Another number may change the last bits.

    Returns
    -------
    callable
        (batch, samples) float32 -> (batch, dimensions) float32.

    Raises
    ------
    InputError
        If there is no such encoder, or if it was trained at another sampling rate.

    Examples
    --------
    >>> encoder("mfcc", 22050)(np.zeros((2, 44100), dtype=np.float32)).shape
    (2, 144)
    """
    name = os.fspath(source)
    if name == "mfcc":
        return _mfcc(sample_rate)
    if name.endswith(".pt"):
        return _trained(name, sample_rate, device, threads)
    if ":" in name:
        return _own(name)
    raise InputError(f"{name!r} is no encoder; it can be mfcc, a checkpoint (….pt) or module:function")


def embed(encoder: Encoder, audio: np.ndarray, batch: int = BATCH) -> np.ndarray:
    """The points of all excerpts of a table.

    Parameters
    ----------
    encoder : callable
        As from the function `encoder`.
    audio : (…, samples) float
        Usually (magnitudes, excerpts, samples), then read a magnitude at a time, so that it can also be a
        `storage.Blocks`. A memory map is read by slices.
    batch : int
        Excerpts at a time.

    Returns
    -------
    (…, dimensions) float32

    Raises
    ------
    InputError
        If the encoder gives no vector for each excerpt, or one with a value that is not a number.
    """
    # (…, samples) -> (excerpts, samples)
    tables = audio if len(audio.shape) == 3 else [audio.reshape(-1, audio.shape[-1])]
    points = []
    for table, first in ((each, first) for each in tables for first in range(0, len(each), batch)):
        part = np.array(table[first : first + batch], dtype=np.float32)
        result = np.asarray(encoder(part))
        if result.dtype.kind not in "fiu":
            raise InputError(f"the encoder makes {result.dtype}; an encoder makes float32")
        if result.ndim != 2 or len(result) != len(part) or not result.shape[1]:
            raise InputError(
                f"the encoder makes {result.shape} of {part.shape}; an encoder makes (batch, dimensions)"
            )
        if points and result.shape[1] != points[0].shape[1]:
            raise InputError(
                f"the encoder makes {result.shape[1]} dimensions of the excerpts from {first} on, "
                f"and made {points[0].shape[1]} of those before"
            )
        with np.errstate(over="ignore"):  # a float64 too large becomes infinity, which is told below
            result = result.astype(np.float32)
        if not np.isfinite(result).all():
            raise InputError(f"the encoder gives NaN or infinity in the {len(part)} excerpts from {first} on")
        points.append(result)
    # (excerpts, dimensions) -> (…, dimensions)
    return np.concatenate(points).reshape(*audio.shape[:-1], -1)


def _mfcc(sample_rate: int) -> Encoder:
    """The statistics of the MFCC."""
    from relatives.features import mfcc

    return lambda audio: mfcc.statistics(mfcc.sequences(audio, sample_rate))


def _trained(path: str, sample_rate: int, device: str, threads: int) -> Encoder:
    """The encoder of a checkpoint."""
    import torch

    from relatives.models import networks

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    network = networks.load(path, device)
    if network.settings["sample_rate"] != sample_rate:
        raise InputError(
            f"{path} was trained at {network.settings['sample_rate']} Hz, the excerpts have {sample_rate} Hz"
        )

    def encode(audio: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network.encode(network.inputs(audio)).cpu().numpy()

    return encode


def _own(name: str) -> Encoder:
    """A function by its module and its name."""
    try:
        return own_encoders.function(name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"encoder {name!r}: {error}") from error
