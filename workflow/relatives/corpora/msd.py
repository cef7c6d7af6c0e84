"""The Million Song Dataset, as far as one has its previews: 7digital's clips of 30 s, with Last.fm's tags.

The previews are one's own: they were never given out with the data set. ``path`` is their folder, at any
depth and in any format; a file is known by the track's identifier in its name, ``TRAAAAW128F429D538.mp3``.
The data set's HDF5 files and Last.fm's JSON files have the same names and may lie beside them: `listed.clips`
tells which of the files of a track is used.
Tags come from ``lastfm_tags.db``, the SQLite file of the Last.fm data set, in that folder or where ``tags``
says; the 50 that most tracks of the database have are the labels. ``track_metadata.db`` in the folder, the
data set's own, adds song, artist, album and year.

Split by song, 0.7, 0.1, 0.2 of whatever previews are there, and all of them are used. The study drew 71,512
of 102,161 clips for training, which are 0.7 of them, and 1,000 for tests; no such number is drawn here. The
steps of ``workflow/presets/paper.yaml`` assume the study's 71,512: they are its epochs times these clips,
over the batch of 24. With fewer previews, the same steps are more epochs.

Source: Bertin-Mahieux, Ellis, Whitman and Lamere (2011), http://millionsongdataset.com
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.errors import InputError
from relatives.inputs import parsing

TRACK = re.compile(r"TR[A-Z]{5}[0-9A-F]{11}")
SHARES = (0.7, 0.1, 0.2)
TAG_DATABASE = "lastfm_tags.db"
METADATA = "track_metadata.db"


def provides(settings: dict) -> set[str]:
    """Tags."""
    return {"tags"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The previews, in the order of their identifiers."""
    root = listed.root(settings)
    database = Path(settings["tags"]).expanduser() if "tags" in settings else root / TAG_DATABASE
    if not database.is_file():
        raise InputError(
            f"{database}: there is no such file. Put Last.fm's {TAG_DATABASE} there, or set tags of the "
            "corpus to where it is."
        )
    files, others = listed.clips(root, _track, {database.name, TAG_DATABASE, METADATA})
    if not files:
        raise InputError(
            f"{root}: no file of audio in it has a track's identifier in its name, as TRAAAAW128F429D538.mp3"
            " has. Set the path of the corpus to the folder of your previews."
        )
    yield from others
    tags, tags_of = _tags(database, set(files))
    known = _metadata(root / METADATA, set(files))
    previews = ((_item(name, files[name], known), tags_of.get(name, set())) for name in sorted(files))
    yield from listed.tagged(previews, tags)


def _track(file: Path) -> str | None:
    known = TRACK.search(file.name)
    return known[0] if known else None


def _item(track_id: str, file: Path, known: dict[str, tuple]) -> Item:
    song, artist, album, year = known.get(track_id, (track_id, "", "", 0))
    return Item(track_id, file, song=song, artist=artist or "", album=album or "", year=year or None)


def _tags(database: Path, wanted: set[str]) -> tuple[list[str], dict[str, set[str]]]:
    """The most frequent tags of the database, and those that each of the wanted tracks has."""
    counts = dict(
        _rows(
            database,
            "SELECT tags.tag, n FROM (SELECT tag, COUNT(*) AS n FROM tid_tag GROUP BY tag) AS counted "
            "JOIN tags ON tags.ROWID = counted.tag",
        )
    )
    if strange := [tag for tag in counts if not isinstance(tag, str)]:
        raise InputError(
            f"{database}: one of its tags is {strange[0]!r}, and no text; it is another database."
        )
    tags = listed.most_frequent(Counter(counts))
    marks = ", ".join("?" * len(tags))
    found: dict[str, set[str]] = {}
    for track_id, tag in _rows(
        database,
        "SELECT tids.tid, tags.tag FROM tags JOIN tid_tag ON tid_tag.tag = tags.ROWID "
        f"JOIN tids ON tids.ROWID = tid_tag.tid WHERE tags.tag IN ({marks})",
        tags,
    ):
        if track_id in wanted:
            found.setdefault(track_id, set()).add(tag)
    return tags, found


def _metadata(database: Path, wanted: set[str]) -> dict[str, tuple]:
    """Song, artist, album and year of each of the wanted tracks; nothing without the database."""
    if not database.is_file():
        return {}
    rows = _rows(database, "SELECT track_id, song_id, artist_name, release, year FROM songs")
    found = {track_id: tuple(known) for track_id, *known in rows if track_id in wanted}
    for track_id, (song, artist, album, year) in found.items():
        texts = isinstance(song, str) and isinstance(artist, str | None) and isinstance(album, str | None)
        if not (texts and isinstance(year, int | None)):
            raise InputError(
                f"{database}: of {track_id}, song, artist, album and year are {found[track_id]}; they must be"
                " three texts and a number."
            )
    return found


def _rows(database: Path, query: str, values: list = ()) -> Iterator[tuple]:
    """The rows of a query, the database opened for reading alone."""
    with (
        parsing(database, "database"),
        closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        # a view in place of a table might compute without end
        if connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'view'").fetchone():
            raise ValueError("it has views, which the data set has not")
        yield from connection.execute(query, values)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The previews; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers, shares=SHARES)
