"""Coalitions: the non-empty subsets of the modalities, in one order for everything that is computed of them."""

from collections.abc import Sequence
from itertools import combinations

Coalition = tuple[str, ...]


def subsets(players: Sequence[str]) -> list[Coalition]:
    """All non-empty subsets, small to large, each with its names in the order of ``players``."""
    return [s for size in range(1, len(players) + 1) for s in combinations(players, size)]
