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
import numpy as np
import pandas as pd
import yaml
from docutils.core import publish_parts
from markupsafe import Markup

from relatives import study
from relatives.claims import CONTRADICTED, FINDING, FURTHER, SUPPORTED, VERDICTS
from relatives.errors import InputError
from relatives.figures import style
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
    "statistics",
    "figures",
)
"""The stages in the order in which data flows."""

SIGNIFICANT = 0.05
"""The p below which a difference counts."""


STUDY = {"tracks": 100_000, "excerpts": 1_000, "trials": 5, "width": 16}
"""The study's sizes: its tracks (102,161 of its tagging corpus, and few beside them), the excerpts that are
the points of all spaces, the trials of each network, the channels of the first block.
"""

STUDY_SOURCES = {"msd", "irmas", "musdb"}
"""The sources of its music."""


@dataclass(frozen=True)
class Caption:
    """A caption's title, in plain text, and its explanation, in HTML."""

    title: str
    text: Markup


@dataclass(frozen=True)
class Figure:
    """A figure of the report: its name ("fig04"), the bytes of its PNG, its caption in reStructuredText.

    One whose name has no number ("checks") is not the study's, and is shown after those that are.
    """

    name: str
    png: bytes
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of the report: its name ("table01"), its rows, its caption in reStructuredText."""

    name: str
    rows: pd.DataFrame
    caption: str


def page(template: Path, **values) -> str:
    """Fill in a template, which may include others of its folder."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "duration": duration,
        "decimals": decimals,
        "degrees": degrees,
        "interval": interval,
        "megabytes": megabytes,
        "probability": probability,
        "significant": significant,
        "space": lambda name: style.space(name).label,
    }
    return environment.get_template(template.name).render(**values)


