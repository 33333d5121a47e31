"""The exact Shapley value (Shapley 1953), as AGM uses it on logits and the measures on accuracies."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import factorial

import torch
from torch import Tensor

from mmlib.coalitions.subsets import Coalition, subsets


def shapley(value: Mapping[Coalition, Tensor], players: Sequence[str], empty: float = 0.0) -> dict[str, Tensor]:
    """phi_m = sum over S without m of w(|S|) * (value(S + m) - value(S)), w(k) = k! (M-k-1)! / M!, for every player m.

    value: subset (names in order) -> tensor [...], for all non-empty subsets; empty: value of the empty set.
    The phi_m [...] add up to value(all) - empty.
    """
    stacked = torch.stack([value[s] for s in subsets(players)])
    weights = _weights(len(players), stacked.device, stacked.dtype)
    phi = torch.tensordot(weights, stacked, dims=1) - empty / len(players)
    return dict(zip(players, phi.unbind(), strict=True))


def shapley_weights(count: int) -> list[list[float]]:
    """The factor of value(S) in phi_m: rows are the ``count`` players m, columns the S of ``subsets``.

    Collecting the terms of the definition: w(|S|-1) where m is in S, -w(|S|) where it is not.
    """
    weight = [factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)]
    coalitions = subsets(range(count))
    return [[weight[len(s) - 1] if m in s else -weight[len(s)] for s in coalitions] for m in range(count)]


@lru_cache
def _weights(count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    # Kept on the device: a copy from the host in every step would hold the device up.
    with torch.inference_mode(False):
        return torch.tensor(shapley_weights(count), device=device, dtype=dtype)
