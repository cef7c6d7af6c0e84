"""Features against librosa, one excerpt at a time, and the cache against features of whole tracks."""

import itertools

import librosa
import numpy as np
import pytest
import torch

from relatives.corpora.store import Corpus, Track, write
from relatives.errors import InputError
from relatives.features import cache, mfcc, spectrogram

RATE = 22050
SAMPLES = 20_000  # of an excerpt: 79 frames of the STFT


def music(samples, seed=0):
    """Decaying tones over faint noise: levels from loud to very quiet."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) * np.exp(-3 * (time % 0.5)) for f in rng.uniform(80, 6000, 5))
    return (0.15 * tones + 1e-4 * rng.standard_normal(samples)).astype(np.float32)


def batch(count, samples=44100):
    return np.stack([music(samples, seed) for seed in range(count)])


def librosa_mfcc(signal):
    return librosa.feature.mfcc(y=signal, sr=RATE, n_mfcc=25)[1:].T


# STFT


@pytest.mark.filterwarnings("ignore:n_fft=1024 is too large")
@pytest.mark.parametrize("samples", [44100, 1000, 256, 1023, 5000])
def test_stft_is_that_of_librosa(samples):
    audio = batch(3, samples)
    found = spectrogram.stft(torch.from_numpy(audio))
    assert found.shape == (3, 1 + samples // 256, 513)
    expected = [librosa.stft(signal, n_fft=1024, hop_length=256).T for signal in audio]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_level_is_that_of_librosa():
    spectrum = spectrogram.stft(torch.from_numpy(batch(2)))
    expected = librosa.amplitude_to_db(spectrum.abs().numpy(), ref=1.0, amin=1e-5, top_db=None)
    np.testing.assert_allclose(spectrogram.decibel(spectrum), expected, atol=1e-4)


def test_level_of_silence_and_of_one():
    levels = spectrogram.decibel(torch.tensor([0.0, 1e-9, 1e-5j, 1.0, -60 + 80j]))
    np.testing.assert_allclose(levels, [-100, -100, -100, 0, 40], atol=1e-4)


def test_istft_undoes_stft():
    audio = torch.from_numpy(batch(2, 32768))
    np.testing.assert_allclose(spectrogram.istft(spectrogram.stft(audio), 32768), audio, atol=1e-5)


def test_frames_not_centred_are_those_between_the_edges():
    audio = torch.from_numpy(batch(1, 8192))
    centred, inner = spectrogram.stft(audio), spectrogram.stft(audio, centred=False)
    assert inner.shape[1] == 1 + (8192 - 1024) // 256
    torch.testing.assert_close(inner, centred[:, 2:-2])


# MFCC


def test_mel_is_that_of_librosa():
    audio = batch(3)
    found = mfcc.mel_db(audio, RATE)
    assert found.shape == (3, 87, 128)
    assert found.dtype == np.float32
    power = [librosa.feature.melspectrogram(y=signal, sr=RATE).T for signal in audio]
    np.testing.assert_allclose(found, librosa.power_to_db(np.array(power), top_db=None), atol=1e-2)


def test_sequences_are_those_of_librosa_one_by_one():
    # excerpts of different loudness: what is clipped depends on each excerpt's own loudest band
    audio = batch(6) * np.logspace(0, -3, 6, dtype=np.float32)[:, None]
    found = mfcc.sequences(audio, RATE)
    assert found.shape == (6, 87, 24)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [librosa_mfcc(signal) for signal in audio], atol=1e-3)
    np.testing.assert_array_equal(found, np.concatenate([mfcc.sequences(one[None], RATE) for one in audio]))


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("samples", [512, 2048, 66150, 100])
def test_sequences_of_other_lengths(samples):
    signal = music(samples)
    np.testing.assert_allclose(mfcc.sequences(signal[None], RATE)[0], librosa_mfcc(signal), atol=1e-3)


def test_each_excerpt_is_clipped_by_its_own_range():
    mel = np.zeros((2, 4, 128), dtype=np.float32)
    mel[0, 0, 0] = 30
    mel[:, 2, 5] = -60
    mel[:, 3, 7] = -90
    found = mfcc.from_mel_db(mel)
    clipped = mel.copy()
    clipped[0, 2:, :] = np.maximum(clipped[0, 2:, :], 30 - 80)
    clipped[1, 3, 7] = -80
    expected = [
        [librosa.feature.mfcc(S=frame[:, None], n_mfcc=25)[1:, 0] for frame in one] for one in clipped
    ]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def naive_statistics(sequence):
    """Coefficient by coefficient, in plain Python."""
    means, deviations = [[], [], []], [[], [], []]
    for curve in sequence.T:
        values = list(curve)
        for order in range(3):
            usable = values or [0.0]
            mean = sum(usable) / len(usable)
            means[order].append(mean)
            deviations[order].append((sum((value - mean) ** 2 for value in usable) / len(usable)) ** 0.5)
            values = [after - before for before, after in itertools.pairwise(values)]
    return np.concatenate(means + deviations)


@pytest.mark.parametrize("frames", [1, 2, 3, 87])
def test_statistics(frames):
    sequences = np.random.default_rng(frames).normal(size=(4, frames, 24)).astype(np.float32)
    found = mfcc.statistics(sequences)
    assert found.shape == (4, 144)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [naive_statistics(one) for one in sequences.astype(float)], atol=1e-5)


def test_silence_is_finite():
    sequences = mfcc.sequences(np.zeros((2, 44100), dtype=np.float32), RATE)
    np.testing.assert_allclose(sequences, 0, atol=1e-3)
    np.testing.assert_allclose(mfcc.statistics(sequences), 0, atol=1e-3)


# Cache

LENGTHS = [70_000, 300, 256 * 256, 12_345]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A corpus of mono and stereo tracks, training and not, one longer than a chunk, and its cache."""
    directory = tmp_path_factory.mktemp("corpus")
    splits = ["train", "train", "test", "valid"]
    signals = [music(length, seed) for seed, length in enumerate(LENGTHS)]
    signals[3] = np.stack([signals[3], music(LENGTHS[3], seed=9)], axis=1)
    tracks = [Track(f"t{n}", signal, splits[n], f"s{n}") for n, signal in enumerate(signals)]
    write(directory, tracks)
    corpus = Corpus(directory)
    cache.write(corpus, directory, RATE, SAMPLES, None)
    return corpus, cache.Cache(directory)


