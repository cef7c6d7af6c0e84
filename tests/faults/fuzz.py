"""A coverage-guided fuzzer on the readers and the configuration (atheris, which is libFuzzer for Python).

    python -m pip install --no-deps -r envs/fuzzing.txt
    python tests/faults/fuzz.py --seconds 120              every target, and results/fuzz.md
    python tests/faults/fuzz.py --target configuration     one, with libFuzzer's own options

A target takes bytes, and may raise an `InputError` and nothing else. What libFuzzer finds it writes to
``crash-…`` in the working directory. The code of ffmpeg runs in a process of its own and is not followed; for
files of audio the target is what libsndfile, and the Python around it, make of them.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

RESULTS = Path(__file__).parent / "results"


def configuration() -> tuple:
    """YAML laid over config.yaml."""
    import yaml

    from faults import tables
    from relatives import configuration

    shipped = yaml.safe_load((tables.ROOT / "config.yaml").read_text())

    def target(data):
        try:
            overlay = yaml.safe_load(data)
        except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError, LookupError):
            return  # no YAML: Snakemake says so
        if isinstance(overlay, dict):
            config = shipped | overlay
            configuration.check(config)
            tables.follow(config)

    presets = [path.read_bytes() for path in (tables.ROOT / "workflow" / "presets").glob("*.yaml")]
    lines = [yaml.safe_dump({key: value}).encode() for key, value in shipped.items()]
    return target, presets + lines


def sound() -> tuple:
    """A file of audio, as far as libsndfile reads it."""
    from faults import broken
    from relatives import audio
    from relatives.corpora import folder
    from relatives.errors import InputError

    def by_another(path, *_, **__):
        raise InputError(f"{path}: for ffmpeg")

    audio._Ffmpeg = by_another
    path = Path(tempfile.mkdtemp()) / "a.bin"

    def target(data):
        path.write_bytes(data)
        signal, reason = folder.examine(path, broken.RATE, 0.01)
        assert (signal is None) == bool(reason)

    names = [name for name in broken.FORMATS if "opus" not in name]
    return target, [broken.encode(broken.clip(name, 0, 0.05), name) for name in names]


def array() -> tuple:
    """An array of embeddings."""
    import io

    import numpy as np

    from relatives import manifest

    path = Path(tempfile.mkdtemp()) / "PS.npy"

    def target(data):
        path.write_bytes(data)
        manifest._array(path, [2, 3])

    files = [io.BytesIO() for _ in range(3)]
    for file, kind in zip(files, ("<f4", ">i2", "O"), strict=True):
        np.save(file, np.zeros((2, 3, 4), dtype=kind), allow_pickle=True)
    return target, [file.getvalue() for file in files]


def _of_data_set(source: str, name: str) -> tuple:
    from faults import tables
    from relatives import corpora
    from relatives.corpora import listed

    folder = Path(tempfile.mkdtemp())
    tables.LAYOUTS[source][0](folder)
    settings = {"source": source, "path": str(folder), "shortest": 0.5}
    module = corpora.source(source)
    path = folder / name
    whole = path.read_bytes()

    def target(data):
        path.write_bytes(data)
        listed.dealt([item for item in module.items(settings) if isinstance(item, listed.Item)],
                     settings, (0.8, 0.1, 0.1), 0)  # fmt: skip

    return target, [whole]


def annotations() -> tuple:
    """MagnaTagATune's table of tags."""
    return _of_data_set("magnatagatune", "annotations_final.csv")


def genres() -> tuple:
    """The table of the Free Music Archive."""
    return _of_data_set("fma", "fma_metadata/tracks.csv")


def songs() -> tuple:
    """A list of MTG-Jamendo."""
    return _of_data_set("jamendo", "autotagging_top50tags-train.tsv")


def dances() -> tuple:
    """The list of Extended Ballroom."""
    return _of_data_set("ballroom", "extendedballroom_v1.1.xml")


