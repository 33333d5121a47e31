"""Reading what ``python -m data_prep NAME`` wrote: NAME.npz with the arrays and NAME.json that vouches for it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmlib import paths
from mmlib.records.catalogue import command_for
from mmlib.records.sealed import NotSealed, opened


class DataNotPrepared(FileNotFoundError):
    """The data set is not in the data folder; the message names the command that puts it there."""


class DataDamaged(ValueError):
    """A prepared file cannot be read or is not the one that was written; the message names it and says what to do."""


class Prepared(NamedTuple):
    """arrays: name -> array; manifest: source, licence, hashes, sizes, class names, split rule."""

    arrays: dict[str, np.ndarray]
    manifest: dict


def files_of(name: str) -> tuple[Path, Path]:
    """The arrays (npz) and the manifest (json) of the prepared data set ``name``."""
    folder = paths.data_dir()
    return folder / f"{name}.npz", folder / f"{name}.json"


def read_prepared(name: str) -> Prepared:
    """The prepared data set ``name``. Raises DataNotPrepared or DataDamaged."""
    arrays_file, manifest_file = files_of(name)
    for file in (manifest_file, arrays_file):
        check_there(name, file)
    manifest = read_manifest(name, manifest_file, "npz_sha256")
    with reading(name, arrays_file):
        content = arrays_file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != manifest["npz_sha256"]:
        raise damaged(name, arrays_file, f"its sha256 is {found}, the manifest says {manifest['npz_sha256']}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Prepared(dict(arrays), manifest)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(name, arrays_file, f"it is no npz file of plain arrays: {error}") from error


def is_prepared(name: str) -> bool:
    """Whether the data set ``name`` lies in the data folder: its manifest comes last, and so vouches for the rest.

    Raises DataDamaged if the folder cannot be read.
    """
    arrays_file, manifest_file = files_of(name)
    with reading(name, manifest_file):
        return manifest_file.is_file() and (arrays_file.is_file() or arrays_file.with_suffix("").is_dir())


def check_there(name: str, file: Path) -> None:
    """Raises DataNotPrepared if ``file`` is missing, DataDamaged if something else lies in its place."""
    with reading(name, file):
        if file.is_file():
            return
        if file.exists():
            raise DataDamaged(f"{file} is not a file: remove it, and make the set again with  {command_for(name)}")
    raise DataNotPrepared(f"{name} is not prepared ({file} is missing): run  {command_for(name)}")


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


def read_manifest(name: str, file: Path, vouches_by: str) -> dict:
    """The manifest in ``file``, which must have the entry ``vouches_by``. Raises DataDamaged."""
    with reading(name, file):
        content = file.read_bytes()
    try:
        manifest = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(name, file, f"it is no JSON: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get(vouches_by), (str, dict)):
        raise damaged(name, file, "it does not hold the sha256 of the arrays")
    try:
        opened(manifest)
    except NotSealed:
        pass  # an earlier version wrote it; `python -m mmlib verify` counts these
    except ValueError as error:
        raise damaged(name, file, str(error)) from error
    return manifest


def damaged(name: str, file: Path, why: str) -> DataDamaged:
    """The error that says what is wrong with ``file`` and how to make it anew."""
    return DataDamaged(f"{file} is damaged ({why}): make it anew with  {command_for(name)}")
