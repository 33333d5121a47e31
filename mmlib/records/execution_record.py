"""The hash of an executed notebook, in notebooks/NAME/execution.json: written last, so that a changed byte is seen.

metrics.json cannot hold it, as the notebook itself writes that before it ends.
"""

import os
from pathlib import Path

from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import opened, read_exactly, sealed


def record_file(executed: Path) -> Path:
    """Of notebooks/NAME.ipynb, and of the NAME.failed.ipynb of which only one is there."""
    return executed.with_name(executed.stem.removesuffix(".failed")) / "execution.json"


def write_record(executed: Path) -> None:
    """Notes that ``executed``, a NAME.ipynb or NAME.failed.ipynb, is as it is now."""
    content = {"notebook": executed.stem.removesuffix(".failed"), "file": executed.name, "sha256": sha256_of(executed)}
    write_json(record_file(executed), sealed(content))


def require_whole(executed: Path) -> None:
    """Raises ValueError if ``executed`` is not what was recorded, or its record is damaged; accepts one without.

    An earlier version wrote no record.
    """
    file = record_file(executed)
    if not os.path.lexists(file):
        return
    try:
        record = opened(read_exactly(file))
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(f"{file} is damaged ({error}): execute the notebook again.") from error
    if not executed.is_file() or (record.get("file"), record.get("sha256")) != (executed.name, sha256_of(executed)):
        raise ValueError(
            f"{executed} is damaged (its sha256 is not the one that was recorded when it was executed): "
            "execute the notebook again."
        )
