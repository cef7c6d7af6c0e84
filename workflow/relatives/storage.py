"""Arrays and tables on disk: how the jobs of the pipeline read and write their data.

What stands here decides what is in a file, so it counts for the fingerprints of `provenance`, unlike `jobs`
and `files`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pandas as pd

from relatives.files import replacing


class Blocks:
    """Files of arrays (magnitudes, excerpts of a block, …) as one array (magnitudes, excerpts, …).

    It is read a magnitude at a time, `blocks[m]`: the audio of a whole transformation at the study's size
    takes 3.5 GB.

    Parameters
    ----------
    paths : str or list of str
    """

    def __init__(self, paths: str | list[str]):
        paths = [paths] if isinstance(paths, str) else paths
        self.arrays = [np.load(path, mmap_mode="r") for path in paths]
        magnitudes, _, *rest = self.arrays[0].shape
        self.shape = (magnitudes, sum(array.shape[1] for array in self.arrays), *rest)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, magnitude: int) -> np.ndarray:
        return np.concatenate([array[magnitude] for array in self.arrays])


def read_tables(paths: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The table of each name, from its parquet or CSV file."""
    return {
        name: pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
        for name, path in paths.items()
    }


def write_tables(tables: dict[str, pd.DataFrame], output: object) -> None:
    """Write each table to the output of its name, as CSV if the file is called so, else as parquet."""
    for name, table in tables.items():
        with replacing(output[name]) as path:
            if output[name].endswith(".csv"):
                table.to_csv(path, index=False)
            else:
                table.to_parquet(path, index=False)


@contextmanager
def replacing_array(path: str | os.PathLike, shape: tuple[int, ...]) -> Iterator[np.memmap]:
    """Yield a float32 array on disk to be filled, which on success becomes the .npy file `path`.

    It need not fit into memory. Its room on the disk is taken at once: a disk that is too small is an OSError
    here, where it would later kill the process (SIGBUS) in the middle of filling. The rest is as in
    `files.replacing`.
    """
    with replacing(path) as temporary:
        array = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS
            size = os.path.getsize(temporary)
            try:
                with open(temporary, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                raise OSError(error.errno, f"{error.strerror}; {size / 1e6:.1f} MB are needed") from error
        yield array
        array.flush()
