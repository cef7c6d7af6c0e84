"""The consistency study as a workflow: music, features, transformed audio, networks, distances, figures, report.

snakemake --cores N                                  everything, on the embedded corpus
snakemake --cores N --configfile mine.yaml           the same with your settings laid over config.yaml
snakemake fig06 --cores 1                            one figure
snakemake --cores N --configfile workflow/presets/folder.yaml   on a folder of your own music
"""

import logging

logging.raiseExceptions = False  # or a full disk would be a traceback for every line of Snakemake's log


configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/corpora.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/transforms.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/performance.smk"
include: "workflow/rules/distances.smk"
include: "workflow/rules/consistency.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


rule figures:
    input:
        expand(f"{CONSISTENCY}/figures/{{figure}}.{{format}}", figure=FIGURES, format=["pdf", "png"]),
        TABLE01,


rule statistics:
    input:
        ADDITIVE.values(),
        MIXED.values(),
        CLAIMS.values(),


rule all:
    default_target: True
    input:
        rules.figures.input,
        rules.statistics.input,
        "results/report.html",


onstart:
    prepare()


onsuccess:
    for corpus in configuration.corpora_in_use(config):
        if number := left_out(f"data/corpora/{corpus}"):
            print(f"Corpus {corpus}: {number} files were left out; data/corpora/{corpus}/skipped.csv says why.")
        if number := with_notes(f"data/corpora/{corpus}"):
            print(f"Corpus {corpus}: {number} files are used with a note; results/logs/corpora/{corpus}.log has them.")
    print("Done. The report: results/report.html")


onerror:
    for sentence in faults.at_the_end(log, *WRITTEN):
        print(sentence)
    print(f"Stopped. {faults.CONTINUE} The log above says why.")
