"""Every excerpt under every magnitude as a point of one latent space."""

import numpy as np

from relatives import embedding, jobs
from relatives.files import replacing


def main(job):
    """Embed transformation by transformation."""
    source = job.input.get("checkpoint") or job.wildcards.space
    encoder = embedding.encoder(source, job.params.sample_rate, job.params.device, job.threads)
    for name, output in jobs.progress(list(job.output.items()), "transformations"):
        points = np.stack([embedding.embed(encoder, audio) for audio in jobs.Blocks(job.input[name])])
        with replacing(output) as path:
            np.save(path, points)


jobs.run(main)
