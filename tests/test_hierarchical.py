"""Linear mixed models and the engine beneath them.

What lme4 and lmerTest say is in `facts/mixed.csv`, made by `facts/mixed.R`: of tables that are made of sines,
here and there alike, and of the multi-source study's two models on ``mixed7.csv``, which stands beside the
project (``shared/oracle``).
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import linalg, sparse, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.numdiff import approx_fprime
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from oracle_tables import oracle_table
from relatives import statistics
from relatives.errors import InputError
from relatives.seeds import generator
from relatives.statistics import hierarchical, reml

FACTS = pd.read_csv(Path(__file__).parent / "facts" / "mixed.csv", keep_default_na=False, na_values=[""])


def noise(i):
    return np.sin(3 * i**2 + i)


def crossed():
    """One trial of mfcc, five of the other spaces, on the same excerpts; some rows are not there."""
    i = np.arange(252)
    network, excerpt = i // 12, i % 12
    space = np.array(["mfcc", *np.repeat(["AE", "AT", "IR", "VS"], 5)])[network]
    level = pd.Series({"mfcc": 0.9, "AE": 0.2, "AT": 0.6, "IR": 0.5, "VS": 0.3})[space].to_numpy()
    y = level + 0.3 * np.sin(excerpt**2 + 1) + 0.15 * np.sin(5 * network**2 + 2) + 0.25 * noise(i)
    return pd.DataFrame({"y": y, "space": space, "network": network, "excerpt": excerpt})[i % 11 != 3]


def slopes():
    i = np.arange(126)
    dataset, n_star, r_star = i // 18, i // 3 % 6, i % 3 / 2
    y = 0.2 + (0.5 + 0.3 * np.sin(dataset**2 + 1)) * r_star + (0.1 + 0.1 * np.sin(2 * dataset**2)) * n_star
    return pd.DataFrame({"y": y + 0.4 * noise(i), "r_star": r_star, "n_star": n_star, "dataset": dataset})


def boundary():
    """The groups differ by less than chance would make them."""
    i = np.arange(40)
    group, other, x = i // 5, i % 4, np.cos(i)
    y = 1 + 0.5 * x + 1.2 * np.sin(other + 1) + noise(i) - noise(i).reshape(8, 5).mean(axis=1)[group]
    return pd.DataFrame({"y": y, "x": x, "group": group, "other": other})


def groups():
    """Of one row to eight."""
    group = np.repeat(np.arange(8), np.arange(1, 9))
    return pd.DataFrame({"y": np.sin(group**2 + 3) + noise(np.arange(36)), "group": group})


def mixed7():
    table = oracle_table("mixed7")
    for number, strategy in enumerate(["SSR", "MSSR@FC", "MSCR@6", "MSCR@4", "MSCR@2", "MSSCR"], start=1):
        table[f"a{number}"] = (table["strategy"] == strategy).astype(float)
        table[f"s{number}"] = table[f"a{number}"] * table["n_star"]
    return table


STRATEGIES = [*(f"a{number}" for number in range(1, 7)), *(f"s{number}" for number in range(2, 7))]
SLOPES = {"r_star": "0 + r_star", "n_star": "0 + n_star"}
MODELS = {
    "crossed": (
        crossed,
        "0 + space",
        {"excerpt": "excerpt", "network": "network"},
        {"excerpt": "1", "network": "1"},
    ),
    "slopes": (slopes, "r_star * n_star", "dataset", SLOPES),
    "boundary": (boundary, "x", {"group": "group", "other": "other"}, {"group": "1", "other": "1"}),
    "groups": (groups, "1", "group", {"group": "1"}),
    "mixed7 model 1": (
        mixed7,
        "0 + " + " + ".join(STRATEGIES),
        "dataset",
        {name: f"0 + {name}" for name in STRATEGIES},
    ),
    "mixed7 model 2": (
        mixed7,
        "r_star * n_star",
        "dataset",
        SLOPES | {"I(r_star * n_star)": "0 + r_star:n_star"},
    ),
}


def fit(model, **changes):
    table, *rest = MODELS[model]
    return statistics.mixed(table().assign(**changes), "y", *rest)


def facts(model, kind):
    """The rows of R, with our names of its terms."""
    rows = FACTS[(FACTS["model"] == model) & (FACTS["kind"] == kind)]
    term = rows["term"].str.replace(r"\bspace(\w+)", r"space[\1]", regex=True)
    return rows.assign(term=term.str.replace("(Intercept)", "Intercept")).set_index("term")


# --- against lme4 and lmerTest


@pytest.mark.parametrize("model", MODELS)
def test_fixed_effects_are_lme4s(model):
    ours, theirs = fit(model), facts(model, "fixed")
    fixed = ours.fixed.set_index("term")
    assert set(fixed.index) == set(theirs.index)
    theirs = theirs.loc[fixed.index]
    np.testing.assert_allclose(fixed["estimate"], theirs["estimate"], atol=2e-5 * theirs["se"].max())
    np.testing.assert_allclose(fixed["se"], theirs["se"], rtol=3e-4)
    tests = ours.contrasts(np.eye(len(fixed)))
    np.testing.assert_allclose(tests["df"], theirs["df"], rtol=2e-3)
    assert ours.converged and ours.residual_df == ours.n - len(fixed)
    if model != "mixed7 model 1":  # whose profiles take R too long
        for side in ("lower", "upper"):
            np.testing.assert_allclose(fixed[side], theirs[side], atol=1e-3 * theirs["se"].max())


@pytest.mark.parametrize("model", MODELS)
def test_variances_are_lme4s(model):
    ours, theirs = fit(model).variances, facts(model, "variance")
    assert ours["component"].iloc[-1] == "Residual"
    assert set(ours["component"]) == set(theirs.index)
    theirs = theirs.loc[ours["component"]]
    np.testing.assert_allclose(ours["variance"], theirs["estimate"], rtol=1e-3, atol=1e-9)
    assert (ours["lower"] <= ours["variance"]).all() and (ours["variance"] < ours["upper"]).all()
    if model != "mixed7 model 1":
        np.testing.assert_allclose(ours["lower"], theirs["lower"], rtol=1e-3, atol=1e-9)
        np.testing.assert_allclose(ours["upper"], theirs["upper"], rtol=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_restricted_deviance_is_lme4s(model):
    theirs = FACTS[(FACTS["model"] == model) & (FACTS["kind"] == "deviance")]["estimate"].item()
    assert fit(model).estimate.deviance == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("model", ["crossed", "slopes", "boundary", "mixed7 model 2"])
def test_contrasts_are_lmertests(model):
    ours, theirs = fit(model), facts(model, "contrast")
    differences = ours.differences(correction=None)
    pairs = differences["first"] + " - " + differences["second"]
    turned = differences["second"] + " - " + differences["first"]
    sign = np.where(pairs.isin(theirs.index), 1, -1)
    theirs = theirs.loc[pairs.where(sign > 0, turned)]
    assert len(theirs) == len(ours.terms) * (len(ours.terms) - 1) / 2
    size = theirs["se"].to_numpy()
    np.testing.assert_allclose(sign * differences["difference"] / size, theirs["estimate"] / size, atol=1e-4)
    np.testing.assert_allclose(differences["se"], size, rtol=3e-4)
    np.testing.assert_allclose(differences["df"], theirs["df"], rtol=2e-3)
    half = (theirs["upper"] - theirs["lower"]) / 2
    np.testing.assert_allclose((differences["upper"] - differences["lower"]) / 2, half, rtol=1e-3)
    np.testing.assert_allclose((differences["upper"] + differences["lower"]) / 2, differences["difference"])


def test_a_variance_at_its_boundary_is_zero_and_said():
    ours = fit("boundary")
    assert ours.notes == ["the variance of group is at its boundary, 0"]
    variances = ours.variances.set_index("component")
    assert variances["variance"]["group"] == variances["lower"]["group"] == 0
    assert fit("crossed").notes == []


# --- against statsmodels


@pytest.mark.filterwarnings("ignore:The MLE may be on the boundary")
def test_statsmodels_agrees_on_slopes():
    theirs = smf.mixedlm(
        "y ~ r_star * n_star", slopes(), groups="dataset", re_formula="0", vc_formula=SLOPES
    ).fit(reml=True)
    ours = fit("slopes")
    np.testing.assert_allclose(ours.coefficients, theirs.fe_params[ours.terms], rtol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse_fe[ours.terms], rtol=1e-3)
    variances = ours.variances.set_index("component")["variance"]
    by_name = dict(zip(theirs.model.exog_vc.names, theirs.vcomp, strict=True))
    assert variances["r_star"] == pytest.approx(by_name["r_star"], rel=2e-3)
    assert variances["n_star"] == pytest.approx(by_name["n_star"], rel=2e-3)
    assert variances["Residual"] == pytest.approx(theirs.scale, rel=1e-3)


# --- tests of contrasts, where they are known exactly


def nested(draw=0, networks=(5, 5), excerpts=6):
    """Two spaces of some networks, each on excerpts of their own: what counts are the networks' means."""
    rng = generator(draw, "test", "nested")
    network = np.repeat(np.arange(sum(networks)), excerpts)
    space = np.repeat(["a", "b"], networks)[network]
    y = rng.normal(size=sum(networks))[network] + rng.normal(size=len(network)) + (space == "b")
    return pd.DataFrame({"y": y, "space": space, "network": network})


