"""How far a prediction has moved: MCR's J for classes and for real targets."""

from collections.abc import Callable

import torch
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
LEAST_PROBABILITY = 1e-20


def jensen_shannon(logits: Tensor, reference: Tensor) -> Tensor:
    """Mean over the rows of JSD(softmax(logits), softmax(reference)) in nats, 0 .. ln 2.

    logits [..., N, C]; reference [N, C]; returns [...]. Probabilities are at least 1e-20 before the logarithm, or
    the smallest normal number of a dtype that has none so small.
    """
    least = max(LEAST_PROBABILITY, torch.finfo(logits.dtype).tiny)
    # Classes before rows: on a CPU a softmax along a short last axis would take most of the time of an MCR step.
    p, q = (z.mT.contiguous().softmax(-2).clamp(least, 1) for z in (logits, reference))
    log_middle = ((p + q) / 2).log()
    return (p * (p.log() - log_middle) + q * (q.log() - log_middle)).sum(-2).mean(-1) / 2


def squared_difference(outputs: Tensor, reference: Tensor) -> Tensor:
    """Mean squared difference of predictions [..., N, C] and [N, C]: J of a regression, in squared units."""
    return (outputs - reference).square().mean((-2, -1))
