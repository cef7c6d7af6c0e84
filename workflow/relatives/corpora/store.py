"""One store for audio at every scale: flat int16 files and a table of offsets, read by slices.

A corpus is a directory of five files:

``audio.i16``
    PCM of all tracks end to end, int16, little-endian; the channels of a stereo track are interleaved.
``tracks.parquet``
    A row a track: ``track_id``, ``offset`` (int16 items from the start of ``audio.i16``), ``samples``
    (frames, whatever the channels), ``channels`` (1 or 2), ``split`` (train, valid, test), ``song``,
    ``artist``, ``album``, ``year``, ``gain``, ``notes``, and what else the source knows.
``labels.parquet``
    ``track_id`` and a 0/1 column a label, rows as in ``tracks.parquet``; no label column where there are no
    labels.
``stems.i16``
    For separation: vocals and accompaniment interleaved, sample-aligned with the mono mixture, which is their
    exact sum. Those of a track begin at twice the number of samples of the tracks before it. Empty where
    there are no stems.
``skipped.csv``
    ``file``, ``reason``: what the source had to leave out, a line each (`errors.shown`).

``notes`` says, in sentences after one another, what the reader had to pass over or to put right in the file;
it is empty for a file in which nothing was odd. `write` prints the notes, too.

Full scale is 1.0 in float and 32,768 in int16. A track that goes beyond full scale (a loud MP3 decodes to
such samples) is turned down as a whole, and ``gain`` says by what factor; it is 1 for all others. Only single
wild samples are clipped (`relatives.audio.ceiling`): to make room for them would leave nothing of the music.

Of stereo both channels are kept, and what is measured is their mean, which `Corpus.audio` gives. A corpus
that is to be measured by one side (``mix`` in the configuration) holds that side alone.

`write` streams an iterable of tracks to disk, however long. `Corpus` maps the files into memory and reads
slices. The same tracks give the same bytes.
"""

import csv
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from relatives.audio import FULL_SCALE, ceiling, decibels, from_int16, mono, note_of_clipping, peak, to_int16
from relatives.corpora.duplicates import SAME
from relatives.errors import InputError, shown
from relatives.files import replacing
from relatives.inputs import OF_THE_CONTENT

SPLITS = ("train", "valid", "test")
FILES = ("tracks.parquet", "labels.parquet", "audio.i16", "stems.i16", "skipped.csv")
COLUMNS = (
    "track_id", "offset", "samples", "channels", "split", "song", "artist", "album", "year", "gain", "notes",
)  # fmt: skip

# Rounding moves each of two stems by up to half a step, so their sum fits int16 only if it stays two steps
# below full scale.
STEMS_LIMIT = 1 - 2 / FULL_SCALE

# Frames written at a time
BLOCK = 1 << 20

# The gain, -12 dB, below which a track is named: it is no loud music but a file of another scale
TURNED_DOWN = 0.25


@dataclass
class Track:
    """A piece of audio and what is known of it, on its way into the store.

    Attributes
    ----------
    track_id : str
        Unique in its corpus.
    audio : (samples,) or (samples, channels) float32 or None
        One or two channels, full scale 1.0. None where `stems` are given: the mixture is their sum.
    split : {"train", "valid", "test"}
    song : str
        Tracks of one song must be in one split.
    artist, album : str
    year : int or None
    labels : dict of str to int or None
        A 0 or 1 for each label; the same labels in every track of a corpus, or None in all of them.
    stems : (samples, 2) float32 or None
        Vocals and accompaniment; all tracks of a corpus have them, or none.
    extra : dict
        Further columns of ``tracks.parquet``; a track without one of them gets a missing value.
    notes : tuple of str
        What was odd in a file that is used all the same, a sentence each: see `relatives.audio.load`.
    """

    track_id: str
    audio: np.ndarray | None
    split: str
    song: str
    artist: str = ""
    album: str = ""
    year: int | None = None
    labels: dict[str, int] | None = None
    stems: np.ndarray | None = None
    extra: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class Skipped:
    """A file that a source left out, and why."""

    file: str
    reason: str


