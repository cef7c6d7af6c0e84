"""Training: one loop for every task and either encoder.

A step takes a batch of crops, each as long as an excerpt, from random places of random tracks of the training
split (study, section 4.1), and moves the weights by Adam against the gradient of the task's loss. At
intervals the loss over a fixed set of crops from the validation split is written down, and the whole state is
put on disk, so that a killed job goes on where it was. The state before is kept too: a file that a failing
disk damaged costs the steps since, and not the training.

What a step draws depends on the seed and on the number of the step alone. So a resumed training is the
uninterrupted one: on a CPU, with the same number of threads, to the last bit.
"""

import hashlib
import math
import os
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from relatives import seeds
from relatives.corpora.store import Corpus
from relatives.errors import InputError
from relatives.features import mfcc
from relatives.features.cache import Cache
from relatives.files import replacing
from relatives.models import networks
from relatives.models.networks import Network
from relatives.tasks import TASKS

LOOK_EVERY = 20
"""Steps after which the losses are looked at: to look waits until a GPU has done all that it was given."""

WITHOUT_EFFECT = {"checkpoint_every", "explosion"}
"""Settings that change no weight of a training that ends."""

STATE = ("identity", "step", "losses", "history", "weights", "optimiser")
"""What is put on disk, to go on from."""

HISTORY = ["step", "training_loss", "validation_loss", "examples_per_second"]


