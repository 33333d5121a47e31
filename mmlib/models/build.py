"""Builds a whole network from names and numbers, so that every method is compared on the same one."""

from collections.abc import Mapping
from inspect import Parameter, signature
from math import prod

from mmlib import checks
from mmlib.models.affine_fusions import ConcatFusion, LinearFusion, SumFusion
from mmlib.models.conv import Conv1d, Conv2d
from mmlib.models.encoder import Encoder
from mmlib.models.fusion import Fusion
from mmlib.models.interaction_fusions import AttentionFusion, FiLMFusion, GatedFusion
from mmlib.models.maxout import maxout_head
from mmlib.models.mlp import MLP
from mmlib.models.model import MultimodalModel
from mmlib.models.resnet import ClipResNet18, ResNet18
from mmlib.models.transformer import Transformer

FUSIONS: dict[str, type[Fusion]] = {
    "concat": ConcatFusion,
    "sum": SumFusion,
    "linear": LinearFusion,
    "gated": GatedFusion,
    "film": FiLMFusion,
    "attention": AttentionFusion,
}
ADDITIVE_FUSIONS = ("concat", "sum", "linear")  # late: the logits are a sum over modalities
EARLY = "maxout"  # concat, then the MaxOut head of the AGM paper
BUILDERS: dict[str, tuple[type[Encoder], ...]] = {
    "mlp": (MLP,),
    "conv1d": (Conv1d,),
    "conv2d": (Conv2d,),
    "resnet18": (ResNet18, ClipResNet18),  # of pictures, of clips
    "transformer": (Transformer,),
}
ENCODERS = tuple(BUILDERS)


def build_model(
    shapes: Mapping[str, tuple[int, ...]],
    num_classes: int,
    encoder: str | Mapping[str, str] = "mlp",
    fusion: str = "concat",
    **options: object,
) -> MultimodalModel:
    """A network for samples of the given shapes ({m: shape of one sample}).

    encoder: one of ENCODERS, for all modalities or {modality: encoder}; fusion: one of FUSIONS or "maxout". options go
    to the encoders (width, depth, norm, dropout, ...); each may be {modality: value}, and a modality that is not named
    in it keeps the encoder's default. Raises ValueError for unknown names.
    """
    checks.one_of("fusion", fusion, [*FUSIONS, EARLY])
    for name, value in {"encoder": encoder, **options}.items():
        for m in value if isinstance(value, Mapping) else ():
            checks.one_of(f"modality of {name}", m, shapes)
    encoders = {m: build_encoder(_encoder_of(encoder, m), shape, **_of(options, m)) for m, shape in shapes.items()}
    widths = {m: e.width for m, e in encoders.items()}
    if fusion == EARLY:
        return MultimodalModel(
            encoders, ConcatFusion(widths, num_classes, head=maxout_head(sum(widths.values()), num_classes))
        )
    return MultimodalModel(encoders, FUSIONS[fusion](widths, num_classes))


def build_encoder(kind: str, shape: tuple[int, ...], **options: object) -> Encoder:
    """One encoder for samples of ``shape``: pictures [C, H, W] or clips [C, T, H, W] for "resnet18", vectors [T, F] or
    numbers of words [T], out of ``vocabulary``, for "transformer".

    Raises ValueError for an unknown kind or a shape it cannot read.
    """
    checks.one_of("encoder", kind, ENCODERS)
    if not len(shape):
        raise ValueError("a sample of shape () is a single number: give the rows an axis, [N, 1], with x.unsqueeze(1).")
    if kind == "transformer" and len(shape) == 1:
        return _token_encoder(shape, options)
    if kind == "resnet18" and len(shape) == 4:
        checks.options("encoder 'resnet18'", options, list(signature(ClipResNet18).parameters)[1:])
        return ClipResNet18(shape[0], **options)
    ranks = {"conv1d": 2, "conv2d": 3, "resnet18": 3, "transformer": 2}
    if len(shape) != ranks.get(kind, len(shape)):
        raise ValueError(f"encoder {kind!r} reads samples with {ranks[kind]} axes, got shape {shape}.")
    first, builder = {
        "mlp": (prod(shape), MLP),
        "conv1d": (shape[0], Conv1d),
        "conv2d": (shape[0], Conv2d),
        "resnet18": (shape[0], ResNet18),
        "transformer": (shape[-1], Transformer),
    }[kind]
    checks.options(f"encoder {kind!r}", options, list(signature(builder).parameters)[1:])
    return builder(first, **options)


def encoder_parameters(kind: str) -> dict[str, Parameter]:
    """Option -> how the encoder declares it, without the first, which follows from the data."""
    return {o.name: o for builder in BUILDERS[kind] for o in list(signature(builder).parameters.values())[1:]}


def _token_encoder(shape: tuple[int, ...], options: Mapping[str, object]) -> Transformer:
    """For samples that are numbers of words or word pieces, LongTensor [B, T]."""
    if "vocabulary" not in options:
        raise ValueError(
            f"encoder 'transformer' takes samples of shape {shape} for numbers of words: give it the option "
            "vocabulary, how many words there are."
        )
    checks.options("encoder 'transformer'", options, list(signature(Transformer).parameters)[1:])
    return Transformer(**{"length": shape[0], **options})


def _encoder_of(encoder: str | Mapping[str, str], modality: str) -> str:
    if not isinstance(encoder, Mapping):
        return encoder
    if modality not in encoder:
        raise ValueError(f"encoder must name one for {modality!r} too, it names {list(encoder)}.")
    return encoder[modality]


def _of(options: Mapping[str, object], modality: str) -> dict[str, object]:
    """The options of one modality's encoder, out of values for all and {modality: value}."""
    given = {name: value if isinstance(value, Mapping) else {modality: value} for name, value in options.items()}
    return {name: values[modality] for name, values in given.items() if modality in values}
