"""The one form every data set takes: three splits of named modalities with labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmlib import checks


@dataclass(frozen=True)
class Split:
    """Rows of a data set.

    inputs: modality name -> tensor [N, ...], finite; labels: LongTensor [N].
    Raises ValueError if the modalities differ in their number of rows or hold NaN or infinity.
    """

    inputs: dict[str, Tensor]
    labels: Tensor

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("a split needs at least one modality, got none.")
        for name, values in {**self.inputs, "labels": self.labels}.items():
            if not isinstance(values, Tensor):
                raise TypeError(f"{name!r} must be a tensor, got {type(values).__name__}: torch.as_tensor makes one.")
        if self.labels.dtype != torch.long or self.labels.ndim != 1:
            raise ValueError(
                f"labels must be a LongTensor [N], got {self.labels.dtype} with shape {tuple(self.labels.shape)}."
            )
        for name, values in self.inputs.items():
            rows = len(values) if values.ndim else 0
            if rows != len(self.labels):
                raise ValueError(f"modality {name!r} has {rows} rows, the labels have {len(self.labels)}.")
            if values.is_floating_point() and not torch.isfinite(values).all():
                raise ValueError(f"modality {name!r} holds NaN or infinite values: clean the data before loading it.")

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: Tensor) -> "tuple[dict[str, Tensor], Tensor]":
        """The inputs and labels of the rows in ``index`` (LongTensor [B] on the same device)."""
        return {m: x[index] for m, x in self.inputs.items()}, self.labels[index]

    def to(self, device: torch.device | str) -> "Split":
        """The same rows on ``device``."""
        return Split({m: x.to(device) for m, x in self.inputs.items()}, self.labels.to(device))


@dataclass(frozen=True)
class MultimodalData:
    """A data set with its three splits.

    bayes_accuracy: where the generating process is known, the highest accuracy that any classifier can reach from each
    subset of modalities, as {names in order: accuracy in 0..1}; otherwise None.
    Raises ValueError if the splits disagree about modalities or shapes, or a label is not in 0..len(classes)-1.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...]
    bayes_accuracy: Mapping[tuple[str, ...], float] | None = None

    def __post_init__(self) -> None:
        for split_name, split in self.splits.items():
            if len(split) == 0:
                raise ValueError(f"the {split_name} split of {self.name!r} is empty.")
            shapes = {m: tuple(x.shape[1:]) for m, x in split.inputs.items()}
            if shapes != self.shapes:
                raise ValueError(f"the {split_name} split of {self.name!r} has {shapes}, train has {self.shapes}.")
            checks.class_numbers(f"labels of the {split_name} split of {self.name!r}", split.labels, self.num_classes)

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name: train, valid, test."""
        return {"train": self.train, "valid": self.valid, "test": self.test}

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality names in order."""
        return tuple(self.train.inputs)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one sample of each modality."""
        return {m: tuple(x.shape[1:]) for m, x in self.train.inputs.items()}

    def to(self, device: torch.device | str) -> "MultimodalData":
        """The same data on ``device``."""
        return replace(self, **{name: split.to(device) for name, split in self.splits.items()})

    def fingerprint(self) -> str:
        """Hex SHA-256 of all values and labels: two data sets that agree in it train the same networks."""
        digest = hashlib.sha256()
        for split_name, split in self.splits.items():
            for name, values in {**split.inputs, "labels": split.labels}.items():
                digest.update(f"{split_name}/{name}/{values.dtype}/{tuple(values.shape)}".encode())
                digest.update(values.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()
