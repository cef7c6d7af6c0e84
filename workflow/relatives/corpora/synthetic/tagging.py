"""The tagging corpus: previews of songs with 50 tags over genre, mood, instrument, vocals and era.

A tag is read off the score, never off a wish: an instrument's tag because the instrument plays, an era's
because the album was produced so, a mood's because mode, tempo, energy and register are what the mood sounds
like (`MOODS`). So every tag is true of the audio, and an ear could find it there.

Settings: ``songs``, ``seconds``, ``split`` (shares of train, valid and test) and, unless the music is to stay
as it is mixed, ``recording`` (`recording.record`). Artists have `SONGS` songs
each; what an artist plays, sings and when is dealt out so that the splits come by as many of each kind as
they can.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from relatives import seeds
from relatives.corpora.synthetic import SPLITS, in_order, sides
from relatives.corpora.synthetic.composition import Artist, Song, compose, compose_artist
from relatives.corpora.synthetic.genres import GENRES, INSTRUMENTS

if TYPE_CHECKING:  # the store brings pandas, which those who want the names of tags alone need not wait for
    from relatives.corpora.store import Track

SONGS = 2  # an artist
DEALS = 12  # attempts to deal a split so that it has all tags
PLAYING = 0.25  # share of a song in which an instrument must sound to earn its tag
VOCALS = 1.5  # level of a singer, dB relative to a lead instrument

# How common the genres are.
WEIGHTS = dict.fromkeys(GENRES, 1.0) | {
    "rock": 2.0,
    "pop": 2.0,
    "jazz": 1.4,
    "classical": 1.4,
    "electronic": 1.4,
}

GENRE_TAGS = tuple(GENRES)
INSTRUMENT_TAGS = tuple(dict.fromkeys(i.tag for i in INSTRUMENTS.values() if i.tag))
VOCAL_TAGS = ("female vocalists", "male vocalists", "instrumental")
ERA_TAGS = {"oldies": 1950, "60s": 1960, "70s": 1970, "80s": 1980, "90s": 1990, "00s": 2000}

# What a mood sounds like, as a rule over the song and the names of what is heard in it (`heard`).
MOODS = {
    "happy": lambda song, heard: (
        not song.minor and song.tempo >= 100 and song.energy >= 0.3 and song.register >= 0
    ),
    "sad": lambda song, heard: song.minor and song.tempo <= 105 and song.energy <= 0.6,
    "energetic": lambda song, heard: song.energy >= 0.6 and song.tempo >= 110 and "drums" in heard,
    "mellow": lambda song, heard: song.energy <= 0.4 and song.tempo <= 110,
    "aggressive": lambda song, heard: song.energy >= 0.65 and song.minor and "distorted guitar" in heard,
    "dark": lambda song, heard: song.minor and song.register < 0,
    "romantic": lambda song, heard: (
        song.tempo <= 112 and song.energy <= 0.6 and not heard.isdisjoint({"strings", "violin", "saxophone"})
    ),
    "danceable": lambda song, heard: (
        GENRES[song.genre].danceable and "drums" in heard and 90 <= song.tempo <= 138
    ),
}
TAGS = (*GENRE_TAGS, *MOODS, *INSTRUMENT_TAGS, *VOCAL_TAGS, *ERA_TAGS)


def heard(song: Song) -> set[str]:
    """Tags of the instruments that sound for `PLAYING` of the song at least."""
    names = set()
    for part in song.parts.values():
        # A stroke of a drum or a plucked string is heard for a moment, however short its note.
        spans = np.array([(note.start, note.start + max(note.duration, 0.2)) for note in part.notes])
        # Tenths of a second: where spans begin and have ended.
        first, last = (spans * 10).astype(int).T
        tenths = int(song.seconds * 10) + 4
        held = np.cumsum(np.bincount(first, minlength=tenths) - np.bincount(last + 1, minlength=tenths))
        if np.count_nonzero(held) >= PLAYING * song.seconds * 10:
            names.add(INSTRUMENTS[part.instrument].tag)
    return names - {None}


def tags(song: Song) -> dict[str, int]:
    """0 or 1 for each of `TAGS`."""
    names = heard(song)
    era = max(1950, song.album.year // 10 * 10)
    true = {
        song.genre,
        *(mood for mood, holds in MOODS.items() if holds(song, names)),
        *names.intersection(INSTRUMENT_TAGS),
        f"{song.artist.singer} vocalists" if song.artist.singer else "instrumental",
        *(tag for tag, decade in ERA_TAGS.items() if decade == era),
    }
    return {tag: int(tag in true) for tag in TAGS}


@dataclass(frozen=True)
class Casting:
    """What is settled of an artist before one is composed."""

    name: str
    split: str
    genre: str
    singer: str | None
    decade: int
    lead: str
    chords: str


def cast(songs: int, shares: tuple[float, float, float], seconds: float, seed: int) -> list[Casting]:
    """The artists of a corpus of so many songs, train, valid, test.

    A split is dealt anew, at most `DEALS` times, until each tag is true of some of its songs and not of all.
    A corpus too small for that keeps the deal that comes nearest.
    """
    splits = sides(-(-songs // SONGS), shares)
    castings: list[Casting] = []
    for split in SPLITS:
        deals = (deal(splits, split, attempt, seed) for attempt in range(DEALS))
        best, fewest = [], len(TAGS) + 1
        for dealt in deals:
            rows = [
                list(tags(song_of(casting, number, seconds, seed)).values())
                for casting in dealt
                for number in range(SONGS)
            ]
            one_sided = int(np.sum(np.all(rows, axis=0) | ~np.any(rows, axis=0)))
            if one_sided < fewest:
                best, fewest = dealt, one_sided
            if one_sided == 0:
                break
        castings += best
    return castings


def deal(splits: list[str], split: str, attempt: int, seed: int) -> list[Casting]:
    """Genres, singers, decades and instruments for the artists of a split; `splits` has the split of each
    artist.

    Each artist gets what the split has had least of, for its weight; so small splits, too, get what is rare.
    """
    rng = seeds.generator(seed, "corpus", "tagging", "casting", split, attempt)
    had = Counter()

    def rarest(kind: str, options: dict) -> Any:
        names = [list(options)[place] for place in rng.permutation(len(options))]
        return min(names, key=lambda name: (had[kind, name] + 1) / options[name])

    castings = []
    for number in (number for number, own in enumerate(splits) if own == split):
        genre = rarest("genre", WEIGHTS)
        style = GENRES[genre]
        singer = rarest("singer", {"female": 1.0, "male": 1.0}) if rng.random() < style.singers else None
        decade = rarest("decade", Counter(style.decades))
        instruments = {}
        for role in ("chords", "lead"):
            # Instruments of one tag share its count. A lead that only answers a singer is not heard much.
            choices = [name for name in style.instruments[role] if name not in instruments.values()]
            by_tag = {INSTRUMENTS[name].tag: name for name in rng.permutation(choices).tolist()}
            instruments[role] = by_tag[rarest("tag", dict.fromkeys(by_tag, 1.0))]
            if role == "chords" or singer is None:
                had["tag", INSTRUMENTS[instruments[role]].tag] += 1
        had.update({("genre", genre): 1, ("singer", singer): 1, ("decade", decade): 1})
        castings.append(Casting(f"{genre} artist {number + 1}", split, genre, singer, decade, **instruments))
    return castings


def artist_of(casting: Casting, seed: int) -> Artist:
    """The artist of a casting."""
    rng = seeds.generator(seed, "corpus", "tagging", casting.name)
    return compose_artist(
        rng,
        casting.name,
        casting.genre,
        casting.singer,
        decade=casting.decade,
        instruments={"lead": casting.lead, "chords": casting.chords},
    )


def song_of(casting: Casting, number: int, seconds: float, seed: int) -> Song:
    """Song number `number` of a casting's artist."""
    rng = seeds.generator(seed, "corpus", "tagging", casting.name, "song", number)
    return compose(rng, artist_of(casting, seed), seconds)


