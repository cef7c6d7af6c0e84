"""A singer who sings a melody without words: vowels and consonants, vibrato, breaths.

The voice is built as a throat builds it, after the source-filter theory (Fant 1960): pulses of the vocal
folds and noise of the breath pass the resonances of the vocal tract, the formants, which move from syllable
to syllable.

* `singer` draws a singer: register, size of the vocal tract, breathiness, vibrato.
* `articulate` turns notes into `Controls`: what pitch, throat and breath do every 5 ms.
* `synthesise` turns controls into sound.
* `sing` does both; a note is anything with `start` and `duration` in seconds, `pitch` as a MIDI number and
  `velocity` in 0 to 1.

Where the numbers come from:

* Formants of the sung vowels: the table of formant values in the manual of Csound, by register; of the spoken
  ones: Peterson and Barney (1952), the means of men and of women.
* Consonants, first to third formant: Klatt (1980), "Software for a cascade/parallel formant synthesizer",
  Table III. Durations, gains and the bands of their noises are round values chosen here.
* Spectrum of the glottal pulse: Doval, d'Alessandro and Henrich (2006), "The spectrum of glottal flow
  models": a resonance near the fundamental and a low-pass filter, the spectral tilt, that opens with
  loudness.
* The pulses, free of aliasing: Stilson and Smith (1996), "Alias-free digital synthesis of classic analog
  waveforms".
* Pitch that follows the notes as a damped second-order system, with fine fluctuation: Saitou, Unoki and Akagi
  (2005), "Development of an F0 control model based on F0 dynamic characteristics for singing-voice
  synthesis".
* Vibrato of 5 to 6.5 Hz: Prame (1994), "Measurements of the vibrato rate of ten singers"; its extent: Prame
  (1997).
* A first formant that rises with the fundamental above it: Joliveau, Smith and Wolfe (2004), "Tuning of vocal
  tract resonance by sopranos".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, signal
from scipy.ndimage import gaussian_filter1d

STEP = 0.005
"""Seconds between two control points."""

LEVEL = 0.1
"""Root mean square of the voice while it sings, -20 dB of full scale."""

PEAK = 0.95
"""No sample exceeds this; a voice that would is turned down as a whole."""

RANGES = {"soprano": (57, 81), "alto": (53, 77), "tenor": (46, 70), "bass": (40, 64)}
"""Register -> lowest and highest note (MIDI) used here, the comfortable part of a singer's range."""

KINDS = {"female": ("soprano", "alto"), "male": ("tenor", "bass")}

TUBE = 1000.0
"""Hz between the resonances of a tube of 17 cm, a man's vocal tract without any narrowing (Fant 1960)."""

TRACT_SCALE = {"soprano": 1.18, "alto": 1.12, "tenor": 1.0, "bass": 0.95, "man": 1.0, "woman": 1.17}
"""Register -> size of the formants relative to the man's voice of Klatt's consonants."""


def _spoken(**formants: tuple[int, int, int]) -> dict[str, tuple]:
    """Vowels by three formants in Hz: a tube has the fourth and fifth, bandwidths are round values."""
    return {
        vowel: ((*three, 3.5 * TUBE, 4.5 * TUBE), (60, 90, 150, 200, 250))
        for vowel, three in formants.items()
    }


