"""Synthetic modalities whose shares of information, noise and speed of learning are knobs, and whose limit is known.

The stand-in for the synthetic experiment of Kontras et al. (NeurIPS 2025, arXiv 2411.07335, section 4.1): the latents
h_m are those of synthetic_process.py, the inputs are invertible functions of them.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import leaky_relu

from mmlib.data.base import MultimodalData, Split
from mmlib.data.splits import check_seed, standardise
from mmlib.data.synthetic_bayes import bayes_accuracy
from mmlib.data.synthetic_options import check_depths, check_samples, make_process, per_modality
from mmlib.data.synthetic_process import LATENT, draw_latents

WIDTH = 100  # size of an input
SLOPE = 0.2  # of the leaky ReLU below 0; not 0, so that a layer loses nothing
SPLITS = ("train", "valid", "test")


def load(
    modalities: int = 2,
    classes: int = 5,
    shared: float = 0.5,
    unique: float | Mapping[str, float] | None = None,
    synergy: float = 0.0,
    noise: float | Mapping[str, float] = 1.0,
    signal: float | Mapping[str, float] = 3.0,
    scale: float | Mapping[str, float] = 1.0,
    depth: int | Mapping[str, int] = 0,
    samples: Sequence[int] = (2000, 1000, 2000),
    seed: int = 0,
) -> MultimodalData:
    """Modalities "a", "b", ... (2 to 6 of them), float32 [N, 100] each.

    shared: share of samples in which every modality shows the class. unique: share in which only that modality does;
    None splits evenly what shared and synergy leave. synergy: share in which the class is the sum, modulo classes, of
    codes, one a modality, so that no proper subset tells anything. What is left of 1 is uninformative.
    noise, signal: size of both in the latents. scale: factor on the finished input (a small one is learned slowly).
    depth: random invertible layers in front of it (the class is harder to read, and no less there).
    samples: rows of train, valid and test. A knob of the modalities is one value for all, or {name: value} for each.
    bayes_accuracy of the result has every subset of modalities, with a standard error below 0.0025.
    Raises ValueError or TypeError for values out of range and for shares that sum to more than 1.
    """
    process = make_process(modalities, classes, shared, unique, synergy, noise, signal)
    scales = per_modality("scale", scale, process.names, 1e-6, 1e6)
    depths = per_modality("depth", depth, process.names, 0, 20)
    check_depths(depths)
    check_samples(samples)
    check_seed(seed)
    limit, train, valid, test, *worlds = _generators(seed, 1 + len(SPLITS) + modalities)
    directions = [_orthogonal(LATENT, world)[: 2 * classes] for world in worlds]
    draws = zip(SPLITS, samples, (train, valid, test), strict=True)
    drawn = {split: draw_latents(process, directions, count, generator) for split, count, generator in draws}
    inputs: dict[str, dict[str, Tensor]] = {split: {} for split in SPLITS}
    for m, name in enumerate(process.names):
        seen = _observe({split: latents[m] for split, (latents, _) in drawn.items()}, depths[m], worlds[m])
        for split, values in seen.items():
            inputs[split][name] = (scales[m] * values).float()
    splits = {split: Split(inputs[split], labels) for split, (_, labels) in drawn.items()}
    names = tuple(str(label) for label in range(classes))
    return MultimodalData("synthetic", **splits, classes=names, bayes_accuracy=bayes_accuracy(process, limit))


def _observe(latents: dict[str, Tensor], depth: int, world: Generator) -> dict[str, Tensor]:
    """The inputs of one modality before ``scale``, [N, 100], from its latents [N, 50] in every split.

    Standardising after each layer keeps ``depth`` from changing the size of the input, which is what ``scale`` is for.
    """
    lift = torch.rand(LATENT, WIDTH, generator=world, dtype=torch.float64)
    values = standardise({split: h @ lift for split, h in latents.items()})
    for _ in range(depth):
        rotation = _orthogonal(WIDTH, world)
        values = standardise({split: leaky_relu(x @ rotation, SLOPE) for split, x in values.items()})
    return values


def _orthogonal(size: int, generator: Generator) -> Tensor:
    """A random orthogonal matrix, float64 [size, size]."""
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]


def _generators(seed: int, count: int) -> list[Generator]:
    """Independent streams, so that changing one knob leaves the draws that it does not concern as they were."""
    seeds = torch.randint(2**62, (count,), generator=torch.Generator().manual_seed(seed))
    return [torch.Generator().manual_seed(int(child)) for child in seeds]
