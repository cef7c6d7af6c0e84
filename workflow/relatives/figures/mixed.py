"""The differences between spaces once more, with networks and excerpts as random samples.

A row a measure. On the left each space's mean by the additive model, as in Figures 8 and 11, and by the mixed
model; on the right the parts of the mixed model's variance. Inputs: ``mixed_means``, ``means`` and
``mixed_variances``.
"""

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relatives.figures import style

ADDITIVE = style.Look("additive model", style.FAINT)
RANDOM = ("excerpt", "excerpt in space", "trial")
# The models that the findings are about, and what they are called
MODELS = {
    "within_euclidean": "consistency (Euclidean)",
    "within_cosine": "consistency (cosine)",
    "agreement_simple_cosine": "agreement (SiMPle, cosine)",
    "correlation_dtw_euclidean": "correlation (DTW, Euclidean)",
}


@style.styled(style.DEFAULTS)
def draw(
    mixed_means: pd.DataFrame, means: pd.DataFrame, mixed_variances: pd.DataFrame, *, settings: dict
) -> Figure:
    """Draw the means by space of both models, and the variances of the mixed one.

    Parameters
    ----------
    mixed_means : DataFrame
        model, space, mean, lower, upper; drawn are the rows of `MODELS`.
    means : DataFrame
        model, term, space, mean, lower, upper; drawn are the rows of the same models and of term space.
    mixed_variances : DataFrame
        model, component, variance.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    models = [model for model in MODELS if model in set(mixed_means["model"])]
    if not models:
        figure = style.figure(settings, 30)
        style.quiet(figure.subplots(), "no mixed model in this run")
        return figure
    additive = {model: style.of_model(means, model, "space") for model in models}
    mixed = {model: mixed_means[mixed_means["model"] == model] for model in models}
    together = pd.concat([*mixed.values(), *additive.values()])
    looks = style.spaces(together["space"])
    labels = [look.label for look in looks.values()]

    rows = max(len(looks), 3)  # of a pane: the components on its right need room, too
    figure = style.figure(settings, 12 + (8 + 9 * rows) * len(models))
    panes = figure.subplots(len(models), 2, squeeze=False, width_ratios=(3, 1))
    for model, (left, right) in zip(models, panes, strict=True):
        style.estimates(left, additive[model], "space", dict.fromkeys(looks, ADDITIVE), -0.1)
        style.estimates(left, mixed[model], "space", looks, 0.34)
        style.estimates_axes(left, labels, together, (0, 1))
        left.set_title(MODELS[model])
        draw_shares(right, mixed_variances[mixed_variances["model"] == model])
    panes[-1, 0].set_xlabel("mean")
    panes[-1, 1].set_xlabel("share of the variance")
    random = [name for name in ("excerpt", "trial") if name in set(mixed_variances["component"])]
    look = style.Look(f"mixed model (random: {', '.join(random)})", style.INK)
    style.legend(figure, [style.handle(ADDITIVE), style.handle(look)])
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
