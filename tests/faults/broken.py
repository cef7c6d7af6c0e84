"""Broken audio: files that a folder of music may hold by accident or by malice, made from a synthesised clip.

Each is a `File` of a kind, with what must become of it, where that is known: it is used, and then as long as
the clip that it was made of; or it is skipped. What is drawn comes from the seed and the name of the file.
"""

import io
import os
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
import soundfile

from relatives import audio, seeds

GOOD = ("good0.wav", "good1.wav", "good2.wav")
"""Files that stand beside the broken ones, in which nothing is wrong."""

RATE = 22050
SECONDS = 1.0
USED, SKIPPED, PASSED = "used", "skipped", "passed over"

FORMATS = {
    "wav-u8": ("WAV", "PCM_U8"),
    "wav-16": ("WAV", "PCM_16"),
    "wav-24": ("WAV", "PCM_24"),
    "wav-32": ("WAV", "PCM_32"),
    "wav-float": ("WAV", "FLOAT"),
    "wav-double": ("WAV", "DOUBLE"),
    "aiff-16": ("AIFF", "PCM_16"),
    "au-16": ("AU", "PCM_16"),
    "caf-24": ("CAF", "PCM_24"),
    "w64-16": ("W64", "PCM_16"),
    "flac-16": ("FLAC", "PCM_16"),
    "flac-24": ("FLAC", "PCM_24"),
    "ogg-vorbis": ("OGG", "VORBIS"),
    "ogg-opus": ("OGG", "OPUS"),
    "mp3-libsndfile": ("MP3", "MPEG_LAYER_III"),
}
"""What libsndfile encodes: container and samples."""

BY_FFMPEG = {
    "mp3": {"format": "mp3", "acodec": "libmp3lame"},
    "mp3-bare": {"format": "mp3", "acodec": "libmp3lame", "write_xing": 0, "id3v2_version": 0},
    "m4a": {"format": "ipod", "acodec": "aac", "movflags": "+faststart"},
    "aac": {"format": "adts", "acodec": "aac"},
    "wma": {"format": "asf", "acodec": "wmav2"},
    "mka-flac": {"format": "matroska", "acodec": "flac"},
    "flac-streamed": {"format": "flac", "acodec": "flac"},
}
"""What ffmpeg encodes; to a pipe, so FLAC does not say its length."""

MORE = {
    "rf64-16": ("RF64", "PCM_16"),
    "aifc-float": ("AIFF", "FLOAT"),
    "wav-adpcm": ("WAV", "MS_ADPCM"),
    "mp3-xing": {"format": "mp3", "acodec": "libmp3lame"},
    "mp2": {"format": "mp2", "acodec": "mp2"},
    "mp3-stereo": {"format": "mp3", "acodec": "libmp3lame", "write_xing": 0, "ac": 2},
    "ogg-flac": {"format": "ogg", "acodec": "flac"},
    "tta": {"format": "tta", "acodec": "tta"},
    "wavpack": {"format": "wv", "acodec": "wavpack"},
    "webm": {"format": "webm", "acodec": "libopus"},
}
"""Further formats of either, of which no file here is broken."""


