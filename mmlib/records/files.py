"""Writing files so that a reader never meets half of one, and naming content by its hash."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Calls ``write(file)`` on a temporary file in the same folder, then renames it to ``path``.

    Whatever happens half-way (an exception, a kill, a full disk), ``path`` is either the old file or the whole new one.
    Raises OSError; where no room is left, with a sentence that says what to do.
    """
    try:
        _write_atomically(path, write)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # the system's own sentence names no file
            what = f"{error.strerror} for {path}: make room and run the same command again"
            raise OSError(error.errno, what) from error
        raise


def sweep(folder: Path) -> None:
    """Removes what a killed process left half-written in ``folder``: for one who knows that no other writes there."""
    for partial in folder.glob(".*.partial"):
        partial.unlink()


def _write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Writes ``value`` as indented JSON, atomically; refuses NaN and infinity, which JSON does not have."""
    write_atomically(path, lambda file: file.write(json_bytes(value)))


def json_bytes(value: object) -> bytes:
    """What ``write_json`` writes for ``value``: always the same bytes for the same value."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
