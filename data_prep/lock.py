"""Keeps two preparations of one data set apart, in whatever processes they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from data_prep.errors import PreparationError
from mmlib import paths


@contextmanager
def only_one(name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Waits until no other process prepares the data set ``name``, and says so. Raises PreparationError."""
    file = paths.data_dir() / f".{name}.lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("another process is preparing it: waiting for that one")
            lock.acquire()
    except OSError as error:
        why = error.strerror or error
        raise PreparationError(f"cannot write {file.parent} ({why}): choose another folder with MMLIB_DATA.") from error
    try:
        yield
    finally:
        lock.release()
