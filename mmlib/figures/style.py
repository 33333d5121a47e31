"""One look for all figures: colours that colour-blind readers can tell apart, and a marker beside every colour.

Colours: Okabe and Ito, Color Universal Design (2008), without its yellow, which is too pale for lines on white; besides
them wine, olive, indigo and forest green of Paul Tol's "muted" scheme, brown of his "YlOrBr" (Colour Schemes, SRON
technical note, 2021), and violet of IBM's palette for colour-blind readers.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import matplotlib as mpl

from mmlib.methods import METHODS

BLACK, GREY, BLUE, SKY = "#000000", "#7f7f7f", "#0072b2", "#56b4e9"
GREEN, ORANGE, VERMILLION, PURPLE = "#009e73", "#e69f00", "#d55e00", "#cc79a7"
WINE, OLIVE, INDIGO, FOREST = "#882255", "#999933", "#332288", "#117733"
BROWN, VIOLET = "#662506", "#785ef0"


class Look(NamedTuple):
    """How one name is drawn: colour, marker and line style in matplotlib's terms."""

    colour: str
    marker: str
    line: str = "-"


# These methods keep their looks. One that METHODS has besides them gets the next of FURTHER_LOOKS.
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
LATER_COLOURS = (
    INDIGO, FOREST, BROWN, VIOLET, BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK, SKY, GREY, WINE, OLIVE,
)  # fmt: skip
LATER_MARKERS = ("p", "d", "h", "8", "o", "s", "D", "^", "v", "P", "X", "*", "<", ">")
LINES = ("-", "--", "-.", ":")


def _further_looks() -> Iterator[Look]:
    """The colours in turn, each time around with other markers; what a method in METHOD_LOOKS has is left out."""
    taken = {(each.colour, each.marker) for each in METHOD_LOOKS.values()}
    for around in range(len(LATER_MARKERS)):
        for i, colour in enumerate(LATER_COLOURS, around):
            marker, line = LATER_MARKERS[i % len(LATER_MARKERS)], LINES[i % len(LINES)]
            if (colour, marker) not in taken:
                yield Look(colour, marker, line)


FURTHER_LOOKS = tuple(_further_looks())
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


def method_looks() -> dict[str, Look]:
    """Method -> Look, of all in METHODS as it is now: those that were added last go by their order in it."""
    added = (name for name in METHODS if name not in METHOD_LOOKS)
    return METHOD_LOOKS | dict(zip(added, FURTHER_LOOKS, strict=False))


def look(names: Iterable[str]) -> dict[str, Look]:
    """Name -> Look. A method looks the same in every figure; other names, such as modalities, go by their position.

    In a figure with both, a position skips the looks whose colour a method has taken, and the markers while it can.
    Raises ValueError where there are more names than looks.
    """
    names, of_methods = list(dict.fromkeys(names)), method_looks()
    taken = [of_methods[name] for name in names if name in of_methods]
    free = [each for each in POSITION_LOOKS if each.colour not in {method.colour for method in taken}]
    free.sort(key=lambda each: each.marker in {method.marker for method in taken})  # markers of their own come first
    others = [name for name in names if name not in of_methods]
    if len(others) > len(free):
        raise ValueError(f"the style can tell {len(free)} names apart here, got {len(others)}: draw fewer at once.")
    by_position = dict(zip(others, free))
    return {name: of_methods.get(name) or by_position[name] for name in names}
