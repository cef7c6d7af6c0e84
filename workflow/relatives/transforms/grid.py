"""The magnitudes of the transformations: the study's grid, and what can be asked for at all.

Sources
-------
"Are Nearby Neighbors Relatives? Testing Deep Music Embeddings" (2019), the section on the transformations.
"""

import difflib
from numbers import Real

from relatives.errors import InputError
from relatives.transforms import mp3

# fmt: off
GRID = {
    "PS": (-12.0, -10.0, -8.0, -6.0, -4.0, -2.0, -1.0, -0.75, -0.5, -0.25,
           0.25, 0.5, 0.75, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0),
    "TS": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.92, 0.94, 0.96, 0.98,
           1.02, 1.04, 1.06, 1.08, 1.1, 1.2, 1.3, 1.4, 1.5),
    "PN": (-15.0, -10.0, -6.0, -3.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0, 27.0,
           27.5, 28.0, 28.5, 29.0, 29.5, 30.0),
    "EN": (-15.0, -10.0, -6.0, -3.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0, 27.0,
           27.5, 28.0, 28.5, 29.0, 29.5, 30.0),
    "MP": (8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 64.0, 80.0, 96.0, 112.0, 128.0, 160.0,
           192.0, 224.0, 256.0, 320.0),
}
# fmt: on
"""The 94 magnitudes of the study by transformation, ascending. Their units are in `UNITS`."""

SMALLEST = {
    "PS": (-0.25, 0.25),
    "TS": (0.98, 1.02),
    "PN": (30.0,),
    "EN": (30.0,),
    "MP": (192.0,),
}
"""The magnitudes that the study counts as the smallest transformations (its Figures 9 and 12)."""

ORIGINAL = "OG"
"""The name of the original among the transformations; its magnitude is 0 and means nothing."""

UNITS = {
    "OG": "original",
    "PS": "pitch shift (semitones)",
    "TS": "tempo shift (ratio of the original tempo)",
    "PN": "pink noise (dB SNR)",
    "EN": "environmental noise (dB SNR)",
    "MP": "MP3 compression (kb/s)",
}
"""What a magnitude is, with its unit, as it stands at an axis."""

RANGES = {
    "PS": (-24.0, 24.0),
    "TS": (0.25, 4.0),
    "PN": (-60.0, 60.0),
    "EN": (-60.0, 60.0),
}
"""Least and greatest magnitude of each transformation; MP has the bit rates of `mp3.RATES` instead."""


def check(name, magnitude):
    """Refuse a transformation that there is not, and a magnitude outside its range.

    Parameters
    ----------
    name : str
        A key of `UNITS`.
    magnitude : float
        In the unit of the transformation.

    Raises
    ------
    InputError
        Naming the transformation, the magnitude, its unit and its range.

    Examples
    --------
    >>> check("TS", 1.5)
    >>> check("TS", 5)
    Traceback (most recent call last):
    relatives.errors.InputError: TS, tempo shift (ratio of the original tempo): 5 is outside 0.25 to 4.
    """
    if name not in UNITS:
        nearest = difflib.get_close_matches(str(name).upper(), UNITS, n=1, cutoff=0.0)[0]
        known = ", ".join(UNITS)
        raise InputError(f"There is no transformation {name!r}; the nearest is {nearest!r}. Known: {known}.")
    if not isinstance(magnitude, Real):
        raise InputError(f"{name}, {UNITS[name]}: {magnitude!r} is not a number.")
    if name == "MP" and magnitude not in mp3.RATES:
        rates = " ".join(map(str, mp3.RATES))
        raise InputError(f"{name}, {UNITS[name]}: {magnitude:g} is no rate of MP3, which has {rates}.")
    if name in RANGES:
        least, greatest = RANGES[name]
        # asked this way round, not-a-number is refused too
        if not least <= magnitude <= greatest:
            raise InputError(f"{name}, {UNITS[name]}: {magnitude:g} is outside {least:g} to {greatest:g}.")
