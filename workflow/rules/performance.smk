# Every network on the test excerpts of its own corpus, under every magnitude.


def test_files(wildcards):
    """The test excerpts of a task's corpus under every transformation, the vocals too where the task is measured by them."""
    corpus = configuration.corpus_of(config, wildcards.task)
    files = {name: transformed(corpus, name) for name in MAGNITUDES}
    if wildcards.task == "VS":
        files |= {f"{name}_vocals": transformed(corpus, name, ".vocals") for name in MAGNITUDES}
    return files | {
        "excerpts": f"data/excerpts/{corpus}.parquet",
        "audio": f"data/corpora/{corpus}/audio.i16",
        "tracks": f"data/corpora/{corpus}/tracks.parquet",
        "labels": f"data/corpora/{corpus}/labels.parquet",
    }


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
        magnitudes=MAGNITUDES,
        code=fingerprint("perform"),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1800,
    script:
        "../scripts/perform.py"


rule performance:
    input:
        performance=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.parquet", **networks()),
        scores=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.scores.csv", **networks()),
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
