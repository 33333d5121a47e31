"""Small Transformer encoder for token ids and for sequences of feature vectors."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmlib import checks
from mmlib.models.encoder import Encoder


class Transformer(Encoder):
    """Embedding with learned positions, then ``depth`` self-attention layers: a sequence -> [B, width].

    Give either ``in_features`` for sequences of vectors [B, time, in_features] or ``vocabulary`` for token ids
    (LongTensor [B, time]). length: the longest sequence; heads must divide width; feedforward: width of the hidden
    layer in each block; pool: "mean" over the steps or "first" step (the AGM paper's networks). The first block is the
    embedding.
    """

    axes = (1, 2)

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """Vectors [T, F], or numbers of words or word pieces [T] out of ``vocabulary``."""
        if len(shape) == 2:
            return {"in_features": shape[-1], **options}
        if "vocabulary" not in options:
            raise ValueError(
                f"encoder 'transformer' takes samples of shape {shape} for numbers of words: give it the option "
                "vocabulary, how many words there are."
            )
        return {"length": shape[0], **options}

    def __init__(
        self,
        in_features: int | None = None,
        vocabulary: int | None = None,
        length: int = 64,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        feedforward: int = 128,
        dropout: float = 0.1,
        pool: str = "mean",
    ) -> None:
        if (in_features is None) == (vocabulary is None):
            raise ValueError(
                "a Transformer takes either in_features (vectors) or vocabulary (token ids): give one of them."
            )
        inputs = {"vocabulary": vocabulary} if in_features is None else {"in_features": in_features}
        sizes = {"length": length, "width": width, "depth": depth, "heads": heads, "feedforward": feedforward}
        for name, value in {**inputs, **sizes}.items():
            checks.whole(name, value, 1)
        checks.number("dropout", dropout, 0, 1)
        checks.one_of("pool", pool, ["mean", "first"])
        if width % heads:
            raise ValueError(f"heads must divide width, got {heads} heads for width {width}.")
        layers = (
            nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True) for _ in range(depth)
        )
        super().__init__([PositionedEmbedding(in_features, vocabulary, length, width), *layers], width)
        self.first_only = pool == "first"

    def pool(self, h: Tensor) -> Tensor:
        """The output [B, time, width] of any block as one vector per sample [B, width]."""
        return h[:, 0] if self.first_only else h.mean(1)

    def scale_channels(self, h: Tensor, factors: Tensor) -> Tensor:
        """The output [B, time, width] of any block, its channels multiplied by ``factors`` [width]."""
        return h * factors


class PositionedEmbedding(nn.Module):
    """Token ids [B, time] or vectors [B, time, in_features] -> [B, time, width] with learned positions added."""

    def __init__(self, in_features: int | None, vocabulary: int | None, length: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width) if vocabulary is not None else nn.Linear(in_features, width)
        self.positions = nn.Parameter(torch.randn(length, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Raises ValueError if a sequence is longer than the positions that were learned for and, on the CPU, for a
        token id that is none. On a GPU a look at the ids would hold up every step: PyTorch's own error comes."""
        if x.shape[1] > len(self.positions):
            raise ValueError(
                f"sequences have {x.shape[1]} steps, this Transformer was built for at most {len(self.positions)}."
            )
        try:
            return self.embed(x) + self.positions[: x.shape[1]]
        except IndexError as error:
            raise ValueError(
                f"token ids are from {x.min()} to {x.max()}, this Transformer was built for 0 to "
                f"{len(self.embed.weight) - 1}: give the network the vocabulary of the data."
            ) from error
