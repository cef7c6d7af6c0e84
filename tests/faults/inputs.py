"""Bad input by the hundred: what becomes of it, how long it takes and how much memory.

    python tests/faults/inputs.py [--write] [--seed N] [--every N] [KIND ...]

Broken audio (`broken`) goes through the door of a user's folder into a store, a kind at a time, in a process
that may hold `MEMORY` and take `WALL` seconds. Of each file one of these must come: it is used, and its
samples are as many as promised; it is skipped, with its reason in skipped.csv; it is passed over, as hidden
files are. Broken tables, arrays, checkpoints and configurations (`tables`) are read one by one: read, or
refused by an `InputError` that names the file or the key. A traceback, a hang, too much memory, or a file
of which nothing is said, is a failure. ``--write`` renews ``tests/faults/results/inputs.{md,json}``.
"""

import argparse
import csv
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import broken, tables
from relatives.errors import InputError, shown

RESULTS = Path(__file__).parent / "results"

MEMORY = 1600 << 20
"""Bytes that the process, and each ffmpeg that it starts, may have of its own."""

WALL = 300
"""Seconds for the files of a kind, which are up to some hundred."""

CASE = 20
"""Seconds for a table or a configuration."""

SETTINGS = {"split": [0.6, 0.2, 0.2], "shortest": 0.5}

# Root may read what is closed to all; without these rights it is as others are
AS_OTHERS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.getuid() == 0 else []


@dataclass
class Verdict:
    """What became of an input; `fault` says what should not have been, and is empty where all is well."""

    kind: str
    name: str
    verdict: str
    reason: str = ""
    fault: str = ""


