"""Synthetic modalities whose information is a knob and whose limit is known: classes and real targets."""

from mmlib.data.recipe import SEEDS, SGD, Recipe
from mmlib.data.synthetic.classification import information, load

CARD = {
    "position": 1,
    "origin": "made when asked for",
    "modalities": "a, b, ... (2 to 6)",
    "size": "any",
    "licence": "MIT",
    "credit": "mmlib; after Kontras et al. 2025",
    "split": "rows drawn by the seed",
}
RECIPE = Recipe(
    encoder="mlp",
    model={"width": 64, "depth": 3, "fusion": "concat"},
    training=SGD,
    epochs={"smoke": 4, "quick": 30, "full": 100},
    seeds=SEEDS,
)

__all__ = ["information", "load"]