# Register -> vowel -> frequencies and bandwidths of five formants in Hz.
VOWELS = {
    "soprano": {
        "a": ((800, 1150, 2900, 3900, 4950), (80, 90, 120, 130, 140)),
        "e": ((350, 2000, 2800, 3600, 4950), (60, 100, 120, 150, 200)),
        "i": ((270, 2140, 2950, 3900, 4950), (60, 90, 100, 120, 120)),
        "o": ((450, 800, 2830, 3800, 4950), (70, 80, 100, 130, 135)),
        "u": ((325, 700, 2700, 3800, 4950), (50, 60, 170, 180, 200)),
    },
    "alto": {
        "a": ((800, 1150, 2800, 3500, 4950), (80, 90, 120, 130, 140)),
        "e": ((400, 1600, 2700, 3300, 4950), (60, 80, 120, 150, 200)),
        "i": ((350, 1700, 2700, 3700, 4950), (50, 100, 120, 150, 200)),
        "o": ((450, 800, 2830, 3500, 4950), (70, 80, 100, 130, 135)),
        "u": ((325, 700, 2530, 3500, 4950), (50, 60, 170, 180, 200)),
    },
    "tenor": {
        "a": ((650, 1080, 2650, 2900, 3250), (80, 90, 120, 130, 140)),
        "e": ((400, 1700, 2600, 3200, 3580), (70, 80, 100, 120, 120)),
        "i": ((290, 1870, 2800, 3250, 3540), (40, 90, 100, 120, 120)),
        "o": ((400, 800, 2600, 2800, 3000), (70, 80, 100, 130, 135)),
        "u": ((350, 600, 2700, 2900, 3300), (40, 60, 100, 120, 120)),
    },
    "bass": {
        "a": ((600, 1040, 2250, 2450, 2750), (60, 70, 110, 120, 130)),
        "e": ((400, 1620, 2400, 2800, 3100), (40, 80, 100, 120, 120)),
        "i": ((250, 1750, 2600, 3050, 3340), (60, 90, 100, 120, 120)),
        "o": ((400, 750, 2400, 2600, 2900), (40, 80, 100, 120, 120)),
        "u": ((350, 600, 2400, 2675, 2950), (40, 80, 100, 120, 120)),
    },
    # Spoken vowels, for `speech`; no singer has them.
    "man": _spoken(
        i=(270, 2290, 3010), I=(390, 1990, 2550), e=(530, 1840, 2480), ae=(660, 1720, 2410),
        a=(730, 1090, 2440), o=(570, 840, 2410), U=(440, 1020, 2240), u=(300, 870, 2240),
        A=(640, 1190, 2390), er=(490, 1350, 1690),
    ),
    "woman": _spoken(
        i=(310, 2790, 3310), I=(430, 2480, 3070), e=(610, 2330, 2990), ae=(860, 2050, 2850),
        a=(850, 1220, 2810), o=(590, 920, 2710), U=(470, 1160, 2680), u=(370, 950, 2670),
        A=(760, 1400, 2780), er=(500, 1640, 1960),
    ),
}  # fmt: skip

NEUTRAL = ((0.5 * TUBE, 1.5 * TUBE, 2.5 * TUBE, 3.5 * TUBE, 4.5 * TUBE), (100, 120, 150, 200, 250))
"""Frequencies and bandwidths in Hz of the open tract in which a breath sounds."""


@dataclass(frozen=True)
class Consonant:
    """How a syllable may begin.

    Attributes
    ----------
    formants
        First to third formant in Hz, of a man's voice; None where the tract already has the shape of the
        vowel.
    duration
        Seconds from the closing of the tract to the vowel.
    voicing
        Gain of the voice during the closure, 0 to 1.
    noise
        Centre and bandwidth in Hz of the noise made at the narrowing; None without such a noise.
    noise_gain
        Root mean square of that noise relative to a vowel's.
    burst
        True for a plosive: silence first, the noise only at the release.
    aspiration
        Gain of the breath noise that follows the release, relative to a vowel's root mean square.
    """

    formants: tuple[float, float, float] | None
    duration: float
    voicing: float = 0.0
    noise: tuple[float, float] | None = None
    noise_gain: float = 0.0
    burst: bool = False
    aspiration: float = 0.0


CONSONANTS = {
    "m": Consonant((480, 1270, 2130), 0.08, voicing=0.45),
    "n": Consonant((480, 1340, 2470), 0.07, voicing=0.45),
    "l": Consonant((310, 1050, 2880), 0.07, voicing=0.6),
    "r": Consonant((310, 1060, 1380), 0.07, voicing=0.6),
    "w": Consonant((290, 610, 2150), 0.07, voicing=0.6),
    "y": Consonant((260, 2070, 3020), 0.07, voicing=0.6),
    "v": Consonant((220, 1100, 2080), 0.07, voicing=0.3, noise=(5000, 6000), noise_gain=0.03),
    "z": Consonant((240, 1390, 2530), 0.08, voicing=0.25, noise=(6500, 2500), noise_gain=0.1),
    "f": Consonant((340, 1100, 2080), 0.09, noise=(5000, 6000), noise_gain=0.06),
    "s": Consonant((320, 1390, 2530), 0.11, noise=(6500, 2500), noise_gain=0.2),
    "sh": Consonant((300, 1840, 2750), 0.11, noise=(3200, 1500), noise_gain=0.2),
    "h": Consonant(None, 0.08, aspiration=0.2),
    "b": Consonant((200, 1100, 2150), 0.06, 0.12, noise=(800, 1500), noise_gain=0.12, burst=True),
    "d": Consonant((200, 1600, 2600), 0.06, 0.12, noise=(4000, 2500), noise_gain=0.15, burst=True),
    "g": Consonant((200, 1990, 2850), 0.06, 0.12, noise=(2000, 900), noise_gain=0.15, burst=True),
    "p": Consonant((400, 1100, 2150), 0.1, 0.0, (800, 1500), 0.2, burst=True, aspiration=0.12),
    "t": Consonant((400, 1600, 2600), 0.1, 0.0, (4500, 2500), 0.3, burst=True, aspiration=0.12),
    "k": Consonant((300, 1990, 2850), 0.1, 0.0, (2000, 900), 0.3, burst=True, aspiration=0.12),
}

