"""The embedded corpus: music composed by rule and played by sampled instruments.

Three kinds, chosen by ``settings["kind"]``, each a module with a function ``tracks``: `tagging`,
`instruments` and `separation`. What they share: `genres` (the genres, declared), `composition` (artists and
songs), `soundfont` and `rendering` (their sound), `voice` (singing), `recording` (the noise floor and the
MP3 of a preview, for the first two kinds). `ambience` makes the bar in which music is drowned, `speech` those
who talk there.

Every draw has its name under the configured seed: the artist's under the artist, the song's under the song.
So a song does not depend on the others, nor on the number of workers.
"""

import collections
import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator

from relatives.errors import InputError

PROVIDES = {"tagging": {"tags"}, "instruments": {"instruments"}, "separation": {"stems"}}
SPLITS = ("train", "valid", "test")
AHEAD = 3  # songs a worker that may be finished before they are wanted


def provides(settings: dict) -> set[str]:
    """What the corpus of ``settings["kind"]`` brings besides audio.

    Examples
    --------
    >>> provides({"kind": "tagging"})
    {'tags'}
    """
    return set(PROVIDES[_kind(settings)])


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator:
    """Tracks of a corpus (`store.Track`), in an order and with bytes that do not depend on `workers`.

    Parameters
    ----------
    settings : dict
        ``kind`` and what its module asks for: see there.
    sample_rate : int
        Hz.
    seed : int
    workers : int
        Processes that compose and render; 1 for none besides this one.
    """
    module = importlib.import_module(f"relatives.corpora.synthetic.{_kind(settings)}")
    return module.tracks(settings, sample_rate, seed, workers)


def _kind(settings: dict) -> str:
    kind = settings.get("kind")
    if kind not in PROVIDES:
        raise InputError(
            f"The embedded corpus has no kind {kind!r}; set kind to one of {', '.join(PROVIDES)}."
        )
    return kind


def sides(artists: int, shares: tuple[float, float, float]) -> list[str]:
    """Split of each of so many artists: shares of train, valid and test, at least one artist in each.

    Raises
    ------
    InputError
        If there are fewer artists than splits.

    Examples
    --------
    >>> sides(5, (0.6, 0.2, 0.2))
    ['train', 'train', 'train', 'valid', 'test']
    """
    if artists < len(SPLITS):
        raise InputError(
            f"A split by artist needs at least {len(SPLITS)} artists, and these settings make {artists}: "
            "ask for more songs."
        )
    valid, test = (max(1, round(share / sum(shares) * artists)) for share in shares[1:])
    return ["train"] * (artists - valid - test) + ["valid"] * valid + ["test"] * test


def in_order(make: Callable, items: Iterable, workers: int) -> Iterator:
    """What `make` returns for each item, in the items' order, made by `workers` processes a few items ahead.

    `make` and the items must be picklable: a function of a module, or a partial of one.
    """
    if workers <= 1:
        yield from map(make, items)
        return
    # Forked, because other ways to start a process run the calling script a second time.
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        waiting = collections.deque()
        for item in items:
            waiting.append(pool.apply_async(make, (item,)))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().get()
        while waiting:
            yield waiting.popleft().get()
