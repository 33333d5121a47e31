"""Sentiment of some 23,000 sentences from videos (CMU-MOSEI, Zadeh et al., ACL 2018).

vision: facial expressions (35 features); audio: COVAREP (74); text: GloVe (300 features).
"""

from collections.abc import Sequence

from mmlib.data._affect import MODALITIES, sentiment_data
from mmlib.data.multimodal_data import MultimodalData

CARD = {
    "position": 13,
    "origin": "from your copy",
    "modalities": "vision, audio, text",
    "size": "about 22,800 utterances",
    "licence": None,
    "credit": "A. Zadeh et al. 2018, ACL; features of MultiBench, arXiv 2107.07502",
    "split": "the split of the release, by video",
}
RECIPE = "cmu_mosei/mcr_vat"  # of mmlib.runs.paper_networks


def load(
    seed: int = 0, task: str = "binary", modalities: Sequence[str] = MODALITIES, stream: bool | None = None
) -> MultimodalData:
    """As mmlib.data._affect.sentiment_data says, which names the options and the errors."""
    return sentiment_data("cmu_mosei", seed, task, modalities, stream)
