"""What every script of the pipeline shares: its job, its log, its errors, and being started by hand.

A script under ``workflow/scripts`` defines ``main(job)``, which returns what it read from outside the
pipeline beside its inputs, and ends in ``jobs.run(main)``. Snakemake starts it with the job's input, output,
params and the rest in an object; by hand,

    python workflow/scripts/transform.py corpus=tagging transformation=PS block=0

builds the same object from the Snakefile, in the folder that holds `data` and `results`, so that any script
can be stepped through in a debugger. A run with ``--configfile mine.yaml`` is continued so with
``RELATIVES_CONFIG=mine.yaml`` before it: the output is written for the configuration at hand.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from relatives import faults, records, running, startup
from relatives.errors import InputError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT = 1 << 30  # bytes


def run(main: Callable) -> None:
    """Run `main` on this script's job: what it prints goes to the log; only a bug has a traceback.

    Parameters
    ----------
    main : callable
        Takes the job. It returns the files and folders outside of the pipeline that it read and that are not
        inputs of its rule, for the records; None where there are none.
    """
    started = psutil.Process().create_time()
    ready = time.time()
    script = sys.modules["__main__"]
    by_snakemake = hasattr(script, "snakemake")
    if not by_snakemake:
        startup.settle_caches()
    job = script.snakemake if by_snakemake else by_hand(Path(script.__file__).stem, sys.argv[1:])
    if not by_snakemake:
        # As Snakemake does it: another number of threads may change the last bits of a matrix product
        threadpool_limits(job.threads)
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(job.threads)
    _keep_freed_memory()
    with _explaining(job), _logging(job.log[0] if by_snakemake and job.log else None):
        if by_snakemake:
            running.enter_job()
        outside = main(job)
        records.write(job, outside or ())
        # The report adds these up: what the pipeline pays for interpreters and imports
        print(f"start-up {ready - started:.2f} s, work {time.time() - ready:.2f} s", file=sys.stderr)


@contextmanager
def _explaining(job: object) -> Iterator[None]:
    """End with a message where the input or the machine is at fault: in the log or, if that takes none, on
    the terminal.
    """
    terminal = os.dup(sys.stderr.fileno())
    try:
        yield
    except Exception as error:
        fault = isinstance(error, InputError)
        message = str(error) if fault else faults.explain(error, job.rule, job.resources.get("mem_mb"))
        if message is None:
            raise
        try:
            print(f"Error: {message}", file=sys.stderr, flush=True)
        except OSError:
            os.write(terminal, f"Error: {message}\n".encode(errors="backslashreplace"))
        sys.exit(1)


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next allocation, where it lets itself be told (glibc).

    By default it hands large blocks back to the system, which clears them whenever they are asked for
    again. A network, whose every step frees and takes the same hundred megabytes, loses a tenth to a
    fifth of its time so.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)


@contextmanager
def _logging(path: str | None) -> Iterator[None]:
    """Send both output streams to `path`, those of compiled code too; None leaves them where they are."""
    if path is None:
        yield
        return
    with open(path, "w") as log:
        sys.stdout.flush()
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
        sys.stderr.reconfigure(line_buffering=True)
        yield


def by_hand(script: str, wildcards: list[str]) -> object:
    """The object that Snakemake would give to `script`, for a run outside it.

    Parameters
    ----------
    script : str
        The script's name, without its suffix.
    wildcards : list of str
        ``name=value`` for every wildcard of the rule. A script that serves several rules takes the
        first one whose wildcards are these, or the rule that ``rule=NAME`` says.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.dag import DAG
    from snakemake.jobs import Job
    from snakemake.script import Snakemake
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    values = dict(pair.split("=", 1) for pair in wildcards)
    name = values.pop("rule", None)
    snakefile = Path(__file__).parents[2] / "Snakefile"
    configfiles = [Path(path) for path in os.environ.get("RELATIVES_CONFIG", "").split(os.pathsep) if path]
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = (
            api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=configfiles),
                snakefile=snakefile,
                workdir=Path.cwd(),
            )
            .dag(DAGSettings())
            .workflow_api._workflow
        )
        rules = [
            rule
            for rule in workflow.rules
            if rule.script
            and Path(rule.script).stem == script
            and rule.wildcard_names == set(values)
            and name in (None, rule.name)
        ]
        if not rules:
            sys.exit(f"Error: no rule runs {script}.py with the wildcards {sorted(values)}")
        job = Job(rules[0], DAG(workflow, rules=rules[:1]), values)
        return Snakemake(
            job.input, job.output, job.params, job.wildcards, job.threads, job.resources, job.log,
            workflow.config, job.rule.name, None, str(Path(rules[0].script).parent),
        )  # fmt: skip


def progress(items: Iterable, unit: str) -> Iterable:
    """`items` with a bar in the log: how many, how fast, how long still."""
    return tqdm(items, unit=f" {unit}", mininterval=5, dynamic_ncols=False, ncols=90)
