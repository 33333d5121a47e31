"""One look for all figures: colours that colour-blind readers can tell apart, and a marker beside every colour.

Colours: Okabe and Ito, Color Universal Design (2008), without its yellow, which is too pale for lines on white; beside
them wine and olive of Paul Tol's "muted" scheme (Colour Schemes, SRON technical note, 2021).
"""

from collections.abc import Iterable
from typing import NamedTuple

import matplotlib as mpl

BLACK, GREY, BLUE, SKY = "#000000", "#7f7f7f", "#0072b2", "#56b4e9"
GREEN, ORANGE, VERMILLION, PURPLE = "#009e73", "#e69f00", "#d55e00", "#cc79a7"
WINE, OLIVE = "#882255", "#999933"


class Look(NamedTuple):
    """How one name is drawn: colour, marker and line style in matplotlib's terms."""

    colour: str
    marker: str
    line: str = "-"


METHOD_LOOKS = {
    "unimodal": Look(GREY, "s", ":"),
    "ensemble": Look(PURPLE, "D", "-."),
    "joint": Look(BLACK, "o"),
    "multi_loss": Look(SKY, "^", "--"),
    "ogm_ge": Look(ORANGE, "v", "--"),
    "agm": Look(BLUE, "P"),
    "mcr": Look(GREEN, "X"),
    "aim": Look(VERMILLION, "*"),
    "mslr": Look(WINE, "<", "--"),
    "mses": Look(OLIVE, ">", "-."),
}
POSITION_LOOKS = (
    Look(BLUE, "o"),
    Look(VERMILLION, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(PURPLE, "D", ":"),
    Look(ORANGE, "v", "--"),
    Look(BLACK, "P"),
    Look(SKY, "X", "-."),
    Look(GREY, "*", ":"),
    Look(WINE, "<", "-."),
    Look(OLIVE, ">", "--"),
)
SETTINGS = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "axes.facecolor": "white",
    "axes.prop_cycle": mpl.cycler(color=[look.colour for look in POSITION_LOOKS]),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "grid.color": "#e0e0e0",
    "legend.fontsize": 10,
    "legend.frameon": False,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "font.size": 11,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}


def apply_style() -> None:
    """Makes the style the default of every figure drawn afterwards in this process."""
    mpl.rcParams.update(SETTINGS)


def look(names: Iterable[str]) -> dict[str, Look]:
    """Name -> Look. A method looks the same in every figure; other names, such as modalities, go by their position.

    In a figure with both, a position skips the looks whose colour a method has taken, and the markers while it can.
    Raises ValueError where there are more names than looks.
    """
    names = list(dict.fromkeys(names))
    taken = [METHOD_LOOKS[name] for name in names if name in METHOD_LOOKS]
    free = [each for each in POSITION_LOOKS if each.colour not in {method.colour for method in taken}]
    free.sort(key=lambda each: each.marker in {method.marker for method in taken})  # markers of their own come first
    others = [name for name in names if name not in METHOD_LOOKS]
    if len(others) > len(free):
        raise ValueError(f"the style can tell {len(free)} names apart here, got {len(others)}: draw fewer at once.")
    by_position = dict(zip(others, free))
    return {name: METHOD_LOOKS.get(name) or by_position[name] for name in names}
