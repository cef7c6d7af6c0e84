"""Figure 2: the networks, drawn from the trained models.

Left the encoder, the same for every task; the bar is the latent vector z; right a lane a task, from z to what
the task minimises, with the skip connections of separation's U-Net. A block is the map that a layer gives:
its height says how many bins, its depth how many frames, its width how many channels, each on a logarithmic
scale. Input: ``layers``, the rows of `relatives.models.networks.trace` for the network of each task.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from relatives.figures import style
from relatives.tasks import TASKS

# All is placed on a sheet in mm, which is scaled to the figure's width.
SHEET = (180.0, 96.0)
ENCODER_FIRST, ENCODER_LAST, ENCODER_LEVEL = 3.0, 84.0, 52.0  # left and right end; middle
LATENT, LANE, LOSS = 97.0, 107.0, 178.0  # from the left: z, the heads, where the losses end
LEVELS = {"AE": 80.0, "AT": 58.0, "IR": 42.0, "VS": 20.0}  # middle of each lane
MAP, POOLED, Z = "#aab6c8", "#d8dfe8", "#d6547f"

# What leads from a head to what is minimised (the study's equations 2 to 8).
OUTPUTS = {
    "AE": r"$\rightarrow\,\hat{x}$",
    "AT": r"$\sigma \rightarrow\,\hat{y}$",
    "IR": r"softmax $\rightarrow\,\hat{y}$",
    "VS": r"$\sigma\,\odot\,x \rightarrow\,\hat{s}$",
}
LOSSES = {
    "AE": r"$\Vert x - \hat{x}\,\Vert^2$",
    "AT": "binary\ncross-entropy",
    "IR": "categorical\ncross-entropy",
    "VS": r"$\Vert s - \hat{s}\,\Vert_1$",
}


@style.styled(style.DEFAULTS)
def draw(layers: pd.DataFrame, *, settings: dict) -> Figure:
    """Draw the VGG networks of all tasks as one.

    Parameters
    ----------
    layers : DataFrame
        task, encoder, part (encoder or head), layer, output_shape ("16×128×512": channels, frames, bins;
        "50"). Only rows of the VGG encoder are drawn.
    settings : dict
        Those of `style.DEFAULTS`.
    """
    layers = layers[layers["encoder"] == "VGG"]
    figure = style.figure(settings, settings["width_mm"] * SHEET[1] / SHEET[0])
    axes = figure.add_subplot()
    axes.set_xlim(0, SHEET[0])
    axes.set_ylim(0, SHEET[1])
    axes.set_axis_off()
    parts = dict(list(layers.groupby(["task", "part"], observed=True)))
    tasks = style.present(TASKS, layers["task"])
    for task in tasks:
        if task == tasks[0]:
            feet = draw_encoder(axes, parts[task, "encoder"])
        draw_lane(axes, task, parts[task, "head"], feet if task == "VS" else {})
    return figure


def draw_encoder(axes: Axes, layers: pd.DataFrame) -> dict[tuple[int, int], tuple[float, float]]:
    """Draw the encoder and z.

    Returns
    -------
    dict
        For the (frames, bins) of each convolution's map the place under its block, where skip connections
        leave.
    """
    maps = [
        (layer, extent(shape)) for layer, shape in zip(layers["layer"], layers["output_shape"], strict=True)
    ]
    maps = [(layer, shape) for layer, shape in maps if len(shape) == 3]
    # The input and every convolution stand evenly; a pooled map stands close behind what it was pooled from.
    pooled = [layer.startswith("MaxPooling") for layer, _ in maps]
    places = np.cumsum([not is_pooled for is_pooled in pooled]) - 1
    step = (ENCODER_LAST - ENCODER_FIRST) / max(places[-1], 1)
    feet = {}
    for (_, shape), is_pooled, place in zip(maps, pooled, places, strict=True):
        left = ENCODER_FIRST + step * (place + 0.4 * is_pooled)
        foot = slab(axes, left, ENCODER_LEVEL, shape, POOLED if is_pooled else MAP)
        if not is_pooled:
            label = "\n".join(map(str, shape))
            axes.text(foot[0] + 1.5, 2 * ENCODER_LEVEL - foot[1] + 4.5, label, ha="center", fontsize="small")
            if place > 0:
                feet[shape[1:]] = foot
    axes.text(ENCODER_FIRST, ENCODER_LEVEL - 22, "$x$", ha="center")
    axes.text(ENCODER_FIRST, 92, "encoder $f$")
    axes.text(ENCODER_FIRST, 88, "channels, frames, bins after each convolution", fontsize="small")

    size = extent(layers["output_shape"].iloc[-1])[0]
    arrow(axes, (ENCODER_LAST + 7, ENCODER_LEVEL), (LATENT - 1.5, ENCODER_LEVEL))
    bar(axes, LATENT, ENCODER_LEVEL, size, Z)
    axes.text(LATENT, ENCODER_LEVEL + 17, f"$z$\n{size}", ha="center")
    return feet


def draw_lane(axes: Axes, task: str, layers: pd.DataFrame, feet: dict) -> None:
    """Draw the way from z to a task's loss, with a skip connection from each of `feet` to its like."""
    look, level = style.SPACES[task], LEVELS[task]
    axes.plot(
        [LATENT + 1.5, LANE - 4, LANE - 4],
        [ENCODER_LEVEL, ENCODER_LEVEL, level],
        color=style.INK,
        linewidth=0.6,
    )
    arrow(axes, (LANE - 4, level), (LANE - 1, level))
    shapes = [extent(shape) for shape in layers["output_shape"]]
    convolved = layers["layer"].str.startswith("Transposed").to_numpy()
    if convolved.any():
        maps = [shape for shape, is_convolved in zip(shapes, convolved, strict=True) if is_convolved]
        end, half_height = LANE + 37.0, 11.0
        step = (end - LANE - 5) / max(len(maps) - 1, 1)
        for number, shape in enumerate(maps):
            foot = slab(axes, LANE + step * number, level, shape, look.colour, scale=0.5)
            if shape[1:] in feet:
                skip(axes, feet[shape[1:]], foot, low=8 - 1.1 * number)
    else:
        end, half_height = LANE + 4.0, 5.5
        bar(axes, LANE + 1, level, shapes[-1][0], look.colour, scale=0.4)
        axes.text(end, level, f"{shapes[-1][0]}", va="center")
        arrow(axes, (end + 5, level), (end + 20, level))
        end += 21
    axes.text(LANE, level + half_height, rf"$\bf{{{task}}}$ {TASKS[task].title}")
    axes.text(end, level, OUTPUTS[task], va="center")
    box = {
        "boxstyle": "round,pad=0.4",
        "facecolor": lighter(look.colour, 0.85),
        "edgecolor": look.colour,
        "linewidth": 0.5,
    }
    axes.text(
        LOSS,
        level,
        LOSSES[task],
        va="center",
        ha="right",
        multialignment="center",
        fontsize="medium",
        bbox=box,
    )


