"""The configuration: checked before the first job, and what follows from it.

`check` holds config.yaml, with whatever is laid over it, against ``workflow/schemas/config.schema.yaml`` and
against what only the package knows: the ranges of the magnitudes, the labels that a corpus provides. The
other functions answer what the rules ask: which corpora, blocks, magnitudes and spaces this run has.
"""

import difflib
import functools
import math
from collections.abc import Iterator
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from relatives import corpora, own_encoders, provenance, transforms
from relatives.corpora import folder
from relatives.errors import InputError, shown
from relatives.features import mfcc
from relatives.inputs import is_file, is_folder
from relatives.tasks import TASKS

STFT_HOP = 256  # samples, that of features.spectrogram, which would bring torch along

DEEPEST, MOST = 20, 100_000  # levels and values of a configuration; a few lines of YAML can name billions
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

    MFCC and an encoder of the user's own have one, nothing in them is random.
    """
    trained = {task: config["trials"] for task in config["tasks"] if "VGG" in config["encoders"]}
    mfcc = {"mfcc": 1} if "MFCC" in config["encoders"] else {}
    return {**mfcc, **trained, **dict.fromkeys(own(config), 1)}


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
            yield f"{name}: there is no such setting; the nearest is {near[0]!r}"
    else:
        # it quotes the value, of whatever length
        words = (
            error.message if len(error.message) < 400 else f"{error.message[:250]} … {error.message[-100:]}"
        )
        yield f"{where or 'config'}: {words}"


def _wrong_encoders(config: dict) -> Iterator[str]:
    # Of a space, and of a folder on a disk that may not tell large letters from small
    taken = {name.lower(): "is taken" for name in ("audio", "MFCC", "VGG", *TASKS)}
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
        if "tags" in settings:
            yield from _wrong_tags(corpus, settings)
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
    samples = round(seconds * config["audio"]["sample_rate"])
    for section, name, hop in (("training", "frames", STFT_HOP), ("consistency", "subsequence", mfcc.HOP)):
        frames = 1 + samples // hop
        if config[section][name] > frames:
            yield f"{section}.{name}: {config[section][name]} frames do not fit an excerpt of {frames}"
