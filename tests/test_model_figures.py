"""The figures of the models, on made-up tables such as the analyses write, whole and cut down.

What a figure draws is checked on its artists, not on its pixels.
"""

import inspect
import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from relatives import report
from relatives.errors import InputError
from relatives.figures import checks, fig05, fig08, fig11, mixed, style

TASKS = {"AE": (0.95, -1.33), "AT": (0.85, -0.35), "IR": (0.9, -0.44), "VS": (0.66, 0.04)}
CONSISTENCY = {"mfcc": 0.741, "AT": 0.671, "IR": 0.539, "VS": 0.331, "AE": 0.17}
CORRELATION = {"mfcc": 0.881, "AE": 0.209, "IR": 0.184, "VS": 0.181, "AT": 0.08}
PAIRS = [(a, b) for a in ("dtw", "simple") for b in ("euclidean", "cosine")]
LEVELS = {"performance": None, "within_euclidean": CONSISTENCY, "within_cosine": CONSISTENCY} | {
    f"{measure}_{audio}_{latent}": level
    for measure, level in (("agreement", CONSISTENCY), ("correlation", CORRELATION))
    for audio, latent in PAIRS
}


def make_tables(seed=3):
    """Every table that these figures take, by its name, of a made-up run: about the study's numbers."""
    rng = np.random.default_rng(seed)
    means, differences, fit, residuals = [], [], [], []
    for number, (model, levels) in enumerate(LEVELS.items()):
        if levels is None:
            means += [
                {
                    "model": model,
                    "term": "task:encoder",
                    "task": task,
                    "encoder": encoder,
                    "mean": mean,
                    "se": 0.02,
                }
                for task, pair in TASKS.items()
                for encoder, mean in zip(("VGG", "MFCC"), pair, strict=True)
            ]
            means.append({"model": model, "term": "encoder", "encoder": "VGG", "mean": 0.84, "se": 0.008})
        else:
            of_model = {
                space: {
                    "model": model,
                    "term": "space",
                    "space": space,
                    "mean": level + 0.01 * rng.normal(),
                    "se": 0.014 if space == "mfcc" else 0.007,
                }
                for space, level in levels.items()
            }
            means += of_model.values()
            means.append(
                {"model": model, "term": "transformation", "transformation": "PS", "mean": 0.4, "se": 0.01}
            )
            for first, second in itertools.combinations(of_model, 2):
                gap = of_model[first]["mean"] - of_model[second]["mean"]
                key = {"model": model, "term": "space", "first": first, "second": second}
                differences.append({**key, "difference": gap, "p": 1e-6 if abs(gap) > 0.05 else 0.4})
        n = 3760 if levels is None else 1974
        fitted = rng.uniform(0, 1, n) ** (1 + number % 3)
        noise = 0.06 * rng.standard_t(5, n) * (0.5 + fitted)
        residuals.append(pd.DataFrame({"model": model, "fitted": fitted, "residual": noise}))
        fit.append(
            {"model": model, "n": n, "r_squared": 0.98 - 0.005 * number, "edf": 181.2, "problem": None}
        )
    mixed_models = {
        model: CORRELATION if model.startswith("correlation") else CONSISTENCY
        for model in (*mixed.MODELS, "correlation_by_excerpt_dtw_cosine")
    }
    mixed_rows = [
        {"model": model, "space": space, "mean": level - 0.02, "se": 0.05 + 0.03 * (space == "mfcc")}
        for model, levels in mixed_models.items()
        for space, level in levels.items()
    ]
    mixed_pairs = [
        {"model": model, "first": first, "second": second, "p": 1e-4}
        for model, levels in mixed_models.items()
        for first, second in itertools.combinations(levels, 2)
    ]
    variances = {"excerpt": 0.012, "excerpt in space": 0.004, "trial": 0.0021, "residual": 0.031}
    smooths = [
        {"model": model, "cell": f"cell {number}", "warning": number < 3}
        for model in LEVELS
        for number in range(25)
    ]
    tables = {
        "means": with_intervals(means),
        "smooths": pd.DataFrame(smooths),
        "differences": pd.DataFrame(differences),
        "fit": pd.DataFrame(fit),
        "residuals": pd.concat(residuals, ignore_index=True),
        "mixed_means": with_intervals(mixed_rows),
        "mixed_differences": pd.DataFrame(mixed_pairs),
        "mixed_variances": pd.DataFrame(
            [
                {"model": model, "component": name, "variance": value}
                for model in mixed_models
                for name, value in variances.items()
                if not (model.startswith("correlation_dtw") and name.startswith("excerpt"))
            ]
        ),
    }
    return {name: table if name == "residuals" else through_csv(table) for name, table in tables.items()}


