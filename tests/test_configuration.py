import copy
import functools
import os
from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config

from relatives import configuration, corpora
from relatives.errors import InputError

ROOT = Path(__file__).parents[1]


def merged(base, overlay):
    """`overlay` laid over `base` as Snakemake does it: dictionaries key by key, all else whole."""
    base = copy.deepcopy(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = merged(base[key], value) if both else value
    return base


@pytest.fixture(scope="module")
def shipped():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def complaint(config):
    with pytest.raises(InputError) as error:
        configuration.check(config)
    return str(error.value)


def test_the_shipped_configuration_is_valid_with_every_preset(shipped, tmp_path):
    configuration.check(shipped)
    for preset in (ROOT / "workflow" / "presets").glob("*.yaml"):
        config = merged(shipped, yaml.safe_load(preset.read_text()))
        for corpus in config["corpora"].values():
            if "path" in corpus:
                corpus["path"] = str(tmp_path)
        configuration.check(config)


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ({"trails": 3}, ["trails", "no such setting", "'trials'"]),
        ({"training": {"widht": 3}}, ["training.widht", "'width'"]),
        ({"corpora": {"tagging": {"sonqs": 3}}}, ["corpora.tagging.sonqs", "'songs'"]),
        ({"trials": 0}, ["trials", "0"]),
        ({"trials": "two"}, ["trials", "'two'"]),
        ({"tasks": ["AE", "XX"]}, ["tasks.1", "XX"]),
        ({"transformations": {"PS": [0.5, 99]}}, ["transformations.PS", "99", "semitones", "24"]),
        ({"transformations": {"MP": [100]}}, ["transformations.MP", "100", "kb/s"]),
        ({"transformations": {"QS": [1]}}, ["transformations.QS", "no such setting"]),
        ({"training": {"AT": {"corpus": "separation"}}}, ["training.AT.corpus", "tags", "'separation'"]),
        ({"training": {"VS": {"corpus": "tagging"}}}, ["training.VS.corpus", "stems", "'tagging'"]),
        ({"training": {"AE": {"corpus": "tagign"}}}, ["training.AE.corpus", "tagign", "tagging"]),
        (
            {"corpora": {"separation": {"recording": {"noise": -50, "mp3": None}}}},
            ["separation.recording", "sum of its stems"],
        ),
        (
            {"corpora": {"separation": {"recording": {"noise": None, "mp3": 128}}}},
            ["separation.recording", "sum of its stems"],
        ),
        (
            {"corpora": {"tagging": {"recording": {"mp3": 130}}}},
            ["corpora.tagging.recording.mp3", "130", "kb/s"],
        ),
        ({"corpora": {"tagging": {"recording": {"noise": 3}}}}, ["corpora.tagging.recording.noise", "3"]),
        (
            {
                "corpora": {
                    "mine": {
                        "source": "synthetic",
                        "kind": "tagging",
                        "songs": 9,
                        "seconds": 3,
                        "excerpts": 2,
                        "split": [0.4, 0.3, 0.3],
                    }
                }
            },
            ["corpora.mine", "'recording' is a required"],
        ),
        (
            {"corpora": {"mine": {"source": "gtzan", "excerpts": 9, "duplicates": "drop"}}},
            ["corpora.mine.duplicates", "'drop'", "leave_out", "one_split", "keep"],
        ),
        ({"corpora": {"tagging": {"duplicates": "keep"}}}, ["corpora.tagging.duplicates", "no such setting"]),
        ({"consistency": {"corpus": "nowhere"}}, ["consistency.corpus", "nowhere"]),
        ({"corpora": {"tagging": {"split": [0.5, 0.1, 0.1]}}}, ["corpora.tagging.split", "0.7"]),
        ({"excerpts": {"window": 1.0}}, ["excerpts.window", "shorter"]),
        ({"training": {"frames": 200}}, ["training.frames", "200", "173"]),
        ({"consistency": {"subsequence": 90}}, ["consistency.subsequence", "90", "87"]),
        ({"tasks": [], "encoders": ["VGG"]}, ["tasks", "no latent space"]),
        ({"transformations": dict.fromkeys(["PS", "TS", "PN", "EN", "MP"])}, ["transformations", "left out"]),
        ({"noise": {"recording": "no/such.ogg"}}, ["noise.recording", "no/such.ogg"]),
        ({"noise": {"recording": "~nobody-of-this-name/a.ogg"}}, ["noise.recording", "~nobody"]),
        ({"noise": {"recording": "x" * 5000}}, ["noise.recording", "there is no file"]),
        ({"noise": {"recording": "a\nb"}}, ["noise.recording", "a\\nb"]),
        ({"trials": 2.0}, ["trials: 2.0", "integer"]),
        ({"excerpts": {"seconds": float("nan")}}, ["excerpts.seconds: nan", "number"]),
        ({"excerpts": {"window": float("inf")}}, ["excerpts.window: inf", "number"]),
        ({"transformations": {"PS": [10**400]}}, ["transformations.PS"]),
        ({1: 2}, ["the key 1 is no text"]),
        ({"corpora": {"mine\n": {"source": "irmas", "excerpts": 9}}}, ["corpora", "mine\\n"]),
        ({"tasks": ["AE"] * 200_000}, ["tasks", "100000 values"]),
    ],
)
def test_what_is_wrong_is_named(shipped, overlay, words):
    message = complaint(merged(shipped, overlay))
    assert all(word in message for word in words), message


