"""Embeddings that were computed elsewhere become those of a space of this run."""

import json
from pathlib import Path

import numpy as np

from relatives import jobs, manifest, own_encoders
from relatives.errors import InputError
from relatives.files import replacing


def main(job):
    """Check them against the manifest and keep a copy; return the files that were read."""
    try:
        arrays = manifest.read(job.params.own["embeddings"], json.loads(Path(job.input.manifest).read_text()))
    except InputError as error:
        raise InputError(f"{own_encoders.title(job.params.own)}: {error}") from None
    for name, points in arrays.items():
        with replacing(job.output[name][0]) as path:
            np.save(path, points)
    return own_encoders.files(job.params.own)


jobs.run(main)
