"""The examination of an encoder: what differs is found, by its right size, and what is sane passes."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

import tiny_corpus
from relatives import embedding, repeatability
from relatives.embedding import Encoder
from relatives.errors import InputError
from relatives.models import untrained
from relatives.repeatability import (
    AFTER,
    AGAIN,
    COMPANIONS,
    INPUT,
    ORDER,
    OTHER_LENGTH,
    ROUNDING,
    SILENCE,
    SINGLE,
)  # fmt: skip

VALUES = np.sqrt(np.arange(1.0, 33.0))
EXCERPTS = np.repeat(VALUES[:, None], 50, axis=1).astype(np.float32)
"""32 excerpts, each of one value; their points are that value, beside what an encoder does wrong."""

SCALE = np.median(pdist(VALUES[:, None]))


def scale(second):
    """The median distance of the points whose second number is this."""
    return np.median(pdist(beside(EXCERPTS, second)))


def beside(audio, second):
    """Points of two dimensions: the excerpts' values, and a second number."""
    return np.stack([audio[:, 0], np.broadcast_to(second, len(audio))], axis=1)


def checked(function, excerpts=EXCERPTS, **settings):
    encoder = Encoder("it", function, 22050, 22050, foreign=True, **settings)
    return encoder, {check.name: check for check in repeatability.examine(encoder, excerpts)}


def grave(checks):
    return {name: check.share for name, check in checks.items() if check.grave}


def told(checks):
    return [check.sentence for check in checks.values() if check.sentence]


def test_a_sane_encoder_passes():
    lengths = []

    def encode(audio):
        lengths.append(len(audio))
        return beside(audio, 0)

    encoder, checks = checked(encode)
    assert set(checks) == {
        AGAIN, ORDER, COMPANIONS, SINGLE, OTHER_LENGTH, AFTER, ROUNDING, SILENCE, INPUT,
    }  # fmt: skip
    assert not told(checks) and not grave(checks)
    assert all(check.share == 0 for name, check in checks.items() if name not in (SILENCE, INPUT))
    repeatability.believe(encoder, checks.values())
    assert {1, 5, 16} == set(lengths) and sum(lengths) < 5 * len(EXCERPTS)  # it is cheap


def test_the_last_bits_may_move():
    noise = np.random.default_rng(0)

    def encode(audio):
        return beside(audio, 0) * (1 + 1e-6 * noise.standard_normal((len(audio), 2)))

    _, checks = checked(encode)
    assert not told(checks) and 0 < checks[AGAIN].share < 1e-4


def test_dropout_is_found_by_its_size():
    calls = []

    def encode(audio):
        calls.append(audio)
        return beside(audio, 0.7 * (len(calls) > 2))  # the first two calls are the points to compare with

    encoder, checks = checked(encode)
    assert grave(checks) == pytest.approx({AGAIN: 0.7 / SCALE})
    assert ORDER not in checks  # nothing could be told from it
    size = repeatability.percent(0.7 / SCALE)
    assert told(checks) == [
        f"The same audio gives other points, by up to {size} of the median distance between different"
        f" excerpts: given again ({size}). Look for dropout, noise or random crops (of torch: is model.eval()"
        " missing?), and for what is kept between calls (a state, running statistics, a cache)."
    ]
    with pytest.raises(InputError, match=r"it: The same audio gives .*say deterministic: false"):
        repeatability.believe(encoder, checks.values())


def test_what_is_meant_is_told_and_believed():
    draw = np.random.default_rng(0)

    def encode(audio):
        return beside(audio, draw.standard_normal(len(audio)))

    encoder, checks = checked(encode, deterministic=False)
    (sentence,) = told(checks)
    assert sentence.startswith("The same audio gives other points") and sentence.endswith(
        "As its settings say, this is meant."
    )
    repeatability.believe(encoder, checks.values())
    assert grave(checks)[AGAIN] > 0.3
    table = repeatability.table(checks.values())
    assert table["sentence"][0] == sentence and table["grave"][0]


def test_statistics_of_the_batch_are_found_by_their_size():
    _, checks = checked(lambda audio: beside(audio, audio[:, 0].mean()))
    batch = np.repeat([VALUES[:16].mean(), VALUES[16:].mean()], 16)  # of the first time
    five = np.repeat([VALUES[::-1][first : first + 5].mean() for first in (0, 5, 10)], 5)
    expected = {
        COMPANIONS: np.abs(VALUES[::2].mean() - batch[::2]).max() / scale(batch),
        SINGLE: np.abs(VALUES - batch)[::4].max() / scale(batch),
        OTHER_LENGTH: np.abs(five - batch[::-1][:15]).max() / scale(batch),
    }
    assert grave(checks) == pytest.approx(expected, rel=1e-5)
    (sentence,) = told(checks)
    for way, share in expected.items():
        assert f"{way} ({repeatability.percent(share)})" in sentence
    assert "Look for statistics, a maximum or padding over the batch" in sentence


