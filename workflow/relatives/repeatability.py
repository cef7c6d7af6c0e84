"""Whether the same audio gives the same point: an encoder is examined before it is believed.

Every distance of the study stands on it: a point that moves by itself looks as if the audio had changed. So
some excerpts are given to the encoder once, and then

* again, in the same batch;
* in another order, in the same place of memory;
* with other excerpts in the batch;
* alone;
* in a batch of another length;
* once more, after silence and all the others.

What differs shows dropout or random crops that were left on, statistics of the batch, a state or a cache kept
between calls. Looked at, too, are silence, which may give NaN; points that lie too near to one another for
float32; and an input that is changed in place.

The size of a difference is its Euclidean length as a share of the median distance between different excerpts:
how much of an ordinary distance comes from nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from relatives import embedding, points
from relatives.embedding import Encoder
from relatives.errors import InputError

FEWEST, MOST = 24, 64
"""Excerpts of an examination: two batches, within these."""

ALONE, OTHERS, LENGTH = 8, 15, 5
"""How many excerpts are tried alone, and in batches of another length; that length."""

QUIET = 1e-4
"""The factor of an excerpt that is nearly silent: −80 dB."""

CHANGED = (
    "It changes the array of audio that it is given. Here it gets a copy each time, so no number suffers; in"
    " other programs the audio would be another after it."
)

AGAIN, ORDER, COMPANIONS, SINGLE, OTHER_LENGTH, AFTER = (
    "again",
    "in another order",
    "with others in its batch",
    "alone",
    "in a batch of another length",
    "after other audio",
)
ROUNDING, SILENCE, INPUT = "rounded to float32", "silence", "input kept as it was"

KEPT = "what is kept between calls (a state, running statistics, a cache)"
OF_THE_BATCH = "statistics, a maximum or padding over the batch (of torch: is model.eval() missing?)"
TOLERANCES = {
    **dict.fromkeys((AGAIN, ORDER, COMPANIONS, AFTER), 1e-4),
    **dict.fromkeys((SINGLE, OTHER_LENGTH), 1e-2),
    ROUNDING: 1e-3,
}
"""The largest shares that are taken for rounding. A batch of the same length is the same work. One of another
length is done by other kernels, which add in another order: that moves a float32 in its last bits, and a
bfloat16, which has three digits, by more.
"""

CAUSES = {
    AGAIN: f"dropout, noise or random crops (of torch: is model.eval() missing?), and for {KEPT}",
    ORDER: f"excerpts that change places, and for {KEPT}",
    COMPANIONS: OF_THE_BATCH,
    SINGLE: OF_THE_BATCH,
    OTHER_LENGTH: OF_THE_BATCH,
    AFTER: KEPT,
}
"""What to look for, by the first of the ways that gives other points."""


@dataclass(frozen=True)
class Check:
    """One check and how it came out.

    Attributes
    ----------
    name : str
    share : float
        The largest difference of a point, as a share of the median distance between different excerpts; NaN
        where the check is of another kind.
    sentence : str
        What is to be told; "" where nothing is.
    grave : bool
        Whether what is measured with the encoder is wrong by it.
    meant : bool
        Whether the encoder's settings say that it is meant.
    """

    name: str
    share: float = np.nan
    sentence: str = ""
    grave: bool = False
    meant: bool = False


def some(count: int, batch: int | None) -> np.ndarray:
    """The rows, of `count` excerpts, that are enough for `examine`: two batches, evenly among all."""
    wanted = min(max(2 * (batch or embedding.BATCH), FEWEST), MOST, count)
    return np.linspace(0, count - 1, wanted).round().astype(int)


def examine(encoder: Encoder, excerpts: np.ndarray) -> list[Check]:
    """Give the same audio to an encoder in several ways.

    Parameters
    ----------
    encoder : Encoder
    excerpts : (n, samples) float32
        Real ones, two or more; see `some`. About four times as many are encoded.

    Returns
    -------
    list of Check
        One for each of what was tried. After points that differ when nothing but the time does, no other
        difference is looked for: it could not be told from that one.

    Raises
    ------
    InputError
        The encoder fails, or gives no points.
    """
    if len(excerpts) < 2:
        raise ValueError("an encoder is examined on two excerpts or more")
    try:
        return _examine(encoder, np.asarray(excerpts, dtype=np.float32))
    except InputError as error:
        raise InputError(f"{encoder.name}: {error}") from error


def _examine(encoder: Encoder, excerpts: np.ndarray) -> list[Check]:
    """As `examine`, without the encoder's name in what is raised."""
    if encoder.batch is None:  # pairs of batches that are all of one length
        size = min(embedding.BATCH, len(excerpts) // 2)
        excerpts = excerpts[: len(excerpts) // (2 * size) * 2 * size]
    else:
        size = min(encoder.batch, len(excerpts))
    given = _first(encoder, excerpts, size)
    reference = points.float32(given)
    scale = _scale(reference)
    dimensions, every = reference.shape[1], np.arange(len(excerpts))
    shares = {}

    def try_in_place(way: str, audio: np.ndarray, rows: np.ndarray) -> None:
        try:
            found = points.float32(points.of(encoder.run(audio), len(audio)))
            embedding.check_dimensions(found, dimensions)
        except InputError as error:
            raise _more(error, f"given {way}, ", "") from error
        shares[way] = _share(found[: len(rows)], reference[rows], scale)

    def try_out(way: str, rows: np.ndarray, batch: int) -> None:
        try:
            found = embedding.embed(encoder, excerpts[rows], batch, dimensions)
        except InputError as error:
            of_length = encoder.foreign and way in (SINGLE, OTHER_LENGTH)
            raise _more(error, f"given {way}, ", _fixed(size) if of_length else "") from error
        shares[way] = _share(found, reference[rows], scale)

    def inputs(rows: np.ndarray) -> np.ndarray:
        return encoder.inputs(embedding.fill(excerpts[rows], encoder.batch))

    audio = np.array(inputs(every[:size]))
    try_in_place(AGAIN, audio, every[:size])
    changed = not np.array_equal(audio, inputs(every[:size]))
    if shares[AGAIN] <= TOLERANCES[AGAIN]:
        # another order in the same memory, which a cache by place or by id takes for the same audio
        audio[...] = inputs(every[::-1][:size])
        try_in_place(ORDER, audio, every[::-1][:size])
        if size > 1:
            try_out(COMPANIONS, every[::2], size)
        if encoder.batch is None:
            try_out(SINGLE, every[:: -(-len(every) // ALONE)], 1)
            try_out(OTHER_LENGTH, every[::-1][:OTHERS], LENGTH if size != LENGTH else LENGTH - 1)
    silence = _of_silence(encoder, excerpts[:size])
    if shares[AGAIN] <= TOLERANCES[AGAIN]:
        try_out(AFTER, every[:size], size)
    return [
        *_of_differences(shares, encoder.deterministic),
        _of_rounding(given),
        silence,
        Check(INPUT, sentence=changed * CHANGED),
    ]


def sentences(checks: Sequence[Check]) -> list[str]:
    """What is to be told, what is grave first."""
    return [check.sentence for check in checks if check.sentence]


def believe(encoder: Encoder, checks: Sequence[Check]) -> None:
    """Raise an `InputError` that names what differed, unless the encoder's settings say that it is meant."""
    if grave := [check for check in checks if check.grave and not check.meant]:
        differs = any(check.name != ROUNDING for check in grave)
        way_out = " If it is meant, say deterministic: false among its settings." if differs else ""
        raise InputError(f"{encoder.name}: {' '.join(check.sentence for check in grave)}{way_out}")


def table(checks: Sequence[Check]) -> pd.DataFrame:
    """The checks as a table: check, share, grave, sentence; the share with two digits."""
    return pd.DataFrame(
        [(check.name, float(f"{check.share:.2g}"), check.grave, check.sentence) for check in checks],
        columns=["check", "share", "grave", "sentence"],
    )


def rounding(given: np.ndarray) -> float:
    """By how much float32 moves points (n, dimensions), as a share of the median distance between them.

    It has 7 digits: too few for points that lie near to one another and far from 0. 0 where all coincide.
    """
    scale = _scale(given)
    return _share(given.astype(np.float32), given, scale) if scale else 0.0


def percent(share: float) -> str:
    """A share for reading, with two digits: "< 0.0001 %", "0.21 %", "48 %", "190 %"."""
    value = 100 * share
    if np.isinf(value):
        return "∞"
    if 0 < value < 1e-4:
        return "< 0.0001 %"
    digits = 1 - int(np.floor(np.log10(value))) if value > 0 else 0
    return f"{value:,.{max(0, digits)}f} %"


def _first(encoder: Encoder, excerpts: np.ndarray, size: int) -> np.ndarray:
    """The points to compare with, as given; an encoder that gives them of single excerpts only is told so."""
    try:
        return embedding.as_given(encoder, excerpts, size)
    except InputError as error:
        if size == 1 or encoder.batch is not None or not encoder.foreign:
            raise
        try:
            alone = embedding.as_given(encoder, excerpts[:1])
        except InputError:
            raise error from None
        # one number alone may be one of a single number an excerpt, which is no fault of the batch
        raise _more(error, "", _fixed(1) if alone.shape[1] > 1 else "") from error


def _fixed(size: int) -> str:
    """What to do about an encoder that gives points in batches of one size only."""
    return (
        f"; with {size} excerpt{'s' * (size > 1)} at a time it gives points: if its batch is fixed, say"
        f" batch: {size} among its settings (test-encoder: --batch {size})"
    )


def _more(error: InputError, before: str, behind: str) -> InputError:
    """An error with more words about its first line; below it there may be a traceback."""
    first, *frames = str(error).split("\n", 1)
    return InputError("\n".join([f"{before}{first}{behind}", *frames]))


def _scale(found: np.ndarray) -> float:
    """The median distance between points that do not coincide; 0 where all do."""
    distances = pdist(found.astype(np.float64))
    return float(np.median(distances[distances > 0])) if distances.any() else 0.0


def _share(found: np.ndarray, reference: np.ndarray, scale: float) -> float:
    """How far the farthest point moved, as a share of `scale`: 0 where none did, infinite where that is 0."""
    moved = np.linalg.norm(found.astype(np.float64) - reference.astype(np.float64), axis=1).max()
    return float(moved / scale) if scale else float(np.inf if moved else 0.0)


def _of_differences(shares: dict[str, float], deterministic: bool) -> list[Check]:
    """The checks of the ways in which audio was given once more; the first that differs tells of all."""
    differing = [way for way in shares if shares[way] > TOLERANCES[way]]
    if not differing:
        return [Check(way, share) for way, share in shares.items()]
    advice = f"Look for {CAUSES[differing[0]]}." if deterministic else "As its settings say, this is meant."
    if np.isfinite(largest := max(shares[way] for way in differing)):
        listed = ", ".join(f"{way} ({percent(shares[way])})" for way in differing)
        sentence = (
            f"The same audio gives other points, by up to {percent(largest)} of the median distance between"
            f" different excerpts: given {listed}. {advice}"
        )
    else:
        sentence = (
            f"The same audio gives other points, given {', '.join(differing)}, while different excerpts have"
            f" the same. {advice}"
        )
    return [
        Check(way, share, sentence * (way == differing[0]), way in differing, not deterministic)
        for way, share in shares.items()
    ]


def _of_rounding(given: np.ndarray) -> Check:
    """The check of what float32 leaves of the points as they were given."""
    share = rounding(given)
    if share <= TOLERANCES[ROUNDING]:
        return Check(ROUNDING, share)
    return Check(ROUNDING, share, too_near(share), grave=True)


def too_near(share: float) -> str:
    """What is to be told of points that float32 moves by a share of the median distance."""
    return (
        "The points lie near to one another and far from 0: float32, in which points are kept, moves them by"
        f" up to {percent(share)} of the median distance between different excerpts. Subtract one and the"
        " same point from all, such as the mean of many."
    )


def _of_silence(encoder: Encoder, excerpts: np.ndarray) -> Check:
    """The check of what silence and an excerpt that is nearly silent give, in a batch with others."""
    audio = np.array(excerpts)
    words = ["silence (all zeros)", f"an excerpt at {20 * np.log10(QUIET):.0f} dB"][: len(audio)]
    for row, factor in enumerate([0.0, QUIET][: len(audio)]):
        audio[row] *= factor
    audio = embedding.fill(audio, encoder.batch)
    try:
        finite = np.isfinite(points.of(encoder(audio), len(audio))).all(axis=1)
        bad = [
            f"{kind} gives NaN or infinity" for kind, whole in zip(words, finite, strict=False) if not whole
        ]
    except InputError as error:
        first = str(error).split("\n", 1)[0]
        bad = [f"with {' and '.join(words)} in the batch {first}"]
    if not bad:
        return Check(SILENCE)
    told = " and ".join(bad)
    return Check(
        SILENCE,
        sentence=f"{told[0].upper()}{told[1:]}. No excerpt of this test is silent, so no number here suffers;"
        " in other music one will: put a floor under the logarithm or the division.",
    )
