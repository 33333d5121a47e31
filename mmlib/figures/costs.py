"""Costs side by side: one line per method, so that long names stay readable."""

import pandas as pd
from matplotlib.figure import Figure

from mmlib.figures.plots import canvas, finish, noted
from mmlib.figures.style import BLUE


def cost_lines(table: pd.DataFrame, *, xlabel: str, note: str, width: float = 8.0) -> Figure:
    """Columns method, ratio, low, high: a mark and a whisker for each method, from top to bottom; a dashed line at 1.

    note: the small line under the figure; must say what the whiskers are. width: inches; the height follows from the
    number of methods.
    """
    figure, [axes] = canvas((width, 1.3 + 0.28 * len(table)))
    rows = range(len(table))
    errors = [table["ratio"] - table["low"], table["high"] - table["ratio"]]
    axes.errorbar(table["ratio"], rows, xerr=errors, fmt="o", color=BLUE, capsize=3)
    axes.axvline(1, color="0.3", linewidth=1.3, linestyle="--")
    axes.set_yticks(rows, table["method"])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    finish(axes, xlabel, "", percent=False)
    return noted(figure, note)
