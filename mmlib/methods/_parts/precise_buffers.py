"""Buffers that keep their digits: a method's statistics are at least float32, whatever the dtype of the network.

A mean over thousands of steps stands still in bfloat16 as soon as a step adds less than 1/256 of it.
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn


def at_least_single(dtype: torch.dtype) -> torch.dtype:
    """float32 for a shorter floating type; any other type itself."""
    return torch.promote_types(dtype, torch.float32) if dtype.is_floating_point else dtype


def precise(tensor: Tensor) -> Tensor:
    """The tensor in at least float32; itself if it is that, or not floating."""
    return tensor.to(at_least_single(tensor.dtype))


class PreciseBuffers(nn.Module):
    """A module whose own floating buffers are never shorter than float32: not when they are made, nor after
    ``.to(torch.bfloat16)`` or ``.half()`` of it or of a module that holds it. What they hold is not rounded in between.

    Parameters and the buffers of other modules inside it are cast as ever.
    """

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """As in PyTorch, and in at least float32."""
        super().register_buffer(name, None if tensor is None else precise(tensor), persistent)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # Every move and cast of a module comes by here.
        before = dict(self._buffers)
        super()._apply(fn, recurse)
        for name, old in before.items():
            new = self._buffers[name]
            if new is not None and new.dtype != at_least_single(new.dtype):
                self._buffers[name] = old.to(new.device, at_least_single(new.dtype))
        return self