def extent(output_shape: str) -> tuple[int, ...]:
    """The numbers of a shape: "16×128×512" -> (16, 128, 512)."""
    return tuple(int(size) for size in output_shape.split("×"))


def slab(
    axes: Axes, left: float, level: float, shape: tuple, colour: str, scale: float = 1
) -> tuple[float, float]:
    """Draw a map of (channels, frames, bins) as a block from `left` on; return its front's foot."""
    channels, frames, bins = (scale * np.log2(2 * size) for size in shape)
    width, height = 0.35 * channels, 3.4 * bins
    depth = np.array([0.55, 0.4]) * frames
    low, high = level - height / 2, level + height / 2
    front = np.array([(left, low), (left + width, low), (left + width, high), (left, high)])
    edge = {"edgecolor": "#4d4d4d", "linewidth": 0.35}
    top = [front[3], front[2], front[2] + depth, front[3] + depth]
    side = [front[1], front[2], front[2] + depth, front[1] + depth]
    for face, shade in ((front, 0.0), (top, 0.35), (side, 0.2)):
        axes.add_patch(Polygon(face, facecolor=lighter(colour, shade), **edge))
    return left + width / 2, low


def lighter(colour: str, share: float) -> np.ndarray:
    """A colour with a share of white in it."""
    return (1 - share) * np.array(to_rgb(colour)) + share


def bar(axes: Axes, middle: float, level: float, size: int, colour: str, scale: float = 1) -> None:
    """Draw a vector of `size` numbers as an upright bar."""
    height = scale * 3.4 * np.log2(2 * size)
    axes.add_patch(
        Rectangle(
            (middle - 0.9, level - height / 2),
            1.8,
            height,
            facecolor=colour,
            edgecolor="#4d4d4d",
            linewidth=0.35,
        )
    )


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow."""
    axes.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "-|>", "linewidth": 0.6, "mutation_scale": 6, "color": style.INK},
    )


def skip(axes: Axes, start: tuple[float, float], end: tuple[float, float], low: float) -> None:
    """Draw a skip connection that runs along the height `low`, under all blocks."""
    x, y = (start[0], start[0], end[0], end[0]), (start[1], low, low, end[1])
    axes.plot(x, y, color=style.SPACES["VS"].colour, linewidth=0.5, zorder=0)
