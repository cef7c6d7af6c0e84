import numpy as np
import pytest

from relatives import jobs
from relatives.files import replacing, replacing_array


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
        assert partial.suffix == ".csv"
    assert path.read_text() == "whole"
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_an_array_appears_whole(tmp_path):
    path = tmp_path / "array.npy"
    with replacing_array(path, (2, 3)) as array:
        array[:] = np.arange(6).reshape(2, 3)
        assert not path.exists()
    saved = np.load(path)
    assert saved.dtype == np.float32
    np.testing.assert_array_equal(saved, [[0, 1, 2], [3, 4, 5]])
    np.save(tmp_path / "saved.npy", saved)
    assert path.read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_an_array_half_filled_does_not(tmp_path):
    with pytest.raises(RuntimeError), replacing_array(tmp_path / "array.npy", (2, 3)) as array:
        array[0] = 1
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_blocks_are_one_array(tmp_path):
    whole = np.random.default_rng(0).normal(size=(3, 7, 5)).astype(np.float32)
    paths = []
    for first, end in ((0, 4), (4, 6), (6, 7)):
        paths.append(str(tmp_path / f"{first}.npy"))
        np.save(paths[-1], whole[:, first:end])
    for blocks, expected in ((jobs.Blocks(paths), whole), (jobs.Blocks(paths[0]), whole[:, :4])):
        assert blocks.shape == expected.shape
        assert len(blocks) == 3
        np.testing.assert_array_equal(list(blocks), expected)
