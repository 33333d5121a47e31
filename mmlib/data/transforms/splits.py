"""What several data sets do to their splits: check the seed, standardise with statistics of the training rows."""

import torch
from torch import Tensor

from mmlib import checks

LARGEST_SEED = 2**32 - 1  # what scikit-learn and numpy accept


def check_seed(seed: object) -> None:
    """Raises TypeError or ValueError unless ``seed`` is a whole number from 0 to 2^32 - 1."""
    checks.whole("seed", seed)
    checks.number("seed", seed, 0, LARGEST_SEED)


def standardise(splits: dict[str, Tensor], dims: tuple[int, ...] = (0,)) -> dict[str, Tensor]:
    """Shifts and scales every split by the mean and standard deviation of ``splits["train"]`` over ``dims``.

    A feature that is constant in the training rows is only shifted.
    """
    train = splits["train"]
    mean = train.mean(dims, keepdim=True)
    deviation = train.std(dims, correction=0, keepdim=True)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    return {name: (values - mean) / deviation for name, values in splits.items()}
