"""Files appear whole or not at all."""

import errno
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".*.partial*"
"""How the name of every temporary file of `replacing` looks, as a pattern for `fnmatch` and `glob`."""

WRITING = "while writing "
"""What the note begins with that an error in `replacing` is given, as a full disk does not say which file."""


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it becomes `path` in one step, on failure it is
    removed.

    A reader never meets a file half written, and a job that is killed leaves what was there before: file and
    folder are synced, so that this holds for a power cut, too. The name of the temporary file keeps the
    suffix, by which some writers choose the format.

    A killed job cannot remove its temporary file. Who next writes the same `path` does. That is safe though
    nothing tells whether its writer is dead: a number of a process would be reused, and means nothing on
    another host of a shared folder. The names are random, so that no two writers ever share a file; one that
    still lives, such as a job that outlived its run, loses its file and fails when it renames it, and nothing
    else. With a fixed name instead it would rename what the other has half written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    name, suffix = glob.escape(path.name), glob.escape(path.suffix)
    for left in path.parent.glob(_temporary_name(name, "[0-9a-f]" * 8, suffix)):
        left.unlink(missing_ok=True)
    temporary = path.with_name(_temporary_name(path.name, secrets.token_hex(4), path.suffix))
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except Exception as error:
        error.add_note(f"{WRITING}{path}")
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_name(name: str, token: str, suffix: str) -> str:
    return f".{name}.{token}.partial{suffix}"


def _sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a network's filesystem that cannot sync a folder
            raise
    finally:
        os.close(descriptor)
