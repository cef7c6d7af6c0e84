"""Give the pipeline every fault of a machine, see what it says, and that nothing is lost.

Each fault meets a copy of a finished run, from which some files were taken, while they are made again: at the
moment that its pattern says (`moment`). Then the fault is mended and the same command given again.

    python tests/faults/machine.py --write          a quarter of an hour on two idle cores; as root on Linux
    python tests/faults/machine.py --only disk      those whose name begins so
"""

import argparse
import copy
import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))  # of a program the folder above is not searched

import imageio_ffmpeg

from faults import moment
from faults.judging import Files
from relatives.corpora import downloads
from relatives.errors import InputError
from smoke import Run
from test_downloads import DATA, Server, serving

RESULTS = Path(__file__).with_name("results")
MOMENT = Path(__file__).with_name("moment.py")
SIZE = 700
"""MB of the disk on which the copy lies; a finished run takes 200."""

PATIENCE = 300
"""Seconds after which a run that does not end counts as hanging."""


class Impossible(Exception):
    """The fault cannot be had on this machine."""


@contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Set variables of the environment, or take them out, for a while."""
    before = dict(os.environ)
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount what `options` say on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["mount", *options, str(folder)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Impossible(f"nothing can be mounted here ({getattr(error, 'stderr', error)})") from error
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def disk(folder: Path, megabytes: float = SIZE):
    """A small disk of its own."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={round(megabytes * 1024)}k", "tmpfs")


class Site:
    """A copy of a finished run, in which faults are met one after another."""

    def __init__(self, finished: Run, folder: Path):
        self.reference = Files.of(finished.folder)
        shutil.copytree(finished.folder, folder, symlinks=True)
        shutil.copy(MOMENT, folder / "workflow" / "sitecustomize.py")
        self.run = copy.copy(finished)
        self.run.folder = self.folder = folder
        self.times = {path: (folder / path).stat().st_mtime_ns for path in self.reference.digests}

    def take(self, *patterns: str) -> set[str]:
        """Remove files of the run; their paths."""
        taken = [path for pattern in patterns for path in self.folder.glob(pattern)]
        for path in taken:
            path.unlink()
        return {str(path.relative_to(self.folder)) for path in taken}

    def settle(self) -> None:
        """Give what was made again its first time, so that nothing that rests on it is out of date."""
        for path, made in self.times.items():
            os.utime(self.folder / path, ns=(made, made))

    def lost(self, taken: set[str]) -> list[str]:
        """What is not as it was, beside the files that were taken and what they were to become."""
        now = Files.of(self.folder)
        gone = set(self.reference.digests) - set(now.digests) - taken
        return [*(f"{path} is gone" for path in sorted(gone)), *now.faults(self.reference)]


@dataclass(frozen=True)
class Fault:
    """A fault, and what is to be said of it.

    Attributes
    ----------
    name, how : str
        What it is, and how it is brought about.
    taken : tuple of str
        Patterns of the files that are made again, and asked for.
    says : str
        A pattern of what the user must read.
    inject : callable
        From the site to a context in which the fault is there.
    fails : bool
        Whether the run may not go on; else the fault is harmless.
    """

    name: str
    how: str
    taken: tuple[str, ...]
    says: str
    inject: Callable[[Site], object]
    fails: bool = True


@dataclass
class Outcome:
    """What came of a fault."""

    fault: str
    how: str
    message: str = ""
    complaints: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    identical: bool = False
    seconds: float = 0.0
    skipped: str = ""

    def is_sound(self) -> bool:
        return bool(self.skipped) or (bool(self.identical) and not (self.complaints or self.lost))


def meet(fault: Fault, site: Site) -> Outcome:
    """Bring the fault about, mend it, and see what came of it."""
    outcome = Outcome(fault.name, fault.how)
    started = time.monotonic()
    taken = site.take(*fault.taken)
    targets = sorted(taken)
    try:
        with fault.inject(site):
            output, failed = command(site, *targets)
    except Impossible as error:
        outcome.skipped = str(error)
        output, failed = "", True
    else:
        outcome.complaints = list(complaints(fault, output, failed))
        outcome.message = fault.says and next(
            (line for line in output.splitlines() if re.search(fault.says, line)), ""
        )
        outcome.message = outcome.message.replace(str(site.folder), "FOLDER").replace(
            tempfile.gettempdir(), "TMP"
        )
        outcome.lost = site.lost(taken)
    if failed:
        output, failed = command(site, *targets)
    wrong = Files.of(site.folder).faults_at_end(site.reference)
    outcome.identical = not failed and not wrong
    if not outcome.identical and not outcome.skipped:
        outcome.complaints += [*wrong, output[-3000:]]
    outcome.seconds = time.monotonic() - started
    site.settle()
    return outcome


