"""How often a method is right where both, one or none of the unimodal networks are (MCR, figure 4)."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mmlib.coalitions import subsets
from mmlib.data import Split
from mmlib.measures._predictions import collect
from mmlib.measures.registry import Trained, measure
from mmlib.methods import Method

NONE = "none"


class ErrorGroups(NamedTuple):
    """share: group -> share of the rows, 0..1, for all 2^M groups; accuracy: group -> accuracy 0..1 in it, for the
    groups that have rows."""

    share: dict[str, float]
    accuracy: dict[str, float]


def error_groups(predictions: Tensor, alone: Mapping[str, Tensor], labels: Tensor) -> ErrorGroups:
    """Splits the rows by which unimodal networks are right, and gives the accuracy of ``predictions`` in each group.

    predictions: class numbers [N] that a method decided; alone: {m: class numbers [N] of the network trained on m
    alone}; labels: true class numbers [N]. A group is named by the modalities that are right, joined with "+" in the
    order of ``alone`` ("a+b", "a", "b"), or "none". The shares add up to 1; the accuracies, weighted with them, to the
    accuracy over all rows. A group without rows has share 0 and no accuracy.
    Source: Kontras et al., NeurIPS 2025 (MCR), figure 4, for two modalities; here for any number.
    Raises ValueError for no rows, no modality, other shapes or types, and modality names that give two groups one name.
    """
    names = _group_names(tuple(alone))
    _check(predictions, alone, labels)
    right = {m: decided.to(labels.device) == labels for m, decided in alone.items()}
    hit = predictions.to(labels.device) == labels
    share, accuracy = {}, {}
    for modalities, name in names.items():
        rows = torch.stack([right[m] == (m in modalities) for m in alone]).all(0)
        share[name] = rows.double().mean().item()
        if share[name]:
            accuracy[name] = hit[rows].double().mean().item()
    return ErrorGroups(share, accuracy)


def _group_names(modalities: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """The modalities that are right -> name of the group, from all of them to none."""
    if not modalities:
        raise ValueError("error groups need the predictions of one or more unimodal networks, got none.")
    largest_first = sorted(subsets(modalities), key=len, reverse=True)
    names = {s: "+".join(s) for s in largest_first} | {(): NONE}
    if len(set(names.values())) < len(names):
        raise ValueError(f"the modalities {list(modalities)} give two groups the same name: name them otherwise.")
    return names


def _check(predictions: Tensor, alone: Mapping[str, Tensor], labels: Tensor) -> None:
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype != torch.long:
        raise ValueError(
            "labels must be class numbers [N] of type torch.int64, one or more, got shape "
            f"{tuple(labels.shape)} of {labels.dtype}."
        )
    decided = {"predictions": predictions, **{f"predictions of {m!r}": numbers for m, numbers in alone.items()}}
    for what, numbers in decided.items():
        if numbers.shape != labels.shape or numbers.dtype != torch.long:
            raise ValueError(
                f"{what} must be class numbers [{len(labels)}] of type torch.int64, one per label, got shape "
                f"{tuple(numbers.shape)} of {numbers.dtype}: take the argmax of logits."
            )


@measure("group_share")
def _group_share(t: Trained) -> dict[str, float]:
    return _groups(t).share


@measure("group_accuracy")
def _group_accuracy(t: Trained) -> dict[str, float]:
    return _groups(t).accuracy


def _groups(t: Trained) -> ErrorGroups:
    decided = {m: _decided(t.concept(m), t.held) for m in t.data.modalities}
    return error_groups(_decided(t.method, t.held), decided, t.held.labels)


def _decided(method: Method, split: Split) -> Tensor:
    """The class numbers [N] that the method decides."""
    return collect(method, method.predict, split).argmax(1)
