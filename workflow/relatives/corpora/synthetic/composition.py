"""Songs composed by rule: artists with a style, albums with a sound, and songs with form, harmony and melody.

What is here: the data (`Artist`, `Album`, `Sound`, `Song`, `Section`, `Part`, `Note`) and two functions that
draw it, `compose_artist` and `compose`. A song is written on a grid of sixteenths and then played: swing,
small deviations of timing and velocity, accents and dynamics make `Note`s in seconds out of it. Nothing here
makes sound; see `rendering`.

Conventions: times in seconds from the song's start; pitches are MIDI numbers, pitch classes 0 to 11 from C;
velocities 0 to 1; tempo in beats a minute; a *step* is a sixteenth.

How a song comes about: a form (intro, verse, chorus, bridge) is laid over the bars; verse and chorus get a
progression each out of the genre's; chords are voiced so that the voices move as little as they can; the
melody repeats and varies a motif of two bars under an arch of four, meets chord tones on strong beats and
moves in steps between them; bass and drums follow the genre's rhythms, with approach notes before a change of
chord and a fill at a section's end; players enter and leave with the sections.
"""

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relatives.corpora.synthetic.genres import (
    DRUM_KEYS,
    FILLS,
    GENRES,
    INSTRUMENTS,
    MELODIES,
    MINOR_MODES,
    MODES,
    Genre,
)

STEPS = 4  # sixteenths a beat
SINGERS = {"female": (57, 76), "male": (45, 64)}  # range of a singable line, MIDI numbers
ROLES = ("lead", "chords", "pad", "bass", "drums")
LEVELS = {
    "lead": 0.0,
    "chords": -4.0,
    "pad": -6.0,
    "bass": -2.5,
    "drums": -2.5,
}  # dB, of the sounding stretches
UNEVEN = 2.5  # dB by which a mix may depart from these
DRIFT = 4  # semitones by which chords may leave their register to move little
SHORTEST_NOTE = 0.04  # seconds


@dataclass(frozen=True)
class Note:
    """One note as played: `start` and `duration` in seconds, `pitch` as a MIDI number, `velocity` from 0 to
    1.
    """

    start: float
    duration: float
    pitch: float
    velocity: float


@dataclass(frozen=True)
class Part:
    """What one player does; `role` is one of `ROLES`, `instrument` a key of `genres.INSTRUMENTS`."""

    role: str
    instrument: str
    level: float  # of its sounding stretches, in dB relative to the lead's usual level
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Sound:
    """An album's production. All of it but the noise is linear, so stems may be produced one by one."""

    low: float  # lowest frequency that passes, Hz
    high: float  # highest frequency that passes, Hz
    tilt: float  # dB added above 3 kHz
    reverb: float  # level of the reverberation relative to the direct sound, as a ratio of amplitudes
    decay: float  # of the reverberation: seconds until -60 dB
    noise: float  # level of the carrier's hiss and crackle relative to the music, dB; -inf for none
    loudness: float  # LUFS


@dataclass(frozen=True)
class Album:
    """A name, the year of release and a sound."""

    name: str
    year: int
    sound: Sound


@dataclass(frozen=True)
class Artist:
    """A style: genre, the instrument of each role, habits of tempo, key and mode, the singer, the albums."""

    name: str
    genre: str
    instruments: dict[str, str]
    tempo: float
    tonics: tuple[int, ...]
    mode: str
    singer: str | None  # "female", "male" or None
    albums: tuple[Album, ...]


@dataclass(frozen=True)
class Section:
    """A stretch of a song: its name ("intro", "verse", "chorus", "bridge"), where it lies, and who plays."""

    name: str
    start: float
    end: float
    roles: frozenset[str]


@dataclass(frozen=True)
class Song:
    """A composed song; every note lies inside [0, seconds]."""

    artist: Artist
    album: Album
    genre: str
    tempo: float
    meter: int  # beats a bar
    tonic: int  # pitch class
    mode: str
    energy: float  # 0 calm, 1 violent
    register: int  # semitones by which all but bass and drums lie lower or higher than usual
    seconds: float
    sections: tuple[Section, ...]
    parts: dict[str, Part]  # by role
    melody: tuple[Note, ...]  # the singable line; without a singer the lead plays it

    @property
    def minor(self) -> bool:
        """Whether the mode has a minor third."""
        return self.mode in MINOR_MODES


# -------------------------------------------------------------------------------------------- harmony


