"""The list of all transformed excerpts, from which embeddings can be computed elsewhere."""

import json

import pandas as pd

from relatives import jobs, manifest
from relatives.files import replacing


def main(job):
    """Describe every file."""
    content = manifest.make(
        job.params.corpus,
        job.params.sample_rate,
        pd.read_parquet(job.input.excerpts)["excerpt_id"].tolist(),
        job.params.magnitudes,
        {name: [paths] if isinstance(paths, str) else list(paths) for name, paths in transformed(job)},
    )
    with replacing(job.output[0]) as path:
        path.write_text(json.dumps(content, indent=1) + "\n")


def transformed(job):
    """The transformations with their files."""
    return ((name, job.input[name]) for name in job.params.magnitudes)


jobs.run(main)
