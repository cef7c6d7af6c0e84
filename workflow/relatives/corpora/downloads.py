"""Public data sets, downloaded: resumed where a connection broke, verified before they are unpacked.

`DATA_SETS` says of each what to fetch, where its checksums come from and its licence. `download` fetches into
a folder of its own. It needs no account and asks for nothing: what is not given out freely (the previews of
the Million Song Dataset, the audio of Extended Ballroom) has `advice` in place of files. The packages of
Debian have neither: `apt` fetches them.

A checksum is one that the data set's own page or a library that loads it publishes; where none is known to
us, it is empty, and the configuration must give one (``downloads.checksums``) or say ``size``, which checks
no more than that all bytes came.
"""

import hashlib
import lzma
import os
import re
import shutil
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from relatives import faults
from relatives.errors import InputError
from relatives.files import replacing
from relatives.inputs import OF_THE_CONTENT, parsing

ATTEMPTS = 5
"""Connections tried in a row that bring nothing new."""

PAUSE = 2.0
"""Seconds before the second attempt; twice as long before each further one."""

TIMEOUT = 60
"""Seconds of silence after which a connection counts as broken."""

BLOCK = 1 << 20
"""Bytes read at a time."""

ARCHIVES = ".archives"
"""The folder, in that of the data set, of what is being downloaded."""


@dataclass(frozen=True)
class File:
    """A file to fetch.

    Attributes
    ----------
    url : str
    checksum : str
        ``md5:``, ``sha1:`` or ``sha256:`` and the digest in hexadecimal; empty where none is known.
    folder : str
        In the data set's, where an archive is unpacked, or another file is put.
    name : str
        As it is stored; the last part of the address by default. Parts of one archive are called
        ``NAME.001``, ``NAME.002`` and so on.
    """

    url: str
    checksum: str = ""
    folder: str = ""
    name: str = ""

    @property
    def stored(self) -> str:
        """Its name here."""
        return self.name or self.url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True)
class DataSet:
    """What to fetch of a data set.

    Attributes
    ----------
    licence : str
        A line, shown before anything is fetched.
    files : tuple of File
    sums : File or None
        A list of further files, a line each: the SHA-256 and the name, beside `base` in the network.
    base : str
    connections : int
        Files fetched at a time.
    advice : str
        For what cannot be downloaded: what to put into the folder.
    """

    licence: str
    files: tuple[File, ...] = ()
    sums: File | None = None
    base: str = ""
    connections: int = 1
    advice: str = ""


ZENODO = "https://zenodo.org/records"
FMA = "https://os.unil.cloud.switch.ch/fma"
FMA_LICENCE = "metadata CC BY 4.0; each clip under the Creative Commons licence that its artist chose"
# SHA-1 as in public scripts that download it
FMA_METADATA = File(f"{FMA}/fma_metadata.zip", "sha1:f0df49ffe5f2a6008d7dc83c6915b31835dfe733")
MAGNATAGATUNE = "https://mirg.city.ac.uk/datasets/magnatagatune"
JAMENDO = "https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/d6252e4a3b378ba045b0159401b805b3a0cfe9de"
MUSDB_LICENCE = (
    "for academic purposes; most songs CC BY-NC-SA 4.0, see https://sigsep.github.io/datasets/musdb.html"
)

