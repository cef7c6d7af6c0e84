"""Excerpts lie where they may, and their windows are what lies about them."""

import numpy as np
import pytest

from relatives.audio import centre
from relatives.corpora.excerpts import draw, vocal_windows, windows
from relatives.corpora.store import Corpus, Track, write
from relatives.errors import InputError

SAMPLES = 1000


def noise(samples, seed=0):
    return (0.3 * np.random.default_rng(seed).standard_normal(samples)).clip(-1, 1).astype(np.float32)


def corpus(directory, *signals, split="test"):
    tracks = [Track(f"t{n}", signal, split, f"s{n}") for n, signal in enumerate(signals)]
    write(directory, [Track("training", noise(50_000, seed=99), "train", "s"), *tracks])
    return Corpus(directory)


def test_excerpts_are_apart_inside_and_of_the_test_split(tmp_path):
    lengths = [10_500, 30_000, 4_000, 25_000]
    music = corpus(tmp_path, *[noise(length, seed) for seed, length in enumerate(lengths)])
    for count in (1, 5, 20, 40, sum(length // SAMPLES for length in lengths)):
        table = draw(music, SAMPLES, count, seed=3)
        assert len(table) == count
        assert table.columns.tolist() == ["excerpt_id", "track_id", "first"]
        assert table["excerpt_id"].is_unique
        assert set(table["track_id"]) <= {"t0", "t1", "t2", "t3"}
        for track_id, group in table.groupby("track_id"):
            length = lengths[int(track_id[1])]
            first = group["first"].to_numpy()
            assert group["excerpt_id"].tolist() == [f"{track_id}:{n}" for n in range(len(group))]
            assert (np.diff(first) >= SAMPLES).all()
            assert first.min() >= 0
            assert first.max() + SAMPLES <= length


def test_excerpts_are_spread_evenly_as_far_as_tracks_have_room(tmp_path):
    music = corpus(tmp_path, noise(3_500), noise(20_000), noise(40_000), noise(900))
    counts = draw(music, SAMPLES, 20, seed=0)["track_id"].value_counts()
    # t0 has room for 3; the other 17 fall on t1 and t2; t3 is shorter than an excerpt
    assert counts["t0"] == 3
    assert sorted([counts["t1"], counts["t2"]]) == [8, 9]
    assert "t3" not in counts


def test_positions_are_drawn_from_the_seed(tmp_path):
    music = corpus(tmp_path, *[noise(20_000, seed) for seed in range(4)])
    one, same, other = (draw(music, SAMPLES, 8, seed) for seed in (1, 1, 2))
    assert one.equals(same)
    assert (one["first"] != other["first"]).mean() > 0.9


def test_positions_are_uniform(tmp_path):
    music = corpus(tmp_path, noise(20_000))
    first = np.array([draw(music, SAMPLES, 2, seed)["first"] for seed in range(400)])
    # both excerpts together cover every place but the edges alike: mean of the first samples is the middle
    assert abs(first.mean() - 9_500) < 400
    assert first.min() < 500
    assert first.max() > 18_500


def test_a_track_with_room_for_one_gives_its_middle(tmp_path):
    music = corpus(tmp_path, noise(1_500), noise(1_000), noise(1_999))
    assert draw(music, SAMPLES, 3, seed=0)["first"].tolist() == [250, 0, 499]


def test_silence_is_avoided(tmp_path):
    signal = np.zeros(100_000, dtype=np.float32)
    signal[70_000:75_000] = noise(5_000)
    table = draw(corpus(tmp_path, signal), SAMPLES, 3, seed=0)
    assert ((table["first"] > 69_000) & (table["first"] < 75_000)).all()
    assert (np.diff(table["first"]) >= SAMPLES).all()


def test_vocals_must_sound_where_there_are_stems(tmp_path):
    stems = np.stack([noise(100_000), noise(100_000, seed=1)], axis=1)
    stems[20_000:, 0] = 0
    write(tmp_path, [Track("t", None, "test", "s", stems=stems)])
    assert (draw(Corpus(tmp_path), SAMPLES, 5, seed=0)["first"] < 20_000).all()


def test_what_a_silent_track_cannot_give_the_others_give(tmp_path):
    silent, nearly = np.zeros(50_000, dtype=np.float32), np.zeros(50_000, dtype=np.float32)
    nearly[20_000:20_010] = 0.5
    table = draw(corpus(tmp_path, silent, noise(20_000), nearly), SAMPLES, 9, seed=0)
    assert table["track_id"].value_counts().to_dict() == {"t1": 8, "t2": 1}


def test_too_many_excerpts(tmp_path):
    music = corpus(tmp_path, noise(3_500), noise(2_000))
    with pytest.raises(InputError, match=r"6 excerpts .* 2 test tracks have room for 5 .* at most 5"):
        draw(music, SAMPLES, 6, seed=0)


def test_too_little_sound(tmp_path):
    signal = np.zeros(100_000, dtype=np.float32)
    signal[50_000] = 1
    with pytest.raises(InputError, match=r"3 excerpts .* have room for 1 that sound"):
        draw(corpus(tmp_path, signal), SAMPLES, 3, seed=0)


@pytest.mark.parametrize("window", [2000, 2001, 1000, 5000])
def test_windows_hold_the_excerpt_in_their_middle(tmp_path, window):
    music = corpus(tmp_path, noise(3_000), noise(1_000, seed=1))
    table = draw(music, SAMPLES, 4, seed=0)
    found = windows(music, table, SAMPLES, window)
    assert found.shape == (4, window)
    assert found.dtype == np.float32
    for number, (track_id, first) in enumerate(zip(table["track_id"], table["first"], strict=True)):
        signal = music.audio(1 + int(track_id[1]))
        np.testing.assert_array_equal(centre(found[number], SAMPLES), signal[first : first + SAMPLES])
        # the whole window, out of the signal with zeros on both sides
        begin = first - (window - SAMPLES) // 2 + window
        np.testing.assert_array_equal(found[number], np.pad(signal, window)[begin : begin + window])


def test_some_rows_of_the_table_give_some_windows(tmp_path):
    music = corpus(tmp_path, noise(9_000), noise(9_000, seed=1))
    table = draw(music, SAMPLES, 6, seed=0)
    whole = windows(music, table, SAMPLES, 2000)
    np.testing.assert_array_equal(windows(music, table.iloc[3:5], SAMPLES, 2000), whole[3:5])


def test_vocal_windows_are_aligned_with_the_mixture(tmp_path):
    stems = np.stack([noise(9_000), noise(9_000, seed=1)], axis=1) * np.float32(0.4)
    write(tmp_path, [Track("t", None, "test", "s", stems=stems)])
    music = Corpus(tmp_path)
    table = draw(music, SAMPLES, 3, seed=0)
    vocals = vocal_windows(music, table, SAMPLES, 2000)
    mixture = windows(music, table, SAMPLES, 2000)
    for number, first in enumerate(table["first"]):
        begin = first - 500 + 2000
        accompaniment = np.pad(music.stems(0)[:, 1], 2000)[begin : begin + 2000]
        np.testing.assert_allclose(vocals[number] + accompaniment, mixture[number], atol=1e-6)
