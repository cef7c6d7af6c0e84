"""Encoders of the user's own, from wherever they come.

An entry of ``encoders`` in the configuration that is no name of the study's is a mapping: the ``name`` of the
space that it gives, and one of five kinds.

* ``python: package.module:callable``: a function of (batch, samples) float32 that gives (batch, dimensions).
* ``hear: package.module``: the interface of HEAR 2021 (Turian et al., https://hearbenchmark.com) in torch:
  `load_model`, `sample_rate`, `scene_embedding_size`, `get_scene_embeddings`; ``model``, its file of weights.
* ``torchscript: file.pt`` and ``onnx: file.onnx``: a model of one input and, first or alone, that output.
* ``embeddings: folder``: arrays computed elsewhere, which `relatives.manifest` describes and reads.

The first four run with the user's rights: a TorchScript or ONNX file is a program as a module is, and no
check of the file could make one safe. Embeddings are data, and are never run.

The first, third and fourth take a ``sample_rate`` in Hz where it is not that of the excerpts. The code is
another's: whatever it raises becomes an `InputError` that names the encoder and ends in its traceback.
"""

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from relatives import audio, provenance
from relatives.errors import InputError
from relatives.inputs import is_file, is_path

KINDS = {
    "python": {"sample_rate"},
    "hear": {"model"},
    "torchscript": {"sample_rate"},
    "onnx": {"sample_rate"},
    "embeddings": set(),
}
"""The kinds of encoders, and the keys that each may have beside its name."""


def kind(settings: dict) -> str:
    """The kind of an encoder, which is the one key of its settings that names one."""
    return next(key for key in settings if key in KINDS)


def title(settings: dict) -> str:
    """An encoder in words, as errors call it: ``"encoder 'mine' (python: my_module:encode)"``."""
    return f"encoder {settings['name']!r} ({kind(settings)}: {settings[kind(settings)]})"


def faults(settings: dict) -> Iterator[tuple[str, str]]:
    """What is wrong with the settings of one encoder, as far as can be told without its code: key, words."""
    found = [key for key in settings if key in KINDS]
    if len(found) != 1:
        yield "", f"it says {' and '.join(found) or 'nothing'} of its origin; say one of {', '.join(KINDS)}"
        return
    key = found[0]
    for other in sorted(set(settings) - {"name", key} - KINDS[key]):
        takes = " and ".join(sorted(KINDS[key])) or "nothing"
        yield other, f"an encoder of the kind {key} takes {takes} beside its name"
    if key == "python" and not all(settings[key].partition(":")):
        yield key, f"{settings[key]!r} is not package.module:callable"
    elif key in ("python", "hear"):
        module = _module(settings)
        if not provenance.module_found(module):
            yield key, f"there is no module {module.split('.')[0]!r}, installed or in {Path.cwd()}"
    place = {"hear": "model", "torchscript": "torchscript", "onnx": "onnx"}.get(key)
    if place in settings and not is_file(settings[place]):
        yield place, f"there is no file {settings[place]}"
    # the folder may come after the manifest
    if key == "embeddings" and not is_path(settings[key]):
        yield key, f"{settings[key]} cannot be a folder"


def digest(settings: dict) -> str:
    """A digest that changes with what an encoder computes: the code of its module, the file of its model.

    It stands among the parameters of the rule that embeds, so that a change of the encoder is noticed.
    """
    of_code = provenance.of_module(_module(settings)) if kind(settings) in ("python", "hear") else ""
    return of_code + provenance.of_files(files(settings))


def load(settings: dict, sample_rate: int, device: str = "auto", threads: int = 1) -> Callable:
    """The encoder of its settings.

    Parameters
    ----------
    settings : dict
        An entry of the configuration, of another kind than ``embeddings``.
    sample_rate : int
        Of the excerpts, in Hz. They are resampled to that of the encoder.
    device : {"auto", "cpu", "cuda"}
        For ``hear`` and ``torchscript``; a function of Python chooses for itself, ONNX runs on the CPU.
    threads : int
        Of the CPU, for the same and ONNX.

    Returns
    -------
    callable
        (batch, samples) float32 -> what the encoder gives, which `embedding.embed` checks.

    Raises
    ------
    InputError
        The encoder cannot be loaded; when it is called, that it raised something.
    """
    name = title(settings)
    loaders = {"python": _python, "hear": _hear, "torchscript": _torchscript, "onnx": _onnx}
    with foreign_code(f"{name} cannot be loaded"):
        encode, own_rate = loaders[kind(settings)](settings, device, threads)
    rate = own_rate or sample_rate

    def encoder(excerpts: np.ndarray) -> np.ndarray:
        # (batch, samples) -> (samples, batch), as soxr takes channels, and back
        excerpts = np.ascontiguousarray(audio.resample(excerpts.T, sample_rate, rate).T)
        with foreign_code(f"{name} fails on float32 of shape {excerpts.shape} at {rate} Hz"):
            points = encode(excerpts)
            # A tensor of torch may hold its gradient or lie on another device
            return points.detach().cpu().numpy() if hasattr(points, "detach") else np.asarray(points)

    return encoder


