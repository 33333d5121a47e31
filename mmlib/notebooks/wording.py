"""Sentences about results, made from the results: a notebook never states a number that its own run did not give."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmlib.measures import mean_interval


def points(values: Sequence[float]) -> str:
    """Fractions, one per seed, as per cent: "81.2 % (95 % interval 79.9 to 82.5, 5 seeds)"."""
    mean, low, high = mean_interval(values)
    return f"{100 * mean:.1f} % ({_interval(100 * low, 100 * high, len(values))})"


def difference(values: Sequence[float]) -> str:
    """Differences of fractions, one per seed, in percentage points, and whether they can be told from zero.

    "2.1 points higher (95 % interval 1.0 to 3.2, 5 seeds)", "... lower (...)" or "no clear difference (...)".
    """
    mean, low, high = (100 * v for v in mean_interval(values))
    seeds = _interval(low, high, len(values))
    if not (low > 0 or high < 0):
        return f"no clear difference ({mean:+.1f} points; {seeds})"
    return f"{abs(mean):.1f} points {'higher' if mean > 0 else 'lower'} ({seeds})"


def _interval(low: float, high: float, seeds: int) -> str:
    if np.isnan(low):
        return "1 seed, no interval"
    return f"95 % interval {low:.1f} to {high:.1f}, {seeds} seeds"


def significance(comparisons: pd.DataFrame, level: float = 0.05) -> str:
    """One sentence on a table of ``mmlib.runs.comparisons.against``: which corrected p-values are below ``level``."""
    if comparisons["p_holm"].isna().any():
        return "With fewer than 5 seeds no p-value is given; read the intervals."
    below = comparisons.loc[comparisons["p_holm"] < level, "method"]
    found = ", ".join(below) if len(below) else "none"
    return (
        "An interval without 0 is evidence for that one comparison; p is corrected for looking at "
        f"{len(comparisons)} of them. Below {level:g}: {found}."
    )
