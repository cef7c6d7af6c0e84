"""The same audio twice: which files are the same, in a folder and on the sides of a data set's split."""

import csv
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from relatives import audio, corpora
from relatives.corpora import duplicates, folder, musdb
from relatives.corpora.duplicates import SAME, TOLERANCE, Seen, digest
from relatives.corpora.store import Corpus, Skipped, Track, write
from relatives.errors import InputError
from test_data_sets import (
    STEMS,
    ballroom_layout,
    fma_layout,
    gtzan_layout,
    irmas_layout,
    jamendo_layout,
    magnatagatune_layout,
    msd_layout,
    musdb_layout,
    read,
    splits,
)
from test_debian import audio as piece
from test_debian import copyright, ending, pieces, sound
from test_folder import RATE, ffmpeg, songs
from test_folder import read as read_folder


def music(seed=0, seconds=3.0, rate=RATE):
    """Noise on a tone, in whole steps of int16, (samples,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    signal = 0.4 * np.sin(2 * np.pi * 440 * time) + 0.05 * rng.normal(size=len(time))
    return audio.quantise(signal)


def both(signal):
    """(samples,) -> (samples, 2): the same in both channels."""
    return np.stack([signal, signal], axis=1)


# The digest


def apart(one, other):
    """The distance of two digests."""
    return float(np.linalg.norm(digest(one) - digest(other)))


def test_mono_and_two_equal_channels_have_one_digest():
    mono = music()
    assert apart(mono, mono[:, None]) < 1e-6
    assert apart(mono, both(mono)) < 1e-6
    # the mean of both channels, not one of them
    left, right = music(1), music(2)
    assert apart((left + right) / 2, np.stack([left, right], axis=1)) < 1e-6
    assert apart(left, np.stack([left, right], axis=1)) > 0.01


def test_of_stems_the_sum_is_the_mix():
    stems = np.stack([music(1), music(2)], axis=1)
    assert apart(stems, stems.sum(axis=1) / 2) < 1e-6


@pytest.mark.parametrize("decibels", [-80, -70, -50, -30, -10])
@pytest.mark.parametrize("seed", range(3))
def test_the_distance_of_two_digests_is_that_of_the_signals(decibels, seed):
    """Of signals of energy 1: so 60 dB below the music is the tolerance."""
    signal, noise = (np.random.default_rng([seed, part]).normal(size=66_150) for part in range(2))
    distance = apart(signal, signal + 10 ** (decibels / 20) * noise)
    assert distance == pytest.approx(10 ** (decibels / 20), rel=0.4)
    assert (distance < TOLERANCE) == (decibels < -60)


def test_a_gain_makes_another_audio_at_any_level():
    signal = music()
    for gain in (0.01, 0.998, 1.002, 2, 1e30):
        assert apart(signal, gain * signal) == pytest.approx(abs(np.log(gain)), rel=0.01)
        assert apart(1e30 * signal, 1e30 * gain * signal.astype(np.float64)) > TOLERANCE


def test_rounding_and_silence_behind_make_no_other_audio():
    signal = music()
    assert apart(signal, np.pad(signal, (0, 100_000))) < 1e-6
    dither = np.random.default_rng(0).triangular(-1, 0, 1, size=len(signal)) / 32768
    assert apart(signal, audio.quantise(signal + dither)) < TOLERANCE


@pytest.mark.parametrize("shift", [1, 10, 1021])
def test_another_beginning_is_another_audio(shift):
    signal = music()
    assert apart(signal, np.pad(signal, (shift, 0))) > 0.01
    assert apart(signal, signal[shift:]) > 0.01


def test_a_change_of_a_millisecond_is_another_audio():
    signal = music(seconds=30.0)
    other = signal.copy()
    other[300_000:300_022] *= -1
    assert apart(signal, other) > TOLERANCE


@pytest.mark.parametrize("period", [1, 2, 32, 512, 1021, 1024])
def test_steady_sounds_are_told_apart(period):
    """Their frames are all alike, and in a sum with random signs may cancel."""
    for frames in range(44, 144, 2):
        rng = np.random.default_rng(0)
        one, other = (np.resize(rng.normal(size=period), frames * duplicates.FRAME) for _ in range(2))
        if period == 1:
            other = np.cos(np.pi * np.arange(len(one)))  # a constant, and half the rate
        one, other = (signal / np.linalg.norm(signal) for signal in (one, other))
        assert apart(one, other) > 0.1


def test_silence_is_like_nothing():
    silence = np.zeros((3 * RATE, 2), np.float32)
    assert np.isnan(digest(silence)).all()
    seen = Seen("leave_out")
    assert seen.reason(digest(silence), "a") is None
    assert seen.reason(digest(silence), "b") is None


def test_the_digest_does_not_depend_on_the_blocks(monkeypatch):
    signal = both(music())
    whole = digest(signal)
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    assert np.linalg.norm(digest(signal) - whole) < 1e-6


def test_what_is_near_is_found_among_many():
    rng = np.random.default_rng(0)
    digests = rng.normal(size=(20_000, duplicates.NUMBERS + 1)) / duplicates.NUMBERS**0.5
    seen = Seen("leave_out")
    assert [seen.reason(found, str(name)) for name, found in enumerate(digests)] == [None] * len(digests)
    near = rng.normal(size=digests.shape)
    near *= 0.99 * TOLERANCE / np.linalg.norm(near, axis=1, keepdims=True)
    for name in range(0, len(digests), 10):
        assert seen.reason(digests[name] + near[name], "again") == f"{SAME} {name}"
        assert seen.reason(digests[name] + 3 * near[name], f"other {name}") is None


# In a folder


def same_as(name):
    return f"{SAME} {name}"


@pytest.mark.parametrize("rate", [RATE, 44100, 48000])
def test_a_folder_knows_mono_again_in_two_channels(tmp_path, rate):
    songs(tmp_path)
    signal = music(rate=rate)
    soundfile.write(tmp_path / "a mono.wav", signal, rate)
    soundfile.write(tmp_path / "b both.wav", both(signal), rate)
    soundfile.write(tmp_path / "c both.flac", both(signal), rate)
    soundfile.write(tmp_path / "d 24 bits.wav", signal, rate, subtype="PCM_24")
    soundfile.write(tmp_path / "e float.wav", both(signal), rate, subtype="FLOAT")
    tracks, reasons = read_folder(tmp_path)
    assert list(tracks) == ["a mono.wav", "song0.wav", "song1.wav", "song2.wav"]
    others = ["b both.wav", "c both.flac", "d 24 bits.wav", "e float.wav"]
    assert reasons == dict.fromkeys(others, same_as("a mono.wav"))


@pytest.mark.parametrize(
    ("coded", "containers"),
    [("a.wav", ["b.aiff", "c.w64", "d.caf", "e.au", "f.mka", "g.mov"]),
     ("a.flac", ["b.ogg", "c.mka"]), ("a.m4a", ["b.mka", "c.mov"]), ("a.mp3", ["b.mp4"]),
     ("a.ogg", ["b.mka", "c.webm"]), ("a.opus", ["b.mka"])],
)  # fmt: skip
def test_the_same_stream_in_another_container(tmp_path, coded, containers):
    songs(tmp_path)
    """Of MP3, Vorbis and Opus, another decoder reads it there, which rounds otherwise."""
    soundfile.write(tmp_path / "source.wav", both(music(rate=48000)), 48000)
    codec = ["-c:a", "libvorbis"] if coded == "a.ogg" else []
    ffmpeg("-i", tmp_path / "source.wav", *codec, tmp_path / coded)
    (tmp_path / "source.wav").unlink()
    for name in containers:
        codec = ["pcm_s16be"] if name in ("b.aiff", "e.au") else ["copy"]
        ffmpeg("-i", tmp_path / coded, "-c:a", *codec, tmp_path / name)
    _, reasons = read_folder(tmp_path)
    assert reasons == dict.fromkeys(containers, same_as(coded))


def test_tags_and_names_make_no_other_audio(tmp_path):
    songs(tmp_path)
    soundfile.write(tmp_path / "a.mp3", music(), RATE)
    ffmpeg("-i", tmp_path / "a.mp3", "-c:a", "copy", "-metadata", "title=Another", tmp_path / "b.mp3")
    # with a file of macOS beside it, libsndfile leaves the MP3 to ffmpeg
    shutil.copy(tmp_path / "a.mp3", tmp_path / "c.mp3")
    (tmp_path / "._c.mp3").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    assert read_folder(tmp_path)[1] == dict.fromkeys(["b.mp3", "c.mp3"], same_as("a.mp3"))


def test_a_long_recording_is_known_again_too(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LONG", 1)
    songs(tmp_path)
    soundfile.write(tmp_path / "a.wav", music(rate=44100), 44100)
    soundfile.write(tmp_path / "b.wav", both(music(rate=44100)), 44100)
    assert read_folder(tmp_path)[1] == {"b.wav": same_as("a.wav")}


def test_what_is_the_same_and_what_is_only_alike(tmp_path):
    signal = music(rate=44100)
    soundfile.write(tmp_path / "a.wav", signal, 44100)
    soundfile.write(tmp_path / "half as loud.wav", signal / 2, 44100)
    # which is half as loud in the mix
    soundfile.write(tmp_path / "left alone.wav", np.stack([signal, 0 * signal], axis=1), 44100)
    soundfile.write(tmp_path / "silence behind.wav", np.pad(signal, (0, 44100)), 44100)
    ffmpeg("-i", tmp_path / "a.wav", "-ar", "96000", "-c:a", "pcm_s24le", tmp_path / "of 96 kHz.wav")
    soundfile.write(tmp_path / "lossy.mp3", signal, 44100)
    soundfile.write(tmp_path / "other end.wav", np.append(signal[:-4410], music(1)[:4410]), 44100)
    soundfile.write(tmp_path / "silence before.wav", np.pad(signal, (4410, 0)), 44100)
    tracks, reasons = read_folder(tmp_path)
    used = ["a.wav", "half as loud.wav", "lossy.mp3", "other end.wav", "silence before.wav"]
    assert list(tracks) == used
    assert reasons == {
        "left alone.wav": same_as("half as loud.wav"),
        "of 96 kHz.wav": same_as("a.wav"),
        "silence behind.wav": same_as("a.wav"),
    }


def test_the_setting_of_a_folder(tmp_path):
    songs(tmp_path, count=9)
    for number in range(5):
        soundfile.write(tmp_path / f"copy{number}.wav", both(soundfile.read(tmp_path / "song4.wav")[0]), RATE)
    copies = [f"copy{number}.wav" for number in range(5)] + ["song4.wav"]

    tracks, reasons = read_folder(tmp_path)
    assert reasons == dict.fromkeys(copies[1:], same_as("copy0.wav"))
    alone = splits(tracks)
    for seed in range(5):
        tracks, reasons = read_folder(tmp_path, seed=seed, duplicates="one_split")
        assert (len(tracks), reasons) == (14, {})
        assert len({tracks[name].split for name in copies}) == 1
    tracks, reasons = read_folder(tmp_path, duplicates="one_split")
    assert {name: split for name, split in splits(tracks).items() if name in alone} == alone
    tracks, reasons = read_folder(tmp_path, duplicates="keep")
    assert (len(tracks), reasons) == (14, {})
    sides = [{read_folder(tmp_path, seed=seed, duplicates="keep")[0][name].split for name in copies}
             for seed in range(5)]  # fmt: skip
    assert max(map(len, sides)) > 1


def test_one_audio_in_three_files_is_no_corpus(tmp_path):
    songs(tmp_path, count=1)
    for name in ("a.wav", "b.wav"):
        shutil.copy(tmp_path / "song0.wav", tmp_path / name)
    for rule in ("leave_out", "one_split"):
        with pytest.raises(InputError, match="but 3 are needed"):
            read_folder(tmp_path, duplicates=rule)
    assert len(read_folder(tmp_path, duplicates="keep")[0]) == 3


def test_an_encoder_is_not_tested_on_the_same_audio_twice(tmp_path):
    soundfile.write(tmp_path / "mono.wav", music(), RATE)
    soundfile.write(tmp_path / "both.wav", both(music()), RATE)
    soundfile.write(tmp_path / "other.wav", music(1), RATE)
    items = list(folder.sample(tmp_path, 10, RATE, 2.0, 0, 2))
    assert Counter(type(item) for item in items) == {Track: 2, Skipped: 1}
    (reason,) = [item.reason for item in items if isinstance(item, Skipped)]
    assert reason in (same_as("mono.wav"), same_as("both.wav"))


# In data sets


def fma(tmp_path):
    """Clips 2, 3, 4 in training, validation and test; two more in each of training and test."""
    fma_layout(tmp_path)
    table = tmp_path / "fma_metadata" / "tracks.csv"
    for number, split in zip(range(10, 14), ("training", "training", "test", "test"), strict=True):
        table.write_text(f"{table.read_text()}{number},{split},small,Hip-Hop,[21],An Artist\n")
        soundfile.write(tmp_path / "fma_small" / "000" / f"{number:06}.mp3", music(number), RATE)
    return tmp_path / "fma_small" / "000"


def put(file, signal):
    """A WAV file under any name."""
    soundfile.write(file, signal, RATE, format="WAV")


def test_across_splits_the_one_in_the_test_is_kept(tmp_path):
    clips = fma(tmp_path)
    put(clips / "000002.mp3", both(music()))  # training
    put(clips / "000003.mp3", music())  # validation
    put(clips / "000004.mp3", both(music()))  # test
    put(clips / "000010.mp3", music(1))  # training, twice
    put(clips / "000011.mp3", both(music(1)))
    put(clips / "000012.mp3", music(2))  # test, twice
    put(clips / "000013.mp3", music(2))
    tracks, reasons = read("fma", tmp_path)
    assert reasons == {
        "000002": "the same audio as 000004, which is in test",
        "000003": "the same audio as 000004, which is in test",
        "000006": "has none of the 2 tags",
    }
    assert splits(tracks) == {
        "000004": "test", "000012": "test", "000013": "test", "000010": "train", "000011": "train",
    }  # fmt: skip
    # what is used though it came before says so
    notes = {name: track.notes for name, track in tracks.items() if track.notes}
    assert notes == {
        "000011": ("It is the same audio as 000010, and both are used.",),
        "000013": ("It is the same audio as 000012, and both are used.",),
    }
    # validation before training
    put(clips / "000004.mp3", music(3))
    tracks, reasons = read("fma", tmp_path)
    assert reasons["000002"] == "the same audio as 000003, which is in valid"
    assert tracks["000003"].split == "valid"


def test_the_setting_of_a_data_set(tmp_path):
    clips = fma(tmp_path)
    put(clips / "000002.mp3", music())
    put(clips / "000004.mp3", both(music()))
    put(clips / "000012.mp3", music())
    tracks, reasons = read("fma", tmp_path, duplicates="leave_out")
    of_audio = {name: reason for name, reason in reasons.items() if reason.startswith(SAME)}
    assert of_audio == {
        "000002": "the same audio as 000004, which is in test",
        "000012": "the same audio as 000004, which is in test",
    }
    tracks, reasons = read("fma", tmp_path, duplicates="keep")
    assert reasons == {"000006": "has none of the 2 tags"}
    assert len(tracks) == 7


@pytest.mark.parametrize(
    ("source", "layout", "settings"),
    [("irmas", irmas_layout, {}), ("msd", msd_layout, {}), ("magnatagatune", magnatagatune_layout, {}),
     ("jamendo", jamendo_layout, {}), ("gtzan", gtzan_layout, {"split": [0.6, 0.2, 0.2]}),
     ("ballroom", ballroom_layout, {}), ("fma", fma_layout, {})],
)  # fmt: skip
def test_no_data_set_has_the_same_audio_on_two_sides(tmp_path, source, layout, settings):
    layout(tmp_path)
    whole, reasons = read(source, tmp_path, **settings)
    assert not any(reason.startswith(SAME) for reason in reasons.values())
    module = corpora.source(source)
    given = {"source": source, "path": str(tmp_path)} | settings
    files = {item.track_id: item.file for item in module.items(given) if not isinstance(item, Skipped)}
    kept = next(name for name in whole if whole[name].split == "test")
    gone = next(name for name in whole if whole[name].split == "train")
    put(files[kept], music())
    put(files[gone], both(music()))
    tracks, more = read(source, tmp_path, **settings)
    assert more == reasons | {gone: f"the same audio as {kept}, which is in test"}
    assert splits(tracks) == {name: split for name, split in splits(whole).items() if name != gone}
    tracks, more = read(source, tmp_path, duplicates="keep", **settings)
    assert more == reasons
    assert splits(tracks) == splits(whole)


def test_of_stems_the_mixture_counts(tmp_path):
    musdb_layout(tmp_path)
    test, training = (tmp_path / "musdb18" / name for name in ("test/Tester - Test", "train/A - Cover"))
    # the same mixture of other stems: drums and bass change their names
    shutil.copytree(test, training)
    (training / "drums.wav").rename(training / "kept.wav")
    (training / "bass.wav").rename(training / "drums.wav")
    (training / "kept.wav").rename(training / "bass.wav")
    tracks, reasons = read("musdb", tmp_path)
    assert reasons == {"A - Cover": "the same audio as Tester - Test, which is in test"}
    assert set(STEMS) == set(musdb.STREAMS)
    assert len(tracks) == 6


def test_packages_have_the_same_audio_once(tmp_path):
    for number, name in enumerate(("one-music", "two-music", "three-music")):
        share = tmp_path / name / "usr/share/music"
        piece(share / f"own {name}.flac", sound(300 + 50 * number))
        piece(share / f"theme {name}.flac", both(music()) if number else music())
        copyright(tmp_path / name, name, "")
    packages = ["one-music", "two-music", "three-music"]
    tracks, reasons = pieces(tmp_path, packages=packages)
    assert len(tracks) == 4
    left = [name for name, reason in reasons.items() if reason.startswith(SAME)]
    kept = next(name for name in tracks if "theme" in name)
    # of the two files of the same bytes one goes before, by its bytes
    assert ending(reasons, "theme three-music.flac").startswith("the same file as two-music/")
    assert (len(left), len(reasons)) == (1, 2)
    assert reasons[left[0]] == f"the same audio as {kept}, which is in {tracks[kept].split}"
    tracks, reasons = pieces(tmp_path, packages=packages, duplicates="keep")
    assert (len(tracks), reasons) == (6, {})
    tracks, reasons = pieces(tmp_path, packages=packages, duplicates="one_split")
    assert (len(tracks), len(reasons)) == (4, 2)  # three packages, each on a side of its own


def test_the_store_and_the_log_list_what_was_left_out(tmp_path, capsys):
    clips = fma(tmp_path)
    put(clips / "000002.mp3", music())
    put(clips / "000004.mp3", both(music()))
    settings = {"source": "fma", "path": str(tmp_path), "shortest": 2.0}
    write(tmp_path / "store", corpora.source("fma").tracks(settings, RATE, 0, 2))
    with open(tmp_path / "store" / "skipped.csv", newline="") as file:
        rows = dict(csv.reader(file))
    assert rows["000002"] == "the same audio as 000004, which is in test"
    assert Corpus(tmp_path / "store").tracks["track_id"].tolist()[:3] == ["000004", "000012", "000013"]
    log = capsys.readouterr().err
    assert "Left out 000002: the same audio as 000004, which is in test\n" in log
    assert "Left out as the same audio as another track: 1\n" in log


def test_workers_change_nothing(tmp_path):
    clips = fma(tmp_path)
    put(clips / "000002.mp3", music())
    put(clips / "000004.mp3", both(music()))
    one, four = (read("fma", tmp_path, workers=workers) for workers in (1, 4))
    assert list(one[0]) == list(four[0])
    assert one[1] == four[1]
