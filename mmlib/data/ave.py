"""28 kinds of events that are seen and heard, in clips of 10 s (AVE, Tian et al., ECCV 2018, arXiv 1803.08842).

AGM's AVE is another task: features made beforehand (VGG, VGGish) of 10 segments, 29 classes. MCR takes 4 frames a clip.
"""

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.mapped import View
from mmlib.data.storage.stored import read_stored
from mmlib.data.transforms.clips import rows_by_split, some_frames

CARD = {
    "position": 9,
    "origin": "from your copy",
    "modalities": "audio, visual",
    "size": "4,143 clips, 28 classes",
    "licence": None,
    "credit": "Y. Tian et al. 2018, ECCV, arXiv 1803.08842",
    "split": "the lists of the release",
}
RECIPE = "ave/mcr"  # of mmlib.runs.paper_networks


def load(seed: int = 0, frames: int = 1, stream: bool | None = None) -> MultimodalData:
    """Inputs "audio" [N, 1, 257, 625], a log spectrogram of 10 s, "visual" [N, 3, 224, 224] or [N, 3, 3, 224, 224].

    The splits are the three lists of the release, no video in two of them, so every ``seed`` gives the same rows.
    frames: 1, from the middle of the event, or 3, from the middles of its thirds. stream: whether the rows stay on the
    disk. Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    modalities = {"audio": View("audio"), "visual": some_frames("visual", frames)}
    stored = read_stored("ave")
    rows = rows_by_split(stored.column("split"))
    return stored.data(rows, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)
