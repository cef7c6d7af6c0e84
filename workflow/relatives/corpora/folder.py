"""A folder of one's own music, at any depth and in any mix of formats, rates, channels and lengths.

Every file is a track and a song of its own, and its path in the folder its ``track_id``. Content decides
whether a file is audio, not its name. What cannot be used is skipped with its reason: not audio, broken,
truncated, shorter than the configured ``shortest``, longer than 12 hours, silent, or with samples that are
not numbers; with channels that cancel each other, as what is measured is their mean; and the second of two
files of the same audio, which might else be in training and in the test at once (`duplicates`); and half a
download (`UNFINISHED`), whatever is in it. Names that begin with a dot, and what systems leave in folders
(`CLUTTER`), are passed over, as file managers do. Links are followed, but no folder is entered twice.

The parent folder is taken for the album, its parent for the artist. Files are split by `settings["split"]`,
at random, and each of training, validation and test gets at least one: so three usable files are needed.

Mono and stereo are kept where the mean of the channels is measured (``mix``), so that no excerpt need be
drawn where they cancel each other; else one channel is. More than two channels are mixed to one. Files are
decoded twice, first to see which can be used and then, one after another, to be stored. Recordings of more
than 20 minutes pass through temporary files, so that they never are in memory as a whole.
"""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from relatives import audio
from relatives.corpora.duplicates import LEAVE_OUT, ONE_SPLIT, Seen, digest
from relatives.corpora.store import SPLITS, TURNED_DOWN, Skipped, Track, scale
from relatives.errors import InputError, shown
from relatives.seeds import generator

# Seconds from which a recording is streamed, and which none may last: a small file can unpack to any length
LONG = 20 * 60
LONGEST = 12 * 3600

# Reasons that an error message quotes
QUOTED = 5

CLUTTER = {
    "__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir", "thumbs.db",
    "ehthumbs.db", "desktop.ini",
}  # fmt: skip
"""What macOS, Windows, Linux and Synology leave in folders, in small letters. The files in ``@eaDir`` and
``__MACOSX`` have the names of the music."""

UNFINISHED = {".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".aria2"}
"""Suffixes, in small letters, of half a download: never used, whatever is in it."""

# The share of a track that has to cancel for it to be told
TOLD = 0.05

# Seconds that a track may lack of the shortest allowed: codecs and changes of the rate take a few samples
SLACK = 0.05

# Of the samples that sounded, the share that has to sound still once a track is turned down
KEPT = 0.5


def provides(settings: dict) -> set[str]:
    """Nothing but audio: a folder has no labels and no stems."""
    return set()


def tracks(settings: dict, sample_rate: int, seed: int, workers: int) -> Iterator[Track | Skipped]:
    """The tracks of a folder; see the module.

    Parameters
    ----------
    settings
        ``path`` of the folder; ``split``, the shares of training, validation and test; ``shortest``, seconds
        that a track must last; ``mix``, what is measured of several channels (`relatives.audio.mix`), their
        mean by default; ``duplicates``, what is done with the same audio twice, by default ``leave_out``.
        With ``one_split`` the same audio is on one side.
    sample_rate
        In Hz, to which all is resampled.
    seed
        Of the split. A file keeps its place in the order of the draw whatever other files there are.
    workers
        Files decoded at a time.

    Yields
    ------
    Skipped, then Track
        Each in the order of their paths.

    Raises
    ------
    InputError
        If there is no such folder or fewer than three of its files can be used; it says what was found.
    """
    folder = Path(settings["path"]).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder. Set the path of the corpus to a folder of music."
        )
    files = find(folder)
    mix = settings.get("mix", "mean")
    look = partial(noted(_look), sample_rate=sample_rate, shortest=settings["shortest"], mix=mix)
    rule = settings.get("duplicates", LEAVE_OUT)
    reasons, seen, notes_of = {}, Seen(rule), {}
    for file, ((reason, found), notes) in zip(files, in_order(look, files, workers), strict=True):
        name, notes_of[file] = name_in(file, folder), notes
        if reason := reason or seen.reason(found, name):
            reasons[name] = reason
    usable = [file for file in files if name_in(file, folder) not in reasons]
    names = [name_in(file, folder) for file in usable]
    # whose split a file has: its own, or that of the first file of the same audio
    dealt_as = {name: seen.twins.get(name, name) if rule == ONE_SPLIT else name for name in names}
    if len(set(dealt_as.values())) < len(SPLITS):
        raise InputError(_too_few(folder, len(usable), reasons))
    yield from (Skipped(name, reason) for name, reason in reasons.items())

    splits = split(sorted(set(dealt_as.values())), settings["split"], seed)
    signals = in_order(partial(_take, sample_rate=sample_rate, mix=mix), usable, workers)
    for file, name, signal in zip(usable, names, signals, strict=True):
        *_, artist, album = ("", "", *file.relative_to(folder).parts[:-1])
        notes = (*notes_of[file], *seen.notes(name))
        yield Track(name, signal, splits[dealt_as[name]], song=name, artist=artist, album=album, notes=notes)


