"""Training: one loop for every task and either encoder.

A step takes a batch of crops, each as long as an excerpt, from random places of random tracks of the training
split (study, section 4.1), and moves the weights by Adam against the gradient of the task's loss. At
intervals the loss over a fixed set of crops from the validation split is written down, and the whole state is
put on disk, so that a killed job goes on where it was.

What a step draws depends on the seed and on the number of the step alone. So a resumed training is the
uninterrupted one: on a CPU, with the same number of threads, to the last bit.
"""

import hashlib
import math
import os
import time
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
        trained on each second. Until then, ``progress.pt``, the state to resume from; one of other settings
        is ignored.
    seed, trial : int
        The configured seed, and which of the trials this is.
    log : text stream, optional
        Gets the progress bar; the standard error stream by default.

    Raises
    ------
    InputError
        If the corpus lacks what the task needs or has no track to train on, or if the loss is no longer a
        number.
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
    state.resume()

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
                state.look(settings["rate"])
                bar.set_postfix(loss=f"{state.losses[-1]:.4g}", refresh=False)
            bar.update(size)
            if validates:
                rate = examples / (time.perf_counter() - started)
                with autocast:
                    validation_loss = _validate(network, validation)
                state.history.append((step, float(np.mean(state.losses)), validation_loss, rate))
                state.losses = []
                started, examples = time.perf_counter(), 0
            if saves:
                state.save()

    history = pd.DataFrame(state.history, columns=HISTORY)
    with replacing(directory / "history.csv") as partial:
        history.to_csv(partial, index=False)
    checkpoint = {
        "network": network.settings,
        "training": settings,
        "seed": seed,
        "trial": trial,
        "step": state.step,
        "weights": network.state_dict(),
    }
    _write(checkpoint, directory / "checkpoint.pt")
    state.path.unlink(missing_ok=True)


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
        "training": {key: value for key, value in settings.items() if key != "checkpoint_every"},
        "seed": seed,
        "trial": trial,
        "scaler": hashlib.sha256(np.stack([cache.mean, cache.deviation]).tobytes()).hexdigest(),
    }


class _State:
    """How far a training is, in memory and on disk."""

    def __init__(self, network: Network, optimiser: torch.optim.Optimizer, path: Path, identity: dict):
        self.network, self.optimiser, self.path, self.identity = network, optimiser, path, identity
        self.step = 0
        self.losses: list[float] = []  # since the last row of the history
        self.history: list[tuple] = []
        self.unseen: list[tuple[torch.Tensor, torch.Tensor]] = []  # losses and slopes that were not looked at

    def take(self, loss: torch.Tensor, slope: torch.Tensor) -> None:
        """Note a step, by its loss and the norm of its gradient."""
        self.step += 1
        self.unseen.append((loss.detach().float(), slope))

    def look(self, rate: float) -> None:
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
                settings = self.network.settings
                raise InputError(
                    f"{settings['task']} with {settings['encoder']}: at step {step} the loss is {loss:.4g} "
                    f"and its gradient {slope:.4g}. The learning rate of {rate} may be too high, or the "
                    f"audio holds what is not a number. The last state written is in {self.path}."
                )
            self.losses.append(loss)
        self.unseen = []

    def save(self) -> None:
        """Put the state on disk, in one step."""
        state = {
            "identity": self.identity,
            "step": self.step,
            "losses": self.losses,
            "history": self.history,
            "weights": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        _write(state, self.path)

    def resume(self) -> None:
        """Take up the state on disk, if there is one and it is of the same training."""
        if not self.path.exists():
            return
        state = torch.load(self.path, map_location=self.network.device, weights_only=True)
        if state["identity"] == self.identity:
            self.step, self.losses, self.history = state["step"], state["losses"], state["history"]
            self.network.load_state_dict(state["weights"])
            self.optimiser.load_state_dict(state["optimiser"])


def _write(content: dict, path: Path) -> None:
    """`torch.save` into a file that appears whole or not at all."""
    with replacing(path) as partial, open(partial, "wb") as file:
        torch.save(content, file)
