"""Checks of what a user passes in: each failure is one sentence saying what was expected, what came and what to do."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line and the Snakefile check names before PyTorch is loaded
    from torch import Tensor

# The names that stand where else a modality's does: "loss/joint" beside "loss/a", the group "none" beside "a+b".
# A method or measure with a further one adds it here; tests/methods/test_log_names.py finds those that do not.
OWN_NAMES = {
    "all": "all modalities together",
    "aux": "AIM's auxiliary loss",
    "ceb": "MCR's bottleneck loss",
    "con": "MCR's contrastive loss",
    "empty": "no modality at all",
    "full": "the loss of AIM's ordinary pass",
    "joint": "the loss of the fused prediction",
    "labels": "the labels of a data set",
    "loss": "the loss as a whole",
    "none": "the group of rows that no modality gets right",
    "stim": "AIM's stimulation loss",
}
SEPARATORS = {"/": "the parts of a log's name", "+": "the modalities of a group", ".": "the parts of a module's name"}


def one_of(what: str, value: object, known: Iterable) -> None:
    """Raises ValueError unless ``value`` is among ``known``; names the nearest known one."""
    known = list(known)
    if value in known:
        return
    near = difflib.get_close_matches(str(value), [str(k) for k in known], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {what} {value!r}: expected one of {', '.join(map(str, known))}.{hint}")


def options(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises ValueError if an option name in ``given`` is not among ``known``."""
    known = list(known)
    for name in given:
        if not known:
            raise ValueError(f"{what} takes no options, got {name!r}.")
        one_of(f"option of {what}", name, known)


def distinct(name: str, values: object, least: int = 1, most: int | None = None) -> None:
    """Raises unless ``values`` is a list of ``least`` to ``most`` different entries (TypeError or ValueError)."""
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{name} must be a list, got {values!r} ({type(values).__name__}).")
    if len(values) < least or (most is not None and len(values) > most) or len(set(values)) != len(values):
        count = f"{least} or more" if most is None else f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"{name} must hold {count} different entries, got {list(values)}.")


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf, *, finite: bool = True) -> None:
    """Raises unless ``value`` is a real number with low <= value <= high (TypeError or ValueError)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    real = _as_float(value)
    if math.isnan(real) or (finite and math.isinf(real)) or not low <= value <= high:
        raise ValueError(f"{name} must be {_interval(low, high, finite)}, got {value!r}.")


def whole(name: str, value: object, low: int = 0, high: int | None = None) -> None:
    """Raises unless ``value`` is an int with low <= value, and value <= high if given (TypeError or ValueError)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__}).")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}.")
    if high is not None and value > high:
        raise ValueError(f"{name} must be at most {high:,}, got {value!r}.")


def of_type(name: str, value: object, kind: type | tuple[type, ...], meant: str) -> None:
    """Raises TypeError unless ``value`` is a ``kind``, which the message calls ``meant``."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be {meant}, got {value!r} ({type(value).__name__}).")


def flag(name: str, value: object) -> None:
    """Raises TypeError unless ``value`` is True or False: any other text, "no" too, would count as true."""
    of_type(name, value, bool, "True or False")


def class_numbers(what: str, labels: "Tensor", count: int) -> None:
    """Raises ValueError unless all of ``labels`` (at least one) lie in 0..count-1. Reads their values on the host."""
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= count:
        raise ValueError(f"{what} run from {low} to {high}; with {count} classes they must lie in 0..{count - 1}.")


def modality(name: object) -> None:
    """Raises TypeError or ValueError, saying what to rename, unless ``name`` is a text that can name a modality: it
    becomes part of the names of logs, measures, groups and modules."""
    if not isinstance(name, str):
        raise TypeError(f"a modality is named by a text, such as 'audio', got {name!r} ({type(name).__name__}).")
    why = _objection(name)
    if why:
        raise ValueError(f"a modality cannot be named {name!r}: {why}. Rename it in the data, encoders and fusion.")


def _objection(name: str) -> str | None:
    from torch import nn

    if not name.strip():
        return "the name is empty"
    for sign, use in SEPARATORS.items():
        if sign in name:
            return f"{sign!r} separates {use}"
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        return "it holds half a sign (a lone surrogate), which cannot be written to a file"
    if name in OWN_NAMES:
        return f"in logs and tables that name stands for {OWN_NAMES[name]}"
    if hasattr(nn.ModuleDict(), name):
        return "PyTorch's ModuleDict, which holds a module for each modality, uses that name itself"
    return None


def _as_float(value: numbers.Real) -> float:
    """The number as a float, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:  # a whole number of 400 digits
        return math.inf if value > 0 else -math.inf


def _interval(low: float, high: float, finite: bool) -> str:
    kind = "a finite number" if finite else "a number"
    if low == -math.inf and high == math.inf:
        return kind
    if high == math.inf:
        return f"{kind} >= {low:g}"
    return f"{kind} from {low:g} to {high:g}"
