"""What the loaders of public data sets share: from a data set's list of files to tracks.

A data set says by lists or by names what its files are. Its module makes an `Item` of each file, and `tracks`
does the rest: deals out the splits, decodes, skips what cannot be used with its reason. A module has, beside
the two functions of every source, `items`.

Splits are the published ones where the data set has them, and otherwise drawn by song, by the shares that the
module names. ``split`` in the configuration draws all anew, by song, with its own shares.

Why there is no `mirdata` and no `musdb` here, though they read some of the same data sets: mirdata looks its
files up in an index that it has to download first, has no MagnaTagATune, FMA, MUSDB18, Million Song Dataset
or Extended Ballroom, and decodes IRMAS and GTZAN by librosa alone, which is what `folder` does with more
formats and with reasons for what is broken. musdb reads stems by stempeg, which needs ffmpeg and ffprobe on
the PATH.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from relatives.corpora import folder, place
from relatives.corpora.store import SPLITS, Skipped, Track
from relatives.errors import InputError, shown
from relatives.inputs import parsing

TAGS = 50
"""Tags of a tagging corpus, the most frequent ones (study)."""


@dataclass(frozen=True)
class Item:
    """A file, or a folder of stems, and what the data set knows of it; see `store.Track`.

    Attributes
    ----------
    split : str
        The published one; empty where it is to be drawn.
    """

    track_id: str
    file: Path
    song: str
    split: str = ""
    artist: str = ""
    album: str = ""
    year: int | None = None
    labels: dict[str, int] | None = None
    extra: dict = field(default_factory=dict)


def tracks(
    items: Iterable[Item | Skipped],
    settings: dict,
    sample_rate: int,
    seed: int,
    workers: int,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    read: Callable | None = None,
    stems: bool = False,
) -> Iterator[Track | Skipped]:
    """The tracks of a data set, in the order of its items.

    Parameters
    ----------
    items
        What the data set has; what the module leaves out by itself is among them as `Skipped`.
    settings
        ``shortest``, seconds that a track must last; ``split``, shares by which all is dealt out anew;
        ``mix``, what is measured of several channels (`relatives.audio.mix`), their mean by default.
    sample_rate
        In Hz, to which all is resampled.
    seed
        Of splits that are drawn.
    workers
        Files decoded at a time.
    shares
        By which items without a split are dealt out.
    read
        As in `folder.examine`.
    stems
        Whether `read` gives vocals and accompaniment rather than audio.

    Raises
    ------
    InputError
        If a split has no file, or a track comes twice.
    """
    items = list(items)
    yield from (item for item in items if isinstance(item, Skipped))
    found = [item for item in items if isinstance(item, Item)]
    names = Counter(item.track_id for item in found)
    if "" in names:
        raise InputError(f"{place(settings)}: a track in its lists has no name.")
    if twice := [name for name, count in names.items() if count > 1]:
        raise InputError(f"{place(settings)}: {shown(twice[0])} is in it or in its lists twice.")
    found = dealt(found, settings, shares, seed)
    examine = partial(
        _examine,
        sample_rate=sample_rate,
        shortest=settings["shortest"],
        read=read,
        mix=settings.get("mix", "mean"),
        stems=stems,
    )
    examined = folder.in_order(folder.noted(examine), found, workers)
    for item, ((signal, reason), notes) in zip(found, examined, strict=True):
        if signal is None:
            yield Skipped(item.track_id, reason)
            continue
        yield Track(
            track_id=item.track_id,
            audio=None if stems else signal,
            stems=signal if stems else None,
            split=item.split,
            song=item.song,
            artist=item.artist,
            album=item.album,
            year=item.year,
            labels=item.labels,
            extra=item.extra,
            notes=notes,
        )


def _examine(item: Item, **settings: object) -> tuple[np.ndarray | None, str | None]:
    return folder.examine(item.file, **settings)


def dealt(items: list[Item], settings: dict, shares: tuple[float, float, float], seed: int) -> list[Item]:
    """The items, each with a split; parameters as in `tracks`. Songs are never divided.

    Raises
    ------
    InputError
        If there are too few songs, or a split that nothing is in.
    """
    shares = settings.get("split", shares)
    if "split" in settings:
        items = [replace(item, split="") for item in items]
    songs = sorted({item.song for item in items if not item.split})
    if songs and len(songs) < len(SPLITS):
        raise InputError(
            f"{place(settings)}: its {len(songs)} songs are not enough for the splits {', '.join(SPLITS)}. "
            "Is the data set complete?"
        )
    splits = folder.split(songs, shares, seed) if songs else {}
    items = [replace(item, split=item.split or splits[item.song]) for item in items]
    counts = Counter(item.split for item in items)
    if missing := [split for split in SPLITS if not counts[split]]:
        found = ", ".join(f"{split} {counts[split]}" for split in SPLITS)
        raise InputError(
            f"{place(settings)}: no file for {' and '.join(missing)} (found: {found}). "
            "Is the data set complete?"
        )
    return items


def root(settings: dict) -> Path:
    """The folder of a data set.

    Raises
    ------
    InputError
        If it is not there.
    """
    path = place(settings)
    if not path.is_dir():
        raise InputError(
            f"{path}: there is no such folder. Put the data set there, or set the path of the corpus."
        )
    return path


def landmark(folder: Path, *names: str) -> Path:
    """The file or folder called one of `names` by which a layout is known: `folder` itself, or up to 3 below.

    Raises
    ------
    InputError
        If there is none: the folder is not what the configuration says.
    """
    for name in names:
        if folder.name == name:
            return folder
        for depth in ("", "*/", "*/*/"):
            if found := sorted(folder.glob(depth + name)):
                return found[0]
    raise InputError(
        f"{folder}: this is not the layout of the data set: {' or '.join(names)} is not in it. "
        "Set the path of the corpus to the folder that the data set unpacks to, or its source to what it is."
    )


def table(path: Path, columns: list, **options: object) -> pd.DataFrame:
    """A CSV file as pandas reads it with `options`, once it is seen to have the columns or the index named.

    Raises
    ------
    InputError
        If it is not there or is another table.
    """
    with parsing(path, "table"):
        found = pd.read_csv(path, **options)
    missing = [str(name) for name in columns if name not in {*found.columns, found.index.name}]
    if missing:
        raise InputError(f"{path}: the column {', '.join(missing)} is missing; it is another table.")
    if not found.index.is_unique:
        twice = found.index[found.index.duplicated()][0]
        raise InputError(f"{path}: {shown(twice)} comes twice in its first column; a clip has one row.")
    return found


def most_frequent(counts: Counter, number: int = TAGS) -> list[str]:
    """The names that are counted most often, those counted alike by their names.

    Examples
    --------
    >>> most_frequent(Counter({"rock": 2, "pop": 3, "jazz": 2, "folk": 1}), 3)
    ['pop', 'jazz', 'rock']
    """
    return sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))[:number]


def one_of(name: str, names: Iterable[str]) -> dict[str, int]:
    """The labels of a track that is of one class: 1 for `name`, 0 for the others."""
    return {other: int(other == name) for other in names}


def tagged(items: Iterable[tuple[Item, set[str]]], tags: list[str]) -> Iterator[Item | Skipped]:
    """The items with a label for each of `tags`; those with none of them are skipped.

    The measure of tagging, the AUC over the tags of a clip, needs a tag that the clip has.
    """
    for item, own in items:
        if own.isdisjoint(tags):
            yield Skipped(item.track_id, f"has none of the {len(tags)} tags")
        else:
            yield replace(item, labels={tag: int(tag in own) for tag in tags})
