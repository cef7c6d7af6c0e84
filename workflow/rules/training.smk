# The networks: every task with every encoder, as often as there are trials.


rule train:
    input:
        unpack(training_files),
    output:
        checkpoint="results/consistency/models/{task}/{encoder}/trial{trial}/checkpoint.pt",
        history="results/consistency/models/{task}/{encoder}/trial{trial}/history.csv",
    log:
        "results/logs/training/{task}.{encoder}.{trial}.log",
    benchmark:
        "results/timing/training/{task}.{encoder}.{trial}.tsv"
    params:
        architecture=ARCHITECTURE,
        settings=training_settings,
        seed=SEED,
        code=lambda wildcards: fingerprint("train", MODULES[wildcards.task]),
    threads: config["training"]["threads"]
    priority: 3
    resources:
        mem_mb=1800,
    script:
        "../scripts/train.py"


# What the layers give without training: a space beside the trained ones
rule untrained:
    input:
        **corpus_files(POINTS),
    output:
        checkpoint=f"{CONSISTENCY}/models/{UNTRAINED}/VGG/trial{{trial}}/checkpoint.pt",
    log:
        f"results/logs/training/{UNTRAINED}.VGG.{{trial}}.log",
    benchmark:
        f"results/timing/training/{UNTRAINED}.VGG.{{trial}}.tsv"
    params:
        architecture=ARCHITECTURE,
        batch=config["training"]["batch"],
        seed=SEED,
        code=fingerprint("untrained"),
    threads: config["training"]["threads"]
    resources:
        mem_mb=1800,
    script:
        "../scripts/untrained.py"
