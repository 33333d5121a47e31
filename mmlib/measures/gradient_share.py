"""How much of its own size the loss asks each block of each encoder to change (Wang et al., CVPR 2020)."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from mmlib.data import Split
from mmlib.measures._predictions import batches, check_finite, true_labels
from mmlib.measures.registry import Trained, by_depth, measure
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel, eval_mode
from mmlib.models.encoder import check_blocks

Gradients = Mapping[nn.Parameter, Tensor]


def gradient_share(model: MultimodalModel, split: Split) -> dict[str, list[float]]:
    """{m: |gradient| / |weights| of every block of m's encoder, shallow to deep}, Euclidean norms, each >= 0.

    The gradient of the joint mean cross-entropy over the whole split, in evaluation mode, at most 1024 rows at once.
    Only parameters that ask for a gradient count, above and below the line; a block without any has share 0. A last
    value is added where an encoder has parameters outside its blocks (``model.groups()``). Nothing of the model is
    changed, ``.grad`` included. Raises ValueError for an encoder without blocks, a split that does not fit the model,
    real targets, a block whose weights are all 0, or values that are not finite.
    """
    for m in model.modalities:
        check_blocks(m, model.encoders[m])
    groups = {m: [[p for p in group if p.requires_grad] for group in depths] for m, depths in model.groups().items()}
    gradients = _gradients(model, split, [p for depths in groups.values() for group in depths for p in group])
    return {
        m: [_share(f"block {d} of {m!r}", group, gradients) for d, group in enumerate(depths, start=1)]
        for m, depths in groups.items()
    }


# A caller may have switched gradients off, as is usual for measures: this switches them on, after no_grad too.
@torch.inference_mode(False)
def _gradients(model: MultimodalModel, split: Split, parameters: list[nn.Parameter]) -> Gradients:
    """Gradient of the mean cross-entropy over the split by each of the parameters."""
    total = {p: torch.zeros_like(p) for p in parameters}
    rows = batches(split, model.anchor.device)
    true_labels(model, split)  # raises where one is not a class of the model
    with eval_mode(model):
        for x, y in rows:
            loss = cross_entropy(model(x), y) * (len(y) / len(split))
            for p, gradient in zip(total, _derivatives(loss, list(total)), strict=True):
                total[p] += gradient
    return total


def _derivatives(loss: Tensor, parameters: list[nn.Parameter]) -> Iterable[Tensor]:
    if not parameters:  # which autograd refuses
        return ()
    # Unlike backward, this leaves .grad alone. The loss need not depend on every parameter.
    return torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)


def _share(block: str, parameters: list[nn.Parameter], gradients: Gradients) -> float:
    if not parameters:
        return 0.0
    norms = torch.stack([_norm(gradients[p] for p in parameters), _norm(p.detach() for p in parameters)])
    check_finite(norms)
    gradient, weights = norms.tolist()
    if weights == 0:
        raise ValueError(f"all weights of {block} are 0: the gradient's norm over theirs is not defined there.")
    return gradient / weights


def _norm(tensors: Iterable[Tensor]) -> Tensor:
    return torch.linalg.vector_norm(torch.cat([t.flatten() for t in tensors]), dtype=torch.double)


@measure("gradient_share", needs_fusion=True)
def _gradient_share(t: Trained) -> dict[str, float]:
    return by_depth(gradient_share(t.method.model, t.held))
