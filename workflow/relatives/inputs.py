"""Files of the user's: read only if they are files, and refused in words if they are not what they should."""

import csv
import errno
import os
import pickle
import sqlite3
import stat
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relatives.errors import InputError, shown

OF_THE_PATH = {
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG,
}  # fmt: skip
"""The errors of opening a file that the path is to blame for, rather than the machine."""

OF_THE_CONTENT = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, SyntaxError, RecursionError,
    EOFError, csv.Error, sqlite3.Error, tokenize.TokenError, pickle.UnpicklingError, zipfile.BadZipFile,
)  # fmt: skip
"""The errors of code that is given a table, a list or an array of another kind than it is made for."""


def is_folder(path: str) -> bool:
    """Whether there is such a folder; "~" is the home."""
    try:
        return Path(path).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):  # too long a name; a home of nobody; no name at all
        return False


def is_file(path: str) -> bool:
    """Whether there is such a file, and not a pipe or a device; "~" is the home."""
    try:
        return Path(path).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def is_path(path: str) -> bool:
    """Whether a file or folder could be there; "~" is the home."""
    try:
        Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False
    return "\0" not in path


def check_file(path: str | os.PathLike) -> None:
    """Raise an `InputError` unless `path` is a file that may be read: a pipe or a device might never end."""
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            os.listdir(path)
        elif stat.S_ISREG(kind):
            open(path, "rb").close()
            return
    except ValueError as error:
        raise InputError(f"{shown(path)}: cannot be the name of a file ({error}).") from error
    except OSError as error:
        if error.errno not in OF_THE_PATH:
            raise
        raise InputError(f"{shown(path)}: cannot be opened: {error.strerror}. Check the path.") from error
    raise InputError(f"{shown(path)}: it is a folder, a pipe or a device, and no file. Remove or replace it.")


@contextmanager
def parsing(path: str | os.PathLike, what: str) -> Iterator[None]:
    """Read a list, a table … of a data set: what its content makes fail becomes an `InputError`."""
    check_file(path)
    try:
        yield
    except OF_THE_CONTENT as error:
        words = f"{type(error).__name__}: {shown(str(error).strip()[:200])}"
        raise InputError(
            f"{shown(path)}: not the {what} that it should be ({words}). Is the data set complete, and as it"
            " came?"
        ) from error
