"""What a pickle says of an array, taken down and checked before numpy makes one of it.

numpy's own ``__setstate__`` trusts what it is given: a dtype whose flags are wrong makes it follow any pointer. So a
file talks to the stand-ins of this module only, and numpy meets checked sizes and dtypes.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import numpy as np

from data_prep.unpack._skipping_file import Skipped

# No text of length 0: any number of them takes no bytes in the file, and numpy makes each of them one letter long.
SIMPLE_DTYPE = re.compile(r"(?:b1|[iu][1248]|f[248]|[SU][1-9]\d{0,2}|O8?)")


MOST_AXES = 32  # of an array; the product of a thousand long numbers would take for ever


def shown(value: object) -> str:
    """``value`` in a message: a text that is short as it is, of anything else what it is, as it may be endless."""
    return value if isinstance(value, str) and len(value) < 100 else f"<{type(value).__name__}>"


class Admitted:
    """A function that a pickle may call, but not change."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, state: object) -> None:
        raise UnpicklingError("it changes what it may only call")


class AdmittedDtype:
    """A dtype of numbers, text or Python objects, without fields."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __setstate__(self, state: tuple) -> None:
        _, order, *structure = state
        if any(entry is not None for entry in structure[:3]) or order not in ("<", ">", "|", "="):
            raise UnpicklingError("it holds a dtype with fields")
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


def dtype_of(code: str, *_: object) -> AdmittedDtype:
    """The dtype of that code, as numpy.dtype would make it. Raises UnpicklingError for one that is not simple."""
    if not isinstance(code, str) or not SIMPLE_DTYPE.fullmatch(code):
        raise UnpicklingError(f"it holds the dtype {shown(code)!r}")
    return AdmittedDtype(np.dtype(code[:1] if code.startswith("O") else code))


class Payloads:
    """Where the bytes of arrays come from: the pickle itself, of ``size`` bytes, or its file ``path`` where they were
    passed over. What has to be copied is counted: a file can name a text a thousand times."""

    def __init__(self, size: int, path: Path | None = None) -> None:
        self._left, self._path = size, path

    def array(self, raw: bytes | Skipped, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
        """The array of that shape whose bytes are ``raw``. Raises UnpicklingError if their number is another."""
        if dtype.hasobject or len(raw) != math.prod(shape) * dtype.itemsize:
            raise UnpicklingError(f"it gives an array {list(shape)} of {dtype} {len(raw)} bytes")
        if isinstance(raw, Skipped):
            return np.memmap(self._path, dtype, mode="r", offset=raw.offset, shape=shape, order=order)
        return np.frombuffer(raw, dtype).reshape(shape, order=order) if raw else np.empty(shape, dtype)

    def encoded(self, text: str, encoding: str = "latin1") -> bytes:
        """The bytes that protocol 2 keeps as latin-1 text; any other codec is refused, since some decompress."""
        if encoding != "latin1":
            raise UnpicklingError(f"it asks for the codec {shown(encoding)!r}")
        self.spend(len(text))
        return text.encode("latin1")

    def spend(self, count: int) -> None:
        """Notes that ``count`` letters or entries are copied. Raises UnpicklingError if the file has fewer bytes."""
        self._left -= count
        if self._left < 0:
            raise UnpicklingError("it names the same texts or lists again and again")


class AdmittedArray:
    """An array in the making, as numpy pickles it: first an empty one, then its state."""

    __slots__ = ("_payloads", "array")

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, raw = state
        self.fill(shape, dtype, fortran, raw)

    def from_buffer(
        self, raw: bytes, dtype: AdmittedDtype, shape: tuple[int, ...], order: str, axes: object = None
    ) -> "AdmittedArray":
        """The array as protocol 5 writes it."""
        if order not in ("C", "F") or axes is not None:
            raise UnpicklingError(f"it holds an array in the order {shown(order)!r}")
        return self.fill(shape, dtype, order == "F", raw)

    def fill(
        self, shape: tuple[int, ...], dtype: AdmittedDtype, fortran: object, raw: bytes | str | list
    ) -> "AdmittedArray":
        """Makes the array: of objects from a list, of anything else from bytes, or from Python 2's text."""
        sizes = type(shape) is tuple and len(shape) <= MOST_AXES and all(type(n) is int and n >= 0 for n in shape)
        if not isinstance(dtype, AdmittedDtype) or not sizes:
            raise UnpicklingError("it holds an array without shape or dtype")
        if isinstance(raw, list):
            self._payloads.spend(len(raw))
            self.array = _of_objects(shape, dtype.dtype, raw)
        else:
            raw = self._payloads.encoded(raw) if isinstance(raw, str) else raw
            self.array = self._payloads.array(raw, dtype.dtype, shape, "F" if fortran else "C")
        return self


def scalar(payloads: Payloads, dtype: AdmittedDtype, raw: bytes | str) -> object:
    """A number or text that was a numpy scalar."""
    return AdmittedArray(payloads).fill((), dtype, False, raw).array.item()


def _of_objects(shape: tuple[int, ...], dtype: np.dtype, entries: list) -> np.ndarray:
    if not dtype.hasobject or len(entries) != math.prod(shape):
        raise UnpicklingError(f"it gives an array {list(shape)} of {dtype} {len(entries)} objects")
    array = np.empty(len(entries), dtype)
    for i, entry in enumerate(entries):
        array[i] = entry
    return array.reshape(shape)
