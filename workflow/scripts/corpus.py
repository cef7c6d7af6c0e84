"""The tracks of a corpus, from its source into its store."""

from pathlib import Path

from relatives import jobs
from relatives.corpora import outside, source, store


def main(job):
    """Stream the source's tracks to disk; return the music that was read."""
    settings = job.params.settings | {"shortest": job.params.shortest}
    tracks = source(settings["source"]).tracks(settings, job.params.sample_rate, job.params.seed, job.threads)
    store.write(Path(job.output.audio).parent, jobs.progress(tracks, "tracks"))
    return outside(settings)


jobs.run(main)
