"""Synthetic modalities whose shares of information, noise and speed of learning are knobs, and whose limit is known.

The stand-in for the synthetic experiment of Kontras et al. (NeurIPS 2025, arXiv 2411.07335, section 4.1): the latents
h_m are those of process.py, the inputs are invertible functions of them.
"""

from collections.abc import Mapping, Sequence

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.split import Split
from mmlib.data.synthetic.bayes import bayes_accuracy, mutual_information
from mmlib.data.synthetic.knobs import check_depths, make_process, of_each
from mmlib.data.synthetic.lift import LATENT, SPLITS, generators, lift_all, orthogonal
from mmlib.data.synthetic.process import draw_latents
from mmlib.data.transforms.splits import check_samples


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
    scales = of_each("scale", scale, process.names, 1e-6, 1e6)
    depths = of_each("depth", depth, process.names, 0, 20)
    check_depths(depths)
    check_samples(samples)
    checks.seed(seed)
    limit, train, valid, test, *worlds = generators(seed, 1 + len(SPLITS) + modalities)
    directions = [orthogonal(LATENT, world)[: 2 * classes] for world in worlds]
    draws = zip(SPLITS, samples, (train, valid, test), strict=True)
    drawn = {split: draw_latents(process, directions, count, generator) for split, count, generator in draws}
    inputs = lift_all(process.names, {split: h for split, (h, _) in drawn.items()}, scales, depths, worlds)
    splits = {split: Split(inputs[split], labels) for split, (_, labels) in drawn.items()}
    names = tuple(str(label) for label in range(classes))
    return MultimodalData("synthetic", **splits, classes=names, bayes_accuracy=bayes_accuracy(process, limit))


def information(
    modalities: int = 2,
    classes: int = 5,
    shared: float = 0.5,
    unique: float | Mapping[str, float] | None = None,
    synergy: float = 0.0,
    noise: float | Mapping[str, float] = 1.0,
    signal: float | Mapping[str, float] = 3.0,
    seed: int = 0,
) -> dict[tuple[str, ...], float]:
    """Mutual information I(Y; X_S) in bits, 0..log2(classes), of the label and every subset S of the modalities.

    The knobs are those of ``load``; scale and depth, being invertible, change no information. Computed with the exact
    posterior on 40,000 draws that ``seed`` fixes (the draws of bayes_accuracy in ``load`` with this seed), with a
    standard error below 0.0025 log2(classes): the difference of two subsets may come out a little below 0.
    For two modalities I(Y; X_a, X_b) - I(Y; X_b) = I(Y; X_a | X_b) is what a adds to b, and
    I(Y; X_a) + I(Y; X_b) - I(Y; X_a, X_b) what they have in common, below 0 where synergy prevails: the terms of
    Kontras et al. (NeurIPS 2025, section 3; the shares as in 4.1). Chain rule: Cover and Thomas, section 2.5.
    Raises ValueError or TypeError for values out of range and for shares that sum to more than 1.
    """
    process = make_process(modalities, classes, shared, unique, synergy, noise, signal)
    checks.seed(seed)
    (draws,) = generators(seed, 1)
    return mutual_information(process, draws)
