"""ResNet-18 (He et al., CVPR 2016), the encoder of the AGM and MCR papers for spectrograms and frames."""

from collections.abc import Mapping

from torch import Tensor, nn

from mmlib import checks
from mmlib.models.encoder import Encoder, has_bias, normalisation

STAGE_WIDTHS = (64, 128, 256, 512)


class ResNet18(Encoder):
    """Stem and four stages of two residual blocks: images [B, in_channels, H, W] -> [B, 512].

    in_channels: 1 (spectrogram), 2 (optical flow) or 3 (colour); norm: "batch", or "none" for a network whose
    training and evaluation passes agree. The five blocks are the stem and the four stages.
    """

    axes = (3,)

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """One input per channel of a sample."""
        return {"in_channels": shape[0], **options}

    def __init__(self, in_channels: int = 3, norm: str = "batch") -> None:
        checks.one_of("in_channels", in_channels, [1, 2, 3])
        stem = nn.Sequential(
            *_conv(in_channels, 64, kernel=7, stride=2, norm=norm), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)
        )
        stages = []
        channels = 64
        for width in STAGE_WIDTHS:
            first = ResidualBlock(channels, width, stride=1 if width == 64 else 2, norm=norm)
            stages.append(nn.Sequential(first, ResidualBlock(width, width, stride=1, norm=norm)))
            channels = width
        super().__init__([stem, *stages], width=512)


class ClipResNet18(ResNet18):
    """ResNet-18 on the frames of a clip, one by one: [B, in_channels, T, H, W] -> [B, 512], the mean over the frames.

    Channels stand before time, so that the output [B, C, T, H', W'] of every block has its channels where those of an
    image's blocks are. The options are those of ResNet18.
    """

    axes = (4,)

    def __init__(self, in_channels: int = 3, norm: str = "batch") -> None:
        super().__init__(in_channels, norm)
        self.blocks = nn.ModuleList(FrameByFrame(block) for block in self.blocks)


class FrameByFrame(nn.Module):
    """Applies ``block``, which reads images, to every frame: [B, C, T, H, W] -> [B, C', T, H', W']."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as above."""
        frames = self.block(x.transpose(1, 2).flatten(0, 1))
        return frames.unflatten(0, (x.shape[0], x.shape[2])).transpose(1, 2)


class ResidualBlock(nn.Module):
    """relu(x + f(x)) with two 3x3 convolutions in f; a 1x1 convolution on x where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int, norm: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_conv(channels, width, kernel=3, stride=stride, norm=norm),
            nn.ReLU(),
            *_conv(width, width, kernel=3, stride=1, norm=norm),
        )
        same_shape = stride == 1 and channels == width
        self.shortcut = nn.Sequential(
            *([] if same_shape else _conv(channels, width, kernel=1, stride=stride, norm=norm))
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] -> [B, width, H / stride, W / stride]."""
        return (self.shortcut(x) + self.residual(x)).relu()


def _conv(channels: int, width: int, kernel: int, stride: int, norm: str) -> list[nn.Module]:
    conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=has_bias(norm))
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return [conv, *normalisation(norm, nn.BatchNorm2d, width)]
