"""Six emotions acted by 91 people, seen and heard (CREMA-D, Cao et al. 2014), as the papers on imbalance take them."""

import numpy as np

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.mapped import View
from mmlib.data.storage.stored import Stored, read_stored
from mmlib.data.transforms.clips import hold_out, rows_by_split, some_frames

CARD = {
    "position": 8,
    "origin": "from your copy",
    "modalities": "audio, visual",
    "size": "7,442 clips of 91 actors",
    "licence": "Open Database License (database)",
    "credit": "H. Cao et al. 2014, IEEE Transactions on Affective Computing 5(4)",
    "split": "by actor, drawn by the seed, "
    "or by the lists of clips of OGM-GE, in which train and test share all actors",
}
RECIPE = "crema_d/agm"  # of mmlib.runs.paper_networks

TEST_ACTORS = 0.2
VALID = 0.1  # of the actors, or clips, that are not for test
SPLITS = ("actor", "ogm")


def load(seed: int = 0, split: str = "actor", frames: int = 1, stream: bool | None = None) -> MultimodalData:
    """Inputs "audio" [N, 1, 257, 188], a log spectrogram of 3 s, "visual" [N, 3, 224, 224] or [N, 3, 3, 224, 224].

    split: "actor" keeps every actor in one split, drawn by ``seed``; "ogm" is the split by clip of OGM-GE, which AGM
    takes too (the first 90 % of each list). In it train and test, and train and validation too, share all 91 actors, so
    it measures less; its validation rows are drawn by ``seed`` from train, and it leaves out the clips that are in
    neither list ("clips_in_no_list" in the manifest counts them), which "actor" takes. Neither is that of MCR: 5 folds
    of its own, of 63 / 14 / 14 actors, none in two of them. frames: 1, that at 1 s (AGM takes one), or 3, at 0, 1 and
    2 s (MCR takes three). stream: whether the rows stay on the disk.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    checks.one_of("split of crema_d", split, SPLITS)
    modalities = {"audio": View("audio"), "visual": some_frames("visual", frames)}
    stored = read_stored("crema_d")
    rows = _by_actor(stored, seed) if split == "actor" else _by_clip(stored, seed)
    return stored.data(rows, modalities, stored.column("labels"), tuple(stored.manifest["classes"]), stream)


def _by_actor(stored: Stored, seed: int) -> dict[str, np.ndarray]:
    actors = stored.column("actor")
    rest, test = hold_out(np.arange(len(actors)), actors, TEST_ACTORS, seed)
    train, valid = hold_out(rest, actors[rest], VALID, seed)
    return {"train": train, "valid": valid, "test": test}


def _by_clip(stored: Stored, seed: int) -> dict[str, np.ndarray]:
    rows = rows_by_split(stored.column("split"))
    rows["train"], rows["valid"] = hold_out(rows["train"], rows["train"], VALID, seed)
    return rows
