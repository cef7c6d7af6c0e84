"""The numbers of Figure 14, against loops that say the same the long way."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr, t

from relatives import neighbours

SETTINGS = {"level": 0.95, "seed": 3}


def made(songs=8, excerpts=6, dimensions=5, order=0.0, identity=0.0, seed=0):
    """Points of `songs` songs: `order` lays them by loudness, `identity` lays a song's beside each other."""
    rng = np.random.default_rng(seed)
    song = np.repeat(np.arange(songs), excerpts)
    loudness = -30 + 4 * rng.normal(size=songs)[song] + 4 * rng.normal(size=len(song))
    points = rng.normal(size=(len(song), dimensions)) + identity * rng.normal(size=(songs, dimensions))[song]
    points[:, 0] += order * (loudness - loudness.mean()) / loudness.std()
    loudness[rng.random(len(song)) < 0.15] = -np.inf
    return points, song, loudness


def twin_nearest(points, i, allowed, count):
    """The `count` nearest of the `allowed` rows to row i, by their distance."""
    return sorted(allowed, key=lambda j: (sum((points[i] - points[j]) ** 2) ** 0.5, j))[:count]


def test_the_nearest_other_and_those_of_other_songs_are_those_of_a_search():
    points, song, _ = made()
    points[7] = points[3]  # a tie, of one song
    points[40] = points[20]  # and of two
    everyone = range(len(points))
    expected = [twin_nearest(points, i, [j for j in everyone if j != i], 1)[0] for i in everyone]
    assert neighbours.nearest(points, song, 1, False)[:, 0].tolist() == expected
    others = [twin_nearest(points, i, [j for j in everyone if song[j] != song[i]], 4) for i in everyone]
    assert neighbours.nearest(points, song, 4, True).tolist() == others


def test_many_points_are_compared_a_part_at_a_time():
    points, song, _ = made(songs=60, excerpts=20, dimensions=3)  # more than the 512 rows of a part
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(neighbours.nearest(points, song, 1, False)[:, 0], distances.argmin(axis=1))
    distances[song[:, None] == song] = np.inf
    np.testing.assert_array_equal(
        neighbours.nearest(points, song, 3, True), np.argsort(distances, axis=1)[:, :3]
    )


def test_there_are_as_many_neighbours_as_there_are_for_all():
    points, _, _ = made(songs=2, excerpts=6)
    assert neighbours.nearest(points, [0] * 9 + [1] * 3, 10, True).shape == (12, 3)
    assert neighbours.nearest(points, [0] * 12, 10, True).shape == (12, 0)
    assert neighbours.nearest(points, [0] * 12, 20, False).shape == (12, 11)


def test_the_loudness_of_neighbours_is_a_correlation_of_ranks():
    points, song, loudness = made(order=1.0)
    near = neighbours.nearest(points, song, 5, True)
    ranks = rankdata(loudness)
    means = [sum(ranks[j] for j in row) / len(row) for row in near]
    assert neighbours.loudness_of_neighbours(loudness, near) == pytest.approx(np.corrcoef(ranks, means)[0, 1])
    # With one neighbour whose ranks are all there, Spearman's
    turned = np.roll(np.arange(len(ranks)), 7)[:, None]
    distinct = np.arange(len(ranks)) ** 2.0
    wanted = spearmanr(distinct, distinct[turned[:, 0]]).statistic
    assert neighbours.loudness_of_neighbours(distinct, turned) == pytest.approx(wanted)


@pytest.mark.parametrize("loudness", [[-20.0] * 48, [-np.inf] * 48])
def test_equal_loudness_has_no_order(loudness):
    points, song, _ = made()
    near = neighbours.nearest(points, song, 5, True)
    assert np.isnan(neighbours.loudness_of_neighbours(loudness, near))
    assert np.isnan(neighbours.scores(points, song, loudness, **SETTINGS).loc[0, "value"])


def test_scores_are_the_two_measures():
    points, song, loudness = made(order=1.0, identity=1.0)
    table = neighbours.scores(points, [f"song {number}" for number in song], loudness, **SETTINGS)
    assert list(table.columns) == ["measure", "neighbours", "value", "lower", "upper", "chance"]
    assert table["measure"].tolist() == ["loudness of neighbours", "same song"]
    assert table["neighbours"].tolist() == [10, 1]
    near = neighbours.nearest(points, song, 10, True)
    assert table.loc[0, "value"] == neighbours.loudness_of_neighbours(loudness, near)
    same = [song[j] == song[i] for i, j in enumerate(neighbours.nearest(points, song, 1, False)[:, 0])]
    assert table.loc[1, "value"] == np.mean(same)
    assert table.loc[1, "chance"] == pytest.approx(5 / 47)
    assert (table["lower"] < table["value"]).all() and (table["value"] < table["upper"]).all()


