"""Is the sentence a punchline? Passages of TED talks (UR-FUNNY, Hasan et al., EMNLP 2019, arXiv 1904.06618).

vision: OpenFace (371 features); audio: COVAREP (81); text: GloVe (300).
"""

from collections.abc import Sequence

from mmlib import checks
from mmlib.data._affect import MODALITIES, affect_data
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.stored import read_stored

CARD = {
    "position": 14,
    "origin": "from your copy",
    "modalities": "vision, audio, text",
    "size": "about 10,200 punchlines",
    "licence": None,
    "credit": "M. Hasan et al. 2019, EMNLP, arXiv 1904.06618; features of MultiBench, arXiv 2107.07502",
    "split": "the split of the release",
}
RECIPE = "ur_funny/agm"  # of mmlib.runs.paper_networks


def load(seed: int = 0, modalities: Sequence[str] = MODALITIES, stream: bool | None = None) -> MultimodalData:
    """Inputs [N, 50, features] of each of ``modalities``, from the first word on, zeros behind the last.

    The splits are those of the release, so every ``seed`` gives the same rows; rows without text are left out.
    stream: whether the rows stay on the disk; None: where they are large.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    stored = read_stored("ur_funny")
    return affect_data(stored, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)
