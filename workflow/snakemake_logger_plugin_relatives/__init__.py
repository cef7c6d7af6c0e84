"""A plugin of Snakemake that logs nothing: it has `relatives.startup` check a command before it starts.

Snakemake imports every package whose name begins like this one, in every process, before it opens a
configuration file or a cache. No other code of a workflow runs so early.
"""

import logging
import sys
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase

from relatives import startup


class LogHandler(LogHandlerBase):
    """What a plugin of this kind must have; ``--logger relatives`` adds a logger that writes nothing."""

    writes_to_stream = writes_to_file = has_filter = has_formatter = needs_rulegraph = False

    def emit(self, record: logging.LogRecord) -> None:
        """Leave the record to Snakemake's own logger."""


# "snakemake" is the command's name, or the folder of the module that `python -m snakemake` runs
if "snakemake" in (Path(sys.argv[0]).stem, Path(sys.argv[0]).parent.name):
    startup.prepare(sys.argv[1:])