def test_a_balanced_contrast_is_the_t_test_of_the_networks():
    table = nested()
    ours = statistics.mixed(table, "y", "0 + space", "network", {"network": "1"})
    means = table.groupby(["space", "network"])["y"].mean()
    theirs = stats.ttest_ind(means["a"], means["b"])
    difference = ours.differences().iloc[0]
    assert difference[["first", "second"]].tolist() == ["space[a]", "space[b]"]
    assert difference["t"] == pytest.approx(theirs.statistic, rel=1e-5)
    assert difference["df"] == pytest.approx(8, rel=1e-4)
    assert difference["p"] == pytest.approx(theirs.pvalue, rel=1e-4)
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose(difference[["lower", "upper"]].astype(float), interval, rtol=1e-4)


def test_holm_corrects_p_alone():
    ours = fit("crossed")
    plain, holm = ours.differences(correction=None), ours.differences()
    np.testing.assert_allclose(holm["p"], multipletests(plain["p"], method="holm")[1])
    assert (holm["p"] >= plain["p"]).all() and (holm["p"] > plain["p"]).any()
    pd.testing.assert_frame_equal(holm.drop(columns="p"), plain.drop(columns="p"))


def test_contrasts_are_linear():
    ours = fit("crossed")
    weights = np.array([[0.25, 0.25, 0.25, 0.25, -1], [1, 0, 0, 0, 0]])
    found = ours.contrasts(weights)
    np.testing.assert_allclose(found["estimate"], weights @ ours.fixed["estimate"])
    np.testing.assert_allclose(found["se"] ** 2, np.diag(weights @ ours.covariance @ weights.T))
    np.testing.assert_allclose(found.iloc[1], ours.contrasts(weights[1]).iloc[0])
    np.testing.assert_allclose(found["t"], found["estimate"] / found["se"])


