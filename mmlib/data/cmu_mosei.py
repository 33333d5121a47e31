"""Sentiment of some 23,000 sentences from videos (CMU-MOSEI, Zadeh et al., ACL 2018).

vision: facial expressions (35 features); audio: COVAREP (74); text: GloVe (300 features).
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
    stored = read_stored("cmu_mosei")
    return affect_data(stored, modalities, *targets(stored.column("labels"), task), stream)