def complaints(fault: Fault, output: str, failed: bool) -> Iterator[str]:
    """What is wrong with what the user read."""
    if failed != fault.fails:
        yield f"the run {'failed' if failed else 'did not fail'}: {output[-3000:]}"
    if not re.search(fault.says, output):
        yield f"nothing is said of {fault.says!r}: {output[-3000:]}"
    if "Traceback" in output:
        yield f"a traceback: {output[-5000:]}"


def command(site: Site, *targets: str) -> tuple[str, bool]:
    """What Snakemake prints, and whether it failed."""
    process = site.run.start(*targets)
    try:
        output, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"it does not end: {process.communicate()[0]}", True
    return output, process.returncode != 0


# The ways


def at(point: str, deed: str) -> Callable[[Site], object]:
    """A deed at a moment; see `moment`."""

    return lambda site: environment(FAULT_AT=point, FAULT=deed)


def full_at(point: str, spared: int = 0) -> Callable[[Site], object]:
    """A disk that is full but for so many bytes from a moment on."""

    @contextmanager
    def inject(site):
        if not os.path.ismount(site.folder.parent):
            raise Impossible("there is no small disk to fill; mounting one takes root on Linux")
        filler = site.folder.parent / "filler"
        with at(point, f"fill|{filler}|{spared}")(site):
            yield
        assert filler.exists(), "the moment never came"
        filler.unlink()

    return inject


@contextmanager
def full_for_metadata(site: Site) -> Iterator[None]:
    """A disk that is full when Snakemake notes the first job of all."""
    notes, aside = site.folder / ".snakemake" / "metadata", site.folder / ".snakemake" / "aside"
    notes.rename(aside)
    with full_at(r"open .*\.snakemake/metadata/")(site):
        yield
    shutil.copytree(aside, notes, dirs_exist_ok=True)
    shutil.rmtree(aside)


def read_only(path: str) -> Callable[[Site], object]:
    """A folder that is mounted read-only."""

    @contextmanager
    def inject(site):
        folder = site.folder / path
        with mounted(folder, "--bind", str(folder)):
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
            yield

    return inject


def variables(**values: str | None) -> Callable[[Site], object]:
    """Variables of the environment."""
    return lambda site: environment(**values)


@contextmanager
def two_runs(site: Site) -> Iterator[None]:
    """Another run of the same files, whose job waits until this one has been refused."""
    refused = site.folder.parent / "refused"
    with at(r"open .*tagging/\.PS\.0", f"wait|{refused}")(site):
        first = site.run.start(BLOCK)
    log = site.folder / "results" / "logs" / "transforms" / "tagging.PS.0.log"
    log.unlink()
    while not log.exists() and first.poll() is None:
        time.sleep(0.1)
    yield
    refused.touch()
    output, _ = first.communicate()
    refused.unlink()
    assert first.returncode == 0, f"the first run was disturbed: {output}"


@contextmanager
def killed_among_others(site: Site) -> Iterator[None]:
    """One of two jobs killed; the other comes to its end."""
    with at(r"open .*tagging/\.PS\.0", "kill")(site):
        yield
    assert (site.folder / BLOCK.replace("PS", "TS")).exists(), "the other job did not come to its end"


@contextmanager
def ffmpeg_killed(site: Site) -> Iterator[None]:
    """An ffmpeg that is killed after it gave half of its output."""
    program = site.folder / "workflow" / "ffmpeg"
    whole = f'"{imageio_ffmpeg.get_ffmpeg_exe()}" "$@"'
    program.write_text(f"#!/bin/sh\n{whole} 2>/dev/null | head -c 2000\nkill -KILL $$\n")
    program.chmod(0o755)
    with environment(IMAGEIO_FFMPEG_EXE=str(program)):
        yield


@contextmanager
def clock_set_back(site: Site) -> Iterator[None]:
    """All files of the run, in their order, a day in the future, as a clock set back by a day leaves them."""
    for path, made in site.times.items():
        if (site.folder / path).exists():
            later = made + 86400 * 10**9
            os.utime(site.folder / path, ns=(later, later))
    yield


@contextmanager
def file_of_the_future(site: Site) -> Iterator[None]:
    """One of the user's files with a time in the future."""
    file = site.folder / "workflow" / "report" / "report.html.j2"
    before = file.stat().st_mtime
    os.utime(file, (time.time() + 86400,) * 2)
    yield
    os.utime(file, (before, before))


