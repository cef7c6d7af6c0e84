"""Packages of Debian with music, from their archive to their folders."""

from pathlib import Path

from relatives import jobs
from relatives.corpora import apt
from relatives.files import replacing


def main(job):
    """Fetch what is not there yet, and list what is: package, version, SHA-256 of the packed file."""
    complete = Path(job.output[0])
    packages = apt.fetch(job.params.packages, complete.parent)
    lines = [f"{package.package} {package.version} sha256:{package.sha256}" for package in packages]
    with replacing(complete) as path:
        path.write_text("\n".join([f"Licence: {job.params.licence}", *lines]) + "\n")


jobs.run(main)
