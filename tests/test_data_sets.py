"""Public data sets in their layouts: small ones made here, and real files where ../shared has them."""

import csv
import json
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from relatives import corpora
from relatives.corpora import gtzan, irmas, listed, musdb
from relatives.corpora.store import Corpus, Skipped, Track, write
from relatives.errors import InputError
from smoke import Run
from test_debian import debian_layout
from test_folder import RATE, ffmpeg, frequency_of, tone

LAYOUTS = Path(__file__).parents[1].parent / "shared" / "real_audio" / "layouts"
real = pytest.mark.skipif(not LAYOUTS.is_dir(), reason=f"{LAYOUTS} is not there")


def clip(path, frequency=440, seconds=2.1):
    """A file with a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(frequency, RATE, seconds=seconds), RATE)
    return path


def read(source, path, seed=0, workers=2, **settings):
    """The tracks by track_id, and the reasons by what was skipped."""
    settings = {"source": source, "path": str(path), "shortest": 2.0} | settings
    items = list(corpora.source(source).tracks(settings, RATE, seed, workers))
    tracks = {item.track_id: item for item in items if isinstance(item, Track)}
    reasons = {item.file: item.reason for item in items if isinstance(item, Skipped)}
    assert len(tracks) + len(reasons) == len(items)
    return tracks, reasons


def positive(track):
    """The labels that a track has."""
    return {name for name, value in track.labels.items() if value}


def splits(tracks):
    return {name: track.split for name, track in tracks.items()}


# IRMAS


def irmas_layout(folder, songs=10):
    """Three clips of each song, and a song the more for each class."""
    training = folder / "IRMAS-TrainingData"
    for song in range(songs):
        name = irmas.CLASSES[song % len(irmas.CLASSES)]
        drums = ("", "[dru]", "[nod]")[song % 3]
        prefix = "008__" if song % 4 == 0 else ""
        for part in (1, 2, 3):
            file = training / name / f"{prefix}[{name}]{drums}[pop_roc]{song:04}__{part}.wav"
            clip(file, 300 + 10 * song + part)
    return folder


def test_irmas(tmp_path):
    irmas_layout(tmp_path)
    tracks, reasons = read("irmas", tmp_path)
    assert reasons == {}
    assert len(tracks) == 30
    first = tracks["cel/008__[cel][pop_roc]0000__2.wav"]
    assert (positive(first), list(first.labels)) == ({"cel"}, list(irmas.CLASSES))
    assert first.extra == {"genre": "pop_roc", "drums": ""}
    assert tracks["cla/[cla][dru][pop_roc]0001__1.wav"].extra["drums"] == "dru"
    by_song = {track.song: set() for track in tracks.values()}
    for track in tracks.values():
        by_song[track.song].add(track.split)
    assert len(by_song) == 10
    assert all(len(sides) == 1 for sides in by_song.values())
    assert Counter(track.split for track in tracks.values()) == {"train": 24, "valid": 3, "test": 3}


def test_the_published_counts_of_irmas_are_split_as_the_study_did(tmp_path):
    """6,705 clips of some 2,200 recordings come to 0.8, 0.1, 0.1 of the clips, as near as songs allow."""
    counts = {"cel": 388, "cla": 505, "flu": 451, "gac": 637, "gel": 760, "org": 682}
    counts |= {"pia": 721, "sax": 626, "tru": 577, "vio": 580, "voi": 778}
    song = 0
    for name, count in counts.items():
        (tmp_path / "IRMAS-TrainingData" / name).mkdir(parents=True)
        for number in range(count):
            song += number % 3 == 0
            file = f"[{name}][cla]{song:04}__{number % 3 + 1}.wav"
            (tmp_path / "IRMAS-TrainingData" / name / file).touch()
    settings = {"source": "irmas", "path": str(tmp_path)}
    items = listed.dealt(list(irmas.items(settings)), settings, (0.8, 0.1, 0.1), seed=2019)
    assert len(items) == 6705
    assert Counter(next(iter(item.file.parent.parts[-1:])) for item in items) == counts
    shares = Counter(item.split for item in items)
    assert abs(shares["train"] - 5362) < 60
    assert abs(shares["valid"] - 684) < 60
    assert abs(shares["test"] - 659) < 60


def test_irmas_skips_what_is_wrong(tmp_path):
    irmas_layout(tmp_path)
    training = tmp_path / "IRMAS-TrainingData"
    clip(training / "cla" / "[vio][cla]0900__1.wav", 900)
    clip(training / "cla" / "my song.wav", 910)
    broken = training / "cla" / "[cla][cla]0901__1.wav"
    broken.write_text("no sound " * 1000)
    tracks, reasons = read("irmas", tmp_path)
    assert len(tracks) == 30
    assert reasons["cla/[vio][cla]0900__1.wav"] == "the class in its name is vio, that of its folder cla"
    assert reasons["cla/my song.wav"] == "its name is not that of an IRMAS clip"
    assert "not audio" in reasons["cla/[cla][cla]0901__1.wav"]


@real
def test_real_irmas(tmp_path):
    irmas_layout(tmp_path)
    name = "[cla][cla]0189__2.wav"
    file = LAYOUTS / "irmas" / "IRMAS-TrainingData" / "cla" / name
    (tmp_path / "IRMAS-TrainingData" / "cla" / name).symlink_to(file)
    tracks, reasons = read("irmas", tmp_path)
    assert reasons == {}
    track = tracks[f"cla/{name}"]
    assert (positive(track), track.song, track.audio.shape) == ({"cla"}, "0189", (3 * RATE, 2))


# MUSDB18

STEMS = {"drums": 500, "bass": 100, "other": 1000, "vocals": 2000}


def song_folder(folder, seconds=3.0):
    """A song of MUSDB18-HQ: four tones at 44.1 kHz in stereo, and their sum."""
    folder.mkdir(parents=True)
    stems = {
        name: 0.4 * tone(frequency, 44100, channels=2, seconds=seconds) for name, frequency in STEMS.items()
    }
    stems["mixture"] = sum(stems.values())
    for name, signal in stems.items():
        soundfile.write(folder / f"{name}.wav", signal, 44100)
    return folder


def stem_file(folder, seconds=3.0):
    """The same song as MUSDB18 has it: AAC in five streams of an MP4 file."""
    song_folder(folder, seconds)
    streams = ["mixture", "drums", "bass", "other", "vocals"]
    inputs = [part for name in streams for part in ("-i", folder / f"{name}.wav")]
    maps = [part for number in range(5) for part in ("-map", number)]
    ffmpeg(*inputs, *maps, "-c:a", "aac", "-b:a", "192k", f"{folder}.stem.mp4")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def musdb_layout(folder, make=song_folder):
    for number in range(5):
        make(folder / "musdb18" / "train" / f"Artist {number} - Song: the {number}th", 3 + number / 10)
    make(folder / "musdb18" / "test" / "Tester - Test", 4.0)


@pytest.mark.parametrize("make", [song_folder, stem_file])
def test_musdb(tmp_path, make):
    musdb_layout(tmp_path, make)
    tracks, reasons = read("musdb", tmp_path)
    assert reasons == {}
    assert Counter(splits(tracks).values()) == {"train": 4, "valid": 1, "test": 1}
    assert tracks["Tester - Test"].split == "test"
    track = tracks["Artist 2 - Song: the 2th"]
    assert (track.artist, track.audio) == ("Artist 2", None)
    assert track.stems.dtype == np.float32
    vocals, accompaniment = track.stems[RATE : 2 * RATE].T
    assert frequency_of(vocals) == pytest.approx(2000, abs=1)
    # the left channel has amplitude 0.2, the right one half of it: 0.15 as mono
    assert np.sqrt(2) * vocals.std() == pytest.approx(0.15, rel=0.02)
    assert np.sqrt(2) * accompaniment.std() == pytest.approx(0.15 * np.sqrt(3), rel=0.02)
    spectrum = np.abs(np.fft.rfft(accompaniment * np.hanning(RATE)))
    assert set(np.argsort(spectrum)[-9:] // 50 * 50) <= {50, 100, 450, 500, 950, 1000}

    write(tmp_path / "corpus", iter(tracks.values()))
    assert Corpus(tmp_path / "corpus").has_stems


def test_the_songs_of_musdb_are_split_as_the_study_did(tmp_path):
    for part, count in (("train", 100), ("test", 50)):
        (tmp_path / part).mkdir()
        for number in range(count):
            (tmp_path / part / f"{part} - {number}.stem.mp4").touch()
    settings = {"source": "musdb", "path": str(tmp_path)}
    counts = Counter(item.split for item in musdb.items(settings, seed=2019))
    assert counts == {"train": 70, "valid": 30, "test": 50}


def test_musdb_without_a_stem(tmp_path):
    for number in range(4):
        song_folder(tmp_path / "train" / f"A - {number}", 3 + number / 10)
    song_folder(tmp_path / "test" / "B - 0", 4.0)
    (tmp_path / "train" / "A - 1" / "bass.wav").unlink()
    tracks, reasons = read("musdb", tmp_path)
    assert len(tracks) == 4
    assert "bass.wav: cannot be opened: No such file" in reasons["A - 1"]


# Million Song Dataset

TRACKS = [f"TRAAAAA{number:011X}" for number in range(12)]


def lastfm(path):
    """The Last.fm database's three tables; tag i of 60 has 12 - i // 6 tracks, in unsorted order."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE tids (tid TEXT)")
        database.execute("CREATE TABLE tags (tag TEXT)")
        database.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        database.executemany("INSERT INTO tids VALUES (?)", [(name,) for name in TRACKS])
        order = [(7 * number) % 60 for number in range(60)]
        database.executemany("INSERT INTO tags VALUES (?)", [(f"tag{number:02}",) for number in order])
        pairs = [(t + 1, r + 1) for r, number in enumerate(order) for t in range(12 - number // 6)]
        database.executemany("INSERT INTO tid_tag VALUES (?, ?, 100)", pairs)
    return path


def msd_layout(folder):
    """Ten previews that have tags, and one that has none."""
    for number, name in enumerate(TRACKS[:10]):
        clip(folder / "A" / str(number) / f"{name}.clip.mp3", 300 + 50 * number)
    clip(folder / "TRZZZZZ00000000000.mp3")
    lastfm(folder / "lastfm_tags.db")


def test_msd(tmp_path):
    msd_layout(tmp_path)
    clip(tmp_path / "other.mp3")
    tracks, reasons = read("msd", tmp_path)
    assert reasons == {
        "TRZZZZZ00000000000": "has none of the 50 tags",
        "other.mp3": "passed over: audio that is not named as the clips are",
    }
    assert sorted(tracks) == TRACKS[:10]
    first = tracks[TRACKS[0]]
    assert list(first.labels) == [f"tag{number:02}" for number in range(50)]
    assert all(first.labels.values())
    assert positive(tracks[TRACKS[9]]) == {f"tag{number:02}" for number in range(18)}
    assert Counter(splits(tracks).values()) == {"train": 7, "valid": 1, "test": 2}


def test_the_metadata_of_msd_keep_a_song_together(tmp_path):
    for number, name in enumerate(TRACKS[:8]):
        clip(tmp_path / "clips" / f"{name}.wav", 300 + 50 * number)
    tags = lastfm(tmp_path / "elsewhere.db")
    with sqlite3.connect(tmp_path / "clips" / "track_metadata.db") as database:
        database.execute("CREATE TABLE songs (track_id, song_id, artist_name, release, year)")
        rows = [(name, f"SO{number // 2}", "An Artist", "An Album", 1990 * (number > 0))
                for number, name in enumerate(TRACKS)]  # fmt: skip
        database.executemany("INSERT INTO songs VALUES (?, ?, ?, ?, ?)", rows)
    for seed in range(5):
        tracks, _ = read("msd", tmp_path / "clips", seed=seed, tags=str(tags))
        sides = [tracks[name].split for name in TRACKS[:8]]
        assert sides[::2] == sides[1::2]
    one = tracks[TRACKS[1]]
    assert (one.song, one.artist, one.album, one.year) == ("SO0", "An Artist", "An Album", 1990)
    assert tracks[TRACKS[0]].year is None


def test_msd_without_its_tags(tmp_path):
    clip(tmp_path / f"{TRACKS[0]}.wav")
    with pytest.raises(InputError, match=r"lastfm_tags.db: there is no such file"):
        read("msd", tmp_path)
    (tmp_path / "lastfm_tags.db").write_text("no database, but long enough to be looked at " * 100)
    with pytest.raises(InputError, match=r"lastfm_tags.db: not the database"):
        read("msd", tmp_path)
    with pytest.raises(InputError, match="no file of audio in it has a track's identifier"):
        read("msd", clip(tmp_path / "empty" / "a.wav").parent, tags=str(lastfm(tmp_path / "tags.db")))


# MagnaTagATune, MTG-Jamendo, FMA


def magnatagatune_layout(folder):
    rows = []
    for number, directory in enumerate("0c1df2"):
        path = f"{directory}/an_artist-an_album-0{number}-title-30-59.mp3"
        clip(folder / "mp3" / path, 400 + 50 * number)
        tags = [int(number < 4), int(number % 2), 1 if number == 5 else 0]
        rows.append([100 + number, *tags, *([0] * 48), path])
    rows.append([200, 0, 0, 0, *([0] * 48), "3/no_tags-none-01-none-0-29.mp3"])
    names = ["guitar", "no voice", "slow", *(f"never {number}" for number in range(48))]
    with open(folder / "annotations_final.csv", "w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writerows([["clip_id", *names, "mp3_path"], *rows])
    return folder


def test_magnatagatune(tmp_path):
    magnatagatune_layout(tmp_path)
    (tmp_path / "mp3" / "f" / "an_artist-an_album-04-title-30-59.mp3").write_bytes(b"")
    tracks, reasons = read("magnatagatune", tmp_path)
    assert reasons.pop("200") == "has none of the 3 tags"
    assert list(reasons) == ["104"]
    assert splits(tracks) == {"100": "train", "101": "valid", "102": "train", "103": "test", "105": "train"}
    assert list(tracks["100"].labels) == ["guitar", "no voice", "slow"]
    assert positive(tracks["105"]) == {"no voice", "slow"}
    assert tracks["100"].song == "0/an_artist-an_album-00-title"


def test_the_information_of_magnatagatune_names_song_and_artist(tmp_path):
    magnatagatune_layout(tmp_path)
    header = (
        "clip_id\ttrack_number\ttitle\tartist\talbum\turl\tsegmentStart\tsegmentEnd\toriginal_url\tmp3_path"
    )
    line = "101\t1\tTitle\tSomebody\tAlbum\tu\t30\t59\to\tm"
    (tmp_path / "clip_info_final.csv").write_text(f"{header}\n{line}\n")
    tracks, _ = read("magnatagatune", tmp_path)
    known = tracks["101"]
    assert (known.song, known.artist, known.album) == ("Somebody/Album/Title", "Somebody", "Album")
    assert tracks["100"].artist == ""


def jamendo_layout(folder, audio="", suffix=".mp3"):
    lists = folder / "data" / "splits" / "split-0"
    lists.mkdir(parents=True)
    header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    songs = {"train": [(14, "genre---rock\tinstrument---piano"), (15, "genre---rock")],
             "validation": [(115, "mood/theme---happy")], "test": [(216, "genre---jazz")]}  # fmt: skip
    for name, entries in songs.items():
        lines = []
        for number, tags in entries:
            place = f"{number % 100:02}/{number}"
            lines.append(
                f"track_{number:07}\tartist_{number}\talbum_1\t{place}.mp3\t2.1\t{tags}\n",
            )
            clip(folder / audio / f"{number % 100:02}" / f"{number}.mp3", 300 + number)
            (folder / audio / f"{place}.mp3").rename(folder / audio / f"{place}{suffix}")
        (lists / f"autotagging_top50tags-{name}.tsv").write_text(header + "".join(lines))


@pytest.mark.parametrize(("audio", "suffix"), [("", ".mp3"), ("audio-low", ".low.mp3")])
def test_jamendo(tmp_path, audio, suffix):
    jamendo_layout(tmp_path, audio, suffix)
    tracks, reasons = read("jamendo", tmp_path)
    assert reasons == {}
    assert splits(tracks) == {"track_0000014": "train", "track_0000015": "train",
                              "track_0000115": "valid", "track_0000216": "test"}  # fmt: skip
    first = tracks["track_0000014"]
    assert list(first.labels) == ["genre---jazz", "genre---rock", "instrument---piano", "mood/theme---happy"]
    assert positive(first) == {"genre---rock", "instrument---piano"}
    assert (first.artist, first.album) == ("artist_14", "album_1")


def fma_layout(folder):
    metadata = folder / "fma_metadata"
    metadata.mkdir()
    (metadata / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n21,9,0,Hip-Hop,21\n10,9,0,Pop,10\n"
    )
    lines = [",set,set,track,track,artist", ",split,subset,genre_top,genres_all,name", "track_id,,,,,"]
    for number, (split, subset, genres) in enumerate(
        [("training", "small", "[21]"), ("validation", "small", "[10]"), ("test", "small", '"[10, 21]"'),
         ("test", "medium", "[10]"), ("training", "small", "[]")]
    ):  # fmt: skip
        lines.append(f"{2 + number},{split},{subset},Hip-Hop,{genres},An Artist")
        clip(folder / "fma_small" / "000" / f"{2 + number:06}.mp3", 300 + 50 * number)
    (metadata / "tracks.csv").write_text("\n".join(lines) + "\n")


def test_fma(tmp_path):
    fma_layout(tmp_path)
    tracks, reasons = read("fma", tmp_path)
    assert reasons == {"000006": "has none of the 2 tags"}
    assert splits(tracks) == {"000002": "train", "000003": "valid", "000004": "test"}
    assert positive(tracks["000004"]) == {"Hip-Hop", "Pop"}
    assert tracks["000002"].artist == "An Artist"


# GTZAN, Ballroom


def gtzan_layout(folder):
    for number in (0, 12, 29, 61, 92):
        clip(folder / "genres" / "blues" / f"blues.{number:05}.wav", 300 + number)
    return folder


def test_the_fault_filtered_split_is_the_published_one():
    assert Counter(gtzan.fault_filtered().values()) == {"train": 443, "valid": 197, "test": 290}


def test_gtzan(tmp_path):
    gtzan_layout(tmp_path)
    filtered = gtzan.fault_filtered()
    names = (f"{genre}.{number:05}" for genre in gtzan.GENRES for number in range(100))
    left_out = next(name for name in names if name not in filtered)
    clip(tmp_path / "genres" / left_out.split(".")[0] / f"{left_out}.wav", 700)
    for number, split in enumerate(("train", "valid", "test")):
        name = next(name for name in filtered if filtered[name] == split)
        clip(tmp_path / "genres" / name.split(".")[0] / f"{name}.au", 800 + 50 * number)
        (tmp_path / "genres" / name.split(".")[0] / f"{name}.wav").unlink(missing_ok=True)
    tracks, reasons = read("gtzan", tmp_path)
    assert reasons[left_out] == "not in the fault-filtered list"
    assert splits(tracks).items() <= filtered.items()
    assert set(splits(tracks).values()) == {"train", "valid", "test"}
    assert positive(next(iter(tracks.values()))) == {"blues"}
    everything, reasons = read("gtzan", tmp_path, split=[0.6, 0.2, 0.2])
    assert reasons == {}
    assert left_out in everything


@real
def test_real_gtzan(tmp_path):
    gtzan_layout(tmp_path)
    file = LAYOUTS / "gtzan_genre" / "gtzan_genre" / "genres" / "country" / "country.00000.wav"
    (tmp_path / "genres" / "country").mkdir()
    (tmp_path / "genres" / "country" / file.name).symlink_to(file)
    track = read("gtzan", tmp_path, split=[0.6, 0.2, 0.2])[0]["country.00000"]
    assert positive(track) == {"country"}
    assert len(track.audio) == pytest.approx(30 * RATE, rel=0.01)
    # the layout itself is found from above, though it is one clip and no corpus
    with pytest.raises(InputError, match=r"no file for .*Is the data set complete"):
        read("gtzan", LAYOUTS / "gtzan_genre")


def ballroom_layout(root):
    folder = root / "extendedballroom_v1.1"
    for number in range(8):
        clip(folder / ("Chacha" if number < 4 else "Waltz") / f"10{number}.mp3", 300 + 50 * number)
    (folder / "extendedballroom_v1.1.xml").write_text(
        """<extendedballroom><Chacha>
        <song id="100" artist="A" album="One" bpm="124.5" title="x"/>
        <song id="101" artist="A" album="One" bpm="124.5" title="x" exact="100"/></Chacha>
        <Waltz><song id="104" artist="B" album="" bpm="" title="y" version="101"/></Waltz>
        </extendedballroom>"""
    )


def test_ballroom(tmp_path):
    ballroom_layout(tmp_path)
    for seed in range(5):
        tracks, reasons = read("ballroom", tmp_path, seed=seed)
        assert reasons == {}
        same = [tracks[name] for name in ("Chacha/100", "Chacha/101", "Waltz/104")]
        assert len({track.song for track in same}) == len({track.split for track in same}) == 1
    assert len({track.song for track in tracks.values()}) == 6
    assert tracks["Chacha/100"].extra == {"tempo": 124.5}
    assert (positive(tracks["Waltz/107"]), tracks["Waltz/107"].extra) == ({"Waltz"}, {})
    write(tmp_path / "corpus", iter(tracks.values()))
    assert Corpus(tmp_path / "corpus").tracks["tempo"].isna().sum() == 6


@real
def test_real_ballroom(tmp_path):
    file = LAYOUTS / "ballroom" / "B_1.0" / "audio" / "Waltz" / "Media-105901.wav"
    for number in range(3):
        clip(tmp_path / "B_1.0" / "audio" / "Tango" / f"{number}.wav")
    (tmp_path / "B_1.0" / "audio" / "Waltz").mkdir()
    (tmp_path / "B_1.0" / "audio" / "Waltz" / file.name).symlink_to(file)
    track = read("ballroom", tmp_path)[0]["Waltz/Media-105901"]
    assert positive(track) == {"Waltz"}
    assert len(track.audio) == pytest.approx(30 * RATE, rel=0.1)


# What lies beside the audio


def clutter(directory, stem):
    """What may lie beside a clip of this name, and is not to be used; half a download begins as audio."""
    sound = clip(directory / "sound.wav").read_bytes()
    (directory / "sound.wav").unlink()
    for suffix in (".json", ".h5", ".txt", ".csv", ".md", ".mp3.md5", ".jpg"):
        (directory / f"{stem}{suffix}").write_bytes(b'{"no": "sound"}')
    (directory / f"{stem}.mp3.crdownload").write_bytes(sound[:5000])
    for name in (f"._{stem}.wav", f"._{stem}.mp3", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (directory / name).write_bytes(b"\0\5\x16\7")
    mac = directory / "__MACOSX" / "train" / stem
    mac.mkdir(parents=True, exist_ok=True)
    (mac / f"{stem}.wav").write_bytes(sound)


def passed(reasons):
    """The file named and the number of those passed over, by what is said of them."""
    found = {}
    for file, reason in reasons.items():
        if reason.startswith("passed over: "):
            what, _, count = reason.removeprefix("passed over: ").partition("; ")
            found[what] = (file, count)
    return found


@pytest.mark.parametrize(
    ("source", "layout", "settings", "place"),
    [("irmas", irmas_layout, {}, "IRMAS-TrainingData/cla/[cla][dru][pop_roc]0001__1"),
     ("msd", msd_layout, {}, "A/1/TRAAAAA00000000001"),
     ("gtzan", gtzan_layout, {"split": [0.6, 0.2, 0.2]}, "genres/blues/blues.00012"),
     ("ballroom", ballroom_layout, {}, "extendedballroom_v1.1/Chacha/101")],
)  # fmt: skip
def test_a_data_set_passes_over_what_is_not_its_audio(tmp_path, source, layout, settings, place):
    layout(tmp_path)
    whole, before = read(source, tmp_path, **settings)
    directory, stem = (tmp_path / place).parent, (tmp_path / place).name
    # a name that comes before that of the clip, and one that comes behind it
    for name in (f"{stem[:-1]}0", stem, f"{stem[:-1]}9"):
        clutter(directory, name)
    tracks, reasons = read(source, tmp_path, **settings)
    assert splits(tracks) == splits(whole)
    for name, track in tracks.items():
        # libsndfile leaves an MP3 with a ._ file of its name to ffmpeg, which rounds otherwise
        np.testing.assert_allclose(track.audio, whole[name].audio, rtol=0, atol=1e-5)
    said = passed(reasons)
    assert reasons.keys() - before.keys() == {file for file, _ in said.values()}
    assert set(said) == {"no audio", "half a download", "hidden"}
    file, count = said["no audio"]
    assert file.endswith(f"/{stem[:-1]}0.csv")
    assert count == "21 in all (.csv 3, .h5 3, .jpg 3, .json 3, .md 3)"
    assert said["half a download"][1] == "3 in all (.crdownload 3)"
    # six of macOS, its folder, and one of each other kind
    assert said["hidden"][1] == "10 in all (.mp3 3, .wav 3, .db 1, .ini 1)"


def test_a_preview_beside_the_files_of_the_data_set(tmp_path):
    """MSD's HDF5 and Last.fm's JSON files have the names of the previews and come before them."""
    msd_layout(tmp_path)
    for number, name in enumerate(TRACKS):
        for folder, suffix in (("A", ".h5"), ("A", ".json"), ("lastfm_train/A", ".json")):
            (tmp_path / folder / str(number)).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / str(number) / f"{name}{suffix}").write_bytes(b"\x89HDF\r\n")
    tracks, reasons = read("msd", tmp_path)
    assert sorted(tracks) == TRACKS[:10]
    assert reasons == {
        "TRZZZZZ00000000000": "has none of the 50 tags",
        f"A/0/{TRACKS[0]}.h5": "passed over: no audio; 36 in all (.json 24, .h5 12)",
    }


def test_a_preview_of_an_unknown_suffix_is_known_by_how_it_begins(tmp_path):
    msd_layout(tmp_path)
    for number, name in enumerate(TRACKS[:10]):
        file = tmp_path / "A" / str(number) / f"{name}.clip.mp3"
        file.rename(file.with_suffix((".preview", ".MP3", ".mp3_30s", "")[number % 4]))
    clip(tmp_path / "whole.wav")
    # half a download is not used, though it begins as audio does
    (tmp_path / f"{TRACKS[11]}.mp3.part").write_bytes((tmp_path / "whole.wav").read_bytes()[:9000])
    tracks, reasons = read("msd", tmp_path)
    assert sorted(tracks) == TRACKS[:10]
    assert passed(reasons)["half a download"] == (f"{TRACKS[11]}.mp3.part", "")


@pytest.mark.parametrize(
    ("source", "layout", "settings", "name", "file"),
    [("irmas", irmas_layout, {}, "cla/[cla][dru][pop_roc]0001__2.wav",
      "IRMAS-TrainingData/cla/[cla][dru][pop_roc]0001__2.wav"),
     ("msd", msd_layout, {}, TRACKS[3], f"A/3/{TRACKS[3]}.clip.mp3"),
     ("gtzan", gtzan_layout, {"split": [0.6, 0.2, 0.2]}, "blues.00012", "genres/blues/blues.00012.wav"),
     ("ballroom", ballroom_layout, {}, "Chacha/101", "extendedballroom_v1.1/Chacha/101.mp3"),
     ("magnatagatune", magnatagatune_layout, {}, "103", "mp3/d/an_artist-an_album-03-title-30-59.mp3"),
     ("fma", fma_layout, {}, "000003", "fma_small/000/000003.mp3"),
     ("jamendo", jamendo_layout, {}, "track_0000115", "15/115.mp3")],
)  # fmt: skip
def test_a_clip_in_two_formats_is_used_once(tmp_path, source, layout, settings, name, file):
    layout(tmp_path)
    file = tmp_path / file
    suffix = ".ogg" if file.suffix == ".mp3" else ".aiff"
    other = clip(tmp_path / "other.wav", 1000).rename(file.with_suffix(suffix))
    # the one that a list has is used, or else the first: .aiff before .wav, .mp3 before .ogg
    first = 1000 if source in ("irmas", "gtzan") else None
    whole = frequency_of(soundfile.read(file)[0])
    track_id = name.replace(".wav", ".aiff") if source == "irmas" else name
    tracks, reasons = read(source, tmp_path, **settings)
    assert frequency_of(tracks[track_id].audio[:, 0]) == pytest.approx(first or whole, abs=1)
    assert tracks[track_id].notes == ()
    if source in ("irmas", "msd", "gtzan", "ballroom"):
        used, unused = (other, file) if first else (file, other)
        (said,) = [key for key, reason in reasons.items() if "another file of a clip" in reason]
        assert unused.as_posix().endswith(said)
    # an empty file is no reason to leave out a clip that is there
    used = other if first else file
    used.write_bytes(b"")
    tracks, _ = read(source, tmp_path, **settings)
    expected = whole if first else 1000
    assert frequency_of(tracks[name].audio[:, 0]) == pytest.approx(expected, abs=1)
    if source in ("magnatagatune", "fma", "jamendo"):
        assert tracks[name].notes == (f"It is read from {other.name}, as {file.name} is empty.",)
    # and a clip that is empty alone is named
    (file if first else other).unlink()
    _, reasons = read(source, tmp_path, **settings)
    assert "not audio" in reasons[track_id]


@pytest.mark.parametrize(
    ("source", "layout", "settings"),
    [("irmas", irmas_layout, {}), ("msd", msd_layout, {}), ("magnatagatune", magnatagatune_layout, {}),
     ("gtzan", gtzan_layout, {"split": [0.6, 0.2, 0.2]}), ("ballroom", ballroom_layout, {}),
     ("fma", fma_layout, {}), ("jamendo", jamendo_layout, {}), ("musdb", musdb_layout, {}),
     ("debian", debian_layout,
      {"packages": ["alpha-music", "beta-data", "gamma-songs"], "shortest_piece": 3})],
)  # fmt: skip
def test_large_letters_of_a_suffix(tmp_path, source, layout, settings):
    layout(tmp_path)
    whole, _ = read(source, tmp_path, **settings)
    for path in sorted(tmp_path.rglob("*")):
        if path.suffix in (".wav", ".mp3", ".flac") and not path.is_symlink():
            path.rename(path.with_suffix(path.suffix.upper()))
    tracks, _ = read(source, tmp_path, **settings)
    assert [name.lower() for name in tracks] == [name.lower() for name in whole]


def mac_files(folder):
    """What macOS leaves in a folder, and beside it in an archive."""
    for path in sorted(folder.rglob("*"), reverse=True):
        (path.parent / f"._{path.name}").write_bytes(b"\0\5\x16\7")
        shadow = folder / "__MACOSX" / path.relative_to(folder).parent / f"._{path.name}"
        shadow.parent.mkdir(parents=True, exist_ok=True)
        shadow.write_bytes(b"\0\5\x16\7")
        if path.is_dir():
            (path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


@pytest.mark.parametrize("source", [name for name in corpora.DATA_SETS if name != "debian"])
def test_files_of_mac_os_hide_nothing(tmp_path, source):
    layout = globals()[f"{source}_layout"]
    settings = {"split": [0.6, 0.2, 0.2]} if source == "gtzan" else {}
    layout(tmp_path)
    whole, before = read(source, tmp_path, **settings)
    mac_files(tmp_path)
    tracks, reasons = read(source, tmp_path, **settings)
    assert splits(tracks) == splits(whole)
    assert len(tracks) > 2
    more = {file: reason for file, reason in reasons.items() if file not in before}
    assert all(reason.startswith("passed over: hidden") for reason in more.values())
    # a line for the whole, or, of MUSDB18, for each of its two folders
    assert len(more) == {"magnatagatune": 0, "fma": 0, "jamendo": 0, "musdb": 2}.get(source, 1)


def test_a_folder_of_mac_os_is_no_landmark(tmp_path):
    musdb_layout(tmp_path)
    whole, _ = read("musdb", tmp_path)
    for part in ("train", "test"):
        (tmp_path / "__MACOSX" / part).mkdir(parents=True)
        song_folder(tmp_path / ".old" / part / "Somebody - Old", 5.0)
    tracks, reasons = read("musdb", tmp_path)
    assert (splits(tracks), reasons) == (splits(whole), {})


def test_musdb_beside_other_files(tmp_path):
    musdb_layout(tmp_path)
    whole, _ = read("musdb", tmp_path)
    training = tmp_path / "musdb18" / "train"
    # a stem file that macOS left hid all folders; a stem file of one song, those of the others
    (training / "._A - B.stem.mp4").write_bytes(b"\0\5\x16\7")
    (training / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    stem_file(training / "Another - Song", 5.0)
    stem_file(tmp_path / "there" / "both", 6.0)
    (tmp_path / "there" / "both.stem.mp4").rename(training / "Artist 1 - Song: the 1th.STEM.MP4")
    (training / "notes.txt").write_text("no stems")
    (training / "scans").mkdir()
    (training / "scans" / "cover.jpg").write_bytes(b"no stems")
    # and an empty one does not hide the folder of its song
    (training / "Artist 2 - Song: the 2th.stem.mp4").write_bytes(b"")
    tracks, reasons = read("musdb", tmp_path)
    assert sorted(tracks) == sorted([*whole, "Another - Song"])
    assert len(tracks["Artist 1 - Song: the 1th"].stems) == pytest.approx(6 * RATE, abs=0.1 * RATE)
    assert reasons == {
        "musdb18/train/.DS_Store": "passed over: hidden; 2 in all (.mp4 1)",
        "musdb18/train/notes.txt": "passed over: no stem file",
        "musdb18/train/scans": "passed over: a folder without stems",
        "musdb18/train/Artist 1 - Song: the 1th":
            "passed over: a song of which another file is used; 2 in all (.mp4 1)",
    }  # fmt: skip


# All


@pytest.mark.parametrize("source", corpora.DATA_SETS)
def test_what_is_not_the_data_set_is_told(tmp_path, source):
    with pytest.raises(InputError, match=r"nowhere: there is no such folder"):
        read(source, tmp_path / "nowhere")
    clip(tmp_path / "music" / "song.wav")
    with pytest.raises(InputError) as caught:
        read(source, tmp_path / "music")
    assert str(tmp_path / "music") in str(caught.value)


@pytest.mark.pipeline
def test_snakemake_builds_every_data_set(tmp_path):
    run = Run(tmp_path, "sets")
    layouts = {
        "irmas": irmas_layout,
        "musdb": musdb_layout,
        "msd": msd_layout,
        "magnatagatune": magnatagatune_layout,
        "jamendo": jamendo_layout,
        "fma": fma_layout,
        "gtzan": gtzan_layout,
        "ballroom": ballroom_layout,
        "debian": debian_layout,
    }
    assert set(layouts) == set(corpora.DATA_SETS)
    for name, layout in layouts.items():
        folder = tmp_path / "sets" / name
        folder.mkdir(parents=True)
        layout(folder)
    settings = {
        "corpora": {
            name: {"source": name, "path": f"sets/{name}", "excerpts": 2, "shortest": 2.0} for name in layouts
        },
        "consistency": {"corpus": "gtzan"},
        "tasks": [],
        "encoders": ["MFCC"],
    }
    settings["corpora"]["gtzan"]["split"] = [0.6, 0.2, 0.2]
    settings["corpora"]["debian"] |= {
        "packages": sorted(path.name for path in (tmp_path / "sets" / "debian").iterdir()),
        "shortest_piece": 3,
    }
    (tmp_path / "workflow" / "presets" / "sets.yaml").write_text(json.dumps(settings))
    run.snakemake(*(f"data/corpora/{name}/tracks.parquet" for name in layouts))
    for name in layouts:
        corpus = Corpus(tmp_path / "data" / "corpora" / name)
        assert {"train", "valid", "test"} == set(corpus.tracks["split"]), name
        assert corpus.has_stems == (name == "musdb")
        assert (len(corpus.labels.columns) > 0) == (name not in ("musdb", "debian"))
        assert corpus.audio(0, 0, RATE).any() if name != "musdb" else corpus.stems(0, 0, RATE).any()


def test_the_split_of_the_configuration_deals_all_out_anew(tmp_path):
    irmas_layout(tmp_path, songs=20)
    counts = Counter(splits(read("irmas", tmp_path, split=[0.5, 0.25, 0.25])[0]).values())
    assert counts == {"train": 30, "valid": 15, "test": 15}


def test_workers_and_seed(tmp_path):
    irmas_layout(tmp_path)
    one, four = (read("irmas", tmp_path, workers=workers)[0] for workers in (1, 4))
    assert list(one) == list(four)
    assert splits(one) == splits(four)
    for name in one:
        np.testing.assert_array_equal(one[name].audio, four[name].audio)
    assert splits(read("irmas", tmp_path, seed=1)[0]) != splits(one)


def test_what_a_source_provides():
    provided = {name: corpora.source(name).provides({}) for name in corpora.DATA_SETS}
    assert provided == {
        "irmas": {"instruments"}, "musdb": {"stems"}, "msd": {"tags"}, "magnatagatune": {"tags"},
        "jamendo": {"tags"}, "fma": {"tags"}, "gtzan": {"genres"}, "ballroom": {"genres"},
        "debian": set(),
    }  # fmt: skip
