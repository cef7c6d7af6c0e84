"""The losses of all trainings of a run over their steps, finished or under way.

A column is an encoder, a row a task; a line is the training loss of a trial (the mean since the validation
before) or, dashed, its validation loss. A training under way ends in a point. Made by ``relatives losses``
from each training's ``history.csv`` or, until it has ended, ``progress.csv``.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from relatives.errors import InputError
from relatives.figures import style

LOSSES = {"training_loss": ("training", "-"), "validation_loss": ("validation", (0, (3, 1.2)))}
FILES = {"history.csv": False, "progress.csv": True}
"""The files of losses; whether a training of this one is under way."""


def read(folder: str | os.PathLike) -> pd.DataFrame:
    """The losses of every training below a folder.

    Returns
    -------
    DataFrame
        training (its folder, from `folder`), row (its task), encoder, trial, under_way, step, training_loss,
        validation_loss, examples_per_second: a row a validation.

    Raises
    ------
    InputError
        There is no training, or a file of losses cannot be read.
    """
    folder = Path(folder)
    # Of a training that is made again only the new file counts, which is the last here
    found = {path.parent: path for name in FILES for path in sorted(folder.rglob(name))}
    tables = []
    for directory, path in sorted(found.items()):
        try:
            table = pd.read_csv(path, dtype=float)[["step", *LOSSES, "examples_per_second"]]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path} is no table of losses: {error}") from None
        # TASK/ENCODER/trialN; of another folder what there is
        *row, encoder, trial = ("", "", *directory.relative_to(folder).parts)
        place = {"row": "/".join(filter(None, row)), "encoder": encoder, "trial": trial}
        name = directory.relative_to(folder).as_posix()
        tables.append(table.assign(training=name, under_way=FILES[path.name], **place))
    if not sum(map(len, tables)):
        raise InputError(
            f"{folder}: no training below it has been validated yet (none has {' or '.join(FILES)} with a "
            f"row). The folder of the models is named as in: relatives losses results/consistency/models"
        )
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def describe(losses: pd.DataFrame) -> Iterator[str]:
    """A line a training: how far it is, its last losses, its speed."""
    for training, rows in losses.groupby("training"):
        last = rows.iloc[-1]
        state = "under way, " if last["under_way"] else ""
        yield (
            f"{training}: {state}step {last['step']:.0f}, training loss {last['training_loss']:.4g}, "
            f"validation loss {last['validation_loss']:.4g}, {last['examples_per_second']:.1f} examples/s"
        )


@style.styled(style.DEFAULTS)
def draw(losses: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw a pane for each task and encoder.

    Parameters
    ----------
    losses : DataFrame
        As from `read`.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    rows, columns = style.present((), losses["row"]), style.present(("VGG", "MFCC"), losses["encoder"])
    trials = style.present((), losses["trial"])
    looks = {
        trial: style.Look(trial, style.OWN[place % len(style.OWN)].colour, "-", "")
        for place, trial in enumerate(trials)
    }
    figure = style.figure(settings, 14 + 34 * len(rows))
    panes = figure.subplots(len(rows), len(columns), squeeze=False)
    curves = {pane: list(table.groupby("training")) for pane, table in losses.groupby(["row", "encoder"])}
    for row, across in zip(rows, panes, strict=True):
        for column, axes in zip(columns, across, strict=True):
            if (row, column) not in curves:
                style.quiet(axes, "not begun")
                continue
            for _, table in curves[row, column]:
                for loss, (_, line) in LOSSES.items():
                    axes.plot(
                        table["step"], table[loss], color=looks[table["trial"].iloc[0]].colour,
                        linestyle=line, linewidth=0.9, marker="o", markersize=2.8, markeredgewidth=0,
                        markevery=[len(table) - 1] if len(table) == 1 or table["under_way"].iloc[0] else [],
                    )  # fmt: skip
            axes.set_title(f"{row} {column}".strip())
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            axes.yaxis.set_major_locator(MaxNLocator(4) if high < 4 * low else LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
            axes.yaxis.set_minor_locator(NullLocator())
            axes.set_xlim(left=0)
            if row == rows[-1]:
                axes.set_xlabel("step")
            if column == columns[0]:
                axes.set_ylabel("loss")
    kinds = [style.Look(label, style.INK, line, "") for label, line in LOSSES.values()]
    handles = [style.handle(look) for look in (*looks.values(), *kinds)]
    if losses["under_way"].any():
        handles.append(style.handle(style.Look("under way", style.INK), line=False))
    style.legend(figure, handles)
    return figure
