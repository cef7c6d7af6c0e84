"""Game music from packages of Debian: free, signed, with versions, some 230 pieces in the default list.

`apt` fetches the packages and unpacks each into a folder of its name. A piece is an audio file (known by its
suffix) that is music: not in a folder of sounds or voices, not a link to another file, not shorter than
``shortest_piece``, and neither the same file, byte by byte, as one before it, nor the same audio as another
(`duplicates`). What is left out stands in ``skipped.csv``, the files of a folder of sounds on one line.

A folder of the game Frets on Fire has a song in parts, ``song.ogg`` beside ``guitar.ogg`` and maybe others:
they are one piece, the sum of its parts. Like every track that goes beyond full scale, a sum that does is
turned down as a whole by the store, never clipped; ``gain`` in ``tracks.parquet`` says by how much.

``tracks.parquet`` has ``package``, ``title``, ``genre`` and ``licence`` beside the usual columns. Title,
artist, album, genre and year are what the file's own tags say, empty where they say nothing. The licence is
the first of these that is there: what a machine-readable copyright file of the package says of the file; the
file's own tag; the first licence that the text of another copyright file names; else where to look.

Splits are drawn by package, so no game is on two sides: its pieces share their album, their composers and
often their themes. ``split`` gives the shares, of the packages and of the pieces alike, as nearly as so few
packages allow.

Source: the packages' copyright files, and https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
"""

import configparser
import functools
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from relatives import audio
from relatives.corpora import folder, listed
from relatives.corpora.duplicates import LEAVE_OUT
from relatives.corpora.listed import Item
from relatives.corpora.store import SPLITS, Skipped, Track
from relatives.errors import InputError, shown
from relatives.seeds import generator

PACKAGES = (
    "wesnoth-1.18-music | wesnoth-1.16-music",
    "warzone2100-music",
    "supertux-data",
    "hyperrogue-music",
    "singularity-music",
    "drascula-music",
    "planetblupi-music-ogg",
    "freedroidrpg-data",
    "hedgewars-data",
    "asc-music",
    "lincity-ng-data",
    "fretsonfire-songs-sectoid",
    "fretsonfire-songs-muldjord",
)
"""The default list."""

SHARES = (0.6, 0.1, 0.3)
"""Of training, validation and test, where the configuration has no ``split``."""

SHORTEST = 30.0
"""Seconds that a piece must last where the configuration has no ``shortest_piece``: the length of the study's
own clips. The sounds, voices and jingles of the default packages last up to 27 s."""

DRAWS = 4096
"""Ways to deal the packages out, of which the one nearest to the shares is taken."""

# Of the folders above a file the nearest of one of these names says what it is. Titles: spoken over pictures
SOUNDS = {"sound", "sounds", "effects", "sfx", "voice", "voices", "speech", "titles", "ambience"}
MUSIC = {"music", "songs", "soundtrack", "soundtracks"}

# The parts of a song in Frets on Fire and the games after it: with song.ogg they are the whole
SONG = "song.ogg"
PARTS = re.compile(r"(guitar|rhythm|bass|drums(_\d)?|keys|vocals)\.ogg")

# What a copyright file without a fixed form may name, and a name for it
NAMED = {
    "CC-BY-SA-3.0": r"Attribution[- ]Share-?Alike[a-z ,]*3\.0",
    "CC-BY-SA-4.0": r"Attribution[- ]Share-?Alike[a-z ,]*4\.0",
    "GPL-2+": r"General Public License,? (as published by the Free Software Foundation; either )?version 2"
    r"[^.]{0,30} or \(?at your option\)?,? any later version",
    "GPL-3+": r"General Public License,? (as published by the Free Software Foundation,? either )?version 3"
    r"[^.]{0,30} or \(?at your option\)?,? any later version",
    "Expat": r"Permission is hereby granted, free of charge, to any person obtaining a copy",
}


def alternatives(entry: str) -> list[str]:
    """The names that an entry of the list of packages gives, the preferred one first.

    Examples
    --------
    >>> alternatives("wesnoth-1.18-music | wesnoth-1.16-music")
    ['wesnoth-1.18-music', 'wesnoth-1.16-music']
    """
    return [name.strip() for name in entry.split("|")]


