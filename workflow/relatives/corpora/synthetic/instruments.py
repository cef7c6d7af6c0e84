"""The instruments corpus: excerpts of a lead instrument over an accompaniment, in the eleven classes of
IRMAS.

As in IRMAS, the lead predominates but is not alone, and several excerpts come from one song, each song with
one lead. Nobody in the accompaniment plays an instrument of the lead's class.

Settings: ``songs``, ``seconds`` (of an excerpt), ``split`` (shares of train, valid and test) and, unless the
music is to stay as it is mixed, ``recording`` (`recording.record`). Every song is by another artist.

Source of the classes and their frequencies: the training data of IRMAS (6,705 excerpts of 3 s).
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relatives import seeds
from relatives.corpora.synthetic import SPLITS, genres, in_order, sides
from relatives.corpora.synthetic.composition import Artist, Note, Song, compose, compose_artist

if TYPE_CHECKING:  # the store brings pandas, which those who want the names of tags alone need not wait for
    from relatives.corpora.store import Track

# Excerpts of each class in IRMAS: how common the classes are.
WEIGHTS = {
    "cel": 388,
    "cla": 505,
    "flu": 451,
    "gac": 637,
    "gel": 760,
    "org": 682,
    "pia": 721,
    "sax": 626,
    "tru": 577,
    "vio": 580,
    "voi": 778,
}
INSTRUMENTS = tuple(WEIGHTS)

# Where a class leads, and on which of its instruments (`genres.INSTRUMENTS`).
GENRES = {
    "cel": ("classical", "ambient", "folk"),
    "cla": ("jazz", "classical", "latin", "folk"),
    "flu": ("folk", "jazz", "latin", "classical", "ambient", "hip-hop"),
    "gac": ("folk", "country", "latin", "blues"),
    "gel": ("rock", "blues", "metal", "funk", "country", "jazz"),
    "org": ("rock", "reggae", "blues", "funk", "classical"),
    "pia": ("jazz", "classical", "latin", "pop", "blues"),
    "sax": ("jazz", "blues", "funk", "latin", "pop"),
    "tru": ("jazz", "latin", "classical", "funk", "reggae"),
    "vio": ("classical", "folk", "country", "ambient"),
    "voi": ("pop", "rock", "folk", "country", "reggae", "funk", "jazz", "hip-hop", "latin"),
}
# Not a lead, but of its class.
ENSEMBLES = frozenset({"strings", "slow strings", "pizzicato strings", "brass"})
LEADS = {
    name: tuple(
        key for key, value in genres.INSTRUMENTS.items() if value.irmas == name and key not in ENSEMBLES
    )
    for name in INSTRUMENTS
}
# What a class plays in classical music, if not all of these.
CLASSICAL = {"org": ("church organ",), "vio": ("violin",)}

LOUDER = (1.0, 7.0)  # dB by which the lead is above the whole accompaniment
SPARE = 1.25  # seconds composed for each second of an excerpt, among which the best are taken
EXCERPTS = 3  # a song
PLACES = 8  # starts tried for an excerpt


@dataclass(frozen=True)
class Casting:
    """What is settled of a song before it is composed."""

    name: str
    split: str
    lead: str  # class of IRMAS


def cast(songs: int, shares: tuple[float, float, float], seed: int) -> list[Casting]:
    """The lead of each song: in every split each class in its share, as near as whole songs allow."""
    castings, had = [], {split: Counter() for split in SPLITS}
    rng = seeds.generator(seed, "corpus", "instruments", "casting")
    for number, split in enumerate(sides(songs, shares)):
        classes = [INSTRUMENTS[place] for place in rng.permutation(len(INSTRUMENTS))]
        lead = min(classes, key=lambda name: (had[split][name] + 1) / WEIGHTS[name])
        had[split][lead] += 1
        castings.append(Casting(f"{lead} song {number + 1}", split, lead))
    return castings


def artist_of(casting: Casting, seed: int) -> Artist:
    """The artist of a song: a genre in which the class leads, an accompaniment without it."""
    rng = seeds.generator(seed, "corpus", "instruments", casting.name, "artist")
    genre = str(rng.choice(GENRES[casting.lead]))
    lead, singer = None, None
    if casting.lead == "voi":
        singer = str(rng.choice(["female", "male"]))
    else:
        only = CLASSICAL.get(casting.lead) if genre == "classical" else None
        lead = str(rng.choice(only or LEADS[casting.lead]))
    without = frozenset({casting.lead})
    return compose_artist(
        rng, f"{casting.name}'s artist", genre, singer, instruments={"lead": lead}, without=without
    )


def song_of(casting: Casting, seconds: float, seed: int) -> Song:
    """A casting's song, in which the lead plays throughout."""
    rng = seeds.generator(seed, "corpus", "instruments", casting.name, "song")
    return compose(rng, artist_of(casting, seed), seconds, always=frozenset({"lead"}))


