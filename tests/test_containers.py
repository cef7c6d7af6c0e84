"""Files of several recordings, of sizes that their headers do not say, with junk among frames: read whole."""

import struct
from functools import cache

import numpy as np
import pytest

from faults import broken
from relatives import audio, containers
from relatives.corpora import folder
from relatives.errors import InputError

RATE = 22050


def tone(frequency, seconds, rate=RATE, channels=1):
    """(samples, channels); a hiss keeps codecs from making long frames of little."""
    time = np.arange(round(seconds * rate)) / rate
    hiss = 0.003 * np.random.default_rng(0).normal(size=(len(time), channels))
    return (0.3 * np.sin(2 * np.pi * frequency * time)[:, None] + hiss).astype(np.float32)


@cache
def encoded(form, frequency, seconds, rate=RATE, channels=1):
    """The bytes of a file of a tone."""
    rate = 48000 if form in ("ogg-opus", "webm") else rate
    return broken.encode(tone(frequency, seconds, rate, channels), form, rate)


def frequency_of(signal):
    return np.argmax(np.abs(np.fft.rfft(signal * np.hanning(len(signal))))) * RATE / len(signal)


def loaded(path, data):
    """A file as it is read at once, mixed to mono, and the notes; it is read alike as a stream."""
    path.write_bytes(data)
    notes, streamed_notes = [], []
    signal = audio.mono(audio.load(path, RATE, note=notes.append))
    streamed = audio.mono(folder._stream(path, RATE, streamed_notes.append))
    assert streamed_notes == notes
    assert abs(len(streamed) - len(signal)) <= 2 * max(1, len(notes))
    same = min(len(signal), len(streamed))
    np.testing.assert_allclose(streamed[:same], signal[:same], atol=2e-3)
    return signal, notes


ALL = [*broken.FORMATS, *broken.BY_FFMPEG, *broken.MORE]


@pytest.mark.parametrize("form", ALL)
def test_an_ordinary_file_is_left_to_its_decoder(form, tmp_path):
    data = encoded(form, 440, 2.0)
    parts, notes = containers.survey(data)
    assert (len(parts), parts[0].whole, notes) == (1, True, [])
    signal, notes = loaded(tmp_path / "a.bin", data)
    assert notes == []
    assert len(signal) / RATE == pytest.approx(2.0, abs=0.15)


# recordings end to end


@pytest.mark.parametrize("form", ALL)
def test_recordings_end_to_end_are_all_read(form, tmp_path):
    """Of other lengths, rates and numbers of channels."""
    data = encoded(form, 440, 2.0, 44100) + encoded(form, 880, 1.5, 22050, 2)
    signal, notes = loaded(tmp_path / "a.bin", data)
    assert len(signal) / RATE == pytest.approx(3.5, abs=0.2)
    assert frequency_of(signal[2000 : RATE + 2000]) == pytest.approx(440, abs=2)
    assert frequency_of(signal[-RATE - 2000 : -2000]) == pytest.approx(880, abs=2)
    # ffmpeg halves the power of what it puts into two channels, and LAME turns some down by 5 %
    level = 0.3 / np.sqrt(2) if form == "mp3-stereo" else 0.3
    assert np.sqrt(2) * signal[2000 : RATE + 2000].std() == pytest.approx(level, rel=0.07)
    assert np.sqrt(2) * signal[-RATE - 4000 : -4000].std() == pytest.approx(0.3, rel=0.07)
    assert len(notes) == 1 and "2 recordings lie end to end in it: 2.0" in notes[0]


@pytest.mark.parametrize("form", ["ogg-vorbis", "ogg-opus", "mp3", "mp3-bare", "aac", "wav-16", "flac-16"])
def test_three_parts_of_one_kind(form, tmp_path):
    data = b"".join(encoded(form, frequency, 1.5) for frequency in (440, 660, 880))
    signal, _ = loaded(tmp_path / "a.bin", data)
    assert len(signal) / RATE == pytest.approx(4.5, abs=0.25)
    for number, frequency in enumerate((440, 660, 880)):
        middle = round((0.75 + 1.5 * number) * RATE)
        assert frequency_of(signal[middle - 9000 : middle + 9000]) == pytest.approx(frequency, abs=3)


