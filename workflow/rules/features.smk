# The spectrogram cache of a corpus, and the scaler of its training set.


rule spectrograms:
    input:
        audio="data/corpora/{corpus}/audio.i16",
        tracks="data/corpora/{corpus}/tracks.parquet",
    output:
        stft="data/corpora/{corpus}/stft.f16",
        mel="data/corpora/{corpus}/mel.f16",
        scaler="data/corpora/{corpus}/scaler.npz",
    log:
        "results/logs/features/{corpus}.log",
    benchmark:
        "results/timing/features/{corpus}.tsv"
    params:
        sample_rate=SAMPLE_RATE,
        seconds=config["excerpts"]["seconds"],
        top_db=config["features"]["top_db"],
        code=fingerprint("spectrograms"),
    priority: 4
    resources:
        mem_mb=1000,
    script:
        "../scripts/spectrograms.py"
