"""One encoder tested by the command: right numbers, a page that stands alone, errors in one sentence."""

import argparse
import base64
import io
import re
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from relatives import cli, consistency, distances, embedding, examination, transforms
from relatives.corpora import folder
from relatives.corpora.store import Skipped, Track
from relatives.examination import Measurement
from relatives.statistics import bootstrap

RATE = 22050
SAMPLES, WINDOW = 2 * RATE, 4 * RATE
IDS = np.array([f"t{number}:0" for number in range(4)])

ENCODERS = """
import numpy as np

def energy(audio):
    return np.log1p(np.abs(np.fft.rfft(audio))[:, :8192].reshape(len(audio), 32, -1).sum(axis=2))

def nan(audio):
    return energy(audio) * np.nan

def flat(audio):
    return energy(audio).mean(axis=1)

def none(audio):
    return np.zeros((len(audio), 0))

def fails(audio):
    raise RuntimeError("out of\\nluck")

def changes(audio, calls=[]):
    calls.append(1)
    return energy(audio)[:, : len(calls)]

number = 3

def imaginary(audio):
    return energy(audio) * 1j

def named(audio):
    return {"points": energy(audio), "logits": None}

def one(audio):
    assert len(audio) == 1
    return energy(audio)[0]

def huge(audio):
    return (energy(audio) * 1e37).astype(np.float32)

def dropout(audio):
    return energy(audio) * (np.random.random((len(audio), 32)) > 0.5)

def batch(audio):
    points = energy(audio)
    return (points - points.mean(axis=0)) / (points.std(axis=0) + 1e-6)
"""


