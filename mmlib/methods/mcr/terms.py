"""The two terms MCR adds on the latents: a contrastive one and the conditional-entropy bottleneck."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib import checks

LEAST_TEMPERATURE = 1e-3


def contrastive(latents: Mapping[str, Tensor], labels: Tensor, temperature: float = 0.5) -> Tensor:
    """L_con: supervised NT-Xent over the L2-normalised latents of all modalities, a scalar in nats.

    latents: {m: [B, d]}, one d for all; labels [B]. The M*B rows are stacked. For every ordered pair i != j of equal
    label, within or across modalities: -log[e^(s_ij/t) / (e^(s_ij/t) + sum_n e^(s_in/t))], n over the rows of other
    labels, s the cosine. The mean over all pairs; 0 where there is no pair or no other label. (The equation in the
    paper has cross-modal pairs only; this is what its program computes.)
    Real targets are labels too: then the positive pairs are, as a rule, the latents of one sample.
    Raises ValueError for latents of different shapes, labels of another length or a temperature below 0.001.
    """
    checks.factor("temperature", temperature, low=LEAST_TEMPERATURE)
    shapes = {m: tuple(z.shape) for m, z in latents.items()}
    if len(set(shapes.values())) != 1 or next(iter(shapes.values()))[0] != len(labels):
        raise ValueError(
            f"L_con compares latents across modalities: with {len(labels)} labels all must be [{len(labels)}, d], with "
            f"one d, got {shapes}."
        )
    z = F.normalize(torch.cat(list(latents.values())), dim=1)
    y = labels.repeat(len(latents))
    similar = z @ z.T / temperature
    same = y[:, None] == y
    negatives = similar.masked_fill(same, -torch.inf).logsumexp(1, keepdim=True)
    positive = same & ~torch.eye(len(y), dtype=torch.bool, device=y.device)
    # softplus(n - s) = -log(e^s / (e^s + e^n)); beyond its threshold it is linear, 20 would cost digits of float64.
    return (F.softplus(negatives - similar, threshold=40) * positive).sum() / positive.sum().clamp(min=1)


class Bottleneck(nn.Module):
    """L_ceb, conditional-entropy bottleneck: mean of ([z_1..z_M] - H2(ReLU(H1(f))))^2 over all elements.

    widths: {m: d_m}; num_classes: C. H1: C -> d (the largest width), H2: d -> sum of widths, without biases. The fused
    logits f pass no gradient on, the latents do: they are drawn to what the prediction tells of them.
    """

    def __init__(self, widths: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        hidden = max(widths.values())
        self.h1 = nn.Linear(num_classes, hidden, bias=False)
        self.h2 = nn.Linear(hidden, sum(widths.values()), bias=False)

    def forward(self, latents: Mapping[str, Tensor], logits: Tensor) -> Tensor:
        """The term, a scalar, from latents {m: [B, d_m]} and fused logits [B, C]."""
        return F.mse_loss(self.h2(self.h1(logits.detach()).relu()), torch.cat(list(latents.values()), dim=1))
