"""How a synthetic sample comes about: which modalities tell what about its label.

After Kontras et al. (NeurIPS 2025, arXiv 2411.07335, section 4.1), for more modalities and with synergy.
Every modality m has 2C orthonormal directions in R^50: C show a class directly, and C show a code. Its latent is
    h_m = noise_m * n_m + signal_m * (the direction it shows, or 0),   n_m ~ N(0, I).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Process:
    """names: modalities; classes: C; shared, unique (per modality), synergy: the shares of samples of each kind;
    noise, signal: per modality."""

    names: tuple[str, ...]
    classes: int
    shared: float
    unique: tuple[float, ...]
    synergy: float
    noise: tuple[float, ...]
    signal: tuple[float, ...]

    @property
    def shares(self) -> Tensor:
        """Float64 [M + 3]: shared, unique to each modality, synergy, uninformative; they sum to 1."""
        informative = [self.shared, *self.unique, self.synergy]
        return torch.tensor([*informative, max(0.0, 1.0 - sum(informative))], dtype=torch.float64)


def draw_labels(process: Process, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Labels [N] and, for each modality, the number of the direction shown, LongTensor [N, M].

    Directions 0..C-1 show a class, C..2C-1 show a code, 2C is none. The codes of a synergy sample are uniform subject
    to (sum of codes) mod C = label, so any M - 1 of them are independent of the label.
    """
    modalities, classes = len(process.names), process.classes
    labels = torch.randint(classes, (count,), generator=generator)
    position = torch.rand(count, generator=generator, dtype=torch.float64)
    kinds = torch.searchsorted(process.shares.cumsum(0)[:-1], position, right=True)[:, None]
    codes = torch.randint(classes, (count, modalities), generator=generator)
    codes[:, -1] = (labels - codes[:, :-1].sum(1)) % classes
    direct = (kinds == 0) | (kinds == torch.arange(1, modalities + 1))
    shown = torch.where(direct, labels[:, None], 2 * classes)
    return labels, torch.where(kinds == modalities + 1, classes + codes, shown)


def draw_latents(
    process: Process, directions: Sequence[Tensor], count: int, generator: Generator
) -> tuple[list[Tensor], Tensor]:
    """h_m [N, D] of every modality, float64, and the labels [N]; directions: orthonormal [2C, D] for each modality."""
    labels, shown = draw_labels(process, count, generator)
    latents = []
    for m, basis in enumerate(directions):
        direction = torch.cat([basis, torch.zeros_like(basis[:1])])[shown[:, m]]
        noise = torch.randn(count, basis.shape[1], generator=generator, dtype=torch.float64)
        latents.append(process.noise[m] * noise + process.signal[m] * direction)
    return latents, labels
