"""Findings are judged by their rules: a run like the study supports all, and each can be contradicted."""

from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from relatives import claims, provenance
from relatives import tables as tidy
from relatives.claims import BESIDE, CONTRADICTED, SUPPORTED, UNDECIDED, Estimate, Part, Run
from relatives.statistics import bootstrap
from relatives.study import LEAD
from relatives.tasks import TASKS

GRID = {
    "OG": [0.0],
    "PS": [-12.0, -4.0, -0.25, 0.25, 4.0, 12.0],
    "TS": [0.3, 0.7, 0.98, 1.02, 1.2, 1.5],
    "PN": [-15.0, 3.0, 30.0],
    "EN": [-15.0, 3.0, 30.0],
    "MP": [8.0, 64.0, 192.0],
}
SETTINGS = {"draws": 200, "level": 0.95, "seed": 3}
EXCERPTS = np.array([f"excerpt {i}" for i in range(40)])
LATENT = ("mfcc", "AE", "AT", "IR", "VS")
SMALL, MIDDLE, GRAVE = 0, 1, 2


def gravity(name, magnitude):
    """How grave a place of GRID is."""
    if magnitude in (-0.25, 0.25, 0.98, 1.02, 30, 192, 0):
        return SMALL
    return MIDDLE if magnitude in (-4, 4, 0.7, 1.2, 3, 64) else GRAVE


def within(
    grid=GRID,
    audio=(1.0, 0.9, 0.05),
    latent=(1.0, 0.3, 0.05),
    ts=(1.0, 0.97, 0.92),
    spaces=LATENT,
    sensitive=(0.5, 0.3, 0.05),
    ts_simple=(1.0, 0.95, 0.8),
):
    """Consistencies by gravity: audio space, under TS by itself; latent spaces; VS and AE `sensitive`."""
    places = tidy.places(grid)
    # In every space it is the same excerpts that are lost first
    order = np.random.default_rng(0).permutation(len(EXCERPTS)) / len(EXCERPTS)
    errors = {}
    for space, distances in {
        "audio": ("dtw", "simple"),
        **dict.fromkeys(spaces, ("euclidean", "cosine")),
    }.items():
        for distance in distances:
            kept = [
                (
                    ts
                    if (name, distance) == ("TS", "dtw")
                    else ts_simple
                    if (name, distance) == ("TS", "simple")
                    else audio
                    if space == "audio"
                    else sensitive
                    if space in ("VS", "AE")
                    else latent
                )[gravity(name, magnitude)]
                for name, magnitude in places.itertuples(index=False)
            ]
            rows = (order >= np.array(kept)[:, None]).astype(np.int8)  # (places, excerpts)
            for trial in range(1 if space in ("audio", "mfcc") else 2):
                errors[space, trial, distance] = rows
    weights = bootstrap.weights(len(EXCERPTS), 20)
    return tidy.within(places, EXCERPTS, errors, weights, 0.95)["within"]


def performance(grid=GRID, smallest=0.2, pitch=0.6, noise=0.5, tasks=tuple(TASKS), trials=2):
    """Tables of performance: the loss by gravity, that at the smallest is given; and AE's gain by EN."""
    rng = np.random.default_rng(1)
    rows = []
    for task in tasks:
        n = 40 if task in ("AE", "AT") else 30
        good = rng.normal(5, 1, size=n)
        for encoder in ("VGG", "MFCC"):
            for trial in range(trials):
                for name, magnitudes in grid.items():
                    for magnitude in magnitudes:
                        loss = (pitch if name == "PS" else smallest) + gravity(name, magnitude)
                        if task == "AE" and name == "EN" and gravity(name, magnitude) == GRAVE:
                            loss = smallest - noise
                        loss = 0 if name == "OG" else loss
                        values = good - loss + rng.normal(0, 0.05, size=n)
                        cell = {"task": task, "encoder": encoder, "trial": trial}
                        cell |= {"transformation": name, "magnitude": magnitude}
                        values = -values if task == "AE" else values
                        rows.append(pd.DataFrame({**cell, "excerpt_id": EXCERPTS[:n], "performance": values}))
    return tidy.performance(pd.concat(rows, ignore_index=True), 20, 0, 0.95)


CORRELATIONS = {"mfcc": 0.9, "AE": 0.4, "IR": 0.3, "VS": 0.2, "AT": 0.1}


def between(grid=GRID, originals=CORRELATIONS, width=0.03, change=0.05):
    """Correlations: `originals`; elsewhere less by a share, `change` times the gravity. And their draws."""
    rows = [
        {
            "space": space,
            "trial": trial,
            "audio_distance": "dtw",
            "latent_distance": "euclidean",
            "transformation": name,
            "magnitude": magnitude,
            "agreement": 0.5,
            "correlation": value * (1 - change * gravity(name, magnitude)),
        }
        for space, value in originals.items()
        for trial in range(2)
        for name, magnitudes in grid.items()
        for magnitude in magnitudes
    ]
    observed = pd.DataFrame(rows)
    drawn = observed[observed["trial"] == 0]
    ups = {space: width * np.sin((i + 2) * np.arange(99)) for i, space in enumerate(originals)}
    draws = [np.float32(row.correlation + ups[row.space]) for row in drawn.itertuples()]
    drawn = drawn.drop(columns=["trial", "agreement", "correlation"]).assign(draws=draws)
    return {"between": observed, "between_draws": drawn}


def differences(model, term, means, half=0.01):
    """All pairs of levels, in the order of their names, which for some is not that of the findings."""
    return pd.DataFrame(
        [
            {
                "model": model,
                "term": term,
                "first": first,
                "second": second,
                "difference": means[first] - means[second],
                "lower": means[first] - means[second] - half,
                "upper": means[first] - means[second] + half,
            }
            for first, second in combinations(sorted(means), 2)
        ]
    )


