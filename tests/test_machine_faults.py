"""Faults of the machine: each is told in words that help, and loses nothing."""

import errno
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from faults import machine, moment
from faults.machine import FAULTS, Impossible, Site, disk, ffmpeg_killed, meet, mounted
from relatives import cli, faults, transforms
from relatives.errors import InputError
from relatives.figures import style
from relatives.files import replacing
from relatives.storage import replacing_array
from smoke import ROOT

BUGS = [
    ValueError("wrong"),
    KeyError("wrong"),
    RuntimeError("wrong"),
    FileNotFoundError(errno.ENOENT, "No such file or directory", "gone"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB, of which 1 MB is free."""
    try:
        with disk(tmp_path / "disk", 4) as folder:
            moment.fill(folder / "filler", 1_000_000)
            yield folder
    except Impossible as error:
        pytest.skip(str(error))


# What is said


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            errno.ENOSPC,
            r"a.npy: no room on the disk \(No space left on device; .* are free in .*\)\. Make room",
        ),
        (errno.EDQUOT, r"a.npy: no room on the disk \(Disk quota exceeded"),
        (errno.EFBIG, r"a.npy: a file may not become so large here \(`ulimit -f`\)"),
        (errno.EROFS, r"a.npy: this may not be read or written here \(Read-only file system\)"),
        (errno.EACCES, r"a.npy: this may not be read or written here \(Permission denied\)"),
        (errno.EMFILE, r"a.npy: too many files are open"),
        (errno.EIO, r"a.npy: the disk, or the network that it is on, fails"),
        (
            errno.ENOMEM,
            r"embed needs more memory .* or lower corpora.NAME.excerpts .* embed:mem_mb=…, now 1500",
        ),
    ],
)
def test_what_the_system_refuses_is_told_with_the_way_out(code, words):
    error = OSError(code, os.strerror(code), "data/a.npy")
    message = faults.explain(error, "embed", 1500)
    assert re.search(words, message), message
    assert message.endswith(faults.CONTINUE)


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_a_bug_keeps_its_traceback(error):
    assert faults.explain(error, "embed", 1500) is None


@pytest.mark.parametrize(
    "take",
    [
        lambda: np.empty(1 << 58),
        lambda: torch.empty(1 << 58),
        lambda: bytearray(1 << 60),
        lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")),
    ],
    ids=["numpy", "torch", "python", "cuda"],
)
def test_a_lack_of_memory_names_the_setting_to_lower(take):
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        next(iter(take()))
    message = faults.explain(caught.value, "train", 1800)
    assert "train needs more memory than it can have" in message
    assert "lower training.batch or training.width" in message
    assert ("the GPU" in message) == ("CUDA" in str(caught.value))


def test_every_setting_to_lower_is_one_and_every_rule_is_known():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    rules = "\n".join(file.read_text() for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    named = set(re.findall(r"^ *(?:use )?rule .*?(\w+)(?: with)?:", rules, flags=re.MULTILINE))
    figures = {name for name in faults.LOWER if re.fullmatch(r"fig\d\d|mixed|checks", name)}
    assert set(faults.LOWER) - figures <= named
    assert {path.stem for path in (ROOT / "workflow" / "report").glob("fig??.rst")} <= figures
    for words in faults.LOWER.values():
        for setting in re.findall(r"\b[a-z]+(?:\.\w+)+", words):
            value = config
            for key in setting.split("."):
                value = next(iter(value.values())) if key == "NAME" else value[key]


def test_files_without_a_reason_of_the_system_are_of_the_disk():
    """So numpy tells of an array that did not fit."""
    error = OSError("1000 requested and 12 written")
    error.add_note("while writing data/a.npy")
    assert faults.explain(error).startswith("data/a.npy: no room on the disk")


# A full disk


WRITERS = {
    "npy": lambda path: np.save(path, np.ones(1 << 18)),
    "npz": lambda path: np.savez(path, ones=np.ones(1 << 18)),
    "csv": lambda path: pd.DataFrame({"a": np.arange(1 << 18)}).to_csv(path),
    "parquet": lambda path: pd.DataFrame({"a": np.random.default_rng(0).random(1 << 18)}).to_parquet(path),
    "pt": lambda path: _torch_save(path),
    "html": lambda path: path.write_text("a" * (2 << 20)),
}


def _torch_save(path):
    with open(path, "wb") as file:
        torch.save({"weights": torch.ones(1 << 18, dtype=torch.float64)}, file)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_writer_tells_of_a_full_disk(small_disk, kind):
    path = small_disk / f"table.{kind}"
    with pytest.raises(Exception) as caught, replacing(path) as partial:
        WRITERS[kind](partial)
    message = faults.explain(caught.value)
    assert message and message.startswith(f"{path}: no room on the disk"), message
    assert re.search(rf"\d MB are free in {small_disk}", message)
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_a_figure_tells_of_a_full_disk(small_disk):
    moment.fill(small_disk / "filler", 0)
    drawing = style.figure({"width_mm": 85, "font_size": 7, "dpi": 100}, 50)
    with pytest.raises(OSError) as caught:
        style.save(drawing, small_disk / "fig01.pdf", small_disk / "fig01.png")
    assert f"{small_disk}/fig01.pdf" in faults.explain(caught.value)
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_an_array_on_disk_is_refused_before_it_is_filled(small_disk):
    """Else the process would be killed (SIGBUS) while it fills it."""
    with (
        pytest.raises(OSError) as caught,
        replacing_array(small_disk / "a.npy", (1 << 20,)) as array,
    ):
        array[:] = 1
    assert "4.2 MB are needed; 1.0 MB are free" in faults.explain(caught.value)
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


def script(folder, body, log):
    """A script of the pipeline, run as Snakemake would: its exit code and what the terminal shows."""
    code = f"""
        from types import SimpleNamespace
        import numpy as np
        from relatives import jobs
        from relatives.files import replacing

        def main(job):
            {body}

        snakemake = SimpleNamespace(log=[{str(log)!r}], rule="noise", resources={{"mem_mb": 500}})
        jobs.run(main)
    """
    file = folder / "script.py"
    file.write_text(textwrap.dedent(code))
    result = subprocess.run([sys.executable, str(file)], cwd=folder, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def test_a_log_that_takes_nothing_is_told_on_the_terminal(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    code, output = script(tmp_path, 'print("at work", flush=True)', "/dev/full")
    assert code
    assert "no room on the disk (No space left on device" in output
    assert "Traceback" not in output


def test_a_limit_of_the_size_of_files_is_told_in_the_log(tmp_path):
    body = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))\n"
        "            with replacing('noise.npy') as path: path.write_bytes(bytes(1 << 20))"
    )
    code, output = script(tmp_path, body, tmp_path / "log")
    assert code == 1
    assert output == ""
    assert (tmp_path / "log").read_text().startswith("Error: noise.npy: a file may not become so large here")
    assert not (tmp_path / "noise.npy").exists()


def test_the_command_tells_of_a_full_disk(monkeypatch, capsys):
    def write(options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), options.output)

    monkeypatch.setattr(cli, "test_encoder", write)
    assert cli.main(["test-encoder", "mfcc", "--audio", "music"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: report.html: no room on the disk")
    assert faults.CONTINUE not in said


def test_a_bug_in_a_job_has_its_traceback_in_the_log(tmp_path):
    code, _ = script(tmp_path, "1 / 0", tmp_path / "log")
    assert code == 1
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


# Folders


def test_folders_are_tried_before_the_first_job(small_disk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    faults.check("data", "results", str(small_disk))
    assert not (tmp_path / "data").exists()
    moment.fill(small_disk / "filler", 0)
    with pytest.raises(InputError, match=rf"{small_disk}: no room on the disk .* 0\.0 MB are free"):
        faults.check("data", str(small_disk / "results"))


def test_a_read_only_folder_is_told_before_the_first_job(tmp_path):
    try:
        with (
            mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "ro", "tmpfs") as folder,
            pytest.raises(InputError, match=rf"{folder}: this may not be read or written here \(Read-only"),
        ):
            faults.check(str(folder / "results" / "consistency"))
    except Impossible as error:
        pytest.skip(str(error))


# The clock


def test_times_in_the_future_become_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    now, day = time.time(), 86400
    times = {"data/old.npy": now - day, "data/input.npy": now + day, "results/output.csv": now + 2 * day}
    for name, moment_of in times.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (moment_of, moment_of))
    assert faults.settle_times(["data", "results"], [*times, "missing.csv"]) == 2
    settled = {name: os.stat(name).st_mtime for name in times}
    assert settled["data/old.npy"] == pytest.approx(now - day)
    assert settled["data/input.npy"] == settled["results/output.csv"] == pytest.approx(now, abs=10)
    assert faults.settle_times(["data", "results"], times) == 0


def test_a_file_of_the_users_in_the_future_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.ogg").touch()
    os.utime("mine.ogg", (time.time() + 86400,) * 2)
    with pytest.raises(InputError, match=r"mine\.ogg: its time, .* is in the future"):
        faults.settle_times(["data", "results"], ["data/input.npy", "mine.ogg"])


# What is killed


def test_a_job_that_was_killed_is_spoken_for(tmp_path):
    log = tmp_path / "snakemake.log"
    error = subprocess.CalledProcessError(-signal.SIGKILL, "python train.py")
    log.write_text(f"Building DAG of jobs...\n{error}\nError in rule train:\n    message: None\n")
    ended, way_out = faults.at_the_end([str(log)], str(tmp_path))
    assert ended.startswith("A job was ended from outside (SIGKILL). ")
    assert "If train lacked memory: " in way_out and "lower training.batch" in way_out
    log.write_text(str(subprocess.CalledProcessError(1, "python train.py")))
    assert list(faults.at_the_end([str(log)], str(tmp_path))) == []


def test_a_killed_ffmpeg_never_gives_a_shorter_excerpt(tmp_path):
    (tmp_path / "workflow").mkdir()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050).astype(np.float32)
    with ffmpeg_killed(SimpleNamespace(folder=tmp_path)), pytest.raises((RuntimeError, OSError)):
        transforms.apply("MP", 64, noise, 22050)
    assert len(transforms.apply("MP", 64, noise, 22050)) == len(noise)


# The pipeline


@pytest.mark.pipeline
@pytest.mark.parametrize(
    "name",
    [
        "disk full: a block of transforms",
        "killed: a job, by the system for want of memory",
        "clock: set back by a day",
    ],
)
def test_the_pipeline_loses_nothing(site, name):
    fault = next(fault for fault in FAULTS if fault.name == name)
    outcome = meet(fault, site)
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert outcome.is_sound(), outcome


@pytest.fixture(scope="module")
def site(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults") / "disk"
    try:
        with disk(folder):
            yield Site(run, folder / "run")
    except Impossible:
        yield Site(run, folder / "run")


def test_the_table_has_a_row_a_fault():
    outcomes = [machine.Outcome(fault.name, fault.how, "no room | here", identical=True) for fault in FAULTS]
    rows = machine.table(outcomes).splitlines()[2:]
    assert len(rows) == len(FAULTS) and {row.count("|") for row in rows} == {6}
    assert not any("NO" in row.split("|")[5] for row in rows)
