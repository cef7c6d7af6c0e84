"""Encoders of the user's own: from their settings to points, and what is said when they are at fault."""

import copy
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchaudio
import yaml

import tiny_corpus
from relatives import configuration, embedding, manifest, own_encoders
from relatives.audio import resample
from relatives.errors import InputError

RATE = tiny_corpus.SAMPLE_RATE
SHIPPED = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory; what a test imports from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def module(folder):
    """Write a module of the user's."""

    def write(code, name="mine"):
        (folder / f"{name}.py").write_text(code)

    return write


def with_encoders(*entries, **changes):
    return copy.deepcopy(SHIPPED) | {"encoders": list(entries)} | changes


def complaint(*entries):
    with pytest.raises(InputError) as error:
        configuration.check(with_encoders(*entries))
    return str(error.value)


def points(settings, audio=None):
    encoder = embedding.encoder(settings, RATE, "cpu")
    return embedding.embed(encoder, tiny_corpus.excerpts(20) if audio is None else audio)


MINE = {"name": "mine", "python": "mine:encode"}


def test_each_is_a_space_of_one_trial(module):
    module("")
    config = with_encoders("VGG", "MFCC", MINE, tasks=["AE"])
    configuration.check(config)
    assert configuration.spaces(config) == {"mfcc": 1, "AE": 3, "untrained": 3, "mine": 1}
    assert configuration.networks(config) == {"task": ["AE"], "encoder": ["VGG", "MFCC"]}


def test_alone_they_train_nothing(module):
    module("")
    config = with_encoders(MINE)
    configuration.check(config)
    assert configuration.spaces(config) == {"mine": 1}
    assert configuration.networks(config) == {"task": [], "encoder": []}
    assert configuration.corpora_in_use(config) == ["tagging"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("VGGish", ["encoders.0", "'VGGish' is not one of"]),
        ({"python": "mine:encode"}, ["encoders.0", "'name'"]),
        (MINE | {"pyhton": 1}, ["encoders.0.pyhton", "no such setting", "'python'"]),
        ({"name": "mine"}, ["encoders.0", "'mine'", "nothing of its origin", "torchscript"]),
        (MINE | {"hear": "mine"}, ["encoders.0", "python and hear"]),
        (MINE | {"name": "ae"}, ["encoders.0.name", "'ae' is taken"]),
        (MINE | {"name": "mfcc"}, ["encoders.0.name", "'mfcc' is taken"]),
        (MINE | {"name": "audio"}, ["encoders.0.name", "'audio' is taken"]),
        (MINE | {"name": "a/b"}, ["encoders.0.name", "'a/b'"]),
        (MINE | {"name": "a name of 17 let"}, ["encoders.0.name"]),
        (MINE | {"name": "a" * 17}, ["encoders.0.name", "too long"]),
        (
            MINE | {"model": "file"},
            ["encoders.0.model", "python takes batch, deterministic, sample_rate"],
        ),
        (
            {"name": "mine", "hear": "mine", "sample_rate": 16000},
            ["encoders.0.sample_rate", "takes batch, deterministic, model"],
        ),
        (MINE | {"python": "mine"}, ["encoders.0.python", "package.module:callable"]),
        (MINE | {"python": "nowhere:encode"}, ["encoders.0.python", "no module 'nowhere'"]),
        ({"name": "x", "hear": "no.where"}, ["encoders.0.hear", "no module 'no'"]),
        ({"name": "x", "hear": "mine", "model": "w.pt"}, ["encoders.0.model", "no file w.pt"]),
        ({"name": "x", "torchscript": "x.pt"}, ["encoders.0.torchscript", "no file x.pt"]),
        ({"name": "x", "onnx": "x.onnx"}, ["encoders.0.onnx", "no file x.onnx"]),
        (MINE | {"batch": 0}, ["encoders.0.batch", "0 is less than the minimum of 1"]),
        (MINE | {"batch": 1.5}, ["encoders.0.batch", "not of type 'integer'"]),
        (MINE | {"deterministic": "no"}, ["encoders.0.deterministic", "not of type 'boolean'"]),
        ({"name": "x", "embeddings": "e", "batch": 1}, ["encoders.0.batch", "takes nothing beside its name"]),
    ],
)
def test_settings_that_are_at_fault(entry, words, module):
    module("")
    text = complaint(entry)
    assert all(word in text for word in words), text


