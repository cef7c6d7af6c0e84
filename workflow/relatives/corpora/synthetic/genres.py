"""The genres of the embedded corpus, each one declarative entry, and the instruments that they choose from.

Notation
--------
Rhythms are strings, one character a sixteenth, one string a bar (16 characters in 4/4, 12 in 3/4).

=========  =================================================================================================
drums      ``X`` accent, ``x`` stroke, ``o`` ghost note, ``.`` rest
chords     ``x`` the whole chord, ``o`` softly, a digit one voice of it from below, ``-`` held, ``.`` rest
bass       ``R`` root, ``3`` ``5`` ``7`` chord tones, ``8`` octave, ``w`` walking, ``a`` chromatic approach
           to the next root, ``-`` held, ``.`` rest
melody     ``x`` note, ``-`` held, ``.`` rest
=========  =================================================================================================

Progressions name a chord a bar, or several joined by ``/``: Roman numerals over the major scale (``bVI`` is a
flat sixth), upper case for major thirds, lower case for minor; suffixes ``7`` ``maj7`` ``9`` ``6`` ``o``
``ø`` ``sus`` ``5`` (power chord); ``:3`` and ``:5`` put the third or fifth into the bass.
"""

from dataclasses import dataclass, field

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 3, 4, 5, 6, 7, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
MINOR_MODES = frozenset({"dorian", "minor", "phrygian"})


@dataclass(frozen=True)
class Instrument:
    """A General MIDI program (for drums the kit), its playing range, and what it is called in the labels."""

    program: int
    low: int  # lowest and highest key that a player reaches and that sounds like the instrument
    high: int
    tag: str | None = None  # the tag that it earns
    irmas: str | None = None  # class of IRMAS; None if there is none like it
    chordal: bool = False  # can play several notes at once
    drums: bool = False


INSTRUMENTS = {
    "piano": Instrument(0, 33, 96, "piano", "pia", chordal=True),
    "bright piano": Instrument(1, 33, 96, "piano", "pia", chordal=True),
    "electric piano": Instrument(4, 36, 91, "electric piano", chordal=True),
    "FM piano": Instrument(5, 36, 91, "electric piano", chordal=True),
    "harpsichord": Instrument(6, 36, 86, chordal=True),
    "vibraphone": Instrument(11, 53, 89, "vibraphone", chordal=True),
    "marimba": Instrument(12, 48, 89, chordal=True),
    "music box": Instrument(10, 60, 96, chordal=True),
    "drawbar organ": Instrument(16, 36, 91, "organ", "org", chordal=True),
    "percussive organ": Instrument(17, 36, 91, "organ", "org", chordal=True),
    "rock organ": Instrument(18, 36, 91, "organ", "org", chordal=True),
    "church organ": Instrument(19, 36, 91, "organ", "org", chordal=True),
    "accordion": Instrument(21, 53, 89, "accordion", chordal=True),
    "harmonica": Instrument(22, 60, 89),
    "nylon guitar": Instrument(24, 40, 83, "acoustic guitar", "gac", chordal=True),
    "steel guitar": Instrument(25, 40, 83, "acoustic guitar", "gac", chordal=True),
    "jazz guitar": Instrument(26, 40, 84, "electric guitar", "gel", chordal=True),
    "clean guitar": Instrument(27, 40, 86, "electric guitar", "gel", chordal=True),
    "muted guitar": Instrument(28, 40, 79, "electric guitar", "gel", chordal=True),
    "overdriven guitar": Instrument(29, 40, 86, "distorted guitar", "gel", chordal=True),
    "distorted guitar": Instrument(30, 40, 86, "distorted guitar", "gel", chordal=True),
    "double bass": Instrument(32, 28, 55),
    "electric bass": Instrument(33, 28, 55),
    "picked bass": Instrument(34, 28, 55),
    "fretless bass": Instrument(35, 28, 55),
    "slap bass": Instrument(36, 28, 55),
    "synth bass": Instrument(38, 28, 55),
    "deep synth bass": Instrument(39, 28, 55),
    "violin": Instrument(40, 55, 93, "violin", "vio"),
    "fiddle": Instrument(110, 55, 88, "violin", "vio"),
    "cello": Instrument(42, 36, 74, "cello", "cel"),
    "harp": Instrument(46, 36, 91, "harp", chordal=True),
    "strings": Instrument(48, 40, 88, "strings", "vio", chordal=True),
    "slow strings": Instrument(49, 40, 88, "strings", "vio", chordal=True),
    "pizzicato strings": Instrument(45, 40, 84, "strings", "vio", chordal=True),
    "trumpet": Instrument(56, 55, 82, "trumpet", "tru"),
    "muted trumpet": Instrument(59, 55, 82, "trumpet", "tru"),
    "french horn": Instrument(60, 41, 74, "brass"),
    "brass": Instrument(61, 45, 82, "brass", "tru", chordal=True),
    "soprano saxophone": Instrument(64, 56, 87, "saxophone", "sax"),
    "alto saxophone": Instrument(65, 49, 80, "saxophone", "sax"),
    "tenor saxophone": Instrument(66, 44, 75, "saxophone", "sax"),
    "clarinet": Instrument(71, 50, 86, "clarinet", "cla"),
    "flute": Instrument(73, 60, 93, "flute", "flu"),
    "square lead": Instrument(80, 48, 88, "synthesizer"),
    "saw lead": Instrument(81, 48, 88, "synthesizer"),
    "poly synth": Instrument(90, 40, 88, "synthesizer", chordal=True),
    "warm pad": Instrument(89, 40, 86, "synthesizer", chordal=True),
    "fantasia pad": Instrument(88, 40, 86, "synthesizer", chordal=True),
    "halo pad": Instrument(94, 40, 86, "synthesizer", chordal=True),
    "soundtrack pad": Instrument(97, 40, 86, "synthesizer", chordal=True),
    "sweep pad": Instrument(95, 40, 86, "synthesizer", chordal=True),
    "banjo": Instrument(105, 48, 84, chordal=True),
    "standard drums": Instrument(0, 35, 81, "drums", drums=True),
    "room drums": Instrument(8, 35, 81, "drums", drums=True),
    "power drums": Instrument(16, 35, 81, "drums", drums=True),
    "electronic drums": Instrument(24, 35, 81, "drums", drums=True),
    "808 drums": Instrument(25, 35, 81, "drums", drums=True),
    "jazz drums": Instrument(32, 35, 81, "drums", drums=True),
    "brushes": Instrument(40, 35, 81, "drums", drums=True),
}