DATA_SETS = {
    # mirdata's MD5
    "irmas": DataSet(
        "CC BY-NC-SA 3.0",
        (File(f"{ZENODO}/1290750/files/IRMAS-TrainingData.zip", "md5:4fd9f5ed5a18d8e2687e6360b5f60afe"),),
    ),
    # The MD5 in MUSDB18Datasets.jl
    "musdb": DataSet(
        MUSDB_LICENCE, (File(f"{ZENODO}/1117372/files/musdb18.zip", "md5:af06762477334799bfc5abf237648207"),)
    ),
    # torchaudio's SHA-256
    "musdb-hq": DataSet(
        MUSDB_LICENCE,
        (
            File(
                f"{ZENODO}/3338373/files/musdb18hq.zip",
                "sha256:baac80d0483c61d74b2e5f3be75fa557eec52898339e6aa45c1fa48833c5d21d",
            ),
        ),
    ),
    "msd": DataSet(
        "metadata and tags for research; the previews are 7digital's",
        advice="Its previews are not given out. Put your own, named by the tracks' identifiers "
        "(TRAAAAW128F429D538.mp3), and Last.fm's lastfm_tags.db there",
    ),
    # No checksum is published
    "magnatagatune": DataSet(
        "CC BY-NC-SA 3.0",
        (
            File(f"{MAGNATAGATUNE}/annotations_final.csv"),
            File(f"{MAGNATAGATUNE}/clip_info_final.csv"),
            *(File(f"{MAGNATAGATUNE}/mp3.zip.00{part}", folder="mp3") for part in (1, 2, 3)),
        ),
        connections=3,
    ),
    # mirdata's MD5 of the lists; the archives' SHA-256 are in the data set's repository, read at one commit
    "jamendo": DataSet(
        "metadata CC BY-NC-SA 4.0; each song under its own Creative Commons licence",
        (File(f"{ZENODO}/3826813/files/data.zip", "md5:039ce10f267f6e4e9f72837c76d72b2f", name="lists.zip"),),
        sums=File(f"{JAMENDO}/data/download/raw_30s_audio-low_sha256_tars.txt"),
        base="https://cdn.freesound.org/mtg-jamendo/raw_30s/audio-low",
        connections=4,
    ),
    "fma": DataSet(
        FMA_LICENCE,
        (FMA_METADATA, File(f"{FMA}/fma_medium.zip", "sha1:c67b69ea232021025fca9231fc1c7c1a063ab50b")),
        connections=2,
    ),
    "fma-small": DataSet(
        FMA_LICENCE,
        (FMA_METADATA, File(f"{FMA}/fma_small.zip", "sha1:ade154f733639d52e35e32f5593efe5be76c6d70")),
        connections=2,
    ),
    "fma-large": DataSet(
        FMA_LICENCE,
        (FMA_METADATA, File(f"{FMA}/fma_large.zip", "sha1:497109f4dd721066b5ce5e5f250ec604dc78939e")),
        connections=2,
    ),
    # torchaudio's SHA-256
    "gtzan": DataSet(
        "none is given; made for research",
        (
            File(
                "http://opihi.cs.uvic.ca/sound/genres.tar.gz",
                "sha256:24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
            ),
        ),
    ),
    "ballroom": DataSet(
        "for research; the clips are those of ballroomdancers.com",
        advice="Its audio is not given out. Put extendedballroom_v1.1.xml there, and beside it the folders "
        "of clips that its own getExtendedBallroomDataset.py fetches",
    ),
    "debian": DataSet(
        "each package's own, free as Debian defines it: see the column licence of tracks.parquet"
    ),
}
"""By the name of the source, and of larger and smaller kinds of some."""


def missing(name: str, folder: Path) -> str:
    """A line for who asks for a data set that is not there yet: that it will be downloaded, or what to do."""
    data_set = DATA_SETS[name]
    if data_set.advice:
        return f"{folder} is missing. {data_set.advice}, or set the path of the corpus."
    return f"{folder} is missing and will be downloaded. Licence: {data_set.licence}."


def own(name: str, checksums: dict[str, str]) -> dict[str, str]:
    """Those of the configured checksums that are of files of this data set."""
    return {file.stored: checksums[file.stored] for file in DATA_SETS[name].files if file.stored in checksums}


def download(data_set: DataSet, folder: Path, checksums: dict[str, str], say: Callable = print) -> None:
    """Fetch, verify and unpack a data set.

    What is finished is not done again, so a call that was stopped, or failed, is simply repeated.

    Parameters
    ----------
    data_set
    folder
        Where it goes.
    checksums
        By the names of files: the user's own, or ``size``, for files without a published one.
    say
        Takes a line of text at a time: the licence, what is fetched.

    Raises
    ------
    InputError
        If a file cannot be had or is not what it should be, the disk is too small, or an archive would write
        outside `folder`; or if the data set cannot be downloaded and `folder` is empty. It says what to do.
    """
    say(f"Licence: {data_set.licence}.")
    if data_set.advice:
        if not any(not path.name.startswith(".") for path in folder.glob("*")):
            raise InputError(
                f"{folder}: the folder is empty. {data_set.advice}, or set the path of the corpus."
            )
        return
    archives = folder / ARCHIVES
    archives.mkdir(parents=True, exist_ok=True)
    files = [*data_set.files, *_listed(data_set, archives)]
    waiting = []
    for name, parts in _archives(files).items():
        if all(_done(part, archives).exists() for part in parts):
            for left in {name, *(part.stored for part in parts)}:  # by a call that was killed after its marks
                (archives / left).unlink(missing_ok=True)
        else:  # all parts, though a call was killed between their marks
            waiting += parts
    unknown = [file.stored for file in waiting if not (file.checksum or checksums.get(file.stored))]
    if unknown:
        raise InputError(
            f"no checksum of {', '.join(unknown)} is published. Set downloads.checksums in config.yaml: "
            f"{{{unknown[0]}: 'sha256:...'}} if you know it, or {{{unknown[0]}: size}} to check its size."
        )
    with ThreadPoolExecutor(data_set.connections) as pool:
        sizes = list(pool.map(partial(_missing, archives=archives), waiting))
        make_room(folder, sum(sizes), "download")

        def get(file: File) -> None:
            say(f"{file.stored}: from {file.url}")
            fetch(file.url, archives / file.stored, file.checksum or checksums[file.stored])

        list(pool.map(get, waiting))
    for name, parts in _archives(waiting).items():
        _place(name, parts, folder)
        say(f"{name}: done")


