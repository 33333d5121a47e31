"""Of all processes that ask for a run, one computes it; the others wait and say for whom."""

import errno
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from mmlib.runs.spec import RunSpec

PATIENCE = 1.5  # seconds that a process waits before it says so
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

log = logging.getLogger(__name__)


class ResultsNotWritable(OSError):
    """A run has to be computed, and the results folder cannot take it; the message says why and what to do."""


@contextmanager
def alone_with(spec: RunSpec) -> Iterator[None]:
    """Inside, no other process computes ``spec``. Waits for one that does, and says so after PATIENCE seconds.

    The lock is the system's own (flock), which ends with its process: the file that a killed process leaves is no
    obstacle. Raises ResultsNotWritable where the folder is read-only or its file system has no locks.
    """
    lock = FileLock(_file(spec))
    try:
        _file(spec).parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, spec)
    except (OSError, NotImplementedError) as error:
        raise _explained(error, spec) from error
    try:
        yield
    finally:
        lock.release()


def note_start(spec: RunSpec) -> None:
    """Adds a line to the lock's file: the last line says which process computes the run, all of them how often."""
    line = f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n"
    with suppress(OSError), _file(spec).open("a") as file:  # on a full disk what the run itself writes is reported
        file.write(line)


def _file(spec: RunSpec) -> Path:
    return spec.folder.with_suffix(".lock")


def _acquire(lock: FileLock, spec: RunSpec) -> None:
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        log.info("waiting for the run %s: %s computes it", spec.label, _who(spec))
        lock.acquire()
    if isinstance(lock, SoftFileLock):  # filelock's way out where there are no locks; a kill would leave it locked
        lock.release()
        raise NotImplementedError


def _who(spec: RunSpec) -> str:
    lines = _file(spec).read_text().splitlines()
    return lines[-1] if lines else "another process"


def _explained(error: Exception, spec: RunSpec) -> Exception:
    run, folder = spec.label, spec.folder.parent
    elsewhere = "name another results folder with MMLIB_RESULTS or --results"
    code = getattr(error, "errno", errno.ENOSYS)
    if code in READ_ONLY:
        return ResultsNotWritable(f"the run {run} is not there yet, and {folder} is read-only: {elsewhere}.")
    if code in NO_LOCKS:
        return ResultsNotWritable(
            f"the file system of {folder} has no locks (flock), without which two processes could compute one run: "
            f"{elsewhere}, on a local disk or an NFS with locks."
        )
    return error
