"""Checks of what a user passes in: each failure is one sentence saying what was expected, what came and what to do."""

import difflib
import math
from collections.abc import Iterable


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
    for name in given:
        one_of(f"option of {what}", name, known)


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf, *, finite: bool = True) -> None:
    """Raises unless ``value`` is a real number with low <= value <= high (TypeError or ValueError)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    if math.isnan(value) or (finite and math.isinf(value)) or not low <= value <= high:
        raise ValueError(f"{name} must be {_interval(low, high, finite)}, got {value!r}.")


def whole(name: str, value: object, low: int = 0) -> None:
    """Raises unless ``value`` is an int with value >= low (TypeError or ValueError)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__}).")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value!r}.")


def _interval(low: float, high: float, finite: bool) -> str:
    kind = "a finite number" if finite else "a number"
    if low == -math.inf and high == math.inf:
        return kind
    if high == math.inf:
        return f"{kind} >= {low:g}"
    return f"{kind} from {low:g} to {high:g}"
