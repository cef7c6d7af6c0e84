"""The embedded corpus: what is composed, how it sounds, and that every label is true of it."""

import itertools
import math

import numpy as np
import pytest
from scipy import signal

from relatives import audio, seeds
from relatives.corpora import synthetic
from relatives.corpora.synthetic import (
    composition,
    genres,
    instruments,
    recording,
    rendering,
    soundfont,
    tagging,
)
from relatives.corpora.synthetic.composition import Clock, Note, compose, compose_artist
from relatives.errors import InputError

RATE = 22050
SHARES = (0.7, 0.1, 0.2)


def some_songs(seconds=12.0, count=4):
    """Songs of every genre, with and without a singer."""
    for genre, number in itertools.product(genres.GENRES, range(count)):
        rng = seeds.generator(3, "test", genre, number)
        artist = compose_artist(rng, "somebody", genre, [None, "female", None, "male"][number % 4])
        yield compose(rng, artist, seconds)


@pytest.fixture(scope="module")
def songs():
    return list(some_songs())


@pytest.fixture(scope="module")
def sampler():
    return rendering.sampler(RATE)


# --------------------------------------------------------------------------------------- declarations


@pytest.mark.parametrize("name", genres.GENRES)
def test_a_genre_is_complete_and_well_formed(name):
    genre = genres.GENRES[name]
    lengths = {4 * meter for meter in genre.meters}
    for rhythm in (*genre.chords, *genre.bass, *(r for pattern in genre.drums for r in pattern.values())):
        assert len(rhythm) in (12, 16)
    for pattern in genre.drums:
        assert len({len(rhythm) for rhythm in pattern.values()}) == 1
        assert set(pattern) <= set(genres.DRUM_KEYS)
    for rhythms in (
        genre.chords,
        genre.bass,
        [r for family in genre.melody for r in genres.MELODIES[family]],
    ):
        assert lengths <= {len(rhythm) for rhythm in rhythms}
    assert set(genre.modes) <= set(genres.MODES)
    for mode in genre.modes:
        for progression in genre.progressions.get(mode, genre.progressions.get("")):
            composition.harmonise(progression, 0, 0, 4, 16)
    for name in itertools.chain.from_iterable(genre.instruments.values()):
        assert name in genres.INSTRUMENTS
    assert {"lead", "chords", "bass"} <= set(genre.instruments) <= set(composition.ROLES)


def test_there_are_enough_genres_and_they_differ():
    assert len(genres.GENRES) >= 10
    assert len({genre.tempo for genre in genres.GENRES.values()}) > 8
    assert len({genre.chords for genre in genres.GENRES.values()}) == len(genres.GENRES)


def test_the_bank_has_every_instrument_over_its_range(sampler):
    for instrument in genres.INSTRUMENTS.values():
        bank = soundfont.DRUM_BANK if instrument.drums else 0
        keys = genres.DRUM_KEYS.values() if instrument.drums else range(instrument.low, instrument.high + 1)
        for key in keys:
            nearest = sampler.bank.zones(bank, instrument.program, key)
            assert all(zone.keys[0] - 1 <= key <= zone.keys[1] + 1 for zone in nearest), (instrument, key)


# ---------------------------------------------------------------------------------------- the sampler


def cents_off(sound, pitch):
    """How far a sound is from a pitch: the harmonic series that fits best, up to an octave away."""
    size = 1 << 17
    # The onset and the release left out
    steady = sound[2000:18000]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady)), size))
    spectrum /= spectrum.max()
    offsets = np.arange(-1300, 1305, 5)
    frequencies = 440 * 2 ** ((pitch + offsets / 100 - 69) / 12)
    fit = sum(
        np.log(1e-4 + spectrum[np.rint(k * frequencies / RATE * size).astype(int)]) for k in (1, 2, 3, 4)
    )
    return offsets[np.argmax(fit)]


TUNED = (
    "piano",
    "electric piano",
    "nylon guitar",
    "double bass",
    "violin",
    "cello",
    "strings",
    "trumpet",
    "alto saxophone",
    "clarinet",
    "flute",
    "saw lead",
)


@pytest.mark.parametrize("name", TUNED)
def test_the_sampler_plays_in_tune_over_the_range(sampler, name):
    instrument = genres.INSTRUMENTS[name]
    for pitch in np.linspace(max(instrument.low, 40), min(instrument.high, 76), 5).round():
        sound = sampler.play(instrument.program, [Note(0, 0.9, float(pitch), 0.9)], RATE)
        assert abs(cents_off(sound, pitch)) <= 20, pitch


