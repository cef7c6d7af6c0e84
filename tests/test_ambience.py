"""A bar sounds like babble in a room, and steadily so."""

import numpy as np
import pytest
from scipy import signal

from relatives.corpora.synthetic import ambience, speech

RATE = 22050


@pytest.fixture(scope="module")
def bar():
    return ambience.bar(20.0, RATE, np.random.default_rng(0))


def levels(sound, seconds):
    """Level in dB of consecutive stretches."""
    stretch = round(seconds * RATE)
    # (samples,) -> (stretches, samples a stretch)
    parts = sound[: len(sound) // stretch * stretch].reshape(-1, stretch)
    return 10 * np.log10(np.mean(parts.astype(float) ** 2, axis=1) + 1e-20)


def octaves(sound):
    """Power density in dB in the octaves about 125 Hz to 8 kHz."""
    frequency, power = signal.welch(sound, RATE, nperseg=4096)
    centres = 125.0 * 2 ** np.arange(7)
    bands = [power[(frequency > c / np.sqrt(2)) & (frequency < c * np.sqrt(2))].mean() for c in centres]
    return dict(zip(centres, 10 * np.log10(bands), strict=True))


def test_it_is_clean_and_at_its_level(bar):
    assert bar.dtype == np.float32
    assert bar.shape == (20 * RATE,)
    assert np.isfinite(bar).all()
    assert np.abs(bar).max() < 1
    assert abs(bar.mean()) < 1e-3
    assert np.sqrt(np.mean(bar**2)) == pytest.approx(0.1, rel=1e-3)


def test_it_is_steady_over_seconds(bar):
    assert levels(bar, 1.0).std() < 2.5
    assert np.abs(levels(bar, 4.0) - levels(bar, 20.0)).max() < 2.5


def test_its_spectrum_is_that_of_babble(bar):
    density = octaves(bar)
    # Speech is strongest about 250 to 500 Hz and falls by 6 to 15 dB an octave from there to 4 kHz.
    assert max(density, key=density.get) in (250, 500)
    for low, high in ((500, 1000), (1000, 2000), (2000, 4000), (4000, 8000)):
        assert density[high] < density[low] - 1.5
    assert 15 < density[500] - density[4000] < 40


def test_it_has_the_rhythm_of_speech():
    # The envelope of one talker changes most about four times a second; that of the crowd far less.
    def modulation(sound):
        envelope = np.sqrt(np.maximum(10 ** (levels(sound, 0.01) / 10), 0))
        frequency, power = signal.welch(envelope / envelope.mean(), 100, nperseg=200)
        return frequency, power

    talker = speech.talk("male", 30.0, RATE, np.random.default_rng(1))
    frequency, power = modulation(talker)
    syllables = power[(frequency >= 2) & (frequency <= 7)].mean()
    assert syllables > 5 * power[(frequency >= 12) & (frequency <= 20)].mean()
    crowd = modulation(ambience.bar(10.0, RATE, np.random.default_rng(1)))[1]
    assert syllables > 5 * crowd[(frequency >= 2) & (frequency <= 7)].mean()


def test_talkers_pause_and_speak_at_their_pitch():
    for kind, low, high in (("male", 80, 190), ("female", 150, 320)):
        sound = speech.talk(kind, 15.0, RATE, np.random.default_rng(2))
        loudness = levels(sound, 0.1)
        # Breaths sound in the pauses, softly.
        paused = np.mean(loudness < loudness.max() - 25)
        assert 0.05 < paused < 0.6
        # The fundamental by autocorrelation over the loudest tenth of a second.
        best = int(np.argmax(loudness)) * RATE // 10
        frame = sound[best : best + RATE // 10].astype(float)
        correlation = signal.correlate(frame, frame)[len(frame) - 1 :]
        lag = RATE // 400 + np.argmax(correlation[RATE // 400 : RATE // 70])
        assert low < RATE / lag < high


def test_a_clink_rings_in_inharmonic_modes_that_die_away():
    sound = ambience.clink(RATE, np.random.default_rng(0))
    assert np.abs(sound).max() == 1
    loudness = levels(sound, 0.1)
    assert np.all(np.diff(loudness[:6]) < 0)
    assert loudness[0] - loudness[5] > 20
    spectrum = np.abs(np.fft.rfft(sound[: RATE // 5] * np.hanning(RATE // 5)))
    peaks = signal.find_peaks(spectrum, height=0.05 * spectrum.max(), distance=40)[0] * 5.0
    assert len(peaks) >= 2
    assert peaks[0] >= 1100
    ratios = peaks[1:] / peaks[0]
    assert np.all(np.abs(ratios - np.round(ratios)) > 0.02)


def test_glasses_clink_in_the_bar(bar, monkeypatch):
    def ringing(sound):
        """Share of the time in which one partial stands out above the voices."""
        _, _, spectrogram = signal.stft(sound, RATE, nperseg=1024, noverlap=512)
        high = np.abs(spectrogram[round(5000 / RATE * 1024) :]) ** 2
        return np.mean(high.max(axis=0) > 300 * np.median(high, axis=0))

    monkeypatch.setattr(ambience, "CLINKS", 0)
    assert ringing(ambience.bar(5.0, RATE, np.random.default_rng(0))) < 0.01
    assert 0.02 < ringing(bar) < 0.6


def test_the_room_decays_by_60_db_in_its_time():
    response = ambience.room(ambience.DECAY, RATE, np.random.default_rng(0))
    assert np.sum(response**2) == pytest.approx(1)
    low = signal.sosfilt(signal.butter(4, 1000, fs=RATE, output="sos"), response)
    # Schroeder's backward integration, fitted from -5 to -25 dB.
    decay = 10 * np.log10(np.cumsum(low[::-1] ** 2)[::-1] / np.sum(low**2))
    falling = np.flatnonzero((decay < -5) & (decay > -25))
    slope = np.polyfit(falling / RATE, decay[falling], 1)[0]
    assert -60 / slope == pytest.approx(ambience.DECAY, rel=0.15)


def test_the_same_generator_makes_the_same_bar():
    first, second, other = (ambience.bar(1.0, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
