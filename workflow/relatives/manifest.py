"""Embeddings computed elsewhere: what to compute them from, and whether they were.

The manifest is a JSON file that lists the transformed excerpts, which are the points of every space:

* ``corpus``, ``sample_rate`` in Hz, ``excerpt_ids`` in the order of the points;
* ``transformations``: of each its ``magnitudes``; its ``files``, a block of excerpts each, with ``path`` from
  the working directory, ``shape`` (magnitudes, excerpts of the block, samples) and ``sha256``; and
  ``embeddings``, the ``file`` that is to be computed and how its ``shape`` begins: (magnitudes, excerpts),
  then dimensions;
* ``digest``, which changes with any of it.

Who computes the arrays puts a copy of the manifest beside them. `read` refuses arrays whose manifest is not
that of the run: they belong to other audio.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from relatives import points, repeatability
from relatives.errors import InputError
from relatives.inputs import OF_THE_CONTENT, check_file

NAME = "manifest.json"


def make(
    corpus: str,
    sample_rate: int,
    excerpt_ids: list[str],
    magnitudes: dict[str, list[float]],
    files: dict[str, list[str]],
) -> dict:
    """The manifest of a corpus' transformed excerpts.

    Parameters
    ----------
    corpus : str
    sample_rate : int
        In Hz.
    excerpt_ids : list of str
    magnitudes : dict of str to list
        Of each transformation.
    files : dict of str to list
        The paths of the blocks of each transformation, in order.
    """
    content = {
        "corpus": corpus,
        "sample_rate": sample_rate,
        "excerpt_ids": list(excerpt_ids),
        "transformations": {
            name: {
                "magnitudes": values,
                "files": [_file(path) for path in files[name]],
                "embeddings": {"file": f"{name}.npy", "shape": [len(values), len(excerpt_ids)]},
            }
            for name, values in magnitudes.items()
        },
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {**content, "digest": digest}


def read(folder: str | Path, wanted: dict) -> dict[str, np.ndarray]:
    """The embeddings of a folder, checked against the manifest of the run.

    Parameters
    ----------
    folder : path
        With an array a transformation and the manifest that they were computed from.
    wanted : dict
        The manifest of the run.

    Returns
    -------
    dict of str to (magnitudes, excerpts, dimensions) float32

    Raises
    ------
    InputError
        A file is missing or unreadable, the manifest is another, or an array is of the wrong shape or type
        or holds what is no number.
    """
    folder = Path(folder).expanduser()
    _check_digest(folder / NAME, wanted)
    arrays = {}
    for name, entry in wanted["transformations"].items():
        path = folder / entry["embeddings"]["file"]
        given = _array(path, entry["embeddings"]["shape"])
        arrays[name] = array = points.float32(given, str(path))
        dimensions = next(iter(arrays.values())).shape[-1]
        if array.shape[-1] != dimensions:
            raise InputError(f"{path} has {array.shape[-1]} dimensions, the arrays before it {dimensions}")
        # the originals stand first; under a grave transformation points may well come together
        share = repeatability.rounding(given[0, : repeatability.MOST]) if len(arrays) == 1 else 0.0
        if share > repeatability.TOLERANCES[repeatability.ROUNDING]:
            raise InputError(f"{path}: {repeatability.too_near(share)}")
    return arrays


def _check_digest(path: Path, wanted: dict) -> None:
    if not path.exists():
        raise InputError(
            f"there is no {path}; run the target manifest, compute the embeddings of the files that it "
            f"lists, and put a copy of it beside them"
        )
    check_file(path)
    try:
        digest = json.loads(path.read_text())["digest"]
    except OF_THE_CONTENT as error:
        raise InputError(f"{path} is not a manifest: {type(error).__name__}: {error}") from None
    if digest != wanted["digest"]:
        raise InputError(
            f"{path} has the digest {str(digest)[:12]}…, this run's manifest {wanted['digest'][:12]}…: the "
            f"embeddings belong to other excerpts, magnitudes or audio; compute them again from this run's"
        )


def _array(path: Path, shape: list[int]) -> np.ndarray:
    if not path.exists():
        raise InputError(f"there is no {path}, which the manifest asks for")
    check_file(path)
    try:
        # mapped: a header that promises more than is there takes no memory
        array = np.lib.format.open_memmap(path, mode="r")
    except OF_THE_CONTENT as error:
        raise InputError(f"{path} cannot be read as an array: {error}") from None
    if array.ndim != 3 or list(array.shape[:2]) != shape or not array.shape[2]:
        raise InputError(
            f"{path} has the shape {array.shape}; it must be ({shape[0]}, {shape[1]}, dimensions)"
        )
    return points.array(array, str(path))


def _file(path: str) -> dict:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": path,
        "shape": list(np.load(path, mmap_mode="r", allow_pickle=False).shape),
        "sha256": digest,
    }
