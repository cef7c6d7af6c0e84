"""The voice is measured as a listener would: pitch, vibrato, formants, breath, level."""

from dataclasses import replace
from types import SimpleNamespace

import librosa
import numpy as np
import pytest
from scipy import signal

from relatives.corpora.synthetic import voice

RATE = 22050


def note(start, duration, pitch, velocity=0.8):
    return SimpleNamespace(start=start, duration=duration, pitch=pitch, velocity=velocity)


def plain(register="tenor", **changes):
    """A singer without any unevenness, to measure one thing at a time."""
    lowest, highest = voice.RANGES[register]
    still = {
        "vibrato_extent": 0.0,
        "jitter": 0.0,
        "shimmer": 0.0,
        "breathiness": 0.0,
        "legato": 0.0,
        "ring": 1.0,
    }
    return voice.Singer(register, lowest, highest, **(still | changes))


def melody(pitches, length=1.0):
    return [note(0.3 + length * i, 0.95 * length, pitch) for i, pitch in enumerate(pitches)]


def sing(notes, singer, seconds, seed=0):
    return voice.sing(notes, singer, RATE, np.random.default_rng(seed), round(seconds * RATE))


def level(sound, first, last):
    """Level in dB from one second to another."""
    return 10 * np.log10(np.mean(sound[round(first * RATE) : round(last * RATE)].astype(float) ** 2) + 1e-12)


def fundamental(sound, low, high):
    """MIDI number at each sample, from the phase of the one partial between `low` and `high` Hz."""
    band = signal.butter(6, (low, high), "bandpass", fs=RATE, output="sos")
    phase = np.unwrap(np.angle(signal.hilbert(signal.sosfiltfilt(band, sound))))
    return librosa.hz_to_midi(np.maximum(np.gradient(phase) * RATE / (2 * np.pi), 1))


def seconds(first, last):
    return slice(round(first * RATE), round(last * RATE))


# Pitch


@pytest.mark.parametrize(("kind", "pitches"), [("male", (50, 57, 53.5, 60)), ("female", (62, 66, 71, 64.5))])
def test_notes_are_sung_in_tune(kind, pitches):
    for seed in range(3):
        singer = voice.singer(np.random.default_rng(seed), kind)
        sound = sing(melody(pitches), singer, 4.5, seed)
        track = librosa.hz_to_midi(librosa.yin(sound, fmin=60, fmax=1000, sr=RATE, hop_length=256))
        time = np.arange(len(track)) * 256 / RATE
        for i, expected in enumerate(voice.fold(pitches, singer)):
            held = track[(time > 0.6 + i) & (time < 1.15 + i)]
            assert abs(np.median(held) - expected) < 0.3


def test_pitch_glides_between_notes():
    pitch = fundamental(sing([note(0.3, 1.0, 55), note(1.3, 1.0, 60)], plain(legato=1.0), 2.5), 150, 310)
    assert abs(np.median(pitch[seconds(0.7, 1.1)]) - 55) < 0.3
    assert abs(np.median(pitch[seconds(1.5, 2.0)]) - 60) < 0.3
    glide = pitch[seconds(1.2, 1.5)]
    assert 0.02 < np.sum((glide > 55.7) & (glide < 59.3)) / RATE < 0.15


@pytest.mark.parametrize(("rate", "extent"), [(5.2, 0.4), (6.3, 0.75)])
def test_vibrato_has_its_rate_and_extent_and_sets_in_late(rate, extent):
    singer = plain("alto", vibrato_rate=rate, vibrato_extent=extent, vibrato_delay=0.5)
    pitch = fundamental(sing([note(0.3, 3.5, 62)], singer, 4.0), 220, 390)[:: RATE // 200]
    held = signal.detrend(pitch[260:720])
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held)), 8192))
    measured = np.argmax(spectrum) / 8192 * 200
    assert abs(measured - rate) < 0.4
    # Each note's vibrato is up to a fifth wider or narrower than its singer's.
    assert 0.75 * extent < np.sqrt(2) * held.std() < 1.3 * extent
    assert pitch[100:150].std() < 0.4 * held.std()


@pytest.mark.parametrize("register", voice.RANGES)
def test_fold_moves_by_octaves_into_the_range(register):
    singer = plain(register)
    pitches = np.random.default_rng(0).uniform(20, 110, 200)
    folded = voice.fold(pitches, singer)
    assert folded.min() >= singer.lowest
    assert folded.max() <= singer.highest
    np.testing.assert_allclose((folded - pitches + 6) % 12, 6)


