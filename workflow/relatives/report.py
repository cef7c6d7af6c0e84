"""The report: one page that holds a run, its figures, tables, captions, settings, versions and times.

The page needs nothing beside itself: pictures are inside, no script and no font is fetched. What it says is
passed in; how it looks is in the template, ``workflow/report/report.html.j2``. Captions are the
reStructuredText files of ``workflow/report``, the same that ``snakemake --report`` shows: first the title, in
bold, then the explanation.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from docutils.core import publish_parts
from markupsafe import Markup

from relatives.errors import InputError
from relatives.tasks import TASKS

STAGES = (
    "corpora",
    "features",
    "transforms",
    "training",
    "embedding",
    "performance",
    "distances",
    "consistency",
    "figures",
)
"""The stages in the order in which data flows."""


@dataclass(frozen=True)
class Caption:
    """A caption's title, in plain text, and its explanation, in HTML."""

    title: str
    text: Markup


@dataclass(frozen=True)
class Figure:
    """A figure of the report: its name ("fig04"), the bytes of its PNG, its caption in reStructuredText."""

    name: str
    png: bytes
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of the report: its name ("table01"), its rows, its caption in reStructuredText."""

    name: str
    rows: pd.DataFrame
    caption: str


def build(
    template: str,
    *,
    headline: Mapping[str, str],
    figures: Sequence[Figure],
    tables: Sequence[Table],
    scores: pd.DataFrame,
    stages: pd.DataFrame,
    skipped: pd.DataFrame,
    versions: Mapping[str, str],
    config: Mapping,
) -> str:
    """Build the page.

    Parameters
    ----------
    template : str
        The Jinja template of the page.
    headline : mapping of str to str
        The run's key numbers, in order: what is counted, and the number with its unit.
    figures, tables : sequences
        In the order in which they are shown.
    scores : DataFrame
        task, encoder, trial, measure, trivial, performance: the mean over the test excerpts, of a network
        where trivial is empty, else of the trivial predictor named there. No row where no task was run.
    stages : DataFrame
        stage, jobs, seconds (of all jobs together), max_rss_mb (of the job that took most).
    skipped : DataFrame
        corpus, file, reason.
    versions : mapping of str to str
        The key packages.
    config : mapping
        The whole configuration.

    Returns
    -------
    str
        HTML. The same arguments give the same text.
    """
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"duration": duration, "decimals": decimals, "megabytes": megabytes}
    total = float(stages["seconds"].sum())
    return environment.from_string(template).render(
        headline=headline,
        figures=[
            {
                "name": figure.name,
                "number": number(figure.name),
                "image": "data:image/png;base64," + base64.b64encode(figure.png).decode("ascii"),
                "caption": caption(figure.caption),
            }
            for figure in figures
        ],
        tables=[
            {
                "name": table.name,
                "number": number(table.name),
                "columns": list(table.rows.columns),
                "rows": table.rows.to_numpy().tolist(),
                "caption": caption(table.caption),
            }
            for table in tables
        ],
        scores=compare(scores),
        stages=stages.assign(share=stages["seconds"] / total if total > 0 else 0.0).to_dict("records"),
        total=total,
        skipped=skipped.to_dict("records"),
        versions=versions,
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100),
    )


def caption(source: str) -> Caption:
    """Read a caption.

    Raises
    ------
    InputError
        If it does not begin with a title in bold, or is no reStructuredText.
    """
    found = re.match(r"\*\*(.+?)\*\*\s+", source, re.DOTALL)
    if not found:
        raise InputError(f"a caption begins with its title, **in bold**; this one begins {source[:40]!r}")
    settings = {"halt_level": 2, "report_level": 5, "raw_enabled": False, "file_insertion_enabled": False}
    try:
        text = publish_parts(source[found.end() :], writer="html5", settings_overrides=settings)["body"]
    except Exception as error:  # docutils raises its own SystemMessage, which has no common base but this
        raise InputError(f"the caption {found[1]!r} is no reStructuredText: {error}") from error
    return Caption(" ".join(found[1].split()), Markup(text))


def number(name: str) -> str:
    """The number of a figure or table in the study: "fig04" -> "4"."""
    return name.lstrip("abcdefghijklmnopqrstuvwxyz").lstrip("0")


def duration(seconds: float) -> str:
    """A time for reading: "0.4 s", "48 s", "3 min 05 s", "2 h 07 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(size: float) -> str:
    """A memory size for reading: "1234 MB", or a dash for a job too short to be measured."""
    return "–" if pd.isna(size) else f"{size:.0f} MB"


def decimals(value: float) -> str:
    """A number with three decimals and a true minus sign."""
    return f"{value:.3f}".replace("-", "−")


def costs(timing: Path, logs: Path) -> tuple[pd.DataFrame, float]:
    """What each stage took, and the share of it that went into starting up.

    Parameters
    ----------
    timing : Path
        Folder of Snakemake's measurements, ``stage/job.tsv``.
    logs : Path
        Folder of the logs, ``stage/job.log``, in which `jobs.run` notes how long the interpreter and
        the imports took.

    Returns
    -------
    stages : DataFrame
        As `build` takes it.
    overhead : float
        Start-up as a share of all jobs' time.
    """
    rows = []
    for path in sorted(timing.glob("*/*.tsv")):
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        log_file = (logs / path.relative_to(timing)).with_suffix(".log")
        log = log_file.read_text() if log_file.is_file() else ""
        start_up = sum(
            float(seconds) for seconds in re.findall(r"^start-up ([\d.]+) s", log, flags=re.MULTILINE)
        )
        rows.append((path.parent.name, measured["s"], measured["max_rss"], start_up))
    measured = pd.DataFrame(rows, columns=["stage", "seconds", "max_rss_mb", "start_up"])
    stages = measured.groupby("stage").agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), max_rss_mb=("max_rss_mb", "max")
    )
    present = [stage for stage in STAGES if stage in stages.index]
    return stages.loc[present].reset_index(), measured["start_up"].sum() / measured["seconds"].sum()


def compare(scores: pd.DataFrame) -> list[dict]:
    """Set each network beside the best of its trivial predictors.

    Parameters
    ----------
    scores : DataFrame
        As in `build`.

    Returns
    -------
    list of dict
        A row a task and encoder: task, title, encoder, measure, performance (mean over the trials), trials
        (of each), trivial (its mean over the trials), predictor (its name), better (whether the network is).
    """
    rows = []
    scores = scores.assign(trivial=scores["trivial"].fillna(""))
    for (task, encoder, measure), group in scores.groupby(["task", "encoder", "measure"], sort=False):
        own = group[group["trivial"] == ""].sort_values("trial")["performance"]
        trivial = group[group["trivial"] != ""].groupby("trivial")["performance"].mean()
        sign = 1 if TASKS[task].higher_is_better else -1
        best = (sign * trivial).idxmax()
        rows.append(
            {
                "task": task,
                "title": TASKS[task].title,
                "encoder": encoder,
                "measure": measure,
                "performance": own.mean(),
                "trials": own.tolist(),
                "trivial": trivial[best],
                "predictor": best,
                "better": bool(sign * own.mean() > sign * trivial[best]),
            }
        )
    return rows
