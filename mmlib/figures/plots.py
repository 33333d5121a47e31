"""One function per kind of figure: a tidy table in, a matplotlib Figure out; means, 95 % t-intervals, every seed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mmlib.figures.style import Look, apply_style, look
from mmlib.measures import mean_interval

INTERVAL_NOTE = "Large marks: mean and 95 % t-interval over {n} seeds. Small dots: single seeds."
BAND_NOTE = "Lines: mean over {n} seeds. Bands: 95 % t-interval."
MOST_INSIDE = 5  # names in a legend that finds room beside the data
DASHES = ((0, (4, 3)), (0, (1, 2)), (0, (8, 3)))
Reference = float | Mapping[str, float | Mapping[str, float]]  # y; or panel -> y; or panel -> category -> y


def interval(values: Sequence[float]) -> tuple[float, float]:
    """(low, high) of the 95 % t-interval, in the form seaborn's errorbar takes."""
    return mean_interval(values)[1:]


def seed_points(
    table: pd.DataFrame,
    x: str,
    hue: str,
    *,
    xlabel: str,
    ylabel: str | Mapping[str, str],
    panel: str | None = None,
    references: Mapping[str, Reference] | None = None,
    percent: bool = True,
    size: tuple[float, float] = (7.0, 4.0),
) -> Figure:
    """``value`` for each category of column ``x``, side by side for each of ``hue``; one panel per value of ``panel``.

    ylabel: one for all panels, which then share their scale, or {panel: label}; references: label -> value, drawn as a
    horizontal line, or {panel: value}, or {panel: {category: value}}; percent: show fractions as per cent. With ``hue``
    equal to ``x`` there is no legend.
    """
    titles = [None] if panel is None else list(dict.fromkeys(table[panel]))
    own_scales = isinstance(ylabel, Mapping)
    figure, all_axes = canvas(size, columns=len(titles), share_y=not own_scales)
    for number, (axes, title) in enumerate(zip(all_axes, titles, strict=True)):
        part = table if title is None else table[table[panel] == title]
        _draw_seed_points(axes, part, x, hue, legend=number == 0 and hue != x)
        draw_references(axes, references or {}, title)
        label = ylabel[title] if own_scales else ylabel if number == 0 else ""
        finish(axes, xlabel, label, percent, title=title)
    one_legend(figure)
    return noted(figure, INTERVAL_NOTE.format(n=table["seed"].nunique()))


def _draw_seed_points(axes: Axes, table: pd.DataFrame, x: str, hue: str, legend: bool) -> None:
    names = list(dict.fromkeys(table[hue]))
    looks = look(names)
    dodge = 0.8 * (len(names) - 1) / len(names) if len(names) > 1 and hue != x else False
    common = {
        "data": table, "x": x, "y": "value", "hue": hue, "hue_order": names, "ax": axes,
        "order": list(dict.fromkeys(table[x])), "palette": {name: looks[name].colour for name in names},
    }  # fmt: skip
    sns.pointplot(
        **common, markers=[looks[name].marker for name in names], dodge=dodge, linestyle="none", markersize=8,
        errorbar=interval, capsize=0.08 / (len(names) if dodge else 1), err_kws={"linewidth": 1.6}, zorder=3,
        legend=legend,
    )  # fmt: skip
    with _fixed_jitter():
        sns.stripplot(
            **common, dodge=bool(dodge), size=4, linewidth=0.6, edgecolor="white", zorder=5, legend=False,
        )  # fmt: skip


