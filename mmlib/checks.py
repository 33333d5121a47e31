"""Checks of what a user passes in: each failure is one sentence saying what was expected, what came and what to do."""

import difflib
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line and the Snakefile check names before PyTorch is loaded
    from torch import Tensor

LARGEST = (2 - 2**-23) * 2.0**127  # a larger number is infinite in float32
LARGEST_SEED = 2**32 - 1  # what scikit-learn and NumPy accept


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


def factor(name: str, value: object, low: float = 0.0) -> None:
    """Raises TypeError or ValueError unless ``value`` is a number from ``low`` to the largest float32."""
    number(name, value, low)
    if value > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST:.5g}, the largest float32 number, got {value!r}.")


def seed(value: object) -> None:
    """Raises TypeError or ValueError unless ``value`` can seed every generator: a whole number from 0 to 2^32 - 1."""
    whole("seed", value)
    number("seed", value, 0, LARGEST_SEED)


def per_modality(
    name: str, value: object, modalities: Sequence[str], check: Callable[[str, object], None]
) -> dict[str, float]:
    """``value`` for each of ``modalities``, from one for all or a dict that names every modality.

    check: called with a value's name and the value; raises if it is wrong, as this does (TypeError, ValueError).
    """
    if not isinstance(value, Mapping):
        check(name, value)
        return dict.fromkeys(modalities, value)
    for m in value:
        one_of(f"modality in {name}", m, modalities)
    missing = [m for m in modalities if m not in value]
    if missing:
        raise ValueError(f"{name} must name every modality or be one number for all, it lacks {', '.join(missing)}.")
    for m in modalities:
        check(f"{name} of {m!r}", value[m])
    return {m: value[m] for m in modalities}


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
