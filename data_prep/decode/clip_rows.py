"""What the rows of all data sets of clips have in common."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def columns(about: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Each number as a column of one row: int8 for those named "split...", else int64."""
    return {name: np.array([value], np.int8 if name.startswith("split") else np.int64) for name, value in about.items()}


def short_name(path: Path) -> str:
    """What messages call a file: its folder and its name."""
    return f"{path.parent.name}/{path.name}"


def channels_first(frames: np.ndarray) -> np.ndarray:
    """[T, H, W, 3] -> [1, 3, T, H, W]."""
    return frames.transpose(3, 0, 1, 2)[None]
