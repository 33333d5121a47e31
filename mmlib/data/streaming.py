"""Batches of rows that stay on the disk, read ahead by the worker processes of a DataLoader."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmlib.data.mapped import MappedRows

WORKERS = 2
# Starting workers takes longer than reading a few batches.
FEW_BATCHES = 4


class _RawBatches(Dataset):
    """Batch number b: the rows ``numbers[b]`` of every modality as they are in the files."""

    def __init__(self, inputs: Mapping[str, Tensor | MappedRows], numbers: Sequence[Tensor]) -> None:
        self.inputs, self.numbers = inputs, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, b: int) -> dict[str, Tensor]:
        index = self.numbers[b]
        return {m: x.raw(index) if isinstance(x, MappedRows) else x[index] for m, x in self.inputs.items()}


def streamed_batches(
    inputs: Mapping[str, Tensor | MappedRows], labels: Tensor, numbers: Sequence[Tensor]
) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
    """The inputs and labels of each of ``numbers`` (LongTensors), on the labels' device and in that order.

    Workers read bytes and nothing else: turning them into floats is quicker on the device and makes less to send. No
    random number is drawn from PyTorch's own generator, so streaming changes no result.
    """
    on_host = {m: x if isinstance(x, MappedRows) else x.cpu() for m, x in inputs.items()}
    loader = DataLoader(
        _RawBatches(on_host, [index.cpu() for index in numbers]),
        batch_size=None,
        num_workers=WORKERS if len(numbers) > FEW_BATCHES else 0,
        pin_memory=labels.device.type == "cuda",
        generator=torch.Generator(),
    )
    for index, raw in zip(numbers, loader, strict=True):
        finished = {
            m: x.finished(raw[m]) if isinstance(x, MappedRows) else raw[m].to(labels.device, non_blocking=True)
            for m, x in inputs.items()
        }
        yield finished, labels[index]
