"""Kill the pipeline again and again, at random moments, and see that nothing is lost and nothing done twice.

A first run of the smoke preset is left alone. Then, again from an empty folder, Snakemake is started, and
killed with all its jobs (SIGKILL) while a job drawn by the seed is at work; what it left is held against the
first run; it is started again, until the run is done; and so on to the wanted number of kills.

    python tests/faults/kills.py --kills 100 --write    # on two idle cores half an hour
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))  # of a program the folder above is not searched

from faults.judging import Files
from relatives import seeds
from smoke import Run

RESULTS = Path(__file__).with_name("results")
EARLY = 0.08
"""Share of the kills that come before any job has begun."""


@dataclass
class Kill:
    """What a kill met, and what came of it.

    Attributes
    ----------
    stages : list of str
        The rules that were at work; none before the first job and between two.
    finished : int
        Jobs of the run that were done.
    lost : dict
        Seconds of work that are to be done again, by stage.
    partial : int
        Temporary files that were left.
    faults : list of str
        Files half written, and the like.
    redone : list of str
        Jobs that were done before the kill and begun again after it.
    """

    stages: list[str]
    finished: int
    lost: dict[str, float]
    partial: int
    faults: list[str]
    redone: list[str] = field(default_factory=list)


@dataclass
class Disturbed:
    """A run that is killed again and again, and, once it is `ended`, what is wrong with its files."""

    kills: list[Kill] = field(default_factory=list)
    ended: bool = False
    files: int = 0
    faults: list[str] = field(default_factory=list)

    def is_sound(self) -> bool:
        return not (self.faults or any(kill.faults or kill.redone for kill in self.kills))


@dataclass(frozen=True)
class Job:
    """A job that Snakemake began, known by its output, at a time in seconds."""

    rule: str
    output: str
    began: float


class Start:
    """Snakemake at work, and what it says: which jobs it began and which it finished."""

    def __init__(self, run: Run, *targets: str):
        self.process = run.start(*targets)
        self.began = time.time()
        self.said: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.finished: dict[str, float] = {}
        self._rule = self._output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.hear(line, time.time())

    def hear(self, line: str, now: float) -> None:
        """Take in a line of what Snakemake says."""
        self.said.append(line)
        if match := re.match(r"(?:local)?rule (\w+):", line):
            self._rule, self._output = match[1], ""
        elif match := re.match(r" {4}output: (.*)", line):
            self._output = match[1]
        elif (match := re.match(r" {4}jobid: (\d+)", line)) and self._output:
            self.jobs[match[1]] = Job(self._rule, self._output, now)
        elif (match := re.match(r"Finished jobid: (\d+)", line)) and match[1] in self.jobs:
            self.finished[match[1]] = now

    def outputs_begun(self) -> set[str]:
        return {job.output for job in list(self.jobs.values())}

    def outputs_finished(self) -> set[str]:
        return {self.jobs[number].output for number in list(self.finished)}

    def at_work(self) -> list[Job]:
        return [job for number, job in list(self.jobs.items()) if number not in self.finished]

    def durations(self) -> dict[str, float]:
        """Seconds that each finished job took, by its output."""
        return {
            self.jobs[number].output: end - self.jobs[number].began for number, end in self.finished.items()
        }

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def wait(self) -> int:
        """The exit status at its own end."""
        status = self.process.wait()
        self._reader.join()
        return status

    def wait_for(self, outputs: set[str]) -> str | None:
        """The first of these jobs to begin; None if Snakemake ends before."""
        while self.is_alive():
            begun = sorted(outputs & self.outputs_begun())
            if begun:
                return begun[0]
            time.sleep(0.02)
        return None

    def kill(self) -> float | None:
        """Kill Snakemake and all that came from it, at once; the time, or None if it had ended by itself.

        They are stopped before, so that none starts another that would escape.
        """
        stopped: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            while new := set([root, *root.children(recursive=True)]) - set(stopped):
                for process in new:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.suspend()
                stopped += new
        now = time.time()
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        killed = self.wait() < 0
        psutil.wait_procs(stopped)
        return now if killed else None


def lost(job: Job, folder: Path, now: float) -> float:
    """Seconds of a killed job's work that are to be done again; a training goes on from its last state."""
    kept = job.began
    for output in job.output.split(", "):
        if (progress := (folder / output).with_name("progress.pt")).exists():
            kept = max(kept, progress.stat().st_mtime)
    return now - kept


