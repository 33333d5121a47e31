"""Settings as texts, equal where the settings are: for comparing what two programs have built."""

import dataclasses
import hashlib
import math
from argparse import Namespace
from collections.abc import Mapping
from enum import Enum
from functools import partial
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from mmlib.records.code.text import code_text, full_name

DEEPEST = 8  # lists in lists
LONGEST = 200  # characters of a text that is kept whole


def described(value: object, level: int = 0) -> str:
    """A text of ``value``: of numbers, texts, types, functions, arrays, and of lists, dicts and dataclasses of such.

    Of any other object only its class is named. 1, 1.0 and NumPy's 1 have one text, and so have a list and a tuple.
    """
    text = _described(value, level)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... #{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def tensor_bytes(tensor: Tensor) -> memoryview | bytes:
    """The values of a tensor on any device and of any dtype; nothing where they do not lie in a plain array."""
    if is_lazy(tensor) or tensor.is_meta or tensor.layout != torch.strided:
        return b""
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data


def _described(value: object, level: int) -> str:
    if level > DEEPEST:
        return "..."
    inside = partial(described, level=level + 1)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (Enum, bool, complex, bytes, torch.dtype, range, slice)):
        return repr(value)
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, Real):
        whole = isinstance(value, Integral) or (math.isfinite(value) and value == int(value))
        return repr(int(value)) if whole else repr(float(value))
    if isinstance(value, Tensor):
        shown = f"{value.dtype} {list(value.shape)}"
        return f"{shown} #{hashlib.sha256(tensor_bytes(value)).hexdigest()[:8]}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)} {inside(value.tolist())}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inside(k)}: {inside(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(inside, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(inside, value))) + "}"
    if isinstance(value, partial):
        return f"partial({inside(value.func)}, {inside(value.args)}, {inside(value.keywords)})"
    if isinstance(value, type):
        return code_text(value)
    if dataclasses.is_dataclass(value) or isinstance(value, (SimpleNamespace, Namespace)):
        return f"{full_name(type(value))} {inside(vars(value))}"
    return code_text(value) if hasattr(value, "__qualname__") else code_text(type(value))
