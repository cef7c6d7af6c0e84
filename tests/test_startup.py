"""What goes wrong before Snakemake reads the Snakefile ends in a sentence, and its command line is YAML.

Tests may run as root, who can write anywhere. A home that is a file cannot be written to by root either.
"""

import os

import numpy as np
import pytest

from relatives import startup
from relatives.errors import InputError
from smoke import Run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory, and an environment in which no folder for caches is set."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR"):
        # Set first, so that what `settle_caches` sets is undone as well
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "mine.yaml: cannot be opened: No such file or directory. Check the path."),
        (b"trials: [1\n", "mine.yaml: line 2 is no YAML"),
        (b"trials: 1\n\tseed: 2\n", "mine.yaml: line 2 is no YAML"),
        (b"", "mine.yaml: it has no settings"),
        (b"- trials\n", "mine.yaml: it has no settings"),
        (b"a: \xff\n", "mine.yaml: it is no YAML, or not in UTF-8"),
        (b"a: \x00\n", "mine.yaml: it is no YAML, or not in UTF-8"),
    ],
)
def test_a_configuration_file_that_cannot_be_read_is_named(here, content, words):
    (here / "good.yaml").write_text("trials: 2\n")
    if content is not None:
        (here / "mine.yaml").write_bytes(content)
    for option in (["--configfile", "good.yaml", "mine.yaml"], ["--configfiles=mine.yaml"]):
        with pytest.raises(InputError) as error:
            startup.check_arguments(["--cores", "2", *option, "--dry-run"])
        assert str(error.value).startswith("--configfile ") and words in str(error.value)
        assert "\n" not in str(error.value)


def test_a_folder_or_a_target_is_no_configuration_file(here):
    (here / "good.yaml").write_text('{\n\t"trials": 2\n}')  # JSON, in which tabs are allowed
    with pytest.raises(InputError, match="a folder"):
        startup.check_arguments(["--configfile", "."])
    with pytest.raises(InputError, match=r"fig07: cannot be opened.* A target stands before --configfile"):
        startup.check_arguments(["--configfile", "good.yaml", "fig07"])
    startup.check_arguments(["fig07", "--configfile", "good.yaml", "--cores", "1"])


def test_settings_of_the_command_line_have_names(here):
    startup.check_arguments(["--config", "trials=3", "noise={recording: a=b}", "tasks=[AE]", "fig=", "-n"])
    startup.check_arguments(["-C", "trials=3", "--", "fig07"])
    startup.check_arguments(["--config"])
    startup.check_arguments(["--configfile"])  # an error of which Snakemake tells
    # as a shell hands on --config corpora={music: {path: /music}} without quotes
    with pytest.raises(InputError, match=r"--config \{path:: write NAME=VALUE, and put it in quotes"):
        startup.check_arguments(["--config", "corpora={music:", "{path:", "/music}}"])
    with pytest.raises(InputError, match="A target stands before --config"):
        startup.check_arguments(["--config", "trials=3", "fig07"])
    with pytest.raises(InputError, match=r"'training\.rate' cannot be a setting"):
        startup.check_arguments(["--config", "training.rate=3"])


def test_a_home_that_can_be_written_to_is_left_alone(here, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(here))
    startup.settle_caches()
    assert capsys.readouterr().err == ""
    assert "XDG_CACHE_HOME" not in os.environ and "MPLCONFIGDIR" not in os.environ
    assert not startup.CACHE.exists()


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_where_the_home_cannot_be_written_to_caches_go_to_the_run(here, monkeypatch, capsys, variable):
    (here / "file").write_text("")
    monkeypatch.setenv(variable, str(here / "file"))
    startup.settle_caches()
    (sentence,) = capsys.readouterr().err.splitlines()
    assert (
        sentence.startswith(str(here / "file"))
        and "The caches of this run go to .snakemake/cache" in sentence
    )
    assert os.environ["XDG_CACHE_HOME"] == str(here / ".snakemake" / "cache")
    assert os.environ["MPLCONFIGDIR"].startswith(str(here / ".snakemake" / "cache"))
    startup.settle_caches()  # as a job of the run does, which inherits the variables
    assert capsys.readouterr().err == ""


def test_without_any_folder_for_caches_it_ends_in_a_sentence(here, monkeypatch, capsys):
    (here / "file").write_text("")
    (here / ".snakemake").write_text("")
    monkeypatch.setenv("HOME", str(here / "file"))
    with pytest.raises(SystemExit) as error:
        startup.prepare(["--dry-run"])
    assert error.value.code == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("Error: ") and "set HOME or XDG_CACHE_HOME to a folder of yours" in sentence


def test_snakemake_ends_in_the_sentence(tmp_path):
    run = Run(tmp_path)
    run.configfiles = ["nowhere.yaml"]
    output = run.snakemake("--dry-run", check=False)
    assert "Error: --configfile nowhere.yaml: cannot be opened" in output
    assert "Traceback" not in output and len(output.splitlines()) == 1


def test_a_run_without_a_home_has_its_figure(tmp_path):
    run = Run(tmp_path)
    (tmp_path / "file").write_text("")
    environment = {"HOME": str(tmp_path / "file"), "XDG_CACHE_HOME": "", "MPLCONFIGDIR": ""}
    output = run.snakemake("fig03", environment=environment)
    assert output.count("The caches of this run go to .snakemake/cache") == 1
    assert "Traceback" not in output
    assert (tmp_path / ".snakemake" / "cache" / "snakemake").is_dir()
    assert (tmp_path / "results" / "consistency" / "figures" / "fig03.pdf").is_file()


def test_snakemake_and_its_jobs_read_the_command_line_as_yaml(tmp_path):
    run = Run(tmp_path, "folder")
    (tmp_path / "123").mkdir()
    corpora = 'corpora={music: {path: "123", excerpts: 150, split: [0.5, 0.25, 0.25]}}'
    output = run.snakemake(
        "--dry-run", "--quiet", "host", "--config", corpora, "consistency={own_pairs: false}"
    )
    assert "data/transformed/music/PS.1.npy" in output  # 150 excerpts are blocks 0 and 1
    assert "data/transformed/music/PS.2.npy" not in output

    run.snakemake("data/noise.npy", "--config", 'corpora={music: {path: "123"}}', "noise={seconds: 1.5}")
    assert np.load(tmp_path / "data" / "noise.npy").shape == (round(1.5 * 22050),)

    output = run.snakemake("--dry-run", "--config", corpora.replace("150", "many"), check=False)
    assert "corpora.music.excerpts: 'many' is not of type 'integer'" in output
    assert "Traceback" not in output