def test_differences_of_some_terms():
    ours = fit("crossed")
    found = ours.differences(["space[mfcc]", "space[AE]"])
    assert found[["first", "second"]].to_numpy().tolist() == [["space[mfcc]", "space[AE]"]]
    of = dict(zip(ours.terms, ours.coefficients, strict=True))
    assert found["difference"].item() == pytest.approx(of["space[mfcc]"] - of["space[AE]"])


# --- properties


def test_one_column_for_all_components_or_one_each():
    table, fixed, _, components = slopes(), *MODELS["slopes"][1:]
    one = statistics.mixed(table, "y", fixed, "dataset", components)
    each = statistics.mixed(table, "y", fixed, dict.fromkeys(components, "dataset"), components)
    pd.testing.assert_frame_equal(one.variances, each.variances)
    pd.testing.assert_frame_equal(one.fixed, each.fixed)


def test_the_columns_of_a_component_share_a_variance():
    table = crossed()
    table["pair"] = table["space"] + table["excerpt"].astype(str)
    ours = statistics.mixed(table, "y", "0 + space", "excerpt", {"pair": "0 + space"})
    other = statistics.mixed(table, "y", "0 + space", "pair", {"pair": "1"})
    pd.testing.assert_frame_equal(ours.variances, other.variances, rtol=1e-4)
    pd.testing.assert_frame_equal(ours.fixed, other.fixed, rtol=1e-4)


def test_the_unit_of_the_response_does_not_matter():
    ours, other = fit("crossed"), fit("crossed", y=1e6 + 1e3 * crossed()["y"])
    np.testing.assert_allclose(other.variances["variance"], 1e6 * ours.variances["variance"], rtol=1e-4)
    np.testing.assert_allclose(other.variances["upper"], 1e6 * ours.variances["upper"], rtol=1e-4)
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(other.fixed[column] - 1e6, 1e3 * ours.fixed[column], rtol=1e-4)


