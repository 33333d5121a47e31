"""f(S): what a network says when the raw inputs outside S are zeros, computed with as little work as possible."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmlib.coalitions.mixing import mixed_logits
from mmlib.coalitions.subsets import Coalition, subsets
from mmlib.models.model import MultimodalModel
from mmlib.models.modes import eval_mode, same_in_eval


def masked_logits(
    model: MultimodalModel, inputs: Mapping[str, Tensor], features: Mapping[str, Tensor]
) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty proper subset S of the modalities, in evaluation mode, gradients on (AGM, 3.1).

    inputs: {m: [B, ...]}; features: what ``model.encode(inputs)`` gave in the mode the model is in; they are used again
    wherever the two modes agree. All subsets go through the fusion as one batch.
    """
    # In evaluation mode an encoder says the same of every row of zeros, so one row is enough.
    present, absent = paired_features(model, inputs, features, {m: torch.zeros_like(x[:1]) for m, x in inputs.items()})
    with eval_mode(model):
        logits = mixed_logits(model.fusion, model.fusion.terms(present), model.fusion.terms(absent))
    return dict(zip(subsets(model.modalities)[:-1], logits.unbind(), strict=True))


def paired_features(
    model: MultimodalModel, inputs: Mapping[str, Tensor], features: Mapping[str, Tensor], others: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features of the batch and of the rows ``others`` {m: [N, ...]}, both in evaluation mode with gradients on.

    inputs, features: as for ``masked_logits``. Training flags and running statistics stay as they are.
    """
    reusable = {m: not _is_training(encoder) or same_in_eval(encoder) for m, encoder in model.encoders.items()}
    own, other = {}, {}
    with eval_mode(model):
        for m, encoder in model.encoders.items():
            if reusable[m]:
                own[m], other[m] = features[m], encoder(others[m])
            else:
                both = encoder(torch.cat([inputs[m], others[m]]))
                own[m], other[m] = both[: len(inputs[m])], both[len(inputs[m]) :]
    return own, other


def subset_logits(model: MultimodalModel, inputs: Mapping[str, Tensor]) -> dict[Coalition, Tensor]:
    """f(S) [B, C] for every non-empty subset S, the full set included, in evaluation mode."""
    with eval_mode(model):
        features = model.encode(inputs)
        return {**masked_logits(model, inputs, features), model.modalities: model.fuse(features)}


def _is_training(module: nn.Module) -> bool:
    return any(layer.training for layer in module.modules())
