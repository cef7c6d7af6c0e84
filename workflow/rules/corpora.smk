# What music there is: the corpora, the noise, the test excerpts.
from relatives.corpora.store import left_out, with_notes


rule corpus:
    input:
        lambda wildcards: configuration.downloaded(config, wildcards.corpus),
    output:
        audio="data/corpora/{corpus}/audio.i16",
        stems="data/corpora/{corpus}/stems.i16",
        tracks="data/corpora/{corpus}/tracks.parquet",
        labels="data/corpora/{corpus}/labels.parquet",
        skipped="data/corpora/{corpus}/skipped.csv",
    log:
        "results/logs/corpora/{corpus}.log",
    benchmark:
        "results/timing/corpora/{corpus}.tsv"
    params:
        settings=corpus_settings,
        contents=lambda wildcards: configuration.contents(config, wildcards.corpus),
        shortest=lambda wildcards: configuration.shortest(config, wildcards.corpus),
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=lambda wildcards: fingerprint("corpus", *source_modules(wildcards)),
    threads: 2
    priority: 4
    resources:
        # a song of MUSDB18 or of MTG-Jamendo is decoded as a whole
        mem_mb=lambda wildcards: 4000 if config["corpora"][wildcards.corpus]["source"] in DATA_SETS else 1000,
    script:
        "../scripts/corpus.py"


rule noise:
    input:
        recording=str(Path(config["noise"]["recording"]).expanduser()) if config["noise"]["recording"] else [],
    output:
        "data/noise.npy",
    log:
        "results/logs/corpora/noise.log",
    benchmark:
        "results/timing/corpora/noise.tsv"
    params:
        seconds=config["noise"]["seconds"],
        mix=config["noise"]["mix"],
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=fingerprint("noise"),
    priority: 4
    resources:
        mem_mb=500,
    script:
        "../scripts/noise.py"


rule excerpts:
    input:
        audio="data/corpora/{corpus}/audio.i16",
        tracks="data/corpora/{corpus}/tracks.parquet",
    output:
        excerpts="data/excerpts/{corpus}.parquet",
    log:
        "results/logs/corpora/excerpts.{corpus}.log",
    benchmark:
        "results/timing/corpora/excerpts.{corpus}.tsv"
    params:
        number=lambda wildcards: config["corpora"][wildcards.corpus]["excerpts"],
        seconds=config["excerpts"]["seconds"],
        window=config["excerpts"]["window"],
        fastest=configuration.fastest(config),
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=fingerprint("excerpts"),
    priority: 4
    resources:
        mem_mb=500,
    script:
        "../scripts/excerpts.py"