DRUM_KEYS = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "clap": 39,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "ride": 51,
    "crash": 49,
    "high tom": 50,
    "middle tom": 47,
    "low tom": 43,
    "tambourine": 54,
    "cowbell": 56,
    "shaker": 70,
    "clave": 75,
    "high conga": 63,
    "low conga": 64,
    "high bongo": 60,
    "low bongo": 61,
}

# Melody rhythms in 4/4 and 3/4, by character; phrases are put together from a few of these.
MELODIES = {
    "long": (
        "x-------x-------",
        "x-----------x---",
        "....x-------x---",
        "x-------....x---",
        "x-----x-----",
        "x-------x---",
    ),
    "song": (
        "x---x-x-x---x---",
        "x-x-x---x-x-x---",
        "..x-x-x-x-----x-",
        "x-----x-x---x-x-",
        "x---x-x-x---",
        "x-----x-x---",
    ),
    "syncopated": ("x--x--x---x-x---", "..x--x--x-x--x--", "x-x--x-x--x-x---", "x--x--x-..x--x--"),
    "swung": ("x-x-x-x---x-x-x-", "..x-x-x-x---x-x-", "x---x-x-..x-x-x-", "x-x---x-x-x-x---"),
    "driving": ("x-x-x-x-x-x-x-x-", "x-xxx-x-x-xxx-x-", "x---x-x-x-x-x-xx", "x-x-x-xxx---x-x-"),
}

# Two-bar habits would hide the bar line; a fill replaces the last bar of a section from its third beat on.
FILLS = (
    {"snare": "........X.xxX.xx", "kick": "X.......x......."},
    {
        "high tom": "........X.x.....",
        "middle tom": "............X.x.",
        "low tom": "..............xX",
        "kick": "X.......x.......",
    },
    {"snare": "............X.xx", "low tom": "..............xX", "kick": "X.....x.x......."},
)