BURST = 0.012
"""Seconds that the noise of a released plosive lasts."""

SHORTEST = 0.05
"""Notes of less than so many seconds are left out."""

BREATH = 0.35
"""A rest of at least so many seconds ends a phrase and is used to breathe in."""


@dataclass(frozen=True)
class Singer:
    """What tells one singer from another.

    Attributes
    ----------
    register
        "soprano", "alto", "tenor" or "bass": the vowels' formants; "man" or "woman" of one who speaks.
    lowest, highest
        Range of the notes, MIDI; an octave at least.
    formant_scale
        Factor on all formants; a short vocal tract has a large one.
    ring
        How far the fourth and fifth formant are drawn from those of a tube, 0, to those of the table, 1,
        where in men they meet the third in the singer's formant.
    breathiness
        Root mean square of the breath noise relative to the pulses, while singing.
    effort
        Loudness of the voice at velocity 1 from soft, 0, to pressed, 1; it opens the spectral tilt.
    vibrato_rate, vibrato_extent, vibrato_delay
        Hz; semitones to either side of the note; seconds from the note's onset until it sets in.
    jitter, shimmer
        Deviation of the length and of the amplitude from one pulse to the next, relative.
    glide, damping
        Natural frequency in Hz and damping of the pitch's way to the next note; a damping under 1 overshoots
        a little.
    legato
        Chance that a note that joins the one before goes on with its vowel instead of a new syllable.
    """

    register: str
    lowest: float
    highest: float
    formant_scale: float = 1.0
    ring: float = 0.4
    breathiness: float = 0.03
    effort: float = 0.7
    vibrato_rate: float = 5.7
    vibrato_extent: float = 0.5
    vibrato_delay: float = 0.3
    jitter: float = 0.004
    shimmer: float = 0.02
    glide: float = 6.0
    damping: float = 0.8
    legato: float = 0.25


def singer(rng: np.random.Generator, kind: str) -> Singer:
    """A singer drawn at random.

    Parameters
    ----------
    rng
        Generator of the draw.
    kind : {"male", "female"}
        Whose registers are drawn from.

    Returns
    -------
    Singer

    Examples
    --------
    >>> singer(np.random.default_rng(0), "male").register in KINDS["male"]
    True
    """
    register = str(rng.choice(KINDS[kind]))
    lowest, highest = RANGES[register]
    shift = int(rng.integers(-2, 3))
    return Singer(
        register=register,
        lowest=lowest + shift,
        highest=highest + shift,
        # The higher the voice within its register, the shorter the tract.
        formant_scale=1 + 0.015 * shift + rng.uniform(-0.03, 0.03),
        ring=rng.uniform(0.0, 0.7),
        breathiness=rng.uniform(0.01, 0.12),
        effort=rng.uniform(0.45, 0.95),
        vibrato_rate=rng.uniform(5.0, 6.5),
        vibrato_extent=rng.uniform(0.3, 0.8),
        vibrato_delay=rng.uniform(0.15, 0.4),
        jitter=rng.uniform(0.002, 0.007),
        shimmer=rng.uniform(0.01, 0.05),
        glide=rng.uniform(4.5, 8.0),
        damping=rng.uniform(0.65, 0.95),
        legato=rng.uniform(0.1, 0.4),
    )


def fold(pitches: np.ndarray, voice: Singer) -> np.ndarray:
    """Moves notes by octaves into a singer's range.

    The melody as a whole moves first, its median towards the middle of the range, so that its intervals stay;
    notes still outside move alone.

    Parameters
    ----------
    pitches : (n,)
        MIDI numbers.
    voice
        Whose range.

    Returns
    -------
    (n,) float64
        `pitches` plus multiples of 12, within `voice.lowest` and `voice.highest`.
    """
    pitches = np.asarray(pitches, dtype=np.float64)
    if pitches.size == 0:
        return pitches
    middle = (voice.lowest + voice.highest) / 2
    pitches = pitches + 12 * np.round((middle - np.median(pitches)) / 12)
    pitches = pitches + 12 * np.ceil(np.maximum(voice.lowest - pitches, 0) / 12)
    return pitches - 12 * np.ceil(np.maximum(pitches - voice.highest, 0) / 12)


