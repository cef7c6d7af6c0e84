# The networks: every task with every encoder, as often as there are trials.


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
        code=lambda wildcards: fingerprint("train", MODULES[wildcards.task]),
    threads: config["training"]["threads"]
    resources:
        mem_mb=1800,
    script:
        "../scripts/train.py"
