"""Figure 7: the consistency within the latent spaces.

Rows are the latent distances, columns the transformations; a curve a space, the mean over trials and excerpts
with its interval; a point a trial. The grey curves are the audio space, one for each of its distances: the
study takes them for a weak upper bound. Inputs: ``within_curves`` and ``within_trials``.
"""

import pandas as pd
from matplotlib.figure import Figure

from relatives.figures import style

DEFAULTS = style.DEFAULTS | {"audio_distance": ("dtw", "simple")}


@style.styled(DEFAULTS)
def draw(within_curves: pd.DataFrame, within_trials: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the consistency of each latent space over the magnitude.

    Parameters
    ----------
    within_curves : DataFrame
        space, distance, transformation, magnitude, consistency, lower, upper.
    within_trials : DataFrame
        space, trial, distance, transformation, magnitude, consistency: means over the excerpts.
    settings : dict
        Beside those of `style.DEFAULTS`, ``audio_distance``: the distances of the grey curves, of dtw
        and simple.
    """
    latent = within_curves[within_curves["space"] != "audio"]
    audio = within_curves[within_curves["space"] == "audio"]
    audio = audio[audio["distance"].isin(settings["audio_distance"])]
    grey = {distance: style.AUDIO[distance] for distance in style.present(style.AUDIO, audio["distance"])}
    audio = dict(list(audio.groupby(["distance", "transformation"], observed=True)))
    distances = style.present(("euclidean", "cosine"), latent["distance"])
    names = style.transformations(latent["transformation"])
    spaces = style.spaces(latent["space"])
    cell = ["distance", "transformation", "space"]
    curves = dict(list(latent.groupby(cell, observed=True)))
    trials = dict(list(within_trials.groupby(cell, observed=True)))

    figure = style.figure(settings, 14 + 42 * len(distances))
    panes = figure.subplots(len(distances), len(names), sharey="row", squeeze=False)
    for row, distance in zip(panes, distances, strict=True):
        for axes, name in zip(row, names, strict=True):
            style.magnitude_axis(axes, name, label=distance == distances[-1])
            axes.tick_params(labelbottom=distance == distances[-1])
            for audio_distance, look in grey.items():
                if (audio_distance, name) in audio:
                    style.curve(axes, audio[audio_distance, name], look, "consistency", linewidth=2)
            for space, look in spaces.items():
                if (distance, name, space) in curves:
                    style.curve(axes, curves[distance, name, space], look, "consistency")
                if (distance, name, space) in trials:
                    style.observations(axes, trials[distance, name, space], look, "consistency")
        style.unit_interval(row[0])
        row[0].set_ylabel(f"within-space consistency\n({style.DISTANCES[distance].label})")
    style.column_titles(panes, names)
    handles = [style.handle(look) for look in spaces.values()]
    style.legend(figure, handles + [style.handle(look, linewidth=2) for look in grey.values()])
    return figure
