"""Attacks: what comes from a file, a table, an archive or a configuration is data, and is never run.

An attack would leave a file called ``attacked`` in the working directory.
"""

import ast
import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import test_report
from faults import broken, inputs, tables
from relatives import audio, cli, manifest
from relatives.corpora import downloads, folder
from relatives.corpora.store import Corpus, write
from relatives.errors import InputError
from relatives.models import networks
from smoke import ROOT, Run

CODE = [
    *(ROOT / "workflow" / "relatives").rglob("*.py"),
    *(ROOT / "workflow" / "scripts").glob("*.py"),
    *(ROOT / "envs").glob("*.py"),
]
RULES = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]

# Code of a user's TorchScript runs: it is an encoder that the configuration names
ALLOWED = {("own_encoders.py", "torch.jit.load")}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory in which no attack may leave its mark."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list(tmp_path.rglob("attacked*"))


# The code


def dangers(source, name="x.py"):
    """The calls in a source that run, load or unpack what they are given without a safeguard."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        last = called.rpartition(".")[2]
        if (
            any(
                [
                    called
                    in ("eval", "exec", "compile", "__import__", "os.system", "os.popen", "marshal.loads"),
                    called.startswith(("os.exec", "os.spawn")),
                    called in ("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"),
                    last in ("read_pickle", "extractall", "extract", "unpack_archive"),
                    called.startswith(("pickle.", "dill.", "joblib.", "shelve.", "cloudpickle.")),
                    called in ("torch.load", "load_state_dict_from_url")
                    and given.get("weights_only") != "True",
                    called == "torch.jit.load",
                    given.get("allow_pickle", "False") != "False",
                    given.get("shell", "False") != "False",
                    last == "Environment" and given.get("autoescape") != "True",
                ]
            )
            and (name, called) not in ALLOWED
        ):
            yield f"{name}:{node.lineno}: {called}"


def test_the_code_has_no_call_that_runs_what_it_reads():
    assert len(CODE) > 80
    found = [call for path in CODE for call in dangers(path.read_text(), path.name)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(x)", "exec(x)", "os.system(x)", "os.popen(x)", "yaml.load(x)",
        "yaml.load(x, Loader=yaml.Loader)",
        "pd.read_pickle(x)", "pickle.load(x)", "pickle.loads(x)", "torch.load(x)", "joblib.load(x)",
        "torch.load(x, weights_only=False)", "np.load(x, allow_pickle=True)", "archive.extractall(x)",
        "shutil.unpack_archive(x)", "subprocess.run(x, shell=True)", "torch.jit.load(x)", "__import__(x)",
        "jinja2.Environment()",
        "jinja2.Environment(autoescape=False)", "os.execvp(x, x)",
    ],
)  # fmt: skip
def test_such_calls_are_seen(line):
    assert list(dangers(line))


def test_no_rule_calls_a_shell():
    for path in RULES:
        words = path.read_text().split()
        assert not {"shell:", "run:", "notebook:", "wrapper:"} & set(words), path
        assert "shell(" not in path.read_text()


def test_no_template_turns_the_escaping_off():
    for path in (ROOT / "workflow" / "report").glob("*.j2"):
        text = path.read_text().replace(" ", "")
        assert "|safe" not in text, path
        assert "autoescape" not in text, path


# Arrays and checkpoints


def test_a_checkpoint_runs_no_code(here):
    attack = tables.Attack("touch attacked")
    for content in (attack, {"weights": attack, "network": attack}, [attack]):
        for new in (True, False):
            torch.save(content, here / "checkpoint.pt", _use_new_zipfile_serialization=new)
            with pytest.raises(InputError, match="no checkpoint"):
                networks.load(here / "checkpoint.pt", "cpu")
    # torch's own advice, to load it with all that it holds, is not passed on
    with pytest.raises(InputError, match=r"holds more than weights$"):
        networks.load(here / "checkpoint.pt", "cpu")
    (here / "checkpoint.pt").write_bytes(pickle.dumps(attack))
    with pytest.raises(InputError, match="no checkpoint"):
        networks.load(here / "checkpoint.pt", "cpu")


def test_a_training_goes_on_from_no_code(here):
    """What a training resumes from lies in the folder of results, which others may write to."""
    source = (ROOT / "workflow" / "relatives" / "training.py").read_text()
    assert source.count("torch.load(") == source.count("weights_only=True") == 1


def test_an_array_runs_no_code(here):
    attack = tables.Attack("touch attacked")
    objects = np.empty((2, 3, 4), dtype=object)
    objects[...] = attack
    np.save(here / "PS.npy", objects, allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read as an array"):
        manifest._array(here / "PS.npy", [2, 3])
    (here / "PS.npy").write_bytes(pickle.dumps(attack))
    with pytest.raises(InputError, match="cannot be read as an array"):
        manifest._array(here / "PS.npy", [2, 3])
    # the control: it would run, if it were let
    np.load(here / "PS.npy", allow_pickle=True)
    (here / "attacked").unlink()


# Archives


def unpacked(place, archive):
    """The InputError of unpacking an archive into a folder of `place`, out of which nothing may come."""
    name = "a.zip" if archive[:2] == b"PK" else "a.tar"
    (place / name).write_bytes(archive)
    with pytest.raises(InputError) as error:
        downloads.unpack(place / name, place / "inside" / "data")
    assert [path for path in (place / "inside").rglob("*") if path.is_file()] == []
    assert sorted(path.name for path in place.iterdir()) == sorted([name, "inside"])
    return str(error.value)


def tar(*members):
    """A tar archive of members, each a TarInfo or a name, and its content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def member(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "name", ["../attacked", "/tmp/attacked", "a/../../attacked", "./../attacked", "a/b/../../../attacked"]
)
def test_no_member_leads_outside(here, name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("good.txt", "1")
        archive.writestr(name, "2")
    assert "would be written outside" in unpacked(here, file.getvalue())
    (here / "a.zip").unlink()
    assert "would be written outside" in unpacked(here, tar(("good.txt", b"1"), (name, b"2")))
    assert not Path("/tmp/attacked").exists()


@pytest.mark.parametrize("target", ["/tmp", "..", "../..", "."])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_nothing_is_written_through_a_link_of_the_archive(here, kind, target):
    archive = tar((member("way", kind, target), b""), ("way/attacked", b"2"))
    assert "is a link or a device" in unpacked(here, archive)
    assert not Path("/tmp/attacked").exists()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_and_unknown_members_are_refused(here, kind):
    assert "is a link or a device" in unpacked(here, tar((member("node", kind), b"")))


def test_a_negative_size_does_not_lead_in_a_circle(here):
    """CVE-2025-8194: tarfile goes back by it, and meets the same member again, for ever."""
    archive = bytearray(tar(("first", b"1" * 2000), ("second", b"2")))
    archive[124:136] = (-512).to_bytes(12, "big", signed=True)
    archive[148:156] = b" " * 8
    archive[148:156] = b"%06o\0 " % sum(archive[:512])
    (here / "a.tar").write_bytes(archive)
    case = tables.Case(
        "", "", lambda place: downloads.unpack(place / "a.tar", place / "data"), "below 0", True
    )
    assert inputs.of_case(case, here).fault == ""


def test_what_an_archive_unpacks_to_must_fit_the_disk(here, monkeypatch):
    """A bomb: 40 MB of zeros in 40 kB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(40_000_000))
    assert len(file.getvalue()) < 50_000
    usage = downloads.shutil.disk_usage(here)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: usage._replace(free=30_000_000))
    assert "needed to unpack" in unpacked(here, file.getvalue())


def test_a_member_is_no_larger_than_it_says(here):
    """The size by which the disk was judged is that of what is written: a lie ends the unpacking."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(5_000_000))
    lie = file.getvalue().replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (here / "a.zip").write_bytes(lie)
    with pytest.raises(InputError, match="cannot be unpacked"):
        downloads.unpack(here / "a.zip", here / "data")
    assert sum(path.stat().st_size for path in (here / "data").rglob("*")) <= 10


def test_an_encrypted_archive_is_refused(here):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "1")
    changed = bytearray(file.getvalue())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        changed[changed.index(mark) + offset] |= 1
    (here / "a.zip").write_bytes(changed)
    with pytest.raises(InputError, match="encrypted"):
        downloads.unpack(here / "a.zip", here / "data")


