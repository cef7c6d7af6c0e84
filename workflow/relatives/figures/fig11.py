"""Figure 11: the marginal means of the consistency between the audio space and the latent spaces.

The upper two rows are the agreement, the lower two the correlation, each with the cosine distance above and
the Euclidean below; the left column is SiMPle, the right DTW. In a pane a row a space with its interval.
Input: ``means``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style

# Each measure with what its axis covers
MEASURES = {"agreement": (0, 1), "correlation": (0,)}


@style.styled(style.DEFAULTS)
def draw(means: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the marginal mean of agreement and correlation by space.

    Parameters
    ----------
    means : DataFrame
        model, term, space, mean, lower, upper; drawn are the rows of the models
        ``{agreement,correlation}_{dtw,simple}_{euclidean,cosine}`` and of term space. A row or a column of
        panes for which there is no model is left out.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    tables = {
        (measure, latent, audio): style.of_model(means, f"{measure}_{audio}_{latent}", "space")
        for measure in MEASURES
        for latent in ("cosine", "euclidean")
        for audio in ("simple", "dtw")
    }
    fitted = {key: table for key, table in tables.items() if len(table)}
    if not fitted:
        figure = style.figure(settings, 30)
        style.quiet(figure.subplots(), "no marginal means by space in this run")
        return figure
    rows = list(dict.fromkeys((measure, latent) for measure, latent, _ in fitted))
    columns = [audio for audio in ("simple", "dtw") if any(key[-1] == audio for key in fitted)]
    looks = style.spaces(pd.concat(fitted.values())["space"])
    labels = [look.label for look in looks.values()]

    figure = style.figure(settings, 8 + (10 + 6 * len(looks)) * len(rows))
    panes = figure.subplots(len(rows), len(columns), squeeze=False)
    for number, (measure, latent) in enumerate(rows):
        together = pd.concat(table for key, table in fitted.items() if key[0] == measure)
        last = measure not in [other for other, _ in rows[number + 1 :]]
        for axes, audio in zip(panes[number], columns, strict=True):
            axes.set_title(f"{measure} ({style.pair_label((audio, latent))})")
            if (measure, latent, audio) not in fitted:
                style.quiet(axes, "no marginal means by space")
                continue
            style.estimates(axes, fitted[measure, latent, audio], "space", looks)
            style.estimates_axes(axes, labels, together, MEASURES[measure])
            if last:
                axes.set_xlabel(f"marginal mean of the {measure}")
    return figure
