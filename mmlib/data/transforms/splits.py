"""What several data sets do to their splits: check how many rows are asked for, standardise by the training rows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmlib import checks


def check_samples(samples: Sequence[int]) -> None:
    """Raises TypeError or ValueError unless ``samples`` are three whole numbers of at least 2."""
    if isinstance(samples, str) or not isinstance(samples, Sequence) or len(samples) != 3:
        raise ValueError(f"samples must be three whole numbers, the rows of train, valid and test, got {samples!r}.")
    for split, count in zip(("train", "valid", "test"), samples, strict=True):
        checks.whole(f"samples of {split}", count, 2)


def standardise(splits: dict[str, Tensor], dims: tuple[int, ...] = (0,)) -> dict[str, Tensor]:
    """Shifts and scales every split by the mean and standard deviation of ``splits["train"]`` over ``dims``.

    A feature that is constant in the training rows is only shifted.
    """
    train = splits["train"]
    mean = train.mean(dims, keepdim=True)
    deviation = train.std(dims, correction=0, keepdim=True)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    return {name: (values - mean) / deviation for name, values in splits.items()}
