# Every excerpt under every magnitude as a point of every latent space.

ELSEWHERE = [space for space, settings in OWN.items() if "embeddings" in settings]
NETWORK_SPACES = [space for space in SPACES if space != "mfcc" and space not in OWN]
EXAMINED = [space for space in OWN if space not in ELSEWHERE]
EXAMINATION = f"{CONSISTENCY}/embeddings/{{space}}/examination.csv"


def points_of(trials):
    """The points of all trials of a space, a file each for every transformation."""
    folders = [f"{CONSISTENCY}/embeddings/{{space}}/trial{trial}" for trial in trials]
    return {name: [f"{folder}/{name}.npy" for folder in folders] for name in MAGNITUDES}


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


# Spaces of one trial: MFCC, and the encoders of the user's own
rule embed:
    input:
        examination=lambda wildcards: expand(EXAMINATION, space={wildcards.space} & {*EXAMINED}),
        **{name: transformed(POINTS, name) for name in MAGNITUDES},
    output:
        **points_of([0]),
    log:
        "results/logs/embedding/{space}.log",
    benchmark:
        "results/timing/embedding/{space}.tsv"
    wildcard_constraints:
        space="|".join({*SPACES} - {*ELSEWHERE} - {*NETWORK_SPACES}) or "none",
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


# All trials of a network in one job: they see the same spectrograms, which take a third of the time
use rule embed as embed_networks with:
    input:
        checkpoints=[f"{CONSISTENCY}/models/{{space}}/VGG/trial{trial}/checkpoint.pt" for trial in TRIALS],
        **{name: transformed(POINTS, name) for name in MAGNITUDES},
    output:
        **points_of(TRIALS),
    wildcard_constraints:
        space="|".join(NETWORK_SPACES) or "none",


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
        **points_of([0]),
    log:
        "results/logs/embedding/{space}.log",
    benchmark:
        "results/timing/embedding/{space}.tsv"
    wildcard_constraints:
        space="|".join(ELSEWHERE) or "none",
    params:
        own=lambda wildcards: OWN[wildcards.space],
        own_code=own_code,
        code=fingerprint("collect"),
    script:
        "../scripts/collect.py"