def test_the_order_of_rows_and_their_index_do_not_matter():
    table, *rest = MODELS["crossed"]
    ours = fit("crossed")
    turned = table().iloc[::-1].set_index(np.zeros(len(table()), int))
    other = statistics.mixed(turned, "y", *rest)
    pd.testing.assert_frame_equal(other.fixed, ours.fixed, rtol=1e-5)
    pd.testing.assert_frame_equal(other.variances, ours.variances, rtol=1e-4)


def test_a_wider_level_has_wider_intervals():
    table, *rest = MODELS["slopes"]
    ours, wider = fit("slopes"), statistics.mixed(table(), "y", *rest, level=0.99)
    for frame in ("fixed", "variances"):
        narrow, wide = getattr(ours, frame), getattr(wider, frame)
        assert (wide["lower"] < narrow["lower"]).all() and (narrow["upper"] < wide["upper"]).all()
    assert wider.contrasts(np.eye(4))["upper"].gt(ours.contrasts(np.eye(4))["upper"]).all()


def test_threads_do_not_show():
    i = np.arange(400 * 41)
    table = pd.DataFrame({"excerpt": i % 400, "network": i // 400, "space": i // 400 % 3})
    table["y"] = noise(i) + np.sin(table["excerpt"]) + np.cos(table["network"] ** 2)
    columns, results = {"excerpt": "excerpt", "network": "network"}, []
    for threads in (1, 2):
        with threadpool_limits(threads):
            ours = statistics.mixed(table, "y", "0 + C(space)", columns, dict.fromkeys(columns, "1"))
            results.append(pd.concat([ours.fixed, ours.variances, ours.differences()]))
    pd.testing.assert_frame_equal(*results, check_exact=True)


def test_a_thousand_crossed_excerpts():
    """21 networks on 1,000 excerpts: balanced, so that all is known of the sums of squares."""
    rng = generator(0, "test", "excerpts")
    network, excerpt = np.repeat(np.arange(21), 1000), np.tile(np.arange(1000), 21)
    y = 0.05 * rng.normal(size=21)[network] + 0.2 * rng.normal(size=1000)[excerpt]
    table = pd.DataFrame({"y": y + 0.3 * rng.normal(size=21000), "network": network, "excerpt": excerpt})
    columns = {"excerpt": "excerpt", "network": "network"}
    ours = statistics.mixed(table, "y", "1", columns, dict.fromkeys(columns, "1"))
    square = table["y"].to_numpy().reshape(21, 1000)
    by_network, by_excerpt = square.mean(axis=1), square.mean(axis=0)
    rest = square - by_network[:, None] - by_excerpt + square.mean()
    residual = np.sum(rest**2) / (20 * 999)
    expected = [by_excerpt.var(ddof=1) - residual / 21, by_network.var(ddof=1) - residual / 1000, residual]
    np.testing.assert_allclose(ours.variances["variance"], expected, rtol=1e-3)
    assert ours.levels == {"excerpt": 1000, "network": 21}


def test_the_profile_of_a_slope_covers_as_often_as_it_says():
    covered = []
    for draw in range(300):
        table = nested(draw).assign(x=generator(draw, "test", "slope").normal(size=60))
        table["y"] += 0.5 * table["x"] - (table["space"] == "b")
        slope = statistics.mixed(table, "y", "0 + x", "network", {"network": "1"}).fixed.iloc[0]
        covered.append(slope["lower"] <= 0.5 <= slope["upper"])
    assert 0.92 <= np.mean(covered) <= 0.98


def test_a_difference_of_spaces_of_few_networks_covers_as_often_as_it_says():
    """With three and four networks; as if they were many, the interval would cover in 89 %."""
    covered, naive = [], []
    for draw in range(600):
        table = nested(draw, networks=(3, 4), excerpts=5)
        ours = statistics.mixed(table, "y", "0 + space", "network", {"network": "1"})
        found = ours.differences(correction=None).iloc[0]
        covered.append(found["lower"] <= -1 <= found["upper"])
        naive.append(abs(found["difference"] + 1) < 1.96 * found["se"])
    assert 0.93 <= np.mean(covered) <= 0.97
    assert np.mean(naive) < 0.92


# --- what cannot be fitted


@pytest.fixture(scope="module")
def table():
    i = np.arange(60)
    return pd.DataFrame(
        {
            "y": noise(i) + np.sin(i % 10),
            "x": np.cos(i),
            "double": 2 * np.cos(i),
            "space": np.repeat(["a", "b", "c"], 20),
            "network": np.repeat(["a0", "b0", "c0"], 20),
            "excerpt": i % 10,
            "again": i % 10 + 100,
            "row": i,
            "one": 1,
            "constant": 3.0,
            "line": 2 * np.cos(i) + 1,
            "by_excerpt": np.sin(i % 10) + np.cos(i),
            "gap": np.where(i == 5, np.nan, np.cos(i)),
            "infinite": np.where(i == 5, np.inf, np.cos(i)),
            "nobody": np.where(i == 5, None, "somebody"),
            "text": "text",
            "unused": pd.Categorical(np.repeat(["a", "b"], 30), categories=["a", "b", "c"]),
        }
    )


GOOD = {"response": "y", "fixed": "x", "groups": "excerpt", "components": {"excerpt": "1"}}
CROSSED = {"excerpt": "1", "network": "1"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"response": "z"}, "no column 'z'; it has y, x"),
        ({"fixed": "x + z"}, "no column 'z'"),
        ({"groups": "z"}, "no column 'z'"),
        ({"components": {"excerpt": "0 + z"}}, "no column 'z'"),
        ({"response": "gap"}, "'gap' is NaN in 1 of 60 rows"),
        ({"fixed": "gap"}, "'gap' is NaN in 1 of 60 rows"),
        ({"groups": "nobody"}, "'nobody' is NaN in 1 of 60 rows"),
        ({"response": "infinite"}, "the response, 'infinite', is infinite or NaN in 1 places"),
        (
            {"components": {"e": "0 + infinite"}},
            "the formula of e, '0 \\+ infinite', is infinite or NaN in 1",
        ),
        ({"response": "text"}, "'text' must be numeric"),
        ({"response": "constant"}, "'constant' has one value in all 60 rows"),
        ({"response": "line"}, "'x' explains 'line' wholly"),
        ({"response": "by_excerpt"}, "'by_excerpt' does not vary but by 'excerpt'"),
        ({"groups": "one"}, "the group 'one' has only the level '1'"),
        (
            {
                "fixed": "0 + space",
                "groups": {"excerpt": "excerpt", "network": "network"},
                "components": CROSSED,
            },
            "random effects 'network' cannot be told from the fixed effects",
        ),
        (
            {"components": {"excerpt": "0 + x:one", "zero": "0 + I(0 * x)"}},
            "'zero' cannot be told from the fixed",
        ),
        (
            {"groups": {"excerpt": "excerpt", "network": "again"}, "components": CROSSED},
            "'excerpt' and 'network' cannot be told from each other",
        ),
        (
            {"groups": "row", "components": {"row": "1"}},
            "'row' and 'Residual' cannot be told from each other",
        ),
        ({"fixed": "x + double"}, "depend on each other: double is 0 in all rows or follows"),
        ({"fixed": "unused"}, r"depend on each other: unused\[T.c\] is 0"),
        ({"fixed": "x +"}, "the formula of fixed, 'x \\+', cannot be read"),
        ({"fixed": "y ~ x"}, "more than a right side"),
        ({"fixed": "x | space"}, "more than a right side"),
        ({"fixed": "0"}, "the formula of fixed, '0', has no column"),
        ({"components": {}}, "`components` must name random effects"),
        ({"components": {"Residual": "1"}}, "'Residual' is none"),
        ({"groups": {"other": "excerpt"}}, "a column for each of excerpt, not for other"),
        ({"level": 95}, "between 0 and 1, not at 95"),
    ],
)
def test_what_cannot_be_fitted_is_said(table, changes, message):
    with pytest.raises(InputError, match=message):
        statistics.mixed(table, **(GOOD | changes))


