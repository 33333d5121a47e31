"""Replacing a whole folder, so that a reader meets the old one or the new one and never half of either."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Gives an empty folder on the same disk; what the caller leaves in its ``new`` takes the place of ``folder``.

    After an error ``folder`` is as it was. A process that is killed between the two renames leaves no ``folder`` for
    the next one to replace, never a half one; what a killed process left is removed by the next. A second process
    waits.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}."
    with FileLock(folder.with_name(f"{prefix}lock")):
        for left in folder.parent.glob(f"{prefix}*.partial"):
            shutil.rmtree(left)
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=".partial", dir=folder.parent))
        try:
            yield work
            if folder.exists():
                os.rename(folder, work / "old")
            os.rename(work / "new", folder)
        finally:
            shutil.rmtree(work)
