"""MCR's permutations: which sample's latents stand in for which, all K draws of a step at once and on the device."""

import torch
from torch import Tensor

from mmlib import checks

MODES = ("rand", "no_self", "no_same_label")
TRIES = 8  # draws to choose from where a mode may leave fewer than two pairs


def allowed_pairs(permutations: Tensor, labels: Tensor, mode: str) -> Tensor:
    """Which pairs of a row and its donors ``mode`` keeps, bool [..., K, B].

    permutations: LongTensor [..., P, K, B], the donor of row b under draw k for each of P modalities (P = 1: one draw
    for all); labels [B]. rand: all; no_self: a row with itself is dropped; no_same_label: rows of equal label are.
    With several draws a pair is dropped if it is for any of the P, which leaves few: with M = 6 and two classes,
    no_same_label keeps one pair in 64. Raises ValueError for an unknown mode.
    """
    checks.one_of("mode", mode, MODES)
    rows = torch.arange(len(labels), device=labels.device)
    if mode == "rand":
        allowed = torch.ones_like(permutations, dtype=torch.bool)
    elif mode == "no_self":
        allowed = permutations != rows
    else:
        allowed = labels[permutations] != labels[rows]
    return allowed.all(-3)


def draw_pairs(
    labels: Tensor, modalities: tuple[str, ...], K: int, mode: str
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """donors {m: [K*B]}, keep [K*B] and the factor (float64) by which a mean over them is to be multiplied.

    Two modalities share their draws, as one of them is perturbed at a time; more have their own. How many pairs are
    left is known to the device alone, so none is cut out: a dropped pair becomes a row with itself, where every
    divergence and its gradient are 0, and the factor K*B / (pairs left) makes the mean over all that over the rest.
    Where a draw leaves fewer than two pairs, the next of 8 is taken. If all 8 do (a batch of one row; of one class
    under no_same_label), the first one counts: with no pair left, all divergences are 0.
    """
    rows, players = len(labels), 1 if len(modalities) == 2 else len(modalities)
    tries = 1 if mode == "rand" else TRIES
    drawn = torch.rand(tries, players, K, rows, device=labels.device).argsort(-1)
    allowed = allowed_pairs(drawn, labels, mode)
    counts = allowed.sum((1, 2))
    first = (counts > 1).to(torch.uint8).argmax().view(1)  # the first that is large enough; 0 if none is
    drawn, allowed, count = (x.index_select(0, first).squeeze(0) for x in (drawn, allowed, counts))
    keep = torch.arange(rows, device=labels.device).repeat(K)
    donors = torch.where(allowed.flatten(), drawn.flatten(1), keep)
    factor = K * rows / count.clamp(min=1).double()
    return {m: donors[min(p, players - 1)] for p, m in enumerate(modalities)}, keep, factor
