"""IRMAS, the training part: 6,705 clips of 3 s, each of one predominant instrument of eleven.

The class is the clip's folder and the first tag in brackets of its name, as in
``IRMAS-TrainingData/cla/[cla][cla]0189__2.wav``; further tags are drums (``dru``, ``nod``) and genre, and the
number before the last ``__`` is the recording. Clips of a recording stay together: the study's split is 0.8,
0.1, 0.1 by song.

A clip may have another suffix of audio, or large letters; `listed.clips` tells what else is passed over.

Source: Bosch, Janer, Fuhrmann and Herrera (2012), https://doi.org/10.5281/zenodo.1290750
"""

import re
from collections.abc import Iterator
from pathlib import Path

from relatives.corpora import listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped

CLASSES = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")

# Some names begin with another number: 008__[cel][nod][cla]0058__1
NAME = re.compile(r"(?:\d+__)?((?:\[\w+\])+)(\d+)__\d+")


def provides(settings: dict) -> set[str]:
    """Instruments."""
    return {"instruments"}


def items(settings: dict) -> Iterator[Item | Skipped]:
    """The clips of the training part, by their names."""
    training = listed.landmark(listed.root(settings), "IRMAS-TrainingData")

    def name_of(file: Path) -> str | None:
        return f"{file.parent.name}/{file.stem}" if file.parent.parent == training else None

    files, others = listed.clips(training, name_of)
    yield from others
    for file in files.values():
        name = f"{file.parent.name}/{file.name}"
        if not (parts := NAME.fullmatch(file.stem)):
            yield Skipped(name, "its name is not that of an IRMAS clip")
            continue
        instrument, *tags = re.findall(r"\[(\w+)\]", parts[1])
        if instrument != file.parent.name or instrument not in CLASSES:
            yield Skipped(
                name, f"the class in its name is {instrument}, that of its folder {file.parent.name}"
            )
            continue
        drums = next((tag for tag in tags if tag in ("dru", "nod")), "")
        genre = next((tag for tag in tags if tag not in ("dru", "nod")), "")
        labels = listed.one_of(instrument, CLASSES)
        yield Item(name, file, song=parts[2], labels=labels, extra={"genre": genre, "drums": drums})


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The clips; see `listed.tracks`."""
    return listed.tracks(items(settings), settings, sample_rate, seed, workers)
