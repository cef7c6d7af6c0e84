"""Transformed excerpts a second, beside the way of the study's released code.

Run as ``python benchmarks/transformations.py``. Each transformation is raced alone, over all of its
magnitudes equally; then the whole grid of 94, in one process and in two. The released code's way starts a
program for every excerpt: Rubber Band's through pyrubberband, ffmpeg to encode and once more to decode, both
with temporary files; the loudness is measured by pyloudnorm, anew for every excerpt and transformation. It
takes part where pyrubberband and the ``rubberband`` program are found. The noises are the same for both.

Excerpts are 2 s out of windows of 4 s at 22,050 Hz, composed by the pipeline's own corpus.
"""

import functools
import importlib.util
import itertools
import multiprocessing
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import harness
import imageio_ffmpeg
import numpy as np
import pyloudnorm
import soundfile
from harness import Contender, Race
from threadpoolctl import threadpool_limits

from relatives import audio, corpora, seeds, transforms
from relatives.corpora.synthetic import ambience
from relatives.transforms import mp3, noise

RATE = 22050
SAMPLES, WINDOW = 2 * RATE, 4 * RATE
EXCERPTS = 2  # of each magnitude, in a call
MISSING = [name for name in ("rubberband",) if shutil.which(name) is None] + [
    name for name in ("pyrubberband",) if importlib.util.find_spec(name) is None
]


@functools.cache
def material():
    """Windows of music (EXCERPTS, WINDOW) and a recording of a bar."""
    settings = {"kind": "tagging", "songs": 30, "seconds": 8.0, "split": [0.6, 0.1, 0.3]}
    songs = itertools.islice(corpora.source("synthetic").tracks(settings, RATE, 0, workers=1), EXCERPTS)
    windows = np.stack([audio.centre(audio.mono(song.audio), WINDOW) for song in songs])
    return windows.astype(np.float32), ambience.bar(20.0, RATE, seeds.generator(0, "noise"))


def ours(name, magnitude, window, bar):
    return transforms.excerpt(name, magnitude, window, SAMPLES, RATE, noise=bar)[0]


def released(name, magnitude, window, bar):
    original = audio.centre(window, SAMPLES)
    if name in ("PS", "TS"):
        import pyrubberband

        change = pyrubberband.pitch_shift if name == "PS" else pyrubberband.time_stretch
        transformed = audio.centre(change(window, RATE, magnitude), SAMPLES)
    elif name == "MP":
        transformed = audio.centre(through_files(window, magnitude), SAMPLES)
    else:
        generator = seeds.generator(0, "transforms", name, magnitude)
        added = noise.pink(SAMPLES, generator) if name == "PN" else noise.cut(bar, SAMPLES, generator, RATE)
        transformed = noise.add(original, added, magnitude)
    loudness, target = (
        pyloudnorm.Meter(RATE).integrated_loudness(signal.astype(np.float64))
        for signal in (transformed, original)
    )
    return (transformed * 10 ** ((target - loudness) / 20)).astype(np.float32)


def through_files(signal, rate):
    """MP3 by two processes of ffmpeg and three temporary files."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-y"]
    with tempfile.TemporaryDirectory() as folder:
        before, middle, after = (
            str(Path(folder, name)) for name in ("before.wav", "middle.mp3", "after.wav")
        )
        soundfile.write(before, signal, RATE)
        encode = ["-i", before, "-ar", mp3.sampling_rate(RATE, rate), "-b:a", f"{rate:.0f}k", middle]
        decode = ["-i", middle, "-ar", RATE, after]
        for arguments in (encode, decode):
            subprocess.run([*ffmpeg, *map(str, arguments)], check=True)
        return soundfile.read(after, dtype="float32")[0]


def every(way, names, windows):
    """All magnitudes of some transformations of some windows."""
    bar = material()[1]
    for name in names:
        for magnitude in transforms.GRID[name]:
            for window in windows:
                way(name, magnitude, window, bar)


def share(number):
    """One process' share of the windows under the whole grid."""
    with threadpool_limits(1):
        every(ours, transforms.GRID, material()[0][number::2])


def both(pool):
    list(pool.map(share, range(2)))


def races():
    windows = material()[0]
    absent = f"needs {' and '.join(MISSING)}" if MISSING else ""

    def contenders(names):
        work = len(windows) * sum(len(transforms.GRID[name]) for name in names)
        yield Contender("relatives", lambda: every(ours, names, windows), work)
        peer = None if MISSING and {"PS", "TS"} & set(names) else lambda: every(released, names, windows)
        yield Contender("as released", peer, work, note="" if peer else absent)

    for name in transforms.GRID:
        title = f"{name}, {len(transforms.GRID[name])} magnitudes"
        yield Race(title, "excerpt", list(contenders([name])))

    # processes of their own, which live for the whole race: what starting them costs is the workflow's affair
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        one, peer = contenders(list(transforms.GRID))
        two = Contender("relatives, 2 processes", lambda: both(pool), one.work, cores=2)
        goal = "2 times the throughput of the released way a core, and 1.8 times that again on 2 cores"
        yield Race("The whole grid", "excerpt", [one, two, peer], goal=goal)


if __name__ == "__main__":
    with threadpool_limits(1):
        harness.main(races)
