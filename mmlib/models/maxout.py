"""The MaxOut head of the AGM paper's early-fusion networks."""

from torch import Tensor, nn

from mmlib import checks

EARLY = "maxout"  # as a fusion's name: concat, then this head


class MaxOut(nn.Module):
    """Linear to ``pieces`` candidates per output, of which the largest is kept: [B, in_features] -> [B, width]."""

    def __init__(self, in_features: int, width: int, pieces: int = 2) -> None:
        super().__init__()
        for name, value in {"in_features": in_features, "width": width, "pieces": pieces}.items():
            checks.whole(name, value, 1)
        self.linear = nn.Linear(in_features, width * pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """The largest of each group of ``pieces`` candidates."""
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


def maxout_head(
    in_features: int, num_classes: int, widths: tuple[int, int] = (2048, 1024), dropout: float = 0.3
) -> nn.Sequential:
    """Head for ConcatFusion that mixes the modalities early (AGM, section 4): BN, MaxOut, BN, dropout, ..., Linear.

    in_features: sum of the widths of all modalities; widths: outputs of the two MaxOut layers; dropout: probability.
    """
    checks.number("dropout", dropout, 0, 1)
    first, second = widths
    return nn.Sequential(
        nn.BatchNorm1d(in_features, eps=1e-4),
        MaxOut(in_features, first),
        nn.BatchNorm1d(first),
        nn.Dropout(dropout),
        MaxOut(first, second),
        nn.BatchNorm1d(second),
        nn.Dropout(dropout),
        nn.Linear(second, num_classes),
    )
