"""Measures of modality imbalance, and the statistics to compare methods with."""

from mmlib.measures.accuracy import masked_accuracy, response_accuracy
from mmlib.measures.competition import competition_of, competition_strength
from mmlib.measures.depth import depth_imbalance, depth_performance, depth_probes, depth_prototypes, weak_channels
from mmlib.measures.error_groups import ErrorGroups, error_groups
from mmlib.measures.gradient_share import gradient_share
from mmlib.measures.probes import linear_probe, monomodal_gap
from mmlib.measures.shapley_values import shapley_values
from mmlib.measures.statistics import mean_interval, paired_comparison

__all__ = [
    "ErrorGroups",
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
    "monomodal_gap",
    "paired_comparison",
    "response_accuracy",
    "shapley_values",
    "weak_channels",
]
