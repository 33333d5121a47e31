"""Batches of rows that stay on the disk, read ahead by the worker processes of a DataLoader."""

import multiprocessing
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from mmlib.data.storage.mapped import MappedRows
from mmlib.records.parent_watch import end_with_parent

WORKERS = 2
# Starting workers takes longer than reading a few batches.
FEW_BATCHES = 4
# Bytes that a worker has on their way, and batches: what they send lies in shared memory, of which a container of
# Docker has 64 MiB.
AHEAD, MOST_AHEAD = 16 * 2**20, 2
IN_USE = 2  # batches that have been sent and are not given back yet
SHARED = Path("/dev/shm")
STOPPED = ("shared memory", "Bus error", "exited unexpectedly", "killed by signal")


class _RawBatches(Dataset):
    """Batch number b: the rows ``numbers[b]`` of every modality as they are in the files."""

    def __init__(self, inputs: Mapping[str, Tensor | MappedRows], numbers: Sequence[Tensor]) -> None:
        self.inputs, self.numbers = inputs, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, b: int) -> dict[str, Tensor]:
        index = self.numbers[b]
        rows = {m: x.raw(index) if isinstance(x, MappedRows) else x[index] for m, x in self.inputs.items()}
        # Left to the queue, a lack of shared memory is only printed, and the training waits for the batch for ever.
        return {m: x.share_memory_() for m, x in rows.items()} if get_worker_info() else rows


def streamed_batches(
    inputs: Mapping[str, Tensor | MappedRows], labels: Tensor, numbers: Sequence[Tensor]
) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
    """The inputs and labels of each of ``numbers`` (LongTensors), on the labels' device and in that order.

    Workers read bytes and nothing else: turning them into floats is quicker on the device and makes less to send. They
    are there only where this program starts processes with "fork", as Linux does up to Python 3.13: any other way
    starts the user's script again in each of them, in every epoch. Elsewhere, and where shared memory is too small for
    their batches, this process reads. No random number is drawn from PyTorch's own generator, so streaming changes no
    result.
    Raises RuntimeError if a worker stops, or if shared memory fills up on the way.
    """
    read_from = {m: x if isinstance(x, MappedRows) else x.cpu() for m, x in inputs.items()}
    workers, ahead = _workers(read_from, numbers)
    loader = DataLoader(
        _RawBatches(read_from, on_host(numbers)),
        batch_size=None,
        num_workers=workers,
        worker_init_fn=end_with_parent if workers else None,
        prefetch_factor=ahead if workers else None,
        pin_memory=labels.device.type == "cuda",
        generator=torch.Generator(),
    )
    for index, raw in zip(numbers, _watched(loader), strict=True):
        finished = {
            m: x.finished(raw[m]) if isinstance(x, MappedRows) else raw[m].to(labels.device, non_blocking=True)
            for m, x in inputs.items()
        }
        yield finished, labels[index]


def on_host(numbers: Sequence[Tensor]) -> list[Tensor]:
    """``numbers`` on the CPU, copied there together: each copy from a GPU waits until it has done all its work."""
    return list(torch.cat(tuple(numbers)).cpu().split([len(index) for index in numbers])) if numbers else []


def _start_method() -> str:
    """How this program starts processes; asking fixes nothing, so that the user may still choose."""
    return multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]


def _workers(inputs: Mapping[str, Tensor | MappedRows], numbers: Sequence[Tensor]) -> tuple[int, int]:
    """How many workers read, and how many batches each may have on their way: at most AHEAD bytes, but at least one."""
    if len(numbers) <= FEW_BATCHES or _start_method() != "fork" or not SHARED.is_dir():
        return 0, 0
    row = sum(x.row_bytes if isinstance(x, MappedRows) else x[:1].nbytes for x in inputs.values())
    batch = row * max(len(index) for index in numbers)
    ahead = max(1, min(MOST_AHEAD, AHEAD // max(batch, 1)))
    fits = (WORKERS * ahead + IN_USE) * batch <= shutil.disk_usage(SHARED).free
    return (WORKERS, ahead) if fits else (0, 0)


def _watched(batches: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    try:
        yield from batches
    except RuntimeError as error:
        if not any(sign in str(error) for sign in STOPPED):
            raise
        raise RuntimeError(
            f"a process that reads rows from the disk stopped ({str(error).strip().splitlines()[-1]}), most often "
            "because shared memory (/dev/shm) or memory is full: give it more (docker run --shm-size=1g), train with "
            "smaller batches, or load the data with stream=False if they fit into memory."
        ) from error
