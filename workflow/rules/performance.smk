# Every network on the test excerpts of its own corpus, under every magnitude.


def embedded(wildcards):
    """The test excerpts in the spaces of the networks, where these are the points of the consistency tests.

    Separation with VGG needs the maps beside z, too, and cuts the excerpts into segments of its own.
    """
    vgg = wildcards.encoder == "VGG"
    if configuration.corpus_of(config, wildcards.task) != POINTS or (wildcards.task == "VS" and vgg):
        return {}
    spaces = [f"{wildcards.task}/trial{trial}" for trial in TRIALS] if vgg else ["mfcc/trial0"]
    folder = f"{CONSISTENCY}/embeddings"
    return {f"{name}_points": [f"{folder}/{space}/{name}.npy" for space in spaces] for name in MAGNITUDES}


TRAINED = [
    (task, encoder, trial) for task in NETWORKS["task"] for encoder in NETWORKS["encoder"] for trial in TRIALS
]


rule perform:
    input:
        unpack(test_files),
        unpack(embedded),
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
        bootstrap=config["bootstrap"],
        seed=SEED,
        code=lambda wildcards: fingerprint("perform", MODULES[wildcards.task]),
    threads: config["embedding"]["threads"]
    priority: 1
    resources:
        mem_mb=1800,
    script:
        "../scripts/perform.py"


rule performance:
    input:
        performance=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.parquet", **NETWORKS),
        scores=expand(f"{CONSISTENCY}/performance/{{task}}.{{encoder}}.scores.csv", **NETWORKS),
        history=[
            f"{CONSISTENCY}/models/{task}/{encoder}/trial{trial}/history.csv" for task, encoder, trial in TRAINED
        ],
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
        trained=TRAINED,
        most={task: config["training"][task]["steps"] for task in NETWORKS["task"]},
        bootstrap=config["bootstrap"],
        seed=SEED,
        code=fingerprint("performance"),
    script:
        "../scripts/performance.py"
