"""What MCR can be compared with: perturbing by zeros or noise, in the latents or in the inputs."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmlib.coalitions import paired_features
from mmlib.methods.base import Inputs
from mmlib.models import MultimodalModel

ABLATIONS = ("zero_latent", "noise_latent", "zero_input", "noise_input")
Latents = Mapping[str, Tensor]


def replaced(
    perturbation: str, model: MultimodalModel, inputs: Inputs, latents: Latents, K: int, sigma: float
) -> tuple[Latents, Latents]:
    """Clean latents {m: [B, d_m]} and perturbed ones, {m: [1, d_m]} for zeros and {m: [K*B, d_m]} for noise.

    inputs {m: [B, ...]}, latents: a batch and its latents; K: draws of noise; sigma: its size in standard deviations of
    the batch, element by element. At the input every perturbation is a pass through the encoders, in evaluation mode.
    Raises TypeError for noise on inputs that are not real numbers.
    """
    source = latents if perturbation.endswith("latent") else inputs
    if perturbation.startswith("zero"):
        others = {m: torch.zeros_like(x[:1]) for m, x in source.items()}
    else:
        others = {m: _noisy(m, x, K, sigma) for m, x in source.items()}
    return (latents, others) if source is latents else paired_features(model, inputs, latents, others)


def _noisy(modality: str, x: Tensor, K: int, sigma: float) -> Tensor:
    """K noisy copies of the batch [B, ...], one after the other."""
    if not x.is_floating_point():
        raise TypeError(f"noise needs real numbers, the input of {modality!r} is {x.dtype}: use another perturbation.")
    spread = x.detach().std(0, correction=0)  # detached: latents must not grow to make the noise larger
    copies = x.repeat(K, *[1] * (x.ndim - 1))
    return copies + sigma * spread * torch.randn_like(copies)