def sample(
    path: str | Path,
    count: int,
    sample_rate: int,
    shortest: float,
    seed: int,
    workers: int,
    mix: str = "mean",
) -> Iterator[Track | Skipped]:
    """Tracks of a folder in a random order until `count` can be used: for a test that trains nothing.

    Of a large folder so only a part is decoded, and that once.

    Parameters
    ----------
    path
        Of the folder.
    count
        Tracks wanted; a smaller folder gives what it has.
    sample_rate, shortest, workers
        As for `tracks`.
    seed
        Of the order. A file keeps its place in it whatever other files there are.

    Yields
    ------
    Skipped or Track
        The tracks in the split ``test``.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Name a folder of music.")
    files = sorted(
        find(folder), key=lambda file: generator(seed, "folder", "sample", name_in(file, folder)).random()
    )
    seen, used = Seen(LEAVE_OUT), 0
    take = partial(noted(examine), sample_rate=sample_rate, shortest=shortest, mix=mix)
    # not strict: that would read one file more than are needed
    for file, ((signal, reason), notes) in zip(files, in_order(take, files, workers), strict=False):
        name = name_in(file, folder)
        if reason := reason or seen.reason(digest(signal), name):
            yield Skipped(name, reason)
            continue
        used += 1
        yield Track(name, signal, "test", song=name, notes=notes)
        if used == count:
            return


def find(folder: Path, hidden: list[Path] | None = None) -> list[Path]:
    """All files of a folder at any depth, sorted, without those that are hidden or in a hidden folder.

    A folder that cannot be opened is among them, for who reads it to say so. What is hidden is appended to
    the list `hidden`, a folder as one.
    """
    found, entered = [], set()

    def closed(error: OSError) -> None:
        found.append(Path(error.filename))

    for directory, subdirectories, names in os.walk(folder, followlinks=True, onerror=closed):
        if os.path.realpath(directory) in entered:
            subdirectories.clear()
            continue
        entered.add(os.path.realpath(directory))
        if hidden is not None:
            hidden += [Path(directory, name) for name in [*subdirectories, *names] if is_hidden(name)]
        subdirectories[:] = sorted(name for name in subdirectories if not is_hidden(name))
        found += [Path(directory, name) for name in names if not is_hidden(name)]
    return sorted(found)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or is what a system leaves in folders.

    Examples
    --------
    >>> [is_hidden(name) for name in ("._song.wav", "__MACOSX", "Thumbs.db", "song.wav")]
    [True, True, True, False]
    """
    return name.startswith(".") or name.lower() in CLUTTER


def split(
    names: list[str], shares: Sequence[float], seed: int, among: Sequence[str] = SPLITS
) -> dict[str, str]:
    """Deal names out to training, validation and test.

    Parameters
    ----------
    names
        At least as many as splits.
    shares
        Of each split; only their proportions count.
    seed
    among
        The splits.

    Returns
    -------
    dict
        The split of each name. No split is without one; beyond that their numbers are as near to the shares
        as can be.

    Examples
    --------
    >>> sorted(split(["a", "b", "c"], [0.8, 0.1, 0.1], seed=0).values())
    ['test', 'train', 'valid']
    """
    wanted = np.array(shares) / sum(shares) * len(names)
    counts = np.ones(len(among), dtype=int)
    while counts.sum() < len(names):
        counts[np.argmax(wanted - counts)] += 1
    order = sorted(names, key=lambda name: generator(seed, "folder", "split", name).random())
    return dict(zip(order, np.repeat(among, counts).tolist(), strict=True))


