"""A pickle file as an unpickler sees it when nobody wants gigabytes in memory: large payloads are passed over."""

import os
import secrets
from typing import BinaryIO

LARGE = 1 << 16  # bytes; from here on Python writes the bytes of an array as one payload outside its frames


class SkippingFile:
    """Reads ``file`` for pickle.Unpickler; a large payload is replaced by a token, its offset, and untouched memory.

    The token is drawn anew for every file, so no file can imitate it. offsets: of all payloads that were passed over.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._token = secrets.token_bytes(16)
        self.offsets: set[int] = set()

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end, whatever count the file claims."""
        return self._file.read(min(count, self._left()))

    def readline(self) -> bytes:
        """The next line."""
        return self._file.readline()

    def readinto(self, target: memoryview) -> int:
        """Fills ``target``, or marks it where it is large; returns how many bytes of the file it stands for."""
        count = len(target)
        if count > self._left():
            return 0
        if count < LARGE:
            return self._file.readinto(target)
        offset = self._file.tell()
        mark = self._token + offset.to_bytes(8, "little")
        target[: len(mark)] = mark
        self.offsets.add(offset)
        self._file.seek(count, os.SEEK_CUR)
        return count

    def offset_of(self, payload: bytes | bytearray) -> int | None:
        """Where in the file the bytes lie that ``payload`` stands for; None if it holds them itself."""
        if len(payload) < LARGE or not payload.startswith(self._token):
            return None
        return int.from_bytes(payload[16:24], "little")

    def _left(self) -> int:
        return self._size - self._file.tell()
