"""Songs with isolated vocals and accompaniment, for the separation of sources.

Every song is sung: its melody by a synthesised singer (`voice`), the rest by sampled instruments
(`rendering`). An artist has one singer and a genre; both stems get the album's production, and the same gain
at every sample, so they add up to the mixture. Singers rest between phrases and are silent in an intro, so
excerpts differ in how vocal they are.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from relatives import seeds
from relatives.corpora.store import Track
from relatives.corpora.synthetic import composition, in_order, rendering, sides, voice
from relatives.corpora.synthetic.genres import GENRES

SONGS_PER_ARTIST = 2

BALANCE = (-3.0, 3.0)
"""Level of the vocals relative to the accompaniment while they sound, dB."""

PEAK = 0.98
"""The magnitudes of both stems together stay below this, so neither a stem nor the mixture can clip."""


@dataclass(frozen=True)
class Order:
    """A song to be made: who made it, the how manieth of that artist's it is, and where it belongs."""

    artist: str
    genre: str
    singer: str  # "female" or "male"
    number: int
    split: str


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator[Track]:
    """The songs of the corpus, split by artist.

    Parameters
    ----------
    settings : dict
        ``songs``: how many; ``seconds``: length of each; ``split``: shares of train, valid and test.
    sample_rate : int
        Hz.
    seed : int
        A song depends on the seed, its artist and its number, and on nothing else.
    workers : int
        Processes.

    Yields
    ------
    Track
        With `stems`: vocals and accompaniment, (samples, 2). Further columns: genre and singer.
    """
    make = functools.partial(song, seconds=settings["seconds"], sample_rate=sample_rate, seed=seed)
    return in_order(make, orders(settings["songs"], tuple(settings["split"]), seed), workers)


def orders(songs: int, shares: tuple[float, float, float], seed: int) -> list[Order]:
    """Which songs there are: genres and singers take turns, sides are drawn by artist.

    Raises
    ------
    InputError
        If the songs are too few for an artist on each side.
    """
    artists = -(-songs // SONGS_PER_ARTIST)
    rng = seeds.generator(seed, "corpus", "separation")
    split = rng.permutation(sides(artists, shares)).tolist()
    genres = rng.permutation(sorted(GENRES)).tolist()
    return [
        Order(
            artist=f"band{artist:03d}",
            genre=genres[artist % len(genres)],
            # Women and men swap once the genres have been through.
            singer=("female", "male")[(artist + artist // len(genres)) % 2],
            number=number,
            split=split[artist],
        )
        for artist, number in (divmod(place, SONGS_PER_ARTIST) for place in range(songs))
    ]


def song(order: Order, seconds: float, sample_rate: int, seed: int) -> Track:
    """Compose, sing, play, produce and mix one song; see `tracks`."""
    rng = seeds.generator(seed, "corpus", "separation", order.artist)
    artist = composition.compose_artist(rng, order.artist, order.genre, order.singer)
    singer = voice.singer(rng, order.singer)

    rng = seeds.generator(seed, "corpus", "separation", order.artist, order.number)
    composed = composition.compose(rng, artist, seconds)
    production = composed.album.sound
    accompaniment = rendering.render(composed.parts.values(), seconds, sample_rate)
    vocals = voice.sing(composed.melody, singer, sample_rate, rng, len(accompaniment))
    stems = np.stack(
        [rendering.produce(stem, production, sample_rate) for stem in (vocals, accompaniment)], axis=1
    )
    stems = balance(stems, rng.uniform(*BALANCE), sample_rate)
    # The limiter is a gain over time, the same for both stems.
    stems *= rendering.master(stems.sum(axis=1), production, sample_rate)[:, None]
    stems *= min(1.0, PEAK / np.abs(stems).sum(axis=1).max())
    name = f"{order.artist}-song{order.number}"
    return Track(
        track_id=name,
        audio=None,
        split=order.split,
        song=name,
        artist=order.artist,
        album=composed.album.name,
        year=composed.album.year,
        stems=stems,
        extra={"genre": order.genre, "singer": order.singer},
    )


def balance(stems: np.ndarray, decibel: float, sample_rate: int) -> np.ndarray:
    """Turns the vocals up or down until they have a level relative to the accompaniment.

    Parameters
    ----------
    stems : (samples, 2) float32
        Vocals and accompaniment.
    decibel
        The level of the vocals over that of the accompaniment (RMS), in the time in which the vocals sound.
    sample_rate
        Hz.

    Returns
    -------
    (samples, 2) float32
        Unchanged if either is silent all that time.
    """
    vocals, accompaniment = np.sum(stems[singing(stems[:, 0], sample_rate)] ** 2, axis=0)
    if not vocals > 0 < accompaniment:
        return stems
    gain = 10 ** (decibel / 20) * np.sqrt(accompaniment / vocals)
    return stems * np.array([gain, 1], np.float32)


def singing(vocals: np.ndarray, sample_rate: int) -> np.ndarray:
    """Where vocals (samples,) sound, (samples,) bool; frames are judged as in `rendering.sounding_level`."""
    frame = round(rendering.FRAME * sample_rate)
    padded = np.pad(vocals, (0, -len(vocals) % frame))
    # (samples,) -> (frames, samples a frame)
    power = np.mean(padded.reshape(-1, frame) ** 2, axis=1)
    return np.repeat(power > power.max() * 10 ** (-rendering.SOUNDING / 10), frame)[: len(vocals)]
