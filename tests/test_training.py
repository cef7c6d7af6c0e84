"""The training loop: it learns, it is repeatable and resumable to the last bit, and it says what is wrong."""

import io
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch

import tiny_corpus
from relatives import training
from relatives.errors import InputError
from relatives.models import networks
from relatives.tasks import TASKS

SETTINGS = {
    "steps": 6,
    "batch": 4,
    "rate": 1e-3,
    "amsgrad": False,
    "weight_decay": 0.0,
    "validate_every": 2,
    "validation_crops": 3,
    "patience": None,
    "explosion": 10,
    "checkpoint_every": 2,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """The tiny corpus of each task, with its cache."""
    return {task: tiny_corpus.make(tmp_path_factory.mktemp(task), task) for task in TASKS}


def train(corpora, directory, task="AE", encoder="VGG", seed=0, trial=0, changes=None, log=None, **settings):
    """Train a tiny network; its checkpoint and its history."""
    corpus, cache = corpora[task]
    wanted = tiny_corpus.settings(task, encoder, **(changes or {}))
    network = networks.build(wanted, cache.mean, cache.deviation, seed, trial)
    settings = {**SETTINGS, **settings}
    training.train(network, corpus, cache, settings, directory, seed, trial, log or io.StringIO())
    checkpoint = torch.load(directory / "checkpoint.pt", weights_only=True)
    return checkpoint, pd.read_csv(directory / "history.csv")


def assert_same_weights(first, second):
    assert first["weights"].keys() == second["weights"].keys()
    for name, weight in first["weights"].items():
        assert torch.equal(weight, second["weights"][name]), name


@pytest.mark.parametrize("encoder", ["VGG", "MFCC"])
@pytest.mark.parametrize("task", TASKS)
def test_the_loss_falls(task, encoder, corpora, tmp_path):
    _, history = train(corpora, tmp_path, task, encoder, steps=60, validate_every=10, rate=0.01)
    assert history["step"].tolist() == [10, 20, 30, 40, 50, 60]
    # Most of what an AE has to reconstruct here is noise, which it cannot
    share = 0.95 if task == "AE" else 0.8
    assert history["training_loss"].iloc[-1] < share * history["training_loss"].iloc[0]
    assert history["validation_loss"].notna().all()
    assert (history["examples_per_second"] > 0).all()


@pytest.mark.parametrize(("task", "encoder"), [("IR", "VGG"), ("AT", "VGG"), ("IR", "MFCC")])
def test_what_is_plain_is_learned(task, encoder, corpora, tmp_path):
    corpus, _ = corpora[task]
    train(corpora, tmp_path, task, encoder, steps=150, rate=0.01)
    network = networks.load(tmp_path / "checkpoint.pt", "cpu")
    rows = corpus.rows("train")
    excerpts = np.stack([corpus.audio(row, 512, tiny_corpus.SAMPLES) for row in rows])
    performance = TASKS[task].module.performance([network], excerpts, corpus.labels.iloc[rows].to_numpy())
    assert np.nanmean(performance) == 1


def test_the_history_holds_the_losses_of_both_splits(corpora, tmp_path, monkeypatch):
    loss, losses = TASKS["AE"].module.loss, {True: [], False: []}

    def noted(network, *batch):
        result = loss(network, *batch)
        losses[network.training].append(result.item())
        return result

    monkeypatch.setattr(TASKS["AE"].module, "loss", noted)
    _, history = train(corpora, tmp_path, validation_crops=6)
    assert history["step"].tolist() == [2, 4, 6]
    np.testing.assert_allclose(history["training_loss"], np.reshape(losses[True], (3, 2)).mean(axis=1))
    # Six crops are two batches of three
    np.testing.assert_allclose(history["validation_loss"], np.reshape(losses[False], (3, 2)).mean(axis=1))


@pytest.mark.parametrize("changes", [{}, {"fully_connected": True}])
def test_a_resumed_training_is_the_uninterrupted_one(changes, corpora, tmp_path, monkeypatch):
    whole, history = train(corpora, tmp_path / "whole", changes=changes, amsgrad=True)
    assert not (tmp_path / "whole" / "progress.pt").exists()

    # Killed in the fifth step, after the state of the fourth was written and a step was taken
    read, calls = TASKS["AE"].module.read, []

    def dies(network, corpus, cache, rows, firsts):
        calls.append(len(rows))
        if calls.count(4) > 5:
            raise KeyboardInterrupt
        return read(network, corpus, cache, rows, firsts)

    with monkeypatch.context() as patch:
        patch.setattr(TASKS["AE"].module, "read", dies)
        with pytest.raises(KeyboardInterrupt):
            train(corpora, tmp_path / "resumed", changes=changes, amsgrad=True)
    assert not (tmp_path / "resumed" / "checkpoint.pt").exists()
    assert torch.load(tmp_path / "resumed" / "progress.pt", weights_only=True)["step"] == 4

    log = io.StringIO()
    resumed, again = train(corpora, tmp_path / "resumed", changes=changes, amsgrad=True, log=log)
    assert "16/24" in log.getvalue().replace(" ", "")
    assert_same_weights(resumed, whole)
    columns = ["step", "training_loss", "validation_loss"]
    pd.testing.assert_frame_equal(again[columns], history[columns], check_exact=True)


def killed(corpora, directory, step, place, **arguments):
    """A training that dies in `step`, as it comes to a `place`: an object and the name of its function."""
    work, take, now = getattr(*place), training._State.take, [0]

    def taken(state, *parts):
        take(state, *parts)
        now[0] = state.step

    def dies(*parts):
        if now[0] == step:
            raise KeyboardInterrupt
        return work(*parts)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._State, "take", taken)
        patch.setattr(*place, dies)
        train(corpora, directory, **arguments)