def database() -> tuple:
    """Last.fm's database."""
    return _of_data_set("msd", "lastfm_tags.db")


def archive() -> tuple:
    """A ZIP or tar archive of a data set."""
    import io
    import shutil
    import tarfile
    import zipfile

    from relatives.corpora import downloads

    place = Path(tempfile.mkdtemp())

    def target(data):
        path = place / ("a.zip" if data[:2] == b"PK" else "a.tar")
        path.write_bytes(data)
        try:
            downloads.unpack(path, place / "inside" / "data")
        finally:
            shutil.rmtree(place / "inside", ignore_errors=True)
            assert sorted(found.name for found in place.iterdir() if found != path) == [], "written outside"
            path.unlink()

    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/b.txt", "hello" * 9)
    with tarfile.open(fileobj=tarred, mode="w") as made:
        info = tarfile.TarInfo("a/b.txt")
        info.size = 5
        made.addfile(info, io.BytesIO(b"hello"))
    return target, [zipped.getvalue(), tarred.getvalue()]


def frames() -> tuple:
    """The frame headers of an MP3, for which a ValueError is documented; and what lies where in a file."""
    from faults import broken
    from relatives import containers
    from relatives.transforms import mp3

    def target(data):
        with contextlib.suppress(containers.Broken):
            parts, _ = containers.survey(data)
            assert parts and all(
                0 <= begin <= end <= len(data) for part in parts for begin, end in part.ranges
            )
        with contextlib.suppress(ValueError):
            mp3.frame_rates(data)

    return target, [broken.encode(broken.clip(name, 0, 0.1), name) for name in ("mp3", "mp3-bare")]


TARGETS = (configuration, sound, array, annotations, genres, songs, dances, database, archive, frames)


def one(name: str, options: list[str]) -> None:
    """Fuzz a target; libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["relatives", "numpy.lib", "tarfile", "zipfile", "jsonschema"]):
        from relatives.errors import InputError

        target, seeds = next(make for make in TARGETS if make.__name__ == name)()
    inputs = tempfile.mkdtemp()
    for number, data in enumerate(seeds):
        Path(inputs, str(number)).write_bytes(data)

    def run(data):
        with contextlib.suppress(InputError):
            target(data)

    atheris.Setup([sys.argv[0], *options, "-rss_limit_mb=2500", "-timeout=20", "-max_len=65536", inputs], run)
    atheris.Fuzz()


def main() -> int:
    """Every target for so many seconds; 1 if one was broken."""
    parser = argparse.ArgumentParser(description="a coverage-guided fuzzer on the readers")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=[make.__name__ for make in TARGETS])
    parser.add_argument("--seed", type=int, default=1)
    options, rest = parser.parse_known_args()
    if options.target:
        one(options.target, rest)
    lines = [
        "| target | what | executions | seconds | coverage | found |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    broken = False
    for make in TARGETS:
        command = [sys.executable, __file__, "--target", make.__name__]
        command += [f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
        done = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                              errors="replace", env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
        runs = re.search(r"Done (\d+) runs in (\d+) second", done.stderr)
        # libFuzzer's own words say how many there were where it did not come to its end
        count = runs[1] if runs else (re.findall(r"^#(\d+)", done.stderr, re.MULTILINE) or ["0"])[-1]
        coverage = (re.findall(r"cov: (\d+)", done.stderr) or ["0"])[-1]
        found = "nothing" if done.returncode == 0 else "a fault"
        broken |= done.returncode != 0
        words = make.__doc__.split(";")[0].rstrip(".")
        seconds = runs[2] if runs else ""
        lines.append(f"| {make.__name__} | {words} | {count} | {seconds} | {coverage} | {found} |")
        print(lines[-1], flush=True)
        if done.returncode:
            print(done.stderr[-3000:])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fuzz.md").write_text("\n".join(lines) + "\n")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
