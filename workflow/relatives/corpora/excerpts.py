"""The test excerpts: drawn once, used by every test of every encoder.

An excerpt is `samples` samples of a track in the test split. It lies wholly inside its track, overlaps no
other and sounds: it has a loudness, a block above the gate of EBU R 128 (-70 LUFS), on which the matching of
loudness after a transformation rests. And in stereo its channels do not cancel each other: the mean of the
two is what is measured, and of inverted channels it is what the rounding of a codec left.

A transformation that moves time needs more than the excerpt, so the tests cut a longer window about it. The
whole window, too, lies inside the track wherever the track has room for it, so that a gain in tempo fills the
excerpt with music and not with the zeros beyond the track's end.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from relatives import audio
from relatives.corpora.store import Corpus
from relatives.errors import InputError, shown
from relatives.seeds import generator

# Positions tried in a track for its excerpts that came to lie in silence
TRIES = 1000

# Tracks that a note names
NAMED = 5


def draw(
    corpus: Corpus, samples: int, window_samples: int, count: int, seed: int, sample_rate: int
) -> pd.DataFrame:
    """Draw excerpts from the test split at random.

    They are spread over the tracks as evenly as the tracks' lengths allow. In a corpus with stems the vocals
    must have a loudness, too.

    Where an excerpt may lie in its track:

    * A track as long as a window or longer gives only excerpts whose whole window lies inside it, as long as
      all tracks together have room for `count` of these.
    * A track shorter than a window gives its excerpts as near to its middle as it can. Their windows are
      padded with zeros. A clip of 3 s gives one excerpt of 2 s, its middle.
    * Only if full windows cannot make up `count`, the longer tracks give further excerpts nearer to their
      ends, one more of each track in turn. So a count that fits the tracks is never refused.

    Parameters
    ----------
    corpus
    samples
        Length of an excerpt.
    window_samples
        Length of the window about it, at least `samples`.
    count
        How many in all.
    seed
        The positions in a track depend on it, on the track's name and on how many the track has to give.
    sample_rate
        Of the corpus, in Hz.

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
    length = corpus.tracks["samples"].to_numpy()[rows]
    room = length // samples
    # One excerpt more for every length of an excerpt by which the track exceeds a window
    preferred = np.where(length >= window_samples, (length - window_samples) // samples + 1, room)

    positions = [[]] * len(rows)
    while sum(map(len, positions)) < count:
        if room.sum() < count:
            raise InputError(
                f"{corpus.directory}: {count} excerpts of {samples} samples are asked for, but its"
                f" {len(rows)} test tracks have room for {room.sum()} that have a"
                f" loudness above {audio.GATE:g} LUFS and do not overlap. Ask for at most {room.sum()} or add"
                " music."
            )
        shares = _shares(preferred, room, count, generator(seed, "excerpts"))
        positions = [
            _positions(
                corpus,
                row,
                samples,
                window_samples,
                share,
                most,
                generator(seed, "excerpts", track_id),
                sample_rate,
            )
            for row, track_id, share, most in zip(rows, track_ids, shares, preferred, strict=True)
        ]
        # A track too silent for its share has shown what it has room for; then the others take over. One that
        # was asked for full windows alone may still have sound near its ends.
        found = np.array([len(of_track) for of_track in positions])
        lacking = found < shares
        room = np.where(lacking & (shares > preferred), found, room)
        preferred = np.where(lacking, np.minimum(found, preferred), preferred)

    table = [
        (f"{track_id}:{number}", track_id, first)
        for track_id, of_track in zip(track_ids, positions, strict=True)
        for number, first in enumerate(of_track)
    ]
    return pd.DataFrame(table, columns=["excerpt_id", "track_id", "first"])


def _shares(preferred: np.ndarray, room: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """How many of `count` excerpts each track gives, as equal as `preferred` allows, then as equal as `room`
    allows; chance has the last ones.
    """
    shares = np.zeros(len(room), dtype=int)
    while missing := count - shares.sum():
        free = np.flatnonzero(shares < preferred)
        if len(free) == 0:
            free = np.flatnonzero(shares < room)
        if missing < len(free):
            free = rng.choice(free, size=missing, replace=False)
        shares[free] += 1
    return shares


def _positions(
    corpus: Corpus,
    row: int,
    samples: int,
    window_samples: int,
    share: int,
    preferred: int,
    rng: np.random.Generator,
    sample_rate: int,
) -> list[int]:
    """First samples of `share` excerpts of a track, ascending; fewer, if too much of the track is silent.

    Where no more than `preferred` are asked for, silence is avoided within the place for full windows; else
    anywhere in the track.
    """
    length = int(corpus.tracks["samples"].iloc[row])
    before, after = _margins(length - share * samples, samples, window_samples)
    # Without their own lengths the excerpts are points: any points in the room that is left
    drawn = np.sort(rng.integers(length - share * samples - before - after, size=share, endpoint=True))
    drawn += before + samples * np.arange(share)

    positions = [first for first in drawn.tolist() if _sounds(corpus, row, first, samples, sample_rate)]
    if share > preferred:
        before, after = 0, 0
    tries = TRIES
    while len(positions) < share and tries:
        tries -= 1
        first = int(rng.integers(before, length - samples - after, endpoint=True))
        apart = all(abs(first - other) >= samples for other in positions)
        if apart and _sounds(corpus, row, first, samples, sample_rate):
            positions.append(first)
    return sorted(positions)


def _margins(spare: int, samples: int, window_samples: int) -> tuple[int, int]:
    """Samples to be left before the first excerpt and after the last one of a track, for their windows.

    Where `spare`, what the excerpts leave of the track, is less than both margins, it is shared among them:
    the excerpts lie as near to the middle as they can.
    """
    before = (window_samples - samples) // 2
    after = window_samples - samples - before
    if spare < before + after:
        before = spare // 2
        after = spare - before
    return before, after


def padding(
    corpus: Corpus, excerpts: pd.DataFrame, samples: int, window_samples: int, tempo: float
) -> np.ndarray:
    """The share of each excerpt that is zeros once it is sped up.

    Parameters
    ----------
    corpus
    excerpts
        As from `draw`.
    samples, window_samples
        As for `draw`.
    tempo
        The ratio of tempo, at least 1.

    Returns
    -------
    (excerpts,) float64
        0 to 1: what of the `tempo` times `samples` that it needs lies beyond its track or its window.
    """
    length = corpus.tracks.set_index("track_id")["samples"].loc[excerpts["track_id"]].to_numpy()
    first = excerpts["first"].to_numpy()
    before = (window_samples - samples) // 2
    there = [
        np.minimum(first, before),
        np.minimum(length - samples - first, window_samples - samples - before),
    ]
    # on either side; half a sample is a matter of rounding
    needed = (tempo - 1) * samples / 2
    missing = [np.where(side < needed - 0.5, needed - side, 0) for side in there]
    return np.sum(missing, axis=0) / (tempo * samples)


def note_of_padding(
    corpus: Corpus, excerpts: pd.DataFrame, samples: int, window_samples: int, tempo: float
) -> str:
    """How many excerpts are in part zeros, the worst of them, and the tracks; empty where none is."""
    shares = padding(corpus, excerpts, samples, window_samples, tempo)
    if not shares.any():
        return ""
    worst = excerpts["track_id"].to_numpy()[np.argsort(-shares, kind="stable")][: np.count_nonzero(shares)]
    names = [shown(name) for name in dict.fromkeys(worst)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"At a tempo of {tempo:g} times {len(worst)} of {len(shares)} excerpts are in part zeros, as their"
        f" track or window ends too early: {shares.max():.0%} of the worst, {shares[shares > 0].mean():.0%}"
        f" on average. The tracks, the worst first: {', '.join(names[:NAMED])}{more}."
    )


def _sounds(corpus: Corpus, row: int, first: int, samples: int, sample_rate: int) -> bool:
    """Whether an excerpt, and its vocals where they are known, has a loudness, and no channels cancel."""
    channels = corpus.channels(row, first, samples)
    signals = [channels]
    if corpus.has_stems:
        signals.append(corpus.stems(row, first, samples)[:, 0])
    return all(audio.sounds(signal, sample_rate) for signal in signals) and not audio.cancels(
        audio.compare_channels(channels, sample_rate)
    )


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
