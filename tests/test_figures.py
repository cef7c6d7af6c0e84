"""Every figure on tables such as a run makes, whole and cut down.

What a figure draws is checked on its artists, not on its pixels.
"""

import inspect
import itertools
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from sklearn.manifold import trustworthiness
from threadpoolctl import threadpool_info, threadpool_limits

from relatives import projection, transforms
from relatives.errors import InputError
from relatives.figures import (
    fig01,
    fig02,
    fig03,
    fig04,
    fig06,
    fig07,
    fig09,
    fig10,
    fig12,
    fig13,
    fig14,
    style,
    table01,
)
from relatives.performance import standardised

# Consistency at the smallest transformations
LEVEL = {"mfcc": 0.95, "AT": 0.85, "IR": 0.7, "VS": 0.45, "AE": 0.25, "untrained": 0.35}
PAIRS = [(a, b) for a in ("dtw", "simple") for b in ("euclidean", "cosine")]


def severity(transformation, magnitude):
    """How far a magnitude is from the original: 0 is the original, 1 the end of the grid."""
    grid = transforms.GRID[transformation]
    closest = style.closest_to_original(transformation, grid)
    if transformation == "MP":
        return np.log(closest / magnitude) / np.log(closest / min(grid))
    return abs(magnitude - closest) / max(abs(other - closest) for other in grid)


def observations(rng, columns, originals=False):
    """A row for each combination of `columns` (name: values) at each magnitude, with severity and noise."""
    points = [(name, m, severity(name, m)) for name, grid in transforms.GRID.items() for m in grid]
    if originals:
        points.append(("OG", 0.0, 0.0))
    table = pd.DataFrame(points, columns=["transformation", "magnitude", "severity"])
    for name, values in columns.items():
        table = table.merge(pd.DataFrame({name: values}), how="cross")
    if "space" in columns:  # nothing in MFCC is random
        table = table[(table["space"] != "mfcc") | (table["trial"] == 0)]
    return table.assign(noise=rng.normal(size=len(table)))


def curves(table, by, value):
    """The means of `table` by magnitude, with an interval around them."""
    means = table.groupby([*by, "transformation", "magnitude"], as_index=False)[value].mean()
    half = 0.04 * means[value].abs()
    return means.assign(lower=means[value] - half, upper=means[value] + half)


def make_tables(seed=7, excerpts=60, trials=2):
    """Every table that a figure takes, by its name, of a made-up run: all falls with the magnitude."""
    rng = np.random.default_rng(seed)
    tables = {"layers": make_layers()}
    grid = [(name, magnitude) for name, magnitudes in transforms.GRID.items() for magnitude in magnitudes]
    tables["grid"] = pd.DataFrame(grid, columns=["transformation", "magnitude"])

    tasks = {"task": ["AE", "AT", "IR", "VS"], "base": [0.4, 0.85, 0.62, 5.0], "fall": [-1.2, 0.25, 0.4, 6.0]}
    columns = {"task": tasks["task"], "encoder": ["VGG", "MFCC"], "trial": range(trials)}
    table = observations(rng, columns, originals=True).merge(pd.DataFrame(tasks), on="task")
    loss = table["severity"] ** 2 + 0.5 * (table["encoder"] == "MFCC") + 0.01 * table["noise"]
    table["performance"] = table["base"] - table["fall"] * loss
    tables["performance_trials"] = table.drop(columns=["severity", "noise", "base", "fall"])
    tables["performance_curves"] = curves(table, ["task", "encoder"], "performance")
    tables["scores"] = pd.DataFrame(
        [
            (task, encoder, trial, predictor, value)
            for task, predictor, value in (
                *(("AE", "network", 0.4), ("AE", "mean spectrum", 1.0), ("AE", "own mean spectrum", 0.5)),
                *(("AT", "network", 0.9), ("AT", "frequency", 0.7), ("AT", "chance", 0.5)),
                *(("IR", "network", 0.7), ("IR", "frequency", 0.2), ("IR", "chance", 1 / 11)),
                *(("VS", "network", 5.0), ("VS", "mixture", -1.0), ("VS", "z = 0", 6.0)),
            )
            for encoder in columns["encoder"]
            for trial in columns["trial"]
        ],
        columns=["task", "encoder", "trial", "predictor", "performance"],
    )

    columns = {"space": list(LEVEL), "trial": range(trials), "distance": ["euclidean", "cosine"]}
    latent = observations(rng, columns)
    latent["consistency"] = latent["space"].map(LEVEL) * np.exp(-3 * latent["severity"] ** 1.5)
    latent["consistency"] = (latent["consistency"] + 0.02 * latent["noise"]).clip(0, 1)
    audio = observations(rng, {"space": ["audio"], "trial": [0], "distance": ["dtw", "simple"]})
    audio["consistency"] = 1 - 0.8 * audio["severity"] ** (3 + (audio["distance"] == "dtw"))
    table = pd.concat([latent, audio], ignore_index=True)
    tables["within_trials"] = table.drop(columns=["severity", "noise"])
    tables["within_curves"] = curves(table, ["space", "distance"], "consistency")

    pairs = {"audio_distance": ["dtw", "simple"], "latent_distance": ["euclidean", "cosine"]}
    columns = {"space": list(LEVEL), "trial": range(trials), **pairs}
    table = observations(rng, columns, originals=True)
    level, near = table["space"].map(LEVEL), 1 - table["severity"]
    agreement = 1 - (1 - level) * near**2 - 0.5 * near * (1 - near) + 0.01 * table["noise"]
    table["agreement"] = agreement.clip(0, 1)
    alike = np.where(table["space"] == "mfcc", 0.9, 0.25 - 0.1 * level)
    table["correlation"] = alike - 0.05 * table["severity"] + 0.015 * table["noise"]
    table["correlation_by_excerpt"] = table["correlation"] * (1.2 - 0.4 * level)
    tables["between"] = table.drop(columns=["severity", "noise"])
    by = ["space", "audio_distance", "latent_distance"]
    measures = ["agreement", "correlation", "correlation_by_excerpt"]
    long = table.melt([*by, "transformation", "magnitude"], measures, "measure")
    tables["between_curves"] = curves(long, [*by, "measure"], "value")

    # In a space's plane, the lower its level, the further the transformed points are from their originals.
    planes, errors = [], []
    sets = [("OG", 0.0), *((name, m) for name, smallest in transforms.SMALLEST.items() for m in smallest)]
    for space, level in LEVEL.items():
        places = rng.normal(size=(8, 2))[rng.integers(8, size=excerpts)] + rng.normal(size=(excerpts, 2)) / 2
        for transformation, magnitude in sets:
            moved = places + (transformation != "OG") * (1.05 - level) / 4 * rng.normal(size=places.shape)
            names = {"space": space, "transformation": transformation, "magnitude": magnitude}
            names["excerpt_id"] = range(excerpts)
            planes.append(pd.DataFrame({**names, "x": moved[:, 0], "y": moved[:, 1]}))
            if transformation != "OG":
                gaps = np.linalg.norm(moved[:, None] - places[None], axis=2)
                error = (gaps.argmin(axis=1) != np.arange(excerpts)).astype(int)
                errors.append(pd.DataFrame({**names, "trial": 0, "distance": "euclidean", "error": error}))
    tables["neighbourhoods"] = pd.concat(planes, ignore_index=True)
    tables["within"] = pd.concat(errors, ignore_index=True)

    tables["songs"], tables["songs_scores"] = make_songs(rng, trials)
    return tables


