"""A pickle file as an unpickler sees it without gigabytes in memory: large payloads are passed over."""

import os
from typing import BinaryIO

LARGE = 1 << 16  # bytes; from here on Python writes the bytes of an array as one payload outside its frames


class Skipped:
    """What stands for ``count`` bytes of the file from ``offset`` on."""

    __slots__ = ("count", "offset")

    def __init__(self, offset: int, count: int) -> None:
        self.offset, self.count = offset, count

    def __len__(self) -> int:
        return self.count


class SkippingFile:
    """``file`` for an unpickler: reads no more than is there, passes over what is only mapped. size: bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end, whatever count the file claims."""
        return self._file.read(min(count, self._left()))

    def readline(self) -> bytes:
        """The next line."""
        return self._file.readline()

    def skip(self, count: int) -> Skipped:
        """Passes over the next ``count`` bytes. Raises EOFError if there are fewer."""
        if count > self._left():
            raise EOFError("it ends within an array")
        skipped = Skipped(self._file.tell(), count)
        self._file.seek(count, os.SEEK_CUR)
        return skipped

    def _left(self) -> int:
        return self.size - self._file.tell()
