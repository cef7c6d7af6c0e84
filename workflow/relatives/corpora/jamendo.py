"""MTG-Jamendo, the 50 most frequent tags: 54,380 songs, their genres, instruments and moods.

``autotagging_top50tags-{train,validation,test}.tsv`` of the data set's own ``split-0`` name the songs; no
artist is on two sides. The audio lies in the hundred folders ``00`` to ``99`` that its archives unpack to, in
full quality (``14/214.mp3``) or low (``14/214.low.mp3``); of both the low one is used. Songs are stored
whole.

Source: Bogdanov, Won, Tovstogan, Porter and Serra (2019), https://mtg.github.io/mtg-jamendo-dataset
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.inputs import parsing

LISTS = {
    "train": "autotagging_top50tags-train.tsv",
    "valid": "autotagging_top50tags-validation.tsv",
    "test": "autotagging_top50tags-test.tsv",
}
FOLDERS = ("", "audio", "audio-low", "raw_30s/audio", "raw_30s/audio-low")


def provides(settings: dict) -> set[str]:
    """Tags."""
    return {"tags"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The songs, in the order of the lists of training, validation and test."""
    root = listed.root(settings)
    audio = next((root / name for name in FOLDERS if any((root / name).glob("[0-9][0-9]"))), root)
    there = listed.beside()
    songs = []
    for split, name in LISTS.items():
        path = listed.landmark(root, name, f"splits/split-0/{name}", f"data/splits/split-0/{name}")
        with parsing(path, "list"), open(path, encoding="utf-8", newline="") as file:
            # the last column, the tags, is as many as there are
            for track_id, artist, album, relative, _, *tags in list(csv.reader(file, delimiter="\t"))[1:]:
                if not re.fullmatch(r"\d\d/\d+\.mp3", relative):
                    raise ValueError(f"the path of {track_id} is {relative!r}, not as 14/214.mp3")
                file, notes = _audio(audio, relative, there)
                item = Item(track_id, file, track_id, split, artist, album, notes=notes)
                songs.append((item, set(tags)))
    return listed.tagged(songs, sorted(set().union(*(tags for _, tags in songs))))


def _audio(folder: Path, relative: str, there: Callable) -> tuple[Path, tuple[str, ...]]:
    """The file of a song, in low quality where that is what is there; as `listed.beside` finds it."""
    low, notes = there(folder / f"{relative.removesuffix('.mp3')}.low.mp3")
    return (low, notes) if low.is_file() and low.stat().st_size else there(folder / relative)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The songs; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