def test_too_few_rows(table):
    with pytest.raises(InputError, match="3 rows are too few for 2 fixed effects and 2 variances"):
        statistics.mixed(table.head(3), **GOOD)
    with pytest.raises(InputError, match="'y' has one value in all 0 rows"):
        statistics.mixed(table.head(0), **GOOD)


def test_as_many_random_effects_as_rows(table):
    few = table.head(6).assign(half=[0, 0, 1, 1, 2, 2])
    with pytest.raises(InputError, match="6 rows leave no residual beside 6 random and 1 fixed effects"):
        statistics.mixed(few, "y", "1", "half", {"level": "1", "slope": "0 + x"})


def test_a_formula_knows_the_table_alone(table):
    secret = table["x"]  # noqa: F841
    with pytest.raises(InputError, match="no column 'secret'"):
        statistics.mixed(table, **(GOOD | {"fixed": "secret"}))


def test_gaps_elsewhere_do_not_matter(table):
    assert statistics.mixed(table, **GOOD).n == 60


def test_wrong_contrasts():
    ours = fit("slopes")
    with pytest.raises(ValueError, match="a weight for each of the 4 fixed effects"):
        ours.contrasts(np.eye(3))
    with pytest.raises(ValueError, match="not all 0"):
        ours.contrasts([[0, 0, 0, 0]])
    with pytest.raises(ValueError, match="two or more of"):
        ours.differences(["r_star", "z"])


