"""Late fusions: the logits are a sum over modalities and a bias (unless ConcatFusion has a head of several layers)."""

import torch
from torch import Tensor, nn

from mmlib.models.fusion import Features, Fusion


class ConcatFusion(Fusion):
    """logits = head([f_1, ..., f_M]).

    head: module [B, sum of widths] -> [B, C]; nn.Linear by default. In a head of several layers (early fusion) the last
    nn.Linear it registers is taken for the map to logits, and what that reads for the fused vector. TypeError if it has
    none.
    """

    def __init__(self, widths: dict[str, int], num_classes: int, head: nn.Module | None = None) -> None:
        super().__init__(widths, num_classes)
        self.head = nn.Linear(sum(widths.values()), num_classes) if head is None else head
        linear = [layer for layer in self.head.modules() if isinstance(layer, nn.Linear)]
        if not linear:
            raise TypeError(f"head must hold an nn.Linear, the map to logits; {type(self.head).__name__} has none.")
        if self._last.out_features != num_classes:
            raise ValueError(f"head gives {self._last.out_features} logits, expected num_classes = {num_classes}.")
        if self.is_additive and self.head.in_features != sum(widths.values()):
            raise ValueError(
                f"head reads {self.head.in_features} features, expected {sum(widths.values())}, the sum of the widths."
            )

    def forward(self, features: Features) -> Tensor:
        """Logits [B, C]."""
        return self.head(self.concatenated(features))

    def fused(self, features: Features) -> Tensor:
        """What the map to logits reads [B, D]: the concatenated features, after all other layers of the head."""
        seen = []
        handle = self._last.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
        try:
            self(features)
        finally:
            handle.remove()
        return seen[0]

    def terms(self, features: Features) -> dict[str, Tensor]:
        """W_m f_m with W_m the head's columns for modality m where the head is linear; else the features."""
        if not self.is_additive:
            return super().terms(features)
        columns = self.head.weight.split(list(self.widths.values()), dim=1)
        return {m: features[m] @ w.T for m, w in zip(self.widths, columns, strict=True)}

    @property
    def offset(self) -> Tensor:
        """Bias of a linear head [C], zeros if it has none."""
        return self.head.weight.new_zeros(self.num_classes) if self.head.bias is None else self.head.bias

    @property
    def last_weights(self) -> list[nn.Parameter]:
        """Weight of the head's last linear map [C, D]."""
        return [self._last.weight]

    @property
    def is_additive(self) -> bool:
        """True with a linear head."""
        return getattr(type(self.head), "forward", None) is nn.Linear.forward  # a subclass may do something else

    @property
    def _last(self) -> nn.Linear:
        return [layer for layer in self.head.modules() if isinstance(layer, nn.Linear)][-1]


class SumFusion(Fusion):
    """logits = sum_m (W_m f_m + b_m): one linear head per modality, added up."""

    def __init__(self, widths: dict[str, int], num_classes: int) -> None:
        super().__init__(widths, num_classes)
        self.heads = nn.ModuleDict({m: nn.Linear(width, num_classes) for m, width in widths.items()})

    @property
    def is_additive(self) -> bool:
        """True."""
        return True

    def forward(self, features: Features) -> Tensor:
        """Logits [B, C]."""
        return sum(self.modality_logits(features).values())

    def fused(self, features: Features) -> Tensor:
        """The concatenated features [B, sum of widths]."""
        return self.concatenated(features)

    def modality_logits(self, features: Features) -> dict[str, Tensor]:
        """W_m f_m + b_m."""
        return {m: head(features[m]) for m, head in self.heads.items()}

    def terms(self, features: Features) -> dict[str, Tensor]:
        """W_m f_m."""
        return {m: features[m] @ head.weight.T for m, head in self.heads.items()}

    @property
    def offset(self) -> Tensor:
        """sum_m b_m [C]."""
        return sum(head.bias for head in self.heads.values())

    @property
    def last_weights(self) -> list[nn.Parameter]:
        """Weight of every modality's head [C, width]."""
        return [head.weight for head in self.heads.values()]


class LinearFusion(Fusion):
    """logits = sum_m projections[m](f_m) + bias, projections without bias: W_m is player m's own (MCR, 3)."""

    def __init__(self, widths: dict[str, int], num_classes: int) -> None:
        super().__init__(widths, num_classes)
        self.projections = nn.ModuleDict({m: nn.Linear(width, num_classes, bias=False) for m, width in widths.items()})
        self.bias = nn.Parameter(torch.zeros(num_classes))

    @property
    def is_additive(self) -> bool:
        """True."""
        return True

    def forward(self, features: Features) -> Tensor:
        """Logits [B, C]."""
        return self.join(self.terms(features))

    def fused(self, features: Features) -> Tensor:
        """The concatenated features [B, sum of widths]."""
        return self.concatenated(features)

    def terms(self, features: Features) -> dict[str, Tensor]:
        """W_m f_m."""
        return {m: w(features[m]) for m, w in self.projections.items()}

    @property
    def offset(self) -> Tensor:
        """The bias [C]."""
        return self.bias

    @property
    def last_weights(self) -> list[nn.Parameter]:
        """Weight of every modality's projection [C, width]."""
        return [projection.weight for projection in self.projections.values()]
