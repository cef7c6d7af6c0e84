"""The configuration: checked before the first job, and what follows from it.

`check` holds config.yaml, with whatever is laid over it, against ``workflow/schemas/config.schema.yaml`` and
against what only the package knows: the ranges of the magnitudes, the labels that a corpus provides. The
other functions answer what the rules ask: which corpora, blocks, magnitudes and spaces this run has.
"""

import difflib
import functools
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from relatives import corpora, own_encoders, provenance, transforms
from relatives.corpora import folder
from relatives.errors import InputError, shown
from relatives.features import mfcc
from relatives.inputs import is_file, is_folder
from relatives.models import UNTRAINED
from relatives.tasks import TASKS

STFT_HOP = 256  # samples, that of features.spectrogram, which would bring torch along

ARCHITECTURE = ("width", "channels", "frames", "fully_connected")
"""The settings under `training` that say what a network is; the others say how it is trained."""

DEEPEST, MOST = 20, 100_000  # levels and values of a configuration; a few lines of YAML can name billions
DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
LARGEST = 1e15  # of numbers: in all units far beyond use, and exact

Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            # 2.0 counts nothing in Python, though JSON calls it an integer; NaN and infinity are no numbers
            "integer": lambda _, value: isinstance(value, int) and _is_number(value),
            "number": lambda _, value: _is_number(value),
        }
    ),
)
"""What holds a configuration against the schema."""

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"


def check(config: dict) -> None:
    """Raise an `InputError` that lists everything wrong with `config`, each with its key and the way out."""
    faults = list(_no_settings(config))
    if not faults:
        faults = [fault for error in _validator().iter_errors(config) for fault in _in_words(error)]
    if not faults:
        checks = (_wrong_encoders, _wrong_corpora, _wrong_magnitudes, _wrong_lengths, _nothing_left)
        faults = [fault for find in checks for fault in find(config)]
    if faults:
        raise InputError(
            "the configuration is not valid:\n  " + "\n  ".join(dict.fromkeys(map(shown, faults)))
        )


def read_command_line(config: dict, given: Mapping) -> None:
    """Lay the settings of ``--config`` over `config`, each text in them read as YAML reads it.

    Snakemake 9.27 hands on a number, ``true`` or ``null`` inside of braces or brackets as text, whether it
    was written with quotes or without. So a text becomes what YAML makes of it without quotes, except where
    the schema wants a text. A number without a fraction, such as ``1e2`` or ``3.0``, is a whole number where
    the schema wants one. Settings of files are left alone: there the quotes still count.

    Parameters
    ----------
    config : dict
        The whole configuration, `given` already laid over it. It is changed in place.
    given : mapping
        What the command line says, as Snakemake hands it on: ``workflow.config_settings.config``.

    Examples
    --------
    >>> config = {"noise": {"recording": "null", "seconds": "2.5e1"}, "trials": "1e1"}
    >>> read_command_line(config, config)
    >>> config
    {'noise': {'recording': None, 'seconds': 25.0}, 'trials': 10}
    """
    if any(_no_settings(config)):  # which `check` tells; an alias that names itself has no end
        return
    handed_on = {}
    _lay_over(config, _as_yaml(given, (), handed_on))
    for error in _validator().iter_errors(config):
        keys = tuple(error.absolute_path)
        if keys in handed_on:
            holder = functools.reduce(lambda level, key: level[key], keys[:-1], config)
            holder[keys[-1]] = _as_wanted(error, handed_on[keys])


def corpus_of(config: dict, task: str) -> str:
    """The corpus that `task` is trained and tested on."""
    return config["training"][task]["corpus"]


def corpora_in_use(config: dict) -> list[str]:
    """The corpora that this run tests on, in the order of the configuration."""
    used = {config["consistency"]["corpus"], *(corpus_of(config, task) for task in networks(config)["task"])}
    return [corpus for corpus in config["corpora"] if corpus in used]


def provides(config: dict, corpus: str) -> set[str]:
    """What `corpus` has beside its audio: of ``tags``, ``instruments``, ``stems``."""
    settings = config["corpora"][corpus]
    return corpora.source(settings["source"]).provides(settings)


def contents(config: dict, corpus: str) -> str | None:
    """A digest of the names, sizes and times of the files under a corpus' ``path``; None where it has none.

    It stands among the parameters of the rule that reads the folder, so that a file added or changed is
    noticed.
    """
    settings = config["corpora"][corpus]
    if "path" not in settings:
        return None
    return provenance.of_files(folder.find(corpora.place(settings)))


