"""Checks before Snakemake starts: its configuration files, its ``--config``, and a folder for its caches.

Snakemake 9.27 opens all three before it reads the Snakefile, and ends in a traceback if one is at fault. The
package ``snakemake_logger_plugin_relatives``, which it imports even earlier, calls `prepare`.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import yaml
from platformdirs import user_cache_dir

from relatives.errors import InputError, shown
from relatives.inputs import check_file

NAME = re.compile(r"[a-zA-Z_][\w-]*\w")
"""What Snakemake takes for the name of a setting on the command line."""

CACHE = Path(".snakemake", "cache")
"""Where the caches of a run are if the home has no room for them, in the folder of the run."""


def prepare(arguments: list[str]) -> None:
    """Check Snakemake's arguments and find a folder for caches; end with a sentence if one is at fault."""
    try:
        check_arguments(arguments)
        settle_caches()
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


def check_arguments(arguments: list[str]) -> None:
    """Raise an `InputError` if a configuration file cannot be read, or ``--config`` has no NAME=VALUE.

    Parameters
    ----------
    arguments : list of str
        Of Snakemake's command line, without the command. Those that a profile adds are not seen.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[])
    parser.add_argument("--config", "-C", nargs="*", default=[])
    try:
        found, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:  # Snakemake's own parser will say so
        return
    for path in found.configfile:
        _check_configuration_file(path)
    for entry in found.config:
        name, equals, _ = entry.partition("=")
        if not equals:
            raise InputError(
                f"--config {shown(entry)}: write NAME=VALUE, and put it in quotes if it has spaces: --config "
                "'corpora={music: {path: /path/to/music}}'. A target stands before --config."
            )
        if not NAME.fullmatch(name):
            raise InputError(
                f"--config {shown(entry)}: {shown(name)!r} cannot be a setting. One that stands inside of "
                "another is written so: --config 'training={rate: 0.001}'."
            )


def _check_configuration_file(path: str) -> None:
    """Raise an `InputError` unless `path` is a file of settings that can be read."""
    try:
        check_file(path)
    except InputError as error:
        raise InputError(f"--configfile {error} A target stands before --configfile.") from None
    try:
        with open(path, encoding="utf-8") as file:
            settings = _read(file.read())
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "it"
        raise InputError(f"--configfile {shown(path)}: {line} is no YAML: {error.problem}.") from None
    except (yaml.YAMLError, ValueError) as error:  # control characters; bytes that are no UTF-8
        words = shown(str(error).partition("\n")[0])
        raise InputError(f"--configfile {shown(path)}: it is no YAML, or not in UTF-8 ({words}).") from None
    if not isinstance(settings, dict):
        raise InputError(
            f"--configfile {shown(path)}: it has no settings. Write lines as in config.yaml: trials: 3"
        )


def _read(text: str) -> object:
    """What a configuration file says, in JSON or YAML; tags that would construct objects are refused."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def settle_caches() -> None:
    """Let caches go to the folder of the run where the home cannot be written to.

    Snakemake and numba keep caches under XDG_CACHE_HOME or the home, matplotlib its list of fonts. The jobs
    of a run inherit the variables that are set here.

    Raises
    ------
    InputError
        If neither the home nor the folder of the run can be written to.
    """
    home = user_cache_dir("snakemake", "snakemake")  # Snakemake's own words for it
    refused = _refusal(home)
    if refused is None:
        return
    instead = CACHE.absolute()
    os.environ["XDG_CACHE_HOME"] = str(instead)
    os.environ.setdefault("MPLCONFIGDIR", str(instead / "matplotlib"))
    # On macOS the variable has no say in where Snakemake keeps its cache
    again = _refusal(user_cache_dir("snakemake", "snakemake"))
    if again is not None:
        raise InputError(
            f"{shown(home)}: this cannot be written to ({refused}), and {shown(instead)} neither ({again}). "
            "Caches need one of the two: set HOME or XDG_CACHE_HOME to a folder of yours."
        )
    print(
        f"{shown(home)}: this cannot be written to ({refused}). The caches of this run go to {CACHE}.",
        file=sys.stderr,
    )


def _refusal(folder: str) -> str | None:
    """Why no file can be made in a folder, which is made if it is missing; None: one can."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
