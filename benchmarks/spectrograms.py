"""The spectrogram cache: frames a second beside librosa's, and a training batch with and without it.

Run as ``python benchmarks/spectrograms.py``. Clips of 30 s at 22,050 Hz, composed by the pipeline's own
corpus. The peer computes and writes the same dB spectrograms with librosa, one clip at a time and without the
scaler; what it writes is held against the cache first.

A batch is 24 crops of 128 frames, standardised: once out of the cached STFT, once out of the int16 audio by
an STFT on the spot. All files are in memory here; the notes say how much of them a batch reads.
"""

import functools
import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import harness
import librosa
import numpy as np
import torch
from harness import Contender, Race
from threadpoolctl import threadpool_limits

from relatives import corpora, jobs
from relatives.corpora import store
from relatives.features import cache, spectrogram

RATE = 22050
SECONDS = 30
CLIPS = 4
STUDY = 71512 + 1000  # clips
BATCH, FRAMES, BINS = 24, 128, 512
BATCHES = 20


def clips():
    """A corpus of `CLIPS` songs, all for training."""
    settings = {"kind": "tagging", "songs": 30, "seconds": float(SECONDS), "split": [0.6, 0.1, 0.3]}
    songs = corpora.source("synthetic").tracks(settings, RATE, 0, workers=1)
    return [replace(song, split="train") for song in itertools.islice(songs, CLIPS)]


def with_librosa(corpus, folder):
    """Both spectrograms in dB of every clip, to two files."""
    with open(folder / "stft.f16", "wb") as stft_file, open(folder / "mel.f16", "wb") as mel_file:
        for row in range(len(corpus)):
            signal = corpus.audio(row)
            stft = np.abs(librosa.stft(signal, n_fft=spectrogram.N_FFT, hop_length=spectrogram.HOP))
            mel = librosa.feature.melspectrogram(y=signal, sr=RATE)
            stft_file.write(librosa.amplitude_to_db(stft, amin=1e-5, top_db=None).T.astype("<f2").tobytes())
            mel_file.write(librosa.power_to_db(mel, amin=1e-10, top_db=None).T.astype("<f2").tobytes())


def cached_batch(cached, rows, firsts):
    crops = [cached.stft(row, first, FRAMES)[:, :BINS] for row, first in zip(rows, firsts, strict=True)]
    return standardise(cached, torch.from_numpy(np.stack(crops)).float())


def computed_batch(corpus, cached, rows, firsts):
    hop, n_fft = spectrogram.HOP, spectrogram.N_FFT
    levels = []
    # crop by crop, which stays in the processor's cache: half the time of the whole batch at once
    for row, first in zip(rows, firsts, strict=True):
        audio = corpus.audio(row, first * hop - n_fft // 2, (FRAMES - 1) * hop + n_fft)
        spectrum = spectrogram.stft(torch.from_numpy(audio)[None], centred=False)[0, :, :BINS]
        levels.append(spectrogram.decibel(spectrum))
    return standardise(cached, torch.stack(levels))


def standardise(cached, spectra):
    return (spectra - torch.from_numpy(cached.mean[:BINS])) / torch.from_numpy(cached.deviation[:BINS])


def races():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        ours, peers = Path(place, "ours"), Path(place, "peers")
        peers.mkdir()
        store.write(ours, clips())
        corpus = store.Corpus(ours)
        fill = functools.partial(cache.write, corpus, ours, RATE)
        yield caching(corpus, fill, ours, peers)
        yield batches(corpus, cache.Cache(ours))


def caching(corpus, fill, ours, peers):
    fill()
    with_librosa(corpus, peers)
    for name in ("stft.f16", "mel.f16"):
        found, expected = (np.fromfile(folder / name, "<f2").astype(np.float32) for folder in (ours, peers))
        # a step of float16; what is quieter, in a loud frame, is rounding in float32
        heard = expected > -60
        assert np.abs(found - expected)[heard].max() < 0.032, name

    # one of the STFT and half a mel frame
    frames = CLIPS * (1 + SECONDS * RATE // spectrogram.HOP)
    size = sum((ours / name).stat().st_size for name in ("stft.f16", "mel.f16"))
    sound = (ours / "audio.i16").stat().st_size
    each = size / CLIPS / SECONDS / 1000
    note = (
        f"{each:.1f} kB a second of audio, {size / sound:.2f} times its int16;"
        f" {size / CLIPS * STUDY / 1e9:.0f} GB for the study's {STUDY:,} clips"
    )
    return Race(
        "Spectrograms to the cache",
        "frame of both",
        [
            Contender("relatives", fill, frames, note=note),
            Contender("librosa, a clip at a time", lambda: with_librosa(corpus, peers), frames),
        ],
    )


def batches(corpus, cached):
    rng = np.random.default_rng(0)
    last = SECONDS * RATE // spectrogram.HOP - FRAMES
    draws = [(rng.integers(CLIPS, size=BATCH), rng.integers(last, size=BATCH)) for _ in range(BATCHES)]
    difference = cached_batch(cached, *draws[0]) - computed_batch(corpus, cached, *draws[0])
    assert difference.abs().max() < 0.05
    read = BATCH * FRAMES * spectrogram.BINS * 2 / 1e6
    heard = BATCH * ((FRAMES - 1) * spectrogram.HOP + spectrogram.N_FFT) * 2 / 1e6
    return Race(
        "A training batch on the CPU",
        "batch",
        [
            Contender(
                "from the cached STFT",
                lambda: [cached_batch(cached, *draw) for draw in draws],
                BATCHES,
                note=f"reads {read:.1f} MB",
            ),
            Contender(
                "STFT of the audio",
                lambda: [computed_batch(corpus, cached, *draw) for draw in draws],
                BATCHES,
                note=f"reads {heard:.1f} MB",
            ),
        ],
    )


if __name__ == "__main__":
    jobs._keep_freed_memory()  # as every job of the pipeline does; the peer gains by it too
    with threadpool_limits(1):
        harness.main(races)