def downloaded(config: dict, corpus: str) -> list[str]:
    """The mark of a public data set that the pipeline keeps itself; nothing for music that is elsewhere."""
    settings = config["corpora"][corpus]
    ours = settings["source"] in corpora.DATA_SETS and "path" not in settings
    return [(corpora.place(settings) / "complete").as_posix()] if ours else []


def packages(config: dict) -> list[str]:
    """The packages of all corpora of the source debian that the pipeline keeps itself, each once.

    They share a folder. Where there is no such corpus, the default ones.
    """
    default = corpora.source("debian").PACKAGES
    ours = [
        settings.get("packages", default)
        for settings in config["corpora"].values()
        if settings["source"] == "debian" and "path" not in settings
    ]
    return list(dict.fromkeys(entry for entries in ours or [default] for entry in entries))


def fastest(config: dict) -> float:
    """The largest ratio of tempo to which this run shifts; 1 where it speeds nothing up."""
    return max(1.0, *magnitudes(config).get("TS", [1.0]))


def shortest(config: dict, corpus: str) -> float | None:
    """Seconds that a track of `corpus` must last; None of music that is composed to a length.

    Where its settings do not say it, a track must fill an excerpt with sound at the fastest tempo.
    """
    settings = config["corpora"][corpus]
    if settings["source"] == "synthetic":
        return None
    own = settings.get("shortest")
    return config["excerpts"]["seconds"] * fastest(config) if own is None else own


def blocks(config: dict, corpus: str) -> list[int]:
    """The numbers of the blocks into which the test excerpts of `corpus` are cut."""
    return list(range(math.ceil(config["corpora"][corpus]["excerpts"] / config["excerpts"]["block"])))


def magnitudes(config: dict) -> dict[str, list[float]]:
    """The magnitudes of every transformation of this run, the original first, as the one magnitude of OG."""
    asked = {name: config["transformations"].get(name) for name in transforms.GRID}
    grid = {
        name: list(transforms.GRID[name] if asked[name] == "study" else asked[name])
        for name in asked
        if asked[name]
    }
    return {
        "OG": [0.0],
        **{name: [float(magnitude) for magnitude in values] for name, values in grid.items()},
    }


def spaces(config: dict) -> dict[str, int]:
    """The latent spaces of this run with their numbers of trials.

    MFCC and an encoder of the user's own have one, nothing in them is random. An untrained network stands
    beside those that are trained, drawn as often as each of them.
    """
    trained = [*config["tasks"], UNTRAINED] if config["tasks"] and "VGG" in config["encoders"] else []
    mfcc = {"mfcc": 1} if "MFCC" in config["encoders"] else {}
    return {**mfcc, **dict.fromkeys(trained, config["trials"]), **dict.fromkeys(own(config), 1)}


def architecture(config: dict) -> dict:
    """The settings of `models.networks` that all networks of this run share."""
    samples = round(config["excerpts"]["seconds"] * config["audio"]["sample_rate"])
    return {
        **{name: config["training"][name] for name in ARCHITECTURE},
        "top_db": config["features"]["top_db"],
        "samples": samples,
        "sample_rate": config["audio"]["sample_rate"],
    }


def own(config: dict) -> dict[str, dict]:
    """The settings of the user's own encoders by name."""
    return {entry["name"]: entry for entry in config["encoders"] if isinstance(entry, dict)}


def networks(config: dict) -> dict[str, list[str]]:
    """Each ``task`` and each ``encoder`` of the networks of this run; it trains all pairs of the two.

    Where the encoders are the user's alone, nothing is trained and there are no tasks.
    """
    encoders = [entry for entry in config["encoders"] if isinstance(entry, str)]
    return {"task": config["tasks"] if encoders else [], "encoder": encoders}


@functools.cache
def _validator() -> Validator:
    return Validator(yaml.safe_load(SCHEMA.read_text()))


def _as_yaml(value: object, keys: tuple, handed_on: dict[tuple, object]) -> object:
    """`value` with its texts read as YAML; `handed_on` gets what each value was before, by its keys."""
    if isinstance(value, Mapping):
        return {key: _as_yaml(held, (*keys, key), handed_on) for key, held in value.items()}
    if isinstance(value, list):
        return [_as_yaml(held, (*keys, place), handed_on) for place, held in enumerate(value)]
    handed_on[keys] = value
    return _scalar(value) if isinstance(value, str) else value


def _as_wanted(error: ValidationError, handed_on: object) -> object:
    """The value that `error` complains of, as the schema wants it if it is only of another type."""
    wanted, value = _types(error), error.instance
    if "string" in wanted and isinstance(handed_on, str):
        return handed_on
    if "integer" in wanted and isinstance(value, float) and _is_number(value) and value.is_integer():
        return int(value)
    return value


