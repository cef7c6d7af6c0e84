"""Encoders in use: from excerpts to points of the latent space.

An encoder, whatever its origin, is a function of (batch, samples) float32 at a sampling rate that gives
(batch, dimensions). `encoder` makes one of a name or of the settings of one's own, `embed` applies it to a
table of excerpts and checks what it gives, as `points` says. Nothing here imports torch before a trained
network is asked for.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from relatives import audio, own_encoders, points
from relatives.errors import InputError

BATCH = 16
"""Excerpts at a time: on a CPU, where few stay in its cache, more only take longer."""


@dataclass(frozen=True)
class Encoder:
    """A function of audio, and what is to be known to call it. Called, it gives what the function gives.

    Attributes
    ----------
    name : str
        As messages call it.
    function : callable
        (batch, samples) float32 at `rate` -> anything that `points.of` takes.
    sample_rate : int
        Of the excerpts, in Hz.
    rate : int
        That the function takes its audio at, in Hz.
    batch : int or None
        How many excerpts the function takes at a time, no more and no fewer; None: any number.
    deterministic : bool
        Whether the same audio is to give the same point.
    foreign : bool
        Whether the function is another's, and may raise anything.
    """

    name: str
    function: Callable[[np.ndarray], object]
    sample_rate: int
    rate: int
    batch: int | None = None
    deterministic: bool = True
    foreign: bool = False

    def inputs(self, excerpts: np.ndarray) -> np.ndarray:
        """What the function is given for excerpts: (batch, samples) float32 -> the same at `rate`."""
        if self.rate == self.sample_rate:
            return excerpts
        # (batch, samples) -> (samples, batch), as soxr takes channels, and back
        return np.ascontiguousarray(audio.resample(excerpts.T, self.sample_rate, self.rate).T)

    def run(self, inputs: np.ndarray) -> object:
        """Call the function.

        Raises
        ------
        InputError
            The function raised something: what, and where.
        """
        if not self.foreign:
            return self.function(inputs)
        with own_encoders.foreign_code(f"it fails on float32 of shape {inputs.shape} at {self.rate} Hz"):
            return self.function(inputs)

    def __call__(self, excerpts: np.ndarray) -> object:
        """What the function gives for excerpts (batch, samples) float32 at `sample_rate`."""
        return self.run(self.inputs(excerpts))


def encoder(
    source: str | os.PathLike | Mapping | Sequence, sample_rate: int, device: str = "auto", threads: int = 1
) -> Encoder:
    """The encoder of a name or of settings.

    Parameters
    ----------
    source
        ``"mfcc"``: the statistics of the MFCC, 144 dimensions. A path that ends in ``.pt``: the encoder of a
        checkpoint, which sees the middle frames of an excerpt; a list of such paths: their points side by
        side, from one computation of what they see. ``"module:function"``: a function of one's
        own, from a module in the working directory or installed. A mapping: an encoder of one's own as in the
        configuration (see `own_encoders`), of another kind than ``embeddings``.
    sample_rate : int
        Of the excerpts, in Hz. For an encoder of one's own they are resampled to its rate.
    device : {"auto", "cpu", "cuda"}
        For a checkpoint, ``hear`` and ``torchscript``. "auto" takes CUDA where there is one.
    threads : int
        For the same and ONNX, on a CPU. Another number may change the last bits.

    Raises
    ------
    InputError
        If there is no such encoder, or if it was trained at another sampling rate.

    Examples
    --------
    >>> encoder("mfcc", 22050)(np.zeros((2, 44100), dtype=np.float32)).shape
    (2, 144)
    """
    if isinstance(source, Mapping):
        return _own(dict(source), sample_rate, device, threads)
    if not isinstance(source, (str, os.PathLike)):
        return _trained([os.fspath(path) for path in source], sample_rate, device, threads)
    name = os.fspath(source)
    if name == "mfcc":
        return _mfcc(sample_rate)
    if name.endswith(".pt"):
        return _trained([name], sample_rate, device, threads)
    if ":" in name:
        return _own({"name": name, "python": name}, sample_rate, device, threads)
    raise InputError(
        f"{name!r} is no encoder; it can be mfcc, a checkpoint (….pt),"
        " module:function, or of a kind that is said: hear, torchscript, onnx"
    )


def embed(
    encoder: Callable, excerpts: np.ndarray, batch: int | None = None, dimensions: int | None = None
) -> np.ndarray:
    """The points of all excerpts of a table.

    Parameters
    ----------
    encoder : Encoder or callable
        As from the function `encoder`, or any function of (batch, samples) float32.
    excerpts : (…, samples) float
        Usually (magnitudes, excerpts, samples), then read a magnitude at a time, so that it can also be a
        `storage.Blocks`. A memory map is read by slices.
    batch : int or None
        Excerpts at a time; None: as many as the encoder says, or `BATCH`. Where it says how many it takes, it
        gets so many each time: a last part that has fewer is filled up, and what fills it is dropped.
    dimensions : int or None
        That the points must have, as those before had.

    Returns
    -------
    (…, dimensions) float32

    Raises
    ------
    InputError
        If the encoder gives no vector of finite real numbers for each excerpt, or vectors of varying length.
    """
    # (…, samples) -> (excerpts, samples)
    tables = excerpts if len(excerpts.shape) == 3 else [excerpts.reshape(-1, excerpts.shape[-1])]
    found = []
    for first, given in _batches(encoder, tables, batch, dimensions):
        try:
            found.append(points.float32(given))
        except InputError as error:
            raise InputError(f"{error} (from excerpt {first} on)") from error
    # (excerpts, dimensions) -> (…, dimensions)
    return np.concatenate(found).reshape(*excerpts.shape[:-1], -1)


def as_given(encoder: Callable, excerpts: np.ndarray, batch: int | None = None) -> np.ndarray:
    """The points of excerpts (n, samples) in the encoder's own precision: (n, dimensions)."""
    return np.concatenate([given for _, given in _batches(encoder, [excerpts], batch)])


