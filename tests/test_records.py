"""Every file's origin is recorded, and told: by whom, from what, and whether it still is that."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from relatives import cli, corpora, jobs, lineage, own_encoders, records
from relatives.errors import InputError

CONFIG = {"seed": 7, "figures": {"style": {"dpi": 200}}}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder in which the pipeline runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(rule, inputs, outputs, config=None, outside=(), **params):
    """What a job leaves: its outputs, each with its name and the content of its inputs, and their records."""
    config = config or CONFIG
    for output in outputs:
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).write_text(output + "".join(Path(path).read_text() for path in inputs))
    done = SimpleNamespace(
        rule=rule, wildcards={"corpus": "tagging"} if rule == "corpus" else {}, input=inputs, output=outputs,
        params={"code": "c0de"} | params, config=config,
    )  # fmt: skip
    records.write(done, outside)
    return done


def study():
    """A corpus, a table from it and from a recording, a figure of the table."""
    Path("tavern.ogg").write_text("noise")
    job("corpus", [], ["data/corpora/tagging/audio.i16", "data/corpora/tagging/tracks.parquet"],
        settings={"source": "synthetic"})  # fmt: skip
    job("consistency", ["data/corpora/tagging/audio.i16", "tavern.ogg"], ["results/within.csv"])
    return job("fig06", ["results/within.csv"], ["results/fig06.pdf", "results/fig06.png"], whole=CONFIG)


def told(file, capsys):
    code = cli.main(["provenance", str(file)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_record_holds_what_the_issue_asks_for():
    study()
    record = records.read("results/fig06.pdf")
    assert record["rule"] == "fig06" and record["code"] == "c0de" and record["seed"] == 7
    assert record["sha256"] == records.hash_of("results/fig06.pdf")
    assert record["inputs"] == {"results/within.csv": records.hash_of("results/within.csv")}
    assert record["params"] == {}  # the whole configuration has a hash of its own
    kept = records.configuration_place(record["configuration"])
    assert records.hash_of(kept) == record["configuration"] and json.loads(kept.read_text()) == CONFIG
    assert record["versions"]["numpy"] and record["requirements"] and record["machine"]["platform"]


def test_the_same_job_gives_the_same_record():
    before = json.loads(records.place(study().output[0]).read_text())
    again = json.loads(records.place(study().output[0]).read_text())
    assert before.pop("mtime_ns") != again.pop("mtime_ns")
    assert before == again
    reordered = {"figures": CONFIG["figures"], "seed": 7}
    assert records.canonical(reordered) == records.canonical(CONFIG)


def test_a_file_is_hashed_once_by_the_job_that_made_it(monkeypatch):
    study()
    hashed, hash_of = [], records.hash_of
    monkeypatch.setattr(records, "hash_of", lambda path: hashed.append(str(path)) or hash_of(path))
    job("fig06", ["results/within.csv"], ["results/fig06.pdf"])
    assert "results/within.csv" not in hashed and "results/fig06.pdf" in hashed
    # Another time: it may be another content, of the same size
    status = os.stat("results/within.csv")
    os.utime("results/within.csv", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    job("fig06", ["results/within.csv"], ["results/fig06.pdf"])
    assert "results/within.csv" in hashed


def test_a_file_is_told_back_to_its_sources(capsys):
    study()
    code, text = told("results/fig06.pdf", capsys)
    assert code == 0, text
    assert "✓ is what its record says" in text and "✗" not in text
    order = [text.index(f"\n  {rule} ") for rule in ("corpus", "consistency", "fig06")]
    assert order == sorted(order)
    assert "✓ tavern.ogg, sha256" in text
    assert "none for tagging: composed by the pipeline" in text


def test_a_copy_is_known_by_its_content(capsys, here):
    study()
    (here / "paper").mkdir()
    shutil.copy("results/fig06.pdf", "paper/figure.pdf")
    code, text = told("paper/figure.pdf", capsys)
    assert code == 0 and "is a copy of results/fig06.pdf" in text


def test_a_changed_file_is_told_as_such(capsys):
    study()
    Path("results/fig06.pdf").write_text("half")
    code, text = told("results/fig06.pdf", capsys)
    assert code == 1 and "✗ is NOT what its record says" in text and "--force results/fig06.pdf" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: Path("tavern.ogg").write_text("other"), "✗ changed since: tavern.ogg"),
        (lambda: Path("results/within.csv").write_text("x"), "✗ changed since: results/within.csv"),
        (
            lambda: job("consistency", ["data/corpora/tagging/tracks.parquet"], ["results/within.csv"]),
            "✗ made again since it was used: results/within.csv",
        ),
        (
            lambda: records.place("data/corpora/tagging/audio.i16").unlink(),
            "✗ without a record: data/corpora/tagging/audio.i16",
        ),
    ],
)
def test_what_has_changed_behind_a_file_is_told(change, words, capsys):
    study()
    change()
    code, text = told("results/fig06.pdf", capsys)
    assert code == 1 and words in text
    assert "✓ is what its record says" in text


def test_what_is_gone_is_no_fault(capsys):
    study()
    Path("data/corpora/tagging/audio.i16").unlink()
    code, text = told("results/fig06.pdf", capsys)
    assert code == 0 and "1 file no longer there: data/corpora/tagging/audio.i16" in text


def test_another_configuration_is_told_by_its_settings(capsys):
    study()
    other = {"seed": 7, "figures": {"style": {"dpi": 300}}}
    job("fig06", ["results/within.csv"], ["results/fig06.pdf"], config=other)
    _, text = told("results/fig06.pdf", capsys)
    assert text.count("other figures.style.dpi") == 2


def test_what_cannot_be_told_is_an_error(capsys, here, monkeypatch):
    study()
    for name, words in {
        "nothing.pdf": "there is no such file",
        "results": "a folder",
        "tavern.ogg": "snakemake --force PATH",
    }.items():
        code, text = told(name, capsys)
        assert code == 2 and words in text
    records.place("results/fig06.png").unlink()
    for content in (
        '{"output": "resu',
        "[1]",
        '{"output": "results/fig06.pdf"}',
    ):  # as no writer of ours leaves it
        records.place("results/fig06.pdf").write_text(content)
        assert told("results/fig06.pdf", capsys)[0] == 2
    (here / "elsewhere").mkdir()
    shutil.rmtree(records.FOLDER)
    with pytest.raises(InputError, match="in the folder in which the pipeline ran"):
        lineage.find("results/fig06.pdf")


def refuses(name):
    """`records.hash_of`, but without the right to read one file."""
    hash_of = records.hash_of

    def tries(path):
        if Path(path).name == name:
            raise PermissionError(path)
        return hash_of(path)

    return tries


def test_music_from_outside_has_its_listing(capsys, here, monkeypatch):
    music = here / "my music"
    names = ["a.wav", "deep/b\\c.wav", "deep/line\\n\nbreak.wav", "ü.wav"]
    monkeypatch.setattr(records, "hash_of", refuses("secret.wav"))
    for name in names:
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        (music / name).write_text(name)
    (music / "secret.wav").write_text("")
    (music / "nowhere.wav").symlink_to(here / "nothing")
    settings = {"source": "folder", "path": str(music)}
    job(
        "corpus",
        [],
        ["data/corpora/mine/tracks.parquet"],
        outside=corpora.outside(settings),
        settings=settings,
    )
    (source,) = records.read("data/corpora/mine/tracks.parquet")["sources"]
    assert source["files"] == 4 and source["bytes"] == sum(len(name.encode()) for name in names)
    listing = here / source["listing"]
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", str(listing)]
        assert subprocess.run(command, cwd=music, capture_output=True).returncode == 0
        (music / "ü.wav").write_text("u")
        assert subprocess.run(command, cwd=music, capture_output=True).returncode == 1
    _, text = told("data/corpora/mine/tracks.parquet", capsys)
    assert f"{music}: 4 files" in text
    assert f"cd '{music}' && sha256sum --check {listing}" in text
    (row,) = lineage.summary(["data/corpora/mine/tracks.parquet"], here, ["mine"])["corpora"]
    assert row == {"corpus": "mine", "source": "folder", "files": 4, "sha256": source["sha256"]}


def test_files_of_an_encoder_of_ones_own_are_hashed(capsys, here):
    for name in ("OG.npy", "PS.npy", "manifest.json", "notes.txt"):
        (here / "computed").mkdir(exist_ok=True)
        (here / "computed" / name).write_text(name)
    own = {"name": "away", "embeddings": "computed"}
    job("collect", [], ["results/away/OG.npy"], outside=own_encoders.files(own), own=own)
    sources = records.read("results/away/OG.npy")["sources"]
    assert [source["path"] for source in sources] == [
        f"computed/{n}" for n in ("OG.npy", "PS.npy", "manifest.json")
    ]
    _, text = told("results/away/OG.npy", capsys)
    assert "computed/PS.npy: 1 file, 6 bytes" in text and "cd computed && sha256sum" in text


def test_a_source_that_is_no_corpus_is_no_path():
    job("train", [], ["results/tag/checkpoint.pt"], settings={"source": "tag"}, own={"name": "x"})
    record = records.read("results/tag/checkpoint.pt")
    assert record["sources"] == []
    assert record["params"]["settings"] == {"source": "tag"}


def test_what_a_script_returns_is_recorded(here, monkeypatch):
    (here / "tags.db").write_text("tags")
    (here / "songs").mkdir()
    (here / "songs" / "a.wav").write_text("a")
    outputs = {None: [], (Path("tags.db"), Path("songs")): [("tags.db", 1, 4), ("songs", 1, 1)]}
    for returned, expected in outputs.items():
        done = SimpleNamespace(
            rule="corpus", wildcards={}, input=[], output=["results/x.csv"], params={"code": "c0de"},
            config=CONFIG, log=[], resources=SimpleNamespace(get=lambda name: None),
        )  # fmt: skip
        script = SimpleNamespace(snakemake=done, __file__="corpus.py")
        monkeypatch.setitem(sys.modules, "__main__", script)

        def main(job, returned=returned):
            Path("results").mkdir(exist_ok=True)
            Path(job.output[0]).write_text("x")
            return returned

        jobs.run(main)
        sources = records.read("results/x.csv")["sources"]
        assert [(source["path"], source["files"], source["bytes"]) for source in sources] == expected


def test_a_corpus_names_what_it_reads(here):
    assert corpora.outside({"source": "synthetic", "kind": "tagging"}) == []
    assert corpora.outside({"source": "irmas"}) == [Path("data/raw/irmas")]
    found = corpora.outside({"source": "msd", "path": "~/previews", "tags": "~/tags.db"})
    assert found == [Path.home() / "previews", Path.home() / "tags.db"]


def test_the_report_gets_a_summary(here):
    done = study()
    found = lineage.summary(done.output, here, ["tagging"])
    assert [files for _, files in found["configurations"]] == [4] and found["unknown"] == 0
    assert found["seeds"] == [("7", 4)]
    records.place("results/within.csv").unlink()
    assert lineage.summary(done.output, here, ["tagging"])["unknown"] == 1


def test_the_revision_is_that_of_the_code(here, monkeypatch):
    if not shutil.which("git"):
        pytest.skip("needs git")
    module = here / "project" / "workflow" / "relatives" / "records.py"
    module.parent.mkdir(parents=True)
    module.write_text("1")
    monkeypatch.setattr(records, "ROOT", here / "project")

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(here), *identity, *arguments], check=True, capture_output=True)

    assert records.program()["revision"] is None
    git("init")
    (here / "other").write_text("1")
    git("add", "other")
    git("commit", "-m", "a folder around the code is not its history")
    assert records.program()["revision"] is None
    git("add", "project")
    git("commit", "-m", "the code")
    assert len(records.program()["revision"]) == 40 and records.program()["modified"] is False
    module.write_text("2")
    assert records.program()["modified"] is True