def position(audio):
    return beside(audio, np.arange(len(audio)))


def length(audio):
    return beside(audio, len(audio))


def after_silence(audio, seen=[]):  # noqa: B006
    seen.append(not audio.any(axis=1).all())
    return beside(audio, 0.5 * any(seen))


@pytest.mark.parametrize(
    ("function", "second", "expected"),
    [
        # 16 to a batch: place 0 is 15 in the opposite order, the last even excerpt comes from place 14 to 15
        (position, np.arange(32) % 16, {ORDER: 15, COMPANIONS: 8, SINGLE: 12, OTHER_LENGTH: 15}),
        (length, 16, {SINGLE: 15, OTHER_LENGTH: 11}),
        (after_silence, 0, {AFTER: 0.5}),
    ],
)
def test_each_way_is_looked_at(function, second, expected):
    _, checks = checked(function)
    shares = {way: size / scale(second) for way, size in expected.items()}
    assert grave(checks) == pytest.approx(shares, rel=1e-5)


def test_a_cache_by_id_is_found():
    cache = {}

    def encode(audio):
        return cache.setdefault(id(audio), beside(audio, 0))

    encoder = Encoder("it", encode, 22050, 22050, foreign=True)
    try:
        checks = repeatability.examine(encoder, EXCERPTS)
    except InputError as error:  # an array that was freed had the place of one of another length
        assert "excerpts; it must be" in str(error)
    else:
        assert any(check.grave for check in checks)


def test_a_buffer_that_is_used_again_does_no_harm():
    buffer = np.empty((16, 2), np.float32)

    def encode(audio):
        buffer[: len(audio)] = beside(audio, 0)
        return buffer[: len(audio)]

    _, checks = checked(encode)
    assert not told(checks)


def test_an_input_that_is_changed_is_told():
    def encode(audio):
        found = beside(audio, 0)
        audio *= 0
        return found

    encoder, checks = checked(encode)
    assert not grave(checks) and "changes the array of audio" in checks[INPUT].sentence
    repeatability.believe(encoder, checks.values())


def test_it_is_told_of_an_encoder_that_is_resampled_too():
    def encode(audio):
        found = beside(audio, 0)
        audio += 1
        return found

    encoder = Encoder("it", encode, 22050, 16000, foreign=True)
    (check,) = [check for check in repeatability.examine(encoder, EXCERPTS) if check.name == INPUT]
    assert check.sentence


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda audio: beside(np.log(abs(audio)), 0),
            "Silence (all zeros) gives NaN or infinity. No",
        ),
        (
            lambda audio: beside(audio, np.where(audio[:, 0] < 0.01, np.nan, 0)),
            "an excerpt at -80 dB gives NaN",
        ),
        (lambda audio: beside(audio, 1 / int(audio.any(axis=1).all())), "ZeroDivisionError"),
    ],
)
def test_silence_is_told_and_stops_nothing(function, words):
    with np.errstate(divide="ignore"):
        encoder, checks = checked(function)
    assert not grave(checks)
    assert words in checks[SILENCE].sentence and "no number here suffers" in checks[SILENCE].sentence
    repeatability.believe(encoder, checks.values())


