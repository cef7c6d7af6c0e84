"""The test of one encoder, without a configuration: what ``relatives test-encoder`` measures.

The consistency study in small: excerpts are transformed, and their distances to the originals compared in the
encoder's space, in that of MFCC, and in the audio itself (DTW and SiMPle of the MFCC sequences). The
settings are the study's where config.yaml has them from there. Of the grid, `grid` takes the smallest and the
gravest magnitudes, or more. Everything is held as one trial of the pipeline's tables.

`measure` does the work, place by place, so that memory does not grow with the grid; `compare`, `strays`
and `findings` say what it means. Nothing here reads or writes a file.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from relatives import claims, consistency, distances, embedding, seeds, tables, transforms
from relatives.audio import centre, quantise
from relatives.embedding import Encoder
from relatives.errors import InputError
from relatives.features import mfcc
from relatives.figures.style import DISTANCES
from relatives.statistics import bootstrap

SECONDS, WINDOW = 2.0, 4.0
"""Of an excerpt, and of what is transformed about it (study)."""

FASTEST = max(transforms.GRID["TS"])
"""The largest ratio of tempo."""

SUBSEQUENCE = 50
"""Frames of a subsequence of SiMPle (study); fewer where an excerpt at a low sampling rate has fewer."""

DRAWS, LEVEL = 1000, 0.95
"""Of the bootstrap (study)."""

MFCC = "mfcc"
"""The space that the encoder is held against."""

SHOWN = 6
"""Neighbours that are not relatives, to be heard."""

PLACES = [(name, magnitude) for name, magnitudes in transforms.GRID.items() for magnitude in magnitudes]

RANGES = {"smallest": claims.smallest, "gravest": claims.gravest}


@dataclass(frozen=True)
class Measurement:
    """What `measure` found, one trial a space.

    Attributes
    ----------
    space : str
        The encoder's.
    places : DataFrame
        transformation, magnitude.
    excerpt_ids : (n,)
    errors : dict of (space, trial, distance) to (places, n)
        Of the encoder's space, of MFCC and of the space ``audio``, 0 or 1.
    correlations : dict of (space, trial, audio distance, latent distance) to (places,)
    draws : dict of the same to (places, draws)
    by_row : dict of the same to (places, n)
        The correlation of each transformed excerpt.
    by_row_draws : dict of the same to (places, draws)
    neighbours : dict of str to (places, n)
        By Euclidean distance in the encoder's space: ``own``, the distance to the own original; ``other``,
        that to the nearest of the others; ``index``, which that is.
    points : list of (transformation, magnitude, (n, dimensions))
        The originals and the smallest transformations in the encoder's space.
    coinciding : int
        Originals that have the same point as another original.
    weights : (draws, n)
        Of the bootstrap.
    """

    space: str
    places: pd.DataFrame
    excerpt_ids: np.ndarray
    errors: dict
    correlations: dict
    draws: dict
    by_row: dict
    by_row_draws: dict
    neighbours: dict
    points: list
    coinciding: int
    weights: np.ndarray

    @property
    def dimensions(self) -> int:
        """Of the encoder's space."""
        return self.points[0][2].shape[1]

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of `tables.within` and `tables.between`."""
        within = tables.within(self.places, self.excerpt_ids, self.errors, self.weights, LEVEL)
        compared = consistency.Compared(
            self.errors, self.correlations, self.draws, self.by_row, self.by_row_draws
        )
        between = tables.between(self.places, self.excerpt_ids, compared, self.weights, LEVEL)
        return within | between


def grid(count: int) -> dict[str, list[float]]:
    """The smallest and the gravest magnitudes of each transformation, and `count` evenly along the grid.

    Examples
    --------
    >>> grid(0)["TS"]
    [0.3, 0.98, 1.02, 1.5]
    """
    found = {}
    for name, magnitudes in transforms.GRID.items():
        ends = {magnitude for choose in RANGES.values() for _, magnitude in choose(PLACES, name)}
        steps = np.linspace(0, len(magnitudes) - 1, min(count, len(magnitudes))).round().astype(int)
        found[name] = sorted(ends | {magnitudes[step] for step in steps})
    return found


def originals(windows: np.ndarray, samples: int) -> np.ndarray:
    """The excerpts (n, samples) in the middle of windows (n, window samples), rounded as the transformed."""
    return np.stack([quantise(centre(window, samples)) for window in windows])


def transformed(name, magnitude, windows, samples, sample_rate, excerpt_ids, seed, noise, pool):
    """All excerpts under one transformation, (n, samples) float32, as the pipeline makes them."""
    numbers = [seeds.number(seed, "transforms", excerpt_id) for excerpt_id in excerpt_ids]
    made = pool.map(
        lambda window, number: transforms.excerpt(
            name, magnitude, window, samples, sample_rate, number, noise
        )[0],
        windows,
        numbers,
    )
    return np.stack(list(made))


def measure(
    encode: Encoder,
    space: str,
    windows: np.ndarray,
    excerpt_ids: np.ndarray,
    magnitudes: dict[str, list[float]],
    sample_rate: int,
    seed: int,
    noise: np.ndarray,
    workers: int,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Measurement:
    """Transform, embed and compare.

    Parameters
    ----------
    encode : Encoder or callable
        As from `embedding.encoder`.
    space : str
        What its space is called.
    windows : (n, window samples) float32
        About the excerpts; of `WINDOW` seconds.
    excerpt_ids : (n,)
    magnitudes : dict
        As from `grid`.
    sample_rate : int
        In Hz.
    seed : int
        Of the noises and of the bootstrap.
    noise : (samples,) float32
        For EN.
    workers : int
        Excerpts transformed at a time. It changes nothing in the result.
    progress : callable
        Wraps the places, to show how far it is.

    Raises
    ------
    InputError
        If the encoder fails; it says under which transformation.
    """
    samples = round(SECONDS * sample_rate)
    places = tables.places(magnitudes)
    weights = bootstrap.weights(len(windows), DRAWS, seed)
    own = np.arange(len(windows))
    subsequence = min(SUBSEQUENCE, 1 + samples // mfcc.HOP)

    def points(audio, sequences, place, dimensions=None):
        try:
            found = embedding.embed(encode, audio, dimensions=dimensions)
        except InputError as error:
            raise InputError(f"encoder {space!r}, on {place}: {error}") from error
        return {space: found, MFCC: mfcc.statistics(sequences)}

    def audio_distances(sequences):
        return {
            "dtw": distances.dtw(sequences, reference_sequences, device="cpu"),
            "simple": distances.simple(sequences, reference_sequences, subsequence, device="cpu"),
        }

    audio = originals(windows, samples)
    reference_sequences = mfcc.sequences(audio, sample_rate)
    references = points(audio, reference_sequences, "the originals")
    coinciding = consistency.within_space_errors(
        distances.euclidean(references[space], references[space]), own
    ).sum()
    kept = [("OG", 0.0, references[space])]
    compared, neighbours = [], defaultdict(list)
    with ThreadPoolExecutor(workers) as pool:
        for name, magnitude in progress(list(places.itertuples(index=False, name=None))):
            audio = transformed(
                name, magnitude, windows, samples, sample_rate, excerpt_ids, seed, noise, pool
            )
            sequences = mfcc.sequences(audio, sample_rate)
            place = f"excerpts under {place_name(name, magnitude)}"
            queries = points(audio, sequences, place, references[space].shape[1])
            if magnitude in transforms.SMALLEST[name]:
                kept.append((name, magnitude, queries[space]))
            latent = {(at, 0): (queries[at], references[at]) for at in queries}
            compared.append(consistency.compare_spaces(audio_distances(sequences), latent, weights, pool))
            matrix = distances.euclidean(queries[space], references[space])
            others = np.where(np.eye(len(own), dtype=bool), np.inf, matrix)
            neighbours["own"].append(matrix[own, own])
            neighbours["other"].append(others.min(axis=1))
            neighbours["index"].append(others.argmin(axis=1))
    neighbours = {key: np.stack(rows) for key, rows in neighbours.items()}
    return Measurement(
        space,
        places,
        excerpt_ids,
        *consistency.over_places(compared),
        neighbours,
        kept,
        int(coinciding),
        weights,
    )


def compare(measurement: Measurement) -> pd.DataFrame:
    """The encoder beside MFCC.

    Over several transformations a quantity is the mean of that of each, whatever number of magnitudes it has.
    The difference's interval is over excerpts, the same in both spaces.

    Returns
    -------
    DataFrame
        quantity (consistency; correlation, of all pairs together; correlation by excerpt, the mean of those
        of each transformed excerpt), where (smallest, gravest or all magnitudes), audio_distance (of a
        correlation, else empty), latent_distance, encoder, mfcc, difference, lower, upper.
    """
    found = measurement
    rows = []

    def add(quantity, where, audio, latent, values, draws):
        difference = values[0] - values[1]
        lower, upper = bootstrap.limits(draws[0] - draws[1], LEVEL)
        rows.append((quantity, where, audio, latent, *values, difference, lower, upper))

    spaces = (found.space, MFCC)
    for where, latent in product(RANGES, consistency.LATENT):
        shares = place_weights(found.places, RANGES[where])
        # (places,) @ (places, n) -> (n,)
        values = [shares @ (1.0 - found.errors[space, 0, latent]) for space in spaces]
        draws = [bootstrap.means(by_excerpt, found.weights) for by_excerpt in values]
        add("consistency", where, "", latent, [value.mean() for value in values], draws)
    shares = place_weights(found.places, lambda places, name: [place for place in places if place[0] == name])
    for audio, latent in product(consistency.AUDIO, consistency.LATENT):
        keys = [(space, 0, audio, latent) for space in spaces]
        values = [shares @ found.correlations[key] for key in keys]
        add("correlation", "all", audio, latent, values, [shares @ found.draws[key] for key in keys])
        values = [shares @ bootstrap.mean(found.by_row[key]) for key in keys]
        draws = [shares @ found.by_row_draws[key] for key in keys]
        add("correlation by excerpt", "all", audio, latent, values, draws)
    columns = ["quantity", "where", "audio_distance", "latent_distance", "encoder", "mfcc"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "lower", "upper"])


def place_weights(places: pd.DataFrame, choose: Callable) -> np.ndarray:
    """The weight of each place, (places,), in the mean over transformations of those that `choose` takes."""
    names = list(dict.fromkeys(places["transformation"]))
    rows = list(places.itertuples(index=False, name=None))
    weights = np.zeros(len(rows))
    for name in names:
        chosen = choose(rows, name)
        weights[[rows.index(place) for place in chosen]] = 1 / len(chosen) / len(names)
    return weights


def strays(measurement: Measurement) -> pd.DataFrame:
    """The transformed excerpts that lie no nearer to their own original than to another, the gravest first.

    By Euclidean distance in the encoder's space. An error under the smallest transformations is graver
    than one under others; of these, that is graver whose own original is farther away for the distance of the
    other.

    Returns
    -------
    DataFrame
        place (row of the places), excerpt, neighbour (rows of the excerpts), smallest (whether), ratio (of
        the distance to the own original to that of the neighbour), mfcc (whether it errs too).
    """
    found = measurement
    place, excerpt = np.nonzero(found.errors[found.space, 0, "euclidean"])
    own, other = (found.neighbours[name][place, excerpt] for name in ("own", "other"))
    # in one point together, neither is nearer
    ratio = np.divide(own, other, out=np.where(own > 0, np.inf, 1.0), where=other > 0)
    table = pd.DataFrame(
        {
            "place": place,
            "excerpt": excerpt,
            "neighbour": found.neighbours["index"][place, excerpt],
            "smallest": (place_weights(found.places, claims.smallest) > 0)[place],
            "ratio": ratio,
            "mfcc": found.errors[MFCC, 0, "euclidean"][place, excerpt].astype(bool),
        }
    )
    return table.sort_values(["smallest", "ratio"], ascending=False, kind="stable").reset_index(drop=True)


def chosen(strays: pd.DataFrame, places: pd.DataFrame, count: int = SHOWN) -> pd.DataFrame:
    """Those to be heard: the gravest of each transformation, then the next; an excerpt once."""
    table = strays.assign(transformation=places["transformation"].to_numpy()[strays["place"]])
    table = table.drop_duplicates("excerpt")
    turn = table.groupby(["smallest", "transformation"]).cumcount()
    order = table.assign(turn=turn).sort_values(["smallest", "turn"], ascending=[False, True], kind="stable")
    return order.head(count).drop(columns="turn").reset_index(drop=True)


def findings(measurement: Measurement) -> list[str]:
    """The main findings, in sentences."""
    found, table = measurement, compare(measurement)
    of_euclidean = table[table["latent_distance"] == "euclidean"]
    of_euclidean = of_euclidean.set_index(["quantity", "where", "audio_distance"])
    sentences = []
    for where in RANGES:
        row = of_euclidean.loc[("consistency", where, "")]
        sentences.append(
            f"Under the {where} transformations the nearest original is the excerpt's own in"
            f" {percent(row['encoder'])} of the cases, in MFCC's space in {percent(row['mfcc'])}:"
            f" {verdict(row, 'consistent')}."
        )
    row = of_euclidean.loc[("correlation", "all", "dtw")]
    if np.isnan(row["difference"]):
        sentences.append(
            "Its distances, or those of MFCC, are all the same: they cannot be like the audio's."
        )
    else:
        sentences.append(
            f"Its distances have a rank correlation of {row['encoder']:z.2f} with those of the audio (DTW),"
            f" those of MFCC {row['mfcc']:z.2f}: {verdict(row, 'like the audio')}.".replace("-", "−")
        )
    errors = found.errors[found.space, 0, "euclidean"].mean(axis=1)
    smallest = np.flatnonzero(place_weights(found.places, claims.smallest))
    worst = smallest[errors[smallest].argmax()]
    name = place_name(*found.places.iloc[worst])
    if errors[worst] > 0:
        number = int(strays(found)["smallest"].sum())
        sentences.append(
            f"Of {len(smallest) * len(found.excerpt_ids)} excerpts under the smallest transformations"
            f" {number} lie no nearer to their own original than to another, most often under {name}"
            f" ({percent(errors[worst])})."
        )
    else:
        sentences.append("Under none of the smallest transformations is another original as near as the own.")
    if found.coinciding:
        sentences.append(
            f"{found.coinciding} of the {len(found.excerpt_ids)} originals share their point with another:"
            " the encoder does not tell them apart."
        )
    return sentences


def percent(share: float) -> str:
    """A share for reading: "93 %"."""
    return f"{100 * share:.0f} %"


def verdict(row: pd.Series, quality: str) -> str:
    """How the encoder stands to MFCC, by the interval of the difference: "less consistent (…)"."""
    numbers = f"{row['difference']:+z.2f} [{row['lower']:+z.2f}, {row['upper']:+z.2f}]".replace("-", "−")
    if row["lower"] > 0:
        return f"more {quality} ({numbers})"
    if row["upper"] < 0:
        return f"less {quality} ({numbers})"
    return f"no difference that stands ({numbers})"


def place_name(name: str, magnitude: float) -> str:
    """A place in words: "pitch shift −0.25 semitones"."""
    words, _, unit = transforms.UNITS[name].partition(" (")
    unit = unit.rstrip(")").removesuffix(" of the original tempo")
    if name == "TS":
        return f"{words} {magnitude:g} times"
    sign = "+" if name == "PS" else ""
    return f"{words} {magnitude:{sign}g} {unit}".replace("-", "−")


def pair_name(audio: str, latent: str) -> str:
    """The distances of a row of `compare`: "Euclidean", "DTW, cosine"."""
    return ", ".join(DISTANCES[name].label for name in (audio, latent) if name)
