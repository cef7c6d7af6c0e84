# Every excerpt under every magnitude as a point of every latent space.

ELSEWHERE = [space for space, settings in OWN.items() if "embeddings" in settings]
EXAMINED = [space for space in OWN if space not in ELSEWHERE]
EXAMINATION = f"{CONSISTENCY}/embeddings/{{space}}/examination.csv"


# Before an encoder of the user's own is believed: does the same audio have the same point?
rule examine:
    input:
        originals=transformed(POINTS, "OG"),
    output:
        examination=EXAMINATION,
    log:
        "results/logs/embedding/{space}.examination.log",
    benchmark:
        "results/timing/embedding/{space}.examination.tsv"
    wildcard_constraints:
        space="|".join(EXAMINED) or "none",
    params:
        own=lambda wildcards: OWN[wildcards.space],
        own_code=own_code,
        device=config["embedding"]["device"],
        sample_rate=SAMPLE_RATE,
        code=fingerprint("examine"),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1500,
    script:
        "../scripts/examine.py"


rule embed:
    input:
        checkpoint=checkpoint,
        examination=lambda wildcards: expand(EXAMINATION, space={wildcards.space} & {*EXAMINED}),
        **{name: transformed(POINTS, name) for name in MAGNITUDES},
    output:
        **{
            name: f"results/consistency/embeddings/{{space}}/trial{{trial}}/{name}.npy"
            for name in MAGNITUDES
        },
    log:
        "results/logs/embedding/{space}.{trial}.log",
    benchmark:
        "results/timing/embedding/{space}.{trial}.tsv"
    wildcard_constraints:
        space="|".join(space for space in SPACES if space not in ELSEWHERE) or "none",
    params:
        own=lambda wildcards: OWN.get(wildcards.space),
        own_code=own_code,
        device=config["embedding"]["device"],
        sample_rate=SAMPLE_RATE,
        code=fingerprint("embed"),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1500,
    script:
        "../scripts/embed.py"


# What to compute embeddings from elsewhere; not a part of a run without them
rule manifest:
    input:
        excerpts=f"data/excerpts/{POINTS}.parquet",
        **{name: transformed(POINTS, name) for name in MAGNITUDES},
    output:
        f"data/transformed/{POINTS}/manifest.json",
    log:
        "results/logs/embedding/manifest.log",
    params:
        corpus=POINTS,
        magnitudes=MAGNITUDES,
        sample_rate=SAMPLE_RATE,
        code=fingerprint("manifest"),
    script:
        "../scripts/manifest.py"


rule collect:
    input:
        manifest=rules.manifest.output[0],
    output:
        **{
            name: f"results/consistency/embeddings/{{space}}/trial{{trial}}/{name}.npy"
            for name in MAGNITUDES
        },
    log:
        "results/logs/embedding/{space}.{trial}.log",
    benchmark:
        "results/timing/embedding/{space}.{trial}.tsv"
    wildcard_constraints:
        space="|".join(ELSEWHERE) or "none",
    params:
        own=lambda wildcards: OWN[wildcards.space],
        own_code=own_code,
        code=fingerprint("collect"),
    script:
        "../scripts/collect.py"
