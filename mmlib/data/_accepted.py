"""What a split takes: which tensors can be inputs or labels, and a sentence for whatever cannot."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from mmlib.data.storage.mapped import MappedRows
from mmlib.records.modality_names import check_modality

FLOATING = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


def check_inputs(inputs: Mapping[str, Tensor | MappedRows]) -> None:
    """Raises TypeError or ValueError unless ``inputs`` are named, plain tensors of numbers, or rows on the disk.

    Whole numbers are taken: token numbers stay what they are, and whether a network can read others shows when it does.
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a dict of modality names and tensors, got {type(inputs).__name__}.")
    if not inputs:
        raise ValueError("a split needs at least one modality, got none.")
    for name, values in inputs.items():
        check_modality(name)
        if not isinstance(values, MappedRows):
            _check_tensor(name, values)
            if values.dtype not in FLOATING + WHOLE:
                raise TypeError(f"{name!r} must hold real or whole numbers, got {values.dtype}: x.float() converts it.")


def check_labels(labels: Tensor) -> None:
    """Raises TypeError or ValueError unless ``labels`` are class numbers (int64) or finite real targets, one a row."""
    _check_tensor("labels", labels)
    if labels.dtype not in (*FLOATING, torch.long) or labels.ndim != 1:
        raise ValueError(
            "labels must be a LongTensor [N] of class numbers or a floating tensor [N] of real targets, "
            f"got {labels.dtype} with shape {tuple(labels.shape)}."
        )
    if not is_finite(labels):
        raise ValueError("labels hold NaN or infinite values: leave out the rows whose target is not known.")


def check_rows(name: str, values: Tensor | MappedRows, count: int) -> None:
    """Raises ValueError unless the modality ``name`` has ``count`` rows of one axis or more, all finite."""
    rows = len(values) if values.ndim else 0
    if rows != count:
        raise ValueError(f"modality {name!r} has {rows} rows, the labels have {count}.")
    if values.ndim == 1:
        raise ValueError(
            f"modality {name!r} has rows of shape (), one number each: give it the shape [N, 1], as x[:, None] does."
        )
    if not is_finite(values):
        raise ValueError(f"modality {name!r} holds NaN or infinite values: clean the data before loading it.")


def class_names(classes: Iterable[object]) -> tuple[str, ...]:
    """``classes`` as plain texts, whatever holds them: a list, an array of NumPy, an index of pandas; numbers too."""
    if not isinstance(classes, Iterable):
        raise TypeError(f"classes must be a list of names, or () for real targets, got {classes!r}.")
    return tuple(str(name) for name in classes)


def is_finite(values: Tensor | MappedRows) -> bool:
    """Whether no value is NaN or infinite; of rows on the disk the preparation has looked at every value."""
    if isinstance(values, MappedRows):
        return True
    return not values.is_floating_point() or bool(torch.isfinite(values).all())


def _check_tensor(name: str, values: object) -> None:
    if not isinstance(values, Tensor):
        raise TypeError(f"{name!r} must be a tensor, got {type(values).__name__}: torch.as_tensor makes one.")
    if values.layout != torch.strided:
        raise TypeError(f"{name!r} must be a dense tensor, got {values.layout}: x.to_dense() makes one.")
    if values.requires_grad:
        raise ValueError(f"{name!r} must be data, and requires gradients: x.detach() gives the numbers alone.")
