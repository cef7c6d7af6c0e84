"""Audio signals: read, resample, cut, measure and match their loudness.

Conventions
-----------
A signal is an array of shape ``(samples,)`` or ``(samples, channels)``, floating point, full scale at ±1; it
may exceed full scale, and nothing here clips but `to_int16`, which has to, and `clip_wild`. A sampling rate
is in Hz.

Loudness is the integrated loudness of EBU R 128 (ITU-R BS.1770-4): K-weighted power in overlapping blocks of
400 ms, averaged over the blocks that are above -70 LUFS and not 10 LU below the mean of those. A signal that
has no block above -70 LUFS is silent: it has no loudness, written as minus infinity.

Sources
-------
EBU R 128 and ITU-R BS.1770-4, as implemented by pyloudnorm: its filters, its results.
"""

import errno
import functools
import io
import itertools
import mmap
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from relatives import containers
from relatives.errors import InputError, shown
from relatives.inputs import check_file

BLOCK = 0.4
"""Length in seconds of a gating block of EBU R 128."""

OVERLAP = 0.75
"""The share of a gating block that the next one covers again."""

GATE = -70.0
"""LUFS below which a block does not count."""

OFFSET = -0.691
"""LUFS of a K-weighted power of 1."""

CHANNEL_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.41, 1.41])
"""Of left, right, centre, left and right surround."""

FULL_SCALE = 32768
"""The int16 value of a sample of 1.0."""

IN_MEMORY = 1 << 27
"""Samples of all channels that a recording may have, as it is and resampled, to be read at once: 512 MB."""

CUT = 0.1
"""Seconds. A recording that holds fewer samples than its container counts, by more than `CUT` seconds and
more than `CUT_SHARE` of them, has lost a part, and is left out. Encoders, editors and splitters leave
counts that are a frame or two of a codec too high (26 ms each for MP3 at 44.1 kHz); what a broken copy or
download loses is more."""

CUT_SHARE = 0.001

NOTED = 0.05
"""Seconds. Where more than that and more than `CUT_SHARE` is missing, a note says so."""

OGG_SLACK = 8192
"""Samples that an Ogg file may hold fewer than its last page says, be it more than `CUT` or not: a block of
Vorbis, the largest there is.
Whole files of some encoders, or cut from longer ones, count a block that does not decode at their beginning
or end. A file that lost its end is not known by it: its last page is an earlier one."""

UNKNOWN = 2**63 - 1
"""The number of frames that libsndfile gives where a file does not say it."""

AT_ONCE = 1 << 20
"""Samples of all channels that are decoded at a time, where not all are."""

NAMED = 5
"""Recordings of a file whose lengths a note names."""

MATCHING_ROUNDS = 8
"""Corrections of the gain at most, in matching a loudness."""

MATCHING_TOLERANCE = 1e-3
"""The difference of loudness, in LU, at which the matching is good enough."""

SAFE_LEVEL = 0.1
"""An RMS level far above the gate of EBU R 128."""

MIXES = ("mean", "left", "louder")
"""What can be measured of several channels: their mean, the first, or the one of most power."""

CANCELLED = 12.0
"""Channels cancel each other where their mean has so many dB less power than if they were independent. Equal
channels have -3 dB, one channel beside silence 0, two of correlation -0.94 have 12 dB. Of 233 pieces of real
stereo (the packages of source `debian`) none has more than 2.0 dB, none of their seconds more than 5.9 dB. An
inverted channel does, also after a codec, whose rounding is left of it."""

PARTLY_CANCELLED = 6.0
"""The same measure, from which it is told: two channels of correlation -0.75."""

MEASURABLE = 100
"""dB between two levels, beyond which all is rounding."""

SILENCE = 10 ** (GATE / 20)
"""The peak, -70 dB of full scale, up to which a signal is silent without a look at its loudness."""

PIECE = 1 << 20
"""Samples that are looked at at a time, of a signal that may lie on disk."""

LOOK = 10
"""Seconds at a time in which a sound is looked for."""

EDGE = 0.05
"""Seconds at either end of a recording in which no sound is looked for. Where the rate was changed, a
constant offset (DC) rings there, as it begins and ends at once."""

WILD = 4.0
"""How many times the robust peak a sample must reach to be wild: 12 dB."""

WILD_SHARE = 1e-3
"""The share of samples that the robust peak leaves out: of a clip of 3 s at 44.1 kHz 132 samples."""

FFMPEG_ARGUMENTS = ("-hide_banner", "-nostdin", "-loglevel", "error", "-xerror")
"""How ffmpeg is called: it asks nothing, says nothing but errors, and ends at the first of them."""

