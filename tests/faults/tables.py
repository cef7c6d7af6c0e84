"""Broken tables of data sets, arrays, checkpoints, stores and configurations, as a user may bring them.

Each is a `Case`: what to run in a folder of its own, and what the message of its `InputError` has to name.
Where nothing can be said of whether it must be refused, both are right: it is read, or it is refused.
"""

import copy
import csv
import io
import json
import os
import pickle
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from faults import broken
from relatives import corpora, manifest, seeds
from relatives.corpora.store import Corpus, Track, write

ROOT = Path(__file__).parents[2]
RATE = broken.RATE
TRACKS = [f"TRAAAAA{number:011X}" for number in range(8)]


@dataclass(frozen=True)
class Case:
    """A broken input: `run` raises an InputError that has `names` in it, or, unless `refused`, reads it."""

    kind: str
    name: str
    run: Callable[[Path], object]
    names: str = ""
    refused: bool = False


def cases(seed: int) -> Iterator[Case]:
    """All of them."""
    for make in (data_sets, values_of_data_sets, arrays, checkpoints, stores, configurations):
        yield from make(seed)


# Data sets, small but whole


def clip(path: Path, number: int) -> None:
    """A file of 0.6 s of audio, other for every number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(broken.encode(broken.clip(f"table {number}", 0, seconds=0.6), "wav-16"))


def magnatagatune(folder: Path) -> None:
    """Clips in six folders, two tags."""
    rows, known = [], []
    for number, directory in enumerate("0c1df2"):
        name = f"{directory}/an_artist-an_album-0{number}-title-30-59.mp3"
        clip(folder / "mp3" / name, number)
        rows.append([100 + number, 1, number % 2, name])
        known.append([100 + number, f"Title {number}", "Somebody", "Album"])
    _write(folder / "annotations_final.csv", [["clip_id", "guitar", "slow", "mp3_path"], *rows], "\t")
    _write(folder / "clip_info_final.csv", [["clip_id", "title", "artist", "album"], *known], "\t")


def fma(folder: Path) -> None:
    """Six clips of two genres."""
    header = [["", "set", "set", "track", "artist"], ["", "split", "subset", "genres_all", "name"]]
    rows = [["track_id", "", "", "", ""]]
    for number, split in enumerate(["training", "validation", "test"] * 2, start=1):
        clip(folder / "fma_small" / "000" / f"{number:06}.mp3", number)
        rows.append([number, split, "small", "[1, 2]" if number % 2 else "[1]", "Somebody"])
    _write(folder / "fma_metadata" / "tracks.csv", [*header, *rows], ",")
    genres = [["genre_id", "parent", "title"], [1, 0, "Rock"], [2, 1, "Punk"]]
    _write(folder / "fma_metadata" / "genres.csv", genres, ",")


def jamendo(folder: Path) -> None:
    """Six songs of two tags in three lists."""
    number = 10
    for split in ("train", "validation", "test"):
        rows = [["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]]
        for _ in range(2):
            number += 1
            clip(folder / f"{number % 100:02}" / f"{number}.mp3", number)
            path = f"{number % 100:02}/{number}.mp3"
            rows.append([f"track_{number}", "artist_1", "album_1", path, "0.6", "genre---rock", "mood---sad"])
        _write(folder / f"autotagging_top50tags-{split}.tsv", rows, "\t")


def ballroom(folder: Path) -> None:
    """Six clips of two dances, with a list."""
    lines = []
    for number in range(6):
        dance = ("Waltz", "Chacha")[number % 2]
        clip(folder / dance / f"{100 + number}.wav", number)
        lines.append(f'<{dance}><song id="{100 + number}" artist="A" album="B" bpm="90"/></{dance}>')
    (folder / "extendedballroom_v1.1.xml").write_text(f"<all>{''.join(lines)}</all>")


def msd(folder: Path) -> None:
    """Eight previews, with tags and metadata."""
    for number, name in enumerate(TRACKS):
        clip(folder / f"{name}.wav", number)
    with sqlite3.connect(folder / "lastfm_tags.db") as database:
        database.execute("CREATE TABLE tids (tid)")
        database.execute("CREATE TABLE tags (tag)")
        database.execute("CREATE TABLE tid_tag (tid, tag, val)")
        database.executemany("INSERT INTO tids VALUES (?)", [(name,) for name in TRACKS])
        database.executemany("INSERT INTO tags VALUES (?)", [("rock",), ("sad",)])
        pairs = [(track, tag) for track in range(1, 9) for tag in (1, 2)]
        database.executemany("INSERT INTO tid_tag VALUES (?, ?, 100)", pairs)
    database.close()
    with sqlite3.connect(folder / "track_metadata.db") as database:
        database.execute("CREATE TABLE songs (track_id, song_id, artist_name, release, year)")
        rows = [(name, f"SO{number}", "Somebody", "Album", 1990) for number, name in enumerate(TRACKS)]
        database.executemany("INSERT INTO songs VALUES (?, ?, ?, ?, ?)", rows)
    database.close()


LAYOUTS = {
    "magnatagatune": (magnatagatune, ["annotations_final.csv", "clip_info_final.csv"]),
    "fma": (fma, ["fma_metadata/tracks.csv", "fma_metadata/genres.csv"]),
    "jamendo": (jamendo, ["autotagging_top50tags-train.tsv"]),
    "ballroom": (ballroom, ["extendedballroom_v1.1.xml"]),
    "msd": (msd, ["lastfm_tags.db", "track_metadata.db"]),
}
"""Of each data set: what makes it, and its tables."""


def read(source: str, folder: Path) -> None:
    """A data set into a store beside it."""
    settings = {"source": source, "path": str(folder), "shortest": 0.5}
    write(folder.parent / "store", corpora.source(source).tracks(settings, RATE, 0, 1))


def data_sets(seed: int) -> Iterator[Case]:
    """Every table of every data set, broken in every way that any file can be."""
    for source, (make, names) in LAYOUTS.items():
        yield Case("data sets", f"{source}: whole", partial(_with_table, source, make, None, None))
        for name in names:
            for way, change in WAYS.items():
                run = partial(_with_table, source, make, name, change)
                yield Case("data sets", f"{source}: {name}: {way}", run, "/set", way in REFUSED)


def _with_table(source: str, make: Callable, name: str | None, change: Callable | None, place: Path) -> None:
    folder = place / "set"
    folder.mkdir()
    make(folder)
    if name is not None:
        changed = change((folder / name).read_bytes(), folder / name)
        if changed is not None:
            (folder / name).write_bytes(changed)
    read(source, folder)


def _instead(put: Callable[[Path], None]) -> Callable:
    def change(data, path):
        path.unlink()
        put(path)

    return change


def _doubled_line(data, path):
    lines = data.splitlines(keepends=True)
    return b"".join([*lines, lines[-1]])


WAYS = {
    "empty": lambda data, path: b"",
    "a byte": lambda data, path: data[:1],
    "the first line": lambda data, path: data.splitlines(keepends=True)[0],
    "half": lambda data, path: data[: len(data) // 2],
    "all but the end": lambda data, path: data[:-3],
    "noise": lambda data, path: seeds.generator(0, "noise").bytes(5000),
    "zeros": lambda data, path: bytes(5000),
    "text": lambda data, path: b"Once upon a time there was no table.\n" * 100,
    "no UTF-8": lambda data, path: data.replace(b"a", b"\xe9", 1).replace(b"o", b"\xff\xfe"),
    "UTF-16": lambda data, path: data.decode("latin-1").encode("utf-16"),
    "a byte order mark": lambda data, path: b"\xef\xbb\xbf" + data,
    "a zero byte": lambda data, path: data[: len(data) // 2] + b"\0" + data[len(data) // 2 :],
    "an open quote": lambda data, path: data + b'"never closed',
    "other separators": lambda data, path: data.replace(b"\t", b";").replace(b",", b";"),
    "carriage returns": lambda data, path: data.replace(b"\n", b"\r"),
    "a line twice": _doubled_line,
    "twice": lambda data, path: data + data,
    "a line of a megabyte": lambda data, path: data + b"x" * (1 << 20),
    "fields without end": lambda data, path: data + b"\t" * 10_000 + b"," * 10_000,
    "numbers for texts": lambda data, path: data.replace(b"training", b"1").replace(b"Somebody", b"17"),
    "a pipe": _instead(os.mkfifo),
    "a folder": _instead(Path.mkdir),
    "a device": _instead(lambda path: path.symlink_to("/dev/zero")),
    "a link to itself": _instead(lambda path: path.symlink_to(path.name)),
}
"""What may have become of a file, by its bytes and its path."""

REFUSED = {"noise", "zeros"}


def values_of_data_sets(seed: int) -> Iterator[Case]:
    """Values in whole tables that no one is to trust."""
    replaced = {
        "magnatagatune": {
            "annotations_final.csv": {
                b"0/an_artist": [
                    b"../../../etc/passwd", b"/etc/passwd", b"z/an_artist", b"0/../../x", b"", b"0",
                ],
                b"\t1\t0\t": [b"\t2\t0\t", b"\tyes\t0\t", b"\t1e999\t0\t", b"\t\t0\t", b"\t-1\t0\t"],
                b"100\t": [b"101\t", b"nan\t", b"x\t", b"\t"],
            },
            "clip_info_final.csv": {b"100\t": [b"101\t", b"x\t"], b"Title 0": [b"", b"<script>", b"=cmd()"]},
        },
        "fma": {
            "fma_metadata/tracks.csv": {
                b"[1, 2]": [
                    b"[1, 3]", b"[1", b"1", b"x", b"", b"{}", b"[[1]]", b"__import__('os')", b"[" * 5000,
                    b"9" * 5000,
                ],
                b"validation": [b"elsewhere", b"", b"nan"],
                b"\n1,": [b"\n../1,", b"\n1e9,", b"\n-1,", b"\n2,", b"\n1.5,"],
            },
            "fma_metadata/genres.csv": {b"1,0,Rock": [b"7,0,Rock", b"x,0,Rock", b"2,0,Rock", b"1,0,"]},
        },
        "jamendo": {
            "autotagging_top50tags-train.tsv": {
                b"11/11.mp3": [b"../11.mp3", b"/etc/passwd", b"", b"11/11", b"99/99.mp3"],
                b"track_11": [b"track_12", b"", b"<b>"],
                b"\tgenre---rock": [b"", b"\t" * 200],
            }
        },
        "ballroom": {
            "extendedballroom_v1.1.xml": {
                b'bpm="90"': [b'bpm="fast"', b'bpm="nan"', b'bpm="1e999"', b'bpm=""'],
                b'id="100"': [b"", b'id="101"', b'id="../100"', b'exact="100" id="100"'],
                b"<all>": [
                    b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><all>&a;',
                    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
                    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20))
                    + b"]><all>&u;",
                    b"<a>" * 50_000,
                ],
            }
        },
    }  # fmt: skip
    for source, of_source in replaced.items():
        for name, of_table in of_source.items():
            for old, news in of_table.items():
                for number, new in enumerate(news):

                    def change(data, path, old=old, new=new):
                        if old not in data:
                            raise AssertionError(f"{old!r} is not in the table")
                        return data.replace(old, new, 1)

                    label = f"{source}: {Path(name).name}: {old[:20]!r} to {new[:24]!r} ({number})"
                    run = partial(_with_table, source, LAYOUTS[source][0], name, change)
                    yield Case("values of tables", label, run, "/set")
    for number, (name, script) in enumerate(
        [
            ("lastfm_tags.db", "UPDATE tags SET tag = NULL WHERE rowid = 1"),
            ("lastfm_tags.db", "UPDATE tags SET tag = 17 WHERE rowid = 1"),
            ("lastfm_tags.db", "UPDATE tags SET tag = x'ff00' WHERE rowid = 1"),
            ("lastfm_tags.db", "UPDATE tags SET tag = CAST(x'ff' AS TEXT) WHERE rowid = 1"),
            ("lastfm_tags.db", "DROP TABLE tags"),
            ("lastfm_tags.db", "DELETE FROM tags"),
            ("lastfm_tags.db", "UPDATE tids SET tid = 1"),
            ("lastfm_tags.db", "UPDATE tid_tag SET tag = 99"),
            ("lastfm_tags.db", "INSERT INTO tags SELECT hex(randomblob(500)) FROM tid_tag a, tid_tag b"),
            (
                "lastfm_tags.db",
                "DROP TABLE tid_tag; CREATE VIEW tid_tag AS WITH RECURSIVE n(tid) AS"
                " (SELECT 1 UNION ALL SELECT tid + 1 FROM n) SELECT tid, 1 AS tag FROM n",
            ),
            ("track_metadata.db", "UPDATE songs SET song_id = NULL"),
            ("track_metadata.db", "UPDATE songs SET artist_name = NULL"),
            ("track_metadata.db", "UPDATE songs SET artist_name = 17"),
            ("track_metadata.db", "UPDATE songs SET year = 'long ago'"),
            ("track_metadata.db", "UPDATE songs SET year = 9223372036854775807"),
            ("track_metadata.db", "UPDATE songs SET year = 0.5"),
            ("track_metadata.db", "UPDATE songs SET release = x'ff'"),
            ("track_metadata.db", "ALTER TABLE songs RENAME TO other"),
        ]
    ):

        def change(data, path, script=script):
            with sqlite3.connect(path) as database:
                database.executescript(script)
            database.close()

        run = partial(_with_table, "msd", msd, name, change)
        yield Case("values of tables", f"msd: {name}: {script[:60]} ({number})", run, "/set")


# Arrays of embeddings computed elsewhere


def arrays(seed: int) -> Iterator[Case]:
    """Arrays and manifests of embeddings that are not what the manifest asks for."""
    good = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

    def npy(array, **options):
        file = io.BytesIO()
        np.save(file, array, **options)
        return file.getvalue()

    def header(text, data=b""):
        text = text.encode()
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data

    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("x.npy", npy(good))
    whole = npy(good)
    fields = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n"
    refused = {
        "nothing": b"",
        "a byte": b"\x93",
        "the magic alone": whole[:6],
        "half a header": whole[:40],
        "a header alone": whole[:128],
        "cut": whole[:-1],
        "text": b"1.0, 2.0\n",
        "npz": zipped.getvalue(),
        "a pickle": pickle.dumps(good),
        "a pickle that acts": pickle.dumps(Attack("touch attacked")),
        "objects": npy(np.array([[[Attack("touch attacked")] * 4] * 3] * 2, dtype=object), allow_pickle=True),
        "nan": npy(np.where(good == 5, np.nan, good)),
        "inf": npy(np.where(good == 5, np.inf, good)),
        "beyond float32": npy(good.astype(np.float64) * 1e300),
        "complex": npy(good.astype(complex)),
        "texts": npy(good.astype(str)),
        "records": npy(np.zeros((2, 3, 4), dtype=[("a", "f4"), ("b", "f4")])),
        "dates": npy(good.astype("datetime64[s]")),
        "one dimension": npy(good.ravel()),
        "two dimensions": npy(good[0]),
        "four dimensions": npy(good[..., None]),
        "no dimensions": npy(good[..., :0]),
        "too few excerpts": npy(good[:, :2]),
        "too many magnitudes": npy(np.concatenate([good, good])),
        "turned": npy(good.transpose(2, 1, 0)),
        "a scalar": npy(np.float32(1)),
        "petabytes": header(fields % "(2, 3, 100000000000000)"),
        "more than can be": header(fields % "(2, 3, 99999999999999999999999)"),
        "negative": header(fields % "(2, 3, -4)", whole[128:]),
        "a shape of text": header(fields % "('2', 3, 4)", whole[128:]),
        "no shape": header("{'descr': '<f4', 'fortran_order': False}\n", whole[128:]),
        "a header of code": header("__import__('os').system('touch attacked')\n", whole[128:]),
        "a header without end": header("(" * 9000, whole[128:]),
        "a strange type": header(
            "{'descr': 'zzz', 'fortran_order': False, 'shape': (2, 3, 4)}\n", whole[128:]
        ),
        "version 9": b"\x93NUMPY\x09\x00" + whole[8:],
    }
    read = {
        "as it should be": whole,
        "whole numbers": npy(good.astype(int)),
        "booleans": npy(good > 5),
        "Fortran's order": npy(np.asfortranarray(good)),
        "big-endian": npy(good.astype(">f4")),
        "denormals": npy(good * np.float32(1e-44)),
        "half precision": npy(good.astype(np.float16)),
    }
    for name, data in (refused | read).items():
        yield Case("arrays", name, partial(_with_array, data), "PS.npy", name in refused)
    for name, put in {"a pipe": os.mkfifo, "a folder": Path.mkdir, "gone": lambda path: None}.items():
        yield Case("arrays", name, partial(_with_array, put), "PS.npy", True)
    texts = {
        "nothing": b"",
        "no JSON": b"{",
        "a list": b"[]",
        "null": b"null",
        "no digest": b"{}",
        "another digest": b'{"digest": "00"}',
        "a digest of lists": b'{"digest": [[]]}',
        "a digest of 5000 digits": b'{"digest": ' + b"9" * 5000 + b"}",
        "very deep": b"[" * 200_000,
        "no UTF-8": b"\xff\xfe\x00",
        "noise": seeds.generator(0, "manifest").bytes(3000),
    }
    for name, data in texts.items():
        yield Case("arrays", f"manifest: {name}", partial(_with_array, whole, data), "manifest.json", True)
    yield Case("arrays", "manifest: a pipe", partial(_with_array, whole, os.mkfifo), "manifest.json", True)


class Attack:
    """A pickle of it runs a command in the shell."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def _with_array(array: bytes | Callable, listed: bytes | Callable | None, place: Path | None = None) -> None:
    listed, place = (listed, place) if place is not None else (None, listed)
    np.save(place / "block.npy", np.zeros((2, 3, 9), np.float32))
    files = {"PS": [str(place / "block.npy")]}
    wanted = manifest.make("music", RATE, ["a", "b", "c"], {"PS": [-1.0, 1.0]}, files)
    computed = place / "computed"
    computed.mkdir()
    listed = json.dumps(wanted).encode() if listed is None else listed
    for path, content in ((computed / "PS.npy", array), (computed / "manifest.json", listed)):
        content(path) if callable(content) else path.write_bytes(content)
    here = os.getcwd()
    os.chdir(place)
    try:
        manifest.read(computed, wanted)
    finally:
        os.chdir(here)
        assert not (place / "attacked").exists(), "code out of an array was run"


