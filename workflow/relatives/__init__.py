"""Are nearby neighbours in a music embedding relatives? The thinking behind the pipeline.

The modules stand in the order in which data flows, and each imports only those above it: `errors`, `seeds`,
`files`, `audio`, `corpora`, `features`, `transforms`, `models`, `tasks`, `training`, `embedding`,
`distances`, `consistency`, `statistics`, `tables`, `projection`, `figures`, `report`. The rules and scripts
beside this package call them. `examination` and `encoder_report` test one encoder without the pipeline, by
the command that is `cli`. Three modules serve the workflow itself: `configuration`, `provenance` and
`jobs`, which is the only one that knows of Snakemake. `records` notes where each file is from, `lineage`
tells it.
"""

__version__ = "0.1.0"
