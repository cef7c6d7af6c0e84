"""MUSDB18 and MUSDB18-HQ: 150 songs with their stems, 100 for training and 50 for tests.

MUSDB18 has a stem file a song, ``train/Artist - Title.stem.mp4``, whose five audio streams are the mixture,
drums, bass, other and vocals; MUSDB18-HQ has a folder a song, ``train/Artist - Title/``, with a WAV file a
stem. The module reads whichever is there. Stems are mixed to mono; the accompaniment is the sum of drums,
bass and other, and the mixture that of all four.

The test songs are the published ones; the training songs are drawn 7 : 3 into training and validation, as the
study's text says. Its own draw is not published, nor is it `musdb`'s list of 14 songs for validation. Its
released code has another split: 89 songs for training, 9 for validation, 49 for tests.

Source: Rafii, Liutkus, Stöter, Mimilakis and Bittner (2017), https://doi.org/10.5281/zenodo.1117372
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from relatives import audio
from relatives.corpora import folder, listed
from relatives.corpora.listed import Item

STEM_FILE = ".stem.mp4"
STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}
ACCOMPANIMENT = ("drums", "bass", "other")

TRAINING_SHARES = (0.7, 0.3)
"""Of training and validation among the training songs (study's text; its released code: 89 and 9 songs)."""


def provides(settings: dict) -> set[str]:
    """Stems."""
    return {"stems"}


def items(settings: dict, seed: int) -> list[Item]:
    """The songs: stem files, or folders of WAV files."""
    root = listed.root(settings)
    found = [item for part in ("train", "test") for item in _songs(listed.landmark(root, part), part)]
    training = [item.song for item in found if not item.split]
    if len(training) > 1:
        splits = folder.split(training, TRAINING_SHARES, seed, among=("train", "valid"))
        found = [replace(item, split=item.split or splits[item.song]) for item in found]
    return found


def _songs(directory: Path, part: str) -> Iterator[Item]:
    stem_files = sorted(directory.glob(f"*{STEM_FILE}"))
    for file in stem_files or sorted(wav.parent for wav in directory.glob("*/vocals.wav")):
        name = file.name.removesuffix(STEM_FILE)
        artist, _, _ = name.partition(" - ")
        yield Item(name, file, song=name, split="test" if part == "test" else "", artist=artist)


def read(file: Path, sample_rate: int, note: Callable[[str], None] | None = None) -> np.ndarray:
    """Vocals and accompaniment of a song, (samples, 2) float32; `note` as in `audio.load`."""

    def stem(name: str) -> np.ndarray:
        def of_stem(words: str) -> None:
            if note is not None:
                note(f"{name}: {words}")

        if file.name.endswith(STEM_FILE):
            return audio.mono(audio.load_stream(file, STREAMS[name], sample_rate, of_stem))
        return audio.mono(audio.load(file / f"{name}.wav", sample_rate, note=of_stem))

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