def train(
    network: Network,
    corpus: Corpus,
    cache: Cache,
    settings: dict,
    directory: str | os.PathLike,
    seed: int,
    trial: int,
    log: TextIO | None = None,
) -> None:
    """Train a network and write its checkpoint.

    Parameters
    ----------
    network : Network
        As `networks.build` draws it; it knows its task. It is trained in place.
    corpus : Corpus
        With what the task needs.
    cache : Cache
        The spectrograms of the corpus.
    settings : dict
        ``steps`` : int
            Batches to train on; the weights after the last one are kept, as in the study.
        ``batch`` : int
            Crops a step; 24 in the study, all from different tracks if there are so many.
        ``rate`` : float
            Learning rate of Adam; 0.001 in the study.
        ``amsgrad`` : bool, ``weight_decay`` : float
            Of Adam; true and 1e-7 in the study's released code.
        ``validate_every``, ``validation_crops`` : int
            Steps between validations, and crops in each.
        ``patience`` : int or None
            Ends the training early after so many validations without a new least loss; None never does.
        ``explosion`` : float or None
            Ends the training in an error when the mean loss since the last validation is more than so many
            times that before the first one; None never does. An ordinary training only falls from there.
        ``checkpoint_every`` : int
            Steps between the states put on disk.
        ``threads`` : int
            Of the CPU. Another number may change the last bits of the weights.
        ``device`` : {"auto", "cpu", "cuda"}
            "auto" takes CUDA where there is one.
        ``precision`` : {"auto", "float32", "bfloat16"}
            Of the layers. "auto" is bfloat16 (automatic mixed precision) on CUDA and float32 on a CPU.
    directory
        Gets ``checkpoint.pt``: ``network`` and ``training`` (the settings), ``seed``, ``trial``, ``step`` and
        ``weights``; and ``history.csv``: a row a validation with the number of the step, the mean training
        loss since the last row, the validation loss (empty without a validation split) and the examples
        trained on each second. Until then, ``progress.pt``, the state to resume from, and
        ``progress.previous.pt``, the one before, for where that is damaged; states of other settings are
        ignored. And ``progress.csv``, the history so far.
    seed, trial : int
        The configured seed, and which of the trials this is.
    log : text stream, optional
        Gets the progress bar, and a line a validation; the standard error stream by default.

    Raises
    ------
    InputError
        If the corpus lacks what the task needs or has no track to train on, or if the loss is no longer a
        number or explodes. The last good state is kept.
    """
    task = TASKS[network.settings["task"]]
    task.module.check(corpus)
    rows = corpus.rows("train")
    if not len(rows):
        raise InputError(f"{corpus.directory}: no track is in the training split")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings["threads"])
    torch.set_flush_denormal(True)
    device = networks.resolve(settings["device"])
    autocast = torch.autocast(
        device.type, torch.bfloat16, enabled=_is_bfloat16(settings["precision"], device)
    )
    names = (task.name, network.settings["encoder"], trial)
    steps, size = settings["steps"], settings["batch"]

    network.to(device)
    optimiser = torch.optim.Adam(
        network.parameters(),
        lr=settings["rate"],
        amsgrad=settings["amsgrad"],
        weight_decay=settings["weight_decay"],
    )
    validation = _validation_batches(network, corpus, cache, settings, seed)
    identity = _identity(network, cache, settings, seed, trial)
    state = _State(network, optimiser, directory / "progress.pt", identity)
    state.resume(log or sys.stderr)
    progress = directory / "progress.csv"
    _write_history(state.history, progress)

    def read(step: int) -> tuple[int, list[torch.Tensor]]:
        """What a step draws: the seed of dropout, and the batch."""
        rng = seeds.generator(seed, "training", *names, step)
        dropout = int(rng.integers(2**63))
        crops = draw(rng, corpus, rows, size, network)
        batch = task.module.read(network, corpus, cache, *crops)
        return dropout, [tensor.pin_memory() for tensor in batch] if device.type == "cuda" else batch

    bar = tqdm(total=steps * size, initial=state.step * size, unit=" examples", file=log)
    # The reader reads a batch while the one before is trained on
    with bar, ThreadPoolExecutor(1) as reader:
        bar.set_description(" ".join(map(str, names)), refresh=False)
        bar.mininterval = 0.1 if bar.fp.isatty() else 5  # s, so that a log file stays short
        started, examples = time.perf_counter(), 0
        upcoming = reader.submit(read, state.step + 1)
        while state.step < steps and not _has_settled(state.history, settings["patience"]):
            step = state.step + 1
            dropout, batch = upcoming.result()
            if step < steps:
                upcoming = reader.submit(read, step + 1)
            torch.manual_seed(dropout)
            batch = [tensor.to(device, non_blocking=True) for tensor in batch]

            network.train()
            with autocast:
                loss = task.module.loss(network, *batch)
            optimiser.zero_grad()
            loss.backward()
            slope = torch.nn.utils.get_total_norm(weight.grad for weight in network.parameters())
            optimiser.step()
            state.take(loss, slope)

            examples += size
            validates = step % settings["validate_every"] == 0 or step == steps
            saves = step % settings["checkpoint_every"] == 0
            if validates or saves or step % LOOK_EVERY == 0:
                state.look(settings)
                bar.set_postfix(loss=f"{state.losses[-1]:.4g}", refresh=False)
            bar.update(size)
            if validates or saves:
                state.check_explosion(settings)
            if validates:
                rate = examples / (time.perf_counter() - started)
                with autocast:
                    validation_loss = _validate(network, validation)
                training_loss = float(np.mean(state.losses))
                state.history.append((step, training_loss, validation_loss, rate))
                state.losses = []
                _write_history(state.history, progress)
                tqdm.write(
                    f"step {step}: training loss {training_loss:.4g}, validation loss {validation_loss:.4g}",
                    file=bar.fp,
                )
                started, examples = time.perf_counter(), 0
            if saves:
                state.save()

    _write_history(state.history, directory / "history.csv")
    save_checkpoint(network, directory / "checkpoint.pt", settings, seed, trial, state.step)
    for path in (state.path, state.previous, progress):
        path.unlink(missing_ok=True)


def save_checkpoint(network: Network, path: Path, settings: dict, seed: int, trial: int, step: int) -> None:
    """Write what `networks.load` reads: the network, and how it came to be.

    Parameters
    ----------
    network : Network
    path : Path
    settings : dict
        Of the training.
    seed, trial : int
        The configured seed, and which of the trials this is.
    step : int
        Steps that the network was trained.
    """
    checkpoint = {
        "network": network.settings,
        "training": settings,
        "seed": seed,
        "trial": trial,
        "step": step,
        "weights": network.state_dict(),
    }
    with replacing(path) as partial, open(partial, "wb") as file:
        torch.save(checkpoint, file)


