"""The command ``relatives``: one subcommand a thing that is done without the pipeline.

``relatives test-encoder my.module:encode --audio FOLDER`` tests an encoder and writes a page about it. What
it measures is in `examination`, the page in `encoder_report`; here are arguments and files.
``relatives provenance FILE`` tells where a file of the pipeline comes from, as `lineage` knows it, and
``relatives losses`` draws how the trainings go.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from relatives import audio, embedding, faults, own_encoders, seeds
from relatives.errors import InputError
from relatives.files import replacing

REPORT = Path(__file__).parents[1] / "report"

BAR = 20.0
"""Seconds of the bar's ambience that EN cuts its noise from."""

MAGNITUDES = {"ends": 0, "study": sys.maxsize}
"""How many magnitudes of each transformation beside the smallest and the gravest, by name."""

DIGITS = 18
"""Of a whole number among the arguments, at most."""

PICTURES = (".png", ".pdf", ".svg")

PACKAGES = ("relatives", "torch", "numpy", "librosa", "pedalboard", "imageio-ffmpeg")


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 2 after bad input or a fault of the machine;
    1 if a file is not what it was.
    """
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        message = faults.explain(error)
        if message is None:
            raise
        print(f"Error: {message.removesuffix(faults.CONTINUE)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    top = argparse.ArgumentParser(prog="relatives", description="Can a music embedding be trusted?")
    top.add_argument("--version", action="version", version=version("relatives"))
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_test_encoder(commands)
    told = commands.add_parser(
        "provenance",
        help="tell where a file of the pipeline comes from, and whether it still is what was made",
        description="What made a file, from what, back to the sources. A copy of it elsewhere is known by its"
        " content. Exit code 0: it and all that it was made from are as they were; 1: something is not.",
    )
    told.add_argument("file", help="of data or results, or a copy of one")
    told.set_defaults(run=provenance)
    losses = commands.add_parser(
        "losses",
        help="draw the losses of all trainings, finished or under way",
        description="Draw training and validation loss of every training over its steps, also while it runs.",
    )
    losses.add_argument(
        "folder", nargs="?", default="results/consistency/models", help="default: %(default)s"
    )
    losses.add_argument(
        "--output", default="losses.png", metavar="FILE", help="PNG, PDF or SVG (default: %(default)s)"
    )
    losses.set_defaults(run=draw_losses)
    return top


def _add_test_encoder(commands) -> None:
    """The arguments of ``relatives test-encoder``."""
    test = commands.add_parser(
        "test-encoder",
        help="test an encoder on a folder of music and write a report",
        description="Transform excerpts of a folder of music, see whether their nearest originals in an"
        " encoder's space are their own, and write a page about it.",
    )
    test.set_defaults(run=test_encoder)
    test.add_argument(
        "encoder",
        help="module:callable, from this folder or installed, that takes audio (batch, samples) float32 and"
        " gives points (batch, dimensions); an ONNX file; a checkpoint (….pt) of the pipeline; mfcc; or what"
        " --kind says",
    )
    test.add_argument(
        "--kind",
        choices=[kind for kind, keys in own_encoders.KINDS.items() if keys],
        help="of the encoder, where its name does not tell: a module with the interface of HEAR 2021, a"
        " TorchScript file (which, as a module, runs with your rights: take it from whom you trust)",
    )
    test.add_argument("--model", metavar="FILE", help="the weights of a HEAR module")
    test.add_argument(
        "--batch", type=_whole(1), metavar="N", help="excerpts that the encoder takes at a time, if fixed"
    )
    test.add_argument("--audio", required=True, metavar="FOLDER", help="music in any formats, at any depth")
    test.add_argument("--output", default="report.html", metavar="FILE", help="default: %(default)s")
    test.add_argument(
        "--excerpts", type=_whole(2), default=50, metavar="N", help="of 2 s each (default: %(default)s)"
    )
    test.add_argument(
        "--magnitudes",
        type=_magnitudes,
        default="ends",
        metavar="ends|N|study",
        help="of each transformation the smallest and the gravest (ends, the default), so many more evenly"
        " along the study's grid, or all of it (94)",
    )
    test.add_argument(
        "--seed", type=_whole(0), default=2019, help="of all that is drawn (default: %(default)s)"
    )
    test.add_argument(
        "--sample-rate", type=_whole(8000, 192000), default=22050, metavar="HZ",
        help="at which the encoder is given its audio (default: %(default)s)",
    )  # fmt: skip
    test.add_argument(
        "--mix", choices=audio.MIXES, default="mean",
        help="what is used of several channels: their mean (the default), the left (first) one, or the louder"
        " one; a file whose channels cancel each other in the mean is left out",
    )  # fmt: skip
    test.add_argument(
        "--shortest", type=_seconds, default=None, metavar="S",
        help="seconds that a file must last, at least 2 (default: 3, which a tempo of 1.5 needs; with less,"
        " the fastest excerpts are in part silence)",
    )  # fmt: skip


def _whole(least: int, most: int = 10**DIGITS):
    """The type of a whole number of at least `least` and, where it is told, at most `most`."""

    def number(text: str) -> int:
        value = _count(text)
        if value is None or not least <= value <= most:
            limits = f"at least {least}" if most == 10**DIGITS else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of {limits}")
        return value

    return number


def _seconds(text: str) -> float:
    """The type of ``--shortest``."""
    with suppress(ValueError):
        if 2 <= float(text) <= 3600:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of seconds from 2 to 3600")


def _magnitudes(text: str) -> str:
    """The type of ``--magnitudes``."""
    if text in MAGNITUDES:
        return text
    if (value := _count(text)) is not None:
        return str(value)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither {' nor '.join(MAGNITUDES)} nor a number")


def _count(text: str) -> int | None:
    """The whole number that a text says, be it ``100``, ``1e2`` or ``100.0``; None where it says none."""
    if text.isdecimal():
        return int(text) if len(text) <= DIGITS else None
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value <= 10**DIGITS else None


def provenance(options: argparse.Namespace) -> int:
    """Tell where a file comes from."""
    from relatives import lineage

    text, holds = lineage.tell(options.file)
    print(text.encode(errors="replace").decode())  # a name of a file may be no Unicode
    return 0 if holds else 1


def draw_losses(options: argparse.Namespace) -> int:
    """Draw the losses of all trainings below a folder."""
    if Path(options.output).suffix not in PICTURES:
        raise InputError(f"{options.output}: name a file that ends in {', '.join(PICTURES)}")
    from relatives.figures import losses

    curves = losses.read(options.folder)
    drawing = losses.draw(curves)
    with replacing(options.output) as path:
        drawing.savefig(path)
    for line in losses.describe(curves):
        print(line)
    print(f"{options.output}: the losses of {curves['training'].nunique()} training(s)")
    return 0


def test_encoder(options: argparse.Namespace) -> int:
    """Test an encoder: read, measure, print and write."""
    started = time.monotonic()
    if Path(options.output).is_dir():
        raise InputError(f"{options.output} is a folder. Name a file with --output.")
    # Only now, that a wrong argument is told at once
    from relatives import encoder_report, examination, repeatability
    from relatives.corpora.synthetic import ambience

    rate, asked = options.sample_rate, options.magnitudes
    space = name_of(options.encoder)
    with one_sentence():
        encoder = load(options)
    windows, excerpts, skipped, notes = read(
        Path(options.audio), options.excerpts, rate, options.seed, options.mix, options.shortest
    )
    originals = examination.originals(windows, round(examination.SECONDS * rate))
    with one_sentence():
        chosen = repeatability.some(len(originals), encoder.batch)
        checks = repeatability.examine(encoder, originals[chosen])
    remarks = repeatability.sentences(checks)
    for sentence in remarks:
        print(sentence, flush=True)
    noise = ambience.bar(BAR, rate, seeds.generator(options.seed, "noise"))
    with one_sentence():
        measurement = examination.measure(
            encoder,
            space,
            windows,
            excerpts["excerpt_id"].to_numpy(),
            examination.grid(MAGNITUDES[asked] if asked in MAGNITUDES else int(asked)),
            rate,
            options.seed,
            noise,
            os.cpu_count() or 1,
            progress=lambda places: tqdm(places, desc="testing", unit="magnitude", dynamic_ncols=True),
        )
    report = encoder_report.build(
        REPORT / "encoder.html.j2",
        {name: (REPORT / f"{name}.rst").read_text() for name in encoder_report.FIGURES},
        measurement,
        checks,
        windows=windows,
        sample_rate=rate,
        seed=options.seed,
        noise=noise,
        excerpts=excerpts,
        skipped=skipped,
        notes=notes,
        command=command(options),
        versions={name: version(name) for name in PACKAGES},
    )
    with replacing(options.output) as path:
        path.write_text(report, encoding="utf-8")

    print(f"\n{space}: {len(windows)} excerpts of {excerpts['track_id'].nunique()} track(s),", end=" ")
    print(f"{len(measurement.places)} magnitudes, {measurement.dimensions} dimensions")
    for sentence in [*remarks, *examination.findings(measurement)]:
        print(f"  - {sentence}")
    print(f"{options.output}: the report, after {time.monotonic() - started:.0f} s")
    return 0


def load(options: argparse.Namespace) -> embedding.Encoder:
    """The encoder that the arguments name, of any kind that has code.

    Raises
    ------
    InputError
        There is no such encoder, or it cannot be loaded.
    """
    name, kind = options.encoder, options.kind
    if kind is None and name.endswith(".onnx"):
        kind = "onnx"
    elif kind is None and ":" in name and not name.endswith(".pt"):
        kind = "python"
    given = {key: getattr(options, key) for key in ("model", "batch") if getattr(options, key) is not None}
    if kind is None and Path(name).is_dir():
        raise InputError(
            f"{name} is a folder. Embeddings computed elsewhere go through the pipeline: put {{name: away,"
            f" embeddings: {name}}} among the encoders of its configuration"
        )
    if kind is None:
        if given:
            raise InputError(f"{name} takes no --{next(iter(given))}; say its kind with --kind")
        return embedding.encoder(name, options.sample_rate)
    settings = {"name": name_of(name), kind: name, **given}
    for _, words in own_encoders.faults(settings):
        raise InputError(f"encoder {name!r}: {words}")
    return embedding.encoder(settings, options.sample_rate)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Leave the traceback out of an `InputError` about an encoder; its first line says where it arose."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).split("\n", 1)[0]) from error


def name_of(encoder: str) -> str:
    """What an encoder's space is called: its own name, unless that is the one it is held against."""
    name = Path(encoder).name
    return "MFCC as an encoder" if name == "mfcc" else name


