"""What the loaders of public data sets share: from a data set's list of files to tracks.

A data set says by lists or by names what its files are. Its module makes an `Item` of each file, and `tracks`
does the rest: deals out the splits, decodes, skips what cannot be used with its reason. A module has, beside
the two functions of every source, `items`.

A data set is seldom alone in its folder: there are tables, pictures, checksums, half a download, what macOS
and Windows leave. `clips` finds the files that are its audio, and names the others in a line for each kind.

Splits are the published ones where the data set has them, and otherwise drawn by song, by the shares that the
module names. ``split`` in the configuration draws all anew, by song, with its own shares.

Why there is no `mirdata` and no `musdb` here, though they read some of the same data sets: mirdata looks its
files up in an index that it has to download first, has no MagnaTagATune, FMA, MUSDB18, Million Song Dataset
or Extended Ballroom, and decodes IRMAS and GTZAN by librosa alone, which is what `folder` does with more
formats and with reasons for what is broken. musdb reads stems by stempeg, which needs ffmpeg and ffprobe on
the PATH.
"""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from relatives.corpora import folder, place
from relatives.corpora.duplicates import KEPT_FIRST, ONE_SPLIT, Seen, digest
from relatives.corpora.store import SPLITS, Skipped, Track
from relatives.errors import InputError, shown
from relatives.inputs import parsing

TAGS = 50
"""Tags of a tagging corpus, the most frequent ones (study)."""

SUFFIXES = {".ogg", ".oga", ".opus", ".mp3", ".flac", ".wav", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".au"}
"""Suffixes, in small letters, by which a file is known to be audio without a look into it."""

HEADS = re.compile(
    rb"RI(FF|FX)....(WAVE|AVI )|RF64|riff\x2e\x91|FORM....(AIF[FC]|8SVX)|fLaC|OggS|ID3|\xff[\xe2-\xfd]|\.snd"
    rb"|caff|....ftyp|0&\xb2u|MAC |wvpk|MPCK|MP\+|TTA1|#!AMR|\x1aE\xdf\xa3|DSD |FLV|ajkg|tBaK|Creative"
    rb"|\x0b\x77|NIST_1A",
    re.DOTALL,
)
"""How files begin that may hold audio, whatever they are called."""

HEAD = 16
"""Bytes that show it."""

QUOTED = 5
"""Suffixes that a line on files passed over names."""

ANOTHER = "another file of a clip, of which the first file that is not empty is used"


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
    notes: tuple[str, ...] = ()


