"""Packages with music: built here by dpkg-deb, and fetched by an apt-get of our own. No network, no root."""

import hashlib
import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from relatives import configuration
from relatives.corpora import apt, debian, source
from relatives.corpora.store import SPLITS, Corpus, Skipped, Track, write
from relatives.errors import InputError
from smoke import Run
from test_folder import RATE, tone

builds = pytest.mark.skipif(
    not shutil.which("dpkg-deb"), reason="there is no dpkg-deb here, which builds and unpacks packages"
)

FORM = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
COPYRIGHT = f"""{FORM}Source: https://example.org

Files: *
Copyright: 2003 Somebody
License: GPL-3+

Files: data/music/* data/other/*.ogg
Copyright: 2003 Somebody
 2004 Somebody Else
License: CC-BY-SA-3.0
 the text of the licence
 .
 Files: in the text

Files: debian/*
License: Expat
"""

APT_GET = """#!{python}
import json, pathlib, shutil, sys

archive = pathlib.Path({archive!r})
index = json.loads((archive / "index.json").read_text())
arguments = [word for word in sys.argv[1:] if word != "-qq"]
with open(archive / "calls", "a") as calls:
    print(*arguments, file=calls)
uris, names = arguments[0] == "--print-uris", [word for word in arguments if not word.startswith("-")][1:]
unknown = [name for name in names if name.partition("=")[0] not in index]
for name in unknown:
    print(f"E: Unable to locate package {{name}}", file=sys.stderr)
if unknown and (not uris or (archive / "strict").exists()):
    sys.exit(100)
for name in names:
    if (package := name.partition("=")[0]) in index:
        version, file, size, digest = index[package]
        if uris:
            print(f"'http://archive.invalid/pool/{{file}}' {{file}} {{size}} {{digest}}")
        elif not (archive / file).exists():
            print(f"E: Failed to fetch {{file}}  404  Not Found", file=sys.stderr)
            sys.exit(100)
        elif name == f"{{package}}={{version}}":
            shutil.copy(archive / file, file)
sys.exit(100 if unknown else 0)
"""


def audio(path, signal, rate=RATE, **tags):
    """A FLAC or Ogg file with tags; one called .ogg with samples beyond full scale holds a WAV of floats."""
    path.parent.mkdir(parents=True, exist_ok=True)
    signal = np.asarray(signal, np.float32)
    exact = path.suffix == ".ogg" and not tags
    kind = {"format": "WAV", "subtype": "FLOAT"} if exact else {}
    channels = 1 if signal.ndim == 1 else signal.shape[1]
    with soundfile.SoundFile(path, "w", rate, channels, **kind) as file:
        for name, value in tags.items():
            setattr(file, name, value)
        file.write(signal)
    return path


def sound(frequency, seconds=4.0):
    return 0.5 * tone(frequency, RATE, seconds=seconds)


def alpha(root):
    """Music with tags and licences by pattern; a jingle, effects, a link."""
    games = root / "usr/share/games/alpha"
    tags = {"title": "One", "artist": "Ann", "album": "First", "date": "2004-05-06", "genre": "Folk"}
    audio(games / "music/one.ogg", sound(300), **tags)
    audio(games / "music/two.flac", sound(320))
    audio(games / "music/jingle.flac", sound(330, seconds=1))
    audio(games / "intro.flac", sound(340))
    audio(games / "sounds/bang.ogg", sound(350))
    audio(games / "Sounds/music/three.flac", sound(360))
    (games / "music/link.ogg").symlink_to("one.ogg")
    (games / "music/cover.png").write_bytes(b"no music")
    return copyright(root, "alpha-music", COPYRIGHT)