def fill(excerpts: np.ndarray, batch: int | None) -> np.ndarray:
    """Excerpts (n, samples) with the last repeated until there are `batch` of them; None: as they are."""
    missing = max(0, (batch or 0) - len(excerpts))
    return np.concatenate([excerpts, np.repeat(excerpts[-1:], missing, axis=0)]) if missing else excerpts


def check_dimensions(found: np.ndarray, dimensions: int) -> None:
    """Raise an `InputError` unless points (n, k) have as many dimensions as those before."""
    if found.shape[1] != dimensions:
        raise InputError(
            f"it makes points of {found.shape[1]} dimensions after {dimensions} before; keep them at one"
            " number"
        )


def _batches(
    encoder: Callable, tables, batch: int | None = None, dimensions: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The points of each batch of tables (excerpts, samples), as given; and where the batch begins."""
    fixed = getattr(encoder, "batch", None)
    size = fixed or batch or BATCH
    for table in tables:
        for first in range(0, len(table), size):
            # a copy: the encoder may do to it what it likes
            part = np.array(table[first : first + size], dtype=np.float32)
            whole = fill(part, fixed)
            found = points.of(encoder(whole), len(whole))[: len(part)]
            dimensions = dimensions or found.shape[1]
            check_dimensions(found, dimensions)
            yield first, found


def _mfcc(sample_rate: int) -> Encoder:
    """The statistics of the MFCC."""
    from relatives.features import mfcc

    def encode(excerpts: np.ndarray) -> np.ndarray:
        return mfcc.statistics(mfcc.sequences(excerpts, sample_rate))

    return Encoder("mfcc", encode, sample_rate, sample_rate)


def _trained(paths: Sequence[str], sample_rate: int, device: str, threads: int) -> Encoder:
    """The encoders of checkpoints, side by side; what they see of the audio is computed once."""
    for path in paths:
        if own_encoders.is_torchscript(path):
            raise InputError(
                f"{path} is a TorchScript model, a program that runs with your rights, and no checkpoint of"
                f" this pipeline; if you trust it, test it with: relatives test-encoder {path}"
                f" --kind torchscript --audio FOLDER, or {{torchscript: {path}}} in the configuration"
            )
    import torch

    from relatives.models import networks

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    loaded = [networks.load(path, device) for path in paths]
    for path, network in zip(paths, loaded, strict=True):
        if network.settings["sample_rate"] != sample_rate:
            raise InputError(
                f"{path} was trained at {network.settings['sample_rate']} Hz,"
                f" the excerpts have {sample_rate} Hz"
            )
        for key in networks.FRONT_END:
            theirs, first = network.settings.get(key), loaded[0].settings.get(key)
            if theirs != first:
                raise InputError(
                    f"{path} and {paths[0]} cannot be used side by side: their {key} are {theirs} and {first}"
                )

    def encode(excerpts: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            inputs = loaded[0].inputs(excerpts)
            # (batch, dimensions) of each network -> (batch, networks x dimensions)
            return torch.cat([network.encode(inputs) for network in loaded], dim=1).cpu().numpy()

    return Encoder(", ".join(paths), encode, sample_rate, sample_rate)


def _own(settings: dict, sample_rate: int, device: str, threads: int) -> Encoder:
    """An encoder of the user's own."""
    function, rate, batch = own_encoders.load(settings, device, threads)
    return Encoder(
        own_encoders.title(settings),
        function,
        sample_rate,
        rate or sample_rate,
        batch,
        settings.get("deterministic", True),
        foreign=True,
    )