def with_intervals(rows):
    table = pd.DataFrame(rows)
    return table.assign(lower=table["mean"] - 1.96 * table["se"], upper=table["mean"] + 1.96 * table["se"])


def through_csv(table):
    """`table` as it is read from a file: what is empty is NaN."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


TABLES = make_tables()
MODULES = {module.__name__.rpartition(".")[2]: module for module in (fig05, fig08, fig11, mixed, checks)}
CAPTIONS = Path(style.__file__).parents[2] / "report"


def draw(name, tables=TABLES, **settings):
    module = MODULES[name]
    named = [parameter for parameter in inspect.signature(module.draw).parameters if parameter != "settings"]
    return module.draw(**{table: tables[table] for table in named}, settings={"dpi": 50} | settings)


def panes(figure):
    """The panes of a figure by the title on their left."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def letters(axes):
    return [text.get_text() for text in axes.texts]


def points(axes):
    """The points of estimates in a pane: their x by their row's name, those of one colour in a dictionary."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    found = {}
    for line in axes.lines:
        if len(line.get_xdata()) == 1:
            row = names[int(np.floor(line.get_ydata()[0] + 0.5))]
            found.setdefault(line.get_color(), {})[row] = line.get_xdata()[0]
    return found


def intervals(axes):
    """The intervals in a pane by where they lie: (y, lower, upper), from above."""
    return sorted((y, x0, x1) for bars in axes.collections for (x0, y), (x1, _) in bars.get_segments())


def only(**values):
    """What leaves of each table the rows whose columns have these values or none, where it has the column."""

    def cut(table):
        for column, kept in values.items():
            if column in table:
                table = table[table[column].isin(kept) | table[column].isna()]
        return table

    return cut


def of_ones_own(table):
    """Spaces from outside, whose intervals are wide, as those of one trial are."""
    names = {"VS": "mine", "AE": "another one"}
    table = table.replace({column: names for column in ("space", "first", "second") if column in table})
    if "se" in table and "space" in table:
        table = table.assign(upper=table["upper"].where(table["space"] != "mine", 2.5))
    return table


def alike(table):
    """Encoders and models that cannot be told apart, and intervals of no width."""
    return table.assign(mean=0.4, lower=0.4, upper=0.4) if "mean" in table else table


CUTS = {
    "all": lambda table: table,
    "no tasks": lambda table: table[table["model"] != "performance"] if "model" in table else table,
    "one model": only(model=["agreement_dtw_cosine"], distance=["cosine"]),
    "one model within": only(model=["within_euclidean"], distance=["euclidean"]),
    "one task, one encoder": only(task=["IR"], encoder=["VGG"]),
    "a space missing": only(space=["mfcc", "AT", "VS"], first=["mfcc", "AT"], second=["AT", "VS"]),
    "one space": only(space=["AT"], first=[], second=[]),
    "spaces of one's own": of_ones_own,
    "all alike": alike,
    "no additive model": lambda table: through_csv(table.iloc[:0]) if "term" in table else table,
    "nothing": lambda table: (
        table.iloc[:0] if "problem" not in table else table.assign(problem="y is constant")
    ),
    "categories": lambda table: table.astype({"space": "category"}) if "space" in table else table,
}


def cut(how):
    return {name: CUTS[how](table) for name, table in TABLES.items()}


# --- every figure


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("name", MODULES)
def test_figures_draw_what_is_there_and_their_letters_stand_free(name, how):
    figure = draw(name, cut(how), dpi=100)
    assert figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    beyond = set()  # ticks past an axis' end are there but not drawn
    for axis in [axis for pane in figure.axes for axis in (pane.xaxis, pane.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        beyond |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: text.get_window_extent(renderer) for text in texts if text not in beyond}
    for text, box in boxes.items():
        assert 6 <= text.get_fontsize() <= 8
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < figure.bbox.width + 1, text
        assert box.y1 < figure.bbox.height + 1, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert min(a.x1, b.x1) - max(a.x0, b.x0) < 0.2 or min(a.y1, b.y1) - max(a.y0, b.y0) < 0.2, (
            one,
            other,
        )


# One without and one with pixels in its PDF
@pytest.mark.parametrize("name", ["fig08", "checks"])
def test_the_same_tables_give_the_same_files(name, tmp_path):
    files = []
    for number in range(2):
        pdf, png = tmp_path / f"{number}.pdf", tmp_path / f"{number}.png"
        style.save(draw(name), pdf, png)
        files.append((pdf.read_bytes(), png.read_bytes()))
    assert files[0] == files[1]
    assert files[0][0].startswith(b"%PDF") and b"CreationDate" not in files[0][0]


@pytest.mark.parametrize("name", MODULES)
def test_an_unknown_setting_is_named(name):
    with pytest.raises(InputError, match=r"'widht_mm' is unknown; .*width_mm"):
        draw(name, widht_mm=100)


def test_drawing_needs_neither_pyplot_nor_torch():
    code = f"""
