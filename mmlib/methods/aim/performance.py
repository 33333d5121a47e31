"""How well one block of one encoder tells the classes apart, and what each of its channels adds to that.

Reconstruction: the AIM paper (arXiv 2508.19769) states that prototypes judge the blocks, not by which formula.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

TAU = 10.0  # sharpness of the softmax over cosines


def prototype_logits(h: Tensor, prototypes: Tensor, channels: Tensor | None = None) -> Tensor:
    """tau * cos(h - c, P_k - c), logits [B, K] of pooled outputs h [B, C] under the prototypes P [K, C] of a block.

    c: mean of P over the classes; channels: factors [C] on both sides, such as a mask u; a vector of zeros has cosine 0
    with every other.
    """
    centred, directions = _centred(h, prototypes)
    if channels is not None:
        centred, directions = channels * centred, channels * directions
    return TAU * F.normalize(centred, dim=1) @ F.normalize(directions, dim=1).T


def performance(h: Tensor, prototypes: Tensor, labels: Tensor) -> Tensor:
    """g, a scalar in 0..1: mean softmax probability of the true class of h [B, C] under the prototypes [K, C]."""
    return prototype_logits(h, prototypes).softmax(1).gather(1, labels[:, None]).mean()


def contributions(h: Tensor, prototypes: Tensor, labels: Tensor) -> Tensor:
    """r [C]: what each channel adds to the cosine with the true class, over what it adds to that with the others.

    r_c = mean_i h_ic (P_{y_i, c} - mean over k != y_i of P_kc), h_i and P_k centred and of length 1. Below 0, a channel
    speaks against the true class. The sum of r is the mean difference of the cosines.
    """
    centred, directions = _centred(h, prototypes)
    h, p = F.normalize(centred, dim=1), F.normalize(directions, dim=1)
    true = p[labels]
    others = (p.sum(0) - true) / (len(p) - 1)
    return (h * (true - others)).mean(0)


def class_means(h: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Mean [K, C] of the rows h [N, C] of each class. Raises ValueError if a class has no row."""
    counts = torch.bincount(labels, minlength=num_classes)
    missing = (counts == 0).nonzero().flatten().tolist()
    if missing:
        raise ValueError(f"a class mean needs rows of every class, of {num_classes} classes {missing} have none here.")
    members = F.one_hot(labels, num_classes).to(h.dtype)  # a product, as index_add_ on a GPU adds in no fixed order
    return members.T @ h / counts[:, None]


def _centred(h: Tensor, prototypes: Tensor) -> tuple[Tensor, Tensor]:
    centre = prototypes.mean(0)
    return h - centre, prototypes - centre