def test_an_organ_sounds_its_sixteen_foot_stop(sampler):
    sound = sampler.play(genres.INSTRUMENTS["drawbar organ"].program, [Note(0, 0.9, 60.0, 0.9)], RATE)
    assert abs(cents_off(sound, 60 - 12)) <= 20


def test_a_pitch_between_keys_is_played_as_such(sampler):
    sound = sampler.play(40, [Note(0, 0.9, 69.5, 0.9)], RATE)
    assert abs(cents_off(sound, 69.5)) <= 10


def test_a_tone_is_the_banks_sample_at_another_speed(sampler):
    # The obvious way: read the recording at the pitch's speed by linear interpolation.
    bank = sampler.bank
    zone = next(
        zone
        for zones in bank.presets.values()
        for zone in zones
        if zone.loop is None and zone.cutoff > RATE / 2 and zone.sustain == 0 and zone.end - zone.start > 8000
    )
    pitch = zone.root - 3
    step = zone.rate * 2 ** ((pitch - zone.root) * zone.scale / 12) / RATE
    source = bank.samples[zone.start : zone.end] / 32768
    naive = np.interp(np.arange(2000) * step, np.arange(len(source)), source)
    naive *= np.minimum(np.arange(2000) / RATE / zone.attack, 1)
    tone = sampler._make_tone(zone, pitch, 0.5)[:2000]
    assert np.corrcoef(naive, tone)[0, 1] > 0.95


