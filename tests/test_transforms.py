"""The transformations, each measured by other means than those that made it."""

import numpy as np
import pedalboard
import pyloudnorm
import pytest
import scipy.signal

from relatives import audio, transforms
from relatives.errors import InputError
from relatives.transforms import mp3, noise, resampling, rubberband

RATE = 22050
KINDS = ("PS", "TS", "PN", "EN", "MP")
MODERATE = {"PS": 3.0, "TS": 1.25, "PN": 10.0, "EN": 10.0, "MP": 64.0}


def tone(frequency, seconds, amplitude=0.3):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def steady(*frequencies, seconds=2, amplitude=0.1):
    """Tones over a faint noise, without which Rubber Band takes their rounding errors for attacks."""
    signal = sum(tone(frequency, seconds, amplitude) for frequency in frequencies)
    return signal + 0.001 * np.random.default_rng(2).normal(size=len(signal))


def music(seconds=2, seed=0):
    """Something with attacks, harmonics and noise, never the same twice."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    signal = 0.01 * generator.normal(size=len(time))
    for onset in np.arange(0, seconds, 0.23):
        after = np.maximum(time - onset, 0)
        pitch = 110 * 2 ** (generator.integers(36) / 12)
        for harmonic in range(1, 6):
            sine = np.sin(2 * np.pi * pitch * harmonic * after)
            signal += (after > 0) * 0.1 / harmonic * np.exp(-6 * after) * sine
    return signal.astype(np.float32)


@pytest.fixture(scope="module")
def bar():
    """A recording for EN, 3 s in stereo: noise without anything above 2 kHz."""
    low = scipy.signal.butter(8, 2000, fs=RATE, output="sos")
    hiss = np.random.default_rng(5).normal(size=(3 * RATE, 2))
    return scipy.signal.sosfilt(low, hiss, axis=0).astype(np.float32)


def transformed(name, signal, bar, magnitude=None, seed=0):
    magnitude = MODERATE[name] if magnitude is None else magnitude
    return transforms.apply(name, magnitude, signal, RATE, seed=seed, noise=bar)


# the grid and its limits


def test_grid_is_the_studys():
    shifts = [0.25, 0.5, 0.75, 1, 2, 4, 6, 8, 10, 12]
    assert set(transforms.GRID["PS"]) == {sign * shift for shift in shifts for sign in (-1, 1)}
    percents = [*range(30, 91, 10), 92, 94, 96, 98, 102, 104, 106, 108, *range(110, 151, 10)]
    assert transforms.GRID["TS"] == tuple(percent / 100 for percent in percents)
    ratios = [-15, -10, -6, *range(-3, 0, 3), *range(3, 28, 3), *np.arange(27.5, 30.1, 0.5)]
    assert transforms.GRID["PN"] == transforms.GRID["EN"] == tuple(ratios)
    rates = [*range(8, 49, 8), *range(64, 129, 16), 160, 192, 224, 256, 320]
    assert transforms.GRID["MP"] == tuple(rates)
    assert sum(map(len, transforms.GRID.values())) == 94
    assert [len(transforms.GRID[name]) for name in KINDS] == [20, 20, 19, 19, 16]
    for name, magnitudes in transforms.GRID.items():
        assert all(type(magnitude) is float for magnitude in magnitudes)
        assert list(magnitudes) == sorted(magnitudes)
        assert set(transforms.SMALLEST[name]) <= set(magnitudes)
        for magnitude in magnitudes:
            transforms.check(name, magnitude)
    assert transforms.UNITS.keys() == {"OG", *KINDS}
    transforms.check("OG", 0.0)


@pytest.mark.parametrize(
    ("name", "magnitude", "says"),
    [
        ("PS", 24.5, r"PS, pitch shift \(semitones\): 24.5 is outside -24 to 24"),
        ("TS", 0.2, r"TS, tempo shift \(ratio of the original tempo\): 0.2 is outside 0.25 to 4"),
        ("TS", -1, "is outside 0.25 to 4"),
        ("PN", 61, r"PN, pink noise \(dB SNR\): 61 is outside -60 to 60"),
        ("EN", float("nan"), r"EN, environmental noise \(dB SNR\): nan is outside -60 to 60"),
        ("MP", 100, r"MP, MP3 compression \(kb/s\): 100 is no rate of MP3, which has 8 16 24 .* 320"),
        ("PS", "2", "'2' is not a number"),
        ("PSS", 1, "no transformation 'PSS'; the nearest is 'PS'"),
        ("mp3", 64, "no transformation 'mp3'; the nearest is 'MP'"),
    ],
)
def test_magnitude_outside_its_range(name, magnitude, says, bar):
    for call in (
        lambda: transforms.check(name, magnitude),
        lambda: transforms.apply(name, magnitude, music(), RATE, noise=bar),
        lambda: transforms.excerpt(name, magnitude, music(), RATE, RATE, noise=bar),
    ):
        with pytest.raises(InputError, match=says):
            call()


# every transformation


@pytest.mark.parametrize("name", KINDS)
def test_loudness_is_the_inputs(name, bar):
    signal = music()
    meter = pyloudnorm.Meter(RATE)
    grid = transforms.GRID[name]
    for magnitude in (grid[0], grid[len(grid) // 2], grid[-1]):
        result = transformed(name, signal, bar, magnitude)
        assert result.dtype == np.float32
        assert meter.integrated_loudness(result) == pytest.approx(meter.integrated_loudness(signal), abs=0.01)


@pytest.mark.parametrize("name", KINDS)
def test_silence_stays_silent(name, bar):
    silence = np.zeros(RATE, np.float32)
    result = transformed(name, silence, bar)
    np.testing.assert_array_equal(result, 0)
    result, companion = transforms.excerpt(
        name, MODERATE[name], silence, 5000, RATE, noise=bar, companion=silence
    )
    np.testing.assert_array_equal(result, np.zeros(5000))
    np.testing.assert_array_equal(companion, np.zeros(5000))


@pytest.mark.parametrize("samples", [1, 2, 3, 50, 1000, 8000])
@pytest.mark.parametrize("name", KINDS)
def test_short_input(name, samples, bar):
    signal = music()[2000 : 2000 + samples]
    for magnitude in (transforms.GRID[name][0], transforms.GRID[name][-1], MODERATE[name]):
        result = transformed(name, signal, bar, magnitude)
        assert len(result) == (max(1, round(samples / magnitude)) if name == "TS" else samples)
        assert np.all(np.isfinite(result))


@pytest.mark.parametrize("name", ("OG", *KINDS))
def test_unusable_audio(name, bar):
    magnitude = MODERATE.get(name, 0.0)
    for value in (np.nan, np.inf):
        broken = music()
        broken[[100, 2000]] = value
        with pytest.raises(InputError, match="2 of 44100 samples are not finite"):
            transforms.apply(name, magnitude, broken, RATE, noise=bar)
        with pytest.raises(InputError, match="not finite"):
            transforms.excerpt(name, magnitude, broken, RATE, RATE, noise=bar)
        with pytest.raises(InputError, match="not finite"):
            transforms.excerpt(name, magnitude, music(), RATE, RATE, noise=bar, companion=broken)
    with pytest.raises(InputError, match=r"shape \(0,\)"):
        transforms.apply(name, magnitude, np.zeros(0), RATE, noise=bar)
    with pytest.raises(InputError, match=r"shape \(44100, 2\)"):
        transforms.apply(name, magnitude, np.stack([music()] * 2, axis=1), RATE, noise=bar)


@pytest.mark.parametrize("name", KINDS)
def test_same_result_from_any_array(name, bar):
    signal = music()
    before = signal.copy()
    expected = transformed(name, signal, bar)
    np.testing.assert_array_equal(signal, before)
    np.testing.assert_array_equal(transformed(name, signal, bar), expected)
    np.testing.assert_array_equal(transformed(name, signal.astype(np.float64), bar), expected)
    np.testing.assert_array_equal(
        transformed(name, np.stack([signal, signal])[:, ::-1][0, ::-1], bar), expected
    )
    signal.flags.writeable = False
    np.testing.assert_array_equal(transformed(name, signal, bar), expected)


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_clipped(name, bar):
    assert np.abs(transformed(name, 10 * music(), bar)).max() > 1.5


def test_original_is_left_alone():
    signal = music()
    np.testing.assert_array_equal(transforms.apply("OG", 0.0, signal, RATE), signal)


# PS and TS


@pytest.mark.parametrize("semitones", transforms.GRID["PS"])
def test_pitch_shift_moves_the_harmonics(semitones):
    harmonics = 440 * np.arange(1, 5)
    signal = steady(*harmonics)
    result = transforms.apply("PS", semitones, signal, RATE)
    assert len(result) == len(signal)
    spectrum = np.abs(np.fft.rfft(result * np.hanning(len(result)), 8 * len(result)))
    frequencies = np.fft.rfftfreq(8 * len(result), 1 / RATE)
    for expected in harmonics * 2 ** (semitones / 12):
        near = np.abs(frequencies / expected - 1) < 0.1
        peak = frequencies[near][np.argmax(spectrum[near])]
        assert 1200 * np.log2(peak / expected) == pytest.approx(0, abs=4)  # cents
        assert spectrum[near].max() > 30 * np.median(spectrum)


def test_pitch_shift_keeps_the_tempo():
    clicks = click_track(0.5, 6)
    for semitones in (-12, 0.25, 12):
        assert period(transforms.apply("PS", semitones, clicks, RATE)) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("ratio", transforms.GRID["TS"])
def test_tempo_shift_moves_the_tempo(ratio):
    clicks = click_track(0.5, 6)
    result = transforms.apply("TS", ratio, clicks, RATE)
    assert len(result) == round(len(clicks) / ratio)
    assert period(result) == pytest.approx(0.5 / ratio, rel=0.006)


def test_tempo_shift_keeps_the_pitch():
    for ratio in (0.3, 0.98, 1.5):
        result = transforms.apply("TS", ratio, steady(440), RATE)
        spectrum = np.abs(np.fft.rfft(result * np.hanning(len(result)), 1 << 20))
        assert np.argmax(spectrum) * RATE / (1 << 20) == pytest.approx(440, rel=0.001)


def click_track(interval, seconds):
    """Short bursts of noise, so many seconds apart."""
    generator = np.random.default_rng(1)
    signal = np.zeros(round(seconds * RATE))
    burst = np.exp(-np.arange(1000) / 150)
    for onset in np.arange(0.1, seconds - 0.1, interval):
        start = round(onset * RATE)
        signal[start : start + len(burst)] += 0.3 * burst * generator.normal(size=len(burst))
    return signal.astype(np.float32)


def period(signal, hop=32):
    """Seconds between onsets: the best lag of the autocorrelation of the envelope."""
    # (samples,) -> (frames, hop)
    energy = np.square(signal[: len(signal) // hop * hop]).reshape(-1, hop).sum(axis=1)
    envelope = np.convolve(np.sqrt(energy), np.hanning(41), "same")
    envelope -= envelope.mean()
    correlation = scipy.signal.correlate(envelope, envelope)[len(envelope) - 1 :]
    least = round(0.2 * RATE / hop)
    return (least + np.argmax(correlation[least:])) * hop / RATE


def test_rubber_band_is_the_command_lines():
    # stored: what rubberband 3.1.2 wrote for this signal, called as in the comments
    n = np.arange(RATE)
    signal = 0.3 * np.sin(2 * np.pi * 220 * n / RATE) * (np.sin(2 * np.pi * 3 * n / RATE) > 0)
    signal = np.pad(signal + 0.1 * np.sin(2 * np.pi * 1500 * n / RATE), (0, 5000)).astype(np.float32)
    shifted = rubberband.pitch_shift(signal, RATE, 4)  # rubberband -p 4
    expected = [0.105, 0.017, 0.005, -0.248, 0.043, 0.175, 0.275, 0.086]
    np.testing.assert_allclose(shifted[1500 :: len(shifted) // 10][:8], expected, atol=2e-3)
    faster = rubberband.tempo_shift(signal, RATE, 1.3)  # rubberband -T 1.3
    expected = [0.101, -0.099, -0.019, 0.197, -0.097, 0.193, 0.333, -0.096]
    np.testing.assert_allclose(faster[1500 :: len(faster) // 10][:8], expected, atol=2e-3)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("semitones", [-24, -10, -8, -0.25, 0.5, 1, 4, 8, 12, 24])
def test_pitch_shift_is_rubber_bands(sample_rate, semitones):
    # white noise: every frequency up to the last shows how the resampler cuts
    signal = np.random.default_rng(0).normal(size=30000).astype(np.float32)
    found = rubberband.pitch_shift(signal, sample_rate, semitones)
    settings = {"pitch_shift_in_semitones": semitones, **rubberband.COMMAND_LINE_DEFAULTS}
    expected = pedalboard.time_stretch(signal[None], sample_rate, **settings)[0]
    middle = slice(150, -150)  # within the reach of the resampler
    assert len(found) == len(expected)
    assert audio.rms((found - expected)[middle]) < 1e-3 * audio.rms(expected)


def test_no_pitch_shift_is_rubber_bands():
    expected = pedalboard.time_stretch(music()[None], RATE, **rubberband.COMMAND_LINE_DEFAULTS)[0]
    np.testing.assert_array_equal(rubberband.pitch_shift(music(), RATE, 0), expected)


@pytest.mark.parametrize("step", [0.3, 1.2, 3.7])
@pytest.mark.parametrize("first", [-700.4, 0.0, 13.3])
def test_resampled_sine(step, first):
    frequency = 2.5 / max(1, step)  # radians a sample, near the end of the pass band
    sine = np.sin(frequency * np.arange(3000)).astype(np.float32)
    found = resampling.resample(sine, step, first, 1000)
    places = first + step * np.arange(1000)
    inside = (places > 130) & (places < 2870)
    np.testing.assert_allclose(found[inside], np.sin(frequency * places[inside]), atol=5e-5)
    outside = (places < -130) | (places > 3130)
    np.testing.assert_array_equal(found[outside], 0)


# PN and EN


@pytest.mark.parametrize("name", ["PN", "EN"])
def test_signal_to_noise_ratio(name, bar):
    # A sine at 8 kHz, where there is no noise to speak of: the gain of the loudness matching is the amplitude
    # with which the sine comes back, and what is left is the noise.
    sine = tone(8000, 2)
    for ratio in transforms.GRID[name]:
        result = transformed(name, sine, bar, ratio).astype(np.float64)
        gain = np.dot(result, sine) / np.dot(sine, sine)
        left = result - gain * sine
        measured = 20 * np.log10(gain * audio.rms(sine) / audio.rms(left))
        assert measured == pytest.approx(ratio, abs=0.1)


def test_pink_noise_is_pink():
    signal = noise.pink(60 * RATE, np.random.default_rng(0))
    frequencies, density = scipy.signal.welch(signal, RATE, nperseg=8192)
    used = (frequencies > 30) & (frequencies < 9000)
    slope, _ = np.polyfit(np.log2(frequencies[used]), 10 * np.log10(density[used]), 1)
    assert slope == pytest.approx(-3.01, abs=0.05)  # dB an octave
    assert np.mean(signal) == pytest.approx(0, abs=1e-12)


def test_environmental_noise_is_a_cut_of_the_recording():
    recording = np.arange(1, 1001)
    starts = set()
    for seed in range(200):
        piece = noise.cut(recording, 900, np.random.default_rng(seed), RATE)
        np.testing.assert_array_equal(np.diff(piece), 1)
        starts.add(piece[0])
    assert min(starts) < 5
    assert max(starts) > 97
    assert max(starts) <= 101


def test_short_recording_is_looped():
    recording = np.arange(1, 11)
    starts = set()
    for seed in range(100):
        piece = noise.cut(recording, 35, np.random.default_rng(seed), RATE)
        np.testing.assert_array_equal(np.diff(piece) % 10, 1)
        starts.add(piece[0])
    assert starts == set(range(1, 11))
    assert noise.cut(recording, 10, np.random.default_rng(0), RATE).tolist() == recording.tolist()


def test_silent_stretches_of_the_recording_are_passed_over():
    recording = np.zeros(2000)
    recording[-500:] = 1
    for seed in range(20):
        assert np.any(noise.cut(recording, 300, np.random.default_rng(seed), RATE))


@pytest.mark.parametrize(
    ("recording", "says"),
    [
        (None, "no recording"),
        (np.zeros(0), "no recording"),
        (np.zeros(5000), "silent"),
        (np.full(5000, np.nan), "not finite"),
    ],
)
def test_unusable_recording(recording, says):
    with pytest.raises(InputError, match=f"EN, environmental noise: .*{says}"):
        transforms.apply("EN", 10, music(), RATE, noise=recording)


@pytest.mark.parametrize("name", ["PN", "EN"])
def test_noise_belongs_to_the_seed(name, bar):
    signal = music()
    first = transformed(name, signal, bar, 10, seed=1)
    np.testing.assert_array_equal(transformed(name, signal, bar, 10, seed=1), first)
    # two excerpts of other seeds, or two magnitudes, do not share their noise
    for other in (transformed(name, signal, bar, 10, seed=2), transformed(name, signal, bar, 9, seed=1)):
        assert abs(np.corrcoef(first - signal, other - signal)[0, 1]) < 0.5


# MP


def rate_of_each_frame(stream):
    """kb/s of each frame, by the tables of the standard written out, and the bytes left over at the end."""
    rates, position = [], 0
    while position + 4 <= len(stream):
        first, second, third, _ = stream[position : position + 4]
        assert first == 0xFF
        assert second & 0xE6 == 0xE2  # sync; layer III
        mpeg1 = bool(second & 0x08)
        if mpeg1:
            table = "- 32 40 48 56 64 80 96 112 128 160 192 224 256 320 -"
            sampling = (44.1, 48, 32)[third >> 2 & 3]
        else:
            table = "- 8 16 24 32 40 48 56 64 80 96 112 128 144 160 -"
            sampling = (22.05, 24, 16)[third >> 2 & 3]
        rates.append(int(table.split()[third >> 4]))
        seconds = (1152 if mpeg1 else 576) / sampling / 1000
        position += int(rates[-1] * 1000 * seconds / 8 + 1e-9) + (third >> 1 & 1)
    return rates, len(stream) - position


@pytest.mark.parametrize("rate", transforms.GRID["MP"])
def test_mp3_has_its_rate_and_is_aligned(rate):
    signal = music(1.5)
    stream = mp3.encode(signal, RATE, rate)
    rates, rest = rate_of_each_frame(stream)
    assert set(rates) == {rate}
    assert rest == 0
    seconds = len(rates) * (1152 / 44100 if rate > 160 else 576 / 22050)
    assert len(stream) * 8 / seconds == pytest.approx(rate * 1000, rel=0.01)

    result = transforms.apply("MP", rate, signal, RATE)
    assert len(result) == len(signal)
    assert np.argmax(scipy.signal.correlate(result, signal)) == len(signal) - 1
    # and not by half a sample either
    phase = np.fft.rfft(result) * np.conj(np.fft.rfft(signal))
    low = slice(300, 1500)
    bins = np.arange(low.start, low.stop)
    weights = np.abs(phase[low])
    delay = -np.sum(weights * np.angle(phase[low]) * bins) / np.sum(weights * np.square(bins))
    assert delay * len(signal) / (2 * np.pi) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rate", mp3.RATES)
def test_mp3_keeps_the_level(rate):
    low = tone(440, 1)
    middle = slice(2000, -2000)
    result = mp3.compress(low.astype(np.float32), RATE, rate)[middle]
    assert np.dot(result, low[middle]) / np.dot(low[middle], low[middle]) == pytest.approx(1, abs=0.003)


def test_mp3_gets_better_with_the_rate():
    signal = music()
    errors = [audio.rms(mp3.compress(signal, RATE, rate) - signal) for rate in (8, 24, 48, 96, 160)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 3 * errors[-1]


@pytest.mark.parametrize("sample_rate", [8000, 16000, 32000, 44100, 48000])
@pytest.mark.parametrize("rate", [8, 144, 320])
def test_mp3_of_other_sampling_rates(sample_rate, rate):
    signal = tone(440, 1)[:8001].astype(np.float32)
    assert set(rate_of_each_frame(mp3.encode(signal, sample_rate, rate))[0]) == {rate}
    result = mp3.compress(signal, sample_rate, rate)
    assert len(result) == len(signal)
    assert np.argmax(scipy.signal.correlate(result, signal)) == len(signal) - 1


def test_clamped_rate_is_noticed(monkeypatch):
    monkeypatch.setattr(mp3, "sampling_rate", lambda sample_rate, rate: 22050)
    with pytest.raises(RuntimeError, match=r"MP3 of 320 kb/s: the encoder made frames of \[160\]"):
        mp3.encode(music(), RATE, 320)


def test_frame_headers():
    stream = mp3.encode(music(), RATE, 48)
    assert mp3.frame_rates(stream) == rate_of_each_frame(stream)[0]
    with pytest.raises(ValueError, match="no MP3 frame at byte 0"):
        mp3.frame_rates(b"RIFF" + stream)
    with pytest.raises(ValueError, match="no MP3 frame at byte 156"):
        mp3.frame_rates(stream[:156] + b"\0" + stream[156:])


# excerpts


@pytest.mark.parametrize("name", ("OG", *KINDS))
def test_excerpt(name, bar):
    window, meter = music(4), pyloudnorm.Meter(RATE)
    original = window[RATE : 3 * RATE]
    magnitude = MODERATE.get(name, 0.0)
    result, companion = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE, seed=3, noise=bar)
    assert companion is None
    assert result.shape == (2 * RATE,)
    assert result.dtype == np.float32
    assert meter.integrated_loudness(result) == pytest.approx(meter.integrated_loudness(original), abs=0.01)
    if name in ("PN", "EN"):
        expected = transforms.apply(name, magnitude, original, RATE, seed=3, noise=bar)
    else:
        # the middle of the transformed window, but for the loudness
        expected = audio.centre(transforms.apply(name, magnitude, window, RATE), 2 * RATE)
        expected = expected * audio.rms(result) / audio.rms(expected)
    # half a step of int16 away at most, to which excerpts are rounded
    np.testing.assert_allclose(result, expected, atol=0.5 / 32768 + 1e-5)


def band_level(signal, lowest):
    """Power in dB above a frequency."""
    frequency, power = scipy.signal.welch(signal, RATE, nperseg=1024)
    return 10 * np.log10(power[frequency > lowest].sum())


@pytest.mark.parametrize("loud", [1, 20])
@pytest.mark.parametrize("name", ("OG", *KINDS))
def test_excerpts_and_companions_lie_on_the_steps_of_int16(name, loud, bar):
    window, vocals = loud * music(4), loud * tone(440, 4)
    for signal in transforms.excerpt(name, MODERATE.get(name, 0.0), window, 2 * RATE, RATE, 3, bar, vocals):
        assert signal.dtype == np.float32
        steps = signal.astype(float) * 32768
        np.testing.assert_array_equal(steps, np.round(steps))
        # beyond full scale they are rounded as well, and not clipped
        assert (np.abs(signal).max() > 2) == (loud == 20)


def test_an_original_out_of_a_corpus_is_left_as_it_is_to_the_bit():
    stored = np.random.default_rng(0).integers(-32768, 32768, 4 * RATE).astype(np.int16)
    window = audio.from_int16(stored)
    result, companion = transforms.excerpt("OG", 0.0, window, 2 * RATE, RATE, companion=window)
    for signal in (result, companion):
        assert signal.tobytes() == window[RATE:-RATE].tobytes()


@pytest.mark.parametrize(("name", "magnitude"), [("PS", -12.0), ("TS", 0.98), ("MP", 64.0)])
def test_quantisation_does_not_tell_what_is_transformed(name, magnitude):
    # music without anything above 5 kHz: there only the noise of rounding is left
    low = scipy.signal.butter(16, 4000, fs=RATE, output="sos")
    window = audio.from_int16(audio.to_int16(scipy.signal.sosfilt(low, music(4))))
    original, _ = transforms.excerpt("OG", 0.0, window, 2 * RATE, RATE)
    result, _ = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE)
    # at most the noise of the first rounding, if it is kept, and that of the second: 3 dB more
    assert -1 < band_level(result, 9000) - band_level(original, 9000) < 3.5
    # white noise of a twelfth of a squared step, a sixth of whose band is counted
    assert band_level(original, 9000) == pytest.approx(
        10 * np.log10(2 / 32768**2 / 12 / RATE * 2025 / (RATE / 1024)), abs=1
    )


def test_excerpt_keeps_the_middle_where_it_was():
    # a click in the middle of the window stays in the middle of the excerpt
    window = np.zeros(4 * RATE, np.float32)
    window[2 * RATE - 20 : 2 * RATE + 20] = 0.5 * np.hanning(40)
    for name, magnitude in (("TS", 0.5), ("TS", 1.5), ("PS", 4.0), ("MP", 64.0), ("MP", 320.0)):
        result, _ = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE)
        off = abs(np.argmax(np.abs(result)) - RATE)
        assert off < (3 if name == "MP" else 0.03 * RATE), (name, magnitude)


def test_excerpt_of_a_short_window_is_padded():
    result, _ = transforms.excerpt("TS", 4.0, music(4), 2 * RATE, RATE)
    silent = RATE // 2
    np.testing.assert_array_equal(result[: silent - 1], 0)
    np.testing.assert_array_equal(result[-silent + 1 :], 0)
    assert audio.rms(result[silent:-silent]) > 0


def test_signal_to_noise_ratio_is_that_of_the_excerpt():
    window = np.concatenate([music(1, 1) * 30, tone(8000, 2), music(1, 2) * 30])
    sine = tone(8000, 2)
    result, _ = transforms.excerpt("PN", 6.0, window, 2 * RATE, RATE)
    gain = np.dot(result, sine) / np.dot(sine, sine)
    measured = 20 * np.log10(gain * audio.rms(sine) / audio.rms(result - gain * sine))
    assert measured == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("name", ["PS", "TS"])
@pytest.mark.parametrize("place", [0, 9, -1])
def test_companion_is_what_is_inside(name, place):
    vocals, accompaniment = 0.5 * music(4, 1), music(4, 2)
    mixture, magnitude = vocals + accompaniment, transforms.GRID[name][place]
    one, reference = transforms.excerpt(name, magnitude, mixture, 2 * RATE, RATE, companion=vocals)
    two, rest = transforms.excerpt(name, magnitude, mixture, 2 * RATE, RATE, companion=accompaniment)
    # whichever part goes along, the mixture is the same, and the parts add up to it
    assert audio.rms(two - one) < 0.01 * audio.rms(one)
    assert audio.rms(reference + rest - one) < 0.01 * audio.rms(one)
    # but for its phases, it is what Rubber Band makes of the mixture
    alone, _ = transforms.excerpt(name, magnitude, mixture, 2 * RATE, RATE)
    spectra = [np.abs(scipy.signal.stft(signal, RATE, nperseg=1024)[2]) for signal in (one, alone)]
    assert np.corrcoef(*(spectrum.ravel() for spectrum in spectra))[0, 1] > 0.8


def test_companion_is_free_of_the_rest():
    vocals = steady(440, seconds=4).astype(np.float32)
    mixture = vocals + music(4)
    _, companion = transforms.excerpt("PS", 12.0, mixture, 2 * RATE, RATE, companion=vocals)
    spectrum = np.square(np.abs(np.fft.rfft(companion * np.hanning(len(companion)))))
    frequencies = np.fft.rfftfreq(len(companion), 1 / RATE)
    assert spectrum[np.abs(frequencies - 880) < 20].sum() > 0.99 * spectrum.sum()


@pytest.mark.parametrize("name", ["PS", "TS"])
def test_companion_that_is_all_or_nothing(name):
    window, magnitude = music(4), MODERATE[name]
    alone, _ = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE)
    result, companion = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE, companion=window)
    np.testing.assert_array_equal(companion, result)
    np.testing.assert_allclose(result, alone, atol=1e-5)
    result, companion = transforms.excerpt(name, magnitude, window, 2 * RATE, RATE, companion=0 * window)
    np.testing.assert_array_equal(companion, 0)
    np.testing.assert_allclose(result, alone, atol=1e-5)


@pytest.mark.parametrize("name", ["OG", "PN", "EN", "MP"])
def test_companion_is_scaled_as_the_mixture(name, bar):
    # the vocals are a sine at 8 kHz, which the noises hardly touch and the codec keeps
    vocals = audio.quantise(tone(8000, 4, 0.2))
    mixture = vocals + audio.quantise(music(4))
    magnitude = {"MP": 128.0}.get(name, MODERATE.get(name, 0.0))
    result, companion = transforms.excerpt(
        name, magnitude, mixture, 2 * RATE, RATE, noise=bar, companion=vocals
    )
    middle = vocals[RATE:-RATE]
    gain = np.dot(companion, middle) / np.dot(middle, middle)
    np.testing.assert_allclose(companion, gain * middle, atol=0.6 / 32768)
    if name == "OG":
        assert gain == 1
        np.testing.assert_array_equal(result, mixture[RATE:-RATE])
    # the companion has the amplitude that the sine has in the mixture
    assert np.dot(result, middle) / np.dot(middle, middle) == pytest.approx(gain, rel=0.01)