def whole(corpus, row):
    """The levels of a track's STFT, computed at once."""
    return spectrogram.decibel(spectrogram.stft(torch.from_numpy(corpus.audio(row))[None])[0]).numpy()


def test_chunks_of_the_stft_agree_with_the_whole_track_to_the_bit(stored):
    corpus, cached = stored
    for row, length in enumerate(LENGTHS):
        found = cached.stft(row, 0, 1 + length // 256)
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, whole(corpus, row).astype(np.float16))


def test_chunks_of_the_mel_agree_with_the_whole_track(stored):
    corpus, cached = stored
    for row, length in enumerate(LENGTHS):
        expected = mfcc.mel_db(corpus.audio(row)[None], RATE)[0]
        # half a step of float16 at 64 dB and above
        np.testing.assert_allclose(cached.mel(row, 0, 1 + length // 512), expected, atol=0.0315)


@pytest.mark.parametrize(
    ("first", "frames"), [(-3, 10), (250, 20), (270, 30), (5000, 4), (-50, 20), (-5, 500)]
)
def test_slices_are_padded_with_the_floor(stored, first, frames):
    corpus, cached = stored
    for read, levels in (
        (cached.stft, whole(corpus, 0)),
        (cached.mel, mfcc.mel_db(corpus.audio(0)[None], RATE)[0]),
    ):
        padded = np.pad(levels, [(6000, 6000), (0, 0)], constant_values=-100)
        expected = padded[6000 + first : 6000 + first + frames]
        np.testing.assert_allclose(read(0, first, frames), expected, atol=0.0315)


def test_the_scaler_knows_the_training_split_alone(stored):
    corpus, cached = stored
    training = np.concatenate([whole(corpus, row) for row in (0, 1)]).astype(float)
    np.testing.assert_allclose(cached.mean, training.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(cached.deviation, np.maximum(training.std(axis=0), 1.0), rtol=1e-5)


def test_the_scaler_sees_each_excerpt_clipped_below_its_own_loudest_cell(stored, tmp_path):
    corpus, _ = stored
    cache.write(corpus, tmp_path, RATE, SAMPLES, 30)
    clipped = cache.Cache(tmp_path)
    excerpts = []
    for row in (0, 1):
        levels = whole(corpus, row).astype(float)
        for first in range(0, len(levels), 1 + SAMPLES // 256):
            part = levels[first : first + 1 + SAMPLES // 256]
            excerpts.append(np.maximum(part, part.max() - 30))
    training = np.concatenate(excerpts)
    np.testing.assert_allclose(clipped.mean, training.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(clipped.deviation, np.maximum(training.std(axis=0), 1.0), rtol=1e-5)
    # What is cached stays as it is: where a crop begins is not known yet
    assert (tmp_path / "stft.f16").read_bytes() == (corpus.directory / "stft.f16").read_bytes()


@pytest.mark.parametrize("kind", [torch.float16, torch.float32])
def test_levels_are_clipped_below_the_loudest_cell_of_their_own_excerpt(kind):
    levels = torch.tensor([[[0.0, -79.0], [-81.0, -100.0]], [[-60.0, -100.0], [-100.0, -100.0]]], dtype=kind)
    expected = torch.tensor([[[0.0, -79.0], [-80.0, -80.0]], [[-60.0, -100.0], [-100.0, -100.0]]], dtype=kind)
    assert torch.equal(spectrogram.clip(levels, 80), expected)
    assert torch.equal(spectrogram.clip(levels, None), levels)


def test_clipping_is_that_of_librosa():
    audio = batch(2, 30_000)
    found = spectrogram.clip(spectrogram.decibel(spectrogram.stft(torch.from_numpy(audio))), 40).numpy()
    for levels, signal in zip(found, audio, strict=True):
        spectrum = np.abs(librosa.stft(signal, n_fft=1024, hop_length=256, pad_mode="constant"))
        expected = librosa.amplitude_to_db(spectrum, ref=1.0, amin=1e-5, top_db=40).T
        np.testing.assert_allclose(levels, expected, atol=2e-3)


def test_a_constant_bin_is_not_divided_by_nothing(tmp_path):
    write(tmp_path, [Track("t", np.full(5000, 1e-9, dtype=np.float32), "train", "s")])
    cache.write(Corpus(tmp_path), tmp_path, RATE, SAMPLES, None)
    cached = cache.Cache(tmp_path)
    np.testing.assert_array_equal(cached.mean, -100)
    np.testing.assert_array_equal(cached.deviation, 1)


def test_no_training_split(tmp_path):
    write(tmp_path, [Track("t", music(5000), "test", "s")])
    with pytest.raises(InputError, match="no track is in the training split"):
        cache.write(Corpus(tmp_path), tmp_path / "cache", RATE, SAMPLES, None)


def test_the_same_corpus_gives_the_same_bytes(stored, tmp_path):
    corpus, _ = stored
    cache.write(corpus, tmp_path, RATE, SAMPLES, None)
    for name in cache.FILES:
        assert (tmp_path / name).read_bytes() == (corpus.directory / name).read_bytes()


def test_opening_what_is_no_cache(stored, tmp_path):
    corpus, _ = stored
    with pytest.raises(InputError, match="holds no cache"):
        cache.Cache(tmp_path)
    cache.write(corpus, tmp_path, RATE, SAMPLES, None)
    with open(tmp_path / "mel.f16", "ab") as file:
        file.write(b"\0\0")
    with pytest.raises(InputError, match=r"mel\.f16"):
        cache.Cache(tmp_path)