def make_songs(rng, trials):
    """The tables of Figure 14: 15 songs of 10 excerpts in VS, sorted by their loudness, and untrained."""
    song = np.arange(150) // 10
    without = rng.random(150) < 0.15
    planes, scores = [], []
    for space, order in (("VS", 6), ("untrained", 1)):
        xy = rng.normal(size=(150, 2)) + rng.normal(size=(15, 2))[song] * 1.5
        loudness = np.where(without, -np.inf, -30 + order * xy[:, 0] + rng.normal(size=150))
        names = [f"song {number}" for number in song]
        rows = {"space": space, "excerpt_id": range(150), "song": names, "vocal_loudness": loudness}
        planes.append(pd.DataFrame({**rows, "x": xy[:, 0], "y": xy[:, 1]}))
        for trial in range(trials):
            for measure, count, chance in (("loudness of neighbours", 10, -0.06), ("same song", 1, 9 / 149)):
                value = 0.1 * order + 0.02 * trial
                scores.append((space, trial, measure, count, value, value - 0.1, value + 0.12, chance))
    columns = ["space", "trial", "measure", "neighbours", "value", "lower", "upper", "chance"]
    return pd.concat(planes, ignore_index=True), pd.DataFrame(scores, columns=columns)


def make_layers(width=16, labels=50, instruments=11):
    """What `models.networks.trace` gives for the study's networks."""
    channels = [width * min(2**block, 16) for block in range(7)]
    sizes = [(128 >> block, 512 >> block) for block in range(8)]
    encoder = [("encoder", "Input", "1×128×512")]
    for block, channel in enumerate(channels):
        for layer, size in (("Conv 3×3, BN, ReLU", sizes[block]), ("MaxPooling 2×2", sizes[block + 1])):
            encoder.append(("encoder", layer, "×".join(map(str, (channel, *size)))))
    encoder.append(("encoder", "GlobalAveragePooling", str(channels[-1])))
    decoder = []
    below = [channels[-1], *channels[:-1][::-1]]
    for size, before, after in zip(sizes[:-1][::-1], below, [*channels[:-1][::-1], 1], strict=True):
        name = "Transposed conv 3×3" + (", BN, ReLU" if after > 1 else "")
        decoder += [
            ("head", "Unpooling 2×2", "×".join(map(str, (before, *size)))),
            ("head", name, "×".join(map(str, (after, *size)))),
        ]
    heads = {
        "AE": decoder,
        "AT": [("head", "FC", str(labels))],
        "IR": [("head", "FC", str(instruments))],
        "VS": decoder,
    }
    rows = [(task, "VGG", *row) for task, head in heads.items() for row in encoder + head]
    return pd.DataFrame(rows, columns=["task", "encoder", "part", "layer", "output_shape"])


