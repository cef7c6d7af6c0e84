"""GTZAN: 1,000 clips of 30 s in ten genres, ``genres/country/country.00000.wav`` (or ``.au``, or another).

Many of its clips are copies, or of artists that come often (Sturm, 2013). The split is the fault-filtered one
of Kereliuk, Sturm and Larsen (2015), as torchaudio lists it: 443 clips for training, 197 for validation, 290
for tests. The others are left out. With ``split`` in the configuration all clips are dealt out at random.

Source: Tzanetakis and Cook (2002)
"""

from collections.abc import Iterator
from pathlib import Path

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def provides(settings: dict) -> set[str]:
    """Genres, one a clip; no task of the consistency study learns them."""
    return {"genres"}


def fault_filtered() -> dict[str, str]:
    """The split of each clip of the fault-filtered list."""
    from torchaudio.datasets import gtzan

    lists = {"train": gtzan.filtered_train, "valid": gtzan.filtered_valid, "test": gtzan.filtered_test}
    return {name: split for split, names in lists.items() for name in names}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The clips, by their names."""
    genres = listed.landmark(listed.root(settings), "genres", "genres_original")
    split_of = fault_filtered()

    def name_of(file: Path) -> str | None:
        genre = file.parent.name
        named = genre in GENRES and file.parent.parent == genres and file.name.startswith(f"{genre}.")
        return file.stem if named else None

    files, others = listed.clips(genres, name_of)
    yield from others
    for name, file in files.items():
        if name in split_of or "split" in settings:
            labels = listed.one_of(file.parent.name, GENRES)
            yield Item(name, file, song=name, split=split_of.get(name, ""), labels=labels)
        else:
            yield Skipped(name, "not in the fault-filtered list")


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