def test_a_fit_that_did_not_converge_warns(monkeypatch):
    monkeypatch.setattr(reml, "TOLERANCE", 0.0)
    with pytest.warns(ConvergenceWarning, match="the mixed model of 'y' did not converge"):
        ours = fit("slopes")
    assert not ours.converged
    assert ours.notes == ["the fit did not converge: do not use its numbers"]


# --- the engine, against dense matrices


def dense(draw=0, n=40):
    """A problem of two crossed components and a slope's: response, Z, X, the component of Z's columns."""
    rng = generator(draw, "test", "dense")
    first, second, x = rng.integers(12, size=n), rng.integers(4, size=n), rng.normal(size=n)
    Z = np.hstack([np.eye(12)[first], np.eye(4)[second], np.eye(4)[second] * x[:, None]])
    X = np.column_stack([np.ones(n), x])
    y = X @ [1, 2] + Z @ rng.normal(size=20) + rng.normal(size=n)
    return y, Z, X, np.repeat([0, 1, 2], [12, 4, 4])


THETA = np.array([0.7, 1.3, 0.2])


@pytest.fixture
def system():
    return reml.System(reml.Problem.of(*dense()))


def covariance_of(Z, component, variances):
    """Of the response: V."""
    return (Z * variances[component]) @ Z.T + variances[-1] * np.eye(len(Z))


@pytest.mark.parametrize("restricted", [True, False])
def test_the_slopes_are_those_of_differences(system, restricted):
    for theta in (THETA, np.full(3, 1e-3), np.full(3, 30.0)):
        at = system.evaluate(theta, restricted)
        for part in ("log_determinant", "penalised"):
            numeric = approx_fprime(
                np.log(theta),
                lambda log_theta, part=part: getattr(system.evaluate(np.exp(log_theta), restricted), part),
                epsilon=1e-4,
                centered=True,
            )
            np.testing.assert_allclose(getattr(at, f"{part}_slope"), numeric, rtol=1e-5, atol=1e-6)


def test_the_restricted_deviance_is_the_density_of_what_is_free_of_fixed_effects(system):
    y, Z, X, component = dense()
    contrasts = linalg.null_space(X.T)
    for variances in ([0.5, 1, 0.1, 2], [3, 0, 0.2, 0.4]):
        variances = np.array(variances, dtype=float)
        V = covariance_of(Z, component, variances)
        density = stats.multivariate_normal.logpdf(contrasts.T @ y, np.zeros(38), contrasts.T @ V @ contrasts)
        with np.errstate(divide="ignore"):
            value, _ = hierarchical.deviance(system, np.log(variances))
        # As in lme4, without the constant of X itself
        assert value == pytest.approx(-2 * density + np.linalg.slogdet(X.T @ X)[1], rel=1e-10)


