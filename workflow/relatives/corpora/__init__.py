"""What music there is: one module a source, one registry, one store.

A source is a module of this package that knows where tracks come from. It has two functions:

``provides(settings)``
    What its tracks bring besides audio: a subset of ``{"tags", "instruments", "stems", "genres"}``. A task
    whose needs are not among them cannot be run on the corpus.
``tracks(settings, sample_rate, seed, workers)``
    An iterator of `store.Track` and `store.Skipped`, one track in memory at a time, in an order that does not
    depend on the number of workers.

`store` keeps what a source yields and reads it by slices; `excerpts` draws the test excerpts from it.
"""

import difflib
import importlib
from pathlib import Path
from types import ModuleType

from relatives.errors import InputError

SOURCES = {
    "synthetic": "relatives.corpora.synthetic",
    "folder": "relatives.corpora.folder",
    "irmas": "relatives.corpora.irmas",
    "musdb": "relatives.corpora.musdb",
    "msd": "relatives.corpora.msd",
    "magnatagatune": "relatives.corpora.magnatagatune",
    "jamendo": "relatives.corpora.jamendo",
    "fma": "relatives.corpora.fma",
    "gtzan": "relatives.corpora.gtzan",
    "ballroom": "relatives.corpora.ballroom",
    "debian": "relatives.corpora.debian",
}

DATA_SETS = tuple(name for name in SOURCES if name not in ("synthetic", "folder"))
"""The sources that are public data sets, whose tracks come by lists (`listed`)."""


def source(name: str) -> ModuleType:
    """The module of the source called `name`, imported only now.

    Raises
    ------
    InputError
        If there is no such source; it names the nearest one.

    Examples
    --------
    >>> source("folder").provides({})
    set()
    """
    if name not in SOURCES:
        nearest = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise InputError(f"There is no corpus source {name!r}; there are {', '.join(SOURCES)}.{hint}")
    return importlib.import_module(SOURCES[name])


def place(settings: dict) -> Path:
    """The folder that a corpus is read from: its ``path``, or ``data/raw/{source}``.

    Examples
    --------
    >>> place({"source": "irmas"}).as_posix()
    'data/raw/irmas'
    """
    return Path(settings.get("path", f"data/raw/{settings['source']}")).expanduser()


def outside(settings: dict) -> list[Path]:
    """What making a corpus reads from outside the pipeline: its folder and, if it has one, its file of tags.

    Examples
    --------
    >>> outside({"source": "synthetic"})
    []
    >>> [path.as_posix() for path in outside({"source": "msd", "path": "previews", "tags": "tags.db"})]
    ['previews', 'tags.db']
    """
    if settings["source"] == "synthetic":
        return []
    return [place(settings), *([Path(settings["tags"]).expanduser()] if "tags" in settings else [])]
