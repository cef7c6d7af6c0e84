"""Where the recordings lie in a file: several end to end, sizes that are wrong, junk among frames of MP3.

A decoder reads one recording, as long as its container says, and ends without a word. A file may hold more:
MP3s laid end to end, links of an Ogg stream, WAV after WAV; the size in a header may be 0 or another that is
not true; and tags, zeros or text may lie between the frames of an MP3 and behind them. `survey` looks at
headers and frames alone, decodes nothing, and says which bytes are which recording.

Sources
-------
RIFF, RF64: EBU Tech 3306; AIFF: Apple (1989); AU: Sun; CAF: Apple; W64: Sony; Ogg: RFC 3533; FLAC: RFC 9639;
MP4: ISO 14496-12; Matroska: RFC 9559; ASF: Microsoft; frames: ISO 11172-3, 13818-3 and 13818-7 (ADTS);
Lyrics3, APE and ID3 tags: as their authors describe them.
"""

import functools
import io
import string
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

SYNCED = 3
"""Frames one after another by which frames are known among other bytes."""

SURE = 8
"""The same, where nothing else says that a file is one of frames."""

SEARCHED = 1 << 16
"""Bytes at the start of a file in which its first frame is looked for."""

HARMLESS = 0.1
"""Seconds of sound that bytes of no known kind among frames may stand for. More are taken for lost sound."""

UNNOTICED = 0.05
"""Seconds of sound that bytes may stand for and nothing is said of them."""

BLOCK = 1 << 20
"""Bytes that are searched at a time."""

SMALL = 1000
"""Bytes behind a recording that may be anything, and nothing is said of them."""

LARGEST = (1 << 32) - 256
"""Bytes that the size of a chunk of RIFF can tell, with room for the header."""

MARKS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"3DI")
"""How a tag begins: ID3v2, ID3v1 (and its extension), APE, Lyrics3; the end of an ID3v2 tag at an end."""

FOREIGN = (
    b"RIFF", b"FLV", b"\0\0\1", b"G", b"MAC ", b"wvpk", b"TTA1", b"MPCK", b"MP+", b".RMF", b"#!AMR", b"FORM",
    b"DSD ", b"tBaK", b"ajkg", b"Creative", b"EA3", b"FWS", b"CWS", b"PK\3\4", b"\xff\xd8\xff", b"\x89PNG",
    b"%PDF", b"\x0b\x77",
)  # fmt: skip
"""How files begin that may have frames of MP3 somewhere in them and are something else."""

TRAILERS = (
    b"LIST", b"list", b"id3 ", b"ID3 ", b"cue ", b"smpl", b"inst", b"bext", b"iXML", b"axml", b"chna",
    b"fact", b"PEAK", b"JUNK", b"junk", b"FLLR", b"PAD ", b"pad ", b"acid", b"plst", b"note", b"labl",
    b"DISP", b"cart", b"_PMX", b"afsp", b"umid", b"levl", b"strc", b"MARK", b"INST", b"MIDI", b"APPL",
    b"COMT", b"NAME", b"AUTH", b"(c) ", b"ANNO", b"AESD", b"CHAN", b"FVER", b"basc", b"trns", b"cate",
)  # fmt: skip
"""Chunks that stand behind the samples."""

PICTURES = (b"PK\3\4", b"\xff\xd8\xff", b"\x89PNG", b"%PDF", b"<?xml", b"<x:xmpmeta")
"""How other files begin that may be appended to a recording."""


class Broken(Exception):
    """A file is broken so that a decoder would not say it. The words tell how."""


@dataclass(frozen=True)
class Part:
    """A recording in a file.

    Attributes
    ----------
    ranges : tuple of (int, int)
        The bytes of the file that belong to it, in their order: the first, and one behind the last.
    header : bytes
        What stands in front of these bytes, in the place of a header whose sizes are wrong.
    counted : bool
        Whether it is an MP3 whose first frame counts the others: of any other, libsndfile guesses the number.
    whole : bool
        The file as it is.
    """

    ranges: tuple[tuple[int, int], ...]
    header: bytes = b""
    counted: bool = False
    whole: bool = False


