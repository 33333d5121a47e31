"""31 actions that are seen and heard, in clips of 10 s (Kinetics-Sounds, Arandjelovic and Zisserman, ICCV 2017)."""

import numpy as np

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.mapped import View
from mmlib.data.storage.stored import Stored, read_stored
from mmlib.data.transforms.clips import hold_out, rows_by_split, some_frames

CARD = {
    "position": 10,
    "origin": "from your copy",
    "modalities": "audio, visual",
    "size": "clips of 31 classes of Kinetics-400",
    "licence": None,
    "credit": "R. Arandjelovic, A. Zisserman 2017, ICCV, arXiv 1705.08168; W. Kay et al. 2017, arXiv 1705.06950",
    "split": "the folders of your copy, by video",
}
RECIPE = "kinetics_sounds/mcr"  # of mmlib.runs.paper_networks

TEST, VALID = 0.2, 0.1  # of the videos; of the videos that are not for test


def load(seed: int = 0, frames: int = 1, stream: bool | None = None) -> MultimodalData:
    """Inputs "audio" [N, 1, 257, 625], a log spectrogram of 10 s, "visual" [N, 3, 224, 224] or [N, 3, 3, 224, 224].

    The splits are the folders of the user's copy; what these do not tell is drawn by ``seed``: validation from train,
    or test too. No video of YouTube is in two splits. frames: 1, from the middle of the clip, or 3, from the middles of
    its thirds. stream: whether the rows stay on the disk.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    modalities = {"audio": View("audio"), "visual": some_frames("visual", frames)}
    stored = read_stored("kinetics_sounds")
    labels, classes = stored.column("labels"), tuple(stored.manifest["classes"])
    return stored.data(_rows(stored, seed), modalities, labels, classes, stream)


def _rows(stored: Stored, seed: int) -> dict[str, np.ndarray]:
    codes, videos = stored.column("split"), stored.column("video")
    train, valid, test = rows_by_split(codes).values()
    undecided = np.flatnonzero(codes == -1)
    if len(undecided):
        train, test = hold_out(undecided, videos[undecided], TEST, seed)
    if not len(valid):
        train, valid = hold_out(train, videos[train], VALID, seed)
    return {"train": train, "valid": valid, "test": test}
