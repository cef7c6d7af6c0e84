"""MUSDB18 and MUSDB18-HQ: 150 songs with their stems, 100 for training and 50 for tests.

MUSDB18 has a stem file a song, ``train/Artist - Title.stem.mp4``, whose five audio streams are the mixture,
drums, bass, other and vocals; MUSDB18-HQ has a folder a song, ``train/Artist - Title/``, with a WAV file a
stem. The module reads whichever is there; of a song that is both, its stem file. Stems are mixed to mono; the
accompaniment is the sum of drums, bass and other, and the mixture that of all four.

The test songs are the published ones; the training songs are drawn 7 : 3 into training and validation, as the
study's text says. Its own draw is not published, nor is it `musdb`'s list of 14 songs for validation. Its
released code has another split: 89 songs for training, 9 for validation, 49 for tests.

Source: Rafii, Liutkus, Stöter, Mimilakis and Bittner (2017), https://doi.org/10.5281/zenodo.1117372
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from relatives import audio
from relatives.corpora import folder, listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped

STEM_FILE = ".stem.mp4"
STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}
ACCOMPANIMENT = ("drums", "bass", "other")

TRAINING_SHARES = (0.7, 0.3)
"""Of training and validation among the training songs (study's text; its released code: 89 and 9 songs)."""


def provides(settings: dict) -> set[str]:
    """Stems."""
    return {"stems"}


def items(settings: dict, seed: int) -> list[Item | Skipped]:
    """The songs: stem files, or folders of WAV files."""
    root = listed.root(settings)
    found = [item for part in ("train", "test") for item in _songs(listed.landmark(root, part), part, root)]
    training = [item.song for item in found if isinstance(item, Item) and not item.split]
    if len(training) > 1:
        splits = folder.split(training, TRAINING_SHARES, seed, among=("train", "valid"))
        found = [
            replace(item, split=item.split or splits[item.song]) if isinstance(item, Item) else item
            for item in found
        ]
    return found


def _songs(directory: Path, part: str, root: Path) -> Iterator[Item | Skipped]:
    """The songs of the training or the test, stem files before folders, and what else lies there."""
    files, others = {}, defaultdict(list)

    def place(file: Path) -> tuple[int, Path]:
        # stem files, then folders, then stem files that are empty; each kind by name
        return 1 if file.is_dir() else 0 if listed.size(file) else 2, file

    for file in sorted(directory.glob("*"), key=place):
        of_folder = file.is_dir()
        name = file.name if of_folder else file.name[: -len(STEM_FILE)]
        if folder.is_hidden(file.name):
            others["hidden"].append(file)
        elif not (_has_stems(file) if of_folder else file.name.lower().endswith(STEM_FILE)):
            others["a folder without stems" if of_folder else "no stem file"].append(file)
        elif name in files:
            others["a song of which another file is used"].append(file)
        else:
            files[name] = file
    yield from (listed.passed_over(kind, found, root) for kind, found in others.items())
    for name, file in files.items():
        artist, _, _ = name.partition(" - ")
        yield Item(name, file, song=name, split="test" if part == "test" else "", artist=artist)


def _has_stems(song: Path) -> bool:
    """Whether a folder has one of the stems at least, in any format; `read` names the one that is missing."""
    there = listed.beside()
    return any(there(song / f"{name}.wav")[0].is_file() for name in STREAMS)


def read(file: Path, sample_rate: int, note: Callable[[str], None] | None = None) -> np.ndarray:
    """Vocals and accompaniment of a song, (samples, 2) float32; `note` as in `audio.load`."""
    there = listed.beside()

    def stem(name: str) -> np.ndarray:
        def of_stem(words: str) -> None:
            if note is not None:
                note(f"{name}: {words}")

        if not file.is_dir():
            return audio.mono(audio.load_stream(file, STREAMS[name], sample_rate, of_stem))
        of_name, notes = there(file / f"{name}.wav")
        for words in notes:
            of_stem(words)
        return audio.mono(audio.load(of_name, sample_rate, note=of_stem))

    vocals = stem("vocals")
    accompaniment = np.zeros_like(vocals)
    for name in ACCOMPANIMENT:
        # the streams of a file may end a frame of the codec apart
        other = stem(name)[: len(vocals)]
        accompaniment[: len(other)] += other
    return np.stack([vocals, accompaniment], axis=1)


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The songs; see `listed.tracks`."""
    found = items(settings, seed)
    return listed.tracks(found, settings, sample_rate, seed, workers, read=read, stems=True)