def test_a_folder_is_checked_before_anything_runs(shipped, tmp_path):
    settings = {"source": "folder", "path": str(tmp_path / "gone"), "split": [0.6, 0.2, 0.2], "excerpts": 10}
    config = merged(shipped, {"corpora": {"mine": settings}})
    assert "corpora.mine.path" in complaint(config)
    settings["path"] = str(tmp_path)
    config = merged(shipped, {"corpora": {"mine": settings}, "training": {"AT": {"corpus": "mine"}}})
    assert "task AT needs tags" in complaint(config)


def test_the_recording_of_composed_music_can_be_turned_off(shipped):
    off = {"noise": None, "mp3": None}
    configuration.check(
        merged(shipped, {"corpora": {name: {"recording": off} for name in ("tagging", "separation")}})
    )


def test_a_data_set_is_a_line(shipped, tmp_path):
    def line(**settings):
        return merged(shipped, {"corpora": {"mine": {"excerpts": 10, **settings}}})

    for source in corpora.DATA_SETS:
        configuration.check(line(source=source))
        configuration.check(line(source=source, path=str(tmp_path), split=[0.5, 0.2, 0.3]))
        assert "corpora.mine.path: there is no folder" in complaint(line(source=source, path="no/where"))
    config = merged(line(source="musdb"), {"training": {"VS": {"corpus": "mine"}, "AT": {"corpus": "mine"}}})
    assert "task AT needs tags" in complaint(config)
    assert "corpora.mine.songs" in complaint(line(source="irmas", songs=3))
    assert "'path' is a required" in complaint(line(source="folder", split=[0.5, 0.2, 0.3]))
    assert "'irmas'" in complaint(line(source="irmass"))
    assert "corpora.mine.tags: there is no file" in complaint(line(source="msd", tags="no.db"))
    assert "only msd needs a file" in complaint(line(source="fma", tags=str(tmp_path)))


def test_all_faults_are_told_at_once(shipped):
    message = complaint(merged(shipped, {"trails": 3, "training": {"widht": 1}}))
    assert "trails" in message
    assert "widht" in message


def base_loaded(text):
    """A value of ``--config`` as Snakemake 9.27 hands it on: all scalars inside of it are text."""
    return yaml.load(text, yaml.BaseLoader)


