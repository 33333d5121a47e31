"""Rows that stay on the disk: read when they are asked for, so that a data set may be larger than the memory."""

import hashlib
import mmap
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmlib.data.storage.manifest import reading

# After so many bytes read, the pages of the file are given back: the system counts them as this process's memory.
FORGET_AFTER = 16 * 2**20


@dataclass(frozen=True, eq=False)
class View:
    """How the rows of an array are seen as one modality: value = x[part] * factor + offset, float32.

    array: its name; factor, offset: numbers, or nested lists that broadcast against one sample; part: index of one
    sample, numbers and slices, e.g. (slice(None), 1) takes frame 1 of [3, T, H, W].
    """

    array: str
    factor: float | list | tuple = 1.0
    offset: float | list | tuple = 0.0
    part: tuple[int | slice, ...] = ()
    _constants: dict[torch.device, tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_constants": {}}  # what lies on a device stays there

    def applied(self, raw: Tensor) -> Tensor:
        """``raw`` [B, ...], cut to ``part`` already, as float32 [B, ...] on its device."""
        factor, offset = self._on(raw.device)
        return raw.to(torch.float32).mul_(factor).add_(offset) if raw.dtype != torch.float32 else raw * factor + offset

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """factor and offset there; moved once, as every copy to a GPU waits until it has done all its work."""
        if device not in self._constants:
            made = (torch.tensor(value, dtype=torch.float32, device=device) for value in (self.factor, self.offset))
            self._constants[device] = tuple(made)
        return self._constants[device]


@dataclass(frozen=True, eq=False)
class MappedRows:
    """Rows of an npy file as a modality [N, ...]; index it with a LongTensor or a slice to get those rows.

    file: of an array [rows, ...]; sha256: of the file, as its manifest says; numbers: LongTensor [N], which rows of the
    file these are; device: where rows that are read are put.
    """

    file: Path
    sha256: str
    view: View
    numbers: Tensor
    device: torch.device = torch.device("cpu")
    _opened: dict = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_opened": {}}  # a worker process maps the file again

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, ...] of the modality."""
        return (len(self), *self._array()[:0].shape[1:])

    @property
    def ndim(self) -> int:
        """How many axes ``shape`` has."""
        return len(self.shape)

    @property
    def dtype(self) -> torch.dtype:
        """Of the rows that are given."""
        return torch.float32

    @property
    def row_bytes(self) -> int:
        """How many bytes of the file one row is."""
        return self._array()[:1].nbytes

    def to(self, device: torch.device | str) -> "MappedRows":
        """The same rows, which go to ``device`` when they are read."""
        return replace(self, device=torch.device(device), _opened={})

    def subset(self, index: Tensor) -> "MappedRows":
        """The rows in ``index`` only (LongTensor), still on the disk."""
        return replace(self, numbers=self.numbers[index.cpu()], _opened={})

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        return self.finished(self.raw(index))

    def raw(self, index: Tensor | slice) -> Tensor:
        """The rows as they are in the file: what a worker process reads, four times smaller where they are bytes."""
        numbers = self.numbers[index.cpu() if isinstance(index, Tensor) else index]
        rows = np.ascontiguousarray(self._array()[numbers.numpy()])
        self._forget(rows.nbytes)
        return torch.from_numpy(rows)

    def finished(self, raw: Tensor) -> Tensor:
        """What ``raw`` gave, on the device and as the view shows it."""
        return self.view.applied(raw.to(self.device, non_blocking=True))

    def fingerprint(self) -> bytes:
        """Changes with the file, the rows and the view."""
        view = repr((self.view.factor, self.view.offset, self.view.part))
        return hashlib.sha256(f"{self.sha256} {view} ".encode() + self.numbers.numpy().tobytes()).digest()

    def _array(self) -> np.ndarray:
        if "array" not in self._opened:
            with reading(self.file.parent.name, self.file):
                whole = np.load(self.file, mmap_mode="r", allow_pickle=False)
            self._opened.update(array=whole[(slice(None), *self.view.part)], map=whole._mmap, read=0)
        return self._opened["array"]

    def _forget(self, read: int) -> None:
        self._opened["read"] += read
        if self._opened["read"] > FORGET_AFTER and hasattr(mmap, "MADV_DONTNEED"):
            self._opened["map"].madvise(mmap.MADV_DONTNEED)
            self._opened["read"] = 0
