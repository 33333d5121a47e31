"""Whether a training can be begun: its settings, and what network and data ask of each other."""

from functools import partial

import torch

from mmlib import checks
from mmlib.data import MultimodalData
from mmlib.methods import Method
from mmlib.training.frozen_parts import check_trainable

OPTIMIZERS = {"sgd": partial(torch.optim.SGD, momentum=0.9), "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def check_settings(
    *, epochs: int, batch_size: int, lr: float, optimizer: str, weight_decay: float, seed: int = 0
) -> None:
    """Raises TypeError or ValueError, naming the setting, unless ``fit`` can use all of them."""
    checks.whole("epochs", epochs, 1)
    checks.whole("batch_size", batch_size, 1)
    checks.seed(seed)
    checks.factor("lr", lr)
    checks.factor("weight_decay", weight_decay)
    checks.one_of("optimizer", optimizer, OPTIMIZERS)


def check_fit(method: Method, data: MultimodalData) -> None:
    """Raises TypeError or ValueError unless ``method`` can be trained on ``data``."""
    if not isinstance(method, Method):
        raise TypeError(f"fit trains a Method such as Joint(model), got {type(method).__name__}.")
    if not isinstance(data, MultimodalData):
        raise TypeError(f"fit trains on the MultimodalData that mmlib.data.load gives, got {type(data).__name__}.")
    if set(method.model.modalities) != set(data.modalities):
        raise ValueError(
            f"the model reads {list(method.model.modalities)}, data {data.name!r} has {list(data.modalities)}."
        )
    method.check_kind(data.train.labels.dtype)
    if method.model.num_classes != data.num_classes:
        raise ValueError(
            f"the model tells {method.model.num_classes} classes apart, data {data.name!r} has {data.num_classes}."
        )
    check_trainable(method)
