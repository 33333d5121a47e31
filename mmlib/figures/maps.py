"""Values of every block of every modality, epoch by epoch, as colours."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mmlib.figures.plots import noted
from mmlib.figures.style import apply_style

MAP_NOTE = "Colours: mean over {n} seeds."
COLOURS, NOTHING = "viridis", "0.85"  # without red and green; equal steps look equal, and no value looks grey
BLOCK_HEIGHT, LEAST_HEIGHT, AROUND = 0.17, 1.1, 0.8  # inches: of a line, of a map, of the texts above and below it


def depth_maps(
    table: pd.DataFrame,
    *,
    panel: str,
    label: str,
    row: str | None = None,
    percent: bool = True,
    note: str = "",
    width: float = 12.0,
) -> Figure:
    """Columns block ("m/d", depth d from 1), epoch, seed, value (0..1): a line per block and epochs to the right.

    One map beside the other for each value of column ``panel``, one below the other for each of ``row`` (None: one row
    of maps). All have the same colours, and those of a panel the same blocks and epochs; a block in an epoch without
    value is grey. label: what the colours show, with ``percent`` as per cent. note: stands behind the number of seeds.
    width: inches; the height follows from the number of blocks. Raises ValueError for an empty table.
    """
    if table.empty:
        raise ValueError("depth_maps draws one row or more, the table is empty.")
    apply_style()
    panels = list(dict.fromkeys(table[panel]))
    rows = [None] if row is None else list(dict.fromkeys(table[row]))
    height = max(LEAST_HEIGHT, BLOCK_HEIGHT * table.groupby(panel)["block"].nunique().max()) + AROUND
    size = (width, len(rows) * height)
    figure, grid = plt.subplots(len(rows), len(panels), figsize=size, squeeze=False, layout="constrained")
    for title, column in zip(panels, grid.T, strict=True):
        whole = table[table[panel] == title]
        for axes, name in zip(column, rows, strict=True):
            image = _draw(axes, whole if row is None else whole[whole[row] == name], whole)
            axes.set_title(title if row is None else f"{title}, {name}")
        column[-1].set_xlabel("epoch")
    figure.colorbar(image, ax=grid, label=label, pad=0.02, format=PercentFormatter(1.0) if percent else None)
    return noted(figure, f"{MAP_NOTE.format(n=table['seed'].nunique())} {note}".strip())


def _draw(axes: Axes, table: pd.DataFrame, whole: pd.DataFrame) -> QuadMesh:
    """The map of ``table`` with the blocks and epochs of ``whole``, in the order in which it names the blocks."""
    blocks = list(dict.fromkeys(whole["block"]))
    epochs = range(int(whole["epoch"].min()), int(whole["epoch"].max()) + 1)
    means = table.groupby(["block", "epoch"])["value"].mean().unstack().reindex(index=blocks, columns=epochs)
    edges = [np.arange(count + 1) - 0.5 for count in (len(epochs), len(blocks))]
    image = axes.pcolormesh(edges[0] + epochs[0], edges[1], means.to_numpy(float), cmap=COLOURS, vmin=0, vmax=1)
    axes.set_facecolor(NOTHING)
    axes.grid(False)
    owners = [block.rpartition("/")[0] for block in blocks]
    for place in range(1, len(blocks)):
        if owners[place] != owners[place - 1]:
            axes.axhline(place - 0.5, color="white", linewidth=2)
    axes.set_yticks(range(len(blocks)), [block.replace("/", " ") for block in blocks], fontsize="small")
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    return image