def read(
    folder: Path,
    count: int,
    sample_rate: int,
    seed: int,
    mix: str = "mean",
    shortest: float | None = None,
) -> tuple[np.ndarray, pd.DataFrame, dict[str, str], dict[str, str]]:
    """Draw excerpts from a folder.

    Parameters
    ----------
    folder, count, sample_rate, seed
        The arguments of the command.
    mix
        What is used of several channels: see `relatives.audio.mix`.
    shortest
        Seconds that a file must last; by default what the fastest tempo needs.

    Returns
    -------
    windows : (count, samples) float32
        About the excerpts.
    excerpts : DataFrame
        As from `corpora.excerpts.draw`.
    skipped : dict of str to str
        The reason for which a file could not be used.
    notes : dict of str to str
        What was odd in a file that is used all the same; under "all excerpts", how many are in part zeros.

    Raises
    ------
    InputError
        If the folder is not there, or has not so much music.
    """
    from relatives import examination
    from relatives.corpora import excerpts, store
    from relatives.corpora import folder as music

    samples, window = (round(seconds * sample_rate) for seconds in (examination.SECONDS, examination.WINDOW))
    shortest = shortest or examination.SECONDS * examination.FASTEST
    items = music.sample(folder, count, sample_rate, shortest, seed, os.cpu_count() or 1, mix)
    skipped, room = {}, []

    def tracks():
        for item in tqdm(items, desc="reading", unit="file", dynamic_ncols=True):
            if isinstance(item, store.Skipped):
                skipped[item.file] = item.reason
            else:
                room.append(len(item.audio) // samples)
                yield item
        if sum(room) < count:
            raise InputError(too_little(folder, count, room, skipped))

    with tempfile.TemporaryDirectory() as directory:
        store.write(directory, tracks())
        corpus = store.Corpus(directory)
        try:
            drawn = excerpts.draw(corpus, samples, window, count, seed, sample_rate)
        except InputError as error:
            # it sounds too little; the store is not the user's folder
            raise InputError(str(error).replace(directory, str(folder))) from error
        odd = corpus.tracks.loc[corpus.tracks["notes"] != "", ["track_id", "notes"]]
        notes = dict(odd.itertuples(index=False, name=None))
        if note := excerpts.note_of_padding(corpus, drawn, samples, window, examination.FASTEST):
            print(note, file=sys.stderr)
            notes["all excerpts"] = note
        return excerpts.windows(corpus, drawn, samples, window), drawn, skipped, notes


def too_little(folder: Path, count: int, room: list[int], skipped: dict[str, str]) -> str:
    """The message for a folder that has no room for the excerpts."""
    from relatives.corpora import folder as music

    why = f" (not usable: {music.quote(skipped)})" if skipped else ""
    way_out = f"ask for at most {sum(room)} with --excerpts, or " if sum(room) > 1 else ""
    return (
        f"{folder}: {len(room)} of its {len(room) + len(skipped)} files can be used, with room for"
        f" {sum(room)} excerpts of 2 s, and {count} are asked for{why}; {way_out}name a folder of more music"
        " with --audio"
    )


def command(options: argparse.Namespace) -> str:
    """The command line that makes the same report."""
    words = ["relatives", "test-encoder", options.encoder, "--audio", options.audio]
    words += ["--excerpts", str(options.excerpts), "--magnitudes", options.magnitudes]
    words += ["--seed", str(options.seed), "--sample-rate", str(options.sample_rate)]
    for option in ("kind", "model", "batch"):
        if (value := getattr(options, option)) is not None:
            words += [f"--{option}", str(value)]
    words += ["--mix", options.mix] if options.mix != "mean" else []
    words += ["--shortest", f"{options.shortest:g}"] if options.shortest else []
    return shlex.join(words)
