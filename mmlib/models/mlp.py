"""Multi-layer perceptron for feature vectors."""

from collections.abc import Mapping
from math import prod

from torch import nn

from mmlib import checks
from mmlib.models.encoder import Encoder, has_bias, normalisation


class MLP(Encoder):
    """``depth`` blocks of Linear, optional batch-norm, ReLU and optional dropout: [B, ...] -> [B, width].

    in_features: number of values in one sample (samples of any shape are flattened); norm: "none" or "batch";
    dropout: probability in 0..1.
    """

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """One input per number in a sample."""
        return {"in_features": prod(shape), **options}

    def __init__(
        self, in_features: int, width: int = 64, depth: int = 3, norm: str = "none", dropout: float = 0.0
    ) -> None:
        checks.whole("in_features", in_features, 1)
        checks.whole("width", width, 1)
        checks.whole("depth", depth, 1)
        checks.number("dropout", dropout, 0, 1)
        super().__init__((_block(in_features if d == 0 else width, width, norm, dropout) for d in range(depth)), width)
        self.blocks[0].insert(0, nn.Flatten())


def _block(in_features: int, width: int, norm: str, dropout: float) -> nn.Sequential:
    linear = nn.Linear(in_features, width, bias=has_bias(norm))
    layers = [linear, *normalisation(norm, nn.BatchNorm1d, width), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []))
