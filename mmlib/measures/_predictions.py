"""What a network says about every row of a split: evaluation mode, no gradients, batch by batch."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from mmlib.coalitions import subset_logits, subsets
from mmlib.coalitions.subsets import Coalition
from mmlib.data.split import Batch, Split
from mmlib.methods import Unimodal
from mmlib.models import MultimodalModel, eval_mode


@torch.no_grad()
def collect(module: nn.Module, read: Callable[[Mapping[str, Tensor]], Tensor], split: Split) -> Tensor:
    """read(inputs) for all rows of the split, in order [N, ...], on the module's device.

    module: the network that ``read`` runs; its training flags stay as they were. At most 1024 rows go in at once.
    Raises ValueError for a split without rows or an output that is not finite.
    """
    device = next(module.parameters()).device
    with eval_mode(module):
        values = torch.cat([read(inputs) for inputs, _ in batches(split, device)])
    check_finite(values)
    return values


def batches(split: Split, device: torch.device) -> Iterator[Batch]:
    """The inputs and labels of all rows of the split, in order, at most 1024 at once, on ``device``.

    Raises ValueError for a split without rows.
    """
    if len(split) == 0:
        raise ValueError("a measure needs at least one row, the split has none.")
    return (({m: x.to(device) for m, x in inputs.items()}, y.to(device)) for inputs, y in split.in_order())


def check_fits(model: MultimodalModel, split: Split) -> None:
    """Raises ValueError unless the split has the modalities of the model."""
    model.check(_first_row(split))


def check_finite(values: Tensor) -> None:
    """Raises ValueError if what a network gave holds NaN or infinity."""
    if not torch.isfinite(values).all():
        raise ValueError("the network gives NaN or infinite values and cannot be measured: did it diverge?")


def split_logits(model: MultimodalModel, split: Split) -> dict[Coalition, Tensor]:
    """f(S) [N, C] over the split for every non-empty subset S of the modalities; inputs outside S are zeros."""
    coalitions = subsets(model.modalities)

    def stacked(inputs: Mapping[str, Tensor]) -> Tensor:
        logits = subset_logits(model, inputs)
        return torch.stack([logits[s] for s in coalitions], dim=1)

    return dict(zip(coalitions, collect(model, stacked, split).unbind(1), strict=True))


def true_labels(model: MultimodalModel, split: Split) -> Tensor:
    """The split's labels [N] on the model's device. Raises ValueError unless all are classes of the model."""
    if split.labels.is_floating_point():
        raise ValueError(f"this measure needs class labels, the split has real targets ({split.labels.dtype}).")
    low, high = int(split.labels.min()), int(split.labels.max())
    if low < 0 or high >= model.num_classes:
        raise ValueError(f"labels run from {low} to {high}; the model's classes are 0..{model.num_classes - 1}.")
    return split.labels.to(model.anchor.device)


def accuracy_of(logits: Tensor, labels: Tensor) -> float:
    """Share of the rows, 0..1, in which the largest of the logits [N, C] is the label's [N]."""
    return (logits.argmax(1) == labels).double().mean().item()


def check_alone(model: MultimodalModel, alone: Unimodal, *splits: Split) -> None:
    """Raises unless ``alone`` is a Unimodal method with a network other than ``model`` that can read the splits."""
    if not isinstance(alone, Unimodal):
        raise TypeError(f"the network trained on one modality must be a Unimodal method, got {type(alone).__name__}.")
    if alone.model is model:
        raise ValueError("the Unimodal method holds the network it is compared with: train it on a network of its own.")
    for split in splits:
        alone.check(_first_row(split), split.labels[:1])


def _first_row(split: Split) -> dict[str, Tensor]:
    return {m: x[:1] for m, x in split.inputs.items()}
