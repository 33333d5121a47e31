"""Sentiment of 2,199 sentences from 93 video reviews (CMU-MOSI, Zadeh et al. 2016, arXiv 1606.06259).

vision: facial expressions (20 or 35 features); audio: COVAREP (5 or 74); text: GloVe (300 features).
"""

from collections.abc import Sequence

from mmlib.data._affect import MODALITIES, sentiment_data
from mmlib.data.multimodal_data import MultimodalData


def load(
    seed: int = 0, task: str = "binary", modalities: Sequence[str] = MODALITIES, stream: bool | None = None
) -> MultimodalData:
    """As mmlib.data._affect.sentiment_data says, which names the options and the errors."""
    return sentiment_data("cmu_mosi", seed, task, modalities, stream)
