"""The networks: the shapes of Table 1, the bottleneck, what is folded away for inference, checkpoints."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

import tiny_corpus
from relatives.errors import InputError
from relatives.features import mfcc
from relatives.models import decoders, encoders, inference, networks, untrained
from relatives.training import train

TABLE_1 = """
Input 1×128×512
Conv 3×3, BN, ReLU 16×128×512
MaxPooling 2×2 16×64×256
Conv 3×3, BN, ReLU 32×64×256
MaxPooling 2×2 32×32×128
Conv 3×3, BN, ReLU 64×32×128
MaxPooling 2×2 64×16×64
Conv 3×3, BN, ReLU 128×16×64
MaxPooling 2×2 128×8×32
Conv 3×3, BN, ReLU 256×8×32
MaxPooling 2×2 256×4×16
Conv 3×3, BN, ReLU 256×4×16
MaxPooling 2×2 256×2×8
Conv 3×3, BN, ReLU 256×2×8
MaxPooling 2×2 256×1×4
GlobalAveragePooling 256
"""

JOINED = decoders.joined
SCALER = np.zeros(513, np.float32), np.ones(513, np.float32)


def study(task, encoder="VGG", **changes):
    labels = [f"label {number}" for number in range({"AT": 50, "IR": 11}.get(task, 0))]
    settings = tiny_corpus.settings(task, encoder, width=16, frames=128, samples=44100, labels=labels)
    return networks.build({**settings, **changes}, *SCALER, 0, 0)


def part(table, name):
    rows = table[table["part"] == name]
    return [f"{layer} {shape}" for layer, shape in zip(rows["layer"], rows["output_shape"], strict=True)]


def test_the_encoder_is_table_1():
    assert part(networks.trace(study("AT")), "encoder") == TABLE_1.strip().split("\n")


def test_the_widths_of_table_1_are_kept_by_one_more_block():
    channels = [16, 32, 64, 64, 128, 256, 256]
    rows = part(networks.trace(study("AT", channels=channels)), "encoder")
    # The table's own rows, which the default makes wider
    assert {"Conv 3×3, BN, ReLU 64×16×64", "Conv 3×3, BN, ReLU 128×8×32", "MaxPooling 2×2 256×1×4"} <= set(
        rows
    )
    with pytest.raises(InputError, match=r"training\.channels.* names 3 blocks; 128 frames make 7"):
        study("AT", channels=[1, 2, 3])


@pytest.mark.parametrize("task", ["AE", "VS"])
def test_a_decoder_reverses_the_channels_that_are_given(task):
    network = study(task, channels=[2, 3, 4, 5, 6, 7, 8]).eval()
    assert network(network.inputs(np.zeros((1, 44100), np.float32))).shape == (1, 128, 512)
    shapes = part(networks.trace(network), "head")
    assert [row.split(" ")[-1].split("×")[0] for row in shapes][1::2] == ["7", "6", "5", "4", "3", "2", "1"]


def test_what_is_seen_is_clipped_below_the_loudest_cell_of_the_whole_excerpt():
    audio = tiny_corpus.excerpts(2)
    # Loud where the window of the first of the middle frames has hardly begun
    audio[0, :4] = 10
    found = tiny_corpus.network(top_db=40).inputs(audio)
    levels = tiny_corpus.network(top_db=None)
    everything = networks.spectrogram.decibel(networks.spectrogram.stft(torch.from_numpy(audio)))
    for excerpt, unclipped, whole in zip(found, levels.inputs(audio), everything, strict=True):
        torch.testing.assert_close(excerpt, unclipped.clamp(min=whole.max() - 40))
    assert everything[0].max() > levels.inputs(audio)[0].max() + 20


def test_the_heads_of_the_study():
    assert part(networks.trace(study("AT")), "head") == ["FC 50"]
    assert part(networks.trace(study("IR")), "head") == ["FC 11"]
    assert part(networks.trace(study("AT", "MFCC")), "encoder") == ["Input 144", "MFCC statistics 144"]
    assert part(networks.trace(study("AT", "MFCC")), "head") == ["BN 144", "FC 50"]


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
def test_the_decoder_reverses_the_encoder(encoder):
    rows = [row.rsplit(" ", 1) for row in part(networks.trace(study("AE", encoder, width=1)), "head")]
    shapes = [shape for layer, shape in rows if layer != "BN"]
    first = {"VGG": "16", "MFCC": "144"}[encoder]
    assert shapes == [
        *(f"{first}×2×8", "16×2×8", "16×4×16", "16×4×16", "16×8×32", "8×8×32", "8×16×64", "4×16×64"),
        *("4×32×128", "2×32×128", "2×64×256", "1×64×256", "1×128×512", "1×128×512"),
    ]


def test_the_layer_of_the_released_code_keeps_z_as_long():
    table = networks.trace(study("AT", fully_connected=True))
    assert part(table, "encoder")[-4:] == ["FC 256", "BN 256", "ReLU 256", "Dropout 256"]


@pytest.mark.parametrize("task", ["AE", "AT", "VS"])
def test_all_the_frames_of_two_seconds_fit(task):
    network = study(task, frames=173, width=1).eval()
    inputs = network.inputs(np.zeros((2, 44100), np.float32))
    assert inputs.shape == (2, 173, 513)
    assert network.encode(inputs).shape == (2, 16)
    assert network(inputs).shape == ((2, 50) if task == "AT" else (2, 173, 512))


def test_a_reconstruction_depends_on_z_alone():
    # Where a decoder unpools by the encoder's indices, the same z gives different outputs
    torch.manual_seed(0)
    encoder, decoder = encoders.VGGEncoder(1, 16).eval(), decoders.Decoder(8, 1, 16).eval()
    first, second = torch.randn(2, 3, 16, 512)
    z = encoder(first)
    expected = decoder(z)
    encoder(second)
    torch.testing.assert_close(decoder(z), expected, rtol=0, atol=0)
    assert not torch.allclose(decoder(encoder(second)), expected)


def test_unpooling_repeats_over_the_window():
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert decoders.Unpooling(4, 4)(maps)[0, 0].tolist() == expected


def test_skip_connections_reach_the_mask():
    encoder, decoder = encoders.VGGEncoder(1, 16).eval(), decoders.MaskDecoder(8, 1, 16, skips=True).eval()
    skips = []
    z = encoder(torch.randn(3, 16, 512), skips)
    assert [tuple(skip.shape[1:]) for skip in skips] == [(1, 16, 512), (2, 8, 256), (4, 4, 128), (8, 2, 64)]
    mask = decoder(z, skips)
    assert mask.shape == (3, 16, 512)
    assert mask.min() > 0 and mask.max() < 1
    for number in range(4):
        changed = [skip + (position == number) for position, skip in enumerate(skips)]
        assert not torch.equal(decoder(z, changed), mask)


@pytest.mark.parametrize("channels", [4, 16])
def test_the_batch_normalisation_is_torchs(channels):
    ours, torchs = encoders.BatchNorm(channels), torch.nn.BatchNorm2d(channels)
    maps = (torch.randn(5, channels, 6, 8) * 3 + 2).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours(maps), torchs(maps))
    torch.testing.assert_close(ours.running_var, torchs.running_var)
    torch.testing.assert_close(ours.eval()(maps), torchs.eval()(maps))


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("task", ["AE", "AT", "VS"])
def test_folding_changes_nothing(task, encoder):
    network = tiny_corpus.network(task, encoder, width=2)
    inputs = network.inputs(tiny_corpus.excerpts(6))
    for _ in range(20):  # move the running statistics away from 0 and 1
        network(inputs)
    folded = networks.for_inference(network)
    network.eval()
    assert not any(isinstance(module, encoders.BatchNorm) for module in folded.modules())
    torch.testing.assert_close(folded(inputs), network(inputs), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(folded.encode(inputs), network.encode(inputs), rtol=1e-4, atol=1e-4)


def without_joins(network):
    """The same network, its layers computed one after the other."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, decoders.Decoder):
            module.joins = False
    return network