def _listed(data_set: DataSet, archives: Path) -> list[File]:
    """The files of the data set's list of checksums."""
    if data_set.sums is None:
        return []
    path = archives / data_set.sums.stored
    fetch(data_set.sums.url, path, "size")
    pairs = []
    with parsing(path, "list"):
        for line in path.read_text().splitlines():
            digest, name = line.split()
            if not re.fullmatch(r"[0-9a-f]{64} [\w-][\w.-]*", f"{digest} {name}"):
                raise ValueError(f"{line[:100]!r} is no SHA-256 and name")
            pairs.append((digest, name))
    return [File(f"{data_set.base}/{name}", f"sha256:{digest}") for digest, name in pairs]


def _done(file: File, archives: Path) -> Path:
    """The mark of a file that is in its place."""
    return archives / f"{file.stored}.done"


def _missing(file: File, archives: Path) -> int:
    """How many bytes of a file are still to come; 0 where the server does not say."""
    have = sum(
        path.stat().st_size
        for path in (archives / file.stored, _part(archives / file.stored))
        if path.is_file()
    )
    try:
        with urlopen(Request(file.url, method="HEAD"), timeout=TIMEOUT) as response:
            return max(int(response.headers.get("Content-Length", 0)) - have, 0)
    except (OSError, HTTPException):
        return 0