@contextmanager
def full_temporary_folder(site: Site) -> Iterator[None]:
    with disk(site.folder.parents[1] / "tmp", 0.1) as folder:
        moment.fill(folder / "filler", 0)
        with environment(TMPDIR=str(folder)):
            yield


@contextmanager
def read_only_home(site: Site) -> Iterator[None]:
    """A home that cannot be written to, and a folder for caches in its place, as in envs/Containerfile."""
    caches = site.folder.parent / "caches"
    with (
        mounted(site.folder.parents[1] / "home", "-t", "tmpfs", "-o", "ro", "tmpfs") as home,
        environment(HOME=str(home), XDG_CACHE_HOME=str(caches), MPLCONFIGDIR=str(caches / "matplotlib")),
    ):
        yield


def limited(point: str, megabytes: float) -> Callable[[Site], object]:
    """A job that may take so much more memory from a moment on.

    Not from its start: pyarrow waits for ever for a thread that the limit kept from beginning.
    """
    return at(point, f"limit|{megabytes}")


BLOCK = "data/transformed/tagging/PS.0.npy"
DISTANCES = "results/consistency/distances/*/PS.npy"
NETWORK = "results/consistency/models/AE/VGG/trial0/*"
NO_ROOM = r"no room on the disk \(.*No space left on device"

