"""Figure 1: the assumption under test, on a neighbourhood of a real space.

A transformation that is hardly heard should lie nearer to its own original than to any other. Drawn is a
piece of a latent space as t-SNE lays it out: originals as circles, and for one of them its smallest
transformations as circles with a cross, each joined to it. One that the space's distance puts nearest to
another original is ringed red and joined to the original nearest to it in the plane. Inputs:
``neighbourhoods`` and ``within``.

A rule decides which piece is drawn, `candidates`: one with errors and correct neighbours that the plane shows
truly, from any space but that of the untrained network. The view holds `OTHERS` more originals.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

from relatives.figures import style

DEFAULTS = style.DEFAULTS | {"width_mm": style.COLUMN_MM, "distance": "euclidean"}
OTHERS = 3  # other originals that the view shows at least, where the run has them

OWN, OTHER, REST = "#f0b323", "#1e6f8c", "#ffffff"
CIRCLE = {"marker": "o", "markersize": 8, "markeredgewidth": 0.8, "markeredgecolor": style.INK}
CROSS = {"marker": "x", "markersize": 4, "markeredgewidth": 0.8, "color": style.INK}
RING = {
    "marker": "o",
    "markersize": 12.5,
    "markeredgewidth": 1.4,
    "markeredgecolor": style.RED,
    "markerfacecolor": "none",
}


@style.styled(DEFAULTS)
def draw(neighbourhoods: pd.DataFrame, within: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw one original, its smallest transformations and the originals around them.

    Parameters
    ----------
    neighbourhoods : DataFrame
        space, transformation, magnitude, excerpt_id, x, y; see `relatives.projection.neighbourhoods`.
    within : DataFrame
        space, trial, distance, transformation, magnitude, excerpt_id, error; the first trial is the one laid
        out.
    settings : dict
        Beside those of `style.DEFAULTS`, ``distance``: the latent distance whose errors are ringed.
    """
    figure = style.figure(settings, settings["width_mm"] * 1.08)
    axes = figure.add_subplot()
    axes.set_box_aspect(1)
    style.no_axes(axes, box=True)
    # It illustrates what training is hoped to do, so not by a network that was never trained.
    trained = neighbourhoods["space"] != "untrained"
    neighbourhoods = neighbourhoods[trained] if trained.any() else neighbourhoods
    points = with_errors(neighbourhoods, within, settings["distance"])
    if points.empty:
        axes.set_title("none of the smallest transformations is in this run")
        return figure

    best = candidates(points).iloc[0]
    own = points[(points["space"] == best["space"]) & (points["excerpt_id"] == best["excerpt_id"])]
    is_original = (neighbourhoods["space"] == best["space"]) & (neighbourhoods["transformation"] == "OG")
    originals = neighbourhoods.loc[is_original, ["excerpt_id", "x", "y"]]
    centre = own[["own_x", "own_y"]].iloc[0].to_numpy(float)
    wrong = own[own["error"] == 1]
    strayed = wrong[~wrong["nearest_is_own"]]
    named = {best["excerpt_id"], *strayed["nearest_id"]}
    others = originals.loc[~originals["excerpt_id"].isin(named), ["x", "y"]].to_numpy(float)

    to_own = {"color": style.FAINT, "linewidth": 0.6, "linestyle": (0, (3, 2))}
    for point in own.itertuples():
        axes.plot([point.x, centre[0]], [point.y, centre[1]], **to_own)
    for point in strayed.itertuples():
        axes.plot([point.x, point.nearest_x], [point.y, point.nearest_y], color=style.RED, linewidth=1)
    kinds = [
        ("an original", *centre, [CIRCLE | {"markerfacecolor": OWN}]),
        ("its smallest transformations", own["x"], own["y"], [CIRCLE | {"markerfacecolor": OWN}, CROSS]),
        ("one nearer to another original", wrong["x"], wrong["y"], [RING]),
        (
            "that other original",
            strayed["nearest_x"],
            strayed["nearest_y"],
            [CIRCLE | {"markerfacecolor": OTHER}],
        ),
        ("other originals", others[:, 0], others[:, 1], [CIRCLE | {"markerfacecolor": REST}]),
    ]
    for _, x, y, marks in reversed(kinds):
        for mark in marks:
            axes.plot(x, y, linestyle="", **mark)

    shown = np.concatenate([own[["x", "y"]], strayed[["nearest_x", "nearest_y"]]]).astype(float)
    # The view is a square around the original. It holds all that is drawn of it, and some of the others.
    reach = 1.5 * np.abs(shown - centre).max()
    nearest = np.sort(np.abs(others - centre).max(axis=1))[:OTHERS]
    reach = max(reach, 1.1 * nearest.max(initial=0)) or 1.0  # all in one place, in a collapsed space
    axes.set_xlim(centre[0] - reach, centre[0] + reach)
    axes.set_ylim(centre[1] - reach, centre[1] + reach)
    distance = style.DISTANCES[settings["distance"]].label
    axes.set_title(f"{style.space(best['space']).label} space, {distance} distance")
    if len(wrong):
        ringed = ", ".join(f"{point.transformation} {point.magnitude:g}" for point in wrong.itertuples())
        axes.set_xlabel(f"ringed: {ringed}", loc="left")
    present = [(label, marks) for label, x, _, marks in kinds if np.size(x)]
    figure.legend(
        handles=[tuple(Line2D([], [], linestyle="", **mark) for mark in marks) for _, marks in present],
        labels=[label for label, _ in present],
        loc="outside lower left",
        ncols=2,
        fontsize="small",
        handlelength=1.4,
        markerscale=0.75,
    )
    return figure