def lead_notes(song: Song) -> tuple[Note, ...]:
    """What the song's lead plays or sings."""
    return song.melody if song.artist.singer else song.parts["lead"].notes


def busy(notes: tuple[Note, ...], first: float, seconds: float) -> float:
    """Share of a stretch in which one of the notes sounds."""
    grid = first + seconds * (np.arange(100) + 0.5) / 100
    starts = np.array([note.start for note in notes])
    ends = np.array([note.start + note.duration for note in notes])
    # (instants, notes): which notes sound at an instant
    return float(np.any((starts <= grid[:, None]) & (grid[:, None] < ends), axis=1).mean())


def excerpts(song: Song, count: int, seconds: float) -> list[float]:
    """Starts of so many excerpts that do not overlap, each where the lead sounds most within its share of the
    song.
    """
    share = song.seconds / count
    notes = lead_notes(song)
    starts = []
    for number in range(count):
        places = number * share + np.linspace(0, share - seconds, PLACES)
        starts.append(float(max(places, key=lambda place: busy(notes, place, seconds))))
    return starts


def layers(song: Song, name: str, sample_rate: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lead and accompaniment of a song, produced but not mastered, each (samples,) float32."""
    from relatives.corpora.synthetic import rendering, voice

    rng = seeds.generator(seed, "corpus", "instruments", name, "lead")
    others = [part for role, part in song.parts.items() if role != "lead"]
    accompaniment = rendering.render(others, song.seconds, sample_rate)
    if song.artist.singer:
        singer = voice.singer(rng, song.artist.singer)
        lead = voice.sing(song.melody, singer, sample_rate, rng, len(accompaniment))
    else:
        lead = rendering.play(song.parts["lead"], song.seconds, sample_rate)
    above = rendering.sounding_level(accompaniment, sample_rate) - rendering.REFERENCE + rng.uniform(*LOUDER)
    lead = rendering.level(lead, above, sample_rate)
    produced = (rendering.produce(sound, song.album.sound, sample_rate) for sound in (lead, accompaniment))
    return tuple(produced)


def make(
    casting: Casting,
    count: int,
    seconds: float,
    sample_rate: int,
    seed: int,
    recording: dict | None = None,
) -> list["Track"]:
    """The excerpts of a casting's song."""
    from relatives.corpora.store import Track
    from relatives.corpora.synthetic import rendering
    from relatives.corpora.synthetic.recording import record

    song = song_of(casting, count * seconds * SPARE, seed)
    sound = song.album.sound
    mix = sum(layers(song, casting.name, sample_rate, seed))
    mix += rendering.carrier(
        seeds.generator(seed, "corpus", "instruments", casting.name, "noise"), mix, sound, sample_rate
    )
    mix *= rendering.master(mix, sound, sample_rate)
    if recording is not None:
        rng = seeds.generator(seed, "corpus", "instruments", casting.name, "recording")
        # the song as a whole: excerpts are cut out of a finished recording
        mix = record(mix, recording, sample_rate, rng)
    samples = round(seconds * sample_rate)
    made = []
    for number, start in enumerate(excerpts(song, count, seconds)):
        first = min(round(start * sample_rate), len(mix) - samples)
        made.append(
            Track(
                track_id=f"{casting.name}, excerpt {number + 1}",
                audio=mix[first : first + samples],
                split=casting.split,
                song=casting.name,
                artist=song.artist.name,
                album=song.album.name,
                year=song.album.year,
                labels={name: int(name == casting.lead) for name in INSTRUMENTS},
                extra={
                    "genre": song.genre,
                    "lead": song.artist.instruments.get("lead", "voice"),
                    "tempo": song.tempo,
                    "tonic": song.tonic,
                    "mode": song.mode,
                    "meter": song.meter,
                },
            )
        )
    return made


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator["Track"]:
    """The corpus: `EXCERPTS` tracks of each of ``songs`` songs, split by song and artist."""
    make_one = functools.partial(
        make,
        count=EXCERPTS,
        seconds=settings["seconds"],
        sample_rate=sample_rate,
        seed=seed,
        recording=settings.get("recording"),
    )
    castings = cast(settings["songs"], settings["split"], seed)
    return itertools.chain.from_iterable(in_order(make_one, castings, workers))