def test_two_of_one_name(module):
    module("")
    assert "encoders.1.name: 'Mine' is the name of two" in complaint(MINE, MINE | {"name": "Mine"})


def test_a_function_is_called_with_excerpts_at_its_rate(module):
    module("def encode(audio):\n    return audio[:, :2] * 0 + audio.shape[1]\n")
    assert np.unique(points(MINE)) == [tiny_corpus.SAMPLES]
    assert np.unique(points(MINE | {"sample_rate": 2 * RATE})) == [2 * tiny_corpus.SAMPLES]


def test_resampling_keeps_the_excerpts_apart(module):
    module("def encode(audio):\n    return abs(audio).mean(1, keepdims=True)\n")
    level = np.array([0.1, 0.4, 0.0])
    sines = level[:, None] * np.sin(np.arange(8000) / 9)
    found = points(MINE | {"sample_rate": 16000}, sines.astype(np.float32))
    np.testing.assert_allclose(found[:, 0], level * 2 / np.pi, rtol=0.02, atol=1e-6)


def test_a_module_of_ones_own_comes_before_others_of_its_name(module):
    module("def encode(audio):\n    import beside\n    return audio[:, :1] * 0 + beside.number\n", "wave")
    module("number = 7\n", "beside")
    before = list(sys.path)
    sys.modules.pop("wave", None)
    assert np.unique(points({"name": "x", "python": "wave:encode"})) == [7]
    assert sys.path == before


def test_a_tensor_with_its_gradient_will_do(module):
    module(
        "import torch\nlayer = torch.nn.Linear(5120, 3)\n"
        "def encode(audio):\n    return layer(torch.from_numpy(audio))\n"
    )
    assert points(MINE).shape == (20, 3)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "import not_there\n",
            ["mine.py, line 1): ModuleNotFoundError: No module named 'not_there'; modules are"],
        ),
        ("x = 1\n", ["cannot be loaded: AttributeError", "'encode'"]),
        ("def encode(audio:\n", ["cannot be loaded: SyntaxError"]),
        ("raise SystemExit('away')\n", ["mine.py, line 1): SystemExit: away"]),
        (
            "def encode(audio):\n    return deeper(audio)\n\ndef deeper(audio):\n    return audio / None\n",
            [
                "it fails on float32 of shape (16, 5120) at 22050 Hz (",
                "mine.py, line 5): TypeError: ",
                "in deeper",
                "return audio / None",
            ],
        ),
    ],
)
def test_what_the_users_code_raises_is_told_with_its_traceback(code, words, module):
    module(code)
    with pytest.raises(InputError) as error:
        points(MINE)
    text = str(error.value)
    assert text.startswith(("encoder 'mine' (python: mine:encode) cannot be loaded", "it fails on"))
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("audio.mean(1)", r"the shape \(16,\) for 16 excerpts; it must be \(16, dimensions\)"),
        ("audio[:, :0]", r"the shape \(16, 0\)"),
        ("audio[:, :len(audio)]", "points of 4 dimensions after 16 before"),
        ("audio * float('nan')", "NaN"),
        ("audio.astype('float64') * 1e300", "beyond the range of float32"),
        ("audio[:, :2] * 1j", r"complex \(complex64\)"),
        ("[['a']] * len(audio)", "holds <U1"),
    ],
)
def test_what_it_gives_must_be_points(result, words, module):
    module(f"def encode(audio):\n    return {result}\n")
    with pytest.raises(InputError, match=words):
        points(MINE)


HEAR = """
import torch

class Model(torch.nn.Module):
    sample_rate = 16000
    scene_embedding_size = 3

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

def load_model(model_file_path=""):
    return Model(float(open(model_file_path).read()) if model_file_path else 1.0)

def get_scene_embeddings(audio, model):
    return model.weight * audio.std(dim=1, keepdim=True).expand(-1, SIZE)
"""


