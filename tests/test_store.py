"""The store gives back what was put in: every slice against plain arrays kept in memory."""

import hashlib
import weakref

import numpy as np
import pandas as pd
import pytest

from relatives import corpora
from relatives.corpora.store import FILES, Corpus, Skipped, Track, with_notes, write
from relatives.errors import InputError

STEP = 1 / 32768


def noise(*shape, scale=0.3, seed=0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).clip(-1, 1).astype(np.float32)


def three_tracks():
    """Mono, stereo and one channel in two dimensions, of different lengths."""
    yield Track(
        "b/täg 1", noise(1000), "train", "s1", "artist", "album", 1999, extra={"tempo": 120.5, "key": "C"}
    )
    yield Skipped('odd, "name".wav', "not audio")
    yield Track("a", noise(777, 2, seed=1), "test", "s2", extra={"tempo": 90.0})
    yield Track("c", noise(50, 1, seed=2), "valid", "s3", year=2001)


def separation_tracks():
    for number, split in enumerate(["train", "valid", "test"]):
        stems = noise(400 + number, 2, scale=0.1, seed=number)
        yield Track(f"t{number}", None, split, f"s{number}", labels={"vocal": 1, "choir": 0}, stems=stems)


def naive_slice(signal, first, samples):
    """Sample by sample, zero outside."""
    return [signal[n] if 0 <= n < len(signal) else 0 * signal[0] for n in range(first, first + samples)]


SLICES = [(0, 10), (5, 100), (-7, 20), (-30, 20), (40, 30), (5000, 8), (-10, 3000), (3, 0)]


def test_the_tables_say_what_is_where(tmp_path):
    write(tmp_path, three_tracks())
    corpus = Corpus(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert len(corpus) == 3
    tracks = corpus.tracks
    assert tracks["track_id"].tolist() == ["b/täg 1", "a", "c"]
    assert tracks["offset"].tolist() == [0, 1000, 1000 + 2 * 777]
    assert tracks["samples"].tolist() == [1000, 777, 50]
    assert tracks["channels"].tolist() == [1, 2, 1]
    assert tracks["split"].tolist() == ["train", "test", "valid"]
    assert tracks["gain"].tolist() == [1.0, 1.0, 1.0]
    assert tracks["year"].fillna(0).tolist() == [1999, 0, 2001]
    assert tracks["tempo"].tolist()[:2] == [120.5, 90.0]
    assert np.isnan(tracks["tempo"][2])
    assert [corpus.rows(split).tolist() for split in ("train", "valid", "test")] == [[0], [2], [1]]
    assert corpus.labels.shape == (3, 0)
    assert not corpus.has_stems
    assert (tmp_path / "stems.i16").stat().st_size == 0
    assert pd.read_csv(tmp_path / "skipped.csv").values.tolist() == [['odd, "name".wav', "not audio"]]


def test_notes_on_tracks_are_stored_and_printed(tmp_path, capsys):
    assert with_notes(tmp_path) == 0
    tracks = [item for item in three_tracks() if isinstance(item, Track)]
    tracks[1].notes = ("Its header is wrong.", "Two\nlines.")
    write(tmp_path, tracks)
    assert Corpus(tmp_path).tracks["notes"].tolist() == ["", "Its header is wrong. Two\\nlines.", ""]
    assert with_notes(tmp_path) == 1
    assert capsys.readouterr().err == "Note on a: Its header is wrong.\nNote on a: Two\\nlines.\n"


@pytest.mark.parametrize(("first", "samples"), SLICES)
def test_audio_slices(tmp_path, first, samples):
    write(tmp_path, three_tracks())
    corpus = Corpus(tmp_path)
    tracks = [item for item in three_tracks() if isinstance(item, Track)]
    for row, track in enumerate(tracks):
        mono = track.audio if track.audio.ndim == 1 else track.audio.mean(axis=1)
        found = corpus.audio(row, first, samples)
        assert found.dtype == np.float32
        assert found.shape == (samples,)
        np.testing.assert_allclose(found, naive_slice(mono, first, samples), atol=0.51 * STEP)


def test_audio_to_the_end(tmp_path):
    write(tmp_path, three_tracks())
    corpus = Corpus(tmp_path)
    assert [len(corpus.audio(row)) for row in range(3)] == [1000, 777, 50]
    np.testing.assert_array_equal(corpus.audio(1, 700), corpus.audio(1)[700:])
    assert len(corpus.audio(2, 60)) == 0


@pytest.mark.parametrize(("first", "samples"), SLICES)
def test_stem_slices(tmp_path, first, samples):
    write(tmp_path, separation_tracks())
    corpus = Corpus(tmp_path)
    for row, track in enumerate(separation_tracks()):
        found = corpus.stems(row, first, samples)
        assert found.shape == (samples, 2)
        expected = np.array(naive_slice(track.stems, first, samples)).reshape(-1, 2)
        np.testing.assert_allclose(found, expected, atol=0.51 * STEP)


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 50.0])
def test_stems_sum_exactly_to_the_mixture(tmp_path, scale):
    tracks = [Track("t", None, "test", "s", stems=scale * noise(5000, 2))]
    write(tmp_path, tracks)
    audio = np.fromfile(tmp_path / "audio.i16", "<i2").astype(int)
    stems = np.fromfile(tmp_path / "stems.i16", "<i2").astype(int)
    np.testing.assert_array_equal(stems[0::2] + stems[1::2], audio)
    gain = Corpus(tmp_path).tracks["gain"][0]
    assert (gain < 1) == (scale > 0.3)
    np.testing.assert_allclose(stems, tracks[0].stems.ravel() * gain / STEP, atol=0.51)