def test_intervals_leave_every_song_out_once():
    points, song, loudness = made(songs=9, order=1.0, identity=1.0)
    points, song, loudness = points[:-4], song[:-4], loudness[:-4]  # songs of different lengths
    table = neighbours.scores(points, song, loudness, level=0.9, seed=1)
    without = []
    for left_out in range(9):
        kept = song != left_out
        some = neighbours.scores(points[kept], song[kept], loudness[kept], level=0.9, seed=1)
        without.append(some["value"])
    for row, values in enumerate(np.transpose(without)):
        error = np.sqrt(8 / 9 * sum((value - np.mean(values)) ** 2 for value in values))
        half = t.ppf(0.95, 8) * error
        wanted = np.clip(table.loc[row, "value"] + np.array([-half, half]), -1 if row == 0 else 0, 1)
        np.testing.assert_allclose(table.loc[row, ["lower", "upper"]].tolist(), wanted, atol=1e-12)


def test_intervals_hold_what_other_songs_give():
    found = [
        neighbours.scores(*made(songs=10, order=1.0, identity=1.0, seed=seed), **SETTINGS)
        for seed in range(60)
    ]
    for row in (0, 1):
        value, lower, upper = (
            np.array([table.loc[row, name] for table in found]) for name in ("value", "lower", "upper")
        )
        covered = (lower <= value.mean()) & (value.mean() <= upper)
        assert covered.mean() >= 0.85
        assert 0.7 < np.mean(upper - lower) / (2 * 2.26 * value.std()) < 1.6


def test_few_excerpts_have_few_neighbours_so_that_spaces_differ():
    _, song, loudness = made(songs=4, excerpts=3)
    tables = [
        neighbours.scores(made(songs=4, excerpts=3, seed=s)[0], song, loudness, **SETTINGS) for s in (1, 2)
    ]
    assert [table.loc[0, "neighbours"] for table in tables] == [3, 3]
    assert tables[0].loc[0, "value"] != tables[1].loc[0, "value"]


def test_two_songs_have_scores_and_no_interval():
    table = neighbours.scores(*made(songs=2), **SETTINGS)
    assert table["value"].notna().all() and table[["lower", "upper"]].isna().all(axis=None)


@pytest.mark.parametrize("excerpts", [6, 10])
def test_without_any_order_the_measures_are_near_chance(excerpts):
    tables = [neighbours.scores(*made(excerpts=excerpts, seed=seed), **SETTINGS) for seed in range(40)]
    for number in (0, 1):
        values = np.array([table.loc[number, "value"] for table in tables])
        chance = np.mean([table.loc[number, "chance"] for table in tables])
        assert abs(values.mean() - chance) < 3 * values.std() / np.sqrt(len(values)) + 0.005


def test_order_and_identity_are_found_and_told_apart():
    ordered = neighbours.scores(*made(songs=15, order=3.0), **SETTINGS)
    identified = neighbours.scores(*made(songs=15, identity=3.0), **SETTINGS)
    assert ordered.loc[0, "lower"] > ordered.loc[0, "chance"] + 0.2 and ordered.loc[1, "value"] < 0.4
    assert identified.loc[1, "lower"] > 0.5 and identified.loc[0, "lower"] < identified.loc[0, "chance"]


@pytest.mark.parametrize(
    ("points", "song"),
    [(np.zeros((6, 3)), [0, 0, 0, 1, 1, 1]), (np.eye(6), [0] * 6)],
    ids=["collapsed", "alone"],
)
def test_a_collapsed_space_and_one_song_alone_have_no_score(points, song):
    table = neighbours.scores(points, song, [-20.0, -21, -22, -23, -24, -25], **SETTINGS)
    assert len(table) == 2 and table[["value", "lower", "upper", "chance"]].isna().all(axis=None)


def test_the_same_seed_gives_the_same_scores():
    tables = [neighbours.scores(*made(order=1.0), **SETTINGS) for _ in range(2)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
