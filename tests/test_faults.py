"""The harness of tests/faults, short; and that it sees what it is to see. The long form: make faults."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from faults import kills
from faults.judging import Files
from faults.kills import Disturbed, Kill, Reference, Start
from relatives import seeds
from smoke import Run

TRAINING = "results/consistency/models/AT/MFCC/trial0"
TARGETS = {
    f"{TRAINING}/checkpoint.pt, {TRAINING}/history.csv": ("train", 3.0),
    "data/transformed/tagging/MP.1.npy": ("transform", 1.5),
    "results/consistency/figures/fig03.pdf, results/consistency/figures/fig03.png": ("fig03", 1.5),
}


@pytest.fixture
def folder(tmp_path):
    """Some files as a run leaves them."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "noise.npy").write_bytes(b"noise" * 100)
    (tmp_path / "results" / "logs").mkdir(parents=True)
    (tmp_path / "results" / "logs" / "noise.log").write_text("start-up 1.00 s")
    (tmp_path / "results" / "history.csv").write_text("step,loss,examples_per_second\n2,0.5,35.1\n")
    (tmp_path / "results" / "report.html").write_text(
        '<div><dt>of all jobs together, 5%</dt>1 min</div><p>0.5</p><section id="stages">9 s</section>'
    )
    return tmp_path


def changed(folder, reference, name, content):
    (folder / name).write_bytes(content)
    return Files.of(folder).faults(reference)


def test_what_two_good_runs_differ_in_is_no_fault(folder):
    reference = Files.of(folder)
    (folder / "results" / "logs" / "noise.log").write_text("start-up 2.00 s")
    (folder / "results" / "history.csv").write_text("step,loss,examples_per_second\n2,0.5,9.9\n")
    (folder / "results" / "report.html").write_text(
        '<div><dt>of all jobs together, 7%</dt>3 min</div><p>0.5</p><section id="stages">8 s</section>'
    )
    assert not Files.of(folder).faults_at_end(reference)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/noise.npy", b"noise" * 50),  # half written
        ("data/noise.npy", b"noise" * 99 + b"NOISE"),
        ("data/noise.npy", b""),
        ("results/history.csv", b"step,loss,examples_per_second\n2,0.6,35.1\n"),
        ("results/history.csv", b"step,loss\n2,0.5\n"),
        ("results/report.html", b"<p>0.6</p>"),
        ("results/stray.csv", b"1"),
    ],
)
def test_a_wrong_file_is_noticed_at_any_moment(folder, name, content):
    (fault,) = changed(folder, Files.of(folder), name, content)
    assert fault.startswith(name)


def test_a_temporary_file_is_a_fault_only_at_the_end(folder):
    reference = Files.of(folder)
    for name in ("results/progress.pt", "data/.noise.npy.0123abcd.partial.npy"):
        assert not changed(folder, reference, name, b"half")
        assert Files.of(folder).partial() == [name]
        assert Files.of(folder).faults_at_end(reference) == [f"{name} is left over"]
        (folder / name).unlink()


def test_a_missing_file_is_a_fault_only_at_the_end(folder):
    reference = Files.of(folder)
    (folder / "data" / "noise.npy").unlink()
    assert not Files.of(folder).faults(reference)
    assert Files.of(folder).faults_at_end(reference) == ["data/noise.npy is missing"]


def heard(text):
    """What a start knows after Snakemake said this; each line comes a second after the one before."""
    start = Start.__new__(Start)
    start.said, start.jobs, start.finished = [], {}, {}
    for second, line in enumerate(text.splitlines(keepends=True)):
        start.hear(line, float(second))
    return start


SAID = """[Sat Nov 21 08:37:09 2026]
localrule fig05:
    input: means.csv
    output: fig05.pdf, fig05.png
    jobid: 77
rule noise:
    output: noise.npy
    jobid: 3
Finished jobid: 77 (Rule: fig05)
localrule all:
    jobid: 0
"""


def test_it_is_heard_what_began_and_what_finished():
    start = heard(SAID)
    assert start.outputs_begun() == {"fig05.pdf, fig05.png", "noise.npy"}
    assert start.outputs_finished() == {"fig05.pdf, fig05.png"}
    assert start.durations() == {"fig05.pdf, fig05.png": 4.0}
    assert [job.rule for job in start.at_work()] == ["noise"]


def test_a_training_loses_what_came_after_its_state(tmp_path):
    job = kills.Job("train", "model/checkpoint.pt, model/history.csv", began=100.0)
    assert kills.lost(job, tmp_path, 160.0) == 60.0
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "progress.pt").touch()
    assert kills.lost(
        job, tmp_path, (tmp_path / "model" / "progress.pt").stat().st_mtime + 5
    ) == pytest.approx(5)


