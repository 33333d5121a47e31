"""The one form every data set takes: three splits of named modalities with labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mmlib import checks
from mmlib.data._accepted import class_names
from mmlib.data.split import Split
from mmlib.data.storage.mapped import MappedRows


@dataclass(frozen=True)
class MultimodalData:
    """A data set with its three splits.

    classes: their names, taken from any list or array and kept as plain texts; empty for a regression, whose labels are
    real targets.
    bayes_accuracy, bayes_error: where the generating process is known, the highest accuracy (0..1) that any classifier
    can reach, or the lowest mean absolute error that any predictor of a real target can, from each subset of
    modalities, as {names in order: value}; otherwise None.
    Raises ValueError if the splits disagree about modalities, shapes, types or the kind of labels, if the labels are
    real targets and there are classes (or the other way round), or if a label is not in 0..len(classes)-1.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...]
    bayes_accuracy: Mapping[tuple[str, ...], float] | None = None
    bayes_error: Mapping[tuple[str, ...], float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))
        for split_name, split in self.splits.items():
            if len(split) == 0:
                raise ValueError(f"the {split_name} split of {self.name!r} is empty.")
            for what in (_shapes, _types):
                if what(split) != what(self.train):
                    found, train = what(split), what(self.train)
                    raise ValueError(f"the {split_name} split of {self.name!r} has {found}, train has {train}.")
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
        return _shapes(self.train)

    def to(self, device: torch.device | str) -> "MultimodalData":
        """The same data on ``device``."""
        return replace(self, **{name: split.to(device) for name, split in self.splits.items()})

    def fingerprint(self) -> str:
        """Hex SHA-256 of all values and labels: two data sets that agree in it train the same networks.

        Of rows on the disk it takes the hash that their manifest gives, and which of them they are.
        """
        digest = hashlib.sha256()
        for split_name, split in self.splits.items():
            for name, values in {**split.inputs, "labels": split.labels}.items():
                digest.update(f"{split_name}/{name}/{values.dtype}/{tuple(values.shape)}".encode())
                digest.update(_content(values))
        return digest.hexdigest()


def _content(values: Tensor | MappedRows) -> bytes:
    if isinstance(values, MappedRows):
        return values.fingerprint()
    # As bytes first: NumPy knows no bfloat16.
    return values.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _shapes(split: Split) -> dict[str, tuple[int, ...]]:
    return {m: tuple(x.shape[1:]) for m, x in split.inputs.items()}


def _types(split: Split) -> dict[str, str]:
    return {m: str(x.dtype) for m, x in split.inputs.items()}
