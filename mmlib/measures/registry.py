"""Measures by name, as runs ask for them: each gives one number per modality, subset, group or block.

A measure's file registers itself:

    @measure("probe")
    def _probe(t: Trained) -> dict[str, float]:
        return {m: linear_probe(t.method.model, m, t.data.train, t.held) for m in t.data.modalities}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmlib.data import MultimodalData, Split
    from mmlib.methods import Method, Unimodal


@dataclass(frozen=True)
class Trained:
    """A trained method and the rows to measure it on.

    held: the rows that are measured; dep: held-aside rows on which the ridge regression of competition strength is
    fitted, None to use one half of ``held`` for it and the other half to measure; concept: gives the unimodal
    network of a modality, trained with the same seed.
    """

    method: Method
    data: MultimodalData
    dep: Split | None
    held: Split
    concept: Callable[[str], Unimodal]


Measure = Callable[[Trained], dict[str, float]]

MEASURES: dict[str, Measure] = {}
NEED_FUSION: set[str] = set()  # the others look at one encoder alone, or at what the method decides in its own way


def measure(name: str, *, needs_fusion: bool = False) -> Callable[[Measure], Measure]:
    """Registers the decorated function under ``name``; needs_fusion: it says nothing of a method that does not train
    the fused network. Raises ValueError for a name that is taken."""

    def register(function: Measure) -> Measure:
        # The same one comes again where its module is reloaded.
        if name in MEASURES and MEASURES[name].__qualname__ != function.__qualname__:
            raise ValueError(f"a measure {name!r} is registered already: give this one another name.")
        MEASURES[name] = function
        if needs_fusion:
            NEED_FUSION.add(name)
        return function

    return register


def by_depth(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """{"m/d": value}: the depth d counts the blocks of m from 1, the shallowest."""
    return {f"{m}/{d}": value for m, listed in values.items() for d, value in enumerate(listed, start=1)}
