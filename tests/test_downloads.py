"""Downloads, from a server on this machine that breaks, lies and sends what it should not."""

import contextlib
import errno
import hashlib
import io
import shutil
import socket
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from relatives.corpora import DATA_SETS, downloads
from relatives.corpora.downloads import DataSet, File, download, fetch, unpack
from relatives.errors import InputError

DATA = bytes(range(256)) * 4000


class Server(ThreadingHTTPServer):
    """Files by their paths; `broken` says after how many bytes the next connections end.

    With `stalls` they do not end, but wait for it; after `dies_after` bytes there is no server any more.
    """

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.files, self.broken, self.requests, self.ranges = {}, [], [], True
        self.stalls, self.dies_after = None, None
        self.address = f"http://127.0.0.1:{self.server_port}"

    def add(self, name, data, algorithm="sha256"):
        """Serve `data`; a `File` of it."""
        self.files[f"/{name}"] = data
        return File(f"{self.address}/{name}", f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(send=False)

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        self.answer(send=True)

    def answer(self, send):
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        first = 0
        if self.server.ranges and (asked := self.headers.get("Range")):
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= len(data):
                self.send_error(416)
                return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if send:
            end = self.server.broken.pop(0) if self.server.broken else len(data)
            if self.server.dies_after:
                end = self.server.dies_after
                self.server.shutdown()
                self.server.socket.close()
            self.wfile.write(data[first:end])
            if self.server.stalls:
                self.wfile.flush()
                self.server.stalls.wait()

    def log_message(self, *_):
        pass


@contextmanager
def serving(server):
    """The server at work."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.001)
    with serving(Server()) as server:
        yield server


def zipped(**members):
    """A ZIP archive of members with their contents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(*members, mode="w:gz"):
    """A tar archive of `TarInfo`, or of names of small files."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = 5 if info.isreg() else 0
            archive.addfile(info, io.BytesIO(b"hello") if info.isreg() else None)
    return file.getvalue()


def tree(folder):
    """The files of a folder by their paths, without what is hidden."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix(): (folder / path).read_bytes() for path in paths if not path.parts[0].startswith(".")
    }


# Fetching


