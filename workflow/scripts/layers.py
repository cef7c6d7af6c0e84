"""The layers of every network with the shapes that they give: Table 1 and Figure 2."""

import pandas as pd

from relatives import jobs, storage
from relatives.models import networks


def main(job):
    """Trace the network of each checkpoint."""
    traces = []
    for path in job.input:
        network = networks.load(path)
        layers = networks.trace(network)
        layers.insert(0, "task", network.settings["task"])
        layers.insert(1, "encoder", network.settings["encoder"])
        traces.append(layers)
    storage.write_tables({"layers": pd.concat(traces, ignore_index=True)}, job.output)


jobs.run(main)