def _look(
    file: Path, sample_rate: int, shortest: float, mix: str, note: Callable[[str], None]
) -> tuple[str | None, np.ndarray | None]:
    """Why a file cannot be used, or None; and the digest of its audio, None where a reason is given."""
    signal, reason = examine(file, sample_rate, shortest, note=note, mix=mix)
    return reason, None if signal is None else digest(signal)


def examine(
    file: Path,
    sample_rate: int,
    shortest: float,
    read: Callable | None = None,
    note: Callable[[str], None] | None = None,
    mix: str = "mean",
    stems: bool = False,
) -> tuple[np.ndarray | None, str | None]:
    """The samples of a file and None, or None and why the file cannot be used.

    Whether it sounds is judged of what will be measured: the mix, not its channels, at the level at which it
    is stored.

    Parameters
    ----------
    file
    sample_rate
        In Hz.
    shortest
        Seconds that it must last; `SLACK` less is enough.
    read
        A function of the file, the rate and `note` that gives its samples and raises an InputError if it
        cannot; `decode` by default.
    note
        Called with a sentence for whatever is odd in a file that is used all the same; see
        `relatives.audio.load`. `noted` collects them.
    mix
        What is measured of several channels: see `relatives.audio.mix`.
    stems
        Whether `read` gives vocals and accompaniment, whose sum is measured, rather than channels.

    Returns
    -------
    signal : (samples,) or (samples, 2) float32, or None
        As from `mixed`; stems as they are.
    reason : str or None
    """
    if file.suffix.lower() in UNFINISHED and not stems:
        return None, f"passed over: half a download, as {file.suffix} says; rename it if it is whole"
    try:
        signal = (read or decode)(file, sample_rate, note=note)
    except InputError as error:
        return None, str(error).removeprefix(f"{shown(file)}: ")
    except UnicodeEncodeError:
        return None, "its name is not UTF-8; rename it"
    # (samples,) -> (samples, 1)
    channels = signal.reshape(len(signal), -1)
    reason = _not_finite(channels[:, :1] if mix == "left" and not stems else channels)
    if reason is None and stems:
        reason = _silent(signal.sum(axis=1), sample_rate)
    elif reason is None:
        signal = mixed(signal, sample_rate, mix)
        reason = _unheard(channels, signal, sample_rate, mix, note)
    reason = reason or _turned_down(signal, sample_rate, stems)
    if reason is None and len(signal) < round((shortest - SLACK) * sample_rate):
        seconds = len(signal) / sample_rate
        reason = f"too short: {seconds:.2f} s, and the shortest allowed is {shortest:g} s"
    return (signal, None) if reason is None else (None, reason)


def mixed(signal: np.ndarray, sample_rate: int, how: str) -> np.ndarray:
    """What is stored of a file: both channels of stereo whose mean is measured, one channel of all else.

    Parameters
    ----------
    signal
        (samples,) or (samples, channels). Of a long one that lies on disk, the mix does, too.
    sample_rate
        In Hz.
    how
        See `relatives.audio.mix`.

    Returns
    -------
    (samples,) or (samples, 1 or 2) float32
    """
    if signal.ndim == 1 or (how == "mean" and signal.shape[1] == 2):
        return signal
    if isinstance(signal, np.memmap):
        return _mixed_on_disk(signal, sample_rate, how)
    return signal if how == "mean" and signal.shape[1] == 1 else audio.mix(signal, sample_rate, how)


