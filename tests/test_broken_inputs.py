"""Bad input: a selection of what ``make faults`` puts before the readers, other for every seed.

All of it is in `faults.broken` and `faults.tables`; here every thirteenth.
"""

from collections import defaultdict
from dataclasses import replace

import pytest

from faults import broken, inputs, tables
from relatives import audio
from relatives.corpora import folder
from relatives.errors import shown

EVERY = 13
SEED = 3

FILES = defaultdict(list)
for file in broken.files(SEED):
    FILES[file.kind].append(file)
CASES = [
    case
    for number, case in enumerate(tables.cases(SEED))
    if number % EVERY == SEED or case.name.endswith(("a line twice", "a pipe"))
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Those on broken audio: all of what is no file, is a list or is a copy, and some of the rest."""
    chosen = [file for kind in ("nodes", "lists", "twins", "names") for file in FILES[kind]]
    rest = [file for files in FILES.values() for file in files if file not in chosen and file.kind != "bombs"]
    place = tmp_path_factory.mktemp("broken")
    found, cost = inputs.of_audio("all", chosen + rest[SEED::EVERY], SEED, place)
    assert cost["peak_mb"] is None or cost["peak_mb"] < 300
    return found


def test_broken_audio_is_used_or_skipped_with_a_reason(verdicts):
    assert len(verdicts) > 140
    assert [verdict for verdict in verdicts if verdict.fault] == []
    assert {verdict.verdict for verdict in verdicts} == {broken.USED, broken.SKIPPED, broken.PASSED}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name!a}")
def test_a_broken_table_is_read_or_refused(case, tmp_path):
    verdict = inputs.of_case(case, tmp_path)
    assert verdict.fault == ""


def test_what_is_wrong_is_seen(tmp_path):
    """The harness itself: a file that is lost, a wrong length, a traceback, a table that is read."""
    good = next(file for file in FILES["whole"])
    lost = replace(good, name=".hidden.wav", verdict=None)
    long = replace(good, name="long.wav", seconds=2.0)
    faults = [found.fault for found in inputs.of_audio("x", [lost, long], SEED, tmp_path / "a")[0]]
    assert "should be used or skipped" in faults[0]
    assert "lasts 1.00 s, not 2.00" in faults[1]
    fails = tables.Case("x", "fails", lambda place: 1 / 0)
    reads = tables.Case("x", "reads", lambda place: None, refused=True)
    assert "ZeroDivisionError" in inputs.of_case(fails, tmp_path).fault
    assert inputs.of_case(reads, tmp_path).fault == "it is read, and should be refused"


def test_a_bomb_is_streamed_and_not_read(tmp_path, monkeypatch):
    """A small file of much audio, with the bounds set low: the true ones take a minute."""
    bomb = next(file for file in FILES["bombs"] if file.name == "an hour of silence.flac")
    bomb.put(tmp_path)
    path = tmp_path / bomb.name
    assert path.stat().st_size < 1e6
    with pytest.raises(audio.TooLarge, match="3600 s of 1 channels at 44100 Hz"):
        audio.load(path, 22050)
    monkeypatch.setattr(folder, "LONGEST", 60)
    assert folder.examine(path, 22050, 2.0) == (None, "longer than 0.0166667 h. Cut it into parts.")


@pytest.mark.parametrize("form", ["wav-16", "m4a", "flac-streamed"])
def test_what_is_too_large_for_the_memory_is_streamed(tmp_path, monkeypatch, form):
    path = tmp_path / "a.bin"
    path.write_bytes(broken.encode(broken.clip("large", SEED), form))
    whole = folder.decode(path, 22050)
    monkeypatch.setattr(audio, "IN_MEMORY", 10_000)
    with pytest.raises(audio.TooLarge):
        audio.load(path, 22050)
    assert len(folder.decode(path, 22050)) == pytest.approx(len(whole), abs=50)


def test_a_file_that_grows_by_its_rate_is_streamed(tmp_path):
    """A second a sample: 10,000 of them are 220 million at 22,050 Hz."""
    path = tmp_path / "slow.wav"
    path.write_bytes(broken.wav(b"\1\2" * 10_000, rate=1))
    with pytest.raises(audio.TooLarge):
        audio.load(path, 22050)


@pytest.mark.parametrize("form", ["flac-16", "mp3-libsndfile"])
def test_a_long_file_that_was_cut_is_told(tmp_path, monkeypatch, form):
    """Of an MP3 the decoder gives what is there; that it should be more, its header says."""
    monkeypatch.setattr(folder, "LONG", 1)
    whole = broken.encode(broken.clip("cut", SEED, seconds=6.0), form)
    (tmp_path / "cut.bin").write_bytes(whole[: len(whole) // 2])
    signal, reason = folder.examine(tmp_path / "cut.bin", 22050, 0.5)
    assert signal is None
    if form == "mp3-libsndfile":
        assert "the file is truncated: " in reason and " of 6.00 s" in reason
    else:
        assert "broken" in reason


def test_a_full_disk_is_not_the_fault_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(broken.encode(broken.clip("disk", SEED), "m4a"))
    monkeypatch.setattr(folder, "LONG", 0.1)

    class Full:
        """ffmpeg's output on a full disk."""

        name = "/dev/full"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(folder.tempfile, "NamedTemporaryFile", Full)
    with pytest.raises(OSError, match="No space left"):
        folder.examine(tmp_path / "a.m4a", 22050, 0.5)


def test_a_killed_decoder_is_not_the_fault_of_the_file(tmp_path, monkeypatch):
    import imageio_ffmpeg

    (tmp_path / "a.m4a").write_bytes(broken.encode(broken.clip("killed", SEED), "m4a"))
    killed = tmp_path / "ffmpeg"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(killed))
    with pytest.raises(ChildProcessError, match="killed"):
        folder.examine(tmp_path / "a.m4a", 22050, 0.5)


def test_a_name_stands_on_one_line():
    assert shown("a\nb\x1b[31m\u202egnp") == "a\\nb\\x1b[31m\\u202egnp"
    assert shown("Ünïcødé – 歌 \U0001f469\u200d\U0001f3a4") == "Ünïcødé – 歌 \U0001f469\u200d\U0001f3a4"
