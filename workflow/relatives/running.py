"""Who is at work in a folder, so that what a killed run left can be told from what a living one holds.

Snakemake keeps two runs of the same files apart by lock files, which say nothing of who made them. A run
that is killed leaves them, and every later one would be refused until ``snakemake --unlock``. Beside them
every run and every job of it therefore holds a lock of the system's (flock), which goes when the process
ends, however it ends. Who can have that lock alone knows that nobody is at work, and clears Snakemake's.
"""

import fcntl
import os
import platform
import sys
from pathlib import Path

import psutil

FOLDER = Path(".snakemake")

_held = []
"""The files whose locks this process holds: open until it ends."""


def enter_run() -> None:
    """Note that a run works in this folder, and clear what only a killed run can have left.

    On a shared folder the system's lock may not reach from host to host. So Snakemake's locks stay where the
    last run was on another host, as they do where anybody is at work. Who, is said here; Snakemake's own
    message follows.
    """
    at_work = _open()
    locks = list(FOLDER.glob("locks/*.lock"))
    if _lock(at_work, fcntl.LOCK_EX | fcntl.LOCK_NB):
        elsewhere = {host for kind, host, *_ in _entries(at_work) if kind == "run"} - {platform.node()}
        if locks and elsewhere:
            _say(
                f"The last run was on {', '.join(sorted(elsewhere))}. If it is over there, remove its locks:"
            )
            _say(".venv/bin/snakemake --unlock")
        else:
            for lock in locks:
                lock.unlink(missing_ok=True)
            at_work.truncate(0)
    elif locks:
        _say(
            f"Already at work in {Path.cwd()}: {', '.join(_living(at_work)) or 'a process of another host'}."
        )
        _say("If it is a run, wait for its end; if it is a job whose run was killed, wait for it or stop it.")
    _stay(at_work, "run")


def enter_job() -> None:
    """Note that a job works in this folder, which may outlive its run."""
    _stay(_open(), "job")


def _open():
    FOLDER.mkdir(exist_ok=True)
    return open(FOLDER / "at_work", "a+")


def _stay(at_work, kind: str) -> None:
    """Hold the lock, which others may hold as well, to the end of this process, and sign."""
    _lock(at_work, fcntl.LOCK_SH)
    _held.append(at_work)
    at_work.write(f"{kind} {platform.node()} {os.getpid()} {_started(os.getpid())}\n")
    at_work.flush()


def _lock(file, operation: int) -> bool:
    """Whether the lock could be had; not where the filesystem has none."""
    try:
        fcntl.flock(file, operation)
    except OSError:
        return False
    return True


def _entries(at_work) -> list[list[str]]:
    """Kind, host, number and start of each process that signed."""
    at_work.seek(0)
    return [line.split() for line in at_work]


def _living(at_work) -> list[str]:
    """The processes of this host that signed and still live, in words."""
    return [
        f"a {kind} (process {pid})"
        for kind, host, pid, started in _entries(at_work)
        if host == platform.node() and _started(int(pid)) == started
    ]


def _started(pid: int) -> str | None:
    """When a process began, which tells it from another of the same number; None: there is none."""
    return f"{psutil.Process(pid).create_time():.2f}" if psutil.pid_exists(pid) else None


def _say(line: str) -> None:
    print(line, file=sys.stderr)
