"""What every encoder of mmlib is: a list of blocks from shallow to deep, and a pooling of features to one vector."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from mmlib import checks


class Encoder(nn.Module):
    """Applies ``blocks`` in order and pools: a batch of one modality [B, ...] -> features [B, width].

    blocks: nn.ModuleList, shallow to deep; every parameter of the encoder belongs to exactly one block.
    width: length of the feature vector. ``axes`` and ``arguments`` are for build_encoder alone.
    A subclass with another ``forward`` overrides ``outputs`` too, and one with channels elsewhere than on axis 1
    overrides ``pool`` and ``scale_channels``.
    """

    axes: ClassVar[tuple[int, ...] | None] = None  # how many a sample that it reads may have; None: any number

    def __init__(self, blocks: Iterable[nn.Module], width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.width = width

    @classmethod
    def arguments(cls, shape: tuple[int, ...], options: Mapping[str, object]) -> dict[str, object]:
        """The constructor's arguments for samples of ``shape``: what follows from it, and ``options``."""
        raise NotImplementedError(
            f"{cls.__name__} does not say how its arguments follow from the shape of a sample: define the class method "
            "arguments(cls, shape, options), or build it without build_encoder."
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, width] of a batch [B, ...]."""
        for block in self.blocks:
            x = block(x)
        return self.pool(x)

    def outputs(self, x: Tensor, start: int = 0, factors: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Outputs [B, C_d, ...] of the blocks from number ``start`` on, shallow to deep; the last, pooled: features.

        x: what goes into block ``start``; factors: one vector [C_d] for every block of the encoder, by which the
        channels of its output are multiplied before they go on. Raises RuntimeError for a block that overwrites its
        input, which is the output of the block before.
        """
        outputs: list[Tensor] = []
        for d in range(start, len(self.blocks)):
            before, version = x, _version(x)
            x = self.blocks[d](x)
            if outputs and _version(before) != version:
                raise RuntimeError(f"block {d + 1} changes the output of block {d} in place: use inplace=False in it.")
            x = x if factors is None else self.scale_channels(x, factors[d])
            outputs.append(x)
        return outputs

    def pool(self, h: Tensor) -> Tensor:
        """The output [B, C, ...] of any block as one vector per sample [B, C]: the mean over space or time."""
        return h.flatten(2).mean(2) if h.ndim > 2 else h

    def scale_channels(self, h: Tensor, factors: Tensor) -> Tensor:
        """The output [B, C, ...] of any block, its channels multiplied by ``factors`` [C]."""
        return h * factors.view(-1, *[1] * (h.ndim - 2))


def check_blocks(modality: str, encoder: nn.Module) -> None:
    """Raises ValueError unless ``encoder`` is an Encoder with blocks, whose ``outputs`` go with its ``forward``."""
    kind = type(encoder)
    this = f"the encoder of {modality!r} ({kind.__name__})"
    if not isinstance(encoder, Encoder) or not len(encoder.blocks):
        raise ValueError(f"{this} has no blocks to look at: derive it from mmlib.models.Encoder.")
    if kind.forward is not Encoder.forward and kind.outputs is Encoder.outputs:
        raise ValueError(f"{this} has a forward of its own: override outputs to match it, or use blocks and pool only.")


def _version(x: Tensor) -> int:
    """How often x was changed in place, as PyTorch counts it; 0 where it does not."""
    return 0 if x.is_inference() else x._version


def normalisation(kind: str, batch_norm: type[nn.Module], width: int) -> list[nn.Module]:
    """The layers to put after a convolution or linear map: none, or a batch-norm over ``width`` channels."""
    checks.one_of("norm", kind, ["none", "batch"])
    return [batch_norm(width)] if kind == "batch" else []


def has_bias(norm: str) -> bool:
    """Whether a convolution or linear map in front of ``normalisation(norm, ...)`` has a bias.

    Not before a batch-norm, which subtracts the mean: the bias would change nothing, but an optimiser would move it.
    """
    return norm != "batch"