class Window(io.RawIOBase):
    """The bytes of a `Part` as a file of its own, to be read.

    Parameters
    ----------
    file
        The file that holds the part, open for reading bytes; it is moved about in.
    part
    """

    def __init__(self, file: io.IOBase, part: Part):
        super().__init__()
        self._file, self._header, self._ranges, self._at = file, part.header, part.ranges, 0
        self._length = len(part.header) + sum(end - begin for begin, end in part.ranges)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as in any file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:
        """Fill a buffer as far as one range reaches; 0 at the end."""
        wanted, at = len(buffer), self._at
        if at < len(self._header):
            found = self._header[at : at + wanted]
        else:
            found = b""
            at -= len(self._header)
            for begin, end in self._ranges:
                if at < end - begin:
                    self._file.seek(begin + at)
                    found = self._file.read(min(wanted, end - begin - at))
                    break
                at -= end - begin
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def survey(data: Sequence) -> tuple[list[Part], list[str]]:
    """The recordings of a file, and what is odd about it.

    Parameters
    ----------
    data
        The bytes of the file: bytes, or a file mapped into memory.

    Returns
    -------
    parts : list of Part
        In their order, at least one. One that is `whole` where there is nothing to put right: the decoders
        may then have the file itself, be it audio or not.
    notes : list of str
        Sentences on what was put right or is not read.

    Raises
    ------
    Broken
        More than `HARMLESS` among the frames of an MP3 is neither frame nor tag, padding or text; or an AIFF
        has no sampling rate.

    Examples
    --------
    >>> survey(b"no audio")
    ([Part(ranges=((0, 8),), header=b'', counted=False, whole=True)], [])
    """
    parts, notes, at = [], [], 0
    while at < len(data):
        walk = _kind(data, at)
        if walk is None:
            notes += _of_the_rest(data, at) if parts else []
            break
        found, said, end = walk(data, at)
        parts += found
        notes += said
        at = _forward(data, end)
    if not parts or (len(parts) == 1 and parts[0].whole):
        counted = bool(parts) and parts[0].counted
        return [Part(((0, len(data)),), counted=counted, whole=True)], notes
    return [replace(part, whole=False) for part in parts], notes


def _kind(data: Sequence, at: int) -> Callable | None:
    """What walks through the recording that begins here, or None."""
    if (signed := _signed(data, at)) is not None:
        return signed
    first = _behind_tags(data, at)
    if first > at and (signed := _signed(data, first)) is not None:
        # libsndfile passes over the tag
        return signed if signed is _flac else None
    head = data[at : at + 16]
    if _chained(data, first, len(data), SYNCED):
        return _mpeg
    if head[:3] == b"ID3" or not head.startswith(FOREIGN):
        return _mpeg if _first_frame(data, at) is not None else None
    return None


def _signed(data: Sequence, at: int) -> Callable | None:
    """The same for the containers that have a mark of their own at their start."""
    head = data[at : at + 16]
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _riff
    if head == _W64_RIFF:
        return _w64
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff
    if head[4:8] == b"ftyp":
        return _mp4
    if head == _ASF:
        return _asf
    if head.startswith(_MARKS_OF_OTHERS):
        return _marked
    marks = {b"wvpk": _wavpack, b"fLaC": _flac, b"OggS": _ogg, b".snd": _au, b"dns.": _au, _EBML: _matroska}
    return marks.get(head[:4], _caf if head[:6] == b"caff\0\1" else None)


def _of_the_rest(data: Sequence, at: int) -> list[str]:
    """A note on bytes behind the last recording that nothing is known of; none on tags and few bytes."""
    size = len(data) - at
    if size < SMALL or data[at : at + 16].startswith(MARKS):
        return []
    return [f"{size} bytes behind its end are no sound of a known kind and are not read."]


def _forward(data: Sequence, at: int) -> int:
    """The place behind zeros and tags that begin here: of the next recording, if there is one."""
    while at < len(data) and _signed(data, at) is None:
        first = _behind_padding(data, at)
        # MP4 begins with a number of 4 bytes, some of them 0
        for place in range(max(first - 3, at), first):
            if _signed(data, place) is not None:
                return place
        at = first + _tag_size(data, first)
        if at == first:
            break
    return min(at, len(data))


def _behind_padding(data: Sequence, at: int) -> int:
    """The place of the first byte from here that is not 0."""
    block = 1 << 16
    while at < len(data):
        found = data[at : at + block]
        left = found.lstrip(b"\0")
        at += len(found) - len(left)
        if left:
            break
    return at


def _number(data: Sequence, at: int, size: int, order: str = "little") -> int:
    """A whole number of so many bytes."""
    return int.from_bytes(data[at : at + size], order)


# headers with sizes


@dataclass(frozen=True)
class _Chunks:
    """How the chunks of a container are written.

    Attributes
    ----------
    order : {"little", "big"}
    name, size : int
        Bytes of the name and of the size of a chunk.
    itself : bool
        Whether the size counts the chunk's own header.
    multiple : int
        Chunks begin at multiples of so many bytes from the start of the container.
    """

    order: str
    name: int = 4
    size: int = 4
    itself: bool = False
    multiple: int = 2

    @property
    def head(self) -> int:
        return self.name + self.size

    def at(self, data: Sequence, place: int) -> tuple[bytes, int]:
        """The name of the chunk that begins here, and the bytes of its content as its header says."""
        size = _number(data, place + self.name, self.size, self.order)
        return data[place : place + self.name], size - (self.head if self.itself else 0)

    def behind(self, place: int, size: int) -> int:
        """Where the next chunk begins, behind one that begins here with so much content."""
        size += self.head
        return place + size + -size % self.multiple

    def end(self, data: Sequence, place: int) -> int | None:
        """Where the container ends, if chunks or nothing of worth stand behind its samples; else None."""
        known = False
        while place < len(data):
            head = data[place : place + 16]
            if head.startswith((*MARKS, *PICTURES)) or _begins(data, place):
                return place
            name, size = self.at(data, place)
            if name[:4] in (b"data", b"SSND"):
                return place  # samples once more; a note tells of them
            known |= name.startswith(TRAILERS)
            if not known and not (self._is_name(name) and 0 <= size <= len(data) - place - self.head):
                left = _behind_padding(data, place)
                if left == len(data) or _is_text(data[place : place + 4096]):
                    return len(data)
                ended = data[left : left + 16].startswith(MARKS) or _begins(data, left)
                return left if left > place and ended else None
            if not 0 <= size <= len(data) - place - self.head:
                return len(data)
            place = self.behind(place, size)
        return len(data)

    def _is_name(self, name: bytes) -> bool:
        return len(name) == self.name and all(0x20 <= byte < 0x7F for byte in name[:4])


