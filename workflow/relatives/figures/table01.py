"""Table 1: the encoder, layer by layer, traced through the trained model.

Input: ``layers``, the rows of `relatives.models.networks.trace` for the network of each task.
"""

import pandas as pd

ENCODER = "VGG"


def table(layers: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Table 1 for a spreadsheet and for a paper.

    Parameters
    ----------
    layers : DataFrame
        task, encoder, part, layer, output_shape. The VGG encoder is the same for every task; the first one is
        taken.

    Returns
    -------
    DataFrame
        Layers, Output shape.
    str
        The same as a LaTeX tabular, with the rules of booktabs.
    """
    rows = layers[(layers["encoder"] == ENCODER) & (layers["part"] == "encoder")]
    rows = rows[rows["task"] == rows["task"].iloc[0]]
    rows = rows.rename(columns={"layer": "Layers", "output_shape": "Output shape"})[
        ["Layers", "Output shape"]
    ]
    rows = rows.reset_index(drop=True)
    lines = [" & ".join(cells) + r" \\" for cells in [rows.columns, *rows.itertuples(index=False)]]
    body = "\n".join([r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"])
    latex = f"\\begin{{tabular}}{{ll}}\n{body}\n\\end{{tabular}}\n"
    return rows, latex.replace("×", r"$\times$")
