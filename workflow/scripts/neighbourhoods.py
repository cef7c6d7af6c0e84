"""The originals and their smallest transformations in the plane, a plane a space: Figures 1 and 9."""

import numpy as np
import pandas as pd

from relatives import jobs, projection, storage, transforms


def main(job):
    """Lay out each space."""
    excerpt_ids = pd.read_parquet(job.input.excerpts)["excerpt_id"]
    wanted = {"OG": (0.0,), **transforms.SMALLEST}
    tables = []
    for space in jobs.progress(job.params.spaces, "spaces"):
        embeddings = []
        for name, magnitudes in job.params.magnitudes.items():
            points = np.load(f"{job.params.folder}/embeddings/{space}/trial0/{name}.npy", mmap_mode="r")
            embeddings += [(name, m, points[i]) for i, m in enumerate(magnitudes) if m in wanted[name]]
        tables.append(projection.neighbourhoods(space, embeddings, excerpt_ids, job.params.seed))
    storage.write_tables({"neighbourhoods": pd.concat(tables, ignore_index=True)}, job.output)


jobs.run(main)
