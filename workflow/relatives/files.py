"""Files appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it becomes `path` in one step, on failure it is
    removed.

    A reader never meets a file half written, and a job that is killed leaves what was there before. The
    name of the temporary file keeps the suffix, by which some writers choose the format.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_array(path: str | os.PathLike, shape: tuple[int, ...]) -> Iterator[np.memmap]:
    """Yield a float32 array on disk to be filled, which on success becomes the .npy file `path`.

    It need not fit into memory. The rest is as in `replacing`.
    """
    with replacing(path) as temporary:
        array = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
        yield array
        array.flush()
