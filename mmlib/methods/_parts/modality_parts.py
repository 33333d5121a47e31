"""What belongs to one modality of a network, and what that modality says by itself on the validation split."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from mmlib.methods._parts.precise_buffers import precise
from mmlib.models import MultimodalModel, eval_mode

T = TypeVar("T")


def own_parameters(model: MultimodalModel) -> dict[str, list[nn.Parameter]]:
    """The parameters {m: list} of each modality alone: of its encoder and of whatever the fusion keeps by modality in a
    ModuleDict: the heads of SumFusion, the projections of LinearFusion, the tokens of AttentionFusion.

    What modalities share belongs to none of them: the head of ConcatFusion, any bias beside it, a parameter that the
    encoders of two modalities have in common, or an encoder with the fusion.
    """
    return _own(model, model.named_parameters(remove_duplicate=False))


def own_buffers(model: MultimodalModel) -> dict[str, list[Tensor]]:
    """The buffers {m: list} of each modality alone, by the same rule."""
    return _own(model, model.named_buffers(remove_duplicate=False))


def own_modules(model: MultimodalModel) -> dict[str, list[nn.Module]]:
    """The modules {m: list} of each modality alone, by the same rule; one inside another is listed too."""
    return _own(model, model.named_modules(remove_duplicate=False))


def check_own(model: MultimodalModel, method: str, chosen: Mapping[str, Iterable[nn.Parameter]] | None = None) -> None:
    """Raises ValueError if a modality shares all that ``method`` acts on: ``chosen`` {m: parameters}, or all it uses.

    A modality that has none of these, such as one without an encoder to train, is let through.
    """
    users = _users(model, model.named_parameters(remove_duplicate=False))
    for m in model.modalities:
        among = None if chosen is None else {id(p) for p in chosen[m]}
        found = [of for p, of in users if m in of and (among is None or id(p) in among)]
        if found and {m} not in found:
            raise ValueError(
                f"{method} acts on weights that belong to one modality alone, and {m!r} shares all of its own with "
                f"{_in_words(set().union(*found) - {m})}: give each modality some of its own, as "
                "copy.deepcopy(encoder) does, or take a method that needs none, such as Joint."
            )


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


def _own(model: MultimodalModel, named: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    users = _users(model, named)
    return {m: [thing for thing, of in users if of == {m}] for m in model.modalities}


def _users(model: MultimodalModel, named: Iterable[tuple[str, T]]) -> list[tuple[T, set[str | None]]]:
    """Every thing of encoders and fusion once, with its users: modalities, or None for what the fusion has for all."""
    found: dict[int, tuple[T, set[str | None]]] = {}
    for name, thing in named:
        place, *path = name.split(".")
        if place in ("encoders", "fusion") and path:
            found.setdefault(id(thing), (thing, set()))[1].add(_user(model, place, path))
    return list(found.values())


def _user(model: MultimodalModel, place: str, path: list[str]) -> str | None:
    if place == "encoders":
        return path[0]
    by_modality = isinstance(getattr(model.fusion, path[0]), nn.ModuleDict)
    return path[1] if by_modality and len(path) > 1 and path[1] in model.modalities else None


def _in_words(users: Iterable[str | None]) -> str:
    return " and ".join(sorted("the fusion" if m is None else repr(m) for m in users))