def test_stages_that_were_not_hit_come_first(folder):
    rules = {f"{rule}{number}": rule for rule in ("noise", "train", "report") for number in range(9)}
    reference = Reference(Files.of(folder), rules, dict.fromkeys(rules, 1.0), 1.0, 1.0)
    chosen = kills.choose(np.random.default_rng(0), reference, {"train"}, 4)
    assert len(chosen) == 4
    assert {"noise", "report"} <= {rules[output] for output in chosen}


def test_the_table_counts_what_is_wrong():
    good = Kill(["noise"], 1, {"noise": 2.0}, 1, [])
    bad = Kill([], 2, {}, 0, ["data/noise.npy is not as it should be"], redone=["noise.npy"])
    text = kills.table({"noise": 1, "train": 8}, [Disturbed([good, bad], True, 9, ["x is missing"])])
    assert "| noise | 1 | 1 | 2.0 | 2.0 |" in text
    assert "| train | 8 | 0 |  | 0.0 |" in text
    for name, value in {
        "Kills": 2,
        "survived": 0,
        "with a file half": 1,
        "finished jobs done again": 1,
    }.items():
        assert re.search(rf"^\| {name}.* \| {value} \|$", text, flags=re.MULTILINE)
    assert not Disturbed([good, bad]).is_sound()
    assert Disturbed([good]).is_sound()


WORKFLOW = """
import os, sys, time
from pathlib import Path

kind = sys.argv[1]
for number in range(4):
    name = f"data/{number}.npy"
    if Path(name).exists() and not kind == "forgetful":
        continue
    print(f"rule stage{number % 2}:\\n    output: {name}\\n    jobid: {number}", flush=True)
    written = Path(name if kind == "torn" else f"data/.{number}.npy.01234567.partial.npy")
    for count in (1, 2):
        written.write_text("whole" * count)
        time.sleep(0.5 if kind == "torn" else 0.1)
    os.replace(written, name)
    if kind == "stray":
        Path(f"data/{time.time()}").touch()
    print(f"Finished jobid: {number} (Rule: stage{number % 2})", flush=True)
sys.exit(kind == "failing" and number == 3)
"""


class Pretended:
    """A run of four jobs of a fifth of a second, with what Snakemake would say, of a good or a bad kind."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        (folder / "data").mkdir(parents=True)

    def start(self, *targets):
        command = [sys.executable, "-c", WORKFLOW, self.kind]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)

    def planned(self, *targets):
        return {"stage1"} if self.kind == "never done" else set()


def stories(tmp_path, kind):
    """What two kills make of such a run."""
    reference = Reference.of(Pretended(tmp_path / "reference", "good"))
    rng = np.random.default_rng(3)
    return list(kills.disturb(Pretended(tmp_path / kind, kind), reference, rng, set(), 2))


def test_a_good_run_survives_its_kills(tmp_path):
    *_, end = stories(tmp_path, "good")
    assert end.ended
    assert end.is_sound()
    assert len(end.kills) == 2
    assert end.files == 4
    assert sum(kill.partial for kill in end.kills) >= 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("torn", r"data/\d.npy is not as it should be"),
        ("stray", "is no file of the run"),
        ("forgetful", r"data/\d.npy"),
        ("failing", "^Finished"),
        ("never done", "it would run stage1"),
    ],
)
def test_a_bad_run_does_not_pass(tmp_path, kind, fault):
    *_, end = stories(tmp_path, kind)
    assert end.ended
    assert not end.is_sound()
    found = end.faults + [text for kill in end.kills for text in kill.faults + kill.redone]
    assert any(re.search(fault, text, flags=re.MULTILINE) for text in found)


def test_no_process_escapes_a_kill(tmp_path):
    code = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
print(child.pid, flush=True)
time.sleep(99)
"""
    run = Pretended(tmp_path / "run", "good")
    run.start = lambda: subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    start = Start(run)
    while not start.said:
        time.sleep(0.01)
    child = psutil.Process(int(start.said[0]))
    assert start.kill() is not None
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.pipeline
def test_killed_on_its_way_a_run_ends_the_same(run, tmp_path):
    copy = Run(tmp_path / "copy")
    for name in ("data", "results", ".snakemake"):
        shutil.copytree(run.folder / name, copy.folder / name)
    reference = Reference(
        Files.of(copy.folder),
        {outputs: rule for outputs, (rule, _) in TARGETS.items()},
        {outputs: seconds for outputs, (_, seconds) in TARGETS.items()},
        start_up=5.0,
        seconds=80.0,
    )
    files = [Path(output) for outputs in TARGETS for output in outputs.split(", ")]
    for file in files:
        (copy.folder / file).unlink()
    rng = seeds.generator(6, "kills", "short")
    for story in kills.disturb(copy, reference, rng, set(), 3, *map(str, files)):
        assert story.is_sound(), story
    assert story.kills
