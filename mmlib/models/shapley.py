"""The exact Shapley value of a set function (Shapley 1953), as AGM uses it on logits and the measures on accuracies."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import TypeVar

Value = TypeVar("Value")  # a number or a tensor: whatever can be added and scaled
Coalition = tuple[str, ...]


def subsets(players: Sequence[str]) -> list[Coalition]:
    """All non-empty subsets, small to large, each with its names in the order of ``players``."""
    return [s for size in range(1, len(players) + 1) for s in combinations(players, size)]


def shapley(value: Mapping[Coalition, Value], players: Sequence[str], empty: Value | float = 0.0) -> dict[str, Value]:
    """phi_m = sum over S without m of |S|! (M-|S|-1)! / M! * (value(S + m) - value(S)), for every player m.

    value: subset (names in order) -> value, for all non-empty subsets; empty: value of the empty set.
    The phi_m add up to value(all) - empty.
    """
    return {m: _phi(m, {**value, (): empty}, players) for m in players}


def _phi(m: str, value: Mapping[Coalition, Value], players: Sequence[str]) -> Value:
    total = len(players)
    others = [p for p in players if p != m]
    phi = 0.0
    for s in [(), *subsets(others)]:
        joined = tuple(p for p in players if p in s or p == m)
        weight = factorial(len(s)) * factorial(total - len(s) - 1) / factorial(total)
        phi = phi + weight * (value[joined] - value[s])
    return phi