def formants(voice: Singer, vowel: str) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (5,) and bandwidths (5,) in Hz of the formants with which a singer sings a vowel.

    Parameters
    ----------
    voice
        The singer.
    vowel : {"a", "e", "i", "o", "u"}
    """
    table, bandwidths = np.array(VOWELS[voice.register][vowel], dtype=float)
    tube = TUBE * TRACT_SCALE[voice.register] * np.array([3.5, 4.5])
    table[3:] = tube ** (1 - voice.ring) * table[3:] ** voice.ring
    return voice.formant_scale * table, bandwidths


@dataclass
class Controls:
    """What the voice does at each control point; n points, `STEP` seconds apart, the first at 0 s.

    Attributes
    ----------
    frequency : (n,)
        Fundamental in Hz.
    voicing, aspiration, frication : (n,)
        Gains of the pulses, of the breath noise and of the noise at a narrowing.
    effort : (n,)
        Loudness in 0 to 1; it opens the spectral tilt.
    formants, bandwidths : (n, 5)
        Hz.
    noise_centre, noise_width : (n,)
        Hz, of the noise at a narrowing.
    """

    frequency: np.ndarray
    voicing: np.ndarray
    aspiration: np.ndarray
    frication: np.ndarray
    effort: np.ndarray
    formants: np.ndarray
    bandwidths: np.ndarray
    noise_centre: np.ndarray
    noise_width: np.ndarray


def points(seconds: float) -> int:
    """How many control points so many seconds have, the last one at their end or after it."""
    return int(np.ceil(seconds / STEP)) + 1


def articulate(
    notes: Sequence,
    voice: Singer,
    rng: np.random.Generator,
    seconds: float,
    vowels: Sequence[str] = "aeiou",
    frequency: np.ndarray | None = None,
) -> Controls:
    """What `voice` does to sing `notes`, one syllable or a slur a note.

    A syllable's consonant comes before the beat and its vowel on it. Notes may overlap; each ends where the
    next begins.

    Parameters
    ----------
    notes
        Objects with `start`, `duration`, `pitch`, `velocity`; in any order; at least one.
    voice
        The singer.
    rng
        Generator of the syllables and of all that is not exactly regular.
    seconds
        How long the controls last; notes beyond are left out.
    vowels
        The vowels to sing, drawn from with equal chances.
    frequency : (n,), optional
        Fundamental in Hz at each of the `points`, for a voice that speaks; that of the notes by default.

    Returns
    -------
    Controls
        Of `points`.
    """
    start, end, pitch, velocity = _line(notes, voice, seconds)
    count = points(seconds)
    rest = start - np.concatenate([[0.0], end[:-1]])
    opens = rest >= BREATH
    opens[0] = True
    joins = np.concatenate([[False], rest[1:] < 0.02])

    controls = Controls(
        frequency=_pitch(start, end, pitch, opens, voice, rng, count) if frequency is None else frequency,
        voicing=np.zeros(count),
        aspiration=np.zeros(count),
        frication=np.zeros(count),
        effort=np.full(count, voice.effort),
        formants=np.empty((count, 5)),
        bandwidths=np.empty((count, 5)),
        noise_centre=np.full(count, 3000.0),
        noise_width=np.full(count, 3000.0),
    )
    tract = voice.formant_scale * TRACT_SCALE[voice.register]
    controls.formants[:], controls.bandwidths[:] = np.multiply(NEUTRAL[0], tract), NEUTRAL[1]
    _loudness(controls, start, end, velocity, opens, voice, rng)

    # Breaths first: the consonant that follows takes its time from them.
    for note in np.flatnonzero(opens & (rest >= BREATH)):
        _breathe(controls, start[note] - 0.12, rest[note], rng)
    names = list(CONSONANTS)
    shapes = {vowel: formants(voice, vowel) for vowel in vowels}
    for note in range(len(start)):
        slurred = joins[note] and rng.random() < voice.legato
        if not slurred:
            shape = shapes[str(rng.choice(list(vowels)))]
            consonant = CONSONANTS[str(rng.choice(names))]
            room = 0.2 if note == 0 else start[note] - (start[note - 1] + end[note - 1]) / 2
            _begin(controls, consonant, start[note], room, shape[0], tract)
        a, b = _span(start[note], end[note])
        controls.formants[a:b], controls.bandwidths[a:b] = shape

    # Tongue and lips take some 50 ms from one shape to the next; the noise of a release is faster.
    controls.formants = np.exp(gaussian_filter1d(np.log(controls.formants), 0.02 / STEP, axis=0))
    controls.bandwidths = gaussian_filter1d(controls.bandwidths, 0.02 / STEP, axis=0)
    # A first formant below the note would be lost; singers raise it, but not with every turn of the vibrato.
    lowest = 1.03 * gaussian_filter1d(controls.frequency, 0.1 / STEP)
    controls.formants[:, 0] = np.maximum(controls.formants[:, 0], lowest)
    controls.formants[:, 1] = np.maximum(controls.formants[:, 1], 1.2 * controls.formants[:, 0])
    controls.voicing = gaussian_filter1d(controls.voicing, 0.012 / STEP)
    controls.aspiration = (
        gaussian_filter1d(controls.aspiration, 0.01 / STEP) + voice.breathiness * controls.voicing
    )
    controls.frication = gaussian_filter1d(controls.frication, 0.004 / STEP)
    return controls


def synthesise(
    controls: Controls, voice: Singer, sample_rate: int, rng: np.random.Generator, samples: int
) -> np.ndarray:
    """The sound of `controls`, at no set level.

    Pulses and noise are made sample by sample and cut into overlapping Hann windows, whose spectra are
    multiplied with the response of throat and lips at that moment: the sum of the windows is a filter that
    moves.

    Parameters
    ----------
    controls
        From 0 s on, as long as `samples` at least.
    voice
        Its jitter and shimmer are used.
    sample_rate
        Hz. Nothing aliases: pulses have no harmonic beyond half of it.
    rng
        Generator of jitter, shimmer and noise.
    samples
        Length of the output.

    Returns
    -------
    (samples,) float64
        The voiced sound has a root mean square near 1 where `controls.voicing` is 1; noise likewise.
    """
    hop = 2 ** round(np.log2(0.023 * sample_rate))
    frames = -(-samples // hop) + 1
    pulses, voicing, breath, aspiration = _excitation(controls, voice, sample_rate, rng, samples)

    # The control point of each window's middle.
    row = np.round(np.arange(frames) * hop / sample_rate / STEP).astype(int)
    row = np.minimum(row, len(controls.voicing) - 1)
    frequency = np.linspace(0, sample_rate / 2, 2 * hop + 1, dtype=np.float32)
    tract = _tract(frequency, controls.formants[row], controls.bandwidths[row], voice)
    glottis = _glottis(frequency, controls.frequency[row], controls.effort[row])

    voiced = _windows(pulses * voicing, hop, frames)
    throat = tract * glottis
    voiced *= throat
    # Singers even out the loudness that vowels have by nature; here, by half.
    level = np.sqrt(np.mean(throat.real**2 + throat.imag**2, axis=1))
    voiced /= np.sqrt(level)[:, None]
    spectrum = voiced / _scale(voiced, voicing, hop)
    if aspiration.any():
        # The breath's flow is radiated as its change: it has no power at the lowest frequencies.
        breathed = _windows(breath * aspiration, hop, frames)
        breathed *= tract
        breathed *= (1j * frequency / (1j * frequency + 1000)).astype(np.complex64)
        spectrum += breathed / _scale(breathed, aspiration, hop)

    frication = _upsample(controls.frication, samples, sample_rate)
    noise = _windows(rng.standard_normal(samples) * frication, hop, frames)
    noisy = noise.any(axis=1)
    spectrum[noisy] += noise[noisy] * _narrowing(
        frequency, controls.noise_centre[row[noisy]], controls.noise_width[row[noisy]], sample_rate
    )
    return _overlap_add(spectrum, hop, samples)


def sing(
    notes: Sequence,
    voice: Singer,
    sample_rate: int,
    rng: np.random.Generator,
    samples: int,
    vowels: Sequence[str] = "aeiou",
    frequency: np.ndarray | None = None,
) -> np.ndarray:
    """A melody sung.

    Parameters
    ----------
    notes
        Objects with `start` and `duration` in seconds, `pitch` (MIDI, fractions allowed) and `velocity` (0 to
        1), in any order. They are sung one at a time, folded by octaves into the singer's range; see `fold`.
    voice
        The singer; see `singer`.
    sample_rate
        Hz.
    rng
        Generator of all that chance decides: syllables, unevenness, noise.
    samples
        Length of the output; notes beyond it are not sung.
    vowels, frequency
        As for `articulate`.

    Returns
    -------
    (samples,) float32
        Root mean square of `LEVEL` over the time that is sung, no sample beyond `PEAK`; zeros without notes.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> rng = np.random.default_rng(0)
    >>> note = SimpleNamespace(start=0.2, duration=0.7, pitch=62, velocity=0.8)
    >>> sing([note], singer(rng, "male"), 22050, rng, 22050).shape
    (22050,)
    """
    seconds = samples / sample_rate
    notes = [note for note in notes if min(note.duration, seconds - note.start) >= SHORTEST]
    if not notes:
        return np.zeros(samples, np.float32)
    controls = articulate(notes, voice, rng, seconds, vowels, frequency)
    sound = synthesise(controls, voice, sample_rate, rng, samples)
    sung = _upsample(controls.voicing, samples, sample_rate) > 0.1 * controls.voicing.max()
    sound *= LEVEL / np.sqrt(np.mean(sound[sung] ** 2))
    sound *= min(1.0, PEAK / np.abs(sound).max())
    return sound.astype(np.float32)


def _line(notes: Sequence, voice: Singer, seconds: float) -> tuple[np.ndarray, ...]:
    """Start, end, pitch, velocity (n,) of notes sung one at a time."""
    table = np.array([(note.start, note.duration, note.pitch, note.velocity) for note in notes], dtype=float)
    table = table[np.argsort(table[:, 0], kind="stable")]
    start, duration, pitch, velocity = table.T
    # Of notes that start together the last is sung.
    kept = np.append(np.diff(start) > 0.02, True) & (start < seconds)
    start, duration, pitch, velocity = start[kept], duration[kept], pitch[kept], velocity[kept]
    end = np.minimum(start + duration, np.append(start[1:], seconds))
    return start, end, fold(pitch, voice), velocity


def _span(first: float, last: float) -> tuple[int, int]:
    """Control points from `first` to `last` in seconds."""
    return max(round(first / STEP), 0), max(round(last / STEP), 0)


def _pitch(
    start: np.ndarray,
    end: np.ndarray,
    pitch: np.ndarray,
    opens: np.ndarray,
    voice: Singer,
    rng: np.random.Generator,
    count: int,
) -> np.ndarray:
    """Fundamental (count,) in Hz: the notes, approached by a glide, with vibrato and fine fluctuation."""
    # The glide is a second-order low-pass filter; the notes are called early by its delay, so that they are
    # there in time.
    omega = 2 * np.pi * voice.glide
    lead = 1.2 * voice.damping / omega
    changes = np.round((start[1:] - lead) / STEP).astype(int)
    steps = np.repeat(pitch, np.diff(np.concatenate([[0], np.clip(changes, 0, count), [count]])))
    for note in np.flatnonzero(opens):
        # A phrase is scooped: it starts a little under its first note.
        first, last = _span(start[note] - 0.2, start[note] - lead)
        steps[first:last] = pitch[note] - rng.uniform(0.3, 1.5)
    b, a = signal.bilinear([omega**2], [1, 2 * voice.damping * omega, omega**2], fs=1 / STEP)
    line, _ = signal.lfilter(b, a, steps, zi=signal.lfilter_zi(b, a) * steps[0])

    extent = np.zeros(count)
    for first, last in zip(start, end, strict=True):
        a, b = _span(first + voice.vibrato_delay, last)
        if b > a:
            # It grows over a quarter of a second.
            extent[a:b] = np.minimum(np.arange(b - a) * STEP / 0.25, 1) * rng.uniform(0.8, 1.2)
    rate = voice.vibrato_rate * (1 + 0.04 * _drift(rng, count, 0.2))
    vibrato = (
        voice.vibrato_extent
        * gaussian_filter1d(extent, 0.03 / STEP)
        * np.sin(2 * np.pi * np.cumsum(rate) * STEP)
    )
    line = line + vibrato + 0.06 * _drift(rng, count, 0.04)
    return 440.0 * 2.0 ** ((line - 69) / 12)


def _drift(rng: np.random.Generator, count: int, seconds: float) -> np.ndarray:
    """Noise (count,) of deviation 1 that changes over `seconds`."""
    sigma = seconds / STEP
    # A Gaussian of deviation sigma leaves 1 / (2 sigma sqrt(pi)) of white noise's power.
    return gaussian_filter1d(rng.standard_normal(count), sigma) * np.sqrt(2 * sigma * np.sqrt(np.pi))


def _loudness(
    controls: Controls,
    start: np.ndarray,
    end: np.ndarray,
    velocity: np.ndarray,
    opens: np.ndarray,
    voice: Singer,
    rng: np.random.Generator,
) -> None:
    """Writes voicing and effort: velocities, the arch of a phrase, attacks and releases."""
    phrase = np.cumsum(opens) - 1
    first, last = start[opens], np.append(end[np.flatnonzero(opens)[1:] - 1], end[-1])
    middle = (start + end) / 2
    place = (middle - first[phrase]) / (last - first)[phrase]
    decibel = 16 * (velocity - 1) + 4 * (np.sin(np.pi * place) - 1)
    closes = np.append(opens[1:], True)
    for note in range(len(start)):
        a, b = _span(start[note], end[note])
        b = min(b, len(controls.voicing))
        # A long note swells or fades a little; the last of a phrase fades in the end.
        shape = np.linspace(0, rng.uniform(-3, 2), b - a) * min(1.0, end[note] - start[note])
        if closes[note]:
            tail = min((b - a) // 2, round(0.25 / STEP))
            shape[b - a - tail :] -= np.linspace(0, 20, tail)
        controls.voicing[a:b] = 10 ** ((decibel[note] + shape) / 20)
        controls.effort[a:b] = voice.effort * (1 + decibel[note] / 20)
    controls.effort[:] = np.clip(gaussian_filter1d(controls.effort, 0.03 / STEP), 0, 1)


def _breathe(controls: Controls, end: float, rest: float, rng: np.random.Generator) -> None:
    """A breath that ends at `end`, in a rest of `rest` seconds."""
    first, last = _span(end - min(0.7 * (rest - 0.12), rng.uniform(0.3, 0.6)), end)
    rise = np.linspace(0, 1, last - first)
    # Air rushes in faster and faster, then stops.
    controls.aspiration[first:last] = rng.uniform(0.05, 0.12) * rise * np.sqrt(1 - rise**2) * 2


def _begin(
    controls: Controls,
    consonant: Consonant,
    onset: float,
    room: float,
    vowel: np.ndarray,
    tract: float,
) -> None:
    """A consonant that leads to a vowel with formants (5,) at `onset`, within `room` seconds before it."""
    first, last = _span(onset - min(consonant.duration, room), onset)
    loudness = controls.voicing[min(last + 4, len(controls.voicing) - 1)]
    controls.voicing[first:last] = loudness * consonant.voicing
    controls.formants[first:last] = vowel
    if consonant.formants is not None:
        controls.formants[first:last, :3] = np.multiply(consonant.formants, tract)
    # A narrowed or open tract loses more sound: its resonances are wide.
    controls.bandwidths[first:last] = (60, 150, 200, 250, 300)
    if consonant.noise is not None:
        a = last - round(BURST / STEP) if consonant.burst else first
        controls.frication[max(a, first) : last] = consonant.noise_gain * loudness
        controls.noise_centre[first : last + 4], controls.noise_width[first : last + 4] = consonant.noise
    if consonant.aspiration:
        a, b = (last, last + round(0.04 / STEP)) if consonant.burst else (first, last)
        controls.aspiration[a:b] = consonant.aspiration * loudness


def _upsample(values: np.ndarray, samples: int, sample_rate: int) -> np.ndarray:
    """Controls (n,) at each sample (samples,)."""
    return np.interp(np.arange(samples) / (sample_rate * STEP), np.arange(len(values)), values)


def _excitation(
    controls: Controls, voice: Singer, sample_rate: int, rng: np.random.Generator, samples: int
) -> tuple[np.ndarray, ...]:
    """Pulses, their gain, breath noise and its gain, each (samples,)."""
    frequency = _upsample(controls.frequency, samples, sample_rate)
    cycles = np.cumsum(frequency) / sample_rate
    jitter = voice.jitter * rng.standard_normal(int(cycles[-1]) + 2)
    cycles = np.cumsum(frequency * (1 + jitter[cycles.astype(int)])) / sample_rate

    # A pulse is a sum of K cosines in phase, K as large as half the sampling rate allows: a Dirichlet kernel.
    harmonics = np.floor(0.49 * sample_rate / frequency / (1 + 4 * voice.jitter))
    phase = cycles - np.round(cycles)
    # At its peak the kernel is 0 / 0.
    phase[np.abs(phase) < 1e-6] = 1e-6
    pulses = np.sin((2 * harmonics + 1) * np.pi * phase) / np.sin(np.pi * phase) - 1
    # From pulse to pulse the amplitude changes half-way between two.
    shimmer = 1 + voice.shimmer * rng.standard_normal(int(cycles[-1]) + 3)
    pulses *= shimmer[np.round(cycles).astype(int)]

    # The glottis lets the breath through as it opens, once a cycle; a breath taken in finds it open.
    voicing = _upsample(controls.voicing, samples, sample_rate)
    breath = rng.standard_normal(samples) * (1 - 0.5 * np.minimum(voicing, 1) * np.cos(2 * np.pi * phase))
    return pulses, voicing, breath, _upsample(controls.aspiration, samples, sample_rate)


def _windows(sound: np.ndarray, hop: int, frames: int) -> np.ndarray:
    """Spectra (frames, 2 * hop + 1) of Hann windows of 2 hops, one a hop, padded to 4 hops."""
    padded = np.zeros((frames + 1) * hop, np.float32)
    padded[hop : hop + len(sound)] = sound
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    return fft.rfft(windows * signal.get_window("hann", 2 * hop).astype(np.float32), 4 * hop, axis=1)


def _overlap_add(spectrum: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """The sound (samples,) of spectra (frames, 2 * hop + 1); undoes `_windows`."""
    frames = len(spectrum)
    # (frames, 4 * hop) -> (frames, 4, hop): the pieces of a window, to be added to the windows after it.
    pieces = fft.irfft(spectrum, axis=1).reshape(frames, 4, hop)
    total = np.zeros((frames + 3, hop))
    for piece in range(4):
        total[piece : piece + frames] += pieces[:, piece]
    return total.ravel()[hop : hop + samples]


def _scale(spectrum: np.ndarray, gain: np.ndarray, hop: int) -> float:
    """Root mean square of the sound of `spectrum` where its gain (samples,) is 1."""
    # Half of the frames' overlapping power, by Parseval's theorem; Hann windows have a mean square of 3/8.
    power = 2 * np.sum(spectrum.real**2 + spectrum.imag**2, dtype=np.float64) / (4 * hop)
    return float(np.sqrt(power / (0.75 * np.sum(gain**2))))


def _resonance(frequency: np.ndarray, centre: np.ndarray, bandwidth: np.ndarray) -> np.ndarray:
    """Denominators (n, bins) of resonances (n,): 1 at 0 Hz, small at the centre."""
    # float32 throughout: this is the bulk of the work.
    centre, bandwidth = centre.astype(np.float32)[:, None], bandwidth.astype(np.float32)[:, None]
    response = np.empty((len(centre), len(frequency)), np.complex64)
    np.multiply(-(frequency**2), 1 / centre**2, out=response.real)
    response.real += 1
    np.multiply(frequency, bandwidth / centre**2, out=response.imag)
    return response


def _tract(frequency: np.ndarray, formants: np.ndarray, bandwidths: np.ndarray, voice: Singer) -> np.ndarray:
    """Response (n, bins) of vocal tracts with five formants (n, 5): a cascade of resonances (Fant 1960)."""
    response = np.ones((len(formants), len(frequency)), np.complex64)
    for formant, bandwidth in zip(formants.T, bandwidths.T, strict=True):
        response *= _resonance(frequency, formant, bandwidth)
    # A tube goes on resonating once a kilohertz, even beyond half the sampling rate; without that the voice
    # is dull.
    above = TUBE * np.arange(5.5, 60) * voice.formant_scale * TRACT_SCALE[voice.register]
    response *= np.prod(_resonance(frequency, above, above / 20), axis=0)
    return np.reciprocal(response, out=response)


def _glottis(frequency: np.ndarray, fundamental: np.ndarray, effort: np.ndarray) -> np.ndarray:
    """Response (n, bins) that makes the change of the glottal flow out of pulses; see Doval et al. (2006)."""
    # Pressed voices have their glottal formant higher and the tilt's corner at 8 kHz, soft ones at 500 Hz.
    centre = fundamental * (0.8 + 0.8 * effort)
    response = _resonance(frequency, centre, 0.8 * centre)
    corner = (500 * 16**effort).astype(np.float32)[:, None]
    tilt = np.empty_like(response)
    tilt.real = 1
    np.divide(frequency, corner, out=tilt.imag)
    response *= tilt
    return 1j * (frequency / centre.astype(np.float32)[:, None]) / response


def _narrowing(frequency: np.ndarray, centre: np.ndarray, width: np.ndarray, sample_rate: int) -> np.ndarray:
    """Response (n, bins) that leaves white noise a band (n,) and a power of 1."""
    peak = frequency * (width / centre**2).astype(np.float32)[:, None] / _resonance(frequency, centre, width)
    # A resonance passes pi / 2 times its bandwidth; two in a row, half of that.
    return peak**2 / np.sqrt(np.pi / 4 * width / (sample_rate / 2)).astype(np.float32)[:, None]