def test_a_list_of_checksums_names_no_other_place(here):
    (here / downloads.ARCHIVES).mkdir()
    data_set = downloads.DataSet("CC0", sums=downloads.File("http://127.0.0.1:9/sums.txt"), base="http://x")
    for line in ("0" * 64 + " ../../attacked", "0" * 64 + " ..", "0" * 64, "x y z", "\x00"):
        (here / downloads.ARCHIVES / "sums.txt").write_text(line)
        with pytest.raises(InputError, match=r"sums.txt: not the list"):
            downloads._listed(data_set, here / downloads.ARCHIVES)


# Names


@pytest.mark.parametrize(
    "name",
    [
        "-i", "-version", "--help", "pipe:", "pipe:0", "concat:a.m4a|b.m4a", "http:a.m4a", "file:a.m4a",
        "data:audio", "subfile,,start,0,end,9,,:a", "%03d.m4a", "$(touch attacked)", "`touch attacked`",
        "; touch attacked;", "| touch attacked", "a\ntouch attacked", "'\"", "*", "[a]", "lavfi:sine", "-",
    ],
)  # fmt: skip
def test_ffmpeg_takes_a_name_for_a_file(here, name):
    """Names of files in the working directory that mean something else in ffmpeg's own language."""
    signal = broken.clip("name", 0)
    Path(name).write_bytes(broken.encode(signal, "m4a"))
    decoded = audio.load(name, broken.RATE)
    assert abs(len(decoded) - len(signal)) < 3000
    streamed = folder._stream(Path(name), broken.RATE)
    assert abs(len(streamed) - len(signal)) < 3000


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile secret.wav\nfile secret.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "v=0\nc=IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
)
@pytest.mark.parametrize("name", ["list.wav", "list.m3u8", "list.sdp", "list.ffconcat"])
def test_a_list_is_not_followed_to_other_files(here, text, name):
    (here / "secret.wav").write_bytes(broken.encode(broken.clip("secret", 0), "wav-16"))
    (here / name).write_text(text)
    for read in (lambda: audio.load(here / name, 22050), lambda: folder._stream(here / name, 22050)):
        with pytest.raises(InputError, match="not audio"):
            read()


