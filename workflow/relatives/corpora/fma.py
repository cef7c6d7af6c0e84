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
    table = listed.table(metadata / "tracks.csv", columns, index_col=0, header=[0, 1], low_memory=False)
    titles = listed.table(metadata / "genres.csv", ["title"], index_col=0)["title"].to_dict()
    subset = audio.name.removeprefix("fma_")
    of_subset = SUBSETS[: SUBSETS.index(subset) + 1]
    table = table[table["set", "subset"].isin(of_subset)].sort_index()
    genres = [{titles[genre] for genre in ast.literal_eval(text)} for text in table["track", "genres_all"]]
    most = listed.most_frequent(Counter(genre for of_clip in genres for genre in of_clip))

    def clips() -> Iterator[tuple[Item, set[str]]]:
        for (number, row), of_clip in zip(table.iterrows(), genres, strict=True):
            name = f"{number:06}"
            item = Item(
                track_id=name,
                file=audio / name[:3] / f"{name}.mp3",
                song=name,
                split=SPLIT_OF[row["set", "split"]],
                artist=str(row["artist", "name"]),
            )
            yield item, of_clip

    return listed.tagged(clips(), most)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
