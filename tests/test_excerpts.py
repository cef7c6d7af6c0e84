"""Excerpts lie where they may, and their windows are what lies about them."""

import numpy as np
import pytest

from relatives.audio import centre
from relatives.corpora import excerpts
from relatives.corpora.excerpts import vocal_windows, windows
from relatives.corpora.store import Corpus, Track, write
from relatives.errors import InputError

SAMPLES, WINDOW = 1000, 2000
RATE = 22050


def noise(samples, seed=0):
    return (0.3 * np.random.default_rng(seed).standard_normal(samples)).clip(-1, 1).astype(np.float32)


def corpus(directory, *signals, split="test"):
    tracks = [Track(f"t{n}", signal, split, f"s{n}") for n, signal in enumerate(signals)]
    write(directory, [Track("training", noise(50_000, seed=99), "train", "s"), *tracks])
    return Corpus(directory)


def draw(music, samples, count, seed):
    return excerpts.draw(music, samples, WINDOW, count, seed, RATE)


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
    # t0 has room for 2 windows; the other 18 fall on t1 and t2; t3 is shorter than an excerpt
    assert counts["t0"] == 2
    assert counts["t1"] == counts["t2"] == 9
    assert "t3" not in counts


def test_positions_are_drawn_from_the_seed(tmp_path):
    music = corpus(tmp_path, *[noise(20_000, seed) for seed in range(4)])
    one, same, other = (draw(music, SAMPLES, 8, seed) for seed in (1, 1, 2))
    assert one.equals(same)
    assert (one["first"] != other["first"]).mean() > 0.9


def test_positions_are_uniform(tmp_path):
    music = corpus(tmp_path, noise(20_000))
    first = np.array([draw(music, SAMPLES, 2, seed)["first"] for seed in range(400)])
    # both excerpts together cover every place for full windows alike: mean of the first samples is the middle
    assert abs(first.mean() - 9_500) < 400
    assert 500 <= first.min() < 1000
    assert 18_000 < first.max() <= 18_500


def test_a_track_shorter_than_a_window_gives_its_middle(tmp_path):
    music = corpus(tmp_path, noise(1_500), noise(1_000), noise(1_999))
    assert draw(music, SAMPLES, 3, seed=0)["first"].tolist() == [250, 0, 499]


def room_inside(length):
    """How many excerpts a track can give whose windows lie inside it, found one by one."""
    firsts = []
    while (firsts[-1] + SAMPLES if firsts else 500) + SAMPLES + 500 <= length:
        firsts.append(firsts[-1] + SAMPLES if firsts else 500)
    return len(firsts)


@pytest.mark.parametrize("seed", range(12))
def test_windows_lie_inside_where_tracks_have_room(tmp_path, seed):
    rng = np.random.default_rng(seed)
    lengths = [*rng.integers(1_000, 9_000, 6).tolist(), 1_999, 2_000, 2_999, 3_000]
    music = corpus(tmp_path, *[noise(length, seed) for length in lengths])
    inside = {f"t{n}": room_inside(length) for n, length in enumerate(lengths) if length >= WINDOW}
    short = {f"t{n}": length // SAMPLES for n, length in enumerate(lengths) if length < WINDOW}
    fits, room = sum({**inside, **short}.values()), sum(length // SAMPLES for length in lengths)
    for count in (1, 7, fits - 1, fits, fits + 1, fits + 3, room):
        table = draw(music, SAMPLES, count, seed)
        found = table["track_id"].value_counts()
        padded = 0
        for track_id, first in zip(table["track_id"], table["first"], strict=True):
            length = lengths[int(track_id[1])]
            assert 0 <= first <= length - SAMPLES
            if first < 500 or first + SAMPLES + 500 > length:
                padded += 1
                # only a short track, or one that has to give more than it has room for
                assert track_id in short or found[track_id] > inside[track_id]
        assert padded >= sum(found.get(track_id, 0) for track_id in short)
        if count <= fits:
            assert all(found.get(track_id, 0) <= n for track_id, n in inside.items())
        shares = excerpts.padding(music, table, SAMPLES, WINDOW, WINDOW / SAMPLES)
        assert (shares > 0).sum() == padded
        note = excerpts.note_of_padding(music, table, SAMPLES, WINDOW, WINDOW / SAMPLES)
        assert (
            note == "" if padded == 0 else f" 2 times {padded} of {count} excerpts are in part zeros" in note
        )


def test_padding_is_the_share_of_zeros_in_what_a_tempo_needs(tmp_path):
    music = corpus(tmp_path, np.tile(np.array([0.5, -0.5], dtype=np.float32), 1_350))
    table = draw(music, SAMPLES, 2, seed=0)
    found = windows(music, table, SAMPLES, WINDOW)
    for tempo in (1.0, 1.3, 1.36, 1.7, 2.0, 2.5):
        needed = [centre(window, round(tempo * SAMPLES)) for window in found]
        expected = [np.mean(part == 0) for part in needed]
        shares = excerpts.padding(music, table, SAMPLES, WINDOW, tempo)
        np.testing.assert_allclose(shares, expected, atol=1e-3)


def test_no_excerpt_of_the_shipped_tagging_corpus_is_sped_up_into_silence(tmp_path):
    # 105 test tracks of 10 s, 100 excerpts; here a sample lasts 1 ms
    tracks = [Track(f"t{n}", noise(10_000, n), "test", f"s{n}") for n in range(105)]
    write(tmp_path, tracks)
    table = excerpts.draw(Corpus(tmp_path), 2_000, 4_000, 100, 2019, RATE)
    assert not excerpts.padding(Corpus(tmp_path), table, 2_000, 4_000, 1.5).any()
    assert table["track_id"].is_unique


def test_sound_near_the_ends_is_used_only_in_need(tmp_path):
    # the middle of the first track is silent, so its excerpts would be padded
    ends = np.zeros(10_000, dtype=np.float32)
    ends[:490], ends[-490:] = noise(490), noise(490, seed=1)
    music = corpus(tmp_path, ends, noise(4_000))
    assert set(draw(music, SAMPLES, 3, seed=0)["track_id"]) == {"t1"}
    table = draw(music, SAMPLES, 5, seed=0)
    assert table["track_id"].value_counts().to_dict() == {"t0": 1, "t1": 4}
    first = table["first"][0]
    assert first < 490 or first > 8_510


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
    with pytest.raises(InputError, match=r"3 excerpts .* have room for 1 that have a loudness"):
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
