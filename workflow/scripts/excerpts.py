"""The test excerpts of a corpus, drawn once and used by all."""

from pathlib import Path

from relatives import jobs, storage
from relatives.corpora import excerpts
from relatives.corpora.store import Corpus


def main(job):
    """Draw the excerpts."""
    corpus, rate = Corpus(Path(job.input.audio).parent), job.params.sample_rate
    samples, window = (round(length * rate) for length in (job.params.seconds, job.params.window))
    drawn = excerpts.draw(corpus, samples, window, job.params.number, job.params.seed, rate)
    if note := excerpts.note_of_padding(corpus, drawn, samples, window, job.params.fastest):
        print(note)
    storage.write_tables({"excerpts": drawn}, job.output)


jobs.run(main)
