# Public data sets, fetched to data/raw/NAME when a corpus without a `path`, or you, ask for data/raw/NAME/complete.
import sys

from relatives.corpora import apt, downloads

# Told in a dry run, too
if workflow.is_main_process:
    for corpus in configuration.corpora_in_use(config):
        for mark in map(Path, configuration.downloaded(config, corpus)):
            if not mark.exists():
                by_apt = mark.parent.name == "debian"
                words = (apt.missing_tools() if by_apt else None) or downloads.missing(mark.parent.name, mark.parent)
                print(f"Corpus {corpus}: {words}", file=sys.stderr)


localrules:
    download,
    packages,


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
        source="|".join(name for name in downloads.DATA_SETS if name != "debian"),
    resources:
        mem_mb=500,
    script:
        "../scripts/download.py"


rule packages:
    output:
        "data/raw/debian/complete",
    log:
        "results/logs/downloads/debian.log",
    message:
        "Fetching data/raw/debian by apt-get, without root. Licence: {params.licence}"
    params:
        licence=downloads.DATA_SETS["debian"].licence,
        packages=configuration.packages(config),
    resources:
        mem_mb=500,
    script:
        "../scripts/packages.py"