@pytest.mark.parametrize(
    "forms",
    [
        ("wav-16", "mp3"), ("mp3", "wav-16"), ("ogg-vorbis", "flac-16"), ("mp3-bare", "flac-16"),
        ("ogg-vorbis", "mp3-bare"), ("aiff-16", "wav-float"), ("m4a", "m4a"), ("aac", "mp3"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("between", [b"", bytes(5000), b"TAG" + bytes(125)], ids=["", "zeros", "tag"])
def test_recordings_of_other_kinds(forms, between, tmp_path):
    first, second = forms
    if between[:3] == b"TAG" and first in ("flac-16", "m4a"):
        pytest.skip("the end of these is not known")
    data = encoded(first, 440, 2.0) + between + encoded(second, 880, 1.5)
    signal, notes = loaded(tmp_path / "a.bin", data)
    assert len(signal) / RATE == pytest.approx(3.5, abs=0.25)
    assert frequency_of(signal[-RATE - 2000 : -2000]) == pytest.approx(880, abs=2)
    assert any("2 recordings" in words for words in notes)


def test_the_second_of_two_mp3s_has_no_count(tmp_path):
    """libsndfile stops where the first frame of the first says."""
    signal, notes = loaded(tmp_path / "a.mp3", encoded("mp3-xing", 440, 2.0) + encoded("mp3-bare", 880, 1.5))
    assert len(signal) / RATE == pytest.approx(3.5, abs=0.1)
    assert frequency_of(signal[-RATE - 2000 : -2000]) == pytest.approx(880, abs=2)
    assert "2 recordings lie end to end in it: 2.00 + 1.5" in notes[0]


def counting(data, frames):
    """An MP3 whose first frame counts so many frames."""
    at = data.index(b"Info" if b"Info" in data[:300] else b"Xing")
    return data[: at + 8] + struct.pack(">I", frames) + data[at + 12 :]


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_a_count_that_is_too_low_does_not_end_an_mp3(frames, tmp_path):
    signal, _ = loaded(tmp_path / "a.mp3", counting(encoded("mp3-xing", 440, 3.0), frames))
    assert len(signal) / RATE == pytest.approx(3.0, abs=0.15)


def test_a_later_recording_that_cannot_be_read_is_named(tmp_path):
    whole, second = encoded("flac-16", 440, 2.0), encoded("flac-16", 880, 2.0)
    signal, notes = loaded(tmp_path / "a.flac", whole + second[: len(second) // 2])
    assert 2.0 <= len(signal) / RATE <= 3.0
    assert "Of its 2 recordings, number 2 was not read to its end: the file is" in notes[0]
    signal, notes = loaded(tmp_path / "b.wav", encoded("wav-16", 440, 2.0) + b"\x93\x01\x07" * 900)
    assert len(signal) / RATE == pytest.approx(2.0, abs=0.1)


def test_the_stream_of_a_stem_file_goes_on_in_the_next_one(tmp_path):
    data = encoded("m4a", 440, 2.0) + encoded("m4a", 880, 1.5)
    (tmp_path / "a.m4a").write_bytes(data)
    notes = []
    assert len(audio.load_stream(tmp_path / "a.m4a", 0, RATE, notes.append)) == pytest.approx(
        3.5 * RATE, rel=0.05
    )
    assert "2 recordings" in notes[0]
    with pytest.raises(InputError, match=r"a.m4a: not audio, or broken"):
        audio.load_stream(tmp_path / "a.m4a", 1, RATE)


def test_what_a_file_promises(tmp_path):
    path = tmp_path / "a.bin"
    for data, seconds in (
        (encoded("ogg-vorbis", 440, 2.0), 2.0),
        (encoded("ogg-vorbis", 440, 2.0) + encoded("ogg-vorbis", 880, 1.5), np.inf),
        (encoded("aac", 440, 2.0), np.inf),
        (b"text" * 999, np.inf),
    ):
        path.write_bytes(data)
        assert audio.promised(path) == pytest.approx(seconds)


# sizes


def with_size(form, size):
    """A file of 2 s whose header says another size, and the name of the field."""
    data = bytearray(encoded(form, 440, 2.0))
    at, order, width = {
        "wav-16": (data.find(b"data") + 4, "<", 4),
        "wav-u8": (data.find(b"data") + 4, "<", 4),
        "wav-adpcm": (data.find(b"data") + 4, "<", 4),
        "rf64-16": (data.find(b"ds64") + 16, "<", 8),
        "w64-16": (data.find(b"data\xf3\xac") + 16, "<", 8),
        "aiff-16": (data.find(b"SSND") + 4, ">", 4),
        "aifc-float": (data.find(b"SSND") + 4, ">", 4),
        "au-16": (8, ">", 4),
        "caf-24": (data.find(b"data") + 4, ">", 8),
    }[form]
    right = int.from_bytes(data[at : at + width], "little" if order == "<" else "big")
    wrong = {"zero": 0, "all ones": (1 << 8 * width) - 1, "half": right // 2, "double": right * 2,
             "two thirds, odd": right * 2 // 3 | 1, "2 GB": (1 << 31) - 1}[size]  # fmt: skip
    data[at : at + width] = struct.pack(order + ("I" if width == 4 else "Q"), wrong)
    return bytes(data)


SIZED = ["wav-16", "wav-u8", "wav-adpcm", "rf64-16", "w64-16", "aiff-16", "aifc-float", "au-16", "caf-24"]


@pytest.mark.parametrize("form", SIZED)
@pytest.mark.parametrize("size", ["zero", "all ones", "half", "double", "two thirds, odd", "2 GB"])
def test_a_wrong_size_in_a_header_is_not_believed(form, size, tmp_path):
    right, _ = loaded(tmp_path / "right.bin", encoded(form, 440, 2.0))
    signal, notes = loaded(tmp_path / "wrong.bin", with_size(form, size))
    assert len(signal) == len(right)
    np.testing.assert_allclose(signal, right, atol=1e-6)
    if form in ("au-16", "caf-24") and size == "all ones":
        assert notes == []  # how these say that it is not known
    else:
        assert len(notes) == 1 and "Its header" in notes[0] and "read to its end" in notes[0]


def test_the_frames_of_an_aiff_are_counted_anew(tmp_path):
    data = bytearray(encoded("aiff-16", 440, 2.0))
    right, _ = loaded(tmp_path / "right.aiff", bytes(data))
    at = data.index(b"COMM") + 10
    for frames in (0, 1000, 0xFFFFFFFF):
        data[at : at + 4] = struct.pack(">I", frames)
        signal, _ = loaded(tmp_path / "wrong.aiff", bytes(data))
        np.testing.assert_array_equal(signal, right)


def test_both_sizes_of_a_wav_may_be_zero(tmp_path):
    samples = (20000 * tone(440, 2.0)[:, 0]).astype("<i2").tobytes()
    for riff in (0, 36, 8, 0xFFFFFFFF):
        signal, notes = loaded(tmp_path / "a.wav", broken.wav(samples, riff=riff, size=0))
        assert len(signal) == 2 * RATE
        assert notes == ["Its header counts 0.00 s; it was read to its end, 2.00 s."]


def test_a_silent_beginning_is_no_padding(tmp_path):
    samples = np.concatenate([np.zeros(RATE), 0.3 * np.ones(RATE)])
    data = broken.wav((samples * 32768).astype("<i2").tobytes(), size=0)
    assert len(loaded(tmp_path / "a.wav", data)[0]) == 2 * RATE


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


BEHIND = {
    "LIST": chunk(b"LIST", b"INFOISFT\x0e\0\0\0some software\0"),
    "id3": chunk(b"id3 ", b"ID3\x04\0\0\0\0\x0f\x76" + np.random.default_rng(1).bytes(3000)),
    "cue": chunk(b"cue ", bytes(28)) + chunk(b"smpl", np.random.default_rng(2).bytes(5001)),
    "unknown": chunk(b"Xyz1", np.random.default_rng(3).bytes(8000)),
    "a size too large": b"LIST" + struct.pack("<I", 90000) + np.random.default_rng(3).bytes(8000),
    "ID3v1": b"TAG" + b"title".ljust(125, b" "),
    "APE": b"APETAGEX"
    + struct.pack("<IIII", 2000, 6000, 1, 0xA0000000)
    + np.random.default_rng(4).bytes(6008),
    "zeros": bytes(9000),
    "text": b"These are words and no samples.\n" * 200,
    "zip": b"PK\3\4" + np.random.default_rng(5).bytes(9000),
}


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("samples", [44100, 44101])
def test_what_stands_behind_the_samples_is_not_sound(behind, samples, tmp_path):
    """A correct size is believed, whatever follows."""
    sound = (30000 * tone(440, 3.0)[:samples, 0]).astype(np.int8).tobytes()
    riff = 36 + samples + samples % 2 + len(BEHIND[behind])
    data = broken.wav(sound + bytes(samples % 2), riff=riff, size=samples, align=1, bits=8) + BEHIND[behind]
    signal, notes = loaded(tmp_path / "a.wav", data)
    assert len(signal) == samples
    assert len(notes) <= (behind == "zip")


def test_a_wav_of_more_than_its_header_can_say(tmp_path, monkeypatch):
    """Over 4 GB, for which the bound is set low here: the size is that of the rest of a division."""
    monkeypatch.setattr(containers, "LARGEST", 10_000)
    data = with_size("wav-16", "half")
    right = encoded("wav-16", 440, 2.0)
    np.testing.assert_array_equal(loaded(tmp_path / "a.wav", data)[0], loaded(tmp_path / "b.wav", right)[0])


# fewer samples than are counted


def test_an_mp3_in_a_wav_container_is_read_frame_by_frame(tmp_path):
    frames = encoded("mp3-bare", 440, 3.0)
    extra = struct.pack("<HHIHHH", 12, 1, 2, 1152, 1, 1393)
    for counted in (3 * RATE, 4 * RATE, 0):
        content = b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 0x55, 1, RATE, 0, 576, 0) + extra)
        content += chunk(b"fact", struct.pack("<I", counted)) + chunk(b"data", frames)
        signal, notes = loaded(tmp_path / "a.wav", b"RIFF" + struct.pack("<I", len(content)) + content)
        assert len(signal) / RATE == pytest.approx(3.0, abs=0.08)
        assert notes == []


def test_an_mp3_that_lost_its_end_is_left_out(tmp_path):
    for form in ("mp3-xing", "mp3-libsndfile"):
        data = encoded(form, 440, 3.0)
        for share in (0.5, 0.9):
            path = tmp_path / "cut.mp3"
            path.write_bytes(data[: round(share * len(data))])
            with pytest.raises(
                InputError, match=r"cut.mp3: the file is truncated: \d+ of 66150 samples .* of 3.00 s"
            ):
                audio.load(path, RATE)


def test_an_mp3_that_lacks_a_frame_or_two_is_used(tmp_path):
    data, frames = encoded("mp3-libsndfile", 440, 3.0), []
    at = containers._behind_tags(data, 0)
    while frame := containers._frame(data, at):
        frames.append(at)
        at += frame.length
    signal, notes = loaded(tmp_path / "a.mp3", data[: frames[-1]])
    assert 0 <= 3 * RATE - len(signal) <= 576
    assert notes == []
    signal, notes = loaded(tmp_path / "a.mp3", data[: frames[-3]])
    assert 3 * RATE - 3 * 576 <= len(signal) < 3 * RATE - 576
    assert notes == [
        f"It holds less than its container counts: {len(signal)} of {3 * RATE} samples are there,"
        f" {len(signal) / RATE:.2f} of 3.00 s."
    ]


def test_a_stream_whose_end_is_not_marked_has_a_note(tmp_path):
    data = encoded("ogg-vorbis", 440, 3.0)
    signal, notes = loaded(tmp_path / "a.ogg", data[: data.rindex(b"OggS") + 100])
    assert 0 < len(signal) / RATE < 3.0
    assert notes == ["The end of its last stream is not marked: it may have lost its end."]
    signal, notes = loaded(tmp_path / "a.mp3", encoded("mp3-bare", 440, 3.0)[:-50])
    assert len(signal) / RATE == pytest.approx(3.0, abs=0.1)
    assert notes == ["Its last frame is not whole: it may have lost its end."]


# junk among frames


def lyrics(size=3000):
    text = b"LYRICSBEGININD0000200" + b"la la la \r\n" * (size // 11)
    return text + b"%06dLYRICS200" % len(text)


def id3(size=2000, seed=0):
    sized = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + sized + b"APIC" + np.random.default_rng(seed).bytes(size - 4)


JUNK = {
    "Lyrics3": lyrics(),
    "zeros": bytes(4000),
    "ones": b"\xff" * 3000,
    "ID3v2": id3(),
    "ID3v2 of a picture": b"ID3\x04\0\0\0\x07\x68\0" + b"\xff\xfb\x90\x64" * 32000,
    "ID3v1": b"TAG" + b"a title".ljust(125, b"\0"),
    "APE": b"APETAGEX"
    + struct.pack("<IIII", 2000, 6000, 1, 0xA0000000)
    + bytes(8)
    + np.random.default_rng(4).bytes(6000),
    "text": b"These are words and no frames.\n" * 150,
    "some bytes": np.random.default_rng(6).bytes(300),
}


def between_frames(data, share):
    """The place of a frame at about so much of an MP3."""
    at = containers._behind_tags(data, 0)
    while at < share * len(data):
        at += containers._frame(data, at).length
    return at


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("form", ["mp3-xing", "mp3-bare", "mp3-libsndfile", "mp3-stereo", "mp2", "aac"])
@pytest.mark.parametrize("place", ["behind", "between", "before"])
def test_junk_among_frames_is_passed_over(junk, form, place, tmp_path):
    data = encoded(form, 440, 3.0)
    right, _ = loaded(tmp_path / "right.bin", data)
    if place == "before" and junk == "some bytes":
        pytest.skip("the start of such a file could be anything")
    at = {"behind": len(data), "between": between_frames(data, 0.5), "before": 0}[place]
    signal, _ = loaded(tmp_path / "junk.bin", data[:at] + JUNK[junk] + data[at:])
    assert len(signal) / RATE == pytest.approx(len(right) / RATE, abs=0.1)
    halves = [slice(2000, 25000), slice(-25000, -2000)]
    for half in halves:
        assert frequency_of(signal[half]) == pytest.approx(440, abs=2)
        assert signal[half].std() == pytest.approx(right[half].std(), rel=0.05)
    # nothing but the sound: no burst of what was taken for a frame
    assert np.abs(signal).max() < 1.1 * np.abs(right).max()


@pytest.mark.parametrize("junk", ["ID3v2", "APE"])
def test_a_tag_in_the_middle_of_a_frame_does_it_no_harm(junk, tmp_path):
    data = encoded("mp3-bare", 440, 3.0)
    right, _ = loaded(tmp_path / "right.mp3", data)
    at = between_frames(data, 0.5) + 70
    signal, notes = loaded(tmp_path / "a.mp3", data[:at] + JUNK[junk] + data[at:])
    np.testing.assert_array_equal(signal, right)
    assert notes == [
        f"{len(JUNK[junk])} bytes among its frames or behind them are no sound and were passed over."
    ]


@pytest.mark.parametrize("form", ["mp3", "mp3-bare", "aac"])
def test_a_file_with_a_hole_is_broken(form, tmp_path):
    """Garbage in the place of frames: sound is lost."""
    data = bytearray(encoded(form, 440, 3.0))
    data[len(data) // 2 : len(data) // 2 + 5000] = np.random.default_rng(7).bytes(5000)
    path = tmp_path / "hole.mp3"
    path.write_bytes(data)
    for read in (audio.load, folder._stream):
        with pytest.raises(
            InputError, match=r"hole.mp3: the file is broken: \d+ bytes among its frames are no sound"
        ):
            read(path, RATE)


def test_what_is_no_mp3_stays_refused(tmp_path):
    for content in (b"Once upon a time\n" * 3000, np.random.default_rng(8).bytes(100_000), b"\xff" * 50_000,
                    id3() + b"and no frame behind it " * 500, bytes(50_000)):  # fmt: skip
        (tmp_path / "no.mp3").write_bytes(content)
        with pytest.raises(InputError, match=r"no.mp3: not audio"):
            audio.load(tmp_path / "no.mp3", RATE)


def test_notes_reach_the_track(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.wav").write_bytes(encoded("wav-16", 440 + number, 3.0))
    (tmp_path / "joined.ogg").write_bytes(encoded("ogg-vorbis", 440, 2.0) + encoded("ogg-vorbis", 880, 1.5))
    settings = {"path": str(tmp_path), "split": [0.5, 0.25, 0.25], "shortest": 2.0}
    tracks = {track.track_id: track for track in folder.tracks(settings, RATE, 0, 1)}
    assert tracks["0.wav"].notes == ()
    assert tracks["joined.ogg"].notes == (
        "2 recordings lie end to end in it: 2.00 + 1.50 = 3.50 s, and all are used.",
    )
    assert len(tracks["joined.ogg"].audio) == 3.5 * RATE


def test_an_aiff_without_a_rate_is_broken(tmp_path):
    """libsndfile takes it for one sample a second: two seconds would last half a day."""
    data = bytearray(encoded("aiff-16", 440, 2.0))
    at = data.index(b"COMM") + 16
    data[at : at + 10] = bytes(10)
    (tmp_path / "a.aiff").write_bytes(data)
    with pytest.raises(InputError, match=r"a.aiff: the file is broken: its header gives no sampling rate"):
        audio.load(tmp_path / "a.aiff", RATE)


def test_headers_that_are_cut_come_to_an_end():
    """Whatever the place of the cut: no search goes round in a circle."""
    for form in ALL:
        data = encoded(form, 440, 2.0)
        for length in range(1, 200):
            parts, _ = containers.survey(data[:length])
            assert parts[0].ranges[0][1] <= length


# long recordings, read block by block


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_wild_samples_are_clipped_in_every_block_and_told_once(rate, tmp_path, monkeypatch):
    """Before the rate is changed, which would make 40 wild samples of each."""
    monkeypatch.setattr(audio, "AT_ONCE", 2 * rate)
    right = tone(440, 4.5, rate, 2)
    wild = right.copy()
    # the last one in a block of few samples
    wild[1000, 0], wild[rate + 1000, 1], wild[-3, 0] = 1e6, -1e30, 5e4
    path = tmp_path / "wild.wav"
    path.write_bytes(broken.encode(wild, "wav-float", rate))
    notes = []
    signal = np.concatenate(list(audio.stream(path, RATE, note=notes.append)))
    assert notes == [
        "3 sample(s) far beyond full scale (up to 1e+30 times) are faults of the file and are clipped to 1."
    ]
    assert len(signal) == pytest.approx(4.5 * RATE, abs=2)
    assert np.abs(signal).max() <= 1.5
    path.write_bytes(broken.encode(right, "wav-float", rate))
    clean = np.concatenate(list(audio.stream(path, RATE)))
    apart = np.ones(len(clean), dtype=bool)
    for at in (1000, rate + 1000, 4.5 * rate - 3):
        apart[max(0, int(at * RATE / rate) - 200) : int(at * RATE / rate) + 200] = False
    np.testing.assert_allclose(signal[apart], clean[apart], atol=2e-3)


def test_the_louder_channel_of_a_long_recording_is_not_the_one_with_a_wild_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LONG", 1)
    sound = tone(440, 4.0, 44100, 2)
    sound[:, 0] = 0
    sound[5000, 0] = 1e6
    path = tmp_path / "a.wav"
    path.write_bytes(broken.encode(sound, "wav-float", 44100))
    signal, reason = folder.examine(path, RATE, 1.0, mix="louder")
    assert reason is None
    assert audio.rms(signal) == pytest.approx(0.3 / np.sqrt(2), rel=0.01)
    assert frequency_of(signal.reshape(-1)[2000:-2000]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    "behind", [bytes(1 << 20), b"PK\3\4" + bytes(range(1, 256)) * 4096], ids=["zeros", "archive"]
)
def test_what_stands_behind_a_flac_does_not_make_it_unreadable(behind, tmp_path):
    signal, _ = loaded(tmp_path / "a.flac", encoded("flac-16", 440, 3.0) + behind)
    assert len(signal) == 3 * RATE


@pytest.mark.parametrize("form", ["wav-16", "aiff-16"])
def test_two_sizes_that_say_the_same_are_believed(form, tmp_path):
    unknown = np.random.default_rng(0).bytes(9000)
    data = encoded(form, 440, 3.0)
    signal, notes = loaded(tmp_path / "a.bin", data + unknown)
    assert len(signal) == 3 * RATE
    assert notes == ["9000 bytes behind its end are no sound of a known kind and are not read."]
