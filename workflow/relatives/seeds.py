"""Random generators drawn from the configured seed by name.

A draw belongs to what it is drawn for: the stage, the item, the trial. So it depends neither on the order of
jobs nor on the number of cores, and a new draw somewhere leaves all others as they were.
"""

import hashlib

import numpy as np


def sequence(seed: int, *names: object) -> np.random.SeedSequence:
    """The seed sequence that belongs to `names` under `seed`.

    Parameters
    ----------
    seed : int
        The configured seed, 0 or more.
    *names
        What the draw is for, from the general to the special: ``"training", "AT", "VGG", 0``. They
        are told apart by their text, so 1 and "1" are the same name.

    Examples
    --------
    >>> sequence(7, "excerpts").entropy == sequence(7, "training").entropy
    False
    """
    text = "\x1f".join(map(str, names))
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.SeedSequence([seed, *np.frombuffer(digest, dtype="<u4").tolist()])


def generator(seed: int, *names: object) -> np.random.Generator:
    """The generator that belongs to `names` under `seed`; see `sequence`."""
    return np.random.default_rng(sequence(seed, *names))


def number(seed: int, *names: object) -> int:
    """A whole number below 2^63 that belongs to `names` under `seed`, for libraries that take one."""
    return int(sequence(seed, *names).generate_state(1, np.uint64)[0] >> 1)