@dataclass
class Reference:
    """The run left alone: its files, the rule and the seconds of each job, and the time before the first."""

    files: Files
    rules: dict[str, str]
    durations: dict[str, float]
    start_up: float
    seconds: float

    @classmethod
    def of(cls, run: Run) -> "Reference":
        start = Start(run)
        assert start.wait() == 0, "".join(start.said)[-8000:]
        return cls(
            Files.of(run.folder),
            {job.output: job.rule for job in start.jobs.values()},
            start.durations(),
            min(job.began for job in start.jobs.values()) - start.began,
            time.time() - start.began,
        )

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Reference":
        content = json.loads(path.read_text())
        return cls(Files(**content.pop("files")), **content)


def choose(rng: np.random.Generator, reference: Reference, hit: set[str], count: int) -> set[str]:
    """The jobs to be hit: one of each stage that was not yet, then any, the long ones more often."""
    outputs = sorted(reference.rules)
    rules = sorted(set(reference.rules.values()) - hit)
    chosen = {
        str(rng.choice([output for output in outputs if reference.rules[output] == rule]))
        for rule in rng.permutation(rules)[:count]
    }
    weights = [reference.durations[output] for output in outputs]
    order = rng.choice(outputs, len(outputs), replace=False, p=[weight / sum(weights) for weight in weights])
    for output in order:
        if len(chosen) >= count:
            break
        chosen.add(str(output))
    return chosen


