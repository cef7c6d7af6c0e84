"""A sampler for SoundFont banks: notes in, sound out.

What is here: `Bank`, a SoundFont 2 file read into zones, and `Sampler`, which plays notes with one at a
sampling rate. It does what a piece of popular music needs of the bank that pretty_midi brings: key ranges,
root keys and tuning, loops, the volume envelope, a fixed low-pass filter for each zone, and velocity, which
acts on level and brightness. It leaves out what changes inside a note (the two oscillators, the modulation
envelope's course), panning, and what that bank does not use (velocity ranges, coarse tuning).

Why not a library (figures measured with this bank at 22,050 Hz):

* symusic 0.5.9 passes over the root key that a zone sets (generator 58): of 56 notes of 14 instruments, 30
  were over 100 cents off, the piano's by -190 to 1085. Velocity has no effect: 1, 1/2 and 1/4 give the same
  level. Labels of key and mood would be untrue.
* tinysoundfont 0.3.7 sounds right: within 10 cents of this sampler on every melodic instrument but two pads
  (25 cents), the same samples each time, as fast (0.06 s for 30 s of a band). But it requires pyaudio, which
  has no wheels for Linux and does not build without PortAudio's headers, a system package; and it has no
  wheels itself for Linux on ARM or for Python 3.13. Its velocity acts on level alone, and its fractional
  pitch moves all notes of a channel.
* pyfluidsynth 1.4.0 needs FluidSynth, a system package. sf2utils 1.0.0 reads banks but does not play them;
  it takes 0.5 s for what `Bank` does in 0.02 s.

Sources: SoundFont Technical Specification 2.04 (chapter 7: file layout; 8.1: generators and their defaults;
8.4.1: velocity to attenuation, 40 log10(1 / velocity) dB).
"""

import functools
import importlib.util
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from scipy import signal

DRUM_BANK = 128

# Records of the file's index ("pdta"), section 7 of the specification.
PRESET = np.dtype(
    [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("reserved", "<u4", 3)]
)
INSTRUMENT = np.dtype([("name", "S20"), ("bag", "<u2")])
BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
GENERATOR = np.dtype([("operator", "<u2"), ("amount", "<i2")])
SAMPLE = np.dtype(
    [
        *[("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4")],
        *[("rate", "<u4"), ("pitch", "u1"), ("correction", "i1"), ("link", "<u2"), ("type", "<u2")],
    ]
)

# Generators, section 8.1.2: number and default of those that are heard here.
LOOP_START, LOOP_END = 2, 3
CUTOFF, CUTOFF_ENVELOPE, MODULATION_SUSTAIN = 8, 11, 29
ATTACK, HOLD, DECAY, SUSTAIN, RELEASE = 34, 35, 36, 37, 38
INSTRUMENT_INDEX, KEYS, ATTENUATION = 41, 43, 48
FINE, SAMPLE_INDEX, LOOPED, SCALE, ROOT = 52, 53, 54, 56, 58
DEFAULTS = (
    dict.fromkeys(range(ROOT + 1), 0)
    | dict.fromkeys([ATTACK, HOLD, DECAY, RELEASE], -12000)
    | {CUTOFF: 13500, KEYS: 127 << 8, SCALE: 100, ROOT: -1}
)

FULL_FALL = 100.0  # dB that a decay or release time stands for (8.1.2, decayVolEnv)
INAUDIBLE = 60.0  # dB below which a release is cut
ATTENUATION_FACTOR = 0.4  # what the hardware for which banks were tuned makes of an attenuation
LONGEST_RELEASE = 1.5  # seconds; a few zones would ring for half a minute
TONES = 600  # tones kept by a sampler: about 60 MB at 22,050 Hz

# Softer notes are duller: (least velocity, cut-off in Hz of a first-order low-pass) of the layers of
# velocity.
LAYERS = ((0.72, math.inf), (0.5, 5000.0), (0.0, 2500.0))


def general_midi() -> Path:
    """The General MIDI bank that pretty_midi brings (TimGM6mb, GPL), found without importing pretty_midi."""
    return Path(importlib.util.find_spec("pretty_midi").origin).with_name("TimGM6mb.sf2")


def seconds_of(timecents: float) -> float:
    """Time of a SoundFont time constant: 2 ** (timecents / 1200) s."""
    return 2.0 ** (timecents / 1200)


