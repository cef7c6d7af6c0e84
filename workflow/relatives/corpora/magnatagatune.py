"""MagnaTagATune: 25,863 clips of 29 s from magnatune.com, with the tags of a listening game.

``annotations_final.csv`` names the clips and their tags; the clips lie beside it, or in a folder ``mp3``, in
16 folders ``0`` to ``f``. The 50 most frequent tags are the labels. Training is folders 0 to b, validation c,
test d to f, as in most publications. Three clips are known to be broken and are skipped.

``clip_info_final.csv``, if it is there, adds song, artist and album; a song's clips are all in one folder.

Source: Law, West, Mandel, Bay and Downie (2009), https://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset
"""

import re
from collections import Counter
from collections.abc import Iterator

import pandas as pd

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.errors import InputError, shown

LIST = "annotations_final.csv"
INFORMATION = "clip_info_final.csv"
SPLIT_OF = {
    **dict.fromkeys("0123456789ab", "train"),
    "c": "valid",
    **dict.fromkeys("def", "test"),
}


def provides(settings: dict) -> set[str]:
    """Tags."""
    return {"tags"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The clips, in the order of the list."""
    path = listed.landmark(listed.root(settings), LIST)
    table = listed.table(path, ["clip_id", "mp3_path"], sep="\t", index_col="clip_id")
    tags = table.drop(columns="mp3_path")
    for clip_id, mp3_path in table["mp3_path"].items():
        # a folder of the sixteen and a name: nothing that leads out of the data set
        if not re.fullmatch(r"[0-9a-f]/[^/]+", str(mp3_path)):
            raise InputError(
                f"{path}: the mp3_path of clip {shown(clip_id)} is {shown(mp3_path)}, not as 0/NAME.mp3."
            )
    if not tags.isin([0, 1]).all(axis=None):
        raise InputError(f"{path}: a tag of a clip must be 0 or 1; another value is in it.")
    most = listed.most_frequent(Counter(tags.sum().to_dict()))
    audio = path.parent / "mp3" if (path.parent / "mp3").is_dir() else path.parent
    there = listed.beside()

    known = pd.DataFrame(index=table.index, columns=["title", "artist", "album"]).fillna("")
    if (information := path.with_name(INFORMATION)).is_file():
        columns = ["clip_id", *known.columns]
        options = {"sep": "\t", "index_col": "clip_id", "dtype": dict.fromkeys(known.columns, str)}
        known.update(listed.table(information, columns, **options)[known.columns])

    def clips() -> Iterator[tuple[Item, set[str]]]:
        for (clip_id, mp3_path), has in zip(table["mp3_path"].items(), tags.to_numpy() == 1, strict=True):
            title, artist, album = known.loc[clip_id]
            file, notes = there(audio / mp3_path)
            item = Item(
                track_id=str(clip_id),
                file=file,
                song=f"{artist}/{album}/{title}" if title else mp3_path.rsplit("-", 2)[0],
                split=SPLIT_OF[mp3_path[0]],
                artist=artist,
                album=album,
                notes=notes,
            )
            yield item, set(tags.columns[has])

    return listed.tagged(clips(), most)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
