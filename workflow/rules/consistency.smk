# Do the distances of one space hold together, and with those of another?


rule consistency:
    input:
        excerpts=f"data/excerpts/{POINTS}.parquet",
        distances=expand(
            f"{CONSISTENCY}/distances/{{distance}}/{{transformation}}.npy",
            distance=["dtw", "simple"],
            transformation=MAGNITUDES,
        ),
        embeddings=[
            f"{CONSISTENCY}/embeddings/{space}/trial{trial}/{transformation}.npy"
            for space, trials in SPACES.items()
            for trial in range(trials)
            for transformation in MAGNITUDES
        ],
    output:
        within=f"{CONSISTENCY}/within.parquet",
        within_trials=f"{CONSISTENCY}/within_trials.parquet",
        within_curves=f"{CONSISTENCY}/within_curves.parquet",
        between=f"{CONSISTENCY}/between.parquet",
        between_curves=f"{CONSISTENCY}/between_curves.parquet",
        between_draws=f"{CONSISTENCY}/between_draws.parquet",
        correlation_rows=f"{CONSISTENCY}/correlation_rows.parquet",
    log:
        "results/logs/consistency/consistency.log",
    benchmark:
        "results/timing/consistency/consistency.tsv"
    params:
        magnitudes=MAGNITUDES,
        spaces=SPACES,
        folder=CONSISTENCY,
        own_pairs=config["consistency"]["own_pairs"],
        bootstrap=config["bootstrap"],
        seed=SEED,
        code=fingerprint("consistency"),
    resources:
        mem_mb=1000,
    script:
        "../scripts/consistency.py"
