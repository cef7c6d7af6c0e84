"""What a run's folder must look like, at any moment and at its end, beside one that was never disturbed."""

import csv
import fnmatch
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from relatives.files import PARTIAL

APART = ("results/logs/", "results/timing/", "results/provenance/")
"""What Snakemake and the jobs say on the way, with times; it is of one run, and no result."""

PROGRESS = ("progress.pt", "progress.previous.pt", "progress.csv")
"""How far a training is: whole files in their own right, gone when the training is done."""


@dataclass
class Files:
    """Every file of a run below `data` and `results` by its path, as a digest of what two runs must share.

    Left out of it is what is measured on the way: of a training's history the speed, of the report the times.
    """

    digests: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> "Files":
        return cls(
            {
                str(path.relative_to(folder)): _digest(path)
                for top in ("data", "results")
                for path in sorted((folder / top).rglob("*"))
                if path.is_file() and not str(path.relative_to(folder)).startswith(APART)
            }
        )

    def partial(self) -> list[str]:
        """The temporary files."""
        return [path for path in self.digests if _is_partial(path)]

    def faults(self, reference: "Files") -> list[str]:
        """What is wrong at any moment: a file that is not as in the finished run, or not of it."""
        return [
            f"{path} {'is not as it should be' if path in reference.digests else 'is no file of the run'}"
            for path, digest in self.digests.items()
            if reference.digests.get(path) != digest and not _is_partial(path)
        ]

    def faults_at_end(self, reference: "Files") -> list[str]:
        """What is wrong with a finished run: that, what is missing, temporary files that are left."""
        missing = [f"{path} is missing" for path in reference.digests if path not in self.digests]
        left = [f"{path} is left over" for path in self.partial()]
        return self.faults(reference) + missing + left


def _is_partial(path: str) -> bool:
    name = Path(path).name
    return fnmatch.fnmatch(name, PARTIAL) or name in PROGRESS


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "history.csv":
        rows = csv.DictReader(io.StringIO(content.decode()))
        content = repr(
            [{**row, "examples_per_second": "examples_per_second" in row} for row in rows]
        ).encode()
    elif path.name == "report.html":
        content = re.sub(rb'<section id="stages">.*?</section>', b"", content, flags=re.DOTALL)
        content = re.sub(rb"<div><dt>of all jobs together, .*?</div>", b"", content, flags=re.DOTALL)
    return hashlib.sha256(content).hexdigest()