TABLES = make_tables()
MODULES = {
    module.__name__[-5:]: module
    for module in (fig01, fig02, fig03, fig04, fig06, fig07, fig09, fig10, fig12, fig13, fig14)
}
FAST = {"dpi": 50}


def draw(name, tables=TABLES, **settings):
    module = MODULES[name]
    named = [parameter for parameter in inspect.signature(module.draw).parameters if parameter != "settings"]
    return module.draw(**{table: tables[table] for table in named}, settings=FAST | settings)


def lines(axes, **look):
    """The lines of `axes` that have this colour, marker …"""
    return [
        line
        for line in axes.lines
        if all(getattr(line, f"get_{key}")() == value for key, value in look.items())
    ]


def lightness(colour):
    """CIE L* of a colour: 0 black to 100 white."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in to_rgb(colour)
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * luminance ** (1 / 3) - 16


# --- every figure


# One with bands, one with pixels in its PDF, one with a colour bar
@pytest.mark.parametrize("name", ["fig06", "fig09", "fig14"])
def test_the_same_tables_give_the_same_files(name, tmp_path):
    files = []
    for number in range(2):
        pdf, png = tmp_path / f"{number}.pdf", tmp_path / f"{number}.png"
        style.save(draw(name), pdf, png)
        files.append((pdf.read_bytes(), png.read_bytes()))
    assert files[0] == files[1]
    assert files[0][0].startswith(b"%PDF") and b"CreationDate" not in files[0][0]


def keep(**values):
    """What leaves of a table the rows whose columns have these values, where it has the column."""

    def cut(table):
        for column, kept in values.items():
            if column in table:
                table = table[table[column].isin(kept)]
        return table

    return cut


def rename_and_categorise(table):
    """A space of a user's own, and the transformation as Parquet may give it back."""
    if "space" in table:
        table = table.replace({"space": {"VS": "mine"}})
    return table.astype({"transformation": "category"}) if "transformation" in table else table


