"""Talkers speak and do not sing, and none of them is a singer of the corpora."""

import librosa
import numpy as np
import pytest

from relatives import seeds
from relatives.corpora.synthetic import composition, speech, voice

RATE = 22050
KINDS = ("female", "male")


def drawn(draw, kind, count=200):
    return [draw(np.random.default_rng(seed), kind) for seed in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_talker_has_the_voice_of_a_singer(kind):
    talkers = drawn(speech.talker, kind)
    singers = [singer for each in KINDS for singer in drawn(voice.singer, each)]
    assert not {talker.register for talker in talkers} & {singer.register for singer in singers}
    # whatever is drawn, these lie apart
    for name in ("jitter", "shimmer"):
        assert min(getattr(talker, name) for talker in talkers) > max(
            getattr(singer, name) for singer in singers
        )
    assert max(talker.vibrato_extent for talker in talkers) == 0
    assert min(singer.vibrato_extent for singer in singers) > 0.2
    assert len({talker.formant_scale for talker in talkers}) == len(talkers)


def test_spoken_vowels_are_none_of_the_sung_ones():
    sung = [voice.VOWELS[register][vowel][0][:2] for register in voice.RANGES for vowel in "aeiou"]
    for register in speech.REGISTERS.values():
        spoken = [formants[:2] for formants, _ in voice.VOWELS[register].values()]
        assert len(set(spoken)) == 10
        assert not set(spoken) & set(sung)
    # women have the shorter tract: their vowels lie a sixth higher on average (Peterson and Barney)
    men, women = (
        np.array([formants[:3] for formants, _ in voice.VOWELS[register].values()])
        for register in ("man", "woman")
    )
    assert np.exp(np.log(women / men).mean()) == pytest.approx(1.17, abs=0.02)


def held(sound):
    """Share of the voiced time that belongs to held notes.

    Held is what stays within half a semitone for 0.3 s, once the pitch is averaged over 0.18 s, a period of
    vibrato. The pitch is librosa's (pYIN).
    """
    frequency = librosa.pyin(sound, fmin=60, fmax=900, sr=RATE, frame_length=1024, hop_length=220)[0]
    pitch = np.convolve(12 * np.log2(frequency), np.ones(18) / 18, "valid")
    notes = np.zeros(len(pitch), bool)
    for first in range(len(pitch) - 30):
        # a frame without a pitch is NaN, and so is the span of a stretch with one
        if np.ptp(pitch[first : first + 30]) < 0.5:
            notes[first : first + 30] = True
    return notes.sum() / np.isfinite(pitch).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_talkers_hold_no_notes_as_singers_do(kind):
    rng = seeds.generator(1, "test", "speech", kind)
    spoken = held(speech.talk(kind, 10.0, RATE, rng))
    song = composition.compose(rng, composition.compose_artist(rng, "somebody", "pop", kind), 10.0)
    sung = held(voice.sing(song.melody, voice.singer(rng, kind), RATE, rng, 10 * RATE))
    assert spoken < 0.25
    assert sung > 0.4


def test_the_pitch_is_that_of_fujisakis_model():
    phrases = speech.said(6.0, np.random.default_rng(0))
    times = np.arange(0, 6, 0.05)
    found = speech.intonation(phrases, 150.0, times)

    def step(t):
        return min(1 - (1 + 20 * t) * np.exp(-20 * t), 0.9) if t > 0 else 0.0

    for time, hertz in zip(times, found, strict=True):
        expected = np.log(150.0 * 2 ** (-4 / 12))
        for phrase in phrases:
            t = time - phrase.starts[0] + 1 / 6
            expected += 0.3 * 9 * t * np.exp(-3 * t) if t > 0 else 0.0
            for start, length, accent in zip(phrase.starts, phrase.lengths, phrase.accents, strict=True):
                expected += accent * (step(time - start + 0.05) - step(time - start - 0.6 * length))
        assert np.log(hertz) == pytest.approx(expected, abs=1e-9)


def test_what_is_said_has_pauses_accents_and_the_rate_of_speech():
    phrases = speech.said(300.0, np.random.default_rng(0))
    lengths = np.concatenate([phrase.lengths for phrase in phrases])
    accents = np.concatenate([phrase.accents for phrase in phrases])
    assert len(lengths) / lengths.sum() == pytest.approx(speech.SYLLABLES, rel=0.1)
    assert np.mean(accents > 0) == pytest.approx(0.5, abs=0.05)
    ends = [phrase.starts[-1] + phrase.lengths[-1] for phrase in phrases]
    pauses = np.array([phrase.starts[0] for phrase in phrases[1:]]) - ends[:-1]
    assert pauses.min() > 0
    assert 0.3 < np.median(pauses) < 1.2


def test_the_same_generator_says_the_same():
    first, same, other = (speech.talk("male", 2.0, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (2 * RATE,)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_moment_too_short_for_speech_is_silent():
    assert not speech.talk("male", 0.02, RATE, np.random.default_rng(0)).any()