def _mixed_on_disk(signal: np.ndarray, sample_rate: int, how: str) -> np.ndarray:
    """One channel of a signal on disk, second by second, into another temporary file."""
    channel = audio.compare_channels(signal, sample_rate).louder if how == "louder" else 0
    with tempfile.NamedTemporaryFile() as samples:
        for first in range(0, len(signal), sample_rate):
            part = signal[first : first + sample_rate].astype("<f4")
            samples.write((audio.mono(part) if how == "mean" else part[:, channel]).tobytes())
        samples.flush()
        return np.memmap(samples.name, dtype="<f4", mode="r")


def _not_finite(channels: np.ndarray) -> str | None:
    """Why channels, (samples, channels), are not finite, or None."""
    if np.isfinite(audio.peak(channels)):
        return None
    reason = "holds samples that are not numbers (NaN or infinite)"
    bad = [number for number, channel in enumerate(channels.T, 1) if not np.isfinite(audio.peak(channel))]
    if len(bad) == channels.shape[1]:
        return reason
    way_out = "" if 1 in bad else "; mix: left would use the first"
    return f"{reason} in channel {' and '.join(map(str, bad))} of {channels.shape[1]}{way_out}"


def _unheard(
    channels: np.ndarray, signal: np.ndarray, sample_rate: int, mix: str, note: Callable[[str], None] | None
) -> str | None:
    """Why nothing is heard of channels in their mix, or None; a note where something of it is not."""
    silent = _silent(signal, sample_rate)
    if mix != "mean":
        finite = silent and mix == "left" and np.isfinite(audio.peak(channels))
        louder = audio.compare_channels(channels, sample_rate).louder if finite else 0
        if louder > 0 and audio.sounds(channels[:, louder], sample_rate):
            return f"its left channel, which mix: left uses, is {silent}; mix: louder uses the other"
        return silent
    compared = audio.compare_channels(channels, sample_rate)
    if silent and not (audio.cancels(compared) and audio.sounds(channels[:, compared.louder], sample_rate)):
        return silent
    return cancelled(compared, note, kept=signal.ndim == 2)


def cancelled(compared: audio.Channels, note: Callable[[str], None] | None, kept: bool) -> str | None:
    """Why channels whose mean is measured cancel each other too much, or None; a note where they do in part.

    Parameters
    ----------
    compared
        As from `relatives.audio.compare_channels`.
    note
        As in `examine`.
    kept
        Whether the corpus keeps the channels. If so, no excerpt is drawn where they cancel each other. Of
        stems and surround it keeps one: those are left out if they cancel in `TOLD` of their length.
    """
    way_out = "mix: left or louder uses one of them"
    part = f"cancel each other in {compared.share:.0%} of its length"
    below = f"is {audio.in_words(compared.below)} below the louder one"
    if audio.cancels(compared):
        return f"its channels {part}: their mean, which is measured, {below}; {way_out}"
    if compared.share >= TOLD and not kept:
        return f"its channels {part}, and excerpts, drawn of their mean alone, might lie there; {way_out}"
    if note is not None and compared.share >= TOLD:
        note(f"Its channels {part}, where no excerpt is drawn.")
    elif note is not None and compared.cancellation > audio.PARTLY_CANCELLED:
        note(f"Its channels partly cancel each other: their mean {below}.")
    return None


def _silent(signal: np.ndarray, sample_rate: int) -> str | None:
    """Why a signal, (samples,) or (samples, channels), is silent in its mean, or None."""
    if audio.sounds(signal, sample_rate):
        return None
    signal = audio.inner(signal, sample_rate)
    total, highest, lowest = 0.0, -np.inf, np.inf
    # second by second, as a long one lies on disk
    for first in range(0, len(signal), sample_rate):
        part = audio.mono(signal[first : first + sample_rate])
        total += float(part.sum(dtype=np.float64))
        highest, lowest = max(highest, float(part.max())), min(lowest, float(part.min()))
    mean = total / len(signal)
    if highest == lowest:
        return "silent" if mean == 0 else "silent: a constant offset and nothing else"
    return (
        f"silent: nothing in it is above {audio.GATE:g} LUFS, and its peak, a constant offset left out, is"
        f" {audio.decibels(max(highest - mean, mean - lowest)):.1f} dB of full scale"
    )


