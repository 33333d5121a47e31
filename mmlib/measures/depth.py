"""What can be read out after each block of an encoder, shallow to deep, and how far the modalities are apart there.

The read-outs by prototypes are those from which AIM draws its strength (mmlib.methods.aim.performance).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mmlib import checks
from mmlib.data import Split
from mmlib.measures._predictions import accuracy_of, check_fits, collect, true_labels
from mmlib.measures.probes import probe_accuracy
from mmlib.measures.registry import Trained, by_depth, measure
from mmlib.methods.aim.dam import counterparts
from mmlib.methods.aim.performance import class_means, contributions, performance, prototype_logits
from mmlib.models import MultimodalModel
from mmlib.models.encoder import check_blocks


def depth_probes(model: MultimodalModel, modality: str, train: Split, test: Split) -> list[float]:
    """``linear_probe`` after every block of the modality's encoder: test accuracies 0..1, shallow to deep.

    The last one is ``linear_probe`` itself. Raises ValueError as it does, and for an encoder without blocks.
    """
    x_train, x_test = (depth_features(model, modality, split) for split in (train, test))
    y_train, y_test = (true_labels(model, split).cpu() for split in (train, test))
    return [probe_accuracy(fitted, y_train, read, y_test) for fitted, read in zip(x_train, x_test, strict=True)]


def depth_prototypes(model: MultimodalModel, modality: str, train: Split, test: Split) -> list[float]:
    """Test accuracies 0..1, shallow to deep, of deciding for the class whose prototype has the largest cosine.

    Prototypes: the class means of all train rows after the block (aim_performance.prototype_logits, class_means).
    The encoder runs in evaluation mode and is not changed. Raises ValueError for an unknown modality, an encoder
    without blocks, splits that do not fit the model, real targets, and train rows that lack a class.
    """
    read_out = _under_prototypes(model, modality, train, test)
    return [accuracy_of(prototype_logits(h, prototypes), labels) for h, prototypes, labels in read_out]


def depth_performance(model: MultimodalModel, modality: str, train: Split, test: Split) -> list[float]:
    """g_d, shallow to deep: the test rows' mean probability 0..1 of the true class (aim_performance.performance).

    Prototypes and errors as in ``depth_prototypes``.
    """
    return [performance(*block).item() for block in _under_prototypes(model, modality, train, test)]


def weak_channels(model: MultimodalModel, modality: str, train: Split, test: Split) -> list[float]:
    """Share 0..1, shallow to deep, of a block's channels that do not speak for the true class on the test rows.

    These have a contribution r_c <= 0 (aim_performance.contributions), a channel that is always 0 among them; AIM takes
    the lowest floor(q C) as under-optimised, whatever their sign. Prototypes and errors as in ``depth_prototypes``.
    """
    read_out = _under_prototypes(model, modality, train, test)
    return [(contributions(*block) <= 0).double().mean().item() for block in read_out]


def depth_imbalance(readouts: Mapping[str, Sequence[float]]) -> list[float]:
    """The gap between the best and the worst modality at each depth, shallow to deep, in the unit of the values.

    readouts: modality -> one value per block, such as ``depth_prototypes``. Encoders of unlike depth are compared at
    the same relative depth: with D the largest number of blocks, depth d = 1..D takes block ceil(d D_m / D) of the
    D_m blocks of m, so that the last blocks always meet. Raises ValueError for fewer than two modalities or none of
    the values of one, TypeError or ValueError for values that are no finite numbers.
    """
    if len(readouts) < 2:
        raise ValueError(f"an imbalance is between two or more modalities, got {list(readouts)}.")
    for m, values in readouts.items():
        if len(values) == 0:
            raise ValueError(f"the read-outs of {m!r} must hold a value for every block, they are empty.")
        for value in values:
            checks.number(f"each read-out of {m!r}", value)
    deepest = max(len(values) for values in readouts.values())
    aligned = [[values[d] for d in counterparts(deepest, len(values))] for values in readouts.values()]
    return [max(here) - min(here) for here in zip(*aligned, strict=True)]


def depth_features(model: MultimodalModel, modality: str, split: Split) -> list[Tensor]:
    """The pooled outputs [N, C_d] of every block of the modality's encoder, shallow to deep, on the CPU in float64.

    Evaluation mode, at most 1024 rows at once. Raises ValueError for an unknown modality, an encoder without blocks or
    a split that does not fit the model.
    """
    checks.one_of("modality", modality, model.modalities)
    check_blocks(modality, model.encoders[modality])
    check_fits(model, split)
    encoder = model.encoders[modality]
    widths: list[int] = []

    def pooled(inputs: Mapping[str, Tensor]) -> Tensor:
        vectors = [encoder.pool(h) for h in encoder.outputs(inputs[modality])]
        widths[:] = [h.shape[1] for h in vectors]
        return torch.cat(vectors, dim=1)

    values = collect(model, pooled, split).cpu().double()
    return [h.contiguous() for h in values.split(widths, dim=1)]


def _under_prototypes(
    model: MultimodalModel, modality: str, train: Split, test: Split
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Of every block: outputs [N, C_d] of the test rows, prototypes [K, C_d] from the train rows, test labels [N]."""
    x_train, x_test = (depth_features(model, modality, split) for split in (train, test))
    y_train, y_test = (true_labels(model, split).cpu() for split in (train, test))
    if model.num_classes < 2:
        raise ValueError(f"prototypes tell two or more classes apart, the model has {model.num_classes}.")
    for fitted, read in zip(x_train, x_test, strict=True):
        yield read, class_means(fitted, y_train, model.num_classes), y_test


def _at_each_depth(read: Callable[[MultimodalModel, str, Split, Split], list[float]], t: Trained) -> dict[str, float]:
    return by_depth({m: read(t.method.model, m, t.data.train, t.held) for m in t.data.modalities})


@measure("depth_probe")
def _depth_probe(t: Trained) -> dict[str, float]:
    return _at_each_depth(depth_probes, t)


@measure("depth_prototype")
def _depth_prototype(t: Trained) -> dict[str, float]:
    return _at_each_depth(depth_prototypes, t)


@measure("depth_performance")
def _depth_performance(t: Trained) -> dict[str, float]:
    return _at_each_depth(depth_performance, t)


@measure("weak_channels")
def _weak_channels(t: Trained) -> dict[str, float]:
    return _at_each_depth(weak_channels, t)