def _types(error: ValidationError) -> list[str]:
    """The types of which the schema wants one, where `error` is that the value has none of them."""
    if error.validator == "type":
        return error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    texts = error.validator == "enum" and all(isinstance(option, str) for option in error.validator_value)
    return ["string"] if texts else []


def _scalar(text: str) -> object:
    """A text without quotes as YAML reads it: None, a boolean, a number, or the same text.

    Three things differ. ``1e-3``, ``.5e3`` and ``-.5`` are numbers, as in YAML 1.2; the older YAML of
    config.yaml wants ``1.0e-3``. ``010`` is 10, as Snakemake reads it outside of braces, and not 8. A date
    stays text, as no setting is one.
    """
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    try:
        if DECIMAL.fullmatch(text):
            return float(text) if set(text) & set(".eE") else int(text)
        if tag.rpartition(":")[2] in ("null", "bool", "int", "float"):
            return loader.construct_object(yaml.ScalarNode(tag, text))
    except ValueError:  # thousands of digits; "_" alone
        pass
    return text


def _lay_over(config: dict, values: dict) -> None:
    """Lay `values` over `config` as Snakemake does it: dictionaries key by key, all else whole."""
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _lay_over(config[key], value)
        else:
            config[key] = value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _no_settings(config: dict) -> Iterator[str]:
    """Why a value is no tree of settings at all: keys that are no text, too many or too deep."""
    waiting, seen = [((), config)], 0
    while waiting:
        keys, value = waiting.pop()
        where, seen = ".".join(map(str, keys)), seen + 1
        if len(keys) > DEEPEST or seen > MOST:
            yield f"{where[:80]}: more than {DEEPEST} levels or {MOST} values; does an alias name itself?"
            return
        if isinstance(value, dict):
            if strange := [key for key in value if not isinstance(key, str)]:
                yield f"{where or 'config'}: the key {strange[0]!r} is no text; put it in quotes"
                return
            waiting += [((*keys, key), held) for key, held in value.items()]
        elif isinstance(value, list | tuple | set):
            waiting += [((*keys, place), held) for place, held in enumerate(value)]


def _in_words(error: ValidationError) -> Iterator[str]:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        for key in sorted(set(error.instance) - set(known), key=str):
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            name = f"{where}.{key}" if where else str(key)
            space = "; in YAML a space follows each colon" if ":" in name else ""
            yield f"{name}: there is no such setting; the nearest is {near[0]!r}{space}"
    elif error.validator == "oneOf" and error.context:
        # What is wrong inside of the list that was given, or else what may stand in its place
        inside = [wrong for wrong in error.context if len(wrong.absolute_path) > len(error.absolute_path)]
        for wrong in inside:
            yield from _in_words(wrong)
        if not inside:
            yield f"{where}: {' and '.join(wrong.message for wrong in error.context)}"
    else:
        # it quotes the value, of whatever length
        words = (
            error.message if len(error.message) < 400 else f"{error.message[:250]} … {error.message[-100:]}"
        )
        yield f"{where or 'config'}: {words}{_number_in_text(error)}"


def _number_in_text(error: ValidationError) -> str:
    """How to write a number that is a text in its file: ``"150"`` has quotes, ``1e-3`` lacks a point."""
    text = error.instance
    if not isinstance(text, str) or not {"number", "integer"} & set(_types(error)):
        return ""
    if not DECIMAL.fullmatch(text) or not _is_number(value := float(text)):
        return ""
    number = f"{value:.0f}" if value.is_integer() else repr(value)
    if "e" in number and "." not in number:
        number = number.replace("e", ".0e")
    return f"; YAML took it for a text, so write {number} without quotes"


def _wrong_encoders(config: dict) -> Iterator[str]:
    # Of a space, and of a folder on a disk that may not tell large letters from small
    taken = {name.lower(): "is taken" for name in ("audio", "MFCC", "VGG", UNTRAINED, *TASKS)}
    for place, entry in enumerate(config["encoders"]):
        if isinstance(entry, dict):
            name = entry["name"]
            if name.lower() in taken:
                yield f"encoders.{place}.name: {name!r} {taken[name.lower()]}; give the encoder another name"
            taken[name.lower()] = "is the name of two encoders"
            for key, words in own_encoders.faults(entry):
                yield f"encoders.{place}{'.' if key else ''}{key}: encoder {name!r}: {words}"


