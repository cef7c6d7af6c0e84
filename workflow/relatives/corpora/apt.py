"""Packages of Debian and its kin, fetched by ``apt-get download`` and unpacked without being installed.

It needs no root and changes nothing of the system. ``apt-get`` takes a package from the archives that the
machine is set up for, and checks it by the signed list of its archive; here what came is checked once more by
the SHA-256 of that list. ``dpkg-deb`` unpacks it into a folder of its own name.

A folder is complete or not there: a package is unpacked beside it and then renamed, with a file ``.package``
inside that tells its version and its SHA-256. What is there is not fetched again, also where the archive has
a newer version by now: the music of a study stays what it was.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote

from relatives.corpora.debian import alternatives
from relatives.corpora.downloads import ARCHIVES, make_room
from relatives.errors import InputError, shown
from relatives.files import replacing

FEWEST = 3
"""Packages that must be had: each of training, validation and test needs one, and none is divided."""

MARK = ".package"
"""The file in the folder of a package that says which version it is."""

TOOLS = ("apt-get", "dpkg-deb")

# A line of `apt-get --print-uris`: 'address' name_version_architecture.deb bytes algorithm:digest
OFFER = re.compile(
    r"'[^']*' ((?P<package>[^_\s]+)_(?P<version>[^_\s]+)_\S+\.deb) (?P<bytes>\d+) (?P<sum>\S+)"
)


@dataclass(frozen=True)
class Package:
    """A package of an archive.

    Attributes
    ----------
    package, version : str
    bytes : int
        Of the packed file.
    sha256 : str
        Of the packed file, in hexadecimal.
    """

    package: str
    version: str
    bytes: int
    sha256: str


def missing_tools() -> str | None:
    """A sentence for a machine that has no apt-get or no dpkg-deb; None where both are there."""
    if all(map(shutil.which, TOOLS)):
        return None
    return (
        "The source debian needs apt-get and dpkg-deb, which Debian, Ubuntu and their kin have. Elsewhere "
        "take the source folder with a folder of your own music (workflow/presets/folder.yaml), or set the "
        "path of the corpus to a folder of unpacked packages."
    )


def fetch(entries: Iterable[str], folder: Path, say: Callable = print) -> list[Package]:
    """Fetch packages, verify them and unpack each into ``folder/NAME``.

    What is there is not done again, so a call that was stopped, or failed, is simply repeated.

    Parameters
    ----------
    entries
        Names of packages; ``new | old`` is the first of the two that is there or that apt knows.
    folder
        Where they go.
    say
        Takes a line of text at a time: which packages apt does not know, and what is fetched.

    Returns
    -------
    list of Package
        In the order of `entries`, without those that apt does not know.

    Raises
    ------
    InputError
        If there is no apt-get; if apt knows too few of the packages; if one cannot be fetched, is not what
        the archive's list says or cannot be unpacked; or if the disk is too small. It says what to do.
    """
    if words := missing_tools():
        raise InputError(words)
    entries = list(dict.fromkeys(entries))
    archives = folder / ARCHIVES
    archives.mkdir(parents=True, exist_ok=True)
    here = {name: there(folder / name) for entry in entries for name in alternatives(entry)}
    known, complaint = offered([name for name, package in here.items() if package is None])

    chosen, unknown = {}, []
    for entry in entries:
        names = alternatives(entry)
        name = next((name for name in names if here[name]), None) or next(
            (name for name in names if name in known), None
        )
        if name is None:
            unknown.append(entry)
        else:
            chosen[name] = here[name] or known[name][0]
    if unknown:
        say(f"apt does not know {', '.join(unknown)}: left out. Another release may call it otherwise.")
    if len(chosen) < min(FEWEST, len(entries)):
        raise InputError(
            f"apt knows {len(chosen)} of the {len(entries)} packages, and at least {FEWEST} are needed "
            f"(unknown: {', '.join(unknown)}; apt-get says: {complaint or 'nothing'}). Its lists of packages "
            "may be missing: run `sudo apt-get update` once, or set the packages of the corpus to such as "
            "your release has."
        )

    waiting = [name for name in chosen if here[name] is None]
    # a package and what it unpacks to, both of music that is packed already
    make_room(folder, 2 * sum(chosen[name].bytes for name in waiting), "download and unpack the packages")
    for name in waiting:
        package, file = known[name]
        say(f"{name} {package.version}: {package.bytes / 1e6:.0f} MB")
        _get(package, archives / file)
        _place(package, archives / file, folder)
    return list(chosen.values())


def there(folder: Path) -> Package | None:
    """The package that was unpacked into a folder, or None.

    Raises
    ------
    InputError
        If the folder is there and was not made by `fetch`.
    """
    if not folder.is_dir():
        return None
    try:
        return Package(**json.loads((folder / MARK).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder}: this folder does not say which version of the package it is ({MARK} in it: "
            f"{shown(error)}). Remove it, and the package is fetched anew."
        ) from error


def offered(names: list[str]) -> tuple[dict[str, tuple[Package, str]], str]:
    """What apt would fetch for names, and what it complains of.

    Returns
    -------
    offers : dict
        The package and the name of its file by the package's name, of those that apt knows.
    complaint : str
        The last line that apt-get wrote about what it does not know; empty where it knows all.

    Raises
    ------
    InputError
        If apt's lists have no SHA-256 of a package.
    """
    found, complaint = {}, ""
    # Some versions of apt answer for the known ones, some for none as soon as one is unknown
    for asked in (names, *([name] for name in names)):
        if not asked or all(name in found for name in asked):
            continue
        done = _apt(["--print-uris", "download", *asked])
        for line in done.stdout.splitlines():
            if (offer := OFFER.fullmatch(line.strip())) and offer["package"] in names:
                found[offer["package"]] = _offer(offer)
        if done.returncode:
            complaint = _last_line(done)
    return found, complaint


def _offer(offer: re.Match) -> tuple[Package, str]:
    algorithm, _, digest = offer["sum"].partition(":")
    if algorithm != "SHA256":
        raise InputError(
            f"apt's list gives no SHA-256 of {offer['package']}, but {algorithm or 'nothing'}: it cannot be "
            "verified. Leave it out of the packages of the corpus."
        )
    version = unquote(offer["version"])
    return Package(offer["package"], version, int(offer["bytes"]), digest), offer[1]


def _apt(arguments: list[str], folder: Path | None = None) -> subprocess.CompletedProcess:
    """apt-get with arguments, in a folder, quiet and in English."""
    return subprocess.run(
        ["apt-get", "-qq", *arguments],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _last_line(done: subprocess.CompletedProcess) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
    return shown(lines[-1]) if lines else f"exit status {done.returncode}"


def _get(package: Package, file: Path) -> None:
    """Have the packed file there, whole and verified."""
    if file.is_file() and _digest(file) == package.sha256:
        return
    file.unlink(missing_ok=True)
    # The version is named, or an update of the lists in between would bring another one
    done = _apt(["download", f"{package.package}={package.version}"], file.parent)
    if done.returncode or not file.is_file():
        raise InputError(
            f"apt-get cannot fetch {package.package} ({_last_line(done)}). Check the network; if the archive "
            "has a newer version, run `sudo apt-get update`. The same command goes on from there."
        )
    if (found := _digest(file)) != package.sha256:
        file.unlink()
        raise InputError(
            f"{package.package}: what came has the SHA-256 {found}, and apt's list says {package.sha256}. It "
            "is removed; start again, after `sudo apt-get update` if it comes the same again."
        )


def _digest(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _place(package: Package, file: Path, folder: Path) -> None:
    """Unpack a package into the folder of its name, in one step for who looks on; remove the packed file."""
    unpacked = file.with_name(f"{package.package}.unpacking")
    shutil.rmtree(unpacked, ignore_errors=True)  # of a call that was killed
    done = subprocess.run(
        ["dpkg-deb", "--extract", file, unpacked],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise InputError(
            f"{file}: dpkg-deb cannot unpack it ({_last_line(done)}). Is the disk full? The same command "
            "goes on from there."
        )
    with replacing(unpacked / MARK) as path:
        path.write_text(json.dumps(asdict(package)) + "\n")
    os.sync()  # or a power cut could keep the mark and lose what was unpacked
    unpacked.replace(folder / package.package)
    file.unlink()