def provides(settings: dict) -> set[str]:
    """Nothing but audio that a task could learn."""
    return set()


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator[Track | Skipped]:
    """The pieces; see the module, and `listed.tracks` for the parameters.

    Parameters
    ----------
    settings
        ``packages``, ``shortest_piece`` and ``split`` instead of the defaults; ``path`` of a folder of
        unpacked packages instead of ``data/raw/debian``; ``shortest``, seconds that a track must last;
        ``duplicates``, what is done with the same audio twice, by default ``leave_out``.

    Raises
    ------
    InputError
        If there is no such folder, or fewer than three of the packages have music.
    """
    shortest = max(settings["shortest"], settings.get("shortest_piece", SHORTEST))
    found = list(_items(settings, shortest))
    if settings.get("duplicates", LEAVE_OUT) == LEAVE_OUT:
        found = list(_once(found, workers))
    counts = Counter(item.extra["package"] for item in found if isinstance(item, Item))
    if len(counts) < len(SPLITS):
        reasons = {item.file: item.reason for item in found if isinstance(item, Skipped)}
        skipped = f" Left out: {folder.quote(reasons)}." if reasons else ""
        raise InputError(
            f"{listed.root(settings)}: {len(counts)} packages in it have music, and {len(SPLITS)} are "
            f"needed, one for each of {', '.join(SPLITS)}.{skipped} Set the packages of the corpus to others."
        )
    sides = deal(counts, settings.get("split", SHARES), seed)
    found = [
        replace(item, split=sides[item.extra["package"]]) if isinstance(item, Item) else item
        for item in found
    ]
    # the splits are drawn; without `split` nothing deals them out anew
    settings = {key: value for key, value in settings.items() if key != "split"} | {"shortest": shortest}
    return listed.tracks(found, settings, sample_rate, seed, workers, read=read, duplicates=LEAVE_OUT)


def deal(counts: dict[str, int], shares: tuple[float, float, float], seed: int) -> dict[str, str]:
    """The split of each package.

    Of many random ways to deal the packages out, that one is taken in which the shares of the pieces and
    those of the packages are, by the sum of all six differences, nearest to the shares asked for. No split is
    empty.

    Parameters
    ----------
    counts
        Pieces of each package; at least three packages.
    shares
        Of training, validation and test; their sum is 1.
    seed

    Examples
    --------
    >>> sorted(deal({"a": 6, "b": 1, "c": 3}, (0.6, 0.1, 0.3), seed=0).items())
    [('a', 'train'), ('b', 'valid'), ('c', 'test')]
    """
    names = sorted(counts)
    pieces = np.array([counts[name] for name in names])
    uniform = np.stack([generator(seed, "debian", "split", name).random(DRAWS) for name in names])
    # (packages, draws): the number of the split of each package in each draw
    drawn = np.digitize(uniform, np.cumsum(shares)[:-1])
    # few packages may never be dealt one a split by chance: all cyclic ways are among the draws, too
    order = np.argsort(uniform[:, 0], kind="stable").argsort(kind="stable")
    cyclic = (order[:, None] + np.arange(len(SPLITS))) % len(SPLITS)
    drawn = np.concatenate([drawn, cyclic], axis=1)
    off = np.zeros(drawn.shape[1])
    for side, share in enumerate(shares):
        there = drawn == side
        off += np.abs((there * pieces[:, None]).sum(axis=0) / pieces.sum() - share)
        off += np.abs(there.mean(axis=0) - share)
        off[~there.any(axis=0)] = np.inf
    return {name: SPLITS[side] for name, side in zip(names, drawn[:, np.argmin(off)], strict=True)}


def read(file: Path, sample_rate: int, note: Callable[[str], None] | None = None) -> np.ndarray:
    """The samples of a piece: of its file, as `folder.decode`, or the sum of the parts of a song."""
    signals = [folder.decode(part, sample_rate, note) for part in parts(file)]
    if len(signals) > 1:
        signals = [folder.mixed(signal, sample_rate, "mean") for signal in signals]
    return mix(signals)


