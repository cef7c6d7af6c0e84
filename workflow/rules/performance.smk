# Every network on the test excerpts of its own corpus, under every magnitude.


rule perform:
    input:
        unpack(test_files),
        checkpoints=[f"{CONSISTENCY}/models/{{task}}/{{encoder}}/trial{trial}/checkpoint.pt" for trial in TRIALS],
    output:
        performance=f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.parquet",
        scores=f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.scores.csv",
    log:
        "results/logs/performance/{task}.{encoder}.log",
    benchmark:
        "results/timing/performance/{task}.{encoder}.tsv"
    params:
        device=config["embedding"]["device"],
        magnitudes=MAGNITUDES,
        code=lambda wildcards: fingerprint("perform", MODULES[wildcards.task]),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1800,
    script:
        "../scripts/perform.py"


rule performance:
    input:
        performance=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.parquet", **NETWORKS),
        scores=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.scores.csv", **NETWORKS),
    output:
        performance=f"{CONSISTENCY}/performance.parquet",
        performance_trials=f"{CONSISTENCY}/performance_trials.parquet",
        performance_curves=f"{CONSISTENCY}/performance_curves.parquet",
        scores=f"{CONSISTENCY}/tables/scores.csv",
    log:
        "results/logs/performance/performance.log",
    benchmark:
        "results/timing/performance/performance.tsv"
    params:
        bootstrap=config["bootstrap"],
        seed=SEED,
        code=fingerprint("performance"),
    script:
        "../scripts/performance.py"