def checkpoints(seed: int) -> Iterator[Case]:
    """Checkpoints of networks that are none."""
    import torch

    def saved(content, **options):
        file = io.BytesIO()
        torch.save(content, file, **options)
        return file.getvalue()

    whole = saved({"weights": {"mean": torch.zeros(513), "deviation": torch.ones(513)}, "network": {}})
    draw = seeds.generator(seed, "checkpoints")
    contents = {
        "nothing": b"",
        "text": b"no network\n" * 50,
        "half": whole[: len(whole) // 2],
        "all but the end": whole[:-1],
        "a pickle that acts": pickle.dumps(Attack("touch attacked")),
        "torch that acts": saved({"weights": Attack("touch attacked")}),
        "old torch that acts": saved(Attack("touch attacked"), _use_new_zipfile_serialization=False),
        "a list": saved([1, 2]),
        "none": saved(None),
        "a tensor": saved(torch.zeros(3)),
        "no weights": saved({"network": {}}),
        "weights of text": saved({"weights": "x", "network": {}}),
        "a network of nothing": whole,
        "a network of text": saved({"weights": {"mean": "x", "deviation": "y"}, "network": "z"}),
        "a mean of nothing": saved({"weights": {"mean": None, "deviation": None}, "network": {"task": "AE"}}),
    }
    for number in range(12):
        changed = bytearray(whole)
        for position in draw.integers(len(whole), size=4):
            changed[position] ^= 1 << draw.integers(8)
        contents[f"flipped {number}"] = bytes(changed)
    for name, data in contents.items():
        yield Case("checkpoints", name, partial(_with_checkpoint, data), "checkpoint.pt", True)
    for name, put in {"a folder": Path.mkdir, "a pipe": os.mkfifo, "gone": lambda path: None}.items():
        yield Case("checkpoints", name, partial(_with_checkpoint, put), "checkpoint.pt", True)


def _with_checkpoint(content: bytes | Callable, place: Path) -> None:
    from relatives.models import networks

    path = place / "checkpoint.pt"
    content(path) if callable(content) else path.write_bytes(content)
    here = os.getcwd()
    os.chdir(place)
    try:
        networks.load(path, "cpu")
    finally:
        os.chdir(here)
        assert not (place / "attacked").exists(), "code out of a checkpoint was run"


def stores(seed: int) -> Iterator[Case]:
    """Files of a corpus' store that were cut or are of another."""
    for name in ("tracks.parquet", "labels.parquet", "audio.i16"):
        for way in ("empty", "a byte", "half", "all but the end", "noise", "zeros", "twice"):
            run = partial(_with_store, name, WAYS[way])
            # a parquet file that is there twice still begins with the first, to which its end points
            refused = way != "twice" or name == "audio.i16"
            yield Case("stores", f"{name}: {way}", run, "store", refused)
    other = {
        "no columns": pd.DataFrame({"x": [1]}),
        "no rows": pd.DataFrame({"track_id": []}),
        "texts": pd.DataFrame([["x"] * 5], columns=["track_id", "offset", "samples", "channels", "split"]),
        "a missing length": pd.DataFrame(
            {"track_id": ["a"], "offset": [0], "samples": [None], "channels": [1], "split": ["test"]}
        ),
    }
    for name, table in other.items():

        def change(data, path, table=table):
            table.to_parquet(path)

        yield Case(
            "stores", f"tracks.parquet: {name}", partial(_with_store, "tracks.parquet", change), "store", True
        )


def _with_store(name: str, change: Callable, place: Path) -> None:
    folder = place / "store"
    signals = [broken.clip(f"store {number}", 0, 0.1)[:, 0] for number in range(2)]
    write(folder, [Track(f"{number}", signal, "test", "s") for number, signal in enumerate(signals)])
    changed = change((folder / name).read_bytes(), folder / name)
    if changed is not None:
        (folder / name).write_bytes(changed)
    Corpus(folder).audio(0)


# Configurations


STRANGE = [
    None, True, 0, -1, 1, 1.0, 2.5, 1e300, float("nan"), float("inf"), -float("inf"), 10**400, "", " ", "x",
    "\0", "\ud800", "~nobody-of-this-name/x", "/" + "x" * 5000, "a\nb", "{x}", "$(touch attacked)", "../..",
    "/dev/zero", b"bytes", [], [[]], [None], ["x"] * 3, {}, {"x": 1}, {1: 2}, {None: None},
    "9" * 5000, ["AE", "AE"], 1j, {"a", "b"}, (1, 2),
]  # fmt: skip
"""Values that YAML, or a program that calls the package, may put anywhere."""


def configurations(seed: int) -> Iterator[Case]:
    """Strange values, one at a drawn key of config.yaml at a time; missing and surplus keys; monsters."""
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    places = list(keys_of(shipped))
    draw = seeds.generator(seed, "configurations")
    for number, value in enumerate(STRANGE):
        for _ in range(3):
            keys = places[draw.integers(len(places))]
            run = partial(_check, shipped, keys, value)
            label = f"{number}: {'.'.join(map(str, keys))}: {value!r}"[:90].encode(errors="replace").decode()
            yield Case("configurations", label, run)
    for keys in [keys for keys in places if len(keys) == 1]:
        yield Case("configurations", f"without {keys[0]}", partial(_without, shipped, keys[0]), keys[0], True)
        wrong = partial(_check, shipped, (f"{keys[0]}s",), 1)
        yield Case("configurations", f"with {keys[0]}s", wrong, f"{keys[0]}s", True)
    itself: dict = {}
    itself["corpora"] = itself
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    laugh: list = ["ha"] * 10
    for _ in range(12):
        laugh = [laugh] * 10
    for name, value in {"itself": itself, "very deep": deep, "a billion laughs": laugh}.items():
        yield Case("configurations", name, partial(_check, shipped, ("tasks",), value), "tasks", True)
    for name, value in {"text": "x", "nothing": None, "a list": [], "no settings": {}}.items():
        yield Case("configurations", f"{name} in its place", partial(_check_all, value), "config", True)
    for name in ("a\n", "../x", "a b", "{x}", "x" * 300, "", "é", "a.b", "-", "$(x)"):
        for keys, value in (
            (("corpora", name), {"source": "irmas", "excerpts": 10}),
            (("encoders",), ["MFCC", {"name": name, "python": "os:getcwd"}]),
        ):
            run, refused = partial(_check, shipped, keys, value), (name, keys[0]) != ("-", "corpora")
            yield Case("configurations", f"{keys[0]} {name!r}", run, keys[0], refused)


def keys_of(value: object, keys: tuple = ()) -> Iterator[tuple]:
    """The keys of every setting of a configuration."""
    if keys:
        yield keys
    if isinstance(value, dict):
        for key, held in value.items():
            yield from keys_of(held, (*keys, key))


def changed(config: dict, keys: tuple, value: object) -> dict:
    """A configuration with another value at some keys."""
    config = copy.deepcopy(config)
    held = config
    for key in keys[:-1]:
        held = held[key]
    held[keys[-1]] = value
    return config


def _check(config: dict, keys: tuple, value: object, place: Path) -> None:
    _check_all(changed(config, keys, value), place)


def _without(config: dict, key: str, place: Path) -> None:
    _check_all({name: value for name, value in config.items() if name != key}, place)


def _check_all(config: object, place: Path) -> None:
    from relatives import configuration

    configuration.check(config)
    follow(config)


def follow(config: dict) -> None:
    """What the Snakefile asks of a configuration that is valid."""
    from relatives import configuration

    configuration.magnitudes(config), configuration.networks(config), configuration.own(config)
    configuration.spaces(config), configuration.corpora_in_use(config), range(config["trials"])
    for corpus in config["corpora"]:
        configuration.blocks(config, corpus), configuration.provides(config, corpus)
        configuration.downloaded(config, corpus)


def _write(path: Path, rows: list[list], separator: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
