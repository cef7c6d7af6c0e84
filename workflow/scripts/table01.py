"""Table 1, the encoder's layers, as CSV and LaTeX."""

import pandas as pd

from relatives import jobs
from relatives.figures import table01
from relatives.files import replacing


def main(job):
    """Write both."""
    table, latex = table01.table(pd.read_parquet(job.input[0]))
    with replacing(job.output.csv) as path:
        table.to_csv(path, index=False)
    with replacing(job.output.tex) as path:
        path.write_text(latex)


jobs.run(main)