import sys
from relatives.figures import {", ".join(MODULES)}
print({{"matplotlib.pyplot", "torch"}} & set(sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(style.__file__).parents[2])},
    )
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("name", MODULES)
def test_captions_are_complete(name):
    source = (CAPTIONS / f"{name}.rst").read_text()
    caption = report.caption(source)
    assert caption.title.endswith((".", "?")) and len(caption.title) < 80
    assert ("of the study." in source) == name.startswith("fig")
    # Snakemake's own report reads a caption as a template first
    assert "{" not in source


# --- style


def test_estimates_stand_in_their_rows_with_their_intervals_and_letters():
    axes = Figure().add_subplot()
    table = pd.DataFrame(
        {
            "space": ["AE", "AT", "IR"],
            "mean": [-0.126, 0.5, np.nan],
            "lower": [-0.2, 0.4, np.nan],
            "upper": [0.1, 0.6, np.nan],
        }
    )
    looks = {space: style.SPACES[space] for space in ("AT", "IR", "AE")}
    style.estimates(axes, table, "space", looks, shift=0.0)
    style.estimates_axes(axes, ["AT", "IR", "AE"], table, (0, 1))
    assert intervals(axes) == [(0, 0.4, 0.6), (2, -0.2, 0.1)]
    assert points(axes) == {style.SPACES["AE"].colour: {"AE": -0.126}, style.SPACES["AT"].colour: {"AT": 0.5}}
    assert letters(axes) == ["−0.13", "0.50"]
    assert axes.get_ylim() == (2.5, -0.5)  # the first on top
    low, high = axes.get_xlim()
    assert low < -0.2 and high > 1


# --- figure by figure


def test_fig05_draws_each_encoder_at_each_task():
    (axes,) = draw("fig05").axes
    found = points(axes)
    assert set(found) == {style.ENCODERS["MFCC"].colour, style.ENCODERS["VGG"].colour}
    for place, encoder in enumerate(("VGG", "MFCC")):
        wanted = {task: pair[place] for task, pair in TASKS.items()}
        assert found[style.ENCODERS[encoder].colour] == pytest.approx(wanted)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(TASKS)
    table = TABLES["means"].query("term == 'task:encoder'")
    drawn = sorted((lower, upper) for _, lower, upper in intervals(axes))
    np.testing.assert_allclose(drawn, sorted(table[["lower", "upper"]].to_numpy().tolist()))
    zero = [line for line in axes.lines if list(line.get_xdata()) == [0, 0]]
    assert len(zero) == 1


def test_fig05_says_when_there_is_no_model():
    assert letters(draw("fig05", cut("no tasks")).axes[0]) == [
        "no marginal means by task and encoder in this run"
    ]


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_fig08_draws_the_means_of_its_models(distance):
    axes = panes(draw("fig08"))[style.DISTANCES[distance].label]
    table = TABLES["means"].query(f"model == 'within_{distance}' and term == 'space'").set_index("space")
    for space, mean in table["mean"].items():
        assert points(axes)[style.SPACES[space].colour] == {style.SPACES[space].label: mean}
    wanted = table.loc[style.present(style.SPACES, table.index), ["lower", "upper"]]
    np.testing.assert_allclose([interval[1:] for interval in intervals(axes)], wanted)


def joined(axes):
    """The rows that each line right of a pane joins."""
    return [
        set(line.get_ydata())
        for line in axes.lines
        if line.get_transform() != axes.transData and len(line.get_xdata()) > 1
    ]


