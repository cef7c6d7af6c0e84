"""What the encoders learn from: one module a task, one registry.

=====  ===================  ===================================  ======================
name   module               learns                               is measured by
=====  ===================  ===================================  ======================
AE     `autoencoding`       to reconstruct its input             mean squared error
AT     `tagging`            which tags people give a track       AUC over a clip's tags
IR     `instruments`        which instrument is predominant      accuracy
VS     `separation`         to take the vocals out of a mixture  SDR
=====  ===================  ===================================  ======================

Each module has these functions, of the same names:

``check(corpus)``
    Raises an InputError if the corpus has not what the task needs.
``read(network, corpus, cache, rows, firsts)``
    The tensors of a batch of training crops, on the CPU: what the encoder sees, and the target.
``loss(network, *batch)``
    The mean loss of such a batch, on the network's device.
``performance(network, excerpts, targets, statistics=None)``
    The measure for each test excerpt.
``trivial(network, corpus, excerpts, targets)``
    The measure for each test excerpt, of predictors that have learned nothing of the audio, by their names.

Targets are None for AE, the label rows (n, labels) for AT and IR, the vocals (n, samples) for VS.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType

MODULES = {
    "AE": "relatives.tasks.autoencoding",
    "AT": "relatives.tasks.tagging",
    "IR": "relatives.tasks.instruments",
    "VS": "relatives.tasks.separation",
}
"""The module of each task, by name: a job brings, and its fingerprint follows, its own task's alone."""


@dataclass(frozen=True)
class Task:
    """What is to be known of a task before it is run; `module` has its functions.

    Attributes
    ----------
    name : str
        As in tables and figures.
    title : str
        In words.
    needs : frozenset of str
        What a corpus must provide beside audio: "tags", "instruments", "stems".
    measure : str
        Of its performance, with its unit.
    higher_is_better : bool
    """

    name: str
    title: str
    needs: frozenset[str]
    measure: str
    higher_is_better: bool

    @property
    def module(self) -> ModuleType:
        """The module with the functions of the task, imported only now: it needs torch."""
        return importlib.import_module(MODULES[self.name])


TASKS = {
    task.name: task
    for task in (
        Task("AE", "autoencoding", frozenset(), "mean squared error", False),
        Task("AT", "auto-tagging", frozenset({"tags"}), "AUC", True),
        Task("IR", "instrument recognition", frozenset({"instruments"}), "accuracy", True),
        Task("VS", "voice separation", frozenset({"stems"}), "SDR [dB]", True),
    )
}
