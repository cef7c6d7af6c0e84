"""Reading, resampling, cutting and loudness of audio."""

import io

import ffmpeg
import numpy as np
import pyloudnorm
import pytest
import soundfile

from relatives import audio
from relatives.errors import InputError

RATE = 22050


def tone(frequency, seconds, sample_rate, amplitude=0.3):
    return (
        amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sample_rate)) / sample_rate)
    ).astype(np.float32)


def frequency_of(signal, sample_rate):
    return np.argmax(np.abs(np.fft.rfft(signal))) * sample_rate / len(signal)


def encoded(path, signal, sample_rate, **options):
    """Write a file with ffmpeg: its format by the name."""
    sound = io.BytesIO()
    soundfile.write(sound, signal, sample_rate, format="WAV")
    written = audio.run_ffmpeg(ffmpeg.input("pipe:").output(str(path), **options), sound.getvalue())
    assert written == b""
    return path


# reading


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff", "[b] 50%: c.wav"])
def test_load_by_libsndfile(tmp_path, name):
    left, right = tone(1000, 1, 44100), tone(3000, 1, 44100)
    soundfile.write(tmp_path / name, np.stack([left, right], axis=1), 44100)
    signal = audio.load(tmp_path / name, RATE)
    assert signal.dtype == np.float32
    assert signal.shape[1] == 2
    assert abs(len(signal) - RATE) < 10
    assert frequency_of(signal[:, 0], RATE) == pytest.approx(1000, abs=2)
    assert frequency_of(signal[:, 1], RATE) == pytest.approx(3000, abs=2)
    assert audio.rms(signal) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("name", ["a.m4a", "a.wma", "a: b.m4a"])
def test_load_by_ffmpeg(tmp_path, monkeypatch, name):
    written = encoded(tmp_path / name.replace(": ", "_"), tone(1000, 1, 44100), 44100)
    written.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    signal = audio.load(name, RATE)
    assert signal.dtype == np.float32
    assert signal.shape[1] == 1
    assert frequency_of(signal[2000:-2000, 0], RATE) == pytest.approx(1000, abs=3)


def test_mp3_without_length_is_read_to_its_end(tmp_path):
    # the rate of the frames rises: a guess from the first frames is far off the true length
    signal = np.concatenate([np.zeros(44100 * 2), np.random.default_rng(0).normal(size=44100 * 2) * 0.1])
    path = encoded(tmp_path / "a.mp3", signal, 44100, write_xing=0, **{"q:a": 5})
    assert len(audio.load(path, 44100)) == pytest.approx(44100 * 4, abs=4 * 1152)
    assert audio.rms(audio.load(path, 44100)[44100 * 3 : 44100 * 4 - 5000]) == pytest.approx(0.1, rel=0.2)