def test_fig08_joins_what_does_not_differ_over_networks():
    differences = TABLES["differences"].assign(p=1e-4)
    over = TABLES["mixed_differences"]
    alike = over[["first", "second"]].apply(frozenset, axis=1)
    # AT, IR and VS do not differ from one another, nor VS from AE
    pairs = [frozenset(pair) for pair in (("AT", "IR"), ("AT", "VS"), ("IR", "VS"), ("VS", "AE"))]
    over = over.assign(p=over["p"].mask((over["model"] == "within_cosine") & alike.isin(pairs), 0.05))
    drawn = panes(draw("fig08", TABLES | {"differences": differences, "mixed_differences": over}))
    assert joined(drawn["Euclidean"]) == []
    note = "10 of 10 pairs differ (Tukey); 10 of 10 over networks"
    assert drawn["Euclidean"].get_title(loc="right") == note
    # In the order of the rows: MFCC, AT, IR, VS, AE
    assert joined(drawn["cosine"]) == [{1, 2, 3}, {3, 4}]
    note = "10 of 10 pairs differ (Tukey); 6 of 10 over networks"
    assert drawn["cosine"].get_title(loc="right") == note


def test_fig08_does_not_speak_of_networks_that_are_no_sample():
    """One trial of each space: the mixed model has no component of networks."""
    variances = TABLES["mixed_variances"].query("component != 'trial'")
    over = TABLES["mixed_differences"].assign(p=0.5)
    for tables in ({"mixed_variances": variances}, {"mixed_differences": over.head(0)}):
        drawn = panes(draw("fig08", TABLES | {"mixed_differences": over} | tables))
        assert joined(drawn["cosine"]) == []
        assert drawn["cosine"].get_title(loc="right").endswith("(Tukey); over networks not known")


def test_indistinct_sets_are_the_cliques_of_the_pairs():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pairs = pd.DataFrame(itertools.combinations("abcdef", 2), columns=["first", "second"])
        pairs["p"] = rng.choice([0.01, 0.2, np.nan], len(pairs))
        graph = networkx.from_pandas_edgelist(pairs[~(pairs["p"] < 0.05)], "first", "second")
        wanted = {frozenset(clique) for clique in networkx.find_cliques(graph)}
        found = fig08.indistinct(pairs)
        assert set(map(frozenset, found)) == wanted and len(found) == len(wanted)


def test_fig08_leaves_the_pane_of_a_missing_model():
    drawn = panes(draw("fig08", cut("one model within")))
    assert letters(drawn["cosine"]) == ["no marginal means by space"] and points(drawn["Euclidean"])


def test_fig11_is_laid_out_as_the_study_s():
    means = TABLES["means"]
    negative = (means["model"] == "correlation_dtw_cosine") & (means["space"] == "AT")
    means = means.assign(lower=means["lower"].mask(negative, -0.5))
    figure = draw("fig11", TABLES | {"means": means})
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [
        f"{measure} ({pair})"
        for measure in ("agreement", "correlation")
        for pair in ("SiMPle, cosine", "DTW, cosine", "SiMPle, Euclidean", "DTW, Euclidean")
    ]
    for (measure, latent, audio), axes in zip(
        itertools.product(("agreement", "correlation"), ("cosine", "euclidean"), ("simple", "dtw")),
        figure.axes,
        strict=True,
    ):
        table = TABLES["means"].query(f"model == '{measure}_{audio}_{latent}' and term == 'space'")
        found = {row: mean for rows in points(axes).values() for row, mean in rows.items()}
        assert found == dict(
            zip(map(lambda name: style.space(name).label, table["space"]), table["mean"], strict=True)
        )
    limits = [axes.get_xlim() for axes in figure.axes]
    assert len(set(limits[:4])) == len(set(limits[4:])) == 1  # panes of one measure can be compared
    assert limits[0][0] > -0.1 and limits[4][0] < -0.5
    edges = [axes.get_position().x0 for axes in figure.axes]
    assert edges[0] < 0.2 and edges[1] > 0.5


def test_fig11_leaves_out_rows_and_columns_without_a_model():
    means = TABLES["means"]
    gone = ["agreement_simple_cosine", "correlation_simple_cosine", "correlation_dtw_cosine"]
    figure = draw("fig11", TABLES | {"means": means[~means["model"].isin(gone)]})
    assert len(figure.axes) == 3 * 2
    assert letters(figure.axes[0]) == ["no marginal means by space"]
    figure = draw("fig11", TABLES | {"means": means[~means["model"].str.contains("simple")]})
    assert [axes.get_title(loc="left") for axes in figure.axes][:2] == [
        "agreement (DTW, cosine)",
        "agreement (DTW, Euclidean)",
    ]


