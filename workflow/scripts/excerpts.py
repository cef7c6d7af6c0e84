"""The test excerpts of a corpus, drawn once and used by all."""

from pathlib import Path

from relatives import jobs, storage
from relatives.corpora import excerpts
from relatives.corpora.store import Corpus


def main(job):
    """Draw the excerpts."""
    corpus = Corpus(Path(job.input.audio).parent)
    samples = round(job.params.seconds * job.params.sample_rate)
    drawn = excerpts.draw(corpus, samples, job.params.number, job.params.seed)
    storage.write_tables({"excerpts": drawn}, job.output)


jobs.run(main)