def test_load_refuses(tmp_path):
    def refused(name, content, says):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=says) as error:
            audio.load(tmp_path / name, RATE)
        assert name in str(error.value)
        assert "0x" not in str(error.value)  # the same message in every run

    with pytest.raises(InputError, match="No such file"):
        audio.load(tmp_path / "missing.wav", RATE)
    refused("text.wav", b"Once upon a time\n" * 100, "not audio")
    refused("empty.mp3", b"", "not audio")
    for name in ("whole.mp3", "whole.flac", "whole.wav"):
        soundfile.write(tmp_path / name, np.random.default_rng(0).normal(size=88200) * 0.1, 44100)
    mp3, flac = (tmp_path / "whole.mp3").read_bytes(), (tmp_path / "whole.flac").read_bytes()
    refused("half.mp3", mp3[: len(mp3) // 2], "truncated: [0-9]+ of 88200")
    refused("half.flac", flac[: len(flac) // 2], "truncated")
    refused("header.wav", (tmp_path / "whole.wav").read_bytes()[:44], "no samples")


def ogg_checksum(page):
    """The CRC of an Ogg page, bit by bit: polynomial 0x04c11db7, nothing reflected, begun with 0."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x04C11DB7 if register & 0x80000000 else 0)
            register &= 0xFFFFFFFF
    return register


def claiming(data, frames):
    """An Ogg file whose last page says that the file has so many frames."""
    last = data.rindex(b"OggS")
    page = bytearray(data[last:])
    page[6:14] = frames.to_bytes(8, "little")
    page[22:26] = bytes(4)
    page[22:26] = ogg_checksum(page).to_bytes(4, "little")
    return data[:last] + page


def test_an_ogg_file_may_say_a_block_too_much(tmp_path):
    """Of 237 pieces of game music 5 are so: the last page counts 10 to 5,806 samples that are not there."""
    path = tmp_path / "music.ogg"
    soundfile.write(path, np.random.default_rng(0).normal(size=RATE) * 0.1, RATE)
    data = path.read_bytes()
    path.write_bytes(claiming(data, 2 * RATE))
    held = len(soundfile.read(path)[0])  # all that its packets hold, as the last page does not cut it
    assert RATE <= held < RATE + audio.OGG_SLACK
    for missing in (0, 104, audio.OGG_SLACK):
        path.write_bytes(claiming(data, held + missing))
        assert soundfile.info(path).frames == held + missing
        assert audio.load(path, RATE).shape == (held, 1)
    path.write_bytes(claiming(data, held + audio.OGG_SLACK + 1))
    with pytest.raises(InputError, match=f"truncated: {held} of"):
        audio.load(path, RATE)


# resampling, channels, cutting


@pytest.mark.parametrize("shape", [(8000,), (8000, 2)])
def test_resample(shape):
    signal = np.resize(tone(440, 1, 8000), shape[0])
    signal = signal if len(shape) == 1 else np.stack([signal] * 2, axis=1)
    resampled = audio.resample(signal, 8000, RATE)
    assert resampled.dtype == np.float32
    assert resampled.shape == (RATE, *shape[1:])
    middle = slice(2000, -2000)
    expected = tone(440, 1, RATE)
    np.testing.assert_allclose(
        resampled.T[..., middle].reshape(-1, RATE - 4000)[0], expected[middle], atol=1e-3
    )


def test_resample_does_not_alias():
    signal = tone(9000, 1, 44100)
    assert audio.rms(audio.resample(signal, 44100, 16000)) < 1e-3
    assert audio.resample(signal, 44100, 44100) is signal


def test_mono_and_rms():
    pair = np.array([[1, 3], [5, -5]], dtype=np.float32)
    np.testing.assert_array_equal(audio.mono(pair), [2, 0])
    np.testing.assert_array_equal(audio.mono(pair[:, 0]), [1, 5])
    assert audio.mono(pair).dtype == np.float32
    assert audio.rms(np.array([3.0, -4.0])) == pytest.approx(np.sqrt(12.5))
    assert audio.rms(np.zeros(0)) == 0


@pytest.mark.parametrize("length", range(1, 9))
@pytest.mark.parametrize("samples", range(1, 9))
def test_centre(length, samples):
    signal = np.arange(1, length + 1)
    middle = audio.centre(signal, samples)
    assert len(middle) == samples
    kept = middle[middle > 0]
    assert len(kept) == min(length, samples)
    np.testing.assert_array_equal(kept, signal[signal.tolist().index(kept[0]) :][: len(kept)])
    # what is lost or filled up on either side differs by one sample at most
    if length >= samples:
        assert 0 <= (length - kept[-1]) - (kept[0] - 1) <= 1
    else:
        before, after = middle.tolist().index(1), samples - 1 - middle.tolist().index(length)
        assert abs(before - after) <= 1
    stereo = audio.centre(np.stack([signal, -signal], axis=1), samples)
    np.testing.assert_array_equal(stereo, np.stack([middle, -middle], axis=1))


def test_int16():
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(audio.to_int16(audio.from_int16(every)), every)
    np.testing.assert_array_equal(
        audio.to_int16(np.array([2.0, 1.0, -1.0, -2.0])), [32767, 32767, -32768, -32768]
    )
    assert audio.from_int16(every).dtype == np.float32


# loudness


def test_loudness_of_the_reference_tone():
    # ITU-R BS.1770: a sine of 997 Hz at full scale in one channel reads -3.01 LUFS
    assert audio.loudness(tone(997, 3, 48000, amplitude=1), 48000) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 48000])
@pytest.mark.parametrize("seconds", [0.4, 0.51, 2, 31.3])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_loudness_is_pyloudnorms(sample_rate, seconds, channels):
    # it fades out below both gates
    fade = np.geomspace(1, 1e-6, round(seconds * sample_rate))
    signal = fade[:, None] * np.random.default_rng(0).normal(size=(len(fade), channels))
    expected = pyloudnorm.Meter(sample_rate).integrated_loudness(signal)
    assert audio.loudness(signal, sample_rate) == pytest.approx(expected, abs=1e-9)
    assert audio.loudness(signal[:, 0], sample_rate) == audio.loudness(signal[:, :1], sample_rate)


@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_has_no_loudness(samples):
    assert audio.loudness(np.zeros(samples), RATE) == -np.inf
    assert audio.loudness(np.full(samples, 1e-6), RATE) == -np.inf


def test_loudness_of_less_than_a_block():
    signal = tone(1000, 1, RATE)
    # 2205 samples are whole periods of the tone
    assert audio.loudness(signal[:2205], RATE) == pytest.approx(audio.loudness(signal, RATE), abs=0.05)


@pytest.mark.parametrize("target", [0.0, -23.0, -60.0, -69.9])
@pytest.mark.parametrize("kind", ["noise", "fading", "bass"])
def test_match_loudness(target, kind):
    signal = np.random.default_rng(0).normal(size=2 * RATE).astype(np.float32) * np.float32(1e-3)
    if kind == "fading":
        signal *= np.geomspace(1, 1e-3, len(signal), dtype=np.float32)
    elif kind == "bass":
        signal = tone(30, 2, RATE)
    matched = audio.match_loudness(signal, target, RATE)
    assert matched.dtype == np.float32
    assert pyloudnorm.Meter(RATE).integrated_loudness(matched) == pytest.approx(target, abs=2e-3)
    # a gain and nothing else
    np.testing.assert_allclose(
        matched * audio.rms(signal), signal * audio.rms(matched), rtol=1e-4, atol=1e-12
    )


def test_nothing_to_match():
    signal = tone(440, 1, RATE)
    np.testing.assert_array_equal(audio.match_loudness(signal, -np.inf, RATE), signal)
    np.testing.assert_array_equal(audio.match_loudness(0 * signal, -23.0, RATE), 0 * signal)
    assert audio.match_loudness(signal[:0], -23.0, RATE).shape == (0,)