def parts(file: Path) -> list[Path]:
    """The files whose sum a piece is: of a ``song.ogg`` the parts beside it, too, else the file alone."""
    if file.name != SONG:
        return [file]
    return [file, *(other for other in sorted(file.parent.iterdir()) if PARTS.fullmatch(other.name))]


def mix(signals: list[np.ndarray]) -> np.ndarray:
    """The sum of signals that begin together.

    Parameters
    ----------
    signals
        Each (samples,) or (samples, channels) float32, of any length, with one or two channels.

    Returns
    -------
    (samples, channels) float32
        As long as the longest, with as many channels as the one that has most; a signal of one channel is in
        both. It may go beyond full scale, which `store.write` turns down. A single signal is returned as it
        is.
    """
    if len(signals) == 1:
        return signals[0]
    # (samples,) -> (samples, 1)
    signals = [signal.reshape(len(signal), -1) for signal in signals]
    total = np.zeros((max(map(len, signals)), max(signal.shape[1] for signal in signals)), np.float32)
    for signal in signals:
        total[: len(signal)] += signal
    return total


def _items(settings: dict, shortest: float) -> Iterator[Item | Skipped]:
    """The pieces of all packages, and what is no piece."""
    root = listed.root(settings)
    entries = settings.get("packages", PACKAGES)
    here = [next((name for name in alternatives(entry) if (root / name).is_dir()), None) for entry in entries]
    for entry, name in zip(entries, here, strict=True):
        if name is None:
            yield Skipped(entry, "there is no such package here: apt does not know it")
    for name in dict.fromkeys(filter(None, here)):
        yield from _of_package(root, name, shortest)


def _of_package(root: Path, package: str, shortest: float) -> Iterator[Item | Skipped]:
    for directory, folders, names in os.walk(root / package):
        folders[:] = sorted(name for name in folders if not folder.is_hidden(name))
        files = [
            Path(directory, name) for name in sorted(names) if Path(name).suffix.lower() in listed.SUFFIXES
        ]
        place = f"{folder.name_in(Path(directory), root)}/"
        if hidden := [file for file in files if folder.is_hidden(file.name)]:
            yield listed.passed_over("hidden", hidden, root)
        files = [file for file in files if file not in hidden]
        if links := [file for file in files if file.is_symlink()]:
            yield Skipped(place, f"links to other files: {len(links)}")
        files = [file for file in files if not file.is_symlink()]
        if files and (word := _of_sounds(Path(directory).relative_to(root).parts)):
            yield Skipped(place, f"files in a folder of sounds ({word}), which are no music: {len(files)}")
            continue
        of_song = SONG in names
        for file in files:
            if of_song and PARTS.fullmatch(file.name):
                continue  # in the sum
            # infinite where it is not known: who decodes it says what is wrong
            seconds = audio.promised(file)
            if seconds < shortest:
                yield Skipped(
                    folder.name_in(file, root),
                    f"too short: {seconds:.2f} s, and the shortest allowed is {shortest:g} s",
                )
            else:
                yield _item(file, root, package)


def _of_sounds(folders: tuple[str, ...]) -> str | None:
    """The name by which the folders above a file say that it is a sound, or None."""
    for name in reversed(folders):
        if name.lower() in MUSIC:
            return None
        if name.lower() in SOUNDS:
            return name
    return None


def _item(file: Path, root: Path, package: str) -> Item:
    """A piece with what its tags and its package tell."""
    tags = _tags(file)
    name, year = folder.name_in(file, root), re.match(r"\d{4}\b", tags.get("date", ""))
    inside = folder.name_in(file, root / package)
    return Item(
        track_id=name,
        file=file,
        song=name,
        artist=tags.get("artist", ""),
        album=tags.get("album", ""),
        year=int(year[0]) if year else None,
        extra={
            "package": package,
            "title": tags.get("title", ""),
            "genre": tags.get("genre", ""),
            "licence": licence(inside, _copyright(root / package), tags.get("license", "")),
        },
    )


