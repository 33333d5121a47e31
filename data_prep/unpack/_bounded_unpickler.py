"""An unpickler whose work is bounded by the length of the file.

Python's own spends exponential time and any memory on a few bytes: the hash of nested tuples that share their parts
(each is hashed again in each place), a number of a million digits, a place in the memo that is far out. So this one is
the unpickler that Python keeps in Python, ``pickle._Unpickler``, in which single steps can be replaced.
"""

import pickle
import struct
from typing import BinaryIO

from data_prep.unpack._skipping_file import LARGE, Skipped, SkippingFile

PLAIN = (str, bytes, int, float, type(None))


class BoundedUnpickler(pickle._Unpickler):
    """Reads ``file``; the large payloads of a SkippingFile are passed over, and a ``Skipped`` stands for each.

    Keys of dicts must be plain; there are no sets and no whole numbers of more than 255 bytes. Raises UnpicklingError.
    """

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO | SkippingFile) -> None:
        super().__init__(file, encoding="latin1")  # what Python 2 wrote
        self._passing = file if isinstance(file, SkippingFile) else None

    def _bytes(self, count: int) -> bytes | Skipped:
        frame = self._unframer.current_frame
        inside = frame is not None and frame.tell() < frame.getbuffer().nbytes
        if self._passing is None or inside or count < LARGE:
            return self.read(count)
        return self._passing.skip(count)

    def _load_bytes(self) -> None:
        self.append(self._bytes(*struct.unpack("<I", self.read(4))))

    def _load_long_bytes(self) -> None:
        self.append(self._bytes(*struct.unpack("<Q", self.read(8))))

    def _load_item(self) -> None:
        check_key(self.stack[-2])
        self.load_setitem()

    def _load_items(self) -> None:
        for key in self.stack[::2]:
            check_key(key)
        self.load_setitems()

    def _load_dict(self) -> None:
        for key in self.stack[::2]:
            check_key(key)
        self.load_dict()

    def _load_set(self) -> None:
        raise pickle.UnpicklingError("it holds a set")

    def _load_huge_number(self) -> None:
        raise pickle.UnpicklingError("it holds a number of more than 255 bytes")

    dispatch |= {
        pickle.BINBYTES[0]: _load_bytes,
        pickle.BINBYTES8[0]: _load_long_bytes,
        pickle.BYTEARRAY8[0]: _load_long_bytes,
        pickle.SETITEM[0]: _load_item,
        pickle.SETITEMS[0]: _load_items,
        pickle.DICT[0]: _load_dict,
        pickle.EMPTY_SET[0]: _load_set,
        pickle.FROZENSET[0]: _load_set,
        pickle.LONG4[0]: _load_huge_number,
    }


def check_key(key: object) -> None:
    """Raises UnpicklingError unless ``key`` is plain, so that its hash takes no longer than its text."""
    if not isinstance(key, PLAIN):
        raise pickle.UnpicklingError(f"it holds a dict with a {type(key).__name__} as a key")