def write(directory: str | Path, items: Iterable[Track | Skipped]) -> None:
    """Store a corpus; see the module for its files.

    The files are written under temporary names and take their own at the end, so a directory never holds half
    a corpus. The notes on tracks and what is left out are printed on the stream of errors, the log of a job.

    Parameters
    ----------
    directory
        Made if it is not there; a corpus in it is replaced.
    items
        Tracks, in the order in which they are to be stored, and skipped files. A generator over hours of
        music may be given: no more than two tracks are held at a time, the next while the last is let go.

    Raises
    ------
    InputError
        If there is no track, if a track_id comes twice, or if a track is not as `Track` says; it names the
        track.
    """
    directory = Path(directory)
    rows, labels, skipped = {}, [], []
    kind, offset = None, 0

    # The first to be opened is the last to take its name: where tracks.parquet is, all is
    with ExitStack() as stack:
        partial = {name: stack.enter_context(replacing(directory / name)) for name in FILES}
        with open(partial["audio.i16"], "wb") as audio_file, open(partial["stems.i16"], "wb") as stems_file:
            for item in items:
                if isinstance(item, Skipped):
                    skipped.append((shown(item.file), shown(item.reason)))
                    print(f"Left out {skipped[-1][0]}: {skipped[-1][1]}", file=sys.stderr)
                    continue
                if item.track_id in rows:
                    raise InputError(f"Track {item.track_id!r} comes twice; a track_id must be unique.")
                kind = kind or _Kind.of(item)
                signal = _checked(item, kind)
                limit, gain = scale(signal, kind.stems)
                _write_pcm(signal, limit, gain, kind, audio_file, stems_file)
                item = replace(item, notes=(*item.notes, *_notes_of_level(signal, limit, gain)))
                rows[item.track_id] = _row(item, offset, signal.shape, kind, gain)
                for note in item.notes:
                    print(f"Note on {shown(item.track_id)}: {shown(note)}", file=sys.stderr)
                labels.append([item.labels[name] for name in kind.labels])
                offset += len(signal) * rows[item.track_id]["channels"]
        if again := sum(reason.startswith(SAME) for _, reason in skipped):
            print(f"Left out as {SAME} another track: {again}", file=sys.stderr)
        if not rows:
            first = f", the first, {skipped[0][0]}, as: {skipped[0][1]}" if skipped else ""
            raise InputError(
                f"{directory}: the corpus has no track; {len(skipped)} files were skipped{first}."
            )

        tracks = pd.DataFrame(list(rows.values())).astype({"year": "Int64"})
        tracks.to_parquet(partial["tracks.parquet"], index=False)
        label_table = pd.DataFrame(labels, columns=kind.labels, dtype=np.uint8)
        label_table.insert(0, "track_id", tracks["track_id"])
        label_table.to_parquet(partial["labels.parquet"], index=False)
        with open(partial["skipped.csv"], "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("file", "reason"), *skipped])


@dataclass
class _Kind:
    """What all tracks of a corpus have in common."""

    labels: list[str]
    stems: bool

    @classmethod
    def of(cls, track: Track) -> "_Kind":
        return cls(list(track.labels or ()), track.stems is not None)


def _checked(track: Track, kind: _Kind) -> np.ndarray:
    """The stems of a track, or the audio where it has none, once the track is held against its contract."""

    def wrong(what: str) -> InputError:
        return InputError(f"Track {track.track_id!r}: {what}.")

    if not isinstance(track.track_id, str) or not track.track_id:
        raise wrong("a track_id must be a text that is not empty")
    if track.split not in SPLITS:
        raise wrong(f"the split is {track.split!r}; it must be one of {', '.join(SPLITS)}")
    if (track.stems is not None) != kind.stems:
        raise wrong("either all tracks of a corpus have stems or none has")
    if set(track.labels or ()) != set(kind.labels):
        raise wrong("its labels are not those of the track before it; a corpus has one set of labels")
    if not set((track.labels or {}).values()) <= {0, 1}:
        raise wrong("a label must be 0 or 1")
    if taken := set(COLUMNS) & track.extra.keys():
        raise wrong(f"an extra column may not be called {', '.join(sorted(taken))}")

    signal = track.stems if kind.stems else track.audio
    channels = signal.shape[1:]
    if len(signal) == 0 or channels not in ([(2,)] if kind.stems else [(), (1,), (2,)]):
        raise wrong(
            f"its audio has the shape {signal.shape}; it must be (samples,) or (samples, 1 or 2 channels)"
        )
    if not np.isfinite(peak(signal)):
        raise wrong("its audio has samples that are not numbers (NaN or infinite)")
    return signal


def scale(signal: np.ndarray, stems: bool = False) -> tuple[float, float]:
    """How a track is fitted into full scale.

    Parameters
    ----------
    signal
        (samples,), (samples, channels) or, where it is `stems`, vocals and accompaniment. Finite, not empty.
    stems

    Returns
    -------
    limit : float
        To which wild samples are clipped (`relatives.audio.ceiling`); infinite where there are none.
    gain : float
        By which the track is multiplied then: 1 where nothing, and no sum of stems, is beyond full scale.
    """
    limit = ceiling(signal)
    loudest = min(peak(signal), limit)
    if stems:
        mixture = np.clip(signal, -limit, limit).sum(axis=1)
        return limit, STEMS_LIMIT / max(loudest, peak(mixture), STEMS_LIMIT)
    return limit, 1.0 / max(loudest, 1.0)


def _write_pcm(
    signal: np.ndarray, limit: float, gain: float, kind: _Kind, audio_file: BinaryIO, stems_file: BinaryIO
) -> None:
    """Append a track to both files, block by block."""
    for first in range(0, len(signal), BLOCK):
        block = np.clip(signal[first : first + BLOCK], -limit, limit)
        pcm = to_int16(block * np.float32(gain)).astype("<i2")
        if kind.stems:
            stems_file.write(pcm.tobytes())
            pcm = pcm[:, 0] + pcm[:, 1]
        audio_file.write(pcm.tobytes())


def _notes_of_level(signal: np.ndarray, limit: float, gain: float) -> list[str]:
    """What is to be said of the level of a track that was stored with a limit and a gain."""
    notes = [note_of_clipping(signal, limit)] if limit < np.inf else []
    if gain < TURNED_DOWN:
        notes.append(f"It goes {-decibels(gain):.0f} dB beyond full scale and is turned down by so much.")
    return notes


def _row(track: Track, offset: int, shape: tuple[int, ...], kind: _Kind, gain: float) -> dict:
    """The row of ``tracks.parquet`` of a track whose audio, or stems, have this shape."""
    return {
        "track_id": track.track_id,
        "offset": offset,
        "samples": shape[0],
        "channels": 1 if kind.stems or len(shape) == 1 else shape[1],
        "split": track.split,
        "song": track.song,
        "artist": track.artist,
        "album": track.album,
        "year": track.year,
        "gain": gain,
        "notes": " ".join(map(shown, track.notes)),
        **track.extra,
    }


def left_out(directory: str | Path) -> int:
    """How many files the source of a corpus had to leave out; 0 where the corpus is not made yet."""
    try:
        with open(Path(directory, "skipped.csv"), encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.DictReader(file))
    except FileNotFoundError:
        return 0


def with_notes(directory: str | Path) -> int:
    """How many tracks of a corpus have a note on what was odd in their file; 0 where it is not made yet."""
    try:
        tracks = pd.read_parquet(Path(directory, "tracks.parquet"), columns=["notes"])
    except FileNotFoundError:
        return 0
    return int((tracks["notes"] != "").sum())


class Corpus:
    """A stored corpus, mapped into memory: only the slices that are asked for are read.

    Rows are numbers from 0, as in the tables.

    Attributes
    ----------
    tracks : DataFrame
        See the module.
    labels : DataFrame
        A uint8 column a label, rows as in `tracks`; no column where the corpus has no labels.

    Raises
    ------
    InputError
        If the directory holds no corpus, or one whose files do not belong together.
    """

    def __init__(self, directory: str | Path):
        self.directory = Path(directory)
        missing = [name for name in FILES if not (self.directory / name).is_file()]
        if missing:
            raise InputError(
                f"{self.directory} holds no corpus: {', '.join(missing)} not found. Make it first."
            )
        try:
            self._open()
        except (OSError, *OF_THE_CONTENT) as error:
            raise InputError(
                f"{self.directory}: a file of the corpus is damaged ({error}). Remove the folder, and it is"
                " made again."
            ) from error

    def _open(self) -> None:
        self.tracks = pd.read_parquet(self.directory / "tracks.parquet")
        labels = pd.read_parquet(self.directory / "labels.parquet")
        self.labels = labels.drop(columns="track_id")

        self._samples = self.tracks["samples"].to_numpy()
        self._channels = self.tracks["channels"].to_numpy()
        self._offset = self.tracks["offset"].to_numpy()
        self._stems_offset = 2 * (np.cumsum(self._samples) - self._samples)
        self._audio = _map(self.directory / "audio.i16")
        self._stems = _map(self.directory / "stems.i16")

        items = self._samples * self._channels
        fits = (
            labels["track_id"].equals(self.tracks["track_id"])
            and np.array_equal(self._offset, np.cumsum(items) - items)
            and self._audio.size == items.sum()
            and self._stems.size in (0, 2 * self._samples.sum())
        )
        if not fits:
            raise InputError(
                f"{self.directory}: the files of the corpus do not belong together. Make it again."
            )

    def __len__(self) -> int:
        """The number of tracks."""
        return len(self.tracks)

    @property
    def has_stems(self) -> bool:
        """Whether the corpus knows the vocals and the accompaniment of its tracks."""
        return self._stems.size > 0

    def rows(self, split: str) -> np.ndarray:
        """The row numbers of the tracks of a split, ascending."""
        return np.flatnonzero(self.tracks["split"] == split)

    def audio(self, row: int, first: int = 0, samples: int | None = None) -> np.ndarray:
        """A slice of a track, stereo mixed to mono.

        Parameters
        ----------
        row
            The track.
        first
            Its first sample; may lie before the track.
        samples
            How many; to the end of the track by default. What lies outside the track is zero.

        Returns
        -------
        (samples,) float32
        """
        return mono(self.channels(row, first, samples))

    def channels(self, row: int, first: int = 0, samples: int | None = None) -> np.ndarray:
        """A slice of a track, (samples, 1 or 2 channels) float32; parameters as in `audio`."""
        channels = int(self._channels[row])
        pcm = _slice(self._audio, self._offset[row], int(self._samples[row]), channels, first, samples)
        return from_int16(pcm)

    def stems(self, row: int, first: int = 0, samples: int | None = None) -> np.ndarray:
        """The vocals and the accompaniment of a slice, (samples, 2) float32; parameters as in `audio`."""
        if not self.has_stems:
            raise InputError(f"{self.directory}: the corpus has no stems.")
        pcm = _slice(self._stems, self._stems_offset[row], int(self._samples[row]), 2, first, samples)
        return from_int16(pcm)


def _map(path: Path) -> np.ndarray:
    """The int16 items of a file, mapped; an empty file cannot be mapped and is an empty array."""
    if path.stat().st_size == 0:
        return np.empty(0, dtype="<i2")
    return np.memmap(path, dtype="<i2", mode="r")


def _slice(
    items: np.ndarray, offset: int, length: int, channels: int, first: int, samples: int | None
) -> np.ndarray:
    """`samples` frames from `first` of a track of `length` frames, (samples, channels), zero outside it."""
    if samples is None:
        samples = max(length - first, 0)
    begin, end = np.clip([first, first + samples], 0, length)
    # interleaved items -> (frames, channels)
    inside = items[offset + begin * channels : offset + end * channels].reshape(-1, channels)
    result = np.zeros((samples, channels), dtype=np.int16)
    result[begin - first : end - first] = inside
    return result
