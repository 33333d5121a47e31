"""DAM: how strongly each block is modulated, from how far its modality is ahead at that depth.

Reconstruction: the AIM paper (arXiv 2508.19769) states that the imbalance of every depth sets the strength there; the
formula and its alternatives are ours.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

DAMS = ("ratio", "gap", "const", "last")
LEAST = 1e-12  # a performance of 0 then gives no strength, and one beside it the full strength


def strengths(performance: Mapping[str, Tensor], gamma: float, dam: str) -> dict[str, Tensor]:
    """alpha {m: [D_m]}, each in 0..1, from the performance g {m: [D_m]} of every block.

    ratio: alpha_d^m = tanh(gamma * max(0, g_d^m / mean over the others of g_d - 1)); gap: the difference of the two
    in place of the ratio - 1; const: the mean of the ratio's alphas at every depth; last: the ratio's alpha at the last
    depth and 0 above it. A modality that is behind at depth d has alpha = 0 there. Where the encoders differ in their
    number of blocks, depth d of m is compared with block ceil(d * D_j / D_m) of j.
    """
    rivals = {m: _rivals(performance, m) for m in performance}
    if dam == "gap":
        lead = {m: g - rivals[m] for m, g in performance.items()}
    else:
        lead = {m: g / rivals[m].clamp(min=LEAST) - 1 for m, g in performance.items()}
    alpha = {m: torch.tanh(gamma * ahead.clamp(min=0)) for m, ahead in lead.items()}
    if dam == "const":
        alpha = {m: a.mean().expand_as(a).clone() for m, a in alpha.items()}
    if dam == "last":
        alpha = {m: torch.cat([torch.zeros_like(a[:-1]), a[-1:]]) for m, a in alpha.items()}
    return alpha


def _rivals(performance: Mapping[str, Tensor], modality: str) -> Tensor:
    """Mean [D_m] of the others' performance at each depth of ``modality``."""
    own = performance[modality]
    others = [g[counterparts(len(own), len(g))] for m, g in performance.items() if m != modality]
    return torch.stack(others).mean(0)


def counterparts(depth: int, other: int) -> list[int]:
    """For each of ``depth`` blocks, the number (from 0) of the block at the same relative depth among ``other`` blocks:
    for block d, counted from 1, it is ceil(d * other / depth) - 1.
    """
    return [-(-d * other // depth) - 1 for d in range(1, depth + 1)]
