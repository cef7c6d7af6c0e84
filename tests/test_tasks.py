"""The tasks: their losses and measures against the naive ones, scikit-learn and museval."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import tiny_corpus
from relatives.errors import InputError
from relatives.features import mfcc, spectrogram
from relatives.models import networks
from relatives.tasks import TASKS, batches, separation, tagging


def bss_eval(reference, estimate):
    """museval's SDR of each frame of 1,000 samples, of two mono signals."""
    # The package itself cannot be imported where there is no ffmpeg, which its metrics do not need
    folder = importlib.util.find_spec("museval").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("museval_metrics", Path(folder) / "metrics.py")
    metrics = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(metrics)
    # (samples,) -> (sources, samples, channels)
    signals = reference[None, :, None], estimate[None, :, None]
    return metrics.bss_eval(*signals, window=1000, hop=1000)[0][0]


def trained(task, encoder="VGG", **changes):
    """As `networks.load` gives it; the running statistics are those of noise."""
    network = tiny_corpus.network(task, encoder, **changes)
    for _ in range(5):
        network(network.inputs(tiny_corpus.excerpts(8, seed=5)))
    return networks.for_inference(network)


def targets(task, count):
    if task == "AE":
        return None
    if task == "VS":
        return tiny_corpus.excerpts(count, seed=9)
    return np.eye(len(tiny_corpus.LABELS[task]), dtype=np.uint8)[np.arange(count) % 2]


# All tasks


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("name", TASKS)
def test_reading_a_batch_and_its_loss(name, encoder, tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, name)
    network = tiny_corpus.network(name, encoder)
    task = TASKS[name].module
    task.check(corpus)
    batch = task.read(network, corpus, cache, np.array([0, 3, 1]), np.array([0, 512, 1024]))
    loss = task.loss(network, *batch)
    assert loss.shape == () and loss.item() > 0
    loss.backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("name", TASKS)
def test_performance_is_per_excerpt(name, encoder):
    task, network, excerpts = (
        TASKS[name].module,
        trained(name, encoder),
        tiny_corpus.excerpts(batches.BATCH + 3),
    )
    wanted = targets(name, len(excerpts))
    together = task.performance(network, excerpts, wanted)
    assert together.shape == (len(excerpts),)
    one = slice(batches.BATCH + 1, batches.BATCH + 2)
    alone = task.performance(network, excerpts[one], None if wanted is None else wanted[one])
    np.testing.assert_allclose(alone, together[one], rtol=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_mfcc_statistics_may_be_given(name):
    task, network, excerpts = TASKS[name].module, trained(name, "MFCC"), tiny_corpus.excerpts(3)
    statistics = mfcc.statistics(mfcc.sequences(excerpts, tiny_corpus.SAMPLE_RATE))
    given = task.performance(network, excerpts, targets(name, 3), statistics)
    np.testing.assert_array_equal(given, task.performance(network, excerpts, targets(name, 3)))
    if name in ("AE", "VS"):
        other = task.performance(network, excerpts, targets(name, 3), statistics + 1)
        assert not np.array_equal(other, given)


@pytest.mark.parametrize("name", ["AT", "IR", "VS"])
def test_a_corpus_without_what_the_task_needs(name, tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path / "plain", "AE")
    with pytest.raises(InputError, match=rf"\({name}\).*\s.*plain"):
        TASKS[name].module.check(corpus)


def test_tags_are_no_instruments(tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path / "tags", "AT")
    with pytest.raises(InputError, match="4 of 8 tracks"):
        TASKS["IR"].module.check(corpus)


def test_memory_maps_are_read_by_slices(tmp_path):
    excerpts = tiny_corpus.excerpts(5)
    np.save(tmp_path / "excerpts.npy", excerpts)
    mapped = np.load(tmp_path / "excerpts.npy", mmap_mode="r")
    seen = []

    def total(part):
        seen.append(len(part))
        return torch.from_numpy(part.sum(axis=1))

    np.testing.assert_array_equal(batches.predict(total, mapped, batch=2), excerpts.sum(axis=1))
    assert seen == [2, 2, 1]


# AE


def test_the_error_of_a_reconstruction():
    network, excerpts = trained("AE"), tiny_corpus.excerpts(3)
    spectra = network.spectra(excerpts)
    expected = [
        np.mean((output.numpy() - target.numpy()) ** 2)
        for output, target in zip(network(spectra), network.standardise(spectra), strict=True)
    ]
    np.testing.assert_allclose(TASKS["AE"].module.performance(network, excerpts), expected, rtol=1e-5)
    loss = TASKS["AE"].module.loss(network, spectra, spectra)
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_error_of_the_mean_spectrum_is_the_variance(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE")
    network = networks.build(tiny_corpus.settings("AE"), cache.mean, cache.deviation, 0, 0)
    excerpts = np.stack([corpus.audio(row, 1000, tiny_corpus.SAMPLES) for row in corpus.rows("train")])
    trivial = TASKS["AE"].module.trivial(network, corpus, excerpts)
    assert trivial["mean"].shape == (4,)
    # Of the tracks that the scaler was measured on; the middle frames are not quite all of them
    assert trivial["mean"].mean() == pytest.approx(1, abs=0.2)


# AT


def test_auc_is_scikit_learns():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 8, (200, 12)) / 8  # with ties
    labels = rng.random((200, 12)) < rng.uniform(0, 1, (200, 1))
    ours = tagging.auc(scores, labels)
    one_sided = labels.all(axis=1) | ~labels.any(axis=1)
    assert 0 < one_sided.sum() < 200
    np.testing.assert_array_equal(np.isnan(ours), one_sided)
    expected = [roc_auc_score(labels[row], scores[row]) for row in np.flatnonzero(~one_sided)]
    np.testing.assert_allclose(ours[~one_sided], expected)


def test_the_trivial_tagger_ranks_by_frequency(tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path, "AT", tracks=9)
    # Of the five training tracks three are low, two high and two loud
    wanted = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]], np.uint8)
    trivial = TASKS["AT"].module.trivial(None, corpus, None, wanted)
    np.testing.assert_allclose(trivial["frequency"], [1, 0.25, 0, np.nan])
    np.testing.assert_allclose(trivial["chance"], [0.5, 0.5, 0.5, np.nan])


