# Every figure and table of the study, each a target of its own name: snakemake --cores 1 fig06

# Each figure and the tables that it draws, which are the arguments of its module's draw(). A figure that this run's
# tasks and encoders leave without a table is left out.
FIGURES = {
    "fig01": ["neighbourhoods", "within"],
    "fig02": ["layers"],
    "fig03": ["grid"],
    "fig04": ["performance_curves", "scores"],
    "fig05": ["means"],
    "fig06": ["within_curves"],
    "fig07": ["within_curves", "within_trials"],
    "fig08": ["means", "differences", "mixed_differences", "mixed_variances"],
    "fig09": ["neighbourhoods"],
    "fig10": ["between_curves", "between"],
    "fig11": ["means"],
    "fig12": ["performance_trials", "within_trials", "between"],
    "fig13": ["between_curves", "between"],
    "fig14": ["songs", "songs_scores"],
    "mixed": ["mixed_means", "means", "mixed_variances"],
    "checks": ["residuals", "fit", "smooths"],
}
TABLES = {
    "grid": f"{CONSISTENCY}/tables/grid.parquet",
    "within": f"{CONSISTENCY}/within.parquet",
    "within_trials": f"{CONSISTENCY}/within_trials.parquet",
    "within_curves": f"{CONSISTENCY}/within_curves.parquet",
}
if SPACES:
    TABLES |= {
        "between": f"{CONSISTENCY}/between.parquet",
        "between_curves": f"{CONSISTENCY}/between_curves.parquet",
    }
if SPACES and any(set(transforms.SMALLEST.get(name, ())) & set(values) for name, values in MAGNITUDES.items()):
    TABLES["neighbourhoods"] = f"{CONSISTENCY}/projections/neighbourhoods.parquet"
if NETWORKS["task"]:
    TABLES |= {
        "layers": f"{CONSISTENCY}/tables/layers.parquet",
        "performance_trials": f"{CONSISTENCY}/performance_trials.parquet",
        "performance_curves": f"{CONSISTENCY}/performance_curves.parquet",
        "scores": f"{CONSISTENCY}/tables/scores.csv",
    }
# The spaces of Figure 14 with their trials: VS, and beside it the network that was never trained
SONG_SPACES = {space: SPACES[space] for space in ("VS", "untrained") if "VS" in SPACES and space in SPACES}
if SONG_SPACES:
    TABLES |= {
        "songs": f"{CONSISTENCY}/projections/songs.parquet",
        "songs_scores": f"{CONSISTENCY}/projections/songs_scores.csv",
    }
TABLES |= ADDITIVE | MIXED
# One task, encoder or space alone has nothing to be compared with
NOT_COMPARED = set() if all(len(names) > 1 for names in NETWORKS.values()) else {"fig05"}
NOT_COMPARED |= set() if len(SPACES) > 1 else {"fig08", "fig11", "mixed"}
FIGURES = {
    figure: tables for figure, tables in FIGURES.items() if set(tables) <= set(TABLES) and figure not in NOT_COMPARED
}
# Table 1 is of the VGG encoder
TABLE01 = [f"{CONSISTENCY}/tables/table01.csv"] if "layers" in TABLES and "VGG" in NETWORKS["encoder"] else []


# Figures 9 and 14 draw planes, which are made here, so that a change of a colour does not make them again
rule neighbourhoods:
    input:
        embeddings=[
            f"{CONSISTENCY}/embeddings/{space}/trial0/{transformation}.npy"
            for space in SPACES
            for transformation in MAGNITUDES
        ],
        excerpts=f"data/excerpts/{POINTS}.parquet",
    output:
        neighbourhoods=f"{CONSISTENCY}/projections/neighbourhoods.parquet",
    log:
        "results/logs/figures/neighbourhoods.log",
    benchmark:
        "results/timing/figures/neighbourhoods.tsv"
    params:
        magnitudes=MAGNITUDES,
        spaces=list(SPACES),
        folder=CONSISTENCY,
        seed=SEED,
        code=fingerprint("neighbourhoods"),
    resources:
        mem_mb=800,
    script:
        "../scripts/neighbourhoods.py"


rule songs:
    input:
        audio=lambda wildcards: f"data/corpora/{configuration.corpus_of(config, 'VS')}/audio.i16",
        stems=lambda wildcards: f"data/corpora/{configuration.corpus_of(config, 'VS')}/stems.i16",
        tracks=lambda wildcards: f"data/corpora/{configuration.corpus_of(config, 'VS')}/tracks.parquet",
        checkpoints=[
            f"{CONSISTENCY}/models/{space}/VGG/trial{trial}/checkpoint.pt"
            for space, trials in SONG_SPACES.items()
            for trial in range(trials)
        ],
    output:
        songs=f"{CONSISTENCY}/projections/songs.parquet",
        songs_scores=f"{CONSISTENCY}/projections/songs_scores.csv",
    log:
        "results/logs/figures/songs.log",
    benchmark:
        "results/timing/figures/songs.tsv"
    params:
        spaces=SONG_SPACES,
        folder=CONSISTENCY,
        level=config["bootstrap"]["level"],
        device=config["embedding"]["device"],
        seconds=config["excerpts"]["seconds"],
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=fingerprint("songs"),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1500,
    script:
        "../scripts/songs.py"


rule layers:
    input:
        expand(f"{CONSISTENCY}/models/{{task}}/{{encoder}}/trial0/checkpoint.pt", **NETWORKS),
    output:
        layers=f"{CONSISTENCY}/tables/layers.parquet",
    log:
        "results/logs/figures/layers.log",
    benchmark:
        "results/timing/figures/layers.tsv"
    params:
        code=fingerprint("layers"),
    resources:
        mem_mb=1500,
    script:
        "../scripts/layers.py"


rule grid:
    output:
        grid=f"{CONSISTENCY}/tables/grid.parquet",
    log:
        "results/logs/figures/grid.log",
    params:
        magnitudes=MAGNITUDES,
        code=fingerprint("grid"),
    script:
        "../scripts/grid.py"


for figure, tables in FIGURES.items():

    rule:
        name:
            figure
        input:
            **{table: TABLES[table] for table in tables},
        output:
            pdf=f"{CONSISTENCY}/figures/{figure}.pdf",
            png=report(
                f"{CONSISTENCY}/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category="Figures",
                labels={"figure": figure.removeprefix("fig").lstrip("0")},
            ),
        log:
            f"results/logs/figures/{figure}.log",
        benchmark:
            f"results/timing/figures/{figure}.tsv"
        params:
            settings=config["figures"]["style"] | config["figures"].get(figure, {}),
            code=fingerprint("figure", f"relatives.figures.{figure}"),
        resources:
            mem_mb=500,
        script:
            "../scripts/figure.py"


if TABLE01:

    rule table01:
        input:
            TABLES["layers"],
        output:
            csv=report(
                TABLE01[0],
                caption="../report/table01.rst",
                category="Tables",
                labels={"table": "1"},
            ),
            tex=f"{CONSISTENCY}/tables/table01.tex",
        log:
            "results/logs/figures/table01.log",
        params:
            code=fingerprint("table01"),
        script:
            "../scripts/table01.py"