def test_the_slope_of_the_restricted_deviance_is_that_of_differences(system):
    at = np.log([0.5, 1, 0.1, 2])
    numeric = approx_fprime(at, lambda x: hierarchical.deviance(system, x)[0], epsilon=1e-4, centered=True)
    np.testing.assert_allclose(hierarchical.deviance(system, at)[1], numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("restricted", [True, False])
def test_an_estimate_is_the_optimum_of_the_density(system, restricted):
    y, Z, X, component = dense()

    def dense_deviance(variances):
        V = covariance_of(Z, component, np.asarray(variances))
        solved = np.linalg.solve(V, X)
        coefficients = np.linalg.solve(X.T @ solved, solved.T @ y)
        value = -2 * stats.multivariate_normal.logpdf(y - X @ coefficients, np.zeros(len(y)), V)
        if restricted:
            value += np.linalg.slogdet(X.T @ solved)[1] - X.shape[1] * np.log(2 * np.pi)
        return value, coefficients

    found = reml.estimate(system, restricted)
    variances = np.append(found.theta**2, 1) * found.variance
    value, coefficients = dense_deviance(variances)
    assert found.converged and (variances > 0).all()
    assert found.deviance == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(found.coefficients[-2:], coefficients)
    for changed, factor in product(range(4), (0.9, 1.1)):
        other = np.where(np.arange(4) == changed, factor, 1) * variances
        assert dense_deviance(other)[0] > value


def test_the_random_coefficients_are_the_best_predictions(system):
    y, Z, X, component = dense()
    found = reml.estimate(system)
    variances = np.append(found.theta**2, 1) * found.variance
    V = covariance_of(Z, component, variances)
    residual = y - X @ found.coefficients[-2:]
    expected = variances[component] * (Z.T @ np.linalg.solve(V, residual))
    np.testing.assert_allclose(found.coefficients[:-2], expected, rtol=1e-6, atol=1e-9)


def test_the_inverse_is_the_covariance_of_the_coefficients(system):
    whole = system.problem.gram + np.diag(np.append(1 / THETA**2, 0)[system.problem.component])
    np.testing.assert_allclose(system.inverse(THETA), np.linalg.inv(whole), rtol=1e-8, atol=1e-10)


def test_elimination_does_not_show(system):
    assert system.eliminated.sum() == 12
    plain = reml.System(system.problem)
    plain.eliminated = np.zeros_like(system.eliminated)
    for restricted in (True, False):
        ours, theirs = (each.evaluate(THETA, restricted) for each in (system, plain))
        assert ours.log_determinant == pytest.approx(theirs.log_determinant)
        assert ours.penalised == pytest.approx(theirs.penalised)
        np.testing.assert_allclose(ours.log_determinant_slope, theirs.log_determinant_slope)
        np.testing.assert_allclose(ours.penalised_slope, theirs.penalised_slope)
    np.testing.assert_allclose(system.inverse(THETA), plain.inverse(THETA), atol=1e-12)


def test_sparse_columns_and_dense_make_one_problem():
    y, Z, X, component = dense()
    ours, theirs = reml.Problem.of(y, Z, X, component), reml.Problem.of(y, sparse.csr_array(Z), X, component)
    np.testing.assert_allclose(ours.gram, theirs.gram)
    np.testing.assert_allclose(ours.moments, theirs.moments)
    np.testing.assert_array_equal(ours.component, [*component, reml.FIXED, reml.FIXED])


def test_a_known_coefficient_leaves_the_problem():
    y, Z, X, component = dense()
    given = reml.Problem.of(y, Z, X, component).given(20, 0.7)
    direct = reml.Problem.of(y - 0.7 * X[:, 0], Z, X[:, 1:], component)
    for part in ("gram", "moments", "total", "n", "component"):
        np.testing.assert_allclose(getattr(given, part), getattr(direct, part))


@pytest.mark.parametrize(("levels", "rows"), [(8, 5), (4, 3), (30, 2), (3, 200)])
def test_balanced_groups_have_the_variance_of_their_means(levels, rows):
    """The analysis of variance gives it; half of these data sets have none, and the search must see that."""
    group = np.repeat(np.arange(levels), rows)
    y = generator(0, "test", "balanced").normal(size=(100, levels, rows))
    residual = y.var(axis=2, ddof=1).mean(axis=1)
    between = y.mean(axis=2).var(axis=1, ddof=1) - residual / rows
    found = [
        reml.estimate(
            reml.System(
                reml.Problem.of(
                    values, np.eye(levels)[group], np.ones((len(group), 1)), 0 * np.arange(levels)
                )
            )
        )
        for values in y.reshape(100, -1)
    ]
    variances = np.array([each.theta[0] ** 2 * each.variance for each in found])
    assert all(each.converged for each in found)
    assert 30 < np.sum(between < 0) < 80
    np.testing.assert_array_equal(variances == 0, between < 0)
    np.testing.assert_allclose(variances, np.maximum(between, 0), rtol=1e-2, atol=1e-4 / rows)


def test_fixed_columns_that_depend_on_each_other_are_refused():
    y, Z, X, component = dense()
    with pytest.raises(InputError, match="depend on each other"):
        reml.estimate(reml.System(reml.Problem.of(y, Z, X[:, [0, 1, 1]], component)))
