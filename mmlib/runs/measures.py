"""What a run can measure of a trained network, by name: each gives one number per modality, subset, group or block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mmlib.data import MultimodalData, Split
from mmlib.measures import (
    ErrorGroups,
    competition_of,
    depth_performance,
    depth_probes,
    depth_prototypes,
    error_groups,
    gradient_share,
    linear_probe,
    masked_accuracy,
    response_accuracy,
    shapley_values,
    weak_channels,
)
from mmlib.measures._predictions import collect
from mmlib.methods import Method, Unimodal
from mmlib.models import MultimodalModel

# The authors' program has 120, for features of 1,024 values and thousands of rows. Here there are about a hundred
# values and some hundred rows: 120 shrinks the regression so far that d is near 1 whatever the network has learned.
RIDGE_PENALTY = 1.0


@dataclass(frozen=True)
class Trained:
    """A trained method and the rows to measure it on.

    held: the rows that are measured; dep: held-aside rows on which the ridge regression of competition strength is
    fitted, None to use one half of ``held`` for it and the other half to measure; concept: gives the unimodal
    network of a modality, trained with the same seed.
    """

    method: Method
    data: MultimodalData
    dep: Split | None
    held: Split
    concept: Callable[[str], Unimodal]


def _masked_accuracy(t: Trained) -> dict[str, float]:
    return {"+".join(s): value for s, value in masked_accuracy(t.method.model, t.held).items()}


def _response_accuracy(t: Trained) -> dict[str, float]:
    return response_accuracy(t.method.model, t.held)


def _shapley(t: Trained) -> dict[str, float]:
    return shapley_values(t.method.model, t.held, of="accuracy", majority=t.data.train.labels)


def _probe(t: Trained) -> dict[str, float]:
    return {m: linear_probe(t.method.model, m, t.data.train, t.held) for m in t.data.modalities}


def _competition(t: Trained) -> dict[str, float]:
    dep, held = (t.dep, t.held) if t.dep is not None else _halves(t.held)
    return {m: competition_of(t.method.model, t.concept(m), dep, held, RIDGE_PENALTY) for m in t.data.modalities}


def _groups(t: Trained) -> ErrorGroups:
    decided = {m: _decided(t.concept(m), t.held) for m in t.data.modalities}
    return error_groups(_decided(t.method, t.held), decided, t.held.labels)


def _decided(method: Method, split: Split) -> Tensor:
    """The class numbers [N] that the method decides."""
    return collect(method, method.predict, split).argmax(1)


def _group_share(t: Trained) -> dict[str, float]:
    return _groups(t).share


def _group_accuracy(t: Trained) -> dict[str, float]:
    return _groups(t).accuracy


def _at_each_depth(
    measure: Callable[[MultimodalModel, str, Split, Split], list[float]],
) -> Callable[[Trained], dict[str, float]]:
    def measured(t: Trained) -> dict[str, float]:
        return _by_depth({m: measure(t.method.model, m, t.data.train, t.held) for m in t.data.modalities})

    return measured


def _gradient_share(t: Trained) -> dict[str, float]:
    return _by_depth(gradient_share(t.method.model, t.held))


def _by_depth(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """{"m/d": value}: the depth d counts the blocks of m from 1, the shallowest."""
    return {f"{m}/{d}": value for m, listed in values.items() for d, value in enumerate(listed, start=1)}


def _halves(split: Split) -> tuple[Split, Split]:
    # Every other row of each class: rows that lie together, such as the windows of one recording, go to both halves.
    order = split.labels.argsort(stable=True)
    return split.subset(order[::2]), split.subset(order[1::2])


MEASURES: dict[str, Callable[[Trained], dict[str, float]]] = {
    "masked_accuracy": _masked_accuracy,
    "response_accuracy": _response_accuracy,
    "shapley": _shapley,
    "probe": _probe,
    "competition": _competition,
    "group_share": _group_share,
    "group_accuracy": _group_accuracy,
    "depth_probe": _at_each_depth(depth_probes),
    "depth_prototype": _at_each_depth(depth_prototypes),
    "depth_performance": _at_each_depth(depth_performance),
    "weak_channels": _at_each_depth(weak_channels),
    "gradient_share": _gradient_share,
}
# The others look at one encoder alone, or at what the method decides in its own way.
NEED_FUSION = {"masked_accuracy", "response_accuracy", "shapley", "competition", "gradient_share"}
