# The networks: every task with every encoder, as often as there are trials.


def training_settings(wildcards):
    """The settings of one network: what all share, and the task's own steps."""
    shared = {key: value for key, value in config["training"].items() if key not in configuration.TASKS}
    return {**shared, "steps": config["training"][wildcards.task]["steps"][wildcards.encoder]}


def corpus_files(wildcards):
    """The store and the cache of the corpus that a task is trained on."""
    folder = f"data/corpora/{configuration.corpus_of(config, wildcards.task)}"
    names = ["audio.i16", "stems.i16", "tracks.parquet", "labels.parquet", "stft.f16", "mel.f16", "scaler.npz"]
    return {name.split(".")[0]: f"{folder}/{name}" for name in names}


rule train:
    input:
        unpack(corpus_files),
    output:
        checkpoint="results/consistency/models/{task}/{encoder}/trial{trial}/checkpoint.pt",
        history="results/consistency/models/{task}/{encoder}/trial{trial}/history.csv",
    log:
        "results/logs/training/{task}.{encoder}.{trial}.log",
    benchmark:
        "results/timing/training/{task}.{encoder}.{trial}.tsv"
    params:
        settings=training_settings,
        seconds=config["excerpts"]["seconds"],
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=lambda wildcards: fingerprint("train"),
    threads: config["training"]["threads"]
    resources:
        mem_mb=1800,
        gpu=1 if config["training"]["device"] == "cuda" else 0,
    script:
        "../scripts/train.py"
