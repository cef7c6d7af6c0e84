# Every excerpt under every magnitude as a point of every latent space.


rule embed:
    input:
        checkpoint=checkpoint,
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
    params:
        device=config["embedding"]["device"],
        sample_rate=SAMPLE_RATE,
        code=fingerprint("embed"),
    threads: config["embedding"]["threads"]
    resources:
        mem_mb=1500,
    script:
        "../scripts/embed.py"