def _wrong_corpora(config: dict) -> Iterator[str]:
    asked = {"consistency.corpus": config["consistency"]["corpus"]}
    asked |= {f"training.{task}.corpus": corpus_of(config, task) for task in networks(config)["task"]}
    for key, corpus in asked.items():
        if corpus not in config["corpora"]:
            yield f"{key}: there is no corpus {corpus!r} among corpora ({', '.join(config['corpora'])})"
    for task in networks(config)["task"]:
        corpus = corpus_of(config, task)
        missing = TASKS[task].needs - provides(config, corpus) if corpus in config["corpora"] else set()
        if missing:
            yield (
                f"training.{task}.corpus: task {task} needs {' and '.join(missing)}, which corpus {corpus!r} "
                f"does not have; name another corpus, or leave {task} out of tasks"
            )
    for corpus in config["corpora"]:
        settings = config["corpora"][corpus]
        shares = settings.get("split", [1.0])
        if not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
            yield f"corpora.{corpus}.split: the shares {shares} sum to {sum(shares):g}, not to 1"
        if "path" in settings and not is_folder(settings["path"]):
            yield f"corpora.{corpus}.path: there is no folder {settings['path']}"
        own, seconds = settings.get("shortest"), config["excerpts"]["seconds"]
        if own is not None and own < seconds:
            yield f"corpora.{corpus}.shortest: {own:g} s is shorter than an excerpt, {seconds:g} s"
        if "tags" in settings:
            yield from _wrong_tags(corpus, settings)
        if "recording" in settings:
            yield from _wrong_recording(corpus, settings)
        for key in ("packages", "shortest_piece"):
            if key in settings and settings["source"] != "debian":
                yield f"corpora.{corpus}.{key}: only source debian has it, not {settings['source']}"
    recording = config["noise"]["recording"]
    if recording is not None and not is_file(recording):
        yield f"noise.recording: there is no file {recording}; null makes a bar's ambience"
    elif recording is not None and set(recording) & set("{}"):
        yield f"noise.recording: {recording} has braces, which Snakemake takes for wildcards; rename it"


def _wrong_tags(corpus: str, settings: dict) -> Iterator[str]:
    if settings["source"] != "msd":
        yield f"corpora.{corpus}.tags: source {settings['source']} brings its own tags; only msd needs a file"
    elif not is_file(settings["tags"]):
        yield f"corpora.{corpus}.tags: there is no file {settings['tags']}"


def _wrong_recording(corpus: str, settings: dict) -> Iterator[str]:
    noise, mp3 = settings["recording"]["noise"], settings["recording"]["mp3"]
    if settings["kind"] == "separation" and (noise, mp3) != (None, None):
        yield (
            f"corpora.{corpus}.recording: a corpus with stems gets no noise floor and no MP3, as a mixture "
            "must remain the sum of its stems; leave recording out, or set noise and mp3 to null"
        )
    if mp3 is not None:
        try:
            transforms.check("MP", mp3)
        except InputError as error:
            yield f"corpora.{corpus}.recording.mp3: {error}"


def _wrong_magnitudes(config: dict) -> Iterator[str]:
    for name, values in magnitudes(config).items():
        for magnitude in values:
            try:
                transforms.check(name, magnitude)
            except InputError as error:
                yield f"transformations.{name}: {error}"


def _nothing_left(config: dict) -> Iterator[str]:
    if not spaces(config):
        yield "tasks, encoders: there is no latent space to test; add a task, or MFCC or your own to encoders"
    if len(magnitudes(config)) == 1:
        yield "transformations: all are left out; keep one at least"


def _wrong_lengths(config: dict) -> Iterator[str]:
    seconds, window = config["excerpts"]["seconds"], config["excerpts"]["window"]
    if window < seconds:
        yield f"excerpts.window: {window:g} s is shorter than the excerpt's {seconds:g} s"
    needed = seconds * fastest(config)
    if seconds <= window < needed:
        yield (
            f"excerpts.window: a tempo of {fastest(config):g} times needs {needed:g} s for an excerpt of"
            f" {seconds:g} s, and {window:g} s would be filled up with zeros; set it to {needed:g}, or take"
            " the tempo out of transformations.TS"
        )
    channels, blocks = config["training"]["channels"], int(math.log2(config["training"]["frames"]))
    if channels is not None and len(channels) != blocks:
        yield (
            f"training.channels: {len(channels)} numbers, but {config['training']['frames']} frames make "
            f"{blocks} blocks; name the channels of each, or null"
        )
    samples = round(seconds * config["audio"]["sample_rate"])
    for section, name, hop in (("training", "frames", STFT_HOP), ("consistency", "subsequence", mfcc.HOP)):
        frames = 1 + samples // hop
        if config[section][name] > frames:
            yield f"{section}.{name}: {config[section][name]} frames do not fit an excerpt of {frames}"
