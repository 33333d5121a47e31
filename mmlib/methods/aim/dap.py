"""DAP: depth-adaptive prototypes, what each block makes of inputs that were learned to stand for the classes.

Stated in the AIM paper (arXiv 2508.19769): the network is frozen, one input per class and modality is learned to
minimise CE(network(inputs), classes), and the prototypes at depth d are its forward features. Reconstruction: the rest.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmlib.methods._parts.precise_buffers import at_least_single, precise
from mmlib.methods.losses import cross_entropy
from mmlib.models import Encoder, MultimodalModel, eval_mode, frozen

OBJECTIVES = ("split", "joint")
LEARNING_RATE, PENALTY, FIRST_SIZE = 0.05, 0.01, 0.1
FIRST_STEPS, FURTHER_STEPS = 200, 60
ROWS_AT_ONCE = 256


@torch.no_grad()
def first_inputs(model: MultimodalModel, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Small random inputs {m: [K, ...]} of the shape of ``rows`` {m: [B, ...]}, to be learned.

    Token ids cannot be learned; in their place stands what the first block makes of them, their embedding.
    """
    shapes = {}
    with eval_mode(model):
        for m, encoder in model.encoders.items():
            read = rows[m] if _starts(rows[m]) == 0 else encoder.blocks[0](rows[m][:1].to(model.anchor.device))
            shapes[m] = read.shape[1:]
    K, device, dtype = model.num_classes, model.anchor.device, at_least_single(model.anchor.dtype)
    return {m: FIRST_SIZE * torch.randn(K, *s, dtype=dtype).to(device) for m, s in shapes.items()}


def learn(
    model: MultimodalModel, inputs: Mapping[str, Tensor], starts: Mapping[str, int], steps: int, objective: str
) -> dict[str, Tensor]:
    """``inputs`` {m: [K, ...]} after ``steps`` steps of Adam on the loss of ``objective``; starts: from ``starts_of``.

    joint: CE(f(x), classes), the paper's; split: beside it, for every modality, CE with the features of the others at
    their mean over the classes, detached, as the dominant modality alone can meet the first. Both with 0.01 times the
    mean square of each input. Leaves the network as it is: weights, gradients, buffers and flags.
    """
    learned = {m: x.clone().requires_grad_() for m, x in inputs.items()}
    optimizer = torch.optim.Adam(learned.values(), lr=LEARNING_RATE)
    with torch.enable_grad(), eval_mode(model), frozen(model):
        for _ in range(steps):
            optimizer.zero_grad()
            read = readable(model, learned)
            features = {m: e.pool(_outputs(e, read[m], starts[m])[-1]) for m, e in model.encoders.items()}
            size = sum(x.square().mean() for x in learned.values())
            (_meaning(model, features, objective) + PENALTY * size).backward()
            optimizer.step()
    return {m: x.detach() for m, x in learned.items()}


def readable(model: MultimodalModel, learned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Learned inputs, kept in at least float32, in the floating type of the network."""
    return {m: x.to(model.anchor.dtype) for m, x in learned.items()}


def starts_of(rows: Mapping[str, Tensor]) -> dict[str, int]:
    """The block {m: 0 or 1} into which learned inputs go: the first, or for token ids the one behind it."""
    return {m: _starts(x) for m, x in rows.items()}


@torch.no_grad()
def pooled_outputs(
    model: MultimodalModel, inputs: Mapping[str, Tensor], starts: Mapping[str, int] | None = None
) -> dict[str, list[Tensor]]:
    """Pooled outputs of every block {m: list of [N, C_d]} in evaluation mode, without gradients, for all rows, in at
    least float32.

    starts: the block into which the inputs go, if it is not the first one for all modalities.
    """
    starts = starts or dict.fromkeys(inputs, 0)
    with eval_mode(model):
        return {m: _pooled(encoder, inputs[m], starts[m]) for m, encoder in model.encoders.items()}


def _pooled(encoder: Encoder, x: Tensor, start: int) -> list[Tensor]:
    parts = [[precise(encoder.pool(h)) for h in _outputs(encoder, rows, start)] for rows in x.split(ROWS_AT_ONCE)]
    return [torch.cat(depth) for depth in zip(*parts, strict=True)]


def _outputs(encoder: Encoder, x: Tensor, start: int) -> list[Tensor]:
    return [x] * start + encoder.outputs(x, start)  # what is learned behind block 1 is that block's output


def _starts(x: Tensor) -> int:
    return 0 if x.is_floating_point() else 1


def _meaning(model: MultimodalModel, features: Mapping[str, Tensor], objective: str) -> Tensor:
    """The cross-entropies that the features {m: [K, width]} of the learned inputs have to make small."""
    classes = torch.arange(model.num_classes, device=model.anchor.device)
    readings: Sequence[Mapping[str, Tensor]] = [features]
    if objective == "split":
        averages = {m: f.detach().mean(0).expand_as(f) for m, f in features.items()}
        readings = [features, *({**averages, m: features[m]} for m in features)]
    return sum(cross_entropy(model.fuse(reading), classes) for reading in readings)