def test_mixed_draws_both_models_and_the_shares():
    figure = draw("mixed")
    assert len(figure.axes) == 8
    for row, (_model, title) in enumerate(mixed.MODELS.items()):
        left, right = figure.axes[2 * row : 2 * row + 2]
        assert left.get_title(loc="left") == title
        found = points(left)
        additive = TABLES["means"].query("model == @_model and term == 'space'")
        table = TABLES["mixed_means"].query("model == @_model")
        labels = {name: look.label for name, look in style.SPACES.items()}
        assert found.pop(style.FAINT) == dict(
            zip(additive["space"].map(labels), additive["mean"], strict=True)
        )
        assert {row: mean for rows in found.values() for row, mean in rows.items()} == dict(
            zip(table["space"].map(labels), table["mean"], strict=True)
        )
        np.testing.assert_allclose(
            sorted(interval[1:] for interval in intervals(left)),
            sorted(pd.concat([additive, table])[["lower", "upper"]].to_numpy().tolist()),
        )
        variances = TABLES["mixed_variances"].query("model == @_model")
        np.testing.assert_allclose(
            [bar.get_width() for bar in right.patches],
            variances["variance"].to_numpy() / variances["variance"].sum(),
        )
        assert [label.get_text() for label in right.get_yticklabels()] == variances["component"].tolist()


def test_mixed_names_what_is_random():
    # One trial of each space: a network cannot be told from its space
    variances = TABLES["mixed_variances"].query("component in ('excerpt', 'residual')")
    for table, named in ((TABLES["mixed_variances"], "excerpt, trial"), (variances, "excerpt")):
        figure = draw("mixed", TABLES | {"mixed_variances": table})
        (legend,) = figure.legends
        assert legend.get_texts()[1].get_text() == f"mixed model (random: {named})"
        assert len(figure.axes[1].patches) == (table["model"] == "within_euclidean").sum()


def test_checks_draw_every_observation_of_every_model():
    figure = draw("checks")
    assert len(figure.axes) == 2 * 11
    drawn = panes(figure)
    axes = drawn["agreement, DTW, Euclidean"]
    table = TABLES["residuals"].query("model == 'agreement_dtw_euclidean'")
    observed, zero, smooth = axes.lines
    np.testing.assert_array_equal(observed.get_xydata(), table[["fitted", "residual"]])
    assert observed.get_rasterized() and list(zero.get_ydata()) == [0, 0]
    assert np.abs(smooth.get_ydata()).max() < 0.03  # nothing but noise
    beside = [letters(axes) for axes in figure.axes[1::2]]
    assert all(text[0].startswith("R² 0.9") and text[0].endswith("\nfail: 3 of 25") for text in beside)
    places = {
        title: (round(pane.get_position().x0, 2), round(pane.get_position().y0, 2))
        for title, pane in drawn.items()
    }
    columns = [
        places[title][0]
        for title in ("performance", "agreement, SiMPle, cosine", "correlation, SiMPle, cosine")
    ]
    assert columns == sorted(set(columns))


def test_checks_show_a_bend_and_a_heavy_tail():
    rng = np.random.default_rng(1)
    fitted = rng.uniform(-1, 1, 1000)
    bent = pd.DataFrame({"model": "performance", "fitted": fitted, "residual": fitted**2 - 1 / 3})
    heavy = pd.DataFrame(
        {"model": "within_cosine", "fitted": fitted, "residual": 7 * rng.standard_t(2, 1000)}
    )
    normal = pd.DataFrame(
        {"model": "within_euclidean", "fitted": fitted, "residual": 7 * rng.normal(size=1000)}
    )
    residuals = pd.concat([bent, heavy, normal])
    figure = draw("checks", TABLES | {"residuals": residuals, "fit": TABLES["fit"].iloc[:3]})
    *_, smooth = figure.axes[0].lines
    line = smooth.get_xydata()
    assert line[0, 1] > 0.1 and line[-1, 1] > 0.1 and np.interp(0, *line.T) < -0.1
    for place, tail in ((3, (0, 4)), (5, (5, 99))):
        quantiles, _ = figure.axes[place].lines
        x, y = quantiles.get_xydata().T
        assert (np.diff(x) > 0).all() and np.std(y) == pytest.approx(1)
        assert tail[0] < y.max() < tail[1]


def test_checks_say_why_a_model_was_not_fitted():
    fit = TABLES["fit"].astype({"problem": object})
    fit.loc[fit["model"] == "within_cosine", "problem"] = "space has one level: a factor needs two"
    residuals = TABLES["residuals"].query("model != 'within_cosine'")
    drawn = panes(draw("checks", TABLES | {"residuals": residuals, "fit": fit}))
    (text,) = letters(drawn["within-space consistency, cosine"])
    assert " ".join(text.split()) == "not fitted: space has one level: a factor needs two"
    assert drawn["within-space consistency, Euclidean"].get_xlabel() == "fitted"  # the last of its column
