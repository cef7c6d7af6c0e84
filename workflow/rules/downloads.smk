# Public data sets, fetched to data/raw/NAME when a corpus without a `path`, or you, ask for data/raw/NAME/complete.
import sys

from relatives.corpora import downloads

# Told in a dry run, too
if workflow.is_main_process:
    for corpus in configuration.corpora_in_use(config):
        for mark in map(Path, configuration.downloaded(config, corpus)):
            if not mark.exists():
                print(f"Corpus {corpus}: {downloads.missing(mark.parent.name, mark.parent)}", file=sys.stderr)


localrules:
    download,


rule download:
    output:
        "data/raw/{source}/complete",
    log:
        "results/logs/downloads/{source}.log",
    message:
        "Fetching data/raw/{wildcards.source}. Licence: {params.licence}"
    params:
        licence=lambda wildcards: downloads.DATA_SETS[wildcards.source].licence,
        checksums=lambda wildcards: downloads.own(wildcards.source, config["downloads"]["checksums"]),
    wildcard_constraints:
        source="|".join(downloads.DATA_SETS),
    resources:
        mem_mb=500,
    script:
        "../scripts/download.py"