def draw(
    rng: np.random.Generator, corpus: Corpus, rows: np.ndarray, count: int, network: Network
) -> tuple[np.ndarray, np.ndarray]:
    """Random crops, as long as an excerpt.

    Parameters
    ----------
    rng : Generator
    corpus : Corpus
    rows : (n,) int
        The tracks to draw from.
    count : int
    network : Network
        Its settings know the length of an excerpt.

    Returns
    -------
    rows, firsts : (count,) int
        The tracks, all different if there are enough, and the first sample of each crop: a multiple of 512,
        as the frames of both spectrograms in the cache are. A track shorter than an excerpt is taken from its
        start.
    """
    drawn = rng.choice(rows, count, replace=count > len(rows))
    spare = corpus.tracks["samples"].to_numpy()[drawn] - network.settings["samples"]
    positions = np.maximum(spare // mfcc.HOP, 0) + 1
    return drawn, rng.integers(positions) * mfcc.HOP


def _validation_batches(
    network: Network, corpus: Corpus, cache: Cache, settings: dict, seed: int
) -> list[list[torch.Tensor]]:
    """The fixed validation crops in batches, for a task the same in every trial; none without such tracks."""
    rows = corpus.rows("valid")
    if not len(rows):
        return []
    task = TASKS[network.settings["task"]]
    rng = seeds.generator(seed, "validation", task.name)
    drawn, firsts = draw(rng, corpus, rows, settings["validation_crops"], network)
    parts = np.array_split(np.arange(len(drawn)), math.ceil(len(drawn) / settings["batch"]))
    return [
        [
            tensor.to(network.device)
            for tensor in task.module.read(network, corpus, cache, drawn[part], firsts[part])
        ]
        for part in parts
    ]


def _validate(network: Network, batches: list[list[torch.Tensor]]) -> float:
    """The mean loss over the validation crops; NaN if there are none."""
    if not batches:
        return math.nan
    loss = TASKS[network.settings["task"]].module.loss
    network.eval()
    with torch.inference_mode():
        losses = [loss(network, *batch).item() for batch in batches]
    return float(np.average(losses, weights=[len(batch[0]) for batch in batches]))


def _has_settled(history: list[tuple], patience: int | None) -> bool:
    """Whether the last `patience` validations brought no new least loss."""
    losses = [row[HISTORY.index("validation_loss")] for row in history]
    return (
        patience is not None and len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
    )


def _is_bfloat16(precision: str, device: torch.device) -> bool:
    """What the setting ``precision`` means on a device."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise InputError(f"precision is {precision!r}; it can be auto, float32 or bfloat16")
    return precision == "bfloat16" or (precision == "auto" and device.type == "cuda")


def _identity(network: Network, cache: Cache, settings: dict, seed: int, trial: int) -> dict:
    """What two runs must share for one to go on where the other was; the scaler tells corpora apart."""
    return {
        "network": network.settings,
        "training": {key: value for key, value in settings.items() if key not in WITHOUT_EFFECT},
        "seed": seed,
        "trial": trial,
        "scaler": hashlib.sha256(np.stack([cache.mean, cache.deviation]).tobytes()).hexdigest(),
    }


class _State:
    """How far a training is, in memory and on disk."""

    def __init__(self, network: Network, optimiser: torch.optim.Optimizer, path: Path, identity: dict):
        self.network, self.optimiser, self.path, self.identity = network, optimiser, path, identity
        self.previous = path.with_stem(f"{path.stem}.previous")
        self.step = 0
        self.saved: int | None = None  # the step of the state on disk
        self.losses: list[float] = []  # since the last row of the history
        self.history: list[tuple] = []
        self.unseen: list[tuple[torch.Tensor, torch.Tensor]] = []  # losses and slopes that were not looked at

    @property
    def name(self) -> str:
        """The training in words."""
        return f"{self.network.settings['task']} with {self.network.settings['encoder']}"

    @property
    def kept(self) -> str:
        """What is kept of a training that has to end, in words."""
        losses = f"the losses until then are in {self.path.with_suffix('.csv')}"
        if self.saved is None:
            return f"No state was written yet (training.checkpoint_every); {losses}."
        return f"The last good state, of step {self.saved}, is in {self.path}; {losses}."

    def take(self, loss: torch.Tensor, slope: torch.Tensor) -> None:
        """Note a step, by its loss and the norm of its gradient."""
        self.step += 1
        self.unseen.append((loss.detach().float(), slope))

    def look(self, settings: dict) -> None:
        """Look at what the last steps gave, which must come before they are validated or put on disk.

        Raises
        ------
        InputError
            One of them lost the weights.
        """
        first = self.step - len(self.unseen) + 1
        # (steps, 2)
        seen = torch.stack([torch.stack(pair) for pair in self.unseen]).tolist()
        for step, (loss, slope) in enumerate(seen, first):
            if not (math.isfinite(loss) and math.isfinite(slope)):
                raise InputError(
                    f"{self.name}: at step {step} the loss is {loss:.4g} and its gradient {slope:.4g}. The "
                    f"learning rate (training.rate) of {settings['rate']} may be too high, or the audio "
                    f"holds what is not a number. {self.kept}"
                )
            self.losses.append(loss)
        self.unseen = []

    def check_explosion(self, settings: dict) -> None:
        """Look at the losses since the last validation, which must come before they are put on disk.

        Raises
        ------
        InputError
            They are far above those before the first one.
        """
        bound = settings["explosion"]
        if bound is None or not self.history or not self.losses:
            return
        first, now = self.history[0][HISTORY.index("training_loss")], float(np.mean(self.losses))
        if now > bound * first:
            raise InputError(
                f"{self.name}: at step {self.step} the training loss is {now:.4g}, the mean of the last "
                f"{len(self.losses)} steps, and was {first:.4g} before the first validation: it explodes. "
                f"Lower the learning rate (training.rate) of {settings['rate']}; or, if this is as it should "
                f"be, raise training.explosion above {bound:g}. {self.kept}"
            )

    def save(self) -> None:
        """Put the state on disk, in one step; the one that was there becomes the previous one."""
        state = {
            "identity": self.identity,
            "step": self.step,
            "losses": self.losses,
            "history": self.history,
            "weights": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        with replacing(self.path) as partial:
            with open(partial, "wb") as file:
                torch.save(state, file)
            # Between this and the next rename a kill leaves the previous one alone, which is whole
            if self.path.exists():
                os.replace(self.path, self.previous)
        self.saved = self.step

    def resume(self, log: TextIO) -> None:
        """Take up the last whole state on disk of the same training, if there is one, and say so."""
        for path in (self.path, self.previous):
            if not path.exists():
                continue
            try:
                state = _read(path)
            except Exception as error:  # of whatever kind: a damaged file can fail anywhere
                reason = " ".join(str(error).split())[:200]
                print(f"{path} is damaged and left aside: {type(error).__name__}: {reason}", file=log)
                continue
            if state["identity"] != self.identity:
                print(f"{path} is of other settings or of another corpus and left aside", file=log)
                continue
            self.step, self.losses, self.history = state["step"], state["losses"], state["history"]
            self.network.load_state_dict(state["weights"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.saved = self.step
            print(f"{path}: going on from step {self.step}", file=log)
            if path == self.previous:
                # A damaged file must not become the previous state
                os.replace(self.previous, self.path)
            return


def _read(path: Path) -> dict:
    """A state on disk.

    Raises
    ------
    Exception
        Of any kind, if the file is damaged. PyTorch does not look at the checksums of the ZIP file that it
        writes, `zipfile` does.
    """
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not state.keys() >= set(STATE):
        raise ValueError("it holds no state of a training")
    return state


def _write_history(history: list[tuple], path: Path) -> None:
    """The history as a CSV file that appears whole or not at all."""
    with replacing(path) as partial:
        pd.DataFrame(history, columns=HISTORY).to_csv(partial, index=False)
