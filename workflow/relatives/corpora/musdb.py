"""MUSDB18 and MUSDB18-HQ: 150 songs with their stems, 100 for training and 50 for tests.

MUSDB18 has a stem file a song, ``train/Artist - Title.stem.mp4``, whose five audio streams are the mixture,
drums, bass, other and vocals; MUSDB18-HQ has a folder a song, ``train/Artist - Title/``, with a WAV file a
stem. The module reads whichever is there; of a song that is both, its stem file. The accompaniment is the sum
of drums, bass and other, and the mixture that of all four. All are mixed to mono in one way (``mix``), which
the mixture decides: its louder side is that of its stems, and where its channels cancel each other, in a
twentieth of its length already, the song is left out.

The test songs are the published ones; the training songs are drawn 7 : 3 into training and validation, as the
study's text says. Its own draw is not published, nor is it `musdb`'s list of 14 songs for validation. Its
released code has another split: 89 songs for training, 9 for validation, 49 for tests.

Source: Rafii, Liutkus, Stöter, Mimilakis and Bittner (2017), https://doi.org/10.5281/zenodo.1117372
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from relatives import audio
from relatives.corpora import folder, listed
from relatives.corpora.listed import Item
from relatives.corpora.store import Skipped
from relatives.errors import InputError, shown

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


def read(
    file: Path, sample_rate: int, how: str = "mean", note: Callable[[str], None] | None = None
) -> np.ndarray:
    """Vocals and accompaniment of a song.

    Parameters
    ----------
    file
        A stem file, or a folder of WAV files.
    sample_rate
        In Hz.
    how
        The mix to mono of all stems: see `relatives.audio.mix`. The louder side is that of the mixture.
    note
        As in `audio.load`.

    Returns
    -------
    (samples, 2) float32

    Raises
    ------
    InputError
        A stem cannot be read, or the channels of the mixture cancel each other where their mean is asked for
        (`folder.cancelled`).
    """
    there = listed.beside()

    def stem(name: str) -> np.ndarray:
        def of_stem(words: str) -> None:
            if note is not None:
                note(f"{name}: {words}")

        if not file.is_dir():
            return audio.load_stream(file, STREAMS[name], sample_rate, of_stem)
        of_name, notes = there(file / f"{name}.wav")
        for words in notes:
            of_stem(words)
        return audio.load(of_name, sample_rate, note=of_stem)

    vocals = stem("vocals")
    # the streams of a file may end a frame of the codec apart
    others = [stem(name)[: len(vocals)] for name in ACCOMPANIMENT]
    side = _side(file, [vocals, *others], sample_rate, how, note)
    accompaniment = np.zeros(len(vocals), np.float32)
    for other in others:
        accompaniment[: len(other)] += _one(other, side)
    return np.stack([_one(vocals, side), accompaniment], axis=1)


def _side(
    file: Path,
    stems: list[np.ndarray],
    sample_rate: int,
    how: str,
    note: Callable[[str], None] | None = None,
) -> int | None:
    """The channel of all stems, (samples, channels), that is used; None where it is their mean."""
    if how == "left":
        return 0
    if not all(np.isfinite(audio.peak(stem)) for stem in stems):
        return None  # which is told of the sum
    mixture = np.zeros((len(stems[0]), max(stem.shape[1] for stem in stems)), np.float32)
    for stem in stems:
        mixture[: len(stem)] += stem
    compared = audio.compare_channels(mixture, sample_rate)
    if how == "louder":
        return compared.louder
    if reason := folder.cancelled(compared, note, kept=False):
        raise InputError(f"{shown(file)}: {reason}")
    return None


def _one(stem: np.ndarray, side: int | None) -> np.ndarray:
    """One channel of a stem, (samples, channels) -> (samples,); mono is on both sides."""
    return audio.mono(stem) if side is None else stem[:, min(side, stem.shape[1] - 1)]


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """The songs; see `listed.tracks`."""
    found, how = items(settings, seed), settings.get("mix", "mean")
    return listed.tracks(found, settings, sample_rate, seed, workers, read=partial(read, how=how), stems=True)
