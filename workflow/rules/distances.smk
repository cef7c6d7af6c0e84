# All distances between the transformed excerpts and the originals in the audio space.


rule distances:
    input:
        transformed=lambda wildcards: transformed(POINTS, wildcards.transformation),
        originals=transformed(POINTS, "OG"),
    output:
        dtw="results/consistency/distances/dtw/{transformation}.npy",
        simple="results/consistency/distances/simple/{transformation}.npy",
    log:
        "results/logs/distances/{transformation}.log",
    benchmark:
        "results/timing/distances/{transformation}.tsv"
    params:
        sample_rate=SAMPLE_RATE,
        dtw=config["consistency"]["dtw"],
        device=config["consistency"]["device"],
        subsequence=config["consistency"]["subsequence"],
        code=fingerprint("distances"),
    resources:
        mem_mb=1000,
    script:
        "../scripts/distances.py"
