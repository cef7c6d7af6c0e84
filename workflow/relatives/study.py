"""What the study compared. A run may have more: an untrained network, encoders of the user's own.

What is held against a number of the study is computed on these levels alone, because one space more changes
the F of a model and the number of its rows.
"""

from collections.abc import Container

SPACES = ("mfcc", "AT", "IR", "VS", "AE")
"""The latent spaces, from the most to the least consistent in the study (section 5.2)."""

TASKS = ("AE", "AT", "IR", "VS")
ENCODERS = ("VGG", "MFCC")

LEVELS = {"space": SPACES, "task": TASKS, "encoder": ENCODERS}
"""By the factor of the study's models; the transformations are those of the grid."""

AUDIO = ("dtw", "simple")
LATENT = ("euclidean", "cosine")
"""The distances of the audio space, and those of the latent spaces."""

DIFFERENCE = "euclidean_less_cosine"
"""In a model's name, in the place of a distance: how much larger the correlation is under the first."""

LEAD = "lead of VGG over MFCC"
"""The term of the performance that says how far VGG is ahead of MFCC in each task."""

PREFIX = "study_"
"""Of the name of an additive model that is fitted to these levels alone, where the run has more."""


def model(name: str, fitted: Container[str]) -> str:
    """The name of the additive model that the study's numbers are held against: its own, if there is one."""
    return f"{PREFIX}{name}" if f"{PREFIX}{name}" in fitted else name