def music(number, seconds=6):
    """Notes over noise, (samples,): a piece of its own for each number."""
    rng = np.random.default_rng(number)
    time = np.arange(seconds * RATE) / RATE
    pitches = 220 * 2 ** (rng.integers(0, 36, 2 * seconds) / 12)
    notes = np.sin(2 * np.pi * np.repeat(pitches, RATE // 2) * time) * np.exp(-3 * (time % 0.5))
    return (0.3 * notes + 0.01 * rng.standard_normal(len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    directory = tmp_path_factory.mktemp("album")
    for number in range(3):
        soundfile.write(directory / f"song{number}.wav", music(number), RATE)
    soundfile.write(directory / "again.wav", music(0), RATE)
    (directory / "notes.txt").write_text("no audio")
    return directory


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with encoders in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "BAR", 2.0)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"own{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(ENCODERS)
    return name


@pytest.fixture(scope="module")
def windows():
    return np.stack([music(10 + number, 4) for number in range(4)])


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(5).standard_normal(RATE).astype(np.float32)


def measured(encode, windows, noise, magnitudes, workers=2):
    return examination.measure(encode, "own", windows, IDS, magnitudes, RATE, 7, noise, workers)


def run(*arguments):
    return cli.main(["test-encoder", *map(str, arguments)])


def test_the_command_is_installed():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["relatives"] == "relatives.cli:main"


def test_the_grid_has_the_smallest_and_the_gravest():
    assert examination.grid(0) == {
        "PS": [-12, -0.25, 0.25, 12],
        "TS": [0.3, 0.98, 1.02, 1.5],
        "PN": [-15, 30],
        "EN": [-15, 30],
        "MP": [8, 192],
    }


def test_the_grid_grows_to_the_study_s():
    some, whole = examination.grid(5), examination.grid(10**9)
    assert {name: tuple(magnitudes) for name, magnitudes in whole.items()} == transforms.GRID
    for name, magnitudes in some.items():
        assert set(examination.grid(0)[name]) < set(magnitudes) < set(whole[name])


def test_errors_and_correlations_are_those_of_the_parts(windows, noise):
    """Against transformations, distances and errors called one by one, as the pipeline calls them."""
    encode = embedding.encoder("mfcc", RATE)
    found = measured(encode, windows, noise, {"PS": [-12.0], "PN": [-15.0, 30.0]})
    with ThreadPoolExecutor(1) as pool:
        audio = examination.transformed("PN", -15.0, windows, SAMPLES, RATE, IDS, 7, noise, pool)
    originals = windows[:, RATE : RATE + SAMPLES]
    originals = np.round(originals * 32768) / np.float32(32768)
    np.testing.assert_array_equal(examination.originals(windows, SAMPLES), originals)
    for latent in ("euclidean", "cosine"):
        matrix = getattr(distances, latent)(encode(audio), encode(originals))
        errors = (matrix.argmin(axis=1) != np.arange(4)).astype(int)
        np.testing.assert_array_equal(found.errors["own", 0, latent][1], errors)
        sequences = [examination.mfcc.sequences(batch, RATE) for batch in (audio, originals)]
        expected = consistency.between_space_correlation(distances.dtw(*sequences), matrix)
        assert found.correlations["own", 0, "dtw", latent][1] == pytest.approx(expected)
        expected = consistency.correlation_by_row(distances.dtw(*sequences), matrix)
        np.testing.assert_allclose(found.by_row["own", 0, "dtw", latent][1], expected, atol=1e-6)
        if latent == "euclidean":
            others = matrix + np.diag([np.inf] * 4)
            np.testing.assert_array_equal(found.neighbours["index"][1], others.argmin(axis=1))
            np.testing.assert_allclose(found.neighbours["other"][1], others.min(axis=1))
            np.testing.assert_allclose(found.neighbours["own"][1], np.diag(matrix))
    assert found.errors["own", 0, "euclidean"][1].any()
    assert [point[:2] for point in found.points] == [("OG", 0.0), ("PN", 30.0)]


def test_mfcc_beside_itself_makes_no_difference(windows, noise):
    found = measured(embedding.encoder("mfcc", RATE), windows, noise, examination.grid(0))
    table = examination.compare(found)
    assert len(table) == 12
    np.testing.assert_allclose(table[["difference", "lower", "upper"]], 0, atol=1e-12)
    assert any("no difference that stands" in sentence for sentence in examination.findings(found))


def test_the_workers_change_nothing(windows, noise):
    one, more = (
        measured(embedding.encoder("mfcc", RATE), windows, noise, {"EN": [-15.0], "PS": [12.0]}, workers)
        for workers in (1, 3)
    )
    for name in ("draws", "by_row", "by_row_draws"):
        for key, values in getattr(one, name).items():
            np.testing.assert_array_equal(values, getattr(more, name)[key])


def test_a_collapsed_space_is_told(windows, noise):
    found = measured(lambda audio: np.ones((len(audio), 3), np.float32), windows, noise, examination.grid(0))
    assert found.coinciding == 4
    sentences = examination.findings(found)
    assert "4 of the 4 originals share their point" in sentences[-1]
    assert not any("nan" in sentence for sentence in sentences)
    assert set(examination.strays(found)["ratio"]) == {1.0}


def made(errors, own, other):
    """A measurement of three excerpts at PS −0.25, PS 12 and MP 192, whose neighbours are given."""
    places = pd.DataFrame({"transformation": ["PS", "PS", "MP"], "magnitude": [-0.25, 12.0, 192.0]})
    every = {
        (space, 0, distance): np.array(errors) for space in ("own", "mfcc") for distance in consistency.LATENT
    }
    return Measurement(
        space="own",
        places=places,
        excerpt_ids=IDS[:3],
        errors=every,
        correlations={},
        draws={},
        by_row={},
        by_row_draws={},
        neighbours={"own": np.array(own), "other": np.array(other), "index": np.array([[1, 2, 0]] * 3)},
        points=[("OG", 0.0, np.zeros((3, 2)))],
        coinciding=0,
        weights=bootstrap.weights(3, 10),
    )  # fmt: skip


def test_the_gravest_strays_come_first():
    errors = [[1, 0, 1], [1, 1, 1], [0, 1, 0]]
    own = [[2.0, 1, 3], [9, 9, 9], [1, 1.5, 1]]
    found = made(errors, own, np.ones((3, 3)))
    strays = examination.strays(found)
    # under the smallest magnitudes before the others, then by the ratio
    assert strays[["place", "excerpt"]].to_numpy().tolist() == [
        [0, 2],
        [0, 0],
        [2, 1],
        [1, 0],
        [1, 1],
        [1, 2],
    ]
    assert strays["ratio"].tolist() == [3, 2, 1.5, 9, 9, 9]
    assert strays["neighbour"].tolist()[0] == 0
    shown = examination.chosen(strays, found.places, 2)
    assert shown[["place", "excerpt"]].to_numpy().tolist() == [[0, 2], [2, 1]]  # each transformation in turn
    assert examination.chosen(strays, found.places)["excerpt"].is_unique


def test_every_transformation_weighs_the_same():
    weights = examination.place_weights(made([[0]], [[0]], [[0]]).places, lambda places, name: [
        place for place in places if place[0] == name
    ])  # fmt: skip
    assert weights.tolist() == [0.25, 0.25, 0.5]


def test_a_place_is_told_with_its_unit():
    assert examination.place_name("PS", -0.25) == "pitch shift −0.25 semitones"
    assert examination.place_name("TS", 1.02) == "tempo shift 1.02 times"
    assert examination.place_name("PN", 30.0) == "pink noise 30 dB SNR"


def test_a_sample_stops_when_it_has_enough(album, monkeypatch):
    items = list(folder.sample(album, 10, RATE, 2.0, 0, 2))
    assert Counter(type(item) for item in items) == {Track: 3, Skipped: 2}
    reasons = {item.file: item.reason for item in items if isinstance(item, Skipped)}
    assert "not audio" in reasons.pop("notes.txt")
    assert "the same audio as" in reasons.popitem()[1]
    assert {item.split for item in items if isinstance(item, Track)} == {"test"}

    few = list(folder.sample(album, 1, RATE, 2.0, 0, 1))
    assert [item.track_id for item in few if isinstance(item, Track)] == [
        item.track_id for item in items if isinstance(item, Track)
    ][:1]


HEAR = """
import torch

class Model(torch.nn.Module):
    sample_rate = 16000
    scene_embedding_size = 20

def load_model(file):
    model = Model()
    model.factor = float(open(file).read())
    return model

def get_scene_embeddings(audio, model):
    return model.factor * audio.reshape(audio.shape[0], 20, -1).std(dim=2)
"""


class Page(HTMLParser):
    """The addresses that a page draws on, by tag."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [(tag, value) for name, value in attributes if name in ("src", "href")]


def content(address):
    return base64.b64decode(address.partition("base64,")[2])


def test_the_report(album, here, capsys, monkeypatch):
    assert run(f"{here}:energy", "--audio", album, "--excerpts", 5, "--output", "deep/a.html") == 0
    told = capsys.readouterr().out
    assert "5 excerpts of 3 track(s), 14 magnitudes, 32 dimensions" in told
    assert told.count("\n  - ") >= 3
    text = Path("deep/a.html").read_text()
    page = Page(text)
    assert all(value.startswith(("data:", "#")) for _, value in page.found)
    assert not re.search(r"https?://|<script|@import", text)
    images = [content(value) for tag, value in page.found if tag == "img"]
    assert len(images) == 3
    assert all(image.startswith(b"\x89PNG") for image in images)
    sounds = [soundfile.read(io.BytesIO(content(value))) for tag, value in page.found if tag == "audio"]
    assert sounds
    assert len(sounds) % 3 == 0
    assert all(abs(len(sound) / rate - 2) < 0.15 for sound, rate in sounds)
    assert "notes.txt" in text
    assert "the same audio as" in text

    monkeypatch.setattr(cli.os, "cpu_count", lambda: 1)
    assert run(f"{here}:energy", "--audio", album, "--excerpts", 5, "--output", "b.html") == 0
    assert Path("b.html").read_bytes() == Path("deep/a.html").read_bytes()


def test_what_is_heard_is_what_was_measured(windows, noise):
    """The three sounds are the transformed excerpt, its original and the neighbour, not turned apart."""
    from relatives import encoder_report

    found = measured(embedding.encoder("mfcc", RATE), 40 * windows, noise, {"PN": [-15.0, 30.0]})
    row = pd.Series({"place": 1, "excerpt": 2, "neighbour": 3})
    with ThreadPoolExecutor(1) as pool:
        sounds = encoder_report._sounds(row, found, 40 * windows, RATE, 7, noise, pool)
    expected = 40 * windows[[2, 2, 3], RATE : RATE + SAMPLES]
    heard = np.stack([transforms.mp3.decode(content(sound))[1105 : 1105 + SAMPLES] for sound in sounds])
    gains = [np.vdot(a, b) / np.vdot(b, b) for a, b in zip(heard, expected, strict=True)]
    similar = [np.corrcoef(a, b)[0, 1] for a, b in zip(heard, expected, strict=True)]
    assert min(similar) > 0.97
    assert np.ptp(gains) < 0.03 * max(gains)
    assert max(gains) < 0.2  # turned down, as they were beyond full scale


FAULTS = [
    ("{own}:nan", "what it returns holds NaN or infinity in 2 of 2 points; look for a division"),
    ("{own}:flat", "has the shape (2,) for 2 excerpts; it must be (2, dimensions)"),
    ("{own}:none", "has the shape (1, 0) for 1 excerpt;"),
    ("{own}:imaginary", "what it returns is complex (complex64)"),
    ("{own}:named", "a dictionary with the keys 'points', 'logits'; give the array of one of them alone"),
    ("{own}:fails", "{own}.py, line 17): RuntimeError: out of luck"),
    ("{own}:changes", "it makes points of 2 dimensions after 1 before"),
    ("{own}:one", "say batch: 1 among its settings (test-encoder: --batch 1)"),
    ("{own}:number", "is of type int; name a function"),
    ("{own}:gone", "has no attribute 'gone'"),
    ("gone:encode", "there is no module 'gone', installed or in"),
    ("gone", "'gone' is no encoder; it can be mfcc, a checkpoint"),
    ("gone.onnx", "there is no file gone.onnx"),
    (".", "is a folder. Embeddings computed elsewhere go through the pipeline"),
    ("gone.pt", "there is no such checkpoint"),
]


@pytest.mark.parametrize(("encoder", "message"), FAULTS)
def test_a_faulty_encoder_is_one_sentence(encoder, message, here, album, capsys):
    assert run(encoder.format(own=here), "--audio", album, "--excerpts", 2) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("Error: ")
    assert message.format(own=here) in said
    assert not Path("report.html").exists()


def test_a_folder_that_will_not_do_is_one_sentence(here, album, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for path, message in (
        (tmp_path / "gone", "there is no such folder"),
        (tmp_path / "empty", "0 of its 0 files can be used"),
        (album, "3 of its 5 files can be used, with room for 9 excerpts of 2 s, and 50 are asked for"),
    ):
        assert run(f"{here}:energy", "--audio", path) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith(f"Error: {path}: ")
        assert message in said
    assert "ask for at most 9 with --excerpts" in said


@pytest.mark.parametrize(
    ("encoder", "words"),
    [("dropout", r"given again \(\d+ %\)\. Look for dropout"), ("batch", r"(alone|in its batch) \(\d+ %\)")],
)
def test_an_encoder_that_differs_is_told_first(encoder, words, album, here, capsys):
    assert run(f"{here}:{encoder}", "--audio", album, "--excerpts", 5) == 0
    told = capsys.readouterr().out.splitlines()
    assert re.search(words, told[0])
    text = re.sub("<[^>]*>", "", Path("report.html").read_text().partition("<main>")[2])
    assert " ".join(text.split()).startswith(told[0])


def test_squares_that_overflow_give_the_right_distances(album, here, capsys):
    """Finite in float32, and their squares are not: as good as the same points in another unit."""
    told = []
    for name in ("energy", "huge"):
        assert run(f"{here}:{name}", "--audio", album, "--excerpts", 5, "--output", f"{name}.html") == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("  - ")])
    assert told[0] == told[1] and len(told[0]) >= 3


def test_every_kind_is_tested(album, here, tmp_path, capsys):
    class Level(torch.nn.Module):
        def forward(self, audio):
            return audio.reshape(audio.shape[0], 20, -1).std(dim=2)

    class Fixed(torch.nn.Module):
        def forward(self, audio):
            return audio.reshape(4, 20, -1).std(dim=2)

    torch.jit.script(Level()).save(tmp_path / "level.pt")
    torch.jit.script(Fixed()).save(tmp_path / "fixed.pt")
    (tmp_path / f"{here}hear.py").write_text(HEAR)
    (tmp_path / "weights").write_text("2")
    several = ("--audio", album, "--excerpts", 5)
    assert run("level.pt", *several) == 2
    said = capsys.readouterr().err
    assert "level.pt is a TorchScript model, a program that runs with your rights" in said
    assert "relatives test-encoder level.pt --kind torchscript" in said
    for dimensions, *arguments in (
        (20, "level.pt", "--kind", "torchscript"),
        (20, "fixed.pt", "--kind", "torchscript", "--batch", 4),
        (20, f"{here}hear", "--kind", "hear", "--model", "weights"),
        (32, f"{here}:one", "--kind", "python", "--batch", 1),
    ):
        assert run(*arguments, *several) == 0
        assert f"{dimensions} dimensions" in capsys.readouterr().out
        assert all(str(word) in Path("report.html").read_text() for word in arguments)
    assert run("fixed.pt", "--kind", "torchscript", *several) == 2
    assert run("mfcc", "--batch", 1, *several) == 2
    assert "mfcc takes no --batch; say its kind with --kind" in capsys.readouterr().err
    assert run(f"{here}:energy", "--model", "weights", *several) == 2
    assert "an encoder of the kind python takes batch, deterministic, sample_rate" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--excerpts", "1"), ("--magnitudes", "all"), ("--sample-rate", "44.1")])
def test_a_wrong_argument_is_refused(wrong, here, album, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(f"{here}:energy", "--audio", album, *wrong)
    assert stopped.value.code == 2
    assert wrong[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "number"), [("50", 50), ("1e2", 100), ("50.0", 50), ("2.205E4", 22050), ("010", 10)]
)
def test_a_whole_number_is_read_however_it_is_written(text, number):
    assert cli._whole(2)(text) == number
    assert cli._magnitudes(text) == str(number)


@pytest.mark.parametrize("text", ["1.5", "1e-3", "-3", "nan", "inf", "1e400", "9" * 5000, "many", ""])
def test_what_is_no_whole_number_is_refused(text):
    for read in (cli._whole(0), cli._magnitudes):
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)
