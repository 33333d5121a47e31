"""What a network does beside its weights: evaluation mode, running statistics, frozen weights, each for a while."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm


@contextmanager
def eval_mode(module: nn.Module | Iterable[nn.Module]) -> Iterator[None]:
    """Evaluation mode inside the ``with``; afterwards every submodule has its own training flag back.

    module: one with all that is inside it, or a list of modules, of which nothing else changes.
    """
    training = [m for m in (module.modules() if isinstance(module, nn.Module) else module) if m.training]
    for m in training:
        m.training = False
    try:
        yield
    finally:
        for m in training:
            m.training = True


def same_in_eval(module: nn.Module) -> bool:
    """Whether training and evaluation passes surely agree: no normalisation over the batch, no dropout.

    A class from outside torch.nn and mmlib may use ``self.training`` in ways that cannot be seen: not sure, so False.
    """
    return all(_same_in_eval(m) for m in module.modules())


@contextmanager
def kept_statistics(module: nn.Module) -> Iterator[None]:
    """Inside the ``with`` layers in training mode normalise by their batch as ever, but leave their running statistics
    as they are. For the normalisation layers of torch.nn; in evaluation mode these change nothing anyway.
    """
    norms = [m for m in module.modules() if isinstance(m, (_BatchNorm, _InstanceNorm))]
    kept = [(m, m.running_mean, m.running_var) for m in norms if m.training and m.track_running_stats]
    for layer, _, _ in kept:
        layer.track_running_stats = False  # else a batch-norm counts the batch
        layer.running_mean = layer.running_var = None
    try:
        yield
    finally:
        for layer, mean, variance in kept:
            layer.track_running_stats = True
            layer.running_mean, layer.running_var = mean, variance


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside the ``with`` no parameter asks for a gradient; afterwards those that did do so again."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trained:
            p.requires_grad_(True)


def _same_in_eval(layer: nn.Module) -> bool:
    if isinstance(layer, (_BatchNorm, _InstanceNorm, nn.RReLU)):
        return False
    if isinstance(layer, (_DropoutNd, nn.RNNBase, nn.MultiheadAttention)):
        return (layer.p if isinstance(layer, _DropoutNd) else layer.dropout) == 0
    return type(layer).__module__.startswith(("torch.nn.", "mmlib."))