@contextmanager
def _fixed_jitter() -> Iterator[None]:
    """seaborn jitters by numpy's global random numbers: the same table must give the same picture."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


def curves(
    table: pd.DataFrame,
    x: str,
    hue: str,
    *,
    xlabel: str,
    ylabel: str,
    panel: str | None = None,
    references: Mapping[str, Reference] | None = None,
    percent: bool = True,
    log_x: bool = False,
    size: tuple[float, float] = (7.0, 4.0),
) -> Figure:
    """``value`` along the numeric column ``x``, one line per ``hue``, one panel per value of ``panel``.

    references: label -> value, or {panel: value} for a line in some panels only; log_x: logarithmic x axis.
    """
    titles = [None] if panel is None else list(dict.fromkeys(table[panel]))
    figure, all_axes = canvas(size, columns=len(titles))
    names = list(dict.fromkeys(table[hue]))
    for number, (axes, title) in enumerate(zip(all_axes, titles, strict=True)):
        part = table if title is None else table[table[panel] == title]
        for name, drawn in look(names).items():
            draw_course(axes, part[part[hue] == name], x, name, drawn)
        draw_references(axes, references or {}, title)
        finish(axes, xlabel, ylabel if number == 0 else "", percent, title=title)
        if log_x:
            axes.set_xscale("log")
            axes.set_xticks(sorted(part[x].unique()), [f"{value:g}" for value in sorted(part[x].unique())])
            axes.minorticks_off()
        elif x == "epoch":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    one_legend(figure)
    return noted(figure, BAND_NOTE.format(n=table["seed"].nunique()))


def draw_course(axes: Axes, table: pd.DataFrame, x: str, label: str, drawn: Look) -> None:
    """Mean and interval of ``value`` along ``x``, marks on a few points so that lines differ without colour."""
    groups = table.groupby(x)["value"]
    middle = groups.mean()
    spread = groups.apply(lambda values: pd.Series(interval(values.to_numpy()), index=["low", "high"])).unstack()
    every = max(1, len(middle) // 8)
    axes.plot(
        middle.index,
        middle,
        label=label,
        color=drawn.colour,
        marker=drawn.marker,
        linestyle=drawn.line,
        markevery=every,
    )
    axes.fill_between(middle.index, spread["low"], spread["high"], color=drawn.colour, alpha=0.18, linewidth=0)


def draw_references(axes: Axes, references: Mapping[str, Reference], panel: str | None) -> None:
    """Dashed lines with their names in the legend: across the panel, or a short one over each category."""
    for (label, where), dashes in zip(references.items(), cycle(DASHES), strict=False):
        y = where.get(panel) if isinstance(where, Mapping) else where
        drawn = {"color": "0.3", "linewidth": 1.3, "linestyle": dashes, "label": label, "zorder": 1}
        if isinstance(y, Mapping):
            positions = [int(float(axes.convert_xunits(category))) for category in y]
            axes.hlines(list(y.values()), [p - 0.35 for p in positions], [p + 0.35 for p in positions], **drawn)
        elif y is not None:
            axes.axhline(y, **drawn)


def canvas(size: tuple[float, float], columns: int = 1, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    """An empty figure in the house style, ``size`` in inches, with ``columns`` axes beside each other."""
    apply_style()
    figure, axes = plt.subplots(1, columns, figsize=size, sharey=share_y, squeeze=False, layout="constrained")
    return figure, list(axes[0])


def finish(axes: Axes, xlabel: str, ylabel: str, percent: bool, title: str | None = None) -> None:
    """Labels and, where the values are fractions, a per-cent axis."""
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title or "")
    if percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if axes.get_legend() is not None:  # seaborn's own, with a title that repeats a column's name
        axes.get_legend().remove()


def one_legend(figure: Figure) -> None:
    """Every name once: inside the axes if there is one and the names are few, else above, where it hides no data."""
    named = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if named and len(figure.axes) == 1 and len(named) <= MOST_INSIDE:
        figure.axes[0].legend(named.values(), named.keys(), frameon=False)
    elif named:
        # About 0.55 inches for each mark and 0.085 for each letter: as many rows as that needs.
        needed = sum(0.55 + 0.085 * len(name) for name in named)
        columns = math.ceil(len(named) / math.ceil(needed / figure.get_figwidth()))
        figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=columns, frameon=False)


def noted(figure: Figure, note: str) -> Figure:
    """The figure with a small line under it that says what marks and intervals are."""
    figure.supxlabel(note, fontsize="x-small", color="0.35")
    return figure
