"""The manifest NAME.json of a prepared data set, which vouches for its arrays: one npz file, or npy files in a folder.

prepared.py reads the one form and stored.py the other; what is missing or damaged is named here for both.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmlib import paths
from mmlib.records.catalogue import command_for
from mmlib.records.sealed import NotSealed, opened


class DataNotPrepared(FileNotFoundError):
    """The data set is not in the data folder; the message names the command that puts it there."""


class DataDamaged(ValueError):
    """A prepared file cannot be read or is not the one that was written; the message names it and says what to do."""


def manifest_file(name: str) -> Path:
    """Where the manifest of the data set ``name`` lies."""
    return paths.data_dir() / f"{name}.json"


def read_manifest(name: str, vouches_by: str, files: Iterable[Path] = ()) -> dict:
    """The manifest of the data set ``name``, which must have the entry ``vouches_by``; its seal is checked.

    files: further ones that must be there. Raises DataNotPrepared, DataDamaged.
    """
    file = manifest_file(name)
    for needed in (file, *files):
        _check_there(name, needed)
    with reading(name, file):
        content = file.read_bytes()
    try:
        manifest = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(name, file, f"it is not JSON: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get(vouches_by), (str, dict)):
        raise damaged(name, file, "it does not hold the sha256 of the arrays")
    try:
        opened(manifest)
    except NotSealed:
        pass  # an earlier version wrote it; `python -m mmlib verify` counts these
    except ValueError as error:
        raise damaged(name, file, str(error)) from error
    return manifest


def check_sha256(name: str, file: Path, found: str, expected: str) -> None:
    """Raises DataDamaged unless ``found``, the sha256 of an array's file, is what the manifest says."""
    if found != expected:
        raise damaged(name, file, f"its sha256 is {found}, the manifest says {expected}")


@contextmanager
def reading(name: str, file: Path) -> Iterator[None]:
    """Inside, an error of the system (no right to read, a disk that fails) is raised as DataDamaged."""
    try:
        yield
    except OSError as error:
        raise DataDamaged(
            f"{error.filename or file} cannot be read ({error.strerror or error}): make it readable, or prepare the "
            f"set again with  {command_for(name)}"
        ) from error


def damaged(name: str, file: Path, why: str) -> DataDamaged:
    """The error that says what is wrong with ``file`` and how to make it again."""
    return DataDamaged(f"{file} is damaged ({why}): make it again with  {command_for(name)}")


def _check_there(name: str, file: Path) -> None:
    with reading(name, file):
        if file.is_file():
            return
        if file.exists():
            raise DataDamaged(f"{file} is not a file: remove it, and make the set again with  {command_for(name)}")
    raise DataNotPrepared(f"{name} is not prepared ({file} is missing): run  {command_for(name)}")
