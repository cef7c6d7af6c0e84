"""Faults of the machine, in words: what a user reads when a disk is full or the memory is used up.

They are nobody's bug, so they have no traceback: `explain` knows them among the errors of a job, `killed`
those that ended a job before it could speak. `check` finds some before the first job. Nothing here changes
what a job computes.
"""

import errno
import fnmatch
import os
import re
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from relatives.errors import InputError
from relatives.files import PARTIAL, WRITING

CONTINUE = "What is finished is kept: the same command goes on from here."

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
TOO_LARGE = {errno.EFBIG}
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
OF_DISK = NO_ROOM | TOO_LARGE | {errno.EROFS}
TOO_MANY = {errno.EMFILE, errno.ENFILE}
NO_MEMORY = {errno.ENOMEM, errno.EAGAIN}
BROKEN = {errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ENXIO, errno.ENODEV}

OUT_OF_MEMORY = re.compile(
    "(can't|cannot) allocate memory|not enough memory|out of memory|can't start new thread|bad_alloc",
    re.IGNORECASE,
)
"""What torch, its CUDA side, the C++ library and Python's threads say, none of them as a `MemoryError`."""

UNWRITTEN = re.compile(r"\d+ requested and \d+ written")
"""What numpy says, without the system's reason, of an array that did not fit onto the disk."""

_EXCERPTS = "corpora.NAME.excerpts of its corpus, which makes another study"
_DRAWS = "bootstrap.draws, which makes the intervals less exact"
_DOTS = "figures.style.dpi"
LOWER = {
    "corpus": "its threads (--set-threads corpus=1), as so many songs are decoded at a time",
    "noise": "noise.seconds, or give a shorter noise.recording",
    "transform": "excerpts.block, which leaves the results as they are",
    "transform_with_vocals": "excerpts.block, which leaves the results as they are",
    "train": "training.batch or training.width, which makes another network",
    "embed": _EXCERPTS,
    "collect": _EXCERPTS,
    "perform": _EXCERPTS,
    "distances": _EXCERPTS,
    "consistency": _EXCERPTS,
    "neighbourhoods": _EXCERPTS,
    "mixed_models": _EXCERPTS,
    "songs": "corpora.NAME.songs of its corpus, or give a shorter one",
    "performance": _DRAWS,
    "additive_models": _DRAWS,
    "claims": _DRAWS,
    **dict.fromkeys(("mixed", "checks", *(f"fig{number:02}" for number in range(1, 15))), _DOTS),
}
"""The setting that governs the memory of each rule. The others work on small tables, or in small pieces."""

SIGNALS = {
    "SIGKILL": "Mostly that is the system, when the memory is used up (`dmesg` tells); or somebody ended it.",
    "SIGBUS": "Mostly a disk that filled up or failed under an array, or a file cut while it was read.",
    "SIGSEGV": "Mostly a compiled library that did not bear a lack of memory, or one that is broken.",
    "SIGABRT": "Mostly a compiled library that did not bear a lack of memory.",
    "SIGTERM": "Somebody ended it, or the cluster, at its limit of time.",
}
"""What ends a process before it can speak."""


def explain(error: Exception, rule: str = "", memory: int | None = None) -> str | None:
    """What to tell the user of an error, if it is one of the machine's; None: it is not.

    Parameters
    ----------
    error
        As it was raised. Notes of `WRITING` name the files that were being written.
    rule
        Whose job it is.
    memory
        The MB that the job was to have, as far as it is known.
    """
    if isinstance(error, MemoryError):
        return _of_memory(error, rule, memory)
    if isinstance(error, OSError):
        return _of_system(error, rule, memory)
    # An error inside a writer, torch's say, may hide that of the system that was its cause
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError | MemoryError):
        for note in getattr(error, "__notes__", ()):
            cause.add_note(note)
        return explain(cause, rule, memory)
    if isinstance(error, RuntimeError | ImportError) and OUT_OF_MEMORY.search(str(error)):
        return _of_memory(error, rule, memory)
    return None


