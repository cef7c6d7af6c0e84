"""Figure 10: the consistency between the audio space and a latent space.

The upper row is the agreement of the two spaces' errors, the lower the correlation of their distances;
columns are transformations; a curve a latent space with its interval over excerpts, for the correlation over
both sides of the matrix; a point a trial. Which pair of distances, audio and latent, a row shows is a
setting. Inputs: ``between_curves`` and ``between``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style

DEFAULTS = style.DEFAULTS | {
    # The study does not say which pair its Figure 10 shows. These are the pairs for which its text gives the
    # marginal means of each measure (section 5.3).
    "agreement": ("simple", "cosine"),
    "correlation": ("dtw", "euclidean"),
    # Equation 11: one correlation over all pairs (pooled, the released code), or the mean of one for each
    # transformed excerpt (by_excerpt, the equation as it is written)
    "reading": "pooled",
}
READINGS = {
    "pooled": ("correlation", "correlation"),
    "by_excerpt": ("correlation_by_excerpt", "correlation by excerpt"),
}


@style.styled(DEFAULTS)
def draw(between_curves: pd.DataFrame, between: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw agreement and correlation over the magnitude.

    Parameters
    ----------
    between_curves : DataFrame
        space, audio_distance, latent_distance, transformation, magnitude, measure, value, lower, upper.
    between : DataFrame
        space, trial, audio_distance, latent_distance, transformation, magnitude, agreement, correlation,
        correlation_by_excerpt.
    settings : dict
        Beside those of `style.DEFAULTS`, ``agreement`` and ``correlation``: the audio and the latent distance
        of that row; ``reading``: of the correlation, pooled or by_excerpt.
    """
    correlation, words = READINGS[settings["reading"]]
    # Of each row: its measure, its name, its pair of distances
    rows = [
        ("agreement", "agreement", settings["agreement"]),
        (correlation, words, settings["correlation"]),
    ]
    names = style.transformations(between_curves["transformation"])
    spaces = style.spaces(between_curves["space"])
    cell = ["transformation", "space"]

    figure = style.figure(settings, 14 + 42 * len(rows))
    panes = figure.subplots(len(rows), len(names), sharey="row", squeeze=False)
    for row, (measure, words, pair) in zip(panes, rows, strict=True):
        last = measure == correlation
        of_measure = between_curves[between_curves["measure"] == measure]
        curves = dict(list(style.of_pair(of_measure, pair).groupby(cell, observed=True)))
        trials = dict(list(style.of_pair(between, pair).groupby(cell, observed=True)))
        for axes, name in zip(row, names, strict=True):
            style.magnitude_axis(axes, name, label=last)
            axes.tick_params(labelbottom=last)
            for space, look in spaces.items():
                if (name, space) in curves:
                    style.curve(axes, curves[name, space], look, "value")
                if (name, space) in trials:
                    style.observations(axes, trials[name, space], look, measure)
        row[0].set_ylabel(f"{words}\n({style.pair_label(pair)})")
        if measure == "agreement":
            style.unit_interval(row[0])
        else:
            row[0].set_ylim(bottom=min(0, row[0].get_ylim()[0]))
    style.column_titles(panes, names)
    figure.align_ylabels(panes[:, 0])
    style.legend(figure, [style.handle(look) for look in spaces.values()])
    return figure