@dataclass(frozen=True)
class File:
    """A file of the folder: its name, and its bytes or what puts it in its place."""

    kind: str
    name: str
    content: bytes | Callable[[Path], None]
    verdict: str | None = None
    seconds: float | None = SECONDS

    def put(self, folder: Path) -> None:
        """Make it in a folder."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)


def clip(name: str, seed: int, seconds: float = SECONDS, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """A chord and a hiss, other for every name: (samples, channels) float32."""
    draw = seeds.generator(seed, "broken", name)
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * (pitch * time + draw.random())) for pitch in draw.uniform(100, 900, 3))
    return (0.1 * tones[:, None] + 0.02 * draw.normal(size=(len(time), channels))).astype(np.float32)


def encode(signal: np.ndarray, name: str, rate: int = RATE) -> bytes:
    """The bytes of a file of one of `FORMATS`, `BY_FFMPEG` or `MORE`."""
    sound = io.BytesIO()
    options = (FORMATS | BY_FFMPEG | MORE)[name]
    if isinstance(options, tuple):
        container, samples = options
        rate = 48000 if samples == "OPUS" else rate
        soundfile.write(sound, signal, rate, format=container, subtype=samples)
        return sound.getvalue()
    soundfile.write(sound, signal, rate, format="WAV", subtype="FLOAT")
    with tempfile.NamedTemporaryFile() as made:
        # M4A cannot be piped, nor the count of the frames of an MP3
        target = made.name if name in ("m4a", "mp3-xing") else "pipe:"
        stream = ffmpeg.input("pipe:").output(target, **options).overwrite_output()
        return audio.run_ffmpeg(stream, sound.getvalue()) or Path(made.name).read_bytes()


def files(seed: int) -> Iterator[File]:
    """All broken files, each of its own name."""
    for make in (whole, cut, flipped, misnamed, lying, shapes, values, bombs, lists, names, nodes, twins):
        yield from make(seed)


def whole(seed: int) -> Iterator[File]:
    """Nothing is wrong with them: the control."""
    for name in (*FORMATS, *BY_FFMPEG):
        yield File("whole", f"whole {name}.bin", encode(clip(name, seed, rate=_rate(name)), name), USED)


def cut(seed: int) -> Iterator[File]:
    """The start of a file: nothing, a byte, half a header, a header, a part of the data, all but the end."""
    for name in (*FORMATS, *BY_FFMPEG):
        data = encode(clip(f"cut {name}", seed, rate=_rate(name)), name)
        lengths = (0, 1, 4, 12, 22, 44, 100, len(data) // 4, len(data) // 2, len(data) - 417, len(data) - 1)
        for length in sorted(set(lengths)):
            verdict = SKIPPED if length <= 44 else None
            yield File("cut", f"cut {name} at {length}.bin", data[:length], verdict, None)


def flipped(seed: int) -> Iterator[File]:
    """A few bits turned over, in the first 64 bytes or anywhere."""
    for name in (*FORMATS, *BY_FFMPEG):
        data = encode(clip(f"flipped {name}", seed, rate=_rate(name)), name)
        for place, end in (("header", 64), ("data", len(data))):
            for number in range(4):
                draw = seeds.generator(seed, "flipped", name, place, number)
                changed = bytearray(data)
                for position in draw.integers(end, size=1 + 3 * number):
                    changed[position] ^= 1 << draw.integers(8)
                yield File("flipped", f"flipped {name} {place} {number}.bin", bytes(changed), None, None)


def misnamed(seed: int) -> Iterator[File]:
    """The name says one thing, the content is another."""
    text = b"Once upon a time there was no sound.\n" * 300
    noise = seeds.generator(seed, "misnamed").bytes(20_000)
    contents = {
        "text": text,
        "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + noise + b"\xff\xd9",
        "png": b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 9999, 9999, 8, 6, 0, 0, 0)
        + noise,
        "pdf": b"%PDF-1.4\n" + text,
        "zip": b"PK\x03\x04" + noise,
        "html": b"<html><script>alert(1)</script></html>",
        "zeros": bytes(20_000),
        "ones": b"\xff" * 20_000,
        "noise": noise,
        "sqlite": b"SQLite format 3\0" + noise,
    }
    for content, data in contents.items():
        for suffix in ("wav", "mp3", "flac", "m4a"):
            verdict = None if content in ("noise", "ones") else SKIPPED
            yield File("misnamed", f"{content}.{suffix}", data, verdict, None)
    for content, suffix in (("wav-16", "mp3"), ("mp3", "wav"), ("flac-16", "ogg"), ("m4a", "flac")):
        data = encode(clip(f"{content} as {suffix}", seed), content)
        yield File("misnamed", f"{content} as.{suffix}", data, USED)


def wav(data: bytes, riff=None, size=None, form=1, channels=1, rate=RATE, align=2, bits=16) -> bytes:
    """A WAV file of the header that is asked for, true or not."""
    size = len(data) if size is None else size
    riff = 36 + len(data) if riff is None else riff
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, form, channels, rate,
                         rate * align & 0xFFFFFFFF, align, bits, b"data", size)  # fmt: skip
    return header + data


def lying(seed: int) -> Iterator[File]:
    """Headers that do not tell the truth."""
    most = 0xFFFFFFFF

    def pcm(name):
        return audio.to_int16(clip(name, seed)).tobytes()

    lies = {
        "riff 0": ({"riff": 0}, USED),
        "riff greatest": ({"riff": most}, USED),
        "size 0": ({"size": 0}, None),
        "size greatest": ({"size": most}, None),
        "size negative": ({"size": 0x80000000}, None),
        "size odd": ({"size": 2 * RATE - 1}, None),
        "size half": ({"size": RATE}, None),
        "size double": ({"size": 4 * RATE}, None),
        "channels 0": ({"channels": 0}, SKIPPED),
        "channels 65535": ({"channels": 65535}, SKIPPED),
        "channels 1024": ({"channels": 1024, "align": 2048}, None),
        "rate 0": ({"rate": 0}, None),
        "rate greatest": ({"rate": most}, None),
        "rate negative": ({"rate": 0x80000000}, None),
        "align 0": ({"align": 0}, None),
        "align 65535": ({"align": 65535}, None),
        "bits 0": ({"bits": 0}, None),
        "bits 1": ({"bits": 1}, None),
        "bits 64": ({"bits": 64}, None),
        "bits 65535": ({"bits": 65535}, None),
        "form 0": ({"form": 0}, None),
        "form adpcm": ({"form": 2}, None),
        "form gsm": ({"form": 0x31}, None),
        "form mp3": ({"form": 0x55}, None),
        "form greatest": ({"form": 65535}, None),
    }
    for name, (lie, verdict) in lies.items():
        yield File("lying", f"wav {name}.wav", wav(pcm(name), **lie), verdict, None)

    # STREAMINFO begins at byte 8: 10 bytes, then rate (20 bits), channels (3), bits (5), samples (36)
    flac = encode(clip("flac", seed), "flac-16")
    fields = int.from_bytes(flac[18:26], "big")
    for name, value in {
        "samples 0": fields & ~(2**36 - 1),
        "samples 1": fields & ~(2**36 - 1) | 1,
        "samples greatest": fields | 2**36 - 1,
        "samples 10 min": fields & ~(2**36 - 1) | 600 * RATE,
        "rate 0": fields & (1 << 44) - 1,
        "rate greatest": fields | (2**20 - 1) << 44,
        "rate 1": fields & (1 << 44) - 1 | 1 << 44,
        "channels 8": fields | 7 << 41,
        "bits 32": fields | 31 << 36,
    }.items():
        yield File("lying", f"flac {name}.flac", flac[:18] + value.to_bytes(8, "big") + flac[26:], None, None)

    aiff = encode(clip("aiff", seed), "aiff-16")
    at = aiff.index(b"COMM") + 8
    for name, change in {
        "frames greatest": (at + 2, b"\xff\xff\xff\xff"),
        "frames 0": (at + 2, bytes(4)),
        "channels 0": (at, bytes(2)),
        "rate 0": (at + 8, bytes(10)),
        "rate infinite": (at + 8, b"\x7f\xff\x80" + bytes(7)),
        "rate not a number": (at + 8, b"\x7f\xff\xc0" + bytes(7)),
    }.items():
        place, new = change
        changed = aiff[:place] + new + aiff[place + len(new) :]
        yield File("lying", f"aiff {name}.aiff", changed, None, None)

    # the sizes of tags and atoms
    mp3 = encode(clip("mp3", seed), "mp3-bare")
    yield File("lying", "id3 beyond the end.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + mp3, None, None)
    yield File("lying", "id3 of a megabyte.mp3", b"ID3\x04\0\0\0\x3f\x7f\x7f" + mp3, None, None)
    yield File("lying", "id3 after id3.mp3", b"ID3\x04\0\0\0\0\0\0" * 500 + mp3, None, None)
    m4a = encode(clip("m4a", seed), "m4a")
    for atom in (b"moov", b"trak", b"stsz", b"stsc", b"stco", b"stts", b"mdat", b"esds"):
        place = m4a.index(atom) - 4
        for size in (0, 1, most):
            changed = m4a[:place] + struct.pack(">I", size) + m4a[place + 4 :]
            yield File("lying", f"m4a {atom.decode()} of {size}.m4a", changed, None, None)
        # the number of entries of its table
        changed = m4a[: place + 12] + b"\x7f\xff\xff\xff" + m4a[place + 16 :]
        yield File("lying", f"m4a {atom.decode()} entries.m4a", changed, None, None)


def shapes(seed: int) -> Iterator[File]:
    """Lengths, rates and numbers of channels."""
    for samples in (0, 1, 2, 100):
        for name in ("wav-16", "wav-float", "flac-16", "aiff-16"):
            data = encode(clip("shapes", seed)[:samples], name)
            yield File("shapes", f"{samples} samples {name}.bin", data, SKIPPED)
    for rate in (1, 2, 7, 100, 999, 8000, 11025, 48000, 96000, 192000, 384000, 655350):
        signal = clip(f"rate {rate}", seed, seconds=max(1, 40 / rate), rate=rate)
        seconds = len(signal) / rate
        yield File("shapes", f"{rate} Hz.wav", encode(signal, "wav-float", rate), None, seconds)
    for rate in (1, 384000, 655350):
        signal = clip(f"rate {rate} flac", seed, seconds=max(1, 40 / rate), rate=rate)
        yield File("shapes", f"{rate} Hz.flac", encode(signal, "flac-16", rate), None, len(signal) / rate)
    few = encode(clip("few", seed)[:3], "wav-16", 384000)
    yield File("shapes", "3 samples at 384 kHz.wav", few, SKIPPED)
    for channels in range(1, 9):
        for name in ("wav-16", "flac-24"):
            signal = clip(f"{channels} channels {name}", seed, channels=channels)
            yield File("shapes", f"{channels} channels {name}.bin", encode(signal, name), USED)
    for channels in (9, 32, 256, 1024):
        signal = clip(f"{channels} channels", seed, channels=channels)
        yield File("shapes", f"{channels} channels.wav", encode(signal, "wav-16"), None)


def values(seed: int) -> Iterator[File]:
    """Samples that are no music."""
    base = clip("values", seed)
    ramp = np.linspace(0.5, 1, len(base), dtype=np.float32)[:, None]
    signals = {
        "silence": (np.zeros_like(base), SKIPPED),
        "negative silence": (-np.zeros_like(base), SKIPPED),
        "denormals": (np.full_like(base, 1e-42) * ramp, SKIPPED),
        "nearly silent": (base * 1e-5, SKIPPED),
        "dc": (np.full_like(base, 0.5), USED),
        "dc at full scale": (np.ones_like(base), USED),
        "clipped": (np.sign(base) * ramp, USED),
        "beyond full scale": (base * 1e3, USED),
        "one impulse": (np.eye(len(base), 1, dtype=np.float32), USED),
        "huge": (base * 1e30, USED),
        "largest": (np.sign(base) * np.float32(3e38), USED),
        "nan": (np.where(np.arange(len(base))[:, None] == 99, np.nan, base), SKIPPED),
        "all nan": (np.full_like(base, np.nan), SKIPPED),
        "inf": (np.where(np.arange(len(base))[:, None] == 99, np.inf, base), SKIPPED),
        "minus inf": (np.where(np.arange(len(base))[:, None] == 99, -np.inf, base), SKIPPED),
    }
    for name, (signal, verdict) in signals.items():
        yield File("values", f"{name} float.wav", encode(signal.astype(np.float32), "wav-float"), verdict)
    for name in ("silence", "dc", "clipped"):
        for number, form in enumerate(("wav-u8", "wav-16", "wav-24", "wav-32", "flac-16", "aiff-16")):
            # each at a level of its own, lest they be taken for copies
            signal = signals[name][0] * (0.9 - 0.05 * number)
            yield File("values", f"{name} {form}.bin", encode(signal, form), signals[name][1])
    # beyond what float32 holds
    beyond = io.BytesIO()
    soundfile.write(beyond, base.astype(np.float64) * 1e300, RATE, format="WAV", subtype="DOUBLE")
    yield File("values", "beyond float32.wav", beyond.getvalue(), SKIPPED)


def bombs(seed: int) -> Iterator[File]:
    """Small files of much audio."""

    def silence(seconds, rate, channels, name="flac-16"):
        def write(path):
            container, samples = FORMATS[name]
            with soundfile.SoundFile(path, "w", rate, channels, samples, format=container) as file:
                block = np.zeros((rate * 10, channels), dtype=np.int16)
                for _ in range(seconds // 10):
                    file.write(block)

        return write

    yield File("bombs", "an hour of silence.flac", silence(3600, 44100, 1), SKIPPED)
    yield File("bombs", "a minute of 8 channels at 655 kHz.flac", silence(60, 655350, 8), SKIPPED)
    yield File("bombs", "an hour of silence.ogg", silence(3600, 8000, 1, "ogg-vorbis"), SKIPPED)
    yield File("bombs", "days at 1 Hz.wav", wav(b"\1\2" * 500_000, rate=1), SKIPPED)
    yield File("bombs", "hours at 1 Hz.wav", wav(b"\1\2" * 4_000, rate=1), USED, 4000.0)
    sparse = wav(b"", riff=0x7FFFFFF0, size=0x7FFFFF00)

    def hole(path):
        path.write_bytes(sparse)
        os.truncate(path, 1 << 31)

    yield File("bombs", "2 GB of a hole.wav", hole, SKIPPED)
    # frames of MP3 of the least size that there is, 8 kb/s at 8 kHz: 72 bytes of 72 ms
    frame = encode(clip("bomb", seed)[:1] * 0, "mp3-bare")
    yield File("bombs", "frames.mp3", frame * 3000, SKIPPED)


def lists(seed: int) -> Iterator[File]:
    """Text that ffmpeg would follow to other files or addresses."""
    target = GOOD[0]
    start = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n"
    contents = {
        # twice, or it would pass for a copy
        "ffconcat.wav": f"ffconcat version 1.0\nfile {GOOD[0]}\nfile {GOOD[1]}\n",
        "ffconcat.m4a": "ffconcat version 1.0\n" + f"file {target}\n" * 100,
        "playlist.m3u8": f"{start}{GOOD[0]}\n#EXTINF:9,\n{GOOD[1]}\n#EXT-X-ENDLIST\n",
        "network.m3u8": f"{start}http://127.0.0.1:9/a\n#EXT-X-ENDLIST\n",
        "session.sdp": "v=0\nc=IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "dash.mpd": f'<?xml version="1.0"?><MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>',
        "cue.cue": f'FILE "{target}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "list.m3u": f"{target}\n",
        "smil.wav": f'<smil><body><audio src="{target}"/></body></smil>',
        "rtsp.wav": "RTSPtext\nrtsp://127.0.0.1:9/a\n",
    }
    for name, text in contents.items():
        yield File("lists", name, text.encode(), SKIPPED)


def names(seed: int) -> Iterator[File]:
    """Good audio under names that a shell, a format string, a table or a terminal might trip over."""
    strange = [
        "with spaces .wav", "  leading.wav", "trailing.wav ", "new\nline.wav", "carriage\rreturn.wav",
        "tab\t.wav", "quote'.wav", 'double".wav', "back`tick`.wav", "back\\slash.wav", "comma,;.wav",
        "-n.wav", "--help.wav", "-i", "%s%n%d.wav", "%%.wav", "{corpus}.wav", "{0}{}.wav", "{{x}}.wav",
        "$(touch attacked).wav", "$HOME.wav", "; touch attacked;.wav", "| cat.wav", "&.wav", "*.wav",
        "?.wav", "[a-z].wav", "~.wav", "#.wav", "!.wav", "=cmd()|x.wav", "<script>alert(1)</script>.wav",
        "&amp;.wav", "NA", "nan", "null", "caf\u00e9 NFC.wav", "cafe\u0301 NFD.wav",
        "\u05e9\u05d9\u05e8.wav", "\u202egnp.wav", "\U0001f3b5.wav", "\U0001f469\u200d\U0001f3a4.wav",
        "\u6b4c\u3000\u66f2.wav", "zero\u200bwidth.wav", "line\u2028.wav", "\x1b[31mred.wav",
        "\x07bell.wav", "http:x.wav", "concat:a|b", "file:a.wav", "pipe:", "data:audio.wav", "a:b:c.wav",
        "no suffix", "CON.wav", "1.wav", "0.1", "[1, 2]", "true", "x" * 250, "\u00e9" * 125,
        "...wav" + " " * 9, "a/../b.wav".replace("/", "\u2215"), "deep" + "/deep" * 40 + "/song.wav",
    ]  # fmt: skip
    for number, name in enumerate(strange):
        verdict = PASSED if name.startswith(".") else USED
        yield File("names", f"names/{name}", encode(clip(f"name {number}", seed), "wav-16"), verdict)
    # bytes that are no UTF-8
    for number, raw in enumerate((b"caf\xe9.wav", b"\xff\xfe.wav", b"\xed\xa0\x80.wav")):
        data = encode(clip(f"bytes {number}", seed), "wav-16")
        yield File("names", f"names/{os.fsdecode(raw)}", data, SKIPPED)


def nodes(seed: int) -> Iterator[File]:
    """What is no file, or cannot be opened."""
    data = encode(clip("nodes", seed), "wav-16")

    def unreadable(path):
        path.write_bytes(data)
        path.chmod(0)

    def closed(path):
        path.mkdir()
        (path / "song.wav").write_bytes(data)
        path.chmod(0)

    def listed(path):
        path.write_bytes(data)
        path.parent.chmod(0o444)

    def listening(path):
        here = os.getcwd()
        os.chdir(path.parent)  # the address of a socket is short
        socket.socket(socket.AF_UNIX).bind(path.name)
        os.chdir(here)

    made = {
        "fifo.wav": os.mkfifo,
        "socket.wav": listening,
        "zero.wav": lambda path: path.symlink_to("/dev/zero"),
        "random.mp3": lambda path: path.symlink_to("/dev/urandom"),
        "null.flac": lambda path: path.symlink_to("/dev/null"),
        "terminal.wav": lambda path: path.symlink_to("/dev/tty"),
        "memory.wav": lambda path: path.symlink_to("/proc/self/mem"),
        "itself.wav": lambda path: path.symlink_to(path.name),
        "there.wav": lambda path: path.symlink_to("back.wav"),
        "back.wav": lambda path: path.symlink_to("there.wav"),
        "dangling.wav": lambda path: path.symlink_to("nowhere.wav"),
        "through a file.wav": lambda path: path.symlink_to("dangling.wav/x"),
        "unreadable.wav": unreadable,
        "closed folder": closed,
    }
    for name, make in made.items():
        yield File("nodes", f"nodes/{name}", make, SKIPPED)
    # a folder that may be listed and not entered
    yield File("nodes", "nodes/listed/song.wav", listed, SKIPPED)
    # of folders their files count
    yield File("nodes", "nodes/folder.wav/song.wav", encode(clip("in a folder", seed), "wav-16"), USED)
    yield File("nodes", "nodes/circle/song.wav", encode(clip("in a circle", seed), "wav-16"), USED)
    yield File("nodes", "nodes/circle/of", lambda path: path.symlink_to(".."), PASSED)
    yield File("nodes", "nodes/empty.wav/.keep", b"", PASSED)


def twins(seed: int) -> Iterator[File]:
    """The same audio twice."""
    signal = clip("twins", seed)
    for number, name in enumerate(("wav-16", "flac-16", "aiff-16", "wav-24", "wav-16")):
        exact = audio.from_int16(audio.to_int16(signal))
        yield File("twins", f"twins {number}.bin", encode(exact, name), SKIPPED if number else USED)


def _rate(name: str) -> int:
    return 48000 if name == "ogg-opus" else RATE