def _of_system(error: OSError, rule: str, memory: int | None) -> str | None:
    """The words for what the operating system refused."""
    code, reason = error.errno, error.strerror or str(error)
    place, folder = _place(error)
    if code in NO_ROOM or UNWRITTEN.search(reason):
        free = shutil.disk_usage(folder).free
        return (
            f"{place}: no room on the disk ({reason}; {_size(free)} are free in {folder}). Make room there, "
            f"or move the whole folder to a larger disk. {CONTINUE}"
        )
    if code in TOO_LARGE:
        return f"{place}: a file may not become so large here (`ulimit -f`). Lift the limit. {CONTINUE}"
    if code in FORBIDDEN:
        return (
            f"{place}: this may not be read or written here ({reason}). See who owns it and how its disk is "
            f"mounted, or run in a folder of your own. {CONTINUE}"
        )
    if code in TOO_MANY:
        return f"{place}: too many files are open. Raise the limit (`ulimit -n`). {CONTINUE}"
    if code in BROKEN:
        return f"{place}: the disk, or the network that it is on, fails ({reason}). Mend it. {CONTINUE}"
    if code in NO_MEMORY:
        return _of_memory(error, rule, memory)
    if reason.startswith("No usable temporary directory"):
        return f"There is no folder for temporary files. Set TMPDIR to one with room. {CONTINUE}"
    if isinstance(error, ChildProcessError):
        return f"{error}. {CONTINUE}"
    return None


def _of_memory(error: Exception, rule: str, memory: int | None) -> str:
    """The words for a lack of memory: what to lower, and where to ask for more."""
    reason = str(error).strip().partition("\n")[0] or "MemoryError"
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    limited = f"This shell allows {_size(limit)} (`ulimit -v`). " if limit != resource.RLIM_INFINITY else ""
    ways = ["run fewer jobs side by side (--cores 1)"]
    if "CUDA" in reason:
        ways.append("free the GPU of other programs")
    if rule in LOWER:
        ways.append(f"lower {LOWER[rule]}")
    asked = f", now {memory}" if memory else ""
    return (
        f"{rule or 'this'} needs more memory than it can have ({reason}). {limited}Either "
        f"{', or '.join(ways)}. On a cluster raise the job's limit "
        f"(--set-resources {rule or 'RULE'}:mem_mb=…{asked}). {CONTINUE}"
    )


def _place(error: OSError) -> tuple[str, Path]:
    """The file that an error is about, or else the files that were being written; and their folder."""
    named = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(WRITING)]
    written = [note.removeprefix(WRITING) for note in reversed(notes)]
    files = [named] if named and not fnmatch.fnmatch(os.path.basename(named), PARTIAL) else written
    folder = Path(files[0]).absolute() if files else Path.cwd()
    while not folder.is_dir():
        folder = folder.parent
    return ", ".join(files) or str(folder), folder


def _size(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def check(*folders: str) -> None:
    """See that files can be made in each folder, or where it would be made.

    Raises
    ------
    InputError
        One cannot be written to, or its disk is full.
    """
    for name in folders:
        folder = Path(name).absolute()
        while not folder.is_dir():
            folder = folder.parent
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError as error:
            error.filename = str(folder)
            raise InputError(explain(error) or f"{folder}: {error.strerror}") from None


def settle_times(files: Iterable[str], folders: tuple[str, ...]) -> int:
    """Date files back to now whose times lie in the future; how many there were.

    Snakemake sees by the times what is out of date. A clock that was set back makes new files older than
    what they were made of, and older than what was made of their forerunners: the first stops a run, the
    second would leave a result that its inputs no longer give, without a word.

    Parameters
    ----------
    files
        That the run reads or makes, as far as they exist.
    folders
        Of the pipeline's own files. The user's are not touched.

    Raises
    ------
    InputError
        A file outside of `folders` is of the future.
    """
    with tempfile.NamedTemporaryFile(dir=".") as file:
        now = os.stat(file.name).st_mtime  # by the clock that dates the files, which may be a server's
    times = {file: os.stat(file).st_mtime for file in sorted(set(files)) if os.path.exists(file)}
    future = [file for file, moment in times.items() if moment > now + 1]
    own = [file for file in future if os.path.normpath(file).split(os.sep)[0] in folders]
    for file in sorted(set(future) - set(own)):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(times[file]))
        raise InputError(
            f"{file}: its time, {when}, is in the future. The clock is wrong, or was when it was written. "
            f"Set the clock, or the time of the file: touch {file!r}"
        )
    for file in own:
        os.utime(file, (now, now))
    return len(own)


def at_the_end(logs: Iterable[str], *folders: str) -> Iterator[str]:
    """What may have stopped a run beside what its jobs said of themselves, a sentence a reason.

    Parameters
    ----------
    logs
        Files in which Snakemake wrote what it met.
    folders
        That the run writes to.
    """
    text = "".join(Path(log).read_text(errors="replace") for log in logs)
    for name, words in SIGNALS.items():
        if f"Signals.{name}" in text:
            yield f"A job was ended by the signal {name}. {words}"
    try:
        check(*folders)
    except InputError as error:
        yield str(error)
