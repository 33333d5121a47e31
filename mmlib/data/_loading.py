"""A data set by its name and options, checked."""

import inspect
from collections.abc import Mapping

from mmlib import checks
from mmlib.data._datasets import DATASETS
from mmlib.data.multimodal_data import MultimodalData
from mmlib.records.catalogue import REGRESSIONS


def load(name: str, **options: object) -> MultimodalData:
    """The data set ``name``; the options are those of ``DATASETS[name]``, and equal ones give equal data.

    Raises ValueError for an unknown name or option, DataNotPrepared (a FileNotFoundError) naming the command to run,
    DataDamaged (a ValueError) if the prepared file is not the one that was written.
    """
    checks.one_of("data set", name, DATASETS)
    checks.options(name, options, inspect.signature(DATASETS[name]).parameters)
    return DATASETS[name](**options)


def is_regression(name: str, options: Mapping[str, object]) -> bool:
    """Whether the labels of the data set ``name``, loaded with ``options``, are real targets."""
    return name in REGRESSIONS or options.get("task") == "regression"