def test_a_hear_module(module, folder):
    module(HEAR.replace("SIZE", "3"), "my_hear")
    settings = {"name": "x", "hear": "my_hear"}
    found = points(settings)
    assert found.shape == (20, 3) and found.dtype == np.float32
    (folder / "weights").write_text("2")
    np.testing.assert_allclose(points(settings | {"model": "weights"}), 2 * found, rtol=1e-6)


def test_a_hear_module_that_breaks_its_promise(module):
    module(HEAR.replace("SIZE", "4"), "my_hear")
    with pytest.raises(InputError, match="points of 4 dimensions; scene_embedding_size promises 3"):
        points({"name": "x", "hear": "my_hear"})


class Level(torch.nn.Module):
    def forward(self, audio):
        return audio.std(dim=1, keepdim=True), audio


def test_a_torchscript_file(folder):
    torch.jit.script(Level()).save(folder / "level.pt")
    audio = tiny_corpus.excerpts(5)
    found = points({"name": "x", "torchscript": "level.pt"}, audio)
    np.testing.assert_allclose(found, audio.std(axis=1, ddof=1, keepdims=True), rtol=1e-5)


def test_a_file_that_is_no_torchscript(folder):
    (folder / "level.pt").write_text("nothing")
    with pytest.raises(InputError, match=r"encoder 'x' \(torchscript: level.pt\): level.pt is no Torch"):
        points({"name": "x", "torchscript": "level.pt"})


@pytest.mark.parametrize("freeze", [False, True])
def test_a_torchscript_file_of_a_fixed_batch(freeze, folder):
    class Fixed(torch.nn.Module):
        def forward(self, audio):
            return {"points": audio.reshape(2, 5, 1024).std(dim=2)}["points"]

    model = torch.jit.script(Fixed().eval())
    (torch.jit.freeze(model) if freeze else model).save(folder / "fixed.pt")
    audio = tiny_corpus.excerpts(5)
    found = points({"name": "x", "torchscript": "fixed.pt", "batch": 2}, audio)
    np.testing.assert_allclose(found, audio.reshape(5, 5, 1024).std(axis=2, ddof=1), rtol=1e-5)


def test_a_torchscript_file_that_gives_a_dictionary(folder):
    class Several(torch.nn.Module):
        def forward(self, audio):
            return {"points": audio[:, :2], "logits": audio[:, :3]}

    torch.jit.script(Several()).save(folder / "several.pt")
    with pytest.raises(InputError, match="a dictionary with the keys 'points', 'logits'"):
        points({"name": "x", "torchscript": "several.pt"})


def test_weights_are_no_torchscript(folder):
    torch.save({"weights": torch.zeros(3)}, folder / "weights.pt")
    assert not own_encoders.is_torchscript(folder / "weights.pt")
    assert not own_encoders.is_torchscript(folder / "nowhere.pt")
    with pytest.raises(InputError, match=r"weights.pt is no TorchScript file, which torch\.jit\.save makes"):
        points({"name": "x", "torchscript": "weights.pt"})


def test_a_hear_module_that_gives_a_dictionary(module):
    module(
        HEAR.replace("SIZE", "3").replace("return model.weight", "return {'scene': 1} or model.weight"),
        "my_hear",
    )
    with pytest.raises(InputError, match="what get_scene_embeddings returns is a dictionary with the keys"):
        points({"name": "x", "hear": "my_hear"})


def test_what_is_no_function(module):
    module("encode = 3\n")
    with pytest.raises(InputError, match=r"encoder 'mine' \(python: mine:encode\) is of type int; name"):
        points(MINE)


def test_an_onnx_file_without_the_runtime(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"encoder 'x' .* needs onnxruntime.*pip install onnxruntime"):
        points({"name": "x", "onnx": "x.onnx"})