def test_fold_leaves_a_melody_within_the_range_and_keeps_its_intervals():
    singer = plain("tenor")
    inside = np.array([50.0, 57.0, 62.0, 66.5])
    np.testing.assert_array_equal(voice.fold(inside, singer), inside)
    np.testing.assert_array_equal(voice.fold(inside + 24, singer), inside)
    assert voice.fold([], singer).shape == (0,)


# Sound


@pytest.mark.parametrize("register", voice.RANGES)
@pytest.mark.parametrize("vowel", "aiu")
def test_vowels_have_the_formants_of_the_table(register, vowel):
    # Notes as low as they go: their harmonics are close enough to show the envelope.
    singer = replace(plain(register, vibrato_extent=1.0), lowest=28, highest=60)
    seconds = 6.0
    rng = np.random.default_rng(0)
    notes = [note(0.1 + i, 1.0, 33 + 2 * i) for i in range(5)]
    controls = voice.articulate(notes, singer, rng, seconds, vowels=vowel)
    # Without consonants, so that the spectrum is the vowel's.
    controls.formants[:], controls.bandwidths[:] = voice.formants(singer, vowel)
    controls.frication[:] = controls.aspiration[:] = 0
    sound = voice.synthesise(controls, singer, RATE, rng, round(seconds * RATE))
    frequency, power = signal.welch(sound, RATE, nperseg=256, nfft=2048)
    envelope = signal.savgol_filter(10 * np.log10(power), 9, 2)
    peaks = frequency[signal.find_peaks(envelope, prominence=0.3)[0]]
    table = voice.VOWELS[register][vowel][0]
    for formant, below, above in zip(table, (0, *table), (*table[1:], 9999), strict=False):
        # Formants nearer than 400 Hz run into one peak.
        if formant - below > 400 < above - formant:
            assert np.abs(peaks - formant).min() < 60
    # The singer's formant, in men, is such a peak.
    assert np.any((peaks > table[2] - 60) & (peaks < table[4] + 60))


def test_louder_notes_are_brighter():
    def tilt(velocity):
        sound = sing([note(0.3, 0.6, 55, velocity), note(1.0, 2.0, 55, 0.9)], plain(), 3.0, seed=1)
        high, low = (
            signal.sosfilt(signal.butter(4, band, "bandpass", fs=RATE, output="sos"), sound)
            for band in ((2000, 4000), (100, 1000))
        )
        return level(high, 0.45, 0.8) - level(low, 0.45, 0.8)

    assert tilt(0.9) > tilt(0.4) + 3


def test_breathiness_fills_the_gaps_between_harmonics():
    def gap(breathiness):
        singer = plain("alto", breathiness=breathiness)
        controls = voice.articulate([note(0.1, 2.9, 57)], singer, np.random.default_rng(0), 3.0, vowels="a")
        controls.frequency[:] = 220.0
        sound = voice.synthesise(controls, singer, RATE, np.random.default_rng(0), 3 * RATE)[RATE : 2 * RATE]
        power = np.abs(np.fft.rfft(sound * np.hanning(RATE))) ** 2
        high = np.arange(5000, 8000)
        between = (high - 110) % 220
        near = (between < 15) | (between > 205)
        harmonic = (high % 220 < 4) | (high % 220 > 216)
        return 10 * np.log10(power[high[near]].mean() / power[high[harmonic]].mean())

    assert gap(0.0) < -90
    assert gap(0.1) > -15


def test_breaths_are_taken_in_the_rests_between_phrases():
    notes = [note(0.6, 1.4, 55), note(3.0, 1.0, 57)]
    sound = sing(notes, plain(), 4.2)
    sung, silence, breath = level(sound, 0.8, 1.8), level(sound, 2.1, 2.3), level(sound, 2.6, 2.85)
    assert -45 < breath - sung < -12
    assert silence < breath - 20
    flatness = librosa.feature.spectral_flatness(y=sound[round(2.6 * RATE) : round(2.85 * RATE)]).mean()
    assert flatness > 20 * librosa.feature.spectral_flatness(y=sound[RATE : round(1.7 * RATE)]).mean()


