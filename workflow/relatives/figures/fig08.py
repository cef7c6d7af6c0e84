"""Figure 8: the marginal means of the consistency within the latent spaces.

A pane a latent distance, a row a space with its interval. On the right a line joins spaces of which no two
differ significantly over networks, by the mixed model; above it is how many pairs differ by that model and by
Tukey's test on the additive model (the study names no test). Inputs: ``means``, ``differences``,
``mixed_differences`` and ``mixed_variances``.
"""

import itertools

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relatives.figures import style

SIGNIFICANCE = 0.05


@style.styled(style.DEFAULTS)
def draw(
    means: pd.DataFrame,
    differences: pd.DataFrame,
    mixed_differences: pd.DataFrame,
    mixed_variances: pd.DataFrame,
    *,
    settings: dict,
) -> Figure:
    """Draw the marginal mean of the within-space consistency by space.

    Parameters
    ----------
    means : DataFrame
        model, term, space, mean, lower, upper; drawn are the rows of the models within_euclidean and
        within_cosine and of term space.
    differences : DataFrame
        model, term, first, second, p: Tukey's, of the same models and term.
    mixed_differences : DataFrame
        model, first, second, p: Holm's, of the mixed models of the same names.
    mixed_variances : DataFrame
        model, component: a model without the component trial says nothing of other networks.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    tables = {
        distance: style.of_model(means, f"within_{distance}", "space") for distance in ("euclidean", "cosine")
    }
    together = pd.concat(tables.values())
    looks = style.spaces(together["space"])
    labels = [look.label for look in looks.values()]
    figure = style.figure(settings, 14 + 6.5 * max(len(looks), 1))
    for axes, (distance, table) in zip(figure.subplots(1, len(tables)), tables.items(), strict=True):
        axes.set_title(style.DISTANCES[distance].label)
        if table.empty:
            style.quiet(axes, "no marginal means by space")
            continue
        style.estimates(axes, table, "space", looks)
        style.estimates_axes(axes, labels, together, (0, 1))
        axes.set_xlabel("marginal mean of the within-space consistency")
        model = f"within_{distance}"
        of_networks = mixed_variances.loc[mixed_variances["model"] == model, "component"].eq("trial").any()
        over_networks = mixed_differences[(mixed_differences["model"] == model) & of_networks]
        join(axes, indistinct(over_networks), list(looks))
        axes.set_title(note(style.of_model(differences, model, "space"), over_networks), loc="right")
    return figure


def note(pairs: pd.DataFrame, over_networks: pd.DataFrame) -> str:
    """How many pairs of spaces differ, by the additive model and over networks; "" without a pair.

    Both tables have first, second, p; the second is empty where nothing is known of other networks.
    """
    words = []
    if len(pairs):
        words.append(f"{differing(pairs)} of {len(pairs)} pairs differ (Tukey)")
    if len(over_networks):
        words.append(f"{differing(over_networks)} of {len(over_networks)} over networks")
    elif len(pairs):
        words.append("over networks not known")
    return "; ".join(words)


def differing(pairs: pd.DataFrame) -> int:
    """How many pairs have a p below 0.05."""
    return int((pairs["p"] < SIGNIFICANCE).sum())


def indistinct(pairs: pd.DataFrame) -> list[set[str]]:
    """The largest sets of spaces of which no two differ significantly.

    Parameters
    ----------
    pairs : DataFrame
        first, second, p. A difference without a p, as of estimates without an error, is not significant.

    Returns
    -------
    list of set of str
        Each of two spaces at least, the largest first, then by their names. A space can be in several.
    """
    alike = {
        frozenset(pair)
        for *pair, p in pairs[["first", "second", "p"]].itertuples(index=False)
        if not p < SIGNIFICANCE
    }
    spaces = sorted(set().union(*alike))
    groups = []
    for size in range(len(spaces), 1, -1):
        for chosen in itertools.combinations(spaces, size):
            if all(frozenset(pair) in alike for pair in itertools.combinations(chosen, 2)) and not any(
                set(chosen) <= group for group in groups
            ):
                groups.append(set(chosen))
    return groups


def join(axes: Axes, groups: list[set[str]], spaces: list[str]) -> None:
    """Draw a line a group, right of the pane, with a dot in the row of each of its spaces."""
    for number, group in enumerate(groups):
        places = sorted(spaces.index(space) for space in group)
        axes.plot(
            [1.02 + 0.03 * number] * len(places),
            places,
            "-o",
            transform=axes.get_yaxis_transform(),  # x a share of the pane's width
            color=style.INK,
            linewidth=0.8,
            markersize=2.4,
            markeredgewidth=0,
            clip_on=False,
        )