def beta(root):
    """Music without tags; a copy of a file of `alpha`; a broken file."""
    share = root / "usr/share/beta/data/sound"
    audio(share / "music/four.flac", sound(400))
    audio(share / "music/two again.flac", sound(320))
    audio(share / "effects/long.flac", sound(410))
    (share / "music/broken.ogg").write_bytes(b"OggS, but no more")
    text = "All is under the\nGNU General Public License version 2, or (at your option)\nany later version."
    return copyright(
        root, "beta-data", text + " Elsewhere it names the Attribution-ShareAlike 3.0 licence.\n"
    )


def gamma(root):
    """A song in three parts, as Frets on Fire has it, and a part alone."""
    song = root / "usr/share/games/fretsonfire/data/songs/gamma/Loud"
    audio(song / "song.ogg", 0.8 * np.ones((4 * RATE, 2)))
    audio(song / "guitar.ogg", 0.7 * np.ones(3 * RATE))
    audio(song / "drums_2.ogg", np.full((2 * RATE, 2), [0.25, -0.25]))
    audio(song / "preview.ogg", sound(500))
    (song / "song.ini").write_text("[song]\nname = Loud %song\nartist = The Parts\nscores = 63%20\n")
    (song / "notes.mid").write_bytes(b"MThd")
    audio(song.parent / "Alone/guitar.ogg", sound(510))
    text = "Permission is hereby granted, free of charge, to any person\nobtaining a copy"
    return copyright(root, "gamma-songs", text)


def copyright(root, package, text):
    path = root / "usr/share/doc" / package / "copyright"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return root


CONTENTS = {"alpha-music": alpha, "beta-data": beta, "gamma-songs": gamma}
SETTINGS = {"source": "debian", "packages": list(CONTENTS), "shortest": 2.0, "shortest_piece": 3.0}


def debian_layout(folder):
    """The packages as they are unpacked."""
    for name, contents in CONTENTS.items():
        contents(folder / name)
    return folder


