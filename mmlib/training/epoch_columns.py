"""The columns of an epoch in the history: those of training and validation, and those of the caller's ``on_epoch``."""

from collections.abc import Mapping
from decimal import Decimal
from numbers import Real

import numpy as np
from torch import Tensor

FILLED_BY_FIT = ("epoch", "loss", "valid/accuracy", "valid/mae", "valid/loss")


def own_columns(method: object, epoch: int, logs: Mapping[str, float], valid: Mapping[str, float]) -> dict[str, float]:
    """The row of an epoch: its number, the means of the method's logs, "valid/..." of the validation split.

    Raises ValueError for a log with the name of a column that ``fit`` fills itself.
    """
    taken = [name for name in logs if name in FILLED_BY_FIT and name != "loss"]
    if taken:
        raise ValueError(
            f"{type(method).__name__} logs {taken[0]!r}, a column that fit fills itself: give that log another name."
        )
    return {"epoch": epoch, **logs, **{f"valid/{name}": value for name, value in valid.items()}}


def further_columns(given: object, row: Mapping[str, float]) -> dict[str, float]:
    """What ``on_epoch`` returned, as floats: nothing for None, else a dict of names and real numbers of any kind.

    row: the columns that are there already. Raises TypeError or ValueError, naming the column, for anything else.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"on_epoch must return None or a dict of names and numbers, got {type(given).__name__}.")
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"on_epoch must name its columns by texts, got {name!r} ({type(name).__name__}).")
        if name in row or name in FILLED_BY_FIT:
            raise ValueError(f"on_epoch returned {name!r}, a column that training fills: give it another name.")
    return {name: _number(name, value) for name, value in given.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, Tensor) and value.is_meta:
        raise ValueError(
            f"column {name!r} of on_epoch is a tensor on the meta device, which holds no value: return a number."
        )
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, (Real, Decimal, np.bool_)):
        what = f"{type(value).__name__}{list(value.shape)}" if hasattr(value, "shape") else type(value).__name__
        raise TypeError(f"column {name!r} of on_epoch must be a real number, got {_short(value)} ({what}).")
    try:
        return float(value)
    except (OverflowError, ValueError) as error:  # a whole number of 400 digits, a signalling NaN
        raise ValueError(f"column {name!r} of on_epoch cannot be a float: {error}.") from None


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