def test_velocity_acts_on_level_and_brightness(sampler):
    sounds = [sampler.play(40, [Note(0, 0.9, 69.0, v)], RATE)[: RATE // 2] for v in (1.0, 0.5, 0.25)]
    levels = [20 * math.log10(audio.rms(sound)) for sound in sounds]
    assert 9 < levels[0] - levels[1] < 16
    assert 11 < levels[1] - levels[2] < 18
    power = [np.abs(np.fft.rfft(sound)) ** 2 for sound in sounds]
    hertz = np.fft.rfftfreq(RATE // 2, 1 / RATE)
    centroids = [(p * hertz).sum() / p.sum() for p in power]
    assert centroids[0] > centroids[2]


def test_a_sampler_does_not_depend_on_what_it_played_before():
    notes = [Note(0, 0.5, 60.0, 0.9), Note(0.5, 0.4, 64.0, 0.6)]
    fresh = soundfont.Sampler(soundfont.Bank(soundfont.general_midi()), RATE)
    first = fresh.play(0, notes, RATE)
    fresh.play(0, [Note(0, 3.0, 60.0, 0.9), Note(0, 0.1, 64.0, 0.3)], 4 * RATE)
    assert np.array_equal(fresh.play(0, notes, RATE), first)


def test_a_note_stops_after_its_release(sampler):
    sound = sampler.play(16, [Note(0, 0.3, 60.0, 0.9)], 4 * RATE)
    assert audio.rms(sound[:5000]) > 100 * audio.rms(sound[3 * RATE :])


# -------------------------------------------------------------------------------------------- harmony


@pytest.mark.parametrize(
    ("numeral", "tonic", "tones", "bass"),
    [
        ("I", 0, {0, 4, 7}, 0),
        ("vi", 0, {9, 0, 4}, 9),
        ("V7:3", 0, {7, 11, 2, 5}, 11),
        ("bVII", 2, {0, 4, 7}, 0),
        ("iiø:3", 9, {11, 2, 5, 9}, 2),
        ("bII5", 4, {5, 0}, 5),
        ("Imaj7", 5, {5, 9, 0, 4}, 5),
    ],
)
def test_a_numeral_is_its_chord(numeral, tonic, tones, bass):
    found, found_bass = composition.chord(numeral, tonic)
    assert set(found) == tones
    assert found_bass == bass


def test_chords_fill_their_bars_without_gap():
    for bar_steps in (12, 16):
        chords = composition.harmonise("I ii7/V7 I/IV/V", 0, 32, 7, bar_steps)
        assert chords[0].first == 32
        assert chords[-1].last == 32 + 7 * bar_steps
        assert all(a.last == b.first for a, b in itertools.pairwise(chords))
        assert all((c.first - 32) % 4 == 0 for c in chords)


def test_voices_keep_the_chord_and_move_least():
    """Held against all sets of pitches about the centre that make the chord in close position."""
    previous = None
    for numeral in ["I", "vi", "IV", "V", "I", "iii", "IV", "bVII", "vi", "ii", "V", "I"] * 2:
        tones, _ = composition.chord(numeral, 7)
        voicing = composition.voice(tones, previous, 60, 3)
        assert {pitch % 12 for pitch in voicing} == set(tones)
        if previous is not None:
            everything = [
                pitches
                for pitches in itertools.combinations(range(44, 78), 3)
                if {pitch % 12 for pitch in pitches} == set(tones) and pitches[2] - pitches[0] < 12
                if abs(np.mean(pitches) - 60) <= composition.DRIFT
            ]
            moves = [sum(abs(a - b) for a, b in zip(p, previous, strict=True)) for p in everything]
            moved = sum(abs(a - b) for a, b in zip(voicing, previous, strict=True))
            # Staying in the middle may cost a step or two.
            assert moved <= min(moves) + 2
        previous = voicing


# ----------------------------------------------------------------------------------------------- time


def test_swing_delays_the_second_half_alone():
    straight, swung = Clock(120, 0.5, 2), Clock(120, 2 / 3, 2)
    assert [straight.seconds(step) for step in (0, 2, 4, 16)] == [0, 0.25, 0.5, 2.0]
    assert np.allclose([swung.seconds(step) for step in (0, 1, 2, 3, 4)], np.array([0, 2, 4, 5, 6]) / 12)
    sixteenths = Clock(120, 0.6, 4)
    assert np.allclose([sixteenths.seconds(step) for step in (1, 2, 3, 4)], [0.15, 0.25, 0.4, 0.5])


def test_a_rhythm_reads_as_strokes():
    assert composition.events("x--x.o.-") == [(0, 3, "x"), (3, 1, "x"), (5, 1, "o")]


# ---------------------------------------------------------------------------------------------- songs


def test_songs_keep_to_their_genre(songs):
    for song in songs:
        genre = genres.GENRES[song.genre]
        assert genre.tempo[0] <= song.tempo <= genre.tempo[1]
        assert song.mode in genre.modes
        assert song.meter in genre.meters
        assert song.tonic in song.artist.tonics
        assert song.album in song.artist.albums
        for role, part in song.parts.items():
            assert part.instrument in genre.instruments[role]


def test_notes_lie_in_the_song_and_the_instruments_range(songs):
    for song in songs:
        for part in song.parts.values():
            instrument = genres.INSTRUMENTS[part.instrument]
            for note in part.notes:
                assert 0 <= note.start < song.seconds
                assert note.start + note.duration <= song.seconds + 0.05
                assert 0 < note.velocity <= 1
                if not instrument.drums:
                    assert instrument.low <= note.pitch <= instrument.high, part


def test_sections_are_whole_bars_and_cover_the_song(songs):
    for song in songs:
        bar = song.meter * 60 / song.tempo
        assert song.sections[0].start == 0
        assert song.sections[-1].end == song.seconds
        for section, following in itertools.pairwise(song.sections):
            assert section.end == following.start
            bars = (section.end - section.start) / bar
            assert bars == pytest.approx(round(bars), abs=1e-6)


def test_players_enter_and_leave(songs):
    assert any(len({section.roles for section in song.sections}) > 1 for song in songs)
    for song in songs:
        for section in song.sections:
            for role, part in song.parts.items():
                # Two hundredths of a second for the players' timing
                inside = [n for n in part.notes if section.start + 0.07 < n.start < section.end - 0.07]
                assert not inside or role in section.roles


def test_the_bass_meets_the_root_and_the_melody_the_key(songs):
    for song in songs:
        scale = {(song.tonic + degree) % 12 for degree in genres.MODES[song.mode]}
        notes = song.melody
        if len(notes) > 8:
            assert np.mean([note.pitch % 12 in scale for note in notes]) > 0.6, song.genre
    inside = [
        note.pitch % 12 in {(song.tonic + degree) % 12 for degree in genres.MODES[song.mode]}
        for song in songs
        for note in song.melody
    ]
    assert np.mean(inside) > 0.9


def test_a_melody_repeats_its_motif():
    """The rhythm of a section's first bar comes back two bars later, and not at random."""
    repeated, otherwise = [], []
    for song in some_songs(seconds=32.0, count=1):
        bar = song.meter * 60 / song.tempo
        onsets = np.array([note.start for note in song.melody]) / bar
        rhythms = [
            tuple(np.unique(np.rint((onsets[(onsets > k - 0.03) & (onsets < k + 0.45)] - k) * 16)))
            for k in range(int(32.0 / bar))
        ]
        for section in song.sections:
            first = round(section.start / bar)
            if section.end - section.start > 3.9 * bar:
                repeated.append(rhythms[first] == rhythms[first + 2])
                otherwise.append(rhythms[first] == rhythms[first - 1])
    assert len(repeated) > 10
    assert np.mean(repeated) > 0.6
    assert np.mean(repeated) > 2 * np.mean(otherwise)


def test_a_singers_melody_can_be_sung(songs):
    sung = [song for song in songs if song.artist.singer]
    assert len(sung) > 20
    for song in sung:
        low, high = composition.SINGERS[song.artist.singer]
        assert all(low <= note.pitch <= high for note in song.melody)
        assert len(song.melody) >= 4
        for note, following in itertools.pairwise(song.melody):
            assert note.start + note.duration <= following.start + 0.06


def test_a_song_is_its_seed_and_no_other(songs):
    again = list(some_songs())
    assert again == songs
    assert len({song.melody for song in songs}) == len(songs)


def test_long_songs_have_a_form():
    rng = seeds.generator(0, "long")
    song = compose(rng, compose_artist(rng, "somebody", "rock"), 60.0)
    names = [section.name for section in song.sections]
    assert names[0] == "intro"
    assert {"verse", "chorus"} <= set(names)
    assert names.count("chorus") >= 2


def test_timing_is_human_where_people_play():
    deviations = {}
    for genre in ("jazz", "electronic"):
        rng = seeds.generator(0, "timing", genre)
        song = compose(rng, compose_artist(rng, "somebody", genre), 12.0)
        kick = np.array([note.start for note in song.parts["drums"].notes if note.pitch in (36, 51)])
        beats = kick * song.tempo / 60
        on_beat = np.abs(beats - beats.round()) < 0.1
        deviations[genre] = np.std((beats - beats.round())[on_beat] * 60 / song.tempo)
    assert deviations["electronic"] < 0.003 < deviations["jazz"] < 0.03


# ------------------------------------------------------------------------------------------ rendering


def test_a_mix_is_the_sum_of_its_parts(songs):
    song = songs[0]
    alone = sum(rendering.play(part, song.seconds, RATE) for part in song.parts.values())
    together = rendering.render(song.parts.values(), song.seconds, RATE)
    assert together.shape == (round(song.seconds * RATE),)
    assert together.dtype == np.float32
    assert np.allclose(alone, together, atol=1e-6)


def test_parts_have_their_level(songs):
    for part in songs[0].parts.values():
        sound = rendering.play(part, songs[0].seconds, RATE)
        level = rendering.sounding_level(sound, RATE)
        assert level == pytest.approx(rendering.REFERENCE + part.level, abs=0.01)


def test_production_is_linear(songs):
    sound = songs[0].album.sound
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, RATE)).astype(np.float32) * 0.1
    both = rendering.produce(a + 2 * b, sound, RATE)
    assert both.dtype == np.float32
    assert np.allclose(
        both, rendering.produce(a, sound, RATE) + 2 * rendering.produce(b, sound, RATE), atol=1e-4
    )


def test_a_master_is_as_loud_as_it_should_be_and_never_over():
    rng = np.random.default_rng(0)
    for loudness, scale in itertools.product((-20.0, -12.0), (0.001, 1.0, 30.0)):
        sound = composition.Sound(30, 10000, 0, 0.1, 0.5, -math.inf, loudness)
        mix = (rng.standard_normal(4 * RATE) * scale).astype(np.float32)
        mastered = mix * rendering.master(mix, sound, RATE)
        assert np.abs(mastered).max() <= rendering.PEAK + 1e-6
        assert audio.loudness(mastered, RATE) == pytest.approx(loudness, abs=1.5)


def test_silence_is_mastered_to_silence(songs):
    gain = rendering.master(np.zeros(RATE, np.float32), songs[0].album.sound, RATE)
    assert np.all(np.isfinite(gain))


def test_eras_are_audible():
    """Old recordings are narrow, those of the sixties wider, later ones full; only old ones have noise."""
    tops = {}
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    for year in (1955, 1965, 1975, 1985):
        sound = composition.recording(seeds.generator(0, "era", year), genres.GENRES["pop"], year)
        power = np.abs(np.fft.rfft(rendering.produce(noise, sound, RATE))) ** 2
        hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
        tops[year] = hertz[np.searchsorted(np.cumsum(power), 0.97 * power.sum())]
        hiss = rendering.carrier(seeds.generator(0, "hiss"), noise, sound, RATE)
        ratio = audio.rms(hiss) / audio.rms(noise)
        assert ratio == pytest.approx(10 ** (sound.noise / 20), rel=1e-3, abs=1e-9)
    assert tops[1955] < tops[1965] < tops[1975] < tops[1985]


def test_the_sound_is_in_the_key():
    """Most of the energy of what is played lies on the scale, by the spectrum alone."""
    shares = []
    for number in range(4):
        rng = seeds.generator(1, "key", number)
        song = compose(rng, compose_artist(rng, "somebody", "classical"), 8.0)
        mix = rendering.render(song.parts.values(), 8.0, RATE)
        power = np.abs(np.fft.rfft(mix)) ** 2
        hertz = np.fft.rfftfreq(len(mix), 1 / RATE)
        heard = (hertz > 60) & (hertz < 1500)
        classes = np.rint(69 + 12 * np.log2(hertz[heard] / 440)).astype(int) % 12
        chroma = np.bincount(classes, weights=power[heard], minlength=12)
        scale = [(song.tonic + degree) % 12 for degree in genres.MODES[song.mode]]
        shares.append(chroma[scale].sum() / chroma.sum())
    assert min(shares) > 0.75


def test_the_beat_is_the_tempo():
    """Onsets repeat every other beat: their autocorrelation is higher there than a little off."""
    for genre in ("electronic", "rock", "reggae", "hip-hop"):
        rng = seeds.generator(2, "beat", genre)
        song = compose(rng, compose_artist(rng, "somebody", genre), 12.0, always=frozenset({"drums"}))
        mix = rendering.render(song.parts.values(), 12.0, RATE)
        hop = 256
        frames = np.abs(np.fft.rfft(mix[: len(mix) // hop * hop].reshape(-1, hop), axis=1))
        onsets = np.maximum(np.diff(np.log1p(100 * frames), axis=0), 0).sum(axis=1)
        onsets -= onsets.mean()
        correlation = np.correlate(onsets, onsets, "full")[len(onsets) - 1 :]
        beat = 60 / song.tempo * RATE / hop
        at = [correlation[round(k * beat) - 2 : round(k * beat) + 3].max() for k in (2, 4)]
        between = [correlation[round(k * beat)] for k in (1.85, 2.15, 3.85, 4.15)]
        assert min(at) > 1.5 * max(between), genre


# -------------------------------------------------------------------------------------------- tagging


@pytest.fixture(scope="module")
def tagged():
    """The default corpus's songs with their castings, composed but not rendered."""
    castings = tagging.cast(400, SHARES, 10.0, 0)
    return [(c, n, tagging.song_of(c, n, 10.0, 0)) for c in castings for n in range(tagging.SONGS)]


def test_there_are_fifty_tags():
    assert len(tagging.TAGS) == len(set(tagging.TAGS)) == 50


def test_every_split_has_every_tag_and_no_tag_throughout(tagged):
    for split in synthetic.SPLITS:
        rows = np.array([list(tagging.tags(song).values()) for c, _, song in tagged if c.split == split])
        positives = rows.sum(axis=0)
        for tag, count in zip(tagging.TAGS, positives, strict=True):
            assert 0 < count < len(rows), (split, tag)


def test_songs_of_an_artist_differ(tagged):
    assert len({song.melody for _, _, song in tagged}) == len(tagged)


def test_tags_differ_in_frequency(tagged):
    share = np.mean([list(tagging.tags(song).values()) for _, _, song in tagged], axis=0)
    assert share.min() < 0.07
    assert share.max() > 0.5
    assert 4 < share.sum() < 12


def test_no_artist_is_on_two_sides(tagged):
    sides = {}
    for casting, _, _ in tagged:
        assert sides.setdefault(casting.name, casting.split) == casting.split
    counts = [list(sides.values()).count(split) for split in synthetic.SPLITS]
    assert np.allclose(np.array(counts) / sum(counts), SHARES, atol=0.01)


def test_tags_are_true_of_the_score(tagged):
    for _, _, song in tagged[::7]:
        given = {tag for tag, value in tagging.tags(song).items() if value}
        assert given & set(genres.GENRES) == {song.genre}
        decade = {"oldies": 1950, "60s": 1960, "70s": 1970, "80s": 1980, "90s": 1990, "00s": 2000}
        assert [decade[tag] for tag in given & set(decade)] == [song.album.year // 10 * 10]
        vocal = given & set(tagging.VOCAL_TAGS)
        assert vocal == {f"{song.artist.singer} vocalists" if song.artist.singer else "instrumental"}
        played = {genres.INSTRUMENTS[part.instrument].tag for part in song.parts.values()}
        assert given & set(tagging.INSTRUMENT_TAGS) <= played
        assert not {"happy", "sad"} <= given
        if "sad" in given or "dark" in given or "aggressive" in given:
            third = (song.tonic + 3) % 12
            assert 3 in genres.MODES[song.mode], third
            assert 4 not in genres.MODES[song.mode]


def test_heard_is_the_share_of_time_that_an_instrument_sounds(tagged):
    # The obvious way: ask every tenth of a second whether a note sounds.
    for _, _, song in tagged[::29]:
        names = tagging.heard(song)
        for part in song.parts.values():
            tag = genres.INSTRUMENTS[part.instrument].tag
            if tag is None:
                continue
            same = [p for p in song.parts.values() if genres.INSTRUMENTS[p.instrument].tag == tag]
            shares = [
                np.mean(
                    [
                        any(n.start <= t < n.start + max(n.duration, 0.2) for n in p.notes)
                        for t in np.arange(0, 10, 0.1)
                    ]
                )
                for p in same
            ]
            if max(shares) > tagging.PLAYING:
                assert tag in names
            if max(shares) < tagging.PLAYING - 0.12:
                assert tag not in names


def test_who_sings_is_heard(tagged):
    sung = [song for _, _, song in tagged if song.artist.singer]
    shares = [sum(note.duration for note in song.melody) / song.seconds for song in sung]
    assert min(shares) > 0.2
    assert np.median(shares) > 0.4


def test_a_tagged_instrument_is_audible(tagged):
    """Where it is mixed lowest and where it plays least, too: near the mix, for a good part of the song."""
    players = {tag: [] for tag in tagging.INSTRUMENT_TAGS}
    for _, _, song in tagged:
        given = tagging.tags(song)
        for tag in players:
            parts = [p for p in song.parts.values() if genres.INSTRUMENTS[p.instrument].tag == tag]
            if given[tag]:
                busy = max(sum(note.duration for note in part.notes) for part in parts)
                players[tag].append((max(part.level for part in parts), busy, id(song), song, parts))
    for tag, found in players.items():
        for by in (0, 1):
            *_, song, parts = min(found, key=lambda player: player[by])
            mix = rendering.sounding_level(rendering.render(song.parts.values(), 10.0, RATE), RATE)
            own = rendering.render(parts, 10.0, RATE)
            assert rendering.sounding_level(own, RATE) > mix - 16, tag
            # (samples,) -> (frames, samples a frame)
            frames = own[: len(own) // 2205 * 2205].reshape(-1, 2205)
            power = np.mean(frames**2, axis=1)
            assert np.mean(power > power.max() * 1e-3) > 0.15, tag


def longest_pause(sound):
    """Seconds of the longest stretch that is 50 dB below the loudest tenth of a second."""
    frames = sound[: len(sound) // 2205 * 2205].reshape(-1, 2205)
    power = np.mean(frames.astype(float) ** 2, axis=1)
    quiet = power < power.max() * 1e-5
    return max((len(list(run)) for silent, run in itertools.groupby(quiet) if silent), default=0) / 10


@pytest.fixture(scope="module")
def tagging_tracks():
    settings = {"kind": "tagging", "songs": 16, "seconds": 6.0, "split": SHARES}
    return list(synthetic.tracks(settings, RATE, 5, workers=1))


def test_tracks_have_sensible_levels(tagging_tracks):
    for track in tagging_tracks:
        assert track.audio.shape == (6 * RATE,)
        assert track.audio.dtype == np.float32
        assert np.all(np.isfinite(track.audio))
        assert np.abs(track.audio).max() <= rendering.PEAK + 1e-6
        assert -21.5 < audio.loudness(track.audio, RATE) < -11
        assert longest_pause(track.audio) <= 1.0
    loudness = [audio.loudness(track.audio, RATE) for track in tagging_tracks]
    assert np.std(loudness) > 0.7


def test_tracks_tell_what_they_are(tagging_tracks):
    assert len({track.track_id for track in tagging_tracks}) == len(tagging_tracks) == 16
    assert {track.split for track in tagging_tracks} == set(synthetic.SPLITS)
    for track in tagging_tracks:
        assert tuple(track.labels) == tagging.TAGS
        assert 1950 <= track.year < 2010
        assert {"genre", "tempo", "tonic", "mode", "meter"} <= set(track.extra)


@pytest.mark.parametrize("kind", ["tagging", "instruments"])
def test_tracks_do_not_depend_on_the_workers(kind):
    settings = {"kind": kind, "songs": 6, "seconds": 3.0, "split": (0.5, 0.25, 0.25)}
    settings["recording"] = {"noise": -50.0, "mp3": 128}
    alone, together = (list(synthetic.tracks(settings, RATE, 1, workers)) for workers in (1, 2))
    other = next(iter(synthetic.tracks(settings, RATE, 2, 1)))
    assert [track.track_id for track in alone] == [track.track_id for track in together]
    for a, b in zip(alone, together, strict=True):
        assert a.audio.tobytes() == b.audio.tobytes()
        assert a.labels == b.labels
    assert other.audio.tobytes() != alone[0].audio.tobytes()


# ------------------------------------------------------------------------------------------ recording


def plain(seconds=3.0):
    """Tones below 1 kHz and nothing else, with a pause: (samples,) float32."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(0.1 * np.sin(2 * np.pi * frequency * time) for frequency in (220, 330, 880))
    return (tones * (time < 2)).astype(np.float32)


@pytest.mark.parametrize("level", [-50.0, -30.0])
def test_the_noise_floor_has_its_level_and_is_steady_and_pink(level):
    music = plain()
    added = recording.record(music, {"noise": level, "mp3": None}, RATE, seeds.generator(0, "test")) - music
    measured = 20 * np.log10(np.sqrt(np.mean(added**2)) / np.sqrt(np.mean(music**2)))
    assert measured == pytest.approx(level, abs=0.1)
    # above 100 Hz, where tenths of a second hold many periods; sounding and pause alike
    high = signal.sosfilt(signal.butter(4, 100, "highpass", fs=RATE, output="sos"), added)
    tenths = 10 * np.log10(np.mean(high[: 30 * (RATE // 10)].reshape(30, -1) ** 2, axis=1))
    assert np.ptp(tenths) < 4
    frequency, power = signal.welch(added, RATE, nperseg=2048)
    inside = (frequency > 100) & (frequency < 10_000)
    slope = np.polyfit(np.log2(frequency[inside]), 10 * np.log10(power[inside]), 1)[0]
    assert slope == pytest.approx(-3.01, abs=0.3)


def test_the_mp3_of_a_preview_keeps_length_place_and_level():
    music = plain() + 0.01 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    for samples in (1, 700, len(music) - 13, len(music)):
        made = recording.record(music[:samples], {"noise": None, "mp3": 128}, RATE, None)
        assert made.shape == (samples,)
        assert made.dtype == np.float32
    lags = signal.correlate(made, music, "full", "fft")
    assert np.argmax(lags) == len(music) - 1
    assert np.dot(made, music) / np.dot(music, music) == pytest.approx(1, abs=0.01)
    # something is lost, and it is little: between 10 and 60 dB below the music
    lost = 20 * np.log10(np.std(made - music) / np.std(music))
    assert -60 < lost < -10


def test_without_noise_and_mp3_nothing_changes():
    music = plain()
    made = recording.record(music, {"noise": None, "mp3": None}, RATE, None)
    assert made.tobytes() == music.tobytes()
    silence = np.zeros(RATE, np.float32)
    assert not recording.record(silence, {"noise": -50, "mp3": None}, RATE, seeds.generator(0, "a")).any()


@pytest.mark.parametrize("kind", ["tagging", "instruments"])
def test_a_corpus_is_recorded_as_its_settings_say(kind):
    settings = {"kind": kind, "songs": 6, "seconds": 3.0, "split": (0.4, 0.3, 0.3)}
    recorded = {"noise": -40.0, "mp3": None}
    clean, noisy, compressed = (
        [track.audio for track in synthetic.tracks(settings | {"recording": each}, RATE, 4, 1)]
        for each in (None, recorded, recorded | {"mp3": 128})
    )
    floors = [a - b for a, b in zip(noisy, clean, strict=True)]
    for floor, music in zip(floors, clean, strict=True):
        level = 20 * np.log10(audio.rms(floor) / audio.rms(music))
        # of a song as a whole, of which the clips of instruments are parts
        assert level == pytest.approx(-40, abs=0.1 if kind == "tagging" else 4)
    # every song has noise of its own
    first, other = floors[0], floors[instruments.EXCERPTS if kind == "instruments" else 1]
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.3
    for a, b in zip(compressed, noisy, strict=True):
        assert a.shape == b.shape
        assert -60 < 20 * np.log10(audio.rms(a - b) / audio.rms(b)) < -10


# ---------------------------------------------------------------------------------------- instruments


@pytest.fixture(scope="module")
def cast_instruments():
    return instruments.cast(200, SHARES, 0)


def test_every_split_has_every_instrument(cast_instruments):
    assert instruments.INSTRUMENTS == (
        "cel",
        "cla",
        "flu",
        "gac",
        "gel",
        "org",
        "pia",
        "sax",
        "tru",
        "vio",
        "voi",
    )
    for split in synthetic.SPLITS:
        leads = [casting.lead for casting in cast_instruments if casting.split == split]
        assert set(leads) == set(instruments.INSTRUMENTS)
    everywhere = [casting.lead for casting in cast_instruments]
    assert everywhere.count("voi") > everywhere.count("cel")


def test_nobody_else_plays_the_leads_class(cast_instruments):
    for casting in cast_instruments:
        song = instruments.song_of(casting, 9.0, 0)
        others = [part for role, part in song.parts.items() if role != "lead"]
        assert others
        for part in others:
            assert genres.INSTRUMENTS[part.instrument].irmas != casting.lead
        if casting.lead == "voi":
            assert "lead" not in song.parts
            assert song.artist.singer
        else:
            assert genres.INSTRUMENTS[song.parts["lead"].instrument].irmas == casting.lead
            assert song.artist.singer is None


@pytest.mark.parametrize("lead", instruments.INSTRUMENTS)
def test_the_lead_predominates_over_an_accompaniment(cast_instruments, lead):
    casting = next(casting for casting in cast_instruments if casting.lead == lead)
    song = instruments.song_of(casting, 3 * 3.0 * instruments.SPARE, 0)
    leading, others = instruments.layers(song, casting.name, RATE, 0)
    starts = instruments.excerpts(song, 3, 3.0)
    assert len(starts) == 3
    assert all(b >= a + 3.0 for a, b in itertools.pairwise(starts))
    for start in starts:
        stretch = slice(round(start * RATE), round((start + 3.0) * RATE))
        above = rendering.sounding_level(leading[stretch], RATE) - rendering.sounding_level(
            others[stretch], RATE
        )
        assert -3 < above < 14
        assert instruments.busy(instruments.lead_notes(song), start, 3.0) > 0.5
    whole = rendering.sounding_level(leading, RATE) - rendering.sounding_level(others, RATE)
    assert 0 < whole < 10


def test_excerpts_of_a_song_share_its_side():
    settings = {"kind": "instruments", "songs": 4, "seconds": 3.0, "split": (0.5, 0.2, 0.3)}
    made = list(synthetic.tracks(settings, RATE, 0, 1))
    assert len(made) == 4 * instruments.EXCERPTS
    sides = {}
    for track in made:
        assert sides.setdefault(track.song, track.split) == track.split
        assert sides.setdefault(track.artist, track.split) == track.split
        assert track.audio.shape == (3 * RATE,)
        assert sum(track.labels.values()) == 1
        assert np.abs(track.audio).max() <= rendering.PEAK + 1e-6
        assert longest_pause(track.audio) <= 1.0
    assert len({track.audio.tobytes() for track in made}) == len(made)


# ------------------------------------------------------------------------------------- wrong settings


def test_an_unknown_kind_is_named():
    for ask in (synthetic.provides, lambda settings: synthetic.tracks(settings, RATE, 0, 1)):
        with pytest.raises(InputError, match=r"'opera'.*tagging, instruments, separation"):
            ask({"kind": "opera"})


def test_each_kind_says_what_it_provides():
    provided = [synthetic.provides({"kind": kind}) for kind in ("tagging", "instruments", "separation")]
    assert provided == [{"tags"}, {"instruments"}, {"stems"}]


def test_too_few_songs_are_an_error():
    with pytest.raises(InputError, match="at least 3 artists"):
        list(
            synthetic.tracks({"kind": "instruments", "songs": 2, "seconds": 3.0, "split": SHARES}, RATE, 0, 1)
        )


def test_shares_are_kept_and_no_side_is_empty():
    assert synthetic.sides(3, (0.98, 0.01, 0.01)) == ["train", "valid", "test"]
    sides = synthetic.sides(100, (7, 1, 2))
    assert [sides.count(split) for split in synthetic.SPLITS] == [70, 10, 20]
