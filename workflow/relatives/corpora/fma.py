"""The Free Music Archive: clips of 30 s under Creative Commons, with a tree of 161 genres.

``fma_metadata/tracks.csv`` names the clips, and the largest of the folders ``fma_full``, ``fma_large``,
``fma_medium`` and ``fma_small`` that is there has them, as ``fma_small/000/000002.mp3``. Its 50 most frequent
genres, a clip's own and those above them in the tree, are its tags. The split is the published one, in which
no artist is on two sides.

Source: Defferrard, Benzi, Vandergheynst and Bresson (2017), https://github.com/mdeff/fma
"""

import ast
from collections import Counter
from collections.abc import Iterator

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.inputs import parsing

# A subset holds those before it
SUBSETS = ("small", "medium", "large", "full")
SPLIT_OF = {"training": "train", "validation": "valid", "test": "test"}


def provides(settings: dict) -> set[str]:
    """Tags, which are genres."""
    return {"tags"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The clips, in the order of their numbers."""
    root = listed.root(settings)
    metadata = listed.landmark(root, "fma_metadata")
    audio = listed.landmark(root, *(f"fma_{subset}" for subset in reversed(SUBSETS)))
    columns = [("set", "split"), ("set", "subset"), ("track", "genres_all"), ("artist", "name")]
    path = metadata / "tracks.csv"
    table = listed.table(path, columns, index_col=0, header=[0, 1], low_memory=False)
    titles = listed.table(metadata / "genres.csv", ["title"], index_col=0)["title"].to_dict()
    subset = audio.name.removeprefix("fma_")
    of_subset = SUBSETS[: SUBSETS.index(subset) + 1]
    table = table[table["set", "subset"].isin(of_subset)].sort_index()
    with parsing(path, "table"):
        if table.index.dtype != int:
            raise ValueError("a number of a clip is none")
        genres = [
            {titles[genre] for genre in ast.literal_eval(text)} for text in table["track", "genres_all"]
        ]
        splits = [SPLIT_OF[split] for split in table["set", "split"]]
        names = [f"{number:06}" for number in table.index]
    most = listed.most_frequent(Counter(genre for of_clip in genres for genre in of_clip))

    there = listed.beside()

    def clips() -> Iterator[tuple[Item, set[str]]]:
        artists = table["artist", "name"].astype(str)
        for name, split, artist, of_clip in zip(names, splits, artists, genres, strict=True):
            file, notes = there(audio / name[:3] / f"{name}.mp3")
            item = Item(
                track_id=name,
                file=file,
                song=name,
                split=split,
                artist=artist,
                notes=notes,
            )
            yield item, of_clip

    return listed.tagged(clips(), most)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