CONTAINERS = (
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "eac3", "flac", "flv", "iff",
    "matroska", "mlp", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "oga", "ogg", "oma", "qoa", "rm", "shn",
    "tak", "truehd", "tta", "voc", "w64", "wav", "wv", "xwma",
)  # fmt: skip
"""What ffmpeg may take a file for: formats that hold the sound themselves. Lists (ffconcat, HLS, SDP …) would
have it read other files, or open connections."""


class Channels(NamedTuple):
    """How the channels of a signal stand to their mean: from `compare_channels`.

    Attributes
    ----------
    cancellation : float
        How far their mean lies below that of independent channels, in dB: see `cancellation`.
    below : float
        By how many dB their mean is below the one of most power.
    share : float
        Of the seconds in which a channel sounds, those in which they cancel each other, 0 to 1.
    louder : int
        The number of the one of most power; of equal ones the first.
    """

    cancellation: float
    below: float
    share: float
    louder: int


class TooLarge(InputError):
    """A recording is too large to be read at once."""


def load(path, sample_rate, longest=np.inf, note=None):
    """Read an audio file of any common format, to its end.

    Libsndfile reads what it knows (WAV, FLAC, Ogg, MP3, AIFF …), ffmpeg the rest (M4A, WMA …). Recordings
    that lie end to end in the file (`relatives.containers`) are decoded one by one, resampled and joined: of
    fewer channels than another, one has its mean in each channel.

    Parameters
    ----------
    path : str or Path
    sample_rate : int
        The rate in Hz to which the signal is resampled, if it has another.
    longest : float
        Seconds that it may last.
    note : callable, optional
        Called with a sentence for whatever is odd in a file that is used all the same: several recordings
        end to end, a size in its header that was not believed, junk that was passed over, bytes that are not
        read, fewer samples than its container counts (by more than `NOTED` seconds and `CUT_SHARE`).

    Returns
    -------
    (samples, channels) float32
        What the file holds: not normalised, and not finite where the file is not.

    Raises
    ------
    TooLarge
        It lasts longer, or has more than `IN_MEMORY` samples. It is not in memory then.
    InputError
        There is no such file, it cannot be opened, it is not audio, it is broken or has lost a part (see
        `CUT`), or it holds no samples. Of a file of several recordings that holds for the first; of the
        others a note tells. A cut Ogg, WAV or AIFF file passes for a shorter one: what is there is returned,
        with a note.
    """
    return _load(Path(path), sample_rate, longest, note or _unheard)


def load_stream(path, number, sample_rate, note=None):
    """Read one of several audio streams of a file, as a stem file (MP4) has them.

    Parameters
    ----------
    path : str or Path
    number : int
        Of the stream among the audio streams, from 0.
    sample_rate : int
        The rate in Hz to which the signal is resampled, if it has another.
    note : callable, optional
        As in `load`.

    Returns
    -------
    (samples, channels) float32

    Raises
    ------
    InputError
        The file has no such stream, cannot be opened, is not audio, is broken, holds no samples or more than
        `IN_MEMORY`.
    """
    return _load(Path(path), sample_rate, np.inf, note or _unheard, number)


def stream(path, sample_rate, longest=np.inf, note=None):
    """Read an audio file as `load` does, but never as a whole in memory.

    What samples are wild (`ceiling`) is judged block by block.

    Parameters
    ----------
    path, sample_rate, longest, note
        As in `load`.

    Yields
    ------
    (samples, channels) float32
        A block after another. All have the channels of the first recording in the file; a recording of
        another number of channels has its mean in each.

    Raises
    ------
    TooLarge, InputError
        As in `load`, when the blocks are asked for. A file that turns out to be cut at its end has given its
        blocks by then.
    """
    import soxr

    path, note = Path(path), note or _unheard
    lengths, channels = [], None
    for part, failing in _parts(path, note):
        with failing, _decoder(path, part) as decoder:
            if decoder.counted is not None and sum(lengths) + decoder.counted / decoder.rate > longest:
                raise TooLarge(f"{shown(path)}: longer than {longest:g} s.")
            channels = channels or decoder.channels
            change = None
            if decoder.rate != sample_rate:
                change = soxr.ResampleStream(decoder.rate, sample_rate, channels, dtype="float32")
            # few samples at a low rate become many
            size = int(AT_ONCE / decoder.channels / max(1, sample_rate / decoder.rate)) or 1
            held, block, clipping = 0, None, _Clipping()
            lengths.append(0.0)
            while block is None or len(block) == size:
                block = decoder.read(size)
                held += len(block)
                lengths[-1] = held / decoder.rate
                if sum(lengths) > longest:
                    raise TooLarge(f"{shown(path)}: longer than {longest:g} s.")
                last, block = len(block) < size, clipping.clip(block)
                if block.shape[1] != channels:
                    # (samples,) -> (samples, 1) -> (samples, channels)
                    block = np.repeat(mono(block)[:, None], channels, axis=1)
                yield block if change is None else change.resample_chunk(block, last=last)
            clipping.tell(note)
            _check_length(path, decoder, held, note)
    _tell_lengths(lengths, note)


