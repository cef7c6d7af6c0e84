"""The same audio twice: what counts as the same, and which of it a corpus uses.

Two tracks are the same audio if their mono mixes, at the rate of the corpus and rounded to the steps of
int16, are equal from the first sample to the last; see `digest`. So a file and its copy under another name or
with other tags are the same audio, a recording that is once mono and once two equal channels, and one that is
a WAV, a FLAC or an AIFF file of 16 bits. Not seen as the same are a recording at another gain, coded with
loss a second time, read by another decoder, at another sampling rate, cut elsewhere, or with silence before
or after it.

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

import hashlib

import numpy as np

from relatives.audio import FULL_SCALE

LEAVE_OUT, ONE_SPLIT, KEEP = "leave_out", "one_split", "keep"

KEPT_FIRST = ("test", "valid", "train")
"""The splits in the order in which a data set is read: what comes first is kept."""

SAME = "the same audio as"
"""How the reason of a track that is left out as a duplicate begins."""

# Frames mixed at a time
BLOCK = 1 << 20

# Steps of int16 that int32 can hold; a sample beyond them counts as the last one
MOST = 2**31 - 1


def digest(signal: np.ndarray, stems: bool = False) -> bytes:
    """16 bytes that tell a mono mix from every other.

    The mix is rounded to steps of 1 / 32,768, half a step to the even one, and not clipped. Its steps as
    int32, little-endian, are hashed by BLAKE2b.

    Parameters
    ----------
    signal
        (samples,) or (samples, channels) floating point, full scale 1.0, finite, at the rate of the corpus.
    stems
        Whether the channels are stems, whose sum is the mix; else it is their mean.

    Examples
    --------
    >>> mono = np.linspace(-1, 1, 1000, dtype=np.float32)
    >>> digest(mono) == digest(np.stack([mono, mono], axis=1))
    True
    >>> digest(mono) == digest(mono[:-1])
    False
    """
    # (samples,) -> (samples, 1)
    channels = signal.reshape(len(signal), -1)
    weight = 1.0 if stems else 1 / channels.shape[1]
    found = hashlib.blake2b(digest_size=16)
    for first in range(0, len(channels), BLOCK):
        block = channels[first : first + BLOCK]
        # In float64, where the mean of two float32 is exact: rounding the sum first could move it by a step.
        # (frames, channels) @ (channels,) -> (frames,)
        mix = block.astype(np.float64) @ np.full(block.shape[1], weight * FULL_SCALE)
        found.update(np.clip(np.rint(mix), -MOST, MOST).astype("<i4").tobytes())
    return found.digest()


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
        self._first: dict[bytes, tuple[str, str]] = {}

    def reason(self, audio: bytes, track_id: str, split: str = "") -> str | None:
        """Why the next track is left out; None if it is used.

        Parameters
        ----------
        audio
            Its `digest`.
        track_id
        split
            Empty where it is not drawn yet.
        """
        first, side = self._first.setdefault(audio, (track_id, split))
        if first == track_id:
            return None
        if self._rule == LEAVE_OUT or (self._rule == ONE_SPLIT and split != side):
            return f"{SAME} {first}{f', which is in {side}' if side else ''}"
        self.twins[track_id] = first
        return None

    def notes(self, track_id: str) -> tuple[str, ...]:
        """What is to be said of a track that is used: nothing, unless its audio came before."""
        first = self.twins.get(track_id)
        return () if first is None else (f"It is {SAME} {first}, and both are used.",)