def test_labels_are_a_column_each(tmp_path):
    write(tmp_path, separation_tracks())
    corpus = Corpus(tmp_path)
    assert corpus.labels.columns.tolist() == ["vocal", "choir"]
    assert (corpus.labels.dtypes == np.uint8).all()
    assert corpus.labels.to_numpy().tolist() == [[1, 0]] * 3
    assert pd.read_parquet(tmp_path / "labels.parquet")["track_id"].tolist() == ["t0", "t1", "t2"]


def test_int16_survives_unchanged(tmp_path):
    pcm = np.array([-32768, -1, 0, 1, 32767, 12345], dtype=np.int16)
    write(tmp_path, [Track("t", (pcm * np.float32(STEP)), "test", "s")])
    np.testing.assert_array_equal(np.fromfile(tmp_path / "audio.i16", "<i2"), pcm)


def test_a_track_beyond_full_scale_is_turned_down_and_not_clipped(tmp_path):
    loud, whole = noise(1000, 2, scale=1.0) * 3, noise(1000)
    write(tmp_path, [Track("loud", loud, "test", "s"), Track("whole", whole, "test", "t")])
    corpus = Corpus(tmp_path)
    peak = np.abs(loud).max()
    assert corpus.tracks["gain"].tolist() == pytest.approx([1 / peak, 1.0])
    stored = np.fromfile(tmp_path / "audio.i16", "<i2")[:2000].reshape(-1, 2)
    np.testing.assert_allclose(stored * STEP, loud / peak, atol=1.01 * STEP)


def test_a_long_track_is_written_in_blocks(tmp_path, monkeypatch):
    write(tmp_path / "whole", three_tracks())
    monkeypatch.setattr("relatives.corpora.store.BLOCK", 7)
    write(tmp_path / "blocks", three_tracks())
    assert (tmp_path / "whole" / "audio.i16").read_bytes() == (tmp_path / "blocks" / "audio.i16").read_bytes()


@pytest.mark.parametrize("items", [three_tracks, separation_tracks])
def test_the_same_tracks_give_the_same_bytes(tmp_path, items):
    digests = []
    for name in ("one", "two"):
        write(tmp_path / name, items())
        digests.append([hashlib.sha256((tmp_path / name / file).read_bytes()).digest() for file in FILES])
    assert digests[0] == digests[1]


def test_a_failure_leaves_the_corpus_before_it_and_no_debris(tmp_path):
    def failing():
        yield from separation_tracks()
        raise RuntimeError("disk on fire")

    write(tmp_path, three_tracks())
    before = {file: (tmp_path / file).read_bytes() for file in FILES}
    with pytest.raises(RuntimeError, match="disk on fire"):
        write(tmp_path, failing())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_more_than_two_tracks_are_held(tmp_path):
    signals = []

    def watching():
        for number in range(6):
            assert sum(signal() is not None for signal in signals) <= 1
            audio = noise(100)
            signals.append(weakref.ref(audio))
            yield Track(f"t{number}", audio, "test", "s")
            del audio

    write(tmp_path, watching())
    assert len(signals) == 6


GOOD = {"track_id": "t", "audio": noise(100), "split": "test", "song": "s"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "dev"}, "the split is 'dev'"),
        ({"track_id": ""}, "track_id must be a text"),
        ({"audio": noise(0)}, "shape"),
        ({"audio": noise(10, 3)}, "shape"),
        ({"audio": noise(10, 2, 2)}, "shape"),
        ({"audio": np.array([0, np.nan], np.float32)}, "not numbers"),
        ({"audio": np.array([0, -np.inf], np.float32)}, "not numbers"),
        ({"stems": noise(100, 3)}, "shape"),
        ({"stems": noise(100)}, "shape"),
        ({"labels": {"x": 2}}, "0 or 1"),
        ({"extra": {"offset": 1}}, "offset"),
    ],
)
def test_a_bad_track_is_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        write(tmp_path, [Track(**GOOD | change)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({}, "'t' comes twice"),
        ({"track_id": "u", "labels": {"x": 1}}, "'u': its labels"),
        ({"track_id": "u", "stems": noise(100, 2)}, "'u': either all"),
    ],
)
def test_tracks_must_be_of_one_kind(tmp_path, second, message):
    with pytest.raises(InputError, match=message):
        write(tmp_path, [Track(**GOOD), Track(**GOOD | second)])


def test_no_track_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no track; 1 files were skipped"):
        write(tmp_path, [Skipped("a", "silent")])


def test_opening_what_is_no_corpus(tmp_path):
    with pytest.raises(InputError, match="holds no corpus"):
        Corpus(tmp_path)
    write(tmp_path, three_tracks())
    with open(tmp_path / "audio.i16", "ab") as file:
        file.write(b"\0\0")
    with pytest.raises(InputError, match="do not belong together"):
        Corpus(tmp_path)


def test_stems_of_a_corpus_without_any(tmp_path):
    write(tmp_path, three_tracks())
    with pytest.raises(InputError, match="no stems"):
        Corpus(tmp_path).stems(0, 0, 10)


def test_sources_are_found_by_name():
    assert corpora.source("folder").provides({}) == set()
    with pytest.raises(InputError, match="Did you mean 'synthetic'"):
        corpora.source("sinthetic")
