"""Data sets by name: ``load("uci_digits", views=["fou", "mor"], seed=0)``."""

import inspect
from collections.abc import Callable

from mmlib import checks
from mmlib.data import smartwatch, synthetic, synthetic_regression, uci_digits
from mmlib.data.base import MultimodalData, Split
from mmlib.data.prepared import DataDamaged, DataNotPrepared

DATASETS: dict[str, Callable[..., MultimodalData]] = {
    "synthetic": synthetic.load,
    "synthetic_regression": synthetic_regression.load,
    "uci_digits": uci_digits.load,
    "smartwatch": smartwatch.load,
}
REGRESSIONS = frozenset({"synthetic_regression"})  # the data sets whose labels are real targets


def load(name: str, **options: object) -> MultimodalData:
    """The data set ``name``; the options are those of ``DATASETS[name]``, and equal ones give equal data.

    Raises ValueError for an unknown name or option, DataNotPrepared (a FileNotFoundError) naming the command to run,
    DataDamaged (a ValueError) if the prepared file is not the one that was written.
    """
    checks.one_of("data set", name, DATASETS)
    checks.options(name, options, inspect.signature(DATASETS[name]).parameters)
    return DATASETS[name](**options)


__all__ = ["DATASETS", "REGRESSIONS", "DataDamaged", "DataNotPrepared", "MultimodalData", "Split", "load"]