class _Clipping:
    """Clips the wild samples of a recording that comes in blocks, and tells of all of them at once."""

    def __init__(self):
        self._number, self._loudest, self._limit, self._before = 0, 0.0, 0.0, None

    def clip(self, block):
        """A block, (samples, channels), clipped to its `ceiling`."""
        judged = block
        if self._before is not None and len(block) < len(self._before):
            # of few samples, at an end, a single one is already more than the share that may be wild
            judged = np.concatenate([self._before, block])
        limit = ceiling(judged)
        if limit < np.inf:
            number = int(np.count_nonzero(np.abs(block) > limit))
            if number:
                self._number += number
                self._loudest, self._limit = max(self._loudest, peak(block)), max(self._limit, limit)
                block = np.clip(block, -limit, limit)
        self._before = block
        return block

    def tell(self, note):
        """Call `note` with a sentence, if anything was clipped."""
        if self._number:
            note(_in_words_of_clipping(self._number, self._loudest, self._limit))


def promised(path):
    """The seconds that a file says that it lasts.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    float
        Infinite where it does not say it, or of its first recording alone, or is no file that can be read.
    """
    path = Path(path)
    try:
        parts = _parts(path, _unheard)
        if len(parts) > 1:
            return np.inf
        with _decoder(path, parts[0][0]) as decoder:
            return np.inf if decoder.counted is None else decoder.counted / decoder.rate
    except InputError:
        return np.inf


def _unheard(words):
    """A `note` that nobody wants."""


def _load(path, sample_rate, longest, note, stream=None):
    """As `load`; with the number of a stream, that one among the audio streams alone."""
    # told at the end: who reads a file that is too large in another way is told then
    notes, signals, lengths, room = [], [], [], IN_MEMORY
    for part, failing in _parts(path, notes.append):
        with failing, _decoder(path, part, stream) as decoder:
            growth = max(1, sample_rate / decoder.rate)
            left = longest - sum(lengths)
            # a little more than may be, to see that there is more
            most = int(max(min(left * decoder.rate, room / decoder.channels / growth), 0)) + 1
            if decoder.counted is not None and decoder.counted >= most:
                raise _too_large(path, decoder, decoder.counted)
            signal = decoder.read(most)
            if len(signal) == most:
                raise _too_large(path, decoder, len(signal))
            lengths.append(len(signal) / decoder.rate)
            room -= signal.size * growth
            signals.append(resample(clip_wild(signal, notes.append), decoder.rate, sample_rate))
            _check_length(path, decoder, len(signal), notes.append)
    # a few samples at a high rate are none at a lower one
    if not sum(map(len, signals)):
        which = "the file" if stream is None else f"its stream {stream}"
        raise InputError(f"{shown(path)}: {which} holds no samples. Remove or replace the file.")
    _tell_lengths(lengths, notes.append)
    for words in notes:
        note(words)
    return _end_to_end(signals)


def _end_to_end(signals):
    """Signals after one another, (samples, channels) each; those of fewer channels have their mean in all."""
    if len(signals) == 1:
        return signals[0]
    channels = max(signal.shape[1] for signal in signals)
    return np.concatenate(
        [
            # (samples,) -> (samples, 1) -> (samples, channels)
            signal if signal.shape[1] == channels else np.repeat(mono(signal)[:, None], channels, axis=1)
            for signal in signals
        ]
    )


def _parts(path, note):
    """The recordings of a file, each with a context in which an error of it may be raised.

    Of the first it goes on to the caller; of a later one it becomes a note. What is odd in the file is noted.
    """
    check_file(path)
    parts, notes = [containers.Part(((0, 0),), whole=True)], []
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                try:
                    parts, notes = containers.survey(data)
                except containers.Broken as error:
                    raise InputError(f"{shown(path)}: {error}. Replace it by a whole copy.") from error
    for words in notes:
        note(words)

    @contextmanager
    def failing(number):
        try:
            yield
        except TooLarge:
            raise
        except InputError as error:
            if number == 1:
                raise
            words = str(error).removeprefix(f"{shown(path)}: ")
            note(f"Of its {len(parts)} recordings, number {number} was not read to its end: {words}")

    return [(part, failing(number)) for number, part in enumerate(parts, 1)]


def _tell_lengths(lengths, note):
    """Note that a file has several recordings, of so many seconds."""
    lengths = [seconds for seconds in lengths if seconds]
    if len(lengths) > 1:
        each = " + ".join(f"{seconds:.2f}" for seconds in lengths[:NAMED])
        each += " + …" if len(lengths) > NAMED else ""
        total = sum(lengths)
        note(f"{len(lengths)} recordings lie end to end in it: {each} = {total:.2f} s, and all are used.")