def _once(items: list[Item | Skipped], workers: int) -> Iterator[Item | Skipped]:
    """The items without those whose file has the same bytes as one before it.

    Most copies are known so before the packages are dealt out, and without decoding them.
    """
    pieces = [item for item in items if isinstance(item, Item)]
    digests = dict(
        zip(
            (item.track_id for item in pieces),
            folder.in_order(_digest, [item.file for item in pieces], workers),
            strict=True,
        )
    )
    first = {}
    for item in items:
        if isinstance(item, Item):
            before = first.setdefault(digests[item.track_id], item.track_id)
            if before != item.track_id:
                item = Skipped(item.track_id, f"the same file as {before}")
        yield item


def _digest(file: Path) -> bytes:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _tags(file: Path) -> dict[str, str]:
    """The tags of a file; the artist of a song of Frets on Fire may stand beside it, in ``song.ini``."""
    import soundfile

    try:
        with soundfile.SoundFile(file) as opened:
            tags = {key: shown(value.strip()) for key, value in opened.copy_metadata().items()}
    except soundfile.LibsndfileError:
        tags = {}
    if file.name == SONG and (file.parent / "song.ini").is_file():
        beside = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            beside.read(file.parent / "song.ini", encoding="utf-8")
            song = beside["song"] if beside.has_section("song") else {}
        except (configparser.Error, UnicodeDecodeError):
            song = {}
        for tag, key in (("title", "name"), ("artist", "artist")):
            tags[tag] = tags.get(tag) or shown(song.get(key, "").strip())
    return tags


@functools.cache
def _copyright(package: Path) -> str:
    """The text of a package's copyright file; empty where it has none, or a link to another package's."""
    file = package / "usr/share/doc" / package.name / "copyright"
    # a link out of the folder would lead to what this machine has installed
    if not file.is_file() or not file.resolve().is_relative_to(package.resolve()):
        return ""
    return file.read_text("utf-8", errors="replace")


def licence(file: str, text: str, tag: str = "") -> str:
    r"""The licence of a file of a package.

    Parameters
    ----------
    file
        Its path in the package.
    text
        Of the package's copyright file. In the machine-readable form, a paragraph names files by patterns and
        their licence. The patterns are of the source package, whose folders lie elsewhere than those of the
        package: ``data/music/*`` there may be ``usr/share/games/NAME/music/*`` here. So a pattern may lose
        folders from its left while one is left, and matches the end of `file`. The pattern of which most is
        left counts; of those alike, the last one.
    tag
        What the file's own tags say.

    Returns
    -------
    str
        A short name as Debian writes it, where that is known.

    Examples
    --------
    >>> text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
    >>> text += "Files: *\nLicense: GPL-2+\n\nFiles: data/music/*\nLicense: CC-BY-SA-3.0\n the text"
    >>> licence("usr/share/games/name/music/theme.ogg", text)
    'CC-BY-SA-3.0'
    """
    paragraphs = _paragraphs(text)
    best, most = "", -1
    for patterns, name in paragraphs:
        for pattern in patterns:
            if (left := _left(pattern, file)) >= max(most, 0):
                best, most = name, left
    if best:
        return best
    if tag:
        creative = re.search(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)", tag)
        return f"CC-{creative[1].upper()}-{creative[2]}" if creative else tag
    flat = " ".join(text.split())
    named = {name: found.start() for name, words in NAMED.items() if (found := re.search(words, flat))}
    return min(named, key=named.get) if named else "see the package's copyright file"


@functools.cache
def _paragraphs(text: str) -> list[tuple[list[str], str]]:
    """The patterns and the licence of each paragraph of a machine-readable copyright file; else nothing."""
    if not re.match(r"\s*Format(-Specification)?:", text):
        return []
    found = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = dict(re.findall(r"^(\S+):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, flags=re.MULTILINE))
        lines = fields.get("License", "").splitlines()
        if "Files" in fields and lines and lines[0].strip():
            found.append((fields["Files"].split(), lines[0].strip()))
    return found


def _left(pattern: str, file: str) -> int:
    """How many parts of a pattern are left where it matches a file; 0 of the pattern of all, -1 of none."""
    if pattern == "*":
        return 0
    names = pattern.removeprefix("./").split("/")
    for first in range(max(1, len(names) - 1)):
        tail = re.escape("/".join(names[first:])).replace(r"\*", ".*").replace(r"\?", ".")
        if re.search(f"(^|/){tail}$", file, flags=re.DOTALL):
            return len(names) - first
    return -1