def make_room(folder: Path, needed: int, purpose: str) -> None:
    """Raise an `InputError` where the disk has not so many bytes left."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{folder}: {needed / 1e9:.1f} GB are needed to {purpose}, and {free / 1e9:.1f} GB are free. "
            "Make room, or set the path of the corpus to where the data set is."
        )


def fetch(url: str, path: Path, checksum: str) -> None:
    """Fetch a file, going on where an earlier call was cut off, and verify it.

    Parameters
    ----------
    url
    path
        Where it goes; until it is whole and verified, what has come is beside it in ``NAME.part``.
    checksum
        As in `File`, or ``size``.

    Raises
    ------
    InputError
        If it cannot be had, the disk is full, or the checksum is another: then what came is removed.
    """
    if path.is_file():
        return
    part = _part(path)
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _receive(url, part, before)
            break
        except (OSError, HTTPException) as error:
            _raise_if_of_disk(error, part)
            if isinstance(error, HTTPError) and error.code < 500:
                raise InputError(
                    f"{url}: the server answers {error.code} {error.reason}. If it has moved, get the data "
                    "set from its page, and set the path of the corpus."
                ) from error
            after = part.stat().st_size if part.is_file() else 0
            failures = 0 if after > before else failures + 1
            if failures == ATTEMPTS:
                raise InputError(
                    f"{url}: cannot be fetched ({error}). {after} bytes have come and are kept: the same "
                    "command goes on from there."
                ) from error
            time.sleep(PAUSE * 2**failures / 2)
    _verify(part, checksum, url)
    part.replace(path)


def _raise_if_of_disk(error: Exception, path: Path) -> None:
    """Raise an `InputError` where not the network or an archive failed, but the disk that `path` is on."""
    if isinstance(error, OSError) and error.errno in faults.OF_DISK:
        error.filename = error.filename or str(path)
        raise InputError(faults.explain(error)) from error


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _receive(url: str, part: Path, have: int) -> None:
    """Append to `part` what is missing of a file, of which so many bytes are there."""
    try:
        with _connected(url, have) as response:
            resumed = response.status == 206
            length = response.headers.get("Content-Length")
            with open(part, "ab" if resumed else "wb") as file:
                while block := response.read1(BLOCK):  # what has come, or a stall would lose it
                    file.write(block)
                size = file.tell()
    except HTTPError as error:
        # 416: there is nothing beyond what is there
        if error.code == 416 and have:
            return
        raise
    whole = int(length) + (have if resumed else 0) if length else size
    if size < whole:
        raise URLError(f"the connection broke after {size} of {whole} bytes")


@contextmanager
def _connected(url: str, first: int) -> Iterator:
    """The response to a request for a file from its byte `first`."""
    headers = {"Range": f"bytes={first}-"} if first else {}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as response:
        yield response


def _verify(path: Path, checksum: str, url: str) -> None:
    """Hold a file against its checksum; remove it if it is another."""
    if checksum == "size":
        return
    algorithm, _, expected = checksum.partition(":")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        path.unlink()
        raise InputError(
            f"{url}: what came has the {algorithm} {found}, and should have {expected}. It is removed; start "
            "again, and if it comes the same again, the file at the address has changed."
        )


def _archives(files: list[File]) -> dict[str, list[File]]:
    """The files by the archive that they are, or are a part of."""
    archives: dict[str, list[File]] = {}
    for file in files:
        stem, _, number = file.stored.rpartition(".")
        archives.setdefault(stem if number.isdigit() else file.stored, []).append(file)
    return archives


def _place(name: str, parts: list[File], folder: Path) -> None:
    """Unpack what was fetched, or put it, where it belongs; mark it done, and remove the archive."""
    archives, target = folder / ARCHIVES, folder / parts[0].folder
    path = archives / name
    fetched = [archives / part.stored for part in parts]
    if fetched != [path]:
        make_room(folder, sum(part.stat().st_size for part in fetched), f"join {name}")
        _join(fetched, path)
    if path.suffix == ".zip" or ".tar" in path.suffixes:
        unpack(path, target)
    else:
        target.mkdir(parents=True, exist_ok=True)
        path.replace(target / name)
    os.sync()  # or a power cut could keep the marks and lose what was unpacked
    for part in parts:
        _done(part, archives).touch()
    for file in {path, *fetched}:
        file.unlink(missing_ok=True)


def _join(parts: list[Path], whole: Path) -> None:
    """Write the parts of an archive into one file."""
    with replacing(whole) as temporary, open(temporary, "wb") as joined:
        for part in parts:
            with open(part, "rb") as file:
                shutil.copyfileobj(file, joined, BLOCK)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP or tar archive, once every one of its members is seen to stay inside `folder`.

    Raises
    ------
    InputError
        If a member would be written outside, is a link or a device; if the disk has no room for all; or if
        the archive is broken or encrypted. In all but the last case nothing has been written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _opened(archive) as members:
            listed = []
            for member in members:
                # before the next is looked for: a negative size would lead back to this one
                _check_member(archive, *member[:3], folder)
                listed.append(member)
            make_room(folder, sum(size for _, _, size, _ in listed), f"unpack {archive.name}")
            for name, kind, _, read in listed:
                target = folder / name
                if kind == "folder":
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with read() as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file, BLOCK)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, OSError, RuntimeError, *OF_THE_CONTENT) as error:
        _raise_if_of_disk(error, folder)
        raise InputError(f"{archive}: cannot be unpacked ({error}).") from error


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[tuple[str, str, int, Callable[[], BinaryIO]]]]:
    """The members of an archive: name, kind ("file", "folder" or else), size, and how to read it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            yield (
                (info.filename, _kind(info), info.file_size, partial(opened.open, info))
                for info in opened.infolist()
            )
        return
    with tarfile.open(archive) as opened:
        yield (
            (
                member.name,
                "file" if member.isreg() else "folder" if member.isdir() else "link or a device",
                member.size,
                partial(opened.extractfile, member),
            )
            for member in opened
        )


def _kind(info: zipfile.ZipInfo) -> str:
    if info.is_dir():
        return "folder"
    mode = stat.S_IFMT(info.external_attr >> 16)
    return "file" if mode in (0, stat.S_IFREG) else "link or a device"


def _check_member(archive: Path, name: str, kind: str, size: int, folder: Path) -> None:
    if size < 0:
        raise InputError(f"{archive}: its member {name!r} has a size below 0. Nothing is unpacked.")
    # as the system would take it: absolute, upwards, or through a link that was in the folder before
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{archive}: its member {name!r} would be written outside {folder}. Nothing is unpacked."
        )
    if kind not in ("file", "folder"):
        raise InputError(f"{archive}: its member {name!r} is a {kind}. Nothing is unpacked.")