def tracks(
    items: Iterable[Item | Skipped],
    settings: dict,
    sample_rate: int,
    seed: int,
    workers: int,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    read: Callable | None = None,
    stems: bool = False,
    duplicates: str = ONE_SPLIT,
) -> Iterator[Track | Skipped]:
    """The tracks of a data set: of the test, then validation, then training, each in the order of the items.

    So each file is decoded once: of the same audio twice, what is kept (see `duplicates`) comes first.

    Parameters
    ----------
    items
        What the data set has; what the module leaves out by itself is among them as `Skipped`.
    settings
        ``shortest``, seconds that a track must last; ``split``, shares by which all is dealt out anew;
        ``duplicates``, what is done with the same audio twice; ``mix``, what is measured of several channels
        (`relatives.audio.mix`), their mean by default.
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
    duplicates
        What is done with the same audio twice where the settings do not say it.

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
    found = sorted(dealt(found, settings, shares, seed), key=lambda item: KEPT_FIRST.index(item.split))
    seen = Seen(settings.get("duplicates", duplicates))
    examine = partial(
        _examine,
        sample_rate=sample_rate,
        shortest=settings["shortest"],
        read=read,
        mix=settings.get("mix", "mean"),
        stems=stems,
    )
    examined = folder.in_order(folder.noted(examine), found, workers)
    for item, ((signal, reason, audio), notes) in zip(found, examined, strict=True):
        if reason := reason or seen.reason(audio, item.track_id, item.split):
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
            notes=(*item.notes, *notes, *seen.notes(item.track_id)),
        )


def _examine(item: Item, **settings: object) -> tuple[np.ndarray | None, str | None, np.ndarray | None]:
    """As `folder.examine`, and the digest of the audio."""
    signal, reason = folder.examine(item.file, **settings)
    return signal, reason, None if signal is None else digest(signal)


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
            found = [path for path in sorted(folder.glob(depth + name)) if not hidden(path, folder)]
            if found:
                return found[0]
    raise InputError(
        f"{folder}: this is not the layout of the data set: {' or '.join(names)} is not in it. "
        "Set the path of the corpus to the folder that the data set unpacks to, or its source to what it is."
    )


def hidden(path: Path, root: Path) -> bool:
    """Whether a path, or a folder above it below `root`, is hidden; see `folder.is_hidden`."""
    return any(map(folder.is_hidden, path.relative_to(root).parts))


def clips(
    root: Path, name_of: Callable[[Path], str | None], known: Iterable[str] = ()
) -> tuple[dict[str, Path], list[Skipped]]:
    """The file of each clip of a data set, and what lies beside them, a line for each kind.

    A file is audio by its suffix, in large or small letters, or, where no file of a clip has such a suffix,
    by how it begins. Of several files of a clip the first by its path is used that is not empty. Never used
    are hidden files (`folder.is_hidden`) and half a download (`folder.UNFINISHED`).

    Parameters
    ----------
    root
        The folder with the clips, at any depth.
    name_of
        The name of the clip that a file is of, or None where its name and folder are not those of a clip.
    known
        Names of the data set's own tables in the folder, of which nothing is to be said.

    Returns
    -------
    files
        By the names of the clips, in the order of the paths.
    passed over
        The first file of each kind of what is not used; the reason says how many there are.
    """
    unseen: list[Path] = []
    of_clip, others = defaultdict(list), defaultdict(list)
    for file in folder.find(root, unseen):
        if file.name in known:
            continue
        if (name := name_of(file)) is not None:
            of_clip[name].append(file)
        elif _suffix(file) in SUFFIXES:
            others["audio that is not named as the clips are"].append(file)
        else:
            others[_no_audio(file)].append(file)
    others["hidden"] = sorted(unseen)
    files = {}
    for name, candidates in of_clip.items():
        sounds = [file for file in candidates if _suffix(file) in SUFFIXES]
        sounds = sounds or [file for file in candidates if _begins_as_audio(file)]
        for file in candidates:
            if file not in sounds:
                others[_no_audio(file)].append(file)
        if sounds:
            files[name] = first_of(sounds)
            others[ANOTHER] += [file for file in sounds if file != files[name]]
    return files, [passed_over(kind, found, root) for kind, found in others.items() if found]


def passed_over(kind: str, files: list[Path], root: Path) -> Skipped:
    """The line on files that are not used, all for the same reason: the first of them, and how many they are.

    Examples
    --------
    >>> passed_over("no audio", [Path("set/b.h5"), Path("set/a.json"), Path("set/c.json")], Path("set"))
    Skipped(file='a.json', reason='passed over: no audio; 3 in all (.json 2, .h5 1)')
    """
    # what stands behind the last point of a long name may be a part of the name
    suffixes = Counter(suffix for file in files if 1 < len(suffix := _suffix(file)) < 13)
    most = ", ".join(f"{suffix} {suffixes[suffix]}" for suffix in most_frequent(suffixes, QUOTED))
    more = f"; {len(files)} in all{f' ({most})' if most else ''}" if len(files) > 1 else ""
    return Skipped(folder.name_in(min(files), root), f"passed over: {kind}{more}")


def first_of(files: list[Path]) -> Path:
    """Of files of the same clip, by path, the first that is not empty; the first if all are."""
    return files[0] if len(files) == 1 else next(filter(size, files), files[0])


def beside() -> Callable[[Path], tuple[Path, tuple[str, ...]]]:
    """A function that finds a file that a list names, though it is there with another suffix.

    It gives the file itself where that is there and not empty; else the first audio file of the same name but
    for the suffix (``.MP3``, ``.wav``), and a note; else the file as it was named. A folder is listed once.
    """

    @functools.cache
    def sounds(directory: Path) -> dict[str, list[Path]]:
        found = defaultdict(list)
        for file in sorted(directory.iterdir()) if directory.is_dir() else ():
            if _suffix(file) in SUFFIXES and not folder.is_hidden(file.name):
                found[file.stem].append(file)
        return found

    def there(file: Path) -> tuple[Path, tuple[str, ...]]:
        if size(file):
            return file, ()
        other = next(filter(size, sounds(file.parent).get(file.stem, ())), None)
        if other is None:
            return file, ()
        why = "is empty" if file.exists() else "is not there"
        return other, (f"It is read from {other.name}, as {file.name} {why}.",)

    return there


def _suffix(file: Path) -> str:
    return file.suffix.lower()


def _no_audio(file: Path) -> str:
    """What to say of a file that is no audio."""
    if file.is_dir():
        return "a folder that cannot be opened"
    return "half a download" if _suffix(file) in folder.UNFINISHED else "no audio"


def size(file: Path) -> int:
    """The size of a file; 0 where there is none."""
    try:
        return file.stat().st_size
    except (OSError, ValueError):  # a name from a list may be none
        return 0


def _begins_as_audio(file: Path) -> bool:
    """Whether a file may be audio by its first bytes; not where its name says that it is half a download."""
    if _suffix(file) in folder.UNFINISHED or not file.is_file():
        return False
    try:
        with open(file, "rb") as opened:
            return HEADS.match(opened.read(HEAD)) is not None
    except OSError:
        return False


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