def sound_of(song: Song, number: int, sample_rate: int, seed: int, recording: dict | None) -> np.ndarray:
    """The song as released: (samples,) float32."""
    from relatives.corpora.synthetic import rendering, voice
    from relatives.corpora.synthetic.recording import record

    artist = song.artist
    mix = rendering.render(song.parts.values(), song.seconds, sample_rate)
    if artist.singer:
        singer = voice.singer(
            seeds.generator(seed, "corpus", "tagging", artist.name, "singer"), artist.singer
        )
        rng = seeds.generator(seed, "corpus", "tagging", artist.name, "singing", number)
        mix += rendering.level(
            voice.sing(song.melody, singer, sample_rate, rng, len(mix)), VOCALS, sample_rate
        )
    produced = rendering.produce(mix, song.album.sound, sample_rate)
    noise = seeds.generator(seed, "corpus", "tagging", artist.name, "noise", number)
    produced += rendering.carrier(noise, produced, song.album.sound, sample_rate)
    produced *= rendering.master(produced, song.album.sound, sample_rate)
    if recording is None:
        return produced
    rng = seeds.generator(seed, "corpus", "tagging", artist.name, "recording", number)
    return record(produced, recording, sample_rate, rng)


def make(
    item: tuple[Casting, int], seconds: float, sample_rate: int, seed: int, recording: dict | None = None
) -> "Track":
    """The track of a song: item is a casting and the song's number."""
    from relatives.corpora.store import Track

    casting, number = item
    song = song_of(casting, number, seconds, seed)
    name = f"{casting.name}, song {number + 1}"
    return Track(
        track_id=name,
        audio=sound_of(song, number, sample_rate, seed, recording),
        split=casting.split,
        song=name,
        artist=casting.name,
        album=song.album.name,
        year=song.album.year,
        labels=tags(song),
        extra={
            "genre": song.genre,
            "tempo": song.tempo,
            "tonic": song.tonic,
            "mode": song.mode,
            "meter": song.meter,
        },
    )


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator["Track"]:
    """The corpus: ``settings["songs"]`` tracks of ``settings["seconds"]``, split by artist."""
    castings = cast(settings["songs"], settings["split"], settings["seconds"], seed)
    items = [(casting, number) for casting in castings for number in range(SONGS)][: settings["songs"]]
    make_one = functools.partial(
        make,
        seconds=settings["seconds"],
        sample_rate=sample_rate,
        seed=seed,
        recording=settings.get("recording"),
    )
    return in_order(make_one, items, workers)
