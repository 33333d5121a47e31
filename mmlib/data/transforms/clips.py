"""What the data sets of clips share: bytes become inputs, and validation rows share no group with training rows."""

import numpy as np

from mmlib import checks
from mmlib.data.storage.mapped import View

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green, blue from 0 to 1
STORED_FRAMES = 3  # beside sound
MIDDLE = 1  # number of the frame that stands for a clip where one is taken
NO_MOTION, PIXELS = 128, 20 / 127  # the byte of no motion in flow, pixels that one step of it stands for


def clip(array: str) -> View:
    """All frames of a clip, uint8 [3, T, H, W], normalised per colour as for ImageNet: (x / 255 - mean) / std."""
    return View(array, *_imagenet(3, 1, 1, 1))


def some_frames(array: str, count: int) -> View:
    """All three frames of a clip, uint8 [3, 3, H, W], or only the middle one as [3, H, W]; normalised likewise.

    Raises ValueError for another ``count``.
    """
    checks.one_of("number of frames", count, [1, STORED_FRAMES])
    return clip(array) if count == STORED_FRAMES else View(array, *_imagenet(3, 1, 1), part=(slice(None), MIDDLE))


def motion(array: str) -> View:
    """Flow uint8 [2, T, H, W], in pixels to the right and down from one frame to the next."""
    return View(array, factor=PIXELS, offset=-NO_MOTION * PIXELS)


def rows_by_split(codes: np.ndarray) -> dict[str, np.ndarray]:
    """Row numbers of "train", "valid" and "test", from codes [N]: 0, 1, 2; -1 is in none of them."""
    return {name: np.flatnonzero(codes == code) for code, name in enumerate(("train", "valid", "test"))}


def hold_out(rows: np.ndarray, groups: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(the rest, the rows drawn) of ``rows`` [n]: ``share`` of the groups, at least one, is drawn with all its rows.

    groups: [n], what may not be in two splits, such as the actor. Raises ValueError where all rows are of one group.
    """
    from sklearn.model_selection import GroupShuffleSplit  # here: mmlib.data must import where only PyTorch is

    found = len(np.unique(groups))
    if found < 2:
        raise ValueError(f"two groups of rows are needed to keep one apart, got {found}: prepare more of the release.")
    chooser = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    rest, drawn = next(chooser.split(rows, groups=groups))
    return rows[rest], rows[drawn]


def _imagenet(*shape: int) -> tuple[list, list]:
    """The factor and the offset of ``shape``, colours first."""
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    return (1 / (255 * std)).reshape(shape).tolist(), (-mean / std).reshape(shape).tolist()
