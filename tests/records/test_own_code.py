"""The fingerprint of a user's own code: whatever could change what it computes changes it, and nothing else does."""

import dataclasses
import functools
import re
import threading
import types
from collections import deque
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from mmlib.data import DATASETS
from mmlib.measures import MEASURES
from mmlib.methods import METHODS
from mmlib.records.code.own import own_code
from mmlib.records.code.owner import replaced_parts


def base(x, k=1):
    return x * k


class Adds:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return x + self.k

    def run(self, x):
        return x + self.k


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k):
        self.k = k


@dataclasses.dataclass
class Settings:
    k: int


class OwnDict(dict):
    pass


class OwnFloat(float):
    pass


def reads(value):
    """A function that reads ``value`` from around it."""

    def measure(x):
        return x, value

    return measure


def cached(k):
    @functools.lru_cache
    def measure(x):
        return x + k

    return measure


def dispatched(k):
    @functools.singledispatch
    def measure(x):
        return x

    measure.register(int, reads(k))
    return measure


def with_member(member):
    return type("Mine", (METHODS["joint"],), {"member": member, "__module__": __name__})


KINDS = {
    "a partial": lambda k: functools.partial(base, k=k),
    "a bound method": lambda k: Adds(k).run,
    "a function bound by hand": lambda k: types.MethodType(reads(k), Adds(1)),
    "a callable object": lambda k: Adds(k),
    "a cached function": cached,
    "a dispatched function": dispatched,
    "a vectorized function": lambda k: np.vectorize(reads(k)),
    "a class with a partialmethod": lambda k: with_member(functools.partialmethod(base, k=k)),
    "a class with a cached property": lambda k: with_member(functools.cached_property(reads(k))),
    "a class with a module": lambda k: with_member(torch.nn.LeakyReLU(0.1 * k)),
    **{
        f"a function that reads {name}": lambda k, value=value: reads(value(k))
        for name, value in {
            "a number": lambda k: k,
            "a NumPy number": np.int64,
            "a dtype": lambda k: [torch.float32, torch.float64][k - 1],
            "a range": range,
            "a namespace": lambda k: types.SimpleNamespace(k=k),
            "a fraction": lambda k: Fraction(k, 7),
            "a deque": lambda k: deque([k]),
            "a path": lambda k: Path(str(k)),
            "a pattern": lambda k: re.compile(str(k)),
            "a module's weights": lambda k: torch.nn.Linear(1, 1, bias=False).requires_grad_(False).apply(
                lambda m: m.weight.fill_(k)
            ),
            "a dropout": lambda k: torch.nn.Dropout(0.1 * k),
            "slots": Slotted,
            "a dataclass": Settings,
            "an own dict": lambda k: OwnDict(a=k),
            "an own float": OwnFloat,
            "a set": lambda k: {k, 9},
            "a nested list": lambda k: [[k], {"a": (k,)}],
            "an array": lambda k: np.full(3, k),
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_changes_the_result_changes_the_fingerprint(kind):
    make = KINDS[kind]
    first, again, other = (own_code([make(k)]) for k in (1, 1, 2))
    assert first is not None and first == again and first != other


def test_a_docstring_is_not_code():
    plain, documented = base, types.FunctionType(base.__code__, base.__globals__, "base", base.__defaults__)
    space = {}
    for number, text in enumerate(["", '"""Words."""\n    ', '"""Other words."""\n    ']):
        exec(compile(f"def f(x):\n    {text}return x + 1", "<cell>", "exec"), space)
        space[number] = own_code([space["f"]])
    assert space[1] == space[2]
    assert own_code([plain]) == own_code([documented])


def test_what_cannot_be_described_does_not_stop_a_name():
    assert own_code([reads(threading.Lock())]) == own_code([reads(threading.Lock())])
    endless = [1]
    endless.append(endless)
    assert own_code([reads(endless)]) is not None


def test_the_suite_has_no_own_code():
    assert own_code([*METHODS.values(), *DATASETS.values(), *MEASURES.values()]) is None
    assert list(replaced_parts()) == []