def test_points_that_float32_cannot_tell_apart_are_told():
    encoder, checks = checked(lambda audio: beside(audio, 0).astype(np.float64) + 1e8)
    # one more than a value of 1 to 5.7 in float64; steps of 8 in float32
    assert 0.5 / SCALE < grave(checks)[ROUNDING] < 8 * np.sqrt(2) / SCALE
    with pytest.raises(InputError, match="near to one another and far from 0") as error:
        repeatability.believe(encoder, checks.values())
    assert "deterministic" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_collapsed_space_is_no_fault_of_repeating(dtype):
    _, checks = checked(lambda audio: np.full((len(audio), 3), 0.1, dtype))
    assert not told(checks)
    calls = []
    _, checks = checked(lambda audio: np.full((len(audio), 3), calls.append(1) or len(calls) // 3, dtype))
    assert "given again, while different excerpts have the same" in told(checks)[0]


def fixed(batch, dimensions=3):
    def encode(audio):
        if len(audio) != batch:
            raise ValueError("its batch is wired in")
        return audio[:, :dimensions]

    return encode


@pytest.mark.parametrize("batch", [1, 4, 16, 40])
def test_a_fixed_batch_is_kept(batch):
    encoder, checks = checked(fixed(batch), batch=batch)
    assert not told(checks) and SINGLE not in checks
    audio = np.random.default_rng(0).standard_normal((10, 50)).astype(np.float32)
    np.testing.assert_array_equal(embedding.embed(encoder, audio), audio[:, :3])


def test_a_single_excerpt_may_come_without_its_axis():
    encoder, checks = checked(lambda audio: audio[0, :3], batch=1)
    assert not told(checks)
    np.testing.assert_array_equal(embedding.embed(encoder, EXCERPTS), EXCERPTS[:, :3])


@pytest.mark.parametrize("batch", [1, 16])
def test_a_fixed_batch_that_is_not_said_is_told(batch):
    with pytest.raises(InputError) as error:
        checked(fixed(batch))
    first, *traceback = str(error.value).split("\n")
    assert first.startswith("it: ") and "ValueError: its batch is wired in; with" in first
    assert f"say batch: {batch} among its settings (test-encoder: --batch {batch})" in first
    assert traceback[0].startswith("Traceback")


def test_one_number_an_excerpt_is_no_batch_of_one():
    with pytest.raises(InputError, match=r"shape \(16,\) for 16 excerpts") as error:
        checked(lambda audio: audio[:, 0])
    assert "say batch" not in str(error.value)


@pytest.mark.parametrize("count", [2, 3, 17, 24])
def test_few_excerpts_are_enough(count):
    _, checks = checked(lambda audio: beside(audio, audio[:, 0].mean()), EXCERPTS[:count])
    assert max(grave(checks).values()) > 0.1
    _, checks = checked(lambda audio: beside(audio, 0), EXCERPTS[:count])
    assert not told(checks)


def test_some_are_two_batches():
    assert repeatability.some(1000, None).tolist() == np.linspace(0, 999, 32).round().astype(int).tolist()
    assert len(repeatability.some(1000, 1)) == 24 and len(repeatability.some(1000, 500)) == 64
    assert repeatability.some(5, None).tolist() == [0, 1, 2, 3, 4]


def test_a_share_is_told_with_two_digits():
    shares = (1e-8, 0.0000213, 0.0021, 0.0534, 0.4849, 1.9, 0.0)
    assert [repeatability.percent(share) for share in shares] == [
        "< 0.0001 %", "0.0021 %", "0.21 %", "5.3 %", "48 %", "190 %", "0 %",
    ]  # fmt: skip


class Dropout(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, audio):
        return self.drop(audio[:, :16])


def test_dropout_of_torch_left_on():
    model = Dropout()
    audio = tiny_corpus.excerpts(32)
    _, checks = checked(lambda part: model(torch.from_numpy(part)), audio)
    assert grave(checks)[AGAIN] > 0.5
    model.eval()
    _, checks = checked(lambda part: model(torch.from_numpy(part)), audio)
    assert not told(checks)


def test_batch_norm_of_torch_left_in_training():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(tiny_corpus.SAMPLES, 16), torch.nn.BatchNorm1d(16))
    audio = tiny_corpus.excerpts(32)
    with pytest.raises(InputError, match="given alone, it fails"):  # torch wants more than one value
        checked(lambda part: model(torch.from_numpy(part)), audio)
    model.eval()
    _, checks = checked(lambda part: model(torch.from_numpy(part)), audio)
    assert not told(checks)


@pytest.mark.parametrize("task", ["AE", "AT", "IR", "VS", "untrained", "mfcc", "MFCC"])
def test_the_pipelines_own_pass(task, tmp_path):
    if task == "mfcc":
        source = "mfcc"
    else:
        source = tmp_path / "checkpoint.pt"
        if task == "untrained":
            corpus, cache = tiny_corpus.make(tmp_path / "corpus", "AT")
            network = tiny_corpus.network("untrained")
            untrained.write(network, corpus, cache, 4, source, 0, 0)
        else:
            network = tiny_corpus.network(*(("AE", "MFCC") if task == "MFCC" else (task,)))
            torch.save({"network": network.settings, "weights": network.state_dict()}, source)
    encoder = embedding.encoder(source, tiny_corpus.SAMPLE_RATE, "cpu")
    checks = repeatability.examine(encoder, tiny_corpus.excerpts(32))
    assert not any(check.grave or (check.name == INPUT and check.sentence) for check in checks)
    assert max(check.share for check in checks if check.name != SILENCE and check.name != INPUT) < 1e-4
