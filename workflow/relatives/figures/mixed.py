"""The differences between spaces once more, with excerpts and networks as random samples.

A row a latent distance. On the left each space's mean by the additive model, as in Figure 8, and by the
mixed model; on the right the parts of the mixed model's variance. Inputs: ``mixed_means``, ``means`` and
``mixed_variances``.
"""

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relatives.figures import style

ADDITIVE = style.Look("additive model", style.FAINT)
RANDOM = ("excerpt", "trial")


@style.styled(style.DEFAULTS)
def draw(
    mixed_means: pd.DataFrame, means: pd.DataFrame, mixed_variances: pd.DataFrame, *, settings: dict
) -> Figure:
    """Draw the means by space of both models, and the variances of the mixed one.

    Parameters
    ----------
    mixed_means : DataFrame
        distance, space, mean, lower, upper.
    means : DataFrame
        model, term, space, mean, lower, upper; drawn are the rows of the models within_euclidean and
        within_cosine and of term space.
    mixed_variances : DataFrame
        distance, component, variance.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    distances = style.present(("euclidean", "cosine"), mixed_means["distance"])
    if not distances:
        figure = style.figure(settings, 30)
        style.quiet(figure.subplots(), "no mixed model in this run")
        return figure
    additive = {distance: style.of_model(means, f"within_{distance}", "space") for distance in distances}
    together = pd.concat([mixed_means, *additive.values()])
    looks = style.spaces(together["space"])
    labels = [look.label for look in looks.values()]

    figure = style.figure(settings, 12 + (8 + 9 * len(looks)) * len(distances))
    panes = figure.subplots(len(distances), 2, squeeze=False, width_ratios=(3, 1))
    for distance, (left, right) in zip(distances, panes, strict=True):
        style.estimates(left, additive[distance], "space", dict.fromkeys(looks, ADDITIVE), -0.1)
        table = mixed_means[mixed_means["distance"] == distance]
        style.estimates(left, table, "space", looks, 0.34)
        style.estimates_axes(left, labels, together, (0, 1))
        left.set_title(style.DISTANCES[distance].label)
        draw_shares(right, mixed_variances[mixed_variances["distance"] == distance])
    panes[-1, 0].set_xlabel("mean within-space consistency")
    panes[-1, 1].set_xlabel("share of the variance")
    random = [name for name in RANDOM if name in set(mixed_variances["component"])]
    mixed = style.Look(f"mixed model (random: {', '.join(random)})", style.INK)
    style.legend(figure, [style.handle(ADDITIVE), style.handle(mixed)])
    return figure


def draw_shares(axes: Axes, variances: pd.DataFrame) -> None:
    """Draw the share that each component has of the sum of `variances`, as a bar."""
    components = style.present((*RANDOM, "residual"), variances["component"])
    values = variances.set_index("component")["variance"].loc[components]
    bars = axes.barh(range(len(components)), values / values.sum(), height=0.4, color="#b9b9b9")
    shares = [f"{100 * bar.get_width():.0f} %" for bar in bars]
    axes.bar_label(bars, shares, padding=2, fontsize=matplotlib.rcParams["xtick.labelsize"])
    style.name_rows(axes, components)
    axes.set_xlim(0, 1.2)
    axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
