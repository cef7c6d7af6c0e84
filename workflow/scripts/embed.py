"""Every excerpt under every magnitude as a point of one latent space, in all trials of its network."""

import numpy as np
import pandas as pd

from relatives import embedding, jobs, own_encoders, storage
from relatives.errors import InputError
from relatives.files import replacing


def main(job):
    """Embed transformation by transformation; return the files of an encoder of the user's own."""
    own, rate, device = job.params.own, job.params.sample_rate, job.params.device
    if own:
        for sentence in pd.read_csv(job.input.examination[0])["sentence"].dropna():
            print(sentence, flush=True)
    source = own or job.input.get("checkpoints") or job.wildcards.space
    encoder = embedding.encoder(source, rate, device, job.threads)
    dimensions = None
    for transformation, outputs in jobs.progress(list(job.output.items()), "transformations"):
        try:
            excerpts = storage.Blocks(job.input[transformation])
            points = embedding.embed(encoder, excerpts, dimensions=dimensions)
        except InputError as error:
            raise InputError(f"{encoder.name}, under {transformation}: {error}") from error
        dimensions = points.shape[-1]
        # (magnitudes, excerpts, trials x dimensions) -> a (magnitudes, excerpts, dimensions) for each trial
        for output, of_trial in zip(outputs, np.split(points, len(outputs), axis=-1), strict=True):
            with replacing(output) as path:
                np.save(path, of_trial)
    return own_encoders.files(own) if own else None


jobs.run(main)
