import os
import signal
import subprocess
import sys
import textwrap

import pytest

from relatives import running


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a lock of Snakemake's in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "_held", [])
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").write_text("results/report.html\n")
    return tmp_path


def start(folder, kind):
    """A process that is at work in a folder."""
    code = f"""
        import time
        from relatives import running
        running.enter_{kind}()
        print("entered", flush=True)
        time.sleep(600)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "entered\n"
    return process


def locks(folder):
    return list((folder / ".snakemake" / "locks").iterdir())


def test_the_lock_of_a_killed_run_is_cleared(folder, capsys):
    first = start(folder, "run")
    (folder / ".snakemake" / "locks" / "0.input.lock").write_text("music\n")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    running.enter_run()
    assert not locks(folder)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["run", "job"])
def test_the_lock_of_a_living_one_stays(folder, capsys, kind):
    first = start(folder, kind)
    (folder / ".snakemake" / "locks" / "0.output.lock").write_text("results/report.html\n")
    try:
        running.enter_run()
    finally:
        first.kill()
        first.wait()
    assert locks(folder)
    assert f"a {kind} (process {first.pid})" in capsys.readouterr().err


def test_a_run_beside_others_does_not_lose_its_lock_when_they_end(folder):
    first, second = start(folder, "run"), start(folder, "run")
    (folder / ".snakemake" / "locks" / "1.output.lock").write_text("of the second\n")
    first.kill()
    first.wait()
    running.enter_run()
    second.kill()
    second.wait()
    assert locks(folder)


def test_the_lock_of_a_run_on_another_host_stays(folder, capsys):
    (folder / ".snakemake" / "at_work").write_text("run faraway 1 0.00\njob node7 2 0.00\n")
    running.enter_run()
    assert locks(folder)
    said = capsys.readouterr().err
    assert "faraway" in said
    assert "node7" not in said
    assert "--unlock" in said


def test_once_unlocked_the_other_host_is_forgotten(folder, capsys):
    (folder / ".snakemake" / "at_work").write_text("run faraway 1 0.00\n")
    locks(folder)[0].unlink()
    running.enter_run()
    assert "faraway" not in (folder / ".snakemake" / "at_work").read_text()
    assert capsys.readouterr().err == ""


def test_where_the_filesystem_has_no_lock_it_stays(folder, monkeypatch):
    def refuse(*arguments):
        raise OSError

    monkeypatch.setattr(running.fcntl, "flock", refuse)
    running.enter_run()
    assert locks(folder)