# At a rate of nothing only the running statistics move, and patience ends the training
SETTLING = {"steps": 60, "rate": 0.0, "patience": 3, "validate_every": 3, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def settled(corpora, tmp_path_factory):
    """A training that was not interrupted: its checkpoint and its history."""
    return train(corpora, tmp_path_factory.mktemp("settled"), **SETTLING)


@pytest.mark.parametrize(
    ("step", "place", "left"),
    [
        (6, (training, "_validate"), 4),
        (6, (training._State, "save"), 4),  # after the validation, which is done again
        (6, (training, "_has_settled"), 6),  # after the state was put on disk
    ],
)
@pytest.mark.parametrize("damage", [None, "torn", "flipped", "empty", "another"])
def test_a_killed_training_goes_on_to_the_same_end(step, place, left, damage, settled, corpora, tmp_path):
    whole, history = settled
    assert 12 <= whole["step"] < 60
    folder = tmp_path / "killed"
    killed(corpora, folder, step, place, **SETTLING)
    state = folder / "progress.pt"
    assert torch.load(state, weights_only=True)["step"] == left
    assert torch.load(folder / "progress.previous.pt", weights_only=True)["step"] == left - 2
    assert pd.read_csv(folder / "progress.csv")["step"].tolist()[: left // 3] == list(range(3, left + 1, 3))
    content = state.read_bytes()
    if damage == "torn":
        state.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        middle = content.index(b"data/0") + 2000  # within the weights, where PyTorch does not look
        state.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        state.write_bytes(b"")
    elif damage == "another":
        torch.save([1, 2], state)

    log = io.StringIO()
    resumed, again = train(corpora, folder, log=log, **SETTLING)
    if damage:
        left -= 2
        assert f"{state} is damaged and left aside" in log.getvalue()
    assert f"going on from step {left}\n" in log.getvalue()
    assert_same_weights(resumed, whole)
    assert resumed["step"] == whole["step"]
    columns = ["step", "training_loss", "validation_loss"]
    pd.testing.assert_frame_equal(again[columns], history[columns], check_exact=True)
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.pt", "history.csv"]


def test_the_state_taken_up_takes_the_place_of_the_damaged_one(corpora, tmp_path):
    killed(corpora, tmp_path, 6, (training._State, "save"), **SETTLING)
    (tmp_path / "progress.pt").write_bytes(b"PK")
    killed(corpora, tmp_path, 3, (training, "_has_settled"), **SETTLING)
    assert torch.load(tmp_path / "progress.pt", weights_only=True)["step"] == 2
    assert not (tmp_path / "progress.previous.pt").exists()


def test_without_a_whole_state_a_training_begins_anew(corpora, tmp_path):
    expected, _ = train(corpora, tmp_path / "expected")
    with pytest.raises(ZeroDivisionError):
        interrupted(corpora, tmp_path / "damaged")
    for name in ("progress.pt", "progress.previous.pt"):
        (tmp_path / "damaged" / name).write_bytes(b"PK")
    log = io.StringIO()
    assert_same_weights(train(corpora, tmp_path / "damaged", log=log)[0], expected)
    assert log.getvalue().count("is damaged and left aside") == 2


def test_a_state_of_another_training_is_not_taken_up(corpora, tmp_path):
    expected, _ = train(corpora, tmp_path / "expected")
    for name, other in {"rate": {"rate": 0.1}, "seed": {"seed": 1}, "trial": {"trial": 1}}.items():
        with pytest.raises(ZeroDivisionError):
            interrupted(corpora, tmp_path / name, **other)
        assert (tmp_path / name / "progress.pt").exists()
        assert_same_weights(train(corpora, tmp_path / name)[0], expected)


def interrupted(corpora, directory, **arguments):
    """A training that dies when it has written its last state."""
    save = training._State.save

    def dies(state):
        save(state)
        if state.step == 4:
            raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._State, "save", dies)
        train(corpora, directory, **arguments)


def test_the_same_seed_gives_the_same_weights_and_another_others(corpora, tmp_path):
    first, _ = train(corpora, tmp_path / "first")
    torch.rand(7)  # whatever was drawn before
    again, _ = train(corpora, tmp_path / "again")
    assert_same_weights(first, again)
    assert (tmp_path / "first/checkpoint.pt").read_bytes() == (tmp_path / "again/checkpoint.pt").read_bytes()
    for name, change in {"seed": {"seed": 1}, "trial": {"trial": 1}}.items():
        other, _ = train(corpora, tmp_path / name, **change)
        assert not torch.equal(other["weights"]["head.last.weight"], first["weights"]["head.last.weight"])


@pytest.mark.parametrize("validate_every", [2, 100])
def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_good_state(
    validate_every, corpora, tmp_path, monkeypatch
):
    read, calls = TASKS["AE"].module.read, []

    def breaks(network, corpus, cache, rows, firsts):
        inputs, spectra = read(network, corpus, cache, rows, firsts)
        calls.append(len(rows))
        return inputs, spectra * math.nan if calls.count(4) > 3 else spectra

    monkeypatch.setattr(TASKS["AE"].module, "read", breaks)
    with pytest.raises(InputError, match=r"step 4 the loss is nan.*0\.001.*progress\.pt"):
        train(corpora, tmp_path, validate_every=validate_every)
    state = torch.load(tmp_path / "progress.pt", weights_only=True)
    assert state["step"] == 2
    assert all(weight.isfinite().all() for weight in state["weights"].values())
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("checkpoint_every", [1, 2, 100])
def test_an_exploding_loss_stops_and_keeps_the_last_good_state(
    checkpoint_every, corpora, tmp_path, monkeypatch
):
    read, calls = TASKS["AE"].module.read, []

    def grows(network, corpus, cache, rows, firsts):
        inputs, spectra = read(network, corpus, cache, rows, firsts)
        calls.append(len(rows))
        return inputs, spectra * (1000 if calls.count(4) > 4 else 1)

    monkeypatch.setattr(TASKS["AE"].module, "read", grows)
    words = r"AE with VGG: at step [56].*training\.rate.*0\.001.*training\.explosion.*"
    kept = "of step 4, is in .*progress.pt" if checkpoint_every < 100 else "No state was written yet"
    with pytest.raises(InputError, match=words + kept):
        train(corpora, tmp_path, checkpoint_every=checkpoint_every)
    assert pd.read_csv(tmp_path / "progress.csv")["step"].tolist() == [2, 4]
    assert not (tmp_path / "checkpoint.pt").exists() and not (tmp_path / "history.csv").exists()
    if checkpoint_every < 100:
        assert torch.load(tmp_path / "progress.pt", weights_only=True)["step"] == 4
    else:
        assert not (tmp_path / "progress.pt").exists()
    calls.clear()
    checkpoint, _ = train(corpora, tmp_path / "never", explosion=None)
    assert checkpoint["step"] == 6


def test_training_ends_on_a_plateau(corpora, tmp_path):
    checkpoint, history = train(corpora, tmp_path, steps=40, rate=0.0, patience=2, validate_every=1)
    # At a rate of nothing only the running statistics move; the loss settles before the end
    losses = history["validation_loss"].tolist()
    assert checkpoint["step"] == len(losses) < 40
    assert min(losses[-2:]) >= min(losses[:-2])
    assert all(min(losses[k - 2 : k]) < min(losses[: k - 2]) for k in range(3, len(losses)))


@pytest.mark.parametrize("task", ["AT", "IR", "VS"])
def test_a_corpus_without_what_the_task_needs(task, corpora, tmp_path):
    with pytest.raises(InputError, match=rf"\({task}\)"):
        train({task: corpora["AE"]}, tmp_path, task)


def test_bfloat16_trains_as_well(corpora, tmp_path):
    full, _ = train(corpora, tmp_path / "full")
    half, history = train(corpora, tmp_path / "half", precision="bfloat16")
    assert half["weights"]["head.last.weight"].dtype == torch.float32
    assert not torch.equal(half["weights"]["head.last.weight"], full["weights"]["head.last.weight"])
    assert np.isfinite(history["validation_loss"]).all()
    with pytest.raises(InputError, match="float64"):
        train(corpora, tmp_path / "double", precision="float64")


def test_the_checkpoint_says_how_it_was_made(corpora, tmp_path):
    checkpoint, _ = train(corpora, tmp_path, "AT", seed=3, trial=2)
    assert checkpoint["network"] == tiny_corpus.settings("AT")
    assert checkpoint["training"] == SETTINGS
    assert (checkpoint["seed"], checkpoint["trial"], checkpoint["step"]) == (3, 2, 6)


def test_the_log_shows_loss_and_rate(corpora, tmp_path):
    log = io.StringIO()
    train(corpora, tmp_path, log=log)
    assert "AE VGG 0" in log.getvalue()
    assert "loss=" in log.getvalue() and "examples/s" in log.getvalue()
    assert len(re.findall(r"step [246]: training loss [\d.]+, validation loss [\d.]+\n", log.getvalue())) == 3
    assert len(log.getvalue()) < 1000


def test_crops_are_drawn_evenly_from_inside_the_tracks(corpora):
    corpus, _ = corpora["AE"]
    network = tiny_corpus.network()
    rng = np.random.default_rng(0)
    rows = corpus.rows("train")
    crops = [training.draw(rng, corpus, rows, 4, network) for _ in range(500)]
    for drawn, _ in crops:
        assert sorted(drawn) == [0, 1, 2, 3]
    firsts, counts = np.unique(np.concatenate([firsts for _, firsts in crops]), return_counts=True)
    # Of 9,000 samples 5,120 are taken, from a multiple of 512
    assert firsts.tolist() == [512 * frame for frame in range(8)]
    assert counts.min() > 200 and counts.max() < 300
    with_repeats, _ = training.draw(rng, corpus, rows[:2], 4, network)
    assert len(with_repeats) == 4


def test_tracks_shorter_than_an_excerpt_are_taken_from_their_start(tmp_path):
    corpora = {"IR": tiny_corpus.make(tmp_path, "IR", samples=3000)}
    _, firsts = training.draw(
        np.random.default_rng(0), corpora["IR"][0], np.arange(4), 4, tiny_corpus.network()
    )
    assert firsts.tolist() == [0, 0, 0, 0]
    _, history = train(corpora, tmp_path, "IR", "MFCC")
    assert np.isfinite(history["training_loss"]).all()


def test_without_a_validation_split_there_is_no_validation_loss(tmp_path):
    corpus, cache = tiny_corpus.make(tmp_path, "AE")
    corpus.tracks["split"] = "train"
    _, history = train({"AE": (corpus, cache)}, tmp_path)
    assert history["validation_loss"].isna().all()
    corpus.tracks["split"] = "test"
    with pytest.raises(InputError, match="no track is in the training split"):
        train({"AE": (corpus, cache)}, tmp_path)
