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
    flags = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for m, training in flags:
            m.training = training


def same_in_eval(module: nn.Module) -> bool:
    """Whether training and evaluation passes surely agree: no normalisation over the batch, no dropout.

    A class from outside torch.nn and mmlib may look at ``self.training`` in ways that cannot be seen: not sure, so False.
    """
    return all(_same_in_eval(m) for m in module.modules())


def masked_logits(
    model: MultimodalModel, inputs: Mapping[str, Tensor], features: Mapping[str, Tensor]
) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty proper subset S of the modalities, in evaluation mode, gradients on (AGM, section 3.1).

    inputs: {m: [B, ...]}; features: what ``model.encode(inputs)`` gave in the mode the model is in; they are used again
    wherever the two modes agree. All subsets go through the fusion as one batch.
    """
    present = _present(model, inputs, features)
    absent = _absent(model, inputs)
    if model.fusion.is_additive:  # the logits are a sum over modalities: mix the short shares, not the long features
        shares = _mixed(model.fusion.modality_logits(present), model.fusion.modality_logits(absent))
        logits = sum(shares.values())
    else:
        mixed = {m: rows.flatten(0, 1) for m, rows in _mixed(present, absent).items()}
        with eval_mode(model.fusion):
            logits = model.fuse(mixed).unflatten(0, (-1, len(present[model.modalities[0]])))
    return dict(zip(subsets(model.modalities)[:-1], logits.unbind(), strict=True))


def subset_logits(model: MultimodalModel, inputs: Mapping[str, Tensor]) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty subset S, the full set included, in evaluation mode."""
    with eval_mode(model):
        features = model.encode(inputs)
        return {**masked_logits(model, inputs, features), model.modalities: model.fuse(features)}


def _present(model: MultimodalModel, inputs: Mapping[str, Tensor], features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    agrees = {m: same_in_eval(e) or not any(layer.training for layer in e.modules()) for m, e in model.encoders.items()}
    with eval_mode(model.encoders):
        return {m: features[m] if agrees[m] else e(inputs[m]) for m, e in model.encoders.items()}


def _absent(model: MultimodalModel, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # In evaluation mode an encoder says the same of every row of zeros, so one row is enough.
    with eval_mode(model.encoders):
        return {m: e(torch.zeros_like(inputs[m][:1])) for m, e in model.encoders.items()}


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
    return torch.tensor([[m in s for s in subsets(range(count))[:-1]] for m in range(count)], device=device)
