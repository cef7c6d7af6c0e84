# The test excerpts of every corpus under every transformation and magnitude, in blocks of excerpts.


rule transform:
    input:
        audio="data/corpora/{corpus}/audio.i16",
        stems="data/corpora/{corpus}/stems.i16",
        tracks="data/corpora/{corpus}/tracks.parquet",
        excerpts="data/excerpts/{corpus}.parquet",
        noise=branch(lambda wildcards: wildcards.transformation == "EN", then="data/noise.npy"),
    output:
        audio="data/transformed/{corpus}/{transformation}.{block}.npy",
    log:
        "results/logs/transforms/{corpus}.{transformation}.{block}.log",
    benchmark:
        "results/timing/transforms/{corpus}.{transformation}.{block}.tsv"
    wildcard_constraints:
        corpus="|".join(set(config["corpora"]) - set(WITH_STEMS)) or "none",
    params:
        magnitudes=lambda wildcards: MAGNITUDES[wildcards.transformation],
        excerpts=config["excerpts"],
        sample_rate=SAMPLE_RATE,
        seed=SEED,
        code=fingerprint("transform"),
    priority: 2
    resources:
        mem_mb=1000,
    script:
        "../scripts/transform.py"


# Separation is measured against the vocals, which some transformations move and the loudness match scales
use rule transform as transform_with_vocals with:
    output:
        audio="data/transformed/{corpus}/{transformation}.{block}.npy",
        vocals="data/transformed/{corpus}/{transformation}.{block}.vocals.npy",
    wildcard_constraints:
        corpus="|".join(WITH_STEMS) or "none",