def build(
    template: Path,
    *,
    about: str,
    headline: Mapping[str, str],
    figures: Sequence[Figure],
    tables: Sequence[Table],
    scores: pd.DataFrame,
    claims: pd.DataFrame,
    evidence: pd.DataFrame,
    statistics: Mapping[str, pd.DataFrame],
    stages: pd.DataFrame,
    skipped: pd.DataFrame,
    notes: pd.DataFrame,
    versions: Mapping[str, str],
    provenance: Mapping,
    config: Mapping,
) -> str:
    """Build the page.

    Parameters
    ----------
    template : Path
        The Jinja template of the page.
    about : str
        What music the run is on and how large it is, in sentences; see the function `about`.
    headline : mapping of str to str
        The run's key numbers, in order: what is counted, and the number with its unit.
    figures, tables : sequences
        In the order in which they are shown.
    scores : DataFrame
        task, encoder, trial, measure, predictor, performance: the mean over the test excerpts, of the trial
        itself where the predictor is "network", else of what it is compared with, by the names in
        `relatives.tasks.TASKS`; lead, lower, upper: how much better the trial is than that, with the
        interval over excerpts (`relatives.performance.lead`); steps: that the trial was trained; cut_off: as
        many as were allowed. No row where no task was run.
    claims, evidence : DataFrame
        As `relatives.claims.evaluate` returns them. Empty ones make no section.
    statistics : mapping of str to DataFrame
        The tables of `relatives.analyses` by name: fit, anova, means, differences, smooths, backends;
        mixed_means, mixed_differences, mixed_variances, mixed_fit. One that is left out is as good as empty.
    stages : DataFrame
        stage, jobs, seconds (of all jobs together), max_rss_mb (of the job that took most).
    skipped : DataFrame
        corpus, file, reason.
    notes : DataFrame
        corpus, track_id, notes: the tracks in whose files something was odd, and what.
    versions : mapping of str to str
        The key packages.
    provenance : mapping
        As `relatives.lineage.summary` returns it.
    config : mapping
        The whole configuration.

    Returns
    -------
    str
        HTML. The same arguments give the same text.
    """
    total = float(stages["seconds"].sum())
    return page(
        template,
        about=about,
        headline=headline,
        figures=[
            {
                "name": figure.name,
                "number": number(figure.name),
                "label": f"Figure {number(figure.name)}".strip(),
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
        level=f"{100 * config['bootstrap']['level']:g}" if "bootstrap" in config else "95",
        findings=findings(claims, evidence),
        tally={kind: tally(claims, kind) for kind in (FINDING, FURTHER)},
        tone={SUPPORTED: "good", CONTRADICTED: "bad"},
        models=models(statistics),
        mixed=mixed(statistics),
        backends=backends(statistics, config),
        stages=stages.assign(share=stages["seconds"] / total if total > 0 else 0.0).to_dict("records"),
        total=total,
        skipped=skipped.to_dict("records"),
        notes=notes.to_dict("records"),
        versions=versions,
        provenance=provenance,
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100),
    )


def about(config: Mapping, tracks: Mapping[str, int]) -> str:
    """What music a run is on, and how large the run is beside the study, in plain sentences.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    tracks : mapping of str to int
        How many tracks each corpus has that the run uses.

    Returns
    -------
    str
        Two sentences, and a third where the run is smaller than the study or on other music: it says that the
        verdicts are not the study's.
    """
    sources = {corpus: config["corpora"][corpus]["source"] for corpus in tracks}
    composed = [corpus for corpus, source in sources.items() if source == "synthetic"]
    recorded = ", ".join(
        f"{corpus} (source {source})" for corpus, source in sources.items() if corpus not in composed
    )
    if not recorded:
        music = "There are no recordings in this run: the pipeline composed all its music."
    elif not composed:
        music = f"This run is on recordings: {recorded}."
    else:
        music = (
            f"This run is on music that the pipeline composed ({', '.join(composed)}) "
            f"and on recordings: {recorded}."
        )

    # What is counted, in the singular and the plural
    counts = {
        "tracks": (sum(tracks.values()), "track", "tracks"),
        "excerpts": (
            config["corpora"][config["consistency"]["corpus"]]["excerpts"],
            "test excerpt as a point of the spaces",
            "test excerpts as points of the spaces",
        ),
    }
    # Without one of the study's encoders nothing is trained
    trains = bool(config["tasks"]) and bool({"VGG", "MFCC"} & {*map(str, config["encoders"])})
    if trains:
        counts["trials"] = (config["trials"], "trial of each network", "trials of each network")
    if trains and "VGG" in config["encoders"]:
        of_block = "in the first block of a network"
        counts["width"] = (config["training"]["width"], f"channel {of_block}", f"channels {of_block}")
    listed = [
        f"{count:,} {one if count == 1 else many} ({'over ' if name == 'tracks' else ''}{STUDY[name]:,})"
        for name, (count, one, many) in counts.items()
    ]
    small = any(count < STUDY[name] for name, (count, *_) in counts.items())
    size = "small" if small else "as large as the study"
    sentences = [music, f"The run is {size} (the study's numbers in brackets): {', '.join(listed)}."]
    if small or not set(sources.values()) <= STUDY_SOURCES:
        sentences.append("So its verdicts are not the study's: they hold for this music and this size.")
    return " ".join(sentences)


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
    """The number of a figure or table in the study: "fig04" -> "4"; of one that has none, ""."""
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
    """A number for reading: three decimals and a true minus sign, or a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:z.3f}".replace("-", "−")


def interval(limits: tuple[float, float]) -> str:
    """An interval for reading, or nothing where there is none."""
    lower, upper = limits
    return "" if pd.isna(lower) or pd.isna(upper) else f"[{decimals(lower)}, {decimals(upper)}]"


def significant(value: float) -> str:
    """A number, 0 or more, with four significant digits or its whole part: "12,898", "0.01230"."""
    if pd.isna(value):
        return "–"
    decimals = 3 - int(np.floor(np.log10(value))) if value > 0 else 0
    return f"{value:,.{max(decimals, 0)}f}"


def degrees(value: float) -> str:
    """A count or degrees of freedom: "4", "1,793.2", "93.0" for what is not quite whole."""
    if pd.isna(value):
        return "–"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def probability(p: float) -> str:
    """A p for reading: ".0312", "< .0001"."""
    if pd.isna(p):
        return "–"
    return "< .0001" if p < 0.0001 else f"{p:.4f}".removeprefix("0")


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
    """Set each network beside all that it is compared with.

    Parameters
    ----------
    scores : DataFrame
        As in `build`.

    Returns
    -------
    list of dict
        A row a task and encoder: task, title, encoder, measure, performance (mean over the trials), trials
        (of each), steps (of each, a dict: number; cut_off, whether it is the most that was allowed),
        predictors (a list of dict: name; words, what it is; performance and lead, means over the trials; wins
        and losses, in how many trials the interval of the network's lead is above or below 0, of how many
        that have one).
    """
    rows = []
    for (task, encoder, measure), group in scores.groupby(["task", "encoder", "measure"], sort=False):
        words = TASKS[task].trivial | TASKS[task].ablations
        of = {name: table.sort_values("trial") for name, table in group.groupby("predictor")}
        own = of["network"]
        rows.append(
            {
                "task": task,
                "title": TASKS[task].title,
                "encoder": encoder,
                "measure": measure,
                "performance": own["performance"].mean(),
                "trials": own["performance"].tolist(),
                "steps": [
                    {"number": int(steps), "cut_off": bool(cut_off)}
                    for steps, cut_off in zip(own["steps"], own["cut_off"], strict=True)
                ],
                "predictors": [
                    {
                        "name": name,
                        "words": words[name],
                        "performance": of[name]["performance"].mean(),
                        "lead": of[name]["lead"].mean(),
                        "wins": int((of[name]["lower"] > 0).sum()),
                        "losses": int((of[name]["upper"] < 0).sum()),
                        "of": int(of[name]["lead"].notna().sum()),
                    }
                    for name in words
                    if name in of
                ],
            }
        )
    return rows


def findings(claims: pd.DataFrame, evidence: pd.DataFrame) -> list[dict]:
    """The rows of `claims`, each with its rows of `evidence`; further says that it is a further sentence."""
    if claims.empty:
        return []
    parts = dict(list(evidence.groupby("claim")))
    return [
        row | {"parts": parts[row["claim"]].to_dict("records"), "further": row["kind"] == FURTHER}
        for row in claims.to_dict("records")
    ]


def tally(claims: pd.DataFrame, kind: str) -> str:
    """How many findings of a kind have which verdict: "6 supported, 4 contradicted"."""
    if claims.empty:
        return ""
    counts = claims.loc[claims["kind"] == kind, "verdict"].value_counts()
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def model_title(name: str) -> str:
    """A model in words: "within_cosine" -> "consistency within the latent spaces (cosine)"."""
    alone = name.startswith(study.PREFIX)
    measure, *distances = name.removeprefix(study.PREFIX).replace("_by_excerpt", "").split("_")
    words = {
        "performance": "task performance",
        "within": "consistency within the latent spaces",
        "agreement": "agreement with the audio space",
        "correlation": "correlation with the audio space",
    }[measure]
    if "_by_excerpt" in name:
        words += ", one an excerpt"
    if distances:
        labels = [" − ".join(style.DISTANCES[part].label for part in name.split("-")) for name in distances]
        words += f" ({', '.join(labels)})"
    return f"{words}, the study's spaces alone" if alone else words


def models(statistics: Mapping[str, pd.DataFrame]) -> list[dict]:
    """The additive models and what they say.

    Parameters
    ----------
    statistics : mapping of str to DataFrame
        As in `build`.

    Returns
    -------
    list of dict
        A row a model: those of fit; title (in words); problem (why it was not fitted, or ""); effects (its
        rows of anova); means (those of the main effects, with their level); differences; smooths (how many);
        warnings (the rows of the smooths whose basis may be too small).
    """
    tables = {name: _by(statistics, name, "model") for name in ("anova", "means", "differences", "smooths")}
    rows = []
    for row in statistics.get("fit", pd.DataFrame()).to_dict("records"):
        anova, means, differences, smooths = (table.get(row["model"], []) for table in tables.values())
        rows.append(
            row
            | {
                "title": model_title(row["model"]),
                "problem": "" if pd.isna(row["problem"]) else row["problem"],
                "effects": anova,
                "means": [mean | {"level": mean[mean["term"]]} for mean in means if ":" not in mean["term"]],
                "differences": differences,
                "smooths": len(smooths),
                "warnings": [smooth for smooth in smooths if smooth["warning"]],
            }
        )
    return rows


def mixed(statistics: Mapping[str, pd.DataFrame]) -> list[dict]:
    """The mixed models and what they say.

    Parameters
    ----------
    statistics : mapping of str to DataFrame
        As in `build`.

    Returns
    -------
    list of dict
        A row a model: those of mixed_fit; title (in words); means, differences, variances (rows, each
        variance with its share of their sum); differing (how many differences have a p below `SIGNIFICANT`);
        over_networks (whether the networks are random in it).
    """
    names = ("mixed_means", "mixed_differences", "mixed_variances")
    tables = {name: _by(statistics, name, "model") for name in names}
    rows = []
    for row in statistics.get("mixed_fit", pd.DataFrame()).to_dict("records"):
        means, differences, variances = (table.get(row["model"], []) for table in tables.values())
        total = sum(variance["variance"] for variance in variances)
        rows.append(
            row
            | {
                "title": model_title(row["model"]),
                "over_networks": any(variance["component"] == "trial" for variance in variances),
                "note": "" if pd.isna(row["note"]) else row["note"],
                "means": means,
                "differences": differences,
                "differing": sum(difference["p"] < SIGNIFICANT for difference in differences),
                "variances": [
                    variance | {"share": variance["variance"] / total if total > 0 else 0.0}
                    for variance in variances
                ],
            }
        )
    return rows


def backends(statistics: Mapping[str, pd.DataFrame], config: Mapping) -> dict:
    """How far the additive models by REML and by pygam are apart.

    Parameters
    ----------
    statistics, config : mapping
        As in `build`.

    Returns
    -------
    dict
        used (the backend of the models of this run); rows (one a model, with pygam's own smoothing: title;
        r_squared, residual_df, F, mean, each a row of the table `backends`); same (the largest difference of
        an F and of a mean, by quantity, where pygam has REML's smoothing). Empty without the table.
    """
    table = statistics.get("backends", pd.DataFrame())
    if table.empty:
        return {}
    own, given = (table[table["smoothing"] == smoothing] for smoothing in ("grid", "reml"))
    return {
        "used": config["statistics"]["backend"],
        "rows": [
            {"title": model_title(model)} | {row["quantity"]: row for row in rows.to_dict("records")}
            for model, rows in own.groupby("model", sort=False)
        ],
        "same": given["difference"].abs().groupby(given["quantity"]).max().to_dict(),
    }


def _by(statistics, name, column):
    """The rows of a table, which may be missing, by the value of a column."""
    table = statistics.get(name, pd.DataFrame())
    if table.empty:
        return {}
    return {value: rows.to_dict("records") for value, rows in table.groupby(column)}