def _too_large(path, decoder, frames):
    """The error for a recording of so many samples, or more, as a decoder has."""
    return TooLarge(
        f"{shown(path)}: too large to be read at once: {frames / decoder.rate:.0f} s of {decoder.channels}"
        f" channels at {decoder.rate} Hz. Cut it into parts."
    )


def _check_length(path, decoder, held, note):
    """Hold the number of samples of a recording against what its container counts; see `CUT`."""
    if decoder.counted is None:
        return
    counted, rate = decoder.counted, decoder.rate
    missing, share = counted - held, CUT_SHARE * counted
    of_all = f"{held} of {counted} samples are there, {held / rate:.2f} of {counted / rate:.2f} s"
    if missing > max(CUT * rate, share, decoder.slack):
        raise InputError(f"{shown(path)}: the file is truncated: {of_all}. Replace it by a whole copy.")
    if missing > max(NOTED * rate, share):
        note(f"It holds less than its container counts: {of_all}.")


@contextmanager
def _decoder(path, part, stream=None):
    """What decodes a `containers.Part` of a file: libsndfile if it can, or ffmpeg.

    It has a `rate` in Hz, `channels`, the samples that are `counted` by the container (None where it does
    not), how many fewer may be there whatever they last (`slack`), and ``read(frames)``, which gives
    (samples, channels) float32, fewer at the end alone.
    """
    import soundfile

    with ExitStack() as stack:
        # libsndfile takes "-" for the standard input
        source = os.path.join(".", path)
        if not part.whole:
            file = stack.enter_context(open(path, "rb"))
            source = stack.enter_context(io.BufferedReader(containers.Window(file, part), 1 << 16))
        if stream is None:
            try:
                file = stack.enter_context(soundfile.SoundFile(source))
            except soundfile.LibsndfileError:
                file = None
            # of an MP3 libsndfile would guess the length from the first frame, and stop there
            guessed = file is not None and file.format in ("MP3", "MPEG") and not part.counted
            if file is not None and not guessed and file.frames != UNKNOWN:
                yield _Libsndfile(path, file)
                return
        if not part.whole:
            copy = stack.enter_context(tempfile.NamedTemporaryFile())
            source.seek(0)
            shutil.copyfileobj(source, copy)
            copy.flush()
            source = copy.name
        yield stack.enter_context(_Ffmpeg(path, source, stream))


class _Libsndfile:
    """A decoder, of an open `soundfile.SoundFile`; see `_decoder`."""

    def __init__(self, path, file):
        self._path, self._file = path, file
        self.rate, self.channels, self.counted = file.samplerate, file.channels, file.frames
        self.slack = OGG_SLACK if file.format == "OGG" else 0

    def read(self, frames):
        import soundfile

        try:
            return self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            reason = f"the file is broken or truncated ({error.error_string})"
            raise InputError(f"{shown(self._path)}: {reason}. Replace it by a whole copy.") from error


