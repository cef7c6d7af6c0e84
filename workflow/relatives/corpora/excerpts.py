"""The test excerpts: drawn once, used by every test of every encoder.

An excerpt is `samples` samples of a track in the test split. It lies wholly inside its track, overlaps no
other and is not silent. A transformation that moves time needs more than the excerpt, so the tests cut a
longer window about it.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from relatives.corpora.store import SILENCE, Corpus, peak
from relatives.errors import InputError
from relatives.seeds import generator

# Positions tried in a track for its excerpts that came to lie in silence
TRIES = 1000


def draw(corpus: Corpus, samples: int, count: int, seed: int) -> pd.DataFrame:
    """Draw excerpts from the test split at random.

    They are spread over the tracks as evenly as the tracks' lengths allow. A track that has room for one
    only, such as a clip of 3 s for an excerpt of 2 s, gives its middle. In a corpus with stems the vocals
    must sound, too.

    Parameters
    ----------
    corpus
    samples
        Length of an excerpt.
    count
        How many in all.
    seed
        The positions in a track depend on it, on the track's name and on how many the track has to give.

    Returns
    -------
    DataFrame
        ``excerpt_id`` ("{track_id}:{number in the track}"), ``track_id``, ``first`` (sample of the track), in
        the order of the tracks and of time.

    Raises
    ------
    InputError
        If the test split has no room for so many, or too little of it sounds.
    """
    rows = corpus.rows("test")
    track_ids = corpus.tracks["track_id"].to_numpy()[rows]
    room = corpus.tracks["samples"].to_numpy()[rows] // samples

    positions = [[]] * len(rows)
    while sum(map(len, positions)) < count:
        if room.sum() < count:
            raise InputError(
                f"{corpus.directory}: {count} excerpts of {samples} samples are asked for, but its"
                f" {len(rows)} test tracks have room for {room.sum()} that sound and do not overlap."
                f" Ask for at most {room.sum()} or add music."
            )
        shares = _shares(room, count, generator(seed, "excerpts"))
        positions = [
            _positions(corpus, row, samples, share, generator(seed, "excerpts", track_id))
            for row, track_id, share in zip(rows, track_ids, shares, strict=True)
        ]
        # A track too silent for its share has shown what it has room for; then the others take over
        found = np.array([len(of_track) for of_track in positions])
        room = np.where(found < shares, found, room)

    table = [
        (f"{track_id}:{number}", track_id, first)
        for track_id, of_track in zip(track_ids, positions, strict=True)
        for number, first in enumerate(of_track)
    ]
    return pd.DataFrame(table, columns=["excerpt_id", "track_id", "first"])


def _shares(room: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """How many of `count` excerpts each track gives, as equal as `room` allows; chance has the last ones."""
    shares = np.zeros(len(room), dtype=int)
    while missing := count - shares.sum():
        free = np.flatnonzero(shares < room)
        if missing < len(free):
            free = rng.choice(free, size=missing, replace=False)
        shares[free] += 1
    return shares


def _positions(corpus: Corpus, row: int, samples: int, share: int, rng: np.random.Generator) -> list[int]:
    """First samples of `share` excerpts of a track, ascending; fewer, if too much of the track is silent."""
    length = int(corpus.tracks["samples"].iloc[row])
    if length // samples == 1:
        drawn = np.full(share, (length - samples) // 2)
    else:
        # Without their own lengths the excerpts are points: any points in the room that is left
        drawn = np.sort(rng.integers(length - share * samples, size=share, endpoint=True))
        drawn += samples * np.arange(share)

    positions = [first for first in drawn.tolist() if _sounds(corpus, row, first, samples)]
    tries = TRIES
    while len(positions) < share and tries:
        tries -= 1
        first = int(rng.integers(length - samples, endpoint=True))
        apart = all(abs(first - other) >= samples for other in positions)
        if apart and _sounds(corpus, row, first, samples):
            positions.append(first)
    return sorted(positions)


def _sounds(corpus: Corpus, row: int, first: int, samples: int) -> bool:
    """Whether an excerpt is not silent, nor its vocals, where they are known."""
    signals = [corpus.audio(row, first, samples)]
    if corpus.has_stems:
        signals.append(corpus.stems(row, first, samples)[:, 0])
    return all(peak(signal) > SILENCE for signal in signals)


def windows(corpus: Corpus, excerpts: pd.DataFrame, samples: int, window_samples: int) -> np.ndarray:
    """The audio about each excerpt.

    Parameters
    ----------
    corpus
    excerpts
        As from `draw`, or some rows of it.
    samples
        Length of an excerpt.
    window_samples
        Length of a window. The excerpt lies in its middle, where `relatives.audio.centre` finds it.

    Returns
    -------
    (excerpts, window_samples) float32
        Zero where a window leaves its track.
    """
    return _windows(corpus, excerpts, samples, window_samples, corpus.audio)


def vocal_windows(corpus: Corpus, excerpts: pd.DataFrame, samples: int, window_samples: int) -> np.ndarray:
    """The vocals about each excerpt; as `windows`, and sample-aligned with it.

    Raises
    ------
    InputError
        If the corpus has no stems.
    """
    return _windows(corpus, excerpts, samples, window_samples, lambda *where: corpus.stems(*where)[:, 0])


def _windows(
    corpus: Corpus, excerpts: pd.DataFrame, samples: int, window_samples: int, read: Callable
) -> np.ndarray:
    row_of_track = pd.Series(np.arange(len(corpus)), index=corpus.tracks["track_id"])
    before = (window_samples - samples) // 2
    result = np.empty((len(excerpts), window_samples), dtype=np.float32)
    for number, (track_id, first) in enumerate(zip(excerpts["track_id"], excerpts["first"], strict=True)):
        result[number] = read(row_of_track[track_id], first - before, window_samples)
    return result
