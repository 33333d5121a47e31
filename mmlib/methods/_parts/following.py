"""How what a method keeps beside its network stays on the network's device and in a floating type that goes with it."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mmlib.methods._parts.precise_buffers import PreciseBuffers, at_least_single
from mmlib.models import MultimodalModel


def follow(method: PreciseBuffers, model: MultimodalModel) -> None:
    """Moves the method's own buffers and modules, all but ``model``, to where the model is; looks at no value.

    Parameters are cast to the model's floating type, buffers of a PreciseBuffers to that or float32 if it is shorter.
    """
    device, dtype = model.anchor.device, model.anchor.dtype
    wanted = at_least_single(dtype)
    for name, buffer in method._buffers.items():
        if _strays(buffer, device, wanted):
            method._buffers[name] = buffer.to(device, wanted if buffer.is_floating_point() else None)
    for child in method.children():
        if child is not model and any(_strays(t, device, own) for t, own in _with_dtypes(child, dtype)):
            child.to(device, dtype)


def _strays(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> bool:
    return tensor.device != device or (tensor.is_floating_point() and tensor.dtype != dtype)


def _with_dtypes(module: nn.Module, dtype: torch.dtype) -> Iterator[tuple[Tensor, torch.dtype]]:
    """Every parameter and buffer, with the floating type that it has beside a model of ``dtype``."""
    for part in module.modules():
        of_buffers = at_least_single(dtype) if isinstance(part, PreciseBuffers) else dtype
        yield from ((p, dtype) for p in part.parameters(recurse=False))
        yield from ((b, of_buffers) for b in part.buffers(recurse=False))
