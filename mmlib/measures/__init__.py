"""Measures of modality imbalance, and the statistics to compare methods with."""

import importlib
import pkgutil

from mmlib.measures.accuracy import masked_accuracy, response_accuracy
from mmlib.measures.competition import competition_of, competition_strength
from mmlib.measures.depth import depth_imbalance, depth_performance, depth_probes, depth_prototypes, weak_channels
from mmlib.measures.error_groups import ErrorGroups, error_groups
from mmlib.measures.gradient_share import gradient_share
from mmlib.measures.probes import linear_probe, monomodal_gap
from mmlib.measures.registry import MEASURES, NEED_FUSION, Trained, measure
from mmlib.measures.shapley_values import shapley_values
from mmlib.measures.statistics import mean_interval, paired_comparison

# A measure is known by its file, also one that is not named above.
for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "MEASURES",
    "NEED_FUSION",
    "ErrorGroups",
    "Trained",
    "competition_of",
    "competition_strength",
    "depth_imbalance",
    "depth_performance",
    "depth_probes",
    "depth_prototypes",
    "error_groups",
    "gradient_share",
    "linear_probe",
    "masked_accuracy",
    "mean_interval",
    "measure",
    "monomodal_gap",
    "paired_comparison",
    "response_accuracy",
    "shapley_values",
    "weak_channels",
]
