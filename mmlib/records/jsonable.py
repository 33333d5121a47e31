"""Turning what a notebook holds into plain JSON values, or saying which entry cannot be one."""

import math
from collections.abc import Mapping

import numpy as np


def to_json(what: str, value: object) -> object:
    """``value`` as JSON types: NumPy numbers become numbers, tuples become lists.

    what: how a message names the value, such as "parameters".
    Raises TypeError for any other type and ValueError for NaN and infinity; the message names the entry.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {_key(what, key): to_json(f"{what}[{key!r}]", item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(f"{what}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{what} is {value}: JSON has only finite numbers; find out why, or store None.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"{what} must be a number, a text, a boolean, None, or a list or dict of these, got {type(value).__name__}: "
        "convert it first."
    )


def _key(what: str, key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the keys of {what} must be texts, got {key!r} ({type(key).__name__}).")
    return key
