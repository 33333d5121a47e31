"""f(S): what a network says when the raw inputs outside S are zeros, computed with as little work as possible."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from mmlib.models.model import MultimodalModel
from mmlib.models.shapley import Coalition, subsets


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the ``with``; afterwards every submodule has its own training flag back."""
    training = [m for m in module.modules() if m.training]
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


def masked_logits(
    model: MultimodalModel, inputs: Mapping[str, Tensor], features: Mapping[str, Tensor]
) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty proper subset S of the modalities, in evaluation mode, gradients on (AGM, 3.1).

    inputs: {m: [B, ...]}; features: what ``model.encode(inputs)`` gave in the mode the model is in; they are used again
    wherever the two modes agree. All subsets go through the fusion as one batch.
    """
    reusable = {m: not _is_training(encoder) or same_in_eval(encoder) for m, encoder in model.encoders.items()}
    present, absent = {}, {}
    with eval_mode(model):
        for m, encoder in model.encoders.items():
            # In evaluation mode an encoder says the same of every row of zeros, so one row is enough.
            zeros = torch.zeros_like(inputs[m][:1])
            if reusable[m]:
                present[m], absent[m] = features[m], encoder(zeros)
            else:
                both = encoder(torch.cat([inputs[m], zeros]))
                present[m], absent[m] = both[:-1], both[-1:]
        logits = _fused(model, present, absent)
    return dict(zip(subsets(model.modalities)[:-1], logits.unbind(), strict=True))


def subset_logits(model: MultimodalModel, inputs: Mapping[str, Tensor]) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty subset S, the full set included, in evaluation mode."""
    with eval_mode(model):
        features = model.encode(inputs)
        return {**masked_logits(model, inputs, features), model.modalities: model.fuse(features)}


def _fused(model: MultimodalModel, present: Mapping[str, Tensor], absent: Mapping[str, Tensor]) -> Tensor:
    """Logits [2^M - 2, B, C] of every proper subset, from the features with and without each modality."""
    if model.fusion.is_additive:  # the logits are a sum over modalities: mix the short shares, not the long features
        return sum(_mixed(model.fusion.modality_logits(present), model.fusion.modality_logits(absent)).values())
    mixed = _mixed(present, absent)
    rows = model.fuse({m: features.flatten(0, 1) for m, features in mixed.items()})
    return rows.unflatten(0, (-1, len(present[model.modalities[0]])))


def _is_training(module: nn.Module) -> bool:
    return any(layer.training for layer in module.modules())


def _same_in_eval(layer: nn.Module) -> bool:
    if isinstance(layer, (_BatchNorm, _InstanceNorm, nn.RReLU)):
        return False
    if isinstance(layer, (_DropoutNd, nn.RNNBase, nn.MultiheadAttention)):
        return (layer.p if isinstance(layer, _DropoutNd) else layer.dropout) == 0
    return type(layer).__module__.startswith(("torch.nn.", "mmlib."))


def _mixed(present: Mapping[str, Tensor], absent: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """For every proper subset (first axis), m's rows [B, D] if m is in it and the one row of its absence if not."""
    inside = _membership(len(present), next(iter(present.values())).device)
    return {m: torch.where(inside[k][:, None, None], present[m], absent[m]) for k, m in enumerate(present)}


@lru_cache
def _membership(count: int, device: torch.device) -> Tensor:
    """Whether each of ``count`` modalities (rows) is in each proper subset, kept on the device."""
    with torch.inference_mode(False):  # else a first call in inference mode would spoil it for training
        return torch.tensor([[m in s for s in subsets(range(count))[:-1]] for m in range(count)], device=device)
