"""How much each modality contributes to what the network gets right: exact Shapley values over all subsets."""

import torch
from torch import Tensor

from mmlib import checks
from mmlib.coalitions import shapley
from mmlib.coalitions.subsets import Coalition
from mmlib.data import Split
from mmlib.measures._predictions import split_logits, true_labels
from mmlib.measures.accuracy import masked_accuracy
from mmlib.measures.registry import Trained, measure
from mmlib.models import MultimodalModel


def shapley_values(
    model: MultimodalModel, split: Split, of: str = "accuracy", majority: Tensor | None = None
) -> dict[str, float]:
    """Exact Shapley value of each modality over the 2^M subsets (Kontras et al. 2024; Wei et al., CVPR 2024).

    of="accuracy": value of S is the accuracy of f(S), 0..1; value of the empty set is the accuracy of always saying
    the majority class: the most frequent one of ``majority`` (LongTensor [K]: the training labels), or of the split's
    own labels where it is None; the smaller class number where two are equally frequent.
    of="logit": value of S is the mean of the true class's logit in f(S); the empty set's is 0.
    The values add up to value(all) - value(empty). Raises ValueError for an unknown ``of``, for ``majority`` with
    of="logit", which has no use for it, and if split and model do not fit each other.
    """
    checks.one_of("of", of, ["accuracy", "logit"])
    if of == "accuracy":
        return _shapley(masked_accuracy(model, split), model, empty=_majority_accuracy(split, majority))
    if majority is not None:
        raise ValueError("majority is for of='accuracy' only: leave it out with of='logit'.")
    return _shapley(_mean_true_logit(model, split), model, empty=0.0)


def _shapley(value: dict[Coalition, float], model: MultimodalModel, empty: float) -> dict[str, float]:
    exact = {s: torch.tensor(v, dtype=torch.float64) for s, v in value.items()}
    return {m: phi.item() for m, phi in shapley(exact, model.modalities, empty).items()}


def _mean_true_logit(model: MultimodalModel, split: Split) -> dict[Coalition, float]:
    logits = split_logits(model, split)
    labels = true_labels(model, split)[:, None]
    return {s: z.gather(1, labels).double().mean().item() for s, z in logits.items()}


def _majority_accuracy(split: Split, majority: Tensor | None) -> float:
    counted = split.labels if majority is None else majority
    if counted.dtype != torch.long or counted.ndim != 1 or len(counted) == 0:
        raise ValueError(
            f"majority must be a LongTensor [K] of labels, K >= 1, got {counted.dtype} of shape {tuple(counted.shape)}."
        )
    most_frequent = torch.bincount(counted.cpu()).argmax()
    return (split.labels.cpu() == most_frequent).double().mean().item()


@measure("shapley", needs_fusion=True)
def _shapley_of_accuracy(t: Trained) -> dict[str, float]:
    return shapley_values(t.method.model, t.held, of="accuracy", majority=t.data.train.labels)
