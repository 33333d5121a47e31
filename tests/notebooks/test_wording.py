"""Sentences say what the numbers say."""

import pandas as pd

from mmlib.notebooks.wording import difference, points, significance


def test_points_gives_mean_interval_and_seeds():
    assert points([0.8, 0.82, 0.84]) == "82.0 % (95 % interval 77.0 to 87.0, 3 seeds)"
    assert points([0.5]) == "50.0 % (1 seed, no interval)"


def test_difference_names_a_side_only_when_the_interval_leaves_zero_out():
    assert difference([0.02, 0.03, 0.04]) == "3.0 points higher (95 % interval 0.5 to 5.5, 3 seeds)"
    assert difference([-0.02, -0.03, -0.04]) == "3.0 points lower (95 % interval -5.5 to -0.5, 3 seeds)"
    assert difference([-0.02, 0.0, 0.05]).startswith("no clear difference (+1.0 points; 95 % interval")
    assert difference([0.1]) == "no clear difference (+10.0 points; 1 seed, no interval)"


def test_significance_names_those_below_the_level():
    table = pd.DataFrame({"method": ["agm", "mcr"], "p_holm": [0.04, 0.06]})
    assert significance(table).endswith("looking at 2 of them. Below 0.05: agm.")
    assert significance(table.assign(p_holm=0.5)).endswith("Below 0.05: none.")
    assert "fewer than 5 seeds" in significance(table.assign(p_holm=float("nan")))
