"""Songs with stems: what must be true of each, and of their split."""

import numpy as np
import pytest

from relatives import seeds
from relatives.corpora.synthetic import composition, rendering, separation, tracks
from relatives.errors import InputError

RATE = 22050
SETTINGS = {"kind": "separation", "songs": 6, "seconds": 12.0, "split": [0.6, 0.2, 0.2]}


@pytest.fixture(scope="module")
def songs():
    return list(tracks(SETTINGS, RATE, seed=3, workers=1))


def level(sound):
    return 10 * np.log10(np.mean(sound.astype(float) ** 2) + 1e-20)


def test_songs_have_two_stems_that_cannot_clip(songs):
    assert len(songs) == SETTINGS["songs"]
    for track in songs:
        assert track.audio is None
        assert track.stems.dtype == np.float32
        assert track.stems.shape == (12 * RATE, 2)
        assert np.isfinite(track.stems).all()
        assert np.abs(track.stems.mean(axis=0)).max() < 1e-3
        steps = np.abs(np.round(track.stems.astype(float) * 32768))
        assert steps.sum(axis=1).max() < 32767


def test_vocals_rest_and_return(songs):
    shares = [separation.singing(track.stems[:, 0], RATE).mean() for track in songs]
    assert 0.5 < np.mean(shares) < 0.9
    assert min(shares) > 0.3
    for track in songs:
        vocals = track.stems[:, 0]
        # Some stretch of a fifth of a second is all but silent, some is sung.
        stretches = [level(part) for part in np.array_split(vocals, 60)]
        assert max(stretches) - min(stretches) > 25


def test_vocals_and_accompaniment_are_balanced_while_sung(songs):
    ratios = []
    for track in songs:
        sung = separation.singing(track.stems[:, 0], RATE)
        ratios.append(level(track.stems[sung, 0]) - level(track.stems[sung, 1]))
    # The limiter may move the balance by a little.
    assert np.all(np.abs(ratios) < 3.5)
    assert np.std(ratios) > 0.3


def test_stems_hold_what_they_say():
    order = separation.Order("trio", "pop", "female", 0, "test")
    track = separation.song(order, 8.0, RATE, seed=0)
    rng = seeds.generator(0, "corpus", "separation", "trio")
    artist = composition.compose_artist(rng, "trio", "pop", "female")
    composed = composition.compose(seeds.generator(0, "corpus", "separation", "trio", 0), artist, 8.0)
    dry = rendering.render(composed.parts.values(), 8.0, RATE)
    produced = rendering.produce(dry, composed.album.sound, RATE)
    # The accompaniment is the produced parts times the master's gain, and holds no voice.
    loud = np.abs(produced) > 0.2 * np.abs(produced).max()
    gain = track.stems[loud, 1] / produced[loud]
    assert gain.min() > 0
    assert np.abs(np.diff(gain)).max() < 0.2 * gain.max()
    # The voice is silent until it enters, but for a breath.
    entry = round((min(note.start for note in composed.melody) - 0.8) * RATE)
    if entry > RATE // 10:
        assert level(track.stems[:entry, 0]) < level(track.stems[:, 0]) - 30
    assert (track.album, track.year) == (composed.album.name, composed.album.year)


def test_balance_sets_the_level_of_the_vocals():
    rng = np.random.default_rng(0)
    stems = (rng.standard_normal((RATE, 2)) * [0.01, 0.2]).astype(np.float32)
    stems[RATE // 2 :, 0] = 0
    stems[: RATE // 2, 1] *= 0.5
    balanced = separation.balance(stems, 2.0, RATE)
    sung = slice(0, RATE // 2)
    assert level(balanced[sung, 0]) - level(balanced[sung, 1]) == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(balanced[:, 1], stems[:, 1])
    silent = np.zeros((RATE, 2), np.float32)
    np.testing.assert_array_equal(separation.balance(silent, 2.0, RATE), silent)


def test_no_artist_is_on_two_sides():
    made = separation.orders(40, (0.7, 0.1, 0.2), seed=0)
    assert len({(order.artist, order.number) for order in made}) == 40
    sides = {}
    for order in made:
        sides.setdefault(order.artist, set()).add(order.split)
    assert all(len(side) == 1 for side in sides.values())
    counts = [sum(order.split == side for order in made) for side in ("train", "valid", "test")]
    assert counts == [28, 4, 8]
    assert {order.singer for order in made} == {"female", "male"}
    assert len({order.genre for order in made}) >= 10
    assert separation.orders(40, (0.7, 0.1, 0.2), seed=1) != made


def test_too_few_songs_for_the_split():
    with pytest.raises(InputError, match="artists"):
        separation.orders(4, (0.7, 0.1, 0.2), seed=0)


def test_songs_depend_neither_on_workers_nor_on_their_number(songs):
    fewer = list(tracks({**SETTINGS, "seconds": 3.0}, RATE, seed=3, workers=2))
    alone = list(tracks({**SETTINGS, "seconds": 3.0}, RATE, seed=3, workers=1))
    for first, second in zip(fewer, alone, strict=True):
        assert (first.track_id, first.split) == (second.track_id, second.split)
        np.testing.assert_array_equal(first.stems, second.stems)
    assert len({track.stems.tobytes() for track in alone}) == len(alone)