def _begins(data: Sequence, at: int) -> bool:
    """Whether a recording begins here."""
    return _signed(data, at) is not None or _chained(data, at, len(data), SYNCED)


_RIFF = _Chunks("little")
_RIFX = _Chunks("big")
_CAF = _Chunks("big", size=8, multiple=1)
_W64 = _Chunks("little", name=16, size=8, itself=True, multiple=8)
_W64_NAME = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")


def _find(data: Sequence, at: int, chunks: _Chunks, wanted: bytes) -> tuple[int | None, dict[bytes, tuple]]:
    """The chunk of the samples, and those before it: its place or None, and (place, size) by name."""
    before = {}
    while at + chunks.head <= len(data):
        name, size = chunks.at(data, at)
        if name[: len(wanted)] == wanted:
            return at, before
        if size < 0:
            break
        before[name[:4]] = (at, size)
        at = chunks.behind(at, size)
    return None, before


def _extent(
    data: Sequence,
    first: int,
    stated: int,
    chunks: _Chunks,
    start: tuple[bytes, int, Callable],
    least: float,
    container: int | None = None,
) -> tuple[int, int, bool]:
    """How far samples reach.

    Parameters
    ----------
    data
    first
        Their first byte.
    stated
        How many bytes the header says; negative or too large where it does not say it.
    chunks
        How what stands behind them is written.
    start
        How the next recording of the kind is found: by what bytes, at what place in it, and who reads it.
    least
        Bytes behind the stated end that are believed to be samples.
    container
        Where the container ends by a size of its own, if it has one. Two sizes that say the same are
        believed, whatever stands behind.

    Returns
    -------
    end, behind : int
        Where the samples end, and where the recording ends.
    wrong : bool
        Whether the size was not believed.
    """
    if 0 <= stated <= len(data) - first:
        end = first + stated
        if stated and container in (end, end + -stated % chunks.multiple):
            return end, min(container, len(data)), False
        # some writers forget to fill up to a multiple
        for place in dict.fromkeys((end + -stated % chunks.multiple, end)):
            behind = chunks.end(data, place)
            if behind is not None:
                return end, behind, False
        if len(data) - end < least:
            return end, len(data), False
    mark, place, walk = start
    found = _next(data, first + place, mark, lambda at: _signed(data, at - place) is walk)
    end = len(data) if found is None else found - place
    return end, end, True


def _next(data: Sequence, at: int, mark: bytes, same: Callable[[int], bool]) -> int | None:
    """The next place of a mark at which `same` holds, too; None where there is none."""
    while at < len(data):
        # as bytes: a mapped file is searched more slowly
        block = data[at : at + BLOCK]
        found = block.find(mark)
        while found >= 0:
            if same(at + found):
                return at + found
            found = block.find(mark, found + 1)
        at += max(BLOCK - len(mark) + 1, 1)
    return None


def _overruled(stated: int, first: int, end: int, pace: float) -> list[str]:
    """The note on a size in bytes that was not believed; `pace` is in bytes a second."""
    held = end - first
    if pace <= 0 or abs(held - stated) <= UNNOTICED * pace:
        return []
    says = f"counts {stated / pace:.2f} s" if stated < 1 << 31 else "does not say how long it lasts"
    return [f"Its header {says}; it was read to its end, {held / pace:.2f} s."]


