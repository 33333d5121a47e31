"""Means with intervals over seeds, and methods compared pairwise on equal seeds.

SciPy and pandas are imported where they are used: mmlib.measures imports where only PyTorch and NumPy are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmlib import checks

if TYPE_CHECKING:
    import pandas as pd

LEAST_SEEDS = 5  # fewer give no p-value


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """(mean, low, high) with the Student t interval of the mean, the values being one per seed, in their own unit.

    One value alone has no interval: low and high are then NaN. Raises ValueError for no values, NaN or infinity, or a
    level outside 0..1.
    """
    checks.number("level", level, low=0, high=1)
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs a list of at least one finite number, got {values.tolist()}.")
    mean = float(values.mean())
    if len(values) == 1:
        return mean, math.nan, math.nan
    from scipy import stats

    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values))
    return mean, mean - half, mean + half


def paired_comparison(table: pd.DataFrame, baseline: str, level: float = 0.95) -> pd.DataFrame:
    """Every other method minus ``baseline``, paired by seed.

    table: tidy, one row per method and seed, columns method, seed, value. Gives one row per method, in the order of the
    table: method, baseline, seeds (their number), difference (mean), low, high (t interval), p (two-sided paired
    t-test), p_holm (p corrected by Holm 1979 for the comparisons of this call). With fewer than 5 seeds both p
    are NaN. Methods equal on every seed have p = 1.
    Raises ValueError for missing columns, values that are not finite, a pair of method and seed that comes twice, an
    unknown baseline, nothing to compare it with, or methods whose seeds differ.
    """
    import pandas as pd

    wide = _by_seed(table)
    checks.one_of("baseline", baseline, wide.columns)
    others = [m for m in wide.columns if m != baseline]
    if not others:
        raise ValueError(f"the table holds the baseline {baseline!r} alone: nothing to compare it with.")
    rows = []
    for m in others:
        difference, low, high = mean_interval(wide[m] - wide[baseline], level)
        p = _paired_p(wide[m], wide[baseline])
        rows.append((m, baseline, len(wide), difference, low, high, p))
    result = pd.DataFrame(rows, columns=["method", "baseline", "seeds", "difference", "low", "high", "p"])
    return result.assign(p_holm=holm(result["p"]))


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction of k p-values: the i-th smallest times (k - i + 1), never below the one before."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def _paired_p(values: pd.Series, baseline: pd.Series) -> float:
    if len(values) < LEAST_SEEDS:
        return math.nan
    if (values == baseline).all():
        return 1.0
    from scipy import stats

    return float(stats.ttest_rel(values, baseline).pvalue)


def _by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """One column per method, one row per seed."""
    missing = [c for c in ("method", "seed", "value") if c not in table]
    if missing:
        raise ValueError(f"the table needs the columns method, seed and value; {missing} missing in {list(table)}.")
    if table["value"].dtype.kind not in "biuf":
        raise ValueError(f"value must hold numbers, it holds {table['value'].dtype}.")
    broken = table[~np.isfinite(table["value"])]
    if len(broken):
        raise ValueError(f"value must be finite in every row, it is not for {_pairs(broken)}.")
    twice = table[table.duplicated(["method", "seed"])]
    if len(twice):
        raise ValueError(f"one row per method and seed expected, there are several for {_pairs(twice)}.")
    wide = table.pivot(index="seed", columns="method", values="value")[list(table["method"].unique())]
    for m in wide:
        lacking = wide.index[wide[m].isna()].tolist()
        if lacking:
            raise ValueError(f"methods are compared on equal seeds: {m!r} lacks seeds {lacking}, run it on them too.")
    return wide


def _pairs(rows: pd.DataFrame) -> str:
    return ", ".join(f"{m!r} seed {s}" for m, s in zip(rows["method"], rows["seed"]))