def test_syllables_begin_with_consonants():
    # Rests too short for a breath, between notes of one pitch: what changes there are consonants.
    notes = [note(0.3 + 0.5 * i, 0.5, 55) for i in range(16)]
    sound = sing(notes, plain(), 8.5)
    high = signal.sosfilt(signal.butter(6, 6000, "highpass", fs=RATE, output="sos"), sound)
    before = np.array([level(high, n.start - 0.05, n.start) for n in notes[1:]])
    within = np.array([level(high, n.start + 0.2, n.start + 0.35) for n in notes[1:]])
    assert np.sum(before > within + 10) >= 3
    closure = np.array([level(sound, n.start - 0.06, n.start - 0.02) for n in notes[1:]])
    assert np.sum(closure < -30) >= 3


def test_nothing_aliases():
    # Harmonics of a high note beyond half the rate would come back between the others.
    singer = replace(plain("soprano", effort=1.0), lowest=72, highest=90)
    controls = voice.articulate([note(0.0, 2.0, 84)], singer, np.random.default_rng(0), 2.0, vowels="a")
    controls.frequency[:] = 1046.5
    controls.formants[:] = controls.formants[len(controls.formants) // 2]
    sound = voice.synthesise(controls, singer, RATE, np.random.default_rng(0), 2 * RATE)[
        RATE // 2 : 3 * RATE // 2
    ]
    power = np.abs(np.fft.rfft(sound * np.blackman(RATE))) ** 2
    distance = np.abs(np.arange(len(power)) / 1046.5 - np.round(np.arange(len(power)) / 1046.5)) * 1046.5
    assert 10 * np.log10(power[distance > 40].max() / power.max()) < -100


# Contract


@pytest.mark.parametrize("kind", voice.KINDS)
def test_sound_is_clean_and_at_its_level(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        singer = voice.singer(rng, kind)
        notes = melody(rng.integers(45, 80, 8), 0.6)
        sound = voice.sing(notes, singer, RATE, rng, 6 * RATE)
        assert sound.dtype == np.float32
        assert sound.shape == (6 * RATE,)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= voice.PEAK
        assert abs(sound.mean()) < 1e-5
        assert abs(level(sound, 0.4, 5.0) - 20 * np.log10(voice.LEVEL)) < 1.5


def test_the_same_generator_sings_the_same():
    singers = [voice.singer(np.random.default_rng(4), "male") for _ in range(2)]
    assert singers[0] == singers[1]
    first, second, other = (sing(melody((50, 52)), singers[0], 2.5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_singers_differ():
    singers = [voice.singer(np.random.default_rng(seed), "female") for seed in range(20)]
    assert {singer.register for singer in singers} == set(voice.KINDS["female"])
    assert len({singer.formant_scale for singer in singers}) == 20
    assert all(0.3 <= singer.vibrato_extent <= 0.8 and 5 <= singer.vibrato_rate <= 6.5 for singer in singers)
    assert all(singer.highest - singer.lowest >= 12 for singer in singers)


def test_without_notes_there_is_silence():
    for notes in ([], [note(5.0, 1.0, 60)], [note(0.5, 0.0, 60)]):
        np.testing.assert_array_equal(sing(notes, plain(), 1.0), np.zeros(RATE))


@pytest.mark.parametrize(
    "notes",
    [
        [note(0.0, 9.0, 60, 0.0)],
        [note(0.0, 0.06, 60)],
        [note(0.95, 2.0, 60, 1.0)],
        [note(0.5, 0.4, 60), note(0.1, 0.6, 65), note(0.5, 0.3, 50), note(0.51, 0.1, 30)],
    ],
    ids=["soft and too long", "short", "at the end", "overlapping, unordered"],
)
def test_odd_notes(notes):
    sound = sing(notes, plain(), 1.0)
    assert np.isfinite(sound).all()
    assert 0 < np.abs(sound).max() <= voice.PEAK


@pytest.mark.parametrize("rate", [8000, 44100])
def test_other_sampling_rates(rate):
    sound = voice.sing(melody((55, 57)), plain(), rate, np.random.default_rng(0), 2 * rate)
    frequency, power = signal.welch(sound, rate, nperseg=rate)
    assert abs(frequency[:400][np.argmax(power[:400])] % librosa.midi_to_hz(55)) < 30
    assert np.isfinite(sound).all()
