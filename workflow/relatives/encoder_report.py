"""The report of `examination`: one page about one encoder, with the excerpts that it mistakes to be heard.

The page needs nothing beside itself: pictures and sounds are inside, no script is. How it looks is in the
template, ``workflow/report/encoder.html.j2``; captions are those of ``workflow/report``. It holds no time
and no date: the same test gives the same bytes.
"""

import base64
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from relatives import examination, projection, repeatability
from relatives.audio import centre
from relatives.examination import Measurement
from relatives.figures import curves, fig01, smallest
from relatives.repeatability import Check
from relatives.report import caption, page
from relatives.transforms import mp3

FIGURES = ("curves", "smallest", "fig01")
"""In the order in which they are shown."""

DPI = 200

BIT_RATE = 96
"""kb/s of the excerpts in the page."""

PEAK = 0.98
"""Of full scale; a louder excerpt, and those beside it, are turned down to it."""


def build(
    template: Path,
    captions: Mapping[str, str],
    measurement: Measurement,
    checks: Sequence[Check],
    *,
    windows: np.ndarray,
    sample_rate: int,
    seed: int,
    noise: np.ndarray,
    excerpts: pd.DataFrame,
    skipped: Mapping[str, str],
    notes: Mapping[str, str],
    command: str,
    versions: Mapping[str, str],
) -> str:
    """Build the page.

    Parameters
    ----------
    template : Path
        The Jinja template of the page.
    captions : mapping of str to str
        In reStructuredText, of each of `FIGURES`.
    measurement : Measurement
    checks : sequence of Check
        As from `repeatability.examine`.
    windows, sample_rate, seed, noise
        As they were given to `examination.measure`, to make the excerpts again that are to be heard.
    excerpts : DataFrame
        As from `corpora.excerpts.draw`.
    skipped, notes : mapping of str to str
        The reason for each file that could not be used; what was odd in those that were used all the same.
    command : str
        That makes the page again.
    versions : mapping of str to str
        The key packages.

    Returns
    -------
    str
        HTML.
    """
    strayed = examination.strays(measurement)
    shown = examination.chosen(strayed, measurement.places)
    with ThreadPoolExecutor(1) as pool:
        sounds = [
            _sounds(row, measurement, windows, sample_rate, seed, noise, pool)
            for row in shown.itertuples(index=False)
        ]
    tracks = excerpts["track_id"].to_list()
    described = [
        f"{track}, at {clock(first / sample_rate)}"
        for track, first in zip(tracks, excerpts["first"], strict=True)
    ]
    table = examination.compare(measurement)
    return page(
        template,
        encoder=measurement.space,
        remarks=[check for check in checks if check.sentence],
        findings=examination.findings(measurement),
        headline={
            "excerpts of 2 s": len(windows),
            "tracks": excerpts["track_id"].nunique(),
            "magnitudes of five transformations": len(measurement.places),
            "dimensions": measurement.dimensions,
            "sampling rate": f"{sample_rate} Hz",
        },
        figures={
            name: {"image": _image(drawing), "caption": caption(captions[name])}
            for name, drawing in _figures(measurement, seed).items()
        },
        strays=[
            {
                "place": examination.place_name(*measurement.places.iloc[row.place]),
                "own": described[row.excerpt],
                "other": described[row.neighbour],
                "same_track": tracks[row.excerpt] == tracks[row.neighbour],
                "ratio": row.ratio,
                "mfcc": row.mfcc,
                "smallest": row.smallest,
                "sounds": heard,
            }
            for row, heard in zip(shown.itertuples(index=False), sounds, strict=True)
        ],
        errors={"all": len(strayed), "smallest": int(strayed["smallest"].sum())},
        cases=measurement.errors[measurement.space, 0, "euclidean"].size,
        rows=[row | {"name": row_name(row)} for row in table.to_dict("records")],
        checks=[
            {
                "name": check.name,
                "share": repeatability.percent(check.share),
                "limit": repeatability.percent(repeatability.TOLERANCES[check.name]),
                "over": check.grave,
            }
            for check in checks
            if check.name in repeatability.TOLERANCES
        ],
        skipped=skipped,
        notes=notes,
        command=command,
        versions=versions,
    )


def row_name(row: Mapping) -> str:
    """What a row of `examination.compare` is about, in words."""
    if row["quantity"] == "consistency":
        return f"consistency at the {row['where']} magnitudes"
    by_excerpt = " by excerpt" if row["quantity"] == "correlation by excerpt" else ""
    return f"correlation with the audio{by_excerpt}, {examination.DISTANCES[row['audio_distance']].label}"


def clock(seconds: float) -> str:
    """A time in a track: "2:05"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _figures(measurement: Measurement, seed: int) -> dict[str, Figure]:
    """The figures by name; without a plane, where the space itself has but one dimension."""
    tables = measurement.tables()
    settings = {"dpi": DPI}
    drawn = {
        "curves": curves.draw(tables["within_curves"], settings=settings),
        "smallest": smallest.draw(tables["within_curves"], settings=settings),
    }
    if measurement.dimensions > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # t-SNE, of points that coincide
            plane = projection.neighbourhoods(
                measurement.space, measurement.points, measurement.excerpt_ids, seed
            )
        drawn["fig01"] = fig01.draw(plane, tables["within"], settings=settings)
    return drawn


def _image(drawing: Figure) -> str:
    """A figure as the address of a PNG."""
    file = BytesIO()
    drawing.savefig(file, format="png", metadata={"Software": None})
    return _address("image/png", file.getvalue())


def _sounds(row, measurement, windows, sample_rate, seed, noise, pool) -> list[str]:
    """The transformed excerpt, its own original and its neighbour, as the addresses of MP3s, equally loud."""
    samples = round(examination.SECONDS * sample_rate)
    one = slice(row.excerpt, row.excerpt + 1)
    name, magnitude = measurement.places.iloc[row.place]
    query = examination.transformed(
        name, magnitude, windows[one], samples, sample_rate, measurement.excerpt_ids[one], seed, noise, pool
    )[0]
    own, other = (centre(windows[index], samples) for index in (row.excerpt, row.neighbour))
    sounds = np.stack([query, own, other])
    gain = min(1.0, PEAK / np.abs(sounds).max())
    return [_address("audio/mpeg", mp3.encode(gain * sound, sample_rate, BIT_RATE)) for sound in sounds]


def _address(kind: str, content: bytes) -> str:
    """The address that holds its own content."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
