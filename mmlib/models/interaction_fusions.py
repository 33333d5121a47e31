"""Fusions in which modalities act on each other: gates, feature-wise modulation, attention."""

import torch
from torch import Tensor, nn

from mmlib import checks
from mmlib.models.fusion import Features, Fusion


class InteractionFusion(Fusion):
    """logits = output(fused(features)) with ``output`` linear; a subclass says what ``fused`` is."""

    output: nn.Linear

    def forward(self, features: Features) -> Tensor:
        """Logits [B, C]."""
        return self.output(self.fused(features))

    @property
    def last_weights(self) -> list[nn.Parameter]:
        """Weight of the output layer [C, D]."""
        return [self.output.weight]


class GatedFusion(InteractionFusion):
    """output(sigmoid(U f_1) * (V f_2)): the first modality opens and closes the second (two modalities).

    width: length of the gated vector; the second modality's width by default.
    """

    takes = (2, 2)

    def __init__(self, widths: dict[str, int], num_classes: int, width: int | None = None) -> None:
        super().__init__(widths, num_classes)
        (_, first), (_, second) = widths.items()
        width = second if width is None else width
        checks.whole("width", width, 1)
        self.gate = nn.Linear(first, width)
        self.value = nn.Linear(second, width)
        self.output = nn.Linear(width, num_classes)

    def fused(self, features: Features) -> Tensor:
        """The gated vector [B, width]."""
        first, second = self.widths
        return self.gate(features[first]).sigmoid() * self.value(features[second])


class FiLMFusion(InteractionFusion):
    """output(gamma(f_1) * f_2 + beta(f_1)): the first scales and shifts the second (Perez et al., AAAI 2018)."""

    takes = (2, 2)

    def __init__(self, widths: dict[str, int], num_classes: int) -> None:
        super().__init__(widths, num_classes)
        (_, first), (_, second) = widths.items()
        self.gamma = nn.Linear(first, second)
        self.beta = nn.Linear(first, second)
        self.output = nn.Linear(second, num_classes)

    def fused(self, features: Features) -> Tensor:
        """The modulated vector [B, width of the second modality]."""
        first, second = self.widths
        return self.gamma(features[first]) * features[second] + self.beta(features[first])


class AttentionFusion(InteractionFusion):
    """Cross-attention between modalities: each one's token asks the tokens of all, then output([t_1, ..., t_M]).

    width: length of a token (the smallest feature width, rounded down to a multiple of ``heads``, by default);
    heads: attention heads; must divide width.
    """

    def __init__(self, widths: dict[str, int], num_classes: int, width: int | None = None, heads: int = 4) -> None:
        super().__init__(widths, num_classes)
        checks.whole("heads", heads, 1)
        width = max(heads, min(widths.values()) // heads * heads) if width is None else width
        checks.whole("width", width, 1)
        if width % heads:
            raise ValueError(f"heads must divide width, got {heads} heads for width {width}.")
        self.tokens = nn.ModuleDict({m: nn.Linear(w, width) for m, w in widths.items()})
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width * len(widths), num_classes)

    def fused(self, features: Features) -> Tensor:
        """All tokens after attention, side by side [B, M * width]."""
        tokens = torch.stack([token(features[m]) for m, token in self.tokens.items()], dim=1)
        asked, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.norm(tokens + asked).flatten(1)