@dataclass(frozen=True)
class Chord:
    """Pitch classes from the root up, the one in the bass, and the steps of the song that it holds."""

    tones: tuple[int, ...]
    bass: int
    first: int
    last: int


NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
NUMERAL = re.compile(r"(b?)([iv]+|[IV]+)(maj7|sus|7|9|6|5|o|ø)?(?::([35]))?")
# Intervals over the root by suffix, with a major and with a minor third.
QUALITIES = {
    None: ((0, 4, 7), (0, 3, 7)),
    "7": ((0, 4, 7, 10), (0, 3, 7, 10)),
    "maj7": ((0, 4, 7, 11), (0, 3, 7, 11)),
    "9": ((0, 4, 7, 10, 2), (0, 3, 7, 10, 2)),
    "6": ((0, 4, 7, 9), (0, 3, 7, 9)),
    "sus": ((0, 5, 7), (0, 5, 7)),
    "5": ((0, 7), (0, 7)),
    "o": ((0, 3, 6), (0, 3, 6)),
    "ø": ((0, 3, 6, 10), (0, 3, 6, 10)),
}


def chord(numeral: str, tonic: int) -> tuple[tuple[int, ...], int]:
    """Pitch classes of a Roman numeral (see `genres`) from its root up, and the pitch class of its bass.

    Examples
    --------
    >>> chord("V7:3", 0)
    ((7, 11, 2, 5), 11)
    """
    flat, letters, suffix, inversion = NUMERAL.fullmatch(numeral).groups()
    root = tonic + NUMERALS[letters.lower()] - len(flat)
    intervals = QUALITIES[suffix][letters.islower()]
    tones = tuple((root + interval) % 12 for interval in intervals)
    return tones, tones[{None: 0, "3": 1, "5": 2}[inversion]]


def harmonise(progression: str, tonic: int, first: int, bars: int, bar_steps: int) -> list[Chord]:
    """Chords of a section of `bars` bars from step `first` on: the progression, over and over."""
    chords = []
    for bar, numerals in zip(range(bars), itertools.cycle(progression.split())):
        names = numerals.split("/")
        # Several chords share a bar by whole beats; the first one gets what is left over.
        share = bar_steps // STEPS // len(names) * STEPS
        start = first + bar * bar_steps
        edges = [start, *(start + bar_steps - share * k for k in range(len(names) - 1, -1, -1))]
        chords += [
            Chord(*chord(name, tonic), begin, end)
            for name, (begin, end) in zip(names, itertools.pairwise(edges), strict=True)
        ]
    return chords


def voice(
    tones: tuple[int, ...],
    previous: tuple[int, ...] | None,
    centre: float,
    voices: int,
    bounds: tuple[int, int] = (0, 127),
) -> tuple[int, ...]:
    """The voicing of a chord that moves least from the previous one and stays about `centre`.

    Every inversion in close position is tried in each octave. A chord of more tones than voices gives up its
    fifth, then its root, which the bass has.

    Parameters
    ----------
    tones : tuple of int
        Pitch classes from the root up.
    previous : tuple of int or None
        The voicing before, if there is one.
    centre : float
        Where the voices lie on average, MIDI number.
    voices : int
    bounds : (int, int)
        Lowest and highest pitch allowed; at least two octaves apart.

    Returns
    -------
    tuple of int
        MIDI numbers, ascending.
    """
    spare = [tones[2], tones[0]] if len(tones) > 3 else []
    kept = [tone for tone in tones if tone not in spare[: max(0, len(tones) - voices)]]
    best, least = (), math.inf
    for turn, octave in itertools.product(range(len(kept)), range(11)):
        rotation = kept[turn:] + kept[:turn]
        pitches = [12 * octave + rotation[0]]
        for tone in rotation[1:]:
            pitches.append(pitches[-1] + 1 + (tone - pitches[-1] - 1) % 12)
        if pitches[0] < bounds[0] or pitches[-1] > bounds[1]:
            continue
        away = abs(sum(pitches) / len(pitches) - centre)
        strain = 0.4 * away + 3 * max(0, away - DRIFT)
        if previous is not None:
            # As many voices as both chords have, from the top: upper voices are heard most.
            strain += sum(abs(a - b) for a, b in zip(reversed(pitches), reversed(previous), strict=False))
        if strain < least:
            best, least = tuple(pitches), strain
    return best


# ----------------------------------------------------------------------------------------------- time


