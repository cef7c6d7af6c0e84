"""Every excerpt under every magnitude as a point of one latent space."""

import numpy as np

from relatives import embedding, jobs, own_encoders, storage
from relatives.errors import InputError
from relatives.files import replacing


def main(job):
    """Embed transformation by transformation; return the files of an encoder of the user's own."""
    own, rate, device = job.params.own, job.params.sample_rate, job.params.device
    if own:
        name, encoder = own_encoders.title(own), own_encoders.load(own, rate, device, job.threads)
    else:
        name = job.wildcards.space
        encoder = embedding.encoder(job.input.get("checkpoint") or name, rate, device, job.threads)
    for transformation, output in jobs.progress(list(job.output.items()), "transformations"):
        try:
            points = embedding.embed(encoder, storage.Blocks(job.input[transformation]))
        except InputError as error:
            raise InputError(f"{name}, under {transformation}: {error}") from error
        with replacing(output) as path:
            np.save(path, points)
    return own_encoders.files(own) if own else None


jobs.run(main)
