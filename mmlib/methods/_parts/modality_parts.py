"""What belongs to one modality of a network, and what that modality says by itself on the validation split."""

import torch
from torch import Tensor, nn

from mmlib.methods._parts.precise_buffers import precise
from mmlib.models import MultimodalModel, eval_mode


def own_part(model: MultimodalModel, modality: str) -> nn.ModuleList:
    """The modality's encoder and whatever the fusion keeps by modality in a ModuleDict: the heads of SumFusion, the
    projections of LinearFusion, the tokens of AttentionFusion. What modalities share, such as the head of ConcatFusion
    or any bias beside it, is nobody's own.
    """
    kept_by_modality = [child for child in model.fusion.children() if isinstance(child, nn.ModuleDict)]
    return nn.ModuleList([model.encoders[modality], *(kept[modality] for kept in kept_by_modality if modality in kept)])


@torch.no_grad()
def validation_shares(model: MultimodalModel, data: object) -> tuple[dict[str, Tensor], Tensor]:
    """Each modality's share of the logits {m: [N, C]} on all rows of ``data.valid``, and the labels [N] beside them.

    data: a MultimodalData. The shares are at least float32, everything lies on the model's device. In evaluation mode
    and without gradients. Raises TypeError for data without such a split.
    """
    if not hasattr(data, "valid"):
        raise TypeError(f"begin_epoch judges modalities on the MultimodalData of fit, got {type(data).__name__}.")
    device, split = model.anchor.device, data.valid
    batches = ({m: x.to(device) for m, x in inputs.items()} for inputs, _ in split.in_order())
    with eval_mode(model):
        parts = [model.fusion.modality_logits(model.encode(inputs)) for inputs in batches]
    return {m: precise(torch.cat([part[m] for part in parts])) for m in model.modalities}, split.labels.to(device)
