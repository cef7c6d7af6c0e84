"""MP3 compression at a constant bit rate that the stream really has.

MPEG-1 knows bit rates of 32 to 320 kb/s at sampling rates of 32 kHz and above, MPEG-2 knows 8 to 160 kb/s
at half of those. An encoder that is asked for a rate which its sampling rate has not takes another one
without a word. So a signal is encoded at a sampling rate that has the bit rate asked for, and every frame
header of the stream is checked.

Encoding is libmp3lame's, in the ffmpeg binary that imageio-ffmpeg ships, driven over pipes. Decoding is
libsndfile's, in process: the two decoders agree to 1e-6, and starting a second ffmpeg would cost as much as
the compression itself. The bit reservoir stays on, as LAME has it: it lends bits from one frame to the
next, and leaves the rate of the frames constant.

Sources
-------
ISO/IEC 11172-3 (MPEG-1 Audio) and 13818-3 (MPEG-2 Audio): the frame header, its tables, a frame's length.
"""

import io

import numpy as np

from relatives import audio

MPEG1_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_RATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""Bit rates of layer III in kb/s, in the order of their index in the frame header, which starts at 1."""

RATES = tuple(sorted({*MPEG1_RATES, *MPEG2_RATES}))
"""All bit rates of layer III, in kb/s."""

MPEG1_SAMPLING = (44100, 48000, 32000)
MPEG2_SAMPLING = (22050, 24000, 16000)
"""Sampling rates in Hz, in the order of their index in the frame header, which starts at 0."""

DELAY = 1105
"""Samples by which the decoded signal is late: 576 of LAME's encoder, 529 of every decoder."""

SCALES = {192: 0.97, 224: 0.98, 256: 1.0, 320: 1.0}
"""What LAME multiplies the signal by before it encodes at a bit rate, to leave headroom; 0.95 at the
others."""


def compress(signal, sample_rate, rate):
    """What is left of a signal after MP3 compression.

    Parameters
    ----------
    signal : (samples,) float32
    sample_rate : int
        In Hz.
    rate : int
        Bit rate in kb/s, one of `RATES`.

    Returns
    -------
    (samples,) float32
        Aligned with the signal and at its level: the delay of the encoder and the decoder and LAME's scaling
        are undone.
    """
    encoding_rate = sampling_rate(sample_rate, rate)
    decoded = decode(encode(signal, sample_rate, rate))[DELAY:]
    restored = audio.resample(decoded, encoding_rate, sample_rate)
    # the last frame reaches beyond the signal's end
    return restored[: len(signal)] / np.float32(SCALES.get(rate, 0.95))


def sampling_rate(sample_rate, rate):
    """The sampling rate at which to encode.

    Parameters
    ----------
    sample_rate : int
        The signal's, in Hz.
    rate : int
        Bit rate in kb/s, one of `RATES`.

    Returns
    -------
    int
        In Hz: the signal's own, if it has the bit rate; or twice or half of it; or else 44100 or 22050.
    """
    for candidate in (sample_rate, 2 * sample_rate, sample_rate // 2, 44100):
        if candidate in MPEG1_SAMPLING and rate in MPEG1_RATES:
            return candidate
        if candidate in MPEG2_SAMPLING and rate in MPEG2_RATES:
            return candidate
    return 22050


def encode(signal, sample_rate, rate):
    """Encode at a constant bit rate.

    Parameters
    ----------
    signal : (samples,) float32
    sample_rate : int
        In Hz. The stream has that of `sampling_rate`.
    rate : int
        Bit rate in kb/s, one of `RATES`.

    Returns
    -------
    bytes
        A bare stream of frames, without tags and without a frame that describes the others.

    Raises
    ------
    RuntimeError
        A frame of the stream has another rate than the one asked for.
    """
    import ffmpeg

    encoding_rate = sampling_rate(sample_rate, rate)
    samples = audio.resample(signal, sample_rate, encoding_rate)
    sound = ffmpeg.input("pipe:", format="f32le", ar=encoding_rate, ac=1)
    constant = {"acodec": "libmp3lame", "audio_bitrate": f"{int(rate)}k", "threads": 1}
    bare = {"format": "mp3", "write_xing": 0, "id3v2_version": 0}
    stream = audio.run_ffmpeg(sound.output("pipe:", **constant, **bare), samples.astype("<f4").tobytes())
    made = set(frame_rates(stream))
    if made != {rate}:
        raise RuntimeError(f"MP3 of {rate:g} kb/s: the encoder made frames of {sorted(made)} kb/s.")
    return stream


def decode(stream):
    """The samples of an MP3 stream of one channel, (samples,) float32."""
    import soundfile

    return soundfile.read(io.BytesIO(stream), dtype="float32")[0]


def frame_rates(stream):
    """The bit rate in kb/s of every frame of an MP3 stream, read from the frame headers.

    Parameters
    ----------
    stream : bytes
        Whole layer III frames, from the first byte to the last.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        Where a frame should start, there is no header of layer III with a bit rate.
    """
    rates = []
    position = 0
    while position < len(stream):
        header = int.from_bytes(stream[position : position + 4], "big")
        # from the left: 11 bits of sync, 2 of version, 2 of layer, 1 of protection, 4 of bit rate,
        # 2 of sampling rate, 1 of padding
        version, layer = header >> 19 & 0b11, header >> 17 & 0b11
        rate, sampling, padding = header >> 12 & 0b1111, header >> 10 & 0b11, header >> 9 & 0b1
        valid = header >> 21 == 0x7FF and version in (2, 3) and layer == 1 and 0 < rate < 15 and sampling < 3
        if not valid:
            raise ValueError(f"no MP3 frame at byte {position} of {len(stream)}: header {header:08x}")
        if version == 3:
            rates.append(MPEG1_RATES[rate - 1])
            position += 144000 * rates[-1] // MPEG1_SAMPLING[sampling] + padding
        else:
            rates.append(MPEG2_RATES[rate - 1])
            position += 72000 * rates[-1] // MPEG2_SAMPLING[sampling] + padding
    return rates
