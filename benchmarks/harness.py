"""How the benchmarks are run: contenders side by side, in turn, several times.

A benchmark is a module of this folder with a function ``races()`` that yields `Race`s: each a question, and
the contenders that answer it on the same input. They run interleaved, round after round, so that a machine
that slows down slows all of them; what counts are ratios. ``python benchmarks/distances.py`` prints one
benchmark; ``make bench`` runs all and writes ``benchmarks/results.json`` and ``benchmarks/results.md``.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

FOLDER = Path(__file__).parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
"""That this process may use."""

PACKAGES = ["numpy", "scipy", "numba", "torch", "pandas", "statsmodels"]


@dataclass(frozen=True)
class Contender:
    """One way of doing it.

    Attributes
    ----------
    name : str
    run : callable
        Does the work once; None where it cannot be had here, with the reason in `note`.
    work : float
        How many units of the race one call does: a slow contender may be given less.
    cores : int
        That it uses.
    note : str
    """

    name: str
    run: Callable[[], object] | None
    work: float
    cores: int = 1
    note: str = ""


@dataclass(frozen=True)
class Race:
    """A question and its contenders; the first is the one that the others are compared with.

    Attributes
    ----------
    title : str
    unit : str
        Of the work, in the singular: "pair".
    contenders : list of Contender
    rounds : int
        After one that is not counted.
    goal : str
        What was to be reached, in words.
    """

    title: str
    unit: str
    contenders: list[Contender]
    rounds: int = 5
    goal: str = ""


@dataclass
class Result:
    """What a contender took: seconds of a unit of work in each round."""

    name: str
    cores: int
    note: str
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds of a unit of work."""
        return statistics.median(self.seconds)


def run(race: Race) -> list[Result]:
    """Run a race: a first round that compiles and fills caches, then `rounds` that count."""
    results = [Result(contender.name, contender.cores, contender.note) for contender in race.contenders]
    for number in range(race.rounds + 1):
        for contender, result in zip(race.contenders, results, strict=True):
            if contender.run is None:
                continue
            start = time.perf_counter()
            contender.run()
            if number:
                result.seconds.append((time.perf_counter() - start) / contender.work)
    return results


def table(race: Race, results: list[Result]) -> list[str]:
    """A race as the lines of a Markdown table."""
    lines = [f"### {race.title}", ""]
    if race.goal:
        lines += [f"To reach: {race.goal}.", ""]
    lines += [
        f"| | cores | per {race.unit} | spread | times the first | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    first = next(result for result in results if result.seconds)
    for result in results:
        if result.seconds:
            spread = f"{readable(min(result.seconds))} to {readable(max(result.seconds))}"
            ratio = f"{result.median / first.median:.3g}"
            cells = [result.name, str(result.cores), readable(result.median), spread, ratio, result.note]
        else:
            cells = [result.name, "", "not here", "", "", result.note]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def readable(seconds: float) -> str:
    """A time with three digits in a unit that suits it."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        processor = names[0].partition(":")[2].strip() if names else processor
    return {
        "date": date.today().isoformat(),
        "processor": processor,
        "cores": str(CORES),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def main(races: Callable[[], Iterable[Race]]) -> None:
    """Print a benchmark, and put it into the results if the command says ``--write``."""
    name = Path(sys.modules["__main__"].__file__).stem
    found = []
    for race in races():
        results = run(race)
        print("\n".join(table(race, results)), flush=True)
        facts = {"title": race.title, "unit": race.unit, "goal": race.goal, "rounds": race.rounds}
        found.append({"race": facts, "results": [asdict(result) for result in results]})
    if "--write" in sys.argv[1:]:
        write(name, found)


def write(name: str, found: list[dict]) -> None:
    """Put a benchmark's races into results.json, and write results.md from all that is there."""
    path = FOLDER / "results.json"
    everything = json.loads(path.read_text()) if path.is_file() else {}
    everything[name] = {"machine": machine(), "races": found}
    everything = dict(sorted(everything.items()))
    path.write_text(json.dumps(everything, indent=1) + "\n")
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; see `harness.py` for how. Medians; ratios are what counts.",
        "",
    ]
    for benchmark, content in everything.items():
        lines += [
            f"## {benchmark}",
            "",
            *(f"- {key}: {value}" for key, value in content["machine"].items()),
            "",
        ]
        for each in content["races"]:
            race = Race(contenders=[], **each["race"])
            lines += table(race, [Result(**result) for result in each["results"]])
    (FOLDER / "results.md").write_text("\n".join(lines))
