"""Pictures of a data set side by side, with what is said of each, and whose they are."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from mmlib.figures.plots import noted
from mmlib.figures.style import apply_style

CELL, LINE, AROUND = 1.1, 0.17, 0.35  # inches: height of a picture, of a line of text, of the line at the bottom


def picture_grid(
    pictures: Sequence[np.ndarray], texts: Sequence[str], credit: str, *, columns: int, width: float = 10.0
) -> Figure:
    """``pictures`` [3, H, W] (colours, 0..255) or [H, W] (grey, any range) in rows of ``columns``, each with its text.

    credit: whose pictures they are and under which licence; it stands under them, as licences such as CC BY ask for.
    width: inches; the height follows. Raises ValueError for pictures without texts (or the reverse) or without credit.
    """
    if len(pictures) != len(texts) or not len(pictures):
        raise ValueError(f"a grid needs a text for each picture, got {len(pictures)} pictures and {len(texts)} texts.")
    if not credit.strip():
        raise ValueError("credit must say whose pictures these are and under which licence, got an empty text.")
    apply_style()
    rows = math.ceil(len(pictures) / columns)
    lines = max(text.count("\n") + 1 for text in texts)
    size = (width, rows * (CELL + LINE * (lines + 1)) + AROUND)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture, text in zip(axes.flat, pictures, texts, strict=False):
        picture = np.asarray(picture)
        axis.imshow(picture.transpose(1, 2, 0) if picture.ndim == 3 else picture, cmap="gray_r")
        axis.set_title(text, fontsize=9, y=-0.08, verticalalignment="top")
    return noted(figure, credit)
