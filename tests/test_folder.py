"""A folder of anything: what is audio comes out as it is, what is not is named with its reason."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from relatives.corpora import folder
from relatives.corpora.store import Corpus, Skipped, Track, write
from relatives.errors import InputError

RATE = 22050
SETTINGS = {"split": [0.7, 0.1, 0.2], "shortest": 2.0}
MUSIC = Path(__file__).parents[1].parent / "shared" / "real_audio" / "music"


def tone(frequency, rate, channels=1, seconds=3.0):
    """A tone of amplitude 0.5, (samples, channels); the second channel is half as loud as the others."""
    time = np.arange(round(seconds * rate)) / rate
    gains = np.where(np.arange(channels) == 1, 0.25, 0.5)
    return (np.sin(2 * np.pi * frequency * time)[:, None] * gains).astype(np.float32)


def frequency_of(signal):
    """The strongest frequency of a signal at `RATE`, in Hz."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    return np.argmax(spectrum) * RATE / len(signal)


def ffmpeg(*arguments):
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *map(str, arguments)], check=True
    )


def songs(directory, count=3, start=300):
    """Some usable files."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        soundfile.write(directory / f"song{number}.wav", tone(start + 50 * number, RATE), RATE)


def read(directory, seed=0, workers=2, **settings):
    """The tracks by track_id, and the reasons by file."""
    items = list(folder.tracks(SETTINGS | {"path": str(directory)} | settings, RATE, seed, workers))
    tracks = {item.track_id: item for item in items if isinstance(item, Track)}
    reasons = {item.file: item.reason for item in items if isinstance(item, Skipped)}
    assert len(tracks) + len(reasons) == len(items)
    return tracks, reasons


FORMATS = {
    "8 kHz.wav": (8000, 1),
    "96 kHz.flac": (96000, 2),
    "24 bit.wav": (44100, 2),
    "deep/er/Ünïcødé – 歌.ogg": (44100, 2),
    "deep/lossy.mp3": (44100, 1),
    "deep/apple.aiff": (48000, 1),
    "surround.wav": (48000, 8),
    "from ffmpeg.m4a": (44100, 2),
    "from ffmpeg.wma": (44100, 1),
}


@pytest.fixture(scope="module")
def formats(tmp_path_factory):
    directory = tmp_path_factory.mktemp("all formats")
    for number, (name, (rate, channels)) in enumerate(FORMATS.items()):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        signal = tone(500 + 100 * number, rate, channels)
        if "ffmpeg" in name:
            soundfile.write(directory / "source.wav", signal, rate)
            ffmpeg("-i", directory / "source.wav", path)
            (directory / "source.wav").unlink()
        else:
            soundfile.write(path, signal, rate, subtype="PCM_24" if name == "24 bit.wav" else None)
    return directory


def test_every_format_is_read_right(formats):
    tracks, reasons = read(formats)
    assert reasons == {}
    assert list(tracks) == sorted(FORMATS, key=lambda name: Path(name).parts)
    for number, (name, (_, channels)) in enumerate(FORMATS.items()):
        audio = tracks[name].audio
        assert audio.dtype == np.float32
        # WMA keeps whole frames alone
        assert len(audio) == pytest.approx(3.0 * RATE, abs=1000 if name.endswith("wma") else 1)
        assert (1 if audio.ndim == 1 else audio.shape[1]) == (channels if channels <= 2 else 1)
        left = audio if audio.ndim == 1 else audio[:, 0]
        assert frequency_of(left) == pytest.approx(500 + 100 * number, abs=1)
        expected = 0.5 if channels <= 2 else (7 * 0.5 + 0.25) / 8
        middle = left[RATE : 2 * RATE]
        assert np.sqrt(2) * middle.std() == pytest.approx(expected, rel=0.05)
        if audio.ndim == 2 and channels == 2:
            assert audio[RATE : 2 * RATE, 1].std() == pytest.approx(middle.std() / 2, rel=0.05)


def test_names_of_folders_are_artist_and_album(tmp_path):
    songs(tmp_path)
    songs(tmp_path / "album", start=500)
    songs(tmp_path / "shelf" / "artist" / "album", start=700)
    tracks, _ = read(tmp_path)
    known = {name: (track.song, track.artist, track.album) for name, track in tracks.items()}
    assert known["song0.wav"] == ("song0.wav", "", "")
    assert known["album/song0.wav"] == ("album/song0.wav", "", "album")
    deepest = "shelf/artist/album/song0.wav"
    assert known[deepest] == (deepest, "artist", "album")


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path):
    songs(tmp_path)
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture either")
    (tmp_path / "list.cue").write_text('FILE "song0.wav" WAVE\n')
    (tmp_path / "text.wav").write_text("This is no sound.\n" * 1000)
    (tmp_path / "text.mp3").write_text("This is no sound.\n" * 1000)
    (tmp_path / "nothing.flac").write_bytes(b"")
    soundfile.write(tmp_path / "header alone.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "silent.wav", np.zeros(3 * RATE), RATE)
    soundfile.write(tmp_path / "nearly silent.wav", 2e-4 * tone(440, RATE), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", tone(440, RATE, seconds=1.5), RATE)
    for name, value in (("nan", np.nan), ("infinite", -np.inf)):
        signal = tone(440, RATE)
        signal[100] = value
        soundfile.write(tmp_path / f"{name}.wav", signal, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "whole.mp3", tone(440, RATE), RATE)
    whole = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    soundfile.write(tmp_path / "whole.flac", tone(880, RATE), RATE)
    whole = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken link.wav").symlink_to(tmp_path / "gone.wav")

    tracks, reasons = read(tmp_path)
    assert list(tracks) == ["song0.wav", "song1.wav", "song2.wav", "whole.flac", "whole.mp3"]
    expected = {
        "broken link.wav": "cannot be opened: No such file",
        "cover.jpg": "not audio",
        "cut.flac": "truncated",
        "cut.mp3": "truncated",
        "header alone.wav": "no samples",
        "infinite.wav": "not numbers",
        "list.cue": "not audio",
        "nan.wav": "not numbers",
        "nearly silent.wav": "silent",
        "nothing.flac": "not audio",
        "short.wav": "too short: 1.50 s, and the shortest allowed is 2 s",
        "silent.wav": "silent",
        "text.mp3": "not audio",
        "text.wav": "not audio",
    }
    assert list(reasons) == list(expected)
    for name, reason in expected.items():
        assert reason in reasons[name]
        assert str(tmp_path) not in reasons[name]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no names that are not UTF-8")
def test_a_name_that_is_not_utf_8(tmp_path):
    songs(tmp_path)
    (tmp_path / "song0.wav").rename(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    songs(tmp_path)
    assert read(tmp_path)[1] == {"caf\\udce9.wav": "its name is not UTF-8; rename it"}


def test_hidden_files_are_passed_over(tmp_path):
    songs(tmp_path)
    songs(tmp_path / ".Trash", start=900)
    (tmp_path / "._song0.wav").write_bytes(b"resource fork")
    tracks, reasons = read(tmp_path)
    assert (list(tracks), reasons) == (["song0.wav", "song1.wav", "song2.wav"], {})


def test_links_in_a_circle(tmp_path):
    songs(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a" / "c").symlink_to(tmp_path / "a" / "b", target_is_directory=True)
    tracks, reasons = read(tmp_path)
    assert list(tracks) == ["a/b/song0.wav", "a/b/song1.wav", "a/b/song2.wav"]
    assert reasons == {}


def test_a_linked_folder_is_read(tmp_path):
    songs(tmp_path / "elsewhere")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(read(tmp_path / "music")[0]) == 3


def test_the_same_audio_twice_is_used_once(tmp_path):
    songs(tmp_path)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "song1.wav").read_bytes())
    (tmp_path / "link.wav").symlink_to(tmp_path / "song2.wav")
    soundfile.write(tmp_path / "song2.flac", soundfile.read(tmp_path / "song2.wav")[0], RATE)
    tracks, reasons = read(tmp_path)
    assert list(tracks) == ["copy.wav", "link.wav", "song0.wav"]
    assert reasons == {
        "song1.wav": "the same audio as copy.wav",
        "song2.flac": "the same audio as link.wav",
        "song2.wav": "the same audio as link.wav",
    }


def test_workers_change_nothing(formats):
    one, two = read(formats, workers=1)[0], read(formats, workers=4)[0]
    assert list(one) == list(two)
    for name in one:
        assert one[name].split == two[name].split
        np.testing.assert_array_equal(one[name].audio, two[name].audio)


def test_a_long_recording_is_streamed(formats, monkeypatch):
    whole, _ = read(formats)
    monkeypatch.setattr(folder, "LONG", 1)
    streamed, reasons = read(formats)
    assert reasons == {}
    for name, track in whole.items():
        audio = streamed[name].audio
        # both channels of stereo are kept, as of a short one; more are mixed
        assert audio.shape[1:] in {(), (1,), track.audio.shape[1:]}
        audio = audio if audio.ndim == 1 else audio.mean(axis=1)
        mono = track.audio if track.audio.ndim == 1 else track.audio.mean(axis=1)
        middle = slice(RATE, 2 * RATE)
        np.testing.assert_allclose(audio[middle].std(), mono[middle].std(), rtol=0.02)
        assert abs(len(audio) - len(mono)) < 0.1 * RATE


# Split


@pytest.mark.parametrize("count", [3, 4, 5, 10, 97])
@pytest.mark.parametrize(
    "shares", [[0.7, 0.1, 0.2], [1, 1, 1], [0.98, 0.01, 0.01], [0.0, 0.5, 0.5], [1, 0, 0]]
)
def test_the_split_follows_the_shares_and_leaves_none_empty(count, shares):
    names = [f"song {number}" for number in range(count)]
    splits = folder.split(names, shares, seed=1)
    assert set(splits) == set(names)
    counts = Counter(splits.values())
    for name, share in zip(("train", "valid", "test"), shares, strict=True):
        assert counts[name] >= 1
        # each of the others may take one that the share does not give it
        assert abs(counts[name] - max(1, share / sum(shares) * count)) <= 2


def test_the_split_depends_on_seed_and_names_alone():
    names = [f"song {number}" for number in range(50)]
    once = folder.split(names, SETTINGS["split"], seed=1)
    assert once == folder.split(names[::-1], SETTINGS["split"], seed=1)
    other = folder.split(names, SETTINGS["split"], seed=2)
    assert sum(once[name] != other[name] for name in names) > 10


# What is no corpus


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: there is no such folder"):
        read(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path):
    songs(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        read(tmp_path / "song0.wav")


def test_an_empty_folder(tmp_path):
    (tmp_path / "empty" / "emptier").mkdir(parents=True)
    with pytest.raises(InputError, match=r"empty: the folder is empty"):
        read(tmp_path / "empty")


def test_a_folder_of_text_files(tmp_path):
    for number in range(7):
        (tmp_path / f"page{number}.txt").write_text("words " * 100)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: 0 of its 7 files can be used, but 3 are needed")
    assert "page0.txt: not audio" in message
    assert "and 2 more" in message


def test_two_files_are_not_enough_for_three_splits(tmp_path):
    songs(tmp_path, count=2)
    soundfile.write(tmp_path / "z.wav", np.zeros(3 * RATE), RATE)
    with pytest.raises(
        InputError, match=r"2 of its 3 files can be used, .* train, valid, test.* z.wav: silent"
    ):
        read(tmp_path)


# Into the store


def test_a_folder_becomes_a_corpus(formats, tmp_path):
    settings = SETTINGS | {"path": str(formats)}
    write(tmp_path, folder.tracks(settings, RATE, seed=0, workers=2))
    corpus = Corpus(tmp_path)
    tracks, _ = read(formats)
    assert corpus.tracks["track_id"].tolist() == list(tracks)
    assert corpus.labels.shape == (len(tracks), 0)
    for row, track in enumerate(tracks.values()):
        mono = track.audio if track.audio.ndim == 1 else track.audio.mean(axis=1)
        np.testing.assert_allclose(corpus.audio(row), mono, atol=2e-5)


def test_real_music(tmp_path):
    if not MUSIC.is_dir():
        pytest.skip(f"{MUSIC} is not there")
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(MUSIC.glob("*"), key=lambda path: path.stat().st_size)[:3]:
        (few / path.name).symlink_to(path)
    tracks, reasons = read(few)
    assert reasons == {}
    assert sorted(track.split for track in tracks.values()) == ["test", "train", "valid"]
    for name, track in tracks.items():
        expected = soundfile.info(few / name).duration
        assert len(track.audio) / RATE == pytest.approx(expected, abs=1e-3)
        assert track.audio.shape[1] == 2
