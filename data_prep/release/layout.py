"""What a preparation from the user's copy of a release has to say of it: its parts, and how one of them is read.

A module data_prep/sets/NAME.py for such a set has
    SKIPS: bool                        whether single parts may be left out, and counted, where they cannot be read
    layout(raw: Path) -> Layout        checks that everything is there, decoding nothing; raises PreparationError
    convert(part: Part) -> dict        the part's rows, name -> array [k, ...], "labels" among them; raises Undecodable
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from data_prep.errors import PreparationError


class Undecodable(PreparationError):
    """One part cannot be read, and would not be the next time either; the message names it and says why."""


class Stopped(PreparationError):
    """Something is wrong with the machine and not with the release; what was converted is kept to continue from."""


@dataclass(frozen=True)
class Part:
    """What is converted at once: one clip, or some rows of a large array.

    name: what messages call it; files: what it is read from; about: what the conversion has to know, picklable.
    """

    name: str
    files: tuple[Path, ...]
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """What a raw folder holds.

    missing: files that should be there, each with a reason, where the set may do without them; left_out: names of parts
    that are there and not converted, each with the reason; about: further entries of the manifest, in JSON's types.
    """

    parts: tuple[Part, ...]
    classes: tuple[str, ...]
    missing: tuple[tuple[Path, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    about: Mapping[str, object] = field(default_factory=dict)


class RawSet(Protocol):
    """The module of one data set."""

    SKIPS: bool
    layout: Callable[[Path], Layout]
    convert: Callable[[Part], dict[str, np.ndarray]]


def raw_set(name: str) -> RawSet:
    """The module that prepares the data set ``name``."""
    return cast(RawSet, importlib.import_module(f"data_prep.sets.{name}"))
