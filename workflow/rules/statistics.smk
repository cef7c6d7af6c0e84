# What the measures allow to conclude: the study's models, and a verdict on each of its findings.

# The tables of results that this run has; the models and the findings take what there is
RESULTS = {"within": f"{CONSISTENCY}/within.parquet", "within_trials": f"{CONSISTENCY}/within_trials.parquet"}
if SPACES:
    RESULTS |= {name: f"{CONSISTENCY}/{name}.parquet" for name in ["between", "between_draws"]}
if NETWORKS["task"]:
    RESULTS |= {
        "performance": f"{CONSISTENCY}/performance.parquet",
        "performance_trials": f"{CONSISTENCY}/performance_trials.parquet",
    }
# What the findings need beside these
LOUDNESS = {"songs_scores": f"{CONSISTENCY}/projections/songs_scores.csv"} if "VS" in SPACES else {}
MIXED_FROM = {name: path for name, path in RESULTS.items() if name in ("within", "between", "between_draws")}
if SPACES:
    MIXED_FROM["correlation_rows"] = f"{CONSISTENCY}/correlation_rows.parquet"
ADDITIVE = {
    name: f"{CONSISTENCY}/statistics/{name}.csv" for name in ["fit", "anova", "means", "differences", "smooths", "backends"]
} | {name: f"{CONSISTENCY}/statistics/{name}.parquet" for name in ["residuals", "resampled_f"]}
MIXED = {
    name: f"{CONSISTENCY}/statistics/{name}.csv"
    for name in ["mixed_means", "mixed_differences", "mixed_variances", "mixed_fit"]
}
CLAIMS = {
    "claims": f"{CONSISTENCY}/claims.csv",
    "evidence": f"{CONSISTENCY}/statistics/evidence.csv",
}


rule additive_models:
    input:
        **RESULTS,
    output:
        **ADDITIVE,
    log:
        "results/logs/statistics/additive_models.log",
    benchmark:
        "results/timing/statistics/additive_models.tsv"
    params:
        basis=config["statistics"]["basis"],
        backend=config["statistics"]["backend"],
        draws=config["bootstrap"]["draws"],
        seed=SEED,
        code=fingerprint("additive_models"),
    resources:
        mem_mb=500,
    script:
        "../scripts/additive_models.py"


rule mixed_models:
    input:
        **MIXED_FROM,
    output:
        **MIXED,
    log:
        "results/logs/statistics/mixed_models.log",
    benchmark:
        "results/timing/statistics/mixed_models.tsv"
    params:
        code=fingerprint("mixed_models"),
    resources:
        mem_mb=1000,
    script:
        "../scripts/mixed_models.py"


rule claims:
    input:
        **RESULTS,
        **ADDITIVE,
        **MIXED,
        **LOUDNESS,
    output:
        **CLAIMS,
    log:
        "results/logs/statistics/claims.log",
    benchmark:
        "results/timing/statistics/claims.tsv"
    params:
        bootstrap=config["bootstrap"],
        seed=SEED,
        code=fingerprint("claims"),
    resources:
        mem_mb=2500,
    script:
        "../scripts/claims.py"