MEANS = {
    ("performance", "encoder"): {"VGG": 0.8, "MFCC": -0.5},
    ("performance", LEAD): {"AE": 2.0, "AT": 1.5, "IR": 1.4, "VS": 0.5},
    ("within_euclidean", "space"): {"mfcc": 0.7, "AT": 0.6, "IR": 0.5, "VS": 0.4, "AE": 0.3},
    ("agreement_simple_cosine", "space"): {"mfcc": 0.7, "AT": 0.6, "IR": 0.5, "VS": 0.4, "AE": 0.3},
    ("correlation_dtw_euclidean", "space"): CORRELATIONS,
    ("correlation_simple_cosine", "space"): {"mfcc": 0.9, "AE": 0.4, "VS": 0.3, "IR": 0.2, "AT": 0.1},
    ("correlation_dtw_euclidean_less_cosine", "space"): dict.fromkeys(LATENT, 0.0) | {"mfcc": 0.1},
    ("correlation_simple_euclidean_less_cosine", "space"): dict.fromkeys(LATENT, 0.0) | {"mfcc": 0.1},
}
EFFECTS = {
    ("performance", "encoder"): 900.0,
    ("performance", "transformation:task"): 300.0,
    ("performance", "task:encoder"): 100.0,
    ("within_euclidean", "space"): 80.0,
    ("within_euclidean", "transformation"): 80.0,
    ("within_cosine", "space"): 90.0,
    ("within_cosine", "transformation"): 60.0,
} | {
    (f"{measure}_{audio}_{latent}", term): f
    for measure in ("agreement", "correlation")
    for audio in ("dtw", "simple")
    for latent in ("euclidean", "cosine")
    for term, f in {"space": 400.0, "transformation": 200.0, "space:transformation": 50.0}.items()
}
DF = 12.0


def resampled(effects, spread):
    """F in 99 draws: ups and downs of all alike, as of the same excerpts, and a spread of each term's own."""
    draws = np.arange(99)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "model": model,
                    "draw": draws,
                    "term": term,
                    "F": f * (1.5 + np.sin(draws)) * np.exp(spread * np.sin((place + 2) * draws)),
                }
            )
            for place, ((model, term), f) in enumerate(effects.items())
        ],
        ignore_index=True,
    )


def marginal_means(means, effects):
    """The levels that each model has: the spaces of its differences, else the study's; and what GRID has."""
    rows = []
    for model in sorted({model for model, _ in effects}):
        levels = {"transformation": [name for name in GRID if name != "OG"]}
        if model == "performance":
            levels |= {"task": list(TASKS), "encoder": ["VGG", "MFCC"]}
        else:
            levels["space"] = list(means.get((model, "space"), LATENT))
        rows += [
            {"model": model, "term": factor, factor: level}
            for factor, found in levels.items()
            for level in found
        ]
    return pd.DataFrame(rows)


def models(means=None, effects=None, half=0.01, spread=0.01):
    """The tables of the additive models, with some means or F changed."""
    means, effects = MEANS | (means or {}), EFFECTS | (effects or {})
    return {
        "differences": pd.concat(
            [differences(*term, levels, half) for term, levels in means.items()], ignore_index=True
        ),
        "anova": pd.DataFrame([(*term, F) for term, F in effects.items()], columns=["model", "term", "F"]),
        "resampled_f": resampled(effects, spread),
        "means": marginal_means(means, effects),
        "fit": pd.DataFrame({"model": sorted({model for model, _ in EFFECTS}), "problem": np.nan}),
    } | mixed({model: levels for (model, term), levels in means.items() if term == "space"}, half)


def mixed(means, half, components=("excerpt", "trial", "residual")):
    """The tables of the mixed models; their simultaneous intervals reach `half` to either side."""
    se = half / (scipy.stats.studentized_range.ppf(0.95, 5, DF) / np.sqrt(2))
    rows = [
        differences(model, "space", levels).assign(se=se, df=DF, p=0.01) for model, levels in means.items()
    ]
    return {
        "mixed_differences": pd.concat(rows, ignore_index=True).drop(columns="term"),
        "mixed_variances": pd.DataFrame(
            [(model, name, 0.1) for model in means for name in components],
            columns=["model", "component", "variance"],
        ),
        "mixed_fit": pd.DataFrame({"model": list(means), "converged": True, "note": np.nan}),
    }


def songs(value=0.4, trials=3):
    """The numbers of Figure 14, the last network's lower by 0.1."""
    rows = [
        {
            "space": space,
            "trial": trial,
            "measure": measure,
            "value": at,
            "lower": at - 0.05,
            "upper": at + 0.05,
        }
        for space, high in {"VS": value, "untrained": -0.5}.items()
        for trial in range(trials)
        for measure in ("loudness of neighbours", "same song")
        for at in [high - 0.1 * (trial == trials - 1)]
    ]
    return pd.DataFrame(rows).assign(chance=-0.02)


@cache
def found():
    """The tables of a run that found what the study found."""
    return {"within": within(), **performance(), **between(), **models(), "songs_scores": songs()}


def study(**changes):
    """The tables of a run that found what the study found, but for `changes`."""
    return found() | changes


def judge(run, claim):
    """The row of one claim."""
    return claims.evaluate(run, **SETTINGS)[0].set_index("claim").loc[claim]


def test_a_run_like_the_study_supports_every_finding():
    table, evidence = claims.evaluate(study(), **SETTINGS)
    assert list(table.columns) == claims.CLAIMS and list(evidence.columns) == claims.EVIDENCE
    assert table["claim"].tolist() == list(range(1, 18))
    assert table["kind"].tolist() == ["finding"] * 10 + ["further sentence"] * 7
    assert table["section"].str.len().gt(2).all()
    assert set(table["verdict"]) == {SUPPORTED} and set(evidence["verdict"]) == {SUPPORTED, BESIDE}
    assert set(evidence.loc[evidence["verdict"] == BESIDE, "claim"]) == {1, 6, 7, 13, 17}
    assert table["statement"].str.endswith(".").all() and table["statement"].is_unique
    assert not evidence.duplicated("quantity").any(), "one quantity would decide two findings"
    sizes = [28, 7, 10, 2, 4, 16, 10, 1, 8, 10, 2, 10, 16, 8, 3, 10, 7]
    assert evidence.groupby("claim").size().tolist() == sizes


