"""A real target whose parts are spread over synthetic modalities by knobs, and whose lowest error is known.

The regression beside ``synthetic``: the latents and the target are those of synthetic/linear.py, the inputs are the
same invertible functions of the latents.
"""

from collections.abc import Mapping, Sequence

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import SEEDS, SGD, Recipe
from mmlib.data.split import Split
from mmlib.data.synthetic.knobs import check_depths, make_linear_process, of_each
from mmlib.data.synthetic.lift import LATENT, SPLITS, generators, lift_all, orthogonal
from mmlib.data.synthetic.linear import bayes_error, draw_latents
from mmlib.data.transforms.splits import check_samples

CARD = {
    "position": 2,
    "origin": "made when asked for",
    "task": "regression",
    "modalities": "a, b, ... (2 to 6)",
    "size": "any",
    "licence": "MIT",
    "credit": "mmlib",
    "split": "rows drawn by the seed",
}
RECIPE = Recipe(
    encoder="mlp",
    model={"width": 64, "depth": 3, "fusion": "concat"},
    training=SGD,
    epochs={"smoke": 4, "quick": 30, "full": 100},
    seeds=SEEDS,
)


def load(
    modalities: int = 2,
    shared: float = 0.5,
    unique: float | Mapping[str, float] | None = None,
    noise: float | Mapping[str, float] = 1.0,
    signal: float | Mapping[str, float] = 3.0,
    scale: float | Mapping[str, float] = 1.0,
    depth: int | Mapping[str, int] = 0,
    samples: Sequence[int] = (2000, 1000, 2000),
    seed: int = 0,
) -> MultimodalData:
    """Modalities "a", "b", ... (2 to 6 of them), float32 [N, 100] each; targets float32 [N] with mean 0, variance 1.

    shared: share of the target's variance that every modality shows. unique: share that only that modality shows; None
    splits evenly what shared leaves. What is left of 1 is shown nowhere.
    noise, signal: size of both in the latents. scale: factor on the finished input (a small one is learned slowly).
    depth: random invertible layers in front of it (the target is harder to read, and no less there).
    samples: rows of train, valid and test. A knob of the modalities is one value for all, or {name: value} for each.
    bayes_error of the result has every subset of modalities, and is exact.
    Raises ValueError or TypeError for values out of range and for shares that sum to more than 1.
    """
    process = make_linear_process(modalities, shared, unique, noise, signal)
    scales = of_each("scale", scale, process.names, 1e-6, 1e6)
    depths = of_each("depth", depth, process.names, 0, 20)
    check_depths(depths)
    check_samples(samples)
    checks.seed(seed)
    train, valid, test, *worlds = generators(seed, len(SPLITS) + modalities)
    directions = [orthogonal(LATENT, world)[:2] for world in worlds]
    draws = zip(SPLITS, samples, (train, valid, test), strict=True)
    drawn = {split: draw_latents(process, directions, count, generator) for split, count, generator in draws}
    inputs = lift_all(process.names, {split: h for split, (h, _) in drawn.items()}, scales, depths, worlds)
    splits = {split: Split(inputs[split], targets.float()) for split, (_, targets) in drawn.items()}
    return MultimodalData("synthetic_regression", **splits, classes=(), bayes_error=bayes_error(process))
