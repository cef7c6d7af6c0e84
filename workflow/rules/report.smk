# One self-contained page with everything.

rule report:
    input:
        figures=[f"{CONSISTENCY}/figures/{figure}.png" for figure in FIGURES],
        captions=[f"{workflow.basedir}/workflow/report/{figure}.rst" for figure in FIGURES],
        template=f"{workflow.basedir}/workflow/report/report.html.j2",
        style=f"{workflow.basedir}/workflow/report/page.css",
        table=TABLE01,
        table_caption=f"{workflow.basedir}/workflow/report/table01.rst",
        **CLAIMS,
        **MIXED,
        **{name: path for name, path in ADDITIVE.items() if path.endswith(".csv")},
        scores=f"{CONSISTENCY}/tables/scores.csv" if NETWORKS["task"] else [],
        skipped=expand("data/corpora/{corpus}/skipped.csv", corpus=configuration.corpora_in_use(config)),
        tracks=expand("data/corpora/{corpus}/tracks.parquet", corpus=configuration.corpora_in_use(config)),
        examinations=expand(EXAMINATION, space=EXAMINED),
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    params:
        config=config,
        magnitudes=MAGNITUDES,
        timing="results/timing",
        logs="results/logs",
        code=fingerprint("report"),
    script:
        "../scripts/report.py"
