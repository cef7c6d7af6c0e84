"""The test excerpts of a corpus, drawn once and used by all."""

from pathlib import Path

from relatives import jobs, storage
from relatives.corpora import excerpts
from relatives.corpora.store import Corpus


def main(job):
    """Draw the excerpts."""
    corpus = Corpus(Path(job.input.audio).parent)
    samples, window = (
        round(length * job.params.sample_rate) for length in (job.params.seconds, job.params.window)
    )
    drawn = excerpts.draw(corpus, samples, window, job.params.number, job.params.seed)
    if note := excerpts.note_of_padding(corpus, drawn, samples, window):
        print(note)
    storage.write_tables({"excerpts": drawn}, job.output)


jobs.run(main)