def from_command_line(shipped, text):
    given = base_loaded(text)
    config = merged(shipped, given)
    configuration.read_command_line(config, given)
    return config


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("{corpora: {tagging: {excerpts: 150}}}", "corpora.tagging.excerpts", 150),
        ("{corpora: {tagging: {split: [0.6, 0.1, 0.3]}}}", "corpora.tagging.split", [0.6, 0.1, 0.3]),
        ("{consistency: {own_pairs: false}}", "consistency.own_pairs", False),
        ("{training: {amsgrad: TRUE}}", "training.amsgrad", True),
        ("{training: {explosion: null}}", "training.explosion", None),
        ("{training: {patience: ~}}", "training.patience", None),
        ("{training: {patience: }}", "training.patience", None),
        ("{training: {rate: 1e-3}}", "training.rate", 0.001),
        ("{training: {rate: 2.5e-4}}", "training.rate", 0.00025),
        ("{training: {weight_decay: 1e2}}", "training.weight_decay", 100.0),
        ("{training: {explosion: 1E+2}}", "training.explosion", 100.0),
        ("{noise: {seconds: .5e2}}", "noise.seconds", 50.0),
        ("{transformations: {PS: [-.5, +.5, -5.e-1]}}", "transformations.PS", [-0.5, 0.5, -0.5]),
        # without a fraction it is a whole number where the schema wants one
        ("{corpora: {tagging: {excerpts: 1e2}}}", "corpora.tagging.excerpts", 100),
        ("{corpora: {tagging: {excerpts: 150.0}}}", "corpora.tagging.excerpts", 150),
        ("{corpora: {tagging: {recording: {mp3: 1.28E+2}}}}", "corpora.tagging.recording.mp3", 128),
        ("{training: {AE: {steps: {VGG: 2.5e3, MFCC: 1e3}}}}", "training.AE.steps.VGG", 2500),
        ("{training: {patience: 2e1}}", "training.patience", 20),
        ("{training: {channels: [4, 8e0]}}", "training.channels", [4, 8]),
        ("{encoders: [MFCC, {name: a, hear: b, sample_rate: 1.6e4}]}", "encoders.1.sample_rate", 16000),
        ("{training: {width: 010}}", "training.width", 10),
        ("{training: {width: 0x10}}", "training.width", 16),
        ("{training: {width: 1_000}}", "training.width", 1000),
        # with one it is not
        ("{trials: 1.5e0}", "trials", 1.5),
        ("{trials: 1e-3}", "trials", 0.001),
        ("{trials: 1e30}", "trials", 1e30),
        ("{transformations: {PS: [-12, +0.25, .5], TS: null}}", "transformations.PS", [-12, 0.25, 0.5]),
        ("{transformations: {TS: null}}", "transformations.TS", None),
        ("{tasks: [AE, AT]}", "tasks", ["AE", "AT"]),
        ("{tasks: []}", "tasks", []),
        ("{trials: 3}", "trials", 3),
        # where the schema wants a text, it stays one, as the quotes of the command line are lost
        ('{corpora: {new: {source: gtzan, excerpts: 9, path: "123"}}}', "corpora.new.path", "123"),
        (
            "{corpora: {new: {source: gtzan, excerpts: 9, path: 2001-01-01}}}",
            "corpora.new.path",
            "2001-01-01",
        ),
        ("{corpora: {new: {source: gtzan, excerpts: 9, path: ~}}}", "corpora.new.path", "~"),
        ("{consistency: {corpus: on}}", "consistency.corpus", "on"),
        ("{consistency: {corpus: 1e2}}", "consistency.corpus", "1e2"),
        ("{noise: {recording: null}}", "noise.recording", None),
        ("{encoders: [MFCC, {name: a, hear: b, sample_rate: 16000}]}", "encoders.1.sample_rate", 16000),
        ("{encoders: [MFCC, {name: 5, torchscript: 7}]}", "encoders.1.torchscript", "7"),
        # what is no number in YAML either
        ("{training: {rate: fast}}", "training.rate", "fast"),
        ("{training: {rate: 1e}}", "training.rate", "1e"),
        ("{seed: _}", "seed", "_"),
    ],
)
def test_the_command_line_is_read_as_yaml(shipped, text, keys, value):
    found = from_command_line(shipped, text)
    for key in keys.split("."):
        found = found[int(key) if isinstance(found, list) else key]
    assert repr(found) == repr(value)  # 8.0 is no 8, also within a list


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("trials=1e1", "trials", 10),
        ("trials=3.0", "trials", 3),
        ("seed=1E3", "seed", 1000),
        ("trials=2.5", "trials", 2.5),
        ("corpora={tagging: {excerpts: 1e2}}", "corpora.tagging.excerpts", 100),
        ("training={rate: 1e-3, patience: 1e1}", "training.rate", 0.001),
        ("noise={seconds: 1e2}", "noise.seconds", 100.0),
        ("transformations={PS: [1e0, -.5]}", "transformations.PS", [1.0, -0.5]),
    ],
)
def test_what_snakemake_hands_on_is_read(shipped, text, keys, value):
    """Outside of braces Snakemake reads a number by itself, inside of them it leaves it a text."""
    given = parse_config([text])
    config = merged(shipped, given)
    configuration.read_command_line(config, given)
    found = functools.reduce(lambda level, key: level[key], keys.split("."), config)
    assert repr(found) == repr(value)


