"""Plain convolutional encoders: 1-D for signals, 2-D for images and spectrograms."""

from collections.abc import Mapping

from torch import nn

from mmlib import checks
from mmlib.models.encoder import Encoder, has_bias, normalisation


class Conv1d(Encoder):
    """``depth`` blocks of Conv1d (kernel 5, stride 2), norm and ReLU: a signal [B, channels, time] -> [B, width].

    norm: "none" or "batch". Every block halves the time axis.
    """

    axes = (2,)

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """One input per channel of a sample."""
        return {"channels": shape[0], **options}

    def __init__(self, channels: int, width: int = 64, depth: int = 3, norm: str = "batch") -> None:
        super().__init__(_blocks(nn.Conv1d, nn.BatchNorm1d, 5, channels, width, depth, norm), width)


class Conv2d(Encoder):
    """``depth`` blocks of Conv2d (kernel 3, stride 2), norm and ReLU: images [B, channels, H, W] -> [B, width].

    norm: "none" or "batch". Every block halves height and width.
    """

    axes = (3,)

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """One input per channel of a sample."""
        return {"channels": shape[0], **options}

    def __init__(self, channels: int, width: int = 64, depth: int = 3, norm: str = "batch") -> None:
        super().__init__(_blocks(nn.Conv2d, nn.BatchNorm2d, 3, channels, width, depth, norm), width)


def _blocks(
    conv: type[nn.Module], batch_norm: type[nn.Module], kernel: int, channels: int, width: int, depth: int, norm: str
) -> list[nn.Sequential]:
    checks.whole("channels", channels, 1)
    checks.whole("width", width, 1)
    checks.whole("depth", depth, 1)
    return [
        nn.Sequential(
            conv(channels if d == 0 else width, width, kernel, stride=2, padding=kernel // 2, bias=has_bias(norm)),
            *normalisation(norm, batch_norm, width),
            nn.ReLU(),
        )
        for d in range(depth)
    ]