CUTS = {
    "one task, one trial, one magnitude": keep(
        task=["AE"], space=["audio", "AE"], trial=[0], transformation=["OG", "MP"], magnitude=[0.0, 192.0]
    ),
    "no network": keep(space=["audio", "mfcc"], encoder=["MFCC"]),
    "a space of one's own": rename_and_categorise,
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", MODULES)
def test_figures_draw_what_is_there(name, cut):
    tables = {table: CUTS[cut](rows) for table, rows in TABLES.items()}
    assert draw(name, tables).axes


@pytest.mark.parametrize("name", ["fig04", "fig06", "fig07", "fig10", "fig12", "fig13", "fig14"])
def test_a_missing_value_leaves_a_gap(name):
    tables = {table: rows.copy() for table, rows in TABLES.items()}
    for rows in tables.values():
        values = [
            column
            for column in (
                "performance",
                "consistency",
                "agreement",
                "correlation",
                "value",
                "vocal_loudness",
            )
            if column in rows
        ]
        rows.loc[rows.index[::7], values] = np.nan
    assert draw(name, tables).axes


def with_own_spaces(table):
    """Three spaces more, of a user's own, with the longest names that there may be."""
    if "space" not in table:
        return table
    own = [table[table["space"] == "AT"].assign(space=f"{name:_<16}") for name in ("zebra", "ant", "bee")]
    return pd.concat([table, *own], ignore_index=True)


OWN_SPACES = {name: with_own_spaces(table) for name, table in TABLES.items()}


def leaning(text, renderer):
    """The box of a text that leans, as a reader sees it who leans as much."""
    angle = text.get_rotation()
    anchor = text.get_transform().transform(text.get_position())
    text.set_rotation(0)
    box = text.get_window_extent(renderer)
    text.set_rotation(angle)
    turn = Affine2D().rotate_deg(-angle)
    return box.translated(*(turn.transform(anchor) - anchor))


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        *((name, TABLES) for name in MODULES),
        *((name, OWN_SPACES) for name in ("fig07", "fig09", "fig10")),
        ("fig14", make_tables(trials=5)),
        ("fig14", {name: keep(space=["VS"])(table) for name, table in make_tables(trials=5).items()}),
    ],
)
def test_letters_lie_inside_the_figure_and_never_on_each_other(name, tables):
    figure = draw(name, tables, dpi=100)
    renderer = FigureCanvasAgg(figure).get_renderer()
    beyond = set()  # ticks past an axis' end are there but not drawn
    for axis in [axis for pane in figure.axes for axis in (pane.xaxis, pane.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        beyond |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: text.get_window_extent(renderer) for text in texts if text not in beyond}
    for text, box in boxes.items():
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < figure.bbox.width + 1, text
        assert box.y1 < figure.bbox.height + 1, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        if one.get_rotation() == other.get_rotation() == 30:
            a, b = leaning(one, renderer), leaning(other, renderer)
        assert min(a.x1, b.x1) - max(a.x0, b.x0) < 0.2 or min(a.y1, b.y1) - max(a.y0, b.y0) < 0.2, (
            one,
            other,
        )


def test_an_unknown_setting_is_named():
    with pytest.raises(InputError, match=r"'widht_mm' is unknown; .*width_mm"):
        draw("fig06", widht_mm=100)


def test_the_size_is_the_one_asked_for():
    width, _ = draw("fig06", width_mm=120).get_size_inches()
    assert width * 25.4 == pytest.approx(120)
    pane = draw("fig06", font_size=9).axes[0]
    assert pane.xaxis.label.get_fontsize() == pytest.approx(0.93 * 9, abs=0.01)


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    draw("fig06")
    assert dict(matplotlib.rcParams) == before


def test_drawing_needs_neither_pyplot_nor_torch():
    imports = ", ".join(["style", "table01", *MODULES])
    code = f"""
import sys
from relatives.figures import {imports}
print({{"matplotlib.pyplot", "torch"}} & set(sys.modules))
"""
    path = str(Path(style.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert run.stdout.strip() == "set()"


# --- style


@pytest.mark.parametrize("looks", [style.SPACES, style.ENCODERS, style.TRANSFORMATIONS])
def test_colours_are_told_apart_in_grey(looks):
    steps = sorted(lightness(look.colour) for look in looks.values())
    assert min(np.diff(steps)) > 7
    assert steps[-1] < 80  # and on white paper
    assert len({look.marker for look in looks.values()}) == len(looks)


def test_an_axis_of_magnitude_covers_the_grid_and_what_lies_beyond():
    axes = Figure().add_subplot()
    style.magnitude_axis(axes, "PS", [18.0])
    low, high = axes.get_xlim()
    assert low < -12 and high > 18
    assert axes.get_xlabel() == "semitones"


def test_the_untrained_network_is_grey_and_darker_than_the_audio_space():
    look = style.space("untrained")
    assert look.label == "untrained" and len(set(to_rgb(look.colour))) == 1
    assert lightness(look.colour) < lightness(style.GREY) - 20


def test_order_is_the_style_s_then_the_alphabet():
    named = ["zebra", "untrained", "AE", "mfcc", "ant", "AE"]
    assert style.present(style.SPACES, named) == ["mfcc", "AE", "untrained", "ant", "zebra"]
    assert style.transformations(["MP", "OG", "PS"]) == ["PS", "MP"]


def test_spaces_of_ones_own_have_looks_of_their_own():
    looks = style.spaces(["zebra", "AE", "mfcc", "ant", "AE"])
    assert [look.label for look in looks.values()] == ["MFCC", "AE", "ant", "zebra"]
    every = style.spaces([*style.SPACES, *"abcde"]).values()
    for told_apart in ("colour", "marker", "line"):
        assert len({getattr(look, told_apart) for look in every}) == 11
    assert len(style.spaces("abcdefgh")) == 8


@pytest.mark.parametrize("name", ["fig07", "fig10"])
def test_curves_of_ones_own_spaces_have_the_colour_of_the_legend(name):
    figure = draw(name, OWN_SPACES)
    (legend,) = figure.legends
    colours = {line.get_label(): line.get_color() for line in legend.get_lines()}
    for own, look in zip(("ant", "bee", "zebra"), style.OWN, strict=False):
        assert colours[f"{own:_<16}"] == look.colour
        assert len(lines(figure.axes[0], color=look.colour)) == 2  # the curve and its trials


STUDY_SPACES = {
    name: table[table["space"] != "untrained"] if "space" in table else table
    for name, table in TABLES.items()
}


@pytest.mark.parametrize("name", ["fig12", "fig13"])
@pytest.mark.parametrize(("tables", "angle"), [(STUDY_SPACES, 0), (TABLES, 30), (OWN_SPACES, 30)])
def test_only_long_names_lean(name, tables, angle):
    labels = draw(name, tables).axes[-1].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {angle}


# --- figure by figure


def test_fig01_picks_a_neighbourhood_that_the_plane_shows_truly():
    # Two spaces of three originals in a row. In "true" the second excerpt's PN strays to the third original,
    # and space and plane say so; in "false" the plane shows it at home.
    planes, errors = [], []
    for space, strayed in (("false", 1.1), ("true", 1.9)):
        for transformation, places in (
            ("OG", (0.0, 1.0, 2.0)),
            ("PN", (0.1, strayed, 2.1)),
            ("EN", (0.2, 1.2, 2.2)),
        ):
            magnitude = 0.0 if transformation == "OG" else 30.0
            rows = {
                "space": space,
                "transformation": transformation,
                "magnitude": magnitude,
                "excerpt_id": ["a", "b", "c"],
            }
            planes.append(pd.DataFrame({**rows, "x": places, "y": 0.0}))
            if transformation != "OG":
                wrong = [0, int(transformation == "PN"), 0]
                errors.append(pd.DataFrame({**rows, "trial": 0, "distance": "euclidean", "error": wrong}))
    tables = {"neighbourhoods": pd.concat(planes), "within": pd.concat(errors)}
    best = fig01.candidates(fig01.with_errors(*tables.values(), "euclidean")).iloc[0]
    assert (best["space"], best["excerpt_id"], best["errors"], best["agreement"]) == ("true", "b", 1, 1.0)

    pane = draw("fig01", tables).axes[0]
    (ring,) = lines(pane, marker="o", markeredgecolor=style.RED)
    assert ring.get_xydata().tolist() == [[1.9, 0.0]]
    (lead,) = lines(pane, color=style.RED, marker="None")
    assert lead.get_xydata().tolist() == [[1.9, 0.0], [2.0, 0.0]]


def test_fig01_has_no_ring_without_an_error():
    tables = TABLES | {"within": TABLES["within"].assign(error=0)}
    (ring,) = lines(draw("fig01", tables).axes[0], marker="o", markeredgecolor=style.RED)
    assert len(ring.get_xydata()) == 0


@pytest.mark.parametrize("others", [0, 1, 3, 59])
def test_fig01_shows_three_other_originals_where_there_are_so_many(others):
    plane, errors = TABLES["neighbourhoods"], TABLES["within"].assign(error=0)
    kept = range(others + 1)
    tables = {"neighbourhoods": keep(excerpt_id=kept)(plane), "within": keep(excerpt_id=kept)(errors)}
    figure = draw("fig01", tables)
    pane = figure.axes[0]
    shown = [line.get_xydata() for line in lines(pane, markerfacecolor=fig01.REST)]
    places = np.concatenate(shown)
    (low_x, high_x), (low_y, high_y) = pane.get_xlim(), pane.get_ylim()
    x, y = places[:, 0], places[:, 1]
    in_view = ((low_x < x) & (x < high_x) & (low_y < y) & (y < high_y)).sum()
    assert len(places) == others and in_view >= min(others, 3)
    # A legend entry stands for something
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "an original", "its smallest transformations", *(["other originals"] if others else []),
    ]  # fmt: skip


def test_fig01_does_not_count_the_original_that_an_error_is_nearest_to_among_the_others():
    figure = draw("fig01")
    pane = figure.axes[0]
    (others,) = (line.get_xydata().tolist() for line in lines(pane, markerfacecolor=fig01.REST))
    (strayed,) = (line.get_xydata().tolist() for line in lines(pane, markerfacecolor=fig01.OTHER))
    assert strayed and not [place for place in strayed if place in others]
    assert len(others) == 60 - 1 - len({tuple(place) for place in strayed})


def test_fig01_is_not_of_the_untrained_network():
    tables = TABLES | {"within": TABLES["within"].assign(error=0)}
    first = TABLES["within"]["space"].eq("untrained") & TABLES["within"]["transformation"].eq("PN")
    tables["within"].loc[first, "error"] = 1  # mixed, as no other is
    assert "untrained" not in draw("fig01", tables).axes[0].get_title(loc="left")
    alone = {name: keep(space=["untrained"])(tables[name]) for name in ("neighbourhoods", "within")}
    assert "untrained" in draw("fig01", alone).axes[0].get_title(loc="left")


def test_fig01_says_when_there_is_nothing_to_show():
    originals = TABLES["neighbourhoods"].query("transformation == 'OG'")
    assert "none" in draw("fig01", TABLES | {"neighbourhoods": originals}).axes[0].get_title(loc="left")


@pytest.mark.parametrize("width", [16, 4])
def test_fig02_has_a_block_for_every_map_and_a_skip_for_every_convolution(width):
    pane = draw("fig02", {"layers": make_layers(width)}).axes[0]
    blocks = [patch for patch in pane.patches if isinstance(patch, Polygon)]
    # Three faces each; the input, seven convolutions and seven poolings, and two decoders of seven
    assert len(blocks) == 3 * (15 + 2 * 7)
    assert len(lines(pane, color=style.SPACES["VS"].colour)) == 7
    assert f"{16 * width}" in "".join(text.get_text() for text in pane.texts)


def test_fig02_blocks_shrink_with_their_maps():
    axes = Figure().add_subplot()
    heights = []
    for shape in ((16, 128, 512), (16, 128, 64)):
        fig02.slab(axes, 0.0, 50.0, shape, style.INK)
        front = axes.patches[-3].get_xy()
        heights.append(np.ptp(front[:, 1]))
    assert heights[0] / heights[1] == pytest.approx(np.log2(1024) / np.log2(128))


def test_fig02_without_separation_has_no_skips():
    layers = make_layers()
    pane = draw("fig02", {"layers": layers[layers["task"] != "VS"]}).axes[0]
    assert not lines(pane, color=style.SPACES["VS"].colour)


def test_fig03_has_a_dot_a_magnitude_and_the_original_in_red():
    panes = draw("fig03").axes
    assert [len(lines(pane, marker="o")[0].get_xdata()) for pane in panes] == [20, 20, 19, 19, 16]
    assert [lines(pane, color=style.RED)[0].get_xdata()[0] for pane in panes] == [0, 1, 30, 30, 320]


def test_fig04_draws_the_curves_and_the_originals():
    figure = draw("fig04")
    assert len(figure.axes) == 4 * 5
    curves = TABLES["performance_curves"]
    wanted = curves.query("task == 'IR' and transformation == 'PN' and encoder == 'VGG'").sort_values(
        "magnitude"
    )
    original = curves.query("task == 'IR' and transformation == 'OG' and encoder == 'VGG'")[
        "performance"
    ].iloc[0]
    pane = figure.axes[2 * 5 + 2]
    dotted, curve = lines(pane, color=style.ENCODERS["VGG"].colour)
    assert curve.get_xdata().tolist() == wanted["magnitude"].tolist()
    assert curve.get_ydata().tolist() == wanted["performance"].tolist()
    assert set(dotted.get_ydata()) == {original}
    assert "lower is better" in figure.axes[0].get_ylabel() and "better" not in pane.get_ylabel()
    # Of what has learned nothing, the best; the network with another z is not one of these
    thin = [lines(figure.axes[5 * row], color=style.FAINT) for row in range(4)]
    assert [line.get_ydata()[0] for (line,) in thin] == [0.5, 0.7, 0.2, -1.0]


def test_fig06_draws_the_audio_space_alone():
    for pane in draw("fig06").axes:
        assert len(pane.lines) == 2


def test_fig07_has_the_audio_space_behind_and_a_point_a_trial():
    audio = TABLES["within_curves"].query("space == 'audio' and transformation == 'PS'")
    wanted = {
        distance: rows.sort_values("magnitude")["consistency"].tolist()
        for distance, rows in audio.groupby("distance")
    }
    for set_to, distances in (({}, ["dtw", "simple"]), ({"audio_distance": ["simple"]}, ["simple"])):
        figure = draw("fig07", **set_to)
        pane = figure.axes[0]
        grey = lines(pane, color=style.GREY)
        assert [line.get_ydata().tolist() for line in grey] == [wanted[name] for name in distances]
        assert grey == pane.lines[: len(grey)]  # behind the others
        entries = [line for line in figure.legends[0].get_lines() if line.get_color() == style.GREY]
        assert [line.get_label() for line in entries] == [style.AUDIO[name].label for name in distances]
        assert len({line.get_linestyle() for line in grey}) == len(grey)
    _, points = lines(pane, color=style.SPACES["AT"].colour)
    assert len(points.get_xdata()) == 2 * 20


def test_fig09_lays_the_transformation_over_the_originals():
    figure = draw("fig09")
    assert len(figure.axes) == 6 * 5
    below, above = figure.axes[0].collections
    assert (len(below.get_offsets()), len(above.get_offsets())) == (60, 2 * 60)
    assert below.get_facecolor()[0, :3].tolist() == [0, 0, 0]


def test_fig10_draws_the_pair_of_distances_that_is_set():
    for pair in (("simple", "cosine"), ("dtw", "euclidean")):
        figure = draw("fig10", agreement=pair)
        curves = style.of_pair(TABLES["between_curves"], pair)
        wanted = curves.query(
            "measure == 'agreement' and space == 'IR' and transformation == 'TS'"
        ).sort_values("magnitude")
        curve, points = lines(figure.axes[1], color=style.SPACES["IR"].colour)
        assert curve.get_ydata().tolist() == wanted["value"].tolist()
        assert len(points.get_xdata()) == 2 * 20
        assert style.pair_label(pair) in figure.axes[0].get_ylabel()


def test_fig10_draws_the_reading_that_is_set():
    for settings, measure in (
        ({}, "correlation"),
        ({"reading": "pooled"}, "correlation"),
        ({"reading": "by_excerpt"}, "correlation_by_excerpt"),
    ):
        curves = style.of_pair(TABLES["between_curves"], ("dtw", "euclidean"))
        curves = curves[(curves["measure"] == measure) & (curves["space"] == "AE")]
        wanted = curves[curves["transformation"] == "PN"].sort_values("magnitude")
        trials = style.of_pair(TABLES["between"], ("dtw", "euclidean")).query("space == 'AE'")
        curve, points = lines(draw("fig10", **settings).axes[5 + 2], color=style.SPACES["AE"].colour)
        assert curve.get_ydata().tolist() == wanted["value"].tolist()
        assert sorted(points.get_ydata()) == sorted(trials.query("transformation == 'PN'")[measure])


def test_fig12_draws_performance_in_the_unit_of_the_models():
    table = standardised(TABLES["performance_trials"])
    for task, rows in TABLES["performance_trials"].groupby("task"):
        values = rows.loc[rows["transformation"] != "OG", "performance"].to_numpy()
        wanted = (values - values.mean()) / values.std(ddof=1) * (-1 if task == "AE" else 1)
        np.testing.assert_allclose(table.loc[table["task"] == task, "performance"], wanted, atol=1e-12)
    alike = TABLES["performance_trials"].assign(performance=0.5)
    assert (standardised(alike)["performance"] == 0).all()
    drawn = {
        round(float(value), 9)
        for axes in draw("fig12").axes[: len(style.ENCODERS)]
        for line in axes.lines
        for value in line.get_ydata()
    }
    wanted = fig12.smallest(table)["performance"].round(9)
    assert set(wanted) == drawn


def test_fig12_tells_the_directions_apart():
    table = fig12.smallest(TABLES["between"])
    found = set(zip(table["transformation"], table["magnitude"], table["direction"], strict=True))
    down, up = fig12.DOWN, fig12.UP
    assert found == {
        ("PS", -0.25, down), ("PS", 0.25, up), ("TS", 0.98, down), ("TS", 1.02, up),
        ("PN", 30.0, ""), ("EN", 30.0, ""), ("MP", 192.0, ""),
    }  # fmt: skip


def test_fig12_has_four_rows_and_every_observation():
    figure = draw("fig12")
    assert len(figure.axes) == 2 + 2 + 4 + 4
    points = sum(len(line.get_xdata()) for line in figure.axes[2].lines)
    assert points == 7 * (1 + 5 * 2)  # MFCC has one trial, the five others two
    # The untrained network performs no task
    assert [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes[:3:2]] == [
        ["AE", "AT", "IR", "VS"], ["MFCC", "AT", "IR", "VS", "AE", "untrained"],
    ]  # fmt: skip


def test_fig13_bars_are_the_means_on_the_originals_with_their_intervals():
    panes = draw("fig13").axes
    assert len(panes) == 4
    for pane, pair in zip(panes, PAIRS, strict=True):
        table = style.of_pair(TABLES["between_curves"], pair).set_index("space")
        table = table.query("transformation == 'OG' and measure == 'correlation'").loc[list(style.SPACES)]
        np.testing.assert_allclose([bar.get_height() for bar in pane.patches], table["value"])
        stems = [lines.get_segments()[0] for lines in pane.collections]
        stems = [(x, low, high) for (x, low), (x_too, high) in stems if x == x_too]
        drawn = [(low, high) for x, low, high in stems if x == round(x)]
        np.testing.assert_allclose(drawn, table[["lower", "upper"]])
        table = style.of_pair(TABLES["between_curves"], pair).set_index("space")
        is_drawn = "transformation == 'OG' and measure == 'correlation_by_excerpt'"
        table = table.query(is_drawn).loc[list(style.SPACES)]
        drawn = [(low, high) for x, low, high in stems if x != round(x)]
        np.testing.assert_allclose(drawn, table[["lower", "upper"]])


def test_fig13_shows_both_readings_of_each_trial():
    originals = style.of_pair(TABLES["between"], PAIRS[0]).query("transformation == 'OG' and space == 'IR'")
    hollow = lines(draw("fig13").axes[0], color=style.SPACES["IR"].colour, markerfacecolor="white")
    filled = [
        line
        for line in lines(draw("fig13").axes[0], color=style.SPACES["IR"].colour)
        if line.get_markerfacecolor() != "white"
    ]
    assert [line.get_ydata().tolist() for line in filled] == [originals["correlation"].tolist()]
    assert [line.get_ydata().tolist() for line in hollow] == [originals["correlation_by_excerpt"].tolist()]
    assert filled[0].get_xdata().max() < 2 < hollow[0].get_xdata().min()  # IR's bar is the third


def test_fig14_colours_by_loudness_and_joins_songs_in_each_space():
    panes = [axes for axes in draw("fig14").axes if axes.get_box_aspect() == 1]
    assert [axes.get_ylabel() for axes in panes[::2]] == ["VS", "untrained"]
    for left, right, space in ((*panes[:2], "VS"), (*panes[2:], "untrained")):
        table = TABLES["songs"][TABLES["songs"]["space"] == space]
        loudness = table["vocal_loudness"].to_numpy()
        (points,) = left.collections
        np.testing.assert_array_equal(points.get_offsets(), table[["x", "y"]])
        colours = points.get_array()
        assert np.isfinite(colours).all() and colours.argmax() == loudness.argmax()
        assert (colours[np.isneginf(loudness)] == colours.min()).all()
        assert len(right.collections) == len(right.lines) == 15


def test_fig14_says_in_numbers_what_the_planes_show():
    figure = draw("fig14")
    (loudness, same) = (axes for axes in figure.axes if axes.get_title(loc="left")[:3] in ("(c)", "(d)"))
    assert "10 nearest" in loudness.get_title(loc="left")
    names = ["VS, trial 0", "VS, trial 1", "untrained, trial 0", "untrained, trial 1"]
    for pane, measure in ((loudness, "loudness of neighbours"), (same, "same song")):
        table = TABLES["songs_scores"][TABLES["songs_scores"]["measure"] == measure]
        assert [label.get_text() for label in pane.get_yticklabels()] == names
        assert [text.get_text() for text in pane.texts] == [f"{value:.2f}" for value in table["value"]]
        strokes = [line.get_xdata()[0] for line in lines(pane, marker="|")]
        assert strokes == table["chance"].tolist()


def test_fig14_without_any_vocals_or_numbers():
    assert draw("fig14", TABLES | {"songs": TABLES["songs"].assign(vocal_loudness=-np.inf)}).axes
    empty = dict.fromkeys(("value", "lower", "upper", "chance"), np.nan)
    assert draw("fig14", TABLES | {"songs_scores": TABLES["songs_scores"].assign(**empty)}).axes


def test_table01_lists_the_encoder_once():
    rows, latex = table01.table(make_layers())
    assert list(rows.columns) == ["Layers", "Output shape"]
    assert len(rows) == 1 + 2 * 7 + 1
    assert rows.iloc[0].tolist() == ["Input", "1×128×512"]
    assert rows.iloc[-1].tolist() == ["GlobalAveragePooling", "256"]
    assert r"Conv 3$\times$3, BN, ReLU & 16$\times$128$\times$512 \\" in latex
    assert latex.count(r"\\") == 1 + len(rows)


def test_table01_and_fig02_take_what_the_networks_tell():
    networks = pytest.importorskip("relatives.models.networks")
    settings = {
        "task": "VS", "encoder": "VGG", "width": 2, "frames": 128, "fully_connected": False,
        "samples": 44100, "sample_rate": 22050, "labels": [],
    }  # fmt: skip
    network = networks.build(settings, np.zeros(513, np.float32), np.ones(513, np.float32), seed=0, trial=0)
    layers = networks.trace(network).assign(task="VS", encoder="VGG")
    rows, _ = table01.table(layers)
    assert rows["Output shape"].tolist()[-2:] == ["32×1×4", "32"]
    assert len(lines(draw("fig02", {"layers": layers}).axes[0], color=style.SPACES["VS"].colour)) == 7


# --- projection


@pytest.fixture(scope="module")
def clusters():
    """90 points in 10 dimensions, around three far centres, each 30 in a row."""
    rng = np.random.default_rng(1)
    return np.repeat(rng.normal(size=(3, 10)) * 8, 30, axis=0) + rng.normal(size=(90, 10))


def test_the_plane_keeps_neighbours(clusters):
    plane = projection.plane(clusters, 0, "test")
    assert plane.shape == (90, 2)
    assert trustworthiness(clusters, plane, n_neighbors=10) > 0.85


def test_the_same_seed_gives_the_same_plane(clusters):
    planes = [projection.plane(clusters, 0, "test").tobytes() for _ in range(2)]
    assert planes[0] == planes[1]


def test_the_plane_is_laid_out_on_one_thread(clusters, monkeypatch):
    # With two threads a thousand points come out elsewhere; that takes too long to be shown here.
    class Layout:
        def __init__(self, **settings): ...

        def fit_transform(self, points):
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
            return points[:, :2]

    monkeypatch.setattr(projection, "TSNE", Layout)
    with threadpool_limits(2):
        projection.plane(clusters, 0, "test")


@pytest.mark.parametrize("points", [np.zeros((40, 6)), np.arange(9.0).reshape(3, 3)])
def test_a_collapsed_space_and_few_points_have_a_plane(points):
    assert np.isfinite(projection.plane(points, 0, "test")).all()


@pytest.mark.parametrize("unit", [2.0**120, 2.0**-110])
def test_the_plane_does_not_depend_on_the_unit(clusters, unit):
    # squares of such coordinates are infinite, or 0, in float32
    points = clusters.astype(np.float32)
    largest = float(np.abs(points).max())
    plane = projection.plane(points * np.float32(unit), 0, "test")
    np.testing.assert_array_equal(plane, projection.plane(points.astype(float) / largest, 0, "test"))
    assert trustworthiness(clusters, plane, n_neighbors=10) > 0.85


def test_neighbourhoods_lay_originals_and_transformations_out_together(clusters):
    sets = [("OG", 0.0, clusters[:45]), ("PN", 30.0, clusters[45:])]
    ids = [f"excerpt {number}" for number in range(45)]
    table = projection.neighbourhoods("AE", sets, ids, 0)
    assert list(table.columns) == ["space", "transformation", "magnitude", "excerpt_id", "x", "y"]
    assert table["excerpt_id"].tolist() == 2 * ids
    together = projection.plane(clusters, 0, "neighbourhoods", "AE")
    np.testing.assert_array_equal(table[["x", "y"]].to_numpy(), together)
    assert (table["transformation"] == "PN").tolist() == [False] * 45 + [True] * 45


def test_songs_keep_their_order(clusters):
    table = projection.songs("VS", clusters, range(90), ["one", "two", "three"] * 30, [-np.inf] * 90, 0)
    assert (table["space"] == "VS").all()
    assert table["song"].tolist() == ["one", "two", "three"] * 30
    assert np.isneginf(table["vocal_loudness"]).all()