@dataclass(frozen=True)
class Clock:
    """Where the steps of a song lie in seconds."""

    tempo: float
    swing: float
    swung: int

    def seconds(self, step: float) -> float:
        """Time of a step, swung: the second half of what swings comes late."""
        unit = STEPS * 2 / self.swung  # steps that share one swing
        whole, part = divmod(step / unit, 1)
        late = part * 2 * self.swing if part < 0.5 else self.swing + (part - 0.5) * 2 * (1 - self.swing)
        return (whole + late) * unit * 60 / self.tempo / STEPS


def events(rhythm: str) -> list[tuple[int, int, str]]:
    """Step, length in steps and sign of the strokes of a rhythm string; see `genres` for the notation."""
    return [
        (match.start(), len(match.group()), match.group()[0]) for match in re.finditer(r"[^.-]-*", rhythm)
    ]


def fitting(rhythms: tuple[str, ...], bar_steps: int) -> list[str]:
    """The rhythms that last one bar."""
    return [rhythm for rhythm in rhythms if len(rhythm) == bar_steps]


@dataclass(frozen=True)
class Player:
    """Plays steps as notes: early or late, louder or softer by a little, with accents, in the song's
    dynamics.
    """

    rng: np.random.Generator
    clock: Clock
    looseness: float
    lag: float  # seconds by which this player is behind
    dynamics: Callable[[float], float]
    end: float

    def play(
        self, step: float, length: float, pitch: float, weight: float = 1.0, delay: float = 0.0
    ) -> list[Note]:
        """The note of a step, or none if the song is over by then; `weight` scales the velocity."""
        start = max(
            0.0, self.clock.seconds(step) + self.lag + delay + self.looseness * self.rng.standard_normal()
        )
        stop = min(self.clock.seconds(step + length) + self.lag, self.end)
        accent = 1.08 if step % (STEPS * 2) == 0 else 1.0 if step % STEPS == 0 else 0.92
        velocity = self.dynamics(step) * accent * weight * (1 + 0.06 * self.rng.standard_normal())
        if start > self.end - SHORTEST_NOTE:
            return []
        return [Note(start, max(stop - start, SHORTEST_NOTE), pitch, float(np.clip(velocity, 0.1, 1.0)))]


# ---------------------------------------------------------------------------------------------- parts


@dataclass(frozen=True)
class Plan:
    """A section on the grid: name, first bar, number of bars, its chords, who plays."""

    name: str
    bar: int
    bars: int
    chords: list[Chord]
    roles: frozenset[str]

    def at(self, step: float) -> Chord:
        """The chord that sounds at a step."""
        return next(c for c in reversed(self.chords) if c.first <= step)


@dataclass(frozen=True)
class Motif:
    """Two bars that a melody repeats: rhythms and the moves from note to note, in steps of the scale."""

    rhythms: tuple[str, str]
    moves: tuple[tuple[int, ...], tuple[int, ...]]


def draw_motif(rng: np.random.Generator, rhythms: list[str]) -> Motif:
    """A motif: moves are mostly steps; a leap is answered by a step back."""
    chosen = tuple(rhythms[k] for k in rng.integers(len(rhythms), size=2))
    moves = []
    for rhythm in chosen:
        line = []
        for _ in events(rhythm):
            if line and abs(line[-1]) > 1:
                line.append(-int(np.sign(line[-1])))
            else:
                line.append(
                    int(
                        rng.choice(
                            [-3, -2, -1, 0, 1, 2, 3, 4], p=[0.04, 0.08, 0.27, 0.14, 0.27, 0.12, 0.05, 0.03]
                        )
                    )
                )
        moves.append(tuple(line))
    return Motif(chosen, tuple(moves))


def nearest(pitches: list[int], target: float) -> int:
    """The pitch nearest to a target; the lower of two that are as near."""
    return min(pitches, key=lambda pitch: (abs(pitch - target), pitch))


