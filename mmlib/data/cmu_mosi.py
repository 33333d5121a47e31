"""Sentiment of 2,199 sentences from 93 video reviews (CMU-MOSI, Zadeh et al. 2016, arXiv 1606.06259).

vision: facial expressions (20 or 35 features); audio: COVAREP (5 or 74); text: GloVe (300 features).
"""

from collections.abc import Sequence

from mmlib.data._affect import MODALITIES, sentiment_data
from mmlib.data.multimodal_data import MultimodalData

CARD = {
    "position": 12,
    "origin": "from your copy",
    "modalities": "vision, audio, text",
    "size": "2,199 utterances",
    "licence": None,
    "credit": "A. Zadeh et al. 2016, arXiv 1606.06259; features of MultiBench, arXiv 2107.07502",
    "split": "the split of the release, by video",
}
RECIPE = "cmu_mosi/mcr_vat"  # of mmlib.runs.paper_networks


def load(
    seed: int = 0, task: str = "binary", modalities: Sequence[str] = MODALITIES, stream: bool | None = None
) -> MultimodalData:
    """As mmlib.data._affect.sentiment_data says, which names the options and the errors."""
    return sentiment_data("cmu_mosi", seed, task, modalities, stream)