def test_the_loss_of_tagging_is_the_cross_entropy():
    network, excerpts = trained("AT"), tiny_corpus.excerpts(4)
    inputs, wanted = network.inputs(excerpts), np.array([[1, 0, 1]] * 4, np.uint8)
    p = 1 / (1 + np.exp(-network(inputs).numpy().astype(float)))
    expected = -np.mean(wanted * np.log(p) + (1 - wanted) * np.log(1 - p))
    assert TASKS["AT"].module.loss(network, inputs, torch.from_numpy(wanted)).item() == pytest.approx(
        expected
    )


# IR


def test_accuracy_and_loss_of_instruments():
    network, excerpts = trained("IR"), tiny_corpus.excerpts(6)
    inputs = network.inputs(excerpts)
    logits = network(inputs).numpy().astype(float)
    wanted = np.eye(2, dtype=np.uint8)[[0, 1, 0, 1, 0, 1]]
    found = TASKS["IR"].module.performance(network, excerpts, wanted)
    np.testing.assert_array_equal(found, logits.argmax(axis=1) == [0, 1, 0, 1, 0, 1])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(p[np.arange(6), [0, 1, 0, 1, 0, 1]]).mean()
    classes = torch.from_numpy(wanted.argmax(axis=1))
    assert TASKS["IR"].module.loss(network, inputs, classes).item() == pytest.approx(expected)


def test_the_trivial_listener_takes_the_most_frequent_class(tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path, "IR", tracks=9)
    trivial = TASKS["IR"].module.trivial(None, corpus, None, np.eye(2, dtype=np.uint8))
    assert trivial["frequency"].tolist() == [1, 0]
    assert trivial["chance"].tolist() == [0.5, 0.5]


# VS


def test_sdr_is_musevals():
    rng = np.random.default_rng(0)
    vocals = rng.standard_normal((4, 4400)).astype(np.float32)
    estimates = vocals + rng.standard_normal((4, 4400)) * [[0.1], [0.5], [1], [3]] * np.linspace(0.5, 2, 4400)
    vocals[1, :1000] = 0  # a silent frame of the reference
    estimates[2, 1000:2000] = 0  # and one of the estimate
    ours = separation.sdr(vocals, estimates, 1000)
    for row in range(4):
        frames = bss_eval(vocals[row], estimates[row])
        assert frames.shape == (4,)
        assert np.isnan(frames).sum() == (row in (1, 2))
        assert ours[row] == pytest.approx(np.nanmedian(frames), abs=1e-6)