@pytest.mark.parametrize("inputs", [["audio"], ["audio", "state"]])
def test_an_onnx_file(folder, inputs):
    pytest.importorskip("onnxruntime", reason="onnxruntime is optional")
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the file, is optional")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("ReduceMax", ["audio"], ["points"], axes=[1], keepdims=1)],
        "loudest",
        [helper.make_tensor_value_info(name, kind, ["batch", "samples"]) for name in inputs],
        [helper.make_tensor_value_info("points", kind, ["batch", 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "loudest.onnx")
    settings = {"name": "x", "onnx": "loudest.onnx"}
    if len(inputs) == 2:
        with pytest.raises(InputError, match="has the inputs audio, state"):
            points(settings)
        return
    audio = tiny_corpus.excerpts(5)
    np.testing.assert_array_equal(points(settings, audio), audio.max(axis=1, keepdims=True))


def test_an_onnx_file_of_a_fixed_batch(folder):
    pytest.importorskip("onnxruntime", reason="onnxruntime is optional")
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the file, is optional")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("ReduceMax", ["audio"], ["points"], axes=[1], keepdims=1)],
        "loudest",
        [helper.make_tensor_value_info("audio", kind, [3, "samples"])],
        [helper.make_tensor_value_info("points", kind, [3, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "loudest.onnx")
    settings = {"name": "x", "onnx": "loudest.onnx"}
    audio = tiny_corpus.excerpts(5)
    np.testing.assert_array_equal(points(settings, audio), audio.max(axis=1, keepdims=True))
    with pytest.raises(InputError, match="takes 3 excerpts at a time, as its file says, and batch says 1"):
        points(settings | {"batch": 1}, audio)


def test_wav2vec2_as_torchaudio_has_it(module):
    module(
        "import torch, torchaudio\ntorch.manual_seed(0)\nmodel = torchaudio.models.wav2vec2_base().eval()\n"
        "@torch.inference_mode()\ndef encode(audio):\n"
        "    return model.extract_features(torch.from_numpy(audio))[0][-1].mean(1)\n"
    )
    audio = tiny_corpus.excerpts(3)
    found = points(MINE | {"sample_rate": 16000}, audio)
    torch.manual_seed(0)
    model = torchaudio.models.wav2vec2_base().eval()
    resampled = torch.from_numpy(np.stack([resample(excerpt, RATE, 16000) for excerpt in audio]))
    with torch.inference_mode():
        expected = model.extract_features(resampled)[0][-1].mean(1).numpy()
    assert found.shape == (3, 768)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def changed(path, text, settings=MINE):
    before = own_encoders.digest(settings)
    path.write_text(text)
    own_encoders.provenance._read.cache_clear()
    return own_encoders.digest(settings) != before


def test_a_changed_module_is_another_encoder(module, folder):
    (folder / "parts").mkdir()
    module("import numpy\nfrom parts import deep\ndef encode(audio):\n    return audio\n")
    module("", "parts/deep")
    module("", "other")
    assert not changed(folder / "other.py", "x = 1")
    assert changed(folder / "parts" / "deep.py", "x = 1")
    assert not changed(folder / "parts" / "deep.py", "x = 1  # a comment")
    assert changed(folder / "mine.py", "def encode(audio):\n    return 2 * audio\n")
    assert changed(folder / "mine.py", "def encode(audio:\n")
    assert "mine" not in sys.modules


@pytest.mark.parametrize(
    "settings", [{"torchscript": "m.pt"}, {"onnx": "m.pt"}, {"hear": "mine", "model": "m.pt"}]
)
def test_a_changed_file_is_another_encoder(settings, folder):
    (folder / "m.pt").write_text("one")
    assert changed(folder / "m.pt", "two or more", {"name": "x"} | settings)


def test_changed_embeddings_are_another_encoder(folder):
    for name in ("manifest.json", "PS.npy"):
        (folder / name).write_text("one")
        assert changed(folder / name, "two or more", {"name": "x", "embeddings": str(folder)})


@pytest.fixture
def wanted(folder):
    """The manifest of three excerpts in two blocks, under OG and two magnitudes of PS."""
    rng = np.random.default_rng(0)
    files = {name: [f"{name}.{block}.npy" for block in range(2)] for name in ("OG", "PS")}
    for name, magnitudes in (("OG", 1), ("PS", 2)):
        for path, excerpts in zip(files[name], (2, 1), strict=True):
            np.save(path, rng.standard_normal((magnitudes, excerpts, 50)).astype(np.float32))
    return manifest.make("music", RATE, ["a", "b", "c"], {"OG": [0.0], "PS": [-1.0, 1.0]}, files)


@pytest.fixture
def computed(wanted, folder):
    """The folder of the embeddings that somebody computed as the manifest says."""
    (folder / "computed").mkdir()
    for entry in wanted["transformations"].values():
        audio = np.concatenate([np.load(file["path"]) for file in entry["files"]], axis=1)
        assert list(audio.shape[:2]) == entry["embeddings"]["shape"]
        assert all(list(np.load(file["path"]).shape) == file["shape"] for file in entry["files"])
        np.save(folder / "computed" / entry["embeddings"]["file"], audio[..., :4].astype(np.float64))
    (folder / "computed" / "manifest.json").write_text(json.dumps(wanted))
    return folder / "computed"


def test_embeddings_come_back_in_the_order_of_the_excerpts(wanted, computed):
    arrays = manifest.read(computed, wanted)
    assert {name: array.shape for name, array in arrays.items()} == {"OG": (1, 3, 4), "PS": (2, 3, 4)}
    assert all(array.dtype == np.float32 for array in arrays.values())
    np.testing.assert_array_equal(arrays["PS"][:, 2], np.load("PS.1.npy")[:, 0, :4])


def test_the_digest_is_of_the_audio(wanted):
    def again():
        files = {
            name: [file["path"] for file in entry["files"]]
            for name, entry in wanted["transformations"].items()
        }
        return manifest.make("music", RATE, ["a", "b", "c"], {"OG": [0.0], "PS": [-1.0, 1.0]}, files)[
            "digest"
        ]

    assert again() == wanted["digest"]
    np.save("PS.1.npy", np.load("PS.1.npy") * 2)
    assert again() != wanted["digest"]


def test_embeddings_that_float32_cannot_tell_apart(wanted, computed):
    points = np.random.default_rng(0).standard_normal((1, 3, 4))
    np.save(computed / "OG.npy", points + 1e6)
    with pytest.raises(InputError, match=r"OG\.npy: The points lie near to one another and far from 0"):
        manifest.read(computed, wanted)
    np.save(computed / "OG.npy", points + 1e3)
    assert manifest.read(computed, wanted)["OG"].dtype == np.float32


def array(shape, value=0.0, dtype=np.float32):
    return np.full(shape, value, dtype)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no .*PS.npy, which the manifest asks for"),
        (b"nothing", "PS.npy cannot be read as an array"),
        (array((2, 2, 4)), r"PS.npy has the shape \(2, 2, 4\); it must be \(2, 3, dimensions\)"),
        (array((2, 3)), r"must be \(2, 3, dimensions\)"),
        (array((2, 3, 0)), r"must be \(2, 3, dimensions\)"),
        (array((2, 3, 5)), "PS.npy has 5 dimensions, the arrays before it 4"),
        (array((2, 3, 4), np.nan), "PS.npy holds NaN"),
        (
            array((2, 3, 4), 1e300, np.float64),
            r"PS.npy has numbers beyond the range .* \(up to 1e\+300\)",
        ),
        (array((2, 3, 4), 1, complex), r"PS.npy is complex \(complex128\)"),
    ],
)
def test_arrays_that_are_at_fault(content, words, wanted, computed):
    path = computed / "PS.npy"
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(InputError, match=words):
        manifest.read(computed, wanted)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "run the target manifest"),
        ("{", "is not a manifest"),
        ("[]", "is not a manifest"),
        ('{"digest": "0123"}', "the digest 0123.*other excerpts, magnitudes or audio"),
    ],
)
def test_a_manifest_that_is_not_the_runs(content, words, wanted, computed):
    (computed / "manifest.json").unlink()
    if content is not None:
        (computed / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=words):
        manifest.read(computed, wanted)
