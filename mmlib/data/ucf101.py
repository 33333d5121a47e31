"""101 human actions as frames and optical flow (UCF101, Soomro et al. 2012, arXiv 1212.0402).

MCR's UCF101 is another task: the sound and 4 frames of the clips of 51 classes, those with sound.
"""

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.stored import read_stored
from mmlib.data.transforms.clips import clip, hold_out, motion, rows_by_split

CARD = {
    "position": 11,
    "origin": "from your copy",
    "modalities": "rgb, flow",
    "size": "13,320 clips, 101 classes",
    "licence": None,
    "credit": "K. Soomro et al. 2012, arXiv 1212.0402",
    "split": "the three official lists; validation out of train, by group",
}
RECIPE = "ucf101/mcr"  # of mmlib.runs.paper_networks

VALID = 0.1  # of the groups in the training list


def load(seed: int = 0, split: int = 1, stream: bool | None = None) -> MultimodalData:
    """Inputs "rgb" [N, 3, 8, 112, 112], normalised as for ImageNet, "flow" [N, 2, 8, 112, 112] in pixels a frame.

    split: which of the three official pairs of lists; validation groups are drawn by ``seed`` from the training list,
    the same numbers in all classes, so that no group is in two splits. stream: whether the rows stay on the disk.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    checks.one_of("split of ucf101", split, [1, 2, 3])
    stored = read_stored("ucf101")
    rows = rows_by_split(stored.column(f"split{split}"))
    rows["train"], rows["valid"] = hold_out(rows["train"], stored.column("group")[rows["train"]], VALID, seed)
    modalities = {"rgb": clip("rgb"), "flow": motion("flow")}
    return stored.data(rows, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)
