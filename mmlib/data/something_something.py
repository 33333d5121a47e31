"""174 actions with things, as frames and optical flow (Something-Something v2, Goyal et al., arXiv 1706.04261)."""

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.stored import read_stored
from mmlib.data.transforms.clips import clip, hold_out, motion, rows_by_split

CARD = {
    "position": 15,
    "origin": "from your copy",
    "modalities": "rgb, flow",
    "size": "220,847 clips, 174 classes",
    "licence": None,
    "credit": "R. Goyal et al. 2017, ICCV, arXiv 1706.04261",
    "split": "validation of the release as test, validation out of train by the seed",
}
RECIPE = "something_something/mcr"  # of mmlib.runs.paper_networks

VALID = 0.05  # of the training clips


def load(seed: int = 0, stream: bool | None = None) -> MultimodalData:
    """Inputs "rgb" [N, 3, 16, 112, 112], normalised as for ImageNet, "flow" [N, 2, 16, 112, 112] in pixels a frame.

    Test is the validation list of the release, whose test clips have no labels; validation is drawn by ``seed`` from
    its training list, clip by clip, as the release does not say who filmed them. stream: whether the rows stay on the
    disk. Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    stored = read_stored("something_something")
    rows = rows_by_split(stored.column("split"))
    rows["train"], rows["valid"] = hold_out(rows["train"], rows["train"], VALID, seed)
    modalities = {"rgb": clip("rgb"), "flow": motion("flow")}
    return stored.data(rows, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)
