"""Are nearby neighbours in a music embedding relatives? The thinking behind the pipeline.

The modules stand in the order in which data flows, and each imports only those above it: `errors`, `seeds`,
`files`, `storage`, `audio`, `corpora`, `features`, `transforms`, `models`, `tasks`, `training`, `embedding`,
`distances`, `consistency`, `statistics`, `tables`, `projection`, `figures`, `report`. The rules and scripts
beside this package call them. `examination` and `encoder_report` test one encoder without the pipeline, by
the command that is `cli`. Four modules serve the workflow itself: `startup`, `configuration`, `provenance`
and `jobs`; `startup` and `jobs` are the only ones that know of Snakemake. `records` notes where each file is
from, `lineage` tells it.
"""

__version__ = "0.1.0"