@pytest.mark.parametrize("channels", [None, [2, 3, 4, 5]])
@pytest.mark.parametrize("frames", [16, 21])
@pytest.mark.parametrize("task", ["AE", "VS"])
def test_joined_layers_give_what_the_layers_give_and_learn_alike(task, frames, channels, monkeypatch):
    joins = []
    monkeypatch.setattr(decoders, "joined", lambda *layer: joins.append(layer) or JOINED(*layer))
    network = tiny_corpus.network(task, width=2, frames=frames, channels=channels)
    plain = without_joins(network)
    inputs = network.inputs(tiny_corpus.excerpts(6))
    outputs = [each(inputs) for each in (network, plain)]
    # 21 frames, halved, are 10, 5 and 2: only 10 is twice 5
    assert len(joins) == {16: 3, 21: 1}[frames]
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-5)
    for output in outputs:
        output.square().sum().backward()
    for weight, other in zip(network.parameters(), plain.parameters(), strict=True):
        scale = other.grad.abs().max().item()
        torch.testing.assert_close(weight.grad, other.grad, rtol=1e-3, atol=1e-3 * scale)


@pytest.mark.parametrize("task", ["AE", "VS"])
def test_a_network_for_inference_gives_what_the_layers_give(task):
    network = tiny_corpus.network(task, width=2)
    inputs = network.inputs(tiny_corpus.excerpts(6))
    for _ in range(20):
        network(inputs)
    fast, plain = networks.for_inference(network), without_joins(network).eval()
    torch.testing.assert_close(fast(inputs), plain(inputs), rtol=1e-4, atol=1e-4)
    pd.testing.assert_frame_equal(networks.trace(fast), networks.trace(network))
    z = 2 * plain.encode(inputs)
    torch.testing.assert_close(fast.decode(z, inputs), plain.decode(z, inputs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(8, 12), (9, 13), (2, 3)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_pooling_is_torchs(size, layout):
    maps = torch.randn(3, 4, *size).contiguous(memory_format=layout)
    maps[0, 0, 0, 0] = float("nan")
    expected = torch.nn.functional.max_pool2d(maps, 2)
    torch.testing.assert_close(inference.MaxPooling()(maps), expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("task", ["AE", "AT", "VS"])
def test_decoding_its_own_points_is_the_whole_network(task, encoder):
    network = tiny_corpus.network(task, encoder).eval()
    inputs = network.inputs(tiny_corpus.excerpts(3))
    torch.testing.assert_close(
        network.decode(network.encode(inputs), inputs), network(inputs), rtol=0, atol=0
    )


def test_the_input_is_the_standardised_middle():
    audio = tiny_corpus.excerpts(3)
    network = tiny_corpus.network()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    # 21 frames, of which the 16 from the third on
    middle = np.stack([audio[:, first - 512 : first + 512] for first in range(512, 4608, 256)], axis=1)
    decibel = 20 * np.log10(np.abs(np.fft.rfft(middle * window)))
    spectra = network.inputs(audio)
    np.testing.assert_allclose(spectra.numpy(), decibel, atol=0.01)
    np.testing.assert_allclose(
        network.standardise(spectra).numpy(), (decibel[..., :512] + 5) / 8, atol=0.01 / 8
    )


def test_a_crop_of_the_cache_is_that_crop_of_the_audio(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE")
    network = tiny_corpus.network(top_db=30)
    rows, firsts = [3, 0], [1024, 2048]
    crops = [corpus.audio(row, first, tiny_corpus.SAMPLES) for row, first in zip(rows, firsts, strict=True)]
    cached = network.cached_inputs(cache, rows, firsts)
    # But for float16; the middle frames do not reach over the ends of the crop
    torch.testing.assert_close(cached.float(), network.inputs(np.stack(crops)), rtol=0, atol=0.05)


def test_the_statistics_of_a_crop_of_the_cache_are_those_of_its_frames_in_the_track(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE")
    cached = tiny_corpus.network(encoder="MFCC").cached_inputs(cache, [3], [1024])
    track = mfcc.mel_db(corpus.audio(3)[None], tiny_corpus.SAMPLE_RATE)
    expected = mfcc.statistics(mfcc.from_mel_db(track[:, 2:13]))
    np.testing.assert_allclose(cached.numpy(), expected, atol=0.1)
    assert np.abs(expected - mfcc.statistics(mfcc.from_mel_db(track[:, 1:12]))).max() > 0.5


def test_weights_come_from_the_seed_by_name():
    def weights(*arguments, **changes):
        return tiny_corpus.network(*arguments, **changes).encoder.blocks[0].convolution.weight

    state = torch.random.get_rng_state()
    first = weights("AE", seed=3, trial=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first, weights("AE", seed=3, trial=1))
    for other in (
        weights("AE", seed=4, trial=1),
        weights("AE", seed=3, trial=2),
        weights("AT", seed=3, trial=1),
    ):
        assert not torch.equal(first, other)


def test_a_checkpoint_is_self_contained(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path / "corpus", "AE")
    network = networks.build(tiny_corpus.settings("AE"), cache.mean, cache.deviation, 0, 0)
    settings = {"steps": 1, "batch": 4, "rate": 1e-3, "amsgrad": False, "weight_decay": 0.0}
    settings |= {"validate_every": 1, "validation_crops": 2, "patience": None, "checkpoint_every": 1}
    settings["explosion"] = None
    settings |= {"threads": 1, "device": "cpu", "precision": "float32"}
    train(network, corpus, cache, settings, tmp_path, 0, 0)
    loaded = networks.load(tmp_path / "checkpoint.pt", "cpu")
    audio = tiny_corpus.excerpts(2)
    network.eval()
    torch.testing.assert_close(loaded(loaded.inputs(audio)), network(network.inputs(audio)))


def test_a_checkpoint_from_before_there_was_a_floor_sees_what_it_saw(tmp_path):
    network = tiny_corpus.network(top_db=None)
    old = {key: value for key, value in network.settings.items() if key not in ("top_db", "channels")}
    torch.save({"network": old, "weights": network.state_dict()}, tmp_path / "checkpoint.pt")
    loaded = networks.load(tmp_path / "checkpoint.pt", "cpu")
    audio = tiny_corpus.excerpts(2)
    audio[0, :200] *= 1e3
    assert torch.equal(loaded.inputs(audio), network.inputs(audio))
    torch.testing.assert_close(loaded(loaded.inputs(audio)), network.eval()(network.inputs(audio)))


@pytest.mark.parametrize("batch", [3, 100])
def test_an_untrained_network_has_initial_weights_and_the_statistics_of_one_pass(batch, tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE", tracks=11)
    settings = tiny_corpus.settings(networks.UNTRAINED)
    network = networks.build(settings, cache.mean, cache.deviation, 5, 1)
    initial = {name: weight.clone() for name, weight in network.named_parameters()}
    seen = []
    normalisation = network.encoder.blocks[0].normalisation
    normalisation.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].clone()))
    untrained.write(network, corpus, cache, batch, tmp_path / "checkpoint.pt", 5, 1)

    for name, weight in network.named_parameters():
        assert torch.equal(weight, initial[name])
    # Seven training tracks, each once, in batches as near as can be to one size
    assert [len(maps) for maps in seen] == ([3, 2, 2] if batch == 3 else [7])
    means = torch.stack([maps.mean(dim=(0, 2, 3)) for maps in seen]).mean(dim=0)
    variances = torch.stack([maps.var(dim=(0, 2, 3)) for maps in seen]).mean(dim=0)
    torch.testing.assert_close(normalisation.running_mean, means)
    torch.testing.assert_close(normalisation.running_var, variances)

    loaded = networks.load(tmp_path / "checkpoint.pt", "cpu")
    audio = tiny_corpus.excerpts(2)
    torch.testing.assert_close(
        loaded.encode(loaded.inputs(audio)), network.eval().encode(network.inputs(audio))
    )


def test_untrained_networks_differ_by_trial():
    first, second = (
        tiny_corpus.network(networks.UNTRAINED, trial=trial).encoder.blocks[0].convolution.weight
        for trial in (0, 1)
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", None])
def test_a_file_that_is_no_checkpoint(content, tmp_path):
    path = tmp_path / "checkpoint.pt"
    if content is None:
        torch.save({"weights": {}}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no checkpoint"):
        networks.load(path)


def test_a_checkpoint_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="train the network first"):
        networks.load(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 1}, "frames is 1"),
        ({"frames": 1024, "samples": 10**6}, "frames is 1024"),
        ({"frames": 22}, "only 21"),
        ({"task": "TS"}, "'TS'"),
        ({"encoder": "ResNet"}, "'ResNet'"),
    ],
)
def test_settings_that_make_no_network(changes, message):
    with pytest.raises(InputError, match=message):
        networks.build({**tiny_corpus.settings(), **changes}, *SCALER, 0, 0)