def test_names_reach_tables_and_pages_as_text(here):
    names = ["NA", "a\rb.wav", "=cmd()|x", "<img src=x onerror=alert(1)>.txt"]
    music = here / "music"
    for number, name in enumerate(["good.wav", "NA.wav", "<b>artist/<i>album/song.wav"]):
        data = broken.encode(broken.clip(str(number), 0, 3.5), "wav-16")
        replace(broken.File("", name, data)).put(music)
    for name in names:
        (music / name).write_text("no audio")
    settings = {"path": str(music), "split": [0.4, 0.3, 0.3], "shortest": 2.0}
    write(here / "store", folder.tracks(settings, 22050, 0, 1))
    assert set(Corpus(here / "store").tracks["artist"]) == {"", "<b>artist"}
    skipped = pd.read_csv(here / "store" / "skipped.csv", keep_default_na=False)
    assert sorted(skipped["file"]) == sorted(["NA", "a\\rb.wav", *names[2:]])
    page = test_report.build(skipped=skipped.assign(corpus="<script>alert(2)</script>"))
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.txt" in page


def test_the_page_of_an_encoder_escapes_its_names(here, monkeypatch):
    monkeypatch.setattr(cli, "BAR", 2.0)
    (here / "own.py").write_text("encode = lambda audio: audio.reshape(len(audio), 9, -1).std(axis=2)\n")
    for number, name in enumerate(("<script>alert(1)</script>.wav", "$x^{.wav", "<b>&amp;.wav")):
        signal = broken.clip(str(number), 0, 5.0)
        broken.File("", f"music/{name}", broken.encode(signal, "wav-16")).put(here)
    (here / "music" / "<img src=x onerror=alert(1)>.txt").write_text("no audio")
    monkeypatch.syspath_prepend(here)
    command = ["test-encoder", "own:encode", "--audio", "music", "--excerpts", "4", "--output", "<u>.html"]
    assert cli.main([*command, "--sample-rate", "8820"]) == 0
    page = (here / "<u>.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "<b>&amp;" not in page


# A configuration


def test_a_configuration_runs_no_code(here):
    """Tags of YAML that construct objects, and words that a shell or a format string would act on."""
    run = Run(here / "run", "folder")
    name = "{corpus} mu{x}sic $(touch attacked)"
    for number in range(3):
        data = broken.encode(broken.clip(str(number), 0, 3.5), "wav-16")
        broken.File("", f"{name}/{number}.wav", data).put(run.folder)
    preset = run.folder / "workflow" / "presets" / "folder.yaml"
    whole = preset.read_text()
    attack = '!!python/object/apply:os.system ["touch attacked"]'
    preset.write_text(f"seed: {attack}\n{whole}")
    assert "line 1 is no YAML: could not determine a constructor" in run.snakemake(
        "--dry-run", "--quiet", "all", check=False
    )
    preset.write_text(whole)
    asked = ["--config", f"corpora={{music: {{path: '{name}'}}}}"]
    output = run.snakemake("--dry-run", *asked, f"seed={attack}", check=False)
    assert "seed: ['touch attacked'] is not of type 'integer'" in output
    output = run.snakemake("--dry-run", *asked, f"noise={{recording: '{name}/0.wav'}}", check=False)
    assert "/0.wav has braces" in output
    run.snakemake("data/corpora/music/tracks.parquet", *asked)
    assert len(Corpus(run.folder / "data" / "corpora" / "music")) == 3


def test_what_an_encoder_may_run_is_what_it_names(here):
    """The module of an encoder is not imported by a check of the configuration."""
    from relatives import configuration

    (here / "mine.py").write_text("open('attacked', 'w')\nencode = None\n")
    config = tables.yaml.safe_load((ROOT / "config.yaml").read_text())
    config["encoders"] = ["MFCC", {"name": "mine", "python": "mine:encode"}]
    configuration.check(config)
    tables.follow(config)


def test_snakemake_runs_expressions_of_yte_by_itself(here):
    """What cannot be kept from here: a file that says so is a program to Snakemake (docs/reliability.md)."""
    run = Run(here / "run")
    evil = "__use_yte__: true\n__definitions__:\n  - import os\n  - os.mkdir('ran')\n"
    (run.folder / "evil.yaml").write_text(evil)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all", "--cores", "1"]
    subprocess.run(
        [*command, "--configfile", "evil.yaml"],
        cwd=run.folder,
        env=os.environ | {"PYTHONPATH": str(run.folder / "workflow")},
        capture_output=True,
    )
    assert (run.folder / "ran").exists()
