"""Rows that must not be torn apart by a split: twins, that is equal rows, or others that belong together."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def equal_rows(*arrays: np.ndarray) -> list[np.ndarray]:
    """The groups of two or more rows that are equal in all of ``arrays`` [N, ...]: row numbers in order."""
    rows: dict[bytes, list[int]] = {}
    for row in range(len(arrays[0])):
        rows.setdefault(b"".join(values[row].tobytes() for values in arrays), []).append(row)
    return [np.array(group) for group in rows.values() if len(group) > 1]


def merged(groups: Iterable[np.ndarray]) -> list[np.ndarray]:
    """``groups`` of numbers as groups of which no two share a number."""
    apart: list[set[int]] = []
    for group in groups:
        joined = set(map(int, group)).union(*(other for other in apart if not other.isdisjoint(group.tolist())))
        apart = [other for other in apart if other.isdisjoint(joined)] + [joined]
    return [np.array(sorted(group)) for group in apart]


def kept_together(
    rows: Mapping[str, np.ndarray], groups: Sequence[np.ndarray], labels: np.ndarray
) -> dict[str, np.ndarray]:
    """``rows`` {split: row numbers}, changed as little as possible so that each of ``groups`` is in one split.

    A group goes where its first row is. For each other row that has to move, a row of the same class, which is in no
    group, changes places with it: the first of its new split that has not moved yet. So every split keeps its size and
    its classes, and all other rows keep their places. groups: no row in two of them, rows that are in no split do not
    count; labels: class of row number i at i.
    Raises ValueError if a split has no row to change places with.
    """
    kept = {name: index.copy() for name, index in rows.items()}
    places = {int(row): (name, place) for name, index in kept.items() for place, row in enumerate(index)}
    fixed = {int(row) for group in groups for row in group}
    for group in groups:
        drawn = [int(row) for row in group if int(row) in places]
        for row in drawn[1:]:
            home = places[drawn[0]][0]
            if places[row][0] != home:
                other = _partner(kept[home], labels, labels[row], fixed)
                fixed.add(other)
                places[row], places[other] = places[other], places[row]
                for moved in (row, other):
                    name, place = places[moved]
                    kept[name][place] = moved
    return kept


def _partner(index: np.ndarray, labels: np.ndarray, label: int, fixed: set[int]) -> int:
    for row in index:
        if labels[row] == label and int(row) not in fixed:
            return int(row)
    raise ValueError(f"no row of class {label} is left to change places with: the split is too small for its twins.")
