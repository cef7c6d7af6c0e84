"""Faults of the machine, in words: what a user reads when a disk is full or the memory is used up.

They are nobody's bug, so they have no traceback: `explain` knows them among the errors of a job,
`at_the_end` those that ended a job before it could speak, `check` and `settle_times` find some before the
first job. Nothing here changes what a job computes.
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
    "(can't|cannot) allocate memory|not enough memory|out of memory|can't start new thread|bad_alloc"
    "|failed to map segment from shared object",
    re.IGNORECASE,
)
"""What torch, its CUDA side, C++, Python's threads and its imports say, none of them as a `MemoryError`."""

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
    "embed_networks": _EXCERPTS,
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

_LIBRARY = "Mostly a compiled library that did not bear a lack of memory"
ENDED = {
    "Signals.SIGKILL": "Mostly the system did it, as the memory was used up (`dmesg` tells); or somebody.",
    "Signals.SIGSEGV": f"{_LIBRARY}, or one that is broken.",
    "Signals.SIGABRT": f"{_LIBRARY}.",
    "Signals.SIGBUS": "Mostly a disk that filled up or failed, or a file that was cut while it was read.",
    "Signals.SIGTERM": "Somebody did it, or the cluster, at its limit of time.",
    "'OUT_OF_MEMORY'": "SLURM did it, at its limit of memory.",
    "'TIMEOUT'": "SLURM did it, at its limit of time. Raise its runtime (--set-resources RULE:runtime=…).",
}
"""What Snakemake writes of a job that was ended before it could speak, and what that means."""


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
        temporary = folder == _existing(_temporary())
        elsewhere = "set TMPDIR to another folder" if temporary else "move the whole folder to a larger disk"
        return (
            f"{place}: no room on the disk ({reason}; {_size(free)} are free in {folder}). Make room there, "
            f"or {elsewhere}. {CONTINUE}"
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
        return f"{error} {CONTINUE}"
    return None


def _of_memory(error: Exception, rule: str, memory: int | None) -> str:
    """The words for a lack of memory: what to lower, and where to ask for more."""
    reason = str(error).strip().partition("\n")[0] or "MemoryError"
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    limited = f"This shell allows {_size(limit)} (`ulimit -v`). " if limit != resource.RLIM_INFINITY else ""
    gpu = "Free the GPU of other programs. " if "CUDA" in reason else ""
    asked = f", now {memory}" if memory else ""
    return (
        f"{rule or 'this'} needs more memory than it can have ({reason}). "
        f"{limited}{gpu}{_way_out(rule, asked)} {CONTINUE}"
    )


def _way_out(rule: str, asked: str = "") -> str:
    """What to do where a rule lacks memory: what to lower, and how to give it more."""
    lower = f", or lower {LOWER[rule]}" if rule in LOWER else ""
    return (
        f"Run fewer jobs side by side (--cores 1){lower}. On a cluster raise the job's limit "
        f"(--set-resources {rule or 'RULE'}:mem_mb=…{asked})."
    )


def _place(error: OSError) -> tuple[str, Path]:
    """The file that an error is about, or else the files that were being written; and their folder."""
    named = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(WRITING)]
    written = [note.removeprefix(WRITING) for note in reversed(notes)]
    files = [named] if named and not fnmatch.fnmatch(os.path.basename(named), PARTIAL) else written
    folder = _existing(Path(files[0])) if files else Path.cwd()
    return ", ".join(files) or str(folder), folder


def _existing(path: Path) -> Path:
    """The folder that a path is, or lies in, or would."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def _temporary() -> Path:
    """The folder of temporary files; Python alone would pass over a TMPDIR that is full."""
    named = os.environ.get("TMPDIR", "")
    return Path(named if os.path.isdir(named) else tempfile.gettempdir())


def _size(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def check(*folders: str | Path) -> None:
    """See that files can be made in each folder, or where it would be made, and in that of temporary files.

    Raises
    ------
    InputError
        One cannot be written to, or its disk is full.
    """
    places = {_existing(Path(folder)) for folder in (*folders, _temporary())}
    for folder in sorted(places):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError as error:
            error.filename = str(folder)
            raise InputError(explain(error) or f"{folder}: {error.strerror}") from None


def settle_times(folders: Iterable[str], files: Iterable[str], apart: str = "") -> int:
    """Date the files of folders back to now whose times lie in the future; how many there were.

    Snakemake sees by the times what is out of date. A clock that was set back makes new files older than
    what they were made of, and older than what was made of their forerunners: the first stops a run, the
    second would leave a result that its inputs no longer give, without a word.

    Parameters
    ----------
    folders
        Of the pipeline's own.
    files
        That the run reads, as far as they exist.
    apart
        A folder in one of them that is not gone through, as it may hold a million files.

    Raises
    ------
    InputError
        A file outside of the folders, which is the user's, is of the future.
    """
    found = set(files)
    for top, _, names in (step for folder in folders for step in _walk(folder, apart)):
        found |= {os.path.join(top, name) for name in names}
    with tempfile.NamedTemporaryFile(dir=".") as file:
        now = os.stat(file.name).st_mtime  # by the clock that dates the files, which may be a server's
    future = [file for file in sorted(found) if os.path.exists(file) and os.stat(file).st_mtime > now + 1]
    foreign = [file for file in future if not any(Path(file).is_relative_to(folder) for folder in folders)]
    for file in foreign:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(os.stat(file).st_mtime))
        raise InputError(
            f"{file}: its time, {when}, is in the future. The clock is wrong, or was when it was written. "
            f"Set the clock, or the time of the file: touch {file!r}"
        )
    for file in future:
        os.utime(file, (now, now))
    return len(future)


def _walk(folder: str, apart: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`, without one folder."""
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.path.join(top, name) != apart]
        yield top, folders, names


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
    met = [(sign, words) for sign, words in ENDED.items() if sign in text]
    for sign, words in met:
        yield f"A job was ended from outside ({sign.removeprefix('Signals.')}). {words}"
    if any("memory" in words for _, words in met):
        for rule in dict.fromkeys(re.findall(r"Error in rule (\w+)", text)):
            yield f"If {rule} lacked memory: {_way_out(rule)}"
    try:
        check(*folders)
    except InputError as error:
        yield str(error)