class _Ffmpeg:
    """A decoder, a process of ffmpeg that reads `source`, for a file that messages call `path`.

    See `_decoder`. With a number of a stream, it reads that audio stream, else the only or main one.
    """

    counted, slack = None, 0

    def __init__(self, path, source, stream=None):
        import ffmpeg
        import imageio_ffmpeg

        self._path = path
        source = ffmpeg_input(source)
        source = source if stream is None else source[f"a:{stream}"]
        # AU is a container that can be piped
        output = source.output("pipe:", format="au", acodec="pcm_f32be", threads=1)
        command = ffmpeg.compile(output.global_args(*FFMPEG_ARGUMENTS), cmd=imageio_ffmpeg.get_ffmpeg_exe())
        # not a pipe, which might be full while nobody reads it
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints
        )

    def __enter__(self):
        # the mark, the place of the samples, their size and form, the rate, the channels: 4 bytes each
        head = self._process.stdout.read(24)
        if len(head) < 24:
            self._check()
            raise InputError(f"{shown(self._path)}: the file holds no samples. Remove or replace it.")
        place, _, _, self.rate, self.channels = np.frombuffer(head, ">u4")[1:].tolist()
        if not self.rate or not self.channels:
            raise InputError(f"{shown(self._path)}: it has no rate or no channels. Remove or replace it.")
        self._process.stdout.read(place - 24)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.stdout.close()
        self._process.wait()
        self._complaints.close()

    def read(self, frames):
        wanted, blocks = frames * self.channels * 4, []
        while wanted and (block := self._process.stdout.read(min(wanted, 1 << 22))):
            blocks.append(block)
            wanted -= len(block)
        if wanted:
            self._check()
        sound = b"".join(blocks)
        sound = np.frombuffer(sound, ">f4", len(sound) // 4 // self.channels * self.channels)
        # (samples * channels,), interleaved -> (samples, channels)
        return sound.reshape(-1, self.channels).astype(np.float32)

    def _check(self):
        """Raise an error if ffmpeg ended with one."""
        if self._process.wait():
            self._complaints.seek(0)
            try:
                raise _complaint(self._complaints.read())
            except RuntimeError as error:
                raise InputError(
                    f"{shown(self._path)}: not audio, or broken ({error}). Remove or replace it."
                ) from error


def ffmpeg_input(path):
    """A file as the input of ffmpeg, which may read nothing beside it."""
    import ffmpeg

    # "file:" keeps a colon in the name from being read as a protocol
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", format_whitelist=",".join(CONTAINERS))


def run_ffmpeg(stream, data=b""):
    """Run the ffmpeg binary of imageio-ffmpeg over pipes.

    Parameters
    ----------
    stream : ffmpeg.nodes.OutputStream
        What to do, as ffmpeg-python writes it; its output is "pipe:", and its input where `data` is given.
    data : bytes
        The input.

    Returns
    -------
    bytes
        The output.

    Raises
    ------
    RuntimeError
        The first complaint of ffmpeg.
    ChildProcessError
        It was killed, for want of memory perhaps. OSError, too, where its disk is full: of both no input is
        to blame.
    """
    import ffmpeg
    import imageio_ffmpeg

    try:
        output, _ = stream.global_args(*FFMPEG_ARGUMENTS).run(
            cmd=imageio_ffmpeg.get_ffmpeg_exe(), input=data, quiet=True
        )
    except ffmpeg.Error as error:
        raise _complaint(error.stderr) from error
    return output


def _complaint(words):
    """The error that ffmpeg's own words, as bytes, stand for; see `run_ffmpeg`."""
    complaint = words.decode(errors="replace").strip().partition("\n")[0]
    if not complaint:
        return ChildProcessError("ffmpeg was killed. Is the memory full?")
    if os.strerror(errno.ENOSPC) in complaint:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), tempfile.gettempdir())
    # without the names and addresses of the complaining parts, "[mp3 @ 0x55…] "
    complaint = re.sub(r"^(\[[^]]*\] )+", "", complaint)
    return RuntimeError(re.sub(r"^Format not on whitelist.*", "a format of another kind", complaint))


def resample(signal, source_rate, target_rate):
    """Change the sampling rate, by band-limited interpolation (soxr, high quality).

    Parameters
    ----------
    signal : (samples,) or (samples, channels) array
    source_rate, target_rate : int
        In Hz.

    Returns
    -------
    (samples',) or (samples', channels) float32
        With ``samples' = samples * target_rate / source_rate``, rounded.
    """
    signal = np.asarray(signal, dtype=np.float32)
    if source_rate == target_rate:
        return signal
    import soxr

    return soxr.resample(signal, source_rate, target_rate)


def mono(signal):
    """The mean of the channels: (samples,) or (samples, channels) -> (samples,)."""
    if signal.ndim == 1:
        return signal
    # As a product: numpy's mean over so short an axis takes eight times as long
    return signal @ np.full(signal.shape[1], 1 / signal.shape[1], dtype=signal.dtype)


def mix(signal, sample_rate, how="mean"):
    """One channel of several.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) array
        Finite, where the louder channel is asked for.
    sample_rate : int
        In Hz.
    how : {"mean", "left", "louder"}
        One of `MIXES`: the mean of all channels; the first channel; the channel of most power, DC left out.

    Returns
    -------
    (samples,) array
        Of the dtype of the signal.
    """
    if signal.ndim == 1 or how == "mean":
        return mono(signal)
    channel = compare_channels(signal, sample_rate).louder if how == "louder" else 0
    return np.ascontiguousarray(signal[:, channel])


def energies(signal, sample_rate):
    """The energy of each channel and of the sum of all in each second, a constant offset (DC) left out.

    Parameters
    ----------
    signal : (samples, channels) float array
        Finite. It may lie on disk: a second at a time is read.
    sample_rate : int
        In Hz.

    Returns
    -------
    (seconds, channels + 1) float64
        Sums of squares over the samples of a second; the last second may be shorter.
    """
    found = []
    for first in range(0, len(signal), sample_rate):
        # (samples, channels) -> (channels, samples), as numpy is slow along an axis of two
        channels = np.ascontiguousarray(signal[first : first + sample_rate].T)
        channels = channels - channels.mean(axis=1, keepdims=True)
        rows = [*channels, channels.sum(axis=0)]
        with np.errstate(over="ignore"):
            squares = [np.dot(row, row) for row in rows]
        if not np.all(np.isfinite(squares)):
            squares = [np.dot(row, row) for row in np.asarray(rows, dtype=np.float64)]
        found.append(squares)
    return np.array(found, dtype=np.float64)