def sing(
    rng: np.random.Generator, plan: Plan, motif: Motif, scale: list[int], bar_steps: int, lift: float
) -> list[tuple[int, int, int]]:
    """A melody over a section: step, length in steps, pitch.

    Phrases of four bars rise and fall in an arch; the fourth bar closes on a long chord tone and leaves room
    to breathe. `scale` holds all pitches that may be sung, ascending; `lift` moves the arch up, as a share of
    the range.
    """
    low, high = scale[0], scale[-1]
    line, pitch = [], None
    for bar in range(plan.bars):
        place = bar % 4
        height = low + (high - low) * (0.28 + lift + 0.34 * math.sin(math.pi * (place + 0.5) / 4))
        rhythm, moves = motif.rhythms[bar % 2], motif.moves[bar % 2]
        closing = place == 3 or (bar == plan.bars - 1 and plan.bars > 1)
        strokes = events(rhythm)
        if closing:
            half = bar_steps // 2
            strokes = [(at, min(length, half - at), sign) for at, length, sign in strokes if at < half]
            strokes.append((half, bar_steps // 2 - STEPS // 2, "x"))
        pitch = height if pitch is None else 0.5 * (pitch + height)
        for number, (at, length, _) in enumerate(strokes):
            step = (plan.bar + bar) * bar_steps + at
            near = scale.index(nearest(scale, pitch)) + (moves[number % len(moves)] if number else 0)
            pitch = scale[min(max(near, 0), len(scale) - 1)]
            if at % (2 * STEPS) == 0 or length >= STEPS or (closing and at == bar_steps // 2):
                tones = plan.at(step).tones
                pitch = nearest([p for p in range(low, high + 1) if p % 12 in tones], pitch)
            # Repeats are varied: now and then a neighbour instead, or an ornament.
            elif bar >= 2 and rng.random() < 0.15:
                pitch = nearest(scale, pitch + rng.choice([-2, 2]))
            line.append((step, length, pitch))
    return line


def accompany(
    player: Player,
    plan: Plan,
    rhythm: str,
    voicings: dict[Chord, tuple[int, ...]],
    bar_steps: int,
    strum: float,
) -> list[Note]:
    """Chords in a rhythm: together, strummed, or broken."""
    notes = []
    for bar in range(plan.bars):
        first = (plan.bar + bar) * bar_steps
        for at, length, sign in events(rhythm):
            sounding = plan.at(first + at)
            pitches = voicings[sounding]
            if sign.isdigit():
                pitches = pitches[int(sign) % len(pitches) :][:1]
            weight = 0.7 if sign == "o" else 0.88
            held = min(length, sounding.last - first - at)
            for place, pitch in enumerate(pitches):
                notes += player.play(first + at, held, pitch, weight, delay=place * strum)
            # The rhythm holds on, but the chord has changed below it.
            for later in plan.chords:
                if first + at < later.first < first + at + length:
                    for pitch in voicings[later]:
                        notes += player.play(
                            later.first, first + at + length - later.first, pitch, 0.8 * weight
                        )
    return notes


def sustain(player: Player, plan: Plan, voicings: dict[Chord, tuple[int, ...]]) -> list[Note]:
    """Chords held until the next one."""
    return [
        note
        for c in plan.chords
        for pitch in voicings[c]
        for note in player.play(c.first, c.last - c.first, pitch, 0.8)
    ]


def walk(player: Player, plan: Plan, rhythm: str, bottom: int, bar_steps: int) -> list[Note]:
    """A bass line in a rhythm, from `bottom` up to a tenth above it; see `genres` for the signs."""
    notes, last = [], bottom + 7
    fifteen = range(bottom, bottom + 16)
    for bar in range(plan.bars):
        first = (plan.bar + bar) * bar_steps
        strokes = events(rhythm)
        for number, (at, length, sign) in enumerate(strokes):
            step = first + at
            sounding = plan.at(step)
            following = plan.at(min(step + length, plan.chords[-1].last - 1))
            root = bottom + (sounding.bass - bottom) % 12
            if sign == "w":
                changes = following is not sounding or number == len(strokes) - 1
                sign = "R" if step == sounding.first else "a" if changes else "s"
            if sign == "R":
                pitch = root
            elif sign == "8":
                pitch = root + 12
            elif sign == "a":
                # A semitone below or above the root to come.
                goal = bottom + (following.bass - bottom) % 12
                pitch = goal + (1 if last > goal else -1)
            elif sign == "s":
                pitch = nearest([p for p in fifteen if p % 12 in sounding.tones and p != last], last + 2)
            else:
                index = {"3": 1, "5": len(sounding.tones[:3]) - 1, "7": min(3, len(sounding.tones) - 1)}[sign]
                pitch = root + (sounding.tones[index] - root) % 12
            pitch = pitch if pitch >= bottom else pitch + 12
            # A little air between repeated notes.
            notes += player.play(step, length - 0.3, pitch, 0.95)
            last = pitch
    return notes


WEIGHTS = {"X": 1.1, "x": 0.88, "o": 0.5}


def drum(
    player: Player, plan: Plan, pattern: dict[str, str], fill: dict[str, str] | None, bar_steps: int
) -> list[Note]:
    """Drums: a pattern bar by bar, a crash to open a chorus, a fill in place of the last bar's second
    half.
    """
    notes = []
    for bar in range(plan.bars):
        first = (plan.bar + bar) * bar_steps
        filled = fill is not None and bar == plan.bars - 1
        strokes = [
            (at, piece, sign)
            for piece, rhythm in pattern.items()
            for at, _, sign in events(rhythm)
            if not (filled and at >= bar_steps // 2)
        ]
        if filled:
            strokes += [
                (at, piece, sign)
                for piece, rhythm in fill.items()
                for at, _, sign in events(rhythm[:bar_steps])
                if at >= bar_steps // 2
            ]
        if bar == 0 and plan.name == "chorus":
            strokes.append((0, "crash", "x"))
        for at, piece, sign in strokes:
            length = 2 * STEPS if piece in ("crash", "ride", "open") else STEPS
            notes += player.play(first + at, length, DRUM_KEYS[piece], WEIGHTS[sign])
    return notes


# --------------------------------------------------------------------------------- artists and albums


def recording(rng: np.random.Generator, genre: Genre, year: int) -> Sound:
    """The sound of a year and a genre: band, brightness, reverberation, the carrier's noise, loudness."""
    # low, high, tilt, reverb, decay, noise, loudness of the decades as recordings went
    decades = {
        1950: (190, 3600, 0, 0.15, 0.7, -27, -17.5),
        1960: (95, 5600, -1, 0.40, 1.1, -36, -18.0),
        1970: (50, 7600, -2, 0.12, 0.5, -44, -18.5),
        1980: (40, 10500, 3, 0.50, 1.9, -math.inf, -17.5),
        1990: (30, 10900, 0, 0.22, 1.0, -math.inf, -15.5),
        2000: (30, 10900, 5, 0.10, 0.5, -math.inf, -13.0),
    }
    low, high, tilt, reverb, decay, noise, loudness = decades[max(1950, year // 10 * 10)]
    return Sound(
        low=low * rng.uniform(0.7, 1.4),
        high=high * rng.uniform(0.75, 1.0),
        tilt=tilt + rng.uniform(-1.5, 1.5),
        reverb=min(reverb * genre.reverb * rng.uniform(0.5, 1.5), 1.0),
        decay=min(decay * genre.reverb**0.5 * rng.uniform(0.8, 1.2), 3.0),
        noise=noise + rng.uniform(-4, 4),
        loudness=float(np.clip(loudness + 2.5 * (genre.energy - 0.5) + rng.uniform(-0.8, 0.8), -20, -12)),
    )


def compose_artist(
    rng: np.random.Generator,
    name: str,
    genre: str,
    singer: str | None = None,
    decade: int | None = None,
    instruments: dict[str, str | None] | None = None,
    without: frozenset[str] = frozenset(),
    albums: int = 2,
) -> Artist:
    """Draw an artist.

    Parameters
    ----------
    rng : numpy.random.Generator
    name : str
    genre : str
        A key of `genres.GENRES`.
    singer : {"female", "male", None}
        Who sings; None for an instrumental artist.
    decade : int, optional
        Of the first album; drawn among the genre's if not given.
    instruments : dict of str to str, optional
        The instrument (any of `genres.INSTRUMENTS`) of roles for which it is settled, None for nobody in a
        role; the others are drawn among the genre's, no two of one kind.
    without : set of str
        IRMAS classes that nobody but the lead may play.
    albums : int
        How many the artist has made.

    Returns
    -------
    Artist
    """
    style = GENRES[genre]
    chosen = dict(instruments or {})
    for role, choices in style.instruments.items():
        if role in chosen or (role == "pad" and rng.random() >= style.pads):
            continue
        allowed = [choice for choice in choices if INSTRUMENTS[choice].irmas not in without or role == "lead"]
        taken = {INSTRUMENTS[name].tag for name in chosen.values() if name} - {None}
        other = [choice for choice in allowed if INSTRUMENTS[choice].tag not in taken]
        if allowed:
            chosen[role] = str(rng.choice(other or allowed))
    decade = int(rng.choice(style.decades)) if decade is None else decade
    years = sorted(rng.choice(np.arange(decade, decade + 10), size=albums, replace=False).tolist())
    modes = list(style.modes)
    return Artist(
        name=name,
        genre=genre,
        instruments={role: name for role, name in chosen.items() if name},
        tempo=float(np.exp(rng.uniform(*np.log(style.tempo)))),
        tonics=tuple(rng.choice(12, size=4, replace=False).tolist()),
        mode=str(rng.choice(modes, p=np.array(list(style.modes.values())) / sum(style.modes.values()))),
        singer=singer,
        albums=tuple(
            Album(f"{name}, album {number + 1}", year, recording(rng, style, year))
            for number, year in enumerate(years)
        ),
    )


# ---------------------------------------------------------------------------------------------- songs


def lay_out(bars: int) -> list[tuple[str, int]]:
    """Name and length in bars of the sections of a song; a remainder joins the last section.

    Examples
    --------
    >>> lay_out(7)
    [('intro', 1), ('verse', 2), ('chorus', 2), ('verse', 2)]
    """
    unit = 8 if bars >= 40 else 4 if bars >= 11 else 2
    intro = unit // 2 if bars >= 2 * unit + 1 else 0
    form = [("intro", intro)] if intro else []
    left = bars - intro
    for name in itertools.chain(
        ["verse", "chorus"], itertools.cycle(["verse", "chorus", "bridge", "chorus"])
    ):
        if left < 2 * unit:
            return [*form, (name, left)]
        form.append((name, unit))
        left -= unit
    raise AssertionError("a cycle does not end")


# How often a role pauses in a section.
PAUSES = {
    "intro": {"drums": 0.5, "bass": 0.5, "lead": 0.3, "pad": 0.4},
    "verse": {"pad": 0.5, "drums": 0.05},
    "chorus": {},
    "bridge": {"drums": 0.4, "bass": 0.3, "pad": 0.2},
}


def enter(
    rng: np.random.Generator, section: str, available: frozenset[str], always: frozenset[str]
) -> frozenset[str]:
    """Who plays in a section: few in an intro, all in a chorus; drums and bass never pause together."""
    pausing = {role for role, chance in PAUSES[section].items() if rng.random() < chance}
    if pausing >= {"drums", "bass"}:
        pausing.remove("bass")
    return available - (pausing - always)


@dataclass(frozen=True)
class Frame:
    """What is settled of a song before its notes."""

    artist: Artist
    album: Album
    style: Genre
    tempo: float
    meter: int
    tonic: int
    mode: str
    energy: float
    register: int
    seconds: float

    @property
    def bar_steps(self) -> int:
        """Steps a bar."""
        return self.meter * STEPS

    def scale(self, low: int, high: int) -> list[int]:
        """The mode's pitches from `low` to `high`."""
        degrees = {(self.tonic + degree) % 12 for degree in MODES[self.mode]}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in degrees]


@dataclass(frozen=True)
class Material:
    """What sections of one kind are made of."""

    progression: str
    chords: str
    bass: str
    drums: dict[str, str] | None
    motif: Motif


# Sections share the material of a verse or that of a chorus.
MATERIAL = {"intro": "verse", "verse": "verse", "chorus": "chorus", "bridge": "chorus"}


def draw_frame(rng: np.random.Generator, artist: Artist, seconds: float, album: Album | None) -> Frame:
    """Settle a song of an artist by the artist's habits."""
    style = GENRES[artist.genre]
    weights = np.array([style.modes[mode] * (4 if mode == artist.mode else 1) for mode in style.modes], float)
    return Frame(
        artist=artist,
        album=artist.albums[rng.integers(len(artist.albums))] if album is None else album,
        style=style,
        tempo=float(np.clip(artist.tempo * np.exp(0.08 * rng.standard_normal()), *style.tempo)),
        meter=int(rng.choice(style.meters)),
        tonic=int(rng.choice(artist.tonics)),
        mode=str(rng.choice(list(style.modes), p=weights / weights.sum())),
        energy=float(np.clip(style.energy + 0.12 * rng.standard_normal(), 0, 1)),
        register=int(rng.choice([-5, 0, 4], p=[0.3, 0.5, 0.2])),
        seconds=seconds,
    )


def draw_material(rng: np.random.Generator, frame: Frame) -> dict[str, Material]:
    """Material of verse and chorus; they differ in harmony as far as the genre knows several progressions."""
    style, steps = frame.style, frame.bar_steps
    progressions = style.progressions.get(frame.mode, style.progressions.get("", ()))
    order = rng.permutation(len(progressions))
    patterns = [p for p in style.drums if all(len(rhythm) == steps for rhythm in p.values())]
    cells = fitting(tuple(cell for family in style.melody for cell in MELODIES[family]), steps)
    return {
        kind: Material(
            progression=progressions[order[number % len(order)]],
            chords=str(rng.choice(fitting(style.chords, steps))),
            bass=str(rng.choice(fitting(style.bass, steps))),
            drums=patterns[rng.integers(len(patterns))] if patterns else None,
            motif=draw_motif(rng, cells),
        )
        for number, kind in enumerate(("verse", "chorus"))
    }


def draw_plans(
    rng: np.random.Generator, frame: Frame, material: dict[str, Material], always: frozenset[str]
) -> list[Plan]:
    """The sections of a song; `always` are the roles that never pause."""
    available = frozenset(
        role for role in frame.artist.instruments if role != "drums" or material["verse"].drums is not None
    )
    if frame.style.pads == 1:
        always = always | {"pad"}
    plans, bar = [], 0
    for name, bars in lay_out(math.ceil(frame.seconds * frame.tempo / 60 / frame.meter - 1e-9)):
        progression = material[MATERIAL[name]].progression
        chords = harmonise(progression, frame.tonic, bar * frame.bar_steps, bars, frame.bar_steps)
        plans.append(Plan(name, bar, bars, chords, enter(rng, name, available, always)))
        bar += bars
    return plans


# Velocity at the beginning and the end of a section, relative to the song's.
SWELLS = {"intro": (0.8, 1.0), "verse": (0.92, 0.98), "chorus": (1.06, 1.06), "bridge": (0.85, 1.05)}


def dynamics(frame: Frame, plans: list[Plan]) -> Callable[[float], float]:
    """Velocity over the steps of a song."""
    edges = [
        (step * frame.bar_steps, level)
        for plan in plans
        for step, level in zip((plan.bar, plan.bar + plan.bars - 0.01), SWELLS[plan.name], strict=True)
    ]
    steps, levels = np.array(edges).T
    middle = 0.5 + 0.38 * frame.energy
    return lambda step: middle * float(np.interp(step, steps, levels))


def voicings(frame: Frame, plans: list[Plan], role: str) -> dict[Chord, tuple[int, ...]]:
    """The voicing of every chord of a song on the instrument of a role, each led from the one before.

    Distorted guitars play root and fifth alone, low down, for thirds would blur; others play in the middle.
    """
    instrument = INSTRUMENTS[frame.artist.instruments[role]]
    powerful = instrument.tag == "distorted guitar"
    centre = 46 if powerful else {"chords": 58, "pad": 64}[role]
    centre = min(max(centre + frame.register, instrument.low + 7), instrument.high - 9)
    voiced, previous = {}, None
    for sounding in itertools.chain.from_iterable(plan.chords for plan in plans):
        tones = sounding.tones
        if powerful:
            tones = (tones[0], tones[len(tones[:3]) - 1])
        if not instrument.chordal:
            tones = tones[:1]
        voiced[sounding] = previous = voice(
            tones, previous, centre, frame.style.extension, (instrument.low, instrument.high)
        )
    return voiced


def sing_sections(
    rng: np.random.Generator, frame: Frame, plans: list[Plan], material: dict[str, Material], player: Player
) -> list[Note]:
    """The line of a singer, who leaves an intro to the lead instrument, if there is one."""
    scale = frame.scale(*SINGERS[frame.artist.singer])
    notes = []
    for plan in plans:
        if plan.name == "intro" and "lead" in frame.artist.instruments:
            continue
        motif = material[MATERIAL[plan.name]].motif
        lift = 0.1 if plan.name == "chorus" else 0.0
        for step, length, pitch in sing(rng, plan, motif, scale, frame.bar_steps, lift):
            notes += player.play(step, length, pitch)
    return notes


def lead_sections(
    rng: np.random.Generator, frame: Frame, plans: list[Plan], material: dict[str, Material], player: Player
) -> tuple[list[Note], list[Note]]:
    """What the lead instrument plays, and the melody in it.

    Without a singer it plays the melody; with one it plays the intro and then answers the singer in the
    second half of every other bar, where the voice closes. An instrument that can play chords puts some
    below.
    """
    lead = INSTRUMENTS[frame.artist.instruments["lead"]]
    middle = round(lead.low + 0.55 * (lead.high - lead.low)) + frame.register
    scale = frame.scale(max(lead.low, middle - 9), min(lead.high, middle + 10))
    melody, below = [], []
    for plan in plans:
        if "lead" not in plan.roles:
            continue
        motif = material[MATERIAL[plan.name]].motif
        lift = 0.1 if plan.name == "chorus" else 0.0
        answering = frame.artist.singer is not None and plan.name != "intro"
        for step, length, pitch in sing(rng, plan, motif, scale, frame.bar_steps, lift):
            bar, place = divmod(step, frame.bar_steps)
            if answering and ((bar - plan.bar) % 2 == 0 or place < frame.bar_steps // 2):
                continue
            melody += player.play(step, length, pitch)
            if lead.chordal and (length >= STEPS or rng.random() < 0.3):
                tones = plan.at(step).tones
                lower = [p for p in range(pitch - 3, lead.low - 1, -1) if p % 12 in tones]
                for other in lower[: rng.integers(1, 3)]:
                    below += player.play(step, length, other, 0.8)
    return melody + below, melody


def compose(
    rng: np.random.Generator,
    artist: Artist,
    seconds: float,
    album: Album | None = None,
    always: frozenset[str] = frozenset(),
) -> Song:
    """Compose a song.

    Parameters
    ----------
    rng : numpy.random.Generator
    artist : Artist
    seconds : float
        The song's length; it breaks off there as a preview does.
    album : Album, optional
        One of the artist's; drawn if not given.
    always : set of str
        Roles that play in every section.

    Returns
    -------
    Song
        The melody of an artist who sings lies in that singer's range (`SINGERS`); see `lead_sections` for
        what the lead instrument does then.
    """
    frame = draw_frame(rng, artist, seconds, album)
    style = frame.style
    material = draw_material(rng, frame)
    plans = draw_plans(rng, frame, material, always)
    fill = FILLS[rng.integers(len(FILLS))] if frame.meter == 4 else None
    clock = Clock(frame.tempo, style.swing, style.swung)
    louder = dynamics(frame, plans)
    players = {
        role: Player(rng, clock, style.looseness, style.looseness * rng.uniform(-0.5, 1.2), louder, seconds)
        for role in (*ROLES, "singer")
    }

    notes: dict[str, list[Note]] = {role: [] for role in ROLES}
    melody = []
    if "lead" in artist.instruments:
        notes["lead"], melody = lead_sections(rng, frame, plans, material, players["lead"])
    if artist.singer:
        melody = sing_sections(rng, frame, plans, material, players["singer"])
    voiced = {role: voicings(frame, plans, role) for role in ("chords", "pad") if role in artist.instruments}
    strum = 0.011 if "guitar" in artist.instruments.get("chords", "") else 0.003
    for plan in plans:
        own = material[MATERIAL[plan.name]]
        if "chords" in plan.roles:
            notes["chords"] += accompany(
                players["chords"], plan, own.chords, voiced["chords"], frame.bar_steps, strum
            )
        if "pad" in plan.roles:
            notes["pad"] += sustain(players["pad"], plan, voiced["pad"])
        if "bass" in plan.roles:
            bottom = INSTRUMENTS[artist.instruments["bass"]].low
            notes["bass"] += walk(players["bass"], plan, own.bass, bottom, frame.bar_steps)
        if "drums" in plan.roles:
            notes["drums"] += drum(players["drums"], plan, own.drums, fill, frame.bar_steps)

    parts = {
        role: Part(
            role=role,
            instrument=artist.instruments[role],
            level=LEVELS[role] + style.levels.get(role, 0.0) + float(rng.uniform(-UNEVEN, UNEVEN)),
            notes=tuple(sorted(played, key=lambda note: (note.start, note.pitch))),
        )
        for role, played in notes.items()
        if played
    }
    sections = tuple(
        Section(
            name=plan.name,
            start=clock.seconds(plan.bar * frame.bar_steps),
            end=min(clock.seconds((plan.bar + plan.bars) * frame.bar_steps), seconds),
            roles=plan.roles,
        )
        for plan in plans
    )
    return Song(
        artist=artist,
        album=frame.album,
        genre=artist.genre,
        tempo=frame.tempo,
        meter=frame.meter,
        tonic=frame.tonic,
        mode=frame.mode,
        energy=frame.energy,
        register=frame.register,
        seconds=seconds,
        sections=sections,
        parts=parts,
        melody=tuple(sorted(melody, key=lambda note: note.start)),
    )
