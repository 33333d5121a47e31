"""How AIM judges a network block by block: prototypes, performance, strength, under-optimised channels."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmlib.methods.aim.dam import strengths
from mmlib.methods.aim.dap import (
    FIRST_STEPS,
    FURTHER_STEPS,
    ROWS_AT_ONCE,
    first_inputs,
    learn,
    pooled_outputs,
    readable,
    starts_of,
)
from mmlib.methods.aim.performance import class_means, contributions, performance
from mmlib.methods.base import Inputs
from mmlib.models import MultimodalModel

PROTOTYPES = ("learned", "class_mean")
CALIBRATIONS = ("train", "valid")
SELECTIONS = ("worst", "random", "anti")
MOST_ROWS = 1024

Depths = Mapping[str, Sequence[Tensor]]


@torch.no_grad()
def judge(
    model: MultimodalModel,
    data: object,
    learned: Mapping[str, Tensor],
    *,
    proto: str,
    objective: str,
    calibration: str,
    select: str,
    dam: str,
    q: float,
    gamma: float,
) -> dict[str, dict[str, Tensor]]:
    """All parts of a Judgement of ``model`` on ``data`` (a MultimodalData); learned: the inputs of the last one, or {}.

    The options are AIM's. Draws random numbers, and leaves the network as it is. Raises ValueError for class means of a
    class without rows.
    """
    if proto == "learned":
        one, _ = data.train.rows(torch.zeros(1, dtype=torch.long, device=data.train.labels.device))
        learned, prototypes = _learned(model, one, learned, objective)
    else:
        learned, prototypes = {}, _means(model, *_outputs_of_some(model, data.train))
    outputs, labels = _outputs_of_some(model, getattr(data, calibration))
    pairs = {m: list(zip(outputs[m], prototypes[m], strict=True)) for m in outputs}
    g = {m: torch.stack([performance(h, P, labels) for h, P in blocks]) for m, blocks in pairs.items()}
    r = {m: [contributions(h, P, labels) for h, P in blocks] for m, blocks in pairs.items()}
    return {
        "learned": learned,
        "prototypes": _by_block(prototypes),
        "performance": _by_block(g),
        "strength": _by_block(strengths(g, gamma, dam)),
        "weak": _by_block({m: [(each <= 0).to(each.dtype).mean() for each in blocks] for m, blocks in r.items()}),
        "masks": _by_block({m: [under_optimised(each, q, select) for each in blocks] for m, blocks in r.items()}),
    }


def under_optimised(r: Tensor, q: float, select: str) -> Tensor:
    """u [C]: 1 for floor(q C) channels, else 0. worst: those of the lowest contribution r [C]; anti: of the highest;
    random: any."""
    order = {"worst": r, "anti": -r, "random": torch.rand(r.shape).to(r.device)}[select].argsort(stable=True)
    u = torch.zeros_like(r)
    u[order[: int(q * len(r) + 1e-9)]] = 1  # 0.29 * 100 is 28.999...
    return u


def calibration_rows(labels: Tensor) -> Tensor:
    """Numbers of up to 1,024 rows drawn at random, with at least one of every class in ``labels`` [N]."""
    order = torch.randperm(len(labels)).to(labels.device)
    in_order, places = labels[order].sort(stable=True)
    leads = places[in_order.diff(prepend=in_order[:1] - 1) != 0]  # the first row of each class in the random order
    late = torch.ones_like(order)
    late[leads] = 0
    return order[late.argsort(stable=True)[: max(MOST_ROWS, len(leads))]]


def _learned(
    model: MultimodalModel, rows: Inputs, learned: Mapping[str, Tensor], objective: str
) -> tuple[dict[str, Tensor], Depths]:
    starts = starts_of(rows)
    steps = FURTHER_STEPS if learned else FIRST_STEPS
    learned = learn(model, learned or first_inputs(model, rows), starts, steps, objective)
    return learned, pooled_outputs(model, readable(model, learned), starts)


def _means(model: MultimodalModel, outputs: Depths, labels: Tensor) -> Depths:
    return {m: [class_means(h, labels, model.num_classes) for h in blocks] for m, blocks in outputs.items()}


def _outputs_of_some(model: MultimodalModel, split: object) -> tuple[Depths, Tensor]:
    """pooled_outputs of calibration_rows of ``split``, and their labels: few rows at a time, as they may be large."""
    device, chosen = model.anchor.device, split.subset(calibration_rows(split.labels))
    parts = [
        pooled_outputs(model, {m: x.to(device) for m, x in inputs.items()})
        for inputs, _ in chosen.in_order(ROWS_AT_ONCE)
    ]
    outputs = {m: [torch.cat(depth) for depth in zip(*(part[m] for part in parts), strict=True)] for m in parts[0]}
    return outputs, chosen.labels.to(device)


def _by_block(depths: Depths) -> dict[str, Tensor]:
    return {f"{m}/{d}": value for m, blocks in depths.items() for d, value in enumerate(blocks, start=1)}
