"""Data sets by name: ``load("uci_digits", views=["fou", "mor"], seed=0)``."""

import inspect
from collections.abc import Callable, Mapping

from mmlib import checks
from mmlib.data import (
    av_digits,
    av_mnist,
    ave,
    cmu_mosei,
    cmu_mosi,
    crema_d,
    emoji,
    kinetics_sounds,
    smartwatch,
    something_something,
    synthetic,
    ucf101,
    uci_digits,
    ur_funny,
)
from mmlib.data.base import MultimodalData, Split
from mmlib.data.storage.manifest import DataDamaged, DataNotPrepared
from mmlib.data.synthetic import regression as synthetic_regression

DATASETS: dict[str, Callable[..., MultimodalData]] = {
    "synthetic": synthetic.load,
    "synthetic_regression": synthetic_regression.load,
    "uci_digits": uci_digits.load,
    "smartwatch": smartwatch.load,
    "av_digits": av_digits.load,
    "emoji": emoji.load,
    "av_mnist": av_mnist.load,
    "cmu_mosi": cmu_mosi.load,
    "cmu_mosei": cmu_mosei.load,
    "ur_funny": ur_funny.load,
    "crema_d": crema_d.load,
    "ave": ave.load,
    "kinetics_sounds": kinetics_sounds.load,
    "ucf101": ucf101.load,
    "something_something": something_something.load,
}


def is_regression(name: str, options: Mapping[str, object]) -> bool:
    """Whether the labels of the data set ``name``, loaded with ``options``, are real targets."""
    return name == "synthetic_regression" or options.get("task") == "regression"


def load(name: str, **options: object) -> MultimodalData:
    """The data set ``name``; the options are those of ``DATASETS[name]``, and equal ones give equal data.

    Raises ValueError for an unknown name or option, DataNotPrepared (a FileNotFoundError) naming the command to run,
    DataDamaged (a ValueError) if the prepared file is not the one that was written.
    """
    checks.one_of("data set", name, DATASETS)
    checks.options(name, options, inspect.signature(DATASETS[name]).parameters)
    return DATASETS[name](**options)


__all__ = ["DATASETS", "DataDamaged", "DataNotPrepared", "MultimodalData", "Split", "is_regression", "load"]