def cancellation(squares):
    """How far the mean of channels lies below what independent channels would give.

    Parameters
    ----------
    squares : (..., channels + 1) float array
        As from `energies`, of a second or summed over several.

    Returns
    -------
    (...) float64
        In dB: -3 for two equal channels, 0 for independent ones and for one channel beside silence; infinite
        where nothing is left. 0 where all channels are silent.

    Examples
    --------
    >>> left = np.random.default_rng(0).normal(size=22050)
    >>> inverted = np.stack([left, -0.9 * left], axis=1)
    >>> cancellation(energies(inverted, 22050)).round(1).tolist()
    [22.6]
    """
    alone, together = squares[..., :-1].sum(axis=-1), squares[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(alone > 0, 10 * np.log10(alone / together), 0.0)


def compare_channels(signal, sample_rate):
    """How the channels of a signal stand to their mean.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
        Finite, not empty.
    sample_rate : int
        In Hz.

    Returns
    -------
    Channels
        Of one channel: nothing cancels.
    """
    if signal.ndim == 1 or signal.shape[1] == 1:
        return Channels(0.0, 0.0, 0.0, 0)
    squares = energies(signal, sample_rate)
    # those of a second at the level of silence are not heard
    heard = squares[:, :-1].max(axis=1) > SILENCE**2 * sample_rate
    cancelled = cancellation(squares[heard]) > CANCELLED
    total = squares.sum(axis=0)
    louder = int(np.argmax(total[:-1]))
    mean = total[-1] / signal.shape[1] ** 2
    with np.errstate(divide="ignore"):
        below = float(10 * np.log10(total[louder] / mean)) if total[louder] > 0 else 0.0
    share = float(np.mean(cancelled)) if len(cancelled) else 0.0
    return Channels(float(cancellation(total)), below, share, louder)


def cancels(compared):
    """Whether channels cancel each other, by `compare_channels`: on the whole or in half of the time."""
    return compared.cancellation > CANCELLED or compared.share >= 0.5


def decibels(magnitude):
    """A magnitude in dB of full scale; minus infinity for 0."""
    return 20 * float(np.log10(magnitude)) if magnitude > 0 else -np.inf


def in_words(difference):
    """A difference of levels for reading: "35 dB"; of inverted channels nothing at all may be left."""
    return f"{difference:.0f} dB" if difference < MEASURABLE else f"more than {MEASURABLE} dB"


def inner(signal, sample_rate):
    """A signal, (samples, …), without `EDGE` seconds at either end; one of a block or less as a whole."""
    edge = round(EDGE * sample_rate)
    return signal[edge : len(signal) - edge] if len(signal) > BLOCK * sample_rate + 2 * edge else signal


def sounds(signal, sample_rate, gain=1.0):
    """Whether a signal has a loudness: a block above the gate of EBU R 128 in any part of it but its edges.

    A constant offset (DC) is no sound: it is taken out, part by part of about `LOOK` seconds.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
        Finite. Of several channels their mean is meant.
    sample_rate : int
        In Hz.
    gain : float
        By which the signal is multiplied before.
    """
    signal = inner(signal, sample_rate)
    parts = max(1, len(signal) // (LOOK * sample_rate))
    bounds = np.linspace(0, len(signal), parts + 1).astype(int)
    for begin, end in itertools.pairwise(bounds):
        part = gain * mono(np.asarray(signal[begin:end], dtype=np.float64))
        part = part - part.mean() if len(part) else part
        if np.any(np.abs(part) > SILENCE) and np.isfinite(loudness(part, sample_rate)):
            return True
    return False


def sounding_share(signal, sample_rate):
    """The share of the gating blocks of EBU R 128 that are above its gate, 0 to 1; DC is no sound.

    Parameters
    ----------
    signal : (samples,) float array
        Finite, not empty.
    sample_rate : int
        In Hz.
    """
    signal = np.asarray(signal, dtype=np.float64)
    return float(np.mean(_powers(signal - signal.mean(), sample_rate) >= _power(GATE)))


def kept_share(signal, gain):
    """Of the samples above the level of silence, the share that a gain leaves above it.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
        Of several channels their mean is meant. It may lie on disk.
    gain : float
        At most 1.

    Returns
    -------
    float
        0 to 1; 1 where no sample is above `SILENCE`.
    """
    before = after = 0
    for part in _pieces(signal):
        magnitudes = np.abs(mono(part))
        before += np.count_nonzero(magnitudes > SILENCE)
        after += np.count_nonzero(magnitudes > SILENCE / gain)
    return after / before if before else 1.0


def peak(signal):
    """The largest magnitude of a signal of any shape; NaN or infinite where one of its samples is."""
    return max(float(signal.max()), -float(signal.min()))


def ceiling(signal):
    """The magnitude to which a signal is to be clipped, as single samples are wild.

    One wrong sample of 1e6 in a file of floats would otherwise have the whole file turned down to nothing.
    The robust peak is the least power of two (1, 2, 4 …), at least full scale, that no more than `WILD_SHARE`
    of the samples reach. Wild is a sample beyond `WILD` times that. The ceiling is the largest magnitude that
    is not wild, at least full scale. A signal that is too loud throughout has no wild samples.

    Parameters
    ----------
    signal : array
        Of any shape, full scale at ±1; a long one may lie on disk.

    Returns
    -------
    float
        Infinite where no sample is wild, and where a sample is not finite.

    Examples
    --------
    >>> quiet = np.full(10_000, 0.3, dtype=np.float32)
    >>> quiet[0] = 1e6
    >>> ceiling(quiet), ceiling(1000 * quiet[1:])
    (1.0, inf)
    """
    loudest = peak(signal) if signal.size else 0.0
    if not WILD < loudest < np.inf:
        return np.inf
    # by the exponent e of x = m 2^e with m from 1/2 to 1: how many samples reach 2^(e - 1)
    # one more than there are, which none reaches
    counts = np.zeros(np.finfo(signal.dtype).maxexp + 2, dtype=np.int64)
    for part in _pieces(signal):
        exponents = np.frexp(part)[1].ravel()
        counts += np.bincount(np.maximum(exponents, 0), minlength=len(counts))
    reaching = np.cumsum(counts[::-1])[::-1]
    # reaching[e] reach 2^(e - 1), so reaching[1] reach full scale
    robust = 2.0 ** np.argmax(reaching[1:] <= WILD_SHARE * signal.size)
    if loudest <= WILD * robust:
        return np.inf
    tame = max(float(np.abs(part[np.abs(part) <= WILD * robust]).max(initial=0)) for part in _pieces(signal))
    return max(1.0, tame)


def clip_wild(signal, note=None):
    """Clip the wild samples of a signal; see `ceiling`.

    To be called before the sampling rate is changed, which would spread a wild sample over its neighbours.

    Parameters
    ----------
    signal : array
        Of any shape.
    note : callable, optional
        Called with a sentence on what was clipped, if anything was.

    Returns
    -------
    array
        The same one where no sample is wild.
    """
    limit = ceiling(signal)
    if limit == np.inf:
        return signal
    if note is not None:
        note(note_of_clipping(signal, limit))
    return np.clip(signal, -limit, limit)


def note_of_clipping(signal, limit):
    """The sentence about a signal with wild samples, which are clipped to its `ceiling`, `limit`."""
    number = sum(int(np.count_nonzero(np.abs(part) > limit)) for part in _pieces(signal))
    return _in_words_of_clipping(number, peak(signal), limit)


def _in_words_of_clipping(number, loudest, limit):
    """The sentence of `note_of_clipping` for so many wild samples, the loudest of them, and the ceiling."""
    return (
        f"{number} sample(s) far beyond full scale (up to {loudest:.3g} times) are faults of the file"
        f" and are clipped to {limit:.3g}."
    )


def _pieces(signal):
    """A signal in pieces of `PIECE` samples, as a long one may lie on disk."""
    for first in range(0, len(signal), PIECE):
        yield np.asarray(signal[first : first + PIECE])


def rms(signal):
    """Root of the mean square of all samples, a float; 0 for a signal without samples."""
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))) if np.size(signal) else 0.0


