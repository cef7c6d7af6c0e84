"""Levels: silence is judged of the mix, a wild sample spoils no track, short tracks are left out or told."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from relatives import audio, cli, configuration, transforms
from relatives.corpora import excerpts, folder, musdb
from relatives.corpora import source as corpus_source
from relatives.corpora.store import Corpus, Skipped, Track, write
from relatives.errors import InputError
from relatives.transforms import noise
from test_folder import ffmpeg

RATE = 22050
SETTINGS = {"split": [0.4, 0.2, 0.4], "shortest": 2.0}
CONFIG = Path(__file__).parents[1] / "config.yaml"


def decibels(ratio):
    return 10 ** (ratio / 20)


def music(seed=0, seconds=4.0, level=-20.0):
    """Noise of a band that music has, of an RMS level in dB of full scale, (samples,) float32."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(round(seconds * RATE)))
    frequencies = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    spectrum[(frequencies < 100) | (frequencies > 3000)] = 0
    signal = np.fft.irfft(spectrum, round(seconds * RATE))
    return (signal * decibels(level) / audio.rms(signal)).astype(np.float32)


def stereo(left, right):
    return np.stack([left, right], axis=1)


def dither(seconds=4.0, seed=0):
    """What 16 bits round silence to: triangular noise of two steps, -96 dB of full scale."""
    rng = np.random.default_rng(seed)
    return ((rng.random((2, round(seconds * RATE))) - 0.5).sum(axis=0) / 32768).astype(np.float32)


def save(directory, others=3, rate=RATE, **signals):
    """A folder of some usable files and of these, as float WAV."""
    for number in range(others):
        soundfile.write(directory / f"good{number}.wav", music(100 + number), RATE, subtype="FLOAT")
    for name, signal in signals.items():
        soundfile.write(directory / f"{name}.wav", signal, rate, subtype="FLOAT")


def read(directory, source="folder", **settings):
    """The tracks by track_id, without those that are always there, and the reasons by file."""
    settings = SETTINGS | {"source": source, "path": str(directory)} | settings
    items = list(corpus_source(source).tracks(settings, RATE, 0, 2))
    tracks = {
        item.track_id: item for item in items if isinstance(item, Track) and "good" not in item.track_id
    }
    return tracks, {item.file: item.reason for item in items if isinstance(item, Skipped)}


# The channels and their mean


def test_the_mixes():
    left, right = music(1), music(2, level=-10)
    both = stereo(left, right)
    np.testing.assert_allclose(audio.mix(both, RATE), (left + right) / 2, atol=1e-7)
    np.testing.assert_array_equal(audio.mix(both, RATE, "left"), left)
    np.testing.assert_array_equal(audio.mix(both, RATE, "louder"), right)
    # a constant offset is no power, and of equals the first is taken
    np.testing.assert_array_equal(audio.mix(stereo(left, 0.01 * right + 0.9), RATE, "louder"), left)
    np.testing.assert_array_equal(audio.mix(stereo(left, left), RATE, "louder"), left)
    np.testing.assert_array_equal(audio.mix(left, RATE, "louder"), left)


@pytest.mark.parametrize(
    ("channels", "cancellation", "below", "share", "louder"),
    [
        ((1, 1), -3.0, 0.0, 0, 0),
        ((1, 0), 0.0, 6.0, 0, 0),
        ((0, 1), 0.0, 6.0, 0, 1),
        ((0, 0), 0.0, 0.0, 0, 0),
        ((1, -1), np.inf, np.inf, 1, 0),
        ((-0.9, 1), 22.6, 26.0, 1, 1),
        ((0, 0, 0, 0, 0, 1, 0, 0), 0.0, 18.1, 0, 5),
    ],
)
def test_how_far_channels_cancel(channels, cancellation, below, share, louder):
    found = audio.compare_channels(music()[:, None] * np.array(channels, np.float32), RATE)
    assert (
        found.cancellation == pytest.approx(cancellation, abs=0.1) or found.cancellation > 100 < cancellation
    )
    assert found.below == pytest.approx(below, abs=0.1) or found.below > 100 < below
    assert (found.share, found.louder) == (share, louder)


