"""Encoders of any origin, applied to tables of excerpts."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
import torch

import tiny_corpus
from relatives import embedding
from relatives.errors import InputError
from relatives.models import networks


@pytest.fixture
def checkpoint(tmp_path):
    """The path of a checkpoint of an untrained network."""
    network = tiny_corpus.network("AT")
    path = tmp_path / "checkpoint.pt"
    torch.save({"network": network.settings, "weights": network.state_dict()}, path)
    return path


def test_mfcc_is_librosas():
    audio = tiny_corpus.excerpts(3)
    points = embedding.encoder("mfcc", tiny_corpus.SAMPLE_RATE)(audio)
    assert points.shape == (3, 144) and points.dtype == np.float32
    for excerpt, point in zip(audio, points, strict=True):
        curve = librosa.feature.mfcc(y=excerpt, sr=tiny_corpus.SAMPLE_RATE, n_mfcc=25)[1:]
        curves = [curve, np.diff(curve), np.diff(np.diff(curve))]
        expected = np.concatenate([c.mean(axis=1) for c in curves] + [c.std(axis=1) for c in curves])
        np.testing.assert_allclose(point, expected, atol=0.01)


def test_a_checkpoint_gives_z(checkpoint):
    audio = tiny_corpus.excerpts(3)
    points = embedding.encoder(checkpoint, tiny_corpus.SAMPLE_RATE, "cpu")(audio)
    network = networks.load(checkpoint, "cpu")
    expected = network.encoder(network.standardise(network.spectra(audio)))
    assert points.shape == (3, 8) and points.dtype == np.float32
    np.testing.assert_allclose(points, expected.numpy(), rtol=1e-5)


@pytest.fixture
def trials(tmp_path):
    """The paths of checkpoints of two networks that differ in their weights, and one clipped elsewhere."""
    paths = []
    for number, changed in enumerate([{}, {}, {"top_db": 60.0}]):
        network = tiny_corpus.network("AT")
        weights = {
            name: value + 0.01 * number if value.is_floating_point() else value
            for name, value in network.state_dict().items()
        }
        paths.append(tmp_path / f"trial{number}.pt")
        torch.save({"network": {**network.settings, **changed}, "weights": weights}, paths[-1])
    return paths


def test_trials_side_by_side_are_each_as_alone(trials):
    audio = tiny_corpus.excerpts(3)
    together = embedding.encoder(trials[:2], tiny_corpus.SAMPLE_RATE, "cpu")(audio)
    alone = [embedding.encoder(path, tiny_corpus.SAMPLE_RATE, "cpu")(audio) for path in trials[:2]]
    assert not np.array_equal(*alone)
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_networks_that_see_other_spectrograms_do_not_stand_side_by_side(trials):
    with pytest.raises(InputError, match=r"trial2.pt and .*trial0.pt .* their top_db are 60.0 and"):
        embedding.encoder(trials, tiny_corpus.SAMPLE_RATE, "cpu")


def test_a_checkpoint_at_another_rate(checkpoint):
    with pytest.raises(InputError, match="22050 Hz, the excerpts have 16000 Hz"):
        embedding.encoder(checkpoint, 16000, "cpu")


def test_excerpts_of_another_length(checkpoint):
    encoder = embedding.encoder(checkpoint, tiny_corpus.SAMPLE_RATE, "cpu")
    with pytest.raises(InputError, match="5120 samples; got 5000"):
        encoder(tiny_corpus.excerpts(1)[:, :5000])


def test_an_encoder_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "my_encoders.py").write_text(
        "def level(audio):\n    return audio.std(axis=1, keepdims=True)\n"
    )
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    encoder = embedding.encoder("my_encoders:level", 22050)
    assert sys.path == path
    audio = tiny_corpus.excerpts(4)
    np.testing.assert_array_equal(embedding.embed(encoder, audio), audio.std(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mffc", "no encoder"),
        ("nowhere.pt", "train the network first"),
        ("no_such_module:encode", "no_such_module"),
        ("relatives.seeds:encode", "encode"),
    ],
)
def test_no_such_encoder(source, message):
    with pytest.raises(InputError, match=message):
        embedding.encoder(source, 22050)


@pytest.mark.parametrize("shape", [(2, 5), (7,), (1, 1)])
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_table_is_embedded_place_by_place(shape, batch, tmp_path):
    audio = np.random.default_rng(0).standard_normal((*shape, 50)).astype(np.float32)
    np.save(tmp_path / "table.npy", audio)
    table = np.load(tmp_path / "table.npy", mmap_mode="r")
    sizes = []

    def encoder(part):
        assert part.dtype == np.float32 and not isinstance(part, np.memmap)
        sizes.append(len(part))
        return part[:, :3] * 2

    points = embedding.embed(encoder, table, batch)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, audio[..., :3] * 2)
    assert max(sizes) <= batch and sum(sizes) == np.prod(shape)


def test_the_batch_does_not_matter(checkpoint):
    encoder = embedding.encoder(checkpoint, tiny_corpus.SAMPLE_RATE, "cpu")
    audio = tiny_corpus.excerpts(6)
    np.testing.assert_allclose(
        embedding.embed(encoder, audio, 1), embedding.embed(encoder, audio, 6), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (lambda audio: audio.mean(axis=1), r"\(16,\) for 16 excerpts"),
        (lambda audio: audio[:3], r"\(3, 5120\) for 16 excerpts"),
        (lambda audio: audio * np.nan, "NaN"),
    ],
)
def test_an_encoder_that_keeps_no_contract(encoder, message):
    with pytest.raises(InputError, match=message):
        embedding.embed(encoder, tiny_corpus.excerpts(20))


def test_mfcc_does_without_torch():
    code = (
        "import sys, numpy as np; from relatives import embedding;"
        "embedding.encoder('mfcc', 22050)(np.zeros((1, 4096), np.float32));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_dimensions_stay_those_of_before():
    audio = tiny_corpus.excerpts(3)
    assert embedding.embed(lambda part: part[:, :4], audio, dimensions=4).shape == (3, 4)
    with pytest.raises(InputError, match="points of 4 dimensions after 5 before"):
        embedding.embed(lambda part: part[:, :4], audio, dimensions=5)


def test_a_checkpoint_that_is_a_torchscript_model(tmp_path):
    path = tmp_path / "model.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(InputError, match=rf"{path} is a TorchScript model, a program .* --kind torchscript"):
        embedding.encoder(path, 22050)