def function(name: str) -> Callable:
    """A function by its module and its name, ``"package.module:callable"``.

    Raises
    ------
    ImportError, AttributeError
        There is no such module or function; the module's code may raise anything else.
    """
    module, _, attribute = name.partition(":")
    with working_directory_on_path():
        return getattr(importlib.import_module(module), attribute)


@contextmanager
def working_directory_on_path() -> Iterator[None]:
    """Let modules in the working directory be imported, before others of their name: Snakemake, too, has a
    folder of scripts on the path.
    """
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the code may have changed the path itself
            sys.path.remove(folder)


@contextmanager
def foreign_code(words: str) -> Iterator[None]:
    """Run code of the user's: what it raises becomes an `InputError` of these words, with the traceback."""
    with working_directory_on_path():
        try:
            yield
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            # The first frame is the one here
            frames = traceback.format_exception(type(error), error, error.__traceback__.tb_next)
            raise InputError(f"{words}: {type(error).__name__}: {error}\n{''.join(frames)}") from error


def _module(settings: dict) -> str:
    return settings[kind(settings)].partition(":")[0]


def files(settings: dict) -> list[Path]:
    """The files, beside code, that make an encoder."""
    key = kind(settings)
    if key == "embeddings":
        return sorted(Path(settings[key]).expanduser().glob("*.[nj]*"))  # .npy and the manifest's .json
    named = settings.get("model" if key == "hear" else key) if key != "python" else None
    return [Path(named).expanduser()] if named else []


def _python(settings, device, threads):
    """A function, and the rate that it wants."""
    return function(settings["python"]), settings.get("sample_rate")


def _hear(settings, device, threads):
    """The scene embeddings of a HEAR module, and the rate that its model says."""
    torch, place = _torch(device, threads)
    module = importlib.import_module(settings["hear"])
    weights = [str(file) for file in files(settings)]
    model = module.load_model(*weights)
    if hasattr(model, "to"):
        model = model.to(place)
    size = model.scene_embedding_size

    def encode(excerpts):
        with torch.inference_mode():
            points = module.get_scene_embeddings(torch.from_numpy(excerpts).to(place), model)
        if tuple(points.shape) != (len(excerpts), size):
            raise ValueError(
                f"get_scene_embeddings gives {tuple(points.shape)}; "
                f"scene_embedding_size promises {(len(excerpts), size)}"
            )
        return points

    return encode, int(model.sample_rate)


def _torchscript(settings, device, threads):
    """A scripted or traced model, in evaluation."""
    torch, place = _torch(device, threads)
    model = torch.jit.load(files(settings)[0], map_location=place).eval()

    def encode(excerpts):
        with torch.inference_mode():
            return _first(model(torch.from_numpy(excerpts).to(place)))

    return encode, settings.get("sample_rate")


def _onnx(settings, device, threads):
    """An ONNX model of one input, on the CPU."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError(
            f"{title(settings)} needs onnxruntime, which does not come with relatives: "
            f"{sys.executable} -m pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(files(settings)[0], options, providers=["CPUExecutionProvider"])
    inputs = [put.name for put in session.get_inputs()]
    if len(inputs) != 1:
        raise InputError(f"{title(settings)} has the inputs {', '.join(inputs)}; it must have one, the audio")
    return lambda excerpts: session.run(None, {inputs[0]: excerpts})[0], settings.get("sample_rate")


def _first(points):
    """The embedding, of a model that gives it alone or before other things."""
    return points[0] if isinstance(points, tuple | list) else points


def _torch(device: str, threads: int):
    """torch, with its number of threads set, and the device of a setting."""
    import torch

    from relatives.models import networks

    torch.set_num_threads(threads)
    return torch, networks.resolve(device)
