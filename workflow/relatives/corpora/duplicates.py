"""The same audio twice: what counts as the same, and which of it a corpus uses.

Two tracks are the same audio if their mono mixes at the rate of the corpus differ by less than `TOLERANCE`
(60 dB below the music); see `digest`. So these are the same audio: a file and its copy under another name or
with other tags; a recording once mono and once as two equal channels; once of 16 and once of 24 bits; once
with silence behind it; and a stream in another container, where another decoder rounds it otherwise. Not seen
as the same are a recording at another gain, coded with loss a second time, one that begins elsewhere, by a
sample even, and one of which a part was changed: 1 ms in a clip of 30 s is enough.

``duplicates`` of a corpus in the configuration says what is done:

``leave_out``
    One of them is used. Default of `folder` and `debian`, whose counts nobody has published.
``one_split``
    Those in one split are used, and what would be on another side is left out: else a network is tested on
    what it was trained on. Default of the data sets: in one split, the published counts and every clip's own
    labels stand.
``keep``
    All are used.

A data set keeps the one in the test, before that in validation, before that in training. So the test stays
the published one, and its scores can be compared with those of others; training, the largest, loses least.
"""

import functools
from collections import defaultdict

import numpy as np

from relatives.audio import mono
from relatives.seeds import generator

LEAVE_OUT, ONE_SPLIT, KEEP = "leave_out", "one_split", "keep"

KEPT_FIRST = ("test", "valid", "train")
"""The splits in the order in which a data set is read: what comes first is kept."""

SAME = "the same audio as"
"""How the reason of a track that is left out as a duplicate begins."""

TOLERANCE = 1e-3
"""How far two digests of the same audio may be apart; those of other audio are about 1.4 apart."""

FRAME = 1021
"""Samples of a frame that are added up with one sign; a prime, as few sounds have it for their period."""

ROWS = 8
"""Sums of frames, each with signs of its own: in one sum all frames of a steady sound may cancel."""

NUMBERS = 32
"""Directions of a digest."""

# Frames mixed at a time
BLOCK = 1024


def digest(signal: np.ndarray) -> np.ndarray:
    """Numbers that tell a mono mix from every other, and are nearly the same for nearly the same mix.

    The mix is cut into frames of `FRAME` samples, the last one filled up with zeros. Frames are added up with
    random signs, `ROWS` times over, and what comes out is projected on `NUMBERS` random directions and
    divided by the root of the energy of the mix, whose logarithm comes last. The signs and directions are the
    same for all signals. The distance of two digests that are near is then, within a quarter or so, the root
    of the energy of the difference of two mixes, over that of one (a random projection, as in the lemma of
    Johnson and Lindenstrauss, 1984).

    Parameters
    ----------
    signal
        (samples,) or (samples, channels) floating point, finite, at the rate of the corpus; or stems, whose
        sum is the mix: that it is twice their mean changes no distance. A long one may lie on disk: it is
        read block by block.

    Returns
    -------
    (NUMBERS + 1,) float64
        NaN, which is near to nothing, where the mix is zero throughout.

    Examples
    --------
    >>> left = np.sin(np.arange(50_000, dtype=np.float32))
    >>> both, other = np.stack([left, left], axis=1), np.cos(np.arange(50_000, dtype=np.float32))
    >>> float(np.linalg.norm(digest(left) - digest(both))) < TOLERANCE
    True
    >>> float(np.linalg.norm(digest(left) - digest(other))) > 100 * TOLERANCE
    True
    """
    signs = generator(0, "duplicates", "signs")
    sums, energy = np.zeros((ROWS, FRAME)), 0.0
    for first in range(0, len(signal), BLOCK * FRAME):
        block = signal[first : first + BLOCK * FRAME]
        # in float64, where the squares of float32 have room
        mix = mono(block.astype(np.float64))
        energy += float(np.dot(mix, mix))
        # (samples,) -> (frames, FRAME)
        frames = np.pad(mix, (0, -len(mix) % FRAME)).reshape(-1, FRAME)
        # one draw a frame, of which a row takes a bit: (frames,) -> (ROWS, frames)
        drawn = signs.integers(2**ROWS, size=len(frames))
        sums += (1.0 - 2.0 * (drawn >> np.arange(ROWS)[:, None] & 1)) @ frames
    if energy == 0:
        return np.full(NUMBERS + 1, np.nan)
    # (ROWS * FRAME,) @ (ROWS * FRAME, NUMBERS) -> (NUMBERS,)
    return np.append(sums.ravel() @ _directions() / np.sqrt(energy * ROWS * NUMBERS), np.log(energy) / 2)


@functools.cache
def _directions() -> np.ndarray:
    """The directions on which the sums of frames are projected, (ROWS * FRAME, NUMBERS), of entries 1, -1."""
    drawn = generator(0, "duplicates", "directions").integers(2, size=(ROWS * FRAME, NUMBERS))
    return 1.0 - 2.0 * drawn


class Seen:
    """The audio of a corpus, track by track as it is read, so that what comes again is known.

    Only digests and names are held, not the audio.

    Parameters
    ----------
    rule : {"leave_out", "one_split", "keep"}
        What is done; see the module.

    Attributes
    ----------
    twins : dict of str to str
        Of each track that is used though its audio came before: the first track with this audio.
    """

    def __init__(self, rule: str):
        self.twins: dict[str, str] = {}
        self._rule = rule
        # digest, track and split, by a cell of the plane of the first two numbers of the digest
        self._cells: dict[tuple[int, int], list[tuple[np.ndarray, str, str]]] = defaultdict(list)

    def reason(self, audio: np.ndarray, track_id: str, split: str = "") -> str | None:
        """Why the next track is left out; None if it is used.

        Parameters
        ----------
        audio
            Its `digest`.
        track_id
        split
            Empty where it is not drawn yet.
        """
        first, side = self._met(audio, track_id, split)
        if first == track_id:
            return None
        if self._rule == LEAVE_OUT or (self._rule == ONE_SPLIT and split != side):
            return f"{SAME} {first}{f', which is in {side}' if side else ''}"
        self.twins[track_id] = first
        return None

    def _met(self, audio: np.ndarray, track_id: str, split: str) -> tuple[str, str]:
        """The first track with this audio, and its split: the track itself, now remembered, if it is new."""
        if np.isnan(audio).any():
            return track_id, split
        # digests nearer than the tolerance are in the same cell or in two that touch
        x, y = (int(place) for place in np.floor(audio[:2] / (2 * TOLERANCE)))
        for cell in ((x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for other, first, side in self._cells.get(cell, ()):
                if np.linalg.norm(audio - other) < TOLERANCE:
                    return first, side
        self._cells[x, y].append((audio, track_id, split))
        return track_id, split

    def notes(self, track_id: str) -> tuple[str, ...]:
        """What is to be said of a track that is used: nothing, unless its audio came before."""
        first = self.twins.get(track_id)
        return () if first is None else (f"It is {SAME} {first}, and both are used.",)
