"""cmu_mosei: sentiment of spoken sentences, CMU-MOSEI (A. Zadeh et al. 2018, ACL) as MultiBench has it."""

from pathlib import Path

import numpy as np

from data_prep.release.layout import Layout, Part
from data_prep.sets import _multibench as multibench

SKIPS = False
RELEASE = multibench.Release(
    files=("mosei_senti_data.pkl", "mosei_raw.pkl"),
    widths={"vision": (35,), "audio": (74,), "text": (300,)},
)


def layout(raw: Path) -> Layout:
    """The rows of the pickle in ``raw``. Raises PreparationError."""
    return multibench.layout(raw, RELEASE)


def convert(part: Part) -> dict[str, np.ndarray]:
    """The arrays of multibench.convert; "labels" float32, the sentiment from -3 to 3. Raises Undecodable."""
    return multibench.convert(part, RELEASE)
