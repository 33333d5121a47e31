"""How a sample of the synthetic regression comes about, and the lowest error any predictor of its target can reach.

The target has variance 1 and is a sum of independent parts, each a share of it: one that every modality shows (s), one
that modality m alone shows (u_m) and one that none shows (e),
    y = sqrt(shared) s + sum_m sqrt(unique_m) u_m + sqrt(rest) e,   s, u_m, e ~ N(0, 1).
Every modality m has two orthonormal directions e_m0, e_m1 in R^50, and its latent is
    h_m = noise_m n_m + signal_m (s e_m0 + u_m e_m1),   n_m ~ N(0, I).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mmlib.coalitions.subsets import subsets


@dataclass(frozen=True)
class LinearProcess:
    """names: modalities; shared, unique (per modality): shares of the variance of y; noise, signal: per modality."""

    names: tuple[str, ...]
    shared: float
    unique: tuple[float, ...]
    noise: tuple[float, ...]
    signal: tuple[float, ...]

    @property
    def rest(self) -> float:
        """The share of the target's variance that no modality shows."""
        return max(0.0, 1.0 - self.shared - sum(self.unique))


def draw_latents(
    process: LinearProcess, directions: Sequence[Tensor], count: int, generator: Generator
) -> tuple[list[Tensor], Tensor]:
    """h_m [N, D] of every modality and the targets [N], float64; directions: orthonormal [2, D] for each modality."""
    parts = torch.randn(count, len(process.names) + 2, generator=generator, dtype=torch.float64)
    shares = torch.tensor([process.shared, *process.unique, process.rest], dtype=torch.float64)
    latents = []
    for m, basis in enumerate(directions):
        noise = torch.randn(count, basis.shape[1], generator=generator, dtype=torch.float64)
        latents.append(process.noise[m] * noise + process.signal[m] * parts[:, [0, m + 1]] @ basis)
    return latents, parts @ shares.sqrt()


def bayes_error(process: LinearProcess) -> dict[tuple[str, ...], float]:
    """The lowest mean absolute error for every non-empty subset S of the modalities' names, exact.

    All maps from the latents to the inputs are invertible, and given h_S the target is Gaussian: its median is the best
    predictor, with a mean absolute error of sqrt(2 / pi) standard deviations. With g_m = (signal_m / noise_m)^2,
        Var(s | h_S) = 1 / (1 + sum_{m in S} g_m),   Var(u_m | h_S) = 1 / (1 + g_m) if m is in S, else 1.
    """
    indices = range(len(process.names))
    gain = [(signal / noise) ** 2 for signal, noise in zip(process.signal, process.noise, strict=True)]
    limits = {}
    for subset in subsets(indices):
        variance = process.rest + process.shared / (1 + sum(gain[m] for m in subset))
        variance += sum(share / (1 + gain[m]) if m in subset else share for m, share in enumerate(process.unique))
        limits[tuple(process.names[m] for m in subset)] = math.sqrt(2 / math.pi * variance)
    return limits
