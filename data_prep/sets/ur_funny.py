"""ur_funny: is the end of a talk's passage a punchline? UR-FUNNY (M. Hasan et al. 2019, EMNLP) as MultiBench has it.

The ids of its rows are numbers of clips, which tell no speaker: that no speaker is in two splits rests on the release.
"""

from pathlib import Path

import numpy as np

from data_prep.release.layout import Layout, Part
from data_prep.sets import _multibench as multibench

SKIPS = False
RELEASE = multibench.Release(
    files=("humor.pkl",),
    widths={"vision": (371,), "audio": (81,), "text": (300,)},
    classes=("not funny", "funny"),
    trims=True,
)


def layout(raw: Path) -> Layout:
    """The rows of the pickle in ``raw``. Raises PreparationError."""
    return multibench.layout(raw, RELEASE)


def convert(part: Part) -> dict[str, np.ndarray]:
    """The arrays of multibench.convert, leading steps without text cut; "labels" int64. Raises Undecodable."""
    return multibench.convert(part, RELEASE)