@dataclass(frozen=True)
class Genre:
    """How the pieces of a genre are made."""

    tempo: tuple[float, float]  # beats a minute
    modes: dict[str, float]  # weights
    progressions: dict[str, tuple[str, ...]]  # by mode; "" holds for the modes not named
    instruments: dict[str, tuple[str, ...]]  # choices by role; a role that is missing is never played
    chords: tuple[str, ...]  # rhythms
    bass: tuple[str, ...]
    drums: tuple[dict[str, str], ...]
    melody: tuple[str, ...]  # keys of MELODIES
    decades: tuple[int, ...]  # when it was recorded; 1950 stands for the fifties and before
    energy: float  # 0 calm, 1 violent; acts on dynamics, density and brightness
    swing: float = 0.5  # where in a beat (or half a beat) its second half falls: 1/2 straight, 2/3 triplets
    swung: int = 2  # what swings: 2 eighths, 4 sixteenths
    looseness: float = 0.009  # standard deviation of the players' timing, seconds
    singers: float = 0.5  # share of artists with a singer
    pads: float = 0.5  # share of artists with a second harmony part
    levels: dict[str, float] = field(default_factory=dict)  # dB added to the usual level of a role
    reverb: float = 1.0  # factor on the era's reverberation
    meters: tuple[int, ...] = (4,)  # beats a bar, each as likely
    extension: int = 3  # voices of a chord
    danceable: bool = False


