"""Digits written and spoken: MNIST beside spectrograms of spoken digits (AV-MNIST, Vielzeuf et al. 2018)."""

import numpy as np

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.mapped import View
from mmlib.data.storage.stored import read_stored
from mmlib.data.transforms.clips import rows_by_split

CARD = {
    "position": 7,
    "origin": "from your copy",
    "modalities": "image, audio",
    "size": "70,000 pairs",
    "licence": None,
    "credit": "V. Vielzeuf et al. 2018, CentralNet, arXiv 1808.07275",
    "split": "60,000 / 10,000 of the release for train / test, validation out of train by the seed",
}
RECIPE = "av_mnist/agm_late"  # of mmlib.runs.paper_networks

VALID = 1 / 12  # of the 60,000 training pairs: 5,000, as in MultiBench
LARGEST = 255  # of a pixel


def load(seed: int = 0, stream: bool | None = None) -> MultimodalData:
    """Inputs "image" [N, 1, 28, 28] and "audio" [N, 1, 112, 112], from 0 to 1.

    Train and test are those of the release, validation is drawn by ``seed`` from train, pair by pair: the release does
    not say who wrote or spoke. AGM's program takes the first 90 % of the release's train and
    of its test. stream: whether the rows stay on the disk; None: where they are large.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    stored = read_stored("av_mnist")
    rows = rows_by_split(stored.column("split"))
    drawn = np.random.default_rng(seed).permutation(rows["train"])
    held = max(1, round(VALID * len(drawn)))
    rows["train"], rows["valid"] = np.sort(drawn[held:]), np.sort(drawn[:held])
    modalities = {m: View(m, factor=1 / LARGEST) for m in ("image", "audio")}
    return stored.data(rows, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)
