"""People who talk: the voices of a bar.

The bar is the environmental noise (EN) of the study, and the singers of the corpora are what separation (VS)
looks for. So a talker must not be a singer of the corpora: noise made of those would be more of the same
target. Both are made by the same throat (`voice`), with the parameters of `talker` instead of those of
`voice.singer`:

* The vowels are spoken ones, ten of them, in the formants of men and women who speak; singers sing five, in
  the formants of their registers.
* There is no vibrato and no singer's formant; pulses are less regular than in any singer.
* There are no notes. The pitch moves all the time, by the model of Fujisaki: it falls along a phrase and
  rises and falls with every accent. A syllable lasts about a quarter of a second.

No draw is shared, either: the bar is drawn under the name ``noise``, singers under that of their corpus.

Sources
-------
Fujisaki and Hirose (1984), "Analysis of voice fundamental frequency contours for declarative sentences of
Japanese": the model of the pitch, with its usual constants of 3 and 20 per second. Peterson and Barney
(1952), "Control methods used in a study of the vowels": the formants, in `voice.VOWELS`.
"""

from dataclasses import dataclass

import numpy as np

from relatives.corpora.synthetic import voice
from relatives.corpora.synthetic.composition import Note

SYLLABLES = 4.2
"""Syllables a second while talking."""

SPEAKING = {"male": 49.0, "female": 57.0}
"""Middle of the speaking pitch (MIDI): 139 and 220 Hz, raised as one raises one's voice in a noisy place."""

REGISTERS = {"male": "man", "female": "woman"}

PHRASE, ACCENT, CEILING = 3.0, 20.0, 0.9
"""How fast a phrase and an accent are followed, per second, and the share of an accent that is reached."""

HEIGHT = 0.3
"""Size of a phrase: the pitch falls by 6 semitones along it."""

RISE = (0.2, 0.45)
"""Size of an accent, drawn between the two: of 0.4, the pitch rises by 6 semitones at most."""

BASE = 4.0
"""Semitones from the middle of the speaking pitch down to its base, where a phrase ends."""


@dataclass(frozen=True)
class Phrase:
    """What is said in one breath.

    Attributes
    ----------
    starts, lengths : (n,)
        Of its syllables, seconds.
    accents : (n,)
        How much each syllable is accented, natural logarithm of a ratio of frequencies; 0 for not at all.
    """

    starts: np.ndarray
    lengths: np.ndarray
    accents: np.ndarray


def talker(rng: np.random.Generator, kind: str) -> voice.Singer:
    """The voice of a talker drawn at random, as none of the singers of `voice.singer` has it.

    Parameters
    ----------
    rng
        Generator of the draw.
    kind : {"male", "female"}

    Returns
    -------
    voice.Singer
        Its range is an octave about the speaking pitch.

    Examples
    --------
    >>> talker(np.random.default_rng(0), "male").vibrato_extent
    0.0
    """
    middle = SPEAKING[kind] + rng.uniform(-2.5, 2.5)
    return voice.Singer(
        register=REGISTERS[kind],
        lowest=middle - 6,
        highest=middle + 6,
        formant_scale=1 + rng.uniform(-0.08, 0.08),
        ring=0.0,
        breathiness=rng.uniform(0.02, 0.15),
        effort=rng.uniform(0.6, 0.95),
        vibrato_extent=0.0,
        jitter=rng.uniform(0.009, 0.015),
        shimmer=rng.uniform(0.06, 0.1),
        legato=0.2,
    )


def talk(kind: str, seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """One person talking with pauses.

    Parameters
    ----------
    kind : {"male", "female"}
        Whose voice.
    seconds
        Length.
    sample_rate
        Hz.
    rng
        Generator of the talker and of what is said.

    Returns
    -------
    (samples,) float32
        Root mean square of `voice.LEVEL` while talking.
    """
    speaker = talker(rng, kind)
    middle = (speaker.lowest + speaker.highest) / 2
    phrases = said(seconds, rng)
    syllables = [
        Note(start, length, middle, 0.6 + 0.4 * accent / RISE[1])
        for phrase in phrases
        for start, length, accent in zip(phrase.starts, phrase.lengths, phrase.accents, strict=True)
        if start >= 0
    ]
    samples = round(seconds * sample_rate)
    count = voice.points(samples / sample_rate)
    frequency = intonation(phrases, 440 * 2 ** ((middle - 69) / 12), np.arange(count) * voice.STEP)
    vowels = tuple(voice.VOWELS[speaker.register])
    return voice.sing(syllables, speaker, sample_rate, rng, samples, vowels, frequency)


def said(seconds: float, rng: np.random.Generator) -> list[Phrase]:
    """Phrases of one to four seconds with pauses between, until `seconds` are over.

    The first one may have begun before 0 s. About every second syllable is accented.
    """
    phrases = []
    now = rng.uniform(-2.0, 0.5)
    while now < seconds:
        count = rng.integers(4, 18)
        lengths = rng.lognormal(-0.06, 0.35, count) / SYLLABLES
        # The last syllable of a phrase is drawn out.
        lengths[-1] *= 1.6
        starts = now + np.cumsum(lengths) - lengths
        accents = rng.uniform(*RISE, count) * (rng.random(count) < 0.5)
        phrases.append(Phrase(starts, lengths, accents))
        now = starts[-1] + lengths[-1] + rng.lognormal(-0.4, 0.6)
    return phrases


def intonation(phrases: list[Phrase], middle: float, times: np.ndarray) -> np.ndarray:
    """The fundamental of what is said, after Fujisaki.

    Its logarithm is the sum of a constant, of the response to an impulse at the start of every phrase, and of
    the responses to a step up and down at every accent.

    Parameters
    ----------
    phrases
        As from `said`.
    middle
        Of the speaking pitch, Hz; the pitch falls to `BASE` below it.
    times : (n,)
        Seconds.

    Returns
    -------
    (n,) float64
        Hz.
    """
    logarithm = np.full(len(times), np.log(middle) - BASE / 12 * np.log(2))
    for phrase in phrases:
        # Early by half of the time that the response takes to its height, for the phrase to start high
        after = np.maximum(times - phrase.starts[0] + 0.5 / PHRASE, 0)
        logarithm += HEIGHT * PHRASE**2 * after * np.exp(-PHRASE * after)
        for start, length, accent in zip(phrase.starts, phrase.lengths, phrase.accents, strict=True):
            # It begins a little before its syllable and has done when the next one begins
            logarithm += accent * (_accent(times - start + 0.05) - _accent(times - start - 0.6 * length))
    return np.exp(logarithm)


def _accent(after: np.ndarray) -> np.ndarray:
    """Response (n,) to a step, so many seconds after it."""
    after = np.maximum(after, 0)
    return np.minimum(1 - (1 + ACCENT * after) * np.exp(-ACCENT * after), CEILING)
