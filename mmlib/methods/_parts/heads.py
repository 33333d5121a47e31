"""Heads for predictions of one modality alone."""

from torch import nn

from mmlib.models import MultimodalModel


def unimodal_heads(model: MultimodalModel) -> nn.ModuleDict:
    """One linear map to the model's outputs per modality, on the features of its encoder."""
    anchor = model.anchor
    return nn.ModuleDict(
        {
            m: nn.Linear(width, model.num_classes, device=anchor.device, dtype=anchor.dtype)
            for m, width in model.fusion.widths.items()
        }
    )
