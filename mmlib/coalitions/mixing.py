"""Every coalition of modalities at once: logits in which each modality's part comes from one of two sources."""

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from mmlib.coalitions.subsets import subsets
from mmlib.models.fusion import Fusion


def mixed_logits(fusion: Fusion, inside: Mapping[str, Tensor], outside: Mapping[str, Tensor]) -> Tensor:
    """Logits [2^M - 2, B, C] of every non-empty proper subset S, in the order of ``subsets``, as one batch.

    inside, outside: terms of the fusion {m: [B or 1, D]}; m's come from ``inside`` if m is in S and from ``outside`` if
    not. In an additive fusion these are the short shares of the logits, so that no features are mixed.
    """
    mixed = _mixed(inside, outside)
    rows = next(iter(mixed.values())).shape[1]
    return fusion.join({m: terms.flatten(0, 1) for m, terms in mixed.items()}).unflatten(0, (-1, rows))


def _mixed(inside: Mapping[str, Tensor], outside: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """For every proper subset (first axis), m's rows [B, D] of ``inside`` if m is in it and of ``outside`` if not."""
    member = _membership(len(inside), next(iter(inside.values())).device)
    return {m: torch.where(member[k][:, None, None], inside[m], outside[m]) for k, m in enumerate(inside)}


@lru_cache
def _membership(count: int, device: torch.device) -> Tensor:
    """Whether each of ``count`` modalities (rows) is in each proper subset, kept on the device."""
    with torch.inference_mode(False):  # else a first call in inference mode would spoil it for training
        return torch.tensor([[m in s for s in subsets(range(count))[:-1]] for m in range(count)], device=device)