GENRES = {
    "rock": Genre(
        tempo=(100, 150),
        modes={"major": 2, "mixolydian": 2, "minor": 2},
        progressions={
            "minor": ("i bVI bIII bVII", "i bVII bVI bVII", "i iv bVI V"),
            "": ("I V vi IV", "I bVII IV I", "I IV V IV", "I IV I/V V"),
        },
        instruments={
            "lead": ("overdriven guitar", "distorted guitar", "rock organ", "clean guitar"),
            "chords": ("overdriven guitar", "clean guitar", "steel guitar"),
            "pad": ("rock organ", "piano", "strings"),
            "bass": ("picked bass", "electric bass"),
            "drums": ("standard drums", "room drums", "power drums"),
        },
        chords=("x-x-x-x-x-x-x-x-", "x---x-x---x-x-x-", "x-----x-x-----x-"),
        bass=("R-R-R-R-R-R-R-R-", "R-----R-R-----a-", "R---R-R-R---5-a-"),
        drums=(
            {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.....x.X.......", "snare": "....X.......X..o", "ride": "X.x.X.x.X.x.X.x."},
            {"kick": "X..x....X.x.....", "snare": "....X.......X...", "open": "x...x...x...x..."},
        ),
        melody=("song", "driving"),
        decades=(1960, 1970, 1980, 1990, 2000),
        energy=0.75,
    ),
    "pop": Genre(
        tempo=(90, 130),
        modes={"major": 3, "minor": 1},
        progressions={
            "minor": ("i bVI bIII bVII", "i iv bVII bIII", "bVI bVII i i"),
            "": ("I V vi IV", "vi IV I V", "I vi IV V", "IV V iii/vi IV", "I iii IV V"),
        },
        instruments={
            "lead": ("saw lead", "piano", "clean guitar", "alto saxophone", "square lead"),
            "chords": ("piano", "electric piano", "steel guitar", "FM piano", "clean guitar"),
            "pad": ("strings", "warm pad", "fantasia pad"),
            "bass": ("electric bass", "synth bass", "fretless bass"),
            "drums": ("standard drums", "electronic drums", "room drums"),
        },
        chords=("x---x---x---x---", "x-----x-----x---", "0-1-2-1-0-1-2-1-", "x-------x-x-----"),
        bass=("R-----R-R-----R-", "R---R---R---R---", "R-----5-R---8-a-"),
        drums=(
            {"kick": "X.......X.......", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X...X...X...X...", "clap": "....X.......X...", "hat": "..x...x...x...x."},
            {"kick": "X..x..x.X..x....", "snare": "....X.......X...", "hat": "xoxoxoxoxoxoxoxo"},
        ),
        melody=("song", "syncopated"),
        decades=(1960, 1970, 1980, 1990, 2000),
        energy=0.55,
        singers=0.75,
        danceable=True,
    ),
    "jazz": Genre(
        tempo=(90, 190),
        modes={"major": 2, "dorian": 2},
        progressions={
            "dorian": ("i7 i7 iv7 i7", "iø:3/V7 i7 iiø/V7 i7", "i7 bVImaj7 iiø V7"),
            "": (
                "ii7 V7 Imaj7 vi7",
                "Imaj7 vi7 ii7 V7",
                "iii7/VI7 ii7/V7 Imaj7/VI7 ii7/V7",
                "Imaj7 I7 IVmaj7 iv7/bVII7",
            ),
        },
        instruments={
            "lead": (
                *(
                    "tenor saxophone",
                    "alto saxophone",
                    "trumpet",
                    "muted trumpet",
                    "vibraphone",
                    "clarinet",
                    "flute",
                ),
                *("jazz guitar", "piano", "soprano saxophone"),
            ),
            "chords": ("piano", "jazz guitar", "electric piano", "drawbar organ"),
            "pad": ("brass", "vibraphone"),
            "bass": ("double bass",),
            "drums": ("jazz drums", "brushes"),
        },
        chords=("x-----x.....x-..", "..x-....x-....x-", "....x-......x-..", "x--...x-......o-"),
        bass=("w---w---w---w---",),
        drums=(
            {
                "ride": "X...x.x.X...x.x.",
                "pedal": "....x.......x...",
                "kick": "o.......o.......",
                "snare": "......o......o..",
            },
            {"ride": "X...x.x.x...X.x.", "pedal": "....x.......x...", "snare": "..o.......o...o."},
        ),
        melody=("swung", "song"),
        decades=(1950, 1950, 1960, 1970, 1990),
        energy=0.45,
        swing=0.64,
        looseness=0.012,
        singers=0.2,
        pads=0.25,
        extension=4,
    ),
    "blues": Genre(
        tempo=(65, 125),
        modes={"blues": 1},
        progressions={"": ("I7 IV7 I7 V7", "I7 I7 IV7 I7", "V7 IV7 I7 V7")},
        instruments={
            "lead": ("overdriven guitar", "harmonica", "clean guitar", "tenor saxophone", "piano"),
            "chords": ("steel guitar", "piano", "percussive organ", "clean guitar"),
            "pad": ("percussive organ", "brass"),
            "bass": ("electric bass", "double bass"),
            "drums": ("standard drums", "room drums", "brushes"),
        },
        chords=("x-x-x-x-x-x-x-x-", "x---..x-x---..x-", "..x-..x-..x-..x-"),
        bass=("R---3---5---7---", "R-R-3-3-5-5-a-a-", "R---R-5-R---7-a-"),
        drums=(
            {"kick": "X.......X.....x.", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.......x.......", "snare": "....X.......X...", "ride": "X.x.X.x.X.x.X.x."},
        ),
        melody=("swung", "syncopated"),
        decades=(1950, 1950, 1960, 1970, 1990),
        energy=0.45,
        swing=0.66,
        looseness=0.014,
        singers=0.5,
        pads=0.3,
        extension=4,
    ),
    "folk": Genre(
        tempo=(80, 130),
        modes={"major": 2, "dorian": 1, "minor": 1},
        progressions={
            "dorian": ("i bVII i IV", "i IV i bVII"),
            "minor": ("i bVII bVI bVII", "i iv i V", "i bIII bVII i"),
            "": ("I IV I V", "I V:3 vi IV", "I I IV V", "I IV:5 I V"),
        },
        instruments={
            "lead": ("flute", "fiddle", "accordion", "harmonica", "nylon guitar", "clarinet"),
            "chords": ("steel guitar", "nylon guitar", "accordion", "harp"),
            "pad": ("accordion", "cello", "harp"),
            "bass": ("double bass",),
        },
        chords=("0-2-1-2-0-2-1-2-", "0---x-x-1---x-x-", "x---x-o-x-x-o-x-", "0---x---x---", "0-2-1-2-1-2-"),
        bass=("R-------5-------", "R---....5---....", "R-------5---", "R-----------"),
        drums=(),
        melody=("song", "long"),
        decades=(1950, 1960, 1970, 1990, 2000),
        energy=0.3,
        looseness=0.013,
        singers=0.55,
        meters=(4, 4, 3),
    ),
    "classical": Genre(
        tempo=(60, 140),
        modes={"major": 2, "minor": 2},
        progressions={
            "minor": ("i iv V i", "i iiø:3 V7 i", "i bVI iv V", "i V:3 i iv/V", "i bIII:5 iv V7"),
            "": ("I IV V I", "I vi ii V7", "I V:3 vi iii/IV", "I ii:3 V7 I", "I V7:3 I IV/V"),
        },
        instruments={
            "lead": (
                "violin",
                "cello",
                "flute",
                "clarinet",
                "piano",
                "french horn",
                "trumpet",
                "church organ",
            ),
            "chords": ("piano", "harpsichord", "harp", "strings", "church organ"),
            "pad": ("strings", "slow strings", "french horn", "cello"),
            "bass": ("cello",),
        },
        chords=(
            "0-2-1-2-0-2-1-2-",
            "012-012-012-012-",
            "x-------x-------",
            "0---x---x---",
            "0-1-2-1-2-1-",
            "x-----------",
        ),
        bass=("R-------5-------", "R---3---5---3---", "R-----------", "R---3---5---"),
        drums=(),
        melody=("song", "long", "driving"),
        decades=(1950, 1960, 1970, 1980, 1990, 2000),
        energy=0.3,
        looseness=0.011,
        singers=0.0,
        pads=0.75,
        reverb=1.6,
        meters=(4, 4, 3),
        levels={"chords": 1.0},
    ),
    "electronic": Genre(
        tempo=(118, 140),
        modes={"minor": 3, "dorian": 1, "major": 1},
        progressions={
            "major": ("I I vi IV", "I V IV IV"),
            "": ("i i bVI bVII", "i bVII bVI v", "i7 i7 iv7 bVII", "i i i bVII"),
        },
        instruments={
            "lead": ("saw lead", "square lead", "poly synth"),
            "chords": ("poly synth", "FM piano", "saw lead"),
            "pad": ("warm pad", "sweep pad", "halo pad", "strings"),
            "bass": ("synth bass", "deep synth bass"),
            "drums": ("electronic drums", "808 drums"),
        },
        chords=("..x-..x-..x-..x-", "x--x--x-x--x--x-", "0123210101232101", "x-.x-.x-.x-.x-x-"),
        bass=("..R-..R-..R-..R-", "R.RR..R.R.RR..8.", "R-.R-.R-.R-.8-a-"),
        drums=(
            {
                "kick": "X...X...X...X...",
                "clap": "....X.......X...",
                "open": "..X...X...X...X.",
                "hat": "xoxoxoxoxoxoxoxo",
            },
            {
                "kick": "X...X...X...X..x",
                "snare": "....X.......X...",
                "hat": "..X...X...X...X.",
                "shaker": "oxoxoxoxoxoxoxox",
            },
        ),
        melody=("syncopated", "driving"),
        decades=(1980, 1990, 1990, 2000, 2000),
        energy=0.75,
        looseness=0.001,
        singers=0.35,
        pads=0.7,
        levels={"drums": 3.0, "bass": 1.5},
        danceable=True,
    ),
    "ambient": Genre(
        tempo=(56, 84),
        modes={"major": 2, "dorian": 2, "minor": 1},
        progressions={
            "major": ("Imaj7 Imaj7 IVmaj7 IVmaj7", "Isus I IVmaj7 vi7"),
            "": ("i9 i9 bVImaj7 bVImaj7", "i7 bVIImaj7 i7 v7", "isus i iv9 i"),
        },
        instruments={
            "lead": ("flute", "square lead", "electric piano", "piano", "cello", "vibraphone"),
            "chords": ("electric piano", "fantasia pad", "harp", "music box", "FM piano"),
            "pad": ("warm pad", "halo pad", "sweep pad", "soundtrack pad", "slow strings"),
            "bass": ("deep synth bass", "fretless bass"),
        },
        chords=("0---1---2---1---", "0-----2-----1---", "x---------------", "0-2---1---2-----"),
        bass=("R---------------",),
        drums=(),
        melody=("long",),
        decades=(1970, 1980, 1990, 2000),
        energy=0.12,
        looseness=0.018,
        singers=0.1,
        pads=1.0,
        levels={"pad": 5.0, "lead": -2.0},
        reverb=2.2,
        extension=4,
    ),
    "metal": Genre(
        tempo=(120, 190),
        modes={"minor": 2, "phrygian": 2},
        progressions={
            "phrygian": ("i5 bII5 i5 bVII5", "i5 i5 bII5 bIII5"),
            "": ("i5 bVI5 bVII5 i5", "i5 bIII5 bVI5 V5", "i5 i5 bVI5 bVII5"),
        },
        instruments={
            "lead": ("distorted guitar", "overdriven guitar"),
            "chords": ("distorted guitar",),
            "pad": ("slow strings", "church organ"),
            "bass": ("picked bass",),
            "drums": ("power drums", "room drums"),
        },
        chords=("x.xxx.xxx.xxx.xx", "x-x.xxx-x.xxx-x.", "x---x-xxx---x-xx"),
        bass=("R.RRR.RRR.RRR.RR", "R-R-RRR-R-R-RRR-"),
        drums=(
            {"kick": "X.xxX.xxX.xxX.xx", "snare": "....X.......X...", "ride": "X...X...X...X..."},
            {"kick": "XxxxXxxxXxxxXxxx", "snare": "....X.......X...", "open": "X...x...X...x..."},
            {"kick": "X.x...x.X.x...x.", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
        ),
        melody=("driving", "song"),
        decades=(1970, 1980, 1990, 2000, 2000),
        energy=0.95,
        looseness=0.005,
        singers=0.4,
        pads=0.3,
        levels={"chords": 3.0, "drums": 1.5},
        reverb=0.6,
        extension=2,
    ),
    "reggae": Genre(
        tempo=(66, 92),
        modes={"major": 2, "dorian": 1, "minor": 1},
        progressions={
            "major": ("I IV I V", "I vi IV V", "I ii I ii"),
            "": ("i iv i v", "i bVII i bVII", "i iv bVII i"),
        },
        instruments={
            "lead": ("drawbar organ", "clean guitar", "alto saxophone", "harmonica", "brass"),
            "chords": ("muted guitar", "clean guitar", "piano"),
            "pad": ("percussive organ", "drawbar organ", "brass"),
            "bass": ("electric bass", "fretless bass"),
            "drums": ("standard drums", "room drums"),
        },
        chords=("....x-......x-..", "....x.x.....x.x."),
        bass=("R---R-5-..3-5---", "..R-R---3-5-8---", "R--R--5-....5-3-"),
        drums=(
            {"kick": "........X.......", "rim": "........X.....o.", "hat": "x.x.x.xox.x.x.x."},
            {"kick": "X.......X.......", "snare": "....o...X.......", "hat": "..x...x...x...x."},
        ),
        melody=("syncopated", "song"),
        decades=(1960, 1970, 1970, 1980, 1990),
        energy=0.4,
        swing=0.56,
        looseness=0.01,
        singers=0.6,
        pads=0.6,
        levels={"bass": 3.0},
        reverb=1.3,
    ),
    "funk": Genre(
        tempo=(94, 118),
        modes={"dorian": 3, "mixolydian": 2},
        progressions={
            "mixolydian": ("I7 I7 IV7 I7", "I9 I9 I9 bVII9"),
            "": ("i7 i7 IV7 i7", "i7 IV7 i7 IV7", "i9 i9 bVII9 IV9"),
        },
        instruments={
            "lead": (
                "alto saxophone",
                "brass",
                "trumpet",
                "clean guitar",
                "tenor saxophone",
                "percussive organ",
            ),
            "chords": ("muted guitar", "clean guitar", "electric piano"),
            "pad": ("brass", "drawbar organ", "strings"),
            "bass": ("slap bass", "electric bass"),
            "drums": ("standard drums", "room drums"),
        },
        chords=("x.x..x.xx.x..xx.", "..x.x.ox..x.x.xx", "x..x..x...x.x..x"),
        bass=("R..R..8.R.7.R..a", "R.R...5.7.8...R.", "R..8..7.R.R..5.a"),
        drums=(
            {"kick": "X..x..x...x..x..", "snare": "....X..o.o..X..o", "hat": "xxxxxxxxxxxxxxxx"},
            {
                "kick": "X.x.......x..x..",
                "snare": "....X..o.o.oX...",
                "hat": "x.xxx.xxx.xxx.x.",
                "open": "...............x",
            },
        ),
        melody=("syncopated",),
        decades=(1960, 1970, 1970, 1970, 1980),
        energy=0.65,
        swing=0.54,
        swung=4,
        looseness=0.006,
        singers=0.45,
        pads=0.4,
        levels={"bass": 2.0},
        reverb=0.5,
        extension=4,
        danceable=True,
    ),
    "country": Genre(
        tempo=(92, 140),
        modes={"major": 4, "mixolydian": 1},
        progressions={"": ("I IV I V7", "I I IV V", "I V I IV", "IV I V I")},
        instruments={
            "lead": ("fiddle", "clean guitar", "harmonica", "steel guitar", "banjo"),
            "chords": ("steel guitar", "banjo", "piano"),
            "pad": ("fiddle", "strings", "accordion"),
            "bass": ("double bass", "electric bass"),
            "drums": ("brushes", "standard drums"),
        },
        chords=("0---x---1---x---", "0---x-x-1---x-x-", "x-x-x-x-x-x-x-x-", "0---x---x---"),
        bass=("R-------5-------", "R-----R-5-----a-", "R-------5---"),
        drums=(
            {"kick": "X.......X.......", "snare": "....X..o....X.o.", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "X.......X.......", "rim": "....X.......X...", "shaker": "xoxoxoxoxoxoxoxo"},
            {"kick": "X...........", "snare": "....x...x...", "hat": "x.x.x.x.x.x."},
        ),
        melody=("song",),
        decades=(1950, 1960, 1970, 1990, 2000),
        energy=0.45,
        swing=0.54,
        singers=0.7,
        pads=0.35,
        meters=(4, 4, 4, 3),
    ),
    "hip-hop": Genre(
        tempo=(78, 102),
        modes={"minor": 3, "dorian": 2},
        progressions={"": ("i i bVI bVI", "i7 iv7 i7 iv7", "i bVII i bVI", "i9 i9 iv9 V7")},
        instruments={
            "lead": ("square lead", "electric piano", "muted trumpet", "flute", "vibraphone"),
            "chords": ("electric piano", "piano", "FM piano", "pizzicato strings"),
            "pad": ("slow strings", "warm pad", "strings"),
            "bass": ("deep synth bass", "synth bass", "electric bass"),
            "drums": ("808 drums", "electronic drums", "standard drums"),
        },
        chords=("x-----x-........", "x--x--x-----x---", "x-------..x-....", "0-1-2-..0-1-2-.."),
        bass=("R-----R...R-....", "R--R------R-..8.", "R-----....R--R--"),
        drums=(
            {"kick": "X..x......X..x..", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.xxx."},
            {"kick": "X......x..X.....", "clap": "....X.......X...", "hat": "xoxoxoxxxoxoxoxx"},
        ),
        melody=("syncopated",),
        decades=(1980, 1990, 1990, 2000, 2000),
        energy=0.5,
        swing=0.58,
        swung=4,
        looseness=0.004,
        singers=0.45,
        pads=0.5,
        levels={"drums": 4.0, "bass": 3.0},
        reverb=0.6,
        extension=4,
        danceable=True,
    ),
    "latin": Genre(
        tempo=(96, 136),
        modes={"major": 2, "minor": 2, "dorian": 1},
        progressions={
            "major": ("Imaj7 II7 ii7 V7", "I6 vi7 ii7 V7", "Imaj7 IVmaj7 ii7 V7"),
            "": ("i7 iv7 iiø V7", "i bVII bVI V7", "i6 iiø/V7 i6 V7"),
        },
        instruments={
            "lead": (
                "flute",
                "trumpet",
                "nylon guitar",
                "tenor saxophone",
                "clarinet",
                "vibraphone",
                "piano",
            ),
            "chords": ("nylon guitar", "piano", "electric piano"),
            "pad": ("strings", "brass", "accordion"),
            "bass": ("double bass", "electric bass", "fretless bass"),
            "drums": ("standard drums", "brushes"),
        },
        chords=("x--x--x---x--x--", "x-.x-.x-..x-.x-.", "0-x-.x-x0-x-.x-.", "..x--x-x..x--x-x"),
        bass=("R-----5-5-----R-", "R--5--8-R--5--8-", "R-----R-5-----a-"),
        drums=(
            {"rim": "x..x..x...x..x..", "kick": "X.....x.X.....x.", "shaker": "xoxoxoxoxoxoxoxo"},
            {
                "clave": "x..x..x...x.x...",
                "low conga": "......xx......xx",
                "high conga": "x...x...x...x...",
                "cowbell": "x...x...x...x...",
            },
            {
                "kick": "X..x..x.X..x..x.",
                "high bongo": "xoxoxoxoxoxoxoxo",
                "low bongo": "......x.......x.",
                "clave": "..x.x...x..x..x.",
            },
        ),
        melody=("syncopated", "song"),
        decades=(1950, 1960, 1970, 1980, 2000),
        energy=0.45,
        singers=0.45,
        pads=0.45,
        extension=4,
        danceable=True,
    ),
}
