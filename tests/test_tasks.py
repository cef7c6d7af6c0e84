"""The tasks: their losses and measures against the naive ones, scikit-learn and museval."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

import tiny_corpus
from relatives import transforms
from relatives.errors import InputError
from relatives.features import spectrogram
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


def trained(task, encoder="VGG", trial=0, **changes):
    """As `networks.load` gives it; the running statistics are those of noise."""
    network = tiny_corpus.network(task, encoder, trial=trial, **changes)
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
def test_performance_is_per_excerpt_and_trial(name, encoder):
    task, excerpts = TASKS[name].module, tiny_corpus.excerpts(batches.BATCH + 3)
    networks = [trained(name, encoder, trial=trial) for trial in (0, 1)]
    wanted = targets(name, len(excerpts))
    together = task.performance(networks, excerpts, wanted)
    assert together.shape == (2, len(excerpts))
    one = slice(batches.BATCH + 1, batches.BATCH + 2)
    for network, of_all in zip(networks, together, strict=True):
        alone = task.performance([network], excerpts[one], None if wanted is None else wanted[one])
        np.testing.assert_allclose(alone[0], of_all[one], rtol=1e-4)
    if name in ("AE", "VS"):
        assert not np.allclose(together[0], together[1])


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("name", TASKS)
def test_points_may_be_given(name, encoder):
    task, excerpts = TASKS[name].module, tiny_corpus.excerpts(3)
    networks, wanted = [trained(name, encoder, trial=trial) for trial in (0, 1)], targets(name, 3)
    if name == "VS":
        points = [separation.encode(network, excerpts) for network in networks]
        assert points[0].shape == ((3, 2, 8) if encoder == "VGG" else (3, 144))
    else:
        points = [network.encode(network.inputs(excerpts)).numpy() for network in networks]
    found = task.performance(networks, excerpts, wanted)
    np.testing.assert_allclose(task.performance(networks, excerpts, wanted, points), found, rtol=1e-6)
    if name in ("AE", "VS"):
        # Each network decodes its own points
        other = [points[0], 3 * points[1]]
        moved = task.performance(networks, excerpts, wanted, other)
        np.testing.assert_allclose(moved[0], found[0], rtol=1e-6)
        assert not np.allclose(moved[1], found[1], rtol=1e-4)


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("name", TASKS)
def test_what_a_network_is_compared_with_has_words(name, encoder, tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path, name)
    network, excerpts = trained(name, encoder), tiny_corpus.excerpts(4)
    found = TASKS[name].module.baselines(network, corpus, excerpts, targets(name, 4))
    assert all(values.shape == (4,) and np.isfinite(values).all() for values in found.values())
    assert set(found) <= set(TASKS[name].trivial) | set(TASKS[name].ablations)
    assert set(found) >= set(TASKS[name].trivial)
    silence = TASKS[name].module.baselines(network, corpus, 0 * excerpts, targets(name, 4))
    assert all(np.isfinite(values).all() for values in silence.values())


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
    np.testing.assert_allclose(TASKS["AE"].module.performance([network], excerpts)[0], expected, rtol=1e-5)
    loss = TASKS["AE"].module.loss(network, spectra, spectra)
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_error_of_the_mean_spectrum_is_the_variance(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE")
    network = networks.build(tiny_corpus.settings("AE"), cache.mean, cache.deviation, 0, 0)
    excerpts = np.stack([corpus.audio(row, 1000, tiny_corpus.SAMPLES) for row in corpus.rows("train")])
    found = TASKS["AE"].module.baselines(network, corpus, excerpts)["mean spectrum"]
    assert found.shape == (4,)
    # Of the tracks that the scaler was measured on; the middle frames are not quite all of them
    assert found.mean() == pytest.approx(1, abs=0.2)


def test_the_error_of_the_own_mean_spectrum_is_the_variance_over_time():
    network, excerpts = tiny_corpus.network("AE"), tiny_corpus.excerpts(3)
    excerpts[1] = 0
    found = TASKS["AE"].module.baselines(network, None, excerpts)["own mean spectrum"]
    expected = [
        np.var(part, axis=0).mean() for part in network.standardise(network.spectra(excerpts)).numpy()
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found[1] == 0 and found[0] > 0.1


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
    trivial = TASKS["AT"].module.baselines(None, corpus, None, wanted)
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
    found = TASKS["IR"].module.performance([network], excerpts, wanted)[0]
    np.testing.assert_array_equal(found, logits.argmax(axis=1) == [0, 1, 0, 1, 0, 1])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(p[np.arange(6), [0, 1, 0, 1, 0, 1]]).mean()
    classes = torch.from_numpy(wanted.argmax(axis=1))
    assert TASKS["IR"].module.loss(network, inputs, classes).item() == pytest.approx(expected)


def test_the_trivial_listener_takes_the_most_frequent_class(tmp_path):
    corpus, _ = tiny_corpus.make(tmp_path, "IR", tracks=9)
    trivial = TASKS["IR"].module.baselines(None, corpus, None, np.eye(2, dtype=np.uint8))
    assert trivial["frequency"].tolist() == [1, 0]
    assert trivial["chance"].tolist() == [0.5, 0.5]


# VS


def test_sdr_is_musevals():
    rng = np.random.default_rng(0)
    vocals = rng.standard_normal((4, 4400)).astype(np.float32)
    estimates = vocals + rng.standard_normal((4, 4400)) * [[0.1], [0.5], [1], [3]] * np.linspace(0.5, 2, 4400)
    ours = separation.sdr(vocals, estimates, 1000)
    counts = np.array([[1, 1, 1, 1], [0, 1, 1, 1], [1, 0, 0, 0], [0, 1, 1, 1]], dtype=bool)
    some = separation.sdr(vocals, estimates, 1000, counts)
    for row in range(4):
        frames = bss_eval(vocals[row], estimates[row])
        assert frames.shape == (4,)
        assert ours[row] == pytest.approx(np.median(frames), abs=1e-6)
        assert some[row] == pytest.approx(np.median(frames[counts[row]]), abs=1e-6)
    assert (np.abs(some - ours)[1:] > 0.1).all()


def test_a_silent_window_that_bss_eval_leaves_out_may_be_left_out():
    rng = np.random.default_rng(0)
    vocals, noise = rng.standard_normal((2, 1, 4400)).astype(np.float32)
    vocals[:, :1000] = 0
    counts = separation.counted(vocals, vocals + noise, 1000)
    assert counts.tolist() == [[False, True, True, True]]
    frames = bss_eval(vocals[0], (vocals + noise)[0])
    assert np.isnan(frames).tolist() == [True, False, False, False]
    ours = separation.sdr(vocals, vocals + noise, 1000, counts)
    assert ours[0] == pytest.approx(np.nanmedian(frames), abs=1e-6)


def test_sdr_of_a_short_signal_is_that_of_one_frame():
    rng = np.random.default_rng(0)
    vocals, estimate = rng.standard_normal((2, 700))
    np.testing.assert_allclose(separation.sdr(vocals[None], estimate[None], 1000), bss_eval(vocals, estimate))


def test_sdr_at_its_ends():
    signal = np.ones((1, 100), np.float32)
    for reference, estimate, expected in (
        (signal, signal, 40),
        (0 * signal, 0 * signal, 40),
        (0 * signal, signal, -40),
        (1e-6 * signal, signal, -40),
        (signal, 0 * signal, 0),
    ):
        assert separation.sdr(reference, estimate, 50) == pytest.approx(expected)
    # What a broken network gives is not taken for the vocals
    assert np.isnan(separation.sdr(signal, np.nan * signal, 50)).all()


def test_windows_with_vocals_within_40_db_of_the_mixture_count():
    # In the windows of an excerpt the vocals are at these levels beside an accompaniment of 0 dB
    levels = np.array([[0, -39.5, -40.5], [-60, -50, -70], [-np.inf, -90, -np.inf]])
    signs = np.tile([1.0, -1.0], 50)
    accompaniment = np.tile(np.repeat(signs[::2], 2), (3, 3))  # 1 1 1 1 …, at a right angle to the vocals
    vocals = np.concatenate([10 ** (levels[:, [w]] / 20) * signs for w in range(3)], axis=1)
    counts = separation.counted(vocals, vocals + accompaniment, 100)
    # Where none does, that with the loudest vocals
    assert counts.tolist() == [[True, True, False], [False, True, False], [False, True, False]]
    silent = separation.counted(0 * vocals, 0 * vocals, 100)
    assert silent.sum(axis=1).tolist() == [1, 1, 1]


def test_one_window_silent_in_the_original_ruins_no_measure():
    # Vocals that begin after the first second; Rubber Band leaves a residue before
    rate = 22050
    time = np.arange(4 * rate) / rate
    song = np.sin(2 * np.pi * 220 * time) * (1 + 0.5 * np.sin(2 * np.pi * 5 * time))
    vocals = (0.3 * song * (time >= 2)).astype(np.float32)
    mixture = (vocals + 0.1 * np.sign(np.sin(2 * np.pi * 90 * time))).astype(np.float32)

    def measured(name, magnitude, counts):
        found, part = transforms.excerpt(name, magnitude, mixture, 2 * rate, rate, 1, companion=vocals)
        return separation.sdr(part[None], found[None], rate, counts).item()

    original, part = transforms.excerpt("OG", 0, mixture, 2 * rate, rate, companion=vocals)
    counts = separation.counted(part[None], original[None], rate)
    assert counts.tolist() == [[False, True]]
    before = measured("OG", 0, counts)
    for name, magnitude in (("PS", -0.25), ("PS", 0.25), ("TS", 0.98), ("TS", 1.02)):
        assert measured(name, magnitude, counts) == pytest.approx(before, abs=3)
        # As it was, with a window of residues beside that of the vocals
        assert measured(name, magnitude, None) < before - 10
    for name, grid in transforms.GRID.items():
        for magnitude in (min(grid), max(grid)):
            if name != "EN":  # which needs a recording, and is an addition as PN is
                assert -40 <= measured(name, magnitude, counts) <= 40


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
    estimate = separation.separate([Masks(torch.ones_like)], mixture)[0]
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

    estimate = separation.separate([Masks(below_2_khz)], mixture)[0].numpy()
    assert separation.sdr(np.stack([low, low]), estimate, tiny_corpus.SAMPLES).min() > 20

    def loud(levels):
        return (levels > 20).float()

    # A mask by level is the same however the frames are cut, so each segment must have met its own frames
    spectrum = spectrogram.stft(torch.from_numpy(mixture))
    mask = loud(spectrogram.decibel(spectrum))
    mask[..., 512] = mask[..., 511]
    expected = spectrogram.istft(mask * spectrum, tiny_corpus.SAMPLES)
    torch.testing.assert_close(separation.separate([Masks(loud)], mixture)[0], expected)


def test_overlapping_masks_are_averaged():
    mixture = tiny_corpus.excerpts(2)

    segments = iter([0, 1])  # frames 0 to 15, then 5 to 20

    def first_or_second(levels):
        return torch.full_like(levels, next(segments))

    weights = np.repeat([0, 0.5, 1], [5, 11, 5])
    spectrum = spectrogram.stft(torch.from_numpy(mixture)) * torch.from_numpy(weights)[:, None]
    expected = spectrogram.istft(spectrum.to(torch.complex64), tiny_corpus.SAMPLES)
    torch.testing.assert_close(separation.separate([Masks(first_or_second)], mixture)[0], expected)


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
    found = TASKS["VS"].module.baselines(trained("VS"), None, vocals + noise, vocals)
    expected = 10 * np.log10((vocals**2).sum(axis=1) / (noise**2).sum(axis=1))
    np.testing.assert_allclose(found["mixture"], expected, rtol=1e-3, atol=1e-3)


def test_z_in_place_of_the_own_is_decoded_with_the_own_skips():
    network, vocals, noise = trained("VS"), tiny_corpus.excerpts(4), tiny_corpus.excerpts(4, seed=1)
    vocals[2:] += np.sin(0.3 * np.arange(tiny_corpus.SAMPLES, dtype=np.float32))
    mixtures = vocals + noise
    network.head.blocks[0].convolution.weight *= 30  # so that z says something
    found = separation.baselines(network, None, mixtures, vocals)

    def by_hand(z_of):
        """With the own maps beside the points of excerpts `z_of`, or zero: 16 of 21 frames, twice."""
        spectrum = spectrogram.stft(torch.from_numpy(mixtures))
        levels = separation._levels(network, spectrum)
        mask, count = torch.zeros(4, 21, 512), torch.zeros(21, 1)
        for first in (0, 5):
            inputs = network.standardise(levels[:, first : first + 16])
            skips = []
            z = network.encoder(inputs, skips)
            z = torch.zeros_like(z) if z_of is None else z[z_of]
            mask[:, first : first + 16] += network.head(z, skips)
            count[first : first + 16] += 1
        mask = torch.cat([mask / count, (mask / count)[..., -1:]], dim=2)
        estimates = spectrogram.istft(mask * spectrum, tiny_corpus.SAMPLES).numpy()
        return separation.sdr(vocals, estimates, tiny_corpus.SAMPLES)

    own = separation.performance([network], mixtures, vocals)[0]
    np.testing.assert_allclose(own, by_hand([0, 1, 2, 3]), rtol=1e-4)
    np.testing.assert_allclose(found["z = 0"], by_hand(None), rtol=1e-4)
    np.testing.assert_allclose(found["another excerpt's z"], by_hand([2, 3, 0, 1]), rtol=1e-4)
    assert not np.allclose(found["z = 0"], own, rtol=1e-3)
    assert not np.allclose(found["another excerpt's z"], own, rtol=1e-3)


def test_the_mean_z_of_the_mfcc_is_one_mask_for_all():
    network, vocals, noise = trained("VS", "MFCC"), tiny_corpus.excerpts(4), tiny_corpus.excerpts(4, seed=1)
    found = separation.baselines(network, None, vocals + noise, vocals)
    assert set(found) == {"mixture", "mean z", "another excerpt's z"}
    (mask,) = network.head[1](torch.zeros(1, 144))  # what its normalisation makes of the mean
    one_for_all = Masks(lambda levels: mask.expand(len(levels), -1, -1))
    expected = separation.performance([one_for_all], vocals + noise, vocals)[0]
    np.testing.assert_allclose(found["mean z"], expected, rtol=1e-5)