def test_sdr_of_a_short_signal_is_that_of_one_frame():
    rng = np.random.default_rng(0)
    vocals, estimate = rng.standard_normal((2, 700))
    np.testing.assert_allclose(separation.sdr(vocals[None], estimate[None], 1000), bss_eval(vocals, estimate))


def test_sdr_at_its_ends():
    signal = np.ones((1, 100), np.float32)
    assert separation.sdr(signal, signal, 50).tolist() == [math.inf]
    assert np.isnan(separation.sdr(0 * signal, signal, 50)).all()
    assert np.isnan(separation.sdr(signal, 0 * signal, 50)).all()


class Masks(torch.nn.Module):
    """A network whose mask is a function of the dB spectrogram that it is given."""

    device = torch.device("cpu")

    def __init__(self, function):
        super().__init__()
        self.settings = tiny_corpus.settings("VS")
        self.top_db = self.settings["top_db"]
        self.function = function

    def forward(self, levels):
        return self.function(levels)[..., :512]


def test_a_mask_of_ones_gives_the_mixture_back():
    mixture = tiny_corpus.excerpts(3)
    estimate = separation.separate(Masks(torch.ones_like), mixture)
    np.testing.assert_allclose(estimate, mixture, atol=1e-6)


def test_masks_lie_where_their_segments_do():
    # The ideal mask of two sines in different halves of the excerpt passes one of them, from end to end
    time = np.arange(tiny_corpus.SAMPLES) / tiny_corpus.SAMPLE_RATE
    low, high = np.sin(2 * np.pi * 500 * time), np.sin(2 * np.pi * 5000 * time)
    low[2000:3000] = 0
    mixture = np.stack([low + high, low + high]).astype(np.float32)

    def below_2_khz(levels):
        mask = torch.zeros_like(levels)
        mask[..., :93] = 1
        return mask

    estimate = separation.separate(Masks(below_2_khz), mixture).numpy()
    assert separation.sdr(np.stack([low, low]), estimate, tiny_corpus.SAMPLES).min() > 20

    def loud(levels):
        return (levels > 20).float()

    # A mask by level is the same however the frames are cut, so each segment must have met its own frames
    spectrum = spectrogram.stft(torch.from_numpy(mixture))
    mask = loud(spectrogram.decibel(spectrum.abs()))
    mask[..., 512] = mask[..., 511]
    expected = spectrogram.istft(mask * spectrum, tiny_corpus.SAMPLES)
    torch.testing.assert_close(separation.separate(Masks(loud), mixture), expected)


def test_overlapping_masks_are_averaged():
    mixture = tiny_corpus.excerpts(2)

    segments = iter([0, 1])  # frames 0 to 15, then 5 to 20

    def first_or_second(levels):
        return torch.full_like(levels, next(segments))

    weights = np.repeat([0, 0.5, 1], [5, 11, 5])
    spectrum = spectrogram.stft(torch.from_numpy(mixture)) * torch.from_numpy(weights)[:, None]
    expected = spectrogram.istft(spectrum.to(torch.complex64), tiny_corpus.SAMPLES)
    torch.testing.assert_close(separation.separate(Masks(first_or_second), mixture), expected)


def test_the_loss_of_separation_is_on_magnitudes():
    rng = np.random.default_rng(0)
    stems = torch.from_numpy(rng.standard_normal((3, tiny_corpus.SAMPLES, 2)).astype(np.float32))
    network = trained("VS")
    inputs = network.inputs(stems.sum(dim=2).numpy())
    mask = network(inputs).numpy()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)

    def magnitude(signal):
        frames = [signal[first - 512 : first + 512] for first in range(512, 4608, 256)]
        return np.abs(np.fft.rfft(frames * window))[:, :512]

    expected = np.mean(
        [
            np.abs(mask[row] * magnitude(stems[row].sum(dim=1).numpy()) - magnitude(stems[row, :, 0].numpy()))
            for row in range(3)
        ]
    )
    assert TASKS["VS"].module.loss(network, inputs, stems).item() == pytest.approx(expected, rel=1e-4)


def test_the_trivial_separator_takes_the_mixture():
    vocals, noise = tiny_corpus.excerpts(3), tiny_corpus.excerpts(3, seed=1)
    trivial = TASKS["VS"].module.trivial(trained("VS"), None, vocals + noise, vocals)
    expected = 10 * np.log10((vocals**2).sum(axis=1) / (noise**2).sum(axis=1))
    np.testing.assert_allclose(trivial["mixture"], expected, rtol=1e-3, atol=1e-3)
