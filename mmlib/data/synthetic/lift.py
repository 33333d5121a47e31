"""From latents to inputs: what the synthetic data sets share, whatever their latents tell."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import leaky_relu

from mmlib.data.transforms.splits import standardise

LATENT = 50  # size of a latent h_m
WIDTH = 100  # size of an input
SLOPE = 0.2  # of the leaky ReLU below 0; not 0, so that a layer loses nothing
SPLITS = ("train", "valid", "test")


def lift_all(
    names: Sequence[str],
    latents: dict[str, list[Tensor]],
    scales: Sequence[float],
    depths: Sequence[int],
    worlds: Sequence[Generator],
) -> dict[str, dict[str, Tensor]]:
    """Inputs {split: {modality: float32 [N, 100]}} from latents {split: [N, 50] of each modality}.

    scales, depths, worlds: one per modality; the worlds draw the invertible functions that make inputs of latents.
    """
    inputs: dict[str, dict[str, Tensor]] = {split: {} for split in latents}
    for m, name in enumerate(names):
        seen = _observe({split: values[m] for split, values in latents.items()}, depths[m], worlds[m])
        for split, values in seen.items():
            inputs[split][name] = (scales[m] * values).float()
    return inputs


def orthogonal(size: int, generator: Generator) -> Tensor:
    """A random orthogonal matrix, float64 [size, size]."""
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]


def generators(seed: int, count: int) -> list[Generator]:
    """Independent streams, so that changing one knob leaves the draws that it does not concern as they were."""
    seeds = torch.randint(2**62, (count,), generator=torch.Generator().manual_seed(seed))
    return [torch.Generator().manual_seed(int(child)) for child in seeds]


def _observe(latents: dict[str, Tensor], depth: int, world: Generator) -> dict[str, Tensor]:
    """The inputs of one modality before ``scale``, [N, 100], from its latents [N, 50] in every split.

    Standardising after each layer keeps ``depth`` from changing the size of the input, which is what ``scale`` is for.
    """
    lift = torch.rand(LATENT, WIDTH, generator=world, dtype=torch.float64)
    values = standardise({split: h @ lift for split, h in latents.items()})
    for _ in range(depth):
        rotation = orthogonal(WIDTH, world)
        values = standardise({split: leaky_relu(x @ rotation, SLOPE) for split, x in values.items()})
    return values