def test_a_broken_connection_is_gone_on_with(server, tmp_path):
    file = server.add("a.bin", DATA)
    server.broken = [len(DATA) // 2, len(DATA) - 1]
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA
    starts = [asked for _, asked in server.requests]
    assert starts == [None, f"bytes={len(DATA) // 2}-", f"bytes={len(DATA) - 1}-"]
    assert not (tmp_path / "a.bin.part").exists()


def test_a_second_call_goes_on_where_the_first_gave_up(server, tmp_path):
    file = server.add("a.bin", DATA)
    server.broken = [1000] * (downloads.ATTEMPTS + 1)
    with pytest.raises(InputError, match=r"1000 bytes have come and are kept"):
        fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert len(server.requests) == downloads.ATTEMPTS + 1
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert server.requests[-1][1] == "bytes=1000-"


def test_a_server_that_knows_no_ranges(server, tmp_path):
    file = server.add("a.bin", DATA)
    server.ranges, server.broken = False, [1000]
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_all_bytes_are_there_but_were_not_verified(server, tmp_path):
    file = server.add("a.bin", DATA)
    (tmp_path / "a.bin.part").write_bytes(DATA)
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_wrong_checksum_removes_what_came(server, tmp_path, algorithm):
    file = server.add("a.bin", DATA, algorithm)
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    server.files["/a.bin"] = DATA[:-1] + b"!"
    with pytest.raises(InputError, match=rf"a.bin: what came has the {algorithm} .* and should have"):
        fetch(file.url, tmp_path / "b.bin", file.checksum)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin"]


def test_what_the_server_does_not_have(server, tmp_path):
    with pytest.raises(InputError, match="the server answers 404"):
        fetch(f"{server.address}/gone.zip", tmp_path / "gone.zip", "size")
    assert len(server.requests) == 1


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    with pytest.raises(InputError, match=r"cannot be fetched .* 0 bytes have come"):
        fetch("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", "size")


def test_a_server_that_dies_and_comes_back(server, tmp_path):
    """Between two calls; what came before is not asked for again."""
    file = server.add("a.bin", DATA)
    server.dies_after = len(DATA) // 2
    with pytest.raises(InputError, match=rf"cannot be fetched .*refused.* {len(DATA) // 2} bytes have come"):
        fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert not (tmp_path / "a.bin").exists()
    again = Server(server.server_port)
    again.files = server.files
    with serving(again):
        fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert again.requests == [("/a.bin", f"bytes={len(DATA) // 2}-")]


def test_a_connection_that_stalls_is_given_up(server, tmp_path, monkeypatch):
    file = server.add("a.bin", DATA)
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    server.broken, server.stalls = [1000] * 100, threading.Event()
    with pytest.raises(
        InputError, match=r"cannot be fetched \(timed out\)\. 1000 bytes have come and are kept"
    ):
        fetch(file.url, tmp_path / "a.bin", file.checksum)
    server.broken = []
    server.stalls.set()
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA


def test_a_name_that_cannot_be_looked_up(tmp_path, monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(
        InputError, match=r"a\.zip: cannot be fetched .*name resolution.* the same command goes on"
    ):
        fetch("http://data.example/a.zip", tmp_path / "a.zip", "size")


class Full(io.FileIO):
    """A file on a disk that has room for 1000 bytes."""

    def write(self, data):
        super().write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up(server, tmp_path, monkeypatch):
    file = server.add("a.bin", DATA)
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "open", Full, raising=False)
        with pytest.raises(InputError, match=r"a\.bin\.part: no room on the disk"):
            fetch(file.url, tmp_path / "a.bin", file.checksum)
    fetch(file.url, tmp_path / "a.bin", file.checksum)
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert server.requests[-1][1] == "bytes=1000-"


# Unpacking


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/relatives-out.txt", "a/../../out.txt", "link/out.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_nothing_is_written_outside(tmp_path, name, kind):
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    archive = tmp_path / f"evil.{kind}"
    archive.write_bytes(zipped(**{"good.txt": "1", name: "2"}) if kind == "zip" else tarred("good.txt", name))
    with pytest.raises(InputError, match="would be written outside"):
        unpack(archive, folder)
    assert tree(tmp_path) == {archive.name: archive.read_bytes()}
    assert not Path("/tmp/relatives-out.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    link = tarfile.TarInfo("inside/link")
    link.type, link.linkname = kind, "../../../etc/passwd"
    (tmp_path / "evil.tar").write_bytes(tarred("good.txt", link, mode="w"))
    with pytest.raises(InputError, match="'inside/link' is a link or a device"):
        unpack(tmp_path / "evil.tar", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="'link' is a link or a device"):
        unpack(tmp_path / "evil.zip", tmp_path / "data")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_broken_archive(tmp_path, kind):
    whole = zipped(a=DATA) if kind == "zip" else tarred("a", "b")
    (tmp_path / f"cut.{kind}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(tmp_path / f"cut.{kind}", tmp_path / "data")


def full(monkeypatch, free):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))


def test_a_disk_too_small_to_unpack(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped(a=DATA))
    full(monkeypatch, len(DATA) - 1)
    with pytest.raises(InputError, match=r"needed to unpack a\.zip"):
        unpack(tmp_path / "a.zip", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


# A data set


def test_a_data_set_comes_once(server, tmp_path):
    lines = []
    files = (
        server.add("one.zip", zipped(**{"IRMAS-TrainingData/cla/a.wav": DATA, "empty/": ""})),
        server.add("two.tar.gz", tarred("x/y.txt"), "md5"),
        server.add("list.csv", b"1,2"),
    )
    data_set = DataSet("CC0", files, connections=2)
    server.broken = [100]
    download(data_set, tmp_path, {}, lines.append)
    assert lines[0] == "Licence: CC0."
    assert tree(tmp_path) == {
        "IRMAS-TrainingData/cla/a.wav": DATA,
        "x/y.txt": b"hello",
        "list.csv": b"1,2",
    }
    assert not list((tmp_path / ".archives").glob("*.zip"))
    asked = len(server.requests)
    download(data_set, tmp_path, {})
    assert len(server.requests) == asked


def test_an_archive_in_parts(server, tmp_path):
    whole = zipped(**{"0/a.mp3": DATA})
    third = len(whole) // 3
    parts = [whole[:third], whole[third : 2 * third], whole[2 * third :]]
    for number, part in enumerate(parts, start=1):
        server.files[f"/mp3.zip.00{number}"] = part
    urls = [f"{server.address}/mp3.zip.00{number}" for number in (1, 2, 3)]
    data_set = DataSet("CC0", tuple(File(url, folder="mp3") for url in urls), connections=3)
    with pytest.raises(InputError, match=r"no checksum of mp3.zip.001, .*{mp3.zip.001: size}"):
        download(data_set, tmp_path, {})
    assert server.requests == []
    download(data_set, tmp_path, dict.fromkeys(("mp3.zip.001", "mp3.zip.002", "mp3.zip.003"), "size"))
    assert tree(tmp_path) == {"mp3/0/a.mp3": DATA}
    assert {path.suffix for path in (tmp_path / ".archives").iterdir()} == {".done"}


@pytest.mark.parametrize("step", ["touch", "unlink"])
@pytest.mark.parametrize("moment", [0, 1, 2])
def test_killed_while_an_archive_is_put_away(server, tmp_path, monkeypatch, step, moment):
    whole = zipped(**{"0/a.mp3": DATA})
    server.files |= {"/mp3.zip.001": whole[:500], "/mp3.zip.002": whole[500:]}
    urls = [f"{server.address}/mp3.zip.00{number}" for number in (1, 2)]
    data_set = DataSet("CC0", tuple(File(url, folder="mp3") for url in urls))
    sizes = dict.fromkeys(("mp3.zip.001", "mp3.zip.002"), "size")
    call, calls = getattr(Path, step), []

    def killed(path, *arguments, **options):
        if path.name.startswith("mp3.zip"):
            calls.append(path)
            if len(calls) > moment:
                raise KeyboardInterrupt
        call(path, *arguments, **options)

    monkeypatch.setattr(Path, step, killed)
    with contextlib.suppress(KeyboardInterrupt):
        download(data_set, tmp_path, sizes)
    monkeypatch.undo()
    download(data_set, tmp_path, sizes)
    assert len(server.requests) == 2
    assert tree(tmp_path) == {"mp3/0/a.mp3": DATA}
    assert {path.suffix for path in (tmp_path / ".archives").iterdir()} == {".done"}


def test_a_list_of_checksums(server, tmp_path):
    archives = {f"audio-0{number}.tar": tarred(f"0{number}/1.mp3", mode="w") for number in range(3)}
    lines = [f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in archives.items()]
    for name, data in archives.items():
        server.add(f"tars/{name}", data)
    sums = server.add("sums.txt", "\n".join(lines).encode())
    download(DataSet("CC0", sums=sums, base=f"{server.address}/tars", connections=3), tmp_path, {})
    assert sorted(tree(tmp_path)) == ["00/1.mp3", "01/1.mp3", "02/1.mp3"]
    server.files["/tars/audio-01.tar"] = archives["audio-00.tar"]
    with pytest.raises(InputError, match=r"audio-01.tar: what came has the sha256"):
        download(DataSet("CC0", sums=sums, base=f"{server.address}/tars"), tmp_path / "again", {})
    assert tree(tmp_path / "again") == {}


def test_a_disk_too_small_is_told_before_anything_comes(server, tmp_path, monkeypatch):
    data_set = DataSet("CC0", (server.add("a.zip", zipped(a=DATA)), server.add("b.zip", zipped(b=DATA))))
    full(monkeypatch, int(1.5 * len(DATA)))
    with pytest.raises(InputError, match=r"GB are needed to download, and .* GB are free"):
        download(data_set, tmp_path, {})
    assert server.requests == []


def test_what_cannot_be_downloaded_must_be_brought(tmp_path):
    data_set = downloads.DATA_SETS["msd"]
    with pytest.raises(InputError, match=r"Its previews are not given out. Put your own"):
        download(data_set, tmp_path, {})
    (tmp_path / "lastfm_tags.db").touch()
    download(data_set, tmp_path, {})


def test_every_data_set_is_registered_with_a_licence():
    assert set(DATA_SETS) <= set(downloads.DATA_SETS)
    digits = {"md5": 32, "sha1": 40, "sha256": 64}
    for name, data_set in downloads.DATA_SETS.items():
        assert data_set.licence, name
        # the packages of Debian are known to apt
        assert (name == "debian") + bool(data_set.files) + bool(data_set.advice) == 1, name
        for file in data_set.files:
            if file.checksum:
                algorithm, _, digest = file.checksum.partition(":")
                assert len(bytes.fromhex(digest)) * 2 == digits[algorithm], file


def test_a_data_set_takes_the_checksums_of_its_own_files_alone():
    checksums = {"mp3.zip.001": "size", "other.zip": "md5:00"}
    assert downloads.own("magnatagatune", checksums) == {"mp3.zip.001": "size"}
    assert downloads.own("irmas", checksums) == {}
