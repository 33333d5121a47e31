"""cmu_mosi: sentiment of spoken sentences, CMU-MOSI (A. Zadeh et al. 2016, arXiv 1606.06259) as MultiBench has it.

mosi_raw.pkl has 35 features of vision and 74 of audio, mosi_data.pkl 20 and 5.
"""

from pathlib import Path

import numpy as np

from data_prep.release.layout import Layout, Part
from data_prep.sets import _multibench as multibench

SKIPS = False
RELEASE = multibench.Release(
    files=("mosi_raw.pkl", "mosi_data.pkl"),
    widths={"vision": (20, 35), "audio": (5, 74), "text": (300,)},
)


def layout(raw: Path) -> Layout:
    """The rows of the pickle in ``raw``. Raises PreparationError."""
    return multibench.layout(raw, RELEASE)


def convert(part: Part) -> dict[str, np.ndarray]:
    """The arrays of multibench.convert; "labels" float32, the sentiment from -3 to 3. Raises Undecodable."""
    return multibench.convert(part, RELEASE)
