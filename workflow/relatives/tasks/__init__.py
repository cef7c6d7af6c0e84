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
``performance(networks, excerpts, targets, points=None)``
    The measure for each test excerpt, of all trials at once.
``baselines(network, corpus, excerpts, targets, points=None)``
    The measure for each test excerpt, of what one trial is compared with, by the names in `TASKS`.

Targets are None for AE, the label rows (n, labels) for AT and IR, the vocals (n, samples) for VS. Points are
the excerpts in a network's latent space, where they are known already. The last two functions of VS also take
``counts``, the windows that count.
"""

import importlib
from dataclasses import dataclass, field
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
    trivial : dict of str to str
        What has learned nothing, by name, and in words what it gives.
    ablations : dict of str to str
        What is still the trained network, but with another z than the excerpt's; likewise.
    """

    name: str
    title: str
    needs: frozenset[str]
    measure: str
    higher_is_better: bool
    trivial: dict[str, str] = field(hash=False)
    ablations: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def module(self) -> ModuleType:
        """The module with the functions of the task, imported only now: it needs torch."""
        return importlib.import_module(MODULES[self.name])


TASKS = {
    task.name: task
    for task in (
        Task(
            "AE",
            "autoencoding",
            frozenset(),
            "mean squared error",
            False,
            {
                "mean spectrum": "the training set's mean spectrum, whatever the excerpt",
                "own mean spectrum": "the excerpt's own mean over time, in all frames: nothing moves",
            },
        ),
        Task(
            "AT",
            "auto-tagging",
            frozenset({"tags"}),
            "AUC",
            True,
            {"frequency": "the tags by how frequent they are in training", "chance": "the tags in any order"},
        ),
        Task(
            "IR",
            "instrument recognition",
            frozenset({"instruments"}),
            "accuracy",
            True,
            {"frequency": "always the class most frequent in training", "chance": "any class"},
        ),
        Task(
            "VS",
            "voice separation",
            frozenset({"stems"}),
            "SDR [dB]",
            True,
            {"mixture": "the mixture as it is, taken for the vocals"},
            {
                "z = 0": "this network with z = 0: what comes through the skip connections alone",
                "mean z": "this network with the training set's mean z: one mask for all",
                "another excerpt's z": "this network with the z of an excerpt of another song",
            },
        ),
    )
}
