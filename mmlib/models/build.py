"""Builds a whole network from names and numbers, so that every method is compared on the same one."""

from collections.abc import Mapping
from inspect import Parameter, signature

from mmlib import checks
from mmlib.models.affine_fusions import ConcatFusion
from mmlib.models.encoder import Encoder
from mmlib.models.kinds import BUILDERS, ENCODERS, FUSIONS
from mmlib.models.maxout import EARLY, maxout_head
from mmlib.models.model import MultimodalModel


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
    readers = [builder for builder in BUILDERS[kind] if builder.axes is None or len(shape) in builder.axes]
    if not readers:
        axes = " or ".join(str(count) for builder in BUILDERS[kind] for count in builder.axes)
        raise ValueError(f"encoder {kind!r} reads samples with {axes} axes, got shape {shape}.")
    builder = readers[0]
    checks.options(f"encoder {kind!r}", options, list(signature(builder).parameters)[1:])
    return builder(**builder.arguments(shape, options))


def encoder_parameters(kind: str) -> dict[str, Parameter]:
    """Option -> how the encoder declares it, without the first, which follows from the data."""
    return {o.name: o for builder in BUILDERS[kind] for o in list(signature(builder).parameters.values())[1:]}


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
