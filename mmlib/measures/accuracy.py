"""Accuracy by subset of modalities, and of each modality's response inside the whole network (AGM, section 3)."""

from mmlib.coalitions import shapley
from mmlib.coalitions.subsets import Coalition
from mmlib.data import Split
from mmlib.measures._predictions import accuracy_of, split_logits, true_labels
from mmlib.measures.registry import Trained, measure
from mmlib.models import MultimodalModel


def masked_accuracy(model: MultimodalModel, split: Split) -> dict[Coalition, float]:
    """Accuracy 0..1 of f(S), the network with the raw inputs outside S at zero, for every non-empty subset S.

    The keys are the names in S in the model's order; the last one is the full set. Source: Li et al., ICCV 2023 (AGM).
    Raises ValueError if split and model do not fit each other.
    """
    logits = split_logits(model, split)
    labels = true_labels(model, split)
    return {s: accuracy_of(z, labels) for s, z in logits.items()}


def response_accuracy(model: MultimodalModel, split: Split) -> dict[str, float]:
    """Accuracy 0..1 of argmax phi_m for every modality m (AGM, eq. 2-4).

    phi_m [N, C] is the Shapley value of m in the logits, with f(empty) = 0; all phi_m add up to the network's logits.
    Raises ValueError if split and model do not fit each other.
    """
    phi = shapley(split_logits(model, split), model.modalities)
    labels = true_labels(model, split)
    return {m: accuracy_of(z, labels) for m, z in phi.items()}


@measure("masked_accuracy", needs_fusion=True)
def _masked_accuracy(t: Trained) -> dict[str, float]:
    return {"+".join(s): value for s, value in masked_accuracy(t.method.model, t.held).items()}


@measure("response_accuracy", needs_fusion=True)
def _response_accuracy(t: Trained) -> dict[str, float]:
    return response_accuracy(t.method.model, t.held)
