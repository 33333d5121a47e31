"""What the data sets of spoken sentences share: CMU-MOSI, CMU-MOSEI and UR-FUNNY, as MultiBench aligns them.

Every sample is 50 steps, one a word, of features of "vision", "audio" and "text".
"""

from collections.abc import Sequence

import numpy as np

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.storage.mapped import View
from mmlib.data.storage.stored import Stored, read_stored
from mmlib.data.transforms.clips import rows_by_split

MODALITIES = ("vision", "audio", "text")
TASKS = ("binary", "seven", "regression")
POLES = ("negative", "not negative")
STRONGEST = 3  # a sentiment is from -3 to 3
SEVEN = tuple(str(value) for value in range(-STRONGEST, STRONGEST + 1))


def affect_data(
    stored: Stored,
    modalities: Sequence[str],
    labels: np.ndarray,
    classes: tuple[str, ...],
    stream: bool | None,
) -> MultimodalData:
    """The splits of the release without the rows that have no text, as in MultiBench's own loaders.

    modalities: which of "vision", "audio" and "text", in their order; labels: [rows of the set]. Raises ValueError or
    TypeError for wrong modalities; DataDamaged.
    """
    checks.distinct("modalities", modalities)
    for m in modalities:
        checks.one_of(f"modality of {stored.name}", m, MODALITIES)
    spoken = stored.column("has_text") == 1
    rows = {name: index[spoken[index]] for name, index in rows_by_split(stored.column("split")).items()}
    return stored.data(rows, {m: View(m) for m in modalities}, labels, classes, stream)


def sentiment_data(name: str, seed: int, task: str, modalities: Sequence[str], stream: bool | None) -> MultimodalData:
    """What the loaders of CMU-MOSI and CMU-MOSEI give: Inputs [N, 50, features] of each of ``modalities``.

    Zeros stand before the first word. task: "binary" (negative or not), "seven" (classes -3 to 3) or "regression" (the
    sentiment itself, the task of MCR). The splits are those of the release, no video in two of them, so every ``seed``
    gives the same rows; rows without text are left out. stream: whether the rows stay on the disk; None: where they are
    large.
    Raises ValueError or TypeError for a wrong option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    stored = read_stored(name)
    return affect_data(stored, modalities, *targets(stored.column("labels"), task), stream)


def targets(sentiment: np.ndarray, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels and class names for a sentiment [N] from -3 to 3. Raises ValueError for an unknown task.

    binary: negative, or not (0 counts as not negative: the older of the two definitions of "Acc-2" in use, which keeps
    every row); seven: rounded to -3, ..., 3, halves to the even number ("Acc-7"); regression: float32, no classes.
    """
    checks.one_of("task", task, TASKS)
    if task == "binary":
        return (sentiment >= 0).astype(np.int64), POLES
    if task == "seven":
        return np.rint(sentiment).astype(np.int64) + STRONGEST, SEVEN
    return sentiment.astype(np.float32), ()