def test_independent_channels_do_not_cancel():
    found = audio.compare_channels(stereo(music(1), music(2)), RATE)
    assert found.cancellation == pytest.approx(0, abs=0.3)
    # nor do constant offsets make, or hide, a difference
    apart = audio.compare_channels(stereo(music(1) + 0.8, music(1) - 0.8), RATE)
    assert apart.cancellation == pytest.approx(-3.01, abs=0.01)
    hidden = audio.compare_channels(stereo(music(1) + 0.8, 0.8 - music(1)), RATE)
    assert hidden.cancellation > audio.CANCELLED


def test_what_sounds():
    assert audio.sounds(music(level=-60), RATE)
    assert audio.sounds(np.eye(1, RATE, RATE // 2)[0], RATE)  # one click
    silences = [
        np.zeros(RATE),
        np.full(RATE, 0.5),
        np.full(RATE, 1e-40, np.float32),
        dither(),
        dither() + np.float32(0.5),
        music(level=-74),
    ]
    for number, silence in enumerate(silences):
        assert not audio.sounds(silence, RATE), number
    # somewhere in a long one
    long = np.zeros(95 * RATE, np.float32)
    long[-RATE:] = music(level=-30)[:RATE]
    assert audio.sounds(long, RATE)


INVERTED = {
    "inverted": (stereo(music(), -music()), "more than 100 dB"),
    "nearly": (stereo(music(), -0.9 * music()), "26 dB"),
    "surround": (np.stack([music(), -music(), music(), -music()], axis=1), "more than 100 dB"),
}


@pytest.mark.parametrize("name", INVERTED)
@pytest.mark.parametrize("long", [False, True])
def test_channels_that_cancel_are_named_and_left_out(tmp_path, monkeypatch, name, long):
    signal, below = INVERTED[name]
    if long:
        monkeypatch.setattr(folder, "LONG", 1)
    save(tmp_path, **{name: signal})
    tracks, reasons = read(tmp_path)
    assert tracks == {}
    assert reasons == {
        f"{name}.wav": "its channels cancel each other in 100% of its length: their mean, which is measured,"
        f" is {below} below the louder one; mix: left or louder uses one of them"
    }
    for mix in ("left", "louder"):
        tracks, reasons = read(tmp_path, mix=mix)
        assert reasons == {}
        track = tracks[f"{name}.wav"]
        assert (track.audio.shape, track.notes) == ((4 * RATE,), ())
        np.testing.assert_allclose(track.audio, signal[:, 0], atol=1e-6)


def test_the_residue_of_a_codec_is_no_music(tmp_path):
    save(tmp_path)
    # not quite alike, so that the codec rounds the one otherwise than the other
    signal = stereo(music(), -music() + 4 * dither())
    soundfile.write(tmp_path / "inverted.flac", signal, RATE)
    ffmpeg("-i", tmp_path / "inverted.flac", "-joint_stereo", 0, "-b:a", "48k", tmp_path / "inverted.mp3")
    (tmp_path / "inverted.flac").unlink()
    decoded = audio.load(tmp_path / "inverted.mp3", RATE)
    # it is far above the peak of -70 dB of full scale that a silence has
    assert audio.peak(audio.mono(decoded)) > decibels(-65)
    tracks, reasons = read(tmp_path)
    assert tracks == {}
    assert "its channels cancel each other in 100% of its length" in reasons["inverted.mp3"]
    assert 15 < float(reasons["inverted.mp3"].split("is measured, is ")[1].split(" dB")[0]) < 80


def test_one_dead_channel_is_no_fault(tmp_path):
    save(tmp_path, dead_right=stereo(music(), 0 * music()), dead_left=stereo(0 * music(), music(1)))
    tracks, reasons = read(tmp_path)
    assert (set(tracks), reasons) == ({"dead_right.wav", "dead_left.wav"}, {})
    assert {track.notes for track in tracks.values()} == {()}
    tracks, reasons = read(tmp_path, mix="left")
    assert reasons == {
        "dead_left.wav": "its left channel, which mix: left uses, is silent; mix: louder uses the other"
    }
    tracks, reasons = read(tmp_path, mix="louder")
    assert reasons == {}
    assert audio.rms(tracks["dead_left.wav"].audio) == pytest.approx(0.1, rel=1e-3)


def test_silence_is_judged_by_loudness_and_without_an_offset(tmp_path):
    click = np.zeros(4 * RATE, np.float32)
    click[RATE] = 0.5
    save(
        tmp_path,
        offset=np.full(3 * RATE, 0.5, np.float32),
        offset_and_dither=dither() + np.float32(0.25),
        denormal=np.full(3 * RATE, 1e-40, np.float32),
        quiet=music(level=-74),
        click=click,
        soft=music(level=-60),
    )
    tracks, reasons = read(tmp_path)
    assert set(tracks) == {"click.wav", "soft.wav"}
    peak = 20 * np.log10(np.abs(music(level=-74)).max())
    assert reasons["quiet.wav"] == (
        "silent: nothing in it is above -70 LUFS, and its peak, a constant offset left out, is"
        f" {peak:.1f} dB of full scale"
    )
    assert reasons["offset.wav"] == "silent: a constant offset and nothing else"
    assert "-9" in reasons["offset_and_dither.wav"].rpartition("is")[2]
    assert set(reasons) == {"offset.wav", "offset_and_dither.wav", "denormal.wav", "quiet.wav"}


def test_samples_that_are_no_numbers_in_one_channel(tmp_path):
    right = music(2)
    right[50] = np.nan
    save(tmp_path, one=stereo(music(1), right))
    for mix in ("mean", "louder"):
        _, reasons = read(tmp_path, mix=mix)
        assert reasons == {
            "one.wav": "holds samples that are not numbers (NaN or infinite) in channel 2 of 2; mix: left"
            " would use the first"
        }
    tracks, reasons = read(tmp_path, mix="left")
    assert reasons == {}
    np.testing.assert_array_equal(tracks["one.wav"].audio, music(1))


def test_what_cancels_for_a_time_is_noted_and_not_drawn(tmp_path):
    left = music(seconds=20)
    right = left.copy()
    right[12 * RATE :] *= -1
    loose = music(3, seconds=20)
    save(tmp_path, partly=stereo(left, right), loose=stereo(loose, -0.6 * loose))
    tracks, reasons = read(tmp_path)
    assert reasons == {}
    assert tracks["partly.wav"].notes == (
        "Its channels cancel each other in 40% of its length, where no excerpt is drawn.",
    )
    # 20 log10(1 / 0.2)
    assert tracks["loose.wav"].notes == (
        "Its channels partly cancel each other: their mean is 14 dB below the louder one.",
    )
    track = tracks["partly.wav"]
    write(tmp_path / "store", [Track("partly", track.audio, "test", "s")])
    for seed in range(5):
        drawn = excerpts.draw(Corpus(tmp_path / "store"), 2 * RATE, 3 * RATE, 4, seed, RATE)
        # an excerpt of which half cancels is left out, too
        assert (drawn["first"] <= 11 * RATE).all()


def test_data_sets_have_the_same_test_and_the_same_mix(tmp_path):
    for number in range(12):
        path = tmp_path / "genres" / "blues" / f"blues.{number:05}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        signal = stereo(music(number), -music(number) if number == 5 else music(number + 50))
        soundfile.write(path, signal, RATE, subtype="FLOAT")
    tracks, reasons = read(tmp_path, source="gtzan")
    assert list(reasons) == ["blues.00005"]
    assert "cancel each other" in reasons["blues.00005"]
    tracks, reasons = read(tmp_path, source="gtzan", mix="left")
    assert reasons == {}
    np.testing.assert_array_equal(tracks["blues.00005"].audio, music(5))


def test_stems_are_mixed_in_one_way(tmp_path):
    left = {name: music(seed) for seed, name in enumerate(("vocals", "drums", "bass", "other"))}
    for name, signal in left.items():
        # alone, the right side of the bass is the louder one
        right = 1.5 * signal if name == "bass" else 0.1 * signal
        soundfile.write(tmp_path / f"{name}.wav", stereo(signal, right), RATE, subtype="FLOAT")
    for mix in ("left", "louder"):
        stems = musdb.read(tmp_path, RATE, mix)
        np.testing.assert_array_equal(stems[:, 0], left["vocals"])
        np.testing.assert_allclose(stems[:, 1], left["drums"] + left["bass"] + left["other"], atol=1e-6)
    np.testing.assert_allclose(musdb.read(tmp_path, RATE)[:, 0], 0.55 * left["vocals"], atol=1e-6)
    for name, signal in left.items():
        soundfile.write(tmp_path / f"{name}.wav", stereo(signal, -signal), RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="cancel each other in 100% of its length"):
        musdb.read(tmp_path, RATE)


# The recording of EN


def recording(path, signal):
    soundfile.write(path, signal, RATE, subtype="FLOAT")
    return path


def test_a_recording_whose_channels_cancel_is_refused(tmp_path):
    signal = music(seconds=10)
    path = recording(tmp_path / "bar.wav", stereo(signal, -0.9 * signal))
    with pytest.raises(
        InputError, match=r"bar\.wav: the channels .* in 100% of its length.* 26 dB below .* Set noise\.mix"
    ):
        noise.load(path, RATE)
    np.testing.assert_allclose(noise.load(path, RATE, "louder"), signal - signal.mean(), atol=1e-6)
    partly = stereo(signal, signal.copy())
    partly[-2 * RATE :, 1] *= -1
    with pytest.raises(InputError, match="in 20% of its length"):
        noise.load(recording(tmp_path / "partly.wav", partly), RATE)


@pytest.mark.parametrize(
    ("sounding", "level", "share"),
    [(0, -20, "0%"), (2, -20, "2[0-5]%"), (10, -74, "0%"), (4.4, -20, "4[4-9]%")],
)
def test_a_recording_that_is_mostly_silent_is_refused(tmp_path, sounding, level, share):
    signal = dither(10)
    signal[: round(sounding * RATE)] += music(seconds=10, level=level)[: round(sounding * RATE)]
    path = recording(tmp_path / "bar.wav", signal)
    with pytest.raises(
        InputError, match=rf"bar\.wav: only {share} of the recording is above -70 LUFS"
    ) as caught:
        noise.load(path, RATE)
    loudest = 20 * np.log10(np.abs(signal - signal.mean()).max())
    assert f"its peak {loudest:.1f} dB of full scale" in str(caught.value)


def test_a_recording_with_pauses_gives_no_hiss(tmp_path):
    signal = dither(10)
    signal[: 6 * RATE] += music(seconds=10)[: 6 * RATE]
    loaded = noise.load(recording(tmp_path / "bar.wav", signal + np.float32(0.3)), RATE)
    assert abs(loaded.mean()) < 1e-6
    for seed in range(60):
        piece = noise.cut(loaded, RATE, np.random.default_rng(seed), RATE)
        # of the hiss alone it would be -96 dB
        assert audio.rms(piece) > decibels(-60)


def test_a_recording_given_as_an_array_is_judged_too():
    signal = music(seconds=3)
    with pytest.raises(InputError, match="cancel each other: their mean is 26 dB below"):
        transforms.apply("EN", 10, music(1), RATE, noise=stereo(signal, -0.9 * signal))
    with pytest.raises(InputError, match=r"silent, or nearly so: its peak is -9\d\.\d dB"):
        transforms.apply("EN", 10, music(1), RATE, noise=dither())


# Near silence


@pytest.mark.parametrize(
    ("name", "magnitude"), [("PN", -15), ("EN", -15), ("PN", 30), ("TS", 1.5), ("PS", 12)]
)
@pytest.mark.parametrize("level", [-74, -90])
def test_what_is_below_the_gate_keeps_its_level(name, magnitude, level):
    quiet = music(level=level)
    assert audio.loudness(quiet, RATE) == -np.inf
    result = transforms.apply(name, magnitude, quiet, RATE, noise=music(5))
    assert 20 * np.log10(audio.rms(result)) == pytest.approx(level, abs=0.01)
    result, _ = transforms.excerpt(name, magnitude, quiet, 2 * RATE, RATE, noise=music(5))
    middle = audio.rms(audio.centre(quiet, 2 * RATE))
    # it is rounded to int16, whose noise is -101 dB
    assert 20 * np.log10(audio.rms(result) / middle) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(("name", "magnitude"), [("MP", 8), ("MP", 16), ("PS", 12), ("PS", 4)])
@pytest.mark.parametrize("level", [-20, -50, -74])
def test_what_a_transformation_leaves_nothing_of_is_zero(name, magnitude, level):
    time = np.arange(4 * RATE) / RATE
    fade = np.minimum(1, np.minimum(time, 4 - time) / 0.1)
    tone = (np.sqrt(2) * decibels(level) * np.sin(2 * np.pi * 9500 * time) * fade).astype(np.float32)
    result, vocals = transforms.excerpt(name, magnitude, tone, 2 * RATE, RATE, companion=0.5 * tone)
    # set back to the loudness of the tone, the codec's rounding would be noise of that level
    assert not result.any()
    assert not vocals.any()
    # where something is left, if little, it is set back
    result, _ = transforms.excerpt(name, magnitude, tone + music(1, level=level - 15), 2 * RATE, RATE)
    assert 20 * np.log10(audio.rms(result)) == pytest.approx(level, abs=5)


def test_excerpts_have_a_loudness(tmp_path):
    signal = music(seconds=30, level=-74)
    # the old test of silence lets it pass
    assert np.abs(signal).max() > decibels(-70)
    signal[20 * RATE :] = music(seconds=10)
    write(tmp_path, [Track("t", signal, "test", "s")])
    corpus = Corpus(tmp_path)
    for seed in range(10):
        drawn = excerpts.draw(corpus, 2 * RATE, 3 * RATE, 3, seed, RATE)
        for window in excerpts.windows(corpus, drawn, 2 * RATE, 2 * RATE):
            assert np.isfinite(audio.loudness(window, RATE))


def test_vocals_of_excerpts_have_a_loudness(tmp_path):
    vocals = music(seconds=30, level=-74)
    vocals[20 * RATE :] = music(seconds=10)
    stems = stereo(vocals, music(1, seconds=30))
    write(tmp_path, [Track("t", None, "test", "s", stems=stems)])
    corpus = Corpus(tmp_path)
    drawn = excerpts.draw(corpus, 2 * RATE, 3 * RATE, 3, 0, RATE)
    for window in excerpts.vocal_windows(corpus, drawn, 2 * RATE, 2 * RATE):
        assert np.isfinite(audio.loudness(window, RATE))


def test_a_corpus_of_near_silence_is_told(tmp_path):
    write(tmp_path, [Track("t", music(seconds=10, level=-74), "test", "s")])
    with pytest.raises(InputError, match="have room for 0 that have a loudness above -70 LUFS"):
        excerpts.draw(Corpus(tmp_path), 2 * RATE, 3 * RATE, 2, 0, RATE)


# Wild samples


def test_the_ceiling():
    quiet = music(level=-20)
    for wild in (5.0, 1e6, -1e30):
        signal = quiet.copy()
        signal[1000] = wild
        assert audio.ceiling(signal) == 1.0
        assert audio.ceiling(stereo(quiet, signal)) == 1.0
    burst = quiet.copy()
    burst[1000:1080] = 1e6
    assert audio.ceiling(burst) == 1.0
    # merely hot, throughout
    for gain in (1.0, 20.0, 1e6, 1e36):
        assert audio.ceiling(quiet * np.float32(gain)) == np.inf
    hot = quiet * np.float32(1.5 / np.abs(quiet).max())
    assert audio.ceiling(hot) == np.inf
    # a wild one among hot ones
    hot[1000] = 1e6
    assert audio.ceiling(hot) == pytest.approx(1.5)
    for strange in (np.nan, np.inf):
        hot[5] = strange
        assert audio.ceiling(hot) == np.inf
    assert audio.ceiling(quiet[:0]) == np.inf


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize("wild", [1e6, -1e30])
@pytest.mark.parametrize("long", [False, True])
def test_one_wild_sample_turns_nothing_down(tmp_path, monkeypatch, capsys, rate, wild, long):
    if long:
        monkeypatch.setattr(folder, "LONG", 1)
    signal = audio.resample(music(), RATE, rate).copy()
    signal[len(signal) // 2] = wild
    save(tmp_path, rate=rate, wild=signal)
    write(tmp_path / "store", folder.tracks(SETTINGS | {"path": str(tmp_path)}, RATE, 0, 2))
    corpus = Corpus(tmp_path / "store")
    [row] = np.flatnonzero(corpus.tracks["track_id"] == "wild.wav")
    assert corpus.tracks["gain"][row] == pytest.approx(1, abs=0.3 if rate != RATE else 0)
    # beside the wild sample all is as it was
    stored, gain = corpus.audio(row), corpus.tracks["gain"][row]
    apart = np.abs(np.arange(len(stored)) - len(stored) // 2) > 200
    apart[:200] = apart[-200:] = False  # where a filter meets the end
    np.testing.assert_allclose(stored[apart], gain * music()[apart], atol=2e-3 if rate != RATE else 1e-4)
    told = capsys.readouterr().err
    assert "Note on wild.wav: " in told
    assert f"far beyond full scale (up to {abs(wild):.3g} times) are faults of the file" in told or long
    assert "clipped to 1." in told


def test_a_hot_track_is_scaled_as_a_whole(tmp_path, capsys):
    hot = music() * np.float32(1.5 / np.abs(music()).max())
    write(tmp_path, [Track("hot", hot, "train", "s"), Track("huge", 1e4 * hot, "train", "t")])
    corpus = Corpus(tmp_path)
    assert corpus.tracks["gain"].tolist() == pytest.approx([1 / 1.5, 1 / 1.5e4])
    np.testing.assert_allclose(corpus.audio(0), hot / 1.5, atol=2e-5)
    np.testing.assert_allclose(corpus.audio(1), hot / 1.5, atol=2e-5)
    assert capsys.readouterr().err == (
        "Note on huge: It goes 84 dB beyond full scale and is turned down by so much.\n"
    )


def test_a_wild_sample_of_a_stem(tmp_path):
    stems = stereo(music(1), music(2))
    stems[500, 0] = 1e6
    write(tmp_path, [Track("t", None, "test", "s", stems=stems)])
    corpus = Corpus(tmp_path)
    assert corpus.tracks["gain"][0] == pytest.approx(1, abs=0.3)
    assert audio.rms(corpus.stems(0)[:, 1]) == pytest.approx(corpus.tracks["gain"][0] * 0.1, rel=1e-3)


# Short tracks


def config(**changes):
    found = yaml.safe_load(CONFIG.read_text())
    for key, value in changes.items():
        found[key] = found[key] | value
    return found


def test_the_shortest_track_fills_the_fastest_excerpt():
    mine = {"source": "irmas", "excerpts": 10}
    assert configuration.shortest(config(corpora={"mine": mine}), "mine") == 3.0
    assert configuration.shortest(config(corpora={"mine": mine | {"shortest": None}}), "mine") == 3.0
    assert configuration.shortest(config(corpora={"mine": mine | {"shortest": 2.5}}), "mine") == 2.5
    slower = config(corpora={"mine": mine}, transformations={"TS": [0.5, 1.25]})
    assert configuration.shortest(slower, "mine") == 2.5
    for tempi in (None, [0.5]):
        without = config(corpora={"mine": mine}, transformations={"TS": tempi})
        assert (configuration.fastest(without), configuration.shortest(without, "mine")) == (1.0, 2.0)
    assert configuration.shortest(config(), "tagging") is None  # composed to its length


def test_lengths_that_would_be_padded_are_refused():
    mine = {"source": "folder", "path": ".", "split": [0.4, 0.3, 0.3], "excerpts": 10}
    with pytest.raises(InputError, match=r"corpora\.mine\.shortest: 1\.5 s is shorter than an excerpt, 2 s"):
        configuration.check(config(corpora={"mine": mine | {"shortest": 1.5}}))
    with pytest.raises(InputError, match=r"excerpts\.window: a tempo of 3 times needs 6 s .* set it to 6"):
        configuration.check(config(transformations={"TS": [3]}))
    configuration.check(config(corpora={"mine": mine | {"shortest": 2.0, "mix": "louder"}}))
    with pytest.raises(InputError, match="mix"):
        configuration.check(config(corpora={"mine": mine | {"mix": "right"}}))


def test_a_short_track_is_left_out_or_told(tmp_path):
    save(
        tmp_path,
        short=music(seconds=2.07),
        enough=music(seconds=3.0),
        few=music(seconds=2.9),
        slack=music(5, 2.96),
    )
    tracks, reasons = read(tmp_path, shortest=3.0)
    assert set(tracks) == {"enough.wav", "slack.wav"}  # 0.05 s of slack
    assert reasons == {
        "few.wav": "too short: 2.90 s, and the shortest allowed is 3 s",
        "short.wav": "too short: 2.07 s, and the shortest allowed is 3 s",
    }
    (tmp_path / "slack.wav").unlink()
    tracks, reasons = read(tmp_path, shortest=2.0)
    assert reasons == {}
    found = [Track(name, track.audio, "test", name) for name, track in tracks.items()]
    write(tmp_path / "store", found)
    corpus = Corpus(tmp_path / "store")
    drawn = excerpts.draw(corpus, 2 * RATE, 4 * RATE, 3, 0, RATE)
    by_track = dict(
        zip(drawn["track_id"], excerpts.padding(corpus, drawn, 2 * RATE, 4 * RATE, 1.5), strict=True)
    )
    assert by_track["short.wav"] == pytest.approx(0.31, abs=1e-3)
    assert by_track["enough.wav"] == 0
    note = excerpts.note_of_padding(corpus, drawn, 2 * RATE, 4 * RATE, 1.5)
    assert note.startswith("At a tempo of 1.5 times 2 of 3 excerpts are in part zeros")
    assert "31% of the worst" in note
    assert note.endswith("The tracks, the worst first: short.wav, few.wav.")


# The command line


def test_test_encoder_draws_by_the_same_rules(tmp_path, capsys):
    save(tmp_path, others=0, inverted=stereo(music(), -music()), short=music(3, 2.5), whole=music(4, 6.0))
    _, drawn, skipped, _ = cli.read(tmp_path, 2, RATE, 0)
    assert set(drawn["track_id"]) == {"whole.wav"}
    assert "cancel each other" in skipped["inverted.wav"]
    assert skipped["short.wav"] == "too short: 2.50 s, and the shortest allowed is 3 s"
    _, drawn, skipped, _ = cli.read(tmp_path, 4, RATE, 0, mix="louder", shortest=2.0)
    assert skipped == {}
    assert set(drawn["track_id"]) == {"inverted.wav", "short.wav", "whole.wav"}
    assert "excerpts are in part zeros" in capsys.readouterr().err
    options = ["test-encoder", "mfcc", "--audio", "music", "--mix", "left", "--shortest", "2.5"]
    assert "--mix left --shortest 2.5" in cli.command(cli.parser().parse_args(options))
