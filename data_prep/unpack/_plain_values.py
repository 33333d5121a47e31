"""What an unpickler found, looked through: arrays and plain values in dicts, lists and tuples, and nothing else.

A pickle may name one list in many places, and lists of such lists: what takes a hundred bytes would unfold to more than
any memory holds. So each list is looked at once, and a value that is too large when unfolded is refused: whatever reads
it later may go through all of it.
"""

from pickle import UnpicklingError

import numpy as np

from data_prep.unpack._bounded_unpickler import PLAIN
from data_prep.unpack._pickled_arrays import AdmittedArray
from data_prep.unpack._skipping_file import Skipped

DEEPEST = 100  # lists in lists; releases have fewer than 10
MOST = 10**7  # entries when unfolded; releases have some 100,000


def plain(value: object) -> object:
    """``value`` with real arrays in it; what was shared in it still is. Raises UnpicklingError for anything else."""
    return _Search().of(value, 0)[0]


class _Search:
    """Each container once: by its identity, what is made of it and how many entries that has when unfolded."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[object, tuple[object, int]]] = {}

    def of(self, value: object, depth: int) -> tuple[object, int]:
        if isinstance(value, PLAIN):
            return value, 1
        if id(value) not in self._done:
            if depth > DEEPEST:
                raise UnpicklingError(f"it holds itself, or lists that are nested more than {DEEPEST} deep")
            made, entries = self._made(value, depth + 1)
            if entries > MOST:
                raise UnpicklingError(f"it names the same lists so often that it unfolds to more than {MOST:,} entries")
            self._done[id(value)] = value, (made, entries)  # with the value, so that no other gets its identity
        return self._done[id(value)][1]

    def _made(self, value: object, depth: int) -> tuple[object, int]:
        if isinstance(value, AdmittedArray):
            return self.of(value.array, depth)
        if isinstance(value, np.ndarray):
            if not value.dtype.hasobject:
                return value, 1
            value.flat, entries = self._all(list(value.flat), depth)
            return value, entries
        if type(value) is dict:
            kept, entries = self._all(list(value.values()), depth)
            return dict(zip(value, kept, strict=True)), entries + len(value)
        if type(value) in (list, tuple):
            kept, entries = self._all(value, depth)
            return type(value)(kept), entries
        what = "large texts beside its arrays" if isinstance(value, Skipped) else f"a {type(value).__name__}"
        raise UnpicklingError(f"it holds {what}")

    def _all(self, values: list | tuple, depth: int) -> tuple[list, int]:
        found = [self.of(value, depth) for value in values]
        return [made for made, _ in found], 1 + sum(entries for _, entries in found)