class Archive:
    """An archive of packages, and an apt-get on the PATH that knows it."""

    def __init__(self, place, path):
        self.folder = place / "archive"
        self.folder.mkdir()
        self.index, self.names = {}, ()
        program = place / "bin" / "apt-get"
        program.parent.mkdir()
        program.write_text(APT_GET.format(python=sys.executable, archive=str(self.folder)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.path = f"{program.parent}{os.pathsep}{path}"

    def add(self, name, contents, version="1:2.0~rc1-1"):
        """A package built of what `contents` puts into a folder."""
        root = self.folder / "build" / name
        control = root / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: Nobody <nobody@example.org>\nDescription: music\n"
        )
        contents(root)
        file = self.folder / f"{name}_{version.replace(':', '%3a')}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, file], check=True, capture_output=True)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self.index[name] = [version, file.name, file.stat().st_size, f"SHA256:{digest}"]
        self.write()
        return file

    def write(self):
        (self.folder / "index.json").write_text(json.dumps(self.index))

    def calls(self):
        """What apt-get was asked to since the last time."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def archive(tmp_path, monkeypatch):
    archive = Archive(tmp_path, os.environ["PATH"])
    monkeypatch.setenv("PATH", archive.path)
    for name, contents in CONTENTS.items():
        archive.add(name, contents)
    return archive


def pieces(folder, seed=0, **settings):
    """The tracks by the ends of their names, and the reasons by what was left out."""
    items = list(debian.tracks(SETTINGS | {"path": str(folder)} | settings, RATE, seed, 2))
    tracks = {item.track_id: item for item in items if isinstance(item, Track)}
    reasons = {item.file: item.reason for item in items if isinstance(item, Skipped)}
    assert len(tracks) + len(reasons) == len(items)
    return tracks, reasons


def ending(found, name):
    """The one value whose name ends in `name`."""
    (value,) = [value for key, value in found.items() if key.endswith(name)]
    return value


# Fetching


@builds
def test_packages_are_fetched_verified_and_unpacked_once(archive, tmp_path):
    folder, said = tmp_path / "raw", []
    packages = apt.fetch(CONTENTS, folder, said.append)
    assert [package.package for package in packages] == list(CONTENTS)
    for package in packages:
        version, _, size, digest = archive.index[package.package]
        assert (package.version, package.bytes, f"sha256:{package.sha256}") == (version, size, digest.lower())
        assert apt.there(folder / package.package) == package
        assert (folder / package.package / "usr/share").is_dir()
    assert sorted(path.name for path in folder.iterdir()) == [".archives", *sorted(CONTENTS)]
    assert list((folder / ".archives").iterdir()) == []
    assert len(said) == 3
    assert archive.calls()[1:] == [f"download {name}=1:2.0~rc1-1" for name in CONTENTS]

    assert apt.fetch(CONTENTS, folder) == packages
    assert archive.calls() == []


@builds
def test_what_a_killed_call_left_is_gone_on_with(archive, tmp_path):
    archives = tmp_path / "raw" / ".archives"
    (archives / "alpha-music.unpacking" / "half").mkdir(parents=True)
    _, name, _, _ = archive.index["alpha-music"]
    shutil.copy(archive.folder / name, archives / name)  # fetched, but not unpacked
    _, other, _, _ = archive.index["beta-data"]
    (archives / other).write_bytes((archive.folder / other).read_bytes()[:1000])
    apt.fetch(CONTENTS, tmp_path / "raw")
    assert not (tmp_path / "raw" / "alpha-music" / "half").exists()
    assert [line for line in archive.calls() if line.startswith("download")] == [
        f"download {name}=1:2.0~rc1-1" for name in ("beta-data", "gamma-songs")
    ]
    assert list(archives.iterdir()) == []


@builds
def test_a_newer_version_does_not_replace_what_is_there(archive, tmp_path):
    first = apt.fetch(CONTENTS, tmp_path / "raw")
    archive.index["alpha-music"][0] = "3.0"
    archive.write()
    assert apt.fetch(CONTENTS, tmp_path / "raw") == first


@builds
@pytest.mark.parametrize("strict", [False, True])
def test_unknown_packages_are_left_out_and_named(archive, tmp_path, strict):
    # some versions of apt answer for no package as soon as one is unknown
    (archive.folder / "strict").touch() if strict else None
    entries = ["alpha-music", "nowhere-music", "newer-data | beta-data", "gamma-songs | alpha-music"]
    said = []
    packages = apt.fetch(entries, tmp_path / "raw", said.append)
    assert [package.package for package in packages] == ["alpha-music", "beta-data", "gamma-songs"]
    assert "apt does not know nowhere-music: left out" in said[0]
    assert "newer-data" not in said[0]
    _, reasons = pieces(tmp_path / "raw", packages=entries)
    assert "there is no such package here" in reasons["nowhere-music"]


@builds
def test_too_few_packages_are_told_with_the_way_out(archive, tmp_path):
    with pytest.raises(InputError, match=r"apt knows 2 of the 4 packages.*sudo apt-get update") as caught:
        apt.fetch(["alpha-music", "beta-data", "one-music", "two-music"], tmp_path / "raw")
    assert "unknown: one-music, two-music" in str(caught.value)
    assert "E: Unable to locate package two-music" in str(caught.value)
    assert not (tmp_path / "raw" / "alpha-music").exists()


@builds
def test_a_tampered_file_is_not_unpacked(archive, tmp_path):
    file = archive.folder / archive.index["beta-data"][1]
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"beta-data: what came has the SHA-256 [0-9a-f]{64}, and"):
        apt.fetch(CONTENTS, tmp_path / "raw")
    assert not (tmp_path / "raw" / "beta-data").exists()
    assert list((tmp_path / "raw" / ".archives").iterdir()) == []
    data[-100] ^= 1
    file.write_bytes(data)
    archive.calls()
    assert len(apt.fetch(CONTENTS, tmp_path / "raw")) == 3
    assert "download alpha-music=1:2.0~rc1-1" not in archive.calls()


@builds
def test_what_apt_cannot_verify_or_fetch_is_told(archive, tmp_path):
    right = list(archive.index["alpha-music"])
    archive.index["alpha-music"][3] = "MD5Sum:0123"
    archive.write()
    with pytest.raises(InputError, match=r"no SHA-256 of alpha-music, but MD5Sum"):
        apt.fetch(CONTENTS, tmp_path / "raw")
    archive.index["alpha-music"] = right
    archive.write()
    (archive.folder / right[1]).rename(archive.folder / "away")
    with pytest.raises(InputError, match=r"cannot fetch alpha-music \(E: Failed to fetch .*404"):
        apt.fetch(CONTENTS, tmp_path / "raw")


@builds
def test_a_full_disk_is_told_before_anything_comes(archive, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(InputError, match=r"GB are needed to download and unpack the packages"):
        apt.fetch(CONTENTS, tmp_path / "raw")
    assert not [line for line in archive.calls() if line.startswith("download")]


@builds
def test_a_folder_of_unknown_origin_is_not_touched(archive, tmp_path):
    mine = tmp_path / "raw" / "alpha-music" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(InputError, match=r"alpha-music: this folder does not say which version"):
        apt.fetch(CONTENTS, tmp_path / "raw")
    assert mine.exists()


def test_without_apt_get_one_sentence_tells_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"needs apt-get and dpkg-deb.*source folder.*folder\.yaml"):
        apt.fetch(CONTENTS, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


# Pieces


def test_a_corpus_of_packages(tmp_path):
    tracks, reasons = pieces(debian_layout(tmp_path / "raw"))
    assert sorted(name.rpartition("/")[2] for name in tracks) == [
        "four.flac", "guitar.ogg", "intro.flac", "one.ogg",
        "preview.ogg", "song.ogg", "three.flac", "two.flac",
    ]  # fmt: skip
    one = tracks["alpha-music/usr/share/games/alpha/music/one.ogg"]
    assert (one.artist, one.album, one.year) == ("Ann", "First", 2004)
    assert one.extra == {
        "package": "alpha-music", "title": "One", "genre": "Folk", "licence": "CC-BY-SA-3.0",
    }  # fmt: skip
    two = ending(tracks, "music/two.flac")
    assert (two.artist, two.album, two.year, two.extra["title"]) == ("", "", None, "")
    assert ending(tracks, "intro.flac").extra["licence"] == "GPL-3+"
    assert ending(tracks, "four.flac").extra["licence"] == "GPL-2+"
    song = ending(tracks, "song.ogg")
    assert (song.artist, song.extra["title"], song.extra["licence"]) == ("The Parts", "Loud %song", "Expat")

    assert ending(reasons, "jingle.flac").startswith("too short: 1.00 s")
    two = "alpha-music/usr/share/games/alpha/music/two.flac"
    assert ending(reasons, "two again.flac") == f"the same file as {two}"
    assert ending(reasons, "alpha/sounds/") == "files in a folder of sounds (sounds), which are no music: 1"
    assert ending(reasons, "sound/effects/") == "files in a folder of sounds (effects), which are no music: 1"
    assert ending(reasons, "alpha/music/") == "links to other files: 1"
    assert "not audio, or broken" in ending(reasons, "broken.ogg")
    assert len(reasons) == 6


def test_the_parts_of_a_song_are_summed_and_never_clipped(tmp_path):
    tracks, _ = pieces(debian_layout(tmp_path / "raw"))
    # frame by frame, by hand: 0.8 of both channels, 0.7 for three seconds, 0.25 and -0.25 for two
    expected = np.full((4 * RATE, 2), 0.8)
    expected[: 3 * RATE] += 0.7
    expected[: 2 * RATE] += [0.25, -0.25]
    np.testing.assert_allclose(ending(tracks, "song.ogg").audio, expected, atol=1e-6)
    write(tmp_path / "corpus", iter(tracks.values()))
    corpus = Corpus(tmp_path / "corpus")
    row = int(np.flatnonzero(corpus.tracks["song"].str.endswith("song.ogg"))[0])
    assert corpus.tracks["gain"][row] == pytest.approx(1 / 1.75)
    np.testing.assert_allclose(corpus.audio(row), expected.mean(axis=1) / 1.75, atol=1e-4)
    assert list(corpus.tracks.columns[-4:]) == ["package", "title", "genre", "licence"]


def test_a_sum_is_as_long_and_as_wide_as_its_longest_and_widest_part():
    short, long = np.full(2, 0.25, np.float32), np.full((3, 2), 0.5, np.float32)
    assert debian.mix([short, long]).tolist() == [[0.75, 0.75], [0.75, 0.75], [0.5, 0.5]]
    assert debian.mix([long[:1], short]).tolist() == [[0.75, 0.75], [0.25, 0.25]]
    assert debian.mix([short]) is short


def test_the_shortest_piece_is_a_setting_and_30_s_without_it(tmp_path):
    folder = debian_layout(tmp_path / "raw")
    tracks, _ = pieces(folder, shortest_piece=0.5, shortest=0.5)
    assert any(name.endswith("jingle.flac") for name in tracks)
    # never shorter than what the excerpts need
    tracks, reasons = pieces(folder, shortest_piece=0.5, shortest=2.0)
    assert "shortest allowed is 2 s" in ending(reasons, "jingle.flac")
    for frequency, name in zip((200, 210, 220), CONTENTS, strict=True):
        audio(folder / name / "usr/music/long.flac", sound(frequency, seconds=30.5))
        audio(folder / name / "usr/music/short.flac", sound(frequency, seconds=29.5))
    settings = {key: value for key, value in SETTINGS.items() if key != "shortest_piece"}
    found = list(debian.tracks(settings | {"path": str(folder)}, RATE, 0, 2))
    names = [item.track_id for item in found if isinstance(item, Track)]
    assert sorted(names) == [f"{name}/usr/music/long.flac" for name in CONTENTS]


def test_links_lead_nowhere(tmp_path):
    folder = debian_layout(tmp_path / "raw")
    outside = tmp_path / "outside" / "music"
    audio(outside / "private.flac", sound(900))
    (outside / "copyright").write_text(COPYRIGHT)
    (folder / "beta-data/usr/music").symlink_to(outside)
    (folder / "beta-data/usr/share/beta/private.flac").symlink_to(outside / "private.flac")
    copyright_file = folder / "beta-data/usr/share/doc/beta-data/copyright"
    copyright_file.unlink()
    copyright_file.symlink_to(outside / "copyright")
    tracks, _ = pieces(folder)
    assert not any("private" in name for name in tracks)
    assert ending(tracks, "four.flac").extra["licence"] == "see the package's copyright file"


def test_too_little_music_is_told(tmp_path):
    debian_layout(tmp_path / "raw")
    shutil.rmtree(tmp_path / "raw" / "gamma-songs")
    with pytest.raises(InputError, match=r"2 packages in it have music, and 3 are.*gamma-songs: there is no"):
        pieces(tmp_path / "raw")
    with pytest.raises(InputError, match=r"nowhere: there is no such folder"):
        pieces(tmp_path / "nowhere")


# Licences


@pytest.mark.parametrize(
    ("file", "patterns", "expected"),
    [
        # the folders of the source package lie elsewhere in the package
        ("usr/share/games/supertux2/music/forest/a.ogg", {"*": "A", "data/music/*": "B"}, "B"),
        ("usr/share/x/Data/Sounds/Drop.ogg", {"y/Data/Sounds/*": "A", "y/Data/Sounds/D*": "B"}, "B"),
        ("usr/share/x/music/a.ogg", {"music/a.ogg music/b.ogg": "A", "sounds/*": "B", "*": "C"}, "A"),
        # the last one of those alike
        ("usr/share/x/music/a.ogg", {"*": "A", "music/*": "B", "music/a*": "C"}, "C"),
        ("usr/share/x/music/a.ogg", {"*": "A", "mus?c/*": "B"}, "B"),
        # of a pattern with folders the name of the file alone does not count
        ("usr/share/x/music/a.ogg", {"*": "A", "other/a.ogg": "B"}, "A"),
        ("usr/share/x/music/a.ogg", {"*": "A", "usic/*": "B", "debian/*": "C"}, "A"),
        ("usr/share/x/music/a.ogg", {"*": "A", "*.ogg": "B"}, "B"),
        ("usr/share/x/music/a[1].ogg", {"*": "A", "music/a[1].ogg": "B"}, "B"),
    ],
)  # fmt: skip
def test_the_licence_of_a_pattern(file, patterns, expected):
    paragraphs = [f"\nFiles: {files}\nLicense: {name}\n the text\n" for files, name in patterns.items()]
    text = FORM + "".join(paragraphs)
    assert debian.licence(file, text) == expected
    assert debian.licence(file, text, tag="GPL") == expected


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("", "http://creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
        ("Permission is hereby granted, free of charge, to any person obtaining a copy", "GPL", "GPL"),
        ("", "", "see the package's copyright file"),
        ("are licenced under the Creative Commons\nAttribution ShareAlike licence 3.0:", "", "CC-BY-SA-3.0"),
        ("the GNU General Public License version 2\n  or at your option any later version.", "", "GPL-2+"),
        ("GNU General Public License as published by the Free Software Foundation; either version 2 of the\n"
         "License, or (at your option) any later version. Attribution-ShareAlike 3.0", "", "GPL-2+"),
        ("the GNU General Public License version 2 of June 1991", "", "see the package's copyright file"),
    ],
)  # fmt: skip
def test_the_licence_without_patterns(text, tag, expected):
    assert debian.licence("usr/share/x/music/a.ogg", text, tag) == expected


# Splits


def cost(counts, sides, shares):
    """How far the shares of pieces and packages are from those asked for."""
    total = 0.0
    for side, share in zip(SPLITS, shares, strict=True):
        names = [name for name in counts if sides[name] == side]
        total += abs(sum(counts[name] for name in names) / sum(counts.values()) - share)
        total += abs(len(names) / len(counts) - share)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_the_deal_is_the_nearest_of_all(seed):
    rng = np.random.default_rng(seed)
    counts = {name: int(rng.integers(1, 40)) for name in "abcde"}
    shares = (0.5, 0.2, 0.3)
    dealt = debian.deal(counts, shares, seed)
    ways = [dict(zip(counts, way, strict=True)) for way in itertools.product(SPLITS, repeat=5)]
    best = min(cost(counts, way, shares) for way in ways if len(set(way.values())) == 3)
    assert cost(counts, dealt, shares) == pytest.approx(best)


def test_the_deal_depends_on_the_seed_alone():
    counts = {f"package{number}": 10 for number in range(12)}
    shares = (0.5, 0.25, 0.25)
    deals = [debian.deal(dict(sorted(counts.items(), reverse=turned)), shares, 3) for turned in (False, True)]
    assert deals[0] == deals[1]
    assert Counter(deals[0].values()) == {"train": 6, "valid": 3, "test": 3}
    assert debian.deal(counts, shares, 4) != deals[0]
    assert set(debian.deal(dict.fromkeys("abc", 1), (0.98, 0.01, 0.01), 0).values()) == set(SPLITS)


def test_no_package_is_on_two_sides(tmp_path):
    folder = debian_layout(tmp_path / "raw")
    found = {}
    for seed in range(8):
        tracks, _ = pieces(folder, seed=seed, split=[0.4, 0.3, 0.3])
        sides = {(track.extra["package"], track.split) for track in tracks.values()}
        assert len(sides) == 3
        assert {side for _, side in sides} == {"train", "valid", "test"}
        found[seed] = frozenset(sides)
    assert pieces(folder, seed=0)[0].keys() == tracks.keys()


def test_workers_change_nothing(tmp_path):
    folder = debian_layout(tmp_path / "raw")
    for number in (1, 2):
        found = debian.tracks(SETTINGS | {"path": str(folder)}, RATE, 7, workers=number)
        write(tmp_path / str(number), found)
    for file in sorted((tmp_path / "1").iterdir()):
        assert file.read_bytes() == (tmp_path / "2" / file.name).read_bytes(), file.name


# The configuration and the pipeline


def configured(**settings):
    config = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text())
    config["corpora"]["real"] = {"source": "debian", "excerpts": 10} | settings
    return config


def test_packages_are_a_setting_of_this_source_alone():
    configuration.check(configured())
    assert source("debian") is debian
    assert configuration.packages(configured()) == list(debian.PACKAGES)
    config = configured(packages=["a-music", "b-music | a-music", "c1.2-music"], shortest_piece=10)
    config["corpora"]["other"] = {"source": "debian", "excerpts": 3, "packages": ["a-music", "d+e", "ff"]}
    configuration.check(config)
    assert configuration.packages(config) == ["a-music", "b-music | a-music", "c1.2-music", "d+e", "ff"]
    assert configuration.downloaded(config, "real") == ["data/raw/debian/complete"]
    for wrong in ([], ["-oDir::Etc=x"], ["cc=1.0"], ["cc |"]):
        packages = ["aa", "bb", *wrong]
        with pytest.raises(InputError, match=r"corpora\.real\.packages"):
            configuration.check(configured(packages=packages))
    config = configured(packages=["aa", "bb", "cc"])
    config["corpora"]["real"]["source"] = "gtzan"
    with pytest.raises(InputError, match=r"corpora\.real\.packages: only source debian has it, not gtzan"):
        configuration.check(config)


@builds
@pytest.mark.pipeline
def test_snakemake_fetches_and_stores_the_packages(archive, tmp_path):
    run = Run(tmp_path / "run", "packages")
    settings = {key: value for key, value in SETTINGS.items() if key != "shortest"}
    settings["packages"] = ["unknown-music | alpha-music", "beta-data", "gamma-songs", "missing-music"]
    config = {
        "corpora": {"real": settings | {"excerpts": 2}},
        "consistency": {"corpus": "real"},
        "tasks": [],
        "encoders": ["MFCC"],
    }
    (run.folder / "workflow" / "presets" / "packages.yaml").write_text(json.dumps(config))
    output = run.snakemake("data/corpora/real/tracks.parquet")
    assert "Fetching data/raw/debian by apt-get, without root. Licence: each package's own" in output
    tracks = Corpus(run.folder / "data" / "corpora" / "real").tracks
    assert len(tracks) == 8
    assert set(tracks["package"]) == set(CONTENTS)
    complete = (run.folder / "data" / "raw" / "debian" / "complete").read_text().splitlines()
    digest = archive.index["alpha-music"][3].lower()
    assert complete[1:2] == [f"alpha-music 1:2.0~rc1-1 {digest}"]
    assert len(complete) == 4
    skipped = (run.folder / "data" / "corpora" / "real" / "skipped.csv").read_text()
    assert "missing-music,there is no such package here" in skipped
    assert run.planned("data/corpora/real/tracks.parquet") == set()

    nowhere = Run(tmp_path / "nowhere", "packages")
    shutil.copy(run.folder / "workflow/presets/packages.yaml", nowhere.folder / "workflow/presets")
    (tmp_path / "bin" / "apt-get").unlink()
    tools = tmp_path / "tools"  # all programs of this machine but apt-get
    tools.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            if program.name != "apt-get" and not (tools / program.name).is_symlink():
                (tools / program.name).symlink_to(program)
    target = "data/corpora/real/tracks.parquet"
    output = nowhere.snakemake(target, check=False, environment={"PATH": str(tools)})
    assert "Corpus real: The source debian needs apt-get and dpkg-deb" in output
    assert "Traceback" not in output
