"""How a data set is trained: one network and one budget for all methods, so that only the method differs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Defaults for one data set.

    encoder: name in mmlib.models.ENCODERS, or {modality: name}; model: options of build_model; training: options of fit
    but the epochs; epochs and seeds: how many in each profile (smoke, quick, full).
    """

    encoder: str | Mapping[str, str]
    model: Mapping[str, object]
    training: Mapping[str, object]
    epochs: Mapping[str, int]
    seeds: Mapping[str, int]


SEEDS = {"smoke": 2, "quick": 5, "full": 10}
SGD = {"optimizer": "sgd", "lr": 0.02, "weight_decay": 0.0, "batch_size": 64}
ADAMW = {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.01, "batch_size": 64}
