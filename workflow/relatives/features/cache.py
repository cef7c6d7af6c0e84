"""The spectrograms of a corpus, computed once and read by slices.

Three files, rows being those of the corpus:

``stft.f16``
    The dB spectrogram (`spectrogram.decibel`) of every track, mixed to mono, end to end: frames x 513 bins,
    float16.
``mel.f16``
    The mel spectrogram (`mfcc.mel_db`) likewise: frames x 128 bands, float16.
``scaler.npz``
    ``mean`` and ``deviation`` in dB of each of the 513 bins over all frames of the training split, as the
    study standardises its input (section 4.1), after the tracks were cut into excerpts and each excerpt was
    clipped below its loudest cell (`spectrogram.clip`), as the networks see them; ``samples``, the length of
    every track.

The levels in ``stft.f16`` are not clipped: where a crop begins is not known before it is drawn.

Float16 rounds a level within 64 dB of 0 dB by at most 0.016 dB, the others by at most 0.031 dB.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features import mfcc, spectrogram
from relatives.files import replacing

FILES = ("scaler.npz", "stft.f16", "mel.f16")

# Frames of the mel spectrogram computed at a time: so many that the loop costs nothing, so few that they stay
# in the processor's cache
CHUNK = 256

# dB. A bin that hardly changes in training, above the cutoff of an MP3 say, must not tower over all others
# once a transformation puts something into it.
SMALLEST_DEVIATION = 1.0


def write(
    corpus: Corpus, directory: str | Path, sample_rate: int, samples: int, top_db: float | None
) -> None:
    """Compute the spectrograms of a corpus track by track, and the scaler.

    A long track is computed in chunks; memory stays within some megabytes whatever the corpus.

    Parameters
    ----------
    corpus
    directory
        Where the files go, by the pipeline beside those of the corpus.
    sample_rate
        Of the corpus, in Hz.
    samples
        Length of an excerpt.
    top_db
        Of the scaler, in dB, as for `spectrogram.clip`.

    Raises
    ------
    InputError
        If the corpus has no track in the training split.
    """
    training = set(corpus.rows("train"))
    if not training:
        raise InputError(f"{corpus.directory}: no track is in the training split, and the scaler needs one.")
    directory = Path(directory)
    count, total, squares = 0, 0.0, 0.0

    with ExitStack() as stack:
        scaler, *others = [stack.enter_context(replacing(directory / name)) for name in FILES]
        with open(others[0], "wb") as stft_file, open(others[1], "wb") as mel_file:
            for row in range(len(corpus)):
                for levels in _stft_chunks(corpus, row, 1 + samples // spectrogram.HOP):
                    stft_file.write(levels.numpy().astype("<f2").tobytes())
                    if row in training:
                        # (frames, bins) -> (1, frames, bins) and back
                        exact = spectrogram.clip(levels[None], top_db)[0].numpy().astype(np.float64)
                        count += len(exact)
                        total += exact.sum(axis=0)
                        squares += (exact**2).sum(axis=0)
                for levels in _mel_chunks(corpus, row, sample_rate):
                    mel_file.write(levels.astype("<f2").tobytes())
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, SMALLEST_DEVIATION**2))
        np.savez(
            scaler,
            mean=mean.astype(np.float32),
            deviation=deviation.astype(np.float32),
            samples=corpus.tracks["samples"].to_numpy(),
        )


def _chunks(corpus: Corpus, row: int, n_fft: int, hop: int, size: int) -> Iterator[np.ndarray]:
    """The samples (samples,) under each `size` centred frames of a track, zeros where they leave it."""
    frames = 1 + int(corpus.tracks["samples"].iloc[row]) // hop
    for first in range(0, frames, size):
        count = min(size, frames - first)
        yield corpus.audio(row, first * hop - n_fft // 2, (count - 1) * hop + n_fft)


def _stft_chunks(corpus: Corpus, row: int, size: int) -> Iterator[torch.Tensor]:
    """The dB spectrogram of a track, (size, 513) float32 at a time; the last one may be shorter."""
    for audio in _chunks(corpus, row, spectrogram.N_FFT, spectrogram.HOP, size):
        # (samples,) -> (1, samples) -> (1, frames, bins) -> (frames, bins)
        spectrum = spectrogram.stft(torch.from_numpy(audio)[None], centred=False)[0]
        yield spectrogram.decibel(spectrum)


def _mel_chunks(corpus: Corpus, row: int, sample_rate: int) -> Iterator[np.ndarray]:
    """The mel spectrogram of a track, (frames, 128) float32 at a time."""
    for audio in _chunks(corpus, row, mfcc.N_FFT, mfcc.HOP, CHUNK):
        yield mfcc.mel_db_frames(audio, sample_rate)


class Cache:
    """The spectrograms of a corpus, mapped into memory: only the slices that are asked for are read.

    Attributes
    ----------
    mean, deviation : (513,) float32
        Of each bin of the STFT over the training split, in dB.

    Raises
    ------
    InputError
        If the directory holds no cache, or one whose files do not belong together.
    """

    def __init__(self, directory: str | Path):
        directory = Path(directory)
        missing = [name for name in FILES if not (directory / name).is_file()]
        if missing:
            raise InputError(f"{directory} holds no cache: {', '.join(missing)} not found. Make it first.")
        with np.load(directory / "scaler.npz") as scaler:
            self.mean, self.deviation = scaler["mean"], scaler["deviation"]
            samples = scaler["samples"]
        self._stft = _Spectrograms(directory / "stft.f16", 1 + samples // spectrogram.HOP, spectrogram.BINS)
        self._mel = _Spectrograms(directory / "mel.f16", 1 + samples // mfcc.HOP, mfcc.BANDS)

    def stft(self, row: int, first: int, frames: int) -> np.ndarray:
        """A slice of a track's STFT in dB, (frames, 513) float16; -100 dB outside the track.

        Parameters
        ----------
        row
            The track.
        first
            Its first frame, which may lie before the track; frame k is centred on sample ``256 * k``.
        frames
            How many.
        """
        return self._stft.read(row, first, frames)

    def mel(self, row: int, first: int, frames: int) -> np.ndarray:
        """A slice of the mel spectrogram in dB, (frames, 128) float16, hop 512; otherwise as `stft`."""
        return self._mel.read(row, first, frames)


class _Spectrograms:
    """Spectrograms end to end in a file; `frames` counts those of each track."""

    def __init__(self, path: Path, frames: np.ndarray, bins: int):
        if path.stat().st_size != 2 * frames.sum() * bins:
            raise InputError(f"{path} and the scaler.npz beside it do not belong together. Make both again.")
        self.levels = np.memmap(path, dtype="<f2", mode="r", shape=(frames.sum(), bins))
        self.frames = frames
        self.offset = np.cumsum(frames) - frames

    def read(self, row: int, first: int, frames: int) -> np.ndarray:
        begin, end = np.clip([first, first + frames], 0, self.frames[row])
        result = np.full((frames, self.levels.shape[1]), spectrogram.FLOOR, dtype=np.float16)
        result[begin - first : end - first] = self.levels[self.offset[row] + begin : self.offset[row] + end]
        return result