def disturb(
    run: Run, reference: Reference, rng: np.random.Generator, hit: set[str], count: int, *targets: str
) -> Iterator[Disturbed]:
    """Kill a run up to `count` times on its way, and tell after each kill and at the end how it stands."""
    aims = choose(rng, reference, hit, count + count // 2)  # a kill can hit two at once
    story = Disturbed()
    finished: set[str] = set()
    while not story.ended:
        start = Start(run, *targets)
        now = strike(start, reference, rng, aims) if len(story.kills) < count else None
        status = start.wait()
        if story.kills:
            story.kills[-1].redone = sorted(start.outputs_begun() & finished)
        finished |= start.outputs_finished()
        files = Files.of(run.folder)
        if now is None:
            story.ended, story.files = True, len(files.digests)
            story.faults = files.faults_at_end(reference.files)
            if status:
                story.faults.append("".join(start.said)[-4000:])
            elif planned := run.planned(*targets):
                story.faults.append(f"done, and yet it would run {', '.join(sorted(planned))}")
        else:
            aims -= {job.output for job in start.at_work()} | finished
            losses = defaultdict(float)
            for job in start.at_work():
                losses[job.rule] += lost(job, run.folder, now)
            faults = files.faults(reference.files)
            story.kills.append(
                Kill(sorted(losses), len(finished), dict(losses), len(files.partial()), faults)
            )
        yield story


def strike(start: Start, reference: Reference, rng: np.random.Generator, aims: set[str]) -> float | None:
    """Kill while the first of the jobs aimed at is at work, or before any is; None if it all ended before."""
    if rng.random() < EARLY:
        time.sleep(rng.random() * reference.start_up)
    else:
        aim = start.wait_for(aims)
        if aim is None:
            return None
        time.sleep(rng.random() * reference.durations[aim])
    return start.kill()


def describe(story: Disturbed) -> str:
    """The last kill of a run, or its end, in a line."""
    if story.ended:
        return f"  the end: {'; '.join(story.faults) or 'all files identical'}"
    kill = story.kills[-1]
    return (
        f"  kill {len(story.kills)}: {' and '.join(kill.stages) or 'no job'} at work, "
        f"{kill.finished} jobs done, {sum(kill.lost.values()):.1f} s of work lost, "
        f"{kill.partial} temporary files, "
        f"faults: {'; '.join(kill.faults) or 'none'}"
    )


def table(stages: dict[str, int], runs: list[Disturbed]) -> str:
    """The kills by the stage that was at work, as Markdown; `stages` is how many jobs each has."""
    kills = [kill for run in runs for kill in run.kills]
    rows = [
        "| stage | jobs | kills while it was at work | work lost, s a kill | at most |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for stage, jobs in stages.items():
        losses = [kill.lost[stage] for kill in kills if stage in kill.stages]
        mean = f"{sum(losses) / len(losses):.1f}" if losses else ""
        rows.append(f"| {stage} | {jobs} | {len(losses)} | {mean} | {max(losses, default=0):.1f} |")
    idle = sum(not kill.stages for kill in kills)
    rows.append(f"| none: before, between and after jobs | | {idle} | | |")
    work = sum(sum(kill.lost.values()) for kill in kills)
    facts = {
        "Kills": len(kills),
        "survived: the same command went on from there": sum(
            len(run.kills) for run in runs if not run.faults
        ),
        "with a file half written, or not as in the run left alone, under a final name": sum(
            bool(kill.faults) for kill in kills
        ),
        "finished jobs done again": sum(len(kill.redone) for kill in kills),
        "temporary files met after a kill": sum(kill.partial for kill in kills),
        "Runs killed and completed": sum(run.ended for run in runs),
        "of them with all files identical, and nothing left over": sum(
            run.ended and not run.faults for run in runs
        ),
        "Files compared in each": max((run.files for run in runs), default=0),
        "Seconds of work lost, all kills": f"{work:.0f}",
    }
    return "\n".join(
        [*rows, "", "| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in facts.items())]
    )


def write(reference: Reference, runs: list[Disturbed], seed: int) -> None:
    """Renew the table and its data."""
    RESULTS.mkdir(exist_ok=True)
    stages = defaultdict(int)
    for rule in reference.rules.values():
        stages[rule] += 1
    content = {
        "seed": seed,
        "seconds_undisturbed": round(reference.seconds),
        "stages": dict(stages),
        "runs": [asdict(run) for run in runs],
    }
    (RESULTS / "kills.json").write_text(json.dumps(content, indent=1) + "\n")
    text = (
        "# Kills\n\nWritten by `python tests/faults/kills.py --write`: the smoke preset, killed with "
        f"SIGKILL, all processes at once, while a job drawn by seed {seed} was at work, and started again.\n"
        f"Undisturbed a run took {reference.seconds:.0f} s, beside whatever else the machine did.\n\n"
    )
    (RESULTS / "kills.md").write_text(f"{text}{table(stages, runs)}\n")


def read() -> list[Disturbed]:
    """The runs that an earlier call wrote and that came to their end."""
    runs = json.loads((RESULTS / "kills.json").read_text())["runs"]
    return [Disturbed([Kill(**kill) for kill in run.pop("kills")], **run) for run in runs if run["ended"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="how many, in all")
    parser.add_argument("--each", type=int, default=12, help="how many a run")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--write", action="store_true", help="renew tests/faults/results, as it goes")
    parser.add_argument("--resume", action="store_true", help="add to the runs in tests/faults/results")
    parser.add_argument(
        "--folder", type=Path, help="to work in; a reference that an earlier call left is used"
    )
    options = parser.parse_args()
    runs = read() if options.resume else []
    place = options.folder or Path(tempfile.mkdtemp(prefix="kills"))

    def fresh(name: str) -> Run:
        shutil.rmtree(place / name, ignore_errors=True)
        # Nothing that another run cached: a kill may tear a cache, too
        os.environ["XDG_CACHE_HOME"] = str(place / name / "cache")
        return Run(place / name)

    known = place / "reference.json"
    if not known.exists():
        Reference.of(fresh("reference")).save(known)
    reference = Reference.load(known)
    print(f"The run left alone took {reference.seconds:.0f} s.", flush=True)
    while (done := sum(len(run.kills) for run in runs)) < options.kills:
        print(f"run {len(runs) + 1}, after {done} kills", flush=True)
        run = fresh(f"run{len(runs) + 1}")
        hit = {stage for story in runs for kill in story.kills for stage in kill.stages}
        rng = seeds.generator(options.seed, "kills", len(runs))
        for story in disturb(run, reference, rng, hit, min(options.each, options.kills - done)):
            print(describe(story), flush=True)
            if options.write:
                write(reference, [*runs, story], options.seed)
        runs.append(story)
        if story.is_sound():
            shutil.rmtree(run.folder)
    if all(run.is_sound() for run in runs):
        if not options.folder:
            shutil.rmtree(place)
        return 0
    print(f"What was wrong is kept in {place}.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