@pytest.mark.parametrize("name", sorted(path.name for path in Path(claims.__file__).parent.glob("*.py")))
def test_each_module_of_the_findings_counts_in_the_fingerprint(name, monkeypatch):
    module, read = Path(claims.__file__).parent / name, provenance._read
    before = provenance.fingerprint("claims")

    def changed(file, root):
        digest, imports = read(file, root)
        return ("of other code" if file == module else digest), imports

    monkeypatch.setattr(provenance, "_read", changed)
    assert provenance.fingerprint("claims") != before


def test_a_change_of_a_statement_changes_the_fingerprint(tmp_path):
    """The words of a finding are data: a docstring would not count."""
    module = Path(claims.of_performance.__file__)
    source = module.read_text()
    digests = set()
    for number, words in enumerate(("PS most.", "PS most of all.")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert source.count("PS most.") == 1
        (folder / module.name).write_text(source.replace("PS most.", words))
        digests.add(provenance._read(folder / module.name, folder)[0])
    assert len(digests) == 2


SPACES = (
    ("within_euclidean", "space"),
    ("agreement_simple_cosine", "space"),
    ("correlation_dtw_euclidean", "space"),
)
UPSETS = {
    "an audio distance loses excerpts at once": (1, lambda: {"within": within(audio=(0.75, 0.5, 0.05))}),
    "consistency does not fall": (
        1,
        lambda: {"within": within(audio=(1, 1, 1), ts=(1, 1, 1), ts_simple=(1, 1, 1))},
    ),
    "TS falls as the others do under DTW": (1, lambda: {"within": within(ts=(1, 0.5, 0.02))}),
    "TS falls as the others do under SiMPle": (1, lambda: {"within": within(ts_simple=(1, 0.5, 0.02))}),
    "MFCC performs better": (2, lambda: models({("performance", "encoder"): {"VGG": 0.1, "MFCC": 0.2}})),
    "another effect is larger": (2, lambda: models(effects={("performance", "task"): 990.0})),
    "a gap is larger than that of AE": (
        2,
        lambda: models({("performance", LEAD): {"AE": 2.0, "AT": 1.5, "IR": 2.1, "VS": 0.5}}),
    ),
    "a gap is smaller than that of VS": (
        2,
        lambda: models({("performance", LEAD): {"AE": 2.0, "AT": 0.4, "IR": 1.4, "VS": 0.5}}),
    ),
    "two spaces change places": (3, lambda: models({SPACES[0]: MEANS[SPACES[0]] | {"IR": 0.65}})),
    "the transformation is larger under cosine": (
        4,
        lambda: models(effects={("within_cosine", "transformation"): 99.0}),
    ),
    "cosine is hurt more": (4, lambda: models(effects={("within_euclidean", "transformation"): 30.0})),
    "two agreements change places": (5, lambda: models({SPACES[1]: MEANS[SPACES[1]] | {"AE": 0.45}})),
    "MFCC is not far above": (6, lambda: models({SPACES[2]: CORRELATIONS | {"mfcc": 0.55}})),
    "two correlations change places": (6, lambda: models({SPACES[2]: CORRELATIONS | {"AT": 0.25}})),
    "the correlation is not flat": (6, lambda: between(change=0.3)),
    "the correlation goes up steeply": (6, lambda: between(change=-0.3)),
    "the latent spaces fail alone on the way, and last": (
        7,
        lambda: {"within": within(audio=(1, 1, 0.2), latent=(1, 1, 0))},
    ),
    "noise is hard to reconstruct": (8, lambda: performance(noise=-1)),
    "the smallest do good": (9, lambda: performance(smallest=-0.2, pitch=-0.1)),
    "PS is mild": (9, lambda: performance(pitch=0.1)),
    "the originals have another order": (10, lambda: between(originals=CORRELATIONS | {"AT": 0.6})),
    "another interaction is larger": (11, lambda: models(effects={("performance", "task:encoder"): 400.0})),
    "IR is sensitive": (12, lambda: {"within": within(latent=(0.75, 0.3, 0.05))}),
    "AE and VS are robust": (12, lambda: {"within": within(sensitive=(1.0, 0.3, 0.05))}),
    "AE and VS are a little sensitive": (12, lambda: {"within": within(sensitive=(0.875, 0.3, 0.05))}),
    "an interaction is larger than the transformation in agreement": (
        13,
        lambda: models(effects={("agreement_dtw_cosine", "space:transformation"): 300.0}),
    ),
    "an interaction is larger than the space in correlation": (
        13,
        lambda: models(effects={("correlation_dtw_cosine", "space:transformation"): 500.0}),
    ),
    "the transformation is larger than the space": (
        13,
        lambda: models(effects={("correlation_simple_cosine", "transformation"): 500.0}),
    ),
    "the lead is smaller under Euclidean": (
        14,
        lambda: models(
            {("correlation_dtw_euclidean_less_cosine", "space"): dict.fromkeys(LATENT, 0.0) | {"mfcc": -0.1}}
        ),
    ),
    "correlation has the order of agreement": (
        15,
        lambda: models(
            {
                ("correlation_simple_cosine", "space"): {
                    "mfcc": 0.9,
                    "AT": 0.4,
                    "IR": 0.3,
                    "VS": 0.2,
                    "AE": 0.1,
                }
            }
        ),
    ),
    "consistency grows with the transformation": (
        16,
        lambda: {"within": within(sensitive=(0.2, 0.3, 0.5))},
    ),
    "one network is not ordered by the vocals": (17, lambda: {"songs_scores": songs(0.0)}),
}


@pytest.mark.parametrize("name", UPSETS)
def test_each_finding_can_be_contradicted(name):
    claim, changes = UPSETS[name]
    verdicts = claims.evaluate(study(**changes()), **SETTINGS)[0].set_index("claim")["verdict"]
    assert verdicts[claim] == CONTRADICTED
    assert (verdicts.drop(claim) != SUPPORTED).sum() <= 1, "and not all else with it"


def test_the_order_of_agreement_contradicts_finding_5_alone():
    """Finding 15 is about the order of correlation; that agreement has the reverse one is finding 5."""
    _, changes = UPSETS["two agreements change places"]
    verdicts = claims.evaluate(study(**changes()), **SETTINGS)[0].set_index("claim")["verdict"]
    assert verdicts[5] == CONTRADICTED
    assert (verdicts.drop(5) == SUPPORTED).all()


def test_wide_intervals_decide_nothing():
    verdicts = claims.evaluate(study(**models(half=1.0)), **SETTINGS)[0].set_index("claim")["verdict"]
    assert (verdicts[[3, 5, 6, 10, 14, 15]] == UNDECIDED).all()
    assert judge(study(**between(change=1 / 9)), 6)["verdict"] == UNDECIDED  # a change of just the bound


def test_differences_are_judged_over_networks_with_the_additive_interval_beside():
    """The additive model contradicts the order, over networks nothing is decided: that is the verdict."""
    means = MEANS | {SPACES[0]: MEANS[SPACES[0]] | {"IR": 0.65}}
    tables = models(means)
    wide = models(means, half=0.2)
    run = study(**tables) | {"mixed_differences": wide["mixed_differences"]}
    _, evidence = claims.evaluate(run, **SETTINGS)
    row = evidence[evidence["quantity"] == "lead of AT over IR in consistency (Euclidean)"].iloc[0]
    assert row["verdict"] == UNDECIDED and "over networks and excerpts" in row["rule"]
    assert (row["run"], row["lower"], row["upper"]) == pytest.approx((-0.05, -0.25, 0.15))
    assert (row["additive"], row["additive_lower"], row["additive_upper"]) == pytest.approx(
        (-0.05, -0.06, -0.04)
    )
    assert evidence.loc[~evidence["claim"].isin([3, 5, 6, 10, 14, 15]), "additive"].isna().all()


def test_the_interval_is_tukey_s_for_the_study_s_five_spaces():
    """Whatever spaces the run has beside them, and narrower than Bonferroni's for the ten pairs."""
    tables = mixed({"within_euclidean": MEANS[SPACES[0]] | {"untrained": 0.2, "mine": 0.9}}, 0.1)
    rows = tables["mixed_differences"]
    estimate = Run(tables, **SETTINGS).over_networks("within_euclidean", "mfcc", "AT")
    assert estimate.upper - estimate.value == pytest.approx(0.1)
    bonferroni = scipy.stats.t.ppf(1 - 0.05 / 20, DF) * rows["se"].iloc[0]
    alone = scipy.stats.t.ppf(0.975, DF) * rows["se"].iloc[0]
    assert alone < estimate.upper - estimate.value < bonferroni


def test_one_trial_says_nothing_of_other_networks():
    means = {model: levels for (model, term), levels in MEANS.items() if term == "space"}
    table = claims.evaluate(study(**mixed(means, 0.01, ("excerpt", "residual"))), **SETTINGS)[0]
    table = table.set_index("claim").loc[[3, 5, 6, 10, 14, 15]]
    assert (table["verdict"] == UNDECIDED).all()
    assert table["rule"].str.startswith("needs more than one trial").all()
    fit = mixed(means, 0.01)["mixed_fit"].assign(converged=False, note="no residual is left")
    row = judge(study(mixed_fit=fit), 3)
    assert row["rule"] == (
        "needs the mixed model of consistency within the latent spaces (Euclidean), not fitted: "
        "no residual is left"
    )


def test_numbers_of_the_study_are_held_against_its_spaces_alone():
    """A run with more spaces has a second fit: its F and its intervals count."""
    name = "study_within_cosine"
    own = models(effects={(name, "space"): 120.0, (name, "transformation"): 60.0})
    fit = pd.DataFrame({"model": [*own["fit"]["model"], name], "problem": np.nan})
    assert judge(study(**own | {"fit": fit}), 4)["run"] == pytest.approx(2.0)
    assert judge(study(**own), 4)["run"] == pytest.approx(1.5)


def two_spaces(run):
    """A run whose spaces are MFCC and AE, and whose task is AE."""
    means = run["means"]
    # The one task makes no term of the model
    kept = (means["term"] != "space") | means["space"].isin(["mfcc", "AE"])
    means = means[kept & (means["term"] != "task")]
    of_task = run["anova"]["term"].str.contains("task")
    return run | {"means": means, "anova": run["anova"][~of_task]}


def test_ratios_of_f_need_all_of_the_study_s_levels():
    """Two spaces of five would contradict 4 and 13; encoder and transformation alone would support 2."""
    upset = models(
        effects={
            ("within_cosine", "space"): 1.0,
            ("agreement_dtw_cosine", "space"): 1.0,
            ("performance", "transformation"): 1.0,
        }
    )
    run = study(**upset)
    assert judge(run, 4)["verdict"] == judge(run, 13)["verdict"] == CONTRADICTED
    table, evidence = claims.evaluate(two_spaces(run), **SETTINGS)
    table = table.set_index("claim")
    assert (table.loc[[2, 4, 11, 13], "verdict"] == UNDECIDED).all()
    assert (table.loc[[4, 13], "rule"] == "needs the spaces AT, IR, VS").all()
    assert table.loc[11, "rule"] == "needs more than one task in the additive model of task performance"
    of_f = evidence[evidence["quantity"].str.contains("(?:^|the )F of ", regex=True)]
    assert set(of_f["claim"]) == {2, 4, 11, 13} and of_f["run"].isna().all()


@pytest.mark.parametrize(
    ("factor", "level", "needs", "undecided"),
    [
        ("task", "VS", "needs the task VS", [2, 11]),
        ("encoder", "MFCC", "needs the encoder MFCC", [2, 11]),
        ("transformation", "PS", "needs the transformation PS", [2, 4, 11, 13]),
        ("space", "IR", "needs the space IR", [4, 13]),
    ],
)
def test_each_level_counts_in_an_f(factor, level, needs, undecided):
    run = study()
    run["means"] = run["means"][run["means"][factor] != level]
    _, evidence = claims.evaluate(run, **SETTINGS)
    rows = evidence[evidence["verdict"] == UNDECIDED]
    assert sorted(set(rows["claim"])) == undecided and set(rows["rule"]) == {needs}


def test_the_lead_of_vgg_is_one_over_all_tasks():
    """One task would contradict what the study says of four."""
    run = study(**models({("performance", "encoder"): {"VGG": 0.1, "MFCC": 0.2}}))
    assert judge(run, 2)["verdict"] == CONTRADICTED
    run["means"] = run["means"][run["means"]["task"] != "IR"]
    row = judge(run, 2)
    assert (row["verdict"], row["rule"]) == (UNDECIDED, "needs the task IR")


def test_a_distance_that_ts_does_not_move_is_what_the_study_found():
    steady = (1, 1, 1)
    run = study(within=within(ts=steady, ts_simple=steady))
    assert judge(run, 1)["verdict"] == SUPPORTED
    _, evidence = claims.evaluate(run, **SETTINGS)
    rows = evidence[(evidence["claim"] == 1) & (evidence["verdict"] == BESIDE)]
    assert rows["run"].tolist() == [0, 0] and rows["quantity"].str.contains("smallest TS").all()


def test_what_the_study_does_not_say_of_an_effect_decides_nothing():
    """That the transformation is above the interaction: in correlation, and in agreement (SiMPle, cosine)."""
    above = {
        (model, "space:transformation"): 300.0
        for model in ("agreement_simple_cosine", "correlation_dtw_euclidean", "correlation_dtw_cosine")
    }
    table, evidence = claims.evaluate(study(**models(effects=above)), **SETTINGS)
    assert table.set_index("claim").loc[13, "verdict"] == SUPPORTED
    rows = evidence[evidence["claim"] == 13].set_index("quantity")
    row = rows.loc[
        "F of the space as a multiple of that of the interaction of space and transformation "
        "(model of correlation, DTW, Euclidean)"
    ]
    assert row["run"] == pytest.approx(4 / 3) and row["study"] == "about two orders of magnitude"
    assert not evidence.query("study == 'not said'")["verdict"].ne(BESIDE).any()


def test_a_flat_correlation_in_noise_may_have_no_change_at_all():
    """Without signs the draws of a change that is none would all lie above 0."""
    rng = np.random.default_rng(0)
    run = between(originals={"AT": 0.4}, change=0)
    drawn = run["between_draws"]
    values = 0.4 + rng.normal(0, 0.01, len(drawn))
    draws = [np.float32(value + rng.normal(0, 0.02, 99)) for value in values]
    run = {
        "between": run["between"].assign(correlation=np.tile(values, 2)),  # of both trials
        "between_draws": drawn.assign(draws=draws),
    }
    estimate = Run(run, **SETTINGS).change_of_correlation("dtw", "euclidean", "AT")
    assert estimate.lower < 0 < estimate.value < estimate.upper < 0.25


def test_the_untrained_networks_stand_beside_the_loudness_of_the_vocals_and_decide_nothing():
    table, evidence = claims.evaluate(study(), **SETTINGS)
    rows = evidence[(evidence["claim"] == 17) & evidence["quantity"].str.contains("untrained")]
    assert set(rows["verdict"]) == {BESIDE}
    np.testing.assert_allclose(rows["run"], [0.9, -0.5, -0.5, -0.6])
    # Far below chance, which would contradict
    assert table.set_index("claim").loc[17, "verdict"] == SUPPORTED


def test_the_lead_of_vs_over_untrained_networks_has_an_interval_over_networks():
    scores = songs()
    ours = scores["measure"] == "loudness of neighbours"
    values = {"VS": [0.56, 0.45, 0.46], "untrained": [0.24, 0.59, 0.46]}
    for space, of_space in values.items():
        scores.loc[ours & (scores["space"] == space), "value"] = of_space
    estimate = Run({"songs_scores": scores}, **SETTINGS).lead_in_loudness("VS", "untrained")
    welch = scipy.stats.ttest_ind(*values.values(), equal_var=False).confidence_interval(0.95)
    assert estimate.value == pytest.approx(0.06)
    assert (estimate.lower, estimate.upper) == pytest.approx(tuple(welch))
    assert estimate.lower < 0 < estimate.upper, "the untrained do as well"
    for trials, reason in ((1, "needs more than one trial of the space VS"), (0, "needs the loudness")):
        run = Run({"songs_scores": songs(trials=trials)}, **SETTINGS)
        assert run.lead_in_loudness("VS", "untrained").reason.startswith(reason)
    alike = scores.assign(value=0.4)
    assert Run({"songs_scores": alike}, **SETTINGS).lead_in_loudness("VS", "untrained").reason


def test_kappa_stands_beside_and_decides_nothing():
    """Where both spaces lose nearly all, agreement rises and kappa need not."""
    _, evidence = claims.evaluate(study(), **SETTINGS)
    kappa = evidence[(evidence["claim"] == 7) & (evidence["verdict"] == BESIDE)]
    assert len(kappa) == 5 and kappa["run"].notna().all()
    rng = np.random.default_rng(0)
    places = tidy.places({"PN": [-15.0, 3.0, 30.0]})
    chance = np.array([0.95, 0.5, 0.05])[:, None]
    # Errors of chance: agreement is 0.9 at the ends and 0.5 in the middle, and kappa 0 everywhere
    errors = {
        key: (rng.random((3, 4000)) < chance).astype(int)
        for key in (("audio", 0, "simple"), ("AT", 0, "cosine"))
    }
    table = tidy.within(places, np.arange(4000), errors, bootstrap.weights(4000, 1), 0.95)["within"]
    run = Run({"within": table}, **SETTINGS)
    agreement = run.rise_of_agreement("AT", "simple", "cosine")
    beyond = run.rise_beyond_chance("AT", "simple", "cosine")
    assert agreement.value == pytest.approx(0.4, abs=0.03) and agreement.lower > 0.3
    assert beyond.value == pytest.approx(0, abs=0.1) and beyond.lower < 0 < beyond.upper


def test_kappa_is_one_of_sums_over_places():
    """A place where nothing is kept has no kappa, and counts for nothing."""
    places = tidy.places({"PN": [-15.0, 3.0, 30.0], "EN": [-15.0, 3.0, 30.0]})
    kept = np.zeros((2, 6, 8), dtype=int)  # (audio and latent, places, excerpts)
    kept[:, [2, 5]] = 1
    kept[0, [1, 4], :4] = 1
    kept[1, [1, 4], 2:6] = 1
    kept[:, 0, 3] = 1
    errors = dict(zip([("audio", 0, "simple"), ("AT", 0, "cosine")], 1 - kept, strict=True))
    table = tidy.within(places, np.arange(8), errors, bootstrap.weights(8, 1), 0.95)["within"]
    estimate = Run({"within": table}, **SETTINGS).rise_beyond_chance("AT", "simple", "cosine")
    # In both halves at 3 dB: agreement is half, as by chance. At -15 dB PN has kappa 1, EN has none
    assert estimate.value == pytest.approx(1.0)


def test_an_order_that_the_originals_do_not_have_contradicts_nothing():
    originals = CORRELATIONS | {"AT": 0.31}  # beside IR
    row = judge(study(**between(originals=originals)), 10)
    assert row["verdict"] == CONTRADICTED, "AT above VS is clear, and is not so on transformed audio"
    row = judge(study(**between(originals=CORRELATIONS | {"AT": 0.21})), 10)
    assert row["verdict"] == UNDECIDED and row["run"] == pytest.approx(-0.1)
    assert row["rule"].startswith("on originals AT and VS have no order (0.210 and 0.200)")


@pytest.mark.parametrize("run", [{}, None], ids=["nothing", "all"])
def test_quantities_are_phrases_and_no_formulas(run):
    _, evidence = claims.evaluate(study() if run is None else run, **SETTINGS)
    assert not evidence["quantity"].str.contains(r" [−/<>|×] |[_^{]").any()
    assert not evidence["rule"].str.contains(r" [−/<>|] |[{^]|needs the \w+ model \w*_").any()


def test_the_part_that_decides_is_shown():
    undecided_and_contradicted = MEANS[SPACES[0]] | {"IR": 0.605, "AE": 0.42}
    table, evidence = claims.evaluate(study(**models({SPACES[0]: undecided_and_contradicted})), **SETTINGS)
    parts = evidence[evidence["claim"] == 3].set_index("quantity")
    assert parts.loc["lead of AT over IR in consistency (Euclidean)", "verdict"] == UNDECIDED
    assert parts.loc["lead of VS over AE in consistency (Euclidean)", "verdict"] == CONTRADICTED
    row = table.set_index("claim").loc[3]
    assert row["quantity"] == "lead of VS over AE in consistency (Euclidean)" and row["study"] == "0.161"
    assert (row["run"], row["lower"], row["upper"]) == pytest.approx((-0.02, -0.03, -0.01))
    first = judge(study(), 3)
    assert first["quantity"] == "lead of MFCC over AT in consistency (Euclidean)"
    assert first["study"] == "0.070"


@pytest.mark.parametrize(
    ("lower", "upper", "above", "below"),
    [
        (0.1, 0.2, SUPPORTED, CONTRADICTED),
        (-0.2, -0.1, CONTRADICTED, SUPPORTED),
        (-0.1, 0.1, UNDECIDED, UNDECIDED),
        (0.0, 0.1, UNDECIDED, CONTRADICTED),
        (-0.1, 0.0, CONTRADICTED, UNDECIDED),
        (0.0, 0.0, CONTRADICTED, CONTRADICTED),
        (np.nan, np.nan, UNDECIDED, UNDECIDED),
    ],
)
def test_verdicts_follow_from_where_the_interval_lies(lower, upper, above, below):
    for shift in (0.0, 2.0):
        estimate = Estimate(0.15, lower + shift, upper + shift, "interval")
        assert Part("", "", estimate, shift).verdict == above
        assert Part("", "", estimate, shift, above=False).verdict == below


def test_rules_say_what_is_done():
    estimate = Estimate(1.0, 0.8, 1.2, "95 % interval")
    assert Part("", "", estimate, 0.9).rule == (
        "supported if the 95 % interval lies above 0.9; contradicted if it lies at or below 0.9"
    )
    assert Part("", "", estimate, 0.9, above=False).rule == (
        "supported if the 95 % interval lies below 0.9; contradicted if it lies at or above 0.9"
    )
    missing = Part("", "", Estimate(1.5, 1, 2, "interval", reason="needs more"))
    assert (missing.verdict, missing.rule) == (UNDECIDED, "needs more")


def test_f_are_compared_within_a_draw():
    """The F of both models go up and down by a factor of five together: their ratio is narrow."""
    _, evidence = claims.evaluate(study(), **SETTINGS)
    row = evidence[evidence["claim"] == 4].iloc[0]
    assert row["run"] == pytest.approx(90 / 60)
    assert 1.45 < row["lower"] < 1.5 < row["upper"] < 1.55
    assert reasons(study(**models(spread=0.3))).loc[4, "verdict"] == UNDECIDED
    assert reasons(study(**models(spread=0.9))).loc[2, "verdict"] == UNDECIDED


def test_numbers_and_intervals_are_those_of_the_tables():
    run = study()
    observed = run["performance"].query("task == 'AE' and encoder == 'VGG' and transformation == 'EN'")
    by_excerpt = observed.groupby(["excerpt_id", "magnitude"])["performance"].mean().unstack()
    change = by_excerpt[30.0] - by_excerpt[-15.0]
    weights = bootstrap.weights(len(change), SETTINGS["draws"], SETTINGS["seed"])
    row = judge(run, 8)
    assert row["run"] == pytest.approx(change.mean())
    assert (row["lower"], row["upper"]) == pytest.approx(bootstrap.interval(change, weights, 0.95))

    trials = run["performance_trials"]
    ours = trials[(trials["encoder"] == "VGG") & (trials["task"] == "AE")].set_index(
        ["transformation", "magnitude"]
    )
    transformed = trials[(trials["task"] == "AE") & (trials["transformation"] != "OG")]
    means = ours.groupby(level=[0, 1])["performance"].mean()
    places = {"PS": [-0.25, 0.25], "TS": [0.98, 1.02], "PN": [30.0], "EN": [30.0], "MP": [192.0]}
    smallest = np.mean([np.mean([means[name, at] for at in all_]) for name, all_ in places.items()])
    _, evidence = claims.evaluate(run, **SETTINGS)
    value = evidence.query("claim == 9")["run"].iloc[0]
    assert value == pytest.approx(-(smallest - means["OG", 0.0]) / transformed["performance"].std())
    assert value < 0, "a greater error is a worse performance"

    # Agreement where both fail: 1 at the gravest; 0.9 against 0.3 on the way
    rises = evidence.query("claim == 7 and verdict != @BESIDE")["run"]
    np.testing.assert_allclose(rises, 0.6, atol=1e-12)


def test_agreement_counts_only_where_both_spaces_fail():
    run = Run({"within": within(audio=(1, 0.9, 0.3))}, **SETTINGS)
    estimate = run.rise_of_agreement("AT", "simple", "cosine")
    assert "both the audio space and AT fail (consistency below 0.25)" in estimate.reason
    alone = Run({"within": within({"OG": [0.0], "PN": [-15.0]})}, **SETTINGS)
    assert alone.rise_of_agreement("AT", "simple", "cosine").reason, "nothing on the way there"


def test_a_lowest_agreement_by_chance_is_no_rise():
    """Agreement is the same everywhere: the lowest of many places is low by chance, the mean rise is none."""
    places = tidy.places({"PN": [-15.0, *np.linspace(-10, 30, 19)]})
    excerpts, rng = np.arange(100), np.random.default_rng(0)
    rises = []
    for _ in range(40):
        keys = [("audio", 0, "simple"), ("AT", 0, "cosine")]
        errors = {key: (rng.random((len(places), 100)) > 0.15).astype(int) for key in keys}
        table = tidy.within(places, excerpts, errors, bootstrap.weights(100, 1), 0.95)["within"]
        estimate = Run({"within": table}, draws=20, level=0.95, seed=0).rise_of_agreement(
            "AT", "simple", "cosine"
        )
        rises.append(estimate.value)
    rises = np.array([rise for rise in rises if not np.isnan(rise)])
    assert len(rises) > 30
    assert abs(rises.mean()) < 3 * rises.std() / np.sqrt(len(rises)) < 0.04


def test_the_trials_of_a_space_count_by_themselves():
    """Two trials that err on other excerpts agree less than their mean consistency says."""
    places = tidy.places({"PN": [-15.0, 30.0]})
    audio = np.array([[1, 1, 1, 1], [0, 0, 0, 0]])
    first, second = np.array([[1, 1, 1, 1], [1, 1, 0, 0]]), np.array([[1, 1, 1, 1], [0, 0, 1, 1]])
    errors = {("audio", 0, "simple"): audio, ("AT", 0, "cosine"): first, ("AT", 1, "cosine"): second}
    table = tidy.within(places, np.arange(4), errors, bootstrap.weights(4, 1), 0.95)["within"]
    estimate = Run({"within": table}, **SETTINGS).rise_of_agreement("AT", "simple", "cosine")
    assert (estimate.value, estimate.lower, estimate.upper) == (0.5, 0.5, 0.5)


def reasons(run):
    """The rules of the claims, by number, after a look at what always holds."""
    table, evidence = claims.evaluate(run, **SETTINGS)
    assert table["claim"].tolist() == list(range(1, 18)) == sorted(set(evidence["claim"]))
    undecided = evidence[evidence["verdict"] == UNDECIDED]
    assert undecided["rule"].str.len().gt(5).all()
    return table.set_index("claim")


def test_a_run_of_nothing_decides_nothing():
    table = reasons({})
    assert (table["verdict"] == UNDECIDED).all() and table["rule"].str.startswith("needs ").all()
    assert table.loc[17, "rule"] == "needs the loudness of the vocals in the space VS, table songs_scores"
    assert table["rule"].equals(reasons({name: rows.head(0) for name, rows in study().items()})["rule"])


def test_a_run_without_tasks_says_so():
    spaces = {"mfcc": 0.9}
    run = {"within": within(spaces=["mfcc"]), **between(originals=spaces)} | models(
        {SPACES[0]: spaces, SPACES[1]: spaces, SPACES[2]: spaces}
    )
    run["anova"] = run["anova"][run["anova"]["model"] != "performance"]
    run["differences"] = run["differences"][run["differences"]["model"] != "performance"]
    table = reasons(run)
    assert table.loc[1, "verdict"] == SUPPORTED
    assert (table.loc[[2, 3, 5, 6, 7, 8, 9, 10], "verdict"] == UNDECIDED).all()
    assert table.loc[2, "rule"] == "needs the additive model of task performance"
    assert table.loc[7, "rule"] == "needs the space AT"
    assert table.loc[8, "rule"] == "needs the table performance, which this run has not"
    assert table.loc[10, "rule"] == "needs the space AE"


def test_what_a_run_lacks_is_named():
    def without(model, level):
        means = {term: {k: v for k, v in levels.items() if k != level} for term, levels in MEANS.items()}
        return models(means | {model: means[model]})

    run = study(within=within(spaces=("mfcc", "AE", "IR", "VS")), **without(SPACES[0], "AT"))
    table = reasons(run)
    assert table.loc[3, "rule"] == table.loc[7, "rule"] == "needs the space AT"
    assert table.loc[2, "rule"] == "needs the task AT"
    table = reasons(study(**performance(tasks=("AE", "VS"))))
    assert table.loc[9, "rule"] == "needs the task AT" and table.loc[8, "verdict"] == SUPPORTED
    problem = pd.DataFrame({"model": ["within_cosine"], "problem": ["a cell is empty"]})
    anova = models()["anova"]
    table = reasons(study(fit=problem, anova=anova[anova["model"] != "within_cosine"]))
    assert table.loc[4, "rule"] == (
        "needs the additive model of consistency within the latent spaces (cosine), not fitted: "
        "a cell is empty"
    )


def test_few_magnitudes_decide_what_they_can():
    grid = GRID | {"PS": [-4.0, 4.0], "EN": [30.0]}
    table = reasons(study(within=within(grid), **performance(grid), **between(grid)))
    assert table.loc[1, "rule"] == "needs PS at -0.25 or 0.25"
    assert table.loc[8, "rule"] == "needs a graver EN than the smallest"
    assert table.loc[7, "verdict"] == SUPPORTED
    smoke = {"OG": [0.0], "PS": [-12.0, -0.25, 0.25], "TS": [0.98, 1.02, 1.5], "MP": [8.0, 192.0]}
    smoke |= {"PN": [-15.0, 30.0], "EN": [-15.0, 30.0]}
    table = reasons(study(within=within(smoke), **performance(smoke, trials=1), **between(smoke)))
    assert (table.loc[[1, 6, 8, 9, 10], "verdict"] == SUPPORTED).all()


def test_ways_lead_from_mild_to_grave():
    places = [(name, magnitude) for name, magnitudes in GRID.items() for magnitude in magnitudes]
    assert claims.ways(places, "TS") == [
        [("TS", 0.98), ("TS", 0.7), ("TS", 0.3)],
        [("TS", 1.02), ("TS", 1.2), ("TS", 1.5)],
    ]
    assert claims.ways(places, "MP") == [[("MP", 192.0), ("MP", 64.0), ("MP", 8.0)]]
    assert claims.gravest(places, "PS") == [("PS", -12.0), ("PS", 12.0)]
    assert claims.gravest([("PS", -0.25), ("PS", 0.25), ("PS", 12.0)], "PS") == [("PS", 12.0)]


def test_a_space_from_outside_changes_nothing():
    extra = {"my net": 0.95}
    means = {term: levels | (extra if term[1] == "space" else {}) for term, levels in MEANS.items()}
    run = study(
        within=within(spaces=(*LATENT, "my net")), **between(originals=CORRELATIONS | extra), **models(means)
    )
    for one, other in zip(
        claims.evaluate(run, **SETTINGS), claims.evaluate(study(), **SETTINGS), strict=True
    ):
        pd.testing.assert_frame_equal(one, other)


def test_undefined_performance_is_left_out():
    run = study()
    table = run["performance"]
    lost = table["excerpt_id"].isin(EXCERPTS[:5]) & (table["task"] == "AT")
    run["performance"] = table.assign(performance=table["performance"].mask(lost))
    assert judge(run, 9)["verdict"] == SUPPORTED
    run["performance"] = table.assign(performance=table["performance"].mask(table["task"] == "AT"))
    row = judge(run, 9)
    assert (row["verdict"], row["rule"]) == (UNDECIDED, "is not defined in this run")


def test_seed_and_level_are_those_given():
    table, evidence = claims.evaluate(study(), **SETTINGS)
    again, _ = claims.evaluate(study(), **SETTINGS)
    pd.testing.assert_frame_equal(table, again)
    _, other = claims.evaluate(study(), **SETTINGS | {"seed": 4})
    assert (
        other.query("claim == 8")[["lower", "upper"]] != evidence.query("claim == 8")[["lower", "upper"]]
    ).any(axis=None)
    _, narrow = claims.evaluate(study(), **SETTINGS | {"level": 0.5})
    one, half = evidence.query("claim == 8").iloc[0], narrow.query("claim == 8").iloc[0]
    assert one["lower"] < half["lower"] < half["run"] == one["run"] < half["upper"] < one["upper"]
    assert "50 % interval" in half["rule"]


def test_tables_from_files_are_the_same(tmp_path):
    run = study()
    for name in (
        "differences",
        "anova",
        "means",
        "fit",
        "mixed_fit",
        "mixed_differences",
        "mixed_variances",
        "songs_scores",
    ):
        run[name].to_csv(tmp_path / name, index=False)
    read = {
        name: pd.read_csv(tmp_path / name)
        for name in (
            "differences",
            "anova",
            "means",
            "fit",
            "mixed_fit",
            "mixed_differences",
            "mixed_variances",
            "songs_scores",
        )
    }
    one, other = claims.evaluate(run | read, **SETTINGS)[0], claims.evaluate(run, **SETTINGS)[0]
    pd.testing.assert_frame_equal(one, other)
