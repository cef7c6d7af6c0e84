import errno
import fnmatch
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from relatives.files import PARTIAL, replacing
from relatives.storage import Blocks, replacing_array


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


def test_what_a_killed_writer_left_goes_and_nothing_else(tmp_path):
    code = """
        import os, sys
        from relatives.files import replacing
        with replacing(sys.argv[1]) as partial:
            partial.write_text("half")
            os._exit(9)
    """
    for name in ("PS.0.npy", "PS.0.npy", "PS.npy", "[PS].npy"):
        subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path / name)])
    left = sorted(file.name for file in tmp_path.iterdir())
    assert len(left) == 3
    assert all(fnmatch.fnmatch(name, PARTIAL) for name in left)
    with replacing(tmp_path / "[PS].npy") as partial:
        partial.write_text("whole")
    with replacing(tmp_path / "PS.npy") as partial:
        partial.write_text("whole")
    assert len(list(tmp_path.iterdir())) == 3
    with replacing(tmp_path / "PS.0.npy") as partial:
        partial.write_text("whole")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["PS.0.npy", "PS.npy", "[PS].npy"]


def test_of_two_writers_the_later_wins_and_the_other_fails(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(FileNotFoundError), replacing(path) as first:
        first.write_text("first")
        with replacing(path) as second:
            second.write_text("second")
            assert first != second
    assert path.read_text() == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_file_and_folder_are_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    path = tmp_path / "table.csv"
    with replacing(path) as partial:
        partial.write_text("whole")
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]


def test_a_folder_that_cannot_be_synced_is_no_fault_but_a_broken_disk_is(tmp_path, monkeypatch):
    def refuse(number):
        def fsync(descriptor):
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr("os.fsync", refuse(errno.EINVAL))
    with replacing(tmp_path / "table.csv") as partial:
        partial.write_text("whole")
    monkeypatch.setattr("os.fsync", refuse(errno.EIO))
    with pytest.raises(OSError), replacing(tmp_path / "other.csv") as partial:
        partial.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot take room in advance")
def test_an_array_has_its_room_before_it_is_filled(tmp_path):
    with replacing_array(tmp_path / "array.npy", (1000, 100)):
        (partial,) = tmp_path.iterdir()
        assert partial.stat().st_blocks * 512 >= 400_000


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
    for blocks, expected in ((Blocks(paths), whole), (Blocks(paths[0]), whole[:, :4])):
        assert blocks.shape == expected.shape
        assert len(blocks) == 3
        np.testing.assert_array_equal(list(blocks), expected)