def level(signal):
    """The RMS of a signal about its mean, a float: a constant offset (DC) is no sound and does not count.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
        Each channel has a mean of its own. Of no samples the level is 0.
    """
    if not np.size(signal):
        return 0.0
    signal = np.asarray(signal, dtype=np.float64)
    # less its first sample, so that a constant is exactly 0
    return float(np.sqrt(np.mean(np.var(signal - signal[0], axis=0))))


def loudness(signal, sample_rate):
    """Integrated loudness of EBU R 128.

    A signal shorter than one gating block of 400 ms would have none: it is repeated until it fills one.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
        At most five channels.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        LUFS; minus infinity where nothing is above the gate of -70 LUFS.
    """
    return _gated(_powers(signal, sample_rate))


def _powers(signal, sample_rate):
    """K-weighted power of every gating block, all channels together, (blocks,) float64."""
    if not np.any(signal):
        return np.zeros(1)
    block = int(np.ceil(BLOCK * sample_rate))
    if len(signal) < block:
        # (samples, …) -> (block, …): the samples repeat from the start
        signal = np.resize(signal, (block, *signal.shape[1:]))
    import scipy.signal

    # (samples,) or (samples, channels) -> (channels, samples)
    channels = np.atleast_2d(np.asarray(signal, dtype=np.float64).T)
    weighted = scipy.signal.sosfilt(_weighting(sample_rate), channels)
    # in blocks, and rounded as pyloudnorm does it: a sample more or less is heard in the fifth digit
    step = 1 - OVERLAP
    starts = step * np.arange(round((len(signal) / sample_rate - BLOCK) / (BLOCK * step)) + 1)
    bounds = [(int(BLOCK * start * sample_rate), int(BLOCK * (start + 1) * sample_rate)) for start in starts]
    energies = [np.square(weighted[:, begin:end]).sum(axis=1) for begin, end in bounds]
    # (blocks, channels) @ (channels,) -> (blocks,)
    return np.array(energies) @ CHANNEL_WEIGHTS[: len(channels)] / (BLOCK * sample_rate)


