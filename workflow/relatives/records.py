"""Where each file came from: a record for every output of every job.

`jobs.run` writes them after a job has done its work. That of ``results/x.csv`` is
``results/provenance/results/x.csv.json``: beside the outputs and not within them, as the same work gives the
same bytes whoever did it, and when. Its keys:

output, sha256, size, mtime_ns
    The file, and what it was when it was made. Size (bytes) and time spare another look at its content: each
    file is hashed once, by the job that made it, while the system still has it in memory.
rule, wildcards, params, code
    The job; `code` is the fingerprint of the script and of the package's modules it stands on.
inputs
    The sha256 of each file that the job was given.
sources
    What else it read from outside, as its script's ``main`` returned it: the music under a corpus' path, the
    files of an encoder. Each with its path, the number of files, their bytes, and the sha256 of their
    `listing`, which ``sha256sum --check`` reads in that folder.
configuration, seed
    The sha256 of the whole configuration, kept under ``results/provenance/configurations``; of it the seed.
revision, modified, relatives, versions, requirements, machine
    The program: the revision of git and whether a file was changed since (null where it is no git checkout),
    the versions of the package and of what it stands on, the sha256 of the lock file, the platform.

The same job gives the same record, but for `mtime_ns` and what is told of the machine.
"""

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import relatives
from relatives import provenance
from relatives.files import replacing
from relatives.inputs import is_file

FOLDER = Path("results/provenance")
"""Of the records, in the working directory."""

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "torch",
    "torchaudio",
    "librosa",
    "soundfile",
    "pedalboard",
    "imageio-ffmpeg",
    "statsmodels",
    "matplotlib",
    "snakemake",
)
"""What the results may depend on; all else is in the lock file."""

KEYS = {
    "output", "sha256", "size", "mtime_ns", "rule", "wildcards", "params", "code", "inputs", "sources",
    "configuration", "seed", "revision", "modified", "relatives", "versions", "requirements", "machine",
}  # fmt: skip
"""Of a record."""

ROOT = provenance.PACKAGE.parents[1]


def write(job: object, outside: Iterable[str | os.PathLike] = ()) -> None:
    """Write the records of a finished job's outputs.

    Parameters
    ----------
    job : Snakemake's job object, or that of `jobs.by_hand`
    outside : iterable of path
        Files and folders outside of the pipeline that it read, beside its inputs.
    """
    shared = {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "params": {
            name: value
            for name, value in job.params.items()
            if name != "code" and value != job.config  # which has a hash of its own
        },
        "code": job.params.get("code") or provenance.fingerprint(job.rule),
        "inputs": {str(path): digest(path) for path in job.input},
        "sources": sources(outside),
        "configuration": _keep(job.config),
        "seed": job.config["seed"],
        **program(),
    }
    for output in map(str, job.output):
        status = os.stat(output)
        own = {"output": output, "sha256": hash_of(output), "size": status.st_size}
        own["mtime_ns"] = status.st_mtime_ns
        with replacing(place(output)) as path:
            # What JSON does not know, such as a path, becomes its words
            path.write_text(json.dumps(own | shared, indent=1, default=str))


def place(output: str | os.PathLike, root: str | os.PathLike = ".") -> Path:
    """Where the record of an output is; `root` is the folder that holds ``results``."""
    return Path(root, FOLDER, f"{output}.json")


def read(output: str | os.PathLike, root: str | os.PathLike = ".") -> dict | None:
    """The record of an output, by its path from `root`; None where there is none that can be read."""
    try:
        record = json.loads(place(output, root).read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and record.keys() >= KEYS and record["output"] == str(output)
    return record if whole else None


def every(root: str | os.PathLike = ".") -> Iterator[dict]:
    """All records under a folder, by path."""
    folder = Path(root, FOLDER)
    for path in sorted(folder.rglob("*.json")):
        record = read(path.relative_to(folder).with_suffix(""), root)
        if record is not None:
            yield record


def digest(path: str | os.PathLike, root: str | os.PathLike = ".") -> str | None:
    """The sha256 of a file: from its record if that still fits by size and time, else by its content.

    None if there is no such file.
    """
    record = read(path, root)
    try:
        status = os.stat(Path(root, path))
        if record and (record["size"], record["mtime_ns"]) == (status.st_size, status.st_mtime_ns):
            return record["sha256"]
        return hash_of(Path(root, path))
    except FileNotFoundError:
        return None


def hash_of(path: str | os.PathLike) -> str:
    """The sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources(outside: Iterable[str | os.PathLike]) -> list[dict]:
    """Describe what a job read from outside the pipeline that is not among its inputs.

    Parameters
    ----------
    outside : iterable of path
        As the script's ``main`` returned them: files, and folders with all that `corpora.folder.find` finds.
    """
    described = []
    for path in map(Path, outside):
        if path.is_file():
            described.append(_source(path, path.parent, [path]))
        else:
            from relatives.corpora import folder

            described.append(_source(path, path, folder.find(path)))
    return described


def listing(top: Path, files: Iterable[Path]) -> str:
    """The sha256 of each file and its path from `top`, as ``sha256sum`` writes them.

    What cannot be read is left out, as no job could read it either.
    """
    lines = []
    for file in files:
        if not is_file(file):  # a link to nowhere, a pipe
            continue
        name = os.path.relpath(file, top)
        quoted = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        with contextlib.suppress(OSError):
            lines.append(f"{'' if quoted == name else chr(92)}{hash_of(file)}  {quoted}\n")
    return "".join(lines)


def canonical(config: dict) -> str:
    """A configuration as text that is the same for the same settings, in whatever order they stand."""
    return json.dumps(config, sort_keys=True, indent=1, default=str) + "\n"


def program() -> dict:
    """Which program this is, with which packages, on which machine."""
    requirements = ROOT / "envs" / "requirements.txt"
    revision = _git("rev-parse", "HEAD") if _git("ls-files", "workflow/relatives/records.py") else None
    changed = _git("status", "--porcelain", "--untracked-files=no") if revision else None
    return {
        "revision": revision,
        "modified": bool(changed) if revision else None,
        "relatives": relatives.__version__,
        "versions": {"Python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "requirements": hash_of(requirements) if requirements.is_file() else None,
        "machine": {"platform": platform.platform(), "processor": _processor(), "GPU": _gpu()},
    }


def _keep(config: dict) -> str:
    """Keep a configuration, once; its sha256."""
    text = canonical(config)
    found = hashlib.sha256(text.encode()).hexdigest()
    path = configuration_place(found)
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(text)
    return found


def configuration_place(found: str, root: str | os.PathLike = ".") -> Path:
    """Where the configuration with the sha256 `found` is kept."""
    return Path(root, FOLDER, "configurations", f"{found}.json")


def _source(path: Path, top: Path, files: list[Path]) -> dict:
    """What was read from a path outside: files below `top`, with a listing that is kept."""
    text = listing(top, files)
    found = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    kept = FOLDER / "sources" / f"{found}.sha256"
    with replacing(kept) as temporary:
        temporary.write_bytes(text.encode(errors="surrogateescape"))
    return {
        "path": str(path),
        "files": text.count("\n"),
        "bytes": sum(file.stat().st_size for file in files if is_file(file)),
        "sha256": found,
        "listing": kept.as_posix(),
    }


def _git(*arguments: str) -> str | None:
    """What git says in the folder of the code, without taking its locks; None where it says nothing."""
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments],
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Its name: kernels of linear algebra are chosen by it, and differ in the last bits."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _gpu() -> str | None:
    """The name of the GPU that this process has used, if it has."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_initialized() else None