def with_errors(neighbourhoods: pd.DataFrame, within: pd.DataFrame, distance: str) -> pd.DataFrame:
    """The transformed points of the plane with what is near them, in the space and in the plane.

    Returns
    -------
    DataFrame
        A row a transformed point: space, transformation, magnitude, excerpt_id, x, y; error, in the space;
        own_x, own_y, its own original in the plane; nearest_x, nearest_y, nearest_id and nearest_is_own, the
        original nearest to it there; others, how far the view must reach from its own original to show
        `OTHERS` more.
    """
    errors = within[(within["distance"] == distance) & (within["trial"] == within["trial"].min())]
    key = ["transformation", "magnitude", "excerpt_id"]
    tables = []
    for space, points in neighbourhoods.groupby("space", observed=True):
        originals = points[points["transformation"] == "OG"].reset_index(drop=True)
        places, ids = originals[["x", "y"]].to_numpy(float), originals["excerpt_id"].to_numpy()
        moved = points[points["transformation"] != "OG"]
        moved = moved.merge(errors.loc[errors["space"] == space, [*key, "error"]], on=key)
        tree = KDTree(places)
        _, row = tree.query(moved[["x", "y"]].to_numpy(float))
        own = originals.set_index("excerpt_id").loc[moved["excerpt_id"], ["x", "y"]].to_numpy(float)
        # The view is square, and the nearest original to an original is itself: (points, OTHERS + 1)
        gaps, _ = tree.query(own, k=np.arange(1, min(OTHERS + 1, len(places)) + 1), p=np.inf)
        tables.append(
            moved.assign(
                others=gaps[:, -1],
                own_x=own[:, 0],
                own_y=own[:, 1],
                nearest_x=places[row, 0],
                nearest_y=places[row, 1],
                nearest_id=ids[row],
                nearest_is_own=ids[row] == moved["excerpt_id"].to_numpy(),
            )
        )
    return pd.concat(tables, ignore_index=True)


def candidates(points: pd.DataFrame) -> pd.DataFrame:
    """The neighbourhoods that could be drawn, the best first.

    Wanted is one with an error and with correct neighbours (``mixed``); then one whose plane and space agree,
    point by point, on whether the own original is nearest (``agreement``, a share); then one with few
    ``errors``; then one that is easy to see: whose two closest points lie far apart for the size of the view
    (``clearance``).
    """
    rows = []
    for (space, excerpt), own in points.groupby(["space", "excerpt_id"], observed=True):
        places = np.concatenate([own[["x", "y"]], own[["own_x", "own_y"]].iloc[:1]]).astype(float)
        gaps = pdist(places)
        view = max(gaps.max(), own["others"].iloc[0])
        rows.append(
            {
                "space": space,
                "excerpt_id": excerpt,
                "mixed": 0 < own["error"].sum() < len(own),
                "agreement": (own["nearest_is_own"] == (own["error"] == 0)).mean(),
                "errors": own["error"].sum(),
                "clearance": gaps.min() / view if view > 0 else 0.0,
            }
        )
    by = ["mixed", "agreement", "errors", "clearance"]
    return pd.DataFrame(rows).sort_values(by, ascending=[False, False, True, False], kind="stable")
