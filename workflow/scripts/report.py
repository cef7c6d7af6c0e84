"""The report: one page with all figures and tables, the configuration and what the run cost."""

from importlib.metadata import version
from pathlib import Path

import pandas as pd

from relatives import jobs, lineage, report, storage
from relatives.files import replacing
from relatives.performance import SCORES

STATISTICS = [
    "fit", "anova", "means", "differences", "smooths", "backends",
    "mixed_means", "mixed_differences", "mixed_variances", "mixed_fit",
]  # fmt: skip
PACKAGES = [
    "torch",
    "torchaudio",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "pygam",
    "numba",
    "librosa",
    "pedalboard",
    "snakemake",
]


def main(job):
    """Gather what was made and build the page."""
    config = job.params.config
    figures = [
        report.Figure(Path(png).stem, Path(png).read_bytes(), Path(rst).read_text())
        for png, rst in zip(job.input.figures, job.input.captions, strict=True)
    ]
    tables = []
    if job.input.table:
        caption = Path(job.input.table_caption).read_text()
        tables = [report.Table("table01", pd.read_csv(job.input.table[0]), caption)]
    scores = (
        pd.read_csv(job.input.scores)
        if job.input.scores
        else pd.DataFrame(columns=[*SCORES, "steps", "cut_off"])
    )
    stages, overhead = report.costs(Path(job.params.timing), Path(job.params.logs))
    tracks = {Path(path).parent.name: pd.read_parquet(path) for path in job.input.tracks}
    points = config["consistency"]["corpus"]
    headline = {
        f"tracks ({', '.join(tracks)})": str(sum(map(len, tracks.values()))),
        "test excerpts as points of the spaces": str(config["corpora"][points]["excerpts"]),
        "magnitudes": str(sum(map(len, job.params.magnitudes.values())) - 1),
        "trials of each network": str(config["trials"]),
        f"of all jobs together, {overhead:.0%} of it starting up": report.duration(stages["seconds"].sum()),
    }
    page = report.build(
        Path(job.input.template),
        about=report.about(config, {corpus: len(rows) for corpus, rows in tracks.items()}),
        headline=headline,
        figures=figures,
        tables=tables,
        scores=scores,
        **storage.read_tables({name: job.input[name] for name in ("claims", "evidence")}),
        statistics=storage.read_tables({name: job.input[name] for name in STATISTICS}),
        stages=stages,
        skipped=pd.concat(
            # a file may be called "NA"
            [
                pd.read_csv(path, keep_default_na=False).assign(corpus=Path(path).parent.name)
                for path in job.input.skipped
            ],
            ignore_index=True,
        )[["corpus", "file", "reason"]],
        notes=pd.concat(
            [table.loc[table["notes"] != ""].assign(corpus=corpus) for corpus, table in tracks.items()],
            ignore_index=True,
        )[["corpus", "track_id", "notes"]],
        versions={"relatives": version("relatives")} | {name: version(name) for name in PACKAGES},
        provenance=lineage.summary(map(str, job.input), Path(), tracks),
        config=config,
    )
    with replacing(job.output[0]) as path:
        path.write_text(page, encoding="utf-8")


jobs.run(main)
