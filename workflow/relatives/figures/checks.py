"""What a statistician looks at before believing the additive models.

Two panes a model: its residuals over what it fitted, with a smooth through them; and their quantiles over
those of a normal distribution. A column is a measure. Inputs: ``residuals``, ``fit`` and ``smooths``.
"""

import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator
from scipy import stats
from statsmodels.nonparametric.smoothers_lowess import lowess

from relatives.figures import style

EXPECTED = style.Look("what is expected of a good model", style.INK, marker="")
SMOOTH = style.Look("smooth (lowess)", style.RED, marker="")

# The columns of panes, from above: model, what it is called
COLUMNS = (
    {
        "performance": "performance",
        "within_euclidean": "within-space consistency, Euclidean",
        "within_cosine": "within-space consistency, cosine",
    },
    *(
        {
            f"{measure}_{audio}_{latent}": f"{measure}, {style.pair_label((audio, latent))}"
            for latent in ("cosine", "euclidean")
            for audio in ("simple", "dtw")
        }
        for measure in ("agreement", "correlation")
    ),
)


@style.styled(style.DEFAULTS)
def draw(residuals: pd.DataFrame, fit: pd.DataFrame, smooths: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the residuals of each model that was fitted; of the others, say why they were not.

    Parameters
    ----------
    residuals : DataFrame
        model, fitted, residual, in units of the model's response.
    fit : DataFrame
        model, r_squared, problem: why a model has no residuals.
    smooths : DataFrame
        model, warning: whether a smooth fails the check of its basis, which stands beside R².
    settings : dict
        Those of `style.DEFAULTS`.
    """
    fits = fit.set_index("model")
    observed = dict(list(residuals.groupby("model", observed=True)))
    columns = [{name: label for name, label in column.items() if name in fits.index} for column in COLUMNS]
    columns = [column for column in columns if column]
    height = max(len(column) for column in columns)

    figure = style.figure(settings, 12 + 34 * height)
    grid = figure.add_gridspec(height, 2 * len(columns))
    for place, column in enumerate(columns):
        last = [name for name in column if name in observed][-1:]
        for number, (name, label) in enumerate(column.items()):
            if name not in observed:
                axes = figure.add_subplot(grid[number, 2 * place : 2 * place + 2])
                problem = textwrap.shorten(fits.loc[name, "problem"], 120, placeholder=" …")
                style.quiet(axes, textwrap.fill(f"not fitted: {problem}", 32))
                axes.set_title(label)
                continue
            left = figure.add_subplot(grid[number, 2 * place])
            right = figure.add_subplot(grid[number, 2 * place + 1])
            left.set_title(label)
            draw_residuals(left, observed[name])
            draw_quantiles(right, observed[name])
            failed = smooths.loc[smooths["model"] == name, "warning"].astype(bool)
            right.text(
                0.97,
                0.03,
                f"R² {fits.loc[name, 'r_squared']:.2f}\nfail: {failed.sum()} of {len(failed)}",
                transform=right.transAxes,
                ha="right",
                fontsize=matplotlib.rcParams["xtick.labelsize"],
            )
            if name in last:
                left.set_xlabel("fitted")
                right.set_xlabel("normal quantile")
    figure.align_ylabels()
    style.legend(figure, [style.handle(EXPECTED), style.handle(SMOOTH)])
    return figure


def draw_residuals(axes: Axes, table: pd.DataFrame) -> None:
    """Draw ``table["residual"]`` over ``table["fitted"]`` with a smooth through them."""
    fitted, residual = table["fitted"].to_numpy(float), table["residual"].to_numpy(float)
    points(axes, fitted, residual)
    axes.axhline(0, color=EXPECTED.colour, linewidth=0.7)
    # Interpolated within a hundredth of the range, for speed
    smooth = lowess(residual, fitted, delta=0.01 * np.ptp(fitted))
    axes.plot(*smooth.T, color=SMOOTH.colour)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_ylabel("residual")


def draw_quantiles(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the quantiles of ``table["residual"]``, in its deviations, over those of a normal distribution."""
    expected, ordered = stats.probplot(table["residual"], fit=False)
    points(axes, expected, ordered / np.std(ordered))
    axes.axline((0, 0), slope=1, color=EXPECTED.colour, linewidth=0.7)
    axes.xaxis.set_major_locator(FixedLocator((-2, 0, 2)))
    axes.set_ylabel("residual quantile")


def points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw thousands of points, in the PDF too as pixels."""
    look = {"color": style.FAINT, "markersize": 1.2, "markeredgewidth": 0, "alpha": 0.5}
    axes.plot(x, y, "o", rasterized=True, **look)
    axes.yaxis.set_major_locator(MaxNLocator(5))