@functools.lru_cache(maxsize=256)
def release(samples: int) -> np.ndarray:
    """The fall of a released tone: straight in dB."""
    return np.float32(10) ** np.linspace(0, -INAUDIBLE / 20, samples, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Zone:
    """A sample and how a range of keys plays it; positions in items of the bank's samples."""

    keys: tuple[int, int]
    start: int
    end: int
    loop: tuple[int, int] | None
    rate: float  # of the recording, Hz
    root: float  # key at which it sounds as recorded
    scale: float  # semitones a key
    cutoff: float  # Hz
    gain: float
    attack: float  # seconds
    hold: float
    decay: float  # seconds until FULL_FALL
    sustain: float  # dB below the peak
    release: float  # seconds until FULL_FALL


class Bank:
    """A SoundFont 2 file: its samples and the zones of each preset.

    Presets may carry no generators besides their instrument; those of the bank used here do not.
    """

    def __init__(self, path: Path):
        content = Path(path).read_bytes()
        index = {}
        for name, start, size in _chunks(content, 12, len(content)):
            if name == b"LIST":
                index |= {
                    inner: (at, length) for inner, at, length in _chunks(content, start + 4, start + size)
                }

        def records(name: bytes, dtype: np.dtype) -> np.ndarray:
            start, size = index[name]
            return np.frombuffer(content, dtype, count=size // dtype.itemsize, offset=start)

        self.samples = records(b"smpl", np.dtype("<i2"))
        headers = records(b"shdr", SAMPLE)
        instruments = _zones(records(b"inst", INSTRUMENT), records(b"ibag", BAG), records(b"igen", GENERATOR))
        presets = _zones(records(b"phdr", PRESET), records(b"pbag", BAG), records(b"pgen", GENERATOR))
        self.presets = {}
        for head, zones in zip(records(b"phdr", PRESET), presets, strict=False):
            played = [instruments[zone[INSTRUMENT_INDEX]] for zone in zones if INSTRUMENT_INDEX in zone]
            self.presets[int(head["bank"]), int(head["program"])] = [
                _zone(zone, headers[zone[SAMPLE_INDEX]]) for instrument in played for zone in instrument
            ]

    def zones(self, bank: int, program: int, key: int) -> list[Zone]:
        """Zones that sound for a key, 0 to 127.

        Where a bank has a hole (the one used here leaves out a key of the alto saxophone), those of the
        nearest key.
        """
        zones = self.presets[bank, program]
        distances = [max(zone.keys[0] - key, key - zone.keys[1], 0) for zone in zones]
        return [zone for zone, distance in zip(zones, distances, strict=True) if distance == min(distances)]


def _chunks(content: bytes, start: int, end: int):
    """Name, first byte and size of the RIFF chunks between two bytes."""
    while start < end:
        size = struct.unpack_from("<I", content, start + 4)[0]
        yield content[start : start + 4], start + 8, size
        start += 8 + size + size % 2


def _zones(heads: np.ndarray, bags: np.ndarray, generators: np.ndarray) -> list[list[dict[int, int]]]:
    """Generators by zone and head; a first zone that ends in no sample or instrument holds the others'
    defaults.
    """
    result = []
    for first, last in zip(heads["bag"][:-1].tolist(), heads["bag"][1:].tolist(), strict=True):
        shared, zones = {}, []
        for bag in range(first, last):
            own = generators[bags["generator"][bag] : bags["generator"][bag + 1]]
            zone = shared | dict(zip(own["operator"].tolist(), own["amount"].tolist(), strict=True))
            if SAMPLE_INDEX in zone or INSTRUMENT_INDEX in zone:
                zones.append(zone)
            elif bag == first:
                shared = zone
        result.append(zones)
    return result


def _zone(generators: dict[int, int], head: np.void) -> Zone:
    """A zone out of its generators and its sample's head."""
    value = DEFAULTS | generators
    start, end = int(head["start"]), int(head["end"])
    loop_start = int(head["loop_start"]) + value[LOOP_START]
    loop_end = int(head["loop_end"]) + value[LOOP_END]
    loops = value[LOOPED] in (1, 3) and start <= loop_start < loop_end <= end
    root = value[ROOT] if value[ROOT] >= 0 else int(head["pitch"])
    tuning = (value[FINE] + int(head["correction"])) / 100
    # The filter's envelope starts at its peak and falls to its sustain level: stand still half way.
    opening = value[CUTOFF_ENVELOPE] * (1 - min(value[MODULATION_SUSTAIN], 1000) / 2000)
    return Zone(
        keys=(value[KEYS] & 255, value[KEYS] >> 8),
        start=start,
        end=end,
        loop=(loop_start, loop_end) if loops else None,
        rate=float(head["rate"]),
        root=root - tuning,
        scale=value[SCALE] / 100,
        cutoff=8.176 * 2 ** ((value[CUTOFF] + opening) / 1200),
        gain=10 ** (-ATTENUATION_FACTOR * value[ATTENUATION] / 200),
        attack=seconds_of(value[ATTACK]),
        hold=seconds_of(value[HOLD]),
        decay=seconds_of(value[DECAY]),
        sustain=min(max(value[SUSTAIN], 0) / 10, FULL_FALL),
        release=min(seconds_of(value[RELEASE]), LONGEST_RELEASE * FULL_FALL / INAUDIBLE),
    )


class Sampler:
    """Plays notes with a bank at one sampling rate, keeping the tones used last.

    A result depends on the notes alone, never on what was played before.
    """

    def __init__(self, bank: Bank, sample_rate: int):
        self.bank = bank
        self.sample_rate = sample_rate
        self._tone = functools.lru_cache(maxsize=TONES)(self._make_tone)

    def play(self, program: int, notes: Iterable, samples: int, drums: bool = False) -> np.ndarray:
        """Sound of one player.

        Parameters
        ----------
        program : int
            General MIDI program, 0 to 127; with `drums` the drum kit's number.
        notes : iterable
            With `start` and `duration` in seconds, `pitch` (MIDI number, may be fractional), `velocity` (0 to
            1).
        samples : int
            Length of the result; what rings on is cut.
        drums : bool
            Play from the bank's drum kits.

        Returns
        -------
        (samples,) float32
        """
        layers = [np.zeros(samples, np.float32) for _ in LAYERS]
        for note in notes:
            layer = next(i for i, (least, _) in enumerate(LAYERS) if note.velocity >= least)
            first = round(note.start * self.sample_rate)
            for zone in self.bank.zones(DRUM_BANK if drums else 0, program, round(note.pitch)):
                tone = self._note(zone, note.pitch, note.duration)[: samples - first]
                layers[layer][first : first + len(tone)] += tone * np.float32(zone.gain * note.velocity**2)
        mix = np.zeros(samples, np.float32)
        for (_, cutoff), layer in zip(LAYERS, layers, strict=True):
            mix += (
                layer
                if cutoff >= self.sample_rate / 2 or not layer.any()
                else self._low_pass(layer, 1, cutoff)
            )
        return mix

    def _note(self, zone: Zone, pitch: float, duration: float) -> np.ndarray:
        """A tone held for `duration` seconds, then released."""
        held = max(1, round(duration * self.sample_rate))
        tail = max(1, round(zone.release * INAUDIBLE / FULL_FALL * self.sample_rate))
        # Powers of two, so that notes of like length share a tone.
        longest = 2.0 ** math.ceil(math.log2(max((held + tail) / self.sample_rate, 0.25)))
        tone = self._tone(zone, pitch, longest)
        if len(tone) <= held:
            return tone
        tone = tone[: held + tail].copy()
        tone[held:] *= release(tail)[: len(tone) - held]
        return tone

    def _make_tone(self, zone: Zone, pitch: float, seconds: float) -> np.ndarray:
        """The first `seconds` of a zone's sample, looped, at a pitch, filtered, under attack and decay."""
        rate = zone.rate * 2 ** ((pitch - zone.root) * zone.scale / 12)
        needed = math.ceil(rate * seconds)
        if zone.loop is None:
            source = self.bank.samples[zone.start : zone.end]
        else:
            head, loop = self.bank.samples[zone.start : zone.loop[1]], self.bank.samples[slice(*zone.loop)]
            source = np.concatenate([head, np.resize(loop, max(0, needed - len(head)))])
        source = source[:needed].astype(np.float32) / np.float32(32768)
        tone = soxr.resample(source, rate, self.sample_rate, quality="MQ")
        if zone.cutoff < 0.45 * self.sample_rate:
            tone = self._low_pass(tone, 2, zone.cutoff)
        time = np.arange(len(tone), dtype=np.float32) / np.float32(self.sample_rate)
        falling = np.maximum(time - np.float32(zone.attack + zone.hold), 0)
        fall = np.minimum(falling * np.float32(FULL_FALL / zone.decay), np.float32(zone.sustain))
        tone *= np.minimum(time / np.float32(zone.attack), 1) * np.float32(10) ** (fall / np.float32(-20))
        return tone

    def _low_pass(self, sound: np.ndarray, order: int, cutoff: float) -> np.ndarray:
        """Sound under a Butterworth low-pass."""
        b, a = signal.butter(order, cutoff, fs=self.sample_rate)
        return signal.lfilter(b.astype(np.float32), a.astype(np.float32), sound)