def _gated(powers):
    """The loudness in LUFS of blocks of such K-weighted powers."""
    loud = powers[powers >= _power(GATE)]
    if not len(loud):
        return -np.inf
    # 10 LU below the mean of the blocks above the first gate
    return float(OFFSET + 10 * np.log10(loud[loud > loud.mean() / 10].mean()))


def _power(level):
    """The K-weighted power of a loudness in LUFS."""
    return 10 ** ((level - OFFSET) / 10)


@functools.cache
def _weighting(sample_rate):
    """The filters of K-weighting, pyloudnorm's, as second-order sections, (2, 6)."""
    from pyloudnorm import IIRfilter

    shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, sample_rate, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass")
    return np.array([np.concatenate([stage.b, stage.a]) for stage in (shelf, high_pass)])


def loudness_gain(signal, target, sample_rate):
    """The factor that brings a signal to a loudness.

    Parameters
    ----------
    signal : (samples,) or (samples, channels) float array
    target : float
        In LUFS; minus infinity for silence.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        1 where there is nothing to match: the signal is constant, or the target is silence.
    """
    # a constant offset (DC) would have the gain start too low for the music beside it
    found = level(signal)
    if found == 0 or not np.isfinite(target):
        return 1.0
    # filtered once: a gain changes the powers of the blocks by its square
    powers = _powers(signal, sample_rate)
    # Near -70 LUFS a gain moves blocks across the gate, and that changes the loudness: so start far above the
    # gate and repeat the correction. Elsewhere the first correction is exact.
    gain = SAFE_LEVEL / found
    for _ in range(MATCHING_ROUNDS):
        measured = _gated(gain**2 * powers)
        if not np.isfinite(measured) or abs(target - measured) < MATCHING_TOLERANCE:
            break
        gain *= 10 ** ((target - measured) / 20)
    return gain


def match_loudness(signal, target, sample_rate):
    """Scale a signal to a loudness; see `loudness_gain`.

    Examples
    --------
    >>> hiss = np.random.default_rng(0).normal(size=22050).astype(np.float32)
    >>> round(loudness(match_loudness(hiss, -23.0, 22050), 22050), 2)
    -23.0
    """
    return signal * np.float32(loudness_gain(signal, target, sample_rate))


def centre(signal, samples):
    """The middle of a signal, zero-padded on both sides where the signal is shorter.

    Parameters
    ----------
    signal : (n,) or (n, channels) array
    samples : int
        How many samples to return; where they cannot lie exactly in the middle, they lie half a sample early.

    Returns
    -------
    (samples,) or (samples, channels) array

    Examples
    --------
    >>> centre(np.array([1, 2, 3, 4]), 2)
    array([2, 3])
    >>> centre(np.array([1, 2]), 4)
    array([0, 1, 2, 0])
    """
    spare = len(signal) - samples
    if spare >= 0:
        return signal[spare // 2 : spare // 2 + samples]
    before = -spare // 2
    padding = [(before, -spare - before)] + [(0, 0)] * (signal.ndim - 1)
    return np.pad(signal, padding)


def quantise(signal):
    """Round a signal to the values that int16 can hold, without clipping.

    Parameters
    ----------
    signal : array
        Of any shape, full scale at ±1; it may exceed full scale.

    Returns
    -------
    array float32
        Of the same shape; every value is a whole number of steps of 1 / `FULL_SCALE`. What has been int16
        before does not change.

    Examples
    --------
    >>> (quantise(np.array([0.00001, 0.00002, 1.5])) * FULL_SCALE).tolist()
    [0.0, 1.0, 49152.0]
    """
    return np.rint(np.asarray(signal, dtype=np.float32) * FULL_SCALE) / np.float32(FULL_SCALE)


def to_int16(signal):
    """Float, full scale at ±1, to the nearest int16; what exceeds full scale is clipped."""
    steps = quantise(signal) * FULL_SCALE
    return np.clip(steps, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(samples):
    """int16 to float32, full scale at ±1; `to_int16` undoes it exactly."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)
