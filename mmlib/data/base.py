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

    inputs: modality name -> tensor [N, ...], finite; labels: LongTensor [N] of class numbers, or a floating tensor [N]
    of real targets, finite. Raises ValueError if the modalities differ in their number of rows, or inputs or targets
    hold NaN or infinity.
    """

    inputs: dict[str, Tensor]
    labels: Tensor

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("a split needs at least one modality, got none.")
        for name, values in {**self.inputs, "labels": self.labels}.items():
            if not isinstance(values, Tensor):
                raise TypeError(f"{name!r} must be a tensor, got {type(values).__name__}: torch.as_tensor makes one.")
        if not (self.labels.dtype == torch.long or self.labels.is_floating_point()) or self.labels.ndim != 1:
            raise ValueError(
                "labels must be a LongTensor [N] of class numbers or a floating tensor [N] of real targets, "
                f"got {self.labels.dtype} with shape {tuple(self.labels.shape)}."
            )
        if not _is_finite(self.labels):
            raise ValueError("labels hold NaN or infinite values: leave out the rows whose target is not known.")
        for name, values in self.inputs.items():
            rows = len(values) if values.ndim else 0
            if rows != len(self.labels):
                raise ValueError(f"modality {name!r} has {rows} rows, the labels have {len(self.labels)}.")
            if not _is_finite(values):
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

    classes: their names; empty for a regression, whose labels are real targets.
    bayes_accuracy, bayes_error: where the generating process is known, the highest accuracy (0..1) that any classifier
    can reach, or the lowest mean absolute error that any predictor of a real target can, from each subset of
    modalities, as {names in order: value}; otherwise None.
    Raises ValueError if the splits disagree about modalities, shapes or the kind of labels, if the labels are real
    targets and there are classes (or the other way round), or if a label is not in 0..len(classes)-1.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...]
    bayes_accuracy: Mapping[tuple[str, ...], float] | None = None
    bayes_error: Mapping[tuple[str, ...], float] | None = None

    def __post_init__(self) -> None:
        for split_name, split in self.splits.items():
            if len(split) == 0:
                raise ValueError(f"the {split_name} split of {self.name!r} is empty.")
            shapes = {m: tuple(x.shape[1:]) for m, x in split.inputs.items()}
            if shapes != self.shapes:
                raise ValueError(f"the {split_name} split of {self.name!r} has {shapes}, train has {self.shapes}.")
            self._check_labels(f"labels of the {split_name} split of {self.name!r}", split.labels)

    def _check_labels(self, what: str, labels: Tensor) -> None:
        if labels.dtype != self.train.labels.dtype:
            raise ValueError(f"{what} are {labels.dtype}, those of train {self.train.labels.dtype}: make them equal.")
        real = labels.is_floating_point()
        if real and self.classes:
            raise ValueError(f"{what} are real targets ({labels.dtype}), so classes must be (), got {self.classes!r}.")
        if not real and not self.classes:
            raise ValueError(f"{what} are class numbers, so classes must name them; real targets would be floating.")
        if not real:
            checks.class_numbers(what, labels, len(self.classes))

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name: train, valid, test."""
        return {"train": self.train, "valid": self.valid, "test": self.test}

    @property
    def task(self) -> str:
        """What is to be told from the inputs: "classification", or "regression" where the labels are real targets."""
        return "classification" if self.classes else "regression"

    @property
    def num_classes(self) -> int:
        """Number of outputs that a network needs: one per class, or a single one for a real target."""
        return len(self.classes) or 1

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


def _is_finite(values: Tensor) -> bool:
    return not values.is_floating_point() or bool(torch.isfinite(values).all())
