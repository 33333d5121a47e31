"""Sentiment of 2,199 sentences from 93 video reviews (CMU-MOSI, Zadeh et al. 2016, arXiv 1606.06259).

vision: facial expressions (20 or 35 features); audio: COVAREP (5 or 74); text: GloVe (300 features).
"""

from collections.abc import Sequence

from mmlib.data.affect import MODALITIES, affect_data, targets
from mmlib.data.base import MultimodalData
from mmlib.data.splits import check_seed
from mmlib.data.stored import read_stored


def load(
    seed: int = 0, task: str = "binary", modalities: Sequence[str] = MODALITIES, stream: bool | None = None
) -> MultimodalData:
    """Inputs [N, 50, features] of each of ``modalities``, zeros before the first word.

    task: "binary" (negative or not), "seven" (classes -3 to 3) or "regression" (the sentiment itself). The splits are
    those of the release, no video in two of them, so every ``seed`` gives the same rows; rows without text are left
    out. stream: whether the rows stay on the disk; None: where they are large.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    check_seed(seed)
    stored = read_stored("cmu_mosi")
    return affect_data(stored, modalities, *targets(stored.column("labels"), task), stream)
