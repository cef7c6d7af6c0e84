"""Extended Ballroom, and Ballroom before it: clips of 30 s of dance music, the dance in the folder's name.

Extended Ballroom (4,180 clips, 13 dances) has ``extendedballroom_v1.1.xml`` beside ``Chacha/100701.mp3``:
artist, album, tempo, and which clips are duplicates or other versions of one another; these count as one song
and stay on one side. Ballroom (698 clips, 8 dances) is ``audio/Waltz/Media-105901.wav`` without a list, each
clip a song. There is no published split: 0.8, 0.1, 0.1 by song. `listed.clips` tells what is passed over.

Source: Marchand and Peeters (2016); Gouyon et al. (2006)
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.errors import InputError
from relatives.inputs import parsing

LIST = "extendedballroom_v1.1.xml"

# Attributes that name the clip of which another is a duplicate or a version
SAME = ("exact", "time", "karaoke", "version")


def provides(settings: dict) -> set[str]:
    """Genres, which are dances; no task of the consistency study learns them."""
    return {"genres"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The clips, by dance and name."""
    root = listed.root(settings)
    lists = sorted([*root.glob(LIST), *root.glob(f"*/{LIST}")])
    audio = lists[0].parent if lists else listed.landmark(root, "audio", "BallroomData")
    known = _known(lists[0]) if lists else {}
    songs = _songs(known)

    def name_of(file: Path) -> str | None:
        return f"{file.parent.name}/{file.stem}" if file.parent.parent == audio else None

    files, others = listed.clips(audio, name_of, {LIST})
    if not files:
        raise InputError(f"{audio}: no clip is in it, such as Waltz/NAME.mp3. Is the data set complete?")
    yield from others
    dances = sorted({file.parent.name for file in files.values()})
    for file in files.values():
        clip = known.get(file.stem, {})
        yield Item(
            track_id=f"{file.parent.name}/{file.stem}",
            file=file,
            song=songs.get(file.stem, file.stem),
            artist=clip.get("artist", ""),
            album=clip.get("album", ""),
            labels=listed.one_of(file.parent.name, dances),
            extra={"tempo": clip["bpm"]} if clip.get("bpm") else {},
        )


def _known(path: Path) -> dict[str, dict]:
    """The attributes of each clip of the list, its tempo as a number."""
    # its ParseError is a SyntaxError
    with parsing(path, "list"):
        tree = ElementTree.parse(path)
        clips = {
            clip.get("id"): clip.attrib for dance in tree.getroot() for clip in dance if "id" in clip.attrib
        }
        return {
            name: clip | {"bpm": float(clip["bpm"]) if clip.get("bpm") else None}
            for name, clip in clips.items()
        }


def _songs(known: dict[str, dict]) -> dict[str, str]:
    """The song of each clip: the first, by its name, of all duplicates or versions of one another."""
    songs = {name: name for name in known}

    def first(name: str) -> str:
        while songs.get(name, name) != name:
            name = songs[name]
        return name

    for name, clip in known.items():
        for other in (clip[attribute] for attribute in SAME if clip.get(attribute) in known):
            one, two = sorted((first(name), first(other)))
            songs[two] = one
    return {name: first(name) for name in known}


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
