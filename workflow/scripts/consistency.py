"""The consistency within every space, and between the audio space and every latent space."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import product, repeat

import numpy as np
import pandas as pd

from relatives import consistency, jobs, tables
from relatives.distances.vectors import cosine, euclidean
from relatives.statistics import bootstrap

AUDIO = ("dtw", "simple")
LATENT = {"euclidean": euclidean, "cosine": cosine}


def main(job):
    """Measure every space at every place of the grid, then make the tables."""
    excerpt_ids = pd.read_parquet(job.input.excerpts)["excerpt_id"].to_numpy()
    level = job.params.bootstrap["level"]
    weights = bootstrap.weights(len(excerpt_ids), job.params.bootstrap["draws"], job.params.seed)
    places = tables.places(job.params.magnitudes)
    errors, correlations, draws = measure(job, len(excerpt_ids), weights)
    jobs.write_tables(tables.within(places, excerpt_ids, errors, weights, level), job.output)
    jobs.write_tables(tables.between(places, errors, correlations, draws, weights, level), job.output)


def measure(job, n, weights):
    """All errors, correlations and their bootstrap draws, as `tables` takes them."""
    own = np.arange(n)
    errors, correlations, draws = defaultdict(list), defaultdict(list), defaultdict(list)
    spaces = [(space, trial) for space, trials in job.params.spaces.items() for trial in range(trials)]
    latents = list(product(spaces, LATENT))
    originals = {space: embeddings(job, space, "OG")[0] for space in spaces}
    with ThreadPoolExecutor(job.threads) as threads:
        for name, magnitudes in job.params.magnitudes.items():
            # A point's distance to itself is not a distance of two: among the originals it is left out
            own_pairs = job.params.own_pairs and name != "OG"
            audio = {
                distance: np.load(f"{job.params.folder}/distances/{distance}/{name}.npy", mmap_mode="r")
                for distance in AUDIO
            }
            transformed = {space: embeddings(job, space, name) for space in spaces}
            for m in jobs.progress(range(len(magnitudes)), f"magnitudes of {name}"):
                audio_ranks = {}
                for distance in AUDIO:
                    matrix = audio[distance][m]
                    errors["audio", 0, distance].append(consistency.within_space_errors(matrix, own))
                    audio_ranks[distance] = ranks(matrix, own_pairs)
                compared = threads.map(
                    compare,
                    [LATENT[distance] for _, distance in latents],
                    [transformed[space][m] for space, _ in latents],
                    [originals[space] for space, _ in latents],
                    repeat(audio_ranks),
                    repeat(own_pairs),
                    repeat(weights),
                )
                for (space, latent), (latent_errors, pairs) in zip(latents, compared, strict=True):
                    errors[*space, latent].append(latent_errors)
                    for distance, (correlation, sampled) in pairs.items():
                        correlations[*space, distance, latent].append(correlation)
                        draws[*space, distance, latent].append(sampled)
    return [
        {key: np.stack(rows) for key, rows in measured.items()} for measured in (errors, correlations, draws)
    ]


def compare(distance, transformed, originals, audio_ranks, own_pairs, weights):
    """One latent space at one place: its errors, and its correlation with each audio distance, with draws."""
    matrix = distance(transformed, originals)
    latent_ranks = ranks(matrix, own_pairs)
    pairs = {}
    for name, others in audio_ranks.items():
        means = consistency.row_means(others, latent_ranks)
        pairs[name] = consistency.rank_correlation(means), consistency.bootstrap_correlation(means, weights)
    return consistency.within_space_errors(matrix, np.arange(len(matrix))), pairs


def embeddings(job, space, transformation):
    """The points (magnitudes, excerpts, dimensions) of a (space, trial)."""
    path = f"{job.params.folder}/embeddings/{space[0]}/trial{space[1]}/{transformation}.npy"
    return np.load(path, mmap_mode="r")


def ranks(matrix, own_pairs):
    """The ranks of all distances of a matrix, with or without those of the points to their own originals."""
    return consistency.ranks(matrix if own_pairs else consistency.without_own(matrix, np.arange(len(matrix))))


jobs.run(main)