FAULTS = [
    Fault(
        "disk full: a block of transforms",
        "1 MB free when the array is opened, which takes 2.8 MB",
        (BLOCK,),
        rf"Error: {BLOCK}: {NO_ROOM}; 2\.8 MB are needed; 1\.0 MB are free",
        full_at(r"open .*tagging/\.PS\.0", spared=1_000_000),
    ),
    Fault(
        "disk full: a memory-mapped array",
        "full when the array of DTW is opened",
        (DISTANCES,),
        rf"Error: .*distances/dtw/PS\.npy.*: {NO_ROOM}",
        full_at(r"open .*dtw/\.PS"),
    ),
    Fault(
        "disk full: a corpus",
        "full when the store's audio is opened",
        (
            "data/corpora/tagging/*.i16",
            "data/corpora/tagging/tracks.parquet",
            "data/corpora/tagging/labels.parquet",
            "data/corpora/tagging/skipped.csv",
        ),
        rf"Error: data/corpora/tagging/.*audio\.i16.*: {NO_ROOM}",
        full_at(r"open .*tagging/\.audio\.i16"),
    ),
    Fault(
        "disk full: a spectrogram cache",
        "full when the first file is opened",
        ("data/corpora/tagging/*.f16", "data/corpora/tagging/scaler.npz"),
        rf"Error: data/corpora/tagging/.*stft\.f16.*: {NO_ROOM}",
        full_at(r"open .*tagging/\.stft\.f16"),
    ),
    Fault(
        "disk full: a parquet table",
        "full when pyarrow is loaded, to read the tracks",
        ("data/excerpts/tagging.parquet",),
        rf"Error: data/excerpts/tagging\.parquet: {NO_ROOM}",
        full_at(r"^import pyarrow\.parquet"),
    ),
    Fault(
        "disk full: a checkpoint on the way",
        "full when progress.pt is opened, at step 2 of 3",
        (NETWORK,),
        rf"Error: .*AE/VGG/trial0/progress.*\.pt: {NO_ROOM}",
        full_at(r"open .*/\.progress"),
    ),
    Fault(
        "disk full: the last checkpoint",
        "full when checkpoint.pt is opened",
        (NETWORK,),
        rf"Error: .*AE/VGG/trial0/checkpoint\.pt: {NO_ROOM}",
        full_at(r"open .*/\.checkpoint"),
    ),
    Fault(
        "disk full: an embedding",
        "full when the array is opened",
        ("results/consistency/embeddings/mfcc/trial0/*",),
        rf"Error: .*mfcc/trial0/OG\.npy: {NO_ROOM}",
        full_at(r"open .*mfcc/trial0/\.OG"),
    ),
    Fault(
        "disk full: a figure",
        "full when the PDF is opened",
        ("results/consistency/figures/fig06.*",),
        rf"Error: .*figures/fig06\.p.*: {NO_ROOM}",
        full_at(r"open .*figures/\.fig06\.pdf"),
    ),
    Fault(
        "disk full: the log of a job",
        "full when the log is opened",
        ("data/noise.npy",),
        NO_ROOM,
        full_at(r"open results/logs/corpora/noise\.log"),
    ),
    Fault(
        "disk full: Snakemake's script",
        "full when Snakemake writes it",
        ("data/noise.npy",),
        NO_ROOM,
        full_at(r"open .*\.snakemake/scripts/"),
    ),
    Fault(
        "disk full: Snakemake's metadata",
        "full when Snakemake notes the finished job",
        ("data/noise.npy",),
        r"Error recording metadata for finished job \(.*No space left on device",
        full_for_metadata,
    ),
    Fault(
        "disk full: before the first job",
        "full when the Snakefile is read",
        ("data/noise.npy",),
        rf"\.snakemake: {NO_ROOM}",
        full_at(r"open .*/config\.yaml"),
    ),
    Fault(
        "memory: training",
        "RLIMIT_AS 20 MB above what it has when it opens the cache",
        (NETWORK,),
        r"Error: train needs more memory .*lower training\.batch",
        limited(r"open .*/mel\.f16", 20),
    ),
    Fault(
        "memory: a block of transforms",
        "RLIMIT_AS 5 MB above what it has when it begins",
        (BLOCK,),
        r"Error: transform needs more memory .*lower excerpts\.block",
        limited(r"open .*tagging/\.PS\.0", 1),
    ),
    Fault(
        "memory: embedding",
        "RLIMIT_AS 5 MB above what it has when it begins",
        ("results/consistency/embeddings/AE/trial0/*",),
        r"Error: embed needs more memory .*lower corpora\.NAME\.excerpts",
        limited(r"open .*/tagging/OG\.0\.npy", 5),
    ),
    Fault(
        "memory: distances",
        "RLIMIT_AS 5 MB above what it has when it begins",
        (DISTANCES,),
        r"Error: distances needs more memory .*lower corpora\.NAME\.excerpts",
        limited(r"open .*dtw/\.PS", 5),
    ),
    Fault(
        "killed: a job, by the system for want of memory",
        "SIGKILL to one of two jobs, when its array is opened",
        (BLOCK, BLOCK.replace("PS", "TS")),
        r"If transform lacked memory: .*lower excerpts\.block",
        killed_among_others,
    ),
    Fault(
        "killed: a training",
        "SIGKILL when checkpoint.pt is opened",
        (NETWORK,),
        r"If train lacked memory: .*lower training\.batch",
        at(r"open .*/\.checkpoint", "kill"),
    ),
    Fault(
        "killed: ffmpeg",
        "a program in its place that is killed after 2000 bytes",
        ("data/transformed/tagging/MP.0.npy",),
        r"Error: ffmpeg was killed",
        ffmpeg_killed,
    ),
    Fault(
        "read-only: everything",
        "the folder mounted read-only",
        ("data/noise.npy",),
        r"\.snakemake: this may not be read or written here \(Read-only",
        read_only("."),
    ),
    Fault(
        "read-only: results",
        "results mounted read-only",
        ("results/consistency/figures/fig06.*",),
        r"results: this may not be read or written here \(Read-only",
        read_only("results"),
    ),
    Fault(
        "read-only: the logs",
        "results/logs mounted read-only",
        ("data/noise.npy",),
        r"results/logs/corpora: this may not be read or written here",
        read_only("results/logs"),
    ),
    Fault(
        "clock: set back by a day",
        "all files a day in the future",
        (BLOCK,),
        r"files had times in the future",
        clock_set_back,
        fails=False,
    ),
    Fault(
        "clock: a file of the user's in the future",
        "a day in the future",
        ("results/report.html",),
        r"report\.html\.j2: its time, .*, is in the future",
        file_of_the_future,
    ),
    Fault(
        "two runs", "the same command while the first is at work", (BLOCK,), r"Already at work in ", two_runs
    ),
    Fault(
        "/tmp full",
        "TMPDIR on a full disk",
        (BLOCK,),
        rf"tmp: {NO_ROOM}.* set TMPDIR to another folder",
        full_temporary_folder,
    ),
    Fault("/tmp missing", "TMPDIR names no folder", (BLOCK,), "", variables(TMPDIR="/nowhere"), fails=False),
    Fault("home unset", "no HOME", (DISTANCES,), "", variables(HOME=None), fails=False),
    Fault(
        "home read-only",
        "HOME mounted read-only, XDG_CACHE_HOME elsewhere",
        (DISTANCES, "results/consistency/figures/fig03.*"),
        "",
        read_only_home,
        fails=False,
    ),
]


# The network, which needs no pipeline


@contextmanager
def dies(server: Server) -> Iterator[None]:
    server.dies_after = len(DATA) // 2
    yield


