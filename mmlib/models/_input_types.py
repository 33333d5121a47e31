"""Whether an encoder can read the dtype of a modality: asked once, and only where it may not."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from mmlib.models.modes import eval_mode

CONVERSIONS = {torch.float64: "double()", torch.float16: "half()", torch.bfloat16: "bfloat16()"}
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)

# Of each encoder the pairs (dtype of the inputs, dtype of its parameters) that are known to go together.
_known: WeakKeyDictionary[nn.Module, set[tuple[torch.dtype, torch.dtype]]] = WeakKeyDictionary()


def check_types(encoders: Mapping[str, nn.Module], inputs: Mapping[str, Tensor]) -> None:
    """Raises TypeError for inputs whose dtype their encoder cannot read, which PyTorch would say in its own words.

    Inputs of the dtype of the parameters are taken unseen. Others may be right, such as token numbers, or floats that
    the encoder converts: it is given one row, in evaluation mode.
    """
    if torch.compiler.is_compiling():
        return
    for m, encoder in encoders.items():
        x, own = inputs[m], next((p.dtype for p in encoder.parameters() if p.is_floating_point()), None)
        if own is None or not len(x) or (x.dtype, own) in _known.get(encoder, ()):
            continue
        embeds = any(isinstance(layer, EMBEDDINGS) for layer in encoder.modules())
        if (x.dtype != own or embeds) and not _reads(encoder, x):
            for other in (own, torch.long) if embeds else (own,):
                if other != x.dtype and _reads(encoder, x.to(other)):
                    raise TypeError(_sentence(m, x.dtype, other))
        _known.setdefault(encoder, set()).add((x.dtype, own))


@torch.no_grad()
def _reads(encoder: nn.Module, x: Tensor) -> bool:
    try:
        with eval_mode(encoder):
            encoder(x[:1])
    except (RuntimeError, TypeError, IndexError):
        return False
    return True


def _sentence(modality: str, found: torch.dtype, wanted: torch.dtype) -> str:
    if wanted == torch.long:
        return f"inputs of {modality!r} are {found}, its encoder reads token numbers: convert them with x.long()."
    to_wanted = CONVERSIONS.get(wanted, "float()")
    if found.is_floating_point:
        how = f"convert them with x.{to_wanted}, or the network with model.{CONVERSIONS.get(found, 'float()')}"
    else:
        how = f"convert pictures with x.{to_wanted} / 255, other numbers with x.{to_wanted}"
    return f"inputs of {modality!r} are {found}, its encoder computes in {wanted}: {how}."
