"""The consistency within every space, and between the audio space and every latent space."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from relatives import consistency, jobs, storage, tables
from relatives.statistics import bootstrap


def main(job):
    """Measure every space at every place of the grid, then make the tables."""
    excerpt_ids = pd.read_parquet(job.input.excerpts)["excerpt_id"].to_numpy()
    level = job.params.bootstrap["level"]
    weights = bootstrap.weights(len(excerpt_ids), job.params.bootstrap["draws"], job.params.seed)
    places = tables.places(job.params.magnitudes)
    compared = consistency.over_places(measure(job, weights))
    storage.write_tables(tables.within(places, excerpt_ids, compared.errors, weights, level), job.output)
    storage.write_tables(tables.between(places, excerpt_ids, compared, weights, level), job.output)


def measure(job, weights):
    """Compare the spaces place by place."""
    folder = job.params.folder
    spaces = [(space, trial) for space, trials in job.params.spaces.items() for trial in range(trials)]

    def points(transformation):
        """The points (magnitudes, excerpts, dimensions) of every (space, trial)."""
        return {
            (space, trial): read(f"{folder}/embeddings/{space}/trial{trial}/{transformation}.npy")
            for space, trial in spaces
        }

    originals = points("OG")
    with ThreadPoolExecutor(job.threads) as threads:
        for name, magnitudes in job.params.magnitudes.items():
            audio = {
                distance: read(f"{folder}/distances/{distance}/{name}.npy") for distance in consistency.AUDIO
            }
            transformed = points(name)
            for m in jobs.progress(range(len(magnitudes)), f"magnitudes of {name}"):
                yield consistency.compare_spaces(
                    {distance: matrices[m] for distance, matrices in audio.items()},
                    {key: (transformed[key][m], originals[key][0]) for key in spaces},
                    weights,
                    threads,
                    # A point's distance to itself is not a distance of two: it is left out
                    own_pairs=job.params.own_pairs and name != "OG",
                )


def read(path):
    """An array that stays on disk."""
    return np.load(path, mmap_mode="r")


jobs.run(main)