@contextmanager
def stalls(server: Server) -> Iterator[None]:
    server.broken, server.stalls = [len(DATA) // 2] * 100, threading.Event()
    with patch.object(downloads, "TIMEOUT", 0.5):
        yield
    server.stalls.set()
    server.broken = []


@contextmanager
def refuses(server: Server) -> Iterator[None]:
    server.shutdown()
    server.socket.close()
    yield


@contextmanager
def has_no_name(server: Server) -> Iterator[None]:
    error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    with patch.object(socket, "getaddrinfo", side_effect=error):
        yield


@dataclass(frozen=True)
class NetworkFault:
    """A fault of the network; `kept` are the bytes that have come when it is given up."""

    name: str
    how: str
    inject: Callable[[Server], object]
    kept: int


NETWORK_FAULTS = [
    NetworkFault("network: the server dies", "for good, after half of a file", dies, len(DATA) // 2),
    NetworkFault("network: the connection stalls", "after half of a file, always", stalls, len(DATA) // 2),
    NetworkFault("network: nobody answers", "connections are refused", refuses, 0),
    NetworkFault("network: no name resolution", "getaddrinfo fails", has_no_name, 0),
]


def meet_network(fault: NetworkFault, folder: Path) -> Outcome:
    """Fetch a file while there is a fault, and again when there is none."""
    kept = fault.kept
    outcome, started, server = Outcome(fault.name, fault.how), time.monotonic(), Server()
    path = folder / "a.bin"
    with patch.object(downloads, "PAUSE", 0.01), serving(server):
        file = server.add("a.bin", DATA)
        try:
            with fault.inject(server):
                downloads.fetch(file.url, path, file.checksum)
        except InputError as error:
            outcome.message = str(error).replace(server.address, "SERVER")
        if f" {kept} bytes have come and are kept: the same command goes on" not in outcome.message:
            outcome.complaints.append(f"it does not say that {kept} bytes are kept")
        if path.exists():
            outcome.complaints.append("half a file has the name of a whole one")
    again = Server(server.server_port)
    again.files = server.files
    with serving(again):
        downloads.fetch(file.url, path, file.checksum)
    if again.requests[0][1] != (f"bytes={kept}-" if kept else None):
        outcome.lost.append(f"{kept} bytes are fetched again")
    outcome.identical = path.read_bytes() == DATA
    path.unlink()
    outcome.seconds = time.monotonic() - started
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as Markdown."""
    lines = ["| fault | how | what is said | lost | then identical |", "| --- | --- | --- | --- | --- |"]
    for outcome in outcomes:
        said = f"(not met here: {outcome.skipped})" if outcome.skipped else outcome.message
        lost = "; ".join([*outcome.lost, *(complaint[:200] for complaint in outcome.complaints)])
        identical = "yes" if outcome.identical else "NO"
        cells = [
            outcome.fault,
            outcome.how,
            said or ("nothing: harmless" if outcome.is_sound() else "-"),
            lost or "nothing",
            identical,
        ]
        lines.append("| " + " | ".join(re.sub(r"[|\n]", " ", cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write(outcome: Outcome) -> None:
    """Put an outcome into the tables beside this program, in place of what the fault had."""
    RESULTS.mkdir(exist_ok=True)
    records = RESULTS / "machine.json"
    before = [Outcome(**record) for record in json.loads(records.read_text())] if records.exists() else []
    known = {each.fault: each for each in (*before, outcome)}
    whole = [known[fault.name] for fault in (*FAULTS, *NETWORK_FAULTS) if fault.name in known]
    records.write_text(json.dumps([dataclasses.asdict(each) for each in whole], indent=1) + "\n")
    (RESULTS / "machine.md").write_text(table(whole))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="NAME", help="the faults whose names begin so")
    parser.add_argument("--finished", type=Path, metavar="FOLDER", help="a finished run of the smoke preset")
    parser.add_argument("--write", action="store_true", help="write the table beside this program")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        finished = Run(folder / "finished")
        if options.finished:
            finished.folder = options.finished
        else:
            finished.snakemake()
        with ExitStack() as stack:
            with suppress(Impossible):
                stack.enter_context(disk(folder / "disk"))
            site = Site(finished, folder / "disk" / "run")
            outcomes = []
            for fault in (*FAULTS, *NETWORK_FAULTS):
                if fault.name.startswith(options.only):
                    met = (
                        meet_network(fault, folder) if isinstance(fault, NetworkFault) else meet(fault, site)
                    )
                    print(json.dumps(dataclasses.asdict(met), indent=1), flush=True)
                    outcomes.append(met)
                    if options.write:
                        write(met)
    return not all(outcome.is_sound() for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
