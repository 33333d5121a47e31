"""Numbers that a user gives a method."""

import torch

from mmlib import checks

LARGEST = torch.finfo(torch.float32).max  # a larger one is infinite in the step of a float32 network


def check_factor(name: str, value: object, low: float = 0.0) -> None:
    """Raises TypeError or ValueError unless ``value`` is a number from ``low`` to the largest float32."""
    checks.number(name, value, low)
    if value > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST:.5g}, the largest float32 number, got {value!r}.")
