"""A public data set, from the network to its folder."""

from pathlib import Path

from relatives import jobs
from relatives.corpora import downloads
from relatives.files import replacing


def main(job):
    """Fetch what is not there yet."""
    complete = Path(job.output[0])
    data_set = downloads.DATA_SETS[job.wildcards.source]
    downloads.download(data_set, complete.parent, job.params.checksums)
    with replacing(complete) as path:
        path.write_text(f"Licence: {data_set.licence}\n")


jobs.run(main)
