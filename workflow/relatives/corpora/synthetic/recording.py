"""What a recording and its preview add to composed music: a noise floor, and an MP3.

Music that is composed has no noise where nothing plays. A recording has the noise of room, microphone and
preamplifier everywhere, and the previews of the Million Song Dataset, which the tagging corpus stands for,
are MP3s of 128 kb/s. Corpora with stems get neither: with them, a mixture would no longer be the sum of its
stems.

Where the shipped values come from. In 15 real pieces (orchestra, band, solo trumpet, game music; up to 90 s
of each), the level of pink noise that the quietest 5 % of the cells of a spectrogram allow was measured by
octave, relative to the piece. In the octave that allows least, it is -53 dB (median; quartiles -69 and -44),
and -52 dB after an MP3 of 128 kb/s. Composed music without any floor has -67 dB, and -81 dB after the MP3;
with noise at -50 dB, and the MP3, it has -52 dB, as the real pieces. The share of cells more than 60 dB
below pink noise as loud as the piece is 0.16 in real pieces after the MP3, 0.21 in composed ones without the
noise, 0.12 with it. The share more than 30 dB below it is 0.55 and 0.48, and the noise does not change it: in
this respect composed music was not emptier than real pieces.

The rate of the MP3 is that of a mono signal at the corpus' sampling rate. Most previews are stereo at
44.1 kHz, so that two channels and twice the band share the 128 kb/s: the MP3 here is the milder one.
"""

import numpy as np

from relatives.transforms import mp3
from relatives.transforms.noise import add, pink


def record(music: np.ndarray, settings: dict, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Add a noise floor to finished music and send it through an MP3.

    Parameters
    ----------
    music : (samples,) float32
    settings : dict
        ``noise``: level (RMS) in dB relative to the music of a stationary pink noise, or None for none;
        ``mp3``: constant bit rate in kb/s, one of `relatives.transforms.mp3.RATES`, or None for no MP3.
    sample_rate : int
        Hz.
    rng
        Generator of the noise.

    Returns
    -------
    (samples,) float32
        As long as the music and aligned with it. It may exceed full scale a little; silence gets no noise.
    """
    if settings["noise"] is not None:
        music = add(music, pink(len(music), rng), -settings["noise"]).astype(np.float32)
    if settings["mp3"] is not None:
        music = mp3.compress(music, sample_rate, settings["mp3"])
    return music
