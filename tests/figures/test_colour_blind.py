"""The colours of methods for readers who do not see all of them, simulated after Machado et al. 2009."""

from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb

from mmlib.figures.style import FURTHER_LOOKS, METHOD_LOOKS

SEEN = {
    "all": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
WHITE = [0.95047, 1, 1.08883]


def lab(colour, seen):
    """CIELAB of an sRGB colour as it is seen."""
    given = np.array(to_rgb(colour))
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(np.array(XYZ) @ np.clip(np.array(seen) @ linear, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(pairs):
    """The least distance of two colours, to any eye."""
    return min(np.linalg.norm(lab(a, seen) - lab(b, seen)) for a, b in pairs for seen in SEEN.values())


def test_further_colours_are_told_apart_better_than_the_nearest_of_the_first():
    first = {each.colour for each in METHOD_LOOKS.values()}
    new = {each.colour for each in FURTHER_LOOKS} - first
    assert len(new) == 4
    pairs = [(a, b) for a in new for b in first] + list(combinations(new, 2))
    assert nearest(pairs) > 13 > nearest(combinations(first, 2)) > 8


def test_the_simulation_makes_rose_grey():
    rose, grey = "#cc6677", "#7f7f7f"
    assert np.linalg.norm(lab(rose, SEEN["all"]) - lab(grey, SEEN["all"])) > 30
    assert nearest([(rose, grey)]) < 4