def _turned_down(signal: np.ndarray, sample_rate: int, stems: bool) -> str | None:
    """Why next to nothing is left of a signal once it is turned down to its loudest samples, or None.

    Of wild samples a few are clipped (`relatives.audio.ceiling`). Where there are more, the whole is turned
    down to make room for them, and the rest may come to lie below the level of silence.
    """
    _, gain = scale(signal, stems)
    if gain >= TURNED_DOWN:
        return None
    mixture = signal.sum(axis=1) if stems else signal
    if audio.kept_share(mixture, gain) >= KEPT and audio.sounds(mixture, sample_rate, gain):
        return None
    return (
        f"silent but for its loudest samples: they go {-audio.decibels(gain):.0f} dB beyond full scale, are"
        " too many to be clipped as faults, and next to nothing is left of the rest once all is turned down"
        " to make room for them; mend the file"
    )


def _take(file: Path, sample_rate: int, mix: str) -> np.ndarray:
    """The samples of a file that `examine` has found to be of use, as it gives them."""
    return mixed(decode(file, sample_rate), sample_rate, mix)


def noted(function: Callable) -> Callable:
    """`function`, which takes a `note`, made to return its result and the notes: (result, tuple of str)."""

    def collecting(*arguments: object, **named: object) -> tuple[object, tuple[str, ...]]:
        notes = []
        result = function(*arguments, **named, note=notes.append)
        return result, tuple(notes)

    return collecting


def decode(file: Path, sample_rate: int, note: Callable[[str], None] | None = None) -> np.ndarray:
    """The samples of a file, (samples, channels) float32; `note` as in `audio.load`."""
    try:
        return audio.load(file, sample_rate, LONG, note)
    except audio.TooLarge:
        return _stream(file, sample_rate, note)


def _stream(file: Path, sample_rate: int, note: Callable[[str], None] | None = None) -> np.ndarray:
    """The samples of a file, (samples, channels) float32, mapped from a temporary file."""
    channels = 1
    with tempfile.NamedTemporaryFile() as samples:
        with open(samples.name, "wb") as opened:
            try:
                for block in audio.stream(file, sample_rate, LONGEST, note):
                    channels = block.shape[1]
                    opened.write(block.astype("<f4").tobytes())
            except audio.TooLarge as error:
                raise InputError(_too_long(file)) from error
        if os.path.getsize(samples.name) == 0:
            raise InputError(f"{shown(file)}: the file holds no samples.")
        # (samples * channels,), interleaved -> (samples, channels)
        return np.memmap(samples.name, dtype="<f4", mode="r").reshape(-1, channels)


def _too_long(file: Path) -> str:
    return f"{shown(file)}: longer than {LONGEST / 3600:g} h. Cut it into parts."


def in_order(function: Callable, items: Iterable, workers: int) -> Iterator:
    """`function` of each item, by threads, in the order of the items and never far ahead of the reader."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def name_in(file: Path, folder: Path) -> str:
    """The path of a file in the folder, as text; bytes that are not UTF-8 are written as escapes."""
    return file.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()


def quote(reasons: dict[str, str]) -> str:
    """The first reasons for which files were skipped, and how many more there are."""
    quoted = "; ".join(f"{shown(name)}: {reason}" for name, reason in list(reasons.items())[:QUOTED])
    more = f"; and {len(reasons) - QUOTED} more" if len(reasons) > QUOTED else ""
    return (quoted + more).rstrip(".")


def _too_few(folder: Path, usable: int, reasons: dict[str, str]) -> str:
    """The message for a folder that is no corpus."""
    files, needed = usable + len(reasons), len(SPLITS)
    if files == 0:
        return (
            f"{folder}: the folder is empty. Put music in it, or set the path of the corpus to another one."
        )
    skipped = f" Skipped: {quote(reasons)}." if reasons else ""
    return (
        f"{folder}: {usable} of its {files} files can be used, but {needed} are needed, one for each of"
        f" {', '.join(SPLITS)}.{skipped} Add music, or set the path of the corpus to another folder."
    )