def _riff(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """WAV, with sizes of 32 or 64 bits."""
    chunks = _RIFX if data[begin : begin + 4] == b"RIFX" else _RIFF
    place, before = _find(data, begin + 12, chunks, b"data")
    if place is None or b"fmt " not in before:
        return _untouched(data, begin)
    first, stated = place + 8, chunks.at(data, place)[1]
    if b"ds64" in before and stated == 0xFFFFFFFF:
        stated = _number(data, before[b"ds64"][0] + 16, 8)
    at = before[b"fmt "][0] + 8
    form, rate, pace, align = (
        _number(data, at + where, size, chunks.order) for where, size in ((0, 2), (4, 4), (8, 4), (12, 2))
    )
    if form == 0xFFFE:
        form = _number(data, at + 24, 2, chunks.order)
    if form in PLAIN:
        pace = rate * align
    container = begin + 8 + _number(data, begin + 4, 4, chunks.order)
    start = (b"WAVE", 8, _riff)
    end, behind, wrong = _extent(data, first, stated, chunks, start, UNNOTICED * pace, container)
    notes = _overruled(stated, first, end, pace) if wrong else []
    if form in MPEG:
        # what counts the samples in the header of WAV is a guess of its writer: the frames are read alone
        parts, said, _ = _mpeg(data, first, end)
        if parts:
            return parts, notes + said, behind
    if not wrong or end == first:
        return [Part(((begin, behind),), whole=True)], notes, behind
    kept = b"".join(
        data[at : chunks.behind(at, size)] for name, (at, size) in before.items() if name not in COUNTING
    )
    size = end - first
    if size > LARGEST and chunks is _RIFF:
        # two sizes and a count, which may be 0, of 64 bits, and no table of further sizes
        wide = (size + len(kept) + 48).to_bytes(8, "little") + size.to_bytes(8, "little") + bytes(12)
        header = b"RF64\xff\xff\xff\xffWAVEds64" + len(wide).to_bytes(4, "little") + wide + kept
        header += b"data\xff\xff\xff\xff"
    else:
        size = min(size, LARGEST)
        header = b"RIFX" if chunks is _RIFX else b"RIFF"
        header += (12 + len(kept) + size + size % 2).to_bytes(4, chunks.order) + b"WAVE" + kept
        header += b"data" + size.to_bytes(4, chunks.order)
    return [Part(((first, end),), header)], notes, behind


PLAIN = (1, 3, 6, 7)
"""Numbers of the forms of samples in WAV that take the same bytes each: integers, floats, A-law, mu-law."""

MPEG = (0x50, 0x55)
"""Those of MPEG audio."""

COUNTING = (b"ds64", b"fact", b"PEAK")
"""Chunks that would have to be right about the number of samples."""


def _untouched(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """All from here on as it is, for the decoders to say what is wrong."""
    return [Part(((begin, len(data)),), whole=True)], [], len(data)


def _w64(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """Sony's WAV with sizes of 64 bits."""
    place, before = _find(data, begin + 40, _W64, b"data" + _W64_NAME)
    if place is None or b"fmt " not in before:
        return _untouched(data, begin)
    first, stated = place + 24, _W64.at(data, place)[1]
    pace = _number(data, before[b"fmt "][0] + 24 + 8, 4)
    end, behind, wrong = _extent(data, first, stated, _W64, (_W64_RIFF, 0, _w64), UNNOTICED * pace)
    if not wrong or end == first:
        return [Part(((begin, behind),), whole=True)], [], behind
    header = bytearray(data[begin:first])
    header[16:24] = (end - begin).to_bytes(8, "little")
    header[-8:] = (end - first + 24).to_bytes(8, "little")
    return [Part(((first, end),), bytes(header))], _overruled(max(stated, 0), first, end, pace), behind


def _aiff(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """AIFF and AIFC, whose samples are counted twice: in frames, and in bytes."""
    place, before = _find(data, begin + 12, _RIFX, b"SSND")
    if place is None or b"COMM" not in before:
        return _untouched(data, begin)
    at = before[b"COMM"][0] + 8
    channels, frames, bits, exponent, mantissa = (
        _number(data, at + where, size, "big") for where, size in ((0, 2), (2, 4), (6, 2), (8, 2), (10, 8))
    )
    # the rate is a float of 80 bits: an exponent of 2, and a whole number whose first bit stands for 1
    rate = mantissa * 2.0 ** (exponent - 16383 - 63) if 16383 <= exponent < 16383 + 32 else 0.0
    if not rate:
        raise Broken("the file is broken: its header gives no sampling rate")
    width = channels * -(-bits // 8)
    plain = data[begin + 8 : begin + 12] == b"AIFF" or data[at + 18 : at + 22].lower() in _AIFC_PLAIN
    first, stated = place + 16, _RIFX.at(data, place)[1] - 8
    least = UNNOTICED * rate * width
    container = begin + 8 + _number(data, begin + 4, 4, "big")
    end, behind, wrong = _extent(data, first, stated, _RIFX, (b"FORM", 0, _aiff), least, container)
    size = end - first
    believed = width and plain and 0 < size <= LARGEST
    miscounted = believed and abs(size // width - frames) > UNNOTICED * rate
    if not believed or not (wrong or miscounted):
        return [Part(((begin, behind),), whole=True)], [], behind
    header = bytearray(data[begin:first])
    header[4:8] = (end - begin - 8).to_bytes(4, "big")
    header[at - begin + 2 : at - begin + 6] = (size // width).to_bytes(4, "big")
    header[-12:-8] = (size + 8).to_bytes(4, "big")
    stated = frames * width if miscounted else max(stated, 0)
    return [Part(((first, end),), bytes(header))], _overruled(stated, first, end, rate * width), behind


_AIFC_PLAIN = (b"none", b"sowt", b"twos", b"raw ", b"fl32", b"fl64", b"in24", b"in32")
"""Forms of samples in AIFC that take as many bytes as their bits say."""

_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
"""Bytes of a sample in AU by its encoding."""


def _au(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """Sun's AU. A size of 0xFFFFFFFF says that it is not known, and is no fault."""
    mark = data[begin : begin + 4]
    order = "big" if mark == b".snd" else "little"
    offset, stated, encoding, rate, channels = (
        _number(data, begin + 4 * place, 4, order) for place in range(1, 6)
    )
    first, pace = begin + offset, rate * channels * _AU_BYTES.get(encoding, 0)
    if not 24 <= offset < len(data) - begin or not pace:
        return _untouched(data, begin)
    # the next one, if it is of the same kind
    like = data[begin + 12 : begin + 24]
    end, behind, wrong = _extent(data, first, stated, _RIFX, (like, 12, _au), UNNOTICED * pace)
    unknown = stated == 0xFFFFFFFF
    if not wrong or end == first or (unknown and end == len(data)):
        return [Part(((begin, behind),), whole=True)], [], behind
    header = bytearray(data[begin:first])
    header[8:12] = min(end - first, LARGEST).to_bytes(4, order)
    notes = [] if unknown else _overruled(stated, first, end, pace)
    return [Part(((first, end),), bytes(header))], notes, behind


def _caf(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """Apple's CAF. A size of -1 says that it is not known, and is no fault."""
    place, before = _find(data, begin + 8, _CAF, b"data")
    if place is None or b"desc" not in before:
        return _untouched(data, begin)
    # the content begins with a count of edits, of 4 bytes
    first, stated = place + 16, _CAF.at(data, place)[1] - 4
    at = before[b"desc"][0] + 12
    rate = struct.unpack(">d", data[at : at + 8])[0]
    size, samples = _number(data, at + 16, 4, "big"), _number(data, at + 20, 4, "big")
    pace = rate * size / samples if samples and 0 < rate < 1e7 else 0.0
    end, behind, wrong = _extent(data, first, stated, _CAF, (b"caff\0\1", 0, _caf), UNNOTICED * pace)
    unknown = stated + 4 == (1 << 64) - 1
    if not wrong or end == first:
        return [Part(((begin, behind),), whole=True)], [], behind
    header = bytearray(data[begin:first])
    header[-12:-4] = (end - first + 4).to_bytes(8, "big")
    notes = [] if unknown else _overruled(max(stated, 0), first, end, pace)
    return [Part(((first, end),), bytes(header))], notes, behind


# streams without sizes


def _flac(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """FLAC, one after another: the next begins where there is a mark and a block of STREAMINFO."""
    at = data.find(b"fLaC", begin) + 4
    while at + 4 <= len(data):
        last, size = data[at] & 0x80, _number(data, at + 1, 3, "big")
        at += 4 + size
        if last:
            break
    # a block of STREAMINFO, of 34 bytes, comes first; its first bit says whether it is the only one
    end = _next(data, at, b"fLaC", lambda at: data[at + 4 : at + 8] in (b"\0\0\0\x22", b"\x80\0\0\x22"))
    end = len(data) if end is None else end
    return [Part(((begin, end),), whole=True)], [], end


def _ogg(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """The links of an Ogg file. A link begins with the pages that begin its streams."""
    starts, at, beginning, ended, cut = [begin], begin, True, False, False
    while at < len(data):
        head = data[at : at + 27]
        if len(head) < 27:
            cut, at = True, len(data)
            break
        if head[:4] != b"OggS":
            if _signed(data, _behind_padding(data, at)) not in (None, _ogg):
                break
            found = _next(data, at + 1, b"OggS", lambda at: True)
            if found is None:
                break
            at = found
            continue
        first = bool(head[5] & 2)
        if first and not beginning:
            starts.append(at)
        beginning = first
        lacing = data[at + 27 : at + 27 + head[26]]
        size = 27 + head[26] + sum(lacing)
        ended, cut = bool(head[5] & 4), at + size > len(data) or len(lacing) < head[26]
        at += size
    end = min(at, len(data))
    notes = []
    if cut or (not ended and end == len(data)):
        notes = ["The end of its last stream is not marked: it may have lost its end."]
    ends = [*starts[1:], end]
    parts = [Part(((first, last),), whole=True) for first, last in zip(starts, ends, strict=True)]
    return parts, notes, end


def _mp4(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """MP4 and its like: the next begins with a box of the type of the file behind one of the samples."""
    at, index = begin, False
    while at + 8 <= len(data):
        size, name = _number(data, at, 4, "big"), data[at + 4 : at + 8]
        if index and (name == b"ftyp" or name == bytes(4)):
            return [Part(((begin, at),), whole=True)], [], at
        index |= name == b"moov"
        size = _number(data, at + 8, 8, "big") if size == 1 else size or len(data) - at
        if size < 8:
            break
        at += size
    return _untouched(data, begin)


_EBML = b"\x1a\x45\xdf\xa3"


def _matroska(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """Matroska and WebM: a header and a segment, whose size may not be known."""

    def sized(at: int) -> tuple[int, int | None]:
        # a number whose first byte has as many leading zeros as bytes follow; all ones are "not known"
        more = 8 - data[at].bit_length() if at < len(data) else 0
        value = _number(data, at, 1 + more, "big") & (1 << 7 * (1 + more)) - 1
        return at + 1 + more, None if value == (1 << 7 * (1 + more)) - 1 else value

    content, size = sized(begin + 4)
    at = content + (size or 0)
    end = None
    if data[at : at + 4] == b"\x18\x53\x80\x67":
        content, size = sized(at + 4)
        end = content + size if size is not None else None
    if end is None or end > len(data):

        def is_start(at: int) -> bool:
            return any(name in data[at : at + 64] for name in (b"matroska", b"webm"))

        end = _next(data, content, _EBML, is_start)
    if end is None or _kind(data, _behind_padding(data, end)) is None:
        end = len(data)
    return [Part(((begin, end),), whole=True)], [], end


_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


def _asf(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """ASF (WMA): the next begins with another header."""
    end = _next(data, begin + 16, _ASF, lambda at: True)
    end = len(data) if end is None else end
    return [Part(((begin, end),), whole=True)], [], end


_MARKS_OF_OTHERS = (
    b"TTA1\1\0", b"TTA1\2\0", b"TTA1\3\0", b"#!AMR\n", b"#!AMR-WB\n", b"MPCKSH", b"MAC \x96\x0f",
)  # fmt: skip
"""How True Audio, AMR, Musepack and Monkey's Audio begin; hardly any other bytes in them are the same."""


def _marked(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """A recording that is known by its first bytes alone: the next begins with the same."""
    end = _next(data, begin + 6, data[begin : begin + 6], lambda at: True)
    end = len(data) if end is None else end
    return [Part(((begin, end),), whole=True)], [], end


def _wavpack(data: Sequence, begin: int) -> tuple[list[Part], list[str], int]:
    """WavPack: blocks with their sizes; the next recording begins where the number of a sample is 0 again."""
    at = begin
    while data[at : at + 4] == b"wvpk" and at + 32 <= len(data):
        number, samples, flags = (_number(data, at + place, 4) for place in (16, 20, 24))
        # several blocks of the same samples are of further channels
        if at > begin and number == 0 and samples and flags >> 11 & 1:
            return [Part(((begin, at),), whole=True)], [], at
        at += 8 + _number(data, at + 4, 4)
    end = min(max(at, begin + 4), len(data))
    return [Part(((begin, end),), whole=True)], [], end


# frames of MP3 and AAC


@dataclass(frozen=True)
class _Frame:
    """What the header of a frame says: its bytes, its samples, and what all of its stream have in common."""

    length: int
    samples: int
    kind: tuple[int, int, int, int]
    """Version, layer (0 for AAC), sampling rate, channels."""


_KBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@functools.lru_cache(maxsize=4096)
def _mpeg_frame(head: int) -> _Frame | None:
    """What the 32 bits of a header of MPEG audio say; None where there is no such header."""
    version, layer = {0: 4, 2: 2, 3: 1}.get(head >> 19 & 3), 4 - (head >> 17 & 3)
    bits, rate = head >> 12 & 15, head >> 10 & 3
    if head >> 21 != 0x7FF or version is None or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    rate = (44100, 48000, 32000)[rate] // version
    kbits = _KBITS[min(version, 2), layer][bits - 1]
    samples = 384 if layer == 1 else 576 if layer == 3 and version > 1 else 1152
    padding = head >> 9 & 1
    if layer == 1:
        length = (12000 * kbits // rate + padding) * 4
    else:
        length = samples // 8 * 1000 * kbits // rate + padding
    return _Frame(length, samples, (version, layer, rate, 1 if head >> 6 & 3 == 3 else 2))


def _frame(data: Sequence, at: int) -> _Frame | None:
    """The frame of MPEG audio or of AAC (ADTS) whose header is here, or None."""
    head = int.from_bytes(data[at : at + 4], "big")
    if head >> 21 != 0x7FF:
        return None
    if head >> 17 & 3 == 0 and head >> 20 == 0xFFF:
        rest = data[at + 4 : at + 7]
        rate = head >> 10 & 15
        if len(rest) < 3 or rate >= len(_AAC_RATES):
            return None
        length = (head & 3) << 11 | rest[0] << 3 | rest[1] >> 5
        channels = head >> 6 & 7
        if length < 7:
            return None
        return _Frame(length, 1024 * (1 + (rest[2] & 3)), (head >> 19 & 1, 0, _AAC_RATES[rate], channels))
    # what a frame is made of is in the bits without the private and the last ones
    return _mpeg_frame(head & 0xFFFEFEC0)


def _chained(data: Sequence, at: int, end: int, count: int) -> bool:
    """Whether so many frames of one stream follow here one another, or fewer that end where all ends."""
    kind = None
    for number in range(count):
        if number and (at == end or data[at : at + 16].startswith(MARKS)):
            return True
        frame = _frame(data, at) if at < end else None
        if frame is None or kind not in (None, frame.kind):
            return False
        kind = frame.kind
        at += frame.length
    return True


def _first_frame(data: Sequence, at: int) -> int | None:
    """The place in the `SEARCHED` bytes from here on at which frames begin; None where none do."""
    return _frames_from(data, at, len(data), min(len(data), at + SEARCHED), SURE)


def _frames_from(data: Sequence, at: int, end: int, stop: int, count: int) -> int | None:
    """The place from here on and before `stop` at which so many frames begin; None where none do."""
    found = data.find(b"\xff", at, stop)
    while found >= 0 and not _chained(data, found, end, count):
        found = data.find(b"\xff", found + 1, stop)
    return found if found >= 0 else None


def _behind_tags(data: Sequence, at: int) -> int:
    """The place behind ID3v2 tags that begin here, and zeros behind them; a tag may not be cut."""
    while data[at : at + 3] == b"ID3" and 0 < (size := _tag_size(data, at)) <= len(data) - at:
        at = _behind_padding(data, at + size)
    return at


def _tag_size(data: Sequence, at: int) -> int:
    """Bytes of the tag that begins here, as it says; 0 where none does, or one that does not say it."""
    head = data[at : at + 24]
    if head[:3] == b"ID3" and len(head) >= 10:
        # four bytes of seven bits each; and a bit for a footer
        size = functools.reduce(lambda value, byte: value << 7 | byte & 0x7F, head[6:10], 0)
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) == 24:
        # a header has what it says behind it, a footer has it before
        return 32 + (_number(head, 12, 4) if _number(head, 20, 4) >> 29 & 1 else 0)
    if head[:3] == b"TAG":
        return 227 if head[3:4] == b"+" else 128
    return 0


def _is_text(data: bytes) -> bool:
    """Whether bytes are text of ASCII, but for a few."""
    return len(data) > 0 and len(data.translate(None, _PRINTABLE)) <= 0.05 * len(data)


_PRINTABLE = string.printable.encode()


def _junk(data: Sequence, begin: int, end: int) -> str:
    """What bytes among frames are, by their beginning: "tag", "padding", "text", or "" for what is none."""
    head = data[begin : min(end, begin + 4096)]
    if head.startswith(MARKS):
        return "tag"
    if head.count(head[:1]) == len(head):
        return "padding"
    return "text" if _is_text(head) else ""


@dataclass
class _Run:
    """Frames of one stream, one after another.

    Attributes
    ----------
    frame : _Frame
        The first.
    ranges : list of [int, int]
        Their bytes.
    mark : bytes
        What the first frame is known by, if it is not sound but tells of the others: "Xing" (also for
        "Info") or "VBRI"; else empty.
    counted : int
        The frames that it counts, without itself; 0 where it does not count them.
    held : int
        The frames that are there.
    """

    frame: _Frame
    ranges: list[list[int]]
    mark: bytes = b""
    counted: int = 0
    held: int = 0


def _telling(data: Sequence, at: int, frame: _Frame) -> tuple[bytes, int]:
    """The mark and the count of a frame that tells of the others, as in `_Run`; b"" and 0 for any other."""
    version, layer, _, channels = frame.kind
    head = data[at + 4 : at + 60]
    # such a frame has no sound: it begins with zeros
    if layer != 3 or head[:9].strip(b"\0"):
        return b"", 0
    side = (17 if channels == 1 else 32) if version == 1 else (9 if channels == 1 else 17)
    # a checksum of 2 bytes may stand before the mark
    for place in (side, side + 2):
        if head[place : place + 4] in (b"Xing", b"Info"):
            counts = _number(head, place + 4, 4, "big") & 1
            return b"Xing", _number(head, place + 8, 4, "big") if counts else 0
    if head[32:36] == b"VBRI":
        return b"VBRI", _number(head, 32 + 14, 4, "big")
    return b"", 0


def _runs(data: Sequence, begin: int, end: int, alone: bool) -> tuple[list[_Run], list[tuple[int, int]], int]:
    """Walk from frame to frame.

    Parameters
    ----------
    data
    begin, end
        Where to look for frames.
    alone
        Whether nothing else can be there: another recording ends the walk otherwise.

    Returns
    -------
    runs : list of _Run
    gaps : list of (int, int)
        The bytes that are no frames; the last frame among them, where it is not whole.
    at : int
        Where the walk ended.
    """
    runs, gaps, at = [], [], begin
    last = None  # where the frame before begins
    while at < end:
        frame = _frame(data, at)
        in_order = runs and last is not None and frame is not None and frame.kind == runs[-1].frame.kind
        # the first one, or one behind a gap, or of another kind, must have others behind it
        if not in_order and not _chained(data, at, end, SYNCED):
            frame = None
        if frame is None:
            if not alone and _signed(data, _behind_padding(data, at)) is not None:
                break
            gap, at = _gap(data, at, end, runs, last)
            gaps += gap
            last = None
            continue
        if at + frame.length > end:
            gaps.append((at, end))
            at = end
            break
        mark, counted = _telling(data, at, frame)
        if not runs or mark or frame.kind != runs[-1].frame.kind:
            runs.append(_Run(frame, [[at, at]], mark, counted, -1 if mark else 0))
        elif runs[-1].ranges[-1][1] != at:
            runs[-1].ranges.append([at, at])
        last, at = at, at + frame.length
        runs[-1].ranges[-1][1] = at
        runs[-1].held += 1
    return runs, gaps, at


def _gap(
    data: Sequence, at: int, end: int, runs: list[_Run], last: int | None
) -> tuple[list[tuple[int, int]], int]:
    """The bytes that are no frames where one was expected, and where to go on.

    `last` is the place of the frame right before, or None. A tag inside it is taken out of it.
    """
    if last is not None:
        # a tag in the middle of a frame: its other half is behind the tag
        for mark in (b"ID3", b"APETAGEX"):
            inside = data.find(mark, last + 4, at)
            size = _tag_size(data, inside) if inside >= 0 else 0
            if size and at + size <= end and (at + size == end or _chained(data, at + size, end, 1)):
                runs[-1].ranges[-1][1] = inside
                runs[-1].ranges.append([inside + size, at + size])
                return [(inside, inside + size)], at + size
    size = _tag_size(data, at)
    if size and at + size <= end:
        return [(at, at + size)], at + size
    begin = at
    # behind the mark of a tag whose size is wrong
    found = _frames_from(data, at + (3 if size else 0), end, end, SYNCED)
    at = end if found is None else found
    return [(begin, at)], at


def _mpeg(data: Sequence, begin: int, end: int | None = None) -> tuple[list[Part], list[str], int]:
    """Frames of MP3 or AAC: a part for each stream, without what lies between them.

    With an `end`, between it and `begin` alone, and no part where there are none.
    """
    alone = end is not None
    runs, gaps, end = _runs(data, begin, end if alone else len(data), alone)
    if not runs:
        return ([], [], end) if alone else _untouched(data, begin)
    first, last = runs[0].ranges[0][0], runs[-1].ranges[-1][1]
    parts = [part for run in runs for part in _parts(data, run)]
    seconds = sum(max(run.held, 1) * run.frame.samples / run.frame.kind[2] for run in runs)
    pace = sum(stop - start for run in runs for start, stop in run.ranges) / seconds
    inside = [gap for gap in gaps if first < gap[0] < last]
    behind = [gap for gap in gaps if gap[0] >= last]
    unknown = sum(stop - start for start, stop in inside if not _junk(data, start, stop))
    if unknown > HARMLESS * pace:
        lost = f"{unknown} bytes among its frames are no sound, {unknown / pace:.2f} s"
        raise Broken(f"the file is broken: {lost}")
    cut = bool(behind) and _frame(data, behind[-1][0]) is not None
    usual = all(data[start : start + 3] == b"TAG" for start, _ in behind)
    usual = usual and not inside and _behind_tags(data, begin) == first and not cut
    if usual and len(parts) == 1 and parts[0].ranges == ((first, last),):
        return [replace(parts[0], whole=not alone)], [], end
    notes = []
    # tags behind the last frame are usual
    odd = inside if cut else inside + [gap for gap in behind if _junk(data, *gap) != "tag"]
    passed = sum(stop - start for start, stop in odd)
    if passed > UNNOTICED * pace:
        notes.append(f"{passed} bytes among its frames or behind them are no sound and were passed over.")
    if cut:
        notes.append("Its last frame is not whole: it may have lost its end.")
    return parts, notes, end


def _parts(data: Sequence, run: _Run) -> list[Part]:
    """One part, or two where more frames are there than the first frame counts.

    A first frame that counts them lets libsndfile cut off what the encoder put before and behind the sound.
    """
    ranges = [tuple(part) for part in run.ranges]
    if run.mark != b"Xing":
        return [Part(tuple(ranges))]
    more = run.held - run.counted
    if run.counted and more * run.frame.samples <= UNNOTICED * run.frame.kind[2]:
        return [Part(tuple(ranges), counted=True)]
    # sound made by another encoder, or by the same one for another file, needs nothing from before it
    if run.counted:
        rest = _without(data, ranges, 1 + run.counted)
        at = rest[0][0] + (4 if data[rest[0][0] + 1] & 1 else 6)
        if data[at] == 0 and (run.frame.kind[0] > 1 or data[at + 1] < 0x80):
            counted = [part for part in ranges if part[1] <= rest[0][0]]
            if len(counted) < len(ranges) and ranges[len(counted)][0] < rest[0][0]:
                counted.append((ranges[len(counted)][0], rest[0][0]))
            return [Part(tuple(counted), counted=True), Part(tuple(rest))]
    return [Part(tuple(_without(data, ranges, 1)))]


def _without(data: Sequence, ranges: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The bytes of a run without those of its first frames."""
    left, (at, end) = list(ranges[1:]), ranges[0]
    for _ in range(count):
        at += _frame(data, at).length
        while at >= end and left:
            # the other half of a frame, or the next one
            at, end = left[0][0] + at - end, left.pop(0)[1]
    return [(at, end), *left]
