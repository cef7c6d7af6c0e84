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

These four also take

* ``sample_rate`` in Hz, but for ``hear``, where it is not that of the excerpts;
* ``batch``, where it is fixed: the number of excerpts that a model takes at a time, no more and no fewer;
* ``deterministic: false``, where it is meant that the same audio gives other points (see `repeatability`).

The code is another's: whatever it raises becomes an `InputError`, which says in its first line what was
raised and where, and ends in the traceback.
"""

import importlib
import importlib.util
import os
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from relatives import points, provenance
from relatives.errors import InputError
from relatives.inputs import is_file, is_path

CALLED = {"batch", "deterministic"}

KINDS = {
    "python": {"sample_rate"} | CALLED,
    "hear": {"model"} | CALLED,
    "torchscript": {"sample_rate"} | CALLED,
    "onnx": {"sample_rate"} | CALLED,
    "embeddings": set(),
}
"""The kinds of encoders, and the keys that each may have beside its name."""

PACKAGE, LIBRARY = (str(Path(module).parent) + os.sep for module in (__file__, os.__file__))
"""Where no code of a user is: this package, and Python's own."""

LONGEST = 500
"""Characters of an error in the first line; all of it is in the traceback."""

MODULES = "; modules are looked for in the working folder and among the installed ones"


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
        takes = ", ".join(sorted(KINDS[key])) or "nothing"
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


def load(settings: dict, device: str = "auto", threads: int = 1) -> tuple[Callable, int | None, int | None]:
    """The code of an encoder.

    Parameters
    ----------
    settings : dict
        An entry of the configuration, of another kind than ``embeddings``.
    device : {"auto", "cpu", "cuda"}
        For ``hear`` and ``torchscript``; a function of Python chooses for itself, ONNX runs on the CPU.
    threads : int
        Of the CPU, for the same and ONNX.

    Returns
    -------
    function : callable
        (batch, samples) float32 -> what the encoder gives, which `relatives.points` checks.
    sample_rate : int or None
        In Hz, that it takes its audio at; None: any.
    batch : int or None
        How many excerpts it takes at a time, as its settings or its file say; None: any number.

    Raises
    ------
    InputError
        The encoder cannot be loaded, or its file says another batch than its settings.
    """
    loaders = {"python": _python, "hear": _hear, "torchscript": _torchscript, "onnx": _onnx}
    with foreign_code(f"{title(settings)} cannot be loaded"):
        return loaders[kind(settings)](settings, device, threads)


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
            error_frames = error.__traceback__.tb_next
            place, said = _place(error_frames), " ".join(str(error).split())[:LONGEST]
            hint = MODULES if isinstance(error, ModuleNotFoundError) else ""
            frames = "".join(traceback.format_exception(type(error), error, error_frames))
            raise InputError(f"{words}{place}: {type(error).__name__}: {said}{hint}\n{frames}") from error


def _place(frames) -> str:
    """Where in the user's code an error arose: " (mine.py, line 3)"; nothing where it is in none of it."""
    own = [
        frame
        for frame in traceback.extract_tb(frames)
        if not frame.filename.startswith(("<", PACKAGE, LIBRARY)) and "site-packages" not in frame.filename
    ]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""


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
    """A function, the rate and the batch that it wants."""
    found = function(settings["python"])
    if not callable(found):
        raise InputError(
            f"{title(settings)} is of type {type(found).__name__}; name a function that takes audio (batch,"
            " samples) and gives points (batch, dimensions)"
        )
    return found, settings.get("sample_rate"), settings.get("batch")


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
            given = module.get_scene_embeddings(torch.from_numpy(excerpts).to(place), model)
        found = points.of(given, len(excerpts), "what get_scene_embeddings returns")
        if found.shape[1] != size:
            raise InputError(
                f"get_scene_embeddings gives points of {found.shape[1]} dimensions; scene_embedding_size"
                f" promises {size}"
            )
        return found

    return encode, int(model.sample_rate), settings.get("batch")


def _torchscript(settings, device, threads):
    """A scripted or traced model, in evaluation."""
    torch, place = _torch(device, threads)
    file = files(settings)[0]
    if not is_torchscript(file):
        raise InputError(
            f"{title(settings)}: {file} is no TorchScript file, which torch.jit.save makes (one of torch.save"
            " holds weights without their model)"
        )
    model = torch.jit.load(file, map_location=place).eval()

    def encode(excerpts):
        with torch.inference_mode():
            return _first(model(torch.from_numpy(excerpts).to(place)))

    return encode, settings.get("sample_rate"), settings.get("batch")


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
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(put.name for put in inputs)
        raise InputError(f"{title(settings)} has the inputs {names}; it must have one, the audio")
    batch, [audio] = settings.get("batch"), inputs
    fixed = audio.shape[0] if audio.shape and isinstance(audio.shape[0], int) else batch
    if batch not in (None, fixed):
        raise InputError(
            f"{title(settings)} takes {fixed} excerpts at a time, as its file says, and batch says {batch};"
            " leave batch out"
        )
    return lambda excerpts: session.run(None, {audio.name: excerpts})[0], settings.get("sample_rate"), fixed


def is_torchscript(file: str | os.PathLike) -> bool:
    """Whether a file is one of ``torch.jit.save``: a ZIP with code in it. Nothing of it is run.

    What is no file, or no ZIP, is none.
    """
    if not is_file(file):  # a pipe might never end
        return False
    try:
        with zipfile.ZipFile(Path(file).expanduser()) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, NotImplementedError):
        return False
    return "constants.pkl" in names and any(name.startswith("code/") for name in names)


def _first(given):
    """The embedding, of a model that gives it alone or before other things."""
    return given[0] if isinstance(given, tuple | list) and given else given


def _torch(device: str, threads: int):
    """torch, with its number of threads set, and the device of a setting."""
    import torch

    from relatives.models import networks

    torch.set_num_threads(threads)
    return torch, networks.resolve(device)