def of_audio(kind: str, files: list[broken.File], seed: int, place: Path) -> tuple[list[Verdict], dict]:
    """The verdicts on broken files of a kind, and what the process took."""
    music, store = place / "music", place / "store"
    music.mkdir(parents=True)
    store.mkdir()
    for name in broken.GOOD:
        (music / name).write_bytes(broken.encode(broken.clip(f"{kind} {name}", seed), "wav-16"))
    for file in files:
        file.put(music)
    command = [*AS_OTHERS, sys.executable, __file__, "--read", str(music), str(store)]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WALL,
            env=os.environ | {"TMPDIR": str(store), "NUMBA_CACHE_DIR": str(store)},
        )
        fault = done.stderr.strip()[-2000:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        fault = f"it did not end in {WALL} s"
    cost = {"seconds": round(time.monotonic() - started, 1), "peak_mb": None}
    if fault:
        return [Verdict(kind, shown(file.name), "none", fault=fault) for file in files], cost
    cost |= json.loads(done.stdout)
    return [_judged(file, store) for file in files], cost


def _judged(file: broken.File, store: Path) -> Verdict:
    """What the store of its folder says of a file."""
    from relatives.corpora.store import Corpus

    with open(store / "skipped.csv", newline="") as table:
        reasons = dict(csv.reader(table))
    corpus = Corpus(store)
    rows = {name: row for row, name in enumerate(corpus.tracks["track_id"])}
    name = file.name.encode(errors="backslashreplace").decode()
    verdict, reason, faults = broken.PASSED, "", []
    if name in rows:
        verdict = broken.USED
        samples = corpus.audio(rows[name])
        if not np.isfinite(samples).all() or not samples.any():
            faults.append("it is used, and not finite or silent")
        if file.seconds is not None and file.verdict == broken.USED:
            # a codec works in whole frames, and at 1 Hz a sample lasts a second
            lasts = len(samples) / broken.RATE
            if abs(lasts - file.seconds) > 0.15:
                faults.append(f"it is used, and lasts {lasts:.2f} s, not {file.seconds:.2f}")
    elif shown(name) in reasons:
        verdict, reason = broken.SKIPPED, reasons[shown(name)]
        if not reason:
            faults.append("it is skipped without a reason")
    if file.verdict not in (None, verdict) or (verdict == broken.PASSED and file.verdict is None):
        faults.append(f"it is {verdict}, and should be {file.verdict or 'used or skipped'}")
    return Verdict(file.kind, shown(file.name), verdict, reason, "; ".join(faults))


def read(music: str, store: str) -> None:
    """What the process does: a folder into a store, and what is recorded of it, with little memory."""
    from relatives import provenance, records
    from relatives.corpora import folder
    from relatives.corpora import store as stores

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    settings = SETTINGS | {"path": music}
    stores.write(store, folder.tracks(settings, broken.RATE, seed=0, workers=2))
    found = folder.find(Path(music))
    provenance.of_files(found)
    records.listing(Path(music), found)
    # not ru_maxrss, which begins at what the parent had
    status = Path("/proc/self/status").read_text()
    print(json.dumps({"peak_mb": int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024}))


def of_case(case: tables.Case, place: Path) -> Verdict:
    """The verdict on a broken table, array, checkpoint or configuration."""

    def late(*_):
        raise TimeoutError(f"it did not end in {CASE} s")

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(CASE)
    try:
        case.run(place)
    except InputError as error:
        words = str(error).replace(str(place), "")
        fault = "" if case.names in words else f"the message does not name {case.names!r}"
        fault = fault or ("the message has no end" if len(words) > 20_000 else "")
        return Verdict(case.kind, case.name, "refused", words[:400], fault)
    except BaseException as error:
        frames = traceback.format_exception(type(error), error, error.__traceback__)
        return Verdict(case.kind, case.name, "none", fault="".join(frames)[-2000:])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    fault = "it is read, and should be refused" if case.refused else ""
    return Verdict(case.kind, case.name, "used", fault=fault)


def chosen(seed: int, every: int, kinds: list[str]) -> tuple[dict[str, list], list[tables.Case]]:
    """Every so-manieth broken file, by kind, and every so-manieth case."""
    by_kind = defaultdict(list)
    for file in list(broken.files(seed))[seed % every :: every]:
        if not kinds or file.kind in kinds:
            by_kind[file.kind].append(file)
    cases = [case for case in tables.cases(seed) if not kinds or case.kind in kinds]
    return by_kind, cases[seed % every :: every]


def main() -> int:
    """Run all and write the table; 1 if there was a failure."""
    parser = argparse.ArgumentParser(description="bad input by the hundred")
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    by_kind, cases = chosen(options.seed, options.every, options.kinds)
    verdicts, costs = [], {}
    with tempfile.TemporaryDirectory() as directory:
        for kind, files in by_kind.items():
            place = Path(directory, kind)
            found, costs[kind] = of_audio(kind, files, options.seed, place)
            verdicts += found
            shutil.rmtree(place)
            print(f"{kind}: {len(files)}, {costs[kind]}", flush=True)
        for number, case in enumerate(cases):
            place = Path(directory, str(number))
            place.mkdir()
            started = time.monotonic()
            verdicts.append(of_case(case, place))
            cost = costs.setdefault(case.kind, {"seconds": 0.0, "peak_mb": None})
            cost["seconds"] = round(cost["seconds"] + time.monotonic() - started, 1)
            shutil.rmtree(place)
    failures = [verdict for verdict in verdicts if verdict.fault]
    if options.write:
        RESULTS.mkdir(exist_ok=True)
        lines = [json.dumps(asdict(verdict)) for verdict in verdicts]
        text = ",\n".join(lines)
        (RESULTS / "inputs.json").write_text(f'{{"seed": {options.seed}, "verdicts": [\n{text}\n]}}\n')
        (RESULTS / "inputs.md").write_text(summary(verdicts, costs))
    print(summary(verdicts, costs))
    by_fault = defaultdict(list)
    for failure in failures:
        by_fault[failure.kind, failure.fault].append(failure.name)
    for (kind, fault), names in by_fault.items():
        print(f"\n{kind}: {'; '.join(names[:20])}\n{fault}")
    return 1 if failures else 0


def summary(verdicts: list[Verdict], costs: dict[str, dict]) -> str:
    """The table by kind, in Markdown."""
    names = ("used", "skipped", "passed over", "refused")
    lines = [
        "| kind | inputs | " + " | ".join(names) + " | failures | seconds | peak MB |",
        "| --- " + "| ---: " * (len(names) + 4) + "|",
    ]
    for kind in [*dict.fromkeys(verdict.kind for verdict in verdicts), "all"]:
        of_kind = [verdict for verdict in verdicts if kind in (verdict.kind, "all")]
        counts = [sum(verdict.verdict == name for verdict in of_kind) for name in names]
        failed = sum(bool(verdict.fault) for verdict in of_kind)
        parts = costs.values() if kind == "all" else [costs[kind]]
        seconds = sum(cost["seconds"] for cost in parts)
        peak = max((cost["peak_mb"] or 0 for cost in parts), default=0) or ""
        lines.append(
            f"| {kind} | {len(of_kind)} | "
            + " | ".join(map(str, [*counts, failed, f"{seconds:.0f}", peak]))
            + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        try:
            read(*sys.argv[2:])
        except InputError as error:
            sys.exit(f"InputError: {error}")
    else:
        sys.exit(main())