def test_a_number_in_a_file_that_yaml_takes_for_a_text_is_named_with_the_way_out(shipped):
    def of_file(text):
        return complaint(merged(shipped, yaml.safe_load(text)))

    way = "; YAML took it for a text, so write {} without quotes"
    message = of_file("training: {rate: 1e-3}")
    assert f"training.rate: '1e-3' is not of type 'number'{way.format('0.001')}" in message
    assert way.format("1.0e-09") in of_file("training: {rate: 1e-9}")
    assert yaml.safe_load("1.0e-09") == 1e-9
    assert way.format("100") in of_file("corpora: {tagging: {excerpts: 1e2}}")
    assert way.format("150") in of_file("corpora: {tagging: {excerpts: '150'}}")
    for text in ("two", "1e999"):
        assert "for a text" not in of_file(f"trials: {text}")


def test_settings_of_a_file_keep_their_quotes(shipped):
    of_file = {"corpora": {"mine": {"source": "gtzan", "path": "123", "excerpts": "9"}}, "trials": "2"}
    given = base_loaded("{corpora: {mine: {split: [0.5, 0.2, 0.3]}}}")
    config = merged(merged(shipped, of_file), given)
    configuration.read_command_line(config, given)
    mine = config["corpora"]["mine"]
    assert mine == {"source": "gtzan", "path": "123", "excerpts": "9", "split": [0.5, 0.2, 0.3]}
    assert config["trials"] == "2"
    assert config["seed"] == shipped["seed"]


def test_a_command_line_without_an_end_is_left_to_the_check(shipped):
    given = {"tasks": []}
    given["tasks"].append(given["tasks"])
    config = merged(shipped, given)
    configuration.read_command_line(config, given)
    assert "does an alias name itself" in complaint(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{consistency: {own_pairs: flase}}", ["consistency.own_pairs: 'flase'", "boolean"]),
        ("{consistency: {dtw: on}}", ["consistency.dtw: 'on'", "'exact'"]),
        ("{trials: 1e30}", ["trials: 1e+30", "'integer'"]),
        ("{bootstrap: {levl: 0.9}}", ["bootstrap.levl", "'level'"]),
        ("{bootstrap: {level: 90}}", ["bootstrap.level: 90", "maximum of 1"]),
        ("{transformations: {PS: [-1, x]}}", ["transformations.PS.1: 'x' is not of type 'number'"]),
        ("{transformations: {PS: foo}}", ["transformations.PS: 'foo'", "'null'", "'study'", "'array'"]),
        ("{corpora: {music: {path:/music: }}}", ["corpora.music.path:/music", "a space follows each colon"]),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named(shipped, text, words):
    message = complaint(from_command_line(shipped, text))
    assert all(word in message for word in words), message


def test_the_grid_of_a_run(shipped):
    grid = configuration.magnitudes(shipped)
    assert list(grid) == ["OG", "PS", "TS", "PN", "EN", "MP"]
    assert sum(map(len, grid.values())) == 95
    config = merged(shipped, {"transformations": {"PS": [-1, 1], "TS": None}})
    grid = configuration.magnitudes(config)
    assert grid["PS"] == [-1.0, 1.0]
    assert "TS" not in grid


def test_the_hop_is_that_of_the_spectrograms():
    from relatives.features import spectrogram

    assert configuration.STFT_HOP == spectrogram.HOP


def test_spaces_corpora_and_blocks_of_a_run(shipped):
    assert configuration.spaces(shipped) == {
        "mfcc": 1, "AE": 3, "AT": 3, "IR": 3, "VS": 3, "untrained": 3,
    }  # fmt: skip
    assert configuration.spaces(merged(shipped, {"encoders": ["MFCC"]})) == {"mfcc": 1}
    assert configuration.corpora_in_use(merged(shipped, {"tasks": ["VS"]})) == ["tagging", "separation"]
    assert configuration.blocks(merged(shipped, {"excerpts": {"block": 40}}), "tagging") == [0, 1, 2]


def test_the_contents_of_a_folder_are_followed(shipped, tmp_path):
    settings = {"source": "folder", "path": str(tmp_path), "split": [0.6, 0.2, 0.2], "excerpts": 10}
    config = merged(shipped, {"corpora": {"mine": settings}})
    song = tmp_path / "song.wav"

    def after(content, time):
        song.write_bytes(content)
        os.utime(song, ns=(time, time))
        return configuration.contents(config, "mine")

    empty = configuration.contents(config, "mine")
    first = after(b"1", 10**9)
    assert len({empty, first, after(b"12", 10**9), after(b"1", 2 * 10**9)}) == 4
    assert after(b"1", 10**9) == first
    assert configuration.contents(config, "tagging") is None
    one = configuration.contents(config, "mine")
    (tmp_path / ".hidden").write_bytes(b"1")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    assert configuration.contents(config, "mine") == one
