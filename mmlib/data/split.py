"""Rows of a data set: named modalities with labels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from mmlib.data._accepted import check_inputs, check_labels, check_rows
from mmlib.data.storage.mapped import MappedRows
from mmlib.data.storage.streaming import streamed_batches

Batch = tuple[dict[str, Tensor], Tensor]

MOST_ROWS = 1024
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Split:
    """Rows of a data set.

    inputs: modality name -> tensor [N, ...] of one axis or more a row, finite, or MappedRows where they stay on the
    disk; labels: LongTensor [N] of class numbers, or a floating tensor [N] of real targets, finite. Nothing is
    converted: a network takes inputs of its own dtype, or token numbers. Raises TypeError or ValueError for anything
    else, and if the modalities differ in their number of rows.
    """

    inputs: dict[str, Tensor | MappedRows]
    labels: Tensor

    def __post_init__(self) -> None:
        check_inputs(self.inputs)
        check_labels(self.labels)
        for name, values in self.inputs.items():
            check_rows(name, values, len(self.labels))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def streamed(self) -> bool:
        """Whether rows stay on the disk until they are asked for."""
        return any(isinstance(x, MappedRows) for x in self.inputs.values())

    def rows(self, index: Tensor) -> Batch:
        """The inputs and labels of the rows in ``index`` (LongTensor [B] on the labels' device)."""
        return {m: x[index] for m, x in self.inputs.items()}, self.labels[index]

    def batches(self, numbers: Iterable[Tensor]) -> Iterator[Batch]:
        """``rows`` of each of ``numbers``; where they stay on the disk, worker processes read ahead where they can."""
        if self.streamed:
            return streamed_batches(self.inputs, self.labels, list(numbers))
        return (self.rows(index) for index in numbers)

    def in_order(self, most: int = MOST_ROWS) -> Iterator[Batch]:
        """All rows in their order, in batches of at most ``most`` rows and 64 MiB."""
        row_bytes = sum(prod(x.shape[1:]) * x.dtype.itemsize for x in self.inputs.values())
        at_once = max(1, min(most, MOST_BYTES // max(row_bytes, 1)))
        return self.batches(torch.arange(len(self), device=self.labels.device).split(at_once))

    def subset(self, index: Tensor) -> "Split":
        """The rows in ``index`` as a split; what is on the disk stays there."""
        kept = {m: x.subset(index) if isinstance(x, MappedRows) else x[index] for m, x in self.inputs.items()}
        return Split(kept, self.labels[index])

    def to(self, device: torch.device | str) -> "Split":
        """The same rows on ``device``; those that stay on the disk go there when they are read."""
        return Split({m: x.to(device) for m, x in self.inputs.items()}, self.labels.to(device))
